//! Joins of two sorted arrays: the arrays are merged, so that elements with equal keys become neighbours.
//!
//! ```text
//! for (a, b) in join_iter(x, y) { … }     the body runs for every two neighbours; it counts for a pair
//! join(x, y)                              all neighbours: first zeros for those that are no pair, then the pairs
//! ```
//!
//! The program panics if the keys of an array do not strictly ascend, because the join would silently be
//! wrong. Keys are compared by their first part before the second, and numbers by their bits, as the language
//! defines.

use std::rc::Rc;

use garble_lang::ast::Type;
use garble_lang::token::MetaInfo;

use super::error::{CompileError, Refusal, refused};
use super::state::{Bits, Lowering};
use crate::Fancy;
use crate::circuit::netlist::Signal;
use crate::gadgets::{Comparison, Selection, Sorting, Words};

/// One of the joined arrays; an element is its key, followed by the rest.
pub(super) struct Side {
    pub(super) elements: Bits,
    /// The bits of an element.
    pub(super) bits: usize,
    /// The number of elements.
    pub(super) length: usize,
}

/// Two neighbours, and whether their keys are equal.
pub(super) struct Pair {
    pub(super) is_pair: Signal,
    pub(super) first: Vec<Signal>,
    pub(super) second: Vec<Signal>,
}

pub(super) fn join(
    l: &mut Lowering<'_>,
    meta: MetaInfo,
    key: &Type,
    sides: [Side; 2],
    with_both: bool,
) -> Result<Bits, CompileError> {
    let mut rows = Vec::new();
    let mut lanes = 0;
    for Pair { is_pair, first, second } in pairs(l, meta, key, sides)? {
        let row = if with_both { [first, second].concat() } else { first };
        let row = Words::single(&row);
        let row = l.gates(meta, |f| f.keep(&[is_pair], &row))?;
        rows.push(is_pair);
        rows.extend_from_slice(row.wires());
        lanes += 1;
    }
    if lanes == 0 {
        return Ok(Bits::default());
    }
    l.spend(meta, rows.len())?;
    let rows = Words::from_rows(rows.len() / lanes, &rows);
    // The positions of the pairs would reveal their positions in the inputs.
    let sorted = l.gates(meta, |f| f.sort(&rows, 1))?;
    Ok(Rc::new((0..lanes).flat_map(|lane| sorted.lane(lane).collect::<Vec<_>>()).collect()))
}

/// Merges the arrays and returns all neighbours.
pub(super) fn pairs(
    l: &mut Lowering<'_>,
    meta: MetaInfo,
    key: &Type,
    sides: [Side; 2],
) -> Result<Vec<Pair>, CompileError> {
    let widths = l.types.key_widths(key, meta)?;
    let key: usize = widths.iter().sum();
    let [first, second] = sides;
    if key == 0 || first.length == 0 || second.length == 0 {
        return Err(refused(meta, Refusal::Unsupported));
    }
    let most = first.bits.max(second.bits);
    let (x, y) = (first.rows(&widths, most, false), second.rows(&widths, most, true));
    for rows in [&x, &y] {
        panic_unless_ascending(l, meta, &rows.clone().without_low(1).truncated(key))?;
    }
    l.spend(meta, (x.lanes() + y.lanes()) * most)?;
    // Ordered by key; among equal keys the element of the first array comes first.
    let merged = l.gates(meta, |f| f.merge(&x, &y, key + 1))?;
    let (low, high) = (merged.lanes_in(0..merged.lanes() - 1), merged.lanes_in(1..merged.lanes()));
    let keys = |words: &Words<Signal>| words.clone().without_low(1).truncated(key);
    let pairs = l.gates(meta, |f| f.equal(&keys(&low), &keys(&high)))?;
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

fn panic_unless_ascending(
    l: &mut Lowering<'_>,
    meta: MetaInfo,
    keys: &Words<Signal>,
) -> Result<(), CompileError> {
    if keys.lanes() < 2 {
        return Ok(());
    }
    let (before, after) = (keys.lanes_in(0..keys.lanes() - 1), keys.lanes_in(1..keys.lanes()));
    let holds = l.gates(meta, |f| {
        let above = f.greater(&after, &before)?;
        let wrong = above.into_iter().map(|above| f.not(above)).collect();
        let none = f.is_zero(&Words::new(1, wrong))?;
        Ok(none.first().copied().unwrap_or(Signal::Constant(true)))
    })?;
    let wrong = l.not(holds);
    l.panic_if(meta, wrong)
}

impl Side {
    /// The elements as numbers to be compared: which array, then the key with its last part lowest, then the
    /// rest.
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
