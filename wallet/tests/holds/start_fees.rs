//! Start fees: paid exactly if the hold is funded, to the unit, whatever becomes of it; and what both sides show of them.

use super::*;
use sotto_mw::{
    codec::{Decode as _, Encode as _},
    error::Rejection,
    rules::{check_transaction, verify_transaction},
};
use sotto_wallet::{
    history::{EntryKind, HistoryEntry},
    hold::Purpose,
    outputs::OutputStatus,
};

const FEE: u64 = 70_000_000;

fn scene() -> Scene {
    Scene { start_fee: FEE, ..Scene::new() }
}

/// The entries of holds: kind, amount, fee.
fn shown(p: &Person) -> Vec<(EntryKind, u64, u64)> {
    let ours = |e: &HistoryEntry| !matches!(e.kind, EntryKind::Reward | EntryKind::Change);
    let all = p.wallet.history().into_iter().filter(ours);
    all.map(|e| (e.kind, e.amount.units(), e.fee.units())).collect()
}

#[test]
fn the_start_fee_is_paid_with_the_funding_and_the_amount_with_the_claim() {
    let mut s = scene();
    let before = s.totals();
    let (id, t) = s.funding();
    let (body, fee) = (&t.get().body, t.get().body.fees().unwrap().units());
    // One kernel: the output of the hold, the start fee, the change.
    assert_eq!((body.inputs.len(), body.outputs.len(), body.kernels.len()), (1, 3, 1));
    assert_eq!(fee, s.ledger.chain.least_fee(body.weight()).unwrap().units());
    // A funding that no block has shows no money.
    assert_eq!(s.seller.balance(), [0; 5]);
    assert_eq!((s.totals()[1], shown(&s.seller)), (0, vec![]));
    s.seal(core::slice::from_ref(&t));
    assert_eq!(s.seller.balance(), [FEE, 0, 0, 0, 0], "free to spend at once");
    assert_eq!(shown(&s.seller), [(EntryKind::StartFee, FEE, 0)]);
    assert_eq!(shown(&s.payer), [(EntryKind::Hold, AMOUNT + FEE, fee)]);
    assert_eq!(s.payer.wallet.balance(None).held.units(), AMOUNT + CLAIM_FEE);
    assert_eq!(s.totals(), [before[0] - fee - FEE, FEE]);
    s.seal(&[]);
    let answer = s.answer(&id, None).unwrap();
    let release = s.release(&answer).unwrap();
    let claim = s.receive(&release).unwrap().unwrap();
    s.seal(&[claim]);
    assert_eq!(s.totals(), [before[0] - fee - FEE - AMOUNT - CLAIM_FEE, FEE + AMOUNT]);
    let paid = [(EntryKind::StartFee, FEE, 0), (EntryKind::Received, AMOUNT, 0)];
    assert_eq!(shown(&s.seller), paid);
    assert_eq!(shown(&s.payer), [(EntryKind::Hold, AMOUNT + FEE, fee + CLAIM_FEE)]);
    // What it was paid it can spend.
    let spent = s.seller.pay(FEE + 1, &mut s.payer);
    s.seal(&[spent]);
    assert_eq!(shown(&s.seller)[..2], paid);
}

/// Whether both undo the hold or a refund ends it, the start fee stays with the seller.
#[test]
fn the_start_fee_does_not_come_back() {
    for refunded in [false, true] {
        let mut s = scene();
        let before = s.totals();
        let (id, t) = s.funding();
        let fee = t.get().body.fees().unwrap().units();
        s.seal(&[t]);
        let end = if refunded {
            let from = s.payer.wallet.held().next().unwrap().offer().terms.refund_from;
            s.grow_to(from.get() - 1);
            s.refund(&id).unwrap()
        } else {
            let consent = s.consent(&id).unwrap();
            s.undo(&consent).unwrap()
        };
        s.seal(&[end]);
        let back = if refunded { REFUND_FEE } else { CLAIM_FEE };
        assert_eq!(s.totals(), [before[0] - fee - FEE - back, FEE]);
        assert_eq!(shown(&s.payer), [(EntryKind::Hold, FEE, fee + back)]);
        assert_eq!(shown(&s.seller), [(EntryKind::StartFee, FEE, 0)]);
    }
}

