//! From the typed syntax tree to gates: statements, expressions, and what happens to variables in branches.
//!
//! A value is its bits. Both arms of a branch are computed, each from the variables before it; what they leave different is
//! then chosen by the condition, and a condition that is known leaves one arm. A panic is one more bit: each operation that can fail
//! ORs into it, and in a branch it counts only if the arm is taken.
//!
//! Work is bounded by counting: every bit that is copied is a unit, and every expression some.

use std::collections::BTreeMap;
use std::rc::Rc;

use garble_lang::ast::{Accessor, BuiltInFnCall, ExprEnum, Op, StmtEnum, Type, UnaryOp, VariantExprEnum};
use garble_lang::token::MetaInfo;
use garble_lang::{TypedExpr, TypedPattern, TypedStmt};

use super::super::netlist::Signal;
use super::error::{CompileError, Refusal, refused};
use super::recorder::{Full, Recorder};
use super::types::{self, Types, is_signed};
use crate::Fancy;
use crate::gadgets::{Selection, Words};

/// The bits of a value.
pub(super) type Bits = Rc<Vec<Signal>>;

/// Variables of a function, in scopes.
type Frame = Vec<BTreeMap<String, Bits>>;

/// Units of work.
const MAX_WORK: u64 = 1 << 25;

/// Units of an expression, or of a round of a loop, before its bits.
const STEP: usize = 8;

const FALSE: Signal = Signal::Constant(false);

/// A program on its way to a circuit.
pub(super) struct Lowering<'p> {
    pub(super) types: Types<'p>,
    f: Recorder,
    limit: usize,
    frame: Frame,
    panic: Signal,
    work: u64,
}

/// Where an arm of a branch leaves things.
pub(super) struct Branch {
    frame: Frame,
    panic: Signal,
    value: Bits,
}

/// A step from a variable to the part that is assigned.
pub(super) enum Step {
    Field { from: usize, bits: usize },
    Index { index: Bits, length: usize, bits: usize },
}

impl<'p> Lowering<'p> {
    pub(super) fn new(types: Types<'p>, inputs: Vec<usize>, limit: usize) -> Self {
        let f = Recorder::new(inputs, limit);
        Self { types, f, limit, frame: vec![BTreeMap::new()], panic: FALSE, work: 0 }
    }

    /// The recorded gates and whether the program panics.
    pub(super) fn finish(self) -> (Recorder, Signal) {
        (self.f, self.panic)
    }

    pub(super) fn input_wires(&self) -> impl Iterator<Item = Signal> + use<> {
        self.f.input_wires()
    }

    /// Gates at a place of the source.
    pub(super) fn gates<T>(
        &mut self,
        meta: MetaInfo,
        make: impl FnOnce(&mut Recorder) -> Result<T, Full>,
    ) -> Result<T, CompileError> {
        match make(&mut self.f) {
            Ok(made) if !self.f.is_full() => Ok(made),
            _ => Err(refused(meta, Refusal::TooManyGates(self.limit))),
        }
    }

    pub(super) fn spend(&mut self, meta: MetaInfo, units: usize) -> Result<(), CompileError> {
        self.work = self.work.saturating_add(units as u64);
        if self.work > MAX_WORK { Err(refused(meta, Refusal::TooMuchWork)) } else { Ok(()) }
    }

    /// Panics if the signal is set.
    pub(super) fn panic_if(&mut self, meta: MetaInfo, signal: Signal) -> Result<(), CompileError> {
        let before = self.panic;
        self.panic = self.gates(meta, |f| {
            let (a, b) = (f.not(before), f.not(signal));
            let neither = f.and(a, b)?;
            Ok(f.not(neither))
        })?;
        Ok(())
    }

    /// Names a value in the innermost scope.
    pub(super) fn bind(&mut self, name: &str, value: Bits) {
        if let Some(scope) = self.frame.last_mut() {
            scope.insert(name.to_string(), value);
        }
    }

