//! Who may administer what: admin roles, owners of groups, and group rules.
//!
//! A run that reads everything lists the users with roles, and asks for the roles of each; an incremental one asks for those
//! that an event names. There are few of them beside users and groups, so that each is a request and a commit of its own.

mod admins;
mod custom_roles;
mod group_rules;
mod owners;

pub(super) use admins::{note_groups, read_assignees};
pub(super) use custom_roles::read as read_custom_role;
pub(super) use group_rules::read as read_group_rules;

use super::change::Change;
use super::work::{HINTED, Stop, Work};
use crate::connection::Stream;
use crate::okta::{self, GroupId, Page, Principal, Request, api};
use crate::store::{Error, Write};
use crate::synced::access::{Record, record};
use crate::synced::{Candidate, Checkpoint, Listing, Mode, Phase};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};

/// The list of tasks, and how many of them are on one page of it.
const TASKS: &str = "access_tasks";
const ON_A_PAGE: usize = 200;
/// Pages of one small list, such as the owners of a group.
const MOST_PAGES: usize = 100;

/// Something to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Task {
    Roles(Principal),
    Owners(GroupId),
}

impl Task {
    fn phase(&self) -> Phase {
        match self {
            Self::Roles(_) => Phase::Admins,
            Self::Owners(_) => Phase::Owners,
        }
    }
}

impl Work<'_> {
    /// What comes behind user types, in a run that reads everything.
    pub fn after_user_types(&self) -> Checkpoint {
        if self.reads_access(Stream::Admins) {
            Checkpoint::Assignees { listing: Listing::default() }
        } else if self.reads_access(Stream::Owners) {
            Checkpoint::SortAccess
        } else {
            self.after_custom_roles()
        }
    }

    /// What comes behind the roles and owners that were read.
    fn after_access_tasks(&self) -> Checkpoint {
        if self.reads_access(Stream::Admins) { Checkpoint::CustomRoles { place: 0 } } else { self.after_custom_roles() }
    }

    fn after_custom_roles(&self) -> Checkpoint {
        if self.reads_access(Stream::GroupRules) {
            Checkpoint::GroupRules { listing: Listing::default() }
        } else {
            Checkpoint::Finish
        }
    }

    /// True for a stream of these that the connection syncs, and Okta lets us read as far as is known.
    fn reads_access(&self, stream: Stream) -> bool {
        self.syncs(stream) && self.run.skipped_of(stream).is_none()
    }

    /// True for a run that takes nothing for known: one that verifies, and the first.
    fn knows_nothing_of(&self, phase: Phase) -> bool {
        self.run.mode == Mode::Verify || !self.state.complete.contains(&phase)
    }
}

/// Makes tasks: of everything, or of what events name.
pub(super) async fn sort(work: &mut Work<'_>) -> Result<(), Stop> {
    let mut tasks = BTreeSet::new();
    work.each_left_to_read(HINTED, |page: Vec<Candidate>| {
        tasks.extend(page.into_iter().filter_map(|hint| match hint {
            Candidate::Roles(holder) => Some(Task::Roles(holder)),
            Candidate::Owners(group) => Some(Task::Owners(group)),
            _ => None,
        }));
    })
    .await?;
    if !work.run.patches() {
        if work.reads_access(Stream::Admins) {
            tasks.extend(admins::holders(work).await?.into_iter().map(Task::Roles));
        }
        if work.reads_access(Stream::Owners) {
            tasks.extend(owners::groups(work).await?.into_iter().map(Task::Owners));
        }
    }
    let stream = |task: &Task| if task.phase() == Phase::Admins { Stream::Admins } else { Stream::Owners };
    let tasks: Vec<_> = tasks.into_iter().filter(|task| work.reads_access(stream(task))).collect();
    let pages = (0_u32..).zip(tasks.chunks(ON_A_PAGE));
    let changes = pages.map(|(page, some)| work.note(TASKS, page, some)).collect::<Result<Vec<_>, _>>()?;
    work.run.checkpoint =
        if tasks.is_empty() { work.after_access_tasks() } else { Checkpoint::AccessTasks { page: 0, place: 0 } };
    Ok(work.commit(changes).await?)
}

/// Works off one task.
pub(super) async fn work_off(work: &mut Work<'_>, page: u32, place: usize) -> Result<(), Stop> {
    let Some(tasks) = work.noted::<Task>(TASKS, page).await? else {
        work.run.checkpoint = work.after_access_tasks();
        return Ok(work.commit(Vec::new()).await?);
    };
    // What Okta lets nobody read is asked for once.
    let left = tasks.iter().enumerate().skip(place).find(|(_, task)| !work.run.skipped.contains_key(&task.phase()));
    let change = match left {
        Some((_, Task::Roles(holder))) => admins::read(work, holder).await?,
        Some((_, Task::Owners(group))) => owners::read(work, group).await?,
        None => None,
    };
    let next = left.map_or(tasks.len(), |(place, _)| place + 1);
    work.run.checkpoint = if next < tasks.len() {
        Checkpoint::AccessTasks { page, place: next }
    } else {
        Checkpoint::AccessTasks { page: page + 1, place: 0 }
    };
    Ok(work.commit(change.into_iter().collect()).await?)
}

/// The change that makes a record what Okta says it is; none where it is that already. It is counted.
async fn store<T: Record>(work: &mut Work<'_>, phase: Phase, told: &T) -> Result<Option<Change>, Error> {
    let connection = &work.connection.id;
    let stored = record::<T>(&work.app.store, &told.key(connection)).await?;
    if stored.as_ref() == Some(told) {
        return Ok(None);
    }
    let item = told.item(connection)?;
    let counts = work.run.count(phase);
    match stored {
        Some(_) => counts.changed += 1,
        None => counts.added += 1,
    }
    Ok(Some(Write::Put(item).into()))
}

/// The change that removes a record; none where there is none. It is counted.
async fn remove<T: Record>(work: &mut Work<'_>, phase: Phase, key: crate::store::Key) -> Result<Option<Change>, Error> {
    if record::<T>(&work.app.store, &key).await?.is_none() {
        return Ok(None);
    }
    work.run.count(phase).removed += 1;
    Ok(Some(Write::Delete(key).into()))
}

/// All pages of a small list, as one.
async fn whole<T: DeserializeOwned>(work: &Work<'_>, first: &Request) -> Result<Page<T>, okta::Error> {
    let mut whole = work.client.page::<T>(first).await?;
    let mut followed = HashSet::new();
    while let Some(next) = whole.next.take() {
        if followed.len() >= MOST_PAGES || !followed.insert(next.clone()) {
            return Err(okta::Error::Unreadable(format!("the list of {} has no end", first.path())));
        }
        let page = work.client.page::<T>(&api::next(first, next)).await?;
        whole.items.extend(page.items);
        whole.bad.extend(page.bad);
        whole.next = page.next;
    }
    Ok(whole)
}
