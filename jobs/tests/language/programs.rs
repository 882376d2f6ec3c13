//! Programs that use everything the language has.

use crate::language::twin::Twin;

/// Everything the language has, in programs that use it.
pub(crate) const PROGRAMS: [&str; 14] = [
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
    // In the order of their names, in which the evaluator has the bits of fields.
    "struct Inner { level: u8, on: bool }
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
