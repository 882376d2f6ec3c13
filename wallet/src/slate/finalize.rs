//! Third step, by the sender: check the response, sign, combine, and hold the result against the rules.
//!
//! [`Answered`] is an invite with a response that was checked; only it can be finished. What is checked (SPEC "Signing a
//! payment", 3 and 5, and "Proof of payment"):
//!
//! ```text
//! shares      possession of X_r, no identities, X_r ≠ X_s, nothing cancels
//! partial     z_r·G = D_r + ρ_r·E_r + c·X_r
//! output      C_r − v·H = X_r + o_r·G, plain, without extra data, with its range proof
//! receipt     the address that was invited signed the proof of payment
//! ```

use super::{Invite, Response, SlateError, respond::check_window, seal::Secrets};
use crate::keys::{AccountKeys, Purpose};
use mw::{
    amount::Height,
    group::Scalar,
    kernel::{Excess, Kernel},
    range_proof::Opening,
    rules::{Verified, check_transaction, params::Chain, verify_transaction},
    schnorr::session::{Role, Session},
    secret::SecretScalar,
    transaction::{Body, Output, OutputFeatures, Transaction},
};

/// What the sender spends, and what comes back.
#[derive(Clone, Debug)]
pub(crate) struct Funding {
    /// The outputs to spend.
    pub(crate) inputs: Vec<(Purpose, Opening)>,
    /// The change, if there is any.
    pub(crate) change: Option<Opening>,
}

/// An invite with a response to it that was checked.
#[derive(Debug)]
pub(crate) struct Answered<'a> {
    invite: &'a Invite,
    response: &'a Response,
    session: Session,
}

impl<'a> Answered<'a> {
    /// Checks a response against the invite that was made here.
    pub(crate) fn check(
        chain: &Chain,
        tip: Height,
        invite: &'a Invite,
        response: &'a Response,
    ) -> Result<Self, SlateError> {
        let id = chain.id();
        if response.session != invite.session {
            return Err(SlateError::UnknownSession);
        }
        if response.invite != invite.hash(id) {
            return Err(SlateError::InviteAltered);
        }
        check_window(chain, tip, invite.features.window(chain.params().window_width).not_after)?;
        let known = invite.recipient.is_none_or(|r| r == response.receiver);
        if !known || response.receiver.network() != chain.params().network {
            return Err(SlateError::ResponderAddress);
        }
        let session = invite.session(id, response.share)?;
        session.check_partial(Role::Responder, &response.partial)?;
        let (c, x) = (&response.output.commitment, &response.share.key);
        let plain = response.output.features == OutputFeatures::Plain;
        let bare = response.output.extra.as_bytes().is_empty();
        if !plain || !bare || !c.is_split(invite.amount, x, &response.offset) {
            return Err(SlateError::ResponderOutput);
        }
        if !response.receipt.verifies(response.receiver.sign(), &invite.receipt(id, x, c)) {
            return Err(SlateError::ResponderReceipt);
        }
        if !response.output.proof_holds(id) {
            return Err(SlateError::ResponderProof);
        }
        Ok(Self { invite, response, session })
    }

    /// The excess of the payment's kernel.
    pub(crate) fn excess(&self) -> Excess {
        Excess::from_point(*self.session.key().point())
    }

    /// Signs, combines and builds the transaction; consumes the nonces.
    pub(crate) fn finalize(
        self,
        keys: &AccountKeys,
        chain: &Chain,
        funding: &Funding,
        secrets: Secrets,
    ) -> Result<Verified<Transaction>, SlateError> {
        let Self { invite, response, .. } = &self;
        let offset = offset_share(keys, funding, &secrets.x) + response.offset;
        let partial = self.session.sign(Role::Inviter, &secrets.x, secrets.nonces)?;
        let signature = self.session.combine(&partial, &response.partial)?;
        let kernel = Kernel { features: invite.features, excess: self.excess(), signature };
        let inputs = funding.inputs.iter().map(|(p, o)| keys.commitment(*p, o)).collect();
        let mut outputs = vec![response.output.clone()];
        outputs.extend(change(keys, chain, funding)?);
        let transaction = Transaction { offset, body: Body::sorted(inputs, outputs, vec![kernel]) };
        Ok(verify_transaction(chain, check_transaction(chain, transaction)?)?)
    }
}

fn change(keys: &AccountKeys, chain: &Chain, funding: &Funding) -> Result<Option<Output>, SlateError> {
    let make = |o: &Opening| keys.output(chain.id(), OutputFeatures::Plain, Purpose::Change, o);
    Ok(funding.change.as_ref().map(make).transpose()?)
}

/// `o_s = Σ r_out − Σ r_in − x_s`.
fn offset_share(keys: &AccountKeys, funding: &Funding, x: &SecretScalar) -> Scalar {
    let out = funding
        .change
        .iter()
        .fold(SecretScalar::zero(), |sum, o| sum.add(&keys.blinding(Purpose::Change, o)));
    let rest = funding.inputs.iter().fold(out, |sum, (p, o)| sum.sub(&keys.blinding(*p, o)));
    rest.sub(x).reveal()
}
