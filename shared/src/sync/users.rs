//! Users: two lists, since the plain one leaves out the deprovisioned; then whoever is stored and was on neither is asked
//! for, one by one, before anything is removed.

use super::change::Change;
use super::guard;
use super::listing::{self, Read};
use super::work::{Stop, Work};
use crate::connection::Stream;
use crate::event::{About, Verb, difference};
use crate::okta::{self, BadRecord, GroupId, UserId, api};
use crate::store::keys::{self, Listed};
use crate::store::{Error, Index, Item, Query};
use crate::synced::roster::Row;
use crate::synced::{Checkpoint, Listing, Phase, User};
use serde_json::Map;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Missing objects that are asked for in one step.
pub(super) const VERIFY_AT_ONCE: usize = 50;
/// Missing objects that are asked for in one run; the others stay until the next.
pub(super) const VERIFY_AT_MOST: u32 = 500;
/// Records that a run tells as unreadable.
const MOST_BAD: usize = 100;
/// The largest record that is stored; `DynamoDB` takes items of 400 KB.
const LARGEST_RECORD: usize = 350_000;
/// The list of users that are kept without being seen, and of those that are stored and were not seen.
pub(super) const KEPT: &str = "kept";
const MISSING: &str = "missing";

/// One page of the plain list.
pub async fn read_present(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    work.run.phase = Some(Phase::Users);
    let then = |next| match next {
        Some(listing) => Checkpoint::Users { listing },
        None => Checkpoint::Deprovisioned { listing: Listing::default() },
    };
    read(work, api::list_users(), "users", listing, then).await
}

/// One page of the deprovisioned users.
pub async fn read_deprovisioned(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    let then = |next| match next {
        Some(listing) => Checkpoint::Deprovisioned { listing },
        None => Checkpoint::FindMissingUsers,
    };
    read(work, api::list_deprovisioned_users(), "deprovisioned", listing, then).await
}

async fn read(
    work: &mut Work<'_>,
    request: okta::Request,
    name: &str,
    listing: Listing,
    then: impl Fn(Option<Listing>) -> Checkpoint,
) -> Result<(), Stop> {
    let name = format!("{name}.{}", listing.pass);
    let (page, next) = match listing::read::<okta::User>(work, request, &listing).await? {
        Read::Page(page, next) => (page, next),
        Read::Restart(again) => {
            work.run.checkpoint = then(Some(again));
            return Ok(work.commit(Vec::new()).await?);
        }
    };
    work.run.count(Phase::Users).seen += (page.items.len() + page.bad.len()) as u64;
    let (mut changes, rows) = store(work, page.items, page.bad).await?;
    changes.push(work.note(&name, listing.pages, &rows)?);
    if next.is_none() {
        work.run.read.push(name);
    }
    work.run.checkpoint = then(next);
    Ok(work.commit(changes).await?)
}

/// Compares users with what is stored: the changes, and everybody's line of the roster.
pub(super) async fn store(
    work: &mut Work<'_>,
    users: Vec<okta::User>,
    bad: Vec<BadRecord>,
) -> Result<(Vec<Change>, Vec<Row>), Error> {
    let connection = work.connection;
    let attributes = &connection.settings.attributes;
    // The same user twice on one page: a transaction takes an item once, and the later one counts.
    let users: BTreeMap<_, _> = users.into_iter().map(|user| (user.id.clone(), user)).collect();
    let unreadable: Vec<_> = bad.iter().filter_map(|bad| UserId::parse(bad.id.as_deref()?).ok()).collect();
    let unreadable: Vec<_> = unreadable.into_iter().filter(|id| !users.contains_key(id)).collect();
    let mut wanted: Vec<_> = users.keys().chain(&unreadable).map(|id| User::key(&connection.id, id)).collect();
    wanted.dedup();
    let found = work.app.store.get_many(&wanted).await?;
    let stored: HashMap<_, _> = found.into_iter().map(|item| (item.partition_key().to_owned(), item)).collect();
    let (mut changes, mut rows) = (Vec::new(), Vec::new());
    for bad in bad {
        tell_bad(work, bad);
    }
    for id in unreadable {
        if let Some(item) = stored.get(&User::key(&connection.id, &id).pk) {
            rows.push(Row::new(&item.parse::<User>()?, attributes));
        }
    }
    for told in users.into_values() {
        let user = User::new(told, work.app.now());
        let before = stored.get(&User::key(&connection.id, &user.id).pk);
        let old = before.map(Item::parse::<User>).transpose()?;
        let same = before.and_then(|item| item.get("hash")) == Some(user.hash().as_str());
        let stale = old.as_ref().is_some_and(|old| old.last_updated > user.last_updated);
        if let Some(old) = old.as_ref().filter(|old| old.removed_at.is_none() && (same || stale)) {
            rows.push(Row::new(old, attributes));
            continue;
        }
        let item = user.item(&connection.id)?;
        if item.size() > LARGEST_RECORD {
            let detail = "the record is larger than the directory can hold".to_owned();
            tell_bad(work, BadRecord { id: Some(user.id.to_string()), detail });
            rows.extend(old.map(|old| Row::new(&old, attributes)));
            continue;
        }
        rows.push(Row::new(&user, attributes));
        let (verb, changed) = match old.filter(|old| old.removed_at.is_none()) {
            Some(old) => (Verb::Changed, difference(&old.told(), &user.told())),
            None => (Verb::Added, Map::new()),
        };
        changes.push(Change::object(item, About::User(user.id), verb, changed));
    }
    Ok((changes, rows))
}

