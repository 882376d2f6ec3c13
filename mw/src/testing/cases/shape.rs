//! MW-R01 to MW-R12: refused by what the bytes alone say.

use super::{Base, Case, Owned, TestChain};
use crate::{
    amount::{Amount, Height},
    block::Block,
    error::Rejection,
    features::{Extra, OutputFeatures},
    group::{Point, Scalar, identity},
    kernel::{Kernel, KernelFeatures, Window},
    range_proof::{Opening, RangeProof},
    schnorr::Signature,
    secret::SecretScalar,
    transaction::{Body, Transaction},
};
use sha2::{Digest, Sha512};

pub(super) fn all(base: &Base) -> Vec<Case> {
    [order(base), cut_through(base), identities(base), windows(base), fees(base), rewards(base)]
        .into_iter()
        .flatten()
        .chain([too_heavy(), proof_encoding(base), no_kernel()])
        .collect()
}

/// The least fee of a transaction with so many items, and what it leaves of the inputs.
pub(super) fn rest(toy: &TestChain, have: &[&Owned], outputs: usize, kernels: usize) -> (Amount, u64) {
    let fee = toy.least_fee(have.len(), outputs, kernels);
    (fee, have.iter().map(|o| o.opening.amount.units()).sum::<u64>() - fee.units())
}

fn order(base: &Base) -> Vec<Case> {
    let Base { mut toy, a, b } = base.clone();
    let refused = |list| Rejection::NotAscending { list };
    let (fee, rest2) = rest(&toy, &[&a, &b], 1, 1);
    let (out, plain) = (toy.output(rest2), toy.plain(fee));
    let twice = toy.transaction(&[&a, &a], &[&out], &[plain]);
    let both = toy.transaction(&[&a, &b], &[&out], &[plain]);
    let inputs = Case::transactions("an input counted twice", refused("inputs"), &toy, (twice, both));

    let good = toy.pay(&[&a], &[5]).0;
    let mut bad = good.clone();
    bad.body.outputs.reverse();
    let outputs = Case::transactions("outputs out of order", refused("outputs"), &toy, (bad, good));

    let (fee, rest) = rest(&toy, &[&a], 1, 2);
    let (out, x, y) = (toy.output(rest), toy.secret(), toy.secret());
    let window = Window { not_before: Height::new(4), not_after: Height::new(8) };
    let one = KernelFeatures::NoRecentDuplicate { fee, window, distance: 1 };
    let two = KernelFeatures::NoRecentDuplicate { fee: Amount::ZERO, window, distance: 1 };
    let bad = toy.transaction_under(&[&a], &[&out], &[(one, x.clone()), (two, x.clone())]);
    let good = toy.transaction_under(&[&a], &[&out], &[(one, x), (two, y)]);
    let kernels = Case::transactions("an excess twice in one body", refused("kernels"), &toy, (bad, good));
    vec![inputs, outputs, kernels]
}

fn cut_through(base: &Base) -> Vec<Case> {
    let Base { mut toy, a, .. } = base.clone();
    let (fee, rest1) = rest(&toy, &[&a], 3, 1);
    let (through, out, plain) = (toy.output(5), toy.output(rest1), toy.plain(fee));
    let bad = toy.transaction(&[&a, &through], &[&through, &out], &[plain]);
    let good = toy.transaction(&[&a], &[&out], &[plain]);
    let because = Rejection::NotCutThrough { output: through.commitment().encoded() };
    let both = Case::transactions("an output created and spent in one body", because, &toy, (bad, good));

    let (coinbase, kernel) = toy.reward(fee);
    let out = toy.output(coinbase.opening.amount.units() - fee.units());
    let mut block = |t: Transaction| -> Block {
        let outputs = [t.body.outputs, vec![coinbase.output.clone()]].concat();
        let kernels = [t.body.kernels, vec![kernel.clone()]].concat();
        toy.forge(Body::sorted(t.body.inputs, outputs, kernels), &t.offset)
    };
    let mut payer = base.toy.clone();
    let bad = block(payer.transaction(&[&coinbase], &[&out], &[plain]));
    let out = payer.output(rest1);
    let good = block(payer.transaction(&[&a], &[&out], &[plain]));
    let because = Rejection::NotCutThrough { output: coinbase.commitment().encoded() };
    let own = Case::blocks("a block that spends its own reward", because, &base.toy, (bad, good));
    vec![both, own]
}

/// A limit that a block with one payment of one input just reaches.
fn too_heavy() -> Case {
    let Base { mut toy, a, b } = Base::with(|p| p.max_weight = 90);
    let good = toy.pay(&[&a], &[5]).0;
    let bad = toy.pay(&[&a, &b], &[5]).0;
    let (good, bad) = (toy.forge_with(&good), toy.forge_with(&bad));
    let because = Rejection::TooHeavy { weight: bad.body.weight(), limit: 90 };
    Case::blocks("a block above the weight limit", because, &toy, (bad, good))
}

