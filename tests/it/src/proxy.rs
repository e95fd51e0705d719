//! A plain-HTTP reverse proxy on a loopback port, in front of one upstream.
//!
//! The product under test is given the proxy's address in place of the service's own, so a test can see what was said,
//! change what is asked, answer in the service's place, and kill the product at its n-th outbound call, all without
//! any test code inside the product. Whatever is not changed on purpose passes through unchanged: the `Host`, repeated
//! headers, their order and case, compressed bodies, an explicit `content-length: 0`.

mod kill_switch;

pub use kill_switch::{KillSwitch, Killed, When};

use http::{HeaderMap, Request, Response, Uri, request};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// One request and its answer, as the client behind the proxy saw them. Header names are in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The method in upper case: `GET`.
    pub method: String,
    /// The path as sent, percent-encoded, without the query.
    pub path: String,
    /// The query as sent, percent-encoded, without the question mark; `None` if there was no question mark.
    pub query: Option<String>,
    /// One entry for each header line of the request.
    pub request_headers: Vec<(String, String)>,
    /// The body of the request as sent; empty if there was none.
    pub request_body: Vec<u8>,
    /// The status of the answer; 0 while there is none yet.
    pub status: u16,
    /// One entry for each header line of the answer.
    pub response_headers: Vec<(String, String)>,
    /// The body of the answer as received: still compressed if its `content-encoding` says so.
    pub response_body: Vec<u8>,
}

/// What an interceptor answers in the upstream's place: status, header lines, body.
pub type Answer = (u16, Vec<(String, String)>, Vec<u8>);

/// A running proxy. Dropping it closes its port and every connection through it.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy in front of `upstream`, as in `http://127.0.0.1:8000`, on a free loopback port.
    ///
    /// # Panics
    ///
    /// If there is no free loopback port.
    pub async fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let shared = Arc::new(Shared {
            client: Client::builder(TokioExecutor::new())
                .set_host(false)
                .http1_preserve_header_case(true)
                .build(connector),
            calls: AtomicUsize::new(0),
            exchanges: Mutex::default(),
            settings: Mutex::new(Settings { upstream: upstream.to_owned(), ..Settings::default() }),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { address, shared, accepting }
    }

    /// The proxy's own origin, as in `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends every later call to another upstream.
    pub fn retarget(&self, upstream: &str) {
        upstream.clone_into(&mut self.shared.settings().upstream);
    }

    /// How many calls have arrived, those that were cut included.
    pub fn calls(&self) -> usize {
        self.shared.calls.load(Ordering::SeqCst)
    }

    /// The exchanges recorded so far, in the order in which they ended. A call cut after the upstream's answer is among
    /// them, because it took effect; one cut before is not.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.exchanges().clone()
    }

    /// The exchanges recorded behind the first so many.
    pub fn exchanges_behind(&self, known: usize) -> Vec<Exchange> {
        self.shared.exchanges().get(known..).unwrap_or_default().to_vec()
    }

    /// How many exchanges are recorded.
    pub fn recorded(&self) -> usize {
        self.shared.exchanges().len()
    }

    /// Switches recording on or off; a proxy starts with it off.
    pub fn record(&self, on: bool) {
        self.shared.settings().recording = on;
    }

    /// Counts this proxy's calls on `gate`, and cuts them once it has fired.
    pub fn kill_at(&self, gate: &KillSwitch) {
        self.shared.settings().gate = Some(gate.clone());
    }

    /// Changes the path and query of every later request before it is forwarded. Recorded is what the client sent.
    pub fn rewrite(&self, change: impl Fn(&mut String) + Send + Sync + 'static) {
        self.shared.settings().rewrite = Some(Arc::new(change));
    }

    /// Offers every later request, as an exchange of status 0, to `answer`; what it answers is not forwarded.
    pub fn intercept(&self, answer: impl Fn(&Exchange) -> Option<Answer> + Send + Sync + 'static) {
        self.shared.settings().intercept = Some(Arc::new(answer));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

type Rewrite = dyn Fn(&mut String) + Send + Sync;
type Intercept = dyn Fn(&Exchange) -> Option<Answer> + Send + Sync;

/// Why a call ends without an answer.
type Cut = Box<dyn Error + Send + Sync>;

/// What can be changed while the proxy runs; each call works on the copy it started with.
#[derive(Clone, Default)]
struct Settings {
    upstream: String,
    recording: bool,
    gate: Option<KillSwitch>,
    rewrite: Option<Arc<Rewrite>>,
    intercept: Option<Arc<Intercept>>,
}

struct Shared {
    client: Client<HttpConnector, Full<Bytes>>,
    calls: AtomicUsize,
    exchanges: Mutex<Vec<Exchange>>,
    settings: Mutex<Settings>,
}

impl Shared {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().expect("nobody panics while holding the settings")
    }

    fn exchanges(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.exchanges.lock().expect("nobody panics while holding the exchanges")
    }

    /// One call, from request to answer. An error closes the client's connection without an answer.
    async fn call(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let settings = self.settings().clone();
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let number = settings.gate.as_ref().map(KillSwitch::before).transpose()?;
        let response = self.answer(parts, body, &settings).await;
        if let (Some(gate), Some(number)) = (&settings.gate, number) {
            gate.after(number)?;
        }
        response.map(|response| response.map(Full::new))
    }

    /// The interceptor's answer, else the upstream's; recorded if recording is on.
    async fn answer(&self, parts: request::Parts, body: Bytes, settings: &Settings) -> Result<Response<Bytes>, Cut> {
        let mut exchange = request_half(&parts, &body);
        let intercepted = settings.intercept.as_ref().and_then(|answer| answer(&exchange));
        let response = match intercepted {
            Some(answer) => response_of(answer)?,
            None => self.forward(parts, body, settings).await?,
        };
        if settings.recording {
            exchange.status = response.status().as_u16();
            exchange.response_headers = header_lines(response.headers());
            exchange.response_body = response.body().to_vec();
            self.exchanges().push(exchange);
        }
        Ok(response)
    }

    /// Sends the request on and reads the whole answer.
    async fn forward(
        &self,
        mut parts: request::Parts,
        body: Bytes,
        settings: &Settings,
    ) -> Result<Response<Bytes>, Cut> {
        let mut target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        if let Some(change) = &settings.rewrite {
            change(&mut target);
        }
        parts.uri = format!("{}{target}", settings.upstream.trim_end_matches('/')).parse::<Uri>()?;
        let response = self.client.request(Request::from_parts(parts, Full::new(body))).await?;
        let (parts, body) = response.into_parts();
        Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
    }
}

/// Accepts connections until aborted. The set owns the connections, so aborting this task closes them all.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, shared.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Best effort: without it the calls are only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { shared.call(request).await.map_err(std::io::Error::other) }
    });
    // An error here is a cut call or a client that went away: both end the connection, which is all there is to do.
    let _ = http1::Builder::new()
        .preserve_header_case(true)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn request_half(parts: &request::Parts, body: &Bytes) -> Exchange {
    Exchange {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        request_headers: header_lines(&parts.headers),
        request_body: body.to_vec(),
        ..Exchange::default()
    }
}

fn header_lines(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
}

fn response_of((status, headers, body): Answer) -> Result<Response<Bytes>, Cut> {
    let response =
        headers.into_iter().fold(Response::builder().status(status), |r, (name, value)| r.header(name, value));
    Ok(response.body(Bytes::from(body))?)
}

#[cfg(test)]
mod tests;
