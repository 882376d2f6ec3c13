//! Programs in the Garble language: against the language's own evaluator, against clear arithmetic, and at
//! their bounds.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::fmt::Write as _;

use garble_lang::GarbleProgram;
use garble_lang::literal::Literal;
use garble_lang::token::UnsignedNumType;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sotto_jobs::circuits::{GarbleError, GarbleFunctionality, GarbleOptions};
use sotto_jobs::multiparty::{Cells, Delegated, Functionality, Table};
use sotto_mpc::Program;
use sotto_mpc::circuit::language::{CompileError, ConstantProblem, Refusal};
use sotto_mpc::inputs::Holder;
use sotto_mpc::protocol::semi_honest::run_in_memory;

/// A source, compiled here and by the language itself.
struct Twin {
    ours: GarbleFunctionality,
    theirs: GarbleProgram,
}

impl Twin {
    fn new(source: &str) -> Self {
        let theirs = garble_lang::compile(source).map_err(|e| e.prettify(source)).unwrap();
        let ours = GarbleFunctionality::new(source, &GarbleOptions::default())
            .unwrap_or_else(|e| panic!("{e}\n{source}"));
        Self { ours, theirs }
    }

    /// Rows for each input party's tables, with the ends of ranges more often than chance has it.
    fn inputs(&self, rng: &mut ChaCha20Rng) -> Vec<Vec<Cells>> {
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
    fn run(&self, inputs: &[Vec<Cells>]) -> (bool, Cells) {
        let mut outputs = self.ours.compute(inputs).unwrap();
        assert!(outputs[0][0].iter().all(|holds| *holds == 1));
        (outputs[1][0][0] == 1, outputs.remove(2))
    }

    /// Theirs, by bits: they have the highest first.
    fn oracle(&self, inputs: &[Vec<Cells>]) -> (bool, Cells) {
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

    fn agrees(&self, inputs: &[Vec<Cells>], source: &str) {
        let (ours, theirs) = (self.run(inputs), self.oracle(inputs));
        assert_eq!(ours.0, theirs.0, "{source}\n{inputs:?}");
        let zero = ours.1.iter().map(|row| vec![0; row.len()]).collect();
        assert_eq!(ours.1, if ours.0 { zero } else { theirs.1 }, "{source}\n{inputs:?}");
    }

    fn agrees_often(source: &str, times: usize) {
        let twin = Self::new(source);
        let rng = &mut ChaCha20Rng::seed_from_u64(source.len() as u64);
        (0..times).for_each(|_| twin.agrees(&twin.inputs(rng), source));
    }
}

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
    let program = GarbleFunctionality::new(source, &GarbleOptions::default()).unwrap();
    let run = |x, y| program.compute(&[vec![vec![vec![x]]], vec![vec![vec![y]]]]).unwrap().remove(2);
    assert_eq!(run(0, 5), [[0, 0]]);
    assert_eq!(run(3, -1), [[1, 3 + 256 * 255]]);
}

/// Everything the language has, in programs that use it.
const PROGRAMS: [&str; 14] = [
    "struct Point { x: i16, y: i16 }
    pub fn main(a: Point, b: Point, swap: bool) -> Point {
        let mut c = if swap { b } else { a };
        c.x = a.x & b.y;
        let Point { x, y } = c;
        Point { y: y ^ 3i16, x }
    }",
    "enum Shape { Empty, Square(u8), Rectangle(u8, u8) }
    fn area(s: Shape) -> u16 {
        match s {
            Shape::Empty => 0u16,
            Shape::Square(a) => a as u16 * a as u16,
            Shape::Rectangle(1u8..=9u8, b) => b as u16,
            Shape::Rectangle(a, b) => a as u16 * b as u16,
        }
    }
    pub fn main(kind: u8, a: u8, b: u8) -> u16 {
        let s = match kind { 0 => Shape::Empty, 1..=100 => Shape::Square(a), _ => Shape::Rectangle(a, b) };
        area(s)
    }",
    "enum Color { Red, Green, Blue }
    pub fn main(c: Color, flip: bool) -> (Color, u8) {
        let d = match (c, flip) { (Color::Red, true) => Color::Green, (Color::Green, false) => Color::Blue, (e, _) => e };
        (d, match d { Color::Red => 1u8, Color::Green => 2u8, Color::Blue => 3u8 })
    }",
    "pub fn main(xs: [u16; 7], i: usize) -> u16 { xs[i] }",
    "pub fn main(xs: [(u8, [bool; 3]); 5], i: usize, j: usize) -> ([(u8, [bool; 3]); 5], bool) {
        let mut ys = xs;
        ys[i].1[j] = !xs[0].1[2];
        ys[0usize].0 = 9u8;
        (ys, ys[2].1[1])
    }",
    "const LIMIT: usize = 6usize;
    pub fn main(xs: [u32; LIMIT], y: u32) -> (u32, bool) {
        let mut sum = 0u32;
        let mut any = false;
        for x in xs {
            if x > y { sum = sum + (x - y); any = true; } else { any = any | (x == 0u32); }
        }
        (sum, any)
    }",
    "fn gcd_step(a: u8, b: u8) -> (u8, u8) { if b == 0u8 { (a, b) } else { (b, a % b) } }
    pub fn main(a: u8, b: u8) -> u8 {
        let mut p = (a, b);
        for _i in 0u8..12u8 { p = gcd_step(p.0, p.1); }
        p.0
    }",
    "pub fn main(a: i32, b: i32) -> i32 {
        let mut x = a;
        x += b; x *= 3i32; x -= 7i32; x ^= b; x &= 65535i32;
        if (a > b) && (x / b > 2i32) || !(x < 5i32) { x } else { -b }
    }",
    "pub fn main(a: u8, b: u8) -> (bool, u8) {
        let c = b != 0u8 && a / b == 2u8;
        let d = match a { 0..=9 => 1u8, 10 => { let e = b - 1u8; e }, _ => b };
        (c, d)
    }",
    "pub fn main(a: i8, b: i8) -> u8 {
        match (a, b) { (-128..=-1, 5) => 1u8, (0, -3) => 2u8, (1..=127, _) => 3u8, (_, 6..=127) => 4u8, _ => 5u8 }
    }",
    "const A: u16 = 300u16;
    const B: u16 = 401u16;
    pub fn main(x: u16, ys: [[u16; 2]; 3]) -> [u16; 4] {
        let mut out = [0u16; 4];
        for i in 0usize..3usize { out[i] = ys[i][0] & ys[i][1]; }
        out[3] = if x > B { x - A } else { B };
        out
    }",
    "pub fn main(xs: [u64; 3], s: (bool, u8)) -> [u64; 3] {
        let mut ys = [1u64, 2u64, 3u64];
        let mut i = 0usize;
        for x in xs {
            if s.0 { ys[i] = x >> 3u8; }
            i = i + 1usize;
        }
        ys
    }",
    "struct Inner { on: bool, level: u8 }
    struct Outer { inner: Inner, rest: [Inner; 2] }
    pub fn main(o: Outer, level: u8) -> Outer {
        let mut p = o;
        p.inner.level = level;
        p.rest[1].on = p.inner.on ^ p.rest[0].on;
        match p { Outer { inner: Inner { on: true, .. }, .. } => p, _ => o }
    }",
    "pub fn main(x: bool, y: bool) -> (bool, bool, bool) { (x & y, x | y ^ !x, (x == y) || y) }",
];

