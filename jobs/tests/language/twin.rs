//! A source, compiled here and by the compiler of the language.

use crate::compiler::compiler;
use garble_lang::GarbleProgram;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sotto_jobs::circuits::{GarbleFunctionality, GarbleOptions};
use sotto_jobs::multiparty::{Cells, Delegated, Functionality, Table};
use sotto_mpc::inputs::Holder;
use sotto_mpc::protocol::{malicious, semi_honest};

/// A source, compiled here and by the language itself.
pub(crate) struct Twin {
    pub(crate) ours: GarbleFunctionality,
    pub(crate) theirs: GarbleProgram,
}

impl Twin {
    pub(crate) fn new(source: &str) -> Self {
        let theirs = garble_lang::compile(source).map_err(|e| e.prettify(source)).unwrap();
        let ours = GarbleFunctionality::new(source, &GarbleOptions::default(), &compiler())
            .unwrap_or_else(|e| panic!("{e}\n{source}"));
        Self { ours, theirs }
    }

    /// Rows for each input party's tables, with the ends of ranges more often than chance has it.
    pub(crate) fn inputs(&self, rng: &mut ChaCha20Rng) -> Vec<Vec<Cells>> {
        let table = |table: &Table, rng: &mut ChaCha20Rng| -> Cells {
            let row = |rng: &mut ChaCha20Rng| {
                let number = |column: &sotto_jobs::multiparty::Column| {
                    let (min, max) = (column.number.min(), column.number.max());
                    let near = i128::from(rng.next_u32() % 4);
                    let value = match rng.next_u32() % 6 {
                        0 => near,
                        1 => max - near,
                        2 => min + near,
                        3 => -near,
                        4 => i128::from(rng.next_u32() % 70),
                        _ => min + (i128::from(rng.next_u64()) % (max - min + 1)),
                    };
                    value.clamp(min, max)
                };
                table.columns.iter().map(number).collect()
            };
            (0..table.rows.most()).map(|_| row(rng)).collect()
        };
        let input_parties = self.ours.declaration().parties().iter();
        input_parties.map(|tables| tables.iter().map(|t| table(t, rng)).collect()).collect()
    }

    /// Ours: whether it panicked, and the rows of the result.
    pub(crate) fn run(&self, inputs: &[Vec<Cells>]) -> (bool, Cells) {
        let mut outputs = self.ours.compute(inputs).unwrap();
        assert!(outputs[0][0].iter().all(|holds| *holds == 1));
        (outputs[1][0][0] == 1, outputs.remove(2))
    }

    /// Theirs, by bits: they have the highest first.
    pub(crate) fn oracle(&self, inputs: &[Vec<Cells>]) -> (bool, Cells) {
        let declaration = self.ours.declaration();
        let bits = |(input_party, tables): (usize, &Vec<Cells>)| -> Vec<bool> {
            let numbers = declaration
                .party(input_party)
                .iter()
                .zip(tables)
                .flat_map(|(table, rows)| rows.iter().flat_map(|row| row.iter().zip(&table.columns)));
            numbers.flat_map(|(n, c)| (0..c.number.width()).rev().map(move |i| n >> i & 1 == 1)).collect()
        };
        let output = self.theirs.circuit.eval(&inputs.iter().enumerate().map(bits).collect::<Vec<_>>());
        let (panic, mut rest) = output.split_at(161);
        let table = &declaration.outputs()[2];
        let mut rows = Cells::new();
        for _ in 0..table.rows.most() {
            let mut row = Vec::new();
            for column in &table.columns {
                let (bits, after) = rest.split_at(column.number.width());
                rest = after;
                row.push(column.number.decode(&bits.iter().rev().copied().collect::<Vec<_>>()).unwrap());
            }
            rows.push(row);
        }
        (panic[0], rows)
    }

    /// Theirs, as zeros if it panicked.
    fn expected(&self, inputs: &[Vec<Cells>]) -> (bool, Cells) {
        let (panicked, rows) = self.oracle(inputs);
        let zero = rows.iter().map(|row| vec![0; row.len()]).collect();
        (panicked, if panicked { zero } else { rows })
    }

    pub(crate) fn agrees(&self, inputs: &[Vec<Cells>], source: &str) {
        assert_eq!(self.run(inputs), self.expected(inputs), "{source}\n{inputs:?}");
    }

    pub(crate) fn agrees_garbled(&self, inputs: &[Vec<Cells>], source: &str, rng: &mut ChaCha20Rng) {
        for ours in self.garbled(inputs, rng) {
            assert_eq!(ours, self.expected(inputs), "{source}\n{inputs:?}");
        }
    }

    /// Ours, where two parties compute it, of whom each holds some inputs: as curious parties, and as malicious ones.
    pub(crate) fn garbled(&self, inputs: &[Vec<Cells>], rng: &mut ChaCha20Rng) -> [(bool, Cells); 2] {
        let holders: Vec<Holder> =
            (0..inputs.len()).map(|i| [Holder::Garbler, Holder::Evaluator][i % 2]).collect();
        let (mut garbler, mut evaluator) = (Vec::new(), Vec::new());
        for (party, (tables, holder)) in inputs.iter().zip(&holders).enumerate() {
            let bits = self.ours.declaration().encode(party, tables).unwrap();
            if holder.includes_garbler() { &mut garbler } else { &mut evaluator }.extend(bits.iter());
        }
        let program = Delegated::new(&self.ours, holders).unwrap();
        let mut rngs = || [rng.next_u64(), rng.next_u64()].map(ChaCha20Rng::seed_from_u64);
        let ([mut one, mut two], [mut three, mut four]) = (rngs(), rngs());
        let outputs = [
            semi_honest::run_in_memory(&program, &garbler, &evaluator, [&mut one, &mut two]).unwrap(),
            malicious::run_in_memory(&program, &garbler, &evaluator, [&mut three, &mut four]).unwrap(),
        ];
        outputs.map(|bits| {
            let mut outputs = self.ours.declaration().decode(&bits).unwrap();
            assert!(outputs[0][0].iter().all(|holds| *holds == 1));
            (outputs[1][0][0] == 1, outputs.remove(2))
        })
    }

    pub(crate) fn agrees_often(source: &str, times: usize) {
        let twin = Self::new(source);
        let rng = &mut ChaCha20Rng::seed_from_u64(source.len() as u64);
        (0..times).for_each(|_| twin.agrees(&twin.inputs(rng), source));
    }
}
