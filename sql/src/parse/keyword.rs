//! PostgreSQL's keywords and their four classes.
//!
//! Which words can be names, and where: an unreserved word everywhere; a column-name word not for functions and types;
//! a type-or-function word not for columns and tables; a reserved word nowhere but as a label. A few words cannot be a
//! label without AS, because they could go on with the expression before them.
//! Source: PostgreSQL's documentation, appendix "SQL Key Words"; the table is that of `pg_get_keywords()` of version 15.

/// Where a keyword can be a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Everywhere.
    Unreserved,
    /// For columns and tables, not for functions and types.
    ColumnName,
    /// For functions and types, not for columns and tables.
    TypeOrFunction,
    /// Nowhere.
    Reserved,
}

macro_rules! keywords {
    ($($variant:ident $word:literal $kind:ident,)*) => {
        /// A keyword of PostgreSQL.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(missing_docs, reason = "the names are the words")]
        pub enum Keyword { $($variant,)* }

        /// All keywords in the order of their words: word, keyword, class, and whether it needs AS as a label.
        const KEYWORDS: &[(&str, Keyword, Class, bool)] =
            &[$(($word, Keyword::$variant, kind!($kind).0, kind!($kind).1),)*];
    };
}

macro_rules! kind {
    (unreserved) => {
        (Class::Unreserved, false)
    };
    (unreserved_as) => {
        (Class::Unreserved, true)
    };
    (column) => {
        (Class::ColumnName, false)
    };
    (column_as) => {
        (Class::ColumnName, true)
    };
    (type) => {
        (Class::TypeOrFunction, false)
    };
    (type_as) => {
        (Class::TypeOrFunction, true)
    };
    (reserved) => {
        (Class::Reserved, false)
    };
    (reserved_as) => {
        (Class::Reserved, true)
    };
}

impl Keyword {
    /// The keyword that a word is, in any case of letters.
    pub fn of(word: &str) -> Option<Self> {
        let mut lower = [0_u8; LONGEST];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        let first = usize::from(lower.first()?.checked_sub(b'a')?);
        let (from, to) = (*FIRST_LETTERS.get(first)?, *FIRST_LETTERS.get(first + 1)?);
        let those = KEYWORDS.get(from..to)?;
        let at = those.binary_search_by(|(known, ..)| known.as_bytes().cmp(lower)).ok()?;
        those.get(at).map(|(_, keyword, ..)| *keyword)
    }

    fn entry(self) -> &'static (&'static str, Self, Class, bool) {
        KEYWORDS.get(self as usize).expect("BUG: every keyword has its entry")
    }

    /// The word, in lower case.
    pub fn word(self) -> &'static str {
        self.entry().0
    }

    /// Where it can be a name.
    pub fn class(self) -> Class {
        self.entry().2
    }

    /// Whether it can be a label without AS.
    pub fn is_bare_label(self) -> bool {
        !self.entry().3
    }
}

/// The length of the longest keyword.
const LONGEST: usize = 17;

/// Where the keywords with each first letter begin, and where the last ones end.
static FIRST_LETTERS: [usize; 27] = first_letters();

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn first_letters() -> [usize; 27] {
    let mut starts = [0_usize; 27];
    let (mut letter, mut at) = (0, 0);
    while letter < 27 {
        while at < KEYWORDS.len() && ((KEYWORDS[at].0.as_bytes()[0] - b'a') as usize) < letter {
            at += 1;
        }
        starts[letter] = at;
        letter += 1;
    }
    starts
}

