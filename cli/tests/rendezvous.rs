//! Jobs of parties that can only connect to others: through a rendezvous server, and through one that alters
//! the data.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use crate::support::World;
use serde_json::Value;
use sotto_jobs::edge::tls;
use sotto_link::pinned::{Listener, Pinned, Timeouts};
use sotto_party::{Identity, PublicKey};

const JOB: &str = include_str!("data/job/job.toml");
const NAMES: [&str; 3] = ["north", "south", "west"];

/// The keys of three parties and of a server, and bids.
fn world() -> World {
    let world = World::empty();
    for name in ["north", "south", "west", "server"] {
        world.run(&format!("mpc keygen {name}")).ok();
        world.write(&format!("{name}.csv"), "bid\n12.50\n");
    }
    world
}

/// The job, with both compute parties at `meeting`, signed by all.
fn sign(world: &World, meeting: &str, deadline: u32) {
    // Results of another job are not overwritten.
    let _ = std::fs::remove_dir_all(world.path("job.results"));
    let job = JOB.replace("address = \"127.0.0.1:17701\"", meeting);
    // Each needs an address of its own; a server is the same for both.
    let meeting = meeting.replace("127.0.0.1:1\"", "127.0.0.1:2\"");
    let job = job.replace("address = \"127.0.0.1:17702\"", &meeting);
    let job = job.replace("deadline = 300", &format!("deadline = {deadline}"));
    sign_text(world, &job);
}

fn sign_text(world: &World, job: &str) {
    world.write("job.toml", &job.replace("seconds = 120", "seconds = 10"));
    for name in NAMES {
        world.run(&format!("mpc sign job.toml --key {name}.key --yes")).ok();
    }
}

/// A rendezvous server as a process, which is killed when this is dropped, and its address.
struct Server(Child, String);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn server(world: &World, more: &str) -> Server {
    let words = format!("mpc rendezvous --json --listen 127.0.0.1:0 --key server.key {more}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto"));
    command.args(words.split_whitespace()).current_dir(world.dir.path()).env("SOTTO_DIR", world.path("data"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    Server(child, said["address"].as_str().unwrap().to_owned())
}

/// Runs all three parties at once; returns exit codes and errors.
fn run_all(world: &World, more: &str) -> [(i32, String); 3] {
    let part = |name| format!("mpc run job.toml --as {name} --key {name}.key --input {name}.csv {more}");
    thread::scope(|scope| {
        let said = NAMES.map(|name| scope.spawn(move || world.run(&part(name))));
        said.map(|party| party.join().unwrap()).map(|said| (said.code, said.err))
    })
}

#[test]
fn parties_meet_at_a_rendezvous_server() {
    let world = world();
    let server = server(&world, "--allow north.pub south.pub west.pub");
    sign(&world, &format!("rendezvous_server = {{ address = \"{}\", key = \"server.pub\" }}", server.1), 120);
    // Long lines are broken at spaces.
    let shown = world.run("mpc check job.toml").ok().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains(&format!("met at the rendezvous server {}", server.1)), "{shown}");
    for (code, said) in run_all(&world, "") {
        assert_eq!(code, 0, "{said}");
    }
    world.run("mpc verify job.results/west-1/receipt.json").ok();
    // The server instead of addresses at which nothing listens.
    sign(&world, "address = \"127.0.0.1:1\"", 120);
    for (code, said) in run_all(&world, &format!("--rendezvous server.pub@{}", server.1)) {
        assert_eq!(code, 0, "{said}");
    }
}

/// Each of three computers meets each other at the server.
#[test]
fn three_computers_meet_at_a_rendezvous_server() {
    let world = world();
    let server = server(&world, "--allow north.pub south.pub west.pub");
    let meeting = format!("rendezvous_server = {{ address = \"{}\", key = \"server.pub\" }}", server.1);
    let mut job = JOB.replace("[roles]\ngarbler = \"north\"\nevaluator = \"south\"\n", "");
    for (from, to) in [
        (
            "protocol = \"semi-honest\"",
            "adversary = \"malicious\"\nexperimental = true\ncomputers = [\"north\", \"south\", \"west\"]",
        ),
        ("address = \"127.0.0.1:17701\"", &meeting),
        ("address = \"127.0.0.1:17702\"", &meeting),
        ("key = \"west.pub\"", &format!("key = \"west.pub\"\n{meeting}")),
    ] {
        assert!(job.contains(from), "{from}");
        job = job.replacen(from, to, 1);
    }
    sign_text(&world, &job);
    for (code, said) in run_all(&world, "") {
        assert_eq!(code, 0, "{said}");
    }
    world.run("mpc verify job.results/west-1/receipt.json").ok();
}

