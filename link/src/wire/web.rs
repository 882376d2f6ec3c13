//! The bytes that nodes exchange, inside WebSocket messages.
//!
//! ```text
//! message      kind u8 ‖ length u32 ‖ bytes ‖ zeros      1, 4, 16 or 64 KiB in all, the smallest that fits
//!              kind: 0 cover, 1 the last part of a frame, 2 an earlier part (of the greatest length)
//! hello        version u8 (1) ‖ client's key (32)
//! proof        signature (64) over length of context u32 ‖ context ‖ exporter (32)
//!              ‖ server's key ‖ client's key
//! path         "/" ‖ hex of 16 bytes of SHA-256("sotto web path v1" ‖ 0 ‖ server's key ‖ exporter)
//! ```
//!
//! Integers are little-endian. A message of another size, with other padding, or larger than necessary does
//! not decode. The sizes that an observer sees therefore depend only on the length class of the frame.

use sha2::{Digest, Sha256};

use crate::identity::PeerKey;

/// The sizes of messages.
const SIZES: [usize; 4] = [1 << 10, 1 << 12, 1 << 14, 1 << 16];
/// The largest message.
pub(crate) const LARGEST: usize = 1 << 16;
const HEADER: usize = 5;
const VERSION: u8 = 1;

/// A decoded message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padded<'a> {
    /// Cover traffic, without content.
    Cover,
    /// The last part of a frame.
    Last(&'a [u8]),
    /// An earlier part of a frame.
    Part(&'a [u8]),
}

/// The bytes are not a message of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid message")]
pub(crate) struct InvalidMessage;

impl<'a> Padded<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, InvalidMessage> {
        let ([kind, length @ ..], rest) = bytes.split_first_chunk::<HEADER>().ok_or(InvalidMessage)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (data, padding) = rest.split_at_checked(length).ok_or(InvalidMessage)?;
        if size(length) != Some(bytes.len()) || padding.iter().any(|b| *b != 0) {
            return Err(InvalidMessage);
        }
        match kind {
            0 if data.is_empty() => Ok(Self::Cover),
            1 => Ok(Self::Last(data)),
            2 if length == LARGEST - HEADER => Ok(Self::Part(data)),
            _ => Err(InvalidMessage),
        }
    }
}

/// The size of the smallest message that holds `length` bytes.
fn size(length: usize) -> Option<usize> {
    SIZES.into_iter().find(|size| size - HEADER >= length)
}

/// A message without content.
pub(crate) fn cover() -> Vec<u8> {
    vec![0; SIZES[0]]
}

/// The messages that carry a frame.
pub(crate) fn messages(frame: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut rest = Some(frame);
    std::iter::from_fn(move || {
        let frame = rest.take()?;
        let (kind, data) = match frame.split_at_checked(LARGEST - HEADER) {
            Some((part, more @ [_, ..])) => {
                rest = Some(more);
                (2, part)
            }
            _ => (1, frame),
        };
        let mut message = Vec::with_capacity(LARGEST);
        message.push(kind);
        message.extend_from_slice(&(data.len() as u32).to_le_bytes());
        message.extend_from_slice(data);
        message.resize(size(data.len()).unwrap_or(LARGEST), 0);
        Some(message)
    })
}

/// The parts of a frame that have arrived.
#[derive(Debug, Default)]
pub(crate) struct Reassembly(Vec<u8>);

/// A frame exceeds the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameTooLong;

impl Reassembly {
    /// Adds a message. Returns the frame if the message completes one of at most `limit` bytes.
    pub(crate) fn add(&mut self, message: Padded<'_>, limit: usize) -> Result<Option<Vec<u8>>, FrameTooLong> {
        let (Padded::Part(data) | Padded::Last(data)) = message else { return Ok(None) };
        if self.0.len() + data.len() > limit {
            return Err(FrameTooLong);
        }
        self.0.extend_from_slice(data);
        Ok(matches!(message, Padded::Last(_)).then(|| std::mem::take(&mut self.0)))
    }
}

/// A client's hello.
pub(crate) fn hello(client: &PeerKey) -> Vec<u8> {
    [&[VERSION], &client.as_bytes()[..]].concat()
}

