//! Operators, casts and enums, on every type.

use crate::compiler::compiler;
use crate::language::twin::Twin;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_jobs::circuits::{GarbleFunctionality, GarbleOptions};
use sotto_jobs::multiparty::Functionality;

const TYPES: [&str; 9] = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64"];

/// Every operator on every type: clear arithmetic decides, and the language's evaluator agrees wherever it
/// does not wrap a lowest number.
#[test]
fn operators_compute_and_panic_as_arithmetic_does() {
    let rng = &mut ChaCha20Rng::seed_from_u64(1);
    for ty in TYPES {
        for op in ["+", "-", "*", "/", "%", "&", "|", "^"] {
            let source = format!("pub fn main(x: {ty}, y: {ty}) -> {ty} {{ x {op} y }}");
            let twin = Twin::new(&source);
            for _ in 0..60 {
                let inputs = twin.inputs(rng);
                let (x, y) = (inputs[0][0][0][0], inputs[1][0][0][0]);
                let number = twin.ours.declaration().outputs()[2].columns[0].number;
                let exact = match op {
                    "+" => Some(x + y),
                    "-" => Some(x - y),
                    "*" => Some(x * y),
                    "/" => x.checked_div(y),
                    "%" => x.checked_rem(y),
                    "&" => Some(x & y),
                    "|" => Some(x | y),
                    _ => Some(x ^ y),
                };
                let verify = exact.filter(|exact| number.holds(*exact));
                let expected = (verify.is_none(), vec![vec![verify.unwrap_or(0)]]);
                assert_eq!(twin.run(&inputs), expected, "{x} {op} {y}: {ty}");
                let wraps_lowest = exact == Some(number.max() + 1) && number.min() < 0 && "*/".contains(op);
                if !wraps_lowest {
                    twin.agrees(&inputs, &source);
                }
            }
        }
    }
}

#[test]
fn comparisons_shifts_and_casts_are_the_languages_own() {
    for ty in TYPES {
        let source = format!(
            "pub fn main(x: {ty}, y: {ty}) -> [bool; 6] {{ [x < y, x > y, x <= y, x >= y, x == y, x != y] }}"
        );
        Twin::agrees_often(&source, 40);
        if ty != "usize" {
            Twin::agrees_often(
                &format!("pub fn main(x: {ty}, y: u8) -> ({ty}, {ty}) {{ (x << y, x >> y) }}"),
                40,
            );
        }
        Twin::agrees_often(
            &format!("pub fn main(x: {ty}, y: bool) -> ({ty}, {ty}) {{ (y as {ty}, !x) }}"),
            40,
        );
    }
}

/// Against Rust's own casts: the language's evaluator fills the sign only halfway into a number four times as
/// wide.
#[test]
fn casts_keep_the_low_bits_and_the_sign() {
    let rng = &mut ChaCha20Rng::seed_from_u64(2);
    for ty in TYPES {
        let casts = "(x as u8, x as i8, x as i16, x as u32, x as i64, x as u64, x as usize)";
        let source =
            format!("pub fn main(x: {ty}, y: bool) -> (u8, i8, i16, u32, i64, u64, usize) {{ {casts} }}");
        let twin = Twin::new(&source);
        for _ in 0..40 {
            let inputs = twin.inputs(rng);
            let x = inputs[0][0][0][0];
            let narrow = [x as u8 as i128, x as i8 as i128, x as i16 as i128, x as u32 as i128];
            let wide = [x as i64 as i128, x as u64 as i128, x as u32 as i128];
            assert_eq!(twin.run(&inputs), (false, vec![[&narrow[..], &wide].concat()]), "{x}: {ty}");
        }
    }
}

/// An enum with fields comes out as its variant and the bits of its fields.
#[test]
fn enums_with_fields_come_out() {
    let source = "enum Found { Nothing, At(u8, i8) }
    pub fn main(x: u8, y: i8) -> Found { if x == 0u8 { Found::Nothing } else { Found::At(x, y) } }";
    let program = GarbleFunctionality::new(source, &GarbleOptions::default(), &compiler()).unwrap();
    let run = |x, y| program.compute(&[vec![vec![vec![x]]], vec![vec![vec![y]]]]).unwrap().remove(2);
    assert_eq!(run(0, 5), [[0, 0, 0]]);
    assert_eq!(run(3, -1), [[1, 3, -1]]);
}
