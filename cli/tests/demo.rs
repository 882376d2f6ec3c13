//! `sotto demo`: its results, its twelve lines, and that it fails when something is broken.

use crate::support::World;
use serde_json::Value;

#[test]
fn the_demo_agrees_with_known_figures() {
    let world = World::empty();
    let said = world.run("demo --json --dir kept").ok();
    let record: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!((record["v"].as_u64(), record["type"].as_str()), (Some(1), Some("demo")));
    assert_eq!(record["ok"], true);
    assert_eq!((&record["ledger"]["audit"], record["ledger"]["payments"].as_u64()), (&"ok".into(), Some(4)));
    let network = &record["ledger"]["network"];
    let right: Vec<u64> =
        network["spies_right"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    assert_eq!((network["nodes"].as_u64(), right.len()), (Some(5), 5));
    assert_eq!((network["validators"].as_u64(), network["killed"].as_u64()), (Some(4), Some(2)));
    // Three payments enter at node 1 and one at node 3; a node does not guess about its own.
    assert!(right[1] <= 1 && right[3] <= 3 && right.iter().all(|n| *n <= 4), "{right:?}");
    assert_eq!((&record["mpc"]["agrees"], record["mpc"]["rows"].as_u64()), (&true.into(), Some(569)));
    let all = record["mpc"]["measurements"].as_array().unwrap();
    assert_eq!(all.len(), 30);
    for (name, figures) in [
        ("mean radius", [141_910, 97_028_754, 56_868_760]),
        ("worst perimeter", [147_652, 103_416_022, 61_209_240]),
    ] {
        let m = all.iter().find(|m| m["name"] == name).unwrap();
        let found = ["two_u", "sum_v10_sq", "sum_v01_sq"].map(|k| m[k].as_u64().unwrap());
        assert_eq!(found, figures, "{name}");
    }
    // The other verbs can read the chain that was kept.
    assert!(world.run("chain audit --json --dir kept/ledger").ok().contains(r#""audit":"ok""#));
    world.run("demo --dir kept").fails(1);
}

/// Twelve lines by default, and every step with `--verbose`.
#[test]
fn the_demo_is_short_unless_details_are_asked_for() {
    let short = World::empty().run("demo").ok();
    assert!(short.lines().count() <= 12, "{short}");
    for part in ["PAY ", "Outsider", "COMPUTE", "AUC 0.9755", "All checks passed", "unaudited", "--verbose"] {
        assert!(short.contains(part), "{part}: {short}");
    }
    assert!(short.lines().all(|line| line.chars().count() <= 115), "{short}");
    let long = World::empty().run("demo --verbose").ok();
    for part in [
        "stem 1 → ",
        "Validator 2 is killed",
        "block 5 ",
        "  kernel ",
        "Cut-through: ",
        " 30  ",
        "ΣV10²",
        "All checks passed",
    ] {
        assert!(long.contains(part), "{part}: {long}");
    }
}

#[test]
fn the_demo_refuses_what_is_broken_on_purpose() {
    for (what, named) in [("inflate", "MW-R15"), ("table", "not authentic"), ("label", "altered")] {
        let said = World::empty().run(&format!("demo --sabotage {what}"));
        let why = said.fails(1);
        assert!(why.contains(named), "{what}: {why}");
    }
}

/// Three owners are paid and a buyer reads what it paid for; no process is left.
#[test]
fn a_result_is_sold_on_a_network_of_validators() {
    let world = World::empty();
    let said = world.run("demo sale --json --dir kept").ok();
    let record: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!((&record["type"], &record["ok"]), (&"demo-sale".into(), &true.into()));
    let paid: Vec<_> =
        record["paid"].as_array().unwrap().iter().map(|p| p["amount"].as_str().unwrap()).collect();
    assert_eq!(paid, ["2 SOT", "1.5 SOT and 0.25 SOT to begin", "1 SOT"]);
    assert_eq!(record["result"].as_array().unwrap().len(), 3);
    eprintln!("{} s", record["seconds"]);
    let kept = world.path("kept").display().to_string();
    let running = std::fs::read_dir("/proc").unwrap().flatten().filter(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&kept)
    });
    assert_eq!(running.count(), 0);
    // The price of the third was for the buyer alone.
    let [job, offer] = ["kept/job.toml", "kept/shop-3.offer"].map(|file| world.read(file));
    assert!(!job.contains("1000000000"));
    // In the hexadecimal of an offer, the price is one of these.
    for price in [1_000_000_000_u64.to_le_bytes(), 1_000_000_000_u64.to_be_bytes()] {
        let price: String = price.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!offer.contains(&price), "{price}");
    }
    let shown = world.run("mpc offer show kept/shop-3.offer").ok();
    assert!(shown.contains("Price    confidential"), "{shown}");
}
