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

use crate::line_error::{LineError, line_of};

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

/// A job file as far as it names offers.
#[derive(Deserialize)]
struct File {
    sale: Option<Offers>,
}

#[derive(Deserialize)]
struct Offers {
    payee: Vec<PayeeEntry>,
}

/// The files of offers that a job file names.
///
/// # Errors
/// If it is not a job file.
pub fn offer_files(text: &str) -> Result<Vec<String>, LineError> {
    let file: File = toml::from_str(text).map_err(|e| LineError {
        line: e.span().map_or(1, |span| line_of(text, &span)),
        what: super::shown(e.message()),
    })?;
    let payees = file.sale.into_iter().flat_map(|sale| sale.payee);
    Ok(payees.map(|payee| payee.offer).collect())
}
