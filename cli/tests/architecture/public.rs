//! The public types of each library, held against those who use them.
//!
//! A public type has a user if another crate, or the library's own page, doctests, examples or integration tests
//! name it. It also has one if it is met as a value: it stands in the signature of a public function that they
//! name, or in a public field, variant or alias of a type that has a user. Everything else is `pub(crate)`.
//!
//! A root re-exports few types, those that one meets first, and holds no code.

use crate::sources;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use syn::{ImplItem, Item, TraitItem, Visibility, visit::Visit};

/// How many types the root of a library may re-export.
const MOST_AT_ROOT: usize = 25;

/// What a library offers by its public items.
#[derive(Default)]
struct Offered {
    types: BTreeSet<String>,
    /// The types in the signature of each public function, by its name.
    by_function: BTreeMap<String, BTreeSet<String>>,
    /// The types that each type holds in public, by its name.
    by_type: BTreeMap<String, BTreeSet<String>>,
}

/// Every public type without a user, a line each.
pub(crate) fn faults(root: &Path, library: &str) -> Vec<String> {
    let shipped = root.join(library).join("src");
    let mut offered = Offered::default();
    let own: Vec<String> = sources(&shipped).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    own.iter().for_each(|text| offered.add(&syn::parse_file(text).unwrap().items));
    let page = root.join(library).join("README.md");
    let crates = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let crates = crates.filter(|folder| folder.join("Cargo.toml").exists());
    let others = crates.flat_map(|folder| sources(&folder)).filter(|file| !file.starts_with(&shipped));
    let others = others.chain([page]).map(|file| fs::read_to_string(file).unwrap());
    let texts = others.chain(own.iter().map(|text| doctests(text)));
    let named = texts.flat_map(|text| words(&text).collect::<Vec<_>>()).collect();
    let used = offered.used(&named);
    let idle = offered.types.difference(&used);
    idle.map(|name| format!("{library}: the public type `{name}` has no user")).collect()
}

/// What is wrong with a library's root, a line each.
pub(crate) fn root_faults(root: &Path, library: &str) -> Vec<String> {
    let text = fs::read_to_string(root.join(library).join("src/lib.rs")).unwrap();
    let (mut faults, mut types) = (Vec::new(), 0);
    for item in syn::parse_file(&text).unwrap().items {
        match item {
            Item::Mod(module) if module.content.is_none() => {}
            Item::Use(import) => types += words(&quoted(&import.tree)).filter(|w| is_type(w)).count(),
            // The page of the workspace, whose example is a doctest of this crate.
            Item::Struct(page) if page.fields.is_empty() && page.attrs.len() > 1 => {}
            _ => faults.push(format!("{library}: the root holds more than modules and re-exports")),
        }
    }
    if types > MOST_AT_ROOT {
        faults.push(format!("{library}: the root re-exports {types} types"));
    }
    faults
}

