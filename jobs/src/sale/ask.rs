//! What the buyer asks a payee for: a claim under the lock of the run, or its consent to give the money back.
//!
//! ```text
//! ask    "sotto sale ask v1\0" ‖ job [32] ‖ wanted ‖ signature [64]
//! wanted 0 ‖ run id [32] ‖ T [32] ‖ last height u64      a claim that is locked to T and has this last height
//!        1                                                an undoing of the hold
//! ```
//!
//! Compute parties carry it, so the buyer's party key signs it: one of them that names another last height, or an undoing
//! that is not wanted, is not believed. Of several claims that were asked for, the one with the greatest last height counts.

use super::sold::{SaleError, Sold};
use crate::codec::{Codec, DecodeError, Reader, record};
use crate::hash::Digest;
use crate::job::Job;
use crate::lock::LockPoint;
use sotto_party::{Context, Identity};

const ASK: &str = "sotto sale ask v1\0";
/// What a signature of it is for.
const SIGNATURE: Context = Context::new("sotto sale ask v1");

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A claim.
    Claim {
        /// Of which run.
        run_id: Digest,
        /// T.
        lock: LockPoint,
        /// H_c.
        until: u64,
    },
    /// The money.
    Return,
}

/// The buyer's request to a payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    job: Digest,
    wanted: Wanted,
    signature: [u8; 64],
}
record!(Ask { job, wanted, signature });

impl Ask {
    /// Signs a request of the buyer.
    #[must_use]
    pub fn sign(job: &Job, wanted: Wanted, buyer: &Identity) -> Self {
        let mut ask = Self { job: job.id(), wanted, signature: [0; 64] };
        ask.signature = buyer.sign(SIGNATURE, &ask.signed());
        ask
    }

    fn signed(&self) -> Vec<u8> {
        let mut text = self.to_prefixed("");
        text.truncate(text.len() - 64);
        text
    }

    /// What the buyer of this job asks for.
    ///
    /// # Errors
    /// If it is about another job, or not signed by the buyer.
    pub fn of(&self, job: &Job) -> Result<Wanted, SaleError> {
        let sale = job.sale.as_ref().filter(|_| self.job == job.id()).ok_or(SaleError::OtherSale)?;
        let is_signed = job.party(sale.buyer).key.verify(SIGNATURE, &self.signed(), &self.signature);
        if is_signed { Ok(self.wanted) } else { Err(SaleError::Buyer) }
    }

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_prefixed(ASK)
    }

    /// The letter of these bytes.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::from_prefixed(ASK, bytes)
    }
}

impl Wanted {
    /// H_c of a claim for this sale; `None` if the money is to be returned.
    ///
    /// # Errors
    /// [`SaleError::OtherSale`] if it is about another run or lock.
    pub fn until(&self, sold: &Sold<'_>) -> Result<Option<u64>, SaleError> {
        match self {
            Self::Return => Ok(None),
            Self::Claim { run_id, lock, until }
                if (*run_id, *lock) == (sold.lock().run_id(), sold.lock().point()) =>
            {
                Ok(Some(*until))
            }
            Self::Claim { .. } => Err(SaleError::OtherSale),
        }
    }
}

impl Codec for Wanted {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Claim { run_id, lock, until } => {
                out.push(0);
                run_id.encode(out);
                lock.encode(out);
                until.encode(out);
            }
            Self::Return => out.push(1),
        }
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match u8::decode(r)? {
            0 => Self::Claim { run_id: Codec::decode(r)?, lock: Codec::decode(r)?, until: Codec::decode(r)? },
            1 => Self::Return,
            _ => return Err(DecodeError::Value("what a buyer asks for")),
        })
    }
}
