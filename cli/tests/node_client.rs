//! Wallets with `--node`: everything that works with a chain in a folder also works through a running node.

use crate::support::World;
use serde_json::Value;

/// Runs a shell line while a node runs in a folder, then stops the node.
fn beside(world: &World, dir: &str, line: &str) -> crate::support::Said {
    world.shell(&format!(
        "sotto node run --dir {dir} > started 2> log & node=$!
         until [ -s {dir}/node/rpc.token ] || ! kill -0 $node 2> /dev/null; do sleep 0.1; done
         ( {line} ); code=$?
         sotto node stop --dir {dir} > stopped && wait $node && exit $code"
    ))
}

/// Runs a shell line while a node seals a block per second for alice, then stops the node with `node stop`.
fn beside_a_node(world: &World, line: &str) -> crate::support::Said {
    world.shell(&format!(
        "sotto node run --seal --every 1 --wallet alice > started 2> log & node=$!
         until [ -s data/node/rpc.token ] || ! kill -0 $node 2> /dev/null; do sleep 0.1; done
         ( set -e; {line} ); code=$?
         sotto node stop > stopped && wait $node && exit $code"
    ))
}

#[test]
fn a_wallet_does_everything_through_a_node() {
    let w = World::settled();
    let said = beside_a_node(
        &w,
        "sotto wallet init --wallet carol --words-file carol.words --dir away --node data
         to=$(sotto wallet address --wallet carol --dir away)
         sotto wallet send --interactive 1000000u --to $to --yes --wallet alice --node data > invite.txt
         sotto wallet receive invite.txt --yes --wallet carol --dir away --node data > response.txt
         sotto wallet finalize response.txt --wallet alice --node data > transaction.txt 2> hint
         sotto chain submit transaction.txt --node data --json > submitted
         until sotto wallet balance --wallet carol --dir away --node data --json | grep -q '\"spendable\":\"1000000\"'; do sleep 0.3; done
         sotto wallet restore --words-file carol.words --wallet again --dir away --node data --json > restored
         session=$(sotto wallet slates --all --wallet alice --node data --json | sed -n 's/.*\"session\":\"\\([0-9a-f]*\\)\".*/\\1/p')
         sotto wallet proof export $session --wallet alice --node data > paid.proof
         sotto wallet proof verify paid.proof --node data
         sotto wallet consolidate --yes --wallet alice --node data --json > moved
         sotto wallet scan --full --wallet carol --dir away --node $(cat data/node/rpc.url) --token-file data/node/rpc.token
         sotto chain submit transaction.txt --node data > twice
         sotto wallet balance --wallet alice --wait 0 --json > beside
         sotto chain info 2> locked && exit 9 || [ $? = 1 ]
         sotto node status --json > status; sotto node peers --json > peers
         sotto node status",
    );
    let shown = said.ok();
    assert!(shown.contains("pending") && shown.contains(" outbound, "), "{shown}");
    assert!(shown.contains(", sealed 20") && shown.contains(" ago)"), "the age of the tip: {shown}");
    assert!(w.read("hint").contains("sotto chain submit --node data"), "{}", w.read("hint"));
    let json = |name: &str, line: usize| -> Value {
        serde_json::from_str(w.read(name).lines().nth(line).unwrap()).unwrap()
    };
    assert_eq!(json("submitted", 0)["type"], "submitted");
    assert_eq!(
        (&json("restored", 1)["found_amount"], &json("restored", 1)["own"]),
        (&"1000000".into(), &1.into())
    );
    assert_eq!(json("moved", 0)["kind"], "consolidation");
    assert!(json("status", 0)["height"].as_u64().unwrap() > 8);
    assert_eq!(w.read("peers"), "");
    assert!(w.read("twice").contains("already in block"), "{}", w.read("twice"));
    assert!(w.read("beside").contains("\"spendable\":"), "without --node: {}", w.read("beside"));
    assert!(w.read("locked").contains("--node"), "{}", w.read("locked"));
    // What the wallet stored through the node agrees with the chain in the folder.
    let scanned = w.run("wallet scan --wallet alice --json").ok();
    assert!(scanned.contains("\"found\":"), "{scanned}");
    assert!(!w.path("data/node/rpc.token").exists());
}

