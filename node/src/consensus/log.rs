//! The log of a height: what the core was fed, so that it can be fed again after a restart.
//!
//! ```text
//! log    = "SCLG" ‖ version (1) ‖ chain id (32) ‖ height (8) ‖ record*
//! record = length of the entry (4) ‖ entry ‖ check (32)   check = H(tag, chain id ‖ height ‖ number (8) ‖ entry)
//! entry  = 1 ‖ signed vote (mw) | 2 ‖ signed proposal (mw) | 3 ‖ round (4) ‖ hash (32) ‖ valid (1)
//!        | 4 ‖ hash (32) ‖ certificate of prevotes (mw) | 5 ‖ step (1) ‖ round (4) | 6 ‖ hash (32) ‖ time (8) ‖ block
//!        | 7
//! ```
//!
//! A file that was cut off ends before the first record that does not hold. Whether what is left is enough is
//! for the [guard](super::guard) to say: the message that `votes` names must be in it.
#![deny(clippy::indexing_slicing)]

use super::event::ProposedBlock;
use crate::codec::{CHECK, tag, with_check};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader, VERSION},
    hash::{Hash, tagged},
    votes::{Certificate, SignedProposal, SignedVote},
};

const MAGIC: &[u8; 4] = b"SCLG";

/// A step of a round, as timeouts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Step {
    /// Waiting for the proposal.
    Propose = 0,
    /// Waiting for prevotes for one value.
    Prevote = 1,
    /// Waiting for precommits for one value.
    Precommit = 2,
    /// Waiting to say again what was said.
    Rebroadcast = 3,
}

/// Something that the core was fed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "a log has some dozens")]
pub(super) enum Entry {
    /// A vote.
    Vote(SignedVote),
    /// The claim of a proposer.
    Proposal(SignedProposal),
    /// The verdict on a proposed value.
    Value { round: u32, value: Hash, valid: bool },
    /// A quorum of prevotes.
    Polka { value: Hash, certificate: Certificate },
    /// The time of a step is over.
    Timeout(Step, u32),
    /// Not fed: a block that was judged valid, so that it can be committed after a restart.
    Block(ProposedBlock),
    /// Not fed: a person said to go on although the log before was lost, and own votes with it.
    Resumed,
}

impl Encode for Entry {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Vote(vote) => {
                out.push(1);
                vote.encode(out);
            }
            Self::Proposal(proposal) => {
                out.push(2);
                proposal.encode(out);
            }
            Self::Value { round, value, valid } => {
                out.push(3);
                round.encode(out);
                value.encode(out);
                out.push((*valid).into());
            }
            Self::Polka { value, certificate } => {
                out.push(4);
                value.encode(out);
                certificate.encode(out);
            }
            Self::Timeout(step, round) => {
                out.extend([5, *step as u8]);
                round.encode(out);
            }
            Self::Block(block) => {
                out.push(6);
                block.value.encode(out);
                block.time.encode(out);
                out.extend_from_slice(&block.bytes);
            }
            Self::Resumed => out.push(7),
        }
    }
}

impl Decode for Entry {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            1 => SignedVote::decode(r).map(Self::Vote),
            2 => SignedProposal::decode(r).map(Self::Proposal),
            3 => {
                let (round, value) = (r.u32()?, Hash::decode(r)?);
                match r.u8()? {
                    valid @ (0 | 1) => Ok(Self::Value { round, value, valid: valid == 1 }),
                    code => Err(DecodeError::Code { what: "verdict", code }),
                }
            }
            4 => Ok(Self::Polka { value: Hash::decode(r)?, certificate: Certificate::decode(r)? }),
            5 => {
                let step = match r.u8()? {
                    0 => Step::Propose,
                    1 => Step::Prevote,
                    2 => Step::Precommit,
                    code => return Err(DecodeError::Code { what: "step", code }),
                };
                Ok(Self::Timeout(step, r.u32()?))
            }
            6 => {
                let (value, time) = (Hash::decode(r)?, r.u64()?);
                Ok(Self::Block(ProposedBlock { value, time, bytes: r.take(r.left())?.into() }))
            }
            7 => Ok(Self::Resumed),
            code => Err(DecodeError::Code { what: "entry of a consensus log", code }),
        }
    }
}

/// Writes the log of one height.
#[derive(Clone, Debug)]
pub(super) struct LogWriter {
    chain: ChainId,
    height: Height,
    /// Bytes of the file, what was handed out included.
    length: u64,
    records: u64,
    /// What was not handed out yet.
    pending: Vec<u8>,
}

