//! The node's log, as structured records.
//!
//! Guaranteed: a record never contains a secret. Peers are numbers; their addresses are logged under the
//! separate target [`ADDRESSES`], which is off by default. Transactions are not identified, because the times
//! at which a node received them are what Dandelion++ hides.

use crate::{
    consensus::Note,
    council::CouncilNote,
    effect::LogEvent,
    ledger::LedgerError,
    peer::{CloseReason, DialFailure, PeerId},
};
use sotto_mw::codec::Encode;
use tracing::{debug, error, info, warn};

/// The target of records with addresses.
pub const ADDRESSES: &str = "sotto_node::addresses";

/// Writes an event to the log.
pub(crate) fn record(event: &LogEvent) {
    match event {
        LogEvent::Connected(block) => {
            info!(height = block.height.get(), hash = %block.hash, "block connected");
        }
        LogEvent::Fetched(block) => {
            debug!(height = block.height.get(), hash = %block.hash, "block fetched and connected");
        }
        LogEvent::Progress { at, best, parts: None } => {
            info!(height = at.get(), best = best.get(), "fetching blocks");
        }
        LogEvent::Progress { at, best, parts: Some((here, all)) } => {
            info!(height = at.get(), best = best.get(), here, all, "fetching a snapshot");
        }
        LogEvent::NoBodies(block) => warn!(
            height = block.height.get(),
            "no connected peer has this block any more, and there is no snapshot in its place: connect to another node, or allow snapshots"
        ),
        LogEvent::DialFailed(failed) => dial_failed(failed),
        LogEvent::LocalTxsDamaged(read) => error!(
            read,
            "the file of submitted transactions is damaged, and some may be lost; it is kept as local_txs.damaged"
        ),
        LogEvent::Reorganised(block, undone) => {
            warn!(height = block.height.get(), hash = %block.hash, undone, "reorganised to a better branch");
        }
        LogEvent::SnapshotInstalled(block) => {
            info!(height = block.height.get(), hash = %block.hash, "started from the state after this block");
        }
        LogEvent::InvalidSnapshot(block, why) => {
            error!(height = block.height.get(), hash = %block.hash, %why, "the snapshot of a sealed block breaks a rule");
        }
        LogEvent::SnapshotNotSaved(why) => warn!(%why, "cannot save a snapshot for others"),
        LogEvent::InvalidBlock(block, why) => {
            error!(height = block.height.get(), hash = %block.hash, rule = why.rule(), "a sealed block breaks a rule");
        }
        LogEvent::BranchRejected(why) => warn!(%why, "rejected a branch"),
        LogEvent::Consensus(note) => consensus(*note),
        LogEvent::Council(note) => council(note),
        LogEvent::OtherCheckpoint(block) => error!(
            height = block.height.get(), hash = %block.hash,
            "a peer's chain has another block at the height of a checkpoint, and is not followed"
        ),
        LogEvent::EvidenceDamaged => {
            error!("the file of evidence against validators is damaged; it is kept as equivocations.damaged")
        }
        LogEvent::RequestsDamaged | LogEvent::RequestOpened { .. } => requests(event),
        LogEvent::Dropped(why) => info!(rule = why.rule(), "a transaction was dropped from the mempool"),
        LogEvent::NotFluffed(why) => {
            info!(why = why.kind(), "a stemmed transaction could not be fluffed")
        }
        LogEvent::Closed(peer, why) => closed(*peer, *why),
        LogEvent::MempoolNotSaved(why) => warn!(%why, "cannot save the mempool"),
        LogEvent::DoubleSeal(_) | LogEvent::Equivocation(_) | LogEvent::Failed(_) => alarm(event),
    }
}

/// What became of requests that auditors handed out.
fn requests(event: &LogEvent) {
    match event {
        LogEvent::RequestsDamaged => {
            error!(
                "the file of auditors' requests is damaged; it is kept as requests.damaged, and peers are asked for them"
            )
        }
        LogEvent::RequestOpened { height, outputs } => {
            info!(
                height = height.get(),
                outputs, "auditors handed out a request, on record since this height"
            )
        }
        _ => {}
    }
}

