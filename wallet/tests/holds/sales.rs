//! What a sale needs of holds: claims that end together, a locked claim that third parties verify, when work may begin, and
//! a secret that is public.

use super::*;
use sotto_mw::{
    codec::{Decode as _, Encode as _},
    kernel::{Excess, KernelFeatures, Window},
    session::{Nonces, Participant, Role, Session, Share, Shares},
};
use sotto_wallet::hold::{ClaimLock, LockedClaim, Promised, Settlement};

impl Scene {
    fn answer_with(&mut self, id: &SessionId, point: Point, until: Height) -> Result<Answer, WalletError> {
        let lock = ClaimLock { point, until };
        self.seller.wallet.holds().answer_with(id, lock, &mut self.seller.rng)
    }

    fn seen(&self) -> [Option<LockedClaim>; 2] {
        let chain = &self.ledger.chain;
        [&self.payer, &self.seller].map(|p| p.wallet.held().next().and_then(|h| h.locked_claim(chain)))
    }

    fn latest(&self) -> Height {
        let terms = self.seller.wallet.held().next().unwrap().offer().terms;
        terms.claim_expiry(&self.ledger.chain, self.ledger.height().next())
    }
}

#[test]
fn claims_of_one_lock_end_at_the_height_that_was_named() {
    let mut s = Scene::new();
    let id = s.funded();
    let (point, latest) = (lock(7).1, s.latest());
    for until in [latest.plus(4), latest.minus(1)] {
        assert_eq!(
            hold_error(s.answer_with(&id, point, until)),
            HoldError::LastHeight { until, latest },
            "no block takes it yet, or it is not on the grid"
        );
    }
    let soon = Height::new(s.ledger.height().get().next_multiple_of(4) + 4);
    assert!(matches!(hold_error(s.answer_with(&id, point, soon)), HoldError::Late { .. }));
    let named = latest.minus(4);
    let first = s.answer_with(&id, point, named).unwrap();
    assert_eq!(last(&first), named);
    assert_eq!(s.answer_with(&id, point, named).unwrap(), first);
    assert_eq!(hold_error(s.answer_with(&id, point, latest)), HoldError::OtherHeight { found: named });
    assert!(matches!(hold_error(s.answer_with(&id, lock(8).1, named)), HoldError::Stage { .. }));
    // Once it is too late to publish it, a later one takes its place.
    s.grow_to(named.minus(16).get());
    let later = s.latest();
    assert_eq!(last(&s.answer_with(&id, point, later).unwrap()), later);
}

#[test]
fn a_locked_claim_shows_what_it_will_reveal() {
    let mut s = Scene::new();
    let id = s.funded();
    let (t, point) = lock(7);
    let answer = s.answer(&id, Some(point)).unwrap();
    assert_eq!(s.seen(), [None, None]);
    let release = s.release(&answer).unwrap();
    let [Some(claim), None] = s.seen() else { panic!("{:?}", s.seen()) };
    assert!(s.receive(&release).unwrap().is_none());
    assert_eq!(s.seen(), [Some(claim), Some(claim)]);
    assert!(claim.holds(&s.ledger.chain));
    assert!(!claim.holds(&two().0.chain), "on another chain");
    assert_eq!((claim.lock(), claim.until()), (&point, last(&answer)));
    assert_eq!(claim.consent_by(&s.ledger.chain), last(&answer).minus(16).minus(4));
    let bytes = claim.to_bytes();
    assert_eq!(LockedClaim::from_bytes(&bytes), Ok(claim));
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let holds = LockedClaim::from_bytes(&altered).is_ok_and(|claim| claim.holds(&s.ledger.chain));
        assert!(!holds, "byte {at}");
    }
    let done = s.complete(&id, &t).unwrap();
    let kernel = &done.get().body.kernels[0];
    assert_eq!((claim.excess(), claim.reveals(kernel)), (kernel.excess, Some(t)));
    let mut other = kernel.clone();
    other.excess = Excess::from_point(Point::h());
    assert_eq!(claim.reveals(&other), None);
    // A claim without a lock reveals nothing.
    let mut s = Scene::new();
    let id = s.funded();
    let answer = s.answer(&id, None).unwrap();
    s.release(&answer).unwrap();
    assert_eq!(s.seen(), [None, None]);
}

