//! What a payment makes public, and what its recipients learn of each other.
//!
//! A transaction shows its inputs, outputs and kernels together until a block joins it with others. It never
//! shows amounts or addresses. A recipient knows its own output and kernel, so it can count the others.

use crate::{keys::OutputKind, outputs::OutputRecord};
use core::fmt;
use sotto_mw::amount::Amount;

/// What a payment makes public about the payer's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linkage {
    /// Outputs of this wallet that are visibly spent together.
    pub inputs: usize,
    /// The number of block rewards among them; the sealer of a block is known.
    pub rewards: usize,
    /// New outputs of the recipients, each with a kernel.
    pub payees: usize,
    /// New outputs of theirs beside these, without a kernel of their own.
    pub beside: usize,
    /// New outputs of this wallet.
    pub own: usize,
}

impl Linkage {
    pub(crate) fn of(inputs: &[OutputRecord], payees: usize, change: Amount) -> Self {
        let rewards = inputs.iter().filter(|i| i.kind == OutputKind::Coinbase).count();
        let own = usize::from(change > Amount::ZERO);
        Self { inputs: inputs.len(), rewards, payees, beside: 0, own }
    }
}

impl fmt::Display for Linkage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inputs, rewards, payees, beside, own } = self;
        let theirs = payees + beside;
        match inputs {
            1 => f.write_str("one of your outputs is spent")?,
            n => write!(f, "{n} of your outputs are spent together")?,
        }
        match (inputs, rewards) {
            (_, 0) => {}
            (1, _) => f.write_str(", a block reward")?,
            (_, n) => write!(f, ", {n} of them block rewards")?,
        }
        match (theirs, own) {
            (0, _) | (1, 0) => f.write_str("; no change"),
            (1, _) => f.write_str("; one of the two new outputs is your change"),
            (_, 0) => write!(f, "; {theirs} new outputs, no change"),
            _ => write!(f, "; one of the {} new outputs is your change", theirs + own),
        }?;
        if *payees > 1 {
            write!(
                f,
                "; each of the {payees} recipients can see how many others there are, but not who they are or what they get"
            )?;
        }
        Ok(())
    }
}
