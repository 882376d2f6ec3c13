//! Crashes, copies and old files: after each step the wallet is closed and opened again, and the same letter
//! gets the same answer; what a copy may not do, it refuses.

use super::*;
use sotto_wallet::{Installation, slate::SlateError};

/// Closes and opens both wallets.
pub(crate) fn reopen(s: &mut Scene) {
    s.payer = s.payer.copy(s.payer.installation.clone());
    s.seller = s.seller.copy(s.seller.installation.clone());
}

#[test]
fn a_restart_at_every_step_changes_nothing() {
    let mut s = Scene::new();
    let offer = s.open();
    reopen(&mut s);
    let join = s.join(&offer).unwrap();
    reopen(&mut s);
    assert_eq!(s.join(&offer).unwrap(), join);
    let prove = s.prove(&join).unwrap();
    reopen(&mut s);
    assert_eq!(s.prove(&join).unwrap(), prove);
    let part = s.part(&prove).unwrap();
    reopen(&mut s);
    assert_eq!(s.part(&prove).unwrap(), part);
    let t = s.fund(&part).unwrap();
    reopen(&mut s);
    assert_eq!(s.fund(&part).unwrap().get(), t.get());
    s.seal(&[t]);
    s.seal(&[]);
    let (secret, point) = lock(9);
    let answer = s.answer(&offer.id, Some(point)).unwrap();
    reopen(&mut s);
    assert_eq!(s.answer(&offer.id, Some(point)).unwrap(), answer);
    let release = s.release(&answer).unwrap();
    reopen(&mut s);
    assert_eq!(s.release(&answer).unwrap(), release);
    assert!(s.receive(&release).unwrap().is_none());
    reopen(&mut s);
    assert!(s.receive(&release).unwrap().is_none());
    let claim = s.seller.wallet.holds().complete(&offer.id, &secret, &mut s.seller.rng).unwrap();
    reopen(&mut s);
    s.seal(&[claim]);
    reopen(&mut s);
    assert_eq!(s.stages(), ["claimed", "claimed"]);
}

/// A store that is full: nothing leaves, and the step can be taken again.
#[test]
fn nothing_leaves_before_it_is_durable() {
    let mut s = Scene::new();
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    let prove = s.prove(&join).unwrap();
    s.seller.wallet.store().full.set(true);
    assert!(matches!(s.part(&prove), Err(WalletError::Store(_))));
    s.seller.wallet.store().full.set(false);
    let part = s.part(&prove).unwrap();
    s.payer.wallet.store().full.set(true);
    assert!(matches!(s.fund(&part), Err(WalletError::Store(_))));
    s.payer.wallet.store().full.set(false);
    s.fund(&part).unwrap();
}

/// An older file of the payer, on the same installation: one consent, one claim.
#[test]
fn an_old_file_signs_nothing_else() {
    let mut s = Scene::new();
    let offer = s.open();
    let mut old_payer = s.payer.copy(s.payer.installation.clone());
    let mut old_seller = s.seller.copy(s.seller.installation.clone());
    let join = s.join(&offer).unwrap();
    let other = old_seller.wallet.holds().join(&offer, &mut old_seller.rng).unwrap();
    assert_ne!(join, other);
    s.prove(&join).unwrap();
    let again = old_payer.wallet.holds().prove(&other, &mut old_payer.rng);
    assert_eq!(hold_error(again), HoldError::Closed);
    // The same consent is the same hold; the proof is another, with scalars of its own.
    old_payer.wallet.holds().prove(&join, &mut old_payer.rng).unwrap();
}

/// The seller's old file answers no second proof: r_s stays hidden.
#[test]
fn an_old_file_answers_no_second_proof() {
    let mut s = Scene::new();
    let offer = s.open();
    let mut other_payer = s.payer.copy(s.payer.installation.clone());
    let join = s.join(&offer).unwrap();
    let mut old_seller = s.seller.copy(s.seller.installation.clone());
    let prove = s.prove(&join).unwrap();
    let another = other_payer.wallet.holds().prove(&join, &mut other_payer.rng).unwrap();
    assert_ne!(prove, another);
    s.part(&prove).unwrap();
    assert_eq!(hold_error(old_seller.wallet.holds().part(&another)), HoldError::Closed);
}

