//! Edges: the users of each group or app that must be read, compared with those stored. What is missing is added page by
//! page; what is in excess is noted, and removed only after all were read and the guard was asked.

use super::ahead;
use super::change::Change;
use super::finish;
use super::guard;
use super::holder::{self, Holder, Kind, Seen};
use super::listing::{self, Read};
use super::work::{Stop, Work, forbidden};
use super::{apps, groups};
use crate::id::ConnectionId;
use crate::okta::{self, Meaning, Member, UserId, api};
use crate::store::{Error, Index, Item, Query, keys};
use crate::synced::{Checkpoint, Crawl, Listing, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Excess edges on one noted page.
const EXCESS_AT_ONCE: usize = 2_000;
/// Groups or apps that Okta refuses for want of a right, one after another, before the stream is given up.
const REFUSED_AT_MOST: u32 = 20;
/// Okta's stamps have whole seconds and its answers lag: a stamp this old cannot move again unseen.
const SETTLED_SECONDS: i64 = 60;

/// The edges of one holder as they are stored: the index sort key of each, by its user.
pub(super) type Stored = HashMap<String, String>;

/// A page of edges in excess.
#[derive(Serialize, Deserialize)]
struct Excess {
    holder: Holder,
    users: Vec<UserId>,
    /// On a holder's last page: what is then known of it.
    known: Option<Known>,
}

/// What is known of a group or an app once all its users were read.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Known {
    pub users: u64,
    /// Of a group: the stamp under which they were read, and whether it cannot move again unseen.
    pub stamp: Option<String>,
    pub settled: bool,
    /// Of an app: the list of its groups, as it is noted.
    pub groups: Option<String>,
}

/// One page of the users of the next group or app that must be read.
pub(super) async fn read(work: &mut Work<'_>, kind: Kind, mut crawl: Crawl) -> Result<(), Stop> {
    work.run.phase = Some(kind.edges());
    let Some(seen) = next(work, kind, &mut crawl).await? else {
        work.run.checkpoint = ask_guard(work, kind, &crawl).await?;
        return Ok(work.commit(Vec::new()).await?);
    };
    if let (Holder::App(app), None) = (&seen.holder, &crawl.groups) {
        return apps::read_groups(work, app, crawl).await;
    }
    run_ahead(work, kind, &crawl).await?;
    let name = format!("users_of.{}.{}", seen.holder.id(), crawl.listing.pass);
    let (page, next) = match listing::read::<Member>(work, seen.holder.users(&work.run), &crawl.listing).await {
        Ok(Read::Page(page, next)) => (page, next),
        Ok(Read::Restart(listing)) => {
            work.run.checkpoint = kind.crawl(Crawl { listing, began: None, ..crawl });
            return Ok(work.commit(Vec::new()).await?);
        }
        Err(error) if kind == Kind::Groups && !work.run.small_pages && asks_too_much(&error) => {
            work.run.small_pages = true;
            crawl.listing = Listing { pass: crawl.listing.pass + 1, ..Listing::default() };
            crawl.began = None;
            work.run.checkpoint = kind.crawl(crawl);
            return Ok(work.commit(Vec::new()).await?);
        }
        Err(error) => return pass_over(work, &seen.holder, crawl, error).await,
    };
    let mut users: Vec<_> = page.items.iter().map(|member| member.id.clone()).collect();
    // A record that cannot be read is a user's all the same.
    let unreadable: Vec<_> = page.bad.iter().map(|bad| UserId::parse(bad.id.as_deref().unwrap_or_default())).collect();
    crawl.unsure |= unreadable.iter().any(Result::is_err);
    users.extend(unreadable.into_iter().flatten());
    let began = *crawl.began.get_or_insert(page.served);
    let mut changes = compare(work, &seen.holder, &page.items).await?;
    changes.push(work.note(&name, crawl.listing.pages, &users)?);
    match next {
        Some(listing) => crawl.listing = listing,
        None => {
            changes.extend(complete(work, &mut crawl, &seen, &name, users, began).await?);
            crawl.read += 1;
            // Some may be read: the refused ones are exceptions, and listed by themselves.
            work.run.skipped.remove(&kind.edges());
            move_on(&mut crawl);
        }
    }
    work.run.checkpoint = kind.crawl(crawl);
    Ok(work.commit(changes).await?)
}

