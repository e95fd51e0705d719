//! Groups: one list; then whatever is stored and was not on it is asked for before it is removed.

use super::change::Change;
use super::guard;
use super::listing::{self, Read};
use super::users::{VERIFY_AT_MOST, VERIFY_AT_ONCE};
use super::work::{Stop, Work};
use crate::event::{About, Verb, difference};
use crate::okta::{self, GroupId, UserId, api};
use crate::store::keys::{self, Listed};
use crate::store::{Error, Index, Item, Query};
use crate::synced::{Checkpoint, Crawl, Group, Listing, Mode, Phase};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The list of groups that are stored and were not seen.
const MISSING: &str = "missing_groups";

/// A group that was seen, and whether its members must be read.
#[derive(Serialize, Deserialize)]
pub(super) struct Seen {
    pub id: GroupId,
    /// When its members last changed, read before they are.
    pub stamp: Option<String>,
    pub crawl: bool,
}

/// One page of the list.
pub async fn read_page(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    work.run.phase = Some(Phase::Groups);
    let name = format!("groups.{}", listing.pass);
    let (page, next) = match listing::read::<okta::Group>(work, api::list_groups(), &listing).await? {
        Read::Page(page, next) => (page, next),
        Read::Restart(listing) => {
            work.run.checkpoint = Checkpoint::Groups { listing };
            return Ok(work.commit(Vec::new()).await?);
        }
    };
    work.run.count(Phase::Groups).seen += page.items.len() as u64;
    let (mut changes, seen) = store(work, &page.items).await?;
    changes.push(work.note(&name, listing.pages, &seen)?);
    work.run.checkpoint = match next {
        Some(listing) => Checkpoint::Groups { listing },
        None => {
            work.run.read.push(name);
            Checkpoint::FindMissingGroups
        }
    };
    Ok(work.commit(changes).await?)
}

/// Compares groups with what is stored: the changes of those that changed, and whose members must be read.
async fn store(work: &mut Work<'_>, groups: &[okta::Group]) -> Result<(Vec<Change>, Vec<Seen>), Error> {
    let connection = &work.connection.id;
    let keys: HashSet<_> = groups.iter().map(|group| keys::group(connection, &group.id)).collect();
    let found = work.app.store.get_many(&keys.into_iter().collect::<Vec<_>>()).await?;
    let stored: HashMap<_, _> = found.into_iter().map(|item| (item.partition_key().to_owned(), item)).collect();
    let (mut changes, mut seen) = (Vec::new(), Vec::new());
    // The same group twice on one page: the later one counts.
    let groups: BTreeMap<_, _> = groups.iter().map(|group| (&group.id, group)).collect();
    for told in groups.into_values() {
        let mut group = Group::new(told, work.app.now());
        let before = stored.get(&keys::group(connection, &group.id).pk);
        let old = before.map(Item::parse::<Group>).transpose()?;
        let settled = before.and_then(|item| item.get("settled"));
        let stamp = told.last_membership_updated.as_deref();
        let everyone = told.is_everyone();
        let counted = old.as_ref().and_then(|old| old.members_count);
        let moved = stamp.is_none() || settled != stamp || counted.is_none();
        let miscounted = told.users_count().is_some_and(|count| Some(count) != counted);
        let crawl = !everyone && (moved || miscounted || work.run.mode == Mode::Verify);
        let mut same = false;
        if let Some(old) = &old {
            group.members_count = old.members_count;
            same = old.removed_at.is_none()
                && group.told() == old.told()
                && (!everyone || group.last_membership_updated == old.last_membership_updated);
            // What was read of its members is told with the stamp it was read under.
            if !everyone {
                group.last_membership_updated.clone_from(&old.last_membership_updated);
            }
        }
        if !same {
            let item = group.item(&work.connection.id, settled)?;
            let (verb, changed) = match old.filter(|old| old.removed_at.is_none()) {
                Some(old) => (Verb::Changed, difference(&old.told(), &group.told())),
                None => (Verb::Added, Map::new()),
            };
            changes.push(Change::object(item, About::Group(group.id.clone()), verb, changed));
        }
        seen.push(Seen { id: group.id, stamp: stamp.map(str::to_owned), crawl });
    }
    Ok((changes, seen))
}

