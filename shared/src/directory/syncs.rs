//! Runs of the sync, and how far they are.

use super::Listed;
use crate::app::App;
use crate::id::{ConnectionId, SyncId};
use crate::problem::{Kind, Problem};
use crate::store::{Query, keys};
use crate::synced::{Run, RunStatus, SyncRun};
use serde_json::json;

/// A page of runs, newest first, behind a sort key.
pub async fn syncs(app: &App, connection: &ConnectionId, after: Option<&str>, limit: usize) -> Result<Listed, Problem> {
    let query = Query::partition(keys::connection_partition(connection)).prefix(keys::RUNS).newest_first();
    let (items, more) = app.store.first(query.after(after), limit).await?;
    let next = items.last().filter(|_| more).map(|item| item.sort_key(None).to_owned());
    let mut runs = Vec::with_capacity(items.len());
    for item in &items {
        runs.push(json!(as_it_is(app, connection, item.parse()?).await?));
    }
    Ok(Listed { items: runs, next, ..Listed::default() })
}

/// One run.
pub async fn sync(app: &App, connection: &ConnectionId, id: &str) -> Result<SyncRun, Problem> {
    let id = SyncId::parse(id).ok_or_else(Problem::not_found)?;
    let run = Run::load(&app.store, connection, &id).await?.ok_or_else(Problem::not_found)?;
    as_it_is(app, connection, run).await
}

/// A run that cannot be stored says why. One whose function died without being woken again reads as failed; a dead function
/// has nothing to write.
async fn as_it_is(app: &App, connection: &ConnectionId, mut run: Run) -> Result<SyncRun, Problem> {
    if !run.status.is_over()
        && let Some(why) = app.runner.trouble().await
    {
        let problem = Problem::new(Kind::Internal, format!("The sync waits: {why}. It goes on by itself."));
        run.error = Some(problem.to_json(None));
        return Ok(SyncRun::of(run));
    }
    if run.is_abandoned(&app.store, connection, app.now()).await? {
        let problem =
            Problem::new(Kind::Internal, "The sync was abandoned: its function died and was not started again.");
        (run.status, run.finished_at, run.error) =
            (RunStatus::Failed, Some(run.updated_at), Some(problem.to_json(None)));
    }
    Ok(SyncRun::of(run))
}
