//! A slice at work: what its steps share.

use super::ahead::Ahead;
use super::change::Change;
use super::edges::Stored;
use super::holder::Holder;
use crate::app::App;
use crate::connection::{Connection, Stream};
use crate::diagnosis;
use crate::okta::{self, BadRecord, Client, Meaning, Refusal};
use crate::store::{self, Lease};
use crate::synced::roster::Line;
use crate::synced::{Candidate, Checkpoint, Crawl, Listing, Mode, Objects, PassedOver, Phase, Run, State};
use http::StatusCode;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::Instant;

/// Why a step did not get to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error(transparent)]
    Okta(#[from] okta::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A slice at work.
pub(super) struct Work<'a> {
    pub app: &'a App,
    pub connection: &'a Connection,
    pub client: Arc<Client>,
    pub ahead: Ahead,
    pub lease: Lease,
    pub run: Run,
    /// What earlier runs left behind.
    pub state: State,
    /// What a step found that may have changed as well.
    pub hints: Vec<Candidate>,
    /// When it was last looked for candidates between two steps.
    pub looked_at: Option<Instant>,
    /// True while one of them is read.
    pub is_between: bool,
    /// Requests, tokens and seconds waited before this slice.
    pub before: [u64; 3],
    /// The users of the group or app that is being read as they are stored; not part of the checkpoint, because it can
    /// be read again.
    pub stored: Option<(Holder, Stored)>,
}

/// Records that a run tells as unreadable.
const MOST_BAD: usize = 100;
/// Objects that a run lists as passed over; the others are counted.
const MOST_PASSED_OVER: usize = 100;
/// Failures in a row after which trouble of Okta's is taken for one with the object that was asked for.
const PATIENCE_WITH_ONE: u32 = 2;
/// The list of users who joined or left groups: they may have gained or lost apps.
pub(super) const MOVED: &str = "moved";
/// The list of groups that a run removed: who was granted an app by them may have lost it.
pub(super) const GONE: &str = "groups_gone";
/// The list of what may have changed.
pub(super) const HINTED: &str = "hints";

