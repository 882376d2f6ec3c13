//! Functions that sort: recognised by what they do, and compiled to a sorting network.
//!
//! ```text
//! fn by_age(rows: [Row; 100]) -> [Row; 100] {
//!     let mut sorted = rows;
//!     for pass in 0usize..99usize {                        at least one pass fewer than rows
//!         for i in 1usize..100usize {
//!             if sorted[i - 1usize].age > sorted[i].age {   `<` to sort in descending order
//!                 let row = sorted[i];
//!                 sorted[i] = sorted[i - 1usize];
//!                 sorted[i - 1usize] = row;
//!             }
//!         }
//!     }
//!     sorted
//! }
//! ```
//!
//! All names are free, and so is whether neighbours are `i - 1` and `i` or `i` and `i + 1`, which of them is
//! kept in `row`, and what of a row is compared, as long as it is one number. This *is* a sort: `n − 1`
//! passes of exchanging neighbours that are out of order put any rows in order, and rows with equal keys keep
//! theirs. A stable network has the same result, with `n·log²n` comparators for `n²`. Whoever reads the source
//! reads what is computed; a name means nothing, and any other body is compiled as it stands.

use garble_lang::ast::{Accessor, ExprEnum, Op, Pattern, PatternEnum, StmtEnum, Type};
use garble_lang::token::MetaInfo;
use garble_lang::{TypedExpr, TypedFnDef, TypedPattern, TypedStmt};

use super::types::{self, Types, is_signed};
use crate::gadgets::network::KeyBit;

/// A sort by some bits of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SortKey {
    /// The lowest bit first.
    pub(super) bits: Vec<KeyBit>,
    /// Whether the highest bit of the key is that of a sign, which orders the other way round.
    pub(super) is_signed: bool,
    /// The bits of an element, and their number.
    pub(super) width: usize,
    pub(super) length: usize,
}

/// The sort that a function is, if it is one.
pub(super) fn sort_key(types: &Types<'_>, function: &TypedFnDef) -> Option<SortKey> {
    let [parameter] = &function.params[..] else { return None };
    let [first, passes, result] = &function.body[..] else { return None };
    let StmtEnum::LetMut(sorted, _, value) = &first.inner else { return None };
    let meta = function.meta;
    let (element, length) = types.array(&parameter.ty, meta).ok()?;
    is_name(value, &parameter.name).then_some(())?;
    let StmtEnum::Expr(result) = &result.inner else { return None };
    (is_name(result, sorted) && types.array(&function.ty, meta).ok()?.1 == length).then_some(())?;

    let (pass, from, to, body) = counted(passes)?;
    (from == 0 && to + 1 >= length as u64 && length > 1).then_some(())?;
    let [round] = body else { return None };
    let (i, from, to, body) = counted(round)?;
    let [exchange] = body else { return None };
    let StmtEnum::Expr(exchange) = &exchange.inner else { return None };
    let ExprEnum::If(condition, exchange, nothing) = &exchange.inner else { return None };
    let empty = match &nothing.inner {
        ExprEnum::TupleLiteral(parts) => parts.is_empty(),
        ExprEnum::Block(statements) => statements.is_empty(),
        _ => false,
    };
    let names = Names { sorted, counter: i };
    // No name hides another.
    (empty && pass != sorted && i != sorted && parameter.name != *i && *pass != *i).then_some(())?;
    let ExprEnum::Op(op @ (Op::GreaterThan | Op::LessThan), low, high) = &condition.inner else {
        return None;
    };
    let ((low, path), (high, same)) = (names.part(low)?, names.part(high)?);
    (high == low + 1 && path == same).then_some(())?;
    // All neighbours, and no place that does not exist.
    (from as i64 + low == 0 && to as i64 + high == length as i64).then_some(())?;
    names.exchanges(exchange, [low, high]).then_some(())?;
    let key = Path { types, meta }.bits(element, &path)?;
    let descends = *op == Op::LessThan;
    let bits = key.places.map(|place| KeyBit { place: place as u32, descends }).collect();
    Some(SortKey { bits, is_signed: key.is_signed, width: types.bits(element, meta).ok()?, length })
}

impl SortKey {
    /// The key in which every bit is compared as an unsigned number has it.
    pub(super) fn unsigned(&self) -> Vec<KeyBit> {
        let mut bits = self.bits.clone();
        if let Some(sign) = bits.last_mut().filter(|_| self.is_signed) {
            sign.descends = !sign.descends;
        }
        bits
    }
}

/// `for name in from..to { body }`.
fn counted(statement: &TypedStmt) -> Option<(&String, u64, u64, &[TypedStmt])> {
    let StmtEnum::ForEachLoop(pattern, range, body) = &statement.inner else { return None };
    let ExprEnum::Range(from, to, _) = range.inner else { return None };
    Some((identifier(pattern)?, from, to, body))
}

