//! Loads the test vectors: JSON files, one a subject, that live beside this crate.

use std::path::PathBuf;

/// The folder of the vectors.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The vectors of a subject: the parsed contents of `<subject>.json`.
///
/// # Errors
/// When the file is missing or is not JSON.
pub fn load(subject: &str) -> std::io::Result<serde_json::Value> {
    let text = std::fs::read(folder().join(format!("{subject}.json")))?;
    serde_json::from_slice(&text).map_err(std::io::Error::from)
}
