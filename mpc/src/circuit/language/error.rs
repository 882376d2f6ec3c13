//! Errors of compilation, with their locations.

use garble_lang::CompileTimeError;
use garble_lang::check::TypeError;
use garble_lang::parse::ParseError;
use garble_lang::scan::ScanError;
use garble_lang::token::MetaInfo;

/// The largest accepted size of a source in bytes.
pub const MAX_SOURCE: usize = 1 << 16;

/// The largest number of tokens of a source.
pub const MAX_TOKENS: usize = 1 << 15;

/// The largest number of characters of a name.
pub const MAX_NAME: usize = 128;

/// The longest message of the front end, in characters; types in it can be very long.
const MAX_MESSAGE: usize = 1000;

/// A location in a source, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl From<MetaInfo> for Location {
    fn from(meta: MetaInfo) -> Self {
        let (line, column) = meta.start;
        Self { line: line + 1, column: column + 1 }
    }
}

impl core::fmt::Display for Location {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a source does not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The source is too long.
    #[error("the source has {0} bytes: at most {MAX_SOURCE} are allowed")]
    TooLong(usize),
    /// Brackets are nested too deeply, or contain too many comparisons.
    #[error("{0}: brackets are nested too deeply")]
    TooDeep(Location),
    /// The parser or the type checker rejects the source.
    #[error("{location}: {message}")]
    Invalid {
        /// The location.
        location: Location,
        /// Their message.
        message: String,
    },
    /// The source is valid, but cannot become a circuit.
    #[error("{location}: {refusal}")]
    Refused {
        /// The location.
        location: Location,
        /// The reason.
        refusal: Refusal,
    },
    /// The source has no `pub fn main` with parameters.
    #[error("expected a `pub fn main` with parameters")]
    NoMain,
    /// The constants of the options do not match those of the source.
    #[error("constant {name} {problem}")]
    Constant {
        /// `PARTY::NAME`.
        name: String,
        /// The error in it.
        problem: ConstantProblem,
    },
    /// The source consists of too many tokens.
    #[error("the source has more than {MAX_TOKENS} tokens")]
    TooManyTokens,
    /// A name is too long.
    #[error("{0}: a name has more than {MAX_NAME} characters")]
    LongName(Location),
    /// The compiler crashed on the source, which is a bug in it.
    #[error("the compiler crashed on this source")]
    Crashed,
    /// Compiling takes more memory than allowed.
    #[error("compiling this source takes more than {0} MB of memory")]
    TooMuchMemory(u64),
    /// Compiling takes longer than allowed.
    #[error("compiling this source takes more than {0} seconds")]
    TooMuchTime(u64),
    /// The program that uses this library has started no compiler.
    #[error("sources cannot be compiled here: this program has no compiler process")]
    NoCompiler,
    /// The compiler's process cannot be started or reached.
    #[error("the compiler's process cannot be used: {0}")]
    Unavailable(std::io::ErrorKind),
    /// The compiler's process is a program of another version.
    #[error("the compiler's process is of another version than this program ({})", super::COMPILER)]
    OtherVersion,
    /// The compiler's process answered something else than a circuit or an error.
    #[error("the compiler's process gave an invalid answer")]
    InvalidAnswer,
}

/// The error in a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstantProblem {
    /// The source needs it.
    #[error("is missing: the source needs it")]
    Missing,
    /// The source does not use it.
    #[error("is unknown: the source does not use it")]
    Unused,
    /// It is out of the range of its type.
    #[error("is out of the range of its type")]
    Range,
}