/// True for what Okta answers, or does not answer, where a page of members takes it too long.
fn asks_too_much(error: &okta::Error) -> bool {
    match error {
        okta::Error::Timeout | okta::Error::Broken | okta::Error::Unreadable(_) => true,
        okta::Error::Api(refusal) => matches!(refusal.meaning(), Meaning::Trouble | Meaning::Intermediary),
        _ => false,
    }
}

/// Okta refuses the users of one group or app: what is stored of it stays as it is, and the next one is read. Where none
/// at all may be read, the stream ends.
pub(super) async fn pass_over(
    work: &mut Work<'_>,
    holder: &Holder,
    mut crawl: Crawl,
    error: okta::Error,
) -> Result<(), Stop> {
    let kind = holder.kind();
    let refusal = work.refused(error)?;
    let (of, name) = match holder {
        Holder::Group(id) => ("group", groups::stored(work, id).await?.map(|group| group.name)),
        Holder::App(id) => ("app", apps::label(work, id).await?),
    };
    work.pass_over(of, holder.id(), name, &refusal);
    if let Some(finding) = forbidden(&refusal) {
        crawl.refused += 1;
        if crawl.read == 0 {
            work.run.skipped.insert(kind.edges(), finding);
        }
        if crawl.read == 0 && crawl.refused >= REFUSED_AT_MOST {
            work.run.checkpoint = kind.after(work);
            return Ok(work.commit(Vec::new()).await?);
        }
    }
    move_on(&mut crawl);
    work.run.checkpoint = kind.crawl(crawl);
    Ok(work.commit(Vec::new()).await?)
}

fn move_on(crawl: &mut Crawl) {
    (crawl.listing, crawl.groups) = (Listing::default(), None);
    crawl.unsure = false;
    crawl.began = None;
    crawl.place += 1;
}

/// Sets out for the first pages of those that are read next; of one, pages are never read side by side.
async fn run_ahead(work: &mut Work<'_>, kind: Kind, crawl: &Crawl) -> Result<(), Error> {
    let Some(list) = holder::list(work, kind).map(str::to_owned) else { return Ok(()) };
    if crawl.listing.next.is_some() || !work.ahead.has_room() {
        return Ok(());
    }
    let page = work.noted::<Seen>(&list, crawl.page).await?.unwrap_or_default();
    let behind = page.into_iter().skip(crawl.place + 1).filter(|seen| seen.crawl);
    for seen in behind.take(ahead::MOST) {
        let first = match &seen.holder {
            Holder::Group(_) => seen.holder.users(&work.run),
            // Of an app, the groups come first.
            Holder::App(id) => api::list_app_groups(id),
        };
        work.ahead.begin(&work.client, first);
    }
    Ok(())
}

/// Where the crawl stands, after those that need not be read.
async fn next(work: &Work<'_>, kind: Kind, crawl: &mut Crawl) -> Result<Option<Seen>, Error> {
    let Some(list) = holder::list(work, kind) else { return Ok(None) };
    while let Some(page) = work.noted::<Seen>(list, crawl.page).await? {
        if let Some((place, seen)) = page.into_iter().enumerate().skip(crawl.place).find(|(_, seen)| seen.crawl) {
            crawl.place = place;
            return Ok(Some(seen));
        }
        (crawl.page, crawl.place) = (crawl.page + 1, 0);
    }
    Ok(None)
}

