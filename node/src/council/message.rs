//! What members of a council say to each other.
//!
//! ```text
//! ask      1 ‖ bound (1) ‖ length (4) ‖ letter ‖ header ‖ body
//! letter   2 ‖ letter
//! ballot   3 ‖ length (4) ‖ letter ‖ ballot (consensus)
//! instead  4 ‖ statement (consensus)
//! ```
//!
//! Letters are signed by their members; a proposal needs no signature, because the letter that asks names its
//! header. `bound` says that the one who asks has signed this block already.
#![deny(clippy::indexing_slicing)]

use crate::{
    codec::{proposal_bytes, read_proposal},
    consensus::{Ballot, Statement},
};
use sotto_keys::{Letter, MAX_LETTER};
use sotto_mw::{
    codec::{Decode as _, DecodeError, Encode as _, Reader},
    rules::Proposal,
};

/// Most bytes of a message.
pub(crate) const MAX_SAID: usize = 4 << 20;

/// A message to all other members.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once, from the engine to the edge")]
pub enum Said {
    /// A member asks for the seal of a block.
    Ask {
        /// Whether its share is bound to the block.
        bound: bool,
        /// The letter that asks.
        letter: Letter,
        /// The block.
        proposal: Proposal,
    },
    /// A letter of a round.
    Letter(Letter),
    /// A member asks the group to say something as a validator.
    Ballot {
        /// The letter that asks.
        letter: Letter,
        /// What for, and on which grounds.
        ballot: Ballot,
    },
    /// What a member may sign, at the position for which another asked for something else or later. It binds nobody.
    Instead(Statement),
}

impl Said {
    /// The bytes of the message.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Ask { bound, letter, proposal } => {
                let letter = letter.to_bytes();
                // A letter has 256 KiB at most.
                let length = (letter.len() as u32).to_le_bytes();
                [&[1, u8::from(*bound)], &length[..], &letter, &proposal_bytes(proposal)].concat()
            }
            Self::Letter(letter) => [&[2], &letter.to_bytes()[..]].concat(),
            Self::Ballot { letter, ballot } => {
                let letter = letter.to_bytes();
                let length = (letter.len() as u32).to_le_bytes();
                [&[3], &length[..], &letter, &ballot.to_bytes()].concat()
            }
            Self::Instead(statement) => [&[4], &statement.to_bytes()[..]].concat(),
        }
    }

    /// Reads a message. Signatures are not checked; `None` if it is malformed.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        let said = match r.u8().ok()? {
            1 => {
                let bound = match r.u8().ok()? {
                    0 => false,
                    1 => true,
                    _ => return None,
                };
                let letter = measured_letter(&mut r)?;
                Self::Ask { bound, letter, proposal: read_proposal(rest(&mut r).ok()?)? }
            }
            2 => Self::Letter(Letter::from_bytes(rest(&mut r).ok()?).ok()?),
            3 => {
                let letter = measured_letter(&mut r)?;
                Self::Ballot { letter, ballot: Ballot::from_bytes(rest(&mut r).ok()?).ok()? }
            }
            4 => Self::Instead(Statement::from_bytes(rest(&mut r).ok()?).ok()?),
            _ => return None,
        };
        Some(said)
    }
}

/// A letter after its length.
fn measured_letter(r: &mut Reader<'_>) -> Option<Letter> {
    let length = usize::try_from(r.u32().ok()?).ok().filter(|length| *length <= MAX_LETTER)?;
    Letter::from_bytes(r.take(length).ok()?).ok()
}

fn rest<'a>(r: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    r.take(r.left())
}
