//! The exit codes.
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

use std::process::ExitCode;

/// The exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    Done = 0,
    Refused = 1,
    Usage = 2,
    Unreachable = 3,
    Declined = 4,
    NoResult = 5,
    Internal = 70,
    Interrupted = 130,
}

impl From<Code> for ExitCode {
    fn from(c: Code) -> Self {
        Self::from(c as u8)
    }
}
