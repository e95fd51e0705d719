//! What may have changed although no list shows it: hinted at by the System Log or by a change that was just found. Each
//! object is read from Okta; a hint never decides what is stored.

use super::apps;
use super::candidates;
use super::change::Change;
use super::edges;
use super::holder::{self, Holder, Kind, Seen};
use super::log;
use super::missing;
use super::users::DEPROVISIONED;
use super::work::{HINTED, Stop, Work};
use crate::connection::Stream;
use crate::okta::{self, AppId, BadRecord, GroupId, UserId, api};
use crate::store::{Error, Index, Item, Query, Write, keys};
use crate::synced::{App, Candidate, Checkpoint, Crawl, Group, Listing, Move, Objects, Phase, User};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Tasks on one noted page.
const AT_ONCE: usize = 20;
/// Members on one page of Okta's list.
const PAGE: u64 = api::MEMBERS_PAGE;

/// Something to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Task {
    User(UserId),
    Group(GroupId),
    Belongings(UserId),
    App(AppId),
    Assignment(AppId, UserId),
}

/// When tasks are worked off: before memberships are read, or before assignments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Groups,
    Apps,
}

impl Stage {
    fn tasks(self) -> &'static str {
        match self {
            Self::Groups => "tasks",
            Self::Apps => "app_tasks",
        }
    }

    fn at(self, page: u32, place: usize) -> Checkpoint {
        match self {
            Self::Groups => Checkpoint::Tasks { page, place },
            Self::Apps => Checkpoint::AppTasks { page, place },
        }
    }

    pub fn after(self, work: &Work<'_>) -> Checkpoint {
        match self {
            Self::Groups => Checkpoint::Memberships { crawl: Crawl::default() },
            // A full run lists the apps behind that.
            Self::Apps if !work.run.patches() => Checkpoint::Apps { listing: Listing::default() },
            Self::Apps => Checkpoint::Assignments { crawl: Crawl::default() },
        }
    }
}

/// The notes of tasks.
pub(super) fn note_tasks(work: &Work<'_>, stage: Stage, tasks: BTreeSet<Task>) -> Result<Vec<Change>, Error> {
    let tasks: Vec<_> = tasks.into_iter().collect();
    let pages = (0_u32..).zip(tasks.chunks(AT_ONCE));
    pages.map(|(page, some)| work.note(stage.tasks(), page, some)).collect()
}

/// Reads one page of the log.
pub async fn read_log(work: &mut Work<'_>, listing: Listing) -> Result<(), Stop> {
    let place = work.state.log.clone();
    let since = place.as_ref().map(|place| place.since).or(work.state.watermark);
    let mut from = listing;
    if from.pages == 0 {
        from.next = place.and_then(|place| place.next);
    }
    match log::read(work, &log::hinting(work), since, &from).await {
        Ok(page) => {
            work.hints.extend(log::hints(work, &page));
            work.run.log_next = page.next;
            work.run.checkpoint = page.listing.map_or(Checkpoint::Hints, |listing| Checkpoint::Log { listing });
        }
        // What only the log tells waits for the next full run.
        Err(okta::Error::Api(refusal)) if log::is_closed(&refusal) => work.run.checkpoint = Checkpoint::Hints,
        Err(error) => {
            let refusal = work.refused(error)?;
            work.pass_over("log", "system_log", None, &refusal);
            work.run.checkpoint = Checkpoint::Hints;
        }
    }
    let hints = work.note_hints()?;
    Ok(work.commit(hints.into_iter().collect()).await?)
}

