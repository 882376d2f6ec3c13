//! The view wallet: a wallet with a view key, which shows what an account receives and cannot pay.
//!
//! A viewer cannot recompute the commitment of a plain output from an amount, because that takes the blinding
//! factor. It compares amounts with the range proof instead (`sotto_mw::range_proof::Replayed`). Other
//! holders of the same view key can create plain outputs that look received. A one-sided output is checked as
//! its owner does.

use crate::{
    contents::{self, ViewContents},
    error::WalletError,
    keys::{Account, ViewKey, ViewTags},
    outputs::{OutputRecord, OutputStatus},
    scan::{self, ChainSource, Progress, ScanError, ScanKey, ScanReport, Scannable},
    state::State,
    store::{Store, StoreError},
};
use core::fmt;
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    codec::Decode,
};

/// A wallet that shows what an account receives, and cannot pay.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rand_core::OsRng;
/// use sotto_wallet::{Account, Installation, MemoryChain, MemoryStore, ViewWallet, Wallet, Words};
///
/// let mut chain = MemoryChain::solo(&mut OsRng)?;
/// let (words, installation) = (Words::generate(&mut OsRng)?, Installation::in_memory([1; 32]));
/// let owner = Wallet::create(MemoryStore::default(), chain.chain().clone(), words, installation)?;
/// let key = owner.view_key(Account(0))?;
///
/// chain.seal(&owner.coinbase_builder(Account(0))?, &[], &mut OsRng)?;
/// let mut auditor = ViewWallet::create(MemoryStore::default(), chain.chain().clone(), key)?;
/// auditor.scan(&chain, &mut |_, _| {})?;
/// assert_eq!(auditor.received(), chain.chain().params().reward);
/// # Ok(())
/// # }
/// ```
pub struct ViewWallet<S> {
    key: ViewKey,
    chain: Chain,
    state: State,
    store: S,
}

impl<S> fmt::Debug for ViewWallet<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewWallet")
            .field("key", &self.key)
            .field("tip", &self.state.tip.height)
            .finish_non_exhaustive()
    }
}

impl<S: Store> ViewWallet<S> {
    /// Creates a view wallet in an empty store.
    ///
    /// # Errors
    /// [`WalletError::Exists`] when the store is not empty, or the error of the store.
    pub fn create(store: S, chain: Chain, key: ViewKey) -> Result<Self, WalletError> {
        if !store.load()?.is_empty() {
            return Err(WalletError::Exists);
        }
        let mut wallet = Self { key, chain, state: State::default(), store };
        wallet.save(State::default())?;
        Ok(wallet)
    }

    /// Opens the view wallet in a store.
    ///
    /// # Errors
    /// When the store does not contain a view wallet.
    pub fn open(store: S) -> Result<Self, WalletError> {
        let bytes = store.load()?;
        let contents = ViewContents::from_bytes(&bytes).map_err(StoreError::Contents)?;
        let chain = Chain::new(contents.params)?;
        Ok(Self { key: contents.key, chain, state: contents.state, store })
    }

    /// The parameters and the identifier of the chain.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The account that the key shows.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.key.account()
    }

    /// Closes the wallet and returns its store.
    #[must_use]
    pub fn into_store(self) -> S {
        self.store
    }

    /// The height of the last scan.
    #[must_use]
    pub const fn tip(&self) -> Height {
        self.state.tip.height
    }

    /// The outputs that the account received, in the order of their commitments; each is unspent or spent.
    pub fn outputs(&self) -> impl Iterator<Item = &OutputRecord> {
        self.state.outputs.values()
    }

    /// The sum of everything that the account received.
    #[must_use]
    pub fn received(&self) -> Amount {
        sum(self.outputs())
    }

    /// The sum of the received outputs that are still unspent.
    #[must_use]
    pub fn unspent(&self) -> Amount {
        sum(self.outputs().filter(|o| matches!(o.status, OutputStatus::Unspent { .. })))
    }

    /// Scans what has changed since the last scan; the first time, everything that the source has.
    ///
    /// # Errors
    /// [`ScanError`] when the source fails, moves, or is behind what this wallet has seen, or when the result
    /// cannot be stored; nothing changes then.
    pub fn scan<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        scan::scan(self, source, progress)
    }

    /// Scans everything, and accepts the chain as the source shows it, even if it ends below what this wallet
    /// has seen, or is another branch. Call it only when the operator confirms that the chain went back.
    ///
    /// # Errors
    /// As [`ViewWallet::scan`], except that no chain is behind.
    pub fn rescan<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        scan::rescan(self, ViewTags::Matching, source, progress)
    }
}

impl<S: Store> Scannable for ViewWallet<S> {
    fn chain(&self) -> &Chain {
        &self.chain
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn save(&mut self, next: State) -> Result<(), StoreError> {
        self.store.replace(&contents::view_contents(self.chain.params(), &self.key, &next))?;
        self.state = next;
        Ok(())
    }

    fn keys(&self, _: &State, common: Height) -> Vec<ScanKey> {
        vec![ScanKey::viewer(self.key.clone(), common)]
    }

    fn restore_keys(&self, _: u32, above: Height) -> Vec<ScanKey> {
        vec![ScanKey::viewer(self.key.clone(), above)]
    }

    fn history_above(&self, before: &State) -> Option<Height> {
        (before.tip.height == Height::GENESIS).then_some(Height::GENESIS)
    }
}

/// A sum for display: it saturates at the largest amount instead of wrapping.
fn sum<'a>(outputs: impl Iterator<Item = &'a OutputRecord>) -> Amount {
    Amount::checked_sum(outputs.map(|o| o.opening.amount)).unwrap_or(Amount::new(u64::MAX))
}
