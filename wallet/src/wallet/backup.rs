//! The backup drill: what a backup holds, and what going back to it would lose.

use super::{Wallet, WalletError};
use crate::{
    keys::Words,
    state::State,
    store::{Store, StoreError},
    wire::Contents,
};
use sotto_mw::{
    amount::Height,
    chain::{Chain, Network},
    codec::Decode,
    session::SessionId,
};
use std::collections::BTreeSet;

/// A backup that was read whole: its words, its accounts, its height.
#[derive(Debug)]
pub struct Backup {
    words: Words,
    chain: Chain,
    state: State,
}

/// What going back to a backup would lose: nothing that the chain proves, but what only a wallet file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Blocks between its last scan and the wallet's.
    pub blocks: u64,
    /// Payments begun or answered since: their memos, receipts and proofs of payment.
    pub payments: usize,
    /// Accounts created since: their names; their money is found under their numbers.
    pub accounts: u32,
}

impl Backup {
    /// Reads a backup's contents.
    ///
    /// # Errors
    /// When they are not those of a wallet that can pay.
    pub fn read(contents: &[u8]) -> Result<Self, WalletError> {
        let Contents { params, entropy, state } =
            Contents::from_bytes(contents).map_err(StoreError::Contents)?;
        Ok(Self { words: Words::from_entropy(&entropy)?, chain: Chain::new(params)?, state })
    }

    /// The network it is for.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.chain.params().network
    }

    /// The height of its last scan.
    #[must_use]
    pub const fn tip(&self) -> Height {
        self.state.tip
    }

    /// How many accounts, outputs and payments it holds.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        [self.state.accounts.len(), self.state.outputs.len(), sessions(&self.state).len()]
    }
}

impl<S: Store> Wallet<S> {
    /// What going back to this backup would lose; `None` when it is of other words or for another chain.
    #[must_use]
    pub fn loss(&self, backup: &Backup) -> Option<Loss> {
        if *backup.words.entropy() != *self.words.entropy() || backup.chain.id() != self.chain.id() {
            return None;
        }
        let then = sessions(&backup.state);
        let accounts = u32::try_from(backup.state.accounts.len()).unwrap_or(u32::MAX);
        Some(Loss {
            blocks: self.state.tip.get().saturating_sub(backup.state.tip.get()),
            payments: sessions(&self.state).difference(&then).count(),
            accounts: self.accounts().saturating_sub(accounts),
        })
    }
}

fn sessions(state: &State) -> BTreeSet<SessionId> {
    let sent = state.sent.values().flat_map(|s| s.parts().map(|p| &p.invite().session));
    let begun = sent.chain(state.asked.keys()).chain(state.moved.keys());
    begun.chain(state.received.keys()).chain(state.paid.keys()).copied().collect()
}
