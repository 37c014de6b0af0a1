//! `demo`: a cloud and registers in one process, over real sockets on loopback, with a small shop.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use heliosdb_edge::config::{HttpConfig, Mode, PgConfig, SyncConfig};
use heliosdb_edge::{Config, Node};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::CliError;
use super::client::{connect, describe};
use super::serve::{Signals, runtime};

/// How long the registers may take to enrol and to receive the shop.
const ENROL_LIMIT: Duration = Duration::from_secs(60);
/// How often that is looked for.
const ENROL_POLL: Duration = Duration::from_millis(50);

/// The shop, made in one transaction: a demo that is stopped halfway starts anew.
const SHOP: &str = "
BEGIN;
CREATE TABLE products (
  sku   text PRIMARY KEY,
  name  text NOT NULL,
  price numeric(10,2) NOT NULL CHECK (price >= 0),
  stock pn_counter NOT NULL DEFAULT 0
);
CREATE TABLE sales (
  id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  register text NOT NULL,
  sold_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sale_lines (
  sale     uuid NOT NULL REFERENCES sales (id),
  line     int NOT NULL,
  sku      text NOT NULL REFERENCES products (sku),
  quantity int NOT NULL CHECK (quantity > 0),
  price    numeric(10,2) NOT NULL,
  PRIMARY KEY (sale, line)
);
INSERT INTO products (sku, name, price, stock) VALUES
  ('espresso', 'Espresso', 2.50, 500),
  ('cappuccino', 'Cappuccino', 3.40, 500),
  ('croissant', 'Croissant', 2.20, 120),
  ('bagel', 'Bagel with cream cheese', 4.80, 80),
  ('beans', 'Coffee beans, 1 kg', 21.90, 60);
COMMIT;
";

/// The arguments of `demo`.
#[derive(Args, Debug)]
pub(super) struct DemoArgs {
    /// Where the nodes keep their data; a second run goes on with what is there.
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    dir: PathBuf,
    /// How many registers.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=16))]
    registers: u16,
    /// The cloud's port for SQL; register k has the one k further. 0 takes any free ports.
    #[arg(long, value_name = "PORT", default_value_t = 54_320)]
    pg_port: u16,
    /// The cloud's port for HTTP; register k has the one k further. 0 takes any free ports.
    #[arg(long, value_name = "PORT", default_value_t = 18_430)]
    http_port: u16,
}

impl DemoArgs {
    /// Where a node listens, given the cloud's port.
    fn address(cloud_port: u16, number: u16) -> SocketAddr {
        let port = if cloud_port == 0 { 0 } else { cloud_port.saturating_add(number) };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }
}

/// Runs the demo until it is told to stop.
pub(super) fn run(args: &DemoArgs) -> Result<(), CliError> {
    let nodes = usize::from(args.registers).saturating_add(1);
    let threads = Node::blocking_threads(&Config::default()).saturating_mul(nodes);
    let runtime = runtime(threads)?;
    let ended = runtime.block_on(demo(args));
    runtime.shutdown_background();
    ended
}

async fn demo(args: &DemoArgs) -> Result<(), CliError> {
    let mut signals = Signals::new()?;
    let mut nodes = Vec::new();
    let started = tokio::select! {
        started = start_all(args, &mut nodes) => started,
        () = signals.next() => Err(CliError::Silent),
    };
    if started.is_ok() {
        super::say(&guide(args, &nodes));
        tokio::select! {
            () = signals.next() => {}
            failure = any_failure(&nodes) => tracing::error!(failure, "the demo ends"),
        }
    }
    // The registers first, so that they do not look for a cloud that is gone.
    while let Some(node) = nodes.pop() {
        node.shutdown().await;
    }
    started
}

async fn any_failure(nodes: &[Node]) -> String {
    let waits = nodes.iter().map(|node| Box::pin(node.fatal().wait()));
    futures::future::select_all(waits).await.0
}

async fn start_all(args: &DemoArgs, nodes: &mut Vec<Node>) -> Result<(), CliError> {
    let config = node_config(args, 0, None);
    let cloud_dir = config.data_dir.clone();
    nodes.push(Node::start(config).await?);
    let cloud_address = nodes.first().map(Node::http_address);
    let cloud = connect(&cloud_dir).await?;
    if !has_shop(&cloud).await? {
        cloud.batch_execute(SHOP).await.map_err(|error| describe(&error))?;
    }
    for number in 1..=args.registers {
        let mut config = node_config(args, number, cloud_address);
        // A register that is enrolled already ignores it.
        config.sync.token = Some(token(&cloud, &register_id(number)).await?.into());
        let data_dir = config.data_dir.clone();
        nodes.push(Node::start(config).await?);
        wait_for_shop(&data_dir, number).await?;
    }
    Ok(())
}

/// The cloud is number 0.
fn node_config(args: &DemoArgs, number: u16, cloud: Option<SocketAddr>) -> Config {
    let defaults = Config::default().with_password_from_env();
    let name = if number == 0 { "cloud".to_owned() } else { register_id(number) };
    Config {
        mode: if number == 0 { Mode::Cloud } else { Mode::Edge },
        data_dir: args.dir.join(&name),
        node_id: Some(name),
        pg: PgConfig { listen: DemoArgs::address(args.pg_port, number), ..defaults.pg.clone() },
        http: HttpConfig { listen: DemoArgs::address(args.http_port, number), ..defaults.http.clone() },
        sync: SyncConfig {
            insecure: true,
            cloud_endpoint: cloud.map(|address| format!("http://{address}")),
            ..defaults.sync.clone()
        },
        ..defaults
    }
}

fn register_id(number: u16) -> String {
    format!("register-{number}")
}

async fn has_shop(client: &Client) -> Result<bool, CliError> {
    match client.simple_query("SELECT sku FROM products LIMIT 1").await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(false),
        Err(error) => Err(describe(&error)),
    }
}

