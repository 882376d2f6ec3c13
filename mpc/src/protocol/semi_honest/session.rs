//! What both sides of a session share: its first state, its errors, and the checks of transcript and outputs.

use std::io::ErrorKind;

use subtle::Choice;

use crate::channel::{Channel, ChannelError, Phase, TranscriptChannel};
use crate::garble::{Scheme, StreamError};
use crate::ot::{Adversary, Expansion, Options, OtError, SessionId, TreeDepth};
use crate::protocol::hello::{Agreement, HelloError, LANES, Reveal, Suite, Terms};
use crate::{Bits, Block};

/// The state of a session before the handshake.
#[derive(Debug)]
pub struct Connected(pub(super) ());

/// The state after the handshake: the parties agree on program and terms.
#[derive(Debug)]
pub struct Agreed {
    pub(super) sid: SessionId,
    pub(super) scheme: Scheme,
    pub(super) lanes: u8,
}

impl Agreed {
    pub(super) fn of(Agreement { sid, suite }: Agreement, lanes: u8) -> Self {
        let scheme = if let Suite::SemiHonest(scheme, _) = suite { scheme } else { Scheme::HalfGates };
        Self { sid, scheme, lanes }
    }
}

/// Why a session failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The handshake failed.
    #[error(transparent)]
    Hello(#[from] HelloError),
    /// Oblivious transfer failed before the first table.
    #[error("oblivious transfer failed: {0}")]
    Ot(#[from] OtError),
    /// Garbling or evaluating failed.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The connection failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The number of input bits does not match the program.
    #[error("expected {expected} input bits from this party, got {given}")]
    InputLength {
        /// The number that the program reads.
        expected: usize,
        /// The number that the caller gave.
        given: usize,
    },
    /// The program has another number of outputs than its shape declares, which is a bug in the program.
    #[error("the program declares {expected} output bits but has {given}")]
    OutputLength {
        /// The declared number.
        expected: usize,
        /// The actual number.
        given: usize,
    },
    /// The caller used `execute` although the terms name a result party, or `execute_for_result_party`
    /// although they do not.
    #[error("the terms reveal the output to another party than this call does")]
    WrongCall,
    /// The caller used `execute` or `execute_for_result_party` in a session with several lanes.
    #[error("the session has several lanes: execute its program in lanes")]
    InLanes,
    /// The caller gave more channels than a session may have lanes.
    #[error("a session has at most {LANES} lanes, not {given}")]
    TooManyLanes {
        /// The number of channels.
        given: usize,
    },
    /// The operating system has no thread for a further lane.
    #[error("cannot start a thread for a lane: {0}")]
    Thread(ErrorKind),
    /// The parties saw different messages.
    #[error("the transcripts of the parties differ: messages were altered in transit")]
    Transcript,
    /// At least one output label is not one that the garbler made. The error does not tell which.
    #[error("an output label is not authentic: tables or labels were altered")]
    Output,
}

/// The transfers of a session. Where they are expanded, those of the trees are few, and bytes count.
pub(super) const fn transfers(expansion: Expansion) -> Options {
    let depth = match expansion {
        Expansion::None => TreeDepth::Two,
        _ => TreeDepth::Eight,
    };
    Options { depth, expansion, adversary: Adversary::SemiHonest }
}

/// The digest of both directions, the garbler's messages first.
pub(super) fn digest(garbler: [u8; 32], evaluator: [u8; 32]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    let hash = Sha256::new_with_prefix(b"sotto mpc transcript v1");
    hash.chain_update(garbler).chain_update(evaluator).finalize().into()
}

/// The digest of all lanes: that of the only one, or a digest of theirs.
pub(super) fn digest_of_lanes(lanes: &[[u8; 32]]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    let [lane] = lanes else {
        let hash = Sha256::new_with_prefix(b"sotto mpc transcript of lanes v1");
        return hash.chain_update(lanes.as_flattened()).finalize().into();
    };
    *lane
}

/// Checks the number of a party's input bits.
pub(super) const fn check_length(expected: usize, inputs: &Bits) -> Result<(), SessionError> {
    let given = inputs.len();
    if given == expected { Ok(()) } else { Err(SessionError::InputLength { expected, given }) }
}

/// Checks the number of a program's outputs.
pub(super) const fn check_outputs(expected: usize, outputs: &[Block]) -> Result<(), SessionError> {
    let given = outputs.len();
    if given == expected { Ok(()) } else { Err(SessionError::OutputLength { expected, given }) }
}

/// The number of lanes of a session with these channels.
pub(super) fn number_of_lanes(channels: usize) -> Result<u8, SessionError> {
    let lanes = u8::try_from(channels).ok().filter(|lanes| *lanes <= LANES);
    lanes.ok_or(SessionError::TooManyLanes { given: channels })
}

/// Receives the peer's transcript digest and checks that it equals ours.
pub(super) fn check_transcript<C: Channel>(
    channel: &mut TranscriptChannel<C>,
    ours: [u8; 32],
) -> Result<(), SessionError> {
    let mut theirs = [0; 32];
    channel.receive(Phase::Outputs, &mut theirs)?;
    if ours == theirs { Ok(()) } else { Err(SessionError::Transcript) }
}

/// The decoded bit, and whether exactly one of the two conditions holds.
pub(super) fn decode(is_zero: Choice, is_one: Choice) -> (bool, Choice) {
    (is_one.into(), is_zero ^ is_one)
}

/// Checks that the output goes to a result party exactly if the caller expects so.
pub(super) fn require_result_party(terms: &Terms, expected: bool) -> Result<(), SessionError> {
    let as_expected = (terms.reveal == Reveal::ResultParty) == expected;
    if as_expected { Ok(()) } else { Err(SessionError::WrongCall) }
}
