//! The child that reads Parquet, and what it writes.

use super::terms::{End, MARK, MAX_PIPED, MEMORY, SECONDS};
use parquet::{
    basic::{LogicalType, TimeUnit},
    data_type::Decimal,
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row},
};
use sotto_jobs::kind::{Kind, decimal};
use sotto_mpc::edge::process_limits::bound;
use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, Write},
    os::fd::AsFd,
};

/// In a child, reads the file, writes its rows, and exits.
pub(crate) fn serve_if_child() {
    if std::env::var_os(MARK).is_some() {
        std::panic::set_hook(Box::new(|_| {}));
        let served = std::panic::catch_unwind(serve).unwrap_or(Err(End::Damaged));
        std::process::exit(served.map_or_else(|end| end as i32, |()| 0));
    }
}

fn serve() -> Result<(), End> {
    let file = searchable(File::from(io::stdin().as_fd().try_clone_to_owned().map_err(|_| End::System)?))?;
    bound(MEMORY << 20, SECONDS).map_err(|_| End::System)?;
    let reader = SerializedFileReader::new(file).map_err(|e| end(&e))?;
    let columns = reader.metadata().file_metadata().schema_descr().columns();
    let stamps: Vec<Stamp> = columns.iter().map(|column| Stamp::of(column.logical_type_ref())).collect();
    let mut out = BufWriter::new(io::stdout().lock());
    for row in reader.get_row_iter(None).map_err(|e| end(&e))? {
        line(&row.map_err(|e| end(&e))?, &stamps, &mut out).map_err(|_| End::System)?;
    }
    out.flush().map_err(|_| End::System)
}

/// A file with places; what a pipe brings goes to a temporary one.
fn searchable(mut file: File) -> Result<File, End> {
    if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(file);
    }
    let mut copy = tempfile::tempfile().map_err(|_| End::System)?;
    let copied = io::copy(&mut (&mut file).take(MAX_PIPED + 1), &mut copy).map_err(|_| End::System)?;
    copy.rewind().map_err(|_| End::System)?;
    if copied > MAX_PIPED { Err(End::TooLong) } else { Ok(copy) }
}

fn end(e: &ParquetError) -> End {
    let text = e.to_string();
    let is_codec = ["Disabled feature", "compression", "codec"].iter().any(|word| text.contains(word));
    if is_codec { End::Compressed } else { End::Damaged }
}

/// What a column of points in time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stamp {
    /// Nothing: it is of another type.
    None,
    /// Nanoseconds, which the reader of rows takes for plain numbers.
    Nanos { is_utc: bool },
    /// What the reader of rows knows.
    Known { is_utc: bool },
}

impl Stamp {
    fn of(ty: Option<&LogicalType>) -> Self {
        match ty {
            Some(LogicalType::Timestamp(stamp)) => {
                let is_utc = stamp.is_adjusted_to_u_t_c;
                if stamp.unit == TimeUnit::NANOS { Self::Nanos { is_utc } } else { Self::Known { is_utc } }
            }
            _ => Self::None,
        }
    }

    /// A point in time as ISO 8601, if it is a whole second; without its zone if the file does not say one.
    fn text(self, value: i64, a_second: i64) -> String {
        let is_utc = !matches!(self, Self::Nanos { is_utc: false } | Self::Known { is_utc: false });
        let second = Kind::Time.show(value.div_euclid(a_second).into(), 0);
        let fraction = value.rem_euclid(a_second);
        let bare = second.trim_end_matches('Z');
        match (fraction, is_utc) {
            (0, true) => second,
            (0, false) => bare.to_owned(),
            (fraction, _) => format!("{bare}.{fraction}"),
        }
    }
}

/// Writes a row as an object.
fn line(row: &Row, stamps: &[Stamp], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{")?;
    for (place, (name, field)) in row.get_column_iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(out, "{comma}{}:", quoted(name))?;
        out.write_all(value(field, stamps.get(place).copied().unwrap_or(Stamp::None)).as_bytes())?;
    }
    out.write_all(b"}\n")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A field as JSON: a number as its digits, all else as a text.
fn value(field: &Field, stamp: Stamp) -> String {
    match field {
        Field::Null => "null".to_owned(),
        Field::Bool(value) => value.to_string(),
        Field::Byte(value) => value.to_string(),
        Field::Short(value) => value.to_string(),
        Field::Int(value) => value.to_string(),
        Field::Long(value) => match stamp {
            Stamp::Nanos { .. } => quoted(&stamp.text(*value, 1_000_000_000)),
            _ => value.to_string(),
        },
        Field::UByte(value) => value.to_string(),
        Field::UShort(value) => value.to_string(),
        Field::UInt(value) => value.to_string(),
        Field::ULong(value) => value.to_string(),
        // The shortest decimal that is this fraction: as CSV would have it.
        Field::Float(value) => quoted(&value.to_string()),
        Field::Double(value) => quoted(&value.to_string()),
        Field::Decimal(value) => quoted(&exact(value)),
        Field::Str(text) => quoted(text),
        Field::Date(day) => quoted(&Kind::Date.show((*day).into(), 0)),
        Field::TimestampMillis(value) => quoted(&stamp.text(*value, 1_000)),
        Field::TimestampMicros(value) => quoted(&stamp.text(*value, 1_000_000)),
        // Not a number and not a text.
        _ => "[]".to_owned(),
    }
}

/// A decimal number in digits; what has too many is no number.
fn exact(value: &Decimal) -> String {
    let bytes = value.data();
    let scale = u8::try_from(value.scale()).ok().filter(|scale| *scale <= 38);
    let (Some(scale), 1..=16) = (scale, bytes.len()) else { return "too long".to_owned() };
    let sign = if bytes.first().is_some_and(|byte| *byte >= 0x80) { -1i128 } else { 0 };
    decimal(bytes.iter().fold(sign, |number, byte| number << 8 | i128::from(*byte)), scale)
}
