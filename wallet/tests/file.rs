//! The wallet file: truncated, altered, opened twice, or opened with a wrong passphrase.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Folder, Ledger};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_keys::passphrase::KdfError;
use sotto_wallet::{
    Wallet,
    backup::{Backup, BackupLoss},
    coin_selection::{Decision, Recipient},
    edge::file::{KdfCost, WalletFile},
    keys::{Account, Words},
    nonce_vault::Installation,
    store::{Store, StoreError},
};
use std::{fs, path::Path};

const COST: KdfCost = KdfCost::INSECURE_FAST;

fn filled(path: &Path) {
    let mut file = WalletFile::create(path, b"open sesame", COST).unwrap();
    file.replace(b"first").unwrap();
    file.replace(b"the contents").unwrap();
}

fn open(path: &Path) -> Result<WalletFile, StoreError> {
    WalletFile::open(path, b"open sesame")
}

#[test]
fn keeps_what_it_is_given() {
    let folder = Folder::new();
    filled(&folder.file());
    let mut file = open(&folder.file()).unwrap();
    assert_eq!(**file.load().unwrap(), *b"the contents");
    file.replace(b"").unwrap();
    assert!(file.load().unwrap().is_empty());
    file.replace(&vec![7; 1 << 20]).unwrap();
    drop(file);
    assert_eq!(open(&folder.file()).unwrap().load().unwrap().len(), 1 << 20);
    // What was written since it was opened, also if nothing was loaded in between.
    let mut file = open(&folder.file()).unwrap();
    file.replace(b"later").unwrap();
    assert_eq!(**file.load().unwrap(), *b"later");
    drop(file);
    // Only the file and its lock remain.
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2);
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    filled(&folder.file());
    let mode = |name: &str| fs::metadata(folder.0.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("wallet"), mode("wallet.lock")), (0o600, 0o600));
}

#[test]
fn two_writes_share_no_bytes_behind_the_salt() {
    let folder = Folder::new();
    let mut file = WalletFile::create(&folder.file(), b"p", COST).unwrap();
    file.replace(&[0; 64]).unwrap();
    let first = fs::read(folder.file()).unwrap();
    file.replace(&[0; 64]).unwrap();
    let second = fs::read(folder.file()).unwrap();
    assert_eq!(first[..37], second[..37]);
    assert!(first[37..61] != second[37..61] && first[69..] != second[69..]);
}

#[test]
fn a_wrong_passphrase_opens_nothing() {
    let folder = Folder::new();
    filled(&folder.file());
    for wrong in [&b""[..], b"open sesam", b"open sesame ", b"Open sesame"] {
        assert!(matches!(WalletFile::open(&folder.file(), wrong), Err(StoreError::Passphrase)));
    }
    let mut file = open(&folder.file()).unwrap();
    file.change_passphrase(b"new", COST).unwrap();
    assert_eq!(**file.load().unwrap(), *b"the contents");
    drop(file);
    assert!(matches!(open(&folder.file()), Err(StoreError::Passphrase)));
    assert!(WalletFile::open(&folder.file(), b"new").is_ok());
}

/// Cut off at any byte: a clear error, and the file is not touched.
#[test]
fn a_file_cut_off_anywhere_is_named() {
    let folder = Folder::new();
    filled(&folder.file());
    let whole = fs::read(folder.file()).unwrap();
    for n in 0..whole.len() {
        fs::write(folder.file(), &whole[..n]).unwrap();
        match open(&folder.file()).unwrap_err() {
            StoreError::NotAWallet => assert_eq!(n, 0),
            StoreError::CutOff { found, .. } => assert_eq!(found, n as u64),
            e => panic!("{n}: {e}"),
        }
        assert_eq!(fs::read(folder.file()).unwrap(), whole[..n]);
    }
    fs::write(folder.file(), [&whole[..], b"x"].concat()).unwrap();
    assert!(matches!(open(&folder.file()), Err(StoreError::TooLong { .. })));
}

