//! Cases for MW-R18, MW-R19 and MW-R22 to MW-R30: they conflict with the state of the chain.

use super::shape::rest;
use crate::{
    amount::{Amount, Height},
    block::Header,
    error::Rejection,
    features::{Extra, OutputFeatures},
    group::Scalar,
    hash::Hash,
    kernel::{Kernel, KernelFeatures, Window},
    schnorr::PublicKey,
    state::ChainView,
    testing::case::{Base, Broken, Case, ranged, window},
    transaction::Body,
};

pub(super) fn all(base: &Base) -> Vec<Case> {
    [headers(base), pace(), unspent(base), windows(base), replays(base), repeats(base)]
        .into_iter()
        .flatten()
        .chain([immature(base), coinbase_height(base)])
        .collect()
}

fn headers(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, .. } = base.clone();
    let payment = ledger.pay(&[&a], &[5]).0;
    let good = ledger.forge_with(&payment);
    let tip = ledger.state().tip().clone();
    let not_next = Rejection::NotNext { tip: tip.hash(), height: tip.height };
    let early = Rejection::TooEarly { time: tip.time - 1, earliest: tip.time };
    let mut same_time = good.header.clone();
    same_time.time = tip.time;
    let mut payer = ledger.clone();
    let same_time = payer.seal(same_time, good.body.clone());
    let mut case = |name, because, accepted, edit: fn(&mut Header, &Header)| {
        let mut header = good.header.clone();
        edit(&mut header, &tip);
        let bad = payer.seal(header, good.body.clone());
        Broken::rule(name, because).blocks(&base.ledger, bad, accepted)
    };
    let good = || good.clone();
    let (kernels, outputs) = (Rejection::KernelRoot, Rejection::OutputRoot);
    vec![
        case("a block on the tip's parent", not_next.clone(), good(), |h, tip| h.previous = tip.previous),
        case("a block that skips a height", not_next, good(), |h, _| h.height = h.height.next()),
        case("a block before its parent", early, same_time, |h, tip| h.time = tip.time - 1),
        case("a kernel too many in the count", kernels.clone(), good(), |h, _| h.kernel_count += 1),
        case("another kernel root", kernels, good(), |h, _| h.kernel_root = Hash::ZERO),
        case("an output too many in the count", outputs.clone(), good(), |h, _| h.output_count += 1),
        case("another output root", outputs, good(), |h, tip| h.output_root = tip.output_root),
    ]
}

/// A chain whose blocks are at least 60 seconds apart, as those of a test chain are.
fn pace() -> Vec<Case> {
    let mut ledger = Base::with(|p| p.pace = 60).ledger;
    let (coinbase, kernel) = ledger.reward(Amount::ZERO);
    let body = Body::sorted(vec![], vec![coinbase.output], vec![kernel]);
    let good = ledger.forge(body, &Scalar::ZERO);
    let earliest = ledger.state().tip().time + 60;
    let mut case = |name, time: u64| {
        let early = ledger.seal(Header { time, ..good.header.clone() }, good.body.clone());
        Broken::rule(name, Rejection::TooEarly { time, earliest }).blocks(&ledger, early, good.clone())
    };
    vec![
        case("a block a second before the pace allows it", earliest - 1),
        case("a block at its parent's time on a chain with a pace", earliest - 60),
    ]
}

fn unspent(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, b } = base.clone();
    let never = ledger.output(a.opening.amount.units());
    let (bad, good) = (ledger.pay(&[&never], &[5]).0, ledger.pay(&[&a], &[5]).0);
    let because = Rejection::NotUnspent { output: never.commitment().encoded() };
    let never = Broken::rule("an input that never was", because).transactions(&ledger, bad, good.clone());

    let (first, bad) = (good.clone(), ledger.pay(&[&a], &[7]).0);
    let good = ledger.pay(&[&b], &[7]).0;
    ledger.grow(vec![first.clone()]);
    let because = Rejection::NotUnspent { output: a.commitment().encoded() };
    let name = "an output spent in an earlier block";
    let twice = Broken::rule(name, because.clone()).transactions(&ledger, bad, good.clone());
    let replay = Broken::rule("a transaction sent again", because).transactions(&ledger, first, good);

    let Base { mut ledger, a, b } = base.clone();
    let (fee, rest1) = rest(&ledger, &[&a], 1, 1);
    let (out, other, plain) = (ledger.output(rest1), ledger.output(rest1), ledger.plain(fee));
    let first = ledger.transaction(&[&a], &[&out], &[plain]);
    ledger.grow(vec![first]);
    let bad = ledger.transaction(&[&b], &[&out], &[plain]);
    let good = ledger.transaction(&[&b], &[&other], &[plain]);
    let because = Rejection::AlreadyUnspent { output: out.commitment().encoded() };
    let exists = Broken::rule("an output that is unspent already", because).transactions(&ledger, bad, good);
    vec![never, twice, replay, exists]
}

fn immature(base: &Base) -> Case {
    let mut young = base.ledger.clone();
    let reward = young.grow(Vec::new());
    let from = young.state().tip().height.plus(3);
    young.grow(Vec::new());
    let mut old = young.clone();
    old.grow(Vec::new());
    let t = old.pay(&[&reward], &[5]).0;
    let because = Rejection::Immature { output: reward.commitment().encoded(), from };
    Broken::rule("a reward spent one block early", because).on_two_chains(t, &young, &old)
}

