//! What members agree on before there is a key: purpose, chain, threshold, members.
//!
//! ```text
//! "sotto keys draft v1" ‖ purpose (1) ‖ chain id (32) ‖ t (1) ‖ n (1) ‖ keys (2) ‖ nonce (32)
//! ‖ before: 0, or 1 ‖ group id (32) ‖ n party keys (1,248 each)
//!
//! group id = H("sotto/keys/group/v1", draft)
//! ```
//!
//! The chain id is zero if the key is to be the operator of a chain that does not exist yet: its id follows from
//! the key.
//!
//! A member's index is its place, from 1. The draft has no signatures of its own: every letter names the group
//! id, so the first letter of each member is its signature.
//!
//! A draft that names the group before it is a *successor*: one member's key is another's, or one member is
//! added at the end. The key of the group stays.
#![deny(clippy::indexing_slicing)]

use core::fmt;

use rand_core::{CryptoRng, RngCore};
use sotto_party::PublicKey;

use crate::codec::{DecodeError, Reader};
use crate::tag::{self, Hash, tagged};

const PREFIX: &str = "sotto keys draft v1";

/// What a group's key is for. The purpose is part of the group id, so a key serves no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Purpose {
    /// Seals the blocks of a chain, as its operator.
    Seal = 1,
    /// Opens the amounts of an audited chain. Signs nothing.
    Audit = 2,
    /// Opens what was encrypted to the group. Signs nothing.
    Vault = 3,
    /// Owns outputs: a pool of keys, one for each output.
    Coin = 4,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 4] = [Self::Seal, Self::Audit, Self::Vault, Self::Coin];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Audit => "audit",
            Self::Vault => "vault",
            Self::Coin => "coin",
        }
    }

    /// How many keys a group of this purpose has.
    #[must_use]
    pub const fn keys(self) -> u16 {
        match self {
            Self::Coin => 256,
            _ => 1,
        }
    }

    /// Whether the group signs. The others compute with their key on points that they are given.
    #[must_use]
    pub const fn signs(self) -> bool {
        matches!(self, Self::Seal | Self::Coin)
    }

    /// Whether two sets of t members must have one in common.
    const fn needs_majority(self) -> bool {
        matches!(self, Self::Seal | Self::Audit)
    }

    fn of_code(code: u8) -> Result<Self, DecodeError> {
        Self::ALL.into_iter().find(|p| *p as u8 == code).ok_or(DecodeError::Value("a purpose"))
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A member of a group, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(u8);

impl Index {
    /// The member with this number; `None` above [`MAX_MEMBERS`] and for 0.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number == 0 || number > MAX_MEMBERS { None } else { Some(Self(number)) }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::new(r.u8()?).ok_or(DecodeError::Value("a member"))
    }

    /// Members in ascending order, each once, with their number (1) before them.
    pub(crate) fn read_set(r: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let set: Vec<Self> = (0..r.u8()?).map(|_| Self::read(r)).collect::<Result<_, _>>()?;
        if set.is_sorted_by(|a, b| a < b) { Ok(set) } else { Err(DecodeError::Value("a set of members")) }
    }

    pub(crate) fn put_set(set: &[Self], out: &mut Vec<u8>) {
        // At most `MAX_MEMBERS`, because each occurs once.
        out.push(set.len() as u8);
        out.extend(set.iter().map(|i| i.0));
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Most members of a group.
pub const MAX_MEMBERS: u8 = 15;

/// The name of a group: the hash of its draft.
pub type GroupId = Hash;

/// Why a draft is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// Too few or too many members.
    #[error("a group has 2 to {MAX_MEMBERS} members, this one has {0}")]
    Members(usize),
    /// Too low or too high a threshold.
    #[error("the threshold is 2 to the number of members ({n}), not {t}")]
    Threshold {
        /// The threshold.
        t: u8,
        /// The number of members.
        n: u8,
    },
    /// Two disjoint sets of members could act.
    #[error(
        "a group for `{purpose}` needs more than half of its members: the threshold {t} of {n} is too low"
    )]
    Minority {
        /// The purpose.
        purpose: Purpose,
        /// The threshold.
        t: u8,
        /// The number of members.
        n: u8,
    },
    /// Only the keys of an operator and of auditors can be older than their chain, which names them.
    #[error("a group needs a chain, unless it is for `seal` or `audit`")]
    NoChain,
    /// A key occurs twice.
    #[error("members {0} and {1} have the same key")]
    SameKey(Index, Index),
    /// A successor that changes more than one member.
    #[error("a successor replaces the key of one member, or adds one at the end, and changes nothing else")]
    NotSuccessor,
}

/// What members agree on.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    purpose: Purpose,
    chain: [u8; 32],
    threshold: u8,
    nonce: [u8; 32],
    before: Option<GroupId>,
    members: Vec<PublicKey>,
}

impl Draft {
    /// In place of a chain's id: the chain is made from the group's key.
    pub const NO_CHAIN: [u8; 32] = [0; 32];

