//! Users: two lists, since the plain one leaves out the deprovisioned; or, in an incremental run, those that changed.

use super::apps::LEFT;
use super::change::Change;
use super::holder::{Holder, Kind};
use super::listing::{self, Read};
use super::missing::Found;
use super::work::{Stop, Work};
use crate::event::{About, Verb, difference};
use crate::okta::{self, AppId, BadRecord, UserId, api};
use crate::store::keys::{self, Listed};
use crate::store::{Error, Index, Item, Query};
use crate::synced::roster::Row;
use crate::synced::{Candidate, Checkpoint, Listing, Objects, Phase, User, half_hash};
use serde::Deserialize;
use serde_json::Map;
use serde_json::value::to_raw_value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Okta takes the groups and apps of a user with this status away.
pub(super) const DEPROVISIONED: &str = "DEPROVISIONED";
/// The attribute of a removed user that names the apps of its assignments.
const HAD: &str = "had";
/// The largest record that is stored; `DynamoDB` takes items of 400 KB.
const LARGEST_RECORD: usize = 350_000;

/// The plain list, as it is noted.
pub(super) const PRESENT: &str = "users";
/// The list of the deprovisioned users.
pub(super) const DEPROVISIONED_ONLY: &str = "deprovisioned";

/// As what a pass over a list is noted.
pub(super) fn noted_as(list: &str, listing: &Listing) -> String {
    format!("{list}.{}", listing.pass)
}

/// One page of the plain list.
pub async fn read_present(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    let then = |next| match next {
        Some(listing) => Checkpoint::Users { listing },
        None => Checkpoint::Deprovisioned { listing: Listing::default() },
    };
    read(work, api::list_users(), PRESENT, listing, then).await
}

/// One page of the deprovisioned users.
pub async fn read_deprovisioned(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    let then = |next| match next {
        Some(listing) => Checkpoint::Deprovisioned { listing },
        None => Checkpoint::FindMissing { of: Objects::Users },
    };
    read(work, api::list_deprovisioned_users(), DEPROVISIONED_ONLY, listing, then).await
}

/// One page of the users that changed since the last run.
pub async fn read_changed(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    let (after, since) = (work.after_users(), work.state.watermark.unwrap_or_default());
    let then = move |next| match next {
        Some(listing) => Checkpoint::ChangedUsers { listing },
        None => after.clone(),
    };
    read(work, api::list_changed_users(since), "changed", listing, then).await
}

