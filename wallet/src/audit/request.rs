//! A request to read amounts: the outputs, the reason, the reader's key, and the signatures of the authorities that allow it.
//!
//! ```text
//! request  hash of the charter (32) ‖ case (32) ‖ n (2) ‖ n × (height of its block (8) ‖ output (32)), ascending
//!          ‖ length (2) ‖ reason, UTF-8 ‖ the reader's party key (1,248) ‖ nonce (32)
//! name     H("sotto/audit/request/v1", chain id ‖ request)         notice = topic 1 ‖ name
//! case     H("sotto/audit/case/v1", salt (32) ‖ the case's own name)
//! letter   request ‖ k (1) ‖ k × (party key (1,248) ‖ signature of the name (64)), by digest
//!          ‖ 0, or 1 ‖ excess of the notice (32)
//! ```
//!
//! One letter that grows: each authority adds its signature, the requester the excess of the notice's kernel. The notice hides the
//! request (by its nonce), and proves since when it exists.
#![deny(clippy::indexing_slicing)]

use super::charter::{Charter, MAX_AUTHORITIES, MAX_OUTPUTS};
use crate::{
    armor::{Message, MessageKind},
    codec::{flag, point_bytes},
    tag,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    hash::{Hash, tagged},
    kernel::{Excess, Notice},
};
use sotto_party::{Context, Identity, PublicKey};
use std::collections::BTreeMap;

/// The topic of the notice of a request.
const TOPIC: u8 = 1;
/// Most bytes of a reason.
pub const MAX_REASON: usize = 1_024;

/// An authority's signature over a request.
const SIGNED: Context = Context::new("sotto audit request v1");

/// An output, and the block that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutputPlace {
    /// The height of the block.
    pub height: Height,
    /// The output.
    pub output: PointBytes,
}

/// A request to read amounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    charter: Hash,
    case: Hash,
    outputs: Vec<OutputPlace>,
    reason: String,
    reader: PublicKey,
    nonce: [u8; 32],
}

/// Why a request cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// None, or more than any charter allows.
    #[error("a request has 1 to {MAX_OUTPUTS} outputs, each once")]
    Outputs,
    /// No reason, or a long one.
    #[error("a request has a reason of 1 to {MAX_REASON} bytes")]
    Reason,
    /// The key is not one of the charter.
    #[error("the charter does not name this key as an authority")]
    NoAuthority,
    /// The request was made under another charter.
    #[error("the request was made under another charter")]
    OtherCharter,
}

/// The name of a case in requests: a hash that each party with the salt can compute again.
#[must_use]
pub fn case_name(salt: &[u8; 32], case: &str) -> Hash {
    tagged(tag::AUDIT_CASE, &[salt, case.as_bytes()])
}

/// The matter of a request.
#[derive(Clone, Debug)]
pub struct Matter {
    /// The case ([`case_name`]).
    pub case: Hash,
    /// The outputs, in any order.
    pub outputs: Vec<OutputPlace>,
    /// The reason, in plain words; it becomes public after the charter's delay.
    pub reason: String,
}

impl ReadRequest {
    /// A request under a charter, for a reader's key.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn new(
        charter: &Charter,
        matter: Matter,
        reader: PublicKey,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, RequestError> {
        let Matter { case, mut outputs, reason } = matter;
        let most = usize::from(charter.terms().outputs);
        outputs.sort_unstable();
        if outputs.len() > most || !are_proper(&outputs) {
            return Err(RequestError::Outputs);
        }
        if !(1..=MAX_REASON).contains(&reason.len()) {
            return Err(RequestError::Reason);
        }
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        Ok(Self { charter: charter.hash(), case, outputs, reason, reader, nonce })
    }

    /// Its name on a chain, which authorities sign and its notice records.
    #[must_use]
    pub fn name(&self, chain: &ChainId) -> Hash {
        tagged(tag::AUDIT_REQUEST, &[chain.as_bytes(), &self.to_bytes()])
    }

    /// The notice that puts it on record.
    #[must_use]
    pub fn notice(&self, chain: &ChainId) -> Notice {
        Notice { topic: TOPIC, data: self.name(chain) }
    }

    /// The hash of the charter that it was made under.
    #[must_use]
    pub const fn charter(&self) -> Hash {
        self.charter
    }

    /// The case.
    #[must_use]
    pub const fn case(&self) -> Hash {
        self.case
    }

    /// The outputs, ascending.
    #[must_use]
    pub fn outputs(&self) -> &[OutputPlace] {
        &self.outputs
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The key of the reader.
    #[must_use]
    pub const fn reader(&self) -> &PublicKey {
        &self.reader
    }
}

fn are_proper(outputs: &[OutputPlace]) -> bool {
    (1..=usize::from(MAX_OUTPUTS)).contains(&outputs.len()) && outputs.is_sorted_by(|a, b| a < b)
}

impl Encode for ReadRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        self.charter.encode(out);
        self.case.encode(out);
        // Both are bounded where a request is made.
        out.extend_from_slice(&(self.outputs.len() as u16).to_le_bytes());
        for OutputPlace { height, output } in &self.outputs {
            height.encode(out);
            out.extend_from_slice(&output.0);
        }
        out.extend_from_slice(&(self.reason.len() as u16).to_le_bytes());
        out.extend_from_slice(self.reason.as_bytes());
        out.extend_from_slice(&self.reader.to_bytes());
        out.extend_from_slice(&self.nonce);
    }
}

