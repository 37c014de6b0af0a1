//! Benchmarks side by side with the rivals, in one run on one machine, reported as ratios in `docs/benchmarks.md`.
//!
//! Rounds of both sides alternate, so that a machine that slows down slows both; the ratio quoted is the median of the
//! ratios of neighbouring rounds.

mod driver;
mod report;
mod server;

use std::path::Path;

use driver::{Protocol, Workload};
use report::{Comparison, Report};
use server::Server;

/// Result of a benchmark step.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Rounds of each side for each line of the report.
const ROUNDS: usize = 5;

/// Seconds a round lasts.
const SECONDS: u32 = 4;

/// Rows of the table that is read.
const ROWS: i32 = 100_000;

#[tokio::main]
async fn main() -> Result<()> {
    let ours = Server::heliosdb().await?;
    let rival = Server::postgres().await?;
    for server in [&ours, &rival] {
        eprintln!("loading {ROWS} rows into {}", server.name());
        driver::load(server, ROWS).await?;
    }
    let mut report = Report::new(&ours, &rival).await?;
    for protocol in [Protocol::Prepared, Protocol::Simple] {
        for clients in [1, 8] {
            let workload = Workload { protocol, clients, seconds: SECONDS, rows: ROWS };
            report.push(compare(&ours, &rival, workload).await?);
        }
    }
    let folder = Path::new("docs");
    report.write(folder)?;
    println!("{}", report.summary());
    ours.stop().await?;
    rival.stop().await
}

async fn compare(ours: &Server, rival: &Server, workload: Workload) -> Result<Comparison> {
    let mut comparison = Comparison::new(workload.title());
    for round in 0..ROUNDS {
        eprintln!("{}: round {} of {ROUNDS}", workload.title(), round + 1);
        comparison.push(driver::run(ours, workload).await?, driver::run(rival, workload).await?);
    }
    Ok(comparison)
}
