//! A wallet that two of three members own, with real processes: the page of docs/CUSTODY.md line by line, members that crash,
//! letters that are cut, repeated, forged or foreign, and an invoice that nobody can have paid twice.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the functions that tests share fail as tests do")]

use crate::support::{Said, World};
use serde_json::Value;
use sotto_keys::{Letter, Step, armor};
use sotto_party::{Context, Identity};
use std::{fs, sync::OnceLock, time::Instant};

const PAGE: &str = include_str!("../../docs/CUSTODY.md");
const MEMBERS: [&str; 3] = ["north", "south", "west"];

/// The lines of a page that a reader types.
fn typed(page: &str) -> String {
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(block, _)| block).collect()
}

#[test]
fn the_page_runs_as_it_is_printed() {
    let world = World::empty();
    let (_, page) = PAGE.split_once("\n# Three people who own money").unwrap();
    let (page, _) = page.split_once("\n# Data that a machine gets back").unwrap();
    let script = typed(page);
    assert!(script.contains("south pay invoice") && script.contains("proof export"), "{script}");
    // Whatever happens, no node outlives the test.
    let guard = "set -m\ntrap 'for job in $(jobs -p); do kill -- -$job; done 2> kills || true' EXIT\n";
    let said = world.shell(&format!("set -e\n{guard}{script}"));
    let log = fs::read_to_string(world.path("shop.log")).unwrap_or_default();
    assert_eq!(said.code, 0, "{said:?}\n{log}");
    assert!(said.out.contains("2 SOT was paid"), "{said:?}");
}

/// Alice has money, bob has none, and the group has a wallet at each member; made once, because 256 keys take seconds.
fn made() -> World {
    static MADE: OnceLock<World> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let w = World::settled();
        MEMBERS.iter().for_each(|name| drop(w.run(&format!("mpc keygen {name}")).ok()));
        let info = record(&w.run("chain info --json").ok());
        w.group_of(&format!("--purpose coin --chain {}", info["chain_id"].as_str().unwrap()));
        w.write("view.letter", &init(&w, "north", "").ok());
        for name in ["south", "west"] {
            init(&w, name, "view.letter").ok();
        }
        w.write("group.address", w.run("wallet address --wallet west").ok().trim());
        w
    });
    made.copy()
}

fn init(w: &World, name: &str, letters: &str) -> Said {
    w.run(&format!("wallet init {letters} --group {name}.group --key {name}.key --wallet {name}"))
}

/// A step of one member.
fn step(w: &World, name: &str, words: &str) -> Said {
    w.run(&format!("wallet group {words} --group {name}.group --key {name}.key --wallet {name}"))
}

