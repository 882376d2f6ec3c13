//! One node as a process: its files, its logs, how it stops, what it refuses, and what others can see of it.
#![allow(clippy::unwrap_used, reason = "the functions that tests share fail as tests do")]

#[path = "../../link/tests/support/look.rs"]
#[allow(dead_code, unreachable_pub, clippy::panic)]
mod look;

use crate::support::World;
use look::{Tape, Way};
use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Starts a node, runs a shell line, and ends the node with a signal.
fn run(world: &World, words: &str, act: &str, signal: &str) -> crate::support::Said {
    world.shell(&format!(
        "rm -f started; sotto node run --json {words} > started 2> log & node=$!
         until [ -s started ] || ! kill -0 $node 2> /dev/null; do sleep 0.1; done
         {act}
         kill -{signal} $node 2> /dev/null; wait $node"
    ))
}

#[test]
fn a_node_seals_prints_its_address_and_stops_on_a_signal() {
    let world = World::empty();
    world.run("chain init").ok();
    world.run("wallet init --wallet alice --words-file alice.words").ok();
    let seal = "--listen 127.0.0.1:0 --outside-port 7 --seal --every 1 --wallet alice --log json -v";
    let act = "until grep -q '\"height\":2' log; do sleep 0.1; done
        sotto chain info --wait 0 2> second && exit 9; [ $? = 1 ] || exit 8
        sotto wallet address --wallet alice || exit 7";
    run(&world, seal, act, "INT").ok();
    let started: Value = serde_json::from_str(&world.read("started")).unwrap();
    assert_eq!((started["v"].as_u64(), started["type"].as_str()), (Some(1), Some("node-started")));
    assert!(started["key"].as_str().unwrap().starts_with("sottokey1"));
    assert!(started["listen"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(started["outside_port"], 7);
    assert!(world.read("second").contains("another process"));
    let log = world.read("log");
    assert!(log.lines().all(|l| serde_json::from_str::<Value>(l).is_ok()), "{log}");
    let info: Value = serde_json::from_str(&world.run("chain info --json").ok()).unwrap();
    assert!(info["height"].as_u64().unwrap() >= 2);
    for name in ["identity", "addr_book"] {
        let mode = fs::metadata(world.path("data/node").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }

    // The network key stays the same, and is refused if others can read its file.
    run(&world, "", "", "TERM").ok();
    let again: Value = serde_json::from_str(&world.read("started")).unwrap();
    assert_eq!(again["key"], started["key"]);
    assert!(again["listen"].is_null() && again["outside_port"].is_null());
    fs::set_permissions(world.path("data/node/identity"), PermissionsExt::from_mode(0o644)).unwrap();
    assert!(world.run("node run").fails(1).contains("other users can read"));
}

/// A node that cannot connect says why: in its log, once for each reason, and in its status.
#[test]
fn a_failed_connection_is_named() {
    let world = World::empty();
    world.run("chain init").ok();
    run(&world, "--listen 127.0.0.1:0", "", "TERM").ok();
    let started: Value = serde_json::from_str(&world.read("started")).unwrap();
    let key = started["key"].as_str().unwrap();
    world.run("chain join data/chain/genesis --dir other").ok();
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let act = "for n in $(seq 300); do sotto node status --dir other | grep -q refused && break; sleep 0.1; done
        for n in $(seq 300); do
            sotto node status --dir other --json > status && grep -q '\"times\":[3-9]' status && break; sleep 0.1
        done";
    run(&world, &format!("--dir other --connect {key}@{free}"), act, "TERM").ok();
    let status: Value = serde_json::from_str(&world.read("status")).unwrap();
    let failed = &status["dial_failures"][0];
    assert_eq!((&failed["why"], &failed["key"]), (&"refused".into(), &key.into()));
    assert_eq!(failed["address"], free.to_string());
    assert!(status["key"].as_str().unwrap().starts_with("sottokey1") && status["stems"] == 0);
    let log = world.read("log");
    let named = "cannot connect to a node that the settings name";
    assert_eq!(log.matches(named).count(), 1, "{log}");
    assert!(log.contains("why=\"refused\"") && !log.contains("127.0.0.1"), "{log}");
}

/// A copy of a chain that was joined and is damaged is moved aside, and fetched again; the operator's own is not.
#[test]
fn a_damaged_copy_is_fetched_again() {
    let world = World::empty();
    world.run("chain init").ok();
    world.run("wallet init --wallet alice --words-file alice.words").ok();
    world.run("chain seal --blocks 3 --wallet alice").ok();
    world.shell("mkdir other && cp -r data/chain other/chain").ok();
    for copy in ["data", "other"] {
        let head = world.path(copy).join("chain/head");
        let mut bytes = fs::read(&head).unwrap();
        bytes[40] ^= 1;
        fs::write(head, bytes).unwrap();
    }
    assert!(world.run("node run").fails(1).contains("restore it from a copy"));
    assert!(
        world.run("node run --dir other").fails(1).contains("restore it from a copy"),
        "no peers are known"
    );
    // The key of a node is one that others pin: here, that of a node of another chain.
    world.run("chain init --dir third").ok();
    run(&world, "--dir third --listen 127.0.0.1:0", "", "TERM").ok();
    let started: Value = serde_json::from_str(&world.read("started")).unwrap();
    let peer = format!("{}@127.0.0.1:9", started["key"].as_str().unwrap());
    assert!(world.run(&format!("node run --connect {peer}")).fails(1).contains("restore it from a copy"));
    run(&world, &format!("--dir other --connect {peer}"), "", "TERM").ok();
    assert!(world.read("log").contains("fetches the chain again"), "{}", world.read("log"));
    assert!(world.path("other/chain.damaged-1/log-00000000").exists());
    assert!(world.run("chain info --dir other").ok().contains("height    0"));
}

#[test]
fn logs_contain_addresses_only_with_the_flag() {
    let world = World::empty();
    world.run("chain init").ok();
    world.run("chain join data/chain/genesis --dir other").ok();
    let meet = |more: &str| {
        let line = format!(
            "rm -f started log; sotto node run --json --listen 127.0.0.1:0 > started 2> first & first=$!
             until [ -s started ]; do sleep 0.1; done
             at=$(sed 's/.*\"key\":\"\\([^\"]*\\)\",\"listen\":\"\\([^\"]*\\)\".*/\\1@\\2/' started)
             sotto node run --dir other -v --connect $at {more} > /dev/null 2> log & second=$!
             until grep -qs connected log; do sleep 0.1; done; sleep 0.2
             sotto node peers --dir other --json > peers
             kill $first $second; wait $first && wait $second"
        );
        world.shell(&line).ok();
        world.read("log")
    };
    assert!(!meet("").contains("127.0.0.1"));
    assert!(meet("--log-addresses").contains("address=127.0.0.1:"));
    // A peer's key is printed in the form that --connect takes.
    let [first, peer]: [Value; 2] =
        ["started", "peers"].map(|name| serde_json::from_str(&world.read(name)).unwrap());
    assert_eq!(peer["key"], first["key"]);
}

/// A node as a process, which is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; the test then fails by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a node in a folder; its output goes to files.
fn start(world: &World, dir: &str, words: &[&str]) -> Running {
    let file = |name: &str| fs::File::create(world.path(&format!("{dir}.{name}"))).unwrap();
    let mut node = Command::new(env!("CARGO_BIN_EXE_sotto"));
    node.args(["node", "run", "--json", "-v", "--dir", dir]).args(words).current_dir(world.dir.path());
    node.env("XDG_CONFIG_HOME", world.path("config"));
    Running(node.stdin(Stdio::null()).stdout(file("out")).stderr(file("log")).spawn().unwrap())
}

fn wait_for(what: &str, happened: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < end, "timeout: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A proxy to `server` for one connection, and the recorded traffic.
fn tap(server: &str) -> (u16, Tape) {
    let (listener, tape) = (TcpListener::bind("127.0.0.1:0").unwrap(), Tape::default());
    let (port, server, kept) = (listener.local_addr().unwrap().port(), server.to_owned(), tape.clone());
    thread::spawn(move || {
        let near = listener.accept().unwrap().0;
        let far = TcpStream::connect(server).unwrap();
        for (from, to, way) in [(&near, &far, Way::ToServer), (&far, &near, Way::ToClient)] {
            let (mut from, mut to, tape) = (from.try_clone().unwrap(), to.try_clone().unwrap(), kept.clone());
            thread::spawn(move || {
                let mut buffer = [0; 1 << 14];
                while let Ok(n @ 1..) = from.read(&mut buffer) {
                    tape.lock().unwrap().push((way, buffer[..n].to_vec()));
                    if to.write_all(&buffer[..n]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    (port, tape)
}

/// The answer of the port to bytes that are not TLS.
fn answer(port: &str, garbage: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(port).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(garbage).unwrap();
    let mut answer = Vec::new();
    // The server may close the connection before it has read everything.
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// To an observer of the traffic, and to a client that connects, a node looks like a web server.
#[test]
fn a_node_is_taken_for_a_web_server() {
    let world = World::empty();
    world.run("chain init --dir first").ok();
    world.run("chain join first/chain/genesis --dir second").ok();
    let _first = start(&world, "first", &["--listen", "127.0.0.1:0"]);
    wait_for("the first node", || world.read("first.out").ends_with('\n'));
    let started: Value = serde_json::from_str(&world.read("first.out")).unwrap();
    let (key, port) = (started["key"].as_str().unwrap(), started["listen"].as_str().unwrap());
    let (detour, tape) = tap(port);
    let _second = start(&world, "second", &["--connect", &format!("{key}@127.0.0.1:{detour}")]);
    wait_for("a connection", || world.read("second.log").contains("connected"));
    wait_for("frames both ways", || tape.lock().unwrap().len() > 8);

    assert!(look::is_inconspicuous(&tape));
    if let Some(flow) = look::ndpi(&tape) {
        assert!(flow.contains("/TLS") && !flow.contains("Unknown"), "{flow}");
        // Nodes connect to bare addresses, so a missing SNI is the only remark, as for a browser with such a
        // URL.
        let risks =
            flow.split("[Risk: ").nth(1).map_or("** Missing SNI **", |rest| rest.split(']').next().unwrap());
        assert!(risks.starts_with("** Missing SNI") && risks.matches("**").count() == 2, "{flow}");
    }

    for garbage in [&[0xff; 300][..], b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello"] {
        let answer = answer(port, garbage);
        assert!(matches!(answer[..], [] | [0x15, 3, 3, 0, 2, 2, _]), "{answer:x?}");
    }
    if Command::new("python3").arg("--version").output().is_err() {
        look::skip("python3, which asks as a browser does");
        return;
    }
    let get = |path: &str| {
        let browser = "import http.client, ssl, sys
there = http.client.HTTPSConnection(sys.argv[1], context=ssl._create_unverified_context(), timeout=30)
there.request('GET', sys.argv[2], headers={'User-Agent': 'Mozilla/5.0', 'Accept': 'text/html'})
page = there.getresponse()
print(page.status, page.getheader('Content-Type'), page.read().decode())";
        let said: crate::support::Said =
            Command::new("python3").args(["-c", browser, port, path]).output().unwrap().into();
        said.ok()
    };
    let page = get("/");
    assert!(page.starts_with("200 text/html") && page.contains("<html"), "{page}");
    assert!(get("/somewhere").starts_with("404 "));
    // None of this disturbed the two nodes.
    assert!(!world.read("second.log").contains("closed a connection"), "{}", world.read("second.log"));
}

#[test]
fn a_failing_disk_ends_a_node_with_an_error() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        println!("skipped: prlimit (of util-linux) is not installed");
        return;
    }
    let world = World::empty();
    world.run("chain init").ok();
    world.run("wallet init --wallet alice --words-file alice.words").ok();
    // The files of the running node cannot grow. The signal is ignored, so that writes fail as on a full
    // disk.
    let said = world.shell(
        "trap '' XFSZ
         sotto node run --seal --every 1 --wallet alice > started & node=$!
         until [ -s started ]; do sleep 0.1; done
         prlimit --pid $node --fsize=1:1 || kill -9 $node
         wait $node",
    );
    let why = said.fails(1);
    assert!(why.contains("the node stopped") && why.contains("File too large"), "{why}");
    world.run("chain audit").ok();
}

/// On a really full disk the node reports it and ends; with free space it continues, with all that it
/// acknowledged.
#[test]
fn a_node_on_a_full_disk_loses_nothing_that_it_acknowledged() {
    let mount = "mkdir -p there && mount -t tmpfs -o size=1m none there";
    let world = World::paying();
    if world.shell(&format!("unshare -m sh -c '{mount}'")).code != 0 {
        println!(
            "skipped: cannot create a mount namespace here (this needs root, and `unshare` of util-linux)"
        );
        return;
    }
    world.write(
        "full.sh",
        "set -e
         mount -t tmpfs -o size=64m none there && cp -a data/. there && export SOTTO_DIR=$PWD/there
         sotto node run --seal --every 2 --wallet alice > started 2> log & node=$!
         until [ -s started ]; do sleep 0.1; done
         sotto chain submit transaction.txt --node there > submitted
         sotto node status --json > before
         # The node may give back a file's room in between.
         for n in 1 2 3 4 5; do
             dd if=/dev/zero of=there/ballast bs=1k oflag=append conv=notrunc 2> filled || true
             df there --output=avail | tail -1 > left
             [ $(cat left) = 0 ] && break
         done
         code=0; wait $node || code=$?; echo $code > ended
         sotto chain info > refused 2>&1 || true
         rm there/ballast
         sotto chain audit
         sotto chain info --json > after
         sotto chain seal --wallet alice
         sotto chain audit
         sotto wallet balance --json --wallet bob",
    );
    let said = world.shell("unshare -m sh ./full.sh");
    let log = world.read("log");
    assert_eq!(said.code, 0, "{said:?} {log}");
    assert_eq!((world.read("ended").trim(), world.read("left").trim()), ("1", "0"), "{log}");
    assert!(log.contains("the node stopped") && log.contains("the disk is full"), "{log}");
    let number = |file: &str, name: &str| {
        let record: Value = serde_json::from_str(&world.read(file)).unwrap();
        record[name].as_u64().unwrap()
    };
    assert!(number("after", "height") >= number("before", "height"), "no block is lost");
    let bob: Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert_eq!(bob["spendable"], "1000000", "the payment is in a block: {bob}");
}

#[test]
fn invalid_settings_are_refused_before_anything_starts() {
    let world = World::empty();
    assert!(world.run("node run").fails(1).contains("no chain"));
    world.run("chain init").ok();
    let key = sotto_link::Identity::from_seed(&[3; 32]).peer_key();
    for (words, code, named) in [
        ("--connect nobody".to_owned(), 2, "KEY@HOST:PORT"),
        ("--connect sottokey1x@127.0.0.1:1".into(), 2, "KEY@HOST:PORT"),
        (format!("--connect {key}@127.0.0.1"), 2, "no host and port"),
        ("--listen here".into(), 2, "to listen at"),
        ("--listen 192.0.2.1:1".into(), 1, "192.0.2.1:1"),
        ("--outside-port 9333".into(), 2, "takes no connections"),
        ("--listen 127.0.0.1:0 --outside-port 0".into(), 2, "--outside-port"),
        ("--listen 127.0.0.1:0 --outside-port 65536".into(), 2, "--outside-port"),
        ("--seal --wallet nobody".into(), 1, "no wallet"),
    ] {
        let why = world.run(&format!("node run {words}")).fails(code);
        assert!(why.contains(named), "{words}: {why}");
    }
    assert!(!world.path("data/node/book").exists());

    world.run("node config init").ok();
    world.run("node config init").fails(1);
    world.write("data/node/config.toml", "seal_every = 0\n");
    assert!(world.run("node run").fails(1).contains("seal_every"));
    world.write("data/node/config.toml", "listne = 'x'\n");
    assert!(world.run("node run").fails(1).contains("listne"));
    world.write("data/node/config.toml", "outside_port = 0\n");
    assert!(world.run("node run").fails(1).contains("outside_port"));
    world.write("data/node/config.toml", "outside_port = 9333\n");
    assert!(world.run("node run").fails(2).contains("takes no connections"));

    world.write("no.genesis", "nothing");
    assert!(world.run("chain join no.genesis --dir b").fails(1).contains("no.genesis"));
    let other = "0".repeat(64);
    assert!(
        world
            .run(&format!("chain join data/chain/genesis --dir b --id {other}"))
            .fails(1)
            .contains("another chain")
    );
    assert!(!world.path("b").exists());
    world.run("chain join data/chain/genesis --dir b").ok();
    world.run("chain join data/chain/genesis --dir b").fails(1);
}
