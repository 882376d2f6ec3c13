//! What is looked up in the index: blocks by height, kernels by id and by excess, and the terms of all heights.
//!
//! ```text
//! the key, as a hash            the value
//! block at a height             its place: hash of the header, and where header and kernels are
//! kernel with an id             the height of its block
//! kernels with an excess        (height ‖ may repeat (1))*: those above the floor and the last up to it
//! terms                         H(digest before ‖ first height ‖ hash of terms), over all changes
//! ```
//!
//! Absence is an answer here (MW-R29, MW-R30), and the head commits to no set in which it could be proved. So these
//! facts are a Merkle map of the store's own ([`merkle_map`]), whose root is in the entry that says where the index stands:
//! each answer is compared with it, whatever the database has lost. The map is written in the batch of the block that
//! changes it. An answer reads one path, which hardly grows with the chain, and nothing is read ahead.

use super::{
    block_place::BlockPlace,
    database::Batch,
    error::{IndexFault, StoreError},
    index::Index,
    index_format::read_terms_entry,
    key,
    merkle_map::{self, Changes, MapSize},
};
use crate::codec::{put_number, tag, take_number};
use sotto_mw::{
    amount::Height,
    chain::Chain,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::{Hash, tagged},
    history::History,
    kernel::{Excess, Kernel},
    state::Sighting,
    terms::Terms,
};

/// What is looked up.
#[derive(Clone, Copy)]
enum Fact<'a> {
    Block(Height),
    KernelId(&'a Hash),
    Excess(&'a Excess),
    Terms,
}

impl Fact<'_> {
    fn key(&self) -> Hash {
        match self {
            Self::Block(h) => tagged(tag::LOOKUP, &[&[0], &h.to_bytes()]),
            Self::KernelId(id) => tagged(tag::LOOKUP, &[&[1], id.as_bytes()]),
            Self::Excess(e) => tagged(tag::LOOKUP, &[&[2], e.as_bytes()]),
            Self::Terms => tagged(tag::LOOKUP, &[&[3]]),
        }
    }
}

impl Index {
    /// What the map has with these changes.
    fn known<T: Decode>(&self, changes: &Changes, fact: Fact<'_>) -> Result<Option<T>, StoreError> {
        let key = fact.key();
        let value = match changes.get(&key) {
            Some(changed) => changed.clone(),
            None => merkle_map::get(self.db.as_ref(), &self.lookups, &key)?,
        };
        Ok(value.map(|value| T::from_bytes(&value)).transpose().map_err(|_| IndexFault::Lookup)?)
    }

    fn looked_up<T: Decode>(&self, fact: Fact<'_>) -> Result<Option<T>, StoreError> {
        self.known(&Changes::new(), fact)
    }

    /// Adds changes of the map to a batch, which is written next.
    pub(crate) fn note(&mut self, batch: &mut Batch, changes: Changes) -> Result<(), StoreError> {
        self.lookups = merkle_map::edit(self.db.as_ref(), batch, &self.lookups, changes)?;
        Ok(())
    }

    /// A kernel of the block at this height. Blocks up to `floor` are not undone.
    pub(crate) fn note_kernel(
        &self,
        changes: &mut Changes,
        k: &Kernel,
        height: Height,
        floor: Height,
    ) -> Result<(), StoreError> {
        let mut seen: Sightings = self.known(changes, Fact::Excess(&k.excess))?.unwrap_or_default();
        seen.add(Sighting { height, may_repeat: k.features.may_repeat() }, floor);
        changes.insert(Fact::Excess(&k.excess).key(), Some(seen.to_bytes()));
        let mut at = Vec::new();
        put_number(&mut at, height.get());
        changes.insert(Fact::KernelId(&k.id()).key(), Some(at));
        Ok(())
    }

    /// A kernel of the block at this height, which is undone.
    pub(crate) fn forget_kernel(
        &self,
        changes: &mut Changes,
        k: &Kernel,
        height: Height,
    ) -> Result<(), StoreError> {
        let mut seen: Sightings = self.known(changes, Fact::Excess(&k.excess))?.unwrap_or_default();
        seen.0.retain(|s| s.height != height);
        changes.insert(Fact::Excess(&k.excess).key(), (!seen.0.is_empty()).then(|| seen.to_bytes()));
        changes.insert(Fact::KernelId(&k.id()).key(), None);
        Ok(())
    }

