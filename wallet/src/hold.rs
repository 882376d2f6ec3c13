//! Holds: money that two parties hold together until it is claimed, undone or refunded.
//!
//! ```text
//! payer                                                seller
//!  offer (terms, X_p, shares)        ────────────────▶  check, sign refunds and funding
//!  check, sign the ladder            ◀──────────────── join  (X_s, T1s, T2s, shares, o_s, z_s)
//!  prove (A, S, T₁, T₂)              ────────────────▶  replay, answer once
//!  check, finish, publish funding    ◀──────────────── part  (u)
//!                       … the funding is buried …
//!  check, sign once                  ◀──────────────── answer (claim or undo: share, output, o_s, z_s, receipt)
//!  release (z_p, o_p)                ────────────────▶  combine, publish the claim
//!
//! payer   Proposed ─▶ Proven ─▶ Funded ─▶ Released             then, by the chain alone,
//! seller  Joined ─▶ Parted ─▶ Answered ─▶ Released             claimed | undone | refunded (rung)
//! ```
//!
//! The output of a hold has a blinding factor r_p + r_s, so only both spend it. Before the payer funds it, both
//! have signed a **ladder**: n refunds to the payer with windows one after another, because every kernel expires.
//! A claim ends before the ladder begins. `schedule` has the heights, `letters` the six messages, `payer` and
//! `seller` the checks and signatures of either side, `start_fee` what the seller gets with the funding;
//! `docs/SIGNING.md`, "Holds", the formulas.
//!
//! **Guaranteed.** All refunds are verified against the consensus rules before the funding leaves. Every
//! session has an id of its own, derived from the hold and its purpose. Each party signs once: the payer's
//! nonces are encrypted to its installation, and the register closes the hold before u, and a claim before z_p
//! leaves. **Not guaranteed.** That the other party goes on: before the funding that costs nothing, later the
//! time until the ladder. Not reviewed outside the project.

mod error;
mod letters;
pub(crate) mod locked;
pub(crate) mod payer;
mod readiness;
pub(crate) mod refund;
mod schedule;
pub(crate) mod seller;
pub(crate) mod start_fee;

pub use error::HoldError;
pub use letters::{Answer, Join, Offer, Part, Prove, Purpose, Release, Settlement, SignedShare, StartFee};
pub use locked::LockedClaim;
pub use readiness::Promised;
pub use schedule::{ClaimLock, HoldPrice, HoldTerms, Schedule};
