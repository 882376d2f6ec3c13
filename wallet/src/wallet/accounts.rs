//! Accounts: parts of a wallet with keys, an address and a balance of their own.
//!
//! An account is its number; the name is for its owner, and is in no seed: after a restore accounts have none.

use super::{Wallet, WalletError};
use crate::{
    keys::{Account, Address},
    state::AccountInfo,
    store::Store,
    view::ViewKey,
};

/// Why an account cannot be called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not a name.
    #[error(
        "an account's name has 1 to {} letters, digits, `-` or `_`, and is no number",
        AccountInfo::MAX_NAME
    )]
    Form,
    /// Another account is called so.
    #[error("account {account} is called so already")]
    Taken {
        /// Which.
        account: Account,
    },
}

impl AccountInfo {
    /// Most letters of a name.
    pub const MAX_NAME: usize = 32;

    /// Whether a name can be told from a number and typed in a shell.
    #[must_use]
    pub fn is_name(text: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        (1..=Self::MAX_NAME).contains(&text.len())
            && text.chars().all(plain)
            && !text.chars().all(|c| c.is_ascii_digit())
    }
}

impl<S: Store> Wallet<S> {
    /// How many accounts there are.
    #[must_use]
    pub fn accounts(&self) -> u32 {
        u32::try_from(self.state.accounts.len()).unwrap_or(u32::MAX)
    }

    /// The account with this name or number.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<Account> {
        let number = name.parse::<u32>().ok().filter(|n| *n < self.accounts());
        let named = || self.state.accounts.iter().position(|a| a.name == name && !name.is_empty());
        number.or_else(|| named().and_then(|i| u32::try_from(i).ok())).map(Account)
    }

    /// What an account is called: its name, or its number.
    #[must_use]
    pub fn account_name(&self, account: Account) -> String {
        let info = self.state.accounts.get(account.0 as usize);
        info.filter(|a| !a.name.is_empty()).map_or_else(|| account.to_string(), |a| a.name.clone())
    }

    /// Adds an account.
    ///
    /// # Errors
    /// [`NameError`], or when it cannot be kept.
    pub fn add_account(&mut self, name: &str) -> Result<Account, WalletError> {
        if !AccountInfo::is_name(name) {
            return Err(NameError::Form.into());
        }
        if let Some(account) = self.account(name) {
            return Err(NameError::Taken { account }.into());
        }
        let account = Account(self.accounts());
        let mut next = self.state.clone();
        next.accounts.push(AccountInfo { name: name.to_owned(), ..AccountInfo::default() });
        self.keep(next)?;
        Ok(account)
    }

    /// An account's address.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn address(&self, account: Account) -> Result<Address, WalletError> {
        Ok(self.keys(account)?.address(self.chain.params().network))
    }

    /// An account's view key: see [`crate::view`] for what it shows. It cannot be taken back.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn view_key(&self, account: Account) -> Result<ViewKey, WalletError> {
        Ok(ViewKey::new(self.chain.params().network, account, self.keys(account)?.received()))
    }
}
