//! Reading an input party's rows, CSV or JSON, against the schema in the job.
//!
//! A CSV file begins with a heading; JSON is an object a line or a list of objects. Columns are matched by
//! name, in any order. A column that is not in the schema, or that occurs twice, is an error. A number has at
//! most as many decimals as the schema, no exponent, and must be in range; it is parsed from its digits and
//! never rounded, in JSON as in CSV. An empty field, `null`, a word such as NA or a missing member is an error
//! unless the schema has a value for it. Separators and encodings are recognised (`csv_table`, `encoding`).
//!
//! **No byte of a file is in an error.** Errors name table, row, line and the columns of the job; a heading or
//! member that the job does not name is named by its place.
//!
//! A table with texts enters in the order of their hashes. Memory is one row, plus what the program's local step keeps;
//! of a table with texts, all its rows.

mod csv_table;
mod encoding;
mod field;
mod json_table;
mod sink;
mod windows_1252;

use std::io::Read;

use crate::budget::RowsHasher;
use crate::job::{Count, Table};
use crate::multiparty::LocalStep;
use crate::text_key::TextKey;
use sink::{Reading, RowSink, count};

pub use field::{FieldFault, Reason, number};
pub use sink::{Faults, RowsError};
pub use windows_1252::Windows1252;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Separated values with a heading (RFC 4180, and what spreadsheets make of it).
    Csv,
    /// JSON: one object a line, or one list of objects.
    JsonLines,
}

impl Format {
    /// The format of a file's name: `.jsonl`, `.ndjson` and `.json` in any case are JSON, all others CSV.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let is_json = [".jsonl", ".ndjson", ".json"].iter().any(|end| name.ends_with(end));
        if is_json { Self::JsonLines } else { Self::Csv }
    }
}

/// What an input party's files are read against.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'a> {
    /// A table for each file.
    pub tables: &'a [Table],
    /// The key of texts.
    pub texts: &'a TextKey,
}

/// Reads the tables of an input party, and hands each row to the program's local step; how many rows each
/// table has.
///
/// # Errors
/// The first field or line that does not fit, or a wrong number of rows.
pub fn read<R: Read>(
    schema: Schema<'_>,
    files: impl IntoIterator<Item = (Format, R)>,
    local: &mut (impl LocalStep + ?Sized),
) -> Result<Vec<u64>, RowsError> {
    let mut take = |table, row: &[i128]| local.row(table, row);
    first_fault(Reading { texts: schema.texts, take: &mut take, hasher: None }, schema.tables, files)
}

/// As [`read`], and hashes the rows: what a budget is kept for.
///
/// # Errors
/// As [`read`].
pub fn read_hashed<R: Read>(
    schema: Schema<'_>,
    files: impl IntoIterator<Item = (Format, R)>,
    hasher: &mut RowsHasher,
    local: &mut (impl LocalStep + ?Sized),
) -> Result<Vec<u64>, RowsError> {
    let mut take = |table, row: &[i128]| local.row(table, row);
    first_fault(Reading { texts: schema.texts, take: &mut take, hasher: Some(hasher) }, schema.tables, files)
}

/// Everything that is wrong with the tables of an input party: all faults are counted and the first `kept` of
/// them are listed. Rows that fit are handed to the program's local step.
pub fn faults<R: Read>(
    schema: Schema<'_>,
    files: impl IntoIterator<Item = (Format, R)>,
    local: &mut (impl LocalStep + ?Sized),
    kept: usize,
) -> Faults {
    let mut take = |table, row: &[i128]| local.row(table, row);
    let mut faults = Faults::all(kept);
    Reading { texts: schema.texts, take: &mut take, hasher: None }.read(schema.tables, files, &mut faults);
    faults
}

fn first_fault<R: Read>(
    reading: Reading<'_>,
    tables: &[Table],
    files: impl IntoIterator<Item = (Format, R)>,
) -> Result<Vec<u64>, RowsError> {
    let mut faults = Faults::first();
    let rows = reading.read(tables, files, &mut faults);
    faults.found.pop().map_or(Ok(rows), Err)
}