pub(super) fn identifier(Pattern(pattern, ..): &TypedPattern) -> Option<&String> {
    match pattern {
        PatternEnum::Identifier(name) => Some(name),
        _ => None,
    }
}

fn is_name(expression: &TypedExpr, name: &str) -> bool {
    matches!(&expression.inner, ExprEnum::Identifier(other) if other == name)
}

/// A field or a place of a tuple on the way to the key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Field(String),
    Place(usize),
}

/// The array and the counter of the inner loop.
struct Names<'s> {
    sorted: &'s String,
    counter: &'s String,
}

impl Names<'_> {
    /// `i`, `i + c` or `i - c`: the constant.
    fn offset(&self, index: &TypedExpr) -> Option<i64> {
        match &index.inner {
            ExprEnum::Identifier(name) if name == self.counter => Some(0),
            ExprEnum::Op(op @ (Op::Add | Op::Sub), name, constant) if is_name(name, self.counter) => {
                let ExprEnum::NumUnsigned(constant @ 0..=1, _) = constant.inner else { return None };
                Some(if *op == Op::Add { constant as i64 } else { -(constant as i64) })
            }
            _ => None,
        }
    }

    /// `sorted[i + c]`: the constant.
    fn row(&self, expression: &TypedExpr) -> Option<i64> {
        match &expression.inner {
            ExprEnum::ArrayAccess(array, index) if is_name(array, self.sorted) => self.offset(index),
            _ => None,
        }
    }

    /// `sorted[i + c].part.part`: the constant and the parts.
    fn part(&self, expression: &TypedExpr) -> Option<(i64, Vec<Part>)> {
        let (of, part) = match &expression.inner {
            ExprEnum::StructAccess(of, field) => (of, Part::Field(field.clone())),
            ExprEnum::TupleAccess(of, place) => (of, Part::Place(*place)),
            _ => return Some((self.row(expression)?, Vec::new())),
        };
        let (offset, mut path) = self.part(of)?;
        path.push(part);
        Some((offset, path))
    }

    /// `sorted[i + c] = value;`: the constant and the value.
    fn assigned<'s>(&self, statement: &'s TypedStmt) -> Option<(i64, &'s TypedExpr)> {
        let StmtEnum::VarAssign(name, accessors, value) = &statement.inner else { return None };
        let [(Accessor::ArrayAccess { index, .. }, _)] = &accessors[..] else { return None };
        (name == self.sorted).then_some(())?;
        Some((self.offset(index)?, value))
    }

    /// Whether a block exchanges these two neighbours, and does nothing else.
    fn exchanges(&self, block: &TypedExpr, [low, high]: [i64; 2]) -> bool {
        let ExprEnum::Block(statements) = &block.inner else { return false };
        let [keep, first, second] = &statements[..] else { return false };
        let StmtEnum::Let(pattern, _, kept) = &keep.inner else { return false };
        let (Some(row), Some(kept)) = (identifier(pattern), self.row(kept)) else { return false };
        let other = if kept == low { high } else { low };
        let moved =
            self.assigned(first).is_some_and(|(to, value)| to == kept && self.row(value) == Some(other));
        let back = self.assigned(second).is_some_and(|(to, value)| to == other && is_name(value, row));
        row != self.sorted && row != self.counter && [low, high].contains(&kept) && moved && back
    }
}

/// The places of a key in an element.
struct Places {
    places: std::ops::Range<usize>,
    is_signed: bool,
}

/// Where a part of an element is.
struct Path<'t, 'p> {
    types: &'t Types<'p>,
    meta: MetaInfo,
}

impl Path<'_, '_> {
    fn bits(&self, element: &Type, path: &[Part]) -> Option<Places> {
        let Some((part, rest)) = path.split_first() else {
            let width = types::number(element)?.width();
            return Some(Places { places: 0..width, is_signed: is_signed(element) });
        };
        let all: Vec<(Option<&String>, &Type)> = match element {
            Type::Tuple(types) => types.iter().map(|ty| (None, ty)).collect(),
            Type::Struct(name) => {
                self.types.fields(name, self.meta).ok()?.iter().map(|(name, ty)| (Some(name), ty)).collect()
            }
            _ => return None,
        };
        let at = match part {
            Part::Place(place) => *place,
            Part::Field(field) => all.iter().position(|(name, _)| *name == Some(field))?,
        };
        let mut from = 0;
        for (_, ty) in all.get(..at)? {
            from += self.types.bits(ty, self.meta).ok()?;
        }
        let Places { places, is_signed } = self.bits(all.get(at)?.1, rest)?;
        Some(Places { places: places.start + from..places.end + from, is_signed })
    }
}
