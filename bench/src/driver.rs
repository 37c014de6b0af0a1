//! pgbench as the driver of both sides: the same C program, the same script, the same options.

use std::fmt::Write as _;

use tokio::process::Command;

use crate::Result;
use crate::server::{POSTGRES_BIN, Server};

/// Rows a loading INSERT carries.
const LOAD_BATCH: i32 = 1000;

/// How pgbench sends its queries.
#[derive(Clone, Copy, Debug)]
pub enum Protocol {
    /// The text of each query anew.
    Simple,
    /// One prepared statement, bound and executed.
    Prepared,
}

impl Protocol {
    const fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Prepared => "prepared",
        }
    }
}

/// One line of the report.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// How queries are sent.
    pub protocol: Protocol,
    /// Connections, each with one query under way.
    pub clients: u32,
    /// How long a round lasts.
    pub seconds: u32,
    /// Rows of the table.
    pub rows: i32,
}

impl Workload {
    /// What the report calls it.
    pub fn title(&self) -> String {
        let plural = if self.clients == 1 { "" } else { "s" };
        format!("point SELECT, {} protocol, {} client{plural}", self.protocol.name(), self.clients)
    }
}

/// Makes and fills the table.
pub async fn load(server: &Server, rows: i32) -> Result<()> {
    let client = server.client().await?;
    client
        .batch_execute("CREATE TABLE accounts (aid int PRIMARY KEY, bid int, abalance int, filler varchar(84))")
        .await?;
    let mut first = 1;
    while first <= rows {
        let last = rows.min(first + LOAD_BATCH - 1);
        let mut insert = "INSERT INTO accounts VALUES ".to_owned();
        for aid in first..=last {
            let comma = if aid == first { "" } else { ", " };
            write!(
                insert,
                "{comma}({aid}, 1, 0, 'a filler as long as those of pgbench, more or less, for a fair row')"
            )?;
        }
        client.batch_execute(&insert).await?;
        first = last + 1;
    }
    if server.needs_analyze() {
        client.batch_execute("VACUUM ANALYZE accounts").await?;
    }
    Ok(())
}

/// Runs one round and returns transactions a second.
pub async fn run(server: &Server, workload: Workload) -> Result<f64> {
    let script = tempfile::NamedTempFile::new()?;
    let text = format!("\\set aid random(1, {})\nSELECT abalance FROM accounts WHERE aid = :aid;\n", workload.rows);
    std::fs::write(script.path(), text)?;
    let output = Command::new(format!("{POSTGRES_BIN}/pgbench"))
        .args(["-n", "-h", "127.0.0.1", "-p", &server.port().to_string(), "-U", server.user()])
        .args(["-M", workload.protocol.name(), "-c", &workload.clients.to_string(), "-j", "1"])
        .args(["-T", &workload.seconds.to_string(), "-f"])
        .arg(script.path())
        .arg("postgres")
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let tps = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    tps.ok_or_else(|| format!("pgbench failed: {text}{}", String::from_utf8_lossy(&output.stderr)).into())
}
