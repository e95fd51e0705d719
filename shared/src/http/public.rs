//! The routes that strangers may reach: nothing here reads a secret.

use super::body;
use super::path::Path;
use super::route::{Operation, Routes, of};
use crate::connection;
use crate::feed::Ground;
use crate::id::ConnectionId;
use crate::problem::{Kind, Problem};
use crate::triggers;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// The largest delivery of a hook.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// What Okta wants to have back.
const CHALLENGE: &str = "x-okta-verification-challenge";

/// The router.
pub fn public(ground: Ground) -> Router {
    routes().with_state(ground).layer(DefaultBodyLimit::max(MOST_BYTES))
}

/// The routes.
pub(super) fn routes() -> Routes<Ground> {
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
        .on(
            Operation::get("/v1/hooks/{hook}", "verifyHook", "Where Okta sees that a hook's URL is ours.")
                .public()
                .answers::<Verification>(200)
                .problems(&[Kind::Unauthenticated, Kind::BadRequest]),
            verify,
        )
        .on(
            Operation::post(
                "/v1/hooks/{hook}",
                "receiveHook",
                "Where Okta delivers events; they are safe once it answers.",
            )
            .public()
            .body(of::<Map<String, Value>>)
            .answers_nothing()
            .problems(&[Kind::Unauthenticated, Kind::BadRequest, Kind::TooLarge, Kind::Unavailable]),
            receive,
        )
}

/// The answer to Okta's challenge.
#[derive(Serialize, JsonSchema)]
struct Verification {
    /// The challenge.
    verification: String,
}

fn secret(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()
}

/// Okta repeats what went wrong on our side.
fn to_repeat(problem: Problem) -> Problem {
    match problem.kind {
        Kind::Internal => Problem { kind: Kind::Unavailable, ..problem },
        _ => problem,
    }
}

async fn verify(
    Path(hook): Path<String>,
    State(ground): State<Ground>,
    headers: HeaderMap,
) -> Result<Json<Verification>, Problem> {
    triggers::challenged(&ground, &hook, secret(&headers)).await.map_err(to_repeat)?;
    let challenge = headers.get(CHALLENGE).and_then(|value| value.to_str().ok());
    let missing = || Problem::new(Kind::BadRequest, format!("There is no header {CHALLENGE}."));
    Ok(Json(Verification { verification: challenge.ok_or_else(missing)?.to_owned() }))
}

async fn receive(
    Path(hook): Path<String>,
    State(ground): State<Ground>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let headers = request.headers().clone();
    triggers::receive(&ground, &hook, secret(&headers), body::bytes(request)).await.map_err(to_repeat)?;
    Ok(StatusCode::NO_CONTENT)
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
async fn keys(Path(id): Path<String>, State(ground): State<Ground>) -> Result<Response, Problem> {
    let id = ConnectionId::parse(&id).ok_or_else(Problem::not_found)?;
    let stored = connection::load(&ground.store, &id).await?.ok_or_else(Problem::not_found)?;
    let (all, now) = (&stored.connection.keys, ground.now());
    let keys: Vec<_> = all.iter().filter(|key| key.state(all, now).is_some()).map(|key| key.jwk.clone()).collect();
    if keys.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(([(header::CACHE_CONTROL, "public, max-age=300")], Json(KeySet { keys })).into_response())
}
