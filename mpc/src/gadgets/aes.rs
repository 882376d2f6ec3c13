//! AES-128 in 6,400 AND gates: 200 S-boxes of 32 gates, key expansion included (FIPS-197).
//!
//! The rest of AES is linear and therefore free. A round computes its 16 S-boxes and the 4 of the next round key in
//! lock-step, layer by layer; the S-box circuit is in `s_box`.

use super::Words;
use crate::Fancy;

/// A byte, lowest bit first.
type Byte<W> = [W; 8];
/// Column by column, as in FIPS-197 section 3.4.
type State<W> = [Byte<W>; 16];

/// The block cipher AES-128.
pub trait Aes: Fancy {
    /// Encrypts one block with AES-128. Key and block are 16 words of 8 bits, in the order of FIPS-197. 6,400 gates.
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

/// A value of the S-box circuit, of all bytes.
#[derive(Clone, Copy)]
struct Value(usize);

/// The values of the circuit computed so far, each of `N` bytes.
struct Lanes<'f, F: Fancy + ?Sized, const N: usize> {
    f: &'f mut F,
    values: Vec<[F::Wire; N]>,
}

impl<F: Fancy + ?Sized, const N: usize> Lanes<'_, F, N> {
    fn xor(&mut self, Value(a): Value, Value(b): Value) -> Value {
        let (a, b) = (&self.values[a], &self.values[b]);
        let sum = core::array::from_fn(|i| self.f.xor(a[i], b[i]));
        self.values.push(sum);
        Value(self.values.len() - 1)
    }

    fn xnor(&mut self, a: Value, b: Value) -> Value {
        let Value(sum) = self.xor(a, b);
        for bit in &mut self.values[sum] {
            *bit = self.f.not(*bit);
        }
        Value(sum)
    }

    /// Independent AND gates, as one slice.
    fn and<const K: usize>(&mut self, pairs: [(Value, Value); K]) -> Result<[Value; K], F::Error> {
        let a = pairs.map(|(Value(a), _)| self.values[a]);
        let b = pairs.map(|(_, Value(b))| self.values[b]);
        let first = self.values.len();
        self.values.resize(first + K, [F::Wire::default(); N]);
        self.f.and_n(a.as_flattened(), b.as_flattened(), self.values[first..].as_flattened_mut())?;
        Ok(core::array::from_fn(|i| Value(first + i)))
    }
}

