//! Receiving: respond to an invite.

use super::context::{Change, Context};
use crate::{
    error::WalletError,
    keys::{Account, Purpose},
    outputs::{OutputRecord, OutputSecret},
    slate::{
        Invite, Response, SlateError,
        respond::{self, NewResponse},
    },
    state::{ReceivedPayment, TxStatus},
};
use rand_core::{CryptoRng, RngCore};

pub(crate) fn respond(
    context: &Context<'_>,
    account: Account,
    invite: &Invite,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Change<Response>, WalletError> {
    let (keys, session) = (context.keys(account)?, invite.session);
    if let Some(known) = context.state.received.get(&session) {
        let same = known.invite == *invite && known.account == account;
        let repeat = || Ok(Change::none(known.response.clone()));
        return if same { repeat() } else { Err(SlateError::SessionReused.into()) };
    }
    if context.state.issued.contains_key(&session) {
        return Err(SlateError::SessionReused.into());
    }
    let new = respond::respond(&keys, context.chain, context.tip(), invite, rng)?;
    let NewResponse { response, opening, excess } = new;
    let secret = OutputSecret { purpose: Purpose::Received, opening };
    let record = OutputRecord::pending(&keys, account, session, secret);
    let mut next = context.state.clone();
    next.outputs.insert(record.commitment, record);
    let (invite, tx_status) = (invite.clone(), TxStatus::Waiting);
    let received = ReceivedPayment { account, invite, response: response.clone(), excess, tx_status };
    next.received.insert(session, received);
    Ok(Change::new(next, response))
}
