//! What reaches a relay or a node before its peer has proved a key, and what nodes exchange.

use crate::Verdict;
use sotto_link::testing;

/// A piece of a frame: one encoding, so that its size tells no more than the frame's length class.
pub fn link_piece(data: &[u8]) -> Verdict {
    same(data, testing::piece(data))
}

/// What a relay is asked for.
pub fn link_meeting(data: &[u8]) -> Verdict {
    same(data, testing::meeting_of(data))
}

/// What begins with the head of a request to a web server: as long as one may be, and ended by an empty line.
pub fn link_head(data: &[u8]) -> Verdict {
    let accepted = testing::is_head(data);
    let ended = data.windows(2).any(|w| w == b"\n\n") || data.windows(3).any(|w| w == b"\n\r\n");
    assert!(!accepted || (data.len() <= 8 << 10 && ended), "a head without an end");
    Verdict::of(accepted)
}

fn same(data: &[u8], again: Option<Vec<u8>>) -> Verdict {
    assert!(again.as_ref().is_none_or(|again| again == data), "two encodings of one");
    Verdict::of(again.is_some())
}
