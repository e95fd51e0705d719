//! The end of a run: the roster, the counts, and the one write after which it is over.

use super::work::{Stop, Work};
use crate::app::App;
use crate::connection::{Connection, Stream};
use crate::store::keys::{self, Listed};
use crate::store::{Error, Index, Item, Lease, Query, Write};
use crate::synced::roster::{self, Census, Part, Row};
use crate::synced::{Counts, Group, Phase, Run, RunStatus, State};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Parts of the roster that are put together at once, so that a large tenant needs no more memory than a small one.
const PARTS_AT_ONCE: usize = 16;

#[derive(Deserialize)]
struct Identified {
    id: Box<str>,
}

/// Writes the roster and ends the run.
pub async fn finish(work: &mut Work<'_>) -> Result<(), Stop> {
    let state = State::load(&work.app.store, &work.connection.id).await?;
    let mut census = Census::default();
    let (parts, users) = write_roster(work, &state, &mut census).await?;
    let mut counts = count(work, &state, users).await?;
    if work.connection.settings.reads(Stream::Locations) {
        *work.run.count(Phase::Locations) = census.progress();
        counts.locations = census.progress().seen;
    }
    forget_old_parts(work, &state.roster, &parts).await?;
    let status = if work.run.pending_removals.is_empty() { RunStatus::Succeeded } else { RunStatus::NeedsConfirmation };
    work.count();
    let bad = work.run.bad.clone();
    let learn = |state: &mut State| {
        state.roster.clone_from(&parts);
        state.bad.clone_from(&bad);
        state.counts = counts;
        state.succeeded = true;
    };
    Ok(end_with(work.app, work.connection, &work.lease, &mut work.run, status, learn).await?)
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
        let writes = vec![lease.fence(), state.write(&connection.id)?, run.write(&connection.id)?];
        match app.store.transact(writes).await {
            // Somebody else wrote the state meanwhile.
            Err(Error::Conflict(1)) => {}
            other => return other,
        }
    }
    Err(Error::Unavailable("the sync's state changes too often".to_owned()))
}

/// Writes the parts that are not there yet; gives the names of all, and how many users they hold.
async fn write_roster(work: &Work<'_>, state: &State, census: &mut Census) -> Result<(Vec<String>, u64), Error> {
    let lists: Vec<_> = work.run.read.iter().filter(|name| !name.starts_with("groups.")).collect();
    let mut rows = 0;
    for list in &lists {
        work.each_noted(list, |page: Vec<Identified>| rows += page.len()).await?;
    }
    let count = roster::parts_for(rows);
    let (mut names, mut users) = (Vec::new(), 0);
    for first in (0..count).step_by(PARTS_AT_ONCE) {
        let some = first..(first + PARTS_AT_ONCE).min(count);
        // A user may be on both lists, having moved between them; what was noted last counts.
        let mut parts: Vec<HashMap<Box<str>, Box<RawValue>>> = some.clone().map(|_| HashMap::new()).collect();
        for list in &lists {
            let visit = |page: Vec<Box<RawValue>>| {
                for row in page {
                    let Ok(Identified { id }) = serde_json::from_str(row.get()) else { continue };
                    let part = roster::part_of(&id, count);
                    if some.contains(&part) {
                        parts[part - first].insert(id, row);
                    }
                }
            };
            work.each_noted(list, visit).await?;
        }
        for part in parts {
            users += part.len() as u64;
            let rows: Vec<_> = part.into_values().collect();
            let lines: Vec<Row> = rows.iter().filter_map(|row| serde_json::from_str(row.get()).ok()).collect();
            census.now(&lines);
            let part = roster::pack_part(rows)?;
            if state.roster.contains(&part.name) {
                census.before(&lines);
            } else {
                write_part(work, &part).await?;
            }
            names.push(part.name);
        }
    }
    count_gone(work, state, &names, census).await?;
    Ok((names, users))
}

/// Counts those of parts that are no longer in the roster, one part after another.
async fn count_gone(work: &Work<'_>, state: &State, names: &[String], census: &mut Census) -> Result<(), Error> {
    for name in state.roster.iter().filter(|name| !names.contains(name)) {
        let rows = roster::load_part(&work.app.store, &work.connection.id, name).await?;
        census.before(&rows);
    }
    Ok(())
}

async fn write_part(work: &Work<'_>, part: &Part) -> Result<(), Error> {
    let key = roster::part_key(&work.connection.id, &part.name);
    let item = Item::at(&key).bytes("rows", part.bytes.clone());
    work.app.store.transact(vec![work.lease.fence(), Write::Put(item)]).await
}

/// Parts of neither this roster nor the one before, which may still be read.
async fn forget_old_parts(work: &Work<'_>, old: &[String], new: &[String]) -> Result<(), Error> {
    let query = Query::partition(keys::roster_partition(&work.connection.id)).names_only();
    let (mut pages, mut stale) = (work.app.store.pages(&query), Vec::new());
    while let Some(items) = pages.next().await? {
        let names = items.iter().map(|item| item.sort_key(None).to_owned());
        stale.extend(names.filter(|name| !old.contains(name) && !new.contains(name)));
    }
    work.erase(stale.iter().map(|name| roster::part_key(&work.connection.id, name)).collect()).await
}

/// What the directory now holds.
async fn count(work: &Work<'_>, state: &State, users: u64) -> Result<Counts, Error> {
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
    Ok(Counts { users, groups, memberships, locations: 0, ..state.counts })
}
