//! What an input party allows others to compute on its data. Checked before it signs, and again before a run.
//!
//! A policy is private to the input party. It identifies programs by the hash of their gates, the reading of
//! columns by the hash of their schema, and result parties by their keys, because the author of a job chooses
//! the names. How much of it is used up is in the [`budget`](super::budget).

use super::hash::{Digest, Purpose, hash};
use super::job::{Adversary, Job, PartyId, Table};
use super::text::{Line, Prose};
use crate::codec::Codec;

/// What an input party allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Hashes of circuits.
    pub programs: Vec<Digest>,
    /// Hashes of the schemas by which the input party's data may be read ([`Job::schema_of`]).
    pub schemas: Vec<Digest>,
    /// Purposes, word for word.
    pub purposes: Vec<Prose>,
    /// The keys of those who may learn outputs ([`PublicKey::digest`](sotto_party::PublicKey::digest)).
    pub result_parties: Vec<Digest>,
    /// Fewest rows of each of the input party's tables: fewer would say too much of each.
    pub minimum_rows: u64,
    /// Runs in thirty days from which one partner learns something.
    pub runs_a_month: u32,
    /// Output tables that one partner learns in thirty days.
    pub outputs_a_month: u32,
    /// What the input party calls its data: all data of one label share a budget.
    pub data_set: Option<Line>,
    /// What a job must withstand at least.
    pub adversary: Adversary,
    /// Hashes of policies, under one of which each compute party must show evidence; empty: none is demanded.
    pub evidence: Vec<Digest>,
    /// Of how many vendors the compute parties' platforms must be at least; 0: it does not matter.
    pub diverse: u8,
    /// How many compute parties there must be at least; 2 or less: it does not matter.
    pub computers: u8,
    /// Whether protocols that are not proven may be used.
    pub experiments: Experiments,
    /// The least number of rows behind a figure that may be shown; 0: any.
    pub minimum_group: u64,
    /// The least step to which all numbers of a result must be rounded, in units of their last decimals; 0: none.
    pub rounding: u64,
    /// Whether outputs to which the data contribute may be sold.
    pub sales: Sales,
}

/// Whether outputs to which an input party's data contribute may be sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Sales {
    /// No.
    #[default]
    Refused = 0,
    /// If the party is paid under an offer of its own.
    Paid = 1,
    /// They must be: the data are for no job that does not pay the party under an offer of its own.
    Required = 2,
}

/// Whether protocols that are not proven may be used on data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Experiments {
    /// No.
    #[default]
    Refused,
    /// Yes.
    Allowed,
}

