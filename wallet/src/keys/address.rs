//! Addresses: what a payer needs to know about a payee.
//!
//! ```text
//! address = bech32m(prefix of the network, version (1) ‖ two keys (64))
//!
//! version 1, interactive   signing key ‖ encryption key
//! version 2, payment       A ‖ B       one-sided payments; the message keys follow from both (`payment_keys`)
//! ```
//!
//! The prefix names the network: `sotto` (main), `tsotto` (test), `ssotto` (solo). The checksum detects any
//! three wrong characters at this length (BIP-350; BIP-173, "Checksum design"). All keys are ristretto255
//! points. The signing key signs receipts; messages are encrypted to a separate key, so that no protocol uses
//! one key for both.
//!
//! ```text
//! bytes = network + 16·(version − 1) (1) ‖ two keys (64)                           inside messages and files
//! ```

use super::derive::derive_scalar;
use crate::tag;
use bech32::{Bech32m, Hrp, primitives::decode::UncheckedHrpstring};
use core::fmt;
use sotto_mw::{
    chain::Network,
    codec::{Decode, DecodeError, Encode, Reader},
    group::Point,
    schnorr::PublicKey,
    secret::SecretScalar,
};

/// The version of an address, and with it what its keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Version {
    Interactive = 1,
    Payment = 2,
}

const VERSIONS: [Version; 2] = [Version::Interactive, Version::Payment];

const BYTES: usize = 65;

const NETWORKS: [Network; 3] = [Network::Main, Network::Test, Network::Solo];

const fn prefix(network: Network) -> &'static str {
    match network {
        Network::Main => "sotto",
        Network::Test => "tsotto",
        Network::Solo => "ssotto",
    }
}

/// An address: a network and two keys.
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
    version: Version,
    keys: [PublicKey; 2],
}

/// An address that can be paid one-sidedly: its owner need not do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentAddress {
    network: Network,
    view: PublicKey,
    spend: PublicKey,
}

impl PaymentAddress {
    pub(crate) const fn of_keys(network: Network, view: PublicKey, spend: PublicKey) -> Self {
        Self { network, view, spend }
    }

    /// The network of the address.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// A, with which payments are found.
    #[must_use]
    pub const fn view(&self) -> &PublicKey {
        &self.view
    }

    /// B, with which they are spent.
    #[must_use]
    pub const fn spend(&self) -> &PublicKey {
        &self.spend
    }

    /// What the signing key and the encryption key add to B.
    pub(super) fn message_tweaks(&self) -> [SecretScalar; 2] {
        let keys: [&[u8]; 2] = [self.view.as_bytes(), self.spend.as_bytes()];
        [tag::ADDRESS_SIGN, tag::ADDRESS_ENCRYPT].map(|tag| derive_scalar(tag, &keys))
    }
}

impl From<PaymentAddress> for Address {
    fn from(of: PaymentAddress) -> Self {
        Self { network: of.network, version: Version::Payment, keys: [of.view, of.spend] }
    }
}

impl fmt::Display for PaymentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Address::from(*self).fmt(f)
    }
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
    #[error("unsupported address version {found}: expected version 1 or 2")]
    Version {
        /// The version of the address.
        found: u8,
    },
    /// A key is not a valid public key.
    #[error("the address contains an invalid public key")]
    Keys,
}

impl Address {
    /// The interactive address with these keys: signing, encryption.
    pub(crate) const fn interactive(network: Network, keys: [PublicKey; 2]) -> Self {
        Self { network, version: Version::Interactive, keys }
    }

    /// The address with these keys; `None` when a key is the identity.
    fn new(network: Network, version: Version, keys: [PublicKey; 2]) -> Option<Self> {
        let usable = keys.iter().all(|k| !k.point().is_identity());
        usable.then_some(Self { network, version, keys })
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
        let (found, keys) = bytes.split_first().ok_or(AddressError::Checksum)?;
        let version = VERSIONS.into_iter().find(|v| *v as u8 == *found && bytes.len() == BYTES);
        let version = version.ok_or(AddressError::Version { found: *found })?;
        let key = |half: &[u8]| {
            let point = half.try_into().ok().and_then(Point::from_bytes);
            point.map(PublicKey::from_point).ok_or(AddressError::Keys)
        };
        let (first, second) = keys.split_at(32);
        let keys = [key(first)?, key(second)?];
        let address = Self::new(network, version, keys).ok_or(AddressError::Keys)?;
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

    /// The address as one that can be paid one-sidedly; `None` for an interactive one.
    #[must_use]
    pub fn payment_address(&self) -> Option<PaymentAddress> {
        let [view, spend] = self.keys;
        (self.version == Version::Payment).then_some(PaymentAddress { network: self.network, view, spend })
    }

    /// The key that verifies receipts. For a payment address it takes a multiplication of the curve.
    #[must_use]
    pub fn sign(&self) -> PublicKey {
        let [sign, _] = self.message_keys();
        sign
    }

    /// The key that messages are encrypted to, as costly.
    #[must_use]
    pub fn encrypt(&self) -> PublicKey {
        let [_, encrypt] = self.message_keys();
        encrypt
    }

    fn message_keys(&self) -> [PublicKey; 2] {
        self.payment_address()
            .map_or(self.keys, |to| to.message_tweaks().map(|tweak| to.spend.plus(&PublicKey::of(&tweak))))
    }

    /// How an address is shown where only its signing key is proven: a payment address whole, because all of
    /// it enters the signing key; of an interactive one, what every address with that key begins with.
    #[must_use]
    pub fn proven_text(&self) -> String {
        let text = self.to_string();
        // Five bits a letter: those that version and signing key fill, but the last, which the next key
        // shares.
        let letters = prefix(self.network).len() + 1 + (8 * (1 + 32)) / 5;
        match self.version {
            Version::Interactive => format!("{}…", text.get(..letters).unwrap_or(&text)),
            Version::Payment => text,
        }
    }
}

/// Whether a text begins as an address of any network does.
pub(crate) fn looks_like_an_address(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    NETWORKS.into_iter().any(|n| lower.strip_prefix(prefix(n)).is_some_and(|rest| rest.starts_with('1')))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = &self.keys;
        let bytes = [&[self.version as u8][..], first.as_bytes(), second.as_bytes()].concat();
        let hrp = Hrp::parse(prefix(self.network)).map_err(|_| fmt::Error)?;
        bech32::encode_lower_to_fmt::<Bech32m, _>(f, hrp, &bytes).map_err(|_| fmt::Error)
    }
}

