//! The ledger and its pool.

use crate::test_chain::{TestChain, params, temporary};
use sotto_mw::{
    amount::{Amount, Height},
    block::Block,
    codec::Encode,
    state::ChainView,
    transaction::Transaction,
};
use sotto_node::{
    ledger::{
        Ledger, LedgerError,
        mempool::{
            Mempool, MempoolLimits,
            conflict::{AdmitError, Conflict},
        },
    },
    sealing::Solo,
    storage::{FileName, Files, Memory, Store},
};

pub(crate) fn ledger(test_chain: &TestChain, files: &Memory) -> Ledger {
    let store = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
    Ledger::over(store, MempoolLimits::default()).unwrap()
}

pub(crate) fn open(files: &Memory) -> Ledger {
    Ledger::over(Store::open_on(files.clone(), temporary()).unwrap(), MempoolLimits::default()).unwrap()
}

/// Drafts, rewards, seals; the test chain's state follows.
fn sealed(test_chain: &mut TestChain, ledger: &Ledger) -> Block {
    let draft = ledger.draft().unwrap();
    let reward = test_chain.coinbase(draft.height, draft.due.units());
    let proposal = ledger.propose(&draft, reward, 1_000 + draft.height.get()).unwrap();
    test_chain.sealed(proposal)
}

pub(crate) fn mine(test_chain: &mut TestChain, ledger: &mut Ledger) -> Vec<sotto_mw::hash::Hash> {
    let block = sealed(test_chain, ledger);
    let change = ledger.connect(block.clone()).unwrap();
    assert!(change.dropped.is_empty() && change.unsaved.is_none());
    let verified = sotto_mw::rules::check_block(&test_chain.chain, block)
        .and_then(|b| sotto_mw::rules::verify_block(&test_chain.chain, test_chain.state.tip(), b))
        .unwrap();
    let connected = sotto_mw::rules::connect_block(&test_chain.chain, &test_chain.state, verified).unwrap();
    test_chain.connect(connected);
    test_chain.agrees(ledger.store());
    change.sealed
}

/// A payment waits in the pool across processes, enters a block, and leaves the pool.
#[test]
fn a_payment_from_submission_to_audit() {
    let mut test_chain = TestChain::new(40);
    let files = Memory::new();
    let mut l = ledger(&test_chain, &files);
    mine(&mut test_chain, &mut l);
    mine(&mut test_chain, &mut l);
    let coins = test_chain.spendable();
    let t = test_chain.pay(&coins[..1], 2, 0);
    let id = l.submit(t.clone()).unwrap();
    assert!(matches!(l.submit(t.clone()), Err(LedgerError::Conflict(Conflict::Known(known))) if known == id));
    drop(l);
    let mut l = open(&files);
    assert_eq!(l.mempool().get(&id), Some(&t));
    assert_eq!(
        l.draft().unwrap().due,
        test_chain.chain.params().reward.checked_add(t.body.fees().unwrap()).unwrap()
    );
    assert_eq!(mine(&mut test_chain, &mut l), vec![id]);
    assert!(l.mempool().is_empty());
    assert!(matches!(l.submit(t), Err(LedgerError::Refused(_))));

    let mut seen = Vec::new();
    let record = l.audit(|done, tip| seen.push((done.get(), tip.get()))).unwrap();
    assert_eq!(seen, vec![(1, 3), (2, 3), (3, 3)]);
    assert_eq!((record.height, record.kernels, record.unspent), (Height::new(3), 4, 4));
    assert_eq!(record.outputs_created, 5);
    assert_eq!(record.supply, Amount::new(3 * test_chain.chain.params().reward.units()));
    assert!(record.bytes_cut_through < record.bytes_of_blocks);
}

/// Undoing a block brings its payments back, and joined where nobody remembers them one by one; they can be
/// sealed again.
#[test]
fn undone_payments_wait_again() {
    let mut test_chain = TestChain::new(41);
    let files = Memory::new();
    let mut l = ledger(&test_chain, &files);
    mine(&mut test_chain, &mut l);
    mine(&mut test_chain, &mut l);
    let coins = test_chain.spendable();
    for c in coins.chunks(1) {
        let t = test_chain.pay(c, 1, 0);
        l.submit(t).unwrap();
    }
    let paid = sealed(&mut test_chain, &l);
    l.connect(paid.clone()).unwrap();
    let (undone, _) = l.undo().unwrap();
    assert_eq!(undone, paid);
    test_chain.agrees(l.store());
    assert_eq!(l.mempool().len(), coins.len());
    l.connect(paid.clone()).unwrap();
    drop(l);
    let mut l = open(&files);
    l.undo().unwrap();
    assert_eq!(l.mempool().len(), 1);
    let (_, joined) = l.mempool().iter().next().unwrap();
    assert_eq!(joined.body.kernels.len(), coins.len());
    mine(&mut test_chain, &mut l);
    assert!(l.mempool().is_empty());
    l.audit(|_, _| {}).unwrap();
    // A block without payments leaves nothing behind.
    mine(&mut test_chain, &mut l);
    l.undo().unwrap();
    assert!(l.mempool().is_empty());
}

