//! Decoders that are tried with any bytes; they are nobody's business but that of the fuzz targets.
//!
//! Each gives back the encoding of what it read, or nothing if it read nothing.

use crate::wire::{Piece, cover, meeting, parse_meeting, pieces};

/// A piece of a frame.
#[must_use]
pub fn piece(bytes: &[u8]) -> Option<Vec<u8>> {
    match Piece::decode(bytes).ok()? {
        Piece::Cover => Some(cover()),
        Piece::End(data) => pieces(data).next(),
        // A part is followed by more.
        Piece::Part(data) => pieces(&[data, &[0]].concat()).next(),
    }
}

/// What a relay is asked for.
#[must_use]
pub fn meeting_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let (at, other) = parse_meeting(bytes.try_into().ok()?)?;
    Some(meeting(&at, &other).to_vec())
}

/// Whether a web server takes this for the head of a request.
#[must_use]
pub fn is_head(bytes: &[u8]) -> bool {
    crate::edge::web::is_request(bytes)
}
