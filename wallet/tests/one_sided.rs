//! One-sided payments: the receiver is away, and only its address is known.
#![allow(clippy::unwrap_used)]

use crate::support::{Ledger, Person, two};
use sotto_mw::{
    amount::{Amount, Height},
    codec::{Decode as _, Encode as _},
    commitment::Commitment,
    group::Point,
    hash::Hash,
    kernel::KernelFeatures,
    rules::{Verified, check_transaction, connect_transaction, verify_transaction},
    transaction::Transaction,
};
use sotto_wallet::{
    Memo, MemoryStore, Payment, ViewWallet, WalletError, armor,
    coin_selection::{ChangeKind, CoinSelectionError, Decision, Payee, PaymentRequest, Recipient, Spend},
    history::EntryKind,
    keys::{Account, OutputKind, Purpose},
    output_proof::{OutputProof, Prover},
    outputs::OutputStatus,
    proof::PaymentProofError,
    scan::ChainSource as _,
    sessions::{SessionStatus, TxStatus},
    slate::SlateError,
};

const ZERO: Account = Account(0);

/// The kinds of what a wallet has unspent.
fn kinds(person: &Person) -> Vec<&'static str> {
    let unspent = person.wallet.outputs().filter(|o| matches!(o.status, OutputStatus::Unspent { .. }));
    let name = |kind: &OutputKind| match kind {
        OutputKind::Plain => "plain",
        OutputKind::Coinbase => "coinbase",
        OutputKind::OneSided { .. } => "one-sided",
        OutputKind::Hidden { .. } => "hidden",
    };
    let mut all: Vec<_> = unspent.map(|o| name(&o.kind)).collect();
    all.sort_unstable();
    all
}

/// The receiver runs for the first time after the payment, finds it with its reference, and pays on.
#[test]
fn a_receiver_who_was_away_is_paid_and_pays_on() {
    let (mut ledger, mut a, mut b) = two();
    let payment = a.pay_away(vec![b.payee_away(5_000_000)]);
    let body = &payment.get().body;
    assert!(body.outputs.iter().all(|o| o.features.keys().is_some()), "payment and change look alike");
    assert_eq!((body.outputs.len(), body.inputs.len(), body.kernels.len(), body.bonds.len()), (2, 1, 1, 1));
    assert_eq!(body.weight() * 1_000, body.fees().unwrap().units(), "the least fee");
    assert_eq!(a.sent(), [SessionStatus::Signed(TxStatus::Waiting)]);
    ledger.seal(&a.wallet, &[payment]);
    a.scan(&ledger);
    assert_eq!(a.sent(), [SessionStatus::Signed(TxStatus::Confirmed { height: ledger.height() })]);
    assert!(kinds(&a).contains(&"hidden"));

    let report = b.scan(&ledger);
    assert_eq!((report.found, report.found_amount.units()), (1, 5_000_000));
    assert_eq!(b.balance(), [5_000_000, 0, 0, 0, 0]);
    let [entry] = &b.wallet.history()[..] else { panic!() };
    assert_eq!((entry.kind, entry.amount.units()), (EntryKind::Received, 5_000_000));
    assert_eq!(entry.reference.unwrap().to_string(), "INV-2026-17");

    let onward = b.pay_away(vec![a.payee_away(1_000_000)]);
    assert_eq!(onward.get().body.one_sided_inputs.len(), 1);
    ledger.seal(&a.wallet, &[onward]);
    b.scan(&ledger);
    a.scan(&ledger);
    assert_eq!(kinds(&b), ["hidden"]);
    assert!(kinds(&a).contains(&"one-sided"));
    let found = a.wallet.history().into_iter().find(|e| e.kind == EntryKind::Received).unwrap();
    assert_eq!(found.amount.units(), 1_000_000);
}

