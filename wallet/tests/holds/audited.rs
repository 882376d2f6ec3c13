//! Holds on a chain whose auditors read every amount: the same steps and endings, with outputs that have handles.
//! `wallet/tests/reading/holds.rs` reads the amount of one.

use super::*;
use sotto_mw::{
    codec::{Decode as _, Encode as _},
    group::Scalar,
    hash::Hash,
    joint::JointError,
    output::Audit,
    range_proof::RangeProof,
    session::Role,
};
use sotto_wallet::{encrypt::Privacy, hold::Settlement};

/// The fees of a claim and of a refund: 44 units of weight, once and twice.
const FEES: [u64; 2] = [44_000, 88_000];

pub(crate) fn scene() -> Scene {
    let key = PublicKey::of(&Scalar::from(4_711u64).into());
    Scene::on(Some(Auditors { key, charter: Hash::ZERO }))
}

/// Seals a transaction of which auditors read every output.
fn seal(s: &mut Scene, t: Verified<Transaction>) {
    assert!(t.get().body.outputs.iter().all(|o| o.audit() == Audit::Audited));
    assert!(t.get().body.fees() >= s.ledger.chain.least_fee(t.get().body.weight()));
    s.seal(&[t]);
}

/// The wallets are read back from their bytes at every step, and each letter gets the same answer again.
#[test]
fn a_claim_is_paid_and_what_was_stored_goes_on() {
    for locked in [false, true] {
        let mut s = scene();
        let before = s.totals();
        let offer = s.open();
        assert_eq!([offer.terms.claim_fee, offer.terms.refund_fee].map(Amount::units), FEES);
        restarts::reopen(&mut s);
        let join = s.join(&offer).unwrap();
        restarts::reopen(&mut s);
        let prove = s.prove(&join).unwrap();
        restarts::reopen(&mut s);
        assert_eq!((s.join(&offer).unwrap(), s.prove(&join).unwrap()), (join, prove.clone()));
        let part = s.part(&prove).unwrap();
        restarts::reopen(&mut s);
        let funding = s.fund(&part).unwrap();
        let fee = funding.get().body.fees().unwrap().units();
        assert_eq!(fee, 1_000 * funding.get().body.weight());
        restarts::reopen(&mut s);
        assert_eq!((s.part(&prove).unwrap(), s.fund(&part).unwrap().get()), (part.clone(), funding.get()));
        seal(&mut s, funding);
        s.seal(&[]);
        let (t, point) = lock(9);
        let answer = s.answer(&offer.id, locked.then_some(point)).unwrap();
        let release = s.release(&answer).unwrap();
        restarts::reopen(&mut s);
        let claim = match s.receive(&release).unwrap() {
            Some(claim) => claim,
            None => s.complete(&offer.id, &t).unwrap(),
        };
        assert_eq!(claim.get().body.fees().unwrap().units(), FEES[0]);
        seal(&mut s, claim);
        assert_eq!(s.stages(), ["claimed", "claimed"]);
        assert_eq!(s.totals(), [before[0] - fee - AMOUNT - FEES[0], AMOUNT]);
    }
}

#[test]
fn both_undo_and_what_came_back_is_spent() {
    let mut s = scene();
    let id = s.funded();
    let consent = s.consent(&id).unwrap();
    let undo = s.undo(&consent).unwrap();
    seal(&mut s, undo);
    assert_eq!(s.stages(), ["undone", "undone"]);
    let back = s.payer.wallet.balance(None).spendable.units();
    let payment = s.payer.pay_away(vec![s.seller.payee_away(back - 1_000_000)]);
    seal(&mut s, payment);
}

