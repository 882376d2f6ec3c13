//! A request to read amounts: the outputs, the reason and the reader's key.
//!
//! ```text
//! request  hash of the charter (32) ‖ case (32) ‖ n (2) ‖ n × (height of its block (8) ‖ output (32)), ascending
//!          ‖ length (2) ‖ reason, UTF-8 ‖ the reader's party key (1,248) ‖ nonce (32)
//! name     H("sotto/audit/request/v1", chain id ‖ request)         notice = topic 1 ‖ name
//! case     H("sotto/audit/case/v1", salt (32) ‖ the case's own name)
//! ```
//!
//! The notice hides the request (by its nonce), and proves since when it exists. What is added to a request, and who adds it, is in
//! [`crate::letter`].
#![deny(clippy::indexing_slicing)]

use crate::{
    charter::{Charter, MAX_OUTPUTS},
    tag,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Height,
    chain::ChainId,
    codec::{Decode, DecodeError, Encode, Reader},
    group::PointBytes,
    hash::{Hash, tagged},
    kernel::Notice,
};
use sotto_party::PublicKey;

/// The topic of the notice of a request.
const TOPIC: u8 = 1;
/// Most members of a group.
pub(crate) const MAX_MEMBERS: usize = 15;
/// Most bytes of a reason.
pub const MAX_REASON: usize = 1_024;

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
    /// The key is not the reader's.
    #[error("the request names another reader")]
    OtherReader,
    /// No answers, or two of one member.
    #[error("a record of answers has 1 to {MAX_MEMBERS} of them, one a member")]
    Answers,
}

/// The name of a case in requests: a hash that each party with the salt can compute again.
#[must_use]
pub fn case_name(salt: &[u8; 32], case: &str) -> Hash {
    tagged(tag::CASE, &[salt, case.as_bytes()])
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
        tagged(tag::REQUEST, &[chain.as_bytes(), &self.to_bytes()])
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
            Ok::<_, DecodeError>(OutputPlace { height: Height::decode(r)?, output: PointBytes(r.array()?) })
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

/// Reads a party key.
pub(crate) fn party_key(r: &mut Reader<'_>) -> Result<PublicKey, DecodeError> {
    PublicKey::from_bytes(r.take(PublicKey::BYTES)?).ok_or(DecodeError::Invalid { what: "party key" })
}
