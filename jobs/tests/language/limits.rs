//! What compiled programs cost, and which sources are refused.

use crate::compiler::compiler;
use crate::language::programs::PROGRAMS;
use crate::language::twin::Twin;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_jobs::circuits::{GarbleError, GarbleFunctionality, GarbleOptions};
use sotto_jobs::multiparty::{Cells, Delegated, Functionality};
use sotto_mpc::Program;
use sotto_mpc::circuit::language::{CompileError, Refusal};
use sotto_mpc::inputs::Holder;
use sotto_mpc::protocol::semi_honest::run_in_memory;
use std::fmt::Write as _;

/// The operator alone: what the circuit has beyond hiding the result of a panic, one gate a bit.
fn gates(source: &str) -> (u64, usize) {
    let twin = Twin::new(source);
    let result = twin.ours.declaration().outputs()[2].bits();
    (twin.ours.gate_stream(u64::MAX).unwrap().1.and_gates - result as u64, twin.theirs.circuit.ands())
}

#[test]
fn operators_cost_what_gadgets_cost() {
    let of = |op: &str, ty: &str| gates(&format!("pub fn main(x: {ty}, y: {ty}) -> {ty} {{ x {op} y }}"));
    assert_eq!(of("+", "u32"), (32, 94));
    assert_eq!(of("-", "u32"), (32, 125));
    assert_eq!(of("*", "u32"), (1_116, 3_967));
    assert_eq!(of("/", "u32").0, 1_116);
    assert_eq!(of("+", "i32"), (32, 94));
    let less = |op: &str| {
        Twin::new(&format!("pub fn main(x: u32, y: u32) -> bool {{ x {op} y }}"))
            .ours
            .gate_stream(u64::MAX)
            .unwrap()
            .1
            .and_gates
    };
    assert_eq!((less("<"), less("<="), less("==")), (32, 32, 31));
}

#[test]
fn a_compiled_program_is_garbled() {
    let program = GarbleFunctionality::new(PROGRAMS[4], &GarbleOptions::default(), &compiler()).unwrap();
    let xs: Cells = (0..5).map(|i| vec![10 * i, 1, 0, i % 2]).collect();
    for (i, j) in [(3, 1), (4, 3)] {
        let inputs = [vec![xs.clone()], vec![vec![vec![i]]], vec![vec![vec![j]]]];
        let places = vec![Holder::Garbler, Holder::Evaluator, Holder::Evaluator];
        let delegated = Delegated::new(&program, places).unwrap();
        let encode =
            |input_party: usize| program.declaration().encode(input_party, &inputs[input_party]).unwrap();
        let bits: Vec<Vec<bool>> = (0..3).map(|input_party| encode(input_party).iter().collect()).collect();
        let theirs = [&bits[1][..], &bits[2]].concat();
        let (garbler, evaluator) = (&mut ChaCha20Rng::seed_from_u64(1), &mut ChaCha20Rng::seed_from_u64(2));
        let output = run_in_memory(&delegated, &bits[0], &theirs, [garbler, evaluator]).unwrap();
        assert_eq!(program.declaration().decode(&output).unwrap(), program.compute(&inputs).unwrap());
        assert_eq!(delegated.compute(&bits[0], &theirs), output);
    }
}

#[test]
fn one_party_may_have_several_parameters() {
    let source = "pub fn main(a: u8, b: [u8; 2], c: u8) -> u8 { a ^ b[0] ^ b[1] ^ c }";
    let compile = |input_parties: Vec<usize>| {
        GarbleFunctionality::new(
            source,
            &GarbleOptions { parties: input_parties, ..GarbleOptions::default() },
            &compiler(),
        )
    };
    let program = compile(vec![1, 0, 1]).unwrap();
    let outputs =
        program.compute(&[vec![vec![vec![2], vec![4]]], vec![vec![vec![1]], vec![vec![8]]]]).unwrap();
    assert_eq!(outputs[2], [[15]]);
    for wrong in [vec![0], vec![0, 2, 0], vec![1, 1, 1]] {
        assert!(matches!(compile(wrong), Err(GarbleError::Parties { .. })));
    }
}

fn refusal(source: &str, gates: usize) -> CompileError {
    match GarbleFunctionality::new(source, &GarbleOptions { gates, ..GarbleOptions::default() }, &compiler())
        .unwrap_err()
    {
        GarbleError::Compile(error) => error,
        error => panic!("{error}"),
    }
}

