//! The public part of a group: its keys at one epoch, and the members' signatures over them.
//!
//! ```text
//! epoch  "sotto keys epoch v1" ‖ draft ‖ number (8) ‖ session (32) ‖ for each key: A_0 … A_{t−1} (32 each)
//! group  "sotto keys group v1" ‖ length (4) ‖ epoch ‖ letters: count (1), each: length (4), letter
//!        ‖ time of each member's last drill (8 each)
//! ```
//!
//! `A_k` commit to the polynomial on which the shares lie: `X = A_0`, `Y_i = Σ i^k·A_k`. So the public keys of
//! all members, also of those who have no share yet, follow from t points.
//!
//! A [`Group`] only exists with the letters of the members who confirmed the epoch: all of them after a key
//! generation and after a change of members, at least t after a refresh. It verifies alone.
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use curve25519_dalek::ristretto::RistrettoPoint;

use crate::codec::{DecodeError, Reader, put_bytes};
use crate::curve::{points, put_point, vartime_at};
use crate::draft::{Draft, GroupId, Index};
use crate::letter::{Letter, MAX_LETTER, SessionId, Step};
use crate::tag::{self, Hash, tagged};

/// Keys of a group at one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    draft: Draft,
    number: u64,
    session: SessionId,
    keys: Vec<Vec<RistrettoPoint>>,
}

impl Epoch {
    const PREFIX: &str = "sotto keys epoch v1";

    /// `None` unless there are as many keys as the purpose has, with t commitments each, none the identity.
    pub(crate) fn new(
        draft: Draft,
        number: u64,
        session: SessionId,
        keys: Vec<Vec<RistrettoPoint>>,
    ) -> Option<Self> {
        use curve25519_dalek::traits::IsIdentity;
        let t = usize::from(draft.threshold());
        let whole = |key: &Vec<RistrettoPoint>| key.len() == t && !key.iter().any(IsIdentity::is_identity);
        let holds = keys.len() == usize::from(draft.purpose().keys()) && keys.iter().all(whole);
        holds.then_some(Self { draft, number, session, keys })
    }

    /// The draft.
    #[must_use]
    pub const fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The name of the group.
    #[must_use]
    pub fn group(&self) -> GroupId {
        self.draft.id()
    }

    /// How often the shares were refreshed.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The session in which the epoch began.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// How many keys there are.
    #[must_use]
    pub const fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// The public key of this number.
    #[must_use]
    pub fn public_key(&self, key: usize) -> Option<[u8; 32]> {
        self.keys.get(key)?.first().map(|x| x.compress().to_bytes())
    }

    pub(crate) fn keys(&self) -> &[Vec<RistrettoPoint>] {
        &self.keys
    }

    /// `Y_i` of each key.
    pub(crate) fn verifying_shares(&self, member: Index) -> impl Iterator<Item = RistrettoPoint> {
        self.keys.iter().map(move |key| vartime_at(key, 0, member.get()))
    }

    pub(crate) fn verifying_share(&self, key: usize, member: Index) -> Option<RistrettoPoint> {
        self.keys.get(key).map(|key| vartime_at(key, 0, member.get()))
    }

    /// The next epoch with these keys.
    pub(crate) fn next(&self, session: SessionId, keys: Vec<Vec<RistrettoPoint>>) -> Option<Self> {
        Self::new(self.draft.clone(), self.number.checked_add(1)?, session, keys)
    }

    /// The same keys under a successor's draft.
    pub(crate) fn under(&self, draft: Draft, session: SessionId) -> Option<Self> {
        draft.changes(&self.draft).ok()?;
        Self::new(draft, self.number, session, self.keys.clone())
    }

    /// What members sign.
    #[must_use]
    pub fn hash(&self) -> Hash {
        tagged(tag::EPOCH, &[&self.to_bytes()])
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Self::PREFIX.as_bytes().to_vec();
        out.extend_from_slice(&self.draft.to_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(self.session.as_bytes());
        self.keys.iter().flatten().for_each(|a| put_point(a, &mut out));
        out
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(Self::PREFIX, bytes)?;
        let draft = Draft::read(&mut r)?;
        let (number, session) = (r.u64()?, Hash::from_bytes(r.array()?));
        let (m, t) = (usize::from(draft.purpose().keys()), usize::from(draft.threshold()));
        // Before the first of up to 3,840 points is decompressed.
        if r.left() != m * t * 32 {
            return Err(DecodeError::Value("the length of an epoch"));
        }
        let keys = (0..m).map(|_| points(&mut r, t)).collect::<Result<_, _>>()?;
        Self::new(draft, number, session, keys).ok_or(DecodeError::Value("an epoch"))
    }
}

/// An epoch that its members confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    epoch: Epoch,
    letters: Vec<Letter>,
    drills: BTreeMap<Index, u64>,
}

