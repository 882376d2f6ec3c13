//! Chains whose auditors read amounts, with real processes: joining shows the statement and asks, payments go through nodes,
//! and the page docs/AUDIT.md runs line by line.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use serde_json::Value;
use std::fs;

const PAGE: &str = include_str!("../../docs/AUDIT.md");

/// The lines of the page that a reader types.
fn typed() -> String {
    let blocks = PAGE.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    blocks.map(|(block, _)| block).collect()
}

#[test]
fn the_page_runs_as_it_is_printed() {
    let world = World::empty();
    let script = typed();
    assert!(script.contains("audit answer") && script.contains("audit watch"), "{script}");
    let said = world.shell(&format!("set -e\n{script}"));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("auditors  ") && said.out.contains("can read all amounts"), "{said:?}");
    // What the court read: the payment, its change and the reward, which is 6 SOT and the fee.
    let read = |line: &&str| line.ends_with(" of block 5") && !line.starts_with("output ");
    let amounts: Vec<&str> = said.out.lines().filter(read).collect();
    assert_eq!(amounts.len(), 3, "{said:?}");
    assert!(amounts.iter().any(|line| line.trim().starts_with("1.5 SOT ")), "{amounts:?}");
    // Bob sees that the payment to him was read, by whom and why.
    for text in ["reason    order 12/26", "on record since block 6", "yours     "] {
        assert!(said.out.contains(text), "no {text}: {said:?}");
    }
    assert_eq!(said.out.matches("yours     ").count(), 1, "one output of block 5 is bob's: {said:?}");
    // One answer opens nothing, and a stranger reads nothing with two.
    let one =
        world.run("audit read noted north.answer --charter charter --group north.group --key court.key");
    assert!(one.fails(1).contains("1 good answers, and 2 are needed"));
    let stranger =
        "audit read noted north.answer south.answer --charter charter --group north.group --key alice.key";
    assert!(world.run(stranger).fails(1).contains("another reader"));
    // The scan says so, and the file that was handed out says the same as the node.
    assert!(said.err.contains("Auditors have opened the amounts of 1 of this wallet's outputs"), "{said:?}");
    assert!(said.out.contains("answers   of members 1, 2, as the reader says"), "{said:?}");
    let [by_node, by_file] = ["", "handed-out --charter charter"]
        .map(|letters| world.run(&format!("audit watch {letters} --wallet bob")).ok());
    assert_eq!(by_node, by_file);
    // The same answer again, and one entry in the log.
    let again = "audit answer noted --charter charter --group north.group --key north.key --yes";
    assert_eq!(world.run(again).ok(), world.read("north.answer"));
    let log = world.run("audit log --group north.group --key north.key --json").ok();
    let entry: Value = serde_json::from_str(log.trim()).unwrap();
    assert_eq!(
        (&entry["type"], &entry["outputs"], &entry["member"]),
        (&"audit-log".into(), &3.into(), &1.into())
    );
    assert!(said.out.contains("sell 0.5 SOT: claimed"), "{said:?}");
    older_log(&world);
    through_nodes(&world);
    one_of_two(&world);
    refusals(&world);
}

/// A log from a backup lacks what the reader has on record.
fn older_log(world: &World) {
    let answer = "audit answer noted --charter charter --group south.group --key south.key --yes";
    world.shell("log=$(grep -l . state/keys/*/audit/*); mkdir kept; cp --parents $log kept; rm $log").ok();
    let refused = world.run(answer);
    assert!(refused.err.contains("--accept-older-log"), "{refused:?}");
    assert!(refused.fails(1).contains("1 answers of member 2 on record that it does not have"));
    // Member 3 has not answered, and no record says that it has.
    world.run("audit answer noted --charter charter --group west.group --key west.key --yes").ok();
    assert_ne!(world.run(&format!("{answer} --accept-older-log")).ok(), world.read("south.answer"));
    world.shell("rm state/keys/*/audit/*; cp -r kept/state .").ok();
    assert_eq!(world.run(answer).ok(), world.read("south.answer"));
}

