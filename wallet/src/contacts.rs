//! Contacts: names for addresses, so that people do not have to retype addresses.
//!
//! A name has 1 to 32 ASCII letters, digits, `-`, `_` or `.`: it is shorter than any address, and contains no
//! look-alike characters. Names are compared without case. A name means one address until it is removed.
//!
//! ```text
//! bytes = count (4) ‖ [length (1) ‖ name ‖ address (65)], in strictly ascending order of the names
//! ```
#![deny(clippy::indexing_slicing)]

use crate::{
    codec::{count, put_count},
    keys::{Address, AddressError, looks_like_an_address},
};
use core::fmt;
use sotto_mw::{
    chain::Network,
    codec::{Decode, DecodeError, Encode, Reader},
};
use std::collections::BTreeMap;

/// The name of a contact. It keeps the case in which it was written, and is compared without case.
#[derive(Clone, Debug)]
pub struct ContactName(String);

impl ContactName {
    /// The maximum length of a name.
    pub const MAX: usize = 32;

    /// The name with this text; `None` when it is empty, too long, or contains other characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let fits = (1..=Self::MAX).contains(&text.len()) && text.chars().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// The text of the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for ContactName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl Eq for ContactName {}
impl PartialOrd for ContactName {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ContactName {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        let lower = |n: &Self| n.0.to_ascii_lowercase();
        lower(self).cmp(&lower(other))
    }
}

/// Why a contact cannot be added, removed or resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// The text is not a valid name.
    #[error("invalid contact name: expected 1 to 32 letters, digits, `-`, `_` or `.`")]
    Name,
    /// The name already means another address.
    #[error("contact `{name}` has another address: remove that contact first, or choose another name")]
    Taken {
        /// The name.
        name: ContactName,
    },
    /// The address has a name already.
    #[error("this address is contact `{name}` already: remove that contact first, or use its name")]
    Named {
        /// The name.
        name: ContactName,
    },
    /// The name begins like an address.
    #[error("a contact's name must not begin like an address")]
    LikeAnAddress,
    /// The address belongs to another network.
    #[error("the address belongs to the {found} network: expected the {expected} network of this wallet")]
    Network {
        /// The network of the address.
        found: Network,
        /// The network of the wallet.
        expected: Network,
    },
    /// The text is neither a contact nor an address.
    #[error("unknown contact `{name}`: it is neither a contact of this wallet nor an address")]
    Unknown {
        /// The name.
        name: ContactName,
    },
    /// The text is too long for a name, and not a valid address.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// The contacts of a wallet.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use rand_core::OsRng;
/// # use sotto_wallet::{Account, Installation, MemoryChain, MemoryStore, Wallet, Words};
/// use sotto_wallet::contacts::ContactName;
///
/// # let chain = MemoryChain::solo(&mut OsRng)?;
/// # let (words, installation) = (Words::generate(&mut OsRng)?, Installation::in_memory([1; 32]));
/// # let mut wallet = Wallet::create(MemoryStore::default(), chain.chain().clone(), words, installation)?;
/// let address = wallet.address(Account(0))?;
/// wallet.add_contact(ContactName::new("bob").ok_or("invalid name")?, address)?;
/// assert_eq!(wallet.contacts().resolve("Bob", address.network())?, address);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contacts(BTreeMap<ContactName, Address>);

impl Contacts {
    /// Adds a contact. Adding the same contact again changes nothing. One address has one name, so that the
    /// name that is shown is the one that was typed; and no name looks like an address.
    ///
    /// # Errors
    /// [`ContactError::Taken`], [`ContactError::Named`] or [`ContactError::LikeAnAddress`].
    pub(crate) fn add(&mut self, name: ContactName, address: Address) -> Result<(), ContactError> {
        if looks_like_an_address(name.as_str()) {
            return Err(ContactError::LikeAnAddress);
        }
        if let Some(other) = self.name_of(&address).filter(|other| **other != name) {
            return Err(ContactError::Named { name: other.clone() });
        }
        match self.0.get(&name) {
            Some(known) if *known != address => Err(ContactError::Taken { name }),
            Some(_) => Ok(()),
            None => {
                self.0.insert(name, address);
                Ok(())
            }
        }
    }

