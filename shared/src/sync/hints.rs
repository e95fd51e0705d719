//! What may have changed although no list shows it: hinted at by the System Log or by a change that was just found. Each
//! object is read from Okta; a hint never decides what is stored.

use super::change::Change;
use super::holder::{self, Holder, Kind, Seen};
use super::log::{self, HINTS, Hint};
use super::missing;
use super::work::{HINTED, Stop, Work};
use crate::event::About;
use crate::okta::{self, GroupId, UserId, api};
use crate::store::{Error, Index, Item, Query, Write, keys};
use crate::synced::{Checkpoint, Crawl, Group, Listing, Objects, Phase};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Tasks on one noted page.
const AT_ONCE: usize = 20;
/// Members on one page of Okta's list.
const PAGE: u64 = 200;
const TASKS: &str = "tasks";

/// Something to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Task {
    User(UserId),
    Group(GroupId),
    Belongings(UserId),
}

/// Reads one page of the log.
pub async fn read_log(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    let place = work.state.log.clone();
    let since = place.as_ref().map(|place| place.since).or(work.state.watermark);
    let mut from = listing;
    if from.pages == 0 {
        from.next = place.and_then(|place| place.next);
    }
    match log::read(work, HINTS, since, &from).await {
        Ok(page) => {
            work.hints.extend(page.events.iter().filter_map(log::hint));
            work.run.log_next = page.next;
            work.run.checkpoint = page.listing.map_or(Checkpoint::Hints, |listing| Checkpoint::Log { listing });
        }
        // What only the log tells waits for the next full run.
        Err(okta::Error::Api(refusal)) if log::is_closed(&refusal) => work.run.checkpoint = Checkpoint::Hints,
        Err(error) => return Err(error.into()),
    }
    let hints = work.note_hints()?;
    Ok(work.commit(hints.into_iter().collect()).await?)
}

/// Makes tasks of hints, those that cost the fewest requests.
pub async fn sort(work: &mut Work<'_>) -> Result<(), Stop> {
    let mut hints = BTreeSet::new();
    if work.run.hinted > 0 {
        work.each_noted(HINTED, |page: Vec<Hint>| hints.extend(page)).await?;
    }
    let (mut tasks, mut moved) = (BTreeSet::new(), BTreeMap::<_, BTreeSet<_>>::new());
    for hint in hints {
        match hint {
            Hint::User(id) => drop(tasks.insert(Task::User(id))),
            Hint::Group(id) => drop(tasks.insert(Task::Group(id))),
            Hint::Belongings(id) => drop(tasks.insert(Task::Belongings(id))),
            Hint::Membership(group, user) => drop(moved.entry(group).or_default().insert(user)),
            Hint::App(_) | Hint::Assignment(..) | Hint::AppGroups(_) => {}
        }
    }
    let mut changes = Vec::new();
    let crawled = crawled(work).await?;
    let mut more = Vec::new();
    for (group, users) in moved.into_iter().filter(|(group, _)| !crawled.contains(group)) {
        let item = work.app.store.get(&keys::group(&work.connection.id, &group)).await?;
        // A group that was made after the list was read is on the next one.
        let Some(stored) = item.map(|item| item.parse::<Group>()).transpose()? else { continue };
        let pages = stored.members_count.unwrap_or_default() / PAGE + 1;
        if stored.removed_at.is_some() || stored.is_everyone() {
        } else if users.len() as u64 <= pages {
            tasks.extend(users.into_iter().map(Task::Belongings));
        } else {
            more.push(Seen { holder: Holder::Group(group), stamp: stored.last_membership_updated, crawl: true });
        }
    }
    if !more.is_empty() {
        changes.extend(holder::note_more(work, Kind::Groups, &more).await?);
    }
    let tasks: Vec<_> = tasks.into_iter().collect();
    for (page, some) in (0_u32..).zip(tasks.chunks(AT_ONCE)) {
        changes.push(work.note(TASKS, page, some)?);
    }
    work.run.checkpoint = if tasks.is_empty() { after_tasks() } else { Checkpoint::Tasks { page: 0, place: 0 } };
    Ok(work.commit(changes).await?)
}

fn after_tasks() -> Checkpoint {
    Checkpoint::Memberships { crawl: Crawl::default() }
}

