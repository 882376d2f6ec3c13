//! The program of a job: built in, compiled from a source in the Garble language, or read from a circuit
//! file.
//!
//! ```text
//! name and parameters     ─► Builtin ─┐
//! source and options      ─► Garble  ─┼─► Computation ─ pin ─► source, compiler, parameters, hash and number of gates
//! file and input parties  ─► Bristol ─┘
//! ```
//!
//! Every party builds the program itself from what comes with the job. The [`Pin`] is part of what is signed,
//! so a party that arrives at another pin has another job.

use super::hash::Digest;
use super::job::{Gates, Parameter, Pin};
use super::text::{Line, TextError};
use crate::builtins::Builtin;
use crate::circuits::{
    AssignedCircuit, BristolFunctionality, Disclosure, DisclosureError, GarbleFunctionality, Reading,
};
use crate::multiparty::{
    Cells, CheckedInputs, ColumnType, Figure, Functionality, Header, LocalStep, RetypeError, RowError,
    RowNames, Table, TooLarge,
};
use sotto_mpc::Fancy;
use sotto_mpc::circuit::Tables;
use sotto_mpc::circuit::language::COMPILER;
use sotto_mpc::fancy::Cost;
use sotto_mpc::inputs::Inputs;

/// The program of a job.
#[derive(Clone, Debug)]
pub enum Computation {
    /// An operator that comes with the crate.
    Builtin(Builtin),
    /// A source in the Garble language.
    Garble(GarbleFunctionality),
    /// A circuit in Bristol Fashion.
    Bristol(BristolFunctionality),
}

/// Why a program cannot be pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// It is too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// A name that cannot stand in a job.
    #[error(transparent)]
    Text(#[from] TextError),
}

/// Does with a program whatever kind it is of.
macro_rules! with {
    ($computation:expr, $program:ident => $do:expr) => {
        match $computation {
            Computation::Builtin($program) => $do,
            Computation::Garble($program) => $do,
            Computation::Bristol($program) => $do,
        }
    };
}

impl Computation {
    /// Gives the columns of a name of an input party a type. Those of built-in programs follow from parameters.
    ///
    /// # Errors
    /// If they cannot have it.
    pub(crate) fn retype(
        &mut self,
        input_party: usize,
        column: &str,
        ty: &ColumnType,
    ) -> Result<(), RetypeError> {
        self.circuit_mut()?.retype(input_party, column, ty)
    }

    /// Says what the numbers of a column of an output stand for.
    ///
    /// # Errors
    /// If the column cannot have this type.
    pub(crate) fn retype_output(
        &mut self,
        output: &str,
        column: &str,
        ty: &ColumnType,
    ) -> Result<(), RetypeError> {
        self.circuit_mut()?.retype_output(output, column, ty)
    }

    /// Has rows of a source's result suppressed and numbers of it rounded before they are opened, and names its rows.
    ///
    /// # Errors
    /// If the output is no such result, or cannot have what is declared.
    pub(crate) fn disclose(&mut self, output: &str, disclosure: Disclosure) -> Result<(), DisclosureError> {
        match self {
            Self::Garble(program) => program.assigned_mut().disclose(output, disclosure),
            Self::Builtin(_) | Self::Bristol(_) if disclosure.is_none() => Ok(()),
            Self::Builtin(_) | Self::Bristol(_) => Err(DisclosureError::NoResult),
        }
    }

    /// How many different values an output can have, as a logarithm to the base 2, or a bound of it.
    #[must_use]
    pub(crate) fn output_bits(&self, output: &Table) -> f64 {
        let all = output.bits() as f64;
        let Self::Garble(program) = self else { return all };
        let withheld = program.withheld(&output.name);
        let bits = withheld.map_or(all, |withheld| withheld.row_bits() * output.rows.most() as f64);
        // One value more: none, because the program panicked.
        bits + (1.0 + (-bits).exp2()).log2()
    }