/// A funding that expires, and a hold that is cancelled: nothing is paid, and nothing is expected.
#[test]
fn without_a_funding_nothing_is_paid() {
    let mut s = scene();
    let (before, all) = (s.payer.balance(), s.totals());
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    s.prove(&join).unwrap();
    s.payer.wallet.holds().cancel(&offer.id).unwrap();
    assert_eq!((s.payer.balance(), s.seller.balance()), (before, [0; 5]));
    let (_, lost) = s.funding();
    let until = lost.get().body.kernels[0].features.window(0).not_after;
    s.grow_to(until.get() + 9);
    assert_eq!((s.totals(), s.seller.balance()), (all, [0; 5]));
    assert!(shown(&s.seller).is_empty());
    let outputs = s.seller.wallet.outputs().count();
    assert_eq!(outputs, 0);
}

#[test]
fn the_start_fee_follows_reorganisations() {
    let mut s = scene();
    let (_, t) = s.funding();
    s.seal(core::slice::from_ref(&t));
    assert_eq!(s.seller.balance()[0], FEE);
    s.ledger.undo();
    s.scan();
    assert_eq!((s.seller.balance(), shown(&s.seller)), ([0; 5], vec![]));
    s.seller = s.seller.copy(s.seller.installation.clone());
    s.seal(&[t]);
    assert_eq!((s.seller.balance()[0], shown(&s.seller)), (FEE, vec![(EntryKind::StartFee, FEE, 0)]));
}

/// The words alone find it; what it was for is in the wallet's file.
#[test]
fn a_restore_from_words_finds_the_start_fee() {
    let mut s = scene();
    s.funded();
    let words = s.seller.wallet.words().clone();
    let mut again = Person::from_words(s.ledger.chain.clone(), words, 77);
    again.wallet.restore(Height::GENESIS, &s.ledger, &mut |_, _| {}).unwrap();
    assert_eq!(again.balance(), s.seller.balance());
    let found: Vec<_> = again.wallet.outputs().map(|o| (o.opening.amount.units(), o.status)).collect();
    assert_eq!(found, [(FEE, OutputStatus::Unspent { created: Height::new(5) })]);
    assert_eq!(shown(&again), [(EntryKind::Found, FEE, 0)]);
    crate::support::same_as_rescanned(&s.seller, s.seller.copy(s.seller.installation.clone()), &s.ledger);
}

/// The payer cannot keep the start fee: the funding balances with the seller's output in it alone.
#[test]
fn a_funding_without_the_start_fee_does_not_balance() {
    let mut s = scene();
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    let prove = s.prove(&join).unwrap();
    let part = s.part(&prove).unwrap();
    let t = s.fund(&part).unwrap();
    let paid = join.start_fee.unwrap().output;
    assert!(t.get().body.outputs.contains(&paid));
    let mut without = t.get().clone();
    without.body.outputs.retain(|o| *o != *paid);
    let refused = check_transaction(&s.ledger.chain, without)
        .and_then(|t| verify_transaction(&s.ledger.chain, t).map(drop));
    assert_eq!(refused.unwrap_err().rule(), Rejection::Unbalanced.rule());
}

#[test]
fn the_start_fee_is_within_the_supply_and_the_wallet_s_money() {
    let s = scene();
    let request = |start_fee| HoldRequest { start_fee: Amount::new(start_fee), ..s.request(3) };
    let plan = s.payer.wallet.plan_hold(request(FEE)).unwrap();
    assert_eq!(
        (plan.terms().to_fund(), plan.terms().held()),
        (Amount::new(AMOUNT + CLAIM_FEE + FEE), Amount::new(AMOUNT + CLAIM_FEE),)
    );
    let linkage = plan.funding().linkage().to_string();
    assert!(linkage.contains("one of the 3 new outputs is your change") && !linkage.contains("recipients"));
    let why = HoldError::Terms("the amount and the start fee are above the supply");
    for start_fee in [u64::MAX, u64::MAX - AMOUNT, 1 << 62] {
        assert_eq!(hold_error(s.payer.wallet.plan_hold(request(start_fee))), why);
    }
    let all = s.payer.balance()[0];
    let refused = s.payer.wallet.plan_hold(request(all)).map(drop).unwrap_err();
    assert!(matches!(refused, WalletError::Select(_)), "{refused}");
}

