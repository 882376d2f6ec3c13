//! What a part of a snapshot holds, and its bytes.
//!
//! ```text
//! part      = (header ‖ seal ‖ terms of the next height, if they are others)*     kind 0: headers
//!           | first height (8) ‖ length (2) ‖ kernel peaks before ‖ kernel*         kind 1: kernels of blocks
//!           | length (4) ‖ chunk proof (mw) ‖ unspent*                              kind 2: outputs, 2^d parts
//! ```
//!
//! Terms are those that their header states, by their hash: so headers have one part, and who follows the
//! changes from the genesis on can judge each seal.

use crate::{codec::Damage, seal::SealedHeader, storage::snapshot_format::PartKind};
use sotto_mw::{
    amount::Height,
    block::Header,
    codec::{Decode, Encode, Reader},
    history::{History, TermsChange},
    kernel::Kernel,
    mmr::Peaks,
    state::Unspent,
    terms::Terms,
    trie::ChunkProof,
};

/// A part's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Headers and seals, in order, and the terms of the next heights where they are others.
    Headers(Vec<SealedHeader>, Vec<Terms>),
    /// The kernels of whole blocks from `first` on.
    Kernels { first: Height, before: Peaks, kernels: Vec<Kernel> },
    /// All unspent outputs under a prefix, in the order of their keys.
    Outputs { proof: ChunkProof, unspent: Vec<Unspent> },
}

impl Part {
    pub(crate) const fn kind(&self) -> PartKind {
        match self {
            Self::Headers(..) => PartKind::Headers,
            Self::Kernels { .. } => PartKind::Kernels,
            Self::Outputs { .. } => PartKind::Outputs,
        }
    }

    /// Headers, with the terms that they state where these change.
    pub(crate) fn headers(all: Vec<SealedHeader>, history: &History) -> Self {
        let next = all.iter().filter(|s| changes_terms(&s.header)).map(|s| s.header.height.next());
        let terms = next.map(|next| history.at(next).clone()).collect();
        Self::Headers(all, terms)
    }

    /// How many headers, kernels or outputs it holds.
    pub(crate) fn items(&self) -> usize {
        match self {
            Self::Headers(all, _) => all.len(),
            Self::Kernels { kernels, .. } => kernels.len(),
            Self::Outputs { unspent, .. } => unspent.len(),
        }
    }

    /// Where its first output begins.
    pub(crate) fn outputs_at(&self) -> u64 {
        match self {
            Self::Outputs { proof, .. } => 4 + proof.to_bytes().len() as u64,
            _ => 0,
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Headers(all, terms) => {
                let mut terms = terms.iter();
                for sealed in all {
                    sealed.encode(&mut out);
                    if changes_terms(&sealed.header) {
                        terms.next().into_iter().for_each(|t| t.encode(&mut out));
                    }
                }
            }
            Self::Kernels { first, before, kernels } => {
                let before = before.to_bytes();
                first.encode(&mut out);
                out.extend_from_slice(&u16::try_from(before.len()).unwrap_or(u16::MAX).to_le_bytes());
                out.extend_from_slice(&before);
                kernels.iter().for_each(|k| k.encode(&mut out));
            }
            Self::Outputs { proof, unspent } => {
                let proof = proof.to_bytes();
                out.extend_from_slice(&u32::try_from(proof.len()).unwrap_or(u32::MAX).to_le_bytes());
                out.extend_from_slice(&proof);
                unspent.iter().for_each(|u| u.encode(&mut out));
            }
        }
        out
    }

    pub(crate) fn from_bytes(kind: PartKind, bytes: &[u8]) -> Result<Self, Damage> {
        let mut r = Reader::new(bytes);
        match kind {
            PartKind::Headers => headers(&mut r),
            PartKind::Kernels => {
                let (first, length) = (Height::decode(&mut r)?, u16::from_le_bytes(r.array()?));
                let before = Peaks::from_bytes(r.take(length.into())?)?;
                Ok(Self::Kernels { first, before, kernels: rest(&mut r)? })
            }
            PartKind::Outputs => {
                let length = r.u32()?;
                let proof = ChunkProof::from_bytes(r.take(length as usize)?)?;
                Ok(Self::Outputs { proof, unspent: rest(&mut r)? })
            }
        }
    }
}

/// Whether the terms of the next height are others.
pub(crate) fn changes_terms(header: &Header) -> bool {
    header.terms != header.next_terms
}

/// The headers at which the terms change, with those of the next height.
pub(crate) fn terms_changes(all: &[SealedHeader], terms: &[Terms]) -> Vec<TermsChange> {
    let at = all.iter().filter(|s| changes_terms(&s.header)).cloned();
    at.zip(terms.iter().cloned()).map(|(sealed, terms)| TermsChange { sealed, terms }).collect()
}

