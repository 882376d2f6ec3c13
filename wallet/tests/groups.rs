//! One transaction to several recipients: any order of responses, cancelled invites, and what each party can
//! do.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Ledger, Person, fee};
use proptest::prelude::*;
use sotto_mw::{
    amount::{Amount, Height},
    commitment::Commitment,
    error::Rejection,
    rules::{Verified, check_transaction, verify_transaction},
    session::Role,
    transaction::Transaction,
};
use sotto_wallet::{
    WalletError,
    coin_selection::{CoinSelectionError, Decision, PaymentPlan, PaymentRequest},
    keys::Account,
    proof::PaymentProof,
    sessions::{SessionStatus, TxStatus},
    slate::{Invite, Response, SlateError},
};

const REWARD: u64 = 6_000_000_000;

/// A ledger, a payer with three rewards of which one has matured, and three recipients.
fn four() -> (Ledger, Person, [Person; 3]) {
    let mut ledger = Ledger::new();
    let mut a = ledger.wallet(10);
    let others = [20, 30, 40].map(|seed| ledger.wallet(seed));
    ledger.grow(&a.wallet, 3);
    a.scan(&ledger);
    (ledger, a, others)
}

fn plan(a: &Person, payees: &[(&Person, u64)]) -> Result<PaymentPlan, WalletError> {
    let payees = payees.iter().map(|(p, amount)| p.payee(*amount)).collect();
    a.wallet.plan(PaymentRequest::new(Account(0), payees))
}

/// Invites to 1, 2 and 3 millions.
fn invite(a: &mut Person, [b, c, d]: &[Person; 3]) -> Vec<Invite> {
    let plan = plan(a, &[(b, 1_000_000), (c, 2_000_000), (d, 3_000_000)]).unwrap();
    a.wallet.invite(plan.confirm(|_| Decision::Yes).unwrap(), &mut a.rng).unwrap()
}

fn answer(others: &mut [Person; 3], invites: &[Invite]) -> Vec<Response> {
    others.iter_mut().zip(invites).map(|(p, i)| p.respond(i).unwrap()).collect()
}

fn take(a: &mut Person, response: &Response) -> Result<Option<Verified<Transaction>>, WalletError> {
    a.wallet.finalize(response, &mut a.rng)
}

fn refusal<T>(r: Result<T, WalletError>) -> SlateError {
    match r {
        Err(WalletError::Slate(e)) => e,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("accepted"),
    }
}

fn steps(a: &Person) -> Vec<(u64, SessionStatus)> {
    let mut all: Vec<_> = a.wallet.sessions().map(|d| (d.amount().units(), d.status())).collect();
    all.sort_unstable_by_key(|(amount, _)| *amount);
    all
}