impl Offered {
    fn add(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Mod(inner) => inner.content.iter().for_each(|(_, items)| self.add(items)),
                Item::Struct(i) if public(&i.vis) => {
                    self.hold(&i.ident, i.fields.iter().filter(|f| public(&f.vis)).map(|f| &f.ty));
                }
                Item::Enum(i) if public(&i.vis) => {
                    self.hold(&i.ident, i.variants.iter().flat_map(|v| &v.fields).map(|f| &f.ty));
                }
                Item::Type(i) if public(&i.vis) => self.hold(&i.ident, [&*i.ty]),
                Item::Trait(i) if public(&i.vis) => {
                    self.hold(&i.ident, []);
                    i.items.iter().for_each(|item| match item {
                        TraitItem::Fn(f) => self.give(&f.sig),
                        _ => {}
                    });
                }
                Item::Fn(i) if public(&i.vis) => self.give(&i.sig),
                Item::Impl(block) => self.add_impl(block),
                _ => {}
            }
        }
    }

    /// The methods of a type, and the associated types of a trait that it has.
    fn add_impl(&mut self, block: &syn::ItemImpl) {
        for item in &block.items {
            match item {
                ImplItem::Fn(f) if public(&f.vis) => self.give(&f.sig),
                ImplItem::Type(t) => {
                    let owner = names(|found| found.visit_type(&block.self_ty));
                    let held = names(|found| found.visit_type(&t.ty));
                    owner.into_iter().for_each(|o| self.by_type.entry(o).or_default().extend(held.clone()));
                }
                _ => {}
            }
        }
    }

    fn hold<'a>(&mut self, name: &syn::Ident, held: impl IntoIterator<Item = &'a syn::Type>) {
        let held = names(|found| held.into_iter().for_each(|ty| found.visit_type(ty)));
        self.by_type.entry(name.to_string()).or_default().extend(held);
        self.types.insert(name.to_string());
    }

    fn give(&mut self, signature: &syn::Signature) {
        let given = names(|found| found.visit_signature(signature));
        self.by_function.entry(signature.ident.to_string()).or_default().extend(given);
    }

    /// The types that are named, or met as the value of something that is.
    fn used(&self, named: &BTreeSet<String>) -> BTreeSet<String> {
        let given = self.by_function.iter().filter(|(name, _)| named.contains(*name)).flat_map(|(_, t)| t);
        let mut used = BTreeSet::new();
        let mut open: Vec<&String> = self.types.intersection(named).chain(given).collect();
        while let Some(name) = open.pop() {
            if used.insert(name.clone()) {
                open.extend(self.by_type.get(name).into_iter().flatten());
            }
        }
        used
    }
}

/// Every name in some piece of syntax.
fn names(visit: impl FnOnce(&mut Names)) -> BTreeSet<String> {
    let mut found = Names::default();
    visit(&mut found);
    found.0
}

#[derive(Default)]
struct Names(BTreeSet<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_ident(&mut self, name: &'ast syn::Ident) {
        self.0.insert(name.to_string());
    }
}

fn public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_type(word: &str) -> bool {
    word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase)
}

fn quoted(tree: &syn::UseTree) -> String {
    names(|found| found.visit_use_tree(tree)).into_iter().collect::<Vec<_>>().join(" ")
}

/// The doctests of a file, with the text around them.
fn doctests(text: &str) -> String {
    let comments = text.split("\n\n").filter(|part| part.contains("//! ```") || part.contains("/// ```"));
    let lines = comments.flat_map(str::lines).map(str::trim_start).filter(|line| line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a library of this source, of which another crate and a page use a part.
    fn faults_in(own: &str, other: &str) -> (Vec<String>, Vec<String>) {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("it/src/lib.rs", own);
        write("it/README.md", "`OnThePage`");
        write("it/Cargo.toml", "");
        write("other/Cargo.toml", "");
        write("other/src/lib.rs", other);
        (faults(root.path(), "it"), root_faults(root.path(), "it"))
    }

    #[test]
    fn types_without_a_user_are_found() {
        let own = "pub struct Used; pub(crate) struct Inner; pub enum Idle {} pub struct OnThePage;";
        assert_eq!(faults_in(own, "use it::Used;").0, ["it: the public type `Idle` has no user"]);
    }

    #[test]
    fn types_are_met_as_values_of_what_is_used() {
        let own = "pub fn ask() -> Result<Answer, AskError> {} pub fn idle() -> Idle {} pub struct Idle;
                   pub struct Answer { pub part: Part, inner: Inner } pub struct Part; pub struct Inner;
                   pub enum AskError { Deep(Vec<Reason>) } pub struct Reason;";
        let of = |name| format!("it: the public type `{name}` has no user");
        assert_eq!(faults_in(own, "fn f() { it::ask(); }").0, ["Idle", "Inner"].map(of));
    }

    #[test]
    fn roots_hold_few_types_and_no_code() {
        let many: Vec<String> = (0..26).map(|i| format!("Type{i}")).collect();
        let root = format!("mod inner; pub use inner::{{{}, MAX, read}};", many[1..].join(", "));
        assert_eq!(faults_in(&root, "").1, [""; 0]);
        let root = format!("mod inner; pub use inner::{{{}}}; fn f() {{}}", many.join(", "));
        let expected =
            ["it: the root holds more than modules and re-exports", "it: the root re-exports 26 types"];
        assert_eq!(faults_in(&root, "").1, expected);
    }
}
