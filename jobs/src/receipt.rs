//! The receipt: what both compute parties state about a finished run, for all parties of the job.
//!
//! ```text
//! facts      job ‖ run ‖ attempt ‖ run id ‖ circuit ‖ AND gates ‖ input commitments ‖ output commitments ‖ transcript
//! statement  started ‖ finished ‖ sent ‖ received ‖ signature over ("sotto receipt v1\0" ‖ facts ‖ the four before it)
//! receipt    facts ‖ garbler's statement ‖ evaluator's statement
//!            with more than two compute parties: … ‖ their statements, under "sotto receipt v3\0" in the job's order
//!
//! If the job demands evidence of a compute party, its statement is signed under "sotto receipt v2\0", over the same and what
//! [`vouched`](crate::vouched) signs; the receipt then begins with that (with more than two compute parties with "sotto receipt
//! v5\0"), and has at its end, for each of them, 0, or 1 and the evidence.
//!
//! If outputs are sold, the facts end with the parts of the lock and what is said of the locked shares
//! ([`lock::share`](crate::lock::share)). Statements are signed under "sotto receipt v4\0", with evidence or without; the receipt
//! begins with that, and has after the statements those facts, and for each statement 0, or 1 and the evidence.
//! ```
//!
//! **Shows** that both compute parties state the following: they ran this circuit of this job once, on the
//! inputs that the input parties committed to; they saw the same control, transfer and output messages; they
//! were within the job's expiry and time limit by their clocks; and they delivered these output shares.
//! **Does not show** that they computed correctly, that inputs were true, or that parties did not collude: it
//! is evidence, not proof. If the job withstands a malicious compute party, more follows if one of the two
//! followed the protocol: see [`Receipt::shows`]; and the two commitments of a result party are one, the hash of
//! its outputs under its pad. The transcript hash leaves out the garbled tables; the channel and the labels of
//! the outputs detect changes to those.

mod facts;

pub use facts::{Delivered, Facts};

use super::hash::{Digest, Purpose, hash};
use super::job::{Job, MAX_COMPUTE_PARTIES, PartyId};
use super::lock::share::SoldFacts;
use super::vouched::Vouched;
use crate::codec::{Codec, DecodeError, Reader, record};
use sotto_mpc::protocol::semi_honest::OutputShare;
use sotto_party::{Context, Identity};

/// What a signature of a receipt is for.
const SIGNATURE: Context = Context::new("sotto receipt v1");
/// The same, of a statement behind which evidence stands.
const SIGNATURE_VOUCHED: Context = Context::new("sotto receipt v2");
/// The same, of facts of which some are about a sale.
const SIGNATURE_SOLD: Context = Context::new("sotto receipt v4");

/// What one compute party adds, and its signature over all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// When the attempt began: seconds since 1970 by this compute party's clock.
    pub started: u64,
    /// When it was over.
    pub finished: u64,
    /// Bytes sent to the other compute party.
    pub sent: u64,
    /// Bytes received from it.
    pub received: u64,
    signature: [u8; 64],
    vouched: Option<Vouched>,
}
record!(Statement { started, finished, sent, received, signature; vouched });

/// Facts that both compute parties signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What they agree on.
    pub facts: Facts,
    /// The garbler's own.
    pub garbler: Statement,
    /// The evaluator's own.
    pub evaluator: Statement,
    /// Those of further compute parties, in the job's order.
    pub further: Vec<Statement>,
}
record!(Receipt { facts, garbler, evaluator; further });

/// What a compute party is called in complaints: by its place in the job's order.
pub(crate) const fn role(place: usize) -> &'static str {
    match place {
        0 => "garbler",
        1 => "evaluator",
        _ => "further garbler",
    }
}

