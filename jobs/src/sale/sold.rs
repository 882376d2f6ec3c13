//! A finished run whose outputs are sold, and why a letter about it is refused.

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
    /// The signer is no payee.
    #[error("the letter is not signed by a payee of the job")]
    Stranger,
    /// The signer is not the buyer.
    #[error("the letter is not signed by the buyer of the job")]
    Buyer,
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
    /// The buyer could not judge a result before it pays.
    #[error("the buyer does not receive {0}, so it would pay without knowing whether there is a result")]
    Blind(String),
    /// The run has no result.
    #[error("the inputs do not hold, or the program panicked: there is nothing to pay for")]
    Verdict,
    /// A locked share that was not signed for.
    #[error("the locked share of the {0} is not the one that both compute parties signed for")]
    Locked(&'static str),
    /// Fewer or more bits than are sold.
    #[error("the compute parties signed for other outputs than the job sells")]
    Widths,
    /// The buyer took its money back.
    #[error("the sale was undone")]
    Undone,
    /// The buyer has released the money.
    #[error("the money is released for the claims of the payees; what no payee claims returns by itself")]
    Bound,
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

    pub(super) fn names(&self, job: Digest, run_id: Digest) -> Result<(), SaleError> {
        let same = job == self.job.id() && run_id == self.lock.run_id();
        if same { Ok(()) } else { Err(SaleError::OtherSale) }
    }
}
