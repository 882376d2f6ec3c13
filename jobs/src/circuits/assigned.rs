//! A circuit whose input values are assigned to input parties, each value as a table.
//!
//! ```text
//! values of the circuit      v0  v1  v2  …        input party of each   0  1  0  …
//! tables of input party 0    v0, v2               of input party 1      v1
//! bits of a value            row ‖ row ‖ …        row = column ‖ column ‖ …
//! ```
//!
//! Columns are in the order of the source; the circuit may have the numbers of a row in another. The fields of an enum's
//! variants are columns of their own, and share bits in the circuit: a field has them if the row has its variant,
//! which takes a gate for each of its bits.
//! Tables of a party are in the order in which the circuit reads them: those that a loop streams come last.
//!
//! A job may give a column a type with a narrower range. The column then takes fewer bits, the circuit checks its range
//! like any other, and it is extended to the width that the circuit takes, by zeros or by its sign.

use super::disclosure::{Disclosure, DisclosureError, Withheld};
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
    /// The rows of the last output, if the circuit gives them in another order than the table has it.
    result: Option<Layout>,
    /// What is done to these rows before they are opened.
    withheld: Option<Withheld>,
}

/// Where the numbers of a row are in the circuit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// The bits of a row.
    pub(crate) bits: usize,
    /// In the order of their first bits.
    pub(crate) numbers: Vec<Placed>,
}

/// A number of a row in the circuit.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) column: usize,
    /// Its first bit, and their number.
    pub(crate) bit: usize,
    pub(crate) width: usize,
    /// The variants with which it is there: columns, and what each must be.
    pub(crate) cases: Vec<(usize, usize)>,
}

impl Layout {
    /// One column after the other.
    pub(crate) fn in_order(table: &Table) -> Self {
        let mut layout = Self::default();
        for (column, of) in table.columns.iter().enumerate() {
            let (bit, width) = (layout.bits, of.number.width());
            layout.numbers.push(Placed { column, bit, width, cases: Vec::new() });
            layout.bits += width;
        }
        layout
    }
}

/// An input value of the circuit.
#[derive(Clone, Debug, Default)]
struct Value {
    party: usize,
    /// Which of the input party's tables it is.
    table: usize,
    layout: Layout,
}

/// How the rows of a table are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// By one loop, row after row.
    Streamed,
    /// As rows in memory.
    Rows,
    /// As one value.
    Whole,
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
    /// A circuit with the input party, the table, and the layout of each of its input values.
    pub(crate) fn new(
        circuit: StreamedCircuit,
        inputs: Vec<(usize, (Table, Layout))>,
        header: impl FnOnce(Vec<Vec<Table>>) -> Header,
    ) -> Self {
        let mut parties = vec![Vec::new(); inputs.iter().map(|(party, _)| party + 1).max().unwrap_or(0)];
        let mut values = vec![Value::default(); inputs.len()];
        for value in circuit.reading_order() {
            let (party, (table, layout)) = &inputs[value];
            values[value] = Value { party: *party, table: parties[*party].len(), layout: layout.clone() };
            parties[*party].push(table.clone());
        }
        Self { circuit, header: header(parties), values, result: None, withheld: None }
    }

    /// The same, where the circuit gives the rows of the last output like this.
    pub(crate) fn ordered(mut self, mut layout: Layout) -> Self {
        layout.numbers.sort_by_key(|number| number.column);
        self.result = Some(layout);
        self
    }

    /// How a table of an input party is read.
    pub(crate) fn reading(&self, party: usize, table: usize) -> Option<Reading> {
        let value = self.values.iter().position(|value| (value.party, value.table) == (party, table))?;
        Some(match self.circuit.elements(value) {
            Some(_) if self.circuit.is_streamed(value) => Reading::Streamed,
            Some(_) => Reading::Rows,
            None => Reading::Whole,
        })
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

    /// Has rows of the result suppressed and numbers of it rounded before they are opened, and names its rows.
    pub(crate) fn disclose(&mut self, output: &str, disclosure: Disclosure) -> Result<(), DisclosureError> {
        if disclosure.is_none() {
            return Ok(());
        }
        let declaration = &mut self.header.declaration;
        let is_last = declaration.outputs().last().is_some_and(|table| table.name == output);
        let table = declaration.output_mut(output).filter(|_| is_last && self.result.is_some());
        let table = table.ok_or(DisclosureError::NoResult)?;
        let reveals = disclosure.reveals();
        let (opened, withheld) = disclosure.of(table)?;
        *table = opened;
        declaration.reveal(reveals);
        self.withheld = Some(withheld);
        Ok(())
    }

    /// What is done to the rows of this output before they are opened.
    pub(crate) fn withheld(&self, output: &str) -> Option<&Withheld> {
        let is_last = self.header.declaration.outputs().last().is_some_and(|table| table.name == output);
        self.withheld.as_ref().filter(|_| is_last)
    }

    /// The AND gates, but for those that check the ranges of inputs.
    pub(crate) fn and_gates(&self) -> u64 {
        let rows = self.header.declaration.outputs().last().map_or(0, |table| table.rows.most());
        let withheld = self.withheld.as_ref().map_or(0, |withheld| withheld.and_gates(rows));
        self.circuit.and_gates().saturating_add(withheld)
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
        let Some(layout) = &self.result else {
            outputs.extend(given);
            return Ok(());
        };
        let rows = self.header.declaration.outputs().last().map_or(0, |table| table.rows.most());
        let result = given.split_off(given.len().saturating_sub(rows * layout.bits));
        outputs.extend(given);
        let mut shown = Vec::new();
        result.chunks_exact(layout.bits.max(1)).try_for_each(|row| layout.show(f, row, &mut shown))?;
        match &self.withheld {
            Some(withheld) => withheld.open(f, &shown, outputs),
            None => {
                outputs.extend(shown);
                Ok(())
            }
        }
    }
}

