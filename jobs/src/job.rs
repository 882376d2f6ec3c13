//! A job: who computes what on whose columns, who receives which output, and until when.
//!
//! ```text
//! Draft ── Job::new: every rule ──► Job ── every party's approval ──► Agreement ──► a run
//! ```
//!
//! A job's id is the hash of its canonical encoding, not of the text of the job file: two texts with the same
//! meaning have one id, and any difference in meaning changes the id. What people read before they sign is
//! rendered from this form. Nothing is added at run time. A draft becomes a job only if it satisfies every
//! rule in `rules`.

mod attestation;
mod draft;
mod party_id;
mod rules;
pub(crate) mod sale;
mod sale_rules;

pub use attestation::{Attestation, Demand, MAX_DIVERSE};
pub use draft::{
    Adversary, Column, Count, Draft, Gates, Input, Limits, MAX_AND_GATES, MAX_COMPUTE_PARTIES, MAX_PARTIES,
    Meeting, Output, Parameter, Party, Pin, RendezvousServer, ResultColumn, Suite, Table, Value, tree_depth,
};
pub use party_id::PartyId;
pub use rules::{Fault, JobError, Part};
pub use sale::{Payee, Sale};

use crate::codec::{Codec, DecodeError, Reader};
use crate::hash::{Digest, Purpose, hash};
use sotto_mpc::protocol::malicious::Settings;

/// The prefixes of a job's canonical encoding: version 1, if all columns are plain numbers and no evidence is asked
/// for, 2, if they are not, 3, if evidence is, 4, if there are more than two compute parties, and 5, if outputs are sold.
const PREFIXES: [&str; 5] =
    ["sotto job v1\0", "sotto job v2\0", "sotto job v3\0", "sotto job v4\0", "sotto job v5\0"];

/// The canonical encoding of a draft. Version 2 has the types of results at its end, version 3 the evidence after them,
/// version 4 the further compute parties after that, and version 5 the sale in their place.
fn encoded(draft: &Draft) -> Vec<u8> {
    let [plain, typed, attested, of_many, of_sale] = PREFIXES;
    if let Some(sale) = &draft.sale {
        let mut bytes = draft.to_prefixed(of_sale);
        draft.results.encode(&mut bytes);
        draft.attestation.encode(&mut bytes);
        sale.encode(&mut bytes);
        return bytes;
    }
    if !draft.further.is_empty() {
        let mut bytes = draft.to_prefixed(of_many);
        draft.results.encode(&mut bytes);
        draft.attestation.encode(&mut bytes);
        draft.further.encode(&mut bytes);
        return bytes;
    }
    let has_evidence = !draft.attestation.is_none();
    if !has_evidence && !draft.is_typed() {
        return draft.to_prefixed(plain);
    }
    let mut bytes = draft.to_prefixed(if has_evidence { attested } else { typed });
    draft.results.encode(&mut bytes);
    if has_evidence {
        draft.attestation.encode(&mut bytes);
    }
    bytes
}