#[test]
fn three_are_paid_by_one_transaction_whatever_the_order() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let (mut ledger, mut a, mut others) = four();
        let plan = plan(&a, &[(&others[0], 1_000_000), (&others[1], 2_000_000), (&others[2], 3_000_000)]);
        let (plan, cost) = (plan.unwrap(), fee(1, 4, 3));
        assert_eq!((plan.amount().units(), plan.fee().units()), (6_000_000, cost));
        let fees: Vec<u64> = plan.fees().map(Amount::units).collect();
        assert_eq!(fees, [fee(1, 2, 1), fee(0, 1, 1), fee(0, 1, 1)]);
        let shown = plan.linkage().to_string();
        assert!(
            shown.contains("one of the 4 new outputs is your change; each of the 3 recipients"),
            "{shown}"
        );
        let invites = a.wallet.invite(plan.confirm(|_| Decision::Yes).unwrap(), &mut a.rng).unwrap();
        let change = REWARD - 6_000_000 - cost;
        assert_eq!(a.balance(), [0, 2 * REWARD, 0, REWARD, change]);
        let responses = answer(&mut others, &invites);
        for i in &order[..2] {
            assert!(take(&mut a, &responses[*i]).unwrap().is_none());
            assert!(take(&mut a, &responses[*i]).unwrap().is_none(), "the same again changes nothing");
        }
        // In practice the wallet is closed while it waits.
        let rng = a.rng.clone();
        a = a.copy(a.installation.clone());
        a.rng = rng;
        assert_eq!(steps(&a).iter().filter(|(_, s)| *s == SessionStatus::Held).count(), 2);
        let t = take(&mut a, &responses[order[2]]).unwrap().unwrap();
        let body = &t.get().body;
        assert_eq!((body.inputs.len(), body.outputs.len(), body.kernels.len()), (1, 4, 3));
        assert_eq!(body.fees().unwrap().units(), cost);
        for r in &responses {
            assert_eq!(take(&mut a, r).unwrap().unwrap().get(), t.get(), "each repeats the one transaction");
        }
        assert_eq!(a.balance(), [0, 2 * REWARD, 0, REWARD, change]);
        let c = ledger.wallet(50);
        ledger.seal(&c.wallet, &[t]);
        a.scan(&ledger);
        assert_eq!(a.balance()[0] + a.balance()[1], 3 * REWARD - 6_000_000 - cost);
        for (p, amount) in others.iter_mut().zip([1_000_000, 2_000_000, 3_000_000]) {
            p.scan(&ledger);
            assert_eq!(p.balance(), [amount, 0, 0, 0, 0]);
        }
        // The history shows three payments, whose fees add up. Each has a valid proof, for its payee only.
        let history = a.wallet.history();
        assert_eq!(history.iter().map(|e| e.fee.units()).sum::<u64>(), cost);
        let height = ledger.height();
        assert!(steps(&a).iter().all(|(_, s)| *s == SessionStatus::Signed(TxStatus::Confirmed { height })));
        let proofs: Vec<PaymentProof> = invites
            .iter()
            .map(|i| {
                let excess = a.wallet.paid_excess(&i.session).unwrap();
                a.wallet.prove(&i.session, ledger.inclusion(&excess, height.get()).unwrap()).unwrap()
            })
            .collect();
        for ((proof, p), i) in proofs.iter().zip(&others).zip(&invites) {
            proof.verify(ledger.chain.id()).unwrap();
            assert_eq!((proof.receiver, proof.receipt.amount), (p.address(), i.amount));
        }
        let mixed = PaymentProof { inclusion: proofs[1].inclusion.clone(), ..proofs[0].clone() };
        assert!(mixed.verify(ledger.chain.id()).is_err());
    }
}

/// Any recipient can be cancelled, before or after the others respond: the others are paid, and its share
/// returns.
#[test]
fn a_silent_recipient_is_dropped_and_nothing_of_his_is_ever_signed() {
    for (silent, late) in (0..3).flat_map(|i| [(i, false), (i, true)]) {
        let (mut ledger, mut a, mut others) = four();
        let invites = invite(&mut a, &others);
        let responses = answer(&mut others, &invites);
        let kept = [0, 1, 2].into_iter().filter(|i| *i != silent).collect::<Vec<_>>();
        if late {
            // Even a response that is held is discarded unsigned.
            assert!(take(&mut a, &responses[silent]).unwrap().is_none());
        }
        assert!(take(&mut a, &responses[kept[0]]).unwrap().is_none());
        a.wallet.cancel(&invites[silent].session).unwrap();
        a.wallet.cancel(&invites[silent].session).unwrap();
        // The first kernel pays for inputs and change: without it, the payer adds one of its own.
        let cost = if silent == 0 { fee(1, 3, 3) } else { fee(1, 3, 2) };
        let paid = 6_000_000 - [1_000_000, 2_000_000, 3_000_000][silent];
        assert_eq!(a.balance(), [0, 2 * REWARD, 0, REWARD, REWARD - paid - cost]);
        assert_eq!(refusal(take(&mut a, &responses[silent])), SlateError::Cancelled);
        let t = take(&mut a, &responses[kept[1]]).unwrap().unwrap();
        let body = t.get().body.clone();
        assert_eq!((body.outputs.len(), body.fees().unwrap().units()), (3, cost));
        assert!(!body.outputs.contains(&responses[silent].output));
        assert_eq!(a.balance()[4], REWARD - paid - cost);
        assert_eq!(refusal(take(&mut a, &responses[silent])), SlateError::Cancelled);
        assert!(a.wallet.paid_excess(&invites[silent].session).is_none());
        a.wallet.cancel(&invites[silent].session).unwrap();
        assert!(matches!(refusal(a.wallet.cancel(&invites[kept[0]].session)), SlateError::HasLeft { .. }));
        let c = ledger.wallet(50);
        ledger.seal(&c.wallet, &[t]);
        for p in others.iter_mut().chain([&mut a]) {
            p.scan(&ledger);
        }
        assert_eq!(a.balance()[0] + a.balance()[1], 3 * REWARD - paid - cost);
        assert_eq!(a.wallet.history().iter().map(|e| e.fee.units()).max(), Some(cost - fee(0, 1, 1)));
        // This promise is never kept: it expires at its last height.
        assert_eq!(others[silent].balance()[0], 0);
    }
}

