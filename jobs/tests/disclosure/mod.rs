//! What a job has its source's result withhold: small groups are suppressed and numbers rounded before they are opened,
//! in both protocols; the job's id, the words, policies and receipts say so; and rows have the names of their groups.
#![allow(clippy::unwrap_used, clippy::panic)]

mod places;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sotto_jobs::circuits::GarbleFunctionality;
use sotto_jobs::exposure;
use sotto_jobs::in_process::{self, Parties};
use sotto_jobs::job_file::{self, Counting};
use sotto_jobs::multiparty::{Cells, Delegated, Functionality};
use sotto_jobs::policy::PolicyError;
use sotto_jobs::policy_file;
use sotto_jobs::receipt_file::{self, FileError, ResultOf};
use sotto_jobs::result::{PartyResult, Verdict};
use sotto_jobs::summary::describe;
use sotto_jobs::verify_program::verify;
use sotto_jobs::{Agreement, Approval, Computation, Digest, Identity, Job, PartyId, Policy};
use sotto_mpc::Bits;
use sotto_mpc::inputs::Holder;
use sotto_mpc::protocol::{malicious, semi_honest};

/// Counts, sums and a difference by region: both tables are streamed.
const GROUPS: &str = "
enum Region { North, South, Abroad }

struct Person { region: Region, pay: u32 }

struct Group { count: u32, sum: u32, change: i32 }

fn place(region: Region) -> usize {
    match region { Region::North => 0usize, Region::South => 1usize, Region::Abroad => 2usize }
}

pub fn main(a: [Person; 40], b: [Person; 40]) -> [Group; 3] {
    let mut groups = [Group { count: 0u32, sum: 0u32, change: 0i32 }; 3];
    for person in a {
        let group = place(person.region);
        groups[group].count = groups[group].count + 1u32;
        groups[group].sum = groups[group].sum + person.pay;
        groups[group].change = groups[group].change - (person.pay as i32);
    }
    for person in b {
        let group = place(person.region);
        groups[group].count = groups[group].count + 1u32;
        groups[group].sum = groups[group].sum + person.pay;
        groups[group].change = groups[group].change + (person.pay as i32);
    }
    groups
}
";

/// A table that a loop makes is the result: it is held as rows, and its rows are suppressed one by one.
const ROWS: &str = "
struct Row { n: u16, mean: u16 }

pub fn main(a: [(u16, u16); 40], b: u16) -> [Row; 40] {
    let mut out = [Row { n: 0u16, mean: 0u16 }; 40];
    for i in 0usize..40usize { out[i] = Row { n: a[i].0, mean: a[i].1 ^ b }; }
    out
}
";

fn job_text(output: &str) -> String {
    let party = |name: &str| {
        format!("[[party]]\nname = \"{name}\"\nkey = \"{name}.pub\"\naddress = \"{name}.example:7700\"\n")
    };
    let learns = "result_parties = [\"north\", \"south\"]";
    format!(
        "name = \"Groups\"\npurpose = \"To try what is withheld\"
nonce = \"c6a91f0d84be2357f06c1a2d9b83e4750a6fd219c3b8e75f4a2d60917be3c85d\"
expiry = 2036-01-01T00:00:00Z\ndeadline = 300\nmaximum_runs = 1
[roles]\ngarbler = \"north\"\nevaluator = \"south\"
[program]\ngarble = \"program.garble.rs\"
[limits]\nrows = 40\nand_gates = 200000\nseconds = 60
{}{}[[input]]\nparty = \"north\"\n[[input]]\nparty = \"south\"
[[output]]\nname = \"inputs_hold\"\n{learns}\n[[output]]\nname = \"panicked\"\n{learns}
[[output]]\nname = \"result\"\n{learns}\n{output}",
        party("north"),
        party("south"),
    )
}

fn identities() -> Vec<Identity> {
    (1..=2).map(|seed| Identity::random(&mut ChaCha20Rng::seed_from_u64(seed))).collect()
}

fn parse(text: &str, source: &str) -> Result<(Job, Computation), String> {
    let read = |name: &str| match name {
        "program.garble.rs" => Ok(source.to_owned()),
        name => Ok(identities()[usize::from(name == "south.pub")].public().to_text()),
    };
    let parsed = job_file::parse(text, Counting::Now, &crate::compiler::compiler(), read);
    parsed.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "))
}

fn groups(output: &str) -> (Job, Computation) {
    parse(&job_text(output), GROUPS).unwrap()
}

/// Programs of this kind alone are made for each protocol.
fn source((_, program): (Job, Computation)) -> GarbleFunctionality {
    if let Computation::Garble(program) = program { program } else { unreachable!() }
}

