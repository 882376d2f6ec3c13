//! Taking over what the chain says.
//!
//! First every payment's fate: its kernel is in the chain, or its time is over, or one of its inputs cannot be spent by it any
//! more. The last looks at fates again, since an input may come from another payment, until nothing changes. Then every
//! output's status, from what the chain shows and from the fate of the payment that made it.

use super::{Asked, AskedStage, Fate, Stage, State};
use crate::{
    keys::Purpose,
    outputs::{Origin, OutputRecord, Status},
};
use sotto_mw::{
    amount::Height, chain::Chain, group::PointBytes, hash::Hash, kernel::Excess, session::SessionId,
};
use std::collections::{BTreeMap, BTreeSet};

/// What a scan saw of the chain at `tip`.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) tip: Height,
    pub(crate) tip_hash: Hash,
    /// Outputs of ours that are unspent, and the heights of their blocks.
    pub(crate) present: BTreeMap<PointBytes, Height>,
    /// Kernels of ours, and the heights of their blocks.
    pub(crate) kernels: BTreeMap<Excess, Height>,
    /// Outputs of ours that the blocks above `looked` spend.
    pub(crate) spent: BTreeMap<PointBytes, Height>,
    /// All blocks above this one were looked through.
    pub(crate) looked: Height,
}

impl State {
    /// Excesses of everything signed: what a scan asks the chain about.
    pub(crate) fn excesses(&self) -> impl Iterator<Item = Excess> {
        let asked = self.asked.values().filter_map(|a| match &a.stage {
            AskedStage::Collected { excess, .. } => Some(*excess),
            _ => None,
        });
        let received = self.received.values().map(|r| r.excess);
        self.payments().filter_map(|p| p.excess).chain(asked).chain(received)
    }

    /// What each confirmed payment has spent, and where.
    pub(crate) fn spends(&self, kernels: &BTreeMap<Excess, Height>) -> BTreeMap<PointBytes, Height> {
        let sealed = self.payments().filter_map(|p| Some((p.inputs, *kernels.get(&p.excess?)?)));
        sealed.flat_map(|(inputs, h)| inputs.into_iter().map(move |c| (c, h))).collect()
    }

    /// Everything that spends outputs of this wallet and was not called off.
    fn payments(&self) -> impl Iterator<Item = Spending> {
        let sent = self.sent.iter().filter(|(_, s)| s.stage != Stage::Cancelled).map(|(id, s)| {
            // Its kernels enter the chain together: one tells of all.
            let excess = match &s.stage {
                Stage::Finalised { signed, .. } => signed.first().map(|s| s.excess),
                _ => None,
            };
            Spending { id: *id, inputs: s.inputs.clone(), excess, fate: s.fate() }
        });
        let paid = self.paid.iter().map(|(id, p)| Spending {
            id: *id,
            inputs: p.inputs(),
            excess: Some(p.excess),
            fate: p.fate,
        });
        let moved = self.moved.iter().map(|(id, m)| Spending {
            id: *id,
            inputs: m.inputs.clone(),
            excess: Some(m.excess),
            fate: m.fate,
        });
        moved.chain(sent).chain(paid)
    }

    /// Takes over what the chain says; every output that is present must be in `self.outputs`.
    pub(crate) fn settle(&mut self, chain: &Chain, seen: &Seen) {
        (self.tip, self.tip_hash) = (seen.tip, seen.tip_hash);
        self.settle_kernels(chain, seen);
        while self.settle_inputs(chain, seen) {}
        self.settle_outputs(chain, seen);
        let most = self.outputs.values().map(|o| o.account.0.saturating_add(1)).max().unwrap_or(0);
        while self.accounts.len() < most as usize {
            self.accounts.push(Default::default());
        }
    }

    fn settle_kernels(&mut self, chain: &Chain, seen: &Seen) {
        let fate =
            |not_after: Height, e: &Excess| kernel_fate((chain, seen.tip), not_after, seen.kernels.get(e));
        for s in self.sent.values_mut() {
            let not_after = s.not_after();
            match &mut s.stage {
                Stage::Finalised { fate: f, signed, .. } => {
                    signed.first().into_iter().for_each(|s| *f = fate(not_after, &s.excess));
                }
                // Nobody can finish it any more, and what a copy of this wallet may have finished cannot come true.
                Stage::Open(_) if seen.tip > last_chance(chain, not_after) => s.drop_all(),
                Stage::Open(_) | Stage::Cancelled => {}
            }
        }
        self.received.values_mut().for_each(|r| r.fate = fate(r.invite.not_after(), &r.excess));
        self.asked.values_mut().for_each(|a| a.settle(chain, seen.tip, &seen.kernels));
        self.paid.values_mut().for_each(|p| p.fate = fate(p.invoice.not_after(), &p.excess));
        self.moved.values_mut().for_each(|m| m.fate = fate(m.not_after, &m.excess));
    }

