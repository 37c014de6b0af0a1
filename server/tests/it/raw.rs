//! The protocol byte by byte: what no driver sends.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::TestNode;

/// Long enough to mean "never".
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Raw(TcpStream);

/// A message of the server: its type and its body.
pub type Message = (char, Vec<u8>);

impl Raw {
    pub async fn open(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub async fn ready(address: SocketAddr) -> Self {
        let mut raw = Self::open(address).await;
        raw.send(&startup(0x0003_0000, b"user\0helios\0\0")).await;
        raw.until('Z').await;
        raw
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The next message; None at the end of the stream.
    pub async fn next(&mut self) -> Option<Message> {
        let read = async {
            let mut head = [0; 5];
            self.0.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
            let mut body = vec![0; usize::try_from(length).unwrap() - 4];
            self.0.read_exact(&mut body).await.ok()?;
            Some((char::from(head[0]), body))
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the server answers")
    }

    /// All messages up to one of a type.
    pub async fn until(&mut self, kind: char) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            let message = self.next().await.unwrap_or_else(|| panic!("the stream ended before {kind}: {messages:?}"));
            let last = message.0 == kind;
            messages.push(message);
            if last {
                return messages;
            }
        }
    }

    pub async fn kinds_until(&mut self, kind: char) -> String {
        self.until(kind).await.iter().map(|message| message.0).collect()
    }
}

pub fn startup(version: u32, parameters: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + parameters.len()).unwrap();
    [&length.to_be_bytes()[..], &version.to_be_bytes(), parameters].concat()
}

pub fn message(kind: char, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(4 + body.len()).unwrap();
    [&[u8::try_from(kind).unwrap()][..], &length.to_be_bytes(), body].concat()
}

/// A field of an error report.
pub fn field(report: &[u8], code: u8) -> Option<String> {
    let mut fields = report.split(|&byte| byte == 0);
    fields.find_map(|field| field.strip_prefix(&[code])).map(|text| String::from_utf8(text.to_vec()).unwrap())
}

