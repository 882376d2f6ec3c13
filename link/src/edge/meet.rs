//! Meeting a peer at a rendezvous server, with outgoing connections only.
//!
//! The channel to the peer runs inside the channel to the server and has a handshake of its own. The party
//! with the smaller key is its TLS client.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use super::tcp::connect;
use crate::channel::{self, ChannelConfig, Pinned, Timed};
use crate::error::LinkError;
use crate::identity::PeerKey;
use crate::wire::{MeetingRequest, RENDEZVOUS, Status};

/// A rendezvous of two parties at a server.
#[derive(Clone, Debug)]
pub struct Rendezvous {
    /// The server's host and port.
    pub address: String,
    /// The server's key.
    pub server: PeerKey,
    /// The identifier of the rendezvous. Both parties use the same, and no other pair does.
    pub id: [u8; 32],
}

/// Opens a channel to the peer of `config`, who comes to the same rendezvous within
/// [`Timeouts::connect`](crate::Timeouts::connect).
///
/// # Errors
/// [`LinkError`] as for [`connect`], for the server or the peer; [`LinkError::NotConnected`] if a quota is
/// exhausted or the peer did not come.
pub fn meet(at: &Rendezvous, config: &ChannelConfig<'_>) -> Result<Pinned, LinkError> {
    let ChannelConfig { us, peer, purpose, timeouts } = *config;
    let to_server = ChannelConfig { peer: at.server, purpose: RENDEZVOUS, ..*config };
    let wrong_server = |e| match e {
        LinkError::WrongKey { shown } => LinkError::WrongServerKey { shown },
        e => e,
    };
    let mut server = connect(&at.address, &to_server).map_err(wrong_server)?;
    server.write_all(&MeetingRequest { id: at.id, peer }.encode())?;
    server.end_in(timeouts.connect);
    wait_for_peer(&mut server)?;
    if us.peer_key() < peer {
        return channel::client(Box::new(server), config);
    }
    let config = channel::server_config(us, BTreeSet::from([peer]), purpose)?;
    channel::server(Box::new(server), config, purpose, timeouts)
}

/// Waits until the server reports that the peer is there.
fn wait_for_peer(server: &mut Pinned) -> Result<(), LinkError> {
    loop {
        let mut code = [0];
        server.read_exact(&mut code)?;
        match Status::from_code(code[0]) {
            Some(Status::Waiting) => {}
            Some(Status::Connected) => return Ok(()),
            Some(Status::QuotaExceeded) => {
                return Err(LinkError::NotConnected("too many connections of our key"));
            }
            Some(Status::PeerAbsent) => return Err(LinkError::NotConnected("the other party did not come")),
            None => return Err(LinkError::Incompatible("its status is unknown".to_owned())),
        }
    }
}
