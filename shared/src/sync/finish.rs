//! The end of a run: the roster, the counts, and the one write after which it is over.

use super::work::{Stop, Work};
use crate::app::App;
use crate::clock;
use crate::connection::Connection;
use crate::event::{self, Event};
use crate::store::keys::{self, Listed};
use crate::store::{Error, Index, Item, Lease, Query, Write};
use crate::synced::roster::{self, Part};
use crate::synced::{Counts, Group, LogPlace, Mode, Phase, Run, RunStatus, State, SyncRun, unpack};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Parts of the roster that are put together at once, so that a large tenant needs no more memory than a small one.
const PARTS_AT_ONCE: usize = 16;

/// Okta's changes are read again from so long before a run began.
const OVERLAP_SECONDS: i64 = 600;

#[derive(Deserialize)]
struct Identified {
    id: Box<str>,
}

/// Writes the roster and ends the run.
pub async fn finish(work: &mut Work<'_>) -> Result<(), Stop> {
    let state = State::load(&work.app.store, &work.connection.id).await?;
    let (parts, users) =
        if work.run.patches() { patch_roster(work, &state).await? } else { write_roster(work, &state).await? };
    let counts = count(work, &state, users).await?;
    if parts != state.roster {
        forget_old_parts(work, &state.roster, &parts).await?;
    }
    let status = if work.run.pending_removals.is_empty() { RunStatus::Succeeded } else { RunStatus::NeedsConfirmation };
    work.count();
    let run = work.run.clone();
    let learn = |state: &mut State| {
        state.roster.clone_from(&parts);
        state.counts = counts;
        state.succeeded = true;
        learn_of(&run, status, state);
    };
    Ok(end_with(work.app, work.connection, &work.lease, &mut work.run, status, learn).await?)
}

/// What later runs must know of a good one. One that carries out what was confirmed has read nothing new.
fn learn_of(run: &Run, status: RunStatus, state: &mut State) {
    if !run.confirmed.is_empty() {
        state.pending.take_if(|pending| *pending == run.id);
        return;
    }
    let since = run.began.map(|began| clock::after(began, -OVERLAP_SECONDS));
    state.watermark = since.or(state.watermark);
    if let Some(since) = since {
        if run.log_next.is_some() {
            state.log = Some(LogPlace { next: run.log_next.clone(), since });
        }
        state.log.get_or_insert(LogPlace { next: None, since });
    }
    if run.mode != Mode::Incremental {
        state.bad.clone_from(&run.bad);
        state.complete.extend(read_to_the_end(run));
        state.pending = Some(run.id.clone()).filter(|_| status == RunStatus::NeedsConfirmation);
    }
}

/// What a run has read to its end.
fn read_to_the_end(run: &Run) -> Vec<Phase> {
    let groups = run.read.contains_key(&Phase::Groups);
    let memberships = Some(Phase::Memberships).filter(|_| groups);
    run.read.keys().copied().chain(memberships).collect()
}

/// Ends a run; what it stored so far stays.
pub async fn end(
    app: &App,
    connection: &Connection,
    lease: &Lease,
    run: &mut Run,
    status: RunStatus,
) -> Result<(), Error> {
    end_with(app, connection, lease, run, status, |_| {}).await
}

async fn end_with(
    app: &App,
    connection: &Connection,
    lease: &Lease,
    run: &mut Run,
    status: RunStatus,
    learn: impl Fn(&mut State),
) -> Result<(), Error> {
    let now = app.now();
    (run.status, run.finished_at, run.next_wake, run.updated_at) = (status, Some(now), None, now);
    for _ in 0..8 {
        let mut state = State::load(&app.store, &connection.id).await?;
        learn(&mut state);
        state.last = run.summary();
        let mut writes = vec![lease.fence(), state.write(&connection.id)?, run.write(&connection.id)?];
        writes.extend(told(connection, run, now)?);
        match app.store.transact(writes).await {
            // Somebody else wrote the state meanwhile.
            Err(Error::Conflict(1)) => {}
            other => return other,
        }
    }
    Err(Error::Unavailable("the sync's state changes too often".to_owned()))
}

/// What is told of the end of a run; nothing where somebody stopped it.
fn told(connection: &Connection, run: &Run, now: Timestamp) -> Result<Option<Write>, Error> {
    let ended = match run.status {
        RunStatus::Succeeded => "completed",
        RunStatus::Failed => "failed",
        RunStatus::NeedsConfirmation => "needs_confirmation",
        RunStatus::Running | RunStatus::Waiting | RunStatus::Cancelled => return Ok(None),
    };
    let shown = serde_json::to_value(SyncRun::of(run.clone())).unwrap_or_default();
    event::inbox(&connection.id, &[Event::sync(run.id.as_str(), ended, shown, now)], now).map(Some)
}

/// Makes the roster anew out of the lists: writes the parts that are not there yet; gives the names of all, and how many
/// users they hold.
async fn write_roster(work: &Work<'_>, state: &State) -> Result<(Vec<String>, u64), Error> {
    let lists = lists_of_lines(work);
    let mut rows = 0;
    for list in &lists {
        work.each_noted(list, |page: Vec<Identified>| rows += page.len()).await?;
    }
    let count = roster::parts_for(rows);
    let (mut names, mut users) = (Vec::new(), 0);
    for first in (0..count).step_by(PARTS_AT_ONCE) {
        let mut parts = vec![Lines::new(); PARTS_AT_ONCE.min(count - first)];
        gather(work, &lists, first, count, &mut parts).await?;
        for part in parts {
            users += part.values().flatten().count() as u64;
            names.push(store_part(work, state, part).await?);
        }
    }
    Ok((names, users))
}

