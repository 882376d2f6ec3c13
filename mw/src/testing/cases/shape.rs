//! Cases for MW-R01 to MW-R12: the bytes alone are wrong.

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
    testing::{
        case::{Base, Broken, Case, ranged, window},
        owned::Owned,
        test_chain::TestChain,
    },
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

/// The least fee of a transaction with these numbers of items, and what remains of the inputs.
pub(super) fn rest(ledger: &TestChain, have: &[&Owned], outputs: usize, kernels: usize) -> (Amount, u64) {
    let fee = ledger.least_fee(have.len(), outputs, kernels);
    (fee, have.iter().map(|o| o.opening.amount.units()).sum::<u64>() - fee.units())
}

fn order(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, b } = base.clone();
    let refused = |list| Rejection::NotAscending { list };
    let (fee, rest2) = rest(&ledger, &[&a, &b], 1, 1);
    let (out, plain) = (ledger.output(rest2), ledger.plain(fee));
    let twice = ledger.transaction(&[&a, &a], &[&out], &[plain]);
    let both = ledger.transaction(&[&a, &b], &[&out], &[plain]);
    let inputs = Broken::rule("an input counted twice", refused("inputs")).transactions(&ledger, twice, both);

    let good = ledger.pay(&[&a], &[5]).0;
    let mut bad = good.clone();
    bad.body.outputs.reverse();
    let outputs = Broken::rule("outputs out of order", refused("outputs")).transactions(&ledger, bad, good);

    let (fee, rest) = rest(&ledger, &[&a], 1, 2);
    let (out, x, y) = (ledger.output(rest), ledger.secret(), ledger.secret());
    let window = Window { not_before: Height::new(4), not_after: Height::new(8) };
    let one = KernelFeatures::NoRecentDuplicate { fee, window, distance: 1 };
    let two = KernelFeatures::NoRecentDuplicate { fee: Amount::ZERO, window, distance: 1 };
    let bad = ledger.transaction_under(&[&a], &[&out], &[(one, x.clone()), (two, x.clone())]);
    let good = ledger.transaction_under(&[&a], &[&out], &[(one, x), (two, y)]);
    let kernels =
        Broken::rule("an excess twice in one body", refused("kernels")).transactions(&ledger, bad, good);
    vec![inputs, outputs, kernels]
}

fn cut_through(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, .. } = base.clone();
    let (fee, rest1) = rest(&ledger, &[&a], 3, 1);
    let (through, out, plain) = (ledger.output(5), ledger.output(rest1), ledger.plain(fee));
    let bad = ledger.transaction(&[&a, &through], &[&through, &out], &[plain]);
    let good = ledger.transaction(&[&a], &[&out], &[plain]);
    let because = Rejection::NotCutThrough { output: through.commitment().encoded() };
    let both =
        Broken::rule("an output created and spent in one body", because).transactions(&ledger, bad, good);

    let (coinbase, kernel) = ledger.reward(fee);
    let out = ledger.output(coinbase.opening.amount.units() - fee.units());
    let mut block = |t: Transaction| -> Block {
        let outputs = [t.body.outputs, vec![coinbase.output.clone()]].concat();
        let kernels = [t.body.kernels, vec![kernel.clone()]].concat();
        ledger.forge(Body::sorted(t.body.inputs, outputs, kernels), &t.offset)
    };
    let mut payer = base.ledger.clone();
    let bad = block(payer.transaction(&[&coinbase], &[&out], &[plain]));
    let out = payer.output(rest1);
    let good = block(payer.transaction(&[&a], &[&out], &[plain]));
    let because = Rejection::NotCutThrough { output: coinbase.commitment().encoded() };
    let own = Broken::rule("a block that spends its own reward", because).blocks(&base.ledger, bad, good);
    vec![both, own]
}

/// A limit that a block with one payment of one input just reaches.
fn too_heavy() -> Case {
    let Base { mut ledger, a, b } = Base::with(|p| p.max_weight = 90);
    let good = ledger.pay(&[&a], &[5]).0;
    let bad = ledger.pay(&[&a, &b], &[5]).0;
    let (good, bad) = (ledger.forge_with(&good), ledger.forge_with(&bad));
    let because = Rejection::TooHeavy { weight: bad.body.weight(), limit: 90 };
    Broken::rule("a block above the weight limit", because).blocks(&ledger, bad, good)
}

