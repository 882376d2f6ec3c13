//! What a wallet knows: outputs and payments, and how both change.
//!
//! ```text
//! sent       Invited ── finalize ─▶ Finalised ─ kernel on chain ─▶ confirmed
//!               │                      │  ▲ ◀──── kernel gone ─────────┘
//!               └─ cancel ─▶ Cancelled │  └ waiting                (also past its last height)
//!                                      └─ past last height + K, no kernel ─▶ expired (inputs free again)
//!
//! received   Answered: waiting ⇄ confirmed, waiting ─▶ expired      (the same rule)
//! ```
//!
//! [`Fate`] is a function of the chain alone (kernel seen? past the last height plus the reorganisation limit K?), so it
//! follows every reorganisation. Cancelling is free while nothing signed has left; afterwards a payment ends only by
//! confirmation or expiry.

mod invoices;

pub use invoices::{Asked, AskedStage, Paid};

use crate::{
    contacts::Contacts,
    keys::{Account, Purpose},
    outputs::{Balance, Origin, OutputRecord, Status},
    slate::{Invite, Response, SlateError, seal::Sealed},
};
use mw::{
    amount::Height, group::PointBytes, kernel::Excess, rules::params::Chain, schnorr::session::SessionId,
    transaction::Transaction,
};
use std::collections::BTreeMap;

/// What became of something signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its kernel may still enter the chain.
    Waiting,
    /// Its kernel is in the chain.
    Confirmed {
        /// In the block of this height.
        height: Height,
    },
    /// Its kernel can enter no block any more.
    Expired,
}

/// How far one's own payment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The invite is out; the secrets wait under seal.
    Invited(Sealed),
    /// Called off before anything signed left; the secrets are gone.
    Cancelled,
    /// Signed; the secrets are gone, the result is kept.
    Finalised {
        /// The one response that was accepted.
        response: Box<Response>,
        /// The result.
        transaction: Transaction,
        /// Its kernel's excess.
        excess: Excess,
        /// What became of it.
        fate: Fate,
    },
}

/// A payment made from this wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The paying account.
    pub account: Account,
    /// The invite.
    pub invite: Invite,
    /// What it spends.
    pub inputs: Vec<PointBytes>,
    /// What comes back.
    pub change: Option<PointBytes>,
    /// How far it has come.
    pub stage: Stage,
}

impl Sent {
    /// Whether it holds its inputs.
    fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Invited(_) | Stage::Finalised { fate: Fate::Waiting, .. })
    }

    fn fate(&self) -> Fate {
        match self.stage {
            Stage::Invited(_) => Fate::Waiting,
            Stage::Cancelled => Fate::Expired,
            Stage::Finalised { fate, .. } => fate,
        }
    }
}

/// A payment to this wallet that it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The receiving account.
    pub account: Account,
    /// The invite.
    pub invite: Invite,
    /// The response, repeated whenever the same invite comes again.
    pub response: Response,
    /// The kernel's excess.
    pub excess: Excess,
    /// What became of it.
    pub fate: Fate,
}

/// Everything a wallet knows, except its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The height of the last scan.
    pub(crate) tip: Height,
    /// How many accounts there are.
    pub(crate) accounts: u32,
    pub(crate) outputs: BTreeMap<PointBytes, OutputRecord>,
    pub(crate) sent: BTreeMap<SessionId, Sent>,
    pub(crate) received: BTreeMap<SessionId, Received>,
    pub(crate) asked: BTreeMap<SessionId, Asked>,
    pub(crate) paid: BTreeMap<SessionId, Paid>,
    pub(crate) contacts: Contacts,
}

impl Default for State {
    fn default() -> Self {
        let (outputs, sent, received, asked, paid, contacts) = Default::default();
        Self { tip: Height::GENESIS, accounts: 1, outputs, sent, received, asked, paid, contacts }
    }
}

impl State {
    /// What an account has, or all of them.
    pub(crate) fn balance(&self, chain: &Chain, account: Option<Account>) -> Balance {
        let mut balance = Balance::default();
        let mine = |o: &&OutputRecord| account.is_none_or(|a| a == o.account);
        self.outputs.values().filter(mine).for_each(|o| balance.count(o, chain, self.tip));
        balance
    }

    /// Records a payment that was begun or made: its inputs are locked, its change is pending. `false`, and nothing
    /// changed, when an input is not free.
    pub(crate) fn lock(
        &mut self,
        by: SessionId,
        inputs: &[PointBytes],
        change: Option<OutputRecord>,
    ) -> bool {
        let created = |c| match self.outputs.get(c).map(|o: &OutputRecord| o.status) {
            Some(Status::Unspent { created }) => Some(created),
            _ => None,
        };
        let Some(created) = inputs.iter().map(created).collect::<Option<Vec<_>>>() else { return false };
        for (c, created) in inputs.iter().zip(created) {
            self.set(c, Status::Locked { created, by });
        }
        self.outputs.extend(change.map(|o| (o.commitment, o)));
        true
    }

    fn set(&mut self, c: &PointBytes, status: Status) {
        if let Some(o) = self.outputs.get_mut(c) {
            o.status = status;
        }
    }

