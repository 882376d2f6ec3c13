//! Operators on numbers, and the conditions under which they panic.
//!
//! ```text
//! + −          one bit more than the operands; it tells whether the result fits
//! *            unsigned magnitudes modulo 2^(w+1); higher partial products are only tested for being set
//! / %          panic for a zero divisor, and for MIN / −1
//! << >>        panic for amounts of w and more
//! ```
//!
//! If no partial product `x_i y_j` with `i + j ≥ w` is set, the highest bits of the operands add up to at
//! most `w − 1`, and the product is below `2^(w+1)`, so one more bit of the product decides.

use std::rc::Rc;

use garble_lang::TypedExpr;
use garble_lang::ast::{ExprEnum, Op};
use garble_lang::token::MetaInfo;

use super::error::{CompileError, Refusal, refused};
use super::recorder::{Full, Recorder};
use super::state::{Bits, Lowering, resized};
use crate::Fancy;
use crate::circuit::netlist::Signal;
use crate::gadgets::{Arithmetic, CarrySaveAdder, Comparison, Division, Words};

/// A result, and the signal that tells whether it is wrong.
type Fallible = (Words<Signal>, Signal);

/// The gadget for a sum or a difference.
type Adder = fn(&mut Recorder, &Words<Signal>, &Words<Signal>) -> Result<Words<Signal>, Full>;

/// `x op y` of two operands of one type, which is `signed` or not.
pub(super) fn operation(
    l: &mut Lowering<'_>,
    op: Op,
    operands: [&Bits; 2],
    signed: bool,
    meta: MetaInfo,
) -> Result<Bits, CompileError> {
    let [x, y] = operands;
    l.spend(meta, x.len())?;
    let (x, y) = (Words::single(x), Words::single(y));
    if let Op::ShiftLeft | Op::ShiftRight = op {
        return shift(l, op, [&x, &y], signed, meta);
    }
    if x.width() != y.width() {
        return Err(refused(meta, Refusal::Width));
    }
    let (result, wrong) = l.gates(meta, |f| match op {
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
    l.panic_if(meta, wrong)?;
    Ok(Rc::new(result.wires().to_vec()))
}

/// `−x`, which panics for the smallest number.
pub(super) fn negate(l: &mut Lowering<'_>, meta: MetaInfo, x: &[Signal]) -> Result<Bits, CompileError> {
    let wide = Words::single(&resized(x, x.len() + 1, true));
    let (result, wrong) = l.gates(meta, |f| {
        let negative = f.negate(&wide)?;
        Ok(without_top(f, &negative, true))
    })?;
    l.panic_if(meta, wrong)?;
    Ok(Rc::new(result.wires().to_vec()))
}

fn shift(
    l: &mut Lowering<'_>,
    op: Op,
    operands: [&Words<Signal>; 2],
    signed: bool,
    meta: MetaInfo,
) -> Result<Bits, CompileError> {
    let [x, amount] = operands;
    let used = x.width().next_power_of_two().trailing_zeros() as usize;
    let (result, wrong) = l.gates(meta, |f| {
        let far = f.greater_than_constant(amount, x.width() as u128 - 1)?;
        let amount = amount.clone().truncated(used);
        let shifted = match (op, signed) {
            (Op::ShiftLeft, _) => f.shift_left(x, &amount)?,
            (_, true) => f.shift_right_signed(x, &amount)?,
            (_, false) => f.shift_right(x, &amount)?,
        };
        Ok((shifted, far.first().copied().unwrap_or_default()))
    })?;
    l.panic_if(meta, wrong)?;
    Ok(Rc::new(result.wires().to_vec()))
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

/// The result without its highest bit, and whether that bit is needed.
fn without_top(f: &mut Recorder, wide: &Words<Signal>, signed: bool) -> Fallible {
    let width = wide.width() - 1;
    let top = wide.bit(width).first().copied().unwrap_or_default();
    let below = wide.bit(width - 1).first().copied().unwrap_or_default();
    let wrong = if signed { f.xor(top, below) } else { top };
    (wide.clone().truncated(width), wrong)
}

/// `x + y` or `x − y`, computed with one bit more.
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
        // The OR of the bits of x that would give a partial product of weight 2^w or more.
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

/// `x · y` of two's complement numbers: the product of their magnitudes, with the sign.
fn product_signed(f: &mut Recorder, x: &Words<Signal>, y: &Words<Signal>) -> Result<Fallible, Full> {
    let negative = f.signs_differ(x, y);
    let (x, y) = (f.absolute(x)?, f.absolute(y)?);
    let (magnitude, wrong) = product(f, &x, &y)?;
    let result = f.negate_if(&negative, &magnitude)?;
    // A magnitude of 2^(w−1) or more fits only as the smallest number, which is negative and keeps its
    // highest bit.
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
            // With equal signs, only MIN / −1 has a quotient with the sign bit set.
            let differ = f.signs_differ(x, y).first().copied().unwrap_or_default();
            let same = f.not(differ);
            let large = f.and(same, quotient.wires().last().copied().unwrap_or_default())?;
            let wrong = or(f, &[zero, large])?;
            Ok((quotient, wrong))
        }
    }
}

/// Recognises `x < y | x == y` with the same `x` and `y`, which is how the parser represents `x <= y`; and
/// the same with `>`.
pub(super) fn comparison_or_equal<'e>(
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
