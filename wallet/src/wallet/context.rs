//! What an operation on a wallet works with, and what it results in.
//!
//! An operation is a function of a [`Context`]. It changes nothing itself: it returns the next state, which
//! the wallet stores durably before it returns the result.

use crate::{
    error::WalletError,
    keys::{Account, AccountKeys, Root},
    nonce_vault::{EncryptedNonces, Installation, SessionSecrets},
    slate::SlateError,
    state::State,
};
use sotto_mw::{
    amount::Height,
    chain::Chain,
    hash::Hash,
    rules::{Verified, check_transaction, verify_transaction},
    session::{Role, SessionId},
    transaction::Transaction,
};

/// The keys, the chain, the installation and the state of a wallet.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) root: &'a Root,
    pub(crate) chain: &'a Chain,
    pub(crate) installation: &'a Installation,
    pub(crate) state: &'a State,
}

/// The next state of a wallet, if it changes, and the result of an operation.
pub(crate) struct Change<T> {
    pub(crate) next: Option<State>,
    pub(crate) result: T,
}

impl<T> Change<T> {
    pub(crate) const fn new(next: State, result: T) -> Self {
        Self { next: Some(next), result }
    }

    /// A result that repeats an earlier one.
    pub(crate) const fn none(result: T) -> Self {
        Self { next: None, result }
    }
}

impl Context<'_> {
    /// The keys of an account that exists.
    pub(crate) fn keys(&self, account: Account) -> Result<AccountKeys, WalletError> {
        let accounts = self.state.account_count();
        if account.0 < accounts {
            Ok(self.root.account(account))
        } else {
            Err(WalletError::NoAccount { account, accounts })
        }
    }

    /// All accounts.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = Account> + use<> {
        (0..self.state.account_count()).map(Account)
    }

    /// The height of the last scan.
    pub(crate) const fn tip(&self) -> Height {
        self.state.tip.height
    }

    /// Decrypts the nonces of a session that this installation began.
    pub(crate) fn decrypt(
        &self,
        encrypted: &EncryptedNonces,
        slate: &Hash,
    ) -> Result<SessionSecrets, SlateError> {
        SessionSecrets::decrypt(encrypted, self.installation, slate).ok_or(SlateError::ForeignInstallation)
    }

    /// Closes a session with one response, for ever and before anything signed leaves: whatever happens to
    /// the wallet file, no other response is signed.
    pub(crate) fn close(&self, session: &SessionId, on: &Hash) -> Result<(), WalletError> {
        match self.installation.close(session, Role::Inviter, on)? {
            closed if closed == *on => Ok(()),
            Hash::ZERO => Err(SlateError::Cancelled.into()),
            _ => Err(SlateError::AnsweredTwice.into()),
        }
    }

    /// Verifies a transaction that this wallet has stored.
    pub(crate) fn verify(&self, t: Transaction) -> Result<Verified<Transaction>, WalletError> {
        let well_formed = check_transaction(self.chain, t).map_err(SlateError::Rules)?;
        Ok(verify_transaction(self.chain, well_formed).map_err(SlateError::Rules)?)
    }
}