/// What is handed to one node reaches a wallet that asks another, which has begun without it.
fn through_nodes(world: &World) {
    let open = "sotto audit open recorded --charter charter --group north.group --key north.key";
    let script = format!(
        r#"
        trap 'kill $(jobs -p) 2> kills || true' EXIT
        started() {{ for i in $(seq 600); do [ -s $1/node/rpc.token ] && return; sleep 0.1; done; return 1; }}
        rm data/chain/requests
        sotto chain export snapshot
        sotto chain import snapshot --dir copy --accept-audit
        sotto node run --listen 127.0.0.1:0 > one 2> one.log & started data
        listen=$(sotto node status --json | sed 's/.*"listen":"\([^"]*\)".*/\1/')
        key=$(sotto node status --json | sed 's/.*"key":"\(sottokey[^"]*\)".*/\1/')
        sotto node run --dir copy --connect $key@$listen > two 2> two.log & started copy
        sotto audit watch --wallet bob --node copy > before
        {open} > opened
        known() {{ for i in $(seq 300); do sotto audit watch --wallet bob --node copy > after; grep -q yours after && return; sleep 0.2; done; return 1; }}
        known
        {open} > again
        sotto node stop --dir copy; sotto node stop; wait
        "#
    );
    let said = world.shell(&format!("set -e\n{script}"));
    let logs = world.shell("tail -5 one.log two.log").out;
    assert_eq!(said.code, 0, "{said:?}\n{logs}");
    assert_eq!(world.read("before"), "");
    assert_eq!(world.read("after").matches("yours     ").count(), 1, "{}", world.read("after"));
    assert!(world.read("after").contains("reason    order 12/26"));
    assert_eq!(
        (world.read("opened"), world.read("again")),
        (world.read("handed-out"), world.read("handed-out"))
    );
    // It is there when no node runs, and pruned blocks leave it alone.
    world.run("chain prune --yes --dir copy").ok();
    world.shell("cp -r data/wallets copy").ok();
    for folder in ["data", "copy"] {
        let watch = world.run(&format!("audit watch --wallet bob --dir {folder}"));
        assert_eq!(watch.ok(), world.read("after"), "{folder}");
    }
    assert!(world.path("copy/chain/requests").exists());
}

/// Two chains that part: on one the first request of the log is not on record. The second is handed out all the same.
fn one_of_two(world: &World) {
    let block =
        r#"sotto chain block 4 --json | grep -o '"commitment":"[0-9a-f]*"' | sed 's/.*:"/4:/; s/"//'"#;
    let script = format!(
        r#"
        flags="--charter charter"; north="--group north.group --key north.key"
        cp -r data early
        noted() {{
            sotto audit request $({block} | tail -1) $flags --reader court.pub --case $1 --reason "order $1" | cat > asked-$1
            sotto audit sign asked-$1 $flags --key court.key --yes > allowed-$1
            sotto audit notice allowed-$1 $flags --wallet alice --yes > noted-$1
            sotto chain seal --blocks 5 --wallet alice
            sotto audit answer noted-$1 $flags $north --yes > answer-$1
        }}
        noted 13
        export SOTTO_DIR=early
        noted 14
        sotto audit open $flags $north > both || echo $? > code
        "#
    );
    let said = world.shell(&format!("set -e\n{script}"));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("is left: the request is refused: no block of the chain has a notice"),
        "{said:?}"
    );
    assert!(said.err.contains("1 requests were not handed out"), "{said:?}");
    assert_eq!(world.read("code").trim(), "1");
    let watch = world.run("audit watch --wallet alice --dir early").ok();
    assert!(
        watch.contains("order 12/26") && watch.contains("order 14") && !watch.contains("order 13"),
        "{watch}"
    );
    world.run("chain prune --yes --dir early").ok();
    assert_eq!(world.run("audit watch --wallet alice --dir early").ok(), watch, "of pruned blocks too");
    // A group that is not this chain's hands nothing out and lists nothing.
    world.shell("mkdir theirs; mv *.group *.share theirs").ok();
    world.group_of("--purpose audit");
    for verb in ["open --charter charter", "log"] {
        let other = world.run(&format!("audit {verb} --group board.group --key north.key"));
        assert!(other.fails(1).contains("is another group than the auditors of this chain"), "{verb}");
    }
    world.shell("mv -f theirs/* .").ok();
}

