//! The hash of a gate stream: parties pin it before they agree to run a program.
//!
//! ```text
//! wire 0 is the default; each input, constant, gate and output, event k, makes wire k, from 1
//! event    near   code u4 ‖ x u30 ‖ y u30      one u64, the code in its highest bits     if x and y are below 2^30
//!          far    8 + code u4 ‖ 0 u60, x, y    three u64                                 otherwise
//!          1 AND, 2 XOR   x = k − a, y = k − b      the distances to the operands a and b
//!          3 NOT, 6 OUTPUT   x = k − a, y = 0      4 CONSTANT   x = bit, y = 0      5 INPUT   x = stream, y = 0
//! hash     BLAKE3 derive_key in the context "sotto mpc gate stream v2" of the events, each u64 little-endian
//! ```
//!
//! **Different streams have different bytes.** Read from the front, the highest bit of a word tells whether
//! its event has one word or three, so the bytes divide into events in exactly one way, and the number of an
//! event is the number of events before it. A near and a far event differ in that bit, and an event that can
//! be near is never far. Within an event, the code, x and y have bits of their own, and together with k they
//! determine the operands.
//!
//! So two programs with the same hash ask for the same gates on the same wires in the same order, however
//! they divide them into slices. The interpreter stops with an error when a program has more AND gates than
//! allowed, because programs may come from strangers.

use super::{Cost, Fancy};

const CONTEXT: &str = "sotto mpc gate stream v2";

/// Words that are hashed at once: enough for BLAKE3 to process sixteen chunks in parallel, and less than a
/// second-level cache.
const WORDS: usize = 8192;
/// The bits of an operand in a near event.
const NEAR: u32 = 30;

const AND: u64 = 1;
const XOR: u64 = 2;
const NOT: u64 = 3;
const CONSTANT: u64 = 4;
const INPUT: u64 = 5;
const OUTPUT: u64 = 6;
/// The flag in the code of a far event.
const FAR: u64 = 8;

/// A program has more AND gates than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the program has more than {0} AND gates")]
pub struct TooManyGates(pub u64);

/// The interpreter that hashes and counts gates; a wire is its number.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    /// The largest allowed number of AND gates.
    most: u64,
    hash: blake3::Hasher,
    words: Box<[[u8; 8]]>,
    /// The number of words that are not hashed yet.
    filled: usize,
    /// The number of events so far.
    events: u64,
    cost: Cost,
}

impl Fingerprint {
    /// An empty stream that allows at most this many AND gates.
    #[must_use]
    pub fn new(most: u64) -> Self {
        let (hash, words) = (blake3::Hasher::new_derive_key(CONTEXT), vec![[0; 8]; WORDS].into());
        Self { most, hash, words, filled: 0, events: 0, cost: Cost::default() }
    }

    /// The next input wire of an input stream.
    pub fn input(&mut self, stream: usize) -> u64 {
        self.event(INPUT, stream as u64, 0)
    }

    /// Ends the stream with these outputs; returns its hash, and its cost without the depth.
    #[must_use]
    pub fn finish(mut self, outputs: &[u64]) -> ([u8; 32], Cost) {
        for wire in outputs {
            let x = self.back_to(*wire);
            self.event(OUTPUT, x, 0);
        }
        self.empty();
        (self.hash.finalize().into(), self.cost)
    }

    /// The distance from the next event back to a wire.
    const fn back_to(&self, wire: u64) -> u64 {
        (self.events + 1).wrapping_sub(wire)
    }

    fn event(&mut self, code: u64, x: u64, y: u64) -> u64 {
        if (x | y) >> NEAR == 0 {
            self.word(code << (2 * NEAR) | x << NEAR | y);
        } else {
            [(FAR | code) << (2 * NEAR), x, y].into_iter().for_each(|word| self.word(word));
        }
        self.events += 1;
        self.events
    }

    fn word(&mut self, word: u64) {
        if self.filled == WORDS {
            self.empty();
        }
        self.words[self.filled] = word.to_le_bytes();
        self.filled += 1;
    }

    fn empty(&mut self) {
        self.hash.update(self.words[..self.filled].as_flattened());
        self.filled = 0;
    }

    /// Adds a gate for each pair of operands: the same as calling [`event`](Self::event) for each, without
    /// branches.
    fn gates(&mut self, code: u64, mut a: &[u64], mut b: &[u64], mut out: &mut [u64]) {
        assert!(a.len() == b.len() && a.len() == out.len());
        while !out.is_empty() {
            if self.filled == WORDS {
                self.empty();
            }
            let n = out.len().min(WORDS - self.filled);
            let (a_now, b_now, out_now);
            ((a_now, a), (b_now, b), (out_now, out)) = (a.split_at(n), b.split_at(n), out.split_at_mut(n));
            let (mut k, mut all) = (self.events, 0);
            let words = self.words[self.filled..][..n].iter_mut();
            for (((word, out), a), b) in words.zip(&mut *out_now).zip(a_now).zip(b_now) {
                k += 1;
                let (x, y) = (k.wrapping_sub(*a), k.wrapping_sub(*b));
                all |= x | y;
                *word = (code << (2 * NEAR) | x << NEAR | y).to_le_bytes();
                *out = k;
            }
            if all >> NEAR == 0 {
                (self.events, self.filled) = (k, self.filled + n);
            } else {
                // An operand is far: the words written above do not count yet, and are overwritten.
                for (a, b) in a_now.iter().zip(b_now) {
                    let (x, y) = (self.back_to(*a), self.back_to(*b));
                    self.event(code, x, y);
                }
            }
        }
    }
}

impl Fancy for Fingerprint {
    type Wire = u64;
    type Error = TooManyGates;

