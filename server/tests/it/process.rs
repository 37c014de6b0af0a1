//! The binary: exit codes, the ready line, signals, the commands that ask a running node.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heliosdb-edge"));
    command.args(args).stdin(Stdio::null()).env_remove("HELIOS_PASSWORD").env("RUST_LOG", "warn");
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// Standard output and standard error of a command that ends with a code.
fn expect(args: &[&str], code: i32) -> (String, String) {
    let output = run(args);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    (out, err)
}

/// A node as a process; killed if the test fails.
struct Served {
    child: Child,
    http: SocketAddr,
    folder: tempfile::TempDir,
}

impl Served {
    fn start(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = command(&["serve", "--pg-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(folder.path())
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses = line.trim_end().strip_prefix("ready pg=").and_then(|rest| rest.split_once(" http="));
        let (pg, http) = addresses.unwrap_or_else(|| panic!("not a ready line: {line:?}"));
        let (pg, http): (SocketAddr, SocketAddr) = (pg.parse().unwrap(), http.parse().unwrap());
        assert!(pg.port() != 0 && http.port() != 0);
        Self { child, http, folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn data_dir(&self) -> String {
        self.path().to_str().unwrap().to_owned()
    }

    fn signal(&mut self, name: &str) -> i32 {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended already, unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_node_answers_its_owner_and_ends_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut node = Served::start(&["--node-id", "till-7"]);
        let data_dir = node.data_dir();
        let place = ["--data-dir", &data_dir];
        let (out, _) = expect(&[&["sql", "-c", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (41), (42); SELECT id FROM t ORDER BY id"][..], &place].concat(), 0);
        assert!(out.contains(" id\n----\n 41\n 42\n(2 rows)\n"), "{out}");
        let (out, _) = expect(&[&["status"][..], &place].concat(), 0);
        assert!(out.contains("till-7") && out.contains("standalone"), "{out}");
        let (_, err) = expect(&[&["sql", "-c", "SELECT * FROM missing"][..], &place].concat(), 1);
        assert!(err.contains("relation \"missing\" does not exist") && err.contains("42P01"), "{err}");
        let (_, err) = expect(&[&["token", "create", "--node-id", "*"][..], &place].concat(), 1);
        assert!(err.contains("55000"), "{err}");
        let (_, err) =
            expect(
                &[
                    &[
                        "enroll",
                        "--cloud-endpoint",
                        "http://127.0.0.1:1",
                        "--token",
                        "x",
                        "--set",
                        "sync.insecure=true",
                    ][..],
                    &place,
                ]
                .concat(),
                1,
            );
        assert!(err.contains("running"), "{err}");
        assert_eq!(node.signal(signal), 0);
        assert!(!node.path().join("control.sock").exists());
        let (_, err) = expect(&[&["status"][..], &place].concat(), 1);
        assert!(err.contains("no node runs on the data folder"), "{err}");
    }
}

#[test]
fn the_shell_reads_statements_from_a_pipe() {
    let mut node = Served::start(&[]);
    let mut shell = command(&["sql", "--data-dir", &node.data_dir()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = shell.stdin.take().unwrap();
    input.write_all(b"SELECT 1 AS one,\n  2 AS two;\nSELECT broken;\nSELECT 3 AS three").unwrap();
    drop(input);
    let output = shell.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains(" one | two\n") && out.contains(" three\n"), "{out}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("42703"));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(node.signal("-TERM"), 0);
}

#[test]
fn a_node_killed_in_the_middle_starts_again() {
    let mut node = Served::start(&[]);
    let data_dir = node.data_dir();
    let place = ["--data-dir", &data_dir];
    expect(&[&["sql", "-c", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)"][..], &place].concat(), 0);
    node.child.kill().unwrap();
    node.child.wait().unwrap();
    // Its control socket is still there.
    assert!(node.path().join("control.sock").exists());
    let mut child = command(&["serve", "--pg-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"])
        .args(place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("ready pg="), "{line}");
    let (out, _) = expect(&[&["sql", "-c", "SELECT id FROM t"][..], &place].concat(), 0);
    assert!(out.contains(" 1\n(1 row)"), "{out}");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_busy_port_is_a_failure_that_names_the_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let (out, err) = expect(&["serve", "--data-dir", data_dir.to_str().unwrap(), "--pg-listen", &address], 1);
    assert!(err.contains("--pg-listen") && err.contains(&address), "{err}");
    assert_eq!(out, "");
    assert!(!data_dir.exists());
}

#[test]
fn a_folder_keeps_its_mode() {
    let mut node = Served::start(&["--mode", "cloud", "--set", "sync.insecure=true"]);
    assert_eq!(node.signal("-TERM"), 0);
    let (_, err) = expect(
        &["serve", "--data-dir", &node.data_dir(), "--pg-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"],
        1,
    );
    assert!(err.contains("cloud mode"), "{err}");
}

#[test]
fn tokens_are_made_on_a_cloud() {
    let mut node = Served::start(&["--mode", "cloud", "--set", "sync.insecure=true"]);
    let (out, _) =
        expect(&["token", "create", "--data-dir", &node.data_dir(), "--node-id", "store-*", "--uses", "3"], 0);
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(!out.trim().is_empty());
    assert_eq!(node.signal("-TERM"), 0);
}

#[test]
fn a_stopped_edge_enrols_once() {
    let mut cloud = Served::start(&["--mode", "cloud", "--set", "sync.insecure=true"]);
    let (token, _) = expect(&["token", "create", "--data-dir", &cloud.data_dir(), "--node-id", "till-*"], 0);
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("http://{}", cloud.http);
    let enroll = [
        "enroll",
        "--data-dir",
        folder.path().to_str().unwrap(),
        "--node-id",
        "till-1",
        "--set",
        "sync.insecure=true",
        "--cloud-endpoint",
        &endpoint,
        "--token",
        token.trim(),
    ];
    let (out, _) = expect(&enroll, 0);
    assert!(out.contains("till-1 is enrolled with"), "{out}");
    let (out, _) = expect(&enroll, 0);
    assert!(out.contains("already"), "{out}");
    let wrong = tempfile::tempdir().unwrap();
    let mut other = enroll;
    other[2] = wrong.path().to_str().unwrap();
    other[4] = "kiosk-1";
    expect(&other, 1);
    assert_eq!(cloud.signal("-TERM"), 0);
}

#[test]
fn a_wrong_command_line_or_configuration_ends_with_2() {
    expect(&["no-such-command"], 2);
    expect(&["serve", "--no-such-flag"], 2);
    let (_, err) = expect(&["serve", "--set", "sync.compresion=lz4"], 2);
    assert!(err.contains("did you mean sync.compression?"), "{err}");
    let (_, err) = expect(&["config", "check", "--set", "analytics.max_memory_mb=1"], 2);
    assert!(err.contains("analytics.max_memory_mb: analytics is not built into this version"), "{err}");
    let (_, err) = expect(&["enroll"], 2);
    assert!(err.contains("--cloud-endpoint"), "{err}");
}

#[test]
fn the_configuration_is_shown_and_checked() {
    let (out, _) = expect(&["config", "show", "--tenant", "acme", "--set", "sync.token=hidden"], 0);
    assert!(out.contains("tenant = \"acme\"") && !out.contains("hidden"), "{out}");
    expect(&["config", "check"], 0);
    let output = command(&["config", "check"]).env("HELIOS_NO_SUCH_KEY", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("HELIOS_NO_SUCH_KEY"));
}

#[test]
fn commands_that_are_not_built_say_so() {
    for args in [
        &["cert", "ca"][..],
        &["outbox", "export"],
        &["backup", "--to", "x"],
        &["restore", "--from", "x"],
        &["check"],
        &["schema", "export"],
    ] {
        let (_, err) = expect(args, 1);
        assert!(err.contains(&format!("`{}` is not built", args[0])), "{err}");
    }
}

#[test]
fn logs_can_be_json() {
    let output = command(&["config", "check", "--log-format", "json"]).env("HELIOS_NO_SUCH_KEY", "1").output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    let line: serde_json::Value = serde_json::from_str(err.lines().next().unwrap()).unwrap();
    assert_eq!(line["level"], "WARN");
}
