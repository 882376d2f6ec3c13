//! The project's own files, which no writer replaces: by their first bytes, or by the folder that they are in.
//!
//! | found by | files |
//! |---|---|
//! | first bytes | wallets and backups, keys of operator, installation, node and parties, view keys, seed words, PEM keys, bundles of evidence, lists of what is revoked, a chain's parameters and log |
//! | the folder | everything else in the folders of a chain, of wallets, of a node, of jobs, of listening wallets and of the installation: index, head, locks, tokens, budgets |
//!
//! What can be made again (a snapshot, a drawing, a page, a slate) is not guarded.

use crate::config::Config;
use sotto_node::storage::{GENESIS_MAX, read_genesis};
use sotto_wallet::keys::Words;
use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};
use zeroize::Zeroizing;

/// How much of a file is looked at.
const LOOK: u64 = 1 << 14;

/// How a file of this kind begins, and the kind.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"SOTTOWLT", "a wallet or its backup"),
    (b"SOTTOSHR", "a share of a key"),
    (b"BEGIN SOTTO KEYS", "a draft, a group or letters of `sotto keys`"),
    (b"sotto-installation-1:", "the key of an installation"),
    (b"SOTTOKEY", "the key of an installation"),
    (b"SKEY", "an operator's key"),
    (b"SLOG", "a log of blocks"),
    (b"SARR", "a snapshot that is arriving"),
    (b"sottosecret1", "the key of a node"),
    (b"sotto-secret-1:", "the secret key of a party"),
    (b"sotto-party-1:", "the public key of a party"),
    (b"sottoview1", "a view key"),
    (b"tsottoview1", "a view key"),
    (b"ssottoview1", "a view key"),
    (b"-----BEGIN", "a certificate or its key"),
    (b"sotto evidence bundle v1", "a bundle of evidence"),
    (b"# Refused in every appraisal", "the list of revocations"),
];

/// Folders of a data folder that hold nothing but the project's files.
const FOLDERS: [&str; 5] = ["chain", "wallets", "node", "jobs", "listen"];

/// The kind of a file that must not be replaced; `None` for any other.
///
/// # Errors
/// If the file cannot be read: then it is not known what it is.
pub(super) fn guarded(path: &Path, config: &Config) -> io::Result<Option<&'static str>> {
    if let Some(kind) = by_folder(path, config) {
        return Ok(Some(kind));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    match File::open(path) {
        // A link to nothing.
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?.take(LOOK).read_to_end(&mut bytes)?,
    };
    Ok(by_content(&bytes))
}

fn by_content(bytes: &[u8]) -> Option<&'static str> {
    let begins = |(beginning, _): &&(&[u8], &str)| bytes.trim_ascii_start().starts_with(beginning);
    if let Some((_, kind)) = BEGINNINGS.iter().find(begins) {
        return Some(kind);
    }
    if read_genesis(bytes).is_ok() {
        return Some("the parameters of a chain");
    }
    let text = core::str::from_utf8(bytes).ok()?;
    Words::parse(text).is_ok().then_some("the seed words of a wallet")
}

fn by_folder(path: &Path, config: &Config) -> Option<&'static str> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(folder).ok()?;
    let data = &config.dir.value;
    let ours = FOLDERS.map(|name| data.join(name)).into_iter().chain([config.state.value.clone()]);
    let inside = |root: &Path| fs::canonicalize(root).is_ok_and(|root| folder.starts_with(root));
    if ours.into_iter().any(|root| inside(&root)) {
        return Some("in a folder of this program");
    }
    // A folder of another chain or installation than the one in force.
    folder.ancestors().find_map(|above| {
        let data = FOLDERS.iter().any(|name| folder.starts_with(above.join(name)));
        if is_genesis(&above.join("genesis")) || data && is_genesis(&above.join("chain/genesis")) {
            return Some("in a folder of a chain");
        }
        above.join("installation.key").exists().then_some("in the folder of an installation")
    })
}

fn is_genesis(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(GENESIS_MAX + 1).read_to_end(&mut bytes));
    read.is_ok() && read_genesis(&bytes).is_ok()
}
