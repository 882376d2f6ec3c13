//! Jobs with a program of their own, as source or circuit file; and programs that are refused.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use serde_json::Value;

const JOB: &str = include_str!("data/job/job.toml");
const BUILTIN: &str = "builtin = \"auction@1\"\nparameters = { bidders = 3, bid = { max = 100000, decimals = 2 }, reserve = 100 }";
const GARBLE: &str = "garble = \"sum.garble.rs\"\nparameters = { \"NORTH::MOST\" = 40 }";

/// The sum of three numbers, none of which may be above a constant; the third one comes from a party that
/// does not compute.
const SUM: &str = "\
const MOST: u8 = NORTH::MOST;

pub fn main(a: u8, b: u8, c: (u8, bool)) -> (u8, bool) {
    let fits = !(a > MOST) & !(b > MOST) & !(c.0 > MOST);
    (a + b + c.0, fits ^ c.1)
}
";

/// The job with another program and these outputs after `inputs_hold`.
fn world(program: &str, outputs: &[&str]) -> World {
    let world = World::empty();
    let (before, _) = JOB.split_once("[[output]]\nname = \"result\"").unwrap();
    let output = |name: &&str| format!("[[output]]\nname = \"{name}\"\nresult_parties = [\"west\"]\n\n");
    let job = before.replace(BUILTIN, program) + &outputs.iter().map(output).collect::<String>();
    world.write("job.toml", &job);
    world.write("sum.garble.rs", SUM);
    world.write("adder.txt", include_str!("data/adder8.txt"));
    for name in ["north", "south", "west"] {
        world.run(&format!("mpc keygen {name}")).ok();
    }
    world
}

