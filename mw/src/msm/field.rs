//! Integers modulo p = 2²⁵⁵ − 19: one at a time, and the form in which the lanes keep theirs in memory.
//!
//! ```text
//! x = l₀ + l₁·2⁵¹ + l₂·2¹⁰² + l₃·2¹⁵³ + l₄·2²⁰⁴        every limb ≤ LIMIT = 2⁵¹ + 2¹³
//! ```
//!
//! Every argument and every result obeys that bound; no looser form exists that a caller would have to
//! reduce. Arithmetic is exact modulo p for all such inputs; a value may be p or a little more, so equality
//! and parity go through [`Fe::canonical`]. Variable time: public values only.

/// Bits of a limb in canonical form.
pub(super) const BITS: u32 = 51;
/// The low 51 bits.
pub(super) const MASK: u64 = (1 << BITS) - 1;
/// The greatest value of a limb.
pub(super) const LIMIT: u64 = (1 << BITS) + (1 << 13);
/// 2p, limb by limb: added before a subtraction, it keeps every limb from going below zero.
pub(super) const TWICE_P: [u64; 5] = [2 * (MASK - 18), 2 * MASK, 2 * MASK, 2 * MASK, 2 * MASK];

/// An integer modulo p.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Fe(pub(super) [u64; 5]);

impl Fe {
    pub(super) const ZERO: Self = Self([0; 5]);
    pub(super) const ONE: Self = Self([1, 0, 0, 0, 0]);

    /// Decodes 32 little-endian bytes; `None` for p and above.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let w = words(bytes);
        let below_p = w[3] < u64::MAX >> 1
            || w[3] == u64::MAX >> 1 && (w[0] < u64::MAX - 18 || w[1] & w[2] != u64::MAX);
        below_p.then_some(Self::from_words(w))
    }

    /// From four 64-bit words, ignoring the topmost bit.
    pub(super) const fn from_words(w: [u64; 4]) -> Self {
        Self([
            w[0] & MASK,
            (w[0] >> 51 | w[1] << 13) & MASK,
            (w[1] >> 38 | w[2] << 26) & MASK,
            (w[2] >> 25 | w[3] << 39) & MASK,
            (w[3] >> 12) & MASK,
        ])
    }

    /// The same value in 0 … p − 1, every limb below 2⁵¹.
    pub(super) fn canonical(self) -> Self {
        // One pass leaves limbs below 2⁵¹ except the lowest, so the value is below 2²⁵⁵ + 19. Adding 19
        // carries out of the top limb exactly if the value is at least p.
        let x = Self::carried(self.0).0;
        let q = x.iter().fold(19, |carry, l| (l + carry) >> BITS);
        let mut carry = 19 * q;
        Self(x.map(|l| {
            let l = l + carry;
            carry = l >> BITS;
            l & MASK
        }))
    }

    /// 32 little-endian bytes of the value in 0 … p − 1.
    pub(super) fn to_bytes(self) -> [u8; 32] {
        let l = self.canonical().0;
        let words =
            [l[0] | l[1] << 51, l[1] >> 13 | l[2] << 38, l[2] >> 26 | l[3] << 25, l[3] >> 39 | l[4] << 12];
        core::array::from_fn(|i| (words[i / 8] >> (8 * (i % 8))) as u8)
    }

    /// One pass of carries over limbs below 2⁶³.
    pub(super) fn carried(mut l: [u64; 5]) -> Self {
        for i in 0..4 {
            l[i + 1] += l[i] >> BITS;
            l[i] &= MASK;
        }
        l[0] += 19 * (l[4] >> BITS);
        l[4] &= MASK;
        Self(l).checked()
    }

    /// Five sums of products, each below 2¹¹⁰, the last below 2¹⁰⁵, to limbs.
    #[inline(always)]
    pub(super) fn folded(r: [u128; 5]) -> Self {
        let mut carry = 0;
        let mut l = r.map(|r| {
            let r = r + carry;
            carry = r >> BITS;
            r as u64 & MASK
        });
        // carry < 2⁵⁵.
        l[0] += 19 * carry as u64;
        l[1] += l[0] >> BITS;
        l[0] &= MASK;
        Self(l).checked()
    }

    /// Checks the bound in builds with debug assertions.
    #[inline(always)]
    pub(super) fn checked(self) -> Self {
        debug_assert!(self.0.iter().all(|l| *l <= LIMIT), "a limb is out of bounds: {self:?}");
        self
    }
}

/// The 64-bit words of 32 little-endian bytes.
pub(crate) fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let mut w = [0; 4];
    for (w, b) in w.iter_mut().zip(bytes.chunks_exact(8)) {
        *w = b.iter().rev().fold(0, |w, b| w << 8 | u64::from(*b));
    }
    w
}
