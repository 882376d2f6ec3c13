//! The rules that a draft must satisfy to become a job, and the error for each.
//!
//! Names differ · two compute parties, or three to eight that are experimental, all with an address or a rendezvous
//! server · each input party has one
//! input · each output has a result party · sizes are within the limits. All violations are reported
//! together, each with the part of the job that it is about.

use core::net::Ipv6Addr;

use super::attestation::MAX_DIVERSE;
use super::draft::{
    Adversary, Draft, Input, MAX_AND_GATES, MAX_COMPUTE_PARTIES, MAX_PARTIES, Meeting, Party,
    RendezvousServer,
};
use super::party_id::PartyId;
use sotto_mpc::ot::Expansion;

/// Which part of a job a complaint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A value of the job itself, by its name in the job file.
    Field(&'static str),
    /// A party, by its place.
    Party(usize),
    /// An input, by its place.
    Input(usize),
    /// A column: input, table, column.
    Column(usize, usize, usize),
    /// An output, by its place.
    Output(usize),
}

/// Why a draft is not a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// Too many, or none.
    #[error("there must be 1 to {most} of these, not {given}")]
    Number {
        /// Given.
        given: usize,
        /// Most.
        most: usize,
    },
    /// Named twice, or the same key under two names.
    #[error("the name or the key occurs twice")]
    Twice,
    /// Not in the list of parties.
    #[error("there is no such party")]
    Stranger,
    /// One party cannot be both compute parties.
    #[error("garbler and evaluator must be two parties: one who is both sees all inputs")]
    OneComputeParty,
    /// Both compute parties at one place.
    #[error("two compute parties have this address; each needs one of its own")]
    OneAddress,
    /// Too many compute parties, or one of them twice.
    #[error(
        "there are two compute parties, or three to {MAX_COMPUTE_PARTIES} different ones that are experimental"
    )]
    ComputeParties,
    /// More than two compute parties under a protocol of two.
    #[error("three or more compute parties need `adversary = \"malicious\"`")]
    SemiHonestOfMany,
    /// Expanded transfers with more than two compute parties.
    #[error("transfers are expanded between two compute parties only: leave out `expansion`")]
    ExpandedOfMany,
    /// A compute party without an address.
    #[error(
        "a compute party needs an address (host:port) at which the others reach it, or a rendezvous server"
    )]
    NoAddress,
    /// The address cannot be dialled.
    #[error("an address is a host and a port, such as north.example:7700 or [2001:db8::1]:7700")]
    Address,
    /// A range that holds no number, or too wide a one.
    #[error("the range holds no number, or one of more than 64 bits, or more than 18 decimals")]
    Range,
    /// A flag of an optional column without the column, or with a value for missing fields.
    #[error("an optional column has a flag before it, which programs see, and no value for missing fields")]
    Optional,
    /// A type of a result that is not there.
    #[error("the types of results name an output that the job does not have, or more than 18 decimals")]
    Results,
    /// The value for missing fields is outside the range.
    #[error("the value for missing fields is outside the column's range")]
    Missing,
    /// More than the job's own limits allow.
    #[error("the limit is {allowed}, and the program has {found}: raise the limit, or compute less")]
    Limit {
        /// What the limit says.
        allowed: u64,
        /// What the program has.
        found: u64,
    },
    /// More rows than the job's limit.
    #[error("this party has {found} rows, and `limits.rows` is {allowed}: raise it, or enter fewer")]
    Rows {
        /// What the limit says.
        allowed: u64,
        /// The rows of all tables of the party.
        found: u64,
    },
    /// A limit that limits nothing.
    #[error("at most {0} are possible")]
    TooMany(u64),
    /// A value that makes the job impossible to run.
    #[error("this must not be zero")]
    Zero,
    /// Evidence of a party that there is not, or of one party twice.
    #[error("evidence is demanded of parties of the job, of each once and in their order")]
    Evidence,
    /// Different platforms where there is no evidence of each compute party, or of more vendors than there are.
    #[error(
        "`diverse` is 1 to {MAX_DIVERSE}, the vendors that the compute parties' platforms are of, and needs `evidence` of each of them"
    )]
    Diverse,
    /// A sale among more than two compute parties.
    #[error(
        "outputs are sold by two compute parties: three or more cannot lock them yet; leave out `sale`, or let two compute"
    )]
    SaleOfMany,
    /// A sale where there are no shares.
    #[error(
        "outputs cannot be sold under `adversary = \"malicious\"`: there both compute parties know them under the buyer's pad, so no share of them can be locked"
    )]
    SaleOfPads,
    /// A sale of more than one run.
    #[error("a sale is of one run: `maximum_runs` is 1")]
    SaleOfRuns,
    /// Outputs that cannot be sold.
    #[error(
        "sold are outputs that the buyer alone receives, in the job's order, and neither `inputs_hold` nor `panicked`, which it reads before it pays"
    )]
    SaleOutputs,
    /// Payees that cannot be.
    #[error("payees are input parties other than the buyer, each once, in the order of the inputs")]
    SalePayees,
    /// Blocks that cannot be.
    #[error(
        "`blocks` is at most {}, and holds the `confirmations`, which are at least 1",
        super::sale::MAX_BLOCKS
    )]
    SaleBlocks,
    /// A party with nothing to do.
    #[error("this party neither computes, nor brings an input, nor receives an output")]
    Idle,
}

