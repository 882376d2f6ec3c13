//! The arguments of the kernels.

use crate::hash::HashKey;
use crate::{Block, Delta};

/// A garbled table: the two rows `TG ‖ TE` of a half gate, 32 bytes.
pub(crate) type Table = [u8; 32];

/// The destinations of the XORs of four streams, four positions at a time.
pub(crate) struct Sums<'a> {
    pub(crate) low: &'a mut [[Block; 4]],
    pub(crate) high: &'a mut [[Block; 4]],
    pub(crate) sum: &'a mut [[Block; 4]],
}

/// The garbler's parameters of a slice of gates.
pub(crate) struct GarbleContext<'a> {
    pub(crate) delta: &'a Delta,
    pub(crate) key: &'a HashKey,
    /// The number of the first gate.
    pub(crate) first: u64,
}

/// The evaluator's parameters of a slice of gates.
pub(crate) struct EvaluateContext<'a> {
    pub(crate) key: &'a HashKey,
    /// The number of the first gate.
    pub(crate) first: u64,
}

/// The parameters of a slice of pairs of hashes.
pub(crate) struct PairContext<'a> {
    pub(crate) delta: &'a Delta,
    pub(crate) key: &'a HashKey,
    /// The number of the first pair.
    pub(crate) first: u64,
}
