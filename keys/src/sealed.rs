//! What a member's share has sealed, so that it never helps to seal two blocks of one height.
//!
//! ```text
//! record   "sotto keys sealed v1" ‖ installation (32) ‖ state (1) ‖ height (8) ‖ header hash (32)
//! state    0 nothing yet · 1 the last block that was sealed · 2 unknown: the share was repaired, at this time
//!          in place of the height
//! allowed  ⇔ height > the last, or the very block that was the last
//! ```
//!
//! A chain is sealed in ascending order, so one record is enough. It is made where the share is made, and names
//! that installation: a share or a record that is copied elsewhere seals nothing.
//!
//! Whoever repairs a share does not know what the lost one sealed: at most a block upon the tip of then. So the
//! share waits for a block that was made after the repair, and seals above it ([`SealRecord::follow`]). Who signs
//! by hand has no chain at hand: then the first height that the share is asked for passes without it.
//!
//! Guaranteed, if the record is durable before the share of a signature leaves: one header at a height. Not
//! guaranteed: anything against an old record that is put back in its place, or a copy of the whole machine.
#![deny(clippy::indexing_slicing)]

use crate::codec::{DecodeError, Reader};
use crate::tag::Hash;

const PREFIX: &str = "sotto keys sealed v1";
/// In place of the header that a lost share may have sealed.
const UNKNOWN: Hash = Hash::from_bytes([0; 32]);

/// How much later than the repair a block must be, in seconds: its time may lie a minute ahead of its members'
/// clocks, and these may differ from ours.
const MARGIN: u64 = 120;

/// The record of one share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealRecord {
    installation: Hash,
    last: Last,
}

/// What was sealed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Nothing,
    Sealed { height: u64, header: Hash },
    Unknown { since: u64 },
}

/// Why a share does not seal a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealRefusal {
    /// It sealed another block there, or a later one.
    #[error("this member is bound to the header {header} at height {height}")]
    Bound {
        /// The height of the last block.
        height: u64,
        /// The hash of its header.
        header: Hash,
    },
    /// The share was repaired, and the lost one may have sealed a block of this height.
    #[error("the share was repaired: it takes part above height {height}")]
    Repaired {
        /// The height.
        height: u64,
    },
    /// The share was repaired, and no block since then is known.
    #[error("the share was repaired: it takes part when the others have sealed a block after that")]
    Waits,
}

impl SealRefusal {
    /// Whether the share only has to wait, because it was repaired.
    #[must_use]
    pub const fn is_of_repair(&self) -> bool {
        matches!(self, Self::Repaired { .. } | Self::Waits)
    }
}

impl SealRecord {
    /// The record of a share that was made at this installation.
    #[must_use]
    pub const fn made(installation: Hash) -> Self {
        Self { installation, last: Last::Nothing }
    }

    /// The record of a share that was repaired at this installation, in seconds since 1970.
    #[must_use]
    pub const fn repaired(installation: Hash, since: u64) -> Self {
        Self { installation, last: Last::Unknown { since } }
    }

    /// Where the share was made.
    #[must_use]
    pub const fn installation(&self) -> Hash {
        self.installation
    }

    /// Takes note of the chain's tip, by height and time. What a lost share sealed lies at or below it, if it was
    /// made after the repair.
    pub fn follow(&mut self, height: u64, time: u64) {
        if matches!(self.last, Last::Unknown { since } if time > since.saturating_add(MARGIN)) {
            self.last = Last::Sealed { height, header: UNKNOWN };
        }
    }

    /// Whether the share may seal some block of this height.
    ///
    /// # Errors
    /// [`SealRefusal`].
    pub fn permits(&self, height: u64) -> Result<(), SealRefusal> {
        match self.last {
            Last::Unknown { .. } => Err(SealRefusal::Waits),
            Last::Sealed { height: last, header: UNKNOWN } if last >= height => {
                Err(SealRefusal::Repaired { height: last })
            }
            Last::Sealed { height: last, header } if last > height => {
                Err(SealRefusal::Bound { height: last, header })
            }
            _ => Ok(()),
        }
    }

