//! Meeting a peer at a relay, by dialling out only.
//!
//! The channel to the peer runs inside the channel to the relay, with a handshake of its own: of the two keys, the
//! smaller one's holder is the TLS client.

use std::io::{Read, Write};
use std::sync::Arc;

use super::super::tcp::{Timed, after};
use super::{LinkError, Patience, Pinned, RELAY, client, connect, server};
use crate::identity::{Identity, PeerKey};
use crate::tls;
use crate::wire::{self, Reply};

/// Where two parties meet.
#[derive(Clone, Debug)]
pub struct Rendezvous {
    /// The relay's host and port.
    pub address: String,
    /// The relay's key.
    pub relay: PeerKey,
    /// The name of the meeting, which both parties know and nobody else expects.
    pub id: [u8; 32],
}

/// A channel to the holder of `peer`, who comes to the same rendezvous within [`Patience::connect`].
///
/// # Errors
/// [`LinkError`]: as for [`connect`], of the relay or the peer; [`LinkError::NotRelayed`]: a quota, or the peer did not come.
pub fn meet(
    at: &Rendezvous,
    us: &Identity,
    peer: PeerKey,
    purpose: &str,
    patience: Patience,
) -> Result<Pinned, LinkError> {
    let mut relay = connect(&at.address, us, at.relay, RELAY, patience)?;
    relay.write_all(&wire::meeting(&at.id, &peer))?;
    relay.end_at(after(patience.connect));
    wait(&mut relay)?;
    if us.peer_key() < peer {
        return client(Box::new(relay), us, peer, purpose, patience);
    }
    let config = tls::server(us, [peer].into(), purpose).map_err(|e| LinkError::from(&e))?;
    server(Box::new(relay), Arc::new(config), purpose, patience)
}

/// Waits for the relay to say that the peer is there.
fn wait(relay: &mut Pinned) -> Result<(), LinkError> {
    loop {
        let mut code = [0];
        relay.read_exact(&mut code)?;
        match Reply::from_code(code[0]) {
            Some(Reply::Wait) => {}
            Some(Reply::Here) => return Ok(()),
            Some(Reply::TooMany) => return Err(LinkError::NotRelayed("too many connections of our key")),
            Some(Reply::Nobody) => return Err(LinkError::NotRelayed("the other party did not come")),
            None => return Err(LinkError::Incompatible("it answers as no relay does".to_owned())),
        }
    }
}
