//! Cases for MW-R13 to MW-R17, MW-R20 and MW-R21: proofs, signatures or sums are wrong.

use super::shape::rest;
use crate::{
    amount::{Amount, Height},
    block::Block,
    commitment::Commitment,
    error::Rejection,
    features::OutputFeatures,
    group::{Element, Point, Scalar, h},
    kernel::{Excess, Kernel, KernelFeatures, Window},
    range_proof::RangeProof,
    schnorr::sign,
    secret::SecretScalar,
    testing::{
        case::{Base, Broken, Case, Subject, Trial},
        owned::Owned,
        test_chain::TestChain,
    },
    transaction::Body,
};

pub(super) fn all(base: &Base) -> Vec<Case> {
    [range_proofs(base), signatures(base), balance(base), reward(base), seals(base)]
        .into_iter()
        .flatten()
        .chain([supply(), reward_overflow()])
        .collect()
}

/// Adds `by` to what an output commits to, and to nothing else.
fn shifted(o: &Owned, by: Element) -> Owned {
    let mut o = o.clone();
    o.output.commitment = Commitment::from_point(Point::from(o.commitment().point().element() + by));
    o
}

fn range_proofs(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, .. } = base.clone();
    let (fee, rest) = rest(&ledger, &[&a], 2, 1);
    let plain = ledger.plain(fee);
    let (more, less, one) = (ledger.output(rest + 1), ledger.output(rest - 1), ledger.output(1));
    let negative = shifted(&one, -h() - h());
    let bad = ledger.transaction(&[&a], &[&more, &negative], &[plain]);
    let good = ledger.transaction(&[&a], &[&less, &one], &[plain]);
    let because = Rejection::RangeProof { output: negative.commitment().encoded() };
    let negative = Broken::rule("an amount of minus one", because).transactions(&ledger, bad, good.clone());

    let mut bad = good.clone();
    let o = &mut bad.body.outputs[1];
    let mut proof = *o.proof.as_bytes();
    proof[223] ^= 1; // the top byte of e_blinding, whose lowest bit keeps it canonical
    o.proof = RangeProof::from_bytes(&proof);
    let because = Rejection::RangeProof { output: o.commitment.encoded() };
    let flipped =
        Broken::rule("a proof with one bit flipped", because).transactions(&ledger, bad, good.clone());

    let mut bad = good.clone();
    bad.body.outputs[0].proof = bad.body.outputs[1].proof.clone();
    let because = Rejection::RangeProof { output: bad.body.outputs[0].commitment.encoded() };
    let foreign = Broken::rule("another output's proof", because).transactions(&ledger, bad, good);
    vec![negative, flipped, foreign]
}

fn signatures(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, .. } = base.clone();
    let refused = |k: &Kernel| Rejection::KernelSignature { excess: k.excess.encoded() };
    let good = ledger.pay(&[&a], &[5]).0;
    // A twin of this chain, whose commitments are the same because its seed is.
    let bad = Base::with(|p| p.genesis_time += 1).ledger.pay(&[&a], &[5]).0;
    let because = refused(&bad.body.kernels[0]);
    let foreign =
        Broken::rule("another chain's transaction", because).transactions(&ledger, bad, good.clone());

    let (fee, rest) = rest(&ledger, &[&a], 1, 1);
    let (out, more, plain, x) =
        (ledger.output(rest), ledger.output(rest + 1), ledger.plain(fee), ledger.secret());
    let mut bad = ledger.transaction_under(&[&a], &[&more], &[(plain, x.clone())]);
    let k = &mut bad.body.kernels[0];
    k.excess = Excess::from_point(Point::from(k.excess.point().element() + h()));
    let because = refused(k);
    let name = "an amount hidden in the excess, so that it balances";
    let hidden = Broken::rule(name, because).transactions(&ledger, bad, good.clone());

    let mut bad = ledger.transaction_under(&[&a], &[&out], &[(plain, x)]);
    let k = &mut bad.body.kernels[0];
    k.features = KernelFeatures::Plain { fee, not_after: Height::new(16) };
    let because = refused(k);
    let changed = Broken::rule("a window changed after signing", because).transactions(&ledger, bad, good);
    vec![foreign, hidden, changed]
}

fn balance(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, .. } = base.clone();
    let (fee, rest) = rest(&ledger, &[&a], 1, 1);
    let (out, more, less, plain) =
        (ledger.output(rest), ledger.output(rest + 1), ledger.output(rest - 1), ledger.plain(fee));
    let good = ledger.transaction(&[&a], &[&out], &[plain]);
    let inflated = ledger.transaction(&[&a], &[&more], &[plain]);
    let lost = ledger.transaction(&[&a], &[&less], &[plain]);
    let mut offset = good.clone();
    offset.offset += Scalar::ONE;
    // The offset is a scalar, so it cannot compensate for an amount.
    let mut hidden = inflated.clone();
    hidden.offset += Scalar::ONE;
    let case =
        |name, bad| Broken::rule(name, Rejection::Unbalanced).transactions(&base.ledger, bad, good.clone());
    let mut all = vec![
        case("an output of one unit more", inflated),
        case("an output of one unit less", lost),
        case("another offset", offset),
        case("one unit more, and an offset to make up for it", hidden),
    ];
    let good = ledger.forge_with(&good);
    let mut header = good.header.clone();
    header.total_offset += Scalar::ONE;
    let bad = ledger.seal(header, good.body.clone());
    all.push(
        Broken::rule("a block with another total offset", Rejection::Unbalanced).blocks(&ledger, bad, good),
    );
    all
}

