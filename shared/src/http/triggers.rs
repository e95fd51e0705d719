//! The routes of triggers, which the function `connect` serves.

use super::body;
use super::caller::Caller;
use super::connect::{page, to_change};
use super::params::Params;
use super::path::Path;
use super::route::{Header, Operation, Routes, of};
use crate::app::App;
use crate::audit::By;
use crate::connection::Connection;
use crate::id::TriggerId;
use crate::problem::{Kind, Problem};
use crate::triggers::{self, Told, TriggerPatch, TriggerResource};
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

/// The routes.
pub(super) fn routes() -> Routes<App> {
    const OF_OKTA: [Kind; 7] = [
        Kind::ConnectionNotReady,
        Kind::RequestInProgress,
        Kind::InvalidFilter,
        Kind::InvalidSchedule,
        Kind::OktaRejected,
        Kind::OktaForbidden,
        Kind::OktaUnavailable,
    ];
    Routes::new("Triggers")
        .on(
            Operation::get("/v1/connections/{id}/triggers", "listTriggers", "List triggers, oldest first.")
                .lists::<TriggerResource>(),
            list,
        )
        .on(
            Operation::post(
                "/v1/connections/{id}/triggers",
                "createTrigger",
                "Make a trigger: it tells of Okta's events from now on.",
            )
            .admin()
            .body(triggers::described)
            .answers::<TriggerResource>(201)
            .with(Header::Location)
            .problems(&OF_OKTA),
            create,
        )
        .on(
            Operation::get("/v1/connections/{id}/triggers/{trigger}", "getTrigger", "Read a trigger.")
                .answers::<TriggerResource>(200),
            read,
        )
        .on(
            Operation::patch("/v1/connections/{id}/triggers/{trigger}", "updateTrigger", "Change a trigger.")
                .admin()
                .body(of::<TriggerPatch>)
                .answers::<TriggerResource>(200)
                .problems(&OF_OKTA),
            patch,
        )
        .on(
            Operation::delete("/v1/connections/{id}/triggers/{trigger}", "deleteTrigger", "Delete a trigger.")
                .admin()
                .answers_nothing(),
            delete,
        )
}

fn show(app: &App, connection: &Connection, told: Told) -> TriggerResource {
    TriggerResource::new(told, connection, &app.public_url)
}

async fn list(
    caller: Caller,
    params: Params,
    Path(id): Path<String>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let stored = caller.find(&app, &id).await?;
    let paging = params.paging()?;
    let after = paging.after.as_deref().unwrap_or_default();
    let all = triggers::list(&app, &stored.connection.id).await?;
    let mut rest = all.into_iter().filter(|told| told.trigger.id.as_str() > after);
    let some: Vec<_> = rest.by_ref().take(paging.limit).collect();
    let next = some.last().map(|told| told.trigger.id.to_string()).filter(|_| rest.next().is_some());
    let items: Vec<_> = some.into_iter().map(|told| show(&app, &stored.connection, told)).collect();
    Ok(page(&items, next.as_deref(), &paging))
}

async fn read(
    caller: Caller,
    params: Params,
    Path((id, trigger)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Json<TriggerResource>, Problem> {
    let stored = caller.find(&app, &id).await?;
    params.none_left()?;
    let told = triggers::read(&app, &stored.connection.id, &trigger).await?;
    Ok(Json(show(&app, &stored.connection, told)))
}

async fn create(
    caller: Caller,
    by: By,
    params: Params,
    Path(id): Path<String>,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    let (stored, change) = to_change(&caller, &app, &by, &id, "trigger.create").await?;
    params.none_left()?;
    let (trigger, body) = (TriggerId::random(), body::read(request).await?);
    let connection = &stored.connection;
    let location = format!("/v1/connections/{}/triggers/{trigger}", connection.id);
    let told = change.make(triggers::create(&app, connection, trigger, &body)).await?;
    let mut response = (StatusCode::CREATED, Json(show(&app, connection, told))).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn patch(
    caller: Caller,
    by: By,
    params: Params,
    Path((id, trigger)): Path<(String, String)>,
    State(app): State<App>,
    request: Request,
) -> Result<Json<TriggerResource>, Problem> {
    let (stored, change) = to_change(&caller, &app, &by, &id, "trigger.update").await?;
    params.none_left()?;
    let body = body::read(request).await?;
    let told = change.make(triggers::patch(&app, &stored.connection, &trigger, &body)).await?;
    Ok(Json(show(&app, &stored.connection, told)))
}

async fn delete(
    caller: Caller,
    by: By,
    params: Params,
    Path((id, trigger)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<StatusCode, Problem> {
    let (stored, change) = to_change(&caller, &app, &by, &id, "trigger.delete").await?;
    params.none_left()?;
    change.make(triggers::delete(&app, &stored.connection, &trigger)).await?;
    Ok(StatusCode::NO_CONTENT)
}
