//! The public types of each library, held against those who use them.
//!
//! A public type has a user if another crate, or the library's own page, doctests, examples or integration tests
//! name it. It also has one if it is met as a value: it stands in the signature of a public function that they
//! name, or in a public field, variant or alias of a type that has a user. Everything else is `pub(crate)`.
//!
//! A root re-exports few types, those that one meets first, and holds no code.

use crate::sources;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};
use syn::{ImplItem, Item, TraitItem, Visibility, visit::Visit};

/// How many types the root of a library may re-export.
const MOST_AT_ROOT: usize = 25;

/// Public types without such a user: the library, the type, and why it is public all the same.
pub(crate) const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("jobs", "MultipartyAuc", "a variant of `Builtin`, which a macro declares"),
    ("keys", "Package", "FROST without letters, for protocols with messages of their own"),
];

/// What a library offers by its public items.
#[derive(Default)]
struct Offered {
    types: BTreeSet<String>,
    /// The types in the signature of each public function or constant, by its name.
    by_item: BTreeMap<String, BTreeSet<String>>,
    /// The types that each type holds in public, by its name.
    by_type: BTreeMap<String, BTreeSet<String>>,
}

/// Every public type without a user, and every idle exception, a line each.
pub(crate) fn faults(root: &Path, libraries: &[&str], exceptions: &[(&str, &str, &str)]) -> Vec<String> {
    let named = Named::read(root);
    let mut faults = Vec::new();
    for library in libraries {
        let mut offered = Offered::default();
        for file in sources(&root.join(library).join("src")) {
            offered.add(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap().items);
        }
        let used = offered.used(&|name| named.outside(library, name));
        let excepted = |name: &str| exceptions.iter().any(|(of, ty, _)| of == library && *ty == name);
        let idle = offered.types.difference(&used).filter(|name| !excepted(name));
        faults.extend(idle.map(|name| format!("{library}: the public type `{name}` has no user")));
        let own = exceptions.iter().filter(|(of, ty, _)| of == library && used.contains(*ty));
        faults.extend(own.map(|(_, ty, _)| format!("{library}: `{ty}` has a user and needs no exception")));
    }
    faults
}

/// Which words are written where: by word, the crates whose shipped code has it. Pages, examples, doctests and
/// integration tests are in no crate.
struct Named(HashMap<String, BTreeSet<String>>);

impl Named {
    fn read(root: &Path) -> Self {
        let mut named = Self(HashMap::new());
        let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
        for folder in folders.filter(|folder| folder.join("Cargo.toml").exists()) {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            // The exceptions above are no use of a type.
            for file in sources(&folder).iter().filter(|file| !file.ends_with("architecture/public.rs")) {
                let text = fs::read_to_string(file).unwrap();
                let shipped = file.starts_with(folder.join("src"));
                named.add(&text, if shipped { &name } else { "" });
                named.add(&doctests(&text), "");
            }
            let page = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
            named.add(&page, "");
        }
        named
    }

    fn add(&mut self, text: &str, of: &str) {
        for word in words(text) {
            match self.0.get_mut(word) {
                Some(crates) if crates.contains(of) => {}
                Some(crates) => drop(crates.insert(of.to_owned())),
                None => drop(self.0.insert(word.to_owned(), BTreeSet::from([of.to_owned()]))),
            }
        }
    }

    /// Whether a word is written outside the shipped code of a library.
    fn outside(&self, library: &str, word: &str) -> bool {
        self.0.get(word).is_some_and(|crates| crates.iter().any(|of| of != library))
    }
}

