//! The random oracle of the OT layer, and every label it is used under.
//!
//! ```text
//! oracle(label, sid, i, parts) = SHA-512(|label| ‖ label ‖ sid ‖ i ‖ |part| ‖ part …)
//! ```
//!
//! with lengths and `i` as u64, little-endian, so that no two inputs share an encoding. One label a
//! purpose: what comes out under different labels, sessions or indices is independent.
//!
//! Source: the hash functions H1 to H4 of Canetti, Sarkar and Wang 2020 (ePrint 2020/110), each separated by
//! its label.

use super::Sid;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

/// H1: a receiver's seed to the group element T.
pub(super) const TO_GROUP: &str = "sotto ot v1 base to-group";
/// H2: a Diffie–Hellman value to the pad of one base OT.
pub(super) const PAD: &str = "sotto ot v1 base pad";
/// H3: a pad to the value the base challenge is made of.
pub(super) const PAD_CHECK: &str = "sotto ot v1 base pad-check";
/// H4: all pad checks to the answer the receiver must give.
pub(super) const ANSWER: &str = "sotto ot v1 base answer";
/// H3 again, over the answer: the sender's proof that it knows it.
pub(super) const PROOF: &str = "sotto ot v1 base proof";
/// The sender's commitment to the check values of all leaves.
pub(super) const LEAVES: &str = "sotto ot v1 leaves";

/// Hashes `parts` under `label`, session and index.
pub(super) fn oracle<'a>(
    label: &str,
    sid: &Sid,
    i: u64,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Zeroizing<[u8; 64]> {
    let mut hash = Sha512::new();
    hash.update((label.len() as u64).to_le_bytes());
    hash.update(label);
    hash.update(sid.0);
    hash.update(i.to_le_bytes());
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    Zeroizing::new(hash.finalize().into())
}

/// The first 32 bytes of [`oracle`].
pub(super) fn oracle32<'a>(
    label: &str,
    sid: &Sid,
    i: u64,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Zeroizing<[u8; 32]> {
    let wide = oracle(label, sid, i, parts);
    let mut out = Zeroizing::new([0; 32]);
    out.copy_from_slice(&wide[..32]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_as_written() {
        let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 0, b'L'];
        bytes.extend([5; 32]);
        bytes.extend([2, 1, 0, 0, 0, 0, 0, 0]);
        bytes.extend([3, 0, 0, 0, 0, 0, 0, 0, b'a', b'b', b'c']);
        bytes.extend([0; 8]);
        let expected: [u8; 64] = Sha512::digest(&bytes).into();
        let sid = Sid([5; 32]);
        let wide = oracle("L", &sid, 0x0102, [&b"abc"[..], b""]);
        assert_eq!(*wide, expected);
        assert_eq!(oracle32("L", &sid, 0x0102, [&b"abc"[..], b""])[..], expected[..32]);
    }

    #[test]
    fn every_input_counts() {
        let sid = Sid([5; 32]);
        let base = oracle("L", &sid, 1, [&b"ab"[..], b"c"]);
        assert_ne!(base, oracle("M", &sid, 1, [&b"ab"[..], b"c"]));
        assert_ne!(base, oracle("L", &Sid([6; 32]), 1, [&b"ab"[..], b"c"]));
        assert_ne!(base, oracle("L", &sid, 2, [&b"ab"[..], b"c"]));
        assert_ne!(base, oracle("L", &sid, 1, [&b"a"[..], b"bc"]));
    }
}
