//! Random expressions, held against clear arithmetic.

use crate::compiler::compiler;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sotto_jobs::circuits::{GarbleFunctionality, GarbleOptions};
use sotto_jobs::multiparty::Functionality;

/// The types of random expressions.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ty {
    U8,
    I16,
    Bool,
}

impl Ty {
    fn name(self) -> &'static str {
        match self {
            Ty::U8 => "u8",
            Ty::I16 => "i16",
            Ty::Bool => "bool",
        }
    }

    fn holds(self, n: i128) -> bool {
        match self {
            Ty::U8 => (0..=255).contains(&n),
            Ty::I16 => (-32_768..=32_767).contains(&n),
            Ty::Bool => (0..=1).contains(&n),
        }
    }
}

/// An expression over the variables a, b: u8, c: i16 and d: bool. Clear arithmetic is its oracle, because the
/// language's own evaluator, when a condition is checked a second time, forgets what panicked in between.
#[derive(Debug)]
enum Expression {
    Number(i128, Ty),
    Variable(usize),
    If(Box<[Self; 3]>),
    Match(Box<[Self; 3]>),
    Index(Box<[Self; 4]>),
    Not(Box<Self>),
    Cast(Box<Self>, Ty),
    Operation(&'static str, Ty, Box<[Self; 2]>),
}

impl Expression {
    fn random(rng: &mut ChaCha20Rng, ty: Ty, depth: u32) -> Self {
        if depth == 0 {
            return match (rng.next_u32() % 3, ty) {
                (0, Ty::Bool) => Self::Number(i128::from(rng.next_u32() % 2), ty),
                (0, _) => Self::Number(i128::from(rng.next_u32() % 4), ty),
                (n, Ty::U8) => Self::Variable(n as usize - 1),
                (_, Ty::I16) => Self::Variable(2),
                (_, Ty::Bool) => Self::Variable(3),
            };
        }
        let mut go = |ty| Self::random(rng, ty, depth - 1);
        let choice = [go(Ty::Bool), go(ty), go(ty)];
        let index = [go(Ty::U8), go(ty), go(ty), go(ty)];
        let of = [Ty::U8, Ty::I16, Ty::Bool][rng.next_u32() as usize % 3];
        let mut pick = |options: &[&'static str]| options[rng.next_u32() as usize % options.len()];
        let op = match (ty, of) {
            (Ty::Bool, Ty::Bool) => pick(&["&&", "||", "^", "&"]),
            (Ty::Bool, _) => pick(&["<", ">", "==", "!=", "<=", ">="]),
            (_, _) => pick(&["+", "-", "*", "/", "%", "&", "|", "^"]),
        };
        let operands = if ty == Ty::Bool { of } else { ty };
        let mut go = |ty| Self::random(rng, ty, depth - 1);
        let operation = Self::Operation(op, operands, Box::new([go(operands), go(operands)]));
        let other = if ty == Ty::U8 { Ty::I16 } else { Ty::U8 };
        let one =
            if ty == Ty::Bool { Self::Not(Box::new(go(ty))) } else { Self::Cast(Box::new(go(other)), ty) };
        match rng.next_u32() % 8 {
            0 | 1 => Self::If(Box::new(choice)),
            2 => Self::Match(Box::new(choice)),
            3 => Self::Index(Box::new(index)),
            4 => one,
            _ => operation,
        }
    }

    /// Its value, or that it panics.
    fn value(&self, variables: &[i128; 4]) -> Option<i128> {
        match self {
            Self::Number(n, _) => Some(*n),
            Self::Variable(i) => Some(variables[*i]),
            Self::If(parts) | Self::Match(parts) => {
                let [condition, first, second] = &**parts;
                if condition.value(variables)? == 1 {
                    first.value(variables)
                } else {
                    second.value(variables)
                }
            }
            Self::Index(parts) => {
                let [index, elements @ ..] = &**parts;
                let elements: Vec<i128> =
                    elements.iter().map(|e| e.value(variables)).collect::<Option<_>>()?;
                elements.get(index.value(variables)? as usize).copied()
            }
            Self::Not(x) => Some(1 - x.value(variables)?),
            Self::Cast(x, Ty::U8) => Some(x.value(variables)? & 255),
            Self::Cast(x, _) => x.value(variables),
            Self::Operation("&&", _, parts) => {
                if parts[0].value(variables)? == 1 {
                    parts[1].value(variables)
                } else {
                    Some(0)
                }
            }
            Self::Operation("||", _, parts) => {
                if parts[0].value(variables)? == 1 {
                    Some(1)
                } else {
                    parts[1].value(variables)
                }
            }
            Self::Operation(op, ty, parts) => {
                let (x, y) = (parts[0].value(variables)?, parts[1].value(variables)?);
                let result = match *op {
                    "+" => x + y,
                    "-" => x - y,
                    "*" => x * y,
                    "/" => x.checked_div(y)?,
                    "%" => x.checked_rem(y)?,
                    "&" => x & y,
                    "|" => x | y,
                    "^" => x ^ y,
                    "<" => i128::from(x < y),
                    ">" => i128::from(x > y),
                    "<=" => i128::from(x <= y),
                    ">=" => i128::from(x >= y),
                    "==" => i128::from(x == y),
                    _ => i128::from(x != y),
                };
                Some(result).filter(|result| ty.holds(*result))
            }
        }
    }

    fn source(&self) -> String {
        match self {
            Self::Number(n, Ty::Bool) => (*n == 1).to_string(),
            Self::Number(n, ty) => format!("{n}{}", ty.name()),
            Self::Variable(i) => ["a", "b", "c", "d"][*i].to_string(),
            Self::If(parts) => {
                let [condition, first, second] = parts.each_ref().map(Self::source);
                format!("(if {condition} {{ {first} }} else {{ {second} }})")
            }
            Self::Match(parts) => {
                let [value, first, second] = parts.each_ref().map(Self::source);
                format!("(match {value} {{ true => {first}, false => {second} }})")
            }
            Self::Index(parts) => {
                let [index, x, y, z] = parts.each_ref().map(Self::source);
                format!("([{x}, {y}, {z}][{index} as usize])")
            }
            Self::Not(x) => format!("(!{})", x.source()),
            Self::Cast(x, ty) => format!("({} as {})", x.source(), ty.name()),
            Self::Operation(op, _, parts) => format!("({} {op} {})", parts[0].source(), parts[1].source()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_programs_compute_and_panic_as_arithmetic_does(seed in any::<u64>()) {
        let rng = &mut ChaCha20Rng::seed_from_u64(seed);
        let parts = [Ty::U8, Ty::I16, Ty::Bool].map(|ty| Expression::random(rng, ty, 3));
        let [first, second, third] = parts.each_ref().map(Expression::source);
        let source = format!(
            "pub fn main(a: u8, b: u8, c: i16, d: bool) -> (u8, i16, bool) {{
                let mut x = {first};
                if {third} {{ x = x ^ 1u8; }} else {{}}
                (x, {second}, {third})
            }}"
        );
        let program = GarbleFunctionality::new(&source, &GarbleOptions::default(), &compiler()).unwrap_or_else(|e| panic!("{e}\n{source}"));
        for _ in 0..20 {
            let any = |rng: &mut ChaCha20Rng| [0, 1, 2, 3, 127, 128, 254, 255][rng.next_u32() as usize % 8];
            let c = [-32_768, -32_767, -1, 0, 1, 2, 32_767, 300][rng.next_u32() as usize % 8];
            let variables = [any(rng), any(rng), c, i128::from(rng.next_u32() % 2)];
            let outputs = program.compute(&variables.map(|v| vec![vec![vec![v]]])).unwrap();
            let values: Option<Vec<i128>> = parts.iter().map(|part| part.value(&variables)).collect();
            let panics = i128::from(values.is_none());
            let mut values = values.unwrap_or_else(|| vec![0; 3]);
            values[0] ^= values[2];
            prop_assert_eq!(&outputs[1..], &[vec![vec![panics]], vec![values]], "{} {:?}", source, variables);
        }
    }
}
