//! Programs in the Garble language that were written to hurt a compiler, by families.
//!
//! They are made, not stored: a family and a number are a program, so two hundred of them take one page. The front
//! end loops for ever on some, needs exponential time or memory for others, and takes the rest; what is asserted is
//! that each ends in a circuit or in one error, within the limits of the compiler's process.

use std::iter::repeat_n;

/// A hostile program: its family and number, and its bytes, which need not be UTF-8.
pub type Hostile = (String, Vec<u8>);

/// All hostile programs.
#[must_use]
pub fn programs() -> Vec<Hostile> {
    let families: [(&str, Vec<Vec<u8>>); 12] = [
        ("parser", texts(parser())),
        ("nested", texts(nested())),
        ("chain", texts(chains())),
        ("match", texts(matches())),
        ("constant", texts(constants())),
        ("array", texts(arrays())),
        ("recursion", texts(recursions())),
        ("doubling", texts(doublings())),
        ("loop", texts(loops())),
        ("name", texts(names())),
        ("character", texts(characters())),
        ("bytes", bytes()),
    ];
    let named = |(family, programs): (&'static str, Vec<Vec<u8>>)| {
        programs.into_iter().enumerate().map(move |(i, program)| (format!("{family}-{i}"), program))
    };
    families.into_iter().flat_map(named).collect()
}

fn texts(texts: Vec<String>) -> Vec<Vec<u8>> {
    texts.into_iter().map(String::into_bytes).collect()
}

fn main(body: &str) -> String {
    format!("pub fn main(x: u8, y: u8) -> u8 {{ {body} }}")
}

fn wrapped(open: &str, inner: &str, close: &str, times: usize) -> String {
    [open.repeat(times), inner.to_owned(), close.repeat(times)].concat()
}

fn joined(times: usize, separator: &str, item: impl Fn(usize) -> String) -> String {
    (0..times).map(item).collect::<Vec<_>>().join(separator)
}

/// What follows a clause that ends in a brace is never consumed; and other ends where something is awaited.
fn parser() -> Vec<String> {
    let clause = |after: &str| format!("fn m(x:bool)->u8{{match x{{true=>{{1u8}} {after}");
    let after =
        ["%%", "", "@", "1u8", "; }", "fn", "=>", "..", "let y = 1;", "]", ")", "x x x", "%", "|", "match"];
    let ends = [
        "pub fn main(x: u8, y: u8) -> u8 { match S0 { f0: 0u8 } { _ => x } }",
        "pub fn main(x: usize, y: u8) -> usize { x | { 0usize } }",
        "pub fn main(x: u8",
        "pub fn",
        "pub",
        "struct S {",
        "enum E { A(",
        "const X: usize = max(",
        "pub fn main(x: u8, y: u8) -> u8 { x[",
        "pub fn main(x: u8, y: u8) -> u8 { if x == y { x } else if",
        "pub fn main(x: u8, y: u8) -> u8 { for (a, b) in join_iter(x, y",
        "pub fn main(x: u8, y: u8) -> u8 { let (a, (b, (c",
        "pub fn main(x: u8, y: u8) -> u8 { match x { 0u8..=",
        "}}}}}}}}",
        "((((((((",
        "/* never closed",
        "/* closed /* twice */",
        "/**",
        "//",
    ];
    after.map(clause).into_iter().chain(ends.map(str::to_owned)).collect()
}

/// Brackets within brackets: expressions, blocks, types, patterns.
fn nested() -> Vec<String> {
    let of = |n: usize| {
        [
            main(&wrapped("(", "x", ")", n)),
            main(&wrapped("{", "x", "}", n)),
            main(&format!("{}[0]", wrapped("[", "x", "]", n))),
            main(&wrapped("if x == y { ", "x", " } else { y }", n)),
            format!("pub fn main(x: {}, y: u8) -> u8 {{ y }}", wrapped("[", "u8", "; 2]", n)),
            format!("pub fn main(x: {}, y: u8) -> u8 {{ y }}", wrapped("(", "u8", ", bool)", n)),
            main(&format!("let {} = x; y", wrapped("(", "a", ", _)", n))),
        ]
    };
    [20, 62, 300, 5_000].into_iter().flat_map(of).collect()
}

