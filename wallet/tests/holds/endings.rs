//! Who gets what, when: claim, undoing, every refund; fees that rise, blocks that are undone.

use super::*;
use sotto_mw::{codec::Encode as _, kernel::KernelFeatures, rules::connect_transaction};
use sotto_wallet::sessions::Ending;

/// Whether the next block takes a transaction, and if not, by which rule it is refused.
fn taken(s: &Scene, t: &Verified<Transaction>) -> Result<(), &'static str> {
    let view = s.ledger.memory.state();
    match connect_transaction(&s.ledger.chain, view, t) {
        Ok(_) => Ok(()),
        Err(e) => Err(match e {
            sotto_mw::error::ConnectError::Refused(r) => r.rule(),
            sotto_mw::error::ConnectError::View(never) => match never {},
        }),
    }
}

#[test]
fn money_is_shown_as_held_and_then_claimed() {
    let mut s = Scene::new();
    let before = s.totals();
    let (id, t) = s.funding();
    assert_eq!(s.payer.wallet.balance(None).held, Amount::ZERO);
    s.seal(core::slice::from_ref(&t));
    let fee = t.get().body.fees().unwrap().units();
    assert_eq!(s.payer.wallet.balance(None).held, Amount::new(AMOUNT + CLAIM_FEE));
    assert_eq!(s.totals(), [before[0] - fee, 0]);
    assert_eq!(hold_error(s.answer(&id, None)), HoldError::NotBuried { found: 1, needed: 2 });
    s.seal(&[]);
    let answer = s.answer(&id, None).unwrap();
    let release = s.release(&answer).unwrap();
    assert_eq!(s.stages(), ["released", "answered"]);
    let claim = s.receive(&release).unwrap().unwrap();
    s.seal(&[claim]);
    assert_eq!(s.stages(), ["claimed", "claimed"]);
    assert_eq!(s.totals(), [before[0] - fee - AMOUNT - CLAIM_FEE, AMOUNT]);
    // The ladder is worth nothing now.
    assert!(matches!(hold_error(s.refund(&id)), HoldError::Ended { .. }));
}

/// A hold that is settled looks like two ordinary payments: kinds, windows, fees, weights.
#[test]
fn an_observer_sees_two_ordinary_payments() {
    let mut s = Scene::new();
    let (id, funding) = s.funding();
    let at_funding = s.ledger.height().next();
    s.seal(core::slice::from_ref(&funding));
    s.seal(&[]);
    let answer = s.answer(&id, None).unwrap();
    let at_claim = s.ledger.height().next();
    let release = s.release(&answer).unwrap();
    let claim = s.receive(&release).unwrap().unwrap();
    for (t, next, inputs, outputs) in [(&funding, at_funding, 1, 2), (&claim, at_claim, 1, 1)] {
        let body = &t.get().body;
        let [kernel] = &body.kernels[..] else { panic!() };
        let fee = s.ledger.chain.least_fee(body.weight()).unwrap();
        let not_after = s.ledger.chain.standard_expiry(next);
        assert_eq!(kernel.features, KernelFeatures::Plain { fee, not_after });
        assert_eq!((body.inputs.len(), body.outputs.len()), (inputs, outputs));
        assert!(body.outputs.iter().all(|o| o.extra.as_bytes().is_empty()));
    }
    // An ordinary payment between the same people, for comparison: the same shape, byte for byte as long.
    let paid = s.payer.pay(500, &mut s.seller);
    assert_eq!(paid.get().to_bytes().len(), funding.get().to_bytes().len());
}

#[test]
fn both_can_undo() {
    let mut s = Scene::new();
    let before = s.totals();
    let (id, t) = s.funding();
    let fee = t.get().body.fees().unwrap().units();
    s.seal(&[t]);
    let consent = s.consent(&id).unwrap();
    let undo = s.undo(&consent).unwrap();
    // The same consent gives the same transaction.
    let again = s.undo(&consent).unwrap();
    assert_eq!(again.get(), undo.get());
    s.seal(&[undo]);
    assert_eq!(s.stages(), ["undone", "undone"]);
    assert_eq!(s.totals(), [before[0] - fee - CLAIM_FEE, 0]);
}

