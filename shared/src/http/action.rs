//! The routes of the function `action`.

use super::body;
use super::caller::Caller;
use super::connect::page;
use super::idempotency::OneTime;
use super::params::Params;
use super::path::Path;
use super::route::{Of, Operation, Routes, of};
use super::{docs, mcp, openapi};
use crate::action::{self, Call, Description, Entry, Rehearsal};
use crate::app::App;
use crate::audit::By;
use crate::idempotency::Attempt;
use crate::problem::{Kind, Problem};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, Router};
use http::header;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

/// Where an answer may carry a credential.
const CREDENTIALS: OneTime = OneTime(&[
    "/output/activation_url",
    "/output/activation_token",
    "/output/reset_password_url",
    "/output/temporary_password",
]);

/// The router.
pub fn action(app: App) -> Router {
    routes().with_state(app.clone()).merge(mcp::router(app))
}

/// The routes.
pub(super) fn routes() -> Routes<App> {
    Routes::new("Actions")
        .on(
            Operation::get("/v1/actions", "listActions", "List the actions, with what each takes and answers.")
                .lists::<Description>(),
            list,
        )
        .on(
            Operation::get("/v1/actions/{name}", "getAction", "Read what an action takes and answers.")
                .answers::<Description>(200),
            describe,
        )
        .on(run_any(), run)
        .section("This description")
        .on(
            Operation::get("/v1", "index", "Read where the description, the documentation and the health are.")
                .answers::<Index>(200),
            index,
        )
        .on(
            Operation::get("/v1/openapi.json", "openapi", "Read the description of this API, as OpenAPI 3.1.")
                .answers::<Map<String, Value>>(200),
            description,
        )
        .on(Operation::get("/v1/docs", "docs", "Read the description of this API, as a page.").html(), docs)
}

/// Running an action, whichever it is.
pub(super) fn run_any() -> Operation {
    Operation::post("/v1/connections/{id}/actions/{name}", "runAction", "Run an action, or tell what it would send.")
        .query("dry_run", Of::Flag, "Tell the requests that would be sent, and send nothing.")
        .body_if_any(of::<Map<String, Value>>)
        .answers_either::<Performed, Rehearsed>()
        .problems(&[
            Kind::PermissionDenied,
            Kind::OktaForbidden,
            Kind::OktaNotFound,
            Kind::ConnectionNotReady,
            Kind::ConnectionPaused,
            Kind::WrongState,
            Kind::AmbiguousReference,
            Kind::AlreadyExists,
            Kind::OktaRejected,
            Kind::InvalidFilter,
            Kind::OktaBusy,
            Kind::OktaRateLimited,
            Kind::OktaUnavailable,
            Kind::OktaUnauthorized,
            Kind::OutcomeUnknown,
            Kind::OktaTimeout,
        ])
}

/// What an action did.
#[derive(Serialize, JsonSchema)]
pub(super) struct Performed {
    /// The action's name.
    action: String,
    /// What the action answers.
    output: Value,
    /// Okta's ids of all requests, in order.
    okta_request_ids: Vec<String>,
    /// How long it took.
    duration_ms: u64,
}

/// What an action would send.
#[derive(Serialize, JsonSchema)]
pub(super) struct Rehearsed {
    /// The action's name.
    action: String,
    /// The requests that it is about, in order.
    requests: Vec<Rehearsal>,
}

/// Where to begin.
#[derive(Serialize, JsonSchema)]
struct Index {
    /// The description of this API, as OpenAPI 3.1.
    openapi: &'static str,
    /// The same as a page.
    docs: &'static str,
    /// Whether the service works; for anybody.
    health: &'static str,
    /// Which version this is.
    version: &'static str,
}

async fn index(_: Caller, params: Params) -> Result<Json<Index>, Problem> {
    params.none_left()?;
    Ok(Json(Index {
        openapi: "/v1/openapi.json",
        docs: "/v1/docs",
        health: "/v1/health",
        version: env!("CARGO_PKG_VERSION"),
    }))
}

/// The names of all actions help to find the one that was meant.
fn unknown(name: &str) -> Problem {
    let names: Vec<_> = action::list().iter().map(|entry| entry.name).collect();
    let shown: String = name.chars().take(60).collect();
    let detail = format!("There is no action '{shown}'. The actions are {}.", names.join(", "));
    Problem::new(Kind::NotFound, detail).with("actions", names)
}

async fn description(_: Caller, params: Params) -> Result<Response, Problem> {
    params.none_left()?;
    Ok(([(header::CONTENT_TYPE, "application/json")], openapi::text()).into_response())
}

async fn docs(_: Caller, params: Params) -> Result<Response, Problem> {
    params.none_left()?;
    Ok(docs::page())
}

async fn list(_: Caller, params: Params) -> Result<Json<Value>, Problem> {
    let paging = params.paging()?;
    let after = paging.after.as_deref();
    let behind = action::list().iter().skip_while(|entry| after.is_some_and(|after| entry.name != after));
    let mut entries = behind.skip(usize::from(after.is_some()));
    let items: Vec<_> = entries.by_ref().take(paging.limit).map(Entry::describe).collect();
    let more = entries.next().is_some();
    let last = items.last().map(|item| item.name).filter(|_| more);
    Ok(page(&items, last, &paging))
}

async fn describe(_: Caller, params: Params, Path(name): Path<String>) -> Result<Json<&'static Description>, Problem> {
    params.none_left()?;
    action::find(&name).map(|entry| Json(entry.describe())).ok_or_else(|| unknown(&name))
}

async fn run(
    caller: Caller,
    by: By,
    mut params: Params,
    Path((id, name)): Path<(String, String)>,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    let begun = Instant::now();
    let stored = caller.find(&app, &id).await?;
    let action = action::find(&name).ok_or_else(|| unknown(&name))?;
    let dry_run = params.flag("dry_run")?;
    params.none_left()?;
    let attempt = request.extensions().get::<Attempt>().cloned();
    let input = body::read_any(request).await?;
    let call = Call { app: &app, by: &by, connection: &stored.connection, action, input: &input, attempt };
    if dry_run {
        let requests = action::would(&call).await?;
        return Ok(Json(Rehearsed { action: name, requests }).into_response());
    }
    let done = action::perform(&call).await?;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or_default();
    let (output, okta_request_ids) = (done.output, done.okta_request_ids);
    let answer = Json(Performed { action: name, output, okta_request_ids, duration_ms });
    Ok(if done.reveals { (Extension(CREDENTIALS), answer).into_response() } else { answer.into_response() })
}
