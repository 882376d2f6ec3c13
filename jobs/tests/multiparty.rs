//! The frame of functionalities, with a small one: an input party's maximum where rows may be absent, and
//! another's sum.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_jobs::multiparty::{
    Cells, CheckedInputs, Column, Declaration, Delegated, Functionality, Header, RowErrorKind, Rows, Table,
};
use sotto_mpc::fancy::{Plain, TooManyGates};
use sotto_mpc::gadgets::{Arithmetic, Comparison, Selection, Words};
use sotto_mpc::inputs::{Holder, Inputs};
use sotto_mpc::number::Number;
use sotto_mpc::program::ProgramName;
use sotto_mpc::protocol::semi_honest::run_in_memory;
use sotto_mpc::{Fancy, Program};

/// `Σ second − max first`, where the first input party's rows may be absent.
#[derive(Clone, Debug)]
struct Sample(Header);

impl Sample {
    fn new() -> Self {
        let table = |rows, min, max| {
            vec![Table::new("t", rows, vec![Column::new("v", Number::new(min, max).unwrap())])]
        };
        let parties = vec![table(Rows::UpTo(3), 2, 12), table(Rows::Exactly(2), -5, 9)];
        let result =
            Table::new("result", Rows::Exactly(1), vec![Column::new("d", Number::new(-64, 63).unwrap())]);
        let declaration = Declaration::new(parties, vec![result], vec![]);
        Self(Header { name: ProgramName::literal("sample@1"), declaration, parameters: [0; 32] })
    }
}

fn widened<F: Fancy>(f: &mut F, x: &Words<F::Wire>, width: usize, signed: bool) -> Words<F::Wire> {
    let mut x = x.clone();
    while x.width() < width {
        let top = if signed { x.bit(x.width() - 1).to_vec() } else { vec![f.constant(false); x.lanes()] };
        x = x.appended(&top);
    }
    x
}

impl Functionality for Sample {
    fn header(&self) -> &Header {
        &self.0
    }

    fn body<F: Fancy, I: Inputs<F>>(
        &self,
        f: &mut F,
        inputs: &mut CheckedInputs<'_, F::Wire, I>,
        outputs: &mut Vec<F::Wire>,
    ) -> Result<(), F::Error> {
        let mut max = Words::single(&[f.constant(false); 4]);
        while let Some(chunk) = inputs.next(f, 0, 2)? {
            for row in 0..chunk.rows {
                let value = chunk.column(0).lanes_in(row..row + 1);
                let larger = f.greater(&value, &max)?;
                let take = f.and(larger[0], chunk.present[row])?;
                max = f.select(&[take], &value, &max)?;
            }
        }
        let mut sum = widened(f, &max, 7, false);
        sum = f.negate(&sum)?;
        let chunk = inputs.whole(f, 1)?.unwrap();
        for row in 0..chunk.rows {
            let value = widened(f, &chunk.column(0).lanes_in(row..row + 1), 7, true);
            sum = f.add(&sum, &value)?;
        }
        outputs.extend(sum.wires());
        Ok(())
    }
}

fn expected(first: &[i128], second: &[i128]) -> i128 {
    second.iter().sum::<i128>() - first.iter().max().unwrap_or(&0)
}

fn rows(values: &[i128]) -> Cells {
    values.iter().map(|value| vec![*value]).collect()
}

proptest! {
    #[test]
    fn what_owners_bring_is_computed(
        first in prop::collection::vec(2i128..=12, 0..=3),
        second in prop::collection::vec(-5i128..=9, 2),
    ) {
        let outputs = Sample::new().compute(&[vec![rows(&first)], vec![rows(&second)]]).unwrap();
        prop_assert_eq!(&outputs, &vec![vec![vec![1, 1]], vec![vec![expected(&first, &second)]]]);
    }

    /// An input party that enters any bits at all, in range or not.
    #[test]
    fn out_of_range_bits_are_named_and_zero_everything(bits in prop::collection::vec(any::<bool>(), 15)) {
        let sample = Sample::new();
        let second = sample.declaration().encode(1, &[rows(&[-5, 9])]).unwrap().iter().collect::<Vec<_>>();
        let program = Delegated::new(&sample, vec![Holder::Garbler, Holder::Evaluator]).unwrap();
        let outputs = sample.declaration().decode(&program.compute(&bits, &second)).unwrap();
        let row = |row: &[bool]| (row[0], (0..4).map(|i| i128::from(row[1 + i]) << i).sum::<i128>());
        let present: Vec<i128> = bits.chunks(5).map(row).filter(|row| row.0).map(|row| row.1).collect();
        let holds = present.iter().all(|value| (2..=12).contains(value));
        let result = if holds { expected(&present, &[-5, 9]) } else { 0 };
        prop_assert_eq!(outputs, vec![vec![vec![i128::from(holds), 1]], vec![vec![result]]]);
    }
}

