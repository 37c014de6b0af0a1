//! The listener: health, plain pages of the server crate, enrolment, and the line of each edge.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures::{SinkExt, StreamExt, future};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::endpoint::is_loopback;
use super::{ENROLL_PATH, Line, MAX_ENROLL_BYTES, SYNC_PATH};
use crate::enroll::{EnrollRefusal, EnrollRequest};
use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::message::frame::MAX_FRAME_BYTES;

/// The most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 << 10;
/// The most headers of a request.
const MAX_HEADERS: usize = 64;
/// A request's head must be there after so long.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Room for requests beside the edges' lines.
const PLAIN_CONNECTIONS: usize = 64;
/// How long to wait for lines to end when the listener stops.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait after the operating system refuses a connection (out of descriptors, most likely).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An answer of a plain page.
#[derive(Clone, Debug)]
pub struct PlainAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

/// A page that answers GET; must be quick.
#[derive(Clone)]
pub struct PlainRoute {
    /// Its path, such as `/metrics`.
    pub path: &'static str,
    /// Makes the answer.
    pub answer: Arc<dyn Fn() -> PlainAnswer + Send + Sync>,
}

/// Says whether the node is ready to serve, or why not.
pub type Readiness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What the listener serves.
pub struct HttpOptions {
    /// Where to listen; port 0 takes any.
    pub listen: SocketAddr,
    /// The hub whose edges connect here; none on an edge.
    pub hub: Option<Arc<Hub>>,
    /// For `/readyz`.
    pub ready: Readiness,
    /// Further pages.
    pub routes: Vec<PlainRoute>,
}

/// A listener at work. Dropping it stops it.
pub struct HttpServer {
    address: SocketAddr,
    hub: Option<Arc<Hub>>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
    lines_ended: mpsc::Receiver<Infallible>,
}

/// What the handlers of a hub need.
#[derive(Clone)]
struct HubState {
    hub: Arc<Hub>,
    /// Held by every line: when all are dropped, the last line has ended.
    alive: mpsc::Sender<Infallible>,
}

impl HttpServer {
    /// Listens. A hub without TLS is refused unless `sync.insecure` is set and the address is on loopback.
    pub async fn start(options: HttpOptions) -> Result<Self> {
        let HttpOptions { listen, hub, ready, routes } = options;
        if let Some(hub) = &hub {
            check_plain(hub, listen)?;
        }
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| Error::Config(format!("cannot listen on http.listen = {listen}: {error}")))?;
        let address = listener.local_addr().map_err(Error::line)?;
        let lines = hub.as_ref().map_or(0, |hub| hub.options().max_connections);
        let (alive, lines_ended) = mpsc::channel(1);
        let app = router(hub.clone().map(|hub| HubState { hub, alive }), ready, routes);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, app, Arc::new(Semaphore::new(lines + PLAIN_CONNECTIONS)), stopped));
        Ok(Self { address, hub, stop, task, lines_ended })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the listener and all its connections, the hub's lines among them, and waits until that is done.
    pub async fn stop(mut self) {
        // The task may have ended by itself.
        let _ = self.stop.send(true);
        if let Some(hub) = self.hub.take() {
            hub.stop();
        }
        let _ = (&mut self.task).await;
        // Nothing is ever sent: it ends when the last line has.
        if tokio::time::timeout(STOP_PATIENCE, self.lines_ended.recv()).await.is_err() {
            tracing::warn!("some edges did not take leave in time");
        }
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

fn check_plain(hub: &Hub, listen: SocketAddr) -> Result<()> {
    if !hub.options().insecure {
        return Err(Error::Config(
            "a cloud without TLS needs sync.insecure = true, on loopback only (TLS is not supported yet)".into(),
        ));
    }
    if !is_loopback(listen.ip()) {
        return Err(Error::Config(format!(
            "http.listen = {listen} is not on loopback; a cloud without TLS is allowed there only"
        )));
    }
    Ok(())
}

async fn accept(listener: TcpListener, app: Router, room: Arc<Semaphore>, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Beyond the bound a connection is closed at once: the client sees it and backs off.
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else { continue };
        let app = app.clone();
        connections.spawn(async move {
            serve_connection(stream, app).await;
            drop(permit);
        });
    }
    connections.shutdown().await;
}

async fn serve_connection(stream: TcpStream, app: Router) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "an HTTP connection failed");
    }
}

fn router(hub: Option<HubState>, ready: Readiness, routes: Vec<PlainRoute>) -> Router {
    let mut app = Router::new().route("/healthz", get(|| async { "ok\n" })).route(
        "/readyz",
        get(move || async move {
            match ready() {
                Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
                Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
            }
        }),
    );
    for PlainRoute { path, answer } in routes {
        app = app.route(path, get(move || async move { plain(answer()) }));
    }
    if let Some(hub) = hub {
        let sync = Router::new()
            .route(ENROLL_PATH, post(enroll).layer(DefaultBodyLimit::max(MAX_ENROLL_BYTES)))
            .route(SYNC_PATH, get(sync))
            .with_state(hub);
        app = app.merge(sync);
    }
    app
}

fn plain(answer: PlainAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, answer.content_type)], answer.body).into_response()
}

async fn enroll(State(HubState { hub, .. }): State<HubState>, body: Bytes) -> Response {
    let request: EnrollRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, format!("not a request to enrol: {error}")),
    };
    match hub.enroll(request).await {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(Error::Enrolment(why)) => refuse(StatusCode::FORBIDDEN, why),
        Err(error) => {
            tracing::error!(%error, "an enrolment failed");
            refuse(StatusCode::SERVICE_UNAVAILABLE, "the cloud cannot enrol nodes at the moment".to_owned())
        }
    }
}

fn refuse(status: StatusCode, error: String) -> Response {
    (status, axum::Json(EnrollRefusal { error })).into_response()
}

async fn sync(State(HubState { hub, alive }): State<HubState>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_frame_size(MAX_FRAME_BYTES).max_message_size(MAX_FRAME_BYTES).on_upgrade(move |socket| async move {
        hub.serve_line(line(socket)).await;
        // In this order: who waits for the lines may then be sure that they hold nothing of the hub.
        drop(hub);
        drop(alive);
    })
}

fn line(socket: WebSocket) -> Line {
    let (sink, stream) = socket.split();
    Line {
        stream: Box::pin(stream.filter_map(|message| future::ready(frame_of(message))).fuse()),
        sink: Box::pin(
            sink.with(|frame: Bytes| future::ok::<_, axum::Error>(Message::Binary(frame))).sink_map_err(Error::line),
        ),
    }
}

fn frame_of(message: Result<Message, axum::Error>) -> Option<Result<Bytes>> {
    match message {
        Ok(Message::Binary(frame)) => Some(Ok(frame)),
        Ok(Message::Text(_)) => Some(Err(Error::protocol("a text message on the sync line"))),
        Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_)) => None,
        Err(error) => Some(Err(Error::line(error))),
    }
}
