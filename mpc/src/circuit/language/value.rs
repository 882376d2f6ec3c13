//! What a compiled program takes and returns: values, and the numbers inside them.

use crate::number::Number;

/// A parameter of `main`, or its result: elements of an array, or one value, each of the same numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The parameter's name, or `result`.
    pub name: String,
    /// Elements of an array; 1 of anything else.
    pub elements: usize,
    /// The numbers of an element, in the order of their bits.
    pub leaves: Vec<Leaf>,
}

/// A number inside a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Where it is: `address.zip`, `[3]`; empty if the value is a number itself.
    pub path: String,
    /// Its range.
    pub number: Number,
}