    /// Ends waiting payments whose inputs they cannot spend any more; whether there were any.
    fn settle_inputs(&mut self, chain: &Chain, seen: &Seen) -> bool {
        let waiting = self.payments().filter(|p| p.excess.is_some() && p.fate == Fate::Waiting);
        let doomed: Vec<_> =
            waiting.filter_map(|p| Some((p.id, self.doom(chain, seen, &p.inputs)?))).collect();
        for (id, new) in &doomed {
            if let Some(Stage::Finalised { fate, .. }) = self.sent.get_mut(id).map(|s| &mut s.stage) {
                *fate = *new;
            }
            self.paid.get_mut(id).into_iter().for_each(|p| p.fate = *new);
            self.moved.get_mut(id).into_iter().for_each(|m| m.fate = *new);
        }
        !doomed.is_empty()
    }

    /// What becomes of an unconfirmed payment with these inputs, if one of them is lost to it.
    fn doom(&self, chain: &Chain, seen: &Seen, inputs: &[PointBytes]) -> Option<Fate> {
        let absent = inputs.iter().filter(|c| !seen.present.contains_key(c));
        let lost = absent.filter_map(|c| match self.absent(self.outputs.get(c)?, seen)? {
            Status::Failed => Some(Fate::Failed),
            Status::Spent { gone, .. } if seen.tip > gone.plus(chain.params().reorganisation) => {
                Some(Fate::Failed)
            }
            Status::Spent { gone, .. } => Some(Fate::Displaced { height: gone }),
            _ => None,
        });
        lost.reduce(|a, b| if a == Fate::Failed { a } else { b })
    }

    /// The fate of the payment that made an output, if a payment of this wallet did.
    fn fate_of(&self, o: &OutputRecord) -> Option<Fate> {
        let Origin::Slate(s) = o.origin else { return None };
        match o.purpose {
            Purpose::Change => self.payment(&s).map(|(_, fate)| fate),
            Purpose::Received => {
                let asked = || self.asked.get(&s).map(Asked::fate);
                self.received.get(&s).map(|r| r.fate).or_else(asked)
            }
        }
    }

    /// The status of an output that is not on the chain; `None` when its block was taken back, so that it never was.
    fn absent(&self, o: &OutputRecord, seen: &Seen) -> Option<Status> {
        let created = match (self.fate_of(o), o.status) {
            (Some(Fate::Waiting | Fate::Displaced { .. }), _) => return Some(Status::Pending),
            (Some(Fate::Failed), _) => return Some(Status::Failed),
            (Some(Fate::Confirmed { height }), _) => height,
            (
                None,
                Status::Unspent { created } | Status::Locked { created, .. } | Status::Spent { created, .. },
            ) => created,
            (None, Status::Pending | Status::Failed) => return Some(Status::Failed),
        };
        let before = match o.status {
            Status::Spent { gone, .. } if gone <= seen.looked => Some(gone),
            _ => None,
        };
        match seen.spent.get(&o.commitment).copied().or(before) {
            Some(gone) => Some(Status::Spent { created, gone }),
            None if o.origin == Origin::Chain && created > seen.looked => None,
            None => Some(Status::Spent { created, gone: seen.tip }),
        }
    }

    fn settle_outputs(&mut self, chain: &Chain, seen: &Seen) {
        let holders = self.holders(chain, seen);
        let needed = self.unconfirmed_inputs();
        let mut outputs = core::mem::take(&mut self.outputs);
        outputs.retain(|c, o| {
            let status = match (seen.present.get(c), holders.get(c)) {
                (Some(&created), Some(&by)) => Some(Status::Locked { created, by }),
                (Some(&created), None) => Some(Status::Unspent { created }),
                // What never can be is forgotten, unless something that spends it must be seen to fail with it.
                (None, _) => self.absent(o, seen).filter(|s| *s != Status::Failed || needed.contains(c)),
            };
            o.status = status.unwrap_or(o.status);
            status.is_some()
        });
        self.outputs = outputs;
    }

    /// Who holds which output: what waits, and can still come true in this chain.
    fn holders(&self, chain: &Chain, seen: &Seen) -> BTreeMap<PointBytes, SessionId> {
        let waiting = self.payments().filter(|p| p.fate == Fate::Waiting);
        let live = waiting.filter(|p| self.doom(chain, seen, &p.inputs).is_none());
        live.flat_map(|p| p.inputs.into_iter().map(move |c| (c, p.id))).collect()
    }

    fn unconfirmed_inputs(&self) -> BTreeSet<PointBytes> {
        let open = self.payments().filter(|p| !matches!(p.fate, Fate::Confirmed { .. }));
        open.flat_map(|p| p.inputs).collect()
    }
}

/// Something that spends outputs of this wallet: what it has in common, whoever began it.
struct Spending {
    id: SessionId,
    inputs: Vec<PointBytes>,
    /// Its kernel's, once it is signed.
    excess: Option<Excess>,
    fate: Fate,
}

/// The fate of something signed, as far as its kernel tells.
pub(super) fn kernel_fate(
    (chain, tip): (&Chain, Height),
    not_after: Height,
    kernel: Option<&Height>,
) -> Fate {
    match kernel {
        Some(height) => Fate::Confirmed { height: *height },
        None if tip > last_chance(chain, not_after) => Fate::Failed,
        None => Fate::Waiting,
    }
}

/// The last height at which a kernel with this last height could still enter the chain, by a reorganisation if need be.
pub(crate) fn last_chance(chain: &Chain, not_after: Height) -> Height {
    not_after.plus(chain.params().reorganisation)
}
