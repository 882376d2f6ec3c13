//! The parts of a job, and their bytes.

use super::attestation::Attestation;
use super::party_id::PartyId;
use super::sale::Sale;
use crate::codec::DecodeError;
use crate::codec::{Codec, Reader, codes, record};
use crate::hash::Digest;
use crate::kind::Kind;
use crate::text::{Line, Name, Prose};
use crate::variants::Cases;
use sotto_mpc::ot::{Expansion, TreeDepth};
use sotto_mpc::program::ProgramName;
use sotto_mpc::protocol::malicious::{Attempts, Settings};
use sotto_party::PublicKey;

/// Most parties of a job.
pub const MAX_PARTIES: usize = 64;

/// Most compute parties of a job.
pub const MAX_COMPUTE_PARTIES: usize = 8;

/// Most AND gates that a job may allow. A party counts the gates of a job before it trusts anyone, so this
/// bounds the work.
pub const MAX_AND_GATES: u64 = 1 << 40;

/// A party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// What the others call it.
    pub name: Name,
    /// Its keys.
    pub key: PublicKey,
    /// Where the others meet it, if it computes.
    pub meeting: Option<Meeting>,
}

/// Where a compute party is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// It waits at this host and port.
    Address(Line),
    /// It comes to a rendezvous server, as the others do.
    RendezvousServer(RendezvousServer),
}

/// A rendezvous server: it carries encrypted bytes between parties who only dial out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RendezvousServer {
    /// Its host and port.
    pub address: Line,
    /// Its keys.
    pub key: PublicKey,
}

/// What is computed. The hashes decide; names and parameters say where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Name and version.
    pub name: ProgramName,
    /// Options, by name.
    pub parameters: Vec<Parameter>,
    /// The hash of the program's text, if it is one that the job brings.
    pub source: Option<Digest>,
    /// What compiled it: name and version.
    pub compiler: Line,
    /// The hash of the gate stream.
    pub circuit: Digest,
    /// AND gates of the circuit.
    pub and_gates: u64,
}

/// What is run: the hash of the gate stream, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gates {
    /// The hash.
    pub circuit: Digest,
    /// AND gates.
    pub and_gates: u64,
}
record!(Gates { circuit, and_gates });

impl Pin {
    /// What is run.
    #[must_use]
    pub const fn gates(&self) -> Gates {
        Gates { circuit: self.circuit, and_gates: self.and_gates }
    }
}

/// An option of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: Line,
    /// Its value.
    pub value: Value,
}

/// A value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Number(i128),
    /// A text.
    Text(Line),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name.
    Record(Vec<Parameter>),
}

/// Deepest nesting of values.
const MAX_DEPTH: usize = 4;

/// What an input party brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Whose data.
    pub party: PartyId,
    /// Its tables, in the order of the program.
    pub tables: Vec<Table>,
}

/// Rows of columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What people call it.
    pub name: Line,
    /// How `rows` is meant.
    pub count: Count,
    /// How many rows.
    pub rows: u64,
    /// What each row holds.
    pub columns: Vec<Column>,
}

/// How a number of rows is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Count {
    /// Just as many.
    Exactly = 0,
    /// At most as many; how many is hidden.
    UpTo = 1,
}

/// A column: a number of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, as in the heading of the input party's file.
    pub name: Line,
    /// The smallest number, in units of the last decimal.
    pub min: i128,
    /// The largest number, in units of the last decimal.
    pub max: i128,
    /// Digits after the point.
    pub decimals: u8,
    /// What an empty field stands for; without it, an empty field is an error, unless the column is optional.
    pub missing: Option<i128>,
    /// What its numbers stand for.
    pub kind: Kind,
}

impl Column {
    /// The number that stands where a field is not there: the one of the range that is nearest to zero.
    #[must_use]
    pub fn absent(&self) -> i128 {
        0.max(self.min).min(self.max)
    }
}

impl Table {
    /// The columns that files have.
    pub fn in_files(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.kind.is_derived())
    }

    /// Which columns are fields of variants.
    pub(crate) fn cases(&self) -> Cases {
        Cases::of(self.columns.iter().map(|column| (column.name.as_str(), &column.kind)))
    }

    /// Whether a field of the column at this place may be empty and the program sees it.
    #[must_use]
    pub fn is_optional(&self, place: usize) -> bool {
        let before = place.checked_sub(1).and_then(|before| self.columns.get(before));
        before.is_some_and(|column| column.kind == Kind::Presence)
    }
}

