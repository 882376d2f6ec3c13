//! From the typed syntax tree to gates: statements and expressions.

use std::collections::BTreeMap;
use std::rc::Rc;

use garble_lang::ast::{Accessor, BuiltInFnCall, ExprEnum, Op, StmtEnum, Type, UnaryOp, VariantExprEnum};
use garble_lang::token::MetaInfo;
use garble_lang::{TypedExpr, TypedPattern, TypedStmt};

use super::error::{CompileError, Progress, Refusal, refused, too_large};
use super::indexing::{Step, assign, element, lookup, panic_out_of_bounds};
use super::join::{Pair, Side, join, pairs};
use super::operators::{comparison_or_equal, negate, operation};
use super::patterns::matches;
use super::round::{Place, filled, made};
use super::sorting::{SortKey, sort_key};
use super::state::{Bits, FALSE, Lowering, known, resized};
use super::types::{self, is_signed};
use crate::circuit::netlist::Signal;
use crate::gadgets::network::{Order, sort};

/// A part of a variable that is assigned.
type Accessors = (Accessor<Type>, MetaInfo);

/// The units of work of an expression, or of a round of a loop, apart from its bits.
const STEP: usize = 8;

impl Lowering<'_> {
    /// Lowers statements in a scope of their own; returns the value of the last one.
    pub(super) fn block(&mut self, statements: &[TypedStmt]) -> Result<Bits, CompileError> {
        self.scoped(|this| this.statements(statements))
    }

    pub(super) fn statements(&mut self, statements: &[TypedStmt]) -> Result<Bits, CompileError> {
        let mut value = Bits::default();
        for statement in statements {
            value = self.statement(statement)?;
        }
        Ok(value)
    }

    pub(super) fn statement(&mut self, statement: &TypedStmt) -> Result<Bits, CompileError> {
        let meta = statement.meta;
        match &statement.inner {
            StmtEnum::Expr(expression) => return self.expression(expression),
            StmtEnum::Let(pattern, _, expression) => {
                let value = self.expression(expression)?;
                matches(self, pattern, &value)?;
            }
            StmtEnum::LetMut(name, _, expression) => {
                let value = self.expression(expression)?;
                self.bind(name, value);
            }
            StmtEnum::VarAssign(name, accessors, expression) => {
                let (name, accessors) = self.assigned(name, accessors);
                let mut steps = Vec::with_capacity(accessors.len());
                for (accessor, meta) in accessors {
                    steps.push(self.step(accessor, *meta)?);
                }
                let value = self.expression(expression)?;
                let variable = self.variable(&name).ok_or_else(|| refused(meta, Refusal::Unsupported))?;
                // Taken out of the variable, so that an array with no other reference is changed in place.
                let mut bits = std::mem::take(variable);
                if Rc::strong_count(&bits) > 1 {
                    self.spend(meta, bits.len())?;
                }
                let target: &mut Vec<Signal> = Rc::make_mut(&mut bits);
                assign(self, meta, target, &steps, &value)?;
                if let Some(variable) = self.variable(&name) {
                    *variable = bits;
                }
            }
            StmtEnum::ForEachLoop(pattern, array, body) => self.for_each(meta, pattern, array, body)?,
            StmtEnum::JoinLoop(pattern, key, (first, second), body) => {
                self.join_loop(meta, pattern, key, [first, second], body)?;
            }
        }
        Ok(Bits::default())
    }

    /// The variable that is assigned, and the way to the part of it: the row of a table that a round makes is one.
    fn assigned<'a>(&mut self, name: &str, accessors: &'a [Accessors]) -> (String, &'a [Accessors]) {
        if let Some(((Accessor::ArrayAccess { index, .. }, _), rest)) = accessors.split_first()
            && self.variable(name).is_none()
            && matches!(self.row.at(name, index), Place::Made)
        {
            return (made(name), rest);
        }
        (name.to_owned(), accessors)
    }

    fn for_each(
        &mut self,
        meta: MetaInfo,
        pattern: &TypedPattern,
        array: &TypedExpr,
        body: &[TypedStmt],
    ) -> Result<(), CompileError> {
        let (element, length) = self.types.array(&array.ty, array.meta)?;
        let bits = self.types.bits(element, array.meta)?;
        let array = self.expression(array)?;
        let begin = self.spent();
        for i in 0..length {
            let progress = Progress { begin, now: self.spent(), rounds: [i as u64, length as u64] };
            self.spend(meta, STEP + bits).map_err(|e| progress.of_all(e))?;
            let element = Rc::new(array[i * bits..(i + 1) * bits].to_vec());
            let round = self.scoped(|this| {
                matches(this, pattern, &element)?;
                this.statements(body)
            });
            round.map_err(|e| progress.of_all(e))?;
        }
        Ok(())
    }

    fn step(&mut self, accessor: &Accessor<Type>, meta: MetaInfo) -> Result<Step, CompileError> {
        match accessor {
            Accessor::ArrayAccess { array_ty, index } => {
                let (element, length) = self.types.array(array_ty, meta)?;
                let bits = self.types.bits(element, meta)?;
                let index = self.expression(index)?;
                panic_out_of_bounds(self, meta, &index, length)?;
                Ok(Step::Index { index, length, bits })
            }
            Accessor::TupleAccess { tuple_ty: Type::Tuple(types), index } => {
                self.part(types.iter(), *index, meta)
            }
            Accessor::StructAccess { struct_ty: Type::Struct(name), field } => self.field(name, field, meta),
            _ => Err(refused(meta, Refusal::Unsupported)),
        }
    }

    /// The position of one of several consecutive parts.
    fn part<'t>(
        &self,
        types: impl Iterator<Item = &'t Type>,
        index: usize,
        meta: MetaInfo,
    ) -> Result<Step, CompileError> {
        let mut from = 0;
        for (i, ty) in types.enumerate() {
            let bits = self.types.bits(ty, meta)?;
            if i == index {
                return Ok(Step::Field { from, bits });
            }
            from += bits;
        }
        Err(refused(meta, Refusal::Unsupported))
    }

    fn field(&self, name: &str, field: &str, meta: MetaInfo) -> Result<Step, CompileError> {
        let fields = self.types.fields(name, meta)?;
        let index = fields.iter().position(|(name, _)| name == field);
        self.part(fields.iter().map(|(_, ty)| ty), index.unwrap_or(fields.len()), meta)
    }

    /// The value of an expression, with as many bits as its type has.
    pub(super) fn expression(&mut self, expression: &TypedExpr) -> Result<Bits, CompileError> {
        let value = self.evaluate(expression)?;
        self.spend(expression.meta, STEP)?;
        match value.len() == self.types.bits(&expression.ty, expression.meta)? {
            true => Ok(value),
            false => Err(refused(expression.meta, Refusal::Width)),
        }
    }

    fn evaluate(&mut self, expression: &TypedExpr) -> Result<Bits, CompileError> {
        let (meta, ty) = (expression.meta, &expression.ty);
        match &expression.inner {
            ExprEnum::True => self.number(1, ty, meta),
            ExprEnum::False => self.number(0, ty, meta),
            ExprEnum::NumUnsigned(n, _) => self.number((*n).into(), ty, meta),
            ExprEnum::NumSigned(n, _) => self.number((*n).into(), ty, meta),
            ExprEnum::Identifier(name) => self.identifier(name, meta),
            ExprEnum::ArrayLiteral(parts) | ExprEnum::TupleLiteral(parts) => self.parts(parts, meta),
            ExprEnum::ArrayRepeatLiteral(element, length) => self.repeated(element, *length, meta),
            ExprEnum::ArrayRepeatLiteralConst(element, name) => {
                let length = self.types.size(name, meta)?;
                self.repeated(element, length, meta)
            }
            ExprEnum::ArrayAccess(array, index) => self.array_access(array, index, meta),
            ExprEnum::TupleAccess(tuple, index) => {
                let Type::Tuple(types) = &tuple.ty else { return Err(refused(meta, Refusal::Unsupported)) };
                let part = self.part(types.iter(), *index, meta)?;
                self.taken(tuple, &part)
            }
            ExprEnum::StructAccess(value, field) => {
                let Type::Struct(name) = &value.ty else { return Err(refused(meta, Refusal::Unsupported)) };
                let part = self.field(name, field, meta)?;
                self.taken(value, &part)
            }
            ExprEnum::StructLiteral(name, fields) => self.structure(name, fields, meta),
            ExprEnum::EnumLiteral(name, variant, fields) => self.variant(name, variant, fields, ty, meta),
            ExprEnum::UnaryOp(UnaryOp::Not, x) => {
                let x = self.expression(x)?;
                Ok(Rc::new(x.iter().map(|bit| self.not(*bit)).collect()))
            }
            ExprEnum::UnaryOp(UnaryOp::Neg, x) => {
                let x = self.expression(x)?;
                negate(self, meta, &x)
            }
            ExprEnum::Op(op @ (Op::ShortCircuitAnd | Op::ShortCircuitOr), x, y) => {
                self.short_circuit(*op, x, y, meta)
            }
            ExprEnum::Op(op, x, y) => self.operation(*op, x, y, meta),
            ExprEnum::Block(statements) => self.block(statements),
            ExprEnum::FnCall(name, arguments) => self.call(name, arguments, meta),
            ExprEnum::BuiltInFnCall(BuiltInFnCall::Join { join_ty, args, .. }) => match &args[..] {
                [first, second] => self.join(join_ty, [first, second], meta),
                _ => Err(refused(meta, Refusal::Unsupported)),
            },
            ExprEnum::If(condition, first, second) => self.if_else(condition, first, second, meta),
            ExprEnum::Match(value, clauses) => self.match_clauses(value, clauses, meta),
            ExprEnum::Cast(_, x) => {
                let width = self.types.bits(ty, meta)?;
                let value = self.expression(x)?;
                Ok(Rc::new(resized(&value, width, is_signed(&x.ty))))
            }
            ExprEnum::Range(from, to, number) => self.range(*from, *to, &Type::Unsigned(*number), meta),
        }
    }

    /// A constant, in the bits of its type.
    fn number(&self, n: i128, ty: &Type, meta: MetaInfo) -> Result<Bits, CompileError> {
        let number = types::number(ty).ok_or_else(|| refused(meta, Refusal::Unsupported))?;
        Ok(Rc::new(known(n, number.width())))
    }

    fn identifier(&mut self, name: &str, meta: MetaInfo) -> Result<Bits, CompileError> {
        if let Some(value) = self.variable(name) {
            return Ok(value.clone());
        }
        let (value, width) = self.types.constant(name).ok_or_else(|| refused(meta, Refusal::Unsupported))?;
        Ok(Rc::new(known(value, width)))
    }

    fn parts(&mut self, parts: &[TypedExpr], meta: MetaInfo) -> Result<Bits, CompileError> {
        let mut bits = Vec::new();
        for part in parts {
            bits.extend_from_slice(&self.expression(part)?);
        }
        self.spend(meta, bits.len())?;
        Ok(Rc::new(bits))
    }

    fn repeated(&mut self, element: &TypedExpr, length: usize, meta: MetaInfo) -> Result<Bits, CompileError> {
        let element = self.expression(element)?;
        let bits = element.len().saturating_mul(length);
        if bits > self.types.most_bits {
            return Err(too_large(meta, self.types.most_bits, bits));
        }
        self.spend(meta, bits)?;
        Ok(Rc::new(element.repeat(length)))
    }

    fn range(&mut self, from: u64, to: u64, ty: &Type, meta: MetaInfo) -> Result<Bits, CompileError> {
        let width = self.types.bits(ty, meta)?;
        let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        if length.saturating_mul(width) > self.types.most_bits {
            return Err(too_large(meta, self.types.most_bits, length.saturating_mul(width)));
        }
        self.spend(meta, length * width)?;
        Ok(Rc::new((from..to).flat_map(|n| known(n.into(), width)).collect()))
    }

    fn taken(&mut self, value: &TypedExpr, part: &Step) -> Result<Bits, CompileError> {
        let (bits, meta) = (self.expression(value)?, value.meta);
        let Step::Field { from, bits: width } = part else { return Err(refused(meta, Refusal::Unsupported)) };
        self.spend(meta, *width)?;
        Ok(Rc::new(bits[*from..from + width].to_vec()))
    }

    fn structure(
        &mut self,
        name: &str,
        fields: &[(String, TypedExpr)],
        meta: MetaInfo,
    ) -> Result<Bits, CompileError> {
        let mut values = BTreeMap::new();
        for (field, value) in fields {
            values.insert(field, self.expression(value)?);
        }
        let mut bits = Vec::new();
        for (field, _) in self.types.fields(name, meta)? {
            let value = values.get(field).ok_or_else(|| refused(meta, Refusal::Unsupported))?;
            bits.extend_from_slice(value);
        }
        self.spend(meta, bits.len())?;
        Ok(Rc::new(bits))
    }

    fn variant(
        &mut self,
        name: &str,
        variant: &str,
        fields: &VariantExprEnum<Type>,
        ty: &Type,
        meta: MetaInfo,
    ) -> Result<Bits, CompileError> {
        let definition = self.types.variants(name, meta)?;
        let tag = types::tag(definition, variant).ok_or_else(|| refused(meta, Refusal::Unsupported))?;
        let mut bits = known(tag as i128, types::tag_bits(definition));
        if let VariantExprEnum::Tuple(fields) = fields {
            bits.extend_from_slice(&self.parts(fields, meta)?);
        }
        bits.resize(self.types.bits(ty, meta)?, FALSE);
        Ok(Rc::new(bits))
    }

    fn array_access(
        &mut self,
        array: &TypedExpr,
        index: &TypedExpr,
        meta: MetaInfo,
    ) -> Result<Bits, CompileError> {
        if let ExprEnum::Identifier(name) = &array.inner
            && self.variable(name).is_none()
        {
            match self.row.at(name, index) {
                Place::Read(row) => return Ok(row.clone()),
                Place::Made => return self.identifier(&made(name), meta),
                Place::Elsewhere => {}
            }
            if let Some(table) = self.tables.get(name).copied() {
                let index = self.expression(index)?;
                return lookup(self, table, &index, meta);
            }
            if let Some(rows) = self.equal.get(name).copied() {
                let index = self.expression(index)?;
                panic_out_of_bounds(self, meta, &index, rows)?;
                return self.identifier(&filled(name), meta);
            }
        }
        let (element_type, length) = self.types.array(&array.ty, meta)?;
        let bits = self.types.bits(element_type, meta)?;
        let (array, index) = (self.expression(array)?, self.expression(index)?);
        element(self, &array, &index, length, bits, meta)
    }

    /// `x op y`.
    fn operation(
        &mut self,
        op: Op,
        x: &TypedExpr,
        y: &TypedExpr,
        meta: MetaInfo,
    ) -> Result<Bits, CompileError> {
        if let Some((strict, a, b)) = comparison_or_equal(op, x, y) {
            // x ≤ y is not x > y.
            let flipped = if strict == Op::LessThan { Op::GreaterThan } else { Op::LessThan };
            let greater = self.operation(flipped, a, b, meta)?;
            return Ok(Rc::new(greater.iter().map(|bit| self.not(*bit)).collect()));
        }
        let signed = is_signed(&x.ty);
        let (x, y) = (self.expression(x)?, self.expression(y)?);
        operation(self, op, [&x, &y], signed, meta)
    }

    fn if_else(
        &mut self,
        condition: &TypedExpr,
        first: &TypedExpr,
        second: &TypedExpr,
        meta: MetaInfo,
    ) -> Result<Bits, CompileError> {
        let condition = self.expression(condition)?;
        let [condition] = condition[..] else { return Err(refused(meta, Refusal::Width)) };
        if let Signal::Constant(condition) = condition {
            return self.expression(if condition { first } else { second });
        }
        let first = self.branch(meta, |this| this.expression(first))?;
        let second = self.branch(meta, |this| this.expression(second))?;
        let chosen = self.choose(meta, condition, first, second)?;
        self.adopt(meta, chosen)
    }

    fn side(&mut self, array: &TypedExpr) -> Result<Side, CompileError> {
        let (element, length) = self.types.array(&array.ty, array.meta)?;
        let bits = self.types.bits(element, array.meta)?;
        Ok(Side { elements: self.expression(array)?, bits, length })
    }

    fn join(&mut self, key: &Type, arrays: [&TypedExpr; 2], meta: MetaInfo) -> Result<Bits, CompileError> {
        let [first, second] = arrays;
        let (element, _) = self.types.array(&first.ty, meta)?;
        let with_both = matches!(element, Type::Tuple(_));
        let sides = [self.side(first)?, self.side(second)?];
        join(self, meta, key, sides, with_both)
    }

    fn join_loop(
        &mut self,
        meta: MetaInfo,
        pattern: &TypedPattern,
        key: &Type,
        arrays: [&TypedExpr; 2],
        body: &[TypedStmt],
    ) -> Result<(), CompileError> {
        let [first, second] = arrays;
        let sides = [self.side(first)?, self.side(second)?];
        for Pair { is_pair, first, second } in pairs(self, meta, key, sides)? {
            let both = Rc::new([first, second].concat());
            let taken = self.branch(meta, |this| {
                this.scoped(|this| {
                    matches(this, pattern, &both)?;
                    this.statements(body)?;
                    Ok(Bits::default())
                })
            })?;
            let skipped = self.branch(meta, |_| Ok(Bits::default()))?;
            let chosen = self.choose(meta, is_pair, taken, skipped)?;
            self.adopt(meta, chosen)?;
        }
        Ok(())
    }

    /// `x && y` is `if x { y } else { false }`, and `x || y` is `if x { true } else { y }`.
    fn short_circuit(
        &mut self,
        op: Op,
        x: &TypedExpr,
        y: &TypedExpr,
        meta: MetaInfo,
    ) -> Result<Bits, CompileError> {
        let x = self.expression(x)?;
        let [x] = x[..] else { return Err(refused(meta, Refusal::Width)) };
        let decided = Signal::Constant(op == Op::ShortCircuitOr);
        if x == decided {
            return Ok(Rc::new(vec![decided]));
        }
        let goes_on = if op == Op::ShortCircuitOr { self.not(x) } else { x };
        let first = self.branch(meta, |this| this.expression(y))?;
        let second = self.branch(meta, |_| Ok(Rc::new(vec![decided])))?;
        let chosen = self.choose(meta, goes_on, first, second)?;
        self.adopt(meta, chosen)
    }

    /// Calls a function, which sees only its arguments and the constants.
    fn call(&mut self, name: &str, arguments: &[TypedExpr], meta: MetaInfo) -> Result<Bits, CompileError> {
        let function = self.types.program.fn_defs.get(name);
        let function = function.ok_or_else(|| refused(meta, Refusal::Unsupported))?;
        if let ([argument], Some(key)) = (arguments, sort_key(&self.types, function)) {
            return self.sorted(&key, argument, meta);
        }
        let mut scope = BTreeMap::new();
        for (parameter, argument) in function.params.iter().zip(arguments) {
            scope.insert(parameter.name.clone(), self.expression(argument)?);
        }
        let value = self.in_frame(scope, |this| this.block(&function.body))?;
        // A body that ends in a statement has no value, and neither has its function.
        Ok(if self.types.bits(&function.ty, meta)? == 0 { Bits::default() } else { value })
    }

    /// The elements of an array in order: what a function that sorts does.
    fn sorted(&mut self, key: &SortKey, argument: &TypedExpr, meta: MetaInfo) -> Result<Bits, CompileError> {
        let rows = self.expression(argument)?;
        let bits = key.unsigned();
        let order = Order { width: key.width, key: &bits };
        // The work is done with the gates; there are more of them than copied bits.
        let gates = order.cost_of_sort(key.length);
        self.spend(meta, usize::try_from(gates.and_gates).unwrap_or(usize::MAX))?;
        self.gates(meta, |f| sort(f, rows.to_vec(), order)).map(Rc::new)
    }

    /// The value of the first clause that matches. The last clause needs no test, because the clauses are
    /// exhaustive.
    fn match_clauses(
        &mut self,
        value: &TypedExpr,
        clauses: &[(TypedPattern, TypedExpr)],
        meta: MetaInfo,
    ) -> Result<Bits, CompileError> {
        let value = self.expression(value)?;
        let mut arms = Vec::with_capacity(clauses.len());
        for (pattern, result) in clauses {
            let mut is_match = FALSE;
            let branch = self.branch(meta, |this| {
                this.scoped(|this| {
                    is_match = matches(this, pattern, &value)?;
                    this.expression(result)
                })
            })?;
            arms.push((is_match, branch));
        }
        let (_, mut chosen) = arms.pop().ok_or_else(|| refused(meta, Refusal::Unsupported))?;
        for (is_match, branch) in arms.into_iter().rev() {
            chosen = self.choose(meta, is_match, branch, chosen)?;
        }
        self.adopt(meta, chosen)
    }
}