/// A node that shows an old chain, to have a payment made twice or a received one forgotten; and a chain that
/// really goes back.
#[test]
fn a_chain_older_than_what_was_seen_is_refused() {
    let w = World::settled();
    w.shell("mkdir old && cp -a data/chain data/operator.key old/").ok();
    w.shell(
        "sotto wallet send --interactive 1000000u --to $(cat bob.address) --yes --wallet alice | sotto wallet receive - --yes --wallet bob \
         | sotto wallet finalize - --wallet alice | sotto chain submit - && sotto chain seal --blocks 2 --wallet alice",
    )
    .ok();
    w.shell("sotto wallet view-key export --wallet bob | sotto wallet view-key import - --wallet watch").ok();
    let look = [
        "wallet balance --wallet alice",
        "wallet balance --wallet bob",
        "wallet view-key show --wallet watch",
    ];
    look.iter().for_each(|verb| drop(w.run(verb).ok()));
    let kept = "cat data/wallets/alice data/wallets/bob data/wallets/watch | sha256sum";
    let before = w.shell(kept).ok();
    let send = "wallet send --interactive 10000u --to $(cat bob.address) --yes --wallet alice";
    let verbs = ["wallet history --wallet bob", "wallet scan --full --wallet alice", send];
    for verb in look.iter().chain(&verbs) {
        let why = beside(&w, "old", &format!("sotto {verb} --node old")).fails(1);
        assert!(why.contains("ends at height 8, but this wallet has seen it at height 10"), "{verb}: {why}");
        assert!(why.contains("--accept-chain"), "{why}");
    }
    // An old copy of the chain in the folder is refused like an old node.
    w.shell("mv data/chain new && cp -a old/chain data/chain").ok();
    look.iter()
        .for_each(|verb| assert!(w.run(verb).fails(1).contains("older than what this wallet has seen")));
    assert_eq!(w.shell(kept).ok(), before);
    w.shell("rm -r data/chain && mv new data/chain").ok();
    w.run(look[0]).ok();

    // The operator seals other blocks on top of the old one: the wallet follows the reorganisation and warns
    // once.
    w.shell("cp -a data/wallets old/ && sotto chain seal --blocks 3 --wallet bob --dir old").ok();
    let said = beside(&w, "old", &format!("sotto {} --node old", look[0]));
    assert!(said.err.contains("warning: block 10 was ") && said.err.contains("evidence"), "{said:?}");
    said.ok();
    let said = beside(&w, "old", &format!("sotto {} --node old", look[0]));
    assert!(!said.err.contains("warning"), "{said:?}");

    // The user accepts a chain that goes back.
    w.run(look[0]).fails(1);
    for verb in ["wallet scan --wallet alice", "wallet view-key show --wallet watch"] {
        w.run(&format!("{verb} --accept-chain")).ok();
        w.run(verb).ok();
    }
}

#[test]
fn an_unreachable_node_has_another_exit_code_than_a_refusing_one() {
    let w = World::settled();
    for verb in ["node status", "node peers", "node stop", "wallet balance --wallet alice --node data"] {
        assert!(w.run(verb).fails(3).contains("no node runs in"), "{verb}");
    }
    w.shell("printf '%064d' 0 > token; chmod 600 token").ok();
    let at = |url: &str| w.run(&format!("node status --node {url} --token-file token"));
    assert!(at("http://127.0.0.1:1").fails(3).contains("no node answers"));
    assert!(at("http://192.0.2.1:80").fails(1).contains("on this machine"));
    w.shell("chmod 644 token").ok();
    assert!(at("http://127.0.0.1:1").fails(1).contains("other users can read the token"));
}
