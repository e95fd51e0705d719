//! Which apps and assignments a run reads beside its lists: those that the log names and those of users who left, in an
//! incremental run, and those by groups whose members moved.

use super::apps::LEFT;
use super::change::Change;
use super::hints::{Stage, Stamps, Task, note_tasks, recount};
use super::holder::{Holder, Seen};
use super::work::{GONE, HINTED, MOVED, Stop, Work};
use crate::okta::{AppId, GroupId, UserId};
use crate::store::keys::{self, Listed};
use crate::store::{Error, Index, Key, MOST_RECORDS, Query};
use crate::synced::{App, Candidate, Checkpoint, Group, Phase, User};
use std::collections::{BTreeMap, BTreeSet};

/// Users of an app, and groups of one, on a page of Okta's lists.
const PAGES: (u64, u64) = (500, 200);
/// The list of apps whose users and groups are read whole.
const APPS: &str = "apps.hinted";

/// What is suspected.
#[derive(Default)]
struct Suspects {
    /// Apps that may be new, changed or gone.
    apps: BTreeSet<AppId>,
    /// Apps of which everything is read.
    whole: BTreeSet<AppId>,
    /// Assignments.
    assignments: BTreeMap<AppId, BTreeSet<UserId>>,
    /// Groups that may be gone.
    groups: BTreeSet<GroupId>,
    /// Users who were removed.
    removed: BTreeSet<UserId>,
    /// Users who joined or left a group.
    moved: BTreeMap<GroupId, BTreeSet<UserId>>,
}

/// Makes tasks of what may have changed, those that cost the fewest requests.
pub async fn sort(work: &mut Work<'_>) -> Result<(), Stop> {
    let mut suspects = gather(work).await?;
    for user in std::mem::take(&mut suspects.removed) {
        take_away(work, &user).await?;
    }
    let stored = stored(work, &suspects).await?;
    for (app, groups) in stored.values() {
        for group in groups {
            if suspects.groups.contains(group) {
                suspects.whole.insert(app.id.clone());
            } else if let Some(users) = suspects.moved.get(group) {
                suspects.assignments.entry(app.id.clone()).or_default().extend(users.iter().cloned());
            }
        }
    }
    let mut tasks = BTreeSet::new();
    let is_full = !work.run.patches();
    for (id, users) in std::mem::take(&mut suspects.assignments) {
        let Some((app, _)) = stored.get(&id) else {
            suspects.apps.insert(id);
            continue;
        };
        let pages = |count: Option<u64>, page: u64| count.unwrap_or_default() / page + 1;
        let most = pages(app.users_count, PAGES.0) + pages(app.groups_count, PAGES.1);
        if suspects.apps.contains(&id) || users.len() as u64 > most {
            // An app that may have changed has its users read with it.
            suspects.whole.insert(id);
        } else if !suspects.whole.contains(&id) {
            tasks.extend(users.into_iter().map(|user| Task::Assignment(id.clone(), user)));
        }
    }
    if is_full {
        // The list of apps comes next; those are crawled with it.
        let whole: Vec<_> = suspects.whole.into_iter().filter(|id| stored.contains_key(id)).collect();
        let mut changes = Vec::from_iter(work.note_aside(LEFT, &whole)?);
        work.run.checkpoint =
            if tasks.is_empty() { Stage::Apps.after(work) } else { Checkpoint::AppTasks { page: 0, place: 0 } };
        changes.extend(note_tasks(work, Stage::Apps, tasks)?);
        return Ok(work.commit(changes).await?);
    }
    tasks.extend(suspects.apps.into_iter().map(Task::App));
    let seen = |id| Seen { holder: Holder::App(id), stamp: None, crawl: true };
    let whole: Vec<_> = suspects.whole.into_iter().filter(|id| stored.contains_key(id)).map(seen).collect();
    if tasks.is_empty() && whole.is_empty() {
        work.run.checkpoint = work.after_assignments();
        return Ok(work.commit(Vec::new()).await?);
    }
    let mut changes: Vec<Change> = vec![work.note(APPS, 0, &whole)?];
    work.run.read.insert(Phase::Apps, vec![APPS.to_owned()]);
    changes.extend(note_tasks(work, Stage::Apps, tasks)?);
    work.run.checkpoint = Checkpoint::AppTasks { page: 0, place: 0 };
    Ok(work.commit(changes).await?)
}

