//! Actions of foreign keys on synced tables: they run where the statement runs, and travel as what they change.

use std::sync::Arc;

use heliosdb_storage::catalog::{ForeignKeyDef, IndexDef, NewColumn, NewTable, ReferentialAction, SyncMode, TableDef};
use heliosdb_storage::key::KeyRange;
use heliosdb_storage::sync_row::{Internal, OutboxEntry, OutboxState};
use heliosdb_storage::transaction::Direction;
use heliosdb_storage::value::ColumnType;
use heliosdb_storage::{ColumnChange, DataType, Result, RowKey, Store, Transaction, Value, WriteOrigin};

use crate::fixture::{Cloud, eventually};

fn int_columns(names: &[&str]) -> Vec<NewColumn> {
    names.iter().map(|name| NewColumn::new(*name, ColumnType { data_type: DataType::Int4, typmod: -1 })).collect()
}

fn foreign_key(parent: &TableDef, on_delete: ReferentialAction) -> ForeignKeyDef {
    ForeignKeyDef {
        name: "ticket_fkey".to_owned(),
        slots: vec![1],
        parent: parent.id,
        parent_slots: vec![0],
        on_delete,
        on_update: ReferentialAction::Cascade,
        validated: true,
        ..ForeignKeyDef::default()
    }
}

/// `tickets (id)`, `lines (id, ticket → tickets ON DELETE CASCADE)`, `notes (id, ticket → tickets ON DELETE SET NULL)`.
fn create_tables(store: &Arc<Store>) {
    let mut txn = store.begin(WriteOrigin::Local);
    txn.begin_statement().unwrap();
    let table = |name: &str, columns: &[&str], foreign_keys, indexes| NewTable {
        schema: "public".to_owned(),
        name: name.to_owned(),
        columns: int_columns(columns),
        primary_key: Some((format!("{name}_pkey"), vec![0])),
        foreign_keys,
        indexes,
        sync: SyncMode::Both,
        ..NewTable::default()
    };
    let tickets = txn.create_table(table("tickets", &["id"], Vec::new(), Vec::new())).unwrap();
    let lines = foreign_key(&tickets, ReferentialAction::Cascade);
    let index = IndexDef::on("lines_ticket_idx", &[1]);
    txn.create_table(table("lines", &["id", "ticket"], vec![lines], vec![index])).unwrap();
    let notes = foreign_key(&tickets, ReferentialAction::SetNull);
    txn.create_table(table("notes", &["id", "ticket"], vec![notes], Vec::new())).unwrap();
    txn.commit().unwrap();
}

fn table(store: &Arc<Store>, name: &str) -> Arc<TableDef> {
    Arc::clone(store.catalog().table("public", name).unwrap())
}

fn change(store: &Arc<Store>, work: impl FnOnce(&mut Transaction) -> Result<()>) -> Result<()> {
    let mut txn = store.begin(WriteOrigin::Local);
    txn.begin_statement()?;
    work(&mut txn)?;
    txn.end_statement()?;
    txn.commit().map(|_| ())
}

fn insert(store: &Arc<Store>, name: &str, values: &[i32]) {
    let row = values.iter().map(|n| Value::Int4(*n)).collect();
    change(store, |txn| txn.insert_row(&table(store, name), row).map(|_| ())).unwrap();
}

fn key(id: i32) -> RowKey {
    RowKey::of_values(&[Value::Int4(id)]).unwrap()
}

fn delete_ticket(store: &Arc<Store>, id: i32) -> Result<()> {
    change(store, |txn| txn.delete_row(&table(store, "tickets"), &key(id)).map(|_| ()))
}

fn rows(store: &Arc<Store>, name: &str) -> Vec<Vec<Option<i32>>> {
    let number = |value: &Value| if let Value::Int4(n) = value { Some(*n) } else { None };
    let snapshot = store.snapshot();
    let rows = snapshot.scan(&table(store, name), &KeyRange::ALL, Direction::Forward).unwrap();
    rows.map(|entry| entry.unwrap().1.iter().map(number).collect()).collect()
}

fn all(store: &Arc<Store>) -> [Vec<Vec<Option<i32>>>; 3] {
    ["tickets", "lines", "notes"].map(|name| rows(store, name))
}

