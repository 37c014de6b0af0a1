//! The README's shop by hand: its commands as they stand there, and the same day through a driver.

use std::path::Path;
use std::process::Stdio;

use heliosdb_tests::fleet::{self, START_LIMIT, binary};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The ports that the README names: headquarters and two registers.
const PORTS: [u16; 3] = [54320, 54321, 54322];

/// A running demo on free ports.
struct Demo {
    _process: Child,
    _folder: tempfile::TempDir,
    ports: [u16; 3],
}

impl Demo {
    /// Starts the demo and reads its ports from the psql lines that it prints.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(binary())
            .args(["demo", "--pg-port", "0", "--http-port", "0", "--dir"])
            .arg(folder.path())
            .env_remove("HELIOS_PASSWORD")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut ports = Vec::new();
        let reading = async {
            while ports.len() < PORTS.len() {
                let line = lines.next_line().await.unwrap().expect("the demo prints where its nodes are");
                let port = line.split_once("psql -h 127.0.0.1 -p ").and_then(|(_, rest)| rest.split(' ').next());
                if let Some(port) = port.and_then(|port| port.parse().ok())
                    && !ports.contains(&port)
                {
                    ports.push(port);
                }
            }
        };
        tokio::time::timeout(START_LIMIT, reading).await.expect("the demo starts in time");
        Self { _process: process, _folder: folder, ports: ports.try_into().unwrap() }
    }

    async fn client(&self, node: usize) -> tokio_postgres::Client {
        fleet::connect(([127, 0, 0, 1], self.ports[node]).into()).await.unwrap()
    }
}

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("README.md");
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn the_commands_of_the_readme_work_with_psql() {
    let text = readme();
    let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("psql ")).collect();
    assert!(commands.len() >= 8, "the README shows the shop by hand");
    let demo = Demo::start().await;
    let mut outputs = Vec::new();
    for command in commands {
        let mut here = command.replace("psql ", "psql -X -v ON_ERROR_STOP=1 ");
        for (shown, real) in PORTS.iter().zip(demo.ports) {
            here = here.replace(&format!("-p {shown} "), &format!("-p {real} "));
        }
        let output = Command::new("sh").args(["-c", &here]).stdin(Stdio::null()).output().await.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command}\n{errors}");
        outputs.push(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stock_before = outputs[0].lines().find_map(|line| line.trim().strip_prefix("espresso")).unwrap();
    let stock_before: i64 = stock_before.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    assert!(outputs[3].contains("paused") && outputs[3].contains(" 1"), "one sale waits: {}", outputs[3]);
    let [.., after, lines] = outputs.as_slice() else { panic!("at least two outputs") };
    assert!(after.contains(&(stock_before - 3).to_string()), "both sales are counted once: {after}");
    assert!(lines.contains("espresso") && lines.contains("(1 row)"), "the sale has its line: {lines}");
}

#[tokio::test]
async fn the_day_of_the_readme_works_through_a_driver() {
    let demo = Demo::start().await;
    let headquarters = demo.client(0).await;
    let mut first = demo.client(1).await;
    let second = demo.client(2).await;
    let stock = "SELECT stock FROM products WHERE sku = $1";
    let before: i64 = headquarters.query_one(stock, &[&"espresso"]).await.unwrap().get(0);

    first.query_one("SELECT sync.pause()", &[]).await.unwrap();
    let sale = first.transaction().await.unwrap();
    let id = uuid::Uuid::new_v4();
    sale.execute("INSERT INTO sales (id, register) VALUES ($1, $2)", &[&id, &"register-1"]).await.unwrap();
    sale.execute("INSERT INTO sale_lines VALUES ($1, 1, 'espresso', 2, 2.50)", &[&id]).await.unwrap();
    let left = sale
        .query_one("UPDATE products SET stock = stock - 2 WHERE sku = 'espresso' RETURNING stock", &[])
        .await
        .unwrap();
    assert_eq!(left.get::<_, i64>(0), before - 2);
    sale.commit().await.unwrap();
    let status = first.query_one("SELECT state, pending_transactions FROM sync.status", &[]).await.unwrap();
    assert_eq!((status.get::<_, &str>(0), status.get::<_, i64>(1)), ("paused", 1));

    second.execute("UPDATE products SET stock = stock - 1 WHERE sku = 'espresso'", &[]).await.unwrap();
    let synced = second.query_one("SELECT sync.wait_for_sync('30 s')", &[]).await.unwrap();
    assert!(synced.get::<_, bool>(0));
    assert_eq!(headquarters.query_one(stock, &[&"espresso"]).await.unwrap().get::<_, i64>(0), before - 1);
    assert_eq!(first.query_one(stock, &[&"espresso"]).await.unwrap().get::<_, i64>(0), before - 2);

    first.query_one("SELECT sync.resume()", &[]).await.unwrap();
    let synced = first.query_one("SELECT sync.wait_for_sync('30 s')", &[]).await.unwrap();
    assert!(synced.get::<_, bool>(0));
    for node in [&headquarters, &first] {
        assert_eq!(node.query_one(stock, &[&"espresso"]).await.unwrap().get::<_, i64>(0), before - 3);
    }
    let lines = headquarters.query("SELECT sku, quantity FROM sale_lines WHERE sale = $1", &[&id]).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].get::<_, &str>(0), lines[0].get::<_, i32>(1)), ("espresso", 2));
}

/// Runs a node by a command of the README in a folder and returns it with the ports of its ready line.
async fn serve(command: &str, folder: &Path) -> (Child, u16, u16) {
    let mut process = shell(command, folder).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(START_LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
    let mut ports = line.split(' ').filter_map(|part| part.rsplit(':').next()?.parse().ok());
    (process, ports.next().unwrap(), ports.next().unwrap())
}

fn shell(command: &str, folder: &Path) -> Command {
    let here = command.replacen("heliosdb-edge", &format!("exec {}", binary().display()), 1);
    let mut shell = Command::new("sh");
    shell.args(["-c", &here]).current_dir(folder).env_remove("HELIOS_PASSWORD").stdin(Stdio::null()).kill_on_drop(true);
    shell
}

#[tokio::test]
async fn the_readme_s_own_fleet_works() {
    let text = readme().replace("\\\n", " ");
    let mut commands = text.lines().filter(|line| line.starts_with("heliosdb-edge "));
    let [cloud, token, edge] = [commands.next(), commands.next(), commands.next()].map(|command| command.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let cloud = format!("{cloud} --pg-listen 127.0.0.1:0 --http-listen 127.0.0.1:0");
    let (_cloud, pg, http) = serve(&cloud, folder.path()).await;
    let output = shell(token, folder.path()).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let token = String::from_utf8(output.stdout).unwrap();
    let edge = edge.replace("=TOKEN", &format!("={}", token.trim()));
    let edge = edge.replace(":5433", ":0").replace(":8433", ":0").replace(":8432", &format!(":{http}"));
    let (_edge, edge_pg, _) = serve(&edge, folder.path()).await;

    let headquarters = fleet::connect(([127, 0, 0, 1], pg).into()).await.unwrap();
    headquarters.batch_execute("CREATE TABLE notes (id int PRIMARY KEY, note text)").await.unwrap();
    headquarters.batch_execute("INSERT INTO notes VALUES (1, 'hello')").await.unwrap();
    let store = fleet::connect(([127, 0, 0, 1], edge_pg).into()).await.unwrap();
    fleet::until("the note arrives", START_LIMIT, || async {
        store.query_one("SELECT note FROM notes", &[]).await.is_ok_and(|row| row.get::<_, &str>(0) == "hello")
    })
    .await;
}
