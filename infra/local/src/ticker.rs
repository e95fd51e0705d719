//! The scheduler's part on one machine: starts what the connections' schedules ask for.
//!
//! It remembers nothing. What is due follows from the connections and their runs, so a process that was down makes up for
//! what it missed once, whatever the number of times.

use jiff::Timestamp;
use okta_connector::app::App;
use okta_connector::problem::Problem;
use okta_connector::{connection, runs};
use std::time::Duration;

/// It looks again at least this often: connections are made and changed, and a run may have stood in the way.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
const CONNECTIONS: usize = 100;

/// Starts what is due, for ever.
pub(crate) async fn tick(app: App) {
    loop {
        let next = match turn(&app).await {
            Ok(next) => next,
            Err(problem) => {
                tracing::error!("schedules could not be read: {problem}");
                None
            }
        };
        let sleep = next.map(|next| Duration::try_from(next.duration_since(app.now())).unwrap_or_default());
        tokio::time::sleep(sleep.map_or(LONGEST_SLEEP, |sleep| sleep.min(LONGEST_SLEEP))).await;
    }
}

/// Starts what is due now; tells when something is due next.
pub async fn turn(app: &App) -> Result<Option<Timestamp>, Problem> {
    let (mut soonest, mut after) = (None, None);
    loop {
        let (connections, next) = connection::list(&app.store, after.as_deref(), CONNECTIONS).await?;
        for connection in connections.into_iter().map(|stored| stored.connection) {
            match runs::start_due(app, &connection).await {
                Ok(next) => soonest = [soonest, next].into_iter().flatten().min(),
                // The others are not to wait for this one.
                Err(problem) => {
                    tracing::error!(connection = %connection.id, "a scheduled sync was not started: {problem}");
                }
            }
        }
        let Some(next) = next else { return Ok(soonest) };
        after = Some(next);
    }
}
