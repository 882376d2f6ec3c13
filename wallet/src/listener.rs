//! A wallet that receives by itself: which messages of strangers it answers, and what it answers.
//!
//! ```text
//! message ─▶ bounded? ─▶ read ─┬─ invite ─▶ consent ─▶ limit per hour ─▶ checked, signed ─▶ response
//!                              └─ payment of an invoice of ours ─▶ its inputs are looked up ─▶ accepted, and a
//!                                 transaction
//! anything else, or a rule that is not met ─▶ refusal with a reason
//! ```
//!
//! A pure machine: time and randomness come in, and what is to be sent, looked up or submitted goes out as
//! [`Effect`]s. The wallet's store is written before an effect is returned, as in every operation of a
//! wallet.
//!
//! Guaranteed: nothing is answered against the rules. An invite is signed by its sender, so a contact's name
//! is not taken in vain; the reply is encrypted to the sender, so a copied invite tells its bearer nothing. A
//! message that was answered before is answered again with the same bytes and counts once. A listener never
//! pays, and never cancels: the worst that a stranger can make it do is to sign receipts for money that the
//! stranger then does not send, at most as many an hour as the rules allow.
//!
//! Not guaranteed: that someone who is refused does not learn why. The reasons tell whether the sender is a
//! contact, and which amounts are accepted.
#![deny(clippy::indexing_slicing)]

use crate::{
    armor::{self, MessageKind},
    encrypt::Privacy,
    error::WalletError,
    keys::{Account, Address},
    scan::UnspentInputs,
    sessions::{SessionStatus, SessionView},
    slate::{Invite, Memo, Payment, SlateError},
    store::Store,
    wallet::Wallet,
};
use rand_core::{CryptoRng, RngCore};
use sotto_mw::{amount::Amount, rules::Verified, session::SessionId, transaction::Transaction};
use std::collections::VecDeque;

/// The longest message that a listener reads, in bytes: far above that of any invite.
pub const MAX_MESSAGE: usize = 64 << 10;

/// What a listener replies to the payment of an invoice, which needs no further message.
pub const ACCEPTED: &str = "accepted";

/// The seconds over which [`Consent::per_hour`] counts.
const HOUR: u64 = 3_600;

/// Whose invites are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Senders {
    /// None: only payments of invoices are accepted.
    Never,
    /// Those of contacts.
    Contacts,
    /// Those of everybody, up to this amount; of contacts, any amount.
    Anyone {
        /// The largest amount that is accepted from a sender outside the contacts.
        most: Amount,
    },
}

/// What the owner of a wallet consents to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Whose invites are answered.
    pub senders: Senders,
    /// The smallest amount that is accepted.
    pub least: Amount,
    /// How many new invites are answered in any hour.
    pub per_hour: u32,
}

/// Why a message is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The message is longer than [`MAX_MESSAGE`].
    #[error("the message is longer than {MAX_MESSAGE} bytes")]
    TooLong,
    /// It is neither an invite nor a payment of an invoice.
    #[error("this wallet takes invites and payments of invoices only")]
    Kind,
    /// The sender's invites are not answered.
    #[error("this wallet does not take payments from this address")]
    Sender,
    /// The amount is too small.
    #[error("this wallet takes amounts from {least} base units on")]
    TooSmall {
        /// The smallest amount that is accepted.
        least: Amount,
    },
    /// The amount is too large for a sender outside the contacts.
    #[error("this wallet takes at most {most} base units from this address")]
    TooLarge {
        /// The largest amount that is accepted.
        most: Amount,
    },
    /// The limit of an hour is reached.
    #[error("this wallet has answered as many invites as it does in an hour; try again in {seconds} s")]
    TooMany {
        /// When the next invite is answered.
        seconds: u64,
    },
    /// The wallet refused the message itself.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

/// What a listener wants done, in this order.
#[derive(Debug)]
pub enum Effect {
    /// Look up the inputs of this payment of an invoice, and go on with [`collect`].
    LookUp(Box<Payment>),
    /// Submit this transaction, which completes the payment of an invoice.
    Submit(Box<Verified<Transaction>>),
    /// Send this text back.
    Reply(String),
    /// Send back why not.
    Refuse(Refusal),
    /// Tell the owner: this was received.
    Received(Box<Received>),
}

/// A payment that a listener answered.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its session.
    pub session: SessionId,
    /// The amount.
    pub amount: Amount,
    /// The payer; `None` if an invoice named none.
    pub from: Option<Address>,
    /// The payer's line.
    pub memo: Memo,
}

/// A message as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The text of a slate.
    pub text: &'a str,
    /// When it arrived, in seconds of a clock that does not go back.
    pub now: u64,
}

/// The consent rules, and the answers of the last hour.
#[derive(Clone, Debug)]
pub struct Listener {
    consent: Consent,
    account: Account,
    /// When the invites of the last hour were answered, oldest first.
    answered: VecDeque<u64>,
}

