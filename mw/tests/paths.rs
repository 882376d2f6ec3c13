//! One set of rules for all paths: blocks in batches, chains without bodies, and values from another chain.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that is wrong must stop")]

use proptest::{collection::vec, prelude::*};
use sotto_mw::{
    amount::{Amount, Height},
    block::{Block, Header, Seal, SealedHeader, body_hash},
    error::Rejection,
    group::{Point, Scalar},
    kernel::{Excess, Kernel, KernelFeatures, Window},
    mmr::Peaks,
    range_proof::{Opening, RangeProof},
    rules::{
        InvalidBlock, NextBlock, check_block, check_transaction, connect_block, connect_transaction, propose,
        pruned::{PrunedVerifier, VerifyError, check_kernels},
        verify_block, verify_blocks, verify_transaction,
    },
    schnorr::Signature,
    secret::SecretScalar,
    state::{ChainView, Unspent},
    testing::TestChain,
    transaction::Body,
    trie::{Entry, Prefix, Trie},
};
use std::sync::LazyLock;

/// Seven blocks, payments in the later ones.
static CHAIN: LazyLock<TestChain> = LazyLock::new(|| {
    let mut ledger = TestChain::with(21, |p| p.maturity = 1);
    let mut reward = ledger.grow(Vec::new());
    for n in 0..6 {
        let payments = match n % 4 {
            0 => vec![ledger.pay(&[&reward], &[5, 6]).0],
            2 => vec![ledger.pay_one_sided(&[&reward], &[5, 6]).0],
            _ => Vec::new(),
        };
        reward = ledger.grow(payments);
    }
    ledger
});

/// Ways to spoil a sealed block; all but the first two keep it a block that its operator sealed.
const SPOILS: [fn(&mut Block); 8] = [
    |b| b.seal = b.body.kernels[0].signature.into(),
    |b| b.body.kernels[0].signature = signature(&b.seal),
    |b| b.body.outputs.iter_mut().take(1).for_each(|o| unprove(&mut o.proof)),
    |b| b.body.kernels[0].signature = signature(&b.seal),
    |b| b.header.total_offset += Scalar::ONE,
    |b| b.header.time = 0,
    |b| b.header.previous = sotto_mw::hash::Hash::ZERO,
    |b| b.body.outputs.clear(),
];

fn signature(seal: &Seal) -> Signature {
    match seal {
        Seal::Operator(signature) => *signature,
        Seal::Certificate(_) => unreachable!("the chain has an operator"),
    }
}

fn unprove(proof: &mut RangeProof) {
    let mut bytes = *proof.as_bytes();
    bytes[608] ^= 1; // the lowest bit of a
    *proof = RangeProof::from_bytes(&bytes);
}

/// The chain's blocks, some of them spoiled, sealed and linked again.
fn spoiled(ledger: &mut TestChain, spoils: &[(usize, usize)]) -> Vec<Block> {
    let mut blocks = ledger.blocks().to_vec();
    let mut tip = blocks[0].header.previous;
    for (i, block) in blocks.iter_mut().enumerate() {
        block.header.previous = tip;
        let here = || spoils.iter().filter(|(at, _)| *at == i).map(|(_, how)| *how);
        here().filter(|how| *how > 1).for_each(|how| SPOILS[how](block));
        let body = block.body.clone();
        let header = Header { body_hash: body_hash(&body), ..block.header.clone() };
        *block = ledger.seal(header, body);
        here().filter(|how| *how < 2).for_each(|how| SPOILS[how](block));
        tip = block.header.hash();
    }
    blocks
}

/// The verdict block by block.
fn in_turn(ledger: &TestChain, blocks: &[Block]) -> (usize, Option<InvalidBlock>) {
    let mut parent = Header::genesis(ledger.chain());
    for (i, b) in blocks.iter().enumerate() {
        let judged =
            check_block(ledger.chain(), b.clone()).and_then(|b| verify_block(ledger.chain(), &parent, b));
        if let Err(why) = judged {
            return (i, Some(InvalidBlock { height: b.header.height, why }));
        }
        parent = b.header.clone();
    }
    (blocks.len(), None)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn together_as_in_turn(spoils in vec((0usize..7, 0..SPOILS.len()), 0..3)) {
        let mut ledger = CHAIN.clone();
        let blocks = spoiled(&mut ledger, &spoils);
        let genesis = Header::genesis(ledger.chain());
        let (verified, broken) = verify_blocks(ledger.chain(), &genesis, blocks.clone());
        prop_assert_eq!(broken.is_some(), !spoils.is_empty());
        prop_assert!(verified.iter().map(|b| b.get()).eq(blocks.iter().take(verified.len())));
        prop_assert_eq!((verified.len(), broken), in_turn(&ledger, &blocks));
    }
}

