//! The disk itself: the lock, the key file, files that are refused.

use crate::test_chain::{Dir, TestChain};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_node::{
    edge::{
        operator::{self, KeyFileError},
        saved_files::{SavedFile, SavedFiles},
    },
    effect::FileWrite,
    ledger::{Ledger, LedgerError},
    seal::OperatorKey,
    storage::{Store, StoreError},
};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

/// Set in the process that tries to open a store which is in use.
const SECOND: &str = "SOTTO_TEST_STORE_IN_USE";

#[test]
fn a_second_process_is_refused() {
    if let Ok(dir) = std::env::var(SECOND) {
        let found = Store::open(dir.as_ref()).unwrap_err();
        assert!(matches!(found, StoreError::Locked { .. }), "{found}");
        return;
    }
    let (dir, test_chain) = (Dir::new(), TestChain::new(60));
    let first = Ledger::create(dir.path(), test_chain.chain.params().clone()).unwrap();
    let second = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "edges::a_second_process_is_refused"])
        .env(SECOND, dir.path())
        .output()
        .unwrap();
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stdout));
    assert!(String::from_utf8_lossy(&second.stdout).contains("1 passed"));
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Locked { .. })));
    drop(first);
    Store::open(dir.path()).unwrap();
}

#[test]
fn what_is_not_there_or_there_already() {
    let (dir, test_chain) = (Dir::new(), TestChain::new(61));
    let absent = |r: Result<Ledger, _>| matches!(r, Err(LedgerError::Store(StoreError::Absent { .. })));
    assert!(absent(Ledger::open(dir.path())));
    assert!(absent(Ledger::open(&dir.path().join("nowhere"))));
    let chain = dir.path().join("a").join("b");
    drop(Ledger::create(&chain, test_chain.chain.params().clone()).unwrap());
    let again = Ledger::create(&chain, test_chain.chain.params().clone());
    assert!(matches!(again, Err(LedgerError::Store(StoreError::Exists))));
    assert_eq!(Ledger::open(&chain).unwrap().chain(), &test_chain.chain);
}

/// Set in the process whose umask takes nothing away.
const OPEN_HANDED: &str = "SOTTO_TEST_OPEN_UMASK";

#[test]
fn a_chains_files_are_its_owners_alone() {
    if let Ok(dir) = std::env::var(OPEN_HANDED) {
        let (chain, mut test_chain) = (Path::new(&dir).join("a").join("b"), TestChain::new(63));
        let mut ledger = Ledger::create(&chain, test_chain.chain.params().clone()).unwrap();
        ledger.connect(test_chain.mine().get().block.clone()).unwrap();
        ledger.undo().unwrap();
        ledger.prune().unwrap();
        return;
    }
    let dir = Dir::new();
    let made = Command::new("sh")
        .args(["-c", "umask 000; exec \"$0\" --exact edges::a_chains_files_are_its_owners_alone"])
        .arg(std::env::current_exe().unwrap())
        .env(OPEN_HANDED, dir.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (a, b) = (dir.path().join("a"), dir.path().join("a").join("b"));
    assert_eq!((mode(&a), mode(&b)), (0o700, 0o700));
    let files: Vec<_> = fs::read_dir(b).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect();
    assert!(files.len() > 3, "{files:?}");
    files.iter().for_each(|f| assert_eq!(mode(f), 0o600, "{}", f.display()));
}

#[test]
fn the_operators_key_stays_private() {
    let dir = Dir::new();
    let path = dir.path().join("operator");
    let key = OperatorKey::generate(&mut ChaCha20Rng::seed_from_u64(62));
    assert_eq!(format!("{key:?}"), "OperatorKey(…)");
    operator::write(&path, &key).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(operator::read(&path).unwrap().public(), key.public());
    assert!(matches!(operator::write(&path, &key), Err(KeyFileError::Exists { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(operator::read(&path), Err(KeyFileError::Exposed { mode: 0o640, .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(operator::read(&path), Err(KeyFileError::Damaged { .. })));
        fs::write(&path, &whole[..at]).unwrap();
        assert!(matches!(operator::read(&path), Err(KeyFileError::Damaged { .. })));
    }
    fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
    assert!(matches!(operator::read(&path), Err(KeyFileError::Damaged { .. })));
    assert!(matches!(operator::read(&dir.path().join("none")), Err(KeyFileError::Io { .. })));
}

/// A saved file grows by what is appended, and one that is too long is refused: to read a part of it would lose the
/// rest without a word.
#[test]
fn a_saved_file_is_read_whole_or_refused() {
    let dir = Dir::new();
    let files = SavedFiles::open(dir.path()).unwrap();
    let name = SavedFile::LocalTxs;
    assert_eq!(files.read(name).unwrap(), None);
    let more = |at: u64| FileWrite::Append { at, bytes: b"more".to_vec() };
    assert!(files.write(name, &more(1)).is_err(), "there is nothing to append to");
    files.write(name, &more(0)).unwrap();
    assert_eq!(files.read(name).unwrap().unwrap(), b"more", "the first write makes it");
    files.write(name, &FileWrite::Replace(b"first".to_vec())).unwrap();
    files.write(name, &more(5)).unwrap();
    files.write(name, &more(5)).unwrap();
    assert_eq!(files.read(name).unwrap().unwrap(), b"firstmore", "what a failed write left is overwritten");
    assert!(files.write(name, &more(10)).is_err(), "no gap");
    let path = dir.path().join("local_txs");
    let grow = |bytes: u64| fs::File::options().write(true).open(&path).unwrap().set_len(bytes).unwrap();
    // As long as it may become: twice what is held, and a mempool's file.
    grow(320 << 20);
    assert_eq!(files.read(name).unwrap().unwrap().len(), 320 << 20);
    grow((512 << 20) + 1);
    assert!(files.read(name).unwrap_err().to_string().contains("local_txs is longer"));
}
