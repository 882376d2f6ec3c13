//! What members of a pool plan to do together, and which of them do it.
//!
//! ```text
//! plan  fresh: count (1), keys (1 each) ‖ added: count (1), keys ‖ subtracted: count (1), keys
//!       ‖ signed: count (1), keys ‖ request: length (4), bytes
//!
//! key k of a group of t of n belongs to a set: number k mod C of the C = n! / (t!·(n − t)!) sets of t members, in
//! lexicographic order; only its members answer for it
//! ```
//!
//! **Why a set for each key.** Members answer once for a fresh key. If any t of n could answer, a liar would plan
//! two outputs under one key with two sets of honest members, who never hear of each other; both would be made,
//! and of two outputs with one key a member steals one (`docs/adr/0024`). With one set for a key, whoever makes
//! two outputs needs the same honest member twice.
#![deny(clippy::indexing_slicing)]

use crate::codec::{DecodeError, Reader, put_bytes};
use crate::draft::{Draft, Index, Purpose};

/// A key of a pool, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolKey(u8);

impl core::fmt::Display for PoolKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.0, f)
    }
}

impl PoolKey {
    /// The key that signs as the group, many times; no output has it.
    pub const ADDRESS: Self = Self(0);
    /// The number of fresh keys of a pool.
    pub const FRESH: usize = 255;

    /// The key of this number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// All keys that serve once.
    pub fn all_fresh() -> impl Iterator<Item = Self> {
        (1..=u8::MAX).map(Self)
    }

    pub(crate) fn at(self) -> usize {
        self.0.into()
    }

    /// The members who answer for it; `None` if the group has no pool ([`MAX_SETS`]).
    #[must_use]
    pub fn set(self, draft: &Draft) -> Option<Vec<Index>> {
        let (n, t) = (draft.members().len() as u64, u64::from(draft.threshold()));
        let all = sets(n, t).filter(|all| *all <= MAX_SETS && draft.purpose() == Purpose::Coin)?;
        let (mut number, mut left, mut set) = (u64::from(self.0) % all, t, Vec::new());
        for i in draft.indexes() {
            if left == 0 {
                break;
            }
            // How many sets of the later members complete a set that has this one.
            let with = sets(n - u64::from(i.get()), left - 1)?;
            if number < with {
                set.push(i);
                left -= 1;
            } else {
                number -= with;
            }
        }
        Some(set)
    }
}

/// Most sets of members that share a pool: at 4 of 7, each has seven keys.
pub const MAX_SETS: u64 = 64;

/// n over k.
fn sets(n: u64, k: u64) -> Option<u64> {
    (0..k).try_fold(1u64, |all, i| Some(all.checked_mul(n.checked_sub(i)?)? / (i + 1)))
}

/// What t members do together with keys of their pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Keys that serve once, in this plan: each is answered for. The last one hides what is opened.
    pub fresh: Vec<PoolKey>,
    /// Fresh keys whose secrets are added to what is opened.
    pub added: Vec<PoolKey>,
    /// Keys of earlier plans whose secrets are subtracted from it. That of the last fresh key always is.
    pub subtracted: Vec<PoolKey>,
    /// The keys of the signatures: [`PoolKey::ADDRESS`], or fresh ones.
    pub signed: Vec<PoolKey>,
    /// What all of it is for, in the words of the protocol that plans it.
    pub request: Vec<u8>,
}

impl Plan {
    const MAX_REQUEST: usize = 16 << 10;
    const MAX_FRESH: usize = 4;
    const MAX_SIGNED: usize = 4;

    /// The members who carry it out: those of its fresh keys. `None` if the plan is none of a pool of this draft:
    /// keys of different sets, a key twice, a fresh one spent, an old one made, or the address key in an output.
    #[must_use]
    pub fn set(&self, draft: &Draft) -> Option<Vec<Index>> {
        let Self { fresh, added, subtracted, signed, request } = self;
        let (mask, rest) = fresh.split_last()?;
        let once = |keys: &[PoolKey]| {
            let mut sorted = keys.to_vec();
            sorted.sort_unstable();
            sorted.is_sorted_by(|a, b| a < b)
        };
        let sound = fresh.len() <= Self::MAX_FRESH
            && signed.len() <= Self::MAX_SIGNED
            && request.len() <= Self::MAX_REQUEST
            && [fresh, added, subtracted, signed].into_iter().all(|keys| once(keys))
            && !fresh.contains(&PoolKey::ADDRESS)
            && !subtracted.contains(&PoolKey::ADDRESS)
            && !rest.contains(mask)
            && added.iter().all(|key| rest.contains(key))
            && !subtracted.iter().any(|key| fresh.contains(key))
            && signed.iter().all(|key| *key == PoolKey::ADDRESS || fresh.contains(key));
        let set = mask.set(draft)?;
        (sound && rest.iter().all(|key| key.set(draft).as_ref() == Some(&set))).then_some(set)
    }

