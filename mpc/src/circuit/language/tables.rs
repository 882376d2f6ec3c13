//! Which arrays of `main` are tables, and what its statements do with them.
//!
//! ```text
//! for row in table { … }                       a loop over its rows
//! for i in a..b { … first[i] … second[i] … }   a loop over rows of several, and over those beside them: `first[i + 1]`
//! for (x, y) in join_iter(first, second) { … } a join
//! let sorted = sort(table);                    another table; `sort` is a function that sorts
//! let pairs = join(first, second);             another table: the neighbours of a join, pairs last
//! let mut new = [row; 1000];                   another table, of equal rows; `let mut new = table;`: of the same rows
//! for i in a..b { … new[i] = … }               a loop that makes its rows
//! table[index]                                 a row, by a number or by a secret index
//! table                                        the result, as the last expression
//! ```
//!
//! A table is a parameter of at least [`FEWEST`] elements, or a name bound to one of the others, if these are all the
//! uses of its name, in statements of `main` itself but for rows by an index, which may stand anywhere in it. Only
//! names decide. Other arrays are values like any other: loops over them are unrolled.
//!
//! A parameter that one loop reads once, to its end, is streamed; other tables are held in memory.

use std::collections::BTreeMap;

use garble_lang::ast::{BuiltInFnCall, ExprEnum, StmtEnum, Type};
use garble_lang::{TypedExpr, TypedFnDef, TypedPattern, TypedStmt};

use super::error::CompileError;
use super::rows::{FEWEST, RowLoop};
use super::sorting::{SortKey, identifier, sort_key};
use super::types::Types;
use super::uses::Uses;
use crate::circuit::streamed::{MAX_ELEMENTS, Reading, Size};

/// The tables of `main`, and how large its parameters are.
pub(super) struct Plan {
    /// Their names and numbers of rows.
    pub(super) names: BTreeMap<String, usize>,
    pub(super) sizes: Vec<Size>,
    /// What follows about each function that sorts.
    sorts: BTreeMap<String, SortKey>,
}