/// Everything comes back from the words: what was received, hidden change, and what was spent.
#[test]
fn a_restore_finds_received_outputs_and_hidden_change() {
    let (mut ledger, mut a, mut b) = two();
    let payment = a.pay_away(vec![b.payee_away(5_000_000)]);
    ledger.seal(&a.wallet, &[payment]);
    b.scan(&ledger);
    let onward = b.pay_away(vec![a.payee_away(1_000_000)]);
    ledger.seal(&a.wallet, &[onward]);
    for (seed, person) in (70..).zip([&mut a, &mut b]) {
        person.scan(&ledger);
        let mut again = Person::from_words(ledger.chain.clone(), person.wallet.words().clone(), seed);
        again.wallet.restore(Height::new(1), &ledger, &mut |_, _| {}).unwrap();
        assert_eq!(again.wallet.balance(None), person.wallet.balance(None));
        let coins =
            |p: &Person| p.wallet.outputs().map(|o| (o.coin(), o.opening, o.kind)).collect::<Vec<_>>();
        assert_eq!(coins(&again), coins(person), "spent ones too");
        // What was restored can be spent.
        ledger.grow(&person.wallet, 1);
        again.scan(&ledger);
        let all = again.wallet.plan_all(ZERO, person.payee_away(1), &Spend::Fewest).unwrap();
        let all = all.confirm(|_| Decision::Yes).unwrap();
        let swept = again.wallet.pay(all, &mut again.rng).unwrap();
        ledger.seal(&person.wallet, &[swept]);
        again.scan(&ledger);
        person.scan(&ledger);
    }
}

/// A view key shows what was received one-sidedly, and neither change nor anything that spends.
#[test]
fn a_view_key_shows_one_sided_payments() {
    let (mut ledger, mut a, mut b) = two();
    let payment = a.pay_away(vec![b.payee_away(5_000_000)]);
    ledger.seal(&a.wallet, &[payment]);
    b.scan(&ledger);
    let key = b.wallet.view_key(ZERO).unwrap();
    let text = key.to_text();
    let key = sotto_wallet::ViewKey::parse(&text, ledger.chain.params().network).unwrap();
    let mut view = ViewWallet::create(MemoryStore::default(), ledger.chain.clone(), key).unwrap();
    view.scan(&ledger, &mut |_, _| {}).unwrap();
    assert_eq!(view.received().units(), 5_000_000);
    assert_eq!(view.outputs().next().unwrap().reference().unwrap().to_string(), "INV-2026-17");
    let onward = b.pay_away(vec![a.payee_away(1_000_000)]);
    ledger.seal(&a.wallet, &[onward]);
    let mut view = ViewWallet::open(view.into_store()).unwrap();
    view.scan(&ledger, &mut |_, _| {}).unwrap();
    assert_eq!((view.received().units(), view.unspent().units()), (5_000_000, 0), "no change");
}

/// Some recipients respond and others are away, in one transaction; cancelling the invite that holds the bond
/// moves it to a kernel of the payer.
#[test]
fn recipients_who_respond_and_who_are_away_share_a_transaction() {
    for cancel_first in [false, true] {
        let (mut ledger, mut a, mut b) = two();
        let (mut c, mut d) = (ledger.wallet(30), ledger.wallet(40));
        let payees = vec![b.payee(1_000_000), d.payee_away(3_000_000), c.payee(2_000_000)];
        let plan = a.wallet.plan(PaymentRequest::new(ZERO, payees)).unwrap();
        assert!(!plan.is_complete() && plan.change_kind() == ChangeKind::Plain);
        let refused = a.wallet.pay(plan.clone().confirm(|_| Decision::Yes).unwrap(), &mut a.rng);
        assert!(matches!(refused, Err(WalletError::Select(CoinSelectionError::NeedsResponse))));
        let invites = a.wallet.invite(plan.confirm(|_| Decision::Yes).unwrap(), &mut a.rng).unwrap();
        let [to_b, to_c] = &invites[..] else { panic!() };
        assert!(to_b.features.is_bonded() && !to_c.features.is_bonded());
        let (from_b, from_c) = (b.respond(to_b).unwrap(), c.respond(to_c).unwrap());
        assert!(a.wallet.finalize(&from_c, &mut a.rng).unwrap().is_none());
        let away = a.wallet.sessions().find(|s| s.amount().units() == 3_000_000).unwrap();
        assert_eq!(away.status(), SessionStatus::Held);
        let away = away.session();
        assert!(a.wallet.cancel(&away).is_err());
        let payment = if cancel_first {
            a.wallet.cancel(&to_b.session).unwrap();
            a.finalize(&from_c).unwrap()
        } else {
            a.finalize(&from_b).unwrap()
        };
        let body = &payment.get().body;
        assert_eq!((body.bonds.len(), body.kernels.len()), (1, 2));
        assert_eq!(body.kernels.iter().filter(|k| k.features.is_bonded()).count(), 1);
        ledger.seal(&a.wallet, &[payment]);
        [&mut a, &mut b, &mut c, &mut d].into_iter().for_each(|p| {
            p.scan(&ledger);
        });
        let received = |p: &Person| p.balance()[0];
        assert_eq!(
            [received(&b), received(&c), received(&d)],
            [if cancel_first { 0 } else { 1_000_000 }, 2_000_000, 3_000_000]
        );
        let status = a.wallet.sessions().find(|s| s.session() == away).unwrap().status();
        assert_eq!(status, SessionStatus::Signed(TxStatus::Confirmed { height: ledger.height() }));
    }
}

