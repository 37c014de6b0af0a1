//! The edge's end: connecting, and asking to be enrolled.

use bytes::Bytes;
use futures::{SinkExt, StreamExt, future};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite;
use tungstenite::Message;
use tungstenite::protocol::WebSocketConfig;

use super::{ENROLL_PATH, Endpoint, Line, MAX_ENROLL_BYTES, SYNC_PATH};
use crate::error::{Error, Result};
use crate::message::frame::MAX_FRAME_BYTES;

/// Opens the line to a hub. The caller bounds the time.
pub async fn connect(endpoint: &Endpoint) -> Result<Line> {
    let stream = dial(endpoint).await?;
    let url = format!("ws://{}{SYNC_PATH}", endpoint.authority());
    let config =
        WebSocketConfig::default().max_frame_size(Some(MAX_FRAME_BYTES)).max_message_size(Some(MAX_FRAME_BYTES));
    let opened = tokio_tungstenite::client_async_with_config(url, stream, Some(config)).await;
    let (socket, _) = opened.map_err(|error| Error::line(format!("{}: {error}", endpoint.authority())))?;
    let (sink, stream) = socket.split();
    Ok(Line {
        stream: Box::pin(stream.filter_map(|message| future::ready(frame_of(message))).fuse()),
        sink: Box::pin(
            sink.with(|frame: Bytes| future::ok::<_, tungstenite::Error>(Message::Binary(frame)))
                .sink_map_err(Error::line),
        ),
    })
}

fn frame_of(message: Result<Message, tungstenite::Error>) -> Option<Result<Bytes>> {
    match message {
        Ok(Message::Binary(frame)) => Some(Ok(frame)),
        Ok(Message::Text(_)) => Some(Err(Error::protocol("a text message on the sync line"))),
        Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => None,
        Err(error) => Some(Err(Error::line(error))),
    }
}

/// What a hub answers to a request to enrol: a body, either way.
pub enum EnrolmentReply {
    /// The node is enrolled.
    Accepted(Bytes),
    /// It is not, and will not be if it asks again.
    Refused(Bytes),
}

/// Sends a request to enrol. The caller bounds the time.
pub async fn post_enrolment(endpoint: &Endpoint, body: Vec<u8>) -> Result<EnrolmentReply> {
    let stream = dial(endpoint).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Error::line(format!("{}: {error}", endpoint.authority())))?;
    let request = Request::post(ENROLL_PATH)
        .header("host", endpoint.authority())
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(Error::line)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(Error::line)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ENROLL_BYTES).collect().await.map_err(Error::line)?;
        match status {
            StatusCode::OK => Ok(EnrolmentReply::Accepted(body.to_bytes())),
            _ if status.is_client_error() => Ok(EnrolmentReply::Refused(body.to_bytes())),
            _ => Err(Error::line(format!("{} answers with status {status}", endpoint.authority()))),
        }
    };
    // The connection does the work that the exchange waits for, and ends when the exchange has let go of it.
    tokio::select! {
        answer = exchange => answer,
        Err(error) = connection => Err(Error::line(format!("{}: {error}", endpoint.authority()))),
    }
}

async fn dial(endpoint: &Endpoint) -> Result<TcpStream> {
    let addresses = endpoint.resolve().await?;
    let stream = TcpStream::connect(addresses.as_slice())
        .await
        .map_err(|error| Error::line(format!("cannot connect to {}: {error}", endpoint.authority())))?;
    // Notifications and acknowledgements are small and should not wait for company.
    stream.set_nodelay(true).map_err(Error::line)?;
    Ok(stream)
}