/// First seen wins: the same input, output or excess.
#[test]
fn conflicts_are_refused() {
    let mut test_chain = TestChain::new(42);
    for _ in 0..3 {
        test_chain.mine();
    }
    let mut pool = Mempool::new(MempoolLimits::default());
    let coins: Vec<_> = test_chain.spendable().into_iter().filter(|c| c.amount > 1_000).collect();
    let t = test_chain.pay(&coins[..1], 1, 0);
    let id = pool.admit(&test_chain.chain, &test_chain.state, t.clone()).unwrap();
    let mut admit = |t: Transaction| match pool.admit(&test_chain.chain, &test_chain.state, t) {
        Err(AdmitError::Conflict(c)) => c,
        other => panic!("{other:?}"),
    };
    let mut same_output = t.clone();
    same_output.body.inputs = vec![coins[1].commitment];
    let output = t.body.outputs[0].commitment.encoded();
    assert_eq!(admit(same_output), Conflict::Created { output, pending: id });
    let mut same_excess = t.clone();
    same_excess.body.inputs = vec![coins[1].commitment];
    same_excess.body.outputs.clear();
    let excess = t.body.kernels[0].excess.encoded();
    assert_eq!(admit(same_excess), Conflict::Excess { excess, pending: id });
    let double_spend = test_chain.pay(&coins[..1], 1, 500);
    let output = coins[0].commitment.encoded();
    let clash = pool.admit(&test_chain.chain, &test_chain.state, double_spend).unwrap_err();
    assert_eq!(clash, AdmitError::Conflict(Conflict::Spent { output, pending: id }));
    assert_eq!(pool.len(), 1);
    // Once the first has gone, all it held is free.
    pool.remove(&id);
    assert_eq!(pool.weight(), 0);
    let second = test_chain.pay(&coins[..1], 1, 500);
    pool.admit(&test_chain.chain, &test_chain.state, second).unwrap();
}

/// What the rules refuse never enters: overspends, another chain's, unknown inputs.
#[test]
fn the_rules_guard_the_pool() {
    let (mut test_chain, mut other) = (TestChain::new(43), TestChain::new(44));
    for _ in 0..2 {
        test_chain.mine();
        other.mine();
    }
    let mut pool = Mempool::new(MempoolLimits::default());
    let rule = |e| match e {
        Err(AdmitError::Refused(r)) => r.rule(),
        other => panic!("{other:?}"),
    };
    let coins = test_chain.spendable();
    let mut overspend = coins[..1].to_vec();
    overspend[0].amount += 1;
    let t = test_chain.pay(&overspend, 1, 0);
    assert_eq!(rule(pool.admit(&test_chain.chain, &test_chain.state, t)), "MW-R15");
    let theirs = other.spendable();
    let t = other.pay(&coins[..1], 1, 0);
    assert_eq!(
        rule(pool.admit(&test_chain.chain, &test_chain.state, t)),
        "MW-R14",
        "signed for another chain"
    );
    let t = other.pay(&theirs[..1], 1, 0);
    assert_eq!(
        rule(pool.admit(&test_chain.chain, &test_chain.state, t)),
        "MW-R24",
        "nor is what it spends here"
    );
    let t = test_chain.pay(&theirs[..1], 1, 0);
    assert_eq!(rule(pool.admit(&test_chain.chain, &test_chain.state, t)), "MW-R24");
    assert!(pool.is_empty());
}

