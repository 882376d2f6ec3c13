//! All payments of a wallet by session, whoever began them and whichever way the money goes; and their messages once more.

use super::{Privacy, Wallet, WalletError};
use crate::{
    armor::{self, Kind},
    keys::{Account, Address},
    slate::{
        Invite, Invoice, Memo, SlateError,
        encrypt::{Encrypted, Private},
    },
    state::{Asked, AskedStage, Fate, Paid, Part, Received, Sent, Stage, Step},
    store::Store,
};
use sotto_mw::{
    amount::{Amount, Height},
    session::SessionId,
};

/// One payment, by the part that this wallet has in it.
#[derive(Clone, Copy, Debug)]
pub enum Deal<'a> {
    /// It pays, and began: one of those whom a payment pays.
    Sent(&'a Sent, Part<'a>),
    /// It is paid, and answered.
    Received(&'a Received),
    /// It is paid, and began.
    Asked(&'a Asked),
    /// It pays, and answered.
    Paid(&'a Paid),
}

impl<'a> Deal<'a> {
    /// Its session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        match self {
            Self::Sent(_, part) => part.invite().session,
            Self::Received(r) => r.invite.session,
            Self::Asked(a) => a.invoice.session,
            Self::Paid(p) => p.invoice.session,
        }
    }

    /// The account of this wallet.
    #[must_use]
    pub const fn account(&self) -> Account {
        match self {
            Self::Sent(Sent { account, .. }, _)
            | Self::Received(Received { account, .. })
            | Self::Asked(Asked { account, .. })
            | Self::Paid(Paid { account, .. }) => *account,
        }
    }

    /// What the receiver gets.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        match self {
            Self::Sent(_, part) => part.invite().amount,
            Self::Received(Received { invite, .. }) => invite.amount,
            Self::Asked(Asked { invoice, .. }) | Self::Paid(Paid { invoice, .. }) => invoice.amount,
        }
    }

    /// The line that travels with it.
    #[must_use]
    pub const fn memo(&self) -> &'a Memo {
        match self {
            Self::Sent(_, part) => &part.invite().memo,
            Self::Received(Received { invite, .. }) => &invite.memo,
            Self::Asked(Asked { invoice, .. }) | Self::Paid(Paid { invoice, .. }) => &invoice.memo,
        }
    }

    /// The last height at which it can enter a block.
    #[must_use]
    pub fn not_after(&self) -> Height {
        match self {
            Self::Sent(_, part) => part.invite().not_after(),
            Self::Received(Received { invite, .. }) => invite.not_after(),
            Self::Asked(Asked { invoice, .. }) | Self::Paid(Paid { invoice, .. }) => invoice.not_after(),
        }
    }

    /// The other side, if it is known.
    #[must_use]
    pub const fn partner(&self) -> Option<&'a Address> {
        match self {
            Self::Sent(_, part) => part.invite().recipient.as_ref(),
            Self::Received(r) => Some(&r.invite.sender),
            Self::Asked(a) => a.invoice.payer.as_ref(),
            Self::Paid(p) => Some(&p.invoice.receiver),
        }
    }

    /// How far it has come.
    #[must_use]
    pub const fn step(&self) -> Step {
        match self {
            Self::Sent(sent, part) => sent.step(*part),
            Self::Asked(Asked { stage: AskedStage::Open(_), .. }) => Step::Begun,
            Self::Asked(Asked { stage: AskedStage::Cancelled, .. }) => Step::Cancelled,
            Self::Asked(Asked { stage: AskedStage::Collected { fate, .. }, .. })
            | Self::Received(Received { fate, .. })
            | Self::Paid(Paid { fate, .. }) => Step::Signed(*fate),
        }
    }

    /// Whether it can still come true, and has not yet.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.step(), Step::Begun | Step::Held | Step::Signed(Fate::Waiting))
    }
}

impl<S: Store> Wallet<S> {
    /// All payments, those begun here first, each kind in order of sessions.
    pub fn deals(&self) -> impl Iterator<Item = Deal<'_>> {
        let begun = self
            .sent()
            .flat_map(|s| s.parts().map(move |p| Deal::Sent(s, p)))
            .chain(self.asked().map(Deal::Asked));
        begun.chain(self.received().map(Deal::Received)).chain(self.paid().map(Deal::Paid))
    }

    /// The last message of this wallet in a session, byte for byte as it was written first.
    ///
    /// # Errors
    /// [`SlateError::Cancelled`] when there is nothing to say any more.
    pub fn message(&self, deal: &Deal<'_>, privacy: Privacy) -> Result<String, WalletError> {
        let to = (deal.account(), deal.partner());
        let transaction = |t| Ok(armor::to_text(self.chain.id(), t));
        match deal {
            Deal::Received(r) => self.write(to, &r.response, privacy),
            Deal::Paid(p) => self.write(to, &p.payment, privacy),
            Deal::Sent(s, part) => match (part, &s.stage) {
                (Part::Open(o), _) => self.write(to, &o.invite, privacy),
                (Part::Signed(_), Stage::Finalised { transaction: t, .. }) => transaction(t),
                _ => Err(SlateError::Cancelled.into()),
            },
            Deal::Asked(a) => match &a.stage {
                AskedStage::Open(_) => self.write(to, &a.invoice, privacy),
                AskedStage::Collected { transaction: t, .. } => transaction(t),
                AskedStage::Cancelled => Err(SlateError::Cancelled.into()),
            },
        }
    }

    /// The session of an invite or invoice of this wallet; an encrypted one, which only its reader can open, is recognised
    /// because the same letter is encrypted to the same bytes.
    ///
    /// # Errors
    /// What is wrong with the text, or [`SlateError::UnknownSession`].
    pub fn session_of(&self, text: &str) -> Result<SessionId, WalletError> {
        let chain = self.chain.id();
        let found = match armor::kind(text)? {
            Kind::Invoice => Some(armor::from_text::<Invoice>(chain, text)?.session),
            Kind::EncryptedInvoice => {
                let letter = armor::from_text(chain, text)?;
                let is_it = |a: &&Asked| self.wrote((a.account, a.invoice.payer), &a.invoice, &letter);
                self.asked().find(is_it).map(|a| a.invoice.session)
            }
            Kind::EncryptedInvite => {
                let letter = armor::from_text(chain, text)?;
                let is_it = |account, i: &Invite| self.wrote((account, i.recipient), i, &letter);
                let mut invites = self.sent().flat_map(|s| s.parts().map(|p| (s.account, p.invite())));
                invites.find(|(account, i)| is_it(*account, i)).map(|(_, i)| i.session)
            }
            _ => Some(armor::from_text::<Invite>(chain, text)?.session),
        };
        Ok(found.ok_or(SlateError::UnknownSession)?)
    }

    fn wrote<T: Private + PartialEq>(
        &self,
        (account, to): (Account, Option<Address>),
        letter: &T,
        encrypted: &Encrypted<T>,
    ) -> bool {
        to.is_some_and(|to| self.encrypt(account, &to, letter).is_ok_and(|e| e == *encrypted))
    }
}
