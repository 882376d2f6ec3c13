//! Which names statements use, bind and assign: what can be streamed, and what a loop changes, follows from
//! it.
//!
//! Scopes are not looked at: a name counts wherever it stands. That may find too many uses, never too few.

use std::collections::{BTreeMap, BTreeSet};

use garble_lang::ast::{Accessor, BuiltInFnCall, ExprEnum, Pattern, PatternEnum, StmtEnum, VariantExprEnum};
use garble_lang::{TypedExpr, TypedPattern, TypedStmt};

/// The names in some statements.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    /// How often each name is read.
    pub(super) read: BTreeMap<String, usize>,
    /// How often each name is read as an array whose index is another name.
    pub(super) indexed: BTreeMap<(String, String), usize>,
    /// How often each name is read as an array with any index.
    pub(super) accessed: BTreeMap<String, usize>,
    /// How often each name is bound.
    pub(super) bound: BTreeMap<String, usize>,
    pub(super) assigned: BTreeSet<String>,
}

impl Uses {
    pub(super) fn of(statements: &[TypedStmt]) -> Self {
        let mut uses = Self::default();
        uses.statements(statements);
        uses
    }

    pub(super) fn reads(&self, name: &str) -> usize {
        self.read.get(name).copied().unwrap_or_default()
    }

    /// How often a name is read with any index.
    pub(super) fn accesses(&self, name: &str) -> usize {
        self.accessed.get(name).copied().unwrap_or_default()
    }

    /// How often a name is read with the value of another as its index.
    pub(super) fn indexes(&self, name: &str, variable: &str) -> usize {
        self.indexed.get(&(name.to_owned(), variable.to_owned())).copied().unwrap_or_default()
    }

    /// How often a name is bound.
    pub(super) fn binds(&self, name: &str) -> usize {
        self.bound.get(name).copied().unwrap_or_default()
    }

    fn bind(&mut self, name: &str) {
        *self.bound.entry(name.to_owned()).or_default() += 1;
    }

    pub(super) fn statements(&mut self, statements: &[TypedStmt]) {
        for statement in statements {
            match &statement.inner {
                StmtEnum::Let(pattern, _, value) => {
                    self.pattern(pattern);
                    self.expression(value);
                }
                StmtEnum::LetMut(name, _, value) => {
                    self.bind(name);
                    self.expression(value);
                }
                StmtEnum::VarAssign(name, accessors, value) => {
                    self.assigned.insert(name.clone());
                    for (accessor, _) in accessors {
                        if let Accessor::ArrayAccess { index, .. } = accessor {
                            self.expression(index);
                        }
                    }
                    self.expression(value);
                }
                StmtEnum::ForEachLoop(pattern, array, body) => {
                    self.pattern(pattern);
                    self.expression(array);
                    self.statements(body);
                }
                StmtEnum::JoinLoop(pattern, _, (first, second), body) => {
                    self.pattern(pattern);
                    self.expression(first);
                    self.expression(second);
                    self.statements(body);
                }
                StmtEnum::Expr(value) => self.expression(value),
            }
        }
    }

    fn pattern(&mut self, Pattern(pattern, ..): &TypedPattern) {
        match pattern {
            PatternEnum::Identifier(name) => {
                self.bind(name);
            }
            PatternEnum::Tuple(parts) | PatternEnum::EnumTuple(_, _, parts) => {
                parts.iter().for_each(|part| self.pattern(part));
            }
            PatternEnum::Struct(_, fields) | PatternEnum::StructIgnoreRemaining(_, fields) => {
                fields.iter().for_each(|(_, part)| self.pattern(part));
            }
            PatternEnum::True
            | PatternEnum::False
            | PatternEnum::NumUnsigned(..)
            | PatternEnum::NumSigned(..)
            | PatternEnum::EnumUnit(..)
            | PatternEnum::UnsignedInclusiveRange(..)
            | PatternEnum::SignedInclusiveRange(..) => {}
        }
    }

    fn expressions<'e>(&mut self, all: impl IntoIterator<Item = &'e TypedExpr>) {
        all.into_iter().for_each(|expression| self.expression(expression));
    }

    fn expression(&mut self, expression: &TypedExpr) {
        match &expression.inner {
            ExprEnum::Identifier(name) => *self.read.entry(name.clone()).or_default() += 1,
            ExprEnum::ArrayAccess(array, index) => {
                if let (ExprEnum::Identifier(array), ExprEnum::Identifier(index)) =
                    (&array.inner, &index.inner)
                {
                    *self.indexed.entry((array.clone(), index.clone())).or_default() += 1;
                }
                if let ExprEnum::Identifier(array) = &array.inner {
                    *self.accessed.entry(array.clone()).or_default() += 1;
                }
                self.expressions([&**array, &**index]);
            }
            ExprEnum::ArrayLiteral(parts) | ExprEnum::TupleLiteral(parts) | ExprEnum::FnCall(_, parts) => {
                self.expressions(parts);
            }
            ExprEnum::BuiltInFnCall(BuiltInFnCall::Join { args, .. }) => self.expressions(args),
            ExprEnum::StructLiteral(_, fields) => self.expressions(fields.iter().map(|(_, value)| value)),
            ExprEnum::EnumLiteral(_, _, VariantExprEnum::Tuple(parts)) => self.expressions(parts),
            ExprEnum::Match(value, clauses) => {
                self.expression(value);
                for (pattern, result) in clauses {
                    self.pattern(pattern);
                    self.expression(result);
                }
            }
            ExprEnum::Op(_, first, second) => self.expressions([&**first, &**second]),
            ExprEnum::If(condition, first, second) => {
                self.expressions([&**condition, &**first, &**second]);
            }
            ExprEnum::ArrayRepeatLiteral(part, _)
            | ExprEnum::ArrayRepeatLiteralConst(part, _)
            | ExprEnum::TupleAccess(part, _)
            | ExprEnum::StructAccess(part, _)
            | ExprEnum::UnaryOp(_, part)
            | ExprEnum::Cast(_, part) => self.expression(part),
            ExprEnum::Block(statements) => self.statements(statements),
            ExprEnum::True
            | ExprEnum::False
            | ExprEnum::NumUnsigned(..)
            | ExprEnum::NumSigned(..)
            | ExprEnum::EnumLiteral(_, _, VariantExprEnum::Unit)
            | ExprEnum::Range(..) => {}
        }
    }
}
