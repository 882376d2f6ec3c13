//! The order in which a source declares the fields of its structs, which the front end does not keep.
//!
//! ```text
//! struct NAME { field: type, field: type, … }       after the front end has accepted the source
//! ```
//!
//! What is read here decides in which order columns are shown and read, and nothing that is computed. A field that is
//! not found keeps its place by name.

use std::collections::BTreeMap;

/// The fields of each struct, in the order of the source.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DeclaredFields(BTreeMap<String, Vec<String>>);

impl DeclaredFields {
    /// Those of a source that the front end has accepted.
    pub(super) fn of(source: &str) -> Self {
        let mut structs = BTreeMap::new();
        let mut tokens = Tokens(source);
        while let Some(token) = tokens.next() {
            if token != "struct" {
                continue;
            }
            if let (Some(name), Some("{")) = (tokens.next(), tokens.next()) {
                structs.insert(name.to_owned(), fields(&mut tokens));
            }
        }
        Self(structs)
    }

    /// The place of a field in its struct.
    pub(super) fn rank(&self, name: &str, field: &str) -> usize {
        let fields = self.0.get(name);
        fields.and_then(|fields| fields.iter().position(|known| known == field)).unwrap_or(usize::MAX)
    }
}

/// The names before colons that are in no further bracket, up to the end of the struct.
fn fields(tokens: &mut Tokens<'_>) -> Vec<String> {
    let (mut fields, mut depth, mut last) = (Vec::new(), 0usize, "");
    for token in tokens {
        match token {
            "{" | "[" | "(" => depth += 1,
            "}" | "]" | ")" if depth > 0 => depth -= 1,
            "}" => break,
            ":" if depth == 0 => fields.push(last.to_owned()),
            _ => {}
        }
        last = token;
    }
    fields
}

/// Words and single characters of a source, without comments.
struct Tokens<'s>(&'s str);

impl<'s> Iterator for Tokens<'s> {
    type Item = &'s str;

    fn next(&mut self) -> Option<&'s str> {
        loop {
            self.0 = self.0.trim_start();
            if let Some(comment) = self.0.strip_prefix("//") {
                self.0 = comment.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(comment) = self.0.strip_prefix("/*") {
                self.0 = comment.split_once("*/").map_or("", |(_, rest)| rest);
            } else {
                break;
            }
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let word = self.0.find(|c| !is_word(c)).unwrap_or(self.0.len());
        let one = self.0.chars().next()?.len_utf8();
        let (token, rest) = self.0.split_at(word.max(one));
        self.0 = rest;
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_their_order() {
        let source = "// struct No { a: u8 }
            struct A { z: u8, /* y: u8, } */ b: [(u8, [B; 2]); 3], a: (u8, B), }
            fn f(struct_: u8) -> A { A { z: 1u8, b: [], a: f(2u8) } }
            struct B{x:bool}";
        let declared = DeclaredFields::of(source);
        let fields = |name: &str| declared.0.get(name).map(|fields| fields.join(" "));
        assert_eq!(fields("A").as_deref(), Some("z b a"));
        assert_eq!(fields("B").as_deref(), Some("x"));
        assert_eq!(declared.0.len(), 2);
        assert_eq!([declared.rank("A", "a"), declared.rank("A", "q")], [2, usize::MAX]);
        for odd in ["", "struct", "struct A", "struct A {", "struct A { a", "struct { : }", "/*", "//"] {
            DeclaredFields::of(odd);
        }
    }
}
