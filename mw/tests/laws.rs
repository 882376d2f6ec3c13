//! Laws of the ledger, tested as properties: joining, cut-through, undo, encodings, flipped bits, batches.
#![allow(clippy::unwrap_used, reason = "a test that is wrong must stop")]

use proptest::{collection::vec, prelude::*, sample::subsequence};
use sotto_mw::{
    aggregate::{Conflict, aggregate},
    amount::Amount,
    block::Block,
    chain::Params,
    codec::{Decode, DecodeError, Encode, MAX_ITEMS},
    error::Rejection,
    group::{Point, Scalar},
    mmr::Mmr,
    one_sided::Bond,
    output::Output,
    range_proof::RangeProof,
    rules::{self, SupplyAudit},
    schnorr::{PublicKey, Signature},
    state::{ChainView, ChangeSet, MemoryState, RewindData, Unspent},
    testing::{Owned, TestChain, strategies as any},
    transaction::{Body, BodyKernel, Transaction},
    trie::{Entry, Trie},
};
use std::{
    collections::{BTreeSet, HashSet},
    fmt::Debug,
    sync::LazyLock,
};

/// A chain with two rewards to spend.
fn funded() -> (TestChain, Owned, Owned) {
    let mut ledger = TestChain::new(7);
    let (a, b) = (ledger.grow(Vec::new()), ledger.grow(Vec::new()));
    ledger.mature();
    (ledger, a, b)
}

/// Six payments, of which some spend what others create: a → c d, c → e f, f → g, d → h, b → i j, i j → k.
static PAYMENTS: LazyLock<(TestChain, Vec<Transaction>)> = LazyLock::new(|| {
    let (mut ledger, a, b) = funded();
    let (one, cd) = ledger.pay(&[&a], &[9_000_000]);
    let (two, ef) = ledger.pay(&[&cd[0]], &[4_000_000]);
    let (three, _) = ledger.pay(&[&ef[1]], &[]);
    let (four, _) = ledger.pay(&[&cd[1]], &[]);
    let (five, ij) = ledger.pay(&[&b], &[1_000_000]);
    let (six, _) = ledger.pay(&[&ij[0], &ij[1]], &[]);
    (ledger, vec![one, two, three, four, five, six])
});

fn joined(all: &[Transaction]) -> Transaction {
    aggregate(all.to_vec()).unwrap()
}

fn excesses(all: &[Transaction]) -> BTreeSet<Vec<u8>> {
    all.iter().flat_map(|t| &t.body.kernels).map(Encode::to_bytes).collect()
}

proptest! {
    /// In any order and any grouping, joining gives the same transaction.
    #[test]
    fn joining_commutes_and_associates(
        order in Just((0..6).collect::<Vec<_>>()).prop_shuffle(),
        cuts in vec(0usize..=6, 2),
    ) {
        let all = &PAYMENTS.1;
        let (low, high) = (cuts[0].min(cuts[1]), cuts[0].max(cuts[1]));
        let shuffled: Vec<_> = order.iter().map(|i| all[*i].clone()).collect();
        let groups = [&shuffled[..low], &shuffled[low..high], &shuffled[high..]].map(joined);
        prop_assert_eq!(joined(&groups), joined(all));
    }

    /// No kernel is lost and the offsets add, so Σ excesses + offset·G is kept; only pairs cancel, and all of
    /// them.
    #[test]
    fn joining_keeps_excesses_offsets_and_ends(some in subsequence((0..6).collect::<Vec<usize>>(), 0..=6)) {
        let some: Vec<_> = some.into_iter().map(|i| PAYMENTS.1[i].clone()).collect();
        let t = joined(&some);
        prop_assert_eq!(t.offset, some.iter().map(|t| t.offset).sum::<Scalar>());
        prop_assert_eq!(excesses(std::slice::from_ref(&t)), excesses(&some));
        let spent: HashSet<_> = some.iter().flat_map(|t| t.body.inputs.clone()).collect();
        let created = |t: &Transaction| t.body.outputs.iter().map(|o| o.commitment).collect::<HashSet<_>>();
        let before: HashSet<_> = some.iter().flat_map(created).collect();
        prop_assert_eq!(created(&t), &before - &spent);
        prop_assert_eq!(t.body.inputs.into_iter().collect::<HashSet<_>>(), &spent - &before);
    }
}

