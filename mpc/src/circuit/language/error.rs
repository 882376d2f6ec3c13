//! Why a source is no program, and where.

use garble_lang::CompileTimeError;
use garble_lang::check::TypeError;
use garble_lang::parse::ParseError;
use garble_lang::scan::ScanError;
use garble_lang::token::MetaInfo;

/// The largest accepted size of a source in bytes.
pub const MAX_SOURCE: usize = 1 << 16;

/// A place in a source, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The line.
    pub line: usize,
    /// The character of the line.
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

/// Why a source is no program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It is too long to be read.
    #[error("the source has {0} bytes, allowed are {max}", max = MAX_SOURCE)]
    TooLong(usize),
    /// Brackets are too deep, or comparisons in brackets too many.
    #[error("{0}: brackets are nested too deeply")]
    TooDeep(Location),
    /// The parser or the type checker refuses it.
    #[error("{location}: {message}")]
    Invalid {
        /// Where.
        location: Location,
        /// What they say.
        message: String,
    },
    /// It is valid, but does not become a circuit.
    #[error("{location}: {refusal}")]
    Refused {
        /// Where.
        location: Location,
        /// Why.
        refusal: Refusal,
    },
    /// There is nothing to compute.
    #[error("there is no `pub fn main` with parameters")]
    NoMain,
    /// A constant of the options is not one of the source, or the other way round.
    #[error("the constant {name} {problem}")]
    Constant {
        /// `PARTY::NAME`.
        name: String,
        /// What is wrong with it.
        problem: ConstantProblem,
    },
    /// The parser or the type checker failed: an error in them.
    #[error("the parser failed on this source")]
    Crashed,
}

/// What is wrong with a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstantProblem {
    /// The source needs it.
    #[error("is needed, and was not given")]
    Missing,
    /// The source has no use for it.
    #[error("was given, and is not used")]
    Unused,
    /// It is out of its type's range.
    #[error("does not fit its type")]
    Range,
}

/// Why a valid source does not become a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More gates than allowed.
    #[error("the circuit needs more than {0} gates")]
    TooManyGates(usize),
    /// It takes too long to make the circuit.
    #[error("loops and copies here are too much work")]
    TooMuchWork,
    /// A value is too large.
    #[error("a value here has more than {0} bits")]
    TooLarge(usize),
    /// A row of an input or of the result has too many numbers.
    #[error("more than {0} numbers in a row here: use an array of smaller elements as a parameter")]
    TooManyColumns(usize),
    /// A type contains itself.
    #[error("a type here contains itself")]
    Recursive,
    /// Number types that were not settled.
    #[error("the width of a number here is not settled: give literals a type, such as 5u8")]
    Width,
    /// An enum with fields comes in.
    #[error("an enum with fields cannot be an input: use a struct")]
    EnumInput,
    /// A constant expression has no value.
    #[error("a constant here is negative, too large, or of no number")]
    Constant,
    /// A construct without a lowering.
    #[error("this is not supported")]
    Unsupported,
}

/// A refusal at a place.
pub(super) fn refused(meta: MetaInfo, refusal: Refusal) -> CompileError {
    CompileError::Refused { location: meta.into(), refusal }
}

/// The first thing that the front end has to say.
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
    CompileError::Invalid { location: meta.into(), message }
}
