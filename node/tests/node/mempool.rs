//! Pending transactions that spend what others create: they stay, are taken and go together.

use crate::{
    ledger::{ledger, mine, open},
    test_chain::{Coin, TestChain},
};
use rand_chacha::rand_core::RngCore;
use sotto_mw::{hash::Hash, transaction::Transaction};
use sotto_node::{
    ledger::mempool::{
        Mempool, MempoolLimits,
        conflict::{AdmitError, Conflict},
    },
    storage::Memory,
};

fn grown(seed: u64, blocks: usize) -> TestChain {
    let mut test_chain = TestChain::with(seed, |p| p.max_weight = 1_000);
    (0..blocks).for_each(|_| {
        let block = test_chain.block(&[]);
        drop(test_chain.connect(block));
    });
    test_chain
}

/// The coins that a transaction makes.
fn made(test_chain: &TestChain, t: &Transaction) -> Vec<Coin> {
    let mine = |c: &&Coin| t.body.outputs.iter().any(|o| o.commitment == c.commitment);
    test_chain.coins().filter(mine).cloned().collect()
}

/// Transactions of which each spends what the one before creates.
fn line(test_chain: &mut TestChain, coin: &Coin, extra: &[u64]) -> Vec<Transaction> {
    let mut coins = vec![coin.clone()];
    let mut all = Vec::new();
    for fee in extra {
        let t = test_chain.pay(&coins, 1, *fee);
        coins = made(test_chain, &t);
        all.push(t);
    }
    all
}

fn admit(
    pool: &mut Mempool,
    test_chain: &TestChain,
    t: &Transaction,
) -> Result<Hash, AdmitError<core::convert::Infallible>> {
    pool.admit(&test_chain.chain, &test_chain.state, t.clone())
}

fn taken(pool: &Mempool, test_chain: &TestChain, limit: u64) -> Vec<Transaction> {
    let all = pool.select(&test_chain.chain, &test_chain.state, limit).unwrap();
    all.iter().map(|t| t.get().clone()).collect()
}

