//! The routes that strangers may reach: nothing here reads a secret.

use super::path::Path;
use crate::clock::SharedClock;
use crate::connection;
use crate::id::ConnectionId;
use crate::problem::Problem;
use crate::store::Store;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header;
use serde_json::{Value, json};

/// What the public routes need.
#[derive(Clone)]
struct Public {
    store: Store,
    clock: SharedClock,
}

/// The router.
pub fn public(store: Store, clock: SharedClock) -> Router {
    Router::new()
        .route("/v1/health", get(health))
        .route("/v1/connections/{id}/jwks.json", get(keys))
        .with_state(Public { store, clock })
}

async fn health() -> Json<Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// The public keys of a connection, for Okta to fetch. An empty set would make Okta forget the key it knows.
async fn keys(Path(id): Path<String>, State(public): State<Public>) -> Result<Response, Problem> {
    let id = ConnectionId::parse(&id).ok_or_else(Problem::not_found)?;
    let stored = connection::load(&public.store, &id).await?.ok_or_else(Problem::not_found)?;
    let (all, now) = (&stored.connection.keys, public.clock.now());
    let keys: Vec<_> = all.iter().filter(|key| key.state(all, now).is_some()).map(|key| &key.jwk).collect();
    if keys.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(([(header::CACHE_CONTROL, "public, max-age=300")], Json(json!({"keys": keys}))).into_response())
}
