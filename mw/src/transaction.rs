//! Bodies and transactions.
//!
//! A transaction balances if `Σ outputs + fees·H − Σ inputs = Σ excesses + offset·G`. An input is only the
//! commitment that it spends: everything else about that output comes from the state. What is one-sided also
//! has keys, which balance against bonds and y ([`crate::one_sided`]).

use crate::{
    amount::Amount,
    chain::{INPUT_WEIGHT, ONE_SIDED_INPUT_WEIGHT},
    codec::{Decode, DecodeError, Encode, Reader, VERSION, encode_list},
    commitment::Commitment,
    group::Scalar,
    kernel::{Excess, Kernel},
    one_sided::{Bond, OneSidedInput},
    output::Output,
    terms::{Change, SignedChange},
};
use std::collections::BTreeMap;

/// An input: the commitment of the output that it spends.
pub type Input = Commitment;

/// The contents of a transaction or a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The outputs that are spent, in ascending order.
    pub inputs: Vec<Input>,
    /// The one-sided outputs that are spent, in ascending order of commitments.
    pub one_sided_inputs: Vec<OneSidedInput>,
    /// The outputs that are created, in ascending order of commitments.
    pub outputs: Vec<Output>,
    /// The kernels, in ascending order of excesses.
    pub kernels: Vec<Kernel>,
    /// The bond of each bonded kernel, by its excess.
    pub bonds: BTreeMap<Excess, Bond>,
    /// y, the public part of the keys; encoded only if a kernel is bonded, and zero otherwise.
    pub key_offset: Scalar,
    /// A change of the terms, in a block of a chain of validators.
    pub change: Option<Box<SignedChange>>,
}

impl Body {
    /// A body of plain items, sorted into canonical order.
    #[must_use]
    pub fn sorted(inputs: Vec<Input>, outputs: Vec<Output>, kernels: Vec<Kernel>) -> Self {
        Self { inputs, outputs, kernels, ..Self::default() }.in_order()
    }

    /// The body with its lists sorted into canonical order.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.inputs.sort_unstable();
        self.one_sided_inputs.sort_unstable_by_key(|i| i.commitment);
        self.outputs.sort_unstable_by_key(|o| o.commitment);
        self.kernels.sort_unstable_by_key(|k| k.excess);
        self
    }

    /// The commitments of all outputs that are spent, the plain ones first.
    pub fn spent(&self) -> impl Iterator<Item = &Commitment> {
        self.inputs.iter().chain(self.one_sided_inputs.iter().map(|i| &i.commitment))
    }

    /// The kernels with their bonds.
    pub fn body_kernels(&self) -> impl Iterator<Item = BodyKernel> {
        let bond = |k: &Kernel| self.bonds.get(&k.excess).filter(|_| k.features.is_bonded()).copied();
        self.kernels.iter().map(move |k| BodyKernel { kernel: k.clone(), bond: bond(k) })
    }

    /// Appends a kernel with its bond; returns whether no other kernel has the same excess and a bond, which
    /// no body may hold (MW-R01).
    pub fn push_kernel(&mut self, k: BodyKernel) -> bool {
        let BodyKernel { kernel, bond } = k;
        let alone = bond.is_none_or(|bond| self.bonds.insert(kernel.excess, bond).is_none());
        self.kernels.push(kernel);
        alone
    }

    /// The sum of all fees; `None` if it exceeds 64 bits.
    #[must_use]
    pub fn fees(&self) -> Option<Amount> {
        Amount::checked_sum(self.kernels.iter().map(|k| k.features.fee()))
    }

    /// The weight, as the block limit and the least fee count it.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.outputs.iter().map(Output::weight).sum::<u64>()
            + self.inputs.len() as u64 * INPUT_WEIGHT
            + self.one_sided_inputs.len() as u64 * ONE_SIDED_INPUT_WEIGHT
            + self.kernels.iter().map(|k| k.features.weight()).sum::<u64>()
    }

    /// The change of the terms, without its signatures.
    #[must_use]
    pub fn terms_change(&self) -> Option<&Change> {
        self.change.as_ref().map(|signed| &signed.change)
    }

    /// Whether a kernel is bonded.
    pub(crate) fn is_bonded(&self) -> bool {
        self.kernels.iter().any(|k| k.features.is_bonded())
    }
}

impl Encode for Body {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_list(&self.inputs, out);
        encode_list(&self.one_sided_inputs, out);
        encode_list(&self.outputs, out);
        encode_list(&self.body_kernels().collect::<Vec<_>>(), out);
        if self.is_bonded() {
            self.key_offset.encode(out);
        }
        out.push(self.change.is_some().into());
        self.change.iter().for_each(|change| change.encode(out));
    }
}

impl Body {
    /// How many bytes of its encoding come before the first output.
    pub(crate) fn bytes_before_outputs(&self) -> usize {
        let mut front = Vec::new();
        encode_list(&self.inputs, &mut front);
        encode_list(&self.one_sided_inputs, &mut front);
        encode_list::<Output>(&[], &mut front);
        front.len()
    }
}

/// A kernel as a body holds it: followed by its bond, if it is bonded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyKernel {
    /// The kernel, which stays.
    pub kernel: Kernel,
    /// Its bond, which vanishes with the body.
    pub bond: Option<Bond>,
}

impl Encode for BodyKernel {
    fn encode(&self, out: &mut Vec<u8>) {
        self.kernel.encode(out);
        self.bond.iter().for_each(|bond| bond.encode(out));
    }
}

impl Decode for BodyKernel {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kernel = Kernel::decode(r)?;
        let bond = if kernel.features.is_bonded() { Some(Bond::decode(r)?) } else { None };
        Ok(Self { kernel, bond })
    }
}

impl Decode for Body {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut body = Self {
            inputs: r.list("inputs", 32)?,
            one_sided_inputs: r.list("one-sided inputs", OneSidedInput::BYTES)?,
            outputs: r.list("outputs", Output::LEAST_BYTES)?,
            ..Self::default()
        };
        for k in r.list("kernels", Kernel::LEAST_BYTES)? {
            if !body.push_kernel(k) {
                return Err(DecodeError::Repeated { what: "bond" });
            }
        }
        if body.is_bonded() {
            body.key_offset = Scalar::decode(r)?;
        }
        body.change = match r.u8()? {
            0 => None,
            1 => Some(Box::new(SignedChange::decode(r)?)),
            code => return Err(DecodeError::Code { what: "flag of a change", code }),
        };
        Ok(body)
    }
}

/// A transaction: one payment, or several joined by [`crate::aggregate::aggregate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The public part of the excess. It prevents a reader from separating joined payments by trying sums.
    pub offset: Scalar,
    /// Inputs, outputs, kernels.
    pub body: Body,
}

impl Encode for Transaction {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.offset.encode(out);
        self.body.encode(out);
    }
}

impl Decode for Transaction {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.version()?;
        Ok(Self { offset: Scalar::decode(r)?, body: Body::decode(r)? })
    }
}
