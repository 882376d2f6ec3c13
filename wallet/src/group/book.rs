//! What a member keeps of the group's outputs and keys: a list that it can make again from the chain and from the
//! letters that it saw.
//!
//! ```text
//! book    "sotto group book v1" ‖ keys used: count (4), ascending (1 each)
//!         ‖ entries: count (4), in ascending order of their keys: coin (9) ‖ state (1) ‖ height (8)
//! state   1 expected up to this height · 2 unspent since · 3 spent, as was seen at this height
//! ```
//!
//! A key is used once a plan names it, whatever comes of the plan. The book only advises: that a key serves once
//! is what the register of the installation is for.
#![deny(clippy::indexing_slicing)]

use super::{GroupAsked, GroupCoin, GroupKeys};
use crate::{
    codec::{count, put_count, whole},
    scan::ChainSource,
};
use rayon::prelude::*;
use sotto_keys::{Draft, Index, pool::PoolKey};
use sotto_mw::{
    amount::{Amount, Height},
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
};
use std::collections::{BTreeMap, BTreeSet};

const PREFIX: &[u8] = b"sotto group book v1";
/// How many outputs are read at once.
const BATCH: usize = 1_000;
/// Below so many fresh keys a group should prepare its next pool.
const FEW: usize = 64;

/// Where an output of a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoinState {
    /// Members made it; a block up to this height can have it.
    Expected {
        /// The last height of its kernel.
        until: Height,
    },
    /// It is in the chain.
    Unspent {
        /// Since this height.
        since: Height,
    },
    /// It was in the chain, and is not any more.
    Spent {
        /// The height at which that was seen.
        seen: Height,
    },
}

/// An output of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupEntry {
    /// What it follows from.
    pub coin: GroupCoin,
    /// Where it is.
    pub state: CoinState,
}

/// The outputs of a group, and the keys of its pool that were used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupBook {
    used: BTreeSet<PoolKey>,
    entries: BTreeMap<PoolKey, GroupEntry>,
}

impl GroupBook {
    /// The outputs, by their keys.
    pub fn entries(&self) -> impl Iterator<Item = &GroupEntry> {
        self.entries.values()
    }

    /// What can be spent.
    pub(crate) fn unspent(&self) -> impl Iterator<Item = &GroupCoin> {
        let unspent = |e: &&GroupEntry| matches!(e.state, CoinState::Unspent { .. });
        self.entries.values().filter(unspent).map(|e| &e.coin)
    }

    /// Since when this output has been in the chain, if it is.
    pub(super) fn since(&self, coin: &GroupCoin) -> Option<Height> {
        match self.entries.get(&coin.key) {
            Some(GroupEntry { coin: known, state: CoinState::Unspent { since } }) if known == coin => {
                Some(*since)
            }
            _ => None,
        }
    }

    /// The sum of what can be spent.
    #[must_use]
    pub fn balance(&self) -> Amount {
        Amount::checked_sum(self.unspent().map(|coin| coin.amount)).unwrap_or_default()
    }

    /// Whether a plan named this key, or an output has it.
    #[must_use]
    pub fn is_used(&self, key: PoolKey) -> bool {
        self.used.contains(&key)
    }

    /// How many keys are left for all sets of members together.
    #[must_use]
    pub fn fresh(&self) -> usize {
        PoolKey::FRESH - self.used.len()
    }

    /// Whether the group should make the next group now, while it can still pay the money to it.
    #[must_use]
    pub fn asks_for_refill(&self) -> bool {
        self.fresh() < FEW
    }

    /// So many fresh keys of one set of these members, of the set that has most left.
    #[must_use]
    pub fn keys_of(&self, draft: &Draft, with: &[Index], wanted: usize) -> Option<Vec<PoolKey>> {
        let mut sets: BTreeMap<Vec<Index>, Vec<PoolKey>> = BTreeMap::new();
        for key in PoolKey::all_fresh().filter(|key| !self.is_used(*key)) {
            let set = key.set(draft)?;
            if set.iter().all(|i| with.contains(i)) {
                sets.entry(set).or_default().push(key);
            }
        }
        let mut most = sets.into_values().max_by_key(Vec::len).filter(|keys| keys.len() >= wanted)?;
        most.truncate(wanted);
        Some(most)
    }

