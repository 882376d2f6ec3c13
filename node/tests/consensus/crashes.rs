//! Crashes at each effect, and logs that are gone.

use crate::world::World;
use sotto_node::consensus::{Activity, Event, Why};
use std::time::Duration;

/// One validator of four crashes at its k-th effect, for every k: the others go on, and so does it, with the
/// same words.
#[test]
fn a_crash_at_each_effect() {
    for k in 0..90 {
        let mut world = World::new(1_000 + u64::from(k), 4);
        world.all[0].fuse = Some(k);
        world.start_all();
        assert!(world.run(Duration::from_secs(60), |w| w.least() >= 4), "effect {k}");
        assert!(world.restarts > 0 || k > 60, "effect {k} was never reached");
    }
}

/// All crash at their k-th effect.
#[test]
fn all_crash() {
    for k in 0..60 {
        let mut world = World::new(2_000 + u64::from(k), 4);
        for i in 0..4 {
            world.all[i].fuse = Some(k);
        }
        world.start_all();
        assert!(world.run(Duration::from_secs(120), |w| w.least() >= 3), "effect {k}");
    }
}

fn stuck_at_one(seed: u64) -> World {
    let mut world = World::new(seed, 4);
    // Two and two: nobody has a quorum, and all have voted.
    world.weather.part = vec![0, 0, 1, 1];
    world.start_all();
    world.run(Duration::from_secs(8), |_| false);
    assert!(world.least() == 0 && (0..4).all(|i| world.spoke(i, 1)));
    (0..4).for_each(|i| world.take_away(i));
    world.weather.part = vec![0; 4];
    world
}

fn following(world: &World, i: usize) -> Option<Why> {
    match world.all[i].engine.as_ref().map(|e| e.activity()) {
        Some(Activity::Following(_, why)) => Some(why),
        _ => None,
    }
}

#[test]
fn a_validator_without_its_log_follows_to_the_end_of_the_height() {
    for cut in [true, false] {
        let mut world = stuck_at_one(3);
        let log = &mut world.all[0].disk.log;
        // Gone, or without its end.
        log.truncate(if cut { log.len() / 2 } else { 0 });
        (0..4).for_each(|i| world.bring_back(i));
        let now = world.now;
        world.run(now + Duration::from_millis(10), |_| false);
        assert!(matches!(following(&world, 0), Some(Why::LogLost(_))), "{:?}", world.all[0].engine);
        let before = world.all[0].disk.votes.last();
        assert!(world.run(now + Duration::from_secs(60), |w| w.least() >= 1));
        assert_eq!(world.all[0].disk.votes.last(), before, "nothing was signed");
        assert!(world.run(now + Duration::from_secs(120), |w| w.least() >= 4));
        assert!(world.spoke(0, 3), "it votes again");
    }
}

#[test]
fn a_third_without_logs_halts_the_chain_until_people_resume() {
    let mut world = stuck_at_one(4);
    for i in [0, 1] {
        world.all[i].disk.log.clear();
    }
    (0..4).for_each(|i| world.bring_back(i));
    let now = world.now;
    assert!(!world.run(now + Duration::from_secs(60), |w| w.least() >= 1), "two of four are no quorum");
    let before = [0, 1].map(|i| world.all[i].disk.votes.last());
    [0, 1].iter().for_each(|i| world.feed(*i, Event::Resume));
    assert!(world.run(now + Duration::from_secs(180), |w| w.least() >= 3), "{:?}", world.all[0].engine);
    assert!([0, 1].iter().all(|i| world.all[*i].disk.votes.last() > before[*i]));
}

#[test]
fn a_copied_folder_refuses() {
    let mut world = stuck_at_one(5);
    world.all[0].disk.votes = world.all[0].disk.votes.moved_to(crate::validator::installation(9));
    (0..4).for_each(|i| world.bring_back(i));
    let now = world.now;
    assert!(world.run(now + Duration::from_secs(60), |w| w.least() >= 2));
    assert_eq!(following(&world, 0), Some(Why::Installation));
    assert!(!world.spoke(0, 2));
}
