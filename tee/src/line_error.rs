//! An error at a line of a file that people wrote.

use std::ops::Range;

use serde::de::DeserializeOwned;

/// Most bytes of a file that people write.
const MAX_TEXT: usize = 64 << 10;

/// The error in a policy file, and its line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LineError {
    /// From 1.
    pub line: usize,
    /// What, and what to do.
    pub what: String,
}

impl LineError {
    pub(crate) fn at(text: &str, span: &Range<usize>, what: impl Into<String>) -> Self {
        let line = text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1;
        Self { line, what: what.into() }
    }
}

/// The value of a file's text.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, LineError> {
    if text.len() > MAX_TEXT {
        return Err(LineError { line: 1, what: format!("the file is longer than {MAX_TEXT} bytes") });
    }
    toml::from_str(text).map_err(|e| LineError::at(text, &e.span().unwrap_or(0..0), e.message()))
}
