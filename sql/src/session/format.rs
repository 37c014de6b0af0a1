//! How the values of a result travel.

/// How a value travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// As PostgreSQL's output function prints it.
    Text,
    /// As its send function packs it.
    Binary,
}

/// The formats of a result's columns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResultFormats {
    /// The same for all.
    All(Format),
    /// One each.
    Each(Box<[Format]>),
}

impl ResultFormats {
    /// The format of a column.
    pub fn at(&self, column: usize) -> Format {
        match self {
            Self::All(format) => *format,
            Self::Each(formats) => formats.get(column).copied().unwrap_or(Format::Text),
        }
    }
}
