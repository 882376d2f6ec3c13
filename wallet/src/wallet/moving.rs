//! Moving money within the wallet: a transaction of one party with itself, by a kernel that it signs alone.
//!
//! Two uses. A **consolidation** makes one output of several, which links them for ever. A **self-spend** moves one input of
//! a payment that cannot be cancelled any more back to this wallet: a chain that has it never takes the payment.

use super::{Wallet, WalletError, pending};
use crate::{
    keys::{Account, Purpose, fresh_index},
    outputs::{Origin, OutputRecord},
    select::{self, Confirmed, Merge, SelectError},
    slate::{
        SlateError,
        finalize::{Funding, Own, join},
    },
    state::{Fate, Moved, Reason},
    store::Store,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    group::PointBytes, kernel::KernelFeatures, range_proof::Opening, rules::Verified, session::SessionId,
    transaction::Transaction,
};

impl<S: Store> Wallet<S> {
    /// Plans to make one output of an account's smallest ones, at most `most`; nothing changes.
    ///
    /// # Errors
    /// [`SelectError`] when there are not two, or they are worth less than it costs.
    pub fn plan_merge(&self, account: Account, most: usize) -> Result<Merge, WalletError> {
        self.keys(account)?;
        Ok(select::merge(&self.state, &self.chain, account, most)?)
    }

    /// Carries a confirmed consolidation out: locks its inputs and returns the transaction.
    ///
    /// # Errors
    /// [`SelectError::Stale`] when an input is no longer free, or the store's refusal; nothing changes then.
    pub fn merge(
        &mut self,
        plan: Confirmed<Merge>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        self.move_out(&plan.into_inner(), Reason::Consolidation, rng)
    }

    /// Plans the self-spend that ends a payment which has left, or may have: of its inputs the smallest that pays for it. While
    /// nothing has left, [`Wallet::cancel`] does it free of charge.
    ///
    /// # Errors
    /// [`SlateError`] when the payment is over, or is being ended already; [`SelectError`] when no input of it is on the chain and worth more than the fee.
    pub fn plan_self_spend(&self, session: &SessionId) -> Result<Merge, WalletError> {
        let of = self.state.sent_in(session).map_or(*session, |s| s.id);
        let (inputs, fate) = self.state.payment(&of).ok_or(SlateError::UnknownSession)?;
        let ends = |m: &Moved| m.reason == Reason::SelfSpend { of } && m.fate == Fate::Waiting;
        if fate != Fate::Waiting || self.state.moved.values().any(ends) {
            return Err(SlateError::Over.into());
        }
        Ok(select::self_spend(&self.state, &self.chain, &inputs)?)
    }

    /// Makes the self-spend; whichever of the two transactions enters a block first displaces the other.
    ///
    /// # Errors
    /// As [`Wallet::plan_self_spend`], or the store's refusal; nothing changes then.
    pub fn self_spend(
        &mut self,
        session: &SessionId,
        plan: Confirmed<Merge>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        if *plan.get() != self.plan_self_spend(session)? {
            return Err(SelectError::Stale.into());
        }
        let of = self.state.sent_in(session).map_or(*session, |s| s.id);
        self.move_out(&plan.into_inner(), Reason::SelfSpend { of }, rng)
    }

    fn move_out(
        &mut self,
        plan: &Merge,
        reason: Reason,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        let (account, not_after) = (plan.account(), plan.not_after());
        let keys = self.keys(account)?;
        let opening = Opening { amount: plan.amount(), index: fresh_index(rng) };
        let inputs = plan.inputs().iter().map(|i: &OutputRecord| (i.purpose, i.opening)).collect();
        let funding = Funding { inputs, change: Some(opening) };
        let features = KernelFeatures::Plain { fee: plan.fee(), not_after };
        let own = Own::new(&self.chain, features, rng);
        let excess = own.excess();
        let transaction = join(&keys, &self.chain, vec![], (&funding, Some(own)))?;
        let mut session = SessionId([0; 32]);
        rng.fill_bytes(&mut session.0);
        let output = pending(&keys, account, (Purpose::Change, opening), Origin::Slate(session));
        let moved = Moved {
            session,
            account,
            reason,
            inputs: plan.inputs().iter().map(|i| i.commitment).collect(),
            output: output.commitment,
            not_after,
            transaction: transaction.get().clone(),
            excess,
            fate: Fate::Waiting,
        };
        let mut next = self.state.clone();
        // What a self-spend spends is held by the payment that it ends.
        let held: &[PointBytes] = if reason == Reason::Consolidation { &moved.inputs } else { &[] };
        if !next.lock(session, held, Some(output)) {
            return Err(SelectError::Stale.into());
        }
        next.moved.insert(session, moved);
        self.keep(next)?;
        Ok(transaction)
    }
}
