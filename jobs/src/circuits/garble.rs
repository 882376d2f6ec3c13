//! `garble@1`: programs in the Garble language, a total subset of Rust, as functionalities.
//!
//! ```text
//! pub fn main(x: u32, y: [u8; 100]) -> bool        input party 0: table `x` of one row; input party 1: table `y` of 100 rows
//!                                                  outputs: `panicked`, and `result`, which is zero if it panicked
//! ```
//!
//! The compiler is [`sotto_mpc::circuit::language`]. An array parameter is a table of as many rows as it has
//! elements, anything else a table of one row; the numbers of an element are its columns, named by their path
//! (`age`, `address.zip`, `[3]`). An enum is a category of its variants, and a column for each field of a variant
//! (`shape.Square`, `shape.Box.0`; see `variants`), a bool a truth value.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use sotto_mpc::circuit::StreamedCircuit;
use sotto_mpc::circuit::language::{self, COMPILER, Case, Compile, CompileError, Leaf, LeafKind, Value};
use sotto_mpc::number::Number;
use sotto_mpc::program::ProgramName;
use sotto_mpc::{Fancy, Inputs};

use super::assigned::{AssignedCircuit, Layout, Placed, Reading, parties};
use super::disclosure::Withheld;
use crate::kind::Kind;
use crate::multiparty::{CheckedInputs, Column, Declaration, Functionality, Header, RowNames, Rows, Table};

const NAME: ProgramName = ProgramName::literal("garble@1");

/// What a source does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GarbleOptions {
    /// Values of constants `PARTY::NAME`; a bool is 0 or 1.
    pub constants: BTreeMap<String, i128>,
    /// The input party of each parameter of `main`, from 0; if empty, each has its own.
    pub parties: Vec<usize>,
    /// Gates, free ones included, and bits of one value, before the circuit is refused.
    pub gates: usize,
}

impl Default for GarbleOptions {
    fn default() -> Self {
        let language::Options { constants, gates } = language::Options::default();
        Self { constants, parties: Vec::new(), gates }
    }
}

impl GarbleOptions {
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
        hash.update((self.parties.len() as u64).to_le_bytes());
        self.parties.iter().for_each(|party| hash.update((*party as u64).to_le_bytes()));
        hash.update((self.gates as u64).to_le_bytes());
        hash.finalize().into()
    }
}

/// Why a source is not a functionality.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GarbleError {
    /// It does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The options do not name an input party for each parameter.
    #[error(
        "the options name input parties of {found} parameters, `main` has {expected}; input parties are numbered from 0 without a gap"
    )]
    Parties {
        /// Parameters of `main`.
        expected: usize,
        /// Entries of the options.
        found: usize,
    },
}

/// A compiled source whose parameters belong to input parties.
#[derive(Clone, Debug)]
pub struct GarbleFunctionality {
    assigned: AssignedCircuit,
    source: [u8; 32],
    options: [u8; 32],
}

impl GarbleFunctionality {
    /// Compiles `main` of a source, in the compiler's process.
    ///
    /// ```
    /// use sotto_jobs::Functionality;
    /// use sotto_jobs::circuits::{GarbleFunctionality, GarbleOptions};
    /// use sotto_mpc::edge::compiler::Compiler;
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let compiler = Compiler::this_program(); // the first line of `main`
    ///     let source = "pub fn main(a: u32, b: u32) -> bool { a > b }";
    ///     let richer = GarbleFunctionality::new(source, &GarbleOptions::default(), &compiler)?;
    ///     let outputs = richer.compute(&[vec![vec![vec![5]]], vec![vec![vec![3]]]])?;
    ///     // Whether the inputs hold, whether the program panicked, and the result.
    ///     assert_eq!(outputs, [vec![vec![1, 1]], vec![vec![0]], vec![vec![1]]]);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// With the place in the source and what is wrong there, or what is wrong with the input parties.
    pub fn new(source: &str, options: &GarbleOptions, compiler: &dyn Compile) -> Result<Self, GarbleError> {
        let GarbleOptions { constants, parties: given, gates } = options;
        let compiled =
            compiler.compile(source, &language::Options { constants: constants.clone(), gates: *gates })?;
        let expected = compiled.parameters().len();
        let parties = parties(expected, given);
        let parties = parties.ok_or(GarbleError::Parties { expected, found: given.len() })?;
        let values = compiled.parameters().iter().map(|value| (table(value), layout(value)));
        let inputs = parties.into_iter().zip(values).collect();
        let result = table(compiled.result());
        let shown = layout(compiled.result());
        let panicked = Table::new("panicked", Rows::Exactly(1), vec![Column::new("panicked", Number::bit())]);
        let reveals = reveals(result.bits());
        let (source, options) = (compiled.source_digest(), options.digest());
        let hash = Sha256::new_with_prefix(b"sotto mpc garble program v1");
        let hash = hash.chain_update(source).chain_update(options);
        let hash = hash.chain_update(compiled.circuit().digest()).chain_update(COMPILER);
        let header = |parties| Header {
            name: NAME,
            declaration: Declaration::new(parties, vec![panicked, result], reveals),
            parameters: hash.finalize().into(),
        };
        let assigned = AssignedCircuit::new(compiled.into_circuit(), inputs, header).ordered(shown);
        Ok(Self { assigned, source, options })
    }

