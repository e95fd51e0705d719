//! An event as a chunk holds it, and as it is told: a `CloudEvent` (<https://github.com/cloudevents/spec>, 1.0).

use super::trigger::Outlet;
use crate::id::ConnectionId;
use crate::store::Error;
use crate::synced::fingerprint;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// An event, and where it goes. The inbox holds the same without the two lists.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Okta's uuid, or a hash that is the same for the same event.
    pub id: String,
    /// As in `com.okta.user.lifecycle.suspend`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened.
    pub time: Timestamp,
    /// What it is about.
    pub subject: String,
    /// What happened, verbatim.
    pub data: Box<RawValue>,
    /// For which sources it is in the feed.
    #[serde(default)]
    pub feed: Vec<String>,
    /// For which sources it goes to the bus.
    #[serde(default)]
    pub bus: Vec<String>,
}

/// What stands in front of Okta's own event types.
pub const OKTA: &str = "com.okta.";
/// The source of what happens to the directory.
pub const DIRECTORY: &str = "directory";

/// What has to be known of an event of Okta's.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OktaEvent {
    uuid: Value,
    event_type: Value,
    published: Value,
    target: Value,
    actor: Value,
}

/// A text, or a number as it is written.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl Entry {
    /// An event of the System Log. None for what is no event at all.
    pub fn of_okta(raw: Box<RawValue>, now: Timestamp) -> Option<Self> {
        let event: OktaEvent = serde_json::from_str(raw.get()).ok()?;
        let id = word(&event.uuid).filter(|uuid| !uuid.is_empty() && uuid.len() <= 100);
        let target = event.target.as_array().into_iter().flatten().find_map(|target| word(&target["id"]));
        let subject = target.or_else(|| word(&event.actor["id"])).unwrap_or_default();
        let Some(event_type) = event.event_type.as_str() else {
            tracing::warn!("an event of Okta's is left out: it has no type");
            return None;
        };
        Some(Self {
            id: id.unwrap_or_else(|| fingerprint(raw.get().as_bytes())),
            event_type: format!("{OKTA}{event_type}"),
            time: event.published.as_str().and_then(|at| at.parse().ok()).unwrap_or(now),
            subject,
            data: raw,
            feed: Vec::new(),
            bus: Vec::new(),
        })
    }

    /// An event of our own.
    pub fn new(
        id: String,
        event_type: &str,
        time: Timestamp,
        subject: String,
        data: &impl Serialize,
    ) -> Result<Self, Error> {
        let data = to_raw_value(data).map_err(|_| Error::Corrupt)?;
        let (feed, bus) = (Vec::new(), Vec::new());
        Ok(Self { id, event_type: event_type.to_owned(), time, subject, data, feed, bus })
    }

    /// Going where a source's events go.
    #[must_use]
    pub fn sent(mut self, source: &str, to: &BTreeSet<Outlet>) -> Self {
        for outlet in to {
            match outlet {
                Outlet::Feed => self.feed.push(source.to_owned()),
                Outlet::Bus => self.bus.push(source.to_owned()),
            }
        }
        self
    }

    /// Okta's own event type.
    pub fn okta_type(&self) -> Option<&str> {
        self.event_type.strip_prefix(OKTA)
    }

    /// About how many bytes it takes.
    pub fn size(&self) -> usize {
        300 + self.data.get().len()
    }

    /// The same without its content, where that is larger than an item can be.
    #[must_use]
    pub fn shortened(&self) -> Self {
        let said = json!({"uuid": self.id, "eventType": self.okta_type(), "published": self.time, "truncated": true});
        Self { data: to_raw_value(&said).unwrap_or_else(|_| self.data.clone()), ..self.clone() }
    }

    /// As it is told for one source.
    pub fn told<'a>(&'a self, connection: &ConnectionId, source: &str) -> CloudEvent<'a> {
        CloudEvent {
            specversion: "1.0",
            id: &self.id,
            source: format!("/connections/{connection}/{source}"),
            event_type: &self.event_type,
            time: self.time,
            subject: &self.subject,
            datacontenttype: "application/json",
            data: &self.data,
        }
    }
}

/// An event as it is told.
#[derive(Serialize)]
pub struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a str,
    source: String,
    #[serde(rename = "type")]
    event_type: &'a str,
    time: Timestamp,
    subject: &'a str,
    datacontenttype: &'static str,
    /// What happened.
    pub data: &'a RawValue,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn entry(body: &Value) -> Option<Entry> {
        Entry::of_okta(to_raw_value(body).expect("JSON"), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn an_event_is_about_its_first_target_else_about_its_actor() {
        let event = json!({"uuid": "u1", "eventType": "user.lifecycle.create", "published": "2026-01-01T00:00:00.000Z",
            "actor": {"id": "00ua"}, "target": [{"id": "00u1"}, {"id": "00g1"}]});
        let read = entry(&event).expect("an event");
        assert_eq!((read.id.as_str(), read.subject.as_str()), ("u1", "00u1"));
        assert_eq!(read.event_type, "com.okta.user.lifecycle.create");
        for target in [json!(null), json!([]), json!([null])] {
            let mut other = event.clone();
            other["target"] = target;
            assert_eq!(entry(&other).expect("an event").subject, "00ua");
        }
    }

    #[test]
    fn an_odd_event_is_kept_to_the_byte() {
        let written = r#"{"uuid":"u1","eventType":"x.y","actor":{"id":null,"detailEntry":{"a":1.10}},"client":null,
            "target":[null,{"id":"00u1","type":7}],"published":"2026-01-01T00:00:00.000Z","debugContext":{"debugData":
            {"risk":"{reasons=, level=LOW}","userBehaviors":[{"id":"b"}],"behaviors":{"New Device":"POSITIVE"}}}}"#;
        let raw = RawValue::from_string(written.to_owned()).expect("JSON");
        let read = Entry::of_okta(raw, Timestamp::UNIX_EPOCH).expect("an event");
        assert_eq!((read.data.get(), read.subject.as_str()), (written, "00u1"));
        let shown = serde_json::to_string(&read.told(&ConnectionId::random(), "x")).expect("JSON");
        assert!(shown.contains(written), "{shown}");
    }

    #[test]
    fn an_event_without_uuid_or_time_is_not_lost_and_what_is_none_is_left_out() {
        let event = json!({"eventType": "x.y", "published": "soon", "actor": null});
        let read = entry(&event).expect("an event");
        assert_eq!((read.id, read.time), (entry(&event).expect("an event").id, Timestamp::UNIX_EPOCH));
        for none in [json!({}), json!("text"), json!({"uuid": "u1"}), json!({"eventType": 7})] {
            assert!(entry(&none).is_none(), "{none}");
        }
    }
}
