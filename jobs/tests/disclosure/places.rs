//! Groups that are the places of arrays in a row are suppressed one by one, and rounded together.

use super::{computed, job_text, parse, source};
use sotto_jobs::exposure;
use sotto_jobs::multiparty::Functionality;
use sotto_jobs::result::{PartyResult, Verdict};
use sotto_jobs::summary::describe;
use sotto_jobs::verify_program::verify;
use sotto_mpc::Bits;

/// Groups are the places of arrays in one row: counts and sums beside each other, and a table of structs.
const ARRAYS: &str = "
struct Age { count: u16, sum: u32 }

struct Out { n: u16, by_age: [Age; 2], count: [u8; 3], sum: [i16; 3] }

pub fn main(a: [(u8, u8); 40], b: [(u8, u8); 3]) -> Out {
    let mut by_age = [Age { count: 0u16, sum: 0u32 }; 2];
    let mut count = [0u8; 3];
    let mut sum = [0i16; 3];
    let mut n = 0u16;
    for row in a {
        let age = if row.1 < 50u8 { 0usize } else { 1usize };
        by_age[age].count = by_age[age].count + 1u16;
        by_age[age].sum = by_age[age].sum + (row.1 as u32);
        let group = (row.0 % 3u8) as usize;
        count[group] = count[group] + 1u8;
        sum[group] = sum[group] - (row.1 as i16);
        n = n + (if row.0 < 9u8 { 1u16 } else { 0u16 });
    }
    for row in b { sum[0] = sum[0] + (row.1 as i16); }
    Out { n: n, by_age: by_age, count: count, sum: sum }
}
";

/// The only row: groups by the number of rows that are of it, one by one.
fn by_places(least: [i128; 3], rows: &[[i128; 2]], b: i128) -> Vec<Option<i128>> {
    let of = |holds: &dyn Fn(&[i128; 2]) -> bool| {
        let ages = rows.iter().filter(|row| holds(row)).map(|row| row[1]).collect::<Vec<_>>();
        (ages.len() as i128, ages.iter().sum::<i128>())
    };
    let n = of(&|row| row[0] < 9).0;
    let row = n >= least[0];
    let mut cells = vec![Some(row.into()), row.then_some(n)];
    for age in 0..2 {
        let (count, sum) = of(&|row| i128::from(row[1] >= 50) == age);
        let shown = row && count >= least[1];
        cells.extend([row.then_some(shown.into()), shown.then_some(count), shown.then_some(sum)]);
    }
    let groups = [0, 1, 2].map(|group| of(&|row| row[0] % 3 == group));
    let shown = groups.map(|(count, _)| row && count >= least[2]);
    for (group, shown) in groups.iter().zip(shown) {
        cells.extend([row.then_some(shown.into()), shown.then_some(group.0)]);
    }
    for (i, (group, shown)) in groups.iter().zip(shown).enumerate() {
        let sum = if i == 0 { b } else { 0 } - group.1;
        cells.push(shown.then_some((sum + 5).div_euclid(10) * 10));
    }
    cells
}

const WITHHELD: &str =
    "minimum = { n = 3, \"by_age[].count\" = 7, \"count[]\" = 10 }\nround = { \"sum[]\" = 10 }\n";

