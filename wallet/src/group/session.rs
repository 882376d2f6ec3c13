//! One session of a group: what a member asks for is checked by each, made by t of them, and checked again.
//!
//! ```text
//! propose ─▶ check, agree (each of the set) ─▶ answer (each of the set) ─▶ response to an invite, payment of an invoice
//! ```
//!
//! Each member checks what its own wallet would check: the other side's slate, the chain's rules on kernel and fee,
//! that inputs are the group's and unspent by its own list, and that no key was used. What is made passes the
//! checks of the other side before anybody hands it over, so a lie inside the group is named inside it.

use super::{
    GroupAsked, GroupCoin, GroupError, GroupRequest, GroupWallet, keys::MaskSums, paying, receiving,
};
use crate::slate::{Invite, Invoice, Payment, Response};
use sotto_keys::{Index, Letter, Log, Member, Progress, Register, Step, member::Holder, pool::PoolKey};
use sotto_mw::{
    amount::Amount,
    chain::{INPUT_WEIGHT, KERNEL_WEIGHT},
};
use std::collections::BTreeSet;

/// What a group answers to the other side of a slate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupAnswer {
    /// To an invite.
    Response(Box<Response>),
    /// To an invoice.
    Payment(Box<Payment>),
}

impl GroupWallet<'_> {
    /// The request to respond to an invite with the help of these members.
    ///
    /// # Errors
    /// [`GroupError`]: what a member would refuse.
    pub fn receive(&self, invite: &Invite, with: &[Index]) -> Result<GroupRequest, GroupError> {
        let [output, kernel] = self.fresh_keys(with)?;
        let request = GroupRequest::Receive { output, kernel, invite: Box::new(invite.clone()) };
        self.check(&request)?;
        Ok(request)
    }

    /// The request to pay an invoice with the help of these members, from the largest outputs of the group.
    ///
    /// # Errors
    /// [`GroupError`]: what a member would refuse.
    pub fn pay(&self, invoice: &Invoice, with: &[Index]) -> Result<GroupRequest, GroupError> {
        self.pay_from(invoice, with, &[])
    }

    /// The same, which also spends these outputs.
    pub(crate) fn pay_from(
        &self,
        invoice: &Invoice,
        with: &[Index],
        first: &[GroupCoin],
    ) -> Result<GroupRequest, GroupError> {
        let needed = invoice.amount.checked_add(invoice.features.fee()).ok_or(GroupError::Balance)?;
        let mut all: Vec<GroupCoin> = self.book.unspent().copied().collect();
        all.sort_by_key(|coin| (!first.contains(coin), core::cmp::Reverse(coin.amount)));
        let (mut sum, mut inputs) = (Amount::ZERO, Vec::new());
        for coin in all {
            if sum < needed || first.contains(&coin) {
                sum = sum.checked_add(coin.amount).ok_or(GroupError::Balance)?;
                inputs.push(coin);
            }
        }
        if sum < needed {
            return Err(GroupError::Insufficient { spendable: self.book.balance(), needed });
        }
        inputs.sort_unstable();
        let [change, kernel] = self.fresh_keys(with)?;
        let change = Some(change).filter(|_| sum > needed);
        let request = GroupRequest::Pay { change, kernel, inputs, invoice: Box::new(invoice.clone()) };
        self.check(&request)?;
        Ok(request)
    }

    fn fresh_keys(&self, with: &[Index]) -> Result<[PoolKey; 2], GroupError> {
        let draft = self.keys.epoch().draft();
        let (given, needed) =
            (draft.indexes().filter(|i| with.contains(i)).count(), draft.threshold().into());
        if given < needed {
            return Err(GroupError::TooFew { given, needed });
        }
        let keys = self.book.keys_of(draft, with, 2);
        keys.and_then(|keys| keys.try_into().ok()).ok_or(GroupError::Empty)
    }

    /// Asks the members for it.
    ///
    /// # Errors
    /// [`GroupError`]: what a member would refuse.
    pub fn propose(&self, me: &Member<'_>, log: &mut Log, request: &GroupRequest) -> Result<(), GroupError> {
        self.check(request)?;
        Ok(self.keys.pool(self.chain).plan(me, log, &request.plan())?)
    }

    /// What the letters ask for; `None` if the letter that asks is not among them.
    ///
    /// # Errors
    /// [`GroupError`]: the session is over.
    pub fn asked(&self, log: &Log) -> Result<Option<GroupAsked>, GroupError> {
        let Some(planned) = self.keys.pool(self.chain).planned(log)? else { return Ok(None) };
        let request = GroupRequest::of_plan(&planned.plan)?.ok_or(GroupError::OtherPlan)?;
        Ok(Some(GroupAsked { planned, request }))
    }

    /// Checks a request as every member does before a person is asked.
    ///
    /// # Errors
    /// [`GroupError`].
    pub fn check(&self, request: &GroupRequest) -> Result<(), GroupError> {
        for key in request.plan().fresh {
            if self.book.is_used(key) {
                return Err(GroupError::KeyUsed(key));
            }
        }
        match request {
            GroupRequest::Receive { invite, .. } => receiving::check(self, invite),
            GroupRequest::Pay { invoice, .. } => {
                paying::check(self, invoice)?;
                self.check_inputs(request)
            }
        }
    }

    /// Each input is an unspent output of the group, once; they pay for the invoice, and its fee for them.
    fn check_inputs(&self, request: &GroupRequest) -> Result<(), GroupError> {
        let GroupRequest::Pay { change, inputs, invoice, .. } = request else { return Ok(()) };
        let own: BTreeSet<&GroupCoin> = self.book.unspent().collect();
        if let Some(strange) = inputs.iter().find(|coin| !own.contains(coin)) {
            return Err(GroupError::Input(strange.key));
        }
        let ascend = !inputs.is_empty() && inputs.is_sorted_by(|a, b| a.key < b.key);
        let rest = request.rest().ok_or(GroupError::Balance)?;
        let outputs = 1 + u64::from(change.is_some());
        let output = self.chain.params().output_weight();
        let weight = inputs.len() as u64 * INPUT_WEIGHT + outputs * output + KERNEL_WEIGHT;
        let least = self.chain.least_fee(weight).ok_or(GroupError::Balance)?;
        let whole = change.is_some() == (rest.units() > 0);
        if ascend && whole && least <= invoice.features.fee() { Ok(()) } else { Err(GroupError::Balance) }
    }

    /// Agrees to what is asked for: checks it, consents, and shows masks. A member agrees once.
    ///
    /// # Errors
    /// [`GroupError`].
    pub fn agree(&self, holder: &Holder<'_>, log: &mut Log, asked: &GroupAsked) -> Result<(), GroupError> {
        // Whoever has no part in it consents to nothing.
        if !asked.set().contains(&holder.index()) {
            return Ok(());
        }
        let own = |l: &Letter| (l.heading().from, l.heading().step) == (holder.index(), Step::Masked);
        if log.letters().any(own) {
            return Ok(());
        }
        self.check(&asked.request)?;
        Ok(self.keys.pool(self.chain).agree(holder, log, &asked.planned)?)
    }

    /// Answers if this member has agreed, and goes as far as the letters allow. The members' work is checked as the
    /// other side will check it.
    ///
    /// # Errors
    /// [`GroupError`]: the session is over, and the keys of its plan are burnt.
    pub fn advance(
        &self,
        holder: &Holder<'_>,
        log: &mut Log,
        asked: &GroupAsked,
        register: &mut impl Register,
    ) -> Result<Progress<GroupAnswer>, GroupError> {
        let masked = match self.keys.pool(self.chain).masked(log, &asked.planned)? {
            Progress::Awaiting { step, from } => return Ok(Progress::Awaiting { step, from }),
            Progress::Done(masked) => masked,
        };
        let sums = masked.sums().iter().map(MaskSums::of).collect::<Result<Vec<_>, _>>()?;
        let parts = match &asked.request {
            GroupRequest::Receive { .. } => Parts::Receiving(receiving::Receiving::new(self, asked, &sums)?),
            GroupRequest::Pay { .. } => Parts::Paying(paying::Paying::new(self, asked, &sums)?),
        };
        let work = match &parts {
            Parts::Receiving(parts) => parts.work(),
            Parts::Paying(parts) => parts.work(),
        };
        let made = match masked.work(work)?.answer(holder, log, register)? {
            Progress::Awaiting { step, from } => return Ok(Progress::Awaiting { step, from }),
            Progress::Done(made) => made,
        };
        Ok(Progress::Done(match parts {
            Parts::Receiving(parts) => GroupAnswer::Response(Box::new(parts.finish(self, &made)?)),
            Parts::Paying(parts) => GroupAnswer::Payment(Box::new(parts.finish(self, &made)?)),
        }))
    }
}

/// What each member prepares.
enum Parts<'r> {
    Receiving(receiving::Receiving<'r>),
    Paying(paying::Paying<'r>),
}
