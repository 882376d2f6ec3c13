//! Outputs that are sold: who opens a locked share, what a receipt says of it, and who can be accused.
#![allow(clippy::unwrap_used)]

use crate::support::{NOW, identity, job, rng};
use rand_core::RngCore;
use sotto_jobs::false_share::{FalseShare, Offence, Unproven};
use sotto_jobs::lock::share::{
    LockedShare, LockedShareError, OVERHEAD, Share, SharePlace, SoldFacts, SoldShare, digest,
};
use sotto_jobs::lock::{Lock, LockSecret, Place};
use sotto_jobs::receipt::{Delivered, Facts, ReceiptError, Statement};
use sotto_jobs::{Digest, Job, PartyId, Receipt};
use sotto_mpc::Bits;
use sotto_party::hex::to_hex;
use sotto_vectors::{json, load, render};

const ACME: PartyId = PartyId(0);
const BOLT: PartyId = PartyId(1);
const EVE: PartyId = PartyId(4);
const RUN: Digest = Digest([3; 32]);

/// What both compute parties have of one run whose sum is sold to eve.
struct Sale {
    job: Job,
    secrets: [LockSecret; 2],
    lock: Lock,
    salted: [Share; 2],
    locked: [Vec<u8>; 2],
    shares: [Bits; 2],
    sold: SoldFacts,
}

fn at(computer: PartyId) -> SharePlace {
    SharePlace { receiver: EVE, computer }
}

impl Sale {
    fn new() -> Self {
        let secrets = [ACME, BOLT].map(|us| LockSecret::derive(&identity(us), &RUN));
        let [g, e] = &secrets;
        let garbler = g.part(&RUN, Place::Garbler, &mut rng(1)).unwrap();
        let evaluator = e.part(&RUN, Place::Evaluator, &mut rng(2)).unwrap();
        let lock = Lock::new(RUN, [garbler, evaluator]).unwrap();
        let shares = [3, 4].map(|seed| Bits::random(21, &mut rng(seed)));
        let salted = [5, 6].map(|seed| Share::new(&shares[seed as usize - 5], &mut rng(seed)));
        let lock_share = |share: &Share, computer, seed| share.lock(&lock, at(computer), &mut rng(seed));
        let locked = [lock_share(&salted[0], ACME, 7), lock_share(&salted[1], BOLT, 8)];
        let sold = |i: usize, computer| SoldShare {
            commitment: salted[i].commitment(&RUN, at(computer)),
            locked: digest(&locked[i]),
        };
        let (garbler_share, evaluator_share) = (sold(0, ACME), sold(1, BOLT));
        let sold = SoldFacts { receiver: EVE, bits: 21, garbler, evaluator, garbler_share, evaluator_share };
        Self { job: job(), secrets, lock, salted, locked, shares, sold }
    }

    fn t(&self) -> LockSecret {
        self.secrets[0].plus(&self.secrets[1])
    }

    fn facts(&self) -> Facts {
        let delivered =
            |result_party| Delivered { result_party, garbler: Digest([1; 32]), evaluator: Digest([2; 32]) };
        Facts {
            job: self.job.id(),
            run: 1,
            attempt: 1,
            run_id: RUN,
            circuit: self.job.program.circuit,
            and_gates: self.job.program.and_gates,
            inputs: vec![Digest([4; 32]); self.job.contributors().len()],
            outputs: self.job.result_parties().into_iter().map(delivered).collect(),
            transcript: Digest([5; 32]),
            sold: Some(self.sold.clone()),
        }
    }

    fn receipt(&self) -> Receipt {
        let facts = self.facts();
        let [garbler, evaluator] =
            [ACME, BOLT].map(|us| Statement::sign(&facts, [NOW, NOW], [1, 1], &identity(us)));
        Receipt { facts, garbler, evaluator, further: Vec::new() }
    }

    fn open(&self, place: Place, bytes: &[u8], t: &LockSecret) -> Result<Vec<bool>, LockedShareError> {
        let computer = [ACME, BOLT][place as usize];
        let share = LockedShare { place, computer, bytes };
        self.sold.open(&self.lock, share, t).map(|bits| bits.iter().collect())
    }

