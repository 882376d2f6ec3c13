//! Scheduled events, in the order of time; events of the same time come in the order in which they were
//! scheduled.

use std::{collections::BTreeMap, time::Duration};

/// A queue of events by time.
#[derive(Debug)]
pub(crate) struct EventQueue<E> {
    scheduled: BTreeMap<(Duration, u64), E>,
    count: u64,
}

impl<E> EventQueue<E> {
    pub(crate) fn new() -> Self {
        Self { scheduled: BTreeMap::new(), count: 0 }
    }

    pub(crate) fn add(&mut self, at: Duration, event: E) {
        self.scheduled.insert((at, self.count), event);
        self.count += 1;
    }

    pub(crate) fn next(&mut self) -> Option<(Duration, E)> {
        self.scheduled.pop_first().map(|((at, _), event)| (at, event))
    }
}
