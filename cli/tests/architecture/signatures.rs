//! Public functions take what they need by name: no tuples in place of parameters.

use crate::sources;
use std::{fs, path::Path};
use syn::{Attribute, FnArg, ImplItemFn, ItemFn, ItemMod, Signature, Type, Visibility, visit::Visit};

/// The public functions of a library that take a tuple, a line each.
pub(crate) fn with_tuples(root: &Path, library: &str) -> Vec<String> {
    let mut found = Found::default();
    for file in sources(&root.join(library).join("src")) {
        found.file = file.strip_prefix(root).unwrap().display().to_string();
        found.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
    }
    found.faults
}

#[derive(Default)]
struct Found {
    file: String,
    faults: Vec<String>,
}

impl Found {
    fn judge(&mut self, visibility: &Visibility, signature: &Signature) {
        let is_tuple = |argument: &FnArg| match argument {
            FnArg::Typed(typed) => is_tuple(&typed.ty),
            FnArg::Receiver(_) => false,
        };
        if matches!(visibility, Visibility::Public(_)) && signature.inputs.iter().any(is_tuple) {
            self.faults.push(format!("{}: `{}` takes a tuple", self.file, signature.ident));
        }
    }
}

impl<'a> Visit<'a> for Found {
    fn visit_item_fn(&mut self, item: &'a ItemFn) {
        self.judge(&item.vis, &item.sig);
    }

    fn visit_impl_item_fn(&mut self, item: &'a ImplItemFn) {
        self.judge(&item.vis, &item.sig);
    }

    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        let is_test = |a: &Attribute| {
            a.path().is_ident("cfg") && a.parse_args::<syn::Path>().is_ok_and(|p| p.is_ident("test"))
        };
        if !item.attrs.iter().any(is_test) {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

fn is_tuple(ty: &Type) -> bool {
    match ty {
        Type::Tuple(tuple) => !tuple.elems.is_empty(),
        Type::Reference(reference) => is_tuple(&reference.elem),
        _ => false,
    }
}
