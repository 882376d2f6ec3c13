//! Locks that outlive an outage, and the halt that a clock in every vote would cause.

use crate::{
    byzantine::Fault,
    world::{Weather, World},
};
use std::time::Duration;

/// Validators 0 and 1 are locked on a value, 2 has not seen it, 3 is gone for good, and all the others are off
/// for an hour. The value is an hour old when they are back, and must be decided all the same, or be replaced.
#[test]
fn two_locked_one_dead_and_all_off_for_an_hour() {
    for seed in 0..8 {
        let mut world = World::new(seed, 4);
        world.all[3].fault = Some(Fault::NoPrecommits);
        world.weather = Weather { delay: (20, 80), loss: 0, part: vec![0, 0, 1, 0] };
        world.start_all();
        let locked = world.run(Duration::from_secs(60), |w| w.is_locked(0, 1) && w.is_locked(1, 1));
        assert!(locked && world.least() == 0, "seed {seed}");
        (0..4).for_each(|i| world.take_away(i));
        world.weather.part = vec![0; 4];
        let back = world.now + Duration::from_secs(3_600);
        world.run(back, |_| false);
        (0..3).for_each(|i| world.bring_back(i));
        let round = world.greatest_round();
        let done = world.run(back + Duration::from_secs(120), |w| w.least() >= 3);
        assert!(done, "seed {seed}: halted at {}", world.least());
        assert!(world.decided[&1].1 <= round + 10, "seed {seed}: round {}", world.decided[&1].1);
    }
}
