//! The operator's door, `/_sim/…`: never part of Okta. It sees and changes what an administrator, time and bad luck
//! would change.

#![expect(clippy::unnecessary_wraps, reason = "every handler of the door has one type")]

mod events;
mod users;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as Held};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Router, http::HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::clock::{parse_duration, precise};
use crate::faults::Order;
use crate::state::Shared;
use crate::tenant::people;

/// The door's routes.
pub fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/app", get(app).patch(patch_app))
        .route("/org", get(org).patch(patch_org))
        .route("/faults", get(list_faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", delete(remove_fault))
        .route("/requests", get(requests))
        .route("/stats", get(stats))
        .route("/users/{id}", get(users::show).post(users::arrange))
        .route("/clock", get(clock).post(advance))
        .route("/events", post(events::write))
        .route("/noise", get(noise).post(change_noise))
        .route("/sign_ins", delete(end_sign_ins))
        .route("/reset", post(reset))
        .with_state(Arc::clone(shared))
}

type Door = Held<Arc<Shared>>;
type Reply = Result<Response, Response>;

fn reply(status: StatusCode, body: &Value) -> Response {
    let kind = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}

fn ok(body: &Value) -> Reply {
    Ok(reply(StatusCode::OK, body))
}

fn refuse(status: StatusCode, message: &str) -> Response {
    reply(status, &json!({ "message": message }))
}

/// Reads a body; an empty one counts as `{}`.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Response> {
    let body = if body.is_empty() { b"{}" } else { body };
    // Through a value: a tagged enum takes no number from a text, where numbers are kept as they were written.
    let read = serde_json::from_slice::<Value>(body).and_then(serde_json::from_value);
    read.map_err(|error| refuse(StatusCode::BAD_REQUEST, &error.to_string()))
}

async fn app(Held(shared): Door) -> Reply {
    ok(&shared.state().tenant.service.json())
}

async fn patch_app(Held(shared): Door, body: Bytes) -> Reply {
    let patch: Map<String, Value> = parse(&body)?;
    let keys = patch.contains_key("jwks") || patch.contains_key("jwks_uri");
    let mut state = shared.state();
    state.tenant.service.patch(patch).map_err(|message| refuse(StatusCode::BAD_REQUEST, &message))?;
    if keys {
        state.gate.forget_keys();
    }
    ok(&state.tenant.service.json())
}

async fn org(Held(shared): Door) -> Reply {
    ok(&json!(shared.state().tenant.terms))
}

async fn patch_org(Held(shared): Door, body: Bytes) -> Reply {
    let patch: Map<String, Value> = parse(&body)?;
    let mut state = shared.state();
    let patched = state.tenant.terms.patched(patch);
    state.tenant.terms = patched.map_err(|message| refuse(StatusCode::BAD_REQUEST, &message))?;
    ok(&json!(state.tenant.terms))
}

async fn list_faults(Held(shared): Door) -> Reply {
    ok(&json!({ "items": shared.state().faults.list() }))
}

async fn add_fault(Held(shared): Door, body: Bytes) -> Reply {
    let order: Order = parse(&body)?;
    let mut state = shared.state();
    let state = &mut *state;
    let id = state.faults.add(order, &mut state.tenant.random);
    Ok(reply(StatusCode::CREATED, &json!({ "id": id })))
}

async fn clear_faults(Held(shared): Door) -> Reply {
    shared.state().faults.clear();
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn remove_fault(Held(shared): Door, Path(id): Path<String>) -> Reply {
    if shared.state().faults.remove(&id) {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(refuse(StatusCode::NOT_FOUND, "no fault has this id"))
    }
}

async fn requests(Held(shared): Door, RawQuery(query): RawQuery) -> Reply {
    let query = query.unwrap_or_default();
    let after = form_urlencoded::parse(query.as_bytes()).find(|pair| pair.0 == "after").map(|pair| pair.1.parse());
    let after = after.unwrap_or(Ok(0)).map_err(|_| refuse(StatusCode::BAD_REQUEST, "after: a number"))?;
    ok(&json!({ "items": shared.state().requests.after(after) }))
}

async fn stats(Held(shared): Door) -> Reply {
    let state = &mut *shared.state();
    state.tenant.write_noise();
    shared.tell_hooks(state);
    let tenant = &state.tenant;
    ok(&json!({
        "users": people::census(&tenant.users),
        "groups": tenant.groups.len(),
        "memberships": tenant.groups.values().map(|group| group.members.len()).sum::<usize>(),
        "apps": tenant.apps.len(),
        "events": tenant.log.last(),
        "tokens": state.gate.live_tokens(tenant.clock.now().as_second()),
        "rate_limited": state.rate_limited,
        "refreshes": state.gate.sign_ins.uses(),
        "reuse_detected": state.gate.sign_ins.reuse_detected(),
        "hooks": state.deliveries.json(),
    }))
}

async fn clock(Held(shared): Door) -> Reply {
    ok(&json!({ "now": precise(shared.state().tenant.clock.now()) }))
}

#[derive(Deserialize)]
struct Advance {
    advance: String,
}

async fn advance(Held(shared): Door, body: Bytes) -> Reply {
    let Advance { advance } = parse(&body)?;
    let by = parse_duration(&advance);
    let by = by.ok_or_else(|| refuse(StatusCode::BAD_REQUEST, "advance: a duration such as 30s, 15m, 24h, 7d"))?;
    {
        let state = &mut *shared.state();
        // Up to here by the old clock, so that nothing which happens next is older.
        state.tenant.write_noise();
        state.tenant.clock.advance(by);
        state.tenant.write_noise();
        shared.tell_hooks(state);
    }
    clock(Held(shared)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoiseOrder {
    per_minute: u32,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    late_seconds: u32,
}

async fn noise(Held(shared): Door) -> Reply {
    ok(&shared.state().tenant.noise.json())
}

async fn change_noise(Held(shared): Door, body: Bytes) -> Reply {
    let order: NoiseOrder = parse(&body)?;
    let state = &mut *shared.state();
    state.tenant.write_noise();
    let now = state.tenant.clock.now();
    state.tenant.noise.change(order.per_minute, order.types, order.late_seconds, now);
    shared.tell_hooks(state);
    ok(&state.tenant.noise.json())
}

/// What an administrator does who revokes the tokens of everyone who signed in to the web app.
async fn end_sign_ins(Held(shared): Door) -> Reply {
    shared.state().gate.sign_ins.end_all();
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
struct Reset {
    seed: Option<u64>,
}

async fn reset(Held(shared): Door, body: Bytes) -> Reply {
    let Reset { seed } = parse(&body)?;
    shared.reset(seed);
    Ok(StatusCode::NO_CONTENT.into_response())
}