/// Operators in a row, which nest to the left, and unary ones, which nest to the right.
fn chains() -> Vec<String> {
    let of = |n: usize| {
        [
            main(&format!("x{}", " ^ y".repeat(n))),
            main(&format!("x{}", "+y".repeat(n))),
            main(&format!("x{}", " as u8".repeat(n))),
            main(&format!("{}x", "!".repeat(n))),
            main(&format!("{}x", "-".repeat(n))),
            main(&format!("x{}", ".0".repeat(n))),
            main(&format!("x{}", "[0]".repeat(n))),
            main(&format!("if x{} == y {{ x }} else {{ y }}", " <= y".repeat(n))),
        ]
    };
    let conditions = |n: usize| main(&format!("{}{{ x }}", "if x==y {y} else ".repeat(n)));
    let others = [300, 2_500].map(conditions);
    [60, 3_000, 11_900, 30_000].into_iter().flat_map(of).chain(others).collect()
}

/// Whether a `match` is exhaustive takes time that is exponential in the positions.
fn matches() -> Vec<String> {
    let tuple = |n: usize, ty: &str, pattern: &dyn Fn(usize, usize) -> String, clauses: usize| {
        let types = joined(n, ", ", |_| ty.to_owned());
        let clause = |c: usize| format!("({}) => {c}u8", joined(n, ", ", |i| pattern(c, i)));
        let all = joined(clauses, ", ", clause);
        format!("pub fn main(t: ({types}), y: u8) -> u8 {{ match t {{ {all}, _ => y }} }}")
    };
    let ranges = |n| tuple(n, "u8", &|c, i| format!("{}u8..={}u8", 3 * c + i, 100 + 7 * c + i), 2);
    let bools = |n| tuple(n, "bool", &|c, i| ["true", "false", "_"][(c + i) % 3].to_owned(), n);
    let signed = |n| tuple(n, "i16", &|c, i| format!("-{}i16..={}i16", 9 + c + i, 5 * c + i), 3);
    let many =
        |n| main(&format!("match x {{ {}, _ => y }}", joined(n, ", ", |i| format!("{}u8 => y", i % 256))));
    [5, 7, 8, 9, 12, 20]
        .map(ranges)
        .into_iter()
        .chain([5, 8, 12, 16].map(bools))
        .chain([4, 6, 8, 12].map(signed))
        .chain([100, 256, 2_000].map(many))
        .collect()
}

/// Constants at the ends of their ranges, and expressions of constants.
fn constants() -> Vec<String> {
    let numbers = [
        "255u8",
        "256u8",
        "4294967295u32",
        "4294967296u32",
        "18446744073709551615u64",
        "18446744073709551616",
    ];
    let literals = numbers.map(|n| main(&format!("let z = {n}; x")));
    let sizes = ["18446744073709551615", "4294967295", "0", "4194304"];
    let sized = sizes.map(|n| format!("const N: usize = {n};\npub fn main(x: [u8; N], y: u8) -> u8 {{ y }}"));
    let nested = |n: usize| format!("const N: usize = {};\n{}", wrapped("max(1, ", "2", ")", n), main("x"));
    let chain = |n: usize| {
        let all = joined(n, "\n", |i| format!("const C{}: usize = C{i} + C{i};", i + 1));
        format!("const C0: usize = 1;\n{all}\npub fn main(x: [u8; C{n}], y: u8) -> u8 {{ y }}")
    };
    let digits = main(&format!("x + {}", "9".repeat(60_000)));
    literals
        .into_iter()
        .chain(sized)
        .chain([10, 60, 4_000].map(nested))
        .chain([10, 30, 70, 900].map(chain))
        .chain([digits, "const A: usize = A; pub fn main(x: [u8; A], y: u8) -> u8 { y }".into()])
        .collect()
}

