//! Keys: everything a wallet signs, scans and receives with, derived from 24 seed words.
//!
//! ```text
//! words ──BIP-39──▶ seed ─▶ root ─▶ account key ─┬▶ blinding key   r = H(blinding key, purpose, index, amount)
//!                                                ├▶ rewind(purpose)  reveals amounts; a view key contains it
//!                                                ├▶ tau(purpose)     hides r from the rewind key
//!                                                ├▶ a, b             of the payment address (`payment_keys`)
//!                                                ├▶ sign, encrypt    of the interactive address
//!                                                └▶ what one-sided outputs need (`one_sided`)
//! ```
//!
//! Every arrow is `SHA-512(SHA-512(tag) ‖ SHA-512(tag) ‖ parts)` (BIP-340's tagged hash over SHA-512) with a
//! label of `crate::tag`, cut to 32 bytes for a key or reduced to a scalar. No arrow can be inverted, and
//! none can be extended to derive another. An index is twelve random bytes, so copies of a wallet do not
//! collide. The amount enters `r`, so two amounts never share a blinding factor. Coinbase outputs count as
//! received.
//!
//! Secrets are wiped when dropped and never printed. The working memory of the hash function is not wiped.

mod account;
mod account_number;
mod address;
mod deliver;
mod derive;
mod one_sided;
mod output;
mod payment_keys;
mod view_key;
mod words;

pub(crate) use account::{AccountKeys, Identity, Root};
pub use account_number::Account;
pub(crate) use address::looks_like_an_address;
pub use address::{Address, AddressError, PaymentAddress};
pub(crate) use derive::{derive, derive_key, derive_scalar, fresh_index};
pub(crate) use one_sided::{NewOneSided, OneSidedTerms, Shared, ViewSecret, ViewTags};
pub(crate) use output::{NewOutput, OutputSecret};
pub use output::{OutputKind, Purpose};
pub use view_key::{ViewKey, ViewKeyError};
pub use words::{Words, WordsError};
