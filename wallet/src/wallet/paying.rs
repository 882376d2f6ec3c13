//! Paying one or several recipients: pay at once, or invite, finalize, cancel.

use super::context::{Change, Context};
use crate::{
    coin_selection::{ChangeKind, CoinSelectionError, Payee, PaymentPlan, Recipient, remainder},
    error::WalletError,
    keys::{AccountKeys, NewOneSided, OneSidedTerms, Purpose, fresh_index},
    nonce_vault::SessionSecrets,
    outputs::{Coin, OutputRecord},
    slate::{
        Invite, Response, SlateError,
        finalize::{CheckedResponse, Parts, PayerKernel, join},
        funding::Funding,
        invite,
        session::fresh_session,
    },
    state::{
        DirectPayment, InvoiceStage, OpenInvite, PaymentPart, PaymentStage, SentPayment, SignedInvite, State,
        TxStatus, last_possible_height,
    },
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::Amount,
    group::PointBytes,
    hash::Hash,
    range_proof::Opening,
    rules::Verified,
    session::{Role, SessionId},
    transaction::Transaction,
};

/// Makes a payment to which no recipient has to respond: the transaction is complete at once.
pub(crate) fn pay(
    context: &Context<'_>,
    plan: &PaymentPlan,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Verified<Transaction>>, WalletError> {
    if !plan.is_complete() {
        return Err(CoinSelectionError::NeedsResponse.into());
    }
    let (account, not_after) = (plan.account(), plan.not_after());
    let keys = context.keys(account)?;
    let direct = direct(context, &keys, plan, rng);
    let id = direct.first().ok_or(CoinSelectionError::Zero)?.session;
    let change = Opening { amount: plan.change(), index: fresh_index(rng) };
    let change = (change.amount > Amount::ZERO).then(|| match plan.change_kind() {
        ChangeKind::Hidden => keys.hidden(change),
        ChangeKind::Plain => keys.plain(Purpose::Change, change),
    });
    let inputs = plan.inputs().iter().map(OutputRecord::secret).collect();
    let parts = Parts {
        answered: vec![],
        direct: deliver(context, &keys, &direct, rng)?,
        funding: Funding { inputs, change: change.map(|c| c.secret) },
        own: vec![PayerKernel::new(context.chain, plan.only_kernel(), rng)],
    };
    let transaction = join(&keys, context.chain, parts, rng)?;
    let inputs: Vec<_> = plan.inputs().iter().map(|i| i.commitment).collect();
    let change = change.map(|new| OutputRecord::pending(account, id, &new));
    let mut next = context.state.clone();
    let stage = PaymentStage::Finalised {
        signed: vec![],
        transaction: transaction.get().clone(),
        tx_status: TxStatus::Waiting,
    };
    let kept = change.as_ref().map(|o| o.commitment);
    if !next.lock(id, &inputs, change) {
        return Err(CoinSelectionError::Stale.into());
    }
    let sent = SentPayment { id, account, inputs, change: kept, cancelled: vec![], direct, not_after, stage };
    next.sent.insert(id, sent);
    Ok(Change::new(next, transaction))
}

/// The recipients of a plan who are paid one-sidedly, each with fresh bytes of its own.
fn direct(
    context: &Context<'_>,
    keys: &AccountKeys,
    plan: &PaymentPlan,
    rng: &mut (impl RngCore + CryptoRng),
) -> Vec<DirectPayment> {
    let mut direct = vec![];
    for Payee { amount, recipient, memo } in plan.payees() {
        let Recipient::OneSided { to, reference } = *recipient else { continue };
        let index = reference.map_or_else(|| fresh_index(rng), |r| r.0);
        let mut fresh = [0; 32];
        rng.fill_bytes(&mut fresh);
        let terms = OneSidedTerms { to, opening: Opening { amount: *amount, index }, fresh };
        let (c, receiver) = keys.delivered(context.chain.id(), &terms);
        let coin = Coin { commitment: c.encoded(), receiver: Some(receiver.encoded()) };
        let (session, note, recipient) = (fresh_session(rng), memo.clone(), to.into());
        direct.push(DirectPayment { session, terms, coin, note, recipient, evidence: None });
    }
    direct
}

fn deliver(
    context: &Context<'_>,
    keys: &AccountKeys,
    direct: &[DirectPayment],
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Vec<NewOneSided>, SlateError> {
    direct.iter().map(|d| Ok(keys.deliver(context.chain, &d.terms, rng)?)).collect()
}

pub(crate) fn invite(
    context: &Context<'_>,
    plan: &PaymentPlan,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Vec<Invite>>, WalletError> {
    let (account, not_after, mut next) = (plan.account(), plan.not_after(), context.state.clone());
    let keys = context.keys(account)?;
    let mut open = |terms| {
        let (invite, secrets) = invite::invite(&keys, context.chain, terms, rng);
        let encrypted = secrets.encrypt(context.installation, &invite.hash(context.chain.id()), rng);
        OpenInvite { invite, encrypted, response: None }
    };
    let open: Vec<OpenInvite> = plan.terms().map(&mut open).collect();
    let invites: Vec<Invite> = open.iter().map(|o| o.invite.clone()).collect();
    let id = invites.first().ok_or(CoinSelectionError::NeedsNoResponse)?.session;
    let inputs: Vec<_> = plan.inputs().iter().map(|i| i.commitment).collect();
    if !next.lock(id, &inputs, None) {
        return Err(CoinSelectionError::Stale.into());
    }
    let (change, cancelled, stage) = (None, vec![], PaymentStage::Open(open));
    let direct = direct(context, &keys, plan, rng);
    next.sent.insert(id, SentPayment { id, account, inputs, change, cancelled, direct, not_after, stage });
    set_change(context, &mut next, &id)?;
    Ok(Change::new(next, invites))
}

pub(crate) fn finalize(
    context: &Context<'_>,
    response: &Response,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Option<Verified<Transaction>>>, WalletError> {
    let sent = context.state.payment_with(&response.session).ok_or(SlateError::UnknownSession)?;
    let open = match (&sent.stage, sent.part(&response.session)) {
        (PaymentStage::Finalised { transaction, .. }, Some(PaymentPart::Signed(s)))
            if s.response == *response =>
        {
            return Ok(Change::none(Some(context.verify(transaction.clone())?)));
        }
        (_, Some(PaymentPart::Signed(_))) => return Err(SlateError::AnsweredTwice.into()),
        (PaymentStage::Open(open), Some(PaymentPart::Open(_))) => with_response(open, response)?,
        (_, Some(PaymentPart::Expired(invite))) => {
            let (not_after, next) = (invite.not_after(), context.tip().next());
            return Err(SlateError::Expired { not_after, next }.into());
        }
        _ => return Err(SlateError::Cancelled.into()),
    };
    let there = open.iter().filter_map(|o| Some((o, o.response.as_deref()?)));
    let answered = there.map(|(o, r)| check(context, o, r)).collect::<Result<Vec<_>, _>>()?;
    let (stage, result) = if answered.len() == open.len() {
        let (stage, transaction) = sign(context, sent, answered, rng)?;
        (stage, Some(transaction))
    } else {
        (PaymentStage::Open(open), None)
    };
    let mut next = context.state.clone();
    next.sent.insert(sent.id, SentPayment { stage, ..sent.clone() });
    Ok(Change::new(next, result))
}

/// Signs for all recipients, who have all responded, and closes their sessions.
fn sign(
    context: &Context<'_>,
    sent: &SentPayment,
    answered: Vec<(CheckedResponse<'_>, SessionSecrets)>,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(PaymentStage, Verified<Transaction>), WalletError> {
    let signed: Vec<SignedInvite> = answered.iter().map(|(a, _)| signed(a)).collect();
    let keys = context.keys(sent.account)?;
    let (funding, own) = (funding(context, sent)?, own_kernel(context, sent, rng)?);
    let direct = deliver(context, &keys, &sent.direct, rng)?;
    let transaction = join(&keys, context.chain, Parts { answered, direct, funding, own }, rng)?;
    signed.iter().try_for_each(|s| context.close(&s.invite.session, &s.response.hash()))?;
    let (result, tx_status) = (transaction.get().clone(), TxStatus::Waiting);
    Ok((PaymentStage::Finalised { signed, transaction: result, tx_status }, transaction))
}

fn signed(checked: &CheckedResponse<'_>) -> SignedInvite {
    SignedInvite {
        invite: checked.invite().clone(),
        response: checked.response().clone(),
        excess: checked.excess(),
    }
}

/// Checks a response to an invite, and decrypts the nonces of the invite.
fn check<'a>(
    context: &Context<'_>,
    open: &'a OpenInvite,
    response: &'a Response,
) -> Result<(CheckedResponse<'a>, SessionSecrets), WalletError> {
    let OpenInvite { invite, encrypted, .. } = open;
    let secrets = context.decrypt(encrypted, &invite.hash(context.chain.id()))?;
    Ok((CheckedResponse::check(context.chain, context.tip(), invite, response)?, secrets))
}

/// The open invites, with the response added to its invite.
fn with_response(open: &[OpenInvite], response: &Response) -> Result<Vec<OpenInvite>, SlateError> {
    let mut open = open.to_vec();
    for o in &mut open {
        let this = o.invite.session == response.session;
        match o.response.as_deref() {
            Some(held) if this && held != response => return Err(SlateError::AnsweredTwice),
            Some(held) if !this && held.output.commitment == response.output.commitment => {
                return Err(SlateError::OutputTwice);
            }
            _ if this => o.response = Some(Box::new(response.clone())),
            _ => {}
        }
    }
    Ok(open)
}

/// What opens the inputs of a payment and its change. The payment must still lock every input.
fn funding(context: &Context<'_>, sent: &SentPayment) -> Result<Funding, SlateError> {
    let outputs = &context.state.outputs;
    let held = |c: &PointBytes| {
        let record = outputs.get(c).filter(|o| o.is_locked_by(&sent.id));
        record.map(OutputRecord::secret).ok_or(SlateError::InputGone { output: *c })
    };
    let inputs = sent.inputs.iter().map(held).collect::<Result<_, _>>()?;
    let change = sent.change.and_then(|c| outputs.get(&c)).map(OutputRecord::secret);
    Ok(Funding { inputs, change })
}

/// The kernel that pays what the kernels of the recipients do not, if one is needed.
fn own_kernel(
    context: &Context<'_>,
    sent: &SentPayment,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Vec<PayerKernel>, WalletError> {
    let own = remainder(context.state, context.chain, sent)?.own;
    Ok(own.into_iter().map(|features| PayerKernel::new(context.chain, features, rng)).collect())
}

/// Sets the change of an open payment. Its index comes from the identifier of the payment, which is random.
/// There is no change when an input is gone: the payment can only be cancelled then.
fn set_change(context: &Context<'_>, next: &mut State, id: &SessionId) -> Result<(), WalletError> {
    let Some(sent) = next.sent.get(id).filter(|s| matches!(s.stage, PaymentStage::Open(_))) else {
        return Ok(());
    };
    let amount = remainder(next, context.chain, sent).map_or(Amount::ZERO, |r| r.change);
    let index = id.0.first_chunk().copied().unwrap_or_default();
    let change = if amount == Amount::ZERO {
        None
    } else {
        let new = context.keys(sent.account)?.plain(Purpose::Change, Opening { amount, index });
        Some(OutputRecord::pending(sent.account, *id, &new))
    };
    next.set_change(id, change);
    Ok(())
}

pub(crate) fn cancel(context: &Context<'_>, session: &SessionId) -> Result<Change<()>, WalletError> {
    let mut next = context.state.clone();
    next.cancel(context.chain, session)?;
    if let Some(id) = next.payment_with(session).map(|s| s.id) {
        set_change(context, &mut next, &id)?;
    }
    close_unanswered(context, session)?;
    Ok(Change::new(next, ()))
}

/// Closes an open session without a response. Fails when it was closed with one, or when another installation
/// may have closed it.
fn close_unanswered(context: &Context<'_>, session: &SessionId) -> Result<(), WalletError> {
    let id = context.chain.id();
    let sent = context.state.payment_with(session).and_then(|s| s.part(session));
    let issued = context.state.issued.get(session).map(|i| (&i.stage, &i.invoice));
    let (encrypted, hash, not_after) = match (sent, issued) {
        (Some(PaymentPart::Open(OpenInvite { encrypted, invite, .. })), _) => {
            (encrypted, invite.hash(id), invite.not_after())
        }
        (_, Some((InvoiceStage::Open(encrypted), i))) => (encrypted, i.hash(id), i.not_after()),
        _ => return Ok(()),
    };
    let until = last_possible_height(context.chain, not_after);
    if context.decrypt(encrypted, &hash).is_err() {
        return Err(SlateError::MayHaveLeft { until }.into());
    }
    match context.installation.close(session, Role::Inviter, &Hash::ZERO)? {
        Hash::ZERO => Ok(()),
        _ => Err(SlateError::HasLeft { until }.into()),
    }
}
