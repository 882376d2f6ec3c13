//! Confirmations: how the statuses follow from what a scan observed.
//!
//! First the status of every payment: its kernel is in the chain, or its time is over, or one of its inputs
//! can no longer be spent by it. The last step is repeated until nothing changes, because an input can come
//! from another payment. Then the status of every output, from the chain and from the status of the payment
//! that created it.

use super::{
    ChainObservation, HoldRecord, IssuedInvoice, PayerStage, PaymentStage, SelfTransfer, SentPayment, State,
    TxStatus, observation::SignedKernel,
};
use crate::{
    accounts::AccountInfo,
    keys::Purpose,
    outputs::{OutputOrigin, OutputRecord, OutputStatus},
};
use sotto_mw::{
    amount::Height,
    chain::Chain,
    group::PointBytes,
    kernel::{Excess, Window},
    session::SessionId,
};
use std::collections::{BTreeMap, BTreeSet};

/// A payment of this wallet, of any kind, that was not cancelled.
struct WalletSpend {
    id: SessionId,
    inputs: Vec<PointBytes>,
    /// The excess of a kernel, once the payment is signed.
    excess: Option<Excess>,
    not_after: Height,
    tx_status: TxStatus,
}

impl WalletSpend {
    fn of_sent(s: &SentPayment) -> Self {
        let (excess, not_after, tx_status) = (s.excess(), s.not_after, s.tx_status());
        Self { id: s.id, inputs: s.inputs.clone(), excess, not_after, tx_status }
    }

    fn of_hold(h: &HoldRecord) -> Option<Self> {
        let payer = h.spends()?;
        let excess = matches!(payer.stage, PayerStage::Funded(_)).then(|| h.funding_excess()).flatten();
        let not_after = h.offer.funding.window(0).not_after;
        Some(Self { id: h.offer.id, inputs: payer.inputs.clone(), excess, not_after, tx_status: h.funding })
    }

    fn of_self_transfer(t: &SelfTransfer) -> Self {
        let SelfTransfer { session: id, not_after, tx_status, .. } = *t;
        Self { id, inputs: t.inputs.clone(), excess: Some(t.excess), not_after, tx_status }
    }
}

impl State {
    /// The kernels of everything signed: what a scan looks for.
    pub(crate) fn signed_kernels(&self, chain: &Chain) -> impl Iterator<Item = SignedKernel> {
        let spends = self.spends().filter_map(|p| Some((p.excess?, p.tx_status, p.not_after)));
        let issued = self.issued.values();
        let issued = issued.filter_map(|i| Some((i.excess()?, i.tx_status(), i.invoice.not_after())));
        let received = self.received.values().map(|r| (r.excess, r.tx_status, r.invite.not_after()));
        let (not_before, all) = (Height::GENESIS, spends.chain(issued).chain(received));
        let all = all.map(move |(excess, tx_status, not_after)| SignedKernel {
            excess,
            tx_status,
            window: Window { not_before, not_after },
        });
        all.chain(self.holds.values().flat_map(|h| h.signed_kernels(chain)))
    }

    /// The outputs that confirmed payments have spent, with the heights of the blocks.
    pub(crate) fn spent_by_payments(
        &self,
        kernels: &BTreeMap<Excess, Height>,
    ) -> BTreeMap<PointBytes, Height> {
        let confirmed = self.spends().filter_map(|p| Some((p.inputs, *kernels.get(&p.excess?)?)));
        confirmed.flat_map(|(inputs, h)| inputs.into_iter().map(move |c| (c, h))).collect()
    }

    /// The inputs of this wallet's payments that are in the chain.
    pub(crate) fn inputs_of_confirmed(&self) -> BTreeSet<PointBytes> {
        let confirmed = self.spends().filter(|p| matches!(p.tx_status, TxStatus::Confirmed { .. }));
        confirmed.flat_map(|p| p.inputs).collect()
    }

