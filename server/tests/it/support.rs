//! A node in this process, and clients of it.

use std::net::SocketAddr;
use std::path::PathBuf;

use heliosdb_edge::{Config, Node};
use tokio_postgres::{Client, NoTls};

/// A standalone node on free ports, in a folder that goes with it.
pub struct TestNode {
    pub node: Node,
    pub folder: tempfile::TempDir,
}

/// A configuration on free ports.
pub fn config(data_dir: PathBuf) -> Config {
    let mut config = Config { data_dir, node_id: Some("test".to_owned()), ..Config::default() };
    config.pg.listen.set_port(0);
    config.http.listen.set_port(0);
    config
}

impl TestNode {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path().join("data"));
        change(&mut config);
        Self { node: Node::start(config).await.unwrap(), folder }
    }

    pub fn address(&self) -> SocketAddr {
        self.node.pg_address()
    }

    pub async fn client(&self) -> Client {
        connect(self.address(), "user=helios dbname=helios").await.unwrap()
    }

    pub async fn stop(self) {
        self.node.shutdown().await;
    }
}

/// Connects to an address.
pub async fn connect(address: SocketAddr, options: &str) -> Result<Client, tokio_postgres::Error> {
    let options = format!("host={} port={} {options}", address.ip(), address.port());
    let (client, connection) = tokio_postgres::connect(&options, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The SQLSTATE of an error.
pub fn code(error: &tokio_postgres::Error) -> String {
    error.code().unwrap_or_else(|| panic!("not an error of the server: {error}")).code().to_owned()
}
