//! The routes that strangers may reach: nothing here reads a secret.

use super::path::Path;
use super::route::{Operation, Routes};
use crate::clock::SharedClock;
use crate::connection;
use crate::id::ConnectionId;
use crate::problem::Problem;
use crate::store::Store;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::header;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// What the public routes need.
#[derive(Clone)]
pub(super) struct Public {
    store: Store,
    clock: SharedClock,
}

/// The router.
pub fn public(store: Store, clock: SharedClock) -> Router {
    routes().with_state(Public { store, clock })
}

/// The routes.
pub(super) fn routes() -> Routes<Public> {
    Routes::new("Public")
        .on(Operation::get("/v1/health", "health", "Whether the service runs.").public().answers::<Health>(200), health)
        .on(
            Operation::get(
                "/v1/connections/{id}/jwks.json",
                "publicKeys",
                "The public keys of a connection, for Okta to fetch.",
            )
            .public()
            .answers::<KeySet>(200),
            keys,
        )
}

/// That the service runs.
#[derive(Serialize, JsonSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
    /// Which version.
    version: &'static str,
}

/// A JSON Web Key Set (RFC 7517). It is never empty.
#[derive(Serialize, JsonSchema)]
struct KeySet {
    /// The keys, as JWKs.
    #[schemars(with = "Vec<Map<String, Value>>")]
    keys: Vec<Value>,
}

async fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// The public keys of a connection, for Okta to fetch. An empty set would make Okta forget the key it knows.
async fn keys(Path(id): Path<String>, State(public): State<Public>) -> Result<Response, Problem> {
    let id = ConnectionId::parse(&id).ok_or_else(Problem::not_found)?;
    let stored = connection::load(&public.store, &id).await?.ok_or_else(Problem::not_found)?;
    let (all, now) = (&stored.connection.keys, public.clock.now());
    let keys: Vec<_> = all.iter().filter(|key| key.state(all, now).is_some()).map(|key| key.jwk.clone()).collect();
    if keys.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(([(header::CACHE_CONTROL, "public, max-age=300")], Json(KeySet { keys })).into_response())
}
