//! The bytes of this crate, all of them; nothing else decodes.
//!
//! ```text
//! meeting      version u8 (1) ‖ rendezvous (32) ‖ key of the one to be met (32)      to a relay
//! reply        u8: 0 wait, 1 here is the other one, 2 you have too many, 3 nobody came
//! ```
//!
//! What nodes exchange is in `web`.

#[cfg(feature = "web")]
mod web;

#[cfg(feature = "web")]
pub(crate) use web::*;

use crate::identity::PeerKey;

const VERSION: u8 = 1;
/// Bytes of a meeting.
pub(crate) const MEETING: usize = 65;

/// What a relay is asked for.
pub(crate) fn meeting(rendezvous: &[u8; 32], other: &PeerKey) -> [u8; MEETING] {
    let mut bytes = [VERSION; MEETING];
    let (at, key) = bytes.split_at_mut(33);
    at.iter_mut().skip(1).zip(rendezvous).for_each(|(to, from)| *to = *from);
    key.copy_from_slice(other.as_bytes());
    bytes
}

/// The rendezvous, and the one to be met there.
#[cfg(feature = "relay")]
pub(crate) fn parse_meeting(bytes: &[u8; MEETING]) -> Option<([u8; 32], PeerKey)> {
    let (at, key) = bytes.strip_prefix(&[VERSION])?.split_first_chunk()?;
    Some((*at, PeerKey::from_bytes(key.try_into().ok()?).ok()?))
}

/// What a relay answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reply {
    /// The other one is not there yet.
    Wait = 0,
    /// All that follows is the other one's.
    Here = 1,
    /// A quota is used up.
    TooMany = 2,
    /// The other one did not come.
    Nobody = 3,
}

impl Reply {
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        [Self::Wait, Self::Here, Self::TooMany, Self::Nobody].into_iter().find(|reply| *reply as u8 == code)
    }
}

#[cfg(all(test, feature = "relay"))]
mod tests {
    use super::*;
    use crate::Identity;

    #[test]
    fn a_meeting_is_read_back_and_nothing_else_is() {
        let key = Identity::from_seed(&[1; 32]).peer_key();
        let bytes = meeting(&[7; 32], &key);
        assert_eq!(parse_meeting(&bytes), Some(([7; 32], key)));
        for at in [0, 33, 64] {
            let mut other = bytes;
            other[at] ^= 0xff;
            assert_ne!(parse_meeting(&other), Some(([7; 32], key)));
        }
        let mut version = bytes;
        version[0] = 2;
        assert_eq!(parse_meeting(&version), None);
    }

    #[test]
    fn replies_have_distinct_codes() {
        let all: Vec<_> = (0..=255).filter_map(Reply::from_code).map(|r| r as u8).collect();
        assert_eq!(all, [0, 1, 2, 3]);
    }
}
