//! Array elements by an index that may be secret, and assignment to parts of a variable.

use std::rc::Rc;

use garble_lang::token::MetaInfo;

use super::error::{CompileError, Refusal, refused};
use super::lookups::{Table, known_index};
use super::state::{Bits, Lowering};
use crate::circuit::netlist::Signal;
use crate::gadgets::{Comparison, Selection, Words};

/// A step from a variable to the part of it that is assigned.
pub(super) enum Step {
    Field { from: usize, bits: usize },
    Index { index: Bits, length: usize, bits: usize },
}

/// The low bits of an index that select among `length` elements.
pub(super) fn significant(index: &[Signal], length: usize) -> &[Signal] {
    let bits = length.next_power_of_two().trailing_zeros() as usize;
    index.get(..bits).unwrap_or(index)
}

/// Makes the program panic unless the index is below the length.
pub(super) fn panic_out_of_bounds(
    l: &mut Lowering<'_>,
    meta: MetaInfo,
    index: &[Signal],
    length: usize,
) -> Result<(), CompileError> {
    let Some(last) = length.checked_sub(1) else { return l.panic_if(meta, Signal::Constant(true)) };
    let index = Words::single(index);
    let beyond = l.gates(meta, |f| f.greater_than_constant(&index, last as u128))?;
    l.panic_if(meta, beyond.first().copied().unwrap_or_default())
}

/// `table[index]`: the wires of a row that comes from the table.
pub(super) fn lookup(
    l: &mut Lowering<'_>,
    table: Table,
    index: &Bits,
    meta: MetaInfo,
) -> Result<Bits, CompileError> {
    panic_out_of_bounds(l, meta, index, table.rows)?;
    l.spend(meta, table.width + index.len())?;
    if table.width == 0 {
        return Ok(Bits::default());
    }
    let index = match known_index(index) {
        Some(row) if row >= table.rows => return Ok(vec![Signal::default(); table.width].into()),
        _ => significant(index, table.rows),
    };
    let gates = l.recorded();
    Ok(l.lookups.row(table, index, gates))
}

/// `array[index]`, where the array has `length` elements of `bits` bits: a tree of choices, from the lowest
/// bit of the index.
pub(super) fn element(
    l: &mut Lowering<'_>,
    array: &Bits,
    index: &Bits,
    length: usize,
    bits: usize,
    meta: MetaInfo,
) -> Result<Bits, CompileError> {
    panic_out_of_bounds(l, meta, index, length)?;
    if let Some(i) = known_index(index) {
        l.spend(meta, bits)?;
        let element = array.get(i * bits..(i + 1) * bits);
        return Ok(Rc::new(element.map_or_else(|| vec![Signal::default(); bits], <[_]>::to_vec)));
    }
    let mut elements: Vec<Bits> = match bits {
        0 => Vec::new(),
        bits => array.chunks_exact(bits).map(|element| Rc::new(element.to_vec())).collect(),
    };
    l.spend(meta, array.len())?;
    for bit in significant(index, length) {
        let mut chosen = Vec::with_capacity(elements.len().div_ceil(2));
        for pair in elements.chunks(2) {
            chosen.push(match pair {
                [even, odd] => l.select(meta, *bit, odd, even)?,
                pair => pair.first().cloned().unwrap_or_default(),
            });
        }
        elements = chosen;
    }
    Ok(elements.pop().unwrap_or_else(|| Rc::new(vec![Signal::default(); bits])))
}

/// Assigns the value to the part of `target` that the steps select; does nothing if an index is out of
/// bounds.
pub(super) fn assign(
    l: &mut Lowering<'_>,
    meta: MetaInfo,
    target: &mut [Signal],
    steps: &[Step],
    value: &[Signal],
) -> Result<(), CompileError> {
    let wrong = || refused(meta, Refusal::Width);
    let Some((step, rest)) = steps.split_first() else {
        if target.len() != value.len() {
            return Err(wrong());
        }
        l.spend(meta, value.len())?;
        target.copy_from_slice(value);
        return Ok(());
    };
    match step {
        Step::Field { from, bits } => {
            let part = target.get_mut(*from..from + bits).ok_or_else(wrong)?;
            assign(l, meta, part, rest, value)
        }
        Step::Index { index, bits, .. } if known_index(index).is_some() => {
            let i = known_index(index).unwrap_or_default();
            match target.get_mut(i.saturating_mul(*bits)..i.saturating_add(1).saturating_mul(*bits)) {
                Some(element) => assign(l, meta, element, rest, value),
                None => Ok(()),
            }
        }
        Step::Index { bits: 0, .. } => Ok(()),
        Step::Index { index, length, bits } => {
            let index = Words::single(significant(index, *length));
            let here = l.gates(meta, |f| f.one_hot(&index, *length))?;
            for (element, here) in target.chunks_exact_mut(*bits).zip(here) {
                let mut changed = element.to_vec();
                assign(l, meta, &mut changed, rest, value)?;
                element.copy_from_slice(&l.select(meta, here, &changed, element)?);
            }
            Ok(())
        }
    }
}
