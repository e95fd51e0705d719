//! The scheduler's part on one machine: starts what the connections' schedules and triggers ask for.
//!
//! It remembers nothing. What is due follows from the connections and their runs, so a process that was down makes up for
//! what it missed once, whatever the number of times.

use jiff::Timestamp;
use okta_connector::app::App;
use okta_connector::connection::{self, Connection};
use okta_connector::feed::{Head, Trigger};
use okta_connector::problem::Problem;
use okta_connector::runs;
use okta_connector::triggers::{self, Job};
use std::time::Duration;

/// It looks again at least this often: connections are made and changed, and a run may have stood in the way.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
const CONNECTIONS: usize = 100;
/// A poll or a search works for so long.
const TURN: Duration = Duration::from_secs(60);

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
            match read_logs(app, connection).await {
                Ok(next) => soonest = [soonest, next].into_iter().flatten().min(),
                Err(problem) => tracing::error!("triggers could not be read: {problem}"),
            }
        }
        let Some(next) = next else { return Ok(soonest) };
        after = Some(next);
    }
}

/// Reads the log where triggers ask for it now; tells when they do so next. One that is being read already is left alone by
/// its lease.
async fn read_logs(app: &App, connection: Connection) -> Result<Option<Timestamp>, Problem> {
    let triggers = Trigger::all(&app.store, &connection.id).await?;
    if triggers.is_empty() {
        return Ok(None);
    }
    let head = Head::load(&app.store, &connection.id).await?;
    let due = triggers::due(&connection, &triggers, &head, app.now());
    if !due.jobs.is_empty() {
        let app = app.clone();
        tokio::spawn(async move {
            for job in due.jobs {
                let done = match &job {
                    Job::Poll => triggers::poll(&app, &connection, TURN).await,
                    Job::Search(trigger) => triggers::search(&app, &connection, trigger, TURN).await,
                };
                if let Err(problem) = done {
                    tracing::error!(connection = %connection.id, "the log was not read: {problem}");
                }
            }
        });
    }
    Ok(due.next)
}
