//! `config show` and `config check`.

use heliosdb_edge::config::Config;

use super::{CliError, NodeArgs};

/// Prints every key, right or wrong.
pub(super) fn show(args: &NodeArgs) -> Result<(), CliError> {
    super::say(&args.settings()?.show());
    Ok(())
}

/// Says whether a node would start with this.
pub(super) fn check(args: &NodeArgs) -> Result<(), CliError> {
    Config::from_settings(&args.settings()?)?;
    super::say("the configuration is right\n");
    Ok(())
}