#[test]
fn a_server_serves_only_allowed_parties_and_proves_its_key() {
    let world = world();
    let server = server(&world, "--allow north.pub south.pub");
    sign(&world, "address = \"127.0.0.1:1\"", 1);
    let run = "mpc run job.toml --as west --key west.key --input west.csv";
    let said = world.run(&format!("{run} --rendezvous server.pub@{}", server.1)).fails(1);
    assert!(said.contains("does not accept our key") && said.contains("has to allow"), "{said}");
    let said = world.run(&format!("{run} --rendezvous south.pub@{}", server.1)).fails(1);
    let key = |name: &str| PublicKey::from_text(&world.read(&format!("{name}.pub"))).unwrap();
    let expected = format!("expected the key with the fingerprint {}", key("south").fingerprint());
    assert!(said.contains("the rendezvous server") && said.contains(&expected), "{said}");
    assert!(said.contains("of no party of the job") && said.contains("help: "), "{said}");
    let key = key("server").to_text();
    for (wrong, why) in [
        ("server.pub".to_owned(), "it has no `@`"),
        ("server.pub@".to_owned(), "invalid rendezvous server"),
        (format!("{}@{}", key.trim(), server.1), "a key instead of the name of a key file"),
    ] {
        let said = world.run(&format!("{run} --rendezvous {wrong}")).fails(2);
        assert!(said.contains(why) && said.contains("server.pub@host:port"), "{said}");
    }
    // Its key is one that cannot be read.
    let said = world.run(&format!("{run} --rendezvous server.key@{}", server.1)).fails(1);
    assert!(said.contains("server.key is not a public key file"), "{said}");
    world.run(&format!("mpc rendezvous --listen {} --key server.key --allow west.pub", server.1)).fails(1);
    let both =
        "address = \"127.0.0.1:1\"\nrendezvous_server = { address = \"127.0.0.1:1\", key = \"server.pub\" }";
    world.write("job.toml", &JOB.replace("address = \"127.0.0.1:17701\"", both));
    assert!(world.run("mpc check job.toml").fails(1).contains("not at both"));
}

#[test]
fn a_server_that_is_down_is_named() {
    let world = world();
    sign(&world, "rendezvous_server = { address = \"127.0.0.1:1\", key = \"server.pub\" }", 1);
    let said = world.run("mpc run job.toml --as west --key west.key --input west.csv").fails(3);
    assert!(said.contains("north: cannot reach 127.0.0.1:1") && said.contains("; trying again"), "{said}");
}

/// A server that alters a byte of every chunk once a pair has sent `after` bytes.
fn altering_server(world: &World, after: usize) -> String {
    let us = Identity::from_secret_text(&world.read("server.key")).unwrap();
    let guest =
        |name: &str| tls::peer_key(&PublicKey::from_text(&world.read(&format!("{name}.pub"))).unwrap());
    let guests: BTreeSet<_> = NAMES.iter().filter_map(|name| guest(name)).collect();
    let mut listener = Listener::bind("127.0.0.1:0", &tls::identity(&us), guests, "sotto-relay/1").unwrap();
    let address = listener.address().unwrap().to_string();
    thread::spawn(move || {
        let timeouts = Timeouts { idle: Duration::from_millis(5), ..Timeouts::default() };
        let mut waiting = BTreeMap::new();
        loop {
            let Ok(mut guest) = listener.accept(timeouts) else { continue };
            let (mut meeting, mut filled) = ([0; 65], 0);
            while filled < 65 {
                filled += guest.read(&mut meeting[filled..]).unwrap_or(0);
            }
            // Version, rendezvous, key: a pair has the same rendezvous and each other's keys.
            let other: [u8; 32] = meeting[33..].try_into().unwrap();
            let place = (meeting[1..33].to_vec(), BTreeSet::from([*guest.peer().as_bytes(), other]));
            match waiting.remove(&place) {
                Some(first) => drop(thread::spawn(move || carry([first, guest], after))),
                None => drop(waiting.insert(place, guest)),
            }
        }
    });
    address
}

fn carry(mut ends: [Pinned; 2], after: usize) -> Option<()> {
    for end in &mut ends {
        end.write_all(&[1]).ok()?;
    }
    let (mut chunk, mut carried) = (vec![0; 1 << 16], 0);
    for (from, to) in [(0, 1), (1, 0)].into_iter().cycle() {
        match ends[from].read(&mut chunk) {
            Ok(n @ 1..) => {
                carried += n;
                chunk[n - 1] ^= u8::from(carried > after);
                ends[to].write_all(&chunk[..n]).ok()?;
            }
            Err(e) if e.kind() == ErrorKind::TimedOut => {}
            _ => break,
        }
    }
    None
}

#[test]
fn altered_data_is_reported_and_gives_no_party_a_result() {
    let world = world();
    // Starting with the first TLS flight of the server.
    let address = altering_server(&world, 2000);
    sign(&world, &format!("rendezvous_server = {{ address = \"{address}\", key = \"server.pub\" }}"), 10);
    let said = run_all(&world, "");
    for (code, said) in &said {
        assert!([1, 3].contains(code), "{code}: {said}");
    }
    let mut altered = said.iter().filter(|(_, said)| said.contains("altered on its way")).peekable();
    assert!(altered.peek().is_some(), "{said:?}");
    assert!(altered.all(|(code, said)| *code == 1 && said.contains("take another route")), "{said:?}");
    assert!(!world.path("job.results").exists());
}

#[test]
fn the_compute_parties_measure_their_link_before_signing() {
    let world = world();
    let server = server(&world, "--allow north.pub south.pub");
    world.write("job.toml", &JOB.replace("address = \"127.0.0.1:17701\"", "address = \"127.0.0.1:1\""));
    let quote = |name| {
        format!(
            "mpc quote job.toml --json --measure --as {name} --key {name}.key --rendezvous server.pub@{}",
            server.1
        )
    };
    let said = thread::scope(|scope| {
        let world = &world;
        let said = ["north", "south"].map(|name| {
            let words = quote(name);
            scope.spawn(move || world.run(&words).ok())
        });
        said.map(|said| serde_json::from_str::<Value>(&said.join().unwrap()).unwrap())
    });
    assert_eq!(
        (&said[0]["link"], &said[0]["bandwidth_mbit"]),
        (&"measured".into(), &said[1]["bandwidth_mbit"])
    );
    assert!(said[0]["bandwidth_mbit"].as_f64().unwrap() > 0.0 && said[0]["delay_ms"].as_f64().unwrap() > 0.0);
    assert!(world.run(&quote("west")).fails(1).contains("only the two compute parties"));
    world.run("mpc quote job.toml --measure").fails(2);
}