    /// Notes the keys of a plan, and what it will make. Call this when a plan is seen, whatever comes of it.
    pub fn note(&mut self, asked: &GroupAsked) {
        self.used.extend(&asked.planned().plan.fresh);
        if let Some(coin) = asked.request().made() {
            let state = CoinState::Expected { until: asked.request().not_after() };
            self.entries.entry(coin.key).or_insert(GroupEntry { coin, state });
        }
    }

    /// Reads all unspent outputs, and finds those of the group.
    ///
    /// # Errors
    /// When the source cannot answer; nothing changes then.
    pub fn scan<C: ChainSource>(
        &mut self,
        keys: &GroupKeys<'_>,
        chain: &Chain,
        source: &C,
    ) -> Result<(), C::Error> {
        let (tip, _) = source.tip()?;
        let (mut found, mut after) = (BTreeMap::new(), None);
        loop {
            let batch = source.unspent(after.as_ref(), BATCH)?;
            let Some(last) = batch.last() else { break };
            after = Some(last.key());
            let ours = batch.par_iter().filter_map(|o| Some((keys.recognise(chain, o)?, o.created)));
            let ours: Vec<(GroupCoin, Height)> = ours.collect();
            found.extend(
                ours.into_iter().map(|(coin, since)| {
                    (coin.key, GroupEntry { coin, state: CoinState::Unspent { since } })
                }),
            );
        }
        for (key, entry) in &mut self.entries {
            if matches!(entry.state, CoinState::Unspent { .. }) && !found.contains_key(key) {
                entry.state = CoinState::Spent { seen: tip };
            }
        }
        self.used.extend(found.keys());
        self.entries.extend(found);
        Ok(())
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = PREFIX.to_vec();
        put_count(self.used.len(), &mut out);
        out.extend(self.used.iter().map(|key| key.get()));
        put_count(self.entries.len(), &mut out);
        for GroupEntry { coin, state } in self.entries.values() {
            coin.encode(&mut out);
            let (code, height) = match state {
                CoinState::Expected { until } => (1, until),
                CoinState::Unspent { since } => (2, since),
                CoinState::Spent { seen } => (3, seen),
            };
            out.push(code);
            height.encode(&mut out);
        }
        out
    }

    /// Reads a book.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        whole(bytes, |r| {
            if r.take(PREFIX.len())? != PREFIX {
                return Err(DecodeError::Code { what: "prefix of a group's book", code: 0 });
            }
            let mut book = Self::default();
            for _ in 0..count(r, "keys", 1)? {
                let key = PoolKey::new(r.u8()?);
                if key == PoolKey::ADDRESS || book.used.last().is_some_and(|last| *last >= key) {
                    return Err(DecodeError::Repeated { what: "key of a pool" });
                }
                book.used.insert(key);
            }
            for _ in 0..count(r, "coins", 18)? {
                let entry = entry(r)?;
                let key = entry.coin.key;
                if book.entries.last_key_value().is_some_and(|(last, _)| *last >= key) {
                    return Err(DecodeError::Repeated { what: "coin of a group" });
                }
                book.entries.insert(key, entry);
            }
            Ok(book)
        })
    }
}

fn entry(r: &mut Reader<'_>) -> Result<GroupEntry, DecodeError> {
    let (coin, code, height) = (GroupCoin::decode(r)?, r.u8()?, Height::decode(r)?);
    let state = match code {
        1 => CoinState::Expected { until: height },
        2 => CoinState::Unspent { since: height },
        3 => CoinState::Spent { seen: height },
        code => return Err(DecodeError::Code { what: "state of a coin", code }),
    };
    Ok(GroupEntry { coin, state })
}