/// One-sided outputs pay interactive recipients too: the first kernel is bonded from the invite on.
#[test]
fn one_sided_outputs_pay_interactively() {
    let (mut ledger, mut a, mut b) = two();
    let payment = a.pay_away(vec![b.payee_away(5_000_000)]);
    ledger.seal(&a.wallet, &[payment]);
    b.scan(&ledger);
    let invite = b.invite(1_000_000, &a);
    assert!(invite.features.is_bonded());
    let response = a.respond(&invite).unwrap();
    let payment = b.finalize(&response).unwrap();
    assert_eq!((payment.get().body.one_sided_inputs.len(), payment.get().body.bonds.len()), (1, 1));
    ledger.seal(&a.wallet, &[payment]);
    b.scan(&ledger);
    assert_eq!(kinds(&b), ["plain"]);
    // Proof of that payment.
    let excess = b.wallet.sessions().find_map(|s| s.excess()).unwrap();
    let inclusion = ledger.inclusion(&excess, ledger.height().get()).unwrap();
    let session = b.wallet.sessions().find(|s| s.is_payer()).unwrap().session();
    let proof = b.wallet.prove(&session, inclusion).unwrap();
    assert_eq!(proof.receiver, a.address());
}

/// An invoice is paid from one-sided outputs by a kernel beside its own; nothing of the payment can be left out.
#[test]
fn one_sided_outputs_pay_invoices() {
    let (mut ledger, mut a, mut b) = two();
    let payment = a.pay_away(vec![b.payee_away(5_000_000)]);
    ledger.seal(&a.wallet, &[payment]);
    b.scan(&ledger);
    a.scan(&ledger);
    let invoice = a.ask(1_000_000, &b);
    let plan = b.wallet.plan_invoice(ZERO, &invoice).unwrap();
    assert!(plan.fee() > invoice.features.fee());
    let (fee, change) = (plan.fee().units(), plan.change().units());
    assert_eq!(1_000_000 + fee + change, 5_000_000);
    let payment = b.wallet.pay_invoice(plan.confirm(|_| Decision::Yes).unwrap(), &mut b.rng).unwrap();
    assert_eq!(Payment::from_bytes(&payment.to_bytes()).as_ref(), Ok(&payment));
    // The receiver refuses what names an output that is not there, or leaves out the bonded part.
    let bare = Payment { bonded: None, ..payment.clone() };
    assert!(matches!(a.collect(&ledger, &bare), Err(WalletError::Slate(SlateError::PayerSignature))));
    let mut other = payment.clone();
    other.bonded.as_mut().unwrap().inputs[0].receiver = other.bonded.as_ref().unwrap().inputs[0].fresh;
    assert!(a.collect(&ledger, &other).is_err());
    // A kernel that is over, or will be, would close the invoice without a payment.
    for not_after in [60, invoice.not_after().get() - 1, invoice.not_after().get() + 60] {
        let mut other = payment.clone();
        let bonded = other.bonded.as_mut().unwrap();
        let (fee, not_after) = (bonded.kernel.features.fee(), Height::new(not_after));
        bonded.kernel.features = KernelFeatures::Bonded { fee, not_after };
        assert!(matches!(a.collect(&ledger, &other), Err(WalletError::Slate(SlateError::PayerKernel))));
    }
    let done = a.collect(&ledger, &payment).unwrap();
    let body = &done.get().body;
    assert_eq!((body.kernels.len(), body.bonds.len(), body.one_sided_inputs.len()), (2, 1, 1));
    assert_eq!(body.fees().unwrap().units(), fee);
    assert!(body.weight() * 1_000 <= fee, "it pays for its weight");
    // Neither kernel balances without the other.
    for left in 0..2 {
        let mut t = done.get().clone();
        let gone = t.body.kernels.remove(left);
        t.body.bonds.remove(&gone.excess);
        let checked = check_transaction(&ledger.chain, t).and_then(|t| verify_transaction(&ledger.chain, t));
        assert!(checked.is_err());
    }
    ledger.seal(&a.wallet, &[done]);
    b.scan(&ledger);
    assert_eq!((kinds(&b), b.balance()[0]), (vec!["plain"], change));
    let paid = b.wallet.history().into_iter().find(|e| e.kind == EntryKind::Sent).unwrap();
    assert_eq!((paid.amount.units(), paid.fee.units()), (1_000_000, fee));
    assert!(matches!(b.paid()[..], [SessionStatus::Signed(TxStatus::Confirmed { .. })]));
}