    /// A block above the genesis.
    pub(crate) fn note_place(&self, changes: &mut Changes, height: Height, place: &BlockPlace) {
        changes.insert(Fact::Block(height).key(), Some(place.to_bytes()));
    }

    /// A block that is undone.
    pub(crate) fn forget_place(&self, changes: &mut Changes, height: Height) {
        changes.insert(Fact::Block(height).key(), None);
    }

    /// Terms from a height on, after all that are known.
    pub(crate) fn note_terms(
        &self,
        changes: &mut Changes,
        from: Height,
        terms: &Terms,
    ) -> Result<(), StoreError> {
        let before = self.known(changes, Fact::Terms)?.unwrap_or(Hash::ZERO);
        changes.insert(Fact::Terms.key(), Some(with_terms(&before, from, terms).to_bytes()));
        Ok(())
    }

    /// Where the block at a height above the genesis is.
    pub(crate) fn place(&self, h: Height) -> Result<Option<BlockPlace>, StoreError> {
        self.looked_up(Fact::Block(h))
    }

    /// The height of the kernel with this id.
    pub(crate) fn kernel_height(&self, id: &Hash) -> Result<Option<Height>, StoreError> {
        Ok(self.looked_up::<KernelHeight>(Fact::KernelId(id))?.map(|found| found.0))
    }

    /// The last block up to height `last` with this excess; `last` is not below the floor.
    pub(crate) fn last_seen(&self, e: &Excess, last: Height) -> Result<Option<Sighting>, StoreError> {
        let seen: Sightings = self.looked_up(Fact::Excess(e))?.unwrap_or_default();
        Ok(seen.0.into_iter().rfind(|s| s.height <= last))
    }

    /// The terms where they change, each with its first height, in order.
    pub(crate) fn terms(&self) -> impl Iterator<Item = Result<(Height, Terms), StoreError>> + '_ {
        self.scan(key::TERMS).map(|entry| {
            let (k, v) = entry?;
            let from = k.get(key::TERMS.len()..).and_then(|h| h.try_into().ok()).map(u64::from_be_bytes);
            let from = Height::new(from.unwrap_or_default());
            Ok((from, read_terms_entry(&v, from).map_err(|_| IndexFault::Terms(from))?))
        })
    }

    /// The terms of all heights.
    pub(crate) fn history(&self, chain: &Chain) -> Result<History, StoreError> {
        let (mut history, mut digest, mut last) = (History::new(chain), None, Height::GENESIS);
        for change in self.terms() {
            let (from, terms) = change?;
            digest = Some(with_terms(&digest.unwrap_or(Hash::ZERO), from, &terms));
            history.append(from, &terms);
            last = from;
        }
        let same = digest == self.looked_up::<Hash>(Fact::Terms)?;
        if same { Ok(history) } else { Err(IndexFault::Terms(last).into()) }
    }

    /// Reads the whole map.
    pub(crate) fn lookups_size(&self) -> Result<MapSize, StoreError> {
        merkle_map::size(self.db.as_ref(), &self.lookups)
    }
}

/// The digest of terms once they change.
fn with_terms(before: &Hash, from: Height, terms: &Terms) -> Hash {
    tagged(tag::LOOKUP, &[&[4], before.as_bytes(), &from.to_bytes(), terms.hash().as_bytes()])
}

/// The height of a kernel's block.
struct KernelHeight(Height);

impl Decode for KernelHeight {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        take_number(r).map(|n| Self(Height::new(n)))
    }
}

/// Where an excess was seen: above the floor, and the last time up to it. Ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sightings(Vec<Sighting>);

impl Sightings {
    /// Adds the last one, and drops those that no undoing leads back to.
    fn add(&mut self, seen: Sighting, floor: Height) {
        self.0.push(seen);
        let last = self.0.iter().rposition(|s| s.height <= floor).unwrap_or(0);
        self.0.drain(..last);
    }
}

impl Encode for Sightings {
    fn encode(&self, out: &mut Vec<u8>) {
        for Sighting { height, may_repeat } in &self.0 {
            put_number(out, height.get());
            out.push((*may_repeat).into());
        }
    }
}

impl Decode for Sightings {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut all = Vec::new();
        while r.left() > 0 {
            let height = Height::new(take_number(r)?);
            all.push(Sighting { height, may_repeat: r.u8()? == 1 });
        }
        Ok(Self(all))
    }
}

#[cfg(test)]
mod tests;