/// Makes tasks of hints, those that cost the fewest requests.
pub async fn sort(work: &mut Work<'_>) -> Result<(), Stop> {
    let joined = candidates::join(work).await?;
    work.write(joined).await?;
    let mut hints = BTreeSet::new();
    work.each_left_to_read(HINTED, |page: Vec<Candidate>| hints.extend(page)).await?;
    let mut tasks = BTreeSet::new();
    let mut moved = Moved::new();
    for hint in hints {
        match hint {
            // A full run has read the lists of both.
            Candidate::User(_) | Candidate::Group(_) if !work.run.patches() => {}
            Candidate::Group(_) | Candidate::Membership(..) | Candidate::Belongings(_)
                if !work.syncs(Stream::Groups) => {}
            Candidate::User(id) => drop(tasks.insert(Task::User(id))),
            Candidate::Group(id) => drop(tasks.insert(Task::Group(id))),
            Candidate::Belongings(id) => drop(tasks.insert(Task::Belongings(id))),
            Candidate::Membership(group, user, how) => {
                moved.entry(group).or_default().entry(user).or_default().insert(how);
            }
            Candidate::Moved(..) | Candidate::App(_) | Candidate::Assignment(..) | Candidate::AppGroups(_) => {}
            Candidate::Roles(_) | Candidate::CustomRoles | Candidate::Owners(_) | Candidate::GroupRules => {
                work.run.access_hints += 1;
            }
        }
    }
    let mut changes = Vec::new();
    let crawled = crawled(work).await?;
    let mut more = Vec::new();
    for (group, users) in moved.into_iter().filter(|(group, _)| !crawled.contains(group)) {
        let item = work.app.store.get(&keys::group(&work.connection.id, &group)).await?;
        // A group that was made after the list was read is on the next one.
        let stored = item.map(|item| item.parse::<Group>()).transpose()?;
        let stored = stored.filter(|stored| stored.removed_at.is_none() && !stored.is_built_in());
        let Some(stored) = stored else { continue };
        let users = unknown(work, &group, users).await?;
        let pages = stored.members_count.unwrap_or_default() / PAGE + 1;
        if users.len() as u64 <= pages {
            tasks.extend(users.into_iter().map(Task::Belongings));
        } else {
            more.push(Seen { holder: Holder::Group(group), stamp: stored.last_membership_updated, crawl: true });
        }
    }
    if !more.is_empty() {
        changes.extend(holder::note_more(work, Kind::Groups, &more).await?);
    }
    work.run.checkpoint = if tasks.is_empty() { Stage::Groups.after(work) } else { Stage::Groups.at(0, 0) };
    changes.extend(note_tasks(work, Stage::Groups, tasks)?);
    Ok(work.commit(changes).await?)
}

/// Which users the log says moved into or out of which groups.
type Moved = BTreeMap<GroupId, BTreeMap<UserId, BTreeSet<Move>>>;

