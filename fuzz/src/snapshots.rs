//! A snapshot from an untrusted source: if it is complete, it must be the chain's own state.
//!
//! Only the operator's seal on the last header is trusted, so the property must hold even with correct
//! checksums of the parts: a complete import makes a store whose own snapshot is the honest one.

use crate::{
    Verdict,
    fixtures::{
        chain::world,
        store::{export, layout, snapshot},
    },
    stores::{RESEAL, checked},
};
use sotto_mw::{block::Header, codec::Decode, hash::tagged, state::ChainView};
use sotto_node::storage::{Memory, import};

/// Whether to correct the checksums (1: its first bit) ‖ snapshot, for the chain of the fixture.
pub fn node_snapshot(data: &[u8]) -> Verdict {
    let Some((&which, bytes)) = data.split_first() else { return Verdict::Refused };
    let bytes = if which & RESEAL == 0 { bytes.to_vec() } else { reseal(bytes) };
    let chain = *world().test_chain.chain().id();
    let Ok(imported) = import(Memory::new(), layout(), &mut &bytes[..], Some(chain)) else {
        return Verdict::Refused;
    };
    assert_eq!(imported.store.is_some(), imported.missing.is_empty());
    let Some(store) = imported.store else { return Verdict::Refused };
    assert_eq!(store.tip(), world().test_chain.state().tip(), "another chain than was sealed");
    assert!(
        export(&store, imported.height).is_some_and(|own| own == snapshot()),
        "another state than was sealed"
    );
    Verdict::Accepted
}

/// The offset of the parameters, and the bytes of a header and its seal by an operator, and of a part's entry
/// (docs/FORMATS.md).
const PARAMS: usize = 11;
const SEALED: usize = 256 + 65;
const ENTRY: usize = 37;

/// The snapshot with correct checksums of its start and of every part.
pub(crate) fn reseal(bytes: &[u8]) -> Vec<u8> {
    start_and_parts(bytes).unwrap_or_else(|| bytes.to_vec())
}

fn start_and_parts(bytes: &[u8]) -> Option<Vec<u8>> {
    let params = usize::from(u16::from_le_bytes(*bytes.get(5..)?.first_chunk()?));
    let count = u32::from_le_bytes(*bytes.get(7..)?.first_chunk()?);
    let sealed = PARAMS + params;
    let header = Header::from_bytes(bytes.get(sealed..sealed + 256)?).ok()?;
    let table = sealed + SEALED + 1;
    let entries = bytes.get(table..)?.get(..usize::try_from(count).ok()?.checked_mul(ENTRY)?)?;
    let mut out = bytes.get(..table)?.to_vec();
    let mut rest = bytes.get(out.len() + entries.len() + 32..)?;
    for (place, entry) in (0u32..).zip(entries.chunks_exact(ENTRY)) {
        let (&[kind, a, b, c, d], check) = entry.split_first_chunk()?;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let part = rest.split_at_checked(length).map(|(part, later)| {
            rest = later;
            tagged(
                "sotto/node-part/v1",
                &[&[&header.hash().as_bytes()[..], &place.to_le_bytes(), &[kind]].concat(), part],
            )
        });
        out.extend_from_slice(&[kind, a, b, c, d]);
        out.extend_from_slice(part.as_ref().map_or(check, |check| check.as_bytes()));
    }
    let start = checked("sotto/node-snapshot/v1", &[], &[&out[..], &[0; 32]].concat());
    Some([&start, bytes.get(start.len()..)?].concat())
}