    /// Everything that spends outputs of this wallet and was not cancelled.
    fn spends(&self) -> impl Iterator<Item = WalletSpend> {
        let live = self.sent.values().filter(|s| !s.is_unsigned_and_over());
        let paid = self.paid.iter().map(|(id, p)| WalletSpend {
            id: *id,
            inputs: p.inputs(),
            excess: Some(p.excess),
            not_after: p.invoice.not_after(),
            tx_status: p.tx_status,
        });
        let own = self.self_transfers.values().map(WalletSpend::of_self_transfer);
        let holds = self.holds.values().filter_map(WalletSpend::of_hold);
        own.chain(live.map(WalletSpend::of_sent)).chain(paid).chain(holds)
    }

    /// Whether another payment of this wallet than this one has spent the output.
    pub(crate) fn is_spent_by_another(&self, payment: &SessionId, spent: &PointBytes) -> bool {
        let confirmed = |p: &WalletSpend| matches!(p.tx_status, TxStatus::Confirmed { .. });
        self.spends().any(|p| p.id != *payment && confirmed(&p) && p.inputs.contains(spent))
    }

    /// Applies what a scan observed. Every output in `seen.present` must be in `self.outputs`.
    pub(crate) fn observe(&mut self, chain: &Chain, seen: &ChainObservation) {
        self.tip = seen.tip;
        self.update_payments(chain, seen);
        while self.update_conflicts(chain, seen) {}
        self.update_outputs(chain, seen);
        let most = self.outputs.values().map(|o| o.account.0.saturating_add(1)).max().unwrap_or(0);
        let accounts = self.accounts.len().max(most as usize);
        self.accounts.resize_with(accounts, AccountInfo::default);
    }

    fn update_payments(&mut self, chain: &Chain, seen: &ChainObservation) {
        let status = |not_after: Height, e: &Excess| seen.kernel_status(chain, not_after, e);
        for s in self.sent.values_mut() {
            let (not_after, excess) = (s.not_after, s.excess());
            match &mut s.stage {
                PaymentStage::Finalised { tx_status, .. } => {
                    excess.into_iter().for_each(|e| *tx_status = status(not_after, &e));
                }
                // No party can finish it any more, and what a copy of this wallet may have finished cannot
                // confirm.
                PaymentStage::Open(_) if seen.is_over(chain, not_after) => s.expire(),
                PaymentStage::Open(_) | PaymentStage::Cancelled | PaymentStage::Expired(_) => {}
            }
        }
        self.received.values_mut().for_each(|r| r.tx_status = status(r.invite.not_after(), &r.excess));
        self.issued.values_mut().for_each(|i| i.observe(chain, seen));
        self.paid.values_mut().for_each(|p| p.tx_status = status(p.invoice.not_after(), &p.excess));
        self.self_transfers.values_mut().for_each(|t| t.tx_status = status(t.not_after, &t.excess));
        self.holds.values_mut().for_each(|h| h.observe(chain, seen));
    }

    /// Updates waiting payments that have lost an input. Returns whether there were any.
    fn update_conflicts(&mut self, chain: &Chain, seen: &ChainObservation) -> bool {
        let waiting = self.spends().filter(|p| p.excess.is_some() && p.tx_status == TxStatus::Waiting);
        let conflicts = waiting.filter_map(|p| Some((p.id, self.conflict(chain, seen, &p.inputs)?)));
        let conflicts: Vec<_> = conflicts.collect();
        for (id, new) in &conflicts {
            if let Some(PaymentStage::Finalised { tx_status, .. }) =
                self.sent.get_mut(id).map(|s| &mut s.stage)
            {
                *tx_status = *new;
            }
            self.paid.get_mut(id).into_iter().for_each(|p| p.tx_status = *new);
            self.self_transfers.get_mut(id).into_iter().for_each(|t| t.tx_status = *new);
            self.holds.get_mut(id).into_iter().for_each(|h| h.funding = *new);
        }
        !conflicts.is_empty()
    }