fn windows(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, .. } = base.clone();
    let (fee, rest) = rest(&ledger, &[&a], 1, 1);
    let out = ledger.output(rest);
    let mut pay = |f: KernelFeatures| ledger.transaction(&[&a], &[&out], &[f]);
    let ranged = |from, to| ranged(fee, from, to);
    let ranged = [pay(ranged(8, 12)), pay(ranged(4, 8))];
    let plain = pay(KernelFeatures::Plain { fee, not_after: Height::new(24) });
    let at = |next: u64| {
        let mut ledger = base.ledger.clone();
        while ledger.next() < Height::new(next) {
            ledger.grow(Vec::new());
        }
        ledger
    };
    let (seven, eight, nine) = (at(7), at(8), at(9));
    let outside = |height, from, to| {
        let (not_before, not_after) = (Height::new(from), Height::new(to));
        Rejection::OutsideWindow { height: Height::new(height), not_before, not_after }
    };
    let [later, earlier] = ranged;
    vec![
        Broken::rule("a block before the window", outside(7, 8, 12)).on_two_chains(later, &seven, &eight),
        Broken::rule("a block after the window", outside(9, 4, 8)).on_two_chains(earlier, &nine, &eight),
        Broken::rule("a plain window that is still to come", outside(7, 8, 24))
            .on_two_chains(plain, &seven, &eight),
    ]
}

fn coinbase_height(base: &Base) -> Case {
    let mut ledger = base.ledger.clone();
    let height = ledger.next();
    let due = ledger.chain().params().reward.units();
    let coinbase = ledger.output_as(OutputFeatures::Coinbase, due);
    let mut block = |signed| {
        let kernel = ledger.kernel(KernelFeatures::Coinbase { height: signed }, &coinbase.blinding);
        ledger.forge(Body::sorted(vec![], vec![coinbase.output.clone()], vec![kernel]), &Scalar::ZERO)
    };
    let (bad, good) = (block(height.next()), block(height));
    let because = Rejection::CoinbaseHeight { signed: height.next(), height };
    Broken::rule("a reward's kernel for another height", because).blocks(&base.ledger, bad, good)
}

const WINDOW: Window = window(4, 12);

const fn distant(fee: Amount, distance: u64) -> KernelFeatures {
    KernelFeatures::NoRecentDuplicate { fee, window: WINDOW, distance }
}

/// `a → x`, then `x → a'` under the commitment of `a`: all that the first payment needs is there again.
fn replays(base: &Base) -> Vec<Case> {
    let replay = |name, because: fn(&Kernel) -> Rejection, first: fn(Amount) -> KernelFeatures| {
        let Base { mut ledger, a, b } = base.clone();
        let (fee, rest1) = rest(&ledger, &[&a], 1, 1);
        let (x, key) = (ledger.output(rest1), ledger.secret());
        let there = ledger.transaction_under(&[&a], &[&x], &[(first(fee), key.clone())]);
        ledger.grow(vec![there.clone()]);
        let again = ledger.output_of(OutputFeatures::Plain, a.opening, a.blinding, Extra::default());
        let (back, rest2) = rest(&ledger, &[&x, &b], 2, 1);
        let (change, back) = (ledger.output(rest2 - again.opening.amount.units()), ledger.plain(back));
        let back = ledger.transaction(&[&x, &b], &[&again, &change], &[back]);
        ledger.grow(vec![back]);
        // The same payment, freshly signed: by another key, or by the same where that may repeat.
        let key = if first(fee).may_repeat() { key } else { ledger.secret() };
        let good = ledger.transaction_under(&[&again], &[&x], &[(first(fee), key)]);
        let because = because(&there.body.kernels[0]);
        Broken::rule(name, because).transactions(&ledger, there, good)
    };
    let repeated = |k: &Kernel| Rejection::ExcessRepeated { excess: k.excess.encoded() };
    vec![
        replay("a payment played again after its input came back", repeated, |fee| KernelFeatures::Plain {
            fee,
            not_after: Height::new(20),
        }),
        replay(
            "a repeatable kernel, byte for byte",
            |k| Rejection::KernelRepeated { id: k.id() },
            |fee| distant(fee, 1),
        ),
    ]
}

/// Which kernels may follow which under one excess.
fn repeats(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, b } = base.clone();
    let (fee, rest1) = rest(&ledger, &[&a], 1, 1);
    let (x, other) = (ledger.secret(), ledger.secret());
    let (one, two, plain) = (ledger.output(rest1), ledger.output(rest1), ledger.plain(fee));
    let because = Rejection::ExcessRepeated { excess: PublicKey::of(&x).point().encoded() };
    let second = |name, first, bad, good| {
        let mut ledger = ledger.clone();
        let first = ledger.transaction_under(&[&a], &[&one], &[(first, x.clone())]);
        ledger.grow(vec![first]);
        let [bad, good] = [bad, good].map(|k| ledger.transaction_under(&[&b], &[&two], &[k]));
        Broken::rule(name, because.clone()).transactions(&ledger, bad, good)
    };
    let (near, far) = (distant(fee, 1), distant(fee, 3));
    let (same, fresh) = (|f| (f, x.clone()), |f| (f, other.clone()));
    let mut all = vec![
        second("a plain kernel under a used excess", plain, same(plain), fresh(plain)),
        second("a plain kernel under a repeatable excess", near, same(plain), same(near)),
        second("a repeatable kernel under a plain excess", plain, same(near), fresh(near)),
    ];
    let first = ledger.transaction_under(&[&a], &[&one], &[(far, x.clone())]);
    let t = ledger.transaction_under(&[&b], &[&two], &[(far, x)]);
    ledger.grow(vec![first]); // in block 6
    ledger.grow(Vec::new());
    let eight = ledger.clone();
    ledger.grow(Vec::new());
    all.push(
        Broken::rule("an excess repeated one block too soon", because).on_two_chains(t, &eight, &ledger),
    );
    all
}
