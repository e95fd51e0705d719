//! Confirming what a run would remove.

use super::{ATTEMPTS, drive, larger_at_work, running_already};
use crate::app::App;
use crate::connection::Connection;
use crate::id::SyncId;
use crate::problem::{Kind, Problem};
use crate::store::Error;
use crate::synced::{Run, RunStatus, State};

/// What a run would remove can be confirmed for so many days.
pub const CONFIRM_DAYS: i64 = 7;

/// Confirms what a run would remove: the same run goes on, asks Okta once more for each, and removes it. A newer full run
/// has asked its own question, or none.
pub async fn confirm(app: &App, connection: &Connection, id: &SyncId) -> Result<Run, Problem> {
    if connection.settings.paused {
        return Err(Problem::new(Kind::ConnectionPaused, "The connection is paused; set paused to false first."));
    }
    for _ in 0..ATTEMPTS {
        let mut state = State::load(&app.store, &connection.id).await?;
        let mut run = Run::load(&app.store, &connection.id, id).await?.ok_or_else(Problem::not_found)?;
        if let Some(running) = larger_at_work(app, &connection.id, &state).await? {
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
