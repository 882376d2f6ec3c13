//! View keys: what one account received, without the power to spend it.
//!
//! ```text
//! view key = bech32m(prefix, version (1) ‖ account (4) ‖ rewind key "received" (32))
//! prefix   = sottoview, tsottoview, ssottoview                      (main, test, solo)
//! ```
//!
//! **A view key shows** every output that the account received, block rewards included: its amount, the
//! height at which it appeared and the height at which it was spent, past and future. **It does not show**
//! change, and therefore no balance after the first payment; nor what was paid, to whom, or for what. It
//! cannot sign, and it derives neither blinding factors nor τ keys. It cannot be revoked.

use super::Account;
use bech32::{Bech32m, Hrp, primitives::decode::UncheckedHrpstring};
use core::fmt;
use sotto_mw::{chain::Network, range_proof::RewindKey};
use zeroize::Zeroizing;

const VERSION: u8 = 1;

const fn prefix(network: Network) -> &'static str {
    match network {
        Network::Main => "sottoview",
        Network::Test => "tsottoview",
        Network::Solo => "ssottoview",
    }
}

/// A view key: it shows what an account receives, and cannot spend.
#[derive(Clone)]
pub struct ViewKey {
    network: Network,
    account: Account,
    rewind: RewindKey,
}

/// Why a text is not a valid view key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewKeyError {
    /// The prefix is not the one of this network.
    #[error("not a view key of the {expected} network: expected a text that begins with {}1", prefix(*expected))]
    NotAViewKey {
        /// The expected network.
        expected: Network,
    },
    /// The checksum does not match.
    #[error("invalid view key checksum: the view key has a typing error or is cut off")]
    Checksum,
    /// The version is unknown.
    #[error("unsupported view key version {found}: expected version {VERSION}")]
    Version {
        /// The version of the view key.
        found: u8,
    },
}

impl ViewKey {
    pub(crate) const fn new(network: Network, account: Account, rewind: RewindKey) -> Self {
        Self { network, account, rewind }
    }

    /// The account that it shows.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.account
    }

    pub(crate) const fn rewind(&self) -> &RewindKey {
        &self.rewind
    }

    /// Parses a view key, which must belong to `network`. Surrounding white space is ignored.
    ///
    /// # Errors
    /// [`ViewKeyError`]. The error never contains the key.
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
    /// Anyone who reads it can see everything that the account receives, for ever.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; 37]);
        bytes[0] = VERSION;
        bytes[1..5].copy_from_slice(&self.account.0.to_le_bytes());
        bytes[5..].copy_from_slice(&self.rewind.0);
        // The capacity is sufficient: no reallocation leaves a copy behind.
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
