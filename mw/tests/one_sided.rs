//! One-sided outputs and inputs on a chain: joined, reorganised, pruned, and what a stranger may still do. The
//! attacks that the rules stop are cases of their own (`sotto_mw::testing::cases`).
#![allow(clippy::unwrap_used, reason = "a test that is wrong must stop")]

use sotto_mw::{
    aggregate::{Conflict, aggregate},
    amount::Amount,
    codec::{Decode, Encode},
    error::Rejection,
    group::Scalar,
    kernel::Kernel,
    one_sided::Bond,
    state::ChainView,
    testing::{Owned, TestChain},
    transaction::{Body, Transaction},
};

/// A chain with a one-sided coin and a plain one.
fn funded() -> (TestChain, Owned, Owned) {
    let mut ledger = TestChain::new(7);
    let (a, b) = (ledger.grow(Vec::new()), ledger.grow(Vec::new()));
    ledger.mature();
    let (payment, mut outputs) = ledger.pay_one_sided(&[&a], &[2_000_000_000]);
    ledger.grow(vec![payment]);
    (ledger, outputs.remove(0), b)
}

#[test]
fn joined_payments_keep_both_sums() {
    let (mut ledger, coin, plain) = funded();
    let one = ledger.pay_one_sided(&[&coin], &[5]).0;
    let (two, outputs) = ledger.pay_one_sided(&[&plain], &[900_000_000, 6]);
    let joined = aggregate([one.clone(), two.clone()]).unwrap();
    assert_eq!(joined.body.key_offset, one.body.key_offset + two.body.key_offset);
    assert_eq!(joined.body.bonds.len(), 2);
    assert_eq!(Transaction::from_bytes(&joined.to_bytes()), Ok(joined.clone()));
    ledger.grow(vec![joined]);
    // What arrived is spent together with a reward, and the change is plain.
    let reward = ledger.grow(Vec::new());
    ledger.mature();
    let change = ledger.output(reward.opening.amount.units() + 900_000_000 - 100_000);
    let kernel = ledger.bonded(Amount::new(100_000));
    let mixed = ledger.transaction(&[&outputs[0], &reward], &[&change], &[kernel]);
    assert_eq!((mixed.body.inputs.len(), mixed.body.one_sided_inputs.len()), (1, 1));
    ledger.grow(vec![mixed]);
    assert!(ledger.state().unspent(&outputs[0].commitment()).unwrap().is_none());
}

/// One plain and one one-sided input, two one-sided outputs and a bonded kernel weigh as RULES.md says, and the
/// least fee is for all of it.
#[test]
fn a_one_sided_payment_pays_for_its_weight() {
    let (mut ledger, coin, plain) = funded();
    let t = ledger.pay_one_sided(&[&coin, &plain], &[5]).0;
    assert_eq!(t.body.weight(), 8 + 18 + 2 * 30 + 8 + 9);
    let least = ledger.chain().least_fee(t.body.weight()).unwrap();
    assert_eq!(t.body.fees(), Some(least));
    let fee = Amount::new(least.units() - 1);
    let have = coin.opening.amount.units() + plain.opening.amount.units();
    let (paid, change, kernel) =
        (ledger.one_sided(5), ledger.one_sided(have - 5 - fee.units()), ledger.bonded(fee));
    let cheaper = ledger.transaction(&[&coin, &plain], &[&paid, &change], &[kernel]);
    assert_eq!(ledger.accept(&cheaper).map(drop), Err(Rejection::FeeTooLow { fee, least }));
}

/// An output is spent once, also by an input with a key.
#[test]
fn a_one_sided_input_counts_once() {
    let (mut ledger, coin, _) = funded();
    let mut twice = ledger.pay_one_sided(&[&coin], &[5]).0;
    twice.body.one_sided_inputs.push(twice.body.one_sided_inputs[0]);
    assert_eq!(ledger.accept(&twice).map(drop), Err(Rejection::NotAscending { list: "one-sided inputs" }));
}

/// No body holds both: a mempool takes the second when the first is in a block.
#[test]
fn a_one_sided_output_is_never_cut_through() {
    let (mut ledger, coin, plain) = funded();
    let (first, outputs) = ledger.pay_one_sided(&[&plain], &[1_000_000_000]);
    let second = ledger.pay_one_sided(&[&outputs[0]], &[]).0;
    let refused = Err(Conflict::OneSidedAtOnce(outputs[0].commitment().encoded()));
    assert_eq!(aggregate([first.clone(), second.clone()]), refused);
    assert_eq!(aggregate([second.clone(), ledger.pay_one_sided(&[&coin], &[]).0, first.clone()]), refused);
    ledger.grow(vec![first]);
    ledger.grow(vec![second]);
}