fn identities(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, b } = base.clone();
    let refused = |item| Rejection::Identity { item };
    let opening = Opening { amount: Amount::ZERO, index: [0; 12] };
    let nothing = ledger.output_of(OutputFeatures::Plain, opening, SecretScalar::zero(), Extra::default());
    let (fee, rest1) = rest(&ledger, &[&a, &b], 2, 1);
    let (zero, out, plain) = (ledger.output(0), ledger.output(rest1), ledger.plain(fee));
    let bad = ledger.transaction(&[&a, &b], &[&nothing, &out], &[plain]);
    let good = ledger.transaction(&[&a, &b], &[&zero, &out], &[plain]);
    let name = "an output that commits to nothing, provably in range";
    let output = Broken::rule(name, refused("commitment")).transactions(&ledger, bad, good.clone());

    // MW-R24 would reject this too, because such an output is never unspent.
    let bad = ledger.transaction(&[&a, &b, &nothing], &[&zero, &out], &[plain]);
    let input =
        Broken::rule("an input of nothing", refused("commitment")).transactions(&ledger, bad, good.clone());

    let bad = ledger.transaction_under(&[&a, &b], &[&zero, &out], &[(plain, SecretScalar::zero())]);
    let name = "an excess under which anyone can sign";
    let excess = Broken::rule(name, refused("excess")).transactions(&ledger, bad, good.clone());

    let x = ledger.secret();
    let mut bad = ledger.transaction_under(&[&a, &b], &[&zero, &out], &[(plain, x.clone())]);
    bad.body.kernels.iter_mut().for_each(|k| k.signature = without_nonce(k, &x, &ledger));
    let name = "a signature whose nonce is zero, which gives the key away";
    let nonce = Broken::rule(name, refused("nonce")).transactions(&ledger, bad, good);
    vec![output, input, excess, nonce]
}

/// `R = 0, z = c·x`: the signature equation holds.
fn without_nonce(k: &Kernel, x: &SecretScalar, ledger: &TestChain) -> Signature {
    let r = Point::from(identity());
    let hash = Sha512::new_with_prefix(b"FROST-RISTRETTO255-SHA512-v1chal")
        .chain_update(r.as_bytes())
        .chain_update(k.excess.as_bytes())
        .chain_update(k.features.message(ledger.chain().id()));
    Signature::from_parts(r, Scalar::from_bytes_mod_order_wide(&hash.finalize().into()) * x.reveal())
}

/// `t_x + ℓ` is another encoding of the scalar `t_x`.
fn proof_encoding(base: &Base) -> Case {
    let Base { mut ledger, a, .. } = base.clone();
    let good = ledger.pay(&[&a], &[]).0;
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
    Broken::rule("the same proof in other bytes", because).transactions(&ledger, bad, good)
}

fn windows(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, .. } = base.clone();
    let (fee, rest) = rest(&ledger, &[&a], 1, 1);
    let out = ledger.output(rest);
    let mut pay = |f: KernelFeatures| ledger.transaction(&[&a], &[&out], &[f]);
    let ranged = |from, to| ranged(fee, from, to);
    let plain = |to| KernelFeatures::Plain { fee, not_after: Height::new(to) };
    let distant = |distance| KernelFeatures::NoRecentDuplicate { fee, window: window(4, 20), distance };
    let bad = |from, to| Rejection::BadWindow { not_before: Height::new(from), not_after: Height::new(to) };
    let mut case = |name, because, refused, accepted| {
        Broken::rule(name, because).transactions(&base.ledger, pay(refused), pay(accepted))
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
    let Base { mut ledger, a, .. } = base.clone();
    let (fee, rest) = rest(&ledger, &[&a], 1, 2);
    let (out, nothing) = (ledger.output(rest), ledger.plain(Amount::ZERO));
    // The two wrap around to the fee that is due, so wrapping sums would balance.
    let (most, little) = (ledger.plain(Amount::new(u64::MAX)), ledger.plain(Amount::new(fee.units() + 1)));
    let (bad, plain) = (ledger.transaction(&[&a], &[&out], &[most, little]), ledger.plain(fee));
    let good = ledger.transaction(&[&a], &[&out], &[plain, nothing]);
    let overflow = Broken::rule("fees that wrap around", Rejection::FeeOverflow).transactions(
        &ledger,
        bad,
        good.clone(),
    );

    let less = Amount::new(fee.units() - 1);
    let (more, plain) = (ledger.output(rest + 1), ledger.plain(less));
    let bad = ledger.transaction(&[&a], &[&more], &[plain, nothing]);
    let because = Rejection::FeeTooLow { fee: less, least: fee };
    let low = Broken::rule("a fee one unit below the least", because).transactions(&ledger, bad, good);
    vec![overflow, low]
}

