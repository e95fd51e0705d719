//! The route of the function `test`.

use super::caller::Caller;
use super::params::Params;
use super::path::Path;
use crate::app::App;
use crate::problem::Problem;
use crate::test;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

/// The router.
pub fn test(app: App) -> Router {
    Router::new().route("/v1/connections/{id}/test", post(run)).with_state(app)
}

async fn run(
    caller: Caller,
    params: Params,
    Path(id): Path<String>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let stored = caller.find(&app, &id).await?;
    params.none_left()?;
    let report = test::test(&app, &stored).await?;
    let connection = &report.stored.connection;
    Ok(Json(json!({
        "status": connection.status,
        "message": report.message,
        "tested_at": connection.tested_at,
        "checks": report.checks,
    })))
}