#[test]
fn of_balance_proof_and_body_hash_the_first_rule_is_named() {
    let genesis = Header::genesis(CHAIN.chain());
    for (spoils, rule) in [([(3, 4), (3, 2)], "MW-R15"), ([(3, 1), (3, 4)], "MW-R20")] {
        let broken = verify_blocks(CHAIN.chain(), &genesis, spoiled(&mut CHAIN.clone(), &spoils)).1;
        assert_eq!(broken.unwrap().why.rule(), rule, "SPOILS {spoils:?}");
    }
}

/// A pruned chain.
#[derive(Clone)]
struct Remains {
    headers: Vec<SealedHeader>,
    kernels: Vec<Vec<Kernel>>,
    unspent: Vec<Unspent>,
}

impl Remains {
    fn of(ledger: &TestChain) -> Self {
        let kernels = ledger.blocks().iter().map(|b| b.body.kernels.clone()).collect();
        let mut unspent: Vec<_> = ledger.state().all_unspent().cloned().collect();
        unspent.sort_by_key(|u| Unspent::key(&u.output.commitment));
        Self { headers: ledger.blocks().iter().map(SealedHeader::of).collect(), kernels, unspent }
    }

    fn trie(&self) -> Trie {
        let entry = |u: &Unspent| Entry { key: Unspent::key(&u.output.commitment), leaf: u.leaf() };
        Trie::from_leaves(self.unspent.iter().map(entry)).unwrap()
    }

    /// All of it in lists of `n` blocks, and outputs by `depth` bits.
    fn judge(&self, ledger: &TestChain, n: usize, depth: u8) -> Result<Amount, VerifyError> {
        let mut pruned = PrunedVerifier::new(ledger.chain(), self.headers.last().unwrap())?;
        self.headers.chunks(n).try_for_each(|all| pruned.headers(all))?;
        let (mut before, mut first) = (Peaks::new(), Height::new(1));
        for blocks in self.kernels.chunks(n) {
            pruned.kernels(first, &before, &blocks.concat())?;
            blocks.concat().iter().for_each(|k| before.push(k.id()));
            first = first.plus(blocks.len() as u64);
        }
        let trie = self.trie();
        for index in 0..1 << depth {
            let chunk = trie.chunk(Prefix::new(depth, index).unwrap());
            let covered = |u: &&Unspent| chunk.prefix.covers(&Unspent::key(&u.output.commitment));
            let under: Vec<Unspent> = self.unspent.iter().filter(covered).cloned().collect();
            pruned.outputs(chunk.prefix, &chunk.proof, &under)?;
        }
        pruned.finish()
    }

    /// Seals headers that commit to these kernels.
    fn sealed_with_its_kernels(mut self, ledger: &mut TestChain) -> Self {
        let (mut previous, mut peaks) = (Header::genesis(ledger.chain()).hash(), Peaks::new());
        for (sealed, kernels) in self.headers.iter_mut().zip(&self.kernels) {
            kernels.iter().for_each(|k| peaks.push(k.id()));
            let (kernel_count, kernel_root) = (peaks.len(), peaks.root());
            let header = Header { previous, kernel_count, kernel_root, ..sealed.header.clone() };
            previous = header.hash();
            *sealed = SealedHeader::of(&ledger.seal(header, Body::default()));
        }
        self
    }

    /// Seals a last header that commits to these outputs, as an operator could.
    fn resealed(mut self, ledger: &mut TestChain) -> Self {
        let root = self.trie().root();
        let last = self.headers.last_mut().unwrap();
        last.header.output_root = root;
        let block = ledger.seal(last.header.clone(), Body::default());
        *last = SealedHeader::of(&block);
        self
    }
}

