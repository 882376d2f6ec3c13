//! The entries of a job file about a sale.
//!
//! ```toml
//! [sale]                       [[sale.payee]]
//! buyer = "west"               party = "north"
//! outputs = ["result"]         offer = "north.offer"      # a file beside the job
//! blocks = 400
//! confirmations = 20
//! ```
//!
//! The ledger is the one that the offers name.

use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SaleEntry {
    pub(super) buyer: Spanned<String>,
    pub(super) outputs: Vec<Spanned<String>>,
    pub(super) blocks: u64,
    pub(super) confirmations: u64,
    pub(super) payee: Vec<Spanned<PayeeEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PayeeEntry {
    pub(super) party: String,
    pub(super) offer: String,
}
