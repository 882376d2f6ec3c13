//! How a sale is settled after the run: who says what to whom, and when a secret leaves.
//!
//! ```text
//! buyer     the run is over              ── ask (T, H_c) ──▶  every payee  ── its claim ──▶  buyer
//! buyer     all payees have answered      ── claims (features, E, R, T, ŝ of each) ──▶  every payee
//! payee     they hold, and it is in time  ── go ──▶  both compute parties
//! computer  every payee's go, all alike   ── t_c, encrypted ──▶  every payee
//! payee     both t_c hold                 ── t_c, encrypted ──▶  every other payee;  its own claim ──▶  the ledger
//! buyer     one claim is in a block       t, and with it the outputs
//! ```
//!
//! These are letters and decisions alone. What a claim is, whether it holds and how it is published is the ledger's, of
//! which this crate knows nothing: a claim is bytes here, and the caller says what they are worth
//! ([`payee::Judgement`]). Each machine takes an event and gives effects; the same event gives the same effects again, so a
//! party that lost its memory goes on where the letters are.
//!
//! **Guaranteed.** A compute party gives its secret out only after every payee of the job signed the same claims; a payee
//! signs claims of which its own is one and which all open with the run's lock. A compute party gives it to all payees at
//! once. **Not guaranteed.** That it does: one that gives it to one payee alone, and that payee, can keep the others from
//! claiming in time.

mod ask;
pub mod buyer;
pub mod computer;
mod letters;
pub mod payee;
mod sold;

pub use ask::{Ask, Wanted};
pub use letters::{ClaimSet, EncryptedSecret, Go, Part, PayeeClaim};
pub use sold::{SaleError, Sold};
