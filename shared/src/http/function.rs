//! A router as a function serves it.

use super::idempotency::repeatable;
use crate::app::App;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use tracing::Instrument;

/// For callers: a POST may be repeated under a key, and what is logged names the function.
pub fn callers(app: &App, function: &'static str, router: Router) -> Router {
    named(function, repeatable(app, router))
}

/// What is logged names the function.
pub fn named(function: &'static str, router: Router) -> Router {
    let span = move |request: Request, next: Next| next.run(request).instrument(tracing::info_span!("in", function));
    router.route_layer(from_fn(span))
}
