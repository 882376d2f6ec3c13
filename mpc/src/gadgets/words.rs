//! Words in lock-step: the operands of all gadgets.

use std::ops::Range;

/// `lanes` numbers of `width` bits. The wires of bit `i` of all lanes are adjacent (bit 0 is the lowest), so
/// a step on all lanes is a step on one slice.
///
/// ```
/// use sotto_mpc::Words;
///
/// let words = Words::from_rows(2, &['a', 'b', 'x', 'y']); // two numbers of two bits
/// assert_eq!((words.lanes(), words.width()), (2, 2));
/// assert_eq!(words.bit(0), ['a', 'x']); // the lowest bit of every number
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words<W> {
    lanes: usize,
    wires: Vec<W>,
}

impl<W: Copy> Words<W> {
    /// Words from their wires, bit by bit, and lane by lane within each bit.
    ///
    /// # Panics
    /// If `lanes` is zero, or the number of wires is not a multiple of it.
    #[must_use]
    pub fn new(lanes: usize, wires: Vec<W>) -> Self {
        assert!(
            lanes > 0 && wires.len().is_multiple_of(lanes),
            "the number of wires must be a multiple of the number of lanes"
        );
        Self { lanes, wires }
    }

    /// One number, lowest bit first.
    #[must_use]
    pub fn single(bits: &[W]) -> Self {
        Self::new(1, bits.to_vec())
    }

    /// Words from their bits number by number, each with its lowest bit first.
    ///
    /// # Panics
    /// If `width` is zero, or the number of bits is not a positive multiple of it.
    #[must_use]
    pub fn from_rows(width: usize, rows: &[W]) -> Self {
        assert!(
            width > 0 && rows.len().is_multiple_of(width),
            "the number of bits must be a multiple of the width"
        );
        let lanes = rows.len() / width;
        let wires = (0..width).flat_map(|i| rows.iter().skip(i).step_by(width)).copied();
        Self::new(lanes, wires.collect())
    }

    /// The number of lanes.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// The number of bits of each number.
    #[must_use]
    pub fn width(&self) -> usize {
        self.wires.len() / self.lanes
    }

    /// Bit `i` of every lane.
    ///
    /// # Panics
    /// If `i` is not below the width.
    #[must_use]
    pub fn bit(&self, i: usize) -> &[W] {
        &self.wires[i * self.lanes..(i + 1) * self.lanes]
    }

    /// The wires of each bit, lowest bit first.
    pub fn bits(&self) -> impl DoubleEndedIterator<Item = &[W]> + ExactSizeIterator {
        self.wires.chunks_exact(self.lanes)
    }

    /// One number, lowest bit first.
    ///
    /// # Panics
    /// If `lane` is not below the number of lanes.
    pub fn lane(&self, lane: usize) -> impl Iterator<Item = W> + '_ {
        assert!(lane < self.lanes);
        self.wires.iter().skip(lane).step_by(self.lanes).copied()
    }

    /// The numbers of a range of lanes.
    ///
    /// # Panics
    /// If the range ends beyond the last lane, or is empty.
    #[must_use]
    pub fn lanes_in(&self, lanes: Range<usize>) -> Self {
        let wires = self.bits().flat_map(|bit| &bit[lanes.clone()]).copied();
        Self::new(lanes.len(), wires.collect())
    }

    /// The numbers of these lanes, in this order.
    ///
    /// # Panics
    /// If there is no such lane, or no lane is given.
    #[must_use]
    pub fn gathered(&self, lanes: impl IntoIterator<Item = usize>) -> Self {
        let lanes: Vec<usize> = lanes.into_iter().collect();
        let wires = self.bits().flat_map(|bit| lanes.iter().map(|lane| bit[*lane]));
        Self::new(lanes.len(), wires.collect())
    }

    /// The lanes of both, those of `self` first.
    ///
    /// # Panics
    /// If the widths differ.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        assert_eq!(self.width(), other.width());
        let wires = self.bits().zip(other.bits()).flat_map(|(a, b)| a.iter().chain(b)).copied();
        Self::new(self.lanes + other.lanes, wires.collect())
    }

    /// The same numbers with one more bit at the top.
    ///
    /// # Panics
    /// If there is not one wire for each lane.
    #[must_use]
    pub fn appended(mut self, bit: &[W]) -> Self {
        assert_eq!(bit.len(), self.lanes);
        self.wires.extend_from_slice(bit);
        self
    }

    /// The same numbers without their lowest `bits` bits.
    ///
    /// # Panics
    /// If the numbers have fewer bits.
    #[must_use]
    pub fn without_low(mut self, bits: usize) -> Self {
        self.wires.drain(..bits * self.lanes);
        self
    }

    /// All wires, in the order of [`new`](Self::new).
    #[must_use]
    pub fn wires(&self) -> &[W] {
        &self.wires
    }

    /// Applies a function to every wire.
    #[must_use]
    pub fn map(&self, mut f: impl FnMut(W) -> W) -> Self {
        Self { lanes: self.lanes, wires: self.wires.iter().map(|w| f(*w)).collect() }
    }

    /// The same numbers without the bits from `width` on.
    #[must_use]
    pub fn truncated(mut self, width: usize) -> Self {
        self.wires.truncate(width * self.lanes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_bits_of_all_lanes() {
        let words = Words::from_rows(3, &['a', 'b', 'c', 'x', 'y', 'z']);
        assert_eq!((words.lanes(), words.width()), (2, 3));
        assert_eq!(words.bit(1), ['b', 'y']);
        assert_eq!(words.wires(), ['a', 'x', 'b', 'y', 'c', 'z']);
        assert_eq!(words.lane(1).collect::<String>(), "xyz");
        assert_eq!(words.gathered([1, 0, 1]).wires(), ['x', 'a', 'x', 'y', 'b', 'y', 'z', 'c', 'z']);
        assert_eq!(words.joined(&words.lanes_in(1..2)), words.gathered([0, 1, 1]));
        assert_eq!(words.clone().appended(&['d', 'w']).without_low(2).wires(), ['c', 'z', 'd', 'w']);
        assert_eq!(words.truncated(1).wires(), ['a', 'x']);
    }
}