/// A statement of `main` that works on tables.
pub(super) enum Action<'s> {
    /// Binds a name to a table.
    Bind { name: &'s str, table: Expression<'s> },
    /// Binds a name to a table of so many equal rows.
    Fill { name: &'s str, row: &'s TypedExpr, rows: usize },
    /// Runs the body for each row.
    Rows { pattern: &'s TypedPattern, table: Expression<'s>, body: &'s [TypedStmt] },
    /// Runs the body for the rows from one to another of these tables.
    Index(RowLoop<'s>),
    /// Runs the body for each two rows with equal keys.
    Join(Join<'s>),
    /// Ends with a table.
    Result(Expression<'s>),
}

/// A join of two tables.
pub(super) struct Join<'s> {
    pub(super) pattern: &'s TypedPattern,
    pub(super) key: &'s Type,
    pub(super) tables: [Expression<'s>; 2],
    pub(super) body: &'s [TypedStmt],
}

/// A table, sorted by these functions, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Expression<'s> {
    pub(super) of: Origin<'s>,
    pub(super) sorts: Vec<SortKey>,
}

/// Where a table is from.
#[derive(Clone, Debug)]
pub(super) enum Origin<'s> {
    /// It has a name.
    Name(&'s str),
    /// It is the array that `join` of two tables is.
    Join(Box<Joined<'s>>),
}

/// `join(first, second)`.
#[derive(Clone, Debug)]
pub(super) struct Joined<'s> {
    pub(super) key: &'s Type,
    pub(super) tables: [Expression<'s>; 2],
    /// Whether an element has the rows of both tables, or the one that both have.
    pub(super) has_both: bool,
}

impl<'s> Expression<'s> {
    /// The names of all tables in it.
    fn names(&self) -> Vec<&'s str> {
        match &self.of {
            Origin::Name(name) => vec![name],
            Origin::Join(joined) => joined.tables.iter().flat_map(Expression::names).collect(),
        }
    }

    /// Whether it is the table of this name as it stands.
    fn is(&self, name: &str) -> bool {
        self.sorts.is_empty() && matches!(self.of, Origin::Name(of) if of == name)
    }
}

impl Plan {
    pub(super) fn of(types: &Types<'_>, main: &TypedFnDef) -> Result<Self, CompileError> {
        let sorts = types.program.fn_defs.iter();
        let sorts = sorts.filter_map(|(name, function)| Some((name.clone(), sort_key(types, function)?)));
        let mut plan = Self { names: BTreeMap::new(), sizes: Vec::new(), sorts: sorts.collect() };
        let whole = Uses::of(&main.body);
        plan.names = plan.candidates(types, main, &whole);
        loop {
            let known = plan.known_uses(main);
            let mut kept = plan.names.clone();
            kept.retain(|name, _| {
                let Known { as_table, assigned } = known.get(name).copied().unwrap_or_default();
                whole.reads(name) == whole.accesses(name) + as_table && whole.assigns(name) == assigned
            });
            // What is bound to a table that is none is none either.
            for (name, value) in main.body.iter().filter_map(bound) {
                let table = plan.table(value);
                let is_kept =
                    |table: Expression<'_>| table.names().into_iter().all(|of| kept.contains_key(of));
                if !table.map_or_else(|| repeated(value).is_some(), is_kept) {
                    kept.remove(name);
                }
            }
            if kept == plan.names {
                break;
            }
            plan.names = kept;
        }
        plan.sizes = plan.sizes(types, main, &whole)?;
        Ok(plan)
    }

    /// Whether there are tables that the other plan does not have, and all of those.
    pub(super) fn has_more_tables(&self, other: &Self) -> bool {
        self.names.len() > other.names.len() && other.names.keys().all(|name| self.names.contains_key(name))
    }

    /// Parameters with many elements, and names that are bound once, to another table or to equal rows.
    fn candidates(&self, types: &Types<'_>, main: &TypedFnDef, whole: &Uses) -> BTreeMap<String, usize> {
        let rows = |ty| {
            let (element, elements) = types.array(ty, main.meta).ok()?;
            let is_large = (FEWEST..=MAX_ELEMENTS).contains(&elements);
            (is_large && types.bits(element, main.meta).ok()? > 0).then_some(elements)
        };
        let parameters = main.params.iter().filter(|parameter| whole.binds(&parameter.name) == 0);
        let parameters = parameters.filter_map(|parameter| Some((&parameter.name, rows(&parameter.ty)?)));
        let is_parameter = |name: &String| main.params.iter().any(|parameter| parameter.name == *name);
        let others = main.body.iter().filter_map(|statement| {
            let (name, value) = bound(statement)?;
            let is_table = match &value.inner {
                ExprEnum::FnCall(function, _) => self.sorts.contains_key(function),
                ExprEnum::Identifier(_) | ExprEnum::BuiltInFnCall(_) => true,
                _ => repeated(value).is_some(),
            };
            let is_other = is_table && whole.binds(name) == 1 && !is_parameter(name);
            if is_other { Some((name, rows(&value.ty)?)) } else { None }
        });
        parameters.chain(others).map(|(name, rows)| (name.clone(), rows)).collect()
    }

    /// How often each table is used as a whole, and assigned in loops over its rows.
    fn known_uses(&self, main: &TypedFnDef) -> BTreeMap<String, Known> {
        let mut uses = BTreeMap::<String, Known>::new();
        let mut add = |table: &Expression<'_>| {
            let names = table.names().into_iter();
            names.for_each(|name| uses.entry(name.to_owned()).or_default().as_table += 1);
        };
        let actions: Vec<_> = self.actions(main).collect();
        for action in &actions {
            match action {
                Action::Bind { table, .. } | Action::Rows { table, .. } | Action::Result(table) => add(table),
                Action::Join(Join { tables, .. }) => tables.iter().for_each(&mut add),
                Action::Index(_) | Action::Fill { .. } => {}
            }
        }
        for action in actions {
            let Action::Index(rows) = action else { continue };
            for name in rows.writes {
                uses.entry(name.clone()).or_default().assigned += rows.uses.assigns(&name);
            }
        }
        uses
    }

    fn actions<'s>(&self, main: &'s TypedFnDef) -> impl Iterator<Item = Action<'s>> {
        main.body.iter().enumerate().filter_map(|(at, statement)| self.action(main, at, statement))
    }

    /// Whether the result is a table.
    pub(super) fn ends_with_table(&self, main: &TypedFnDef) -> bool {
        let last = main.body.len().wrapping_sub(1);
        let action = main.body.last().and_then(|statement| self.action(main, last, statement));
        matches!(action, Some(Action::Result(_)))
    }

    /// What a statement of `main` does with tables, if it is one of those that do.
    pub(super) fn action<'s>(
        &self,
        main: &TypedFnDef,
        at: usize,
        statement: &'s TypedStmt,
    ) -> Option<Action<'s>> {
        match &statement.inner {
            StmtEnum::Let(..) | StmtEnum::LetMut(..) => {
                let (name, value) = bound(statement)?;
                let rows = *self.names.get(name)?;
                match repeated(value) {
                    Some(row) => Some(Action::Fill { name, row, rows }),
                    None => Some(Action::Bind { name, table: self.table(value)? }),
                }
            }
            StmtEnum::ForEachLoop(pattern, array, body) => match &array.inner {
                ExprEnum::Range(..) => RowLoop::of(&self.names, statement).map(Action::Index),
                _ => Some(Action::Rows { pattern, table: self.table(array)?, body }),
            },
            StmtEnum::JoinLoop(pattern, key, (first, second), body) => {
                let tables = [self.table(first)?, self.table(second)?];
                Some(Action::Join(Join { pattern, key, tables, body }))
            }
            StmtEnum::Expr(value) if at + 1 == main.body.len() => Some(Action::Result(self.table(value)?)),
            StmtEnum::VarAssign(..) | StmtEnum::Expr(_) => None,
        }
    }

    /// A table, or a sorted one.
    fn table<'s>(&self, expression: &'s TypedExpr) -> Option<Expression<'s>> {
        match &expression.inner {
            ExprEnum::Identifier(name) => {
                let of = Origin::Name(name);
                self.names.contains_key(name).then_some(Expression { of, sorts: Vec::new() })
            }
            ExprEnum::FnCall(function, arguments) => {
                let [argument] = &arguments[..] else { return None };
                let mut table = self.table(argument)?;
                table.sorts.push(self.sorts.get(function)?.clone());
                Some(table)
            }
            ExprEnum::BuiltInFnCall(BuiltInFnCall::Join { join_ty, has_assoc_data, args }) => {
                let [first, second] = &args[..] else { return None };
                let tables = [self.table(first)?, self.table(second)?];
                let joined = Joined { key: join_ty, tables, has_both: *has_assoc_data };
                Some(Expression { of: Origin::Join(Box::new(joined)), sorts: Vec::new() })
            }
            _ => None,
        }
    }

    /// How the parameters are read.
    fn sizes(&self, types: &Types<'_>, main: &TypedFnDef, whole: &Uses) -> Result<Vec<Size>, CompileError> {
        let actions: Vec<Action<'_>> = self.actions(main).collect();
        let is_read_once = |name: &String, elements: usize| {
            actions.iter().any(|action| match action {
                Action::Rows { table, .. } => table.is(name) && whole.reads(name) == 1,
                Action::Index(rows) => {
                    (rows.from, rows.to) == (0, elements)
                        && rows.reads_only(name)
                        && rows.uses.reads(name) == whole.reads(name)
                }
                _ => false,
            })
        };
        let mut sizes = Vec::with_capacity(main.params.len());
        for parameter in &main.params {
            let name = &parameter.name;
            if !self.names.contains_key(name) {
                let element = types.bits(&parameter.ty, main.meta)?;
                sizes.push(Size { element, elements: 1, reading: Reading::Whole });
                continue;
            }
            let (element, elements) = types.array(&parameter.ty, main.meta)?;
            let is_streamed = whole.assigns(name) == 0 && is_read_once(name, elements);
            let reading = if is_streamed { Reading::Streamed } else { Reading::Held };
            sizes.push(Size { element: types.bits(element, main.meta)?, elements, reading });
        }
        Ok(sizes)
    }
}

/// The uses of a table of which is known what they do, but for its rows by an index.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    as_table: usize,
    assigned: usize,
}

/// `let name = value;`
fn bound(statement: &TypedStmt) -> Option<(&String, &TypedExpr)> {
    match &statement.inner {
        StmtEnum::Let(pattern, _, value) => Some((identifier(pattern)?, value)),
        StmtEnum::LetMut(name, _, value) => Some((name, value)),
        _ => None,
    }
}

/// `[row; n]`: the row.
fn repeated(value: &TypedExpr) -> Option<&TypedExpr> {
    match &value.inner {
        ExprEnum::ArrayRepeatLiteral(row, _) | ExprEnum::ArrayRepeatLiteralConst(row, _) => Some(row),
        _ => None,
    }
}
