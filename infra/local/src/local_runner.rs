//! The state machine's part on one machine: a task that drives a run slice by slice and waits where it must.

use crate::data_folder::Disk;
use async_trait::async_trait;
use okta_connector::app::{App, RunnerError, SyncRunner};
use okta_connector::connection;
use okta_connector::feed;
use okta_connector::id::{ConnectionId, SyncId};
use okta_connector::problem::Problem;
use okta_connector::runs;
use okta_connector::store::{Index, Query, keys};
use okta_connector::sync::{self, Next, Slice};
use okta_connector::synced::{Run, State};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const SLICE: Duration = Duration::from_secs(240);
/// After our own failure a slice is repeated, later each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Runs what it is told to, each in a task of its own.
#[derive(Clone)]
pub struct LocalRunner {
    app: Arc<OnceLock<App>>,
    disk: Disk,
}

impl LocalRunner {
    /// One whose runs are stored on this disk.
    pub fn on(disk: Disk) -> Self {
        Self { app: Arc::default(), disk }
    }

    /// Tells it what to run with; once, before anything is started.
    pub fn attach(&self, app: App) {
        let _ = self.app.set(app);
    }

    fn app(&self) -> Result<App, RunnerError> {
        self.app.get().cloned().ok_or_else(|| RunnerError("the service is still starting".to_owned()))
    }

    /// Goes on with what an earlier process did not finish.
    pub async fn resume(&self) -> Result<(), Problem> {
        let Ok(app) = self.app() else { return Ok(()) };
        for item in app.store.query(&Query::index(Index::G1, keys::PURGES)).await? {
            if let Some(id) = ConnectionId::parse(item.sort_key(Some(Index::G1))) {
                tokio::spawn(purge(app.clone(), id));
            }
        }
        let mut pages = connection::pages(&app.store);
        while let Some(connections) = pages.next().await? {
            for stored in connections {
                let id = stored.connection.id;
                feed::take_back(&app.ground(), &id).await?;
                let Some(current) = State::load(&app.store, &id).await?.current else { continue };
                let run = Run::load(&app.store, &id, &current).await?;
                if run.is_some_and(|run| !run.status.is_over()) {
                    tracing::info!(connection = %id, run = %current, "resuming sync {current}");
                    tokio::spawn(drive(app.clone(), id, current));
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl SyncRunner for LocalRunner {
    async fn start(&self, connection: &ConnectionId, sync: &SyncId, _: &str) -> Result<(), RunnerError> {
        tokio::spawn(drive(self.app()?, connection.clone(), sync.clone()));
        Ok(())
    }

    async fn read_candidates(&self, connection: &ConnectionId) -> Result<(), RunnerError> {
        tokio::spawn(read_candidates(self.app()?, connection.clone()));
        Ok(())
    }

    async fn purge(&self, connection: &ConnectionId, _: &str) -> Result<(), RunnerError> {
        tokio::spawn(purge(self.app()?, connection.clone()));
        Ok(())
    }

    async fn trouble(&self) -> Option<String> {
        self.disk.trouble().await
    }
}

/// Drives short runs until no candidate waits.
#[tracing::instrument(skip_all, fields(function = "sync", connection = %connection))]
async fn read_candidates(app: App, connection: ConnectionId) {
    let execution = uuid::Uuid::new_v4().simple().to_string();
    if let Some(run) = begin_short(&app, &connection, &execution).await {
        drive(app, connection, run).await;
    }
}

/// Records a short run if candidates wait. Where that fails, the next report or sync reads them.
async fn begin_short(app: &App, connection: &ConnectionId, execution: &str) -> Option<SyncId> {
    runs::begin_short(app, connection, execution).await.unwrap_or_else(|problem| {
        tracing::warn!("candidates wait for the next sync: {problem}");
        None
    })
}

/// Drives a run to its end. The run's own id owns the lease, so that the next process re-enters at once.
#[tracing::instrument(skip_all, fields(function = "sync", connection = %connection))]
async fn drive(app: App, connection: ConnectionId, run: SyncId) {
    let mut slice = Slice { connection, execution: run.to_string(), run };
    let mut pause = FIRST_PAUSE;
    loop {
        match sync::slice(&app, &slice, SLICE).await {
            Ok(Next::Done) => {
                // Candidates that were reported while the run ended.
                let short = begin_short(&app, &slice.connection, slice.run.as_str()).await;
                let Some(run) = short else { return };
                slice = Slice { execution: run.to_string(), run, ..slice };
                pause = FIRST_PAUSE;
            }
            Ok(Next::Again) => pause = FIRST_PAUSE,
            Ok(Next::Wait(until)) => {
                pause = FIRST_PAUSE;
                tokio::time::sleep(Duration::try_from(until.duration_since(app.now())).unwrap_or_default()).await;
            }
            Err(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

#[tracing::instrument(skip_all, fields(function = "sync", connection = %connection))]
async fn purge(app: App, connection: ConnectionId) {
    let mut pause = FIRST_PAUSE;
    loop {
        match sync::purge(&app, &connection, SLICE).await {
            Ok(true) => return,
            Ok(false) => pause = FIRST_PAUSE,
            Err(_) => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
