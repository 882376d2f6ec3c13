//! Cases for MW-R31 and MW-R32, and what else differs on a chain with auditors: weights and handles.
//!
//! MW-R13 would reject the cases of MW-R31 too: a batch takes no proof of the other kind of chain.

use super::shape::rest;
use crate::{
    amount::Amount,
    chain::{AUDIT_WEIGHT, Auditors, OUTPUT_WEIGHT},
    error::Rejection,
    features::{OutputChain, OutputFeatures},
    group::{PointBytes, Scalar},
    hash::Hash,
    kernel::KernelFeatures,
    output::{Output, OutputKeys},
    range_proof::{Handles, Opening, RangeProof},
    schnorr::PublicKey,
    testing::{
        case::{Base, Broken, Case},
        owned::Owned,
        test_chain::TestChain,
    },
    transaction::{Body, Transaction},
};

/// The key of auditors whose secret is a small number.
fn key(y: u64) -> PublicKey {
    PublicKey::of(&Scalar::from(y).into())
}

fn audited() -> Base {
    Base::with(|p| p.auditors = Some(Auditors { key: key(4_711), charter: Hash::from_bytes([5; 32]) }))
}

pub(super) fn all(base: &Base) -> Vec<Case> {
    let audited = audited();
    let shape = vec![unaudited(&audited), unaudited_reward(&audited), needless(base)];
    [shape, false_handles(&audited), points(&audited), vec![price(&audited)]].concat()
}

/// A transaction from `a` to one output, once as `bad` makes it and once honest.
fn pair(base: &Base, bad: impl FnOnce(&mut TestChain, u64) -> Owned) -> [Transaction; 2] {
    let Base { mut ledger, a, .. } = base.clone();
    let (fee, rest) = rest(&ledger, &[&a], 1, 1);
    let plain = ledger.plain(fee);
    let outputs = [bad(&mut ledger, rest), ledger.output(rest)];
    outputs.map(|o| ledger.transaction(&[&a], &[&o], &[plain]))
}

/// An output that is made for `chain`, whatever the ledger's chain is.
fn output_on(ledger: &mut TestChain, chain: OutputChain<'_>, features: OutputFeatures, amount: u64) -> Owned {
    let (opening, blinding) = (Opening { amount: Amount::new(amount), index: [4; 12] }, ledger.secret());
    let keys = OutputKeys { blinding: &blinding, rewind: &TestChain::REWIND, tau: &TestChain::TAU };
    let output = match features {
        OutputFeatures::Coinbase => Output::coinbase(chain, &opening, &keys),
        _ => Output::plain(chain, &opening, &keys),
    };
    Owned { opening, blinding, output: output.expect("an output that can be proven"), keys: None }
}

fn output_of(t: &Transaction) -> PointBytes {
    t.body.outputs[0].commitment.encoded()
}

fn unaudited(base: &Base) -> Case {
    let [bad, good] = pair(base, |ledger, v| {
        let id = *ledger.chain().id();
        output_on(ledger, (&id).into(), OutputFeatures::Plain, v)
    });
    let because = Rejection::AuditShape { output: output_of(&bad) };
    Broken::rule("an output that auditors cannot read", because).transactions(&base.ledger, bad, good)
}

fn unaudited_reward(base: &Base) -> Case {
    let mut ledger = base.ledger.clone();
    let (id, due) = (*ledger.chain().id(), ledger.chain().params().reward.units());
    let mut block = |chain: OutputChain<'_>| {
        let coinbase = output_on(&mut ledger, chain, OutputFeatures::Coinbase, due);
        let features = KernelFeatures::Coinbase { height: ledger.next() };
        let kernel = ledger.kernel(features, &coinbase.blinding);
        ledger.forge(Body::sorted(vec![], vec![coinbase.output], vec![kernel]), &Scalar::ZERO)
    };
    let chain = base.ledger.chain();
    let (bad, good) = (block((&id).into()), block(chain.into()));
    let because = Rejection::AuditShape { output: bad.body.outputs[0].commitment.encoded() };
    Broken::rule("a reward that auditors cannot read", because).blocks(&base.ledger, bad, good)
}

