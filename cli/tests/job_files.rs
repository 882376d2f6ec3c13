//! The files of jobs: keys, approvals, results; their permissions, and errors about them.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

fn signed() -> World {
    let world = World::empty();
    world.signed_job();
    world
}

fn take_part(name: &str) -> String {
    format!("mpc run job.toml --json --as {name} --key {name}.key --input {name}.csv")
}

/// A party as a process of its own.
fn start(world: &World, words: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto"));
    command.args(words.split(' ')).current_dir(world.dir.path()).env("SOTTO_DIR", world.path("data"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// Waits for something to become true.
fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn results_are_private_and_written_before_others_have_theirs() {
    let world = signed();
    // A symbolic link is in the place of west's result.
    fs::create_dir_all(world.path("job.results/west-1")).unwrap();
    world.write("precious", "mine");
    symlink(world.path("precious"), world.path("job.results/west-1/result.json")).unwrap();
    let [north, south] = ["north", "south"].map(|name| start(&world, &take_part(name)));
    // West sends its rows and is killed; the compute parties wait for it.
    let mut west = start(&world, &take_part("west"));
    let heard = BufReader::new(west.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut shares = heard.filter(|line| line.contains("has our encrypted input share"));
    assert!(shares.next().is_some() && shares.next().is_some());
    west.kill().unwrap();
    west.wait().unwrap();
    let result = world.path("job.results/north-1/result.json");
    wait_for("north has its result while it still serves", || result.exists());
    // A file of another run stays as it is; the result of this one is kept.
    let said = world.run(&take_part("west")).fails(1);
    assert!(said.contains("result.json exists already") && said.contains("the result is kept"), "{said}");
    assert_eq!(world.read("precious"), "mine");
    fs::remove_file(world.path("job.results/west-1/result.json")).unwrap();
    let shown = world.run(&take_part("west")).ok();
    assert!(shown.contains("12.50"), "{shown}");
    for party in [north, south] {
        let ended = party.wait_with_output().unwrap();
        assert!(ended.status.success());
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(
            said.contains("Delivering the results. Not fetched yet: ") && said.contains("west.\n"),
            "{said}"
        );
    }
    for file in ["result.json", "receipt.json", "result.csv", "inputs_hold.csv"] {
        assert_eq!(mode(&world.path(&format!("job.results/north-1/{file}"))), 0o600, "{file}");
    }
    assert_eq!(mode(&world.path("job.results/north-1")), 0o700);
    assert_eq!(world.read("precious"), "mine");
    // A party's folder has its key, and a run's the job's whole id.
    let id = serde_json::from_str::<Value>(&world.run("mpc check job.toml --json").ok()).unwrap();
    let runs = world.shell("cd data/jobs && ls -d */*").ok();
    let name = |line: &str| {
        line.rsplit_once('/')
            .is_some_and(|(key, run)| key.len() == 64 && run == format!("{}-1", id["job"].as_str().unwrap()))
    };
    assert!(runs.lines().filter(|line| name(line)).count() == 3, "{runs}");
    assert!(world.read("job.results/west-1/result.json").contains("12.50"));

    // A result that cannot be written is kept, and is written at the next attempt.
    fs::remove_dir_all(world.path("job.results")).unwrap();
    world.write("job.results", "in the way");
    let said = world.run(&take_part("west")).fails(1);
    assert!(said.contains("job.results") && said.contains("help:"), "{said}");
    fs::remove_file(world.path("job.results")).unwrap();
    world.run(&take_part("west")).ok();
}

#[test]
fn a_killed_result_party_comes_back_for_its_result() {
    let world = signed();
    let job = world
        .read("job.toml")
        .replace("result_parties = [\"north\"", "result_parties = [\"east\", \"north\"");
    world.write("job.toml", &(job + "\n[[party]]\nname = \"east\"\nkey = \"east.pub\"\n"));
    world.run("mpc keygen east").ok();
    for name in ["north", "south", "west", "east"] {
        world.run(&format!("mpc sign job.toml --key {name}.key --yes")).ok();
    }
    let receive = "mpc run job.toml --json --as east --key east.key";
    let mut east = start(&world, receive);
    let mut said = BufReader::new(east.stderr.take().unwrap());
    said.read_line(&mut String::new()).unwrap();
    let parties = ["north", "south", "west"].map(|name| start(&world, &take_part(name)));
    let is_there = || world.path("job.results/north-1/result.json").exists();
    wait_for("the result", is_there);
    east.kill().unwrap();
    east.wait().unwrap();
    let shown = world.run(receive).ok();
    assert!(shown.contains("12.50"), "{shown}");
    for party in parties {
        assert!(party.wait_with_output().unwrap().status.success());
    }
}

#[test]
fn a_job_runs_until_its_expiry_and_is_delivered_after_it() {
    let world = World::empty();
    world.signed_job();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let end = now() + 25;
    let date = world.shell(&format!("date -u -d @{end} +%FT%TZ")).ok();
    world.write("job.toml", &world.read("job.toml").replace("2126-01-31T00:00:00Z", date.trim()));
    fs::remove_dir_all(world.path("job.approvals")).unwrap();
    for name in ["north", "south", "west"] {
        world.run(&format!("mpc sign job.toml --key {name}.key --yes")).ok();
    }
    assert!(!world.run("mpc check job.toml").ok().contains("has expired"));
    let parties = ["north", "south", "west"].map(|name| start(&world, &take_part(name)));
    for party in parties {
        assert!(party.wait_with_output().unwrap().status.success());
    }
    while now() < end {
        thread::sleep(Duration::from_millis(100));
    }
    fs::remove_dir_all(world.path("job.results")).unwrap();
    assert!(world.run(&take_part("west")).ok().contains("12.50"), "what was finished is delivered again");
    let said = world.run(&format!("{} --run 2", take_part("north"))).fails(1);
    assert!(said.contains("the job has expired") && said.contains("agree on a new job"), "{said}");
    let said = world.run("mpc sign job.toml --key west.key --yes").fails(1);
    assert!(said.contains("the job has expired") && said.contains("agree on a new job"), "{said}");
    assert!(world.run("mpc check job.toml").ok().contains("This job has expired"));
    world.run("mpc verify job.results/west-1/receipt.json").ok();
}

#[test]
fn keys_have_the_given_name_and_nothing_is_overwritten() {
    let world = World::empty();
    world.run("mpc keygen st.mary").ok();
    let public = world.read("st.mary.pub");
    assert!(world.path("st.mary.key").exists() && !world.path("st.key").exists());
    for name in ["st.mary", "clinic"] {
        world.write("clinic.pub", &public);
        let said = world.run(&format!("mpc keygen {name}")).fails(1);
        assert!(said.contains(".pub exists already") && said.contains("help:"), "{said}");
    }
    assert!(!world.path("clinic.key").exists(), "no key without its public file");
    // A lost public file is written again from the secret key.
    fs::remove_file(world.path("st.mary.pub")).unwrap();
    assert!(world.run("mpc keygen st.mary").ok().contains("it existed already"));
    assert_eq!(world.read("st.mary.pub"), public);
}

#[test]
fn a_dry_run_shows_the_job_without_signing() {
    let world = signed();
    fs::remove_dir_all(world.path("job.approvals")).unwrap();
    let shown = world.run("mpc sign job.toml --key west.key --dry-run").ok();
    assert!(shown.contains("You sign as west") && shown.contains("Nothing was signed"), "{shown}");
    assert!(!world.path("job.approvals").exists());
    let job = world.read("job.toml");
    world.write("job.toml", &job.replace("protocol =", "leaks = [\"Who wins.\"]\nprotocol ="));
    let shown = world.run("mpc check job.toml").ok();
    assert!(shown.contains("  The author adds: Who wins."), "{shown}");
    for (from, to, why) in [
        ("Auction of lot 7", "Auction                        of lot 7", "with single spaces"),
        ("127.0.0.1:", "not an address ", ": an address is a host and a port"),
        ("and_gates = 100000", "and_gates = 100", "AND gates: it has "),
        ("and_gates = 100000", "and_gates = 100", "; raise `and_gates`, or compute less"),
    ] {
        world.write("job.toml", &job.replacen(from, to, 1));
        let said = world.run("mpc check job.toml").fails(1);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn invalid_files_are_refused_with_help() {
    let world = signed();
    let run = take_part("west");
    world.write("job.approvals/north.approval", "no approval\n");
    let said = world.run(&run).fails(1);
    assert!(said.contains("is not an approval of a job") && said.contains("help: ask north"), "{said}");
    fs::remove_file(world.path("job.approvals/north.approval")).unwrap();
    for (pipe, words) in [("job.approvals/north.approval", &run[..]), ("south.pub", "mpc check job.toml")] {
        let kept = fs::read(world.path(pipe)).ok();
        world.shell(&format!("rm -f {pipe} && mkfifo {pipe}")).ok();
        let said = world.run(words).fails(1);
        assert!(said.contains("not a regular file") && said.contains("help:"), "{pipe}: {said}");
        fs::remove_file(world.path(pipe)).unwrap();
        if let Some(kept) = kept {
            fs::write(world.path(pipe), kept).unwrap();
        }
    }
    world.write("bad.toml", "programs = [1]\n");
    let said = world.run("mpc sign job.toml --key west.key --policy bad.toml --yes").fails(1);
    assert!(said.contains("line 1") && said.contains("entries of a policy"), "{said}");
    // A fingerprint is for people: a policy names whole keys.
    let policy = world.read("policy.toml");
    let line = policy.lines().find(|line| line.starts_with("result_parties")).unwrap();
    let short = format!("result_parties = [\"{}\"]", ["0123"; 8].join("-"));
    world.write("short.toml", &policy.replace(line, &short));
    let said = world.run("mpc sign job.toml --key west.key --policy short.toml --yes").fails(1);
    assert!(
        said.contains("line 4") && said.contains("keys and policies are 64 hexadecimal digits"),
        "{said}"
    );
    world.run("mpc quote job.toml --as north --key north.key").fails(2);
}

#[test]
fn a_port_in_use_is_reported() {
    let world = signed();
    let job = world.read("job.toml");
    let address = job.lines().find_map(|line| line.strip_prefix("address = \"")?.strip_suffix('"')).unwrap();
    let _taken = std::net::TcpListener::bind(address).unwrap();
    let said = world.run(&take_part("north")).fails(1);
    assert!(said.contains("north cannot listen here") && said.contains("--listen HOST:PORT"), "{said}");
}

#[test]
fn a_receipt_with_a_duplicate_member_is_invalid() {
    let world = signed();
    let receipt = world.read("receipt.json");
    world.run("mpc verify receipt.json").ok();
    world.write("twice.json", &receipt.replacen("\"run\": 1", "\"run\": 2, \"run\": 1", 1));
    let said = world.run("mpc verify twice.json").fails(1);
    assert!(said.contains("a member occurs twice"), "{said}");
}

#[test]
fn an_interrupted_trial_leaves_no_process_and_no_key() {
    let world = signed();
    fs::create_dir(world.path("tmp")).unwrap();
    // West reads its rows from a pipe without a writer: the trial lasts until it is interrupted.
    world.shell("mkfifo west.pipe").ok();
    let words = "mpc local job.toml --input north=north.csv --input south=south.csv --input west=west.pipe";
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto"));
    command.args(words.split(' ')).current_dir(world.dir.path()).env("TMPDIR", world.path("tmp"));
    let mut trial =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(trial.stderr.take().unwrap());
    said.read_line(&mut String::new()).unwrap();
    let children = || {
        let listed = Command::new("pgrep").args(["-P", &trial.id().to_string()]).output().unwrap();
        String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let running = children();
    assert_eq!(running.len(), 3, "{running:?}");
    Command::new("kill").arg(trial.id().to_string()).status().unwrap();
    assert_eq!(trial.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("interrupted"), "{rest}");
    for id in running {
        assert!(!Path::new(&format!("/proc/{id}")).exists(), "a party's process is left");
    }
    assert_eq!(fs::read_dir(world.path("tmp")).unwrap().count(), 0, "the keys are gone");
}

/// The same parties with a job that sums by group, and suppresses groups of one row.
fn sums_by_group() -> World {
    let world = signed();
    let sums =
        "parameters = { rows = [5, 5, 5], groups = [\"a\", \"b\"], value = { max = 100 }, minimum = 2 }";
    let auction = "parameters = { bidders = 3, bid = { max = 100000, decimals = 2 }, reserve = 100 }";
    let job = world.read("job.toml").replace("auction@1", "sum_by_group@1").replace(auction, sums);
    world.write("job.toml", &job.replace("name = \"result\"", "name = \"groups\""));
    world
}

#[test]
fn a_suppressed_figure_is_shown_as_such() {
    let world = sums_by_group();
    for name in ["north", "south", "west"] {
        world.write(&format!("{name}.csv"), "group,value\n0,5\n");
    }
    let words = "mpc local job.toml --input north=north.csv --input south=south.csv --input west=west.csv";
    let shown = world.run(words).ok();
    assert!(shown.contains("mean of a = 5.000000") && shown.contains("mean of b = suppressed"), "{shown}");
    let record: Value = serde_json::from_str(&world.run(&format!("{words} --json")).ok()).unwrap();
    assert_eq!(record["parties"]["west"]["figures"][1]["value"], Value::Null);
    assert_eq!(record["parties"]["west"]["verdict"], "partly suppressed");
    // Group b has no row: its cells are empty, so a zero is not taken for a result.
    world.run(&format!("{words} --out shown")).ok();
    assert_eq!(
        world.read("shown/west/groups.csv").replace('\r', ""),
        "group,shown,count,sum\na,1,3,15\nb,0,,\n"
    );
    let result: Value = serde_json::from_str(&world.read("shown/west/result.json")).unwrap();
    assert_eq!(
        (&result["verdict"], &result["outputs"]["groups"][1]["sum"]),
        (&"partly suppressed".into(), &Value::Null)
    );
    // If every group is suppressed, there is no result.
    world.write("job.toml", &world.read("job.toml").replace("minimum = 2", "minimum = 4"));
    let said = world.run(&format!("{words} --out none")).fails(5);
    assert!(said.contains("has no result") && said.contains("suppressed"), "{said}");
    assert_eq!(world.read("none/west/groups.csv").replace('\r', ""), "group,shown,count,sum\na,0,,\nb,0,,\n");
}

#[test]
fn a_program_that_panics_has_no_result() {
    let world = signed();
    world.write("program.garble.rs", "pub fn main(x: u8, y: u8, z: u8) -> u8 { x + y + z }");
    let auction = "builtin = \"auction@1\"\nparameters = { bidders = 3, bid = { max = 100000, decimals = 2 }, reserve = 100 }";
    let job = world.read("job.toml");
    assert!(job.contains(auction), "{job}");
    let panicked = "[[output]]\nname = \"panicked\"\nresult_parties = [\"north\", \"west\"]\n\n[[output]]\nname = \"result\"";
    let job = job
        .replace(auction, "garble = \"program.garble.rs\"")
        .replace("[[output]]\nname = \"result\"", panicked);
    world.write("job.toml", &job.replace("and_gates = ", "and_gates = 9"));
    for (name, column) in [("north", "x"), ("south", "y"), ("west", "z")] {
        world.write(&format!("{name}.csv"), &format!("{column}\n100\n"));
    }
    let words =
        "mpc local job.toml --input north=north.csv --input south=south.csv --input west=west.csv --out out";
    let said = world.run(words).fails(5);
    assert!(said.contains("has no result") && said.contains("the program ended in a panic"), "{said}");
    assert!(world.read("out/west/result.json").contains("\"verdict\": \"panicked\""));
    assert_eq!(
        world.read("out/west/result.csv").lines().nth(1).unwrap_or_default().trim_matches(['"', '\r']),
        ""
    );
}

/// Words that stand in headings, keys and fields of an input party's files, and nowhere else.
const MARKS: [&str; 4] = ["Zebra77", "Quagga88", "4711.0815", "Okapi-1970-01-01"];

#[test]
fn no_byte_of_a_file_is_in_any_message() {
    let world = signed();
    let [heading, text, number, date] = MARKS;
    let files = [
        ("north.csv", format!("{heading};{date};{number}\nx\n")),
        ("north.csv", format!("{heading}\n1\n")),
        ("north.csv", format!("bid,{heading}\n1,{text}\n")),
        ("north.csv", format!("bid\n{text}\n")),
        ("north.csv", format!("bid\n{number}\n")),
        ("north.csv", format!("bid\n1,{text},{number}\n")),
        ("north.csv", format!("bid\n1\n{text}\n")),
        ("north.csv", format!("sep=;\nbid;{heading}\n1;2\n")),
        ("north.csv", format!("bid,bid\n{number},{text}\n")),
        ("north.csv", format!("\"{heading}\n")),
        ("north.csv", format!("PK\u{3}\u{4}{text}")),
        ("north.csv", format!("bid\n1\u{0}{text}\n")),
        ("north.csv", format!("{{\"{heading}\": \"{text}\"}}\n")),
        ("north.jsonl", format!("{{\"{heading}\": {number}}}\n")),
        ("north.jsonl", format!("{{\"bid\": \"{text}\"}}\n")),
        ("north.jsonl", format!("{{\"bid\": {number}}}\n")),
        ("north.jsonl", format!("{{\"bid\": {{\"{heading}\": 1}}}}\n")),
        ("north.jsonl", format!("{{\"bid\": {text}}}\n")),
        ("north.jsonl", format!("{heading},{text}\n")),
        ("north.json", format!("[{{\"bid\": 1}}, {{\"{heading}\": {number}}}]")),
        ("north.json", format!("[{{\"bid\": {text}}}]")),
        ("north.json", format!("[\"{text}\"]")),
    ];
    for (name, file) in files {
        world.write(name, &file);
        let run = format!("mpc run job.toml --as north --key north.key --input {name}");
        let local = format!(
            "mpc local job.toml --input north={name} --input south=south.csv --input west=west.csv -v"
        );
        for words in [
            format!("mpc check job.toml --as north --input {name}"),
            format!("mpc check job.toml --as north --input {name} --json"),
            run.clone(),
            format!("{run} -v --json"),
            local,
        ] {
            let said = world.run(&words);
            assert_eq!(said.code, 1, "{file:?}: {said:?}");
            let found = MARKS.iter().find(|mark| said.err.contains(**mark) || said.out.contains(**mark));
            assert_eq!(found, None, "{words}: {said:?}");
        }
        fs::remove_file(world.path(name)).unwrap();
    }
    // Nor in any file that was written.
    let marks = MARKS.join("\\|");
    assert_eq!(world.shell(&format!("grep -rl '{marks}' . || true")).ok(), "");
}

#[test]
fn the_rows_of_one_party_are_checked_offline_and_all_faults_are_listed() {
    let world = sums_by_group();
    world.write("north.csv", "group;value\r\n0;x\r\n7;1\r\n1;1,500\r\n\r\n1;TRUE\r\n");
    let said = world.run("mpc check job.toml --as north --input north.csv").fails(1);
    for fault in [
        "row 1 (line 2), column value",
        "row 2 (line 3), column group",
        "row 3 (line 4), column value",
        "row 4 (line 6), column value",
    ] {
        assert!(said.contains(fault), "{fault}: {said}");
    }
    world.write("north.csv", "group;value\r\n0;5\r\n1;7\r\n;\r\n");
    let shown = world.run("mpc check job.toml --as north --input north.csv").ok();
    assert!(shown.contains("every row fits the job"), "{shown}");
    world.run("mpc check job.toml --input north.csv").fails(2);
    assert!(
        world.run("mpc check job.toml --as east --input north.csv").fails(1).contains("no party named east")
    );
}

#[test]
fn a_policy_of_the_signature_is_needed_at_the_run() {
    let world = signed();
    let run = take_part("west");
    world.run("mpc sign job.toml --key west.key --policy policy.toml --yes").ok();
    let said = world.run(&run).fails(1);
    assert!(said.contains("signed the job under a policy") && said.contains("--policy FILE"), "{said}");
    // The default file in the party's folder counts as given.
    let home = fs::read_dir(world.path("data/jobs")).unwrap().next().unwrap().unwrap().path();
    world.write("none.toml", &world.read("policy.toml").replace("runs_a_month = 1", "runs_a_month = 0"));
    fs::copy(world.path("none.toml"), home.join("policy.toml")).unwrap();
    assert!(world.run(&run).fails(1).contains("your policy forbids this job"));
}

#[test]
fn one_file_can_hold_the_approvals_of_all() {
    let world = signed();
    world
        .shell("cd job.approvals && cat *.approval > bundle && rm *.approval && mv bundle bundle.approval")
        .ok();
    // The approvals in it are those of the job as it was signed.
    world.write("job.toml", &world.read("job.toml").replace("deadline = 300", "deadline = 301"));
    let said = world.run(&take_part("west")).fails(1);
    assert!(said.contains("signed another job"), "the bundle was read: {said}");
    world.write("job.approvals/bundle.approval", "no approval\n");
    let said = world.run(&take_part("west")).fails(1);
    assert!(said.contains("is not a list of approvals") && said.contains("cat *.approval"), "{said}");
}

#[test]
fn a_public_key_in_place_of_the_secret_one_is_named() {
    let world = signed();
    let said = world.run("mpc sign job.toml --key north.pub --yes").fails(1);
    assert!(said.contains("is a public key file") && !said.contains("chmod"), "{said}");
}

#[test]
fn a_job_names_only_files_in_its_folder_and_results_go_to_a_private_one() {
    let world = signed();
    let job = world.read("job.toml");
    for (name, why) in [("../../../../etc/passwd", "only files in its own folder"), ("link", "leads out")] {
        symlink("/etc/passwd", world.path("link")).ok();
        world.write("job.toml", &job.replace("key = \"north.pub\"", &format!("key = \"{name}\"")));
        let said = world.run("mpc check job.toml").fails(1);
        assert!(said.contains(why) && !said.contains("root:"), "{said}");
    }
    world.write("job.toml", &job);
    fs::create_dir_all(world.path("open")).unwrap();
    fs::set_permissions(world.path("open"), PermissionsExt::from_mode(0o777)).unwrap();
    let [north, south] = ["north", "south"].map(|name| start(&world, &take_part(name)));
    let said = world.run(&format!("{} --out open", take_part("west"))).fails(1);
    assert!(said.contains("other users can write to this folder") && said.contains("chmod go-w"), "{said}");
    assert_eq!(fs::read_dir(world.path("open")).unwrap().count(), 0);
    fs::set_permissions(world.path("open"), PermissionsExt::from_mode(0o700)).unwrap();
    assert!(world.run(&format!("{} --out open", take_part("west"))).ok().contains("12.50"));
    for party in [north, south] {
        assert!(party.wait_with_output().unwrap().status.success());
    }
}
