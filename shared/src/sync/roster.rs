//! The roster at the end of a run: made anew out of the lists of users, or brought up to date.

use super::users;
use super::work::Work;
use crate::connection::Stream;
use crate::id::SyncId;
use crate::store::{Error, Item, Query, Write, keys};
use crate::synced::roster::{self, Census, Part, Row, Sum};
use crate::synced::{Checkpoint, Phase, Progress, Run, State, each_noted, unpack};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Parts that are put together at once, so that a large tenant needs hardly more memory than a small one.
const PARTS_AT_ONCE: usize = 64;
/// The lists are read so often at most: of a very large tenant, more parts are put together at once.
const MOST_PASSES: usize = 16;

fn at_once(parts: usize) -> usize {
    parts.div_ceil(MOST_PASSES).max(PARTS_AT_ONCE)
}

/// A roster that is written and not yet the current one.
pub struct Made {
    /// Its parts, by their names.
    pub parts: Vec<String>,
    /// How many users it holds.
    pub users: u64,
    /// In how many locations they are.
    pub locations: u64,
    /// What its lines add up to, where that is known.
    pub sum: Option<Sum>,
}

/// Makes the roster anew out of the lists: writes the parts that are not there yet.
pub async fn make(work: &mut Work<'_>, state: &State) -> Result<Made, Error> {
    if let Some(kept) = keep(work, state) {
        return Ok(kept);
    }
    let lists = lists_of_lines(work).await?;
    let count = roster::parts_for(count_lines(work, &lists).await?);
    // What a first run has published so far is its own.
    let before: &[String] = if state.succeeded_at.is_some() { &state.roster } else { &[] };
    let (mut names, mut users, mut census) = (Vec::new(), 0, Census::default());
    let at_once = at_once(count);
    for first in (0..count).step_by(at_once) {
        let mut parts = vec![Lines::new(); at_once.min(count - first)];
        gather(work, &lists, first, count, &mut parts).await?;
        for part in parts {
            let lines = part.values().filter(|line| line.is_there);
            let lines: Vec<Row> = lines.filter_map(|line| serde_json::from_str(line.text.get()).ok()).collect();
            users += lines.len() as u64;
            census.now(&lines);
            let name = store_part(work, state, part).await?;
            if before.contains(&name) {
                census.before(&lines);
            }
            names.push(name);
        }
    }
    // Those of parts that are no longer in the roster, one part after another.
    for name in before.iter().filter(|name| !names.contains(name)) {
        census.before(&roster::load_part(&work.app.store, &work.connection.id, name).await?);
    }
    let mut locations = 0;
    if work.syncs(Stream::Locations) {
        *work.run.count(Phase::Locations) = census.progress();
        locations = census.progress().seen;
    }
    // Without other lines, and with nobody listed twice, these are the lines that were listed.
    let sum = work.run.sum.filter(|sum| work.run.lines == 0 && sum.lines == users);
    Ok(Made { parts: names, users, locations, sum })
}

/// The roster as it is, where making it anew would give the same, and its locations were counted.
fn keep(work: &mut Work<'_>, state: &State) -> Option<Made> {
    let users = work.lists_the_roster(state)?;
    let mut locations = 0;
    if work.syncs(Stream::Locations) {
        locations = Some(state.counts.locations).filter(|counted| *counted > 0)?;
        *work.run.count(Phase::Locations) = Progress { seen: locations, ..Progress::default() };
    }
    Some(Made { parts: state.roster.clone(), users, locations, sum: state.sum })
}

/// Brings the roster up to date with the lines that a run learnt of, and those before it that did not get to their end.
/// Locations are counted by full runs alone: that takes
/// all lines.
pub async fn patch(work: &Work<'_>, state: &State) -> Result<Made, Error> {
    let lists = lists_of_lines(work).await?;
    let (mut names, mut users) = (state.roster.clone(), state.counts.users);
    let some = count_lines(work, &lists).await? > 0;
    let at_once = at_once(names.len());
    for first in (0..names.len()).step_by(at_once).filter(|_| some) {
        let mut parts = vec![Lines::new(); at_once.min(names.len() - first)];
        gather(work, &lists, first, names.len(), &mut parts).await?;
        for (place, changed) in (first..).zip(parts).filter(|(_, lines)| !lines.is_empty()) {
            let item = work.app.store.get(&roster::part_key(&work.connection.id, &names[place])).await?;
            let packed = item.as_ref().and_then(|item| item.get_bytes("rows")).ok_or(Error::Corrupt)?;
            let mut part: Lines = unpack::<Vec<Box<RawValue>>>(packed)?.into_iter().filter_map(read).collect();
            let before = part.len() as u64;
            for (id, line) in changed {
                put(&mut part, id, line);
            }
            part.retain(|_, line| line.is_there);
            users = (users + part.len() as u64).saturating_sub(before);
            names[place] = store_part(work, state, part).await?;
        }
    }
    let sum = state.sum.filter(|_| names == state.roster);
    Ok(Made { parts: names, users, locations: state.counts.locations, sum })
}

