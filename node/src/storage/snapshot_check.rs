//! Checks a pruned chain, part by part: which part is not the chain's, or which rule the chain breaks.
//!
//! The rules are [`sotto_mw::rules::pruned`]. This module feeds them the parts of a snapshot or of a store's
//! base, and distinguishes a fault of a *part* ([`PartFault`]), which a better copy cures, from a broken
//! *rule*, which no copy cures.
//!
//! Parts come in order and some may be missing: all others are checked nevertheless, and only the last step
//! finds that a part is missing.

use crate::{
    codec::Damage,
    seal::SealedHeader,
    storage::{
        snapshot_format::{PartCount, PartKind},
        snapshot_part::{Part, terms_changes},
    },
};
use sotto_mw::{
    amount::Height,
    chain::Chain,
    error::Rejection,
    history::History,
    rules::{
        self, InvalidBlock,
        pruned::{PrunedVerifier, VerifyError},
    },
};

/// Why a part of a snapshot is not the chain's. Another copy of the part may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartFault {
    /// Its bytes are damaged.
    #[error("it is damaged: {0}")]
    Damaged(#[from] Damage),
    /// A header does not follow the one before.
    #[error("its headers do not follow each other or those before")]
    Unlinked,
    /// A header is not sealed.
    #[error("header {0} is not sealed by who seals this chain")]
    Unsealed(Height),
    /// The kernels are not the header's.
    #[error("its kernels are not those that header {0} commits to")]
    Kernels(Height),
    /// The outputs are not exactly those under their prefix that the last header commits to.
    #[error("its outputs are not those that the last header commits to")]
    Outputs,
}

impl From<InvalidBlock> for PartFault {
    fn from(InvalidBlock { height, why }: InvalidBlock) -> Self {
        match why {
            Rejection::Seal => Self::Unsealed(height),
            Rejection::KernelRoot => Self::Kernels(height),
            Rejection::OutputRoot => Self::Outputs,
            _ => Self::Unlinked,
        }
    }
}

/// Why a pruned chain is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrunedError {
    /// A part is not the chain's.
    #[error("{kind}, part {part}: {fault}")]
    Part {
        /// What the part holds.
        kind: PartKind,
        /// Its number among all parts, from 0.
        part: u32,
        /// What is wrong.
        fault: PartFault,
    },
    /// A part is missing, so the chain cannot be judged.
    #[error("parts are missing")]
    Incomplete,
    /// The chain breaks a rule.
    #[error("the chain breaks a rule at height {height}: {why}")]
    Rule {
        /// The height of the block.
        height: Height,
        /// The rule.
        why: Rejection,
    },
    /// The supply does not add up.
    #[error(transparent)]
    Supply(#[from] rules::AuditError),
}

impl PrunedError {
    fn of(part: u32, kind: PartKind, refusal: VerifyError) -> Self {
        match refusal {
            VerifyError::Mismatch(invalid) => Self::Part { kind, part, fault: invalid.into() },
            VerifyError::Invalid(InvalidBlock { height, why }) => Self::Rule { height, why },
            VerifyError::Incomplete => Self::Incomplete,
            VerifyError::Supply(e) => Self::Supply(e),
        }
    }
}

/// The parts so far.
pub(crate) struct Checker {
    tip: SealedHeader,
    parts: PartCount,
    rules: PrunedVerifier,
}

/// A chain without bodies that is complete and obeys the rules.
#[derive(Debug)]
pub(crate) struct Judged {
    tip: SealedHeader,
    parts: PartCount,
    history: History,
}

impl Judged {
    /// Its last header.
    pub(crate) const fn tip(&self) -> &SealedHeader {
        &self.tip
    }

    /// The terms of all its heights, and of the next.
    pub(crate) const fn history(&self) -> &History {
        &self.history
    }

    /// Its parts.
    pub(crate) const fn parts(&self) -> PartCount {
        self.parts
    }
}

impl Checker {
    /// Begins with the last header, which must be sealed.
    pub(crate) fn new(chain: &Chain, tip: &SealedHeader, parts: PartCount) -> Result<Self, PartFault> {
        let rules = PrunedVerifier::new(chain, tip);
        let rules = rules.map_err(|_| PartFault::Unsealed(tip.header.height))?;
        Ok(Self { tip: tip.clone(), parts, rules })
    }

    /// Checks the next part.
    pub(crate) fn part(&mut self, place: u32, part: &Part) -> Result<(), PrunedError> {
        let checked = match part {
            Part::Headers(all, terms) => {
                self.rules.terms(&terms_changes(all, terms)).and_then(|()| self.rules.headers(all))
            }
            Part::Kernels { first, before, kernels } => self.rules.kernels(*first, before, kernels),
            Part::Outputs { proof, unspent } => {
                let (kind, fault) = (PartKind::Outputs, PartFault::Outputs);
                let outside = PrunedError::Part { kind, part: place, fault };
                self.rules.outputs(self.parts.prefix(place).ok_or(outside)?, proof, unspent)
            }
        };
        checked.map_err(|refusal| PrunedError::of(place, part.kind(), refusal))
    }

    /// The verdict, if nothing is missing and all of it adds up.
    pub(crate) fn finish(self) -> Result<Judged, PrunedError> {
        let Self { tip, parts, rules } = self;
        let history = rules.history().clone();
        rules.finish().map_err(|refusal| PrunedError::of(0, PartKind::Headers, refusal))?;
        Ok(Judged { tip, parts, history })
    }
}