/// A bonded kernel may stand alone: a slate is made before its coins are chosen.
#[test]
fn a_bond_needs_no_one_sided_item() {
    let (mut ledger, _, plain) = funded();
    let out = ledger.output(plain.opening.amount.units() - 100_000);
    let kernel = ledger.bonded(Amount::new(100_000));
    let t = ledger.transaction(&[&plain], &[&out], &[kernel]);
    assert!(ledger.accept(&t).is_ok());
    let Some((excess, _)) = t.body.bonds.first_key_value() else { panic!("a bond") };
    let missing = Transaction { body: Body { bonds: Default::default(), ..t.body.clone() }, ..t.clone() };
    let refused = |t: &Transaction| ledger.accept(t).map(drop);
    assert_eq!(refused(&missing), Err(Rejection::BondSignature { excess: excess.encoded() }));
    let mut stray = t.clone();
    let (other, bond) = (stray_kernel(&mut ledger.clone()), t.body.bonds[excess]);
    stray.body.bonds.insert(other.excess, bond);
    assert_eq!(
        ledger.accept(&stray).map(drop),
        Err(Rejection::BondSignature { excess: other.excess.encoded() })
    );
}

fn stray_kernel(ledger: &mut TestChain) -> Kernel {
    let (x, features) = (ledger.secret(), ledger.bonded(Amount::ZERO));
    ledger.kernel(features, &x)
}

/// y has no place in a body without a bond.
#[test]
fn a_body_without_a_bond_has_no_y() {
    let (mut ledger, _, plain) = funded();
    let mut t = ledger.pay(&[&plain], &[5]).0;
    t.body.key_offset = Scalar::ONE;
    assert_eq!(ledger.accept(&t).map(drop), Err(Rejection::KeysUnbalanced));
}

/// Who knows the secret of an excess can put the same kernel under a bond of its own, around its own coins. The
/// original is void then, and its coins stay where they were.
#[test]
fn a_squatted_kernel_voids_the_payment_and_loses_no_coin() {
    let (mut ledger, coin, plain) = funded();
    let e = ledger.secret();
    let kernel = ledger.bonded(Amount::new(100_000));
    let out = ledger.one_sided(coin.opening.amount.units() - 100_000);
    let payment = ledger.transaction_under(&[&coin], &[&out], &[(kernel, e.clone())]);
    let own = ledger.output(plain.opening.amount.units() - 100_000);
    let squatting = ledger.transaction_under(&[&plain], &[&own], &[(kernel, e)]);
    assert!(ledger.accept(&payment).is_ok());
    ledger.grow(vec![squatting]);
    let excess = payment.body.kernels[0].excess.encoded();
    assert_eq!(ledger.accept(&payment).map(drop), Err(Rejection::ExcessRepeated { excess }));
    let retry = ledger.pay_one_sided(&[&coin], &[]).0;
    ledger.grow(vec![retry]);
}

/// With a bond's secret used twice, the parts of both payments could be exchanged: why it must be fresh.
#[test]
fn a_bond_signs_one_kernel() {
    let (mut ledger, ..) = funded();
    let x = ledger.secret();
    let [one, two] = [0, 1].map(|_| stray_kernel(&mut ledger));
    let chain = *ledger.chain().id();
    let bonds = [&one, &two].map(|k| Bond::sign(&chain, k, &x, ledger.rng()));
    assert_eq!(bonds[0].key, bonds[1].key);
    assert_ne!(bonds[0].signature, bonds[1].signature);
}

#[test]
fn a_one_sided_transaction_with_a_flipped_bit_is_refused() {
    let (mut ledger, coin, plain) = funded();
    let good = ledger.pay_one_sided(&[&coin, &plain], &[5]).0;
    assert!(ledger.accept(&good).is_ok());
    let bytes = good.to_bytes();
    // Version, offset, and three counts with one input and one one-sided input; then outputs of 835 bytes.
    let outputs = 33 + 4 + 32 + 4 + 160 + 4;
    let in_proof =
        |byte: usize| (outputs..outputs + 2 * 835).contains(&byte) && (byte - outputs) % 835 >= 163;
    let bits = (0..8 * bytes.len()).filter(|bit| !in_proof(bit / 8) || bit % 8 == bit / 8 % 7);
    for bit in bits.step_by(3) {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(t) = Transaction::from_bytes(&flipped) {
            assert!(ledger.accept(&t).is_err(), "bit {bit}");
        }
    }
}