/// The window of any other kind does not end where a claim's does, or begins later.
#[test]
fn a_locked_claim_is_a_plain_kernel() {
    let chain = Scene::new().ledger.chain;
    let made = |features: KernelFeatures| {
        let session = SessionId([3; 32]);
        let party = |role, seed| {
            let rng = &mut ChaCha20Rng::seed_from_u64(seed);
            let x = SecretScalar::random(rng);
            let nonces = Nonces::generate(&x, &[], rng);
            let place = Participant { chain: chain.id(), session: &session, role };
            let share = Share::new(&place, &x, &nonces, rng);
            (x, nonces, share)
        };
        let ((x, nonces, inviter), (y, others, responder)) =
            (party(Role::Inviter, 1), party(Role::Responder, 2));
        let shares = Shares { inviter, responder };
        let session = Session::new(chain.id(), &session, features.message(chain.id()), shares).unwrap();
        let session = session.with_adaptor(&lock(7).1).unwrap();
        let [z, w] = [session.sign(Role::Inviter, &x, nonces), session.sign(Role::Responder, &y, others)]
            .map(Result::unwrap);
        let signature = session.combine(&z, &w).unwrap();
        let bytes = [features.to_bytes(), session.key().to_bytes(), signature.to_bytes()].concat();
        LockedClaim::from_bytes(&bytes).unwrap().holds(&chain)
    };
    let (fee, not_after) = (Amount::new(1), Height::new(60));
    assert!(made(KernelFeatures::Plain { fee, not_after }));
    let window = Window { not_before: Height::new(50), not_after };
    assert!(!made(KernelFeatures::HeightRanged { fee, window }));
}

#[test]
fn work_begins_when_the_money_is_there_deep_enough_and_for_long_enough() {
    let mut s = Scene::new();
    let (seller, other) = (s.seller.address(), s.payer.address());
    let memo = s.request(3).memo;
    let (amount, start_fee) = (Amount::new(AMOUNT), Amount::ZERO);
    let promised = Promised { seller: &seller, amount, start_fee, blocks: 10, confirmations: 2, memo: &memo };
    let ready = |s: &mut Scene, promised: &Promised<'_>| s.seller.wallet.holds().ready(promised);
    let refused = |s: &mut Scene, promised: &Promised<'_>| hold_error(ready(s, promised));
    assert_eq!(refused(&mut s, &promised), HoldError::Unknown);
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    assert!(matches!(refused(&mut s, &promised), HoldError::Stage { found: "joined", .. }));
    let prove = s.prove(&join).unwrap();
    let part = s.part(&prove).unwrap();
    assert_eq!(refused(&mut s, &promised), HoldError::NotBuried { found: 0, needed: 2 });
    let funding = s.fund(&part).unwrap();
    s.seal(&[funding]);
    assert_eq!(refused(&mut s, &promised), HoldError::NotBuried { found: 1, needed: 2 });
    s.seal(&[]);
    assert_eq!(ready(&mut s, &promised).unwrap(), offer.id);

    let more = Amount::new(AMOUNT + 1);
    for less in [
        Promised { amount: more, ..promised },
        Promised { blocks: 11, ..promised },
        Promised { confirmations: 3, ..promised },
        Promised { start_fee: Amount::new(1), ..promised },
    ] {
        assert!(matches!(refused(&mut s, &less), HoldError::Terms(_)), "{less:?}");
    }
    let another = Memo::new("another".into()).unwrap();
    assert_eq!(refused(&mut s, &Promised { memo: &another, ..promised }), HoldError::Unknown);
    assert_eq!(refused(&mut s, &Promised { seller: &other, ..promised }), HoldError::Unknown);

    // H_r − grid − M − (D − d).
    let until = offer.terms.refund_from.minus(4).minus(16).minus(8);
    s.grow_to(until.get() - 1);
    assert!(ready(&mut s, &promised).is_ok());
    s.seal(&[]);
    assert_eq!(refused(&mut s, &promised), HoldError::LateToBegin { until, next: until.next() });
}

#[test]
fn work_does_not_begin_while_the_money_can_go_back() {
    let mut s = Scene::new();
    let (seller, memo) = (s.seller.address(), s.request(3).memo);
    let (amount, start_fee) = (Amount::new(AMOUNT), Amount::ZERO);
    let promised = Promised { seller: &seller, amount, start_fee, blocks: 10, confirmations: 2, memo: &memo };
    let id = s.funded();
    assert_eq!(s.seller.wallet.holds().ready(&promised).unwrap(), id);
    let consent = s.consent(&id).unwrap();
    let until = last(&consent).plus(8);
    assert_eq!(hold_error(s.seller.wallet.holds().ready(&promised)), HoldError::UndoOpen { until });
    let undo = s.undo(&consent).unwrap();
    s.seal(&[undo]);
    assert!(matches!(hold_error(s.seller.wallet.holds().ready(&promised)), HoldError::Ended { .. }));
}

