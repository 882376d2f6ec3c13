//! Answers of members: contents that the asking party alone decrypts, under the signature of the member that answers.
//!
//! ```text
//! answer  prefix of the kind ‖ name of the request (32) ‖ hash of the epoch (32) ‖ from (1)
//!         ‖ length (4) ‖ contents, encrypted for the place request ‖ from ‖ Ed25519 signature of all before it (64)
//! ```
//!
//! Guaranteed: an answer of one kind, member and request is not one of another; an answer that its member did not sign
//! accuses no member. Not guaranteed: that the contents are right. The module of each kind ([`crate::vault`],
//! [`crate::reading`]) makes them, checks them and says what fewer than t of them reveal.
#![deny(clippy::indexing_slicing)]

use core::marker::PhantomData;

use rand_core::{CryptoRng, RngCore};
use sotto_party::encryption::OVERHEAD;
use sotto_party::{Context, Identity, PublicKey, decrypt, encrypt};
use zeroize::Zeroizing;

use crate::codec::{DecodeError, Reader, put_bytes};
use crate::draft::{Draft, Index};
use crate::epoch::Epoch;
use crate::tag::Hash;

/// A kind of answer.
pub trait AnswerKind {
    /// Names format and version.
    const PREFIX: &'static str;
    /// The context of the member's signature.
    const SIGNATURE: Context;
    /// The context of the encryption.
    const ENCRYPTION: Context;
    /// Most bytes of the contents.
    const MAX_CONTENTS: usize;
}

/// A member's answer, which the asking party alone decrypts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<K> {
    request: Hash,
    epoch: Hash,
    from: Index,
    encrypted: Vec<u8>,
    signature: [u8; 64],
    kind: PhantomData<K>,
}

/// What a member answers, before it is encrypted and signed.
pub(crate) struct Contents<'a> {
    pub(crate) request: Hash,
    pub(crate) epoch: &'a Epoch,
    pub(crate) from: Index,
    /// The party that asked.
    pub(crate) to: &'a PublicKey,
    pub(crate) bytes: &'a [u8],
}

/// What good answers say, one a member, and the members whose answers are signed and false.
pub(crate) type Sorted<T> = (Vec<(Index, T)>, Vec<Index>);

impl<K: AnswerKind> Answer<K> {
    /// Most bytes of an answer.
    pub const MAX_BYTES: usize = K::PREFIX.len() + 32 + 32 + 1 + 4 + K::MAX_CONTENTS + OVERHEAD + 64;

    /// The answer of the member with this identity; `None` if the key of the party that asked cannot be used.
    pub(crate) fn new(
        contents: &Contents<'_>,
        identity: &Identity,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Self> {
        let Contents { request, from, .. } = *contents;
        let place = place(&request, from);
        let encrypted = encrypt(K::ENCRYPTION.at(&place), contents.to, contents.bytes, rng)?;
        let (epoch, signature) = (contents.epoch.hash(), [0; 64]);
        let mut this = Self { request, epoch, from, encrypted, signature, kind: PhantomData };
        this.signature = identity.sign(K::SIGNATURE, &this.signed());
        Some(this)
    }

    /// The request that it answers.
    #[must_use]
    pub const fn request(&self) -> Hash {
        self.request
    }

    /// The hash of the epoch whose share it was made with.
    #[must_use]
    pub const fn epoch(&self) -> Hash {
        self.epoch
    }

    /// The member that it says it is from; [`Answer::is_signed`] checks that.
    #[must_use]
    pub const fn from(&self) -> Index {
        self.from
    }

    /// Whether the member of the draft that it names signed it.
    #[must_use]
    pub fn is_signed(&self, draft: &Draft) -> bool {
        let key = draft.key(self.from);
        key.is_some_and(|key| key.verify(K::SIGNATURE, &self.signed(), &self.signature))
    }

    /// The contents; `None` if they are for another party, request or member.
    pub(crate) fn decrypt(&self, identity: &Identity) -> Option<Zeroizing<Vec<u8>>> {
        decrypt(K::ENCRYPTION.at(&place(&self.request, self.from)), identity, &self.encrypted)
    }

    fn signed(&self) -> Vec<u8> {
        let mut out = [K::PREFIX.as_bytes(), self.request.as_bytes(), self.epoch.as_bytes()].concat();
        out.push(self.from.get());
        put_bytes(&self.encrypted, &mut out);
        out
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.signed()[..], &self.signature].concat()
    }

    /// Reads an answer. Nothing of it is checked yet.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(K::PREFIX, bytes)?;
        let (request, epoch) = (Hash::from_bytes(r.array()?), Hash::from_bytes(r.array()?));
        let (from, encrypted) = (Index::read(&mut r)?, r.bytes(K::MAX_CONTENTS + OVERHEAD)?.to_vec());
        let this = Self { request, epoch, from, encrypted, signature: r.array()?, kind: PhantomData };
        r.finish().map(|()| this)
    }
}

/// Sorts answers to a request; `read` checks the contents of one and gives what they say. Answers to other requests, of
/// other epochs or without the signature of a member count for nothing.
pub(crate) fn sort<K: AnswerKind, T>(
    request: Hash,
    epoch: &Epoch,
    answers: &[Answer<K>],
    read: impl Fn(&Answer<K>) -> Option<T>,
) -> Sorted<T> {
    let (mut good, mut bad): Sorted<T> = Default::default();
    let hash = epoch.hash();
    for answer in answers.iter().filter(|answer| (answer.request, answer.epoch) == (request, hash)) {
        let from = answer.from;
        if !answer.is_signed(epoch.draft()) || good.iter().any(|(i, _)| *i == from) {
            continue;
        }
        match read(answer) {
            Some(said) => good.push((from, said)),
            None if bad.contains(&from) => {}
            None => bad.push(from),
        }
    }
    (good, bad)
}

fn place(request: &Hash, from: Index) -> Vec<u8> {
    [&request.as_bytes()[..], &[from.get()]].concat()
}
