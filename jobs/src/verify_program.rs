//! Comparing a program with the job that names it: only the gates that were signed are run.
//!
//! The job has hashes and schemas. Each party builds the program itself, from its name and parameters or from
//! the source that comes with the job, and compares. Everything that a program says its outputs reveal must
//! be among the job's leaks.

use super::hash::Digest;
use super::job::{Column, Count, Draft, Pin, ResultColumn, Table};
use super::text::{Line, Prose, TextError};
use crate::kind::Kind;
use crate::multiparty::{self, Functionality, Rows, TooLarge};
use sotto_mpc::program::ProgramName;

/// How a program is not the one of a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramMismatch {
    /// Another program, or another version.
    #[error("the program here is {here}, the job says {signed}")]
    Name {
        /// Built here.
        here: ProgramName,
        /// In the job.
        signed: ProgramName,
    },
    /// Gates or their number differ.
    #[error("the program here has the circuit {here}, the job says {signed}: another version, or altered")]
    Circuit {
        /// Built here.
        here: Digest,
        /// In the job.
        signed: Digest,
    },
    /// The program takes other inputs.
    #[error("the program takes {expected} input parties, the job has {given} inputs")]
    InputParties {
        /// By the program.
        expected: usize,
        /// By the job.
        given: usize,
    },
    /// A schema differs.
    #[error("the schema of input {} does not fit the program: its tables, rows, columns or ranges differ", .0 + 1)]
    Schema(usize),
    /// Outputs differ.
    #[error("the program has the outputs {expected}, and the job does not say the same in the same order")]
    Outputs {
        /// Of the program.
        expected: String,
    },
    /// The types of outputs differ.
    #[error(
        "the job reads the outputs as something else than the program here: their types or decimals differ"
    )]
    Results,
    /// The program reveals something that the job does not state.
    #[error("the job's leaks do not say what the program does: {0}")]
    Leak(String),
    /// It has more gates than the job says, and was not counted to its end.
    #[error(transparent)]
    Larger(#[from] TooLarge),
    /// A name that cannot stand in a job.
    #[error(transparent)]
    Text(#[from] TextError),
}

/// The schema of what an input party reads for a program.
///
/// # Errors
/// If the program has names that do not print.
pub fn schema(program: &impl Functionality, input_party: usize) -> Result<Vec<Table>, TextError> {
    program.local(input_party).tables().iter().map(table).collect()
}

/// The schema of a table.
///
/// # Errors
/// If it has names that do not print.
pub fn table(table: &multiparty::Table) -> Result<Table, TextError> {
    let (count, rows) = match table.rows {
        Rows::Exactly(rows) => (Count::Exactly, rows),
        Rows::UpTo(rows) => (Count::UpTo, rows),
    };
    let column = |column: &multiparty::Column| {
        let multiparty::Column { name, number, kind } = column;
        let (min, max, decimals) = (number.min(), number.max(), number.decimals());
        Ok(Column { name: Line::new(name)?, min, max, decimals, missing: None, kind: kind.clone() })
    };
    let columns = table.columns.iter().map(column).collect::<Result<_, _>>()?;
    Ok(Table { name: Line::new(&table.name)?, count, rows: rows as u64, columns })
}

/// What the outputs of a source or a circuit file stand for, where they are not plain whole numbers. Those of a
/// built-in program follow from its parameters.
///
/// # Errors
/// If the program has names that do not print.
pub fn results(program: &impl Functionality) -> Result<Vec<ResultColumn>, TextError> {
    let tables = program.declaration().outputs().iter().zip(0u16..);
    let columns = tables.flat_map(|(table, output)| table.columns.iter().map(move |column| (output, column)));
    let is_typed = |(_, column): &(u16, &multiparty::Column)| {
        column.kind != Kind::Number || column.number.decimals() > 0
    };
    let result = |(output, column): (u16, &multiparty::Column)| {
        let (column, decimals, kind) =
            (Line::new(&column.name)?, column.number.decimals(), column.kind.clone());
        Ok(ResultColumn { output, column, decimals, kind })
    };
    columns.filter(is_typed).map(result).collect()
}

/// What a program reveals, in its own words.
///
/// # Errors
/// If the words do not print.
pub fn leaks(program: &impl Functionality) -> Result<Vec<Prose>, TextError> {
    program.declaration().reveals().iter().map(|text| Prose::new(text)).collect()
}

/// Whether this is the program that the job names, with the schemas and outputs that it states. Counts and
/// hashes all gates.
///
/// # Errors
/// What differs.
pub fn verify(job: &Draft, program: &impl Functionality) -> Result<(), ProgramMismatch> {
    verify_declaration(job, program)?;
    let Pin { circuit, and_gates, .. } = &job.program;
    let (hash, cost) = program.gate_stream(*and_gates)?;
    let same = (*circuit, *and_gates) == (Digest(hash), cost.and_gates);
    if same { Ok(()) } else { Err(ProgramMismatch::Circuit { here: Digest(hash), signed: *circuit }) }
}

/// Whether the program has the name that the job says, and the schemas, outputs and leaks; its gates are not
/// looked at. The two compute parties compare programs before each attempt.
///
/// # Errors
/// What differs.
pub fn verify_declaration(job: &Draft, program: &impl Functionality) -> Result<(), ProgramMismatch> {
    let declaration = program.declaration();
    let (expected, given) = (declaration.parties().len(), job.inputs.len());
    if expected != given {
        return Err(ProgramMismatch::InputParties { expected, given });
    }
    for (i, input) in job.inputs.iter().enumerate() {
        let mut stated = input.tables.clone();
        stated.iter_mut().flat_map(|table| &mut table.columns).for_each(|column| column.missing = None);
        if stated != schema(program, i)? {
            return Err(ProgramMismatch::Schema(i));
        }
    }
    let outputs: Vec<&str> = declaration.outputs().iter().map(|table| table.name.as_str()).collect();
    if !job.outputs.iter().map(|output| output.name.as_str()).eq(outputs.iter().copied()) {
        return Err(ProgramMismatch::Outputs { expected: outputs.join(", ") });
    }
    let stated = if job.program.source.is_some() { results(program)? } else { Vec::new() };
    if stated != job.results {
        return Err(ProgramMismatch::Results);
    }
    if let Some(leak) = leaks(program)?.iter().find(|leak| !job.leaks.contains(leak)) {
        return Err(ProgramMismatch::Leak(leak.to_string()));
    }
    let (here, signed) = (program.name(), job.program.name);
    if here == signed { Ok(()) } else { Err(ProgramMismatch::Name { here, signed }) }
}