impl Decode for ReadRequest {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (charter, case) = (Hash::decode(r)?, Hash::decode(r)?);
        let outputs = u16::from_le_bytes(r.array()?);
        if outputs > MAX_OUTPUTS {
            return Err(DecodeError::Invalid { what: "number of outputs of a request" });
        }
        let place = |r: &mut Reader<'_>| {
            Ok::<_, DecodeError>(OutputPlace { height: Height::decode(r)?, output: point_bytes(r)? })
        };
        let outputs = (0..outputs).map(|_| place(r)).collect::<Result<Vec<_>, _>>()?;
        if !are_proper(&outputs) {
            return Err(DecodeError::Invalid { what: "outputs of a request" });
        }
        let length = usize::from(u16::from_le_bytes(r.array()?));
        if !(1..=MAX_REASON).contains(&length) {
            return Err(DecodeError::Invalid { what: "length of a reason" });
        }
        let reason = core::str::from_utf8(r.take(length)?);
        let reason = reason.map_err(|_| DecodeError::Invalid { what: "reason: it is not UTF-8" })?.to_owned();
        Ok(Self { charter, case, outputs, reason, reader: party_key(r)?, nonce: r.array()? })
    }
}

fn party_key(r: &mut Reader<'_>) -> Result<PublicKey, DecodeError> {
    PublicKey::from_bytes(r.take(PublicKey::BYTES)?).ok_or(DecodeError::Invalid { what: "party key" })
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Allowed {
    authority: PublicKey,
    signature: [u8; 64],
}

/// A request, with what has been added to it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLetter {
    request: ReadRequest,
    /// By the digest of the authority's key.
    allowed: BTreeMap<[u8; 32], Allowed>,
    notice: Option<Excess>,
}

impl From<ReadRequest> for RequestLetter {
    fn from(request: ReadRequest) -> Self {
        Self { request, allowed: BTreeMap::new(), notice: None }
    }
}

impl RequestLetter {
    /// The request.
    #[must_use]
    pub const fn request(&self) -> &ReadRequest {
        &self.request
    }

    /// The kernel of its notice, if that is known.
    #[must_use]
    pub const fn notice(&self) -> Option<&Excess> {
        self.notice.as_ref()
    }

    /// An authority allows it. Signatures that do not count are dropped.
    ///
    /// # Errors
    /// [`RequestError`] unless the charter names the key.
    pub fn allow(
        &mut self,
        chain: &ChainId,
        charter: &Charter,
        authority: &Identity,
    ) -> Result<(), RequestError> {
        if self.request.charter != charter.hash() {
            return Err(RequestError::OtherCharter);
        }
        let (key, name) = (authority.public(), self.request.name(chain));
        let digest = key.digest();
        if !charter.authorities().contains(&digest) {
            return Err(RequestError::NoAuthority);
        }
        *self = self.checked(chain, charter);
        let signature = authority.sign(SIGNED, name.as_bytes());
        self.allowed.insert(digest, Allowed { authority: key, signature });
        Ok(())
    }

    /// Notes which kernel its notice is.
    #[must_use]
    pub fn noticed(self, excess: Excess) -> Self {
        Self { notice: Some(excess), ..self }
    }

    /// The letter with what another copy of it adds; `None` if that is about another request, or together they have more
    /// signatures than a letter can.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Option<Self> {
        if self.request != other.request {
            return None;
        }
        self.allowed.extend(other.allowed);
        self.notice = self.notice.or(other.notice);
        (self.allowed.len() <= MAX_AUTHORITIES).then_some(self)
    }

    /// The letter with the signatures of a charter's authorities that hold, and no others.
    pub(super) fn checked(&self, chain: &ChainId, charter: &Charter) -> Self {
        let (mut checked, holding) = (self.clone(), self.allowed_by(chain, charter));
        checked.allowed.retain(|digest, _| holding.contains(digest));
        checked
    }

    /// The digests of the authorities of a charter that allowed it, by signatures that hold.
    #[must_use]
    pub fn allowed_by(&self, chain: &ChainId, charter: &Charter) -> Vec<[u8; 32]> {
        let name = self.request.name(chain);
        let holds = |digest: &[u8; 32], a: &Allowed| {
            charter.authorities().contains(digest)
                && a.authority.verify(SIGNED, name.as_bytes(), &a.signature)
        };
        self.allowed.iter().filter(|(digest, a)| holds(digest, a)).map(|(digest, _)| *digest).collect()
    }
}

impl Encode for RequestLetter {
    fn encode(&self, out: &mut Vec<u8>) {
        self.request.encode(out);
        // As many as a charter has at most.
        out.push(self.allowed.len() as u8);
        for Allowed { authority, signature } in self.allowed.values() {
            out.extend_from_slice(&authority.to_bytes());
            out.extend_from_slice(signature);
        }
        crate::codec::put_option(self.notice.as_ref(), out);
    }
}

impl Decode for RequestLetter {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (request, count) = (ReadRequest::decode(r)?, r.u8()?);
        if usize::from(count) > MAX_AUTHORITIES {
            return Err(DecodeError::Invalid { what: "number of authorities" });
        }
        let mut allowed = BTreeMap::new();
        for _ in 0..count {
            let (authority, signature) = (party_key(r)?, r.array()?);
            let digest = authority.digest();
            if allowed.last_key_value().is_some_and(|(last, _)| *last >= digest) {
                return Err(DecodeError::Invalid { what: "order of authorities" });
            }
            allowed.insert(digest, Allowed { authority, signature });
        }
        let notice = if flag(r, "notice")? { Some(Excess::decode(r)?) } else { None };
        Ok(Self { request, allowed, notice })
    }
}

impl Message for RequestLetter {
    const KIND: MessageKind = MessageKind::AuditRequest;
}