#[test]
fn letters_of_a_hold_with_a_start_fee_have_one_encoding() {
    let mut s = scene();
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    let (named, consent) = (offer.to_bytes(), join.to_bytes());
    assert_eq!(
        (Offer::from_bytes(&named), Join::from_bytes(&consent)),
        (Ok(offer.clone()), Ok(join.clone()))
    );
    // The byte with the number of refunds says that a start fee follows.
    assert_eq!((named[64], consent[32 + 32 + 160 + 224]), (0x83, 0x83));
    let mut zero = offer.clone();
    zero.terms.start_fee = Amount::ZERO;
    let free = zero.to_bytes();
    assert_eq!((free.len(), free[64]), (named.len() - 8, 3));
    // A start fee of zero is not written.
    let mut written = named.clone();
    written[32 + 49..32 + 57].fill(0);
    assert!(Offer::from_bytes(&written).is_err());
    // Neither is one that is missing, nor one that nothing announces.
    let mut unmarked = consent.clone();
    unmarked[32 + 32 + 160 + 224] = 3;
    assert!(Join::from_bytes(&unmarked).is_err() && Join::from_bytes(&consent[..consent.len() - 1]).is_err());
    // The payer's signature covers it.
    let raised = Offer {
        terms: sotto_wallet::hold::HoldTerms { start_fee: Amount::new(FEE + 1), ..offer.terms },
        ..offer
    };
    assert_eq!(hold_error(s.join(&raised)), HoldError::Reused);
    let other = Offer { id: SessionId([7; 32]), ..raised };
    assert_eq!(hold_error(s.join(&other)), HoldError::PayerSignature);
}

/// What the seller signed with its consent proves the start fee, once the funding is in a block; with no claim.
#[test]
fn a_start_fee_has_a_proof_of_payment() {
    let mut s = scene();
    let id = s.funded();
    let session = Purpose::Funding.session(&id);
    assert_eq!((s.payer.wallet.paid_excess(&id), s.seller.wallet.paid_excess(&session)), (None, None));
    let excess = s.payer.wallet.paid_excess(&session).unwrap();
    let inclusion = s.ledger.inclusion(&excess, s.ledger.height().get()).unwrap();
    let proof = s.payer.wallet.prove(&session, inclusion).unwrap();
    assert_eq!(proof.verify(s.ledger.chain.id()).unwrap().height, s.ledger.height());
    let proven = (proof.receipt.amount.units(), proof.receiver, proof.receipt.memo);
    assert_eq!(proven, (FEE, s.seller.address(), s.request(3).memo.hash()));
    // A hold without one has none.
    let mut s = Scene::new();
    let id = s.funded();
    assert_eq!(s.payer.wallet.paid_excess(&Purpose::Funding.session(&id)), None);
}

/// Copies go on, as with any hold: the same consent again, and the same funding.
#[test]
fn a_restart_repeats_the_consent_with_its_output() {
    let mut s = scene();
    let offer = s.open();
    let join = s.join(&offer).unwrap();
    s.seller = s.seller.copy(s.seller.installation.clone());
    assert_eq!(s.join(&offer).unwrap(), join);
    let prove = s.prove(&join).unwrap();
    s.payer = s.payer.copy(s.payer.installation.clone());
    assert_eq!(s.prove(&join).unwrap(), prove);
    let part = s.part(&prove).unwrap();
    let t = s.fund(&part).unwrap();
    s.payer = s.payer.copy(s.payer.installation.clone());
    assert_eq!(s.fund(&part).unwrap().get(), t.get());
    s.seal(&[t]);
    assert_eq!(s.seller.balance()[0], FEE);
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// Known answers: `vectors/start_fee.json`, which `vectors/check.py` reads without this code.
/// `SOTTO_VECTORS=write` writes the file.
#[test]
fn letters_with_a_start_fee_are_as_documented() {
    let letters = |mut s: Scene| {
        let offer = s.open();
        let join = s.join(&offer).unwrap();
        let prove = s.prove(&join).unwrap();
        let part = s.part(&prove).unwrap();
        let t = s.fund(&part).unwrap();
        let json = sotto_vectors::json!({
            "start_fee": s.start_fee.to_string(), "offer": hex(offer.to_bytes()), "join": hex(join.to_bytes()),
            "funding": hex(t.get().to_bytes()),
        });
        (json, hex(s.ledger.chain.id().as_bytes()))
    };
    let ((with, chain), (without, same)) = (letters(scene()), letters(Scene::new()));
    assert_eq!(chain, same);
    let subject = sotto_vectors::json!({
        "about": "offer, consent and funding of a hold that pays a start fee, and of one that pays none",
        "chain_id": chain, "with": with, "without": without,
    });
    let (file, text) = (sotto_vectors::file("start_fee"), sotto_vectors::render(&subject));
    if std::env::var("SOTTO_VECTORS").is_ok_and(|v| v == "write") {
        std::fs::write(&file, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).is_ok_and(|found| found == text),
        "start_fee.json differs from what the code gives"
    );
}