/// Gathers what the log, and what was found since, let suspect.
async fn gather(work: &Work<'_>) -> Result<Suspects, Error> {
    let (mut suspects, mut departed) = (Suspects::default(), BTreeSet::new());
    if !work.knows_apps() {
        return Ok(suspects);
    }
    let is_full = !work.run.patches();
    let visit = |page: Vec<Candidate>| {
        for hint in page {
            match hint {
                // A full run lists the apps, and reads those of users who left with them.
                Candidate::App(_) | Candidate::Belongings(_) | Candidate::User(_) if is_full => {}
                Candidate::App(id) => drop(suspects.apps.insert(id)),
                Candidate::AppGroups(id) => {
                    suspects.apps.insert(id.clone());
                    suspects.whole.insert(id);
                }
                Candidate::Assignment(app, user) => drop(suspects.assignments.entry(app).or_default().insert(user)),
                Candidate::Group(id) => drop(suspects.groups.insert(id)),
                Candidate::Belongings(user) => drop(departed.insert(user)),
                Candidate::User(user) => drop(suspects.removed.insert(user)),
                Candidate::Moved(group, user) => drop(suspects.moved.entry(group).or_default().insert(user)),
                Candidate::Membership(..)
                | Candidate::Roles(_)
                | Candidate::CustomRoles
                | Candidate::Owners(_)
                | Candidate::GroupRules => {}
            }
        }
    };
    work.each_left_to_read(HINTED, visit).await?;
    let visit = |page: Vec<(GroupId, UserId)>| {
        for (group, user) in page {
            suspects.moved.entry(group).or_default().insert(user);
        }
    };
    work.each_left_to_read(MOVED, visit).await?;
    work.each_left_to_read(GONE, |page: Vec<GroupId>| suspects.groups.extend(page)).await?;
    if !is_full {
        // A full run that did not get to its end would have read them.
        work.each_left_to_read(LEFT, |page: Vec<AppId>| suspects.whole.extend(page)).await?;
    }
    for user in departed {
        let query = Query::partition(keys::user_partition(&work.connection.id, &user)).prefix(keys::ASSIGNMENTS);
        for edge in work.app.store.query(&query.names_only()).await? {
            let id = edge.sort_key(None).strip_prefix(keys::ASSIGNMENTS).and_then(|id| AppId::parse(id).ok());
            id.map(|id| suspects.assignments.entry(id).or_default().insert(user.clone()));
        }
    }
    let mut gone = BTreeSet::new();
    for id in std::mem::take(&mut suspects.groups) {
        let item = work.app.store.get(&keys::group(&work.connection.id, &id)).await?;
        let group = item.map(|item| item.parse::<Group>()).transpose()?;
        if group.is_none_or(|group| group.removed_at.is_some()) {
            gone.insert(id);
        }
    }
    suspects.groups = gone;
    Ok(suspects)
}

/// Takes away the assignments of a user who was removed, and counts them: some at a time, so that the edges and the counts
/// of their apps are one transaction.
async fn take_away(work: &mut Work<'_>, user: &UserId) -> Result<(), Error> {
    let connection = &work.connection.id;
    let item = work.app.store.get(&keys::user(connection, user)).await?;
    if item.map(|item| item.parse::<User>()).transpose()?.is_some_and(|user| user.removed_at.is_none()) {
        return Ok(());
    }
    let query = Query::partition(keys::user_partition(connection, user)).prefix(keys::ASSIGNMENTS).names_only();
    let edges = work.app.store.query(&query).await?;
    let holders: Vec<_> = edges.iter().filter_map(|edge| Holder::of_edge(edge.sort_key(None))).collect();
    for some in holders.chunks(MOST_RECORDS / 2) {
        let connection = &work.connection.id;
        let gone = |holder: &Holder| Change::edge_removed(holder.edge(connection, user), holder.about(user.clone()));
        let mut changes: Vec<_> = some.iter().map(gone).collect();
        changes.extend(recount(work, some.iter().map(|holder| (holder.clone(), -1)).collect(), Stamps::Stay).await?);
        work.write(changes).await?;
    }
    Ok(())
}

/// The apps that are stored, with their groups; none where nothing is suspected of any.
async fn stored(work: &Work<'_>, suspects: &Suspects) -> Result<BTreeMap<AppId, (App, Vec<GroupId>)>, Error> {
    let mut stored = BTreeMap::new();
    let Suspects { whole, assignments, groups, moved, .. } = suspects;
    if whole.is_empty() && assignments.is_empty() && groups.is_empty() && moved.is_empty() {
        return Ok(stored);
    }
    let query = Query::index(Index::G1, keys::apps_partition(&work.connection.id, Listed::Present));
    let listed = work.app.store.query(&query).await?;
    let key =
        |item: &crate::store::Item| Key { pk: item.partition_key().to_owned(), sk: item.sort_key(None).to_owned() };
    for item in work.app.store.get_many(&listed.iter().map(key).collect::<Vec<_>>()).await? {
        let app: App = item.parse()?;
        stored.insert(app.id.clone(), (app, App::groups(&item)?));
    }
    Ok(stored)
}
