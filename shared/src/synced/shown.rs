//! A run as it is shown.

use super::run::{Mode, PassedOver, Phase, Progress, Run, RunStatus};
use crate::connection::Stream;
use crate::id::SyncId;
use crate::problem::Problem;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A run as callers see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Sync")]
pub struct SyncRun {
    /// Its id.
    pub id: SyncId,
    /// How much it reads.
    pub mode: Mode,
    /// What was asked for, where that was something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_mode: Option<Mode>,
    /// What became of it.
    pub status: RunStatus,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it is busy with; null once it is over.
    pub phase: Option<Phase>,
    /// What it has done in each phase.
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
    pub pending_removals: Option<BTreeMap<Phase, u64>>,
    /// The streams that Okta did not let us read, each with the finding that says why, such as `role_missing`. What was
    /// stored of them stays as it was.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<Phase, String>,
    /// What it reads, by stream.
    pub streams: BTreeMap<Stream, StreamRead>,
    /// True where some objects or streams could not be read; what was stored of them stays as it was.
    pub partial: bool,
    /// The first 100 objects of which Okta refused something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// How many objects there are of which Okta refused something.
    #[serde(skip_serializing_if = "is_zero")]
    pub passed_over_count: u64,
    /// Why it failed, or was cancelled.
    #[schemars(with = "Option<Problem>")]
    pub error: Option<Value>,
}

/// How far a sync is with a stream.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StreamRead {
    /// Okta's state at this moment is what was read: changes since then are read by the next sync. Null until the stream was
    /// read to its end.
    pub as_of: Option<Timestamp>,
    /// True once the stream was read to its end.
    pub complete: bool,
    /// Why Okta does not let us read it: a finding such as `role_missing`.
    pub skipped: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl SyncRun {
    /// Of a run as it is stored.
    pub fn of(run: Run) -> Self {
        let read = |stream: Stream| {
            let complete = run.complete.contains(&stream);
            let skipped = run.skipped_of(stream).cloned();
            StreamRead { as_of: Some(run.started_at).filter(|_| complete), complete, skipped }
        };
        let streams = run.streams.iter().map(|stream| (*stream, read(*stream))).collect();
        Self {
            streams,
            partial: run.is_partial(),
            passed_over: run.passed_over,
            passed_over_count: run.passed_over_count,
            id: run.id,
            mode: run.mode,
            requested_mode: run.requested_mode,
            status: run.status,
            started_at: run.started_at,
            finished_at: run.finished_at,
            phase: run.phase.filter(|_| !run.status.is_over()),
            progress: run.progress,
            requests: run.requests,
            tokens: run.tokens,
            waited_seconds: run.waited_seconds,
            next_wake: run.next_wake,
            pending_removals: Some(run.pending_removals).filter(|pending| !pending.is_empty()),
            skipped: run.skipped,
            error: run.error,
        }
    }
}