/// What is wrong with a library's root, a line each.
pub(crate) fn root_faults(root: &Path, library: &str) -> Vec<String> {
    let text = fs::read_to_string(root.join(library).join("src/lib.rs")).unwrap();
    let (mut faults, mut types) = (Vec::new(), 0);
    for item in syn::parse_file(&text).unwrap().items {
        match item {
            Item::Mod(module) if module.content.is_none() => {}
            Item::Use(import) => {
                types +=
                    names(|found| found.visit_use_tree(&import.tree)).iter().filter(|n| is_type(n)).count()
            }
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
                    let held = names(|found| i.items.iter().for_each(|item| signature(found, item)));
                    self.by_type.entry(i.ident.to_string()).or_default().extend(held);
                }
                Item::Fn(i) if public(&i.vis) => {
                    self.give(&i.sig.ident, |found| found.visit_signature(&i.sig))
                }
                Item::Const(i) if public(&i.vis) => self.give(&i.ident, |found| found.visit_type(&i.ty)),
                Item::Impl(block) => self.add_impl(block),
                _ => {}
            }
        }
    }

    /// The methods of a type, the bounds on its parameters, and the associated types of a trait that it has.
    fn add_impl(&mut self, block: &syn::ItemImpl) {
        let owner = names(|found| found.visit_type(&block.self_ty));
        let mut held = names(|found| found.visit_generics(&block.generics));
        for item in &block.items {
            match item {
                ImplItem::Fn(f) if public(&f.vis) => {
                    self.give(&f.sig.ident, |found| found.visit_signature(&f.sig))
                }
                ImplItem::Type(t) => held.extend(names(|found| found.visit_type(&t.ty))),
                _ => {}
            }
        }
        owner.into_iter().for_each(|name| self.by_type.entry(name).or_default().extend(held.clone()));
    }

    fn hold<'a>(&mut self, name: &syn::Ident, held: impl IntoIterator<Item = &'a syn::Type>) {
        let held = names(|found| held.into_iter().for_each(|ty| found.visit_type(ty)));
        self.by_type.entry(name.to_string()).or_default().extend(held);
        self.types.insert(name.to_string());
    }

    fn give(&mut self, name: &syn::Ident, visit: impl FnOnce(&mut Names)) {
        self.by_item.entry(name.to_string()).or_default().extend(names(visit));
    }

    /// The types that are named, or met as the value of something that is.
    fn used(&self, named: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
        let given = self.by_item.iter().filter(|(name, _)| named(name)).flat_map(|(_, types)| types);
        let mut used = BTreeSet::new();
        let mut open: Vec<&String> = self.types.iter().filter(|name| named(name)).chain(given).collect();
        while let Some(name) = open.pop() {
            if used.insert(name.clone()) {
                open.extend(self.by_type.get(name).into_iter().flatten());
            }
        }
        used
    }
}

/// The names in the signature of a trait's function.
fn signature(found: &mut Names, item: &TraitItem) {
    if let TraitItem::Fn(function) = item {
        found.visit_signature(&function.sig);
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

/// The doctests of a file, with the text around them.
fn doctests(text: &str) -> String {
    let comments = text.split("\n\n").filter(|part| part.contains("//! ```") || part.contains("/// ```"));
    let lines = comments.flat_map(str::lines).map(str::trim_start).filter(|line| line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
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
        let exceptions = [("it", "Excepted", "a reason")];
        (faults(root.path(), &["it"], &exceptions), root_faults(root.path(), "it"))
    }

    #[test]
    fn types_without_a_user_are_found() {
        let own = "pub struct Used; pub(crate) struct Inner; pub enum Idle {} pub struct OnThePage;";
        assert_eq!(faults_in(own, "use it::Used;").0, ["it: the public type `Idle` has no user"]);
    }

    #[test]
    fn exceptions_are_for_types_without_a_user() {
        assert_eq!(faults_in("pub struct Excepted;", "").0, [""; 0]);
        let idle = "it: `Excepted` has a user and needs no exception";
        assert_eq!(faults_in("pub struct Excepted;", "use it::Excepted;").0, [idle]);
    }

    #[test]
    fn types_are_met_as_values_of_what_is_used() {
        let own = "pub fn ask() -> Result<Answer, AskError> {} pub fn idle() -> Idle {} pub struct Idle;
                   pub struct Answer { pub part: Part, inner: Inner } pub struct Part; pub struct Inner;
                   pub enum AskError { Deep(Vec<Reason>) } pub struct Reason;
                   pub const ALL: [Kind; 2] = []; pub struct Kind; pub trait Act { fn act(&self) -> Done; }
                   pub struct Done;";
        let of = |name| format!("it: the public type `{name}` has no user");
        assert_eq!(
            faults_in(own, "fn f(by: &impl it::Act) { it::ask(); it::ALL; }").0,
            ["Idle", "Inner"].map(of)
        );
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