/// It pays for its weight, and everything holds, but this chain has no auditors.
fn needless(base: &Base) -> Case {
    let Base { mut ledger, a, .. } = base.clone();
    let more = ledger.chain().least_fee(AUDIT_WEIGHT).unwrap_or_default().units();
    let (fee, rest) = rest(&ledger, &[&a], 1, 1);
    let plain = ledger.plain(Amount::new(fee.units() + more));
    let (id, auditors) = (*ledger.chain().id(), key(4_711));
    let chain = OutputChain { id: &id, auditors: Some(&auditors) };
    let outputs =
        [output_on(&mut ledger, chain, OutputFeatures::Plain, rest - more), ledger.output(rest - more)];
    let [bad, good] = outputs.map(|o| ledger.transaction(&[&a], &[&o], &[plain]));
    let because = Rejection::AuditShape { output: output_of(&bad) };
    Broken::rule("an audited output where there are no auditors", because).transactions(
        &base.ledger,
        bad,
        good,
    )
}

/// Everything holds for the key of somebody else, under this chain's id.
fn false_handles(base: &Base) -> Vec<Case> {
    let case = |name, y: u64| {
        let [bad, good] = pair(base, |ledger, v| {
            let (id, other) = (*ledger.chain().id(), key(y));
            output_on(ledger, OutputChain { id: &id, auditors: Some(&other) }, OutputFeatures::Plain, v)
        });
        let because = Rejection::AuditHandle { output: output_of(&bad) };
        Broken::rule(name, because).transactions(&base.ledger, bad, good)
    };
    vec![case("an output for other auditors", 4_712), case("an output that anybody reads", 1)]
}

/// Handles that are changed after the proof was made: the transcript has absorbed the old ones.
fn points(base: &Base) -> Vec<Case> {
    let altered = |edit: fn(&mut [u8; 160])| {
        let [mut bad, good] = pair(base, TestChain::output);
        let proof = &mut bad.body.outputs[0].proof;
        let mut bytes = *proof.handles().map_or(&[0; 160], Handles::as_bytes);
        edit(&mut bytes);
        *proof = RangeProof::from_bytes(proof.as_bytes()).with_handles(Handles::from_bytes(&bytes));
        [bad, good]
    };
    let [bad, good] = altered(|b| b[..32].fill(0));
    let because = Rejection::Identity { item: "handle" };
    let identity = Broken::rule("a high half that is nothing", because).transactions(&base.ledger, bad, good);
    let [bad, good] = altered(|b| b[128..].copy_from_slice(key(3).as_bytes()));
    let because = Rejection::RangeProof { output: output_of(&bad) };
    let other = Broken::rule("another T' than the proof's", because).transactions(&base.ledger, bad, good);
    vec![identity, other]
}

/// The fee of an output without handles is too low.
fn price(base: &Base) -> Case {
    let Base { mut ledger, a, .. } = base.clone();
    let least = ledger.least_fee(1, 1, 1);
    let less = ledger.chain().least_fee(AUDIT_WEIGHT).unwrap_or_default();
    let fee = Amount::new(least.units() - less.units());
    let have = a.opening.amount.units();
    let mut paying = |fee: Amount| {
        let (out, plain) = (ledger.output(have - fee.units()), ledger.plain(fee));
        ledger.transaction(&[&a], &[&out], &[plain])
    };
    let (bad, good) = (paying(fee), paying(least));
    debug_assert_eq!(bad.body.outputs[0].weight(), OUTPUT_WEIGHT + AUDIT_WEIGHT);
    let because = Rejection::FeeTooLow { fee, least };
    Broken::rule("an audited output at the price of another", because).transactions(&base.ledger, bad, good)
}
