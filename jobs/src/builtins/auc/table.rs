//! Rows of decimals in two classes, read by a public schema.
//!
//! The text is the data set's own format: a first line `rows,columns,positive class,negative class`, then for
//! each row its values and its class, `0` for the positive and `1` for the negative. A value is a decimal
//! without sign or exponent; it is scaled by the power of ten of its column and must fit the column's bits.
//! No floating point is involved, so all input parties scale alike.

use std::borrow::Cow;
use std::ops::Range;

use super::schema::{Classes, Column};

const fn column(name: &'static str, decimals: u32, bits: u32) -> Column {
    Column { name: Cow::Borrowed(name), decimals, bits }
}

/// The measurements of the Wisconsin Diagnostic Breast Cancer data set.
pub static BREAST_CANCER: [Column; 30] = [
    column("mean radius", 3, 15),
    column("mean texture", 2, 12),
    column("mean perimeter", 2, 15),
    column("mean area", 1, 15),
    column("mean smoothness", 5, 14),
    column("mean compactness", 5, 16),
    column("mean concavity", 7, 23),
    column("mean concave points", 6, 18),
    column("mean symmetry", 4, 12),
    column("mean fractal dimension", 5, 14),
    column("radius error", 4, 15),
    column("texture error", 4, 16),
    column("perimeter error", 4, 18),
    column("area error", 3, 20),
    column("smoothness error", 6, 15),
    column("compactness error", 6, 18),
    column("concavity error", 7, 22),
    column("concave points error", 6, 16),
    column("symmetry error", 6, 17),
    column("fractal dimension error", 7, 19),
    column("worst radius", 3, 16),
    column("worst texture", 2, 13),
    column("worst perimeter", 2, 15),
    column("worst area", 1, 16),
    column("worst smoothness", 5, 15),
    column("worst compactness", 5, 17),
    column("worst concavity", 6, 21),
    column("worst concave points", 6, 19),
    column("worst symmetry", 4, 13),
    column("worst fractal dimension", 5, 15),
];

/// What is wrong with a table, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct TableError {
    /// Line of the text, from 1.
    pub line: usize,
    /// Field of the line, from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: TableErrorKind,
}

/// What is wrong with a field of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableErrorKind {
    /// The first line does not say what follows.
    #[error("the first line must be: rows,columns,positive class,negative class")]
    Header,
    /// The columns are not those of the schema.
    #[error("the header announces other columns than the {expected} of the schema")]
    Columns {
        /// Columns of the schema.
        expected: usize,
    },
    /// The lines end early, or go on.
    #[error("the header announces {announced} rows, but there are {found}")]
    Rows {
        /// Rows that the header announces.
        announced: usize,
        /// Rows that are there.
        found: usize,
    },
    /// A row is too short or too long.
    #[error("a row must have {expected} fields: the values of the schema, then the class")]
    Fields {
        /// Fields of a row.
        expected: usize,
    },
    /// A value is missing or not a decimal number.
    #[error("a value must be digits, perhaps with a decimal point")]
    Decimal,
    /// A value is finer than its column.
    #[error("more than the {decimals} decimals of this column's schema")]
    TooFine {
        /// Decimals of the column.
        decimals: u32,
    },
    /// A value is too large for its column.
    #[error("too large for the {bits} bits of this column's schema")]
    TooLarge {
        /// Bits of the column.
        bits: u32,
    },
    /// A class is neither of the two.
    #[error("the class must be 0 (positive) or 1 (negative)")]
    Class,
}

/// The rows of one input party: scaled values in two classes.
#[derive(Clone, PartialEq, Eq)]
pub struct Table {
    columns: usize,
    /// Each row, and whether it is positive.
    rows: Vec<(bool, Vec<u32>)>,
    /// For each column the values of positive and of negative rows.
    values: Vec<(Vec<u32>, Vec<u32>)>,
}

/// Shows how much it is, and none of it.
impl core::fmt::Debug for Table {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Table({} rows, {} columns)", self.rows.len(), self.columns)
    }
}

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    /// With the place and what is wrong there.
    pub fn parse(text: &str, schema: &[Column]) -> Result<Self, TableError> {
        let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim_end()));
        let (_, header) = lines.next().unwrap_or((1, ""));
        let announced = parse_header(header, schema)?;
        let mut rows = Vec::new();
        for (line, text) in lines.filter(|(_, text)| !text.is_empty()) {
            rows.push(parse_row(line, text, schema)?);
        }
        if rows.len() != announced {
            let kind = TableErrorKind::Rows { announced, found: rows.len() };
            return Err(TableError { line: 1, column: 1, kind });
        }
        Ok(Self::new(schema.len(), rows))
    }

    fn new(columns: usize, rows: Vec<(bool, Vec<u32>)>) -> Self {
        let class = |i: usize, class: bool| {
            let rows = rows.iter().filter(|(positive, _)| *positive == class);
            rows.filter_map(|(_, values)| values.get(i).copied()).collect()
        };
        let values = (0..columns).map(|i| (class(i, true), class(i, false))).collect();
        Self { columns, rows, values }
    }

    /// The table of some of the rows, in the order of the text; `None` if there are not as many.
    #[must_use]
    pub fn part(&self, rows: Range<usize>) -> Option<Self> {
        Some(Self::new(self.columns, self.rows.get(rows)?.to_vec()))
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Measurements.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Rows of each class.
    #[must_use]
    pub fn classes(&self) -> Classes {
        let positive = self.rows.iter().filter(|(positive, _)| *positive).count();
        Classes { positive, negative: self.rows.len() - positive }
    }

    /// A column's values in the positive and in the negative rows.
    ///
    /// # Panics
    /// If there is no such column.
    #[must_use]
    pub fn column(&self, column: usize) -> (&[u32], &[u32]) {
        let (positive, negative) = &self.values[column];
        (positive, negative)
    }
}

