//! AES-128 in 6,400 AND gates: 200 S-boxes of 32 gates, key expansion included (FIPS-197).
//!
//! The rest of AES is linear and therefore free. A round computes its 16 S-boxes and the 4 of the next round
//! key in lock-step, layer by layer; the S-box circuit is in `s_box`.

mod s_box;

use super::Words;
use crate::Fancy;
use s_box::{Byte, s_box};

/// Column by column, as in FIPS-197 section 3.4.
type State<W> = [Byte<W>; 16];

/// The block cipher AES-128.
pub trait Aes: Fancy {
    /// Encrypts one block with AES-128. Key and block are 16 words of 8 bits, in the order of FIPS-197. 6,400
    /// gates.
    ///
    /// ```
    /// use sotto_mpc::gadgets::Aes;
    /// use sotto_mpc::{Plain, Words};
    ///
    /// let zeros = Words::from_rows(8, &[false; 128]);
    /// let block = Plain.aes128(&zeros, &zeros)?;
    /// let first_byte: Vec<bool> = block.lane(0).collect(); // 0x66, lowest bit first
    /// assert_eq!(first_byte, [false, true, true, false, false, true, true, false]);
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If the key or the block is not 16 words of 8 bits.
    fn aes128(
        &mut self,
        key: &Words<Self::Wire>,
        block: &Words<Self::Wire>,
    ) -> Result<Words<Self::Wire>, Self::Error> {
        let mut key = state(key);
        let mut block = xor_state(self, &state(block), &key);
        let mut rcon: u8 = 1;
        for round in 1..=10 {
            let (substituted, word) = substitute(self, &block, &key)?;
            key = next_key(self, &key, word, rcon);
            rcon = (rcon << 1) ^ ((rcon >> 7) * 0x1b);
            block = shift_rows(&substituted);
            if round < 10 {
                block = mix_columns(self, &block);
            }
            block = xor_state(self, &block, &key);
        }
        Ok(Words::from_rows(8, block.as_flattened()))
    }
}

impl<F: Fancy + ?Sized> Aes for F {}

fn state<W: Copy + Default>(words: &Words<W>) -> State<W> {
    assert_eq!((words.lanes(), words.width()), (16, 8));
    core::array::from_fn(|byte| core::array::from_fn(|bit| words.bit(bit)[byte]))
}

fn xor<F: Fancy + ?Sized>(f: &mut F, a: &Byte<F::Wire>, b: &Byte<F::Wire>) -> Byte<F::Wire> {
    core::array::from_fn(|i| f.xor(a[i], b[i]))
}

fn xor_state<F: Fancy + ?Sized>(f: &mut F, a: &State<F::Wire>, b: &State<F::Wire>) -> State<F::Wire> {
    core::array::from_fn(|i| xor(f, &a[i], &b[i]))
}

/// FIPS-197 section 5.1.2: row `r` moves `r` columns to the left.
fn shift_rows<W: Copy>(a: &State<W>) -> State<W> {
    core::array::from_fn(|i| a[(i + 4 * (i % 4)) % 16])
}

/// FIPS-197 section 5.1.3: `b_r = 2(a_r ⊕ a_{r+1}) ⊕ a_{r+1} ⊕ a_{r+2} ⊕ a_{r+3}` in each column.
fn mix_columns<F: Fancy + ?Sized>(f: &mut F, a: &State<F::Wire>) -> State<F::Wire> {
    core::array::from_fn(|i| {
        let at = |k: usize| &a[i / 4 * 4 + (i + k) % 4];
        let pair = xor(f, at(0), at(1));
        let doubled = double(f, &pair);
        let rest = xor(f, at(2), at(3));
        let rest = xor(f, &rest, at(1));
        xor(f, &doubled, &rest)
    })
}

