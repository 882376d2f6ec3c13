//! Reads which file of a crate imports from which other file of it.
//!
//! An import is any path in code that leads to an item of another file: in a `use`, a type, an expression, a
//! pattern, or the tokens of a macro call. Test code is left out. A path through a re-export counts as an
//! import of the file that defines the item, and a `pub use` by itself is no import: a parent may offer what
//! its children define. Names that a macro makes are not seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use syn::{Attribute, Item, UseTree, Visibility, visit::Visit};

/// A module's path from the crate's root: `["rules", "shape"]`.
pub(crate) type Module = Vec<String>;

/// A `use` that other modules may reach through: the name that it brings, and the path that it stands for.
struct Alias {
    /// `None` for a glob.
    name: Option<String>,
    path: Vec<String>,
    public: bool,
}

#[derive(Default)]
struct Contents {
    children: BTreeSet<String>,
    aliases: Vec<Alias>,
    /// What the file itself defines.
    items: BTreeSet<String>,
    /// Paths in code, other than those of `use`.
    paths: Vec<Vec<String>>,
    /// The types that have methods here, other than those of a trait.
    with_methods: Vec<Vec<String>>,
    /// The module whose file this one is written in: itself, unless it is written in braces.
    file: Module,
}

/// The modules of one crate.
pub(crate) struct Crate {
    modules: BTreeMap<Module, Contents>,
}

impl Crate {
    /// Reads the crate whose root is `lib.rs` or `main.rs` in `source`.
    pub(crate) fn read(source: &Path) -> Self {
        let root = ["lib.rs", "main.rs"].map(|f| source.join(f)).into_iter().find(|f| f.exists()).unwrap();
        let mut read = Self { modules: BTreeMap::new() };
        read.add_file(&root, source, Module::new());
        read
    }

    fn add_file(&mut self, file: &Path, folder: &Path, module: Module) {
        let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        self.add_items(&parsed.items, folder, module.clone(), module);
    }

    fn add_items(&mut self, items: &[Item], folder: &Path, module: Module, file: Module) {
        let mut contents = Contents { file: file.clone(), ..Contents::default() };
        for item in items.iter().filter(|i| !attributes(i).iter().any(is_test)) {
            match item {
                Item::Mod(m) => {
                    let name = m.ident.to_string();
                    let child = child(&module, &name);
                    match &m.content {
                        Some((_, inner)) => self.add_items(inner, &folder.join(&name), child, file.clone()),
                        None => self.add_file(&source_of(folder, &name), &folder.join(&name), child),
                    }
                    contents.children.insert(name);
                }
                Item::Use(u) => {
                    let public = !matches!(u.vis, Visibility::Inherited);
                    flatten(&u.tree, &mut Vec::new(), public, &mut contents.aliases);
                }
                other => {
                    contents.items.extend(name_of(other));
                    contents.with_methods.extend(type_with_methods(other));
                    Paths(&mut contents).visit_item(other);
                }
            }
        }
        self.modules.insert(module, contents);
    }

    /// All modules that have a file of their own.
    pub(crate) fn files(&self) -> BTreeSet<Module> {
        self.modules.values().map(|c| c.file.clone()).collect()
    }

    /// Every import, from file to file.
    pub(crate) fn imports(&self) -> BTreeSet<(Module, Module)> {
        let mut found = BTreeSet::new();
        for (module, contents) in &self.modules {
            let used = |name: &Option<String>| {
                name.as_ref().is_none_or(|n| contents.paths.iter().any(|p| p.first() == Some(n)))
            };
            let imported =
                contents.aliases.iter().filter(|a| !a.public || (a.name.is_some() && used(&a.name)));
            let paths = imported.map(|a| &a.path).chain(&contents.paths);
            let targets = paths.filter_map(|p| self.file_of(module, p));
            found.extend(targets.filter(|t| *t != contents.file).map(|t| (contents.file.clone(), t)));
        }
        found
    }

