//! Folders that cannot be written, and folders whose chain is damaged and can be fetched again.

use crate::test_chain::{Dir, TestChain};
use sotto_node::{
    edge::recovery::{RecoveryError, begin_again, is_damage},
    ledger::{Ledger, LedgerError},
    storage::StoreError,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Every file below a folder: its bytes, and when it was written.
fn contents(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            all.extend(contents(&entry.path()));
        } else {
            let written = entry.metadata().unwrap().modified().unwrap();
            all.insert(entry.path(), (fs::read(entry.path()).unwrap(), written));
        }
    }
    all
}

/// A chain of some blocks with a pending payment, in a folder.
fn grown(seed: u64, dir: &Path) -> TestChain {
    let mut test_chain = TestChain::new(seed);
    let mut ledger = Ledger::create(dir, test_chain.chain.params().clone()).unwrap();
    for _ in 0..8 {
        ledger.connect(test_chain.mine().get().block.clone()).unwrap();
    }
    let coins = test_chain.spendable();
    ledger.submit(test_chain.pay(&coins[..1], 2, 0)).unwrap();
    test_chain
}

/// Whatever opening would repair is repaired in memory: the folder stays as it is, byte for byte.
#[test]
fn a_chain_that_is_only_read_is_not_written() {
    let dir = Dir::new();
    let chain = dir.path().join("chain");
    let mut test_chain = grown(70, &chain);
    // A block that was never acknowledged, a torn entry of the mempool, and what a crash left over.
    let append = |name: &str, bytes: &[u8]| {
        let mut all = fs::read(chain.join(name)).unwrap_or_default();
        all.extend(bytes);
        fs::write(chain.join(name), all).unwrap();
    };
    append("log-00000000", b"torn");
    append("mempool", b"torn");
    append("base-draft", b"left over");
    let before = contents(dir.path());
    {
        let mut ledger = Ledger::open_read_only(&chain).unwrap();
        assert_eq!((ledger.tip().height.get(), ledger.store().opened().cut), (8, 4));
        assert_eq!(ledger.mempool().len(), 1);
        test_chain.agrees(ledger.store());
        ledger.audit(|_, _| ()).unwrap();
        // Others may read, and none may write.
        drop(Ledger::open_read_only(&chain).unwrap());
        assert!(matches!(Ledger::open(&chain), Err(LedgerError::Store(StoreError::Locked { .. }))));
        // Nothing can be acknowledged that is not on disk.
        let coins = test_chain.spendable();
        let refused =
            |e: Result<(), LedgerError>| matches!(e, Err(LedgerError::Store(e)) if e.is_unwritable());
        assert!(refused(ledger.submit(test_chain.pay(&coins[1..2], 2, 0)).map(drop)));
        assert!(refused(ledger.connect(test_chain.mine().get().block.clone()).map(drop)));
    }
    assert!(contents(dir.path()) == before, "the folder was written");
    // While another writes, nothing is read.
    let writer = Ledger::open(&chain).unwrap();
    let locked = Ledger::open_read_only(&chain);
    assert!(matches!(locked, Err(LedgerError::Store(StoreError::Locked { .. }))));
    drop(writer);
    fs::remove_file(chain.join("lock")).unwrap();
    Ledger::open_read_only(&chain).unwrap();
    assert!(!chain.join("lock").exists());
    assert!(Ledger::open_read_only(&dir.path().join("nowhere")).is_err());
}

/// A damaged copy is moved aside whole, with what was pending, and an empty one of the same chain is in its
/// place.
#[test]
fn a_damaged_copy_gives_way_to_an_empty_one() {
    let dir = Dir::new();
    let chain = dir.path().join("chain");
    let test_chain = grown(71, &chain);
    let mempool = fs::read(chain.join("mempool")).unwrap();
    for n in 1..3 {
        let head = chain.join("head");
        let mut bytes = fs::read(&head).unwrap();
        bytes[40] ^= 1;
        fs::write(&head, &bytes).unwrap();
        let before = contents(&chain).into_values().map(|(bytes, _)| bytes).collect::<Vec<_>>();
        assert!(is_damage(&Ledger::open(&chain).unwrap_err()));
        let again = begin_again(&chain).unwrap();
        assert_eq!((again.ledger.chain(), again.ledger.tip().height.get()), (&test_chain.chain, 0));
        assert_eq!(again.aside, dir.path().join(format!("chain.damaged-{n}")));
        assert_eq!(contents(&again.aside).into_values().map(|(bytes, _)| bytes).collect::<Vec<_>>(), before);
        assert_eq!(again.mempool.is_some_and(|found| found == mempool), n == 1);
    }
    // Without the parameters it is unknown which chain to fetch.
    fs::write(chain.join("genesis"), b"damaged").unwrap();
    assert!(is_damage(&Ledger::open(&chain).unwrap_err()));
    assert!(matches!(begin_again(&chain), Err(RecoveryError::Genesis { .. })));
    assert!(chain.join("genesis").exists(), "it stays where it was");
    // A lock or a missing folder does not count as damage.
    assert!(!is_damage(&Ledger::open(&dir.path().join("nowhere")).unwrap_err()));
}
