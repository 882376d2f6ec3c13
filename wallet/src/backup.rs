//! The backup drill: what a backup contains, and what a return to it would lose.

use crate::{
    contents::{self, Contents},
    error::WalletError,
    keys::Words,
    state::{HoldRecord, PaymentPart, State},
    store::StoreError,
};
use sotto_mw::{
    amount::Height,
    chain::{Chain, Network},
    codec::Decode,
    session::SessionId,
};
use std::collections::BTreeSet;

/// A backup that was read completely.
#[derive(Debug)]
pub struct Backup {
    words: Words,
    chain: Chain,
    state: State,
}

/// What a return to a backup would lose: nothing that the chain proves, but what only the wallet file
/// contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupLoss {
    /// The number of blocks between the last scan of the backup and that of the wallet.
    pub blocks: u64,
    /// The number of payments begun or answered since, and of holds that went on: their memos, receipts, refunds and proofs of payment would
    /// be lost.
    pub payments: usize,
    /// The number of accounts created since: their names would be lost. A restore finds their outputs by
    /// number.
    pub accounts: u32,
}

impl Backup {
    /// Reads the contents of a backup.
    ///
    /// # Errors
    /// When they are not the contents of a wallet that can pay.
    pub fn read(contents: &[u8]) -> Result<Self, WalletError> {
        if contents::is_of_group(contents) {
            return Err(WalletError::OfGroup);
        }
        let Contents { params, entropy, state } =
            Contents::from_bytes(contents).map_err(StoreError::Contents)?;
        Ok(Self { words: Words::from_entropy(&entropy)?, chain: Chain::new(params)?, state })
    }

    /// The network of the wallet.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.chain.params().network
    }

    /// The height of the last scan.
    #[must_use]
    pub const fn tip(&self) -> Height {
        self.state.tip.height
    }

    /// The number of accounts.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.state.accounts.len()
    }

    /// The number of outputs.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.state.outputs.len()
    }

    /// The number of payments.
    #[must_use]
    pub fn payments(&self) -> usize {
        sessions(&self.state).len()
    }

    /// The number of holds that have gone on since: their refunds, if they were funded, are not in the backup.
    fn stale_holds(&self, state: &State) -> usize {
        let then = |h: &HoldRecord| self.state.holds.get(&h.offer().id).map(HoldRecord::stage);
        state.holds.values().filter(|h| then(h) != Some(h.stage())).count()
    }

    /// What a wallet with these words, this chain and this state would lose; `None` when the backup is of
    /// another wallet.
    pub(crate) fn loss(&self, words: &Words, chain: &Chain, state: &State) -> Option<BackupLoss> {
        if *self.words.entropy() != *words.entropy() || self.chain.id() != chain.id() {
            return None;
        }
        let then = sessions(&self.state);
        Some(BackupLoss {
            blocks: state.tip.height.get().saturating_sub(self.state.tip.height.get()),
            payments: sessions(state).difference(&then).count() + self.stale_holds(state),
            accounts: state.account_count().saturating_sub(self.state.account_count()),
        })
    }
}

fn sessions(state: &State) -> BTreeSet<SessionId> {
    let sent = state.sent.values().flat_map(|s| s.parts().map(PaymentPart::session));
    let begun = state.issued.keys().chain(state.self_transfers.keys());
    let answered = state.received.keys().chain(state.paid.keys());
    sent.chain(begun.chain(answered).copied()).collect()
}
