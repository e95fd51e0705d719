//! The routes of the function `connect`.

use super::audit::Change;
use super::body;
use super::caller::Caller;
use super::idempotency::OneTime;
use super::params::{Paging, Params};
use super::path::Path;
use crate::app::App;
use crate::audit::By;
use crate::connect::{self, Invitation, Outcome, RotateKeys, check_version, key_resource, merge_patch, resource};
use crate::connection::{self, Stored};
use crate::directory::sync_json;
use crate::id::{ConnectionId, SyncId};
use crate::problem::{Kind, Problem};
use crate::runs;
use crate::synced::{Mode, State};
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Extension, Json as Body, Router};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// The router.
pub fn connect(app: App) -> Router {
    Router::new()
        .route("/v1/me", get(me))
        .route("/v1/connections", get(list).post(create))
        .route("/v1/connections/{id}", get(read).patch(patch).delete(delete))
        .route("/v1/connections/{id}/auth", put(change_auth))
        .route("/v1/connections/{id}/authorize", post(authorize))
        .route("/v1/oauth/callback", get(super::callback::callback))
        .route("/v1/connections/{id}/keys", get(keys).post(rotate_key))
        .route("/v1/connections/{id}/syncs", post(start_sync))
        .route("/v1/connections/{id}/syncs/{sync}/cancel", post(cancel_sync))
        .with_state(app)
}

async fn me(caller: Caller, params: Params) -> Result<Body<Value>, Problem> {
    params.none_left()?;
    Ok(Body(json!({"subject": caller.subject, "teams": caller.teams, "admin": caller.admin})))
}

async fn list(caller: Caller, params: Params, Shared(app): Shared<App>) -> Result<Body<Value>, Problem> {
    let paging = params.paging()?;
    let (stored, next) = connection::list(&app.store, paging.after.as_deref(), paging.limit).await?;
    let mut items = Vec::new();
    for stored in stored.iter().filter(|stored| caller.sees(&stored.connection)) {
        items.push(show(&app, stored).await?);
    }
    Ok(page(&items, next.as_deref(), &paging))
}

/// A page of a list as it is told.
pub(super) fn page(items: &[Value], next: Option<&str>, paging: &Paging) -> Body<Value> {
    Body(json!({"items": items, "next_cursor": next.map(|place| paging.cursor(place))}))
}

async fn show(app: &App, stored: &Stored) -> Result<Value, Problem> {
    let state = State::load(&app.store, &stored.connection.id).await?;
    Ok(resource(&stored.connection, &state, &app.public_url, app.now()))
}

