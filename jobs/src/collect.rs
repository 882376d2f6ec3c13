//! What a party makes of the compute parties' ends of a run: one outcome, or a disagreement. No socket and
//! no file.
//!
//! ```text
//! garbler's receipt, share ──┐
//!                            ├─ equal? ─► Collected ─ of our run, about our input? ─► shares open as signed? ─► Outcome
//! evaluator's receipt, share ┘
//! ```

use crate::approval::Run;
use crate::attempt::Finished;
use crate::codec::record;
use crate::input_commitment::InputCommitment;
use crate::job::Job;
use crate::lock::share::{LockedShare, SoldFacts};
use crate::output_share::{
    AttemptOutputs, EncryptedOutputShare, JoinedOutputs, WrongOutputShare, WrongPaddedOutputs,
};
use crate::pad::pad;
use crate::receipt::{Prefixes, Receipt, Stated, Statement};
use crate::run_state::OwnParty;

/// What a party has in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What both compute parties signed.
    pub receipt: Receipt,
    /// Our outputs: their places in the job, and their bits.
    pub outputs: Vec<(usize, Vec<bool>)>,
    /// What shows that they are those of the receipt, if we receive any.
    pub output_shares: Option<[Vec<u8>; 2]>,
    /// The locked shares of outputs that we buy, the garbler's first.
    pub locked: Option<[Vec<u8>; 2]>,
}

impl Outcome {
    fn without_outputs(receipt: &Receipt) -> Self {
        Self { receipt: receipt.clone(), outputs: Vec::new(), output_shares: None, locked: None }
    }
}

/// What a compute party answers at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What both signed, as this one says.
    pub receipt: Receipt,
    /// Its share of our outputs.
    pub encrypted_share: Option<EncryptedOutputShare>,
}

/// What was collected from both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    receipt: Receipt,
    encrypted_shares: Vec<EncryptedOutputShare>,
}
record!(Collected { receipt, encrypted_shares });

/// The two compute parties do not say the same, or say something about another run or input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// Two receipts.
    #[error("their receipts differ")]
    Receipts,
    /// The receipt is not about what we brought.
    #[error("their receipt is about another job or run, or another input than ours")]
    NotOurs,
    /// A share is missing.
    #[error("one of them has no output share of our outputs")]
    NoShare,
    /// A share is not what was signed for.
    #[error(transparent)]
    OutputShare(#[from] WrongOutputShare),
    /// What was opened is not what was signed for.
    #[error(transparent)]
    PaddedOutputs(#[from] WrongPaddedOutputs),
    /// A locked share is not what was signed for.
    #[error("the locked share of the {0} is not the one that both compute parties signed for")]
    Locked(&'static str),
}

impl Stated for Collected {
    const PREFIXES: Prefixes = Prefixes {
        plain: "sotto collected v1\0",
        vouched: "sotto collected v2\0",
        of_many: "sotto collected v3\0",
        of_sale: "sotto collected v4\0",
        vouched_of_many: "sotto collected v5\0",
    };

    fn sold_mut(&mut self) -> Option<&mut Option<SoldFacts>> {
        Some(&mut self.receipt.facts.sold)
    }

    fn sold(&self) -> Option<&SoldFacts> {
        self.receipt.facts.sold.as_ref()
    }

    fn further_mut(&mut self) -> Option<&mut Vec<Statement>> {
        Some(&mut self.receipt.further)
    }

    fn further(&self) -> &[Statement] {
        &self.receipt.further
    }

    fn statements(&self) -> Vec<&Statement> {
        self.receipt.statements()
    }

    fn statements_mut(&mut self) -> Vec<&mut Statement> {
        self.receipt.statements_mut()
    }
}

impl Collected {
    /// What all compute parties answered, in the job's order.
    ///
    /// # Errors
    /// If their receipts differ.
    pub fn of(ended: impl IntoIterator<Item = Ended>) -> Result<Self, Disagreement> {
        let mut ended = ended.into_iter();
        let Ended { receipt, encrypted_share } = ended.next().ok_or(Disagreement::Receipts)?;
        let mut encrypted_shares: Vec<_> = encrypted_share.into_iter().collect();
        for other in ended {
            if other.receipt != receipt {
                return Err(Disagreement::Receipts);
            }
            encrypted_shares.extend(other.encrypted_share);
        }
        Ok(Self { receipt, encrypted_shares })
    }

    /// The form in which it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_versioned()
    }

    /// What was kept, if it is of this job and both compute parties signed it.
    #[must_use]
    pub fn from_bytes(job: &Job, bytes: &[u8]) -> Option<Self> {
        let kept = Self::from_versioned(bytes).ok()?;
        Receipt::from_bytes(job, &kept.receipt.to_bytes()).ok().map(|_| kept)
    }
}

/// A party at the end of a run.
#[derive(Clone, Copy, Debug)]
pub struct Collector<'a> {
    /// The run.
    pub run: Run<'a>,
    /// We.
    pub ours: OwnParty<'a>,
    /// Our input commitment, if we brought anything without computing.
    pub input: Option<&'a InputCommitment>,
    /// Bits of each output, in the job's order.
    pub widths: &'a [usize],
}

