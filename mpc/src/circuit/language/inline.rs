//! Functions that work on tables, written out in `main`, where loops over tables are not unrolled.
//!
//! ```text
//! let paid = sum(rows, 2u32) + 1u32;          let of#1 = 2u32;
//!                                             let mut total#1 = 0u32;
//! fn sum(rows: [Row; 1000], of: u32) -> u32   for row#1 in rows { … }
//!                                             let sum#1 = total#1;
//!                                             let paid = sum#1 + 1u32;
//! ```
//!
//! A call is written out if it is evaluated whenever its statement of `main` is, takes an array with enough elements for
//! a table, and nothing in the statement assigns. An argument that is a name stands for the parameter itself, unless the
//! function changes or hides it; any other is bound before. All names of the function get a number, which no name of a source has,
//! so none hides another. Panics add up in any order, so it does not matter that arguments are computed earlier.
//!
//! The same values are computed as by calls, in the same order. It is done only where it makes some array a table.

use std::collections::BTreeMap;

use garble_lang::ast::{ExprEnum, Mutability, Op, ParamDef, Pattern, PatternEnum, StmtEnum};
use garble_lang::{TypedExpr, TypedFnDef, TypedPattern, TypedStmt};

use super::parts::PartMut;
use super::rows::FEWEST;
use super::sorting::sort_key;
use super::types::Types;
use super::uses::Uses;

/// The most calls that are written out, and the most expressions of their functions.
const MOST_CALLS: usize = 64;
const MOST_EXPRESSIONS: usize = 1 << 16;

/// `main` with calls written out; `None` if there are none, or too many.
pub(super) fn inlined(types: &Types<'_>, main: &TypedFnDef) -> Option<TypedFnDef> {
    let mut inliner = Inliner { types, calls: 0, expressions: 0 };
    let mut waiting: Vec<TypedStmt> = main.body.iter().rev().cloned().collect();
    let mut body = Vec::new();
    while let Some(mut statement) = waiting.pop() {
        match inliner.first(&mut statement) {
            // The statement comes again, with what is left of it.
            Some(written) => waiting.extend([statement].into_iter().chain(written.into_iter().rev())),
            None => body.push(statement),
        }
        if inliner.calls > MOST_CALLS || inliner.expressions > MOST_EXPRESSIONS {
            return None;
        }
    }
    let parts = TypedFnDef { body, ..main.clone() };
    (inliner.calls > 0).then_some(parts)
}

struct Inliner<'t, 'p> {
    types: &'t Types<'p>,
    calls: usize,
    expressions: usize,
}

impl Inliner<'_, '_> {
    /// Writes out the first call of a statement: what comes before the statement, in which a value takes its place.
    fn first(&mut self, statement: &mut TypedStmt) -> Option<Vec<TypedStmt>> {
        let value = match &mut statement.inner {
            StmtEnum::Let(_, _, value) | StmtEnum::LetMut(_, _, value) | StmtEnum::Expr(value) => value,
            StmtEnum::VarAssign(_, accessors, value) if accessors.is_empty() => value,
            StmtEnum::ForEachLoop(_, array, _) => array,
            StmtEnum::VarAssign(..) | StmtEnum::JoinLoop(..) => return None,
        };
        let mut uses = Uses::default();
        uses.expression(value);
        if uses.has_assignments() {
            return None;
        }
        let call = self.call(value)?;
        let ExprEnum::FnCall(name, arguments) = &call.inner else { return None };
        let function = self.types.program.fn_defs.get(name)?;
        self.calls += 1;
        let mut names = Names { number: self.calls, new: BTreeMap::new(), expressions: 0 };
        let (written, result) = names.written(function, arguments)?;
        self.expressions += names.expressions;
        *call = result;
        Some(written)
    }

