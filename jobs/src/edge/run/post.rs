//! The post of a sale: how buyer and payees leave letters with the compute parties, and how these hand out their secret.
//!
//! ```text
//! send    the letter to every compute party, each keeps it     fetch   from every compute party that is there
//! go      from every payee, all alike   ─►   our secret, encrypted, is kept as a letter to each payee
//! ```
//!
//! Once a secret is kept as a letter, no other go is taken: what it left for stays what it left for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rand_core::{CryptoRng, RngCore};

use super::client::ask;
use super::error::RunError;
use super::server::{DurableState, Reply, Server};
use super::setup::Setup;
use crate::codec::Bytes;
use crate::job::{Job, PartyId};
use crate::lock::{LockSecret, Place};
use crate::messages::{RequestKind, Response};
use crate::multiparty::Functionality;
use crate::post::{Letter, Slot};
use crate::run_state::Item;
use crate::sale::computer::{Computer, Effect};
use crate::sale::{EncryptedSecret, Go, Part, Sold};
use crate::storage::{Storage, name};

/// Letters to and from the other parties of a sale.
pub trait Post {
    /// Leaves a letter with every compute party that is there, in place of the last one in its slot. To send one again costs
    /// nothing where it is; whoever sends does so until it has an answer. A go is for each compute party itself, whatever
    /// `to` says.
    ///
    /// # Errors
    /// If a compute party refuses it.
    fn send(&self, to: PartyId, slot: Slot, letter: Vec<u8>) -> Result<(), RunError>;

    /// Our letters. Of one slot there are several if the compute parties have different ones: one was away when the letter
    /// was replaced, or altered it.
    ///
    /// # Errors
    /// If a compute party refuses, or none is there.
    fn fetch(&self) -> Result<Vec<Letter>, RunError>;
}

/// The post, as one of the parties sees it.
pub(crate) struct Mailbox<'m, 's, P> {
    setup: &'m Setup<'s, P>,
    /// How we ask ourselves, if we compute.
    own: Option<&'m (dyn Fn(RequestKind) -> Reply + Sync)>,
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
        own: &'m (dyn Fn(RequestKind) -> Reply + Sync),
    ) -> Self {
        Self { setup, own: Some(own), sent: Mutex::new(BTreeMap::new()) }
    }

    fn ask(&self, computer: PartyId, kind: RequestKind) -> Result<Option<Response>, RunError> {
        let answer = match self.own {
            Some(own) if computer == self.setup.us => match own(kind) {
                Reply::Response(answer) => Some(answer),
                Reply::Go => None,
            },
            _ => ask(self.setup, computer, kind)?,
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

impl<S: Storage> DurableState<'_, S> {
    fn job(&self) -> &Job {
        self.state.agreement().job()
    }

    fn letter(&self, from: PartyId, to: PartyId, slot: Slot) -> Result<Option<Vec<u8>>, RunError> {
        Ok(self.storage.get(&name(self.job(), Item::Letter { from, to, slot }))?)
    }

    /// Whether our secret has left: it is kept as a letter.
    fn has_handed_over(&self, us: PartyId) -> Result<bool, RunError> {
        let place = place(self.job(), us);
        let payees = self.job().sale.iter().flat_map(|sale| &sale.payees);
        for payee in payees {
            if self.letter(us, payee.owner, Slot::of_secret(place))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keeps a letter.
    fn post(&mut self, us: PartyId, Posted { from, to, slot, letter }: Posted) -> Result<Response, RunError> {
        if self.letter(from, to, slot)?.as_ref() == Some(&letter) {
            return Ok(Response::Taken);
        }
        if slot == Slot::Go && self.has_handed_over(us)? {
            return Ok(Response::Refused("the secret has left for other claims".to_owned()));
        }
        let place = name(self.job(), Item::Letter { from, to, slot });
        self.storage.put(&place, &letter)?;
        Ok(Response::Taken)
    }

    /// The letters to a party.
    fn letters(&self, to: PartyId) -> Result<Response, RunError> {
        let mut letters = Vec::new();
        for from in self.job().ids() {
            for slot in Slot::ALL.into_iter().filter(|slot| slot.crosses(self.job(), from, to)) {
                let letter = self.letter(from, to, slot)?;
                letters.extend(letter.map(|bytes| Letter { from, slot, bytes: Bytes(bytes) }));
            }
        }
        Ok(Response::Letters(letters))
    }

    /// Encrypts our secret to each payee, once all of them said go.
    fn hand_over(
        &mut self,
        setup: &Setup<'_, impl Functionality>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(), RunError> {
        let (us, identity) = (setup.us, setup.identity);
        let Some(finished) = self.state.finished() else { return Ok(()) };
        let Ok(sold) = Sold::new(setup.job(), &finished.receipt) else { return Ok(()) };
        let place = place(setup.job(), us);
        let secret = LockSecret::derive(identity, &sold.lock().run_id());
        let mut machine = Computer::new(sold);
        let payees: Vec<PartyId> = sold.sale().payees.iter().map(|payee| payee.owner).collect();
        for from in &payees {
            let go = self.letter(*from, us, Slot::Go)?.and_then(|go| Go::from_bytes(&go).ok());
            let Some(Ok(Effect::HandOver(payees))) = go.map(|go| machine.step(go)) else { continue };
            for to in payees {
                let slot = Slot::of_secret(place);
                if self.letter(us, to, slot)?.is_some() {
                    continue;
                }
                let part = Part { place, secret: &secret };
                let letter = EncryptedSecret::encrypt(&sold, part, to, rng).map(|letter| letter.to_bytes());
                let item = name(setup.job(), Item::Letter { from: us, to, slot });
                self.storage.put(&item, &letter.unwrap_or_default())?;
            }
        }
        Ok(())
    }
}

fn place(job: &Job, computer: PartyId) -> Place {
    if computer == job.garbler { Place::Garbler } else { Place::Evaluator }
}

/// A letter that a party leaves with us.
pub(crate) struct Posted {
    pub(crate) from: PartyId,
    pub(crate) to: PartyId,
    pub(crate) slot: Slot,
    pub(crate) letter: Vec<u8>,
}

impl<P: Functionality + Sync, S: Storage + Send> Server<'_, P, S> {
    /// Our own post.
    pub(super) fn with_post<T>(&self, then: impl FnOnce(&dyn Post) -> T) -> T {
        let own = |kind| self.kind(self.setup.us, kind);
        then(&Mailbox::of_compute_party(self.setup, &own))
    }

    /// Keeps a letter, or says why not.
    pub(super) fn post(&self, posted: Posted) -> Reply {
        let taken = self.durable().post(self.setup.us, posted);
        Reply::Response(taken.unwrap_or_else(|_| super::server::storage_failed()))
    }

    /// A party's letters.
    pub(super) fn letters(&self, to: PartyId) -> Reply {
        let letters = self.durable().letters(to);
        Reply::Response(letters.unwrap_or_else(|_| super::server::storage_failed()))
    }

    /// Gives our secret to the payees, if it is time. What cannot be kept now is done later.
    pub(super) fn hand_over(&self, rng: &mut (impl RngCore + CryptoRng)) {
        if self.setup.job().sale.is_some() {
            let _ = self.durable().hand_over(self.setup, rng);
        }
    }
}