/// One connection, with its version as `ETag`.
fn tagged(status: StatusCode, stored: &Stored, body: Value) -> Response {
    let mut response = (status, Body(body)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", stored.connection.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

async fn create(
    caller: Caller,
    by: By,
    params: Params,
    Shared(app): Shared<App>,
    request: Request,
) -> Result<Response, Problem> {
    let change = Change::new(&app, &by, "connection.create").by_admin(&caller).await?;
    params.none_left()?;
    let (id, body) = (ConnectionId::random(), body::read(request).await?);
    let change = change.of(&id, body["name"].as_str().unwrap_or_default());
    let outcome = change.make(connect::create(&app, id, &body)).await?;
    let location = format!("/v1/connections/{}", outcome.stored.connection.id);
    let mut response = tell(&app, StatusCode::CREATED, outcome).await?;
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// The resource, and what happened to it.
async fn tell(app: &App, status: StatusCode, outcome: Outcome) -> Result<Response, Problem> {
    let mut body = show(app, &outcome.stored).await?;
    body["message"] = outcome.message.into();
    body["checks"] = serde_json::to_value(&outcome.checks).unwrap_or_default();
    body["sync_id"] = json!(outcome.sync_id);
    Ok(tagged(status, &outcome.stored, body))
}

async fn read(
    caller: Caller,
    params: Params,
    Path(id): Path<String>,
    Shared(app): Shared<App>,
) -> Result<Response, Problem> {
    let stored = caller.find(&app, &id).await?;
    params.none_left()?;
    let body = show(&app, &stored).await?;
    Ok(tagged(StatusCode::OK, &stored, body))
}

/// A connection that an admin is about to change. Others learn only that they may not.
async fn to_change<'a>(
    caller: &Caller,
    app: &'a App,
    by: &'a By,
    id: &str,
    action: &'static str,
) -> Result<(Stored, Change<'a>), Problem> {
    let (stored, change) = found(caller, app, by, id, action).await?;
    let change = change.by_admin(caller).await?;
    Ok((stored, change))
}

/// A connection that somebody who sees it is about to do something with.
async fn found<'a>(
    caller: &Caller,
    app: &'a App,
    by: &'a By,
    id: &str,
    action: &'static str,
) -> Result<(Stored, Change<'a>), Problem> {
    let stored = caller.find(app, id).await?;
    let change = Change::new(app, by, action).of(&stored.connection.id, &stored.connection.settings.name);
    Ok((stored, change))
}

async fn patch(
    caller: Caller,
    by: By,
    params: Params,
    Path(id): Path<String>,
    Shared(app): Shared<App>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let (stored, change) = to_change(&caller, &app, &by, &id, "connection.update").await?;
    params.none_left()?;
    let if_match = if_match(&headers)?;
    let patch = body::read(request).await?;
    let changed = async {
        check_version(&stored.connection, if_match)?;
        let settings = merge_patch(&stored.connection.settings, &patch)?;
        connect::patch(&app, &stored, settings, if_match).await
    };
    let stored = change.make(changed).await?;
    let body = show(&app, &stored).await?;
    Ok(tagged(StatusCode::OK, &stored, body))
}

async fn delete(
    caller: Caller,
    by: By,
    params: Params,
    Path(id): Path<String>,
    Shared(app): Shared<App>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (stored, change) = to_change(&caller, &app, &by, &id, "connection.delete").await?;
    params.none_left()?;
    change.make(connect::delete(&app, &stored, if_match(&headers)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change_auth(
    caller: Caller,
    by: By,
    params: Params,
    Path(id): Path<String>,
    Shared(app): Shared<App>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let (stored, change) = to_change(&caller, &app, &by, &id, "connection.change_auth").await?;
    params.none_left()?;
    let if_match = if_match(&headers)?;
    let body = body::read(request).await?;
    let outcome = change.make(connect::change_auth(&app, stored, &body, if_match)).await?;
    tell(&app, StatusCode::OK, outcome).await
}

async fn authorize(
    caller: Caller,
    by: By,
    params: Params,
    Path(id): Path<String>,
    Shared(app): Shared<App>,
) -> Result<(Extension<OneTime>, Body<Value>), Problem> {
    let (stored, change) = to_change(&caller, &app, &by, &id, "connection.authorize").await?;
    params.none_left()?;
    let invitation = connect::authorize(&app, &stored.connection, &by.actor.subject);
    let Invitation { url, expires_at } = change.make(invitation).await?;
    let body = json!({"authorize_url": url.as_str(), "expires_at": expires_at});
    Ok((Extension(OneTime(&["/authorize_url"])), Body(body)))
}

async fn keys(
    caller: Caller,
    params: Params,
    Path(id): Path<String>,
    Shared(app): Shared<App>,
) -> Result<Body<Value>, Problem> {
    let stored = caller.find(&app, &id).await?;
    let paging = params.paging()?;
    let (all, now) = (&stored.connection.keys, app.now());
    let items: Vec<_> = all.iter().filter_map(|key| key_resource(key, all, now)).collect();
    Ok(page(&items, None, &paging))
}

async fn rotate_key(
    caller: Caller,
    by: By,
    params: Params,
    Path(id): Path<String>,
    Shared(app): Shared<App>,
    request: Request,
) -> Result<Response, Problem> {
    let (stored, change) = to_change(&caller, &app, &by, &id, "connection.rotate_key").await?;
    params.none_left()?;
    let input: RotateKeys = body::parse(request).await?;
    let (stored, key) = change.make(connect::rotate_key(&app, stored, &input)).await?;
    let (all, now) = (&stored.connection.keys, app.now());
    let mut body = key_resource(&key, all, now).unwrap_or_default();
    body["keys"] = all.iter().filter_map(|key| key_resource(key, all, now)).collect();
    Ok(tagged(StatusCode::ACCEPTED, &stored, body))
}

/// A sync to start.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSync {
    #[serde(default)]
    mode: Mode,
}

async fn start_sync(
    caller: Caller,
    by: By,
    params: Params,
    Path(id): Path<String>,
    Shared(app): Shared<App>,
    request: Request,
) -> Result<(StatusCode, Body<Value>), Problem> {
    let (stored, change) = found(&caller, &app, &by, &id, "sync.start").await?;
    params.none_left()?;
    let input: NewSync = body::parse_any(request).await?;
    let run = change.make(runs::start(&app, &stored.connection, input.mode)).await?;
    Ok((StatusCode::ACCEPTED, Body(sync_json(&run))))
}

async fn cancel_sync(
    caller: Caller,
    by: By,
    params: Params,
    Path((id, sync)): Path<(String, String)>,
    Shared(app): Shared<App>,
) -> Result<(StatusCode, Body<Value>), Problem> {
    let (stored, change) = found(&caller, &app, &by, &id, "sync.cancel").await?;
    params.none_left()?;
    let sync = SyncId::parse(&sync).ok_or_else(Problem::not_found)?;
    let run = change.make(runs::cancel(&app, &stored.connection.id, &sync)).await?;
    Ok((StatusCode::ACCEPTED, Body(sync_json(&run))))
}

/// The version of `If-Match: "7"`; none where there is no such header, or it is `*`.
fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).and_then(|text| text.parse().ok());
    let stale = || Problem::new(Kind::StaleVersion, "If-Match is not an ETag of this connection.");
    version.map(Some).ok_or_else(stale)
}