#[rustfmt::skip]
keywords! {
    Abort "abort" unreserved, Absolute "absolute" unreserved, Access "access" unreserved, Action "action" unreserved,
    Add "add" unreserved, Admin "admin" unreserved, After "after" unreserved, Aggregate "aggregate" unreserved,
    All "all" reserved, Also "also" unreserved, Alter "alter" unreserved, Always "always" unreserved,
    Analyse "analyse" reserved, Analyze "analyze" reserved, And "and" reserved, Any "any" reserved,
    Array "array" reserved_as, As "as" reserved_as, Asc "asc" reserved, Asensitive "asensitive" unreserved,
    Assertion "assertion" unreserved, Assignment "assignment" unreserved, Asymmetric "asymmetric" reserved,
    At "at" unreserved, Atomic "atomic" unreserved, Attach "attach" unreserved, Attribute "attribute" unreserved,
    Authorization "authorization" type, Backward "backward" unreserved, Before "before" unreserved,
    Begin "begin" unreserved, Between "between" column, Bigint "bigint" column, Binary "binary" type,
    Bit "bit" column, Boolean "boolean" column, Both "both" reserved, Breadth "breadth" unreserved,
    By "by" unreserved, Cache "cache" unreserved, Call "call" unreserved, Called "called" unreserved,
    Cascade "cascade" unreserved, Cascaded "cascaded" unreserved, Case "case" reserved, Cast "cast" reserved,
    Catalog "catalog" unreserved, Chain "chain" unreserved, Char "char" column_as, Character "character" column_as,
    Characteristics "characteristics" unreserved, Check "check" reserved, Checkpoint "checkpoint" unreserved,
    Class "class" unreserved, Close "close" unreserved, Cluster "cluster" unreserved, Coalesce "coalesce" column,
    Collate "collate" reserved, Collation "collation" type, Column "column" reserved, Columns "columns" unreserved,
    Comment "comment" unreserved, Comments "comments" unreserved, Commit "commit" unreserved,
    Committed "committed" unreserved, Compression "compression" unreserved, Concurrently "concurrently" type,
    Configuration "configuration" unreserved, Conflict "conflict" unreserved, Connection "connection" unreserved,
    Constraint "constraint" reserved, Constraints "constraints" unreserved, Content "content" unreserved,
    Continue "continue" unreserved, Conversion "conversion" unreserved, Copy "copy" unreserved,
    Cost "cost" unreserved, Create "create" reserved_as, Cross "cross" type, Csv "csv" unreserved,
    Cube "cube" unreserved, Current "current" unreserved, CurrentCatalog "current_catalog" reserved,
    CurrentDate "current_date" reserved, CurrentRole "current_role" reserved, CurrentSchema "current_schema" type,
    CurrentTime "current_time" reserved, CurrentTimestamp "current_timestamp" reserved,
    CurrentUser "current_user" reserved, Cursor "cursor" unreserved, Cycle "cycle" unreserved,
    Data "data" unreserved, Database "database" unreserved, Day "day" unreserved_as,
    Deallocate "deallocate" unreserved, Dec "dec" column, Decimal "decimal" column, Declare "declare" unreserved,
    Default "default" reserved, Defaults "defaults" unreserved, Deferrable "deferrable" reserved,
    Deferred "deferred" unreserved, Definer "definer" unreserved, Delete "delete" unreserved,
    Delimiter "delimiter" unreserved, Delimiters "delimiters" unreserved, Depends "depends" unreserved,
    Depth "depth" unreserved, Desc "desc" reserved, Detach "detach" unreserved, Dictionary "dictionary" unreserved,
    Disable "disable" unreserved, Discard "discard" unreserved, Distinct "distinct" reserved, Do "do" reserved,
    Document "document" unreserved, Domain "domain" unreserved, Double "double" unreserved, Drop "drop" unreserved,
    Each "each" unreserved, Else "else" reserved, Enable "enable" unreserved, Encoding "encoding" unreserved,
    Encrypted "encrypted" unreserved, End "end" reserved, Enum "enum" unreserved, Escape "escape" unreserved,
    Event "event" unreserved, Except "except" reserved_as, Exclude "exclude" unreserved,
    Excluding "excluding" unreserved, Exclusive "exclusive" unreserved, Execute "execute" unreserved,
    Exists "exists" column, Explain "explain" unreserved, Expression "expression" unreserved,
    Extension "extension" unreserved, External "external" unreserved, Extract "extract" column,
    False "false" reserved, Family "family" unreserved, Fetch "fetch" reserved_as, Filter "filter" unreserved_as,
    Finalize "finalize" unreserved, First "first" unreserved, Float "float" column, Following "following" unreserved,
    For "for" reserved_as, Force "force" unreserved, Foreign "foreign" reserved, Forward "forward" unreserved,
    Freeze "freeze" type, From "from" reserved_as, Full "full" type, Function "function" unreserved,
    Functions "functions" unreserved, Generated "generated" unreserved, Global "global" unreserved,
    Grant "grant" reserved_as, Granted "granted" unreserved, Greatest "greatest" column, Group "group" reserved_as,
    Grouping "grouping" column, Groups "groups" unreserved, Handler "handler" unreserved,
    Having "having" reserved_as, Header "header" unreserved, Hold "hold" unreserved, Hour "hour" unreserved_as,
    Identity "identity" unreserved, If "if" unreserved, Ilike "ilike" type, Immediate "immediate" unreserved,
    Immutable "immutable" unreserved, Implicit "implicit" unreserved, Import "import" unreserved, In "in" reserved,
    Include "include" unreserved, Including "including" unreserved, Increment "increment" unreserved,
    Index "index" unreserved, Indexes "indexes" unreserved, Inherit "inherit" unreserved,
    Inherits "inherits" unreserved, Initially "initially" reserved, Inline "inline" unreserved, Inner "inner" type,
    Inout "inout" column, Input "input" unreserved, Insensitive "insensitive" unreserved, Insert "insert" unreserved,
    Instead "instead" unreserved, Int "int" column, Integer "integer" column, Intersect "intersect" reserved_as,
    Interval "interval" column, Into "into" reserved_as, Invoker "invoker" unreserved, Is "is" type,
    Isnull "isnull" type_as, Isolation "isolation" unreserved, Join "join" type, Key "key" unreserved,
    Label "label" unreserved, Language "language" unreserved, Large "large" unreserved, Last "last" unreserved,
    Lateral "lateral" reserved, Leading "leading" reserved, Leakproof "leakproof" unreserved, Least "least" column,
    Left "left" type, Level "level" unreserved, Like "like" type, Limit "limit" reserved_as,
    Listen "listen" unreserved, Load "load" unreserved, Local "local" unreserved, Localtime "localtime" reserved,
    Localtimestamp "localtimestamp" reserved, Location "location" unreserved, Lock "lock" unreserved,
    Locked "locked" unreserved, Logged "logged" unreserved, Mapping "mapping" unreserved, Match "match" unreserved,
    Matched "matched" unreserved, Materialized "materialized" unreserved, Maxvalue "maxvalue" unreserved,
    Merge "merge" unreserved, Method "method" unreserved, Minute "minute" unreserved_as,
    Minvalue "minvalue" unreserved, Mode "mode" unreserved, Month "month" unreserved_as, Move "move" unreserved,
    Name "name" unreserved, Names "names" unreserved, National "national" column, Natural "natural" type,
    Nchar "nchar" column, New "new" unreserved, Next "next" unreserved, Nfc "nfc" unreserved, Nfd "nfd" unreserved,
    Nfkc "nfkc" unreserved, Nfkd "nfkd" unreserved, No "no" unreserved, None "none" column,
    Normalize "normalize" column, Normalized "normalized" unreserved, Not "not" reserved,
    Nothing "nothing" unreserved, Notify "notify" unreserved, Notnull "notnull" type_as, Nowait "nowait" unreserved,
    Null "null" reserved, Nullif "nullif" column, Nulls "nulls" unreserved, Numeric "numeric" column,
    Object "object" unreserved, Of "of" unreserved, Off "off" unreserved, Offset "offset" reserved_as,
    Oids "oids" unreserved, Old "old" unreserved, On "on" reserved_as, Only "only" reserved,
    Operator "operator" unreserved, Option "option" unreserved, Options "options" unreserved, Or "or" reserved,
    Order "order" reserved_as, Ordinality "ordinality" unreserved, Others "others" unreserved, Out "out" column,
    Outer "outer" type, Over "over" unreserved_as, Overlaps "overlaps" type_as, Overlay "overlay" column,
    Overriding "overriding" unreserved, Owned "owned" unreserved, Owner "owner" unreserved,
    Parallel "parallel" unreserved, Parameter "parameter" unreserved, Parser "parser" unreserved,
    Partial "partial" unreserved, Partition "partition" unreserved, Passing "passing" unreserved,
    Password "password" unreserved, Placing "placing" reserved, Plans "plans" unreserved, Policy "policy" unreserved,
    Position "position" column, Preceding "preceding" unreserved, Precision "precision" column_as,
    Prepare "prepare" unreserved, Prepared "prepared" unreserved, Preserve "preserve" unreserved,
    Primary "primary" reserved, Prior "prior" unreserved, Privileges "privileges" unreserved,
    Procedural "procedural" unreserved, Procedure "procedure" unreserved, Procedures "procedures" unreserved,
    Program "program" unreserved, Publication "publication" unreserved, Quote "quote" unreserved,
    Range "range" unreserved, Read "read" unreserved, Real "real" column, Reassign "reassign" unreserved,
    Recheck "recheck" unreserved, Recursive "recursive" unreserved, Ref "ref" unreserved,
    References "references" reserved, Referencing "referencing" unreserved, Refresh "refresh" unreserved,
    Reindex "reindex" unreserved, Relative "relative" unreserved, Release "release" unreserved,
    Rename "rename" unreserved, Repeatable "repeatable" unreserved, Replace "replace" unreserved,
    Replica "replica" unreserved, Reset "reset" unreserved, Restart "restart" unreserved,
    Restrict "restrict" unreserved, Return "return" unreserved, Returning "returning" reserved_as,
    Returns "returns" unreserved, Revoke "revoke" unreserved, Right "right" type, Role "role" unreserved,
    Rollback "rollback" unreserved, Rollup "rollup" unreserved, Routine "routine" unreserved,
    Routines "routines" unreserved, Row "row" column, Rows "rows" unreserved, Rule "rule" unreserved,
    Savepoint "savepoint" unreserved, Schema "schema" unreserved, Schemas "schemas" unreserved,
    Scroll "scroll" unreserved, Search "search" unreserved, Second "second" unreserved_as,
    Security "security" unreserved, Select "select" reserved, Sequence "sequence" unreserved,
    Sequences "sequences" unreserved, Serializable "serializable" unreserved, Server "server" unreserved,
    Session "session" unreserved, SessionUser "session_user" reserved, Set "set" unreserved, Setof "setof" column,
    Sets "sets" unreserved, Share "share" unreserved, Show "show" unreserved, Similar "similar" type,
    Simple "simple" unreserved, Skip "skip" unreserved, Smallint "smallint" column, Snapshot "snapshot" unreserved,
    Some "some" reserved, Sql "sql" unreserved, Stable "stable" unreserved, Standalone "standalone" unreserved,
    Start "start" unreserved, Statement "statement" unreserved, Statistics "statistics" unreserved,
    Stdin "stdin" unreserved, Stdout "stdout" unreserved, Storage "storage" unreserved, Stored "stored" unreserved,
    Strict "strict" unreserved, Strip "strip" unreserved, Subscription "subscription" unreserved,
    Substring "substring" column, Support "support" unreserved, Symmetric "symmetric" reserved,
    Sysid "sysid" unreserved, System "system" unreserved, Table "table" reserved, Tables "tables" unreserved,
    Tablesample "tablesample" type, Tablespace "tablespace" unreserved, Temp "temp" unreserved,
    Template "template" unreserved, Temporary "temporary" unreserved, Text "text" unreserved, Then "then" reserved,
    Ties "ties" unreserved, Time "time" column, Timestamp "timestamp" column, To "to" reserved_as,
    Trailing "trailing" reserved, Transaction "transaction" unreserved, Transform "transform" unreserved,
    Treat "treat" column, Trigger "trigger" unreserved, Trim "trim" column, True "true" reserved,
    Truncate "truncate" unreserved, Trusted "trusted" unreserved, Type "type" unreserved, Types "types" unreserved,
    Uescape "uescape" unreserved, Unbounded "unbounded" unreserved, Uncommitted "uncommitted" unreserved,
    Unencrypted "unencrypted" unreserved, Union "union" reserved_as, Unique "unique" reserved,
    Unknown "unknown" unreserved, Unlisten "unlisten" unreserved, Unlogged "unlogged" unreserved,
    Until "until" unreserved, Update "update" unreserved, User "user" reserved, Using "using" reserved,
    Vacuum "vacuum" unreserved, Valid "valid" unreserved, Validate "validate" unreserved,
    Validator "validator" unreserved, Value "value" unreserved, Values "values" column, Varchar "varchar" column,
    Variadic "variadic" reserved, Varying "varying" unreserved_as, Verbose "verbose" type,
    Version "version" unreserved, View "view" unreserved, Views "views" unreserved, Volatile "volatile" unreserved,
    When "when" reserved, Where "where" reserved_as, Whitespace "whitespace" unreserved, Window "window" reserved_as,
    With "with" reserved_as, Within "within" unreserved_as, Without "without" unreserved_as, Work "work" unreserved,
    Wrapper "wrapper" unreserved, Write "write" unreserved, Xml "xml" unreserved,
    Xmlattributes "xmlattributes" column, Xmlconcat "xmlconcat" column, Xmlelement "xmlelement" column,
    Xmlexists "xmlexists" column, Xmlforest "xmlforest" column, Xmlnamespaces "xmlnamespaces" column,
    Xmlparse "xmlparse" column, Xmlpi "xmlpi" column, Xmlroot "xmlroot" column, Xmlserialize "xmlserialize" column,
    Xmltable "xmltable" column, Year "year" unreserved_as, Yes "yes" unreserved, Zone "zone" unreserved,
}
