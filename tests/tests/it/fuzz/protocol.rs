//! Bytes and mutated messages over a socket. Each connection must end by itself once it has been told that nothing follows,
//! and the server must let the next client in.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Instant;

use heliosdb_tests::fleet::Node;
use heliosdb_tests::postgres::NAME;
use heliosdb_tests::rng::Rng;
use heliosdb_tests::wire::{Connection, Message};

use super::mutate::Mutator;
use super::{pool, seed, time};

/// How often a well-behaved client looks in.
const HEALTH_CHECK: usize = 25;
/// The longest message body made.
const MOST_BYTES: usize = 4_000;

/// Kinds of messages that clients send, and some that they do not.
const KINDS: &[u8] = b"QPBDESHCXFdcfp\0ZRT\xff";

/// Messages of a client that behaves.
fn conversation(rng: &mut Rng, sql: &str) -> Vec<(u8, Vec<u8>)> {
    let text = |text: &str| [text.as_bytes(), b"\0"].concat();
    let mut messages = Vec::new();
    for _ in 0..=rng.below(3) {
        if rng.percent(40) {
            messages.push((b'Q', text(sql)));
            continue;
        }
        let name = *rng.pick(&["", "s", "portal"]);
        messages.push((b'P', [text(name), text(sql), vec![0, 0]].concat()));
        messages.push((b'D', [b"S".to_vec(), text(name)].concat()));
        let parameter = if rng.percent(30) { vec![0, 1, 0, 0, 0, 1, b'1'] } else { vec![0, 0] };
        messages.push((b'B', [text(name), text(name), vec![0, 0], parameter, vec![0, 1, 0, 1]].concat()));
        messages.push((b'E', [text(name), vec![0, 0, 0, 5]].concat()));
        messages.push((*rng.pick(b"SSHC"), if rng.percent(90) { Vec::new() } else { text("S") }));
    }
    messages.push((*rng.pick(b"SSX"), Vec::new()));
    messages
}

/// Spoils messages and puts them on the wire.
fn send_spoilt(rng: &mut Rng, connection: &mut Connection, mut messages: Vec<(u8, Vec<u8>)>) {
    for _ in 0..rng.below(4) {
        let at = rng.below(messages.len());
        let other = rng.below(messages.len());
        match rng.below(8) {
            0 => messages.swap(at, other),
            1 => messages.insert(at, messages[other].clone()),
            2 => messages[at].0 = *rng.pick(KINDS),
            3 => {
                let keep = rng.below(messages[at].1.len() + 1);
                messages[at].1.truncate(keep);
            }
            4 => {
                let more = rng.below(MOST_BYTES);
                let byte = u8::try_from(rng.below(256)).unwrap();
                messages[at].1.extend(std::iter::repeat_n(byte, more));
            }
            _ => {
                let body = &mut messages[at].1;
                if !body.is_empty() {
                    let place = rng.below(body.len());
                    body[place] = u8::try_from(rng.below(256)).unwrap();
                }
            }
        }
    }
    for (kind, body) in messages {
        if rng.percent(97) {
            connection.put(kind, &body);
        } else {
            let length = *rng.pick(&[0_u32, 3, 4, 5, 1 << 16, 1 << 30, u32::MAX]);
            connection.put_raw(&[&[kind], length.to_be_bytes().as_slice(), &body].concat());
        }
    }
}

fn random_bytes(rng: &mut Rng) -> Vec<u8> {
    (0..rng.below(300)).map(|_| u8::try_from(rng.below(256)).unwrap()).collect()
}

/// Reads until the server closes. What it says does not matter, but silence does.
fn drain(connection: &mut Connection, what: &str) {
    loop {
        match connection.read() {
            Ok(_) => {}
            Err(error) => {
                let is_silent = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                assert!(!is_silent, "the server neither answers nor closes after {what}");
                return;
            }
        }
    }
}

fn attack(rng: &mut Rng, mutator: &mut Mutator, address: SocketAddr) {
    let form = rng.below(10);
    if form == 0 {
        let bytes = random_bytes(rng);
        let mut connection = Connection::raw(address).expect("the server takes connections");
        connection.put_raw(&bytes);
        // It may be gone before it has read all.
        let _ = connection.flush();
        let _ = connection.close_writing();
        drain(&mut connection, &format!("{bytes:?}"));
        return;
    }
    let mut connection = Connection::open(address, NAME, NAME).expect("the server lets a client in");
    let sql = mutator.statement();
    if form == 1 {
        let bytes = random_bytes(rng);
        connection.put_raw(&bytes);
    } else {
        let messages = conversation(rng, &sql);
        send_spoilt(rng, &mut connection, messages);
    }
    let _ = connection.flush();
    let _ = connection.close_writing();
    drain(&mut connection, &sql);
}

#[test]
fn the_protocol_survives() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut node = Node::new(&["--mode", "edge", "--node-id", "fuzz"]);
    node.keep_log();
    runtime.block_on(node.start());
    let mut rng = Rng::new(seed());
    let mut mutator = Mutator::new(seed(), &pool());
    let start = Instant::now();
    let mut attacks = 0;
    println!("HELIOS_FUZZ_SEED={}", seed());
    while start.elapsed() < time() {
        attack(&mut rng, &mut mutator, node.pg());
        attacks += 1;
        if attacks % HEALTH_CHECK == 0 {
            let mut client = Connection::open(node.pg(), NAME, NAME).expect("the server lets a client in");
            let answer = client.simple("SELECT 1", None).expect("the server answers");
            assert!(answer.contains(&Message::Row(vec![Some(b"1".to_vec())])), "{answer:?}");
        }
    }
    println!("{attacks} connections");
    let log = node.log();
    assert!(!log.contains("panicked"), "the server panicked:\n{log}");
    runtime.block_on(node.stop());
}
