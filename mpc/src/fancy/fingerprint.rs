//! The hash of a gate stream: what both sides of an agreement pin before they run a program.
//!
//! ```text
//! wire 0 is the default; each input, constant and gate makes the next wire
//! event    code u8 in the top byte of a u64 ‖ first operand in the rest ‖ second operand u64, little-endian
//!          1 AND a b    2 XOR a b    3 NOT a 0    4 CONSTANT bit 0    5 INPUT owner 0    6 OUTPUT a 0
//! hash     SHA-256("sotto mpc gate stream v1" ‖ events)
//! ```
//!
//! Two programs of one hash ask for the same gates of the same wires in the same order, however they cut their slices. Programs
//! come from strangers, so the count ends with an error where more AND gates are asked for than were allowed.

use sha2::{Digest, Sha256};

use super::{Cost, Fancy};

/// Bytes that are hashed at once.
const BUFFER: usize = 4096;

/// A program has more AND gates than were allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the program has more than {0} AND gates")]
pub struct TooManyGates(pub u64);

/// Hashes and counts gates; a wire is its number.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    /// AND gates that are allowed.
    most: u64,
    hash: Sha256,
    buffer: Vec<u8>,
    wires: u64,
    cost: Cost,
}

impl Fingerprint {
    /// Nothing yet, of at most so many AND gates.
    #[must_use]
    pub fn new(most: u64) -> Self {
        let hash = Sha256::new_with_prefix(b"sotto mpc gate stream v1");
        Self { most, hash, buffer: Vec::with_capacity(BUFFER), wires: 0, cost: Cost::default() }
    }

    /// The next input wire of an owner.
    pub fn input(&mut self, owner: usize) -> u64 {
        self.event(5, owner as u64, 0)
    }

    /// The hash with these outputs, and the cost; the depth is not measured here.
    #[must_use]
    pub fn finish(mut self, outputs: &[u64]) -> ([u8; 32], Cost) {
        for wire in outputs {
            self.event(6, *wire, 0);
        }
        self.hash.update(&self.buffer);
        (self.hash.finalize().into(), self.cost)
    }

    fn event(&mut self, code: u64, a: u64, b: u64) -> u64 {
        if self.buffer.len() == BUFFER {
            self.hash.update(&self.buffer);
            self.buffer.clear();
        }
        self.buffer.extend_from_slice(&(code << 56 | a).to_le_bytes());
        self.buffer.extend_from_slice(&b.to_le_bytes());
        self.wires += 1;
        self.wires
    }
}

impl Fancy for Fingerprint {
    type Wire = u64;
    type Error = TooManyGates;

    fn and_n(&mut self, a: &[u64], b: &[u64], out: &mut [u64]) -> Result<(), TooManyGates> {
        assert!(a.len() == b.len() && a.len() == out.len());
        self.cost.and_gates += out.len() as u64;
        if self.cost.and_gates > self.most {
            return Err(TooManyGates(self.most));
        }
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = self.event(1, *a, *b);
        }
        Ok(())
    }

    fn xor(&mut self, a: u64, b: u64) -> u64 {
        self.cost.free_gates += 1;
        self.event(2, a, b)
    }

    fn not(&mut self, a: u64) -> u64 {
        self.cost.free_gates += 1;
        self.event(3, a, 0)
    }

    fn constant(&mut self, bit: bool) -> u64 {
        self.event(4, bit.into(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(run: impl FnOnce(&mut Fingerprint) -> Vec<u64>) -> ([u8; 32], Cost) {
        let mut f = Fingerprint::new(2);
        let outputs = run(&mut f);
        f.finish(&outputs)
    }

    #[test]
    fn slices_do_not_matter_and_everything_else_does() {
        let gates = |owner: usize, swap: bool, constant: bool| {
            hash(|f| {
                let (a, b) = (f.input(owner), f.input(1));
                let (a, b) = if swap { (b, a) } else { (a, b) };
                let (c, d) = (f.and(a, b).unwrap(), f.and(b, b).unwrap());
                let e = f.constant(constant);
                vec![f.xor(c, d), f.not(e)]
            })
        };
        let (this, cost) = gates(0, false, false);
        assert_eq!((cost.and_gates, cost.free_gates), (2, 2));
        for other in [gates(1, false, false), gates(0, true, false), gates(0, false, true)] {
            assert_ne!(other.0, this);
        }
        let (sliced, _) = hash(|f| {
            let (a, b) = (f.input(0), f.input(1));
            let mut out = [0; 2];
            f.and_n(&[a, b], &[b, b], &mut out).unwrap();
            let e = f.constant(false);
            vec![f.xor(out[0], out[1]), f.not(e)]
        });
        assert_eq!(sliced, this);
    }

    #[test]
    fn the_count_ends_at_what_is_allowed() {
        let mut f = Fingerprint::new(3);
        let wires = [f.input(0); 4];
        let mut out = wires;
        assert_eq!(f.and_n(&wires[..3], &wires[..3], &mut out[..3]), Ok(()));
        assert_eq!(f.and(wires[0], wires[1]), Err(TooManyGates(3)));
    }

    /// The hash of an AND of two owners' bits, computed from the layout above.
    #[test]
    fn the_bytes_are_as_drawn() {
        let (this, _) = hash(|f| {
            let (a, b) = (f.input(0), f.input(1));
            vec![f.and(a, b).unwrap()]
        });
        let event = |code: u8, a: u8, b: u8| [a, 0, 0, 0, 0, 0, 0, code, b, 0, 0, 0, 0, 0, 0, 0];
        let events = [event(5, 0, 0), event(5, 1, 0), event(1, 1, 2), event(6, 3, 0)];
        let hash = Sha256::new_with_prefix(b"sotto mpc gate stream v1").chain_update(events.as_flattened());
        assert_eq!(this, <[u8; 32]>::from(hash.finalize()));
    }
}