#[test]
fn programs_do_what_the_languages_evaluator_does() {
    PROGRAMS.iter().for_each(|source| Twin::agrees_often(source, 60));
}

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
        let program = GarbleFunctionality::new(&source, &GarbleOptions::default()).unwrap_or_else(|e| panic!("{e}\n{source}"));
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
    let program = GarbleFunctionality::new(source, &options(&given)).unwrap();
    let rows = |values: &[i128]| vec![values.iter().map(|v| vec![*v]).collect::<Cells>()];
    let outputs = program.compute(&[rows(&[1, 2]), rows(&[3, 4, 5, 6])]).unwrap();
    assert_eq!(outputs[1..], [vec![vec![0]], vec![vec![14]]]);

    let error = |given: &[(&str, i128)]| match GarbleFunctionality::new(source, &options(given)) {
        Err(GarbleError::Compile(CompileError::Constant { problem, .. })) => problem,
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&given[..2]), ConstantProblem::Missing);
    assert_eq!(error(&[given[0], given[1], given[2], ("C::X", 1)]), ConstantProblem::Unused);
    assert_eq!(error(&[given[0], given[1], ("A::BIAS", 1 << 40)]), ConstantProblem::Range);
    let other = GarbleFunctionality::new(source, &options(&[given[0], given[1], ("A::BIAS", -8)])).unwrap();
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
    let program = GarbleFunctionality::new(PROGRAMS[4], &GarbleOptions::default()).unwrap();
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
    match GarbleFunctionality::new(source, &GarbleOptions { gates, ..GarbleOptions::default() }).unwrap_err()
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
    let sum = "pub fn main(x: u64, y: u64) -> u64 {\n let mut z = x;\n for i in 0u8..100u8 { z = z * y + (i as u64); }\n z }";
    refused(sum, Refusal::TooManyGates(10_000));
    refused("pub fn main(x: [u64; 4000000000], y: u8) -> u8 { y }", Refusal::TooLarge(10_000));
    refused("pub fn main(y: u8) -> u8 { let x = [y; 4000000000]; x[0] }", Refusal::TooLarge(10_000));
    refused("pub fn main(y: u8) -> u8 { for i in 0u32..4000000000u32 { } y }", Refusal::TooLarge(10_000));
    let nested = "pub fn main(y: u8) -> u8 { for i in 0u8..255u8 { for j in 0u8..255u8 { for k in 0u8..255u8 { for l in 0u8..255u8 {} } } } y }";
    refused(nested, Refusal::TooMuchWork);
    refused("pub fn main(x: [[bool; 5000]; 1], y: u8) -> u8 { y }", Refusal::TooManyColumns(4096));
    refused("enum E { A(u8), B } pub fn main(e: E, y: u8) -> u8 { y }", Refusal::EnumInput);
    refused("struct S { s: [S; 2] } pub fn main(s: S, y: u8) -> u8 { y }", Refusal::Recursive);

    // Functions that call each other twice: the work doubles with each.
    let mut doubling = "fn f0(x: u8) -> u8 { x ^ 1u8 }\n".to_string();
    for i in 1..40 {
        writeln!(doubling, "fn f{i}(x: u8) -> u8 {{ f{}(f{}(x)) }}", i - 1, i - 1).unwrap();
    }
    refused(&format!("{doubling} pub fn main(x: u8, y: u8) -> u8 {{ f39(x) }}"), Refusal::TooMuchWork);
}

/// Sources that would cost the parser its stack or its memory.
#[test]
fn hostile_nesting_is_refused() {
    let main = |body: &str| format!("pub fn main(x: u8, y: u8) -> u8 {{ {body} }}");
    assert!(matches!(refusal(&main(&"x".repeat(70_000)), 1), CompileError::TooLong(_)));
    let deep = format!("{}x{}", "(".repeat(100), ")".repeat(100));
    assert!(matches!(refusal(&main(&deep), 1), CompileError::TooDeep(_)));
    let mut copies = "x".to_string();
    for _ in 0..40 {
        copies = format!("if ({copies}) <= y {{ x }} else {{ y }}");
    }
    assert!(matches!(refusal(&main(&copies), 1), CompileError::TooDeep(_)));
    let long = main(&format!("x{}", " ^ y".repeat(10_000)));
    assert!(GarbleFunctionality::new(&long, &GarbleOptions::default()).is_ok());
    let not = main(&format!("{}x", "!".repeat(50_000)));
    assert!(GarbleFunctionality::new(&not, &GarbleOptions::default()).is_ok());
}
