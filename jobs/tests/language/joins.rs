//! Joins, and constants that come from outside.

use crate::compiler::compiler;
use crate::language::twin::Twin;
use garble_lang::literal::Literal;
use garble_lang::token::UnsignedNumType;
use sotto_jobs::circuits::{GarbleError, GarbleFunctionality, GarbleOptions};
use sotto_jobs::multiparty::{Cells, Functionality};
use sotto_mpc::circuit::language::{CompileError, ConstantProblem};
use std::collections::HashMap;

const JOIN_LOOP: &str = "pub fn main(xs: [(u16, u8); 5], ys: [(u16, i32); 4]) -> (u16, i32) {
    let mut count = 0u16;
    let mut sum = 0i32;
    for ((_, a), (_, b)) in join_iter(xs, ys) {
        count = count + 1u16;
        sum = sum + b * (a as i32);
    }
    (count, sum)
}";

const JOIN: &str = "pub fn main(xs: [(u8, u8); 3], ys: [(u8, u16); 4]) -> [(bool, (u8, u8), (u8, u16)); const { 3usize + 4usize - 1usize }] { join(xs, ys) }";

fn ascending(keys: &[i128], value: impl Fn(i128) -> i128) -> Cells {
    keys.iter().map(|key| vec![*key, value(*key)]).collect()
}

#[test]
fn joins_find_pairs_and_refuse_keys_out_of_order() {
    let twin = Twin::new(JOIN_LOOP);
    let xs = |keys: &[i128]| vec![ascending(keys, |key| key % 5)];
    let ys = |keys: &[i128]| vec![ascending(keys, |key| -key * 2)];
    for (first, second) in [
        ([1, 3, 5, 7, 9], [2, 3, 7, 11]),
        ([0, 1, 2, 3, 4], [0, 1, 2, 3]),
        ([10, 20, 30, 40, 65_535], [1, 2, 3, 65_535]),
        ([1, 2, 3, 4, 5], [6, 7, 8, 9]),
    ] {
        twin.agrees(&[xs(&first), ys(&second)], JOIN_LOOP);
    }
    assert!(twin.run(&[xs(&[1, 3, 5, 7, 9]), ys(&[2, 7, 3, 11])]).0);
    assert!(twin.run(&[xs(&[1, 3, 3, 7, 9]), ys(&[2, 3, 7, 11])]).0);

    // Which of the last places a pair gets is the network's business.
    let twin = Twin::new(JOIN);
    for (first, second) in [([1, 2, 9], [2, 3, 9, 11]), ([4, 5, 6], [7, 8, 9, 10]), ([1, 2, 3], [1, 2, 3, 4])]
    {
        let inputs = [vec![ascending(&first, |k| k + 1)], vec![ascending(&second, |k| 1000 - k)]];
        let ((ours, mut rows), (theirs, mut expected)) = (twin.run(&inputs), twin.oracle(&inputs));
        assert!(!ours && !theirs);
        assert!(rows.windows(2).all(|pair| pair[0][0] <= pair[1][0]));
        rows.sort();
        expected.sort();
        assert_eq!(rows, expected);
    }
}

#[test]
fn constants_come_from_outside() {
    let source = "const N: usize = A::N;
    const M: usize = max(N, B::M) + 1usize;
    const BIAS: i32 = A::BIAS;
    pub fn main(xs: [i32; N], ys: [i32; M]) -> i32 {
        let mut sum = BIAS;
        for x in xs { sum = sum + x; }
        for y in ys { sum = sum + y; }
        sum
    }";
    let given = [("A::N", 2), ("B::M", 3), ("A::BIAS", -7)];
    let options = |given: &[(&str, i128)]| GarbleOptions {
        constants: given.iter().map(|(name, value)| (name.to_string(), *value)).collect(),
        ..GarbleOptions::default()
    };
    let program = GarbleFunctionality::new(source, &options(&given), &compiler()).unwrap();
    let rows = |values: &[i128]| vec![values.iter().map(|v| vec![*v]).collect::<Cells>()];
    let outputs = program.compute(&[rows(&[1, 2]), rows(&[3, 4, 5, 6])]).unwrap();
    assert_eq!(outputs[1..], [vec![vec![0]], vec![vec![14]]]);

    let error = |given: &[(&str, i128)]| match GarbleFunctionality::new(source, &options(given), &compiler())
    {
        Err(GarbleError::Compile(CompileError::Constant { problem, .. })) => problem,
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&given[..2]), ConstantProblem::Missing);
    assert_eq!(error(&[given[0], given[1], given[2], ("C::X", 1)]), ConstantProblem::Unused);
    assert_eq!(error(&[given[0], given[1], ("A::BIAS", 1 << 40)]), ConstantProblem::Range);
    let other =
        GarbleFunctionality::new(source, &options(&[given[0], given[1], ("A::BIAS", -8)]), &compiler())
            .unwrap();
    assert_eq!(other.source_digest(), program.source_digest());
    assert_ne!(other.options_digest(), program.options_digest());
    assert_ne!(other.id(), program.id());

    let literal = |n| Literal::NumUnsigned(n, UnsignedNumType::Usize);
    let consts = |entries: Vec<(&str, Literal)>| {
        entries.into_iter().map(|(k, v)| (k.to_string(), v)).collect::<HashMap<_, _>>()
    };
    let bias = Literal::NumSigned(-7, garble_lang::token::SignedNumType::I32);
    let theirs = HashMap::from([
        ("A".to_string(), consts(vec![("N", literal(2)), ("BIAS", bias)])),
        ("B".to_string(), consts(vec![("M", literal(3))])),
    ]);
    let theirs = garble_lang::compile_with_constants(source, theirs).map_err(|e| e.prettify(source)).unwrap();
    Twin { ours: program, theirs }.agrees(&[rows(&[1, -2]), rows(&[3, 4, i32::MAX.into(), 6])], source);
}
