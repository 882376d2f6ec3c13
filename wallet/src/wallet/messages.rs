//! Messages: writing and reading them, in the clear or encrypted; repeating them; proofs of payment.

use super::context::Context;
use crate::{
    armor::{self, MessageKind},
    encrypt::{Encryptable, Encrypted, Privacy},
    error::WalletError,
    hold::{Purpose, Settlement, payer::receipt, start_fee},
    keys::{Account, Address},
    output_proof::{Evidence, OutputProof, Prover, SealedOutput},
    outputs::Coin,
    proof::{KernelInclusion, PaymentProof, PaymentProofError},
    sessions::{Record, SessionView},
    slate::{Invite, Invoice, Memo, SlateError},
    state::{
        HoldRecord, InvoiceStage, IssuedInvoice, PaidInvoice, PaymentPart, PaymentStage, SignedInvite,
        TxStatus,
    },
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{
    amount::{Amount, Height},
    kernel::Excess,
    secret::SecretScalar,
    session::{Role, SessionId},
};

pub(crate) fn encrypt<T: Encryptable>(
    context: &Context<'_>,
    account: Account,
    to: &Address,
    message: &T,
) -> Result<Encrypted<T>, WalletError> {
    Ok(Encrypted::new(context.chain.id(), &context.keys(account)?, to, message))
}

pub(crate) fn decrypt<T: Encryptable>(
    context: &Context<'_>,
    message: &Encrypted<T>,
) -> Result<T, WalletError> {
    let decrypt = |a| message.decrypt(context.chain.id(), &context.root.account(a));
    Ok(context.accounts().find_map(decrypt).ok_or(SlateError::NotOurs)?)
}

/// The recipient of a message that an account writes, and whether to encrypt it.
#[derive(Clone, Copy)]
pub(crate) struct Envelope<'a> {
    pub(crate) account: Account,
    pub(crate) to: Option<&'a Address>,
    pub(crate) privacy: Privacy,
}

pub(crate) fn write<T: Encryptable>(
    context: &Context<'_>,
    envelope: Envelope<'_>,
    message: &T,
) -> Result<String, WalletError> {
    let chain = context.chain.id();
    match (envelope.privacy, envelope.to) {
        (Privacy::Encrypted, Some(to)) => {
            Ok(armor::to_text(chain, &encrypt(context, envelope.account, to, message)?))
        }
        _ => Ok(armor::to_text(chain, message)),
    }
}

pub(crate) fn read<T: Encryptable>(context: &Context<'_>, text: &str) -> Result<T, WalletError> {
    let chain = context.chain.id();
    if armor::kind(text)? == T::ENCRYPTED {
        decrypt(context, &armor::from_text::<Encrypted<T>>(chain, text)?)
    } else {
        Ok(armor::from_text(chain, text)?)
    }
}

pub(crate) fn last_message(
    context: &Context<'_>,
    session: &SessionView<'_>,
    privacy: Privacy,
) -> Result<String, WalletError> {
    let envelope = Envelope { account: session.account(), to: session.counterparty(), privacy };
    let transaction = |t| Ok(armor::to_text(context.chain.id(), t));
    match session.record {
        Record::Received(r) => write(context, envelope, &r.response),
        Record::Paid(p) => write(context, envelope, &p.payment),
        Record::Invite(s, part) => match (part, &s.stage) {
            (PaymentPart::Open(o), _) => write(context, envelope, &o.invite),
            (
                PaymentPart::Signed(_) | PaymentPart::Direct(_),
                PaymentStage::Finalised { transaction: t, .. },
            ) => transaction(t),
            (PaymentPart::Expired(i), _) => Err(expired(context, i.not_after())),
            _ => Err(SlateError::Cancelled.into()),
        },
        Record::Issued(i) => match &i.stage {
            InvoiceStage::Open(_) => write(context, envelope, &i.invoice),
            InvoiceStage::Collected { transaction: t, .. } => transaction(t),
            InvoiceStage::Cancelled => Err(SlateError::Cancelled.into()),
            InvoiceStage::Expired => Err(expired(context, i.invoice.not_after())),
        },
    }
}

