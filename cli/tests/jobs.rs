//! Jobs with real processes over loopback TLS: three bidders, two of which compute; and what is refused.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

const JOB: &str = include_str!("data/job/job.toml");

/// A world with the job at free ports, and the keys and bids of three parties; `changes` replaces parts of
/// the job.
fn world(changes: &[(&str, &str)]) -> World {
    let world = World::empty();
    let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let port = |i: usize| ports[i].local_addr().unwrap().port().to_string();
    let job = changes.iter().fold(JOB.to_owned(), |job, (from, to)| {
        assert!(job.contains(from), "{from}");
        job.replace(from, to)
    });
    world.write(
        "job.toml",
        &job.replace(":17701", &format!(":{}", port(0))).replace(":17702", &format!(":{}", port(1))),
    );
    for (name, bid) in [("north", "500.00"), ("south", "420.50"), ("west", "77")] {
        world.run(&format!("mpc keygen {name}")).ok();
        world.write(&format!("{name}.csv"), &format!("bid\n{bid}\n"));
    }
    world
}

/// The same, signed by all parties.
fn signed(changes: &[(&str, &str)]) -> World {
    let world = world(changes);
    for name in ["north", "south", "west"] {
        world.run(&format!("mpc sign job.toml --key {name}.key --yes")).ok();
    }
    world
}

/// A program whose input parties have up to five rows, instead of the auction.
const SUMS: [(&str, &str); 3] = [
    ("auction@1", "sum_by_group@1"),
    (
        "parameters = { bidders = 3, bid = { max = 100000, decimals = 2 }, reserve = 100 }",
        "parameters = { rows = [5, 5, 5], groups = [\"a\", \"b\"], value = { max = 100 }, minimum = 2 }",
    ),
    ("name = \"result\"", "name = \"groups\""),
];

fn take_part(name: &str) -> String {
    format!("mpc run job.toml --json --as {name} --key {name}.key --input {name}.csv")
}

/// Runs all three parties at once.
fn run_all(world: &World) -> [Value; 3] {
    run_all_with(world, "")
}

/// Runs all three parties at once, with more arguments.
fn run_all_with(world: &World, more: &str) -> [Value; 3] {
    let names = ["north", "south", "west"];
    let said = thread::scope(|scope| {
        let start = |name| scope.spawn(move || world.run(&(take_part(name) + more)));
        names.map(start).map(|party| party.join().unwrap())
    });
    said.map(|said| serde_json::from_str(&said.ok()).unwrap())
}

fn check(results: &[Value; 3]) {
    let [north, south, west] = results;
    for learns in [north, west] {
        assert_eq!(learns["outputs"]["result"][0]["winner"], "1");
        assert_eq!(learns["outputs"]["result"][0]["price"], "420.50");
    }
    assert_eq!(south["outputs"]["result"], Value::Null, "south is no receiver of it");
    assert_eq!(south["outputs"]["inputs_hold"][0]["owner 3"], "1");
}

#[test]
fn all_parties_get_their_results_and_a_valid_receipt() {
    let world = signed(&[]);
    let results = run_all(&world);
    check(&results);
    let receipt = results[2]["receipt"].as_str().unwrap();
    let shown = world.run(&format!("mpc verify {receipt}")).ok();
    assert!(shown.contains("does not show that they computed correctly"), "{shown}");
    let text = world.read(receipt);
    world.write("altered.json", &text.replace("\"run\": 1", "\"run\": 2"));
    assert!(world.run("mpc verify altered.json").fails(1).contains("the words of the receipt differ"));
    let digits = text.find("receipt_bytes").unwrap() + 200;
    let flipped = if text.as_bytes()[digits] == b'0' { "1" } else { "0" };
    world.write("altered.json", &[&text[..digits], flipped, &text[digits + 1..]].concat());
    world.run("mpc verify altered.json").fails(1);

    let result = "job.results/west-1/result.json";
    let with = |result: &str| world.run(&format!("mpc verify {receipt} --result {result} --job job.toml"));
    assert!(with(result).ok().contains("the result is that of west, and both compute parties signed it"));
    for (from, to, why) in [
        ("\"420.50\"", "\"420.51\"", "the outputs are not what the compute parties' output shares give"),
        ("\"west\"", "\"north\"", "the garbler's output share is not the one"),
        ("\"evaluator\": \"", "\"evaluator\": \"00", "the evaluator's output share is not the one"),
        ("\"output_shares\"", "\"output_sharez\"", "it has no `output_shares`"),
    ] {
        world.write("altered.json", &world.read(result).replacen(from, to, 1));
        assert!(with("altered.json").fails(1).contains(why), "{why}");
    }
    assert!(
        !world.read("job.results/south-1/result.json").contains("420.50"),
        "south does not learn the price"
    );

    // Running again gives the same, although all results were deleted.
    fs::remove_dir_all(world.path("job.results")).unwrap();
    check(&run_all(&world));
    assert_eq!(world.read(receipt), text, "delivered again, not computed again");
}

