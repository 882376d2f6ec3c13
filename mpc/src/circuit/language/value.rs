//! What a compiled program takes and returns: values, and the numbers inside them.

use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::number::Number;

/// A parameter of `main`, or its result: the elements of an array, or one element; each consists of the same
/// numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The name of the parameter, or `result`.
    pub name: String,
    /// The number of elements of an array; 1 for other types.
    pub elements: usize,
    /// The bits of an element.
    pub bits: usize,
    /// The numbers of an element, in the order of their bits; the fields of different variants share bits.
    pub leaves: Vec<Leaf>,
    /// The places of the numbers in the order of the source: bits of a struct are in the order of its fields' names.
    pub order: Vec<usize>,
}

/// A number inside a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Its path, such as `address.zip` or `[3]`, and `shape.Square` for the only field of a variant of the enum `shape`;
    /// empty if the element is a number.
    pub path: String,
    /// Its range.
    pub number: Number,
    /// What it stands for in the source.
    pub kind: LeafKind,
    /// Its first bit in the element.
    pub bit: usize,
    /// Where it is there, if it is a field of an enum's variant. Where it is not, its bits are those of another field.
    pub case: Option<Case>,
}

/// A variant that an enum must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The place among the leaves of the number of the enum's variant, which may itself be a field of another.
    pub tag: usize,
    /// The number of the variant.
    pub variant: usize,
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

impl Encode for Case {
    fn encode(&self, out: &mut Vec<u8>) {
        self.tag.encode(out);
        self.variant.encode(out);
    }
}

impl Decode for Case {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { tag: Decode::decode(reader)?, variant: Decode::decode(reader)? })
    }
}
