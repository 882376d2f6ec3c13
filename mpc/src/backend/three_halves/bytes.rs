//! Tables of three halves as bytes: eight gates in 197.
//!
//! The control bits of eight gates are one string of 40 bits, those of the first gate lowest. Byte `n` of it stands before
//! the table of the first gate that has bits in it:
//!
//! ```text
//! gate    0        1        2     3        4        5     6        7
//! bytes   z₀ rows  z₁ rows  rows  z₂ rows  z₃ rows  rows  z₄ rows  rows        rows = G_0 [8] ‖ G_1 [8] ‖ G_2 [8]
//! ```
//!
//! So a gate can be evaluated as soon as its bytes are there, and the bytes of fewer than eight gates, at the end of a
//! program, before more input labels are fetched or before a lane waits for others, are the beginning of the bytes of eight, with zeros in the bits
//! of the gates that do not follow.

use super::HalvesTable;

/// The bytes of the rows of a gate.
const ROWS: usize = 24;
/// The control bits of a gate.
const BITS: usize = 5;

/// Where in a group of eight gates the next one is.
#[derive(Clone, Copy, Debug, Default)]
struct Layout {
    gate: usize,
}

impl Layout {
    /// Whether a byte of control bits stands before the next gate; then goes on to the one after it.
    const fn advance(&mut self) -> bool {
        let first_bit = self.gate * BITS;
        self.gate = (self.gate + 1) % 8;
        (first_bit + BITS).div_ceil(8) > first_bit.div_ceil(8)
    }
}

/// Appends the bytes of tables from the beginning of a group on.
pub(crate) fn pack(tables: &[HalvesTable], out: &mut Vec<u8>) {
    for group in tables.chunks(8) {
        let controls = group.iter().rev().fold(0u64, |bits, table| bits << BITS | u64::from(table.control));
        let (mut layout, mut controls) = (Layout::default(), controls.to_le_bytes().into_iter());
        for table in group {
            if layout.advance() {
                out.extend(controls.next());
            }
            out.extend_from_slice(table.rows.map(u64::to_le_bytes).as_flattened());
        }
    }
}

/// Reads tables from bytes that arrive in pieces of any length.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    layout: Layout,
    /// Control bits that were read and not yet used, `held` of them.
    bits: u16,
    held: usize,
}

impl Packed {
    /// The bytes of the next table.
    pub(crate) const fn next_bytes(&self) -> usize {
        let mut layout = self.layout;
        ROWS + layout.advance() as usize
    }

    /// Reads as many tables as there are whole ones in `bytes` and places in `tables`. Returns the numbers of bytes and of
    /// tables.
    pub(crate) fn unpack(&mut self, bytes: &[u8], tables: &mut [HalvesTable]) -> [usize; 2] {
        let (mut rest, mut read) = (bytes, 0);
        for table in tables {
            let Some((one, after)) = rest.split_at_checked(self.next_bytes()) else { break };
            *table = self.next(one);
            (rest, read) = (after, read + 1);
        }
        [bytes.len() - rest.len(), read]
    }

    fn next(&mut self, one: &[u8]) -> HalvesTable {
        let (control, rows) = if self.layout.advance() { one.split_at(1) } else { one.split_at(0) };
        for byte in control {
            self.bits |= u16::from(*byte) << self.held;
            self.held += 8;
        }
        let control = (self.bits & 0x1f) as u8;
        self.bits >>= BITS;
        self.held -= BITS;
        let mut words = [[0; 8]; 3];
        words.as_flattened_mut().copy_from_slice(rows);
        HalvesTable { rows: words.map(u64::from_le_bytes), control }
    }

    /// Ends a group before its eighth gate; whether the bits of the gates that do not follow are zero.
    pub(crate) fn end_group(&mut self) -> bool {
        let is_zero = self.bits == 0;
        *self = Self::default();
        is_zero
    }
}
