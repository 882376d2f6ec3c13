//! Peers that show blocks and give nothing, and leave before anybody loses idle_timeout; and how soon a
//! healed partition agrees.

use crate::{
    bank::Bank,
    puppet::{Habit, Puppet},
    schedules::{SECOND, agreed, hasty},
    world::World,
};
use sotto_mw::amount::Height;
use sotto_node::message::BlockName;

fn boasters(count: usize) -> Vec<Puppet> {
    (0..count).map(|_| Puppet::new(Habit::Boaster)).collect()
}

/// The seconds until all honest nodes that are up are at this block, counted from now.
fn seconds_until_all_have(world: &mut World, name: BlockName, most: u64) -> u64 {
    for n in 0..most {
        if world.tips().iter().all(|t| *t == name) {
            return n;
        }
        world.run(SECOND);
    }
    panic!("after {most} s: {name:?}, {:?}", world.tips());
}

/// However many show a block first and do not give it, the operator goes on sealing and its blocks arrive.
#[test]
fn blocks_arrive_though_many_show_them_and_give_nothing() {
    for seed in 0..4 {
        let mut world = World::new(300 + seed, Bank::open(), 4, boasters(6), hasty);
        world.run(30 * SECOND);
        let mut slowest = 0;
        for round in 0..12 {
            let name = world
                .seal()
                .unwrap_or_else(|| panic!("seed {seed}, round {round}: the operator is kept from sealing"));
            slowest = slowest.max(seconds_until_all_have(&mut world, name, 30));
            world.run(10 * SECOND);
        }
        println!("seed {seed}: {slowest} s at most");
        assert!(slowest <= 8, "seed {seed}: {slowest} s");
    }
}

/// A node without blocks gets all of them in a time that does not grow with how often boasters come again.
#[test]
fn a_newcomer_is_not_kept_from_the_chain() {
    for seed in 0..4 {
        let mut world = World::new(320 + seed, Bank::long(), 3, boasters(6), |c| {
            hasty(c);
            c.snapshot_threshold = u64::MAX;
        });
        world.crash(2);
        world.honest(2).erase();
        world.run(20 * SECOND);
        let name = world.seal().unwrap();
        world.run(20 * SECOND);
        world.start(2);
        assert_eq!(world.node(2).unwrap().ledger().tip().height, Height::GENESIS);
        let took = seconds_until_all_have(&mut world, name, 60);
        println!("seed {seed}: {took} s");
        assert!(took <= 25, "seed {seed}: {took} s");
    }
}

/// The losing side takes the better branch as soon as the sides are connected again.
#[test]
fn a_healed_partition_agrees_in_seconds() {
    for seed in 0..4 {
        let mut world = World::new(340 + seed, Bank::open(), 5, Vec::new(), hasty);
        world.operators = vec![0, 1];
        world.crash(1);
        world.start(1);
        world.run(20 * SECOND);
        world.apart = vec![false, true, false, true, false];
        // Nobody waits any more for who is on the other side.
        world.run(150 * SECOND);
        for (n, count) in [(0, 4), (1, 6)] {
            for _ in 0..count {
                world.seal_at(n).unwrap();
                world.run(3 * SECOND);
            }
        }
        let better = world.tips()[1];
        assert_ne!(world.tips()[0], better);
        world.apart.fill(false);
        let took = seconds_until_all_have(&mut world, better, 60);
        println!("seed {seed}: {took} s");
        assert!(took <= 10, "seed {seed}: {took} s");
        agreed(&world, &[]);
    }
}
