//! A sale of the job of the tests: eve buys the sum of carl and dora. An offer of an owner; a run of the sale, and what
//! its parties make of that.

use super::world::{ROWS, World};
use super::{draft, identity, job, rng};
use sotto_jobs::attempt::Finished;
use sotto_jobs::budget::{DataSet, Decimal, Field, RowsHasher};
use sotto_jobs::collect::{Collected as Parcels, Collector, Ended, Outcome};
use sotto_jobs::job::{Draft, Payee, Sale};
use sotto_jobs::lock::{LockSecret, Place};
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::offer::{Address, Allowed, Offer, OfferedRows, OpenedTerms, Terms};
use sotto_jobs::run_state::OwnParty;
use sotto_jobs::sale::buyer::Collected;
use sotto_jobs::sale::{EncryptedSecret, Part, Sold};
use sotto_jobs::{Digest, PartyId};
use sotto_mpc::channel::pipe_pair;

pub(crate) const ACME: PartyId = PartyId(0);
pub(crate) const BOLT: PartyId = PartyId(1);
pub(crate) const CARL: PartyId = PartyId(2);
pub(crate) const DORA: PartyId = PartyId(3);
pub(crate) const EVE: PartyId = PartyId(4);
pub(crate) const PAYEES: [PartyId; 2] = [CARL, DORA];

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

/// The bits of each output of the program.
pub(crate) fn widths(world: &World) -> Vec<usize> {
    world.program.declaration().outputs().iter().map(|table| table.bits()).collect()
}

/// The run, at both compute parties.
pub(crate) fn ran(world: &World) -> [Finished; 2] {
    world.run(pipe_pair(), &mut [None, None], 1).map(Result::unwrap)
}

/// What eve collects of the run.
pub(crate) fn bought(world: &World, widths: &[usize]) -> Outcome {
    let ended = ran(world).map(|finished| Ended {
        encrypted_share: finished.encrypted_shares.iter().find(|s| s.result_party == EVE).cloned(),
        receipt: finished.receipt,
    });
    let parcels = Parcels::of(ended).unwrap();
    let (us, run) = (identity(EVE), world.agreement.run(1).unwrap());
    let collector = Collector { run, ours: OwnParty { id: EVE, identity: &us }, input: None, widths };
    collector.outcome(&parcels).unwrap()
}

/// The same, as the buyer's machine takes it.
pub(crate) fn collected(outcome: &Outcome) -> Collected<'_> {
    let Outcome { receipt, outputs, locked, .. } = outcome;
    Collected { receipt, outputs, locked: locked.as_ref().unwrap() }
}

/// A compute party's part of the secret of the run's lock.
pub(crate) fn secret_of(sold: &Sold<'_>, computer: PartyId) -> LockSecret {
    LockSecret::derive(&identity(computer), &sold.lock().run_id())
}

/// The secret of the run's lock, t.
pub(crate) fn whole_secret(sold: &Sold<'_>) -> LockSecret {
    secret_of(sold, ACME).plus(&secret_of(sold, BOLT))
}

/// A compute party's part, encrypted to a payee.
pub(crate) fn encrypted(sold: &Sold<'_>, computer: PartyId, to: PartyId) -> EncryptedSecret {
    let place = if computer == ACME { Place::Garbler } else { Place::Evaluator };
    let part = Part { place, secret: &secret_of(sold, computer) };
    EncryptedSecret::encrypt(sold, part, to, &mut rng(5)).unwrap()
}

/// Whether the sold outputs are the sum of [`ROWS`], which is output 1.
pub(crate) fn are_the_sum(outputs: &[(usize, Vec<bool>)]) -> bool {
    let number = |bits: &[bool]| bits.iter().rev().fold(0, |sum, bit| 2 * sum + i128::from(*bit));
    let numbers: Vec<_> = outputs.iter().map(|(place, bits)| (*place, number(bits))).collect();
    numbers == [(1, ROWS.as_flattened().iter().sum::<i128>())]
}
