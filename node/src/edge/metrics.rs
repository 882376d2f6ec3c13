//! Counts for Prometheus, in its text format. No label names a peer, an address or a transaction.
//!
//! What can be read off a chain and the node's own state is asked for when the page is; what passes by is counted here.

use crate::{effect::LogEvent, rpc::StatusRecord};
use core::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// What passed by since the start.
#[derive(Debug, Default)]
pub struct Counters {
    blocks: AtomicU64,
    reorganisations: AtomicU64,
    bad_blocks: AtomicU64,
    double_seals: AtomicU64,
    dropped: AtomicU64,
    closed: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
    turned_away: AtomicU64,
}

impl Counters {
    /// Counts what a node told.
    pub fn note(&self, note: &LogEvent) {
        let counter = match note {
            LogEvent::Connected(_) => &self.blocks,
            LogEvent::Reorganised(..) => &self.reorganisations,
            LogEvent::InvalidBlock(..) => &self.bad_blocks,
            LogEvent::DoubleSeal(_) => &self.double_seals,
            LogEvent::Dropped(_) => &self.dropped,
            LogEvent::Closed(..) => &self.closed,
            // How many were whispered is nobody's business; what stopped the node is in its log.
            _ => return,
        };
        add(counter);
    }

    /// Counts a request that was understood.
    pub(crate) fn asked(&self, well: bool) {
        add(if well { &self.answered } else { &self.refused });
    }

    /// Counts one that was not even looked at.
    pub(crate) fn turned_away(&self) {
        add(&self.turned_away);
    }

    /// The page.
    pub(crate) fn page(&self, s: &StatusRecord) -> String {
        let count = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let families: [Family<'_>; 15] = [
            ("height", "gauge", "Height of the last block", &[("", s.tip.height)]),
            ("best_height", "gauge", "Height of the best block seen sealed", &[("", s.best)]),
            ("tip_time_seconds", "gauge", "Time of the last block", &[("", s.time)]),
            ("unspent_outputs", "gauge", "Unspent outputs", &[("", s.unspent)]),
            ("kernels", "gauge", "Kernels", &[("", s.kernels)]),
            (
                "pending_transactions",
                "gauge",
                "Pending transactions that everybody knows of",
                &[("", s.pending)],
            ),
            ("pending_weight", "gauge", "Their weight", &[("", s.pending_weight)]),
            (
                "connections",
                "gauge",
                "Connections, by who opened them",
                &[("{direction=\"outbound\"}", s.outbound), ("{direction=\"inbound\"}", s.inbound)],
            ),
            ("addresses", "gauge", "Addresses known", &[("", s.addresses)]),
            ("blocks_total", "counter", "Blocks connected", &[("", count(&self.blocks))]),
            (
                "reorganisations_total",
                "counter",
                "Better branches followed",
                &[("", count(&self.reorganisations))],
            ),
            (
                "alarms_total",
                "counter",
                "Sealed blocks that no operator should have sealed, by what is wrong",
                &[
                    ("{kind=\"bad_block\"}", count(&self.bad_blocks)),
                    ("{kind=\"double_seal\"}", count(&self.double_seals)),
                ],
            ),
            (
                "transactions_dropped_total",
                "counter",
                "Transactions that left the pool unsealed",
                &[("", count(&self.dropped))],
            ),
            (
                "connections_closed_total",
                "counter",
                "Connections closed for a reason",
                &[("", count(&self.closed))],
            ),
            (
                "rpc_requests_total",
                "counter",
                "Requests of programs on this machine, by what became of them",
                &[
                    ("{outcome=\"answered\"}", count(&self.answered)),
                    ("{outcome=\"refused\"}", count(&self.refused)),
                    ("{outcome=\"turned_away\"}", count(&self.turned_away)),
                ],
            ),
        ];
        let mut page = String::new();
        for (name, kind, help, samples) in families {
            // Writing to a string does not fail.
            let _ = writeln!(page, "# HELP sotto_{name} {help}.\n# TYPE sotto_{name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(page, "sotto_{name}{labels} {value}");
            }
        }
        page
    }
}

/// A name, its kind, what it counts, and its values by labels.
type Family<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, u64)]);

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
