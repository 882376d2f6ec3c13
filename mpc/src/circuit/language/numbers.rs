//! Operators on numbers, and when they panic.
//!
//! ```text
//! + −          one bit more than the operands, which says whether the result fits
//! *            unsigned magnitudes modulo 2^(w+1); partial products above that are only tested for being there
//! / %          zero divisors panic, and MIN / −1
//! << >>        amounts of w and more panic
//! ```
//!
//! If no partial product `x_i y_j` with `i + j ≥ w` is there, the highest bits add to at most `w − 1` and the product is below
//! `2^(w+1)`, so that one more bit of it decides.

use std::rc::Rc;

use garble_lang::TypedExpr;
use garble_lang::ast::{ExprEnum, Op};
use garble_lang::token::MetaInfo;

use super::super::netlist::Signal;
use super::error::{CompileError, Refusal, refused};
use super::lower::{Bits, Lowering, resized};
use super::recorder::{Full, Recorder};
use super::types::is_signed;
use crate::Fancy;
use crate::gadgets::{Arithmetic, CarrySaveAdder, Comparison, Division, Words};

/// A result and whether it is wrong.
type Fallible = (Words<Signal>, Signal);

/// A sum or a difference.
type Adder = fn(&mut Recorder, &Words<Signal>, &Words<Signal>) -> Result<Words<Signal>, Full>;

impl Lowering<'_> {
    /// `x op y`.
    pub(super) fn operation(
        &mut self,
        op: Op,
        x: &TypedExpr,
        y: &TypedExpr,
        meta: MetaInfo,
    ) -> Result<Bits, CompileError> {
        if let Some((strict, a, b)) = comparison_or_equal(op, x, y) {
            // x ≤ y is not x > y.
            let flipped = if strict == Op::LessThan { Op::GreaterThan } else { Op::LessThan };
            let greater = self.operation(flipped, a, b, meta)?;
            return Ok(Rc::new(greater.iter().map(|bit| self.not(*bit)).collect()));
        }
        let signed = is_signed(&x.ty);
        let (x, y) = (self.expression(x)?, self.expression(y)?);
        self.spend(meta, x.len())?;
        let (x, y) = (Words::single(&x), Words::single(&y));
        if let Op::ShiftLeft | Op::ShiftRight = op {
            return self.shift(op, &x, &y, signed, meta);
        }
        if x.width() != y.width() {
            return Err(refused(meta, Refusal::Width));
        }
        let (result, wrong) = self.gates(meta, |f| match op {
            Op::Add => sum(f, &x, &y, signed, Recorder::add),
            Op::Sub => sum(f, &x, &y, signed, Recorder::subtract),
            Op::Mul if signed => product_signed(f, &x, &y),
            Op::Mul => product(f, &x, &y),
            Op::Div | Op::Mod => quotient(f, op, &x, &y, signed),
            Op::GreaterThan if signed => bit(f.greater_signed(&x, &y)?),
            Op::GreaterThan => bit(f.greater(&x, &y)?),
            Op::LessThan if signed => bit(f.greater_signed(&y, &x)?),
            Op::LessThan => bit(f.greater(&y, &x)?),
            Op::Eq => bit(f.equal(&x, &y)?),
            Op::NotEq => {
                let equal = f.equal(&x, &y)?;
                bit(equal.into_iter().map(|equal| f.not(equal)).collect())
            }
            Op::BitAnd | Op::BitOr => both_or_either(f, op, &x, &y),
            _ => {
                let mut xor = x.wires().to_vec();
                f.xor_n(x.wires(), y.wires(), &mut xor);
                bit(xor)
            }
        })?;
        self.panic_if(meta, wrong)?;
        Ok(Rc::new(result.wires().to_vec()))
    }

    /// `−x`, which panics for the lowest number.
    pub(super) fn negate(&mut self, meta: MetaInfo, x: &[Signal]) -> Result<Bits, CompileError> {
        let wide = Words::single(&resized(x, x.len() + 1, true));
        let (result, wrong) = self.gates(meta, |f| {
            let negative = f.negate(&wide)?;
            Ok(without_top(f, &negative, true))
        })?;
        self.panic_if(meta, wrong)?;
        Ok(Rc::new(result.wires().to_vec()))
    }

    fn shift(
        &mut self,
        op: Op,
        x: &Words<Signal>,
        amount: &Words<Signal>,
        signed: bool,
        meta: MetaInfo,
    ) -> Result<Bits, CompileError> {
        let used = x.width().next_power_of_two().trailing_zeros() as usize;
        let (result, wrong) = self.gates(meta, |f| {
            let far = f.greater_than_constant(amount, x.width() as u128 - 1)?;
            let amount = amount.clone().truncated(used);
            let shifted = match (op, signed) {
                (Op::ShiftLeft, _) => f.shift_left(x, &amount)?,
                (_, true) => f.shift_right_signed(x, &amount)?,
                (_, false) => f.shift_right(x, &amount)?,
            };
            Ok((shifted, far.first().copied().unwrap_or_default()))
        })?;
        self.panic_if(meta, wrong)?;
        Ok(Rc::new(result.wires().to_vec()))
    }
}

