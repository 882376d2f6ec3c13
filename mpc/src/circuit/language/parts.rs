//! What a part of a source consists of, one step down, in the order of the text: the one list of what the syntax tree has.
//!
//! ```text
//! let (a, b) = f(x);       a pattern, an expression          (a, b)    two patterns, each a name
//! total[i] = 1;            a name, an expression (the index), an expression
//! ```
//!
//! Functions and fields are no names here, nor are constants that stand for a length.

use garble_lang::ast::{
    Accessor, BuiltInFnCall, ExprEnum, Pattern, PatternEnum, StmtEnum, Type, VariantExprEnum,
};
use garble_lang::{TypedExpr, TypedPattern, TypedStmt};

/// The same list for parts that are read, and for parts that are changed.
macro_rules! parts {
    ($(#[$about:meta])* $part:ident, $iter:ident $(, $mut:tt)?) => {
        $(#[$about])*
        pub(super) enum $part<'e> {
            /// A variable, where it is bound, read, or assigned.
            Name(&'e $($mut)? String),
            /// What a value is taken apart by.
            Pattern(&'e $($mut)? TypedPattern),
            /// A value.
            Expression(&'e $($mut)? TypedExpr),
            /// A statement.
            Statement(&'e $($mut)? TypedStmt),
        }

        impl<'e> $part<'e> {
            /// Its parts.
            pub(super) fn parts(self) -> Vec<Self> {
                match self {
                    Self::Name(_) => Vec::new(),
                    Self::Pattern(Pattern(pattern, ..)) => Self::of_pattern(pattern),
                    Self::Expression(expression) => Self::of_expression(&$($mut)? expression.inner),
                    Self::Statement(statement) => Self::of_statement(&$($mut)? statement.inner),
                }
            }

            fn of_pattern(pattern: &'e $($mut)? PatternEnum<Type>) -> Vec<Self> {
                match pattern {
                    PatternEnum::Identifier(name) => vec![Self::Name(name)],
                    PatternEnum::Tuple(parts) | PatternEnum::EnumTuple(_, _, parts) => {
                        parts.$iter().map(Self::Pattern).collect()
                    }
                    PatternEnum::Struct(_, fields) | PatternEnum::StructIgnoreRemaining(_, fields) => {
                        fields.$iter().map(|(_, part)| Self::Pattern(part)).collect()
                    }
                    PatternEnum::True
                    | PatternEnum::False
                    | PatternEnum::NumUnsigned(..)
                    | PatternEnum::NumSigned(..)
                    | PatternEnum::EnumUnit(..)
                    | PatternEnum::UnsignedInclusiveRange(..)
                    | PatternEnum::SignedInclusiveRange(..) => Vec::new(),
                }
            }

            fn of_expression(expression: &'e $($mut)? ExprEnum<Type>) -> Vec<Self> {
                match expression {
                    ExprEnum::Identifier(name) => vec![Self::Name(name)],
                    ExprEnum::ArrayLiteral(parts)
                    | ExprEnum::TupleLiteral(parts)
                    | ExprEnum::FnCall(_, parts)
                    | ExprEnum::EnumLiteral(_, _, VariantExprEnum::Tuple(parts))
                    | ExprEnum::BuiltInFnCall(BuiltInFnCall::Join { args: parts, .. }) => {
                        parts.$iter().map(Self::Expression).collect()
                    }
                    ExprEnum::StructLiteral(_, fields) => {
                        fields.$iter().map(|(_, value)| Self::Expression(value)).collect()
                    }
                    ExprEnum::Match(value, clauses) => {
                        let clauses = clauses.$iter();
                        let clauses = clauses
                            .flat_map(|(pattern, result)| [Self::Pattern(pattern), Self::Expression(result)]);
                        [Self::Expression(value)].into_iter().chain(clauses).collect()
                    }
                    ExprEnum::Op(_, first, second) | ExprEnum::ArrayAccess(first, second) => {
                        vec![Self::Expression(first), Self::Expression(second)]
                    }
                    ExprEnum::If(condition, first, second) => {
                        [condition, first, second].map(|part| Self::Expression(part)).into()
                    }
                    ExprEnum::ArrayRepeatLiteral(part, _)
                    | ExprEnum::ArrayRepeatLiteralConst(part, _)
                    | ExprEnum::TupleAccess(part, _)
                    | ExprEnum::StructAccess(part, _)
                    | ExprEnum::UnaryOp(_, part)
                    | ExprEnum::Cast(_, part) => vec![Self::Expression(part)],
                    ExprEnum::Block(statements) => statements.$iter().map(Self::Statement).collect(),
                    ExprEnum::True
                    | ExprEnum::False
                    | ExprEnum::NumUnsigned(..)
                    | ExprEnum::NumSigned(..)
                    | ExprEnum::EnumLiteral(_, _, VariantExprEnum::Unit)
                    | ExprEnum::Range(..) => Vec::new(),
                }
            }

            fn of_statement(statement: &'e $($mut)? StmtEnum<Type>) -> Vec<Self> {
                let (mut parts, body) = match statement {
                    StmtEnum::Let(pattern, _, value) => {
                        return vec![Self::Pattern(pattern), Self::Expression(value)];
                    }
                    StmtEnum::LetMut(name, _, value) => return vec![Self::Name(name), Self::Expression(value)],
                    StmtEnum::VarAssign(name, accessors, value) => {
                        let indices = accessors.$iter().filter_map(|(accessor, _)| match accessor {
                            Accessor::ArrayAccess { index, .. } => Some(Self::Expression(index)),
                            Accessor::TupleAccess { .. } | Accessor::StructAccess { .. } => None,
                        });
                        return [Self::Name(name)].into_iter().chain(indices).chain([Self::Expression(value)]).collect();
                    }
                    StmtEnum::Expr(value) => return vec![Self::Expression(value)],
                    StmtEnum::ForEachLoop(pattern, array, body) => {
                        (vec![Self::Pattern(pattern), Self::Expression(array)], body)
                    }
                    StmtEnum::JoinLoop(pattern, _, (first, second), body) => {
                        (vec![Self::Pattern(pattern), Self::Expression(first), Self::Expression(second)], body)
                    }
                };
                parts.extend(body.$iter().map(Self::Statement));
                parts
            }
        }
    };
}

parts!(
    /// A part of a source.
    Part,
    iter
);
parts!(
    /// A part of a source that may be changed.
    PartMut,
    iter_mut,
    mut
);
