//! The wallet: keys, state and store behind the operations that a person performs.
//!
//! ```text
//! operation: Context ─▶ (next state, result)        a function; it changes nothing itself
//! wallet:    operation ─▶ store the next state durably ─▶ take it over ─▶ return the result
//! ```
//!
//! After an error the wallet is as before, on disk and in memory. No byte leaves before everything it depends
//! on is durable. Heights are those of the last scan: scan before you plan a payment.

mod actions;
mod context;
mod freezing;
mod holding;
mod holding_ends;
mod holds;
mod invoicing;
mod levels;
mod messages;
mod notices;
mod observing;
mod paying;
mod receiving;
mod self_transfers;

use crate::{
    backup::{Backup, BackupLoss},
    contacts::Contacts,
    contents::{self, Contents},
    error::WalletError,
    history::{self, HistoryEntry},
    keys::{Account, Address, Root, ViewKey, Words},
    nonce_vault::Installation,
    outputs::{Balance, OutputRecord},
    scan::{ScanKey, Scannable},
    sessions::{self, SessionView},
    slate::{Invite, Invoice, Payment},
    state::State,
    store::{Store, StoreError},
};
use context::{Change, Context};
use core::fmt;
use sotto_mw::{amount::Height, chain::Chain, codec::Decode, session::SessionId, terms::Terms};

/// An open wallet.
///
/// A wallet is created in an empty [`Store`] and opened again from it:
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rand_core::OsRng;
/// use sotto_wallet::{Account, Installation, MemoryChain, MemoryStore, Wallet, Words};
///
/// let chain = MemoryChain::solo(&mut OsRng)?;
/// let (words, installation) = (Words::generate(&mut OsRng)?, Installation::in_memory([1; 32]));
/// let wallet =
///     Wallet::create(MemoryStore::default(), chain.chain().clone(), words, installation.clone())?;
///
/// let again = Wallet::open(wallet.store().clone(), installation)?;
/// assert_eq!(again.address(Account(0))?, wallet.address(Account(0))?);
/// # Ok(())
/// # }
/// ```
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
            .field("tip", &self.state.tip.height)
            .finish_non_exhaustive()
    }
}

