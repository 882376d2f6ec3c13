//! The kernels of a back end, and their arguments.

use crate::hash::HashKey;
use crate::{Block, Delta};

/// A garbled table: the two rows `TG ‖ TE` of a half gate, 32 bytes.
pub(crate) type Table = [u8; 32];

/// Two matrices of 128 × 128 bits: row `i` of the first, then row `i` of the second, each in two words.
pub(crate) type Matrices = [[u64; 4]; 128];

/// The destinations of the XORs of four streams, four positions at a time.
pub(crate) struct Sums<'a> {
    pub(crate) low: &'a mut [[Block; 4]],
    pub(crate) high: &'a mut [[Block; 4]],
    pub(crate) sum: &'a mut [[Block; 4]],
}

/// The round keys of a gate's two hashes: in each pair those of the first wire and of the second.
pub(crate) type Schedule = [[Block; 2]; 11];
/// How many schedules are made together.
pub(crate) const AHEAD: usize = 8;

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

/// The functions of an implementation; what each does is said at the method of `Backend` that calls it.
pub(super) struct Kernels {
    pub(super) name: &'static str,
    pub(super) garble: Garble,
    pub(super) evaluate: Evaluate,
    pub(super) hash: fn(&HashKey, u64, &[Block], &mut [Block]),
    pub(super) hash_both: fn(&PairContext<'_>, &[Block], &mut [[Block; 2]]),
    pub(super) fold_streams: fn(&[Block; 4], u64, Sums<'_>),
    pub(super) fold_sums: fn([&[[Block; 4]]; 4], Sums<'_>),
    pub(super) transpose: fn(&mut Matrices),
    /// None where round keys cannot be kept.
    pub(super) scheduled: Option<Scheduled>,
}

/// Half gates with round keys that were made before.
pub(super) struct Scheduled {
    /// Makes those of the gates from a number on (modulo 2⁶⁴).
    pub(super) schedule: fn(&HashKey, u64, &mut [Schedule; AHEAD]),
    pub(super) garble: GarbleScheduled,
    pub(super) evaluate: EvaluateScheduled,
}

type GarbleScheduled = fn(&Delta, &[Schedule], &[Block], &[Block], &mut [Block], &mut [Table]);
type EvaluateScheduled = fn(&[Schedule], &[Block], &[Block], &[Table], &mut [Block]);

type Garble = fn(&GarbleContext<'_>, &[Block], &[Block], &mut [Block], &mut [Table]);
type Evaluate = fn(&EvaluateContext<'_>, &[Block], &[Block], &[Table], &mut [Block]);
