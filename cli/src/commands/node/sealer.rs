//! The solo operator's hand: every so often a block, whose reward a wallet's key takes.
//!
//! ```text
//! wait ─▶ draft, which the node refuses while it is behind ─▶ reward ─▶ seal
//! ```
//!
//! What counts as behind is the node's to say, and only sealed headers do: what peers merely claim would stop the chain.
//! The node holds the operator's key and no wallet; this holds a wallet's account key and no ledger. A round is passed over
//! when the time of day has jumped against the steady clock, since a block's time is never below its parent's: one block from the future
//! would date all that follow.

use crate::bridge::now;
use core::time::Duration;
use rand_core::OsRng;
use sotto_node::{
    edge::asker::{Asker, Stopped},
    effect::{Answer, Refusal},
    event::Question,
};
use sotto_wallet::coinbase::Rewards;
use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Instant,
};
use tracing::{debug, info, warn};

/// The time of day may drift so far from the steady clock in a round.
const DRIFT: u64 = 60;

/// Seals until `stop` is gone, or the node is.
pub(super) fn seal(asker: &Asker, rewards: &Rewards, every: Duration, stop: &Receiver<()>) {
    let mut watch = Watch::start();
    while stop.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        if let Some(seconds) = watch.jumped() {
            warn!(seconds, "the time of day jumped: no block this time");
            continue;
        }
        match round(asker, rewards) {
            Ok(()) => {}
            Err(Stopped) => return,
        }
    }
}

/// One block, unless something is in the way.
fn round(asker: &Asker, rewards: &Rewards) -> Result<(), Stopped> {
    let (height, due) = match asker.ask(Question::Draft)? {
        Answer::Draft { height, due, .. } => (height, due),
        Answer::Refused(Refusal::Behind(best)) => {
            // To seal a height that is sealed already would be held against the operator for ever.
            info!(best = best.get(), "others are ahead: no block this time");
            return Ok(());
        }
        Answer::Refused(why) => {
            warn!(%why, "no block can be drafted");
            return Ok(());
        }
        _ => return Ok(()),
    };
    let reward = match rewards.of((height, due), &mut OsRng) {
        Ok(reward) => Box::new(reward),
        Err(why) => {
            warn!(%why, "no reward can be made");
            return Ok(());
        }
    };
    match asker.ask(Question::Seal { reward, time: now() })? {
        // What came in between was drafted by nobody: the next round takes it.
        Answer::Refused(why) => warn!(%why, "the block was not sealed"),
        _ => debug!(height = height.get(), "block sealed"),
    }
    Ok(())
}

/// Holds the time of day against the steady clock.
struct Watch {
    steady: Instant,
    day: u64,
}

impl Watch {
    fn start() -> Self {
        Self { steady: Instant::now(), day: now() }
    }

    /// By how much the time of day jumped since this was asked last, if it did.
    fn jumped(&mut self) -> Option<i64> {
        let before = core::mem::replace(self, Self::start());
        let expected = before.day.saturating_add((self.steady - before.steady).as_secs());
        (self.day.abs_diff(expected) > DRIFT).then(|| self.day.wrapping_sub(expected).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_seen_once_and_drift_is_none() {
        let mut watch = Watch::start();
        assert_eq!(watch.jumped(), None);
        watch.day -= 7_200;
        assert!(watch.jumped().is_some_and(|s| (7_199..=7_210).contains(&s)), "set forward by two hours");
        assert_eq!(watch.jumped(), None);
        watch.day += 600;
        assert!(watch.jumped().is_some_and(|s| (-601..-580).contains(&s)), "set back by ten minutes");
        watch.day -= 30;
        assert_eq!(watch.jumped(), None);
    }
}
