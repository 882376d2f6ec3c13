//! The wallet: keys, state and store behind the few things one does with money.
//!
//! Every change is made to a copy of the state, kept durably, and only then taken over and answered: after an error the
//! wallet is as it was, on disk and in memory, and no byte leaves before what it depends on is kept.
//!
//! Heights are those of the last scan: scan before paying.

mod accounts;
mod backup;
mod invoicing;
mod letters;
mod moving;
mod paying;
mod receiving;
mod scanning;
mod sessions;

pub use crate::state::Step;
pub use letters::Privacy;
pub use sessions::Deal;

pub use accounts::NameError;
pub use backup::{Backup, Loss};

use crate::{
    armor::ArmorError,
    coinbase::RewardError,
    contacts::ContactError,
    history::{self, Entry},
    keys::{Account, AccountKeys, Purpose, Root, Words, WordsError},
    outputs::{Balance, Origin, OutputRecord, Status},
    proof::ProofError,
    select::SelectError,
    slate::{SlateError, seal::Installation},
    state::{Moved, Received, Sent, State},
    store::{Store, StoreError},
    wire::{self, Contents},
};
use core::fmt;
use sotto_mw::{
    amount::Height,
    chain::{Chain, ParamsError},
    codec::Decode,
    output::OutputFeatures,
    range_proof::Opening,
};

/// Why the wallet refuses.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// It could not be read or kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A slate was refused.
    #[error(transparent)]
    Slate(#[from] SlateError),
    /// A payment could not be planned.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The words are not a seed.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// The chain's parameters make no sense.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A block's reward could not be made.
    #[error(transparent)]
    Reward(#[from] RewardError),
    /// A text could not be read.
    #[error(transparent)]
    Armor(#[from] ArmorError),
    /// A contact was refused.
    #[error(transparent)]
    Contact(#[from] ContactError),
    /// There is no proof of that payment.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// No such account.
    #[error("there is no account {account}; this wallet has {accounts}")]
    NoAccount {
        /// Which was asked for.
        account: Account,
        /// How many there are.
        accounts: u32,
    },
    /// An account's name cannot be used.
    #[error(transparent)]
    Name(#[from] NameError),
    /// It has a view key, and no words.
    #[error("this wallet has a view key only: it can look at what was received, and not pay")]
    ViewOnly,
    /// There is something in the store already.
    #[error("there is a wallet already; it is not overwritten")]
    Exists,
}

/// An open wallet.
pub struct Wallet<S> {
    words: Words,
    root: Root,
    chain: Chain,
    state: State,
    installation: Installation,
    store: S,
}

impl<S> fmt::Debug for Wallet<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = self.chain.params().network;
        f.debug_struct("Wallet")
            .field("network", &network)
            .field("tip", &self.state.tip)
            .finish_non_exhaustive()
    }
}

impl<S: Store> Wallet<S> {
    /// Creates a wallet of these words, new or restored, in an empty store.
    ///
    /// # Errors
    /// [`WalletError::Exists`] when the store is not empty, or the store's refusal.
    pub fn create(
        store: S,
        chain: Chain,
        words: Words,
        installation: Installation,
    ) -> Result<Self, WalletError> {
        if !store.load()?.is_empty() {
            return Err(WalletError::Exists);
        }
        let root = Root::new(&words);
        let mut wallet = Self { words, root, chain, state: State::default(), installation, store };
        wallet.keep(State::default())?;
        Ok(wallet)
    }

    /// Opens the wallet in a store.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(store: S, installation: Installation) -> Result<Self, WalletError> {
        let bytes = store.load()?;
        if wire::is_view(&bytes) {
            return Err(WalletError::ViewOnly);
        }
        let Contents { params, entropy, state } =
            Contents::from_bytes(&bytes).map_err(StoreError::Contents)?;
        let words = Words::from_entropy(&entropy)?;
        let root = Root::new(&words);
        Ok(Self { words, root, chain: Chain::new(params)?, state, installation, store })
    }

    /// Makes `next` the wallet's state: durably first, then here.
    fn keep(&mut self, next: State) -> Result<(), StoreError> {
        self.store.replace(&wire::contents(self.chain.params(), &self.words.entropy(), &next))?;
        self.state = next;
        Ok(())
    }

    fn keys(&self, account: Account) -> Result<AccountKeys, WalletError> {
        if account.0 < self.accounts() {
            Ok(self.root.account(account))
        } else {
            Err(WalletError::NoAccount { account, accounts: self.accounts() })
        }
    }

    /// The chain it is for.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Where it is kept.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Where it is kept, to be copied or put under another passphrase. What is kept must stay what it is.
    pub const fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// The seed words, for the owner's eyes.
    #[must_use]
    pub const fn words(&self) -> &Words {
        &self.words
    }

    /// The height of the last scan.
    #[must_use]
    pub const fn tip(&self) -> Height {
        self.state.tip
    }

    /// What an account has, or all of them together.
    #[must_use]
    pub fn balance(&self, account: Option<Account>) -> Balance {
        self.state.balance(&self.chain, account)
    }

    /// All outputs, in order of commitments.
    pub fn outputs(&self) -> impl Iterator<Item = &OutputRecord> {
        self.state.outputs.values()
    }

    /// All payments made, in order of their names.
    pub fn sent(&self) -> impl Iterator<Item = &Sent> {
        self.state.sent.values()
    }

    /// What came and went, in the order of the chain.
    #[must_use]
    pub fn history(&self) -> Vec<Entry> {
        history::history(&self.state, self.deals())
    }

    /// All transactions with itself, in order of their names.
    pub fn moved(&self) -> impl Iterator<Item = &Moved> {
        self.state.moved.values()
    }

    /// All payments answered, in order of sessions.
    pub fn received(&self) -> impl Iterator<Item = &Received> {
        self.state.received.values()
    }
}

fn pending(
    keys: &AccountKeys,
    account: Account,
    (purpose, opening): (Purpose, Opening),
    origin: Origin,
) -> OutputRecord {
    let (features, status) = (OutputFeatures::Plain, Status::Pending);
    let commitment = keys.commitment(purpose, &opening).encoded();
    OutputRecord { commitment, account, purpose, opening, features, origin, status }
}
