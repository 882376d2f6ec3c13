//! The widths of types, and the values of constants.
//!
//! ```text
//! bool 1 · u8…u64, i8…i64 as named · usize 32 · array, tuple, struct: their parts, one after the other
//! enum     number of the variant, in as few bits as needed ‖ fields of the variant, and zeros up to the largest
//! ```
//!
//! Numbers have their lowest bit first.

use std::collections::BTreeMap;

use garble_lang::TypedProgram;
use garble_lang::ast::{ConstExpr, ConstExprEnum, EnumDef, Type, Variant};
use garble_lang::token::{MetaInfo, SignedNumType, UnsignedNumType};

use super::declared::DeclaredFields;
use super::error::{CompileError, ConstantProblem, Refusal, refused, too_large};
use super::value::{Case, Leaf, LeafKind};
use crate::number::Number;

/// The largest number of numbers in a row.
const MAX_COLUMNS: usize = 4096;

/// The deepest nesting of types.
const MAX_NESTING: usize = 64;

/// The definitions of a program and the values of its constants.
pub(super) struct Types<'p> {
    pub(super) program: &'p TypedProgram,
    declared: &'p DeclaredFields,
    constants: BTreeMap<String, i128>,
    /// The largest number of bits of a value.
    pub(super) most_bits: usize,
}

impl<'p> Types<'p> {
    /// Evaluates the constants in the order of the source; each may use constants of parties and those before
    /// it.
    pub(super) fn new(
        program: &'p TypedProgram,
        declared: &'p DeclaredFields,
        given: &BTreeMap<String, i128>,
        most_bits: usize,
    ) -> Result<Self, CompileError> {
        let mut types = Self { program, declared, constants: BTreeMap::new(), most_bits };
        for (party, constants) in &program.const_deps {
            for (name, (ty, _)) in constants {
                let name = format!("{party}::{name}");
                let problem = |problem| CompileError::Constant { name: name.clone(), problem };
                let value = *given.get(&name).ok_or_else(|| problem(ConstantProblem::Missing))?;
                if !number(ty).is_some_and(|number| number.holds(value)) {
                    return Err(problem(ConstantProblem::Range));
                }
                types.constants.insert(name, value);
            }
        }
        if let Some(name) = given.keys().find(|name| !types.constants.contains_key(*name)) {
            return Err(CompileError::Constant { name: name.clone(), problem: ConstantProblem::Unused });
        }
        let mut definitions: Vec<_> = program.const_defs.iter().collect();
        definitions.sort_by_key(|(_, definition)| definition.meta);
        for (name, definition) in definitions {
            let value = types.value(&definition.value)?;
            if !number(&definition.ty).is_some_and(|number| number.holds(value)) {
                return Err(refused(definition.meta, Refusal::Constant));
            }
            types.constants.insert(name.clone(), value);
        }
        Ok(types)
    }

    /// The value of a constant and its width.
    pub(super) fn constant(&self, name: &str) -> Option<(i128, usize)> {
        let definition = self.program.const_defs.get(name)?;
        Some((*self.constants.get(name)?, number(&definition.ty)?.width()))
    }

    /// The value of a constant expression.
    fn value(&self, ConstExpr(expression, meta): &ConstExpr) -> Result<i128, CompileError> {
        let missing = || refused(*meta, Refusal::Constant);
        let all = |expressions: &[ConstExpr]| {
            expressions.iter().map(|expression| self.value(expression)).collect::<Result<Vec<_>, _>>()
        };
        match expression {
            ConstExprEnum::True => Ok(1),
            ConstExprEnum::False => Ok(0),
            ConstExprEnum::NumUnsigned(n, _) => Ok((*n).into()),
            ConstExprEnum::NumSigned(n, _) => Ok((*n).into()),
            ConstExprEnum::ExternalValue { party, identifier } => {
                self.constants.get(&format!("{party}::{identifier}")).copied().ok_or_else(missing)
            }
            ConstExprEnum::ConstExprIdent(name) => self.constants.get(name).copied().ok_or_else(missing),
            ConstExprEnum::Max(expressions) => all(expressions)?.into_iter().max().ok_or_else(missing),
            ConstExprEnum::Min(expressions) => all(expressions)?.into_iter().min().ok_or_else(missing),
            ConstExprEnum::Add(a, b) => self.value(a)?.checked_add(self.value(b)?).ok_or_else(missing),
            ConstExprEnum::Sub(a, b) => self.value(a)?.checked_sub(self.value(b)?).ok_or_else(missing),
        }
    }

    /// The value of a constant that is used as a size.
    pub(super) fn size(&self, name: &str, meta: MetaInfo) -> Result<usize, CompileError> {
        let value = self.constants.get(name).copied().unwrap_or(-1);
        usize::try_from(value).map_err(|_| refused(meta, Refusal::Constant))
    }

