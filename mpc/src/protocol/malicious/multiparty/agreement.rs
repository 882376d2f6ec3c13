//! The handshake of n parties.
//!
//! ```text
//! hello        every pair: as for every protocol (`protocol::hello`), of the suite for n parties
//! parameters   broadcast by each: place u8 ‖ parties u8 ‖ learners u8 ‖ attempts u32 ‖ trees u8 ‖ layers B u8
//!              ‖ candidates L u64 ‖ AND gates u64 ‖ SHA-256(of each stream, holder u8, 255 for all ‖ bits u64) [32] ‖ nonce [32]
//!              all but place and nonce must be equal, and every party be in its place; records are compared
//! session id   SHA-256(record so far), which covers the parameters and nonces of all
//! pair id      SHA-256(session id, places of both, session id of the pair's hellos)
//! ```
//!
//! Every hash of the protocol covers one of the two ids.

use rand_core::{CryptoRng, RngCore};
use sha2::{Digest, Sha256};

use super::super::agreement::parameters;
use super::super::domains::{Domain, PAIR, SESSION_OF_MANY};
use super::super::error::SessionError;
use super::super::settings::Chunks;
use super::links::Links;
use super::plan::Plan;
use crate::channel::Phase;
use crate::codec::Encode;
use crate::ot::{Expansion, SessionId};
use crate::program::Program;
use crate::protocol::hello::{Proposal, Reveal, RunId, Suite, Terms, exchange};

/// The bytes of the parameters.
const PARAMETERS: usize = 89;
/// Where the equal part begins and ends.
const EQUAL: core::ops::Range<usize> = 1..57;

/// The state after the handshake: all parties agree on program, plan and settings.
pub struct Agreed {
    /// Our place, from 0.
    pub(super) place: usize,
    pub(super) session: SessionId,
    /// The id of the pair with each peer.
    pub(super) pairs: Vec<SessionId>,
    pub(super) chunks: Chunks,
}

/// What a party wants to do.
pub(super) struct Intent<'p, P> {
    /// From 0.
    pub(super) place: usize,
    pub(super) program: &'p P,
    pub(super) plan: Plan,
    /// What the run is called towards each peer; empty if as in the plan.
    pub(super) pair_runs: Vec<RunId>,
}

impl<P: Program> Intent<'_, P> {
    /// Compares the intent with that of all others.
    ///
    /// # Errors
    /// If they differ, a connection fails, or the plan does not fit the program.
    pub(super) fn agree(
        &self,
        links: &mut Links<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Agreed, SessionError> {
        self.require_supported(links)?;
        let Plan { run, attempt, settings, .. } = self.plan;
        let (gates, program) = (self.program.cost().and_gates, self.program.id());
        let mut hellos = Vec::with_capacity(links.all.len());
        for (i, link) in links.all.iter_mut().enumerate() {
            let run = self.pair_runs.get(i).copied().unwrap_or(run);
            let terms = Terms { run, attempt, reveal: Reveal::Both };
            let proposal = Proposal { suite: Suite::Multiparty, role: link.role, program, terms, lanes: 1 };
            hellos.push(exchange(&mut link.channel, &proposal, rng)?.sid);
        }
        let ours = self.parameters(gates, rng);
        let broadcast = links.broadcast_each(Phase::Hello, &ours)?;
        links.compare(Phase::Hello)?;
        for (place, theirs) in broadcast.iter().enumerate() {
            if theirs[0] != place as u8 || theirs[EQUAL] != ours[EQUAL] {
                return Err(SessionError::Parameters);
            }
        }
        let id = |label, session: &SessionId, index, part: &[u8]| {
            SessionId(Domain { label, session, index, role: None }.of(&[part]))
        };
        let session = id(SESSION_OF_MANY, &SessionId([0; 32]), 0, &links.record());
        let pairs = links.all.iter().zip(&hellos).map(|(link, SessionId(hello))| {
            let (low, high) = (link.peer.min(self.place), link.peer.max(self.place));
            id(PAIR, &session, (low << 8 | high) as u64, hello)
        });
        Ok(Agreed { place: self.place, session, pairs: pairs.collect(), chunks: Chunks { settings, gates } })
    }

    fn require_supported(&self, links: &Links<'_>) -> Result<(), SessionError> {
        let (attempt, most) = (self.plan.attempt, self.plan.settings.attempts.number());
        if attempt >= most {
            return Err(SessionError::Attempt { attempt, most });
        }
        if self.plan.settings.expansion != Expansion::None {
            return Err(SessionError::Expansion);
        }
        let (parties, connected) = (self.plan.parties(), links.parties());
        let names = self.pair_runs.len();
        if parties != connected || self.place >= parties || (names > 0 && names != parties - 1) {
            return Err(SessionError::Connections { expected: parties - 1, given: links.all.len() });
        }
        let (expected, given) = (self.program.shape().input_streams.len(), self.plan.holders().len());
        if expected != given {
            return Err(SessionError::Holders { expected, given });
        }
        Ok(())
    }

    fn parameters(&self, gates: u64, rng: &mut (impl RngCore + CryptoRng)) -> [u8; PARAMETERS] {
        let learners = self.plan.learners().fold(0, |all, place| all | 1 << place);
        let mut streams = Vec::new();
        for (stream, holder) in self.program.shape().input_streams.iter().zip(self.plan.holders()) {
            holder.code().encode(&mut streams);
            stream.bits.encode(&mut streams);
        }
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let mut bytes = vec![self.place as u8, self.plan.parties() as u8, learners];
        bytes.extend(parameters(&self.plan.settings, gates));
        bytes.extend(Sha256::digest(&streams));
        bytes.extend(nonce);
        core::array::from_fn(|i| bytes[i])
    }
}
