use super::*;
fn seen(height: u64) -> Sighting {
    Sighting { height: Height::new(height), may_repeat: true }
}

/// What is kept of an excess leads back to the floor, and no further.
#[test]
fn sightings_below_the_floor_are_dropped() {
    let mut all = Sightings::default();
    for (height, floor) in [(1, 0), (2, 0), (4, 1), (6, 3)] {
        all.add(seen(height), Height::new(floor));
    }
    assert_eq!(all.0, vec![seen(2), seen(4), seen(6)]);
    all.add(seen(9), Height::new(9));
    assert_eq!(all.0, vec![seen(9)]);
    assert_eq!(Sightings::from_bytes(&all.to_bytes()), Ok(all));
}
