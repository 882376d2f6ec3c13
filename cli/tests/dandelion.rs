//! `sotto dandelion simulate`: its record, its drawing, and the networks that it refuses.
#![allow(clippy::unwrap_used)]

use crate::support::World;
use serde_json::Value;

#[test]
fn the_record_has_the_published_figures_and_the_drawing_shows_them() {
    let world = World::empty();
    let line = "dandelion simulate --nodes 100 --spies 0.3 --seed 5 --json";
    let said = world.run(&format!("{line} --plot anonymity.svg")).ok();
    let record: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&record["v"], &record["type"]), (&1.into(), &"dandelion-simulate".into()));
    assert_eq!((&record["forwarding"], &record["fluff"]), (&"per-edge".into(), &0.0.into()));
    let figure = |key: &str| record[key].as_f64().unwrap();
    assert!((figure("precision") - 0.176).abs() <= 0.02 && figure("published_precision") == 0.176, "{said}");
    assert!((figure("recall") - 0.3).abs() <= 0.02, "{said}");
    let stem = &record["stem"];
    let payments: u64 = stem["hops"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!((payments, stem["payments"].as_u64()), (1_000, Some(1_000)));
    assert!(stem["cut_by_embargo"].as_f64() < Some(0.1), "{said}");
    let holes = &record["black_holes"];
    assert!(holes["intercepted"].as_u64() > Some(500) && holes["median_s"].as_f64() < Some(112.0), "{said}");

    let drawing = world.read("anonymity.svg");
    assert!(drawing.starts_with("<svg ") && drawing.ends_with("</svg>\n"));
    assert_eq!(drawing.matches("<polyline ").count(), 4, "precision and recall of two");
    assert_eq!(drawing.matches("<circle ").count(), 12, "ten published points and two in the legend");
    assert_eq!(world.run(line).ok(), said, "the same seed, the same figures");
}

#[test]
fn an_impossible_network_is_a_usage_error() {
    let world = World::empty();
    for numbers in [
        "--nodes 9",
        "--nodes 10001",
        "--spies 1",
        "--spies -0.1",
        "--spies nan",
        "--fluff 2",
        "--fluff 0.001",
    ] {
        let why = world.run(&format!("dandelion simulate {numbers}")).fails(2);
        assert!(why.contains("why:"), "{why}");
    }
    world.run("dandelion simulate --forwarding pigeon").fails(2);
    world.run("dandelion simulate --nodes 10 --plot missing/file.svg").fails(1);
}
