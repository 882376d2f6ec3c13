//! The letters of a sale that a compute party keeps for buyer and payees, and how it hands out its secret.
//!
//! ```text
//! go  from every payee, all alike   ─►   our secret, encrypted, is kept as a letter to each payee
//! ```
//!
//! Once a secret is kept as a letter, no other go is taken: what it left for stays what it left for.

use std::io;

use rand_core::{CryptoRng, RngCore};

use crate::codec::Bytes;
use crate::job::{Job, PartyId};
use crate::lock::{LockSecret, Place};
use crate::messages::Response;
use crate::post::{Letter, Slot};
use crate::receipt::Receipt;
use crate::run_state::{Item, OwnParty};
use crate::sale::computer::{Computer, Effect};
use crate::sale::{EncryptedSecret, Go, Part, Sold};
use crate::storage::{Storage, name};

/// The letters that a compute party keeps.
pub(crate) struct LetterBox<'l, S> {
    pub(crate) job: &'l Job,
    pub(crate) us: PartyId,
    pub(crate) storage: &'l mut S,
}

/// A letter that a party leaves with us.
pub(crate) struct Posted {
    pub(crate) from: PartyId,
    pub(crate) to: PartyId,
    pub(crate) slot: Slot,
    pub(crate) letter: Vec<u8>,
}

impl<S: Storage> LetterBox<'_, S> {
    fn get(&self, from: PartyId, to: PartyId, slot: Slot) -> io::Result<Option<Vec<u8>>> {
        self.storage.get(&name(self.job, Item::Letter { from, to, slot }))
    }

    fn place(&self) -> Place {
        if self.us == self.job.garbler { Place::Garbler } else { Place::Evaluator }
    }

    fn payees(&self) -> Vec<PartyId> {
        self.job.sale.iter().flat_map(|sale| &sale.payees).map(|payee| payee.owner).collect()
    }

    /// Whether our secret has left: it is kept as a letter.
    fn has_handed_over(&self) -> io::Result<bool> {
        for to in self.payees() {
            if self.get(self.us, to, Slot::of_secret(self.place()))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keeps a letter.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub(crate) fn keep(&mut self, Posted { from, to, slot, letter }: Posted) -> io::Result<Response> {
        if self.get(from, to, slot)?.as_ref() == Some(&letter) {
            return Ok(Response::Taken);
        }
        if slot == Slot::Go && self.has_handed_over()? {
            return Ok(Response::Refused("the secret has left for other claims".to_owned()));
        }
        self.storage.put(&name(self.job, Item::Letter { from, to, slot }), &letter)?;
        Ok(Response::Taken)
    }

    /// The letters to a party.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(crate) fn to(&self, to: PartyId) -> io::Result<Response> {
        let mut letters = Vec::new();
        for from in self.job.ids() {
            for slot in Slot::ALL.into_iter().filter(|slot| slot.crosses(self.job, from, to)) {
                let letter = self.get(from, to, slot)?;
                letters.extend(letter.map(|bytes| Letter { from, slot, bytes: Bytes(bytes) }));
            }
        }
        Ok(Response::Letters(letters))
    }

    /// Encrypts our secret of a finished run to each payee, once all of them said go.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub(crate) fn hand_over(
        &mut self,
        receipt: &Receipt,
        ours: OwnParty<'_>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> io::Result<()> {
        let Ok(sold) = Sold::new(self.job, receipt) else { return Ok(()) };
        let (us, place) = (self.us, self.place());
        let secret = LockSecret::derive(ours.identity, &sold.lock().run_id());
        let mut machine = Computer::new(sold);
        for from in self.payees() {
            let go = self.get(from, us, Slot::Go)?.and_then(|go| Go::from_bytes(&go).ok());
            let Some(Ok(Effect::HandOver(payees))) = go.map(|go| machine.step(go)) else { continue };
            for to in payees {
                let slot = Slot::of_secret(place);
                if self.get(us, to, slot)?.is_some() {
                    continue;
                }
                let part = Part { place, secret: &secret };
                if let Some(letter) = EncryptedSecret::encrypt(&sold, part, to, rng) {
                    self.storage
                        .put(&name(self.job, Item::Letter { from: us, to, slot }), &letter.to_bytes())?;
                }
            }
        }
        Ok(())
    }
}
