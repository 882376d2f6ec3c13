//! Joins of two sorted arrays: merged, so that what is equal becomes neighbours.
//!
//! ```text
//! for (a, b) in join_iter(x, y) { … }     the body runs for each two neighbours, and counts if they are a pair
//! join(x, y)                              all neighbours, those that are a pair last, others as zeros
//! ```
//!
//! An array whose keys do not strictly ascend panics: a join of it would be wrong without a sign. Keys are ordered by
//! their first part before the second, numbers by their bits, as the language has it.

use std::rc::Rc;

use garble_lang::ast::Type;
use garble_lang::token::MetaInfo;
use garble_lang::{TypedExpr, TypedPattern, TypedStmt};

use super::super::netlist::Signal;
use super::error::{CompileError, Refusal, refused};
use super::lower::{Bits, Lowering};
use crate::Fancy;
use crate::gadgets::{Comparison, Selection, Sorting, Words};

/// One array: an element is its key and the rest.
struct Side {
    elements: Bits,
    bits: usize,
    length: usize,
}

/// Two neighbours, and whether they are a pair.
struct Pair {
    is_pair: Signal,
    first: Vec<Signal>,
    second: Vec<Signal>,
}

impl Lowering<'_> {
    pub(super) fn join_loop(
        &mut self,
        meta: MetaInfo,
        pattern: &TypedPattern,
        key: &Type,
        (first, second): (&TypedExpr, &TypedExpr),
        body: &[TypedStmt],
    ) -> Result<(), CompileError> {
        for Pair { is_pair, first, second } in self.pairs(meta, key, first, second)? {
            let both = Rc::new([first, second].concat());
            let taken = self.branch(meta, |this| {
                this.scoped(|this| {
                    this.matches(pattern, &both)?;
                    this.statements(body)?;
                    Ok(Bits::default())
                })
            })?;
            let skipped = self.branch(meta, |_| Ok(Bits::default()))?;
            let chosen = self.choose(meta, is_pair, taken, skipped)?;
            self.adopt(meta, chosen)?;
        }
        Ok(())
    }

    pub(super) fn join(
        &mut self,
        meta: MetaInfo,
        key: &Type,
        first: &TypedExpr,
        second: &TypedExpr,
    ) -> Result<Bits, CompileError> {
        let (element, _) = self.types.array(&first.ty, meta)?;
        let with_both = matches!(element, Type::Tuple(_));
        let mut rows = Vec::new();
        let mut lanes = 0;
        for Pair { is_pair, first, second } in self.pairs(meta, key, first, second)? {
            let row = if with_both { [first, second].concat() } else { first };
            let row = Words::single(&row);
            let row = self.gates(meta, |f| f.keep(&[is_pair], &row))?;
            rows.push(is_pair);
            rows.extend_from_slice(row.wires());
            lanes += 1;
        }
        if lanes == 0 {
            return Ok(Bits::default());
        }
        self.spend(meta, rows.len())?;
        let rows = Words::from_rows(rows.len() / lanes, &rows);
        // Where pairs were found would tell where they are in the inputs.
        let sorted = self.gates(meta, |f| f.sort(&rows, 1))?;
        Ok(Rc::new((0..lanes).flat_map(|lane| sorted.lane(lane).collect::<Vec<_>>()).collect()))
    }

    /// All neighbours of the merged arrays.
    fn pairs(
        &mut self,
        meta: MetaInfo,
        key: &Type,
        first: &TypedExpr,
        second: &TypedExpr,
    ) -> Result<Vec<Pair>, CompileError> {
        let mut leaves = Vec::new();
        self.types.leaves("", key, meta, &mut leaves)?;
        let widths: Vec<usize> = leaves.iter().map(|leaf| leaf.number.width()).collect();
        let key: usize = widths.iter().sum();
        let (first, second) = (self.side(first)?, self.side(second)?);
        if key == 0 || first.length == 0 || second.length == 0 {
            return Err(refused(meta, Refusal::Unsupported));
        }
        let most = first.bits.max(second.bits);
        let (x, y) = (first.rows(&widths, most, false), second.rows(&widths, most, true));
        for rows in [&x, &y] {
            self.panic_unless_ascending(meta, &rows.clone().without_low(1).truncated(key))?;
        }
        self.spend(meta, (x.lanes() + y.lanes()) * most)?;
        // By key, and of equal ones the first array's before the second's.
        let merged = self.gates(meta, |f| f.merge(&x, &y, key + 1))?;
        let (low, high) = (merged.lanes_in(0..merged.lanes() - 1), merged.lanes_in(1..merged.lanes()));
        let keys = |words: &Words<Signal>| words.clone().without_low(1).truncated(key);
        let pairs = self.gates(meta, |f| f.equal(&keys(&low), &keys(&high)))?;
        let row = |words: &Words<Signal>, lane, bits| {
            let wires: Vec<Signal> = words.lane(lane).skip(1).collect();
            let (mut key_bits, mut element) = (&wires[..key], Vec::with_capacity(most));
            for width in widths.iter().rev() {
                let (leaf, rest) = key_bits.split_at(*width);
                element.splice(0..0, leaf.iter().copied());
                key_bits = rest;
            }
            element.extend_from_slice(&wires[key..]);
            element.truncate(bits);
            element
        };
        let pair = |(lane, is_pair)| Pair {
            is_pair,
            first: row(&low, lane, first.bits),
            second: row(&high, lane, second.bits),
        };
        Ok(pairs.into_iter().enumerate().map(pair).collect())
    }

    fn side(&mut self, array: &TypedExpr) -> Result<Side, CompileError> {
        let (element, length) = self.types.array(&array.ty, array.meta)?;
        let bits = self.types.bits(element, array.meta)?;
        Ok(Side { elements: self.expression(array)?, bits, length })
    }

    fn panic_unless_ascending(&mut self, meta: MetaInfo, keys: &Words<Signal>) -> Result<(), CompileError> {
        if keys.lanes() < 2 {
            return Ok(());
        }
        let (before, after) = (keys.lanes_in(0..keys.lanes() - 1), keys.lanes_in(1..keys.lanes()));
        let holds = self.gates(meta, |f| {
            let above = f.greater(&after, &before)?;
            let wrong = above.into_iter().map(|above| f.not(above)).collect();
            let none = f.is_zero(&Words::new(1, wrong))?;
            Ok(none.first().copied().unwrap_or(Signal::Constant(true)))
        })?;
        let wrong = self.not(holds);
        self.panic_if(meta, wrong)
    }
}

impl Side {
    /// Elements as numbers to be compared: which array, then the key with its last part lowest, then the rest.
    fn rows(&self, widths: &[usize], most: usize, is_second: bool) -> Words<Signal> {
        let mut rows = Vec::with_capacity(self.length * (most + 1));
        for element in self.elements.chunks_exact(self.bits.max(1)) {
            rows.push(Signal::Constant(is_second));
            let mut ends: Vec<usize> = widths
                .iter()
                .scan(0, |end, width| {
                    *end += width;
                    Some(*end)
                })
                .collect();
            for width in widths.iter().rev() {
                let end = ends.pop().unwrap_or(0);
                rows.extend_from_slice(&element[end - width..end]);
            }
            rows.extend_from_slice(&element[widths.iter().sum::<usize>()..]);
            rows.resize(rows.len() + most - self.bits, Signal::Constant(false));
        }
        Words::from_rows(most + 1, &rows)
    }
}