/// The ladder: no refund before H_r; each in its window; the last is not the end of the first.
#[test]
fn refunds_come_one_window_after_another() {
    let mut s = Scene::new();
    let before = s.totals();
    let (id, t) = s.funding();
    let fee = t.get().body.fees().unwrap().units();
    s.seal(&[t]);
    let from = s.payer.wallet.held().next().unwrap().offer().terms.refund_from;
    let early = HoldError::NoRung { next: Height::new(6), from, until: from.plus(3 * 40) };
    assert_eq!(hold_error(s.refund(&id)), early);
    assert_eq!(s.payer.wallet.holds().due(), []);
    s.grow_to(from.get() - 1);
    assert_eq!((s.payer.wallet.holds().due(), s.seller.wallet.holds().due()), (vec![id], vec![]));
    let first = s.refund(&id).unwrap();
    s.grow_to(from.get() + 42);
    // The first has expired (R27), the second enters.
    assert_eq!(taken(&s, &first), Err("MW-R27"));
    let second = s.refund(&id).unwrap();
    assert_eq!(taken(&s, &second), Ok(()));
    s.seal(&[second]);
    assert_eq!(s.payer.wallet.held().next().unwrap().ended().unwrap().0, Ending::Refunded(1));
    assert_eq!(s.stages(), ["refunded", "refunded"]);
    assert_eq!(s.payer.wallet.holds().due(), []);
    assert_eq!(s.totals(), [before[0] - fee - (REFUND_FEE - CLAIM_FEE) - CLAIM_FEE, 0]);
}

#[test]
fn after_the_last_refund_only_undoing_is_left() {
    let mut s = Scene::new();
    let id = s.funded();
    let until = s.payer.wallet.held().next().unwrap().offer().terms.last_height(&s.ledger.chain);
    s.grow_to(until.get());
    assert!(matches!(hold_error(s.refund(&id)), HoldError::NoRung { .. }));
    let consent = s.consent(&id).unwrap();
    let undo = s.undo(&consent).unwrap();
    s.seal(&[undo]);
    assert_eq!(s.stages(), ["undone", "undone"]);
}

/// Before H_r a refund is refused by R27; after the claim by R24; a claim after H_c by R27.
#[test]
fn claim_and_ladder_never_race() {
    let mut s = Scene::new();
    let id = s.funded();
    let answer = s.answer(&id, None).unwrap();
    let release = s.release(&answer).unwrap();
    let claim = s.receive(&release).unwrap().unwrap();
    let h_c = last(&answer);
    let from = s.payer.wallet.held().next().unwrap().offer().terms.refund_from;
    assert!(h_c < from);
    s.grow_to(from.get() - 1);
    assert_eq!(taken(&s, &claim), Err("MW-R27"));
    let refund = s.refund(&id).unwrap();
    assert_eq!(taken(&s, &refund), Ok(()));
    s.seal(core::slice::from_ref(&refund));
    assert_eq!(taken(&s, &refund), Err("MW-R24"));
}

/// A locked claim is published by H_c − M or not at all.
#[test]
fn a_claim_that_comes_late_is_not_published() {
    let mut s = Scene::new();
    let id = s.funded();
    let (t, point) = lock(7);
    let answer = s.answer(&id, Some(point)).unwrap();
    let release = s.release(&answer).unwrap();
    let until = last(&answer).minus(8 + 2 * 4);
    s.grow_to(until.get());
    assert!(s.receive(&release).unwrap().is_none());
    let late = HoldError::Late { until, next: until.next() };
    assert_eq!(hold_error(s.complete(&id, &t)), late);
    s.ledger.undo();
    s.scan();
    s.complete(&id, &t).unwrap();
}

