//! The transcript of a range proof, as prover, co-owner and rewinder run it.
//!
//! ```text
//! "rangeproof v1", n, m, V…, A, S → y, z       T₁, T₂ → x
//!
//! audited:  D_lo, D_hi, "rangeproof v1", 32, 2, C, C_hi, A, S → y, z       T₁, T₂, T'₁, T'₂ → x
//! ```
//!
//! The context of the output comes first. The labels are those of the `bulletproofs` crate, and `D`, `T'_1`,
//! `T'_2`. C stands for C_lo = C − 2³²·C_hi: with C_hi it says the same, and C_lo need not be computed.

use super::handles::Handles;
use crate::group::Scalar;
use merlin::Transcript;

/// The challenges of a proof before the inner-product argument.
#[derive(Clone, Copy)]
pub(crate) struct Challenges {
    pub(crate) y: Scalar,
    pub(crate) z: Scalar,
    pub(crate) x: Scalar,
}

/// Absorbs D_lo and D_hi, if the output is audited.
pub(super) fn bind_handles(t: &mut Transcript, blindings: &[[u8; 32]]) {
    blindings.iter().for_each(|d| t.append_message(b"D", d));
}

/// Absorbs the number of amounts and of bits of each, and the commitments.
pub(super) fn begin(t: &mut Transcript, commitments: &[&[u8; 32]]) {
    t.append_message(b"dom-sep", b"rangeproof v1");
    t.append_u64(b"n", (64 / commitments.len().max(1)) as u64);
    t.append_u64(b"m", commitments.len() as u64);
    commitments.iter().for_each(|c| t.append_message(b"V", *c));
}

/// Absorbs A and S, draws y and z.
pub(super) fn bind_vectors(t: &mut Transcript, [a, s]: &[[u8; 32]; 2]) -> [Scalar; 2] {
    t.append_message(b"A", a);
    t.append_message(b"S", s);
    [challenge(t, b"y"), challenge(t, b"z")]
}

/// Absorbs T₁ and T₂, T'₁ and T'₂ if the output is audited, and draws x.
pub(super) fn bind_terms(
    t: &mut Transcript,
    [t1, t2]: &[[u8; 32]; 2],
    audited: Option<&[[u8; 32]; 2]>,
) -> Scalar {
    t.append_message(b"T_1", t1);
    t.append_message(b"T_2", t2);
    if let Some([t1, t2]) = audited {
        t.append_message(b"T'_1", t1);
        t.append_message(b"T'_2", t2);
    }
    challenge(t, b"x")
}

/// Replays the proof of an output from A, S, T₁ and T₂; the transcript has absorbed the output's context.
pub(crate) fn replay(
    t: &mut Transcript,
    commitment: &[u8; 32],
    [a, s, t1, t2]: &[[u8; 32]; 4],
    handles: Option<&Handles>,
) -> Challenges {
    match handles {
        None => begin(t, &[commitment]),
        Some(handles) => {
            bind_handles(t, &handles.blindings());
            begin(t, &[commitment, &handles.high()]);
        }
    }
    let [y, z] = bind_vectors(t, &[*a, *s]);
    Challenges { y, z, x: bind_terms(t, &[*t1, *t2], handles.map(Handles::terms).as_ref()) }
}

pub(super) fn challenge(t: &mut Transcript, label: &'static [u8]) -> Scalar {
    let mut wide = [0; 64];
    t.challenge_bytes(label, &mut wide);
    Scalar::from_bytes_mod_order_wide(&wide)
}
