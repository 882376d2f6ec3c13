//! What somebody who sees the chain can tell: a classifier that is trained on holds and payments, and is asked about others.

use super::*;
use rand_chacha::rand_core::RngCore as _;
use sotto_wallet::coin_selection::{Payee, Spend};
use std::collections::HashMap;

/// What a block shows of a transaction: kinds of kernels, fee above the least, blocks until its last height, numbers of
/// inputs and outputs, bytes of extra data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Shown {
    kinds: Vec<u8>,
    over: u64,
    left: u64,
    items: [usize; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trade {
    Payments,
    Claimed,
    Undone,
    Refunded,
}

/// Seals some empty blocks, as time passes, and then one with this transaction.
fn sealed(s: &mut Scene, wait: u64, t: &Verified<Transaction>) -> Shown {
    for _ in 0..wait {
        s.seal(&[]);
    }
    let (next, body) = (s.ledger.height().next(), &t.get().body);
    let least = s.ledger.chain.least_fee(body.weight()).unwrap();
    let last = body.kernels.iter().map(|k| k.features.window(0).not_after).min().unwrap();
    let shown = Shown {
        kinds: body.kernels.iter().map(|k| k.features.code()).collect(),
        over: body.fees().unwrap().units() - least.units(),
        left: last.get() - next.get(),
        items: [
            body.inputs.len(),
            body.outputs.len(),
            body.outputs.iter().map(|o| o.extra.as_bytes().len()).sum(),
        ],
    };
    s.seal(core::slice::from_ref(t));
    shown
}

/// The two transactions of a trade, with letters and blocks that take their time.
fn trade(what: Trade, rng: &mut ChaCha20Rng) -> [Shown; 2] {
    let mut s = Scene::new();
    let mut wait = |least: u64| least + u64::from(rng.next_u32() % 3);
    let (away, buried) = (wait(0), wait(1));
    if what == Trade::Payments {
        let paid = s.payer.pay(AMOUNT, &mut s.seller);
        let first = sealed(&mut s, away, &paid);
        (0..buried).for_each(|_| s.seal(&[]));
        // Spent on whole, as a claim is.
        let payee: Payee = s.payer.payee(1);
        let plan = s.seller.wallet.plan_all(Account(0), payee, &Spend::Fewest).unwrap();
        let plan = plan.confirm(|_| Decision::Yes).unwrap();
        let invite = s.seller.begin(plan).unwrap();
        let response = s.payer.respond(&invite).unwrap();
        let second = s.seller.finalize(&response).unwrap();
        return [first, sealed(&mut s, wait(0), &second)];
    }
    let (id, t) = s.funding();
    let first = sealed(&mut s, away, &t);
    (0..buried).for_each(|_| s.seal(&[]));
    let second = match what {
        Trade::Payments | Trade::Claimed => {
            let answer = s.answer(&id, None).unwrap();
            let release = s.release(&answer).unwrap();
            s.receive(&release).unwrap().unwrap()
        }
        Trade::Undone => {
            let consent = s.seller.wallet.holds().consent(&id, &mut s.seller.rng).unwrap();
            s.payer.wallet.holds().undo(&consent, &mut s.payer.rng).unwrap()
        }
        Trade::Refunded => {
            let from = s.payer.wallet.held().next().unwrap().offer().terms.refund_from;
            s.grow_to(from.get() - 1);
            s.refund(&id).unwrap()
        }
    };
    [first, sealed(&mut s, wait(0), &second)]
}

/// How often of 4·n the best guess is right: an observer who has seen as many holds as payments, all labelled, says of
/// each new transaction what those that look like it were more often.
fn right(holds: &[Trade], n: usize, rng: &mut ChaCha20Rng) -> usize {
    let mut seen: HashMap<Shown, i64> = HashMap::new();
    let mut next = |i: usize| -> Vec<(Shown, i64)> {
        let hold = trade(holds[i % holds.len()], rng).map(|shown| (shown, 1));
        hold.into_iter().chain(trade(Trade::Payments, rng).map(|shown| (shown, -1))).collect()
    };
    for (shown, label) in (0..n).flat_map(&mut next) {
        *seen.entry(shown).or_default() += label;
    }
    let asked: Vec<_> = (0..n).flat_map(&mut next).collect();
    // Where both were as many, half of the guesses are right.
    let guessed =
        asked.iter().map(|(shown, label)| 1 + seen.get(shown).copied().unwrap_or_default().signum() * label);
    usize::try_from(guessed.sum::<i64>() / 2).unwrap()
}

#[test]
fn a_classifier_tells_settled_holds_from_payments_no_better_than_by_chance() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    // By chance 50, give or take 5.
    let settled = right(&[Trade::Claimed, Trade::Undone], 25, &mut rng);
    assert!((35..=65).contains(&settled), "{settled} of 100");
    // Of a refunded hold the funding still looks like any payment; the refund does not.
    let refunded = right(&[Trade::Refunded], 12, &mut rng);
    assert!((31..=41).contains(&refunded), "{refunded} of 48");
}
