//! Syncs.

use crate::Problem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A run as callers see it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sync {
    /// Its id.
    pub id: String,
    /// How much it reads.
    pub mode: String,
    /// What became of it.
    pub status: String,
    /// When it was asked for.
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// What it is busy with; null once it is over.
    pub phase: Option<String>,
    /// What it has done in each phase.
    pub progress: BTreeMap<String, Progress>,
    /// Requests sent to Okta.
    pub requests: u64,
    /// Access tokens that were granted for it.
    pub tokens: u64,
    /// Seconds slept for limits.
    pub waited_seconds: u64,
    /// Until when it waits.
    pub next_wake: Option<String>,
    /// What it would remove once somebody confirms.
    pub pending_removals: Option<BTreeMap<String, u64>>,
    /// Why it failed, or was cancelled.
    pub error: Option<Problem>,
    /// What was asked for, where that was something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_mode: Option<String>,
    /// The streams that Okta did not let us read, each with the finding that says why, such as `role_missing`. What was
    /// stored of them stays as it was.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, String>,
    /// What it reads, by stream.
    pub streams: BTreeMap<String, StreamRead>,
    /// True where some objects or streams could not be read; what was stored of them stays as it was.
    pub partial: bool,
    /// The first 100 objects of which Okta refused something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// How many objects there are of which Okta refused something.
    #[serde(skip_serializing_if = "is_zero")]
    pub passed_over_count: u64,
}

/// How far a sync is with a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamRead {
    /// Okta's state at this moment is what was read; null until the stream was read to its end.
    pub as_of: Option<String>,
    /// True once the stream was read to its end.
    pub complete: bool,
    /// Why Okta does not let us read it.
    pub skipped: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// An object of which Okta refused something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PassedOver {
    /// `user`, `group`, `app`, `user_type` or `schema`; `list` for a whole list, whose id is the stream.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name or label, where it is known.
    pub name: Option<String>,
    /// Okta's HTTP status.
    pub status: u16,
    /// Okta's own code.
    pub okta_error_code: Option<String>,
}

/// What a run has done in a phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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

/// Something that would be removed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Removal {
    /// `user`, `group`, `app` or `membership`.
    pub kind: String,
    /// Okta's id; of a membership or an assignment, `<group or app>/<user>`.
    pub id: String,
    /// Its name; none of a membership or an assignment.
    pub name: Option<String>,
}
