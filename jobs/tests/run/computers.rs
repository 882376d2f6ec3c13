//! Runs with three compute parties over loopback TLS, with owners and receivers who do not compute: results, crashes
//! around the milestones and before signatures, and who is awaited.

use super::malicious::{check, everybody_without};
use super::*;

fn agreed(deadline: u32) -> Agreement {
    let mut draft = placed(crate::support::draft_of_three());
    (draft.deadline, draft.limits.seconds) = (deadline, deadline);
    agreement(&Job::new(draft).unwrap())
}

#[test]
fn three_compute_and_all_get_what_is_theirs_and_get_it_again() {
    let (agreement, mut storages) = (agreed(60), <[Memory; 5]>::default());
    let first = everybody(&agreement, &mut storages);
    check(&first);
    let again = everybody(&agreement, &mut storages);
    check(&again);
    let receipts = [&first, &again].map(|results| results[&4].as_ref().unwrap().receipt.to_bytes());
    assert_eq!(receipts[0], receipts[1], "delivered again, not computed again");
}

/// A compute party that dies before its first milestone leaves the others another attempt; from the second on the run
/// is over without a result; and one that has computed signs later.
#[test]
fn a_compute_party_may_die_in_each_phase() {
    for (who, item) in
        [(0, "attempts"), (3, "attempts"), (1, "opened"), (3, "opened"), (3, "computed"), (1, "finished")]
    {
        let (agreement, mut storages) = (agreed(30), <[Memory; 5]>::default());
        let broken = everybody_without(&agreement, &mut storages, who, item);
        assert!(broken[&who].is_err(), "{item} at {who}");
        let results = everybody(&agreement, &mut storages);
        if matches!(item, "attempts" | "finished") {
            check(&results);
            continue;
        }
        for (id, result) in results {
            let why = result.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(why.contains("outputs may have been opened"), "{item} at {who}: party {id}: {why}");
        }
    }
}

#[test]
fn a_compute_party_that_stays_away_is_named() {
    let agreement = agreed(3);
    let late = |id: u16| match part(
        &agreement,
        PartyId(id),
        rows_of(PartyId(id)),
        &mut Memory::default(),
        &|_| {},
    ) {
        Err(RunError::Late(names)) => names,
        other => panic!("{other:?}"),
    };
    // Dora, who computes too, does not come, nor do carl and eve.
    let named = thread::scope(|scope| {
        [0, 1].map(|id| scope.spawn(move || late(id))).map(|party| party.join().unwrap())
    });
    assert!(named.iter().all(|names| names.contains(&"carl".to_owned())), "{named:?}");
    // Dora has all that is needed of others, but for the first two.
    let alone = late(3);
    assert!(["acme", "carl"].iter().all(|name| alone.contains(&(*name).to_owned())), "{alone:?}");
}