/// Plain change is smaller, and says so by being plain.
#[test]
fn change_can_be_plain() {
    let (_, mut a, b) = two();
    let request =
        PaymentRequest { change: ChangeKind::Plain, ..PaymentRequest::new(ZERO, vec![b.payee_away(5)]) };
    let plan = a.wallet.plan(request).unwrap();
    let hidden = a.wallet.plan(PaymentRequest::new(ZERO, vec![b.payee_away(5)])).unwrap();
    assert_eq!(hidden.fee().units() - plan.fee().units(), 8_000);
    let payment = a.wallet.pay(plan.confirm(|_| Decision::Yes).unwrap(), &mut a.rng).unwrap();
    let plain = payment.get().body.outputs.iter().filter(|o| o.features.keys().is_none());
    assert_eq!(plain.count(), 1);
}

/// A relocated output is opened by its owner alone.
#[test]
fn an_output_that_was_paid_one_sidedly_is_moved() {
    let (mut ledger, mut a, mut b) = two();
    let payment = a.pay_away(vec![b.payee_away(5_000_000)]);
    ledger.seal(&a.wallet, &[payment]);
    b.scan(&ledger);
    let coin = b.wallet.outputs().next().unwrap().commitment;
    let plan = b.wallet.plan_relocation(ZERO, &coin).unwrap();
    assert_eq!((plan.inputs().len(), plan.amount().units() + plan.fee().units()), (1, 5_000_000));
    let moved = b.wallet.relocate(plan.confirm(|_| Decision::Yes).unwrap(), &mut b.rng).unwrap();
    ledger.seal(&a.wallet, &[moved]);
    b.scan(&ledger);
    assert_eq!(kinds(&b), ["hidden"]);
    assert!(b.wallet.history().iter().any(|e| e.kind == EntryKind::Relocation));
    let gone = b.wallet.plan_relocation(ZERO, &coin);
    assert!(matches!(gone, Err(WalletError::Select(CoinSelectionError::NotFree { .. }))));
}

/// Dust is counted, and neither spent nor merged unasked.
#[test]
fn dust_is_left_alone() {
    let (mut ledger, mut a, mut b) = two();
    let limit = 2 * 18 * 1_000;
    let unmoved = (18 + 30 + 8 + 9 + 18) * 1_000;
    for amount in [limit, limit + 1, unmoved, unmoved + 1] {
        let payment = a.pay_away(vec![b.payee_away(amount)]);
        ledger.seal(&a.wallet, &[payment]);
        ledger.grow(&a.wallet, 1);
        a.scan(&ledger);
    }
    b.scan(&ledger);
    assert_eq!(b.balance()[0], 2 * (limit + unmoved) + 2);
    let spends = |plan: &[sotto_wallet::outputs::OutputRecord]| {
        plan.iter().map(|o| o.opening.amount.units()).collect::<Vec<_>>()
    };
    let all = b.wallet.plan_all(ZERO, a.payee_away(1), &Spend::Fewest).unwrap();
    assert_eq!(spends(all.inputs()), [limit + 1, unmoved, unmoved + 1]);
    let merged = b.wallet.plan_consolidation(ZERO, 10).unwrap();
    assert_eq!(spends(merged.inputs()), [limit + 1, unmoved, unmoved + 1]);
    let movable = b.wallet.movable(ZERO).map(|o| o.opening.amount.units());
    assert_eq!(movable.collect::<Vec<_>>(), [unmoved + 1], "more than moving it and spending it costs");
    let coin = b.wallet.movable(ZERO).next().unwrap().commitment;
    assert!(b.wallet.plan_relocation(ZERO, &coin).is_ok());
    let dust = b.wallet.outputs().find(|o| o.opening.amount == Amount::new(limit)).unwrap().commitment;
    let exactly = Spend::Exactly(vec![dust]);
    let asked = b.wallet.plan_from(PaymentRequest::new(ZERO, vec![a.payee(1)]), &exactly);
    assert!(
        matches!(asked, Err(WalletError::Select(CoinSelectionError::Insufficient { .. }))),
        "it does not even pay for itself"
    );
}