/// What runs learnt of users' lines.
type Lines = HashMap<Box<str>, Learnt>;

/// What a run learnt of one user's line.
#[derive(Clone)]
struct Learnt {
    /// False where there is no line any more.
    is_there: bool,
    text: Box<RawValue>,
}

impl Learnt {
    /// When the user was stored or removed.
    fn at(&self) -> Option<Timestamp> {
        #[derive(Deserialize)]
        struct Told {
            u: Timestamp,
        }
        serde_json::from_str::<Told>(self.text.get()).ok().map(|told| told.u)
    }
}

/// Keeps the newer one of two lines of a user; of two that are as old, the one that was learnt last.
fn put(lines: &mut Lines, id: Box<str>, line: Learnt) {
    if lines.get(&id).is_none_or(|known| known.at() <= line.at()) {
        lines.insert(id, line);
    }
}

/// A list of lines: the run that noted it, and its name.
type List = (SyncId, String);

/// The lists of lines of this run and, where it brings the roster up to date, of those before it that did not get to their
/// end.
async fn lists_of_lines(work: &Work<'_>) -> Result<Vec<List>, Error> {
    let mut lists = Vec::new();
    for begun in work.earlier().filter(|_| work.run.patches()) {
        if let Some(run) = Run::load(&work.app.store, &work.connection.id, &begun.id).await? {
            lists.extend(lists_of(&run));
        }
    }
    lists.extend(lists_of(&work.run));
    Ok(lists)
}

/// The lists of lines of a run. One that it has not read to its end counts where the run ends early.
fn lists_of(run: &Run) -> Vec<List> {
    let lists = run.read.get(&Phase::Users).cloned().unwrap_or_default();
    let unfinished = match &run.checkpoint {
        Checkpoint::Users { listing } => Some(users::noted_as(users::PRESENT, listing)),
        Checkpoint::Deprovisioned { listing } => Some(users::noted_as(users::DEPROVISIONED_ONLY, listing)),
        _ => None,
    };
    let others = (run.lines > 0).then(|| run.lines_list().to_owned());
    lists.into_iter().chain(unfinished).chain(others).map(|list| (run.id.clone(), list)).collect()
}

/// How many lines the lists hold.
async fn count_lines(work: &Work<'_>, lists: &[List]) -> Result<usize, Error> {
    let mut lines = 0;
    for (run, list) in lists {
        each_noted(&work.app.store, run, list, |page: Vec<IgnoredAny>| lines += page.len()).await?;
    }
    Ok(lines)
}

/// Gathers the lines of some parts, of `count`.
async fn gather(work: &Work<'_>, lists: &[List], first: usize, count: usize, parts: &mut [Lines]) -> Result<(), Error> {
    for (run, list) in lists {
        let visit = |page: Vec<Box<RawValue>>| {
            for (id, line) in page.into_iter().filter_map(read) {
                if let Some(part) = roster::part_of(&id, count).checked_sub(first).and_then(|at| parts.get_mut(at)) {
                    put(part, id, line);
                }
            }
        };
        each_noted(&work.app.store, run, list, visit).await?;
    }
    Ok(())
}

/// Whose line it is, and the line. One without a status is that of somebody who is gone.
fn read(line: Box<RawValue>) -> Option<(Box<str>, Learnt)> {
    #[derive(Deserialize)]
    struct Told {
        id: Box<str>,
        s: Option<IgnoredAny>,
    }
    let Told { id, s } = serde_json::from_str(line.get()).ok()?;
    Some((id, Learnt { is_there: s.is_some(), text: line }))
}

/// Writes a part if it is not there yet; gives its name.
async fn store_part(work: &Work<'_>, state: &State, part: Lines) -> Result<String, Error> {
    let lines = part.into_values().filter(|line| line.is_there).map(|line| line.text);
    let part = roster::pack_part(lines.collect())?;
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
pub async fn forget(work: &mut Work<'_>, old: &[String], new: &[String]) -> Result<(), Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_read_a_few_times_however_large_the_tenant_is() {
        for (users, passes) in [(1, 1), (10_000, 1), (100_000, 8), (1_000_000, 16), (5_000_000, 16)] {
            let parts = roster::parts_for(users);
            assert_eq!(parts.div_ceil(at_once(parts)), passes, "{users} users in {parts} parts");
        }
    }
}
