//! The random weights under which the equations of a batch are added.
//!
//! Each weight has 128 bits, is never zero, and comes from one transcript over all proofs and signatures. A
//! prover has therefore fixed all of its input before it knows a weight.

use super::{claim::Judged, proof::Challenges};
use crate::{group::Scalar, schnorr::SignedMessage, tag};
use merlin::Transcript;

/// A signature and its challenge c, which binds R, X and the message.
pub(super) type Challenged<'a> = (&'a SignedMessage, Scalar);

/// Weights of one proof: e, e·c for its polynomial equation, and g for its handles, zero if they are not judged.
pub(super) struct ProofWeights {
    pub(super) e: u128,
    pub(super) ec: u128,
    pub(super) g: u128,
}

/// Two weights for each proof, or three where handles are judged, and one for each signature, from one
/// transcript over all of them. All proofs absorb equally many bytes, and so do all signatures, so the input is unambiguous.
pub(super) fn weights(
    judged: Judged<'_>,
    challenges: &[Challenges],
    signed: &[Challenged<'_>],
) -> (Vec<ProofWeights>, Vec<u128>) {
    let mut t = Transcript::new(tag::BATCH);
    let proofs: Vec<[u8; 32]> = challenges.iter().map(|c| c.binding).collect();
    t.append_message(b"proofs", proofs.as_flattened());
    let parts = |(s, c): &Challenged<'_>| {
        [c.to_bytes(), *s.key.as_bytes(), *s.signature.r.as_bytes(), s.signature.z.to_bytes()]
    };
    let signatures: Vec<[[u8; 32]; 4]> = signed.iter().map(parts).collect();
    t.append_message(b"signatures", signatures.as_flattened().as_flattened());

    let each = if judged.auditors().is_some() { 3 } else { 2 };
    let mut drawn = vec![[0; 16]; each * proofs.len() + signatures.len()];
    t.challenge_bytes(b"weights", drawn.as_flattened_mut());
    let weight = |bytes: &[u8; 16]| u128::from_le_bytes(*bytes).max(1);
    let of_one = |drawn: &[[u8; 16]]| {
        let at = |i: usize| drawn.get(i).map_or(0, weight);
        ProofWeights { e: at(0), ec: at(1), g: at(2) }
    };
    let (of_proofs, of_signatures) = drawn.split_at(each * proofs.len());
    (of_proofs.chunks(each).map(of_one).collect(), of_signatures.iter().map(weight).collect())
}
