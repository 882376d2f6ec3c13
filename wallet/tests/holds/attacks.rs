//! What a dishonest party sends, and why it is refused. Each letter is altered in one place.

use super::*;
use sotto_mw::{
    codec::{Decode as _, Encode as _},
    group::Scalar,
    joint::JointError,
    session::{Role, SessionError},
};
use sotto_wallet::{
    hold::{Settlement, SignedShare},
    slate::SlateError,
};

const SELLER: Role = Role::Responder;

#[test]
fn an_altered_offer_is_refused() {
    let mut s = Scene::new();
    let good = s.open();
    type Alter<'a> = &'a dyn Fn(&mut Offer);
    let signed: [Alter<'_>; 5] = [
        &|o| o.terms.amount = Amount::new(AMOUNT + 1),
        &|o| o.terms.confirmations = 1,
        &|o| o.memo = Memo::new("another".into()).unwrap(),
        &|o| o.shares[4] = o.shares[3],
        &|o| o.id = SessionId([7; 32]),
    ];
    for (n, alter) in signed.into_iter().enumerate() {
        let mut offer = good.clone();
        alter(&mut offer);
        assert_eq!(hold_error(s.join(&offer)), HoldError::PayerSignature, "{n}");
    }
    let terms: [(Alter<'_>, &str); 7] = [
        (&|o| o.terms.rungs = 0, "a ladder has 1 to 64 refunds"),
        (&|o| o.terms.confirmations = 11, "the blocks until the claim must hold the confirmations"),
        (&|o| o.terms.claim_fee = Amount::new(CLAIM_FEE - 1), "a fee is below the least fee"),
        (&|o| o.terms.amount = Amount::ZERO, "the amount is zero, or above the supply"),
        (&|o| o.terms.amount = Amount::new(CLAIM_FEE), "the amount does not pay for a refund"),
        (
            &|o| o.terms.refund_from = o.terms.refund_from.plus(1),
            "the refunds do not begin on the grid of the chain",
        ),
        (
            &|o| o.terms.refund_from = o.terms.refund_from.minus(8),
            "the refunds begin before a claim could be published in time",
        ),
    ];
    for (alter, why) in terms {
        let mut offer = good.clone();
        alter(&mut offer);
        assert_eq!(hold_error(s.join(&offer)), HoldError::Terms(why));
    }
    let stranger = s.ledger.wallet(40).address();
    let mut offer = good.clone();
    offer.seller = stranger;
    assert!(matches!(s.join(&offer), Err(WalletError::Slate(SlateError::NotForUs))));
    s.join(&good).unwrap();
    let mut offer = good;
    offer.terms.confirmations = 1;
    assert_eq!(hold_error(s.join(&offer)), HoldError::Reused);
}

#[test]
fn an_altered_consent_is_refused() {
    let mut s = Scene::new();
    let offer = s.open();
    let good = s.join(&offer).unwrap();
    type Alter<'a> = &'a dyn Fn(&mut Join);
    let partial = HoldError::Session(SessionError::Partial { role: SELLER });
    let possession = HoldError::Session(SessionError::Possession { role: SELLER });
    let cases: [(Alter<'_>, HoldError); 10] = [
        (&|j| j.offer = j.hash(), HoldError::Altered(SELLER)),
        (&|j| j.rungs.truncate(2), HoldError::Altered(SELLER)),
        (&|j| j.part.terms.swap(0, 1), HoldError::Joint(JointError::Possession { role: SELLER })),
        (&|j| j.funding.partial += Scalar::ONE, partial.clone()),
        (&|j| j.rungs[1].partial += Scalar::ONE, partial),
        (&|j| j.rungs[0].share = j.rungs[1].share, possession.clone()),
        (&|j| j.funding.share = j.rungs[1].share, possession),
        (&|j| j.funding.offset += Scalar::ONE, HoldError::Offset(SELLER)),
        (&|j| j.rungs[2].offset += Scalar::ONE, HoldError::Offset(SELLER)),
        (&|j| j.rungs[0].offset = j.rungs[1].offset, HoldError::Offset(SELLER)),
    ];
    for (n, (alter, why)) in cases.into_iter().enumerate() {
        let mut join = good.clone();
        alter(&mut join);
        assert_eq!(hold_error(s.prove(&join)), why, "{n}");
    }
    // The part of another hold of the same two has no possession for this one.
    let another = s.open();
    let mut join = good.clone();
    join.part = s.join(&another).unwrap().part;
    assert_eq!(hold_error(s.prove(&join)), HoldError::Joint(JointError::Possession { role: SELLER }));
    s.prove(&good).unwrap();
}

#[test]
fn the_seller_answers_one_proof() {
    let mut s = Scene::new();
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    let prove = s.prove(&join).unwrap();
    let mut other = prove.clone();
    other.join = other.hash();
    assert_eq!(hold_error(s.part(&other)), HoldError::Altered(Role::Inviter));
    let part = s.part(&prove).unwrap();
    assert_eq!(s.part(&prove).unwrap(), part);
    // Another proof of the same output: a second u would give a second equation in r_s and the τ.
    let mut bytes = prove.to_bytes();
    bytes[64] ^= 1;
    assert_eq!(hold_error(s.part(&Prove::from_bytes(&bytes).unwrap())), HoldError::Closed);
}

#[test]
fn a_false_part_names_the_seller() {
    let mut s = Scene::new();
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    let prove = s.prove(&join).unwrap();
    let part = s.part(&prove).unwrap();
    let wrong = Part { answer: part.answer + Scalar::ONE, ..part.clone() };
    assert_eq!(hold_error(s.fund(&wrong)), HoldError::Joint(JointError::Answer));
    let altered = Part { prove: join.hash(), ..part.clone() };
    assert_eq!(hold_error(s.fund(&altered)), HoldError::Altered(SELLER));
    let t = s.fund(&part).unwrap();
    assert_eq!(s.fund(&part).unwrap().get(), t.get());
    assert_eq!(hold_error(s.fund(&wrong)), HoldError::Closed);
}

#[test]
fn an_altered_claim_is_refused() {
    let mut s = Scene::new();
    let id = s.funded();
    let good = s.answer(&id, None).unwrap();
    type Alter<'a> = &'a dyn Fn(&mut Answer);
    let h_r = s.payer.wallet.held().next().unwrap().offer().terms.refund_from;
    let fee = Amount::new(CLAIM_FEE);
    let at = |fee, not_after| sotto_mw::KernelFeatures::Plain { fee, not_after };
    let partial = HoldError::Session(SessionError::Partial { role: SELLER });
    let not_after = good.features.window(0).not_after;
    let cases: [(Alter<'_>, HoldError); 9] = [
        (&|a| a.part = a.hash(), HoldError::Altered(SELLER)),
        (&|a| a.features = at(fee, h_r), HoldError::Kernel),
        (&|a| a.features = at(fee, not_after.minus(1)), HoldError::Kernel),
        (&|a| a.features = at(Amount::new(CLAIM_FEE + 1), not_after), HoldError::Kernel),
        (&|a| a.signed.offset += Scalar::ONE, HoldError::Output),
        (&|a| a.features = at(fee, not_after.minus(4)), HoldError::Receipt),
        (&|a| a.signed.partial += Scalar::ONE, partial.clone()),
        (
            &|a| {
                if let Settlement::Claim { receipt, .. } = &mut a.settlement {
                    *receipt = a.signed.share.possession;
                }
            },
            HoldError::Receipt,
        ),
        (
            &|a| {
                if let Settlement::Claim { lock, .. } = &mut a.settlement {
                    *lock = Some(super::lock(3).1);
                }
            },
            partial,
        ),
    ];
    for (n, (alter, why)) in cases.into_iter().enumerate() {
        let mut answer = good.clone();
        alter(&mut answer);
        assert_eq!(hold_error(s.release(&answer)), why, "{n}");
    }
    let release = s.release(&good).unwrap();
    assert_eq!(s.release(&good).unwrap(), release);
}

#[test]
fn a_payer_releases_one_claim() {
    let mut s = Scene::new();
    let id = s.funded();
    let store = s.seller.copy(s.seller.installation.clone());
    let answer = s.answer(&id, None).unwrap();
    s.release(&answer).unwrap();
    let mut twin = store;
    let other = twin.wallet.holds().answer(&id, None, &mut twin.rng).unwrap();
    assert_ne!(other, answer);
    assert_eq!(hold_error(s.release(&other)), HoldError::Closed);
}

#[test]
fn an_altered_release_is_refused() {
    let mut s = Scene::new();
    let id = s.funded();
    let answer = s.answer(&id, None).unwrap();
    let good = s.release(&answer).unwrap();
    let partial = HoldError::Session(SessionError::Partial { role: Role::Inviter });
    let cases = [
        (Release { offset: good.offset + Scalar::ONE, ..good.clone() }, HoldError::Offset(Role::Inviter)),
        (Release { partial: good.partial + Scalar::ONE, ..good.clone() }, partial),
        (Release { answer: good.hash(), ..good.clone() }, HoldError::Altered(Role::Inviter)),
    ];
    for (release, why) in cases {
        assert_eq!(hold_error(s.receive(&release)), why);
    }
    s.receive(&good).unwrap().unwrap();
}

#[test]
fn an_altered_consent_to_undo_is_refused() {
    let mut s = Scene::new();
    let id = s.funded();
    let good = s.seller.wallet.holds().consent(&id, &mut s.seller.rng).unwrap();
    let partial = HoldError::Session(SessionError::Partial { role: SELLER });
    let signed = |offset, z| SignedShare {
        offset: good.signed.offset + offset,
        partial: good.signed.partial + z,
        ..good.signed
    };
    let features = sotto_mw::KernelFeatures::Plain {
        fee: Amount::new(AMOUNT),
        not_after: good.features.window(0).not_after,
    };
    let cases = [
        (Answer { signed: signed(Scalar::ONE, Scalar::ZERO), ..good.clone() }, HoldError::Offset(SELLER)),
        (Answer { signed: signed(Scalar::ZERO, Scalar::ONE), ..good.clone() }, partial),
        (Answer { features, ..good.clone() }, HoldError::Kernel),
    ];
    for (answer, why) in cases {
        let refused = s.payer.wallet.holds().undo(&answer, &mut s.payer.rng);
        assert_eq!(hold_error(refused), why);
    }
}

/// Every letter decodes to what was encoded, and not with a byte more or less.
#[test]
fn letters_have_one_encoding() {
    fn check<T: sotto_mw::Encode + sotto_mw::Decode + PartialEq + std::fmt::Debug>(letter: &T) {
        let bytes = letter.to_bytes();
        assert_eq!(T::from_bytes(&bytes).as_ref(), Ok(letter));
        assert!(T::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(T::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }
    let mut s = Scene::new();
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    let prove = s.prove(&join).unwrap();
    let part = s.part(&prove).unwrap();
    let t = s.fund(&part).unwrap();
    s.seal(&[t]);
    s.seal(&[]);
    let undo = s.seller.wallet.holds().consent(&offer.id, &mut s.seller.rng).unwrap();
    let claim = s.answer(&offer.id, Some(lock(1).1)).unwrap();
    let release = s.release(&claim).unwrap();
    check(&offer);
    check(&join);
    check(&prove);
    check(&part);
    check(&undo);
    check(&claim);
    check(&release);
    let mut many = offer.to_bytes();
    many[32 + 32] = 65;
    assert!(Offer::from_bytes(&many).is_err());
}