/// The changes of users that are not stored yet, or otherwise.
async fn compare(work: &mut Work<'_>, holder: &Holder, members: &[Member]) -> Result<Vec<Change>, Error> {
    work.run.count(holder.kind().edges()).seen += members.len() as u64;
    let connection = work.connection.id.clone();
    let stored = stored(work, holder).await?;
    // The same user twice on one page: the later one counts.
    let members: BTreeMap<_, _> = members.iter().map(|member| (&member.id, member)).collect();
    let mut changes = Vec::new();
    for (user, member) in members {
        let before = stored.insert(user.to_string(), holder.index(&connection, member).sk);
        changes.extend(difference(&connection, holder, user, Some(member), before.as_deref()));
    }
    Ok(changes)
}

/// The change between an edge as Okta tells it and as it is stored, by its sort key in the index.
pub(super) fn difference(
    connection: &ConnectionId,
    holder: &Holder,
    user: &UserId,
    told: Option<&Member>,
    before: Option<&str>,
) -> Option<Change> {
    let about = holder.about(user.clone());
    let Some(member) = told else {
        return before.map(|_| Change::edge_removed(holder.edge(connection, user), about));
    };
    let index = holder.index(connection, member);
    let sk = index.sk.clone();
    let edge = Item::at(&holder.edge(connection, user)).indexed(Index::G2, index);
    match before {
        Some(before) if before == sk => None,
        Some(before) => {
            let scope = |sk: &str| keys::split_edge_index(sk).1.map(str::to_owned);
            let changed = json!({ "before": scope(before), "after": scope(&sk) });
            let changed = Map::from_iter([("scope".to_owned(), changed)]);
            Some(Change::edge_changed(edge, before, about, changed))
        }
        None => Some(Change::edge_added(edge, about)),
    }
}

/// The edges of a holder as they are stored, read once a slice.
async fn stored<'a>(work: &'a mut Work<'_>, holder: &Holder) -> Result<&'a mut Stored, Error> {
    if work.stored.as_ref().is_none_or(|(known, _)| known != holder) {
        let query = Query::index(Index::G2, holder.partition(&work.connection.id));
        let (mut pages, mut stored) = (work.app.store.pages(&query), Stored::new());
        while let Some(edges) = pages.next().await? {
            let keys = edges.iter().map(|edge| edge.sort_key(Some(Index::G2)).to_owned());
            stored.extend(keys.map(|sk| (keys::split_edge_index(&sk).0.to_owned(), sk)));
        }
        work.stored = Some((holder.clone(), stored));
    }
    work.stored.as_mut().map(|(_, stored)| stored).ok_or(Error::Corrupt)
}

/// All users were read: what is stored beyond them is in excess.
async fn complete(
    work: &mut Work<'_>,
    crawl: &mut Crawl,
    seen: &Seen,
    name: &str,
    last: Vec<UserId>,
    began: Timestamp,
) -> Result<Vec<Change>, Error> {
    let mut users: HashSet<UserId> = last.into_iter().collect();
    work.each_noted(name, |page: Vec<UserId>| users.extend(page)).await?;
    let stored = stored(work, &seen.holder).await?;
    let is_excess = |id: &UserId| !crawl.unsure && !users.contains(id);
    let excess: Vec<_> = stored.keys().filter_map(|id| UserId::parse(id).ok()).filter(is_excess).collect();
    crawl.stored += stored.len() as u64;
    let stamp: Option<Timestamp> = seen.stamp.as_deref().and_then(|stamp| stamp.parse().ok());
    let settled = stamp.is_some_and(|stamp| began.duration_since(stamp).as_secs() >= SETTLED_SECONDS);
    let (users, stamp, groups) = (users.len() as u64, seen.stamp.clone(), crawl.groups.clone());
    let known = Known { users, stamp, settled, groups };
    if excess.is_empty() {
        return Ok(know(work, &seen.holder, &known).await?.into_iter().collect());
    }
    crawl.excess += excess.len() as u64;
    let mut changes = Vec::new();
    let mut chunks = excess.chunks(EXCESS_AT_ONCE).peekable();
    while let Some(users) = chunks.next() {
        let known = chunks.peek().is_none().then(|| known.clone());
        let page = Excess { holder: seen.holder.clone(), users: users.to_vec(), known };
        let name = seen.holder.kind().noted_excess(&work.run);
        let noted = seen.holder.kind().excess_pages(&mut work.run);
        let number = *noted;
        *noted += 1;
        changes.push(work.note_long(&name, number, &[page])?);
    }
    Ok(changes)
}

