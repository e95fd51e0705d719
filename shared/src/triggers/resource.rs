//! A trigger as callers see it.

use super::{Told, hook};
use crate::connection::Connection;
use crate::feed::{Kind as Fires, Outlet};
use crate::id::TriggerId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// A trigger.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Trigger")]
pub struct TriggerResource {
    /// Its id.
    id: TriggerId,
    /// `event_hook`, `new_events` or `event_search`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// A name for people.
    name: Option<String>,
    /// Whether anything fires it.
    enabled: bool,
    /// The time zone of a `cron(…)`.
    timezone: String,
    /// Where its events go.
    deliver: BTreeSet<Outlet>,
    /// Okta's event types, of a hook.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_types: Option<BTreeSet<String>>,
    /// Which events, in Okta's filter language.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    /// When the log is polled or searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<String>,
    /// How far back the first run of a search looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    lookback: Option<String>,
    /// Whether it works.
    status: TriggerStatus,
    /// Why not.
    status_reason: Option<String>,
    /// Where Okta delivers to.
    hook_url: Option<String>,
    /// Okta's id of the hook.
    okta_hook_id: Option<String>,
    /// Whether Okta has seen that the URL is ours; null where there is no hook.
    verified: Option<bool>,
    /// How many events of the connection's hooks the log told of and no hook has delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    missed_hooks: Option<u64>,
    /// When the log was last read for it.
    last_run_at: Option<Timestamp>,
    /// When the newest event happened that fired it.
    last_event_at: Option<Timestamp>,
    /// How long after that the event was in the feed.
    lag_seconds: Option<i64>,
    /// When it was made.
    created_at: Timestamp,
    /// When its owner last changed it.
    updated_at: Timestamp,
}

/// Whether a trigger works.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TriggerStatus {
    /// It does.
    Active,
    /// It is tried, without success.
    Failing,
    /// Nothing fires it.
    Disabled,
}

impl TriggerResource {
    /// Of a trigger.
    pub fn new(told: Told, connection: &Connection, public_url: &str) -> Self {
        let Told { trigger, head } = told;
        let mark = head.marks.get(&trigger.id).cloned().unwrap_or_default();
        let (mut event_types, mut filter, mut schedule, mut lookback) = (None, None, None, None);
        let kind = match trigger.kind.clone() {
            Fires::EventHook { event_types: types } => {
                event_types = Some(types);
                "event_hook"
            }
            Fires::NewEvents { filter: text, schedule: when } => {
                (filter, schedule) = (text, Some(when));
                "new_events"
            }
            Fires::EventSearch { filter: text, schedule: when, lookback: back } => {
                (filter, schedule, lookback) = (Some(text), Some(when), Some(back));
                "event_search"
            }
        };
        let is_search = kind == "event_search";
        let failed = if is_search { mark.error.clone() } else { head.poll_error.clone() };
        let unverified = trigger.hook.as_ref().is_some_and(|hook| !hook.verified);
        let unverified =
            unverified.then(|| "Okta has not verified the hook yet, and delivers nothing to it".to_owned());
        let status_reason = trigger.fault.clone().or(unverified).or(failed).filter(|_| trigger.enabled);
        let status = match (&status_reason, trigger.enabled) {
            (_, false) => TriggerStatus::Disabled,
            (Some(_), true) => TriggerStatus::Failing,
            (None, true) => TriggerStatus::Active,
        };
        let hook_url = trigger.hook.as_ref().map(|_| hook::url(public_url, &connection.id, &trigger.id));
        Self {
            kind,
            event_types,
            filter,
            schedule,
            lookback,
            status,
            status_reason,
            hook_url,
            okta_hook_id: trigger.hook.as_ref().and_then(|hook| hook.okta_id.clone()),
            verified: trigger.hook.as_ref().map(|hook| hook.verified),
            missed_hooks: trigger.hook.as_ref().map(|_| head.missed_hooks),
            last_run_at: if is_search {
                mark.last_run_at
            } else {
                head.polled_at.filter(|at| *at >= trigger.created_at)
            },
            last_event_at: mark.last_event_at,
            lag_seconds: mark.lag_seconds,
            id: trigger.id,
            name: trigger.name,
            enabled: trigger.enabled,
            timezone: trigger.timezone,
            deliver: trigger.deliver,
            created_at: trigger.created_at,
            updated_at: trigger.updated_at,
        }
    }
}