    /// Calls an invite off: secrets burnt, inputs free, change forgotten. Doing it twice is the same as once.
    pub(crate) fn cancel(&mut self, chain: &Chain, session: &SessionId) -> Result<(), SlateError> {
        if let Some(asked) = self.asked.get_mut(session) {
            return asked.cancel(chain);
        }
        if let Some(Paid { invoice, fate, .. }) = self.paid.get(session) {
            let until = last_chance(chain, invoice.not_after());
            return if *fate == Fate::Expired { Ok(()) } else { Err(SlateError::HasLeft { until }) };
        }
        let sent = self.sent.get_mut(session).ok_or(SlateError::UnknownSession)?;
        match &sent.stage {
            Stage::Cancelled | Stage::Finalised { fate: Fate::Expired, .. } => return Ok(()),
            Stage::Finalised { .. } => {
                return Err(SlateError::HasLeft { until: last_chance(chain, sent.invite.not_after()) });
            }
            Stage::Invited(_) => sent.stage = Stage::Cancelled,
        }
        let (inputs, change) = (sent.inputs.clone(), sent.change);
        if let Some(c) = change {
            self.outputs.remove(&c);
        }
        for c in &inputs {
            if let Some(&Status::Locked { created, by }) = self.outputs.get(c).map(|o| &o.status)
                && by == *session
            {
                self.set(c, Status::Unspent { created });
            }
        }
        Ok(())
    }

    /// Excesses of everything signed: what a scan asks the chain about.
    pub(crate) fn excesses(&self) -> impl Iterator<Item = Excess> {
        let sent = self.sent.values().filter_map(|s| match &s.stage {
            Stage::Finalised { excess, .. } => Some(*excess),
            _ => None,
        });
        let asked = self.asked.values().filter_map(|a| match &a.stage {
            AskedStage::Collected { excess, .. } => Some(*excess),
            _ => None,
        });
        let answered = self.received.values().map(|r| r.excess).chain(self.paid.values().map(|p| p.excess));
        sent.chain(asked).chain(answered)
    }

    /// Takes over what the chain at `tip` says: which outputs of ours are on it, and which kernels.
    ///
    /// `present` holds every output of ours that is on the chain, with status `Unspent`.
    pub(crate) fn settle(
        &mut self,
        chain: &Chain,
        tip: Height,
        present: BTreeMap<PointBytes, OutputRecord>,
        kernels: &BTreeMap<Excess, Height>,
    ) {
        self.tip = tip;
        for s in self.sent.values_mut() {
            match &mut s.stage {
                Stage::Finalised { fate, excess, .. } => {
                    *fate = fate_of(chain, tip, s.invite.not_after(), kernels.get(excess));
                }
                // Nobody can finish it any more, and what a copy of this wallet may have finished cannot come true.
                Stage::Invited(_) if tip > last_chance(chain, s.invite.not_after()) => {
                    s.stage = Stage::Cancelled
                }
                Stage::Invited(_) | Stage::Cancelled => {}
            }
        }
        for r in self.received.values_mut() {
            r.fate = fate_of(chain, tip, r.invite.not_after(), kernels.get(&r.excess));
        }
        for a in self.asked.values_mut() {
            a.settle(chain, tip, kernels);
        }
        for p in self.paid.values_mut() {
            p.fate = fate_of(chain, tip, p.invoice.not_after(), kernels.get(&p.excess));
        }
        self.settle_absent(tip, &present);
        self.settle_present(present);
    }

    fn settle_absent(&mut self, tip: Height, present: &BTreeMap<PointBytes, OutputRecord>) {
        let paid =
            |s: &SessionId| self.sent.get(s).map(Sent::fate).or_else(|| self.paid.get(s).map(|p| p.fate));
        let received = |s: &SessionId| {
            self.received.get(s).map(|r| r.fate).or_else(|| self.asked.get(s).map(Asked::fate))
        };
        self.outputs.retain(|c, o| {
            if present.contains_key(c) {
                return true;
            }
            let fate = match (o.origin, o.purpose) {
                (Origin::Chain, _) => None,
                (Origin::Slate(s), Purpose::Change) => paid(&s),
                (Origin::Slate(s), Purpose::Received) => received(&s),
            };
            o.status = match (fate, o.status) {
                (Some(Fate::Waiting), _) => Status::Pending,
                (_, spent @ Status::Spent { .. }) => spent,
                (Some(Fate::Expired), Status::Pending) => return false,
                _ => Status::Spent { noticed: tip },
            };
            true
        });
    }

    fn settle_present(&mut self, present: BTreeMap<PointBytes, OutputRecord>) {
        let open = self.sent.values().filter(|s| s.is_open());
        let paid = self.paid.values().filter(|p| p.fate == Fate::Waiting);
        let holders: BTreeMap<PointBytes, SessionId> = open
            .flat_map(|s| s.inputs.iter().map(|c| (*c, s.invite.session)))
            .chain(paid.flat_map(|p| p.payment.inputs.iter().map(|c| (c.encoded(), p.payment.session))))
            .collect();
        for (c, found) in present {
            let o = self.outputs.entry(c).or_insert_with(|| found.clone());
            o.status = match (found.status, holders.get(&c)) {
                (Status::Unspent { created }, Some(by)) => Status::Locked { created, by: *by },
                (status, _) => status,
            };
            self.accounts = self.accounts.max(found.account.0.saturating_add(1));
        }
    }
}

/// The last height at which a kernel with this last height could still enter the chain, by a reorganisation if need be.
pub(crate) fn last_chance(chain: &Chain, not_after: Height) -> Height {
    not_after.plus(chain.params().reorganisation)
}

fn fate_of(chain: &Chain, tip: Height, not_after: Height, kernel: Option<&Height>) -> Fate {
    match kernel {
        Some(height) => Fate::Confirmed { height: *height },
        None if tip > last_chance(chain, not_after) => Fate::Expired,
        None => Fate::Waiting,
    }
}