#[test]
fn a_killed_party_comes_back_and_the_run_succeeds() {
    let world = signed(&[]);
    for (victim, at) in [
        ("south", "Waiting"),
        ("north", "Waiting"),
        ("south", "Computing"),
        ("north", "Computing"),
        ("south", "Computed"),
        ("north", "Computed"),
        ("south", "Delivering"),
        ("north", "Delivering"),
        ("west", "encrypted input share"),
    ] {
        let others = ["north", "south", "west"].into_iter().filter(|name| *name != victim);
        let mut running: Vec<Child> = others.map(|name| start(&world, name)).collect();
        let mut dying = start(&world, victim);
        let mut heard = Vec::new();
        let mut said = dying.stderr.take().unwrap();
        let mut byte = [0];
        while !String::from_utf8_lossy(&heard).contains(at) && said.read(&mut byte).unwrap() == 1 {
            heard.push(byte[0]);
        }
        dying.kill().unwrap();
        dying.wait().unwrap();
        running.push(start(&world, victim));
        for party in running {
            let said = party.wait_with_output().unwrap();
            assert!(
                said.status.success(),
                "{victim} died at {at}: {}",
                String::from_utf8_lossy(&said.stderr)
            );
        }
        fs::remove_dir_all(world.path("data/jobs")).unwrap();
        // Results of another run are not overwritten.
        fs::remove_dir_all(world.path("job.results")).unwrap();
    }
}

/// Starts a party as a process that can be killed.
fn start(world: &World, name: &str) -> Child {
    start_with(world, name, "")
}

