//! Channels over TLS 1.3 between parties that have pinned each other's keys ([`sotto_link`]).
//!
//! ```text
//! connect / meet / Listener ──▶ Framed<Pinned>: the phases of sotto_mpc::channel, encrypted
//! run of the session = SHA-256("sotto mpc bound run v1" ‖ run ‖ RFC 9266 exporter of the connection)
//! ```
//!
//! [`bound`] puts the connection into the name of the run, and so into both hellos and the session id of the
//! oblivious transfers. If a third party relays between two separate connections, the session ends with
//! `HelloError::Run` before anything secret is sent, even if that third party holds both keys.

use std::net::SocketAddr;

use sha2::{Digest, Sha256};
use sotto_link::pinned::{self, ChannelConfig, LinkError, Pinned};
use sotto_link::{Identity, PeerKey};

pub use sotto_link::{Timeouts, rendezvous::Rendezvous};

use sotto_mpc::channel::Framed;
use sotto_mpc::protocol::semi_honest::RunId;

/// What these channels are for, as their handshake names it.
pub const PURPOSE: &str = "sotto-mpc/1";

/// The name of a run on one connection.
#[must_use]
pub fn bound(run: RunId, channel: &Framed<Pinned>) -> RunId {
    let hash = Sha256::new_with_prefix(b"sotto mpc bound run v1");
    RunId(hash.chain_update(run.0).chain_update(channel.get_ref().binding()).finalize().into())
}

/// Who a party of a job is on a channel.
#[must_use]
pub fn identity(identity: &sotto_party::Identity) -> Identity {
    Identity::from_seed(&identity.signing_seed())
}

/// The key by which a party is known on a channel; `None` if it is of small order.
#[must_use]
pub fn peer_key(key: &sotto_party::PublicKey) -> Option<PeerKey> {
    PeerKey::from_bytes(key.signing_bytes()).ok()
}

/// Connects to `address` (host and port), where the holder of `peer` must answer.
///
/// # Errors
/// [`LinkError`]: unreachable, another key, our key not accepted, too slow.
pub fn connect(
    address: &str,
    us: &Identity,
    peer: PeerKey,
    timeouts: Timeouts,
) -> Result<Framed<Pinned>, LinkError> {
    let config = ChannelConfig { us, peer, purpose: PURPOSE, timeouts };
    pinned::connect(address, &config).map(Framed::new)
}

/// Meets the holder of `peer` at a rendezvous server, by dialling out only.
///
/// # Errors
/// [`LinkError`]: as for [`connect`], of the rendezvous server or the peer; a quota, or the peer did not
/// come.
pub fn meet(
    at: &Rendezvous,
    us: &Identity,
    peer: PeerKey,
    timeouts: Timeouts,
) -> Result<Framed<Pinned>, LinkError> {
    let config = ChannelConfig { us, peer, purpose: PURPOSE, timeouts };
    sotto_link::rendezvous::meet(at, &config).map(Framed::new)
}

/// Waits at an address for the holders of pinned keys.
#[derive(Debug)]
pub struct Listener(pinned::Listener);

impl Listener {
    /// Listens at `address` for `peers`; port 0 picks a free port.
    ///
    /// # Errors
    /// If the address is taken or invalid.
    pub fn bind(
        address: &str,
        us: &Identity,
        peers: impl IntoIterator<Item = PeerKey>,
    ) -> Result<Self, LinkError> {
        pinned::Listener::bind(address, us, peers, PURPOSE).map(Self)
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the operating system does not report the address.
    pub fn address(&self) -> Result<SocketAddr, LinkError> {
        self.0.address()
    }

    /// Waits for the next peer that proves a pinned key. `get_ref().peer()` is its key.
    ///
    /// # Errors
    /// If no peer did in time: why the last attempt failed.
    pub fn accept(&mut self, timeouts: Timeouts) -> Result<Framed<Pinned>, LinkError> {
        self.0.accept(timeouts).map(Framed::new)
    }
}
