//! Decoders for the fuzz targets.
//!
//! Each returns the encoding of the value it decoded, or `None` if the bytes are invalid.

use crate::wire::{MeetingRequest, Padded, cover, messages};

/// Decodes a message between nodes.
#[must_use]
pub fn message(bytes: &[u8]) -> Option<Vec<u8>> {
    match Padded::decode(bytes).ok()? {
        Padded::Cover => Some(cover()),
        Padded::Last(data) => messages(data).next(),
        // An earlier part is followed by at least one more byte.
        Padded::Part(data) => messages(&[data, &[0]].concat()).next(),
    }
}

/// Decodes a request to a rendezvous server.
#[must_use]
pub fn meeting_request(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(MeetingRequest::decode(bytes.try_into().ok()?)?.encode().to_vec())
}

/// Whether the web server accepts `bytes` as the head of a request.
#[must_use]
pub fn is_request_head(bytes: &[u8]) -> bool {
    crate::http::is_request(bytes)
}