/// Why a receipt is none of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not the bytes of a receipt.
    #[error(transparent)]
    Codec(#[from] DecodeError),
    /// Of another job.
    #[error("the receipt is of another job")]
    OtherJob,
    /// Facts that the job does not allow.
    #[error("the receipt names another circuit, other input parties or other result parties than the job")]
    Facts,
    /// Not one statement of each compute party.
    #[error("the receipt does not have one statement of each compute party")]
    Statements,
    /// The computation was outside the job's terms.
    #[error(
        "the {0} states that it began after the job had expired, or computed for longer than the job allows"
    )]
    Terms(&'static str),
    /// Evidence that the job does not ask for, or none where it does, or for something else.
    #[error(
        "the evidence behind the statement of the {0} is missing, or is not for this result under the job's policy"
    )]
    Evidence(&'static str),
    /// A signature that the compute party's key did not make.
    #[error("the statement of the {0} is not signed by the key that the job names")]
    Signature(&'static str),
}

/// Whose statement it is, and what stands behind it.
pub struct Signer<'a> {
    /// The compute party's keys.
    pub identity: &'a Identity,
    /// Its evidence, if the job demands it.
    pub vouched: Option<Vouched>,
}

impl Statement {
    /// Signs facts.
    #[must_use]
    pub fn sign(facts: &Facts, times: [u64; 2], traffic: [u64; 2], identity: &Identity) -> Self {
        Self::sign_vouched(facts, times, traffic, Signer { identity, vouched: None })
    }

    /// Signs facts, with what stands behind the statement.
    #[must_use]
    pub fn sign_vouched(
        facts: &Facts,
        [started, finished]: [u64; 2],
        [sent, received]: [u64; 2],
        Signer { identity, vouched }: Signer<'_>,
    ) -> Self {
        let mut statement = Self { started, finished, sent, received, signature: [0; 64], vouched };
        statement.signature = identity.sign(statement.context(facts), &statement.text(facts));
        statement
    }

    fn text(&self, facts: &Facts) -> Vec<u8> {
        let mut text = facts.to_hashed();
        [self.started, self.finished, self.sent, self.received].iter().for_each(|n| n.encode(&mut text));
        text.extend(self.vouched.iter().flat_map(Vouched::signed));
        text
    }

    const fn context(&self, facts: &Facts) -> Context {
        match (&facts.sold, &self.vouched) {
            (Some(_), _) => SIGNATURE_SOLD,
            (None, Some(_)) => SIGNATURE_VOUCHED,
            (None, None) => SIGNATURE,
        }
    }

    /// The evidence behind it, if the job demands any.
    #[must_use]
    pub const fn vouched(&self) -> Option<&Vouched> {
        self.vouched.as_ref()
    }

    /// Whether there is evidence behind it exactly if the job demands it, for this very result.
    fn is_vouched(&self, job: &Job, compute_party: PartyId, facts: &Facts) -> bool {
        match &self.vouched {
            None => job.demand_of(compute_party).is_none(),
            Some(vouched) => vouched.is_for(job, compute_party, &facts.result(self.finished)),
        }
    }

    /// Whether the compute party kept to the job's expiry and to its seconds, by its own clock.
    #[must_use]
    pub fn is_within(&self, job: &Job) -> bool {
        self.started < job.expiry && self.finished.saturating_sub(self.started) <= job.limits.seconds.into()
    }

    /// Whether this compute party signed it.
    #[must_use]
    pub fn is_of(&self, job: &Job, compute_party: PartyId, facts: &Facts) -> bool {
        self.is_vouched(job, compute_party, facts)
            && job.party(compute_party).key.verify(self.context(facts), &self.text(facts), &self.signature)
    }
}

