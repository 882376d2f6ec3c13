//! Seeds of the targets of joint computation.

use super::{Inputs, input};
use crate::fixtures::circuit::{ADDER, said};
use crate::fixtures::transfers::{RECEIVER, SEMI_HONEST, SENDER, session};
use sotto_mpc::Phase;

pub(super) fn inputs(target: &str) -> Option<Inputs> {
    let [garbler, evaluator] = said();
    Some(match target {
        "mpc_garbler" => vec![input("session", evaluator.clone())],
        "mpc_evaluator" => vec![input("session", garbler.clone())],
        "mpc_frames" => vec![
            input("session", frames(0, &[(Phase::Hello, 145), (Phase::BaseOt, 32)], garbler)),
            input("pieces", frames(3, &[(Phase::Hello, 100), (Phase::Hello, 45)], evaluator)),
            input(
                "two",
                frames(2, &[(Phase::Tables, 6), (Phase::Outputs, 1)], b"\x05\x06\0\0\0abcdef\x06\x01\0\0\0g"),
            ),
            input("huge", frames(1, &[(Phase::Tables, 1)], &[5, 0xff, 0xff, 0xff, 0xff, 1, 2])),
            input("foreign", frames(1, &[(Phase::Inputs, 1)], &[5, 1, 0, 0, 0, 9])),
        ],
        "mpc_bristol_fashion" => texts(&[
            ("adder", ADDER),
            (
                "every-gate",
                "5 7\n1 2\n1 3\n\n2 1 0 1 2 AND\n1 1 2 3 INV\n1 1 1 4 EQ\n1 1 3 5 EQW\n2 1 4 5 6 XOR\n",
            ),
            ("no-gate", "0 2\n1 2\n1 1\n"),
            ("wide", "1 4194305\n1 4194304\n1 1\n2 1 0 1 4194304 AND\n"),
            ("too-wide", "1 4194306\n1 4194305\n1 1\n2 1 0 1 4194305 AND\n"),
            ("idle", "0 4194304\n1 4194304\n1 4194304\n"),
            ("too-many", "4000000000 4000000002\n1 2\n1 1\n2 1 0 1 2 AND\n"),
            ("mand", "1 6\n1 4\n1 2\n4 2 0 1 2 3 4 5 MAND\n"),
        ]),
        "mpc_bristol" => texts(&[
            ("small", "2 5\n2 1 1\n\n2 1 0 1 3 AND\n2 1 3 2 4 XOR\n"),
            ("inverted", "3 6\n1 2 2\n2 1 0 1 3 AND\n1 1 3 4 INV\n2 1 4 2 5 XOR\n"),
            ("newer", ADDER),
            ("undefined", "2 5\n2 1 1\n\n2 1 0 4 3 AND\n2 1 3 2 4 XOR\n"),
        ]),
        "mpc_table" => texts(&[
            ("two-rows", "2,2,yes,no\n1.5,4294967295,0\n10.23,0,1\n"),
            ("no-row", "0,2,a,b\n"),
            ("breast-cancer", BREAST_CANCER_ROW),
            ("too-fine", "1,2,a,b\n1.234,1,0\n"),
            ("absurd", "18446744073709551615,2,a,b\n"),
        ]),
        "mpc_language" => texts(PROGRAMS),
        "mpc_expansion" => transfers(),
        _ => return None,
    })
}

/// An honest peer, and one that departs from its part in one place: in the set-up, in the transfers of the trees of the
/// extension, in a message of a level, in the last block of a tree, in the proof or challenge, or by hanging up.
fn transfers() -> Inputs {
    let altered = |end: u8, places: &[(usize, u8)]| {
        let mut out = vec![end];
        for (at, xor) in places {
            out.extend(u32::try_from(*at).expect("a session is short").to_le_bytes());
            out.push(*xor);
        }
        out
    };
    let ends = [("sender", SENDER), ("receiver", RECEIVER)];
    let mut all = Inputs::new();
    for (name, end) in ends {
        let length = session(end).said.len();
        all.push(input(name, altered(end, &[])));
        all.push(input(&format!("{name}-semi-honest"), altered(end | SEMI_HONEST, &[])));
        for at in [0, 9, length / 200, length / 3, length / 2, length - 40, length - 1] {
            all.push(input(&format!("{name}-{at}"), altered(end, &[(at, 2)])));
        }
        all.push(input(&format!("{name}-gone"), altered(end, &[(length / 2, 0)])));
        all.push(input(
            &format!("{name}-wild"),
            altered(end | SEMI_HONEST, &[(length / 2, 255), (length - 1, 1)]),
        ));
    }
    all
}

/// Programs in the Garble language.
const PROGRAMS: &[(&str, &str)] = &[
    ("sum", "pub fn main(x: u8, y: u8) -> u8 { x + y }"),
    (
        "branches",
        "enum E { A, B(u8) }\npub fn main(x: i16, y: [bool; 3]) -> (i16, bool) {\n    let e = if y[0] { E::A } else { E::B(x as u8) };\n    let mut z = x;\n    for i in 0usize..3usize { if y[i] { z = z / (x - 3i16); } }\n    (z, match e { E::A => true, E::B(n) => n < 9u8 })\n}",
    ),
    (
        "join",
        "pub fn main(x: [(u8, u8); 2], y: [(u8, u8); 2]) -> u8 {\n    let mut s = 0u8;\n    for ((_, a), (_, b)) in join_iter(x, y) { s = s ^ a ^ b; }\n    s\n}",
    ),
    ("unknown", "pub fn main(x: u8, y: u8) -> u8 { z }"),
    ("huge", "pub fn main(x: u8, y: u8) -> u8 { let z = [x; 4000000000]; z[0] }"),
    ("long", "pub fn main(x: u64, y: u64) -> u64 { let mut z = x; for i in 0u64..99u64 { z = z * y; } z }"),
    ("deep", "pub fn main(x: u8, y: u8) -> u8 { ((((((((((((((((x)))))))))))))))) }"),
];

/// The first row of the data set.
const BREAST_CANCER_ROW: &str = "1,30,malignant,benign\n\
    17.99,10.38,122.8,1001,0.1184,0.2776,0.3001,0.1471,0.2419,0.07871,1.095,0.9053,8.589,153.4,0.006399,0.04904,\
    0.05373,0.01587,0.03003,0.006193,25.38,17.33,184.6,2019,0.1622,0.6656,0.7119,0.2654,0.4601,0.1189,0\n";

fn texts(all: &[(&str, &str)]) -> Inputs {
    all.iter().map(|(name, text)| input(name, *text)).collect()
}

/// The size of reads, up to eight calls, and a stream, as the target reads them.
fn frames(cut: u8, calls: &[(Phase, u16)], stream: &[u8]) -> Vec<u8> {
    let mut out = vec![cut];
    for i in 0..8 {
        let (phase, n) = calls.get(i).copied().unwrap_or((Phase::Hello, 0));
        out.push(phase.code() - 1);
        out.extend_from_slice(&n.to_le_bytes());
    }
    out.extend_from_slice(stream);
    out
}
