//! Waits for a lock that another process holds: the chain's, a wallet's.
//!
//! ```text
//! try ─ locked ─▶ pause, try again … ─ after 250 ms ─▶ say so on a terminal ─ … ─ after --wait ─▶ the last error
//!    └─ done, or any other error: returned at once
//! ```
//!
//! The lock is tried again instead of waited for in the kernel, so that a wait can end. Guaranteed: one try
//! at least, and one after the whole wait. Not guaranteed: that those who wait get the lock in order.

use core::time::Duration;
use std::{
    io::{IsTerminal, Write},
    thread,
    time::Instant,
};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(25);
/// After so long the command says what it waits for.
const SILENT: Duration = Duration::from_millis(250);

/// How long to wait for a lock, and whether to say so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockWait {
    most: Duration,
    quiet: bool,
}

impl LockWait {
    /// Waits for at most `most`; says so on a terminal, unless `quiet`.
    pub(crate) const fn new(most: Duration, quiet: bool) -> Self {
        Self { most, quiet }
    }

    /// Runs `attempt` until it does anything but find `what` locked, or the time is up; returns the last
    /// outcome.
    pub(crate) fn run<T, E>(
        self,
        what: &str,
        is_locked: impl Fn(&E) -> bool,
        mut attempt: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let (since, mut silent) = (Instant::now(), self.quiet || !std::io::stderr().is_terminal());
        loop {
            let waited = since.elapsed();
            match attempt() {
                Err(e) if is_locked(&e) && waited < self.most => {
                    if waited >= SILENT && !core::mem::replace(&mut silent, true) {
                        // A closed standard error is not an error.
                        let _ = writeln!(
                            anstream::stderr(),
                            "Another process is using {what}; waiting up to {} s for it (see --wait).",
                            self.most.as_secs()
                        );
                    }
                    thread::sleep(PAUSE.min(self.most.saturating_sub(waited)));
                }
                outcome => return outcome,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(most: Duration, free_after: u32) -> (Result<u32, bool>, u32) {
        let mut tries = 0;
        let outcome = LockWait::new(most, true).run(
            "it",
            |locked| *locked,
            || {
                tries += 1;
                if tries > free_after { Ok(tries) } else { Err(true) }
            },
        );
        (outcome, tries)
    }

    #[test]
    fn a_lock_is_tried_again_until_it_is_free_or_the_time_is_up() {
        assert_eq!(run(Duration::from_secs(600), 3), (Ok(4), 4));
        assert_eq!(run(Duration::ZERO, 1), (Err(true), 1), "no wait is one try");
        let (outcome, tries) = run(2 * PAUSE, u32::MAX);
        assert!(outcome == Err(true) && tries >= 2, "{tries}");
    }

    #[test]
    fn any_other_error_is_returned_at_once() {
        let mut tries = 0;
        let outcome: Result<(), bool> = LockWait::new(Duration::from_secs(600), true).run(
            "it",
            |l| *l,
            || {
                tries += 1;
                Err(false)
            },
        );
        assert_eq!((outcome, tries), (Err(false), 1));
    }
}
