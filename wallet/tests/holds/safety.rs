//! What neither party does to its own harm: a secret that leaves too early or too late, an undoing that misses its window,
//! nonces that a clone repeats, a copy that forgets a funding.

use super::*;
use sotto_mw::session::Share;
use sotto_wallet::{Installation, slate::SlateError};

impl Scene {
    fn record(&self) -> sotto_wallet::sessions::HoldRecord {
        self.payer.wallet.held().next().unwrap().clone()
    }
}

/// Once its secret is out, a claim may be sent as long as a block can take it.
#[test]
fn a_published_claim_can_be_sent_again_up_to_its_last_height() {
    let mut s = Scene::new();
    let (id, answer, t) = s.locked();
    let (h_c, by) = (last(&answer), last(&answer).minus(16));
    s.grow_to(by.get() - 1);
    let record = |s: &Scene| s.seller.wallet.held().next().unwrap().clone();
    assert_eq!(record(&s).claim_by(&s.ledger.chain), by);
    let claim = s.complete(&id, &t).unwrap();
    assert_eq!(record(&s).claim_by(&s.ledger.chain), h_c);
    s.grow_to(h_c.get() - 1);
    s.seller = s.seller.copy(s.seller.installation.clone());
    assert_eq!(s.complete(&id, &t).unwrap().get(), claim.get());
    s.seal(&[]);
    assert_eq!(hold_error(s.complete(&id, &t)), HoldError::Late { until: h_c, next: h_c.next() });
}

/// A release without a lock that comes late is kept and completed: it gives nothing away.
#[test]
fn a_plain_claim_is_published_up_to_its_last_height() {
    let mut s = Scene::new();
    let id = s.funded();
    let answer = s.answer(&id, None).unwrap();
    let release = s.release(&answer).unwrap();
    let h_c = last(&answer);
    s.grow_to(h_c.get());
    assert_eq!(hold_error(s.receive(&release)), HoldError::Late { until: h_c, next: h_c.next() });
    s.ledger.undo();
    s.scan();
    let claim = s.receive(&release).unwrap().unwrap();
    s.seller = s.seller.copy(s.seller.installation.clone());
    assert_eq!(s.stages(), ["released", "released"]);
    s.seal(&[claim]);
    assert_eq!(s.stages(), ["claimed", "claimed"]);
}

/// The funding is undone before the secret leaves: the secret stays, until the funding is buried again.
#[test]
fn a_secret_waits_for_the_funding() {
    let mut s = Scene::new();
    let (id, funding) = s.funding();
    s.seal(core::slice::from_ref(&funding));
    s.seal(&[]);
    let (t, point) = lock(7);
    let answer = s.answer(&id, Some(point)).unwrap();
    let release = s.release(&answer).unwrap();
    s.receive(&release).unwrap();
    (0..2).for_each(|_| s.ledger.undo());
    s.scan();
    assert_eq!(hold_error(s.complete(&id, &t)), HoldError::NotBuried { found: 0, needed: 2 });
    s.seal(&[funding]);
    assert_eq!(hold_error(s.complete(&id, &t)), HoldError::NotBuried { found: 1, needed: 2 });
    s.seal(&[]);
    let claim = s.complete(&id, &t).unwrap();
    s.seal(&[claim]);
    assert_eq!(s.stages(), ["claimed", "claimed"]);
}

/// The payer undoes once, so it takes no consent that could miss its window; the seller makes another.
#[test]
fn a_consent_whose_window_is_almost_over_is_refused() {
    let mut s = Scene::new();
    let id = s.funded();
    let first = s.consent(&id).unwrap();
    assert_eq!(s.consent(&id).unwrap(), first);
    let at = |not_after| Answer {
        features: sotto_mw::KernelFeatures::Plain { fee: Amount::new(CLAIM_FEE), not_after },
        ..first.clone()
    };
    // One that begins later, and one with less than almost a whole window.
    for not_after in [last(&first).plus(8), last(&first).minus(8)] {
        assert_eq!(hold_error(s.undo(&at(not_after))), HoldError::Kernel);
    }
    let height = s.ledger.height().get();
    s.grow_to(height + 9);
    assert_eq!(hold_error(s.undo(&first)), HoldError::Kernel);
    let second = s.consent(&id).unwrap();
    assert!(last(&second) > last(&first));
    let undo = s.undo(&second).unwrap();
    s.seal(&[undo]);
    assert_eq!(s.stages(), ["undone", "undone"]);
}

/// A secret does not leave while the payer could still undo; and no consent leaves while the secret is out.
#[test]
fn a_claim_and_a_consent_exclude_each_other() {
    let mut s = Scene::new();
    let (id, _, t) = s.locked();
    let consent = s.consent(&id).unwrap();
    assert_eq!(hold_error(s.complete(&id, &t)), HoldError::UndoOpen { until: last(&consent).plus(8) });

    let mut s = Scene::new();
    let (id, answer, t) = s.locked();
    s.complete(&id, &t).unwrap();
    let until = last(&answer).plus(8);
    assert_eq!(hold_error(s.consent(&id)), HoldError::ClaimOut { until });
    s.grow_to(until.get() - 1);
    assert_eq!(hold_error(s.consent(&id)), HoldError::ClaimOut { until });
    s.seal(&[]);
    s.consent(&id).unwrap();
}

