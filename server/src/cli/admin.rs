//! `token create` and `status`: questions to the running node.

use heliosdb_edge::config::Config;
use tokio_postgres::SimpleQueryMessage;

use super::client::{connect, describe, runtime};
use super::{CliError, table};

/// Asks the cloud for an enrolment token and prints it.
pub(super) fn create_token(
    config: &Config,
    node_glob: &str,
    uses: u32,
    attributes: Option<&str>,
) -> Result<(), CliError> {
    let attributes = attributes.unwrap_or("{}");
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(attributes)
        .map_err(|error| CliError::Usage(format!("--attributes: not a JSON object: {error}")))?;
    let sql = format!(
        "SELECT sync.create_enrollment_token({}, {}, '1 day', {uses})",
        literal(node_glob),
        literal(attributes)
    );
    for (_, token) in first_row(config, &sql)? {
        super::say(&format!("{}\n", token.unwrap_or_default()));
    }
    Ok(())
}

/// Prints the row of `sync.status`.
pub(super) fn status(config: &Config) -> Result<(), CliError> {
    super::say(&table::render_pairs(&first_row(config, "SELECT * FROM sync.status")?));
    Ok(())
}

fn first_row(config: &Config, sql: &str) -> Result<Vec<(String, Option<String>)>, CliError> {
    let runtime = runtime()?;
    let messages = runtime.block_on(async {
        let client = connect(&config.data_dir).await?;
        client.simple_query(sql).await.map_err(|error| describe(&error))
    })?;
    let row = messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row.ok_or_else(|| CliError::failure("the node has no answer"))?;
    let names = row.columns().iter().map(|column| column.name().to_owned());
    Ok(names.enumerate().map(|(index, name)| (name, row.get(index).map(str::to_owned))).collect())
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
