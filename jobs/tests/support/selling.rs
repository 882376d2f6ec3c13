//! A sale of the job of the tests, and an offer of an owner.

use super::{draft, identity, job, rng};
use sotto_jobs::budget::{DataSet, Decimal, Field, RowsHasher};
use sotto_jobs::job::{Draft, Payee, Sale};
use sotto_jobs::offer::{Address, Allowed, Offer, OfferedRows, OpenedTerms, Terms};
use sotto_jobs::{Digest, PartyId};

pub(crate) const ACME: PartyId = PartyId(0);
pub(crate) const BOLT: PartyId = PartyId(1);
pub(crate) const CARL: PartyId = PartyId(2);
pub(crate) const DORA: PartyId = PartyId(3);
pub(crate) const EVE: PartyId = PartyId(4);

/// The rows of an owner, as its own log names them.
pub(crate) fn rows(owner: PartyId, value: i128) -> DataSet {
    let mut hasher = RowsHasher::new(&identity(owner));
    hasher.row(0, [Some(Field::Number(Decimal { value, decimals: 2 }))].into_iter());
    hasher.finish(None)
}

pub(crate) fn terms() -> OpenedTerms {
    OpenedTerms::new(2_500_000, 0, Address::new("sotto1address").unwrap(), &mut rng(21))
}

/// What carl allows: just the job of the tests.
pub(crate) fn allowed() -> Allowed {
    let job = job();
    let key = |id| Digest(job.party(id).key.digest());
    Allowed {
        schema: job.schema_of(CARL),
        data_set: Digest([0; 32]),
        circuits: vec![job.program.circuit],
        purposes: vec![job.purpose.clone()],
        minimum_rows: 3,
        rows: 0,
        receivers: vec![key(ACME), key(EVE)],
        computers: vec![key(ACME), key(BOLT)],
        evidence: Vec::new(),
        terms: Terms::Open(terms()),
        chain: Digest([11; 32]),
        runs: 2,
        expiry: job.expiry,
    }
}

pub(crate) fn offer(allowed: Allowed) -> Offer {
    offer_of(CARL, allowed)
}

pub(crate) fn offer_of(owner: PartyId, allowed: Allowed) -> Offer {
    let rows = OfferedRows { data_set: &rows(owner, 1), rows: 3 };
    Offer::sign(allowed, &rows, &identity(owner), &mut rng(22))
}

pub(crate) fn sale() -> Sale {
    let payee = |owner, n| Payee { owner, offer: Digest([n; 32]), terms: Digest([n + 1; 32]) };
    Sale {
        buyer: EVE,
        outputs: vec![1],
        payees: vec![payee(CARL, 31), payee(DORA, 33)],
        chain: Digest([11; 32]),
        blocks: 400,
        confirmations: 20,
    }
}

pub(crate) fn sold_draft() -> Draft {
    Draft { sale: Some(sale()), runs: 1, ..draft() }
}
