//! Which arrays of `main` are tables, and what its statements do with them.
//!
//! ```text
//! for row in table { … }                       a loop over its rows
//! for i in a..b { … first[i] … second[i] … }   a loop over rows of several; `i` is used for nothing else
//! for (x, y) in join_iter(first, second) { … } a join
//! let sorted = sort(table);                    another table; `sort` is a function that sorts
//! table[index]                                 a row, by a number or by a secret index
//! table                                        the result, as the last expression
//! ```
//!
//! A table is a parameter of at least [`FEWEST`] elements, or a name bound to a sorted one, if these are all the
//! uses of its name, in statements of `main` itself but for rows by an index, which may stand anywhere in it. Only
//! names decide. Other arrays are values like any other: loops over them are unrolled.
//!
//! A parameter that one loop reads once, to its end, is streamed; other tables are held in memory.

use std::collections::BTreeMap;

use garble_lang::ast::{ExprEnum, Pattern, PatternEnum, StmtEnum};
use garble_lang::{TypedExpr, TypedFnDef, TypedPattern, TypedStmt};

use super::error::CompileError;
use super::sorting::{SortKey, sort_key};
use super::types::Types;
use super::uses::Uses;
use crate::circuit::streamed::{MAX_ELEMENTS, Reading, Size};

/// The fewest elements of a table, and rounds of a loop over tables. Below, unrolling makes smaller circuits.
const FEWEST: usize = 32;

/// The tables of `main`, and how large its parameters are.
pub(super) struct Plan {
    /// Their names and numbers of rows.
    names: BTreeMap<String, usize>,
    pub(super) sizes: Vec<Size>,
    /// What follows about each function that sorts.
    sorts: BTreeMap<String, SortKey>,
}

