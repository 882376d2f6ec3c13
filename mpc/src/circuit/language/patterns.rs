//! Whether a value matches a pattern, and the names it binds.

use std::rc::Rc;

use garble_lang::TypedPattern;
use garble_lang::ast::{Pattern, PatternEnum, Type};
use garble_lang::token::MetaInfo;

use super::super::netlist::Signal;
use super::error::{CompileError, Refusal, refused};
use super::lower::{Bits, Lowering, known};
use super::types::{self, is_signed};
use crate::Fancy;
use crate::gadgets::{Comparison, Words};

const TRUE: Signal = Signal::Constant(true);

impl Lowering<'_> {
    /// Whether the value matches; its parts get the pattern's names in the innermost scope.
    pub(super) fn matches(&mut self, pattern: &TypedPattern, value: &Bits) -> Result<Signal, CompileError> {
        let Pattern(pattern, meta, ty) = pattern;
        let meta = *meta;
        self.spend(meta, 1 + value.len())?;
        let no = || refused(meta, Refusal::Unsupported);
        match pattern {
            PatternEnum::Identifier(name) => {
                self.bind(name, value.clone());
                Ok(TRUE)
            }
            PatternEnum::True => value.first().copied().ok_or_else(no),
            PatternEnum::False => Ok(self.not(value.first().copied().ok_or_else(no)?)),
            PatternEnum::NumUnsigned(n, _) => self.is_number(meta, value, (*n).into()),
            PatternEnum::NumSigned(n, _) => self.is_number(meta, value, (*n).into()),
            PatternEnum::UnsignedInclusiveRange(min, max, _) => {
                self.is_within(meta, value, ty, (*min).into(), (*max).into())
            }
            PatternEnum::SignedInclusiveRange(min, max, _) => {
                self.is_within(meta, value, ty, (*min).into(), (*max).into())
            }
            PatternEnum::Tuple(patterns) => {
                let Type::Tuple(types) = ty else { return Err(no()) };
                self.all_match(meta, patterns.iter().map(Some).zip(types), value)
            }
            PatternEnum::Struct(name, patterns) | PatternEnum::StructIgnoreRemaining(name, patterns) => {
                let fields = self.types.fields(name, meta)?;
                let pattern = |field: &str| patterns.iter().find(|(name, _)| name == field).map(|(_, p)| p);
                self.all_match(meta, fields.iter().map(|(field, ty)| (pattern(field), ty)), value)
            }
            PatternEnum::EnumUnit(name, variant) => self.is_variant(meta, name, variant, &[], value),
            PatternEnum::EnumTuple(name, variant, patterns) => {
                self.is_variant(meta, name, variant, patterns, value)
            }
        }
    }

    fn both(&mut self, meta: MetaInfo, a: Signal, b: Signal) -> Result<Signal, CompileError> {
        self.gates(meta, |f| f.and(a, b))
    }

    /// Parts one after the other, each with its pattern if it has one.
    fn all_match<'t>(
        &mut self,
        meta: MetaInfo,
        parts: impl Iterator<Item = (Option<&'t TypedPattern>, &'t Type)>,
        value: &[Signal],
    ) -> Result<Signal, CompileError> {
        let (mut from, mut all) = (0, TRUE);
        for (pattern, ty) in parts {
            let bits = self.types.bits(ty, meta)?;
            let part = value.get(from..from + bits).ok_or_else(|| refused(meta, Refusal::Width))?;
            from += bits;
            if let Some(pattern) = pattern {
                let matches = self.matches(pattern, &Rc::new(part.to_vec()))?;
                all = self.both(meta, all, matches)?;
            }
        }
        Ok(all)
    }

    fn is_variant(
        &mut self,
        meta: MetaInfo,
        name: &str,
        variant: &str,
        patterns: &[TypedPattern],
        value: &[Signal],
    ) -> Result<Signal, CompileError> {
        let no = || refused(meta, Refusal::Unsupported);
        let definition = self.types.variants(name, meta)?;
        let tag = types::tag(definition, variant).ok_or_else(no)?;
        let (tag_bits, fields) = value.split_at_checked(types::tag_bits(definition)).ok_or_else(no)?;
        let is_tag = self.is_number(meta, tag_bits, tag as i128)?;
        let types = types::payload(definition.variants.get(tag).ok_or_else(no)?);
        let matches = self.all_match(meta, patterns.iter().map(Some).zip(types), fields)?;
        self.both(meta, is_tag, matches)
    }

    fn is_number(&mut self, meta: MetaInfo, value: &[Signal], n: i128) -> Result<Signal, CompileError> {
        if value.is_empty() {
            return Ok(TRUE);
        }
        let (value, n) = (Words::single(value), Words::single(&known(n, value.len())));
        let equal = self.gates(meta, |f| f.equal(&value, &n))?;
        Ok(equal.first().copied().unwrap_or(TRUE))
    }

    /// `min ≤ value ≤ max`.
    fn is_within(
        &mut self,
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
        self.gates(meta, |f| {
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
}
