//! The files about evidence that verbs read, each bounded, each with an error that names it; and hashes and times as people
//! write them.

use crate::{
    bridge::{now, read_text},
    exit::{Code, ErrorCode, Failure, Outcome},
    new_file::{Existing, NewFile, Readers},
};
use sotto_tee::collateral::MAX_COLLATERAL;
use sotto_tee::{Collateral, Digest, Policy, Revoked, Seen, policy_file};
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

/// Size limit of a file that people write, and of one with numbers.
const MAX_SMALL: u64 = 1 << 16;
/// The name of the file of what is revoked, beside the policies.
const REVOKED: &str = "revoked.toml";

/// Reads bytes; a file that is longer than `most` is one byte longer here.
pub(crate) fn read_bytes(path: &Path, most: usize) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|e| {
        Failure::coded(ErrorCode::CannotRead, format!("cannot read {}", path.display()))
            .why(e)
            .help("check the path and its permissions")
    })?;
    Ok(bytes)
}

/// Reads collateral; without a file there is none.
pub(crate) fn read_collateral(path: Option<&PathBuf>) -> Outcome<Collateral> {
    let Some(path) = path else { return Ok(Collateral::nothing()) };
    Collateral::parse(&read_bytes(path, MAX_COLLATERAL)?).map_err(|e| {
        Failure::coded(ErrorCode::InvalidEvidence, format!("{} is not collateral", path.display()))
            .why(e)
            .help("docs/ATTESTATION.md says how to download collateral")
    })
}

/// Reads a policy, and its text.
pub(crate) fn read_policy(path: &Path) -> Outcome<(Policy, String)> {
    let text = read_text(path, MAX_SMALL)?;
    let policy = policy_file::read(&text).map_err(|e| {
        Failure::coded(ErrorCode::InvalidPolicy, format!("invalid policy {}", path.display()))
            .why(e)
            .help("docs/ATTESTATION.md explains the entries of a policy")
    })?;
    Ok((policy, text))
}

/// The file of what is revoked in a folder.
pub(crate) fn revoked_in(folder: &Path) -> PathBuf {
    folder.join(REVOKED)
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What is revoked beside a policy; a file that cannot be read is an error, one that is not there is empty.
pub(crate) fn read_revoked(folder: &Path) -> Outcome<Revoked> {
    let path = revoked_in(folder);
    if !path.try_exists().unwrap_or(true) {
        return Ok(Revoked::default());
    }
    Revoked::parse(&read_text(&path, MAX_SMALL)?).map_err(|e| {
        Failure::coded(ErrorCode::InvalidPolicy, format!("invalid file {}", path.display()))
            .why(e)
            .help("correct the line: nothing is appraised while it cannot be read")
    })
}

/// Writes what is revoked over an older file of the same kind.
pub(crate) fn write_revoked(folder: &Path, revoked: &Revoked) -> Outcome {
    let existing = Existing::Own(|bytes| parsed(bytes, |text| Revoked::parse(text).is_ok()));
    let file = NewFile { path: &revoked_in(folder), readers: Readers::Anybody, existing };
    file.write_all(revoked.to_text().as_bytes())
}

/// The highest numbers seen; a new file is empty.
pub(crate) fn read_seen(path: Option<&PathBuf>) -> Outcome<Seen> {
    match path.filter(|path| path.try_exists().unwrap_or(true)) {
        None => Ok(Seen::default()),
        Some(path) => Seen::parse(&read_text(path, MAX_SMALL)?).map_err(|e| {
            Failure::refused(format!("{} is not a file of numbers of collateral", path.display())).why(e)
        }),
    }
}

/// Writes the highest numbers over an older file of the same kind.
pub(crate) fn write_seen(path: &Path, seen: &Seen) -> Outcome {
    let existing = Existing::Own(|bytes| parsed(bytes, |text| Seen::parse(text).is_ok()));
    NewFile { path, readers: Readers::Anybody, existing }.write_all(seen.to_text().as_bytes())
}

fn parsed(bytes: &[u8], of: impl Fn(&str) -> bool) -> bool {
    core::str::from_utf8(bytes).is_ok_and(of)
}

/// A hash of 64 digits.
pub(crate) fn digest(option: &str, text: &str) -> Outcome<Digest> {
    Digest::from_hex(text).ok_or_else(|| {
        Failure::new(Code::Usage, format!("invalid {option}: expected 64 lower-case hexadecimal digits"))
    })
}

/// A time: `now`, seconds since 1970, or a date with its zone.
pub(crate) fn time(text: &str) -> Outcome<u64> {
    if text == "now" {
        return Ok(now());
    }
    let date = |text: &str| u64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_second()).ok();
    text.parse().ok().or_else(|| date(text)).ok_or_else(|| {
        Failure::new(Code::Usage, format!("invalid time `{text}`")).help(
            "use `now`, a date such as 2026-11-29T12:00:00Z, or seconds since 1970; `receipt` is for bundles",
        )
    })
}
