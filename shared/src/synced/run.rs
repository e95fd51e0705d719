//! One run of a sync: what callers see of it, and the checkpoint from which any function can go on.

use super::LastSync;
use crate::id::{ConnectionId, SyncId};
use crate::okta::BadRecord;
use crate::store::{Error, Item, Store, Write, keys};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// How much is read. A larger one does what a smaller one does, and more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Changes since the last run.
    Incremental,
    /// Everything; members only of groups that moved.
    #[default]
    Full,
    /// Everything, and nothing is taken for unchanged.
    Verify,
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// At work.
    Running,
    /// Waiting for a limit or for Okta.
    Waiting,
    /// Done.
    Succeeded,
    /// Given up.
    Failed,
    /// Done, except for removals that somebody must confirm.
    NeedsConfirmation,
    /// Stopped by a caller.
    Cancelled,
}

impl RunStatus {
    /// True once nothing more will happen.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::Waiting)
    }
}

/// What a run is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Users of all statuses.
    Users,
    /// Groups.
    Groups,
    /// Members of groups.
    Memberships,
}

/// What a run has done in a phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Progress {
    /// Read from Okta.
    pub seen: u64,
    /// Stored for the first time.
    pub added: u64,
    /// Stored again.
    pub changed: u64,
    /// Removed.
    pub removed: u64,
}

/// Where a listing stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The next page's URL; none before the first page.
    pub next: Option<String>,
    /// Pages read so far.
    pub pages: u32,
    /// Counts restarts after a refused cursor; only one whole pass counts as the list.
    pub pass: u32,
    /// An earlier page's URL: a list that comes back to it would never end.
    pub mark: Option<String>,
}

/// The members of one group being read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crawl {
    /// Where the list of members stands.
    pub listing: Listing,
    /// Which page of the groups seen the group stands on, and where on it.
    pub page: u32,
    /// The place on that page.
    pub place: usize,
    /// Memberships found in excess so far, in all groups.
    pub excess: u64,
    /// Memberships stored for the groups read so far.
    pub stored: u64,
    /// Pages of excess memberships noted so far.
    pub noted: u32,
}

/// From where a run goes on. If it is not in here, a killed function has forgotten it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Checkpoint {
    /// The plain list of users, which leaves out the deprovisioned.
    Users {
        /// Where it stands.
        listing: Listing,
    },
    /// The deprovisioned users.
    Deprovisioned {
        /// Where it stands.
        listing: Listing,
    },
    /// Finding the users that are stored and were not seen.
    FindMissingUsers,
    /// Asking for each missing user.
    VerifyMissingUsers {
        /// The page of missing users to ask for.
        page: u32,
        /// The place on it.
        place: usize,
    },
    /// The list of groups.
    Groups {
        /// Where it stands.
        listing: Listing,
    },
    /// Finding the groups that are stored and were not seen.
    FindMissingGroups,
    /// Asking for each missing group.
    VerifyMissingGroups {
        /// The page of missing groups to ask for.
        page: u32,
        /// The place on it.
        place: usize,
    },
    /// Reading the members of groups that moved.
    Memberships {
        /// Which group, and where its list stands.
        crawl: Crawl,
    },
    /// Removing what was found in excess.
    ExcessMemberships {
        /// Pages noted.
        noted: u32,
        /// Pages done.
        done: u32,
    },
    /// Writing the roster and ending.
    Finish,
}

/// A run as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: SyncId,
    /// How much it reads.
    pub mode: Mode,
    /// What was asked for, where that was something else.
    pub requested_mode: Option<Mode>,
    /// The execution that a schedule started it for; its name does not tell the run.
    #[serde(default)]
    pub execution: Option<String>,
    /// What became of it.
    pub status: RunStatus,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it is busy with.
    pub phase: Option<Phase>,
    /// What it has done.
    pub progress: BTreeMap<Phase, Progress>,
    /// Requests sent to Okta.
    pub requests: u64,
    /// Access tokens that were granted for it.
    pub tokens: u64,
    /// Seconds slept for limits.
    pub waited_seconds: u64,
    /// Until when it waits.
    pub next_wake: Option<Timestamp>,
    /// What it would remove once somebody confirms.
    pub pending_removals: BTreeMap<Phase, u64>,
    /// Why it failed, as a problem.
    pub error: Option<Value>,
    /// Records it could not read.
    pub bad: Vec<BadRecord>,
    /// The listings that were read to their end, as they are noted.
    pub read: Vec<String>,
    /// Failures of Okta in a row.
    pub failures: u32,
    /// From where it goes on.
    pub checkpoint: Checkpoint,
    /// When it was last stored.
    pub updated_at: Timestamp,
}

impl Run {
    /// A run that has not begun.
    pub fn new(mode: Mode, requested_mode: Option<Mode>, now: Timestamp) -> Self {
        Self {
            id: SyncId::random(),
            mode,
            requested_mode,
            execution: None,
            status: RunStatus::Running,
            started_at: now,
            finished_at: None,
            phase: None,
            progress: BTreeMap::new(),
            requests: 0,
            tokens: 0,
            waited_seconds: 0,
            next_wake: None,
            pending_removals: BTreeMap::new(),
            error: None,
            bad: Vec::new(),
            read: Vec::new(),
            failures: 0,
            checkpoint: Checkpoint::Users { listing: Listing::default() },
            updated_at: now,
        }
    }

    /// Reads one.
    pub async fn load(store: &Store, connection: &ConnectionId, id: &SyncId) -> Result<Option<Self>, Error> {
        store.get(&keys::run(connection, id)).await?.map(|item| item.parse()).transpose()
    }

    /// The write that stores it; a run is kept for 90 days.
    pub fn write(&self, connection: &ConnectionId) -> Result<Write, Error> {
        let item =
            Item::at(&keys::run(connection, &self.id)).expires(crate::clock::after(self.started_at, 90 * 86_400));
        Ok(Write::Put(item.document(self)?))
    }

    /// True where it neither works nor waits although it is not over: its function is dead, and nobody woke it.
    pub async fn is_abandoned(&self, store: &Store, connection: &ConnectionId, now: Timestamp) -> Result<bool, Error> {
        let asleep = self.next_wake.is_some_and(|wake| wake > now);
        let fresh = now.duration_since(self.updated_at).as_secs() < 60;
        if self.status.is_over() || asleep || fresh {
            return Ok(false);
        }
        // Whoever drives a run bears its id: the execution's name on AWS, the run itself on one machine. An execution that
        // a schedule started has a name of the schedule's, which the run bears instead.
        let owner = store.lease_owner(&keys::sync_lease(connection)).await?;
        let drives = |owner: &str| owner.contains(self.id.as_str()) || self.execution.as_deref() == Some(owner);
        Ok(!owner.is_some_and(|owner| drives(&owner)))
    }

    /// What has been done in a phase.
    pub fn count(&mut self, phase: Phase) -> &mut Progress {
        self.progress.entry(phase).or_default()
    }

    /// In short, once it is over.
    pub fn summary(&self) -> Option<LastSync> {
        let finished_at = self.finished_at?;
        Some(LastSync { id: self.id.clone(), mode: self.mode, status: self.status, finished_at })
    }
}
