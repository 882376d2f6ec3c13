//! MW-R18, MW-R19 and MW-R22 to MW-R30: refused by what the chain holds already.

use super::{Base, Case, shape::rest};
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
    transaction::Body,
};

pub(super) fn all(base: &Base) -> Vec<Case> {
    [headers(base), unspent(base), windows(base), replays(base), repeats(base)]
        .into_iter()
        .flatten()
        .chain([immature(base), coinbase_height(base)])
        .collect()
}

fn headers(base: &Base) -> Vec<Case> {
    let Base { mut toy, a, .. } = base.clone();
    let payment = toy.pay(&[&a], &[5]).0;
    let good = toy.forge_with(&payment);
    let tip = toy.state().tip().clone();
    let not_next = Rejection::NotNext { tip: tip.hash(), height: tip.height };
    let early = Rejection::TimeBackwards { time: tip.time - 1, parent: tip.time };
    let mut same_time = good.header.clone();
    same_time.time = tip.time;
    let mut payer = toy.clone();
    let same_time = payer.seal(same_time, good.body.clone());
    let mut case = |name, because, accepted, edit: fn(&mut Header, &Header)| {
        let mut header = good.header.clone();
        edit(&mut header, &tip);
        let bad = payer.seal(header, good.body.clone());
        Case::blocks(name, because, &base.toy, (bad, accepted))
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

fn unspent(base: &Base) -> Vec<Case> {
    let Base { mut toy, a, b } = base.clone();
    let never = toy.output(a.opening.amount.units());
    let (bad, good) = (toy.pay(&[&never], &[5]).0, toy.pay(&[&a], &[5]).0);
    let because = Rejection::NotUnspent { output: never.commitment().encoded() };
    let never = Case::transactions("an input that never was", because, &toy, (bad, good.clone()));

    let (first, bad) = (good.clone(), toy.pay(&[&a], &[7]).0);
    let good = toy.pay(&[&b], &[7]).0;
    toy.grow(vec![first.clone()]);
    let because = Rejection::NotUnspent { output: a.commitment().encoded() };
    let name = "an output spent in an earlier block";
    let twice = Case::transactions(name, because.clone(), &toy, (bad, good.clone()));
    let replay = Case::transactions("a transaction sent again", because, &toy, (first, good));

    let Base { mut toy, a, b } = base.clone();
    let (fee, rest1) = rest(&toy, &[&a], 1, 1);
    let (out, other, plain) = (toy.output(rest1), toy.output(rest1), toy.plain(fee));
    let first = toy.transaction(&[&a], &[&out], &[plain]);
    toy.grow(vec![first]);
    let bad = toy.transaction(&[&b], &[&out], &[plain]);
    let good = toy.transaction(&[&b], &[&other], &[plain]);
    let because = Rejection::AlreadyUnspent { output: out.commitment().encoded() };
    let exists = Case::transactions("an output that is unspent already", because, &toy, (bad, good));
    vec![never, twice, replay, exists]
}

fn immature(base: &Base) -> Case {
    let mut young = base.toy.clone();
    let reward = young.grow(Vec::new());
    let from = young.state().tip().height.plus(3);
    young.grow(Vec::new());
    let mut old = young.clone();
    old.grow(Vec::new());
    let t = old.pay(&[&reward], &[5]).0;
    let because = Rejection::Immature { output: reward.commitment().encoded(), from };
    Case::on_two_chains("a reward spent one block early", because, t, (&young, &old))
}

fn windows(base: &Base) -> Vec<Case> {
    let Base { mut toy, a, .. } = base.clone();
    let (fee, rest) = rest(&toy, &[&a], 1, 1);
    let out = toy.output(rest);
    let mut pay = |f: KernelFeatures| toy.transaction(&[&a], &[&out], &[f]);
    let window = |from, to| Window { not_before: Height::new(from), not_after: Height::new(to) };
    let ranged = |from, to| KernelFeatures::HeightRanged { fee, window: window(from, to) };
    let ranged = [pay(ranged(8, 12)), pay(ranged(4, 8))];
    let plain = pay(KernelFeatures::Plain { fee, not_after: Height::new(24) });
    let at = |next: u64| {
        let mut toy = base.toy.clone();
        while toy.next() < Height::new(next) {
            toy.grow(Vec::new());
        }
        toy
    };
    let (seven, eight, nine) = (at(7), at(8), at(9));
    let outside = |height, from, to| {
        let (not_before, not_after) = (Height::new(from), Height::new(to));
        Rejection::OutsideWindow { height: Height::new(height), not_before, not_after }
    };
    let [later, earlier] = ranged;
    let case = Case::on_two_chains;
    vec![
        case("a block before the window", outside(7, 8, 12), later, (&seven, &eight)),
        case("a block after the window", outside(9, 4, 8), earlier, (&nine, &eight)),
        case("a plain window that is still to come", outside(7, 8, 24), plain, (&seven, &eight)),
    ]
}

fn coinbase_height(base: &Base) -> Case {
    let mut toy = base.toy.clone();
    let height = toy.next();
    let due = toy.chain().params().reward.units();
    let coinbase = toy.output_as(OutputFeatures::Coinbase, due);
    let mut block = |signed| {
        let kernel = toy.kernel(KernelFeatures::Coinbase { height: signed }, &coinbase.blinding);
        toy.forge(Body::sorted(vec![], vec![coinbase.output.clone()], vec![kernel]), &Scalar::ZERO)
    };
    let (bad, good) = (block(height.next()), block(height));
    let because = Rejection::CoinbaseHeight { signed: height.next(), height };
    Case::blocks("a reward's kernel for another height", because, &base.toy, (bad, good))
}

const WINDOW: Window = Window { not_before: Height::new(4), not_after: Height::new(12) };

const fn distant(fee: Amount, distance: u64) -> KernelFeatures {
    KernelFeatures::NoRecentDuplicate { fee, window: WINDOW, distance }
}

/// `a → x`, then `x → a'` under the commitment of `a`: all that the first payment needs is there again.
fn replays(base: &Base) -> Vec<Case> {
    let replay = |name, because: fn(&Kernel) -> Rejection, first: fn(Amount) -> KernelFeatures| {
        let Base { mut toy, a, b } = base.clone();
        let (fee, rest1) = rest(&toy, &[&a], 1, 1);
        let (x, key) = (toy.output(rest1), toy.secret());
        let there = toy.transaction_under(&[&a], &[&x], &[(first(fee), key.clone())]);
        toy.grow(vec![there.clone()]);
        let again = toy.output_of(OutputFeatures::Plain, a.opening, a.blinding, Extra::default());
        let (back, rest2) = rest(&toy, &[&x, &b], 2, 1);
        let (change, back) = (toy.output(rest2 - again.opening.amount.units()), toy.plain(back));
        let back = toy.transaction(&[&x, &b], &[&again, &change], &[back]);
        toy.grow(vec![back]);
        // The same payment, freshly signed: by another key, or by the same where that may repeat.
        let key = if first(fee).may_repeat() { key } else { toy.secret() };
        let good = toy.transaction_under(&[&again], &[&x], &[(first(fee), key)]);
        let because = because(&there.body.kernels[0]);
        Case::transactions(name, because, &toy, (there, good))
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

/// What may follow which kernel under one excess.
fn repeats(base: &Base) -> Vec<Case> {
    let Base { mut toy, a, b } = base.clone();
    let (fee, rest1) = rest(&toy, &[&a], 1, 1);
    let (x, other) = (toy.secret(), toy.secret());
    let (one, two, plain) = (toy.output(rest1), toy.output(rest1), toy.plain(fee));
    let because = Rejection::ExcessRepeated { excess: PublicKey::of(&x).point().encoded() };
    let second = |name, first, bad, good| {
        let mut toy = toy.clone();
        let first = toy.transaction_under(&[&a], &[&one], &[(first, x.clone())]);
        toy.grow(vec![first]);
        let [bad, good] = [bad, good].map(|k| toy.transaction_under(&[&b], &[&two], &[k]));
        Case::transactions(name, because.clone(), &toy, (bad, good))
    };
    let (near, far) = (distant(fee, 1), distant(fee, 3));
    let (same, fresh) = (|f| (f, x.clone()), |f| (f, other.clone()));
    let mut all = vec![
        second("a plain kernel under a used excess", plain, same(plain), fresh(plain)),
        second("a plain kernel under a repeatable excess", near, same(plain), same(near)),
        second("a repeatable kernel under a plain excess", plain, same(near), fresh(near)),
    ];
    let first = toy.transaction_under(&[&a], &[&one], &[(far, x.clone())]);
    let t = toy.transaction_under(&[&b], &[&two], &[(far, x)]);
    toy.grow(vec![first]); // in block 6
    toy.grow(Vec::new());
    let eight = toy.clone();
    toy.grow(Vec::new());
    all.push(Case::on_two_chains("an excess repeated one block too soon", because, t, (&eight, &toy)));
    all
}