/// A claim that lay too long is made again, as long as the ladder is far enough.
#[test]
fn a_claim_that_went_stale_is_made_again() {
    let mut s = Scene::new();
    let id = s.funded();
    let first = s.answer(&id, None).unwrap();
    let until = last(&first).minus(16);
    s.grow_to(until.minus(1).get());
    assert_eq!(s.answer(&id, None).unwrap(), first);
    s.seal(&[]);
    let second = s.answer(&id, None).unwrap();
    assert!(last(&second) > last(&first));
    let release = s.release(&second).unwrap();
    assert_eq!(hold_error(s.release(&first)), HoldError::Closed);
    let claim = s.receive(&release).unwrap().unwrap();
    s.seal(&[claim]);
    assert_eq!(s.stages(), ["claimed", "claimed"]);
}

#[test]
fn no_claim_is_made_when_it_could_not_be_published() {
    let mut s = Scene::new();
    let id = s.funded();
    let from = s.payer.wallet.held().next().unwrap().offer().terms.refund_from;
    let point = Some(lock(7).1);
    let until = from.minus(4).minus(16);
    s.grow_to(until.get());
    assert_eq!(hold_error(s.answer(&id, point)), HoldError::Late { until, next: until.next() });
    s.ledger.undo();
    s.scan();
    // The last claim ends one grid step before the ladder, which shows.
    let answer = s.answer(&id, point).unwrap();
    assert_eq!(last(&answer), from.minus(4));
    // Without a lock there is nothing to lose: up to its last height.
    let mut s = Scene::new();
    let id = s.funded();
    let until = from.minus(4);
    s.grow_to(until.get());
    assert_eq!(hold_error(s.answer(&id, None)), HoldError::Late { until, next: until.next() });
    s.ledger.undo();
    s.scan();
    assert_eq!(last(&s.answer(&id, None).unwrap()), until);
}

/// A locked claim: half a signature until t; the chain gives t back.
#[test]
fn a_locked_claim_reveals_its_secret() {
    let mut s = Scene::new();
    let (id, _, t) = s.locked();
    assert_eq!(hold_error(s.complete(&id, &lock(8).0)), HoldError::Secret);
    let claim = s.complete(&id, &t).unwrap();
    s.seal(core::slice::from_ref(&claim));
    assert_eq!(s.stages(), ["claimed", "claimed"]);
    let kernel = &claim.get().body.kernels[0];
    assert_eq!(s.payer.wallet.holds().extract(&id, kernel).unwrap(), t);
    let mut other = kernel.clone();
    other.excess = sotto_mw::kernel::Excess::from_point(Point::h());
    assert_eq!(hold_error(s.payer.wallet.holds().extract(&id, &other)), HoldError::Secret);
}

/// What the seller signed with its claim proves the payment to anybody, locked or not; an undoing proves none.
#[test]
fn a_claim_is_a_proof_of_payment() {
    for locked in [false, true] {
        let mut s = Scene::new();
        let id = s.funded();
        let (t, point) = lock(7);
        assert_eq!(s.payer.wallet.paid_excess(&id), None);
        let answer = s.answer(&id, locked.then_some(point)).unwrap();
        let release = s.release(&answer).unwrap();
        let claim = match s.receive(&release).unwrap() {
            Some(claim) => claim,
            None => s.complete(&id, &t).unwrap(),
        };
        s.seal(&[claim]);
        let excess = s.payer.wallet.paid_excess(&id).unwrap();
        let inclusion = s.ledger.inclusion(&excess, s.ledger.height().get()).unwrap();
        let proof = s.payer.wallet.prove(&id, inclusion.clone()).unwrap();
        assert_eq!(proof.verify(s.ledger.chain.id()).unwrap().height, s.ledger.height());
        let shown = (proof.receipt.amount, proof.receiver, proof.receipt.memo);
        assert_eq!(shown, (Amount::new(AMOUNT), s.seller.address(), s.request(3).memo.hash()));
        // The seller has no proof of what the payer paid it, and another kernel proves nothing.
        assert_eq!(s.seller.wallet.paid_excess(&id), None);
        let other = s.ledger.memory.blocks()[4].body.kernels[0].excess;
        let other = s.ledger.inclusion(&other, s.ledger.height().get()).unwrap();
        assert!(s.payer.wallet.prove(&id, other).is_err());
    }
}

