//! Listening, the router made of the table, and the outermost layer of a request: waiting, cutting, headers.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body as HttpBody, Bytes, to_bytes};
use axum::extract::{RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use futures::StreamExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt;
use url::form_urlencoded;

use crate::answer::Body;
use crate::clock::{http_date, moved};
use crate::faults::{Sent, When, odd};
use crate::pipeline::{self, Exchange, Reply};
use crate::routes::{Kind, ROUTES, Route, UNKNOWN, WRONG_METHOD};
use crate::sim;
use crate::state::Shared;

/// The largest body taken.
const BODY_LIMIT: usize = 4 << 20;
const JSON: &str = "application/json;charset=UTF-8";

/// Marks a response that must never be sent: the connection ends instead.
#[derive(Debug, Clone, Copy)]
struct Hangup;

/// Serves until dropped; listener and connections belong to this future.
pub async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = router(&shared);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, router.clone()))),
                // Out of file descriptors, most likely: leave some time for connections to end.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    let _ = stream.set_nodelay(true);
    let caller = stream.peer_addr().map(|address| address.ip());
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        if let Ok(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let router = router.clone();
        async move {
            let Ok(response) = router.oneshot(request.map(HttpBody::new)).await;
            match response.extensions().get::<Hangup>() {
                Some(Hangup) => Err(io::Error::other("a fault ends the connection")),
                None => Ok(response),
            }
        }
    });
    // A client that goes away, or one we hang up on, is no error of ours.
    let _ = http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(stream), service).await;
}

fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let Ok(method) = MethodFilter::try_from(route.method.clone()) else { continue };
        let shared = Arc::clone(shared);
        let handler = move |params: RawPathParams, request: Request| {
            let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            exchange(Arc::clone(&shared), route, params, request)
        };
        router = router.route(route.path, on(method, handler));
    }
    let (unknown, wrong) = (Arc::clone(shared), Arc::clone(shared));
    router
        .method_not_allowed_fallback(move |request: Request| {
            exchange(Arc::clone(&wrong), &WRONG_METHOD, Vec::new(), request)
        })
        .fallback(move |request: Request| exchange(Arc::clone(&unknown), &UNKNOWN, Vec::new(), request))
        .nest("/_sim", sim::router(shared))
}

/// One request from arrival to response.
async fn exchange(
    shared: Arc<Shared>,
    route: &'static Route,
    params: Vec<(String, String)>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (mut effects, request_id) = {
        let mut state = shared.state();
        (state.faults.take(sent(&parts, route.kind)), state.tenant.random.request_id())
    };
    let odd = std::mem::take(&mut effects.odd);
    let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    tokio::time::sleep(shared.config.latency + effects.latency).await;
    let (drop, truncate, skew) = (effects.drop, effects.truncate, effects.skew);
    let remember = {
        let (shared, method, uri) = (Arc::clone(&shared), parts.method.clone(), parts.uri.clone());
        move |status: Option<u16>, principal: &str| record(&shared, route, method.as_str(), &uri, status, principal)
    };
    let body = to_bytes(body, BODY_LIMIT).await;
    let (Ok(body), false) = (body, drop == Some(When::Before)) else {
        remember(None, "anonymous");
        return hangup();
    };
    let exchange = Exchange { route, parts, params, body, effects, request_id: request_id.clone() };
    let mut reply = pipeline::answer(&shared, exchange).await;
    if drop == Some(When::After) {
        remember(None, &reply.principal);
        return hangup();
    }
    remember(Some(reply.answer.status.as_u16()), &reply.principal);
    reply.answer.body = odd::distort(reply.answer.body, &odd, &target);
    let date = http_date(moved(shared.state().tenant.clock.now(), SignedDuration::from_secs(skew)));
    respond(reply, &request_id, &date, truncate)
}

fn sent(parts: &Parts, kind: Kind) -> Sent<'_> {
    let query = parts.uri.query().unwrap_or_default();
    Sent {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        kind,
        cursor: form_urlencoded::parse(query.as_bytes()).any(|pair| pair.0 == "after"),
        proof: parts.headers.contains_key("dpop"),
    }
}

fn record(shared: &Shared, route: &Route, method: &str, uri: &Uri, status: Option<u16>, principal: &str) {
    shared.state().requests.record(json!({
        "method": method, "path": uri.path(), "query": uri.query().unwrap_or_default(),
        "status": status, "bucket": route.bucket.row().0, "principal": principal,
    }));
}

fn hangup() -> Response {
    let mut response = Response::new(HttpBody::empty());
    response.extensions_mut().insert(Hangup);
    response
}

fn respond(reply: Reply, request_id: &str, date: &str, truncate: Option<usize>) -> Response {
    let (kind, body) = match reply.answer.body {
        Body::Empty => (None, Vec::new()),
        Body::Json(value) => (Some(JSON), value.to_string().into_bytes()),
        Body::Text(text) => (Some(JSON), text.into_bytes()),
        Body::Html(page) => (Some("text/html;charset=UTF-8"), page.into_bytes()),
    };
    let length = body.len();
    let mut response = Response::new(match truncate {
        Some(bytes) if bytes < length => cut(body, bytes),
        _ => HttpBody::from(body),
    });
    *response.status_mut() = reply.answer.status;
    let headers = response.headers_mut();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    };
    put("date", date);
    put("x-okta-request-id", request_id);
    put("x-rate-limit-limit", &reply.quota.limit.to_string());
    put("x-rate-limit-remaining", &reply.quota.remaining.to_string());
    put("x-rate-limit-reset", &reply.quota.reset.to_string());
    put("cache-control", "no-cache, no-store");
    if let Some(kind) = kind {
        put("content-type", kind);
        put(header::CONTENT_LENGTH.as_str(), &length.to_string());
    }
    for (name, value) in reply.answer.headers {
        put(name, &value);
    }
    response
}

/// The first bytes of a body, then the end of the connection.
fn cut(body: Vec<u8>, bytes: usize) -> HttpBody {
    let start = Bytes::from(body).slice(..bytes);
    let sent = futures::stream::once(async move { Ok(start) });
    // The pause lets the first bytes leave before the connection ends.
    let end = futures::stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::other("a fault ends the body"))
    });
    HttpBody::from_stream(sent.chain(end))
}
