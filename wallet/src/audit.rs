//! Reading amounts on a chain with auditors, under its charter (`docs/AUDIT.md`).
//!
//! ```text
//! requester  ReadRequest ─▶ RequestLetter ─▶ authorities sign ─▶ a notice puts its hash on record
//! member     RequestFacts::admit ─▶ Admitted::answer ─▶ the log, durably ─▶ AuditAnswer, encrypted to the reader
//! reader     RequestFacts::read: t answers ─▶ amounts
//! observer   RequestFacts::is_open, once the charter's delay is over
//! ```
//!
//! Guaranteed: fewer than t members read nothing; a member with this code answers a request once, only as its chain's charter
//! allows, and logs the answer first. Not guaranteed: anything about t members that use other code, whose reading the chain
//! does not show.

mod answer;
mod charter;
mod log;
mod request;

pub use answer::{Admitted, Answered, AuditAnswer, AuditError, Opened, ReadAmount, RequestFacts};
pub use charter::{Charter, CharterError, CharterTerms, MAX_CHARTER, MAX_OUTPUTS};
pub use log::{AuditLog, LogEntry, MAX_LOG};
pub use request::{MAX_REASON, Matter, OutputPlace, ReadRequest, RequestError, RequestLetter, case_name};