/// Why a valid source cannot become a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The circuit needs more gates than allowed.
    #[error(
        "the circuit needs more than {limit} gates{}: work on large tables in statements of `main`, in the forms that docs/JOBS.md shows, so that they are read row by row", estimated(*.about)
    )]
    TooManyGates {
        /// Allowed.
        limit: u64,
        /// About how many it needs, if the rounds of its loops are alike; 0 if that is not known.
        about: u64,
    },
    /// Lowering takes too much work.
    #[error(
        "loops and copies here need more than {limit} steps{}: work on large tables in statements of `main`, in the forms that docs/JOBS.md shows", estimated(*.about)
    )]
    TooMuchWork {
        /// Allowed.
        limit: u64,
        /// About how much it takes, if the rounds of its loops are alike; 0 if that is not known.
        about: u64,
    },
    /// A value is too large.
    #[error(
        "a value here has {found} bits, of at most {limit}: loop over a large table in `main`, as docs/JOBS.md shows, so that it is read row by row"
    )]
    TooLarge {
        /// Allowed.
        limit: u64,
        /// What it has.
        found: u64,
    },
    /// A row of an input or of the result has too many numbers.
    #[error("more than {0} numbers in a row here: use an array of smaller elements as a parameter")]
    TooManyColumns(usize),
    /// A type contains itself.
    #[error("a type here contains itself")]
    Recursive,
    /// The type of a number is ambiguous.
    #[error("the width of a number here is ambiguous: give literals a type, such as 5u8")]
    Width,
    /// A constant expression has no valid value.
    #[error("a constant here is negative, too large, or not a number")]
    Constant,
    /// The construct is not supported.
    #[error("this is not supported")]
    Unsupported,
}

/// About how much there would be.
fn estimated(n: u64) -> String {
    if n == 0 { String::new() } else { format!(", about {n} if all rounds of its loops are alike") }
}

/// The progress of a loop that is unrolled: what there was before it and before this round, of gates or of work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) begin: [u64; 2],
    pub(super) now: [u64; 2],
    /// The rounds done, and all rounds.
    pub(super) rounds: [u64; 2],
}

impl Progress {
    /// Estimates what all rounds would take, where one takes too much.
    pub(super) fn of_all(self, error: CompileError) -> CompileError {
        let CompileError::Refused { location, refusal } = error else { return error };
        let Self { begin, now, rounds: [done, all] } = self;
        let estimate = |kind: usize, limit: u64, about: u64| {
            let begin = begin.get(kind).copied().unwrap_or_default();
            let now = now.get(kind).copied().unwrap_or_default();
            // The rounds before, or else what this one would take.
            let (of, rounds) = if done > 0 { (now, done) } else { (about.max(limit), 1) };
            let round = u128::from(of.saturating_sub(begin)) * u128::from(all) / u128::from(rounds);
            u64::try_from(round + u128::from(begin)).unwrap_or(u64::MAX).max(about)
        };
        let refusal = match refusal {
            Refusal::TooManyGates { limit, about } => {
                Refusal::TooManyGates { limit, about: estimate(0, limit, about) }
            }
            Refusal::TooMuchWork { limit, about } => {
                Refusal::TooMuchWork { limit, about: estimate(1, limit, about) }
            }
            other => other,
        };
        CompileError::Refused { location, refusal }
    }
}

/// A value of more bits than allowed.
pub(super) fn too_large(meta: MetaInfo, limit: usize, found: usize) -> CompileError {
    refused(meta, Refusal::TooLarge { limit: limit as u64, found: found as u64 })
}

/// A refusal at a location.
pub(super) fn refused(meta: MetaInfo, refusal: Refusal) -> CompileError {
    CompileError::Refused { location: meta.into(), refusal }
}

/// The first error of the front end.
pub(super) fn invalid(error: &garble_lang::Error) -> CompileError {
    let (meta, message) = match error {
        garble_lang::Error::CompileTimeError(error) => match error {
            CompileTimeError::ScanErrors(errors) => {
                errors.first().map(|ScanError(e, meta)| (*meta, e.to_string())).unwrap_or_default()
            }
            CompileTimeError::ParseError(errors) => {
                errors.first().map(|ParseError(e, meta)| (*meta, e.to_string())).unwrap_or_default()
            }
            CompileTimeError::TypeError(errors) => {
                errors.first().map(|TypeError(e, meta)| (**meta, e.to_string())).unwrap_or_default()
            }
            CompileTimeError::CompilerError(errors) => {
                errors.first().map(|e| (MetaInfo::default(), e.to_string())).unwrap_or_default()
            }
        },
        error => (MetaInfo::default(), format!("{error:?}")),
    };
    CompileError::Invalid { location: meta.into(), message: printable(&message) }
}

/// A message without control characters, which could come from the source, and no longer than people read.
fn printable(message: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    message.chars().take(MAX_MESSAGE).map(shown).collect()
}
