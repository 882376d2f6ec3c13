//! Grin: `grin_secp256k1zkp`, the C library under its node and its wallet.

use secp256k1zkp::{
    ContextFlag, Message, Secp256k1, Signature,
    aggsig::{sign_single, verify_batch, verify_single},
    key::{PublicKey, SecretKey},
    pedersen::{Commitment, ProofMessage, RangeProof},
};
use std::hint::black_box;

const AMOUNT: u64 = 1_000;

/// A secret that differs from all others of another number.
fn secret(secp: &Secp256k1, i: u32) -> SecretKey {
    let mut bytes = [1; 32];
    bytes[..4].copy_from_slice(&i.to_be_bytes());
    SecretKey::from_slice(secp, &bytes).unwrap()
}

/// Commitments with their proofs.
pub(crate) struct Proofs {
    secp: Secp256k1,
    all: Batch,
}

/// What one call of the verifier takes.
#[derive(Clone)]
pub(crate) struct Batch {
    commitments: Vec<Commitment>,
    proofs: Vec<RangeProof>,
}

impl Proofs {
    pub(crate) fn new(n: u32) -> Self {
        let secp = Secp256k1::with_caps(ContextFlag::Commit);
        let mut new = Self { secp, all: Batch { commitments: vec![], proofs: vec![] } };
        // Grin's commitments differ by blinding factor; its nonces by commitment.
        let (commitments, proofs) = (0..n).map(|i| new.make(i)).unzip();
        new.all = Batch { commitments, proofs };
        let mut bad = new.batch(16);
        bad.proofs.swap(7, 8);
        assert!(!new.holds(&bad));
        new
    }

    pub(crate) fn proof_bytes(&self) -> usize {
        self.all.proofs[0].len()
    }

    pub(crate) fn prove(&self) {
        black_box(self.make(0));
    }

    pub(crate) fn batch(&self, k: usize) -> Batch {
        Batch { commitments: self.all.commitments[..k].to_vec(), proofs: self.all.proofs[..k].to_vec() }
    }

    pub(crate) fn verify(&self, batch: &Batch) {
        assert!(self.holds(batch));
    }

    pub(crate) fn rewind_own(&self) {
        assert!(self.rewinds(0));
    }

    pub(crate) fn rewind_miss(&self) {
        assert!(!self.rewinds(1));
    }

    fn make(&self, i: u32) -> (Commitment, RangeProof) {
        let (s, nonce) = (&self.secp, secret(&self.secp, 1_000_000 + i));
        let commitment = s.commit(AMOUNT, secret(s, i)).unwrap();
        let message = Some(ProofMessage::from_bytes(&[7; 20]));
        let proof = s.bullet_proof(AMOUNT, secret(s, i), nonce.clone(), nonce, None, message).unwrap();
        (commitment, proof)
    }

    fn holds(&self, b: &Batch) -> bool {
        self.secp.verify_bullet_proof_multi(b.commitments.clone(), b.proofs.clone(), None).is_ok()
    }

    /// Whether the first proof opens under the nonce of the i-th.
    fn rewinds(&self, i: u32) -> bool {
        let (s, b) = (&self.secp, &self.all);
        s.rewind_bullet_proof(b.commitments[0], secret(s, 1_000_000 + i), None, b.proofs[0]).is_ok()
    }
}

/// Kernel signatures with their keys.
pub(crate) struct Signatures {
    secp: Secp256k1,
    signatures: Vec<Signature>,
    messages: Vec<Message>,
    keys: Vec<PublicKey>,
}

impl Signatures {
    pub(crate) fn new(n: usize) -> Self {
        let secp = Secp256k1::with_caps(ContextFlag::Full);
        let (mut signatures, mut messages, mut keys) = (vec![], vec![], vec![]);
        for i in 0..n as u32 {
            let x = secret(&secp, i);
            let key = PublicKey::from_secret_key(&secp, &x).unwrap();
            let message = Message::from_slice(&[i.to_be_bytes(); 8].concat()).unwrap();
            signatures.push(sign_single(&secp, &message, &x, None, None, None, Some(&key), None).unwrap());
            messages.push(message);
            keys.push(key);
        }
        let mut new = Self { secp, signatures, messages, keys };
        new.messages.rotate_left(1);
        assert!(n == 1 || !new.holds());
        new.messages.rotate_right(1);
        new
    }

    pub(crate) fn verify_one(&self) {
        let (s, key) = (&self.secp, &self.keys[0]);
        assert!(verify_single(s, &self.signatures[0], &self.messages[0], None, key, Some(key), None, false));
    }

    pub(crate) fn verify(&self) {
        assert!(self.holds());
    }

    fn holds(&self) -> bool {
        verify_batch(&self.secp, &self.signatures, &self.messages, &self.keys)
    }
}