/// Outputs count once: a list that comes twice, or overlaps another, does not make up for one that is
/// missing, and the verdict waits for that one even where the sums would agree without it.
#[test]
fn outputs_count_once_and_all_of_them() {
    let (ledger, left) = (&*CHAIN, Remains::of(&CHAIN));
    let trie = left.trie();
    let mut pruned = PrunedVerifier::new(ledger.chain(), left.headers.last().unwrap()).unwrap();
    pruned.headers(&left.headers).unwrap();
    pruned.kernels(Height::new(1), &Peaks::new(), &left.kernels.concat()).unwrap();
    let add = |pruned: &mut PrunedVerifier, depth: u8, index: u32| {
        let chunk = trie.chunk(Prefix::new(depth, index).unwrap());
        let covered = |u: &&Unspent| chunk.prefix.covers(&Unspent::key(&u.output.commitment));
        let under: Vec<Unspent> = left.unspent.iter().filter(covered).cloned().collect();
        pruned.outputs(chunk.prefix, &chunk.proof, &under).map(|()| Amount::ZERO)
    };
    assert_eq!(pruned.clone().finish(), Err(VerifyError::Incomplete), "no outputs");
    let (mut whole, two) = (pruned.clone(), foreign(7, Rejection::OutputRoot));
    add(&mut pruned, 2, 1).unwrap();
    for (depth, index) in [(2, 1), (1, 0), (0, 0), (3, 2), (3, 3), (32, 0x4000_0000), (32, 0x7fff_ffff)] {
        assert_eq!(add(&mut pruned, depth, index), two, "{depth} {index:b}");
    }
    add(&mut pruned, 1, 1).unwrap();
    assert_eq!(pruned.clone().finish(), Err(VerifyError::Incomplete), "a quarter is missing");
    assert_eq!(add(&mut pruned, 2, 3), two, "below one that is here");
    assert_eq!(add(&mut pruned, 2, 1), two, "the same, after another");
    add(&mut pruned, 2, 0).unwrap();
    assert_eq!(pruned.finish(), Ok(ledger.chain().supply(Height::new(7)).unwrap()));
    add(&mut whole, 0, 0).unwrap();
    assert_eq!(add(&mut whole, 5, 17), two);
    whole.finish().unwrap();
}

fn foreign(height: u64, why: Rejection) -> Result<Amount, VerifyError> {
    Err(VerifyError::Mismatch(InvalidBlock { height: Height::new(height), why }))
}

fn broken(height: Height, why: Rejection) -> Result<Amount, VerifyError> {
    Err(VerifyError::Invalid(InvalidBlock { height, why }))
}

#[test]
fn a_pruned_chain_is_verified_in_lists_of_any_size() {
    let (ledger, left) = (&*CHAIN, Remains::of(&CHAIN));
    for n in 1..8 {
        assert_eq!(left.judge(ledger, n, n as u8 % 4), Ok(ledger.chain().supply(Height::new(7)).unwrap()));
    }
}

/// A missing or altered list is a mismatch: the operator is not blamed for data that it did not seal.
#[test]
fn mismatched_data_and_broken_rules_are_distinguished() {
    let (ledger, good) = (&*CHAIN, Remains::of(&CHAIN));
    let judged = |edit: &dyn Fn(&mut Remains)| {
        let mut left = good.clone();
        edit(&mut left);
        left.judge(ledger, 1, 0)
    };
    let sealed = |b: &Block| SealedHeader { seal: b.body.kernels[0].signature.into(), ..SealedHeader::of(b) };
    let blocks = ledger.blocks();
    assert_eq!(
        judged(&|r| r.headers = [&r.headers[..3], &r.headers[4..]].concat()),
        Err(VerifyError::Incomplete)
    );
    assert!(matches!(
        judged(&|r| r.headers.insert(3, r.headers[2].clone())),
        Err(VerifyError::Mismatch(InvalidBlock { why: Rejection::NotNext { .. }, .. }))
    ));
    assert_eq!(judged(&|r| r.headers[3] = sealed(&blocks[3])), foreign(4, Rejection::Seal));
    assert_eq!(judged(&|r| r.headers[6] = sealed(&blocks[6])), foreign(7, Rejection::Seal));
    assert_eq!(judged(&|r| drop(r.kernels.pop())), Err(VerifyError::Incomplete));
    assert_eq!(judged(&|r| r.kernels[3] = r.kernels[2].clone()), foreign(4, Rejection::KernelRoot));
    assert_eq!(judged(&|r| drop(r.unspent.pop())), foreign(7, Rejection::OutputRoot));
    assert_eq!(judged(&|r| unprove(&mut r.unspent[1].output.proof)), foreign(7, Rejection::OutputRoot));
    // Kernels that arrive twice are the fault of the peer, not of the operator.
    let mut pruned = PrunedVerifier::new(ledger.chain(), &good.headers[6]).unwrap();
    pruned.headers(&good.headers).unwrap();
    pruned.kernels(Height::new(1), &Peaks::new(), &good.kernels[0]).unwrap();
    let twice = pruned.kernels(Height::new(1), &Peaks::new(), &good.kernels[0]);
    assert_eq!(twice.map(|()| Amount::ZERO), foreign(1, Rejection::KernelRoot));
}

