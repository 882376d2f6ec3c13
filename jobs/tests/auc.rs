//! `auc@1` on the real data: known sums, garbled and plain.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_jobs::builtins::auc::{Auc, BREAST_CANCER, Classes, Column, Statistics, Table, clear};
use sotto_mpc::Program;
use sotto_mpc::circuit::{Circuit, CircuitBuilder};
use sotto_mpc::fancy::Plain;
use sotto_mpc::protocol::semi_honest::{Role, run_in_memory};

/// The two hospitals: the first 284 rows, and the other 285.
fn hospitals() -> (Table, Table, Table) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/data/breast_cancer.csv");
    let all = Table::parse(&std::fs::read_to_string(path).unwrap(), &BREAST_CANCER).unwrap();
    let parts = (all.part(0..284).unwrap(), all.part(284..569).unwrap());
    (all, parts.0, parts.1)
}

fn expected(all: &Table) -> Vec<Statistics> {
    (0..all.columns()).map(|i| all.column(i)).map(|(x, y)| clear(x, y)).collect()
}

fn assert_known(statistics: &[Statistics]) {
    let sums = |i: usize| (statistics[i].two_u, statistics[i].sum_v10_sq, statistics[i].sum_v01_sq);
    assert_eq!(sums(0), (141_910, 97_028_754, 56_868_760));
    assert_eq!(sums(22), (147_652, 103_416_022, 61_209_240));
}

#[test]
fn the_clear_sums_are_the_known_ones() {
    let (all, _, _) = hospitals();
    let statistics = expected(&all);
    assert_known(&statistics);
    let interval = statistics[0].interval();
    assert!((interval.auc - 0.9375).abs() < 1e-4, "{interval:?}");
    assert!(interval.low < interval.auc && interval.auc < interval.high && interval.high < 1.0);
}

#[test]
fn two_hospitals_compute_the_known_sums() {
    let (all, first, second) = hospitals();
    let program = Auc::new(&BREAST_CANCER, first.classes(), second.classes()).unwrap();
    let x = program.inputs(Role::Garbler, &first).unwrap();
    let y = program.inputs(Role::Evaluator, &second).unwrap();
    assert_eq!(program.statistics(&program.compute(&x, &y)).unwrap(), expected(&all));
    assert_eq!(program.inputs(Role::Evaluator, &first), None);

    let (garbler, evaluator) = (&mut ChaCha20Rng::seed_from_u64(1), &mut ChaCha20Rng::seed_from_u64(2));
    let output = run_in_memory(&program, &x, &y, [garbler, evaluator]).unwrap();
    let statistics = program.statistics(&output).unwrap();
    assert_known(&statistics);
    assert_eq!(statistics, expected(&all));
}

#[test]
fn it_takes_the_gates_it_should() {
    let (_, first, second) = hospitals();
    let program = Auc::new(&BREAST_CANCER, first.classes(), second.classes()).unwrap();
    let cost = program.cost();
    // 40,923 pairs across, 490 bits in all: (2w + 3) a pair, and the rest for rows.
    let pairs = 40_923 * (2 * 490 + 3 * 30);
    assert!((pairs..pairs + pairs / 20).contains(&cost.and_gates), "{} AND gates", cost.and_gates);
}

/// A small table, made as text and read again.
fn table(rows: &[(bool, u16)]) -> Table {
    let lines = rows.iter().map(|(positive, value)| format!("{value},{}\n", u8::from(!positive)));
    Table::parse(&format!("{},1,p,n\n{}", rows.len(), lines.collect::<String>()), &COLUMN).unwrap()
}

static COLUMN: [Column; 1] = [Column { name: std::borrow::Cow::Borrowed("v"), decimals: 0, bits: 4 }];

proptest! {
    #[test]
    fn any_split_of_any_rows_gives_the_clear_sums(
        rows in prop::collection::vec((any::<bool>(), 0u16..16), 2..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let all = table(&rows);
        let cut = cut.index(rows.len() + 1);
        let (first, second) = (table(&rows[..cut]), table(&rows[cut..]));
        let classes = all.classes();
        let program = Auc::new(&COLUMN, first.classes(), second.classes());
        if classes.positive == 0 || classes.negative == 0 {
            prop_assert!(program.is_err());
        } else {
            let program = program.unwrap();
            let x = program.inputs(Role::Garbler, &first).unwrap();
            let y = program.inputs(Role::Evaluator, &second).unwrap();
            prop_assert_eq!(program.statistics(&program.compute(&x, &y)).unwrap(), expected(&all));
        }
    }
}

#[test]
fn parameters_that_make_no_program_are_refused() {
    let none = Classes { positive: 0, negative: 3 };
    assert!(Auc::new(&COLUMN, none, none).is_err());
    let many = Classes { positive: usize::MAX, negative: 1 };
    assert!(Auc::new(&COLUMN, many, many).is_err());
    let wide = [Column { bits: 33, ..COLUMN[0].clone() }];
    let one = Classes { positive: 1, negative: 1 };
    assert!(Auc::new(&wide, one, one).is_err());
}

#[test]
fn other_parameters_are_another_program() {
    let (one, two) = (Classes { positive: 1, negative: 1 }, Classes { positive: 2, negative: 1 });
    let renamed = [Column { name: "w".into(), ..COLUMN[0].clone() }];
    let scaled = [Column { decimals: 1, ..COLUMN[0].clone() }];
    let id = |schema, first, second| Auc::new(schema, first, second).unwrap().id();
    let this = id(&COLUMN, one, two);
    for other in [id(&COLUMN, two, one), id(&renamed, one, two), id(&scaled, one, two)] {
        assert_ne!(other, this);
    }
}

#[test]
fn a_recorded_circuit_computes_the_same() {
    let schema = [Column { name: "v".into(), decimals: 0, bits: 6 }];
    let program =
        Auc::new(&schema, Classes { positive: 3, negative: 4 }, Classes { positive: 5, negative: 2 })
            .unwrap();
    let circuit = Circuit::new(&CircuitBuilder::record(&program)).unwrap();
    let shape = program.shape();
    let input = |n: usize, seed: usize| (0..n).map(|i| (i * i + seed) % 5 < 2).collect::<Vec<_>>();
    let (x, y) = (input(shape.garbler_bits(), 1), input(shape.evaluator_bits(), 2));
    let mut outputs = Vec::new();
    circuit.run(&mut Plain, x.iter().chain(&y).copied(), &mut outputs).unwrap();
    assert_eq!(outputs, program.compute(&x, &y));
}
