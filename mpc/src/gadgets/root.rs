//! Square roots of whole numbers, digit by digit.
//!
//! With `q` the root of the digits so far, `r` the remainder, and `p` the next two bits of the number,
//!
//! ```text
//! r' = 4r + p    t = 4q + 1    next bit of the root = [r' ≥ t]; if it is 1, the remainder becomes r' − t
//! ```
//!
//! as in long-hand root extraction. The two lowest bits of `t` are constants, which saves gates.

use super::Words;
use super::arithmetic::carries_from;
use crate::Fancy;

/// Square roots of words in lock-step.
pub trait Root: Fancy {
    /// `⌊√x⌋`, unsigned, in `h` bits, half as many as `x` has, rounded up: `h² + 2h − 1` gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    fn square_root(&mut self, x: &Words<Self::Wire>) -> Result<Words<Self::Wire>, Self::Error> {
        let lanes = x.lanes();
        let mut digits: Vec<&[Self::Wire]> = x.bits().collect();
        let zeros = if x.width() % 2 == 1 { vec![self.constant(false); lanes] } else { Vec::new() };
        if !zeros.is_empty() {
            digits.push(&zeros);
        }
        let (mut root, mut rest) = (Vec::new(), Vec::new());
        for pair in digits.rchunks_exact(2) {
            rest.splice(0..0, pair.concat());
            let bit = next_bit(self, lanes, &root, &mut rest)?;
            root.splice(0..0, bit);
        }
        Ok(Words::new(lanes, root))
    }
}

impl<F: Fancy + ?Sized> Root for F {}

/// The next bit of the root. The remainder becomes one bit longer than the new root.
///
/// `rest − t = ¬(¬rest + t)`, and a carry out of the top means that it is negative.
fn next_bit<F: Fancy + ?Sized>(
    f: &mut F,
    lanes: usize,
    root: &[F::Wire],
    rest: &mut Vec<F::Wire>,
) -> Result<Vec<F::Wire>, F::Error> {
    let not: Vec<_> = rest.iter().map(|bit| f.not(*bit)).collect();
    let (low, high) = not.split_at(2 * lanes);
    // ¬rest + 01: the carry out of bit 0 is ¬rest_0, and the carry out of bit 1 needs one gate.
    let (bit_0, bit_1) = low.split_at(lanes);
    let mut carries = bit_0.to_vec();
    carries.resize(2 * lanes, F::Wire::default());
    f.and_n(bit_0, bit_1, &mut carries[lanes..])?;
    // The higher bits of t are those of the root; the highest bit of `rest` has no counterpart.
    let known = root.len() / lanes;
    let (high, top) = high.split_at(root.len());
    if known > 0 {
        let (high, root) = (Words::new(lanes, high.to_vec()), Words::new(lanes, root.to_vec()));
        let before = carries[lanes..].to_vec();
        carries.extend(carries_from(f, &high, &root, known, &before)?);
    }
    let mut less = carries[carries.len() - lanes..].to_vec();
    for top in top.chunks_exact(lanes) {
        let before = less.clone();
        f.and_n(&before, top, &mut less)?;
    }
    let bit: Vec<_> = less.into_iter().map(|less| f.not(less)).collect();

    // If the difference is not negative, the remainder changes by t and the borrows.
    rest.truncate(2 * lanes + root.len());
    let one = f.not(F::Wire::default());
    let mut change = vec![one; lanes];
    change.resize(2 * lanes, F::Wire::default());
    change.extend_from_slice(root);
    for (change, borrow) in change[lanes..].iter_mut().zip(&carries) {
        *change = f.xor(*change, *borrow);
    }
    let bits: Vec<_> = bit.iter().copied().cycle().take(change.len() - lanes).collect();
    let mut changed = bit.clone();
    changed.resize(change.len(), F::Wire::default());
    f.and_n(&bits, &change[lanes..], &mut changed[lanes..])?;
    for (rest, changed) in rest.iter_mut().zip(changed) {
        *rest = f.xor(*rest, changed);
    }
    Ok(bit)
}
