//! Arbitrary files of a store: the store must open with the chain's own blocks, or report damage.
//!
//! Checksums keep random changes away from the decoders behind them, so an input may ask to correct them. The
//! files are then such as an attacker with access could write, and only panics and memory use matter.

use crate::{
    Verdict,
    fixtures::{
        chain::world,
        scratch::Scratch,
        store::{Image, blocks, layout, pruned, whole},
    },
    snapshots,
};
use sotto_mw::{amount::Height, hash::tagged, state::ChainView};
use sotto_node::{
    edge::operator,
    ledger::{Ledger, mempool::MempoolLimits},
    storage::{FileName, Store},
};

/// Makes or caches the files of a store.
type MakeImage = fn() -> &'static Image;

/// The files that an input may replace, by its first byte: five of the whole store, three of the pruned one.
pub(crate) const FILES: [(MakeImage, FileName); 8] = [
    (whole, FileName::Genesis),
    (whole, FileName::Head),
    (whole, FileName::Segment(0)),
    (whole, FileName::Mempool),
    (whole, FileName::Evidence),
    (pruned, FileName::Head),
    (pruned, FileName::Segment(1)),
    (pruned, FileName::Base(1)),
];

/// The bit of the first byte that requests correct checksums.
pub(crate) const RESEAL: u8 = 0x80;

/// Which file (1) ‖ its bytes; the other files of the store are intact.
pub fn node_store(data: &[u8]) -> Verdict {
    let Some((&which, bytes)) = data.split_first() else { return Verdict::Refused };
    let Some(&(image, file)) = FILES.get(usize::from(which & !RESEAL)) else { return Verdict::Refused };
    let resealed = which & RESEAL != 0;
    let files = image().files.copy();
    files.set(file, if resealed { reseal(file, bytes) } else { bytes.to_vec() });
    let Ok(store) = Store::open_on(files, layout()) else { return Verdict::Refused };
    let sound = ask(&store);
    assert!(resealed || blocks(&store, 6) == image().blocks, "blocks that are not the chain's");
    assert!(resealed || sound, "a store that opens and is incomplete");
    let ledger = Ledger::over(store, MempoolLimits::default());
    Verdict::of(ledger.is_ok_and(|l| !l.opened().set_aside && l.double_seals().is_ok()))
}

/// Queries everything in a store once and returns whether all queries succeeded.
fn ask(store: &Store) -> bool {
    let headers = (0..=store.tip().height.get().min(20)).map(Height::new);
    let headers = headers.map(|h| store.header(h).is_ok() && store.sealed_header(h).is_ok());
    let (unspent, kernels) = (store.all_unspent().map(|u| u.is_ok()), store.kernels().map(|k| k.is_ok()));
    store.check_log().is_ok() & headers.chain(unspent).chain(kernels).fold(true, |all, one| all & one)
}

/// The bytes with every checksum corrected.
fn reseal(file: FileName, bytes: &[u8]) -> Vec<u8> {
    match file {
        FileName::Head => checked("sotto/node-head/v1", &[], bytes),
        FileName::Mempool => reseal_pool(bytes),
        FileName::Evidence => checked("sotto/node-evidence/v1", &[], bytes),
        FileName::Segment(number) => reseal_segment(number, bytes),
        FileName::Base(_) => snapshots::reseal(bytes),
        _ => bytes.to_vec(),
    }
}

const CHECK: usize = 32;
/// Bytes of a segment's header and of a record's frame, checksums included (docs/FORMATS.md).
const HEADER: usize = 41 + CHECK;
const FRAME: usize = 20 + CHECK;

fn reseal_segment(number: u32, bytes: &[u8]) -> Vec<u8> {
    let Some((header, mut rest)) = bytes.split_at_checked(HEADER) else { return bytes.to_vec() };
    let mut out = checked("sotto/node-segment/v1", &[], header);
    while let Some(length) = rest.get(4..12).and_then(|n| n.first_chunk()) {
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX).saturating_add(FRAME);
        let Some((record, later)) = rest.split_at_checked(length) else { break };
        let id = world().test_chain.chain().id().as_bytes();
        let place = [&id[..], &number.to_le_bytes(), &(out.len() as u64).to_le_bytes()].concat();
        out.extend(checked("sotto/node-record/v1", &place, record));
        rest = later;
    }
    out.extend_from_slice(rest);
    out
}

/// Bytes of the pool's header, and around a transaction, checksums included (docs/FORMATS.md).
const POOL_HEADER: usize = 33 + CHECK;
const ENTRY_FRAME: usize = 8 + CHECK;

fn reseal_pool(bytes: &[u8]) -> Vec<u8> {
    let tag = "sotto/node-pool/v1";
    let Some((header, mut rest)) = bytes.split_at_checked(POOL_HEADER) else { return bytes.to_vec() };
    let mut out = checked(tag, &[], header);
    while let Some(length) = rest.first_chunk() {
        let length = (u32::from_le_bytes(*length) as usize).saturating_add(ENTRY_FRAME);
        let Some((entry, later)) = rest.split_at_checked(length) else { break };
        let id = world().test_chain.chain().id().as_bytes();
        out.extend(checked(tag, &[&id[..], &(out.len() as u64).to_le_bytes()].concat(), entry));
        rest = later;
    }
    out.extend_from_slice(rest);
    out
}

/// The bytes with the last 32 replaced by the checksum of the rest.
pub(crate) fn checked(tag: &str, place: &[u8], bytes: &[u8]) -> Vec<u8> {
    let Some((content, _)) = bytes.split_last_chunk::<CHECK>() else { return bytes.to_vec() };
    [content, tagged(tag, &[place, content]).as_bytes()].concat()
}

/// Whether to correct the checksum (1: its last bit) ‖ an operator's key file. A key must have one file.
pub fn node_operator(data: &[u8]) -> Verdict {
    let Some((&which, bytes)) = data.split_first() else { return Verdict::Refused };
    let sealed = checked("sotto/node-operator/v1", &[], bytes);
    let bytes = if which & 1 == 1 { &sealed[..] } else { bytes };
    let folder = Scratch::new();
    let Ok(key) = operator::read(&folder.file("key", bytes)) else { return Verdict::Refused };
    let again = folder.path("again");
    operator::write(&again, &key).expect("room for a key");
    assert!(std::fs::read(&again).expect("the key just written") == bytes, "two files of one key");
    Verdict::Accepted
}
