//! Messages of a server, decoded without judging them.

use std::fmt;

/// One message of a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// `R`: any kind of authentication request.
    Authentication(i32),
    /// `K`
    BackendKey,
    /// `S`: a setting and its value.
    ParameterStatus(String, String),
    /// `Z`: `I`, `T` or `E`.
    Ready(u8),
    /// `T`
    Columns(Vec<Column>),
    /// `D`: None is NULL.
    Row(Vec<Option<Vec<u8>>>),
    /// `C`: the tag.
    CommandComplete(String),
    /// `I`
    EmptyQuery,
    /// `E`
    Error(Fields),
    /// `N`
    Notice(Fields),
    /// `t`: the types of the parameters.
    Parameters(Vec<u32>),
    /// `n`
    NoData,
    /// `1`
    ParseComplete,
    /// `2`
    BindComplete,
    /// `3`
    CloseComplete,
    /// `s`
    PortalSuspended,
    /// `G`
    CopyIn,
    /// `H`
    CopyOut,
    /// `d`
    CopyData(Vec<u8>),
    /// `c`
    CopyDone,
    /// `A`: channel and payload.
    Notification(String, String),
    /// A kind that is not known here.
    Other(u8),
}

/// A column of a RowDescription.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The relation that it comes from, or 0.
    pub relation: u32,
    /// Its number in that relation, or 0.
    pub number: u16,
    /// Its type.
    pub type_oid: u32,
    /// The length of the type, negative if it varies.
    pub type_length: i16,
    /// Its modifier, or -1.
    pub modifier: i32,
    /// 0 for text, 1 for binary.
    pub format: i16,
}

/// The fields of an error or a notice.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fields {
    /// `ERROR`, `NOTICE` and so on, untranslated.
    pub severity: String,
    /// SQLSTATE.
    pub code: String,
    /// The text.
    pub message: String,
    /// All fields but those above, those of the server's source code, and the context, by their letters.
    pub others: Vec<(char, String)>,
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.severity, self.code, self.message)?;
        for (letter, text) in &self.others {
            let name = match letter {
                'D' => "detail",
                'H' => "hint",
                'P' => "position",
                's' => "schema",
                't' => "table",
                'c' => "column",
                'd' => "type",
                'n' => "constraint",
                _ => "field",
            };
            write!(f, "\n  {name}: {text}")?;
        }
        Ok(())
    }
}

impl Message {
    pub(super) fn decode(kind: u8, body: &[u8]) -> Option<Self> {
        let mut rest = Body(body);
        Some(match kind {
            b'R' => Self::Authentication(rest.i32()?),
            b'K' => Self::BackendKey,
            b'S' => Self::ParameterStatus(rest.text()?, rest.text()?),
            b'Z' => Self::Ready(rest.u8()?),
            b'T' => Self::Columns(rest.list(Body::column)?),
            b'D' => Self::Row(rest.list(Body::value)?),
            b'C' => Self::CommandComplete(rest.text()?),
            b'I' => Self::EmptyQuery,
            b'E' => Self::Error(rest.fields()?),
            b'N' => Self::Notice(rest.fields()?),
            b't' => Self::Parameters(rest.list(Body::u32)?),
            b'n' => Self::NoData,
            b'1' => Self::ParseComplete,
            b'2' => Self::BindComplete,
            b'3' => Self::CloseComplete,
            b's' => Self::PortalSuspended,
            b'G' => Self::CopyIn,
            b'H' => Self::CopyOut,
            b'd' => Self::CopyData(body.to_vec()),
            b'c' => Self::CopyDone,
            b'A' => {
                rest.i32()?;
                Self::Notification(rest.text()?, rest.text()?)
            }
            other => Self::Other(other),
        })
    }
}

/// What has not been read yet of a message.
struct Body<'a>(&'a [u8]);

impl Body<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take().map(|[byte]| byte)
    }

    fn i16(&mut self) -> Option<i16> {
        self.take().map(i16::from_be_bytes)
    }

    fn i32(&mut self) -> Option<i32> {
        self.take().map(i32::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn text(&mut self) -> Option<String> {
        let end = self.0.iter().position(|&byte| byte == 0)?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.get(1..)?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.i16()?;
        (0..count).map(|_| item(self)).collect()
    }

    fn column(&mut self) -> Option<Column> {
        Some(Column {
            name: self.text()?,
            relation: self.u32()?,
            number: self.take().map(u16::from_be_bytes)?,
            type_oid: self.u32()?,
            type_length: self.i16()?,
            modifier: self.i32()?,
            format: self.i16()?,
        })
    }

    fn value(&mut self) -> Option<Option<Vec<u8>>> {
        let length = self.i32()?;
        let Ok(length) = usize::try_from(length) else { return Some(None) };
        let (value, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Some(value.to_vec()))
    }

    fn fields(&mut self) -> Option<Fields> {
        let mut fields = Fields::default();
        loop {
            let letter = char::from(self.u8()?);
            if letter == '\0' {
                return Some(fields);
            }
            let text = self.text()?;
            match letter {
                'V' => fields.severity = text,
                'C' => fields.code = text,
                'M' => fields.message = text,
                'S' | 'F' | 'L' | 'R' | 'W' => {}
                _ => fields.others.push((letter, text)),
            }
        }
    }
}