    /// The element type and the length of an array type.
    pub(super) fn array<'t>(&self, ty: &'t Type, meta: MetaInfo) -> Result<(&'t Type, usize), CompileError> {
        match ty {
            Type::Array(element, length) => Ok((element, *length)),
            Type::ArrayConst(element, name) => Ok((element, self.size(name, meta)?)),
            Type::ArrayConstExpr(element, length) => {
                let length = usize::try_from(self.value(length)?);
                Ok((element, length.map_err(|_| refused(meta, Refusal::Constant))?))
            }
            _ => Err(refused(meta, Refusal::Unsupported)),
        }
    }

    /// The fields of a struct.
    pub(super) fn fields(&self, name: &str, meta: MetaInfo) -> Result<&'p [(String, Type)], CompileError> {
        let definition = self.program.struct_defs.get(name);
        definition.map(|definition| &definition.fields[..]).ok_or_else(|| refused(meta, Refusal::Unsupported))
    }

    /// The variants of an enum.
    pub(super) fn variants(&self, name: &str, meta: MetaInfo) -> Result<&'p EnumDef, CompileError> {
        self.program.enum_defs.get(name).ok_or_else(|| refused(meta, Refusal::Unsupported))
    }

    /// The number of bits of a value.
    pub(super) fn bits(&self, ty: &Type, meta: MetaInfo) -> Result<usize, CompileError> {
        self.nested_bits(ty, meta, 0)
    }

    fn nested_bits(&self, ty: &Type, meta: MetaInfo, depth: usize) -> Result<usize, CompileError> {
        if depth > MAX_NESTING {
            return Err(refused(meta, Refusal::Recursive));
        }
        let sum = |types: &mut dyn Iterator<Item = &Type>| {
            let mut sum = 0usize;
            for ty in types {
                sum = sum.saturating_add(self.nested_bits(ty, meta, depth + 1)?);
            }
            Ok(sum)
        };
        let bits = match ty {
            Type::Array(..) | Type::ArrayConst(..) | Type::ArrayConstExpr(..) => {
                let (element, length) = self.array(ty, meta)?;
                self.nested_bits(element, meta, depth + 1)?.saturating_mul(length)
            }
            Type::Tuple(types) => sum(&mut types.iter())?,
            Type::Struct(name) => sum(&mut self.fields(name, meta)?.iter().map(|(_, ty)| ty))?,
            Type::Enum(name) => {
                let definition = self.variants(name, meta)?;
                let mut largest = 0usize;
                for variant in &definition.variants {
                    largest = largest.max(sum(&mut payload(variant).iter())?);
                }
                largest.saturating_add(tag_bits(definition))
            }
            _ => number(ty).ok_or_else(|| refused(meta, Refusal::Unsupported))?.width(),
        };
        if bits > self.most_bits { Err(too_large(meta, self.most_bits, bits)) } else { Ok(bits) }
    }

    /// Lists the numbers that a value consists of, with their paths, in the order of their bits, and what that order
    /// is in the source. An enum is the number of its variant, followed by the fields of each variant, which share
    /// their bits.
    pub(super) fn leaves(
        &self,
        path: &str,
        ty: &Type,
        meta: MetaInfo,
        leaves: &mut Leaves,
    ) -> Result<(), CompileError> {
        if leaves.all.len() >= MAX_COLUMNS {
            return Err(refused(meta, Refusal::TooManyColumns(MAX_COLUMNS)));
        }
        match ty {
            Type::Array(..) | Type::ArrayConst(..) | Type::ArrayConstExpr(..) => {
                let (element, length) = self.array(ty, meta)?;
                for i in 0..length {
                    self.leaves(&format!("{path}[{i}]"), element, meta, leaves)?;
                }
            }
            Type::Tuple(types) => {
                for (i, ty) in types.iter().enumerate() {
                    self.leaves(&within(path, i), ty, meta, leaves)?;
                }
            }
            Type::Struct(name) => {
                // The front end sorts the fields of a struct by their names.
                let (mut parts, before) = (Vec::new(), std::mem::take(&mut leaves.order));
                for (field, ty) in self.fields(name, meta)? {
                    self.leaves(&within(path, field), ty, meta, leaves)?;
                    parts.push((self.declared.rank(name, field), std::mem::take(&mut leaves.order)));
                }
                parts.sort_by_key(|(rank, _)| *rank);
                leaves.order = before;
                leaves.order.extend(parts.into_iter().flat_map(|(_, order)| order));
            }
            Type::Enum(name) => self.variant_leaves(path, name, meta, leaves)?,
            _ => {
                let number = number(ty).ok_or_else(|| refused(meta, Refusal::Unsupported))?;
                let kind = if *ty == Type::Bool { LeafKind::Bool } else { LeafKind::Number };
                leaves.push(path, number, kind);
            }
        }
        Ok(())
    }

    fn variant_leaves(
        &self,
        path: &str,
        name: &str,
        meta: MetaInfo,
        leaves: &mut Leaves,
    ) -> Result<(), CompileError> {
        let definition = self.variants(name, meta)?;
        let (tag, begin, outer) = (leaves.all.len(), leaves.bits, leaves.case);
        let last = definition.variants.len().saturating_sub(1);
        let names = definition.variants.iter().map(|variant| variant_name(variant).to_owned()).collect();
        leaves.push(path, Number::up_to(last as u128), LeafKind::Variant(names));
        for (number, variant) in definition.variants.iter().enumerate() {
            let (fields, path) = (payload(variant), within(path, variant_name(variant)));
            (leaves.bits, leaves.case) = (begin + tag_bits(definition), Some(Case { tag, variant: number }));
            for (i, ty) in fields.iter().enumerate() {
                let field = if fields.len() == 1 { path.clone() } else { within(&path, i) };
                self.leaves(&field, ty, meta, leaves)?;
            }
        }
        (leaves.bits, leaves.case) = (begin + self.bits(&Type::Enum(name.to_owned()), meta)?, outer);
        Ok(())
    }

    /// The widths of the numbers by which a key is compared, from the first on. The fields of an enum are words.
    pub(super) fn key_widths(&self, key: &Type, meta: MetaInfo) -> Result<Vec<usize>, CompileError> {
        let mut leaves = Leaves::default();
        self.leaves("", key, meta, &mut leaves)?;
        let own: Vec<_> = leaves.all.iter().filter(|leaf| leaf.case.is_none()).collect();
        let ends = own.iter().skip(1).map(|leaf| leaf.bit).chain([leaves.bits]);
        let widths = own.iter().zip(ends).flat_map(|(leaf, end)| {
            let width = leaf.number.width();
            let rest = end.saturating_sub(leaf.bit + width);
            [width].into_iter().chain((0..rest).step_by(64).map(move |from| (rest - from).min(64)))
        });
        Ok(widths.collect())
    }
}

