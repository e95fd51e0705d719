//! A router as a function serves it.

use super::idempotency::repeatable;
use crate::app::App;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};

/// For callers: a POST may be repeated under a key, and what is logged names the function.
pub fn callers(app: &App, function: &'static str, router: Router) -> Router {
    named(function, repeatable(app, router))
}

/// What is logged of a request names the function.
pub fn named(function: &'static str, router: Router) -> Router {
    router.route_layer(from_fn(move |request: Request, next: Next| {
        tracing::Span::current().record("function", function);
        next.run(request)
    }))
}
