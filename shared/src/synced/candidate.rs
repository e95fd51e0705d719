//! Candidates: what may have changed in Okta. Nothing is stored on the word of a candidate: the object is read from Okta.

use super::pages::fingerprint;
use crate::clock;
use crate::id::ConnectionId;
use crate::okta::{AppId, GroupId, Principal, UserId};
use crate::store::{Condition, Error, Item, Query, Store, Write, keys};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A candidate that no run has taken for so long is forgotten: the runs since then have read what changed.
const KEPT_SECONDS: i64 = 7 * 86_400;

/// What may have changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Candidate {
    /// A user.
    User(UserId),
    /// The groups and apps of a user.
    Belongings(UserId),
    /// A group.
    Group(GroupId),
    /// Whether a user is in a group, and which way the event says they moved.
    Membership(GroupId, UserId, Move),
    /// A user who joined or left a group: the membership may be stored already, and their apps not yet.
    Moved(GroupId, UserId),
    /// An app.
    App(AppId),
    /// Whether a user has an app.
    Assignment(AppId, UserId),
    /// Which groups have an app.
    AppGroups(AppId),
    /// The admin roles that a user, a group or an OAuth client holds.
    Roles(Principal),
    /// What custom roles allow, and on what.
    CustomRoles,
    /// The owners of a group.
    Owners(GroupId),
    /// Group rules.
    GroupRules,
}

/// The direction of a membership event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Move {
    /// Joined.
    In,
    /// Left.
    Out,
}

/// A candidate that waits for a run.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// What may have changed.
    pub candidate: Candidate,
    item: Item,
}

/// The attribute by which two reports of one candidate differ.
const REPORT: &str = "report";
/// The attribute of one that a run at work has read already.
const READ: &str = "read";

impl Candidate {
    /// The write that has it wait for a run. One that waits already is reported anew.
    pub fn write(&self, connection: &ConnectionId, now: Timestamp) -> Result<Write, Error> {
        let name = fingerprint(&serde_json::to_vec(self).map_err(|_| Error::Corrupt)?);
        let report = uuid::Uuid::new_v4().simple().to_string();
        let item = Item::at(&keys::candidate(connection, &name)).text(REPORT, report);
        Ok(Write::Put(item.expires(clock::after(now, KEPT_SECONDS)).document(self)?))
    }
}

impl Waiting {
    /// Those that wait, at most so many.
    pub async fn some(store: &Store, connection: &ConnectionId, most: usize) -> Result<Vec<Self>, Error> {
        let query = Query::partition(keys::candidates_partition(connection));
        let (items, _) = store.first(query, most).await?;
        items.into_iter().map(|item| Ok(Self { candidate: item.parse()?, item })).collect()
    }

    /// The write that takes it, unless it was reported anew meanwhile.
    pub fn taken(&self) -> Write {
        Write::DeleteIf(self.item.key(), self.same())
    }

    /// True where a run at work has read it since it was reported.
    pub fn is_read(&self) -> bool {
        self.item.get(READ).is_some()
    }

    /// The write that marks it as read, unless it was reported anew meanwhile. It goes on waiting.
    pub fn read(&self) -> Write {
        Write::PutIf(self.item.clone().text(READ, "1"), self.same())
    }

    fn same(&self) -> Condition {
        Condition::text(REPORT, self.item.get(REPORT).unwrap_or_default())
    }
}
