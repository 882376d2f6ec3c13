//! Payments that the receiver begins: every altered, repeated or foreign message is refused, and nothing is
//! lost.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod strangers;

use crate::support::{Ledger, Person, fee, two};
use proptest::prelude::*;
use sotto_mw::{
    amount::{Amount, Height},
    codec::{Decode, Encode},
    commitment::Commitment,
    group::{Point, Scalar},
    kernel::KernelFeatures,
    output::{Extra, OutputFeatures},
    range_proof::RangeProof,
    schnorr::{PublicKey, Signature},
    session::{Role, SessionError, SessionId},
};
use sotto_wallet::{
    WalletError,
    coin_selection::{CoinSelectionError, Decision},
    keys::Account,
    nonce_vault::Installation,
    sessions::{SessionStatus, TxStatus},
    slate::{Invoice, InvoiceRequest, Memo, Payment, SlateError},
};

const REWARD: u64 = 6_000_000_000;
const FEE: u64 = fee(4, 2, 1);

fn refusal<T>(r: Result<T, WalletError>) -> SlateError {
    match r {
        Err(WalletError::Slate(e)) => e,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("accepted"),
    }
}

fn tamper<T: Clone>(x: &T, f: impl FnOnce(&mut T)) -> T {
    let mut x = x.clone();
    f(&mut x);
    x
}

fn shifted(s: Signature) -> Signature {
    Signature::from_bytes(&tamper(&s.to_bytes(), |b| b[32] ^= 1)).unwrap()
}

fn flipped(p: &RangeProof) -> RangeProof {
    RangeProof::from_bytes(&tamper(p.as_bytes(), |b| b[300] ^= 1))
}

#[test]
fn ask_pay_collect() {
    let (mut ledger, mut a, mut b) = two();
    let invoice = b.ask(5_000_000, &a);
    // An invoice promises nothing and locks nothing.
    assert_eq!(b.balance(), [0; 5]);
    let payment = a.pay_invoice(&invoice).unwrap();
    assert_eq!(a.balance(), [0, 2 * REWARD, 0, REWARD, REWARD - 5_000_000 - FEE]);
    let t = b.collect(&ledger, &payment).unwrap();
    assert_eq!(t.get().body.fees().unwrap().units(), FEE);
    assert_eq!(b.balance(), [0, 0, 5_000_000, 0, 0]);
    ledger.seal(&a.wallet, &[t]);
    a.scan(&ledger);
    b.scan(&ledger);
    assert_eq!(b.balance(), [5_000_000, 0, 0, 0, 0]);
    assert_eq!(a.wallet.balance(None).total().units(), 4 * REWARD + FEE - 5_000_000 - FEE);
    let confirmed = |s: &SessionStatus| matches!(s, SessionStatus::Signed(TxStatus::Confirmed { .. }));
    assert!(a.paid().iter().all(confirmed));
    assert!(b.issued().iter().all(confirmed));
    // Without change, and with a fee for fewer outputs than are needed.
    let ask = InvoiceRequest { inputs: 1, ..b.asking(1, &a) };
    let exact = InvoiceRequest { amount: Amount::new(REWARD - fee(1, 2, 1)), ..ask.clone() };
    let invoice = b.wallet.create_invoice(Account(0), exact, &mut b.rng).unwrap();
    let bill = a.wallet.plan_invoice(Account(0), &invoice).unwrap();
    assert_eq!((bill.inputs().len(), bill.change()), (1, Amount::ZERO));
    ledger.grow(&a.wallet, 4);
    a.scan(&ledger);
    let two_inputs = InvoiceRequest { amount: Amount::new(2 * REWARD - fee(4, 2, 1) - 4_000), ..ask };
    let invoice = b.wallet.create_invoice(Account(0), two_inputs, &mut b.rng).unwrap();
    let error = a.wallet.plan_invoice(Account(0), &invoice).unwrap_err();
    assert!(matches!(error, WalletError::Select(CoinSelectionError::FeeTooLow { inputs: 2, .. })), "{error}");
}

