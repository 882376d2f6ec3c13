//! The layers inside each crate (`layers.toml`), held against its imports.
//!
//! ```text
//! layers = [["codec"], ["engine", "engine::sync"], ["edge"]]      the lowest first
//! ```
//!
//! A fault is a module in no layer, an entry without a module, an import from a higher layer, a circle of files
//! that import each other (unless it is excepted, with a reason), and a type whose methods are in more than
//! three files. Test code may import anything. Not found: what a macro of another crate imports.

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

/// In how many files a type may have its own methods.
const MOST_FILES_WITH_METHODS: usize = 3;

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
    let spread = read.methods().into_iter().filter(|(_, files)| files.len() > MOST_FILES_WITH_METHODS);
    faults.extend(spread.map(|((home, name), files)| {
        format!("{folder}: `{name}` of `{}` has methods in {} files", home.join("::"), files.len())
    }));
    let gone = layers.circles.iter().filter(|e| !found.contains(&e.files));
    faults.extend(gone.map(|e| format!("{folder}: the excepted circle {:?} is not there", e.files)));
    faults
}

/// The layers of each crate.
pub(crate) struct Table(BTreeMap<String, Layers>);

impl Table {
    pub(crate) fn read(root: &Path) -> Self {
        let text = std::fs::read_to_string(root.join("cli/tests/architecture/layers.toml")).unwrap();
        Self(toml::from_str(&text).unwrap())
    }

    /// Everything in the workspace that breaks its layers.
    pub(crate) fn faults(&self, root: &Path) -> Vec<String> {
        self.0.iter().flat_map(|(folder, layers)| faults(root, folder, layers)).collect()
    }

    /// Whether a crate has layers.
    pub(crate) fn contains(&self, folder: &str) -> bool {
        self.0.contains_key(folder)
    }
}

/// Crates of a few files, read as the real ones are.
#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: &str = "layers = [['low'], ['high', 'high::child']]";

    /// What breaks `layers` in a crate with these files.
    fn faults_in(files: &[(&str, &str)], layers: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = root.path().join("it/src").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        faults(root.path(), "it", &toml::from_str(layers).unwrap())
    }

    fn with(low: &str, high: &str, child: &str) -> Vec<String> {
        let root = "mod low; mod high; pub use high::child::Deep; pub use low::Low;";
        let files = [("lib.rs", root), ("low.rs", low), ("high.rs", high), ("high/child.rs", child)];
        faults_in(&files, LAYERS)
    }

    fn passes(faults: &[String]) {
        assert!(faults.is_empty(), "{faults:?}");
    }

    #[test]
    fn imports_downward_pass() {
        let child = "use crate::low::Low; pub struct Deep(Low);";
        passes(&with("pub struct Low;", "pub mod child; use child::Deep; pub struct High(Deep);", child));
    }

    #[test]
    fn imports_upward_are_found_however_they_are_written() {
        let high = "pub mod child; pub use child::Deep as Other;";
        for low in [
            "use crate::high::child::Deep; pub struct Low(Deep);",
            "use crate::Deep; pub struct Low(Deep);",
            "use crate::high::Other; pub struct Low(Other);",
            "use super::{high::{child}}; pub struct Low(child::Deep);",
            "pub struct Low(crate::high::child::Deep);",
            "pub struct Low; impl Low { fn new() -> Self { use crate::Deep; let _ = Deep; Self } }",
            "pub struct Low; fn f() { println!(\"{:?}\", crate::high::child::Deep); }",
        ] {
            assert_eq!(
                with(low, high, "pub struct Deep;"),
                ["it: `low` imports upward, from `high::child`"],
                "{low}"
            );
        }
    }

    #[test]
    fn test_code_may_import_anything() {
        let low = "pub struct Low; #[cfg(test)] mod tests { use crate::Deep; } #[cfg(test)] use crate::Deep;";
        passes(&with(low, "pub mod child;", "pub struct Deep;"));
    }

    /// A visibility names a module and imports nothing from it; what is re-exported with one is imported from
    /// where it is declared.
    #[test]
    fn visibilities_are_no_imports() {
        let child = "pub(super) struct Deep; pub(in crate::high) fn f() {} pub(crate) use crate::low::Low;";
        let high = "mod child; pub(super) use child::Deep; pub struct High(Deep);";
        let files = [
            ("lib.rs", "mod low; mod high;"),
            ("low.rs", "pub struct Low;"),
            ("high.rs", high),
            ("high/child.rs", child),
        ];
        passes(&faults_in(&files, LAYERS));
        let low = [("low.rs", "pub struct Low; use crate::high::Deep;")];
        let files = [&[files[0]][..], &low, &files[2..]].concat();
        assert_eq!(faults_in(&files, LAYERS)[0], "it: `low` imports upward, from `high::child`");
    }

    /// A file of tests is declared with `#[cfg(test)]`; it may import anything, and needs no layer.
    #[test]
    fn files_of_tests_are_not_read() {
        let low = "pub struct Low; #[cfg(test)] mod tests;";
        let files = [
            ("lib.rs", "mod low; mod high;"),
            ("low.rs", low),
            ("low/tests.rs", "use crate::high::High;"),
            ("high.rs", "pub struct High; use crate::low::Low;"),
        ];
        let layers = "layers = [['low'], ['high']]";
        passes(&faults_in(&files, layers));
        let shipped = [files[0], ("low.rs", "pub struct Low; mod tests;"), files[2], files[3]];
        assert!(
            faults_in(&shipped, layers).iter().any(|fault| fault.contains("`low::tests` imports upward"))
        );
    }

    #[test]
    fn circles_are_found_and_only_the_excepted_pass() {
        let (high, child) =
            ("pub mod child; pub struct High(child::Deep);", "pub struct Deep; use super::High;");
        assert_eq!(with("pub struct Low;", high, child), [r#"it: circle {"high", "high::child"}"#]);
        let files = [("lib.rs", "mod high;"), ("high.rs", high), ("high/child.rs", child)];
        let excepted =
            "layers = [['high']]\n[[circles]]\nfiles = ['high', 'high::child']\nreason = 'one type'";
        passes(&faults_in(&files, excepted));
        let files = [("lib.rs", "mod high;"), ("high.rs", "mod child;"), ("high/child.rs", "")];
        assert_eq!(
            faults_in(&files, excepted),
            [r#"it: the excepted circle {"high", "high::child"} is not there"#]
        );
    }

    #[test]
    fn a_type_has_its_methods_in_three_files_at_most() {
        let uses = "use super::A; impl A { fn f(&self) {} }";
        let files = [("lib.rs", "mod a; "), ("a.rs", "mod b; mod c; mod d; pub struct A; impl A {}")];
        let all = [&files[..], &[("a/b.rs", uses), ("a/c.rs", uses), ("a/d.rs", uses)]].concat();
        assert_eq!(faults_in(&all, "layers = [['a']]"), ["it: `A` of `a` has methods in 4 files"]);
    }

    #[test]
    fn every_module_has_a_layer_and_every_entry_a_module() {
        let files = [("lib.rs", "mod low;"), ("low.rs", "")];
        let expected = ["it: `low` is in no layer", "it: layer entry `lo` names no module"];
        assert_eq!(faults_in(&files, "layers = [['lo']]"), expected);
    }
}