    /// Removes a contact.
    ///
    /// # Errors
    /// [`ContactError::Unknown`].
    pub(crate) fn remove(&mut self, name: ContactName) -> Result<Address, ContactError> {
        self.0.remove(&name).ok_or(ContactError::Unknown { name })
    }

    /// All contacts, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&ContactName, &Address)> {
        self.0.iter()
    }

    /// The first name of this address, if it has one.
    #[must_use]
    pub fn name_of(&self, address: &Address) -> Option<&ContactName> {
        self.iter().find(|(_, a)| *a == address).map(|(name, _)| name)
    }

    /// Resolves what a person typed: the name of a contact, or an address of `network`.
    ///
    /// # Errors
    /// [`ContactError`] when the text is neither.
    pub fn resolve(&self, text: &str, network: Network) -> Result<Address, ContactError> {
        match ContactName::new(text.trim()) {
            Some(name) => self.0.get(&name).copied().ok_or(ContactError::Unknown { name }),
            None => Ok(Address::parse(text, network)?),
        }
    }
}

/// Fewest bytes of a contact.
const LEAST_BYTES: usize = 1 + 1 + 65;

impl Encode for Contacts {
    fn encode(&self, out: &mut Vec<u8>) {
        put_count(self.0.len(), out);
        for (name, address) in &self.0 {
            out.push(u8::try_from(name.as_str().len()).unwrap_or(u8::MAX));
            out.extend_from_slice(name.as_str().as_bytes());
            address.encode(out);
        }
    }
}

impl Decode for Contacts {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let n = count(r, "contacts", LEAST_BYTES)?;
        let mut all = Self::default();
        for _ in 0..n {
            let n = r.u8()?;
            let text = core::str::from_utf8(r.take(n.into())?).ok();
            let name = text.and_then(ContactName::new);
            let name = name.ok_or(DecodeError::Code { what: "contact's name", code: n })?;
            if all.0.last_key_value().is_some_and(|(last, _)| *last >= name) {
                return Err(DecodeError::Code { what: "ascending name", code: 0 });
            }
            all.0.insert(name, Address::decode(r)?);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Account, Root, Words};

    fn address(n: u32) -> Address {
        Root::new(&Words::from_entropy(&[7; 32]).unwrap()).account(Account(n)).identity(Network::Solo).address
    }

    fn name(text: &str) -> ContactName {
        ContactName::new(text).unwrap()
    }

    #[test]
    fn a_name_means_one_address() {
        let mut all = Contacts::default();
        all.add(name("Bob"), address(0)).unwrap();
        all.add(name("bob"), address(0)).unwrap();
        assert_eq!(all.add(name("BOB"), address(1)), Err(ContactError::Taken { name: name("bob") }));
        assert_eq!(all.resolve(" bob ", Network::Solo), Ok(address(0)));
        assert_eq!(all.resolve(&address(1).to_string(), Network::Solo), Ok(address(1)));
        assert_eq!(all.name_of(&address(0)).map(ContactName::as_str), Some("Bob"));
        assert_eq!(all.add(name("robert"), address(0)), Err(ContactError::Named { name: name("bob") }));
        for like in ["ssotto1x", "SOTTO1", "tsotto1bob"] {
            assert_eq!(all.add(name(like), address(1)), Err(ContactError::LikeAnAddress), "{like}");
        }
        let unknown = Err(ContactError::Unknown { name: name("bo") });
        assert_eq!(all.resolve("bo", Network::Solo), unknown);
        assert_eq!(all.remove(name("bO")), unknown);
        assert_eq!(all.remove(name("bOb")), Ok(address(0)));
        assert!(all.resolve("bob", Network::Solo).is_err());
        assert!(matches!(all.resolve(&address(1).to_string(), Network::Main), Err(ContactError::Address(_))));
    }

    #[test]
    fn names_are_short_and_plain() {
        let long = "x".repeat(33);
        for bad in ["", "b b", "bób", "a\u{200b}b", "a/b", "\n", &long] {
            assert!(ContactName::new(bad).is_none(), "{bad:?}");
        }
        assert!(ContactName::new(&"x".repeat(32)).is_some());
    }
}
