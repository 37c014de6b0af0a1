//! `enroll`: makes a stopped node an edge of a cloud.

use clap::Args;
use heliosdb_edge::enroll::enroll;
use heliosdb_edge::{Config, Node};

use super::serve::runtime;
use super::{CliError, NodeArgs};

/// The arguments of `enroll`.
#[derive(Args, Debug)]
pub(super) struct EnrollArgs {
    #[command(flatten)]
    node: NodeArgs,
    /// The enrolment token.
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
}

/// Enrols the node.
pub(super) fn run(args: &EnrollArgs) -> Result<(), CliError> {
    let mut config = args.node.load()?;
    if let Some(token) = &args.token {
        config.sync.token = Some(token.as_str().into());
    }
    for (key, flag, is_set) in [
        ("sync.cloud_endpoint", "--cloud-endpoint", config.sync.cloud_endpoint.is_some()),
        ("sync.token", "--token", config.sync.token.is_some()),
    ] {
        if !is_set {
            return Err(CliError::Usage(format!("{flag} (or {key}) is needed to enrol")));
        }
    }
    let runtime = runtime(Node::blocking_threads(&Config::default()))?;
    let enrolled = runtime.block_on(enroll(&config))?;
    let endpoint = config.sync.cloud_endpoint.as_deref().unwrap_or_default();
    if enrolled.already {
        super::say(&format!("{} is enrolled already\n", enrolled.node_id));
    } else {
        super::say(&format!("{} is enrolled with {endpoint}\n", enrolled.node_id));
    }
    Ok(())
}