    /// The first call in an expression that is to be written out and is always evaluated.
    fn call<'e>(&self, expression: &'e mut TypedExpr) -> Option<&'e mut TypedExpr> {
        if self.is_call(expression) {
            return Some(expression);
        }
        let always = match &expression.inner {
            ExprEnum::Op(Op::ShortCircuitAnd | Op::ShortCircuitOr, ..)
            | ExprEnum::If(..)
            | ExprEnum::Match(..) => 1,
            _ => usize::MAX,
        };
        let values = PartMut::Expression(expression).parts().into_iter().filter_map(|part| match part {
            PartMut::Expression(value) => Some(value),
            PartMut::Name(_) | PartMut::Pattern(_) | PartMut::Statement(_) => None,
        });
        values.take(always).find_map(|value| self.call(value))
    }

    fn is_call(&self, expression: &TypedExpr) -> bool {
        let ExprEnum::FnCall(name, _) = &expression.inner else { return false };
        let Some(function) = self.types.program.fn_defs.get(name) else { return false };
        let is_large = |parameter: &ParamDef| {
            self.types.array(&parameter.ty, function.meta).is_ok_and(|(_, elements)| elements >= FEWEST)
        };
        let constants = &self.types.program.const_defs;
        let hides_constant =
            || Uses::of(&function.body).bound.keys().any(|name| constants.contains_key(name));
        function.params.iter().any(is_large) && sort_key(self.types, function).is_none() && !hides_constant()
    }
}

/// The names of a function that is written out.
struct Names {
    number: usize,
    new: BTreeMap<String, String>,
    expressions: usize,
}

impl Names {
    /// The statements of a call, and its value.
    fn written(
        &mut self,
        function: &TypedFnDef,
        arguments: &[TypedExpr],
    ) -> Option<(Vec<TypedStmt>, TypedExpr)> {
        let (uses, meta) = (Uses::of(&function.body), function.meta);
        let mut written = Vec::new();
        for (parameter, argument) in function.params.iter().zip(arguments) {
            let name = &parameter.name;
            let is_changed = parameter.mutability == Mutability::Mutable || uses.binds(name) > 0;
            let known = if let ExprEnum::Identifier(known) = &argument.inner { Some(known) } else { None };
            if let Some(known) = known.filter(|_| !is_changed) {
                self.new.insert(name.clone(), known.clone());
                continue;
            }
            let new = self.fresh(name);
            self.new.insert(name.clone(), new.clone());
            let bound = match parameter.mutability {
                Mutability::Mutable => StmtEnum::LetMut(new, None, argument.clone()),
                Mutability::Immutable => StmtEnum::Let(named(new, argument), None, argument.clone()),
            };
            written.push(TypedStmt::new(bound, argument.meta));
        }
        for name in uses.bound.keys() {
            let new = self.fresh(name);
            self.new.entry(name.clone()).or_insert(new);
        }
        let mut body = function.body.clone();
        body.iter_mut().for_each(|statement| self.rename(PartMut::Statement(statement)));
        let value = match body.pop()?.inner {
            StmtEnum::Expr(value) => value,
            _ => return None,
        };
        written.extend(body);
        // A value that is a name stays one: it may be a table.
        if matches!(value.inner, ExprEnum::Identifier(_)) {
            return Some((written, value));
        }
        let result = self.fresh(&function.identifier);
        let place = TypedExpr { inner: ExprEnum::Identifier(result.clone()), meta, ty: value.ty.clone() };
        let bound = StmtEnum::Let(named(result, &value), None, value);
        written.push(TypedStmt::new(bound, meta));
        Some((written, place))
    }

    /// A name that no source has.
    fn fresh(&self, name: &str) -> String {
        format!("{name}#{}", self.number)
    }

    /// Gives all names in a part their numbers.
    fn rename(&mut self, part: PartMut<'_>) {
        match part {
            PartMut::Name(name) => {
                if let Some(new) = self.new.get(name) {
                    name.clone_from(new);
                }
            }
            PartMut::Expression(_) | PartMut::Pattern(_) | PartMut::Statement(_) => {
                self.expressions += usize::from(matches!(part, PartMut::Expression(_)));
                part.parts().into_iter().for_each(|part| self.rename(part));
            }
        }
    }
}

/// A pattern that binds a value to a name.
fn named(name: String, value: &TypedExpr) -> TypedPattern {
    Pattern(PatternEnum::Identifier(name), value.meta, value.ty.clone())
}