/// The payer's old file, on the same installation, releases no second claim and undoes nothing under another consent.
#[test]
fn an_old_file_releases_no_second_claim() {
    let mut s = Scene::new();
    let id = s.funded();
    let mut old = s.payer.copy(s.payer.installation.clone());
    let mut twin = s.seller.copy(s.seller.installation.clone());
    let answer = s.answer(&id, None).unwrap();
    let other = twin.wallet.holds().answer(&id, None, &mut twin.rng).unwrap();
    s.release(&answer).unwrap();
    assert_eq!(hold_error(old.wallet.holds().release(&other)), HoldError::Closed);
    let consent = s.seller.wallet.holds().consent(&id, &mut s.seller.rng).unwrap();
    let another = twin.wallet.holds().consent(&id, &mut twin.rng).unwrap();
    assert_ne!(consent, another);
    s.payer.wallet.holds().undo(&consent, &mut s.payer.rng).unwrap();
    assert_eq!(hold_error(old.wallet.holds().undo(&another, &mut old.rng)), HoldError::Closed);
}

/// A backup on another machine takes back and extracts, but signs nothing new.
#[test]
fn a_backup_elsewhere_takes_back_and_signs_nothing() {
    let mut s = Scene::new();
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    let elsewhere = Installation::in_memory([9; 32]);
    let mut early = s.payer.copy(elsewhere.clone());
    let refused = early.wallet.holds().prove(&join, &mut early.rng);
    assert!(matches!(refused, Err(WalletError::Slate(SlateError::ForeignInstallation))));
    let refused = early.wallet.holds().cancel(&offer.id);
    assert!(matches!(refused, Err(WalletError::Slate(SlateError::ForeignInstallation))));
    let mut early_seller = s.seller.copy(elsewhere.clone());
    let prove = s.prove(&join).unwrap();
    let refused = early_seller.wallet.holds().part(&prove);
    assert!(matches!(refused, Err(WalletError::Slate(SlateError::ForeignInstallation))));
    let part = s.part(&prove).unwrap();
    let t = s.fund(&part).unwrap();
    s.seal(&[t]);
    s.seal(&[]);
    let mut funded = s.payer.copy(elsewhere.clone());
    let (secret, point) = lock(5);
    let answer = s.answer(&offer.id, Some(point)).unwrap();
    let refused = funded.wallet.holds().release(&answer);
    assert!(matches!(refused, Err(WalletError::Slate(SlateError::ForeignInstallation))));
    let release = s.release(&answer).unwrap();
    let mut late = s.payer.copy(elsewhere);
    s.receive(&release).unwrap();
    let claim = s.seller.wallet.holds().complete(&offer.id, &secret, &mut s.seller.rng).unwrap();
    let kernel = claim.get().body.kernels[0].clone();
    assert_eq!(late.wallet.holds().extract(&offer.id, &kernel).unwrap(), secret);
    // Nobody claims after all: the copy's ladder returns the money.
    let from = offer.terms.refund_from;
    s.grow_to(from.get());
    late.scan(&s.ledger);
    let refund = late.wallet.holds().refund(&offer.id, &mut late.rng).unwrap();
    s.seal(&[refund]);
    late.scan(&s.ledger);
    assert_eq!(late.wallet.held().next().unwrap().stage(), "refunded");
}

/// The words alone find what was returned or claimed, and know nothing of holds.
#[test]
fn words_alone_find_the_money_after_the_end() {
    let mut s = Scene::new();
    let id = s.funded();
    let from = s.payer.wallet.held().next().unwrap().offer().terms.refund_from;
    s.grow_to(from.get());
    let refund = s.refund(&id).unwrap();
    s.seal(&[refund]);
    let mut restored = Person::from_words(s.ledger.chain.clone(), s.payer.wallet.words().clone(), 77);
    restored.scan(&s.ledger);
    assert_eq!(restored.wallet.held().count(), 0);
    assert_eq!(restored.wallet.balance(None).total(), s.payer.wallet.balance(None).total());
}
