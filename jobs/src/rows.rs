//! Reading an input party's rows, CSV or JSON lines, against the schema in the job.
//!
//! A CSV file begins with a heading; a JSON line is an object. Columns are matched by name, in any order. A
//! column that is not in the schema, or that occurs twice, is an error. A number has at most as many decimals
//! as the schema, no exponent, and must be in range; it is parsed from its digits and never rounded, in JSON
//! as in CSV. An empty field, `null` or a missing member is an error unless the schema has a value for it.
//! **Errors name table, row and column, and never a value.**
//!
//! Memory is one row, plus what the program's local step keeps.

mod line;

use std::io::{BufRead, BufReader, Read};

use crate::job::{Column, Count, Table};
use crate::multiparty::{LocalStep, LocalStepError};
use line::{Written, members};

/// Longest JSON line, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a heading (RFC 4180).
    Csv,
    /// One JSON object a line.
    JsonLines,
}

impl Format {
    /// The format of a file's name: `.jsonl` and `.ndjson` are JSON lines, all others CSV.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let lines = [".jsonl", ".ndjson"].iter().any(|end| name.ends_with(end));
        if lines { Self::JsonLines } else { Self::Csv }
    }
}

/// What is wrong with an input party's rows.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// A field of a row.
    #[error("table {table}, row {row} (line {line}), column {column}: {what}")]
    Field {
        /// The table.
        table: String,
        /// The row, from 1, without the heading.
        row: u64,
        /// The line of the file.
        line: u64,
        /// The column.
        column: String,
        /// What is wrong.
        what: String,
    },
    /// A row as a whole, or the heading.
    #[error("table {table}, line {line}: {what}")]
    Line {
        /// The table.
        table: String,
        /// The line of the file.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// Another number of rows than was signed.
    #[error("table {table} has {given} rows, the job says {wanted}")]
    Count {
        /// The table.
        table: String,
        /// Rows of the file.
        given: u64,
        /// Rows of the job.
        wanted: String,
    },
    /// The program's own first step refuses.
    #[error(transparent)]
    LocalStep(#[from] LocalStepError),
}

/// Reads the tables of an input party, and hands each row to the program's local step; how many rows each
/// table has.
///
/// # Errors
/// The first field or line that does not fit, or a wrong number of rows.
pub fn read<R: Read>(
    tables: &[Table],
    files: impl IntoIterator<Item = (Format, R)>,
    local: &mut (impl LocalStep + ?Sized),
) -> Result<Vec<u64>, RowsError> {
    let mut rows = Vec::with_capacity(tables.len());
    for (i, (table, (format, file))) in tables.iter().zip(files).enumerate() {
        let mut given = 0;
        let mut take = |row: &[i128], line| {
            given += 1;
            // Not one row more than was signed is even looked at.
            if given > table.rows {
                return Err(count(table, given));
            }
            let what = |e: LocalStepError| RowsError::Line {
                table: table.name.to_string(),
                line,
                what: e.to_string(),
            };
            local.row(i, row).map_err(what)
        };
        match format {
            Format::Csv => read_csv(table, file, &mut take)?,
            Format::JsonLines => read_json(table, file, &mut take)?,
        }
        if table.count == Count::Exactly && given != table.rows {
            return Err(count(table, given));
        }
        rows.push(given);
    }
    Ok(rows)
}

fn count(table: &Table, given: u64) -> RowsError {
    let most = if table.count == Count::UpTo { "at most " } else { "exactly " };
    RowsError::Count { table: table.name.to_string(), given, wanted: format!("{most}{}", table.rows) }
}

fn read_csv(
    table: &Table,
    file: impl Read,
    take: &mut impl FnMut(&[i128], u64) -> Result<(), RowsError>,
) -> Result<(), RowsError> {
    let bad = |line, what: String| RowsError::Line { table: table.name.to_string(), line, what };
    let error = |e: csv::Error| bad(e.position().map_or(1, csv::Position::line), plain(&e));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let heading = reader.headers().map_err(error)?.clone();
    let order = order(table, heading.iter()).map_err(|what| bad(1, what))?;
    let (mut record, mut row) = (csv::StringRecord::new(), vec![0; table.columns.len()]);
    let mut number = 0;
    while reader.read_record(&mut record).map_err(error)? {
        number += 1;
        let line = record.position().map_or(0, csv::Position::line);
        for (field, column) in record.iter().zip(&order) {
            let Some((schema, cell)) = table.columns.get(*column).zip(row.get_mut(*column)) else { continue };
            *cell = self::field(schema, Some(field))
                .map_err(|what| field_error(table, schema, [number, line], what))?;
        }
        take(&row, line)?;
    }
    Ok(())
}

fn read_json(
    table: &Table,
    file: impl Read,
    take: &mut impl FnMut(&[i128], u64) -> Result<(), RowsError>,
) -> Result<(), RowsError> {
    let (mut file, mut text, mut line, mut number) = (BufReader::new(file), String::new(), 0, 0);
    let mut row = vec![0; table.columns.len()];
    loop {
        text.clear();
        line += 1;
        let bad = |what: String| RowsError::Line { table: table.name.to_string(), line, what };
        let read = (&mut file).take(MAX_LINE).read_line(&mut text).map_err(|e| bad(e.to_string()))?;
        if read == 0 {
            return Ok(());
        }
        if read as u64 == MAX_LINE {
            return Err(bad(format!("longer than {MAX_LINE} bytes")));
        }
        if text.trim().is_empty() {
            continue;
        }
        number += 1;
        let members =
            members(&text).ok_or_else(|| bad("not a JSON object of numbers and texts".to_owned()))?;
        order(table, members.iter().map(|(name, _)| name.as_str()).chain(absent(table, &members)))
            .map_err(&bad)?;
        for (schema, cell) in table.columns.iter().zip(&mut row) {
            let error = |what| field_error(table, schema, [number, line], what);
            let written = match members.iter().find(|(name, _)| *name == schema.name.as_str()) {
                None | Some((_, Written::Nothing)) => None,
                Some((_, Written::Text(text))) => Some(text.as_str()),
                Some((_, Written::Else)) => return Err(error("neither a number nor a text".to_owned())),
            };
            *cell = field(schema, written).map_err(error)?;
        }
        take(&row, line)?;
    }
}

/// Columns that a JSON object leaves out: whether they may be is decided field by field.
fn absent<'t>(table: &'t Table, members: &[(String, Written)]) -> impl Iterator<Item = &'t str> {
    let names = table.columns.iter().map(|column| column.name.as_str());
    names.filter(|name| members.iter().all(|(member, _)| member != name))
}