    /// Where each type has its own methods: the file that defines it and its name, and the files with
    /// methods.
    pub(crate) fn methods(&self) -> BTreeMap<(Module, String), BTreeSet<Module>> {
        let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (module, contents) in &self.modules {
            for path in &contents.with_methods {
                let (Some(first), Some(name)) = (path.first(), path.last()) else { continue };
                let alone = || self.definition(module, first, 8);
                let Some(home) = self.file_of(module, path).or_else(alone) else { continue };
                found.entry((home, name.clone())).or_default().insert(contents.file.clone());
            }
        }
        found
    }

    /// The file that defines what `path` names in `module`; `None` if that is not in this crate.
    fn file_of(&self, module: &Module, path: &[String]) -> Option<Module> {
        let (mut at, mut rest) = (module.clone(), path);
        match path.first()?.as_str() {
            "crate" => at.clear(),
            "self" | "super" => {}
            first if self.modules[module].children.contains(first) => {}
            _ => return None,
        }
        while let Some((first, more)) = rest.split_first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => drop(at.pop()?),
                name if self.modules[&at].children.contains(name) => at.push(name.to_owned()),
                name => return self.definition(&at, name, 8),
            }
            rest = more;
        }
        Some(self.modules[&at].file.clone())
    }

    /// Where the item `name` of `module` is defined, through at most `depth` re-exports.
    fn definition(&self, module: &Module, name: &str, depth: u8) -> Option<Module> {
        let contents = &self.modules[module];
        if contents.items.contains(name) || depth == 0 {
            return Some(contents.file.clone());
        }
        if let Some(alias) = contents.aliases.iter().find(|a| a.name.as_deref() == Some(name)) {
            return self.through(module, &alias.path, depth);
        }
        let globs = contents.aliases.iter().filter(|a| a.name.is_none());
        let defines = |m: &Module| self.modules.get(m).is_some_and(|c| c.items.contains(name));
        let glob = globs.filter_map(|a| self.module_of(module, &a.path)).find(defines);
        Some(glob.map_or_else(|| contents.file.clone(), |m| self.modules[&m].file.clone()))
    }

    fn through(&self, module: &Module, path: &[String], depth: u8) -> Option<Module> {
        let (name, parents) = path.split_last()?;
        match self.module_of(module, parents) {
            Some(at) if self.modules[&at].children.contains(name) => {
                Some(self.modules[&child(&at, name)].file.clone())
            }
            Some(at) => self.definition(&at, name, depth - 1),
            None => self.file_of(module, path),
        }
    }

    /// The module that `path` names in `module`, if it names one.
    fn module_of(&self, module: &Module, path: &[String]) -> Option<Module> {
        let mut at = module.clone();
        for (i, segment) in path.iter().enumerate() {
            match segment.as_str() {
                "crate" if i == 0 => at.clear(),
                "self" => {}
                "super" => drop(at.pop()?),
                name if self.modules.get(&at)?.children.contains(name) => at.push(name.to_owned()),
                _ => return None,
            }
        }
        Some(at)
    }
}

/// Groups of files that import each other, directly or around a corner: each group is a circle.
pub(crate) fn circles(imports: &BTreeSet<(Module, Module)>) -> Vec<BTreeSet<Module>> {
    let mut next: BTreeMap<&Module, Vec<&Module>> = BTreeMap::new();
    imports.iter().for_each(|(from, to)| next.entry(from).or_default().push(to));
    let reach = |start: &Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(at) = open.pop() {
            open.extend(next.get(at).into_iter().flatten().copied().filter(|&n| seen.insert(n.clone())));
        }
        seen
    };
    let reached: BTreeMap<Module, BTreeSet<Module>> = next.keys().map(|&m| (m.clone(), reach(m))).collect();
    let in_circle = reached.iter().filter(|(m, r)| r.contains(*m));
    let group = |(m, r): (&Module, &BTreeSet<Module>)| {
        let back = |o: &&Module| reached.get(*o).is_some_and(|of_other| of_other.contains(m));
        r.iter().filter(back).cloned().collect::<BTreeSet<_>>()
    };
    in_circle.map(group).collect::<BTreeSet<_>>().into_iter().collect()
}