impl Receipt {
    /// What a receipt of a job shows if one of the compute parties followed the protocol; nothing that it did, if
    /// the job withstands curious ones alone.
    #[must_use]
    pub fn shows(job: &Job) -> Option<&'static str> {
        let of_many = "If one of the compute parties followed the protocol, these outputs are of this circuit on the inputs to \
             which the input parties committed (for one that colludes with a compute party: that these entered), and \
             no compute party learned more than its outputs. The protocol of more than two compute parties is \
             experimental: that it does this is argued, not proven.";
        job.malicious().map(|_| if job.is_experimental() { of_many } else {
            "If one of the compute parties followed the protocol, these outputs are of this circuit on the inputs to \
             which the input parties committed (for one that colludes with a compute party: that these entered), and \
             no compute party learned more than its outputs."
        })
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_versioned()
    }

    /// The compute parties of the receipt's job, each with its statement.
    #[must_use]
    pub fn statements_of(&self, job: &Job) -> Vec<(PartyId, &Statement)> {
        job.compute_parties().into_iter().zip(self.statements()).collect()
    }

    /// The receipt of these bytes, signed by both compute parties of the job.
    ///
    /// # Errors
    /// If it is none, or of another job, or not signed, or of a computation that the job did not allow any
    /// more.
    pub fn from_bytes(job: &Job, bytes: &[u8]) -> Result<Self, ReceiptError> {
        let receipt = Self::from_versioned(bytes)?;
        if receipt.facts.job != job.id() {
            return Err(ReceiptError::OtherJob);
        }
        if !receipt.facts.fit(job) {
            return Err(ReceiptError::Facts);
        }
        let (statements, compute_parties) = (receipt.statements(), job.compute_parties());
        if statements.len() != compute_parties.len() {
            return Err(ReceiptError::Statements);
        }
        for (place, (compute_party, statement)) in compute_parties.into_iter().zip(statements).enumerate() {
            let role = role(place);
            if !statement.is_vouched(job, compute_party, &receipt.facts) {
                return Err(ReceiptError::Evidence(role));
            }
            if !statement.is_of(job, compute_party, &receipt.facts) {
                return Err(ReceiptError::Signature(role));
            }
            if !statement.is_within(job) {
                return Err(ReceiptError::Terms(role));
            }
        }
        Ok(receipt)
    }
}

/// What the versions begin with.
pub(crate) struct Prefixes {
    pub(crate) plain: &'static str,
    pub(crate) vouched: &'static str,
    pub(crate) of_many: &'static str,
    pub(crate) of_sale: &'static str,
    pub(crate) vouched_of_many: &'static str,
}

/// A record with statements, in versions of which each is used only for what the earlier ones cannot say: with evidence
/// behind its statements at its end; with statements of further compute parties; with facts about a sale, and then
/// evidence or none; and with further statements and the evidence behind all.
pub(crate) trait Stated: Codec {
    /// What its versions begin with.
    const PREFIXES: Prefixes;

    /// Statements of further compute parties; none in a record that has one statement.
    fn further_mut(&mut self) -> Option<&mut Vec<Statement>> {
        None
    }

    /// The same.
    fn further(&self) -> &[Statement] {
        &[]
    }

    /// Its facts about a sale, to be completed; none in a record without facts.
    fn sold_mut(&mut self) -> Option<&mut Option<SoldFacts>> {
        None
    }

    /// The same.
    fn sold(&self) -> Option<&SoldFacts> {
        None
    }

    /// Its statements.
    fn statements(&self) -> Vec<&Statement>;

    /// The same, to be completed.
    fn statements_mut(&mut self) -> Vec<&mut Statement>;

    /// The bytes.
    fn to_versioned(&self) -> Vec<u8> {
        let Prefixes { plain, vouched, of_many, of_sale, vouched_of_many } = Self::PREFIXES;
        let (is_of_many, is_vouched) = (!self.further().is_empty(), self.is_vouched());
        let mut bytes = self.to_prefixed(match (self.sold(), is_of_many, is_vouched) {
            (Some(_), ..) => of_sale,
            (None, false, false) => plain,
            (None, false, true) => vouched,
            (None, true, false) => of_many,
            (None, true, true) => vouched_of_many,
        });
        if let Some(sold) = self.sold() {
            sold.encode(&mut bytes);
        } else if is_of_many {
            self.further().to_vec().encode(&mut bytes);
        }
        if self.sold().is_some() || is_vouched {
            self.statements().iter().for_each(|statement| statement.vouched.encode(&mut bytes));
        }
        bytes
    }

