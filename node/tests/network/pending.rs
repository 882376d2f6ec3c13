//! Pending payments in a network: families, floods, and those whose node dies before anybody else has heard
//! of them.

use crate::{
    bank::{Bank, MANY},
    schedules::{SECOND, agreed, hasty},
    world::{World, address},
};
use sotto_mw::state::ChainView;
use sotto_node::{config::Config, ledger::mempool::MempoolLimits};

/// A payment and what spends its change, through different nodes, are sealed in one block.
#[test]
fn a_family_is_sealed_in_one_block() {
    for seed in 0..4 {
        let mut world = World::new(80 + seed, Bank::open(), 5, Vec::new(), hasty);
        world.run(20 * SECOND);
        let (parent, child) = (world.bank.payments[0].clone(), world.bank.children[0].clone());
        assert!(world.submit(2, &child).is_none(), "what it spends is nowhere yet");
        assert!(world.submit(1, &parent).is_some() && world.until(|w| w.all_have(&parent)));
        assert!(world.submit(3, &child).is_some() && world.until(|w| w.all_have(&child)));
        let name = world.seal().unwrap();
        world.run(20 * SECOND);
        agreed(&world, &[0]);
        for n in 0..5 {
            let ledger = world.node(n).unwrap().ledger();
            let body = ledger.store().block(name.height).unwrap().unwrap().body;
            assert_eq!(body.kernels.len(), 3, "both, and the reward's");
            assert!(ledger.mempool().is_empty());
            ledger.audit(|_, _| ()).unwrap();
        }
    }
}

/// A one-sided output is spent when it is in a block: no block holds both, so no mempool does.
#[test]
fn what_spends_a_one_sided_output_waits_for_its_block() {
    let mut world = World::new(100, Bank::open(), 3, Vec::new(), hasty);
    world.run(20 * SECOND);
    let (parent, child) = (world.bank.payments[1].clone(), world.bank.late[0].clone());
    assert!(world.submit(1, &parent).is_some() && world.until(|w| w.all_have(&parent)));
    assert!(world.submit(2, &child).is_none(), "its coin is in no block yet");
    world.seal().unwrap();
    world.run(20 * SECOND);
    agreed(&world, &[1]);
    assert!(world.submit(2, &child).is_some() && world.until(|w| w.all_have(&child)));
    let name = world.seal().unwrap();
    world.run(20 * SECOND);
    for n in 0..3 {
        let ledger = world.node(n).unwrap().ledger();
        let body = ledger.store().block(name.height).unwrap().unwrap().body;
        assert_eq!(body.one_sided_inputs, child.body.one_sided_inputs);
        ledger.audit(|_, _| ()).unwrap();
    }
}

/// A node that others connect to and that reaches nobody, since they do not listen: its own payments are told
/// when their embargo ends, and not before.
#[test]
fn a_payment_leaves_a_node_that_reaches_nobody() {
    for seed in 0..4 {
        let alone = |c: &mut Config| {
            hasty(c);
            c.listen_port = None;
            if c.key == address(0).key {
                c.seeds.clear();
            } else {
                c.seeds = vec![address(0)];
            }
        };
        let mut world = World::new(70 + seed, Bank::open(), 3, Vec::new(), alone);
        world.run(20 * SECOND);
        let t = world.bank.payments[0].clone();
        assert!(world.submit(0, &t).is_some());
        assert!(
            (0..3).all(|n| world.node(n).unwrap().ledger().mempool().is_empty()),
            "nobody is told at once"
        );
        assert!(world.until(|w| w.all_have(&t)));
    }
}

/// A node that starts late hears of parent and child at once, from several peers, in any order.
#[test]
fn a_child_that_comes_first_waits_for_its_parent() {
    for seed in 0..6 {
        let mut world = World::new(90 + seed, Bank::open(), 4, Vec::new(), hasty);
        // Everybody has heard of everybody before one is gone.
        world.run(20 * SECOND);
        world.crash(3);
        world.run(20 * SECOND);
        for i in 0..3 {
            let (parent, child) = (world.bank.payments[i].clone(), world.bank.children[i].clone());
            assert!(world.submit(i, &parent).is_some() && world.until(|w| w.all_have(&parent)));
            let other = (i + 1) % 3;
            assert!(world.submit(other, &child).is_some() && world.until(|w| w.all_have(&child)));
        }
        world.start(3);
        world.run(30 * SECOND);
        assert_eq!(world.node(3).unwrap().ledger().mempool().len(), 6, "seed {seed}");
    }
}

/// More valid payments than a pool has room for: it holds those that pay most, everywhere, and never more
/// than it may.
#[test]
fn a_flood_of_low_fees_leaves_the_best() {
    const ROOM: usize = 8;
    let mut world = World::new(100, Bank::crowd(), 4, Vec::new(), |c| {
        hasty(c);
        c.mempool = MempoolLimits { transactions: ROOM, weight: 10_000 };
    });
    world.run(20 * SECOND);
    let all = world.bank.payments.clone();
    let (poor, best) = all.split_at(all.len() - ROOM);
    for (n, t) in best.iter().enumerate() {
        assert!(world.submit(n % 4, t).is_some() && world.until(|w| w.all_have(t)));
    }
    // The others, joined on their way or one by one, push none of them out, the best of them last.
    for (n, t) in poor.iter().enumerate() {
        world.submit(n % 4, t);
        world.run(7 * SECOND);
    }
    world.run(300 * SECOND);
    let full = |n: usize| world.node(n).unwrap().ledger().mempool().len() == ROOM;
    assert!((0..4).all(full) && best.iter().all(|t| world.all_have(t)));
    assert_eq!(all.len(), MANY as usize);
    world.seal().unwrap();
    world.run(20 * SECOND);
    let store = world.node(3).unwrap().ledger().store();
    for t in best {
        assert!(t.body.kernels.iter().all(|k| store.has_kernel(&k.id()).unwrap()));
    }
}

/// A payment is handed in, and the node loses its power before, or just after, the first word of it has left.
#[test]
fn what_was_handed_in_outlives_its_node() {
    for seed in 0..6 {
        let mut world = World::new(110 + seed, Bank::open(), 4, Vec::new(), hasty);
        if seed % 2 == 0 {
            world.run(20 * SECOND);
        }
        let t = world.bank.payments[0].clone();
        assert!(world.submit(3, &t).is_some());
        for _ in 0..seed {
            world.crash(3);
            world.start(3);
            world.run(SECOND / 4);
        }
        world.crash(3);
        world.run(5 * SECOND);
        world.start(3);
        assert!(world.until(|w| w.all_have(&t)), "seed {seed}");
        world.seal().unwrap();
        world.run(20 * SECOND);
        agreed(&world, &[0]);
        // A node that has seen it sealed does not stem it again.
        world.crash(3);
        world.start(3);
        world.run(200 * SECOND);
        assert!((0..4).all(|n| world.node(n).unwrap().ledger().mempool().is_empty()));
    }
}
