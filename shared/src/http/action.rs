//! The routes of the function `action`.

use super::body;
use super::caller::Caller;
use super::connect::page;
use super::idempotency::OneTime;
use super::params::Params;
use super::path::Path;
use crate::action::{self, Call, Entry};
use crate::app::App;
use crate::audit::By;
use crate::idempotency::Attempt;
use crate::problem::Problem;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
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
    Router::new()
        .route("/v1/actions", get(list))
        .route("/v1/actions/{name}", get(describe))
        .route("/v1/connections/{id}/actions/{name}", post(run))
        .with_state(app)
}

fn told(entry: &Entry) -> Value {
    serde_json::to_value(entry.describe()).unwrap_or_default()
}

async fn list(_: Caller, params: Params) -> Result<Json<Value>, Problem> {
    let paging = params.paging()?;
    let after = paging.after.as_deref();
    let behind = action::list().iter().skip_while(|entry| after.is_some_and(|after| entry.name != after));
    let mut entries = behind.skip(usize::from(after.is_some()));
    let items: Vec<_> = entries.by_ref().take(paging.limit).map(told).collect();
    let more = entries.next().is_some();
    let last = items.last().and_then(|item| item["name"].as_str()).filter(|_| more).map(str::to_owned);
    Ok(page(&items, last.as_deref(), &paging))
}

async fn describe(_: Caller, params: Params, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    params.none_left()?;
    action::find(&name).map(|entry| Json(told(entry))).ok_or_else(Problem::not_found)
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
    let action = action::find(&name).ok_or_else(Problem::not_found)?;
    let dry_run = params.flag("dry_run")?;
    params.none_left()?;
    let attempt = request.extensions().get::<Attempt>().cloned();
    let input = body::read_any(request).await?;
    let call = Call { app: &app, by: &by, connection: &stored.connection, action, input: &input, attempt };
    if dry_run {
        let would = action::would(&call)?;
        return Ok(Json(json!({ "action": name, "would": would })).into_response());
    }
    let done = action::perform(&call).await?;
    let body = json!({
        "action": name,
        "output": done.output,
        "okta_request_ids": done.okta_request_ids,
        "duration_ms": u64::try_from(begun.elapsed().as_millis()).unwrap_or_default(),
    });
    let answer = Json(body);
    Ok(if done.reveals { (Extension(CREDENTIALS), answer).into_response() } else { answer.into_response() })
}