/// Two clones of the seller's machine, whose random sources repeat each other, share no nonce under two messages.
#[test]
fn clones_of_a_seller_repeat_no_nonce() {
    let mut s = Scene::new();
    let id = s.funded();
    let mut clones = [0; 3].map(|_| s.seller.copy(s.seller.installation.clone()));
    let shares = |answers: [Answer; 3]| answers.map(|a| a.signed.share);
    let apart = |a: Share, b: Share| a.key != b.key && a.hiding != b.hiding && a.binding != b.binding;
    let mut locks = [1, 1, 2].into_iter();
    let [a, same, b] = shares(clones.each_mut().map(|p| {
        let point = Some(lock(locks.next().unwrap()).1);
        p.wallet.holds().answer(&id, point, &mut p.rng).unwrap()
    }));
    assert_eq!(a, same);
    assert!(apart(a, b));
    // The same at two heights: a claim, and a consent.
    let mut clones = [0; 2].map(|_| s.seller.copy(s.seller.installation.clone()));
    let height = s.ledger.height().get();
    let [early, late] = clones.each_mut().map(|p| {
        s.grow_to(s.ledger.height().get() + 4);
        p.scan(&s.ledger);
        let mut twin = p.copy(p.installation.clone());
        let claim = p.wallet.holds().answer(&id, None, &mut p.rng).unwrap();
        [claim, twin.wallet.holds().consent(&id, &mut twin.rng).unwrap()].map(|a| a.signed.share)
    });
    assert_eq!(s.ledger.height().get(), height + 8);
    assert!(apart(early[0], late[0]) && apart(early[1], late[1]));
}

/// However late the funding enters a block, D blocks later a claim is still in time.
#[test]
fn a_funding_in_its_last_block_leaves_time_for_a_claim() {
    let mut s = Scene::new();
    let (id, funding) = s.funding();
    let offer = s.record().offer().clone();
    let until = offer.funding.window(0).not_after;
    let from = until.plus(10 + 16 + 4).get().next_multiple_of(4);
    assert_eq!(offer.terms.refund_from, Height::new(from));
    s.grow_to(until.get() - 1);
    s.seal(&[funding]);
    s.grow_to(until.get() + 9);
    let (t, point) = lock(7);
    let answer = s.answer(&id, Some(point)).unwrap();
    let release = s.release(&answer).unwrap();
    s.receive(&release).unwrap();
    let claim = s.complete(&id, &t).unwrap();
    s.seal(&[claim]);
    assert_eq!(s.stages(), ["claimed", "claimed"]);
}

/// On a chain whose windows are too short no claim could be made: no hold is planned.
#[test]
fn a_chain_with_short_windows_takes_no_hold() {
    for (reorganisation, fits) in [(29, true), (30, false)] {
        let mut ledger = Ledger::with(|p| {
            p.window_width = 40;
            p.window_grid = 4;
            p.reorganisation = reorganisation;
        });
        let (mut payer, seller, miner) = (ledger.wallet(10), ledger.wallet(20), ledger.wallet(30));
        ledger.grow(&payer.wallet, 4);
        payer.scan(&ledger);
        let s = Scene { ledger, payer, seller, miner, start_fee: 0 };
        let plan = s.payer.wallet.plan_hold(s.request(3));
        if fits {
            plan.unwrap();
        } else {
            let why = "the windows of this chain are too short for a claim that survives a reorganisation";
            assert_eq!(hold_error(plan), HoldError::Terms(why));
        }
    }
}

#[test]
fn the_id_of_a_payment_names_no_hold() {
    let mut s = Scene::new();
    let offer = s.open();
    s.payer.pay(500, &mut s.seller);
    let session = s.seller.wallet.sessions().next().unwrap().session();
    let copied = Offer { id: session, ..offer };
    assert_eq!(hold_error(s.join(&copied)), HoldError::Reused);
}

/// A copy from before the funding, elsewhere: it cancels nothing, sees the funding, and takes the money back.
#[test]
fn a_copy_from_before_the_funding_takes_the_money_back() {
    let mut s = Scene::new();
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    let prove = s.prove(&join).unwrap();
    let mut old = s.payer.copy(s.payer.installation.clone());
    let mut elsewhere = s.payer.copy(Installation::in_memory([9; 32]));
    let refused = elsewhere.wallet.holds().cancel(&offer.id);
    assert!(matches!(refused, Err(WalletError::Slate(SlateError::ForeignInstallation))));
    let part = s.part(&prove).unwrap();
    let t = s.fund(&part).unwrap();
    let fee = t.get().body.fees().unwrap();
    s.seal(&[t]);
    for copy in [&mut old, &mut elsewhere] {
        copy.scan(&s.ledger);
        assert_eq!(copy.wallet.held().next().unwrap().stage(), "funded");
        assert_eq!(copy.wallet.balance(None).held, Amount::new(AMOUNT + CLAIM_FEE));
        assert!(matches!(hold_error(copy.wallet.holds().cancel(&offer.id)), HoldError::Stage { .. }));
    }
    let mut watching = s.payer.copy(Installation::in_memory([8; 32]));
    s.grow_to(offer.terms.refund_from.get());
    elsewhere.scan(&s.ledger);
    let refund = elsewhere.wallet.holds().refund(&offer.id, &mut elsewhere.rng).unwrap();
    s.seal(&[refund]);
    // One that did not submit the refund sees what it cost, and no more.
    watching.scan(&s.ledger);
    assert_eq!(watching.wallet.held().next().unwrap().stage(), "refunded");
    let entry = watching.wallet.history().into_iter().find(|e| e.id == offer.id.0).unwrap();
    assert_eq!(entry.fee, fee.checked_add(Amount::new(REFUND_FEE)).unwrap());
}