fn refusal(output: &str) -> String {
    parse(&job_text(output), GROUPS).unwrap_err()
}

/// People of a party: the last of them live abroad, and there are few.
fn people(abroad: usize, first: i128) -> Vec<Cells> {
    let row =
        |i: usize| vec![if i >= 40 - abroad { 2 } else { i.is_multiple_of(3).into() }, first + 7 * i as i128];
    vec![(0..40).map(row).collect()]
}

/// The result as it should be: `count`, `sum`, `change` of each group, by clear arithmetic.
fn expected(inputs: &[Vec<Cells>], least: i128, steps: [i128; 3]) -> Cells {
    let group = |group: i128| {
        let of = |party: usize| inputs[party][0].iter().filter(move |row| row[0] == group).map(|row| row[1]);
        let (sums, count) = ([of(0).sum::<i128>(), of(1).sum()], (of(0).count() + of(1).count()) as i128);
        if count < least {
            return vec![0; 4];
        }
        let round = |x: i128, step: i128| (x + step / 2).div_euclid(step) * step;
        let [a, b, c] = steps;
        vec![1, round(count, a), round(sums[0] + sums[1], b), round(sums[1] - sums[0], c)]
    };
    (0..3).map(group).collect()
}

/// The outputs, computed in the clear, by two curious parties, and by two malicious ones.
fn computed(program: &GarbleFunctionality, inputs: &[Vec<Cells>]) -> [Vec<Cells>; 3] {
    let bits = |party: usize| {
        program.declaration().encode(party, &inputs[party]).unwrap().iter().collect::<Vec<bool>>()
    };
    let [north, south] = [bits(0), bits(1)];
    let both = Delegated::new(program, vec![Holder::Garbler, Holder::Evaluator]).unwrap();
    let mut rngs = [1, 2, 3, 4].map(ChaCha20Rng::seed_from_u64);
    let [one, two, three, four] = &mut rngs;
    let curious = semi_honest::run_in_memory(&both, &north, &south, [one, two]).unwrap();
    let malicious = malicious::run_in_memory(&both, &north, &south, [three, four]).unwrap();
    let decoded = |bits: &[bool]| program.declaration().decode(bits).unwrap();
    [program.compute(inputs).unwrap(), decoded(&curious), decoded(&malicious)]
}

const WITHHELD: &str = "minimum = { count = 5 }\nround = { count = 5, sum = 100, change = 10 }\n";

#[test]
fn groups_are_suppressed_and_rounded_in_both_protocols() {
    let (job, program) = groups(WITHHELD);
    assert_eq!(verify(&job, &program), Ok(()));
    let source = source((job, program));
    for (abroad, shown) in [([2, 2], 0), ([2, 3], 1), ([0, 0], 0), ([20, 20], 1)] {
        let inputs = [people(abroad[0], 1000), people(abroad[1], 900)];
        let expected = expected(&inputs, 5, [5, 100, 10]);
        assert_eq!(expected[2][0], shown);
        for outputs in computed(&source, &inputs) {
            assert_eq!(outputs[..2], [vec![vec![1, 1]], vec![vec![0]]]);
            assert_eq!(outputs[2], expected, "{abroad:?}");
        }
    }
    // Nothing is declared: all is shown.
    let inputs = [people(1, 1000), people(0, 900)];
    let all = groups("").1.compute(&inputs).unwrap();
    let exact = expected(&inputs, 0, [1, 1, 1]);
    assert_eq!(all[2], exact.iter().map(|row| row[1..].to_vec()).collect::<Vec<_>>());
}

/// What panics has no group, and no rounding makes something of nothing.
#[test]
fn a_panic_leaves_nothing() {
    let program = source(groups(WITHHELD));
    let mut inputs = [people(6, 1000), people(6, 900)];
    inputs[0][0][0][1] = u32::MAX.into();
    for outputs in computed(&program, &inputs) {
        assert_eq!(outputs[1..], [vec![vec![1]], vec![vec![0; 4]; 3]]);
    }
}

#[test]
fn rows_of_a_made_table_are_suppressed() {
    let output = "minimum = { n = 3 }\nround = { mean = 8 }\n";
    let program = source(parse(&job_text(output), ROWS).unwrap());
    let inputs = [vec![(0..40).map(|i| vec![i % 6, 11 * i]).collect()], vec![vec![vec![1]]]];
    for outputs in computed(&program, &inputs) {
        for (i, row) in (0..40).zip(&outputs[2]) {
            let rounded = (((11 * i) ^ 1) + 4) / 8 * 8;
            assert_eq!(*row, if i % 6 >= 3 { vec![1, i % 6, rounded] } else { vec![0; 3] }, "{i}");
        }
    }
}