#[test]
fn what_is_not_a_program_is_refused_with_its_place() {
    let at = |source: &str| match refusal(source, 1 << 20) {
        CompileError::Invalid { location, message } => (location.line, location.column, message),
        other => panic!("{other:?}"),
    };
    let (line, column, message) = at("pub fn main(x: u8, y: u8) -> u8 {\n    x + z\n}");
    assert_eq!((line, column), (2, 9), "{message}");
    assert!(message.contains('z'));
    assert_eq!(at("pub fn main(x: u8) -> u8 { x + }").0, 1);
    assert_eq!(at("pub fn main(x: u8) -> u8 { € }").0, 1);
    at("fn f(x: u8) -> u8 { f(x) } pub fn main(x: u8) -> u8 { f(x) }");
    assert_eq!(refusal("", 1), CompileError::NoMain);
    assert_eq!(refusal("pub fn other(x: u8) -> u8 { x }", 1), CompileError::NoMain);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_made() {
    let refused = |source: &str, expected: Refusal| match refusal(source, 10_000) {
        CompileError::Refused { location, refusal } => {
            assert_eq!(refusal, expected, "{source}");
            assert!(location.line > 0);
        }
        other => panic!("{other:?}"),
    };
    let too_large = |found: u64| Refusal::TooLarge { limit: 10_000, found };
    let sum = "pub fn main(x: u64, y: u64) -> u64 {\n let mut z = x;\n for i in 0u8..100u8 { z = z * y + (i as u64); }\n z }";
    let CompileError::Refused { refusal: Refusal::TooManyGates { limit: 10_000, about }, .. } =
        refusal(sum, 10_000)
    else {
        panic!("too many gates");
    };
    // A product of 64 bits takes some 10,000 gates of both kinds, and there are a hundred.
    assert!((500_000..2_000_000).contains(&about), "{about}");
    refused("pub fn main(x: [u64; 4000000000], y: u8) -> u8 { y }", too_large(256_000_000_000));
    refused("pub fn main(y: u8) -> u8 { let x = [y; 4000000000]; x[0] }", too_large(32_000_000_000));
    refused("pub fn main(y: u8) -> u8 { for i in 0u32..4000000000u32 { } y }", too_large(128_000_000_000));
    let nested = "pub fn main(y: u8) -> u8 { for i in 0u8..255u8 { for j in 0u8..255u8 { for k in 0u8..255u8 { for l in 0u8..255u8 {} } } } y }";
    let CompileError::Refused { refusal: Refusal::TooMuchWork { limit, about }, .. } =
        refusal(nested, 10_000)
    else {
        panic!("too much work");
    };
    // Four loops of 255 rounds, of some ten steps each.
    assert_eq!(limit, 1 << 25);
    assert!((255u64.pow(4)..100 * 255u64.pow(4)).contains(&about), "{about}");
    refused("pub fn main(x: [[bool; 5000]; 1], y: u8) -> u8 { y }", Refusal::TooManyColumns(4096));
    refused("struct S { s: [S; 2] } pub fn main(s: S, y: u8) -> u8 { y }", Refusal::Recursive);

    // Functions that call each other twice: the work doubles with each.
    let mut doubling = "fn f0(x: u8) -> u8 { x ^ 1u8 }\n".to_string();
    for i in 1..40 {
        writeln!(doubling, "fn f{i}(x: u8) -> u8 {{ f{}(f{}(x)) }}", i - 1, i - 1).unwrap();
    }
    let doubling = format!("{doubling} pub fn main(x: u8, y: u8) -> u8 {{ f39(x) }}");
    refused(&doubling, Refusal::TooMuchWork { limit: 1 << 25, about: 0 });
}

/// Sources that would cost the parser its stack or its memory.
#[test]
fn hostile_nesting_is_refused() {
    let main = |body: &str| format!("pub fn main(x: u8, y: u8) -> u8 {{ {body} }}");
    assert!(matches!(refusal(&main(&"x".repeat(70_000)), 1), CompileError::TooLong(_)));
    assert!(matches!(refusal(&main(&"x".repeat(300)), 1), CompileError::LongName(_)));
    let deep = format!("{}x{}", "(".repeat(100), ")".repeat(100));
    assert!(matches!(refusal(&main(&deep), 1), CompileError::TooDeep(_)));
    let mut copies = "x".to_string();
    for _ in 0..40 {
        copies = format!("if ({copies}) <= y {{ x }} else {{ y }}");
    }
    assert!(matches!(refusal(&main(&copies), 1), CompileError::TooDeep(_)));
    let long = main(&format!("x{}", " ^ y".repeat(10_000)));
    assert!(GarbleFunctionality::new(&long, &GarbleOptions::default(), &compiler()).is_ok());
    let not = |n: usize| main(&format!("{}x", "!".repeat(n)));
    assert!(GarbleFunctionality::new(&not(64), &GarbleOptions::default(), &compiler()).is_ok());
    assert!(matches!(refusal(&not(50_000), 1), CompileError::TooDeep(_)));
}
