//! Errors with SQLSTATE: the one map from what goes wrong to what a client sees.

use heliosdb_storage::{ConstraintKind, Error as StorageError};

/// The result of SQL work.
pub type Result<T, E = SqlError> = std::result::Result<T, E>;

/// A five-character SQLSTATE.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SqlState(pub &'static str);

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        #[allow(missing_docs, reason = "the names are PostgreSQL's condition names")]
        impl SqlState {
            $($(#[$doc])* pub const $name: Self = Self($code);)*
        }
    };
}

states! {
    SUCCESS = "00000";
    WARNING = "01000";
    PROTOCOL_VIOLATION = "08P01";
    TRANSACTION_RESOLUTION_UNKNOWN = "08007";
    FEATURE_NOT_SUPPORTED = "0A000";
    CARDINALITY_VIOLATION = "21000";
    STRING_DATA_RIGHT_TRUNCATION = "22001";
    NUMERIC_VALUE_OUT_OF_RANGE = "22003";
    INVALID_DATETIME_FORMAT = "22007";
    DATETIME_FIELD_OVERFLOW = "22008";
    INVALID_TIME_ZONE_DISPLACEMENT_VALUE = "22009";
    SUBSTRING_ERROR = "22011";
    DIVISION_BY_ZERO = "22012";
    INVALID_PRECEDING_OR_FOLLOWING_SIZE = "22013";
    INVALID_ARGUMENT_FOR_NTILE = "22014";
    INVALID_ARGUMENT_FOR_NTH_VALUE = "22016";
    INVALID_ARGUMENT_FOR_POWER_FUNCTION = "2201F";
    CHARACTER_NOT_IN_REPERTOIRE = "22021";
    INTERVAL_FIELD_OVERFLOW = "22015";
    INVALID_PARAMETER_VALUE = "22023";
    SEQUENCE_GENERATOR_LIMIT_EXCEEDED = "2200H";
    ARRAY_SUBSCRIPT_ERROR = "2202E";
    ARRAY_ELEMENT_ERROR = "2202E";
    DATA_EXCEPTION = "22000";
    INVALID_TEXT_REPRESENTATION = "22P02";
    BAD_COPY_FILE_FORMAT = "22P04";
    INVALID_BINARY_REPRESENTATION = "22P03";
    INVALID_ESCAPE_SEQUENCE = "22025";
    UNTRANSLATABLE_CHARACTER = "22P05";
    NOT_NULL_VIOLATION = "23502";
    FOREIGN_KEY_VIOLATION = "23503";
    UNIQUE_VIOLATION = "23505";
    CHECK_VIOLATION = "23514";
    ACTIVE_SQL_TRANSACTION = "25001";
    READ_ONLY_SQL_TRANSACTION = "25006";
    NO_ACTIVE_SQL_TRANSACTION = "25P01";
    IN_FAILED_SQL_TRANSACTION = "25P02";
    INVALID_SQL_STATEMENT_NAME = "26000";
    INVALID_AUTHORIZATION_SPECIFICATION = "28000";
    INVALID_PASSWORD = "28P01";
    DEPENDENT_OBJECTS_STILL_EXIST = "2BP01";
    INVALID_CURSOR_NAME = "34000";
    INVALID_SAVEPOINT_SPECIFICATION = "3B001";
    INVALID_CATALOG_NAME = "3D000";
    INVALID_SCHEMA_NAME = "3F000";
    INVALID_NAME = "42602";
    CANT_CHANGE_RUNTIME_PARAM = "55P02";
    NULL_VALUE_NOT_ALLOWED = "22004";
    SERIALIZATION_FAILURE = "40001";
    DEADLOCK_DETECTED = "40P01";
    SYNTAX_ERROR = "42601";
    INSUFFICIENT_PRIVILEGE = "42501";
    GROUPING_ERROR = "42803";
    WINDOWING_ERROR = "42P20";
    CANNOT_COERCE = "42846";
    DATATYPE_MISMATCH = "42804";
    INDETERMINATE_DATATYPE = "42P18";
    UNDEFINED_COLUMN = "42703";
    UNDEFINED_FUNCTION = "42883";
    UNDEFINED_TABLE = "42P01";
    UNDEFINED_PARAMETER = "42P02";
    UNDEFINED_OBJECT = "42704";
    DUPLICATE_COLUMN = "42701";
    DUPLICATE_TABLE = "42P07";
    DUPLICATE_OBJECT = "42710";
    DUPLICATE_SCHEMA = "42P06";
    RESERVED_NAME = "42939";
    DUPLICATE_ALIAS = "42712";
    AMBIGUOUS_COLUMN = "42702";
    AMBIGUOUS_FUNCTION = "42725";
    INVALID_COLUMN_REFERENCE = "42P10";
    INVALID_TABLE_DEFINITION = "42P16";
    INVALID_OBJECT_DEFINITION = "42P17";
    GENERATED_ALWAYS = "428C9";
    INVALID_COLUMN_DEFINITION = "42611";
    INVALID_FOREIGN_KEY = "42830";
    INVALID_RECURSION = "42P19";
    WRONG_OBJECT_TYPE = "42809";
    DUPLICATE_CURSOR = "42P03";
    INVALID_CURSOR_DEFINITION = "42P11";
    DUPLICATE_PREPARED_STATEMENT = "42P05";
    DISK_FULL = "53100";
    OUT_OF_MEMORY = "53200";
    TOO_MANY_CONNECTIONS = "53300";
    CONFIGURATION_LIMIT_EXCEEDED = "53400";
    PROGRAM_LIMIT_EXCEEDED = "54000";
    STATEMENT_TOO_COMPLEX = "54001";
    TOO_MANY_COLUMNS = "54011";
    TOO_MANY_ARGUMENTS = "54023";
    OBJECT_NOT_IN_PREREQUISITE_STATE = "55000";
    OBJECT_IN_USE = "55006";
    LOCK_NOT_AVAILABLE = "55P03";
    QUERY_CANCELED = "57014";
    ADMIN_SHUTDOWN = "57P01";
    IDLE_SESSION_TIMEOUT = "57P05";
    IDLE_IN_TRANSACTION_SESSION_TIMEOUT = "25P03";
    IO_ERROR = "58030";
    INTERNAL_ERROR = "XX000";
    DATA_CORRUPTED = "XX001";
}

