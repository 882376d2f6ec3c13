//! Addresses: what a payer needs to know about a payee.
//!
//! ```text
//! address = bech32m(prefix of the network, version (1) ‖ signing key (32) ‖ encryption key (32))
//! ```
//!
//! The prefix names the network: `sotto` (main), `tsotto` (test), `ssotto` (solo). The checksum detects any
//! three wrong characters at this length (BIP-350; BIP-173, "Checksum design"). Both keys are ristretto255
//! points. The signing key signs receipts; messages are encrypted to a separate key, so that no protocol uses
//! one key for both.
//!
//! ```text
//! bytes = network (1) ‖ signing key (32) ‖ encryption key (32)                     inside messages and files
//! ```

use bech32::{Bech32m, Hrp, primitives::decode::UncheckedHrpstring};
use core::fmt;
use sotto_mw::{
    chain::Network,
    codec::{Decode, DecodeError, Encode, Reader},
    group::Point,
    schnorr::PublicKey,
};

const VERSION: u8 = 1;
const BYTES: usize = 65;

const NETWORKS: [Network; 3] = [Network::Main, Network::Test, Network::Solo];

const fn prefix(network: Network) -> &'static str {
    match network {
        Network::Main => "sotto",
        Network::Test => "tsotto",
        Network::Solo => "ssotto",
    }
}

/// An address: a network, a signing key and an encryption key.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sotto_mw::chain::Network;
/// use sotto_wallet::Address;
///
/// let text = "ssotto1q8nx64f055jq26jppcyk9rufjgyl3djqswsmtc7na4rpsa2rh2d5ynyxt6vcf4xvx8g6aqlfn6rvv8r9\
///             355aa4dm4g8p8a5hwu2yhe3delhm20";
/// let address = Address::parse(text, Network::Solo)?;
/// assert_eq!(address.to_string(), text);
/// assert!(Address::parse(text, Network::Main).is_err(), "the prefix names the network");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    network: Network,
    sign: PublicKey,
    encrypt: PublicKey,
}

/// Why a text is not a valid address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The prefix is unknown, or the text contains characters that no address has.
    #[error("not an address: expected letters and digits that begin with sotto1, tsotto1 or ssotto1")]
    NotAnAddress,
    /// The address belongs to another network.
    #[error("the address belongs to the {found} network: expected the {expected} network")]
    Network {
        /// The network of the address.
        found: Network,
        /// The expected network.
        expected: Network,
    },
    /// The checksum does not match.
    #[error("invalid address checksum: the address has a typing error or is cut off")]
    Checksum,
    /// The version or the length is unknown.
    #[error("unsupported address version {found}: expected version {VERSION}")]
    Version {
        /// The version of the address.
        found: u8,
    },
    /// A key is not a valid public key.
    #[error("the address contains an invalid public key")]
    Keys,
}

impl Address {
    pub(crate) const fn of_keys(network: Network, sign: PublicKey, encrypt: PublicKey) -> Self {
        Self { network, sign, encrypt }
    }

    /// The address with these keys; `None` when a key is the identity.
    #[must_use]
    pub fn new(network: Network, sign: PublicKey, encrypt: PublicKey) -> Option<Self> {
        let usable = !sign.point().is_identity() && !encrypt.point().is_identity();
        usable.then_some(Self { network, sign, encrypt })
    }

    /// Parses an address, which must belong to `network`. Surrounding white space is ignored.
    ///
    /// # Errors
    /// [`AddressError`]: not an address, an address of another network, or a typing error.
    pub fn parse(text: &str, network: Network) -> Result<Self, AddressError> {
        let unchecked = UncheckedHrpstring::new(text.trim()).map_err(|_| AddressError::NotAnAddress)?;
        let hrp = unchecked.hrp().to_lowercase();
        let found = NETWORKS.into_iter().find(|n| prefix(*n) == hrp).ok_or(AddressError::NotAnAddress)?;
        unchecked.validate_checksum::<Bech32m>().map_err(|_| AddressError::Checksum)?;
        if found != network {
            return Err(AddressError::Network { found, expected: network });
        }
        let bytes: Vec<u8> = unchecked.remove_checksum::<Bech32m>().byte_iter().collect();
        let (version, keys) = bytes.split_first().ok_or(AddressError::Checksum)?;
        if *version != VERSION || bytes.len() != BYTES {
            return Err(AddressError::Version { found: *version });
        }
        let key = |half: &[u8]| {
            let point = half.try_into().ok().and_then(Point::from_bytes);
            point.map(PublicKey::from_point).ok_or(AddressError::Keys)
        };
        let (sign, encrypt) = keys.split_at(32);
        let address = Self::new(network, key(sign)?, key(encrypt)?).ok_or(AddressError::Keys)?;
        // Each address has one text: extra letters that encode less than a byte would otherwise pass
        // unnoticed.
        let only = address.to_string().eq_ignore_ascii_case(text.trim());
        if only { Ok(address) } else { Err(AddressError::NotAnAddress) }
    }

    /// The network of the address.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// The key that verifies receipts.
    #[must_use]
    pub const fn sign(&self) -> &PublicKey {
        &self.sign
    }

    /// The key that messages are encrypted to.
    #[must_use]
    pub const fn encrypt(&self) -> &PublicKey {
        &self.encrypt
    }
}

