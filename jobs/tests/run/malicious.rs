//! Runs against malicious compute parties over loopback TLS: results, and crashes around the milestones.

use std::io;

use super::*;

fn agreed() -> Agreement {
    let mut draft = placed(malicious_draft());
    (draft.deadline, draft.limits.seconds) = (20, 20);
    agreement(&Job::new(draft).unwrap())
}

pub(super) fn check(results: &Results) {
    for (id, outputs) in [(0, 1), (1, 2), (2, 2), (3, 0), (4, 2)] {
        let outcome = results[&id].as_ref().unwrap_or_else(|e| panic!("{}: {e}", NAMES[usize::from(id)]));
        assert_eq!(outcome.outputs.len(), outputs, "{}", NAMES[usize::from(id)]);
        if let Some((_, hold)) = outcome.outputs.first() {
            assert_eq!(hold, &[true; 3]);
        }
        if let Some((_, sum)) = outcome.outputs.get(1) {
            assert_eq!(number(sum), TOTAL);
        }
    }
}

#[test]
fn result_parties_of_all_kinds_get_what_is_theirs_and_get_it_again() {
    let (agreement, mut storages) = (agreed(), <[Memory; 5]>::default());
    let first = everybody(&agreement, &mut storages);
    check(&first);
    let again = everybody(&agreement, &mut storages);
    check(&again);
    let receipts = [&first, &again].map(|results| results[&4].as_ref().unwrap().receipt.to_bytes());
    assert_eq!(receipts[0], receipts[1], "delivered again, not computed again");
}

/// A storage that cannot keep an item of this name.
struct Without<'s> {
    inner: &'s mut Memory,
    item: &'static str,
}

impl Storage for Without<'_> {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.inner.get(name)
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if name == self.item { Err(io::ErrorKind::StorageFull.into()) } else { self.inner.put(name, bytes) }
    }
}

/// All parties at once, of which one cannot keep an item.
pub(super) fn everybody_without(
    agreement: &Agreement,
    storages: &mut [Memory; 5],
    who: u16,
    item: &'static str,
) -> Results {
    thread::scope(|scope| {
        let start = |(i, inner): (usize, _)| {
            let id = PartyId(i as u16);
            let item = if id.0 == who { item } else { "" };
            let run = move || {
                let storage = &mut Without { inner, item };
                with_setup(agreement, id, rows_of(id), |setup| take_part(&setup, storage, &mut drawn()))
            };
            (id.0, scope.spawn(run))
        };
        let running: Vec<_> = storages.iter_mut().enumerate().map(start).collect();
        running.into_iter().map(|(id, thread)| (id, thread.join().unwrap())).collect()
    })
}

/// Before its first milestone an attempt is nothing; from the second on, the run is over without a result.
#[test]
fn a_crash_before_outputs_are_opened_is_followed_by_another_attempt_and_one_after_by_none() {
    for who in [0, 1] {
        for item in ["attempts", "opened", "computed"] {
            let (agreement, mut storages) = (agreed(), <[Memory; 5]>::default());
            let broken = everybody_without(&agreement, &mut storages, who, item);
            assert!(broken.values().all(Result::is_err), "{item}");
            let results = everybody(&agreement, &mut storages);
            if item == "attempts" {
                check(&results);
                continue;
            }
            for (id, result) in results {
                let why = result.err().map(|error| error.to_string()).unwrap_or_default();
                assert!(why.contains("outputs may have been opened"), "{item} at {who}: party {id}: {why}");
            }
        }
    }
}
