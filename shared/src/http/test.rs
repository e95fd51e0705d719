//! The route of the function `test`.

use super::caller::Caller;
use super::params::Params;
use super::path::Path;
use super::route::{Operation, Routes};
use crate::app::App;
use crate::connection::Status;
use crate::problem::{Kind, Problem};
use crate::schedules;
use crate::test::{self, TestReport};
use axum::extract::State;
use axum::{Json, Router};
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
            .answers::<TestReport>(200),
            last,
        )
        .on(
            Operation::post(
                "/v1/connections/{id}/test",
                "testConnection",
                "Test a connection: what works, what does not, and how to mend it.",
            )
            .answers::<TestReport>(200)
            .problems(&[Kind::ConnectionNotReady, Kind::OktaUnavailable]),
            run,
        )
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
) -> Result<Json<TestReport>, Problem> {
    let stored = caller.find(&app, &id).await?;
    params.none_left()?;
    let was = stored.connection.status;
    let report = test::test(&app, &stored).await?;
    let connection = &report.stored.connection;
    if was == Status::Pending && connection.status != was {
        schedules::settle_or_tell(&app, &connection.id).await;
    }
    Ok(Json(report.shown()))
}