#[test]
fn rows_that_do_not_fit_are_refused_by_place() {
    let sample = Sample::new();
    let error = |party, values: &[i128]| sample.declaration().encode(party, &[rows(values)]).unwrap_err();
    let out = error(0, &[2, 13]);
    assert_eq!((out.row, matches!(out.kind, RowErrorKind::OutOfRange { .. })), (2, true));
    assert!(!out.to_string().contains("13"), "{out}");
    assert_eq!(error(0, &[2; 4]).kind, RowErrorKind::Rows { expected: Rows::UpTo(3), found: 4 });
    assert_eq!(error(1, &[2]).kind, RowErrorKind::Rows { expected: Rows::Exactly(2), found: 1 });
    let wide = sample.declaration().encode(1, &[vec![vec![1, 2], vec![3, 4]]]).unwrap_err();
    assert_eq!(wide.kind, RowErrorKind::Columns { expected: 1, found: 2 });
    let none = sample.declaration().encode(1, &[]).unwrap_err();
    assert_eq!(none.kind, RowErrorKind::Tables { expected: 1, found: 0 });
    assert_eq!(Delegated::new(&sample, vec![Holder::Shared]).map(|_| ()), None);
}

/// Input parties at the compute parties and input parties who share: one result, and no share says anything
/// of a bit.
#[test]
fn every_place_gives_the_same_result() {
    let sample = Sample::new();
    let inputs = [vec![rows(&[3, 11])], vec![rows(&[9, -1])]];
    let encode = |i: usize| sample.declaration().encode(i, &inputs[i]).unwrap().iter().collect();
    let bits: Vec<Vec<bool>> = (0..2).map(encode).collect();
    let masks: Vec<Vec<bool>> =
        bits.iter().map(|bits| (0..bits.len()).map(|i| i * i % 7 < 3).collect()).collect();
    for places in [
        [Holder::Garbler, Holder::Evaluator],
        [Holder::Shared, Holder::Shared],
        [Holder::Evaluator, Holder::Shared],
    ] {
        let program = Delegated::new(&sample, places.to_vec()).unwrap();
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for ((place, bits), mask) in places.iter().zip(&bits).zip(&masks) {
            match place {
                Holder::Garbler => x.extend(bits),
                Holder::Evaluator => y.extend(bits),
                Holder::Shared => {
                    x.extend(mask);
                    y.extend(bits.iter().zip(mask).map(|(bit, mask)| bit ^ mask));
                }
            }
        }
        let (garbler, evaluator) = (&mut ChaCha20Rng::seed_from_u64(1), &mut ChaCha20Rng::seed_from_u64(2));
        let output = run_in_memory(&program, &x, &y, [garbler, evaluator]).unwrap();
        assert_eq!(sample.declaration().decode(&output).unwrap(), [vec![vec![1, 1]], vec![vec![8 - 11]]]);
        assert_eq!(program.compute(&x, &y), output);
    }
}

#[test]
fn the_gate_stream_has_one_hash_and_its_cost() {
    let sample = Sample::new();
    let (hash, cost) = sample.gate_stream(u64::MAX).unwrap();
    assert_eq!(sample.gate_stream(cost.and_gates).unwrap().0, hash);
    let fewer = cost.and_gates - 1;
    assert_eq!(sample.gate_stream(fewer).unwrap_err(), TooManyGates(fewer).into());
    let program = Delegated::new(&sample, vec![Holder::Garbler, Holder::Evaluator]).unwrap();
    assert_eq!(cost.and_gates, program.cost().and_gates);
    let shared = Delegated::new(&sample, vec![Holder::Shared, Holder::Shared]).unwrap();
    assert_eq!(cost.and_gates, shared.cost().and_gates);
    assert_ne!(program.id(), shared.id());
    assert_ne!(program.id().digest, sample.id().digest);
}

proptest! {
    #[test]
    fn constants_compare_like_words(x in 0u128..1 << 9, k in 0u128..1 << 10) {
        let words = Words::single(&(0..9).map(|i| x >> i & 1 == 1).collect::<Vec<_>>());
        prop_assert_eq!(Plain.greater_than_constant(&words, k), Ok(vec![x > k]));
    }
}
