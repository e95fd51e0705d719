//! What holds users: a group its members, an app those who are assigned to it. Both are listed, missed, verified and
//! removed in the same way.

use super::change::Change;
use super::missing::Found;
use super::work::{Stop, Work};
use super::{apps, groups};
use crate::connection::Stream;
use crate::event::About;
use crate::id::ConnectionId;
use crate::okta::{AppId, GroupId, Member, Request, UserId, api};
use crate::store::keys::{self, IndexKey, Listed};
use crate::store::{Error, Index, Key, Query};
use crate::synced::{Checkpoint, Crawl, EXCESS_ASSIGNMENTS, EXCESS_MEMBERSHIPS, Objects, Phase, Run, Scope};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A group or an app.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Holder {
    Group(GroupId),
    App(AppId),
}

/// Groups or apps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Groups,
    Apps,
}

/// A holder that was seen on its list.
#[derive(Serialize, Deserialize)]
pub(super) struct Seen {
    pub holder: Holder,
    /// When a group's members last changed, read before they are.
    pub stamp: Option<String>,
    /// Whether its users must be read.
    pub crawl: bool,
}

impl Holder {
    /// The holder at the other end of an edge, by the edge's sort key in its user's partition.
    pub fn of_edge(sk: &str) -> Option<Self> {
        let group = || GroupId::parse(sk.strip_prefix(keys::MEMBERSHIPS)?).ok().map(Self::Group);
        let app = || AppId::parse(sk.strip_prefix(keys::ASSIGNMENTS)?).ok().map(Self::App);
        group().or_else(app)
    }

    pub fn id(&self) -> &str {
        match self {
            Self::Group(id) => id.as_str(),
            Self::App(id) => id.as_str(),
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Group(_) => Kind::Groups,
            Self::App(_) => Kind::Apps,
        }
    }

    /// The list of its users.
    pub fn users(&self, run: &Run) -> Request {
        match self {
            Self::Group(id) if run.small_pages => api::page_group_members(id, api::FEWER_MEMBERS),
            Self::Group(id) => api::page_group_members(id, api::MEMBERS_PAGE),
            Self::App(id) => api::list_app_users(id, api::APP_USERS_PAGE),
        }
    }

    /// The index partition of its edges.
    pub fn partition(&self, connection: &ConnectionId) -> String {
        match self {
            Self::Group(id) => keys::members_partition(connection, id),
            Self::App(id) => keys::assigned_partition(connection, id),
        }
    }

    /// The edge to a user.
    pub fn edge(&self, connection: &ConnectionId, user: &UserId) -> Key {
        match self {
            Self::Group(id) => keys::membership(connection, id, user),
            Self::App(id) => keys::assignment(connection, id, user),
        }
    }

    /// Where the edge to a user stands in the index; it tells all there is to tell of the edge.
    pub fn index(&self, connection: &ConnectionId, member: &Member) -> IndexKey {
        match self {
            Self::Group(id) => keys::membership_index(connection, id, &member.id),
            Self::App(id) => {
                let scope = Scope::parse(member.scope.as_deref());
                keys::assignment_index(connection, id, &member.id, scope.as_str())
            }
        }
    }

    /// The group, where it is one.
    pub fn group(&self) -> Option<&GroupId> {
        match self {
            Self::Group(id) => Some(id),
            Self::App(_) => None,
        }
    }

    /// The edge to a user, as it is told.
    pub fn about(&self, user: UserId) -> About {
        match self {
            Self::Group(id) => About::Membership(id.clone(), user),
            Self::App(id) => About::Assignment(id.clone(), user),
        }
    }
}

impl Kind {
    /// What they are.
    pub fn objects(self) -> Objects {
        match self {
            Self::Groups => Objects::Groups,
            Self::Apps => Objects::Apps,
        }
    }

    /// The part of a run that reads their users.
    pub fn edges(self) -> Phase {
        match self {
            Self::Groups => Phase::Memberships,
            Self::Apps => Phase::Assignments,
        }
    }

    /// Under which name edges in excess are noted.
    pub fn noted_excess(self, run: &Run) -> String {
        let name = self.asked_about();
        if run.confirmed.is_empty() { name.to_owned() } else { format!("{name}.confirmed") }
    }

