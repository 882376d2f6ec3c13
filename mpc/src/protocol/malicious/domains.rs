//! The hashes of the malicious protocol, and every label that they are used with.
//!
//! ```text
//! domain      = |label| ‖ label ‖ session ‖ index ‖ role
//! of(parts)   = SHA-256(domain ‖ |part| ‖ part ‖ |part| ‖ part …)
//! running     = BLAKE3 with the key of() of block ‖ block …     blocks of 16 bytes, as many as both parties expect
//! ```
//!
//! Running hashes take 150 bytes of each AND gate. BLAKE3 hashes them in parallel; SHA-256 took a tenth of
//! the whole session for them.
//!
//! Lengths and the index are u64, little-endian; the role is one byte, 0 where a hash belongs to both
//! parties. Labels that end in `running` are used for running hashes only. So no two inputs of any two
//! purposes share an encoding, and a hash that is replayed from another session, chunk or role, or sent back
//! to its sender, equals nothing.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::Block;
use crate::ot::SessionId;
use crate::protocol::hello::Role;

/// The session id of this protocol, from that of the handshake and the parameters.
pub(super) const SESSION: &str = "sotto mpc malicious v1 session";
/// The session id of a protocol of several parties, from the record of what they told in the handshake.
pub(super) const SESSION_OF_MANY: &str = "sotto mpc multiparty v1 session";
/// The id of two of several parties, from the session id of their hellos; the index is that of both places.
pub(super) const PAIR: &str = "sotto mpc multiparty v1 pair";
/// The session id of the transfers in one direction; the role is that of their sender.
pub(super) const TRANSFERS: &str = "sotto mpc malicious v1 transfers";
/// The commitment to the nonce of a coin; the index is that of the coin.
pub(super) const COIN_COMMITMENT: &str = "sotto mpc malicious v1 coin commitment";
/// A coin, from the nonces of both parties.
pub(super) const COIN: &str = "sotto mpc malicious v1 coin";
/// The shift of one layer of candidates, from a coin; the index is that of the layer.
pub(super) const SHIFT: &str = "sotto mpc malicious v1 shift";
/// The test values of all candidates of a chunk.
pub(super) const PRODUCTS: &str = "sotto mpc malicious v1 products running";
/// The commitment to the digest of the test values.
pub(super) const EQUALITY: &str = "sotto mpc malicious v1 equality";
/// The MACs of opened bits; the role is that of the party whose bits they are.
pub(super) const OPENINGS: &str = "sotto mpc malicious v1 openings running";
/// The MACs of mask bits of outputs; the role is that of the party whose bits they are.
pub(super) const OUTPUTS: &str = "sotto mpc malicious v1 outputs running";
/// All messages of both directions.
pub(super) const TRANSCRIPT: &str = "sotto mpc malicious v1 transcript";

/// Where a hash belongs to.
pub(super) struct Domain<'s> {
    pub(super) label: &'static str,
    pub(super) session: &'s SessionId,
    pub(super) index: u64,
    /// Whose hash it is; `None` if it belongs to both parties.
    pub(super) role: Option<Role>,
}

impl Domain<'_> {
    /// The hash of `parts`.
    pub(super) fn of(&self, parts: &[&[u8]]) -> [u8; 32] {
        let role = self.role.map_or(0, |role| role as u8);
        let mut hash = Sha256::new_with_prefix((self.label.len() as u64).to_le_bytes())
            .chain_update(self.label)
            .chain_update(self.session.0)
            .chain_update(self.index.to_le_bytes())
            .chain_update([role]);
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// An empty running hash.
    pub(super) fn running(&self) -> RunningHash {
        let waiting = Zeroizing::new(Vec::with_capacity(WAITING));
        RunningHash { hash: blake3::Hasher::new_keyed(&self.of(&[])), waiting }
    }
}

/// Bytes that are hashed at once: enough for BLAKE3 to work in parallel.
const WAITING: usize = 1 << 14;

/// A hash of blocks, added one after another.
pub(super) struct RunningHash {
    hash: blake3::Hasher,
    waiting: Zeroizing<Vec<u8>>,
}

impl RunningHash {
    pub(super) fn add(&mut self, block: Block) {
        self.waiting.extend_from_slice(&block.to_bytes());
        if self.waiting.len() == WAITING {
            self.empty();
        }
    }

    pub(super) fn finish(mut self) -> [u8; 32] {
        self.empty();
        self.hash.finalize().into()
    }

    fn empty(&mut self) {
        self.hash.update(&self.waiting);
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: SessionId = SessionId([5; 32]);

    #[test]
    fn the_encoding_is_as_written() {
        let domain = Domain { label: "L", session: &SID, index: 0x0102, role: Some(Role::Evaluator) };
        let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 0, b'L'];
        bytes.extend([5; 32]);
        bytes.extend([2, 1, 0, 0, 0, 0, 0, 0, 2]);
        let key = Sha256::digest(&bytes).into();
        let (mut running, mut blocks) = (domain.running(), Vec::new());
        for i in 0..3000 {
            running.add(Block::new(i));
            blocks.extend(Block::new(i).to_bytes());
        }
        assert_eq!(running.finish(), *blake3::keyed_hash(&key, &blocks).as_bytes());
        bytes.extend([3, 0, 0, 0, 0, 0, 0, 0, b'a', b'b', b'c', 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(domain.of(&[b"abc", b""]), <[u8; 32]>::from(Sha256::digest(&bytes)));
    }

    /// Fixed answers: a change of any label, or of the encoding, breaks compatibility and shows here.
    #[test]
    fn every_label_has_its_known_answer() {
        let labels = [
            SESSION,
            TRANSFERS,
            COIN_COMMITMENT,
            COIN,
            SHIFT,
            PRODUCTS,
            EQUALITY,
            OPENINGS,
            OUTPUTS,
            TRANSCRIPT,
            SESSION_OF_MANY,
            PAIR,
        ];
        let mut answers: Vec<String> = Vec::new();
        for label in labels {
            let domain = Domain { label, session: &SID, index: 1, role: Some(Role::Garbler) };
            answers.push(domain.of(&[b"part"]).iter().take(6).map(|byte| format!("{byte:02x}")).collect());
        }
        let known = [
            "a67a76e9f2d3",
            "4682cb6c0d9e",
            "217fcc2f1545",
            "dd70d36036e2",
            "37d9bd76114b",
            "bfc1016ef780",
            "c0f5cccfc46a",
            "0207166e4050",
            "6bff03fd1066",
            "e23ab7dafbe9",
            "44ed501f152f",
            "e5f4e0a2e985",
        ];
        assert_eq!(answers, known);
    }

    #[test]
    fn label_session_index_role_and_cut_all_count() {
        let (other, this) = (SessionId([6; 32]), Some(Role::Garbler));
        let hash = |label, session, index, role| Domain { label, session, index, role }.of(&[b"ab", b"c"]);
        let base = hash(COIN, &SID, 1, this);
        for changed in [
            hash(SHIFT, &SID, 1, this),
            hash(COIN, &other, 1, this),
            hash(COIN, &SID, 2, this),
            hash(COIN, &SID, 1, Some(Role::Evaluator)),
            hash(COIN, &SID, 1, None),
            Domain { label: COIN, session: &SID, index: 1, role: this }.of(&[b"a", b"bc"]),
        ] {
            assert_ne!(changed, base);
        }
    }
}