/// Kernels alone are held against the headers around them, whatever else has arrived.
#[test]
fn kernels_are_checked_without_the_rest() {
    let (ledger, left) = (&*CHAIN, Remains::of(&CHAIN));
    let genesis = Header::genesis(ledger.chain());
    let headers: Vec<&Header> =
        [&genesis].into_iter().chain(left.headers.iter().map(|s| &s.header)).collect();
    let peaks = |n: usize| {
        let mut peaks = Peaks::new();
        left.kernels[..n].concat().iter().for_each(|k| peaks.push(k.id()));
        peaks
    };
    let refused = |height: u64| foreign(height, Rejection::KernelRoot).map(|_| ());
    for (from, to) in [(0, 7), (0, 1), (2, 5), (6, 7), (3, 3)] {
        let all = left.kernels[from..to].concat();
        let check = |all: &[Kernel]| check_kernels(headers[from], headers[to], &peaks(from), all);
        assert_eq!(check(&all), Ok(()), "{from} to {to}");
        let more = [&all[..], &left.kernels[0][..]].concat();
        assert_eq!(check(&more), refused(to as u64), "one too many, {from} to {to}");
        if let Some((_, rest)) = all.split_first() {
            assert_eq!(check(rest), refused(to as u64), "one is missing, {from} to {to}");
        }
    }
    // The kernels of other blocks before these: the header before them tells.
    let all = left.kernels[2..5].concat();
    assert_eq!(check_kernels(headers[2], headers[5], &peaks(1), &all), refused(2));
}

/// A kernel whose excess may occur again is accepted without its body too, and refused the second time.
#[test]
fn a_repeated_kernel_is_refused_without_its_body() {
    // As light as a block with one such payment can be.
    let mut ledger = TestChain::with(23, |p| (p.maturity, p.max_weight) = (1, 68));
    let reward = ledger.grow(Vec::new());
    let window = Window { not_before: Height::new(0), not_after: Height::new(16) };
    let fee = ledger.least_fee(1, 1, 1);
    let features = KernelFeatures::NoRecentDuplicate { fee, window, distance: 1 };
    let out = ledger.output(reward.opening.amount.units() - fee.units());
    let payment = ledger.transaction(&[&reward], &[&out], &[features]);
    ledger.grow(vec![payment.clone()]);
    (0..3).for_each(|_| drop(ledger.grow(Vec::new())));
    let mut left = Remains::of(&ledger);
    let supply = ledger.chain().supply(Height::new(5)).unwrap();
    assert_eq!(left.judge(&ledger, 2, 1), Ok(supply));
    // The operator seals it again in the fourth block.
    left.kernels[3].extend(payment.body.kernels.clone());
    left.kernels[3].sort_by_key(|k| k.excess);
    let why = Rejection::KernelRepeated { id: payment.body.kernels[0].id() };
    assert_eq!(left.sealed_with_its_kernels(&mut ledger).judge(&ledger, 2, 1), broken(Height::new(4), why));
}

/// Sealed headers alone show a block without kernels, wherever the lists are cut.
#[test]
fn a_block_without_kernels_is_one_fault() {
    let (mut ledger, good) = (CHAIN.clone(), Remains::of(&CHAIN));
    for place in [0, 3, 6] {
        let mut left = good.clone();
        left.kernels[place].clear();
        let left = left.sealed_with_its_kernels(&mut ledger);
        let at = Height::new(place as u64 + 1);
        for n in 1..8 {
            let expected = broken(at, Rejection::RewardCount { outputs: 1, kernels: 0 });
            assert_eq!(left.judge(&ledger, n, 0), expected, "height {at}, lists of {n}");
        }
        let mut pruned = PrunedVerifier::new(ledger.chain(), left.headers.last().unwrap()).unwrap();
        let whole = pruned.headers(&left.headers).map(|()| Amount::ZERO);
        assert_eq!(whole, broken(at, Rejection::RewardCount { outputs: 1, kernels: 0 }));
    }
}

