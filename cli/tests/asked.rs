//! Wallets whose chain is a running node's: everything that they do with a chain in a folder, they do through the node.

mod support;

use serde_json::Value;
use support::World;

/// Runs a line while a node seals a block a second for alice, and stops the node by its own verb.
fn beside_a_node(world: &World, line: &str) -> support::Said {
    world.shell(&format!(
        "sotto node run --seal --every 1 --wallet alice > started 2> log & node=$!
         until [ -s data/node/rpc.token ] || ! kill -0 $node 2> /dev/null; do sleep 0.1; done
         ( set -e; {line} ); code=$?
         sotto node stop > stopped && wait $node && exit $code"
    ))
}

#[test]
fn a_wallet_lives_through_a_node() {
    let w = World::settled();
    let said = beside_a_node(
        &w,
        "sotto wallet init --wallet carol --words-file carol.words --dir away --node data
         to=$(sotto wallet address --wallet carol --dir away)
         sotto wallet send 1000000 --to $to --yes --wallet alice --node data > invite.txt
         sotto wallet receive invite.txt --yes --wallet carol --dir away --node data > response.txt
         sotto wallet finalize response.txt --wallet alice --node data > transaction.txt
         sotto chain submit transaction.txt --node data --json > submitted
         until sotto wallet info --wallet carol --dir away --node data --json | grep -q '\"spendable\":\"1000000\"'; do sleep 0.3; done
         sotto wallet restore --words-file carol.words --wallet again --dir away --node data --json > restored
         session=$(sotto wallet slates --all --wallet alice --node data --json | sed -n 's/.*\"session\":\"\\([0-9a-f]*\\)\".*/\\1/p')
         sotto wallet proof export $session --wallet alice --node data > paid.proof
         sotto wallet proof verify paid.proof --node data
         sotto wallet consolidate --yes --wallet alice --node data --json > moved
         sotto wallet scan --full --wallet carol --dir away --node $(cat data/node/rpc.url) --token-file data/node/rpc.token
         sotto chain submit transaction.txt --node data 2> twice && exit 9 || [ $? = 1 ]
         sotto chain info 2> locked && exit 9 || [ $? = 1 ]
         sotto node status --json > status; sotto node peers --json > peers
         sotto node status",
    );
    let shown = said.ok();
    assert!(shown.contains("pending") && shown.contains("that it chose"), "{shown}");
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
    assert!(w.read("twice").contains("MW-R"), "{}", w.read("twice"));
    assert!(w.read("locked").contains("--node"), "{}", w.read("locked"));
    // What was kept through the node is what the chain in the folder says.
    let scanned = w.run("wallet scan --wallet alice --json").ok();
    assert!(scanned.contains("\"found\":"), "{scanned}");
    assert!(!w.path("data/node/rpc.token").exists());
}

#[test]
fn a_node_that_is_not_there_is_told_from_one_that_refuses() {
    let w = World::settled();
    for verb in ["node status", "node peers", "node stop", "wallet info --wallet alice --node data"] {
        assert!(w.run(verb).fails(3).contains("no node runs in"), "{verb}");
    }
    w.shell("printf '%064d' 0 > token; chmod 600 token").ok();
    let at = |url: &str| w.run(&format!("node status --node {url} --token-file token"));
    assert!(at("http://127.0.0.1:1").fails(3).contains("no node answers"));
    assert!(at("http://192.0.2.1:80").fails(1).contains("on this machine"));
    w.shell("chmod 644 token").ok();
    assert!(at("http://127.0.0.1:1").fails(1).contains("read by others"));
}