impl Layout {
    /// Appends the numbers of a row, in the order of columns: zeros for fields of other variants.
    fn show<F: Fancy>(&self, f: &mut F, row: &[F::Wire], outputs: &mut Vec<F::Wire>) -> Result<(), F::Error> {
        let wires = |number: &Placed| row[number.bit..number.bit + number.width].to_vec();
        for number in &self.numbers {
            let there = is_there(f, &number.cases, |column| wires(&self.numbers[column]))?;
            outputs.extend(kept(f, wires(number), there)?);
        }
        Ok(())
    }
}

/// Whether a row has all these variants; `None` if it need have none.
fn is_there<F: Fancy>(
    f: &mut F,
    cases: &[(usize, usize)],
    wires: impl Fn(usize) -> Vec<F::Wire>,
) -> Result<Option<F::Wire>, F::Error> {
    let mut all = None;
    for (column, variant) in cases {
        for (bit, wire) in wires(*column).into_iter().enumerate() {
            let holds = if variant >> bit & 1 == 1 { wire } else { f.not(wire) };
            all = Some(match all {
                None => holds,
                Some(all) => f.and(all, holds)?,
            });
        }
    }
    Ok(all)
}

/// These bits, or zeros if they are not there.
fn kept<F: Fancy>(f: &mut F, wires: Vec<F::Wire>, there: Option<F::Wire>) -> Result<Vec<F::Wire>, F::Error> {
    let Some(there) = there else { return Ok(wires) };
    let mut kept = wires.clone();
    f.and_n(&wires, &vec![there; wires.len()], &mut kept)?;
    Ok(kept)
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
        let Value { party, layout, .. } = &self.assigned.values[value];
        let Some(chunk) = self.inputs.next(f, *party, rows)? else { return Ok(()) };
        for row in 0..chunk.rows {
            let mut bits = vec![None; layout.bits];
            let column = |column: usize| chunk.column(column).lane(row).collect::<Vec<_>>();
            for Placed { column: place, bit, width, cases } in &layout.numbers {
                let there = is_there(f, cases, column)?;
                let mut wires = kept(f, column(*place), there)?;
                let number = self.table(value).columns[*place].number;
                if number.width() < *width {
                    let sign = wires.last().copied().filter(|_| number.is_signed());
                    let high = sign.unwrap_or_else(|| f.constant(false));
                    wires.resize(*width, high);
                }
                // Fields of different variants are never there together.
                for (into, wire) in bits[*bit..].iter_mut().zip(wires) {
                    *into = Some(into.map_or(wire, |other| f.xor(other, wire)));
                }
            }
            wires.extend(bits.into_iter().map(|wire| wire.unwrap_or_else(|| f.constant(false))));
        }
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
        let Value { party, table, layout } = &self.assigned.values[value];
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
        let bits = elements * layout.bits;
        let held = bits.min(self.ahead[value].len());
        wires.extend(self.ahead[value].drain(..held));
        // A table is held from some row on to its end, or not at all.
        let is_read = self.read[value] == self.table(value).rows.most();
        if is_read { Ok(()) } else { self.read(f, value, elements, wires) }
    }
}