    /// Runs in a scope of its own.
    pub(super) fn scoped<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, CompileError>,
    ) -> Result<T, CompileError> {
        self.frame.push(BTreeMap::new());
        let result = run(self);
        self.frame.pop();
        result
    }

    fn variable(&mut self, name: &str) -> Option<&mut Bits> {
        self.frame.iter_mut().rev().find_map(|scope| scope.get_mut(name))
    }

    /// Runs an arm of a branch, and goes back to where it began.
    pub(super) fn branch(
        &mut self,
        meta: MetaInfo,
        run: impl FnOnce(&mut Self) -> Result<Bits, CompileError>,
    ) -> Result<Branch, CompileError> {
        let frame = self.frame.clone();
        self.spend(meta, frame.iter().map(BTreeMap::len).sum())?;
        let panic = std::mem::replace(&mut self.panic, FALSE);
        let value = run(self)?;
        Ok(Branch {
            frame: std::mem::replace(&mut self.frame, frame),
            panic: std::mem::replace(&mut self.panic, panic),
            value,
        })
    }

    /// The first arm if the choice is set, else the second.
    pub(super) fn choose(
        &mut self,
        meta: MetaInfo,
        choice: Signal,
        first: Branch,
        second: Branch,
    ) -> Result<Branch, CompileError> {
        if let Signal::Constant(choice) = choice {
            return Ok(if choice { first } else { second });
        }
        let mut frame = second.frame;
        for (scope, chosen) in frame.iter_mut().zip(first.frame) {
            for (name, first) in chosen {
                if let Some(second) = scope.get_mut(&name).filter(|second| !Rc::ptr_eq(second, &first)) {
                    *second = self.select(meta, choice, &first, second)?;
                }
            }
        }
        let panic = self.select(meta, choice, &[first.panic], &[second.panic])?;
        let value = self.select(meta, choice, &first.value, &second.value)?;
        Ok(Branch { frame, panic: panic.first().copied().unwrap_or(FALSE), value })
    }

    /// Goes on where a branch ended.
    pub(super) fn adopt(&mut self, meta: MetaInfo, branch: Branch) -> Result<Bits, CompileError> {
        self.frame = branch.frame;
        self.panic_if(meta, branch.panic)?;
        Ok(branch.value)
    }

    pub(super) fn select(
        &mut self,
        meta: MetaInfo,
        choice: Signal,
        first: &[Signal],
        second: &[Signal],
    ) -> Result<Bits, CompileError> {
        self.spend(meta, first.len())?;
        if first.len() != second.len() {
            return Err(refused(meta, Refusal::Width));
        }
        let (first, second) = (Words::single(first), Words::single(second));
        let chosen = self.gates(meta, |f| f.select(&[choice], &first, &second))?;
        Ok(Rc::new(chosen.wires().to_vec()))
    }

    /// Statements in a scope; the value of the last one.
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

    fn statement(&mut self, statement: &TypedStmt) -> Result<Bits, CompileError> {
        let meta = statement.meta;
        match &statement.inner {
            StmtEnum::Expr(expression) => return self.expression(expression),
            StmtEnum::Let(pattern, _, expression) => {
                let value = self.expression(expression)?;
                self.matches(pattern, &value)?;
            }
            StmtEnum::LetMut(name, _, expression) => {
                let value = self.expression(expression)?;
                self.bind(name, value);
            }
            StmtEnum::VarAssign(name, accessors, expression) => {
                let mut steps = Vec::with_capacity(accessors.len());
                for (accessor, meta) in accessors {
                    steps.push(self.step(accessor, *meta)?);
                }
                let value = self.expression(expression)?;
                let variable = self.variable(name).ok_or_else(|| refused(meta, Refusal::Unsupported))?;
                // Taken out, so that an array that nobody else holds is changed in place.
                let mut bits = std::mem::take(variable);
                if Rc::strong_count(&bits) > 1 {
                    self.spend(meta, bits.len())?;
                }
                let target: &mut Vec<Signal> = Rc::make_mut(&mut bits);
                self.assign(meta, target, &steps, &value)?;
                if let Some(variable) = self.variable(name) {
                    *variable = bits;
                }
            }
            StmtEnum::ForEachLoop(pattern, array, body) => self.for_each(meta, pattern, array, body)?,
            StmtEnum::JoinLoop(pattern, key, (first, second), body) => {
                self.join_loop(meta, pattern, key, (first, second), body)?;
            }
        }
        Ok(Bits::default())
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
        for i in 0..length {
            self.spend(meta, STEP + bits)?;
            let element = Rc::new(array[i * bits..(i + 1) * bits].to_vec());
            self.scoped(|this| {
                this.matches(pattern, &element)?;
                this.statements(body)
            })?;
        }
        Ok(())
    }

    fn step(&mut self, accessor: &Accessor<Type>, meta: MetaInfo) -> Result<Step, CompileError> {
        match accessor {
            Accessor::ArrayAccess { array_ty, index } => {
                let (element, length) = self.types.array(array_ty, meta)?;
                let bits = self.types.bits(element, meta)?;
                let index = self.expression(index)?;
                self.panic_out_of_bounds(meta, &index, length)?;
                Ok(Step::Index { index, length, bits })
            }
            Accessor::TupleAccess { tuple_ty: Type::Tuple(types), index } => {
                self.part(types.iter(), *index, meta)
            }
            Accessor::StructAccess { struct_ty: Type::Struct(name), field } => self.field(name, field, meta),
            _ => Err(refused(meta, Refusal::Unsupported)),
        }
    }

    /// The place of one of several parts.
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

    /// The value of an expression: as many bits as its type has.
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
            ExprEnum::ArrayAccess(array, index) => self.element(array, index, meta),
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
                self.negate(meta, &x)
            }
            ExprEnum::Op(op @ (Op::ShortCircuitAnd | Op::ShortCircuitOr), x, y) => {
                self.short_circuit(*op, x, y, meta)
            }
            ExprEnum::Op(op, x, y) => self.operation(*op, x, y, meta),
            ExprEnum::Block(statements) => self.block(statements),
            ExprEnum::FnCall(name, arguments) => self.call(name, arguments, meta),
            ExprEnum::BuiltInFnCall(BuiltInFnCall::Join { join_ty, args, .. }) => match &args[..] {
                [first, second] => self.join(meta, join_ty, first, second),
                _ => Err(refused(meta, Refusal::Unsupported)),
            },
            ExprEnum::If(condition, first, second) => {
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
            ExprEnum::Match(value, clauses) => self.match_clauses(value, clauses, meta),
            ExprEnum::Cast(_, x) => {
                let width = self.types.bits(ty, meta)?;
                let value = self.expression(x)?;
                Ok(Rc::new(resized(&value, width, is_signed(&x.ty))))
            }
            ExprEnum::Range(from, to, number) => self.range(*from, *to, &Type::Unsigned(*number), meta),
        }
    }

    pub(super) fn not(&mut self, a: Signal) -> Signal {
        self.f.not(a)
    }

    /// A known number, in the bits of its type.
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
            return Err(refused(meta, Refusal::TooLarge(self.types.most_bits)));
        }
        self.spend(meta, bits)?;
        Ok(Rc::new(element.repeat(length)))
    }

    fn range(&mut self, from: u64, to: u64, ty: &Type, meta: MetaInfo) -> Result<Bits, CompileError> {
        let width = self.types.bits(ty, meta)?;
        let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        if length.saturating_mul(width) > self.types.most_bits {
            return Err(refused(meta, Refusal::TooLarge(self.types.most_bits)));
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

    /// A function sees its arguments and the constants, and nothing else.
    fn call(&mut self, name: &str, arguments: &[TypedExpr], meta: MetaInfo) -> Result<Bits, CompileError> {
        let function = self.types.program.fn_defs.get(name);
        let function = function.ok_or_else(|| refused(meta, Refusal::Unsupported))?;
        let mut scope = BTreeMap::new();
        for (parameter, argument) in function.params.iter().zip(arguments) {
            scope.insert(parameter.name.clone(), self.expression(argument)?);
        }
        let frame = std::mem::replace(&mut self.frame, vec![scope]);
        let value = self.block(&function.body)?;
        self.frame = frame;
        // A body that ends in a statement has no value, and its function none either.
        Ok(if self.types.bits(&function.ty, meta)? == 0 { Bits::default() } else { value })
    }

    /// The first clause that matches. The last one needs no test, because clauses are exhaustive.
    fn match_clauses(
        &mut self,
        value: &TypedExpr,
        clauses: &[(TypedPattern, TypedExpr)],
        meta: MetaInfo,
    ) -> Result<Bits, CompileError> {
        let value = self.expression(value)?;
        let mut arms = Vec::with_capacity(clauses.len());
        for (pattern, result) in clauses {
            let mut matches = FALSE;
            let branch = self.branch(meta, |this| {
                this.scoped(|this| {
                    matches = this.matches(pattern, &value)?;
                    this.expression(result)
                })
            })?;
            arms.push((matches, branch));
        }
        let (_, mut chosen) = arms.pop().ok_or_else(|| refused(meta, Refusal::Unsupported))?;
        for (matches, branch) in arms.into_iter().rev() {
            chosen = self.choose(meta, matches, branch, chosen)?;
        }
        self.adopt(meta, chosen)
    }
}

/// The bits of a number that everyone knows.
pub(super) fn known(n: i128, width: usize) -> Vec<Signal> {
    (0..width).map(|i| Signal::Constant(n >> i.min(127) & 1 == 1)).collect()
}

/// Cut off, or extended by zeros or the sign.
pub(super) fn resized(bits: &[Signal], width: usize, signed: bool) -> Vec<Signal> {
    let fill = bits.last().copied().filter(|_| signed).unwrap_or(FALSE);
    bits.iter().copied().chain(std::iter::repeat(fill)).take(width).collect()
}
