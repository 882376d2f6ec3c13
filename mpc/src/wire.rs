//! The bytes of this crate: every message layout is written and read here and nowhere else.
//!
//! ```text
//! frame     phase u8 ‖ length u32 (1..=MAX_PAYLOAD) ‖ payload
//! hello     "sottompc" ‖ version u16 ‖ suite u8 ‖ role u8 ‖ reveal u8 ‖ attempt u32 ‖ run [32]
//!           ‖ nonce [32] ‖ program digest [32] ‖ program name [32]
//! keys      S of the gates [16] ‖ S of the outputs [16] ‖ seed of the public labels [16]
//! tables    for each AND gate TG [16] ‖ TE [16]
//! outputs   digest of the transcript so far [32], then for each output bit
//!           to the evaluator   H(C0) [16] ‖ H(C1) [16]
//!           for a receiver     the same hashes in the order of the labels' permute bits
//!           to the garbler     the active label [16]
//! ```
//!
//! Numbers and blocks are little-endian. The messages of oblivious transfer are described in [`crate::ot`].
//!
//! Guaranteed: a length is checked before anything is allocated for it, and what is read back is what
//! would be written (one encoding for each value).

use crate::Block;
use crate::program::{ProgramId, ProgramName};

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

const MAGIC: [u8; 8] = *b"sottompc";

/// The first message of a session, the same in both directions but for role and nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) version: u16,
    pub(crate) suite: u8,
    pub(crate) role: u8,
    pub(crate) reveal: u8,
    pub(crate) attempt: u32,
    pub(crate) run: [u8; 32],
    pub(crate) nonce: [u8; 32],
    pub(crate) program: ProgramId,
}

impl Hello {
    /// Size in bytes.
    pub(crate) const BYTES: usize = 145;

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let mut rest = &mut bytes[..];
        put(&mut rest, MAGIC);
        put(&mut rest, self.version.to_le_bytes());
        put(&mut rest, [self.suite, self.role, self.reveal]);
        put(&mut rest, self.attempt.to_le_bytes());
        put(&mut rest, self.run);
        put(&mut rest, self.nonce);
        put(&mut rest, self.program.digest);
        put(&mut rest, self.program.name.to_bytes());
        bytes
    }

    /// The hello, unless these bytes are none. Codes are not yet looked at.
    pub(crate) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let rest = &mut &bytes[..];
        if take(rest)? != MAGIC {
            return None;
        }
        let version = u16::from_le_bytes(take(rest)?);
        let [suite, role, reveal] = take(rest)?;
        let attempt = u32::from_le_bytes(take(rest)?);
        let (run, nonce, digest) = (take(rest)?, take(rest)?, take(rest)?);
        let name = ProgramName::from_bytes(take(rest)?)?;
        let program = ProgramId { name, digest };
        Some(Self { version, suite, role, reveal, attempt, run, nonce, program })
    }
}

/// Writes the next bytes of a message whose size is fixed.
fn put<const N: usize>(rest: &mut &mut [u8], bytes: [u8; N]) {
    if let Some((place, later)) = core::mem::take(rest).split_first_chunk_mut() {
        *place = bytes;
        *rest = later;
    }
}

/// Reads the next bytes of a message.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, later) = rest.split_first_chunk()?;
    *rest = later;
    Some(*bytes)
}

/// The blocks of whole 16-byte pieces; a shorter rest is left out.
pub(crate) fn blocks(bytes: &[u8]) -> impl Iterator<Item = Block> + '_ {
    let (pieces, _) = bytes.as_chunks();
    pieces.iter().copied().map(Block::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hello_has_one_encoding() {
        let name = ProgramName::new("p@1").unwrap();
        let hello = Hello {
            version: 0x0102,
            suite: 3,
            role: 4,
            reveal: 5,
            attempt: 6,
            run: [7; 32],
            nonce: [8; 32],
            program: ProgramId { name, digest: [9; 32] },
        };
        let bytes = hello.to_bytes();
        assert_eq!(bytes[..13], *b"sottompc\x02\x01\x03\x04\x05");
        assert_eq!(bytes[Hello::BYTES - 32..][..4], *b"p@1\0");
        assert_eq!(Hello::from_bytes(&bytes), Some(hello));
        for at in [0, 7, Hello::BYTES - 32, Hello::BYTES - 1] {
            let mut bad = bytes;
            bad[at] ^= 0x80;
            assert_eq!(Hello::from_bytes(&bad), None, "byte {at}");
        }
    }

    #[test]
    fn frame_header_round_trips() {
        let header = frame_header(5, 0x0403_0201);
        assert_eq!(header, [5, 1, 2, 3, 4]);
        assert_eq!(parse_frame_header(header), (5, 0x0403_0201));
    }
}
