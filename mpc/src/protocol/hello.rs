//! The handshake: both parties check that they run the same program, in opposite roles, on the same terms.
//!
//! Each side sends one hello and reads the peer's:
//!
//! ```text
//! hello = "sottompc" ‖ version u16 ‖ suite u8 ‖ role u8 ‖ reveal u8 ‖ attempt u32 ‖ run [32] ‖ nonce [32]
//!         ‖ program digest [32] ‖ program name [32]                                        in one lane, version 2
//!         ‖ number of lanes u8, 2 to 64                                                     in several, version 3
//! ```
//!
//! The session id of oblivious transfer is the first 32 bytes of `SHA-512("sotto mpc sid v1" ‖ garbler's
//! hello ‖ evaluator's hello)`. It therefore covers run, attempt, both nonces, the roles, the program, and what both
//! propose.
//!
//! A suite must be the same on both sides, except that of semi-honest parties: there each proposes half gates (1) or three
//! halves (4), and both garble or evaluate three halves exactly if both propose them.

use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha256, Sha512};

use crate::channel::{Channel, ChannelError, Phase};
use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::garble::Scheme;
use crate::ot::{Expansion, SessionId};
use crate::program::{ProgramId, ProgramName};

/// Version of the messages. Version 1 transferred all input labels before the first table.
const VERSION: u16 = 2;
/// The version of the same messages in several lanes.
const IN_LANES: u16 = 3;
/// The largest number of lanes of a session.
pub(super) const LANES: u8 = 64;

/// The protocol that follows the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suite {
    /// Half gates, or three halves if the peer proposes them as well; SoftSpoken oblivious transfer with k = 2, or expanded
    /// with k = 8; semi-honest security.
    SemiHonest(Scheme, Expansion),
    /// Authenticated half gates, SoftSpoken oblivious transfer both ways, malicious security with abort.
    Malicious,
    /// Authenticated half gates of n parties, malicious security with abort, experimental.
    Multiparty,
}

impl Suite {
    /// The encoding: the protocol in the low four bits, the expansion in the high ones.
    const fn code(self) -> u8 {
        match self {
            Self::SemiHonest(Scheme::HalfGates, expansion) => 1 | (expansion as u8) << 4,
            Self::Malicious => 2,
            Self::Multiparty => 3,
            Self::SemiHonest(Scheme::ThreeHalves, expansion) => 4 | (expansion as u8) << 4,
        }
    }

    /// What both parties run: the same suite, or half gates where one of them proposes three halves.
    fn common(self, theirs: u8) -> Option<Self> {
        if self.code() == theirs {
            return Some(self);
        }
        let Self::SemiHonest(_, expansion) = self else { return None };
        let schemes = [Scheme::HalfGates, Scheme::ThreeHalves];
        let differs = schemes.iter().any(|scheme| Self::SemiHonest(*scheme, expansion).code() == theirs);
        differs.then_some(Self::SemiHonest(Scheme::HalfGates, expansion))
    }
}

/// The role of a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Garbles the program and sends the tables.
    Garbler = 1,
    /// Evaluates the garbled program.
    Evaluator = 2,
}

impl Role {
    /// The role of the other party.
    pub(super) const fn peer(self) -> Self {
        match self {
            Self::Garbler => Self::Evaluator,
            Self::Evaluator => Self::Garbler,
        }
    }
}

/// Which parties learn the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reveal {
    /// Only the garbler.
    Garbler = 1,
    /// Only the evaluator.
    Evaluator = 2,
    /// Both; the garbler learns it first.
    Both = 3,
    /// Neither: each gets a share of the output, and only a result party that receives both shares learns it.
    ResultParty = 4,
}

/// The identifier of a run, unique among all runs of the two parties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunId(pub [u8; 32]);

/// What the parties must have agreed on beforehand, besides the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The identifier of the run.
    pub run: RunId,
    /// The number of this attempt at the run.
    pub attempt: u32,
    /// Which parties learn the output.
    pub reveal: Reveal,
}

