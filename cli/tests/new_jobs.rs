//! From a template to a verified receipt, as `docs/JOBS.md` has it; trials on invented data; bundles.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::World;
use serde_json::Value;
use std::net::TcpListener;

fn record(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The commands of the page, which are ten.
fn page() -> String {
    let page = include_str!("../../docs/JOBS.md");
    let (_, section) = page.split_once("ten commands\n").unwrap();
    let (block, _) = section.split_once("```sh\n").unwrap().1.split_once("```\n").unwrap();
    assert_eq!(block.lines().filter(|line| line.starts_with("sotto ")).count(), 10, "{block}");
    block.to_owned()
}

/// Twenty answers: enough marks in the north and abroad, too few in the south.
fn rows() -> String {
    let row = |i: usize| match i % 10 {
        0 => "south,3\n".to_owned(),
        1 => "abroad,\n".to_owned(),
        2..6 => format!("abroad,{}\n", i % 3 + 7),
        _ => format!("north,{}\n", i % 4),
    };
    "region,mark\n".to_owned() + &(0..20).map(row).collect::<String>()
}

#[test]
fn ten_commands_lead_from_nothing_to_a_verified_receipt() {
    let world = World::empty();
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [north, south] = ports.each_ref().map(|port| port.local_addr().unwrap().port().to_string());
    drop(ports);
    let fill = format!("cat > north.csv <<'END'\n{0}END\ncp north.csv south.csv", rows());
    let script = page().replace("7701", &north).replace("7702", &south);
    let script = script.replace("# fill in north.csv and south.csv: twenty rows each", &fill);
    let said = world.shell(&format!("set -e\n{script}"));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("valid: run 1 of \"Survey\""), "{}", said.out);
    // Forty rows: of the south only four have a mark, so it is left out.
    let expected =
        [("north", Some(16), Some("1.62")), ("south", None, None), ("abroad", Some(16), Some("7.87"))];
    let (mut counts, mut sums) = ([0u32; 3], [0u32; 3]);
    for line in rows().lines().skip(1) {
        let (region, mark) = line.split_once(',').unwrap();
        let place = ["north", "south", "abroad"].iter().position(|name| *name == region).unwrap();
        if let Ok(mark) = mark.parse::<u32>() {
            (counts[place], sums[place]) = (counts[place] + 2, sums[place] + 2 * mark);
        }
    }
    let csv = world.read("survey/job.results/south-1/result.csv");
    for (place, (region, ..)) in expected.iter().enumerate() {
        let mean = (100 * sums[place]).checked_div(counts[place]).unwrap_or(0);
        let row = match counts[place] {
            5.. => format!("{region},1,{},{}.{:02}", counts[place], mean / 100, mean % 100),
            _ => format!("{region},0,,"),
        };
        assert_eq!(csv.lines().nth(place + 1), Some(&*row), "{csv}");
    }
    assert_eq!(csv.lines().next(), Some("region,shown,answers,mean"));
}

#[test]
fn every_template_is_a_job_that_can_be_tried() {
    let world = World::empty();
    for (template, parties, output) in [
        ("survey", "--party a --party b --party c", "result"),
        ("stats", "--party a --party b --party c", "groups"),
        ("join", "", "join"),
    ] {
        world.run(&format!("mpc new {template} --template {template} {parties}")).ok();
        world.run(&format!("mpc check {template}/job.toml")).ok();
        for extremes in ["", "--extremes"] {
            let said = world.run(&format!("mpc try {template}/job.toml --seed 7 {extremes} --json")).ok();
            let said_again =
                world.run(&format!("mpc try {template}/job.toml --seed 7 {extremes} --json")).ok();
            assert_eq!(said, said_again, "the same seed");
            let tried = record(&said);
            assert_eq!(tried["garbled_agrees"], true, "{said}");
            assert!(tried["outputs"][output].is_array(), "{said}");
        }
        // Nothing of a job that is there is written over.
        let before = world.read(&format!("{template}/job.toml"));
        let why = world.run(&format!("mpc new {template} --template {template}")).fails(1);
        assert!(why.contains("exists already"), "{why}");
        assert_eq!(world.read(&format!("{template}/job.toml")), before);
    }
    assert_ne!(
        world.read("stats/job.toml").lines().nth(3),
        world.read("join/job.toml").lines().nth(3),
        "nonces"
    );
    let shown = world.run("mpc try survey/job.toml").ok();
    assert!(shown.contains("region,mark\n") && shown.contains("both answers are the same"), "{shown}");
    for (words, why) in [
        ("mpc new x --template join --party a --party b --party c", "2 to 2 parties"),
        ("mpc new x --template stats --party A --party b", "invalid party `A`"),
        ("mpc new x --template stats --party b", "2 to 16 parties"),
    ] {
        assert!(world.run(words).fails(2).contains(why), "{words}");
    }
    assert!(!world.path("x").exists());
}

