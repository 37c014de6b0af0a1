//! Nodes as real processes of the real binary.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a node may take to start or stop before the test gives up on it.
pub const START_LIMIT: Duration = Duration::from_secs(60);

/// A node: its folder, its options, and the process if it runs. The folder outlives the process.
pub struct Node {
    folder: tempfile::TempDir,
    args: Vec<String>,
    /// Where its log goes, if not to the test's own standard error.
    log: Option<tempfile::NamedTempFile>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    pg: SocketAddr,
    http: SocketAddr,
}

/// The binary under test, built beside the test binaries.
///
/// # Panics
/// If it has not been built.
pub fn binary() -> PathBuf {
    let here = std::env::current_exe().expect("BUG: a test has an executable");
    let profile = here.ancestors().nth(2).expect("BUG: test binaries live in target/PROFILE/deps");
    let binary = profile.join("heliosdb-edge");
    assert!(binary.exists(), "{} is missing: run `make test`, or `cargo build` first", binary.display());
    binary
}

impl Node {
    /// Starts a cloud in a new folder.
    pub async fn cloud() -> Self {
        let mut node = Self::new(&["--mode", "cloud", "--node-id", "hq"]);
        node.start().await;
        node
    }

    /// Starts an edge in a new folder, which enrols itself at the cloud behind the address.
    pub async fn edge(id: &str, cloud: SocketAddr, token: &str) -> Self {
        let endpoint = format!("http://{cloud}");
        let mut node = Self::new(&[
            "--mode",
            "edge",
            "--node-id",
            id,
            "--cloud-endpoint",
            &endpoint,
            "--set",
            &format!("sync.token={token}"),
        ]);
        node.start().await;
        node
    }

    /// A node in a new folder that has not been started.
    pub fn new(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut all: Vec<String> = ["serve", "--set", "sync.insecure=true"].map(str::to_owned).to_vec();
        all.extend(args.iter().map(|&arg| arg.to_owned()));
        Self { folder, args: all, log: None, running: None }
    }

    /// Sends the log, with warnings and errors only, to a file of its own, from the next start on.
    pub fn keep_log(&mut self) {
        self.log = Some(tempfile::NamedTempFile::new().expect("a temporary file"));
    }

    /// What a node that keeps its log has logged.
    pub fn log(&self) -> String {
        self.log.as_ref().and_then(|file| std::fs::read_to_string(file.path()).ok()).unwrap_or_default()
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the process and waits for its ready line.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start(&mut self) {
        assert!(self.running.is_none(), "the node runs already");
        let mut command = Command::new(binary());
        if let Some(file) = &self.log {
            command.stderr(file.reopen().expect("a log file")).env("RUST_LOG", "warn");
        }
        let mut child = command
            .args(&self.args)
            .arg("--data-dir")
            .arg(self.folder.path())
            .args(["--pg-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
            .env_remove("HELIOS_PASSWORD")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let stdout = child.stdout.take().expect("BUG: stdout is piped");
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(START_LIMIT, lines.next_line())
            .await
            .expect("the node becomes ready in time")
            .expect("the node's output can be read")
            .expect("the node prints its ready line before it ends");
        let ready = parse_ready(&line);
        assert!(ready.is_some(), "not a ready line: {line}");
        let (pg, http) = ready.expect("BUG: just judged");
        self.running = Some(Running { child, pg, http });
    }

    /// Ends the process as the operator does, and waits for it.
    pub async fn stop(&mut self) {
        let mut running = self.running.take().expect("the node runs");
        let id = running.child.id().expect("the process is there");
        let killed = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
        assert!(killed.is_ok_and(|status| status.success()), "the process takes the signal");
        let status = tokio::time::timeout(START_LIMIT, running.child.wait()).await.expect("the node stops in time");
        assert!(status.is_ok_and(|status| status.success()), "the node stops cleanly");
    }

    /// Ends the process with SIGKILL.
    pub async fn kill(&mut self) {
        let mut running = self.running.take().expect("the node runs");
        running.child.kill().await.expect("the process can be killed");
    }

    /// Where it answers SQL.
    pub fn pg(&self) -> SocketAddr {
        self.running.as_ref().expect("the node runs").pg
    }

    /// Where it answers HTTP.
    pub fn http(&self) -> SocketAddr {
        self.running.as_ref().expect("the node runs").http
    }

    /// A client of the node.
    pub async fn client(&self) -> tokio_postgres::Client {
        connect(self.pg()).await.expect("the node lets a client in")
    }
}

/// Connects a client as the superuser.
pub async fn connect(address: SocketAddr) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let config = format!("host={} port={} user=helios dbname=helios connect_timeout=10", address.ip(), address.port());
    let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A token for edges whose id fits the glob.
pub async fn token(cloud: &tokio_postgres::Client, glob: &str) -> String {
    let row =
        cloud.query_one("SELECT sync.create_enrollment_token($1)", &[&glob]).await.expect("the cloud gives a token");
    row.get(0)
}

/// Asks again until the answer is yes. The test's own time limit is the bound.
pub async fn until<F, Fut>(what: &str, limit: Duration, mut ask: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let asking = async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(limit, asking).await.is_ok(), "not within {limit:?}: {what}");
}

fn parse_ready(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let rest = line.strip_prefix("ready pg=")?;
    let (pg, http) = rest.split_once(" http=")?;
    Some((pg.parse().ok()?, http.trim().parse().ok()?))
}
