//! A circuit whose input values are assigned to input parties, each value as a table.
//!
//! ```text
//! values of the circuit      v0  v1  v2  …        input party of each   0  1  0  …
//! tables of input party 0    v0, v2               of input party 1      v1
//! bits of a value            row ‖ row ‖ …        row = column ‖ column ‖ …
//! ```
//!
//! Columns are in the order of the source; the circuit may have the numbers of a row in another.
//! Tables of a party are in the order in which the circuit reads them: those that a loop streams come last.
//!
//! A job may give a column a type with a narrower range. The column then takes fewer bits, the circuit checks its range
//! like any other, and it is extended to the width that the circuit takes, by zeros or by its sign.

use crate::multiparty::{CheckedInputs, ColumnType, Header, RetypeError, Table};
use sotto_mpc::Fancy;
use sotto_mpc::circuit::{Elements, StreamedCircuit};
use sotto_mpc::inputs::Inputs;
use std::collections::VecDeque;

/// A circuit whose input values have input parties, and what it takes and gives.
#[derive(Clone, Debug)]
pub(crate) struct AssignedCircuit {
    pub(crate) circuit: StreamedCircuit,
    pub(crate) header: Header,
    values: Vec<Value>,
    /// For each bit of a row of the last output its place among those that the circuit gives.
    result: Vec<usize>,
}

/// An input value of the circuit.
#[derive(Clone, Debug, Default)]
struct Value {
    party: usize,
    /// Which of the input party's tables it is.
    table: usize,
    /// For each number of a row, in the order of the circuit, its column, and how many bits the circuit takes.
    numbers: Vec<(usize, usize)>,
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
    /// A circuit with the input party, the table, and the order of columns of each of its input values: which number of
    /// the circuit each column is.
    pub(crate) fn new(
        circuit: StreamedCircuit,
        inputs: Vec<(usize, (Table, Vec<usize>))>,
        header: impl FnOnce(Vec<Vec<Table>>) -> Header,
    ) -> Self {
        let mut parties = vec![Vec::new(); inputs.iter().map(|(party, _)| party + 1).max().unwrap_or(0)];
        let mut values = vec![Value::default(); inputs.len()];
        for value in circuit.reading_order() {
            let (party, (table, order)) = &inputs[value];
            let mut numbers: Vec<_> = order.iter().zip(table.columns.iter().enumerate()).collect();
            numbers.sort_by_key(|(number, _)| **number);
            let numbers = numbers.into_iter().map(|(_, (column, of))| (column, of.number.width())).collect();
            values[value] = Value { party: *party, table: parties[*party].len(), numbers };
            parties[*party].push(table.clone());
        }
        Self { circuit, header: header(parties), values, result: Vec::new() }
    }

    /// The same, where the columns of the last output are these numbers of the circuit.
    pub(crate) fn ordered(mut self, order: &[usize]) -> Self {
        let Some(table) = self.header.declaration.outputs().last() else { return self };
        let mut widths = vec![0; order.len()];
        order.iter().zip(&table.columns).for_each(|(number, column)| widths[*number] = column.number.width());
        let begin = |number: usize| widths.iter().take(number).sum::<usize>();
        self.result = order
            .iter()
            .flat_map(|number| (0..widths[*number]).map(move |bit| begin(*number) + bit))
            .collect();
        self
    }

    /// Gives the columns of this name of an input party a type.
    pub(crate) fn retype(&mut self, party: usize, name: &str, ty: &ColumnType) -> Result<(), RetypeError> {
        let tables = self.header.declaration.party_mut(party);
        let typed: Vec<_> = tables.iter_mut().map(|table| table.retype(name, ty)).collect();
        let is_other = |e: &&RetypeError| !matches!(e, RetypeError::NoColumn | RetypeError::NotOptional);
        let fault = typed.iter().filter_map(|typed| typed.as_ref().err()).find(is_other);
        match (fault, typed.iter().find(|typed| typed.is_ok()).or(typed.first())) {
            (Some(fault), _) => Err(*fault),
            (None, typed) => typed.copied().unwrap_or(Err(RetypeError::NoColumn)),
        }
    }

    /// Gives a column of an output a type.
    pub(crate) fn retype_output(
        &mut self,
        output: &str,
        name: &str,
        ty: &ColumnType,
    ) -> Result<(), RetypeError> {
        let table = self.header.declaration.output_mut(output).ok_or(RetypeError::NoColumn)?;
        table.retype_output(name, ty)
    }