async fn read(
    work: &mut Work<'_>,
    request: okta::Request,
    name: &str,
    listing: Listing,
    then: impl Fn(Option<Listing>) -> Checkpoint,
) -> Result<(), Stop> {
    work.run.phase = Some(Phase::Users);
    let name = noted_as(name, &listing);
    let (page, next) = match listing::read::<okta::User>(work, request, &listing).await? {
        Read::Page(page, next) => (page, next),
        Read::Restart(again) => {
            work.run.checkpoint = then(Some(again));
            work.run.sum = None;
            return Ok(work.commit(Vec::new()).await?);
        }
    };
    work.run.began.get_or_insert(page.served);
    work.run.count(Phase::Users).seen += (page.items.len() + page.bad.len()) as u64;
    let (mut changes, rows) = store(work, page.items, page.bad).await?;
    // A page without anybody need not be remembered: most incremental runs find nothing.
    if !rows.is_empty() || !work.run.patches() {
        let lines: Result<Vec<_>, _> = rows.iter().map(to_raw_value).collect();
        let lines = lines.map_err(|_| Error::Corrupt)?;
        if let Some(sum) = &mut work.run.sum {
            for line in &lines {
                sum.add(line);
            }
        }
        changes.push(work.note(&name, listing.pages, &lines)?);
    }
    changes.splice(0..0, work.note_hints()?);
    if next.is_none() {
        work.run.read.entry(Phase::Users).or_default().push(name);
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
    let unreadable = bad.iter().filter_map(|bad| UserId::parse(bad.id.as_deref()?).ok());
    let unreadable: BTreeSet<_> = unreadable.filter(|id| !users.contains_key(id)).collect();
    let wanted: Vec<_> = users.keys().chain(&unreadable).map(|id| User::key(&connection.id, id)).collect();
    let now = work.app.now();
    let mut changes = Vec::new();
    let mut rows = Vec::new();
    let mut returned = Vec::new();
    // Most users are as they were: their documents are not read.
    let heads = work.app.store.get_heads(&wanted).await?;
    let heads: HashMap<_, _> = heads.iter().map(|item| (item.partition_key(), item)).collect();
    let mut users: Vec<_> = users.into_values().map(|told| User::new(told, now)).collect();
    let mut keys = wanted.iter();
    users.retain_mut(|user| {
        let head = keys.next().and_then(|key| heads.get(key.pk.as_str()));
        let stored =
            head.filter(|head| head.get_number("ttl").is_none()).and_then(|head| head.get("stored")?.parse().ok());
        let same = stored.is_some() && head.and_then(|head| head.get("hash")) == Some(user.hash().as_str());
        if same {
            user.synced_at = stored.unwrap_or(now);
            rows.push(Row::new(user, attributes));
        }
        !same
    });
    let others = users.iter().map(|user| &user.id).chain(&unreadable);
    let others = others.map(|id| User::key(&connection.id, id));
    let others: Vec<_> = others.filter(|key| heads.contains_key(key.pk.as_str())).collect();
    let found = work.app.store.get_many(&others).await?;
    let stored: HashMap<_, _> = found.into_iter().map(|item| (item.partition_key().to_owned(), item)).collect();
    work.tell_all_bad("user", bad);
    for id in unreadable {
        if let Some(item) = stored.get(&User::key(&connection.id, &id).pk) {
            rows.push(Row::new(&item.parse::<User>()?, attributes));
        }
    }
    for user in users {
        let before = stored.get(&User::key(&connection.id, &user.id).pk);
        let old = before.map(Item::parse::<User>).transpose()?;
        let stale = old.as_ref().is_some_and(|old| old.last_updated > user.last_updated);
        if let Some(old) = old.as_ref().filter(|old| old.removed_at.is_none() && stale) {
            rows.push(Row::new(old, attributes));
            continue;
        }
        let item = user.item(&connection.id)?;
        if item.size() > LARGEST_RECORD {
            let detail = "the record is larger than the directory can hold".to_owned();
            let name = user.text("login").map(std::borrow::Cow::into_owned);
            work.tell_bad(BadRecord { kind: "user".to_owned(), id: Some(user.id.to_string()), name, detail });
            rows.extend(old.map(|old| Row::new(&old, attributes)));
            continue;
        }
        rows.push(Row::new(&user, attributes));
        if let Some(apps) = before.filter(|_| old.as_ref().is_some_and(|old| old.removed_at.is_some())) {
            returned.extend(had(apps).map(|app| (app, user.id.clone())));
        }
        let old = old.filter(|old| old.removed_at.is_none());
        if user.status == DEPROVISIONED && old.as_ref().is_some_and(|old| old.status != DEPROVISIONED) {
            work.hints.push(Candidate::Belongings(user.id.clone()));
        }
        let (verb, changed) = match old {
            Some(old) => (Verb::Changed, difference(&old.told(), &user.told())),
            None => (Verb::Added, Map::new()),
        };
        changes.push(Change::object(item, About::User(user.id), verb, changed));
    }
    // No list of apps shows that a user who has one is back.
    if work.follows_apps() {
        work.hints.extend(returned.into_iter().map(|(app, user)| Candidate::Assignment(app, user)));
    } else {
        let apps: BTreeSet<_> = returned.into_iter().map(|(app, _)| app).collect();
        changes.splice(0..0, work.note_aside(LEFT, &Vec::from_iter(apps))?);
    }
    Ok((changes, rows))
}

/// The apps that a removed user had.
fn had(removed: &Item) -> impl Iterator<Item = AppId> {
    removed.get(HAD).unwrap_or_default().split(' ').filter_map(|id| AppId::parse(id).ok())
}

/// Who is stored and was on neither list.
pub async fn find_missing(work: &Work<'_>) -> Result<Found, Stop> {
    let partition = |shard| keys::users_partition(&work.connection.id, Listed::Present, shard);
    // Whoever was listed is stored. So where as many are stored as were listed, nobody is missing.
    if let Some(seen) = work.lists_the_roster(&work.state) {
        let mut stored = 0;
        for shard in 0..keys::SHARDS {
            stored += work.app.store.count(&Query::index(Index::G1, partition(shard))).await?;
        }
        if stored == seen {
            return Ok(Found { missing: Vec::new(), stored, seen });
        }
    }
    let mut found = Found { missing: Vec::new(), stored: 0, seen: 0 };
    let lists = work.run.read.get(&Phase::Users).cloned().unwrap_or_default();
    // Half a hash of each, so that a large tenant needs hardly more memory than a small one.
    let mut seen = HashSet::new();
    for list in &lists {
        let ids = |rows: Vec<Identified>| rows.into_iter().map(|row| half_hash(row.id.as_str().as_bytes()));
        work.each_noted(list, |rows| seen.extend(ids(rows))).await?;
    }
    found.seen = seen.len() as u64;
    for shard in 0..keys::SHARDS {
        let query = Query::index(Index::G1, partition(shard));
        let mut pages = work.app.store.pages(&query);
        while let Some(items) = pages.next().await? {
            found.stored += items.len() as u64;
            let ids = items.iter().map(|item| item.sort_key(Some(Index::G1)));
            found.missing.extend(ids.filter(|id| !seen.contains(&half_hash(id.as_bytes()))).map(str::to_owned));
        }
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Identified {
    id: UserId,
}

/// The changes that remove a user, its memberships and its assignments.
pub(super) async fn remove(work: &Work<'_>, id: &UserId) -> Result<Vec<Change>, Error> {
    let key = User::key(&work.connection.id, id);
    let Some(item) = work.app.store.get(&key).await? else { return Ok(Vec::new()) };
    let mut user: User = item.parse()?;
    // Where a run reads assignments one by one, it takes these away with its apps, and counts them.
    let later = |holder: &Holder| work.follows_apps() && holder.kind() == Kind::Apps;
    let gone = |edge: &Item| {
        let holder = Holder::of_edge(edge.sort_key(None)).filter(|holder| !later(holder))?;
        Some(Change::edge_removed(holder.edge(&work.connection.id, id), holder.about(id.clone())))
    };
    let items = work.app.store.query(&Query::partition(key.pk.as_str()).names_only()).await?;
    let edges = items.iter().filter_map(gone);
    if user.removed_at.is_some() {
        // A process that died has written that the user is removed, and left some edges.
        return Ok(edges.collect());
    }
    user.removed_at = Some(work.app.now());
    let apps = items.iter().filter_map(|edge| edge.sort_key(None).strip_prefix(keys::ASSIGNMENTS));
    let item = user.item(&work.connection.id)?.text(HAD, apps.collect::<Vec<_>>().join(" "));
    // First: once some edges are gone, nothing else says which apps there were.
    let mut changes = vec![Change::object(item, About::User(id.clone()), Verb::Removed, Map::new())];
    changes.extend(edges);
    Ok(changes)
}