/// What a payer refuses at once.
#[test]
fn a_payer_refuses_altered_invoices() {
    let (ledger, a, mut b) = two();
    let good = b.ask(1_000_000, &a);
    let refused = |f: &dyn Fn(&mut Invoice)| refusal(a.wallet.plan_invoice(Account(0), &tamper(&good, f)));
    let not_after = good.not_after();
    let plain = |fee, not_after| KernelFeatures::Plain { fee: Amount::new(fee), not_after };
    assert_eq!(refused(&|i| i.session = SessionId([1; 32])), SlateError::InvoiceReceipt);
    assert_eq!(refused(&|i| i.amount = Amount::ZERO), SlateError::AmountRange);
    assert_eq!(refused(&|i| i.amount = Amount::new(999_999)), SlateError::InvoiceOutput);
    assert_eq!(refused(&|i| i.features = plain(FEE + 1, not_after)), SlateError::InvoiceReceipt);
    assert_eq!(refused(&|i| i.features = plain(FEE, not_after.minus(60))), SlateError::InvoiceReceipt);
    let (least, most) = (fee(0, 1, 1), fee(256, 2, 1));
    let low = SlateError::FeeTooLow { fee: Amount::new(least - 1), least: Amount::new(least) };
    assert_eq!(refused(&|i| i.features = plain(least - 1, not_after)), low);
    let high = SlateError::FeeTooHigh { fee: Amount::new(most + 1), most: Amount::new(most) };
    assert_eq!(refused(&|i| i.features = plain(most + 1, not_after)), high);
    assert_eq!(refused(&|i| i.features = plain(most, not_after)), SlateError::InvoiceReceipt, "no higher");
    let expired = SlateError::Expired { not_after: Height::GENESIS, next: Height::new(4) };
    assert_eq!(refused(&|i| i.features = plain(FEE, Height::GENESIS)), expired);
    assert_eq!(refused(&|i| i.share.key = PublicKey::from_point(Point::h())), SlateError::InvoiceOutput);
    assert_eq!(refused(&|i| i.offset += Scalar::ONE), SlateError::InvoiceOutput);
    let h = Commitment::from_point(Point::h());
    assert_eq!(refused(&|i| i.output.commitment = h), SlateError::InvoiceOutput);
    assert_eq!(refused(&|i| i.output.features = OutputFeatures::Coinbase), SlateError::InvoiceOutput);
    assert_eq!(refused(&|i| i.output.proof = flipped(&i.output.proof)), SlateError::InvoiceProof);
    assert_eq!(refused(&|i| i.receiver = a.address()), SlateError::InvoiceReceipt);
    assert_eq!(refused(&|i| i.payer = Some(i.receiver)), SlateError::NotForUs);
    assert_eq!(refused(&|i| i.payer = None), SlateError::InvoiceReceipt);
    assert_eq!(refused(&|i| i.memo = Memo::default()), SlateError::InvoiceReceipt);
    assert_eq!(refused(&|i| i.receipt = shifted(i.receipt)), SlateError::InvoiceReceipt);
    let there = crate::support::on_main;
    assert_eq!(refused(&|i| i.receiver = there(&i.receiver)), SlateError::InviterNetwork);
    assert!(a.wallet.plan_invoice(Account(0), &good).is_ok());
    drop(ledger);
}

/// The signing session binds nonces and possession; the payer detects wrong ones when it signs.
#[test]
fn a_payer_signs_for_no_share_without_possession() {
    let (_, mut a, mut b) = two();
    let good = b.ask(1_000_000, &a);
    let bad = tamper(&good, |i| i.share.possession = shifted(i.share.possession));
    let possession = SessionError::Possession { role: Role::Inviter };
    assert_eq!(refusal(a.pay_invoice(&bad)), possession.into());
    assert_eq!(a.balance()[3], 0);
    assert_eq!(a.paid().len(), 0);
}