/// A payment to an address without an owner is found by no wallet.
#[test]
fn an_output_to_an_address_that_nobody_has() {
    let (mut ledger, mut a, mut b) = two();
    let nobody = Ledger::with(|p| p.genesis_time = 7).wallet(99);
    let payment = a.pay_away(vec![nobody.payee_away(5_000_000)]);
    ledger.seal(&a.wallet, &[payment]);
    assert_eq!((b.scan(&ledger).found, b.wallet.outputs().count()), (0, 0));
    a.scan(&ledger);
    let change = a
        .wallet
        .outputs()
        .filter(|o| o.purpose == Purpose::Change && matches!(o.status, OutputStatus::Unspent { .. }));
    assert_eq!(change.count(), 1);
}

/// Waiting, undone, expired: a one-sided payment follows the chain as any other.
#[test]
fn a_one_sided_payment_follows_reorganisations_and_expires() {
    let mut ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (10, 5, 4));
    let (mut a, mut b) = (ledger.wallet(10), ledger.wallet(20));
    ledger.grow(&a.wallet, 3);
    a.scan(&ledger);
    let payment = a.pay_away(vec![b.payee_away(5_000_000)]);
    ledger.seal(&a.wallet, &[payment]);
    a.scan(&ledger);
    b.scan(&ledger);
    ledger.undo();
    ledger.grow(&a.wallet, 2);
    a.scan(&ledger);
    b.scan(&ledger);
    assert_eq!(a.sent(), [SessionStatus::Signed(TxStatus::Waiting)]);
    assert_eq!(b.wallet.outputs().count(), 0, "never there");
    let [entry] =
        &a.wallet.history().into_iter().filter(|e| e.kind == EntryKind::Sent).collect::<Vec<_>>()[..]
    else {
        panic!()
    };
    assert_eq!((entry.memo.as_str(), entry.counterparty), ("for the roof", Some(b.address())));
    let before = a.balance();
    let until = a.wallet.sessions().next().unwrap().not_after().get() + ledger.chain.params().reorganisation;
    while ledger.height().get() <= until {
        ledger.grow(&b.wallet, 1);
    }
    a.scan(&ledger);
    assert_eq!(a.sent(), [SessionStatus::Signed(TxStatus::Failed)]);
    assert_eq!((before[3] > 0, a.balance()[3]), (true, 0), "the input is free again");
}

/// Two copies of a wallet whose random sources repeat each other share no bond and no sender's key, and only one of their
/// payments can confirm.
#[test]
fn copies_with_one_random_source_reuse_no_secret() {
    let (mut ledger, mut a, b) = two();
    let mut copy = a.copy(a.installation.clone());
    copy.rng = a.rng.clone();
    let (one, two) = (a.pay_away(vec![b.payee_away(5)]), copy.pay_away(vec![b.payee_away(6)]));
    let keys = |t: &Verified<Transaction>| {
        let body = &t.get().body;
        let senders = body.outputs.iter().filter_map(|o| o.features.keys()).map(|k| k.sender.encoded());
        senders.chain(body.bonds.values().map(|b| b.key.encoded())).collect::<std::collections::BTreeSet<_>>()
    };
    // The change of both has fresh bytes and an index that repeat; its amounts differ, and so do its keys.
    let (one_keys, two_keys) = (keys(&one), keys(&two));
    assert!(one_keys.is_disjoint(&two_keys), "{one_keys:?} {two_keys:?}");
    ledger.seal(&a.wallet, &[one]);
    a.scan(&ledger);
    copy.scan(&ledger);
    assert!(connect_transaction(&ledger.chain, ledger.memory.state(), &two).is_err());
    assert_eq!(a.wallet.balance(None), copy.wallet.balance(None));
}

/// A payee whose reference is not given gets a random one.
#[test]
fn two_payments_without_reference_differ() {
    let (_, mut a, b) = two();
    let payee = |amount| {
        let to = b.address().payment_address().unwrap();
        Payee { recipient: Recipient::OneSided { to, reference: None }, ..b.payee(amount) }
    };
    let payment = a.pay_away(vec![payee(5), payee(5)]);
    let commitments: std::collections::BTreeSet<_> =
        payment.get().body.outputs.iter().map(|o| o.commitment).collect();
    assert_eq!(commitments.len(), 3);
}

