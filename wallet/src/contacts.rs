//! Contacts: names for addresses, so that nobody retypes one.
//!
//! A name is 1 to 32 ASCII letters, digits, `-`, `_` and `.`: shorter than any address, and without characters that look
//! like others. Names that differ in case alone are the same name, and a name stands for one address until it is removed.

use crate::keys::{Address, AddressError};
use core::fmt;
use sotto_mw::chain::Network;
use std::collections::BTreeMap;

/// A contact's name, as it was written; compared without case.
#[derive(Clone, Debug)]
pub struct Name(String);

impl Name {
    /// Most letters of a name.
    pub const MAX: usize = 32;

    /// This name; `None` when it is empty, too long, or holds other characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let fits = (1..=Self::MAX).contains(&text.len()) && text.chars().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl Eq for Name {}
impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Name {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        let lower = |n: &Self| n.0.to_ascii_lowercase();
        lower(self).cmp(&lower(other))
    }
}

/// Why a contact is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// Not a name.
    #[error("a name has 1 to 32 letters, digits, `-`, `_` or `.`")]
    Name,
    /// Somebody else has the name.
    #[error("`{name}` stands for another address; remove that contact first, or choose another name")]
    Taken {
        /// The name.
        name: Name,
    },
    /// The address is elsewhere.
    #[error("the address belongs to the {found} network, and this wallet is on the {expected} network")]
    Network {
        /// The address's network.
        found: Network,
        /// The wallet's.
        expected: Network,
    },
    /// Nobody has the name, and it is no address.
    #[error("`{name}` is no contact of this wallet, and no address")]
    Unknown {
        /// The name.
        name: Name,
    },
    /// Neither a name nor an address.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// All contacts of a wallet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contacts(pub(crate) BTreeMap<Name, Address>);

impl Contacts {
    /// Gives an address a name; the same again changes nothing.
    ///
    /// # Errors
    /// [`ContactError::Taken`].
    pub(crate) fn add(&mut self, name: Name, address: Address) -> Result<(), ContactError> {
        match self.0.get(&name) {
            Some(known) if *known != address => Err(ContactError::Taken { name }),
            Some(_) => Ok(()),
            None => {
                self.0.insert(name, address);
                Ok(())
            }
        }
    }

    /// Takes a name away.
    ///
    /// # Errors
    /// [`ContactError::Unknown`].
    pub(crate) fn remove(&mut self, name: Name) -> Result<Address, ContactError> {
        self.0.remove(&name).ok_or(ContactError::Unknown { name })
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Address)> {
        self.0.iter()
    }

    /// The first name of an address, if it has one.
    #[must_use]
    pub fn name_of(&self, address: &Address) -> Option<&Name> {
        self.iter().find(|(_, a)| *a == address).map(|(name, _)| name)
    }

    /// What a person wrote: a contact's name, or an address of `network`.
    ///
    /// # Errors
    /// [`ContactError`] when it is neither.
    pub fn resolve(&self, text: &str, network: Network) -> Result<Address, ContactError> {
        match Name::new(text.trim()) {
            Some(name) => self.0.get(&name).copied().ok_or(ContactError::Unknown { name }),
            None => Ok(Address::parse(text, network)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Account, Root, Words};

    fn address(n: u32) -> Address {
        Root::new(&Words::from_entropy(&[7; 32]).unwrap()).account(Account(n)).address(Network::Solo)
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn a_name_stands_for_one_address() {
        let mut all = Contacts::default();
        all.add(name("Bob"), address(0)).unwrap();
        all.add(name("bob"), address(0)).unwrap();
        assert_eq!(all.add(name("BOB"), address(1)), Err(ContactError::Taken { name: name("bob") }));
        assert_eq!(all.resolve(" bob ", Network::Solo), Ok(address(0)));
        assert_eq!(all.resolve(&address(1).to_string(), Network::Solo), Ok(address(1)));
        assert_eq!(all.name_of(&address(0)).map(Name::as_str), Some("Bob"));
        let unknown = Err(ContactError::Unknown { name: name("bo") });
        assert_eq!(all.resolve("bo", Network::Solo), unknown);
        assert_eq!(all.remove(name("bO")), unknown);
        assert_eq!(all.remove(name("bOb")), Ok(address(0)));
        assert!(all.resolve("bob", Network::Solo).is_err());
        assert!(matches!(all.resolve(&address(1).to_string(), Network::Main), Err(ContactError::Address(_))));
    }

    #[test]
    fn names_are_short_and_look_like_themselves() {
        let long = "x".repeat(33);
        for bad in ["", "b b", "bób", "a\u{200b}b", "a/b", "\n", &long] {
            assert!(Name::new(bad).is_none(), "{bad:?}");
        }
        assert!(Name::new(&"x".repeat(32)).is_some());
    }
}