/// The last invite can be cancelled after all other responses have arrived: any of them then completes the
/// payment.
#[test]
fn after_a_drop_any_answer_again_completes_the_payment() {
    let (_ledger, mut a, mut others) = four();
    let invites = invite(&mut a, &others);
    let responses = answer(&mut others, &invites);
    assert!(take(&mut a, &responses[1]).unwrap().is_none());
    assert!(take(&mut a, &responses[2]).unwrap().is_none());
    a.wallet.cancel(&invites[0].session).unwrap();
    let t = take(&mut a, &responses[1]).unwrap().unwrap();
    assert_eq!(take(&mut a, &responses[2]).unwrap().unwrap().get(), t.get());
}

#[test]
fn when_all_are_dropped_everything_is_as_before() {
    let (mut ledger, mut a, mut others) = four();
    let before = a.balance();
    let invites = invite(&mut a, &others);
    let responses = answer(&mut others, &invites);
    assert!(take(&mut a, &responses[0]).unwrap().is_none());
    invites.iter().for_each(|i| a.wallet.cancel(&i.session).unwrap());
    assert_eq!(a.balance(), before);
    assert!(a.sent().iter().all(|s| *s == SessionStatus::Cancelled));
    assert!(responses.iter().all(|r| refusal(take(&mut a, r)) == SlateError::Cancelled));
    let t = a.pay(5_000, &mut others[0]);
    ledger.seal(&a.wallet, &[t]);
}

/// When the block of its input is undone, a payment to several recipients can only be cancelled or expire.
#[test]
fn a_reorganisation_under_an_open_payment_locks_nothing() {
    let (mut ledger, mut a, mut others) = four();
    let invites = invite(&mut a, &others);
    let responses = answer(&mut others, &invites);
    assert!(take(&mut a, &responses[0]).unwrap().is_none());
    let c = ledger.wallet(50);
    (0..3).for_each(|_| ledger.undo());
    ledger.grow(&c.wallet, 4);
    a.scan(&ledger);
    assert!(take(&mut a, &responses[1]).unwrap().is_none());
    assert!(matches!(refusal(take(&mut a, &responses[2])), SlateError::InputGone { .. }));
    invites.iter().for_each(|i| a.wallet.cancel(&i.session).unwrap());
    assert_eq!(a.balance(), [0; 5]);
    assert_eq!(a.wallet.outputs().count(), 0);
}