/// A sealed header of another branch may count no more kernels than the header before it. The sender is at fault then,
/// not the operator.
#[test]
fn an_unlinked_header_that_adds_no_kernels_is_foreign() {
    let (mut ledger, good) = (CHAIN.clone(), Remains::of(&CHAIN));
    let other = Header { height: Height::new(4), ..good.headers[2].header.clone() };
    let other = SealedHeader::of(&ledger.seal(other, Body::default()));
    let mut pruned = PrunedVerifier::new(ledger.chain(), &good.headers[6]).unwrap();
    pruned.headers(&[other]).unwrap();
    pruned.headers(&good.headers[..3]).unwrap();
    let refused = pruned.kernels(Height::new(1), &Peaks::new(), &good.kernels[..4].concat());
    assert_eq!(refused.map(|()| Amount::ZERO), foreign(4, Rejection::KernelRoot));
}

/// The shape of what is left of a block is checked as that of the block was.
#[test]
fn the_shape_is_checked_without_bodies() {
    let (mut ledger, good) = (CHAIN.clone(), Remains::of(&CHAIN));
    let mut judged = |edit: &dyn Fn(&mut Vec<Kernel>)| {
        let mut left = good.clone();
        edit(&mut left.kernels[3]);
        left.sealed_with_its_kernels(&mut ledger).judge(&ledger, 3, 0)
    };
    let at = Height::new(4);
    let is_reward = |k: &Kernel| k.features.is_coinbase();
    let rewards = |kernels| Rejection::RewardCount { outputs: 1, kernels };
    assert_eq!(judged(&|all| all.retain(|k| !is_reward(k))), broken(at, rewards(0)));
    assert_eq!(judged(&|all| all.reverse()), broken(at, Rejection::NotAscending { list: "kernels" }));
    let identity =
        |all: &mut Vec<Kernel>| all[0].excess = Excess::from_point(Point::from_bytes([0; 32]).unwrap());
    assert_eq!(judged(&identity), broken(at, Rejection::Identity { item: "excess" }));
    // An output that commits to nothing.
    let opening = Opening { amount: Amount::ZERO, index: [0; 12] };
    let plain = ledger.output(0).output;
    let nothing = ledger.output_of(plain.features, opening, SecretScalar::zero(), plain.extra);
    let mut left = good.clone();
    left.unspent.push(Unspent { created: at, output: nothing.output });
    left.unspent.sort_by_key(|u| Unspent::key(&u.output.commitment));
    left.headers[6].header.output_count += 1;
    let refused = left.resealed(&mut ledger).judge(&ledger, 2, 1);
    assert_eq!(refused, broken(at, Rejection::Identity { item: "commitment" }));
}

/// Another last header that the operator sealed is not the one that was asked for.
#[test]
fn the_last_header_is_the_one_asked_for() {
    let (mut ledger, good) = (CHAIN.clone(), Remains::of(&CHAIN));
    let other = Header { time: good.headers[6].header.time + 1, ..good.headers[6].header.clone() };
    let other = SealedHeader::of(&ledger.seal(other, Body::default()));
    let mut pruned = PrunedVerifier::new(ledger.chain(), &good.headers[6]).unwrap();
    pruned.headers(&good.headers[..6]).unwrap();
    let tip = &good.headers[5].header;
    let why = Rejection::NotNext { tip: tip.hash(), height: tip.height };
    let refused = pruned.headers(&[other]).map(|()| Amount::ZERO);
    assert_eq!(refused, Err(VerifyError::Mismatch(InvalidBlock { height: Height::new(7), why })));
    pruned.headers(&good.headers[6..]).unwrap();
}

/// Signatures wait for a batch, and no longer: memory stays bounded, and a liar is found before all has
/// arrived.
#[test]
fn a_full_batch_is_verified_at_once() {
    let mut ledger = TestChain::with(24, |p| p.maturity = 1);
    ledger.grow(Vec::new());
    let (fee, x) = (ledger.least_fee(0, 0, 1), ledger.secret());
    let features = ledger.plain(fee);
    let wrong = ledger.kernel(features, &x).signature;
    let mut after = |n: usize| {
        let mut left = Remains::of(&ledger);
        let more = (0..n).map(|_| {
            let x = ledger.secret();
            Kernel { signature: wrong, ..ledger.kernel(features, &x) }
        });
        left.kernels[0].extend(more);
        left.kernels[0].sort_by_key(|k| k.excess);
        let left = left.sealed_with_its_kernels(&mut ledger);
        let mut pruned = PrunedVerifier::new(ledger.chain(), &left.headers[0]).unwrap();
        pruned.headers(&left.headers).unwrap();
        pruned.kernels(Height::new(1), &Peaks::new(), &left.kernels[0])
    };
    assert_eq!(after(1), Ok(()));
    let refused = after(4_095);
    assert!(matches!(
        refused,
        Err(VerifyError::Invalid(InvalidBlock { why: Rejection::KernelSignature { .. }, .. }))
    ));
}

