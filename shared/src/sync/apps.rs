//! Apps: one list with the inactive ones; then the groups and users of those that changed, or were not read for a day.
//! Nothing in an app tells that its users changed.

use super::change::Change;
use super::edges::{self, Known};
use super::holder::{self, Holder, Kind, Seen};
use super::listing::{self, Read};
use super::work::{Stop, Work};
use crate::event::{About, Verb, difference};
use crate::okta::{self, AppGroup, AppId, GroupId, api};
use crate::store::{Error, Index, Item, Query, Write, keys};
use crate::synced::roster::Line;
use crate::synced::{App, Checkpoint, Crawl, Listing, Mode, Objects, Phase};
use jiff::Timestamp;
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Assignments that were read so long ago are read again.
const DUE_SECONDS: i64 = 86_400;
/// Under which name the apps are noted whose assignments were read and had not changed.
const ASSIGNED: &str = "assigned";
/// Under which name the apps are noted whose assignments a full run reads in any case: those of users whom it removed or who
/// came back, and those by groups in which many moved.
pub(super) const LEFT: &str = "apps_left";
/// The most apps that Okta gives on a page.
const PAGE: u64 = 200;

/// One page of the list.
pub(super) async fn read_page(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    work.run.phase = Some(Phase::Apps);
    let name = format!("apps.{}", listing.pass);
    let (page, next) = match listing::read::<okta::App>(work, api::list_apps(None, true, PAGE), &listing).await {
        Ok(Read::Page(page, next)) => (page, next),
        Ok(Read::Restart(listing)) => {
            work.run.checkpoint = Checkpoint::Apps { listing };
            return Ok(work.commit(Vec::new()).await?);
        }
        Err(error) => {
            listing::end_stream(work, &[Phase::Apps], error).await?;
            work.run.checkpoint = work.after_assignments();
            return Ok(work.commit(Vec::new()).await?);
        }
    };
    work.run.count(Phase::Apps).seen += (page.items.len() + page.bad.len()) as u64;
    let (mut changes, mut seen) = store(work, &page.items).await?;
    // What cannot be read is there all the same.
    let unreadable = page.bad.iter().filter_map(|bad| AppId::parse(bad.id.as_deref()?).ok());
    seen.extend(unreadable.map(|id| Seen { holder: Holder::App(id), stamp: None, crawl: false }));
    work.tell_all_bad("app", page.bad);
    changes.push(work.note(&name, listing.pages, &seen)?);
    work.run.checkpoint = match next {
        Some(listing) => Checkpoint::Apps { listing },
        None => {
            work.run.read.entry(Phase::Apps).or_default().push(name);
            Checkpoint::FindMissing { of: Objects::Apps }
        }
    };
    Ok(work.commit(changes).await?)
}

/// Compares apps with what is stored: the changes of those that changed, and whose assignments must be read.
pub(super) async fn store(work: &Work<'_>, apps: &[okta::App]) -> Result<(Vec<Change>, Vec<Seen>), Error> {
    if apps.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let (connection, now) = (&work.connection.id, work.app.now());
    // The same app twice on one page: the later one counts.
    let apps: BTreeMap<_, _> = apps.iter().map(|app| (&app.id, app)).collect();
    let wanted: Vec<_> = apps.keys().map(|id| keys::app(connection, id)).collect();
    let found = work.app.store.get_many(&wanted).await?;
    let stored: HashMap<_, _> = found.iter().map(|item| (item.partition_key(), item)).collect();
    let left = apps_of_the_departed(work).await?;
    let (mut changes, mut seen) = (Vec::new(), Vec::new());
    for told in apps.into_values() {
        let mut app = App::new(told, now);
        let before = stored.get(keys::app(connection, &app.id).pk.as_str());
        let old = before.map(|item| item.parse::<App>()).transpose()?.filter(|old| old.removed_at.is_none());
        let same = old.as_ref().is_some_and(|old| old.told() == app.told());
        let read_at = old.as_ref().and_then(|old| work.state.assigned_at(old));
        let due = read_at.is_none_or(|at| now.duration_since(at).as_secs() >= DUE_SECONDS);
        let crawl = !same || due || work.run.mode == Mode::Verify || left.contains(&app.id);
        seen.push(Seen { holder: Holder::App(app.id.clone()), stamp: None, crawl });
        if same {
            continue;
        }
        let (verb, changed) = match &old {
            Some(old) => {
                // Its assignments stay due until they were read, even if that is not in this run.
                (app.users_count, app.groups_count) = (old.users_count, old.groups_count);
                (Verb::Changed, difference(&old.told(), &app.told()))
            }
            None => (Verb::Added, Map::new()),
        };
        let groups = before.filter(|_| old.is_some()).map_or(Ok(Vec::new()), |item| App::groups(item))?;
        changes.push(Change::object(app.item(connection, &groups)?, About::App(app.id), verb, changed));
    }
    Ok((changes, seen))
}