fn fill(store: &Arc<Store>) {
    for ticket in 1..=3 {
        insert(store, "tickets", &[ticket]);
        insert(store, "lines", &[10 * ticket, ticket]);
        insert(store, "lines", &[10 * ticket + 1, ticket]);
        insert(store, "notes", &[100 * ticket, ticket]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deletion_takes_along_travels_with_it() {
    let cloud = Cloud::start().await;
    create_tables(&cloud.store);
    fill(&cloud.store);
    let (a, b) = (cloud.edge("a"), cloud.edge("b"));
    a.synced().await;
    b.synced().await;

    delete_ticket(&a.store, 1).unwrap();
    change(&b.store, |txn| {
        let patch = vec![(0, ColumnChange::Set(Value::Int4(20)))];
        txn.update_row(&table(&b.store, "tickets"), &key(2), patch).map(|_| ())
    })
    .unwrap();
    delete_ticket(&cloud.store, 3).unwrap();
    let ticket = |n| vec![Some(n)];
    let expected = [
        vec![ticket(20)],
        vec![vec![Some(20), Some(20)], vec![Some(21), Some(20)]],
        vec![vec![Some(100), None], vec![Some(200), Some(20)], vec![Some(300), None]],
    ];
    for store in [&cloud.store, &a.store, &b.store] {
        eventually("all nodes show what the actions did", || all(store) == expected).await;
    }
    eventually("nothing waits", || {
        [&a.store, &b.store].iter().all(|store| store.outbox_counts().pending_transactions == 0)
    })
    .await;
    assert_eq!((a.store.outbox_counts().dead, b.store.outbox_counts().dead), (0, 0));
}

/// A deletion and an insertion that do not know of each other: the hub takes the one that comes first and refuses the
/// other, so that no line is ever without its ticket there; once the letter is gone, all nodes agree.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_a_deletion_did_not_know_of_keeps_its_parent() {
    let cloud = Cloud::start().await;
    create_tables(&cloud.store);
    fill(&cloud.store);
    let (a, b) = (cloud.edge("a"), cloud.edge("b"));
    a.synced().await;
    b.synced().await;

    a.sync.pause().unwrap();
    delete_ticket(&a.store, 1).unwrap();
    assert_eq!(rows(&a.store, "lines").len(), 4);
    insert(&b.store, "lines", &[12, 1]);
    b.synced().await;
    a.sync.resume().unwrap();
    eventually("the deletion is refused", || a.store.outbox_counts().dead == 1).await;
    let letters = a.store.snapshot().internal_scan(Internal::Outbox, KeyRange::ALL, 10).unwrap();
    let letter = OutboxEntry::decode(&letters[0].1).unwrap();
    let OutboxState::Dead { reason, .. } = &letter.state else { panic!("{:?}", letter.state) };
    assert!(reason.contains("violates foreign key constraint \"ticket_fkey\" on table \"lines\""), "{reason}");
    assert!(a.sync.discard_dead_letter(letter.txn.id.seq).unwrap());
    for store in [&cloud.store, &a.store, &b.store] {
        eventually("all nodes agree", || all(store) == all(&cloud.store) && rows(store, "lines").len() == 7).await;
    }
}

/// The other way round: the line comes to a ticket that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_of_a_parent_that_is_gone_is_refused() {
    let cloud = Cloud::start().await;
    create_tables(&cloud.store);
    fill(&cloud.store);
    let (a, b) = (cloud.edge("a"), cloud.edge("b"));
    a.synced().await;
    b.synced().await;

    b.sync.pause().unwrap();
    insert(&b.store, "lines", &[12, 1]);
    delete_ticket(&a.store, 1).unwrap();
    a.synced().await;
    b.sync.resume().unwrap();
    eventually("the line is refused", || b.store.outbox_counts().dead == 1).await;
    eventually("the deletion has come", || rows(&b.store, "tickets").len() == 2).await;
    // What was put off to the end of a transaction, or taken along, did not stop the pull.
    insert(&b.store, "lines", &[22, 2]);
    for store in [&cloud.store, &a.store] {
        eventually("later work goes through", || rows(store, "lines").len() == 5).await;
    }
}
