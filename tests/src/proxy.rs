//! A line between an edge and its cloud that can be cut and black-holed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the line does with bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// Carries them.
    Up,
    /// Takes them and carries nothing, without closing anything: what a dead router does.
    BlackHole,
    /// Refuses and closes everything.
    Down,
}

#[derive(Clone, Copy, Debug)]
struct State {
    line: Line,
    target: Option<SocketAddr>,
    /// Connections of an older generation are closed.
    generation: u64,
}

/// A TCP proxy on loopback with an address that stays while its target comes and goes.
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepted: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy with no target yet.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (state, receiver) = watch::channel(State { line: Line::Up, target: None, generation: 0 });
        let accepted = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let receiver = receiver.clone();
                tokio::spawn(async move {
                    // A connection that ends badly is what this proxy is for.
                    let _ = carry(client, receiver).await;
                });
            }
        });
        Ok(Self { address, state, accepted, task })
    }

    /// Where edges connect to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where new connections lead from now on.
    pub fn set_target(&self, target: SocketAddr) {
        self.state.send_modify(|state| state.target = Some(target));
    }

    /// What the line does from now on, open connections included.
    pub fn set_line(&self, line: Line) {
        self.state.send_modify(|state| state.line = line);
    }

    /// Closes all open connections; new ones are carried as the line says.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.generation += 1);
    }

    /// How many connections have been accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, state: watch::Receiver<State>) -> io::Result<()> {
    let born = *state.borrow();
    if born.line == Line::Down {
        return Ok(());
    }
    let Some(target) = born.target else { return Ok(()) };
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    tokio::select! {
        result = pump(client_read, server_write, state.clone(), born.generation) => result,
        result = pump(server_read, client_write, state, born.generation) => result,
    }
}

/// Carries one direction until either side closes, the connection is cut or the line goes down.
async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    generation: u64,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let now = *state.borrow_and_update();
        if now.generation != generation || now.line == Line::Down {
            return Ok(());
        }
        tokio::select! {
            changed = state.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
            }
            read = from.read(&mut buffer), if now.line == Line::Up => {
                let read = read?;
                let bytes = buffer.get(..read).unwrap_or_default();
                if bytes.is_empty() {
                    return Ok(());
                }
                to.write_all(bytes).await?;
            }
        }
    }
}
