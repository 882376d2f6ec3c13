//! A payee's part of a settlement: it checks the claims, says go, gathers the secret and claims.
//!
//! ```text
//! Waiting ── claims that hold, in time ──▶ Gone ── both secrets, or t from a block ──▶ Open: pass on, complete
//! ```
//!
//! **A secret that is out cannot be called back**, so a payee says go only while every claim still has its margin, and
//! completes at once when it knows t, whether in time or not: the ledger's side then refuses to publish what is too late.

use super::letters::{ClaimSet, EncryptedSecret, Go};
use super::sold::{SaleError, Sold};
use crate::job::PartyId;
use crate::lock::{LockSecret, Place};
use sotto_party::Identity;

/// What the ledger's side says of claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The first payee whose claim does not hold: another lock, another height, not ours.
    pub false_claim: Option<PartyId>,
    /// The next block.
    pub next: u64,
    /// The last height at which a secret may leave.
    pub until: u64,
}

/// What comes to a payee.
#[derive(Debug)]
pub enum Event<'e> {
    /// The buyer's letter, and what the ledger's side says of it.
    Claims(&'e ClaimSet, Judgement),
    /// A compute party's secret, from it or from another payee.
    Secret(&'e EncryptedSecret),
    /// t, as another payee's claim in a block shows it.
    Revealed(LockSecret),
}

/// What it does.
#[derive(Debug)]
pub enum Effect {
    /// Gives this to both compute parties.
    Send(Go),
    /// Waits for the other secret.
    Wait(Place),
    /// Encrypts this secret of the compute party in a place to these payees.
    PassOn(Place, LockSecret, Vec<PartyId>),
    /// Completes its claim with t and publishes it.
    Complete(LockSecret),
}

/// What a payee knows of a settlement.
#[derive(Debug)]
pub struct Payee<'a> {
    sold: Sold<'a>,
    us: PartyId,
    identity: &'a Identity,
    secrets: [Option<LockSecret>; 2],
}

impl<'a> Payee<'a> {
    /// Nothing has come yet.
    #[must_use]
    pub const fn new(sold: Sold<'a>, us: PartyId, identity: &'a Identity) -> Self {
        Self { sold, us, identity, secrets: [None, None] }
    }

    /// Takes an event.
    ///
    /// # Errors
    /// If a letter is refused; then nothing has changed.
    pub fn step(&mut self, event: Event<'_>) -> Result<Vec<Effect>, SaleError> {
        match event {
            Event::Claims(set, judgement) => self.claims(set, judgement),
            Event::Secret(letter) => self.secret(letter),
            Event::Revealed(t) if t.is_of(self.sold.lock().point()) => Ok(vec![Effect::Complete(t)]),
            Event::Revealed(_) => Err(SaleError::Secret("claim in the block")),
        }
    }

    fn claims(&self, set: &ClaimSet, judgement: Judgement) -> Result<Vec<Effect>, SaleError> {
        self.sold.names(set.job, set.run_id)?;
        if set.lock != self.sold.lock().point() {
            return Err(SaleError::OtherSale);
        }
        let payees = self.sold.sale().payees.iter().map(|payee| payee.owner);
        if !set.claims.iter().map(|claim| claim.payee).eq(payees) {
            return Err(SaleError::Claims);
        }
        if let Some(payee) = judgement.false_claim {
            return Err(SaleError::Claim(self.sold.job().party(payee).name.to_string()));
        }
        let Judgement { next, until, .. } = judgement;
        if next > until {
            return Err(SaleError::Late { until, next });
        }
        Ok(vec![Effect::Send(Go::sign(set, self.us, self.identity))])
    }

    fn secret(&mut self, letter: &EncryptedSecret) -> Result<Vec<Effect>, SaleError> {
        let secret = letter.open(&self.sold, self.identity)?;
        let [garbler, evaluator] = &mut self.secrets;
        let (mine, other, missing) = match letter.place {
            Place::Garbler => (garbler, evaluator, Place::Evaluator),
            Place::Evaluator => (evaluator, garbler, Place::Garbler),
        };
        *mine = Some(secret.copied());
        let Some(other) = other else { return Ok(vec![Effect::Wait(missing)]) };
        let t = secret.plus(other);
        let payees = self.sold.sale().payees.iter().map(|payee| payee.owner);
        let others: Vec<PartyId> = payees.filter(|payee| *payee != self.us).collect();
        let pass = [(letter.place, secret), (missing, other.copied())]
            .map(|(place, secret)| Effect::PassOn(place, secret, others.clone()));
        Ok(pass.into_iter().filter(|_| !others.is_empty()).chain([Effect::Complete(t)]).collect())
    }
}
