//! What every answer has: a request id, and a problem document where something went wrong.

use super::caller::RequestId;
use crate::problem::Problem;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

const REQUEST_ID: &str = "x-request-id";
/// The largest body.
const MOST_BYTES: usize = 256 * 1024;

/// A router with what all routes share. Nothing is told apart from what is not there.
pub fn layered(router: Router) -> Router {
    let nothing = || async { Problem::not_found() };
    router
        .fallback(nothing)
        .method_not_allowed_fallback(nothing)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn(with_request_id))
}

async fn with_request_id(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_request_id(id));
    let id = given.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let (slug, ..) = problem.kind.row();
        tracing::info!(request_id = id, %method, path, problem = slug, "{method} {path} was refused: {slug}");
        *response.body_mut() = Body::from(problem.to_json(Some(&id)).to_string());
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
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