/// A line of payments waits, survives a restart, is sealed as one block, and comes back when that is undone.
#[test]
fn a_line_of_payments_is_sealed_at_once() {
    let mut test_chain = TestChain::new(300);
    let files = Memory::new();
    let mut l = ledger(&test_chain, &files);
    mine(&mut test_chain, &mut l);
    mine(&mut test_chain, &mut l);
    let coin = test_chain.spendable().remove(0);
    let all = line(&mut test_chain, &coin, &[0, 0, 0]);
    assert!(l.submit(all[1].clone()).is_err(), "nobody has created what it spends");
    let ids: Vec<Hash> = all.iter().map(|t| l.submit(t.clone()).unwrap()).collect();
    drop(l);
    let mut l = open(&files);
    assert_eq!(l.mempool().iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
    assert_eq!(l.draft().unwrap().transactions.len(), 3);
    assert_eq!(mine(&mut test_chain, &mut l), ids);
    assert!(l.mempool().is_empty());
    // What spends an output of a block that is taken back waits for it to be sealed again.
    let coin = made(&test_chain, &all[2]).remove(0);
    let child = test_chain.pay(&[coin], 1, 0);
    let child = l.submit(child).unwrap();
    let (_, change) = l.undo().unwrap();
    test_chain.undo();
    assert!(change.dropped.is_empty(), "{:?}", change.dropped);
    let order: Vec<Hash> = l.mempool().iter().map(|(id, _)| *id).collect();
    assert_eq!(order, [&ids[..], &[child]].concat());
    drop(l);
    let mut l = open(&files);
    assert_eq!(l.mempool().len(), 4);
    assert_eq!(mine(&mut test_chain, &mut l).len(), 4);
    l.audit(|_, _| {}).unwrap();
}

#[test]
fn a_child_pays_for_its_parent() {
    let mut test_chain = grown(301, 3);
    let coins = test_chain.spendable();
    let family = line(&mut test_chain, &coins[0], &[0, 900]);
    let other = test_chain.pay(&coins[1..2], 1, 300);
    let mut pool = Mempool::new(MempoolLimits::default());
    for t in [&family[0], &other, &family[1]] {
        admit(&mut pool, &test_chain, t).unwrap();
    }
    let one = other.body.weight();
    assert_eq!(taken(&pool, &test_chain, 3 * one), vec![family[0].clone(), family[1].clone(), other.clone()]);
    assert_eq!(taken(&pool, &test_chain, 2 * one), family);
    // Where the family has no room, its parent alone is not worth more than the other.
    assert_eq!(taken(&pool, &test_chain, one), vec![other]);
}

#[test]
fn what_leaves_takes_its_descendants_along() {
    let mut test_chain = grown(302, 4);
    let coins = test_chain.spendable();
    let family = line(&mut test_chain, &coins[0], &[1, 2, 0]);
    let other = test_chain.pay(&coins[1..2], 1, 50);
    let mut pool = Mempool::new(MempoolLimits { transactions: 4, weight: 10_000 });
    let ids: Vec<Hash> = family.iter().map(|t| admit(&mut pool, &test_chain, t).unwrap()).collect();
    let kept = admit(&mut pool, &test_chain, &other).unwrap();
    // One that pays less than any family does not get in; one that pays more pushes the least out, with all
    // that hangs on it.
    let poor = test_chain.pay(&coins[2..3], 1, 0);
    assert_eq!(admit(&mut pool, &test_chain, &poor), Err(AdmitError::Conflict(Conflict::Full)));
    let rich = test_chain.pay(&coins[2..3], 1, 40);
    admit(&mut pool, &test_chain, &rich).unwrap();
    assert!(pool.get(&ids[2]).is_none() && pool.get(&ids[1]).is_some() && pool.len() == 4);
    pool.remove(&ids[1]);
    admit(&mut pool, &test_chain, &family[1]).unwrap();
    let richer = test_chain.pay(&coins[3..4], 1, 45);
    admit(&mut pool, &test_chain, &richer).unwrap();
    // Nobody pushes out what it spends itself.
    let heirs = made(&test_chain, &richer);
    let heir = test_chain.pay(&heirs, 1, 60);
    admit(&mut pool, &test_chain, &heir).unwrap();
    assert!(pool.get(&kept).is_some() && pool.get(&ids[0]).is_none() && pool.get(&ids[1]).is_none());
    // A parent that becomes impossible takes its children along.
    let gone = test_chain.pay(&coins[3..4], 1, 0);
    let block = test_chain.block(&[gone]);
    test_chain.connect(block);
    let dropped = pool.recheck(&test_chain.chain, &test_chain.state).unwrap();
    assert_eq!(dropped.iter().map(|(_, why)| why.rule()).collect::<Vec<_>>(), ["MW-R24", "MW-R24"]);
}

#[test]
fn families_are_bounded() {
    let mut test_chain = grown(303, 3);
    let coins = test_chain.spendable();
    let long = line(&mut test_chain, &coins[0], &[0; 26]);
    let mut pool = Mempool::new(MempoolLimits::default());
    for t in &long[..25] {
        admit(&mut pool, &test_chain, t).unwrap();
    }
    assert_eq!(admit(&mut pool, &test_chain, &long[25]), Err(AdmitError::Conflict(Conflict::PackageLimit)));
    let room = test_chain.chain.room();
    assert_eq!(taken(&pool, &test_chain, room), long[..taken(&pool, &test_chain, room).len()]);
    // A parent of many is bounded as one with many ancestors is.
    let fan = test_chain.pay(&coins[1..2], 25, 0);
    admit(&mut pool, &test_chain, &fan).unwrap();
    let children: Vec<_> = made(&test_chain, &fan).into_iter().map(|c| test_chain.pay(&[c], 1, 0)).collect();
    let found: Vec<bool> = children.iter().map(|t| admit(&mut pool, &test_chain, t).is_ok()).collect();
    assert_eq!(found, [vec![true; 24], vec![false]].concat());
}

/// Random families under random limits: what is selected fits, parents first, and joins into a block that is
/// accepted.
#[test]
fn any_selection_makes_a_block() {
    for seed in 0..6 {
        let mut test_chain = grown(310 + seed, 6);
        let mut coins = test_chain.spendable();
        let limits = MempoolLimits { transactions: 5 + seed as usize * 3, weight: 1_500 };
        let mut pool = Mempool::new(limits);
        for _ in 0..25 {
            let n = 1 + test_chain.rng.next_u32() as usize % 2.min(coins.len());
            let spent: Vec<Coin> = (0..n)
                .map(|_| {
                    let at = test_chain.rng.next_u32() as usize % coins.len();
                    coins[at].clone()
                })
                .collect();
            if n == 2 && spent[0].commitment == spent[1].commitment {
                continue;
            }
            let fee = u64::from(test_chain.rng.next_u32() % 100);
            let outputs = 1 + u64::from(test_chain.rng.next_u32() % 2);
            let t = test_chain.pay(&spent, outputs, fee);
            if admit(&mut pool, &test_chain, &t).is_ok() {
                coins.extend(made(&test_chain, &t));
            }
            assert!(pool.len() <= limits.transactions && pool.weight() <= limits.weight);
            let limit = 40 + u64::from(test_chain.rng.next_u32() % 260);
            let chosen = pool.select(&test_chain.chain, &test_chain.state, limit).unwrap();
            assert!(chosen.iter().map(|t| t.get().body.weight()).sum::<u64>() <= limit);
            let fees: u64 = chosen.iter().map(|t| t.get().body.fees().unwrap().units()).sum();
            let height = test_chain.next();
            let reward = test_chain.coinbase(height, test_chain.chain.params().reward.units() + fees);
            let room = test_chain.chain.room();
            if limit <= room {
                let next =
                    sotto_mw::rules::NextBlock { transactions: &chosen, reward, time: 2_000, change: None };
                sotto_mw::rules::propose(&test_chain.chain, &test_chain.state, next).unwrap();
            }
        }
        // Nothing that is in the pool is without its parents.
        assert!(pool.recheck(&test_chain.chain, &test_chain.state).unwrap().is_empty());
    }
}

/// What spends nothing that exists is told by a look-up, before any proof is looked at: proofs cost whoever
/// verifies them.
#[test]
fn proofs_of_what_spends_nothing_are_not_looked_at() {
    let (mut test_chain, elsewhere) = (grown(307, 4), grown(307, 0));
    let coins = test_chain.spendable();
    let (mut forged, other) = (test_chain.pay(&coins[..1], 1, 0), test_chain.pay(&coins[1..2], 1, 0));
    forged.body.kernels = other.body.kernels;
    let pool = Mempool::new(MempoolLimits::default());
    let why = |test_chain: &TestChain| match pool.judge(&test_chain.chain, &test_chain.state, forged.clone())
    {
        Err(AdmitError::Refused(why)) => why.rule(),
        other => panic!("{other:?}"),
    };
    assert_eq!((why(&elsewhere), why(&test_chain)), ("MW-R24", "MW-R15"));
}
