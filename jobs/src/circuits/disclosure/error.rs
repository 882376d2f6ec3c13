//! Why a result cannot have what a job declares of it.

/// Why a result cannot have what is declared of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DisclosureError {
    /// Only a source's result has these.
    #[error("only the `result` of a source has `minimum`, `round` and `rows`")]
    NoResult,
    /// There is none of this name.
    #[error("the result has no column \"{0}\"")]
    NoColumn(String),
    /// One of this name is an array.
    #[error(
        "the result has no column \"{0}\", but arrays: \"{1}\" names each place of them, and with a number in the brackets one"
    )]
    Array(String, String),
    /// A least number for the places of arrays leaves others out.
    #[error(
        "no `minimum` is about \"{0}\", which would be shown of any group: name a count of its own, or of the row, or leave it out of the result"
    )]
    Uncovered(String),
    /// Not a count.
    #[error("\"{0}\" is not a column of whole numbers without decimals, so it counts nothing")]
    NoCount(String),
    /// A least number that is no limit, or that nothing reaches.
    #[error("the least \"{0}\" is 1 to {1}")]
    Least(String, i128),
    /// Not a number.
    #[error("\"{0}\" is not a column of numbers, so it cannot be rounded")]
    NoNumber(String),
    /// A step that changes nothing, or leaves nothing.
    #[error("the step of \"{0}\" is 2 to {1}, in units of its last decimal")]
    Step(String, i128),
    /// Another number of names than rows.
    #[error("`rows` has {names} names, and the result has {rows} rows: give each its name")]
    Names {
        /// Names.
        names: usize,
        /// Rows.
        rows: usize,
    },
    /// A column that is there already.
    #[error(
        "the result has a column \"{0}\", which is the name of one that is put before it: name it otherwise"
    )]
    Taken(String),
}