    fn accuse(&self, place: Place, locked: &[u8]) -> Result<Offence, Unproven> {
        FalseShare { place, secret: self.t(), locked: locked.to_vec() }.check(&self.job, &self.receipt())
    }
}

#[test]
fn a_share_opens_with_both_secrets_and_with_neither_alone() {
    let sale = Sale::new();
    for (place, (locked, share)) in Place::BOTH.into_iter().zip(sale.locked.iter().zip(&sale.shares)) {
        assert_eq!(locked.len(), 32 + 8 + 3 + OVERHEAD);
        assert_eq!(sale.open(place, locked, &sale.t()), Ok(share.iter().collect()));
        for alone in &sale.secrets {
            assert_eq!(sale.open(place, locked, alone), Err(LockedShareError::Secret));
        }
    }
    assert_eq!(sale.open(Place::Garbler, &sale.locked[1], &sale.t()), Err(LockedShareError::Other));
}

#[test]
fn a_share_opens_in_its_place_alone() {
    let sale = Sale::new();
    let elsewhere =
        [SharePlace { receiver: ACME, computer: ACME }, SharePlace { receiver: EVE, computer: BOLT }];
    for place in elsewhere {
        let mut sale = Sale::new();
        sale.locked[0] = sale.salted[0].lock(&sale.lock, place, &mut rng(7));
        sale.sold.garbler_share.locked = digest(&sale.locked[0]);
        assert_eq!(
            sale.open(Place::Garbler, &sale.locked[0], &sale.t()),
            Err(LockedShareError::Closed),
            "{place:?}"
        );
    }
    // A random source that repeats itself locks two shares under two keys.
    let [one, other] = [0, 1].map(|i| sale.salted[i].lock(&sale.lock, at(ACME), &mut rng(7)));
    assert_ne!(one[..32], other[..32]);
    assert_eq!(format!("{:?}", sale.salted[0]), "Share(…)");
}

#[test]
fn who_locks_another_share_than_it_signed_for_is_accused_and_nobody_else() {
    let honest = Sale::new();
    assert_eq!(honest.accuse(Place::Garbler, &honest.locked[0]), Err(Unproven::Honest("garbler")));
    assert_eq!(honest.accuse(Place::Evaluator, &honest.locked[1]), Err(Unproven::Honest("evaluator")));

    // The evaluator locks another share than the one it commits to.
    let mut sale = Sale::new();
    let other = Share::new(&Bits::random(21, &mut rng(9)), &mut rng(9));
    sale.locked[1] = other.lock(&sale.lock, at(BOLT), &mut rng(9));
    sale.sold.evaluator_share.locked = digest(&sale.locked[1]);
    assert_eq!(sale.accuse(Place::Evaluator, &sale.locked[1]), Ok(Offence::False));
    assert_eq!(sale.accuse(Place::Garbler, &sale.locked[0]), Err(Unproven::Honest("garbler")));
    // One that it commits to, and that is too short.
    let short = Share::new(&Bits::random(20, &mut rng(9)), &mut rng(9));
    sale.locked[1] = short.lock(&sale.lock, at(BOLT), &mut rng(9));
    let commitment = short.commitment(&RUN, at(BOLT));
    sale.sold.evaluator_share = SoldShare { commitment, locked: digest(&sale.locked[1]) };
    assert_eq!(sale.accuse(Place::Evaluator, &sale.locked[1]), Ok(Offence::False));
    // Bytes that open with no secret.
    for length in [0, 31, 32, 47, 48, 91] {
        rng(10).fill_bytes(&mut sale.locked[1]);
        let locked = sale.locked[1][..length].to_vec();
        sale.sold.evaluator_share.locked = digest(&locked);
        assert_eq!(sale.accuse(Place::Evaluator, &locked), Ok(Offence::Closed), "{length} bytes");
    }
}

