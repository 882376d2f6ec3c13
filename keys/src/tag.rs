//! Every tag of this crate: what is hashed, signed or encrypted begins with one, so that no value stands for
//! another.

use core::fmt;

use sha2::{Digest, Sha256, Sha512};
use sotto_party::Context;
use sotto_party::hex::{from_hex, to_hex};

/// The name of a group.
pub(crate) const GROUP: &str = "sotto/keys/group/v1";
/// What members of an epoch sign: draft, epoch and keys.
pub(crate) const EPOCH: &str = "sotto/keys/epoch/v1";
/// The name of a letter.
pub(crate) const LETTER: &str = "sotto/keys/letter/v1";
/// All letters of a step.
pub(crate) const STEP: &str = "sotto/keys/step/v1";
/// The session of a key generation, and of a change of members.
pub(crate) const SESSION: &str = "sotto/keys/session/v1";
/// Secrets of a session, from its seed.
pub(crate) const SEED: &str = "sotto/keys/seed/v1";
/// The message that a drill signs.
pub(crate) const DRILL: &str = "sotto/keys/drill/v1";
/// The point of a drill.
pub(crate) const POINT: &str = "sotto/keys/point/v1";
/// The challenge of a proof that two points have one logarithm.
pub(crate) const DLEQ: &str = "sotto/keys/dleq/v1";
/// The challenge of the signature under a box's E.
pub(crate) const BOX: &str = "sotto/keys/box/v1";
/// The key of a box.
pub(crate) const BOX_KEY: &str = "sotto/keys/box-key/v1";
/// The name of a box.
pub(crate) const BOX_NAME: &str = "sotto/keys/box-name/v1";
/// The name of a request to open a box.
pub(crate) const VAULT_REQUEST: &str = "sotto/keys/vault-request/v1";
/// A key of a pool in a register.
pub(crate) const POOL_KEY: &str = "sotto/keys/pool-key/v1";
/// In a register: the keys of a pool were made at this installation.
pub(crate) const POOL_MADE: &str = "sotto/keys/pool-made/v1";
/// In a register: the share of a pool came from elsewhere.
pub(crate) const POOL_ELSEWHERE: &str = "sotto/keys/pool-elsewhere/v1";
/// What a plan of a pool answers: epoch and context.
pub(crate) const POOL: &str = "sotto/keys/pool/v1";
/// A mask of an answer, from fresh bytes and the share.
pub(crate) const MASK: &str = "sotto/keys/mask/v1";
/// What stands for a view secret in public.
pub(crate) const VIEW: &str = "sotto/keys/view/v1";
/// An installation at its place.
pub(crate) const INSTALLATION: &str = "sotto/keys/installation/v1";
/// The check at the end of an armored text.
pub(crate) const ARMOR: &str = "sotto/keys/armor/v1";

/// The ledger's own tags, whose messages a group signs.
pub(crate) const HEADER: &str = "sotto/header/v1";
pub(crate) const SEAL: &str = "sotto/seal/v1";
pub(crate) const VOTE: &str = "sotto/vote/v1";
pub(crate) const PROPOSAL: &str = "sotto/proposal/v1";
pub(crate) const VALIDATOR: &str = "sotto/validator/v1";

/// A member's signature over a letter.
pub(crate) const SIGNED: Context = Context::new("sotto keys letter v1");
/// A part of a letter, encrypted to one member.
pub(crate) const PART: Context = Context::new("sotto keys part v1");

/// A member's signature over its challenge to a machine.
pub(crate) const VAULT_CHALLENGE: Context = Context::new("sotto keys vault challenge v1");
/// A member's signature over its answer to a request.
pub(crate) const VAULT_ANSWER: Context = Context::new("sotto keys vault answer v1");
/// The partial in an answer, encrypted to the machine that asked.
pub(crate) const VAULT_PARTIAL: Context = Context::new("sotto keys vault partial v1");

/// The weights under which all points of an auditor's answer are one.
pub(crate) const READING_WEIGHT: &str = "sotto/keys/reading-weight/v1";
/// A member's signature over its answer to a reader.
pub(crate) const READING_ANSWER: Context = Context::new("sotto keys reading answer v1");
/// The points of an answer, encrypted to the reader.
pub(crate) const READING: Context = Context::new("sotto keys reading v1");

/// A hash under a tag.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Parses 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        from_hex(text, &mut bytes).map(|()| Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA-256 of the concatenated parts, with the hash of the tag before them twice, as in BIP-340.
pub(crate) fn tagged(tag: &str, parts: &[&[u8]]) -> Hash {
    let t = Sha256::digest(tag.as_bytes());
    let mut h = Sha256::new_with_prefix(t).chain_update(t);
    parts.iter().for_each(|part| h.update(part));
    Hash(h.finalize().into())
}

/// The same with SHA-512.
pub(crate) fn tagged_wide(tag: &str, parts: &[&[u8]]) -> [u8; 64] {
    let t = Sha512::digest(tag.as_bytes());
    let mut h = Sha512::new_with_prefix(t).chain_update(t);
    parts.iter().for_each(|part| h.update(part));
    h.finalize().into()
}