#[test]
fn a_file_altered_anywhere_is_refused() {
    let folder = Folder::new();
    filled(&folder.file());
    let whole = fs::read(folder.file()).unwrap();
    for n in 0..whole.len() {
        // The lowest bit, so that the cost of the key derivation stays small.
        let mut bad = whole.clone();
        bad[n] ^= 1;
        fs::write(folder.file(), &bad).unwrap();
        let error = open(&folder.file()).unwrap_err();
        let expected = match n {
            0..8 => matches!(error, StoreError::NotAWallet),
            8 => matches!(error, StoreError::Version { found: 0, reads: 1 }),
            9..21 => matches!(error, StoreError::Passphrase | StoreError::Kdf(KdfError::Cost)),
            61..69 => matches!(error, StoreError::CutOff { .. } | StoreError::TooLong { .. }),
            _ => matches!(error, StoreError::Passphrase),
        };
        assert!(expected, "{n}: {error}");
    }
}

/// Four gigabytes of memory, a billion passes: refused before any memory is allocated.
#[test]
fn an_absurd_key_derivation_is_not_run() {
    let folder = Folder::new();
    filled(&folder.file());
    let whole = fs::read(folder.file()).unwrap();
    for at in [9, 13, 17] {
        let mut bad = whole.clone();
        bad[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        fs::write(folder.file(), &bad).unwrap();
        assert!(matches!(open(&folder.file()), Err(StoreError::Kdf(KdfError::Cost))));
    }
}

#[test]
fn one_process_at_a_time() {
    let folder = Folder::new();
    filled(&folder.file());
    let held = open(&folder.file()).unwrap();
    assert!(matches!(open(&folder.file()), Err(StoreError::InUse { .. })));
    assert!(matches!(WalletFile::create(&folder.file(), b"p", COST), Err(StoreError::InUse { .. })));
    drop(held);
    assert!(open(&folder.file()).is_ok());
}

/// A link to a wallet is that wallet: one lock, and a write goes where the link leads.
#[cfg(unix)]
#[test]
fn a_link_leads_to_the_wallet() {
    let folder = Folder::new();
    filled(&folder.file());
    fs::create_dir(folder.0.join("elsewhere")).unwrap();
    let link = folder.0.join("elsewhere/link");
    std::os::unix::fs::symlink(folder.file(), &link).unwrap();
    let mut held = open(&link).unwrap();
    assert!(matches!(open(&folder.file()), Err(StoreError::InUse { .. })));
    held.replace(b"more").unwrap();
    drop(held);
    assert_eq!(**open(&folder.file()).unwrap().load().unwrap(), *b"more");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn a_wallet_is_never_overwritten_and_never_conjured() {
    let folder = Folder::new();
    assert!(matches!(open(&folder.file()), Err(StoreError::Io { .. })));
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
    filled(&folder.file());
    assert!(matches!(WalletFile::create(&folder.file(), b"p", COST), Err(StoreError::Io { .. })));
    assert_eq!(**open(&folder.file()).unwrap().load().unwrap(), *b"the contents");
    fs::write(
        folder.0.join("other"),
        b"something else entirely, and long enough to hold a header, one would think",
    )
    .unwrap();
    assert!(matches!(open(&folder.0.join("other")), Err(StoreError::NotAWallet)));
    assert!(WalletFile::create(&folder.0.join("no/such/folder"), b"p", COST).is_err());
}

/// A crash between writing and renaming leaves half a file beside the good one.
#[test]
fn half_a_write_does_no_harm() {
    let folder = Folder::new();
    filled(&folder.file());
    fs::write(folder.0.join("wallet.new"), b"half").unwrap();
    let mut file = open(&folder.file()).unwrap();
    assert_eq!(**file.load().unwrap(), *b"the contents");
    file.replace(b"more").unwrap();
    assert_eq!(**file.load().unwrap(), *b"more");
    assert!(!folder.0.join("wallet.new").exists());
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_leaves_the_old_file() {
    let folder = Folder::new();
    filled(&folder.file());
    let mut file = open(&folder.file()).unwrap();
    // A folder occupies the path of the temporary file.
    fs::create_dir(folder.0.join("wallet.new")).unwrap();
    assert!(matches!(file.replace(b"more"), Err(StoreError::Io { .. })));
    assert!(matches!(file.change_passphrase(b"new", COST), Err(StoreError::Io { .. })));
    fs::remove_dir(folder.0.join("wallet.new")).unwrap();
    assert_eq!(**file.load().unwrap(), *b"the contents");
    file.replace(b"more").unwrap();
    drop(file);
    assert_eq!(**open(&folder.file()).unwrap().load().unwrap(), *b"more");
}

#[test]
fn a_whole_wallet_lives_in_it() {
    let folder = Folder::new();
    let chain = Ledger::new().chain;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (words, installation) = (Words::generate(&mut rng).unwrap(), Installation::in_memory([1; 32]));
    let file = WalletFile::create(&folder.file(), b"open sesame", KdfCost::STANDARD).unwrap();
    let made = Wallet::create(file, chain, words.clone(), installation.clone()).unwrap();
    let address = made.address(Account(0)).unwrap();
    drop(made);
    let opened = Wallet::open(open(&folder.file()).unwrap(), installation).unwrap();
    assert_eq!(opened.address(Account(0)).unwrap(), address);
    assert_eq!(*opened.words().phrase(), *words.phrase());
    // The file contains neither the seed nor the words in the clear.
    let bytes = fs::read(folder.file()).unwrap();
    let word = words.phrase().split(' ').next().unwrap().to_owned();
    assert!(!bytes.windows(word.len()).any(|w| w == word.as_bytes()));
}

/// A backup opens without a lock, is not overwritten, and the drill reports what a return to it would lose.
#[test]
fn a_backup_is_rehearsed() {
    let (mut ledger, folder) = (Ledger::new(), Folder::new());
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let words = Words::generate(&mut rng).unwrap();
    let file = WalletFile::create(&folder.file(), b"open sesame", COST).unwrap();
    let installation = Installation::in_memory([1; 32]);
    let mut wallet = Wallet::create(file, ledger.chain.clone(), words, installation).unwrap();
    let to = folder.0.join("backup");
    wallet.store().back_up(&to).unwrap();
    assert!(matches!(wallet.store().back_up(&to), Err(StoreError::Io { action: "create", .. })));
    let read = |phrase: &[u8]| WalletFile::read_backup(&to, phrase);
    assert!(matches!(read(b"open sesam"), Err(StoreError::Passphrase)));
    let backup = Backup::read(&read(b"open sesame").unwrap()).unwrap();
    assert_eq!(wallet.loss(&backup), Some(BackupLoss { blocks: 0, payments: 0, accounts: 0 }));
    wallet.add_account("rent").unwrap();
    let mut payer = ledger.wallet(3);
    ledger.grow(&payer.wallet, 3);
    payer.scan(&ledger);
    wallet.scan(&ledger, &mut |_, _| {}).unwrap();
    let mut request = payer.request(1_000, &payer);
    request.payees[0].recipient = Recipient::Interactive(wallet.address(Account(0)).unwrap());
    let plan = payer.wallet.plan(request).unwrap().confirm(|_| Decision::Yes).unwrap();
    let invite = payer.begin(plan).unwrap();
    wallet.respond(Account(0), &invite, &mut rng).unwrap();
    assert_eq!(wallet.loss(&backup), Some(BackupLoss { blocks: 3, payments: 1, accounts: 1 }));
    assert_eq!(payer.wallet.loss(&backup), None, "of other words");
    let bytes = fs::read(&to).unwrap();
    fs::write(&to, &bytes[..bytes.len() - 1]).unwrap();
    assert!(matches!(read(b"open sesame"), Err(StoreError::CutOff { .. })));
}
