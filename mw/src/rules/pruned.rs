//! Verifies a pruned chain, which keeps sealed headers, all kernels and the unspent outputs, but no bodies.
//!
//! ```text
//! terms     each change is sealed under the terms before it                     R21 R39
//! headers   each is sealed, follows its parent, states the terms, and adds kernels, down to the genesis
//!           R12 R18 R19 R21 R39
//! kernels   at each height they match the header; each is in its window, unique, signed
//!           R01 R03 R04 R06 R07 R08 R09 R12 R14 R22 R27 R28 R29 R30
//! outputs   chunk by chunk they match the last header; each is proven       R04 R05 R13 R23 R31 R32 R33
//! finally   Σ unspent = supply·H + Σ excesses + offset·G                                R15 R17
//! ```
//!
//! The functions are those for blocks with bodies. Lists arrive in the order of the chain: headers, then
//! kernels, then outputs. Some may be missing; the others are checked all the same, and
//! [`PrunedVerifier::finish`] reports whether any was missing. Signatures and proofs are collected into
//! batches, so memory stays bounded, and a bad one may be reported some lists later, always the first of its
//! batch.
//!
//! [`check_kernels`] and [`check_outputs`] check one list alone, in any order, while a download is in
//! progress.
//!
//! A [`VerifyError`] names the source of the fault. A *mismatch* contradicts the sealed headers, so another
//! peer may have the right data. An *invalid* block is sealed by the operator, so no other data can help.
//!
//! Not checked: what the column "no longer checked" of `docs/RULES.md` lists.

use super::{
    balance::{AuditError, SupplyAudit},
    context::{self, KernelSet, same_kernels},
    proofs::{self, Signed, senders},
    reward, shape,
    verdict::InvalidBlock,
};
use crate::{
    amount::{Amount, Height},
    block::{Header, SealedHeader},
    chain::Chain,
    error::Rejection,
    hash::Hash,
    history::{History, TermsChange},
    kernel::{Excess, Kernel},
    mmr::Peaks,
    output::Output,
    state::{Sighting, Unspent},
    trie::{ChunkProof, Entry, Prefix},
};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Why a pruned chain is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The data do not match the sealed headers (R18, R21, R22, R23, R39); other data may.
    #[error("the data do not belong to this chain: {0}")]
    Mismatch(InvalidBlock),
    /// A sealed block breaks a rule.
    #[error("the chain is invalid: {0}")]
    Invalid(#[from] InvalidBlock),
    /// Headers, kernels or outputs are missing, so there is no verdict.
    #[error("parts of the chain are missing")]
    Incomplete,
    /// The supply does not add up.
    #[error(transparent)]
    Supply(#[from] AuditError),
}

fn mismatch(height: Height, why: Rejection) -> VerifyError {
    VerifyError::Mismatch(InvalidBlock { height, why })
}

/// A rule broken at this height.
fn invalid(height: Height) -> impl Fn(Rejection) -> InvalidBlock {
    move |why| InvalidBlock { height, why }
}

/// Checks that these are all kernels of the blocks after `parent` up to `last`; `before` are the peaks of all
/// earlier kernels. [`PrunedVerifier::kernels`] checks which kernel belongs to which block.
///
/// # Errors
/// [`VerifyError::Mismatch`] with MW-R22.
pub fn check_kernels(
    parent: &Header,
    last: &Header,
    before: &Peaks,
    all: &[Kernel],
) -> Result<(), VerifyError> {
    let same = |peaks: &Peaks, h: &Header| {
        same_kernels(KernelSet::found(peaks), KernelSet::of(h)).map_err(|why| mismatch(h.height, why))
    };
    same(before, parent)?;
    let mut peaks = before.clone();
    all.iter().for_each(|k| peaks.push(k.id()));
    same(&peaks, last)
}

/// Checks that these are all unspent outputs under a prefix after the block `last`, in the order of keys.
///
/// # Errors
/// [`VerifyError::Mismatch`] with MW-R23.
pub fn check_outputs(
    last: &Header,
    prefix: Prefix,
    proof: &ChunkProof,
    all: &[Unspent],
) -> Result<(), VerifyError> {
    let leaf = |u: &Unspent| Entry { key: Unspent::key(&u.output.commitment), leaf: u.leaf() };
    let leaves: Vec<Entry> = all.par_iter().map(leaf).collect();
    context::same_chunk(last, prefix, proof, &leaves).map_err(|why| mismatch(last.height, why))
}

/// Kernels with the height of their block.
type ByBlock<'k> = Vec<(Height, &'k [Kernel])>;

