//! Reports of what may have changed in Okta: a short run reads it, unless a run at work does.

use super::{ATTEMPTS, at_work};
use crate::app::App;
use crate::clock;
use crate::connection::{self, Connection};
use crate::feed::Ground;
use crate::id::{ConnectionId, SyncId};
use crate::problem::{Kind, Problem};
use crate::store::Error;
use crate::synced::{Candidate, Run, RunStatus, State, Waiting};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Writes in one transaction.
const AT_ONCE: usize = 100;
/// Candidates that one run reads one by one. Where more wait, reading all that changed costs less.
pub const MOST_CANDIDATES: usize = 100;
/// Where more wait, a run of that kind begins no earlier behind the end of the last one, in seconds.
const FLOOD_PAUSE: i64 = 60;
/// Behind a run that failed, a run of that kind begins no earlier, in seconds: what it met is likely to be there still.
const FAILED_PAUSE: i64 = 900;

/// Remembers what may have changed, and has it read. A connection that syncs nothing has nothing to be read.
pub async fn report(app: &App, connection: &Connection, candidates: &[Candidate]) -> Result<(), Problem> {
    if !syncs(connection) {
        return Ok(());
    }
    // A transaction takes an item once.
    let distinct: BTreeSet<_> = candidates.iter().cloned().collect();
    report_to(&app.ground(), &connection.id, &distinct).await
}

/// The same of a connection that is known by its id.
pub async fn report_to(ground: &Ground, id: &ConnectionId, candidates: &BTreeSet<Candidate>) -> Result<(), Problem> {
    if candidates.is_empty() {
        return Ok(());
    }
    let writes: Result<Vec<_>, _> = candidates.iter().map(|candidate| candidate.write(id, ground.now())).collect();
    for some in writes?.chunks(AT_ONCE) {
        ground.store.transact(some.to_vec()).await?;
    }
    let started = ground.runner.read_candidates(id).await;
    started.map_err(|error| Problem::new(Kind::Internal, error.to_string()))
}

fn syncs(connection: &Connection) -> bool {
    connection.is_scheduled() && connection.settings.sync.is_some()
}

/// When the newest run failed, where it did.
async fn failed_at(app: &App, id: &ConnectionId, state: &State) -> Result<Option<Timestamp>, Error> {
    let Some(newest) = &state.current else { return Ok(None) };
    let run = Run::load(&app.store, id, newest).await?;
    Ok(run.filter(|run| run.status == RunStatus::Failed).and_then(|run| run.finished_at))
}

/// Records a short run for the candidates that wait; `None` where there is none, or where a run is at work: that one takes
/// them, or the next one does. Before the first sync there is nothing to keep up to date.
pub async fn begin_short(app: &App, id: &ConnectionId, execution: &str) -> Result<Option<SyncId>, Problem> {
    for _ in 0..ATTEMPTS {
        // Read first: after most runs no candidate waits, and nothing else need be read.
        let waiting = Waiting::some(&app.store, id, MOST_CANDIDATES + 1).await?.len();
        if waiting == 0 {
            return Ok(None);
        }
        let mut state = State::load(&app.store, id).await?;
        if let Some(run) = at_work(app, id, &state).await? {
            // An earlier attempt of this execution recorded it and died.
            return Ok((run.execution.as_deref() == Some(execution)).then_some(run.id));
        }
        let Some(stored) = connection::load(&app.store, id).await? else { return Ok(None) };
        if state.succeeded_at.is_none() || !syncs(&stored.connection) {
            return Ok(None);
        }
        let mut run = Run::short(app.now());
        // A flood of them becomes an incremental run, and the next one waits.
        let last = state.last.as_ref().filter(|_| waiting > MOST_CANDIDATES);
        let flood = last.map(|last| clock::after(last.finished_at, FLOOD_PAUSE));
        let failed = failed_at(app, id, &state).await?.map(|at| clock::after(at, FAILED_PAUSE));
        run.next_wake = flood.max(failed).filter(|wake| *wake > app.now());
        run.execution = Some(execution.to_owned());
        run.streams = stored.connection.settings.streams();
        state.begin(&run);
        match app.store.transact(vec![state.write(id)?, run.write(id)?]).await {
            Err(Error::Conflict(_)) => {}
            other => return Ok(other.map(|()| Some(run.id))?),
        }
    }
    // Another process that writes the state so often has started a run.
    Ok(None)
}