#[test]
fn a_receiver_refuses_altered_payments() {
    let (mut ledger, mut a, mut b) = two();
    ledger.grow(&a.wallet, 2);
    a.scan(&ledger);
    let invoice = b.ask(1_000_000, &a);
    let good = a.pay_invoice(&invoice).unwrap();
    let responder = Role::Responder;
    let partial: SlateError = SessionError::Partial { role: responder }.into();
    let possession: SlateError = SessionError::Possession { role: responder }.into();
    type Alter<'a> = &'a dyn Fn(&mut Payment);
    let cases: [(Alter<'_>, SlateError); 9] = [
        (&|p| p.session = SessionId([1; 32]), SlateError::UnknownSession),
        (&|p| p.invoice = sotto_mw::hash::Hash::ZERO, SlateError::InviteAltered),
        (&|p| p.share.key = PublicKey::from_point(Point::h()), possession.clone()),
        (&|p| p.share.possession = shifted(p.share.possession), possession),
        (&|p| p.share.hiding = Point::h(), partial.clone()),
        (&|p| p.share.binding = Point::h(), partial.clone()),
        (&|p| p.partial += Scalar::ONE, partial),
        (&|p| p.change.as_mut().unwrap().features = OutputFeatures::Coinbase, SlateError::PayerChange),
        (&|p| p.change.as_mut().unwrap().extra = Extra::new(vec![1]).unwrap(), SlateError::PayerChange),
    ];
    for (n, (alter, reason)) in cases.into_iter().enumerate() {
        assert_eq!(refusal(b.collect(&ledger, &tamper(&good, alter))), reason, "{n}");
    }
    let sums: [Alter<'_>; 5] = [
        &|p| p.offset += Scalar::ONE,
        &|p| p.inputs = vec![],
        &|p| p.inputs.push(p.inputs[0]),
        &|p| p.change = None,
        &|p| {
            let change = p.change.as_mut().unwrap();
            change.proof = flipped(&change.proof);
        },
    ];
    // The signature of a named payer covers all of this, so the sums are tested where no payer is named.
    for (n, alter) in sums.iter().enumerate() {
        assert_eq!(refusal(b.collect(&ledger, &tamper(&good, alter))), SlateError::PayerSignature, "{n}");
    }
    let ask = InvoiceRequest { payer: None, ..b.asking(1_000_000, &a) };
    let open = b.wallet.create_invoice(Account(0), ask, &mut b.rng).unwrap();
    let unsigned = a.pay_invoice(&open).unwrap();
    for (n, alter) in sums.into_iter().enumerate() {
        let error = refusal(b.collect(&ledger, &tamper(&unsigned, alter)));
        assert!(matches!(error, SlateError::PayerPart(_)), "{n}: {error}");
    }
    assert_eq!(b.balance(), [0; 5]);
    assert!(b.collect(&ledger, &good).is_ok());
    assert!(b.collect(&ledger, &unsigned).is_ok());
}

#[test]
fn repeated_messages_get_the_same_answer() {
    let (ledger, mut a, mut b) = two();
    let invoice = b.ask(1_000, &a);
    let mut twin = a.copy(Installation::in_memory([5; 32]));
    let (payment, other) = (a.pay_invoice(&invoice).unwrap(), twin.pay_invoice(&invoice).unwrap());
    assert_ne!(payment, other);
    assert_eq!(a.wallet.payment_for(&invoice), Some(&payment));
    // A paid invoice is never planned for again; neither is another invoice with the same session.
    assert_eq!(refusal(a.pay_invoice(&invoice)), SlateError::SessionReused);
    let t = b.collect(&ledger, &payment).unwrap();
    assert_eq!(b.collect(&ledger, &payment).unwrap().get(), t.get());
    assert_eq!(refusal(b.collect(&ledger, &other)), SlateError::AnsweredTwice);
    let mut b = b.copy(b.installation.clone());
    assert_eq!(b.collect(&ledger, &payment).unwrap().get(), t.get());
    assert_eq!(refusal(b.collect(&ledger, &other)), SlateError::AnsweredTwice);
}

/// An old wallet file under its installation collects the same payment or nothing; a copy elsewhere cannot
/// collect.
#[test]
fn nonces_are_used_once_whatever_becomes_of_the_file() {
    let (ledger, mut a, mut b) = two();
    let invoice = b.ask(1_000, &a);
    let mut twin = a.copy(Installation::in_memory([5; 32]));
    let (payment, other) = (a.pay_invoice(&invoice).unwrap(), twin.pay_invoice(&invoice).unwrap());
    let (mut old, mut copy) = (b.copy(b.installation.clone()), b.copy(Installation::in_memory([5; 32])));
    assert_eq!(refusal(copy.collect(&ledger, &payment)), SlateError::ForeignInstallation);
    assert!(matches!(refusal(copy.wallet.cancel(&invoice.session)), SlateError::MayHaveLeft { .. }));
    let t = b.collect(&ledger, &payment).unwrap();
    assert_eq!(refusal(old.collect(&ledger, &other)), SlateError::AnsweredTwice);
    assert!(matches!(refusal(old.wallet.cancel(&invoice.session)), SlateError::HasLeft { .. }));
    assert_eq!(old.collect(&ledger, &payment).unwrap().get().to_bytes(), t.get().to_bytes());
}

/// An old wallet file of the payer under its installation pays nothing twice.
#[test]
fn an_old_wallet_file_pays_no_invoice_twice() {
    let (_, mut a, mut b) = two();
    let invoice = b.ask(1_000, &a);
    let mut old = a.copy(a.installation.clone());
    a.pay_invoice(&invoice).unwrap();
    assert_eq!(refusal(old.pay_invoice(&invoice)), SlateError::PaidBefore);
    assert_eq!(old.balance()[3], 0);
}

/// A wallet refuses a session that it began or answered itself.
#[test]
fn one_session_is_one_payment() {
    let (_, mut a, mut b) = two();
    let (invite, invoice) = (a.invite(1_000, &b), b.ask(2_000, &a));
    let ask = Invoice { session: invite.session, ..invoice.clone() };
    assert_eq!(refusal(a.pay_invoice(&ask)), SlateError::SessionReused);
    let pay = sotto_wallet::slate::Invite { session: invoice.session, ..invite };
    assert_eq!(refusal(b.respond(&pay)), SlateError::SessionReused);
}

/// The register is written first: if the wallet file cannot be written, only the same payment can be
/// collected later.
#[test]
fn a_crash_at_any_write_loses_nothing() {
    let (ledger, mut a, mut b) = two();
    let full = |p: &Person, is: bool| p.wallet.store().full.set(is);
    full(&b, true);
    let ask = b.asking(1_000, &a);
    assert!(matches!(b.wallet.create_invoice(Account(0), ask, &mut b.rng), Err(WalletError::Store(_))));
    assert_eq!(b.issued().len(), 0);
    full(&b, false);
    let invoice = b.ask(1_000, &a);
    full(&a, true);
    assert!(matches!(a.pay_invoice(&invoice), Err(WalletError::Store(_))));
    assert_eq!((a.balance()[3], a.paid().len()), (0, 0));
    full(&a, false);
    // The register notes the payment, but the wallet could not store it: no signature has left, and none ever
    // will.
    assert_eq!(refusal(a.pay_invoice(&invoice)), SlateError::PaidBefore);
    let invoice = b.ask(1_000, &a);
    let payment = a.pay_invoice(&invoice).unwrap();
    full(&b, true);
    assert!(matches!(b.collect(&ledger, &payment), Err(WalletError::Store(_))));
    full(&b, false);
    assert!(matches!(refusal(b.wallet.cancel(&invoice.session)), SlateError::HasLeft { .. }));
    assert!(b.collect(&ledger, &payment).is_ok());
    assert_eq!(b.balance(), [0, 0, 1_000, 0, 0]);
}

#[test]
fn cancelling_is_free_for_who_asks_and_not_for_who_has_paid() {
    let (mut ledger, mut a, mut b) = two();
    let invoice = b.ask(1_000, &a);
    let payment = a.pay_invoice(&invoice).unwrap();
    let until = Height::new(2_160);
    assert_eq!(refusal(a.wallet.cancel(&invoice.session)), SlateError::HasLeft { until });
    b.wallet.cancel(&invoice.session).unwrap();
    b.wallet.cancel(&invoice.session).unwrap();
    assert_eq!(refusal(b.collect(&ledger, &payment)), SlateError::Cancelled);
    let other = b.ask(1_000, &a);
    b.wallet.cancel(&other.session).unwrap();
    drop(ledger.wallet(3));
    ledger.grow(&b.wallet, 1);
    a.scan(&ledger);
    assert!(a.balance()[3] > 0);
}

#[test]
fn what_was_paid_and_never_collected_is_free_after_its_last_chance() {
    let mut ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (6, 3, 2));
    let (mut a, mut b, miner) = (ledger.wallet(10), ledger.wallet(20), ledger.wallet(30));
    ledger.grow(&a.wallet, 4);
    ledger.grow(&miner.wallet, 1);
    a.scan(&ledger);
    b.scan(&ledger);
    let before = a.wallet.balance(None).total();
    let invoice = b.ask(1_000, &a);
    a.pay_invoice(&invoice).unwrap();
    ledger.grow(&miner.wallet, (invoice.not_after().get() + 2 - 5) as usize);
    a.scan(&ledger);
    assert!(a.balance()[3] > 0);
    ledger.grow(&miner.wallet, 1);
    a.scan(&ledger);
    b.scan(&ledger);
    assert_eq!((a.balance()[3], a.balance()[4], a.wallet.balance(None).total()), (0, 0, before));
    assert_eq!(b.issued(), [SessionStatus::Expired]);
    assert_eq!(b.copy(b.installation.clone()).issued(), [SessionStatus::Expired]);
}