/// Verifies a pruned chain, list by list.
///
/// Memory: some 70 bytes for each header, 90 for each kernel, and one batch.
#[derive(Clone, Debug)]
pub struct PrunedVerifier {
    history: History,
    /// The header that commits to the final state.
    last: SealedHeader,
    /// The last header of an unbroken chain from the genesis.
    tip: Header,
    /// The kernels up to each header so far.
    headers: BTreeMap<Height, KernelSet>,
    /// The last height of an unbroken chain of kernels from the genesis, and of all kernels so far.
    kernels: (Height, Height),
    seen: HashMap<Excess, Sighting>,
    /// Ids of the kernels whose excess may repeat; the excess identifies all others.
    repeatable: HashSet<Hash>,
    sums: SupplyAudit,
    outputs: u64,
    /// The prefixes whose outputs were checked: none overlaps another.
    covered: BTreeMap<u64, Prefix>,
    waiting: Waiting,
}

impl PrunedVerifier {
    /// Starts from the last header.
    ///
    /// # Errors
    /// MW-R21 if it is not sealed, or is the genesis. Under terms that are not known yet, its seal is judged in
    /// the end.
    pub fn new(chain: &Chain, last: &SealedHeader) -> Result<Self, VerifyError> {
        let (history, height) = (History::new(chain), last.header.height);
        if height == Height::GENESIS || history.knows_terms(&last.header) && !history.holds(last) {
            return Err(mismatch(height, Rejection::Seal));
        }
        let tip = Header::genesis(history.chain());
        Ok(Self {
            history,
            last: last.clone(),
            headers: [(Height::GENESIS, KernelSet::of(&tip))].into(),
            tip,
            kernels: (Height::GENESIS, Height::GENESIS),
            seen: HashMap::new(),
            repeatable: HashSet::new(),
            sums: SupplyAudit::default(),
            outputs: 0,
            covered: BTreeMap::new(),
            waiting: Waiting::default(),
        })
    }

    /// The terms of all heights, as far as they were shown.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Takes changes of the terms, before the headers that state them. Those that are known are passed over.
    ///
    /// # Errors
    /// [`VerifyError::Mismatch`] with MW-R21 for the first that does not follow from those before it.
    pub fn terms(&mut self, changes: &[TermsChange]) -> Result<(), VerifyError> {
        let known = self.history.last_change();
        let new = changes.iter().position(|c| c.sealed.header.height >= known).unwrap_or(changes.len());
        let new = changes.get(new..).unwrap_or_default();
        self.history.extend(new).map_err(|e| mismatch(e.height, Rejection::Seal))
    }