/// One payee claimed, and another learns the secret from the block when it would not publish first any more.
#[test]
fn a_secret_that_is_public_is_used_up_to_the_last_height() {
    let mut s = Scene::new();
    let (id, answer, t) = s.locked();
    s.consent(&id).unwrap();
    assert!(matches!(hold_error(s.complete(&id, &t)), HoldError::UndoOpen { .. }));
    let (h_c, by) = (last(&answer), last(&answer).minus(16));
    s.grow_to(by.get());
    assert_eq!(hold_error(s.complete(&id, &t)), HoldError::Late { until: by, next: by.next() });
    let wrong = lock(8).0;
    let other = s.seller.wallet.holds().complete_public(&id, &wrong, &mut s.seller.rng);
    assert_eq!(hold_error(other), HoldError::Secret);
    s.grow_to(h_c.get() - 1);
    let claim = s.seller.wallet.holds().complete_public(&id, &t, &mut s.seller.rng).unwrap();
    s.seal(&[claim]);
    assert_eq!(s.stages(), ["claimed", "claimed"]);
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// Known answers: `vectors/locked_claim.json`, which `vectors/check.py` reads without this code.
/// `SOTTO_VECTORS=write` writes the file.
#[test]
fn a_locked_claim_is_as_documented() {
    let mut s = Scene::new();
    let (id, _, t) = s.locked();
    let [_, Some(claim)] = s.seen() else { panic!("{:?}", s.seen()) };
    let done = s.complete(&id, &t).unwrap();
    let subject = sotto_vectors::json!({
        "about": "a claim of a hold that both sides signed and that its lock keeps incomplete, and the kernel that reveals t",
        "chain_id": hex(s.ledger.chain.id().as_bytes()), "claim": hex(claim.to_bytes()),
        "kernel": hex(done.get().body.kernels[0].to_bytes()), "t": hex(*t.to_bytes()),
    });
    let (file, text) = (sotto_vectors::file("locked_claim"), sotto_vectors::render(&subject));
    if std::env::var("SOTTO_VECTORS").is_ok_and(|v| v == "write") {
        std::fs::write(&file, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).is_ok_and(|found| found == text),
        "locked_claim.json differs from what the code gives"
    );
}

#[test]
fn a_claim_is_checked_before_it_is_agreed_on() {
    let mut s = Scene::new();
    let (id, point) = (s.funded(), lock(7).1);
    let answer = s.answer(&id, Some(point)).unwrap();
    let check = |s: &mut Scene, letter: &Answer| s.payer.wallet.holds().check_claim(letter);
    check(&mut s, &answer).unwrap();
    assert_eq!(s.stages(), ["funded", "answered"], "nothing is signed");
    let mut other = answer.clone();
    other.signed.partial = answer.signed.offset;
    assert!(matches!(hold_error(check(&mut s, &other)), HoldError::Session(_)));
    let mut other = answer.clone();
    let Settlement::Claim { receipt, .. } = &mut other.settlement else { panic!() };
    *receipt = s.payer.wallet.held().next().unwrap().offer().signature;
    assert_eq!(hold_error(check(&mut s, &other)), HoldError::Receipt);
    let release = s.release(&answer).unwrap();
    let shown = |p: &Person| p.wallet.held().next().unwrap().release().cloned();
    assert_eq!((shown(&s.payer), shown(&s.seller)), (Some(release.clone()), None));
    s.receive(&release).unwrap();
    assert_eq!(shown(&s.seller), Some(release));
    check(&mut s, &answer).unwrap();
}

#[test]
fn a_seller_knows_how_long_its_consent_can_undo() {
    let mut s = Scene::new();
    let id = s.funded();
    let until = |s: &Scene| s.seller.wallet.held().next().unwrap().undo_until(&s.ledger.chain);
    assert_eq!(until(&s), None);
    let consent = s.consent(&id).unwrap();
    assert_eq!(until(&s), Some(last(&consent).plus(8)), "a reorganisation of K = 8 included");
}

#[test]
fn an_offer_fits_what_was_promised() {
    let mut s = Scene { start_fee: 70, ..Scene::new() };
    s.funded();
    let offer = s.seller.wallet.held().next().unwrap().offer().clone();
    let (seller, memo) = (offer.seller, offer.memo.clone());
    let (amount, blocks, confirmations) = (offer.terms.amount, offer.terms.blocks, offer.terms.confirmations);
    let start_fee = offer.terms.start_fee;
    let promised = Promised { seller: &seller, amount, start_fee, blocks, confirmations, memo: &memo };
    promised.fits(&offer).unwrap();
    let (other, stranger) = (Memo::new("another".to_owned()).unwrap(), offer.payer);
    let more = Amount::new(amount.units() + 1);
    for not in [
        Promised { memo: &other, ..promised },
        Promised { seller: &stranger, ..promised },
        Promised { amount: more, ..promised },
        Promised { start_fee: Amount::new(69), ..promised },
        Promised { start_fee: Amount::new(71), ..promised },
        Promised { blocks: blocks + 1, ..promised },
        Promised { confirmations: confirmations + 1, ..promised },
    ] {
        assert!(matches!(not.fits(&offer), Err(HoldError::Terms(_))), "{not:?}");
    }
}