/// The path of a part.
fn within(path: &str, part: impl std::fmt::Display) -> String {
    if path.is_empty() { part.to_string() } else { format!("{path}.{part}") }
}

/// The numbers that a value consists of.
#[derive(Default)]
pub(super) struct Leaves {
    /// In the order of their bits.
    pub(super) all: Vec<Leaf>,
    /// Their places, in the order of the source.
    pub(super) order: Vec<usize>,
    /// The bits so far.
    pub(super) bits: usize,
    /// The variant whose fields are listed.
    case: Option<Case>,
}

impl Leaves {
    fn push(&mut self, path: &str, number: Number, kind: LeafKind) {
        self.order.push(self.all.len());
        let (bit, case) = (self.bits, self.case);
        self.bits += number.width();
        self.all.push(Leaf { path: path.into(), number, kind, bit, case });
    }
}

/// The fields of a variant.
pub(super) fn payload(variant: &Variant) -> &[Type] {
    match variant {
        Variant::Unit(_) => &[],
        Variant::Tuple(_, types) => types,
    }
}

/// The name of a variant.
fn variant_name(variant: &Variant) -> &str {
    let (Variant::Unit(name) | Variant::Tuple(name, _)) = variant;
    name
}

/// The number of a variant.
pub(super) fn tag(definition: &EnumDef, name: &str) -> Option<usize> {
    definition.variants.iter().position(|variant| variant_name(variant) == name)
}

/// The number of bits of a variant's number.
pub(super) fn tag_bits(definition: &EnumDef) -> usize {
    definition.variants.len().next_power_of_two().trailing_zeros() as usize
}

/// The range of a number or a bool; `None` for other types.
pub(super) fn number(ty: &Type) -> Option<Number> {
    let unsigned = |max: u64| Some(Number::up_to(max.into()));
    let signed = |min: i64, max: i64| Number::new(min.into(), max.into());
    match ty {
        Type::Bool => Some(Number::bit()),
        Type::Unsigned(UnsignedNumType::U8) => unsigned(u8::MAX.into()),
        Type::Unsigned(UnsignedNumType::U16) => unsigned(u16::MAX.into()),
        // An unconstrained literal is an i32, as in Rust, and has its width.
        Type::Unsigned(UnsignedNumType::U32 | UnsignedNumType::Usize | UnsignedNumType::Unspecified) => {
            unsigned(u32::MAX.into())
        }
        Type::Unsigned(UnsignedNumType::U64) => unsigned(u64::MAX),
        Type::Signed(SignedNumType::I8) => signed(i8::MIN.into(), i8::MAX.into()),
        Type::Signed(SignedNumType::I16) => signed(i16::MIN.into(), i16::MAX.into()),
        Type::Signed(SignedNumType::I32 | SignedNumType::Unspecified) => {
            signed(i32::MIN.into(), i32::MAX.into())
        }
        Type::Signed(SignedNumType::I64) => signed(i64::MIN, i64::MAX),
        _ => None,
    }
}

/// Whether numbers of this type are in two's complement.
pub(super) fn is_signed(ty: &Type) -> bool {
    matches!(ty, Type::Signed(_))
}