impl Reading<'_> {
    /// Reads all tables; how many rows each has.
    fn read<R: Read>(
        mut self,
        tables: &[Table],
        files: impl IntoIterator<Item = (Format, R)>,
        faults: &mut Faults,
    ) -> Vec<u64> {
        let mut rows = Vec::with_capacity(tables.len());
        for (place, (table, (format, file))) in tables.iter().zip(files).enumerate() {
            faults.forms.push(String::new());
            let (numbers, waiting) = (Vec::new(), Vec::new());
            let mut sink = RowSink { place, table, given: 0, numbers, waiting, reading: &mut self };
            let read = match format {
                Format::Csv => csv_table::read(table, file, &mut sink, faults),
                Format::JsonLines => json_table::read(table, file, &mut sink, faults),
            };
            let read = read.and_then(|()| sink.finish(faults));
            let given = sink.given;
            rows.push(given);
            let is_wrong = given > table.rows || table.count == Count::Exactly && given != table.rows;
            if read.is_ok() && is_wrong {
                // Rows that do not fit may be too few or too many for their own reasons.
                let _ = faults.add(count(table, given));
            }
            if faults.count() > 0 && !faults.counts() {
                break;
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Column;
    use crate::kind::Kind;
    use crate::multiparty::{self, Cells, LocalStepError, PassThrough, Rows};
    use crate::text::Line;
    use sotto_mpc::number::Number;

    fn table(count: Count) -> Table {
        let column = |name, min, max, decimals, missing| Column {
            name: Line::new(name).unwrap(),
            min,
            max,
            decimals,
            missing,
            kind: Kind::Number,
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
        let (tables, texts) = (&[table(count)], &TextKey::for_checks());
        let rows = read(Schema { tables, texts }, [(format, text.as_bytes())], &mut same)
            .map_err(|e| e.to_string())?;
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
        // As spreadsheets and other countries write them.
        for text in [
            "age;pay\n30;1,5\n120;\n",
            "sep=;\nage;pay\n30;1,50\n120;NA\n",
            "\u{feff}sep=\t\r\nage\tpay\r\n30\t1.5\r\n120\t\r\n",
            "pay|age\n1.5|30\n|120",
            "age,pay,,\n30,1.5,,\n120,,,\n,,,\n,,,\n",
            "\n\nage,pay\n\n30,1.5\n\n120,N/A\n\n",
            "age,pay\r30,1.5\r120,\r",
        ] {
            assert_eq!(csv(text), rows, "{text:?}");
        }
        for text in [
            "\u{feff}{\"age\":30,\"pay\":1.5}\r\n{\"age\":\"120\",\"pay\":\"NA\"}",
            "[{\"age\":30,\"pay\":1.5},\n {\"age\":120}]",
            " \n[\n]",
        ] {
            let rows = if text.ends_with("\n]") {
                Err("table people has 0 rows, the job says exactly 2".into())
            } else {
                rows.clone()
            };
            assert_eq!(json(text), rows, "{text:?}");
        }
        for (name, format) in
            [("A.JSONL", Format::JsonLines), ("b.json", Format::JsonLines), ("json", Format::Csv)]
        {
            assert_eq!(Format::of(name), format);
        }
    }

    #[test]
    fn what_does_not_fit_is_named_by_row_and_column_and_not_by_value() {
        for (text, at) in [
            ("age,pay\n30,1.5\n121,0\n", "row 2 (line 3), column age: outside the range"),
            ("age,pay\n30,1.555\n", "row 1 (line 2), column pay: not a decimal number of at most 2"),
            ("age,pay\r\n30,1\r\n\r\n30,x\r\n", "row 2 (line 4), column pay"),
            (
                "age;pay\n30;1,500\n",
                "column pay: not a decimal number of at most 2 decimals: its comma may be",
            ),
            ("age,pay\n30,1\n,\n30,1\n", "line 3: all fields are empty, and rows follow"),
            ("age,pay\n,1\n", "row 1 (line 2), column age: the field is empty"),
            ("age,pay\n3e1,1\n", "column age: not a whole number: it has an exponent"),
            ("age,pay\n30,-0.06\n", "column pay: outside the range"),
            ("age,pay\n30\n", "line 2: 1 fields, the heading has 2"),
            ("age\n30\n", "line 1: the column \"pay\" of the job is not there"),
            (
                "age,pay,name\n30,1,x\n",
                "line 1: the name of column 3 is not one that the job names (\"age\", \"pay\")",
            ),
            ("age,pay,age\n30,1,30\n", "line 1: the column \"age\" occurs twice"),
            ("age,pay\n30,1\n", "has 1 rows, the job says exactly 2"),
            ("age,pay\n1,1\n1,1\n1,1\n", "has 3 rows, the job says exactly 2"),
            ("age,pay\n\u{ff}", "line 2: 1 fields"),
            // A first line that states a separator is believed.
            ("sep=;\nage,pay\n30,1\n", "line 2: the name of column 1 is not one"),
            ("{\"age\":30,\"pay\":1}\n", "the file looks like JSON"),
            ("age,pay\n30,1,x\n", "line 2: 3 fields, the heading has 2"),
            ("", "line 1: the file is empty"),
        ] {
            let error = read_as(Format::Csv, text, Count::Exactly).unwrap_err();
            assert!(error.contains(at), "{text:?}: {error}");
            assert!(
                !error.contains("121") && !error.contains("1.555") && !error.contains("name\""),
                "{error}"
            );
        }
        for (text, at) in [
            ("[1]", "line 1: not a JSON object"),
            ("[{\"age\":30,\"pay\":1},\n{\"age\":x", "line 2: not a JSON list of objects"),
            ("[{\"age\":30,\"pay\":1}] {}", "line 1: not a JSON list of objects"),
            ("[{\"age\":30,\"pay\":1},\n\n{\"age\":1000,\"pay\":1}]", "row 2 (line 3), column age: outside"),
            ("{\"age\":30,\"pay\":true}", "column pay: neither a number nor a text"),
            ("{\"pay\":1}", "column age: the field is empty"),
            ("{\"age\":1e300,\"pay\":1}", "column age"),
            ("{\"age\":1,\"who\":1}", "line 1: the name of column 2 is not one"),
            ("{\"age\":1,\"pay\":1,\"age\":2}", "line 1: the column \"age\" occurs twice"),
            ("{\"age\":3e1,\"pay\":1}", "column age: not a whole number: it has an exponent"),
            ("{\"age\":1.5,\"pay\":1}", "column age: not a whole number: it has more decimals"),
            ("{\"age\":1,\"pay\":[1]}", "column pay: neither a number nor a text"),
        ] {
            let error = read_as(Format::JsonLines, text, Count::Exactly).unwrap_err();
            assert!(error.contains(at), "{text:?}: {error}");
        }
    }

    #[test]
    fn all_faults_are_found_up_to_a_bound() {
        let of = |text: &str, format, most| {
            let table = Table { rows: 9, ..table(Count::UpTo) };
            let declared = [multiparty::Table::new("people", Rows::UpTo(9), Vec::new())];
            let mut local = Ascending(0, PassThrough::new(&declared));
            let schema = Schema { tables: &[table], texts: &TextKey::for_checks() };
            let faults = faults(schema, [(format, text.as_bytes())], &mut local, most);
            let shown = faults.found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
            assert_eq!(faults.forms.len(), 1);
            (shown, faults.beyond)
        };
        let csv = "age,pay\n1,x\n200,y\n3,1\n2,1\n4\n5,2\n";
        let all = "table people, row 1 (line 2), column pay: not a decimal number of at most 2 decimals: it has letters | \
                   table people, row 2 (line 3), column age: outside the range that the job states | \
                   table people, row 2 (line 3), column pay: not a decimal number of at most 2 decimals: it has letters | \
                   table people, line 5: row 2: keys must ascend, and none may come twice | \
                   table people, line 6: 1 fields, the heading has 2";
        assert_eq!(of(csv, Format::Csv, 100), (all.to_owned(), 0));
        let first = all.split(" | ").take(2).collect::<Vec<_>>().join(" | ");
        assert_eq!(of(csv, Format::Csv, 2), (first, 3));
        let long = "age,pay\n".to_owned() + &(1..=12).map(|i| format!("{i},x\n")).collect::<String>();
        let (shown, beyond) = of(&long, Format::Csv, 3);
        assert_eq!((shown.matches("letters").count(), beyond), (3, 10), "12 rows, and that they are 12");
        assert!(of(&(long + &"\"".repeat(2 << 20)), Format::Csv, 3).0.contains("is not closed"));
        let json = "{\"age\":1,\"pay\":[]}\n{}\nx\n{\"age\":2}\n";
        assert_eq!(of(json, Format::JsonLines, 100).0.matches("line ").count(), 3);
        let form = |text: &str, format| {
            let (table, declared) =
                (table(Count::UpTo), [multiparty::Table::new("people", Rows::UpTo(9), Vec::new())]);
            let schema = Schema { tables: &[table], texts: &TextKey::for_checks() };
            faults(schema, [(format, text.as_bytes())], &mut PassThrough::new(&declared), 1).forms.join("")
        };
        assert_eq!(form("age;pay\n", Format::Csv), "CSV in UTF-8, fields separated by `;`");
        assert_eq!(form(" \n[]", Format::JsonLines), "a list of JSON objects, in UTF-8");
    }

    /// A first step that wants its first column to ascend.
    struct Ascending<'t>(i128, PassThrough<'t>);

    impl LocalStep for Ascending<'_> {
        fn tables(&self) -> &[multiparty::Table] {
            self.1.tables()
        }

        fn row(&mut self, _: usize, row: &[i128]) -> Result<(), LocalStepError> {
            let before = std::mem::replace(&mut self.0, row[0]);
            if row[0] > before { Ok(()) } else { Err(LocalStepError::Order { row: 2 }) }
        }

        fn finish(self: Box<Self>) -> Result<Vec<Cells>, LocalStepError> {
            Box::new(self.1).finish()
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
            kind: Kind::Number,
        };
        let table =
            Table { name: Line::new("bids").unwrap(), count: Count::Exactly, rows: 2, columns: vec![column] };
        let bid = multiparty::Column::new("bid", Number::new(0, u64::MAX.into()).unwrap().scaled(1));
        let declared = [multiparty::Table::new("bids", Rows::Exactly(2), vec![bid])];
        let text = "{\"bid\":9007199254740993.5}\n{\"bid\":1844674407370955161.5}\n";
        let mut same = PassThrough::new(&declared);
        let schema = Schema { tables: &[table], texts: &TextKey::for_checks() };
        read(schema, [(Format::JsonLines, text.as_bytes())], &mut same).unwrap();
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
