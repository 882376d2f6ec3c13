//! Old wallet files, copies and crashes under the same installation: no session is closed twice.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Folder, Person, two};
use sotto_mw::{
    codec::Encode,
    hash::Hash,
    session::{Role, SessionId},
};
use sotto_wallet::{
    WalletError,
    edge::installation,
    nonce_vault::Installation,
    slate::SlateError,
    store::{MemoryRegister, SessionRegister, StoreError},
};
use std::{fs, io, sync::Barrier};
use zeroize::Zeroizing;

fn refusal<T>(r: Result<T, WalletError>) -> SlateError {
    match r {
        Err(WalletError::Slate(e)) => e,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("accepted"),
    }
}

/// An earlier version of the wallet file under the same installation, or a copy of it under another name.
fn put_back(p: &Person) -> Person {
    p.copy(p.installation.clone())
}

#[test]
fn an_old_wallet_file_signs_what_was_signed_or_nothing() {
    let (_, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let mut twin = put_back(&b);
    let (first, second) = (b.respond(&invite).unwrap(), twin.respond(&invite).unwrap());
    let mut old = put_back(&a);
    let t = a.finalize(&first).unwrap();
    // Signing another response with the same nonces would reveal the key.
    assert_eq!(refusal(old.finalize(&second)), SlateError::AnsweredTwice);
    // A payment that has left cannot be cancelled, even by a wallet file that does not contain it.
    assert!(matches!(refusal(old.wallet.cancel(&invite.session)), SlateError::HasLeft { .. }));
    assert!(old.balance()[3] > 0);
    let again = old.finalize(&first).unwrap();
    assert_eq!(again.get().to_bytes(), t.get().to_bytes());
}

#[test]
fn an_old_wallet_file_does_not_bring_a_cancelled_payment_back() {
    let (_, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    let mut old = put_back(&a);
    a.wallet.cancel(&invite.session).unwrap();
    assert_eq!(refusal(old.finalize(&response)), SlateError::Cancelled);
    old.wallet.cancel(&invite.session).unwrap();
    assert_eq!(old.balance(), a.balance());
}

/// The register is written first: if the wallet file cannot be written, only the same response can be
/// repeated.
#[test]
fn a_crash_between_register_and_wallet_is_finished_later() {
    let (_, mut a, mut b) = two();
    let invite = a.invite(1_000, &b);
    let mut twin = put_back(&b);
    let (first, second) = (b.respond(&invite).unwrap(), twin.respond(&invite).unwrap());
    a.wallet.store().full.set(true);
    assert!(matches!(a.finalize(&first), Err(WalletError::Store(_))));
    a.wallet.store().full.set(false);
    assert_eq!(refusal(a.finalize(&second)), SlateError::AnsweredTwice);
    assert!(matches!(refusal(a.wallet.cancel(&invite.session)), SlateError::HasLeft { .. }));
    assert!(a.finalize(&first).is_ok());
}

/// A register that cannot be written.
struct Full;

impl SessionRegister for Full {
    fn close(&self, _: &SessionId, _: Role, _: &Hash) -> Result<Hash, StoreError> {
        let source = io::Error::from(io::ErrorKind::StorageFull);
        Err(StoreError::Io { action: "write", path: "test".into(), source })
    }
}

#[test]
fn nothing_is_signed_that_the_register_does_not_hold() {
    let (_, a, mut b) = two();
    let key = || Zeroizing::new([5; 32]);
    let mut a = a.copy(Installation::new(key(), Full));
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    assert!(matches!(a.finalize(&response), Err(WalletError::Store(StoreError::Io { .. }))));
    assert!(matches!(a.wallet.cancel(&invite.session), Err(WalletError::Store(StoreError::Io { .. }))));
    let mut a = a.copy(Installation::new(key(), MemoryRegister::default()));
    assert!(a.finalize(&response).is_ok());
}

const ON: [Hash; 3] = [Hash::ZERO, Hash::from_bytes([1; 32]), Hash::from_bytes([2; 32])];
const SESSION: SessionId = SessionId([7; 32]);

#[test]
fn the_folder_remembers_as_the_memory_does() {
    let folder = Folder::new();
    for first in ON {
        let (memory, dir) = (MemoryRegister::default(), folder.0.join(first.to_string()));
        for on in [first, ON[0], ON[1], ON[2]] {
            // Opened again each time, as if the process ended after each step.
            let disk = installation::open(&dir).unwrap();
            assert_eq!(disk.close(&SESSION, Role::Inviter, &on).unwrap(), first);
            assert_eq!(memory.close(&SESSION, Role::Inviter, &on).unwrap(), first);
        }
        let other = installation::open(&dir).unwrap();
        assert_eq!(other.close(&SessionId([8; 32]), Role::Inviter, &ON[2]).unwrap(), ON[2]);
        // One key, the register, two sessions, and no temporary files.
        let names = |d: &std::path::Path| fs::read_dir(d).unwrap().count();
        assert_eq!((names(&dir), names(&dir.join("closed"))), (2, 2));
    }
}

/// The other party chooses the identifier of a session that is answered here: answering it must leave a session
/// of one's own with the same identifier open. What an earlier version closed stays closed in both roles.
#[test]
fn a_session_is_closed_in_each_role_by_itself() {
    let folder = Folder::new();
    let (disk, memory) = (installation::open(&folder.0).unwrap(), MemoryRegister::default());
    for (role, on) in [(Role::Responder, ON[1]), (Role::Inviter, ON[2]), (Role::Responder, ON[1])] {
        assert_eq!(disk.close(&SESSION, role, &on).unwrap(), on);
        assert_eq!(memory.close(&SESSION, role, &on).unwrap(), on);
    }
    let before = SessionId([9; 32]);
    let closed = folder.0.join("closed");
    let of = |s: &SessionId, role| format!("{}-{role}", Hash::from_bytes(s.0));
    let name = Hash::from_bytes(before.0).to_string();
    fs::copy(closed.join(of(&SESSION, Role::Responder)), closed.join(name)).unwrap();
    for role in [Role::Inviter, Role::Responder] {
        assert_eq!(disk.close(&before, role, &ON[2]).unwrap(), ON[1]);
    }
}

#[test]
fn of_many_at_once_one_is_first() {
    let folder = Folder::new();
    for round in 0..20 {
        let (session, barrier) = (SessionId([round; 32]), Barrier::new(8));
        let found: Vec<Hash> = std::thread::scope(|s| {
            let close = |n: u8| {
                let disk = installation::open(&folder.0).unwrap();
                barrier.wait();
                disk.close(&session, Role::Inviter, &Hash::from_bytes([n; 32])).unwrap()
            };
            let threads: Vec<_> = (0..8).map(|n| s.spawn(move || close(n))).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(found.iter().all(|f| *f == found[0]), "{found:?}");
    }
}

#[test]
fn the_folders_key_opens_what_it_sealed() {
    let folder = Folder::new();
    let (_, a, mut b) = two();
    let mut a = a.copy(installation::open(&folder.0).unwrap());
    let invite = a.invite(1_000, &b);
    let response = b.respond(&invite).unwrap();
    let mut a = a.copy(installation::open(&folder.0).unwrap());
    assert!(a.finalize(&response).is_ok());
}

/// A damaged file is an error: the key is not replaced, and no session is opened again.
#[test]
fn damage_is_refused() {
    let folder = Folder::new();
    installation::open(&folder.0).unwrap().close(&SESSION, Role::Inviter, &ON[1]).unwrap();
    let closed = folder.0.join("closed").join(format!("{}-inviter", "07".repeat(32)));
    let key = folder.0.join("installation.key");
    for path in [&closed, &key] {
        let whole = fs::read(path).unwrap();
        let longer = [&whole[..], &[0]].concat();
        let mut later = whole.clone();
        later[whole.len() - 33] = 2;
        for bad in [&[][..], &whole[..whole.len() - 1], &longer, &later] {
            fs::write(path, bad).unwrap();
            let answer = installation::open(&folder.0).and_then(|i| i.close(&SESSION, Role::Inviter, &ON[2]));
            assert!(matches!(answer, Err(StoreError::Installation { .. })), "{path:?} {bad:?}");
            assert_eq!(fs::read(path).unwrap(), bad);
        }
        fs::write(path, whole).unwrap();
    }
    assert_eq!(installation::open(&folder.0).unwrap().close(&SESSION, Role::Inviter, &ON[2]).unwrap(), ON[1]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let dir = folder.0.join("state");
    installation::open(&dir).unwrap().close(&SESSION, Role::Inviter, &ON[1]).unwrap();
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
    let session = format!("closed/{}-inviter", "07".repeat(32));
    let modes = [mode(""), mode("closed"), mode("installation.key"), mode(&session)];
    assert_eq!(modes, [0o700, 0o700, 0o600, 0o600]);
    fs::set_permissions(dir.join("installation.key"), PermissionsExt::from_mode(0o640)).unwrap();
    assert!(matches!(installation::open(&dir), Err(StoreError::Exposed { mode: 0o640, .. })));
}