/// A transaction for joining only: it moves some of eight outputs, and need not balance.
fn moves(made: &[Owned], (spends, creates, offset): (u8, u8, u64)) -> Transaction {
    let chosen = |bits: u8| made.iter().enumerate().filter(move |(i, _)| bits >> i & 1 == 1).map(|(_, o)| o);
    let inputs = chosen(spends & !creates).map(Owned::commitment).collect();
    let outputs = chosen(creates).map(|o| o.output.clone()).collect();
    Transaction { offset: Scalar::from(offset), body: Body::sorted(inputs, outputs, Vec::new()) }
}

proptest! {
    /// Whenever all of them can be joined at once, every bracketing and every order gives the same; and they
    /// can exactly when no output is spent twice and none is created twice among all of them.
    #[test]
    fn joining_associates_where_joining_at_once_succeeds(parts: [(u8, u8, u64); 3]) {
        static MADE: LazyLock<Vec<Owned>> = LazyLock::new(|| {
            let mut ledger = TestChain::new(23);
            (0..8).map(|i| if i == 0 { ledger.reward(Amount::ZERO).0 } else { ledger.output(i) }).collect()
        });
        let all = parts.map(|p| moves(&MADE, p));
        let distinct = |list: Vec<_>| list.len() == list.iter().collect::<HashSet<_>>().len();
        let inputs = all.iter().flat_map(|t| t.body.inputs.clone()).collect();
        let outputs = all.iter().flat_map(|t| t.body.outputs.iter().map(|o| o.commitment)).collect();
        let at_once = aggregate(all.clone());
        prop_assert_eq!(at_once.is_ok(), distinct(inputs) && distinct(outputs));
        let [x, y, z] = all;
        if at_once.is_ok() {
            let join = |a: Transaction, b: Transaction| aggregate([a, b]);
            prop_assert_eq!(&join(join(x.clone(), y.clone()).unwrap(), z.clone()), &at_once);
            prop_assert_eq!(&join(x.clone(), join(y.clone(), z.clone()).unwrap()), &at_once);
            prop_assert_eq!(&aggregate([z, x, y]), &at_once);
        }
    }
}

/// Why the law has a condition: an output that was cut through no longer conflicts with its duplicate.
#[test]
fn joining_in_steps_may_hide_a_conflict() {
    let (mut ledger, a, b) = funded();
    let through = ledger.output(5);
    let fee = ledger.plain(Amount::ZERO);
    let [x, y, z] = [(&a, &through), (&through, &b), (&b, &through)]
        .map(|(from, to)| ledger.transaction(&[from], &[to], &[fee]));
    let at_once = aggregate([x.clone(), y.clone(), z.clone()]);
    assert_eq!(at_once, Err(Conflict::CreatedTwice(through.commitment().encoded())));
    assert!(aggregate([aggregate([x, y]).unwrap(), z]).is_ok());
}

/// The joined transaction passes every rule, and leads to the same unspent outputs as its parts one after the
/// other.
#[test]
fn cut_through_keeps_the_balance_and_the_outcome() {
    let (ledger, all) = &*PAYMENTS;
    let payments = |ledger: &TestChain| -> BTreeSet<_> {
        ledger
            .state()
            .all_unspent()
            .filter(|u| !u.output.is_coinbase())
            .map(|u| u.output.commitment)
            .collect()
    };
    let (mut at_once, mut in_turn) = (ledger.clone(), ledger.clone());
    let t = joined(all);
    assert_eq!((t.body.inputs.len(), t.body.outputs.len(), t.body.kernels.len()), (2, 4, 6));
    at_once.grow(vec![t]);
    for t in all {
        in_turn.grow(vec![t.clone()]);
    }
    assert_eq!(payments(&at_once), payments(&in_turn));
}

