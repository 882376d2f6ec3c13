//! The handshake: what the parties compute, and the sizes that follow from it.
//!
//! ```text
//! hello        as for every protocol (`protocol::hello`), of the suite for malicious security
//! parameters   attempts u32 ‖ trees u8 ‖ layers B u8 ‖ candidates L u64 ‖ AND gates u64          must be equal
//!              B and L are those of a full chunk; trees: their depth k, and the expansion in the high four bits
//! session id   SHA-256(session id of the hellos, parameters)
//! ```
//!
//! So the session id covers run, attempt, both nonces, the roles, the program and all parameters, and every
//! hash of the protocol covers the session id. Unsupported programs and terms are refused here, before
//! anything is sent.

use rand_core::{CryptoRng, RngCore};

use super::authenticated_bits::Session;
use super::domains::{Domain, SESSION};
use super::error::SessionError;
use super::settings::{Buckets, Chunks, Settings};
use crate::channel::{Channel, Phase};
use crate::codec::Encode;
use crate::ot::{SessionId, tree_code};
use crate::program::Program;
use crate::protocol::hello::{Agreement, Proposal, Reveal, Role, Suite, Terms, exchange};

/// The bytes of the parameters.
const PARAMETERS: usize = 22;

/// The state after the handshake: the parties agree on program, terms and settings.
pub struct Agreed {
    pub(super) session: Session,
    pub(super) chunks: Chunks,
}

/// What a party wants to do.
pub(super) struct Intent<'p, P> {
    pub(super) role: Role,
    pub(super) program: &'p P,
    pub(super) terms: Terms,
    pub(super) settings: Settings,
}

impl<P: Program> Intent<'_, P> {
    /// Compares the intent with the peer's.
    ///
    /// # Errors
    /// If they differ, the connection fails, or the program or the terms are not supported.
    pub(super) fn agree(
        &self,
        channel: &mut impl Channel,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Agreed, SessionError> {
        self.require_supported()?;
        let gates = self.program.cost().and_gates;
        let (suite, program) = (Suite::Malicious, self.program.id());
        let proposal = Proposal { suite, role: self.role, program, terms: self.terms, lanes: 1 };
        let Agreement { sid: SessionId(handshake), .. } = exchange(channel, &proposal, rng)?;
        let ours = parameters(&self.settings, gates);
        // Both send before they compare, so that both know why a session ends here.
        let mut theirs = [0; PARAMETERS];
        channel.send(Phase::Hello, &ours)?;
        channel.receive(Phase::Hello, &mut theirs)?;
        if theirs != ours {
            return Err(SessionError::Parameters);
        }
        let domain = Domain { label: SESSION, session: &SessionId(handshake), index: 0, role: None };
        let id = SessionId(domain.of(&[&ours]));
        let Settings { depth, expansion, .. } = self.settings;
        let session = Session { id, depth, expansion };
        Ok(Agreed { session, chunks: Chunks { settings: self.settings, gates } })
    }

    fn require_supported(&self) -> Result<(), SessionError> {
        let Terms { attempt, reveal, .. } = self.terms;
        let most = self.settings.attempts.number();
        if attempt >= most {
            return Err(SessionError::Attempt { attempt, most });
        }
        if reveal == Reveal::ResultParty {
            return Err(SessionError::ResultParty);
        }
        Ok(())
    }
}

/// The parameters, encoded.
pub(super) fn parameters(settings: &Settings, gates: u64) -> [u8; PARAMETERS] {
    let full = Buckets::full(settings);
    let mut bytes = Vec::with_capacity(PARAMETERS);
    settings.attempts.number().encode(&mut bytes);
    [tree_code(settings.depth, settings.expansion), full.layers as u8].encode(&mut bytes);
    full.candidates.encode(&mut bytes);
    gates.encode(&mut bytes);
    let mut parameters = [0; PARAMETERS];
    parameters.copy_from_slice(&bytes);
    parameters
}