/// Somebody confirmed that edges may go: those groups and apps are read once more, and what is still in excess goes.
pub(super) async fn reread(work: &mut Work<'_>) -> Result<(), Stop> {
    let mut changes = Vec::new();
    for kind in [Kind::Groups, Kind::Apps].into_iter().filter(|kind| work.run.confirmed.contains(&kind.edges())) {
        let mut holders = BTreeSet::new();
        work.each_noted(kind.asked_about(), |pages: Vec<Excess>| holders.extend(pages.into_iter().map(|it| it.holder)))
            .await?;
        let mut seen = Vec::new();
        for holder in holders {
            let stamp = match &holder {
                Holder::Group(id) => groups::stored(work, id).await?.and_then(|group| group.last_membership_updated),
                Holder::App(_) => None,
            };
            seen.push(Seen { holder, stamp, crawl: true });
        }
        let list = format!("{}.reread", kind.objects().phase().name());
        for (page, some) in (0_u32..).zip(seen.chunks(200)) {
            changes.push(work.note(&list, page, some)?);
        }
        work.run.read.insert(kind.objects().phase(), vec![list]);
    }
    (work.run.excess, work.run.excess_assignments) = (0, 0);
    work.run.checkpoint = Kind::Groups.crawl(Crawl::default());
    Ok(work.commit(changes).await?)
}

async fn know(work: &mut Work<'_>, holder: &Holder, known: &Known) -> Result<Option<Change>, Error> {
    match holder {
        Holder::Group(id) => groups::know(work, id, known).await,
        Holder::App(id) => apps::know(work, id, known).await,
    }
}

/// All were read: may what is in excess be removed?
async fn ask_guard(work: &mut Work<'_>, kind: Kind, crawl: &Crawl) -> Result<Checkpoint, Error> {
    let counts = State::load(&work.app.store, &work.connection.id).await?.counts;
    let counted = match kind {
        Kind::Groups => counts.memberships,
        Kind::Apps => counts.assignments,
    };
    // One group or app may well become empty; only the stream as a whole says something about our role.
    let confirmed = work.run.confirmed.contains(&kind.edges());
    if !confirmed && guard::trips(counted.max(crawl.stored), 1, crawl.excess) {
        work.run.pending_removals.insert(kind.edges(), crawl.excess);
        return Ok(kind.excess(0, 0));
    }
    Ok(kind.excess(*kind.excess_pages(&mut work.run), 0))
}

/// Removes one page of what is in excess.
pub(super) async fn remove_excess(work: &mut Work<'_>, kind: Kind, noted: u32, done: u32) -> Result<(), Stop> {
    if done >= noted {
        return finish::end_stream(work, kind).await;
    }
    let pages = work.noted::<Excess>(&kind.noted_excess(&work.run), done).await?.unwrap_or_default();
    let mut changes = Vec::new();
    if !work.run.confirmed.is_empty() && kind == Kind::Groups && work.knows_apps() {
        // No list of apps comes behind what was confirmed.
        let groups = pages.iter().filter_map(|page| page.holder.group().cloned()).collect();
        changes.extend(apps::unsettle(work, &groups).await?);
    }
    for page in pages {
        let (connection, holder) = (&work.connection.id, &page.holder);
        let gone = |user: &UserId| Change::edge_removed(holder.edge(connection, user), holder.about(user.clone()));
        changes.extend(page.users.iter().map(gone));
        if let Some(known) = &page.known {
            changes.extend(know(work, &page.holder, known).await?);
        }
    }
    work.run.checkpoint = kind.excess(noted, done + 1);
    Ok(work.commit(changes).await?)
}
