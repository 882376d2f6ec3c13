//! How a party finds the others: which of them it calls, where, and how long it waits.
//!
//! The job says where a computer is met; `listen` and `relay` say otherwise for this process.

use std::time::Duration;

use sotto_link::pinned::{LinkError, Pinned, Timeouts as Patience};
use sotto_link::{Identity as LinkIdentity, PeerKey};

use super::super::tls::{self, Rendezvous};
use super::RunError;
use crate::run::rendezvous;
use crate::spec::{Meeting, Relay};
use crate::{Digest, Job, PartyId};
use sotto_mpc::channel::Framed;
use sotto_party::Identity;

/// How long to wait for a computer to answer, or to come to the relay: some round trips of a slow link.
const CONNECT: Duration = Duration::from_secs(2);

const SMALL_ORDER: &str = "its key is of small order";

/// A channel to another party.
pub(super) type Line = Framed<Pinned>;

/// What it takes to find the others.
#[derive(Clone, Copy, Debug)]
pub struct Ways<'a> {
    /// What is, or will be, agreed.
    pub job: &'a Job,
    /// Which run; 0 for what is none.
    pub run: u32,
    /// Who we are.
    pub us: PartyId,
    /// Our keys.
    pub identity: &'a Identity,
    /// Where a computer listens, if not where the job says.
    pub listen: Option<&'a str>,
    /// The relay at which all computers are met, if not where the job says.
    pub relay: Option<&'a Relay>,
}

impl Ways<'_> {
    pub(super) fn name(&self, id: PartyId) -> String {
        self.job.party(id).name.to_string()
    }

    /// Patience with one connection.
    pub(super) fn patience(&self, connect: Duration) -> Patience {
        let total = Duration::from_secs(u64::from(self.job.limits.seconds) + 60);
        Patience { connect, handshake: Duration::from_secs(20), idle: Duration::from_secs(60), total }
    }

    pub(super) fn link(&self) -> LinkIdentity {
        tls::identity(self.identity)
    }

    /// The relay at which a computer is met, if it is.
    pub(super) fn relay_of(&self, computer: PartyId) -> Option<&Relay> {
        match (self.relay, &self.job.party(computer).meeting) {
            (Some(relay), _) | (None, Some(Meeting::Relay(relay))) => Some(relay),
            _ => None,
        }
    }

    /// Where a computer listens by the job, if it does.
    pub(super) fn address_of(&self, computer: PartyId) -> &str {
        match &self.job.party(computer).meeting {
            Some(Meeting::Address(address)) => address.as_str(),
            _ => "",
        }
    }

    /// Where the others meet a computer that comes to a relay.
    pub(super) fn rendezvous(&self, relay: &Relay, computer: PartyId) -> Result<Rendezvous, RunError> {
        let bad = || RunError::Refused { by: "the relay".to_owned(), why: SMALL_ORDER.to_owned() };
        let key = tls::peer_key(&relay.key).ok_or_else(bad)?;
        let Digest(id) = rendezvous(self.job.id(), self.run, computer);
        Ok(Rendezvous { address: relay.address.to_string(), server: key, id })
    }

    /// The key by which a party is known on a channel; keys in jobs were checked when they were read.
    pub(super) fn peer_key(&self, id: PartyId) -> Result<PeerKey, RunError> {
        let refused = || RunError::Refused { by: self.name(id), why: SMALL_ORDER.to_owned() };
        tls::peer_key(&self.job.party(id).key).ok_or_else(refused)
    }

    /// A channel to a computer; nothing if it is not there now.
    pub(super) fn call(&self, computer: PartyId) -> Result<Option<Line>, RunError> {
        let (us, peer) = (self.link(), self.peer_key(computer)?);
        let line = match self.relay_of(computer) {
            None => tls::connect(self.address_of(computer), &us, peer, self.patience(CONNECT)),
            Some(relay) => tls::meet(&self.rendezvous(relay, computer)?, &us, peer, self.patience(CONNECT)),
        };
        match line {
            Ok(line) => Ok(Some(line)),
            Err(why) if is_final(&why) => Err(self.no_link(computer, computer, why)),
            Err(_) => Ok(None),
        }
    }

    /// That no connection to `other` will come about where `computer` is met.
    pub(super) fn no_link(&self, other: PartyId, computer: PartyId, why: LinkError) -> RunError {
        let relay = self.relay_of(computer);
        let through = relay.map_or(String::new(), |relay| format!(" through the relay {}", relay.address));
        RunError::Link { party: self.name(other) + &through, why }
    }
}

/// Whether trying again is of no use: the wrong ones meet, or somebody alters what passes.
pub(super) const fn is_final(why: &LinkError) -> bool {
    use LinkError::{Altered, NoKey, NotAccepted, WrongKey};
    matches!(why, WrongKey { .. } | NoKey | NotAccepted | Altered)
}
