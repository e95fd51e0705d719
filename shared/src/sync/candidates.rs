//! Candidates that wait: a short run reads nothing else, an incremental run reads them with those of the log.

use super::change::Change;
use super::work::{Stop, Work};
use crate::store::Error;
use crate::synced::{Checkpoint, Listing, Waiting};

/// Candidates that one run reads one by one. Where more wait, reading all that changed costs less.
const MOST: usize = 100;

/// Takes what waits. Where that is much, the run goes on as an incremental one.
pub async fn take(work: &mut Work<'_>) -> Result<(), Stop> {
    let waiting = Waiting::some(&work.app.store, &work.connection.id, MOST + 1).await?;
    if waiting.len() > MOST {
        work.run.is_short = false;
        work.run.checkpoint = Checkpoint::ChangedUsers { listing: Listing::default() };
        return Ok(work.commit(Vec::new()).await?);
    }
    work.run.checkpoint = if waiting.is_empty() { Checkpoint::Finish } else { Checkpoint::Hints };
    let changes = note(work, &waiting)?;
    Ok(work.commit(changes).await?)
}

/// The changes that take what waits into an incremental run that sorts candidates now.
pub(super) async fn join(work: &mut Work<'_>) -> Result<Vec<Change>, Error> {
    if !work.run.patches() || work.run.is_short {
        return Ok(Vec::new());
    }
    let waiting = Waiting::some(&work.app.store, &work.connection.id, 10 * MOST).await?;
    note(work, &waiting)
}

/// They are noted in the run before they wait no longer.
fn note(work: &mut Work<'_>, waiting: &[Waiting]) -> Result<Vec<Change>, Error> {
    work.hints.extend(waiting.iter().map(|waiting| waiting.candidate.clone()));
    let mut changes: Vec<_> = work.note_hints()?.into_iter().collect();
    changes.extend(waiting.iter().map(|waiting| Change::from(waiting.taken())));
    Ok(changes)
}