/// Whether a text begins as an address of any network does.
pub(crate) fn looks_like_an_address(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    NETWORKS.into_iter().any(|n| lower.strip_prefix(prefix(n)).is_some_and(|rest| rest.starts_with('1')))
}

/// What every address with this signing key begins with, on this network. A proof of payment shows the signing
/// keys of addresses; so a person can compare them with an address, letter by letter.
#[must_use]
pub fn address_prefix(network: Network, sign: &PublicKey) -> String {
    let any = Address { network, sign: *sign, encrypt: *sign }.to_string();
    // Five bits a letter: those that version and signing key fill, but the last, which the next key shares.
    let letters = prefix(network).len() + 1 + (8 * (1 + 32)) / 5;
    any.get(..letters).unwrap_or(&any).to_owned()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&[VERSION], &self.sign.as_bytes()[..], &self.encrypt.as_bytes()[..]].concat();
        let hrp = Hrp::parse(prefix(self.network)).map_err(|_| fmt::Error)?;
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, hrp, &bytes).map_err(|_| fmt::Error)
    }
}

impl Encode for Address {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.network as u8);
        self.sign.encode(out);
        self.encrypt.encode(out);
    }
}

impl Decode for Address {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let network = match r.u8()? {
            0 => Network::Main,
            1 => Network::Test,
            2 => Network::Solo,
            code => return Err(DecodeError::Code { what: "network", code }),
        };
        let (sign, encrypt) = (PublicKey::decode(r)?, PublicKey::decode(r)?);
        Self::new(network, sign, encrypt).ok_or(DecodeError::Point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Account, Root, Words};
    use bech32::{Bech32, ByteIterExt, Fe32, Fe32IterExt};
    use sotto_mw::group::Scalar;

    fn address(network: Network) -> Address {
        Root::new(&Words::from_entropy(&[7; 32]).unwrap()).account(Account(0)).address(network)
    }

    #[test]
    fn a_signing_key_fixes_how_an_address_begins() {
        let of = |sign: PublicKey, encrypt: PublicKey| Address::new(Network::Solo, sign, encrypt).unwrap();
        let keys = [1u64, 2, 3].map(|n| PublicKey::of(&Scalar::from(n).into()));
        let begins = address_prefix(Network::Solo, &keys[0]);
        assert_eq!(begins.len(), "ssotto1".len() + 52);
        for encrypt in keys {
            assert!(of(keys[0], encrypt).to_string().starts_with(&begins));
            assert!(!of(keys[1], encrypt).to_string().starts_with(&begins));
        }
    }

    #[test]
    fn reads_what_it_writes() {
        for n in NETWORKS {
            let text = address(n).to_string();
            assert!(text.starts_with(&format!("{}1", prefix(n))));
            assert_eq!(Address::parse(&text, n), Ok(address(n)));
            assert_eq!(Address::parse(&format!(" {} \n", text.to_uppercase()), n), Ok(address(n)));
        }
    }

    #[test]
    fn another_network_is_named() {
        let text = address(Network::Test).to_string();
        let expected = AddressError::Network { found: Network::Test, expected: Network::Main };
        assert_eq!(Address::parse(&text, Network::Main), Err(expected));
    }

    #[test]
    fn every_changed_character_is_found() {
        let text = address(Network::Solo).to_string();
        for i in "ssotto1".len()..text.len() {
            let mut bad = text.clone().into_bytes();
            bad[i] = if bad[i] == b'q' { b'p' } else { b'q' };
            let bad = String::from_utf8(bad).unwrap();
            assert_eq!(Address::parse(&bad, Network::Solo), Err(AddressError::Checksum), "{i}");
            assert!(Address::parse(&text[..i], Network::Solo).is_err());
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "bob", "1", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "ssotto1b"] {
            assert_eq!(Address::parse(text, Network::Solo), Err(AddressError::NotAnAddress), "{text}");
        }
        let hrp = Hrp::parse("ssotto").unwrap();
        let encode = |bytes: &[u8]| bech32::encode::<Bech32m>(hrp, bytes).unwrap();
        let good = [&[VERSION][..], Point::g().as_bytes(), Point::h().as_bytes()].concat();
        assert!(Address::parse(&encode(&good), Network::Solo).is_ok());
        // The older checksum is not accepted for the newer.
        let old = bech32::encode::<Bech32>(hrp, &good).unwrap();
        assert_eq!(Address::parse(&old, Network::Solo), Err(AddressError::Checksum));
        let later = [&[2][..], &good[1..]].concat();
        assert_eq!(Address::parse(&encode(&later), Network::Solo), Err(AddressError::Version { found: 2 }));
        assert!(Address::parse(&encode(&good[..64]), Network::Solo).is_err());
        let identity = [&[VERSION][..], Point::g().as_bytes(), &[0; 32]].concat();
        assert_eq!(Address::parse(&encode(&identity), Network::Solo), Err(AddressError::Keys));
        // One letter more, with a checksum that fits: the same keys, and another text.
        let letters = good.iter().copied().bytes_to_fes().chain([Fe32::Q]);
        let longer: String = letters.with_checksum::<Bech32m>(&hrp).chars().collect();
        assert_eq!(Address::parse(&longer, Network::Solo), Err(AddressError::NotAnAddress));
        let broken = [&[VERSION][..], &[0xff; 32], Point::g().as_bytes()].concat();
        assert_eq!(Address::parse(&encode(&broken), Network::Solo), Err(AddressError::Keys));
    }
}
