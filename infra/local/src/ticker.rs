//! The scheduler's part on one machine: starts what the connections' schedules and triggers ask for.
//!
//! It remembers no tick. What is due follows from the connections and their runs, so a process that was down makes up for
//! what it missed once, whatever the number of times.

use async_trait::async_trait;
use jiff::Timestamp;
use okta_connector::app::{App, Scheduled, Scheduler, SchedulerError};
use okta_connector::connection::{self, Connection, Stored};
use okta_connector::feed::{self, Head, Trigger};
use okta_connector::id::ConnectionId;
use okta_connector::problem::Problem;
use okta_connector::triggers::{self, Job};
use okta_connector::{runs, test};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tracing::Instrument;

/// It looks again at least this often: connections are made and changed, and a run may have stood in the way.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
/// A poll or a search works for so long.
const TURN: Duration = Duration::from_secs(60);

/// Keeps no schedules, since they follow from the connections. It only has the ticker look at once.
#[derive(Clone, Default)]
pub struct LocalScheduler {
    changed: Arc<Notify>,
}

#[async_trait]
impl Scheduler for LocalScheduler {
    async fn keep(&self, _: &ConnectionId, _: &[Scheduled]) -> Result<(), SchedulerError> {
        self.changed.notify_one();
        Ok(())
    }
}

/// Starts what is due, for ever.
pub(crate) async fn tick(app: App, scheduler: LocalScheduler) {
    let mut tried = HashMap::new();
    loop {
        if let Err(problem) = test_some(&app, &mut tried).await {
            tracing::error!("connections could not be read: {problem}");
        }
        let next = match turn(&app).await {
            Ok(next) => next,
            Err(problem) => {
                tracing::error!("schedules could not be read: {problem}");
                None
            }
        };
        let sleep = next.map(|next| Duration::try_from(next.duration_since(app.now())).unwrap_or_default());
        let sleep = tokio::time::sleep(sleep.map_or(LONGEST_SLEEP, |sleep| sleep.min(LONGEST_SLEEP)));
        tokio::select! {
            () = sleep => {}
            () = scheduler.changed.notified() => {}
        }
    }
}

/// Starts what is due now; tells when something is due next.
pub async fn turn(app: &App) -> Result<Option<Timestamp>, Problem> {
    let (mut soonest, mut pages) = (None, connection::pages(&app.store));
    while let Some(connections) = pages.next().await? {
        for stored in connections {
            let connection = stored.connection;
            match runs::start_due(app, &connection).await {
                Ok(next) => soonest = [soonest, next].into_iter().flatten().min(),
                // The others are not to wait for this one.
                Err(problem) => {
                    tracing::error!(connection = %connection.id, "a scheduled sync was not started: {problem}");
                }
            }
            tokio::spawn(deliver(app.clone(), connection.id.clone()));
            match read_logs(app, connection).await {
                Ok(next) => soonest = [soonest, next].into_iter().flatten().min(),
                Err(problem) => tracing::error!("triggers could not be read: {problem}"),
            }
        }
    }
    Ok(soonest)
}

/// Tests each connection that was not tested for a day. One that could not be tested is left alone for an hour.
async fn test_some(app: &App, tried: &mut HashMap<ConnectionId, Timestamp>) -> Result<(), Problem> {
    let (now, mut pages) = (app.now(), connection::pages(&app.store));
    tried.retain(|_, at| now.duration_since(*at).as_hours() < 1);
    while let Some(connections) = pages.next().await? {
        for stored in connections {
            let id = &stored.connection.id;
            if test::is_due(&stored.connection, now) && !tried.contains_key(id) {
                tried.insert(id.clone(), now);
                tokio::spawn(tested(app.clone(), stored));
            }
        }
    }
    Ok(())
}

#[tracing::instrument(skip_all, fields(function = "test"))]
async fn tested(app: App, stored: Stored) {
    if let Err(problem) = test::test(&app, &stored).await {
        tracing::error!(connection = %stored.connection.id, "a connection could not be tested: {problem}");
    }
    if let Err(problem) = triggers::check_live(&app, &stored.connection).await {
        tracing::warn!("the hook that follows changes could not be compared with what Okta has: {problem}");
    }
}

/// Moves the inbox into the feed, for example after a killed process left events there.
#[tracing::instrument(skip_all, fields(function = "log-poll"))]
async fn deliver(app: App, connection: ConnectionId) {
    if let Err(stop) = feed::deliver(&app.ground(), &connection, TURN).await {
        tracing::warn!(%connection, "events wait in the inbox: {stop}");
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
        let (app, span) = (app.clone(), tracing::info_span!("due", function = "log-poll"));
        let work = async move {
            for job in due.jobs {
                let done = match &job {
                    Job::Poll => triggers::poll(&app, &connection, TURN).await,
                    Job::Search(trigger) => triggers::search(&app, &connection, trigger, TURN).await,
                };
                if let Err(problem) = done {
                    tracing::error!(connection = %connection.id, "the log was not read: {problem}");
                }
            }
        };
        tokio::spawn(work.instrument(span));
    }
    Ok(due.next)
}
