//! Expanded transfers with a peer that departs from an honest session where the input says so.
//!
//! A session takes a third of a megabyte, so the input does not contain it: it names bytes of what an honest peer says that
//! are altered, and where it ends. Our own random choices are the same each time, so everything else is as it was.
//!
//! ```text
//! input        bit 0: the peer is the sender, bit 1: neither end checks the other (1) ‖ alteration*
//! alteration   place, modulo the length (4) ‖ what is XORed to the byte, or 0 if the session ends there (1)
//! ```

use crate::{
    Verdict,
    fixtures::{
        circuit::Replay,
        transfers::{SEMI_HONEST, play, session},
    },
};

/// Most alterations that are looked at.
const MOST: usize = 64;

/// What one end says, altered: the other end has an error, or what it had in the honest session. If it checks nothing, it
/// has as many outputs.
pub fn mpc_expansion(data: &[u8]) -> Verdict {
    let Some((&which, alterations)) = data.split_first() else { return Verdict::Refused };
    let honest = session(which);
    let mut said = honest.said.clone();
    for [place @ .., xor] in alterations.as_chunks::<5>().0.iter().take(MOST) {
        let at = u32::from_le_bytes(*place) as usize % honest.said.len();
        match xor {
            0 => said.truncate(at),
            xor => said.get_mut(at).into_iter().for_each(|byte| *byte ^= xor),
        }
    }
    let Ok((outputs, _)) = play(which, Replay::new(&said)) else { return Verdict::Refused };
    assert_eq!(outputs.len(), honest.outputs.len(), "another number of outputs");
    assert!(which & SEMI_HONEST != 0 || outputs == honest.outputs, "other outputs than in an honest session");
    Verdict::Accepted
}
