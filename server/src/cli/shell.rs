//! `sql`: a small shell, for machines without psql.

use std::io::{self, BufRead as _, IsTerminal as _};

use heliosdb_edge::config::Config;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::client::{connect, describe, runtime};
use super::{CliError, table};

/// The most rows of a result that are laid out together; more are shown in several tables.
const TABLE_ROWS: usize = 10_000;

/// Runs one text, or what is typed.
pub(super) fn run(config: &Config, command: Option<&str>) -> Result<(), CliError> {
    let runtime = runtime()?;
    let client = runtime.block_on(connect(&config.data_dir))?;
    match command {
        Some(sql) => runtime.block_on(execute(&client, sql)),
        None => read_lines(|sql| runtime.block_on(execute(&client, sql))),
    }
}

fn read_lines(mut execute: impl FnMut(&str) -> Result<(), CliError>) -> Result<(), CliError> {
    let interactive = io::stdin().is_terminal();
    if interactive {
        super::say("Statements end with a semicolon at the end of a line; \\q leaves.\n");
    }
    let mut failed = false;
    let mut text = String::new();
    let mut lines = io::stdin().lock().lines();
    loop {
        if interactive {
            super::say(if text.is_empty() { "helios=> " } else { "helios-> " });
        }
        let Some(line) = lines.next() else { break };
        let line = line.map_err(CliError::failure)?;
        if text.is_empty() && line.trim() == "\\q" {
            break;
        }
        text.push_str(&line);
        text.push('\n');
        if text.trim().is_empty() {
            text.clear();
        } else if line.trim_end().ends_with(';') {
            failed |= run_one(&text, &mut execute);
            text.clear();
        }
    }
    if !text.trim().is_empty() {
        failed |= run_one(&text, &mut execute);
    }
    // Who types has seen the errors; a script needs the exit code.
    if failed && !interactive { Err(CliError::Silent) } else { Ok(()) }
}

/// Whether it failed; the shell goes on.
fn run_one(text: &str, execute: &mut impl FnMut(&str) -> Result<(), CliError>) -> bool {
    match execute(text) {
        Ok(()) => false,
        Err(CliError::Failure(what) | CliError::Usage(what)) => {
            eprintln!("{what}");
            true
        }
        Err(CliError::Silent) => true,
    }
}

async fn execute(client: &Client, sql: &str) -> Result<(), CliError> {
    let messages = client.simple_query_raw(sql).await.map_err(|error| describe(&error))?;
    futures::pin_mut!(messages);
    let mut names: Option<Vec<String>> = None;
    let mut rows = Vec::new();
    loop {
        let message = match futures::StreamExt::next(&mut messages).await {
            None => return Ok(()),
            Some(message) => message.map_err(|error| describe(&error))?,
        };
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                names = Some(columns.iter().map(|column| column.name().to_owned()).collect());
            }
            SimpleQueryMessage::Row(row) => {
                rows.push((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect());
                if rows.len() >= TABLE_ROWS {
                    super::say(&table::render(names.as_deref().unwrap_or_default(), &rows));
                    rows.clear();
                }
            }
            SimpleQueryMessage::CommandComplete(count) => match names.take() {
                Some(names) => super::say(&table::render(&names, &std::mem::take(&mut rows))),
                None => super::say(&format!("OK ({count} row{})\n", if count == 1 { "" } else { "s" })),
            },
            _ => {}
        }
    }
}
