//! Elements of arrays by an index that may be secret, and assignment to parts of a variable.

use std::rc::Rc;

use garble_lang::TypedExpr;
use garble_lang::token::MetaInfo;

use super::super::netlist::Signal;
use super::error::{CompileError, Refusal, refused};
use super::lower::{Bits, Lowering, Step};
use crate::gadgets::{Comparison, Selection, Words};

/// The number that these bits are, if all are known.
fn known_index(index: &[Signal]) -> Option<usize> {
    index.iter().enumerate().try_fold(0usize, |sum, (i, bit)| match bit {
        Signal::Constant(bit) => Some(sum | usize::from(*bit) << i),
        Signal::Wire(_) => None,
    })
}

/// The bits of an index that tell `length` elements apart.
fn telling(index: &[Signal], length: usize) -> &[Signal] {
    let bits = length.next_power_of_two().trailing_zeros() as usize;
    index.get(..bits).unwrap_or(index)
}

impl Lowering<'_> {
    /// Panics unless the index is below the length.
    pub(super) fn panic_out_of_bounds(
        &mut self,
        meta: MetaInfo,
        index: &[Signal],
        length: usize,
    ) -> Result<(), CompileError> {
        let Some(last) = length.checked_sub(1) else { return self.panic_if(meta, Signal::Constant(true)) };
        let index = Words::single(index);
        let beyond = self.gates(meta, |f| f.greater_than_constant(&index, last as u128))?;
        self.panic_if(meta, beyond.first().copied().unwrap_or_default())
    }

    /// `array[index]`: a tree of choices, from the lowest bit of the index.
    pub(super) fn element(
        &mut self,
        array: &TypedExpr,
        index: &TypedExpr,
        meta: MetaInfo,
    ) -> Result<Bits, CompileError> {
        let (element, length) = self.types.array(&array.ty, meta)?;
        let bits = self.types.bits(element, meta)?;
        let (array, index) = (self.expression(array)?, self.expression(index)?);
        self.panic_out_of_bounds(meta, &index, length)?;
        if let Some(i) = known_index(&index) {
            self.spend(meta, bits)?;
            let element = array.get(i * bits..(i + 1) * bits);
            return Ok(Rc::new(element.map_or_else(|| vec![Signal::default(); bits], <[_]>::to_vec)));
        }
        let mut elements: Vec<Bits> = match bits {
            0 => Vec::new(),
            bits => array.chunks_exact(bits).map(|element| Rc::new(element.to_vec())).collect(),
        };
        self.spend(meta, array.len())?;
        for bit in telling(&index, length) {
            let mut chosen = Vec::with_capacity(elements.len().div_ceil(2));
            for pair in elements.chunks(2) {
                chosen.push(match pair {
                    [even, odd] => self.select(meta, *bit, odd, even)?,
                    pair => pair.first().cloned().unwrap_or_default(),
                });
            }
            elements = chosen;
        }
        Ok(elements.pop().unwrap_or_else(|| Rc::new(vec![Signal::default(); bits])))
    }

    /// Puts the value at the place that the steps lead to; nowhere if an index is out of bounds.
    pub(super) fn assign(
        &mut self,
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
            self.spend(meta, value.len())?;
            target.copy_from_slice(value);
            return Ok(());
        };
        match step {
            Step::Field { from, bits } => {
                let part = target.get_mut(*from..from + bits).ok_or_else(wrong)?;
                self.assign(meta, part, rest, value)
            }
            Step::Index { index, bits, .. } if known_index(index).is_some() => {
                let i = known_index(index).unwrap_or_default();
                match target.get_mut(i.saturating_mul(*bits)..i.saturating_add(1).saturating_mul(*bits)) {
                    Some(element) => self.assign(meta, element, rest, value),
                    None => Ok(()),
                }
            }
            Step::Index { bits: 0, .. } => Ok(()),
            Step::Index { index, length, bits } => {
                let index = Words::single(telling(index, *length));
                let here = self.gates(meta, |f| f.one_hot(&index, *length))?;
                for (element, here) in target.chunks_exact_mut(*bits).zip(here) {
                    let mut changed = element.to_vec();
                    self.assign(meta, &mut changed, rest, value)?;
                    element.copy_from_slice(&self.select(meta, here, &changed, element)?);
                }
                Ok(())
            }
        }
    }
}
