//! Why outputs that a group owns must not have one key in common.
//!
//! Suppose each had the blinding factor r = r0 + x, where x is the group's secret and r0 follows from a secret that all
//! members know, in order to find and read their outputs. Whoever knows the r0 and no share of x then takes the money:
//!
//! ```text
//! input   B = v_B·H + (r0_B + x)·G        what the group owns
//! output  A = v_A·H + (r0_A + x)·G        an output that it spent long ago: its proof is public, and holds again
//! output  C = (v_B − v_A − fee)·H + r_C·G the thief's
//! excess  = r0_A + x + r_C − (r0_B + x)   x cancels
//! ```
//!
//! With a key of its own for each output nothing cancels.
#![allow(clippy::unwrap_used)]

use sotto_mw::{
    amount::Amount,
    error::Rejection,
    output::{Extra, OutputFeatures},
    range_proof::Opening,
    secret::SecretScalar,
    testing::{Owned, TestChain},
    transaction::Transaction,
};

/// An output under the blinding factor r0 + x, and what a member without x knows of it.
fn shared(chain: &mut TestChain, amount: u64, x: &SecretScalar) -> (Owned, Owned) {
    let (r0, opening) = (chain.secret(), Opening { amount: Amount::new(amount), index: [7; 12] });
    let blinding = SecretScalar::from(r0.reveal() + x.reveal());
    let output = chain.output_of(OutputFeatures::Plain, opening, blinding, Extra::default());
    (output.clone(), Owned { blinding: r0, ..output })
}

/// The group receives A, and spends it into B; then a member without x tries to take B.
fn theft(keys: [&SecretScalar; 2]) -> (TestChain, Transaction) {
    let mut chain = TestChain::new(1);
    let reward = chain.grow(vec![]);
    chain.mature();
    let (a, old) = shared(&mut chain, 1_000_000, keys[0]);
    let fee = chain.least_fee(1, 2, 1);
    let rest = reward.opening.amount.units() - 1_000_000 - fee.units();
    let change = chain.output(rest);
    let features = chain.plain(fee);
    let received = chain.transaction(&[&reward], &[&a, &change], &[features]);
    chain.grow(vec![received]);
    let fee = chain.least_fee(2, 1, 1);
    let (b, seen) = shared(&mut chain, rest + 1_000_000 - fee.units(), keys[1]);
    let features = chain.plain(fee);
    let merged = chain.transaction(&[&a, &change], &[&b], &[features]);
    chain.grow(vec![merged]);

    let fee = chain.least_fee(1, 2, 1);
    let loot = chain.output(seen.opening.amount.units() - 1_000_000 - fee.units());
    let features = chain.plain(fee);
    let theft = chain.transaction(&[&seen], &[&old, &loot], &[features]);
    (chain, theft)
}

#[test]
fn one_key_in_all_outputs_lets_a_member_without_it_steal() {
    let x = TestChain::new(2).secret();
    let (mut chain, theft) = theft([&x, &x]);
    chain.accept(&theft).unwrap();
    chain.grow(vec![theft]);
}

#[test]
fn a_key_for_each_output_does_not() {
    let mut keys = TestChain::new(3);
    let [x, y] = [keys.secret(), keys.secret()];
    let (chain, theft) = theft([&x, &y]);
    assert_eq!(chain.accept(&theft).unwrap_err(), Rejection::Unbalanced);
}