/// The best payers are taken first, within the block's weight, and the pool is bounded by the same order.
#[test]
fn fees_decide_what_enters_and_what_stays() {
    let mut test_chain = TestChain::new(45);
    for _ in 0..5 {
        let block = test_chain.block(&[]);
        test_chain.connect(block);
    }
    let coins: Vec<_> = test_chain.spendable().into_iter().take(4).collect();
    let limits = MempoolLimits { transactions: 3, weight: 1_000 };
    let mut pool = Mempool::new(limits);
    let mut ids = Vec::new();
    for (c, extra) in coins[..3].chunks(1).zip([5, 50, 5]) {
        let t = test_chain.pay(c, 1, extra);
        ids.push(pool.admit(&test_chain.chain, &test_chain.state, t).unwrap());
    }
    let one = pool.get(&ids[0]).unwrap().body.weight();
    let picked = |pool: &Mempool, limit| {
        let all = pool.select(&test_chain.chain, &test_chain.state, limit).unwrap();
        all.iter().map(|t| sotto_node::codec::transaction_id(t.get())).collect::<Vec<_>>()
    };
    assert_eq!(picked(&pool, 3 * one), vec![ids[1], ids[0], ids[2]]);
    assert_eq!(picked(&pool, 3 * one - 1), vec![ids[1], ids[0]]);
    assert_eq!(picked(&pool, one - 1), vec![]);
    // Full: as good as the worst is not enough; better replaces the later of the two worst.
    let equal = test_chain.pay(&coins[3..], 1, 5);
    assert_eq!(
        pool.admit(&test_chain.chain, &test_chain.state, equal),
        Err(AdmitError::Conflict(Conflict::Full))
    );
    let better = test_chain.pay(&coins[3..], 1, 6);
    pool.admit(&test_chain.chain, &test_chain.state, better).unwrap();
    assert!(pool.get(&ids[0]).is_some() && pool.get(&ids[2]).is_none());
    assert_eq!((pool.len(), pool.weight()), (3, 3 * one));
}

/// What a block takes, or makes impossible, leaves the pool; what expires too.
#[test]
fn the_pool_is_checked_after_each_block() {
    let mut test_chain = TestChain::new(46);
    let mut l = ledger(&test_chain, &Memory::new());
    mine(&mut test_chain, &mut l);
    mine(&mut test_chain, &mut l);
    let coins = test_chain.spendable();
    let (a, b) = (test_chain.pay(&coins[..1], 1, 0), test_chain.pay(&coins[..1], 1, 0));
    let id = l.submit(a).unwrap();
    let elsewhere = test_chain.block(&[b]);
    let change = l.connect(elsewhere.get().block.clone()).unwrap();
    let dropped = change.dropped;
    assert_eq!(change.sealed, vec![]);
    assert_eq!(dropped.iter().map(|(d, why)| (*d, why.rule())).collect::<Vec<_>>(), vec![(id, "MW-R24")]);
    assert!(l.mempool().is_empty());
}

/// A damaged pool file is set aside; another chain's is refused.
#[test]
fn a_damaged_pool_is_no_truth() {
    let (mut test_chain, other) = (TestChain::new(47), TestChain::new(48));
    let files = Memory::new();
    let mut l = ledger(&test_chain, &files);
    mine(&mut test_chain, &mut l);
    mine(&mut test_chain, &mut l);
    let coins = test_chain.spendable();
    let t = test_chain.pay(&coins[..1], 1, 0);
    l.submit(t).unwrap();
    drop(l);
    let whole = files.bytes(FileName::Mempool).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        files.set(FileName::Mempool, bytes.clone());
        let l = open(&files);
        assert!(l.opened().set_aside && l.mempool().is_empty());
        assert_eq!(files.bytes(FileName::MempoolDamaged), Some(bytes));
        assert!(!open(&files).opened().set_aside);
    }
    let foreign = Memory::new();
    let mut l = ledger(&other, &foreign);
    let mut other = other;
    mine(&mut other, &mut l);
    mine(&mut other, &mut l);
    let coins = other.spendable();
    let t = other.pay(&coins[..1], 1, 0);
    l.submit(t).unwrap();
    files.set(FileName::Mempool, foreign.bytes(FileName::Mempool).unwrap());
    let store = Store::open_on(files, temporary()).unwrap();
    assert!(
        Ledger::over(store, MempoolLimits::default()).unwrap_err().to_string().contains("belongs to chain")
    );
}