/// Times `x` modulo `x⁸ + x⁴ + x³ + x + 1`.
fn double<F: Fancy + ?Sized>(f: &mut F, a: &Byte<F::Wire>) -> Byte<F::Wire> {
    let [a0, a1, a2, a3, a4, a5, a6, a7] = *a;
    [a7, f.xor(a0, a7), a1, f.xor(a2, a7), f.xor(a3, a7), a4, a5, a6]
}

/// The next round key, from this one and its last word after `RotWord` and `SubWord` (FIPS-197 section 5.2).
fn next_key<F: Fancy + ?Sized>(
    f: &mut F,
    key: &State<F::Wire>,
    mut word: [Byte<F::Wire>; 4],
    rcon: u8,
) -> State<F::Wire> {
    for (i, bit) in word[0].iter_mut().enumerate() {
        if rcon >> i & 1 == 1 {
            *bit = f.not(*bit);
        }
    }
    let mut next = *key;
    for i in 0..16 {
        let before = if i < 4 { word[i] } else { next[i - 4] };
        next[i] = xor(f, &key[i], &before);
    }
    next
}

/// Applies the S-box to all bytes of the state, and to the rotated last word of the key.
#[allow(clippy::type_complexity)]
fn substitute<F: Fancy + ?Sized>(
    f: &mut F,
    block: &State<F::Wire>,
    key: &State<F::Wire>,
) -> Result<(State<F::Wire>, [Byte<F::Wire>; 4]), F::Error> {
    let mut bytes = [[F::Wire::default(); 8]; 20];
    bytes[..16].copy_from_slice(block);
    bytes[16..].copy_from_slice(&[key[13], key[14], key[15], key[12]]);
    let bytes = s_box(f, &bytes)?;
    let (block, word) = (core::array::from_fn(|i| bytes[i]), core::array::from_fn(|i| bytes[16 + i]));
    Ok((block, word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fancy::{Count, Plain};

    fn bits(bytes: &[u8]) -> Vec<bool> {
        bytes.iter().flat_map(|byte| (0..8).map(move |i| byte >> i & 1 == 1)).collect()
    }

    #[test]
    fn s_box_of_all_bytes() {
        // FIPS-197 figure 7, by its definition: inversion in GF(2^8), then the affine map.
        let double = |a: u8| (a << 1) ^ ((a >> 7) * 0x1b);
        let times = |a: u8, b: u8| (0..8).rev().fold(0, |sum, i| double(sum) ^ (((b >> i) & 1) * a));
        for x in 0..=255u8 {
            let inverse = (0..254).fold(1, |power, _| times(power, x));
            let affine = [0, 1, 2, 3, 4].iter().fold(0x63, |sum, i| sum ^ inverse.rotate_left(*i));
            let byte: Byte<bool> = core::array::from_fn(|i| x >> i & 1 == 1);
            let [out] = s_box(&mut Plain, &[byte]).unwrap();
            assert_eq!(out.to_vec(), bits(&[affine]), "{x}");
        }
    }

    #[test]
    fn fips_197_appendices_b_and_c() {
        let vectors: [(u128, u128, u128); 2] = [
            (
                0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c,
                0x3243_f6a8_885a_308d_3131_98a2_e037_0734,
                0x3925_841d_02dc_09fb_dc11_8597_196a_0b32,
            ),
            (
                0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f,
                0x0011_2233_4455_6677_8899_aabb_ccdd_eeff,
                0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a,
            ),
        ];
        for (key, plain, cipher) in vectors {
            let words = |n: u128| Words::from_rows(8, &bits(&n.to_be_bytes()));
            assert_eq!(Plain.aes128(&words(key), &words(plain)).unwrap(), words(cipher));
        }
    }

    #[test]
    fn costs_6400_gates() {
        let mut count = Count::default();
        let words = Words::from_rows(8, &[Default::default(); 128]);
        count.aes128(&words, &words).unwrap();
        assert_eq!(count.cost().and_gates, 6400);
        assert_eq!(count.cost().depth, 60);
    }
}
