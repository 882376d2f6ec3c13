//! `sotto speed`: the keys of its record, which are stable, and the order of magnitude of its figures.

use crate::support::World;
use serde_json::Value;

const KEYS: [&str; 6] =
    ["prove_us", "verify_us", "verify_batch256_us", "kernel_batch1024_us", "rewind_miss_us", "block1000_ms"];

/// The keys of joint computation, each with a lower bound for any machine.
const COMPUTATION: [(&str, f64); 14] = [
    ("garble_mands", 0.1),
    ("evaluate_mands", 0.1),
    ("halves_garble_mands", 0.1),
    ("halves_evaluate_mands", 0.1),
    ("aes_garble_mands", 0.1),
    ("aes_evaluate_mands", 0.1),
    ("twoparty_mands", 0.1),
    ("twoparty_bytes_per_and", 32.0),
    ("twoparty_lanes_mands", 0.1),
    ("malicious2_kands", 1.0),
    ("malicious2_bytes_per_and", 199.0),
    ("malicious3_kands", 0.1),
    ("cot_mops", 0.1),
    ("cot_bytes", 7.8),
];

#[test]
fn the_record_has_every_figure() {
    let said = World::empty().run("speed --threads 1 --lanes 2 --backend portable --json").ok();
    let record: Value = serde_json::from_str(&said).unwrap();
    for of in ["ledger_backend", "engine_backend"] {
        assert_eq!(record[of], "portable", "{said}");
    }
    assert_eq!((&record["v"], &record["type"], &record["threads"]), (&1.into(), &"speed".into(), &1.into()));
    assert_eq!(record["lanes"], 2, "{said}");
    let figures = KEYS.map(|k| record[k].as_f64().unwrap());
    assert!(figures.iter().all(|f| *f > 0.0), "{said}");
    assert!(COMPUTATION.iter().all(|(key, least)| record[key].as_f64() >= Some(*least)), "{said}");
    assert!(record["twoparty_bytes_per_and"].as_f64() < Some(32.5), "{said}");
    assert!(record["malicious2_bytes_per_and"].as_f64() < Some(200.1), "{said}");
    assert!(record["cot_bytes"].as_f64() < Some(7.95), "{said}");
}

#[test]
fn no_threads_and_no_lanes_are_usage_errors() {
    for wrong in ["--threads 0", "--lanes 0", "--lanes 65"] {
        World::empty().run(&format!("speed {wrong}")).fails(2);
    }
}

#[test]
fn an_unknown_backend_is_a_usage_error_that_lists_the_others() {
    let said = World::empty().run("speed --backend abacus").fails(2);
    assert!(said.contains("no back end `abacus`") && said.contains("the ledger has portable"), "{said}");
}
