//! One bit flips in every byte of every file of a small store, pruned and with a log: no wrong answer is ever
//! served.

use crate::test_chain::{TestChain, temporary};
use sotto_mw::amount::Height;
use sotto_node::{
    ledger::{Ledger, LedgerError, audit::audit, mempool::MempoolLimits},
    seal::SealedHeader,
    storage::{FileName, Files, Memory, Store, StoreError},
};

/// Two pruned blocks in a base, and a log of a block, another that was undone, and its double: with genesis
/// and head, and the evidence of the double seal, every kind of file that the truth is in.
fn small() -> (TestChain, Memory, Ledger) {
    let mut test_chain = TestChain::with(130, |p| p.reorganisation = 1);
    let files = Memory::new();
    let store = Store::create_on(files.clone(), temporary(), test_chain.chain.params().clone()).unwrap();
    let mut ledger = Ledger::over(store, MempoolLimits::default()).unwrap();
    for _ in 0..3 {
        ledger.connect(test_chain.mine().get().block.clone()).unwrap();
    }
    ledger.prune().unwrap();
    ledger.undo().unwrap();
    test_chain.undo();
    ledger.connect(test_chain.mine().get().block.clone()).unwrap();
    assert_eq!(ledger.double_seals().unwrap().len(), 1);
    (test_chain, files, ledger)
}

/// Calls `found` with one bit flipped in each byte of a file.
fn each_flip(files: &Memory, name: FileName, mut found: impl FnMut(usize)) {
    let whole = files.bytes(name).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        files.set(name, bytes);
        found(at);
    }
    files.set(name, whole);
}

fn log_and_base(files: &Memory) -> Vec<FileName> {
    let segments = files.segments().unwrap().into_iter().map(FileName::Segment);
    segments.chain(files.bases().unwrap().into_iter().map(FileName::Base)).collect()
}

/// Damage beneath a store that is open: each answer is the right one or an error, and both checks name the
/// file.
#[test]
fn a_running_store_serves_nothing_that_is_damaged() {
    let (test_chain, files, ledger) = small();
    let store = ledger.store();
    let export = || {
        let mut out = Vec::new();
        store.export(Height::new(3), 2, &mut out, |_, _| {}).map(|_| out)
    };
    let whole = export().unwrap();
    let names = log_and_base(&files);
    assert_eq!(names.len(), 2, "{names:?}");
    for name in names {
        let mut refused = 0;
        each_flip(&files, name, |at| {
            for (b, h) in test_chain.blocks.iter().zip(1..).map(|(b, h)| (&b.get().block, Height::new(h))) {
                let header = store.header(h);
                assert!(header.map_or(true, |found| found.as_ref() == Some(&b.header)), "{name} {at}");
                assert!(
                    store.block(h).is_err() || store.block(h).unwrap().as_ref() == Some(b),
                    "{name} {at}"
                );
                let sealed = store.sealed_header(h);
                refused += usize::from(sealed.is_err());
                assert!(sealed.is_err() || sealed.unwrap() == Some(SealedHeader::of(b)), "{name} {at}");
            }
            assert!(export().map_or(true, |bytes| bytes == whole), "{name} {at}");
            let damaged = |e| matches!(e, StoreError::Damaged { file, .. } if file == name);
            assert!(store.check_log().is_err_and(damaged), "{name} {at}");
            assert!(audit(store, |_, _| {}).is_err());
        });
        assert!(refused > 200, "{name}: {refused}");
    }
    test_chain.agrees(store);
}

/// Damage found when the store opens without an index: the file is named, whatever byte it is.
#[test]
fn a_damaged_store_does_not_open() {
    let (test_chain, files, ledger) = small();
    drop(ledger);
    let opened = || Store::open_on(files.clone(), temporary());
    for name in [FileName::Genesis, FileName::Head].into_iter().chain(log_and_base(&files)) {
        each_flip(&files, name, |at| {
            // Of log and base, which are long, every seventh byte: the other test reads them all.
            if at % 7 == 0 || matches!(name, FileName::Genesis | FileName::Head) {
                let found = opened().unwrap_err();
                assert!(
                    matches!(found, StoreError::Damaged { file, .. } if file == name),
                    "{name} {at}: {found}"
                );
            }
        });
    }
    each_flip(&files, FileName::Evidence, |at| {
        let found = Ledger::over(opened().unwrap(), MempoolLimits::default()).unwrap_err();
        let named = matches!(found, LedgerError::Store(StoreError::Damaged { file: FileName::Evidence, .. }));
        assert!(named, "evidence {at}: {found}");
    });
    test_chain.agrees(&opened().unwrap());
}
