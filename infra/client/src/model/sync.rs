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
    /// Why it failed.
    pub error: Option<Problem>,
    /// What was asked for, where that was something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_mode: Option<String>,
    /// What Okta did not let us read, and why: `scope_missing`, `role_missing` or `not_licensed`. What was stored of
    /// it stays as it was.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, String>,
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
