//! How a party reaches the others: whom it calls, at which address, and with which timeouts.
//!
//! The addresses are in the job; `listen` and `rendezvous_server` override them for one process.

use std::time::Duration;

use sotto_link::pinned::{LinkError, Pinned, Timeouts};
use sotto_link::{Identity as LinkIdentity, PeerKey};

use super::error::RunError;
use crate::edge::tls::{self, Rendezvous};
use crate::job::{Meeting, RendezvousServer};
use crate::run_id::rendezvous;
use crate::{Digest, Job, PartyId};
use sotto_mpc::channel::Framed;
use sotto_party::{Identity, PublicKey};

/// How long to wait for a compute party to answer, or to come to the rendezvous server: some round trips of a
/// slow link.
const CONNECT: Duration = Duration::from_secs(2);

const SMALL_ORDER: &str = "its key is of small order";

/// A channel to another party.
pub(crate) type PartyChannel = Framed<Pinned>;

/// What comes of calling another party.
pub(crate) enum Call {
    There(Box<PartyChannel>),
    Away(LinkError),
}

/// What it takes to find the others.
#[derive(Clone, Copy, Debug)]
pub struct Routes<'a> {
    /// What is, or will be, agreed.
    pub job: &'a Job,
    /// Which run; 0 for what is none.
    pub run: u32,
    /// Who we are.
    pub us: PartyId,
    /// Our keys.
    pub identity: &'a Identity,
    /// Where a compute party listens, if not where the job says.
    pub listen: Option<&'a str>,
    /// The rendezvous server at which all compute parties are met, if not where the job says.
    pub rendezvous_server: Option<&'a RendezvousServer>,
}

impl Routes<'_> {
    pub(crate) fn name(&self, id: PartyId) -> String {
        self.job.party(id).name.to_string()
    }

    /// The timeouts of one connection.
    pub(crate) fn timeouts(&self, connect: Duration) -> Timeouts {
        let total = Duration::from_secs(u64::from(self.job.limits.seconds) + 60);
        Timeouts { connect, handshake: Duration::from_secs(20), idle: Duration::from_secs(60), total }
    }

    pub(crate) fn link(&self) -> LinkIdentity {
        tls::identity(self.identity)
    }

    /// The rendezvous server at which a compute party is met, if it is.
    pub(crate) fn rendezvous_server_of(&self, compute_party: PartyId) -> Option<&RendezvousServer> {
        match (self.rendezvous_server, &self.job.party(compute_party).meeting) {
            (Some(rendezvous_server), _) | (None, Some(Meeting::RendezvousServer(rendezvous_server))) => {
                Some(rendezvous_server)
            }
            _ => None,
        }
    }

    /// Where a compute party listens by the job, if it does.
    pub(crate) fn address_of(&self, compute_party: PartyId) -> &str {
        match &self.job.party(compute_party).meeting {
            Some(Meeting::Address(address)) => address.as_str(),
            _ => "",
        }
    }

    /// Where the others meet a compute party that comes to a rendezvous server.
    pub(crate) fn rendezvous(
        &self,
        rendezvous_server: &RendezvousServer,
        compute_party: PartyId,
    ) -> Result<Rendezvous, RunError> {
        let bad =
            || RunError::Refused { by: "the rendezvous server".to_owned(), why: SMALL_ORDER.to_owned() };
        let key = tls::peer_key(&rendezvous_server.key).ok_or_else(bad)?;
        let Digest(id) = rendezvous(self.job.id(), self.run, compute_party);
        Ok(Rendezvous { address: rendezvous_server.address.to_string(), server: key, id })
    }

    /// The key by which a party is known on a channel; keys in jobs were checked when they were read.
    pub(crate) fn peer_key(&self, id: PartyId) -> Result<PeerKey, RunError> {
        let refused = || RunError::Refused { by: self.name(id), why: SMALL_ORDER.to_owned() };
        tls::peer_key(&self.job.party(id).key).ok_or_else(refused)
    }

    /// A channel to a compute party, or why it is not there now.
    pub(crate) fn call(&self, compute_party: PartyId) -> Result<Call, RunError> {
        let (us, peer) = (self.link(), self.peer_key(compute_party)?);
        let line = match self.rendezvous_server_of(compute_party) {
            None => tls::connect(self.address_of(compute_party), &us, peer, self.timeouts(CONNECT)),
            Some(rendezvous_server) => tls::meet(
                &self.rendezvous(rendezvous_server, compute_party)?,
                &us,
                peer,
                self.timeouts(CONNECT),
            ),
        };
        match line {
            Ok(line) => Ok(Call::There(Box::new(line))),
            Err(why) if is_final(&why) => Err(self.no_link(compute_party, compute_party, why)),
            Err(why) => Ok(Call::Away(why)),
        }
    }

    /// That no connection to `other` will come about where `compute_party` is met.
    pub(crate) fn no_link(&self, other: PartyId, compute_party: PartyId, why: LinkError) -> RunError {
        let rendezvous_server = self.rendezvous_server_of(compute_party);
        match (&why, rendezvous_server) {
            (LinkError::WrongKey { shown }, _) => {
                return self.wrong_key(self.name(other), &self.job.party(other).key, *shown);
            }
            (LinkError::WrongServerKey { shown }, Some(server)) => {
                return self.wrong_key(
                    format!("the rendezvous server {}", server.address),
                    &server.key,
                    *shown,
                );
            }
            _ => {}
        }
        let through = rendezvous_server.map_or(String::new(), |rendezvous_server| {
            format!(" through the rendezvous server {}", rendezvous_server.address)
        });
        RunError::Link { party: self.name(other) + &through, why }
    }
}

impl Routes<'_> {
    /// That `party` proved another key: in the form in which people compare keys.
    fn wrong_key(&self, party: String, expected: &PublicKey, shown: PeerKey) -> RunError {
        let shown = match self.job.find_key(shown.as_bytes()) {
            Some(id) => format!("that of {}", self.name(id)),
            None => "of no party of the job".to_owned(),
        };
        RunError::WrongKey { party, expected: expected.fingerprint(), shown }
    }
}

/// Whether a person may have to do something: an address that is wrong, or where nothing answers. A late party needs
/// nothing but time.
pub(crate) const fn is_trouble(why: &LinkError) -> bool {
    use LinkError::{Incompatible, Io, Unreachable};
    matches!(why, Unreachable { .. } | Incompatible(_) | Io(_))
}

/// Whether trying again is of no use: the wrong ones meet, or somebody alters what passes.
pub(crate) const fn is_final(why: &LinkError) -> bool {
    use LinkError::{Altered, NoKey, NotAccepted, WrongKey, WrongServerKey};
    matches!(why, WrongKey { .. } | WrongServerKey { .. } | NoKey | NotAccepted | Altered)
}