    /// Takes note that this block is sealed. After [`SealRefusal::Waits`] a repaired share takes part above this
    /// height.
    ///
    /// # Errors
    /// [`SealRefusal`]: then the share must not leave.
    pub fn admit(&mut self, height: u64, header: Hash) -> Result<(), SealRefusal> {
        let permitted = self.permits(height);
        if matches!(self.last, Last::Unknown { .. }) {
            self.last = Last::Sealed { height, header: UNKNOWN };
        }
        permitted?;
        match self.last {
            Last::Sealed { height: last, header: bound } if last == height && bound != header => {
                Err(SealRefusal::Bound { height, header: bound })
            }
            _ => {
                self.last = Last::Sealed { height, header };
                Ok(())
            }
        }
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (state, height, header) = match self.last {
            Last::Nothing => (0, 0, [0; 32]),
            Last::Sealed { height, header } => (1, height, *header.as_bytes()),
            Last::Unknown { since } => (2, since, [0; 32]),
        };
        [PREFIX.as_bytes(), self.installation.as_bytes(), &[state], &height.to_le_bytes()[..], &header]
            .concat()
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::after(PREFIX, bytes)?;
        let (installation, state) = (Hash::from_bytes(r.array()?), r.u8()?);
        let (height, header) = (r.u64()?, Hash::from_bytes(r.array()?));
        r.finish()?;
        let last = match state {
            0 => Last::Nothing,
            1 => Last::Sealed { height, header },
            2 => Last::Unknown { since: height },
            _ => return Err(DecodeError::Value("a record of seals")),
        };
        let record = Self { installation, last };
        if record.to_bytes() == bytes { Ok(record) } else { Err(DecodeError::Value("a record of seals")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_header_at_a_height_and_never_below() {
        let [here, a, b] = [1, 2, 3].map(|n| Hash::from_bytes([n; 32]));
        let mut record = SealRecord::made(here);
        assert_eq!(record.admit(5, a), Ok(()));
        assert_eq!(record.admit(5, a), Ok(()), "the same");
        let bound = Err(SealRefusal::Bound { height: 5, header: a });
        assert_eq!([record.admit(5, b), record.admit(4, a), record.admit(0, b)], [bound; 3]);
        assert_eq!(record.admit(6, b), Ok(()));
    }

    #[test]
    fn a_repaired_share_waits_for_a_block_after_the_repair() {
        let [here, a] = [1, 2].map(|n| Hash::from_bytes([n; 32]));
        let mut record = SealRecord::repaired(here, 1_000);
        // A tip from before: the lost share may have sealed a block upon a later one that is not here yet.
        record.follow(3, 1_000 + MARGIN);
        assert_eq!([3, 4, 9].map(|h| record.permits(h)), [Err(SealRefusal::Waits); 3]);
        record.follow(8, 1_001 + MARGIN);
        let repaired = Err(SealRefusal::Repaired { height: 8 });
        assert_eq!([record.permits(7), record.permits(8), record.admit(8, a)], [repaired; 3]);
        record.follow(9, 1_009 + MARGIN);
        assert_eq!(record.admit(9, a), Ok(()), "it waits once");
    }

    #[test]
    fn by_hand_a_repaired_share_lets_one_height_pass() {
        let [here, a, b] = [1, 2, 3].map(|n| Hash::from_bytes([n; 32]));
        let mut record = SealRecord::repaired(here, 0);
        assert_eq!(record.admit(8, a), Err(SealRefusal::Waits));
        assert!(record.admit(8, a).is_err() && record.permits(8).is_err() && record.permits(7).is_err());
        assert_eq!(record.permits(9), Ok(()));
        assert_eq!(record.admit(9, b), Ok(()));
    }

    #[test]
    fn a_record_has_one_encoding() {
        let [here, a] = [1, 2].map(|n| Hash::from_bytes([n; 32]));
        let mut sealed = SealRecord::made(here);
        sealed.admit(5, a).unwrap();
        for record in [SealRecord::made(here), SealRecord::repaired(here, 7), sealed] {
            let bytes = record.to_bytes();
            assert_eq!(SealRecord::from_bytes(&bytes), Ok(record));
            assert!(SealRecord::from_bytes(&bytes[1..]).is_err());
            assert!(SealRecord::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        }
        let mut odd = SealRecord::made(here).to_bytes();
        *odd.last_mut().unwrap() = 1;
        assert!(SealRecord::from_bytes(&odd).is_err(), "nothing, with a header");
    }
}
