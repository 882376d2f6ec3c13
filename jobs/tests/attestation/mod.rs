//! Jobs that ask for evidence: exchanges on channels, platforms, enrolments, whole runs and receipts.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../tee/tests/support/mod.rs"]
mod attested;
mod computers;
mod hardware;
mod kit;
mod receipts;
mod runs;
mod session;
mod vectors;
