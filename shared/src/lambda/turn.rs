//! One turn of a schedule of the log: a poll, or a scheduled search.

use super::Error;
use crate::app::App;
use crate::connection;
use crate::feed::{Head, Trigger};
use crate::id::{ConnectionId, TriggerId};
use crate::triggers::{self, Job};
use serde::Deserialize;
use std::time::{Duration, Instant};

/// What EventBridge Scheduler hands over.
#[derive(Clone, Debug, Deserialize)]
pub struct Turn {
    /// The connection.
    pub connection: ConnectionId,
    /// The search; absent: a poll.
    #[serde(default)]
    pub trigger: Option<TriggerId>,
}

/// Reads the log. A connection that is gone, paused or not ready has nothing to be read.
#[tracing::instrument(skip_all, fields(function = "log-poll", connection = %turn.connection))]
pub async fn turn(app: &App, turn: Turn, budget: Duration) -> Result<(), Error> {
    let until = Instant::now() + budget;
    let Some(stored) = connection::load(&app.store, &turn.connection).await? else { return Ok(()) };
    let connection = stored.connection;
    if !connection.is_scheduled() {
        return Ok(());
    }
    match &turn.trigger {
        None => triggers::poll(app, &connection, budget).await?,
        Some(trigger) => triggers::search(app, &connection, trigger, budget).await?,
    }
    // Searches that could not run at their time: somebody else had the feed, or Okta's limit stood in the way.
    let triggers = Trigger::all(&app.store, &connection.id).await?;
    let head = Head::load(&app.store, &connection.id).await?;
    for job in triggers::due(&connection, &triggers, &head, app.now()).jobs {
        if let (Job::Search(trigger), true) = (job, Instant::now() < until) {
            triggers::search(app, &connection, &trigger, until - Instant::now()).await?;
        }
    }
    Ok(())
}