fn expired(context: &Context<'_>, not_after: Height) -> WalletError {
    SlateError::Expired { not_after, next: context.tip().next() }.into()
}

/// The session of an invite or an invoice of this wallet. The wallet cannot decrypt its own message, but
/// encrypting the same message again gives the same bytes.
pub(crate) fn session_of(context: &Context<'_>, text: &str) -> Result<SessionId, WalletError> {
    let (chain, state) = (context.chain.id(), context.state);
    let found = match armor::kind(text)? {
        MessageKind::Invoice => Some(armor::from_text::<Invoice>(chain, text)?.session),
        MessageKind::EncryptedInvoice => {
            let message = armor::from_text(chain, text)?;
            let is_it =
                |i: &&IssuedInvoice| wrote(context, i.account, (i.invoice.payer, &i.invoice), &message);
            state.issued.values().find(is_it).map(|i| i.invoice.session)
        }
        MessageKind::EncryptedInvite => {
            let message = armor::from_text(chain, text)?;
            let is_it = |account, i: &Invite| wrote(context, account, (i.recipient, i), &message);
            let sent = state.sent.values();
            let mut invites = sent.flat_map(|s| s.parts().filter_map(|p| Some((s.account, p.invite()?))));
            invites.find(|(account, i)| is_it(*account, i)).map(|(_, i)| i.session)
        }
        _ => Some(armor::from_text::<Invite>(chain, text)?.session),
    };
    Ok(found.ok_or(SlateError::UnknownSession)?)
}

/// Whether an account wrote this encrypted message, given the reader and the message in the clear.
fn wrote<T: Encryptable + PartialEq>(
    context: &Context<'_>,
    account: Account,
    (to, message): (Option<Address>, &T),
    encrypted: &Encrypted<T>,
) -> bool {
    to.is_some_and(|to| encrypt(context, account, &to, message).is_ok_and(|e| e == *encrypted))
}

pub(crate) fn paid_excess(context: &Context<'_>, session: &SessionId) -> Option<Excess> {
    let sent = signed(context, session).map(|s| s.excess);
    let claimed = || released(context, session)?.claim_excess();
    let started = || started(context, session)?.funding_excess();
    sent.or_else(|| context.state.paid.get(session).map(|p| p.excess)).or_else(claimed).or_else(started)
}

pub(crate) fn prove(
    context: &Context<'_>,
    session: &SessionId,
    inclusion: &KernelInclusion,
) -> Result<PaymentProof, WalletError> {
    let sent = signed(context, session).map(|s| sent_proof(s, inclusion));
    let paid = context.state.paid.get(session).map(|p| paid_proof(p, inclusion));
    let claimed = released(context, session).and_then(|h| claim_proof(h, inclusion));
    let started = started(context, session).and_then(|h| start_proof(h, inclusion));
    let proof = sent.or(paid).or(claimed).or(started).ok_or(PaymentProofError::UnknownSession)?;
    proof.verify(context.chain.id())?;
    Ok(proof)
}

/// The invite with this session and its response, if both were signed.
fn signed<'a>(context: &Context<'a>, session: &SessionId) -> Option<&'a SignedInvite> {
    match context.state.payment_with(session)?.part(session)? {
        PaymentPart::Signed(signed) => Some(signed),
        _ => None,
    }
}

/// The hold with this id, if this wallet is its payer.
fn released<'a>(context: &Context<'a>, hold: &SessionId) -> Option<&'a HoldRecord> {
    context.state.holds.get(hold).filter(|h| h.spends().is_some())
}

/// The hold with a start fee whose funding has this session, if this wallet is its payer.
fn started<'a>(context: &Context<'a>, funding: &SessionId) -> Option<&'a HoldRecord> {
    let mut paid = context.state.holds.values().filter(|h| h.spends().is_some());
    paid.find(|h| {
        let offer = h.offer();
        offer.terms.start_fee > Amount::ZERO && Purpose::Funding.session(&offer.id) == *funding
    })
}

