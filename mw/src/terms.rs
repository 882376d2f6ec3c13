//! The terms of a height: who seals, under which version of the rules, at what fee and up to which weight.
//!
//! ```text
//! terms       = sealing ‖ version of the rules (1) ‖ fee per weight (8) ‖ greatest weight (8) ‖ last change (8)
//!               ‖ announced validators: 0, or 1 ‖ from (8) ‖ set of validators
//!               ‖ announced fees: 0, or 1 ‖ from (8) ‖ fee per weight (8) ‖ greatest weight (8)
//!               ‖ announced version: 0, or 1 ‖ from (8) ‖ version (1)
//! sealing     = 0 ‖ operator's key (32), or 1 ‖ set of validators
//!
//! terms(h + 1) = terms(h), announced also what block h changes, in effect what was announced from h + 1
//! ```
//!
//! The validators that a change in block h brings seal from h + 2, so the set of a height is known before the
//! block below it is. All that a chain knows of its future terms is in the terms themselves: a holder of a
//! sealed header and the terms that it states needs no body to follow the chain. A solo chain has the same
//! terms at every height; their hash is zero.

mod announced;
mod change;

pub use announced::{Announced, Limits};
pub use change::{Change, Renewal, SignedChange};

use crate::{
    amount::Height,
    codec::{Decode, DecodeError, Encode, Reader},
    hash::{Hash, tagged},
    schnorr::PublicKey,
    tag,
    validators::ValidatorSet,
};

/// Version of the consensus rules: the first byte of the encoded parameters, and so part of the chain id. In
/// version 1 an input had weight 1; version 2 had parameters of a fixed length, without a pace and a unit.
pub const RULES_VERSION: u8 = 3;

/// Who seals blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there is one for each chain")]
pub enum Sealing {
    /// One operator, with this key.
    Solo(PublicKey),
    /// A quorum of these validators.
    Validators(ValidatorSet),
}

impl Sealing {
    /// Most bytes of the encoding.
    pub(crate) const MAX_BYTES: usize = 1 + ValidatorSet::MAX_BYTES;

    /// The validators; `None` on a solo chain.
    #[must_use]
    pub const fn validators(&self) -> Option<&ValidatorSet> {
        match self {
            Self::Solo(_) => None,
            Self::Validators(set) => Some(set),
        }
    }
}

impl Encode for Sealing {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Solo(operator) => {
                out.push(0);
                operator.encode(out);
            }
            Self::Validators(set) => {
                out.push(1);
                set.encode(out);
            }
        }
    }
}

impl Decode for Sealing {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => PublicKey::decode(r).map(Self::Solo),
            1 => ValidatorSet::decode(r).map(Self::Validators),
            code => Err(DecodeError::Code { what: "kind of sealing", code }),
        }
    }
}

/// The terms of a height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Who seals.
    pub sealing: Sealing,
    /// The version of the rules.
    pub rules: u8,
    /// Fee and weight.
    pub limits: Limits,
    /// The height of the block with the last change; 0 before the first.
    pub last_change: Height,
    /// The next validators.
    pub announced_validators: Option<Announced<ValidatorSet>>,
    /// The next fee and weight.
    pub announced_limits: Option<Announced<Limits>>,
    /// The next version of the rules.
    pub announced_rules: Option<Announced<u8>>,
}

impl Terms {
    /// The hash that headers state: zero on a solo chain.
    #[must_use]
    pub fn hash(&self) -> Hash {
        match self.sealing {
            Sealing::Solo(_) => Hash::ZERO,
            Sealing::Validators(_) => tagged(tag::TERMS, &[&self.to_bytes()]),
        }
    }

    /// Whether this program knows the version of the rules. It can judge no block under a later one.
    #[must_use]
    pub const fn are_known(&self) -> bool {
        self.rules <= RULES_VERSION
    }

    /// The first height from this one on at which a block may contain a change: none does in the block after one
    /// with a change (MW-R40).
    #[must_use]
    pub fn first_change(&self, height: Height) -> Height {
        let free =
            if self.last_change > Height::GENESIS { self.last_change.plus(2) } else { Height::GENESIS };
        height.max(free)
    }

    /// The terms of the height after the block at `height`, which has this change and these terms.
    #[must_use]
    pub fn after(&self, height: Height, change: Option<&Change>) -> Self {
        let mut terms = self.clone();
        if let Some(change) = change {
            terms.last_change = height;
            match change {
                Change::Validators(set) => {
                    let from = height.plus(2);
                    terms.announced_validators = Some(Announced { from, what: set.clone() });
                }
                Change::Rules(next) => terms.announced_rules = Some(*next),
                Change::Limits(next) => terms.announced_limits = Some(*next),
                Change::WithdrawRules => terms.announced_rules = None,
            }
        }
        terms.at(height.next())
    }

    /// These terms once what they announce up to this height is in effect.
    #[must_use]
    pub fn at(mut self, height: Height) -> Self {
        if let Some(next) = self.announced_validators.take_if(|next| next.from <= height) {
            self.sealing = Sealing::Validators(next.what);
        }
        if let Some(next) = self.announced_limits.take_if(|next| next.from <= height) {
            self.limits = next.what;
        }
        if let Some(next) = self.announced_rules.take_if(|next| next.from <= height) {
            self.rules = next.what;
        }
        self
    }
}

impl Encode for Terms {
    fn encode(&self, out: &mut Vec<u8>) {
        self.sealing.encode(out);
        self.rules.encode(out);
        self.limits.encode(out);
        self.last_change.encode(out);
        self.announced_validators.encode(out);
        self.announced_limits.encode(out);
        self.announced_rules.encode(out);
    }
}

impl Decode for Terms {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            sealing: Sealing::decode(r)?,
            rules: r.u8()?,
            limits: Limits::decode(r)?,
            last_change: Height::decode(r)?,
            announced_validators: Option::decode(r)?,
            announced_limits: Option::decode(r)?,
            announced_rules: Option::decode(r)?,
        })
    }
}
