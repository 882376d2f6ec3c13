//! What a group is asked to sign. A member sees fields, and signs the message that follows from them: never
//! bytes that somebody sent.
//!
//! ```text
//! header  1 ‖ chain id ‖ length (4) ‖ header
//!                                        message = "sotto/seal/v1" ‖ chain id ‖ H("sotto/header/v1", header)
//! vote    2 ‖ chain id ‖ kind (1) ‖ height (8) ‖ round (4) ‖ flag (1) ‖ header hash (32)
//!                                        message = "sotto/vote/v1" ‖ chain id ‖ the fields
//! drill   3 ‖ time (8)                   message = "sotto/keys/drill/v1" ‖ group ‖ epoch (8) ‖ session ‖ time
//! claim   4 ‖ chain id ‖ height (8) ‖ round (4) ‖ POL round (4) ‖ header hash (32)
//!                                        message = "sotto/proposal/v1" ‖ chain id ‖ the fields
//! entry   5 ‖ link key (32) ‖ length of the name (1) ‖ name
//!                                        message = "sotto/validator/v1" ‖ the fields
//! ```
//!
//! The chain is that of the group's draft. A draft of a group that is to be the operator of a chain, or one of its
//! first validators, names none, because the chain's id follows from the key: its members sign for the chain that they
//! keep. A group for `seal` signs all five; one for `coin` drills only: its keys sign kernels in a protocol of their
//! own. Groups for `audit` and `vault` sign nothing, and answer a drill with a partial.
//!
//! A claim is a validator's proposal, and an entry is what a list of validators says of one: its connections' key
//! and its name, taken by the holder of the vote key.
#![deny(clippy::indexing_slicing)]

use crate::codec::{DecodeError, Reader, put_bytes};
use crate::draft::{Draft, Purpose};
use crate::epoch::Epoch;
use crate::letter::SessionId;
use crate::tag::{DRILL, HEADER, PROPOSAL, SEAL, VALIDATOR, VOTE, tagged};

/// Most bytes of a header.
const MAX_HEADER: usize = 1 << 10;
/// Most bytes of a validator's name.
const MAX_NAME: usize = 32;
/// In place of the round of a claim that rests on none.
const NO_ROUND: u32 = u32::MAX;

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

/// The claim of a proposer among validators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The height.
    pub height: u64,
    /// The round.
    pub round: u32,
    /// The earlier round whose prevotes it rests on, below 2³² − 1.
    pub pol_round: Option<u32>,
    /// The hash of the header.
    pub header: [u8; 32],
}

/// What a group is asked to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The seal of a block.
    Header {
        /// The chain.
        chain: [u8; 32],
        /// The bytes of the block's header.
        header: Vec<u8>,
    },
    /// A vote.
    Vote {
        /// The chain.
        chain: [u8; 32],
        /// The vote.
        vote: Vote,
    },
    /// A drill.
    Drill {
        /// When it was asked for, in seconds since 1970.
        time: u64,
    },
    /// A proposal.
    Claim {
        /// The chain.
        chain: [u8; 32],
        /// The claim.
        claim: Claim,
    },
    /// A validator's entry in a list of validators.
    Validator {
        /// The key of its connections.
        link_key: [u8; 32],
        /// Its name: 1 to 32 of the characters a to z, 0 to 9 and `-`.
        name: String,
    },
}

impl Request {
    /// Whether a group with this draft answers it.
    #[must_use]
    pub fn is_for(&self, draft: &Draft) -> bool {
        match self {
            Self::Drill { .. } => true,
            Self::Validator { .. } => draft.purpose() == Purpose::Seal,
            Self::Header { chain, .. } | Self::Vote { chain, .. } | Self::Claim { chain, .. } => {
                draft.purpose() == Purpose::Seal && draft.chain().is_none_or(|named| named == chain)
            }
        }
    }

    /// The message that is signed.
    #[must_use]
    pub fn message(&self, epoch: &Epoch, session: &SessionId) -> Vec<u8> {
        match self {
            Self::Header { chain, header } => {
                [SEAL.as_bytes(), chain, tagged(HEADER, &[header]).as_bytes()].concat()
            }
            Self::Vote { chain, vote } => [VOTE.as_bytes(), chain, &vote.to_bytes()[..]].concat(),
            Self::Drill { time } => [
                DRILL.as_bytes(),
                epoch.group().as_bytes(),
                &epoch.number().to_le_bytes(),
                session.as_bytes(),
                &time.to_le_bytes(),
            ]
            .concat(),
            Self::Claim { chain, claim } => [PROPOSAL.as_bytes(), chain, &claim.to_bytes()[..]].concat(),
            Self::Validator { link_key, name } => [VALIDATOR.as_bytes(), link_key, &named(name)[..]].concat(),
        }
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Header { chain, header } => {
                let mut out = [&[1], &chain[..]].concat();
                put_bytes(header, &mut out);
                out
            }
            Self::Vote { chain, vote } => [&[2], &chain[..], &vote.to_bytes()].concat(),
            Self::Drill { time } => [&[3], &time.to_le_bytes()[..]].concat(),
            Self::Claim { chain, claim } => [&[4], &chain[..], &claim.to_bytes()].concat(),
            Self::Validator { link_key, name } => [&[5], &link_key[..], &named(name)].concat(),
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let request = match r.u8()? {
            1 => Self::Header { chain: r.array()?, header: r.bytes(MAX_HEADER)?.to_vec() },
            2 => Self::Vote { chain: r.array()?, vote: Vote::read(&mut r)? },
            3 => Self::Drill { time: r.u64()? },
            4 => Self::Claim { chain: r.array()?, claim: Claim::read(&mut r)? },
            5 => Self::Validator { link_key: r.array()?, name: read_name(&mut r)? },
            _ => return Err(DecodeError::Value("a request")),
        };
        r.finish()?;
        Ok(request)
    }
}