/// An output table and who learns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The program's name for it.
    pub name: Line,
    /// The parties that receive it; no other party does.
    pub result_parties: Vec<PartyId>,
}

/// What the numbers of a column of an output stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    /// The output, by its place.
    pub output: u16,
    /// The column's name.
    pub column: Line,
    /// Digits after the point.
    pub decimals: u8,
    /// What its numbers stand for.
    pub kind: Kind,
}

/// What a compute party may do that the job must withstand. In either case they do not all collude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Adversary {
    /// It follows the protocol and is curious.
    SemiHonest,
    /// It does anything it likes.
    Malicious,
}

impl Adversary {
    /// The word for it in job files, policies and receipts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SemiHonest => "semi-honest",
            Self::Malicious => "malicious",
        }
    }

    /// The adversary of a word.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::SemiHonest, Self::Malicious].into_iter().find(|adversary| adversary.as_str() == text)
    }
}

/// How it is computed, and which adversary that withstands.
///
/// ```text
/// semi-honest   1 + 16·expansion
/// malicious     2 ‖ attempts u8 ‖ depth of the trees + 16·expansion u8
/// ```
///
/// The expansion is 0 for none, else log k − 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// Half gates and SoftSpoken transfers, expanded or not.
    SemiHonest(Expansion),
    /// Authenticated half gates; at most so many attempts at a run, over trees of this depth.
    Malicious(Settings),
}

impl Suite {
    /// Whether transfers are expanded.
    #[must_use]
    pub const fn expansion(self) -> Expansion {
        match self {
            Self::SemiHonest(expansion) => expansion,
            Self::Malicious(settings) => settings.expansion,
        }
    }

    /// The adversary that it withstands.
    #[must_use]
    pub const fn adversary(self) -> Adversary {
        match self {
            Self::SemiHonest(_) => Adversary::SemiHonest,
            Self::Malicious(_) => Adversary::Malicious,
        }
    }
}

/// What a run may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows of one input party.
    pub rows: u64,
    /// AND gates.
    pub and_gates: u64,
    /// Seconds for the joint computation, once all inputs are there.
    pub seconds: u32,
}

/// A job as it was written, not yet looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What people call it.
    pub name: Line,
    /// What it is for.
    pub purpose: Prose,
    /// Makes this job differ from all others that say the same.
    pub nonce: Digest,
    /// Everybody who takes part.
    pub parties: Vec<Party>,
    /// The compute party that garbles.
    pub garbler: PartyId,
    /// The compute party that evaluates.
    pub evaluator: PartyId,
    /// What is computed.
    pub program: Pin,
    /// What each input party brings, in the order of the program.
    pub inputs: Vec<Input>,
    /// Who learns what, in the order of the program.
    pub outputs: Vec<Output>,
    /// What the outputs reveal beyond themselves, in words.
    pub leaks: Vec<Prose>,
    /// How.
    pub suite: Suite,
    /// What a run may take.
    pub limits: Limits,
    /// Seconds that a run waits for the other parties.
    pub deadline: u32,
    /// When the agreement ends: seconds since 1970.
    pub expiry: u64,
    /// How often it may be run.
    pub runs: u32,
    /// What the outputs of a source or a circuit file stand for, where they are not plain whole numbers.
    pub results: Vec<ResultColumn>,
    /// Who shows what code it runs.
    pub attestation: Attestation,
    /// The compute parties beyond the two, which garble too: only in a job under the experimental protocol of several.
    pub further: Vec<PartyId>,
    /// Which outputs are sold, to whom and by whom.
    pub sale: Option<Sale>,
}

impl Draft {
    /// The compute parties: the garbler, the evaluator, and those beyond the two.
    #[must_use]
    pub fn compute_parties(&self) -> Vec<PartyId> {
        [self.garbler, self.evaluator].into_iter().chain(self.further.iter().copied()).collect()
    }

    /// Whether a party computes.
    #[must_use]
    pub fn computes(&self, id: PartyId) -> bool {
        self.compute_parties().contains(&id)
    }

    /// Whether anything is said that version 1 of the encoding cannot say: columns that are not plain numbers.
    #[must_use]
    pub(super) fn is_typed(&self) -> bool {
        let columns = self.inputs.iter().flat_map(|input| &input.tables).flat_map(|table| &table.columns);
        !self.results.is_empty() || columns.into_iter().any(|column| column.kind != Kind::Number)
    }
}

