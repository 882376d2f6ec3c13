//! A state as a snapshot: its parts, one by one.
//!
//! An export goes over the whole state twice, once for the sizes and checks of all parts, which come first;
//! one part is in memory at a time. What stays in memory are the outputs that differ from the tip's.

use crate::{
    codec::Damage,
    seal::SealedHeader,
    storage::{
        branch::Branch,
        chain_store::ChainStore,
        error::{IndexFault, StoreError},
        file_name::FileName,
        located::entry,
        snapshot_format::{MAX_PART, PartEntry, PartKind, Start},
        snapshot_layout::{PartRange, SnapshotLayout},
        snapshot_part::Part,
    },
};
use sotto_mw::{
    amount::Height,
    block::Block,
    chain::Params,
    hash::Hash,
    mmr::Peaks,
    state::Unspent,
    trie::{self, Entry, Prefix, Trie},
};
use std::collections::BTreeMap;

/// The usual number of headers, kernels or outputs in a part, about.
pub const PART_ITEMS: u32 = 1_024;

/// The state after a block, however the chain goes on.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) tip: SealedHeader,
    trie: Trie,
    /// What differs from the store's, by its key in the trie.
    differences: BTreeMap<Hash, Option<Unspent>>,
}

impl State {
    /// The state after block `height`.
    pub(crate) fn of(store: &ChainStore, height: Height) -> Result<Self, StoreError> {
        let (_, commitments, differences) = Branch::at(store, height)?.into_state();
        let tip = store.sealed_header(height)?;
        let (floor, top) = (store.floor(), store.head.header.height);
        let tip = tip.ok_or(StoreError::NotKept { height, floor, tip: top })?;
        let differences = differences.into_iter().map(|(c, u)| (Unspent::key(&c), u)).collect();
        Ok(Self { tip, trie: commitments.outputs, differences })
    }

    /// Follows the chain: a block was connected after this state, or one after it was undone. An output is in
    /// the state as it was before the first block that touched it.
    pub(crate) fn passed(&mut self, block: &Block, spent: &[Unspent]) {
        for u in spent {
            self.differences.entry(Unspent::key(&u.output.commitment)).or_insert_with(|| Some(u.clone()));
        }
        for o in &block.body.outputs {
            self.differences.entry(Unspent::key(&o.commitment)).or_insert(None);
        }
    }

    /// A part; `peaks` are the kernels before, and then those before the next part of kernels.
    pub(crate) fn part(
        &self,
        store: &ChainStore,
        range: &PartRange,
        peaks: &mut Peaks,
    ) -> Result<Part, StoreError> {
        Ok(match range {
            PartRange::Headers(first, last) => {
                Part::headers(store.sealed_headers(*first, *last)?, store.history())
            }
            PartRange::Kernels(first, last) => {
                let before = peaks.clone();
                let count = kernel_count(store, *last)?.saturating_sub(before.len());
                let all = store.kernels_from(before.len()).take(usize::try_from(count).unwrap_or(0));
                let kernels = all.collect::<Result<Vec<_>, _>>()?;
                kernels.iter().for_each(|k| peaks.push(k.id()));
                let last = store.header_entry(*last)?.header;
                if (peaks.len(), peaks.root()) != (last.kernel_count, last.kernel_root) {
                    return Err(store.wrong_kernels());
                }
                Part::Kernels { first: *first, before, kernels }
            }
            PartRange::Outputs(prefix) => self.outputs(store, *prefix)?,
        })
    }

    fn outputs(&self, store: &ChainStore, prefix: Prefix) -> Result<Part, StoreError> {
        let mut trie = self.trie.clone();
        for part in trie.missing_under(prefix) {
            let entries = self.entries(store, part)?;
            store.noting(trie.load(part, entries).map_err(|_| IndexFault::Outputs.into()))?;
        }
        let chunk = trie.chunk(prefix);
        let output = |e: &Entry| {
            let found = match self.differences.get(&e.key) {
                Some(differs) => differs.clone(),
                None => store.unspent_at(&e.key)?,
            };
            found.filter(|u| u.leaf() == e.leaf).ok_or_else(|| IndexFault::Outputs.into())
        };
        let unspent = chunk.leaves.iter().map(output).collect::<Result<_, StoreError>>()?;
        Ok(Part::Outputs { proof: chunk.proof, unspent })
    }

    /// The entries of a part of the trie: the store's, but for the differences.
    fn entries(&self, store: &ChainStore, part: trie::Part) -> Result<Vec<Entry>, StoreError> {
        let same = store.part(part)?.into_iter().map(|l| l.entry);
        let same = same.filter(|e| !self.differences.contains_key(&e.key));
        let differ =
            self.differences.range(part.first_key()..).take_while(|(k, _)| trie::Part::of(k) == part);
        let differ = differ.filter_map(|(_, u)| u.as_ref().map(entry));
        Ok(same.chain(differ).collect())
    }

    /// A part's entry in the table.
    pub(crate) fn entry(&self, place: u32, kind: PartKind, bytes: &[u8]) -> Result<PartEntry, StoreError> {
        let length = u32::try_from(bytes.len()).ok().filter(|n| *n <= MAX_PART);
        let length = length.ok_or(StoreError::damaged(FileName::Index, 0, Damage::Long))?;
        Ok(PartEntry { kind, length, check: Start::check(&self.tip, place, kind, bytes) })
    }

    /// The start of the snapshot with these parts.
    pub(crate) fn start(&self, params: Params, depth: u8, parts: Vec<PartEntry>) -> Start {
        Start { params, tip: self.tip.clone(), depth, parts }
    }
}

/// The snapshot of a state, planned.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) start: Start,
    state: State,
    layout: Vec<PartRange>,
    /// The kernels before each part, of kernels or not.
    before: Vec<Peaks>,
}

impl Snapshot {
    /// Plans the snapshot of the state after block `height`, in parts of about `items`.
    pub(crate) fn plan(store: &ChainStore, height: Height, items: u32) -> Result<Self, StoreError> {
        let state = State::of(store, height)?;
        let counts = (1..=height.get()).map(|h| kernel_count(store, Height::new(h)));
        let counts = counts.collect::<Result<Vec<_>, _>>()?;
        let SnapshotLayout { all: layout, depth } = SnapshotLayout::of(&counts, &state.tip.header, items);
        let (mut peaks, mut before, mut parts) = (Peaks::new(), Vec::new(), Vec::new());
        for (range, place) in layout.iter().zip(0..) {
            before.push(peaks.clone());
            let part = state.part(store, range, &mut peaks)?;
            parts.push(state.entry(place, part.kind(), &part.to_bytes())?);
        }
        let start = state.start(store.chain().params().clone(), depth, parts);
        Ok(Self { start, state, layout, before })
    }

    /// How many parts there are.
    pub(crate) fn len(&self) -> u32 {
        self.layout.len() as u32
    }

    /// A part's bytes.
    pub(crate) fn part(&self, store: &ChainStore, place: u32) -> Result<(PartKind, Vec<u8>), StoreError> {
        let at = place as usize;
        let (range, before) = self.layout.get(at).zip(self.before.get(at)).ok_or(IndexFault::Position)?;
        let part = self.state.part(store, range, &mut before.clone())?;
        Ok((part.kind(), part.to_bytes()))
    }
}

/// The kernels of the chain up to a height above the genesis.
pub(crate) fn kernel_count(store: &ChainStore, h: Height) -> Result<u64, StoreError> {
    store.block_place(h).map(|place| place.kernels)
}
