//! Files on a disk that say anything: the store opens and tells the truth, or says that it is damaged.
//!
//! Checksums keep blind changes from the decoders behind them, so a target can also have them made right: then the files
//! are such as somebody with access may write, and only panics and memory matter.

use crate::{
    Verdict,
    fixtures::{chain::world, scratch::Scratch},
};
use mw::{block::Block, hash::tagged, state::ChainView, testing::Toy};
use node::{
    edge::{
        operator,
        store::{FileName, IndexPlace, Layout, Memory, Store},
    },
    engine::pool::PoolLimits,
    ledger::Ledger,
};
use std::sync::LazyLock;

/// The files that an input may replace, by the low bits of its first byte.
pub(crate) const FILES: [FileName; 4] =
    [FileName::Genesis, FileName::Head, FileName::Segment(0), FileName::Pool];

/// The bit of the first byte that asks for right checksums.
pub(crate) const RESEAL: u8 = 0x80;

fn layout() -> Layout {
    Layout { index: IndexPlace::Temporary, segment_bytes: 1 << 20 }
}

/// The files of a chain of the world's first blocks, with its payment in the pool.
pub(crate) fn image() -> &'static Memory {
    static IMAGE: LazyLock<Memory> = LazyLock::new(|| {
        let files = Memory::new();
        let chain = world().toy.chain();
        let mut store =
            Store::create_on(files.clone(), layout(), chain.params().clone()).expect("a new store");
        let mut toy = Toy::new(7);
        assert!(toy.chain() == chain);
        for block in world().toy.blocks() {
            store.apply(&toy.judge(block).expect("a block that fits")).expect("files in memory");
            toy.connect(block).expect("a block that fits");
        }
        let mut ledger = Ledger::over(store, PoolLimits::default()).expect("no pool yet");
        ledger.submit(world().payment.clone()).expect("a payment that fits");
        files
    });
    &IMAGE
}

/// Which file (1) ‖ its bytes, among the sound files of a chain.
pub fn node_store(data: &[u8]) -> Verdict {
    let Some((&which, bytes)) = data.split_first() else { return Verdict::Refused };
    let Some(&file) = FILES.get(usize::from(which & !RESEAL)) else { return Verdict::Refused };
    let resealed = which & RESEAL != 0;
    let files = image().copy();
    files.set(file, if resealed { reseal(file, bytes) } else { bytes.to_vec() });
    let Ok(store) = Store::open_on(files, layout()) else { return Verdict::Refused };
    let blocks = world().toy.blocks();
    let served = read(&store, (blocks.len() as u64).max(store.tip().height.get().min(20)));
    assert!(resealed || served == blocks, "blocks that are not the chain's");
    assert!(resealed || store.check_log().is_ok() && store.all_unspent().all(|u| u.is_ok()));
    Verdict::of(Ledger::over(store, PoolLimits::default()).is_ok_and(|l| !l.opened().set_aside))
}

/// All blocks up to this height that the store serves, and every other question once.
fn read(store: &Store<Memory>, height: u64) -> Vec<Block> {
    let _ = (store.check_log(), store.all_unspent().count(), store.kernels().count());
    let heights = (1..=height).map(mw::amount::Height::new);
    heights.filter_map(|h| store.block(h).ok().flatten()).collect()
}

/// The bytes with every checksum that belongs where one stands.
fn reseal(file: FileName, bytes: &[u8]) -> Vec<u8> {
    match file {
        FileName::Head => checked("sotto/node-head/v1", &[], bytes),
        FileName::Pool => checked("sotto/node-pool/v1", &[], bytes),
        FileName::Segment(_) => reseal_segment(bytes),
        _ => bytes.to_vec(),
    }
}

const CHECK: usize = 32;
/// Bytes of a segment's header and of a record's frame, checksums included (docs/FORMATS.md).
const HEADER: usize = 41 + CHECK;
const FRAME: usize = 20 + CHECK;

fn reseal_segment(bytes: &[u8]) -> Vec<u8> {
    let Some((header, mut rest)) = bytes.split_at_checked(HEADER) else { return bytes.to_vec() };
    let mut out = checked("sotto/node-segment/v1", &[], header);
    while let Some(length) = rest.get(4..12).and_then(|n| n.first_chunk()) {
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX).saturating_add(FRAME);
        let Some((record, later)) = rest.split_at_checked(length) else { break };
        let id = world().toy.chain().id().as_bytes();
        let place = [&id[..], &[0; 4], &(out.len() as u64).to_le_bytes()].concat();
        out.extend(checked("sotto/node-record/v1", &place, record));
        rest = later;
    }
    out.extend_from_slice(rest);
    out
}

/// The bytes with their last 32 replaced by the checksum of those before.
fn checked(tag: &str, place: &[u8], bytes: &[u8]) -> Vec<u8> {
    let Some((content, _)) = bytes.split_last_chunk::<CHECK>() else { return bytes.to_vec() };
    [content, tagged(tag, &[place, content]).as_bytes()].concat()
}

/// Whether the checksum is made right (1: its last bit) ‖ an operator's key file; a key has one file.
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
