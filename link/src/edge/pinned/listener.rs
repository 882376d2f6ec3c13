//! Waiting for the holders of pinned keys, whoever else may knock.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustls::ServerConfig;

use super::super::places::{ALL, Knock, Places};
use super::super::tcp::{Tcp, after};
use super::{LinkError, Patience, Pinned, server};
use crate::identity::{Identity, PeerKey};
use crate::tls;

/// What came of a stranger's handshake, and the place that it had.
type Outcome = (u64, Result<Pinned, LinkError>);

/// Waits at an address for the holders of pinned keys.
pub struct Listener {
    tcp: TcpListener,
    config: Arc<ServerConfig>,
    purpose: String,
    places: Places<TcpStream>,
    report: SyncSender<Outcome>,
    outcomes: Receiver<Outcome>,
}

impl Listener {
    /// Listens at `address` for `peers`; port 0 picks a free port.
    ///
    /// # Errors
    /// If the address is taken or stands for none.
    pub fn bind(
        address: &str,
        us: &Identity,
        peers: impl IntoIterator<Item = PeerKey>,
        purpose: &str,
    ) -> Result<Self, LinkError> {
        let taken = |e: io::Error| LinkError::Unreachable { address: address.to_owned(), kind: e.kind() };
        let tcp = TcpListener::bind(address).map_err(taken)?;
        tcp.set_nonblocking(true).map_err(taken)?;
        let config = tls::server(us, BTreeSet::from_iter(peers), purpose).map_err(|e| LinkError::from(&e))?;
        let (config, purpose) = (Arc::new(config), purpose.to_owned());
        let (report, outcomes) = sync_channel(ALL);
        Ok(Self { tcp, config, purpose, places: Places::default(), report, outcomes })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the operating system does not tell.
    pub fn address(&self) -> Result<SocketAddr, LinkError> {
        Ok(self.tcp.local_addr()?)
    }

    /// The next peer who proves a pinned key.
    ///
    /// Strangers cost nobody his place: up to 64 handshakes go on at once, sixteen of one address, each within
    /// [`Patience::handshake`]; when there are more, those that have lasted longest give way.
    ///
    /// # Errors
    /// If nobody did within [`Patience::connect`]: why the last who tried did not, or [`LinkError::TimedOut`].
    pub fn accept(&mut self, patience: Patience) -> Result<Pinned, LinkError> {
        let end = after(patience.connect);
        let mut last = LinkError::TimedOut;
        while Instant::now() < end {
            let knocked = self.tcp.accept().ok();
            let wait = Duration::from_millis(if knocked.is_some() { 0 } else { 5 });
            if let Some((stream, from)) = knocked {
                self.receive(stream, from.ip(), patience);
            }
            if let Ok((place, guest)) = self.outcomes.recv_timeout(wait) {
                self.places.leave(place);
                match guest {
                    Ok(pinned) => return Ok(pinned),
                    Err(e) => last = e,
                }
            }
        }
        Err(last)
    }

    /// Lets a stranger try, on a thread that ends with the handshake.
    fn receive(&mut self, stream: TcpStream, from: IpAddr, patience: Patience) {
        // Without a second hand on the connection it could not be made to give way.
        let Ok(handle) = stream.try_clone() else { return };
        let place = match self.places.knock(from, Instant::now(), handle) {
            Knock::Taken(place) => place,
            Knock::InPlaceOf(place, slow) => {
                // Its thread ends with its connection; one that is closed already is as good.
                let _ = slow.shutdown(Shutdown::Both);
                place
            }
            Knock::Refused => return,
        };
        let (config, purpose, report) = (self.config.clone(), self.purpose.clone(), self.report.clone());
        thread::spawn(move || {
            let tcp = Tcp::new(stream, patience, after(patience.handshake)).map_err(LinkError::from);
            let pinned = tcp.and_then(|tcp| server(Box::new(tcp), config, &purpose, patience));
            // The listener may be gone; then the stranger is too.
            let _ = report.send((place, pinned));
        });
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("tcp", &self.tcp)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}
