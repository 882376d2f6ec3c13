//! Where the bytes of a part of a snapshot are that is being made: the pieces of the part.

use super::{
    chain_store::ChainStore,
    error::StoreError,
    file_name::FileName,
    format::RECORD_PREFIX,
    located::Located,
    snapshot_part::{Part, changes_terms, kernels_at},
    snapshot_reference::{Extent, Pieces},
};
use sotto_mw::{amount::Height, codec::Encode, kernel::Kernel, state::Unspent, trie};

/// The pieces of a part of a snapshot of this store.
pub(crate) fn pieces_of(store: &ChainStore, part: &Part) -> Result<Pieces, StoreError> {
    let mut writer = Writer { store, pieces: Pieces::default() };
    match part {
        Part::Headers(all, terms) => {
            let mut terms = terms.iter();
            for sealed in all {
                let bytes = sealed.to_bytes();
                let at = writer.header_at(sealed.header.height, bytes.len())?;
                writer.add(&bytes, Some(at));
                if changes_terms(&sealed.header) {
                    terms.next().into_iter().for_each(|terms| writer.add(&terms.to_bytes(), None));
                }
            }
        }
        Part::Kernels { first, before, kernels } => {
            let front = part.to_bytes().into_iter().take(kernels_at(before) as usize).collect::<Vec<_>>();
            writer.add(&front, None);
            writer.kernels(*first, before.len(), kernels)?;
        }
        Part::Outputs { unspent, .. } => {
            let front = part.to_bytes().into_iter().take(part.outputs_at() as usize).collect::<Vec<_>>();
            writer.add(&front, None);
            writer.outputs(unspent)?;
        }
    }
    Ok(writer.pieces)
}

struct Writer<'a> {
    store: &'a ChainStore,
    pieces: Pieces,
}

impl Writer<'_> {
    fn add(&mut self, bytes: &[u8], place: Option<Extent>) {
        self.pieces.add(&self.store.files, bytes, place);
    }

    /// Where the header of a height with its seal is.
    fn header_at(&self, height: Height, length: usize) -> Result<Extent, StoreError> {
        let (place, head) = (self.store.block_place(height)?, &self.store.head);
        let length = length as u64;
        Ok(if height <= head.base {
            Extent { file: FileName::Base(head.first), offset: place.at.offset, length }
        } else {
            // Before a header is the version of its block.
            let offset = place.at.offset + RECORD_PREFIX as u64 + 1;
            Extent { file: FileName::Segment(place.at.segment), offset, length }
        })
    }

    /// The kernels of whole blocks from height `first` on. After a bonded one in the log comes its bond, and where the
    /// next one is is not known.
    fn kernels(&mut self, first: Height, before: u64, all: &[Kernel]) -> Result<(), StoreError> {
        let head = &self.store.head;
        let (mut height, mut until, mut next) = (first.minus(1), before, None::<Extent>);
        for (k, n) in all.iter().zip(before..) {
            while until <= n {
                height = height.next();
                let place = self.store.block_place(height)?;
                until = place.kernels;
                let in_base = height <= head.base;
                let file =
                    if in_base { FileName::Base(head.first) } else { FileName::Segment(place.at.segment) };
                next = Some(Extent { file, offset: place.kernels_at, length: 0 });
            }
            let bytes = k.to_bytes();
            let at = next.map(|at| Extent { length: bytes.len() as u64, ..at });
            self.add(&bytes, at);
            let ends = k.features.is_bonded() && height > head.base;
            next = at.filter(|_| !ends).map(|at| Extent { offset: at.offset + at.length, ..at });
        }
        Ok(())
    }

    /// Outputs in the order of their keys, each after the height at which it was created.
    fn outputs(&mut self, all: &[Unspent]) -> Result<(), StoreError> {
        let mut part: Option<(trie::Part, Vec<Located>)> = None;
        for u in all {
            let key = Unspent::key(&u.output.commitment);
            let of = trie::Part::of(&key);
            if part.as_ref().is_none_or(|(known, _)| *known != of) {
                part = Some((of, self.store.part(of)?));
            }
            let found = part.iter().flat_map(|(_, all)| all).find(|l| l.entry.key == key);
            let at = found.map(|l| l.extent(&self.store.head));
            let height = u.created.to_bytes();
            // In a base too the height comes before the output.
            let before = at.filter(|at| matches!(at.file, FileName::Base(_)));
            let before = before.map(|at| Extent {
                offset: at.offset.saturating_sub(height.len() as u64),
                length: height.len() as u64,
                ..at
            });
            self.add(&height, before);
            self.add(&u.output.to_bytes(), at);
        }
        Ok(())
    }
}