#[test]
fn a_program_that_overflows_is_seen_before_anybody_signs() {
    let world = World::empty();
    world.run("mpc new sum --template survey").ok();
    let source = "const ROWS: usize = JOB::ROWS;\nstruct Answer { region: u8, mark: (bool, u8) }\nstruct Region { answers: u32, mean: u32 }\npub fn main(a: [Answer; ROWS], b: [Answer; ROWS]) -> [Region; 3] {\n    let mut sum = 0u8;\n    for answer in a { sum = sum + answer.mark.1 * 4u8; }\n    for answer in b { sum = sum + answer.mark.1 * 4u8; }\n    [Region { answers: 9u32, mean: sum as u32 }; 3]\n}\n";
    world.write("sum/program.garble.rs", source);
    let tried = record(&world.run("mpc try sum/job.toml --extremes --json").ok());
    assert_eq!(
        (&tried["verdict"], &tried["outputs"]["result"][0]["mean"]),
        (&"panicked".into(), &Value::Null)
    );
}

#[test]
fn a_bundle_carries_the_job_and_what_was_signed() {
    let world = World::empty();
    world.signed_job();
    world
        .shell("mkdir away && sotto mpc bundle job.toml --out job.bundle && rm job.approvals/west.approval")
        .ok();
    let said = record(&world.run("mpc collect job.bundle --into away --json").ok());
    assert_eq!(said["signed"], serde_json::json!(["north", "south", "west"]));
    for file in ["job.toml", "north.pub", "south.pub", "west.pub"] {
        assert_eq!(world.read(file), world.read(&format!("away/{file}")));
    }
    assert!(!world.read("job.bundle").contains("sotto-secret"));
    // Here one is missing, and comes from the bundle.
    let shown = world.shell("sotto mpc bundle job.toml | sotto mpc collect - --into half").ok();
    assert!(
        shown.contains("missing: west") && shown.contains("Next: check your rows with `sotto mpc check half"),
        "{shown}"
    );
    let said = record(&world.run("mpc collect job.bundle --json").ok());
    assert_eq!(said["added"], serde_json::json!(["west"]), "{said}");
    // What is there stays: a party that signs twice has one approval everywhere.
    world.shell("sotto mpc sign job.toml --key north.key --yes").ok();
    let signed = world.read("job.approvals/north.approval");
    let shown = world.run("mpc collect job.bundle").ok();
    assert!(shown.contains("nobody is missing") && shown.contains("Next: `sotto mpc run "), "{shown}");
    assert_eq!(world.read("job.approvals/north.approval"), signed);
    world.run("mpc run job.toml --as west --key north.key --input west.csv").fails(1);
    // Another job, an altered approval, something else.
    let bundle = world.read("job.bundle");
    world.write("other.bundle", &bundle.replace("Auction of lot 7", "Auction of lot 8"));
    assert!(world.run("mpc collect other.bundle").fails(1).contains("is there and is another one"));
    let why = world.run("mpc collect other.bundle --into new").fails(1);
    assert!(why.contains("is not one of this job"), "{why}");
    let (head, tail) = bundle.rsplit_once("\"]").unwrap();
    let digit = if head.ends_with('0') { '1' } else { '0' };
    world.write("forged.bundle", &format!("{}{digit}\"]{tail}", &head[..head.len() - 1]));
    assert!(world.run("mpc collect forged.bundle").fails(1).contains("is not one of this job"));
    world.write("out.bundle", &bundle.replace("north.pub\":", "../north.pub\":"));
    assert!(world.run("mpc collect out.bundle --into new").fails(1).contains("leads out of the folder"));
    world.write("more.bundle", &bundle.replace("\"files\":{", "\"files\":{\"north.csv\":\"bid\\n1\\n\","));
    let why = world.run("mpc collect more.bundle --into more").fails(1);
    assert!(why.contains("does not name the file north.csv") && !world.path("more").exists(), "{why}");
    // An approval of another job in the place of the last one: none of those before it is taken over.
    world.shell("sotto mpc collect job.bundle --into part && rm part/job.approvals/*").ok();
    let forged = world.run("mpc collect forged.bundle --into part");
    assert!(forged.fails(1).contains("no approval was taken over"));
    assert_eq!(std::fs::read_dir(world.path("part/job.approvals")).unwrap().count(), 0);
    assert!(world.run("mpc collect job.toml").fails(1).contains("not a bundle"));
}

