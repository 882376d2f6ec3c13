//! One member in one session: who it is, and how it writes and opens letters.
#![deny(clippy::indexing_slicing)]

use rand_chacha::ChaCha20Rng;
pub use sotto_party::{Context, Identity, PublicKey as PartyKey};
use zeroize::Zeroizing;

use crate::codec::{DecodeError, Reader};
use crate::draft::{Draft, Index};
use crate::epoch::Epoch;
use crate::fault::Fault;
use crate::letter::{Heading, Letter, Step};
use crate::log::Log;
use crate::seed::Seed;
use crate::share::Share;
use crate::tag::Hash;

/// A part of a letter that only one member can open.
pub(crate) type Part = (Index, Zeroizing<Vec<u8>>);

/// A member with what it needs to take part in a session.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    draft: &'a Draft,
    index: Index,
    identity: &'a Identity,
    seed: &'a Seed,
}

impl<'a> Member<'a> {
    /// `None` if the draft does not name the identity.
    #[must_use]
    pub fn new(draft: &'a Draft, identity: &'a Identity, seed: &'a Seed) -> Option<Self> {
        let index = draft.index_of(&identity.public())?;
        Some(Self { draft, index, identity, seed })
    }

    /// The same member in a group that has a key; without a share if it lost its own.
    #[must_use]
    pub const fn holding(self, epoch: &'a Epoch, share: Option<&'a Share>) -> Holder<'a> {
        Holder { me: self, epoch, share }
    }

    /// Its place in the draft.
    #[must_use]
    pub const fn index(&self) -> Index {
        self.index
    }

    /// The draft.
    #[must_use]
    pub const fn draft(&self) -> &'a Draft {
        self.draft
    }

    /// The randomness of a step that answers `before`.
    pub(crate) fn rng(&self, step: Step, before: &Hash) -> ChaCha20Rng {
        self.seed.rng(step, before)
    }

    /// Writes a letter into the log. The same arguments give the same letter.
    pub(crate) fn write(
        &self,
        log: &mut Log,
        (step, before): (Step, Hash),
        (body, parts): (Vec<u8>, &[Part]),
        rng: &mut ChaCha20Rng,
    ) -> Result<(), Fault> {
        let heading = Heading { group: log.group(), session: log.session(), step, from: self.index, before };
        let letter = Letter::write((self.draft, self.identity), heading, body, parts, rng);
        log.put(letter.ok_or(Fault::Unusable)?)
    }

    /// Opens one's own part of a letter.
    pub(crate) fn open(&self, letter: &Letter) -> Result<Zeroizing<Vec<u8>>, Fault> {
        letter.part(self.index, self.identity).ok_or_else(|| malformed(letter))
    }
}

/// A member of a group that has a key, in one session.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    pub(crate) me: Member<'a>,
    pub(crate) epoch: &'a Epoch,
    share: Option<&'a Share>,
}

impl<'a> Holder<'a> {
    /// Its place in the draft.
    #[must_use]
    pub const fn index(&self) -> Index {
        self.me.index
    }

    /// Its share of this epoch.
    pub(crate) fn share(&self) -> Result<&'a Share, Fault> {
        self.share.filter(|share| share.fits(self.epoch).is_ok()).ok_or(Fault::OtherShare)
    }

    /// Whatever share it has.
    pub(crate) const fn any_share(&self) -> Option<&'a Share> {
        self.share
    }
}

/// The fault of a letter that cannot be read.
pub(crate) const fn malformed(letter: &Letter) -> Fault {
    Fault::Malformed { member: letter.heading().from, step: letter.heading().step }
}

/// Reads all of some bytes that came in this letter.
pub(crate) fn read_all<T>(
    letter: &Letter,
    bytes: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<T, Fault> {
    let mut r = Reader::new(bytes);
    let value = read(&mut r).and_then(|value| r.finish().map(|()| value));
    value.map_err(|_| malformed(letter))
}