/// What a job asks that the policy does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A program that is not in the list.
    #[error("the policy does not allow this program: its circuit {0} is not in `programs`")]
    Program(Digest),
    /// A schema that is not in the list: the same gates, and perhaps other columns, decimals or missing
    /// values.
    #[error("the policy does not allow the data to be read in this way: the schema {0} is not in `schemas`")]
    Schema(Digest),
    /// A purpose that is not in the list.
    #[error("the policy does not allow this purpose: it is not in `purposes`, word for word")]
    Purpose,
    /// Somebody would learn an output who may not.
    #[error("the policy does not allow {name} to learn an output: the key {key} is not in `result_parties`")]
    Receiver {
        /// Its name in the job.
        name: String,
        /// Its key.
        key: Digest,
    },
    /// The job trusts the compute parties more than the policy does.
    #[error(
        "the policy requires `adversary = \"malicious\"`, and the job trusts its compute parties to follow the protocol"
    )]
    Adversary,
    /// A protocol that is not proven.
    #[error(
        "the policy does not allow a protocol that is experimental, as that of more than two compute parties is: it \
         would say `experimental = true`"
    )]
    Experimental,
    /// Fewer compute parties than the policy wants.
    #[error("the policy requires {least} compute parties, and the job has {given}")]
    Computers {
        /// What the policy says.
        least: u8,
        /// What the job has.
        given: usize,
    },
    /// A compute party that shows no evidence, or under another policy.
    #[error(
        "the policy requires evidence of {0} under one of the policies in `evidence`, and the job does not"
    )]
    Evidence(String),
    /// Platforms that may be the same.
    #[error("the policy requires `diverse = {0}` or more")]
    Diverse(u8),
    /// Groups that may be smaller.
    #[error("the policy requires that figures with fewer than {least} rows behind them be suppressed, and the job {}", or_nothing(*given, "suppresses those with fewer than", "suppresses none"))]
    Group {
        /// What the policy says.
        least: u64,
        /// What the job has.
        given: Option<i128>,
    },
    /// Numbers that are more exact.
    #[error("the policy requires that all numbers of a result be rounded to multiples of {least} or more, and the job {}", or_nothing(*given, "rounds one to multiples of", "has some as they are"))]
    Rounding {
        /// What the policy says.
        least: u64,
        /// What the job has.
        given: Option<i128>,
    },
    /// Outputs are sold.
    #[error("the policy does not allow outputs to be sold: it would say `sales = \"paid\"`")]
    Sold,
    /// Outputs are sold, or used, and the party is not paid.
    #[error("the policy requires that you be paid under an offer of yours, and the job names none")]
    Unpaid,
    /// Too few rows.
    #[error("the policy requires at least {least} rows, table {table} has {given}")]
    Rows {
        /// The table.
        table: String,
        /// What the policy says.
        least: u64,
        /// What there is; before the rows are known, what the job says there may be.
        given: u64,
    },
    /// A partner would get more of a single run than the policy allows in a month.
    #[error("the policy allows {name} {most} {what} in thirty days, and one run of this job takes {wanted}")]
    Never {
        /// The partner's name in the job.
        name: String,
        /// `runs` or `outputs`.
        what: &'static str,
        /// What the policy allows.
        most: u32,
        /// What one run takes.
        wanted: u32,
    },
    /// The month's runs or outputs for a partner are used up.
    #[error("the policy allows {name} {most} {what} in thirty days, and {spent} are used")]
    Spent {
        /// The partner's name in the job.
        name: String,
        /// `runs` or `outputs`.
        what: &'static str,
        /// What the policy allows.
        most: u32,
        /// What was used before.
        spent: u32,
    },
}

fn or_nothing(given: Option<i128>, some: &str, none: &str) -> String {
    given.map_or_else(|| none.to_owned(), |given| format!("{some} {given}"))
}

