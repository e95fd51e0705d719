//! One run of a sync: what callers see of it, and the checkpoint from which any function can go on.

use super::LastSync;
use super::checkpoint::{Checkpoint, Listing, Objects, Parked};
use super::roster::Sum;
use crate::connection::Stream;
use crate::id::{ConnectionId, SyncId};
use crate::okta::BadRecord;
use crate::store::{Error, Item, Store, Write, keys};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
    /// Stopped by a caller, or its question can no longer be confirmed.
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
    /// Applications.
    Apps,
    /// Users of applications.
    Assignments,
    /// User types and the schemas of profiles.
    UserTypes,
    /// Places, from what people's profiles say.
    Locations,
    /// Admin roles, and who holds them.
    Admins,
    /// Owners of groups.
    Owners,
    /// Rules that make users members of groups.
    GroupRules,
}

impl Phase {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Memberships => "memberships",
            Self::Apps => "apps",
            Self::Assignments => "assignments",
            Self::UserTypes => "user_types",
            Self::Locations => "locations",
            Self::Admins => "admins",
            Self::Owners => "owners",
            Self::GroupRules => "group_rules",
        }
    }
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

/// An object of which Okta refused something. What is stored of it stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PassedOver {
    /// `user`, `group`, `app`, `user_type` or `schema`; `list` for a whole list, whose id is the stream.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name or label, where it is known.
    pub name: Option<String>,
    /// Okta's HTTP status.
    pub status: u16,
    /// Okta's own code, such as `E0000060`.
    pub okta_error_code: Option<String>,
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
    /// True for one that reads candidates and nothing else.
    #[serde(default)]
    pub is_short: bool,
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
    /// What Okta does not let us read: the finding that says why.
    #[serde(default)]
    pub skipped: BTreeMap<Phase, String>,
    /// The first objects that it passed over.
    #[serde(default)]
    pub passed_over: Vec<PassedOver>,
    /// How many objects it passed over.
    #[serde(default)]
    pub passed_over_count: u64,
    /// Why it failed, as a problem.
    pub error: Option<Value>,
    /// What somebody confirmed of it.
    #[serde(default)]
    pub confirmed: BTreeSet<Phase>,
    /// When it was confirmed.
    #[serde(default)]
    pub confirmed_at: Option<Timestamp>,
    /// Records it could not read.
    pub bad: Vec<BadRecord>,
    /// The streams that it reads.
    #[serde(default)]
    pub streams: BTreeSet<Stream>,
    /// Those of them that it has read to their end.
    #[serde(default)]
    pub complete: BTreeSet<Stream>,
    /// The listings that were read to their end, as they are noted.
    pub read: BTreeMap<Phase, Vec<String>>,
    /// What the lines noted with the lists of users add up to; none where a list began again.
    #[serde(default)]
    pub sum: Option<Sum>,
    /// Pages of other lines of the roster noted so far.
    #[serde(default)]
    pub lines: u32,
    /// Pages of memberships in excess noted so far.
    #[serde(default)]
    pub excess: u32,
    /// Pages of assignments in excess noted so far.
    #[serde(default)]
    pub excess_assignments: u32,
    /// Okta's time when the run began to read.
    #[serde(default)]
    pub began: Option<Timestamp>,
    /// From where the log is to be read next time, where this run read it.
    #[serde(default)]
    pub log_next: Option<String>,
    /// True once Okta failed over a large page of members: it is asked for smaller ones.
    #[serde(default)]
    pub small_pages: bool,
    /// Failures of Okta in a row.
    pub failures: u32,
    /// From where it goes on.
    pub checkpoint: Checkpoint,
    /// What it reads side by side with that, where it does.
    #[serde(default)]
    pub parked: Option<Parked>,
    /// True once it reads groups and apps side by side.
    #[serde(default)]
    pub beside: bool,
    /// How many hints there are about admin roles, owners and group rules, which are read behind everything else.
    #[serde(default)]
    pub access_hints: u64,
    /// When a step of it was last done; none before the first.
    #[serde(default)]
    pub progressed_at: Option<Timestamp>,
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
            is_short: false,
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
            skipped: BTreeMap::new(),
            passed_over: Vec::new(),
            passed_over_count: 0,
            error: None,
            confirmed: BTreeSet::new(),
            confirmed_at: None,
            bad: Vec::new(),
            streams: BTreeSet::new(),
            complete: BTreeSet::new(),
            read: BTreeMap::new(),
            sum: (mode != Mode::Incremental).then(Sum::default),
            lines: 0,
            excess: 0,
            excess_assignments: 0,
            began: None,
            log_next: None,
            small_pages: false,
            failures: 0,
            checkpoint: match mode {
                Mode::Full | Mode::Verify => Checkpoint::Users { listing: Listing::default() },
                Mode::Incremental => Checkpoint::ChangedUsers { listing: Listing::default() },
            },
            parked: None,
            beside: false,
            access_hints: 0,
            progressed_at: None,
            updated_at: now,
        }
    }

    /// A short run that has not begun: it reads the candidates that wait, and nothing else.
    pub fn short(now: Timestamp) -> Self {
        let run = Self::new(Mode::Incremental, None, now);
        Self { is_short: true, checkpoint: Checkpoint::Candidates, ..run }
    }

    /// Reads one.
    pub async fn load(store: &Store, connection: &ConnectionId, id: &SyncId) -> Result<Option<Self>, Error> {
        store.get(&keys::run(connection, id)).await?.map(|item| item.parse()).transpose()
    }

    /// The write that stores it. A run is kept for 90 days; a short one, of which there may be one a second, for a day.
    pub fn write(&self, connection: &ConnectionId) -> Result<Write, Error> {
        let days = if self.is_short { 1 } else { 90 };
        let item =
            Item::at(&keys::run(connection, &self.id)).expires(crate::clock::after(self.started_at, days * 86_400));
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

    /// Turns to what is parked, if the limit that holds that up ends before `until`, when the one of this part does. Gives
    /// the time from which the run can go on.
    pub fn turn(&mut self, until: Timestamp, now: Timestamp) -> Timestamp {
        let Some(parked) = &mut self.parked else { return until };
        let other = parked.until.filter(|other| *other > now);
        if other.is_some_and(|other| other >= until) {
            return until;
        }
        std::mem::swap(&mut parked.checkpoint, &mut self.checkpoint);
        parked.until = Some(until);
        other.unwrap_or(now)
    }

    /// Turns to what is parked where the limit that held it up is over, or where nothing else is left to read.
    pub fn take_up(&mut self, now: Timestamp) {
        let is_last = matches!(self.checkpoint, Checkpoint::UserTypes | Checkpoint::Finish);
        match &mut self.parked {
            Some(parked) if is_last => {
                self.checkpoint = parked.checkpoint.clone();
                self.parked = None;
            }
            Some(parked) if parked.until.is_some_and(|until| until <= now) => {
                std::mem::swap(&mut parked.checkpoint, &mut self.checkpoint);
                parked.until = None;
            }
            _ => {}
        }
    }

    /// Why Okta does not let it read a stream, where it does not.
    pub fn skipped_of(&self, stream: Stream) -> Option<&String> {
        let phases: &[Phase] = match stream {
            Stream::Users => &[Phase::Users],
            Stream::Groups => &[Phase::Groups, Phase::Memberships],
            Stream::Apps => &[Phase::Apps, Phase::Assignments],
            Stream::Locations => &[Phase::Locations],
            Stream::Admins => &[Phase::Admins],
            Stream::Owners => &[Phase::Owners],
            Stream::GroupRules => &[Phase::GroupRules],
        };
        phases.iter().find_map(|phase| self.skipped.get(phase))
    }

    /// Notes that it has read a stream to its end, unless Okta does not let it.
    pub fn completes(&mut self, stream: Stream) {
        if self.streams.contains(&stream) && self.skipped_of(stream).is_none() {
            self.complete.insert(stream);
        }
    }

    /// True where Okta did not let it read something, or something could not be read.
    pub fn is_partial(&self) -> bool {
        // Admin roles are read where that is allowed, and few connections are allowed to.
        let skips = self.skipped.keys().any(|phase| *phase != Phase::Admins);
        self.passed_over_count > 0 || skips || !self.bad.is_empty()
    }

    /// What has been done in a phase.
    pub fn count(&mut self, phase: Phase) -> &mut Progress {
        self.progress.entry(phase).or_default()
    }

    /// Lets a run that is over go on with what somebody confirmed.
    pub fn confirm(&mut self, now: Timestamp) {
        self.confirmed = std::mem::take(&mut self.pending_removals).into_keys().collect();
        (self.status, self.finished_at, self.failures) = (RunStatus::Running, None, 0);
        (self.read, self.lines, self.confirmed_at) = (BTreeMap::new(), 0, Some(now));
        self.parked = None;
        (self.checkpoint, self.updated_at) = (Checkpoint::RemoveConfirmed { of: Objects::Users, place: 0 }, now);
    }

    /// When it last got on: at the latest when it began, or when a caller confirmed its removals.
    pub fn went_on_at(&self) -> Timestamp {
        self.started_at.max(self.confirmed_at.unwrap_or_default()).max(self.progressed_at.unwrap_or_default())
    }

    /// The list of lines of the roster that come from no list of users. What was confirmed is a part of its own: the
    /// roster has moved on since.
    pub fn lines_list(&self) -> &'static str {
        if self.confirmed.is_empty() { "lines" } else { "lines.confirmed" }
    }

    /// True where it brings the roster up to date, instead of making it anew.
    pub fn patches(&self) -> bool {
        self.mode == Mode::Incremental || !self.confirmed.is_empty()
    }

    /// In short, once it is over.
    pub fn summary(&self) -> Option<LastSync> {
        let finished_at = self.finished_at?;
        Some(LastSync { id: self.id.clone(), mode: self.mode, status: self.status, finished_at })
    }
}