/// A name after its length.
fn named(name: &str) -> Vec<u8> {
    // At most 32.
    [&[name.len() as u8], name.as_bytes()].concat()
}

fn read_name(r: &mut Reader<'_>) -> Result<String, DecodeError> {
    let length = usize::from(r.u8()?);
    let name = r.take(length)?;
    let known = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'-';
    let fits = (1..=MAX_NAME).contains(&length) && name.iter().all(known);
    let name = core::str::from_utf8(name).ok().filter(|_| fits);
    name.map(str::to_owned).ok_or(DecodeError::Value("a name"))
}

impl Claim {
    fn to_bytes(self) -> Vec<u8> {
        let mut out = self.height.to_le_bytes().to_vec();
        out.extend_from_slice(&self.round.to_le_bytes());
        out.extend_from_slice(&self.pol_round.unwrap_or(NO_ROUND).to_le_bytes());
        out.extend_from_slice(&self.header);
        out
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (height, round) = (r.u64()?, r.u32()?);
        let pol_round = Some(r.u32()?).filter(|round| *round != NO_ROUND);
        Ok(Self { height, round, pol_round, header: r.array()? })
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
    use crate::draft::DraftError;
    use crate::tests::{Team, rng};

    #[test]
    fn requests_have_one_encoding() {
        let vote = Vote { phase: Phase::Precommit, height: 7, round: 1, header: None };
        let claim = Claim { height: 7, round: 3, pol_round: None, header: [9; 32] };
        for request in [
            Request::Header { chain: [7; 32], header: vec![1, 2, 3] },
            Request::Vote { chain: [7; 32], vote },
            Request::Vote { chain: [8; 32], vote: Vote { header: Some([9; 32]), ..vote } },
            Request::Drill { time: 5 },
            Request::Claim { chain: [7; 32], claim },
            Request::Claim { chain: [7; 32], claim: Claim { pol_round: Some(2), ..claim } },
            Request::Validator { link_key: [6; 32], name: "bank-3".to_owned() },
        ] {
            let bytes = request.to_bytes();
            assert_eq!(Request::from_bytes(&bytes), Ok(request.clone()));
            assert!(Request::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
            assert!(Request::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        }
        let mut nil = Request::Vote { chain: [7; 32], vote }.to_bytes();
        *nil.last_mut().unwrap() = 1;
        assert!(Request::from_bytes(&nil).is_err(), "a nil vote with a hash");
        for name in ["", "Bank", "a b", &"a".repeat(33)] {
            let entry = Request::Validator { link_key: [6; 32], name: name.to_owned() };
            assert!(Request::from_bytes(&entry.to_bytes()).is_err(), "{name}");
        }
    }

    #[test]
    fn only_a_group_for_seals_signs_more_than_drills_and_only_for_its_chain() {
        let header = |chain| Request::Header { chain, header: vec![] };
        for purpose in Purpose::ALL {
            let draft = Team::new(purpose, 2, 3).draft;
            assert!(Request::Drill { time: 0 }.is_for(&draft));
            assert_eq!(header([7; 32]).is_for(&draft), purpose == Purpose::Seal);
            assert!(!header([8; 32]).is_for(&draft));
        }
        let members = Team::new(Purpose::Seal, 2, 3).draft.members().to_vec();
        let free = Draft::new(Purpose::Seal, Draft::NO_CHAIN, 2, members.clone(), &mut rng(1)).unwrap();
        assert!(free.chain().is_none() && header([7; 32]).is_for(&free) && header([8; 32]).is_for(&free));
        for purpose in Purpose::ALL {
            let draft = Draft::new(purpose, Draft::NO_CHAIN, 2, members.clone(), &mut rng(1));
            let made_before_its_chain = matches!(purpose, Purpose::Seal | Purpose::Audit);
            assert_eq!(draft.err(), (!made_before_its_chain).then_some(DraftError::NoChain));
        }
    }
}
