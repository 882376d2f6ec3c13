//! `auc@1`: how well each of many measurements separates two classes of rows, over the rows of two input
//! parties.
//!
//! For a measurement, let `X` be its values in the `m` positive rows of both input parties and `Y` those in
//! the `n` negative rows. The area under the ROC curve is the Mann–Whitney statistic; with its variance after
//! DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988) it follows from three numbers,
//!
//! ```text
//! φ(x, y) = [x > y] + [x ≥ y]        V10_i = Σ_j φ(x_i, y_j)        V01_j = Σ_i φ(x_i, y_j)
//! 2U = Σ_i V10_i                     Σ_i V10_i²                     Σ_j V01_j²
//! ```
//!
//! which are all that comes out. An input party counts its own pairs in the clear and enters the counts with
//! its rows; the circuit compares the pairs across input parties, adds the counts, and squares.
//!
//! Cost for one measurement of `w` bits: `2w + 3` gates a pair across input parties, and little else. `φ`
//! shares the lowest bit of its two comparisons; sums are carry-save. Rows are processed about a thousand
//! pairs at a time, so memory does not grow with the number of pairs.
//!
//! Public: the schema, and how many rows of each class each input party has. The result itself tells each
//! input party something of the other's rows; with few rows it tells much. The engine does not limit that.

mod circuit;
mod multiparty;
mod schema;
mod statistics;
mod table;
mod two_party;

pub use multiparty::MultipartyAuc;
pub use schema::{Classes, Column};
pub use statistics::{Interval, Statistics, clear};
pub use table::{BREAST_CANCER, Table, TableError, TableErrorKind};
pub use two_party::{Auc, AucError};