/// Who broke the protocol, and why the node stops.
fn alarm(event: &LogEvent) {
    match event {
        LogEvent::DoubleSeal(twice) => {
            let [first, second] = [&twice.first.header, &twice.second.header];
            error!(
                height = first.height.get(), first = %first.hash(), second = %second.hash(),
                "ALARM: a height was sealed twice"
            );
        }
        LogEvent::Equivocation(evidence) => error!(
            culprit = ?evidence.culprit(), evidence = %hex(&evidence.to_bytes()),
            "ALARM: a validator signed two things at one position"
        ),
        LogEvent::Failed(LedgerError::Halt(halt)) => error!(
            height = halt.double.height.get(), evidence = %hex(&halt.double.to_bytes()), "ALARM: {halt}; this node stops"
        ),
        LogEvent::Failed(why) => error!(%why, "the store failed"),
        _ => {}
    }
}

fn consensus(note: Note) {
    match note {
        Note::Voting(height) => debug!(height = height.get(), "voting"),
        Note::Replayed(height) => info!(height = height.get(), "went on from the log of this height"),
        Note::Following(height, why) => {
            warn!(height = height.get(), ?why, "following this height without voting");
        }
    }
}

fn council(note: &CouncilNote) {
    match note {
        CouncilNote::LeftOut { member, fault } => error!(
            member = member.get(), %fault,
            "a member of the group is at fault; it is left out until this node is started again"
        ),
        CouncilNote::Failed(fault) => warn!(%fault, "a block was not sealed"),
        CouncilNote::BrokenRule { member, rule } => {
            error!(member = member.get(), rule, "a member asked for the seal of a block that breaks a rule");
        }
        CouncilNote::FromTheFuture { member } => {
            error!(member = member.get(), "a member asked for the seal of a block from the future");
        }
        CouncilNote::Silent(members) => warn!(?members, "members agreed to seal a block and went silent"),
        CouncilNote::TooFew => error!("too few members are left to seal a block"),
        CouncilNote::NotBound(why) => error!(why, "this member's share was not used"),
        CouncilNote::Waits(why) => warn!(why, "this member's share is not used yet"),
        CouncilNote::NotVoted { by, why } => {
            warn!(member = by.get(), %why, "this member's share does not support what a member asked for");
        }
        CouncilNote::OtherSpeaker => warn!("another member speaks for the validator"),
    }
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A failure to connect: shown by default if the settings name the address.
fn dial_failed(f: &DialFailure) {
    let (why, retry_seconds) = (f.why.name(), f.next.as_millis().div_ceil(1_000));
    match f.configured {
        Some(number) => warn!(number, why, retry_seconds, "cannot connect to a node that the settings name"),
        None => debug!(why, retry_seconds, "cannot connect to a node"),
    }
    debug!(target: ADDRESSES, address = %f.address.at, why, "cannot connect to a node");
}

fn closed(peer: PeerId, why: CloseReason) {
    match why {
        CloseReason::Relayed => debug!(peer = peer.0, "closed a peer that relayed an invalid transaction"),
        CloseReason::Banned(offence) => warn!(peer = peer.0, ?offence, "banned a peer"),
        why => debug!(peer = peer.0, ?why, "closed a connection"),
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

    /// The text of all records.
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

    /// For a payment that the mempool refuses, the record has the reason and nothing that identifies the
    /// payment.
    #[test]
    fn no_transaction_is_identified() {
        let (pending, output) = (Hash::from_bytes([0xab; 32]), sotto_mw::group::PointBytes([0xab; 32]));
        let clashes = [
            Conflict::Known(pending),
            Conflict::Spent { output, pending },
            Conflict::Created { output, pending },
            Conflict::Excess { excess: output, pending },
        ];
        for why in clashes {
            let records = Records::default();
            with_default(records.clone(), || record(&LogEvent::NotFluffed(why)));
            let text = records.0.lock().unwrap().clone();
            assert!(text.contains("could not be fluffed") && !text.contains("abab"), "{text}");
        }
    }
}