    fn and_n(&mut self, a: &[u64], b: &[u64], out: &mut [u64]) -> Result<(), TooManyGates> {
        self.cost.and_gates += out.len() as u64;
        if self.cost.and_gates > self.most {
            return Err(TooManyGates(self.most));
        }
        self.gates(AND, a, b, out);
        Ok(())
    }

    fn xor(&mut self, a: u64, b: u64) -> u64 {
        self.cost.free_gates += 1;
        let (x, y) = (self.back_to(a), self.back_to(b));
        self.event(XOR, x, y)
    }

    fn not(&mut self, a: u64) -> u64 {
        self.cost.free_gates += 1;
        let x = self.back_to(a);
        self.event(NOT, x, 0)
    }

    fn constant(&mut self, bit: bool) -> u64 {
        self.event(CONSTANT, bit.into(), 0)
    }

    fn xor_n(&mut self, a: &[u64], b: &[u64], out: &mut [u64]) {
        self.cost.free_gates += out.len() as u64;
        self.gates(XOR, a, b, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hash(run: impl FnOnce(&mut Fingerprint) -> Vec<u64>) -> ([u8; 32], Cost) {
        let mut f = Fingerprint::new(2);
        let outputs = run(&mut f);
        f.finish(&outputs)
    }

    #[test]
    fn slices_do_not_matter_and_everything_else_does() {
        let gates = |stream: usize, swap: bool, constant: bool| {
            hash(|f| {
                let (a, b) = (f.input(stream), f.input(1));
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

    /// The hash of an AND of one bit of each of two streams, computed from the layout above.
    #[test]
    fn the_bytes_are_as_drawn() {
        let (this, _) = hash(|f| {
            let (a, b) = (f.input(0), f.input(1));
            vec![f.and(a, b).unwrap()]
        });
        let event = |code: u64, x: u64, y: u64| (code << 60 | x << 30 | y).to_le_bytes();
        // The AND is event 3, of wires 1 and 2; the output is event 4, of wire 3.
        let events = [event(5, 0, 0), event(5, 1, 0), event(1, 2, 1), event(6, 1, 0)];
        let hash = blake3::derive_key("sotto mpc gate stream v2", events.as_flattened());
        assert_eq!(this, hash);
    }

    /// A code and two operands.
    type Event = (u64, u64, u64);

    /// Decodes words into events.
    fn read(words: &[[u8; 8]]) -> Vec<Event> {
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        let mut events = Vec::new();
        while let Some(word) = words.next() {
            let k = events.len() as u64 + BEFORE + 1;
            let code = word >> 60 & 7;
            let (x, y) = match word >> 63 {
                0 => (word >> 30 & ((1 << 30) - 1), word & ((1 << 30) - 1)),
                _ => (words.next().unwrap(), words.next().unwrap()),
            };
            events.push(match code {
                AND | XOR => (code, k - x, k - y),
                NOT | OUTPUT => (code, k - x, 0),
                _ => (code, x, 0),
            });
        }
        events
    }

    /// Events before the tested ones, so that some operands are near and some far.
    const BEFORE: u64 = (1 << 30) + 5;

    proptest! {
        /// The bytes decode to exactly the events asked for, whatever the slices: no other stream has these
        /// bytes.
        #[test]
        fn events_can_be_read_off_the_bytes(
            asked in prop::collection::vec((1u64..=6, 0u64..=40, 0u64..=40, any::<bool>()), 1..60),
        ) {
            let mut f = Fingerprint::new(u64::MAX);
            f.events = BEFORE;
            // The oldest wires, and the newest.
            let wire = |of: u64, now: u64| if of < 20 { of } else { now.saturating_sub(of - 20) };
            let mut expected = Vec::new();
            for (code, a, b, sliced) in asked {
                let (a, b) = (wire(a, f.events), wire(b, f.events));
                let (a_n, b_n, mut out) = ([a, b, a], [b, 0, a], [0; 3]);
                match (code, sliced) {
                    (AND, _) => f.and_n(&a_n, &b_n, &mut out).unwrap(),
                    (XOR, true) => f.xor_n(&a_n, &b_n, &mut out),
                    (XOR, false) => out = core::array::from_fn(|i| f.xor(a_n[i], b_n[i])),
                    (NOT, _) => { f.not(a); }
                    (CONSTANT, _) => { f.constant(sliced); }
                    (INPUT, _) => { f.input(usize::try_from(a).unwrap()); }
                    _ => { let x = f.back_to(a); f.event(OUTPUT, x, 0); }
                }
                match code {
                    AND | XOR => expected.extend((0..3).map(|i| (code, a_n[i], b_n[i]))),
                    CONSTANT => expected.push((code, sliced.into(), 0)),
                    _ => expected.push((code, a, 0)),
                }
                if matches!(code, AND | XOR) {
                    prop_assert_eq!(out, [2, 1, 0].map(|i| f.events - i));
                }
            }
            prop_assert_eq!(read(&f.words[..f.filled]), expected);
        }
    }

    #[test]
    fn long_slices_are_hashed_as_single_gates() {
        let gates = |sliced: bool| {
            let mut f = Fingerprint::new(u64::MAX);
            let wires: Vec<u64> = (0..3 * WORDS + 7).map(|i| f.input(i % 3)).collect();
            let mut out = vec![0; wires.len()];
            if sliced {
                f.xor_n(&wires, &wires, &mut out);
            } else {
                out.iter_mut().zip(&wires).for_each(|(out, wire)| *out = f.xor(*wire, *wire));
            }
            f.finish(&out)
        };
        assert_eq!(gates(true), gates(false));
    }
}