    fn circuit_mut(&mut self) -> Result<&mut AssignedCircuit, RetypeError> {
        match self {
            Self::Builtin(_) => Err(RetypeError::NoColumn),
            Self::Garble(program) => Ok(program.assigned_mut()),
            Self::Bristol(program) => Ok(program.assigned_mut()),
        }
    }

    /// What a source does with tables: sorts, joins, rows by secret indices.
    #[must_use]
    pub fn tables(&self) -> Tables {
        match self {
            Self::Garble(program) => program.circuit().tables(),
            Self::Builtin(_) | Self::Bristol(_) => Tables::default(),
        }
    }

    /// How a source reads a table of an input party; `None` for other programs.
    pub(crate) fn reading(&self, party: usize, table: usize) -> Option<Reading> {
        match self {
            Self::Garble(program) => program.reading(party, table),
            Self::Builtin(_) | Self::Bristol(_) => None,
        }
    }

    /// The AND gates of a source, but for those that check the ranges of inputs; `None` for other programs.
    #[must_use]
    pub(crate) fn gates_of_source(&self) -> Option<u64> {
        match self {
            Self::Garble(program) => Some(program.and_gates()),
            Self::Builtin(_) | Self::Bristol(_) => None,
        }
    }

    /// What a job states of this program, which was built with these parameters. Counts and hashes all gates,
    /// of which `most` are allowed.
    ///
    /// # Errors
    /// If it has more.
    pub fn pin(&self, parameters: Vec<Parameter>, most: u64) -> Result<Pin, PinError> {
        let (circuit, cost) = self.gate_stream(most)?;
        self.pin_stated(parameters, Gates { circuit: Digest(circuit), and_gates: cost.and_gates })
    }

    /// What a job states of this program, if these are its gates, which is not looked at.
    ///
    /// # Errors
    /// If its name cannot stand in a job.
    pub fn pin_stated(&self, parameters: Vec<Parameter>, gates: Gates) -> Result<Pin, PinError> {
        let Gates { circuit, and_gates } = gates;
        let sotto = concat!("sotto ", env!("CARGO_PKG_VERSION"));
        let (source, compiler) = match self {
            Self::Builtin(_) => (None, sotto),
            Self::Garble(program) => (Some(program.source_digest()), COMPILER),
            Self::Bristol(program) => (Some(program.source_digest()), sotto),
        };
        Ok(Pin {
            name: self.name(),
            parameters,
            source: source.map(Digest),
            compiler: Line::new(compiler)?,
            circuit,
            and_gates,
        })
    }
}

impl Functionality for Computation {
    fn header(&self) -> &Header {
        with!(self, program => program.header())
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        with!(self, program => program.body(f, inputs, outputs))
    }

    fn free_gates(&self) -> u64 {
        with!(self, program => program.free_gates())
    }

    // Compiled here and not wherever they are called: each has the gates of all built-in programs in it.

    fn gate_stream(&self, most: u64) -> Result<([u8; 32], Cost), TooLarge> {
        with!(self, program => program.gate_stream(most))
    }

    fn compute(&self, parties: &[Vec<Cells>]) -> Result<Vec<Cells>, RowError> {
        with!(self, program => program.compute(parties))
    }

    fn local(&self, input_party: usize) -> Box<dyn LocalStep + '_> {
        with!(self, program => program.local(input_party))
    }

    fn figures(&self, outputs: &[Cells]) -> Vec<Figure> {
        with!(self, program => program.figures(outputs))
    }

    fn is_suppressed(&self, table: &Table, row: &[i128]) -> bool {
        with!(self, program => program.is_suppressed(table, row))
    }

    fn is_place_suppressed(&self, table: &Table, row: &[i128], place: usize) -> bool {
        with!(self, program => program.is_place_suppressed(table, row, place))
    }

    fn row_names(&self, table: &Table) -> Option<RowNames> {
        with!(self, program => program.row_names(table))
    }
}
