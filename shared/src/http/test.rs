//! The route of the function `test`.

use super::caller::Caller;
use super::params::Params;
use super::path::Path;
use super::route::{Operation, Routes};
use crate::app::App;
use crate::connection::Status;
use crate::diagnosis::Check;
use crate::problem::{Kind, Problem};
use crate::schedules;
use crate::test;
use axum::extract::State;
use axum::{Json, Router};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// The router.
pub fn test(app: App) -> Router {
    routes().with_state(app)
}

/// The routes.
pub(super) fn routes() -> Routes<App> {
    Routes::new("Connections")
        .on(
            Operation::get(
                "/v1/connections/{id}/test",
                "getTest",
                "Read what the last test of a connection found. 404 where it was not tested for 90 days.",
            )
            .answers::<Report>(200),
            last,
        )
        .on(
            Operation::post(
                "/v1/connections/{id}/test",
                "testConnection",
                "Test a connection: what works, what does not, and how to mend it.",
            )
            .answers::<Report>(200)
            .problems(&[Kind::ConnectionNotReady, Kind::OktaUnavailable]),
            run,
        )
}

/// What a test found.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TestReport")]
struct Report {
    /// The connection's status as it now is.
    status: Status,
    /// In one sentence.
    message: &'static str,
    /// When it was tested.
    tested_at: Option<Timestamp>,
    /// In detail.
    checks: Vec<Check>,
}

async fn last(
    caller: Caller,
    params: Params,
    Path(id): Path<String>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let stored = caller.find(&app, &id).await?;
    params.none_left()?;
    let found = test::last(&app, &stored.connection.id).await?;
    let untested = "The connection was not tested yet: POST to this path tests it.";
    found.map(Json).ok_or_else(|| Problem::new(Kind::NotFound, untested))
}

async fn run(
    caller: Caller,
    params: Params,
    Path(id): Path<String>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let stored = caller.find(&app, &id).await?;
    params.none_left()?;
    let was = stored.connection.status;
    let report = test::test(&app, &stored).await?;
    let connection = &report.stored.connection;
    if was == Status::Pending && connection.status != was {
        schedules::settle_or_tell(&app, &connection.id).await;
    }
    Ok(Json(report.json()))
}