#[test]
fn conflicts_are_named() {
    let (mut ledger, a, b) = funded();
    let (one, outs) = ledger.pay(&[&a], &[5]);
    let two = ledger.pay(&[&a], &[6]).0;
    let spent = a.commitment().encoded();
    assert_eq!(aggregate([one.clone(), two]), Err(Conflict::SpentTwice(spent)));
    let plain = ledger.plain(Amount::new(100_000));
    let same = ledger.transaction(&[&b], &[&outs[0]], &[plain]);
    let created = outs[0].commitment().encoded();
    assert_eq!(aggregate([one, same]), Err(Conflict::CreatedTwice(created)));
    let (key, fee) = (ledger.secret(), ledger.least_fee(1, 1, 1));
    let mut under_one_key = |coin: &Owned| {
        let output = ledger.output(coin.opening.amount.units() - fee.units());
        let kernel = ledger.plain(fee);
        ledger.transaction_under(&[coin], &[&output], &[(kernel, key.clone())])
    };
    let twins = [under_one_key(&a), under_one_key(&b)];
    let excess = twins[0].body.kernels[0].excess.encoded();
    assert_eq!(aggregate(twins), Err(Conflict::ExcessTwice(excess)));
}

/// A reward is never cut through. A block that spends its own reward contains both, which MW-R02 rejects.
#[test]
fn rewards_are_not_cut_through() {
    let (mut ledger, ..) = funded();
    let (coinbase, kernel) = ledger.reward(Amount::ZERO);
    let reward = Body::sorted(vec![], vec![coinbase.output.clone()], vec![kernel]);
    let spending = ledger.pay(&[&coinbase], &[]).0;
    let t = joined(&[Transaction { offset: Scalar::ZERO, body: reward }, spending]);
    assert_eq!(t.body.inputs, [coinbase.commitment()]);
    assert!(t.body.outputs.contains(&coinbase.output));
}

/// A chain that `choices` determine: for each block, how many payments of what shape.
fn random_chain(seed: u64, choices: &[(u8, u8)]) -> (TestChain, Vec<MemoryState>, Vec<ChangeSet>) {
    let mut ledger = TestChain::with(seed, |p| p.maturity = 1);
    let (mut states, mut changes) = (vec![ledger.state().clone()], Vec::new());
    let mut owned: Vec<Owned> = Vec::new();
    for (payments, parts) in choices {
        let mut block = Vec::new();
        let mut fresh = Vec::new();
        for i in 0..payments % 3 {
            if owned.is_empty() {
                break;
            }
            let from = owned.remove((usize::from(*parts) + usize::from(i)) % owned.len());
            let amounts = vec![10_000_000; usize::from(parts % 3)];
            // What is one-sided is spent by a one-sided payment; of plain coins, every other one.
            let (t, outputs) = if from.keys.is_some() || parts % 2 == 0 {
                ledger.pay_one_sided(&[&from], &amounts)
            } else {
                ledger.pay(&[&from], &amounts)
            };
            block.push(t);
            // Small change is left alone.
            fresh.extend(outputs.into_iter().filter(|o| o.opening.amount > Amount::new(100_000_000)));
        }
        let (p, coinbase) = ledger.propose(&block).unwrap();
        let block = ledger.seal(p.header, p.body);
        changes.push(ledger.connect(&block).unwrap());
        states.push(ledger.state().clone());
        owned.extend(fresh);
        owned.push(coinbase);
    }
    (ledger, states, changes)
}