fn child(of: &[String], name: &str) -> Module {
    of.iter().cloned().chain([name.to_owned()]).collect()
}

fn source_of(folder: &Path, name: &str) -> PathBuf {
    let flat = folder.join(format!("{name}.rs"));
    if flat.exists() { flat } else { folder.join(name).join("mod.rs") }
}

fn flatten(tree: &UseTree, before: &mut Vec<String>, public: bool, into: &mut Vec<Alias>) {
    match tree {
        UseTree::Path(p) => {
            before.push(p.ident.to_string());
            flatten(&p.tree, before, public, into);
            before.pop();
        }
        UseTree::Group(g) => g.items.iter().for_each(|t| flatten(t, before, public, into)),
        UseTree::Glob(_) => into.push(Alias { name: None, path: before.clone(), public }),
        UseTree::Name(n) if n.ident == "self" => {
            into.push(Alias { name: before.last().cloned(), path: before.clone(), public });
        }
        UseTree::Name(n) => {
            let name = n.ident.to_string();
            into.push(Alias { path: child(before, &name), name: Some(name), public });
        }
        UseTree::Rename(r) => {
            let path = child(before, &r.ident.to_string());
            into.push(Alias { name: Some(r.rename.to_string()), path, public });
        }
    }
}

/// Collects the paths of code.
struct Paths<'a>(&'a mut Contents);

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_test) {
            return;
        }
        if let Item::Use(u) = item {
            let mut inner = Vec::new();
            flatten(&u.tree, &mut Vec::new(), false, &mut inner);
            self.0.paths.extend(inner.into_iter().map(|a| a.path));
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !function.attrs.iter().any(is_test) {
            syn::visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.paths.push(path.segments.iter().map(|s| s.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }

    /// `pub(super)` and `pub(in …)` import nothing.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        // Tokens cannot be parsed without knowing the macro, but `crate::…` is a path wherever it appears.
        let text = call.tokens.to_string().replace(' ', "");
        for rest in text.split("crate::").skip(1) {
            let end =
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
            let segments = rest[..end].split("::").filter(|s| !s.is_empty()).map(str::to_owned);
            self.0.paths.push(std::iter::once("crate".to_owned()).chain(segments).collect());
        }
    }
}

/// `#[test]` and `#[cfg(test)]`, alone or with others.
fn is_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("test")
        || attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|l| {
                l.tokens.to_string().split(|c: char| !c.is_alphanumeric()).any(|word| word == "test")
            })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(i) => &i.attrs,
        Item::Enum(i) => &i.attrs,
        Item::ExternCrate(i) => &i.attrs,
        Item::Fn(i) => &i.attrs,
        Item::ForeignMod(i) => &i.attrs,
        Item::Impl(i) => &i.attrs,
        Item::Macro(i) => &i.attrs,
        Item::Mod(i) => &i.attrs,
        Item::Static(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Trait(i) => &i.attrs,
        Item::TraitAlias(i) => &i.attrs,
        Item::Type(i) => &i.attrs,
        Item::Union(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        _ => &[],
    }
}

fn type_with_methods(item: &Item) -> Option<Vec<String>> {
    let Item::Impl(block) = item else { return None };
    let syn::Type::Path(named) = &*block.self_ty else { return None };
    block.trait_.is_none().then(|| named.path.segments.iter().map(|s| s.ident.to_string()).collect())
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(i) => &i.ident,
        Item::Enum(i) => &i.ident,
        Item::Fn(i) => &i.sig.ident,
        Item::Macro(i) => i.ident.as_ref()?,
        Item::Static(i) => &i.ident,
        Item::Struct(i) => &i.ident,
        Item::Trait(i) => &i.ident,
        Item::Type(i) => &i.ident,
        Item::Union(i) => &i.ident,
        _ => return None,
    };
    Some(name.to_string())
}