    /// The same, where somebody was asked about them.
    pub fn asked_about(self) -> &'static str {
        match self {
            Self::Groups => EXCESS_MEMBERSHIPS,
            Self::Apps => EXCESS_ASSIGNMENTS,
        }
    }

    /// The index partition of those that the tenant has.
    pub fn partition(self, connection: &ConnectionId) -> String {
        match self {
            Self::Groups => keys::groups_partition(connection, Listed::Present),
            Self::Apps => keys::apps_partition(connection, Listed::Present),
        }
    }

    /// Reading users goes on there.
    pub fn crawl(self, crawl: Crawl) -> Checkpoint {
        match self {
            Self::Groups => Checkpoint::Memberships { crawl },
            Self::Apps => Checkpoint::Assignments { crawl },
        }
    }

    /// How many pages of edges in excess a run has noted.
    pub fn excess_pages(self, run: &mut Run) -> &mut u32 {
        match self {
            Self::Groups => &mut run.excess,
            Self::Apps => &mut run.excess_assignments,
        }
    }

    /// The stream of which they are a part.
    pub fn stream(self) -> Stream {
        match self {
            Self::Groups => Stream::Groups,
            Self::Apps => Stream::Apps,
        }
    }

    /// What comes after their users.
    pub fn after(self, work: &Work<'_>) -> Checkpoint {
        match self {
            Self::Groups => work.after_memberships(),
            Self::Apps => work.after_assignments(),
        }
    }

    /// Removing what is in excess goes on there.
    pub fn excess(self, noted: u32, done: u32) -> Checkpoint {
        match self {
            Self::Groups => Checkpoint::ExcessMemberships { noted, done },
            Self::Apps => Checkpoint::ExcessAssignments { noted, done },
        }
    }
}

/// Their list that was read to its end.
pub(super) fn list<'a>(work: &'a Work<'_>, kind: Kind) -> Option<&'a str> {
    work.run.read.get(&kind.objects().phase())?.last().map(String::as_str)
}

/// Which are stored and were not on the list.
pub(super) async fn find_missing(work: &Work<'_>, kind: Kind) -> Result<Found, Stop> {
    let mut seen = HashSet::new();
    if let Some(list) = list(work, kind) {
        let visit = |rows: Vec<Seen>| seen.extend(rows.into_iter().map(|row| row.holder.id().to_owned()));
        work.each_noted(list, visit).await?;
    }
    let stored = work.app.store.query(&Query::index(Index::G1, kind.partition(&work.connection.id))).await?;
    let ids =
        stored.iter().filter_map(|item| keys::split_named_index(item.sort_key(Some(Index::G1))).map(|(_, id)| id));
    let missing = ids.filter(|id| !seen.contains(*id)).map(str::to_owned).collect();
    Ok(Found { missing, stored: stored.len() as u64, seen: seen.len() as u64 })
}

/// The write that puts further ones behind those that were listed.
pub(super) async fn note_more(work: &mut Work<'_>, kind: Kind, more: &[Seen]) -> Result<Option<Change>, Error> {
    let list = match list(work, kind) {
        Some(list) => list.to_owned(),
        // A short run lists nothing before.
        None if work.run.is_short => {
            let list = format!("{}.short", kind.objects().phase().name());
            work.run.read.insert(kind.objects().phase(), vec![list.clone()]);
            list
        }
        None => return Ok(None),
    };
    let mut page = 0;
    while work.noted::<Seen>(&list, page).await?.is_some() {
        page += 1;
    }
    work.note(&list, page, more).map(Some)
}

/// Removes a holder's edges, and gives the change that removes the holder.
pub(super) async fn remove(work: &mut Work<'_>, holder: &Holder) -> Result<Option<Change>, Error> {
    let removed = match holder {
        Holder::Group(id) => groups::removed(work, id).await?,
        Holder::App(id) => apps::removed(work, id).await?,
    };
    if removed.is_none() {
        return Ok(None);
    }
    let app = work.app;
    let query = Query::index(Index::G2, holder.partition(&work.connection.id));
    let mut pages = app.store.pages(&query);
    while let Some(edges) = pages.next().await? {
        let users = edges.iter().map(|edge| keys::split_edge_index(edge.sort_key(Some(Index::G2))).0);
        let connection = &work.connection.id;
        let gone = |user: UserId| Change::edge_removed(holder.edge(connection, &user), holder.about(user));
        work.write(users.filter_map(|user| UserId::parse(user).ok()).map(gone).collect()).await?;
    }
    Ok(removed)
}
