//! What callers send to make or change a trigger.

use crate::clock::parse_duration;
use crate::connection::Fault;
use crate::feed::{Kind as Fires, Outlet, Trigger};
use crate::id::TriggerId;
use crate::okta::LogFilter;
use crate::problem::{Kind, Problem};
use crate::schedule::{self, Schedule};
use crate::schema;
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

/// The event types that Okta delivers by hooks.
static ELIGIBLE: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("eligible.txt").lines().filter(|line| !line.starts_with('#')).collect());

/// A search looks back at most so many days: Okta keeps its log no longer.
const LONGEST_LOOKBACK_DAYS: i64 = 90;
/// Hook, new events, search: what `type` may be.
const TYPES: [&str; 3] = ["event_hook", "new_events", "event_search"];

/// A trigger on events of some types, as Okta delivers them by an event hook.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewEventHook {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "event_hook"))]
    _type: String,
    #[serde(flatten)]
    #[schemars(flatten)]
    common: Common,
    /// Okta's event types; each must be one that Okta delivers by hooks.
    #[schemars(length(min = 1, max = 300))]
    event_types: Vec<String>,
}

/// A trigger on new events, as the System Log is polled.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewNewEvents {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "new_events"))]
    _type: String,
    #[serde(flatten)]
    #[schemars(flatten)]
    common: Common,
    /// Which events, in Okta's filter language; absent: all.
    #[serde(default)]
    filter: Option<String>,
    /// How often the log is polled: `rate(…)`.
    #[serde(default = "every_minute")]
    schedule: String,
}

/// A search of the System Log that runs from time to time.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewEventSearch {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "event_search"))]
    _type: String,
    #[serde(flatten)]
    #[schemars(flatten)]
    common: Common,
    /// Which events, in Okta's filter language.
    filter: String,
    /// When it runs: `rate(…)` or `cron(…)`.
    schedule: String,
    /// How far back the first run looks.
    #[serde(default = "a_day")]
    lookback: String,
}

#[derive(Deserialize, JsonSchema)]
struct Common {
    /// A name for people.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    name: Option<String>,
    /// Whether anything fires it.
    #[serde(default = "yes")]
    enabled: bool,
    /// The time zone of a `cron(…)`.
    #[serde(default = "utc")]
    timezone: String,
    /// Where its events go.
    #[serde(default = "everywhere")]
    #[schemars(length(min = 1))]
    deliver: BTreeSet<Outlet>,
}

/// What may be changed of a trigger.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerPatch {
    /// A name for people.
    #[serde(default, rename = "name")]
    _name: Option<String>,
    /// Whether anything fires it.
    #[serde(default, rename = "enabled")]
    _enabled: Option<bool>,
    /// Which events, in Okta's filter language.
    #[serde(default, rename = "filter")]
    _filter: Option<String>,
    /// Okta's event types, of a hook.
    #[serde(default, rename = "event_types")]
    _event_types: Option<Vec<String>>,
    /// When the log is polled or searched.
    #[serde(default, rename = "schedule")]
    _schedule: Option<String>,
    /// The time zone of a `cron(…)`.
    #[serde(default, rename = "timezone")]
    _timezone: Option<String>,
}

fn every_minute() -> String {
    "rate(1 minute)".to_owned()
}

fn a_day() -> String {
    "24h".to_owned()
}

fn yes() -> bool {
    true
}

fn utc() -> String {
    "UTC".to_owned()
}

fn everywhere() -> BTreeSet<Outlet> {
    BTreeSet::from([Outlet::Feed, Outlet::Bus])
}

/// A trigger to make, checked.
pub struct NewTrigger {
    fires: Fires,
    common: Common,
}

impl NewTrigger {
    /// Reads one, or says everything that is wrong with it.
    pub fn read(body: &Value) -> Result<Self, Problem> {
        let of_type = |name: &str| body["type"] == name;
        let read = if of_type("event_hook") {
            schema::read::<NewEventHook>(body, "")
                .map(|it| (Fires::EventHook { event_types: it.event_types.into_iter().collect() }, it.common))
        } else if of_type("new_events") {
            schema::read::<NewNewEvents>(body, "")
                .map(|it| (Fires::NewEvents { filter: it.filter, schedule: it.schedule }, it.common))
        } else if of_type("event_search") {
            schema::read::<NewEventSearch>(body, "").map(
                |NewEventSearch { filter, schedule, lookback, common, .. }| {
                    (Fires::EventSearch { filter, schedule, lookback }, common)
                },
            )
        } else {
            Err(vec![Fault::new("/type", format!("must be one of {}", TYPES.join(", ")))])
        };
        let (fires, common) = read.map_err(|faults| Problem::invalid(&faults))?;
        let input = Self { fires, common };
        let faults = input.faults();
        if faults.is_empty() { input.check_filter() } else { Err(Problem::invalid(&faults)) }
    }