impl Work<'_> {
    /// True where the connection syncs this.
    pub fn syncs(&self, stream: Stream) -> bool {
        self.connection.settings.reads(stream)
    }

    /// How many users a full run listed, where it listed just those whom the roster has, each once and with the same line.
    /// One that takes nothing for unchanged does not ask.
    pub fn lists_the_roster(&self, state: &State) -> Option<u64> {
        let sum = self.run.sum.filter(|_| self.run.mode == Mode::Full && self.run.lines == 0);
        sum.filter(|sum| state.sum == Some(*sum)).map(|sum| sum.lines)
    }

    /// Remembers lines of the roster beside those of the lists.
    pub fn note_lines(&mut self, lines: &[Line]) -> Result<Option<Change>, store::Error> {
        if lines.is_empty() {
            return Ok(None);
        }
        self.run.lines += 1;
        self.note(self.run.lines_list(), self.run.lines, lines).map(Some)
    }

    /// Remembers what a step found that may have changed as well. It is written before what led to it: a step that is
    /// repeated after a crash finds that unchanged, and gives no hint.
    pub fn note_hints(&mut self) -> Result<Option<Change>, store::Error> {
        let hints = std::mem::take(&mut self.hints);
        self.note_aside(HINTED, &hints)
    }

    /// Remembers an object of which Okta refused something.
    pub fn pass_over(&mut self, kind: &str, id: &str, name: Option<String>, refusal: &Refusal) {
        let status = refusal.status.as_u16();
        let code = refusal.code.as_str();
        tracing::warn!(kind, id, status, code, "Okta refuses {kind} {id} with {status} {code}; it is passed over");
        if self.run.passed_over.iter().any(|known| known.kind == kind && known.id == id) {
            return;
        }
        self.run.passed_over_count += 1;
        if self.run.passed_over.len() >= MOST_PASSED_OVER {
            return;
        }
        self.run.passed_over.push(PassedOver {
            kind: kind.to_owned(),
            id: id.to_owned(),
            name,
            status,
            okta_error_code: Some(refusal.code.clone()).filter(|code| !code.is_empty()),
        });
    }

    /// What Okta says of one object, where that concerns the object alone; the error again where it may pass, or concerns
    /// everything.
    pub fn refused(&self, error: okta::Error) -> Result<Refusal, okta::Error> {
        match error {
            okta::Error::Api(refusal) => match refusal.meaning() {
                Meaning::Credential | Meaning::Proof | Meaning::RateLimit => Err(okta::Error::Api(refusal)),
                Meaning::Trouble | Meaning::Intermediary if self.run.failures < PATIENCE_WITH_ONE => {
                    Err(okta::Error::Api(refusal))
                }
                _ => Ok(refusal),
            },
            // It is not what Okta's API answers, each time.
            okta::Error::Unreadable(summary) if self.run.failures >= PATIENCE_WITH_ONE => {
                Ok(Refusal { summary, ..Refusal::default() })
            }
            okta::Error::Timeout | okta::Error::Broken if self.run.failures >= PATIENCE_WITH_ONE => {
                Ok(Refusal { status: StatusCode::GATEWAY_TIMEOUT, summary: error.to_string(), ..Refusal::default() })
            }
            other => Err(other),
        }
    }

    /// Remembers records that the directory cannot have.
    pub fn tell_all_bad(&mut self, kind: &str, bad: Vec<BadRecord>) {
        for record in bad {
            self.tell_bad(BadRecord { kind: kind.to_owned(), ..record });
        }
    }

    /// Remembers a record that the directory cannot have.
    pub fn tell_bad(&mut self, mut bad: BadRecord) {
        bad.detail.truncate(bad.detail.floor_char_boundary(200));
        tracing::warn!(id = bad.id.as_deref(), "a record cannot be stored");
        if self.run.bad.len() < MOST_BAD && !self.run.bad.contains(&bad) {
            self.run.bad.push(bad);
        }
    }

    /// What comes after users.
    pub fn after_users(&self) -> Checkpoint {
        if self.syncs(Stream::Groups) {
            Checkpoint::Groups { listing: Listing::default() }
        } else {
            self.after_groups()
        }
    }

    /// What comes after groups.
    pub fn after_groups(&self) -> Checkpoint {
        match self.run.mode {
            Mode::Incremental => Checkpoint::Log { listing: Listing::default() },
            // Only the log says who was given an app since its users were read.
            Mode::Full if self.knows_apps() => Checkpoint::Log { listing: Listing::default() },
            Mode::Full | Mode::Verify => Checkpoint::Hints,
        }
    }

    /// What comes after missing objects.
    pub fn after_missing(&self, of: Objects) -> Checkpoint {
        match of {
            // The first people are readable before groups and apps are read.
            Objects::Users if self.state.succeeded_at.is_none() => Checkpoint::Publish,
            Objects::Users => self.after_users(),
            Objects::Groups => self.after_groups(),
            Objects::Apps => Checkpoint::Assignments { crawl: Crawl::default() },
        }
    }

    /// What comes after memberships.
    pub fn after_memberships(&self) -> Checkpoint {
        if !self.run.confirmed.is_empty() {
            Checkpoint::Assignments { crawl: Crawl::default() }
        } else if self.knows_apps() && self.run.mode != Mode::Verify {
            Checkpoint::AppHints
        } else if self.reads_all_apps() && !self.has_begun_apps() {
            Checkpoint::Apps { listing: Listing::default() }
        } else {
            self.after_assignments()
        }
    }

    /// True for a run that reads the list of apps whatever it found in groups.
    pub fn reads_all_apps(&self) -> bool {
        let is_large = match self.run.mode {
            Mode::Incremental => false,
            Mode::Full => !self.knows_apps(),
            Mode::Verify => true,
        };
        is_large && self.syncs(Stream::Apps) && self.run.confirmed.is_empty()
    }

    /// True once a run that reads all apps has begun with them.
    pub fn has_begun_apps(&self) -> bool {
        let is_known = self.run.read.contains_key(&Phase::Apps) || self.run.skipped.contains_key(&Phase::Apps);
        is_known || self.run.parked.is_some()
    }

    /// True for a connection whose apps and assignments were read once.
    pub fn knows_apps(&self) -> bool {
        self.state.complete.contains(&Phase::Assignments) && self.syncs(Stream::Apps)
    }

    /// True for an incremental run of such a connection, and for a candidate between two steps of another one.
    pub fn follows_apps(&self) -> bool {
        self.knows_apps() && (self.run.mode == Mode::Incremental || self.is_between)
    }

    /// What comes after assignments.
    pub fn after_assignments(&self) -> Checkpoint {
        if !self.run.patches() {
            Checkpoint::UserTypes
        } else if self.run.access_hints > 0 {
            Checkpoint::SortAccess
        } else {
            Checkpoint::Finish
        }
    }
}

/// The finding that says why Okta does not let us read something; none where no right is missing.
pub(super) fn forbidden(refusal: &Refusal) -> Option<String> {
    let lacks_a_right = matches!(refusal.meaning(), Meaning::Role | Meaning::Scope | Meaning::License);
    lacks_a_right.then(|| finding(refusal))
}

/// The finding that a refusal is.
pub(super) fn finding(refusal: &Refusal) -> String {
    let finding = diagnosis::of_error(&okta::Error::Api(refusal.clone()), &BTreeSet::new()).finding;
    let name = finding.and_then(|finding| serde_json::to_value(finding).ok());
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
