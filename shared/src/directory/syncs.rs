//! Runs of the sync, and how far they are.

use super::Listed;
use crate::app::App;
use crate::id::{ConnectionId, SyncId};
use crate::problem::{Kind, Problem};
use crate::store::{Query, keys};
use crate::synced::{Mode, Phase, Progress, Run, RunStatus};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A page of runs, newest first, behind a sort key.
pub async fn syncs(app: &App, connection: &ConnectionId, after: Option<&str>, limit: usize) -> Result<Listed, Problem> {
    let query = Query::partition(keys::connection_partition(connection)).prefix(keys::RUNS).newest_first();
    let (items, more) = app.store.first(query.after(after), limit).await?;
    let next = items.last().filter(|_| more).map(|item| item.sort_key(None).to_owned());
    let mut runs = Vec::with_capacity(items.len());
    for item in &items {
        runs.push(json!(as_it_is(app, connection, item.parse()?).await?));
    }
    Ok(Listed { items: runs, next })
}

/// One run.
pub async fn sync(app: &App, connection: &ConnectionId, id: &str) -> Result<SyncRun, Problem> {
    let id = SyncId::parse(id).ok_or_else(Problem::not_found)?;
    let run = Run::load(&app.store, connection, &id).await?.ok_or_else(Problem::not_found)?;
    as_it_is(app, connection, run).await
}

/// A run whose function died without being woken again reads as failed; a dead function has nothing to write.
async fn as_it_is(app: &App, connection: &ConnectionId, mut run: Run) -> Result<SyncRun, Problem> {
    if run.is_abandoned(&app.store, connection, app.now()).await? {
        let problem =
            Problem::new(Kind::Internal, "The sync was abandoned: its function died and was not started again.");
        (run.status, run.finished_at, run.error) =
            (RunStatus::Failed, Some(run.updated_at), Some(problem.to_json(None)));
    }
    Ok(SyncRun::of(run))
}

/// A run as callers see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Sync")]
pub struct SyncRun {
    /// Its id.
    pub id: SyncId,
    /// How much it reads.
    pub mode: Mode,
    /// What was asked for, where that was something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_mode: Option<Mode>,
    /// What became of it.
    pub status: RunStatus,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it is busy with; null once it is over.
    pub phase: Option<Phase>,
    /// What it has done in each phase.
    pub progress: BTreeMap<Phase, Progress>,
    /// Requests sent to Okta.
    pub requests: u64,
    /// Access tokens that were granted for it.
    pub tokens: u64,
    /// Seconds slept for limits.
    pub waited_seconds: u64,
    /// Until when it waits.
    pub next_wake: Option<Timestamp>,
    /// What it would remove once somebody confirms.
    pub pending_removals: Option<BTreeMap<Phase, u64>>,
    /// Why it failed.
    #[schemars(with = "Option<Problem>")]
    pub error: Option<Value>,
}

impl SyncRun {
    /// Of a run as it is stored.
    pub fn of(run: Run) -> Self {
        Self {
            id: run.id,
            mode: run.mode,
            requested_mode: run.requested_mode,
            status: run.status,
            started_at: run.started_at,
            finished_at: run.finished_at,
            phase: run.phase.filter(|_| !run.status.is_over()),
            progress: run.progress,
            requests: run.requests,
            tokens: run.tokens,
            waited_seconds: run.waited_seconds,
            next_wake: run.next_wake,
            pending_removals: Some(run.pending_removals).filter(|pending| !pending.is_empty()),
            error: run.error,
        }
    }
}
