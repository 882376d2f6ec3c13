//! The public types of each library, held against those who use them.
//!
//! A public type is named by another crate, or by the library's own page, examples or integration tests. What
//! is only met as the value of another type's function or field has an entry in `layers.toml`
//! (`met_as_values`); errors need none. Everything else is `pub(crate)`.

use crate::{layers::met_as_values, sources};
use std::{collections::BTreeSet, fs, path::Path};

/// Endings of the names of errors and of their parts.
const ERRORS: [&str; 4] = ["Error", "ErrorKind", "Fault", "Failure"];

/// Every public type without a user, and every entry of one that has users or does not exist, a line each.
pub(crate) fn faults(root: &Path, libraries: &[&str]) -> Vec<String> {
    libraries.iter().flat_map(|library| faults_of(root, library, &met_as_values(root, library))).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_without_a_user_and_idle_entries_are_found() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let own = "pub struct Used; pub(crate) struct Inner;\npub enum Idle {}\npub type Value = u8;\n\
                   pub struct BadError;\n#[cfg(test)]\npub struct InTests;";
        write("it/src/lib.rs", own);
        write("it/README.md", "");
        write("it/Cargo.toml", "");
        write("other/Cargo.toml", "");
        write("other/src/lib.rs", "use it::Used;");
        let faults = |entries: &[&str]| {
            faults_of(root.path(), "it", &entries.iter().map(|name| (*name).to_owned()).collect())
        };
        assert_eq!(faults(&["Value"]), ["it: the public type `Idle` has no user"]);
        let of_value = "it: the public type `Value` has no user";
        assert_eq!(faults(&["Idle", "Used"]), [of_value, "it: `Used` needs no entry in `met_as_values`"]);
    }
}