impl Collector<'_> {
    /// What the party has in the end, if the receipt is of its run and about its own input.
    ///
    /// # Errors
    /// If it is not, or the shares are not what the receipt commits to.
    pub fn outcome(
        &self,
        Collected { receipt, encrypted_shares }: &Collected,
    ) -> Result<Outcome, Disagreement> {
        let (job, facts) = (self.run.job(), &receipt.facts);
        let about = job.contributor_of(self.ours.id).and_then(|i| facts.inputs.get(i).copied());
        if facts.job != job.id()
            || facts.run != self.run.number()
            || about != self.input.map(InputCommitment::digest)
        {
            return Err(Disagreement::NotOurs);
        }
        if job.outputs_of(self.ours.id).is_empty() {
            return Ok(Outcome::without_outputs(receipt));
        }
        if encrypted_shares.len() != job.compute_parties().len() {
            return Err(Disagreement::NoShare);
        }
        let seed = self.input.map(|input| input.nonce).unwrap_or_default();
        let shares: Vec<&[u8]> = encrypted_shares.iter().map(|share| &share.encrypted.0[..]).collect();
        self.join(receipt, &seed, &shares)
    }

    /// What a compute party has in the end.
    ///
    /// # Errors
    /// If the shares are not what the receipt commits to.
    pub fn outcome_of_compute_party(&self, finished: &Finished) -> Result<Outcome, Disagreement> {
        let receipt = &finished.receipt;
        let Some(theirs) = &finished.ours else {
            return Ok(Outcome::without_outputs(receipt));
        };
        let ours = finished.encrypted_shares.iter().find(|share| share.result_party == self.ours.id);
        let (ours, theirs) = (ours.map_or(&[][..], |share| &share.encrypted.0), &theirs.encrypted.0[..]);
        // Of several compute parties, the attempt compared what each delivers to us with what we have.
        let is_evaluator = self.run.job().evaluator == self.ours.id;
        let run_id = &receipt.facts.run_id.0;
        let shares = if is_evaluator { [theirs, ours] } else { [ours, theirs] };
        self.join(receipt, run_id, &shares)
    }

    /// `seed` is that of our pad, if the job has pads.
    fn join(&self, receipt: &Receipt, seed: &[u8; 32], encrypted: &[&[u8]]) -> Result<Outcome, Disagreement> {
        let (job, facts) = (self.run.job(), &receipt.facts);
        let origin = AttemptOutputs { job, run_id: facts.run_id, widths: self.widths };
        if job.malicious().is_some() {
            let pad = pad(self.ours.identity, seed, job.pad_bits(self.ours.id, self.widths));
            let outputs = origin.open(self.ours.id, &pad, facts, encrypted)?;
            let outputs = job.outputs_of(self.ours.id).into_iter().zip(outputs).collect();
            return Ok(Outcome { outputs, ..Outcome::without_outputs(receipt) });
        }
        let &[garbler, evaluator] = encrypted else { return Err(Disagreement::NoShare) };
        let encrypted = [garbler, evaluator];
        let JoinedOutputs { outputs, output_shares, locked } =
            origin.join(self.ours.id, self.ours.identity, facts, encrypted)?;
        if let (Some(locked), Some(sold)) = (&locked, &facts.sold) {
            let mut shares = LockedShare::both(job.pair(), locked).into_iter();
            if let Some(other) = shares.find(|share| !sold.names(*share)) {
                return Err(Disagreement::Locked(other.place.as_str()));
            }
        }
        Ok(Outcome {
            locked,
            receipt: receipt.clone(),
            outputs: job.open_outputs_of(self.ours.id).into_iter().zip(outputs).collect(),
            output_shares: Some(output_shares),
        })
    }
}
