//! The proof that a compute party locked another share of sold outputs than it signed for. Anybody can verify it.
//!
//! ```text
//! proof   "sotto false half v1\0" ‖ place of the accused u8 ‖ t [32] ‖ locked share, with its length
//! shown   the accused signed these facts · t·G = T · the locked share is the one that the facts name · it does not open,
//!         or to a share that the facts do not commit to
//! ```
//!
//! **Guaranteed.** No compute party that locked its own share is accused: it signed the hash of one locked share, and that
//! opens in one way. **Not guaranteed.** That a compute party which computed something else is found out: it may lock the
//! very share that it signed for. The proof gives t away, and the false share; the other compute party's share stays
//! encrypted to the receiver.

use zeroize::Zeroizing;

use crate::codec::{Bytes, Codec, DecodeError, Reader};
use crate::job::Job;
use crate::lock::share::{LockedShare, LockedShareError};
use crate::lock::{LockError, LockSecret, Place};
use crate::receipt::Receipt;

const PREFIX: &str = "sotto false half v1\0";

/// Longest proof, in bytes: a locked share of 2²⁸ bits.
pub const MAX_PROOF: u64 = 1 << 26;

/// An accusation.
#[derive(Debug)]
pub struct FalseShare {
    /// Of whom.
    pub place: Place,
    /// The secret of the lock.
    pub secret: LockSecret,
    /// What it delivered.
    pub locked: Vec<u8>,
}

/// What the accused did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// What it locked does not open.
    Closed,
    /// What it locked is not the share that it signed for.
    False,
}

/// Why an accusation is not proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The receipt is of another job.
    #[error("the receipt is of another job")]
    OtherJob,
    /// Nothing was sold.
    #[error("the receipt names no outputs that are sold")]
    NotSold,
    /// The accused signed nothing.
    #[error("the {0} did not sign these facts")]
    Unsigned(&'static str),
    /// The parts make no lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Not the secret, or not the locked share.
    #[error(transparent)]
    Share(LockedShareError),
    /// It locked what it signed for.
    #[error("the {0} locked the share that it signed for")]
    Honest(&'static str),
}

impl FalseShare {
    /// What the accused did, if this and the receipt show it.
    ///
    /// # Errors
    /// [`Unproven`].
    pub fn check(&self, job: &Job, receipt: &Receipt) -> Result<Offence, Unproven> {
        let (facts, who) = (&receipt.facts, self.place.as_str());
        if facts.job != job.id() {
            return Err(Unproven::OtherJob);
        }
        let sold = facts.sold.as_ref().ok_or(Unproven::NotSold)?;
        let (computer, statement) = match self.place {
            Place::Garbler => (job.garbler, &receipt.garbler),
            Place::Evaluator => (job.evaluator, &receipt.evaluator),
        };
        if !statement.is_of(job, computer, facts) {
            return Err(Unproven::Unsigned(who));
        }
        let lock = sold.lock(facts.run_id)?;
        let share = LockedShare { place: self.place, computer, bytes: &self.locked };
        match sold.open(&lock, share, &self.secret) {
            Ok(_) => Err(Unproven::Honest(who)),
            Err(LockedShareError::Closed) => Ok(Offence::Closed),
            Err(LockedShareError::False) => Ok(Offence::False),
            Err(error @ (LockedShareError::Secret | LockedShareError::Other)) => Err(Unproven::Share(error)),
        }
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(PREFIX.as_bytes().to_vec());
        self.place.encode(&mut bytes);
        bytes.extend_from_slice(&*self.secret.to_bytes());
        Bytes::put(&self.locked, &mut bytes);
        bytes
    }

    /// The accusation of these bytes.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let rest = bytes.strip_prefix(PREFIX.as_bytes()).ok_or(DecodeError::Foreign(PREFIX))?;
        let mut reader = Reader::new(rest);
        let place = Place::decode(&mut reader)?;
        let secret = LockSecret::from_bytes(&Zeroizing::new(Codec::decode(&mut reader)?));
        let secret = secret.ok_or(DecodeError::Value("the secret of a lock"))?;
        let locked = Bytes::take(&mut reader)?;
        reader.finish()?;
        Ok(Self { place, secret, locked })
    }
}
