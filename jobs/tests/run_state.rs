//! The run state of a compute party: what it keeps, and that it goes on from what a crash left.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;

use sotto_jobs::run_state::{Effect, Event, Item, OwnParty, RunState};
use sotto_jobs::{Digest, PartyId};
use support::{agreement, identity, job};

#[test]
fn attempts_go_on_after_a_record_that_a_crash_cut_off() {
    let (agreement, identity) = (agreement(&job()), identity(PartyId(0)));
    let mut kept = BTreeMap::new();
    let restored = |kept: &BTreeMap<Item, Vec<u8>>| {
        let kept = |item| kept.get(&item).cloned();
        let ours = OwnParty { id: PartyId(0), identity: &identity };
        RunState::restore(agreement.run(1).unwrap(), ours, vec![8; 3], kept)
    };
    for attempt in 1..=8u32 {
        let mut state = restored(&kept);
        let next = state.next_attempt();
        assert!(next >= attempt, "{next}");
        let effects = state.step(Event::Begun { attempt: next, run_id: Digest([next as u8; 32]) });
        let [Effect::Keep(Item::Attempts, bytes), Effect::Proceed] = &effects[..] else {
            panic!("attempt {attempt}: {effects:?}")
        };
        // Every second time, the end of the last record is lost.
        let cut = bytes.len() - 17 * (attempt as usize % 2);
        kept.insert(Item::Attempts, bytes[..cut].to_vec());
        assert!(restored(&kept).next_attempt() > next, "a number is used once");
        assert!(restored(&kept).next_attempt() < 20, "and none is made up");
    }
    let stopped = restored(&kept).step(Event::Begun { attempt: 20, run_id: Digest([8; 32]) });
    assert!(matches!(stopped[..], [Effect::Response(_)]), "the id of attempt 8 is remembered: {stopped:?}");
}
