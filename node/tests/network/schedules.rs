//! Random schedules of payments, blocks, crashes and partitions; what must hold at the end of each.

use crate::{
    bank::{Bank, PAYMENTS},
    puppet::{HABITS, Habit, Puppet},
    world::World,
};
use core::time::Duration;
use rand_chacha::rand_core::RngCore;
use sotto_mw::{state::ChainView, transaction::Transaction};
use sotto_node::{config::Config, effect::LogEvent};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Short embargoes, so that a schedule is an hour and not a day.
pub(crate) fn hasty(config: &mut Config) {
    config.dandelion = sotto_dandelion::Params::new(0.3, 100 * SECOND / 1_000, 0.1, 60 * SECOND).unwrap();
    config.ban_time = 600 * SECOND;
}

/// All honest nodes are at one tip, and every payment of these is in the chain, or one that spends the same
/// coin.
pub(crate) fn agreed(world: &World, payments: &[usize]) {
    let tips = world.tips();
    assert_eq!(tips.len(), world.honest_count(), "all are up");
    assert!(tips.windows(2).all(|t| t[0] == t[1]), "{tips:?}");
    let has = |n: usize, t: &Transaction| {
        let store = world.node(n).unwrap().ledger().store();
        t.body.kernels.iter().all(|k| store.has_kernel(&k.id()).unwrap())
    };
    for i in payments {
        let (ours, rival) = (&world.bank.payments[*i], &world.bank.rivals[*i]);
        let sealed = if has(0, rival) { rival } else { ours };
        assert!((0..tips.len()).all(|n| has(n, sealed)), "payment {i} is lost");
    }
}

/// What nodes hold for others stays within its bounds.
fn bounded(world: &World) {
    for held in (0..world.actors.len()).filter_map(|n| Some(world.node(n)?.usage())) {
        assert!(held.peers <= 12 && held.addresses <= 64, "{held:?}");
        assert!(held.transactions <= 2 * PAYMENTS && held.stems <= 2 * PAYMENTS, "{held:?}");
        assert!(held.asked <= 16_384 && held.remembered <= 20_000 && held.blocks < 64, "{held:?}");
    }
}

/// A payment at one of five nodes is stemmed, fluffed, sealed, and known to all.
#[test]
fn a_payment_reaches_everybody() {
    let mut world = World::new(1, Bank::open(), 5, Vec::new(), hasty);
    world.run(20 * SECOND);
    let t = world.bank.payments[0].clone();
    assert!(world.submit(3, &t).is_some());
    assert!(world.submit(3, &t).is_some(), "the same answer, whatever became of it");
    world.run(120 * SECOND);
    let pools: Vec<usize> = (0..5).map(|n| world.node(n).unwrap().ledger().mempool().len()).collect();
    assert_eq!(pools, [1; 5]);
    assert!(world.seal().is_some());
    world.run(10 * SECOND);
    agreed(&world, &[0]);
    assert!(world.notes.is_empty(), "{:?}", world.notes);
}

/// A schedule: what happens in it follows from the seed.
fn schedule(seed: u64) {
    let bank = Bank::open();
    let honest = 3 + (seed % 3) as usize;
    let puppets: Vec<Habit> = (0..seed % 4).map(|n| HABITS[(seed + n) as usize % HABITS.len()]).collect();
    let puppets = puppets.into_iter().map(Puppet::new).collect();
    let mut world = World::new(seed, bank, honest, puppets, hasty);
    let (mut down, mut handed_in): (Vec<usize>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
    for _ in 0..30 {
        let pause = u64::from(world.rng.next_u32() % 20_000);
        world.run(Duration::from_millis(pause));
        let n = world.rng.next_u32() as usize % honest;
        let up = !down.contains(&n);
        match world.rng.next_u32() % 8 {
            0 | 1 if up && handed_in.len() < 3 => {
                let i = handed_in.len();
                if world.submit(n, &world.bank.payments[i].clone()).is_some() {
                    handed_in.push((n, i));
                }
            }
            2 | 3 if !down.contains(&0) && world.now > 30 * SECOND => drop(world.seal()),
            4 if up => {
                world.crash(n);
                down.push(n);
            }
            5 => down.drain(..).for_each(|n| world.start(n)),
            6 => {
                world.apart =
                    world.apart.clone().iter().map(|_| world.rng.next_u32().is_multiple_of(2)).collect()
            }
            _ => world.apart.fill(false),
        }
        bounded(&world);
    }
    world.apart.fill(false);
    down.drain(..).for_each(|n| world.start(n));
    world.run(200 * SECOND);
    world.run(400 * SECOND);
    assert!(world.seal().is_some());
    world.run(60 * SECOND);
    bounded(&world);
    agreed(&world, &handed_in.iter().map(|(_, i)| *i).collect::<Vec<_>>());
    let harmless = |n: &(usize, LogEvent)| {
        matches!(n.1, LogEvent::BranchRejected(_) | LogEvent::DoubleSeal(_) | LogEvent::NotFluffed(_))
    };
    assert!(world.notes.iter().all(harmless), "{:?}", world.notes);
    world.node(honest - 1).unwrap().ledger().audit(|_, _| ()).unwrap();
}

#[test]
fn random_schedules_end_in_agreement() {
    let from = std::env::var("SOTTO_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    let count = std::env::var("SOTTO_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(40);
    for seed in from..from + count {
        println!("schedule {seed}");
        schedule(seed);
    }
}

/// A transaction that is stemmed into a black hole is fluffed when its embargo ends, as long as one honest
/// node is left.
#[test]
fn a_black_hole_only_delays() {
    for seed in 0..5 {
        let holes = vec![Habit::BlackHole; 6].into_iter().map(Puppet::new).collect();
        let mut world = World::new(1_000 + seed, Bank::open(), 2, holes, |c| {
            hasty(c);
            c.outbound = 6;
        });
        world.run(30 * SECOND);
        let t = world.bank.payments[0].clone();
        assert!(world.submit(1, &t).is_some());
        let mean = world.honest(1).config.dandelion.embargo();
        // An exponential time is above twenty times its mean once in half a thousand million.
        world.run(20 * mean + 10 * SECOND);
        assert_eq!(world.node(0).unwrap().ledger().mempool().len(), 1, "seed {seed}");
    }
}

/// The supply of a chain that a simulated network made is audited by the node that followed it.
#[test]
fn a_followed_chain_passes_the_audit() {
    let mut world = World::new(77, Bank::open(), 3, Vec::new(), hasty);
    world.run(20 * SECOND);
    for i in 0..3 {
        assert!(world.submit(i % 3, &world.bank.payments[i].clone()).is_some());
        world.run(100 * SECOND);
        world.seal();
    }
    world.run(20 * SECOND);
    agreed(&world, &[0, 1, 2]);
    let node = world.node(2).unwrap();
    let audit = node.ledger().audit(|_, _| ()).unwrap();
    assert_eq!(audit.height, node.ledger().store().tip().height);
}
