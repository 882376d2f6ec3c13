//! What a node tells who watches over it, as structured records.
//!
//! No secret is ever in a record. Peers are numbers; their addresses are told under a target of their own,
//! [`ADDRESSES`], which the program leaves out unless asked. Transactions are not named: which ones a node saw when is what the
//! relay hides.

use crate::{
    effect::LogEvent,
    peer::{CloseReason, PeerId},
};
use tracing::{debug, error, info, warn};

/// The target of records that hold addresses.
pub const ADDRESSES: &str = "sotto_node::addresses";

/// Records a note.
pub(crate) fn note(note: &LogEvent) {
    match note {
        LogEvent::Connected(block) => {
            info!(height = block.height.get(), hash = %block.hash, "block connected");
        }
        LogEvent::Reorganised(block, undone) => {
            warn!(height = block.height.get(), hash = %block.hash, undone, "a better branch was followed");
        }
        LogEvent::SnapshotInstalled(block) => {
            info!(height = block.height.get(), hash = %block.hash, "begun with the state after this block");
        }
        LogEvent::InvalidSnapshot(block, why) => {
            error!(height = block.height.get(), hash = %block.hash, %why, "the state of a sealed block breaks a rule");
        }
        LogEvent::SnapshotNotSaved(why) => warn!(%why, "a snapshot for others could not be kept"),
        LogEvent::InvalidBlock(block, why) => {
            error!(height = block.height.get(), hash = %block.hash, rule = why.rule(), "a sealed block breaks a rule");
        }
        LogEvent::BranchRejected(why) => warn!(%why, "a branch is not followed"),
        LogEvent::DoubleSeal(twice) => {
            let [first, second] = [&twice.first.header, &twice.second.header];
            error!(
                height = first.height.get(), first = %first.hash(), second = %second.hash(),
                "ALARM: a height was sealed twice"
            );
        }
        LogEvent::Dropped(why) => info!(rule = why.rule(), "a transaction left the pool"),
        LogEvent::NotFluffed(why) => {
            info!(why = why.kind(), "a whispered transaction could not be told to all")
        }
        LogEvent::Closed(peer, why) => closed(*peer, *why),
        LogEvent::MempoolNotSaved(why) => warn!(%why, "the pending transactions could not be written down"),
        LogEvent::Failed(why) => error!(%why, "the store failed"),
    }
}

fn closed(peer: PeerId, why: CloseReason) {
    match why {
        CloseReason::Banned(offence) => warn!(peer = peer.0, ?offence, "a peer was banned"),
        why => debug!(peer = peer.0, ?why, "a peer was closed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::mempool::conflict::Conflict;
    use sotto_mw::hash::Hash;
    use std::{
        fmt::Debug,
        sync::{Arc, Mutex},
    };
    use tracing::{
        Event, Metadata, Subscriber,
        field::{Field, Visit},
        span::{Attributes, Id, Record},
        subscriber::with_default,
    };

    /// All that was recorded, as text.
    #[derive(Clone, Default)]
    struct Records(Arc<Mutex<String>>);

    impl Visit for Records {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.lock().unwrap().push_str(&format!("{}={value:?} ", field.name()));
        }
    }

    impl Subscriber for Records {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            event.record(&mut self.clone());
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    /// Of a payment that found no place in the pool it is said why, and nothing by which it could be found.
    #[test]
    fn no_transaction_is_named() {
        let (pending, output) = (Hash::from_bytes([0xab; 32]), sotto_mw::group::PointBytes([0xab; 32]));
        let clashes = [
            Conflict::Known(pending),
            Conflict::Spent { output, pending },
            Conflict::Created { output, pending },
            Conflict::Excess { excess: output, pending },
        ];
        for why in clashes {
            let records = Records::default();
            with_default(records.clone(), || note(&LogEvent::NotFluffed(why)));
            let text = records.0.lock().unwrap().clone();
            assert!(text.contains("could not be told") && !text.contains("abab"), "{text}");
        }
    }
}
