//! What every answer has: a request id, and a problem document where something went wrong.

use super::caller::RequestId;
use crate::clock::SharedClock;
use crate::id::ConnectionId;
use crate::problem::{Kind, Problem};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;
use tracing::Instrument;
use tracing::field::Empty;

const REQUEST_ID: &str = "x-request-id";
/// The largest body.
const MOST_BYTES: usize = 256 * 1024;

/// A router with what all routes share.
pub fn layered(router: Router, clock: SharedClock) -> Router {
    let unknown_method = || async {
        Problem::new(Kind::MethodNotAllowed, "This path takes other methods: the header Allow lists them.")
    };
    router
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(unknown_method)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn_with_state(clock, with_request_id))
}

async fn with_request_id(State(clock): State<SharedClock>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_request_id(id));
    let id = given.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(RequestId(id.clone()));
    let connection = connection_of(&path).map(|id| id.to_string());
    let span = tracing::info_span!("request", request_id = id, connection, function = Empty);
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let (slug, status, _) = problem.kind.row();
        let okta_request_id = problem.members.get("okta_request_id").and_then(Value::as_str);
        // The route and not the path, which may hold a login.
        let route = route.as_ref().map_or("nowhere", MatchedPath::as_str);
        let refused = || {
            tracing::info!(%method, route, status, problem = slug, okta_request_id, "{method} {route} was refused: {slug}");
        };
        span.in_scope(refused);
        if let Some(at) = problem.retry_at {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds_until(at, clock.now())));
        }
        *response.body_mut() = Body::from(problem.to_json(Some(&id)).to_string());
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The connection that a path is about.
pub(super) fn connection_of(path: &str) -> Option<ConnectionId> {
    ConnectionId::parse(path.strip_prefix("/v1/connections/")?.split('/').next()?)
}

/// Whole seconds, rounded up: a moment too late rather than too early.
fn seconds_until(at: Timestamp, now: Timestamp) -> u64 {
    let millis = u64::try_from(at.duration_since(now).as_millis()).unwrap_or_default();
    millis.div_ceil(1_000)
}

fn is_request_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl IntoResponse for Problem {
    /// The body is written where the request's id is known.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        let (_, status, _) = self.kind.row();
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Still, after};
    use crate::okta;
    use axum::routing::get;
    use std::sync::Arc;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_rate_limit_tells_when_to_come_back() {
        let limited = || async { Problem::from(okta::Error::RateLimited { until: after(Timestamp::UNIX_EPOCH, 42) }) };
        let router = layered(Router::new().route("/", get(limited)), Arc::new(Still));
        let answer = router.oneshot(Request::new(Body::empty())).await.unwrap_or_else(|never| match never {});
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers().get(header::RETRY_AFTER), Some(&HeaderValue::from(42)));
    }

    #[test]
    fn nobody_comes_back_too_early() {
        for (millis, seconds) in [(-5, 0), (0, 0), (1, 1), (1_000, 1), (1_001, 2)] {
            let at = Timestamp::from_millisecond(millis).expect("a moment");
            assert_eq!(seconds_until(at, Timestamp::UNIX_EPOCH), seconds);
        }
    }
}
