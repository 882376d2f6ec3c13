//! What a wallet stores about an account. The keys follow from the words and the number of the account.
//!
//! ```text
//! bytes = scanned height (8) ‖ length (1) ‖ name
//! ```
#![deny(clippy::indexing_slicing)]

use crate::keys::Account;
use sotto_mw::{
    amount::Height,
    codec::{Decode, DecodeError, Encode, Reader},
};

/// Why an account cannot have a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountNameError {
    /// The text is not a valid name.
    #[error(
        "invalid account name: expected 1 to {} letters, digits, `-` or `_`, and not only digits",
        AccountInfo::MAX_NAME
    )]
    Form,
    /// Another account has the name.
    #[error("account {account} already has this name")]
    Taken {
        /// The other account.
        account: Account,
    },
}

/// Name and scan progress of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountInfo {
    /// The name; empty when the account has none, as after a restore.
    pub(crate) name: String,
    /// Outputs created up to this height of the last scanned chain were tried with the keys of the account.
    pub(crate) scanned: Height,
}

impl AccountInfo {
    /// The maximum length of a name.
    pub(crate) const MAX_NAME: usize = 32;
    /// Fewest bytes of an account.
    pub(crate) const LEAST_BYTES: usize = 9;

    /// Whether a text is a valid name: one that differs from every number and needs no quotes in a shell.
    pub(crate) fn is_name(text: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        (1..=Self::MAX_NAME).contains(&text.len())
            && text.chars().all(plain)
            && !text.chars().all(|c| c.is_ascii_digit())
    }
}

impl Encode for AccountInfo {
    fn encode(&self, out: &mut Vec<u8>) {
        self.scanned.encode(out);
        out.push(u8::try_from(self.name.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(self.name.as_bytes());
    }
}

impl Decode for AccountInfo {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (scanned, n) = (Height::decode(r)?, r.u8()?);
        let name = core::str::from_utf8(r.take(n.into())?).unwrap_or("?").to_owned();
        match name.is_empty() || Self::is_name(&name) {
            true => Ok(Self { name, scanned }),
            false => Err(DecodeError::Code { what: "account's name", code: n }),
        }
    }
}
