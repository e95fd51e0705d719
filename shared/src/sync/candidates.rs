//! Candidates that wait: a short run reads nothing else, an incremental run reads them with those of the log, and a larger
//! run reads some between two of its steps, so that they are in the directory before it ends.

use super::change::Change;
use super::work::{Stop, Work};
use super::{hints, missing};
use crate::runs::MOST_CANDIDATES;
use crate::store::Error;
use crate::synced::{Candidate, Checkpoint, Listing, Objects, Waiting};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// How often a run looks for candidates between two steps, and how many of them it reads then.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const AT_ONCE: usize = 20;
/// Takes what waits. Where that is much, the run goes on as an incremental one.
pub async fn take(work: &mut Work<'_>) -> Result<(), Stop> {
    let waiting = Waiting::some(&work.app.store, &work.connection.id, MOST_CANDIDATES + 1).await?;
    if waiting.len() > MOST_CANDIDATES {
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
    let waiting = Waiting::some(&work.app.store, &work.connection.id, 10 * MOST_CANDIDATES).await?;
    note(work, &waiting)
}

/// Reads some of what waits while a run that reads everything is at work. They go on waiting: behind that run, which may
/// store older lists over them and has passed what depends on them, a short run reads them again.
pub(super) async fn read_between(work: &mut Work<'_>) -> Result<(), Error> {
    let is_early = work.looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY);
    if work.run.patches() || work.state.succeeded_at.is_none() || is_early {
        return Ok(());
    }
    work.looked_at = Some(Instant::now());
    let waiting = Waiting::some(&work.app.store, &work.connection.id, 10 * MOST_CANDIDATES).await?;
    for some in waiting.iter().filter(|waiting| !waiting.is_read()).take(AT_ONCE) {
        let before = work.run.clone();
        work.hints.clear();
        work.is_between = true;
        let read = read(work, &some.candidate).await;
        work.is_between = false;
        match read {
            Ok(changes) => {
                let mut all = found_besides(work, &changes)?;
                all.extend(changes);
                all.push(some.read().into());
                work.run.phase = before.phase;
                work.commit(all).await?;
            }
            Err(Stop::Store(error)) => return Err(error),
            // What Okta does not answer now is read behind this run.
            Err(Stop::Okta(_)) => {
                work.run = before;
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The changes that a candidate leads to, where few requests tell them.
async fn read(work: &mut Work<'_>, candidate: &Candidate) -> Result<Vec<Change>, Stop> {
    match candidate {
        Candidate::User(id) => Ok(missing::look_up(work, Objects::Users, id.as_str()).await?.0),
        Candidate::Group(id) => Ok(missing::look_up(work, Objects::Groups, id.as_str()).await?.0),
        Candidate::Belongings(user) | Candidate::Membership(_, user, _) => hints::read_groups(work, user).await,
        Candidate::Assignment(app, user) => hints::read_assignment(work, app, user).await,
        Candidate::Moved(..)
        | Candidate::App(_)
        | Candidate::AppGroups(_)
        | Candidate::Roles(_)
        | Candidate::CustomRoles
        | Candidate::Owners(_)
        | Candidate::GroupRules => Ok(Vec::new()),
    }
}

/// What depends on these changes waits as well.
fn found_besides(work: &mut Work<'_>, changes: &[Change]) -> Result<Vec<Change>, Error> {
    let mut found: BTreeSet<_> = std::mem::take(&mut work.hints).into_iter().collect();
    found.extend(changes.iter().filter_map(Change::membership).map(|(group, user)| Candidate::Moved(group, user)));
    let now = work.app.now();
    found.into_iter().map(|candidate| Ok(candidate.write(&work.connection.id, now)?.into())).collect()
}

/// They are noted in the run before they wait no longer.
fn note(work: &mut Work<'_>, waiting: &[Waiting]) -> Result<Vec<Change>, Error> {
    work.hints.extend(waiting.iter().map(|waiting| waiting.candidate.clone()));
    let mut changes: Vec<_> = work.note_hints()?.into_iter().collect();
    changes.extend(waiting.iter().map(|waiting| Change::from(waiting.taken())));
    Ok(changes)
}
