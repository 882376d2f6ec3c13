//! The layers inside each crate (`layers.toml`), held against its imports.

use crate::imports::{Crate, Module, circles};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The layers of one crate, the lowest first; a module belongs to the entry with the longest matching prefix.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layers {
    layers: Vec<Vec<String>>,
    #[serde(default)]
    circles: Vec<Exception>,
}

/// A circle that is harmless, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    files: BTreeSet<String>,
    reason: String,
}

impl Layers {
    /// The layer of a module, counted from the lowest.
    fn of(&self, module: &str) -> Option<usize> {
        let entries = self.layers.iter().enumerate().flat_map(|(i, l)| l.iter().map(move |e| (i, e)));
        let matching = entries.filter(|(_, e)| {
            module.strip_prefix(e.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        });
        matching.max_by_key(|(_, e)| e.len()).map(|(i, _)| i)
    }
}

fn name(module: &Module) -> String {
    module.join("::")
}

/// Everything in `folder` that breaks its layers, a line each.
fn faults(root: &Path, folder: &str, layers: &Layers) -> Vec<String> {
    let read = Crate::read(&root.join(folder).join("src"));
    let mut faults = Vec::new();
    // The root only declares, re-exports and starts.
    let files: Vec<String> = read.files().iter().filter(|f| !f.is_empty()).map(name).collect();
    let homeless = files.iter().filter(|f| layers.of(f).is_none());
    faults.extend(homeless.map(|f| format!("{folder}: `{f}` is in no layer")));
    let entries = layers.layers.iter().flatten();
    let empty = entries.filter(|e| !files.iter().any(|f| f == *e || f.starts_with(&format!("{e}::"))));
    faults.extend(empty.map(|e| format!("{folder}: layer entry `{e}` names no module")));
    let imports: BTreeSet<_> = read.imports().into_iter().filter(|(from, _)| !from.is_empty()).collect();
    for (from, to) in imports.iter().map(|(from, to)| (name(from), name(to))) {
        if layers.of(&from).zip(layers.of(&to)).is_some_and(|(from, to)| to > from) {
            faults.push(format!("{folder}: `{from}` imports upward, from `{to}`"));
        }
    }
    let found: Vec<BTreeSet<String>> =
        circles(&imports).into_iter().map(|c| c.iter().map(name).collect()).collect();
    let known = |c: &&BTreeSet<String>| layers.circles.iter().any(|e| e.files == **c && !e.reason.is_empty());
    faults.extend(found.iter().filter(|c| !known(c)).map(|c| format!("{folder}: circle {c:?}")));
    let gone = layers.circles.iter().filter(|e| !found.contains(&e.files));
    faults.extend(gone.map(|e| format!("{folder}: the excepted circle {:?} is not there", e.files)));
    faults
}

fn table(root: &Path) -> BTreeMap<String, Layers> {
    let text = std::fs::read_to_string(root.join("cli/tests/architecture/layers.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// Everything in the workspace that breaks its layers.
pub fn all_faults(root: &Path) -> Vec<String> {
    table(root).iter().flat_map(|(folder, layers)| faults(root, folder, layers)).collect()
}

/// The crates that have layers.
pub fn crates(root: &Path) -> BTreeSet<String> {
    table(root).into_keys().collect()
}
