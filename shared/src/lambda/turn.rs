//! One turn of a schedule of the log: a poll, or a scheduled search.

use super::Error;
use crate::app::App;
use crate::connection;
use crate::id::{ConnectionId, TriggerId};
use crate::triggers;
use serde::Deserialize;
use std::time::Duration;

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
pub async fn turn(app: &App, turn: Turn, budget: Duration) -> Result<(), Error> {
    let Some(stored) = connection::load(&app.store, &turn.connection).await? else { return Ok(()) };
    let connection = stored.connection;
    if !connection.is_scheduled() {
        return Ok(());
    }
    match &turn.trigger {
        None => triggers::poll(app, &connection, budget).await?,
        Some(trigger) => triggers::search(app, &connection, trigger, budget).await?,
    }
    Ok(())
}