/// The S-box of `N` bytes: 32 gates each, in six layers. The letters are those of the paper.
#[allow(clippy::many_single_char_names)]
fn s_box<F: Fancy + ?Sized, const N: usize>(
    f: &mut F,
    bytes: &[Byte<F::Wire>; N],
) -> Result<[Byte<F::Wire>; N], F::Error> {
    let mut l = Lanes { f, values: Vec::with_capacity(128) };
    // x0 is the highest bit.
    for bit in (0..8).rev() {
        l.values.push(bytes.map(|byte| byte[bit]));
    }
    let [x0, x1, x2, x3, x4, x5, x6, x7] = core::array::from_fn(Value);

    // The linear map on top.
    let y14 = l.xor(x3, x5);
    let y13 = l.xor(x0, x6);
    let y9 = l.xor(x0, x3);
    let y8 = l.xor(x0, x5);
    let t0 = l.xor(x1, x2);
    let y1 = l.xor(t0, x7);
    let y4 = l.xor(y1, x3);
    let y12 = l.xor(y13, y14);
    let y2 = l.xor(y1, x0);
    let y5 = l.xor(y1, x6);
    let y3 = l.xor(y5, y8);
    let t1 = l.xor(x4, y12);
    let y15 = l.xor(t1, x5);
    let y20 = l.xor(t1, x1);
    let y6 = l.xor(y15, x7);
    let y10 = l.xor(y15, t0);
    let y11 = l.xor(y20, y9);
    let y7 = l.xor(x7, y11);
    let y17 = l.xor(y10, y11);
    let y19 = l.xor(y10, y8);
    let y16 = l.xor(t0, y11);
    let y21 = l.xor(y13, y16);
    let y18 = l.xor(x0, y16);

    // Inversion.
    let [t2, t3, t5, t7, t8, t10, t12, t13, t15] = l.and([
        (y12, y15),
        (y3, y6),
        (y4, x7),
        (y13, y16),
        (y5, y1),
        (y2, y7),
        (y9, y11),
        (y14, y17),
        (y8, y10),
    ])?;
    let t4 = l.xor(t3, t2);
    let t6 = l.xor(t5, t2);
    let t9 = l.xor(t8, t7);
    let t11 = l.xor(t10, t7);
    let t14 = l.xor(t13, t12);
    let t16 = l.xor(t15, t12);
    let t17 = l.xor(t4, t14);
    let t18 = l.xor(t6, t16);
    let t19 = l.xor(t9, t14);
    let t20 = l.xor(t11, t16);
    let t21 = l.xor(t17, y20);
    let t22 = l.xor(t18, y19);
    let t23 = l.xor(t19, y21);
    let t24 = l.xor(t20, y18);
    let t25 = l.xor(t21, t22);
    let [t26] = l.and([(t21, t23)])?;
    let t27 = l.xor(t24, t26);
    let t30 = l.xor(t23, t24);
    let t31 = l.xor(t22, t26);
    let [t28, t32] = l.and([(t25, t27), (t31, t30)])?;
    let t29 = l.xor(t28, t22);
    let t33 = l.xor(t32, t24);
    let t34 = l.xor(t23, t33);
    let t35 = l.xor(t27, t33);
    let [t36] = l.and([(t24, t35)])?;
    let t37 = l.xor(t36, t34);
    let t38 = l.xor(t27, t36);
    let [t39] = l.and([(t29, t38)])?;
    let t40 = l.xor(t25, t39);
    let t41 = l.xor(t40, t37);
    let t42 = l.xor(t29, t33);
    let t43 = l.xor(t29, t40);
    let t44 = l.xor(t33, t37);
    let t45 = l.xor(t42, t41);
    let [z0, z1, z2, z3, z4, z5, z6, z7, z8, z9, z10, z11, z12, z13, z14, z15, z16, z17] = l.and([
        (t44, y15),
        (t37, y6),
        (t33, x7),
        (t43, y16),
        (t40, y1),
        (t29, y7),
        (t42, y11),
        (t45, y17),
        (t41, y10),
        (t44, y12),
        (t37, y3),
        (t33, y4),
        (t43, y13),
        (t40, y5),
        (t29, y2),
        (t42, y9),
        (t45, y14),
        (t41, y8),
    ])?;

    // The linear map at the bottom, and the affine constant.
    let t46 = l.xor(z15, z16);
    let t47 = l.xor(z10, z11);
    let t48 = l.xor(z5, z13);
    let t49 = l.xor(z9, z10);
    let t50 = l.xor(z2, z12);
    let t51 = l.xor(z2, z5);
    let t52 = l.xor(z7, z8);
    let t53 = l.xor(z0, z3);
    let t54 = l.xor(z6, z7);
    let t55 = l.xor(z16, z17);
    let t56 = l.xor(z12, t48);
    let t57 = l.xor(t50, t53);
    let t58 = l.xor(z4, t46);
    let t59 = l.xor(z3, t54);
    let t60 = l.xor(t46, t57);
    let t61 = l.xor(z14, t57);
    let t62 = l.xor(t52, t58);
    let t63 = l.xor(t49, t58);
    let t64 = l.xor(z4, t59);
    let t65 = l.xor(t61, t62);
    let t66 = l.xor(z1, t63);
    let s0 = l.xor(t59, t63);
    let s6 = l.xnor(t56, t62);
    let s7 = l.xnor(t48, t60);
    let t67 = l.xor(t64, t65);
    let s3 = l.xor(t53, t66);
    let s4 = l.xor(t51, t66);
    let s5 = l.xor(t47, t65);
    let s1 = l.xnor(t64, s3);
    let s2 = l.xnor(t55, t67);
    let out = [s7, s6, s5, s4, s3, s2, s1, s0];
    Ok(core::array::from_fn(|byte| out.map(|Value(bit)| l.values[bit][byte])))
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