    /// Checks the next headers, which must be consecutive.
    ///
    /// # Errors
    /// [`VerifyError::Mismatch`] with MW-R18, MW-R21 or MW-R39, [`VerifyError::Invalid`] with MW-R19 or
    /// MW-R12. Nothing is remembered then.
    pub fn headers(&mut self, all: &[SealedHeader]) -> Result<(), VerifyError> {
        let (tip, last) = (&self.tip, &self.last.header);
        let unlinked = |h| mismatch(h, Rejection::NotNext { tip: tip.hash(), height: tip.height });
        let (Some(SealedHeader { header: first, .. }), Some(SealedHeader { header: end, .. })) =
            (all.first(), all.last())
        else {
            return Err(unlinked(tip.height));
        };
        let joins = first.height == tip.height.next();
        let leads_to_last = end.height < last.height || end == last;
        if first.height <= tip.height || !leads_to_last {
            return Err(unlinked(first.height));
        }
        let parents = joins.then_some(tip).into_iter().chain(all.iter().map(|s| &s.header));
        let pairs = || parents.clone().zip(all.iter().map(|s| &s.header).skip(usize::from(!joins)));
        for (parent, h) in pairs() {
            context::links(parent, h).map_err(|why| mismatch(h.height, why))?;
        }
        let terms = |s: &SealedHeader| self.history.states_terms(&s.header);
        if let Some(wrong) = all.iter().find(|s| !terms(s)) {
            return Err(mismatch(wrong.header.height, Rejection::WrongTerms));
        }
        let sealed = all.iter().map(|s| (&s.header, &s.seal, self.history.at(s.header.height)));
        proofs::seals(self.history.chain(), sealed)
            .map_err(|(i, why)| mismatch(all.get(i).map_or(first.height, |s| s.header.height), why))?;
        for (parent, h) in pairs() {
            context::in_time(self.history.chain(), parent, h).map_err(invalid(h.height))?;
            shape::adds_kernels(parent, h).map_err(invalid(h.height))?;
        }
        if joins {
            self.tip = end.clone();
        }
        self.headers.extend(all.iter().map(|s| (s.header.height, KernelSet::of(&s.header))));
        Ok(())
    }

    /// Checks the next kernels: those of whole blocks, the first at height `first`; `before` are the peaks of
    /// all earlier kernels. Kernels whose headers are missing are skipped.
    ///
    /// # Errors
    /// [`VerifyError::Mismatch`] with MW-R22, after which nothing is remembered; [`VerifyError::Invalid`]
    /// with any other rule.
    pub fn kernels(&mut self, first: Height, before: &Peaks, all: &[Kernel]) -> Result<(), VerifyError> {
        let Some(parent) = self.headers.get(&first.minus(1)) else { return Ok(()) };
        if first <= self.kernels.1 {
            return Err(mismatch(first, Rejection::KernelRoot));
        }
        let mut height = first.minus(1);
        same_kernels(KernelSet::found(before), *parent).map_err(|why| mismatch(height, why))?;
        let Some(blocks) = self.blocks(first, before, all)? else { return Ok(()) };
        for (h, kernels) in blocks {
            height = h;
            shape::kernels(self.history.chain(), self.history.at(h), kernels).map_err(invalid(h))?;
            kernels.iter().try_for_each(|k| self.kernel(h, k))?;
        }
        self.kernels.1 = height;
        if self.kernels.0.next() == first {
            self.kernels.0 = height;
        }
        Ok(self.waiting.if_many(self.history.chain())?)
    }

