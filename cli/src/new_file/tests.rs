//! What a writer leaves as it was, whatever is at the path; and that no verb writes without being tried.

use super::*;
use crate::{args::Color, config::Setting};
use std::os::unix::fs::symlink;

fn config(folder: &Path) -> Config {
    let setting = |name: &str| Setting { value: folder.join(name), origin: "flag" };
    let color = Setting { value: Color::Auto, origin: "flag" };
    let relocation = Setting { value: crate::config::Relocation::Never, origin: "flag" };
    let lock_wait = crate::lock_wait::LockWait::new(core::time::Duration::ZERO, true);
    let listen = Default::default();
    Config { color, relocation, dir: setting("data"), state: setting("state"), lock_wait, listen }
}

/// Every name in the folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_file_is_whole_or_absent_and_private_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result");
    let file = NewFile { path: &path, readers: Readers::Owner, existing: Existing::Never };
    let broken = file.write(|out| -> Outcome {
        out.write_all(b"half")?;
        Err(Failure::refused("broken"))
    });
    assert!(broken.is_err());
    assert!(names(folder.path()).is_empty(), "nothing stays behind");
    file.write_all(b"whole").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"whole");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(folder.path()), ["result"]);
}

#[test]
fn what_is_there_stays_without_force() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("result"), folder.path().join("other"));
    let (part, link) = (folder.path().join("result.part"), folder.path().join("link"));
    for file in [&path, &part, &other] {
        fs::write(file, "mine").unwrap();
    }
    symlink(&other, &link).unwrap();
    symlink(folder.path().join("nowhere"), folder.path().join("dangling")).unwrap();
    let before = names(folder.path());
    let of = |path, existing| NewFile { path, readers: Readers::Anybody, existing };
    for existing in [Existing::Never, Existing::Same, Existing::Own(|b| b.starts_with(b"ours"))] {
        for path in [&path, &link] {
            assert!(of(path, existing).write_all(b"new").is_err(), "{existing:?}");
        }
    }
    let dangling = folder.path().join("dangling");
    assert!(of(&dangling, Existing::Never).write_all(b"new").is_err(), "a link to nothing is a file");
    assert!(of(&path, Existing::Never).check().is_err());
    assert!(of(folder.path(), Existing::Never).check().is_err(), "a folder");
    for file in [&path, &part, &other] {
        assert_eq!(fs::read(file).unwrap(), b"mine");
    }
    assert_eq!(names(folder.path()), before);
    of(&path, Existing::Same).write_all(b"mine").unwrap();
    of(&path, Existing::Own(|b| b == b"mine")).write_all(b"ours").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"ours");
    assert_eq!(names(folder.path()), before);
}

/// Another process takes the name while the file is being written.
#[test]
fn a_file_that_appears_meanwhile_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result");
    let file = NewFile { path: &path, readers: Readers::Anybody, existing: Existing::Never };
    let late = file.write(|out| -> Outcome {
        fs::write(&path, "mine")?;
        Ok(out.write_all(b"new")?)
    });
    assert!(late.is_err());
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    // The link itself refuses, too.
    fs::write(folder.path().join("from"), "new").unwrap();
    let linked = link_new(&folder.path().join("from"), &path);
    assert_eq!(linked.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
}

#[test]
fn force_replaces_a_file_and_a_link_but_not_its_target() {
    let folder = tempfile::tempdir().unwrap();
    let (other, link) = (folder.path().join("other"), folder.path().join("link"));
    fs::write(&other, "mine").unwrap();
    symlink(&other, &link).unwrap();
    let config = config(folder.path());
    NewFile::public(&link, true, &config).write_all(b"new").unwrap();
    assert_eq!(fs::read(&other).unwrap(), b"mine");
    assert_eq!(fs::read(&link).unwrap(), b"new");
    NewFile::public(&other, true, &config).write_all(b"new").unwrap();
    assert_eq!(fs::read(&other).unwrap(), b"new");
    assert_eq!(names(folder.path()), ["link", "other"]);
}

#[test]
fn force_spares_the_files_of_the_project() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let guarded = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let refused = NewFile::public(&path, true, &config).write_all(b"new").is_err();
        assert_eq!(fs::read(&path).unwrap() == bytes, refused, "{name}");
        refused
    };
    for (beginning, kind) in [
        (&b"SOTTOWLT..."[..], "wallet"),
        (b"SOTTOKEY", "installation"),
        (b"SKEY\x01", "operator"),
        (b"SLOG\x01", "log"),
        (b"SARR\x01", "arriving"),
        (b"sottosecret1qq", "node"),
        (b"sotto-secret-1:00", "party"),
        (b"\n sotto-party-1:00", "public"),
        (b"ssottoview1q", "view"),
        (b"-----BEGIN PRIVATE KEY-----", "pem"),
    ] {
        assert!(guarded(kind, beginning), "{kind}");
    }
    assert!(guarded(
        "words",
        "abandon ".repeat(23).as_bytes().iter().chain(b"art\n").copied().collect::<Vec<_>>().as_slice()
    ));
    for name in [
        "data/chain/head",
        "data/wallets/a.lock",
        "data/node/rpc.token",
        "data/listen/a/rpc.token",
        "data/jobs/f/budget",
        "state/x",
    ] {
        assert!(guarded(name, b"anything"), "{name}");
    }
    for (name, text) in
        [("picture.svg", "<svg>"), ("old.snapshot", "SNAP\x01"), ("page.1", ".TH"), ("empty", "")]
    {
        assert!(!guarded(name, text.as_bytes()), "{name}");
    }
}

#[test]
fn a_device_is_written_to() {
    let config = config(Path::new("/nowhere"));
    NewFile::public(Path::new("/dev/null"), true, &config).write_all(b"gone").unwrap();
    NewFile { path: Path::new("/dev/null"), readers: Readers::Owner, existing: Existing::Never }
        .write_all(b"gone")
        .unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

/// The arguments of a verb and of all verbs below that name a file or a folder.
fn paths(command: &clap::Command, verb: &str, into: &mut Vec<(String, String)>) {
    for argument in command.get_arguments() {
        let is_path = argument.get_value_parser().type_id() == std::any::TypeId::of::<PathBuf>();
        let names = argument.get_value_names().unwrap_or_default();
        let is_named =
            names.iter().any(|name| ["FILE", "DIR", "FOLDER"].iter().any(|part| name.contains(part)));
        if is_path || is_named {
            into.push((verb.to_owned(), argument.get_id().to_string()));
        }
    }
    for below in command.get_subcommands() {
        paths(below, format!("{verb} {}", below.get_name()).trim_start(), into);
    }
}

/// An argument that names a file is in the table that `tests/writers.rs` tries out, or this fails.
#[test]
fn every_path_on_the_command_line_is_in_the_table_of_writers() {
    let mut declared = Vec::new();
    paths(&<crate::args::Cli as clap::CommandFactory>::command(), "", &mut declared);
    declared.sort();
    declared.dedup();
    let lines = include_str!("../../tests/data/paths.txt").lines().filter(|line| !line.starts_with('#'));
    let mut table: Vec<(String, String)> = lines
        .map(|line| line.split('|').map(str::trim))
        .map(|mut cells| (cells.next().unwrap().to_owned(), cells.next().unwrap().to_owned()))
        .filter(|(_, argument)| argument != "-")
        .collect();
    table.sort();
    table.dedup();
    let missing: Vec<_> = declared.iter().filter(|path| !table.contains(path)).collect();
    let unknown: Vec<_> = table.iter().filter(|path| !declared.contains(path)).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "not in the table: {missing:?}; not declared: {unknown:?}"
    );
}
