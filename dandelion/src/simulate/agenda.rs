//! What is to happen, in the order of time; at the same time, in the order in which it was decided.

use std::{collections::BTreeMap, time::Duration};

/// Events to come.
#[derive(Debug)]
pub(crate) struct Agenda<E> {
    to_come: BTreeMap<(Duration, u64), E>,
    decided: u64,
}

impl<E> Agenda<E> {
    pub(crate) fn new() -> Self {
        Self { to_come: BTreeMap::new(), decided: 0 }
    }

    pub(crate) fn add(&mut self, at: Duration, event: E) {
        self.to_come.insert((at, self.decided), event);
        self.decided += 1;
    }

    pub(crate) fn next(&mut self) -> Option<(Duration, E)> {
        self.to_come.pop_first().map(|((at, _), event)| (at, event))
    }
}
