//! `regclass` and its kin, and labels of enums: values that are looked up in the catalog.

use std::sync::Arc;

use heliosdb_storage::Oid;
use heliosdb_storage::value::{DataType, EnumLabel, RegObject, Value};

use super::ValueContext;
use crate::error::{Result, SqlError, SqlState};

/// Reads the name of an object, or its number.
pub fn parse(text: &str, data_type: DataType, ctx: &ValueContext) -> Result<Value> {
    if let Ok(oid) = text.trim().parse::<u32>() {
        return Ok(value(oid, data_type, ctx));
    }
    if text == "-" {
        return Ok(value(0, data_type, ctx));
    }
    let parts = name_parts(text)?;
    let found = match data_type {
        DataType::RegClass => relation_oid(&parts, ctx),
        DataType::RegType => return type_value(text, ctx),
        _ => return Err(SqlError::unsupported(format!("a name as {}", super::name(data_type, -1)))),
    };
    let oid = found.ok_or_else(|| {
        SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", parts.join(".")))
    })?;
    Ok(value(oid, data_type, ctx))
}

/// An object by its number: with its name if there is such an object.
pub fn value(oid: u32, data_type: DataType, ctx: &ValueContext) -> Value {
    let name = match data_type {
        _ if oid == 0 => Some("-".to_owned()),
        DataType::RegClass => relation_name(oid, ctx),
        DataType::RegType => DataType::from_oid(oid).map(|data_type| type_name(data_type, -1, ctx)),
        _ => None,
    };
    let name = name.unwrap_or_else(|| oid.to_string());
    Value::Reg(Arc::new(RegObject { oid, name: name.into() }))
}

/// `a."B"` as its parts.
pub fn name_parts(text: &str) -> Result<Vec<String>> {
    let invalid = || SqlError::new(SqlState::INVALID_NAME, "invalid name syntax");
    let mut parts = Vec::new();
    let mut chars = text.trim().chars().peekable();
    loop {
        let mut part = String::new();
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next() {
                    Some('"') if chars.next_if_eq(&'"').is_some() => part.push('"'),
                    Some('"') => break,
                    Some(c) => part.push(c),
                    None => return Err(invalid()),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| !matches!(c, '.' | '"')) {
                part.extend(c.to_lowercase());
            }
            part.truncate(part.trim_end().len());
        }
        if part.is_empty() {
            return Err(invalid());
        }
        parts.push(part);
        match chars.next() {
            None => return Ok(parts),
            Some('.') => {}
            Some(_) => return Err(invalid()),
        }
    }
}

fn relation_oid(parts: &[String], ctx: &ValueContext) -> Option<u32> {
    crate::catalog_views::relation_oid(&ctx.catalog, &ctx.path, parts)
}

fn relation_name(oid: u32, ctx: &ValueContext) -> Option<String> {
    let (schema, name) = crate::catalog_views::relation_name(&ctx.catalog, oid)?;
    Some(ctx.path.qualified_relation(&ctx.catalog, &schema, &name))
}

fn type_value(text: &str, ctx: &ValueContext) -> Result<Value> {
    let parsed = crate::parse::parse_type(text)?;
    let column_type = crate::bind::type_name::plain(&parsed, ctx.types())?;
    Ok(value(column_type.data_type.oid(), DataType::RegType, ctx))
}

/// Reads a label of an enum.
pub fn parse_enum(text: &str, enum_type: u32, ctx: &ValueContext) -> Result<Value> {
    let definition = ctx.catalog.enum_type(Oid(enum_type));
    match definition.and_then(|definition| definition.value(text)) {
        Some(value) => {
            Ok(Value::Enum(Arc::new(EnumLabel { enum_type, order: value.order, label: value.label.as_str().into() })))
        }
        None => {
            let name = definition.map_or_else(
                || enum_type.to_string(),
                |found| ctx.path.qualified_enum(&ctx.catalog, &found.schema, &found.name),
            );
            Err(SqlError::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("invalid input value for enum {name}: \"{text}\""),
            ))
        }
    }
}

/// The name of a type, of an enum too.
pub fn type_name(data_type: DataType, typmod: i32, ctx: &ValueContext) -> String {
    match data_type {
        DataType::Enum(id) => match ctx.catalog.enum_type(Oid(id)) {
            Some(found) => ctx.path.qualified_enum(&ctx.catalog, &found.schema, &found.name),
            None => "???".to_owned(),
        },
        _ => match data_type.element() {
            Some(element @ DataType::Enum(_)) => format!("{}[]", type_name(element, -1, ctx)),
            _ => super::name(data_type, typmod).into_owned(),
        },
    }
}