/// A payment without change gets some when an invite is cancelled, and the change is worth its fee.
#[test]
fn change_appears_when_somebody_is_dropped() {
    for silent in [0, 1] {
        let (_ledger, mut a, [mut b, mut c, _]) = four();
        let exact = REWARD - fee(1, 2, 2) - 1;
        let plan = plan(&a, &[(&b, exact), (&c, 1)]).unwrap();
        assert_eq!(plan.change(), Amount::ZERO);
        let invites = a.wallet.invite(plan.confirm(|_| Decision::Yes).unwrap(), &mut a.rng).unwrap();
        let responses = [b.respond(&invites[0]).unwrap(), c.respond(&invites[1]).unwrap()];
        a.wallet.cancel(&invites[silent].session).unwrap();
        let t = take(&mut a, &responses[1 - silent]).unwrap().unwrap();
        let (amount, kernels) = if silent == 0 { (1, 2) } else { (exact, 2) };
        assert_eq!(t.get().body.outputs.len(), 2);
        assert_eq!(t.get().body.fees().unwrap().units(), fee(1, 2, kernels));
        assert_eq!(a.balance()[4], REWARD - amount - fee(1, 2, kernels));
    }
}

/// A response is valid for one recipient only, once, and with its own output.
#[test]
fn one_answer_stands_for_one_recipient() {
    let (_ledger, mut a, mut others) = four();
    let invites = invite(&mut a, &others);
    let responses = answer(&mut others, &invites);
    assert!(take(&mut a, &responses[0]).unwrap().is_none());
    // Another response of the same recipient, from a copy of its wallet that has not seen the invite.
    let words = others[0].wallet.words().clone();
    let mut twin = Person::from_words(a.wallet.chain().clone(), words, 5);
    let second = twin.respond(&invites[0]).unwrap();
    assert_eq!(refusal(take(&mut a, &second)), SlateError::AnsweredTwice);
    // The session of another recipient, or its output in one's own session.
    let moved = Response { session: invites[2].session, ..responses[1].clone() };
    assert_eq!(refusal(take(&mut a, &moved)), SlateError::InviteAltered);
    let copied = Response { output: responses[0].output.clone(), ..responses[1].clone() };
    assert_eq!(refusal(take(&mut a, &copied)), SlateError::OutputTwice);
    let wrong = Response { offset: responses[0].offset, ..responses[1].clone() };
    assert_eq!(refusal(take(&mut a, &wrong)), SlateError::ResponderOutput);
    assert!(others[1].respond(&invites[0]).is_err(), "an invite is for one");
    // The payment is unaffected.
    assert!(take(&mut a, &responses[1]).unwrap().is_none());
    assert!(take(&mut a, &responses[2]).unwrap().is_some());
}

/// No part of a joined transaction balances by itself: no recipient is paid without the others.
#[test]
fn no_part_of_it_stands_alone() {
    let (ledger, mut a, mut others) = four();
    let invites = invite(&mut a, &others);
    let responses = answer(&mut others, &invites);
    let whole = responses.iter().filter_map(|r| take(&mut a, r).unwrap()).next_back().unwrap();
    for gone in 0..3 {
        let mut part = whole.get().clone();
        part.offset -= responses[gone].offset;
        part.body.outputs.retain(|o| *o != responses[gone].output);
        let excess = a.wallet.paid_excess(&invites[gone].session).unwrap();
        part.body.kernels.retain(|k| k.excess != excess);
        let refused =
            check_transaction(&ledger.chain, part).and_then(|p| verify_transaction(&ledger.chain, p));
        // The first kernel pays for all inputs: without it, the fee is already too low.
        assert!(if gone == 0 { refused.is_err() } else { matches!(refused, Err(Rejection::Unbalanced)) });
    }
}