#[test]
fn a_signer_sees_what_is_done_to_places() {
    let (job, program) = parse(&job_text(WITHHELD), ARRAYS).unwrap();
    assert_eq!(verify(&job, &program), Ok(()));
    let words = describe(&job, None).replace("\n      ", " ");
    for part in [
        "all numbers of a row in which n is less than 3",
        "all numbers at a place of arrays at which by_age[].count is less than 7 or count[] is less than 10",
        "rounded before it is opened: sum[] to multiples of 10",
        "not rounded: n, by_age[0].count, by_age[0].sum",
        "Which places of arrays in the result are suppressed: those at which by_age[].count is less than 7",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    assert!(!exposure::describe(&job, &program).contains("Mind"));
    assert_eq!(job.least_group(), Some(3));
}

#[test]
fn places_of_arrays_in_a_row_are_suppressed_and_rounded() {
    let (job, program) = parse(&job_text(WITHHELD), ARRAYS).unwrap();
    let program = source((job, program));
    let names: Vec<_> = program.declaration().outputs()[2].columns.iter().map(|c| c.name.clone()).collect();
    assert_eq!(names[..4], ["shown", "n", "by_age[0].shown", "by_age[0].count"]);
    assert_eq!(
        names[8..],
        [
            "count[0].shown",
            "count[0]",
            "count[1].shown",
            "count[1]",
            "count[2].shown",
            "count[2]",
            "sum[0]",
            "sum[1]",
            "sum[2]"
        ]
    );
    for (old, kind, verdict) in [
        (20, 3, Verdict::Complete),
        (6, 3, Verdict::PartlySuppressed),
        (20, 2, Verdict::PartlySuppressed),
        (40, 1, Verdict::PartlySuppressed),
        (20, 200, Verdict::Suppressed),
    ] {
        let row = |i: i128| {
            [i % kind + if kind == 200 { 9 } else { 0 }, if i < old { 70 } else { (31 + i).min(49) }]
        };
        let rows: Vec<[i128; 2]> = (0..40).map(row).collect();
        let expected = by_places([3, 7, 10], &rows, 6);
        let b = vec![vec![0, 1], vec![0, 2], vec![0, 3]];
        let inputs = [vec![rows.iter().map(|row| row.to_vec()).collect()], vec![b]];
        for outputs in computed(&program, &inputs) {
            // What is not shown is zero, and is not shown as one.
            assert_eq!(
                outputs[2][0],
                expected.iter().map(|cell| cell.unwrap_or_default()).collect::<Vec<_>>()
            );
            let bits = |i: usize| {
                let (table, mut bits) = (&program.declaration().outputs()[i], Bits::default());
                outputs[i].iter().for_each(|row| table.encode_row(row, &mut bits).unwrap());
                (i, bits.iter().collect::<Vec<bool>>())
            };
            let all = [0, 1, 2].map(bits);
            let result = PartyResult::of(&program, &all);
            let cells: Vec<_> = result.tables[2].typed().iter().map(|column| column.cells[0]).collect();
            assert_eq!((cells, result.verdict), (expected.clone(), Some(verdict)), "{old} {kind}");
        }
    }
}

#[test]
fn no_place_of_an_array_is_left_out_of_groups() {
    let refusal = |output: &str| parse(&job_text(output), ARRAYS).unwrap_err();
    for (output, what) in [
        ("minimum = { count = 5 }\n", "no column \"count\", but arrays: \"count[]\" names each place"),
        ("minimum = { \"by_age.count\" = 5 }\n", "\"by_age[].count\" names each"),
        ("minimum = { \"count[]\" = 5 }\n", "no `minimum` is about \"n\""),
        ("minimum = { \"count[3]\" = 5 }\n", "but arrays: \"count[]\""),
        ("minimum = { n = 5, \"count[]\" = 256 }\n", "the least \"count[]\" is 1 to 255"),
        ("round = { \"sum[]\" = 40000 }\n", "the step of \"sum[]\" is 2 to 32767"),
        (
            "round = { \"sum[]\" = 5 }\ncolumns = { \"sum[1]\" = { decimals = 1 } }\n",
            "not all places of \"sum[]\" have the same decimals",
        ),
    ] {
        let why = refusal(output);
        assert!(why.contains(what), "{output}{why}");
    }
    // One number of an array may decide about the row, and then places are not looked at.
    let (job, program) = parse(&job_text("minimum = { \"count[0]\" = 5 }\n"), ARRAYS).unwrap();
    let words = exposure::describe(&job, &program).replace("\n      ", " ");
    assert!(words.contains("has arrays, and the job declares no smallest group for their places"), "{words}");
    let (job, program) = parse(&job_text(""), ARRAYS).unwrap();
    assert!(exposure::describe(&job, &program).contains("Mind: result has arrays"));
    assert_eq!(exposure::ungrouped(&job, &program), ["result"]);
}