/// The place in the schema of each name; all must be there, once, and nothing else.
fn order<'n>(table: &Table, names: impl Iterator<Item = &'n str>) -> Result<Vec<usize>, String> {
    let mut order = Vec::with_capacity(table.columns.len());
    for name in names {
        let at = table.columns.iter().position(|column| column.name.as_str() == name);
        match at {
            None => return Err(format!("there is a column {name:?} that the job does not name")),
            Some(at) if order.contains(&at) => return Err(format!("the column {name:?} occurs twice")),
            Some(at) => order.push(at),
        }
    }
    let lacks = (0..table.columns.len()).find(|at| !order.contains(at)).and_then(|at| table.columns.get(at));
    lacks.map_or(Ok(order), |column| {
        Err(format!("the column {:?} of the job is not there", column.name.as_str()))
    })
}

/// The number of a field. The error says nothing of the value.
fn field(column: &Column, written: Option<&str>) -> Result<i128, String> {
    let Some(written) = written.map(str::trim).filter(|text| !text.is_empty()) else {
        return column
            .missing
            .ok_or_else(|| "the field is empty, and the job gives no value for empty fields".to_owned());
    };
    let number = number(written, column.decimals)
        .ok_or_else(|| format!("not a decimal number of at most {} decimals", column.decimals))?;
    let held = (column.min..=column.max).contains(&number);
    held.then_some(number).ok_or_else(|| "outside the range that the job states".to_owned())
}

