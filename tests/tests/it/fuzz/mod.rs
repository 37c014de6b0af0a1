//! What nobody would send, to the parser, the binder and the protocol: nothing may panic, hang or bring the server down.
//!
//! Everything follows from `HELIOS_FUZZ_SEED`; `HELIOS_FUZZ_SECONDS` says how long each goes on. A statement that is about
//! to run is written to a file first, so that it is known even if it takes the process down (a stack overflow).

mod mutate;
mod protocol;
mod statements;

use std::path::Path;
use std::time::Duration;

/// How long each fuzzer goes on, unless the environment says otherwise.
const SECONDS: u64 = 20;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect(variable))
}

fn seed() -> u64 {
    number("HELIOS_FUZZ_SEED").unwrap_or(1)
}

fn time() -> Duration {
    Duration::from_secs(number("HELIOS_FUZZ_SECONDS").unwrap_or(SECONDS))
}

/// The statements of the differential scripts, a line each or more.
fn pool() -> Vec<String> {
    let mut pool = Vec::new();
    for topic in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("differential")).unwrap() {
        for script in std::fs::read_dir(topic.unwrap().path()).unwrap() {
            let text = std::fs::read_to_string(script.unwrap().path()).unwrap();
            let statements = text.split(";\n").map(|statement| {
                let lines = statement.lines().filter(|line| !line.starts_with("--"));
                lines.collect::<Vec<_>>().join("\n")
            });
            pool.extend(statements.filter(|statement| !statement.is_empty() && statement.len() < 2_000));
        }
    }
    pool.sort();
    assert!(pool.len() > 1_000, "the statements were found");
    pool
}
