//! The route of a connection's feed, which the function `directory` serves.

use super::caller::Caller;
use super::params::{Paging, Params};
use super::path::Path;
use super::route::{Of, Operation, Routes};
use crate::app::App;
use crate::feed::{self, Filter, Reading};
use crate::id::TriggerId;
use crate::problem::{Kind, Problem};
use axum::extract::State;
use axum::{Json, Router};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// API Gateway gives a function 30 s.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How often it is looked for new events while a caller waits.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The router.
pub fn events(app: App) -> Router {
    routes().with_state(app)
}

/// The routes.
pub(super) fn routes() -> Routes<App> {
    Routes::new("Events").on(
        Operation::get(
            "/v1/connections/{id}/events",
            "listEvents",
            "Read the feed of a connection, oldest first: what its triggers and syncs tell of. There is always a next \
             cursor; one that leads to nothing yet is the one to ask with again.",
        )
        .query("trigger", Of::Word, "Only what this trigger tells of.")
        .query("type", Of::Word, "Only events of this type, as in `com.okta.user.lifecycle.suspend`.")
        .query("since", Of::Time, "Only what happened from this moment on.")
        .query(
            "wait",
            Of::Word,
            "Where there is nothing yet, wait so long for something, as in `20s`; at most 20 s. A cursor goes on with or \
             without it.",
        )
        .lists::<CloudEvent>()
        .problems(&[Kind::CursorExpired]),
        list,
    )
}

/// An event as CloudEvents 1.0 describes it.
#[derive(Serialize, JsonSchema)]
struct CloudEvent {
    /// `1.0`.
    specversion: String,
    /// Okta's uuid, or a hash that is the same for the same event.
    id: String,
    /// The trigger, or the directory.
    source: String,
    /// `com.okta.…` or `okta-connector.…`
    #[serde(rename = "type")]
    event_type: String,
    /// When it happened.
    time: jiff::Timestamp,
    /// What it is about.
    subject: String,
    /// `application/json`.
    datacontenttype: String,
    /// What happened.
    data: Value,
}

async fn list(
    caller: Caller,
    mut params: Params,
    Path(id): Path<String>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let stored = caller.find(&app, &id).await?;
    let trigger = params.word("trigger")?;
    // A trigger that this service never made tells of nothing.
    let nothing = trigger.as_deref().is_some_and(|id| TriggerId::parse(id).is_none());
    let filter = Filter {
        trigger: trigger.as_deref().and_then(TriggerId::parse),
        event_type: params.word("type")?,
        since: params.time("since")?,
        directory: false,
    };
    let wait = params.duration("wait", LONGEST_WAIT)?.unwrap_or_default();
    let until = Instant::now() + wait;
    let paging = params.paging()?;
    let mut after = paging.after.clone();
    loop {
        let read = feed::read(&app.ground(), &stored.connection.id, &filter, after.as_deref(), paging.limit).await?;
        let read =
            read.ok_or_else(|| Problem::new(Kind::BadRequest, "The query parameter 'cursor' is not a cursor."))?;
        let left = until.saturating_duration_since(Instant::now());
        match &read {
            Reading::Page(page) if page.items.is_empty() && !left.is_zero() => after = Some(page.next.clone()),
            _ => return told(read, nothing, &paging),
        }
        tokio::time::sleep(LOOK_EVERY.min(left)).await;
    }
}

fn told(read: Reading, nothing: bool, paging: &Paging) -> Result<Json<Value>, Problem> {
    match read {
        Reading::Page(page) => {
            let items = if nothing { Vec::new() } else { page.items };
            Ok(Json(json!({"items": items, "next_cursor": paging.cursor(&page.next)})))
        }
        Reading::Expired(oldest) => {
            let detail = "What this cursor stands at is not kept any more; go on from oldest_cursor.";
            Err(Problem::new(Kind::CursorExpired, detail).with("oldest_cursor", paging.cursor(&oldest)))
        }
    }
}