fn audit(ledger: &TestChain, unspent: impl Iterator<Item = Unspent>) -> Result<Amount, rules::AuditError> {
    let mut audit = SupplyAudit::default();
    unspent.for_each(|u| audit.add_unspent(&u.output.commitment));
    ledger.blocks().iter().flat_map(|b| &b.body.kernels).for_each(|k| audit.add_kernel(&k.excess));
    let tip = ledger.state().tip();
    audit.finish(ledger.chain(), tip.height, &tip.total_offset)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Undoes all blocks down to the genesis and applies them again; a change fits no other state.
    #[test]
    fn undo_after_apply_is_the_identity(seed: u64, choices in vec(any::<(u8, u8)>(), 1..7)) {
        let (ledger, states, changes) = random_chain(seed, &choices);
        let mut state = ledger.state().clone();
        for (change, before) in changes.iter().zip(&states).rev() {
            prop_assert!(state.apply(change).is_err());
            state.undo(change).unwrap();
            prop_assert!(state == *before);
            prop_assert!(state.undo(change).is_err());
        }
        for (change, after) in changes.iter().zip(&states[1..]) {
            state.apply(change).unwrap();
            prop_assert!(state == *after);
        }
    }

    /// Rewind data has one encoding, and its leaf is that of its output only.
    #[test]
    fn rewind_data_has_the_leaf_of_its_output(seed: u64, edit: (usize, u8)) {
        let (ledger, ..) = random_chain(seed, &[(1, 0); 3]);
        prop_assert!(ledger.state().all_unspent().any(|u| u.output.features.keys().is_some()));
        for u in ledger.state().all_unspent() {
            let data = u.rewind_data();
            prop_assert_eq!((data.key(), data.leaf()), (Unspent::key(&u.output.commitment), u.leaf()));
            canonical(&data, edit)?;
            let mut bytes = data.to_bytes();
            let at = edit.0 % bytes.len();
            bytes[at] ^= edit.1.max(1);
            if let Ok(other) = RewindData::from_bytes(&bytes) {
                prop_assert!((other.key(), other.leaf()) != (data.key(), data.leaf()));
            }
        }
    }

    /// Σ unspent = supply·H + Σ excesses + offset·G, and the roots are those of the sets themselves.
    #[test]
    fn the_supply_adds_up_and_roots_follow_from_the_sets(seed: u64, choices in vec(any::<(u8, u8)>(), 1..7)) {
        let (ledger, ..) = random_chain(seed, &choices);
        let all: Vec<Unspent> = ledger.state().all_unspent().cloned().collect();
        let height = ledger.state().tip().height;
        prop_assert_eq!(audit(&ledger, all.iter().cloned()).ok(), ledger.chain().supply(height));
        prop_assert!(audit(&ledger, all.iter().skip(1).cloned()).is_err());
        let entries = all.iter().map(|u| Entry { key: Unspent::key(&u.output.commitment), leaf: u.leaf() });
        prop_assert_eq!(Trie::from_leaves(entries).unwrap().root(), ledger.state().tip().output_root);
        let mut kernels = Mmr::new();
        ledger.blocks().iter().flat_map(|b| &b.body.kernels).for_each(|k| kernels.push(k.id()));
        prop_assert_eq!(kernels.root(), ledger.state().tip().kernel_root);
    }
}

/// Both directions, and every way to be too short or too long.
fn canonical<T: Encode + Decode + PartialEq + Debug>(x: &T, edit: (usize, u8)) -> Result<(), TestCaseError> {
    let bytes = x.to_bytes();
    prop_assert_eq!(&T::from_bytes(&bytes).unwrap(), x);
    let longer = [&bytes[..], &[0]].concat();
    prop_assert_eq!(T::from_bytes(&longer), Err(DecodeError::Trailing { extra: 1 }));
    let (cut, with) = (edit.0 % bytes.len(), edit.1);
    prop_assert!(T::from_bytes(&bytes[..cut]).is_err(), "cut to {}", cut);
    let mut other = bytes.clone();
    other[cut] = with;
    if let Ok(y) = T::from_bytes(&other) {
        prop_assert_eq!(y.to_bytes(), other);
        prop_assert!(y != *x || with == bytes[cut]);
    }
    Ok(())
}

proptest! {
    #[test]
    fn bytes_are_canonical(
        params in any::params(), header in any::header(), kernel in any::kernel(), unspent in any::unspent(),
        transaction in any::transaction(), block in any::block(), edits in any::<[(usize, u8); 6]>(),
    ) {
        canonical(&params, edits[0])?;
        canonical(&header, edits[1])?;
        canonical(&kernel, edits[2])?;
        canonical(&unspent, edits[3])?;
        prop_assert!(unspent.output.to_bytes().len() <= Output::MAX_BYTES);
        canonical(&transaction, edits[4])?;
        canonical(&block, edits[5])?;
    }

    /// Whatever arrives, decoding ends without a panic, and what decodes is canonical.
    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..300)) {
        let again = [
            Transaction::from_bytes(&bytes).map(|t| t.to_bytes()),
            Block::from_bytes(&bytes).map(|b| b.to_bytes()),
            Params::from_bytes(&bytes).map(|p| p.to_bytes()),
            Body::from_bytes(&bytes).map(|b| b.to_bytes()),
        ];
        again.into_iter().flatten().for_each(|b| assert_eq!(b, bytes));
    }
}

