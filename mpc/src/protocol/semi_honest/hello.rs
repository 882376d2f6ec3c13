//! The handshake: do we speak the same protocol, in opposite roles, about the same program?
//!
//! Each side sends one [`Hello`] and reads the other's. The session id of oblivious transfer is the first 32
//! bytes of `SHA-512("sotto mpc sid v1" ‖ garbler's hello ‖ evaluator's hello)`, so it covers run,
//! attempt, both nonces, roles and program.

use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha512};

use super::SessionError;
use crate::channel::{Channel, ChannelError, Phase};
use crate::ot::Sid;
use crate::program::{ProgramId, ProgramName};
use crate::wire::Hello;

/// Version of the messages. In version 1, all labels came before the first table.
const VERSION: u16 = 2;
/// Half gates, SoftSpoken transfers with k = 2, semi-honest.
const SUITE: u8 = 1;

/// Which end of the protocol one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Makes the tables.
    Garbler = 1,
    /// Uses the tables.
    Evaluator = 2,
}

/// Who is told the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reveal {
    /// The garbler alone.
    Garbler = 1,
    /// The evaluator alone.
    Evaluator = 2,
    /// Both, the garbler first.
    Both = 3,
    /// Neither: each gets a half, and only who has both halves learns the result.
    Receiver = 4,
}

/// The name of a run, unique among all runs of the parties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunId(pub [u8; 32]);

/// What the parties must have agreed on beforehand, besides the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The run.
    pub run: RunId,
    /// Which attempt at the run.
    pub attempt: u32,
    /// Who is told the result.
    pub reveal: Reveal,
}

impl Terms {
    /// Terms of a run that nobody else needs to know: no run id, first attempt.
    #[must_use]
    pub const fn of(reveal: Reveal) -> Self {
        Self { run: RunId([0; 32]), attempt: 0, reveal }
    }

    /// Whether the result is for a receiver must be as the caller says.
    pub(super) fn require_receiver(&self, receiver: bool) -> Result<(), SessionError> {
        let fits = (self.reveal == Reveal::Receiver) == receiver;
        if fits { Ok(()) } else { Err(SessionError::Receiver) }
    }
}

/// Why the handshake failed: nothing secret was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// The connection failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// What came is no hello.
    #[error("the peer does not speak this protocol")]
    Foreign,
    /// The peer has another version.
    #[error("the peer speaks version {theirs} of the protocol, we speak {VERSION}")]
    Version {
        /// The peer's.
        theirs: u16,
    },
    /// The peer runs another protocol.
    #[error("the peer offers protocol suite {theirs}, we offer {SUITE}")]
    Suite {
        /// The peer's.
        theirs: u8,
    },
    /// Both are garbler, or both evaluator.
    #[error("the peer is {ours:?} too: one party must take the other role")]
    Role {
        /// Ours, and the peer's.
        ours: Role,
    },
    /// The programs differ.
    #[error("we compute {ours}, the peer computes {theirs}: not the same program or not the same parameters")]
    Program {
        /// Name of ours.
        ours: ProgramName,
        /// Name of the peer's.
        theirs: ProgramName,
    },
    /// The peer is at another run, or another attempt.
    #[error("the peer is at another run or another attempt of it")]
    Run,
    /// The peer wants another receiver of the result.
    #[error("the peer does not agree who is told the result (we say {ours:?})")]
    Reveal {
        /// Ours.
        ours: Reveal,
    },
}

/// Sends our hello, reads the peer's, and gives the session's id.
pub(super) fn exchange(
    channel: &mut impl Channel,
    role: Role,
    program: ProgramId,
    terms: &Terms,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Sid, HelloError> {
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let Terms { run, attempt, reveal } = *terms;
    let (role_code, reveal_code) = (role as u8, reveal as u8);
    let (version, suite, run) = (VERSION, SUITE, run.0);
    let ours = Hello { version, suite, role: role_code, reveal: reveal_code, attempt, run, nonce, program };
    channel.send(Phase::Hello, &ours.to_bytes())?;
    let mut bytes = [0; Hello::BYTES];
    channel.receive(Phase::Hello, &mut bytes)?;
    let theirs = Hello::from_bytes(&bytes).ok_or(HelloError::Foreign)?;
    compare(&ours, &theirs, role, reveal)?;
    Ok(match role {
        Role::Garbler => sid(&ours, &theirs),
        Role::Evaluator => sid(&theirs, &ours),
    })
}

fn compare(ours: &Hello, theirs: &Hello, role: Role, reveal: Reveal) -> Result<(), HelloError> {
    if theirs.version != ours.version {
        return Err(HelloError::Version { theirs: theirs.version });
    }
    if theirs.suite != ours.suite {
        return Err(HelloError::Suite { theirs: theirs.suite });
    }
    if theirs.role == ours.role {
        return Err(HelloError::Role { ours: role });
    }
    if theirs.role != Role::Garbler as u8 && theirs.role != Role::Evaluator as u8 {
        return Err(HelloError::Foreign);
    }
    if theirs.program != ours.program {
        return Err(HelloError::Program { ours: ours.program.name, theirs: theirs.program.name });
    }
    if (theirs.run, theirs.attempt) != (ours.run, ours.attempt) {
        return Err(HelloError::Run);
    }
    if theirs.reveal != ours.reveal {
        return Err(HelloError::Reveal { ours: reveal });
    }
    Ok(())
}

fn sid(garbler: &Hello, evaluator: &Hello) -> Sid {
    let hash = Sha512::new_with_prefix(b"sotto mpc sid v1");
    let hash: [u8; 64] =
        hash.chain_update(garbler.to_bytes()).chain_update(evaluator.to_bytes()).finalize().into();
    Sid(core::array::from_fn(|i| hash[i]))
}