#[test]
fn the_job_says_what_is_withheld() {
    let plain = groups("").0;
    let (job, program) = groups(WITHHELD);
    for other in [
        "minimum = { count = 6 }\nround = { count = 5, sum = 100, change = 10 }\n",
        "minimum = { count = 5 }\n",
    ] {
        let other = groups(other).0;
        assert_ne!((job.id(), job.program.circuit), (other.id(), other.program.circuit));
        assert_ne!(job.schema_of(PartyId(0)), other.schema_of(PartyId(0)), "a policy names it");
    }
    assert_ne!(job.schema_of(PartyId(0)), plain.schema_of(PartyId(0)));
    // Names of rows change no gate, and the id all the same.
    let (named, other) = (groups("rows = \"region\"\n").0, groups("rows = [\"n\", \"s\", \"a\"]\n").0);
    assert_eq!([named.program.circuit, other.program.circuit], [plain.program.circuit; 2]);
    assert!(named.id() != plain.id() && named.id() != other.id());

    let words = describe(&job, None).replace("\n      ", " ");
    for part in [
        "suppressed, and never opened: all numbers of a row in which count is less than 5",
        "rounded before it is opened: change to multiples of 10, count to multiples of 5, sum to multiples of 100",
        "Which rows of the result are suppressed: those in which count is less than 5.",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    assert!(!words.contains("not rounded"));
    let some = describe(&groups("round = { sum = 100 }\n").0, None);
    assert!(some.contains("not rounded: count, change"), "{some}");
    assert!(describe(&named, None).contains("a row for each region: North, South, Abroad"));
    // Three rows of 858,993,459 counts, 42,949,673 sums and 429,496,729 changes.
    let most = exposure::describe(&job, &program);
    assert!(most.contains("result: 251.1 bits") && !most.contains("Mind"), "{most}");
    let most = exposure::describe(&plain, &groups("").1).replace("\n      ", " ");
    assert!(
        most.contains("result: 288 bits")
            && most.contains("Mind: result has 3 rows, and the job declares no smallest group"),
        "{most}"
    );
}

/// Yes, no, and that the program panicked are three outcomes: of 256 numbers, some 86 have the same.
#[test]
fn a_panic_is_counted_among_what_an_output_can_tell() {
    let (job, program) = parse(&job_text(""), "pub fn main(a: u8, b: u8) -> bool { a + 1u8 > b }").unwrap();
    let most = exposure::describe(&job, &program).replace("\n      ", " ");
    assert!(most.contains("a: one row, whatever it is, down to 86 of 256 possible ones"), "{most}");
    assert!(most.contains("who has it is then known exactly"), "{most}");
}

#[test]
fn what_cannot_be_withheld_is_told() {
    for (output, what) in [
        ("minimum = { n = 5 }\n", "line 34: the result has no column \"n\""),
        ("minimum = { count = 0 }\n", "the least \"count\" is 1 to 4294967295"),
        ("round = { sum = 1 }\n", "the step of \"sum\" is 2 to 4294967295"),
        ("round = { sum = \"1.5\" }\n", "the step of \"sum\" is not a number of it"),
        ("rows = \"pay\"\n", "the column \"pay\" has no names"),
        ("rows = \"place\"\n", "no input has a column \"place\""),
        ("rows = [\"a\", \"b\"]\n", "`rows` has 2 names, and the result has 3 rows"),
        ("rows = [\"a\", \"b\", \"a\"]\n", "different texts"),
        ("minimum = { count = -1 }\n", "the least \"count\" is 1 to"),
    ] {
        let why = refusal(output);
        assert!(why.contains(what), "{output}{why}");
    }
    let other =
        job_text("").replace("name = \"panicked\"\n", "name = \"panicked\"\nminimum = { panicked = 1 }\n");
    let why = parse(&other, GROUPS).unwrap_err();
    assert!(why.contains("only the `result` of a source"), "{why}");
    // The entries are no constants, so a job cannot claim what no gate does.
    for forged in ["minimum = { count = 50 }", "exact = []"] {
        let forged =
            job_text("").replace("garble.rs\"\n", &format!("garble.rs\"\nparameters = {{ {forged} }}\n"));
        assert!(parse(&forged, GROUPS).is_err());
    }
}

fn policy(job: &Job, more: &str) -> Policy {
    let text = format!(
        "programs = [\"{}\"]\nschemas = [\"{}\"]\npurposes = [\"{}\"]\nresult_parties = [\"{}\"]\n\
         minimum_rows = 1\nruns_a_month = 1\noutputs_a_month = 3\n{more}",
        job.program.circuit,
        job.schema_of(PartyId(0)),
        job.purpose,
        Digest(job.party(PartyId(1)).key.digest()),
    );
    policy_file::parse(&text).unwrap()
}

#[test]
fn a_policy_demands_groups_and_rounding() {
    let check = |output: &str, more: &str| {
        let job = groups(output).0;
        policy(&job, more).check(&job, PartyId(0))
    };
    let group = |given| Err(PolicyError::Group { least: 5, given });
    assert_eq!(check("", "minimum_group = 5\n"), group(None));
    assert_eq!(check("minimum = { count = 4 }\n", "minimum_group = 5\n"), group(Some(4)));
    assert_eq!(check("minimum = { count = 9, sum = 2 }\n", "minimum_group = 5\n"), group(Some(2)));
    assert_eq!(check("minimum = { count = 5 }\n", "minimum_group = 5\n"), Ok(()));
    let step = |given| Err(PolicyError::Rounding { least: 10, given });
    assert_eq!(check("", "rounding = 10\n"), step(None));
    assert_eq!(check("round = { count = 10, sum = 10 }\n", "rounding = 10\n"), step(None), "one is exact");
    assert_eq!(check(WITHHELD, "rounding = 10\n"), step(Some(5)));
    assert_eq!(check(WITHHELD, "rounding = 5\nminimum_group = 5\n"), Ok(()));
    let job = groups(WITHHELD).0;
    let digests = ["", "rounding = 5\n", "minimum_group = 5\n"].map(|more| policy(&job, more).digest());
    assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2]);
}