/// Each decode error; a count is rejected before anything is allocated for it.
#[test]
fn each_decode_error_has_its_bytes() {
    let (mut ledger, a, _) = funded();
    let t = ledger.pay(&[&a], &[5]).0;
    let good = t.to_bytes();
    let with = |at: usize, bytes: &[u8]| {
        let mut b = good.clone();
        b[at..at + bytes.len()].copy_from_slice(bytes);
        Transaction::from_bytes(&b).map(|_| ())
    };
    // Offsets into: version 1, offset 32, inputs 4 + 32, one-sided inputs 4, outputs 4 + 2·706, kernels 4 + 113,
    // no change 1.
    let (inputs, input, one_sided, outputs, output, kernels) = (33, 37, 69, 73, 77, 1489);
    assert_eq!(good.len(), kernels + 4 + 113 + 1);
    assert_eq!(with(kernels + 117, &[2]), Err(DecodeError::Code { what: "flag of a change", code: 2 }));
    assert_eq!(with(0, &[2]), Err(DecodeError::Version { found: 2 }));
    let mut params = ledger.chain().params().to_bytes();
    for found in [1, 2, 4] {
        params[0] = found;
        assert_eq!(Params::from_bytes(&params), Err(DecodeError::Rules { found, supported: 3 }));
    }
    assert_eq!(with(1, &[0xff; 32]), Err(DecodeError::Scalar));
    assert_eq!(with(input, &[0xff; 32]), Err(DecodeError::Point));
    assert_eq!(with(output, &[6]), Err(DecodeError::Code { what: "output features", code: 6 }));
    let bound = DecodeError::Bound { what: "extra data", found: 65, bound: 64 };
    assert_eq!(with(output + 33, &[65]), Err(bound));
    assert_eq!(with(kernels + 4, &[7]), Err(DecodeError::Code { what: "kernel features", code: 7 }));
    let counts = [inputs, one_sided, outputs, kernels];
    for (at, what) in counts.into_iter().zip(["inputs", "one-sided inputs", "outputs", "kernels"]) {
        let bound = DecodeError::Bound { what, found: u64::from(MAX_ITEMS) + 1, bound: MAX_ITEMS.into() };
        assert_eq!(with(at, &(MAX_ITEMS + 1).to_le_bytes()), Err(bound));
        assert!(matches!(with(at, &MAX_ITEMS.to_le_bytes()), Err(DecodeError::Short { .. })));
    }
    let (x, bonded, signature) = (ledger.secret(), ledger.bonded(Amount::ZERO), t.body.kernels[0].signature);
    let kernel = BodyKernel {
        kernel: ledger.kernel(bonded, &x),
        bond: Some(Bond { key: PublicKey::of(&x), signature }),
    };
    let twice =
        [&[0; 12][..], &2u32.to_le_bytes(), &kernel.to_bytes(), &kernel.to_bytes(), &[0; 32]].concat();
    assert_eq!(Body::from_bytes(&twice), Err(DecodeError::Repeated { what: "bond" }));
    let mut params = ledger.chain().params().to_bytes();
    params[1] = 3;
    let network = DecodeError::Code { what: "network", code: 3 };
    assert_eq!(Params::from_bytes(&params), Err(network));
    let good = ledger.chain().params().to_bytes();
    let last = good.len() - 1;
    for (at, what) in [(2, "kind of sealing"), (last, "kind of auditors")] {
        let mut params = good.clone();
        params[at] = 2;
        assert_eq!(Params::from_bytes(&params), Err(DecodeError::Code { what, code: 2 }));
    }
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut b = bytes.to_vec();
    b[bit / 8] ^= 1 << (bit % 8);
    b
}

/// Every bit outside of the proofs, and in the proofs one bit of every byte, another one each time.
#[test]
fn a_transaction_with_a_flipped_bit_is_refused() {
    let (mut ledger, a, _) = funded();
    let good = ledger.pay(&[&a], &[5]).0;
    assert!(ledger.accept(&good).is_ok());
    let bytes = good.to_bytes();
    let in_proof = |byte: usize| (111..783).contains(&byte) || (817..1489).contains(&byte);
    let bits = (0..8 * bytes.len()).filter(|bit| !in_proof(bit / 8) || bit % 8 == bit / 8 % 7);
    let mut undecodable = 0;
    for bit in bits {
        match Transaction::from_bytes(&flipped(&bytes, bit)) {
            Ok(t) => assert!(ledger.accept(&t).is_err(), "bit {bit}"),
            Err(_) => undecodable += 1,
        }
    }
    assert!(undecodable > 100, "{undecodable}");
}