/// The draft of a canonical encoding.
fn decoded(bytes: &[u8]) -> Result<Draft, DecodeError> {
    let [plain, typed, attested, of_many, of_sale] = PREFIXES;
    if let Some(rest) = bytes.strip_prefix(of_sale.as_bytes()) {
        let mut reader = Reader::new(rest);
        let mut draft = Draft::decode(&mut reader)?;
        draft.results = Codec::decode(&mut reader)?;
        draft.attestation = Codec::decode(&mut reader)?;
        draft.sale = Some(reader.last()?);
        return Ok(draft);
    }
    // What an earlier version can say has no other encoding.
    let version = DecodeError::Value("a version");
    if let Some(rest) = bytes.strip_prefix(of_many.as_bytes()) {
        let mut reader = Reader::new(rest);
        let mut draft = Draft::decode(&mut reader)?;
        draft.results = Codec::decode(&mut reader)?;
        draft.attestation = Codec::decode(&mut reader)?;
        draft.further = reader.last()?;
        return if draft.further.is_empty() { Err(version) } else { Ok(draft) };
    }
    if let Some(rest) = bytes.strip_prefix(attested.as_bytes()) {
        let mut reader = Reader::new(rest);
        let mut draft = Draft::decode(&mut reader)?;
        draft.results = Codec::decode(&mut reader)?;
        draft.attestation = reader.last()?;
        return if draft.attestation.is_none() { Err(version) } else { Ok(draft) };
    }
    let Some(rest) = bytes.strip_prefix(typed.as_bytes()) else {
        let draft = Draft::from_prefixed(plain, bytes)?;
        return if draft.is_typed() { Err(DecodeError::Value("a type of columns")) } else { Ok(draft) };
    };
    let mut reader = Reader::new(rest);
    let mut draft = Draft::decode(&mut reader)?;
    draft.results = reader.last()?;
    if draft.is_typed() { Ok(draft) } else { Err(version) }
}

/// A job that keeps the rules, with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    draft: Draft,
    id: Digest,
}

impl std::ops::Deref for Job {
    type Target = Draft;

    fn deref(&self) -> &Draft {
        &self.draft
    }
}

impl Job {
    /// The job that a draft describes.
    ///
    /// # Errors
    /// All rules that it breaks.
    pub fn new(draft: Draft) -> Result<Self, Vec<Fault>> {
        let faults = draft.faults();
        let id = hash(Purpose::Job, &[&encoded(&draft)]);
        if faults.is_empty() { Ok(Self { draft, id }) } else { Err(faults) }
    }

    /// The hash that every party signs.
    #[must_use]
    pub const fn id(&self) -> Digest {
        self.id
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encoded(&self.draft)
    }

