//! Waiting at a TCP address for the holders of pinned keys.
//!
//! Each connection performs its handshake on a thread of its own, so strangers do not delay peers.
//! [`HandshakeSlots`] bounds how many do so at a time.

use std::fmt;
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustls::ServerConfig;

use super::tcp::{Tcp, after};
use crate::channel::{self, Pinned};
use crate::connection_limits::{Admission, HandshakeSlots, SLOTS};
use crate::error::LinkError;
use crate::identity::{Identity, PeerKey};
use crate::timeouts::Timeouts;
use crate::tls::Pins;

/// How long to wait between looking for a connection and looking for a finished handshake.
const POLL: Duration = Duration::from_millis(5);

/// The result of a handshake.
struct Finished {
    slot: u64,
    result: Result<Pinned, LinkError>,
}

/// Waits at an address for the holders of pinned keys.
pub struct Listener {
    tcp: TcpListener,
    config: Arc<ServerConfig>,
    purpose: String,
    slots: HandshakeSlots<TcpStream>,
    report: SyncSender<Finished>,
    finished: Receiver<Finished>,
}

impl Listener {
    /// Listens at `address` for `peers`; port 0 picks a free port.
    ///
    /// # Errors
    /// [`LinkError::CannotListen`] if the address is in use or does not exist.
    pub fn bind(
        address: &str,
        us: &Identity,
        peers: impl IntoIterator<Item = PeerKey>,
        purpose: &str,
    ) -> Result<Self, LinkError> {
        Self::bind_to(address, us, Pins::Listed(peers.into_iter().collect()), purpose)
    }

    /// The same for the holders of any key: they still prove one, which [`Pinned::peer`] names.
    ///
    /// # Errors
    /// [`LinkError::CannotListen`] if the address is in use or does not exist.
    pub fn bind_open(address: &str, us: &Identity, purpose: &str) -> Result<Self, LinkError> {
        Self::bind_to(address, us, Pins::Any, purpose)
    }

    fn bind_to(address: &str, us: &Identity, peers: Pins, purpose: &str) -> Result<Self, LinkError> {
        let failed = |e: io::Error| LinkError::CannotListen { address: address.to_owned(), kind: e.kind() };
        let tcp = TcpListener::bind(address).map_err(failed)?;
        tcp.set_nonblocking(true).map_err(failed)?;
        let config = channel::server_config(us, peers, purpose)?;
        let (report, finished) = sync_channel(SLOTS);
        let slots = HandshakeSlots::default();
        Ok(Self { tcp, config, purpose: purpose.to_owned(), slots, report, finished })
    }

    /// The address it listens at.
    ///
    /// # Errors
    /// [`LinkError::Io`] if the operating system does not report it.
    pub fn address(&self) -> Result<SocketAddr, LinkError> {
        Ok(self.tcp.local_addr()?)
    }

    /// Waits for the next peer that proves a pinned key.
    ///
    /// Up to 64 handshakes run at a time, sixteen from one address, each within [`Timeouts::handshake`]. When
    /// there are more, the oldest are evicted.
    ///
    /// # Errors
    /// If no peer did so within [`Timeouts::connect`]: why the last handshake failed, or
    /// [`LinkError::TimedOut`].
    pub fn accept(&mut self, timeouts: Timeouts) -> Result<Pinned, LinkError> {
        let deadline = after(timeouts.connect);
        let mut last = LinkError::TimedOut;
        while Instant::now() < deadline {
            let connection = self.tcp.accept().ok();
            let wait = if connection.is_some() { Duration::ZERO } else { POLL };
            if let Some((stream, from)) = connection {
                self.start_handshake(stream, from.ip(), timeouts);
            }
            if let Ok(Finished { slot, result }) = self.finished.recv_timeout(wait) {
                self.slots.free(slot);
                match result {
                    Ok(pinned) => return Ok(pinned),
                    Err(e) => last = e,
                }
            }
        }
        Err(last)
    }

    /// Performs a handshake on a thread that ends with it.
    fn start_handshake(&mut self, stream: TcpStream, from: IpAddr, timeouts: Timeouts) {
        // Without a second handle the connection could not be evicted.
        let Ok(handle) = stream.try_clone() else { return };
        let slot = match self.slots.admit(from, Instant::now(), handle) {
            Admission::Admitted(slot) => slot,
            Admission::InPlaceOf(slot, evicted) => {
                // Its thread ends with its connection; an error means that the connection has ended already.
                let _ = evicted.shutdown(Shutdown::Both);
                slot
            }
            Admission::Refused => return,
        };
        let (config, purpose, report) = (self.config.clone(), self.purpose.clone(), self.report.clone());
        thread::spawn(move || {
            let tcp = Tcp::new(stream, timeouts, after(timeouts.handshake)).map_err(LinkError::from);
            let result = tcp.and_then(|tcp| channel::server(Box::new(tcp), config, &purpose, timeouts));
            // The listener may have been dropped; then the connection closes too.
            let _ = report.send(Finished { slot, result });
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