/// The apps of those who were deactivated or deleted since the last run: Okta takes them away. An incremental run asks for
/// each of their assignments.
async fn apps_of_the_departed(work: &Work<'_>) -> Result<BTreeSet<AppId>, Error> {
    let mut apps = BTreeSet::new();
    if work.run.patches() || !work.state.complete.contains(&Phase::Assignments) {
        return Ok(apps);
    }
    work.each_left_to_read(LEFT, |ids: Vec<AppId>| apps.extend(ids)).await?;
    // Who is on the list of the deprovisioned, or was looked for because no list showed them.
    let lists = work.run.read.get(&Phase::Users).into_iter().flatten().map(String::as_str);
    let lists = lists.filter(|name| name.starts_with("deprovisioned.")).chain([work.run.lines_list()]);
    let since = work.earlier().map(|begun| begun.at).chain([work.run.started_at]).min();
    let mut departed = Vec::new();
    for list in lists {
        let visit = |lines: Vec<Line>| {
            departed.extend(lines.into_iter().filter_map(|line| match line {
                Line::Is(row) if !row.is_person() && Some(row.updated) >= since => Some(row.id),
                _ => None,
            }));
        };
        work.each_noted(list, visit).await?;
    }
    for user in departed {
        let query = Query::partition(keys::user_partition(&work.connection.id, &user)).prefix(keys::ASSIGNMENTS);
        let edges = work.app.store.query(&query.names_only()).await?;
        let ids = edges.iter().filter_map(|edge| edge.sort_key(None).strip_prefix(keys::ASSIGNMENTS));
        apps.extend(ids.filter_map(|id| AppId::parse(id).ok()));
    }
    Ok(apps)
}

/// The writes that have the next run read the assignments of apps that some groups grant.
pub(super) async fn unsettle(work: &Work<'_>, groups: &BTreeSet<GroupId>) -> Result<Vec<Change>, Error> {
    let connection = &work.connection.id;
    let mut changes = Vec::new();
    let query = Query::index(Index::G1, Kind::Apps.partition(connection));
    let listed = work.app.store.query(&query).await?;
    for item in work.app.store.get_many(&listed.iter().map(Item::key).collect::<Vec<_>>()).await? {
        let granted = App::groups(&item)?;
        if granted.iter().any(|group| groups.contains(group)) {
            let mut app: App = item.parse()?;
            app.assignments_at = None;
            changes.push(Write::Put(app.item(connection, &granted)?).into());
        }
    }
    Ok(changes)
}

/// Remembers the apps of users whom changes remove, to read their assignments.
pub(super) fn note_left(work: &Work<'_>, changes: &[Change]) -> Result<Option<Change>, Error> {
    let apps: BTreeSet<_> = changes.iter().filter_map(Change::app).collect();
    work.note_aside(LEFT, &Vec::from_iter(apps))
}

