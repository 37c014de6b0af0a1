//! A client of the running node, over its control socket.

use std::path::Path;

use heliosdb_edge::folder;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio_postgres::{AsyncMessage, NoTls};

use super::CliError;

/// The role and the database that every node has.
const USER: &str = "helios";
const DATABASE: &str = "postgres";

/// A runtime for a command that is a client: one thread does.
pub(super) fn runtime() -> Result<Runtime, CliError> {
    // Not the current-thread kind: the connection must go on while the shell waits for a line.
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(CliError::failure)
}

/// Connects to the node of a data folder.
pub(super) async fn connect(data_dir: &Path) -> Result<tokio_postgres::Client, CliError> {
    let socket = folder::socket_path(data_dir);
    let stream = UnixStream::connect(&socket).await.map_err(|error| {
        CliError::Failure(format!(
            "no node runs on the data folder {} ({}: {error}); start it, or name another with --data-dir",
            data_dir.display(),
            socket.display()
        ))
    })?;
    let mut config = tokio_postgres::Config::new();
    config.user(USER).dbname(DATABASE).application_name("heliosdb-edge");
    let (client, mut connection) = config.connect_raw(stream, NoTls).await.map_err(|error| describe(&error))?;
    tokio::spawn(async move {
        while let Some(message) = std::future::poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notice(notice)) => eprintln!("{}: {}", notice.severity(), notice.message()),
                Ok(_) => {}
                // The request that was under way says so.
                Err(_) => break,
            }
        }
    });
    Ok(client)
}

/// An error as psql shows it.
pub(super) fn describe(error: &tokio_postgres::Error) -> CliError {
    let Some(report) = error.as_db_error() else { return CliError::failure(error) };
    let mut text = format!("{}: {} ({})", report.severity(), report.message(), report.code().code());
    for (name, part) in [("DETAIL", report.detail()), ("HINT", report.hint())] {
        if let Some(part) = part {
            text.push_str(&format!("\n{name}: {part}"));
        }
    }
    CliError::Failure(text)
}
