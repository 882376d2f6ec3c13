//! Payments begun here: one transaction that pays one or several, with a session and a kernel for each of them.
//!
//! ```text
//! each invite     awaited ── answer ─▶ held ── the last one is there ─▶ signed, all at once
//!                    └──── cancel ───────┴──▶ dropped: burnt unsigned
//! the payment     Open ── nobody is awaited ─▶ Finalised: signed, see `state`
//!                   └── all dropped, or past last height + K ─▶ Cancelled
//! ```
//!
//! Nothing is signed before everybody who is still invited has answered, so an invite can be dropped free of charge till
//! then: its share of the inputs becomes change. Its kernel never exists, since it takes a partial signature of this
//! wallet. All invites of a payment have one last height, and its kernels enter the chain together or not at all.

use super::{Fate, Step};
use crate::{
    keys::Account,
    slate::{Invite, Response, seal::Sealed},
};
use sotto_mw::{
    amount::{Amount, Height},
    group::PointBytes,
    kernel::Excess,
    session::SessionId,
    transaction::Transaction,
};

/// What is there of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing yet.
    Awaited,
    /// The one response that is accepted; it was checked, and waits for the others.
    Held(Box<Response>),
}

/// An invite that is out, and its secrets under seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// The invite.
    pub invite: Invite,
    /// x, d, e.
    pub sealed: Sealed,
    /// What came back.
    pub answer: Answer,
}

impl Invited {
    /// The response that is held.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        match &self.answer {
            Answer::Awaited => None,
            Answer::Held(response) => Some(response),
        }
    }
}

/// An invite that was answered and signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The invite.
    pub invite: Invite,
    /// The one response that was accepted.
    pub response: Response,
    /// Its kernel's excess.
    pub excess: Excess,
}

/// How far a payment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// At least one invite is out, and nothing signed has left.
    Open(Vec<Invited>),
    /// Called off before anything signed left; the secrets are gone.
    Cancelled,
    /// Signed; the secrets are gone, the result is kept.
    Finalised {
        /// All that it pays, in the order of the invites.
        signed: Vec<Signed>,
        /// The result.
        transaction: Transaction,
        /// What became of it.
        fate: Fate,
    },
}

/// A payment made from this wallet, to one or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its name in this wallet: the session of its first invite.
    pub id: SessionId,
    /// The paying account.
    pub account: Account,
    /// What it spends.
    pub inputs: Vec<PointBytes>,
    /// What comes back.
    pub change: Option<PointBytes>,
    /// Invites that were called off: all of them when it is cancelled.
    pub dropped: Vec<Invite>,
    /// How far it has come.
    pub stage: Stage,
}

/// One invite of a payment, by where it stands.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// It is out.
    Open(&'a Invited),
    /// It was signed.
    Signed(&'a Signed),
    /// It was called off.
    Dropped(&'a Invite),
}

impl<'a> Part<'a> {
    /// The invite.
    #[must_use]
    pub const fn invite(self) -> &'a Invite {
        match self {
            Self::Open(Invited { invite, .. })
            | Self::Signed(Signed { invite, .. })
            | Self::Dropped(invite) => invite,
        }
    }
}

impl Sent {
    /// What became of it; an open payment waits, a cancelled one failed.
    #[must_use]
    pub const fn fate(&self) -> Fate {
        match self.stage {
            Stage::Open(_) => Fate::Waiting,
            Stage::Cancelled => Fate::Failed,
            Stage::Finalised { fate, .. } => fate,
        }
    }

    /// All its invites, those that were called off last.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let (open, signed): (&[Invited], &[Signed]) = match &self.stage {
            Stage::Open(open) => (open, &[]),
            Stage::Finalised { signed, .. } => (&[], signed),
            Stage::Cancelled => (&[], &[]),
        };
        let live = open.iter().map(Part::Open).chain(signed.iter().map(Part::Signed));
        live.chain(self.dropped.iter().map(Part::Dropped))
    }

    /// The invite of this session, if it is one of this payment.
    #[must_use]
    pub fn part(&self, session: &SessionId) -> Option<Part<'_>> {
        self.parts().find(|p| p.invite().session == *session)
    }

    /// How far the invite of a part has come.
    #[must_use]
    pub const fn step(&self, part: Part<'_>) -> Step {
        match part {
            Part::Open(Invited { answer: Answer::Awaited, .. }) => Step::Begun,
            Part::Open(_) => Step::Held,
            Part::Signed(_) => Step::Signed(self.fate()),
            Part::Dropped(_) => Step::Cancelled,
        }
    }

    /// The last height at which it can enter a block.
    #[must_use]
    pub fn not_after(&self) -> Height {
        self.parts().next().map_or(Height::GENESIS, |p| p.invite().not_after())
    }

    /// What the invite of a part costs: its kernel's fee, and with the first one what is paid beside all of these.
    #[must_use]
    pub fn fee(&self, part: Part<'_>) -> Amount {
        let fee = part.invite().features.fee();
        let Stage::Finalised { signed, transaction, .. } = &self.stage else { return fee };
        if signed.first().is_none_or(|s| s.invite.session != part.invite().session) {
            return fee;
        }
        let others = Amount::checked_sum(signed.iter().skip(1).map(|s| s.invite.features.fee()));
        let all = transaction.body.fees();
        all.zip(others).and_then(|(all, others)| all.checked_sub(others)).unwrap_or(fee)
    }

    /// Calls an invite off that is out: the payment goes on with the others, if there are any.
    pub(super) fn drop_open(&mut self, session: &SessionId) {
        let Stage::Open(open) = &mut self.stage else { return };
        let off = open.extract_if(.., |o| o.invite.session == *session);
        self.dropped.extend(off.map(|o| o.invite));
        if open.is_empty() {
            self.stage = Stage::Cancelled;
        }
    }

    /// Calls all of it off.
    pub(super) fn drop_all(&mut self) {
        let Stage::Open(open) = &mut self.stage else { return };
        self.dropped.extend(core::mem::take(open).into_iter().map(|o| o.invite));
        self.stage = Stage::Cancelled;
    }
}
