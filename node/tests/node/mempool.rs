//! Pending transactions that spend what others create: they stay, are taken and go together.

use crate::{
    ledger::{ledger, mine, open},
    toy::{Coin, Toy},
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

fn grown(seed: u64, blocks: usize) -> Toy {
    let mut toy = Toy::with(seed, |p| p.max_weight = 1_000);
    (0..blocks).for_each(|_| {
        let block = toy.block(&[]);
        drop(toy.connect(block));
    });
    toy
}

/// The coins that a transaction makes.
fn made(toy: &Toy, t: &Transaction) -> Vec<Coin> {
    let mine = |c: &&Coin| t.body.outputs.iter().any(|o| o.commitment == c.commitment);
    toy.coins().filter(mine).cloned().collect()
}

/// Transactions of which each spends what the one before creates.
fn line(toy: &mut Toy, coin: &Coin, extra: &[u64]) -> Vec<Transaction> {
    let mut coins = vec![coin.clone()];
    let mut all = Vec::new();
    for fee in extra {
        let t = toy.pay(&coins, 1, *fee);
        coins = made(toy, &t);
        all.push(t);
    }
    all
}

fn admit(
    pool: &mut Mempool,
    toy: &Toy,
    t: &Transaction,
) -> Result<Hash, AdmitError<core::convert::Infallible>> {
    pool.admit(&toy.chain, &toy.state, t.clone())
}

fn taken(pool: &Mempool, toy: &Toy, limit: u64) -> Vec<Transaction> {
    let all = pool.select(&toy.chain, &toy.state, limit).unwrap();
    all.iter().map(|t| t.get().clone()).collect()
}

/// A line of payments waits, survives a restart, is sealed as one block, and comes back when that is undone.
#[test]
fn a_line_of_payments_is_sealed_at_once() {
    let mut toy = Toy::new(300);
    let files = Memory::new();
    let mut l = ledger(&toy, &files);
    mine(&mut toy, &mut l);
    mine(&mut toy, &mut l);
    let coin = toy.spendable().remove(0);
    let all = line(&mut toy, &coin, &[0, 0, 0]);
    assert!(l.submit(all[1].clone()).is_err(), "nobody has created what it spends");
    let ids: Vec<Hash> = all.iter().map(|t| l.submit(t.clone()).unwrap()).collect();
    drop(l);
    let mut l = open(&files);
    assert_eq!(l.mempool().iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
    assert_eq!(l.draft().unwrap().transactions.len(), 3);
    assert_eq!(mine(&mut toy, &mut l), ids);
    assert!(l.mempool().is_empty());
    // What spends an output of a block that is taken back waits for it to be sealed again.
    let coin = made(&toy, &all[2]).remove(0);
    let child = toy.pay(&[coin], 1, 0);
    let child = l.submit(child).unwrap();
    let (_, change) = l.undo().unwrap();
    toy.undo();
    assert!(change.dropped.is_empty(), "{:?}", change.dropped);
    let order: Vec<Hash> = l.mempool().iter().map(|(id, _)| *id).collect();
    assert_eq!(order, [&ids[..], &[child]].concat());
    drop(l);
    let mut l = open(&files);
    assert_eq!(l.mempool().len(), 4);
    assert_eq!(mine(&mut toy, &mut l).len(), 4);
    l.audit(|_, _| {}).unwrap();
}

#[test]
fn a_child_pays_for_its_parent() {
    let mut toy = grown(301, 3);
    let coins = toy.spendable();
    let family = line(&mut toy, &coins[0], &[0, 900]);
    let other = toy.pay(&coins[1..2], 1, 300);
    let mut pool = Mempool::new(MempoolLimits::default());
    for t in [&family[0], &other, &family[1]] {
        admit(&mut pool, &toy, t).unwrap();
    }
    let one = other.body.weight();
    assert_eq!(taken(&pool, &toy, 3 * one), vec![family[0].clone(), family[1].clone(), other.clone()]);
    assert_eq!(taken(&pool, &toy, 2 * one), family);
    // Where the family has no room, its parent alone is not worth more than the other.
    assert_eq!(taken(&pool, &toy, one), vec![other]);
}

#[test]
fn what_leaves_takes_its_descendants_along() {
    let mut toy = grown(302, 4);
    let coins = toy.spendable();
    let family = line(&mut toy, &coins[0], &[1, 2, 0]);
    let other = toy.pay(&coins[1..2], 1, 50);
    let mut pool = Mempool::new(MempoolLimits { transactions: 4, weight: 10_000 });
    let ids: Vec<Hash> = family.iter().map(|t| admit(&mut pool, &toy, t).unwrap()).collect();
    let kept = admit(&mut pool, &toy, &other).unwrap();
    // One that pays less than any family does not get in; one that pays more pushes the least out, with all
    // that hangs on it.
    let poor = toy.pay(&coins[2..3], 1, 0);
    assert_eq!(admit(&mut pool, &toy, &poor), Err(AdmitError::Conflict(Conflict::Full)));
    let rich = toy.pay(&coins[2..3], 1, 40);
    admit(&mut pool, &toy, &rich).unwrap();
    assert!(pool.get(&ids[2]).is_none() && pool.get(&ids[1]).is_some() && pool.len() == 4);
    pool.remove(&ids[1]);
    admit(&mut pool, &toy, &family[1]).unwrap();
    let richer = toy.pay(&coins[3..4], 1, 45);
    admit(&mut pool, &toy, &richer).unwrap();
    // Nobody pushes out what it spends itself.
    let heirs = made(&toy, &richer);
    let heir = toy.pay(&heirs, 1, 60);
    admit(&mut pool, &toy, &heir).unwrap();
    assert!(pool.get(&kept).is_some() && pool.get(&ids[0]).is_none() && pool.get(&ids[1]).is_none());
    // A parent that becomes impossible takes its children along.
    let gone = toy.pay(&coins[3..4], 1, 0);
    let block = toy.block(&[gone]);
    toy.connect(block);
    let dropped = pool.recheck(&toy.chain, &toy.state).unwrap();
    assert_eq!(dropped.iter().map(|(_, why)| why.rule()).collect::<Vec<_>>(), ["MW-R24", "MW-R24"]);
}

#[test]
fn families_are_bounded() {
    let mut toy = grown(303, 3);
    let coins = toy.spendable();
    let long = line(&mut toy, &coins[0], &[0; 26]);
    let mut pool = Mempool::new(MempoolLimits::default());
    for t in &long[..25] {
        admit(&mut pool, &toy, t).unwrap();
    }
    assert_eq!(admit(&mut pool, &toy, &long[25]), Err(AdmitError::Conflict(Conflict::PackageLimit)));
    let room = toy.chain.room();
    assert_eq!(taken(&pool, &toy, room), long[..taken(&pool, &toy, room).len()]);
    // A parent of many is bounded as one with many ancestors is.
    let fan = toy.pay(&coins[1..2], 25, 0);
    admit(&mut pool, &toy, &fan).unwrap();
    let children: Vec<_> = made(&toy, &fan).into_iter().map(|c| toy.pay(&[c], 1, 0)).collect();
    let found: Vec<bool> = children.iter().map(|t| admit(&mut pool, &toy, t).is_ok()).collect();
    assert_eq!(found, [vec![true; 24], vec![false]].concat());
}

/// Random families under random limits: what is selected fits, parents first, and joins into a block that is
/// accepted.
#[test]
fn any_selection_makes_a_block() {
    for seed in 0..6 {
        let mut toy = grown(310 + seed, 6);
        let mut coins = toy.spendable();
        let limits = MempoolLimits { transactions: 5 + seed as usize * 3, weight: 1_500 };
        let mut pool = Mempool::new(limits);
        for _ in 0..25 {
            let n = 1 + toy.rng.next_u32() as usize % 2.min(coins.len());
            let spent: Vec<Coin> = (0..n)
                .map(|_| {
                    let at = toy.rng.next_u32() as usize % coins.len();
                    coins[at].clone()
                })
                .collect();
            if n == 2 && spent[0].commitment == spent[1].commitment {
                continue;
            }
            let fee = u64::from(toy.rng.next_u32() % 100);
            let outputs = 1 + u64::from(toy.rng.next_u32() % 2);
            let t = toy.pay(&spent, outputs, fee);
            if admit(&mut pool, &toy, &t).is_ok() {
                coins.extend(made(&toy, &t));
            }
            assert!(pool.len() <= limits.transactions && pool.weight() <= limits.weight);
            let limit = 40 + u64::from(toy.rng.next_u32() % 260);
            let chosen = pool.select(&toy.chain, &toy.state, limit).unwrap();
            assert!(chosen.iter().map(|t| t.get().body.weight()).sum::<u64>() <= limit);
            let fees: u64 = chosen.iter().map(|t| t.get().body.fees().unwrap().units()).sum();
            let height = toy.next();
            let reward = toy.coinbase(height, toy.chain.params().reward.units() + fees);
            let room = toy.chain.room();
            if limit <= room {
                let next = sotto_mw::rules::NextBlock {
                    transactions: &chosen,
                    coinbase_output: reward.0,
                    coinbase_kernel: reward.1,
                    time: 2_000,
                };
                sotto_mw::rules::propose(&toy.chain, &toy.state, next).unwrap();
            }
        }
        // Nothing that is in the pool is without its parents.
        assert!(pool.recheck(&toy.chain, &toy.state).unwrap().is_empty());
    }
}

/// What spends nothing that exists is told by a look-up, before any proof is looked at: proofs cost whoever
/// verifies them.
#[test]
fn proofs_of_what_spends_nothing_are_not_looked_at() {
    let (mut toy, elsewhere) = (grown(307, 4), grown(307, 0));
    let coins = toy.spendable();
    let (mut forged, other) = (toy.pay(&coins[..1], 1, 0), toy.pay(&coins[1..2], 1, 0));
    forged.body.kernels = other.body.kernels;
    let pool = Mempool::new(MempoolLimits::default());
    let why = |toy: &Toy| match pool.judge(&toy.chain, &toy.state, forged.clone()) {
        Err(AdmitError::Refused(why)) => why.rule(),
        other => panic!("{other:?}"),
    };
    assert_eq!((why(&elsewhere), why(&toy)), ("MW-R24", "MW-R15"));
}
