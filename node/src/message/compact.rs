//! Compact blocks: a block sent to a peer that has most of its transactions in its mempool.
//!
//! ```text
//! compact  = header ‖ seal ‖ compact body         proposed = header ‖ compact body, between validators
//! body     = salt ‖ inputs of both kinds ‖ short ids of the outputs and of the kernels ‖ the reward itself ‖ y
//!            ‖ 0, or 1 ‖ change of the terms
//! short id = first 6 bytes of H("sotto/node-short/v1", header hash ‖ salt ‖ name)
//! name     = commitment ‖ ρ of a one-sided output, or kernel id ‖ bond of a bonded kernel
//! ```
//!
//! The receiver looks the ids up in its mempool, requests what is missing, and compares the body with the
//! hash in the header. Only the mempool is searched, never the stempool: the request would reveal what was
//! stemmed to the node.
//!
//! Guaranteed: a body that [`Filling::body`] returns is the one that the header names; items are only filled in where a
//! short id names them. The salt is the sender's, so an attacker cannot prepare a transaction whose id
//! collides everywhere. Not guaranteed: that a short id finds the right item; if it does not, the whole block
//! is requested.
//!
//! Source: the idea of BIP 152, "Compact Block Relay".

use crate::seal::SealedHeader;
use sotto_mw::{
    block::{Block, Header, Reward, body_hash},
    codec::Encode,
    commitment::Commitment,
    group::Scalar,
    hash::{Hash, tagged},
    one_sided::OneSidedInput,
    output::Output,
    terms::SignedChange,
    transaction::{Body, BodyKernel, Transaction},
};
use std::collections::HashMap;

/// The first bytes of a salted hash of an output's or kernel's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShortId(pub [u8; 6]);

impl ShortId {
    fn new(block: &Hash, salt: u64, name: &[u8]) -> Self {
        let hash = tagged("sotto/node-short/v1", &[block.as_bytes(), &salt.to_le_bytes(), name]);
        let mut id = [0; 6];
        id.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        Self(id)
    }
}

/// A block without the items that its receiver is likely to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compact {
    /// The header and its seal.
    pub sealed: SealedHeader,
    /// The body.
    pub body: CompactBody,
}

impl Compact {
    /// The compact form of a block; `None` when it has no reward, which every connected block has.
    #[must_use]
    pub fn of(block: &Block, salt: u64) -> Option<Self> {
        let body = CompactBody::of(&block.header, &block.body, salt)?;
        Some(Self { sealed: SealedHeader::of(block), body })
    }
}

/// A body without the items that its receiver is likely to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactBody {
    /// The salt of the short ids.
    pub salt: u64,
    /// All plain inputs.
    pub inputs: Vec<Commitment>,
    /// All one-sided inputs.
    pub one_sided_inputs: Vec<OneSidedInput>,
    /// The outputs but the reward, in the order of the block.
    pub outputs: Vec<ShortId>,
    /// The kernels but the reward's, in the order of the block.
    pub kernels: Vec<ShortId>,
    /// The reward, which no mempool has.
    pub reward: Reward,
    /// y of the body.
    pub key_offset: Scalar,
    /// The change of the terms, which no mempool has.
    pub change: Option<Box<SignedChange>>,
}

impl CompactBody {
    /// The compact form of the body that this header names; `None` when it has no reward.
    #[must_use]
    pub fn of(header: &Header, body: &Body, salt: u64) -> Option<Self> {
        let hash = header.hash();
        let output = body.outputs.iter().find(|o| o.is_coinbase())?.clone();
        let kernel = body.kernels.iter().find(|k| k.features.is_coinbase())?.clone();
        let short = |name: Vec<u8>| ShortId::new(&hash, salt, &name);
        let outputs = outputs(body).map(|o| short(output_name(o))).collect();
        let kernels = kernels(body).map(|k| short(kernel_name(&k))).collect();
        let (inputs, one_sided_inputs) = (body.inputs.clone(), body.one_sided_inputs.clone());
        let (reward, key_offset, change) = (Reward { output, kernel }, body.key_offset, body.change.clone());
        Some(Self { salt, inputs, one_sided_inputs, outputs, kernels, reward, key_offset, change })
    }
}

/// The outputs of a body but its reward.
fn outputs(body: &Body) -> impl Iterator<Item = &Output> {
    body.outputs.iter().filter(|o| !o.is_coinbase())
}

/// The kernels of a body but its reward's.
fn kernels(body: &Body) -> impl Iterator<Item = BodyKernel> {
    body.body_kernels().filter(|k| !k.kernel.features.is_coinbase())
}

/// What a short id of an output abbreviates. The range proof needs no place: one that differs is found by the
/// body's hash.
fn output_name(o: &Output) -> Vec<u8> {
    let mut name = o.commitment.to_bytes();
    o.features.one_sided().iter().for_each(|one_sided| one_sided.signature.encode(&mut name));
    name
}

