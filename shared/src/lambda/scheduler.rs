//! Schedules are kept by EventBridge Scheduler, in the stack's own group.

use crate::app::{Scheduled, Scheduler, SchedulerError, Target};
use crate::aws::telling;
use crate::clock::SharedClock;
use crate::id::ConnectionId;
use async_trait::async_trait;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState,
    Target as Started,
};
use std::collections::BTreeSet;
use std::fmt::Debug;

/// A sync that could not be started for so long waits for its next time.
const SYNC_SECONDS: i32 = 3_600;
/// The next poll asks for what a poll asks for that could not be started.
const POLL_SECONDS: i32 = 60;

/// Where schedules are kept, and what they start.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The group that holds nothing else.
    pub group: String,
    /// The role that the Scheduler takes.
    pub role_arn: String,
    /// Where goes what it could not start.
    pub dead_letters_arn: String,
    /// What runs syncs.
    pub state_machine_arn: String,
    /// The function that reads the log.
    pub log_poll_arn: String,
    /// The key of KMS that schedules are encrypted with; without one, the Scheduler's own.
    pub key_arn: Option<String>,
}

/// Keeps schedules in one group of EventBridge Scheduler.
pub struct EventBridgeScheduler {
    client: Client,
    plan: Plan,
    clock: SharedClock,
}

impl EventBridgeScheduler {
    /// By a plan.
    pub fn new(client: &Client, plan: Plan, clock: SharedClock) -> Self {
        let client = telling!(client);
        Self { client, plan, clock }
    }

    /// The names of the schedules that a connection has.
    async fn names(&self, connection: &ConnectionId) -> Result<BTreeSet<String>, SchedulerError> {
        let list = self.client.list_schedules().group_name(&self.plan.group).name_prefix(format!("{connection}-"));
        let mut pages = list.into_paginator().items().send();
        let mut names = BTreeSet::new();
        while let Some(schedule) = pages.next().await {
            let schedule = schedule.map_err(|error| failed("ListSchedules", &error))?;
            names.extend(schedule.name().map(str::to_owned));
        }
        Ok(names)
    }

    fn target(&self, schedule: &Scheduled) -> Result<Started, SchedulerError> {
        let (arn, seconds, retries) = match schedule.target {
            Target::Sync => (&self.plan.state_machine_arn, SYNC_SECONDS, 10),
            Target::Log => (&self.plan.log_poll_arn, POLL_SECONDS, 0),
        };
        let retry = RetryPolicy::builder().maximum_event_age_in_seconds(seconds).maximum_retry_attempts(retries);
        let target = Started::builder().arn(arn).role_arn(&self.plan.role_arn).input(schedule.input.to_string());
        let dead_letters = DeadLetterConfig::builder().arn(&self.plan.dead_letters_arn).build();
        let target = target.retry_policy(retry.build()).dead_letter_config(dead_letters).build();
        target.map_err(|error| SchedulerError(error.to_string()))
    }

    async fn put(&self, schedule: &Scheduled, is_there: bool) -> Result<(), SchedulerError> {
        let (target, key_arn) = (self.target(schedule)?, self.plan.key_arn.clone());
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build();
        let window = window.map_err(|error| SchedulerError(error.to_string()))?;
        // A rate would count from now. A calendar has no beginning.
        let begins = schedule.expression.starts_with("rate").then(|| schedule.next_after(self.clock.now())).flatten();
        let begins = begins.map(|at| DateTime::from_secs(at.as_second()));
        if is_there {
            let request = self.client.update_schedule().group_name(&self.plan.group).name(&schedule.name);
            let request = request.schedule_expression(&schedule.expression).set_start_date(begins);
            let request = request.schedule_expression_timezone(&schedule.timezone).flexible_time_window(window);
            let request = request.target(target).state(ScheduleState::Enabled).set_kms_key_arn(key_arn);
            let request = request.action_after_completion(ActionAfterCompletion::None);
            return request.send().await.map(|_| ()).map_err(|error| failed("UpdateSchedule", &error));
        }
        let request = self.client.create_schedule().group_name(&self.plan.group).name(&schedule.name);
        let request = request.schedule_expression(&schedule.expression).set_start_date(begins);
        let request = request.schedule_expression_timezone(&schedule.timezone).flexible_time_window(window);
        let request = request.target(target).state(ScheduleState::Enabled).set_kms_key_arn(key_arn);
        let request = request.action_after_completion(ActionAfterCompletion::None);
        request.send().await.map(|_| ()).map_err(|error| failed("CreateSchedule", &error))
    }

    async fn delete(&self, name: &str) -> Result<(), SchedulerError> {
        match self.client.delete_schedule().group_name(&self.plan.group).name(name).send().await {
            Err(error) if code(&error) != Some("ResourceNotFoundException") => Err(failed("DeleteSchedule", &error)),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Scheduler for EventBridgeScheduler {
    async fn keep(&self, connection: &ConnectionId, schedules: &[Scheduled]) -> Result<(), SchedulerError> {
        let there = self.names(connection).await?;
        let mut kept = Ok(());
        for schedule in schedules {
            let put = match self.put(schedule, there.contains(&schedule.name)).await {
                // Somebody else was faster: made it, or deleted it.
                Err(SchedulerError(text)) if text.contains("ConflictException") => self.put(schedule, true).await,
                Err(SchedulerError(text)) if text.contains("ResourceNotFound") => self.put(schedule, false).await,
                other => other,
            };
            // One that is refused does not stand in the way of the others.
            kept = kept.and(put);
        }
        let wanted = |name: &&String| schedules.iter().any(|schedule| schedule.name == **name);
        for name in there.iter().filter(|name| !wanted(name)) {
            kept = kept.and(self.delete(name).await);
        }
        kept
    }
}

fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error()?.code()
}

fn failed<E: ProvideErrorMetadata, R>(operation: &str, error: &SdkError<E, R>) -> SchedulerError {
    SchedulerError(format!("{operation}: {}", code(error).unwrap_or("no answer")))
}
