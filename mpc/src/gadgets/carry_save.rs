//! Sums of many bits at once: a carry-save adder tree.
//!
//! The adder keeps a heap of elements for each power of two. A full adder takes three elements of a heap,
//! leaves their sum there, and puts the carry into the next heap. One AND gate thus removes one element:
//!
//! ```text
//! sum = x ⊕ y ⊕ z        carry = z ⊕ (x ⊕ z)(y ⊕ z)
//! ```
//!
//! `n` bits are counted with `n − weight(n)` gates (Boyar and Peralta 2008, *Tight bounds for the
//! multiplicative complexity of symmetric functions*). All full adders of a level form one slice. A final
//! ripple leaves one element for each power.
//!
//! Elements have one wire for each lane, so one adder sums many numbers in lock-step. It can be fed and
//! reduced any number of times. After a reduction it holds at most two elements for each power, so it sums a
//! stream of any length in constant memory.

use super::Words;
use crate::Fancy;

/// A sum of bits and words, in lock-step.
///
/// ```
/// use sotto_mpc::Plain;
/// use sotto_mpc::gadgets::CarrySaveAdder;
///
/// let mut adder = CarrySaveAdder::new(1, 3); // one lane, modulo 2³
/// adder.add(0, [true, true, false, true, true, true]); // five ones of weight 2⁰
/// let sum = adder.finish(&mut Plain)?;
/// assert_eq!(sum.wires(), [true, false, true]); // 5, lowest bit first
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Clone, Debug)]
pub struct CarrySaveAdder<W> {
    lanes: usize,
    /// `heaps[p]` holds the elements of weight `2^p`, one after the other.
    heaps: Vec<Vec<W>>,
}

impl<W: Copy + Default> CarrySaveAdder<W> {
    /// An empty sum modulo `2^width`.
    ///
    /// # Panics
    /// If `lanes` is zero.
    #[must_use]
    pub fn new(lanes: usize, width: usize) -> Self {
        assert!(lanes > 0);
        Self { lanes, heaps: vec![Vec::new(); width] }
    }

    /// The width of the sum, which is taken modulo `2^width`.
    #[must_use]
    pub fn width(&self) -> usize {
        self.heaps.len()
    }

    /// Adds elements of weight `2^power`, one after the other.
    ///
    /// # Panics
    /// If the number of wires is not a multiple of the number of lanes.
    pub fn add(&mut self, power: usize, elements: impl IntoIterator<Item = W>) {
        if let Some(heap) = self.heaps.get_mut(power) {
            heap.extend(elements);
            assert!(heap.len().is_multiple_of(self.lanes));
        }
    }

    /// Adds a word to each lane.
    ///
    /// # Panics
    /// If the number of lanes differs.
    pub fn add_words(&mut self, words: &Words<W>) {
        assert_eq!(words.lanes(), self.lanes);
        for (power, bit) in words.bits().enumerate() {
            self.add(power, bit.iter().copied());
        }
    }

    /// Adds all lanes of the words to the one lane of this adder.
    ///
    /// # Panics
    /// If the adder has more than one lane.
    pub fn add_lanes(&mut self, words: &Words<W>) {
        assert_eq!(self.lanes, 1);
        for (power, bit) in words.bits().enumerate() {
            self.add(power, bit.iter().copied());
        }
    }