/// The same, with more arguments.
fn start_with(world: &World, name: &str, more: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto"));
    command
        .args((take_part(name) + more).split(' '))
        .current_dir(world.dir.path())
        .env("SOTTO_DIR", world.path("data"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Ends a process.
fn end(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn a_job_without_all_approvals_is_not_run() {
    let unsigned = world(&[]);
    unsigned.run("mpc sign job.toml --key north.key --yes").ok();
    let said = unsigned.run(&take_part("north")).fails(1);
    assert!(said.contains("not signed by south, west"), "{said}");
    let said = unsigned.run("mpc sign job.toml --key south.key").fails(4);
    assert!(said.contains("no terminal"), "{said}");

    let expired = world(&[("2126-01-31", "2020-01-31")]);
    let said = expired.run("mpc sign job.toml --key north.key --yes").fails(1);
    assert!(said.contains("the job has expired") && said.contains("agree on a new job"), "{said}");

    let altered = signed(&[]);
    altered.write("job.toml", &altered.read("job.toml").replace("seconds = 120", "seconds = 121"));
    let said = altered.run(&take_part("north")).fails(1);
    assert!(said.contains("before it was altered"), "{said}");

    let world = signed(&[]);
    let said = world.run("mpc run job.toml --as north --key south.key --input north.csv").fails(1);
    assert!(said.contains("not the key of north"), "{said}");
    assert!(world.run("mpc run job.toml --as east --key north.key").fails(1).contains("no party named east"));
    world.run("mpc run job.toml --as north --key north.key").fails(2);
    let said = world.run(&format!("{} --run 3", take_part("north"))).fails(1);
    assert!(said.contains("allows 2 runs"), "{said}");
}

#[test]
fn invalid_rows_are_named_and_nothing_is_sent() {
    let world = signed(&[]);
    for (rows, why) in [
        ("bid\n1000.01\n", "row 1 (line 2), column bid: outside the range"),
        ("bid\n1.234\n", "column bid: not a decimal number"),
        ("bid\n\"\"\n", "column bid: the field is empty"),
        ("bid\n1\n2\n", "2 rows, the job says exactly 1"),
        ("bids\n1\n", "the name of column 1 is not one that the job names (\"bid\")"),
    ] {
        world.write("north.csv", rows);
        let said = world.run(&take_part("north")).fails(1);
        assert!(said.contains(why), "{rows:?}: {said}");
        assert!(
            !said.contains("1000.01") && !said.contains("1.234") && !said.contains("bids"),
            "nothing of the file is printed: {said}"
        );
    }
}

/// The schemas of all input parties, in the form of a policy.
fn schemas(job: &Value) -> String {
    let inputs = job["inputs"].as_array().unwrap().iter();
    inputs.map(|input| input["schema"].to_string()).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_policy_forbids_before_signing_and_before_running() {
    let world = signed(&[]);
    let job: Value = serde_json::from_str(&world.run("mpc check job.toml --json").ok()).unwrap();
    let circuit = job["circuit"].as_str().unwrap();
    let keys: Vec<_> = (0..3).map(|i| job["parties"][i]["key"].to_string()).collect();
    let policy = |circuit: &str, runs: u32| {
        let (purpose, keys) = ("To sell lot 7 at the second highest price", keys.join(", "));
        let schemas = schemas(&job);
        world.write("policy.toml", &format!(
            "programs = [\"{circuit}\"]\nschemas = [{schemas}]\npurposes = [\"{purpose}\"]\nresult_parties = [{keys}]\nminimum_rows = 1\nruns_a_month = {runs}\noutputs_a_month = 9\n"
        ));
    };
    policy(&"0".repeat(64), 1);
    let said = world.run("mpc sign job.toml --key west.key --policy policy.toml --yes").fails(1);
    assert!(said.contains("does not allow this program"), "{said}");
    let run = format!("{} --policy policy.toml", take_part("west"));
    assert!(world.run(&run).fails(1).contains("does not allow this program"));
    // A job that a single run would violate is not even signed.
    policy(circuit, 0);
    for words in ["mpc sign job.toml --key west.key --policy policy.toml --yes", &run] {
        let said = world.run(words).fails(1);
        assert!(
            said.contains("allows north 0 runs in thirty days, and one run of this job takes 1"),
            "{said}"
        );
    }
    // The runs for a partner are used up: west stops before it sends anything.
    policy(circuit, 1);
    check(&run_all_with(&world, " --policy policy.toml"));
    let second = start_with(&world, "north", " --run 2");
    let said = world.run(&format!("{run} --run 2")).fails(1);
    assert!(
        said.contains("your policy forbids this job")
            && said.contains("1 runs in thirty days, and 1 are used"),
        "{said}"
    );
    end(second);
}

#[test]
fn a_policy_counts_the_rows_of_the_file() {
    let world = world(&SUMS);
    let job: Value = serde_json::from_str(&world.run("mpc check job.toml --json").ok()).unwrap();
    let keys: Vec<_> = (0..3).map(|i| job["parties"][i]["key"].to_string()).collect();
    world.write("policy.toml", &format!(
        "programs = [{}]\nschemas = [{}]\npurposes = [{}]\nresult_parties = [{}]\nminimum_rows = 3\nruns_a_month = 1\noutputs_a_month = 9\n",
        job["circuit"], schemas(&job), job["purpose"], keys.join(", ")
    ));
    for name in ["north", "south", "west"] {
        world.run(&format!("mpc sign job.toml --key {name}.key --yes --policy policy.toml")).ok();
    }
    world.write("west.csv", "group,value\n1,5\n0,6\n");
    let said = world.run(&format!("{} --policy policy.toml", take_part("west"))).fails(1);
    assert!(said.contains("at least 3 rows, table rows has 2"), "{said}");
}

/// A party relies on the gate count that it signed. With another count in its file, it is another job, which
/// no party signed.
#[test]
fn a_count_that_was_not_signed_is_refused_before_anything_is_sent() {
    let world = signed(&[]);
    for name in ["west", "north"] {
        let file = format!("job.approvals/{name}.approval");
        let text = fs::read_to_string(world.path(&file)).unwrap();
        // The first digit of the circuit, after the job's id, party, roles and nonce.
        let at = "sotto-consent-2:".len() + 2 * (32 + 2 + 1 + 32);
        let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
        world.write(&file, &[&text[..at], other, &text[at + 1..]].concat());
        let said = world.run(&take_part(name)).fails(1);
        assert!(said.contains("signed another job"), "{said}");
        world.write(&file, &text);
    }
}

#[test]
fn a_missing_party_is_named_with_code_3() {
    let world = signed(&[("deadline = 300", "deadline = 1")]);
    let said = world.run(&take_part("north")).fails(3);
    assert!(said.contains("awaited: ") && said.contains("west"), "{said}");
    let said = world.run(&take_part("west")).fails(3);
    assert!(said.contains("awaited: north, south"), "{said}");
    for name in ["north", "south"] {
        let trouble = format!("{name}: cannot reach 127.0.0.1:");
        assert!(said.contains(&trouble) && said.contains("; trying again until the deadline."), "{said}");
    }
}

/// Forwards bytes in both directions and flips a bit of the 3000th.
fn alter(near: &TcpStream, far: &TcpStream) {
    let ends = [(near, far), (far, near)].map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap()));
    for (mut from, mut to) in ends {
        thread::spawn(move || {
            let (mut bytes, mut passed) = (vec![0; 4096], 0);
            while let Ok(n @ 1..) = from.read(&mut bytes) {
                if (passed..passed + n).contains(&3000) {
                    bytes[3000 - passed] ^= 1;
                }
                passed += n;
                if to.write_all(&bytes[..n]).is_err() {
                    break;
                }
            }
        });
    }
}

#[test]
fn altered_bytes_give_no_party_a_result() {
    let (proxy, free) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (proxied, north) = (proxy.local_addr().unwrap(), free.local_addr().unwrap());
    drop(free);
    // All reach north through a proxy that alters the data.
    let proxied = proxied.to_string();
    let world = signed(&[("127.0.0.1:17701", &proxied), ("deadline = 300", "deadline = 2")]);
    thread::spawn(move || {
        for near in proxy.incoming().flatten() {
            if let Ok(far) = TcpStream::connect(north) {
                alter(&near, &far);
            }
        }
    });
    let codes = thread::scope(|scope| {
        let at_north = format!("{} --listen {north}", take_part("north"));
        let parties = [at_north, take_part("south"), take_part("west")];
        parties.map(|words| scope.spawn(|| world.run(&{ words }).code)).map(|party| party.join().unwrap())
    });
    assert!(codes.iter().all(|code| [1, 3].contains(code)), "{codes:?}");
    assert!(!world.path("job.results").exists());
}

#[test]
fn a_job_is_tried_out_on_one_machine() {
    let world = World::empty();
    world.write("job.toml", JOB);
    for (name, bid) in [("north", "5"), ("south", "4"), ("west", "900")] {
        world.write(&format!("{name}.jsonl"), &format!("{{\"bid\": {bid}}}\n"));
    }
    let inputs = ["north", "south", "west"].map(|name| format!("--input {name}={name}.jsonl")).join(" ");
    let record: Value =
        serde_json::from_str(&world.run(&format!("mpc local job.toml {inputs} --json")).ok()).unwrap();
    assert_eq!(record["parties"]["west"]["outputs"]["result"][0]["winner"], "3");
    assert_eq!(record["parties"]["west"]["outputs"]["result"][0]["price"], "5.00");
    assert_eq!(record["parties"]["south"]["outputs"]["result"], Value::Null);
    world.run("mpc local job.toml --input east=north.jsonl").fails(2);
}

#[test]
fn faults_of_a_job_are_reported_line_by_line() {
    let world = world(&[("garbler = \"north\"", "garbler = \"nord\""), ("nonce = \"5d", "nonce = \"zz")]);
    let said = world.run("mpc check job.toml").fails(1);
    assert!(
        said.contains("line 3: the nonce must be")
            && said.contains("line 10: there is no [[party]] named \"nord\""),
        "{said}"
    );
}

/// The word that makes the same job withstand a malicious compute party.
const MALICIOUS: (&str, &str) = ("protocol = \"semi-honest\"", "adversary = \"malicious\"");

#[test]
fn a_job_against_malicious_computers_gives_the_same_results_and_a_stronger_receipt() {
    let world = signed(&[MALICIOUS]);
    let shown = world.run("mpc check job.toml").ok();
    assert!(shown.contains("Whom you trust (malicious)") && shown.contains("attempted 2 time(s)"), "{shown}");
    let results = run_all(&world);
    check(&results);
    let receipt = results[2]["receipt"].as_str().unwrap();
    let shown = world.run(&format!("mpc verify {receipt}")).ok();
    assert!(
        shown.contains(
            "If one of the compute parties followed the protocol, these outputs are of this circuit"
        )
    );
    assert!(!shown.contains("does not show that they computed correctly"), "{shown}");
    let with = format!("mpc verify {receipt} --result job.results/west-1/result.json --job job.toml");
    assert!(world.run(&with).fails(1).contains("cannot be shown to others"));
    check(&run_all(&world));
}

#[test]
fn a_quote_tells_what_either_adversary_costs() {
    let world = world(&[]);
    for (job, slow) in [("job.toml", false), ("malicious.toml", true)] {
        world.write("malicious.toml", &world.read("job.toml").replace(MALICIOUS.0, MALICIOUS.1));
        let link = if slow { " --bandwidth 100" } else { " --bandwidth 10000" };
        let quoted: Value =
            serde_json::from_str(&world.run(&format!("mpc quote {job} --json{link}")).ok()).unwrap();
        let [curious, malicious] = quoted["both"].as_array().unwrap().as_slice() else { panic!() };
        assert_eq!(curious["adversary"], "semi-honest");
        assert_eq!(malicious["adversary"], "malicious");
        assert!(malicious["bytes"].as_u64() > curious["bytes"].as_u64());
        assert_eq!(malicious["tree_depth"], if slow { 8 } else { 4 });
        assert!(quoted["expanded_bytes"].as_u64().is_some() && quoted["expansion"].is_null());
        assert_eq!((&curious["garbling"], &malicious["garbling"]), (&"three-halves".into(), &Value::Null));
        let own = if slow { malicious } else { curious };
        assert_eq!((&quoted["bytes"], &quoted["adversary"]), (&own["bytes"], &own["adversary"]));
    }
}

#[test]
fn words_about_the_adversary_are_checked() {
    let world = world(&[]);
    let job = world.read("job.toml");
    for (to, why) in [
        ("adversary = \"covert\"", "the adversary is \"semi-honest\" or \"malicious\""),
        ("maximum_attempts = 2", "`maximum_attempts` needs `adversary = \"malicious\"`"),
        ("tree_depth = 4", "`tree_depth` needs `adversary = \"malicious\"`"),
        ("adversary = \"malicious\"\nmaximum_attempts = 65", "there are 1 to 64 attempts"),
        ("adversary = \"malicious\"\ntree_depth = 3", "the depth of the trees is 2, 4 or 8"),
        ("expansion = 20", "the expansion is 16, 17, 18 or 19"),
        ("protocol = \"semi-honest\"\nadversary = \"malicious\"", "duplicate field `adversary`"),
    ] {
        world.write("other.toml", &job.replace(MALICIOUS.0, to));
        let said = world.run("mpc check other.toml").fails(1);
        assert!(said.contains(why), "{to}: {said}");
    }
    // The old word, the new one and none say the same; another number of attempts is another job.
    let id = |text: &str| {
        world.write("other.toml", &job.replace(MALICIOUS.0, text));
        let shown = world.run("mpc check other.toml --json").ok();
        let record: Value = serde_json::from_str(&shown).unwrap();
        record["job"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned()
    };
    let curious = id(MALICIOUS.0);
    assert_eq!([id("adversary = \"semi-honest\""), id("")], [curious.clone(), curious.clone()]);
    let malicious = id(MALICIOUS.1);
    assert_eq!(id("adversary = \"malicious\"\nmaximum_attempts = 2\ntree_depth = 4"), malicious);
    let others =
        ["maximum_attempts = 1", "tree_depth = 8"].map(|more| id(&format!("{}\n{more}", MALICIOUS.1)));
    assert!(others.iter().all(|other| *other != malicious) && malicious != curious);
    // Expanded transfers are part of the job, and its signers read of them.
    let expanded = [id("expansion = 16"), id(&format!("{}\nexpansion = 16", MALICIOUS.1))];
    assert!(expanded[0] != curious && expanded[1] != malicious);
    let shown = world.run("mpc check other.toml").ok();
    assert!(shown.contains("Transfers are expanded (16)"), "{shown}");
    assert!(!world.run("mpc check job.toml").ok().contains("expanded"));
}