record!(Party { name, key, meeting });
record!(RendezvousServer { address, key });
record!(Pin { name, parameters, source, compiler, circuit, and_gates });
record!(Parameter { name, value });
record!(Input { party, tables });
record!(Table { name, count, rows, columns });
record!(ResultColumn { output, column, decimals, kind });
record!(Output { name, result_parties });
record!(Limits { rows, and_gates, seconds });
record!(Draft {
    name,
    purpose,
    nonce,
    parties,
    garbler,
    evaluator,
    program,
    inputs,
    outputs,
    leaks,
    suite,
    limits,
    deadline,
    expiry,
    runs; results, attestation, further, sale
});

/// ```text
/// number        … ‖ missing          0, or 1 ‖ number
/// other kinds   … ‖ 2 ‖ kind ‖ missing                  only in version 2 of a job
/// ```
impl Codec for Column {
    fn encode(&self, out: &mut Vec<u8>) {
        let Self { name, min, max, decimals, missing, kind } = self;
        name.encode(out);
        [*min, *max].iter().for_each(|bound| bound.encode(out));
        decimals.encode(out);
        if *kind != Kind::Number {
            out.push(2);
            kind.encode(out);
        }
        missing.encode(out);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (name, min, max, decimals) =
            (Codec::decode(r)?, Codec::decode(r)?, Codec::decode(r)?, Codec::decode(r)?);
        let (kind, missing) = match u8::decode(r)? {
            0 => (Kind::Number, None),
            1 => (Kind::Number, Some(Codec::decode(r)?)),
            2 => match Kind::decode(r)? {
                Kind::Number => return Err(DecodeError::Value("a type of columns")),
                kind => (kind, Codec::decode(r)?),
            },
            _ => return Err(DecodeError::Value("a presence")),
        };
        Ok(Self { name, min, max, decimals, missing, kind })
    }
}

impl Codec for Meeting {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Address(address) => (out.push(0), address.encode(out)).1,
            Self::RendezvousServer(rendezvous_server) => (out.push(1), rendezvous_server.encode(out)).1,
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(r)? {
            0 => Codec::decode(r).map(Self::Address),
            1 => Codec::decode(r).map(Self::RendezvousServer),
            _ => Err(DecodeError::Value("a meeting")),
        }
    }
}

impl Codec for Value {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(number) => (out.push(0), number.encode(out)).1,
            Self::Text(text) => (out.push(1), text.encode(out)).1,
            Self::List(list) => (out.push(2), list.encode(out)).1,
            Self::Record(record) => (out.push(3), record.encode(out)).1,
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.nested(MAX_DEPTH, |r| match u8::decode(r)? {
            0 => Codec::decode(r).map(Self::Number),
            1 => Codec::decode(r).map(Self::Text),
            2 => Codec::decode(r).map(Self::List),
            3 => Codec::decode(r).map(Self::Record),
            _ => Err(DecodeError::Value("a parameter")),
        })
    }
}
codes!(Count, "a count's meaning", [Exactly, UpTo]);

impl Codec for Suite {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::SemiHonest(expansion) => out.push(1 | (*expansion as u8) << 4),
            // There are at most 64 attempts.
            Self::Malicious(settings) => {
                let trees = settings.depth as u8 | (settings.expansion as u8) << 4;
                out.extend([2, settings.attempts.number() as u8, trees]);
            }
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let invalid = DecodeError::Value("a protocol suite");
        match u8::decode(r)? {
            2 => {
                let attempts = Attempts::new(u8::decode(r)?.into()).ok_or(invalid)?;
                let trees = u8::decode(r)?;
                let depth = tree_depth((trees & 15).into()).ok_or(invalid)?;
                let expansion = Expansion::from_code(trees >> 4).ok_or(invalid)?;
                Ok(Self::Malicious(Settings::new(attempts, depth).with_expansion(expansion)))
            }
            code if code & 15 == 1 => Expansion::from_code(code >> 4).map(Self::SemiHonest).ok_or(invalid),
            _ => Err(invalid),
        }
    }
}

/// The depth of the trees of oblivious transfer that is this number.
#[must_use]
pub fn tree_depth(k: u32) -> Option<TreeDepth> {
    [TreeDepth::Two, TreeDepth::Four, TreeDepth::Eight].into_iter().find(|depth| *depth as u32 == k)
}

impl Codec for ProgramName {
    fn encode(&self, out: &mut Vec<u8>) {
        self.to_bytes().encode(out);
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_bytes(Codec::decode(r)?).ok_or(DecodeError::Value("a program's name"))
    }
}
