//! Four of a node's five peers do every attack that is known, while the chain grows and payments arrive.

use crate::{
    bank::Bank,
    puppet::Puppet,
    schedules::{SECOND, agreed, hasty},
    world::{Actor, World},
};
use sotto_node::{
    message::BlockName,
    peer::{CloseReason, Offence},
    token_bucket::Allowance,
};
use std::collections::BTreeMap;

/// The operator's node, the node that is attacked, and four attackers.
const OPERATOR: usize = 0;
const VICTIM: usize = 1;
const ATTACKERS: usize = 4;

fn siege(seed: u64) -> BTreeMap<&'static str, usize> {
    let bank = Bank::open();
    let attackers = (0..ATTACKERS).map(|_| Puppet::attacker(&bank)).collect();
    let mut world = World::new(seed, bank, 2, attackers, |c| {
        hasty(c);
        // An attacker comes back at once: what a ban keeps away is not what is tested.
        c.ban_time = 5 * SECOND;
        c.snapshot_every = 0;
        // A schedule takes seconds: less of all that strangers may cause.
        c.work = Allowance { rate: 1_000, burst: 10_000 };
        c.work_own = Allowance { rate: 200, burst: 2_000 };
        c.work_shared = Allowance { rate: 2_000, burst: 10_000 };
    });
    world.run(20 * SECOND);
    let payments = [0, 1, 2];
    for n in payments {
        let t = world.bank.payments[n].clone();
        assert!(world.submit(VICTIM, &t).is_some(), "payment {n}");
        world.run(10 * SECOND);
    }
    for round in 0..25 {
        // Now and then two blocks at once, so that the node has to ask for headers.
        let sealed: Vec<BlockName> = (0..1 + round % 2).filter_map(|_| world.seal()).collect();
        // Attackers show the last one alone.
        if let Some(name) = sealed.last() {
            let store = world.node(OPERATOR).unwrap().ledger().store();
            let block = store.block(name.height).unwrap().unwrap();
            world.leak(&block);
        }
        world.run(20 * SECOND);
        let Some(name) = sealed.last().copied() else { continue };
        let tip = BlockName::of(world.node(VICTIM).unwrap().ledger().tip());
        assert_eq!(tip, name, "seed {seed}: the node is at the tip {:?} after the seal", world.now);
        let held = world.node(VICTIM).unwrap().usage();
        assert!(
            held.verifying <= 16 + 256 * ATTACKERS && held.stems <= 1_000 && held.blocks < 64,
            "{held:?}"
        );
    }
    agreed(&world, &payments);
    // Whatever the attackers passed on, neither honest node holds it against the other.
    let honest = |n: usize| n == OPERATOR || n == VICTIM;
    let wrong: Vec<_> = world
        .closed
        .iter()
        .filter(|c| honest(c.by) && honest(c.who))
        .filter(|c| matches!(c.why, CloseReason::Banned(_) | CloseReason::Relayed))
        .collect();
    assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
    let whys: Vec<CloseReason> = world.closed.iter().map(|c| c.why).collect();
    assert!(whys.contains(&CloseReason::Banned(Offence::Invalid)), "the attacks are noticed: {whys:?}");
    let mut done = BTreeMap::new();
    for actor in &world.actors {
        if let Actor::Puppet(p) = actor {
            let all = p.attacker.iter().flat_map(|a| &a.done);
            all.for_each(|(attack, n)| *done.entry(*attack).or_default() += n);
        }
    }
    done
}

#[test]
fn four_of_five_peers_attack_and_the_node_stays_at_the_tip() {
    let mut done = BTreeMap::new();
    for seed in 0..6 {
        for (attack, n) in siege(seed) {
            *done.entry(attack).or_insert(0) += n;
        }
    }
    println!("{done:?}");
    let all = [
        "addresses",
        "ask blocks",
        "ask compact",
        "ask headers",
        "ask parts",
        "block",
        "compact",
        "forged stems",
        "headers",
        "ids",
        "items",
        "offers",
        "pings",
        "stems",
        "tips",
        "transactions",
        "unasked blocks",
    ];
    assert!(all.iter().all(|attack| done.contains_key(attack)), "{done:?}");
}
