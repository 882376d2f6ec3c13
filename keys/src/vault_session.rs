//! What comes before an answer of a vault's member: it asks for fresh evidence, and remembers what it said.
//!
//! ```text
//! challenge  "sotto keys vault challenge v1" ‖ name of the request (32) ‖ from (1) ‖ nonce (32)
//!            ‖ Ed25519 signature of all before it (64)
//! evidence   "sotto keys vault evidence v1" ‖ name of the request (32) ‖ to (1) ‖ nonce (32) ‖ length (4) ‖ evidence
//! record     "sotto keys vault record v1" ‖ name of the request (32)
//!            ‖ 0 ‖ nonce (32) ‖ when it was drawn (8), or 1 ‖ length (4) ‖ answer
//!
//! member:  nothing ──draw──▶ Challenged ──evidence for this nonce is accepted──▶ Answered
//!                              └── too old: draw again
//! ```
//!
//! The record is durable before a letter leaves. A member that has answered says the same again, and answers a request
//! once, whatever evidence comes later. The challenge is signed, so that a machine asks its platform for members and
//! for no other key.
//!
//! What the evidence says, and for how long a nonce is good, is for the caller: it is opaque here.
//!
//! Source: RFC 9334 (nonces, 10.2).
#![deny(clippy::indexing_slicing)]

use rand_core::{CryptoRng, RngCore};
use sotto_party::Identity;

use crate::codec::{DecodeError, Reader, put_bytes};
use crate::draft::{Draft, Index};
use crate::tag::{self, Hash};
use crate::vault::{MAX_ANSWER, VaultAnswer};

/// Most bytes of the evidence in a letter: those of a platform, and what names their kind.
pub const MAX_EVIDENCE: usize = (16 << 10) + 64;
/// Most bytes of a record.
pub const MAX_RECORD: usize = RECORD.len() + 32 + 1 + 4 + MAX_ANSWER;

const CHALLENGE: &str = "sotto keys vault challenge v1";
const EVIDENCE: &str = "sotto keys vault evidence v1";
const RECORD: &str = "sotto keys vault record v1";

/// A member's challenge to a machine: a nonce that its evidence must answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultChallenge {
    request: Hash,
    from: Index,
    nonce: [u8; 32],
    signature: [u8; 64],
}

impl VaultChallenge {
    /// The challenge of a member of the draft, with the nonce that it drew; `None` if no member has this key.
    #[must_use]
    pub fn new(draft: &Draft, identity: &Identity, drawn: &Drawn) -> Option<Self> {
        let from = draft.index_of(&identity.public())?;
        let Drawn { request, nonce, .. } = *drawn;
        let mut this = Self { request, from, nonce, signature: [0; 64] };
        this.signature = identity.sign(tag::VAULT_CHALLENGE, &this.signed());
        Some(this)
    }

    /// The request that it is about.
    #[must_use]
    pub const fn request(&self) -> Hash {
        self.request
    }

    /// Whose it is, as it says.
    #[must_use]
    pub const fn from(&self) -> Index {
        self.from
    }

    /// The nonce.
    #[must_use]
    pub const fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }

    /// Whether the member that it names signed it.
    #[must_use]
    pub fn holds(&self, draft: &Draft) -> bool {
        let key = draft.key(self.from);
        key.is_some_and(|key| key.verify(tag::VAULT_CHALLENGE, &self.signed(), &self.signature))
    }

    fn signed(&self) -> Vec<u8> {
        let mut out = [CHALLENGE.as_bytes(), self.request.as_bytes()].concat();
        out.push(self.from.get());
        out.extend_from_slice(&self.nonce);
        out
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.signed()[..], &self.signature].concat()
    }

    /// Reads a challenge. Its signature is not checked yet.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(CHALLENGE, bytes)?;
        let request = Hash::from_bytes(r.array()?);
        let this = Self { request, from: Index::read(&mut r)?, nonce: r.array()?, signature: r.array()? };
        r.finish().map(|()| this)
    }
}

/// A machine's evidence, for one challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultEvidence {
    request: Hash,
    to: Index,
    nonce: [u8; 32],
    evidence: Vec<u8>,
}

impl VaultEvidence {
    /// The evidence that answers a challenge; `None` if it is too long.
    #[must_use]
    pub fn new(challenge: &VaultChallenge, evidence: Vec<u8>) -> Option<Self> {
        let VaultChallenge { request, from: to, nonce, .. } = *challenge;
        (evidence.len() <= MAX_EVIDENCE).then_some(Self { request, to, nonce, evidence })
    }

    /// The request that it is about.
    #[must_use]
    pub const fn request(&self) -> Hash {
        self.request
    }

    /// Whose challenge it answers.
    #[must_use]
    pub const fn to(&self) -> Index {
        self.to
    }

    /// Whether it says that it answers this nonce. The evidence itself has to say so, too.
    #[must_use]
    pub fn answers(&self, drawn: &Drawn) -> bool {
        (self.request, self.nonce) == (drawn.request, drawn.nonce)
    }

    /// What the platform signed.
    #[must_use]
    pub fn evidence(&self) -> &[u8] {
        &self.evidence
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = [EVIDENCE.as_bytes(), self.request.as_bytes()].concat();
        out.push(self.to.get());
        out.extend_from_slice(&self.nonce);
        put_bytes(&self.evidence, &mut out);
        out
    }

    /// Reads evidence for a challenge; what the platform signed is not read.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(EVIDENCE, bytes)?;
        let (request, to) = (Hash::from_bytes(r.array()?), Index::read(&mut r)?);
        let (nonce, evidence) = (r.array()?, r.bytes(MAX_EVIDENCE)?.to_vec());
        r.finish().map(|()| Self { request, to, nonce, evidence })
    }
}

/// A nonce that a member drew for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The request.
    pub request: Hash,
    /// The nonce.
    pub nonce: [u8; 32],
    /// When, in seconds since 1970.
    pub time: u64,
}

impl Drawn {
    /// Draws a nonce for a request.
    #[must_use]
    pub fn new(request: Hash, time: u64, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        Self { request, nonce, time }
    }
}

/// What a member keeps of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultRecord {
    /// It awaits evidence for this nonce.
    Challenged(Drawn),
    /// It has answered.
    Answered(VaultAnswer),
}

impl VaultRecord {
    /// The request that it is about.
    #[must_use]
    pub const fn request(&self) -> Hash {
        match self {
            Self::Challenged(drawn) => drawn.request,
            Self::Answered(answer) => answer.request(),
        }
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = [RECORD.as_bytes(), self.request().as_bytes()].concat();
        match self {
            Self::Challenged(drawn) => {
                out.push(0);
                out.extend_from_slice(&drawn.nonce);
                out.extend_from_slice(&drawn.time.to_le_bytes());
            }
            Self::Answered(answer) => {
                out.push(1);
                put_bytes(&answer.to_bytes(), &mut out);
            }
        }
        out
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(RECORD, bytes)?;
        let request = Hash::from_bytes(r.array()?);
        let this = match r.presence()? {
            false => Self::Challenged(Drawn { request, nonce: r.array()?, time: r.u64()? }),
            true => Self::Answered(VaultAnswer::from_bytes(r.bytes(MAX_ANSWER)?)?),
        };
        r.finish()?;
        if this.request() == request { Ok(this) } else { Err(DecodeError::Value("the request of an answer")) }
    }
}