/// The number of rows that the first line announces.
fn parse_header(text: &str, schema: &[Column]) -> Result<usize, TableError> {
    let error = |column, kind| TableError { line: 1, column, kind };
    let fields: Vec<&str> = text.split(',').collect();
    let [rows, columns, _, _] = fields[..] else { return Err(error(1, TableErrorKind::Header)) };
    let rows = rows.parse().map_err(|_| error(1, TableErrorKind::Header))?;
    let columns: usize = columns.parse().map_err(|_| error(2, TableErrorKind::Header))?;
    if columns != schema.len() {
        return Err(error(2, TableErrorKind::Columns { expected: schema.len() }));
    }
    Ok(rows)
}

fn parse_row(line: usize, text: &str, schema: &[Column]) -> Result<(bool, Vec<u32>), TableError> {
    let error = |column: usize, kind| TableError { line, column, kind };
    let fields: Vec<&str> = text.split(',').collect();
    let Some((class, values)) = fields.split_last().filter(|(_, values)| values.len() == schema.len()) else {
        let kind = TableErrorKind::Fields { expected: schema.len() + 1 };
        return Err(error(fields.len(), kind));
    };
    let positive = match class.trim() {
        "0" => true,
        "1" => false,
        _ => return Err(error(fields.len(), TableErrorKind::Class)),
    };
    let values = values.iter().zip(schema).enumerate();
    let scaled =
        values.map(|(i, (text, column))| scale(text.trim(), column).map_err(|kind| error(i + 1, kind)));
    Ok((positive, scaled.collect::<Result<_, _>>()?))
}

/// A decimal times `10^decimals`.
fn scale(text: &str, column: &Column) -> Result<u32, TableErrorKind> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(TableErrorKind::Decimal);
    }
    let fraction = fraction.trim_end_matches('0');
    let missing = (column.decimals as usize).checked_sub(fraction.len());
    let missing = missing.ok_or(TableErrorKind::TooFine { decimals: column.decimals })?;
    let too_large = TableErrorKind::TooLarge { bits: column.bits };
    let digits = whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', missing));
    let value = digits
        .map(|digit| u32::from(digit - b'0'))
        .try_fold(0u32, |value, digit| value.checked_mul(10).and_then(|value| value.checked_add(digit)));
    value.filter(|value| u64::from(*value) >> column.bits == 0).ok_or(too_large)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: [Column; 2] = [column("a", 2, 10), column("b", 0, 32)];

    #[test]
    fn decimals_are_scaled_exactly() {
        let table = Table::parse("3,2,yes,no\n1.5,4294967295,0\n10.23,0,1\n0.07,7,0\n", &SCHEMA).unwrap();
        assert_eq!(table.classes(), Classes { positive: 2, negative: 1 });
        assert_eq!(table.column(0), (&[150, 7][..], &[1023][..]));
        assert_eq!(table.column(1), (&[4294967295, 7][..], &[0][..]));
        let part = table.part(1..3).unwrap();
        assert_eq!(part.column(0), (&[7][..], &[1023][..]));
        assert_eq!(table.part(1..4), None);
    }

    #[test]
    fn every_error_names_its_place() {
        use TableErrorKind::{Class, Columns, Decimal, Fields, Header, Rows, TooFine, TooLarge};
        let cases = [
            ("", 1, 1, Header),
            ("x,2,a,b\n", 1, 1, Header),
            ("1,y,a,b\n", 1, 2, Header),
            ("1,3,a,b\n", 1, 2, Columns { expected: 2 }),
            ("2,2,a,b\n1,1,0\n", 1, 1, Rows { announced: 2, found: 1 }),
            ("1,2,a,b\n1,0\n", 2, 2, Fields { expected: 3 }),
            ("1,2,a,b\n1,1,1,0\n", 2, 4, Fields { expected: 3 }),
            ("1,2,a,b\n,1,0\n", 2, 1, Decimal),
            ("1,2,a,b\n-1,1,0\n", 2, 1, Decimal),
            ("1,2,a,b\n1e3,1,0\n", 2, 1, Decimal),
            ("1,2,a,b\n1.,1,0\n", 2, 1, Decimal),
            ("1,2,a,b\n1.234,1,0\n", 2, 1, TooFine { decimals: 2 }),
            ("1,2,a,b\n10.24,1,0\n", 2, 1, TooLarge { bits: 10 }),
            ("1,2,a,b\n1,4294967296,0\n", 2, 2, TooLarge { bits: 32 }),
            ("1,2,a,b\n1,99999999999999999999999,0\n", 2, 2, TooLarge { bits: 32 }),
            ("1,2,a,b\n1,1,2\n", 2, 3, Class),
            ("18446744073709551615,2,a,b\n", 1, 1, Rows { announced: usize::MAX, found: 0 }),
        ];
        for (text, line, column, kind) in cases {
            assert_eq!(Table::parse(text, &SCHEMA), Err(TableError { line, column, kind }), "{text}");
        }
    }
}
