//! Exit codes, and the one form of an error: what happened, why, and what to do about it.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done (a closed pipe counts as done) |
//! | 1 | refused: invalid, insufficient, not found |
//! | 2 | usage |
//! | 3 | the node or another party cannot be reached |
//! | 4 | declined, or no terminal to ask on |
//! | 5 | a joint computation ended and has no result |
//! | 70 | internal error |
//! | 130 | interrupted |

mod code;
mod error_code;

pub(crate) use code::Code;
pub(crate) use error_code::ErrorCode;

use core::{any::Any, fmt::Display};
use serde_json::{Value, json};
use std::io;

/// An error for the user: what happened, why, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    /// The same for programs.
    pub(crate) error: ErrorCode,
    pub(crate) what: String,
    pub(crate) why: Option<String>,
    pub(crate) help: Option<String>,
}

/// The result of every command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(code: Code, what: impl Into<String>) -> Self {
        Self { code, error: ErrorCode::of_exit(code), what: what.into(), why: None, help: None }
    }

    pub(crate) fn refused(what: impl Into<String>) -> Self {
        Self::new(Code::Refused, what)
    }

    /// A failure that programs can tell apart.
    pub(crate) fn coded(error: ErrorCode, what: impl Into<String>) -> Self {
        Self { error, ..Self::new(error.exit(), what) }
    }

    pub(crate) fn why(mut self, why: impl Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// The error of a library as the reason; it also says which [`ErrorCode`] this is.
    pub(crate) fn cause<E: Display + Any>(mut self, why: &E) -> Self {
        if let Some(error) = ErrorCode::of(why) {
            (self.error, self.code) = (error, error.exit());
        }
        self.why(why)
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The record that is printed under `--json`.
    pub(crate) fn record(&self) -> Value {
        json!({
            "v": 1, "type": "error", "code": self.error.as_str(), "exit": self.code as u8, "message": self.what,
            "why": self.why, "help": self.help,
        })
    }
}

/// Turns an error of a library, which says why, into a [`Failure`], which also says what failed.
pub(crate) trait OrRefuse<T> {
    /// The error as a refusal, with the code that it has for programs.
    fn or_refuse(self, what: impl Into<String>) -> Outcome<T>;
}

impl<T, E: Display + Any> OrRefuse<T> for Result<T, E> {
    fn or_refuse(self, what: impl Into<String>) -> Outcome<T> {
        self.map_err(|e| Failure::refused(what).cause(&e))
    }
}

/// The output could not be written: success if the reader closed the pipe, otherwise an error.
impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Code::Done, ""),
            _ => Self::coded(ErrorCode::CannotWrite, "cannot write the output").cause(&e),
        }
    }
}
