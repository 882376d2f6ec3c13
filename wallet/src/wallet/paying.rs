//! Paying: plan, invite, finalize, cancel.

use super::{Wallet, WalletError, pending};
use crate::{
    keys::{Purpose, fresh_index},
    outputs::{Origin, Status},
    select::{self, Confirmed, Plan, Request, SelectError},
    slate::{
        Invite, Response, SlateError,
        finalize::{Answered, Funding},
        invite,
        seal::Secrets,
    },
    state::{AskedStage, Fate, Sent, Stage, last_chance},
    store::Store,
};
use mw::{
    amount::Amount,
    group::PointBytes,
    hash::Hash,
    range_proof::Opening,
    rules::{Verified, check_transaction, verify_transaction},
    schnorr::session::SessionId,
    transaction::Transaction,
};
use rand_core::{CryptoRng, RngCore};

impl<S: Store> Wallet<S> {
    /// Plans a payment; nothing changes.
    ///
    /// # Errors
    /// [`SelectError`] when it cannot be made.
    pub fn plan(&self, request: Request) -> Result<Plan, WalletError> {
        self.keys(request.account)?;
        Ok(select::plan(&self.state, &self.chain, request)?)
    }

    /// Locks the inputs of a confirmed plan and opens its session.
    ///
    /// # Errors
    /// [`SelectError::Stale`] when an input is no longer free, or the store's refusal; nothing changes then.
    pub fn invite(
        &mut self,
        plan: Confirmed<Plan>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Invite, WalletError> {
        let plan = plan.into_inner();
        let account = plan.request().account;
        let keys = self.keys(account)?;
        let (invite, secrets) = invite::invite(&keys, &self.chain, plan.terms(), rng);
        let sealed = secrets.seal(&self.installation, &invite.hash(self.chain.id()), rng);
        let origin = Origin::Slate(invite.session);
        let change = (plan.change() > Amount::ZERO).then(|| {
            let opening = Opening { amount: plan.change(), index: fresh_index(rng) };
            pending(&keys, account, (Purpose::Change, opening), origin)
        });
        let inputs = plan.inputs().iter().map(|i| i.commitment).collect();
        let sent = Sent {
            account,
            invite: invite.clone(),
            inputs,
            change: change.as_ref().map(|c| c.commitment),
            stage: Stage::Invited(sealed),
        };
        let mut next = self.state.clone();
        if !next.lock(invite.session, &sent.inputs, change) {
            return Err(SelectError::Stale.into());
        }
        next.sent.insert(invite.session, sent);
        self.keep(next)?;
        Ok(invite)
    }

    /// Checks a response, signs, burns the nonces, and returns the payment; the same response gets the same payment.
    ///
    /// # Errors
    /// [`SlateError`] with the party at fault. A refused response changes nothing, and a good one can still come; once
    /// one was accepted, no other ever is.
    pub fn finalize(&mut self, response: &Response) -> Result<Verified<Transaction>, WalletError> {
        let sent = self.state.sent.get(&response.session).ok_or(SlateError::UnknownSession)?;
        let sealed = match &sent.stage {
            Stage::Cancelled => return Err(SlateError::Cancelled.into()),
            Stage::Finalised { response: first, transaction, .. } => {
                return if **first == *response {
                    self.again(transaction.clone())
                } else {
                    Err(SlateError::AnsweredTwice.into())
                };
            }
            Stage::Invited(sealed) => sealed,
        };
        let hash = sent.invite.hash(self.chain.id());
        let secrets =
            Secrets::unseal(sealed, &self.installation, &hash).ok_or(SlateError::ForeignInstallation)?;
        let answered = Answered::check(&self.chain, self.state.tip, &sent.invite, response)?;
        let excess = answered.excess();
        let funding = self.funding(sent)?;
        let transaction = answered.finalize(&self.keys(sent.account)?, &self.chain, &funding, secrets)?;
        self.close(&response.session, &response.hash())?;
        let mut next = self.state.clone();
        if let Some(sent) = next.sent.get_mut(&response.session) {
            sent.stage = Stage::Finalised {
                response: Box::new(response.clone()),
                transaction: transaction.get().clone(),
                excess,
                fate: Fate::Waiting,
            };
        }
        self.keep(next)?;
        Ok(transaction)
    }

    /// Closes a session on one answer, for ever and before a byte leaves: whatever becomes of the wallet file, no other answer
    /// is signed for.
    pub(super) fn close(&self, session: &SessionId, on: &Hash) -> Result<(), WalletError> {
        match self.installation.close(session, on)? {
            closed if closed == *on => Ok(()),
            Hash::ZERO => Err(SlateError::Cancelled.into()),
            _ => Err(SlateError::AnsweredTwice.into()),
        }
    }

    pub(super) fn again(&self, t: Transaction) -> Result<Verified<Transaction>, WalletError> {
        let well_formed = check_transaction(&self.chain, t).map_err(SlateError::Rules)?;
        Ok(verify_transaction(&self.chain, well_formed).map_err(SlateError::Rules)?)
    }

    /// Openings of what a payment spends and of its change; every input must still be held by it.
    fn funding(&self, sent: &Sent) -> Result<Funding, SlateError> {
        let held = |c: &PointBytes| {
            let record = self.state.outputs.get(c);
            let held =
                record.filter(|o| matches!(o.status, Status::Locked { by, .. } if by == sent.invite.session));
            held.map(|o| (o.purpose, o.opening)).ok_or(SlateError::InputGone { output: *c })
        };
        let inputs = sent.inputs.iter().map(held).collect::<Result<_, _>>()?;
        let change = sent.change.and_then(|c| self.state.outputs.get(&c)).map(|o| o.opening);
        Ok(Funding { inputs, change })
    }

    /// Calls off an invite or an invoice: free of charge while nothing signed has left. Its nonces are burnt, its inputs free.
    ///
    /// # Errors
    /// [`SlateError::HasLeft`] when it was finalised, [`SlateError::MayHaveLeft`] when another copy of this wallet may have
    /// finalised it, both with the height after which it cannot come true.
    pub fn cancel(&mut self, session: &SessionId) -> Result<(), WalletError> {
        let mut next = self.state.clone();
        next.cancel(&self.chain, session)?;
        self.burn(session)?;
        Ok(self.keep(next)?)
    }

    /// Closes an open session on no response; an error when it was closed on one, or another installation could have.
    fn burn(&self, session: &SessionId) -> Result<(), WalletError> {
        let chain = self.chain.id();
        let sent =
            self.state.sent.get(session).map(|s| (&s.stage, s.invite.hash(chain), s.invite.not_after()));
        let asked = self.state.asked.get(session).map(|a| (&a.stage, &a.invoice));
        let (sealed, hash, not_after) = match (sent, asked) {
            (Some((Stage::Invited(sealed), hash, not_after)), _) => (sealed, hash, not_after),
            (_, Some((AskedStage::Open(sealed), i))) => (sealed, i.hash(chain), i.not_after()),
            _ => return Ok(()),
        };
        let until = last_chance(&self.chain, not_after);
        if Secrets::unseal(sealed, &self.installation, &hash).is_none() {
            return Err(SlateError::MayHaveLeft { until }.into());
        }
        match self.installation.close(session, &Hash::ZERO)? {
            Hash::ZERO => Ok(()),
            _ => Err(SlateError::HasLeft { until }.into()),
        }
    }
}
