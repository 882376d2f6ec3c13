//! Keys of the index: a letter for the table, then the key in it.

use sotto_mw::{amount::Height, trie::Part};

pub(crate) const HEAD: &[u8] = b"m";
pub(crate) const NODES: &[u8] = b"n";
pub(crate) const PARTS: &[u8] = b"p";
pub(crate) const UNSPENT: &[u8] = b"u";
pub(crate) const UNDO: &[u8] = b"x";
pub(crate) const TERMS: &[u8] = b"t";

/// All tables but the head's.
pub(crate) const TABLES: [&[u8]; 5] = [NODES, PARTS, UNSPENT, UNDO, TERMS];

/// The first key after a table's.
pub(crate) fn after(table: &[u8]) -> Vec<u8> {
    table.iter().map(|letter| letter + 1).collect()
}

/// The hash of a part of the trie.
pub(crate) fn part(part: Part) -> Vec<u8> {
    [PARTS, &part.bits().to_be_bytes()].concat()
}

/// The part that a key of the table of hashes names.
pub(crate) fn read_part(key: &[u8]) -> Option<Part> {
    let bits = key.strip_prefix(PARTS)?.try_into().ok()?;
    Some(Part::new(u16::from_be_bytes(bits)))
}

/// The outputs of a part of the trie.
pub(crate) fn unspent(part: Part) -> Vec<u8> {
    [UNSPENT, &part.bits().to_be_bytes()].concat()
}

pub(crate) fn undo(h: Height) -> Vec<u8> {
    [UNDO, &h.get().to_be_bytes()].concat()
}

/// By the first height under the terms.
pub(crate) fn terms(from: Height) -> Vec<u8> {
    [TERMS, &from.get().to_be_bytes()].concat()
}
