//! The claim of one range proof: its commitment is in range, in its context; and what of it is judged.

use crate::{
    commitment::Commitment,
    features::{Audit, OutputContext},
    range_proof::{Handles, RangeProof},
    schnorr::PublicKey,
};

/// A range proof, and the output that it belongs to.
pub(crate) struct Claim<'a> {
    pub(crate) proof: &'a RangeProof,
    pub(crate) commitment: &'a Commitment,
    pub(crate) context: OutputContext,
}

/// What a batch judges of its range proofs, which are all of one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Judged<'a> {
    /// Proofs of chains without auditors.
    Plain,
    /// Proofs of a chain with auditors, without their handles: MW-R13 alone.
    RangeAlone,
    /// Proofs and handles, for the auditors' key P.
    Audited(&'a PublicKey),
}

impl<'a> Judged<'a> {
    /// All that a chain with these auditors judges.
    pub(crate) const fn by(auditors: Option<&'a PublicKey>) -> Self {
        match auditors {
            Some(key) => Self::Audited(key),
            None => Self::Plain,
        }
    }

    /// The same without handles.
    pub(crate) const fn range_alone(self) -> Self {
        match self {
            Self::Plain => Self::Plain,
            Self::RangeAlone | Self::Audited(_) => Self::RangeAlone,
        }
    }

    /// P, if the handles are judged.
    pub(super) const fn auditors(self) -> Option<&'a PublicKey> {
        match self {
            Self::Audited(key) => Some(key),
            Self::Plain | Self::RangeAlone => None,
        }
    }

    /// Amounts of each proof, which say over which generators it is.
    pub(super) const fn amounts(self) -> usize {
        match self {
            Self::Plain => 1,
            Self::RangeAlone | Self::Audited(_) => 2,
        }
    }

    /// Whether the claim is of this kind, and none of its judged points is the identity, which no prover sends.
    pub(super) fn fits(self, claim: &Claim<'_>) -> bool {
        let handles = claim.proof.handles();
        let proper = |handles: &Handles| match self {
            Self::Audited(_) => !handles.have_identity(),
            Self::Plain | Self::RangeAlone => handles.high() != [0; 32],
        };
        let of_kind = (claim.proof.audit() == Audit::Audited) == (self.amounts() == 2);
        of_kind && handles.is_none_or(proper)
    }
}
