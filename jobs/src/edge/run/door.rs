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

use sotto_link::pinned::LinkError;
use sotto_link::{Identity, PeerKey};

use super::super::tls::{Listener, Patience, Rendezvous, meet};
use super::ways::{Line, Ways, is_final};
use super::{AGAIN, RunError};
use crate::PartyId;

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
    pub(super) fn open(ways: &Ways<'_>) -> Result<Self, RunError> {
        let job = ways.job;
        let others: Vec<_> = job.ids().filter(|id| *id != ways.us).collect();
        let relay = ways.relay_of(ways.us).filter(|_| ways.listen.is_none());
        let Some(relay) = relay else {
            let keys = others.iter().map(|id| ways.peer_key(*id)).collect::<Result<Vec<_>, _>>()?;
            let address = ways.listen.unwrap_or_else(|| ways.address_of(ways.us));
            let listener = Listener::bind(address, &ways.link(), keys);
            return listener
                .map(Self::Listener)
                .map_err(|why| RunError::Door { party: ways.name(ways.us), why });
        };
        let (open, (arrive, arrivals)) = (Arc::new(()), sync_channel(others.len()));
        for other in others {
            let waiting = Waiting {
                at: ways.rendezvous(relay, ways.us)?,
                us: ways.link(),
                other,
                key: ways.peer_key(other)?,
                patience: ways.patience(WAIT),
            };
            let (arrive, open) = (arrive.clone(), Arc::downgrade(&open));
            thread::spawn(move || waiting.receive(&arrive, &open));
        }
        Ok(Self::Relay { arrivals, _open: open })
    }

    /// Who comes next, if somebody does in a moment.
    pub(super) fn next(&mut self, ways: &Ways<'_>) -> Result<Option<Line>, RunError> {
        match self {
            // Strangers who fail are no reason to stop.
            Self::Listener(listener) => Ok(listener.accept(ways.patience(AGAIN)).ok()),
            Self::Relay { arrivals, .. } => match arrivals.recv_timeout(AGAIN) {
                Ok(Ok(line)) => Ok(Some(line)),
                Ok(Err((other, why))) => Err(ways.no_link(other, ways.us, why)),
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
