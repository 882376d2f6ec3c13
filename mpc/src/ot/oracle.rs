//! The random oracle of oblivious transfer, and every label that it is used with.
//!
//! ```text
//! oracle(label, sid, i, parts) = SHA-512(|label| ‖ label ‖ sid ‖ i ‖ |part| ‖ part …)
//! ```
//!
//! Lengths and `i` are u64, little-endian, so no two inputs share an encoding. Each purpose has its own
//! label: outputs under different labels, sessions or indices are independent.
//!
//! Source: the hash functions H1 to H4 of Canetti, Sarkar and Wang 2020 (ePrint 2020/110), each separated by
//! its label.

use super::SessionId;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

/// H1: from the receiver's seed to the group element T.
pub(super) const TO_GROUP: &str = "sotto ot v1 base to-group";
/// H2: from a Diffie–Hellman value to the pad of one base transfer.
pub(super) const PAD: &str = "sotto ot v1 base pad";
/// H3: from a pad to its part in the challenge.
pub(super) const PAD_CHECK: &str = "sotto ot v1 base pad-check";
/// H4: from all pad checks to the answer that the receiver must send.
pub(super) const ANSWER: &str = "sotto ot v1 base answer";
/// H3 of the answer: the sender's proof that it knows the answer.
pub(super) const PROOF: &str = "sotto ot v1 base proof";
/// The commitment to the check values of all leaves.
pub(super) const LEAVES: &str = "sotto ot v1 leaves";
/// The key of the linear code of the expansion.
pub(super) const CODE: &str = "sotto ot v1 ferret code";
/// The key from which the trees of the expansion have theirs.
pub(super) const TREE: &str = "sotto ot v1 ferret tree";
/// The session id under which a lane expands its transfers.
const LANE: &str = "sotto ot v1 lane";
/// The sender's proof about the leaves of a round of the expansion.
pub(super) const EXPANDED: &str = "sotto ot v1 ferret leaves";

/// Hashes `parts` under `label`, session and index.
pub(super) fn oracle<'a>(
    label: &str,
    sid: &SessionId,
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
    sid: &SessionId,
    i: u64,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Zeroizing<[u8; 32]> {
    let wide = oracle(label, sid, i, parts);
    let mut out = Zeroizing::new([0; 32]);
    out.copy_from_slice(&wide[..32]);
    out
}

/// The identifier of a further lane, whose expansion thereby has keys of its own.
pub(super) fn sid_of_lane(sid: &SessionId, lane: u8) -> SessionId {
    SessionId(*oracle32(LANE, sid, lane.into(), []))
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
        let sid = SessionId([5; 32]);
        let wide = oracle("L", &sid, 0x0102, [&b"abc"[..], b""]);
        assert_eq!(*wide, expected);
        assert_eq!(oracle32("L", &sid, 0x0102, [&b"abc"[..], b""])[..], expected[..32]);
    }

    #[test]
    fn every_input_counts() {
        let sid = SessionId([5; 32]);
        let base = oracle("L", &sid, 1, [&b"ab"[..], b"c"]);
        assert_ne!(base, oracle("M", &sid, 1, [&b"ab"[..], b"c"]));
        assert_ne!(base, oracle("L", &SessionId([6; 32]), 1, [&b"ab"[..], b"c"]));
        assert_ne!(base, oracle("L", &sid, 2, [&b"ab"[..], b"c"]));
        assert_ne!(base, oracle("L", &sid, 1, [&b"a"[..], b"bc"]));
    }
}