    /// The circuit with its tables, to give their columns types.
    pub(crate) const fn assigned_mut(&mut self) -> &mut AssignedCircuit {
        &mut self.assigned
    }

    /// What is done to the rows of an output before they are opened.
    pub(crate) fn withheld(&self, output: &str) -> Option<&Withheld> {
        self.assigned.withheld(output)
    }

    /// The AND gates, but for those that check the ranges of inputs.
    pub(crate) fn and_gates(&self) -> u64 {
        self.assigned.and_gates()
    }

    /// How a table of an input party is read.
    pub(crate) fn reading(&self, party: usize, table: usize) -> Option<Reading> {
        self.assigned.reading(party, table)
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
    pub const fn circuit(&self) -> &StreamedCircuit {
        &self.assigned.circuit
    }
}

/// What every program in the language reveals, if its result has these bits.
fn reveals(bits: usize) -> Vec<String> {
    vec![
        "Whether the program panicked: a number overflowed, a divisor was zero, an index out of bounds, or a join's keys did not ascend.".into(),
        format!("Whatever the source has it compute, which every signer should read: the result has {bits} bits and can tell as many bits about any input."),
    ]
}

/// What a number of a source stands for. Names that no job can have are no names.
fn kind(kind: &LeafKind) -> Kind {
    match kind {
        LeafKind::Number => Kind::Number,
        LeafKind::Bool => Kind::Truth,
        LeafKind::Variant(names) => Kind::category(names).unwrap_or_default(),
    }
}

/// The table that a value is, with its columns in the order of the source.
fn table(value: &Value) -> Table {
    let leaves = value.order.iter().filter_map(|place| value.leaves.get(*place));
    // Where the value itself has no fields, columns have its name.
    let is_bare = value.leaves.iter().any(|leaf| leaf.path.is_empty());
    let columns = leaves.map(|leaf| {
        let name = match (is_bare, &*leaf.path) {
            (true, "") => value.name.clone(),
            (true, path) => format!("{}.{path}", value.name),
            (false, path) => path.to_owned(),
        };
        Column::new(name, leaf.number).of(kind(&leaf.kind))
    });
    Table::new(value.name.as_str(), Rows::Exactly(value.elements), columns.collect())
}

/// Where the numbers of a row of that table are in the value.
fn layout(value: &Value) -> Layout {
    let mut columns = vec![0; value.leaves.len()];
    value.order.iter().enumerate().for_each(|(column, leaf)| columns[*leaf] = column);
    let placed = |(at, leaf): (usize, &Leaf)| {
        let (mut cases, mut case) = (Vec::new(), leaf.case);
        while let Some(Case { tag, variant }) = case {
            cases.push((columns[tag], variant));
            case = value.leaves[tag].case;
        }
        Placed { column: columns[at], bit: leaf.bit, width: leaf.number.width(), cases }
    };
    let numbers = value.leaves.iter().enumerate().map(placed).collect();
    Layout { bits: value.bits, numbers }
}

impl Functionality for GarbleFunctionality {
    fn header(&self) -> &Header {
        &self.assigned.header
    }

    fn free_gates(&self) -> u64 {
        self.assigned.circuit.work()
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        self.assigned.run(f, inputs, outputs)
    }

    fn is_suppressed(&self, table: &Table, row: &[i128]) -> bool {
        self.withheld(&table.name).is_some_and(|withheld| withheld.is_all_suppressed(row))
    }

    fn is_place_suppressed(&self, table: &Table, row: &[i128], place: usize) -> bool {
        self.withheld(&table.name).is_some_and(|withheld| withheld.is_suppressed(row, place))
    }

    fn row_names(&self, table: &Table) -> Option<RowNames> {
        self.withheld(&table.name)?.declared.rows.clone()
    }
}
