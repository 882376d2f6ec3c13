//! The bytes of this crate: every message layout is written and read here and nowhere else.
//!
//! ```text
//! frame   phase u8 ‖ length u32 (little-endian, 1..=MAX_PAYLOAD) ‖ payload
//! ```
//!
//! Guaranteed: a length is checked before anything is allocated for it, and what is read back is what
//! would be written (one encoding for each value).

/// Bytes of a frame's header.
pub(crate) const FRAME_HEADER: usize = 5;
/// The longest payload that is accepted in one frame, in bytes.
pub(crate) const MAX_PAYLOAD: usize = 1 << 20;

/// The header of a frame of `length` payload bytes.
pub(crate) fn frame_header(phase: u8, length: u32) -> [u8; FRAME_HEADER] {
    let [a, b, c, d] = length.to_le_bytes();
    [phase, a, b, c, d]
}

/// Phase code and length of a header; the length is not yet bounded.
pub(crate) fn parse_frame_header(header: [u8; FRAME_HEADER]) -> (u8, u32) {
    let [phase, a, b, c, d] = header;
    (phase, u32::from_le_bytes([a, b, c, d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_header_round_trips() {
        let header = frame_header(5, 0x0403_0201);
        assert_eq!(header, [5, 1, 2, 3, 4]);
        assert_eq!(parse_frame_header(header), (5, 0x0403_0201));
    }
}