impl Policy {
    /// A hash of all that the policy says.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        self.programs.encode(&mut bytes);
        self.schemas.encode(&mut bytes);
        self.purposes.encode(&mut bytes);
        self.result_parties.encode(&mut bytes);
        self.minimum_rows.encode(&mut bytes);
        self.runs_a_month.encode(&mut bytes);
        self.outputs_a_month.encode(&mut bytes);
        self.data_set.encode(&mut bytes);
        // A policy that demands nothing has the hash that it had before it could.
        let mut demands: Vec<&[u8]> = vec![&bytes];
        if self.adversary == Adversary::Malicious {
            demands.push(b"malicious");
        }
        let mut evidence = b"evidence".to_vec();
        self.evidence.encode(&mut evidence);
        evidence.push(self.diverse);
        if !self.evidence.is_empty() || self.diverse > 0 {
            demands.push(&evidence);
        }
        let computers = [b"computers".as_slice(), &[self.computers]].concat();
        if self.computers > 2 {
            demands.push(&computers);
        }
        if self.experiments == Experiments::Allowed {
            demands.push(b"experimental");
        }
        let disclosure =
            [b"disclosure".as_slice(), &self.minimum_group.to_le_bytes(), &self.rounding.to_le_bytes()]
                .concat();
        if (self.minimum_group, self.rounding) != (0, 0) {
            demands.push(&disclosure);
        }
        let sales = [b"sales".as_slice(), &[self.sales as u8]].concat();
        if self.sales != Sales::Refused {
            demands.push(&sales);
        }
        hash(Purpose::Policy, &demands)
    }

    /// Whether this input party may take part in the job, apart from what it has spent and from its rows,
    /// which are not known when it signs.
    ///
    /// # Errors
    /// The first thing that is not allowed.
    pub fn check(&self, job: &Job, input_party: PartyId) -> Result<(), PolicyError> {
        if job.suite.adversary() < self.adversary {
            return Err(PolicyError::Adversary);
        }
        if job.is_experimental() && self.experiments == Experiments::Refused {
            return Err(PolicyError::Experimental);
        }
        let given = job.compute_parties().len();
        if given < self.computers.into() {
            return Err(PolicyError::Computers { least: self.computers, given });
        }
        self.check_evidence(job)?;
        self.check_disclosure(job)?;
        self.check_sale(job, input_party)?;
        if !self.programs.contains(&job.program.circuit) {
            return Err(PolicyError::Program(job.program.circuit));
        }
        let schema = job.schema_of(input_party);
        if !self.schemas.contains(&schema) {
            return Err(PolicyError::Schema(schema));
        }
        if !self.purposes.contains(&job.purpose) {
            return Err(PolicyError::Purpose);
        }
        for result_party in partners(job, input_party) {
            let party = job.party(result_party);
            let (name, key) = (party.name.to_string(), Digest(party.key.digest()));
            if !self.result_parties.contains(&key) {
                return Err(PolicyError::Receiver { name, key });
            }
            let outputs = job.outputs_of(result_party).len() as u32;
            for (what, most, wanted) in
                [("runs", self.runs_a_month, 1), ("outputs", self.outputs_a_month, outputs)]
            {
                if wanted > most {
                    return Err(PolicyError::Never { name, what, most, wanted });
                }
            }
        }
        let most: Vec<u64> = tables(job, input_party).map(|table| table.rows).collect();
        self.check_rows(job, input_party, &most)
    }

    /// Whether outputs are sold only if the input party is paid. Who buys is not paid for what it brings itself.
    fn check_sale(&self, job: &Job, input_party: PartyId) -> Result<(), PolicyError> {
        let sale = job.sale.as_ref();
        let buys = sale.is_some_and(|sale| sale.buyer == input_party);
        let is_paid = sale.is_some_and(|sale| sale.payee(input_party).is_some());
        match self.sales {
            Sales::Refused if sale.is_some() && !buys => Err(PolicyError::Sold),
            Sales::Paid if sale.is_some() && !buys && !is_paid => Err(PolicyError::Unpaid),
            Sales::Required if !is_paid => Err(PolicyError::Unpaid),
            Sales::Refused | Sales::Paid | Sales::Required => Ok(()),
        }
    }

    /// Whether the job withholds what the input party wants withheld.
    fn check_disclosure(&self, job: &Job) -> Result<(), PolicyError> {
        let is_enough = |least: u64, given: Option<i128>| {
            least == 0 || given.is_some_and(|given| given >= i128::from(least))
        };
        let (group, step) = (job.least_group(), job.least_step());
        if !is_enough(self.minimum_group, group) {
            return Err(PolicyError::Group { least: self.minimum_group, given: group });
        }
        if !is_enough(self.rounding, step) {
            return Err(PolicyError::Rounding { least: self.rounding, given: step });
        }
        Ok(())
    }

    /// Whether the job asks for the evidence that the input party wants.
    fn check_evidence(&self, job: &Job) -> Result<(), PolicyError> {
        let is_shown = |party| job.demand_of(party).is_some_and(|policy| self.evidence.contains(&policy));
        let lacks =
            job.compute_parties().into_iter().find(|party| !self.evidence.is_empty() && !is_shown(*party));
        if let Some(party) = lacks {
            return Err(PolicyError::Evidence(job.party(party).name.to_string()));
        }
        if job.attestation.diverse < self.diverse { Err(PolicyError::Diverse(self.diverse)) } else { Ok(()) }
    }

    /// Whether the input party's tables have rows enough: as many as there are, table by table.
    ///
    /// # Errors
    /// The first table that has too few.
    pub fn check_rows(&self, job: &Job, input_party: PartyId, rows: &[u64]) -> Result<(), PolicyError> {
        let few = tables(job, input_party).zip(rows).find(|(_, given)| **given < self.minimum_rows);
        few.map_or(Ok(()), |(table, given)| {
            let (least, given) = (self.minimum_rows, *given);
            Err(PolicyError::Rows { table: table.name.to_string(), least, given })
        })
    }
}

fn tables(job: &Job, input_party: PartyId) -> impl Iterator<Item = &Table> {
    job.inputs.iter().filter(move |input| input.party == input_party).flat_map(|input| &input.tables)
}

/// Those who learn something of an input party's data: all result parties but itself.
pub(crate) fn partners(job: &Job, input_party: PartyId) -> Vec<PartyId> {
    job.result_parties().into_iter().filter(|id| *id != input_party).collect()
}
