//! View keys: what one account received, without the power to spend it.
//!
//! ```text
//! view key = bech32m(prefix, version (1): 2 ‖ account (4) ‖ rewind key "received" (32) ‖ a (32) ‖ B (32))
//! prefix   = sottoview, tsottoview, ssottoview                      (main, test, solo)
//! ```
//!
//! **A view key shows** every output that the account received, block rewards and one-sided payments
//! included: its amount, its reference, the height at which it appeared and the height at which it was spent,
//! past and future. **It does not show** change, and therefore no balance after the first payment; nor what
//! was paid, to whom, or for what. It cannot sign, spend or open messages. It cannot be revoked.

use super::{account_number::Account, address::PaymentAddress, one_sided::ViewSecret};
use bech32::{Bech32m, Hrp, primitives::decode::UncheckedHrpstring};
use core::fmt;
use sotto_mw::{
    chain::Network,
    codec::{Decode, DecodeError, Encode, Reader},
    range_proof::RewindKey,
    schnorr::PublicKey,
    secret::SecretScalar,
};
use zeroize::Zeroizing;

const VERSION: u8 = 2;

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
    payments: ViewSecret,
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
    /// What follows the version is not a view key.
    #[error("the view key contains an invalid key")]
    Keys,
}

impl ViewKey {
    pub(crate) const fn new(account: Account, rewind: RewindKey, payments: ViewSecret) -> Self {
        Self { network: payments.address().network(), account, rewind, payments }
    }

    /// The account that it shows.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.account
    }

    pub(crate) const fn rewind(&self) -> &RewindKey {
        &self.rewind
    }

    /// What finds one-sided payments.
    pub(crate) const fn payments(&self) -> &ViewSecret {
        &self.payments
    }

    /// The bytes that follow the version; wiped when dropped.
    pub(crate) fn key_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(Self::BYTES));
        out.extend_from_slice(&self.account.0.to_le_bytes());
        out.extend_from_slice(&self.rewind.0);
        out.extend_from_slice(&*self.payments.secret().to_bytes());
        self.payments.address().spend().encode(&mut out);
        out
    }

    /// Reads the bytes that follow the version.
    pub(crate) fn read(r: &mut Reader<'_>, network: Network) -> Result<Self, DecodeError> {
        let (account, rewind) = (Account(r.u32()?), RewindKey(r.array()?));
        let view = SecretScalar::from_bytes(r.array()?).ok_or(DecodeError::Scalar)?;
        let address = PaymentAddress::of_keys(network, PublicKey::of(&view), PublicKey::decode(r)?);
        // A view-only wallet keeps a record for each account up to this one.
        let (found, bound) = (account.0.into(), Self::MOST_ACCOUNT.into());
        if found > bound {
            return Err(DecodeError::Bound { what: "account of a view key", found, bound });
        }
        if [address.view(), address.spend()].iter().any(|key| key.point().is_identity()) {
            return Err(DecodeError::Point);
        }
        Ok(Self::new(account, rewind, ViewSecret::new(view, address)))
    }

    /// The number of bytes that follow the version.
    const BYTES: usize = 100;

    /// The highest number of an account that has a view key.
    const MOST_ACCOUNT: u32 = u16::MAX as u32;

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
        if *found != VERSION || body.len() != Self::BYTES {
            return Err(ViewKeyError::Version { found: *found });
        }
        Self::read(&mut Reader::new(body), network).map_err(|_| ViewKeyError::Keys)
    }

    /// The key as text.
    ///
    /// # Security
    /// Anyone who reads it can see everything that the account receives, for ever.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([VERSION; 1 + Self::BYTES]);
        bytes[1..].copy_from_slice(&self.key_bytes());
        // The capacity is sufficient: no reallocation leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(192));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    /// Else one text of a stranger would fill the memory, or the file could never be opened again.
    #[test]
    fn keys_and_accounts_that_no_wallet_has_are_refused() {
        let point = PublicKey::of(&SecretScalar::from_bytes([3; 32]).unwrap()).as_bytes().to_owned();
        let read = |account: u32, a: u8, b: &[u8]| {
            let bytes = [&account.to_le_bytes()[..], &[7; 32], &[a; 32], b].concat();
            ViewKey::read(&mut Reader::new(&bytes), Network::Test).map(|key| key.account())
        };
        assert_eq!(read(65_535, 1, &point), Ok(Account(65_535)));
        assert!(matches!(read(65_536, 1, &point), Err(DecodeError::Bound { found: 65_536, .. })));
        assert_eq!(read(0, 0, &point), Err(DecodeError::Point));
        assert_eq!(read(0, 1, &[0; 32]), Err(DecodeError::Point));
    }
}