/// Brings the roster up to date with the lines that a run learnt of; gives the names of all parts, and how many users
/// they hold.
async fn patch_roster(work: &Work<'_>, state: &State) -> Result<(Vec<String>, u64), Error> {
    let lists = lists_of_lines(work);
    let (mut names, mut users) = (state.roster.clone(), state.counts.users);
    let mut lines = 0;
    for list in &lists {
        work.each_noted(list, |page: Vec<Identified>| lines += page.len()).await?;
    }
    for first in (0..names.len()).step_by(PARTS_AT_ONCE).filter(|_| lines > 0) {
        let mut parts = vec![Lines::new(); PARTS_AT_ONCE.min(names.len() - first)];
        gather(work, &lists, first, names.len(), &mut parts).await?;
        for (place, changed) in (first..).zip(parts).filter(|(_, lines)| !lines.is_empty()) {
            let item = work.app.store.get(&roster::part_key(&work.connection.id, &names[place])).await?;
            let packed = item.as_ref().and_then(|item| item.get_bytes("rows")).ok_or(Error::Corrupt)?;
            let mut part = Lines::new();
            put(&mut part, unpack(packed)?);
            users -= part.len() as u64;
            part.extend(changed);
            part.retain(|_, line| line.is_some());
            users += part.len() as u64;
            names[place] = store_part(work, state, part).await?;
        }
    }
    Ok((names, users))
}

/// What a run learnt of users' lines; none where there is no line any more.
type Lines = HashMap<Box<str>, Option<Box<RawValue>>>;

/// The lists of lines: what was noted last counts.
fn lists_of_lines(work: &Work<'_>) -> Vec<String> {
    let lists = work.run.read.get(&Phase::Users).cloned().unwrap_or_default();
    lists.into_iter().chain((work.run.lines > 0).then(|| work.run.lines_list().to_owned())).collect()
}

/// Gathers the lines of some parts, of `count`.
async fn gather(
    work: &Work<'_>,
    lists: &[String],
    first: usize,
    count: usize,
    parts: &mut [Lines],
) -> Result<(), Error> {
    for list in lists {
        let visit = |page: Vec<Box<RawValue>>| {
            for line in page {
                let Ok(Identified { id }) = serde_json::from_str(line.get()) else { continue };
                if let Some(part) = roster::part_of(&id, count).checked_sub(first).and_then(|at| parts.get_mut(at)) {
                    put(part, vec![line]);
                }
            }
        };
        work.each_noted(list, visit).await?;
    }
    Ok(())
}

/// A line without a status is that of somebody who is gone.
fn put(part: &mut Lines, lines: Vec<Box<RawValue>>) {
    #[derive(Deserialize)]
    struct Told {
        id: Box<str>,
        s: Option<serde::de::IgnoredAny>,
    }
    for line in lines {
        let Ok(Told { id, s }) = serde_json::from_str(line.get()) else { continue };
        part.insert(id, s.map(|_| line));
    }
}

/// Writes a part if it is not there yet; gives its name.
async fn store_part(work: &Work<'_>, state: &State, part: Lines) -> Result<String, Error> {
    let part = roster::pack_part(part.into_values().flatten().collect())?;
    if !state.roster.contains(&part.name) {
        write_part(work, &part).await?;
    }
    Ok(part.name)
}

async fn write_part(work: &Work<'_>, part: &Part) -> Result<(), Error> {
    let key = roster::part_key(&work.connection.id, &part.name);
    let item = Item::at(&key).bytes("rows", part.bytes.clone());
    work.app.store.transact(vec![work.lease.fence(), Write::Put(item)]).await
}

/// Parts of neither this roster nor the one before, which may still be read.
async fn forget_old_parts(work: &mut Work<'_>, old: &[String], new: &[String]) -> Result<(), Error> {
    let query = Query::partition(keys::roster_partition(&work.connection.id)).names_only();
    let app = work.app;
    let (mut pages, mut stale) = (app.store.pages(&query), Vec::new());
    while let Some(items) = pages.next().await? {
        let names = items.iter().map(|item| item.sort_key(None).to_owned());
        stale.extend(names.filter(|name| !old.contains(name) && !new.contains(name)));
    }
    let part = |name: &String| Write::Delete(roster::part_key(&work.connection.id, name)).into();
    let gone = stale.iter().map(part).collect();
    work.write(gone).await
}

/// What the directory now holds.
async fn count(work: &Work<'_>, state: &State, users: u64) -> Result<Counts, Error> {
    let moved = |phase| work.run.progress.get(&phase).is_some_and(|it| it.added + it.changed + it.removed > 0);
    if work.run.patches() && !moved(Phase::Groups) && !moved(Phase::Memberships) {
        return Ok(Counts { users, ..state.counts });
    }
    let query = Query::index(Index::G1, keys::groups_partition(&work.connection.id, Listed::Present));
    let listed = work.app.store.query(&query).await?;
    let (mut groups, mut memberships) = (0, 0);
    let keys: Vec<_> = listed
        .iter()
        .map(|item| crate::store::Key { pk: item.partition_key().to_owned(), sk: item.sort_key(None).to_owned() })
        .collect();
    for some in keys.chunks(100) {
        for item in work.app.store.get_many(some).await? {
            let group: Group = item.parse()?;
            groups += 1;
            memberships += group.members_count.filter(|_| !group.is_everyone()).unwrap_or_default();
        }
    }
    Ok(Counts { users, groups, memberships, ..state.counts })
}
