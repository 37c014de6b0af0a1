//! Rows and their description on the wire, and parameters off it.

use bytes::{BufMut, BytesMut};
use heliosdb_sql::session::{Format, Prepared, ResultColumn, ResultFormats};
use heliosdb_sql::types::names::type_length;
use heliosdb_sql::types::{ValueContext, decode_binary, encode_binary, format_text, parse_text};
use heliosdb_sql::{SqlError, SqlState};
use heliosdb_storage::Row;
use heliosdb_storage::value::{ColumnType, DataType, Value};
use pgwire::messages::data::{
    FORMAT_CODE_BINARY, FORMAT_CODE_TEXT, FieldDescription, ParameterDescription, RowDescription,
};

use super::frontend::{Bind, Numbers, not_utf8, violation};
use super::wire::{Output, set_length};

/// The format of a code.
fn format_of_code(code: i16) -> Result<Format, SqlError> {
    match code {
        FORMAT_CODE_TEXT => Ok(Format::Text),
        FORMAT_CODE_BINARY => Ok(Format::Binary),
        _ => Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, format!("unsupported format code: {code}"))),
    }
}

const fn code_of(format: Format) -> i16 {
    match format {
        Format::Text => FORMAT_CODE_TEXT,
        Format::Binary => FORMAT_CODE_BINARY,
    }
}

/// The formats that a Bind message asks for.
pub(super) fn result_formats(codes: Numbers<'_, 2>, columns: usize) -> Result<ResultFormats, SqlError> {
    match codes.code(0) {
        None => Ok(ResultFormats::All(Format::Text)),
        Some(code) if codes.len() == 1 => format_of_code(code).map(ResultFormats::All),
        Some(_) if codes.len() == columns => {
            codes.codes().map(format_of_code).collect::<Result<_, _>>().map(ResultFormats::Each)
        }
        Some(_) => {
            Err(violation(format!("bind message has {} result formats but query has {columns} columns", codes.len())))
        }
    }
}

/// Reads the parameters of a Bind message.
pub(super) fn parameters(bind: &Bind<'_>, types: &[DataType], time: &ValueContext) -> Result<Vec<Value>, SqlError> {
    let (given, formats) = (bind.parameters.len(), bind.parameter_formats.len());
    if formats > 1 && formats != given {
        return Err(violation(format!("bind message has {formats} parameter formats but {given} parameters")));
    }
    if given != types.len() {
        return Err(violation(format!(
            "bind message supplies {given} parameters, but prepared statement \"{}\" requires {}",
            bind.statement,
            types.len()
        )));
    }
    let common = if formats == 1 { bind.parameter_formats.code(0) } else { None };
    let mut values = Vec::with_capacity(given);
    for (index, (bytes, data_type)) in bind.parameters.iter().zip(types).enumerate() {
        let code = common.or_else(|| bind.parameter_formats.code(index)).unwrap_or(FORMAT_CODE_TEXT);
        let format = format_of_code(code)?;
        values.push(match bytes {
            None => Value::Null,
            Some(bytes) => parameter(bytes, format, *data_type, time).map_err(|error| name_parameter(error, index))?,
        });
    }
    Ok(values)
}

fn parameter(bytes: &[u8], format: Format, data_type: DataType, time: &ValueContext) -> Result<Value, SqlError> {
    match format {
        Format::Binary => decode_binary(bytes, data_type, time),
        Format::Text => {
            let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error))?;
            if text.contains('\0') {
                return Err(SqlError::new(SqlState("22021"), "invalid byte sequence for encoding \"UTF8\": 0x00"));
            }
            parse_text(text, ColumnType { data_type, typmod: -1 }, time)
        }
    }
}

/// Says which parameter was wrong, where PostgreSQL says it in the context.
fn name_parameter(error: SqlError, index: usize) -> SqlError {
    if error.fields.detail.is_some() {
        return error;
    }
    error.with_detail(format!("Parameter ${} cannot be read.", index.saturating_add(1)))
}

/// Appends the description of a statement's parameters.
pub(super) fn describe_parameters(output: &mut Output, types: &[DataType]) -> Result<(), SqlError> {
    output.message(&ParameterDescription::new(types.iter().map(|data_type| data_type.oid()).collect()))
}

/// Appends the description of a result's columns.
pub(super) fn describe_columns(
    output: &mut Output,
    columns: &[ResultColumn],
    formats: &ResultFormats,
) -> Result<(), SqlError> {
    let fields = columns.iter().enumerate().map(|(index, column)| {
        FieldDescription::new(
            // A NUL would end the name early.
            column.name.replace('\0', "\u{fffd}"),
            column.origin.0.cast_signed(),
            column.origin.1.cast_signed(),
            known(column.data_type).oid(),
            type_length(known(column.data_type)),
            column.typmod,
            code_of(formats.at(index)),
        )
    });
    output.message(&RowDescription::new(fields.collect()))
}

/// A result column of unknown type is text, as in PostgreSQL since version 10.
const fn known(data_type: DataType) -> DataType {
    match data_type {
        DataType::Unknown => DataType::Text,
        known => known,
    }
}

/// Appends a row.
pub(super) fn write_row(
    output: &mut Output,
    prepared: &Prepared,
    row: &Row,
    formats: &ResultFormats,
    time: &ValueContext,
    scratch: &mut String,
) -> Result<(), SqlError> {
    let columns = prepared.columns();
    if columns.len() != row.len() {
        return Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, "cached plan must not change result type"));
    }
    output.row(row.len(), |buffer| {
        for (index, (value, column)) in row.iter().zip(columns).enumerate() {
            write_value(buffer, value, known(column.data_type), formats.at(index), time, scratch)?;
        }
        Ok(())
    })
}

fn write_value(
    buffer: &mut BytesMut,
    value: &Value,
    data_type: DataType,
    format: Format,
    time: &ValueContext,
    scratch: &mut String,
) -> Result<(), SqlError> {
    if value.is_null() {
        buffer.put_i32(-1);
        return Ok(());
    }
    let start = buffer.len();
    buffer.put_u32(0);
    match (format, value) {
        // Strings are the same in both formats.
        (_, Value::Text(text)) => buffer.put_slice(text.as_bytes()),
        (Format::Binary, value) => encode_binary(value, data_type, time, buffer),
        (Format::Text, value) => {
            scratch.clear();
            format_text(value, data_type, time, scratch);
            buffer.put_slice(scratch.as_bytes());
        }
    }
    let length = buffer.len().saturating_sub(start).saturating_sub(4);
    set_length(buffer, start, length)
}
