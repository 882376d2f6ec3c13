//! Three input parties, two compute parties and a result party, each in a network of its own; only the
//! compute parties can accept connections.
//!
//! ```text
//! shop-1 ─┐                  ┌─ left      10.77.0.1:7700, its link is captured
//! shop-2 ─┼── bridge ────────┤
//! shop-3 ─┤                  └─ right     10.77.0.2:7700
//! press  ─┘
//! ```
//!
//! The networks are created in a namespace that ends with the run. Without the permission for that, the same
//! job runs on loopback; standard error says which one it was.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use serde_json::Value;
use std::{
    fs,
    io::{Write, stderr},
    net::TcpListener,
};

const PARTIES: [&str; 6] = ["left", "right", "shop-1", "shop-2", "shop-3", "press"];
const OWNERS: [&str; 3] = ["shop-1", "shop-2", "shop-3"];
const REGIONS: u64 = 3;
/// The program suppresses regions with fewer rows.
const MINIMUM: u64 = 5;

/// Runs a script in a private network, which ends with the script and ends all processes in it.
const ALONE: &str = "unshare --net --mount --pid --fork --kill-child bash -e";

/// Where the parties run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Each in a network of its own.
    Networks,
    /// All on this machine's loopback.
    Loopback,
}

impl Place {
    /// Tries to create such networks.
    fn probe(world: &World) -> Self {
        let tried = world.shell(&format!("{ALONE} network.sh && python3 --version > version"));
        if tried.code == 0 {
            say("six parties in six networks");
            return Self::Networks;
        }
        say(&format!(
            "six parties on loopback, because networks cannot be created here: {}",
            tried.err.trim_end()
        ));
        Self::Loopback
    }

    /// The addresses of the two compute parties.
    fn addresses(self) -> [String; 2] {
        if self == Self::Networks {
            return ["10.77.0.1:7700", "10.77.0.2:7700"].map(str::to_owned);
        }
        let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        ports.map(|port| port.local_addr().unwrap().to_string())
    }

    /// The prefix of a party's command.
    fn inside(self, name: &str) -> String {
        match self {
            Self::Networks => format!("nsenter --net=/run/netns/{name}"),
            Self::Loopback => "env".to_owned(),
        }
    }
}

/// Prints a message even if the output of passing tests is hidden.
fn say(what: &str) {
    let _ = writeln!(stderr(), "{what}");
}

/// Rows of an input party: region, and turnover in cents with ten digits.
fn rows(owner: usize) -> Vec<(u64, u64)> {
    let row = |n: u64| {
        let nth = 7 * owner as u64 + n;
        // Two rows are in the plain: fewer than the minimum.
        (if nth % 9 == 4 { 2 } else { nth % 2 }, 1_234_567_890 + 76_543_211 * nth)
    };
    (0..7).map(row).collect()
}

/// An amount in cents, as it is written in the file.
fn written(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// The expected result for a region, computed in the clear.
fn clear(region: u64) -> [String; 3] {
    let all: Vec<u64> = (0..3).flat_map(rows).filter(|(r, _)| *r == region).map(|(_, cents)| cents).collect();
    let shown = u64::from(all.len() as u64 >= MINIMUM);
    let count = all.len() as u64 * shown;
    [shown.to_string(), count.to_string(), written(all.iter().sum::<u64>() * shown)]
}

/// A folder for each party, without the keys and rows of the others; all parties sign the job.
fn signed(world: &World, [left, right]: &[String; 2]) {
    let job = include_str!("data/apart/job.toml").replace("LEFT", left).replace("RIGHT", right);
    world.write("job.toml", &job);
    PARTIES.iter().for_each(|name| drop(world.run(&format!("mpc keygen {name}")).ok()));
    for name in PARTIES {
        world.run(&format!("mpc sign job.toml --key {name}.key --yes")).ok();
    }
    for name in PARTIES {
        let common = "job.toml job.approvals *.pub";
        world.shell(&format!("mkdir {name} && cp -a {common} {name}/ && mv {name}.key {name}/")).ok();
    }
    for (n, name) in OWNERS.iter().enumerate() {
        let lines: String =
            rows(n).iter().map(|(region, cents)| format!("{region},{}\n", written(*cents))).collect();
        world.write(&format!("{name}/rows.csv"), &format!("group,value\n{lines}"));
    }
}

/// The prefix of a command that must not listen; empty if the kernel or Python has no filter for it.
fn dial_only(world: &World) -> &'static str {
    if world.shell("python3 dial_only.py true").code == 0 {
        return "python3 ../dial_only.py";
    }
    say(
        "input and result parties are not prevented from listening: no python3, or no filter for this machine",
    );
    "env"
}