    /// The trigger.
    pub fn trigger(self, id: TriggerId, now: Timestamp) -> Trigger {
        let Common { name, enabled, timezone, deliver } = self.common;
        let kind = self.fires;
        Trigger {
            id,
            name,
            kind,
            enabled,
            timezone,
            deliver,
            hook: None,
            fault: None,
            is_own: false,
            created_at: now,
            updated_at: now,
            revision: 0,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let schedule = |detail: String| Fault { schedule: true, ..Fault::new("/schedule", detail) };
        match &self.fires {
            Fires::EventHook { event_types } => {
                let strange = event_types.iter().filter(|it| !ELIGIBLE.contains(it.as_str()));
                faults.extend(strange.map(|it| {
                    let detail = format!("{it} is not an event type that Okta delivers by event hooks; poll for it with a trigger of type new_events");
                    Fault::new("/event_types", detail)
                }));
            }
            Fires::NewEvents { schedule: text, .. } => match Schedule::parse(text) {
                Ok(Schedule::Rate(_)) => {}
                Ok(Schedule::Cron(_)) => {
                    faults.push(schedule("must be rate(…): the log is polled all the time".to_owned()));
                }
                Err(detail) => faults.push(schedule(detail)),
            },
            Fires::EventSearch { schedule: text, lookback, .. } => {
                faults.extend(Schedule::parse(text).err().map(schedule));
                let longest = LONGEST_LOOKBACK_DAYS * 86_400;
                if parse_duration(lookback).is_none_or(|it| !(1..=longest).contains(&it.as_secs())) {
                    faults.push(Fault::new("/lookback", "must be a duration of at most 90d, as in 24h"));
                }
            }
        }
        if !schedule::is_time_zone(&self.common.timezone) {
            let detail = "must be a time zone of the IANA database, as in Europe/Oslo";
            faults.push(Fault { schedule: true, ..Fault::new("/timezone", detail) });
        }
        faults
    }

    fn check_filter(self) -> Result<Self, Problem> {
        let filter = match &self.fires {
            Fires::EventHook { .. } => None,
            Fires::NewEvents { filter, .. } => filter.as_deref(),
            Fires::EventSearch { filter, .. } => Some(filter.as_str()),
        };
        let Some(Err(fault)) = filter.map(LogFilter::parse) else { return Ok(self) };
        let detail = fault.to_string();
        let errors = json!([{"pointer": "/filter", "detail": detail}]);
        Err(Problem::new(Kind::InvalidFilter, format!("/filter: {detail}")).with("errors", errors))
    }
}

/// A trigger with some of its members changed (RFC 7396).
pub fn patched(stored: &Trigger, patch: &Value, now: Timestamp) -> Result<Trigger, Problem> {
    schema::read::<TriggerPatch>(patch, "").map_err(|faults| Problem::invalid(&faults))?;
    let mut body = serde_json::to_value(&stored.kind).unwrap_or_default();
    body["enabled"] = json!(stored.enabled);
    body["timezone"] = json!(stored.timezone);
    body["deliver"] = json!(stored.deliver);
    if let Some(name) = &stored.name {
        body["name"] = json!(name);
    }
    for (member, value) in patch.as_object().into_iter().flatten() {
        match (body.as_object_mut(), value) {
            (Some(members), Value::Null) => drop(members.remove(member)),
            (Some(members), value) => drop(members.insert(member.clone(), value.clone())),
            _ => {}
        }
    }
    let new = NewTrigger::read(&body)?.trigger(stored.id.clone(), stored.created_at);
    let Trigger { hook, fault, revision, .. } = stored.clone();
    Ok(Trigger { hook, fault, revision, updated_at: now, ..new })
}

/// The body of a new trigger, as it is described.
pub fn described(schemas: &mut SchemaGenerator) -> Schema {
    json_schema!({ "oneOf": [
        schemas.subschema_for::<NewEventHook>(),
        schemas.subschema_for::<NewNewEvents>(),
        schemas.subschema_for::<NewEventSearch>(),
    ] })
}

/// The body of a change, as it is described.
pub fn described_patch(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<TriggerPatch>()
}
