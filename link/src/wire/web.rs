//! The bytes that nodes exchange, inside WebSocket messages.
//!
//! ```text
//! piece        kind u8 ‖ length u32 ‖ bytes ‖ zeros      1, 4, 16 or 64 KiB in all, the smallest that fits
//!              kind: 0 cover, 1 the end of a frame, 2 a part of a frame that goes on (as long as a piece can be)
//! hello        version u8 (1) ‖ client's key (32)
//! proof        signature (64) over length of context u32 ‖ context ‖ exporter (32) ‖ server's key ‖ client's key
//! path         "/" ‖ hex of 16 bytes of SHA-256("sotto web path v1" ‖ 0 ‖ server's key ‖ exporter)
//! ```
//!
//! Integers are little-endian. A piece of another size, with other padding, or larger than it need be does not decode: what an
//! observer counts does not depend on more than the frame's length class.

use sha2::{Digest, Sha256};

use crate::identity::PeerKey;

/// The sizes of pieces.
const SIZES: [usize; 4] = [1 << 10, 1 << 12, 1 << 14, 1 << 16];
/// The largest piece.
pub(crate) const LARGEST: usize = 1 << 16;
const HEADER: usize = 5;
const VERSION: u8 = 1;

/// What a piece means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Nothing: it is there to be seen.
    Cover,
    /// The end of a frame.
    End(&'a [u8]),
    /// A part that is not the end.
    Part(&'a [u8]),
}

/// The bytes are no piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what arrived is no piece of a frame")]
pub struct NotAPiece;

impl<'a> Piece<'a> {
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, NotAPiece> {
        let ([kind, length @ ..], rest) = bytes.split_first_chunk::<HEADER>().ok_or(NotAPiece)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (data, padding) = rest.split_at_checked(length).ok_or(NotAPiece)?;
        if size(length) != Some(bytes.len()) || padding.iter().any(|b| *b != 0) {
            return Err(NotAPiece);
        }
        match kind {
            0 if data.is_empty() => Ok(Self::Cover),
            1 => Ok(Self::End(data)),
            2 if length == LARGEST - HEADER => Ok(Self::Part(data)),
            _ => Err(NotAPiece),
        }
    }
}

/// The size of the piece that holds `length` bytes.
fn size(length: usize) -> Option<usize> {
    SIZES.into_iter().find(|size| size - HEADER >= length)
}

/// A piece that means nothing.
pub(crate) fn cover() -> Vec<u8> {
    vec![0; SIZES[0]]
}

/// A frame, cut into pieces.
pub(crate) fn pieces(frame: &[u8]) -> impl Iterator<Item = Vec<u8>> {
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
        let mut piece = Vec::with_capacity(LARGEST);
        piece.push(kind);
        piece.extend_from_slice(&(data.len() as u32).to_le_bytes());
        piece.extend_from_slice(data);
        piece.resize(size(data.len()).unwrap_or(LARGEST), 0);
        Some(piece)
    })
}

/// How a client says who it is.
pub(crate) fn hello(client: &PeerKey) -> Vec<u8> {
    [&[VERSION], &client.as_bytes()[..]].concat()
}

/// Who a client says it is.
pub(crate) fn client_of_hello(bytes: &[u8]) -> Option<PeerKey> {
    let key = bytes.strip_prefix(&[VERSION])?.try_into().ok()?;
    PeerKey::from_bytes(key).ok()
}

/// What both sides sign, each under its own tag.
pub(crate) fn statement(context: &[u8], exporter: &[u8; 32], server: &PeerKey, client: &PeerKey) -> Vec<u8> {
    let length = (context.len() as u32).to_le_bytes();
    [&length[..], context, exporter, server.as_bytes(), client.as_bytes()].concat()
}

/// Where, on one connection, a server answers those who know its key.
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
        let mut whole = Vec::new();
        let all: Vec<_> = pieces(frame).collect();
        for (i, piece) in all.iter().enumerate() {
            assert!(SIZES.contains(&piece.len()));
            match Piece::decode(piece).unwrap() {
                Piece::End(data) if i + 1 == all.len() => whole.extend_from_slice(data),
                Piece::Part(data) if i + 1 < all.len() => whole.extend_from_slice(data),
                other => panic!("{other:?} at {i}"),
            }
        }
        whole
    }

    #[test]
    fn a_frame_of_any_length_comes_back() {
        let edges = SIZES.map(|size| [size - HEADER - 1, size - HEADER, size - HEADER + 1]);
        for length in edges.into_iter().flatten().chain([0, 1, 200_000, 2 * (LARGEST - HEADER)]) {
            let frame: Vec<u8> = (0..length).map(|i| i as u8).collect();
            assert!(join(&frame) == frame, "{length} bytes");
        }
        assert_eq!(Piece::decode(&cover()), Ok(Piece::Cover));
    }

    #[test]
    fn what_is_padded_otherwise_is_no_piece() {
        let good = pieces(b"text").next().unwrap();
        let altered = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            Piece::decode(&bytes).map(|_| ())
        };
        assert_eq!(altered(5, b'T'), Ok(()));
        assert_eq!(altered(0, 0), Err(NotAPiece), "cover carries nothing");
        assert_eq!(altered(0, 2), Err(NotAPiece), "a part is as long as can be");
        assert_eq!(altered(0, 3), Err(NotAPiece), "an unknown kind");
        assert_eq!(altered(4, 1), Err(NotAPiece), "more bytes than there are");
        assert_eq!(altered(1023, 1), Err(NotAPiece), "padding is zero");
        let mut wide = good.clone();
        wide.resize(1 << 12, 0);
        assert_eq!(Piece::decode(&wide), Err(NotAPiece), "larger than it need be");
        assert_eq!(Piece::decode(&good[..1000]), Err(NotAPiece));
    }

    proptest! {
        #[test]
        fn accepted_bytes_are_encoded_again(kind in 0u8..4, data in prop::collection::vec(any::<u8>(), 0..1100), cut in 0usize..3) {
            let mut bytes = vec![kind];
            bytes.extend_from_slice(&((data.len() + cut) as u32).to_le_bytes());
            bytes.extend_from_slice(&data);
            bytes.resize(size(data.len()).unwrap(), 0);
            if let Ok(Piece::End(data)) = Piece::decode(&bytes) {
                prop_assert_eq!(pieces(data).next().unwrap(), bytes);
            }
        }
    }
}
