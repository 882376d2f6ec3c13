//! A wallet that a group owns: n members, any t of whom receive and pay together, and none alone.
//!
//! ```text
//! output k   C = v·H + r0·G + X_k        X_k a key of the group's pool, whose secret nobody has
//!            r0 = D("sotto/group/blinding/v1", view secret ‖ X_k ‖ v)      every member computes it
//! receive    respond to an invite        X = X_j, another key of the pool, D = ΣDᵢ, E = ΣEᵢ
//! pay        answer an invoice           the same, with inputs and change
//! o          = r0 + x_k − x_j, or r0_c + x_c − Σ (r0 + x)_in − x_j: opened as shares λᵢ·(…)ᵢ
//! ```
//!
//! **To the other side the group is one wallet.** Its slates have the bytes of any wallet's, and whoever reads the chain
//! sees an ordinary output. Inside, the members exchange the letters of [`sotto_keys::pool`]; each computes
//! everything itself from the request and the masks, so none has to believe another what it signs.
//!
//! **Each output and each kernel has a key of its own.** With one key in all outputs it would cancel, and a
//! member without it would steal (`tests/group_wallet/theft.rs`). A key also belongs to one set of t members, who answer for
//! it once (`docs/adr/0024-coins-of-a-group.md`).
//!
//! The group is always the responder of a slate, because then nothing secret waits between two letters of the other side:
//! it answers invites, and invoices that name no payer. It does not invite, and does not pay one-sidedly. Not reviewed
//! outside the project.

mod asked;
mod book;
mod error;
mod keys;
mod paying;
mod receiving;
mod record;
mod request;
mod session;
mod signing;
mod state;
mod wallet;

pub use asked::GroupAsked;
pub use book::{CoinState, GroupBook, GroupEntry};
pub use error::GroupError;
pub use keys::{GroupCoin, GroupKeys};
pub use record::{GroupRecord, GroupStage};
pub use request::GroupRequest;
pub use session::GroupAnswer;
pub(crate) use state::GroupState;
pub use state::Past;
pub use wallet::GroupWallet;
