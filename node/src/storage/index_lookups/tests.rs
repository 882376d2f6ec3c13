use super::*;
use crate::storage::{database::Slot, index_format::terms_entry, memory_database::MemoryDatabases};
use sotto_mw::{chain::Params, group::Point, schnorr::PublicKey};

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

/// A change of terms that the database lost, or has beside those that were noted, is an error and no answer.
#[test]
fn terms_are_those_that_were_noted() {
    let chain = Chain::new(Params::solo(PublicKey::from_point(Point::g()), 5)).unwrap();
    let terms = chain.params().first_terms();
    let mut index = Index::open(&MemoryDatabases, Slot::Current).unwrap();
    assert!(index.history(&chain).is_ok());
    let (mut batch, mut changes) = (Batch::default(), Changes::new());
    for from in [6, 9].map(Height::new) {
        batch.insert(key::terms(from), terms_entry(from, &terms));
        index.note_terms(&mut changes, from, &terms).unwrap();
    }
    index.note(&mut batch, changes).unwrap();
    index.apply(batch).unwrap();
    assert!(index.history(&chain).is_ok());
    for (from, is_noted) in [(Height::new(6), true), (Height::new(9), true), (Height::new(7), false)] {
        let entry = || Some(terms_entry(from, &terms));
        index.put(key::terms(from), if is_noted { None } else { entry() });
        let found = index.history(&chain).map(drop);
        assert!(matches!(found, Err(StoreError::Index { fault: IndexFault::Terms(_) })), "{from}");
        index.put(key::terms(from), if is_noted { entry() } else { None });
    }
    assert!(index.history(&chain).is_ok());
}
