//! Results as Parquet.
//!
//! ```text
//! number     INT64; with decimals or more digits DECIMAL(38, d) in 16 bytes     truth     BOOLEAN
//! category   STRING                  date   DATE                 time   TIMESTAMP(MILLIS, UTC)
//! ```
//!
//! Every column is optional: what means nothing is null.

use parquet::{
    basic::{LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{
        BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType, Int32Type,
        Int64Type,
    },
    errors::Result,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};
use sotto_jobs::kind::Kind;
use sotto_jobs::result::{ResultTable, TypedColumn};
use std::sync::Arc;

/// A table of a result as a Parquet file.
pub(crate) fn to_parquet(table: &ResultTable<'_>) -> Result<Vec<u8>> {
    let columns = table.typed();
    let fields = columns.iter().map(|column| field(column).map(Arc::new)).collect::<Result<Vec<_>>>()?;
    let schema = Arc::new(Type::group_type_builder("result").with_fields(fields).build()?);
    let properties = Arc::new(WriterProperties::builder().set_created_by("sotto".to_owned()).build());
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, properties)?;
    let mut rows = file.next_row_group()?;
    columns.iter().try_for_each(|column| write(&mut rows, column))?;
    rows.close()?;
    file.close()?;
    Ok(bytes)
}

/// Whether the numbers of a column are written in 16 bytes.
fn is_wide(column: &TypedColumn) -> bool {
    let fits = |cell: &i128| i64::try_from(*cell).is_ok();
    column.decimals > 0 || !column.cells.iter().flatten().all(fits)
}

fn field(column: &TypedColumn) -> Result<Type> {
    let (physical, logical) = match &column.kind {
        Kind::Number if is_wide(column) => {
            (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(column.decimals.into(), 38)))
        }
        Kind::Number | Kind::Text => (Physical::INT64, None),
        Kind::Truth | Kind::Presence => (Physical::BOOLEAN, None),
        Kind::Category(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Date => (Physical::INT32, Some(LogicalType::Date)),
        Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
    };
    let builder = Type::primitive_type_builder(&column.name, physical).with_repetition(Repetition::OPTIONAL);
    let builder = builder.with_logical_type(logical);
    if physical == Physical::FIXED_LEN_BYTE_ARRAY {
        return builder.with_length(16).with_precision(38).with_scale(column.decimals.into()).build();
    }
    builder.build()
}

fn write(rows: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>, column: &TypedColumn) -> Result<()> {
    let there = || column.cells.iter().flatten().copied();
    match &column.kind {
        Kind::Number if is_wide(column) => {
            let cells = there().map(|cell| FixedLenByteArray::from(cell.to_be_bytes().to_vec()));
            values::<FixedLenByteArrayType>(rows, column, &cells.collect::<Vec<_>>())
        }
        Kind::Number | Kind::Text => {
            values::<Int64Type>(rows, column, &there().map(|cell| cell as i64).collect::<Vec<_>>())
        }
        Kind::Truth | Kind::Presence => {
            values::<BoolType>(rows, column, &there().map(|cell| cell == 1).collect::<Vec<_>>())
        }
        kind @ Kind::Category(_) => {
            let names = there().map(|cell| ByteArray::from(kind.show(cell, 0).into_bytes()));
            values::<ByteArrayType>(rows, column, &names.collect::<Vec<_>>())
        }
        Kind::Date => values::<Int32Type>(rows, column, &there().map(|cell| cell as i32).collect::<Vec<_>>()),
        Kind::Time => {
            values::<Int64Type>(rows, column, &there().map(|cell| (cell * 1000) as i64).collect::<Vec<_>>())
        }
    }
}

/// Writes the values that are there, and which rows have one.
fn values<T: DataType>(
    rows: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    column: &TypedColumn,
    values: &[T::T],
) -> Result<()> {
    let levels: Vec<i16> = column.cells.iter().map(|cell| cell.is_some().into()).collect();
    if let Some(mut writer) = rows.next_column()? {
        writer.typed::<T>().write_batch(values, Some(&levels), None)?;
        writer.close()?;
    }
    Ok(())
}
