//! View keys: what one account received, without the power to spend it.
//!
//! ```text
//! view key = bech32m(prefix, version (1) ‖ account (4) ‖ rewind key "received" (32))
//! prefix   = sottoview, tsottoview, ssottoview                      (main, test, solo)
//! ```
//!
//! **It shows** every output that the account received, block rewards among them: amount, height of appearing, height of
//! disappearing; past ones as well as future ones. **It does not show** change, so no balance after the first payment; nor
//! what was paid, to whom, or for what. It cannot sign, and derives neither blinding factors nor the two τ. It cannot be
//! taken back.
//!
//! A viewer cannot make a commitment from an amount, since that takes the blinding factor; amounts are held against the
//! range proof instead (`sotto_mw::range_proof::Replayed`). Other holders of the key can make outputs that look received.

use crate::{
    keys::Account,
    outputs::{OutputRecord, Status},
    scan::{ATTEMPTS, ChainSource, Key, Pass, Progress, ScanError, ScanReport, conclude, same_up_to},
    state::State,
    store::{Store, StoreError},
    wallet::WalletError,
    wire::{self, ViewContents},
};
use bech32::{Bech32m, Hrp, primitives::decode::UncheckedHrpstring};
use core::fmt;
use sotto_mw::{
    amount::{Amount, Height},
    chain::{Chain, Network},
    codec::Decode,
    range_proof::RewindKey,
};
use zeroize::Zeroizing;

const VERSION: u8 = 1;

const fn prefix(network: Network) -> &'static str {
    match network {
        Network::Main => "sottoview",
        Network::Test => "tsottoview",
        Network::Solo => "ssottoview",
    }
}

/// Sees what an account receives.
#[derive(Clone)]
pub struct ViewKey {
    network: Network,
    account: Account,
    rewind: RewindKey,
}

/// Why a text is no view key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewKeyError {
    /// Something else.
    #[error("this is no view key of the {expected} network: one begins with {}1", prefix(*expected))]
    NotAViewKey {
        /// The network it should be of.
        expected: Network,
    },
    /// The checksum fails.
    #[error("the view key has a typing error or is cut off")]
    Checksum,
    /// A version of another program.
    #[error("the view key is of version {found}, and this program reads version {VERSION}")]
    Version {
        /// The version found.
        found: u8,
    },
}

impl ViewKey {
    pub(crate) const fn new(network: Network, account: Account, rewind: RewindKey) -> Self {
        Self { network, account, rewind }
    }

    /// The account it sees.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.account
    }

    pub(crate) const fn rewind(&self) -> &RewindKey {
        &self.rewind
    }

    /// Reads a view key that must belong to `network`; white space around it is ignored.
    ///
    /// # Errors
    /// [`ViewKeyError`]; the key is never repeated in it.
    pub fn parse(text: &str, network: Network) -> Result<Self, ViewKeyError> {
        let expected = network;
        let other = ViewKeyError::NotAViewKey { expected };
        let unchecked = UncheckedHrpstring::new(text.trim()).map_err(|_| other)?;
        if unchecked.hrp().to_lowercase() != prefix(network) {
            return Err(other);
        }
        unchecked.validate_checksum::<Bech32m>().map_err(|_| ViewKeyError::Checksum)?;
        let bytes: Zeroizing<Vec<u8>> =
            Zeroizing::new(unchecked.remove_checksum::<Bech32m>().byte_iter().collect());
        let (found, body) = bytes.split_first().ok_or(ViewKeyError::Checksum)?;
        let (account, key) = body.split_first_chunk().ok_or(ViewKeyError::Version { found: *found })?;
        let key: Option<[u8; 32]> = key.try_into().ok();
        let rewind =
            RewindKey(key.filter(|_| *found == VERSION).ok_or(ViewKeyError::Version { found: *found })?);
        Ok(Self { network, account: Account(u32::from_le_bytes(*account)), rewind })
    }

    /// The key as text.
    ///
    /// # Security
    /// Whoever reads it sees for ever what the account receives.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; 37]);
        bytes[0] = VERSION;
        bytes[1..5].copy_from_slice(&self.account.0.to_le_bytes());
        bytes[5..].copy_from_slice(&self.rewind.0);
        // Room for all of it, so that no reallocation leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(96));
        if let Ok(hrp) = Hrp::parse(prefix(self.network)) {
            let _ = bech32::encode_lower_to_fmt::<Bech32m, _>(&mut *text, hrp, &*bytes);
        }
        text
    }
}

