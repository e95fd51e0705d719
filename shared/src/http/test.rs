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

/// The router.
pub fn test(app: App) -> Router {
    routes().with_state(app)
}

/// The routes.
pub(super) fn routes() -> Routes<App> {
    Routes::new("Connections").on(
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

async fn run(
    caller: Caller,
    params: Params,
    Path(id): Path<String>,
    State(app): State<App>,
) -> Result<Json<Report>, Problem> {
    let stored = caller.find(&app, &id).await?;
    params.none_left()?;
    let was = stored.connection.status;
    let test::Report { stored, message, checks } = test::test(&app, &stored).await?;
    if was == Status::Pending && stored.connection.status != was {
        schedules::settle_or_tell(&app, &stored.connection.id).await;
    }
    let (status, tested_at) = (stored.connection.status, stored.connection.tested_at);
    Ok(Json(Report { status, message, tested_at, checks }))
}
