//! Starting and cancelling syncs, which the function `connect` serves: it may start the state machine.

use super::body;
use super::caller::Caller;
use super::connect::found;
use super::params::Params;
use super::path::Path;
use super::route::{Operation, Routes, of};
use crate::app::App;
use crate::audit::By;
use crate::id::SyncId;
use crate::problem::{Kind, Problem};
use crate::runs;
use crate::synced::{Mode, SyncRun};
use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

/// The routes.
pub(super) fn routes() -> Routes<App> {
    Routes::new("Syncs")
        .on(
            Operation::post("/v1/connections/{id}/syncs", "startSync", "Start a sync.")
                .body_if_any(of::<NewSync>)
                .answers::<SyncRun>(202)
                .problems(&[Kind::ConnectionNotReady, Kind::ConnectionPaused, Kind::SyncRunning]),
            start_sync,
        )
        .on(
            Operation::post("/v1/connections/{id}/syncs/{sync}/cancel", "cancelSync", "Stop a sync.")
                .answers::<SyncRun>(202)
                .problems(&[Kind::WrongState]),
            cancel_sync,
        )
        .on(
            Operation::post(
                "/v1/connections/{id}/syncs/{sync}/confirm-removals",
                "confirmRemovals",
                "Confirm what a sync would remove: it asks Okta once more, and removes what is still missing.",
            )
            .admin()
            .answers::<SyncRun>(202)
            .problems(&[Kind::ConnectionPaused, Kind::SyncRunning, Kind::WrongState]),
            confirm_removals,
        )
}

/// A sync to start.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSync {
    /// How much is read.
    #[serde(default)]
    mode: Mode,
}

async fn start_sync(
    caller: Caller,
    by: By,
    params: Params,
    Path(id): Path<String>,
    State(app): State<App>,
    request: Request,
) -> Result<(StatusCode, Json<SyncRun>), Problem> {
    let (stored, change) = found(&caller, &app, &by, &id, "sync.start").await?;
    params.none_left()?;
    let input: NewSync = body::parse_any(request).await?;
    let run = change.make(runs::start(&app, &stored.connection, input.mode)).await?;
    Ok((StatusCode::ACCEPTED, Json(SyncRun::of(run))))
}

async fn cancel_sync(
    caller: Caller,
    by: By,
    params: Params,
    Path((id, sync)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<(StatusCode, Json<SyncRun>), Problem> {
    let (stored, change) = found(&caller, &app, &by, &id, "sync.cancel").await?;
    params.none_left()?;
    let sync = SyncId::parse(&sync).ok_or_else(Problem::not_found)?;
    let run = change.make(runs::cancel(&app, &stored.connection.id, &sync)).await?;
    Ok((StatusCode::ACCEPTED, Json(SyncRun::of(run))))
}

async fn confirm_removals(
    caller: Caller,
    by: By,
    params: Params,
    Path((id, sync)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<(StatusCode, Json<SyncRun>), Problem> {
    let (stored, change) = found(&caller, &app, &by, &id, "sync.confirm_removals").await?;
    let change = change.by_admin(&caller).await?;
    params.none_left()?;
    let sync = SyncId::parse(&sync).ok_or_else(Problem::not_found)?;
    let run = change.make(runs::confirm(&app, &stored.connection, &sync)).await?;
    Ok((StatusCode::ACCEPTED, Json(SyncRun::of(run))))
}