/// Draws where and why.
pub type Fault = (Part, JobError);

impl Draft {
    /// All rules that are broken.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.check_numbers(&mut faults);
        self.check_parties(&mut faults);
        self.check_roles(&mut faults);
        for (i, input) in self.inputs.iter().enumerate() {
            self.check_input(i, input, &mut faults);
        }
        for (i, output) in self.outputs.iter().enumerate() {
            let part = Part::Output(i);
            let given = output.result_parties.len();
            require(
                &mut faults,
                part,
                (1..=MAX_PARTIES).contains(&given),
                JobError::Number { given, most: MAX_PARTIES },
            );
            require(
                &mut faults,
                part,
                output.result_parties.iter().all(|id| self.has(*id)),
                JobError::Stranger,
            );
            require(&mut faults, part, distinct(output.result_parties.iter()), JobError::Twice);
            require(
                &mut faults,
                part,
                self.outputs.iter().take(i).all(|o| o.name != output.name),
                JobError::Twice,
            );
        }
        self.check_evidence(&mut faults);
        self.check_sale(&mut faults);
        let results =
            self.results.iter().all(|r| usize::from(r.output) < self.outputs.len() && r.decimals <= 18);
        require(&mut faults, Part::Field("output"), results, JobError::Results);
        faults
    }

    fn check_numbers(&self, faults: &mut Vec<Fault>) {
        for (field, given, most) in [
            ("party", self.parties.len(), MAX_PARTIES),
            ("input", self.inputs.len(), MAX_PARTIES),
            ("output", self.outputs.len(), 1024),
        ] {
            require(
                faults,
                Part::Field(field),
                (1..=most).contains(&given),
                JobError::Number { given, most },
            );
        }
        for (field, value) in [
            ("maximum_runs", self.runs),
            ("deadline", self.deadline),
            ("limits.seconds", self.limits.seconds),
        ] {
            require(faults, Part::Field(field), value > 0, JobError::Zero);
        }
        let (found, allowed) = (self.program.and_gates, self.limits.and_gates);
        let over = JobError::Limit { allowed, found };
        require(faults, Part::Field("limits.and_gates"), found <= allowed, over);
        let gates = self.limits.and_gates <= MAX_AND_GATES;
        require(faults, Part::Field("limits.and_gates"), gates, JobError::TooMany(MAX_AND_GATES));
    }

    fn check_parties(&self, faults: &mut Vec<Fault>) {
        for (i, party) in self.parties.iter().enumerate() {
            let same = |other: &Party| {
                other.name == party.name
                    || other.key.signing_bytes() == party.key.signing_bytes()
                    || other.key == party.key
            };
            require(faults, Part::Party(i), !self.parties.iter().take(i).any(same), JobError::Twice);
            let id = PartyId(i as u16);
            let computes = self.computes(id);
            require(faults, Part::Party(i), !computes || party.meeting.is_some(), JobError::NoAddress);
            let callable = party.meeting.as_ref().is_none_or(|meeting| meeting.address().is_some());
            require(faults, Part::Party(i), callable, JobError::Address);
            let brings = self.inputs.iter().any(|input| input.party == id);
            let learns = self.outputs.iter().any(|output| output.result_parties.contains(&id));
            require(faults, Part::Party(i), computes || brings || learns, JobError::Idle);
        }
    }

    fn check_roles(&self, faults: &mut Vec<Fault>) {
        for (field, id) in [("roles.garbler", self.garbler), ("roles.evaluator", self.evaluator)] {
            require(faults, Part::Field(field), self.has(id), JobError::Stranger);
        }
        require(
            faults,
            Part::Field("roles.evaluator"),
            self.garbler != self.evaluator,
            JobError::OneComputeParty,
        );
        let address = |id: PartyId| match self.parties.get(usize::from(id.0)).map(|party| &party.meeting) {
            Some(Some(Meeting::Address(address))) => Some(address),
            _ => None,
        };
        let all = self.compute_parties();
        for (i, id) in all.iter().enumerate() {
            // Port 0 is any free one.
            let ours = address(*id).filter(|address| !address.as_str().ends_with(":0"));
            let same = |before: &PartyId| before != id && address(*before) == ours;
            let is_shared = ours.is_some() && all.iter().take(i).any(same);
            require(faults, Part::Party(id.0.into()), !is_shared, JobError::OneAddress);
        }
        if !self.further.is_empty() {
            let part = Part::Field("computers");
            let is_sound = all.len() <= MAX_COMPUTE_PARTIES && self.further.iter().all(|id| self.has(*id));
            require(faults, part, is_sound && distinct(all.iter()), JobError::ComputeParties);
            let withstands = self.suite.adversary() == Adversary::Malicious;
            require(faults, part, withstands, JobError::SemiHonestOfMany);
            let is_expanded = self.suite.expansion() != Expansion::None;
            require(faults, part, !is_expanded, JobError::ExpandedOfMany);
        }
    }

    fn check_input(&self, i: usize, input: &Input, faults: &mut Vec<Fault>) {
        require(faults, Part::Input(i), self.has(input.party), JobError::Stranger);
        let before = self.inputs.iter().take(i).all(|other| other.party != input.party);
        require(faults, Part::Input(i), before, JobError::Twice);
        let rows = input.tables.iter().fold(0u64, |rows, table| rows.saturating_add(table.rows));
        let over = JobError::Rows { allowed: self.limits.rows, found: rows };
        require(faults, Part::Input(i), rows <= self.limits.rows, over);
        require(faults, Part::Input(i), input.tables.iter().all(|table| table.rows > 0), JobError::Zero);
        for (t, table) in input.tables.iter().enumerate() {
            for (c, column) in table.columns.iter().enumerate() {
                let part = Part::Column(i, t, c);
                let range = i64::MIN.into()..=u64::MAX.into();
                let held = range.contains(&column.min) && range.contains(&column.max);
                let signed = column.min >= 0 || column.max <= i64::MAX.into();
                let usable = held && signed && column.min <= column.max && column.decimals <= 18;
                let of_kind = |(min, max)| min <= column.min && column.max <= max && column.decimals == 0;
                require(faults, part, usable && column.kind.range().is_none_or(of_kind), JobError::Range);
                let next = table.columns.get(c + 1).is_some_and(|next| !next.kind.is_derived());
                let is_plain = !column.kind.is_derived() && !table.is_optional(c);
                let sound = (next || !column.kind.is_derived()) && (is_plain || column.missing.is_none());
                require(faults, part, sound, JobError::Optional);
                let within = |value: i128| (column.min..=column.max).contains(&value);
                require(faults, part, column.missing.is_none_or(within), JobError::Missing);
                let before = table.columns.iter().take(c).all(|other| other.name != column.name);
                require(faults, part, before, JobError::Twice);
            }
        }
    }

    fn check_evidence(&self, faults: &mut Vec<Fault>) {
        let attestation = &self.attestation;
        let sound =
            attestation.demands.iter().all(|demand| self.has(demand.party)) && attestation.is_sorted();
        require(faults, Part::Field("evidence"), sound, JobError::Evidence);
        let all = self.compute_parties().into_iter().all(|id| attestation.demand_of(id).is_some());
        let diverse = attestation.diverse == 0 || (attestation.diverse <= MAX_DIVERSE && all);
        require(faults, Part::Field("diverse"), diverse, JobError::Diverse);
    }

    fn has(&self, id: PartyId) -> bool {
        usize::from(id.0) < self.parties.len()
    }
}

pub(super) fn require(faults: &mut Vec<Fault>, part: Part, holds: bool, otherwise: JobError) {
    if !holds {
        faults.push((part, otherwise));
    }
}

pub(super) fn distinct<T: PartialEq>(items: impl Iterator<Item = T> + Clone) -> bool {
    items.clone().enumerate().all(|(i, item)| items.clone().take(i).all(|other| other != item))
}

impl Meeting {
    /// Host and port, the rendezvous server's if it is met there; nothing if it is not that.
    fn address(&self) -> Option<(&str, u16)> {
        let (Self::Address(address) | Self::RendezvousServer(RendezvousServer { address, .. })) = self;
        let (host, port) = address.as_str().rsplit_once(':')?;
        let is_ipv6 = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<Ipv6Addr>().is_ok());
        let is_name =
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        let digits = port.bytes().all(|b| b.is_ascii_digit());
        (digits && (is_ipv6 || is_name)).then_some((host, port.parse().ok()?))
    }
}