    /// The record of these bytes.
    fn from_versioned(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Prefixes { plain, vouched, of_many, of_sale, vouched_of_many } = Self::PREFIXES;
        let is = |prefix: &str| bytes.starts_with(prefix.as_bytes());
        let Some(prefix) = [vouched, of_many, of_sale, vouched_of_many].into_iter().find(|prefix| is(prefix))
        else {
            return Self::from_prefixed(plain, bytes);
        };
        let version = DecodeError::Value("a version");
        let mut reader = Reader::new(bytes.get(prefix.len()..).unwrap_or_default());
        let mut record = Self::decode(&mut reader)?;
        if prefix == of_sale {
            *record.sold_mut().ok_or(version)? = Some(Codec::decode(&mut reader)?);
            record.take_evidence(&mut reader)?;
            reader.finish()?;
            return Ok(record);
        }
        if prefix != vouched {
            let further = record.further_mut().ok_or(version)?;
            *further = Codec::decode(&mut reader)?;
            if !(1..=MAX_COMPUTE_PARTIES - 2).contains(&further.len()) {
                return Err(version);
            }
        }
        if prefix != of_many {
            record.take_evidence(&mut reader)?;
            if !record.is_vouched() {
                return Err(version);
            }
        }
        reader.finish()?;
        Ok(record)
    }

    /// Whether there is evidence behind a statement.
    fn is_vouched(&self) -> bool {
        self.statements().iter().any(|statement| statement.vouched.is_some())
    }

    /// Reads the evidence behind each statement.
    fn take_evidence(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        for statement in self.statements_mut() {
            statement.vouched = Codec::decode(reader)?;
        }
        Ok(())
    }
}

impl Stated for Receipt {
    const PREFIXES: Prefixes = Prefixes {
        plain: "sotto receipt v1\0",
        vouched: "sotto receipt v2\0",
        of_many: "sotto receipt v3\0",
        of_sale: "sotto receipt v4\0",
        vouched_of_many: "sotto receipt v5\0",
    };

    fn sold_mut(&mut self) -> Option<&mut Option<SoldFacts>> {
        Some(&mut self.facts.sold)
    }

    fn sold(&self) -> Option<&SoldFacts> {
        self.facts.sold.as_ref()
    }

    fn further_mut(&mut self) -> Option<&mut Vec<Statement>> {
        Some(&mut self.further)
    }

    fn further(&self) -> &[Statement] {
        &self.further
    }

    fn statements(&self) -> Vec<&Statement> {
        [&self.garbler, &self.evaluator].into_iter().chain(&self.further).collect()
    }

    fn statements_mut(&mut self) -> Vec<&mut Statement> {
        [&mut self.garbler, &mut self.evaluator].into_iter().chain(&mut self.further).collect()
    }
}

/// Which output share: the run, whose outputs, and which compute party's share of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutputSharePlace {
    pub(crate) run_id: Digest,
    pub(crate) result_party: PartyId,
    pub(crate) compute_party: PartyId,
}

impl OutputSharePlace {
    /// The bytes to which an encrypted output share is bound.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.run_id.0.to_vec();
        self.result_party.encode(&mut bytes);
        self.compute_party.encode(&mut bytes);
        bytes
    }
}

/// The hash of a result party's padded outputs, as it stands in the facts.
#[must_use]
pub(crate) fn hash_padded(run_id: &Digest, result_party: PartyId, padded: &sotto_mpc::Bits) -> Digest {
    let count = (padded.len() as u64).to_le_bytes();
    hash(Purpose::PaddedOutputs, &[&run_id.0, &result_party.0.to_le_bytes(), &count, padded.as_bytes()])
}

/// The commitment to an output share, as it stands in the facts.
#[must_use]
pub(crate) fn commit_output_share(
    place: &OutputSharePlace,
    salt: &[u8; 32],
    output_share: &OutputShare,
) -> Digest {
    let OutputSharePlace { run_id, result_party, compute_party } = place;
    let count = (output_share.bits().len() as u64).to_le_bytes();
    let place = [result_party.0.to_le_bytes(), compute_party.0.to_le_bytes()];
    hash(
        Purpose::OutputShare,
        &[
            salt,
            &run_id.0,
            place.as_flattened(),
            &count,
            sotto_mpc::Bits::from(output_share.bits()).as_bytes(),
        ],
    )
}