    /// The kernels of each block, as the headers count them; `None` if a header is missing.
    fn blocks<'k>(
        &self,
        first: Height,
        before: &Peaks,
        mut rest: &'k [Kernel],
    ) -> Result<Option<ByBlock<'k>>, VerifyError> {
        let (mut blocks, mut peaks, mut height) = (Vec::new(), before.clone(), first);
        while !rest.is_empty() {
            let Some(header) = self.headers.get(&height) else { return Ok(None) };
            let count = header.count.checked_sub(peaks.len()).and_then(|n| usize::try_from(n).ok());
            // None only where these headers were not linked, because one before them is missing.
            let split = count.filter(|n| *n > 0).and_then(|n| rest.split_at_checked(n));
            let (block, after) = split.ok_or_else(|| mismatch(height, Rejection::KernelRoot))?;
            block.iter().for_each(|k| peaks.push(k.id()));
            same_kernels(KernelSet::found(&peaks), *header).map_err(|why| mismatch(height, why))?;
            blocks.push((height, block));
            (rest, height) = (after, height.next());
        }
        Ok(Some(blocks))
    }

    /// MW-R27 to MW-R30, as the state at that height would have it; MW-R14 later.
    fn kernel(&mut self, height: Height, k: &Kernel) -> Result<(), InvalidBlock> {
        let may_repeat = k.features.may_repeat();
        reward::for_this_block(k, height).map_err(invalid(height))?;
        context::in_window(self.history.chain(), k, height).map_err(invalid(height))?;
        let last = self.seen.insert(k.excess, Sighting { height, may_repeat });
        context::excess_may_occur(k, height, last).map_err(invalid(height))?;
        if may_repeat {
            let id = k.id();
            context::occurs_once(id, !self.repeatable.insert(id)).map_err(invalid(height))?;
        }
        self.sums.add_kernel(&k.excess);
        self.waiting.kernels.push((height, k.clone()));
        Ok(())
    }

    /// Checks all unspent outputs under a prefix, in the order of keys. Prefixes may come in any order, each
    /// once.
    ///
    /// # Errors
    /// [`VerifyError::Mismatch`] with MW-R23, also for a prefix that overlaps an earlier one, after which
    /// nothing is remembered; [`VerifyError::Invalid`] with any other rule, and with MW-R23 for an output of
    /// a later block.
    pub fn outputs(
        &mut self,
        prefix: Prefix,
        proof: &ChunkProof,
        all: &[Unspent],
    ) -> Result<(), VerifyError> {
        let last = &self.last.header;
        // An output that counts twice would hide another that is missing.
        let first = first_place(&prefix);
        let before = self.covered.range(..=first).next_back();
        let after = self.covered.range(first..).next();
        if before.into_iter().chain(after).any(|(_, covered)| covered.overlaps(&prefix)) {
            return Err(mismatch(last.height, Rejection::OutputRoot));
        }
        check_outputs(last, prefix, proof, all)?;
        self.covered.insert(first, prefix);
        for u in all {
            let there = Height::GENESIS < u.created && u.created <= last.height;
            let there = if there { Ok(()) } else { Err(Rejection::OutputRoot) };
            there
                .and_then(|()| shape::output(self.history.chain(), &u.output))
                .map_err(invalid(u.created))?;
            self.sums.add_unspent(&u.output.commitment);
            self.waiting.outputs.push((u.created, u.output.clone()));
        }
        self.outputs += all.len() as u64;
        Ok(self.waiting.if_many(self.history.chain())?)
    }

    /// Returns the supply if nothing is missing and the sums agree.
    ///
    /// # Errors
    /// [`VerifyError::Incomplete`], [`VerifyError::Supply`], or a rule that an item of the last batch breaks.
    pub fn finish(mut self) -> Result<Amount, VerifyError> {
        let last = &self.last.header;
        if self.tip != *last || self.kernels.0 != last.height || self.outputs != last.output_count {
            return Err(VerifyError::Incomplete);
        }
        if !self.history.holds(&self.last) {
            return Err(mismatch(last.height, Rejection::Seal));
        }
        self.waiting.now(self.history.chain())?;
        Ok(self.sums.finish(self.history.chain(), last.height, &last.total_offset)?)
    }
}

/// The least key under a prefix, by its first bits.
fn first_place(prefix: &Prefix) -> u64 {
    (u64::from(prefix.index()) << 32) >> prefix.depth()
}

/// Kernels and outputs that wait for a batch.
#[derive(Clone, Debug, Default)]
struct Waiting {
    kernels: Vec<(Height, Kernel)>,
    outputs: Vec<(Height, Output)>,
}

impl Waiting {
    /// Batch sizes.
    const KERNELS: usize = 4_096;
    const OUTPUTS: usize = 1_024;

    fn if_many(&mut self, chain: &Chain) -> Result<(), InvalidBlock> {
        let many = self.kernels.len() >= Self::KERNELS || self.outputs.len() >= Self::OUTPUTS;
        if many { self.now(chain) } else { Ok(()) }
    }

    /// MW-R14, MW-R33, MW-R13 and MW-R32.
    fn now(&mut self, chain: &Chain) -> Result<(), InvalidBlock> {
        let Self { kernels, outputs } = core::mem::take(self);
        let kernels = kernels.iter().map(|(h, k)| (*h, Signed::Kernel(k)));
        let senders = outputs.iter().flat_map(|(h, o)| senders([o]).map(|s| (*h, s)));
        let signed: Vec<_> = kernels.chain(senders).collect();
        let outputs: Vec<_> = outputs.iter().map(|(h, o)| (*h, o)).collect();
        proofs::all(chain, &signed, &outputs)
    }
}
