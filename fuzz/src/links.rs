//! What a rendezvous server or a node receives before its peer has proved a key, and the messages between
//! nodes.

use crate::Verdict;
use sotto_link::testing;

/// A message between nodes: it has one encoding, so that its size reveals only the frame's length class.
pub fn link_message(data: &[u8]) -> Verdict {
    same(data, testing::message(data))
}

/// A request to a rendezvous server.
pub fn link_request(data: &[u8]) -> Verdict {
    same(data, testing::meeting_request(data))
}

/// The head of an HTTP request: not longer than allowed, and ended by an empty line.
pub fn link_head(data: &[u8]) -> Verdict {
    let accepted = testing::is_request_head(data);
    let ended = data.windows(2).any(|w| w == b"\n\n") || data.windows(3).any(|w| w == b"\n\r\n");
    assert!(!accepted || (data.len() <= 8 << 10 && ended), "a head without an end");
    Verdict::of(accepted)
}

fn same(data: &[u8], again: Option<Vec<u8>>) -> Verdict {
    assert!(again.as_ref().is_none_or(|again| again == data), "two encodings of one");
    Verdict::of(again.is_some())
}