/// Parses a decimal text without rounding.
///
/// ```
/// use sotto_jobs::rows::number;
/// assert_eq!(number("-12.5", 2), Some(-1250));
/// assert_eq!(number("12.345", 2), None); // more decimals than the schema has
/// assert_eq!(number("1e3", 0), None);
/// ```
///
/// The number of a decimal text in units of its last decimal: sign, digits, point, digits; no more decimals
/// than that.
#[must_use]
pub fn number(text: &str, decimals: u8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let figures = whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    let point_is_valid = !whole.is_empty() && !digits.ends_with('.');
    if !figures || !point_is_valid || fraction.len() > usize::from(decimals) || whole.len() > 30 {
        return None;
    }
    let zeros = usize::from(decimals) - fraction.len();
    let mut all = whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', zeros));
    let value = all.try_fold(0i128, |value, b| value.checked_mul(10)?.checked_add(i128::from(b - b'0')))?;
    Some(if negative { -value } else { value })
}

fn field_error(table: &Table, column: &Column, [row, line]: [u64; 2], what: String) -> RowsError {
    let (table, column) = (table.name.to_string(), column.name.to_string());
    RowsError::Field { table, row, line, column, what }
}

/// What a CSV error says, without the record.
fn plain(e: &csv::Error) -> String {
    match e.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, the heading has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        csv::ErrorKind::Io(e) => e.to_string(),
        _ => "not CSV".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multiparty::{self, Cells, PassThrough, Rows};
    use crate::text::Line;
    use sotto_mpc::number::Number;

    fn table(count: Count) -> Table {
        let column = |name, min, max, decimals, missing| Column {
            name: Line::new(name).unwrap(),
            min,
            max,
            decimals,
            missing,
        };
        let columns = vec![column("age", 0, 120, 0, None), column("pay", -5, 1000, 2, Some(0))];
        Table { name: Line::new("people").unwrap(), count, rows: 2, columns }
    }

    fn read_as(format: Format, text: &str, count: Count) -> Result<Cells, String> {
        let rows = if count == Count::Exactly { Rows::Exactly(2) } else { Rows::UpTo(2) };
        let number = |min, max| Number::new(min, max).unwrap();
        let columns = vec![
            multiparty::Column::new("age", number(0, 120)),
            multiparty::Column::new("pay", number(-5, 1000)),
        ];
        let declared = [multiparty::Table::new("people", rows, columns)];
        let mut same = PassThrough::new(&declared);
        let rows =
            read(&[table(count)], [(format, text.as_bytes())], &mut same).map_err(|e| e.to_string())?;
        let cells = Box::new(same).finish().unwrap().remove(0);
        assert_eq!(rows, [cells.len() as u64]);
        Ok(cells)
    }

    #[test]
    fn rows_are_found_by_the_names_of_their_columns() {
        let rows = Ok(vec![vec![30, 150], vec![120, 0]]);
        let csv = |text: &str| read_as(Format::Csv, text, Count::Exactly);
        assert_eq!(csv("age,pay\n30,1.5\n120,\n"), rows);
        assert_eq!(csv("pay, age\r\n1.50,30\r\n\"\",\"120\""), rows);
        let json = |text: &str| read_as(Format::JsonLines, text, Count::Exactly);
        assert_eq!(json("{\"age\":30,\"pay\":1.5}\n\n{\"pay\":null,\"age\":\"120\"}\n"), rows);
        assert_eq!(json("{\"age\":30,\"pay\":1.5}\n{\"age\":120}"), rows);
        assert_eq!(read_as(Format::Csv, "age,pay\n", Count::UpTo), Ok(vec![]));
    }

    #[test]
    fn what_does_not_fit_is_named_by_row_and_column_and_not_by_value() {
        for (text, at) in [
            ("age,pay\n30,1.5\n121,0\n", "row 2 (line 3), column age: outside the range"),
            ("age,pay\n30,1.555\n", "row 1 (line 2), column pay: not a decimal number of at most 2"),
            ("age,pay\n,1\n", "row 1 (line 2), column age: the field is empty"),
            ("age,pay\n3e1,1\n", "column age: not a decimal number"),
            ("age,pay\n30,-0.06\n", "column pay: outside the range"),
            ("age,pay\n30\n", "line 2: 1 fields, the heading has 2"),
            ("age\n30\n", "line 1: the column \"pay\" of the job is not there"),
            ("age,pay,name\n30,1,x\n", "line 1: there is a column \"name\""),
            ("age,pay,age\n30,1,30\n", "line 1: the column \"age\" occurs twice"),
            ("age,pay\n30,1\n", "has 1 rows, the job says exactly 2"),
            ("age,pay\n1,1\n1,1\n1,1\n", "has 3 rows, the job says exactly 2"),
            ("age,pay\n\u{ff}", "line 2: 1 fields"),
        ] {
            let error = read_as(Format::Csv, text, Count::Exactly).unwrap_err();
            assert!(error.contains(at), "{text:?}: {error}");
            assert!(!error.contains("121") && !error.contains("1.555"), "{error}");
        }
        for (text, at) in [
            ("[1]", "line 1: not a JSON object"),
            ("{\"age\":30,\"pay\":true}", "column pay: neither a number nor a text"),
            ("{\"pay\":1}", "column age: the field is empty"),
            ("{\"age\":1e300,\"pay\":1}", "column age"),
            ("{\"age\":1,\"who\":1}", "a column \"who\""),
            ("{\"age\":1,\"pay\":1,\"age\":2}", "line 1: the column \"age\" occurs twice"),
            ("{\"age\":3e1,\"pay\":1}", "column age: not a decimal number"),
            ("{\"age\":1.5,\"pay\":1}", "column age: not a decimal number of at most 0"),
            ("{\"age\":1,\"pay\":[1]}", "column pay: neither a number nor a text"),
        ] {
            let error = read_as(Format::JsonLines, text, Count::Exactly).unwrap_err();
            assert!(error.contains(at), "{text:?}: {error}");
        }
    }

    #[test]
    fn json_numbers_are_their_digits() {
        // A binary fraction of 53 bits has neither of these.
        let column = Column {
            name: Line::new("bid").unwrap(),
            min: 0,
            max: u64::MAX.into(),
            decimals: 1,
            missing: None,
        };
        let table =
            Table { name: Line::new("bids").unwrap(), count: Count::Exactly, rows: 2, columns: vec![column] };
        let bid = multiparty::Column::new("bid", Number::new(0, u64::MAX.into()).unwrap().scaled(1));
        let declared = [multiparty::Table::new("bids", Rows::Exactly(2), vec![bid])];
        let text = "{\"bid\":9007199254740993.5}\n{\"bid\":1844674407370955161.5}\n";
        let mut same = PassThrough::new(&declared);
        read(&[table], [(Format::JsonLines, text.as_bytes())], &mut same).unwrap();
        assert_eq!(
            Box::new(same).finish().unwrap(),
            [[[90_071_992_547_409_935], [18_446_744_073_709_551_615]]]
        );
    }

    #[test]
    fn decimals_are_exact() {
        for (text, decimals, value) in
            [("1.5", 2, 150), ("-0.05", 2, -5), ("7", 0, 7), ("1.500", 1, 15), ("+3", 1, 30)]
        {
            assert_eq!(number(text, decimals), Some(value), "{text}");
        }
        let long = "9".repeat(40);
        for bad in ["", "-", ".", "1.", ".5", "1.55", "1e3", "0x1", "1,5", "١", "--1", &long] {
            assert_eq!(number(bad, 1), None, "{bad}");
        }
    }
}
