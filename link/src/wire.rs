//! The bytes that parties exchange with a rendezvous server.
//!
//! ```text
//! request      version u8 (1) ‖ meeting (32) ‖ key of the peer (32)
//! status       u8: 0 waiting, 1 connected to the peer, 2 quota exceeded, 3 peer absent
//! ```
//!
//! Guaranteed: every value has one encoding, and decoding accepts nothing else. The messages between nodes
//! are in `web`.

#[cfg(feature = "web")]
mod web;

#[cfg(feature = "web")]
pub(crate) use web::*;

use crate::identity::PeerKey;

/// The purpose of channels to a rendezvous server.
pub(crate) const RENDEZVOUS: &str = "sotto-relay/1";
const VERSION: u8 = 1;
/// Bytes of a request.
pub(crate) const REQUEST: usize = 65;

/// A party's request to a rendezvous server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MeetingRequest {
    /// The identifier of the meeting.
    pub(crate) id: [u8; 32],
    /// The peer to meet there.
    pub(crate) peer: PeerKey,
}

impl MeetingRequest {
    pub(crate) fn encode(&self) -> [u8; REQUEST] {
        let mut bytes = [VERSION; REQUEST];
        let (id, key) = bytes.split_at_mut(33);
        id.iter_mut().skip(1).zip(&self.id).for_each(|(to, from)| *to = *from);
        key.copy_from_slice(self.peer.as_bytes());
        bytes
    }

    #[cfg(feature = "rendezvous")]
    pub(crate) fn decode(bytes: &[u8; REQUEST]) -> Option<Self> {
        let (id, key) = bytes.strip_prefix(&[VERSION])?.split_first_chunk()?;
        Some(Self { id: *id, peer: PeerKey::from_bytes(key.try_into().ok()?).ok()? })
    }
}

/// A rendezvous server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// The peer is not there yet.
    Waiting = 0,
    /// All further bytes come from the peer.
    Connected = 1,
    /// A quota is exhausted.
    QuotaExceeded = 2,
    /// The peer did not come.
    PeerAbsent = 3,
}

impl Status {
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        let all = [Self::Waiting, Self::Connected, Self::QuotaExceeded, Self::PeerAbsent];
        all.into_iter().find(|status| *status as u8 == code)
    }
}

#[cfg(all(test, feature = "rendezvous"))]
mod tests {
    use super::*;
    use crate::Identity;

    #[test]
    fn a_request_has_one_encoding() {
        let request = MeetingRequest { id: [7; 32], peer: Identity::from_seed(&[1; 32]).peer_key() };
        let bytes = request.encode();
        assert_eq!(MeetingRequest::decode(&bytes), Some(request));
        for at in [0, 33, 64] {
            let mut other = bytes;
            other[at] ^= 0xff;
            assert_ne!(MeetingRequest::decode(&other), Some(request));
        }
        let mut version = bytes;
        version[0] = 2;
        assert_eq!(MeetingRequest::decode(&version), None);
    }

    #[test]
    fn statuses_have_distinct_codes() {
        let all: Vec<_> = (0..=255).filter_map(Status::from_code).map(|r| r as u8).collect();
        assert_eq!(all, [0, 1, 2, 3]);
    }
}
