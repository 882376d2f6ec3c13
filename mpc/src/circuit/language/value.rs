//! What a compiled program takes and returns: values, and the numbers inside them.

use crate::number::Number;

/// A parameter of `main`, or its result: the elements of an array, or one element; each consists of the same
/// numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The name of the parameter, or `result`.
    pub name: String,
    /// The number of elements of an array; 1 for other types.
    pub elements: usize,
    /// The numbers of an element, in the order of their bits.
    pub leaves: Vec<Leaf>,
    /// The places of the numbers in the order of the source: bits of a struct are in the order of its fields' names.
    pub order: Vec<usize>,
}

/// A number inside a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Its path, such as `address.zip` or `[3]`; empty if the element is a number.
    pub path: String,
    /// Its range.
    pub number: Number,
    /// What it stands for in the source.
    pub kind: LeafKind,
}

/// What a number stands for in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeafKind {
    /// Itself.
    Number,
    /// A bool.
    Bool,
    /// A variant of an enum: the names of all.
    Variant(Vec<String>),
}
