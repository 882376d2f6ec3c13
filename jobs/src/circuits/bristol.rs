//! `bristol@1`: a circuit file as a functionality.
//!
//! ```text
//! inputs     value 1, value 2, …      each a table of unsigned numbers, its lowest wires first
//! outputs    output 1, output 2, …    likewise
//! value of n bits    n ≤ 64: one row of n bits    n > 64: n/w rows of w bits, w the largest divisor of n up to 64
//! ```
//!
//! A circuit file has no names, ranges or meanings, so every bit pattern is a valid input, and what an output
//! reveals depends on the author of the file. A value of 128 bits is two rows of 64, one of 512 bits eight
//! rows; one of 67 bits, a prime, is 67 rows of one bit.

use sha2::{Digest, Sha256};

use super::assigned::{AssignedCircuit, Layout, parties};
use crate::multiparty::{CheckedInputs, Column, Declaration, Functionality, Header, Rows, Table};
use sotto_mpc::Fancy;
use sotto_mpc::circuit::BristolError;
use sotto_mpc::circuit::{Circuit, Netlist, TooLarge};
use sotto_mpc::inputs::Inputs;
use sotto_mpc::number::Number;
use sotto_mpc::program::ProgramName;

const NAME: ProgramName = ProgramName::literal("bristol@1");

/// Widest word of a value.
const WORD: usize = 64;

/// Why a circuit file is not a functionality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BristolFunctionalityError {
    /// The text is not a circuit.
    #[error(transparent)]
    Bristol(#[from] BristolError),
    /// It is too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// There is not one input party for each value.
    #[error(
        "{found} input parties are named, the circuit has {expected} input values; input parties are numbered from 0 without a gap"
    )]
    Parties {
        /// Input values of the circuit.
        expected: usize,
        /// Input parties named.
        found: usize,
    },
}

/// A circuit file whose input values belong to input parties.
#[derive(Clone, Debug)]
pub struct BristolFunctionality {
    assigned: AssignedCircuit,
    source: [u8; 32],
}

impl BristolFunctionality {
    /// The circuit of a text, with the input party of each input value, from 0; if none are given, each value
    /// has its own.
    ///
    /// # Errors
    /// What is wrong with the text, or with the input parties.
    pub fn new(text: &str, given: &[usize]) -> Result<Self, BristolFunctionalityError> {
        let circuit = Circuit::new(&Netlist::from_bristol(text)?)?;
        let expected = circuit.inputs().len();
        let parties = parties(expected, given);
        let parties = parties.ok_or(BristolFunctionalityError::Parties { expected, found: given.len() })?;
        let tables = |name: &str, sizes: &[usize]| -> Vec<Table> {
            sizes.iter().enumerate().map(|(i, bits)| words(&format!("{name} {}", i + 1), *bits)).collect()
        };
        let values = tables("value", circuit.inputs()).into_iter().map(|table| {
            let layout = Layout::in_order(&table);
            (table, layout)
        });
        let inputs = parties.into_iter().zip(values).collect();
        let outputs = tables("output", circuit.outputs());
        let bits: usize = circuit.outputs().iter().sum();
        let reveals = vec![format!(
            "Whatever the author of the circuit had it compute: the outputs have {bits} bits and can tell as many bits about any input. Every signer should know where the file comes from and what it does."
        )];
        let source: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let hash = Sha256::new_with_prefix(b"sotto mpc bristol program v1");
        let parameters = hash.chain_update(source).chain_update(circuit.digest()).finalize().into();
        let header = |parties| Header {
            name: NAME,
            declaration: Declaration::new(parties, outputs, reveals),
            parameters,
        };
        Ok(Self { assigned: AssignedCircuit::new(circuit.into(), inputs, header), source })
    }

    /// The circuit with its tables, to give their columns types.
    pub(crate) const fn assigned_mut(&mut self) -> &mut AssignedCircuit {
        &mut self.assigned
    }

    /// The SHA-256 of the text.
    #[must_use]
    pub const fn source_digest(&self) -> [u8; 32] {
        self.source
    }
}

/// A value as rows of words.
fn words(name: &str, bits: usize) -> Table {
    let width = match bits {
        0..=WORD => bits,
        _ => (1..=WORD).rev().find(|width| bits.is_multiple_of(*width)).unwrap_or(1),
    };
    let rows = bits.checked_div(width).unwrap_or(1);
    let column = Column::new(name, Number::up_to((1 << width) - 1));
    Table::new(name, Rows::Exactly(rows), vec![column])
}

