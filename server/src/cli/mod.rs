//! The command line.

mod admin;
mod client;
mod config;
mod demo;
mod enroll;
mod logging;
mod serve;
mod shell;
mod table;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use heliosdb_edge::config::{Config, ConfigError, Settings};

/// Exit code of a failure.
const FAILURE: u8 = 1;
/// Exit code of a wrong command line or configuration.
const USAGE: u8 = 2;

/// A PostgreSQL database that keeps working offline and syncs every transaction exactly once.
#[derive(Parser, Debug)]
#[command(name = "heliosdb-edge", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How logs look; they go to standard error, filtered by RUST_LOG.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Runs a node: an edge, or the cloud that edges sync with.
    Serve(NodeArgs),
    /// Runs a cloud and registers on this machine, with a sample shop.
    Demo(demo::DemoArgs),
    /// A small SQL shell on the running node.
    Sql {
        #[command(flatten)]
        place: PlaceArgs,
        /// Runs this text and ends.
        #[arg(short = 'c', long = "command", value_name = "SQL")]
        command: Option<String>,
    },
    /// Enrols a stopped node with a cloud.
    Enroll(enroll::EnrollArgs),
    /// Enrolment tokens, on the cloud.
    #[command(subcommand)]
    Token(TokenCommand),
    /// What the running node's sync is doing.
    Status(PlaceArgs),
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Certificates for TLS between nodes (not built into this version).
    #[command(disable_help_flag = true)]
    Cert(Rest),
    /// The queue of changes that wait for the cloud (not built into this version).
    #[command(disable_help_flag = true)]
    Outbox(Rest),
    /// Saves a node to a file (not built into this version).
    #[command(disable_help_flag = true)]
    Backup(Rest),
    /// Makes a node from a saved file (not built into this version).
    #[command(disable_help_flag = true)]
    Restore(Rest),
    /// Checks a stopped node's data (not built into this version).
    #[command(disable_help_flag = true)]
    Check(Rest),
    /// The schema with policies and models (not built into this version).
    #[command(disable_help_flag = true)]
    Schema(Rest),
}

#[derive(Subcommand, Debug)]
enum TokenCommand {
    /// Makes a token with which edges enrol.
    Create {
        #[command(flatten)]
        place: PlaceArgs,
        /// The node ids that may use it; `*` stands for any characters.
        #[arg(long, value_name = "GLOB")]
        node_id: String,
        /// How many nodes may use it.
        #[arg(long, value_name = "N", default_value_t = 1)]
        uses: u32,
        /// What policies read of the nodes that use it.
        #[arg(long, value_name = "JSON")]
        attributes: Option<String>,
    },
}

#[derive(Subcommand, Debug)]
enum ConfigCommand {
    /// Prints every key with its value and where that comes from.
    Show(NodeArgs),
    /// Says whether the configuration is right.
    Check(NodeArgs),
}

/// The arguments of a command that is not built.
#[derive(Args, Debug)]
struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<String>,
}

/// Where the configuration and the data are.
#[derive(Args, Clone, Debug, Default)]
struct PlaceArgs {
    /// The configuration file (TOML).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Any key of the configuration.
    #[arg(long, value_name = "SECTION.KEY=VALUE", value_parser = parse_setting)]
    set: Vec<(String, String)>,
}

/// All that a node is started with.
#[derive(Args, Clone, Debug, Default)]
struct NodeArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// What the node is: `edge` or `cloud`.
    #[arg(long)]
    mode: Option<String>,
    /// The node's name.
    #[arg(long, value_name = "ID")]
    node_id: Option<String>,
    /// Where PostgreSQL clients connect; port 0 takes any free one.
    #[arg(long, value_name = "ADDR")]
    pg_listen: Option<String>,
    /// Where edges and probes connect; port 0 takes any free one.
    #[arg(long, value_name = "ADDR")]
    http_listen: Option<String>,
    /// The cloud's URL.
    #[arg(long, value_name = "URL")]
    cloud_endpoint: Option<String>,
    /// The tenant, which is also the database's name.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_owned(), value.to_owned())),
        None => Err("expected SECTION.KEY=VALUE".to_owned()),
    }
}

impl PlaceArgs {
    fn config(&self) -> Result<Config, CliError> {
        NodeArgs { place: self.clone(), ..NodeArgs::default() }.load()
    }
}

impl NodeArgs {
    /// The settings of file, environment and flags. A flag of its own weighs as much as `--set`; the later one counts.
    fn settings(&self) -> Result<Settings, CliError> {
        let own = [
            ("data_dir", &self.place.data_dir),
            ("mode", &self.mode),
            ("node_id", &self.node_id),
            ("pg.listen", &self.pg_listen),
            ("http.listen", &self.http_listen),
            ("sync.cloud_endpoint", &self.cloud_endpoint),
            ("tenant", &self.tenant),
        ];
        let set = self.place.set.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let flags = set.chain(own.iter().filter_map(|(key, value)| value.as_deref().map(|value| (*key, value))));
        let env =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let settings = Settings::load(self.place.config.as_deref(), env, flags)?;
        for warning in settings.warnings() {
            tracing::warn!("{warning}");
        }
        Ok(settings)
    }

    fn load(&self) -> Result<Config, CliError> {
        Ok(Config::from_settings(&self.settings()?)?.with_password_from_env())
    }
}

/// Why a command failed, and with which exit code.
#[derive(Debug)]
enum CliError {
    /// What was asked for went wrong.
    Failure(String),
    /// The command line or the configuration is wrong.
    Usage(String),
    /// It was said already.
    Silent,
}

impl CliError {
    fn failure(error: impl std::fmt::Display) -> Self {
        Self::Failure(error.to_string())
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.0)
    }
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(cli.log_format);
    let done = match cli.command {
        Command::Serve(args) => args.load().and_then(|config| serve::run(&config)),
        Command::Demo(args) => demo::run(&args),
        Command::Sql { place, command } => place.config().and_then(|config| shell::run(&config, command.as_deref())),
        Command::Enroll(args) => enroll::run(&args),
        Command::Token(TokenCommand::Create { place, node_id, uses, attributes }) => {
            place.config().and_then(|config| admin::create_token(&config, &node_id, uses, attributes.as_deref()))
        }
        Command::Status(place) => place.config().and_then(|config| admin::status(&config)),
        Command::Config(ConfigCommand::Show(args)) => config::show(&args),
        Command::Config(ConfigCommand::Check(args)) => config::check(&args),
        Command::Cert(_) => not_built("cert"),
        Command::Outbox(_) => not_built("outbox"),
        Command::Backup(_) => not_built("backup"),
        Command::Restore(_) => not_built("restore"),
        Command::Check(_) => not_built("check"),
        Command::Schema(_) => not_built("schema"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(CliError::Silent) => ExitCode::from(FAILURE),
        Err(CliError::Failure(what)) => {
            eprintln!("heliosdb-edge: {what}");
            ExitCode::from(FAILURE)
        }
        Err(CliError::Usage(what)) => {
            eprintln!("heliosdb-edge: {what}");
            ExitCode::from(USAGE)
        }
    }
}

/// Prints a command's output. That nobody reads it any more (`| head`) is no failure, least of all of a demo that serves on.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        tracing::debug!(%error, "standard output is gone");
    }
}

fn not_built(command: &str) -> Result<(), CliError> {
    Err(CliError::Failure(format!("`{command}` is not built into this version")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
