//! The bounds of built-in programs, and a number that everyone knows as wires.

use sotto_mpc::Fancy;
use sotto_mpc::gadgets::Words;

/// The most input parties of a program.
pub(crate) const MAX_INPUT_PARTIES: usize = 64;

/// The most rows of an input party.
pub(crate) const MAX_ROWS: usize = 1 << 24;

/// A number that everyone knows, in one lane.
pub(crate) fn constant<F: Fancy>(f: &mut F, n: u128, width: usize) -> Words<F::Wire> {
    Words::new(1, (0..width).map(|i| f.constant(n >> i & 1 == 1)).collect())
}