/// The last block that can contain a payment is the last before which it is made or collected.
#[test]
fn an_invoice_is_paid_and_collected_until_its_last_height() {
    let mut ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (6, 3, 2));
    let (mut a, mut b, miner) = (ledger.wallet(10), ledger.wallet(20), ledger.wallet(30));
    ledger.grow(&a.wallet, 6);
    ledger.grow(&miner.wallet, 3);
    a.scan(&ledger);
    b.scan(&ledger);
    let (one, two) = (b.ask(1_000, &a), b.ask(2_000, &a));
    let late = a.wallet.plan_invoice(Account(0), &two).unwrap().confirm(|_| Decision::Yes).unwrap();
    let payment = a.pay_invoice(&one).unwrap();
    let last = one.not_after();
    ledger.grow(&miner.wallet, (last.get() - ledger.height().get() - 1) as usize);
    a.scan(&ledger);
    b.scan(&ledger);
    assert_eq!(ledger.height().next(), last);
    assert!(a.wallet.plan_invoice(Account(0), &two).is_ok());
    assert!(
        b.copy(Installation::in_memory([3; 32])).wallet.check_invite(Account(0), &a.invite(5, &b)).is_ok()
    );
    let mut in_time = b.copy(b.installation.clone());
    ledger.grow(&miner.wallet, 1);
    a.scan(&ledger);
    b.scan(&ledger);
    let expired = SlateError::Expired { not_after: last, next: last.next() };
    assert_eq!(refusal(b.collect(&ledger, &payment)), expired);
    assert_eq!(refusal(a.wallet.pay_invoice(late, &mut a.rng)), expired);
    assert_eq!(refusal(a.wallet.plan_invoice(Account(0), &two)), expired);
    // What was refused closed nothing.
    assert!(in_time.collect(&ledger, &payment).is_ok());
}

