//! Secret bits, packed eight to a byte: inputs, and shares of inputs, wherever a party stores them.
//!
//! ```text
//! byte i = Σ bit[8i + j]·2^j          unused bits of the last byte are zero
//! ```
//!
//! Guaranteed: dropping a [`Bits`] wipes it, and growing one wipes the buffer it leaves behind; `Debug`
//! prints no bit; no branch or address depends on a bit. Not guaranteed: that no copy of a bit stays on the
//! stack or in a register.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bits that are wiped when dropped.
///
/// ```
/// use sotto_mpc::Bits;
///
/// let mut bits = Bits::from_number(5, 3); // lowest bit first
/// bits.push(true);
/// assert_eq!(bits.iter().collect::<Vec<_>>(), [true, false, true, true]);
/// assert_eq!(bits.as_bytes(), [0b1101]);
/// assert_eq!(format!("{bits:?}"), "Bits(..)"); // never printed
/// ```
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct Bits {
    bytes: Vec<u8>,
    len: usize,
}

impl Bits {
    /// An empty sequence with room for this many bits.
    #[must_use]
    pub fn with_capacity(bits: usize) -> Self {
        Self { bytes: Vec::with_capacity(bits.div_ceil(8)), len: 0 }
    }

    /// The lowest `width` bits of a number, lowest first; bits above 128 are zero.
    #[must_use]
    pub fn from_number(number: u128, width: usize) -> Self {
        (0..width).map(|i| i < 128 && number >> i & 1 == 1).collect()
    }

    /// Unpacks `len` bits; `None` if `bytes` is not the packing of `len` bits.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], len: u64) -> Option<Self> {
        let len = usize::try_from(len).ok().filter(|len| len.div_ceil(8) == bytes.len())?;
        let filling = bytes.last().map_or(0, |last| if len % 8 == 0 { 0 } else { last >> (len % 8) });
        (filling == 0).then(|| Self { bytes: bytes.to_vec(), len })
    }

    /// The number of bits.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The packed bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends a bit.
    pub fn push(&mut self, bit: bool) {
        let at = self.len % 8;
        if at == 0 {
            self.make_room(1);
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << at;
        }
        self.len += 1;
    }

    /// Appends zeros.
    pub fn push_zeros(&mut self, bits: usize) {
        let len = self.len + bits;
        let more = len.div_ceil(8) - self.bytes.len();
        self.make_room(more);
        self.bytes.resize(self.bytes.len() + more, 0);
        self.len = len;
    }

    /// The bits from index `from` on.
    pub fn iter_from(&self, from: usize) -> impl Iterator<Item = bool> + '_ {
        (from..self.len).map(|i| self.bytes.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1))
    }

    /// Bit `index`; false beyond the last one.
    #[must_use]
    pub(crate) fn get(&self, index: usize) -> bool {
        self.bytes.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
    }

    /// All bits.
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        self.iter_from(0)
    }

    /// `self ⊕ other`.
    ///
    /// # Panics
    /// If the lengths differ.
    #[must_use]
    pub fn xor(&self, other: &Self) -> Self {
        assert_eq!(self.len, other.len);
        let bytes = self.bytes.iter().zip(&other.bytes).map(|(a, b)| a ^ b).collect();
        Self { bytes, len: self.len }
    }

    /// Uniformly random bits.
    #[must_use]
    pub fn random(bits: usize, rng: &mut (impl rand_core::RngCore + rand_core::CryptoRng)) -> Self {
        let mut random = Self::default();
        random.push_zeros(bits);
        rng.fill_bytes(&mut random.bytes);
        if let (Some(last), 1..) = (random.bytes.last_mut(), bits % 8) {
            *last &= (1 << (bits % 8)) - 1;
        }
        random
    }

    /// Makes room for more bytes, and wipes the old buffer if the bytes move.
    fn make_room(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let mut larger = Vec::with_capacity(needed.max(2 * self.bytes.capacity()));
            larger.extend_from_slice(&self.bytes);
            core::mem::replace(&mut self.bytes, larger).zeroize();
        }
    }
}

impl Extend<bool> for Bits {
    fn extend<I: IntoIterator<Item = bool>>(&mut self, bits: I) {
        bits.into_iter().for_each(|bit| self.push(bit));
    }
}

impl FromIterator<bool> for Bits {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> Self {
        let bits = bits.into_iter();
        let mut all = Self::with_capacity(bits.size_hint().0);
        all.extend(bits);
        all
    }
}

impl From<&[bool]> for Bits {
    fn from(bits: &[bool]) -> Self {
        bits.iter().copied().collect()
    }
}

/// Prints no bit.
impl core::fmt::Debug for Bits {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Bits(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    proptest! {
        #[test]
        fn bits_are_packed_lowest_first_and_come_back(
            bits in prop::collection::vec(any::<bool>(), 0..70),
            zeros in 0usize..20,
        ) {
            let mut packed = Bits::from(&bits[..]);
            packed.push_zeros(zeros);
            packed.push(true);
            let all = [&bits[..], &vec![false; zeros], &[true]].concat();
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), &all[..]);
            prop_assert_eq!(packed.iter_from(bits.len()).count(), zeros + 1);
            let bytes: Vec<u8> =
                all.chunks(8).map(|b| b.iter().enumerate().map(|(i, bit)| u8::from(*bit) << i).sum()).collect();
            prop_assert_eq!(packed.as_bytes(), &bytes[..]);
            let again = Bits::from_bytes(&bytes, all.len() as u64).unwrap();
            prop_assert_eq!(again.as_bytes(), packed.as_bytes());
            prop_assert!(again.xor(&packed).iter().all(|bit| !bit));
        }
    }

    #[test]
    fn bytes_that_are_too_many_or_filled_are_none() {
        for (bytes, len) in [(&[0u8][..], 0), (&[], 1), (&[0, 0], 8), (&[4], 2), (&[0], u64::MAX)] {
            assert!(Bits::from_bytes(bytes, len).is_none(), "{bytes:?} as {len} bits");
        }
        assert!(Bits::from_bytes(&[0xff], 8).is_some());
        assert_eq!(format!("{:?}", Bits::from(&[true][..])), "Bits(..)");
    }

    #[test]
    fn random_bits_are_filled_with_zeros() {
        for n in 0..40 {
            let bits = Bits::random(n, &mut ChaCha20Rng::seed_from_u64(n as u64));
            assert!(Bits::from_bytes(bits.as_bytes(), n as u64).is_some());
        }
    }
}