    /// The status of an unconfirmed payment with these inputs, if it has lost one of them.
    fn conflict(&self, chain: &Chain, seen: &ChainObservation, inputs: &[PointBytes]) -> Option<TxStatus> {
        let known = inputs.iter().filter_map(|c| self.outputs.get(c));
        let absent = known.filter(|o| !seen.present.contains_key(&o.coin()));
        let lost = absent.filter_map(|o| match self.absent(o, seen)? {
            OutputStatus::Failed => Some(TxStatus::Failed),
            OutputStatus::Spent { spent, .. }
                if seen.tip.height > spent.plus(chain.params().reorganisation) =>
            {
                Some(TxStatus::Failed)
            }
            OutputStatus::Spent { spent, .. } => Some(TxStatus::Displaced { height: spent }),
            _ => None,
        });
        lost.reduce(|a, b| if a == TxStatus::Failed { a } else { b })
    }

    /// The status of the payment that created an output, if a payment of this wallet did.
    fn creator_status(&self, o: &OutputRecord) -> Option<TxStatus> {
        let OutputOrigin::Slate(s) = o.origin else { return None };
        match o.purpose {
            Purpose::Change => self.payment(&s).map(|p| p.tx_status),
            Purpose::Received => {
                let issued = || self.issued.get(&s).map(IssuedInvoice::tx_status);
                self.received.get(&s).map(|r| r.tx_status).or_else(issued)
            }
        }
    }

    /// The status of an output that is not on the chain; `None` when its block was undone, so that it never
    /// existed.
    fn absent(&self, o: &OutputRecord, seen: &ChainObservation) -> Option<OutputStatus> {
        let created = match (self.creator_status(o), o.status) {
            (Some(TxStatus::Waiting | TxStatus::Displaced { .. }), _) => return Some(OutputStatus::Pending),
            (Some(TxStatus::Failed), _) => return Some(OutputStatus::Failed),
            (Some(TxStatus::Confirmed { height }), _) => height,
            (
                None,
                OutputStatus::Unspent { created }
                | OutputStatus::Locked { created, .. }
                | OutputStatus::Spent { created, .. },
            ) => created,
            (None, OutputStatus::Pending | OutputStatus::Failed) => return Some(OutputStatus::Failed),
        };
        let before = match o.status {
            OutputStatus::Spent { spent, .. } if spent <= seen.searched_down_to => Some(spent),
            _ => None,
        };
        match seen.spent.get(&o.commitment).copied().or(before) {
            Some(spent) => Some(OutputStatus::Spent { created, spent }),
            None if o.origin == OutputOrigin::Chain && created > seen.searched_down_to => None,
            None => Some(OutputStatus::Spent { created, spent: seen.tip.height }),
        }
    }

    fn update_outputs(&mut self, chain: &Chain, seen: &ChainObservation) {
        let holders = self.lock_holders(chain, seen);
        let needed = self.unconfirmed_inputs();
        let mut outputs = core::mem::take(&mut self.outputs);
        outputs.retain(|c, o| {
            let status = match (seen.present.get(&o.coin()), holders.get(c)) {
                (Some(&created), Some(&by)) => Some(OutputStatus::Locked { created, by }),
                (Some(&created), None) => Some(OutputStatus::Unspent { created }),
                // An output that can never exist is forgotten, unless a payment that spends it must fail with
                // it.
                (None, _) => {
                    self.absent(o, seen).filter(|s| *s != OutputStatus::Failed || needed.contains(c))
                }
            };
            o.status = status.unwrap_or(o.status);
            status.is_some()
        });
        self.frozen.retain(|c| outputs.contains_key(c));
        self.outputs = outputs;
    }

    /// The payments that lock outputs: those that wait, and can still confirm in this chain.
    fn lock_holders(&self, chain: &Chain, seen: &ChainObservation) -> BTreeMap<PointBytes, SessionId> {
        let waiting = self.spends().filter(|p| p.tx_status == TxStatus::Waiting);
        let live = waiting.filter(|p| self.conflict(chain, seen, &p.inputs).is_none());
        live.flat_map(|p| p.inputs.into_iter().map(move |c| (c, p.id))).collect()
    }

    fn unconfirmed_inputs(&self) -> BTreeSet<PointBytes> {
        let open = self.spends().filter(|p| !matches!(p.tx_status, TxStatus::Confirmed { .. }));
        open.flat_map(|p| p.inputs).collect()
    }
}
