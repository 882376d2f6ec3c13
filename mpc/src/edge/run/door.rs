//! How the others come to a computer: to where it listens, or each to a relay, where it waits for all of them.
//!
//! ```text
//! listens    others ──▶ host and port of the computer
//! relay      others ──▶ relay ◀── computer, a thread for each of the others
//! ```
//!
//! Threads that wait at a relay belong to nobody: they end with the connection that they wait for, after the door is gone.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use link::pinned::{LinkError, Pinned};
use link::{Identity, PeerKey};

use super::super::tls::{Listener, Patience, Rendezvous, meet};
use super::{AGAIN, RunError, Setup, is_final, peer_key};
use crate::channel::Framed;
use crate::job::PartyId;
use crate::joint::Joint;

/// A channel to one of the others.
type Line = Framed<Pinned>;

/// How long to wait at a relay at a time.
const WAIT: Duration = Duration::from_secs(30);

/// Where others come in.
pub(super) enum Door {
    Listener(Listener),
    Relay {
        arrivals: Receiver<Arrival>,
        /// As long as this is here, others are waited for.
        _open: Arc<()>,
    },
}

/// One of the others, or why it will never come.
type Arrival = Result<Line, (PartyId, LinkError)>;

impl Door {
    /// Opens the door of a computer.
    pub(super) fn open<P: Joint>(setup: &Setup<'_, P>) -> Result<Self, RunError> {
        let job = setup.job();
        let others: Vec<_> = job.ids().filter(|id| *id != setup.us).collect();
        let relay = setup.relay_of(setup.us).filter(|_| setup.listen.is_none());
        let Some(relay) = relay else {
            let keys = others.iter().map(|id| peer_key(job, *id)).collect::<Result<Vec<_>, _>>()?;
            let address = setup.listen.unwrap_or_else(|| setup.address_of(setup.us));
            let listener = Listener::bind(address, &setup.link(), keys);
            return listener
                .map(Self::Listener)
                .map_err(|why| RunError::Link { party: setup.name(setup.us), why });
        };
        let (open, (arrive, arrivals)) = (Arc::new(()), sync_channel(others.len()));
        for other in others {
            let waiting = Waiting {
                at: setup.rendezvous(relay, setup.us)?,
                us: setup.link(),
                other,
                key: peer_key(job, other)?,
                patience: setup.patience(WAIT),
            };
            let (arrive, open) = (arrive.clone(), Arc::downgrade(&open));
            thread::spawn(move || waiting.receive(&arrive, &open));
        }
        Ok(Self::Relay { arrivals, _open: open })
    }

    /// Who comes next, if somebody does in a moment.
    pub(super) fn next<P: Joint>(&mut self, setup: &Setup<'_, P>) -> Result<Option<Line>, RunError> {
        match self {
            // Strangers who fail are no reason to stop.
            Self::Listener(listener) => Ok(listener.accept(setup.patience(AGAIN)).ok()),
            Self::Relay { arrivals, .. } => match arrivals.recv_timeout(AGAIN) {
                Ok(Ok(line)) => Ok(Some(line)),
                Ok(Err((other, why))) => Err(setup.no_link(other, why)),
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
    patience: Patience,
}

impl Waiting {
    /// Receives the other again and again, while the door is open.
    fn receive(&self, arrive: &SyncSender<Arrival>, open: &Weak<()>) {
        while open.strong_count() > 0 {
            let arrival = match meet(&self.at, &self.us, self.key, self.patience) {
                Err(why) if !is_final(&why) => {
                    thread::sleep(AGAIN);
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