impl Functionality for BristolFunctionality {
    fn header(&self) -> &Header {
        &self.assigned.header
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        self.assigned.run(f, inputs, outputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multiparty::ColumnType;
    use crate::multiparty::Delegated;
    use sotto_mpc::Program;
    use sotto_mpc::inputs::Holder;

    /// `(c, a AND b)` of values a, b, c of one bit.
    const AND: &str = "1 4\n3 1 1 1\n2 1 1\n\n2 1 0 1 3 AND\n";

    fn shape(table: &Table) -> (usize, usize) {
        (table.rows.most(), table.columns[0].number.width())
    }

    #[test]
    fn values_are_words() {
        for (bits, rows_of) in [
            (0, (1, 0)),
            (1, (1, 1)),
            (64, (1, 64)),
            (65, (5, 13)),
            (67, (67, 1)),
            (128, (2, 64)),
            (512, (8, 64)),
        ] {
            let table = words("value 1", bits);
            assert_eq!((shape(&table), table.bits()), (rows_of, bits));
        }
    }

    #[test]
    fn a_party_may_have_several_values() {
        let text = "2 8\n3 2 2 2\n1 2\n\n2 1 0 4 6 AND\n2 1 1 5 7 XOR\n";
        let program = BristolFunctionality::new(text, &[0, 1, 0]).unwrap();
        let parties: Vec<usize> = program.declaration().parties().iter().map(Vec::len).collect();
        assert_eq!(parties, [2, 1]);
        let outputs = program.compute(&[vec![vec![vec![3]], vec![vec![1]]], vec![vec![vec![0]]]]).unwrap();
        assert_eq!(outputs[1..], [vec![vec![0b11]]]);
    }

    #[test]
    fn a_narrowed_value_enters_in_fewer_bits_and_means_the_same() {
        // Copies eight bits.
        let text = "0 8\n1 8\n1 8\n";
        let mut program = BristolFunctionality::new(text, &[]).unwrap();
        let of = |min, max| ColumnType { range: Some((min, max)), decimals: 1, ..ColumnType::default() };
        program.assigned_mut().retype(0, "value 1", &of(3, 9)).unwrap();
        assert_eq!(program.declaration().input_bits(0), 4);
        for (value, holds, shown) in [(3, 1, 3), (9, 1, 9)] {
            let outputs = program.compute(&[vec![vec![vec![value]]]]).unwrap();
            assert_eq!(outputs, [vec![vec![holds]], vec![vec![shown]]]);
        }
        assert!(program.compute(&[vec![vec![vec![10]]]]).is_err());
        let parties = Delegated::new(&program, vec![Holder::Garbler]).unwrap();
        let outputs = parties.compute(&[false, true, false, true], &[]);
        assert_eq!(program.declaration().decode(&outputs).unwrap(), [[[0]], [[0]]], "ten is out of range");
        for (column, range) in [("value 2", of(0, 1)), ("value 1", of(0, 10))] {
            assert!(program.assigned_mut().retype(0, column, &range).is_err(), "{column}");
        }
    }

    #[test]
    fn each_value_has_a_party() {
        assert_eq!(BristolFunctionality::new(AND, &[]).unwrap().declaration().parties().len(), 3);
        for given in [&[0, 1][..], &[0, 2, 0], &[1, 1, 1], &[0, 1, 3]] {
            let error = BristolFunctionalityError::Parties { expected: 3, found: given.len() };
            assert_eq!(BristolFunctionality::new(AND, given).unwrap_err(), error, "{given:?}");
        }
        assert!(matches!(BristolFunctionality::new("1", &[]), Err(BristolFunctionalityError::Bristol(_))));
    }

    #[test]
    fn the_hash_covers_text_and_parties() {
        let of = |text, given: &[usize]| BristolFunctionality::new(text, given).unwrap().id();
        assert_ne!(of(AND, &[0, 1, 1]), of(AND, &[0, 1, 0]));
        assert_ne!(of(AND, &[]), of(&format!("{AND}\n"), &[]), "the text is pinned, not only its meaning");
    }
}
