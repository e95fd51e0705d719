//! What a function does every day or every hour for all connections, when a schedule hands it an event that is no request.
//!
//! `lambda_http` makes such an event a `POST /events` of a context of its own, which nobody can send from outside.

use super::Error;
use crate::problem::{Kind, Problem};
use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use lambda_http::request::RequestContext;
use serde::Deserialize;
use std::convert::Infallible;
use std::time::Duration;

/// An event that is larger is none of ours.
const MOST_BYTES: usize = 1_024;

/// What a schedule hands over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Daily {
    daily: bool,
}

/// What was to be done was not done.
#[derive(Clone)]
struct Undone(String);

/// The route of the event, in front of those of callers, whose requests are cut off where they take too long.
pub(super) fn router<F>(
    work: impl Fn() -> F + Clone + Send + Sync + 'static,
    callers: Router,
    longest_request: Duration,
) -> Router
where
    F: Future<Output = Result<(), Problem>> + Send,
{
    let handle = |request: Request| async move {
        if !matches!(request.extensions().get::<RequestContext>(), Some(RequestContext::PassThrough)) {
            return Problem::not_found().into_response();
        }
        let event = to_bytes(request.into_body(), MOST_BYTES).await.unwrap_or_default();
        match serde_json::from_slice(&event) {
            Ok(Daily { daily: true }) => done(work().await),
            _ => done(Err(Problem::new(Kind::BadRequest, "The event is neither a request nor that of a schedule."))),
        }
    };
    let cut_off = move |request: Request, next: Next| async move {
        let answer = tokio::time::timeout(longest_request, next.run(request)).await;
        answer.unwrap_or_else(|_| Problem::new(Kind::Internal, "The request took too long.").into_response())
    };
    Router::new().route("/events", post(handle)).fallback_service(callers.layer(from_fn(cut_off)))
}

fn done(result: Result<(), Problem>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Err(problem) = result {
        response.extensions_mut().insert(Undone(problem.detail));
    }
    response
}

/// Lambda repeats what failed and counts it, which it does not know of an answer.
pub(super) fn failing(result: Result<Response, Infallible>) -> Result<Response, Error> {
    let response = result.unwrap_or_else(|never| match never {});
    match response.extensions().get::<Undone>() {
        Some(Undone(why)) => Err(format!("what a schedule asked for was not done: {why}").into()),
        None => Ok(response),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tower::ServiceExt;

    /// What a schedule hands over, as `lambda_http` takes it.
    fn event() -> Request {
        let event = lambda_http::request::from_str(include_str!("../../../events/connect-daily.json"));
        event.expect("an event").map(|body| Body::from(body.to_vec()))
    }

    #[test]
    fn the_sample_events_are_what_the_schedules_of_the_template_hand_over() {
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        let template = include_str!("../../../template.yaml");
        let inputs: Vec<_> = template.split("Input: '").skip(1).filter_map(|it| it.split('\'').next()).collect();
        let samples =
            [include_str!("../../../events/connect-daily.json"), include_str!("../../../events/test-daily.json")];
        assert_eq!(inputs.into_iter().map(json).collect::<Vec<_>>(), samples.map(json));
    }

    async fn answer(router: Router, request: Request) -> Result<StatusCode, Error> {
        failing(router.oneshot(request).await).map(|response| response.status())
    }

    #[tokio::test]
    async fn the_schedules_event_is_what_asks_for_it_and_no_request_from_outside() {
        let done = Arc::<AtomicUsize>::default();
        let count = done.clone();
        let work = move || {
            let count = count.clone();
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        };
        let router = router(work, Router::new(), Duration::MAX);
        assert_eq!(answer(router.clone(), event()).await.expect("done"), StatusCode::NO_CONTENT);
        assert_eq!(done.load(Ordering::SeqCst), 1);
        for sample in [include_str!("../../../events/connect.json"), include_str!("../../../events/test.json")] {
            let mut request = lambda_http::request::from_str(sample).expect("a request");
            (*request.method_mut(), *request.uri_mut()) = (http::Method::POST, http::Uri::from_static("/events"));
            let told = answer(router.clone(), request.map(|body| Body::from(body.to_vec()))).await;
            assert_eq!(told.expect("an answer"), StatusCode::NOT_FOUND);
        }
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn an_event_that_is_no_schedules_is_an_error_of_the_function() {
        let router = router(|| async { Ok(()) }, Router::new(), Duration::MAX);
        for event in ["{}", "{\"daily\":false}", "{\"daily\":true,\"Records\":[]}", "[]"] {
            let event = lambda_http::request::from_str(event).expect("an event");
            assert!(answer(router.clone(), event.map(|body| Body::from(body.to_vec()))).await.is_err());
        }
    }

    #[tokio::test]
    async fn what_was_not_done_is_an_error_of_the_function() {
        let router = router(|| async { Err(Problem::new(Kind::Internal, "no table")) }, Router::new(), Duration::MAX);
        let error = answer(router, event()).await.expect_err("an error");
        assert_eq!(error.to_string(), "what a schedule asked for was not done: no table");
    }

    #[tokio::test]
    async fn a_request_is_cut_off_before_it_could_be_repeated_beside_itself() {
        let slow = Router::new().route("/slow", post(std::future::pending::<StatusCode>));
        let request = Request::post("/slow").body(Body::empty()).expect("a request");
        let router = router(|| async { Ok(()) }, slow, Duration::ZERO);
        assert_eq!(answer(router, request).await.expect("an answer"), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