fn reward(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, .. } = base.clone();
    let (fee, rest) = rest(&ledger, &[&a], 1, 1);
    let plain = ledger.plain(fee);
    let due = ledger.chain().params().reward.units() + fee.units();
    // The block balances: what the reward lacks, or has too much, is in the payment.
    let mut block = |reward: u64| {
        let coinbase = ledger.output_as(OutputFeatures::Coinbase, reward);
        let features = KernelFeatures::Coinbase { height: ledger.next() };
        let kernel = ledger.kernel(features, &coinbase.blinding);
        let out = ledger.output(rest + due - reward);
        let t = ledger.transaction(&[&a], &[&out], &[plain]);
        let outputs = [t.body.outputs, vec![coinbase.output]].concat();
        let body = Body::sorted(t.body.inputs, outputs, [t.body.kernels, vec![kernel]].concat());
        ledger.forge(body, &t.offset)
    };
    let (good, less, more) = (block(due), block(due - 1), block(due + 1));
    let case =
        |name, bad| Broken::rule(name, Rejection::RewardAmount).blocks(&base.ledger, bad, good.clone());
    vec![
        case("a reward one unit short, which a payment hides", less),
        case("a reward one unit over, which a payment lacks", more),
    ]
}

/// Two rewards of 2⁶⁴ − 1 do not fit; two of half as much do.
fn supply() -> Case {
    let second = |reward: u64| {
        let mut ledger = TestChain::with(1, |p| p.reward = Amount::new(reward));
        ledger.grow(Vec::new());
        let (coinbase, kernel) = ledger.reward(Amount::ZERO);
        let block = ledger.forge(Body::sorted(vec![], vec![coinbase.output], vec![kernel]), &Scalar::ZERO);
        Trial { ledger, subject: Subject::Block(block) }
    };
    let (refused, accepted) = (second(u64::MAX), second(u64::MAX / 2));
    Case { name: "a supply above 64 bits", because: Rejection::SupplyOverflow, refused, accepted }
}

/// A reward of about half of 2⁶⁴ and a fee of the rest. MW-R13 and MW-R24 would reject it too, because
/// no output holds enough for such a fee.
fn reward_overflow() -> Case {
    let half = u64::MAX / 2;
    let mut ledger = TestChain::with(1, |p| (p.reward, p.maturity) = (Amount::new(half), 1));
    let a = ledger.grow(Vec::new());
    let window = Window { not_before: Height::GENESIS, not_after: Height::new(8) };
    let block = |ledger: &mut TestChain, spent: &Owned, coinbase: &Owned| {
        let features = KernelFeatures::HeightRanged { fee: spent.opening.amount, window };
        let t = ledger.transaction(&[spent], &[], &[features]);
        let kernel = ledger.kernel(KernelFeatures::Coinbase { height: ledger.next() }, &coinbase.blinding);
        let kernels = [t.body.kernels, vec![kernel]].concat();
        ledger.forge(Body::sorted(t.body.inputs, vec![coinbase.output.clone()], kernels), &t.offset)
    };
    let whole = ledger.output_as(OutputFeatures::Coinbase, 2 * half);
    let good = block(&mut ledger, &a, &whole);
    let most = ledger.output_as(OutputFeatures::Coinbase, u64::MAX);
    let more = ledger.output(half + 2);
    let bad = block(&mut ledger, &more, &shifted(&most, h()));
    Broken::rule("a reward and fees above 64 bits", Rejection::SupplyOverflow).blocks(&ledger, bad, good)
}

fn seals(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, b } = base.clone();
    let (one, other) = (ledger.pay(&[&a], &[5]).0, ledger.pay(&[&b], &[5]).0);
    let (good, other) = (ledger.forge_with(&one), ledger.forge_with(&other));
    let other = Block { body: other.body, ..good.clone() };
    let mut swapped = good.clone();
    if let [one, two] = swapped.body.kernels.as_mut_slice() {
        core::mem::swap(&mut one.signature, &mut two.signature);
    }
    let seal =
        sign(&SecretScalar::from(Scalar::ONE), &good.header.seal_message(ledger.chain().id()), ledger.rng());
    let key = Block { seal: seal.into(), ..good.clone() };
    let mut twin = Base::with(|p| p.genesis_time += 1).ledger;
    let chain = twin.seal(good.header.clone(), good.body.clone());
    let mut later = good.clone();
    later.header.time += 1;
    let case = |name, because, bad| Broken::rule(name, because).blocks(&base.ledger, bad, good.clone());
    vec![
        case("another body under a sealed header", Rejection::BodyHash, other),
        case("two signatures swapped under a sealed header", Rejection::BodyHash, swapped),
        case("a seal by another key", Rejection::Seal, key),
        case("the same operator's seal for another chain", Rejection::Seal, chain),
        case("a header changed after sealing", Rejection::Seal, later),
    ]
}
