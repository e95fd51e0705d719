//! Runs of the sync, and how far they are.

use super::Listed;
use crate::app::App;
use crate::id::{ConnectionId, SyncId};
use crate::problem::{Kind, Problem};
use crate::store::{Query, keys};
use crate::synced::{Run, RunStatus, State, SyncRun};
use serde_json::json;
use tokio::sync::OnceCell;

/// A page of runs, newest first, behind a sort key. Short runs are left out.
pub async fn syncs(app: &App, connection: &ConnectionId, after: Option<&str>, limit: usize) -> Result<Listed, Problem> {
    let mut runs = Vec::with_capacity(limit);
    let mut after = after.map(str::to_owned);
    let pending = OnceCell::new();
    loop {
        let query = Query::partition(keys::connection_partition(connection)).prefix(keys::RUNS).newest_first();
        let (items, more) = app.store.first(query.after(after.as_deref()), limit).await?;
        for (place, item) in items.iter().enumerate() {
            after = Some(item.sort_key(None).to_owned());
            let run: Run = item.parse()?;
            // Short runs come with every change; what they found is in the feed.
            if run.is_short {
                continue;
            }
            runs.push(json!(as_it_is(app, connection, run, &pending).await?));
            if runs.len() == limit {
                let next = after.filter(|_| more || place + 1 < items.len());
                return Ok(Listed { items: runs, next, ..Listed::default() });
            }
        }
        if !more {
            return Ok(Listed { items: runs, ..Listed::default() });
        }
    }
}

/// One run.
pub async fn sync(app: &App, connection: &ConnectionId, id: &str) -> Result<SyncRun, Problem> {
    let id = SyncId::parse(id).ok_or_else(Problem::not_found)?;
    let run = Run::load(&app.store, connection, &id).await?.ok_or_else(Problem::not_found)?;
    as_it_is(app, connection, run, &OnceCell::new()).await
}

/// A run that cannot be stored says why. One whose question is not the open one (`pending`) can do nothing more. One whose function died without being woken again reads as failed; a dead function
/// has nothing to write.
async fn as_it_is(
    app: &App,
    connection: &ConnectionId,
    mut run: Run,
    pending: &OnceCell<Option<SyncId>>,
) -> Result<SyncRun, Problem> {
    if !run.status.is_over()
        && let Some(why) = app.runner.trouble().await
    {
        let problem = Problem::new(Kind::Internal, format!("The sync waits: {why}. It goes on by itself."));
        run.error = Some(problem.to_json(None));
        return Ok(SyncRun::of(run));
    }
    let open = async || Ok::<_, Problem>(State::load(&app.store, connection).await?.pending);
    if run.status == RunStatus::NeedsConfirmation && pending.get_or_try_init(open).await?.as_ref() != Some(&run.id) {
        let detail = "What this sync would remove can no longer be confirmed; a full sync says what is missing now.";
        run.status = RunStatus::Cancelled;
        run.error = Some(Problem::new(Kind::WrongState, detail).to_json(None));
        run.pending_removals.clear();
    }
    if run.is_abandoned(&app.store, connection, app.now()).await? {
        let problem =
            Problem::new(Kind::Internal, "The sync was abandoned: its function died and was not started again.");
        (run.status, run.finished_at, run.error) =
            (RunStatus::Failed, Some(run.updated_at), Some(problem.to_json(None)));
    }
    Ok(SyncRun::of(run))
}
