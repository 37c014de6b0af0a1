//! What the server is doing: `pg_stat_activity`.

use heliosdb_storage::Row;
use heliosdb_storage::value::{DataType, Value};

use super::cell::{int4, oid, oid32, text, text_or_null};
use super::pg_server::DATABASE_OID;
use super::{SystemRelation, ViewContext};
use crate::error::Result;
use crate::functions::system::USER_OID;
use crate::session::settings::Setting;

use DataType::{Int4, Int8, Name, Oid, Text, TimestampTz};

pub(super) static RELATIONS: &[SystemRelation] = &[SystemRelation {
    schema: "pg_catalog",
    name: "pg_stat_activity",
    columns: &[
        ("datid", Oid),
        ("datname", Name),
        ("pid", Int4),
        ("leader_pid", Int4),
        ("usesysid", Oid),
        ("usename", Name),
        ("application_name", Text),
        // inet in PostgreSQL.
        ("client_addr", Text),
        ("client_hostname", Text),
        ("client_port", Int4),
        ("backend_start", TimestampTz),
        ("xact_start", TimestampTz),
        ("query_start", TimestampTz),
        ("state_change", TimestampTz),
        ("wait_event_type", Text),
        ("wait_event", Text),
        ("state", Text),
        // xid in PostgreSQL.
        ("backend_xid", Text),
        ("backend_xmin", Text),
        ("query_id", Int8),
        ("query", Text),
        ("backend_type", Text),
    ],
    rows: pg_stat_activity,
}];

fn pg_stat_activity(ctx: &ViewContext<'_>) -> Result<Vec<Row>> {
    let longest = usize::try_from(ctx.session.settings().integer(Setting::TrackActivityQuerySize)).unwrap_or(0);
    let time = |moment: Option<i64>| moment.map_or(Value::Null, Value::TimestampTz);
    let rows = ctx.session.backends.all().into_iter().map(|backend| {
        let activity = backend.activity();
        let query = &*activity.query;
        // As in PostgreSQL, one byte is the end of the string.
        let shown = query.get(..query.floor_char_boundary(longest.saturating_sub(1))).unwrap_or(query);
        let is_idle = activity.state != crate::session::backend::Activeness::Active;
        vec![
            oid(DATABASE_OID),
            text(&*activity.database),
            int4(backend.pid),
            Value::Null,
            oid32(USER_OID),
            text(&*activity.user),
            text(&*activity.application_name),
            text_or_null(activity.client.map(|client| client.ip().to_canonical().to_string())),
            Value::Null,
            int4(activity.client.map_or(-1, |client| i32::from(client.port()))),
            time(Some(activity.backend_start)),
            time(activity.transaction_start),
            time(activity.query_start),
            time(Some(activity.state_change)),
            text_or_null(is_idle.then_some("Client")),
            text_or_null(is_idle.then_some("ClientRead")),
            text(activity.state.name()),
            Value::Null,
            Value::Null,
            Value::Null,
            text(shown),
            text("client backend"),
        ]
    });
    Ok(rows.collect())
}