/// Blocks that break a rule change nothing: an inflated output, a foreign seal, a changed header.
#[test]
fn bad_blocks_are_refused() {
    let mut test_chain = TestChain::new(49);
    let mut l = ledger(&test_chain, &Memory::new());
    mine(&mut test_chain, &mut l);
    let draft = l.draft().unwrap();
    let greedy = test_chain.coinbase(draft.height, draft.due.units() + 1);
    let proposal = l.propose(&draft, greedy, 2_000).unwrap();
    let block = test_chain.sealed(proposal);
    let rule = |r: Result<_, LedgerError>| match r {
        Err(LedgerError::Refused(r)) => r.rule(),
        other => panic!("{other:?}"),
    };
    assert_eq!(rule(l.connect(block)), "MW-R15");
    let good = sealed(&mut test_chain, &l);
    let mut changed = good.clone();
    changed.header.time += 1;
    assert_eq!(rule(l.connect(changed)), "MW-R21");
    let other = TestChain::new(50);
    assert_eq!(params(other.operator.public()).maturity, 1);
    assert!(Solo::new(&test_chain.chain, other.operator).is_err());
    test_chain.agrees(l.store());
    l.connect(good).unwrap();
}

/// A submission that is killed is there or not; an acknowledged one is there.
#[test]
fn a_killed_submission_leaves_the_old_pool_or_the_new() {
    let mut test_chain = TestChain::new(52);
    let files = Memory::new();
    let mut l = ledger(&test_chain, &files);
    mine(&mut test_chain, &mut l);
    mine(&mut test_chain, &mut l);
    drop(l);
    let coins = test_chain.spendable();
    // The first makes the file, the second is appended.
    for (n, coin) in coins.iter().take(2).enumerate() {
        let t = test_chain.pay(core::slice::from_ref(coin), 1, 0);
        let mut seen = [0, 0];
        for kill in 0.. {
            let disk = files.copy();
            let mut l = open(&disk);
            disk.kill_after(Some(kill));
            if l.submit(t.clone()).is_ok() {
                assert_eq!(open(&disk.after_power_loss(&mut test_chain.rng)).mempool().len(), n + 1);
                break;
            }
            assert_eq!(l.mempool().len(), n);
            for _ in 0..8 {
                let l = open(&disk.after_power_loss(&mut test_chain.rng));
                assert!(!l.opened().set_aside);
                seen[l.mempool().len() - n] += 1;
            }
        }
        assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
        open(&files).submit(t).unwrap();
    }
}

/// What was received and not submitted survives a kill at once, and the loss of power once it is saved.
#[test]
fn received_transactions_are_written_down() {
    let mut test_chain = TestChain::new(54);
    let files = Memory::new();
    let mut l = ledger(&test_chain, &files);
    for _ in 0..3 {
        mine(&mut test_chain, &mut l);
    }
    let coins = test_chain.spendable();
    for (n, coin) in coins.iter().take(3).enumerate() {
        let t = test_chain.pay(core::slice::from_ref(coin), 1, 0);
        let t = l.judge(t).unwrap();
        l.receive(t).unwrap();
        assert_eq!(open(&files.copy()).mempool().len(), n + 1);
    }
    l.save_mempool().unwrap();
    assert_eq!(open(&files.after_power_loss(&mut test_chain.rng)).mempool().len(), 3);
}

/// A block that is connected while the pool cannot be written stands, and says so.
#[test]
fn a_block_stands_without_room_for_the_pool() {
    let mut test_chain = TestChain::new(53);
    let files = Memory::new();
    let mut l = ledger(&test_chain, &files);
    for _ in 0..3 {
        mine(&mut test_chain, &mut l);
    }
    let coins = test_chain.spendable();
    let payments: Vec<_> = coins[..2].chunks(1).map(|c| test_chain.pay(c, 2, 0)).collect();
    let ids: Vec<_> = payments.iter().map(|t| l.submit(t.clone()).unwrap()).collect();
    drop(l);
    let block = test_chain.block(&payments[..1]).get().block.clone();
    let names = [FileName::Genesis, FileName::Head, FileName::Mempool].into_iter();
    let segments = files.segments().unwrap().into_iter().map(FileName::Segment);
    let used: usize = names.chain(segments).map(|f| files.bytes(f).unwrap().len()).sum();
    let mut unsaved = 0;
    for free in (block.to_bytes().len()..).step_by(101) {
        let disk = files.copy();
        let mut l = open(&disk);
        disk.limit(Some(used + free));
        let Ok(change) = l.connect(block.clone()) else { continue };
        disk.limit(None);
        assert_eq!((change.sealed, l.mempool().len()), (vec![ids[0]], 1));
        drop(l);
        let l = open(&disk);
        assert_eq!(l.tip(), &block.header);
        assert_eq!(l.mempool().iter().map(|(id, _)| *id).collect::<Vec<_>>(), vec![ids[1]]);
        if change.unsaved.is_none() {
            break;
        }
        unsaved += 1;
    }
    assert!(unsaved > 0);
}
