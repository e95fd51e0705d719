//! From where a run goes on.

use super::run::Phase;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// From where a run goes on. If it is not in here, a killed function has forgotten it.
///
/// Its steps are not internally tagged: serde buffers such an enum, and numbers that keep their digits
/// (`arbitrary_precision`) cannot be read from that buffer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// Taking the candidates that wait.
    Candidates,
    /// The users that changed since the last run.
    ChangedUsers {
        /// Where the list stands.
        listing: Listing,
    },
    /// Making readable what a first run has read of users.
    Publish,
    /// The list of groups; in an incremental run, of those that changed since the last.
    Groups {
        /// Where it stands.
        listing: Listing,
    },
    /// Finding what is stored and was not listed.
    FindMissing {
        /// Which objects.
        of: Objects,
    },
    /// Asking for each that is missing.
    VerifyMissing {
        /// Which objects.
        of: Objects,
        /// How many are stored.
        stored: u64,
        /// The page of missing ones to ask for.
        page: u32,
        /// The place on it.
        place: usize,
    },
    /// Reading which deletions the log knows.
    JudgeMissing {
        /// Which objects.
        of: Objects,
        /// How many are stored.
        stored: u64,
        /// Where the reading of the log stands.
        listing: Listing,
    },
    /// Removing what is gone.
    RemoveMissing {
        /// Which objects.
        of: Objects,
        /// How many of them are done.
        place: usize,
    },
    /// Removing what somebody confirmed.
    RemoveConfirmed {
        /// Which objects.
        of: Objects,
        /// How many of them are done.
        place: usize,
    },
    /// Finding the groups and apps of which somebody confirmed that users may go.
    RereadConfirmed,
    /// Reading from the log what else may have changed.
    Log {
        /// Where the reading stands.
        listing: Listing,
    },
    /// Sorting what may have changed into tasks.
    Hints,
    /// Sorting what may have changed of apps into tasks.
    AppHints,
    /// Reading what may have changed of apps, one by one.
    AppTasks {
        /// The page of tasks.
        page: u32,
        /// The place on it.
        place: usize,
    },
    /// Reading what may have changed, object by object.
    Tasks {
        /// The page of tasks.
        page: u32,
        /// The place on it.
        place: usize,
    },
    /// Reading the members of groups that moved.
    Memberships {
        /// Which group, and where its list stands.
        crawl: Crawl,
    },
    /// Removing the memberships that were found in excess.
    ExcessMemberships {
        /// Pages noted.
        noted: u32,
        /// Pages done.
        done: u32,
    },
    /// The list of apps.
    Apps {
        /// Where it stands.
        listing: Listing,
    },
    /// Reading the groups and users of apps whose assignments are due.
    Assignments {
        /// Which app, and where its list stands.
        crawl: Crawl,
    },
    /// Removing the assignments that were found in excess.
    ExcessAssignments {
        /// Pages noted.
        noted: u32,
        /// Pages done.
        done: u32,
    },
    /// Reading user types and the schemas of profiles.
    UserTypes,
    /// The users with admin roles.
    Assignees {
        /// Where their list stands.
        listing: Listing,
    },
    /// Finding whose roles and which owners are to be read.
    SortAccess,
    /// Reading them, one by one.
    AccessTasks {
        /// The page of tasks.
        page: u32,
        /// The place on it.
        place: usize,
    },
    /// The custom roles and resource sets that somebody holds.
    CustomRoles {
        /// Which is next.
        place: usize,
    },
    /// The list of group rules.
    GroupRules {
        /// Where it stands.
        listing: Listing,
    },
    /// Writing the roster and ending.
    Finish,
}

/// The part of a run that stands still while another one goes on: groups with their members, or apps with their users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// From where it goes on.
    pub checkpoint: Checkpoint,
    /// Until when Okta's limit holds it up; none where it may go on.
    pub until: Option<Timestamp>,
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

/// The users of one group or app being read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crawl {
    /// Where the list of users stands; before it, of an app, that of its groups.
    pub listing: Listing,
    /// When Okta gave the first page of the users: what changes later may be missing from that page.
    #[serde(default)]
    pub began: Option<Timestamp>,
    /// Of an app: the list of its groups that was read to its end, as it is noted.
    pub groups: Option<String>,
    /// Which page of the groups or apps seen it stands on, and where on it.
    pub page: u32,
    /// The place on that page.
    pub place: usize,
    /// Edges found in excess so far, of all groups or apps.
    pub excess: u64,
    /// Edges stored for the groups or apps read so far.
    pub stored: u64,
    /// Groups or apps whose users were read to the end.
    #[serde(default)]
    pub read: u32,
    /// Groups or apps whose users Okta refused for want of a right.
    #[serde(default)]
    pub refused: u32,
    /// True where a user of the one being read could not be identified: none of its stored users counts as in excess.
    #[serde(default)]
    pub unsure: bool,
}

/// Objects that may be missing from a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objects {
    /// Users.
    Users,
    /// Groups.
    Groups,
    /// Apps.
    Apps,
}

impl Objects {
    /// One of them.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Users => "user",
            Self::Groups => "group",
            Self::Apps => "app",
        }
    }

    /// All of them.
    pub const ALL: [Self; 3] = [Self::Users, Self::Groups, Self::Apps];

    /// What one of them is called.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Users => "user",
            Self::Groups => "group",
            Self::Apps => "app",
        }
    }

    /// The phase that reads them.
    pub fn phase(self) -> Phase {
        match self {
            Self::Users => Phase::Users,
            Self::Groups => Phase::Groups,
            Self::Apps => Phase::Apps,
        }
    }

    /// The notes of those that are stored and were not listed.
    pub fn missing(self) -> String {
        format!("missing.{}", self.phase().name())
    }

    /// The notes of those that are to be removed.
    pub fn removals(self) -> String {
        format!("removals.{}", self.phase().name())
    }

    /// The notes of those that the log tells to be deleted.
    pub fn deleted(self) -> String {
        format!("deleted.{}", self.phase().name())
    }
}
