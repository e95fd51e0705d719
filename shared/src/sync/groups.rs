//! Groups: one list, of all or of those that changed; which of them have members that must be read.

use super::access;
use super::change::Change;
use super::edges::Known;
use super::holder::{Holder, Seen};
use super::listing::{self, Read};
use super::work::{Stop, Work};
use crate::event::{About, Verb, difference};
use crate::okta::{self, GroupId, api};
use crate::store::{Error, Item, Write, keys};
use crate::synced::{Checkpoint, Group, Listing, Mode, Objects, Phase};
use serde_json::Map;
use std::collections::{BTreeMap, HashMap, HashSet};

/// An incremental run does not read the members of a larger group because of its stamp: the log names those who moved.
const LARGE: u64 = 1_000;

/// One page of the list.
pub async fn read_page(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    work.run.phase = Some(Phase::Groups);
    let name = format!("groups.{}", listing.pass);
    let request = match work.run.mode {
        Mode::Full | Mode::Verify => api::list_groups(),
        Mode::Incremental => api::list_changed_groups(work.state.watermark.unwrap_or_default()),
    };
    let (page, next) = match listing::read::<okta::Group>(work, request, &listing).await {
        Ok(Read::Page(page, next)) => (page, next),
        Ok(Read::Restart(listing)) => {
            work.run.checkpoint = Checkpoint::Groups { listing };
            return Ok(work.commit(Vec::new()).await?);
        }
        Err(error) => {
            listing::end_stream(work, &[Phase::Groups, Phase::Memberships], error).await?;
            work.run.checkpoint = work.after_groups();
            return Ok(work.commit(Vec::new()).await?);
        }
    };
    work.run.count(Phase::Groups).seen += (page.items.len() + page.bad.len()) as u64;
    let (mut changes, mut seen) = store(work, &page.items).await?;
    changes.extend(access::note_groups(work, &page.items)?);
    // What cannot be read is there all the same.
    let unreadable = page.bad.iter().filter_map(|bad| GroupId::parse(bad.id.as_deref()?).ok());
    seen.extend(unreadable.map(|id| Seen { holder: Holder::Group(id), stamp: None, crawl: false }));
    work.tell_all_bad("group", page.bad);
    if !seen.is_empty() || !work.run.patches() {
        changes.push(work.note(&name, listing.pages, &seen)?);
    }
    work.run.checkpoint = match next {
        Some(listing) => Checkpoint::Groups { listing },
        None => {
            work.run.read.entry(Phase::Groups).or_default().push(name);
            match work.run.mode {
                Mode::Full | Mode::Verify => Checkpoint::FindMissing { of: Objects::Groups },
                Mode::Incremental => work.after_groups(),
            }
        }
    };
    Ok(work.commit(changes).await?)
}

/// Compares groups with what is stored: the changes of those that changed, and whose members must be read.
pub(super) async fn store(work: &mut Work<'_>, groups: &[okta::Group]) -> Result<(Vec<Change>, Vec<Seen>), Error> {
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
        let built_in = told.is_built_in();
        let counted = old.as_ref().and_then(|old| old.members_count);
        let moved = stamp.is_none() || settled != stamp || counted.is_none();
        let miscounted = told.users_count().is_some_and(|count| Some(count) != counted);
        let large = told.users_count().or(counted).is_some_and(|count| count > LARGE);
        let wanted = match work.run.mode {
            Mode::Full => moved || miscounted,
            Mode::Verify => true,
            Mode::Incremental => (moved || miscounted) && !(large && counted.is_some()),
        };
        let crawl = !built_in && wanted;
        let mut same = false;
        if let Some(old) = &old {
            group.members_count = old.members_count;
            same = old.removed_at.is_none()
                && group.told() == old.told()
                && (!built_in || group.last_membership_updated == old.last_membership_updated);
            // What was read of its members is told with the stamp it was read under.
            if !built_in {
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
        seen.push(Seen { holder: Holder::Group(group.id), stamp: stamp.map(str::to_owned), crawl });
    }
    Ok((changes, seen))
}

/// The change that removes a group; none where it is not there.
pub(super) async fn removed(work: &Work<'_>, id: &GroupId) -> Result<Option<Change>, Error> {
    let Some(item) = work.app.store.get(&keys::group(&work.connection.id, id)).await? else { return Ok(None) };
    let mut group: Group = item.parse()?;
    if group.removed_at.is_some() {
        return Ok(None);
    }
    group.removed_at = Some(work.app.now());
    let item = group.item(&work.connection.id, None)?;
    Ok(Some(Change::object(item, About::Group(id.clone()), Verb::Removed, Map::new())))
}

/// A group as it is stored.
pub(super) async fn stored(work: &Work<'_>, id: &GroupId) -> Result<Option<Group>, Error> {
    let item = work.app.store.get(&keys::group(&work.connection.id, id)).await?;
    item.map(|item| item.parse()).transpose()
}

/// The write that stores what is now known of a group; none where that is nothing new.
pub(super) async fn know(work: &Work<'_>, id: &GroupId, known: &Known) -> Result<Option<Change>, Error> {
    let Some(item) = work.app.store.get(&keys::group(&work.connection.id, id)).await? else { return Ok(None) };
    let mut group: Group = item.parse()?;
    let settled = known.stamp.as_deref().filter(|_| known.settled);
    let new = (Some(known.users), &known.stamp, settled);
    if new == (group.members_count, &group.last_membership_updated, item.get("settled")) {
        return Ok(None);
    }
    group.members_count = Some(known.users);
    group.last_membership_updated.clone_from(&known.stamp);
    group.synced_at = work.app.now();
    Ok(Some(Write::Put(group.item(&work.connection.id, settled)?).into()))
}
