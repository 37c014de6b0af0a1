//! The two sides: our release binary, and PostgreSQL 15 in a temporary folder with its own settings untouched.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Result;

/// Where Debian puts PostgreSQL's programs.
pub const POSTGRES_BIN: &str = "/usr/lib/postgresql/15/bin";

/// A server that is being measured.
pub struct Server {
    name: &'static str,
    user: &'static str,
    port: u16,
    _folder: tempfile::TempDir,
    process: Process,
}

enum Process {
    Ours(Child),
    Postgres(PathBuf),
}

impl Server {
    /// Our own, built beside this program.
    pub async fn heliosdb() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let binary = std::env::current_exe()?.with_file_name("heliosdb-edge");
        let mut child = Command::new(&binary)
            .args(["serve", "--mode", "edge", "--pg-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(folder.path())
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}; run `make build` first", binary.display()))?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let line = BufReader::new(stdout).lines().next_line().await?.ok_or("heliosdb-edge ended early")?;
        let port = line
            .strip_prefix("ready pg=")
            .and_then(|rest| rest.split(' ').next())
            .and_then(|address| address.rsplit(':').next())
            .ok_or("no ready line")?
            .parse()?;
        Ok(Self { name: "HeliosDB Edge", user: "helios", port, _folder: folder, process: Process::Ours(child) })
    }

    /// PostgreSQL 15 as `initdb` makes it.
    pub async fn postgres() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        let port = free_port()?;
        std::fs::create_dir(&data)?;
        if is_root() {
            // PostgreSQL refuses to run as root.
            succeed(Command::new("chown").arg("-R").arg("postgres").arg(folder.path())).await?;
        }
        let shown = data.display();
        as_postgres(&format!("{POSTGRES_BIN}/initdb -D {shown} -U postgres -A trust --locale=C -E UTF8")).await?;
        let options = format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=");
        as_postgres(&format!("{POSTGRES_BIN}/pg_ctl -D {shown} -l {shown}/log -w -o '{options}' start")).await?;
        Ok(Self { name: "PostgreSQL", user: "postgres", port, _folder: folder, process: Process::Postgres(data) })
    }

    /// What the report calls it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Who connects.
    pub const fn user(&self) -> &'static str {
        self.user
    }

    /// Its port on loopback.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it wants its statistics refreshed after loading.
    pub const fn needs_analyze(&self) -> bool {
        matches!(self.process, Process::Postgres(_))
    }

    /// A client.
    pub async fn client(&self) -> Result<tokio_postgres::Client> {
        let config = format!("host=127.0.0.1 port={} user={} dbname=postgres", self.port, self.user);
        let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Its own word on its version.
    pub async fn version(&self) -> Result<String> {
        Ok(self.client().await?.query_one("SELECT version()", &[]).await?.get(0))
    }

    /// Ends it.
    pub async fn stop(self) -> Result<()> {
        match self.process {
            Process::Ours(mut child) => {
                child.kill().await?;
                Ok(())
            }
            Process::Postgres(data) => stop_postgres(&data).await,
        }
    }
}

async fn stop_postgres(data: &Path) -> Result<()> {
    as_postgres(&format!("{POSTGRES_BIN}/pg_ctl -D {} -m immediate stop", data.display())).await
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0)
}

async fn as_postgres(command: &str) -> Result<()> {
    let mut shell = if is_root() {
        let mut su = Command::new("su");
        su.args(["postgres", "-s", "/bin/sh", "-c", command]);
        su
    } else {
        let mut sh = Command::new("sh");
        sh.args(["-c", command]);
        sh
    };
    succeed(shell.current_dir("/")).await
}

async fn succeed(command: &mut Command) -> Result<()> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let output = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await??;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