    /// A new draft with a fresh nonce.
    ///
    /// # Errors
    /// [`DraftError`].
    pub fn new(
        purpose: Purpose,
        chain: [u8; 32],
        threshold: u8,
        members: Vec<PublicKey>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, DraftError> {
        let mut draft = Self { purpose, chain, threshold, nonce: [0; 32], before: None, members };
        rng.fill_bytes(&mut draft.nonce);
        draft.check()?;
        Ok(draft)
    }

    /// The draft after this one, in which `key` takes the place `at`, which is a member's or the next one.
    ///
    /// # Errors
    /// [`DraftError`].
    pub fn successor(
        &self,
        at: Index,
        key: PublicKey,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, DraftError> {
        let mut next = Self { before: Some(self.id()), ..self.clone() };
        rng.fill_bytes(&mut next.nonce);
        match next.members.get_mut(usize::from(at.0) - 1) {
            Some(member) => *member = key,
            None => next.members.push(key),
        }
        if next.index_of(next.key(at).ok_or(DraftError::NotSuccessor)?) != Some(at) {
            return Err(DraftError::NotSuccessor);
        }
        next.check()?;
        next.changes(self)?;
        Ok(next)
    }

    /// The member that differs from `earlier`, whose successor this is.
    ///
    /// # Errors
    /// [`DraftError::NotSuccessor`] if this is not its successor.
    pub fn changes(&self, earlier: &Self) -> Result<Index, DraftError> {
        let same = (self.purpose, self.chain, self.threshold, self.before)
            == (earlier.purpose, earlier.chain, earlier.threshold, Some(earlier.id()));
        let changed: Vec<Index> = self.indexes().filter(|i| self.key(*i) != earlier.key(*i)).collect();
        match changed[..] {
            [one] if same && self.members.len() >= earlier.members.len() => Ok(one),
            _ => Err(DraftError::NotSuccessor),
        }
    }

    fn check(&self) -> Result<(), DraftError> {
        let (purpose, t) = (self.purpose, self.threshold);
        let n = u8::try_from(self.members.len()).ok().filter(|n| (2..=MAX_MEMBERS).contains(n));
        let n = n.ok_or(DraftError::Members(self.members.len()))?;
        if !(2..=n).contains(&t) {
            return Err(DraftError::Threshold { t, n });
        }
        if self.chain == Self::NO_CHAIN && !matches!(purpose, Purpose::Seal | Purpose::Audit) {
            return Err(DraftError::NoChain);
        }
        if purpose.needs_majority() && 2 * t <= n {
            return Err(DraftError::Minority { purpose, t, n });
        }
        for i in self.indexes() {
            let first = self.key(i).and_then(|key| self.index_of(key));
            if let Some(first) = first.filter(|first| *first != i) {
                return Err(DraftError::SameKey(first, i));
            }
        }
        Ok(())
    }

    /// The name of the group.
    #[must_use]
    pub fn id(&self) -> GroupId {
        tagged(tag::GROUP, &[&self.to_bytes()])
    }

    /// What the key is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The chain that the key is for; `None` if the chain is made from the key.
    #[must_use]
    pub fn chain(&self) -> Option<&[u8; 32]> {
        Some(&self.chain).filter(|chain| **chain != Self::NO_CHAIN)
    }

    /// How many members must act together.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// The group that this one succeeds.
    #[must_use]
    pub const fn before(&self) -> Option<GroupId> {
        self.before
    }

    /// The members' keys, in their order.
    #[must_use]
    pub fn members(&self) -> &[PublicKey] {
        &self.members
    }

    /// All members, in ascending order.
    pub fn indexes(&self) -> impl DoubleEndedIterator<Item = Index> + use<> {
        // At most `MAX_MEMBERS`.
        (1..=self.members.len() as u8).map(Index)
    }

    /// The key of a member.
    #[must_use]
    pub fn key(&self, member: Index) -> Option<&PublicKey> {
        self.members.get(usize::from(member.0) - 1)
    }

    /// The member with this key.
    #[must_use]
    pub fn index_of(&self, key: &PublicKey) -> Option<Index> {
        let same = |member: &PublicKey| member.signing_bytes() == key.signing_bytes();
        self.indexes().zip(&self.members).find(|(_, member)| same(member)).map(|(i, _)| i)
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = PREFIX.as_bytes().to_vec();
        out.push(self.purpose as u8);
        out.extend_from_slice(&self.chain);
        // At most `MAX_MEMBERS`.
        out.extend_from_slice(&[self.threshold, self.members.len() as u8]);
        out.extend_from_slice(&self.purpose.keys().to_le_bytes());
        out.extend_from_slice(&self.nonce);
        out.push(self.before.is_some().into());
        self.before.iter().for_each(|before| out.extend_from_slice(before.as_bytes()));
        self.members.iter().for_each(|member| out.extend_from_slice(&member.to_bytes()));
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// If it is anything else, or not a valid draft.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(PREFIX, bytes)?;
        let draft = Self::read_rest(&mut r)?;
        r.finish()?;
        Ok(draft)
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.take(PREFIX.len())? != PREFIX.as_bytes() {
            return Err(DecodeError::Foreign(PREFIX));
        }
        Self::read_rest(r)
    }

    fn read_rest(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (purpose, chain) = (Purpose::of_code(r.u8()?)?, r.array()?);
        let (threshold, n) = (r.u8()?, r.u8()?);
        if n > MAX_MEMBERS || r.u16()? != purpose.keys() {
            return Err(DecodeError::Value("a draft"));
        }
        let nonce = r.array()?;
        let before = r.presence()?.then(|| r.array().map(Hash::from_bytes)).transpose()?;
        let key = |_| {
            let key = PublicKey::from_bytes(r.take(PublicKey::BYTES)?);
            key.ok_or(DecodeError::Value("a member's key"))
        };
        let members = (0..n).map(key).collect::<Result<_, _>>()?;
        let draft = Self { purpose, chain, threshold, nonce, before, members };
        draft.check().map_err(|_| DecodeError::Value("a draft"))?;
        Ok(draft)
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (t, n) = (self.threshold, self.members.len());
        write!(f, "Draft({} of {n}, {}, {})", t, self.purpose, self.id())
    }
}
