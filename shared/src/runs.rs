//! Starting and stopping runs: a run is recorded first and driven by whoever finds it, so that a crash between the two
//! loses nothing.

mod confirm;
mod due;
mod report;

pub use confirm::{CONFIRM_DAYS, confirm};
pub use due::{Due, Wanted, delay, due, wanted};
pub use report::{MOST_CANDIDATES, begin_short, report, report_to};

use crate::app::{App, ready};
use crate::connection::{self, Connection, Status, Stored};
use crate::id::{ConnectionId, SyncId};
use crate::metric::{self, Metric};
use crate::problem::{Kind, Problem};
use crate::store::{Error, Item, Write, keys};
use crate::synced::{Mode, Run, State};
use due::asked;
use jiff::Timestamp;

/// How often something is tried again that somebody else changed meanwhile.
const ATTEMPTS: usize = 4;

/// Records a run of a connection and has it driven.
pub async fn start(app: &App, connection: &Connection, mode: Mode) -> Result<Run, Problem> {
    ready(connection)?;
    if connection.settings.paused {
        return Err(Problem::new(Kind::ConnectionPaused, "The connection is paused; set paused to false first."));
    }
    for _ in 0..ATTEMPTS {
        let state = State::load(&app.store, &connection.id).await?;
        if let Some(running) = larger_at_work(app, &connection.id, &state).await? {
            return Err(running_already(&running));
        }
        let Some(run) = record(app, connection, state, mode, None).await? else { continue };
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

/// Writes a run as the newest one; `None` where somebody else wrote the state meanwhile.
async fn record(
    app: &App,
    connection: &Connection,
    mut state: State,
    mode: Mode,
    execution: Option<&str>,
) -> Result<Option<Run>, Error> {
    // Lines of the roster that nothing else changes are made anew by a full run alone.
    let same = state.attributes.as_ref() == Some(&connection.settings.attributes);
    let full_first = mode == Mode::Incremental && !(state.succeeded_at.is_some() && same);
    if let Some(delay) = delay(connection, &state, app.now()) {
        metric::tell(Metric::SyncDelay, delay);
    }
    let mut run =
        if full_first { Run::new(Mode::Full, Some(mode), app.now()) } else { Run::new(mode, None, app.now()) };
    run.execution = execution.map(str::to_owned);
    run.streams = connection.settings.streams();
    state.begin(&run);
    match app.store.transact(vec![state.write(&connection.id)?, run.write(&connection.id)?]).await {
        Err(Error::Conflict(_)) => Ok(None),
        other => other.map(|()| Some(run)),
    }
}

/// Starts what a connection's schedules ask for by now, for a scheduler that reads them itself; tells when they next ask
/// for something. A run at work is left alone.
pub async fn start_due(app: &App, connection: &Connection) -> Result<Option<Timestamp>, Problem> {
    if wanted(connection).is_empty() {
        return Ok(None);
    }
    let state = State::load(&app.store, &connection.id).await?;
    let due = due(connection, &state, app.now());
    if let Some(mode) = due.mode {
        match start(app, connection, mode).await {
            Err(problem) if problem.kind != Kind::SyncRunning => return Err(problem),
            _ => {}
        }
    }
    Ok(due.next)
}

/// What a scheduler that starts executions asks of one.
#[derive(Clone, Copy, Debug)]
pub struct Tick<'a> {
    /// The mode of the schedule.
    pub mode: Mode,
    /// For when it was scheduled; none: somebody asks by hand.
    pub scheduled: Option<Timestamp>,
    /// The execution's id.
    pub execution: &'a str,
}

/// The run that an execution of a schedule is to drive; `None` where there is nothing to do: a run is at work, the
/// connection wants no such run, or the tick was delivered before.
///
/// Schedules that ask at the same moment get one run, of the largest mode: whichever is delivered first starts it.
pub async fn tick(app: &App, connection: &ConnectionId, tick: Tick<'_>) -> Result<Option<SyncId>, Problem> {
    for _ in 0..ATTEMPTS {
        let state = State::load(&app.store, connection).await?;
        if let Some(own) = made_for(app, connection, &state, tick.execution).await? {
            return Ok(Some(own));
        }
        let Some(Stored { connection, .. }) = connection::load(&app.store, connection).await? else { return Ok(None) };
        let Some(mode) = asked(&connection, &state, tick, app.now()) else { return Ok(None) };
        if larger_at_work(app, &connection.id, &state).await?.is_some() {
            return Ok(None);
        }
        if let Some(run) = record(app, &connection, state, mode, Some(tick.execution)).await? {
            return Ok(Some(run.id));
        }
    }
    // Whoever wrote the state so often has started a run.
    Ok(None)
}

/// The run that an earlier attempt of an execution made: it died before it could tell of it.
async fn made_for(
    app: &App,
    connection: &ConnectionId,
    state: &State,
    execution: &str,
) -> Result<Option<SyncId>, Error> {
    let Some(id) = &state.current else { return Ok(None) };
    let run = Run::load(&app.store, connection, id).await?;
    Ok(run.filter(|run| run.execution.as_deref() == Some(execution)).map(|run| run.id))
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
        // A schedule was faster.
        Err(problem) if problem.kind == Kind::SyncRunning => State::load(&app.store, &connection.id).await?.current,
        Err(problem) => return Err(problem),
    };
    let remembered = connection::change(&app.store, &connection.id, |connection| {
        connection.first_sync_started = true;
        Ok::<_, Problem>(())
    });
    Ok((remembered.await?.ok_or_else(Problem::not_found)?, id))
}

/// The run that is at work, if there is one.
async fn at_work(app: &App, connection: &ConnectionId, state: &State) -> Result<Option<Run>, Error> {
    let Some(id) = &state.current else { return Ok(None) };
    let Some(run) = Run::load(&app.store, connection, id).await? else { return Ok(None) };
    let over = run.status.is_over() || run.is_abandoned(&app.store, connection, app.now()).await?;
    Ok((!over).then_some(run))
}

/// The same, short runs left out: any other run may be started beside one, which then ends.
async fn larger_at_work(app: &App, connection: &ConnectionId, state: &State) -> Result<Option<SyncId>, Error> {
    let run = at_work(app, connection, state).await?;
    Ok(run.filter(|run| !run.is_short).map(|run| run.id))
}

/// Asks a run to stop; it does so before its next page.
pub async fn cancel(app: &App, connection: &ConnectionId, id: &SyncId) -> Result<Run, Problem> {
    let run = Run::load(&app.store, connection, id).await?.ok_or_else(Problem::not_found)?;
    if run.status.is_over() {
        return Err(Problem::new(Kind::WrongState, format!("{id} is over; there is nothing to cancel.")));
    }
    let wish = Item::at(&keys::cancelled(connection, id)).expires(crate::clock::after(app.now(), 86_400));
    app.store.transact(vec![Write::Put(wish)]).await?;
    Ok(run)
}

fn running_already(running: &SyncId) -> Problem {
    let detail = format!("{running} is at work. Wait until it ends, or cancel it.");
    Problem::new(Kind::SyncRunning, detail).with("sync_id", running.as_str())
}