    /// The job of a canonical encoding.
    ///
    /// # Errors
    /// If it is none; broken rules count as a value that cannot be.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let draft = decoded(bytes)?;
        Self::new(draft).map_err(|_| DecodeError::Value("a job"))
    }

    /// The party of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PartyId> {
        let at = self.parties.iter().position(|party| party.name.as_str() == name)?;
        Some(PartyId(at as u16))
    }

    /// Who has this Ed25519 key.
    #[must_use]
    pub fn find_key(&self, signing: &[u8; 32]) -> Option<PartyId> {
        let at = self.parties.iter().position(|party| party.key.signing_bytes() == *signing)?;
        Some(PartyId(at as u16))
    }

    /// A party of this job.
    ///
    /// # Panics
    /// If the id is of another job: an error in the caller.
    #[must_use]
    pub fn party(&self, id: PartyId) -> &Party {
        &self.parties[usize::from(id.0)]
    }

    /// Every party's id.
    pub fn ids(&self) -> impl Iterator<Item = PartyId> + use<> {
        (0..self.parties.len()).map(|i| PartyId(i as u16))
    }

    /// The garbler and the evaluator: all compute parties, if there are two.
    #[must_use]
    pub fn pair(&self) -> [PartyId; 2] {
        [self.garbler, self.evaluator]
    }

    /// Whether more than two parties compute, under the experimental protocol.
    #[must_use]
    pub fn is_experimental(&self) -> bool {
        !self.further.is_empty()
    }

    /// The compute parties by their places in the protocol of several: the one that evaluates is first.
    #[must_use]
    pub fn by_place(&self) -> Vec<PartyId> {
        [self.evaluator, self.garbler].into_iter().chain(self.further.iter().copied()).collect()
    }

    /// All compute parties but one, in the job's order.
    #[must_use]
    pub fn other_compute_parties(&self, than: PartyId) -> Vec<PartyId> {
        self.compute_parties().into_iter().filter(|id| *id != than).collect()
    }

    /// The place of an input party among the inputs.
    #[must_use]
    pub fn input_of(&self, id: PartyId) -> Option<usize> {
        self.inputs.iter().position(|input| input.party == id)
    }

    /// The hash of the policy for a party's evidence, if the job demands it.
    #[must_use]
    pub fn demand_of(&self, party: PartyId) -> Option<Digest> {
        self.attestation.demand_of(party)
    }

    /// Whether evidence of a compute party is demanded, so that a receipt names it.
    #[must_use]
    pub fn has_attested_computers(&self) -> bool {
        self.compute_parties().into_iter().any(|party| self.demand_of(party).is_some())
    }

    /// The settings of the malicious protocol, if the job demands it.
    #[must_use]
    pub fn malicious(&self) -> Option<Settings> {
        match self.suite {
            Suite::SemiHonest(_) => None,
            Suite::Malicious(settings) => Some(settings),
        }
    }

    /// Everybody who commits to something for a run: the input parties, in the job's order, and then, if the
    /// job withstands a malicious compute party, the other result parties that do not compute: they bring pads.
    #[must_use]
    pub fn contributors(&self) -> Vec<PartyId> {
        let mut all: Vec<_> = self.inputs.iter().map(|input| input.party).collect();
        all.extend(
            self.pad_owners().into_iter().filter(|id| !self.computes(*id) && self.input_of(*id).is_none()),
        );
        all
    }

    /// The place of a party among the [`contributors`](Self::contributors).
    #[must_use]
    pub fn contributor_of(&self, id: PartyId) -> Option<usize> {
        self.contributors().iter().position(|contributor| *contributor == id)
    }

    /// Everybody who enters bits: the contributors, then the result parties that compute and have no input.
    #[must_use]
    pub fn streams(&self) -> Vec<PartyId> {
        let mut all = self.contributors();
        let rest = self.pad_owners().into_iter().filter(|id| !all.contains(id)).collect::<Vec<_>>();
        all.extend(rest);
        all
    }

    /// Those whose outputs leave the computation under a pad: all result parties, if the job withstands a
    /// malicious compute party.
    #[must_use]
    pub fn pad_owners(&self) -> Vec<PartyId> {
        if self.malicious().is_some() { self.result_parties() } else { Vec::new() }
    }

    /// The bits of a party's pad: one for each bit of its outputs, whose widths are given in the job's order.
    #[must_use]
    pub fn pad_bits(&self, id: PartyId, widths: &[usize]) -> usize {
        if self.malicious().is_none() {
            return 0;
        }
        self.outputs_of(id).into_iter().filter_map(|output| widths.get(output)).sum()
    }

    /// What the job takes an input party's data for: names, ranges, decimals and missing values of its
    /// columns, and the program's parameters, among them names of groups. All of these change what a result
    /// means, and only some the circuit.
    #[must_use]
    pub fn schema_of(&self, input_party: PartyId) -> Digest {
        let mut tables = Vec::new();
        self.inputs
            .iter()
            .filter(|input| input.party == input_party)
            .for_each(|input| input.tables.encode(&mut tables));
        let mut parameters = Vec::new();
        self.program.parameters.encode(&mut parameters);
        hash(Purpose::Schema, &[&tables, &parameters])
    }

    /// The places of the outputs that a party learns.
    #[must_use]
    pub fn outputs_of(&self, id: PartyId) -> Vec<usize> {
        let learns = |(_, output): &(usize, &Output)| output.result_parties.contains(&id);
        self.outputs.iter().enumerate().filter(learns).map(|(i, _)| i).collect()
    }

    /// The places of the outputs that a party learns without paying: all but those that it buys.
    #[must_use]
    pub fn open_outputs_of(&self, id: PartyId) -> Vec<usize> {
        self.outputs_of(id).into_iter().filter(|output| !self.is_sold(*output)).collect()
    }

    /// Everybody who learns an output.
    #[must_use]
    pub fn result_parties(&self) -> Vec<PartyId> {
        self.ids().filter(|id| !self.outputs_of(*id).is_empty()).collect()
    }
}