impl<S: Store> Wallet<S> {
    /// Creates a wallet with these words, new or restored, in an empty store.
    ///
    /// # Errors
    /// [`WalletError::Exists`] when the store is not empty, or the error of the store.
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
        wallet.save(State::default())?;
        Ok(wallet)
    }

    /// Opens the wallet in a store.
    ///
    /// # Errors
    /// When the store does not contain a wallet that can pay.
    pub fn open(store: S, installation: Installation) -> Result<Self, WalletError> {
        let bytes = store.load()?;
        if contents::is_view(&bytes) {
            return Err(WalletError::ViewOnly);
        }
        if contents::is_of_group(&bytes) {
            return Err(WalletError::OfGroup);
        }
        let Contents { params, entropy, state } =
            Contents::from_bytes(&bytes).map_err(StoreError::Contents)?;
        let words = Words::from_entropy(&entropy)?;
        let root = Root::new(&words);
        Ok(Self { words, root, chain: Chain::new(params)?, state, installation, store })
    }

    fn context(&self) -> Context<'_> {
        let Self { root, chain, installation, state, .. } = self;
        Context { root, chain, installation, state }
    }

    /// Performs an operation: stores the next state, takes it over, and returns the result.
    fn perform<T>(
        &mut self,
        operation: impl FnOnce(&Context<'_>) -> Result<Change<T>, WalletError>,
    ) -> Result<T, WalletError> {
        let Change { next, result } = operation(&self.context())?;
        next.map_or(Ok(()), |next| self.save(next))?;
        Ok(result)
    }

    /// The parameters and the identifier of the chain, under the terms that [`Wallet::follow_terms`] told last.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Takes note of the terms of the next block, by which fees are reckoned from now on. They are not stored: whoever
    /// opens a wallet of a chain whose terms change says them anew, as the chain has them.
    pub fn follow_terms(&mut self, terms: &Terms) {
        self.chain = self.chain.under(terms);
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The store, to copy it or to change its passphrase. The contents must not change.
    pub const fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// The seed words.
    #[must_use]
    pub const fn words(&self) -> &Words {
        &self.words
    }

    /// The height of the last scan.
    #[must_use]
    pub const fn tip(&self) -> Height {
        self.state.tip.height
    }

    /// Whether a restore was interrupted; the next scan resumes it.
    #[must_use]
    pub const fn is_restoring(&self) -> bool {
        self.state.restore.is_some()
    }

    /// The balance of an account, or of all accounts.
    #[must_use]
    pub fn balance(&self, account: Option<Account>) -> Balance {
        self.state.balance(&self.chain, account)
    }

    /// All outputs, in the order of their commitments.
    pub fn outputs(&self) -> impl Iterator<Item = &OutputRecord> {
        self.state.outputs.values()
    }

    /// Whether an output is frozen.
    #[must_use]
    pub fn is_frozen(&self, output: &OutputRecord) -> bool {
        self.state.frozen.contains(&output.commitment)
    }

    /// All sessions: those that this wallet began first, each kind in the order of session identifiers.
    pub fn sessions(&self) -> impl Iterator<Item = SessionView<'_>> {
        sessions::sessions(&self.state)
    }

    /// The open invites of the payment that this session belongs to, in the order of its payees.
    pub fn open_invites(&self, session: &SessionId) -> impl Iterator<Item = SessionView<'_>> {
        sessions::open_invites(&self.state, session)
    }

    /// The history: payments and unexplained outputs, in the order of the chain.
    #[must_use]
    pub fn history(&self) -> Vec<HistoryEntry> {
        history::history(&self.state)
    }

    /// The contacts.
    #[must_use]
    pub const fn contacts(&self) -> &Contacts {
        &self.state.contacts
    }

    /// The number of accounts.
    #[must_use]
    pub fn accounts(&self) -> u32 {
        self.state.account_count()
    }

    /// The account with this name or number.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<Account> {
        let number = name.parse::<u32>().ok().filter(|n| *n < self.accounts());
        let named = || self.state.accounts.iter().position(|a| a.name == name && !name.is_empty());
        number.or_else(|| named().and_then(|i| u32::try_from(i).ok())).map(Account)
    }

    /// The name of an account, or its number if it has no name.
    #[must_use]
    pub fn account_name(&self, account: Account) -> String {
        let info = self.state.accounts.get(account.0 as usize);
        info.filter(|a| !a.name.is_empty()).map_or_else(|| account.to_string(), |a| a.name.clone())
    }

    /// The address of an account, which serves one-sided payments and messages alike.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn address(&self, account: Account) -> Result<Address, WalletError> {
        Ok(self.context().keys(account)?.identity(self.chain.params().network).address)
    }

    /// The address of an account that can only be paid interactively. Its message keys do not lead to the
    /// keys that spend, so it is the one to publish where others open the messages.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn interactive_address(&self, account: Account) -> Result<Address, WalletError> {
        Ok(self.context().keys(account)?.interactive_identity(self.chain.params().network).address)
    }

    /// The view key of an account. It cannot be revoked: see [`ViewKey`] for what it shows.
    ///
    /// # Errors
    /// [`WalletError::NoAccount`].
    pub fn view_key(&self, account: Account) -> Result<ViewKey, WalletError> {
        let keys = self.context().keys(account)?;
        Ok(ViewKey::new(account, keys.received(), keys.payment(self.chain.params().network).view_secret()))
    }

    /// The account that an invite names; `None` when it names another address, or none.
    #[must_use]
    pub fn addressee(&self, invite: &Invite) -> Option<Account> {
        let named = invite.recipient.as_ref()?;
        self.context().accounts().find(|a| self.root.account(*a).identity_of(named).is_some())
    }

    /// The payment that this wallet made to this invoice, if it did.
    #[must_use]
    pub fn payment_for(&self, invoice: &Invoice) -> Option<&Payment> {
        self.state.paid.get(&invoice.session).filter(|p| p.invoice == *invoice).map(|p| &p.payment)
    }

    /// What a return to this backup would lose; `None` when the backup has other words or is for another
    /// chain.
    #[must_use]
    pub fn loss(&self, backup: &Backup) -> Option<BackupLoss> {
        backup.loss(&self.words, &self.chain, &self.state)
    }
}

impl<S: Store> Scannable for Wallet<S> {
    fn chain(&self) -> &Chain {
        &self.chain
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn save(&mut self, next: State) -> Result<(), StoreError> {
        let entropy = self.words.entropy();
        self.store.replace(&contents::contents(self.chain.params(), &entropy, &next))?;
        self.state = next;
        Ok(())
    }

    fn keys(&self, before: &State, common: Height) -> Vec<ScanKey> {
        let accounts = (0..).map(Account).zip(&before.accounts);
        let key =
            |(a, scanned): (Account, Height)| ScanKey::owner(&self.chain, self.root.account(a), a, scanned);
        accounts.map(|(a, info)| key((a, info.scanned.min(common)))).collect()
    }

    fn restore_keys(&self, accounts: u32, above: Height) -> Vec<ScanKey> {
        let key = |a| ScanKey::owner(&self.chain, self.root.account(a), a, above);
        (0..accounts).map(Account).map(key).collect()
    }

    fn history_above(&self, _: &State) -> Option<Height> {
        None
    }
}

#[cfg(test)]
mod one_sided_attacks;
