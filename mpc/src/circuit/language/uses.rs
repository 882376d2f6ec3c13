//! Which names statements use, bind and assign: what can be streamed, and what a loop changes, follows from
//! it.
//!
//! Scopes are not looked at: a name counts wherever it stands. That may find too many uses, never too few.

use std::collections::{BTreeMap, BTreeSet};

use garble_lang::ast::{Accessor, ExprEnum, Op, StmtEnum};
use garble_lang::{TypedExpr, TypedPattern, TypedStmt};

use super::parts::Part;

/// The names in some statements.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    /// How often each name is read.
    pub(super) read: BTreeMap<String, usize>,
    /// How often each name is read as an array whose index is another name, or that plus a number.
    indexed: BTreeMap<Indexed, usize>,
    /// How often each name is read as an array with any index.
    pub(super) accessed: BTreeMap<String, usize>,
    /// How often each name is bound.
    pub(super) bound: BTreeMap<String, usize>,
    /// How often each name is assigned, or a part of it.
    assigned: BTreeMap<String, usize>,
    /// How often a place of each name is assigned whose index is another name.
    assigned_at: BTreeMap<(String, String), usize>,
    /// The names in other indices.
    in_index: BTreeSet<String>,
    /// Names that are bound or assigned, and those in the value, but for indices of rows.
    flows: Vec<(BTreeSet<String>, BTreeSet<String>)>,
}

/// A row of an array by a variable, or by one plus a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Indexed {
    pub(super) array: String,
    pub(super) variable: String,
    pub(super) offset: i64,
}

/// The names that a pattern binds.
fn names(pattern: &TypedPattern) -> BTreeSet<String> {
    let mut uses = Uses::default();
    uses.pattern(pattern);
    uses.bound.into_keys().collect()
}

/// `variable`, `variable + number` or `variable - number`.
pub(super) fn offset(index: &TypedExpr) -> Option<(&str, i64)> {
    match &index.inner {
        ExprEnum::Identifier(variable) => Some((variable, 0)),
        ExprEnum::Op(op @ (Op::Add | Op::Sub), variable, number) => {
            let (ExprEnum::Identifier(variable), ExprEnum::NumUnsigned(number, _)) =
                (&variable.inner, &number.inner)
            else {
                return None;
            };
            let number = i64::from(u32::try_from(*number).ok()?);
            Some((variable, if *op == Op::Add { number } else { -number }))
        }
        _ => None,
    }
}

impl Uses {
    pub(super) fn of(statements: &[TypedStmt]) -> Self {
        let mut uses = Self::default();
        uses.statements(statements);
        uses
    }

    /// One use of a name.
    pub(super) fn of_name(name: &str) -> Self {
        Self { read: BTreeMap::from([(name.to_owned(), 1)]), ..Self::default() }
    }

    /// Whether a name is read or assigned.
    pub(super) fn names(&self, name: &str) -> bool {
        self.reads(name) > 0 || self.assigns(name) > 0
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
        let row = Indexed { array: name.to_owned(), variable: variable.to_owned(), offset: 0 };
        self.indexed.get(&row).copied().unwrap_or_default()
    }

    /// The rows that are read by a variable, and how often.
    pub(super) fn rows_by(&self, variable: &str) -> impl Iterator<Item = (&Indexed, usize)> {
        self.indexed.iter().filter(move |(row, _)| row.variable == variable).map(|(row, times)| (row, *times))
    }

    /// How often a name or a part of it is assigned.
    pub(super) fn assigns(&self, name: &str) -> usize {
        self.assigned.get(name).copied().unwrap_or_default()
    }

    /// The names of which a place is assigned whose index is the value of a variable, and how often.
    pub(super) fn assigned_by(&self, variable: &str) -> impl Iterator<Item = (&String, usize)> {
        let by = self.assigned_at.iter().filter(move |((_, by), _)| by == variable);
        by.map(|((name, _), times)| (name, *times))
    }

