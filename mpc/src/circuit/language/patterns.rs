//! Whether a value matches a pattern, and the names that the pattern binds.

use std::rc::Rc;

use garble_lang::TypedPattern;
use garble_lang::ast::{Pattern, PatternEnum, Type};
use garble_lang::token::MetaInfo;

use super::error::{CompileError, Refusal, refused};
use super::state::{Bits, Lowering, known};
use super::types::{self, is_signed};
use crate::Fancy;
use crate::circuit::netlist::Signal;
use crate::gadgets::{Comparison, Words};

const TRUE: Signal = Signal::Constant(true);

/// Whether the value matches; binds the pattern's names in the innermost scope.
pub(super) fn matches(
    l: &mut Lowering<'_>,
    pattern: &TypedPattern,
    value: &Bits,
) -> Result<Signal, CompileError> {
    let Pattern(pattern, meta, ty) = pattern;
    let meta = *meta;
    l.spend(meta, 1 + value.len())?;
    let no = || refused(meta, Refusal::Unsupported);
    match pattern {
        PatternEnum::Identifier(name) => {
            l.bind(name, value.clone());
            Ok(TRUE)
        }
        PatternEnum::True => value.first().copied().ok_or_else(no),
        PatternEnum::False => Ok(l.not(value.first().copied().ok_or_else(no)?)),
        PatternEnum::NumUnsigned(n, _) => is_number(l, meta, value, (*n).into()),
        PatternEnum::NumSigned(n, _) => is_number(l, meta, value, (*n).into()),
        PatternEnum::UnsignedInclusiveRange(min, max, _) => {
            is_within(l, meta, value, ty, (*min).into(), (*max).into())
        }
        PatternEnum::SignedInclusiveRange(min, max, _) => {
            is_within(l, meta, value, ty, (*min).into(), (*max).into())
        }
        PatternEnum::Tuple(patterns) => {
            let Type::Tuple(types) = ty else { return Err(no()) };
            all_match(l, meta, patterns.iter().map(Some).zip(types), value)
        }
        PatternEnum::Struct(name, patterns) | PatternEnum::StructIgnoreRemaining(name, patterns) => {
            let fields = l.types.fields(name, meta)?;
            let pattern = |field: &str| patterns.iter().find(|(name, _)| name == field).map(|(_, p)| p);
            all_match(l, meta, fields.iter().map(|(field, ty)| (pattern(field), ty)), value)
        }
        PatternEnum::EnumUnit(name, variant) => is_variant(l, meta, name, variant, &[], value),
        PatternEnum::EnumTuple(name, variant, patterns) => {
            is_variant(l, meta, name, variant, patterns, value)
        }
    }
}

fn both(l: &mut Lowering<'_>, meta: MetaInfo, a: Signal, b: Signal) -> Result<Signal, CompileError> {
    l.gates(meta, |f| f.and(a, b))
}

/// Whether consecutive parts match their patterns; a part without a pattern always does.
fn all_match<'t>(
    l: &mut Lowering<'_>,
    meta: MetaInfo,
    parts: impl Iterator<Item = (Option<&'t TypedPattern>, &'t Type)>,
    value: &[Signal],
) -> Result<Signal, CompileError> {
    let (mut from, mut all) = (0, TRUE);
    for (pattern, ty) in parts {
        let bits = l.types.bits(ty, meta)?;
        let part = value.get(from..from + bits).ok_or_else(|| refused(meta, Refusal::Width))?;
        from += bits;
        if let Some(pattern) = pattern {
            let matches = matches(l, pattern, &Rc::new(part.to_vec()))?;
            all = both(l, meta, all, matches)?;
        }
    }
    Ok(all)
}

fn is_variant(
    l: &mut Lowering<'_>,
    meta: MetaInfo,
    name: &str,
    variant: &str,
    patterns: &[TypedPattern],
    value: &[Signal],
) -> Result<Signal, CompileError> {
    let no = || refused(meta, Refusal::Unsupported);
    let definition = l.types.variants(name, meta)?;
    let tag = types::tag(definition, variant).ok_or_else(no)?;
    let (tag_bits, fields) = value.split_at_checked(types::tag_bits(definition)).ok_or_else(no)?;
    let is_tag = is_number(l, meta, tag_bits, tag as i128)?;
    let types = types::payload(definition.variants.get(tag).ok_or_else(no)?);
    let matches = all_match(l, meta, patterns.iter().map(Some).zip(types), fields)?;
    both(l, meta, is_tag, matches)
}

fn is_number(
    l: &mut Lowering<'_>,
    meta: MetaInfo,
    value: &[Signal],
    n: i128,
) -> Result<Signal, CompileError> {
    if value.is_empty() {
        return Ok(TRUE);
    }
    let (value, n) = (Words::single(value), Words::single(&known(n, value.len())));
    let equal = l.gates(meta, |f| f.equal(&value, &n))?;
    Ok(equal.first().copied().unwrap_or(TRUE))
}

/// `min ≤ value ≤ max`.
fn is_within(
    l: &mut Lowering<'_>,
    meta: MetaInfo,
    value: &[Signal],
    ty: &Type,
    min: i128,
    max: i128,
) -> Result<Signal, CompileError> {
    let (value, signed) = (Words::single(value), is_signed(ty));
    let bias = if signed { 1i128 << (value.width() - 1) } else { 0 };
    let (min, max) = (min + bias, max + bias);
    let largest = (1i128 << value.width()) - 1;
    l.gates(meta, |f| {
        let value = if signed { f.flip_sign(&value) } else { value };
        let mut within = TRUE;
        if max < 0 || min > largest {
            return Ok(Signal::Constant(false));
        }
        if max < largest {
            let above = f.greater_than_constant(&value, max as u128)?;
            within = f.not(above.first().copied().unwrap_or_default());
        }
        if min > 0 {
            let reaches = f.greater_than_constant(&value, (min - 1) as u128)?;
            within = f.and(within, reaches.first().copied().unwrap_or_default())?;
        }
        Ok(within)
    })
}