fn record(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// What west learns if all three parties run on this machine.
fn west_learns(world: &World, inputs: &str) -> Value {
    // Results of another run are not overwritten.
    let _ = std::fs::remove_dir_all(world.path("tried"));
    let said = world.run(&format!("mpc local job.toml {inputs} --out tried --json"));
    // 5: a result that is none.
    assert!([0, 5].contains(&said.code), "{said:?}");
    assert!(world.run("mpc verify tried/west/receipt.json").ok().starts_with("valid: run 1"));
    record(&said.out)["parties"]["west"]["outputs"].clone()
}

#[test]
fn a_source_is_run_and_its_panic_closes_all_else() {
    let world = world(GARBLE, &["panicked", "result"]);
    let inputs = "--input north=north.csv --input south=south.csv --input west=west.csv";
    for (name, column, value) in [("north", "a", 40), ("south", "b", 2)] {
        world.write(&format!("{name}.csv"), &format!("{column}\n{value}\n"));
    }
    world.write("west.csv", "1,0\n0,17\n");
    let learns = west_learns(&world, inputs);
    assert_eq!(learns["panicked"][0]["panicked"], "0");
    assert_eq!((&learns["result"][0]["0"], &learns["result"][0]["1"]), (&"59".into(), &"true".into()));
    world.write("west.csv", "0,1\n255,1\n");
    let learns = west_learns(&world, inputs);
    assert_eq!(learns["panicked"][0]["panicked"], "1", "the sum overflows");
    assert!(learns["result"][0]["0"].is_null() && learns["result"][0]["1"].is_null(), "{learns}");
    assert_eq!(learns["inputs_hold"][0]["owner 3"], "1");
}

#[test]
fn a_circuit_is_run_for_the_owners_that_the_job_names() {
    let program = "bristol = \"adder.txt\"\ninput_parties = [\"west\", \"west\"]";
    let world = world(program, &["output 1"]);
    only_west_enters(&world);
    world.write("one.csv", "value 1\n200\n");
    world.write("two.csv", "value 2\n57\n");
    let learns = west_learns(&world, "--input west=one.csv --input west=two.csv");
    assert_eq!(learns["output 1"][0]["output 1"], "1", "200 + 57 − 256");
    let quoted = record(&world.run("mpc quote job.toml --json").ok());
    assert_eq!(quoted["input_bytes"], 4, "two values of eight bits, a share for each computer");
}

/// The job with one input.
fn only_west_enters(world: &World) {
    let job = world.read("job.toml");
    let (head, rest) = job.split_once("[[input]]").unwrap();
    let (_, tail) = rest.split_once("[[output]]").unwrap();
    world.write("job.toml", &format!("{head}[[input]]\nparty = \"west\"\n\n[[output]]{tail}"));
}

#[test]
fn who_receives_several_outputs_chooses_what_is_printed() {
    let world =
        world("bristol = \"two.txt\"\ninput_parties = [\"west\", \"west\"]", &["output 1", "output 2"]);
    world.write("two.txt", "2 4\n2 1 1\n2 1 1\n\n2 1 0 1 2 XOR\n2 1 0 1 3 AND\n");
    only_west_enters(&world);
    for name in ["north", "south", "west"] {
        world.run(&format!("mpc sign job.toml --key {name}.key --yes")).ok();
    }
    // Together they tell more than each.
    let shown = world.run("mpc check job.toml").ok();
    assert!(
        shown.contains("output 2: 1 bit\n") && shown.contains("all 2 outputs of west together: 2 bits"),
        "{shown}"
    );
    let run = "mpc run job.toml --as west --key west.key --input one.csv --input two.csv --out -";
    for more in ["", " --results csv", " --results parquet"] {
        let why = world.run(&format!("{run}{more}")).fails(2);
        assert!(
            why.contains("west receives several outputs") && why.contains("one of output 1, output 2"),
            "{why}"
        );
    }
}

#[test]
fn a_signer_sees_that_the_program_is_foreign_and_signs_its_text() {
    let world = world(GARBLE, &["panicked", "result"]);
    // Long lines are wrapped.
    let shown = world.run("mpc check job.toml").ok().split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "garble@1 with NORTH::MOST = 40",
        "none of those built in",
        "the result has 9 bits",
        "Whether the program panicked",
        "a: 0 to 255",
        "by garble_lang",
        "a of north: read as a whole, 1 row(s) of 8 bits",
        "Sorts 0, joins 0, tables made by loops 0",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    for name in ["north", "south", "west"] {
        world.run(&format!("mpc sign job.toml --key {name}.key --yes")).ok();
    }
    world.write("north.csv", "a\n1\n");
    let run = "mpc run job.toml --as north --key north.key --input north.csv";
    world.write("sum.garble.rs", &SUM.replace("fits ^ c.1", "fits | c.1"));
    assert!(world.run(run).fails(1).contains("before it was altered"));
    // A comment changes no gate, but the signed text is another one.
    world.write("sum.garble.rs", &format!("{SUM}// harmless\n"));
    assert!(world.run(run).fails(1).contains("before it was altered"));
    world.write("job.toml", &world.read("job.toml").replace("= 40", "= 41"));
    world.write("sum.garble.rs", SUM);
    assert!(world.run(run).fails(1).contains("before it was altered"));
}

#[test]
fn an_invalid_program_is_reported_with_its_line() {
    for (program, line, why) in [
        ("garble = \"sum.garble.rs\"", 13, "constant NORTH::MOST is missing: the source needs it"),
        ("garble = \"sum.garble.rs\"\nparameters = { \"NORTH::MOST\" = [1] }", 13, "must be a whole number"),
        ("garble = \"none.garble.rs\"", 13, "none.garble.rs cannot be read"),
        ("garble = \"adder.txt\"", 13, "adder.txt: line 1, column"),
        ("bristol = \"sum.garble.rs\"", 13, "sum.garble.rs: line 1:"),
        ("bristol = \"adder.txt\"\nparameters = { k = 1 }", 13, "a circuit has no parameters"),
        (
            "bristol = \"adder.txt\"\ninput_parties = [\"north\"]",
            13,
            "1 input parties are named, the circuit has 2",
        ),
        (
            "bristol = \"adder.txt\"\ninput_parties = [\"north\", \"nord\"]",
            13,
            "names nord, who has no [[input]]",
        ),
        ("bristol = \"adder.txt\"", 13, "takes the inputs of 2 input parties, and there are 3"),
        ("bristol = \"/dev/zero\"", 13, "only files in its own folder"),
        ("bristol = \"adder.txt\"\ngarble = \"sum.garble.rs\"", 13, "must be one of"),
        ("parameters = {}", 13, "must be one of"),
        ("garble = \"\\u001b[2Jnone\"", 13, "\u{fffd}[2Jnone cannot be read"),
        (&format!("{BUILTIN}\ninput_parties = [\"north\"]"), 13, "and no `input_parties`"),
    ] {
        let said = world(program, &["result"]).run("mpc check job.toml").fails(1);
        assert!(said.contains(&format!("line {line}: ")) && said.contains(why), "{program}: {said}");
    }
}

#[test]
fn a_job_may_narrow_what_a_source_takes() {
    let world = world(GARBLE, &["panicked", "result"]);
    let job = world.read("job.toml");
    let with = |columns: &str| {
        let owner = "[[input]]\nparty = \"north\"\n";
        world.write("job.toml", &job.replace(owner, &format!("{owner}columns = {{ {columns} }}\n")));
    };
    with("a = { max = 40, decimals = 1 }");
    assert!(world.run("mpc check job.toml").ok().contains("a: 0.0 to 4.0"));
    let range = "the program's column does not hold this range";
    for (wrong, why) in [
        ("a = { max = 256 }", range),
        ("a = { min = -1, max = 4 }", range),
        ("a = { min = 4, max = 3 }", range),
        ("b = { max = 4 }", "the program has no column of this name"),
    ] {
        with(wrong);
        let said = world.run("mpc check job.toml").fails(1);
        assert!(said.contains(why), "{wrong}: {said}");
    }
}

#[test]
fn keys_out_of_order_are_named_before_anything_is_sent() {
    let world = World::empty();
    let gallery = concat!(env!("CARGO_MANIFEST_DIR"), "/../jobs/gallery/join");
    for (keys, row) in [("10000003\n10000001\n", 2), ("10000001\n10000002\n10000002\n", 3)] {
        world.write("clinic.csv", &format!("key\n{keys}"));
        let inputs = format!("--input clinic=clinic.csv --input pharmacy={gallery}/data/party-2.csv");
        let said = world.run(&format!("mpc local {gallery}/job.toml {inputs}"));
        assert!(said.code == 1 && said.err.contains("clinic did not finish the run"), "{said:?}");
        assert!(said.err.contains(&format!("row {row}: keys must ascend")), "{said:?}");
        assert!(!said.err.contains("1000000"), "no key is printed: {said:?}");
    }
}

/// The jobs of the gallery have no key files. All else of them is checked, and nothing shown follows from a key
/// that is not there.
#[test]
fn a_job_is_checked_before_its_keys_are_there() {
    let world = World::empty();
    let gallery = concat!(env!("CARGO_MANIFEST_DIR"), "/../jobs/gallery");
    let folders = std::fs::read_dir(gallery).unwrap().map(|folder| folder.unwrap().path());
    let jobs: Vec<_> = folders.map(|folder| folder.join("job.toml")).filter(|job| job.exists()).collect();
    assert!(jobs.len() >= 8);
    for job in jobs {
        let job = job.display();
        let said = world.run(&format!("mpc check {job}")).ok();
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("Id no id yet") && words.contains("no key file yet"), "{said}");
        assert!(words.contains("its key files are not beside it") && words.contains(".pub"), "{said}");
        let again = world.run(&format!("mpc check {job}")).ok();
        assert_eq!(said, again, "nothing is random");
        let record = world.run(&format!("mpc check {job} --json")).ok();
        let record: Value = serde_json::from_str(&record).unwrap();
        assert!(record["job"].is_null() && !record["missing_keys"].as_array().unwrap().is_empty());
    }
    let clinic = format!("--as clinic --input {gallery}/join/data/party-1.csv");
    world.run(&format!("mpc check {gallery}/join/job.toml {clinic}")).ok();
    let quoted = record(&world.run(&format!("mpc quote {gallery}/join/job.toml --json")).ok());
    assert!(quoted["job"].is_null() && quoted["and_gates"].as_u64().unwrap() > 1000, "{quoted}");
    // Where one key file is there, the other is missed.
    world.write("job.toml", &std::fs::read_to_string(format!("{gallery}/join/job.toml")).unwrap());
    world.run("mpc keygen clinic").ok();
    let said = world.run("mpc check job.toml").fails(1);
    assert!(said.contains("the key of pharmacy cannot be read: pharmacy.pub: "), "{said}");
}

