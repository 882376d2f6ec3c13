//! What ties the two passes over a program to each other.
//!
//! The masks of the first pass belong to the wires of the second only if the program asks for the same gates
//! both times. So a wire of either pass carries a *form* of 64 bits besides its blocks, which says what it
//! computes, and both passes hash the forms:
//!
//! ```text
//! input bit and AND gate   a form of its own, from the number of inputs or of gates so far
//! XOR                      XOR of both forms         NOT   XOR of the form of the constant true       false   0
//! digest                   of the stream of each input bit, both operands of each gate, and the outputs, in order
//! ```
//!
//! Programs whose XORs and NOTs differ but compute the same wires have one digest, as they may: masks and
//! labels are linear too. The digests are compared before anything of a chunk is reported or proved.
//!
//! Guaranteed: a program that differs by accident is noticed except with probability 2⁻⁶³. This is no
//! cryptographic hash: it defends a party against its own program, which does not know it, not against the
//! peer.

use core::ops::BitXor;

use super::error::SessionError;
use crate::Block;

/// The form of the constant true.
const TRUE: u64 = 0x6a09_e667_f3bc_c908;
/// The factor of the digest: odd, so that a step loses nothing.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A wire of either pass: N secret blocks, and the form.
#[derive(Clone, Copy)]
pub(super) struct Wire<const N: usize> {
    /// As words, so that a wire takes no more than its contents.
    blocks: [[u64; 2]; N],
    pub(super) form: u64,
}

impl<const N: usize> Wire<N> {
    pub(super) fn new(blocks: [Block; N], form: u64) -> Self {
        Self { blocks: blocks.map(Block::halves), form }
    }

    pub(super) fn blocks(self) -> [Block; N] {
        self.blocks.map(Block::from_halves)
    }

    /// A constant with these blocks.
    pub(super) fn constant(blocks: [Block; N], bit: bool) -> Self {
        Self::new(blocks, TRUE & u64::from(bit).wrapping_neg())
    }

    /// The negation, which has these blocks.
    pub(super) fn negated(self, blocks: [Block; N]) -> Self {
        Self::new(blocks, self.form ^ TRUE)
    }
}

/// A public false.
impl<const N: usize> Default for Wire<N> {
    fn default() -> Self {
        Self::new([Block::ZERO; N], 0)
    }
}

impl<const N: usize> BitXor for Wire<N> {
    type Output = Self;
    fn bitxor(self, other: Self) -> Self {
        let blocks = core::array::from_fn(|i| {
            let ([a, b], [c, d]) = (self.blocks[i], other.blocks[i]);
            [a ^ c, b ^ d]
        });
        Self { blocks, form: self.form ^ other.form }
    }
}

/// The gates, inputs and outputs of a pass so far.
#[derive(Clone, Default)]
pub(super) struct Trace {
    gates: u64,
    inputs: u64,
    digest: u64,
}

impl Trace {
    /// The form of the next gate, which has operands of these forms.
    pub(super) fn gate(&mut self, [a, b]: [u64; 2]) -> u64 {
        self.add(a);
        self.add(b);
        self.gates += 1;
        mix(self.gates << 1)
    }

    /// The form of the next input bit, which is of this stream.
    pub(super) fn input(&mut self, stream: usize) -> u64 {
        self.add(stream as u64);
        self.inputs += 1;
        mix(self.inputs << 1 | 1)
    }

    /// Ends the pass with these outputs.
    pub(super) fn outputs<const N: usize>(&mut self, outputs: &[Wire<N>]) {
        outputs.iter().for_each(|wire| self.add(wire.form));
    }

    /// Everything so far.
    pub(super) fn digest(&self) -> [u64; 3] {
        [self.gates, self.inputs, self.digest]
    }

    /// Compares this pass with the other one.
    ///
    /// # Errors
    /// If the program has done something else.
    pub(super) fn compare(&self, other: [u64; 3]) -> Result<(), SessionError> {
        if self.digest() == other { Ok(()) } else { Err(SessionError::Unsteady) }
    }

    fn add(&mut self, form: u64) {
        self.digest = (self.digest ^ form).wrapping_mul(FACTOR).rotate_left(29);
    }
}

/// A permutation of 64-bit numbers that scatters them (the finalizer of SplitMix64).
const fn mix(x: u64) -> u64 {
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    type One = Wire<1>;

    /// The digest of a program that gets three inputs.
    fn digest(program: impl FnOnce(&mut Trace, [One; 3]) -> Vec<One>) -> [u64; 3] {
        let mut trace = Trace::default();
        let inputs = [0, 1, 1].map(|stream| One::new([Block::ZERO], trace.input(stream)));
        let outputs = program(&mut trace, inputs);
        trace.outputs(&outputs);
        trace.digest()
    }

    fn and(trace: &mut Trace, a: One, b: One) -> One {
        One::new([Block::ZERO], trace.gate([a.form, b.form]))
    }

    fn not(a: One) -> One {
        a.negated(a.blocks())
    }

    #[test]
    fn the_digest_depends_on_what_is_computed_and_not_on_how_xors_are_written() {
        let base = digest(|t, [x, y, z]| vec![and(t, x ^ y, not(z))]);
        assert_eq!(digest(|t, [x, y, z]| vec![and(t, y ^ x ^ One::default(), not(not(not(z))))]), base);
        let true_wire = One::constant([Block::ZERO], true);
        assert_eq!(digest(|t, [x, y, z]| vec![and(t, x ^ y, z ^ true_wire)]), base);
        let mut seen = vec![base];
        for other in [
            digest(|t, [x, y, z]| vec![and(t, not(z), x ^ y)]),
            digest(|t, [x, y, z]| vec![and(t, x ^ y, z)]),
            digest(|t, [x, y, z]| vec![and(t, x ^ z, not(y))]),
            digest(|t, [x, y, z]| vec![not(and(t, x ^ y, not(z)))]),
            digest(|t, [x, y, z]| vec![and(t, x ^ y, not(z)), x]),
            digest(|t, [x, y, z]| vec![and(t, x ^ y, not(z)); 2]),
            digest(|t, [x, y, z]| {
                let _ = and(t, x ^ y, not(z));
                vec![and(t, x ^ y, not(z))]
            }),
            digest(|t, [x, y, z]| {
                let _ = t.input(0);
                vec![and(t, x ^ y, not(z))]
            }),
            digest(|_, _| Vec::new()),
        ] {
            assert!(!seen.contains(&other));
            seen.push(other);
        }
    }

    #[test]
    fn the_order_of_reads_and_gates_counts() {
        let read_first = digest(|t, [x, y, _]| {
            let _ = t.input(1);
            vec![and(t, x, y)]
        });
        let gate_first = digest(|t, [x, y, _]| {
            let c = and(t, x, y);
            let _ = t.input(1);
            vec![c]
        });
        assert_ne!(read_first, gate_first);
    }

    #[test]
    fn a_wire_takes_its_blocks_and_eight_bytes() {
        assert_eq!((size_of::<Wire<1>>(), size_of::<Wire<2>>()), (24, 40));
    }
}