/// The command of a party, to run in its folder.
fn command(name: &str, dial_only: &str) -> String {
    let input = if OWNERS.contains(&name) { "--input rows.csv" } else { "" };
    let run =
        format!("sotto mpc run job.toml --json --as {name} --key {name}.key {input} --dir home --out out");
    let listens = ["left", "right"].contains(&name);
    if listens { run } else { format!("{dial_only} {run}") }
}

/// Runs all six at once.
fn run(world: &World, place: Place, dial_only: &str) {
    let mut script = "set -e\n".to_owned();
    if place == Place::Networks {
        script += ". ./network.sh\n";
        script += &format!("{} python3 capture.py eth0 left.frames & tap=$!\n", place.inside("left"));
        script += "until [ -e left.frames ] || ! kill -0 $tap; do sleep 0.1; done\n";
    }
    for name in PARTIES.iter().rev() {
        let (inside, command) = (place.inside(name), command(name, dial_only));
        script += &format!(
            "(cd {name} && exec {inside} timeout -k 5 240 {command}) > {name}.out 2> {name}.err & all=\"$all $!\"\n"
        );
    }
    script += "code=0; for one in $all; do wait $one || code=1; done\n";
    if place == Place::Networks {
        script += "kill $tap; wait $tap || true\n";
    }
    script += "exit $code\n";
    world.write("run.sh", &script);
    let alone = if place == Place::Networks { ALONE } else { "bash -e" };
    let said = world.shell(&format!("{alone} run.sh"));
    let errors: Vec<_> = PARTIES.iter().map(|name| world.read(&format!("{name}.err"))).collect();
    assert_eq!(said.code, 0, "{said:?}\n{errors:#?}");
}

#[test]
fn six_parties_in_networks_of_their_own_complete_a_job() {
    let world = World::empty();
    world.write(
        "network.sh",
        &format!("PARTIES='{}'\n{}", PARTIES.join(" "), include_str!("data/apart/network.sh")),
    );
    world.write("dial_only.py", include_str!("data/apart/dial_only.py"));
    world.write("capture.py", include_str!("data/apart/capture.py"));
    let place = Place::probe(&world);
    signed(&world, &place.addresses());

    // The filter works: a compute party, which has to listen, fails under it.
    let dial_only = dial_only(&world);
    if dial_only != "env" {
        let left = command("left", dial_only);
        let deaf = world.shell(&format!("cd left && timeout 60 {dial_only} {left} --listen 127.0.0.1:0"));
        assert!(deaf.fails(1).contains("cannot listen here: "));
    }

    run(&world, place, dial_only);
    let result = |name: &str| -> Value { serde_json::from_str(&world.read(&format!("{name}.out"))).unwrap() };
    for name in PARTIES {
        let outputs = &result(name)["outputs"];
        for owner in 1..=3 {
            assert_eq!(outputs["inputs_hold"][0][format!("owner {owner}")], "1", "{name}");
        }
        assert_eq!(outputs["groups"].is_null(), name != "press", "{name}");
        let receipt = world.read(&format!("{name}/out/receipt.json"));
        assert_eq!(receipt, world.read("left/out/receipt.json"), "{name}");
        world.run(&format!("mpc verify {name}/out/receipt.json")).ok();
    }
    let shown = |region: u64| {
        let row = &result("press")["outputs"]["groups"][region as usize];
        ["shown", "count", "sum"].map(|column| row[column].as_str().unwrap_or_default().to_owned())
    };
    for region in 0..REGIONS {
        let mut expected = clear(region);
        if expected[0] == "0" {
            expected = ["0", "", ""].map(str::to_owned);
        }
        assert_eq!(shown(region), expected, "region {region}");
    }
    assert_eq!(clear(2)[0], "0", "one region is not shown");
    let verify = "mpc verify press/out/receipt.json --result press/out/result.json --job job.toml";
    assert!(
        world.run(verify).ok().contains("the result is that of press, and both compute parties signed it")
    );

    if place == Place::Networks {
        nothing_in_clear(&fs::read(world.path("left.frames")).unwrap());
        // The networks are gone.
        assert!(!world.shell("ip link show sotto-hub").out.contains("sotto-hub"));
        assert!(!fs::exists("/run/netns/left").unwrap());
    }
}

/// The traffic of a compute party contains no row of any party, as text or as eight bytes.
fn nothing_in_clear(frames: &[u8]) {
    let has = |bytes: &[u8]| frames.windows(bytes.len()).any(|w| w == bytes);
    assert!(has(b"sotto-mpc/1"), "the TLS handshake is not encrypted, and was captured");
    assert!(frames.len() > 100_000, "{} bytes", frames.len());
    for (_, cents) in (0..3).flat_map(rows) {
        let forms =
            [written(cents).into_bytes(), cents.to_string().into_bytes(), cents.to_le_bytes().to_vec()];
        assert!(!forms.iter().any(|form| has(form)), "{cents}");
    }
}