/// Anyone can pay an invoice that names no payer; its receipt names none either.
#[test]
fn an_open_invoice_takes_any_payer() {
    let (ledger, mut a, mut b) = two();
    let ask = InvoiceRequest { payer: None, ..b.asking(1_000, &a) };
    let invoice = b.wallet.create_invoice(Account(0), ask, &mut b.rng).unwrap();
    assert_eq!(invoice.receipt().sender, None);
    let payment = a.pay_invoice(&invoice).unwrap();
    assert!(b.collect(&ledger, &payment).is_ok());
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let (_, a, mut b) = two();
    let mut refused = |f: &dyn Fn(&mut InvoiceRequest)| match b.wallet.create_invoice(
        Account(0),
        tamper(&b.asking(1, &a), f),
        &mut b.rng,
    ) {
        Err(WalletError::Select(e)) => e,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&|x| x.amount = Amount::ZERO), CoinSelectionError::Zero);
    assert_eq!(refused(&|x| x.amount = Amount::new(u64::MAX)), CoinSelectionError::Overflow);
    assert_eq!(refused(&|x| x.inputs = 0), CoinSelectionError::Inputs { found: 0 });
    assert_eq!(refused(&|x| x.inputs = 257), CoinSelectionError::Inputs { found: 257 });
}

