//! Key schedules ahead of the gates that need them.
//!
//! In a chain of dependent gates an AES round waits for the one before it, and a round key on the fly for the round key
//! before it. The keys depend on gate numbers alone. So where slices are short and follow one another, the schedules of
//! [`AHEAD`] gates are made together, when nothing waits for them.

use zeroize::Zeroizing;

use super::Backend;
use super::context::{AHEAD, Schedule};
use crate::Block;
use crate::hash::HashKey;

/// A slice of fewer gates is short: longer ones have enough states in flight.
const SHORT: usize = 4;

/// The schedules of some gates to come, under one [`HashKey`].
pub(crate) struct Ahead {
    schedules: Box<Zeroizing<[Schedule; AHEAD]>>,
    /// The number of the first of them; none before one is made.
    first: Option<u64>,
    /// The number after the last short slice.
    next: Option<u64>,
}

impl Default for Ahead {
    fn default() -> Self {
        Self { schedules: Box::new(Zeroizing::new([[[Block::ZERO; 2]; 11]; AHEAD])), first: None, next: None }
    }
}

impl Ahead {
    /// The schedules of `n` gates from number `first` on; `None` where they are better made on the fly. Always under the
    /// same key.
    pub(super) fn of(
        &mut self,
        backend: Backend,
        key: &HashKey,
        first: u64,
        n: usize,
    ) -> Option<&[Schedule]> {
        let scheduled = backend.0.scheduled.as_ref().filter(|_| n < SHORT)?;
        let follows = self.next.replace(first.wrapping_add(n as u64)) == Some(first);
        let is_there = |made: u64| first.wrapping_sub(made) <= (AHEAD - n) as u64;
        if !self.first.is_some_and(is_there) {
            if !follows {
                return None;
            }
            (scheduled.schedule)(key, first, &mut self.schedules);
            self.first = Some(first);
        }
        let at = first.wrapping_sub(self.first?) as usize;
        self.schedules.get(at..at + n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Schedules are made at the second short slice of a run, serve gates once each, and are not used for others.
    #[test]
    fn schedules_are_those_of_the_gates() {
        let key = HashKey::new(Block::new(7));
        for backend in Backend::available().skip(1) {
            let mut ahead = Ahead::default();
            let mut expected = [[[Block::ZERO; 2]; 11]; AHEAD];
            let scheduled = backend.0.scheduled.as_ref().unwrap();
            for (first, n, made) in [
                (0, 1, None),
                (1, 1, Some(1)),
                (2, 3, Some(1)),
                (5, 4, None),
                (9, 1, None),
                (10, 2, Some(10)),
                (12, 3, Some(10)),
                (15, 3, Some(10)),
                (18, 2, Some(18)),
                (1, 1, None),
                (u64::MAX, 1, None),
                (0, 1, Some(0)),
            ] {
                let found = ahead.of(backend, &key, first, n).map(<[_]>::to_vec);
                let wanted = made.map(|made: u64| {
                    (scheduled.schedule)(&key, made, &mut expected);
                    expected[(first - made) as usize..][..n].to_vec()
                });
                assert_eq!(found, wanted, "{backend:?}: {n} from {first}");
            }
        }
    }
}
