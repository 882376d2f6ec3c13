//! Receiving: respond to an invite.

use super::context::{Change, Context};
use crate::{
    error::WalletError,
    keys::{Account, Purpose},
    outputs::OutputRecord,
    slate::{
        Invite, Response, SlateError,
        respond::{self, NewResponse},
    },
    state::{ReceivedPayment, TxStatus},
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::session::SessionId;

/// The same response again; the payment is expected again if it was dismissed.
fn repeat(context: &Context<'_>, known: &ReceivedPayment) -> Change<Response> {
    let (mut next, response) = (context.state.clone(), known.response.clone());
    if next.dismissed.remove(&known.invite.session) {
        return Change::new(next, response);
    }
    Change::none(response)
}

/// Stops expecting a payment that this wallet has answered.
pub(crate) fn dismiss(context: &Context<'_>, session: &SessionId) -> Result<Change<()>, WalletError> {
    let known = context.state.received.get(session).ok_or(SlateError::NotAnswered)?;
    if let TxStatus::Confirmed { height } = known.tx_status {
        return Err(SlateError::Confirmed { height }.into());
    }
    let mut next = context.state.clone();
    next.dismissed.insert(*session);
    Ok(Change::new(next, ()))
}

/// Checks what `respond` would check, and changes nothing.
pub(crate) fn check(context: &Context<'_>, account: Account, invite: &Invite) -> Result<(), WalletError> {
    let (state, session) = (context.state, &invite.session);
    let keys = context.keys(account)?;
    let reused = match state.received.get(session) {
        Some(known) => known.invite != *invite || known.account != account,
        None => state.issued.contains_key(session),
    };
    if reused {
        return Err(SlateError::SessionReused.into());
    }
    Ok(respond::check_signed(&keys, context.chain, context.tip(), invite)?)
}

pub(crate) fn respond(
    context: &Context<'_>,
    account: Account,
    invite: &Invite,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Response>, WalletError> {
    let (keys, session) = (context.keys(account)?, invite.session);
    if let Some(known) = context.state.received.get(&session) {
        let same = known.invite == *invite && known.account == account;
        return if same { Ok(repeat(context, known)) } else { Err(SlateError::SessionReused.into()) };
    }
    if context.state.issued.contains_key(&session) {
        return Err(SlateError::SessionReused.into());
    }
    let new = respond::respond(&keys, context.chain, context.tip(), invite, rng)?;
    let NewResponse { response, opening, excess } = new;
    let record = OutputRecord::pending(account, session, &keys.plain(Purpose::Received, opening));
    let mut next = context.state.clone();
    next.outputs.insert(record.commitment, record);
    let (invite, tx_status) = (invite.clone(), TxStatus::Waiting);
    let received = ReceivedPayment { account, invite, response: response.clone(), excess, tx_status };
    next.received.insert(session, received);
    Ok(Change::new(next, response))
}
