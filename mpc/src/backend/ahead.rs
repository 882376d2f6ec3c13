//! Key schedules ahead of the gates that need them.
//!
//! In a chain of dependent gates an AES round waits for the one before it, and a round key on the fly for the round key
//! before it. The keys depend on gate numbers alone. So where slices are short and follow one another, the schedules of
//! [`AHEAD`] gates are made together, when nothing waits for them.

use zeroize::Zeroizing;

use super::context::{AHEAD, Schedule, Scheduled};
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
    /// The schedules of `n` gates from number `first` on; `None` where they are better made on the fly. Always with the
    /// same kernels and key.
    pub(super) fn of(
        &mut self,
        kernels: &Scheduled,
        key: &HashKey,
        first: u64,
        n: usize,
    ) -> Option<&[Schedule]> {
        if n >= SHORT {
            return None;
        }
        let follows = self.next.replace(first.wrapping_add(n as u64)) == Some(first);
        let is_there = |made: u64| first.wrapping_sub(made) <= (AHEAD - n) as u64;
        if !self.first.is_some_and(is_there) {
            if !follows {
                return None;
            }
            (kernels.schedule)(key, first, &mut self.schedules);
            self.first = Some(first);
        }
        let at = first.wrapping_sub(self.first?) as usize;
        self.schedules.get(at..at + n)
    }
}
