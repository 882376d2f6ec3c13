//! Branches: the better one is followed, at once or not at all, and no double seal is forgotten.

use crate::test_chain::{TestChain, temporary};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use sotto_mw::{
    amount::Height,
    block::Block,
    rules::{BlockChange, Connected},
    state::ChainView,
};
use sotto_node::{
    ledger::{
        Ledger, LedgerError,
        fork::{ForkError, OurBranch, choose},
        mempool::MempoolLimits,
    },
    seal::SealedHeader,
    storage::{FileName, Memory, Store, StoreError},
};

fn ledger(test_chain: &TestChain, files: &Memory) -> Ledger {
    let store = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
    Ledger::over(store, MempoolLimits::default()).unwrap()
}

fn open(files: &Memory) -> Ledger {
    Ledger::over(Store::open_on(files.clone(), temporary()).unwrap(), MempoolLimits::default()).unwrap()
}

type Made = Vec<Connected<BlockChange>>;

fn blocks(made: &Made) -> Vec<Block> {
    made.iter().map(|b| b.get().block.clone()).collect()
}

/// Takes `depth` blocks of the test chain's back and mines `n` others; gives back both branches, in order.
fn fork(test_chain: &mut TestChain, depth: u64, n: u64) -> (Made, Made) {
    let mut old: Made = (0..depth).map(|_| test_chain.undo()).collect();
    old.reverse();
    let new = (0..n).map(|_| test_chain.mine()).collect();
    (old, new)
}

/// Back to the old branch, after which the test chain is what it was.
fn back(test_chain: &mut TestChain, (old, new): (Made, Made)) {
    new.iter().for_each(|_| drop(test_chain.undo()));
    old.into_iter().for_each(|b| drop(test_chain.connect(b)));
}

/// Random branches, of any depth and length, on a ledger that is opened again and pruned in between.
#[test]
fn random_branches_are_followed_as_the_choice_says() {
    let (mut followed, mut weaker, mut deep) = (0, 0, 0);
    for seed in 130..133 {
        let mut test_chain = TestChain::new(seed);
        let files = Memory::new();
        let mut l = ledger(&test_chain, &files);
        for _ in 0..30 {
            let tip = l.tip().clone();
            match test_chain.rng.next_u32() % 8 {
                0 => {
                    drop(l);
                    l = open(&files);
                }
                1 => drop(l.prune().unwrap()),
                2 | 3 => drop(l.connect(test_chain.mine().get().block.clone()).unwrap()),
                _ => {
                    let depth = u64::from(test_chain.rng.next_u32() % 8).min(tip.height.get());
                    let n = 1 + u64::from(test_chain.rng.next_u32() % 8);
                    let before = test_chain.state.clone();
                    let (old, new) = fork(&mut test_chain, depth, n);
                    let at = tip.height.minus(depth);
                    let verdict = choose(
                        &test_chain.chain,
                        OurBranch { tip: &tip, floor: l.store().floor() },
                        test_chain.state.tip(),
                        at,
                    );
                    match (verdict, l.reorganise(blocks(&new))) {
                        (Ok(()), found) => {
                            let mut undone = found.unwrap().undone;
                            undone.reverse();
                            assert_eq!(undone, blocks(&old));
                            followed += 1;
                        }
                        (Err(why), Err(LedgerError::Fork(found))) => {
                            assert_eq!(why, found);
                            match why {
                                ForkError::TooDeep { .. } => deep += 1,
                                _ => weaker += 1,
                            }
                            back(&mut test_chain, (old, new));
                            assert!(test_chain.state == before, "undo after apply is the identity");
                        }
                        (verdict, found) => panic!("{verdict:?} {found:?}"),
                    }
                }
            }
            test_chain.agrees(l.store());
        }
        l.audit(|_, _| {}).unwrap();
        let twice = l.double_seals().unwrap();
        assert!(twice.iter().all(|d| d.holds(l.store().history())));
        drop(l);
        let l = open(&files);
        test_chain.agrees(l.store());
        assert_eq!(l.double_seals().unwrap(), twice);
    }
    assert!(followed > 10 && weaker > 5 && deep > 2, "{followed} {weaker} {deep}");
}

