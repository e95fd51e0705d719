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

/// Records a short run for the candidates that wait; `None` where there is none, or where a run is at work: that one takes
/// them, or the next one does. Before the first sync there is nothing to keep up to date.
pub async fn begin_short(app: &App, id: &ConnectionId, execution: &str) -> Result<Option<SyncId>, Problem> {
    for _ in 0..ATTEMPTS {
        // Read first: after most runs no candidate waits, and nothing else need be read.
        if Waiting::some(&app.store, id, 1).await?.is_empty() {
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
