//! How clients reach a compute party: at its own address, or through a rendezvous server.
//!
//! ```text
//! listens    others ──▶ host and port of the compute party
//! rendezvous server      others ──▶ rendezvous server ◀── compute party, a thread for each of the others
//! ```
//!
//! A thread that waits at a rendezvous server ends with the connection that it waits for, after the listener
//! is dropped.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use sotto_link::pinned::LinkError;
use sotto_link::{Identity, PeerKey};

use super::error::RunError;
use super::routes::{PartyChannel, Routes, is_final, is_trouble};
use super::setup::RETRY_INTERVAL;
use crate::PartyId;
use crate::edge::tls::{Listener, Rendezvous, Timeouts, meet};

/// How long to wait at a rendezvous server at a time.
const WAIT: Duration = Duration::from_secs(30);

/// Where others come in.
pub(crate) enum Incoming {
    Listener(Listener),
    RendezvousServer {
        arrivals: Receiver<Arrival>,
        /// Why the server could not be reached, the last time.
        trouble: Arc<Mutex<Option<LinkError>>>,
        /// As long as this is here, others are waited for.
        _open: Arc<()>,
    },
}

/// One of the others, or why it will never come.
type Arrival = Result<PartyChannel, (PartyId, LinkError)>;

impl Incoming {
    /// Opens the listener of a compute party.
    pub(crate) fn open(routes: &Routes<'_>) -> Result<Self, RunError> {
        let job = routes.job;
        let others: Vec<_> = job.ids().filter(|id| *id != routes.us).collect();
        let rendezvous_server = routes.rendezvous_server_of(routes.us).filter(|_| routes.listen.is_none());
        let Some(rendezvous_server) = rendezvous_server else {
            let keys = others.iter().map(|id| routes.peer_key(*id)).collect::<Result<Vec<_>, _>>()?;
            let address = routes.listen.unwrap_or_else(|| routes.address_of(routes.us));
            let listener = Listener::bind(address, &routes.link(), keys);
            return listener
                .map(Self::Listener)
                .map_err(|why| RunError::Listen { party: routes.name(routes.us), why });
        };
        let (open, (arrive, arrivals)) = (Arc::new(()), sync_channel(others.len()));
        let trouble = Arc::new(Mutex::new(None));
        for other in others {
            let waiting = Waiting {
                at: routes.rendezvous(rendezvous_server, routes.us)?,
                us: routes.link(),
                other,
                key: routes.peer_key(other)?,
                timeouts: routes.timeouts(WAIT),
                trouble: Arc::clone(&trouble),
            };
            let (arrive, open) = (arrive.clone(), Arc::downgrade(&open));
            thread::spawn(move || waiting.receive(&arrive, &open));
        }
        Ok(Self::RendezvousServer { arrivals, trouble, _open: open })
    }

    /// Why the rendezvous server could not be reached since this was asked last.
    pub(crate) fn trouble(&self) -> Option<LinkError> {
        match self {
            Self::Listener(_) => None,
            Self::RendezvousServer { trouble, .. } => {
                trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
            }
        }
    }

    /// Who comes next, if somebody does in a moment.
    pub(crate) fn next(&mut self, routes: &Routes<'_>) -> Result<Option<PartyChannel>, RunError> {
        match self {
            // A failed handshake of a stranger does not stop the listener.
            Self::Listener(listener) => Ok(listener.accept(routes.timeouts(RETRY_INTERVAL)).ok()),
            Self::RendezvousServer { arrivals, .. } => match arrivals.recv_timeout(RETRY_INTERVAL) {
                Ok(Ok(line)) => Ok(Some(line)),
                Ok(Err((other, why))) => Err(routes.no_link(other, routes.us, why)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(None),
            },
        }
    }
}

/// What a thread needs that waits for one of the others.
struct Waiting {
    at: Rendezvous,
    us: Identity,
    other: PartyId,
    key: PeerKey,
    timeouts: Timeouts,
    trouble: Arc<Mutex<Option<LinkError>>>,
}

impl Waiting {
    /// Receives the other again and again, while the listener is open.
    fn receive(&self, arrive: &SyncSender<Arrival>, open: &Weak<()>) {
        while open.strong_count() > 0 {
            let arrival = match meet(&self.at, &self.us, self.key, self.timeouts) {
                Err(why) if !is_final(&why) => {
                    if is_trouble(&why) {
                        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                    }
                    thread::sleep(RETRY_INTERVAL);
                    continue;
                }
                met => met.map_err(|why| (self.other, why)),
            };
            let is_last = arrival.is_err();
            if arrive.send(arrival).is_err() || is_last {
                return;
            }
        }
    }
}