async fn token(cloud: &Client, node_id: &str) -> Result<String, CliError> {
    let sql = format!("SELECT sync.create_enrollment_token('{node_id}')");
    let row = cloud.query_one(&sql, &[]).await.map_err(|error| describe(&error))?;
    row.try_get(0).map_err(CliError::failure)
}

async fn wait_for_shop(data_dir: &Path, number: u16) -> Result<(), CliError> {
    let register = connect(data_dir).await?;
    let arrived = async {
        while !has_shop(&register).await? {
            tokio::time::sleep(ENROL_POLL).await;
        }
        Ok(())
    };
    tokio::time::timeout(ENROL_LIMIT, arrived).await.unwrap_or_else(|_| {
        Err(CliError::Failure(format!("register {number} has not enrolled within {} s", ENROL_LIMIT.as_secs())))
    })
}

/// What to try, in psql.
fn guide(args: &DemoArgs, nodes: &[Node]) -> String {
    let psql = |node: &Node| format!("psql -h 127.0.0.1 -p {} -U helios", node.pg_address().port());
    let [cloud, registers @ ..] = nodes else { return String::new() };
    let Some(first) = registers.first() else { return String::new() };
    let list: String =
        (1..).zip(registers).map(|(number, register)| format!("\n  register {number:<2} {}", psql(register))).collect();
    format!(
        r#"A cloud and {} registers are running; their data is in {}.

  cloud       {cloud}{list}

Look at the stock, on any of them:
  {cloud} -c "SELECT sku, price, stock FROM products ORDER BY sku"

Cut register 1 off, and sell there:
  {first} -c "SELECT sync.pause()"
  {first} <<'SQL'
  BEGIN;
  INSERT INTO sales (register) VALUES ('register-1') RETURNING id \gset
  INSERT INTO sale_lines VALUES (:'id', 1, 'espresso', 2, 2.50), (:'id', 2, 'croissant', 1, 2.20);
  UPDATE products SET stock = stock - 2 WHERE sku = 'espresso';
  UPDATE products SET stock = stock - 1 WHERE sku = 'croissant';
  COMMIT;
  SQL

The cloud does not know yet, and register 1 has it in its queue:
  {cloud} -c "SELECT count(*) FROM sales"
  {first} -c "SELECT state, pending_transactions FROM sync.status"

Let it sync, and look again: every node has the sale with its lines, and the stock of all.
  {first} -c "SELECT sync.resume()"
  {cloud} -c "SELECT sku, stock FROM products ORDER BY sku"

^C stops the demo; the next run goes on from here.
"#,
        registers.len(),
        args.dir.display(),
        cloud = psql(cloud),
        first = psql(first),
    )
}