/// A name that does not resolve and a port at which nothing listens are reported at once, not after the deadline.
#[test]
fn who_cannot_be_reached_is_named_with_the_reason() {
    let world = World::empty();
    world.run("mpc new j --template survey --party north@north.invalid:7700 --party south@127.0.0.1:1 --party west").ok();
    world.write("j/job.toml", &world.read("j/job.toml").replace("deadline = 600", "deadline = 1"));
    let each = "for n in north south west; do";
    world.shell(&format!("set -e; cd j; {each} sotto mpc keygen $n; done; {each} sotto mpc sign job.toml --key $n.key --yes; done")).ok();
    world.write("west.csv", &format!("region,mark\n{}", "north,3\n".repeat(20)));
    let said = world.run("mpc run j/job.toml --as west --key j/west.key --input west.csv").fails(3);
    for trouble in [
        "north: cannot reach north.invalid:7700: no such host and port; trying again until the deadline.",
        "south: cannot reach 127.0.0.1:1: connection refused; trying again until the deadline.",
        "awaited: north, south",
    ] {
        assert!(said.contains(trouble), "{trouble}: {said}");
    }
}

#[test]
fn the_encoding_of_a_file_is_declared_and_never_guessed() {
    let world = World::empty();
    world.run("mpc new x --template survey").ok();
    world.write("x/job.toml", &world.read("x/job.toml").replace("abroad", "Zürich"));
    let rows = format!("region;mark\n{}", "Zürich;3\n".repeat(20));
    world.write("x/utf8.csv", &rows);
    let latin: Vec<u8> = rows.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    std::fs::write(world.path("x/latin.csv"), latin).unwrap();
    let check = "mpc check x/job.toml --as north --input";
    let said = world.run(&format!("{check} x/utf8.csv")).ok();
    assert!(said.contains("CSV in UTF-8, fields separated by `;`"), "{said}");
    let why = world.run(&format!("{check} x/latin.csv")).fails(1);
    assert!(why.contains("pass --encoding windows-1252"), "{why}");
    let said = world.run(&format!("{check} x/latin.csv --encoding windows-1252")).ok();
    assert!(said.contains("CSV in Windows-1252, fields separated by `;`"), "{said}");
    let why = world.run(&format!("{check} x/utf8.csv --encoding windows-1252")).fails(1);
    assert!(why.contains("x/utf8.csv was read as CSV in Windows-1252") && why.contains("none of the names"));
    let why = world.run(&format!("{check} x/rows.parquet --encoding windows-1252")).fails(1);
    assert!(why.contains("Parquet has no --encoding"), "{why}");
    // An empty file is read as nothing.
    world.write("x/empty.csv", "");
    assert!(!world.run(&format!("{check} x/empty.csv")).fails(1).contains("was read as"));
}