/// The payer proves a payment later, when its output is spent; the payee proves one that is not. Each part of a proof
/// is checked.
#[test]
fn one_sided_payments_are_proven_by_payer_and_payee() {
    let (mut ledger, mut a, mut b) = two();
    let payment = a.pay_away(vec![b.payee_away(5_000_000)]);
    ledger.seal(&a.wallet, &[payment]);
    b.scan(&ledger);
    let paid = |a: &Person| a.wallet.sessions().find(|s| s.reference().is_some()).unwrap().session();
    let text = |text: &str| Memo::new(text.to_owned()).unwrap();
    let session = paid(&a);
    let early = a.wallet.prove_output(&session, Memo::default(), &mut a.rng);
    assert!(matches!(early, Err(WalletError::Proof(PaymentProofError::Unconfirmed))));
    a.scan(&ledger);
    let coin = b.wallet.outputs().next().unwrap().commitment;
    let sealed = ledger.sealed_output(&Commitment::from_bytes(&coin.0).unwrap()).unwrap().unwrap();
    let theirs = b.wallet.prove_received(sealed.clone(), text("mine"), &mut b.rng).unwrap();
    assert!(a.wallet.prove_received(sealed, text("mine"), &mut a.rng).is_err(), "not paid to a");
    // The output is spent, and its block is pruned.
    let onward = b.pay_away(vec![a.payee_away(1_000_000)]);
    ledger.seal(&a.wallet, &[onward]);
    let ours = a.wallet.prove_output(&session, text("case 12"), &mut a.rng).unwrap();

    let id = *ledger.chain.id();
    for proof in [&ours, &theirs] {
        let shown = proof.verify(&id).unwrap();
        assert_eq!((shown.amount.units(), shown.reference.to_string()), (5_000_000, "INV-2026-17".into()));
        let armored = armor::to_text(&id, proof);
        assert_eq!(armor::from_text::<OutputProof>(&id, &armored).as_ref(), Ok(proof));
        let refused = |spoil: &dyn Fn(&mut OutputProof)| {
            let mut spoilt = proof.clone();
            spoil(&mut spoilt);
            spoilt.verify(&id).unwrap_err()
        };
        let payment_address = |p: &Person| p.address().payment_address().unwrap();
        assert_eq!(refused(&|p| p.statement = text("case 13")), PaymentProofError::Shared);
        assert_eq!(refused(&|p| p.address = payment_address(&a)), PaymentProofError::Shared);
        assert_eq!(refused(&|p| p.shared = Point::h()), PaymentProofError::Shared);
        let other = |p: Prover| if p == Prover::Payer { Prover::Receiver } else { Prover::Payer };
        assert_eq!(refused(&|p| p.prover = other(p.prover)), PaymentProofError::Shared);
        assert_eq!(refused(&|p| p.sealed.sealed.header.time += 1), PaymentProofError::Seal);
        assert_eq!(refused(&|p| p.sealed.output.rest = Hash::ZERO), PaymentProofError::OutputNotIncluded);
        assert!(matches!(refused(&|p| p.params.genesis_time += 1), PaymentProofError::OtherChain { .. }));
    }
    // Every flipped bit is refused or changes nothing that is shown: the text has one form.
    let bytes = ours.to_bytes();
    for i in (0..8 * bytes.len()).step_by(37) {
        let mut bad = bytes.clone();
        bad[i / 8] ^= 1 << (i % 8);
        assert!(OutputProof::from_bytes(&bad).map_or(true, |p| p.verify(&id).is_err()), "bit {i}");
    }
}

/// A proof shows what its sealed output pays, not what somebody says: an output that the payer made for another, or
/// under another view tag, is not paid to this address.
#[test]
fn a_proof_of_another_output_shows_nothing() {
    let (mut ledger, mut a, b) = two();
    let c = ledger.wallet(30);
    let payment = a.pay_away(vec![b.payee_away(5_000_000), c.payee_away(6_000_000)]);
    ledger.seal(&a.wallet, &[payment]);
    a.scan(&ledger);
    let sessions: Vec<_> = a.wallet.sessions().map(|s| s.session()).collect();
    let [one, two] =
        [0, 1].map(|i| a.wallet.prove_output(&sessions[i], Memo::default(), &mut a.rng).unwrap());
    let id = *ledger.chain.id();
    for (proof, other) in [(&one, &two), (&two, &one)] {
        let swapped = OutputProof { sealed: other.sealed.clone(), ..proof.clone() };
        assert_eq!(swapped.verify(&id), Err(PaymentProofError::Shared));
        let theirs = OutputProof { shared: other.shared, proof: other.proof, ..proof.clone() };
        assert_eq!(theirs.verify(&id), Err(PaymentProofError::Shared));
    }
}