/// A statement of `main` that works on tables.
pub(super) enum Action<'s> {
    /// Binds a name to a table.
    Bind { name: &'s str, table: Expression<'s> },
    /// Runs the body for each row.
    Rows { pattern: &'s TypedPattern, table: Expression<'s>, body: &'s [TypedStmt] },
    /// Runs the body for the rows from one to another of these tables.
    Index { variable: &'s str, from: usize, to: usize, tables: Vec<String>, body: &'s [TypedStmt] },
    /// Runs the body for each two rows with equal keys.
    Join(Join<'s>),
    /// Ends with a table.
    Result(Expression<'s>),
}

/// A join of two tables.
pub(super) struct Join<'s> {
    pub(super) pattern: &'s TypedPattern,
    pub(super) key: &'s garble_lang::ast::Type,
    pub(super) tables: [Expression<'s>; 2],
    pub(super) body: &'s [TypedStmt],
}

/// A table, by its name, sorted by these functions, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Expression<'s> {
    pub(super) name: &'s str,
    pub(super) sorts: Vec<SortKey>,
}

impl Plan {
    pub(super) fn of(types: &Types<'_>, main: &TypedFnDef) -> Result<Self, CompileError> {
        let sorts = types.program.fn_defs.iter();
        let sorts = sorts.filter_map(|(name, function)| Some((name.clone(), sort_key(types, function)?)));
        let mut plan = Self { names: BTreeMap::new(), sizes: Vec::new(), sorts: sorts.collect() };
        let whole = Uses::of(&main.body);
        plan.names = plan.candidates(types, main, &whole);
        loop {
            let as_tables = plan.as_tables(main);
            let all = |name: &String| {
                whole.reads(name) == whole.accesses(name) + as_tables.get(name).copied().unwrap_or_default()
            };
            let mut kept = plan.names.clone();
            kept.retain(|name, _| all(name));
            // What is bound to a table that is none is none either.
            for (name, value) in main.body.iter().filter_map(bound) {
                if !plan.table(value).is_some_and(|table| kept.contains_key(table.name)) {
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

    /// Parameters with many elements, and names that are bound once, to what a function that sorts returns.
    fn candidates(&self, types: &Types<'_>, main: &TypedFnDef, whole: &Uses) -> BTreeMap<String, usize> {
        let rows = |ty| {
            let (element, elements) = types.array(ty, main.meta).ok()?;
            let is_large = (FEWEST..=MAX_ELEMENTS).contains(&elements);
            (is_large && types.bits(element, main.meta).ok()? > 0).then_some(elements)
        };
        let parameters = main.params.iter().filter(|parameter| whole.binds(&parameter.name) == 0);
        let parameters = parameters.filter_map(|parameter| Some((&parameter.name, rows(&parameter.ty)?)));
        let is_parameter = |name: &String| main.params.iter().any(|parameter| parameter.name == *name);
        let sorted = main.body.iter().filter_map(|statement| {
            let (name, value) = bound(statement)?;
            let ExprEnum::FnCall(function, _) = &value.inner else { return None };
            let is_sorted = self.sorts.contains_key(function) && whole.binds(name) == 1;
            if is_sorted && !is_parameter(name) { Some((name, rows(&value.ty)?)) } else { None }
        });
        let all = parameters.chain(sorted).filter(|(name, _)| !whole.assigned.contains(*name));
        all.map(|(name, rows)| (name.clone(), rows)).collect()
    }

    /// How often each table is used as a whole.
    fn as_tables(&self, main: &TypedFnDef) -> BTreeMap<String, usize> {
        let mut uses = BTreeMap::new();
        let mut add = |table: &Expression<'_>| *uses.entry(table.name.to_owned()).or_default() += 1;
        for (at, statement) in main.body.iter().enumerate() {
            match self.action(main, at, statement) {
                Some(Action::Bind { table, .. } | Action::Rows { table, .. } | Action::Result(table)) => {
                    add(&table);
                }
                Some(Action::Join(Join { tables, .. })) => tables.iter().for_each(&mut add),
                Some(Action::Index { .. }) | None => {}
            }
        }
        uses
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
                let (name, value) = bound(statement).filter(|(name, _)| self.names.contains_key(*name))?;
                Some(Action::Bind { name, table: self.table(value)? })
            }
            StmtEnum::ForEachLoop(pattern, array, body) => match &array.inner {
                ExprEnum::Range(from, to, _) => self.index_loop(pattern, [*from, *to], body),
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
                self.names.contains_key(name).then_some(Expression { name, sorts: Vec::new() })
            }
            ExprEnum::FnCall(function, arguments) => {
                let [argument] = &arguments[..] else { return None };
                let mut table = self.table(argument)?;
                table.sorts.push(self.sorts.get(function)?.clone());
                Some(table)
            }
            _ => None,
        }
    }

    /// A loop whose variable is used as an index of tables alone.
    fn index_loop<'s>(
        &self,
        pattern: &'s TypedPattern,
        [from, to]: [u64; 2],
        body: &'s [TypedStmt],
    ) -> Option<Action<'s>> {
        let Pattern(PatternEnum::Identifier(variable), ..) = pattern else { return None };
        let (from, to) = (usize::try_from(from).ok()?, usize::try_from(to).ok()?);
        let uses = Uses::of(body);
        let is_table = |name: &&String| uses.indexes(name, variable) > 0;
        let names: Vec<&String> = self.names.keys().filter(is_table).collect();
        let exist = names.iter().all(|name| self.names.get(*name).is_some_and(|rows| to <= *rows));
        let as_index: usize = names.iter().map(|name| uses.indexes(name, variable)).sum();
        let only = uses.reads(variable) == as_index && uses.binds(variable) == 0;
        if !only || !exist || names.is_empty() || to.saturating_sub(from) < FEWEST {
            return None;
        }
        let tables = names.into_iter().cloned().collect();
        Some(Action::Index { variable, from, to, tables, body })
    }

    /// How the parameters are read.
    fn sizes(&self, types: &Types<'_>, main: &TypedFnDef, whole: &Uses) -> Result<Vec<Size>, CompileError> {
        let actions: Vec<Action<'_>> = main
            .body
            .iter()
            .enumerate()
            .filter_map(|(at, statement)| self.action(main, at, statement))
            .collect();
        let is_read_once = |name: &String, elements: usize| {
            actions.iter().any(|action| match action {
                Action::Rows { table, .. } => {
                    table.name == *name && table.sorts.is_empty() && whole.reads(name) == 1
                }
                Action::Index { variable, from: 0, to, tables, body } => {
                    *to == elements
                        && tables.contains(name)
                        && Uses::of(body).indexes(name, variable) == whole.reads(name)
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
            let reading = if is_read_once(name, elements) { Reading::Streamed } else { Reading::Held };
            sizes.push(Size { element: types.bits(element, main.meta)?, elements, reading });
        }
        Ok(sizes)
    }
}

/// `let name = value;`
fn bound(statement: &TypedStmt) -> Option<(&String, &TypedExpr)> {
    match &statement.inner {
        StmtEnum::Let(Pattern(PatternEnum::Identifier(name), ..), _, value)
        | StmtEnum::LetMut(name, _, value) => Some((name, value)),
        _ => None,
    }
}
