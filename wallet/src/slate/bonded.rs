//! What a payer of an invoice adds if it spends one-sided outputs: the kernel of the invoice is fixed and
//! holds no bond, so a kernel that the payer signs alone stands beside it.
//!
//! ```text
//! bytes = list of one-sided inputs (160 each) ‖ kernel ‖ bond (96) ‖ y (32)
//! ```
//!
//! The payer's offset covers its keys in both kernels at once. The receiver therefore cannot use one kernel
//! without the other: the payment balances with both or not at all (`docs/adr/0006`).
#![deny(clippy::indexing_slicing)]

use crate::codec::{list, put_list};
use sotto_mw::{
    codec::{Decode, DecodeError, Encode, Reader},
    group::Scalar,
    kernel::Kernel,
    one_sided::{Bond, OneSidedInput},
    transaction::{Body, BodyKernel},
};

/// The one-sided part of the payment of an invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BondedPart {
    /// The one-sided outputs that are spent, in ascending order.
    pub inputs: Vec<OneSidedInput>,
    /// The payer's kernel; its fee pays for itself, the bond and these inputs.
    pub kernel: Kernel,
    /// The bond of the kernel.
    pub bond: Bond,
    /// y, the public part of the keys.
    pub key_offset: Scalar,
}

impl BondedPart {
    /// Adds the part to a body.
    pub(crate) fn add_to(&self, body: &mut Body) {
        let Self { inputs, kernel, bond, key_offset } = self;
        body.one_sided_inputs.extend(inputs);
        body.push_kernel(BodyKernel { kernel: kernel.clone(), bond: Some(*bond) });
        body.key_offset += key_offset;
    }
}

impl Encode for BondedPart {
    fn encode(&self, out: &mut Vec<u8>) {
        put_list(&self.inputs, out);
        self.kernel.encode(out);
        self.bond.encode(out);
        self.key_offset.encode(out);
    }
}

impl Decode for BondedPart {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            inputs: list(r, "one-sided inputs", 160)?,
            kernel: Kernel::decode(r)?,
            bond: Bond::decode(r)?,
            key_offset: Scalar::decode(r)?,
        })
    }
}