    /// Adds until at most two elements are left for each power.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    pub fn reduce<F: Fancy<Wire = W> + ?Sized>(&mut self, f: &mut F) -> Result<(), F::Error> {
        let triple = 3 * self.lanes;
        while self.heaps.iter().any(|heap| heap.len() >= triple) {
            self.level(f)?;
        }
        Ok(())
    }

    /// One level: all full adders that are possible at once.
    fn level<F: Fancy<Wire = W> + ?Sized>(&mut self, f: &mut F) -> Result<(), F::Error> {
        let Some((top, lower)) = self.heaps.split_last_mut() else { return Ok(()) };
        let adders = lower.iter().map(|heap| thirds(heap, self.lanes).0.len()).sum();
        let (mut u, mut v) = (vec![W::default(); adders], vec![W::default(); adders]);
        let (mut u_next, mut v_next) = (&mut u[..], &mut v[..]);
        for heap in lower.iter() {
            let (x, y, z, _) = thirds(heap, self.lanes);
            let (u_here, v_here);
            ((u_here, u_next), (v_here, v_next)) =
                (u_next.split_at_mut(z.len()), v_next.split_at_mut(z.len()));
            f.xor_n(x, z, u_here);
            f.xor_n(y, z, v_here);
        }
        let mut uv = vec![W::default(); adders];
        f.and_n(&u, &v, &mut uv)?;
        let (mut u, mut uv) = (&u[..], &uv[..]);
        // The carries into this heap, and those into the next.
        let (mut carries, mut next): (Vec<W>, Vec<W>) = (Vec::new(), Vec::new());
        let mut sums = Vec::new();
        for heap in lower.iter_mut() {
            let (_, y, z, _) = thirds(heap, self.lanes);
            let (u_here, uv_here);
            ((u_here, u), (uv_here, uv)) = (u.split_at(z.len()), uv.split_at(z.len()));
            next.resize(z.len(), W::default());
            f.xor_n(z, uv_here, &mut next);
            sums.resize(y.len(), W::default());
            f.xor_n(u_here, y, &mut sums);
            replace_thirds(heap, &sums);
            heap.append(&mut carries);
            std::mem::swap(&mut carries, &mut next);
        }
        let (x, y, z, _) = thirds(top, self.lanes);
        let mut xy = vec![W::default(); z.len()];
        f.xor_n(x, y, &mut xy);
        sums.resize(z.len(), W::default());
        f.xor_n(&xy, z, &mut sums);
        replace_thirds(top, &sums);
        top.append(&mut carries);
        Ok(())
    }

    /// Computes the sum of each lane.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    pub fn finish<F: Fancy<Wire = W> + ?Sized>(mut self, f: &mut F) -> Result<Words<W>, F::Error> {
        self.reduce(f)?;
        let mut wires = Vec::with_capacity(self.heaps.len() * self.lanes);
        let (mut carry, mut u, mut v): (Vec<W>, Vec<W>, Vec<W>) = (Vec::new(), Vec::new(), Vec::new());
        let mut heaps = self.heaps.into_iter().peekable();
        while let Some(mut heap) = heaps.next() {
            heap.append(&mut carry);
            if heap.is_empty() {
                heap.resize_with(self.lanes, || f.constant(false));
            }
            let mut elements = heap.chunks_exact(self.lanes);
            let first = elements.next().unwrap_or_default();
            let Some(second) = elements.next() else {
                wires.extend_from_slice(first);
                continue;
            };
            let third = elements.next().unwrap_or_default();
            u.clear();
            v.clear();
            u.extend_from_slice(first);
            v.extend_from_slice(second);
            for ((u, v), z) in u.iter_mut().zip(&mut v).zip(third) {
                (*u, *v) = (f.xor(*u, *z), f.xor(*v, *z));
            }
            if heaps.peek().is_some() {
                carry.resize(self.lanes, W::default());
                f.and_n(&u, &v, &mut carry)?;
                for (carry, z) in carry.iter_mut().zip(third) {
                    *carry = f.xor(*carry, *z);
                }
            }
            wires.extend(u.iter().zip(second).map(|(u, y)| f.xor(*u, *y)));
        }
        Ok(Words::new(self.lanes, wires))
    }
}

/// Three equal parts of whole elements, and a rest of at most two elements.
fn thirds<W>(heap: &[W], lanes: usize) -> (&[W], &[W], &[W], &[W]) {
    let n = heap.len() / (3 * lanes) * lanes;
    let (x, rest) = heap.split_at(n);
    let (y, rest) = rest.split_at(n);
    let (z, rest) = rest.split_at(n);
    (x, y, z, rest)
}

/// Replaces the three equal parts by their sums.
fn replace_thirds<W: Copy>(heap: &mut Vec<W>, sums: &[W]) {
    heap[..sums.len()].copy_from_slice(sums);
    heap.drain(sums.len()..3 * sums.len());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fancy::{Count, Plain};

    fn value(words: &Words<bool>, lane: usize) -> u64 {
        words.lane(lane).enumerate().map(|(i, bit)| u64::from(bit) << i).sum()
    }

    #[test]
    fn counts_bits_at_the_known_minimum() {
        for n in [1usize, 2, 3, 4, 7, 8, 100, 255, 256] {
            let width = n.ilog2() as usize + 1;
            let bits: Vec<bool> = (0..n).map(|i| i * i % 3 == 1).collect();
            let mut adder = CarrySaveAdder::new(1, width);
            adder.add(0, bits.iter().copied());
            let sum = adder.finish(&mut Plain).unwrap();
            assert_eq!(value(&sum, 0), bits.iter().filter(|b| **b).count() as u64, "{n}");
            let mut count = Count::default();
            let mut adder = CarrySaveAdder::new(1, width);
            adder.add(0, vec![Default::default(); n]);
            adder.finish(&mut count).unwrap();
            assert_eq!(count.cost().and_gates, n as u64 - u64::from(n.count_ones()), "{n}");
        }
    }

    #[test]
    fn sums_words_in_lanes_however_they_are_fed() {
        let lanes = 5;
        let mut adder = CarrySaveAdder::new(lanes, 9);
        let mut expected = [0u64; 5];
        for round in 0..40u64 {
            let numbers: Vec<u64> = (0..5).map(|l| (round * 37 + l * 11) % 64).collect();
            let rows: Vec<bool> = numbers.iter().flat_map(|n| (0..6).map(move |i| n >> i & 1 == 1)).collect();
            adder.add_words(&Words::from_rows(6, &rows));
            for (sum, n) in expected.iter_mut().zip(numbers) {
                *sum = (*sum + n) % 512;
            }
            if round % 3 == 0 {
                adder.reduce(&mut Plain).unwrap();
                assert!(adder.heaps.iter().all(|heap| heap.len() <= 2 * lanes));
            }
        }
        let sums = adder.finish(&mut Plain).unwrap();
        assert_eq!(core::array::from_fn(|l| value(&sums, l)), expected);
    }

    #[test]
    fn an_empty_tally_is_zero() {
        let sums = CarrySaveAdder::new(2, 3).finish(&mut Plain).unwrap();
        assert_eq!(sums.wires(), [false; 6]);
    }
}