impl Terms {
    /// Terms for parties that need no run identifier: the zero identifier, first attempt.
    #[must_use]
    pub const fn new(reveal: Reveal) -> Self {
        Self { run: RunId([0; 32]), attempt: 0, reveal }
    }
}

/// Why the handshake failed. Nothing secret has been sent at this point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// The connection failed.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The peer's first message is not a hello.
    #[error("the peer does not speak this protocol")]
    Foreign,
    /// The peer uses another protocol version.
    #[error("the peer uses protocol version {theirs}, expected {VERSION} or {IN_LANES}")]
    Version {
        /// The peer's value.
        theirs: u16,
    },
    /// The peer uses another protocol suite.
    #[error("the peer uses protocol suite {theirs}, expected {ours}")]
    Suite {
        /// Our value.
        ours: u8,
        /// The peer's value.
        theirs: u8,
    },
    /// The peer computes in another number of lanes.
    #[error("the parties disagree on the number of lanes: ours is {ours}, the peer's is {theirs}")]
    Lanes {
        /// Our value.
        ours: u8,
        /// The peer's value.
        theirs: u8,
    },
    /// The peer's channel of this lane is one of another session, lane or role.
    #[error("the channel of lane {lane} does not belong to this lane of this session at the peer")]
    Lane {
        /// The lane.
        lane: u8,
    },
    /// Both parties claim the same role.
    #[error("both parties are the {ours:?}: one of them must take the other role")]
    Role {
        /// The role of both.
        ours: Role,
    },
    /// The programs differ: ours, and the peer's, which may be the same with other parameters.
    #[error("programs differ: we compute {}, the peer computes {}", .0[0], .0[1])]
    Program(Box<[ProgramId; 2]>),
    /// The peer names another run, or another attempt at it.
    #[error("the peer names another run or another attempt at this run")]
    Run,
    /// The peer expects other parties to learn the output.
    #[error("the parties disagree on who learns the output: we expect {ours:?}")]
    Reveal {
        /// Our value.
        ours: Reveal,
    },
}

/// The first message of a session. Apart from role and nonce, both directions carry the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hello {
    version: u16,
    lanes: u8,
    suite: u8,
    role: u8,
    reveal: u8,
    attempt: u32,
    run: [u8; 32],
    nonce: [u8; 32],
    program: ProgramId,
}

impl Hello {
    /// The bytes without a number of lanes.
    const BYTES: usize = 145;
    const MAGIC: [u8; 8] = *b"sottompc";

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES + 1);
        self.encode(&mut bytes);
        bytes
    }
}

impl Encode for Hello {
    fn encode(&self, out: &mut Vec<u8>) {
        let Self { version, lanes, suite, role, reveal, attempt, run, nonce, program } = self;
        Self::MAGIC.encode(out);
        version.encode(out);
        [*suite, *role, *reveal].encode(out);
        attempt.encode(out);
        run.encode(out);
        nonce.encode(out);
        program.digest.encode(out);
        program.name.to_bytes().encode(out);
        if *version == IN_LANES {
            [*lanes].encode(out);
        }
    }
}

impl Decode for Hello {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if <[u8; 8]>::decode(reader)? != Self::MAGIC {
            return Err(DecodeError::Invalid("protocol name"));
        }
        let version = u16::decode(reader)?;
        let [suite, role, reveal] = Decode::decode(reader)?;
        let attempt = u32::decode(reader)?;
        let (run, nonce, digest) =
            (Decode::decode(reader)?, Decode::decode(reader)?, Decode::decode(reader)?);
        let name = ProgramName::from_bytes(Decode::decode(reader)?);
        let name = name.ok_or(DecodeError::Invalid("program name"))?;
        let program = ProgramId { name, digest };
        let [lanes] = if version == IN_LANES { Decode::decode(reader)? } else { [1] };
        if version == IN_LANES && !(2..=LANES).contains(&lanes) {
            return Err(DecodeError::Invalid("number of lanes"));
        }
        Ok(Self { version, lanes, suite, role, reveal, attempt, run, nonce, program })
    }
}