/// Twice the fee is what refunds pay; for three times, the refund is spent on in the same body.
#[test]
fn every_refund_is_taken_and_a_higher_fee_is_paid() {
    for (rung, times, kernels) in [(0, 1, 1), (1, 2, 1), (2, 3, 2)] {
        let mut s = scene();
        let id = s.funded();
        let from = s.payer.wallet.held().next().unwrap().offer().terms.refund_from;
        s.grow_to(from.get() + 40 * rung + 1);
        let mut terms = s.ledger.chain.terms().clone();
        terms.limits.fee_per_weight = Amount::new(times * 1_000);
        s.payer.wallet.follow_terms(&terms);
        let refund = s.refund(&id).unwrap();
        let dear = s.ledger.chain.under(&terms);
        assert!(sotto_mw::rules::check_transaction(&dear, refund.get().clone()).is_ok());
        assert_eq!(refund.get().body.kernels.len(), kernels);
        seal(&mut s, refund);
        assert_eq!(s.stages(), ["refunded", "refunded"]);
    }
}

/// A part without the points over the auditors' key, or with others, joins nothing; a proof without handles is not
/// answered.
#[test]
fn letters_for_another_kind_of_chain_are_refused() {
    let mut s = scene();
    let offer = s.open();
    let good = s.join(&offer).unwrap();
    let refused = |s: &mut Scene, alter: &dyn Fn(&mut Join)| {
        let mut join = good.clone();
        alter(&mut join);
        hold_error(s.prove(&join))
    };
    let possession = JointError::Possession { role: Role::Responder };
    assert_eq!(refused(&mut s, &|j| j.part.handles = None), HoldError::Joint(JointError::Handles));
    let swap: &dyn Fn(&mut Join) = &|j| j.part.handles.as_mut().unwrap().swap(0, 1);
    assert_eq!(refused(&mut s, swap), HoldError::Joint(possession));
    let prove = s.prove(&good).unwrap();
    let bytes = prove.to_bytes();
    let plain = Prove::from_bytes(&[&bytes[..64], &bytes[65..65 + 128]].concat()).unwrap();
    assert_eq!(hold_error(s.part(&plain)), HoldError::Joint(JointError::ForeignPart));
    // Nothing of it was taken for an answer.
    let part = s.part(&prove).unwrap();
    s.fund(&part).unwrap();
    // And a part with such points joins nothing elsewhere.
    let mut elsewhere = Scene::new();
    let offer = elsewhere.open();
    let mut join = elsewhere.join(&offer).unwrap();
    join.part.handles = good.part.handles;
    assert_eq!(hold_error(elsewhere.prove(&join)), HoldError::Joint(JointError::Handles));
}

/// The output of a claim must be one that the chain takes, before the payer signs.
#[test]
fn a_claim_to_an_output_that_auditors_do_not_read_is_refused() {
    let mut s = scene();
    let id = s.funded();
    let good = s.answer(&id, None).unwrap();
    let mut bad = good.clone();
    if let Settlement::Claim { output, .. } = &mut bad.settlement {
        output.proof = RangeProof::from_bytes(output.proof.as_bytes());
    }
    assert_eq!(hold_error(s.release(&bad)), HoldError::Proof);
    s.release(&good).unwrap();
}

#[test]
fn letters_have_one_encoding_and_tell_their_kind_alone_by_their_length() {
    fn check<T: sotto_mw::Encode + sotto_mw::Decode + PartialEq + std::fmt::Debug>(letter: &T) {
        let bytes = letter.to_bytes();
        assert_eq!(T::from_bytes(&bytes).as_ref(), Ok(letter));
        assert!(T::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(T::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }
    let mut s = scene();
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    let prove = s.prove(&join).unwrap();
    check(&join);
    check(&prove);
    let part = s.part(&prove).unwrap();
    let t = s.fund(&part).unwrap();
    s.seal(&[t]);
    s.seal(&[]);
    let letters = [s.consent(&offer.id).unwrap(), s.answer(&offer.id, Some(lock(1).1)).unwrap()];
    letters.iter().for_each(check);
    let to = s.payer.address();
    let length = |letter: &Answer| {
        let text = s.seller.wallet.write_message(Account(0), Some(&to), letter, Privacy::Encrypted);
        text.unwrap().len()
    };
    assert_eq!(length(&letters[0]), length(&letters[1]));
}