/// What auditors do not answer.
fn refusals(world: &World) {
    let answer = |file: &str, charter: &str| {
        let files = "--group west.group --key west.key --yes";
        world.run(&format!("audit answer {file} --charter {charter} {files}")).fails(1)
    };
    assert!(
        answer("asked", "charter")
            .contains("0 authorities of the charter have signed the request, and 1 are needed")
    );
    assert!(answer("allowed", "charter").contains("no block of the chain has a notice of this request"));
    world.write("lax", &world.read("charter").replace("outputs 4", "outputs 64"));
    assert!(answer("noted", "lax").contains("the charter is not that of this chain"));
    world.shell("sed 's/sotto audit charter/sotto charter/' charter > odd").ok();
    assert!(answer("noted", "odd").contains("is not a charter"));
    assert!(
        world
            .run("audit sign asked --charter charter --key alice.key --yes")
            .fails(1)
            .contains("does not name")
    );
    let elsewhere =
        "audit request 4:$(printf '07%.0s' {1..32}) --charter charter --reader court.pub --case x --reason y";
    assert!(world.run(elsewhere).fails(1).contains("does not have the output"));
    several(world);
    // A log that was changed is not written on.
    let log = world.shell("ls state/keys/*/audit/* | head -1").ok();
    let path = world.path(log.trim());
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 40;
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let said = world
        .shell("for who in north south; do sotto audit log --group $who.group --key $who.key || true; done");
    assert!(said.err.contains("an entry was changed or taken out"), "{said:?}");
}

/// A command takes the letters of one request, and so many of them.
fn several(world: &World) {
    let block =
        r#"sotto chain block 5 --json | grep -o '"commitment":"[0-9a-f]*"' | sed 's/.*:"/5:/; s/"//'"#;
    let ask = "--charter charter --reader court.pub --case x --reason y > other";
    world.shell(&format!("sotto audit request $({block} | tail -1) {ask}")).ok();
    let sign = |letters: &str| {
        world.run(&format!("audit sign {letters} --charter charter --key court.key --yes")).fails(1)
    };
    assert!(sign("asked other").contains("more than one request"));
    assert!(sign("$(printf 'asked %.0s' {1..65})").contains("more than 64 letters"));
}

#[test]
fn joining_shows_the_statement_and_asks() {
    let w = World::empty();
    w.shell("for who in north south west; do sotto mpc keygen $who; done").ok();
    w.group_of("--purpose audit");
    w.run("audit charter --auditors board.group --authority north.pub > charter").ok();
    let init = "chain init --auditors board.group --charter charter";
    // A charter of other auditors, a group for something else, one without the other.
    w.shell("sed \"s/^auditors .*/auditors $(printf 'e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76')/\" charter > other").ok();
    assert!(
        w.run("chain init --auditors board.group --charter other").fails(1).contains("for other auditors")
    );
    assert!(w.run("chain init --auditors board.group").fails(2).contains("--charter"));
    w.run(init).ok();
    w.run("wallet init --wallet miner --words-file miner.words --accept-audit").ok();
    w.run("chain seal --blocks 3 --wallet miner").ok();
    w.run("chain export snapshot").ok();
    w.run("wallet view-key export --wallet miner > miner.view").ok();
    for (verb, made) in [
        ("chain join data/chain/genesis --dir copy", "copy/chain"),
        ("chain import snapshot --dir copy", "copy/chain"),
        ("wallet init --wallet new --words-file new.words", "data/wallets/new"),
        ("wallet restore --wallet new --words-file miner.words", "data/wallets/new"),
        ("wallet view-key import miner.view --wallet new", "data/wallets/new"),
    ] {
        let refused = w.run(verb);
        assert!(
            refused.err.contains("this chain has auditors who can read all amounts"),
            "{verb}: {refused:?}"
        );
        assert!(refused.err.contains("A party that breaks discrete logarithms"), "{verb}: {refused:?}");
        assert!(refused.fails(4).contains("--accept-audit"), "{verb}");
        assert!(!w.path(made).exists(), "{verb} left something");
        let accepted = w.run(&format!("{verb} --accept-audit --quiet"));
        assert!(accepted.err.contains("can read all amounts"), "{verb}: {accepted:?}");
        accepted.ok();
        w.shell(&format!("rm -rf copy data/wallets/new* new.words; [ ! -e {made} ]")).ok();
    }
    for (verb, line) in [("chain info", true), ("wallet balance --wallet miner", true)] {
        let key: Value = serde_json::from_str(&w.run(&format!("{verb} --json")).ok()).unwrap();
        assert!(key["auditors"]["key"].is_string(), "{verb}");
        assert_eq!(w.run(verb).ok().contains("can read all amounts; charter"), line, "{verb}");
    }
}