#[test]
fn a_job_cannot_make_its_readers_count_without_end() {
    let rows = "16777216, 16777216, 16777216";
    let huge = |rows: &str| {
        format!(
            "builtin = \"sum_by_group@1\"\nparameters = {{ rows = [{rows}], groups = [\"a\", \"b\"], value = {{ max = 9 }}, minimum = 1 }}"
        )
    };
    let world = world(&huge(rows), &["groups"]);
    let said = world.run("mpc check job.toml").fails(1);
    assert!(said.contains("input bits, at most 134217728 are possible"), "{said}");
    world.write("job.toml", &world.read("job.toml").replace(rows, "1000000, 1000000, 1000000"));
    let said = world.run("mpc check job.toml").fails(1);
    assert!(said.contains("the program has more than 100000 AND gates"), "{said}");
    let unlimited = world.read("job.toml").replace("and_gates = 100000", "and_gates = 9000000000000");
    world.write("job.toml", &unlimited.replace("1000000, 1000000, 1000000", "10, 10, 10"));
    assert!(world.run("mpc sign job.toml --key north.key --yes").fails(1).contains("at most 1099511627776"));
}

/// These loop for ever in the compiler's front end; the first takes a gigabyte a second.
#[test]
fn a_hostile_source_is_one_error_for_every_verb() {
    let world = world(GARBLE, &["panicked", "result"]);
    let refused = |verb: &str| {
        let said = world.run(&format!("mpc {verb}")).fails(1);
        assert!(said.contains("sum.garble.rs: compiling this source takes more than"), "{verb}: {said}");
    };
    world.write("sum.garble.rs", "fn m(x:bool)->u8{match x{true=>{1u8} %%");
    ["check job.toml", "sign job.toml --key west.key --yes", "quote job.toml"].into_iter().for_each(refused);
    world.write("sum.garble.rs", "/**");
    refused("check job.toml");
}