/// After a crash between the register and the wallet file, or a full disk, the same responses complete the
/// payment.
#[test]
fn a_crash_in_between_loses_nothing() {
    let (mut ledger, mut a, mut others) = four();
    let invites = invite(&mut a, &others);
    let responses = answer(&mut others, &invites);
    let full = |r: Result<_, WalletError>| assert!(matches!(r, Err(WalletError::Store(_))));
    a.wallet.store().full.set(true);
    full(take(&mut a, &responses[0]));
    a.wallet.store().full.set(false);
    assert!(take(&mut a, &responses[0]).unwrap().is_none());
    assert!(take(&mut a, &responses[1]).unwrap().is_none());
    let old = a.copy(a.installation.clone());
    a.wallet.store().full.set(true);
    full(take(&mut a, &responses[2]));
    // The sessions are closed with their responses: no invite can be cancelled any more, in any copy of the
    // file.
    a.wallet.store().full.set(false);
    for mut person in [a, old] {
        for i in &invites {
            assert!(matches!(refusal(person.wallet.cancel(&i.session)), SlateError::HasLeft { .. }));
        }
        let t = take(&mut person, &responses[2]).unwrap().unwrap();
        let c = ledger.wallet(50);
        ledger.seal(&c.wallet, &[t]);
        person.scan(&ledger);
        assert!(
            steps(&person)
                .iter()
                .all(|(_, s)| matches!(s, SessionStatus::Signed(TxStatus::Confirmed { .. })))
        );
        ledger.undo();
    }
}

/// A copy elsewhere can neither finish nor cancel; a self-spend of any session ends the whole payment.
#[test]
fn copies_and_self_spends_concern_the_whole() {
    let (mut ledger, mut a, mut others) = four();
    let invites = invite(&mut a, &others);
    let responses = answer(&mut others, &invites);
    let mut elsewhere = a.copy(sotto_wallet::nonce_vault::Installation::in_memory([7; 32]));
    assert_eq!(refusal(take(&mut elsewhere, &responses[0])), SlateError::ForeignInstallation);
    assert!(matches!(refusal(elsewhere.wallet.cancel(&invites[1].session)), SlateError::MayHaveLeft { .. }));
    let whole = responses.iter().filter_map(|r| take(&mut a, r).unwrap()).next_back().unwrap();
    let last = &invites[2].session;
    let end = a.wallet.plan_self_spend(last).unwrap().confirm(|_| Decision::Yes).unwrap();
    let end = a.wallet.self_spend(last, end, &mut a.rng).unwrap();
    assert_eq!(refusal(a.wallet.plan_self_spend(&invites[0].session)), SlateError::Over);
    let c = ledger.wallet(50);
    ledger.seal(&c.wallet, &[end]);
    a.scan(&ledger);
    let height = ledger.height();
    assert!(steps(&a).iter().all(|(_, s)| *s == SessionStatus::Signed(TxStatus::Displaced { height })));
    // After an undo, all three can still be paid.
    ledger.undo();
    ledger.seal(&c.wallet, &[whole]);
    a.scan(&ledger);
    assert!(steps(&a).iter().all(|(_, s)| *s == SessionStatus::Signed(TxStatus::Confirmed { height })));
}

#[test]
fn an_open_payment_to_several_ends_with_its_last_height() {
    let mut ledger = Ledger::with(|p| (p.window_width, p.window_grid, p.reorganisation) = (10, 5, 4));
    let mut a = ledger.wallet(10);
    let mut others = [20, 30, 40].map(|seed| ledger.wallet(seed));
    ledger.grow(&a.wallet, 3);
    a.scan(&ledger);
    let invites = invite(&mut a, &others);
    let responses = answer(&mut others, &invites);
    assert!(take(&mut a, &responses[0]).unwrap().is_none());
    a.wallet.cancel(&invites[1].session).unwrap();
    let c = ledger.wallet(50);
    ledger.grow(&c.wallet, 12);
    a.scan(&ledger);
    assert_eq!(a.balance(), [3 * REWARD, 0, 0, 0, 0]);
    assert!(a.wallet.sessions().all(|d| d.is_payer() && d.role() == Role::Inviter));
    let of = |i: usize| a.wallet.sessions().find(|d| d.session() == invites[i].session).unwrap().status();
    assert_eq!(
        [of(0), of(1), of(2)],
        [SessionStatus::Expired, SessionStatus::Cancelled, SessionStatus::Expired]
    );
    let over = SlateError::Expired { not_after: invites[2].not_after(), next: ledger.height().next() };
    assert_eq!(refusal(take(&mut a, &responses[2])), over);
    assert_eq!(refusal(take(&mut a, &responses[1])), SlateError::Cancelled);
}

