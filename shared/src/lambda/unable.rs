//! A function that starts nothing and keeps no schedules: its role does not let it, and its program is smaller without.

use crate::app::{RunnerError, Scheduled, Scheduler, SchedulerError, SyncRunner};
use crate::id::{ConnectionId, SyncId};
use async_trait::async_trait;

/// Refuses.
pub struct Unable;

const WHY: &str = "this function may not";

#[async_trait]
impl SyncRunner for Unable {
    async fn start(&self, _: &ConnectionId, _: &SyncId, _: &str) -> Result<(), RunnerError> {
        Err(RunnerError(WHY.to_owned()))
    }

    async fn read_candidates(&self, _: &ConnectionId) -> Result<(), RunnerError> {
        Err(RunnerError(WHY.to_owned()))
    }

    async fn purge(&self, _: &ConnectionId, _: &str) -> Result<(), RunnerError> {
        Err(RunnerError(WHY.to_owned()))
    }
}

#[async_trait]
impl Scheduler for Unable {
    async fn keep(&self, _: &ConnectionId, _: &[Scheduled]) -> Result<(), SchedulerError> {
        Err(SchedulerError(WHY.to_owned()))
    }
}