fn record(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn invite(w: &World, amount: &str) {
    w.shell(&format!(
        "sotto wallet send --interactive {amount} --to $(cat group.address) --memo roof --yes --wallet alice > invite"
    ))
    .ok();
}

fn total(w: &World, name: &str) -> String {
    record(&w.run(&format!("wallet balance --wallet {name} --json")).ok())["total"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Member 1 asks, members 1 and 2 do it, and the answer is in the file `answer`.
fn together(w: &World, verb: &str, letters: &str) {
    let asked = step(w, "north", &format!("{verb} --with 1 2 --yes")).ok();
    w.write(letters, &asked);
    let south = step(w, "south", &format!("sign {letters} --yes")).ok();
    w.write(letters, &(asked + &south));
    let north = step(w, "north", &format!("sign {letters} --yes --out answer")).ok();
    w.write(letters, &(w.read(letters) + &north));
}

fn received(w: &World, amount: &str) {
    invite(w, amount);
    together(w, "receive invite", "receive.letters");
    w.run("wallet finalize answer --submit --wallet alice").ok();
    w.run("chain seal --wallet alice").ok();
    fs::remove_file(w.path("answer")).unwrap();
}

#[test]
fn members_receive_pay_and_prove() {
    let w = made();
    received(&w, "2");
    assert_eq!(MEMBERS.map(|name| total(&w, name)), ["2000000000", "2000000000", "2000000000"]);
    // West was away: it has the letters later, learns the answer, and consents to nothing.
    let west = step(&w, "west", "sign receive.letters --json").ok();
    assert_eq!((&record(&west)["state"], &record(&west)["letters"]), (&"done".into(), &Value::Array(vec![])));
    let history = |name: &str| w.run(&format!("wallet history --wallet {name} --json")).ok();
    let entry = record(&history("west"));
    assert_eq!((&entry["kind"], &entry["status"]), (&"received".into(), &"confirmed".into()));
    assert_eq!((&entry["memo"], &entry["amount"]), (&"roof".into(), &"2000000000".into()));

    w.shell("sotto wallet invoice 0.5 --memo tiles --wallet bob > invoice").ok();
    let plan = step(&w, "north", "pay invoice --dry-run --json").ok();
    assert_eq!((&record(&plan)["kind"], &record(&plan)["amount"]), (&"pay".into(), &"500000000".into()));
    together(&w, "pay invoice", "pay.letters");
    let status = record(&w.run("wallet group status --wallet south --json").ok());
    let open = &status["open"][0];
    assert_eq!((&open["kind"], &open["awaits"]["from"]), (&"pay".into(), &serde_json::json!([1])));
    // Four keys are gone from the sets of members 1 and 2.
    let keys: Vec<_> = (0..3).map(|i| status["sets"][i]["keys"].as_u64().unwrap()).collect();
    assert_eq!((status["fresh_keys"].as_u64(), keys.iter().sum::<u64>()), (Some(251), 251));
    assert_eq!(status["sets"][0]["members"], serde_json::json!([1, 2]));
    w.run("wallet finalize answer --submit --wallet bob").ok();
    w.run("chain seal --wallet alice").ok();
    assert_eq!(total(&w, "bob"), "500000000");
    let sent = history("north").lines().map(record).find(|e| e["kind"] == "sent").unwrap();
    let fee: u64 = sent["fee"].as_str().unwrap().parse().unwrap();
    assert_eq!(total(&w, "west"), (1_500_000_000 - fee).to_string());

    let id = sent["id"].as_str().unwrap();
    w.shell(&format!("sotto wallet proof export {id} --wallet north > payment.proof")).ok();
    let shown = w.run("wallet proof verify payment.proof --to $(cat bob.address)").ok();
    assert!(shown.contains("0.5 SOT was paid"), "{shown}");
    assert!(w.run(&format!("wallet proof export {id} --wallet west")).fails(1).contains("no such session"));
    // A backup is put back, and knows what was made.
    w.run("wallet backup north.backup --wallet north").ok();
    w.run("wallet restore --backup north.backup --wallet again").ok();
    assert_eq!(total(&w, "again"), total(&w, "north"));
}

/// What only an ordinary wallet does is refused, and what a wallet is stays what it is.
#[test]
fn a_groups_wallet_is_no_other() {
    let w = made();
    for words in ["send 1 --to $(cat bob.address) --yes", "invoice 1", "consolidate --yes", "freeze 00"] {
        let said = w.run(&format!("wallet {words} --wallet north"));
        assert!(said.fails(1).contains("wallet of a group"), "{words}");
    }
    assert!(w.run("wallet group status --wallet alice").fails(1).contains("as a member's wallet"));
    assert!(w.run("wallet balance --account 1 --wallet north").fails(2).contains("no accounts"));
    // Again: the same letter, from any member, and nothing is overwritten.
    assert_eq!(init(&w, "north", "").ok(), w.read("view.letter"));
    assert_eq!(init(&w, "west", "view.letter").ok(), w.read("view.letter"));
    let said = w.run("wallet init view.letter --group north.group --key north.key --wallet alice");
    assert!(said.fails(1).contains("exists already"));
    // A member that lost its wallet makes it again from the letter, without asking anybody.
    w.shell("rm data/wallets/west data/wallets/west.lock").ok();
    init(&w, "west", "view.letter").ok();
    assert_eq!(w.run("wallet address --wallet west").ok().trim(), w.read("group.address"));
    // A group for something else.
    let v = World::settled();
    MEMBERS.iter().for_each(|name| drop(v.run(&format!("mpc keygen {name}")).ok()));
    v.group_of("--purpose seal");
    assert!(init(&v, "north", "").fails(1).contains("only a group for `coin`"));
}

/// The same letters again, after a crash at any moment: killed at growing delays, and with an output that cannot be written.
#[test]
fn a_crash_between_steps_costs_nothing() {
    let w = made();
    invite(&w, "1");
    let ask = "receive invite --with 1 2 --yes";
    // Nothing leaves, and the same command says it.
    step(&w, "north", &format!("{ask} > /dev/full")).fails(1);
    let asked = step(&w, "north", ask).ok();
    assert_eq!(step(&w, "north", ask).ok(), asked);
    w.write("asked", &asked);
    let sign = "wallet group sign asked --yes --group south.group --key south.key --wallet south";
    let (smooth, start) = (w.copy(), Instant::now());
    smooth.run(sign).ok();
    let whole = start.elapsed();
    for part in 1..=12 {
        let w = w.copy();
        let delay = (whole * part / 12).as_secs_f64();
        w.shell(&format!("timeout -s KILL {delay:.3} sotto {sign} > killed"));
        let again = w.run(sign).ok();
        // What left before the crash is what leaves now: masks and answer.
        assert!(again.starts_with(&w.read("killed")), "{part}");
        assert_eq!(armor::from_text(&again).unwrap().len(), 2, "{part}");
        assert_eq!(w.run(sign).ok(), again, "{part}");
        if part % 4 == 0 {
            w.write("south", &again);
            finish(&w);
        }
    }
}

/// North has south's letters: the answer is the same however often it is asked for, and is paid.
fn finish(w: &World) {
    let sign = "sign asked south --yes --out answer";
    let last = step(w, "north", sign).ok();
    let answer = w.read("answer");
    assert_eq!((step(w, "north", sign).ok(), w.read("answer")), (last, answer));
    w.run("wallet finalize answer --submit --wallet alice").ok();
    w.run("chain seal --wallet alice").ok();
    assert_eq!(MEMBERS.map(|name| total(w, name)), ["1000000000"; 3].map(str::to_owned));
}

/// A letter in its author's name, with another byte in its body.
fn forged(w: &World, text: &str, (name, which): (&str, Step)) -> String {
    let identity = Identity::from_secret_text(&w.read(&format!("{name}.key"))).unwrap();
    let letters = armor::from_text(text).unwrap();
    let forge = |bytes: &Vec<u8>| {
        let letter = Letter::from_bytes(bytes).unwrap();
        if letter.heading().step != which {
            return bytes.clone();
        }
        let mut bytes = bytes.clone();
        // Prefix, group, session, step, sender, before; then the length of the body.
        bytes["sotto keys letter v1".len() + 32 + 32 + 1 + 1 + 32 + 4] ^= 1;
        let end = bytes.len() - 64;
        let signature = identity.sign(Context::new("sotto keys letter v1"), &bytes[..end]);
        bytes[end..].copy_from_slice(&signature);
        bytes
    };
    letters.iter().map(|(kind, bytes)| armor::to_text(*kind, &forge(bytes))).collect()
}

#[test]
fn bad_letters_are_refused_and_a_liar_is_named() {
    let w = made();
    invite(&w, "1");
    let asked = step(&w, "north", "receive invite --with 1 2 --yes").ok();
    w.write("asked", &asked);
    // Cut, altered, empty; without the letter that asks; of another kind of session; too few members.
    w.write("cut", &asked[..asked.len() / 2]);
    assert!(step(&w, "south", "sign cut --yes").fails(1).contains("cut off"));
    w.write("altered", &asked.replacen("0", "1", 1));
    step(&w, "south", "sign altered --yes").fails(1);
    w.write("empty", "");
    step(&w, "south", "sign empty --yes").fails(1);
    let masked = &asked[asked.rfind("BEGIN").unwrap()..];
    w.write("masked", masked);
    assert!(step(&w, "west", "sign masked --yes").fails(1).contains("the letter that asks is missing"));
    w.shell("sotto keys drill --key north.key --group north.group > drill").ok();
    assert!(step(&w, "south", "sign drill --yes").fails(1).contains("the letter that asks is missing"));
    assert!(step(&w, "south", "sign asked drill --yes").fails(1).contains("more than one session"));
    assert!(
        step(&w, "north", "receive invite --again --with 1 --yes").fails(1).contains("2 must act together")
    );
    assert!(step(&w, "north", "receive invite --again --with 1 9 --yes").fails(2).contains("no member 9"));
    // Nothing leaves without a terminal to consent on.
    let said = step(&w, "south", "sign asked");
    assert!(said.out.is_empty() && said.fails(4).contains("no terminal"));
    // Twice from one member, with different words: evidence, and the session is over.
    w.write("twice", &forged(&w, masked, ("north", Step::Masked)));
    let said = step(&w, "south", "sign asked twice --yes");
    assert!(said.out.contains("SOTTO KEYS EVIDENCE"));
    assert!(said.fails(1).contains("member 1 said different things"));

    // A liar: member 2's answer is another number than its shares give.
    let w = made();
    invite(&w, "1");
    w.write("asked", &step(&w, "north", "receive invite --with 1 2 --yes").ok());
    let south = step(&w, "south", "sign asked --yes").ok();
    w.write("south", &forged(&w, &south, ("south", Step::Answered)));
    let said = step(&w, "north", "sign asked south --yes --out answer");
    assert!(said.fails(1).contains("member 2 sent a false answer"));
    assert!(!w.path("answer").exists(), "nothing false leaves");
    let status = w.run("wallet group status --wallet north --json").ok();
    assert!(!status.contains("\"kind\":\"receive\""), "the session is over: {status}");
    // The others go on without it, with other keys.
    w.write("again", &step(&w, "north", "receive invite --with 1 3 --yes").ok());
    let west = step(&w, "west", "sign again --yes").ok();
    w.write("west", &west);
    step(&w, "north", "sign again west --yes --out answer").ok();
    w.run("wallet finalize answer --submit --wallet alice").ok();
    w.run("chain seal --wallet alice").ok();
    assert_eq!(total(&w, "south"), "1000000000");
    // Replayed after the session is complete: the same again, and nothing new.
    assert!(step(&w, "west", "sign again west --yes").ok().contains("LETTER"));
}

/// Two payments of one invoice spend one output, so that the receiver can collect one of them.
#[test]
fn an_invoice_is_not_paid_twice() {
    let w = made();
    received(&w, "1");
    w.shell("sotto wallet invoice 0.5 --wallet bob > invoice && cp data/wallets/north before").ok();
    let pay = "pay invoice --with 1 2";
    let spends = |w: &World, pay: &str| {
        record(&step(w, "north", &format!("{pay} --dry-run --json")).ok())["spends"].clone()
    };
    let first = spends(&w, pay);
    let asked = step(&w, "north", &format!("{pay} --yes")).ok();
    w.write("asked", &asked);
    step(&w, "south", "sign asked --yes").ok();
    assert_eq!(step(&w, "north", &format!("{pay} --yes")).ok(), asked, "asked again, it is the same session");
    // A larger output comes, which a new payment would spend.
    received(&w, "2");
    let other = "pay invoice --again --with 2 3";
    assert_eq!(spends(&w, other), first, "it spends the same one");
    let good = w.copy();
    good.write("other", &step(&good, "north", &format!("{other} --yes")).ok());
    step(&good, "south", "sign other --yes").ok();
    // North's wallet forgets the first plan, and asks for another payment: south has not forgotten.
    w.shell("cp before data/wallets/north").ok();
    assert_ne!(spends(&w, other), first);
    w.write("other", &step(&w, "north", &format!("{other} --yes")).ok());
    assert!(step(&w, "south", "sign other --yes").fails(1).contains("both could be made"));
}

/// Where auditors read amounts a group owns money as elsewhere, and each member is asked before it joins.
#[test]
fn a_group_owns_money_where_auditors_read_amounts() {
    let w = World::settled();
    MEMBERS.iter().for_each(|name| drop(w.run(&format!("mpc keygen {name}")).ok()));
    w.audited();
    let info = record(&w.run("chain info --json --dir audited").ok());
    w.group_of(&format!("--purpose coin --chain {}", info["chain_id"].as_str().unwrap()));
    let unasked = w.run("wallet init --group north.group --key north.key --wallet north --dir audited");
    assert!(unasked.err.contains("this chain has auditors who can read all amounts"), "{unasked:?}");
    assert!(unasked.fails(4).contains("--accept-audit"));
    let script = r#"
        export SOTTO_DIR=audited
        north="--group north.group --key north.key --wallet north"
        south="--group south.group --key south.key --wallet south"
        sotto wallet init $north --accept-audit > view.letter
        sotto wallet init view.letter $south --accept-audit
        sotto wallet send --interactive 5 --to $(sotto wallet address --wallet north) --yes --wallet alice > invite
        sotto wallet group receive invite --with 1 2 $north --yes > letters
        sotto wallet group sign letters $south --yes > south.letters
        sotto wallet group sign letters south.letters $north --yes --out answer
        sotto wallet finalize answer --submit --wallet alice
        sotto chain seal --wallet alice
        sotto wallet balance --wallet south --json > balance
    "#;
    w.shell(&format!("set -e\n{script}")).ok();
    assert_eq!(record(&w.read("balance"))["total"], "5000000000");
}