/// On a chain without a least fee, where no other rule rejects it.
fn no_kernel() -> Case {
    let Base { mut ledger, a, .. } = Base::with(|p| p.fee_per_weight = Amount::ZERO);
    let (out, plain) = (ledger.output(a.opening.amount.units()), ledger.plain(Amount::ZERO));
    let bad = ledger.transaction(&[&a], &[&out], &[]);
    let good = ledger.transaction(&[&a], &[&out], &[plain]);
    Broken::rule("a move without a signature", Rejection::NoKernel).transactions(&ledger, bad, good)
}

fn rewards(base: &Base) -> Vec<Case> {
    let Base { mut ledger, a, .. } = base.clone();
    let (fee, rest) = rest(&ledger, &[&a], 1, 2);
    let (out, as_reward) = (ledger.output(rest), ledger.output_as(OutputFeatures::Coinbase, rest));
    let (one, none) = (ledger.plain(fee), ledger.plain(Amount::ZERO));
    let good = ledger.transaction(&[&a], &[&out], &[one, none]);
    let bad = ledger.transaction(&[&a], &[&as_reward], &[one, none]);
    let because = Rejection::CoinbaseInTransaction;
    let output =
        Broken::rule("a reward as a payment", because.clone()).transactions(&ledger, bad, good.clone());
    let coinbase = KernelFeatures::Coinbase { height: ledger.next() };
    let bad = ledger.transaction(&[&a], &[&out], &[one, coinbase]);
    let kernel = Broken::rule("a reward's kernel in a payment", because).transactions(&ledger, bad, good);

    let due = ledger.chain().params().reward.units();
    let [half, other] = [due / 2, due - due / 2].map(|v| ledger.output_as(OutputFeatures::Coinbase, v));
    let (plain, whole) = (ledger.output(due), ledger.output_as(OutputFeatures::Coinbase, due));
    let mut block = |outputs: &[&Owned], kernels: &[KernelFeatures]| {
        // A block's own offset is zero here, so the first excess takes the remainder of the blinding factors.
        let rest: Vec<_> = kernels.iter().skip(1).map(|f| (*f, ledger.secret())).collect();
        let x = outputs.iter().map(|o| o.blinding.reveal()).sum::<Scalar>()
            - rest.iter().map(|(_, x)| x.reveal()).sum::<Scalar>();
        let first = kernels.iter().take(1).map(|f| (*f, x.into()));
        let t = ledger.transaction_under(&[], outputs, &first.chain(rest).collect::<Vec<_>>());
        ledger.forge(t.body, &t.offset)
    };
    let good = block(&[&whole], &[coinbase]);
    let case = |name, because: (usize, usize), bad| {
        let because = Rejection::RewardCount { outputs: because.0, kernels: because.1 };
        Broken::rule(name, because).blocks(&base.ledger, bad, good.clone())
    };
    let split = block(&[&half, &other], &[coinbase]);
    let hidden = block(&[&plain], &[coinbase]);
    let twice = block(&[&whole], &[coinbase, coinbase]);
    let none = ledger.forge(Body::default(), &Scalar::ZERO);
    vec![
        output,
        kernel,
        case("a reward in two outputs", (2, 1), split),
        case("a reward that need not mature", (0, 1), hidden),
        case("a reward under two kernels", (1, 2), twice),
        case("a block without its reward", (0, 0), none),
    ]
}