#[test]
fn what_cannot_be_paid_is_refused() {
    let (_ledger, a, [b, c, _]) = four();
    let error = |payees: &[(&Person, u64)]| match plan(&a, payees) {
        Err(WalletError::Select(e)) => e,
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&[]), CoinSelectionError::Zero);
    assert_eq!(error(&[(&b, 5), (&c, 0)]), CoinSelectionError::Zero);
    assert_eq!(error(&[(&b, u64::MAX), (&c, 1)]), CoinSelectionError::Overflow);
    let needed = Amount::new(REWARD + fee(1, 2, 2));
    assert!(
        matches!(error(&[(&b, REWARD - 1), (&c, 1)]), CoinSelectionError::Insufficient { needed: n, .. } if n == needed)
    );
    let many: Vec<_> = (0..2_000).map(|_| (&b, 1)).collect();
    assert_eq!(error(&many), CoinSelectionError::TooHeavy);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Any amounts, any order of responses, any invites cancelled at any time: a block accepts the payment,
    /// it pays the remaining recipients, and its fee exceeds the least fee by at most one kernel.
    #[test]
    fn any_order_of_answers_and_drops_pays_who_stayed(
        amounts in prop::array::uniform3(1u64..1_900_000_000),
        order in Just([0usize, 1, 2]).prop_shuffle(),
        drops in prop::collection::vec((0usize..3, 0usize..4), 0..4),
    ) {
        let (mut ledger, mut a, mut others) = four();
        let payees: Vec<_> = others.iter().zip(amounts).collect();
        let plan = plan(&a, &payees).unwrap().confirm(|_| Decision::Yes).unwrap();
        let invites = a.wallet.invite(plan, &mut a.rng).unwrap();
        let responses = answer(&mut others, &invites);
        let (mut dropped, mut made) = ([false; 3], None);
        for (turn, i) in order.into_iter().chain([order[0], order[1], order[2]]).enumerate() {
            for (who, when) in &drops {
                if *when == turn && made.is_none() {
                    a.wallet.cancel(&invites[*who].session).unwrap();
                    dropped[*who] = true;
                }
            }
            match take(&mut a, &responses[i]) {
                Ok(t) => made = t.or(made),
                Err(e) => prop_assert!(dropped[i] && matches!(e, WalletError::Slate(SlateError::Cancelled))),
            }
        }
        prop_assert_eq!(made.is_some(), dropped.contains(&false));
        let Some(t) = made else {
            prop_assert_eq!(a.balance(), [REWARD, 2 * REWARD, 0, 0, 0]);
            return Ok(());
        };
        let stayed = dropped.iter().filter(|d| !**d).count() as u64;
        let paid: u64 = amounts.iter().zip(dropped).filter(|(_, d)| !d).map(|(a, _)| a).sum();
        let cost = t.get().body.fees().unwrap().units();
        prop_assert!(cost == fee(1, stayed + 1, stayed) || cost == fee(1, stayed + 1, stayed + 1));
        prop_assert_eq!(a.balance()[4], REWARD - paid - cost);
        let spent: Vec<Commitment> = t.get().body.inputs.clone();
        let c = ledger.wallet(50);
        ledger.seal(&c.wallet, &[t]);
        a.scan(&ledger);
        prop_assert_eq!(spent.len(), 1);
        prop_assert_eq!(a.wallet.balance(None).total().units(), 3 * REWARD - paid - cost);
        let mut again = Person::from_words(ledger.chain.clone(), a.wallet.words().clone(), 6);
        again.wallet.restore(Height::GENESIS, &ledger, &mut |_, _| {}).unwrap();
        prop_assert_eq!(again.balance(), a.balance());
        for ((p, amount), off) in others.iter_mut().zip(amounts).zip(dropped) {
            p.scan(&ledger);
            prop_assert_eq!(p.balance()[0], if off { 0 } else { amount });
        }
    }
}