fn identities(base: &Base) -> Vec<Case> {
    let Base { mut toy, a, b } = base.clone();
    let refused = |item| Rejection::Identity { item };
    let opening = Opening { amount: Amount::ZERO, index: [0; 12] };
    let nothing = toy.output_of(OutputFeatures::Plain, opening, SecretScalar::zero(), Extra::default());
    let (fee, rest1) = rest(&toy, &[&a, &b], 2, 1);
    let (zero, out, plain) = (toy.output(0), toy.output(rest1), toy.plain(fee));
    let bad = toy.transaction(&[&a, &b], &[&nothing, &out], &[plain]);
    let good = toy.transaction(&[&a, &b], &[&zero, &out], &[plain]);
    let name = "an output that commits to nothing, provably in range";
    let output = Case::transactions(name, refused("commitment"), &toy, (bad, good.clone()));

    // MW-R24 would refuse this one too: no such output is ever unspent.
    let bad = toy.transaction(&[&a, &b, &nothing], &[&zero, &out], &[plain]);
    let input = Case::transactions("an input of nothing", refused("commitment"), &toy, (bad, good.clone()));

    let bad = toy.transaction_under(&[&a, &b], &[&zero, &out], &[(plain, SecretScalar::zero())]);
    let name = "an excess under which anyone can sign";
    let excess = Case::transactions(name, refused("excess"), &toy, (bad, good.clone()));

    let x = toy.secret();
    let mut bad = toy.transaction_under(&[&a, &b], &[&zero, &out], &[(plain, x.clone())]);
    bad.body.kernels.iter_mut().for_each(|k| k.signature = without_nonce(k, &x, &toy));
    let name = "a signature whose nonce is zero, which gives the key away";
    let nonce = Case::transactions(name, refused("nonce"), &toy, (bad, good));
    vec![output, input, excess, nonce]
}

/// `R = 0, z = c·x`: the signature equation holds.
fn without_nonce(k: &Kernel, x: &SecretScalar, toy: &TestChain) -> Signature {
    let r = Point::from(identity());
    let hash = Sha512::new_with_prefix(b"FROST-RISTRETTO255-SHA512-v1chal")
        .chain_update(r.as_bytes())
        .chain_update(k.excess.as_bytes())
        .chain_update(k.features.message(toy.chain().id()));
    Signature::from_parts(r, Scalar::from_bytes_mod_order_wide(&hash.finalize().into()) * x.reveal())
}

/// `t_x + ℓ` stands for the same scalar as `t_x`.
fn proof_encoding(base: &Base) -> Case {
    let Base { mut toy, a, .. } = base.clone();
    let good = toy.pay(&[&a], &[]).0;
    let mut bad = good.clone();
    let output = &mut bad.body.outputs[0];
    let mut proof = *output.proof.as_bytes();
    let order = (-Scalar::ONE).to_bytes(); // ℓ − 1
    let mut carry = 1;
    for (p, l) in proof[128..160].iter_mut().zip(order) {
        let sum = u16::from(*p) + u16::from(l) + carry;
        (*p, carry) = (sum as u8, sum >> 8);
    }
    output.proof = RangeProof::from_bytes(&proof);
    let because = Rejection::ProofEncoding { output: output.commitment.encoded() };
    Case::transactions("the same proof in other bytes", because, &toy, (bad, good))
}

fn windows(base: &Base) -> Vec<Case> {
    let Base { mut toy, a, .. } = base.clone();
    let (fee, rest) = rest(&toy, &[&a], 1, 1);
    let out = toy.output(rest);
    let mut pay = |f: KernelFeatures| toy.transaction(&[&a], &[&out], &[f]);
    let window = |from, to| Window { not_before: Height::new(from), not_after: Height::new(to) };
    let ranged = |from, to| KernelFeatures::HeightRanged { fee, window: window(from, to) };
    let plain = |to| KernelFeatures::Plain { fee, not_after: Height::new(to) };
    let distant = |distance| KernelFeatures::NoRecentDuplicate { fee, window: window(4, 20), distance };
    let bad = |from, to| Rejection::BadWindow { not_before: Height::new(from), not_after: Height::new(to) };
    let mut case = |name, because, refused, accepted| {
        Case::transactions(name, because, &base.toy, (pay(refused), pay(accepted)))
    };
    vec![
        case("a window that ends before it begins", bad(8, 4), ranged(8, 4), ranged(4, 8)),
        case("a window that begins off the grid", bad(5, 8), ranged(5, 8), ranged(4, 8)),
        case("a window that ends off the grid", bad(4, 7), ranged(4, 7), ranged(4, 8)),
        case("a window that is too wide", bad(4, 24), ranged(4, 24), ranged(4, 20)),
        case("a plain kernel that ends off the grid", bad(0, 19), plain(19), plain(20)),
        case("no distance at all", Rejection::BadDistance { distance: 0 }, distant(0), distant(1)),
        case("a distance above the width", Rejection::BadDistance { distance: 17 }, distant(17), distant(16)),
    ]
}

