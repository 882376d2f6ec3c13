//! What a group is asked to sign. A member sees fields, and signs the message that follows from them: never
//! bytes that somebody sent.
//!
//! ```text
//! header  1 ‖ length (4) ‖ header        message = "sotto/seal/v1" ‖ chain id ‖ H("sotto/header/v1", header)
//! vote    2 ‖ kind (1) ‖ height (8) ‖ round (4) ‖ flag (1) ‖ header hash (32)
//!                                        message = "sotto/vote/v1" ‖ chain id ‖ the fields
//! drill   3 ‖ time (8)                   message = "sotto/keys/drill/v1" ‖ group ‖ epoch (8) ‖ session ‖ time
//! ```
//!
//! The chain is that of the group's draft. A group for `seal` signs all three; one for `coin` drills only: its
//! keys sign kernels in a protocol of their own. Groups for `audit` and `vault` sign nothing, and answer a drill
//! with a partial.
#![deny(clippy::indexing_slicing)]

use crate::codec::{DecodeError, Reader, put_bytes};
use crate::draft::Purpose;
use crate::epoch::Epoch;
use crate::letter::SessionId;
use crate::tag::{DRILL, HEADER, SEAL, VOTE, tagged};

/// Most bytes of a header.
const MAX_HEADER: usize = 1 << 10;

/// A vote of a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The phase.
    pub phase: Phase,
    /// The height.
    pub height: u64,
    /// The round.
    pub round: u32,
    /// The hash of the header; `None` for nil.
    pub header: Option<[u8; 32]>,
}

/// The phase of a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// The first.
    Prevote = 1,
    /// The second.
    Precommit = 2,
}

/// What a group is asked to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The seal of a block, by the bytes of its header.
    Header(Vec<u8>),
    /// A vote.
    Vote(Vote),
    /// A drill.
    Drill {
        /// When it was asked for, in seconds since 1970.
        time: u64,
    },
}

impl Request {
    /// Whether a group of this purpose answers it.
    #[must_use]
    pub const fn is_for(&self, purpose: Purpose) -> bool {
        matches!((self, purpose), (Self::Drill { .. }, _) | (_, Purpose::Seal))
    }

    /// The message that is signed.
    #[must_use]
    pub fn message(&self, epoch: &Epoch, session: &SessionId) -> Vec<u8> {
        let chain = &epoch.draft().chain()[..];
        match self {
            Self::Header(header) => [SEAL.as_bytes(), chain, tagged(HEADER, &[header]).as_bytes()].concat(),
            Self::Vote(vote) => [VOTE.as_bytes(), chain, &vote.to_bytes()].concat(),
            Self::Drill { time } => [
                DRILL.as_bytes(),
                epoch.group().as_bytes(),
                &epoch.number().to_le_bytes(),
                session.as_bytes(),
                &time.to_le_bytes(),
            ]
            .concat(),
        }
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Header(header) => {
                let mut out = vec![1];
                put_bytes(header, &mut out);
                out
            }
            Self::Vote(vote) => [&[2], &vote.to_bytes()[..]].concat(),
            Self::Drill { time } => [&[3], &time.to_le_bytes()[..]].concat(),
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let request = match r.u8()? {
            1 => Self::Header(r.bytes(MAX_HEADER)?.to_vec()),
            2 => Self::Vote(Vote::read(&mut r)?),
            3 => Self::Drill { time: r.u64()? },
            _ => return Err(DecodeError::Value("a request")),
        };
        r.finish()?;
        Ok(request)
    }
}

impl Vote {
    fn to_bytes(self) -> Vec<u8> {
        let mut out = vec![self.phase as u8];
        out.extend_from_slice(&self.height.to_le_bytes());
        out.extend_from_slice(&self.round.to_le_bytes());
        out.push(self.header.is_some().into());
        out.extend_from_slice(&self.header.unwrap_or_default());
        out
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let phase = match r.u8()? {
            1 => Phase::Prevote,
            2 => Phase::Precommit,
            _ => return Err(DecodeError::Value("a phase")),
        };
        let (height, round, some, hash) = (r.u64()?, r.u32()?, r.presence()?, r.array()?);
        if !some && hash != [0; 32] {
            return Err(DecodeError::Value("a vote for nil"));
        }
        Ok(Self { phase, height, round, header: some.then_some(hash) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_one_encoding() {
        let vote = Vote { phase: Phase::Precommit, height: 7, round: 1, header: None };
        for request in [
            Request::Header(vec![1, 2, 3]),
            Request::Vote(vote),
            Request::Vote(Vote { header: Some([9; 32]), ..vote }),
            Request::Drill { time: 5 },
        ] {
            let bytes = request.to_bytes();
            assert_eq!(Request::from_bytes(&bytes), Ok(request.clone()));
            assert!(Request::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
            assert!(Request::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        }
        let mut nil = Request::Vote(vote).to_bytes();
        *nil.last_mut().unwrap() = 1;
        assert!(Request::from_bytes(&nil).is_err(), "a nil vote with a hash");
    }

    #[test]
    fn only_a_group_for_seals_signs_more_than_drills() {
        for purpose in Purpose::ALL {
            assert!(Request::Drill { time: 0 }.is_for(purpose));
            assert_eq!(Request::Header(vec![]).is_for(purpose), purpose == Purpose::Seal);
        }
    }
}
