//! Where programs differ from the circuits that the language's own compiler makes (`docs/GARBLING.md`).
//!
//! Each test shows both sides, so that a new version of the language that changes its side is noticed.

use crate::compiler::compiler;
use crate::language::twin::Twin;
use sotto_jobs::circuits::{GarbleFunctionality, GarbleOptions};
use sotto_jobs::multiparty::Cells;
use sotto_mpc::circuit::language::COMPILER;

/// Whether it panicked and the numbers of the result: here, and in the language's own circuit.
fn both(source: &str, inputs: &[i128]) -> [(bool, Cells); 2] {
    let twin = Twin::new(source);
    let inputs: Vec<Vec<Cells>> = inputs.iter().map(|n| vec![vec![vec![*n]]]).collect();
    [twin.run(&inputs), twin.oracle(&inputs)]
}

#[test]
fn operands_of_comparisons_run_once() {
    for (op, holds) in [("<=", 1), (">=", 0)] {
        let source = format!(
            "pub fn main(x: u8, y: u8) -> (u8, bool) {{ let mut z = x; let b = ({{ z = z + 1u8; z }}) {op} y; (z, b) }}"
        );
        let [ours, theirs] = both(&source, &[5, 100]);
        assert_eq!(ours, (false, vec![vec![6, holds]]));
        assert_eq!(theirs.1[0][0], 7, "the language runs the operand twice");
    }
}

#[test]
fn assignments_behind_a_false_condition_take_no_effect() {
    let source = "pub fn main(x: u8, y: u8) -> (u8, bool) { let mut z = x; let b = y == 7u8 && ({ z = z + 1u8; true }); (z, b) }";
    let [ours, theirs] = both(source, &[5, 0]);
    assert_eq!((ours, theirs), ((false, vec![vec![5, 0]]), (false, vec![vec![6, 0]])));
}

/// Here both agree: a panic counts only in what is computed.
#[test]
fn a_panic_in_an_arm_that_is_not_taken_does_not_count() {
    for (body, result) in [
        ("if y == 0u8 { 9u8 } else { x / y }", 9),
        ("if y != 0u8 { x / y } else { 9u8 }", 9),
        ("match y { 0u8 => 9u8, _ => x / y }", 9),
        ("match y { 7u8 => x - 9u8, 0u8 => 8u8, _ => x / y }", 8),
        ("if y != 0u8 && x / y > 1u8 { 1u8 } else { 2u8 }", 2),
        ("if y == 0u8 || x / y > 1u8 { 1u8 } else { 2u8 }", 1),
        ("let mut z = x; if y == 0u8 { } else { z = z - 9u8; } z", 5),
    ] {
        let [ours, theirs] = both(&format!("pub fn main(x: u8, y: u8) -> u8 {{ {body} }}"), &[5, 0]);
        assert_eq!((ours, theirs), ((false, vec![vec![result]]), (false, vec![vec![result]])), "{body}");
    }
}

/// Rust panics, since it computes the quotient, too. The remainder of -128 by -1 is 0 and overflows nothing.
#[test]
fn the_remainder_of_the_smallest_number_by_minus_one_is_zero() {
    let source = "pub fn main(x: i8, y: i8) -> i8 { x % y }";
    let [ours, theirs] = both(source, &[-128, -1]);
    assert_eq!((ours, theirs.1), ((false, vec![vec![0]]), vec![vec![0]]));
    assert!(both("pub fn main(x: i8, y: i8) -> i8 { x / y }", &[-128, -1])[0].0);
    assert!(both("pub fn main(x: i8, y: i8) -> i8 { x % y }", &[-128, 0])[0].0);
}

/// Its `push_panic_if` remembers for each condition the state of panics after it was checked first, and goes back to that
/// state when the same condition is checked again: what panicked in between is forgotten. An index that is a number in
/// bounds has the condition that is never true, and so has a division by a number that is not zero.
#[test]
fn a_panic_between_two_checks_of_one_condition_counts() {
    for between in [
        "let one = x / 3u8; let sum = x + y; sum ^ (x / 5u8) ^ one",
        "let a = [x, y]; let one = a[0usize]; let sum = one + y; sum ^ a[1usize] ^ one",
        "let one = x / y; let sum = x + y; sum ^ (x / y) ^ one",
        "let mut out = [0u8; 2]; let a = [x, x]; for i in 0usize..2usize { out[i] = a[i] + y; } out[0usize]",
    ] {
        let source = |body: &str| format!("pub fn main(x: u8, y: u8) -> u8 {{ {body} }}");
        let [ours, theirs] = both(&source(between), &[200, 100]);
        assert_eq!((ours, theirs.0), ((true, vec![vec![0]]), false), "{between}");
        // Without an overflow, both say the same.
        let [ours, theirs] = both(&source(between), &[20, 100]);
        assert_eq!((ours.0, &ours), (false, &theirs), "{between}");
    }
    // One check alone, and both panic.
    for source in ["let one = x / 3u8; let sum = x + y; sum ^ one", "let sum = x + y; sum ^ (x / 3u8)"] {
        let [ours, theirs] = both(&format!("pub fn main(x: u8, y: u8) -> u8 {{ {source} }}"), &[200, 100]);
        assert!(ours.0 && theirs.0, "{source}");
    }
}

fn refusal(source: &str) -> String {
    GarbleFunctionality::new(source, &GarbleOptions::default(), &compiler()).unwrap_err().to_string()
}

#[test]
fn what_is_refused_is_said_with_advice() {
    let width =
        "const N: usize = 3usize;\npub fn main(x: u8, y: u8) -> u8 { let array = [2; N]; x + array[1] }";
    let theirs = garble_lang::compile(width).unwrap();
    let one = || theirs.parse_arg(0, "1u8").unwrap().as_bits();
    let sum = theirs.parse_output(&theirs.circuit.eval(&[one(), one()])).unwrap();
    assert_eq!(sum.to_string(), "1", "the language's own circuit adds wrongly");
    assert!(refusal(width).contains("give literals a type, such as 5u8"), "{}", refusal(width));
    for number in ["0X5", "0x5"] {
        assert!(
            refusal(&format!("pub fn main(x: u8, y: u8) -> u8 {{ x + {number} }}")).starts_with("line 1")
        );
    }
    assert!(COMPILER.starts_with("garble_lang 0.7.0-alpha.1"), "look at the differences again");
}