/// A fee that rises after the ladder was signed: the refund is spent on in the same body, with a second kernel.
#[test]
fn a_fee_that_rises_under_a_ladder_is_paid_by_a_second_kernel() {
    let mut s = Scene::new();
    let id = s.funded();
    let from = s.payer.wallet.held().next().unwrap().offer().terms.refund_from;
    s.grow_to(from.get());
    let plain = s.refund(&id).unwrap();
    assert_eq!(plain.get().body.kernels.len(), 1);
    // Twice the fee is what refunds pay; three times is more.
    for (times, kernels) in [(2, 1), (3, 2)] {
        let mut terms = s.ledger.chain.terms().clone();
        terms.limits.fee_per_weight = Amount::new(times * 1_000);
        s.payer.wallet.follow_terms(&terms);
        let dear = s.ledger.chain.under(&terms);
        let t = s.refund(&id).unwrap();
        let body = &t.get().body;
        assert_eq!((body.inputs.len(), body.outputs.len(), body.kernels.len()), (1, 1, kernels));
        assert!(body.fees() >= dear.least_fee(body.weight()), "times {times}");
        let well_formed = sotto_mw::rules::check_transaction(&dear, t.get().clone());
        assert!(well_formed.is_ok());
        assert_eq!(sotto_mw::rules::check_transaction(&dear, plain.get().clone()).is_ok(), times == 2);
        if times == 3 {
            let fee = body.fees().unwrap().units();
            let held = s.totals()[0];
            s.seal(&[t]);
            assert_eq!(s.stages(), ["refunded", "refunded"]);
            assert_eq!(s.totals()[0], held - fee);
        }
    }
}

/// The funding is undone after it was buried, and comes again; the claim is undone, and comes again.
#[test]
fn endings_follow_reorganisations() {
    let mut s = Scene::new();
    let (id, funding) = s.funding();
    s.seal(core::slice::from_ref(&funding));
    s.seal(&[]);
    let answer = s.answer(&id, None).unwrap();
    let release = s.release(&answer).unwrap();
    let claim = s.receive(&release).unwrap().unwrap();
    s.seal(core::slice::from_ref(&claim));
    assert_eq!(s.stages(), ["claimed", "claimed"]);
    s.ledger.undo();
    s.scan();
    assert_eq!(s.stages(), ["released", "released"]);
    assert_eq!(s.payer.wallet.balance(None).held, Amount::new(AMOUNT + CLAIM_FEE));
    (0..2).for_each(|_| s.ledger.undo());
    s.scan();
    assert_eq!(s.payer.wallet.balance(None).held, Amount::ZERO);
    assert!(s.payer.wallet.held().next().unwrap().funded().is_none());
    s.seal(&[funding]);
    s.seal(&[]);
    s.seal(&[claim]);
    assert_eq!(s.stages(), ["claimed", "claimed"]);
}

/// Before it is funded a hold costs nothing: cancelled or expired, the inputs are free.
#[test]
fn what_is_not_funded_ends_free_of_charge() {
    let mut s = Scene::new();
    let before = s.payer.balance();
    let offer = s.open();
    assert_ne!(s.payer.balance(), before);
    s.payer.wallet.holds().cancel(&offer.id).unwrap();
    assert_eq!((s.payer.balance(), s.stages()[0]), (before, "cancelled"));
    let join = s.join(&offer).unwrap();
    assert!(matches!(hold_error(s.prove(&join)), HoldError::Stage { .. }));
    // The other one expires.
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    let prove = s.prove(&join).unwrap();
    let part = s.part(&prove).unwrap();
    s.grow_to(offer.funding.window(0).not_after.get() + 9);
    assert_eq!(s.payer.balance()[3], 0);
    assert!(matches!(hold_error(s.fund(&part)), HoldError::Stage { .. }));
}
