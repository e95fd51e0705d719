//! Starting and cancelling runs: a run is recorded first and driven by whoever finds it, so that a crash between the two
//! loses nothing.

use crate::app::{App, not_ready};
use crate::connection::{self, Connection, Status, Stored};
use crate::id::{ConnectionId, SyncId};
use crate::problem::{Kind, Problem};
use crate::store::{Error, Item, Write, keys};
use crate::synced::{Mode, Run, RunStatus, State};

/// Records a run of a connection and has it driven.
pub async fn start(app: &App, connection: &Connection, mode: Mode) -> Result<Run, Problem> {
    if connection.status == Status::Pending || !connection.is_complete() {
        return Err(not_ready());
    }
    if connection.settings.paused {
        return Err(Problem::new(Kind::ConnectionPaused, "The connection is paused; set paused to false first."));
    }
    for _ in 0..4 {
        let mut state = State::load(&app.store, &connection.id).await?;
        if let Some(running) = at_work(app, &connection.id, &state).await? {
            return Err(running_already(&running));
        }
        // Lines of the roster that nothing else changes are made anew by a full run alone.
        let same = state.attributes.as_ref() == Some(&connection.settings.attributes);
        let full_first = mode == Mode::Incremental && !(state.succeeded && same);
        let run =
            if full_first { Run::new(Mode::Full, Some(mode), app.now()) } else { Run::new(mode, None, app.now()) };
        state.current = Some(run.id.clone());
        match app.store.transact(vec![state.write(&connection.id)?, run.write(&connection.id)?]).await {
            Err(Error::Conflict(_)) => continue,
            other => other?,
        }
        drive(app, &connection.id, &run, run.id.as_str()).await?;
        return Ok(run);
    }
    Err(Problem::new(Kind::SyncRunning, "Another sync was started at the same moment."))
}

async fn drive(app: &App, connection: &ConnectionId, run: &Run, name: &str) -> Result<(), Problem> {
    let started = app.runner.start(connection, &run.id, name).await;
    started.map_err(|error| {
        tracing::error!(%connection, run = %run.id, "{error}");
        Problem::new(Kind::Internal, "The sync was recorded but could not be started; try again in a minute.")
    })
}

/// What a run would remove can be confirmed for so many days.
pub const CONFIRM_DAYS: i64 = 7;

/// Confirms what a run would remove: the same run goes on, asks Okta once more for each, and removes it. A newer full run
/// has asked its own question, or none.
pub async fn confirm(app: &App, connection: &Connection, id: &SyncId) -> Result<Run, Problem> {
    if connection.settings.paused {
        return Err(Problem::new(Kind::ConnectionPaused, "The connection is paused; set paused to false first."));
    }
    for _ in 0..4 {
        let mut state = State::load(&app.store, &connection.id).await?;
        let mut run = Run::load(&app.store, &connection.id, id).await?.ok_or_else(Problem::not_found)?;
        if let Some(running) = at_work(app, &connection.id, &state).await? {
            return Err(running_already(&running));
        }
        let old = run.finished_at.is_none_or(|at| app.now().duration_since(at).as_hours() >= CONFIRM_DAYS * 24);
        if run.status != RunStatus::NeedsConfirmation || state.pending.as_ref() != Some(id) || old {
            let detail = "The sync has nothing to confirm any more; a newer full sync tells what is missing now.";
            let status = serde_json::to_value(run.status).unwrap_or_default();
            return Err(Problem::new(Kind::WrongState, detail).with("current_status", status));
        }
        run.confirm(app.now());
        state.current = Some(id.clone());
        match app.store.transact(vec![state.write(&connection.id)?, run.write(&connection.id)?]).await {
            Err(Error::Conflict(_)) => continue,
            other => other?,
        }
        drive(app, &connection.id, &run, &format!("{id}-confirmed")).await?;
        return Ok(run);
    }
    Err(Problem::new(Kind::SyncRunning, "Another sync was started at the same moment."))
}

/// Starts the first sync of a connection that works for the first time, and remembers that it did.
pub async fn start_first(app: &App, stored: Stored) -> Result<(Stored, Option<SyncId>), Problem> {
    let connection = &stored.connection;
    let due = connection.status == Status::Active
        && !connection.first_sync_started
        && connection.settings.sync.is_some()
        && !connection.settings.paused;
    if !due {
        return Ok((stored, None));
    }
    let id = match start(app, connection, Mode::Full).await {
        Ok(run) => Some(run.id),
        Err(problem) if problem.kind == Kind::SyncRunning => None,
        Err(problem) => return Err(problem),
    };
    let remembered = connection::change(&app.store, &connection.id, |connection| {
        connection.first_sync_started = true;
        Ok::<_, Problem>(())
    });
    Ok((remembered.await?.ok_or_else(Problem::not_found)?, id))
}

/// The run that is at work, if there is one.
pub async fn at_work(app: &App, connection: &ConnectionId, state: &State) -> Result<Option<SyncId>, Error> {
    let Some(id) = &state.current else { return Ok(None) };
    let Some(run) = Run::load(&app.store, connection, id).await? else { return Ok(None) };
    let over = run.status.is_over() || run.is_abandoned(&app.store, connection, app.now()).await?;
    Ok((!over).then(|| id.clone()))
}

/// Asks a run to stop; it does so before its next page.
pub async fn cancel(app: &App, connection: &ConnectionId, id: &SyncId) -> Result<Run, Problem> {
    let run = Run::load(&app.store, connection, id).await?.ok_or_else(Problem::not_found)?;
    if run.status.is_over() {
        return Err(Problem::new(Kind::WrongState, "The sync is over."));
    }
    let wish = Item::at(&keys::cancelled(connection, id)).expires(crate::clock::after(app.now(), 86_400));
    app.store.transact(vec![Write::Put(wish)]).await?;
    Ok(run)
}

fn running_already(running: &SyncId) -> Problem {
    Problem::new(Kind::SyncRunning, "A sync is running; wait for it or cancel it.").with("sync_id", running.as_str())
}
