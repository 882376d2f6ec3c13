//! Enums whose variants have fields, as inputs and results: a column for the variant, and one for each field.

use crate::language::twin::Twin;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sotto_jobs::multiparty::{Cells, Functionality};

/// Claims of which some are worth something, in a table or in a small array.
fn source(rows: usize) -> String {
    format!(
        "enum Size {{ Small, Of(u8, bool) }}
        enum Claim {{ Nothing, Fixed(u16), Share(u8, Size) }}
        pub fn main(claims: [Claim; {rows}], y: u8) -> (u32, Claim) {{
            let mut sum = y as u32;
            let mut last = Claim::Nothing;
            for claim in claims {{
                sum = sum + match claim {{
                    Claim::Nothing => 1u32,
                    Claim::Fixed(n) => n as u32,
                    Claim::Share(p, Size::Small) => p as u32,
                    Claim::Share(p, Size::Of(k, true)) => (p as u32) + (k as u32),
                    Claim::Share(p, Size::Of(k, false)) => k as u32,
                }};
                last = claim;
            }}
            (sum, last)
        }}"
    )
}

/// What such a claim is worth, as a source of the language writes it, and its fields alone.
fn claim(row: &[i128]) -> (i128, String, Vec<i128>) {
    let &[tag, fixed, share, size, of, full] = row else { panic!("six columns") };
    match (tag, size, full) {
        (0, ..) => (1, "Claim::Nothing".into(), vec![0; 6]),
        (1, ..) => (fixed, format!("Claim::Fixed({fixed}u16)"), vec![1, fixed, 0, 0, 0, 0]),
        (_, 0, _) => (share, format!("Claim::Share({share}u8, Size::Small)"), vec![2, 0, share, 0, 0, 0]),
        (_, _, full) => {
            let worth = of + if full == 1 { share } else { 0 };
            let text = format!("Claim::Share({share}u8, Size::Of({of}u8, {}))", full == 1);
            (worth, text, vec![2, 0, share, 1, of, full])
        }
    }
}

#[test]
fn a_variant_and_its_fields_are_columns() {
    let rng = &mut ChaCha20Rng::seed_from_u64(11);
    for rows in [3, 40] {
        let source = source(rows);
        let twin = Twin::new(&source);
        assert_eq!(twin.ours.circuit().is_streamed(0), rows == 40);
        let names = |tables: &[sotto_jobs::multiparty::Table]| -> Vec<String> {
            tables.iter().flat_map(|table| &table.columns).map(|column| column.name.clone()).collect()
        };
        let fields = ["", ".Fixed", ".Share.0", ".Share.1", ".Share.1.Of.0", ".Share.1.Of.1"];
        let of = |name: &str| fields.map(|field| format!("{name}{field}")).to_vec();
        let declaration = twin.ours.declaration();
        assert_eq!(names(declaration.party(0)), of("claims"));
        assert_eq!(names(&declaration.outputs()[2..]), [vec!["0".to_owned()], of("1")].concat());
        for round in 0..12 {
            // Fields of other variants are there, too, and count for nothing.
            let mut row = || -> Vec<i128> {
                let most = [3, 1 << 16, 256, 2, 256, 2];
                most.iter().map(|most| i128::from(rng.next_u32() % most)).collect()
            };
            let claims: Cells = (0..rows).map(|_| row()).collect();
            let inputs = [vec![claims.clone()], vec![vec![vec![7]]]];
            let all: Vec<_> = claims.iter().map(|row| claim(row)).collect();
            let sum = 7 + all.iter().map(|(worth, ..)| worth).sum::<i128>();
            let expected = (false, vec![[vec![sum], all[rows - 1].2.clone()].concat()]);
            assert_eq!(twin.run(&inputs), expected);
            let texts: Vec<&str> = all.iter().map(|(_, text, _)| text.as_str()).collect();
            let theirs = twin.theirs.parse_arg(0, &format!("[{}]", texts.join(", "))).unwrap().as_bits();
            let seven = twin.theirs.parse_arg(1, "7u8").unwrap().as_bits();
            let output = twin.theirs.circuit.eval(&[theirs, seven]);
            let number = output[161..193].iter().fold(0i128, |sum, bit| 2 * sum + i128::from(*bit));
            assert_eq!((output[0], number), (false, sum), "the language agrees");
            if round == 0 {
                assert_eq!(twin.garbled(&inputs, rng), [expected.clone(), expected]);
            }
        }
    }
}

#[test]
fn rows_that_a_program_makes_have_variants() {
    let source = "enum Kept { No, Yes(u16) }
        pub fn main(rows: [u16; 33], least: u16) -> [Kept; 33] {
            let mut kept = [Kept::No; 33];
            for i in 0usize..33usize { if rows[i] > least { kept[i] = Kept::Yes(rows[i]); } }
            kept
        }";
    let twin = Twin::new(source);
    let rows: Cells = (0..33).map(|i| vec![100 * i]).collect();
    let expected = rows.iter().map(|row| if row[0] > 999 { vec![1, row[0]] } else { vec![0, 0] }).collect();
    assert_eq!(twin.run(&[vec![rows], vec![vec![vec![999]]]]), (false, expected));
    assert_eq!(twin.ours.circuit().tables().made, 1);
}