    /// Runs the circuit, which reads all values.
    pub(crate) fn run<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let (read, ahead) = (vec![0; self.values.len()], vec![VecDeque::new(); self.values.len()]);
        let mut given = Vec::new();
        self.circuit.run(f, &mut Tables { assigned: self, inputs, read, ahead }, &mut given)?;
        let rows = self.header.declaration.outputs().last().map_or(0, Table::bits);
        let result =
            given.split_off(given.len().saturating_sub(if self.result.is_empty() { 0 } else { rows }));
        outputs.extend(given);
        let rows = result.chunks_exact(self.result.len().max(1));
        outputs.extend(rows.flat_map(|row| self.result.iter().map(|place| row[*place])));
        Ok(())
    }
}

/// The rows of all tables, as elements of the circuit's input values.
///
/// A party's tables come one after the other. Where a loop takes rows of two of them in turns, the first is held
/// from the row on at which the second is needed.
struct Tables<'a, 'd, W, I> {
    assigned: &'a AssignedCircuit,
    inputs: &'a mut CheckedInputs<'d, W, I>,
    /// How many rows of each value were read.
    read: Vec<usize>,
    /// The bits of rows of each value that were read before they were needed.
    ahead: Vec<VecDeque<W>>,
}

impl<W: Copy + Default, I> Tables<'_, '_, W, I> {
    fn table(&self, value: usize) -> &Table {
        let Value { party, table, .. } = &self.assigned.values[value];
        &self.assigned.header.declaration.party(*party)[*table]
    }

    /// Reads the next rows of the party's current table, which is that of this value.
    fn read<F>(
        &mut self,
        f: &mut F,
        value: usize,
        rows: usize,
        wires: &mut impl Extend<W>,
    ) -> Result<(), F::Error>
    where
        F: Fancy<Wire = W>,
        I: Inputs<F>,
    {
        let Value { party, numbers, .. } = &self.assigned.values[value];
        let Some(chunk) = self.inputs.next(f, *party, rows)? else { return Ok(()) };
        let mut bits = Vec::new();
        for row in 0..chunk.rows {
            for (column, width) in numbers {
                bits.extend(chunk.column(*column).lane(row));
                let number = self.table(value).columns[*column].number;
                if number.width() < *width {
                    let sign = bits.last().copied().filter(|_| number.is_signed());
                    let high = sign.unwrap_or_else(|| f.constant(false));
                    bits.extend(std::iter::repeat_n(high, width - number.width()));
                }
            }
        }
        wires.extend(bits);
        self.read[value] += chunk.rows;
        if self.read[value] == self.table(value).rows.most() {
            // The party's next table begins.
            self.inputs.next(f, *party, usize::MAX)?;
        }
        Ok(())
    }
}

impl<F: Fancy, I: Inputs<F>> Elements<F> for Tables<'_, '_, F::Wire, I> {
    fn whole(&mut self, f: &mut F, value: usize, wires: &mut Vec<F::Wire>) -> Result<(), F::Error> {
        self.read(f, value, usize::MAX, wires)
    }

    fn next(
        &mut self,
        f: &mut F,
        value: usize,
        elements: usize,
        wires: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let Value { party, table, numbers } = &self.assigned.values[value];
        let before = |other: &usize| {
            let Value { party: of, table: at, .. } = &self.assigned.values[*other];
            of == party && at < table && self.read[*other] < self.table(*other).rows.most()
        };
        let mut earlier: Vec<usize> = (0..self.assigned.values.len()).filter(before).collect();
        earlier.sort_by_key(|other| self.assigned.values[*other].table);
        for other in earlier {
            let mut ahead = std::mem::take(&mut self.ahead[other]);
            self.read(f, other, usize::MAX, &mut ahead)?;
            self.ahead[other] = ahead;
        }
        let bits = elements * numbers.iter().map(|(_, width)| width).sum::<usize>();
        let held = bits.min(self.ahead[value].len());
        wires.extend(self.ahead[value].drain(..held));
        // A table is held from some row on to its end, or not at all.
        let is_read = self.read[value] == self.table(value).rows.most();
        if is_read { Ok(()) } else { self.read(f, value, elements, wires) }
    }
}
