//! Circuits from programs in the Garble language, a total subset of Rust.
//!
//! ```text
//! source ─ parser, type checker (garble_lang) ─► typed tree ─ lowering ─► gates ─ schedule ─► circuit
//!
//! pub fn main(x: u32, y: [u8; 100]) -> bool    inputs: `x`, one number; `y`, 100 numbers
//!                                              outputs: whether it panicked; the result, zero if it panicked
//! ```
//!
//! ```
//! use sotto_mpc::circuit::language::{Compile, Options};
//! use sotto_mpc::edge::compiler::Compiler;
//!
//! fn main() -> Result<(), sotto_mpc::circuit::language::CompileError> {
//!     let compiler = Compiler::this_program(); // the first line of `main`: sources are compiled in a child process
//!     let compiled = compiler.compile("pub fn main(x: u8, y: u8) -> bool { x > y }", &Options::default())?;
//!     assert_eq!(compiled.circuit().inputs(), [8, 8]);
//!     assert_eq!(compiled.circuit().outputs(), [1, 1]); // whether it panicked, and the result
//!     Ok(())
//! }
//! ```
//!
//! **A source is foreign text**, and the front end was not written for hostile ones: some make it loop for
//! ever, and some make it use all memory. So there is no way to compile one within the calling process. A
//! [`Compile`] does it: [`edge::compiler`](crate::edge::compiler) runs front end and lowering in a child
//! process whose memory and time the operating system bounds. [`NoCompiler`] refuses all sources.
//!
//! This crate uses only the front end of the language. The circuits of its own compiler spend three times the
//! gates on a sum and four times on a product, and on a panic they output 161 bits, among them the line of
//! the source, which depends on the inputs. Here a panic (an overflow, a division by zero, an index out of
//! bounds, a join of keys that do not ascend) is one output bit, and reveals nothing else.
//!
//! **Limits**: the length, tokens and nesting of the source, the work of lowering, the bits of a value, the
//! number of gates, which the caller sets, and the process's memory and time. Unsupported constructs are
//! refused with line and column.
//!
//! **Differences** from the language's own circuits are listed, with their tests, in `docs/GARBLING.md`.
//!
//! A parameter is a [`Value`]: the elements of an array, or one element. Each element consists of numbers,
//! named by their path (`age`, `address.zip`, `[3]`). An enum is the number of its variant, and the fields of each variant,
//! which share bits ([`Leaf::case`]). The bits of a struct are in the order of its fields' names, as the front end has it;
//! [`Value::order`] is that of the source.

mod answer;
mod declared;
mod error;
mod front_end;
mod indexing;
mod inline;
mod join;
mod lookups;
mod loops;
mod lower;
mod operators;
mod parts;
mod patterns;
mod recorder;
mod round;
mod rows;
mod sorting;
mod state;
mod streaming;
mod tables;
mod types;
mod uses;
mod value;

pub(crate) use answer::{MAX_REQUEST, answer, most_bytes, request};
pub use error::{CompileError, ConstantProblem, Location, MAX_NAME, MAX_SOURCE, MAX_TOKENS, Refusal};
pub(crate) use front_end::measure;
pub use value::{Case, Leaf, LeafKind, Value};

use std::collections::BTreeMap;
use std::rc::Rc;

use garble_lang::ast::Type;
use garble_lang::token::MetaInfo;
use garble_lang::{TypedFnDef, TypedProgram};

use super::streamed::{MAX_TABLES, Reading};
use super::{Signal, StreamedCircuit};
use crate::Fancy;
use declared::DeclaredFields;
use error::too_large;
use inline::inlined;
use state::Lowering;
use tables::Plan;
use types::{Leaves, Types};

/// The version of front end and lowering. Another version may make another circuit from the same source.
pub const COMPILER: &str = "garble_lang 0.7.0-alpha.1, sotto lowering 5";

/// Options of a compilation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The values of constants `PARTY::NAME`; a bool is 0 or 1.
    pub constants: BTreeMap<String, i128>,
    /// The largest number of gates, including free ones, and of bits of one value.
    pub gates: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { constants: BTreeMap::new(), gates: 1 << 22 }
    }
}

/// A compiled source. The inputs of the circuit are the parameters of `main`. Its outputs are one bit that
/// tells whether the program panicked, and the result, which is zero if it did.
#[derive(Clone, Debug)]
pub struct Compiled {
    circuit: StreamedCircuit,
    parameters: Vec<Value>,
    result: Value,
    source: [u8; 32],
}

/// What compiles sources: a child process, or nothing.
pub trait Compile {
    /// Compiles `main` of a source.
    ///
    /// # Errors
    /// If the source does not compile within the limits, or there is no compiler; the error names the
    /// location.
    fn compile(&self, source: &str, options: &Options) -> Result<Compiled, CompileError>;
}

/// No compiler: for programs that take no sources.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCompiler;

impl Compile for NoCompiler {
    fn compile(&self, _: &str, _: &Options) -> Result<Compiled, CompileError> {
        Err(CompileError::NoCompiler)
    }
}

