//! The post of a sale, as buyer and payees see it: every compute party keeps their letters.
//!
//! ```text
//! send    the letter to every compute party, each keeps it     fetch   from every compute party that is there
//! ```

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::error::RunError;
use super::setup::Setup;
use super::trade::Post;
use crate::codec::Bytes;
use crate::job::PartyId;
use crate::messages::{RequestKind, Response};
use crate::multiparty::Functionality;
use crate::post::{Letter, Slot};

/// The post, as one of the parties sees it.
pub(crate) struct Mailbox<'m, 's, P> {
    setup: &'m Setup<'s, P>,
    /// How we ask ourselves, if we compute.
    own: Option<&'m (dyn Fn(RequestKind) -> Option<Response> + Sync)>,
    /// The last letter of each slot that a compute party has from us: the compute party, to whom, which.
    sent: Mutex<BTreeMap<(PartyId, PartyId, Slot), Vec<u8>>>,
}

impl<'m, 's, P: Functionality> Mailbox<'m, 's, P> {
    /// Of a party that does not compute.
    pub(crate) const fn of_client(setup: &'m Setup<'s, P>) -> Self {
        Self { setup, own: None, sent: Mutex::new(BTreeMap::new()) }
    }

    /// Of a compute party that answers itself so.
    pub(crate) const fn of_compute_party(
        setup: &'m Setup<'s, P>,
        own: &'m (dyn Fn(RequestKind) -> Option<Response> + Sync),
    ) -> Self {
        Self { setup, own: Some(own), sent: Mutex::new(BTreeMap::new()) }
    }

    fn ask(&self, computer: PartyId, kind: RequestKind) -> Result<Option<Response>, RunError> {
        let answer = match self.own {
            Some(own) if computer == self.setup.us => own(kind),
            _ => self.setup.ask(computer, kind)?,
        };
        match answer {
            Some(Response::Refused(why)) => Err(RunError::Refused { by: self.setup.name(computer), why }),
            answer => Ok(answer),
        }
    }
}

impl<P: Functionality> Post for Mailbox<'_, '_, P> {
    fn send(&self, to: PartyId, slot: Slot, letter: Vec<u8>) -> Result<(), RunError> {
        for computer in self.setup.job().compute_parties() {
            let to = if slot == Slot::Go { computer } else { to };
            let place = (computer, to, slot);
            let has = |sent: &BTreeMap<_, Vec<u8>>| sent.get(&place) == Some(&letter);
            if has(&self.sent.lock().unwrap_or_else(PoisonError::into_inner)) {
                continue;
            }
            let kind = RequestKind::Post { to, slot, letter: Bytes(letter.clone()) };
            if let Some(Response::Taken) = self.ask(computer, kind)? {
                let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
                sent.insert(place, letter.clone());
            }
        }
        Ok(())
    }

    fn fetch(&self) -> Result<Vec<Letter>, RunError> {
        let (job, us) = (self.setup.job(), self.setup.us);
        let (mut all, mut away) = (Vec::new(), Vec::new());
        for computer in job.compute_parties() {
            match self.ask(computer, RequestKind::Fetch)? {
                Some(Response::Letters(letters)) => all.extend(letters),
                _ => away.push(self.setup.name(computer)),
            }
        }
        if away.len() == job.compute_parties().len() {
            return Err(RunError::Late(away));
        }
        all.retain(|letter| letter.slot.crosses(job, letter.from, us));
        all.sort_by(|one, other| {
            (one.from, one.slot, &one.bytes.0).cmp(&(other.from, other.slot, &other.bytes.0))
        });
        all.dedup();
        Ok(all)
    }
}