/// Where each of a part's headers begins, if the part begins at `offset`.
pub(crate) fn header_offsets(all: &[SealedHeader], terms: &[Terms], mut offset: u64) -> Vec<u64> {
    let mut terms = terms.iter();
    let begins = |s: &SealedHeader| {
        let begin = offset;
        let next = if changes_terms(&s.header) { terms.next() } else { None };
        offset += (s.to_bytes().len() + next.map_or(0, |t| t.to_bytes().len())) as u64;
        begin
    };
    all.iter().map(begins).collect()
}

/// Where the kernels of a part begin in it, after the peaks of those before.
pub(crate) fn kernels_at(before: &Peaks) -> u64 {
    8 + 2 + before.to_bytes().len() as u64
}

/// A part of headers. Terms are those that their header states, so that a part has one meaning.
fn headers(r: &mut Reader<'_>) -> Result<Part, Damage> {
    let (mut all, mut terms) = (Vec::new(), Vec::new());
    while r.left() > 0 {
        let sealed = SealedHeader::decode(r)?;
        if changes_terms(&sealed.header) {
            let next = Terms::decode(r)?;
            if next.hash() != sealed.header.next_terms {
                return Err(Damage::Misplaced);
            }
            terms.push(next);
        }
        all.push(sealed);
    }
    Ok(Part::Headers(all, terms))
}

/// All values that are left.
fn rest<T: Decode>(r: &mut Reader<'_>) -> Result<Vec<T>, Damage> {
    let mut all = Vec::new();
    while r.left() > 0 {
        all.push(T::decode(r)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail")]
    use super::*;
    use sotto_mw::{
        hash::Hash,
        terms::{Announced, Change},
        testing::TestChain,
        trie::{Prefix, Trie},
    };

    #[test]
    fn parts_are_read_back_and_no_prefix_of_them_is() {
        let mut solo = TestChain::new(12);
        (0..2).for_each(|_| drop(solo.grow(Vec::new())));
        let headers = solo.blocks().iter().map(SealedHeader::of).collect();
        let headers = Part::headers(headers, &History::new(solo.chain()));
        let length = headers.to_bytes().len() / 2;
        let mut before = Peaks::new();
        before.push(Hash::ZERO);
        let kernels = Part::Kernels { first: Height::new(3), before, kernels: Vec::new() };
        let proof = Trie::new().chunk(Prefix::new(0, 0).unwrap()).proof;
        let outputs = Part::Outputs { proof, unspent: Vec::new() };
        for (kind, part) in
            [(PartKind::Headers, headers), (PartKind::Kernels, kernels), (PartKind::Outputs, outputs)]
        {
            let bytes = part.to_bytes();
            assert_eq!(Part::from_bytes(kind, &bytes).as_ref(), Ok(&part));
            assert!(Part::from_bytes(kind, &[&bytes[..], &[0]].concat()).is_err());
            for at in (0..bytes.len()).filter(|at| kind != PartKind::Headers || at % length != 0) {
                assert!(Part::from_bytes(kind, &bytes[..at]).is_err(), "{kind} {at}");
            }
        }
    }
    /// Where the terms change the next ones follow, and no others.
    #[test]
    fn headers_come_with_the_terms_that_they_state() {
        let mut chain = TestChain::with_validators(13, 4);
        let what = Announced { from: Height::new(900), what: 9 };
        let change = chain.change(Change::Rules(what), Height::new(9));
        chain.grow_with(Vec::new(), Some(change));
        chain.grow(Vec::new());
        let terms = chain.chain().terms().clone();
        let sealed: Vec<_> = chain.blocks().iter().map(SealedHeader::of).collect();
        let mut history = History::new(chain.chain());
        history.append(Height::new(2), &terms);
        let part = Part::headers(sealed.clone(), &history);
        assert_eq!(part, Part::Headers(sealed.clone(), vec![terms.clone()]));
        let bytes = part.to_bytes();
        assert_eq!(Part::from_bytes(PartKind::Headers, &bytes).as_ref(), Ok(&part));
        assert_eq!(
            terms_changes(&sealed, core::slice::from_ref(&terms)),
            [TermsChange { sealed: sealed[0].clone(), terms }]
        );
        let others = Part::Headers(sealed.clone(), vec![chain.chain().params().first_terms()]);
        assert_eq!(Part::from_bytes(PartKind::Headers, &others.to_bytes()), Err(Damage::Misplaced));
        let none = Part::Headers(sealed, Vec::new()).to_bytes();
        assert!(Part::from_bytes(PartKind::Headers, &none).is_err());
    }
}