/// What a party proposes in its hello.
pub(super) struct Proposal {
    pub(super) suite: Suite,
    pub(super) role: Role,
    pub(super) program: ProgramId,
    pub(super) terms: Terms,
    /// 1 to [`LANES`].
    pub(super) lanes: u8,
}

/// What both hellos say.
pub(super) struct Agreement {
    pub(super) sid: SessionId,
    pub(super) suite: Suite,
}

/// Sends our hello, reads the peer's, and derives the session id.
pub(super) fn exchange(
    channel: &mut impl Channel,
    proposal: &Proposal,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Agreement, HelloError> {
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    let Proposal { suite, role, program, terms: Terms { run, attempt, reveal }, lanes } = *proposal;
    let (suite, reveal, run) = (suite.code(), reveal as u8, run.0);
    let version = if lanes == 1 { VERSION } else { IN_LANES };
    let ours = Hello { version, lanes, suite, role: role as u8, reveal, attempt, run, nonce, program };
    channel.send(Phase::Hello, &ours.to_bytes())?;
    let mut bytes = vec![0; Hello::BYTES];
    channel.receive(Phase::Hello, &mut bytes)?;
    if bytes[8..10] == IN_LANES.to_le_bytes() {
        bytes.push(0);
        channel.receive(Phase::Hello, &mut bytes[Hello::BYTES..])?;
    }
    let theirs = Hello::from_bytes(&bytes).map_err(|_| HelloError::Foreign)?;
    let suite = compare(&ours, &theirs, proposal)?;
    let sid = match role {
        Role::Garbler => sid(&ours, &theirs),
        Role::Evaluator => sid(&theirs, &ours),
    };
    Ok(Agreement { sid, suite })
}

fn compare(ours: &Hello, theirs: &Hello, proposal: &Proposal) -> Result<Suite, HelloError> {
    if ![VERSION, IN_LANES].contains(&theirs.version) {
        return Err(HelloError::Version { theirs: theirs.version });
    }
    if theirs.lanes != ours.lanes {
        return Err(HelloError::Lanes { ours: ours.lanes, theirs: theirs.lanes });
    }
    let suite = proposal.suite.common(theirs.suite);
    let suite = suite.ok_or(HelloError::Suite { ours: ours.suite, theirs: theirs.suite })?;
    if theirs.role == ours.role {
        return Err(HelloError::Role { ours: proposal.role });
    }
    if theirs.role != Role::Garbler as u8 && theirs.role != Role::Evaluator as u8 {
        return Err(HelloError::Foreign);
    }
    if theirs.program != ours.program {
        return Err(HelloError::Program(Box::new([ours.program, theirs.program])));
    }
    if (theirs.run, theirs.attempt) != (ours.run, ours.attempt) {
        return Err(HelloError::Run);
    }
    if theirs.reveal != ours.reveal {
        return Err(HelloError::Reveal { ours: proposal.terms.reveal });
    }
    Ok(suite)
}

fn sid(garbler: &Hello, evaluator: &Hello) -> SessionId {
    let hash = Sha512::new_with_prefix(b"sotto mpc sid v1");
    let hash: [u8; 64] =
        hash.chain_update(garbler.to_bytes()).chain_update(evaluator.to_bytes()).finalize().into();
    SessionId(core::array::from_fn(|i| hash[i]))
}

/// What a party in this role sends on the channel of a further lane.
fn lane_tag(sid: &SessionId, lane: u8, role: Role) -> [u8; 32] {
    let hash = Sha256::new_with_prefix(b"sotto mpc lane v1");
    hash.chain_update(sid.0).chain_update([lane, role as u8]).finalize().into()
}

/// Says on the channel of each further lane to which session and lane it belongs.
pub(super) fn open_lanes(
    further: &mut [impl Channel],
    sid: &SessionId,
    role: Role,
) -> Result<(), ChannelError> {
    for (lane, channel) in (1..).zip(further) {
        channel.send(Phase::Hello, &lane_tag(sid, lane, role))?;
        channel.flush()?;
    }
    Ok(())
}

/// Checks that the peer means the same session and lane on the channel of each further lane.
pub(super) fn check_lanes(
    further: &mut [impl Channel],
    sid: &SessionId,
    role: Role,
) -> Result<(), HelloError> {
    for (lane, channel) in (1..).zip(further) {
        let mut tag = [0; 32];
        channel.receive(Phase::Hello, &mut tag)?;
        if tag != lane_tag(sid, lane, role.peer()) {
            return Err(HelloError::Lane { lane });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::memory_pair;

    /// The channel carries a tag of another session, of another lane, or the one that we sent ourselves.
    #[test]
    fn a_channel_of_another_session_lane_or_role_is_refused() {
        let (ours, other, role) = (SessionId([1; 32]), SessionId([2; 32]), Role::Evaluator);
        let refused = Err(HelloError::Lane { lane: 1 });
        for (sid, opens, exchanged, expected) in [
            (ours, Role::Garbler, 0, Ok(())),
            (other, Role::Garbler, 0, refused.clone()),
            (ours, Role::Garbler, 1, refused.clone()),
            (ours, Role::Evaluator, 0, refused),
        ] {
            let (mut near, mut far): (Vec<_>, Vec<_>) = (0..2).map(|_| memory_pair()).unzip();
            open_lanes(&mut far, &sid, opens).unwrap();
            near.rotate_left(exchanged);
            assert_eq!(check_lanes(&mut near, &ours, role), expected, "{sid:?} {opens:?} {exchanged}");
        }
    }

    #[test]
    fn the_number_of_lanes_is_bounded_and_one_lane_is_not_written() {
        let program = ProgramId { name: ProgramName::literal("x@1"), digest: [3; 32] };
        let hello = |version, lanes| Hello {
            version,
            lanes,
            suite: 1,
            role: 1,
            reveal: 3,
            attempt: 0,
            run: [0; 32],
            nonce: [7; 32],
            program,
        };
        assert_eq!(hello(VERSION, 1).to_bytes().len(), Hello::BYTES);
        for lanes in 0..=u8::MAX {
            let hello = hello(IN_LANES, lanes);
            let decoded = Hello::from_bytes(&hello.to_bytes());
            let expected = (2..=64).contains(&lanes).then_some(hello);
            assert_eq!(decoded.ok(), expected, "{lanes}");
        }
    }

    #[test]
    fn three_halves_are_garbled_exactly_if_both_propose_them() {
        use Suite::{Malicious, Multiparty, SemiHonest};
        let schemes = [Scheme::HalfGates, Scheme::ThreeHalves];
        let curious = schemes.map(|scheme| [Expansion::None, Expansion::K18].map(|e| SemiHonest(scheme, e)));
        let all: Vec<Suite> = curious.into_iter().flatten().chain([Malicious, Multiparty]).collect();
        for (ours, theirs) in all.iter().flat_map(|ours| all.iter().map(move |theirs| (*ours, *theirs))) {
            let expected = match (ours, theirs) {
                (same, other) if same == other => Some(same),
                (SemiHonest(_, one), SemiHonest(_, other)) if one == other => {
                    Some(SemiHonest(Scheme::HalfGates, one))
                }
                _ => None,
            };
            assert_eq!(ours.common(theirs.code()), expected, "{ours:?} and {theirs:?}");
        }
        assert!(all.into_iter().all(|ours| ours.common(0).is_none() && ours.common(5).is_none()));
    }
}