/// One page of the groups that an app is assigned to.
pub(super) async fn read_groups(work: &mut Work<'_>, app: &AppId, mut crawl: Crawl) -> Result<(), Stop> {
    let name = format!("groups_of.{app}.{}", crawl.listing.pass);
    let (page, next) = match listing::read::<AppGroup>(work, api::list_app_groups(app), &crawl.listing).await {
        Ok(Read::Page(page, next)) => (page, next),
        Ok(Read::Restart(listing)) => {
            work.run.checkpoint = Checkpoint::Assignments { crawl: Crawl { listing, ..crawl } };
            return Ok(work.commit(Vec::new()).await?);
        }
        Err(error) => return edges::pass_over(work, &Holder::App(app.clone()), crawl, error).await,
    };
    let groups: Vec<_> = page.items.into_iter().map(|group| group.id).collect();
    let note = work.note(&name, crawl.listing.pages, &groups)?;
    match next {
        Some(listing) => crawl.listing = listing,
        None => (crawl.listing, crawl.groups) = (Listing::default(), Some(name)),
    }
    work.run.checkpoint = Checkpoint::Assignments { crawl };
    Ok(work.commit(vec![note]).await?)
}

/// The write that stores what is now known of an app; where that is nothing new, a note that it was read.
pub(super) async fn know(work: &Work<'_>, id: &AppId, known: &Known) -> Result<Option<Change>, Error> {
    let Some(item) = work.app.store.get(&keys::app(&work.connection.id, id)).await? else { return Ok(None) };
    let mut app: App = item.parse()?;
    let mut groups = BTreeSet::new();
    if let Some(list) = &known.groups {
        work.each_noted(list, |page: Vec<GroupId>| groups.extend(page)).await?;
    }
    let groups: Vec<_> = groups.into_iter().collect();
    let now = work.app.now();
    let counts = (Some(known.users), Some(groups.len() as u64));
    if app.assignments_at.is_some() && counts == (app.users_count, app.groups_count) && groups == App::groups(&item)? {
        return work.note_aside(ASSIGNED, &[id]);
    }
    (app.users_count, app.groups_count) = counts;
    (app.assignments_at, app.synced_at) = (Some(now), now);
    Ok(Some(Write::Put(app.item(&work.connection.id, &groups)?).into()))
}

/// The label of a stored app.
pub(super) async fn label(work: &Work<'_>, id: &AppId) -> Result<Option<String>, Error> {
    let item = work.app.store.get(&keys::app(&work.connection.id, id)).await?;
    Ok(item.map(|item| item.parse::<App>()).transpose()?.map(|app| app.label))
}

/// The change that removes an app; none where it is not there.
pub(super) async fn removed(work: &Work<'_>, id: &AppId) -> Result<Option<Change>, Error> {
    let Some(item) = work.app.store.get(&keys::app(&work.connection.id, id)).await? else { return Ok(None) };
    let mut app: App = item.parse()?;
    if app.removed_at.is_some() {
        return Ok(None);
    }
    app.removed_at = Some(work.app.now());
    let item = app.item(&work.connection.id, &App::groups(&item)?)?;
    Ok(Some(Change::object(item, About::App(id.clone()), Verb::Removed, Map::new())))
}

/// When the assignments of apps were last read, those of this run included; of apps that are no longer listed nothing is
/// kept.
pub(super) async fn assigned(work: &Work<'_>) -> Result<BTreeMap<AppId, Timestamp>, Error> {
    let mut assigned = work.state.assigned.clone();
    let Some(list) = holder::list(work, Kind::Apps) else { return Ok(assigned) };
    let mut listed = BTreeSet::new();
    work.each_noted(list, |seen: Vec<Seen>| listed.extend(seen.into_iter().map(|seen| seen.holder))).await?;
    if !work.run.patches() {
        assigned.retain(|id, _| listed.contains(&Holder::App(id.clone())));
    }
    let at = work.run.started_at;
    work.each_noted(ASSIGNED, |ids: Vec<AppId>| assigned.extend(ids.into_iter().map(|id| (id, at)))).await?;
    Ok(assigned)
}