impl Group {
    const PREFIX: &str = "sotto keys group v1";
    const MAX_EPOCH: usize = 256 << 10;

    /// The group, if these letters confirm the epoch.
    #[must_use]
    pub fn new(epoch: Epoch, letters: Vec<Letter>) -> Option<Self> {
        let (draft, hash) = (epoch.draft(), epoch.hash());
        let step = letters.first()?.heading().step;
        let confirms = |letter: &Letter| {
            (letter.heading().step, letter.heading().session) == (step, epoch.session)
                && letter.body().starts_with(hash.as_bytes())
                && letter.is_signed(draft)
        };
        let least = match step {
            Step::Confirmed | Step::Succeeded => draft.members().len(),
            Step::Prepared => draft.threshold().into(),
            _ => return None,
        };
        let ascend = letters.is_sorted_by(|a, b| a.heading().from < b.heading().from);
        let holds = ascend && letters.len() >= least && letters.iter().all(confirms);
        let drills = BTreeMap::new();
        holds.then_some(Self { epoch, letters, drills })
    }

    /// Its keys.
    #[must_use]
    pub const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// What its members agreed on.
    #[must_use]
    pub const fn draft(&self) -> &Draft {
        &self.epoch.draft
    }

    /// The letters that confirm them.
    #[must_use]
    pub fn letters(&self) -> &[Letter] {
        &self.letters
    }

    /// When a member last took part in a drill, in seconds since 1970, as this installation saw it.
    #[must_use]
    pub fn last_drill(&self, member: Index) -> Option<u64> {
        self.drills.get(&member).copied()
    }

    /// Remembers that members took part in a drill.
    pub fn drilled(&mut self, members: impl IntoIterator<Item = Index>, now: u64) {
        let known = |i: &Index| self.epoch.draft.key(*i).is_some();
        let members: Vec<Index> = members.into_iter().filter(known).collect();
        self.drills.extend(members.into_iter().map(|i| (i, now)));
    }

    /// The t members whose last drill is the longest ago.
    #[must_use]
    pub fn due(&self) -> Vec<Index> {
        let mut all: Vec<Index> = self.draft().indexes().collect();
        all.sort_by_key(|i| (self.last_drill(*i).unwrap_or(0), *i));
        all.truncate(self.draft().threshold().into());
        all.sort_unstable();
        all
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Self::PREFIX.as_bytes().to_vec();
        put_bytes(&self.epoch.to_bytes(), &mut out);
        // At most one of each member.
        out.push(self.letters.len() as u8);
        self.letters.iter().for_each(|letter| put_bytes(&letter.to_bytes(), &mut out));
        let drill = |i| self.last_drill(i).unwrap_or(0).to_le_bytes();
        self.draft().indexes().for_each(|i| out.extend_from_slice(&drill(i)));
        out
    }

    /// Reads a group and verifies the signatures of its members.
    ///
    /// # Errors
    /// If it is anything else, or not confirmed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(Self::PREFIX, bytes)?;
        let epoch = Epoch::from_bytes(r.bytes(Self::MAX_EPOCH)?)?;
        let n = epoch.draft.members().len();
        let count = usize::from(r.u8()?);
        if count > n {
            return Err(DecodeError::Value("a number of letters"));
        }
        let letters =
            (0..count).map(|_| Letter::from_bytes(r.bytes(MAX_LETTER)?)).collect::<Result<Vec<_>, _>>()?;
        let mut group = Self::new(epoch, letters).ok_or(DecodeError::Value("the members' signatures"))?;
        for i in group.epoch.draft.indexes() {
            if let time @ 1.. = r.u64()? {
                group.drills.insert(i, time);
            }
        }
        r.finish()?;
        Ok(group)
    }
}