/// Compiles a source, within the process that calls.
fn compile(source: &str, options: &Options) -> Result<(StreamedCircuit, Vec<Value>, Value), CompileError> {
    let depth = measure(source)?;
    front_end::on_deep_stack(depth, || {
        let program = front_end::check(source)?;
        lower(&program, &DeclaredFields::of(source), options)
    })
}

impl Compiled {
    /// The parameters of `main`, in order: the circuit's input values.
    #[must_use]
    pub fn parameters(&self) -> &[Value] {
        &self.parameters
    }

    /// The return value of `main`.
    #[must_use]
    pub const fn result(&self) -> &Value {
        &self.result
    }

    /// The SHA-256 of the source.
    #[must_use]
    pub const fn source_digest(&self) -> [u8; 32] {
        self.source
    }

    /// The circuit.
    #[must_use]
    pub const fn circuit(&self) -> &StreamedCircuit {
        &self.circuit
    }

    /// The circuit alone.
    #[must_use]
    pub fn into_circuit(self) -> StreamedCircuit {
        self.circuit
    }
}

/// Lowers `main`: the circuit, the parameters, and the result.
fn lower(
    program: &TypedProgram,
    declared: &DeclaredFields,
    options: &Options,
) -> Result<(StreamedCircuit, Vec<Value>, Value), CompileError> {
    let main = program.fn_defs.get("main").filter(|main| main.is_pub).ok_or(CompileError::NoMain)?;
    let types = Types::new(program, declared, &options.constants, options.gates)?;
    let plain = Plan::of(&types, main);
    // Calls are written out only if that makes an array a table.
    let written_out = inlined(&types, main).and_then(|main| Some((Plan::of(&types, &main).ok()?, main)));
    let written_out =
        written_out.filter(|(plan, _)| plain.as_ref().map_or(true, |plain| plan.has_more_tables(plain)));
    let (plan, main) = match &written_out {
        Some((plan, main)) => (plan, main),
        None => (plain.as_ref().map_err(Clone::clone)?, main),
    };
    let (parameters, result_value) = signature(&types, main, plan)?;
    let whole = || main.params.iter().zip(&plan.sizes).filter(|(_, size)| size.reading == Reading::Whole);

    let bits = whole().map(|(_, size)| size.element).collect();
    let mut lowering = Lowering::new(types, bits, options.gates);
    let mut wires = lowering.input_wires();
    for (parameter, size) in whole() {
        lowering.bind(&parameter.name, Rc::new(wires.by_ref().take(size.element).collect()));
    }
    let (mut result, table) = lowering.main(main, plan)?;
    if table.is_none() && lowering.types.bits(&main.ty, main.meta)? == 0 {
        result = Rc::default();
    }
    let panic = lowering.panic();
    let mut outputs = vec![vec![panic]];
    if table.is_none() {
        let fine = lowering.not(panic);
        let mut shown = vec![Signal::default(); result.len()];
        lowering.gates(main.meta, |f| f.and_n(&result, &vec![fine; result.len()], &mut shown))?;
        outputs.push(shown);
    }
    let last = lowering.end(main.meta, outputs)?;
    let last = loops::scheduled(&lowering, main.meta, &last)?;
    let held: usize = plan.sizes.iter().map(|size| size.element.saturating_mul(size.elements)).sum();
    let circuit = StreamedCircuit::new(plan.sizes.clone(), lowering.steps, last, table);
    // All steps fit but for what their tables take together.
    let circuit = circuit.ok_or_else(|| too_large(main.meta, MAX_TABLES, held.max(MAX_TABLES + 1)))?;
    Ok((circuit, parameters, result_value))
}

/// The parameters and the result of `main`.
fn signature(types: &Types<'_>, main: &TypedFnDef, plan: &Plan) -> Result<(Vec<Value>, Value), CompileError> {
    let mut parameters = Vec::with_capacity(main.params.len());
    for (parameter, size) in main.params.iter().zip(&plan.sizes) {
        // Only a row of a table has to be small.
        if size.reading == Reading::Whole {
            types.bits(&parameter.ty, main.meta)?;
        }
        parameters.push(value(types, &parameter.name, &parameter.ty, main.meta)?);
    }
    if !plan.ends_with_table(main) {
        types.bits(&main.ty, main.meta)?;
    }
    let result = value(types, "result", &main.ty, main.meta)?;
    Ok((parameters, result))
}

/// Describes a value that is not too large: its elements and their numbers.
fn value(types: &Types<'_>, name: &str, ty: &Type, meta: MetaInfo) -> Result<Value, CompileError> {
    let is_array = matches!(ty, Type::Array(..) | Type::ArrayConst(..) | Type::ArrayConstExpr(..));
    let (element, elements) = if is_array { types.array(ty, meta)? } else { (ty, 1) };
    let mut leaves = Leaves::default();
    types.leaves("", element, meta, &mut leaves)?;
    let Leaves { all, order, bits, .. } = leaves;
    Ok(Value { name: name.into(), elements, bits, leaves: all, order })
}