/// Two nodes in folders of their own; wallets that know the chain through them.
#[test]
fn wallets_pay_through_nodes() {
    let w = World::empty();
    w.shell("for who in north south west; do sotto mpc keygen $who; done").ok();
    w.group_of("--purpose audit");
    w.run("audit charter --auditors board.group --authority north.pub > charter").ok();
    w.run("chain init --auditors board.group --charter charter --maturity 1").ok();
    w.run("chain join data/chain/genesis --dir copy --accept-audit").ok();
    w.run("wallet init --wallet alice --words-file alice.words --accept-audit").ok();
    w.run("chain seal --blocks 4 --wallet alice").ok();
    for dir in ["data", "copy"] {
        // An embargo has no upper bound: with short hops and many diffusers its mean is one second.
        let dandelion = "[dandelion]\nfluff = 0.4\nhop_ms = 16\nearly = 0.1\nepoch = 60\n";
        fs::create_dir_all(w.path(dir).join("node")).unwrap();
        w.write(&format!("{dir}/node/config.toml"), dandelion);
    }
    let script = r#"
        trap 'kill $(jobs -p) 2> kills || true' EXIT
        started() { for i in $(seq 600); do [ -s $1/node/rpc.token ] && return; sleep 0.1; done; return 1; }
        sotto node run --seal --every 1 --wallet alice --listen 127.0.0.1:0 > one 2> one.log & started data
        listen=$(sotto node status --json | sed 's/.*"listen":"\([^"]*\)".*/\1/')
        key=$(sotto node status --json | sed 's/.*"key":"\(sottokey[^"]*\)".*/\1/')
        sotto node run --dir copy --connect $key@$listen > two 2> two.log & started copy
        sotto wallet init --wallet bob --words-file bob.words --dir bobs --node copy --accept-audit
        to=$(sotto wallet address --wallet bob --dir bobs)
        sotto wallet send 1.25 --to $to --yes --wallet alice --node data
        found() { for i in $(seq 600); do sotto wallet balance --wallet bob --dir bobs --node copy --json | grep -q "\"spendable\":\"$1\"" && return; sleep 0.3; done; return 1; }
        found 1250000000
        sotto wallet send 0.25 --interactive --to $to --yes --wallet alice --node data \
            | sotto wallet receive - --yes --wallet bob --dir bobs --node copy \
            | sotto wallet finalize - --submit --wallet alice --node data
        found 1500000000
        sotto node status --dir copy
        sotto node stop --dir copy; sotto node stop; wait
    "#;
    let said = w.shell(&format!("set -e\n{script}"));
    let logs = w.shell("tail -5 one.log two.log").out;
    assert_eq!(said.code, 0, "{said:?}\n{logs}");
    assert!(said.out.contains("auditors  "), "node status: {said:?}");
    assert!(w.run("chain audit").ok().contains("audit ok"));
    assert!(w.run("chain audit --dir copy").ok().contains("audit ok"));
}
