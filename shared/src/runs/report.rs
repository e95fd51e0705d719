//! Reports of what may have changed in Okta: a short run reads it, unless a run at work does.

use super::{ATTEMPTS, at_work};
use crate::app::App;
use crate::connection::{self, Connection};
use crate::id::{ConnectionId, SyncId};
use crate::problem::{Kind, Problem};
use crate::store::Error;
use crate::synced::{Candidate, Run, State, Waiting};
use std::collections::BTreeSet;

/// Writes in one transaction.
const AT_ONCE: usize = 100;

/// Remembers what may have changed, and has it read. A connection that syncs nothing has nothing to be read.
pub async fn report(app: &App, connection: &Connection, candidates: &[Candidate]) -> Result<(), Problem> {
    if candidates.is_empty() || !syncs(connection) {
        return Ok(());
    }
    // A transaction takes an item once.
    let distinct: BTreeSet<_> = candidates.iter().collect();
    let writes: Result<Vec<_>, _> = distinct.into_iter().map(|it| it.write(&connection.id, app.now())).collect();
    for some in writes?.chunks(AT_ONCE) {
        app.store.transact(some.to_vec()).await?;
    }
    let started = app.runner.read_candidates(&connection.id).await;
    started.map_err(|error| Problem::new(Kind::Internal, error.to_string()))
}

fn syncs(connection: &Connection) -> bool {
    connection.is_scheduled() && connection.settings.sync.is_some()
}

/// True where candidates wait, and no run is at work that takes them: those that were reported while a run ended.
pub async fn wait_for_one(app: &App, id: &ConnectionId) -> Result<bool, Problem> {
    if Waiting::some(&app.store, id, 1).await?.is_empty() {
        return Ok(false);
    }
    let state = State::load(&app.store, id).await?;
    Ok(state.succeeded_at.is_some() && at_work(app, id, &state).await?.is_none())
}

/// Records a short run for the candidates that wait; `None` where there is none, or where a run is at work: that one takes
/// them, or the next one does. Before the first sync there is nothing to keep up to date.
pub async fn begin_short(app: &App, id: &ConnectionId, execution: &str) -> Result<Option<SyncId>, Problem> {
    for _ in 0..ATTEMPTS {
        let mut state = State::load(&app.store, id).await?;
        if let Some(own) =
            super::made_for(app, id, &state, execution).await?.filter(|own| state.current.as_ref() == Some(own))
        {
            let run = Run::load(&app.store, id, &own).await?;
            if run.is_some_and(|run| !run.status.is_over()) {
                return Ok(Some(own));
            }
        }
        let Some(stored) = connection::load(&app.store, id).await? else { return Ok(None) };
        let is_first = state.succeeded_at.is_none();
        if is_first || !syncs(&stored.connection) || at_work(app, id, &state).await?.is_some() {
            return Ok(None);
        }
        if Waiting::some(&app.store, id, 1).await?.is_empty() {
            return Ok(None);
        }
        let mut run = Run::short(app.now());
        run.execution = Some(execution.to_owned());
        run.streams = stored.connection.settings.streams();
        state.begin(&run);
        match app.store.transact(vec![state.write(id)?, run.write(id)?]).await {
            Err(Error::Conflict(_)) => {}
            other => return Ok(other.map(|()| Some(run.id))?),
        }
    }
    // Whoever wrote the state so often has started a run.
    Ok(None)
}