/// The users whose stored membership differs from the log's. Most events repeat what an earlier run has stored already. A user
/// with events of both kinds is read from Okta, because the log's order is not certain.
async fn unknown(
    work: &Work<'_>,
    group: &GroupId,
    users: BTreeMap<UserId, BTreeSet<Move>>,
) -> Result<Vec<UserId>, Error> {
    let connection = &work.connection.id;
    let edges: Vec<_> = users.keys().map(|user| keys::membership(connection, group, user)).collect();
    let stored = work.app.store.get_many(&edges).await?;
    let members: HashSet<_> = stored.iter().map(Item::partition_key).collect();
    let is_stored = |user: &UserId, moves: &BTreeSet<Move>| {
        let is_member = members.contains(keys::user_partition(connection, user).as_str());
        moves.iter().all(|how| is_member == (*how == Move::In))
    };
    Ok(users.into_iter().filter(|(user, moves)| !is_stored(user, moves)).map(|(user, _)| user).collect())
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

/// Works off one task. Each is a commit of its own: its edges, the count of what holds them and the checkpoint are one
/// transaction, and no object is written twice in it.
pub async fn work_off(work: &mut Work<'_>, stage: Stage, page: u32, place: usize) -> Result<(), Stop> {
    let Some(tasks) = work.noted::<Task>(stage.tasks(), page).await? else {
        work.run.checkpoint = stage.after(work);
        return Ok(work.commit(Vec::new()).await?);
    };
    let changes = match tasks.get(place) {
        Some(Task::User(id)) => missing::look_up(work, Objects::Users, id.as_str()).await?.0,
        Some(Task::Group(id)) => read_group(work, id).await?,
        Some(Task::Belongings(id)) => read_groups(work, id).await?,
        Some(Task::App(id)) => read_app(work, id).await?,
        Some(Task::Assignment(app, user)) => read_assignment(work, app, user).await?,
        None => Vec::new(),
    };
    work.run.checkpoint = if place + 1 < tasks.len() { stage.at(page, place + 1) } else { stage.at(page + 1, 0) };
    Ok(work.commit(changes).await?)
}

/// Reads a group. A short run has read no list before it: members that may have changed are read as well.
async fn read_group(work: &mut Work<'_>, id: &GroupId) -> Result<Vec<Change>, Stop> {
    let (mut changes, mut seen) = missing::look_up(work, Objects::Groups, id.as_str()).await?;
    seen.retain(|seen| seen.crawl && work.run.is_short);
    if !seen.is_empty() {
        changes.extend(holder::note_more(work, Kind::Groups, &seen).await?);
    }
    Ok(changes)
}

/// Reads an app. The users of one that is new or changed are read as well, unless they are in any case.
async fn read_app(work: &mut Work<'_>, id: &AppId) -> Result<Vec<Change>, Stop> {
    work.run.phase = Some(Phase::Apps);
    let (mut changes, mut seen) = missing::look_up(work, Objects::Apps, id.as_str()).await?;
    if let Some(list) = holder::list(work, Kind::Apps) {
        let mut listed = HashSet::new();
        let visit = |page: Vec<Seen>| listed.extend(page.into_iter().map(|seen| seen.holder.id().to_owned()));
        work.each_noted(list, visit).await?;
        seen.retain(|seen| seen.crawl && !listed.contains(seen.holder.id()));
    }
    if !seen.is_empty() {
        changes.extend(holder::note_more(work, Kind::Apps, &seen).await?);
    }
    Ok(changes)
}

/// Reads whether a user has an app, and compares it with what is stored.
pub(super) async fn read_assignment(work: &mut Work<'_>, app: &AppId, user: &UserId) -> Result<Vec<Change>, Stop> {
    work.run.phase = Some(Phase::Assignments);
    let told = match work.client.fetch::<okta::Member>(&api::get_app_user(app, user)).await {
        Ok(told) => Some(told),
        Err(okta::Error::Api(refusal)) if refusal.is_absence() => None,
        Err(okta::Error::Unreadable(detail)) => {
            let id = Some(user.to_string());
            work.tell_bad(BadRecord { kind: "user".to_owned(), id, name: None, detail });
            return Ok(Vec::new());
        }
        Err(error) => {
            let refusal = work.refused(error)?;
            let label = apps::label(work, app).await?;
            work.pass_over("app", app.as_str(), label, &refusal);
            return Ok(Vec::new());
        }
    };
    let holder = Holder::App(app.clone());
    let stored = work.app.store.get(&holder.edge(&work.connection.id, user)).await?;
    let before = stored.as_ref().map(|edge| edge.sort_key(Some(Index::G2)));
    let change = edges::difference(&work.connection.id, &holder, user, told.as_ref(), before);
    let by = i64::from(told.is_some()) - i64::from(stored.is_some());
    let mut changes = recount(work, BTreeMap::from([(holder, by)]), Stamps::Stay).await?;
    changes.extend(change);
    Ok(changes)
}

/// Reads the groups of a user and compares them with those stored.
pub(super) async fn read_groups(work: &mut Work<'_>, user: &UserId) -> Result<Vec<Change>, Stop> {
    work.run.phase = Some(Phase::Memberships);
    let mut groups = HashSet::new();
    let mut unsure = false;
    let listing = api::list_user_groups(user);
    let mut request = listing.clone();
    let mut followed = HashSet::new();
    loop {
        let page = match work.client.page::<okta::Group>(&request).await {
            Ok(page) => page,
            // Okta takes all groups away with the user, and need not list what is left of them: nothing.
            Err(okta::Error::Api(refusal)) if refusal.is_absence() && is_deprovisioned(work, user).await? => break,
            // Gone: that is for others to find out.
            Err(okta::Error::Api(refusal)) if refusal.is_absence() => return Ok(Vec::new()),
            Err(error) => {
                let refusal = work.refused(error)?;
                work.pass_over("user", user.as_str(), None, &refusal);
                return Ok(Vec::new());
            }
        };
        // Where some group cannot be read, the user may still be in it.
        unsure |= page.bad.iter().any(|bad| bad.id.as_deref().is_none_or(|id| GroupId::parse(id).is_err()));
        groups.extend(page.bad.iter().filter_map(|bad| GroupId::parse(bad.id.as_deref()?).ok()));
        groups.extend(page.items.into_iter().filter(|group| !group.is_built_in()).map(|group| group.id));
        match page.next {
            Some(next) if followed.insert(next.clone()) => request = api::next(&listing, next),
            // It goes in circles: what it did not show may be there.
            Some(_) => {
                unsure = true;
                break;
            }
            None => break,
        }
    }
    let connection = &work.connection.id;
    let query = Query::partition(keys::user_partition(connection, user)).prefix(keys::MEMBERSHIPS);
    let edges = work.app.store.query(&query).await?;
    let id = |edge: &Item| GroupId::parse(edge.sort_key(None).strip_prefix(keys::MEMBERSHIPS)?).ok();
    let stored: HashSet<_> = edges.iter().filter_map(id).collect();
    let (mut changes, mut moved) = (Vec::new(), BTreeMap::new());
    let joined = groups.difference(&stored).map(|it| (it, 1));
    let left = stored.difference(&groups).filter(|_| !unsure).map(|it| (it, -1));
    for (group, by) in joined.chain(left) {
        let holder = Holder::Group(group.clone());
        let member = (by > 0).then(|| okta::Member { id: user.clone(), scope: None });
        let before = (by < 0).then_some(user.as_str());
        changes.extend(edges::difference(&work.connection.id, &holder, user, member.as_ref(), before));
        moved.insert(holder, by);
    }
    changes.extend(recount(work, moved, Stamps::Stay).await?);
    Ok(changes)
}

/// Whether a user is stored as deprovisioned.
async fn is_deprovisioned(work: &Work<'_>, id: &UserId) -> Result<bool, Error> {
    let item = work.app.store.get(&keys::user(&work.connection.id, id)).await?;
    let user = item.map(|item| item.parse::<User>()).transpose()?;
    Ok(user.is_some_and(|user| user.removed_at.is_none() && user.status == DEPROVISIONED))
}

/// Whether the members of a group still are those that were read under its stamp.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamps {
    /// They are, but for those that were counted: Okta moves its own stamp with them.
    Stay,
    /// They are not: a full run reads them anew, whatever the stamp.
    Fall,
}

/// The writes that bring the counts of groups and apps up to date.
pub(super) async fn recount(
    work: &Work<'_>,
    moved: BTreeMap<Holder, i64>,
    stamps: Stamps,
) -> Result<Vec<Change>, Error> {
    let (mut changes, connection, now) = (Vec::new(), &work.connection.id, work.app.now());
    for (holder, by) in moved.into_iter().filter(|(_, by)| *by != 0) {
        let key = match &holder {
            Holder::Group(id) => keys::group(connection, id),
            Holder::App(id) => keys::app(connection, id),
        };
        let Some(item) = work.app.store.get(&key).await? else { continue };
        let new = if let Holder::Group(_) = holder {
            let mut group: Group = item.parse()?;
            group.members_count = group.members_count.map(|count| count.saturating_add_signed(by));
            group.synced_at = now;
            group.item(connection, item.get("settled").filter(|_| stamps == Stamps::Stay))?
        } else {
            let mut app: App = item.parse()?;
            app.users_count = app.users_count.map(|count| count.saturating_add_signed(by));
            app.synced_at = now;
            app.item(connection, &App::groups(&item)?)?
        };
        changes.push(Write::Put(new).into());
    }
    Ok(changes)
}
