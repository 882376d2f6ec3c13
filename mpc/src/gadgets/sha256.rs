//! SHA-256 in 22,335 AND gates for each block (FIPS 180-4), for any number of messages in lock-step.
//!
//! Rotations, `Σ` and `σ` are free. `Ch` and `Maj` take 32 gates each. The rest is carry-save addition:
//!
//! ```text
//! Ch = g ⊕ e(f ⊕ g)        Maj = a ⊕ (a ⊕ b)(a ⊕ c)
//! ```
//!
//! The round constants are not wires: a bit that is set becomes the constant input of a full adder. For
//! comparison, the circuit of the Bristol Fashion collection has 22,573 gates, and its older version, with a
//! fixed initial value, 22,272.
//!
//! The carries of a single message depend on each other, gate by gate. Many messages at once keep a processor
//! busy. A single one is better recorded and scheduled once (see [`Circuit`](crate::circuit::Circuit)), which
//! more than doubles the speed.

use super::{Arithmetic, CarrySaveAdder, Words};
use crate::Fancy;

/// The fractional parts of the cube roots of the first 64 primes (FIPS 180-4 section 4.2.2).
#[rustfmt::skip]
const K: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// Section 5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The bits of a block.
const BLOCK: usize = 512;

/// The hash function SHA-256.
pub trait Sha256: Fancy {
    /// The digest of each message, in words of 256 bits. Messages are words of `8n` bits: the bytes in order,
    /// each with its lowest bit first. Digests have the same format. The length is public. 22,335 gates for
    /// each block of 64 bytes, including the 9 bytes of padding.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If the messages do not consist of whole bytes.
    fn sha256(&mut self, message: &Words<Self::Wire>) -> Result<Words<Self::Wire>, Self::Error> {
        assert!(message.width().is_multiple_of(8));
        let (lanes, length) = (message.lanes(), message.width());
        let bits = [self.constant(false), self.constant(true)];
        let constant =
            |n: u32| (0..32).flat_map(move |i| std::iter::repeat_n(bits[(n >> i & 1) as usize], lanes));
        // Section 5.1.1: a one, zeros, and the length in bits as a 64-bit number, highest byte first.
        let mut padded = message.wires().to_vec();
        let mut pad = |byte: u8| {
            (0..8).for_each(|i| padded.extend(std::iter::repeat_n(bits[usize::from(byte >> i & 1)], lanes)))
        };
        pad(0x80);
        let zeros = (2 * BLOCK - 72 - length % BLOCK) % BLOCK / 8;
        (0..zeros).for_each(|_| pad(0));
        (length as u64).to_be_bytes().into_iter().for_each(pad);

        let mut state = INITIAL.map(|n| Words::new(lanes, constant(n).collect()));
        for block in padded.chunks_exact(BLOCK * lanes) {
            let words =
                core::array::from_fn(|i| swap_bytes(&block[32 * lanes * i..32 * lanes * (i + 1)], lanes));
            state = self.sha256_block(&state, &words)?;
        }
        let digest = state.iter().flat_map(|word| swap_bytes(word.wires(), lanes).wires().to_vec());
        Ok(Words::new(lanes, digest.collect()))
    }

    /// The state after one block; state and block are words of 32 bits (FIPS 180-4 section 6.2.2). 22,335
    /// gates.
    ///
    /// # Errors
    /// As [`Fancy::and_n`].
    ///
    /// # Panics
    /// If the numbers of lanes differ.
    fn sha256_block(
        &mut self,
        state: &[Words<Self::Wire>; 8],
        block: &[Words<Self::Wire>; 16],
    ) -> Result<[Words<Self::Wire>; 8], Self::Error> {
        let lanes = state[0].lanes();
        let one = self.not(Self::Wire::default());
        let mut schedule = block.to_vec();
        let mut now = state.clone();
        for (t, k) in K.iter().enumerate() {
            if t >= 16 {
                let w = next_word(self, &schedule)?;
                schedule.push(w);
            }
            let [a, b, c, d, e, f, g, h] = &now;
            let [ch, maj] = choose_and_majority(self, [a, b, c], [e, f, g])?;
            let mut t1 = CarrySaveAdder::new(lanes, 32);
            for i in (0..32).filter(|i| k >> i & 1 == 1) {
                t1.add(i, std::iter::repeat_n(one, lanes)); // first, so that a full adder consumes it
            }
            let sigma_1 = rotations(self, e, [6, 11, 25]);
            [h, &sigma_1, &ch, &schedule[t]].into_iter().for_each(|words| t1.add_words(words));
            let t1 = t1.finish(self)?;
            let sigma_0 = rotations(self, a, [2, 13, 22]);
            let new_a = sum(self, [&t1, &sigma_0, &maj])?;
            let new_e = self.add(d, &t1)?;
            now.rotate_right(1);
            (now[0], now[4]) = (new_a, new_e);
        }
        for (now, before) in now.iter_mut().zip(state) {
            *now = self.add(now, before)?;
        }
        Ok(now)
    }
}

impl<F: Fancy + ?Sized> Sha256 for F {}

/// Reverses the bytes of words, to convert between byte order and numbers.
fn swap_bytes<W: Copy>(wires: &[W], lanes: usize) -> Words<W> {
    Words::new(lanes, wires.chunks_exact(8 * lanes).rev().flatten().copied().collect())
}

