//! An operator who seals on two sides of a partition, and what becomes of it when that heals.

use crate::{
    bank::Bank,
    schedules::{SECOND, agreed, hasty},
    world::World,
};
use sotto_mw::{state::ChainView, transaction::Transaction};
use sotto_node::{effect::LogEvent, ledger::fork::ForkError};

/// Five nodes, of which the second holds the operator's key as well; it and the fourth are on the other side.
fn apart(seed: u64, bank: Bank) -> World {
    let mut world = World::new(seed, bank, 5, Vec::new(), hasty);
    world.operators = vec![0, 1];
    world.crash(1);
    world.start(1);
    world.run(20 * SECOND);
    world.apart = vec![false, true, false, true, false];
    world
}

fn has(world: &World, n: usize, t: &Transaction) -> bool {
    let store = world.node(n).unwrap().ledger().store();
    t.body.kernels.iter().all(|k| store.has_kernel(&k.id()).unwrap())
}

fn pending(world: &World, n: usize) -> usize {
    world.node(n).unwrap().ledger().mempool().len()
}

/// Both sides seal; the higher branch wins, no payment is lost, and every node has the evidence.
#[test]
fn two_branches_become_one_and_leave_evidence() {
    for seed in 0..6 {
        let mut world = apart(40 + seed, Bank::open());
        let [ours, theirs, both] = [0, 1, 2].map(|n| world.bank.payments[n].clone());
        let rival = world.bank.rivals[2].clone();
        for (n, t) in [(2, &ours), (4, &both), (3, &theirs), (1, &rival)] {
            assert!(world.submit(n, t).is_some());
        }
        assert!(world.until(|w| [0, 2, 4].iter().all(|n| pending(w, *n) == 2)
            && pending(w, 1) == 2
            && pending(w, 3) == 2));
        // The one side is a block ahead, or as high, and then the lower hash decides.
        let (here, there) = (2 + seed % 2, 2 + seed % 3);
        for (n, count) in [(0, here), (1, there)] {
            for _ in 0..count {
                world.seal_at(n).unwrap();
                world.run(3 * SECOND);
            }
        }
        let sides = [world.tips()[0], world.tips()[1]];
        world.apart.fill(false);
        let better = *sides.iter().max_by_key(|t| (t.height, core::cmp::Reverse(t.hash))).unwrap();
        assert!(
            world.until(|w| w.tips().iter().all(|t| *t == better)),
            "seed {seed}: {sides:?} {:?}",
            world.tips()
        );
        // What the losing side had sealed is pending again, there at least, and reaches the next blocks.
        world.run(60 * SECOND);
        world.seal_at(0).unwrap();
        world.run(20 * SECOND);
        world.seal_at(1).unwrap();
        world.run(20 * SECOND);
        agreed(&world, &[0, 1, 2]);
        assert!(has(&world, 0, &both) != has(&world, 0, &rival), "one of the two");
        let told =
            |n: usize| world.notes.iter().any(|(m, note)| *m == n && matches!(note, LogEvent::DoubleSeal(_)));
        let losers = if better == sides[0] { [1, 3] } else { [0, 2] };
        assert!(losers.into_iter().all(told), "seed {seed}: {:?}", world.notes);
        for n in 0..5 {
            let ledger = world.node(n).unwrap().ledger();
            ledger.audit(|_, _| ()).unwrap();
            assert!(ledger.double_seals().unwrap().iter().all(|d| d.holds(ledger.store().history())));
        }
    }
}

/// A branch that leaves deeper than the chain allows is not followed by anybody, and everybody says so.
#[test]
fn a_branch_from_too_deep_is_not_followed() {
    let mut world = apart(60, Bank::long());
    for (n, count) in [(0, 9), (1, 11)] {
        for _ in 0..count {
            world.seal_at(n).unwrap();
            world.run(3 * SECOND);
        }
    }
    let before = world.tips();
    world.apart.fill(false);
    world.run(200 * SECOND);
    assert_eq!(world.tips(), before);
    let deep = |(n, note): &(usize, LogEvent)| {
        [0, 2, 4].contains(n) && matches!(note, LogEvent::BranchRejected(ForkError::TooDeep { .. }))
    };
    assert!(world.notes.iter().any(deep), "{:?}", world.notes);
}