/// What the seller signed with its consent.
fn start_proof(h: &HoldRecord, inclusion: &KernelInclusion) -> Option<PaymentProof> {
    let (offer, join) = (h.offer(), h.join()?);
    let (paid, share) = (join.start_fee.as_ref()?, offer.share(Purpose::Funding)?);
    Some(PaymentProof {
        receipt: start_fee::receipt(offer, &join.funding.share.key, &paid.output.commitment),
        receiver: offer.seller,
        signature: paid.receipt,
        payer: share.key,
        role: Role::Inviter,
        possession: share.possession,
        inclusion: inclusion.clone(),
    })
}

/// What the seller signed with its claim.
fn claim_proof(h: &HoldRecord, inclusion: &KernelInclusion) -> Option<PaymentProof> {
    let (offer, answer) = (h.offer(), h.claim()?);
    let Settlement::Claim { output, receipt: signature, .. } = &answer.settlement else { return None };
    let share = offer.share(Purpose::Claim)?;
    Some(PaymentProof {
        receipt: receipt(offer, answer, &output.commitment),
        receiver: offer.seller,
        signature: *signature,
        payer: share.key,
        role: Role::Inviter,
        possession: share.possession,
        inclusion: inclusion.clone(),
    })
}

fn sent_proof(
    SignedInvite { invite, response, .. }: &SignedInvite,
    inclusion: &KernelInclusion,
) -> PaymentProof {
    PaymentProof {
        receipt: invite.receipt(&response.share.key, &response.output.commitment),
        receiver: response.receiver,
        signature: response.receipt,
        payer: invite.share.key,
        role: Role::Inviter,
        possession: invite.share.possession,
        inclusion: inclusion.clone(),
    }
}

fn paid_proof(
    PaidInvoice { invoice, payment, .. }: &PaidInvoice,
    inclusion: &KernelInclusion,
) -> PaymentProof {
    PaymentProof {
        receipt: invoice.receipt(),
        receiver: invoice.receiver,
        signature: invoice.receipt,
        payer: payment.share.key,
        role: Role::Responder,
        possession: payment.share.possession,
        inclusion: inclusion.clone(),
    }
}

pub(crate) fn prove_output(
    context: &Context<'_>,
    session: &SessionId,
    statement: Memo,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<OutputProof, WalletError> {
    let sent = context.state.payment_with(session).ok_or(PaymentProofError::UnknownSession)?;
    let Some(PaymentPart::Direct(direct)) = sent.part(session) else {
        return Err(PaymentProofError::UnknownSession.into());
    };
    let missing = match sent.tx_status() {
        TxStatus::Confirmed { .. } => PaymentProofError::NoEvidence,
        _ => PaymentProofError::Unconfirmed,
    };
    let (sealed, address) = (direct.evidence.clone().ok_or(missing)?, direct.terms.to);
    let params = context.chain.params().clone();
    let r = context.keys(sent.account)?.sender_secret(&direct.terms);
    proven(context, Evidence { params, sealed, address, statement }, (Prover::Payer, &r), rng)
}

pub(crate) fn prove_received(
    context: &Context<'_>,
    sealed: SealedOutput,
    statement: Memo,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<OutputProof, WalletError> {
    let coin = Coin::of(&sealed.output.commitment, &sealed.output.features);
    let record = context.state.outputs.get(&coin.commitment).filter(|o| o.coin() == coin);
    let account = record.map(|o| o.account).ok_or(PaymentProofError::NotPaid)?;
    let payment = context.keys(account)?.payment(context.chain.params().network);
    let (params, address) = (context.chain.params().clone(), payment.address);
    proven(context, Evidence { params, sealed, address, statement }, (Prover::Receiver, &payment.view), rng)
}

fn proven(
    context: &Context<'_>,
    evidence: Evidence,
    by: (Prover, &SecretScalar),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<OutputProof, WalletError> {
    let proof = OutputProof::new(context.chain.id(), evidence, by, rng)?;
    proof.verify(context.chain.id())?;
    Ok(proof)
}