/// Arrays that are larger than the memory.
fn arrays() -> Vec<String> {
    let sizes = ["65536", "4194304", "4294967295", "18446744073709551615"];
    let repeat = sizes.map(|n| main(&format!("let a = [x; {n}]; a[0]")));
    let square = sizes.map(|n| main(&format!("let a = [[x; {n}]; {n}]; a[0][0]")));
    let input = sizes.map(|n| format!("pub fn main(x: [u8; {n}], y: u8) -> u8 {{ y }}"));
    let result = sizes.map(|n| format!("pub fn main(x: u8, y: u8) -> [u8; {n}] {{ [x; {n}] }}"));
    let literal = main(&format!("let a = [{}]; a[y as usize]", joined(15_000, ",", |_| "x".to_owned())));
    let many =
        format!("pub fn main({}) -> u8 {{ p0[0] }}", joined(1_500, ", ", |i| format!("p{i}: [u8; 500000]")));
    let indices = |n: usize| {
        format!("pub fn main(a: [usize; 64], y: usize) -> usize {{ {} }}", wrapped("a[", "y", "]", n))
    };
    repeat
        .into_iter()
        .chain(square)
        .chain(input)
        .chain(result)
        .chain([literal, many])
        .chain([5, 40, 63].map(indices))
        .collect()
}

/// Functions, types and constants that contain themselves.
fn recursions() -> Vec<String> {
    let ring = |n: usize| {
        let all = joined(n, "\n", |i| format!("fn f{i}(x: u8) -> u8 {{ f{}(x) }}", (i + 1) % n));
        format!("{all}\n{}", main("f0(x)"))
    };
    let types = |n: usize| {
        let all = joined(n, "\n", |i| format!("struct S{i} {{ s: S{} }}", (i + 1) % n));
        format!("{all}\npub fn main(x: S0, y: u8) -> u8 {{ y }}")
    };
    let enums =
        "enum E { A(E, E), B }\npub fn main(x: E, y: u8) -> u8 { match x { E::A(a, b) => y, E::B => y } }";
    let itself = "pub fn main(x: u8, y: u8) -> u8 { main(x, y) }";
    [1, 2, 50, 900]
        .map(ring)
        .into_iter()
        .chain([1, 2, 50, 900].map(types))
        .chain([enums.to_owned(), itself.to_owned()])
        .collect()
}

/// Values, types and calls that double with every line.
fn doublings() -> Vec<String> {
    let tuples = |n: usize| {
        main(&format!("let a0 = x; {} y", joined(n, " ", |i| format!("let a{} = (a{i}, a{i});", i + 1))))
    };
    let structs = |n: usize| {
        format!(
            "struct S0 {{ a: u8 }}\n{}\npub fn main(x: S{n}, y: u8) -> u8 {{ y }}",
            joined(n, "\n", |i| format!("struct S{} {{ a: S{i}, b: S{i} }}", i + 1))
        )
    };
    let calls = |n: usize| {
        format!(
            "fn f0(x: u8) -> u8 {{ x ^ 1u8 }}\n{}\n{}",
            joined(n, "\n", |i| format!("fn f{}(x: u8) -> u8 {{ f{i}(f{i}(x)) }}", i + 1)),
            main(&format!("f{n}(x)"))
        )
    };
    let enums = |n: usize| {
        format!(
            "enum E0 {{ A, B }}\n{}\npub fn main(t: (E{n}, u8), y: u8) -> u8 {{ match t {{ (E{n}::A(a, b), 0u8) => y, _ => y }} }}",
            joined(n, "\n", |i| format!("enum E{} {{ A(E{i}, E{i}), B(E{i}) }}", i + 1))
        )
    };
    let copies =
        |n: usize| main(&(0..n).fold("x".to_owned(), |e, _| format!("if ({e}) <= y {{ x }} else {{ y }}")));
    [10, 24, 60]
        .map(tuples)
        .into_iter()
        .chain([10, 24, 60].map(structs))
        .chain([10, 24, 60].map(calls))
        .chain([3, 8, 20].map(enums))
        .chain([5, 12, 25].map(copies))
        .collect()
}