#[test]
fn an_accusation_needs_the_signature_the_secret_and_what_was_delivered() {
    let sale = Sale::new();
    let mut receipt = sale.receipt();
    let check = |receipt: &Receipt, secret, locked: &[u8]| {
        FalseShare { place: Place::Garbler, secret, locked: locked.to_vec() }
            .check(&sale.job, receipt)
            .unwrap_err()
    };
    assert_eq!(
        check(&receipt, sale.secrets[0].plus(&sale.secrets[0]), &sale.locked[0]),
        Unproven::Share(LockedShareError::Secret)
    );
    for byte in 0..sale.locked[0].len() {
        let mut altered = sale.locked[0].clone();
        altered[byte] ^= 1;
        assert_eq!(
            check(&receipt, sale.t(), &altered),
            Unproven::Share(LockedShareError::Other),
            "byte {byte}"
        );
    }
    // Facts that the accused did not sign: here, with a hash of a locked share that it did not make.
    receipt.facts.sold.as_mut().unwrap().garbler_share.locked = digest(b"other");
    assert_eq!(check(&receipt, sale.t(), b"other"), Unproven::Unsigned("garbler"));
    receipt.facts.sold = None;
    assert_eq!(check(&receipt, sale.t(), &sale.locked[0]), Unproven::NotSold);
    receipt.facts.job = Digest([0; 32]);
    assert_eq!(check(&receipt, sale.t(), &sale.locked[0]), Unproven::OtherJob);
    // A lock that never was: possession of the other part does not hold.
    let mut sale = Sale::new();
    sale.sold.evaluator.possession[0] ^= 1;
    assert!(matches!(sale.accuse(Place::Garbler, &sale.locked[0]), Err(Unproven::Lock(_))));

    let sale = Sale::new();
    let proof = FalseShare { place: Place::Garbler, secret: sale.t(), locked: sale.locked[0].clone() };
    let bytes = proof.to_bytes();
    assert_eq!(FalseShare::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    assert!((0..bytes.len()).all(|end| FalseShare::from_bytes(&bytes[..end]).is_err()));
    assert!(FalseShare::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn a_receipt_of_a_sale_has_its_own_version_and_signature() {
    let sale = Sale::new();
    let (receipt, job) = (sale.receipt(), &sale.job);
    let bytes = receipt.to_bytes();
    assert!(bytes.starts_with(b"sotto receipt v4\0"));
    // This job sells nothing.
    assert_eq!(Receipt::from_bytes(job, &bytes), Err(ReceiptError::Facts));
    // What is said of the sale is signed, and so is that nothing is said.
    let mut facts = receipt.facts.clone();
    assert!(receipt.garbler.is_of(job, ACME, &facts));
    facts.sold.as_mut().unwrap().garbler_share.commitment = Digest([9; 32]);
    assert!(!receipt.garbler.is_of(job, ACME, &facts));
    facts.sold = None;
    assert!(!receipt.garbler.is_of(job, ACME, &facts));
}

/// Known answers: `vectors/locks.json`, which `vectors/check.py` reads without this code.
/// `SOTTO_VECTORS=write cargo test -p sotto-jobs --release --test locks` writes the file.
#[test]
fn vectors_are_up_to_date() {
    let sale = Sale::new();
    let parts = [sale.sold.garbler, sale.sold.evaluator];
    let computers = [0, 1].map(|i| {
        let us = if i == 0 { ACME } else { BOLT };
        json!({ "party": us.0, "secret": to_hex(&*sale.secrets[i].to_bytes()),
                "lock_key": to_hex(&*identity(us).derive("sotto mpc identity lock key v1")),
                "point": to_hex(&parts[i].point.to_bytes()), "possession": to_hex(&parts[i].possession),
                "share": sale.shares[i].iter().map(u8::from).collect::<Vec<_>>(), "locked": to_hex(&sale.locked[i]) })
    });
    let proof = FalseShare { place: Place::Garbler, secret: sale.t(), locked: sale.locked[0].clone() };
    let subject = json!({
        "about": "a lock of two computers, their locked shares, and a receipt that names them",
        "job_id": sale.job.id().to_string(), "run_id": RUN.to_string(), "receiver": EVE.0, "computers": computers,
        "lock": to_hex(&sale.lock.point().to_bytes()), "receipt_bytes": to_hex(&sale.receipt().to_bytes()),
        "false_share": to_hex(&proof.to_bytes()),
    });
    if std::env::var_os("SOTTO_VECTORS").is_some_and(|what| what == "write") {
        std::fs::write(sotto_vectors::file("locks"), render(&subject)).unwrap();
    }
    assert_eq!(load("locks").unwrap(), subject, "`SOTTO_VECTORS=write` writes the file");
}