/// The groups whose members this run reads in any case.
async fn crawled(work: &Work<'_>) -> Result<HashSet<GroupId>, Error> {
    let mut crawled = HashSet::new();
    if let Some(list) = holder::list(work, Kind::Groups) {
        let group = |seen: Seen| match seen.holder {
            Holder::Group(id) if seen.crawl => Some(id),
            _ => None,
        };
        let visit = |page: Vec<Seen>| crawled.extend(page.into_iter().filter_map(group));
        work.each_noted(list, visit).await?;
    }
    Ok(crawled)
}

/// Works off one page of tasks. What was done before Okta stood in the way is committed.
pub async fn work_off(work: &mut Work<'_>, page: u32, place: usize) -> Result<(), Stop> {
    let Some(tasks) = work.noted::<Task>(TASKS, page).await? else {
        work.run.checkpoint = after_tasks();
        return Ok(work.commit(Vec::new()).await?);
    };
    let (mut changes, mut moved, mut done) = (Vec::new(), BTreeMap::new(), place);
    for task in tasks.iter().skip(place) {
        let more = match task {
            Task::User(id) => missing::look_up(work, Objects::Users, id.as_str()).await,
            Task::Group(id) => missing::look_up(work, Objects::Groups, id.as_str()).await,
            Task::Belongings(id) => read_groups(work, id, &mut moved).await,
        };
        match more {
            Ok(more) => changes.extend(more),
            Err(Stop::Okta(_)) if done > place => break,
            Err(stop) => return Err(stop),
        }
        done += 1;
    }
    changes.extend(recount(work, moved).await?);
    let (page, place) = if done < tasks.len() { (page, done) } else { (page + 1, 0) };
    work.run.checkpoint = Checkpoint::Tasks { page, place };
    Ok(work.commit(changes).await?)
}

/// Reads the groups of a user and compares them with those stored.
async fn read_groups(
    work: &mut Work<'_>,
    user: &UserId,
    moved: &mut BTreeMap<GroupId, i64>,
) -> Result<Vec<Change>, Stop> {
    work.run.phase = Some(Phase::Memberships);
    let mut groups = HashSet::new();
    let listing = api::list_user_groups(user);
    let mut request = listing.clone();
    loop {
        let page = match work.client.page::<okta::Group>(&request).await {
            // Gone, or not for our role: that is for others to find out.
            Err(okta::Error::Api(refusal)) if matches!(refusal.status.as_u16(), 403 | 404) => return Ok(Vec::new()),
            other => other?,
        };
        groups.extend(page.items.into_iter().filter(|group| !group.is_everyone()).map(|group| group.id));
        match page.next {
            Some(next) => request = api::next(&listing, next),
            None => break,
        }
    }
    let connection = &work.connection.id;
    let query = Query::partition(keys::user_partition(connection, user)).prefix(keys::MEMBERSHIPS);
    let edges = work.app.store.query(&query).await?;
    let id = |edge: &Item| GroupId::parse(edge.sort_key(None).strip_prefix(keys::MEMBERSHIPS)?).ok();
    let stored: HashSet<_> = edges.iter().filter_map(id).collect();
    let mut changes = Vec::new();
    for group in groups.difference(&stored) {
        *moved.entry(group.clone()).or_default() += 1;
        let edge = Item::at(&keys::membership(connection, group, user));
        let edge = edge.indexed(Index::G2, keys::membership_index(connection, group, user));
        changes.push(Change::edge_added(edge, About::Membership(group.clone(), user.clone())));
    }
    for group in stored.difference(&groups) {
        *moved.entry(group.clone()).or_default() -= 1;
        let about = About::Membership(group.clone(), user.clone());
        changes.push(Change::edge_removed(keys::membership(connection, group, user), about));
    }
    Ok(changes)
}

/// The writes that bring the counts of groups up to date; the stamps stay, so that a full run reads their members anew.
async fn recount(work: &Work<'_>, moved: BTreeMap<GroupId, i64>) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    for (group, by) in moved.into_iter().filter(|(_, by)| *by != 0) {
        let Some(item) = work.app.store.get(&keys::group(&work.connection.id, &group)).await? else { continue };
        let mut stored: Group = item.parse()?;
        let Some(members) = stored.members_count.filter(|_| stored.removed_at.is_none()) else { continue };
        stored.members_count = Some(members.saturating_add_signed(by));
        stored.synced_at = work.app.now();
        changes.push(Write::Put(stored.item(&work.connection.id, item.get("settled"))?).into());
    }
    Ok(changes)
}