/// Loops within loops, joins, and arithmetic in them.
fn loops() -> Vec<String> {
    let ranges = |n: usize| {
        main(&format!(
            "{}{}{} x",
            repeat_n("for i in 0u8..255u8 { ", n).collect::<String>(),
            "",
            "}".repeat(n)
        ))
    };
    let wide =
        ["4294967295u32", "18446744073709551615u64"].map(|n| main(&format!("for i in 0..{n} {{ }} x")));
    let arithmetic = |op: &str| {
        format!(
            "pub fn main(x: u64, y: u64) -> u64 {{ let mut z = x; for i in 0u32..100000u32 {{ z = z {op} y; }} z }}"
        )
    };
    let joins = |n: usize| {
        format!(
            "pub fn main(x: [(u32, u32); {n}], y: [(u32, u32); {n}]) -> u32 {{ let mut s = 0u32; for ((a, b), (c, d)) in join_iter(x, y) {{ s = s + b * d; }} s }}"
        )
    };
    let write = |n: usize| {
        format!(
            "pub fn main(x: [usize; {n}], y: usize) -> usize {{ let mut a = x; for i in x {{ a[i] = a[y] + 1usize; }} a[0] }}"
        )
    };
    [1, 3, 5, 20]
        .map(ranges)
        .into_iter()
        .chain(wide)
        .chain(["*", "/", "%", "+"].map(arithmetic))
        .chain([10, 1_000, 30_000].map(joins))
        .chain([10, 300, 5_000].map(write))
        .collect()
}

/// Long names and many of them.
fn names() -> Vec<String> {
    let long = |n: usize| main(&format!("let {} = x; y", "a".repeat(n)));
    let field = |n: usize| {
        format!("struct S {{ {}: [u8; 4096] }}\npub fn main(x: S, y: u8) -> u8 {{ y }}", "f".repeat(n))
    };
    let functions =
        |n: usize| format!("{}\n{}", joined(n, "\n", |i| format!("fn f{i}(x:u8)->u8{{x}}")), main("f0(x)"));
    let parameters =
        |n: usize| format!("pub fn main({}) -> u8 {{ p0 }}", joined(n, ",", |i| format!("p{i}:u8")));
    let variants = |n: usize| {
        format!(
            "enum E {{ {} }}\npub fn main(x: E, y: u8) -> u8 {{ match x {{ E::V0 => y, _ => 1u8 }} }}",
            joined(n, ",", |i| format!("V{i}"))
        )
    };
    let fields = |n: usize| {
        format!(
            "struct S {{ {} }}\npub fn main(x: S, y: u8) -> u8 {{ x.f0 }}",
            joined(n, ",", |i| format!("f{i}:u8"))
        )
    };
    [128, 129, 60_000]
        .map(long)
        .into_iter()
        .chain([128, 50_000].map(field))
        .chain([100, 2_500].map(functions))
        .chain([100, 5_000].map(parameters))
        .chain([100, 5_000].map(variants))
        .chain([100, 5_000].map(fields))
        .collect()
}

/// Characters that are in no program.
fn characters() -> Vec<String> {
    let odd = [
        "\0",
        "\u{feff}",
        "\u{202e}",
        "\u{1f600}",
        "\u{1b}[2J",
        "\r",
        "\u{2028}",
        "é",
        "#",
        "$",
        "`",
        "\\",
        "'",
        "\"",
    ];
    let once = odd.map(|c| main(&format!("x {c} y")));
    let many = ["\u{1b}[31m", "\u{1f600}", "#"].map(|c| c.repeat(60_000 / c.len()));
    once.into_iter().chain(many).chain(["x".repeat(70_000), String::new(), " ".repeat(65_536)]).collect()
}

/// Bytes that are not UTF-8.
fn bytes() -> Vec<Vec<u8>> {
    let cut = [main("x").as_bytes(), &[0xc3]].concat();
    vec![vec![0xff; 100], vec![0xc0, 0x80], vec![0xed, 0xa0, 0x80], cut, vec![0xf8; 60_000]]
}
