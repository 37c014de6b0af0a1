//! Every relation, over a store with a few tables.

use std::sync::Arc;
use std::time::Duration;

use heliosdb_storage::base::MemoryDisk;
use heliosdb_storage::catalog::{CheckDef, CrdtType, ForeignKeyDef, IndexDef, NewColumn, NewTable, RowExpression};
use heliosdb_storage::constraints::{RowChecker, RowContext};
use heliosdb_storage::store::Backend;
use heliosdb_storage::value::{ColumnType, Value};
use heliosdb_storage::{Store, StoreOptions, WriteOrigin};

use super::*;
use crate::sync_control::NoSync;

struct AllPass;

impl RowChecker for AllPass {
    fn check(&self, _: &RowContext<'_>, _: &CheckDef) -> heliosdb_storage::Result<bool> {
        Ok(true)
    }
}

fn column(name: &str, data_type: DataType, crdt: Option<CrdtType>) -> NewColumn {
    NewColumn {
        crdt,
        not_null: name == "id",
        default: (name == "on_hand").then(|| "0".to_owned()),
        ..NewColumn::new(name, ColumnType { data_type, typmod: -1 })
    }
}

/// Runs a test over a transaction that has made two tables.
fn with_tables(test: impl FnOnce(&ViewContext<'_>)) {
    let store = Store::open(StoreOptions {
        backend: Backend::Memory(MemoryDisk::default()),
        cache_bytes: 1 << 20,
        queue_capacity: 10,
        deadlock_timeout: Duration::from_secs(1),
        apply_lock_wait: Duration::from_secs(5),
        wall_clock: Arc::new(|| 1_700_000_000_000),
        row_checker: Arc::new(AllPass),
    })
    .unwrap();
    let mut txn = store.begin(WriteOrigin::Local);
    let parent = NewTable {
        schema: "public".to_owned(),
        name: "items".to_owned(),
        columns: vec![
            column("id", DataType::Int8, None),
            column("on_hand", DataType::Int8, Some(CrdtType::PnCounter)),
            column("label", DataType::Text, Some(CrdtType::Lww)),
        ],
        primary_key: Some(("items_pkey".to_owned(), vec![0])),
        indexes: vec![IndexDef::unique_constraint("items_label_key", &[2])],
        checks: vec![CheckDef {
            name: "items_check".to_owned(),
            expression: RowExpression { text: "id > 0".to_owned(), slots: vec![0] },
            ..CheckDef::default()
        }],
        ..NewTable::default()
    };
    let parent = txn.create_table(parent).unwrap();
    let child = NewTable {
        schema: "public".to_owned(),
        name: "Lines".to_owned(),
        columns: vec![column("id", DataType::Int4, None), column("item", DataType::Int8, None)],
        primary_key: Some(("lines_pkey".to_owned(), vec![0])),
        foreign_keys: vec![ForeignKeyDef {
            name: "lines_item_fkey".to_owned(),
            slots: vec![1],
            parent: parent.id,
            parent_slots: vec![0],
            ..ForeignKeyDef::default()
        }],
        ..NewTable::default()
    };
    txn.create_table(child).unwrap();
    let session = SessionFacts::alone("helios", "shop");
    test(&ViewContext { txn: &txn, sync: &NoSync, session: &session });
}

fn is_of(value: &Value, data_type: DataType) -> bool {
    value.fits(data_type)
}

#[test]
fn rows_have_the_columns_that_are_declared() {
    with_tables(|ctx| {
        for (_, relation) in all() {
            let name = format!("{}.{}", relation.schema, relation.name);
            assert!(std::ptr::eq(lookup(relation.schema, relation.name).unwrap(), relation), "{name}");
            for row in (relation.rows)(ctx).unwrap() {
                assert_eq!(row.len(), relation.columns.len(), "{name}");
                for (value, (column, data_type)) in row.iter().zip(relation.columns) {
                    assert!(is_of(value, *data_type), "{name}.{column} is {value:?}");
                }
            }
        }
    });
}

/// The values of some columns of the rows in which one column has a value.
fn select(ctx: &ViewContext<'_>, relation: &str, wanted: &[&str], of: (&str, &Value)) -> Vec<Vec<Value>> {
    let (schema, name) = relation.split_once('.').unwrap();
    let relation = lookup(schema, name).unwrap();
    let place = |column: &str| relation.columns.iter().position(|(name, _)| *name == column).unwrap();
    let rows = (relation.rows)(ctx).unwrap();
    let matching = rows.into_iter().filter(|row| row[place(of.0)] == *of.1);
    matching.map(|row| wanted.iter().map(|column| row[place(column)].clone()).collect()).collect()
}

#[test]
fn tables_columns_and_constraints_are_found() {
    with_tables(|ctx| {
        let text = Value::text;
        let id = select(ctx, "pg_catalog.pg_class", &["oid"], ("relname", &text("items")))[0][0].clone();
        let columns = select(ctx, "pg_catalog.pg_attribute", &["attname", "atttypid"], ("attrelid", &id));
        let types: Vec<_> = columns.iter().map(|row| row[1].clone()).collect();
        assert_eq!(types, [Value::Oid(20), Value::Oid(15_002), Value::Oid(15_106)]);
        assert_eq!(
            select(ctx, "pg_catalog.pg_type", &["typname", "typbasetype"], ("oid", &Value::Oid(15_106))),
            [[text("lww(text)"), Value::Oid(25)]]
        );
        let kinds = select(ctx, "pg_catalog.pg_constraint", &["conname", "contype"], ("conrelid", &id));
        assert_eq!(
            kinds,
            [[text("items_pkey"), text("p")], [text("items_label_key"), text("u")], [text("items_check"), text("c")]]
        );
        assert_eq!(
            select(ctx, "pg_catalog.pg_constraint", &["confrelid", "confkey"], ("conname", &text("lines_item_fkey"))),
            [[id, super::cell::int2_array([1])]]
        );
        assert_eq!(
            select(ctx, "pg_catalog.pg_indexes", &["indexdef"], ("indexname", &text("lines_pkey"))),
            [[text("CREATE UNIQUE INDEX lines_pkey ON public.\"Lines\" USING btree (id)")]]
        );
        assert_eq!(
            select(ctx, "information_schema.columns", &["data_type", "domain_name"], ("column_name", &text("on_hand"))),
            [[text("bigint"), text("pn_counter")]]
        );
        assert_eq!(
            select(ctx, "sync.status", &["state", "pending_transactions"], ("node_id", &text("local"))),
            [[text("standalone"), Value::Int8(0)]]
        );
    });
}