/// Many invoices and invites at once, answered in any order, between the same two wallets.
#[test]
fn many_sessions_at_once() {
    let (mut ledger, mut a, mut b) = two();
    ledger.grow(&a.wallet, 9);
    a.scan(&ledger);
    b.scan(&ledger);
    let invoices: Vec<_> = (1..=4).map(|i| b.ask(i * 1_000, &a)).collect();
    let invites: Vec<_> = (1..=4).map(|i| a.invite(i * 100_000, &b)).collect();
    let mut payments: Vec<_> = invoices.iter().map(|i| a.pay_invoice(i).unwrap()).collect();
    let responses: Vec<_> = invites.iter().map(|i| b.respond(i).unwrap()).collect();
    payments.swap(0, 3);
    let mut all: Vec<_> = payments.iter().map(|p| b.collect(&ledger, p).unwrap()).collect();
    all.extend(responses.iter().rev().map(|r| a.finalize(r).unwrap()));
    ledger.seal(&a.wallet, &all);
    b.scan(&ledger);
    assert_eq!(b.balance(), [1_010_000, 0, 0, 0, 0]);
}

thread_local! {
    static HALF: std::cell::RefCell<(Ledger, Person, Person, Invoice, Payment)> = std::cell::RefCell::new({
        let (ledger, mut a, mut b) = two();
        let invoice = b.ask(1_000, &a);
        let payer = a.copy(a.installation.clone());
        let payment = a.pay_invoice(&invoice).unwrap();
        (ledger, payer, b, invoice, payment)
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    /// A payment with a flipped bit does not decode, or is refused.
    #[test]
    fn no_flipped_bit_in_a_payment_is_accepted(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        HALF.with_borrow_mut(|(ledger, _, b, _, payment)| {
            let mut bytes = payment.to_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(bad) = Payment::from_bytes(&bytes) {
                prop_assert_eq!(bad.to_bytes(), bytes);
                prop_assert!(matches!(b.collect(ledger, &bad), Err(WalletError::Slate(_))));
            }
            Ok(())
        })?;
    }

    /// An invoice with a flipped bit does not decode, or is refused by the payer or the receiver.
    #[test]
    fn no_flipped_bit_in_an_invoice_is_accepted(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        HALF.with_borrow_mut(|(ledger, a, b, invoice, _)| {
            let mut bytes = invoice.to_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(bad) = Invoice::from_bytes(&bytes) {
                prop_assert_eq!(bad.to_bytes(), bytes);
                let mut fresh = a.copy(Installation::in_memory([1; 32]));
                let Ok(bill) = fresh.wallet.plan_invoice(Account(0), &bad) else { return Ok(()) };
                let bill = bill.confirm(|_| Decision::Yes).unwrap();
                if let Ok(payment) = fresh.wallet.pay_invoice(bill, &mut fresh.rng) {
                    prop_assert!(matches!(b.collect(ledger, &payment), Err(WalletError::Slate(_))));
                }
            }
            Ok(())
        })?;
    }
}
