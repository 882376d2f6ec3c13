//! `garble@1`: programs in the Garble language, a total subset of Rust, as joint programs.
//!
//! ```text
//! source ─ parser, type checker (garble_lang) ─► typed tree ─ lowering (here) ─► gates ─ schedule ─► circuit
//!
//! pub fn main(x: u32, y: [u8; 100]) -> bool        owner 0: table `x` of one row; owner 1: table `y` of 100 rows
//!                                                  outputs: `panicked`, and `result`, which is zero if it panicked
//! ```
//!
//! Only the language's front end is used. Its own circuits spend three times the gates on a sum and four times on a product, and
//! give out 161 bits on a panic with the line of the source, which depends on the inputs. Here a panic (overflow, division by
//! zero, index out of bounds, a join of keys that do not ascend) is one declared bit, and nothing else is told.
//!
//! **Bounded**: the source, its nesting, the work of lowering, the bits of a value, and the gates, of which a job states the
//! limit. What is not supported is refused with line and column.
//!
//! **Where it differs** from the language's own evaluator: `-x` and `x / -1` of the lowest number, and `-1 * x` of it, panic
//! instead of wrapping; a check that is made twice does not forget panics between; a negative number keeps its sign in a type four times as
//! wide; in `a && f()` what `f` assigns counts only if `a` holds; joins check that keys ascend.
//!
//! An array parameter is a table of as many rows as it has elements, anything else a table of one row; the numbers of an
//! element are its columns, named by their path (`age`, `address.zip`, `[3]`). An enum is the number of its variant.

mod error;
mod front;
mod join;
mod lower;
mod numbers;
mod patterns;
mod places;
mod recorder;
mod types;

pub use error::{CompileError, ConstantProblem, Location, Refusal};

use std::collections::BTreeMap;
use std::rc::Rc;

use garble_lang::ast::Type;
use garble_lang::token::MetaInfo;
use garble_lang::{TypedFnDef, TypedProgram};
use sha2::{Digest, Sha256};

use super::owned::{Owned, owners};
use super::{Circuit, Netlist, Signal};
use crate::Fancy;
use crate::joint::{Checked, Column, Declaration, Inputs, Joint, Number, Rows, Table};
use crate::program::ProgramName;
use error::refused;
use lower::Lowering;
use types::{Payload, Types};

/// Bytes of a source.
pub const MAX_SOURCE: usize = 1 << 16;

/// The version of front end and lowering; another one may make another circuit of the same source.
pub const COMPILER: &str = "garble_lang 0.7.0-alpha.1, sotto lowering 1";

const NAME: ProgramName = match ProgramName::new("garble@1") {
    Some(name) => name,
    None => unreachable!(),
};

/// What a source does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Values of constants `PARTY::NAME`; a bool is 0 or 1.
    pub constants: BTreeMap<String, i128>,
    /// The owner of each parameter of `main`, from 0; if empty, each has its own.
    pub owners: Vec<usize>,
    /// Gates, free ones included, and bits of one value, before the circuit is refused.
    pub gates: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { constants: BTreeMap::new(), owners: Vec::new(), gates: 1 << 22 }
    }
}

impl Options {
    /// A hash over all of them.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(b"sotto mpc garble options v1");
        hash.update((self.constants.len() as u64).to_le_bytes());
        for (name, value) in &self.constants {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update(value.to_le_bytes());
        }
        hash.update((self.owners.len() as u64).to_le_bytes());
        self.owners.iter().for_each(|owner| hash.update((*owner as u64).to_le_bytes()));
        hash.update((self.gates as u64).to_le_bytes());
        hash.finalize().into()
    }
}

/// A compiled source.
#[derive(Clone, Debug)]
pub struct Compiled {
    owned: Owned,
    source: [u8; 32],
    options: [u8; 32],
}

impl Compiled {
    /// Compiles `main` of a source.
    ///
    /// # Errors
    /// With the place in the source and what is wrong there.
    pub fn new(source: &str, options: &Options) -> Result<Self, CompileError> {
        let (netlist, face) = front::on_deep_stack(|| {
            let program = front::check(source)?;
            lower(&program, options)
        })?;
        let circuit = Circuit::new(&netlist)
            .map_err(|_| refused(MetaInfo::default(), Refusal::TooManyGates(options.gates)))?;
        let source = Sha256::digest(source.as_bytes()).into();
        let owned = Owned::new(circuit, face.inputs, face.outputs, face.reveals);
        Ok(Self { owned, source, options: options.digest() })
    }

    /// Narrows a column of an owner to fewer numbers; whether there is one of this name that has them all.
    #[must_use]
    pub fn narrow(&mut self, owner: usize, column: &str, to: Number) -> bool {
        self.owned.narrow(owner, column, to)
    }