    /// The key that hides what is opened.
    pub(crate) fn mask(&self) -> Option<PoolKey> {
        self.fresh.last().copied()
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for keys in [&self.fresh, &self.added, &self.subtracted, &self.signed] {
            // Each key occurs once, and one of 256 is never among them.
            out.push(keys.len() as u8);
            out.extend(keys.iter().map(|key| key.0));
        }
        put_bytes(&self.request, &mut out);
        out
    }

    /// Reads a plan. Whether it is [sound](Self::set) is not checked.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let mut keys = || -> Result<Vec<PoolKey>, DecodeError> {
            let count = r.u8()?;
            Ok(r.take(count.into())?.iter().copied().map(PoolKey).collect())
        };
        let (fresh, added, subtracted, signed) = (keys()?, keys()?, keys()?, keys()?);
        let request = r.bytes(Self::MAX_REQUEST)?.to_vec();
        r.finish()?;
        Ok(Self { fresh, added, subtracted, signed, request })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tests::Team;

    fn numbers(key: u8, draft: &Draft) -> Vec<u8> {
        PoolKey(key).set(draft).unwrap().iter().map(|i| i.get()).collect()
    }

    #[test]
    fn keys_go_round_all_sets() {
        let draft = Team::new(Purpose::Coin, 2, 3).draft;
        let sets: Vec<Vec<u8>> = (0..4).map(|k| numbers(k, &draft)).collect();
        assert_eq!(sets, [vec![1, 2], vec![1, 3], vec![2, 3], vec![1, 2]]);
        for (t, n, all) in [(3, 5, 10), (4, 7, 35), (2, 2, 1), (5, 6, 6)] {
            let draft = Team::new(Purpose::Coin, t, n).draft;
            let sets: BTreeSet<Vec<u8>> = (0..=255).map(|k| numbers(k, &draft)).collect();
            assert_eq!(sets.len(), all);
            assert!(sets.iter().all(|set| set.len() == usize::from(t) && set.is_sorted_by(|a, b| a < b)));
        }
    }

    #[test]
    fn large_groups_and_other_purposes_have_no_pool() {
        assert_eq!(PoolKey(1).set(&Team::new(Purpose::Coin, 5, 9).draft), None);
        assert_eq!(PoolKey(1).set(&Team::new(Purpose::Seal, 2, 3).draft), None);
    }

    #[test]
    fn a_plan_uses_each_key_as_it_may() {
        let draft = Team::new(Purpose::Coin, 2, 3).draft;
        let keys = |numbers: &[u8]| numbers.iter().copied().map(PoolKey).collect::<Vec<_>>();
        let plan = |fresh: &[u8], added: &[u8], subtracted: &[u8], signed: &[u8]| {
            let [fresh, added, subtracted, signed] = [fresh, added, subtracted, signed].map(keys);
            Plan { fresh, added, subtracted, signed, request: vec![1, 2] }
        };
        let good = plan(&[3, 6], &[3], &[1, 2], &[0, 6]);
        assert_eq!(good.set(&draft), PoolKey(3).set(&draft));
        assert_eq!(Plan::from_bytes(&good.to_bytes()), Ok(good.clone()));
        assert!(Plan::from_bytes(&[&good.to_bytes()[..], &[0]].concat()).is_err());
        for bad in [
            plan(&[], &[], &[1], &[0]),
            plan(&[3, 3], &[3], &[], &[]),
            plan(&[3, 7], &[3], &[], &[]),
            plan(&[0, 3], &[0], &[], &[]),
            plan(&[3, 6], &[6], &[], &[]),
            plan(&[3, 6], &[9], &[], &[]),
            plan(&[3, 6], &[3], &[3], &[]),
            plan(&[3, 6], &[3], &[6], &[]),
            plan(&[3, 6], &[3], &[0], &[]),
            plan(&[3, 6], &[3], &[1, 1], &[]),
            plan(&[3, 6], &[3, 3], &[1], &[]),
            plan(&[3, 6], &[3], &[1], &[9]),
            plan(&[3, 6, 9, 12, 15], &[3], &[], &[]),
            Plan { request: vec![0; Plan::MAX_REQUEST + 1], ..good },
        ] {
            assert_eq!(bad.set(&draft), None, "{bad:?}");
        }
    }
}