/// A branch whose last block breaks a rule changes nothing, nor does one that begins nowhere.
#[test]
fn a_branch_that_breaks_a_rule_changes_nothing() {
    let mut test_chain = TestChain::new(134);
    let files = Memory::new();
    let mut l = ledger(&test_chain, &files);
    for _ in 0..5 {
        l.connect(test_chain.mine().get().block.clone()).unwrap();
    }
    let (old, new) = fork(&mut test_chain, 2, 4);
    let good = blocks(&new);
    back(&mut test_chain, (old, new));
    let rule = |l: &mut Ledger, to: Vec<Block>| match l.reorganise(to) {
        Err(LedgerError::InvalidBlock(broken)) => broken.why.rule(),
        other => panic!("{other:?}"),
    };
    let mut changed = good.clone();
    changed[3].body.outputs.clear();
    assert_eq!(rule(&mut l, changed), "MW-R12");
    let mut unsealed = good.clone();
    unsealed[3].header.time += 1;
    assert_eq!(rule(&mut l, unsealed), "MW-R21");
    let mut gap = good.clone();
    gap.remove(1);
    assert_eq!(rule(&mut l, gap), "MW-R18");
    for nowhere in [Vec::new(), good[1..].to_vec()] {
        assert!(matches!(l.reorganise(nowhere), Err(LedgerError::Fork(ForkError::Unconnected))));
    }
    let weaker = l.reorganise(good[..1].to_vec());
    assert!(matches!(weaker, Err(LedgerError::Fork(ForkError::NotBetter { .. }))));
    test_chain.agrees(l.store());
    // All that was sealed for heights that have a block is known by now, whether its branch was any good or
    // not.
    let twice = l.double_seals().unwrap();
    let found: Vec<_> = twice.iter().map(|d| d.second.clone()).collect();
    assert_eq!(found, good[..2].iter().map(SealedHeader::of).collect::<Vec<_>>());
    assert_eq!(l.reorganise(good.clone()).unwrap().mempool.alarms.len(), 2);
    assert_eq!(l.tip(), &good[3].header);
}

/// Power fails at every file operation of a reorganisation: one branch or the other, whole.
#[test]
fn killed_while_it_reorganises() {
    let mut test_chain = TestChain::new(135);
    let mut rng = ChaCha20Rng::seed_from_u64(135);
    let whole = Memory::new();
    let mut l = ledger(&test_chain, &whole);
    for _ in 0..6 {
        l.connect(test_chain.mine().get().block.clone()).unwrap();
    }
    drop(l);
    let (old, new) = fork(&mut test_chain, 3, 4);
    let to = blocks(&new);
    let (old, mut new) = (Some(old), Some(new));
    let mut seen = [0, 0];
    let (mut is_new, mut old) = (true, old);
    for kill in 0.. {
        let files = whole.copy();
        let mut l = open(&files);
        files.kill_after(Some(kill));
        let done = l.reorganise(to.clone()).is_ok();
        drop(l);
        for _ in 0..8 {
            let disk = files.after_power_loss(&mut rng);
            let mut l = open(&disk);
            let follows = l.tip().height == Height::new(7);
            assert!(follows || !done);
            seen[usize::from(follows)] += 1;
            if follows != is_new {
                swap(&mut test_chain, &mut old, &mut new);
                is_new = follows;
            }
            test_chain.agrees(l.store());
            l.store().check_log().unwrap();
            if !follows {
                l.reorganise(to.clone()).unwrap();
            }
            assert_eq!(l.double_seals().unwrap().len(), 3);
        }
        if done {
            break;
        }
    }
    assert!(seen[0] > 40 && seen[1] > 8, "{seen:?}");
}

/// Puts the test chain on the branch that it is not on.
fn swap(test_chain: &mut TestChain, a: &mut Option<Made>, b: &mut Option<Made>) {
    let on_b =
        b.as_ref().and_then(|b| b.last()).is_some_and(|t| t.get().block.header == *test_chain.state.tip());
    let (from, to) = if on_b { (&*b, &*a) } else { (&*a, &*b) };
    from.iter().flatten().for_each(|_| drop(test_chain.undo()));
    to.iter().flatten().for_each(|block| drop(test_chain.connect(block.clone())));
}

