//! What a compute party keeps of an attempt, and what it sends the others last.

use crate::codec::record;
use crate::job::{Job, PartyId};
use crate::lock::share::SoldFacts;
use crate::output_share::EncryptedOutputShare;
use crate::receipt::{Facts, Prefixes, Receipt, Stated, Statement};

/// Our outputs of a finished computation, before the other's signature is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// What we saw.
    pub facts: Facts,
    /// What we sign.
    pub statement: Statement,
    /// Our output shares.
    pub encrypted_shares: Vec<EncryptedOutputShare>,
}
record!(Computed { facts, statement, encrypted_shares });

/// A finished run, as a compute party keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// What both signed.
    pub receipt: Receipt,
    /// Our output shares, to be delivered.
    pub encrypted_shares: Vec<EncryptedOutputShare>,
    /// The other's output share of our own outputs, if we receive any.
    pub ours: Option<EncryptedOutputShare>,
}
record!(Finished { receipt, encrypted_shares, ours });

/// What the compute parties send each other last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) statement: Statement,
    pub(super) encrypted_share: Option<EncryptedOutputShare>,
}
record!(Signature { statement, encrypted_share });

impl Stated for Computed {
    const PREFIXES: Prefixes = Prefixes {
        plain: "sotto computed v1\0",
        vouched: "sotto computed v2\0",
        of_many: "sotto computed v3\0",
        of_sale: "sotto computed v4\0",
        vouched_of_many: "sotto computed v5\0",
    };

    fn sold_mut(&mut self) -> Option<&mut Option<SoldFacts>> {
        Some(&mut self.facts.sold)
    }

    fn sold(&self) -> Option<&SoldFacts> {
        self.facts.sold.as_ref()
    }

    fn statements(&self) -> Vec<&Statement> {
        vec![&self.statement]
    }

    fn statements_mut(&mut self) -> Vec<&mut Statement> {
        vec![&mut self.statement]
    }
}

impl Stated for Finished {
    const PREFIXES: Prefixes = Prefixes {
        plain: "sotto finished v1\0",
        vouched: "sotto finished v2\0",
        of_many: "sotto finished v3\0",
        of_sale: "sotto finished v4\0",
        vouched_of_many: "sotto finished v5\0",
    };

    fn sold_mut(&mut self) -> Option<&mut Option<SoldFacts>> {
        Some(&mut self.receipt.facts.sold)
    }

    fn sold(&self) -> Option<&SoldFacts> {
        self.receipt.facts.sold.as_ref()
    }

    fn further_mut(&mut self) -> Option<&mut Vec<Statement>> {
        Some(&mut self.receipt.further)
    }

    fn further(&self) -> &[Statement] {
        &self.receipt.further
    }

    fn statements(&self) -> Vec<&Statement> {
        self.receipt.statements()
    }

    fn statements_mut(&mut self) -> Vec<&mut Statement> {
        self.receipt.statements_mut()
    }
}

impl Stated for Signature {
    const PREFIXES: Prefixes = Prefixes {
        plain: "sotto signature v1\0",
        vouched: "sotto signature v2\0",
        of_many: "sotto signature v3\0",
        of_sale: "sotto signature v4\0",
        vouched_of_many: "sotto signature v5\0",
    };

    fn statements(&self) -> Vec<&Statement> {
        vec![&self.statement]
    }

    fn statements_mut(&mut self) -> Vec<&mut Statement> {
        vec![&mut self.statement]
    }
}

impl Computed {
    /// The form in which it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_versioned()
    }

    /// What was kept, if it is that.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_versioned(bytes).ok()
    }
}

impl Finished {
    /// What a compute party had computed before all signed.
    pub(crate) fn computed(&self, job: &Job, us: PartyId) -> Computed {
        let receipt = &self.receipt;
        let statements = receipt.statements_of(job).into_iter();
        let mut ours = statements.filter(|(party, _)| *party == us).map(|(_, statement)| statement);
        let statement = ours.next_back().unwrap_or(&receipt.garbler).clone();
        Computed { facts: receipt.facts.clone(), statement, encrypted_shares: self.encrypted_shares.clone() }
    }

    /// The form in which it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_versioned()
    }

    /// What was kept, if it is that.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_versioned(bytes).ok()
    }
}