/// The next word of the message schedule, from the 16 words before it.
fn next_word<F: Fancy + ?Sized>(f: &mut F, w: &[Words<F::Wire>]) -> Result<Words<F::Wire>, F::Error> {
    let before = |n: usize| &w[w.len() - n];
    let sigma_1 = shifted(f, before(2), [17, 19], 10);
    let sigma_0 = shifted(f, before(15), [7, 18], 3);
    sum(f, [&sigma_1, before(7), &sigma_0, before(16)])
}

fn sum<F: Fancy + ?Sized, const N: usize>(
    f: &mut F,
    terms: [&Words<F::Wire>; N],
) -> Result<Words<F::Wire>, F::Error> {
    let mut adder = CarrySaveAdder::new(terms[0].lanes(), 32);
    terms.into_iter().for_each(|words| adder.add_words(words));
    adder.finish(f)
}

/// `Ch(e, f, g)` and `Maj(a, b, c)` in one slice.
fn choose_and_majority<F: Fancy + ?Sized>(
    f: &mut F,
    [a, b, c]: [&Words<F::Wire>; 3],
    [e, f_, g]: [&Words<F::Wire>; 3],
) -> Result<[Words<F::Wire>; 2], F::Error> {
    let n = a.wires().len();
    let mut u = e.wires().to_vec();
    let mut v = vec![F::Wire::default(); 2 * n];
    let mut ab = vec![F::Wire::default(); n];
    f.xor_n(f_.wires(), g.wires(), &mut v[..n]);
    f.xor_n(a.wires(), b.wires(), &mut ab);
    f.xor_n(a.wires(), c.wires(), &mut v[n..]);
    u.append(&mut ab);
    let mut uv = vec![F::Wire::default(); 2 * n];
    f.and_n(&u, &v, &mut uv)?;
    let mut out = vec![F::Wire::default(); 2 * n];
    f.xor_n(&uv[..n], g.wires(), &mut out[..n]);
    f.xor_n(&uv[n..], a.wires(), &mut out[n..]);
    let maj = out.split_off(n);
    Ok([out, maj].map(|wires| Words::new(a.lanes(), wires)))
}

/// The wires rotated to the right.
fn rotated<W: Copy>(x: &Words<W>, by: usize) -> Vec<W> {
    let mut wires = x.wires().to_vec();
    wires.rotate_left(by * x.lanes());
    wires
}

/// `Σ`: the XOR of three rotations to the right.
fn rotations<F: Fancy + ?Sized>(f: &mut F, x: &Words<F::Wire>, by: [usize; 3]) -> Words<F::Wire> {
    let [r, s, t] = by.map(|by| rotated(x, by));
    xor_3(f, x.lanes(), &r, &s, &t)
}

/// `σ`: the XOR of two rotations and a shift to the right.
fn shifted<F: Fancy + ?Sized>(f: &mut F, x: &Words<F::Wire>, by: [usize; 2], shift: usize) -> Words<F::Wire> {
    let [r, s] = by.map(|by| rotated(x, by));
    let mut t = x.wires()[shift * x.lanes()..].to_vec();
    t.resize(r.len(), F::Wire::default());
    xor_3(f, x.lanes(), &r, &s, &t)
}

fn xor_3<F: Fancy + ?Sized>(
    f: &mut F,
    lanes: usize,
    r: &[F::Wire],
    s: &[F::Wire],
    t: &[F::Wire],
) -> Words<F::Wire> {
    let mut rs = r.to_vec();
    let mut rst = r.to_vec();
    f.xor_n(r, s, &mut rs);
    f.xor_n(&rs, t, &mut rst);
    Words::new(lanes, rst)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fancy::{Count, Plain};
    use sha2::Digest;

    fn bits(bytes: &[u8]) -> Vec<bool> {
        bytes.iter().flat_map(|byte| (0..8).map(move |i| byte >> i & 1 == 1)).collect()
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    fn hash(message: &[u8]) -> Vec<bool> {
        let words = Words::new(1, bits(message));
        let Ok(digest) = Plain.sha256(&words);
        digest.wires().to_vec()
    }

    #[test]
    fn fips_180_examples() {
        for (message, digest) in [
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
            ),
        ] {
            assert_eq!(hash(message.as_bytes()), bits(&hex(digest)), "{message}");
        }
    }

    #[test]
    fn every_length_is_padded_right() {
        for length in [1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 128] {
            let message: Vec<u8> = (0..length).map(|i| (i * i + length) as u8).collect();
            assert_eq!(hash(&message), bits(&sha2::Sha256::digest(&message)), "{length} bytes");
        }
    }

    #[test]
    fn messages_go_in_lock_step() {
        let messages = [[1u8; 60], [2; 60], [77; 60]];
        let Ok(digests) = Plain.sha256(&Words::from_rows(480, &bits(messages.as_flattened())));
        for (lane, message) in messages.iter().enumerate() {
            assert_eq!(digests.lane(lane).collect::<Vec<_>>(), bits(&sha2::Sha256::digest(message)));
        }
    }

    #[test]
    fn a_block_costs_22335_gates() {
        let word = || Words::new(1, vec![Default::default(); 32]);
        let mut count = Count::default();
        let Ok(_) = count.sha256_block(&core::array::from_fn(|_| word()), &core::array::from_fn(|_| word()));
        assert_eq!(count.cost().and_gates, 22_335);
    }
}