/// Payments of blocks that give way wait again, unless the new branch has them or makes them impossible.
#[test]
fn the_pool_after_a_reorganisation() {
    let mut test_chain = TestChain::new(136);
    let files = Memory::new();
    let mut l = ledger(&test_chain, &files);
    for _ in 0..4 {
        let block = test_chain.block(&[]);
        l.connect(test_chain.connect(block).get().block.clone()).unwrap();
    }
    let coins = test_chain.spendable();
    let (both, once, clash) = (
        test_chain.pay(&coins[..1], 1, 0),
        test_chain.pay(&coins[1..2], 1, 0),
        test_chain.pay(&coins[2..3], 1, 0),
    );
    let rival = test_chain.pay(&coins[2..3], 2, 0);
    for payments in [vec![both.clone()], vec![once.clone()], vec![clash.clone()]] {
        for t in &payments {
            l.submit(t.clone()).unwrap();
        }
        let block = test_chain.block(&payments);
        l.connect(test_chain.connect(block).get().block.clone()).unwrap();
    }
    assert!(l.mempool().is_empty());
    (0..3).for_each(|_| drop(test_chain.undo()));
    let mut to = Vec::new();
    for payments in [vec![both], vec![rival], vec![], vec![]] {
        let block = test_chain.block(&payments);
        to.push(test_chain.connect(block).get().block.clone());
    }
    let found = l.reorganise(to).unwrap();
    test_chain.agrees(l.store());
    assert_eq!(found.undone.len(), 3);
    let waiting: Vec<_> = l.mempool().iter().map(|(_, t)| t.body.kernels.clone()).collect();
    assert_eq!(waiting, vec![once.body.kernels]);
    assert_eq!(found.mempool.dropped.iter().map(|(_, why)| why.rule()).collect::<Vec<_>>(), vec!["MW-R24"]);
    assert_eq!(found.mempool.alarms.len(), 3);
    drop(l);
    assert_eq!(open(&files).mempool().len(), 1);
}

/// Two sealed blocks of one height, however the second comes, are kept for ever and reported each time.
#[test]
fn a_height_that_was_sealed_twice_is_an_alarm() {
    let mut test_chain = TestChain::new(137);
    let files = Memory::new();
    let mut l = ledger(&test_chain, &files);
    for _ in 0..3 {
        l.connect(test_chain.mine().get().block.clone()).unwrap();
    }
    assert!(l.double_seals().unwrap().is_empty());
    let (old, new) = fork(&mut test_chain, 2, 1);
    let (first, second) = (blocks(&old)[0].clone(), blocks(&new)[0].clone());
    back(&mut test_chain, (old, new));
    // The chain's own block again, and one without a valid seal, raise no alarm.
    let mut unsealed = second.clone();
    unsealed.header.time += 1;
    for block in [first.clone(), unsealed] {
        assert!(matches!(l.connect(block), Err(LedgerError::Refused(r)) if r.rule() == "MW-R18"));
    }
    assert!(l.double_seals().unwrap().is_empty());
    let Err(LedgerError::DoubleSeal(twice)) = l.connect(second.clone()) else { panic!() };
    assert!(twice.holds(l.store().history()));
    assert_eq!((twice.first, twice.second), (SealedHeader::of(&first), SealedHeader::of(&second)));
    test_chain.agrees(l.store());
    // Undone and sealed anew; the same block again would be none.
    let (last, _) = l.undo().unwrap();
    assert!(l.connect(last.clone()).unwrap().alarms.is_empty());
    l.undo().unwrap();
    test_chain.undo();
    let other = test_chain.mine().get().block.clone();
    let alarms = l.connect(other.clone()).unwrap().alarms;
    let pair = (SealedHeader::of(&other), SealedHeader::of(&last));
    assert_eq!(alarms.into_iter().map(|d| (d.first, d.second)).collect::<Vec<_>>(), vec![pair]);
    drop(l);
    let l = open(&files);
    let heights: Vec<u64> = l.double_seals().unwrap().iter().map(|d| d.first.header.height.get()).collect();
    assert_eq!(heights, vec![2, 3]);
    assert!(l.double_seals().unwrap().iter().all(|d| d.holds(l.store().history())));
    drop(l);
    // Evidence that was tampered with is reported.
    let whole = files.bytes(FileName::Evidence).unwrap();
    for at in (0..whole.len()).step_by(29) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        files.set(FileName::Evidence, bytes);
        let store = Store::open_on(files.clone(), temporary()).unwrap();
        let found = Ledger::over(store, MempoolLimits::default()).unwrap_err();
        assert!(matches!(found, LedgerError::Store(StoreError::Damaged { file: FileName::Evidence, .. })));
    }
}
