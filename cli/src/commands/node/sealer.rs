//! Seals a block at regular intervals for the solo operator; the reward goes to a wallet's account.
//!
//! ```text
//! wait ─▶ draft (the node refuses while it is behind) ─▶ reward ─▶ seal
//! ```
//!
//! The node decides whether it is behind, and trusts only sealed headers: otherwise the claims of peers could
//! stop the chain. The node holds the operator's key and no wallet; this thread holds a wallet's account key
//! and no ledger. It skips a round if the time of day has jumped relative to the steady clock: a block's time
//! is never below its parent's, so one block from the future would give all later blocks a wrong time.

use crate::bridge::now;
use core::time::Duration;
use rand_core::OsRng;
use sotto_node::{
    edge::node_handle::{NodeHandle, Stopped},
    effect::{Refusal, Response},
    event::Request,
};
use sotto_wallet::coinbase::CoinbaseBuilder;
use std::{
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Instant,
};
use tracing::{debug, info, warn};

/// How far the time of day can drift from the steady clock in one round, in seconds.
const DRIFT: u64 = 60;

/// Seals until the sender of `stop` is dropped or the node has stopped.
pub(crate) fn seal(handle: &NodeHandle, rewards: &CoinbaseBuilder, every: Duration, stop: &Receiver<()>) {
    let mut watch = Watch::start();
    while stop.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        if let Some(seconds) = watch.jumped() {
            warn!(seconds, "the time of day jumped; skipping this block");
            continue;
        }
        match round(handle, rewards) {
            Ok(()) => {}
            Err(Stopped) => return,
        }
    }
}

/// Seals one block, if the node allows it.
fn round(handle: &NodeHandle, rewards: &CoinbaseBuilder) -> Result<(), Stopped> {
    let (height, due) = match handle.ask(Request::Draft)? {
        Response::Draft { height, due, .. } => (height, due),
        Response::Refused(Refusal::Behind(best)) => {
            // Sealing a height twice would be lasting evidence against the operator.
            info!(best = best.get(), "the node is behind; skipping this block");
            return Ok(());
        }
        Response::Refused(Refusal::NotOurTurn) => return Ok(()),
        Response::Refused(why) => {
            warn!(%why, "cannot draft a block");
            return Ok(());
        }
        _ => return Ok(()),
    };
    let reward = match rewards.build(height, due, &mut OsRng) {
        Ok(reward) => Box::new(reward.into()),
        Err(why) => {
            warn!(%why, "cannot create the reward");
            return Ok(());
        }
    };
    match handle.ask(Request::Seal { reward, time: now() })? {
        Response::Refused(Refusal::TooEarly(why)) => info!(%why, "skipping this block"),
        // The draft is out of date if something arrived in between; the next round makes a new one.
        Response::Refused(why) => warn!(%why, "the block was not sealed"),
        Response::Done => debug!(height = height.get(), "block proposed to the group"),
        _ => debug!(height = height.get(), "block sealed"),
    }
    Ok(())
}

/// Compares the time of day with the steady clock.
struct Watch {
    steady: Instant,
    day: u64,
}

impl Watch {
    fn start() -> Self {
        Self { steady: Instant::now(), day: now() }
    }

    /// The jump of the time of day since the last call, in seconds, if there was one.
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
