//! What a function does once a day for all connections, when a schedule hands it an event that is no request.
//!
//! `lambda_http` makes such an event a `POST /events` of a context of its own, which nobody can send from outside.

use crate::problem::Problem;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use lambda_http::request::RequestContext;

/// The route of the event.
pub(super) fn router<F>(work: impl Fn() -> F + Clone + Send + Sync + 'static) -> Router
where
    F: Future<Output = Result<(), Problem>> + Send,
{
    let handle = |request: Request| async move {
        match request.extensions().get::<RequestContext>() {
            Some(RequestContext::PassThrough) => done(work().await),
            _ => Problem::not_found().into_response(),
        }
    };
    Router::new().route("/events", post(handle))
}

fn done(result: Result<(), Problem>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problem) => {
            tracing::error!("what is done once a day was not done: {problem}");
            problem.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tower::ServiceExt;

    #[tokio::test]
    async fn the_schedules_event_is_what_asks_for_it_and_no_request_from_outside() {
        let done = Arc::<AtomicUsize>::default();
        let count = done.clone();
        let router = router(move || {
            let count = count.clone();
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                Ok(())
            }
        });
        let template = include_str!("../../../template.yaml");
        let (_, input) = template.split_once("Input: '").expect("the schedule's input");
        let event = lambda_http::request::from_str(input.split('\'').next().expect("an end")).expect("an event");
        let answer = async |request| {
            let response: Response = router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
            response.status()
        };
        assert_eq!(answer(event.map(|body| Body::from(body.to_vec()))).await, StatusCode::NO_CONTENT);
        assert_eq!(done.load(Ordering::SeqCst), 1);
        for sample in [include_str!("../../../events/connect.json"), include_str!("../../../events/test.json")] {
            let mut request = lambda_http::request::from_str(sample).expect("a request");
            (*request.method_mut(), *request.uri_mut()) = (http::Method::POST, http::Uri::from_static("/events"));
            assert_eq!(answer(request.map(|body| Body::from(body.to_vec()))).await, StatusCode::NOT_FOUND);
        }
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }
}
