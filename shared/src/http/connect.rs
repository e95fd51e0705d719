//! The routes of the function `connect`.

use super::audit::Change;
use super::body;
use super::callback::{SignedIn, callback};
use super::caller::Caller;
use super::idempotency::OneTime;
use super::params::{Paging, Params};
use super::path::Path;
use super::route::{Header, Of, Operation, Routes, of};
use crate::app::App;
use crate::audit::By;
use crate::connect::{
    self, Invitation, Outcome, PublishedKey, Resource, RotateKeys, RotatedKey, SetUp, check_version, described,
    merge_patch,
};
use crate::connection::{self, Stored};
use crate::id::ConnectionId;
use crate::problem::{Kind, Problem};
use crate::synced::State;
use crate::triggers;
use axum::extract::{Request, State as Shared};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as Body, Router};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// The router.
pub fn connect(app: App) -> Router {
    routes().with_state(app)
}

/// The routes.
pub(super) fn routes() -> Routes<App> {
    const VERIFIED: [Kind; 4] =
        [Kind::VerificationFailed, Kind::DifferentOrg, Kind::InvalidSchedule, Kind::OktaUnavailable];
    Routes::new("Connections")
        .on(
            Operation::get("/v1/connections", "listConnections", "List the connections that the caller may see.")
                .lists::<Resource>(),
            list,
        )
        .on(
            Operation::post(
                "/v1/connections",
                "createConnection",
                "Make a connection. Where everything is known, nothing is stored unless Okta lets us in.",
            )
            .admin()
            .body(described::new_connection)
            .answers::<SetUp>(201)
            .with(Header::ETag)
            .with(Header::Location)
            .problems(&VERIFIED),
            create,
        )
        .on(
            Operation::get("/v1/connections/{id}", "getConnection", "Read a connection.")
                .answers::<Resource>(200)
                .with(Header::ETag),
            read,
        )
        .on(
            Operation::patch(
                "/v1/connections/{id}",
                "updateConnection",
                "Change what a connection's owner configured, by a JSON merge patch.",
            )
            .admin()
            .if_match()
            .body(described::patch)
            .answers::<Resource>(200)
            .with(Header::ETag)
            .problems(&[
                Kind::InvalidSchedule,
                Kind::ConnectionNotReady,
                Kind::OktaRejected,
                Kind::OktaForbidden,
                Kind::OktaUnavailable,
            ]),
            patch,
        )
        .on(
            Operation::delete("/v1/connections/{id}", "deleteConnection", "Delete a connection and its directory.")
                .admin()
                .if_match()
                .answers_nothing(),
            delete,
        )
        .and(credentials())
        .and(super::sync::routes())
        .and(super::triggers::routes())
        .section("Caller")
        .on(Operation::get("/v1/me", "me", "Who the caller is.").answers::<Caller>(200), me)
}

/// The routes about how a connection signs in.
fn credentials() -> Routes<App> {
    Routes::new("Credentials")
        .on(
            Operation::put(
                "/v1/connections/{id}/auth",
                "changeAuth",
                "Replace how a connection signs in, once Okta lets the new credentials in.",
            )
            .admin()
            .if_match()
            .body(described::change_auth)
            .answers::<SetUp>(200)
            .with(Header::ETag)
            .problems(&[
                Kind::VerificationFailed,
                Kind::DifferentOrg,
                Kind::OktaUnavailable,
                Kind::ConnectionNotReady,
            ]),
            change_auth,
        )
        .on(
            Operation::post(
                "/v1/connections/{id}/authorize",
                "authorize",
                "Make a link by which a user agrees to what a web app may do.",
            )
            .admin()
            .answers::<Invited>(200)
            .problems(&[Kind::ConnectionNotReady, Kind::OktaUnavailable]),
            authorize,
        )
        .on(
            Operation::get("/v1/oauth/callback", "oauthCallback", "Where Okta sends the user's browser back to.")
                .public()
                .query("state", Of::Word, "As it was sent.")
                .query("code", Of::Word, "What the sign-in is finished with.")
                .query("error", Of::Word, "Why Okta did not let the user in.")
                .query("error_description", Of::Word, "The same in a sentence.")
                .html()
                .answers::<SignedIn>(200)
                .problems(&[Kind::BadRequest, Kind::VerificationFailed, Kind::DifferentOrg, Kind::OktaUnavailable]),
            callback,
        )
        .on(
            Operation::get("/v1/connections/{id}/keys", "listKeys", "List the keys that are published.")
                .lists::<PublishedKey>(),
            keys,
        )
        .on(
            Operation::post(
                "/v1/connections/{id}/keys",
                "rotateKey",
                "Publish a new key, which signs from the end of the overlap on.",
            )
            .admin()
            .body(of::<RotateKeys>)
            .answers::<RotatedKey>(202)
            .with(Header::ETag)
            .problems(&[Kind::WrongState]),
            rotate_key,
        )
}