impl Listener {
    /// A listener; invites that name no receiver are paid into `account`.
    #[must_use]
    pub const fn new(consent: Consent, account: Account) -> Self {
        Self { consent, account, answered: VecDeque::new() }
    }

    /// Takes a message. Scan before: the wallet compares heights with those of its last scan.
    pub fn step<S: Store>(
        &mut self,
        wallet: &mut Wallet<S>,
        delivery: &Delivery<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Vec<Effect> {
        self.take(wallet, delivery, rng).unwrap_or_else(|refusal| vec![Effect::Refuse(refusal)])
    }

    fn take<S: Store>(
        &mut self,
        wallet: &mut Wallet<S>,
        delivery: &Delivery<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Vec<Effect>, Refusal> {
        if delivery.text.len() > MAX_MESSAGE {
            return Err(Refusal::TooLong);
        }
        match armor::kind(delivery.text).map_err(WalletError::from)? {
            MessageKind::Invite | MessageKind::EncryptedInvite => self.answer(wallet, delivery, rng),
            MessageKind::Payment | MessageKind::EncryptedPayment => {
                let payment = wallet.read_message::<Payment>(delivery.text)?;
                Ok(vec![Effect::LookUp(Box::new(payment))])
            }
            _ => Err(Refusal::Kind),
        }
    }

    /// Answers an invite, if the rules allow it.
    fn answer<S: Store>(
        &mut self,
        wallet: &mut Wallet<S>,
        delivery: &Delivery<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Vec<Effect>, Refusal> {
        let invite: Invite = wallet.read_message(delivery.text)?;
        let account = match (wallet.addressee(&invite), invite.recipient) {
            (Some(account), _) => account,
            (None, None) => self.account,
            (None, Some(_)) => return Err(WalletError::from(SlateError::NotForUs).into()),
        };
        let is_known = wallet.sessions().any(|s| s.session() == invite.session);
        if !is_known {
            self.allow(wallet, &invite)?;
            self.check_limit(delivery.now)?;
        }
        let response = wallet.respond(account, &invite, rng)?;
        let reply = wallet.write_message(account, Some(&invite.sender), &response, Privacy::Encrypted)?;
        if is_known {
            return Ok(vec![Effect::Reply(reply)]);
        }
        self.answered.push_back(delivery.now);
        let Invite { session, amount, sender, memo, .. } = invite;
        let received = Received { session, amount, from: Some(sender), memo };
        Ok(vec![Effect::Reply(reply), Effect::Received(Box::new(received))])
    }

    /// Whether the owner consents to this invite.
    fn allow<S: Store>(&self, wallet: &Wallet<S>, invite: &Invite) -> Result<(), Refusal> {
        let is_contact = wallet.contacts().name_of(&invite.sender).is_some();
        match self.consent.senders {
            Senders::Never => return Err(Refusal::Sender),
            Senders::Contacts if !is_contact => return Err(Refusal::Sender),
            Senders::Anyone { most } if !is_contact && invite.amount > most => {
                return Err(Refusal::TooLarge { most });
            }
            Senders::Contacts | Senders::Anyone { .. } => {}
        }
        let least = self.consent.least;
        if invite.amount < least { Err(Refusal::TooSmall { least }) } else { Ok(()) }
    }

    /// Whether one more invite may be answered in this hour.
    fn check_limit(&mut self, now: u64) -> Result<(), Refusal> {
        while self.answered.front().is_some_and(|then| then.saturating_add(HOUR) <= now) {
            self.answered.pop_front();
        }
        if self.answered.len() < self.consent.per_hour as usize {
            return Ok(());
        }
        let oldest = self.answered.front().map_or(now, |then| *then);
        Err(Refusal::TooMany { seconds: oldest.saturating_add(HOUR).saturating_sub(now) })
    }
}

/// Takes the payment of an invoice, whose inputs were looked up. The invoice is the consent.
pub fn collect<S: Store>(wallet: &mut Wallet<S>, payment: &Payment, inputs: &UnspentInputs) -> Vec<Effect> {
    let of_payment = |s: &SessionView<'_>| s.session() == payment.session;
    let is_new = wallet.sessions().any(|s| of_payment(&s) && s.status() == SessionStatus::Begun);
    let transaction = match wallet.collect(payment, inputs) {
        Ok(transaction) => transaction,
        Err(e) => return vec![Effect::Refuse(e.into())],
    };
    let mut effects = vec![Effect::Submit(Box::new(transaction)), Effect::Reply(ACCEPTED.to_owned())];
    let of_invoice = wallet.sessions().find(of_payment).filter(|_| is_new);
    effects.extend(of_invoice.map(|s| {
        let (amount, from, memo) = (s.amount(), s.counterparty().copied(), s.memo().clone());
        Effect::Received(Box::new(Received { session: payment.session, amount, from, memo }))
    }));
    effects
}
