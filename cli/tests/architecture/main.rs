//! The architecture (docs/ARCHITECTURE.md), held against manifests and sources: which crate may import which,
//! the layers inside each crate, and what a core must not touch.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod imports;
mod layers;
mod public;
mod signatures;

use std::{collections::BTreeMap, fs, path::Path};

const LIBRARIES: &[&str] =
    &["mw", "mpc", "party", "keys", "tee", "jobs", "audit", "dandelion", "wallet", "node", "link"];

/// What may import anything.
const ALL: &[&str] =
    &["mw", "mpc", "party", "keys", "tee", "jobs", "audit", "dandelion", "wallet", "node", "link", "vectors"];

/// Folder → our packages that it may depend on. `vectors` may be a dev-dependency of all; `benches` and
/// `fuzz` may import anything and are imported by none.
const ALLOWED: &[(&str, &[&str])] = &[
    ("mw", &[]),
    ("mpc", &[]),
    ("party", &[]),
    ("keys", &["party"]),
    ("tee", &["party"]),
    ("jobs", &["mpc", "party", "tee", "link"]),
    ("audit", &["mw", "party"]),
    ("dandelion", &[]),
    ("link", &[]),
    ("wallet", &["mw", "keys", "party", "audit"]),
    ("node", &["mw", "dandelion", "link", "party", "keys", "audit"]),
    ("cli", &["mw", "mpc", "party", "keys", "tee", "jobs", "audit", "dandelion", "wallet", "node", "link"]),
    ("vectors", &[]),
    ("benches", ALL),
    ("fuzz", ALL),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace holds this crate")
}

fn manifest(folder: &str) -> toml::Table {
    fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap().parse().unwrap()
}

fn names(manifest: &toml::Table, section: &str) -> Vec<String> {
    manifest.get(section).and_then(|d| d.as_table()).map(|d| d.keys().cloned().collect()).unwrap_or_default()
}

/// The folders by package name, from the workspace's own list.
fn ours() -> BTreeMap<String, String> {
    let members = manifest(".")["workspace"]["members"].as_array().unwrap().clone();
    let folder = |m: &toml::Value| m.as_str().unwrap().to_owned();
    members
        .iter()
        .map(folder)
        .map(|f| (manifest(&f)["package"]["name"].as_str().unwrap().to_owned(), f))
        .collect()
}

/// Our packages in `section` of `folder` that `allowed` does not name.
fn forbidden(folder: &str, section: &str, allowed: &[&str]) -> Vec<String> {
    let (ours, own) = (ours(), manifest(folder)["package"]["name"].as_str().unwrap().to_owned());
    let strange = |d: &String| ours.get(d).is_some_and(|f| *d != own && !allowed.contains(&f.as_str()));
    names(&manifest(folder), section).into_iter().filter(strange).collect()
}

#[test]
fn every_crate_imports_only_what_the_table_allows() {
    let mut folders: Vec<String> = ours().into_values().collect();
    let mut table: Vec<&str> = ALLOWED.iter().map(|(f, _)| *f).collect();
    folders.sort_unstable();
    table.sort_unstable();
    assert_eq!(folders, table, "each member of the workspace has a row in the table");
    for (folder, allowed) in ALLOWED {
        assert_eq!(forbidden(folder, "dependencies", allowed), [""; 0], "imports of {folder}");
        assert_eq!(forbidden(folder, "build-dependencies", allowed), [""; 0], "build imports of {folder}");
        let in_tests = [allowed, &["vectors"][..]].concat();
        assert_eq!(forbidden(folder, "dev-dependencies", &in_tests), [""; 0], "test imports of {folder}");
    }
}

/// A file of shipped code holds one idea: above 500 lines it holds several. `mod.rs` is not used.
#[test]
fn files_are_short() {
    for file in ALLOWED.iter().flat_map(|(f, _)| sources(&root().join(f))) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 500, "{} has {lines} lines", file.display());
        let tests = file.components().any(|c| c.as_os_str() == "tests");
        assert!(tests || !file.ends_with("mod.rs"), "{}: name it after its module", file.display());
    }
}

#[test]
fn every_dependency_says_why() {
    for folder in ours().values() {
        let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let mut inside = false;
        for (i, line) in lines.iter().enumerate() {
            if line.starts_with('[') {
                inside = line.ends_with("dependencies]");
            } else if inside && line.contains('=') && !line.starts_with([' ', '#']) {
                assert!(lines[i - 1].starts_with('#'), "{folder}: `{line}` has no line of reason above it");
            }
        }
    }
}

#[test]
fn imports_inside_each_crate_go_downward_and_in_no_circle() {
    let table = layers::Table::read(root());
    let faults = table.faults(root());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let without: Vec<&&str> = LIBRARIES.iter().chain(&["cli"]).filter(|f| !table.contains(f)).collect();
    assert!(without.is_empty(), "crates without layers: {without:?}");
}

#[test]
fn every_public_type_has_a_user() {
    let faults = public::faults(root(), LIBRARIES, public::EXCEPTIONS);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn public_functions_take_no_tuples() {
    let with_tuples = |library: &&str| signatures::with_tuples(root(), library);
    let faults: Vec<String> = LIBRARIES.iter().flat_map(with_tuples).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn roots_hold_few_types_and_no_code() {
    let faults: Vec<String> =
        LIBRARIES.iter().flat_map(|library| public::root_faults(root(), library)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Law 1: the cores hold no file, socket, clock, environment or hidden random source.
#[test]
fn cores_are_arithmetic_on_values() {
    // Tests in files of their own are no part of the core either.
    const EDGES: &[&str] = &["/edge", "/backend", "/tests/", "/tests.rs"];
    const OUTSIDE: &[&str] = &[
        "std::fs",
        "std::net",
        "std::env",
        "SystemTime",
        "Instant::now",
        "thread::sleep",
        "OsRng",
        "thread_rng",
    ];
    for file in LIBRARIES.iter().flat_map(|f| sources(&root().join(f).join("src"))) {
        let path = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        if EDGES.iter().any(|e| path.contains(e)) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in OUTSIDE {
            let used = code.lines().any(|l| l.contains(word) && !l.trim_start().starts_with("//"));
            assert!(!used, "{path} uses {word}, which belongs to an edge");
        }
    }
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}
