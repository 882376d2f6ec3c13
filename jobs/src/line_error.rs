//! An error at a line of a file that people wrote.

use std::ops::Range;

/// What is wrong with a job or policy file, and in which line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LineError {
    /// From 1.
    pub line: usize,
    /// What, and what to do.
    pub what: String,
}

/// The line in which a span begins, from 1.
pub(crate) fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1
}
