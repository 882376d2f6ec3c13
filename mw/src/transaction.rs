//! Bodies and transactions.
//!
//! A transaction balances if `Σ outputs + fees·H − Σ inputs = Σ excesses + offset·G`. An input is only the
//! commitment that it spends: everything else about that output comes from the state.

use crate::{
    amount::Amount,
    chain::{EXTRA_BYTES_PER_WEIGHT, INPUT_WEIGHT, KERNEL_WEIGHT, OUTPUT_WEIGHT},
    codec::{Decode, DecodeError, Encode, Reader, VERSION, encode_list},
    commitment::Commitment,
    group::Scalar,
    kernel::Kernel,
    output::Output,
};

/// An input: the commitment of the output that it spends.
pub type Input = Commitment;

/// The contents of a transaction or a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The outputs that are spent, in ascending order.
    pub inputs: Vec<Input>,
    /// The outputs that are created, in ascending order of commitments.
    pub outputs: Vec<Output>,
    /// The kernels, in ascending order of excesses.
    pub kernels: Vec<Kernel>,
}

impl Body {
    /// A body of these items, sorted into canonical order.
    #[must_use]
    pub fn sorted(mut inputs: Vec<Input>, mut outputs: Vec<Output>, mut kernels: Vec<Kernel>) -> Self {
        inputs.sort_unstable();
        outputs.sort_unstable_by_key(|o| o.commitment);
        kernels.sort_unstable_by_key(|k| k.excess);
        Self { inputs, outputs, kernels }
    }

    /// The sum of all fees; `None` if it exceeds 64 bits.
    #[must_use]
    pub fn fees(&self) -> Option<Amount> {
        Amount::checked_sum(self.kernels.iter().map(|k| k.features.fee()))
    }

    /// The weight, as the block limit and the least fee count it.
    #[must_use]
    pub fn weight(&self) -> u64 {
        let extra = |o: &Output| (o.extra.as_bytes().len() as u64).div_ceil(EXTRA_BYTES_PER_WEIGHT);
        let outputs: u64 = self.outputs.iter().map(|o| OUTPUT_WEIGHT + extra(o)).sum();
        self.inputs.len() as u64 * INPUT_WEIGHT + outputs + self.kernels.len() as u64 * KERNEL_WEIGHT
    }
}

impl Encode for Body {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_list(&self.inputs, out);
        encode_list(&self.outputs, out);
        encode_list(&self.kernels, out);
    }
}

impl Decode for Body {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            inputs: r.list("inputs", 32)?,
            outputs: r.list("outputs", Output::LEAST_BYTES)?,
            kernels: r.list("kernels", Kernel::LEAST_BYTES)?,
        })
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
