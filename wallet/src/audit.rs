//! Reading amounts on a chain with auditors, under its charter (`docs/AUDIT.md`).
//!
//! ```text
//! requester  ReadRequest ─▶ RequestLetter ─▶ authorities sign ─▶ a notice puts its hash on record
//! member     RequestFacts::admit ─▶ Admitted::answer ─▶ the log, durably ─▶ AuditAnswer, encrypted to the reader
//! reader     RequestFacts::read: t answers ─▶ amounts
//! reader     RequestFacts::record: whose answers it opened ─▶ RequestLetter ─▶ a second notice puts that on record
//! observer   RequestFacts::is_open, once the charter's delay is over
//! ```
//!
//! Charters and requests are values of `sotto_audit`, since nodes judge them too.
//!
//! Guaranteed: fewer than t members read nothing; a member with this code answers a request once, only as its chain's charter
//! allows, and logs the answer first. Not guaranteed: anything about t members that use other code, whose reading the chain
//! does not show.

mod answer;
mod log;

pub use answer::{Admitted, Answered, AuditAnswer, AuditError, Opened, ReadAmount, RequestFacts};
pub use log::{AuditLog, LogEntry, MAX_LOG, Unlogged};