/// An error as a client sees it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    /// The SQLSTATE.
    pub state: SqlState,
    /// The primary message.
    pub message: String,
    /// The rest of the report, mostly empty.
    pub fields: Box<ErrorFields>,
}

/// Optional fields of an error report.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ErrorFields {
    /// What exactly.
    pub detail: Option<String>,
    /// How to mend it.
    pub hint: Option<String>,
    /// What was being done, innermost first: one line each.
    pub context: Option<String>,
    /// Where in the text, in characters from 1.
    pub position: Option<usize>,
    /// The schema of the table.
    pub schema: Option<String>,
    /// The table.
    pub table: Option<String>,
    /// The column.
    pub column: Option<String>,
    /// The constraint.
    pub constraint: Option<String>,
}

impl SqlError {
    /// An error with a SQLSTATE and a message.
    pub fn new(state: SqlState, message: impl Into<String>) -> Self {
        Self { state, message: message.into(), fields: Box::default() }
    }

    /// Refuses something by name (0A000).
    pub fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} is not supported"))
    }

    /// The same with a message that says so in its own words.
    pub fn unsupported_as(message: impl Into<String>) -> Self {
        Self::new(SqlState::FEATURE_NOT_SUPPORTED, message)
    }

    /// Adds how to mend it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.fields.hint = Some(hint.into());
        self
    }

    /// Adds a line about what was being done, outside of those that are there.
    #[must_use]
    pub fn with_context(mut self, line: &str) -> Self {
        self.fields.context = Some(match self.fields.context.take() {
            Some(inner) => format!("{inner}\n{line}"),
            None => line.to_owned(),
        });
        self
    }

    /// Adds what exactly went wrong.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.fields.detail = Some(detail.into());
        self
    }
}

