//! A compute party's part of a settlement: it gives its secret to all payees once all of them said go.
//!
//! ```text
//! Waiting ── every payee's go, all alike ──▶ Open: to every payee, again whenever it is asked
//! ```
//!
//! It knows no ledger. Payees say by their goes that it is in time.

use std::collections::BTreeMap;

use super::letters::Go;
use super::sold::{SaleError, Sold};
use crate::job::PartyId;

/// Whether the secret may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Not yet: these payees have not said go.
    Wait(Vec<PartyId>),
    /// To all of these, at once.
    HandOver(Vec<PartyId>),
}

/// What a compute party knows of a settlement.
#[derive(Debug)]
pub struct Computer<'a> {
    sold: Sold<'a>,
    goes: BTreeMap<PartyId, Go>,
    open: Option<Go>,
}

impl<'a> Computer<'a> {
    /// No payee has said anything.
    #[must_use]
    pub const fn new(sold: Sold<'a>) -> Self {
        Self { sold, goes: BTreeMap::new(), open: None }
    }

    /// Takes a payee's go. A later one counts in place of an earlier one until the secret has left; after that all goes
    /// are for the claims that it left for.
    ///
    /// # Errors
    /// If it is none of a payee of this sale, or for other claims than those that the secret left for.
    pub fn step(&mut self, go: Go) -> Result<Effect, SaleError> {
        go.check(&self.sold)?;
        if self.open.as_ref().is_some_and(|open| !open.agrees_with(&go)) {
            return Err(SaleError::Other);
        }
        self.goes.insert(go.payee, go.clone());
        let payees: Vec<PartyId> = self.sold.sale().payees.iter().map(|payee| payee.owner).collect();
        let has = |payee: &PartyId| self.goes.get(payee).is_some_and(|said| said.agrees_with(&go));
        let missing: Vec<PartyId> = payees.iter().copied().filter(|payee| !has(payee)).collect();
        if missing.is_empty() {
            self.open = Some(go);
            return Ok(Effect::HandOver(payees));
        }
        Ok(Effect::Wait(missing))
    }
}