/// A link by which a user agrees.
#[derive(Serialize, JsonSchema)]
struct Invited {
    /// Okta's page, to open in the user's browser. It is told once.
    authorize_url: String,
    /// Until when the user must have agreed.
    expires_at: Timestamp,
}

async fn me(caller: Caller, params: Params) -> Result<Body<Caller>, Problem> {
    params.none_left()?;
    Ok(Body(caller))
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
pub(super) fn page<T: Serialize>(items: &[T], next: Option<&str>, paging: &Paging) -> Body<Value> {
    Body(json!({"items": items, "next_cursor": next.map(|place| paging.cursor(place))}))
}

async fn show(app: &App, stored: &Stored) -> Result<Resource, Problem> {
    let state = State::load(&app.store, &stored.connection.id).await?;
    let live = triggers::Live::of(&app.store, &stored.connection).await?;
    Ok(Resource::new(stored.connection.clone(), state, live, &app.public_url, app.now()))
}

/// One connection, with its version as `ETag`.
fn tagged(status: StatusCode, stored: &Stored, body: impl Serialize) -> Response {
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
    let body = show(app, &outcome.stored).await?.set_up(&outcome);
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
pub(super) async fn to_change<'a>(
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
pub(super) async fn found<'a>(
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
    let if_match = if_match(&headers)?;
    let deleted = async {
        check_version(&stored.connection, if_match)?;
        // While the connection is there, its deletion can be repeated.
        let gone = app.scheduler.keep(&stored.connection.id, &[]).await;
        gone.map_err(|error| Problem::new(Kind::Internal, error.to_string()))?;
        triggers::release(&app, &stored.connection).await?;
        connect::delete(&app, &stored, if_match).await
    };
    change.make(deleted).await?;
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
) -> Result<(Extension<OneTime>, Body<Invited>), Problem> {
    let (stored, change) = to_change(&caller, &app, &by, &id, "connection.authorize").await?;
    params.none_left()?;
    let invitation = connect::authorize(&app, &stored.connection, &by.actor.subject);
    let Invitation { url, expires_at } = change.make(invitation).await?;
    Ok((Extension(OneTime(&["/authorize_url"])), Body(Invited { authorize_url: url.into(), expires_at })))
}

async fn keys(
    caller: Caller,
    params: Params,
    Path(id): Path<String>,
    Shared(app): Shared<App>,
) -> Result<Body<Value>, Problem> {
    let stored = caller.find(&app, &id).await?;
    let paging = params.paging()?;
    Ok(page(&PublishedKey::all(&stored.connection.keys, app.now()), None, &paging))
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
    let gone = || Problem::new(Kind::Internal, "The new key is not published.");
    let key = PublishedKey::new(&key, all, now).ok_or_else(gone)?;
    Ok(tagged(StatusCode::ACCEPTED, &stored, RotatedKey { key, keys: PublishedKey::all(all, now) }))
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
