//! The test vectors: one JSON file per subject, in the folder of this crate.
//!
//! Tests compare the files with the code's output; with `SOTTO_VECTORS=write` in the environment, the same tests write them:
//!
//! | `cargo test --release -p` | | files |
//! |---|---|---|
//! | `sotto-mw` | `--test vectors` | those of the ledger |
//! | `sotto-wallet` | `--lib encryption` | `encrypted_message.json` |
//! | `sotto-wallet` | `--test main group_wallet` | `group_coin.json`, `member_wallet.json` |
//! | `sotto-wallet` | `--test main levels` | `levels.json` |
//! | `sotto-jobs` | `--test main attestation` | `evidence.json` |
//! | `sotto-jobs` | `--test main computers` | `computers.json` |
//! | `sotto-jobs` | `--test main locks` | `locks.json` |
//! | `sotto-jobs` | `--test main sales` | `sales.json` |
//! | `sotto-keys` | `--test vectors`, `--test vault` | `keys.json`, `vault.json` |
//! | `sotto-node` | `--test group_messages` | `council.json` |
//! | `sotto-mpc` | `--test three_halves`, `--test lanes` | `three_halves.json`, `lanes.json` |
//!
//! `rfc9496.json` and `rfc9591.json`
//! are copies of the vectors in those documents. `check.py` verifies all files without this code. Numbers
//! that may exceed 2⁵³ are decimal strings; bytes are hexadecimal.

pub use serde_json::{Value, json};
use std::path::PathBuf;

/// The folder of the vectors.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The file of a subject.
#[must_use]
pub fn file(subject: &str) -> PathBuf {
    folder().join(format!("{subject}.json"))
}

/// The vectors of a subject: the parsed contents of `<subject>.json`.
///
/// # Errors
/// If the file is missing or is not JSON.
pub fn load(subject: &str) -> std::io::Result<Value> {
    let text = std::fs::read(file(subject))?;
    serde_json::from_slice(&text).map_err(std::io::Error::from)
}

/// The text of a subject's file: keys in order, each top-level key on its own line, and each item of a
/// top-level list.
#[must_use]
pub fn render(subject: &Value) -> String {
    let lines: Vec<String> = sorted(subject).into_iter().map(|(k, v)| format!(" {k}:{}", top(v))).collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

fn top(v: &Value) -> String {
    match v.as_array() {
        Some(items) => {
            let lines: Vec<String> = items.iter().map(|i| format!("  {}", compact(i))).collect();
            format!("[\n{}\n ]", lines.join(",\n"))
        }
        None => compact(v),
    }
}

/// One line with keys in order, whatever the features of the JSON crate.
fn compact(v: &Value) -> String {
    match v {
        Value::Object(_) => {
            let fields: Vec<String> =
                sorted(v).into_iter().map(|(k, v)| format!("{k}:{}", compact(v))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

/// An object's fields in the order of their keys, each key as JSON.
fn sorted(v: &Value) -> Vec<(String, &Value)> {
    let mut fields: Vec<_> = v.as_object().into_iter().flatten().collect();
    fields.sort_unstable_by_key(|(k, _)| k.as_str());
    fields.into_iter().map(|(k, v)| (Value::from(k.as_str()).to_string(), v)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rendered_reads_back_and_does_not_depend_on_order() {
        let v = json!({"b": [{"y": 1, "x": "ü\""}, 2], "a": {"k": [true, null]}});
        let text = "{\n \"a\":{\"k\":[true,null]},\n \"b\":[\n  {\"x\":\"ü\\\"\",\"y\":1},\n  2\n ]\n}\n";
        assert_eq!(render(&v), text);
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), v);
    }

    #[test]
    fn every_file_is_json() {
        let files = std::fs::read_dir(folder()).unwrap().map(|f| f.unwrap().path());
        let subjects = files.filter(|f| f.extension().is_some_and(|e| e == "json"));
        let all: Vec<_> = subjects.map(|f| load(f.file_stem().unwrap().to_str().unwrap()).unwrap()).collect();
        assert!(all.len() >= 2 && all.iter().all(Value::is_object));
    }
}