fn fees(base: &Base) -> Vec<Case> {
    let Base { mut toy, a, .. } = base.clone();
    let (fee, rest) = rest(&toy, &[&a], 1, 2);
    let (out, nothing) = (toy.output(rest), toy.plain(Amount::ZERO));
    // The two wrap around to the fee that is due, so wrapping sums would balance.
    let (most, little) = (toy.plain(Amount::new(u64::MAX)), toy.plain(Amount::new(fee.units() + 1)));
    let (bad, plain) = (toy.transaction(&[&a], &[&out], &[most, little]), toy.plain(fee));
    let good = toy.transaction(&[&a], &[&out], &[plain, nothing]);
    let overflow =
        Case::transactions("fees that wrap around", Rejection::FeeOverflow, &toy, (bad, good.clone()));

    let less = Amount::new(fee.units() - 1);
    let (more, plain) = (toy.output(rest + 1), toy.plain(less));
    let bad = toy.transaction(&[&a], &[&more], &[plain, nothing]);
    let because = Rejection::FeeTooLow { fee: less, least: fee };
    let low = Case::transactions("a fee one unit below the least", because, &toy, (bad, good));
    vec![overflow, low]
}

/// On a chain without a least fee, where nothing else stops it.
fn no_kernel() -> Case {
    let Base { mut toy, a, .. } = Base::with(|p| p.fee_per_weight = Amount::ZERO);
    let (out, plain) = (toy.output(a.opening.amount.units()), toy.plain(Amount::ZERO));
    let bad = toy.transaction(&[&a], &[&out], &[]);
    let good = toy.transaction(&[&a], &[&out], &[plain]);
    Case::transactions("a move without a signature", Rejection::NoKernel, &toy, (bad, good))
}

fn rewards(base: &Base) -> Vec<Case> {
    let Base { mut toy, a, .. } = base.clone();
    let (fee, rest) = rest(&toy, &[&a], 1, 2);
    let (out, as_reward) = (toy.output(rest), toy.output_as(OutputFeatures::Coinbase, rest));
    let (one, none) = (toy.plain(fee), toy.plain(Amount::ZERO));
    let good = toy.transaction(&[&a], &[&out], &[one, none]);
    let bad = toy.transaction(&[&a], &[&as_reward], &[one, none]);
    let because = Rejection::CoinbaseInTransaction;
    let output = Case::transactions("a reward as a payment", because.clone(), &toy, (bad, good.clone()));
    let coinbase = KernelFeatures::Coinbase { height: toy.next() };
    let bad = toy.transaction(&[&a], &[&out], &[one, coinbase]);
    let kernel = Case::transactions("a reward's kernel in a payment", because, &toy, (bad, good));

    let due = toy.chain().params().reward.units();
    let [half, other] = [due / 2, due - due / 2].map(|v| toy.output_as(OutputFeatures::Coinbase, v));
    let (plain, whole) = (toy.output(due), toy.output_as(OutputFeatures::Coinbase, due));
    let mut block = |outputs: &[&Owned], kernels: &[KernelFeatures]| {
        // The reward's own kernel has no offset beside it: the first excess takes what the others leave.
        let rest: Vec<_> = kernels.iter().skip(1).map(|f| (*f, toy.secret())).collect();
        let x = outputs.iter().map(|o| o.blinding.reveal()).sum::<Scalar>()
            - rest.iter().map(|(_, x)| x.reveal()).sum::<Scalar>();
        let first = kernels.iter().take(1).map(|f| (*f, x.into()));
        let t = toy.transaction_under(&[], outputs, &first.chain(rest).collect::<Vec<_>>());
        toy.forge(t.body, &t.offset)
    };
    let good = block(&[&whole], &[coinbase]);
    let case = |name, because: (usize, usize), bad| {
        let because = Rejection::RewardCount { outputs: because.0, kernels: because.1 };
        Case::blocks(name, because, &base.toy, (bad, good.clone()))
    };
    let split = block(&[&half, &other], &[coinbase]);
    let hidden = block(&[&plain], &[coinbase]);
    let twice = block(&[&whole], &[coinbase, coinbase]);
    let none = toy.forge(Body::default(), &Scalar::ZERO);
    vec![
        output,
        kernel,
        case("a reward in two outputs", (2, 1), split),
        case("a reward that need not mature", (0, 1), hidden),
        case("a reward under two kernels", (1, 2), twice),
        case("a block without its reward", (0, 0), none),
    ]
}
