//! The Fiat–Shamir challenges of a proof.

use super::{A, BITS, E_BLINDING, IPP_A, IPP_B, L0, R0, ROUNDS, S, T_X, T_X_BLINDING, T1, T2};
use crate::{batch::Claim, group::words, range_proof::challenge};

/// The challenges of one proof, in the order of its transcript: integers that count modulo ℓ.
pub(in crate::batch) struct Challenges {
    pub(super) y: [u64; 8],
    pub(super) z: [u64; 8],
    pub(super) x: [u64; 8],
    pub(super) w: [u64; 8],
    pub(super) u: [[u64; 8]; ROUNDS],
    binding: [u8; 32],
}

impl Challenges {
    /// Replays the transcript; `None` when a point is the identity, which the prover's side never sends.
    pub(in crate::batch) fn replay(claim: &Claim<'_>) -> Option<Self> {
        let p = claim.proof;
        let points = [A, S, T1, T2].into_iter().chain(L0..IPP_A);
        if points.into_iter().any(|i| p.element(i) == [0; 32]) {
            return None;
        }
        let (mut t, yzx) = p.replay_to_x(&claim.context, claim.commitment);
        let wide = |s| {
            let w = words(&s);
            [w[0], w[1], w[2], w[3], 0, 0, 0, 0]
        };
        let [y, z, x] = yzx.map(wide);
        t.append_message(b"t_x", &p.element(T_X));
        t.append_message(b"t_x_blinding", &p.element(T_X_BLINDING));
        t.append_message(b"e_blinding", &p.element(E_BLINDING));
        let w = wide(challenge(&mut t, b"w"));
        t.append_message(b"dom-sep", b"ipp v1");
        t.append_u64(b"n", BITS as u64);
        let u = core::array::from_fn(|j| {
            t.append_message(b"L", &p.element(L0 + 2 * j));
            t.append_message(b"R", &p.element(R0 + 2 * j));
            wide(challenge(&mut t, b"u"))
        });
        t.append_message(b"a", &p.element(IPP_A));
        t.append_message(b"b", &p.element(IPP_B));
        let mut binding = [0; 32];
        t.challenge_bytes(b"sotto batch", &mut binding);
        Some(Self { y, z, x, w, u, binding })
    }

    /// A challenge over the whole proof: what the batch's weights absorb.
    pub(in crate::batch) const fn binding(&self) -> &[u8; 32] {
        &self.binding
    }
}
