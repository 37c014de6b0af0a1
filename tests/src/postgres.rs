//! PostgreSQL 15 itself, in a temporary folder: the measure that our server is held against.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::wire::{Connection, Message};

/// Where Debian's package puts the programs.
const BIN: &str = "/usr/lib/postgresql/15/bin";
/// How long it may take to start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Who it runs as where the tests run as root, which PostgreSQL refuses.
const ACCOUNT: &str = "postgres";
/// Its superuser and its database are called as ours, so that they read the same in messages and listings.
pub const NAME: &str = "helios";

/// Ends the server when its standard input closes, which happens however the test ends.
const KEEPER: &str = r#""$0" "$@" </dev/null & read -r _; kill -QUIT $!; wait"#;

/// A running PostgreSQL 15: text is ordered by its bytes, characters are Unicode's, the time zone is UTC. Dropping it
/// ends it.
pub struct Postgres {
    keeper: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Postgres {
    /// Makes a cluster in a new folder and starts it.
    ///
    /// # Panics
    /// If Debian's `postgresql-15` is not installed (`make setup-test` does it), or does not start.
    pub fn start() -> Self {
        assert!(
            Path::new(BIN).join("initdb").exists(),
            "{BIN}/initdb is missing: the tests need PostgreSQL 15 (`make setup-test` installs postgresql-15)"
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let account = account();
        if let Some((user, group)) = account {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).expect("the folder can be given away");
        }
        let data = folder.path().join("data");
        let mut initdb = command("initdb", account);
        initdb.arg("-D").arg(&data).args([
            "-U",
            NAME,
            "-A",
            "trust",
            "--locale=C",
            "--lc-ctype=C.UTF-8",
            "-E",
            "UTF8",
            "--no-sync",
        ]);
        let made = initdb.output().expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));

        let port = free_port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", KEEPER, &format!("{BIN}/postgres"), "-D"]).arg(&data).args(["-p", &port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "timezone=UTC"] {
            keeper.args(["-c", setting]);
        }
        act_as(&mut keeper, account);
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut postgres = Self { keeper: keeper.spawn().expect("a shell"), address, _folder: folder };
        postgres.wait_until_ready().expect("PostgreSQL starts");
        postgres
    }

    /// Where it answers.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes the database [`NAME`] anew and drops all roles but the superuser.
    ///
    /// # Panics
    /// If it refuses.
    pub fn renew_database(&self) {
        let mut client = Connection::open(self.address, NAME, "template1").expect("PostgreSQL lets a client in");
        succeed(&mut client, &format!("DROP DATABASE IF EXISTS {NAME} WITH (FORCE)"));
        succeed(&mut client, &format!("CREATE DATABASE {NAME} TEMPLATE template0"));
        let roles = format!("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> '{NAME}'");
        for message in succeed(&mut client, &roles) {
            if let Message::Row(values) = message {
                let role = values.first().and_then(Option::as_deref).unwrap_or_default();
                succeed(&mut client, &format!("DROP ROLE \"{}\"", String::from_utf8_lossy(role)));
            }
        }
    }

    /// A client of the database [`NAME`].
    ///
    /// # Panics
    /// If it is not let in.
    pub fn client(&self) -> Connection {
        Connection::open(self.address, NAME, NAME).expect("PostgreSQL lets a client in")
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while Connection::open(self.address, NAME, "template1").is_err() {
            if start.elapsed() > START_LIMIT || !matches!(self.keeper.try_wait(), Ok(None)) {
                drop(self.keeper.stdin.take());
                let mut said = String::new();
                if let Some(stderr) = self.keeper.stderr.as_mut() {
                    // Whatever it has said is better than nothing.
                    let _ = stderr.read_to_string(&mut said);
                }
                return Err(said);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // Its log would fill the pipe; it is of no interest from here on.
        if let Some(mut stderr) = self.keeper.stderr.take() {
            std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // The keeper ends with its server; if it could not be waited for there is nothing left to do.
        let _ = self.keeper.wait();
    }
}

fn succeed(client: &mut Connection, sql: &str) -> Vec<Message> {
    let messages = client.simple(sql, None).expect("PostgreSQL answers");
    let error = messages.iter().find(|message| matches!(message, Message::Error(_)));
    assert!(error.is_none(), "{sql}: {error:?}");
    messages
}

fn command(program: &str, account: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(Path::new(BIN).join(program));
    act_as(&mut command, account);
    command
}

fn act_as(command: &mut Command, account: Option<(u32, u32)>) {
    command.current_dir("/").env("LC_ALL", "C").env_remove("PGDATA");
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
}

/// The account to run as, with its group, if the tests run as root.
fn account() -> Option<(u32, u32)> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0);
    is_root.then(|| {
        let accounts = std::fs::read_to_string("/etc/passwd").expect("the accounts can be read");
        let line = accounts.lines().find(|line| line.starts_with(&format!("{ACCOUNT}:"))).expect("an account postgres");
        let mut numbers = line.split(':').skip(2).map(|number| number.parse().expect("a number"));
        (numbers.next().expect("a user id"), numbers.next().expect("a group id"))
    })
}

fn free_port() -> u16 {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    probe.local_addr().expect("an address").port()
}
