//! The public types of each library, held against those who use them.
//!
//! A public type is named by another crate, or by the library's own page, examples or integration tests. What
//! is only met as the value of another type's function or field has an entry in `layers.toml`
//! (`met_as_values`); errors need none. Everything else is `pub(crate)`.

use crate::sources;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    met_as_values: BTreeSet<String>,
}

/// Endings of the names of errors and of their parts.
const ERRORS: [&str; 4] = ["Error", "ErrorKind", "Fault", "Failure"];

/// Every public type without a user, and every entry of one that has users or does not exist, a line each.
pub(crate) fn faults(root: &Path, libraries: &[&str]) -> Vec<String> {
    let table = fs::read_to_string(root.join("cli/tests/architecture/layers.toml")).unwrap();
    let table: BTreeMap<String, Entry> = toml::from_str(&table).unwrap();
    libraries.iter().flat_map(|library| faults_of(root, library, &table[*library].met_as_values)).collect()
}

fn faults_of(root: &Path, library: &str, met_as_values: &BTreeSet<String>) -> Vec<String> {
    let shipped = root.join(library).join("src");
    let types: BTreeSet<String> = sources(&shipped).iter().flat_map(|file| public_types(file)).collect();
    let page = root.join(library).join("README.md");
    let crates = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let crates = crates.filter(|folder| folder.join("Cargo.toml").exists());
    let others = crates.flat_map(|folder| sources(&folder)).filter(|file| !file.starts_with(&shipped));
    let named: BTreeSet<String> = others.chain([page]).flat_map(|file| words(&file)).collect();
    let is_error = |name: &str| ERRORS.iter().any(|end| name.ends_with(end));
    let unused: BTreeSet<&String> = types.difference(&named).filter(|name| !is_error(name)).collect();
    let idle = unused.iter().filter(|name| !met_as_values.contains(**name));
    let idle = idle.map(|name| format!("{library}: the public type `{name}` has no user"));
    let gone = met_as_values.iter().filter(|name| !unused.contains(name));
    let gone = gone.map(|name| format!("{library}: `{name}` needs no entry in `met_as_values`"));
    idle.chain(gone).collect()
}

/// The types that a file declares as public, tests excepted.
fn public_types(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let name = |line: &str| {
        let rest = line.trim_start().strip_prefix("pub ")?;
        let kinds = ["struct ", "enum ", "trait ", "type ", "union "];
        let rest = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
        Some(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
    };
    code.lines().filter_map(name).collect()
}

fn words(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect()
}
