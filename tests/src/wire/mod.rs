//! A client of PostgreSQL's wire protocol that hides nothing: every message that the server sends is handed out.
//!
//! Drivers fold messages together and drop what they do not need; a comparison of two servers needs all of them. It
//! blocks, knows protocol 3.0 without encryption, and gives up on a server that is silent for [`SILENCE`].

mod message;

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

pub use message::{Column, Fields, Message};

/// How long a server may be silent before it counts as hanging.
pub const SILENCE: Duration = Duration::from_secs(30);
/// The longest message taken from a server.
const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;
/// Protocol 3.0.
const VERSION: i32 = 3 << 16;

/// A format of values on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// As text.
    Text,
    /// As the type's bytes.
    Binary,
}

/// A connection that has been let in.
pub struct Connection {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    out: Vec<u8>,
    /// The settings that the server reported at the start.
    pub settings: Vec<(String, String)>,
}

impl Connection {
    /// Connects and reads up to the first ReadyForQuery.
    pub fn open(address: SocketAddr, user: &str, database: &str) -> io::Result<Self> {
        let mut connection = Self::raw(address)?;
        let mut body = VERSION.to_be_bytes().to_vec();
        let parameters =
            [("user", user), ("database", database), ("client_encoding", "UTF8"), ("application_name", "tests")];
        for text in parameters.iter().flat_map(|(name, value)| [name, value]) {
            put_text(&mut body, text);
        }
        body.push(0);
        put_length(&mut connection.out, body.len());
        connection.out.extend_from_slice(&body);
        connection.flush()?;
        for message in connection.read_until_ready()? {
            match message {
                Message::ParameterStatus(name, value) => connection.settings.push((name, value)),
                Message::Error(fields) => return Err(io::Error::other(fields.to_string())),
                _ => {}
            }
        }
        Ok(connection)
    }

    /// A connection without a startup packet.
    pub fn raw(address: SocketAddr) -> io::Result<Self> {
        let writer = TcpStream::connect(address)?;
        writer.set_nodelay(true)?;
        writer.set_read_timeout(Some(SILENCE))?;
        writer.set_write_timeout(Some(SILENCE))?;
        Ok(Self { reader: BufReader::new(writer.try_clone()?), writer, out: Vec::new(), settings: Vec::new() })
    }

    /// A simple query; the messages up to ReadyForQuery. Whatever COPY asks for is answered with the data.
    pub fn simple(&mut self, sql: &str, copy_in: Option<&str>) -> io::Result<Vec<Message>> {
        let start = self.begin(b'Q');
        put_text(&mut self.out, sql);
        self.end(start);
        self.flush()?;
        self.read_answer(copy_in.unwrap_or_default(), false)
    }

    /// Parses a statement without a name and describes it.
    pub fn parse(&mut self, sql: &str, types: &[u32]) -> io::Result<Vec<Message>> {
        let start = self.begin(b'P');
        put_text(&mut self.out, "");
        put_text(&mut self.out, sql);
        put_count(&mut self.out, types.len());
        for oid in types {
            self.out.extend_from_slice(&oid.to_be_bytes());
        }
        self.end(start);
        self.put(b'D', b"S\0");
        self.put(b'S', b"");
        self.flush()?;
        self.read_until_ready()
    }

    /// Binds the statement without a name with parameters in text form, describes the portal and runs it.
    pub fn execute(
        &mut self,
        parameters: &[Option<String>],
        format: Format,
        copy_in: Option<&str>,
    ) -> io::Result<Vec<Message>> {
        let start = self.begin(b'B');
        self.out.extend_from_slice(b"\0\0");
        put_count(&mut self.out, 0);
        put_count(&mut self.out, parameters.len());
        for parameter in parameters {
            match parameter {
                None => self.out.extend_from_slice(&(-1_i32).to_be_bytes()),
                Some(text) => {
                    let length = i32::try_from(text.len()).expect("a short parameter");
                    self.out.extend_from_slice(&length.to_be_bytes());
                    self.out.extend_from_slice(text.as_bytes());
                }
            }
        }
        put_count(&mut self.out, 1);
        put_count(&mut self.out, usize::from(format == Format::Binary));
        self.end(start);
        self.put(b'D', b"P\0");
        self.put(b'E', b"\0\0\0\0\0");
        if let Some(data) = copy_in {
            // Sync follows the data: within COPY a server throws it away.
            self.put(b'H', b"");
            self.flush()?;
            return self.read_answer(data, true);
        }
        self.put(b'S', b"");
        self.flush()?;
        self.read_answer("", false)
    }

    /// Adds a message to what goes out with the next flush.
    pub fn put(&mut self, kind: u8, body: &[u8]) {
        let start = self.begin(kind);
        self.out.extend_from_slice(body);
        self.end(start);
    }

    /// Adds bytes as they are to what goes out with the next flush.
    pub fn put_raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Sends what has been put.
    pub fn flush(&mut self) -> io::Result<()> {
        let result = self.writer.write_all(&self.out);
        self.out.clear();
        result
    }

    /// Says that nothing more will be sent.
    pub fn close_writing(&self) -> io::Result<()> {
        self.writer.shutdown(Shutdown::Write)
    }

    /// The next message.
    pub fn read(&mut self) -> io::Result<Message> {
        let mut head = [0; 5];
        self.reader.read_exact(&mut head)?;
        let [kind, a, b, c, d] = head;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).expect("BUG: usize has 32 bits");
        if !(4..=MAX_MESSAGE_BYTES).contains(&length) {
            return Err(io::Error::other(format!("a message of {length} bytes")));
        }
        let mut body = vec![0; length - 4];
        self.reader.read_exact(&mut body)?;
        Message::decode(kind, &body).ok_or_else(|| io::Error::other(format!("a malformed {:?}", char::from(kind))))
    }

    /// The messages up to ReadyForQuery, or to an error that ends the connection.
    pub fn read_until_ready(&mut self) -> io::Result<Vec<Message>> {
        self.read_answer("", false)
    }

    fn read_answer(&mut self, copy_in: &str, mut owes_sync: bool) -> io::Result<Vec<Message>> {
        let mut messages = Vec::new();
        loop {
            let message = self.read()?;
            match message {
                Message::CopyIn => {
                    if !copy_in.is_empty() {
                        self.put(b'd', copy_in.as_bytes());
                    }
                    self.put(b'c', b"");
                    if owes_sync {
                        self.put(b'S', b"");
                        owes_sync = false;
                    }
                    self.flush()?;
                }
                Message::CommandComplete(_) | Message::Error(_) if owes_sync => {
                    self.put(b'S', b"");
                    self.flush()?;
                    owes_sync = false;
                }
                _ => {}
            }
            let ends = matches!(message, Message::Ready(_))
                || matches!(&message, Message::Error(fields) if fields.severity == "FATAL");
            messages.push(message);
            if ends {
                return Ok(messages);
            }
        }
    }

    fn begin(&mut self, kind: u8) -> usize {
        self.out.push(kind);
        let start = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        start
    }

    fn end(&mut self, start: usize) {
        let length = i32::try_from(self.out.len() - start).expect("a short message");
        let place = self.out.get_mut(start..start + 4).expect("BUG: begin() has made room");
        place.copy_from_slice(&length.to_be_bytes());
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&i16::try_from(count).expect("a short list").to_be_bytes());
}

fn put_length(out: &mut Vec<u8>, body: usize) {
    out.extend_from_slice(&i32::try_from(body + 4).expect("a short message").to_be_bytes());
}
