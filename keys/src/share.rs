//! A member's secret part of a group's keys.
//!
//! ```text
//! share   group (32) ‖ index (1) ‖ epoch (8) ‖ keys (2) ‖ s_i of each key (32 each)
//! shares  "sotto keys share v1" ‖ share ‖ the next one: 0, or 1 ‖ share
//! ```
//!
//! During a refresh a member keeps the share of the next epoch beside the old one, until every member who stays
//! has confirmed. Which of the two counts is decided by the group's public part: a share is only used with an
//! epoch that it fits, `s_i·G = Y_i` for every key, so old and new shares never mix.
#![deny(clippy::indexing_slicing)]

use core::fmt;

use zeroize::Zeroizing;

use crate::codec::{DecodeError, Reader};
use crate::curve::Secret;
use crate::draft::{GroupId, Index};
use crate::epoch::Epoch;
use crate::tag::Hash;

/// Why a share cannot be used with a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// Another group.
    #[error("the share belongs to another group")]
    OtherGroup,
    /// A refresh has replaced it.
    #[error("the share is of epoch {share}, but the group is at epoch {group}")]
    OtherEpoch {
        /// The share's epoch.
        share: u64,
        /// The group's epoch.
        group: u64,
    },
    /// It is not on the polynomial that the group's keys commit to.
    #[error("the share does not fit the group's keys")]
    Unfit,
}

/// The secrets of one member at one epoch.
#[derive(Clone)]
pub struct Share {
    group: GroupId,
    index: Index,
    epoch: u64,
    secrets: Vec<Secret>,
}

impl Share {
    pub(crate) fn new(epoch: &Epoch, index: Index, secrets: Vec<Secret>) -> Result<Self, ShareError> {
        let share = Self { group: epoch.group(), index, epoch: epoch.number(), secrets };
        share.fits(epoch).map(|()| share)
    }

    /// Whether it can be used with this epoch.
    ///
    /// # Errors
    /// [`ShareError`].
    pub fn fits(&self, epoch: &Epoch) -> Result<(), ShareError> {
        if self.group != epoch.group() {
            return Err(ShareError::OtherGroup);
        }
        if self.epoch != epoch.number() {
            return Err(ShareError::OtherEpoch { share: self.epoch, group: epoch.number() });
        }
        let holds = self.secrets.len() == epoch.key_count()
            && self.secrets.iter().zip(epoch.verifying_shares(self.index)).all(|(s, y)| s.times_g() == y);
        if holds { Ok(()) } else { Err(ShareError::Unfit) }
    }

    /// The group.
    #[must_use]
    pub const fn group(&self) -> GroupId {
        self.group
    }

    /// Whose it is.
    #[must_use]
    pub const fn index(&self) -> Index {
        self.index
    }

    /// Its epoch.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    pub(crate) fn secret(&self, key: usize) -> Option<&Secret> {
        self.secrets.get(key)
    }

    /// A share that fits nothing.
    #[cfg(test)]
    pub(crate) fn set_secret(&mut self, key: usize, secret: Secret) {
        self.secrets[key] = secret;
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.group.as_bytes());
        out.push(self.index.get());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        // At most 256.
        out.extend_from_slice(&(self.secrets.len() as u16).to_le_bytes());
        self.secrets.iter().for_each(|s| out.extend_from_slice(s.expose().as_bytes()));
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (group, index, epoch) = (Hash::from_bytes(r.array()?), Index::read(r)?, r.u64()?);
        let m = r.u16()?;
        if m > 256 {
            return Err(DecodeError::Value("a number of keys"));
        }
        let secrets = (0..m).map(|_| Secret::read(r)).collect::<Result<_, _>>()?;
        Ok(Self { group, index, epoch, secrets })
    }
}

/// Shows whose it is.
impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share(of {}, epoch {})", self.index, self.epoch)
    }
}

/// What a member keeps: its share, and during a refresh the next one.
#[derive(Clone, Debug)]
pub struct Shares {
    now: Share,
    next: Option<Share>,
}

impl Shares {
    const PREFIX: &str = "sotto keys share v1";

    /// A share without a next one.
    #[must_use]
    pub const fn new(now: Share) -> Self {
        Self { now, next: None }
    }

    /// The share in use.
    #[must_use]
    pub const fn now(&self) -> &Share {
        &self.now
    }

    /// The share that a refresh has prepared.
    #[must_use]
    pub const fn next(&self) -> Option<&Share> {
        self.next.as_ref()
    }

    /// The share that fits this epoch.
    ///
    /// # Errors
    /// [`ShareError`] if neither does; the reason is that of the share in use.
    pub fn of(&self, epoch: &Epoch) -> Result<&Share, ShareError> {
        let next = self.next.as_ref().filter(|share| share.fits(epoch).is_ok());
        next.map_or_else(|| self.now.fits(epoch).map(|()| &self.now), Ok)
    }

    /// Keeps the share of the next epoch, or of a successor, beside the one in use.
    #[must_use]
    pub fn prepare(self, next: Share) -> Self {
        Self { now: self.now, next: Some(next) }
    }

    /// The share of this epoch alone. The other one is wiped.
    ///
    /// # Errors
    /// [`ShareError`] if neither fits.
    pub fn commit(&self, epoch: &Epoch) -> Result<Self, ShareError> {
        self.of(epoch).cloned().map(Self::new)
    }

    /// The share under the draft of a successor, whose keys are the same.
    ///
    /// # Errors
    /// [`ShareError`] if the share does not fit the old epoch or the new one.
    pub fn succeed(&self, old: &Epoch, new: &Epoch) -> Result<Share, ShareError> {
        let share = self.of(old)?;
        Share::new(new, share.index, share.secrets.clone())
    }

    /// The canonical bytes, which are secret.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let length = Self::PREFIX.len() + 2 * (43 + 32 * self.now.secrets.len()) + 1;
        let mut out = Zeroizing::new(Vec::with_capacity(length));
        out.extend_from_slice(Self::PREFIX.as_bytes());
        self.now.put(&mut out);
        out.push(self.next.is_some().into());
        self.next.iter().for_each(|next| next.put(&mut out));
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(Self::PREFIX, bytes)?;
        let now = Share::read(&mut r)?;
        let next = r.presence()?.then(|| Share::read(&mut r)).transpose()?;
        r.finish()?;
        Ok(Self { now, next })
    }
}
