//! Triggers and what they tell.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A trigger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trigger {
    /// Its id.
    pub id: String,
    /// `event_hook`, `new_events` or `event_search`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A name for people.
    pub name: Option<String>,
    /// Whether anything fires it.
    pub enabled: bool,
    /// The time zone of a `cron(…)`.
    pub timezone: String,
    /// Where its events go.
    pub deliver: Vec<String>,
    /// Whether it works.
    pub status: String,
    /// Why not.
    pub status_reason: Option<String>,
    /// Where Okta delivers to.
    pub hook_url: Option<String>,
    /// Okta's id of the hook.
    pub okta_hook_id: Option<String>,
    /// Whether Okta has seen that the URL is ours; null where there is no hook.
    pub verified: Option<bool>,
    /// When the log was last read for it.
    pub last_run_at: Option<String>,
    /// When the newest event happened that fired it.
    pub last_event_at: Option<String>,
    /// How long after that the event was in the feed.
    pub lag_seconds: Option<i64>,
    /// When it was made.
    pub created_at: String,
    /// When its owner last changed it.
    pub updated_at: String,
    /// Okta's event types, of a hook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_types: Option<Vec<String>>,
    /// Which events, in Okta's filter language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// How far back the first run of a search looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookback: Option<String>,
    /// How many events of the connection's hooks the log told of and no hook has delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed_hooks: Option<u64>,
    /// When the log is polled or searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
}

/// An event as CloudEvents 1.0 describes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CloudEvent {
    /// `1.0`.
    pub specversion: String,
    /// Okta's uuid, or a hash that is the same for the same event.
    pub id: String,
    /// The trigger, or the directory.
    pub source: String,
    /// `com.okta.…` or `okta-connector.…`
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened.
    pub time: String,
    /// What it is about.
    pub subject: String,
    /// `application/json`.
    pub datacontenttype: String,
    /// What happened.
    pub data: Value,
}