/// What a version adds to the byte of the network.
const VERSION_STEP: u8 = 16;

impl Encode for Address {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.network as u8 + VERSION_STEP * (self.version as u8 - 1));
        self.keys.iter().for_each(|key| key.encode(out));
    }
}

impl Decode for Address {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let code = r.u8()?;
        let version = VERSIONS.into_iter().find(|v| *v as u8 - 1 == code / VERSION_STEP);
        let network = NETWORKS.into_iter().find(|n| *n as u8 == code % VERSION_STEP);
        let (version, network) = version.zip(network).ok_or(DecodeError::Code { what: "network", code })?;
        let keys = [PublicKey::decode(r)?, PublicKey::decode(r)?];
        Self::new(network, version, keys).ok_or(DecodeError::Point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Account, Root, Words};
    use bech32::{Bech32, ByteIterExt, Fe32, Fe32IterExt};
    use sotto_mw::group::Scalar;

    /// Both addresses of one account.
    fn addresses(network: Network) -> [Address; 2] {
        let keys = Root::new(&Words::from_entropy(&[7; 32]).unwrap()).account(Account(0));
        [keys.interactive_identity(network).address, keys.identity(network).address]
    }

    fn address(network: Network) -> Address {
        addresses(network)[0]
    }

    #[test]
    fn a_signing_key_fixes_how_an_interactive_address_begins() {
        let of = |sign, encrypt| Address::interactive(Network::Solo, [sign, encrypt]);
        let keys = [1u64, 2, 3].map(|n| PublicKey::of(&Scalar::from(n).into()));
        let begins = of(keys[0], keys[0]).proven_text();
        let begins = begins.strip_suffix('…').unwrap();
        assert_eq!(begins.len(), "ssotto1".len() + 52);
        for encrypt in keys {
            assert!(of(keys[0], encrypt).to_string().starts_with(begins));
            assert!(!of(keys[1], encrypt).to_string().starts_with(begins));
        }
        let [_, payment] = addresses(Network::Solo);
        assert_eq!(payment.proven_text(), payment.to_string());
    }

    /// The message keys of a payment address follow from both of its keys.
    #[test]
    fn message_keys_depend_on_the_whole_payment_address() {
        let [_, address] = addresses(Network::Solo);
        let to = address.payment_address().unwrap();
        let other = PublicKey::of(&Scalar::from(5u64).into());
        let changed = [
            PaymentAddress::of_keys(Network::Solo, other, *to.spend()),
            PaymentAddress::of_keys(Network::Solo, *to.view(), other),
        ];
        let letters = |a: Address| [a.sign(), a.encrypt(), *to.view(), *to.spend()];
        let all = [letters(address), letters(changed[0].into()), letters(changed[1].into())].concat();
        let letters: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(letters.len(), 8, "six message keys, A and B");
    }

    #[test]
    fn reads_what_it_writes() {
        for n in NETWORKS {
            for address in addresses(n) {
                let text = address.to_string();
                assert!(text.starts_with(&format!("{}1", prefix(n))));
                assert_eq!(text.len(), prefix(n).len() + 1 + 110);
                assert_eq!(Address::parse(&text, n), Ok(address));
                assert_eq!(Address::parse(&format!(" {} \n", text.to_uppercase()), n), Ok(address));
                assert_eq!(Address::from_bytes(&address.to_bytes()), Ok(address));
            }
        }
        let mut bytes = address(Network::Solo).to_bytes();
        for code in [3, 15, 19, 32, 255] {
            bytes[0] = code;
            assert_eq!(Address::from_bytes(&bytes), Err(DecodeError::Code { what: "network", code }));
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
        let good = [&[1][..], Point::g().as_bytes(), Point::h().as_bytes()].concat();
        assert!(Address::parse(&encode(&good), Network::Solo).is_ok());
        // The older checksum is not accepted for the newer.
        let old = bech32::encode::<Bech32>(hrp, &good).unwrap();
        assert_eq!(Address::parse(&old, Network::Solo), Err(AddressError::Checksum));
        let later = [&[3][..], &good[1..]].concat();
        assert_eq!(Address::parse(&encode(&later), Network::Solo), Err(AddressError::Version { found: 3 }));
        assert!(Address::parse(&encode(&good[..64]), Network::Solo).is_err());
        let identity = [&[1][..], Point::g().as_bytes(), &[0; 32]].concat();
        assert_eq!(Address::parse(&encode(&identity), Network::Solo), Err(AddressError::Keys));
        // One letter more, with a checksum that fits: the same keys, and another text.
        let letters = good.iter().copied().bytes_to_fes().chain([Fe32::Q]);
        let longer: String = letters.with_checksum::<Bech32m>(&hrp).chars().collect();
        assert_eq!(Address::parse(&longer, Network::Solo), Err(AddressError::NotAnAddress));
        let broken = [&[1][..], &[0xff; 32], Point::g().as_bytes()].concat();
        assert_eq!(Address::parse(&encode(&broken), Network::Solo), Err(AddressError::Keys));
    }
}