/// The key in a client's hello.
pub(crate) fn client_of_hello(bytes: &[u8]) -> Option<PeerKey> {
    let key = bytes.strip_prefix(&[VERSION])?.try_into().ok()?;
    PeerKey::from_bytes(key).ok()
}

/// The statement that both sides sign, each under its own tag.
pub(crate) fn statement(context: &[u8], exporter: &[u8; 32], server: &PeerKey, client: &PeerKey) -> Vec<u8> {
    let length = (context.len() as u32).to_le_bytes();
    [&length[..], context, exporter, server.as_bytes(), client.as_bytes()].concat()
}

/// The path at which a server accepts nodes on one connection: only a client that knows the server's key can
/// compute it.
pub(crate) fn path(server: &PeerKey, exporter: &[u8; 32]) -> String {
    let hash = Sha256::new_with_prefix(b"sotto web path v1\0").chain_update(server.as_bytes());
    let hash: [u8; 32] = hash.chain_update(exporter).finalize().into();
    hash.iter().take(16).fold("/".to_owned(), |path, byte| path + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn join(frame: &[u8]) -> Vec<u8> {
        let (mut reassembly, mut whole) = (Reassembly::default(), None);
        for message in messages(frame) {
            assert!(SIZES.contains(&message.len()));
            assert_eq!(whole, None, "no message follows the last");
            whole = reassembly.add(Padded::decode(&message).unwrap(), frame.len()).unwrap();
        }
        whole.unwrap()
    }

    #[test]
    fn a_frame_above_the_limit_is_refused_before_it_is_stored() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.add(Padded::Part(&[0; 10]), 15), Ok(None));
        assert_eq!(reassembly.add(Padded::Last(&[0; 6]), 15), Err(FrameTooLong));
        assert_eq!(reassembly.add(Padded::Cover, 15), Ok(None));
        assert_eq!(reassembly.add(Padded::Last(&[0; 5]), 15), Ok(Some(vec![0; 15])));
    }

    #[test]
    fn a_frame_of_any_length_comes_back() {
        let edges = SIZES.map(|size| [size - HEADER - 1, size - HEADER, size - HEADER + 1]);
        for length in edges.into_iter().flatten().chain([0, 1, 200_000, 2 * (LARGEST - HEADER)]) {
            let frame: Vec<u8> = (0..length).map(|i| i as u8).collect();
            assert!(join(&frame) == frame, "{length} bytes");
        }
        assert_eq!(Padded::decode(&cover()), Ok(Padded::Cover));
    }

    #[test]
    fn other_padding_is_refused() {
        let good = messages(b"text").next().unwrap();
        let altered = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            Padded::decode(&bytes).map(|_| ())
        };
        assert_eq!(altered(5, b'T'), Ok(()));
        assert_eq!(altered(0, 0), Err(InvalidMessage), "cover has no content");
        assert_eq!(altered(0, 2), Err(InvalidMessage), "an earlier part has the greatest length");
        assert_eq!(altered(0, 3), Err(InvalidMessage), "an unknown kind");
        assert_eq!(altered(4, 1), Err(InvalidMessage), "longer than the message");
        assert_eq!(altered(1023, 1), Err(InvalidMessage), "padding is zero");
        let mut wide = good.clone();
        wide.resize(1 << 12, 0);
        assert_eq!(Padded::decode(&wide), Err(InvalidMessage), "larger than necessary");
        assert_eq!(Padded::decode(&good[..1000]), Err(InvalidMessage));
    }

    proptest! {
        #[test]
        fn accepted_bytes_are_the_encoding(kind in 0u8..4, data in prop::collection::vec(any::<u8>(), 0..1100), cut in 0usize..3) {
            let mut bytes = vec![kind];
            bytes.extend_from_slice(&((data.len() + cut) as u32).to_le_bytes());
            bytes.extend_from_slice(&data);
            bytes.resize(size(data.len()).unwrap(), 0);
            if let Ok(Padded::Last(data)) = Padded::decode(&bytes) {
                prop_assert_eq!(messages(data).next().unwrap(), bytes);
            }
        }
    }
}
