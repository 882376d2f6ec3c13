//! Slates: the messages with which two wallets agree on one payment. Either side can begin.
//!
//! ```text
//! the payer begins                                    the receiver begins
//!   plan, confirm                                       invoice ──── Invoice ────▶ check, plan, confirm
//!   invite  ──── Invite ────▶ check, sign                check     ◀── Payment ──── pay: sign
//!   check   ◀── Response ──── respond                    collect: sign, combine
//!   finalize: sign, combine                              Transaction ──▶ chain
//!   Transaction ──▶ chain
//! ```
//!
//! The party that begins is the inviter of the signing session; the other one is the responder. Each step has
//! one file: `invite`, `respond`, `finalize`; `invoice`, `pay`, `collect`. The receiver signs a [`Receipt`].
//! The steps follow `docs/SIGNING.md`, "Slates" and "Invoices", and use its letters X, D, E, o, z, R, c, m.
//!
//! **Guaranteed.** The responder's nonces exist within one call. The inviter's nonces are destroyed before
//! anything signed leaves. Each party checks the share, the partial signature, the output, the offset and the
//! receipt of the other, and a refusal names the party at fault. The receiver signs a receipt before the
//! payer signs anything.
//!
//! **Not here.** The chain identifier travels in the envelope of a message ([`crate::armor`]); shares and
//! signatures bind it.

mod bonded;
pub(crate) mod collect;
mod error;
pub(crate) mod finalize;
pub(crate) mod funding;
pub(crate) mod invite;
pub(crate) mod invoice;
mod memo;
pub(crate) mod messages;
pub(crate) mod pay;
mod receipt;
pub(crate) mod respond;
pub(crate) mod session;

pub use bonded::BondedPart;
pub use error::SlateError;
pub use invoice::InvoiceRequest;
pub use memo::Memo;
pub use messages::{Invite, Invoice, Payment, Response};
pub(crate) use messages::{put_share, share};
pub use receipt::Receipt;
