//! What a payment makes public, and what those who are paid learn of it.
//!
//! A transaction shows its inputs, its outputs and its kernels together, until a block joins it with others. Amounts and addresses
//! are never in it. Who is paid knows his own output and kernel, so he can count the others.

use crate::outputs::OutputRecord;
use core::fmt;
use sotto_mw::{amount::Amount, output::OutputFeatures};

/// What a payment makes public about its sender's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linkage {
    /// Outputs of this wallet that are seen to be spent together.
    pub inputs: usize,
    /// How many of them are block rewards, whose sealer is known.
    pub rewards: usize,
    /// New outputs that are the receivers', each with a kernel.
    pub payees: usize,
    /// New outputs that are this wallet's.
    pub own: usize,
}

impl Linkage {
    pub(super) fn of(inputs: &[OutputRecord], payees: usize, change: Amount) -> Self {
        let rewards = inputs.iter().filter(|i| i.features == OutputFeatures::Coinbase).count();
        Self { inputs: inputs.len(), rewards, payees, own: usize::from(change > Amount::ZERO) }
    }
}

impl fmt::Display for Linkage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inputs, rewards, payees, own } = self;
        match inputs {
            1 => f.write_str("one of your outputs is spent")?,
            n => write!(f, "{n} of your outputs are spent together")?,
        }
        match (inputs, rewards) {
            (_, 0) => {}
            (1, _) => f.write_str(", a block reward")?,
            (_, n) => write!(f, ", {n} of them block rewards")?,
        }
        match (payees, own) {
            (0, _) | (1, 0) => f.write_str("; no change"),
            (1, _) => f.write_str("; one of the two new outputs is your change"),
            (_, 0) => write!(f, "; {payees} new outputs, no change"),
            _ => write!(f, "; one of the {} new outputs is your change", payees + own),
        }?;
        if *payees > 1 {
            write!(
                f,
                "; each of the {payees} who are paid can see how many the others are, and neither who they are nor what they get"
            )?;
        }
        Ok(())
    }
}