/// A whole run: the receipt and the result say what was withheld, and that cannot be altered.
#[test]
fn receipt_and_result_say_what_is_withheld() {
    let (job, program) = groups(&format!("rows = \"region\"\n{WITHHELD}"));
    let (identities, mut rng) = (identities(), ChaCha20Rng::seed_from_u64(9));
    let approvals: Vec<_> = identities.iter().map(|i| Approval::sign(&job, i, &mut rng).unwrap()).collect();
    let agreement = Agreement::new(job.clone(), &approvals, 0).unwrap();
    let inputs = [people(1, 1000), people(2, 900)];
    let bits: Vec<Bits> = (0..2).map(|i| program.declaration().encode(i, &inputs[i]).unwrap()).collect();
    let parties = Parties {
        run: agreement.run(1).unwrap(),
        now: 1_790_000_000,
        identities: &identities,
        inputs: &bits,
    };
    let mut rngs = [1, 2].map(ChaCha20Rng::seed_from_u64);
    let ran = in_process::run(&parties, &program, &mut rngs).unwrap();

    let record = receipt_file::render(&job, &ran.receipt);
    let minimum = &record["disclosure"]["minimum"]["count"];
    assert_eq!((minimum.as_str(), record["disclosure"]["round"]["sum"].as_str()), (Some("5"), Some("100")));
    assert!(receipt_file::read(&record.to_string()).is_ok());
    let mut altered = record.clone();
    altered["disclosure"]["minimum"]["count"] = "50".into();
    assert_eq!(receipt_file::read(&altered.to_string()).unwrap_err(), FileError::Words);

    let outputs = &ran.outputs[0].1;
    let of = ResultOf { job: &job, party: PartyId(0) };
    let shown = receipt_file::render_result(&program, of, outputs, None);
    assert_eq!(
        (shown["verdict"].as_str(), &shown["disclosure"]),
        (Some("partly suppressed"), &record["disclosure"])
    );
    let result = PartyResult::of(&program, outputs);
    assert_eq!(result.verdict, Some(Verdict::PartlySuppressed));
    let expected = expected(&inputs, 5, [5, 100, 10]);
    let line = |name: &str, row: &[i128]| {
        let cells: Vec<_> = row.iter().map(ToString::to_string).collect();
        format!("{name},{}\n", if row[0] == 1 { cells.join(",") } else { "0,,,".to_owned() })
    };
    let lines: String =
        ["North", "South", "Abroad"].iter().zip(&expected).map(|(name, row)| line(name, row)).collect();
    assert_eq!(result.tables[2].to_csv().unwrap(), format!("region,shown,count,sum,change\n{lines}"));
    assert!(lines.ends_with("Abroad,0,,,\n"), "{lines}");
    assert_eq!(result.tables[2].to_json()[2]["region"].as_str(), Some("Abroad"));
    let typed = result.tables[2].typed();
    assert_eq!((typed[0].name.as_str(), typed[0].kind.show(1, 0)), ("region", "South".to_owned()));
}
