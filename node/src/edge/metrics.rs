//! Metrics for Prometheus, in its text format. No label identifies a peer, an address or a transaction.
//!
//! Gauges are read from the node's status for each page; events are counted here.

use crate::{consensus::Note, effect::LogEvent, ledger::LedgerError, rpc::StatusRecord};
use core::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of events since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    blocks: AtomicU64,
    reorganisations: AtomicU64,
    bad_blocks: AtomicU64,
    double_seals: AtomicU64,
    dropped: AtomicU64,
    closed: AtomicU64,
    equivocations: AtomicU64,
    followed: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
    rejected: AtomicU64,
}

impl Counters {
    /// Counts an event.
    pub(crate) fn count(&self, event: &LogEvent) {
        let counter = match event {
            LogEvent::Connected(_) | LogEvent::Fetched(_) => &self.blocks,
            LogEvent::Reorganised(..) => &self.reorganisations,
            LogEvent::InvalidBlock(..) => &self.bad_blocks,
            LogEvent::DoubleSeal(_) => &self.double_seals,
            LogEvent::Equivocation(_) | LogEvent::Failed(LedgerError::Halt(_)) => &self.equivocations,
            LogEvent::Consensus(Note::Following(..)) => &self.followed,
            LogEvent::Dropped(_) => &self.dropped,
            LogEvent::Closed(..) => &self.closed,
            // A count of stems would reveal whether the node sends payments; failures are in the log.
            _ => return,
        };
        add(counter);
    }

    /// Counts a well-formed request by whether it succeeded.
    pub(crate) fn request(&self, succeeded: bool) {
        add(if succeeded { &self.answered } else { &self.refused });
    }

    /// Counts a request that was rejected before it was read.
    pub(crate) fn rejected(&self) {
        add(&self.rejected);
    }

    /// The metrics page.
    pub(crate) fn page(&self, status: &StatusRecord) -> String {
        let mut page = String::new();
        for family in gauges(status).iter().chain(&self.counters()) {
            family.write(&mut page);
        }
        page
    }

    fn counters(&self) -> [Family; 7] {
        let count = |c: &AtomicU64| c.load(Ordering::Relaxed);
        [
            counter("blocks_total", "Blocks connected", vec![("", count(&self.blocks))]),
            counter("reorganisations_total", "Reorganisations", vec![("", count(&self.reorganisations))]),
            counter(
                "alarms_total",
                "Sealed blocks that break a rule, heights sealed twice, and validators that signed two things",
                vec![
                    ("{kind=\"bad_block\"}", count(&self.bad_blocks)),
                    ("{kind=\"double_seal\"}", count(&self.double_seals)),
                    ("{kind=\"equivocation\"}", count(&self.equivocations)),
                ],
            ),
            counter(
                "heights_followed_total",
                "Heights at which this validator did not vote",
                vec![("", count(&self.followed))],
            ),
            counter(
                "transactions_dropped_total",
                "Transactions that left the mempool without a block",
                vec![("", count(&self.dropped))],
            ),
            counter(
                "connections_closed_total",
                "Connections that the node closed",
                vec![("", count(&self.closed))],
            ),
            counter(
                "rpc_requests_total",
                "RPC requests by outcome",
                vec![
                    ("{outcome=\"answered\"}", count(&self.answered)),
                    ("{outcome=\"refused\"}", count(&self.refused)),
                    ("{outcome=\"rejected\"}", count(&self.rejected)),
                ],
            ),
        ]
    }
}

/// The families that are read from the node's status.
fn gauges(s: &StatusRecord) -> [Family; 12] {
    let validator = s.validator.as_ref();
    let round = validator.and_then(|v| v.round).unwrap_or_default();
    let missing = validator.map_or(0, |v| v.missing.len() as u64);
    let votes = validator.is_some_and(|v| matches!(v.state.as_str(), "waiting" | "voting" | "committing"));
    [
        gauge("height", "Height of the last block", vec![("", s.tip.height)]),
        gauge("best_height", "Height of the best sealed block known", vec![("", s.best)]),
        gauge("tip_time_seconds", "Time of the last block", vec![("", s.time)]),
        gauge("unspent_outputs", "Unspent outputs", vec![("", s.unspent)]),
        gauge("kernels", "Kernels", vec![("", s.kernels)]),
        gauge("pending_transactions", "Transactions in the mempool", vec![("", s.pending)]),
        gauge("pending_weight", "Weight of the mempool", vec![("", s.pending_weight)]),
        gauge(
            "connections",
            "Connections by direction",
            vec![("{direction=\"outbound\"}", s.outbound), ("{direction=\"inbound\"}", s.inbound)],
        ),
        gauge("addresses", "Addresses in the address book", vec![("", s.addresses)]),
        gauge("validator_votes", "Whether this node's validator votes", vec![("", votes.into())]),
        gauge("consensus_round", "The round in which it votes", vec![("", round)]),
        gauge("validators_missing", "Validators that it has no connection with", vec![("", missing)]),
    ]
}

/// A metric family: its name, kind and help text, and its values by label.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: Vec<(&'static str, u64)>,
}

const fn gauge(name: &'static str, help: &'static str, samples: Vec<(&'static str, u64)>) -> Family {
    Family { name, kind: "gauge", help, samples }
}

const fn counter(name: &'static str, help: &'static str, samples: Vec<(&'static str, u64)>) -> Family {
    Family { name, kind: "counter", help, samples }
}

impl Family {
    fn write(&self, page: &mut String) {
        let Self { name, kind, help, samples } = self;
        // Writing to a string does not fail.
        let _ = writeln!(page, "# HELP sotto_{name} {help}.\n# TYPE sotto_{name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(page, "sotto_{name}{labels} {value}");
        }
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
