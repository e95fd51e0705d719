//! What is told of a directory: that an object came, changed or went, and how a sync ended.
//!
//! An event is written in the transaction that makes it true, into the inbox of its connection's feed: it is told once,
//! however often the page behind it is read.

use crate::clock;
use crate::id::ConnectionId;
use crate::okta::{AppId, GroupId, UserId};
use crate::store::{Error, Item, Write, keys};
use crate::synced::{fingerprint, pack};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// An event that nobody fetches is forgotten after so many days.
pub const INBOX_DAYS: i64 = 7;
/// A bus takes 256 KB at once: an event that holds more than this says only that something changed.
pub const MOST_CHANGED: usize = 200_000;

/// An event, as far as it is known before the feed numbers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The same for the same change, however often it is told.
    pub id: String,
    /// As in `okta-connector.user.updated`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When the directory took it over.
    pub time: Timestamp,
    /// What it is about.
    pub subject: String,
    /// What happened.
    pub data: Value,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
    /// An app.
    App(AppId),
    /// A user in a group.
    Membership(GroupId, UserId),
    /// A user of an app.
    Assignment(AppId, UserId),
}

/// What happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It was not there before.
    Added,
    /// It is not what it was.
    Changed,
    /// It is gone.
    Removed,
}

impl About {
    /// What kind of thing it is.
    fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Group(_) => "group",
            Self::App(_) => "app",
            Self::Membership(..) => "membership",
            Self::Assignment(..) => "assignment",
        }
    }

    /// The word for what happened: objects are created, edges are added.
    fn word(&self, verb: Verb) -> &'static str {
        match (self, verb) {
            (Self::Membership(..) | Self::Assignment(..), Verb::Added) => "added",
            (_, Verb::Added) => "created",
            (_, Verb::Changed) => "updated",
            (_, Verb::Removed) => "removed",
        }
    }

    /// Its id; an edge's is that of both its ends.
    fn id(&self) -> String {
        match self {
            Self::User(id) => id.to_string(),
            Self::Group(id) => id.to_string(),
            Self::App(id) => id.to_string(),
            Self::Membership(group, user) => format!("{group}/{user}"),
            Self::Assignment(app, user) => format!("{app}/{user}"),
        }
    }

    /// Whom Okta's own event of the kind names first.
    fn subject(&self) -> String {
        match self {
            Self::User(user) | Self::Membership(_, user) | Self::Assignment(_, user) => user.to_string(),
            Self::Group(_) | Self::App(_) => self.id(),
        }
    }
}

impl Event {
    /// A change of the directory, found by a run.
    pub fn change(run: &str, about: &About, verb: Verb, changed: &Map<String, Value>, time: Timestamp) -> Self {
        let mut data = json!({ "kind": about.kind(), "id": about.id(), "changed": changed });
        if data.to_string().len() > MOST_CHANGED {
            data = json!({ "kind": about.kind(), "id": about.id(), "changed": {}, "truncated": true });
        }
        Self::new(run, &format!("{}.{}", about.kind(), about.word(verb)), about.subject(), data, time)
    }

    /// How a run ended: `completed`, `failed` or `needs_confirmation`.
    pub fn sync(run: &str, ended: &str, data: Value, time: Timestamp) -> Self {
        Self::new(run, &format!("sync.{ended}"), run.to_owned(), data, time)
    }

    fn new(run: &str, name: &str, subject: String, data: Value, time: Timestamp) -> Self {
        let event_type = format!("okta-connector.{name}");
        let id = format!("evt_{}", fingerprint(format!("{run} {event_type} {subject} {data}").as_bytes()));
        Self { id, event_type, time, subject, data }
    }
}

/// The write that puts events into a connection's inbox.
pub fn inbox(connection: &ConnectionId, events: &[Event], now: Timestamp) -> Result<Write, Error> {
    let item = Item::at(&keys::inbox(connection)).bytes("events", pack(events)?);
    Ok(Write::Put(item.expires(clock::after(now, INBOX_DAYS * 86_400))))
}

/// What differs between two JSON objects: the dotted path of each member, before and after.
pub fn difference(before: &Value, after: &Value) -> Map<String, Value> {
    let mut changed = Map::new();
    compare("", before, after, &mut changed);
    changed
}

fn compare(path: &str, before: &Value, after: &Value, changed: &mut Map<String, Value>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let gone = old.keys().filter(|name| !new.contains_key(*name));
            for name in new.keys().chain(gone) {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let of = |object: &Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                compare(&inner, &of(old), &of(new), changed);
            }
        }
        _ if before == after => {}
        _ => drop(changed.insert(path.to_owned(), json!({ "before": before, "after": after }))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_changed_and_nothing_else() {
        let before = json!({"status": "ACTIVE", "profile": {"city": "Oslo", "title": "Cook", "tags": ["a"]}});
        let after = json!({"status": "ACTIVE", "profile": {"city": "Bergen", "tags": ["a", "b"], "division": null}});
        let wanted = json!({
            "profile.city": {"before": "Oslo", "after": "Bergen"},
            "profile.tags": {"before": ["a"], "after": ["a", "b"]},
            "profile.title": {"before": "Cook", "after": null},
        });
        assert_eq!(Value::Object(difference(&before, &after)), wanted);
    }

    #[test]
    fn an_event_names_kind_id_and_change_and_keeps_its_id() {
        let user = UserId::parse("00u1").expect("an id");
        let group = GroupId::parse("00g1").expect("an id");
        let about = About::Membership(group, user);
        let tell = |verb| Event::change("sync_1", &about, verb, &Map::new(), Timestamp::UNIX_EPOCH);
        let event = tell(Verb::Added);
        assert_eq!(event.event_type, "okta-connector.membership.added");
        assert_eq!((event.subject.as_str(), &event.data["id"]), ("00u1", &json!("00g1/00u1")));
        assert_eq!(event.id, tell(Verb::Added).id);
        assert_ne!(event.id, tell(Verb::Removed).id);
    }

    #[test]
    fn a_change_too_large_for_a_bus_says_that_there_was_one() {
        let about = About::User(UserId::parse("00u1").expect("an id"));
        let changed = difference(&json!({"essay": "x".repeat(150_000)}), &json!({"essay": "y".repeat(150_000)}));
        let event = Event::change("sync_1", &about, Verb::Changed, &changed, Timestamp::UNIX_EPOCH);
        assert_eq!((&event.data["changed"], &event.data["truncated"]), (&json!({}), &json!(true)));
    }
}