impl LogWriter {
    /// A new log, which replaces the file from its first byte on.
    pub(super) fn new(chain: ChainId, height: Height) -> Self {
        let mut pending = [&MAGIC[..], &[VERSION]].concat();
        chain.encode(&mut pending);
        height.encode(&mut pending);
        Self { chain, height, length: 0, records: 0, pending }
    }

    /// Goes on with what was read, and cuts off what did not hold.
    pub(super) fn after(chain: ChainId, read: &ReadLog) -> Self {
        Self {
            chain,
            height: read.height,
            length: read.length,
            records: read.entries.len() as u64,
            pending: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, entry: &Entry) {
        let bytes = entry.to_bytes();
        self.pending.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.pending.extend(with_check(
            tag::CONSENSUS_LOG,
            &place(&self.chain, self.height, self.records),
            bytes,
        ));
        self.records += 1;
    }

    pub(super) const fn is_dirty(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The offset at which the file is to be cut off, and what is to be appended there.
    pub(super) fn take(&mut self) -> (u64, Vec<u8>) {
        let bytes = core::mem::take(&mut self.pending);
        let at = self.length;
        self.length += bytes.len() as u64;
        (at, bytes)
    }
}

fn place(chain: &ChainId, height: Height, number: u64) -> Vec<u8> {
    [&chain.as_bytes()[..], &height.get().to_le_bytes(), &number.to_le_bytes()].concat()
}

/// A log as it was found.
#[derive(Clone, Debug)]
pub(super) struct ReadLog {
    pub(super) height: Height,
    pub(super) entries: Vec<Entry>,
    /// Bytes of the records that hold, with the head of the file.
    length: u64,
}

impl ReadLog {
    /// Reads the records up to the first that does not hold; `None` if there is no log of this chain.
    pub(super) fn read(chain: &ChainId, bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        if r.take(4).ok()? != MAGIC || r.version().is_err() || ChainId::decode(&mut r).ok()? != *chain {
            return None;
        }
        let mut log = Self { height: Height::decode(&mut r).ok()?, entries: Vec::new(), length: 0 };
        log.length = (bytes.len() - r.left()) as u64;
        while let Some(entry) = log.next(chain, &mut r) {
            log.entries.push(entry);
            log.length = (bytes.len() - r.left()) as u64;
        }
        Some(log)
    }

    fn next(&self, chain: &ChainId, r: &mut Reader<'_>) -> Option<Entry> {
        let length = r.u32().ok()?;
        let bytes = r.take(length as usize).ok()?;
        let check = r.take(CHECK).ok()?;
        let place = place(chain, self.height, self.entries.len() as u64);
        let holds = tagged(tag::CONSENSUS_LOG, &[&place, bytes]).as_bytes() == check;
        if holds { Entry::from_bytes(bytes).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> (ChainId, Vec<Entry>, Vec<u8>) {
        let chain = ChainId::from_bytes([7; 32]);
        let value = Hash::from_bytes([1; 32]);
        let entries = vec![
            Entry::Value { round: 3, value, valid: true },
            Entry::Timeout(Step::Precommit, 9),
            Entry::Block(ProposedBlock { value, time: 5, bytes: (*b"body").into() }),
        ];
        let mut writer = LogWriter::new(chain, Height::new(4));
        entries.iter().for_each(|e| writer.push(e));
        let (at, bytes) = writer.take();
        assert_eq!(at, 0);
        (chain, entries, bytes)
    }

    #[test]
    fn a_log_that_was_cut_off_is_read_up_to_there() {
        let (chain, entries, bytes) = written();
        for cut in 0..=bytes.len() {
            let Some(read) = ReadLog::read(&chain, &bytes[..cut]) else {
                assert!(cut < 45, "the head is whole");
                continue;
            };
            assert_eq!(read.entries, entries[..read.entries.len()]);
            assert!(read.length as usize <= cut);
            // What is appended there makes a whole log again.
            let mut writer = LogWriter::after(chain, &read);
            entries[read.entries.len()..].iter().for_each(|e| writer.push(e));
            let (at, rest) = writer.take();
            assert_eq!([&bytes[..at as usize], &rest].concat(), bytes);
        }
    }

    #[test]
    fn a_damaged_record_ends_a_log() {
        let (chain, entries, bytes) = written();
        for i in 45..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[i] ^= 1;
            assert!(ReadLog::read(&chain, &damaged).unwrap().entries.len() < entries.len(), "byte {i}");
        }
        assert!(ReadLog::read(&ChainId::from_bytes([8; 32]), &bytes).is_none(), "another chain's");
    }
}