/// `x < y | x == y` of the same `x` and `y`, which the parser makes of `x <= y`; and the same with `>`.
fn comparison_or_equal<'e>(
    op: Op,
    first: &'e TypedExpr,
    second: &'e TypedExpr,
) -> Option<(Op, &'e TypedExpr, &'e TypedExpr)> {
    match (op, &first.inner, &second.inner) {
        (
            Op::BitOr,
            ExprEnum::Op(strict @ (Op::LessThan | Op::GreaterThan), x, y),
            ExprEnum::Op(Op::Eq, same_x, same_y),
        ) if x == same_x && y == same_y => Some((*strict, x, y)),
        _ => None,
    }
}

/// A result that is never wrong.
fn bit(bits: Vec<Signal>) -> Result<Fallible, Full> {
    Ok((Words::new(1, bits), Signal::default()))
}

fn both_or_either(f: &mut Recorder, op: Op, x: &Words<Signal>, y: &Words<Signal>) -> Result<Fallible, Full> {
    let either = op == Op::BitOr;
    let operand = |f: &mut Recorder, words: &Words<Signal>| match either {
        true => f.complement(words),
        false => words.clone(),
    };
    let (x, y) = (operand(f, x), operand(f, y));
    let mut both = x.wires().to_vec();
    f.and_n(x.wires(), y.wires(), &mut both)?;
    let both = Words::new(1, both);
    bit(if either { f.complement(&both) } else { both }.wires().to_vec())
}

/// The result without its highest bit, and whether that bit was needed.
fn without_top(f: &mut Recorder, wide: &Words<Signal>, signed: bool) -> Fallible {
    let width = wide.width() - 1;
    let top = wide.bit(width).first().copied().unwrap_or_default();
    let below = wide.bit(width - 1).first().copied().unwrap_or_default();
    let wrong = if signed { f.xor(top, below) } else { top };
    (wide.clone().truncated(width), wrong)
}

/// `x + y` or `x − y` with one bit more.
fn sum(
    f: &mut Recorder,
    x: &Words<Signal>,
    y: &Words<Signal>,
    signed: bool,
    add: Adder,
) -> Result<Fallible, Full> {
    let wide = |words: &Words<Signal>| Words::single(&resized(words.wires(), words.width() + 1, signed));
    let wide = add(f, &wide(x), &wide(y))?;
    Ok(without_top(f, &wide, signed))
}

fn or(f: &mut Recorder, bits: &[Signal]) -> Result<Signal, Full> {
    let none = f.is_zero(&Words::single(bits))?;
    Ok(f.not(none.first().copied().unwrap_or(Signal::Constant(true))))
}

/// `x · y` of unsigned numbers.
fn product(f: &mut Recorder, x: &Words<Signal>, y: &Words<Signal>) -> Result<Fallible, Full> {
    let width = x.width();
    let (wires, mut beyond) = (x.wires(), Vec::new());
    let mut adder = CarrySaveAdder::new(1, width + 1);
    let mut above = Signal::default();
    for (j, y_j) in y.wires().iter().enumerate() {
        // Any bit of x that would put a partial product at place w or above.
        if let Some(top) = j.checked_sub(1).and_then(|j| wires.get(width - 1 - j)) {
            above = or(f, &[above, *top])?;
            beyond.push(f.and(above, *y_j)?);
        }
        for (i, x_i) in wires[..width - j].iter().enumerate() {
            let partial = f.and(*x_i, *y_j)?;
            adder.add(i + j, [partial]);
        }
    }
    let wide = adder.finish(f)?;
    let (result, top) = without_top(f, &wide, false);
    beyond.push(top);
    let wrong = or(f, &beyond)?;
    Ok((result, wrong))
}

/// `x · y` of two's complement numbers: of their magnitudes, then with the sign.
fn product_signed(f: &mut Recorder, x: &Words<Signal>, y: &Words<Signal>) -> Result<Fallible, Full> {
    let negative = f.signs_differ(x, y);
    let (x, y) = (f.absolute(x)?, f.absolute(y)?);
    let (magnitude, wrong) = product(f, &x, &y)?;
    let result = f.negate_if(&negative, &magnitude)?;
    // 2^(w−1) and above fit only as the lowest number, which is negative and keeps its highest bit.
    let top = |words: &Words<Signal>| words.wires().last().copied().unwrap_or_default();
    let lowest = f.and(top(&result), negative.first().copied().unwrap_or_default())?;
    let not_lowest = f.not(lowest);
    let large = f.and(top(&magnitude), not_lowest)?;
    let wrong = or(f, &[wrong, large])?;
    Ok((result, wrong))
}

fn quotient(
    f: &mut Recorder,
    op: Op,
    x: &Words<Signal>,
    y: &Words<Signal>,
    signed: bool,
) -> Result<Fallible, Full> {
    let zero = f.is_zero(y)?.first().copied().unwrap_or_default();
    let (quotient, remainder) = if signed { f.divide_signed(x, y)? } else { f.divide(x, y)? };
    match (op, signed) {
        (Op::Mod, _) => Ok((remainder, zero)),
        (_, false) => Ok((quotient, zero)),
        (_, true) => {
            // Of equal signs, only MIN / −1 has a quotient that looks negative.
            let differ = f.signs_differ(x, y).first().copied().unwrap_or_default();
            let same = f.not(differ);
            let large = f.and(same, quotient.wires().last().copied().unwrap_or_default())?;
            let wrong = or(f, &[zero, large])?;
            Ok((quotient, wrong))
        }
    }
}
