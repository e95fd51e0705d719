//! Memberships: the members of each group that moved, compared with those stored. What is missing is added page by page;
//! what is in excess is noted, and removed only after all groups were read and the guard was asked.

use super::change::Change;
use super::groups::{self, Seen};
use super::guard;
use super::listing::{self, Read};
use super::work::{Stop, Work};
use crate::event::About;
use crate::okta::{self, GroupId, Member, UserId, api};
use crate::store::{Error, Index, Item, Query, Write, keys};
use crate::synced::{Checkpoint, Crawl, Group, Listing, Phase, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Excess memberships on one noted page.
const EXCESS_AT_ONCE: usize = 2_000;
/// Okta's stamps have whole seconds and its answers lag: a stamp this old cannot move again unseen.
const SETTLED_SECONDS: i64 = 60;
const EXCESS: &str = "excess";

/// A page of memberships in excess.
#[derive(Serialize, Deserialize)]
struct Excess {
    group: GroupId,
    users: Vec<UserId>,
    /// On a group's last page: what is then known of it.
    known: Option<Known>,
}

/// What is known of a group once all its members were read.
#[derive(Clone, Serialize, Deserialize)]
struct Known {
    members: u64,
    stamp: Option<String>,
    settled: bool,
}

/// One page of the members of the next group that must be read.
pub async fn read(work: &mut Work<'_>, mut crawl: Crawl) -> Result<(), Stop> {
    work.run.phase = Some(Phase::Memberships);
    let Some(group) = next_group(work, &mut crawl).await? else {
        work.run.checkpoint = ask_guard(work, &crawl).await?;
        return Ok(work.commit(Vec::new()).await?);
    };
    let name = format!("members.{}.{}", group.id, crawl.listing.pass);
    let (page, next) = match listing::read::<Member>(work, api::list_group_members(&group.id), &crawl.listing).await {
        Ok(Read::Page(page, next)) => (page, next),
        Ok(Read::Restart(listing)) => {
            crawl.listing = listing;
            work.run.checkpoint = Checkpoint::Memberships { crawl };
            return Ok(work.commit(Vec::new()).await?);
        }
        // Gone since the list was read, or not for our role: what is stored of it stays as it is.
        Err(okta::Error::Api(refusal)) if matches!(refusal.status.as_u16(), 403 | 404) => {
            move_on(&mut crawl);
            work.run.checkpoint = Checkpoint::Memberships { crawl };
            return Ok(work.commit(Vec::new()).await?);
        }
        Err(error) => return Err(error.into()),
    };
    let members: Vec<_> = page.items.into_iter().map(|member| member.id).collect();
    let mut changes = add(work, &group.id, &members).await?;
    changes.push(work.note(&name, crawl.listing.pages, &members)?);
    match next {
        Some(listing) => crawl.listing = listing,
        None => {
            changes.extend(complete(work, &mut crawl, &group, &name, members, page.served).await?);
            move_on(&mut crawl);
        }
    }
    work.run.checkpoint = Checkpoint::Memberships { crawl };
    Ok(work.commit(changes).await?)
}

fn move_on(crawl: &mut Crawl) {
    crawl.listing = Listing::default();
    crawl.place += 1;
}

/// The group at which the crawl stands, after those that need not be read.
async fn next_group(work: &Work<'_>, crawl: &mut Crawl) -> Result<Option<Seen>, Error> {
    let Some(list) = groups::list(work).map(str::to_owned) else { return Ok(None) };
    while let Some(page) = work.noted::<Seen>(&list, crawl.page).await? {
        if let Some((place, group)) = page.into_iter().enumerate().skip(crawl.place).find(|(_, group)| group.crawl) {
            crawl.place = place;
            return Ok(Some(group));
        }
        (crawl.page, crawl.place) = (crawl.page + 1, 0);
    }
    Ok(None)
}

/// The writes for members that are not stored yet.
async fn add(work: &mut Work<'_>, group: &GroupId, members: &[UserId]) -> Result<Vec<Change>, Error> {
    work.run.count(Phase::Memberships).seen += members.len() as u64;
    let connection = work.connection.id.clone();
    let stored = stored_members(work, group).await?;
    let new: Vec<_> = members.iter().filter(|user| stored.insert(user.to_string())).collect();
    let edge = |user: &UserId| {
        let edge = Item::at(&keys::membership(&connection, group, user));
        let edge = edge.indexed(Index::G2, keys::membership_index(&connection, group, user));
        Change::edge_added(edge, About::Membership(group.clone(), user.clone()))
    };
    Ok(new.into_iter().map(edge).collect())
}

/// The members of a group as they are stored, read once a slice.
async fn stored_members<'a>(work: &'a mut Work<'_>, group: &GroupId) -> Result<&'a mut HashSet<String>, Error> {
    let known = work.stored_members.as_ref().is_some_and(|(id, _)| id == group);
    if !known {
        let query = Query::index(Index::G2, keys::members_partition(&work.connection.id, group));
        let (mut pages, mut ids) = (work.app.store.pages(&query), HashSet::new());
        while let Some(edges) = pages.next().await? {
            ids.extend(edges.iter().map(|edge| edge.sort_key(Some(Index::G2)).to_owned()));
        }
        work.stored_members = Some((group.clone(), ids));
    }
    match &mut work.stored_members {
        Some((_, ids)) => Ok(ids),
        None => Err(Error::Corrupt),
    }
}

/// All members were read: what is stored beyond them is in excess.
async fn complete(
    work: &mut Work<'_>,
    crawl: &mut Crawl,
    group: &Seen,
    name: &str,
    last: Vec<UserId>,
    served: Timestamp,
) -> Result<Vec<Change>, Error> {
    let mut seen: HashSet<UserId> = last.into_iter().collect();
    work.each_noted(name, |page: Vec<UserId>| seen.extend(page)).await?;
    let stored = stored_members(work, &group.id).await?;
    let excess: Vec<_> =
        stored.iter().filter_map(|id| UserId::parse(id).ok()).filter(|id| !seen.contains(id)).collect();
    crawl.stored += stored.len() as u64;
    let stamp: Option<Timestamp> = group.stamp.as_deref().and_then(|stamp| stamp.parse().ok());
    let settled = stamp.is_some_and(|stamp| served.duration_since(stamp).as_secs() >= SETTLED_SECONDS);
    let known = Known { members: seen.len() as u64, stamp: group.stamp.clone(), settled };
    if excess.is_empty() {
        return Ok(know(work, &group.id, &known).await?.into_iter().collect());
    }
    crawl.excess += excess.len() as u64;
    let mut changes = Vec::new();
    let mut chunks = excess.chunks(EXCESS_AT_ONCE).peekable();
    while let Some(users) = chunks.next() {
        let known = chunks.peek().is_none().then(|| known.clone());
        let page = Excess { group: group.id.clone(), users: users.to_vec(), known };
        changes.push(work.note(EXCESS, work.run.excess, &[page])?);
        work.run.excess += 1;
    }
    Ok(changes)
}

/// The write that stores what is now known of a group; none where that is nothing new.
async fn know(work: &mut Work<'_>, id: &GroupId, known: &Known) -> Result<Option<Change>, Error> {
    let Some(item) = work.app.store.get(&keys::group(&work.connection.id, id)).await? else { return Ok(None) };
    let mut group: Group = item.parse()?;
    let settled = known.stamp.as_deref().filter(|_| known.settled);
    let new = (Some(known.members), &known.stamp, settled);
    if new == (group.members_count, &group.last_membership_updated, item.get("settled")) {
        return Ok(None);
    }
    group.members_count = Some(known.members);
    group.last_membership_updated.clone_from(&known.stamp);
    group.synced_at = work.app.now();
    Ok(Some(Write::Put(group.item(&work.connection.id, settled)?).into()))
}

/// All groups were read: may what is in excess be removed?
async fn ask_guard(work: &mut Work<'_>, crawl: &Crawl) -> Result<Checkpoint, Error> {
    let state = State::load(&work.app.store, &work.connection.id).await?;
    let stored = state.counts.memberships.max(crawl.stored);
    // One group may well become empty; only the stream as a whole says something about our role.
    if guard::trips(stored, 1, crawl.excess) {
        work.run.pending_removals.insert(Phase::Memberships, crawl.excess);
        return Ok(Checkpoint::Finish);
    }
    Ok(Checkpoint::ExcessMemberships { noted: work.run.excess, done: 0 })
}

/// Removes one page of what is in excess.
pub async fn remove_excess(work: &mut Work<'_>, noted: u32, done: u32) -> Result<(), Stop> {
    if done >= noted {
        work.run.checkpoint = Checkpoint::Finish;
        return Ok(work.commit(Vec::new()).await?);
    }
    let mut changes = Vec::new();
    for page in work.noted::<Excess>(EXCESS, done).await?.unwrap_or_default() {
        let (connection, group) = (&work.connection.id, &page.group);
        let gone = |user| {
            let about = About::Membership(group.clone(), UserId::clone(user));
            Change::edge_removed(keys::membership(connection, group, user), about)
        };
        changes.extend(page.users.iter().map(gone));
        if let Some(known) = &page.known {
            changes.extend(know(work, &page.group, known).await?);
        }
    }
    work.run.checkpoint = Checkpoint::ExcessMemberships { noted, done: done + 1 };
    Ok(work.commit(changes).await?)
}
