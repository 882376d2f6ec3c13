//! What can be wrong in a session, and who is at fault.

use crate::draft::Index;
use crate::letter::Step;
use crate::plan::PoolKey;

/// Why a session ends. Most faults name a member; a new session goes on without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Two different letters at one step.
    #[error("member {0} said different things to different members")]
    Equivocation(Index),
    /// A letter that answers other letters than ours.
    #[error(
        "member {member} holds other letters of the step before `{step}` than this member; somebody sent two kinds of them"
    )]
    Differs {
        /// Whose letter it is.
        member: Index,
        /// The step of the letter.
        step: Step,
    },
    /// A letter whose contents cannot be read.
    #[error("the letter `{step}` of member {member} is malformed")]
    Malformed {
        /// Whose letter it is.
        member: Index,
        /// The step of the letter.
        step: Step,
    },
    /// A commitment whose sender does not know its secret (a rogue key).
    #[error("member {0} does not prove that it knows the secret of its commitment")]
    Proof(Index),
    /// A share that is not on the committed polynomial.
    #[error("member {0} sent a share that does not fit its commitments")]
    Share(Index),
    /// Keys that differ from what this member computed.
    #[error("member {0} confirms other keys than this member computed")]
    OtherKeys(Index),
    /// A share of a signature that does not verify (RFC 9591, section 5.4), or a false partial.
    #[error("member {0} sent a false share of the signature")]
    SignatureShare(Index),
    /// Commitments to deltas that do not add up to the helper's part, or a delta that does not fit them.
    #[error("member {0} sent a false delta")]
    Delta(Index),
    /// A sigma that does not fit the deltas.
    #[error("member {0} sent a false sigma")]
    Sigma(Index),
    /// The repaired share does not fit the public key of its member: nothing was stored.
    #[error("the repaired share does not fit the group's keys")]
    Repaired,
    /// The request is not one that a group of this purpose signs, or cannot be read.
    #[error("member {0} asks for something that this group does not sign")]
    Request(Index),
    /// Two members ask in one session. Its id says nothing about whose it is, so neither is named.
    #[error("two members ask for something in one session")]
    AskedTwice,
    /// The step was answered in another way before.
    #[error("this member answered step `{step}` differently before, and answers it only once")]
    OtherAnswer {
        /// The step.
        step: Step,
    },
    /// The session was closed on other letters, perhaps by a copy of this folder.
    #[error("this installation closed the session on other letters; start another one")]
    Closed,
    /// The register of the installation cannot be written.
    #[error("the register of this installation cannot be written, so nothing was signed")]
    Register,
    /// An answer for a key of a pool that does not fit the member's masks and its public key.
    #[error("member {0} sent a false answer for a key of the pool")]
    Answer(Index),
    /// A key of a pool serves once.
    #[error("this installation answered for key {0} of the pool in another session; plan with other keys")]
    KeyUsed(PoolKey),
    /// The share of a pool was not made here, so nobody here knows for which keys it has answered.
    #[error(
        "this share was repaired or copied: only an installation where the keys were made answers for new ones"
    )]
    Elsewhere,
    /// The share is of another group or epoch, or damaged.
    #[error("the share is not one of this group at this epoch")]
    OtherShare,
    /// The member has no part in this session, or what it was asked for is missing.
    #[error("this member does not take part in this session")]
    NoPart,
    /// A key of a member cannot be used for encryption, or a key is the identity.
    #[error("a key cannot be used")]
    Unusable,
}

impl Fault {
    /// The member at fault, if one is known.
    #[must_use]
    pub const fn member(&self) -> Option<Index> {
        match self {
            Self::Equivocation(member)
            | Self::Malformed { member, .. }
            | Self::Proof(member)
            | Self::Share(member)
            | Self::OtherKeys(member)
            | Self::SignatureShare(member)
            | Self::Delta(member)
            | Self::Sigma(member)
            | Self::Answer(member)
            | Self::Request(member) => Some(*member),
            _ => None,
        }
    }
}
