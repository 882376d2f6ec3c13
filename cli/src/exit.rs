//! Exit codes, and the one form of an error: what happened, why, and what to do about it.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done (a closed pipe counts as done) |
//! | 1 | refused: invalid, insufficient, not found |
//! | 2 | usage |
//! | 3 | the node or another party cannot be reached |
//! | 4 | declined, or no terminal to ask on |
//! | 70 | internal error |
//! | 130 | interrupted |

use std::{fmt::Display, io, process::ExitCode};

/// The exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    Done = 0,
    Refused = 1,
    Usage = 2,
    Unreachable = 3,
    Declined = 4,
    Internal = 70,
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(c: Code) -> Self {
        Self::from(c as u8)
    }
}

/// An error for the user: what happened, why, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) what: String,
    pub(crate) why: Option<String>,
    pub(crate) help: Option<String>,
}

/// The result of every command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(code: Code, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), why: None, help: None }
    }

    pub(crate) fn refused(what: impl Into<String>) -> Self {
        Self::new(Code::Refused, what)
    }

    pub(crate) fn why(mut self, why: impl Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Turns an error of a library, which says why, into a [`Failure`], which also says what failed.
pub(crate) trait OrRefuse<T> {
    /// The error as a refusal: exit code 1.
    fn or_refuse(self, what: impl Into<String>) -> Outcome<T>;
}

impl<T, E: Display> OrRefuse<T> for Result<T, E> {
    fn or_refuse(self, what: impl Into<String>) -> Outcome<T> {
        self.map_err(|e| Failure::refused(what).why(e))
    }
}

/// The output could not be written: success if the reader closed the pipe, otherwise an error.
impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Code::Done, ""),
            _ => Self::refused("cannot write the output").why(e),
        }
    }
}
