//! Serves a router on loopback to clients that may be slow, silent, or too many.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::{Extension, Router};
use futures::StreamExt;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_io_timeout::TimeoutStream;

/// What a client is given.
#[derive(Clone, Copy)]
struct Patience {
    /// Connections at one time; another waits until one of them ends.
    connections: usize,
    /// The headers of a request come within this, and so does the next request on a connection.
    headers: Duration,
    /// The body of a request comes within this.
    body: Duration,
    /// Of an answer, some more is read within this.
    reading: Duration,
}

const PATIENCE: Patience = Patience {
    connections: 512,
    headers: Duration::from_secs(30),
    body: Duration::from_secs(30),
    reading: Duration::from_secs(30),
};
/// No connection can be accepted, for example for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until it is dropped, and its connections with it.
pub async fn serve(listener: TcpListener, router: Router) {
    serve_with(PATIENCE, listener, router).await;
}

async fn serve_with(patience: Patience, listener: TcpListener, router: Router) {
    let router = router.layer(from_fn(move |request, next| with_deadline(patience.body, request, next)));
    let places = Arc::new(Semaphore::new(patience.connections));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("a connection was not accepted: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone().layer(Extension(ConnectInfo(peer))));
        connections.spawn(async move {
            let _place = place;
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(patience.headers);
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(patience.reading));
            // An error here is a client that broke off, or does not read: there is no one to answer.
            let _ = http.serve_connection(TokioIo::new(Box::pin(stream)), service).await;
        });
    }
}

/// Ends the body of a request that does not come within its time.
async fn with_deadline(patience: Duration, request: Request, next: Next) -> Response {
    // An empty body keeps its known size, which a stream would hide.
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let until = Instant::now() + patience;
    let request = request.map(|body| {
        let chunks = Box::pin(body.into_data_stream());
        Body::from_stream(futures::stream::unfold(Some(chunks), move |chunks| async move {
            let mut chunks = chunks?;
            let late = || axum::Error::new(io::Error::from(io::ErrorKind::TimedOut));
            match tokio::time::timeout_at(until, chunks.next()).await {
                Ok(chunk) => Some((chunk?, Some(chunks))),
                Err(_) => Some((Err::<Bytes, _>(late()), None)),
            }
        }))
    });
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    const SHORT: Duration = Duration::from_millis(50);

    /// What a client gets for this, until the server closes the connection.
    async fn answered(patience: Patience, sends: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let at = listener.local_addr().expect("an address");
        let router = Router::new().route("/", post(async |body: String| body));
        tokio::spawn(serve_with(patience, listener, router));
        let mut client = TcpStream::connect(at).await.expect("a connection");
        client.write_all(sends.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("an end");
        answer
    }

    #[tokio::test]
    async fn a_client_that_never_finishes_is_let_go() {
        let short = Patience { connections: 1, headers: SHORT, body: SHORT, ..PATIENCE };
        assert_eq!(answered(short, "POST / HTTP/1.1\r\nhost: a\r\n").await, "");
        let answer = answered(short, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf").await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        let answer = answered(short, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nall.").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("all."), "{answer}");
    }

    #[tokio::test]
    async fn one_more_than_the_most_waits_for_a_place() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let at = listener.local_addr().expect("an address");
        let router = Router::new().route("/", post(async |body: String| body));
        let one = Patience { connections: 1, ..PATIENCE };
        tokio::spawn(serve_with(one, listener, router));
        let request = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let holder = TcpStream::connect(at).await.expect("a connection");
        let mut waits = TcpStream::connect(at).await.expect("a connection");
        waits.write_all(request).await.expect("sent");
        drop(holder);
        let mut answer = String::new();
        waits.read_to_string(&mut answer).await.expect("an end");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_gives_its_place_to_another() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let at = listener.local_addr().expect("an address");
        // More than the buffers of a socket hold.
        let large = async || vec![b'.'; 64 * 1024 * 1024];
        let router = Router::new().route("/large", post(large)).route("/", post(async |body: String| body));
        let one = Patience { connections: 1, reading: SHORT, ..PATIENCE };
        tokio::spawn(serve_with(one, listener, router));
        let ask =
            |path: &str| format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let mut silent = TcpStream::connect(at).await.expect("a connection");
        silent.write_all(ask("/large").as_bytes()).await.expect("sent");
        let mut waits = TcpStream::connect(at).await.expect("a connection");
        waits.write_all(ask("/").as_bytes()).await.expect("sent");
        let mut answer = String::new();
        let read = tokio::time::timeout(PATIENCE.reading, waits.read_to_string(&mut answer)).await;
        read.expect("the place is free").expect("an end");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