/// Notes which groups are stored and were not on the list, and asks the guard.
pub async fn find_missing(work: &mut Work<'_>) -> Result<(), Stop> {
    let list = list(work);
    let mut seen = HashSet::new();
    work.each_noted(&list, |rows: Vec<Seen>| seen.extend(rows.into_iter().map(|row| String::from(row.id)))).await?;
    let query = Query::index(Index::G1, keys::groups_partition(&work.connection.id, Listed::Present));
    let stored = work.app.store.query(&query).await?;
    let ids =
        stored.iter().filter_map(|item| keys::split_group_index(item.sort_key(Some(Index::G1))).map(|(_, id)| id));
    let missing: Vec<_> = ids.filter(|id| !seen.contains(*id)).collect();
    let mut writes = Vec::new();
    if guard::trips(stored.len() as u64, seen.len() as u64, missing.len() as u64) {
        work.run.pending_removals.insert(Phase::Groups, missing.len() as u64);
    } else {
        let asked = missing.chunks(VERIFY_AT_ONCE).take(VERIFY_AT_MOST as usize / VERIFY_AT_ONCE);
        for (page, some) in (0_u32..).zip(asked) {
            writes.push(work.note(MISSING, page, some)?);
        }
    }
    work.run.checkpoint = Checkpoint::VerifyMissingGroups { page: 0, place: 0 };
    Ok(work.commit(writes).await?)
}

/// Asks for the missing groups of one page and removes those that are gone; all others are kept.
pub async fn verify_missing(work: &mut Work<'_>, page: u32, place: usize) -> Result<(), Stop> {
    let Some(ids) = work.noted::<GroupId>(MISSING, page).await? else {
        work.run.checkpoint = Checkpoint::Memberships { crawl: Crawl::default() };
        return Ok(work.commit(Vec::new()).await?);
    };
    let (mut writes, mut asked) = (Vec::new(), place);
    for id in ids.iter().skip(place) {
        match work.client.send(&api::get_group(id)).await {
            Ok(_) => {}
            Err(okta::Error::Api(refusal)) if refusal.status.as_u16() == 404 => writes.extend(remove(work, id).await?),
            Err(okta::Error::Api(refusal)) if refusal.status.as_u16() == 403 => {}
            Err(_) if asked > place => break,
            Err(error) => return Err(error.into()),
        }
        asked += 1;
    }
    let (page, place) = if asked < ids.len() { (page, asked) } else { (page + 1, 0) };
    work.run.checkpoint = Checkpoint::VerifyMissingGroups { page, place };
    Ok(work.commit(writes).await?)
}

/// The listing of groups that was read to its end.
pub(super) fn list(work: &Work<'_>) -> String {
    work.run.read.iter().rfind(|name| name.starts_with("groups.")).cloned().unwrap_or_default()
}

/// Removes a group's memberships, and gives the change that removes the group.
pub(super) async fn remove(work: &mut Work<'_>, id: &GroupId) -> Result<Option<Change>, Error> {
    let Some(item) = work.app.store.get(&keys::group(&work.connection.id, id)).await? else { return Ok(None) };
    let mut group: Group = item.parse()?;
    if group.removed_at.is_some() {
        return Ok(None);
    }
    let query = Query::index(Index::G2, keys::members_partition(&work.connection.id, id));
    let app = work.app;
    let mut pages = app.store.pages(&query);
    while let Some(edges) = pages.next().await? {
        let users = edges.iter().filter_map(|edge| UserId::parse(edge.sort_key(Some(Index::G2))).ok());
        let connection = &work.connection.id;
        let gone = |user: UserId| {
            Change::edge_removed(keys::membership(connection, id, &user), About::Membership(id.clone(), user))
        };
        work.write(users.map(gone).collect()).await?;
    }
    group.removed_at = Some(work.app.now());
    let item = group.item(&work.connection.id, None)?;
    Ok(Some(Change::object(item, About::Group(id.clone()), Verb::Removed, Map::new())))
}