/// An invalid item that the operator sealed is reported with its block, although it waited for a batch with
/// others.
#[test]
fn a_sealed_lie_is_named() {
    let (mut ledger, good) = (CHAIN.clone(), Remains::of(&CHAIN));
    for at in 0..good.unspent.len() {
        let mut left = good.clone();
        unprove(&mut left.unspent[at].output.proof);
        let Unspent { created, output } = left.unspent[at].clone();
        // The sender of a one-sided output signs its proof.
        let name = output.commitment.encoded();
        let why = match output.features.keys() {
            Some(_) => Rejection::SenderSignature { output: name },
            None => Rejection::RangeProof { output: name },
        };
        assert_eq!(left.resealed(&mut ledger).judge(&ledger, 2, 1), broken(created, why));
        let mut left = good.clone();
        for created in [Height::GENESIS, Height::new(8)] {
            left.unspent[at].created = created;
            let refused = left.clone().resealed(&mut ledger).judge(&ledger, 2, 1);
            assert_eq!(refused, broken(created, Rejection::OutputRoot));
        }
    }
    let mut left = good;
    left.unspent.pop();
    let last = left.headers.last_mut().unwrap();
    last.header.output_count -= 1;
    assert!(matches!(left.resealed(&mut ledger).judge(&ledger, 2, 1), Err(VerifyError::Supply(_))));
}

/// Two chains alike in all but the time of their genesis: every output of one is unspent on the other.
#[test]
fn a_value_verified_on_one_chain_is_checked_again_on_another() {
    let ledger = |time| {
        let mut ledger = TestChain::with(22, |p| p.genesis_time += time);
        let reward = ledger.grow(Vec::new());
        ledger.mature();
        (ledger, reward)
    };
    let ((mut ours, reward), (theirs, _)) = (ledger(0), ledger(1));
    let payment = ours.pay(&[&reward], &[5]).0;
    let checked = check_transaction(ours.chain(), payment.clone()).unwrap();
    let verified = verify_transaction(ours.chain(), checked.clone()).unwrap();
    let signature = Rejection::KernelSignature { excess: payment.body.kernels[0].excess.encoded() };
    assert!(connect_transaction(ours.chain(), ours.state(), &verified).is_ok());
    let refused = connect_transaction(theirs.chain(), theirs.state(), &verified).map(|_| ());
    assert_eq!(refused, Err(signature.into()));
    // So is a block, on whichever state it is judged.
    let mut grown = ours.clone();
    grown.grow(vec![payment.clone()]);
    let block = grown.blocks().last().unwrap().clone();
    let shaped = check_block(ours.chain(), block).unwrap();
    let judged = verify_block(ours.chain(), ours.state().tip(), shaped.clone()).unwrap();
    assert!(connect_block(ours.chain(), ours.state(), judged.clone()).is_ok());
    let refused = connect_block(theirs.chain(), ours.state(), judged).map(|_| ());
    assert_eq!(refused, Err(Rejection::Seal.into()));
    // The shape depends on the chain too: a fee that suffices on one is too low on another.
    let dear = TestChain::with(22, |p| p.fee_per_weight = Amount::new(2_000));
    let refused = verify_transaction(dear.chain(), checked).map(|_| ());
    assert!(matches!(refused, Err(Rejection::FeeTooLow { .. })));
    let refused = verify_block(dear.chain(), dear.state().tip(), shaped).map(|_| ());
    assert!(matches!(refused, Err(Rejection::FeeTooLow { .. })));
    // A transaction connected to one state cannot be proposed on another.
    let connected = connect_transaction(ours.chain(), ours.state(), &verified).unwrap();
    let mut later = ours.clone();
    later.grow(Vec::new());
    let (reward, kernel) = later.reward(payment.body.fees().unwrap());
    let time = later.state().tip().time;
    let next =
        NextBlock { transactions: &[connected], reward: (reward.output, kernel).into(), time, change: None };
    let refused = propose(later.chain(), later.state(), next);
    let tip = later.state().tip();
    let stale = Rejection::NotNext { tip: tip.hash(), height: tip.height };
    assert_eq!(refused.map(|_| ()), Err(stale.into()));
}
