//! Letters that pass every check but one, so that no other check refuses them first.

use super::*;
use crate::support::on_main;
use sotto_mw::{
    codec::Encode as _,
    group::Scalar,
    kernel::KernelFeatures,
    output::{Extra, Output, OutputFeatures},
    session::{Role, SessionError},
};
use sotto_wallet::{hold::Settlement, slate::SlateError};

/// What the payer's address signs last is looked at last, so each of these has the error of its own check.
#[test]
fn an_offer_is_for_this_network_and_its_funding_for_this_chain() {
    let mut s = Scene::new();
    let good = s.open();
    let refused = |s: &mut Scene, alter: &dyn Fn(&mut Offer)| {
        let mut offer = good.clone();
        alter(&mut offer);
        hold_error(s.join(&offer))
    };
    let KernelFeatures::Plain { fee, not_after: until } = good.funding else { panic!("a plain funding") };
    let at = |fee, not_after| KernelFeatures::Plain { fee, not_after };
    let main = on_main(&good.payer);
    assert_ne!(main.network(), good.payer.network());
    assert_eq!(refused(&mut s, &|o| o.payer = main), HoldError::from(SlateError::InviterNetwork));
    assert_eq!(
        refused(&mut s, &|o| o.funding = at(fee, until.minus(1))),
        HoldError::from(SlateError::OffGrid { not_after: until.minus(1), grid: 4 })
    );
    let why = "a fee is below the least fee";
    let terms = refused(&mut s, &|o| o.terms.refund_fee = Amount::new(CLAIM_FEE - 1));
    assert_eq!(terms, HoldError::Terms(why));
    let why = "the blocks until the claim must hold the confirmations";
    assert_eq!(refused(&mut s, &|o| o.terms.blocks = (1 << 27) + 1), HoldError::Terms(why));
}

/// The output of a claim has no extra, is plain, and has a range proof of its own.
#[test]
fn a_claim_pays_a_plain_output_with_its_proof() {
    let mut s = Scene::new();
    let id = s.funded();
    let mut twin = s.seller.copy(s.seller.installation.clone());
    let good = s.answer(&id, None).unwrap();
    twin.rng = ChaCha20Rng::seed_from_u64(99);
    let other = twin.wallet.holds().answer(&id, None, &mut twin.rng).unwrap();
    let Settlement::Claim { output: other, .. } = other.settlement else { panic!("a claim") };
    type Alter<'a> = &'a dyn Fn(&mut Output);
    let cases: [(Alter<'_>, HoldError); 3] = [
        (&|o| o.extra = Extra::new(b"extra".to_vec()).unwrap(), HoldError::Output),
        (&|o| o.features = OutputFeatures::Coinbase, HoldError::Output),
        (&|o| o.proof = other.proof.clone(), HoldError::Proof),
    ];
    for (alter, why) in cases {
        let mut answer = good.clone();
        let Settlement::Claim { output, .. } = &mut answer.settlement else { panic!("a claim") };
        assert_ne!(output.to_bytes(), other.to_bytes());
        alter(output);
        assert_eq!(hold_error(s.release(&answer)), why);
    }
    s.release(&good).unwrap();
}

/// A locked claim becomes a transaction only with its secret, and its halves are checked before.
#[test]
fn a_false_half_of_a_locked_claim_is_refused() {
    let mut s = Scene::new();
    let id = s.funded();
    let (t, point) = lock(7);
    let answer = s.answer(&id, Some(point)).unwrap();
    let good = s.release(&answer).unwrap();
    let wrong = Release { partial: good.partial + Scalar::ONE, ..good.clone() };
    let why = HoldError::Session(SessionError::Partial { role: Role::Inviter });
    assert_eq!(hold_error(s.receive(&wrong)), why);
    assert!(s.receive(&good).unwrap().is_none());
    s.complete(&id, &t).unwrap();
}

/// No block takes a kernel whose last height is not on the grid.
#[test]
fn a_consent_ends_on_the_grid() {
    let mut s = Scene::new();
    let id = s.funded();
    let good = s.consent(&id).unwrap();
    let features = KernelFeatures::Plain { fee: Amount::new(CLAIM_FEE), not_after: last(&good).minus(1) };
    assert_eq!(hold_error(s.undo(&Answer { features, ..good.clone() })), HoldError::Kernel);
    s.undo(&good).unwrap();
}