/// What a short id of a kernel abbreviates: the same kernel under another bond has another.
fn kernel_name(k: &BodyKernel) -> Vec<u8> {
    let mut name = k.kernel.id().as_bytes().to_vec();
    k.bond.iter().for_each(|bond| bond.encode(&mut name));
    name
}

/// The items of a block at these places, counted without the reward; `None` when a place is out of range.
#[must_use]
pub fn items(
    body: &Body,
    output_places: &[u32],
    kernel_places: &[u32],
) -> Option<(Vec<Output>, Vec<BodyKernel>)> {
    let (all_outputs, all_kernels): (Vec<_>, Vec<_>) = (outputs(body).collect(), kernels(body).collect());
    let outputs = output_places.iter().map(|i| all_outputs.get(*i as usize).map(|o| (*o).clone()));
    let kernels = kernel_places.iter().map(|i| all_kernels.get(*i as usize).cloned());
    Some((outputs.collect::<Option<_>>()?, kernels.collect::<Option<_>>()?))
}

/// A compact body that is being filled.
///
/// ```
/// use sotto_mw::testing::TestChain;
/// use sotto_node::message::compact::{Compact, Filling};
///
/// let mut chain = TestChain::new(4);
/// chain.grow(Vec::new());
/// let block = &chain.blocks()[0];
/// let compact = Compact::of(block, 7).expect("a connected block has a reward");
/// // The block has only its reward, which the compact form includes: nothing is missing.
/// let filling = Filling::new(&block.header, compact.body, std::iter::empty());
/// assert_eq!(filling.missing(), (Vec::new(), Vec::new()));
/// assert_eq!(filling.body().as_ref(), Some(&block.body));
/// ```
#[derive(Clone, Debug)]
pub struct Filling {
    header: Hash,
    body_hash: Hash,
    compact: CompactBody,
    outputs: Vec<Option<Output>>,
    kernels: Vec<Option<BodyKernel>>,
}

impl Filling {
    /// Looks up what a compact body names among pending transactions.
    #[must_use]
    pub fn new<'a>(
        header: &Header,
        compact: CompactBody,
        pending: impl Iterator<Item = &'a Transaction>,
    ) -> Self {
        let (hash, salt) = (header.hash(), compact.salt);
        let (mut outputs, mut kernels) = (HashMap::new(), HashMap::new());
        for t in pending {
            let short = |name: Vec<u8>| ShortId::new(&hash, salt, &name);
            outputs.extend(t.body.outputs.iter().map(|o| (short(output_name(o)), o)));
            kernels.extend(t.body.body_kernels().map(|k| (short(kernel_name(&k)), k)));
        }
        let found_outputs = compact.outputs.iter().map(|id| outputs.get(id).map(|o| (*o).clone())).collect();
        let found_kernels = compact.kernels.iter().map(|id| kernels.get(id).cloned()).collect();
        let body_hash = header.body_hash;
        Self { header: hash, body_hash, outputs: found_outputs, kernels: found_kernels, compact }
    }

    /// The places of the outputs and of the kernels that are missing.
    #[must_use]
    pub fn missing(&self) -> (Vec<u32>, Vec<u32>) {
        (places(&self.outputs), places(&self.kernels))
    }

    /// Fills the gaps in order; returns whether the items are exactly those that the short ids name.
    pub fn fill(&mut self, outputs: Vec<Output>, kernels: Vec<BodyKernel>) -> bool {
        let short = |name: Vec<u8>| ShortId::new(&self.header, self.compact.salt, &name);
        fill(&mut self.outputs, &self.compact.outputs, outputs, |o| short(output_name(o)))
            && fill(&mut self.kernels, &self.compact.kernels, kernels, |k| short(kernel_name(k)))
    }

    /// The body, if nothing is missing and it is the one that the header names.
    #[must_use]
    pub fn body(self) -> Option<Body> {
        let CompactBody { inputs, one_sided_inputs, reward, key_offset, change, .. } = self.compact;
        let outputs = self.outputs.into_iter().chain([Some(reward.output)]).collect::<Option<_>>()?;
        let mut body = Body { inputs, one_sided_inputs, outputs, key_offset, change, ..Body::default() };
        for k in self.kernels {
            body.push_kernel(k?);
        }
        body.kernels.push(reward.kernel);
        let body = body.in_order();
        (body_hash(&body) == self.body_hash).then_some(body)
    }
}

fn places<T>(all: &[Option<T>]) -> Vec<u32> {
    all.iter().zip(0..).filter_map(|(item, place)| item.is_none().then_some(place)).collect()
}

fn fill<T>(gaps: &mut [Option<T>], ids: &[ShortId], items: Vec<T>, short: impl Fn(&T) -> ShortId) -> bool {
    let mut items = items.into_iter();
    for (gap, id) in gaps.iter_mut().zip(ids).filter(|(gap, _)| gap.is_none()) {
        *gap = items.next().filter(|item| short(item) == *id);
    }
    gaps.iter().all(Option::is_some) && items.next().is_none()
}