/// How to mend what the store reports, where that is not plain from the message.
const fn hint_for(error: &StorageError) -> Option<&'static str> {
    match error {
        StorageError::QueueFull { .. } => Some(
            "Restore the line to the cloud (see last_error in sync.status), run sync.resume() if sync is paused, or raise \
             sync.queue.max_capacity.",
        ),
        StorageError::Deadlock(_) | StorageError::Serialization(_) => Some("Try the transaction again."),
        _ => None,
    }
}

impl From<StorageError> for SqlError {
    fn from(error: StorageError) -> Self {
        let error = match error {
            // It was an error of this crate to begin with.
            StorageError::Evaluation(error) => match error.downcast::<Self>() {
                Ok(error) => return *error,
                Err(other) => StorageError::Evaluation(other),
            },
            other => other,
        };
        let state = match &error {
            StorageError::Constraint(violation) => match violation.kind {
                ConstraintKind::NotNull => SqlState::NOT_NULL_VIOLATION,
                ConstraintKind::Unique => SqlState::UNIQUE_VIOLATION,
                ConstraintKind::ForeignKey => SqlState::FOREIGN_KEY_VIOLATION,
                ConstraintKind::Check => SqlState::CHECK_VIOLATION,
            },
            StorageError::Deadlock(_) => SqlState::DEADLOCK_DETECTED,
            StorageError::Serialization(_) => SqlState::SERIALIZATION_FAILURE,
            StorageError::LockTimeout(_) => SqlState::LOCK_NOT_AVAILABLE,
            StorageError::Cancelled => SqlState::QUERY_CANCELED,
            StorageError::NoSuchRelation(_) => SqlState::UNDEFINED_TABLE,
            StorageError::AlreadyExists(_) => SqlState::DUPLICATE_TABLE,
            StorageError::NameTaken(_) => SqlState::DUPLICATE_OBJECT,
            StorageError::Dependent(_) => SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            StorageError::QueueFull { .. } => SqlState::CONFIGURATION_LIMIT_EXCEEDED,
            StorageError::NotAllowedHere(_) => SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            StorageError::Evaluation(_) => SqlState::INTERNAL_ERROR,
            StorageError::LimitExceeded(_) => SqlState::PROGRAM_LIMIT_EXCEEDED,
            StorageError::SequenceExhausted(_) => SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED,
            StorageError::OutOfRange(_) => SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            StorageError::Unsupported(_) => SqlState::FEATURE_NOT_SUPPORTED,
            StorageError::DiskFull(_) => SqlState::DISK_FULL,
            StorageError::InUse(_) => SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            StorageError::Corrupt { .. } => SqlState::DATA_CORRUPTED,
            StorageError::Io(_) => SqlState::IO_ERROR,
            StorageError::CommitUnknown(_) => SqlState::TRANSACTION_RESOLUTION_UNKNOWN,
        };
        let message = match &error {
            StorageError::LockTimeout(_) => "canceling statement due to lock timeout".to_owned(),
            StorageError::Cancelled => "canceling statement due to user request".to_owned(),
            other => other.to_string(),
        };
        let mut sql = Self::new(state, message);
        sql.fields.hint = hint_for(&error).map(str::to_owned);
        if let StorageError::Constraint(violation) = error {
            let violation = *violation;
            sql.message = violation.message;
            sql.fields = Box::new(ErrorFields {
                detail: violation.detail,
                schema: Some(violation.schema),
                table: Some(violation.table),
                column: violation.column,
                constraint: violation.constraint,
                ..ErrorFields::default()
            });
        }
        sql
    }
}

impl From<SqlError> for StorageError {
    /// An error of the evaluator, which the store hands on.
    fn from(error: SqlError) -> Self {
        Self::Evaluation(Box::new(error))
    }
}