    /// Whether an index follows from a name, other than one that is the name plus a number.
    pub(super) fn index_follows_from(&self, name: &str) -> bool {
        let mut known = BTreeSet::from([name.to_owned()]);
        loop {
            let follows = self.flows.iter().filter(|(_, from)| !from.is_disjoint(&known));
            let all: BTreeSet<String> =
                follows.flat_map(|(to, _)| to.iter().cloned()).chain(known.clone()).collect();
            if all.len() == known.len() {
                break;
            }
            known = all;
        }
        let indexes = |other: &String| other != name && self.rows_by(other).next().is_some();
        known.iter().any(|other| self.in_index.contains(other) || indexes(other))
    }

    /// Whether anything is assigned.
    pub(super) fn has_assignments(&self) -> bool {
        !self.assigned.is_empty()
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
                StmtEnum::Let(pattern, _, value) | StmtEnum::ForEachLoop(pattern, value, _) => {
                    self.flow(names(pattern), value);
                }
                StmtEnum::LetMut(name, _, value) => {
                    self.flow(BTreeSet::from([name.clone()]), value);
                    self.bind(name);
                }
                StmtEnum::VarAssign(name, accessors, value) => {
                    *self.assigned.entry(name.clone()).or_default() += 1;
                    for (at, (accessor, _)) in accessors.iter().enumerate() {
                        let Accessor::ArrayAccess { index, .. } = accessor else { continue };
                        match &index.inner {
                            ExprEnum::Identifier(variable) if at == 0 => {
                                let place = (name.clone(), variable.clone());
                                *self.assigned_at.entry(place).or_default() += 1;
                            }
                            _ => self.index(index),
                        }
                    }
                    self.flow(BTreeSet::from([name.clone()]), value);
                }
                StmtEnum::JoinLoop(..) | StmtEnum::Expr(_) => {}
            }
            self.parts(Part::Statement(statement));
        }
    }

    /// What is in the parts of a part.
    fn parts(&mut self, part: Part<'_>) {
        for part in part.parts() {
            match part {
                // Where it matters whether it is bound, read or assigned, it was counted there.
                Part::Name(_) => {}
                Part::Pattern(pattern) => self.pattern(pattern),
                Part::Expression(expression) => self.expression(expression),
                Part::Statement(statement) => self.statements(std::slice::from_ref(statement)),
            }
        }
    }

    /// The value of names.
    fn flow(&mut self, names: BTreeSet<String>, value: &TypedExpr) {
        let mut inner = Self::default();
        inner.expression(value);
        let as_row = |name: &str| inner.rows_by(name).map(|(_, times)| times).sum::<usize>();
        let from = inner.read.iter().filter(|(name, times)| **times > as_row(name));
        self.flows.push((names, from.map(|(name, _)| name.clone()).collect()));
    }

    /// An index that is more than a name plus a number.
    fn index(&mut self, index: &TypedExpr) {
        let mut inner = Self::default();
        inner.expression(index);
        self.in_index.extend(inner.read.into_keys());
    }

    fn pattern(&mut self, pattern: &TypedPattern) {
        for part in Part::Pattern(pattern).parts() {
            match part {
                Part::Name(name) => self.bind(name),
                Part::Pattern(part) => self.pattern(part),
                Part::Expression(_) | Part::Statement(_) => {}
            }
        }
    }

    pub(super) fn expression(&mut self, expression: &TypedExpr) {
        match &expression.inner {
            ExprEnum::Identifier(name) => *self.read.entry(name.clone()).or_default() += 1,
            ExprEnum::ArrayAccess(array, index) => self.access(array, index),
            _ => {}
        }
        self.parts(Part::Expression(expression));
    }

    /// A row of an array.
    fn access(&mut self, array: &TypedExpr, index: &TypedExpr) {
        let ExprEnum::Identifier(array) = &array.inner else { return self.index(index) };
        *self.accessed.entry(array.clone()).or_default() += 1;
        let Some((variable, offset)) = offset(index) else { return self.index(index) };
        let row = Indexed { array: array.clone(), variable: variable.to_owned(), offset };
        *self.indexed.entry(row).or_default() += 1;
    }
}
