//! A circuit whose input values are assigned to input parties, each value as a table.
//!
//! ```text
//! values of the circuit      v0  v1  v2  …        input party of each   0  1  0  …
//! tables of input party 0    v0, v2               of input party 1      v1
//! bits of a value            row ‖ row ‖ …        row = column ‖ column ‖ …
//! ```
//!
//! Tables of a party are in the order in which the circuit reads them: those that a loop streams come last.
//!
//! A job may narrow the range of a column. The column then takes fewer bits, the circuit checks its range
//! like any other, and it is extended to the width that the circuit takes, by zeros or by its sign.

use crate::multiparty::{CheckedInputs, Column, Header, Table};
use sotto_mpc::Fancy;
use sotto_mpc::circuit::{Elements, StreamedCircuit};
use sotto_mpc::inputs::Inputs;
use sotto_mpc::number::Number;

/// A circuit whose input values have input parties, and what it takes and gives.
#[derive(Clone, Debug)]
pub(crate) struct AssignedCircuit {
    pub(crate) circuit: StreamedCircuit,
    pub(crate) header: Header,
    values: Vec<Value>,
}

/// An input value of the circuit.
#[derive(Clone, Debug, Default)]
struct Value {
    party: usize,
    /// Which of the input party's tables it is.
    table: usize,
    /// Bits that the circuit takes for each column.
    widths: Vec<usize>,
}

/// The input party of each value: all from 0 without a gap, and if none are given, for each value one of its
/// own.
pub(crate) fn parties(values: usize, given: &[usize]) -> Option<Vec<usize>> {
    if given.is_empty() {
        return Some((0..values).collect());
    }
    let most = given.iter().max().copied().unwrap_or(0);
    let complete = most < values && (0..most).all(|party| given.contains(&party));
    (given.len() == values && complete).then(|| given.to_vec())
}

impl AssignedCircuit {
    /// A circuit with the input party and the table of each of its input values.
    pub(crate) fn new(
        circuit: StreamedCircuit,
        inputs: Vec<(usize, Table)>,
        header: impl FnOnce(Vec<Vec<Table>>) -> Header,
    ) -> Self {
        let mut parties = vec![Vec::new(); inputs.iter().map(|(party, _)| party + 1).max().unwrap_or(0)];
        let mut values = vec![Value::default(); inputs.len()];
        for value in circuit.reading_order() {
            let (party, table) = &inputs[value];
            let widths = table.columns.iter().map(|column| column.number.width()).collect();
            values[value] = Value { party: *party, table: parties[*party].len(), widths };
            parties[*party].push(table.clone());
        }
        Self { circuit, header: header(parties), values }
    }

    /// Narrows the columns of this name of an input party; whether there are any, and all have these numbers.
    pub(crate) fn narrow(&mut self, party: usize, name: &str, to: Number) -> bool {
        let columns = self.header.declaration.columns_mut(party).filter(|column| column.name == name);
        let mut narrowed = 0;
        for Column { number, .. } in columns {
            if !number.holds(to.min()) || !number.holds(to.max()) {
                return false;
            }
            *number = to;
            narrowed += 1;
        }
        narrowed > 0
    }

    /// Runs the circuit, which reads all values.
    pub(crate) fn run<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let read = vec![0; self.values.len()];
        self.circuit.run(f, &mut Tables { assigned: self, inputs, read }, outputs)
    }
}

/// The rows of all tables, as elements of the circuit's input values.
struct Tables<'a, 'd, W, I> {
    assigned: &'a AssignedCircuit,
    inputs: &'a mut CheckedInputs<'d, W, I>,
    /// How many rows of each value were read.
    read: Vec<usize>,
}

impl<F: Fancy, I: Inputs<F>> Elements<F> for Tables<'_, '_, F::Wire, I> {
    fn whole(&mut self, f: &mut F, value: usize, wires: &mut Vec<F::Wire>) -> Result<(), F::Error> {
        self.next(f, value, usize::MAX, wires)
    }

    fn next(
        &mut self,
        f: &mut F,
        value: usize,
        elements: usize,
        wires: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let Value { party, table, widths } = &self.assigned.values[value];
        let declared = &self.assigned.header.declaration.party(*party)[*table];
        if let Some(chunk) = self.inputs.next(f, *party, elements)? {
            for row in 0..chunk.rows {
                for ((words, column), width) in chunk.columns.iter().zip(&declared.columns).zip(widths) {
                    wires.extend(words.lane(row));
                    let number = column.number;
                    if number.width() < *width {
                        let sign = wires.last().copied().filter(|_| number.is_signed());
                        let high = sign.unwrap_or_else(|| f.constant(false));
                        wires.extend(std::iter::repeat_n(high, width - number.width()));
                    }
                }
            }
            self.read[value] += chunk.rows;
            if self.read[value] == declared.rows.most() {
                // The party's next table begins.
                self.inputs.next(f, *party, usize::MAX)?;
            }
        }
        Ok(())
    }
}