impl fmt::Debug for ViewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ViewKey(account {}, …)", self.account)
    }
}

/// A wallet that can look and not pay.
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
            .field("tip", &self.state.tip)
            .finish_non_exhaustive()
    }
}

impl<S: Store> ViewWallet<S> {
    /// Creates a view-only wallet in an empty store.
    ///
    /// # Errors
    /// [`WalletError::Exists`] when the store is not empty, or the store's refusal.
    pub fn create(store: S, chain: Chain, key: ViewKey) -> Result<Self, WalletError> {
        if !store.load()?.is_empty() {
            return Err(WalletError::Exists);
        }
        let mut wallet = Self { key, chain, state: State::default(), store };
        wallet.keep(State::default())?;
        Ok(wallet)
    }

    /// Opens the view-only wallet in a store.
    ///
    /// # Errors
    /// When it cannot be read, or is a wallet of another kind.
    pub fn open(store: S) -> Result<Self, WalletError> {
        let bytes = store.load()?;
        let contents = ViewContents::from_bytes(&bytes).map_err(StoreError::Contents)?;
        let chain = Chain::new(contents.params)?;
        let key = ViewKey::new(chain.params().network, contents.account, contents.rewind);
        Ok(Self { key, chain, state: contents.state, store })
    }

    fn keep(&mut self, next: State) -> Result<(), StoreError> {
        self.store.replace(&wire::view_contents(self.chain.params(), &self.key, &next))?;
        self.state = next;
        Ok(())
    }

    /// The chain it is for.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The account it sees.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.key.account
    }

    /// Closes it and gives its store back.
    #[must_use]
    pub fn into_store(self) -> S {
        self.store
    }

    /// The height of the last scan.
    #[must_use]
    pub const fn tip(&self) -> Height {
        self.state.tip
    }

    /// What the account received, in order of commitments; each is unspent or spent.
    pub fn outputs(&self) -> impl Iterator<Item = &OutputRecord> {
        self.state.outputs.values()
    }

    /// The sum of all that was received, and the sum of what of it is still there.
    #[must_use]
    pub fn sums(&self) -> [Amount; 2] {
        let sum = |there: bool| {
            let counted = self.outputs().filter(|o| !there || matches!(o.status, Status::Unspent { .. }));
            Amount::checked_sum(counted.map(|o| o.opening.amount)).unwrap_or(Amount::new(u64::MAX))
        };
        [sum(false), sum(true)]
    }

    /// Looks at what has come and gone since the last scan; the first time, at everything the source has.
    ///
    /// # Errors
    /// [`ScanError`] when the source fails, moves, or is behind what this wallet has seen, or the result cannot be kept;
    /// nothing changes then.
    pub fn scan<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        self.look(&self.state.clone(), source, progress)
    }

    /// Looks at everything, and takes the chain as it is shown now, though this wallet has seen more of it, or another: only
    /// when its operator says that it went back.
    ///
    /// # Errors
    /// As [`ViewWallet::scan`], but that nothing was seen before.
    pub fn accept<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        self.look(&self.state.without_chain(), source, progress)
    }

    fn look<C: ChainSource>(
        &mut self,
        before: &State,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        let first = (before.tip == Height::GENESIS).then_some(Height::GENESIS);
        for _ in 0..ATTEMPTS {
            let searched = same_up_to(&self.chain, source, (before.tip, before.tip_hash))?;
            let keys = vec![Key::viewer(&self.key.rewind, self.key.account, searched)];
            let mut pass = Pass::begin((&self.chain, before), keys, source)?;
            while !pass.advance(&before.outputs, source, progress)? {}
            if let Some((next, report)) = conclude((&self.chain, before), &pass, first, source)? {
                self.keep(next)?;
                return Ok(report);
            }
        }
        Err(ScanError::Moved)
    }
}