fn tell_bad(work: &mut Work<'_>, mut bad: BadRecord) {
    bad.detail.truncate(bad.detail.floor_char_boundary(200));
    tracing::warn!(connection = %work.connection.id, user = bad.id.as_deref(), "a user's record cannot be stored");
    if work.run.bad.len() < MOST_BAD && !work.run.bad.contains(&bad) {
        work.run.bad.push(bad);
    }
}

/// Notes who is stored and was on neither list, and asks the guard.
pub async fn find_missing(work: &mut Work<'_>) -> Result<(), Stop> {
    let (mut missing, mut stored, mut present) = (Vec::new(), 0_u64, 0_u64);
    let lists: Vec<_> = work.run.read.clone();
    for shard in 0..keys::SHARDS {
        let partition = keys::users_partition(&work.connection.id, Listed::Present, shard);
        // One shard at a time, so that a large tenant needs no more memory than a small one.
        let mut seen = HashSet::new();
        for list in &lists {
            let visit = |rows: Vec<Row>| {
                let ours = rows
                    .into_iter()
                    .map(|row| row.id)
                    .filter(|id| keys::user_index(&work.connection.id, id, Listed::Present).pk == partition);
                seen.extend(ours.map(String::from));
            };
            work.each_noted(list, visit).await?;
        }
        present += seen.len() as u64;
        let query = Query::index(Index::G1, partition.as_str());
        let mut pages = work.app.store.pages(&query);
        while let Some(items) = pages.next().await? {
            stored += items.len() as u64;
            let ids = items.iter().map(|item| item.sort_key(Some(Index::G1)));
            missing.extend(ids.filter(|id| !seen.contains(*id)).map(str::to_owned));
        }
    }
    if guard::trips(stored, present, missing.len() as u64) {
        work.run.pending_removals.insert(Phase::Users, missing.len() as u64);
    }
    let mut notes = Vec::new();
    for (page, some) in (0_u32..).zip(missing.chunks(VERIFY_AT_ONCE)) {
        notes.push(work.note(MISSING, page, some)?);
    }
    work.run.read.push(KEPT.to_owned());
    work.run.checkpoint = Checkpoint::VerifyMissingUsers { page: 0, place: 0 };
    Ok(work.commit(notes).await?)
}

/// Asks for the missing users of one page: found ones are stored, gone ones removed, all others kept. What was asked for
/// before Okta stood in the way is committed, so that a small limit slows it down and never stops it.
pub async fn verify_missing(work: &mut Work<'_>, page: u32, place: usize) -> Result<(), Stop> {
    let Some(ids) = work.noted::<UserId>(MISSING, page).await? else {
        let streams = work.connection.settings.sync.as_ref().map(|sync| &sync.streams);
        let groups = streams.is_none_or(|streams| streams.contains(&Stream::Groups));
        work.run.checkpoint =
            if groups { Checkpoint::Groups { listing: Listing::default() } } else { Checkpoint::Finish };
        return Ok(work.commit(Vec::new()).await?);
    };
    let before = page * u32::try_from(VERIFY_AT_ONCE).unwrap_or(u32::MAX);
    let ask = !work.run.pending_removals.contains_key(&Phase::Users) && before < VERIFY_AT_MOST;
    let (mut found, mut gone, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let mut asked = place;
    for id in ids.iter().skip(place) {
        if ask {
            match work.client.fetch::<okta::User>(&api::get_user(id)).await {
                Ok(user) => found.push(user),
                Err(okta::Error::Api(refusal)) if refusal.status.as_u16() == 404 => gone.push(id.clone()),
                Err(okta::Error::Api(refusal)) if refusal.status.as_u16() == 403 => {
                    let detail = "role_missing: Okta no longer lets us see this user".to_owned();
                    tell_bad(work, BadRecord { id: Some(id.to_string()), detail });
                    kept.push(id.clone());
                }
                Err(_) if asked > place => break,
                Err(error) => return Err(error.into()),
            }
        } else {
            kept.push(id.clone());
        }
        asked += 1;
    }
    let (mut changes, mut rows) = store(work, found, Vec::new()).await?;
    let wanted: Vec<_> = kept.iter().map(|id| User::key(&work.connection.id, id)).collect();
    for item in work.app.store.get_many(&wanted).await? {
        rows.push(Row::new(&item.parse()?, &work.connection.settings.attributes));
    }
    for id in gone {
        changes.extend(remove(work, &id).await?);
    }
    changes.push(work.note(KEPT, before + u32::try_from(place).unwrap_or_default(), &rows)?);
    let (page, place) = if asked < ids.len() { (page, asked) } else { (page + 1, 0) };
    work.run.checkpoint = Checkpoint::VerifyMissingUsers { page, place };
    Ok(work.commit(changes).await?)
}

/// The changes that remove a user and its memberships.
pub(super) async fn remove(work: &Work<'_>, id: &UserId) -> Result<Vec<Change>, Error> {
    let key = User::key(&work.connection.id, id);
    let Some(item) = work.app.store.get(&key).await? else { return Ok(Vec::new()) };
    let mut user: User = item.parse()?;
    if user.removed_at.is_some() {
        return Ok(Vec::new());
    }
    user.removed_at = Some(work.app.now());
    let edges = work.app.store.query(&Query::partition(key.pk.as_str()).prefix(keys::MEMBERSHIPS)).await?;
    let groups =
        edges.iter().filter_map(|edge| GroupId::parse(edge.sort_key(None).strip_prefix(keys::MEMBERSHIPS)?).ok());
    let gone = |group| {
        Change::edge_removed(keys::membership(&work.connection.id, &group, id), About::Membership(group, id.clone()))
    };
    let mut changes: Vec<_> = groups.map(gone).collect();
    changes.push(Change::object(user.item(&work.connection.id)?, About::User(id.clone()), Verb::Removed, Map::new()));
    Ok(changes)
}
