//! A state written down: the plan of a snapshot, and its parts one by one.
//!
//! Planning goes over the whole state once for the sizes and checks of all parts; writing goes over it again, one part
//! in memory at a time. What stays in memory is 64 bytes for each unspent output, and the outputs that differ from the tip's.

use super::{
    Store,
    branch::{Branch, Differences},
    error::{IndexFault, StoreError},
    files::Files,
};
use crate::wire::{
    Damage,
    snapshot::{MAX_DEPTH, MAX_PART, Part, PartEntry, PartKind, Start},
};
use mw::{
    amount::Height,
    commitment::Commitment,
    hash::Hash,
    mmr::Peaks,
    state::Unspent,
    trie::{Prefix, Trie},
};

/// About how many headers, kernels or outputs a part has, if nobody says otherwise.
pub const PART_ITEMS: u32 = 1_024;

/// Where a part's content comes from.
#[derive(Clone, Debug)]
enum Source {
    Headers { first: Height, last: Height },
    Kernels { first: Height, before: Peaks, count: u64 },
    Outputs(Prefix),
}

/// The snapshot of a state, planned.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) start: Start,
    sources: Vec<Source>,
    trie: Trie,
    /// The unspent outputs in the order of their keys.
    order: Vec<(Hash, Commitment)>,
    differences: Differences,
}

impl Snapshot {
    /// Plans the snapshot of the state after block `height`, in parts of about `items`.
    pub(super) fn plan<F: Files>(store: &Store<F>, height: Height, items: u32) -> Result<Self, StoreError> {
        let (head, commitments, differences) = Branch::at(store, height)?.into_state();
        let tip = store.sealed_header(height)?;
        let (floor, top) = (store.floor(), store.head.header.height);
        let tip = tip.ok_or(StoreError::NotKept { height, floor, tip: top })?;
        let items = u64::from(items.max(1));
        let depth =
            (0..MAX_DEPTH).find(|d| head.header.output_count.div_ceil(1 << d) <= items).unwrap_or(MAX_DEPTH);
        let order = order(store, &differences)?;
        let params = store.chain().params().clone();
        let start = Start { params, tip, depth, parts: Vec::new() };
        let mut snapshot = Self { start, sources: Vec::new(), trie: commitments.outputs, order, differences };
        snapshot.sources = sources(store, height, items, depth)?;
        for place in 0..snapshot.sources.len() as u32 {
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
        self.sources.len() as u32
    }

    /// A part's bytes.
    pub(super) fn part<F: Files>(
        &self,
        store: &Store<F>,
        place: u32,
    ) -> Result<(PartKind, Vec<u8>), StoreError> {
        let source = self.sources.get(place as usize).ok_or(IndexFault::Position)?;
        let (kind, part) = match source {
            Source::Headers { first, last } => {
                (PartKind::Headers, Part::Headers(store.sealed_headers(*first, *last)?))
            }
            Source::Kernels { first, before, count } => {
                let all = store.index.kernels_from(before.len()).take(*count as usize);
                let kernels = all.collect::<Result<_, _>>()?;
                (PartKind::Kernels, Part::Kernels { first: *first, before: before.clone(), kernels })
            }
            Source::Outputs(prefix) => (PartKind::Outputs, self.outputs(store, *prefix)?),
        };
        Ok((kind, part.to_bytes()))
    }

    fn outputs<F: Files>(&self, store: &Store<F>, prefix: Prefix) -> Result<Part, StoreError> {
        let chunk = self.trie.chunk(prefix);
        let from = chunk.leaves.first().map_or(0, |e| self.order.partition_point(|(key, _)| *key < e.key));
        let names = self.order.iter().skip(from).take(chunk.leaves.len());
        let mut unspent: Vec<Unspent> = Vec::with_capacity(chunk.leaves.len());
        for ((_, c), entry) in names.zip(&chunk.leaves) {
            let found = match self.differences.get(c) {
                Some(differs) => differs.clone(),
                None => store.index.unspent(c)?,
            };
            unspent.push(found.filter(|u| u.leaf() == entry.leaf).ok_or(IndexFault::Output(c.encoded()))?);
        }
        if unspent.len() < chunk.leaves.len() {
            return Err(IndexFault::Outputs.into());
        }
        Ok(Part::Outputs { proof: chunk.proof, unspent })
    }
}

/// The names of the unspent outputs in the order of their keys.
fn order<F: Files>(
    store: &Store<F>,
    differences: &Differences,
) -> Result<Vec<(Hash, Commitment)>, StoreError> {
    let keyed = |c: Commitment| (Unspent::key(&c), c);
    let mut all = Vec::new();
    for u in store.all_unspent() {
        let c = u?.output.commitment;
        if !differences.contains_key(&c) {
            all.push(keyed(c));
        }
    }
    all.extend(differences.iter().filter(|(_, u)| u.is_some()).map(|(c, _)| keyed(*c)));
    all.sort_unstable();
    Ok(all)
}

/// What goes into which part.
fn sources<F: Files>(
    store: &Store<F>,
    height: Height,
    items: u64,
    depth: u8,
) -> Result<Vec<Source>, StoreError> {
    let mut all = Vec::new();
    let starts = (1..=height.get()).step_by(usize::try_from(items).unwrap_or(usize::MAX)).map(Height::new);
    all.extend(starts.map(|first| Source::Headers { first, last: first.plus(items - 1).min(height) }));
    let mut kernels = store.kernels();
    let (mut peaks, mut first, mut before) = (Peaks::new(), Height::new(1), Peaks::new());
    for h in (1..=height.get()).map(Height::new) {
        let header = store.header(h)?.ok_or(IndexFault::Header(h))?;
        while peaks.len() < header.kernel_count {
            peaks.push(kernels.next().ok_or(IndexFault::Kernels)??.id());
        }
        let count = peaks.len() - before.len();
        if count >= items || h == height {
            all.push(Source::Kernels {
                first,
                before: core::mem::replace(&mut before, peaks.clone()),
                count,
            });
            first = h.next();
        }
    }
    all.extend((0..1 << depth).filter_map(|i| Prefix::new(depth, i)).map(Source::Outputs));
    Ok(all)
}
