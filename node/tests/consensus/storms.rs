//! Storms, then calm: whatever happened, one block a height and never two votes; once it is calm, blocks.

use crate::{
    byzantine::Fault,
    world::{Weather, World, ms},
};
use std::time::Duration;

pub(crate) fn seeds(usual: u64) -> u64 {
    std::env::var("SOTTO_CONSENSUS_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// What a storm consists of.
#[derive(Clone, Copy, Default)]
struct Storm {
    delay: u64,
    loss: u64,
    parts: bool,
    crashes: bool,
    skew: u64,
    faults: bool,
}

fn storm(seed: u64, n: usize, storm: Storm) -> World {
    let mut world = World::new(seed * 1_000 + n as u64, n);
    let f = (n - 1) / 3;
    for i in 0..n {
        let off = world.below(2 * storm.skew + 1);
        world.all[i].skew = off as i64 - storm.skew as i64;
    }
    if storm.faults {
        for i in 0..f {
            let fault = Fault::ALL[((seed as usize) + 3 * i) % Fault::ALL.len()];
            let place = (world.below(n as u64) as usize + i) % n;
            world.all[place].fault = Some(fault);
            if fault == Fault::WrongClock {
                world.all[place].skew = if seed.is_multiple_of(2) { 30 } else { -30 };
            }
        }
    }
    world.start_all();
    for _ in 0..12 {
        let part = (0..n).map(|_| if storm.parts { world.below(2) as u8 } else { 0 }).collect();
        let (delay, loss) = (20 + world.below(storm.delay + 1), world.below(storm.loss + 1));
        world.weather = Weather { delay: (20, delay), loss, part };
        if storm.crashes {
            for i in 0..n {
                world.all[i].fuse = Some(world.below(60) as u32);
            }
        }
        let until = world.now + ms(world.between((1_000, 6_000)));
        world.run(until, |_| false);
    }
    world
}

/// Calm: the height under way is decided within ten rounds, and the next ones too.
fn calm(world: &mut World, seed: u64) {
    let n = world.all.len();
    world.weather = Weather { delay: (20, 80), loss: 0, part: vec![0; n] };
    world.all.iter_mut().for_each(|s| s.fuse = None);
    let (from, round) = (world.decided.len() as u64, world.greatest_round());
    let until = world.now + Duration::from_secs(300);
    let done = world.run(until, |w| w.least() >= from + 4);
    let state: Vec<_> =
        world.all.iter().map(|s| (s.height(), s.fault, s.engine.as_ref().map(|e| e.activity()))).collect();
    assert!(done, "seed {seed}, {n} validators: no progress from {from}: {state:?}");
    for (height, (_, decided)) in world.decided.range(from + 1..) {
        let begun = if *height == from + 1 { round } else { 0 };
        assert!(
            *decided <= begun + 10,
            "seed {seed}: height {height} took until round {decided}, from {begun}"
        );
    }
    assert!(world.stopped.is_empty(), "seed {seed}");
}

fn storms(usual: u64, kind: Storm) {
    for seed in 0..seeds(usual) {
        for n in [4, 7, 10] {
            let mut world = storm(seed, n, kind);
            calm(&mut world, seed);
        }
    }
}

/// In such weather locks change, and each vote against a former one has its account on disk before it leaves.
#[test]
fn locks_that_change_are_accounted_for() {
    let kind = Storm { delay: 500, loss: 25, crashes: true, ..Storm::default() };
    let explained: u32 = (0..seeds(60)).map(|seed| storm(90_000 + seed, 4, kind).explained).sum();
    assert!(explained > 0, "no lock changed");
}

#[test]
fn delays_and_loss() {
    storms(6, Storm { delay: 2_000, loss: 20, ..Storm::default() });
}

#[test]
fn partitions_that_heal() {
    storms(6, Storm { delay: 200, loss: 5, parts: true, ..Storm::default() });
}

#[test]
fn crashes_at_any_effect() {
    storms(6, Storm { delay: 200, crashes: true, ..Storm::default() });
}

#[test]
fn clocks_that_are_off() {
    storms(6, Storm { delay: 200, skew: 2, ..Storm::default() });
}

#[test]
fn dishonest_validators() {
    storms(11, Storm { delay: 200, faults: true, ..Storm::default() });
}

#[test]
fn all_at_once() {
    storms(11, Storm { delay: 2_000, loss: 20, parts: true, crashes: true, skew: 2, faults: true });
}

/// The same seed is the same run.
#[test]
fn a_run_is_a_function_of_its_seed() {
    let kind = Storm { delay: 2_000, loss: 20, parts: true, crashes: true, skew: 2, faults: true };
    let run = |seed| {
        let mut world = storm(seed, 4, kind);
        calm(&mut world, seed);
        world.decided
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}
