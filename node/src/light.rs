//! What a wallet can hold a node's answers against when it knows nothing but the chain's parameters.
//!
//! ```text
//! chain id = H(parameters) ─▶ operator's key ─▶ seals a header ─▶ output root ─▶ chunks, single outputs or their absence
//!                                                              ├▶ kernel root ─▶ kernels, and in which block
//!                                                              └▶ body hash   ─▶ blocks
//! ```
//!
//! Guaranteed: outputs under a prefix are all there were, kernels and blocks are the chain's, as of a header that the operator
//! sealed, and headers only go on. Not guaranteed: that the header is the last (a node can keep later blocks back; what a wallet
//! saw in earlier runs, `sotto_wallet::scan` holds against it), and that a kernel which it denies is not there: a mountain range proves
//! presence only. Sums, signatures and range proofs are not verified: the operator's seal stands for them, and the audit of a
//! full node looks.

use crate::{effect::KernelProof, ledger::fork::compare, message::BlockName};
use core::cmp::Ordering;
use sotto_mw::{
    block::{Block, Header, SealedHeader, body_hash},
    chain::Chain,
    commitment::Commitment,
    hash::Hash,
    kernel::Excess,
    mmr::MmrError,
    state::{RewindData, Unspent},
    trie::{ChunkProof, Entry, Prefix, TrieError, TrieProof},
};

/// What is wrong with a node's answer. Each of them shows that the node is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lie {
    /// It gave another header than was asked for.
    #[error("its header is not the one that was asked for")]
    OtherHeader,
    /// Nobody who may has sealed it.
    #[error("its header was not sealed by the chain's operator")]
    Seal,
    /// It went back.
    #[error("its last block is worse than the one that it showed before")]
    Back,
    /// A header does not follow the one below.
    #[error("its headers do not follow each other")]
    Chain,
    /// The outputs are not those of the state.
    #[error("its outputs are not all, or not those of the chain: {0}")]
    Outputs(TrieError),
    /// The output is not the one of the state.
    #[error("its output is not the one of the chain")]
    Output,
    /// The kernel is not in the chain.
    #[error("its kernel is not in the chain: {0}")]
    Kernel(MmrError),
    /// The kernel is not in that block, or not that kernel.
    #[error("its kernel is not the one that was asked for, or in another block")]
    OtherKernel,
    /// The block is not the one of the header.
    #[error("its block is not the one that was sealed")]
    Block,
}

/// The header with this name, sealed; the genesis, which has no seal, is known.
///
/// # Errors
/// [`Lie::OtherHeader`], [`Lie::Seal`].
pub fn header(chain: &Chain, name: BlockName, given: Option<SealedHeader>) -> Result<Header, Lie> {
    let header = match given {
        Some(sealed) if sealed.holds(chain) => sealed.header,
        Some(_) => return Err(Lie::Seal),
        None => Header::genesis(chain),
    };
    if BlockName::of(&header) == name { Ok(header) } else { Err(Lie::OtherHeader) }
}

/// Whether a node can have left one tip for another: only for a better one. So answers that it dates to one tip before and
/// after are all of that state.
///
/// # Errors
/// [`Lie::Back`].
pub fn onward(before: &Header, next: &Header) -> Result<(), Lie> {
    if compare(next, before) == Ordering::Less { Err(Lie::Back) } else { Ok(()) }
}

/// Whether headers, ascending, lead to `tip`.
///
/// # Errors
/// [`Lie::Chain`].
pub fn chain(headers: &[SealedHeader], tip: &Header) -> Result<(), Lie> {
    let parents = headers.iter().map(|s| &s.header);
    let children = parents.clone().skip(1).chain([tip]);
    let follows = |(a, b): (&Header, &Header)| b.previous == a.hash() && b.height == a.height.next();
    if parents.zip(children).all(follows) { Ok(()) } else { Err(Lie::Chain) }
}

/// Whether these are all unspent outputs under a prefix after `tip`.
///
/// # Errors
/// [`Lie::Outputs`].
pub fn outputs(
    tip: &Header,
    prefix: Prefix,
    (outputs, proof): (&[RewindData], &ChunkProof),
) -> Result<(), Lie> {
    let entries: Vec<_> = outputs.iter().map(|u| Entry { key: u.key(), leaf: u.leaf() }).collect();
    proof.verify(&tip.output_root, prefix, &entries).map_err(Lie::Outputs)
}

/// Whether an output is unspent after `tip`, or is not.
///
/// # Errors
/// [`Lie::Outputs`], [`Lie::Output`].
pub fn output(
    tip: &Header,
    c: &Commitment,
    (given, proof): (Option<&Unspent>, &TrieProof),
) -> Result<(), Lie> {
    let leaf: Option<Hash> = proof.verify(&tip.output_root, &Unspent::key(c)).map_err(Lie::Outputs)?;
    if given.map(Unspent::leaf) == leaf { Ok(()) } else { Err(Lie::Output) }
}

/// Whether a kernel is in the chain up to `tip`, and in the block that comes between these headers.
///
/// # Errors
/// [`Lie::Kernel`], [`Lie::OtherKernel`].
pub fn kernel(
    tip: &Header,
    excess: &Excess,
    found: &KernelProof,
    (before, block): (&Header, &Header),
) -> Result<(), Lie> {
    let KernelProof { kernel, place, path, .. } = found;
    path.verify(&tip.kernel_root, &kernel.id(), *place, tip.kernel_count).map_err(Lie::Kernel)?;
    let there = (before.kernel_count..block.kernel_count).contains(place);
    if there && kernel.excess == *excess { Ok(()) } else { Err(Lie::OtherKernel) }
}

/// Whether a block is the one of this header.
///
/// # Errors
/// [`Lie::Block`].
pub fn block(header: &Header, block: &Block) -> Result<(), Lie> {
    let same = block.header == *header && body_hash(&block.body) == header.body_hash;
    if same { Ok(()) } else { Err(Lie::Block) }
}
