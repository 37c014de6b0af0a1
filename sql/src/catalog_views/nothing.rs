//! Catalogs of what does not exist here: they have PostgreSQL's columns and no rows, so that queries of tools that join
//! them answer.

use heliosdb_storage::value::DataType;

use super::SystemRelation;
use DataType::{Bool, Bytea, Char, Int2, Int4, Int8, Name, Oid, PgNodeTree, RegProc, Text, TimestampTz};

macro_rules! nothing {
    ($($name:literal: [$(($column:literal, $data_type:expr)),* $(,)?]),* $(,)?) => {
        pub(super) static RELATIONS: &[SystemRelation] = &[$(
            SystemRelation {
                schema: "pg_catalog",
                name: $name,
                columns: &[$(($column, $data_type)),*],
                rows: |_| Ok(Vec::new()),
            },
        )*];
    };
}

nothing! {
    "pg_range": [
        ("rngtypid", Oid), ("rngsubtype", Oid), ("rngmultitypid", Oid), ("rngcollation", Oid), ("rngsubopc", Oid),
        ("rngcanonical", RegProc), ("rngsubdiff", RegProc),
    ],
    "pg_policy": [
        ("oid", Oid), ("polname", Name), ("polrelid", Oid), ("polcmd", Char), ("polpermissive", Bool),
        ("polroles", Text), ("polqual", PgNodeTree), ("polwithcheck", PgNodeTree),
    ],
    "pg_publication": [
        ("oid", Oid), ("pubname", Name), ("pubowner", Oid), ("puballtables", Bool), ("pubinsert", Bool),
        ("pubupdate", Bool), ("pubdelete", Bool), ("pubtruncate", Bool), ("pubviaroot", Bool),
    ],
    "pg_publication_rel": [
        ("oid", Oid), ("prpubid", Oid), ("prrelid", Oid), ("prqual", PgNodeTree), ("prattrs", DataType::Int2Vector),
    ],
    "pg_publication_namespace": [("oid", Oid), ("pnpubid", Oid), ("pnnspid", Oid)],
    "pg_subscription": [("oid", Oid), ("subdbid", Oid), ("subname", Name), ("subowner", Oid), ("subenabled", Bool)],
    "pg_statistic_ext": [
        ("oid", Oid), ("stxrelid", Oid), ("stxname", Name), ("stxnamespace", Oid), ("stxowner", Oid),
        ("stxstattarget", Int4), ("stxkeys", DataType::Int2Vector), ("stxkind", Text), ("stxexprs", PgNodeTree),
    ],
    "pg_foreign_table": [("ftrelid", Oid), ("ftserver", Oid), ("ftoptions", Text)],
    "pg_foreign_server": [
        ("oid", Oid), ("srvname", Name), ("srvowner", Oid), ("srvfdw", Oid), ("srvtype", Text), ("srvversion", Text),
        ("srvacl", Text), ("srvoptions", Text),
    ],
    "pg_foreign_data_wrapper": [
        ("oid", Oid), ("fdwname", Name), ("fdwowner", Oid), ("fdwhandler", Oid), ("fdwvalidator", Oid),
        ("fdwacl", Text), ("fdwoptions", Text),
    ],
    "pg_inherits": [("inhrelid", Oid), ("inhparent", Oid), ("inhseqno", Int4), ("inhdetachpending", Bool)],
    "pg_partitioned_table": [
        ("partrelid", Oid), ("partstrat", Char), ("partnatts", Int2), ("partdefid", Oid),
        ("partattrs", DataType::Int2Vector), ("partclass", DataType::OidVector), ("partcollation", DataType::OidVector),
        ("partexprs", PgNodeTree),
    ],
    "pg_trigger": [
        ("oid", Oid), ("tgrelid", Oid), ("tgparentid", Oid), ("tgname", Name), ("tgfoid", Oid), ("tgtype", Int2),
        ("tgenabled", Char), ("tgisinternal", Bool), ("tgconstrrelid", Oid), ("tgconstrindid", Oid),
        ("tgconstraint", Oid), ("tgdeferrable", Bool), ("tginitdeferred", Bool), ("tgnargs", Int2),
        ("tgattr", DataType::Int2Vector), ("tgargs", Bytea), ("tgqual", PgNodeTree), ("tgoldtable", Name),
        ("tgnewtable", Name),
    ],
    "pg_event_trigger": [
        ("oid", Oid), ("evtname", Name), ("evtevent", Name), ("evtowner", Oid), ("evtfoid", Oid), ("evtenabled", Char),
        ("evttags", Text),
    ],
    "pg_largeobject_metadata": [("oid", Oid), ("lomowner", Oid), ("lomacl", Text)],
    "pg_default_acl": [
        ("oid", Oid), ("defaclrole", Oid), ("defaclnamespace", Oid), ("defaclobjtype", Char), ("defaclacl", Text),
    ],
    "pg_seclabel": [
        ("objoid", Oid), ("classoid", Oid), ("objsubid", Int4), ("provider", Text), ("label", Text),
    ],
    "pg_prepared_xacts": [
        ("transaction", DataType::Xid), ("gid", Text), ("prepared", TimestampTz), ("owner", Name), ("database", Name),
    ],
    "pg_matviews": [
        ("schemaname", Name), ("matviewname", Name), ("matviewowner", Name), ("tablespace", Name),
        ("hasindexes", Bool), ("ispopulated", Bool), ("definition", Text),
    ],
    "pg_replication_slots": [("slot_name", Name), ("plugin", Name), ("slot_type", Text), ("active", Bool)],
    "pg_stat_replication": [("pid", Int4), ("usename", Name), ("application_name", Text), ("state", Text)],
    "pg_stat_progress_vacuum": [("pid", Int4), ("datname", Name), ("relid", Oid), ("heap_blks_total", Int8)],
}
