//! How a sale is settled after the run: who says what to whom, and when a secret leaves.
//!
//! ```text
//! buyer     all payees have answered      ── claims (features, E, R, T, ŝ of each) ──▶  every payee
//! payee     they hold, and it is in time  ── go ──▶  both compute parties
//! computer  every payee's go, all alike   ── t_c, encrypted ──▶  every payee
//! payee     both t_c hold                 ── t_c, encrypted ──▶  every other payee;  its own claim ──▶  the ledger
//! buyer     one claim is in a block       t, and with it the outputs
//! ```
//!
//! These are letters and decisions alone. What a claim is, whether it holds and how it is published is the ledger's, of
//! which this crate knows nothing: a claim is bytes here, and whoever calls says what they are worth
//! ([`payee::Judgement`]). Each machine takes an event and gives effects; the same event gives the same effects again, so a
//! party that lost its memory goes on where the letters are.
//!
//! **Guaranteed.** A compute party gives its secret out only after every payee of the job signed the same claims; a payee
//! signs claims of which its own is one and which all open with the run's lock. A compute party gives it to all payees at
//! once. **Not guaranteed.** That it does: one that gives it to one payee alone, and that payee, can keep the others from
//! claiming in time.

pub mod computer;
mod letters;
pub mod payee;

pub use letters::{ClaimSet, Go, PayeeClaim, SealedSecret};

use crate::hash::Digest;
use crate::job::{Job, Sale};
use crate::lock::Lock;
use crate::receipt::Receipt;

/// Why a letter of a sale is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaleError {
    /// The job sells nothing, or the receipt names no lock that holds.
    #[error("the receipt is none of a job that sells outputs")]
    NotSold,
    /// A letter of another sale.
    #[error("the letter is about another job, run or lock")]
    OtherSale,
    /// Whoever signed is no payee.
    #[error("the letter is not signed by a payee of the job")]
    Stranger,
    /// Not one claim of each payee, in the job's order.
    #[error("the buyer's letter does not have one claim of each payee")]
    Claims,
    /// A claim of which the ledger's side says that it is none.
    #[error("the claim of {0} does not hold")]
    Claim(String),
    /// The secret of another lock.
    #[error("what the {0} gives out is not its part of the lock's secret")]
    Secret(&'static str),
    /// It is too late.
    #[error("too late: a secret leaves by height {until}, and the next block is {next}")]
    Late {
        /// The last height.
        until: u64,
        /// The next block.
        next: u64,
    },
    /// The compute parties gave another secret out for other claims before.
    #[error("other claims were agreed on before")]
    Other,
}

/// A finished run whose outputs are sold.
#[derive(Clone, Copy, Debug)]
pub struct Sold<'a> {
    job: &'a Job,
    sale: &'a Sale,
    lock: Lock,
}

impl<'a> Sold<'a> {
    /// The sale of a receipt that is one of the job.
    ///
    /// # Errors
    /// [`SaleError::NotSold`].
    pub fn new(job: &'a Job, receipt: &Receipt) -> Result<Self, SaleError> {
        let sale = job.sale.as_ref().filter(|_| receipt.facts.job == job.id()).ok_or(SaleError::NotSold)?;
        let sold = receipt.facts.sold.as_ref().ok_or(SaleError::NotSold)?;
        let lock = sold.lock(receipt.facts.run_id).map_err(|_| SaleError::NotSold)?;
        Ok(Self { job, sale, lock })
    }

    /// The lock of the run.
    #[must_use]
    pub const fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The job.
    #[must_use]
    pub const fn job(&self) -> &'a Job {
        self.job
    }

    /// What is sold.
    #[must_use]
    pub const fn sale(&self) -> &'a Sale {
        self.sale
    }

    fn names(&self, job: Digest, run_id: Digest) -> Result<(), SaleError> {
        let same = job == self.job.id() && run_id == self.lock.run_id();
        if same { Ok(()) } else { Err(SaleError::OtherSale) }
    }
}
