//! A chain verified from what pruning keeps: headers with seals, all kernels, and the unspent outputs.
//!
//! ```text
//! headers   each is sealed and follows the one before, down to the genesis                       R17 R18 R19 R21
//! kernels   at each height they are those of the header; each is signed, in its window, unique
//!           R04 R06 R07 R08 R12 R14 R22 R27 R28 R29 R30
//! outputs   they are all of the last header's, by chunks; each is proven                     R04 R05 R13 R23
//! at last   Σ unspent = supply·H + Σ excesses + offset·G                                               R15
//! ```
//!
//! Parts of headers and of outputs check alone and in any order, parts of kernels with the headers at hand; a part that
//! is missing leaves all others checkable, and only the last step says that nothing is missing. A fault of a *part*
//! ([`PartFault`]) is cured by a better copy. What breaks a *rule* stands under the operator's seal: no copy cures it.
//!
//! Guaranteed: after that step, what `docs/RULES.md` lists under "still checked"; above all that no amount was made
//! from nothing. Not guaranteed: its other column, R20 first: that past bodies were what their headers say.
//!
//! Where a rule has a public function in [`mw::rules`], that is called; the rest are comparisons with the rule's number.

use crate::{
    seal::SealedHeader,
    wire::{
        Damage,
        snapshot::{Part, PartKind, Start},
    },
};
use mw::{
    amount::{Amount, Height},
    block::{Block, Header},
    commitment::Commitment,
    error::Rejection,
    group::Point,
    hash::Hash,
    kernel::{Excess, Kernel, KernelFeatures},
    mmr::Peaks,
    range_proof::{PROOF_BYTES, RangeProof},
    rules::{self, SupplyAudit, check_block, params::Chain},
    schnorr::{Signed, verify_batch},
    state::{Sighting, Unspent},
    transaction::{Body, Extra, Output, OutputFeatures},
    trie::{ChunkProof, Entry, Prefix, TrieError},
};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Why a part of a snapshot is not what belongs in its place. Another copy of the part may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartFault {
    /// Its bytes are damaged.
    #[error("it is damaged: {0}")]
    Damaged(#[from] Damage),
    /// A header does not follow the one before.
    #[error("its headers do not follow each other or those before")]
    Unlinked,
    /// A header is not the operator's.
    #[error("header {0} is not sealed by this chain's operator")]
    Unsealed(Height),
    /// The kernels are not the header's.
    #[error("its kernels are not those that header {0} commits to")]
    Kernels(Height),
    /// The outputs are not all of the last header's under their prefix.
    #[error("its outputs are not those that the last header commits to: {0}")]
    Outputs(#[from] TrieError),
}

/// Why a pruned chain is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrunedError {
    /// A part does not belong where it stands.
    #[error("{kind}, part {part}: {fault}")]
    Part {
        /// What the part holds.
        kind: PartKind,
        /// Its number among all parts, from 0.
        part: u32,
        /// What is wrong.
        fault: PartFault,
    },
    /// A part is missing, so there is no verdict.
    #[error("parts are missing")]
    Incomplete,
    /// The chain breaks a rule.
    #[error("the chain breaks a rule at height {height}: {why}")]
    Rule {
        /// At the block with this height.
        height: Height,
        /// The rule.
        why: Rejection,
    },
    /// The supply does not add up.
    #[error(transparent)]
    Supply(#[from] rules::AuditError),
}

/// What a checked part means for the whole.
type Checked = Result<(), Verdict>;

enum Verdict {
    Fault(PartFault),
    Rule(Height, Rejection),
}

impl From<PartFault> for Verdict {
    fn from(fault: PartFault) -> Self {
        Self::Fault(fault)
    }
}

/// What a header says of the kernels up to it.
type Mark = (u64, Hash);

/// The parts so far, and what they add up to.
pub(crate) struct Checker<'a> {
    chain: &'a Chain,
    start: &'a Start,
    marks: BTreeMap<Height, Mark>,
    /// The last header of an unbroken chain from the genesis.
    tip: Header,
    /// The kernels of an unbroken chain from the genesis, up to this height.
    kernels: (Peaks, Height),
    seen: HashMap<Excess, Sighting>,
    /// Ids of kernels whose excess may repeat; all others are told apart by their excess.
    repeatable: HashSet<Hash>,
    sums: SupplyAudit,
    outputs: u64,
}

impl<'a> Checker<'a> {
    /// Begins with the last header, which must be sealed.
    pub(crate) fn new(chain: &'a Chain, start: &'a Start) -> Result<Self, PartFault> {
        let last = &start.tip.header;
        if last.height == Height::GENESIS || !start.tip.holds(chain) {
            return Err(PartFault::Unsealed(last.height));
        }
        let tip = Header::genesis(chain);
        Ok(Self {
            chain,
            start,
            marks: [(Height::GENESIS, mark(&tip))].into(),
            tip,
            kernels: (Peaks::new(), Height::GENESIS),
            seen: HashMap::new(),
            repeatable: HashSet::new(),
            sums: SupplyAudit::default(),
            outputs: 0,
        })
    }

    /// Checks the next part; parts come in order, and some may be left out.
    pub(crate) fn part(&mut self, place: u32, part: &Part) -> Result<(), PrunedError> {
        let (kind, checked) = match part {
            Part::Headers(all) => (PartKind::Headers, self.headers(all)),
            Part::Kernels { first, before, kernels } => {
                (PartKind::Kernels, self.kernels(*first, before, kernels))
            }
            Part::Outputs { proof, unspent } => {
                (PartKind::Outputs, self.outputs(self.start.prefix(place), proof, unspent))
            }
        };
        checked.map_err(|verdict| match verdict {
            Verdict::Fault(fault) => PrunedError::Part { kind, part: place, fault },
            Verdict::Rule(height, why) => PrunedError::Rule { height, why },
        })
    }

    /// The supply, if nothing is missing and all of it adds up.
    pub(crate) fn finish(self) -> Result<Amount, PrunedError> {
        let last = &self.start.tip.header;
        if self.tip != *last || self.kernels.1 != last.height || self.outputs != last.output_count {
            return Err(PrunedError::Incomplete);
        }
        Ok(self.sums.finish(self.chain, last.height, &last.total_offset)?)
    }

    fn headers(&mut self, all: &[SealedHeader]) -> Checked {
        let (Some(first), Some(end)) = (all.first(), all.last()) else {
            return Err(PartFault::Unlinked.into());
        };
        let mut before = (self.tip.height.next() == first.header.height).then_some(&self.tip);
        for SealedHeader { header, .. } in all {
            if before.is_some_and(|b| b.hash() != header.previous || b.height.next() != header.height) {
                return Err(PartFault::Unlinked.into());
            }
            before = Some(header);
        }
        let last = &self.start.tip.header;
        if first.header.height <= self.tip.height
            || end.header.height > last.height
            || (end.header.height == last.height && end.header != *last)
        {
            return Err(PartFault::Unlinked.into());
        }
        self.seals(all)?;
        for pair in all.windows(2) {
            if let [a, b] = pair {
                in_time(&a.header, &b.header)?;
            }
        }
        if self.tip.height.next() == first.header.height {
            in_time(&self.tip, &first.header)?;
            self.tip = end.header.clone();
        }
        self.marks.extend(all.iter().map(|s| (s.header.height, mark(&s.header))));
        Ok(())
    }

    fn seals(&self, all: &[SealedHeader]) -> Result<(), PartFault> {
        let signed = |s: &SealedHeader| Signed {
            key: self.chain.params().operator,
            message: s.header.seal_message(self.chain.id()),
            signature: s.seal,
        };
        let signed: Vec<Signed> = all.iter().map(signed).collect();
        let named = |i: usize| all.get(i).map_or(Height::GENESIS, |s| s.header.height);
        verify_batch(&signed).map_err(|i| PartFault::Unsealed(named(i)))
    }

    fn kernels(&mut self, first: Height, before: &Peaks, all: &[Kernel]) -> Checked {
        let mut height = first.minus(1);
        // Without the headers there is nothing to hold them against yet.
        let Some(known) = self.marks.get(&height) else { return Ok(()) };
        if first == Height::GENESIS || *known != (before.len(), before.root()) {
            return Err(PartFault::Kernels(height).into());
        }
        let (mut peaks, mut rest, mut blocks) = (before.clone(), all, Vec::new());
        while !rest.is_empty() {
            height = height.next();
            let Some(known) = self.marks.get(&height) else { return Ok(()) };
            let count = known.0.checked_sub(peaks.len()).and_then(|n| usize::try_from(n).ok());
            let split = count.filter(|n| *n > 0).and_then(|n| rest.split_at_checked(n));
            let (block, after) = split.ok_or(PartFault::Kernels(height))?;
            block.iter().for_each(|k| peaks.push(k.id()));
            if *known != (peaks.len(), peaks.root()) {
                return Err(PartFault::Kernels(height).into());
            }
            blocks.push((height, block));
            rest = after;
        }
        self.signed(&blocks, all)?;
        for (height, block) in &blocks {
            well_formed(self.chain, self.start, *height, block)?;
            block.iter().try_for_each(|k| self.context(*height, k))?;
        }
        if self.kernels.1.next() == first {
            self.kernels = (peaks, height);
        }
        Ok(())
    }

    /// R14.
    fn signed(&self, blocks: &[(Height, &[Kernel])], all: &[Kernel]) -> Checked {
        let signed: Vec<Signed> = all.par_iter().map(|k| k.signed(self.chain.id())).collect();
        let Err(at) = verify_batch(&signed) else { return Ok(()) };
        let heights = blocks.iter().flat_map(|(h, block)| block.iter().map(|k| (*h, k)));
        match heights.into_iter().nth(at) {
            Some((h, k)) => Err(Verdict::Rule(h, Rejection::KernelSignature { excess: k.excess.encoded() })),
            None => Err(PartFault::Kernels(Height::GENESIS).into()),
        }
    }

    /// R27 to R30, as the state at that height would have it.
    fn context(&mut self, height: Height, k: &Kernel) -> Checked {
        let broken = |why| Err(Verdict::Rule(height, why));
        match k.features {
            KernelFeatures::Coinbase { height: signed } if signed != height => {
                return broken(Rejection::CoinbaseHeight { signed, height });
            }
            _ => {}
        }
        let w = k.features.window(self.chain.params().window_width);
        if !w.contains(height) {
            let (not_before, not_after) = (w.not_before, w.not_after);
            return broken(Rejection::OutsideWindow { height, not_before, not_after });
        }
        let may_repeat = k.features.may_repeat();
        if let Some(last) = self.seen.insert(k.excess, Sighting { height, may_repeat }) {
            let distance = match k.features {
                KernelFeatures::NoRecentDuplicate { distance, .. } if last.may_repeat => distance,
                _ => u64::MAX,
            };
            if height < last.height.plus(distance) {
                return broken(Rejection::ExcessRepeated { excess: k.excess.encoded() });
            }
        }
        if may_repeat && !self.repeatable.insert(k.id()) {
            return broken(Rejection::KernelRepeated { id: k.id() });
        }
        self.sums.add_kernel(&k.excess);
        Ok(())
    }

    fn outputs(&mut self, prefix: Option<Prefix>, proof: &ChunkProof, all: &[Unspent]) -> Checked {
        let last = &self.start.tip.header;
        let shape = PartFault::Outputs(TrieError::Shape);
        let leaf = |u: &Unspent| Entry { key: Unspent::key(&u.output.commitment), leaf: u.leaf() };
        let leaves: Vec<Entry> = all.par_iter().map(leaf).collect();
        proof.verify(&last.output_root, prefix.ok_or(shape)?, &leaves).map_err(PartFault::Outputs)?;
        if proof.trie_len() != last.output_count {
            return Err(shape.into());
        }
        let bad = all.par_iter().find_map_first(|u| self.unproven(u).map(|why| (u.created, why)));
        if let Some((height, why)) = bad {
            return Err(Verdict::Rule(height, why));
        }
        all.iter().for_each(|u| self.sums.add_unspent(&u.output.commitment));
        self.outputs += all.len() as u64;
        Ok(())
    }

    /// The rule that an output breaks: R04, R05 or R13, or R23 when its height lies ahead.
    fn unproven(&self, u: &Unspent) -> Option<Rejection> {
        let output = u.output.commitment.encoded();
        if u.output.commitment.point().is_identity() {
            Some(Rejection::Identity { item: "commitment" })
        } else if u.created == Height::GENESIS || u.created > self.start.tip.header.height {
            Some(Rejection::OutputRoot)
        } else if u.output.proof_holds(self.chain.id()) {
            None
        } else {
            Some(Rejection::RangeProof { output })
        }
    }
}

const fn mark(h: &Header) -> Mark {
    (h.kernel_count, h.kernel_root)
}

/// R19.
fn in_time(parent: &Header, h: &Header) -> Checked {
    let why = Rejection::TimeBackwards { time: h.time, parent: parent.time };
    if h.time < parent.time { Err(Verdict::Rule(h.height, why)) } else { Ok(()) }
}

/// R01, R03, R04, R06 to R09 and R12 for a block's kernels: the rules' own verdict on the block as if no output
/// of it had been but its reward, in whose place stands one that weighs as much.
fn well_formed(chain: &Chain, start: &Start, height: Height, kernels: &[Kernel]) -> Checked {
    let reward = Output {
        features: OutputFeatures::Coinbase,
        commitment: Commitment::from_point(Point::h()),
        extra: Extra::default(),
        proof: RangeProof::from_bytes(&[0; PROOF_BYTES]),
    };
    let body = Body { inputs: Vec::new(), outputs: vec![reward], kernels: kernels.to_vec() };
    let SealedHeader { header, seal } = start.tip.clone();
    check_block(chain, Block { header, seal, body }).map(drop).map_err(|why| Verdict::Rule(height, why))
}