    /// The SHA-256 of the source.
    #[must_use]
    pub const fn source_digest(&self) -> [u8; 32] {
        self.source
    }

    /// The hash of the options.
    #[must_use]
    pub const fn options_digest(&self) -> [u8; 32] {
        self.options
    }

    /// What is run.
    #[must_use]
    pub const fn circuit(&self) -> &Circuit {
        &self.owned.circuit
    }
}

/// What a program takes and gives.
struct Face {
    /// For each parameter its owner and its table.
    inputs: Vec<(usize, Table)>,
    outputs: Vec<Table>,
    reveals: Vec<String>,
}

/// Gates, and what they take and give.
fn lower(program: &TypedProgram, options: &Options) -> Result<(Netlist, Face), CompileError> {
    let main = program.fn_defs.get("main").filter(|main| main.is_pub).ok_or(CompileError::NoMain)?;
    let types = Types::new(program, &options.constants, options.gates)?;
    let expected = main.params.len();
    let owners = owners(expected, &options.owners);
    let owners = owners.ok_or(CompileError::Owners { expected, found: options.owners.len() })?;
    let face = face(&types, main, &owners)?;
    let bits = main.params.iter().map(|parameter| types.bits(&parameter.ty, main.meta));
    let bits = bits.collect::<Result<Vec<usize>, _>>()?;

    let mut lowering = Lowering::new(types, bits.clone(), options.gates);
    let mut wires = lowering.input_wires();
    for (parameter, bits) in main.params.iter().zip(bits) {
        lowering.bind(&parameter.name, Rc::new(wires.by_ref().take(bits).collect()));
    }
    let mut result = lowering.block(&main.body)?;
    if lowering.types.bits(&main.ty, main.meta)? == 0 {
        result = Rc::default();
    }
    let (mut recorder, panic) = lowering.finish();
    let fine = recorder.not(panic);
    let mut shown = vec![Signal::default(); result.len()];
    let too_many = |_| refused(main.meta, Refusal::TooManyGates(options.gates));
    recorder.and_n(&result, &vec![fine; result.len()], &mut shown).map_err(too_many)?;
    Ok((recorder.finish([vec![panic], shown]), face))
}

fn face(types: &Types<'_>, main: &TypedFnDef, owners: &[usize]) -> Result<Face, CompileError> {
    let mut inputs = Vec::with_capacity(owners.len());
    for (parameter, owner) in main.params.iter().zip(owners) {
        let (table, payload) = table(types, &parameter.name, &parameter.ty, main.meta)?;
        if payload == Payload::Some {
            return Err(refused(main.meta, Refusal::EnumInput));
        }
        inputs.push((*owner, table));
    }
    let (result, _) = table(types, "result", &main.ty, main.meta)?;
    let panicked = Table::new("panicked", Rows::Exactly(1), vec![Column::new("panicked", Number::bit())]);
    let reveals = vec![
        "Whether the program panicked: a number overflowed, a divisor was zero, an index out of bounds, or a join's keys did not ascend.".into(),
        format!("Whatever the source has it compute, which every signer should read: the result has {} bits and can tell as many bits about any input.", result.bits()),
    ];
    Ok(Face { inputs, outputs: vec![panicked, result], reveals })
}

/// The table that a value is.
fn table(types: &Types<'_>, name: &str, ty: &Type, meta: MetaInfo) -> Result<(Table, Payload), CompileError> {
    // Refuses what is too large before its columns are listed.
    types.bits(ty, meta)?;
    let is_array = matches!(ty, Type::Array(..) | Type::ArrayConst(..) | Type::ArrayConstExpr(..));
    let (element, rows) = if is_array { types.array(ty, meta)? } else { (ty, 1) };
    let mut columns = Vec::new();
    let payload = types.leaves("", element, meta, &mut columns)?;
    let unnamed =
        |column: Column| if column.name.is_empty() { Column { name: name.into(), ..column } } else { column };
    let columns = columns.into_iter().map(unnamed).collect();
    Ok((Table::new(name, Rows::Exactly(rows), columns), payload))
}

impl Joint for Compiled {
    fn name(&self) -> ProgramName {
        NAME
    }

    fn declaration(&self) -> &Declaration {
        &self.owned.declaration
    }

    fn parameters(&self) -> [u8; 32] {
        let hash = Sha256::new_with_prefix(b"sotto mpc garble program v1");
        let hash =
            hash.chain_update(self.source).chain_update(self.options).chain_update(self.circuit().digest());
        hash.chain_update(COMPILER).finalize().into()
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut Checked<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        self.owned.run(f, inputs, outputs)
    }
}