pub fn sqlstate(message: &Message) -> String {
    assert_eq!(message.0, 'E');
    field(&message.1, b'C').unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_instead_of_a_startup_packet_is_answered_and_the_server_goes_on() {
    let node = TestNode::start().await;
    let garbage: Vec<Vec<u8>> = vec![
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        vec![0; 64],
        vec![0xff; 64],
        [&[0x16, 0x03, 0x01, 0x02, 0x00][..], &[1; 200]].concat(),
        10_001_u32.to_be_bytes().to_vec(),
        startup(0x0003_0000, b"user"),
        startup(0x0003_0000, b"user\0helios\0"),
        startup(0x0003_0000, b"\0"),
        startup(0x0003_0000, b"us\xffer\0helios\0\0"),
        startup(0x0002_0000, b"user\0helios\0\0"),
        startup(0x0005_0000, b"user\0helios\0\0"),
        // Something sent behind an encryption request, which an attacker could have put there.
        [startup(80_877_103, b""), startup(0x0003_0000, b"user\0helios\0\0")].concat(),
    ];
    for bytes in garbage {
        let mut raw = Raw::open(node.address()).await;
        raw.send(&bytes).await;
        let answer = loop {
            let answer = raw.next().await;
            if answer.as_ref().is_none_or(|answer| answer.0 == 'E') {
                break answer;
            }
        };
        // The answer to an encryption request has no frame; all others are told what is wrong.
        if !bytes.starts_with(&startup(80_877_103, b"")) {
            let answer = answer.unwrap_or_else(|| panic!("no answer to {bytes:?}"));
            assert_eq!(field(&answer.1, b'S').as_deref(), Some("FATAL"), "{bytes:?}");
            assert!(matches!(sqlstate(&answer).as_str(), "08P01" | "28000" | "0A000" | "22021"), "{bytes:?}");
        }
        assert!(raw.next().await.is_none(), "the connection is closed after {bytes:?}");
    }
    node.client().await.batch_execute("SELECT 1").await.unwrap();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_in_the_middle_of_a_packet_is_forgotten() {
    let node = TestNode::start_with(|config| config.pg.max_connections = 1).await;
    let whole = startup(0x0003_0000, b"user\0helios\0\0");
    for end in 0..whole.len() {
        let mut raw = Raw::open(node.address()).await;
        raw.send(&whole[..end]).await;
    }
    Raw::ready(node.address()).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_frames_end_the_connection_with_a_clear_error() {
    let node = TestNode::start().await;
    let frames: [&[u8]; 5] =
        [b"?\0\0\0\x04", b"Q\0\0\0\x03", b"Q\xff\xff\xff\xff", b"Q\x7f\xff\xff\xff", b"p\0\0\0\x08abcd"];
    for bytes in frames {
        let mut raw = Raw::ready(node.address()).await;
        raw.send(bytes).await;
        let answer = raw.next().await.unwrap();
        assert_eq!(sqlstate(&answer), "08P01", "{bytes:?}");
        assert_eq!(field(&answer.1, b'S').as_deref(), Some("FATAL"));
        assert!(raw.next().await.is_none(), "{bytes:?}");
    }
    node.client().await.batch_execute("SELECT 1").await.unwrap();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_bodies_are_errors_of_their_message_only() {
    let node = TestNode::start().await;
    let mut raw = Raw::ready(node.address()).await;
    for (kind, body) in [
        ('P', &b"no end"[..]),
        ('P', b"\0SELECT 1\0\0\x05"),
        ('B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0"),
        ('B', b"\0\0\xff\xff"),
        ('D', b"X\0"),
        ('E', b"\0\0"),
        ('C', b""),
        ('S', b"more"),
    ] {
        raw.send(&message(kind, body)).await;
        raw.send(&message('S', b"")).await;
        let answers = raw.until('Z').await;
        assert_eq!(answers.len(), 2, "{kind} {body:?}: {answers:?}");
        assert_eq!(sqlstate(&answers[0]), "08P01", "{kind} {body:?}");
    }
    // A Query is answered with ReadyForQuery even if it is broken.
    raw.send(&message('Q', b"SELECT '\xff'\0")).await;
    let answers = raw.until('Z').await;
    assert_eq!(sqlstate(&answers[0]), "22021");
    raw.send(&message('F', b"\0\0\0\x01")).await;
    assert_eq!(sqlstate(&raw.until('Z').await[0]), "0A000");
    raw.send(&message('Q', b"SELECT 1\0")).await;
    assert_eq!(raw.kinds_until('Z').await, "TDCZ");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_error_everything_is_skipped_up_to_sync() {
    let node = TestNode::start().await;
    let mut raw = Raw::ready(node.address()).await;
    let group = [
        message('P', b"s\0SELECT 1\0\0\0"),
        message('B', b"\0no such\0\0\0\0\0\0\0"),
        message('E', b"\0\0\0\0\0"),
        message('Q', b"SELECT 2\0"),
        message('S', b""),
        message('B', b"\0s\0\0\0\0\0\0\0"),
        message('D', b"P\0"),
        message('E', b"\0\0\0\0\0"),
        message('C', b"Ss\0"),
        message('H', b""),
    ];
    raw.send(&group.concat()).await;
    let first = raw.until('Z').await;
    assert_eq!(first.iter().map(|message| message.0).collect::<String>(), "1EZ");
    assert_eq!(sqlstate(&first[1]), "26000");
    // Flush sends what there is without ReadyForQuery.
    assert_eq!(raw.kinds_until('3').await, "2TDC3");
    raw.send(&message('S', b"")).await;
    assert_eq!(raw.kinds_until('Z').await, "Z");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn formats_and_counts_are_checked() {
    let node = TestNode::start().await;
    let mut raw = Raw::ready(node.address()).await;
    let parse = message('P', b"s\0SELECT $1::int4, $2::text\0\0\0");
    raw.send(&[parse, message('S', b"")].concat()).await;
    assert_eq!(raw.kinds_until('Z').await, "1Z");
    for (bind, expected) in [
        // One parameter where two are needed.
        (&b"\0s\0\0\0\0\x01\0\0\0\x011\0\0"[..], "08P01"),
        // Three formats for two parameters.
        (b"\0s\0\0\x03\0\0\0\0\0\0\0\x02\0\0\0\x011\xff\xff\xff\xff\0\0", "08P01"),
        // An unknown format.
        (b"\0s\0\0\x01\0\x07\0\x02\0\0\0\x011\xff\xff\xff\xff\0\0", "22023"),
        // Three result formats for two columns.
        (b"\0s\0\0\0\0\x02\0\0\0\x011\xff\xff\xff\xff\0\x03\0\0\0\0\0\0", "08P01"),
        // Not a number, in text and in binary.
        (b"\0s\0\0\0\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0", "22P02"),
        (b"\0s\0\0\x01\0\x01\0\x02\0\0\0\x011\xff\xff\xff\xff\0\0", "22P03"),
    ] {
        raw.send(&[message('B', bind), message('S', b"")].concat()).await;
        let answers = raw.until('Z').await;
        assert_eq!(sqlstate(&answers[0]), expected, "{bind:?}");
    }
    // Binary in, one column out in text and one in binary.
    let bind = b"\0s\0\0\x02\0\x01\0\0\0\x02\0\0\0\x04\0\0\x01\0\0\0\0\x02hi\0\x02\0\0\0\x01";
    raw.send(&[message('B', bind), message('E', b"\0\0\0\0\0"), message('S', b"")].concat()).await;
    let answers = raw.until('Z').await;
    assert_eq!(answers[1], ('D', b"\0\x02\0\0\0\x03256\0\0\0\x02hi".to_vec()));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ready_for_query_tells_the_transactions_state() {
    let node = TestNode::start().await;
    let mut raw = Raw::ready(node.address()).await;
    for (sql, kinds, state) in [
        (&b"\0"[..], "IZ", b'I'),
        (b"BEGIN\0", "CZ", b'T'),
        (b"SELECT 1\0", "TDCZ", b'T'),
        (b"SELECT 1/0\0", "EZ", b'E'),
        (b"COMMIT\0", "CZ", b'I'),
    ] {
        raw.send(&message('Q', sql)).await;
        let answers = raw.until('Z').await;
        // Where an expression fails, the columns may or may not have been described before.
        let seen: String = answers.iter().map(|message| message.0).filter(|kind| kinds.contains(*kind)).collect();
        assert_eq!(seen, kinds, "{sql:?}");
        assert_eq!(answers.last().unwrap().1, [state], "{sql:?}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protocol_versions_and_options_are_negotiated() {
    let node = TestNode::start().await;
    for (version, options, negotiated, key_bytes) in [
        (0x0003_0000, &b""[..], None, 4),
        (0x0003_0002, b"", None, 32),
        (0x0003_270f, b"", Some((0x0003_0002_u32, 0_u32)), 32),
        (0x0003_0000, b"_pq_.later\0on\0", Some((0x0003_0002, 1)), 4),
    ] {
        let mut raw = Raw::open(node.address()).await;
        raw.send(&startup(version, &[b"user\0helios\0", options, b"\0"].concat())).await;
        let answers = raw.until('Z').await;
        let found = answers.iter().find(|message| message.0 == 'v').map(|message| {
            let number = |at: usize| u32::from_be_bytes(message.1[at..at + 4].try_into().unwrap());
            (number(0), number(4))
        });
        assert_eq!(found, negotiated, "{version:x}");
        let key = answers.iter().find(|message| message.0 == 'K').unwrap();
        assert_eq!(key.1.len(), 4 + key_bytes, "{version:x}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encryption_is_declined_and_the_client_may_go_on_without() {
    let node = TestNode::start().await;
    let mut raw = Raw::open(node.address()).await;
    for code in [80_877_104, 80_877_103] {
        raw.send(&startup(code, b"")).await;
        let mut answer = [0];
        raw.0.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"N");
    }
    raw.send(&startup(0x0003_0000, b"user\0helios\0\0")).await;
    raw.until('Z').await;
    node.stop().await;
}