/// Every bit of version, header and seal, and one bit of every byte of the body.
#[test]
fn a_block_with_a_flipped_bit_is_refused() {
    let (mut ledger, a, _) = funded();
    let payment = ledger.pay(&[&a], &[5]).0;
    let good = ledger.forge_with(&payment);
    assert!(ledger.judge(&good).is_ok());
    let bytes = good.to_bytes();
    for bit in (0..8 * bytes.len()).filter(|bit| bit / 8 < 257 || bit % 8 == bit / 8 % 8) {
        if let Ok(b) = Block::from_bytes(&flipped(&bytes, bit)) {
            assert!(ledger.judge(&b).is_err(), "bit {bit}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A body is verified as one batch: it holds exactly when each member does, and the first bad one is
    /// named, kernels before outputs.
    #[test]
    fn a_batch_is_each_of_its_members(kernels: [bool; 6], outputs: [bool; 4], sparse: [bool; 2]) {
        static JOINED: LazyLock<Transaction> = LazyLock::new(|| joined(&PAYMENTS.1));
        let (ledger, mut t) = (&PAYMENTS.0, JOINED.clone());
        let bad = |all: &[bool], some: bool| (0..all.len()).filter(|i| some && all[*i]).collect::<Vec<_>>();
        let (bad_kernels, bad_outputs) = (bad(&kernels, sparse[0]), bad(&outputs, sparse[1]));
        for i in &bad_kernels {
            let k = &mut t.body.kernels[*i];
            let Ok([r, z]) = <[[u8; 32]; 2]>::try_from(k.signature.to_bytes().as_chunks().0) else { panic!() };
            let (r, z) = (Point::from_bytes(r).unwrap(), Scalar::from_bytes_mod_order(z) + Scalar::ONE);
            k.signature = Signature::from_parts(r, z);
        }
        for i in &bad_outputs {
            let o = &mut t.body.outputs[*i];
            let mut proof = *o.proof.as_bytes();
            proof[608] ^= 1; // the lowest bit of a
            o.proof = RangeProof::from_bytes(&proof);
        }
        let well_formed = rules::check_transaction(ledger.chain(), t.clone()).unwrap();
        let want = match (bad_kernels.first(), bad_outputs.first()) {
            (Some(i), _) => Err(Rejection::KernelSignature { excess: t.body.kernels[*i].excess.encoded() }),
            (_, Some(i)) => Err(Rejection::RangeProof { output: t.body.outputs[*i].commitment.encoded() }),
            _ => Ok(()),
        };
        prop_assert_eq!(rules::verify_transaction(ledger.chain(), well_formed).map(|_| ()), want);
    }

    /// Transactions that are verified together get the verdicts that each gets alone.
    #[test]
    fn transactions_together_are_judged_as_each_alone(faults in vec(0..5u8, 0..6)) {
        let (ledger, payments) = &*PAYMENTS;
        let with_fault = |(t, fault): (&Transaction, &u8)| {
            let mut t = t.clone();
            match fault {
                1 => t.offset += Scalar::ONE,
                2 => t.body.kernels[0].signature = payments[5].body.kernels[0].signature,
                3 => t.body.outputs[0].proof = payments[5].body.outputs[0].proof.clone(),
                _ => {}
            }
            rules::check_transaction(ledger.chain(), t).unwrap()
        };
        let all: Vec<_> = payments.iter().zip(&faults).map(with_fault).collect();
        let alone = all.iter().map(|t| rules::verify_transaction(ledger.chain(), t.clone()));
        let alone: Vec<_> = alone.map(|verdict| verdict.map(|t| t.get().clone())).collect();
        let together = rules::verify_transactions(ledger.chain(), all);
        let together: Vec<_> = together.into_iter().map(|verdict| verdict.map(|t| t.get().clone())).collect();
        for (verdict, fault) in together.iter().zip(&faults) {
            let rule = verdict.as_ref().err().map(Rejection::rule);
            prop_assert_eq!(rule, [None, Some("MW-R15"), Some("MW-R14"), Some("MW-R13"), None][usize::from(*fault)]);
        }
        prop_assert_eq!(together, alone);
    }
}
