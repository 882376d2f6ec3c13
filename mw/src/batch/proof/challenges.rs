//! The Fiat–Shamir challenges of many proofs, eight transcripts at a time.
//!
//! The same operations in the same order as [`RangeProof::replay_to_x`](crate::range_proof::RangeProof) and,
//! after x, as the verifier of the `bulletproofs` crate; then one more challenge, which binds the whole
//! proof.

use super::{A, BITS, E_BLINDING, IPP_A, IPP_B, L0, R0, ROUNDS, S, T_X, T_X_BLINDING, T1, T2};
use crate::{
    batch::{
        claim::{Claim, Judged},
        transcripts::Transcripts,
    },
    msm::Backend,
    tag,
};
use rayon::prelude::*;

/// The challenges of one proof: integers that count modulo ℓ.
#[derive(Clone)]
pub(in crate::batch) struct Challenges {
    pub(super) y: [u64; 8],
    pub(super) z: [u64; 8],
    pub(super) x: [u64; 8],
    pub(super) w: [u64; 8],
    pub(super) u: [[u64; 8]; ROUNDS],
    /// Over the whole proof: what the batch's weights absorb.
    pub(in crate::batch) binding: [u8; 32],
}

/// Transcripts that run side by side.
const STATES: usize = 8;

impl Challenges {
    /// Replays all transcripts; `None` if a point is the identity, which no prover sends, or a claim is of another
    /// kind than what is judged.
    pub(in crate::batch) fn replay(
        backend: Backend,
        judged: Judged<'_>,
        claims: &[Claim<'_>],
    ) -> Option<Vec<Self>> {
        if claims.iter().any(|claim| has_identity(claim) || !judged.fits(claim)) {
            return None;
        }
        // Only outputs of one kind, with extra data of equal length, can go side by side.
        let length = |i: &usize| claims[*i].context.prefix().len();
        let mut order: Vec<usize> = (0..claims.len()).collect();
        order.sort_by_key(length);
        let groups: Vec<&[usize]> =
            order.chunk_by(|a, b| length(a) == length(b)).flat_map(|same| same.chunks(STATES)).collect();
        let replayed: Vec<Self> =
            groups.par_iter().flat_map_iter(|group| replay_group(backend, claims, group)).collect();
        let mut sorted: Vec<_> = order.into_iter().zip(replayed).collect();
        sorted.sort_by_key(|(i, _)| *i);
        Some(sorted.into_iter().map(|(_, challenges)| challenges).collect())
    }
}

fn has_identity(claim: &Claim<'_>) -> bool {
    let mut points = [A, S, T1, T2].into_iter().chain(L0..IPP_A);
    points.any(|i| claim.proof.element(i) == [0; 32])
}

/// The challenges of claims at some indices, at most eight, with prefixes of one length.
fn replay_group(backend: Backend, claims: &[Claim<'_>], group: &[usize]) -> Vec<Challenges> {
    let claim = |state: usize| &claims[group[state]];
    let element = |i: usize| move |state: usize| &claim(state).proof.as_bytes()[32 * i..32 * i + 32];
    let mut t = Transcripts::new(group.len(), tag::OUTPUT);
    t.append(b"context", |state| claim(state).context.prefix());
    let audited = group.iter().all(|i| claims[*i].proof.handles().is_some());
    let handle = |i: usize| move |state: usize| handle(claim(state), i);
    if audited {
        t.append(b"D", handle(1));
        t.append(b"D", handle(2));
    }
    let amounts = 1 + u64::from(audited);
    t.append(b"dom-sep", |_| b"rangeproof v1");
    t.append_u64(b"n", BITS as u64 / amounts);
    t.append_u64(b"m", amounts);
    t.append(b"V", |state| claim(state).commitment.as_bytes());
    if audited {
        t.append(b"V", handle(0));
    }
    t.append(b"A", element(A));
    t.append(b"S", element(S));
    t.challenge(b"y", 8);
    t.challenge(b"z", 8);
    t.append(b"T_1", element(T1));
    t.append(b"T_2", element(T2));
    if audited {
        t.append(b"T'_1", handle(3));
        t.append(b"T'_2", handle(4));
    }
    t.challenge(b"x", 8);
    t.append(b"t_x", element(T_X));
    t.append(b"t_x_blinding", element(T_X_BLINDING));
    t.append(b"e_blinding", element(E_BLINDING));
    t.challenge(b"w", 8);
    t.append(b"dom-sep", |_| b"ipp v1");
    t.append_u64(b"n", BITS as u64);
    for j in 0..ROUNDS {
        t.append(b"L", element(L0 + 2 * j));
        t.append(b"R", element(R0 + 2 * j));
        t.challenge(b"u", 8);
    }
    t.append(b"a", element(IPP_A));
    t.append(b"b", element(IPP_B));
    t.challenge(b"sotto batch", 4);

    let rows = t.challenges(backend);
    let challenge = |i: usize, state: usize| rows[i * group.len() + state];
    let of_state = |state: usize| Challenges {
        y: challenge(0, state),
        z: challenge(1, state),
        x: challenge(2, state),
        w: challenge(3, state),
        u: core::array::from_fn(|j| challenge(4 + j, state)),
        binding: bytes(challenge(4 + ROUNDS, state)),
    };
    (0..group.len()).map(of_state).collect()
}

/// Point `i` of the handles.
fn handle<'a>(claim: &'a Claim<'_>, i: usize) -> &'a [u8] {
    let handles = claim.proof.handles().map_or(&[][..], |h| h.as_bytes());
    handles.get(32 * i..32 * i + 32).unwrap_or_default()
}

/// The first four words as little-endian bytes.
fn bytes(words: [u64; 8]) -> [u8; 32] {
    core::array::from_fn(|i| words[i / 8].to_le_bytes()[i % 8])
}
