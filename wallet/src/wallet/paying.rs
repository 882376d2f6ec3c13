//! Paying one or several: plan, invite, finalize, cancel.

use super::{Wallet, WalletError, pending};
use crate::{
    keys::Purpose,
    outputs::{Origin, Status},
    select::{self, Confirmed, Plan, Request, SelectError},
    slate::{
        Invite, Response, SlateError,
        finalize::{Answered, Funding, Own, join},
        invite,
        seal::Secrets,
    },
    state::{Answer, AskedStage, Fate, Invited, Part, Sent, Signed, Stage, State, last_chance},
    store::{Store, StoreError},
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Amount,
    group::PointBytes,
    hash::Hash,
    kernel::KernelFeatures,
    range_proof::Opening,
    rules::{Verified, check_transaction, verify_transaction},
    session::SessionId,
    transaction::Transaction,
};

impl<S: Store> Wallet<S> {
    /// Plans a payment; nothing changes.
    ///
    /// # Errors
    /// [`SelectError`] when it cannot be made.
    pub fn plan(&self, request: Request) -> Result<Plan, WalletError> {
        self.keys(request.account)?;
        Ok(select::plan(&self.state, &self.chain, request)?)
    }

    /// Locks the inputs of a confirmed plan and opens a session for each payee; the invites are in the order of the payees.
    ///
    /// # Errors
    /// [`SelectError::Stale`] when an input is no longer free, or the store's refusal; nothing changes then.
    pub fn invite(
        &mut self,
        plan: Confirmed<Plan>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Vec<Invite>, WalletError> {
        let (plan, mut next) = (plan.into_inner(), self.state.clone());
        let account = plan.account();
        let keys = self.keys(account)?;
        let mut open = |terms| {
            let (invite, secrets) = invite::invite(&keys, &self.chain, terms, rng);
            let sealed = secrets.seal(&self.installation, &invite.hash(self.chain.id()), rng);
            Invited { invite, sealed, answer: Answer::Awaited }
        };
        let open: Vec<Invited> = plan.terms().map(&mut open).collect();
        let invites: Vec<Invite> = open.iter().map(|o| o.invite.clone()).collect();
        let id = invites.first().ok_or(SelectError::Zero)?.session;
        let inputs: Vec<_> = plan.inputs().iter().map(|i| i.commitment).collect();
        if !next.lock(id, &inputs, None) {
            return Err(SelectError::Stale.into());
        }
        let (change, dropped, stage) = (None, vec![], Stage::Open(open));
        next.sent.insert(id, Sent { id, account, inputs, change, dropped, stage });
        self.put_change(&mut next, &id)?;
        self.keep(next)?;
        Ok(invites)
    }

    /// Takes the response of one payee. When all others have answered too, signs, burns the nonces, and returns the payment;
    /// `None` while it is held for them. The same response gets the same payment.
    ///
    /// # Errors
    /// [`SlateError`] with the party at fault. A refused response changes nothing, and a good one can still come; once
    /// one was accepted, no other ever is.
    pub fn finalize(
        &mut self,
        response: &Response,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Option<Verified<Transaction>>, WalletError> {
        let sent = self.state.sent_in(&response.session).ok_or(SlateError::UnknownSession)?.clone();
        let open = match (&sent.stage, sent.part(&response.session)) {
            (Stage::Finalised { transaction, .. }, Some(Part::Signed(s))) if s.response == *response => {
                return self.again(transaction.clone()).map(Some);
            }
            (_, Some(Part::Signed(_))) => return Err(SlateError::AnsweredTwice.into()),
            (Stage::Open(open), Some(Part::Open(_))) => hold(open, response)?,
            _ => return Err(SlateError::Cancelled.into()),
        };
        let there = open.iter().filter_map(|o| Some((o, o.response()?)));
        let answered = there.map(|(o, r)| self.check(o, r)).collect::<Result<Vec<_>, _>>()?;
        if answered.len() == open.len() {
            return self.sign(sent, answered, rng).map(Some);
        }
        self.keep_sent(Sent { stage: Stage::Open(open), ..sent })?;
        Ok(None)
    }

    /// Signs for all who were invited, each of whom has answered.
    fn sign(
        &mut self,
        sent: Sent,
        answered: Vec<(Answered<'_>, Secrets)>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Verified<Transaction>, WalletError> {
        let signed: Vec<Signed> = answered.iter().map(|(a, _)| a.signed()).collect();
        let funding = (&self.funding(&sent)?, self.own_kernel(&sent, rng)?);
        let transaction = join(&self.keys(sent.account)?, &self.chain, answered, funding)?;
        signed.iter().try_for_each(|s| self.close(&s.invite.session, &s.response.hash()))?;
        let (result, fate) = (transaction.get().clone(), Fate::Waiting);
        self.keep_sent(Sent { stage: Stage::Finalised { signed, transaction: result, fate }, ..sent })?;
        Ok(transaction)
    }

    fn keep_sent(&mut self, sent: Sent) -> Result<(), StoreError> {
        let mut next = self.state.clone();
        next.sent.insert(sent.id, sent);
        self.keep(next)
    }

    /// Checks a response to an invite, and opens what was sealed for it.
    fn check<'a>(
        &self,
        invited: &'a Invited,
        response: &'a Response,
    ) -> Result<(Answered<'a>, Secrets), WalletError> {
        let Invited { invite, sealed, .. } = invited;
        let secrets = Secrets::unseal(sealed, &self.installation, &invite.hash(self.chain.id()));
        let secrets = secrets.ok_or(SlateError::ForeignInstallation)?;
        Ok((Answered::check(&self.chain, self.state.tip, invite, response)?, secrets))
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
            let held = record.filter(|o| matches!(o.status, Status::Locked { by, .. } if by == sent.id));
            held.map(|o| (o.purpose, o.opening)).ok_or(SlateError::InputGone { output: *c })
        };
        let inputs = sent.inputs.iter().map(held).collect::<Result<_, _>>()?;
        let change = sent.change.and_then(|c| self.state.outputs.get(&c)).map(|o| o.opening);
        Ok(Funding { inputs, change })
    }

    /// The kernel that pays what those of the payees do not.
    fn own_kernel(
        &self,
        sent: &Sent,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Option<Own>, WalletError> {
        let (fee, _) = self.state.rest(&self.chain, sent)?;
        let features = KernelFeatures::Plain { fee, not_after: sent.not_after() };
        Ok((fee > Amount::ZERO).then(|| Own::new(&self.chain, features, rng)))
    }

    /// Gives an open payment the change that is due to it, under an index as random as its name; none, when an input is gone
    /// and it can only be called off.
    fn put_change(&self, next: &mut State, id: &SessionId) -> Result<(), WalletError> {
        let Some(sent) = next.sent.get(id).filter(|s| matches!(s.stage, Stage::Open(_))) else {
            return Ok(());
        };
        let amount = next.rest(&self.chain, sent).map_or(Amount::ZERO, |(_, change)| change);
        let index = core::array::from_fn(|i| id.0[i]);
        let change = if amount == Amount::ZERO {
            None
        } else {
            let opening = (Purpose::Change, Opening { amount, index });
            Some(pending(&self.keys(sent.account)?, sent.account, opening, Origin::Slate(*id)))
        };
        next.put_change(id, change);
        Ok(())
    }

    /// Calls off an invite or an invoice: free of charge while nothing signed has left. Its nonces are burnt. Of several invites
    /// of one payment the others stay, and its share becomes change; with the last one the inputs are free.
    ///
    /// # Errors
    /// [`SlateError::HasLeft`] when it was finalised, [`SlateError::MayHaveLeft`] when another copy of this wallet may have
    /// finalised it, both with the height after which it cannot come true.
    pub fn cancel(&mut self, session: &SessionId) -> Result<(), WalletError> {
        let mut next = self.state.clone();
        next.cancel(&self.chain, session)?;
        if let Some(id) = next.sent_in(session).map(|s| s.id) {
            self.put_change(&mut next, &id)?;
        }
        self.burn(session)?;
        Ok(self.keep(next)?)
    }

    /// Closes an open session on no response; an error when it was closed on one, or another installation could have.
    fn burn(&self, session: &SessionId) -> Result<(), WalletError> {
        let chain = self.chain.id();
        let sent = self.state.sent_in(session).and_then(|s| s.part(session));
        let asked = self.state.asked.get(session).map(|a| (&a.stage, &a.invoice));
        let (sealed, hash, not_after) = match (sent, asked) {
            (Some(Part::Open(Invited { sealed, invite, .. })), _) => {
                (sealed, invite.hash(chain), invite.not_after())
            }
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

/// The open invites with a response in its place.
fn hold(open: &[Invited], response: &Response) -> Result<Vec<Invited>, SlateError> {
    let mut open = open.to_vec();
    for o in &mut open {
        let this = o.invite.session == response.session;
        match o.response() {
            Some(held) if this && held != response => return Err(SlateError::AnsweredTwice),
            Some(held) if !this && held.output.commitment == response.output.commitment => {
                return Err(SlateError::OutputTwice);
            }
            _ if this => o.answer = Answer::Held(Box::new(response.clone())),
            _ => {}
        }
    }
    Ok(open)
}
