//! A state written down: the plan of a snapshot, and its parts one by one.
//!
//! Planning goes over the whole state once for the sizes and checks of all parts; writing goes over it again, one part
//! in memory at a time. What stays in memory are the outputs that differ from the tip's.

use super::{
    Store,
    branch::Branch,
    error::{IndexFault, StoreError},
    files::Files,
};
use crate::{
    engine::parts::{Piece, Pieces},
    wire::{
        Damage,
        snapshot::{MAX_PART, Part, PartEntry, PartKind, Start},
    },
};
use mw::{
    amount::Height,
    hash::Hash,
    mmr::Peaks,
    state::Unspent,
    trie::{Entry, Prefix, Trie},
};
use std::collections::HashMap;

/// About how many headers, kernels or outputs a part has, if nobody says otherwise.
pub const PART_ITEMS: u32 = 1_024;

/// The snapshot of a state, planned.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) start: Start,
    pieces: Vec<Piece>,
    /// The kernels before each part of kernels.
    before: HashMap<Height, Peaks>,
    trie: Trie,
    /// What differs from the tip's, by its key in the trie.
    differences: HashMap<Hash, Option<Unspent>>,
}

impl Snapshot {
    /// Plans the snapshot of the state after block `height`, in parts of about `items`.
    pub(super) fn plan<F: Files>(store: &Store<F>, height: Height, items: u32) -> Result<Self, StoreError> {
        let (head, commitments, differences) = Branch::at(store, height)?.into_state();
        let tip = store.sealed_header(height)?;
        let (floor, top) = (store.floor(), store.head.header.height);
        let tip = tip.ok_or(StoreError::NotKept { height, floor, tip: top })?;
        let counts = (1..=height.get()).map(|h| kernel_count(store, Height::new(h)));
        let counts = counts.collect::<Result<Vec<_>, _>>()?;
        let Pieces { all: pieces, depth } = Pieces::of(&counts, head.header.output_count, items);
        let before = kernels_before(store, &pieces)?;
        let differences = differences.into_iter().map(|(c, u)| (Unspent::key(&c), u)).collect();
        let params = store.chain().params().clone();
        let start = Start { params, tip, depth, parts: Vec::new() };
        let mut snapshot = Self { start, pieces, before, trie: commitments.outputs, differences };
        for place in 0..snapshot.len() {
            let (kind, bytes) = snapshot.part(store, place)?;
            let length = u32::try_from(bytes.len()).ok().filter(|n| *n <= MAX_PART);
            let length = length.ok_or(StoreError::damaged(super::FileName::Index, 0, Damage::Long))?;
            let check = Start::check(&snapshot.start.tip, place, kind, &bytes);
            snapshot.start.parts.push(PartEntry { kind, length, check });
        }
        Ok(snapshot)
    }

    /// How many parts there are.
    pub(super) fn len(&self) -> u32 {
        self.pieces.len() as u32
    }

    /// A part's bytes.
    pub(super) fn part<F: Files>(
        &self,
        store: &Store<F>,
        place: u32,
    ) -> Result<(PartKind, Vec<u8>), StoreError> {
        let part = match self.pieces.get(place as usize).ok_or(IndexFault::Position)? {
            Piece::Headers(first, last) => Part::Headers(store.sealed_headers(*first, *last)?),
            Piece::Kernels(first, last) => {
                let before = self.before.get(first).ok_or(IndexFault::Kernels)?.clone();
                let count = kernel_count(store, *last)?.saturating_sub(before.len());
                let all = store.index.kernels_from(before.len()).take(usize::try_from(count).unwrap_or(0));
                Part::Kernels { first: *first, before, kernels: all.collect::<Result<_, _>>()? }
            }
            Piece::Outputs(prefix) => self.outputs(store, *prefix)?,
        };
        Ok((part.kind(), part.to_bytes()))
    }

    fn outputs<F: Files>(&self, store: &Store<F>, prefix: Prefix) -> Result<Part, StoreError> {
        let chunk = self.trie.chunk(prefix);
        let output = |e: &Entry| {
            let found = match self.differences.get(&e.key) {
                Some(differs) => differs.clone(),
                None => store.index.unspent_at(&e.key)?,
            };
            found.filter(|u| u.leaf() == e.leaf).ok_or_else(|| IndexFault::Outputs.into())
        };
        let unspent = chunk.leaves.iter().map(output).collect::<Result<_, StoreError>>()?;
        Ok(Part::Outputs { proof: chunk.proof, unspent })
    }
}

/// The kernels of the chain up to a height above the genesis.
fn kernel_count<F: Files>(store: &Store<F>, h: Height) -> Result<u64, StoreError> {
    Ok(store.index.header(h)?.ok_or(IndexFault::Header(h))?.header.kernel_count)
}

/// The mountain range before each part of kernels, by its first height.
fn kernels_before<F: Files>(
    store: &Store<F>,
    pieces: &[Piece],
) -> Result<HashMap<Height, Peaks>, StoreError> {
    let (mut kernels, mut peaks, mut all) = (store.kernels(), Peaks::new(), HashMap::new());
    for piece in pieces {
        let Piece::Kernels(first, last) = piece else { continue };
        all.insert(*first, peaks.clone());
        let until = kernel_count(store, *last)?;
        while peaks.len() < until {
            peaks.push(kernels.next().ok_or(IndexFault::Kernels)??.id());
        }
    }
    Ok(all)
}
