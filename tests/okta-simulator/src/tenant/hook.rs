//! An event hook: what it is told of, where, and how Okta shows it.

use std::collections::BTreeSet;

use axum::http::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::service::is_fetchable;
use crate::answer::Refusal;
use crate::clock::Stamp;
use crate::random::Id;

/// The event types a hook may be told of, one a line.
const ELIGIBLE: &str = include_str!("hook/eligible.txt");
/// Event types of one hook.
const MOST_TYPES: usize = 300;
/// Hooks of an organization that may be active at once.
pub const MOST_ACTIVE: usize = 25;

/// An event hook.
#[derive(Debug)]
pub struct Hook {
    /// The id.
    pub id: Id,
    /// What it is.
    pub draft: Draft,
    /// Whether it is in use.
    pub active: bool,
    /// Whether its address has proven to be its owner's.
    pub verified: bool,
    /// When it was made.
    pub created: Stamp,
    /// Who made it.
    pub created_by: String,
    /// The last change.
    pub last_updated: Stamp,
}

/// What a caller says of a hook.
#[derive(Debug)]
pub struct Draft {
    /// The name people see.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The event types it is told of, in the order given.
    pub types: Vec<String>,
    /// Where it is told.
    pub channel: Channel,
}

/// Where a hook is told, and with which headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The address.
    pub uri: String,
    /// Headers of the owner's, with their values.
    pub headers: Vec<(String, String)>,
    /// The header that proves the request to be Okta's, with the secret, which is never shown.
    pub secret: Option<(String, String)>,
}

/// Whether hooks may be told of an event type.
pub fn is_eligible(kind: &str) -> bool {
    ELIGIBLE.lines().skip(1).any(|line| line == kind)
}

impl Hook {
    /// Whether events are delivered to it.
    pub fn is_live(&self) -> bool {
        self.active && self.verified
    }

    /// Whether it is told of an event type.
    pub fn is_told_of(&self, kind: &str) -> bool {
        self.is_live() && self.draft.types.iter().any(|told| told == kind)
    }

    /// Puts a new draft in place; another channel must prove itself again.
    pub fn replace(&mut self, draft: Draft, now: Stamp) {
        self.verified &= draft.channel == self.draft.channel;
        self.draft = draft;
        self.last_updated = now;
    }

    /// The hook as Okta shows it.
    pub fn json(&self, base: &str) -> Value {
        let own = format!("{base}/api/v1/eventHooks/{}", self.id);
        let turn = |name: &str| json!({ "href": format!("{own}/lifecycle/{name}"), "hints": { "allow": ["POST"] } });
        let mut links = json!({ "self": { "href": own } });
        if self.active {
            links["verify"] = turn("verify");
            links["deactivate"] = turn("deactivate");
        } else {
            links["activate"] = turn("activate");
            links["delete"] = json!({ "href": own, "hints": { "allow": ["DELETE"] } });
        }
        let mut shown = json!({
            "id": self.id,
            "status": if self.active { "ACTIVE" } else { "INACTIVE" },
            "verificationStatus": if self.verified { "VERIFIED" } else { "UNVERIFIED" },
            "name": self.draft.name,
            "created": self.created,
            "createdBy": self.created_by,
            "lastUpdated": self.last_updated,
            "events": { "type": "EVENT_TYPE", "items": self.draft.types },
            "channel": self.draft.channel.json(),
            "_links": links,
        });
        // Recorded hooks without a description do not have the member.
        if let Some(description) = &self.draft.description {
            shown["description"] = description.as_str().into();
        }
        shown
    }
}

impl Draft {
    /// Reads a body; without a secret it keeps the one of the channel it replaces.
    pub fn parse(body: &Map<String, Value>, old: Option<&Channel>) -> Result<Draft, Refusal> {
        let member = |name: &str| body.get(name).unwrap_or(&Value::Null);
        let name = member("name").as_str().map(str::trim).filter(|name| !name.is_empty());
        let (types, channel) = (types(member("events")), Channel::parse(member("channel"), old));
        match (name, types, channel) {
            (Some(name), Ok(types), Ok(channel)) => {
                let description = member("description").as_str().map(str::to_owned);
                Ok(Draft { name: name.to_owned(), description, types, channel })
            }
            (name, types, channel) => {
                let blank = name.is_none().then(|| "name: The field cannot be left blank".to_owned());
                let wrong = types.err().into_iter().flatten().chain(channel.err());
                Err(refused(blank.into_iter().chain(wrong).collect()))
            }
        }
    }
}

/// A hook that is not valid, and why.
pub fn refused(causes: Vec<String>) -> Refusal {
    Refusal::okta("E0000001", "eventHook".into(), causes)
}

/// The event types of `events`, each once.
fn types(events: &Value) -> Result<Vec<String>, Vec<String>> {
    let wrong = |cause: &str| Err(vec![cause.to_owned()]);
    if events["type"] != "EVENT_TYPE" {
        return wrong("events.type: must be EVENT_TYPE");
    }
    // Filters are Early Access: this organization has not turned them on.
    if !events["filter"].is_null() {
        return wrong("events.filter: event hook filters are not enabled");
    }
    let items: Option<Vec<&str>> =
        events["items"].as_array().and_then(|items| items.iter().map(Value::as_str).collect());
    let Some(items) = items.filter(|items| (1..=MOST_TYPES).contains(&items.len())) else {
        return wrong("events.items: must be 1 to 300 event types");
    };
    let ineligible = items.iter().filter(|kind| !is_eligible(kind));
    let causes: Vec<_> = ineligible
        .map(|kind| format!("events.items: '{kind}' is not an event type eligible for event hooks"))
        .collect();
    if !causes.is_empty() {
        return Err(causes);
    }
    let mut seen = BTreeSet::new();
    Ok(items.into_iter().filter(|kind| seen.insert(*kind)).map(str::to_owned).collect())
}

impl Channel {
    fn parse(channel: &Value, old: Option<&Channel>) -> Result<Channel, String> {
        if (&channel["type"], &channel["version"]) != (&json!("HTTP"), &json!("1.0.0")) {
            return Err("channel: type must be HTTP and version 1.0.0".into());
        }
        let config = &channel["config"];
        // Okta takes https only; http on this machine is for those who test against this tenant.
        let uri = config["uri"].as_str().filter(|uri| is_fetchable(uri));
        let uri = uri.ok_or("channel.config.uri: must be an https URL")?.to_owned();
        let sent = config["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let headers: Option<Vec<_>> = sent.iter().map(|pair| header(&pair["key"], &pair["value"])).collect();
        let headers = headers.ok_or("channel.config.headers: must be header names with values")?;
        let secret = match &config["authScheme"] {
            Value::Null => None,
            scheme => {
                Some(secret(scheme, old).ok_or("channel.config.authScheme: must be a HEADER, its key and value")?)
            }
        };
        Ok(Channel { uri, headers, secret })
    }

    /// The channel as Okta shows it: without the secret.
    fn json(&self) -> Value {
        let headers: Vec<Value> =
            self.headers.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
        let mut config = json!({ "uri": self.uri, "headers": headers, "method": "POST" });
        if let Some((key, _)) = &self.secret {
            config["authScheme"] = json!({ "type": "HEADER", "key": key });
        }
        json!({ "type": "HTTP", "version": "1.0.0", "config": config })
    }
}

/// A header that can be sent.
fn header(key: &Value, value: &Value) -> Option<(String, String)> {
    let (key, value) = (key.as_str()?, value.as_str()?);
    let sendable = HeaderName::from_bytes(key.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok();
    sendable.then(|| (key.to_owned(), value.to_owned()))
}

/// The secret of a scheme. Nobody can send back a secret that is never shown: the old one stays for the same header.
fn secret(scheme: &Value, old: Option<&Channel>) -> Option<(String, String)> {
    if scheme["type"] != "HEADER" {
        return None;
    }
    let kept = || old?.secret.clone().filter(|(key, _)| scheme["key"] == key.as_str());
    if scheme["value"].is_null() { kept() } else { header(&scheme["key"], &scheme["value"]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Value {
        json!({
            "name": "Leavers", "events": { "type": "EVENT_TYPE", "items": ["user.lifecycle.deactivate"] },
            "channel": { "type": "HTTP", "version": "1.0.0", "config": {
                "uri": "https://acme.example/hook", "headers": [{ "key": "X-Other", "value": "v" }],
                "authScheme": { "type": "HEADER", "key": "Authorization", "value": "secret" },
            } },
        })
    }

    fn parsed(body: &Value, old: Option<&Channel>) -> Result<Draft, Vec<String>> {
        Draft::parse(body.as_object().expect("an object"), old).map_err(|refusal| match refusal {
            Refusal::Okta { code: "E0000001", causes, .. } => causes,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_field() {
        let cases = [
            ("/name", json!(" "), "name"),
            ("/events/type", json!("OTHER"), "events.type"),
            ("/events/items", json!([]), "events.items"),
            ("/events/items", json!(vec!["user.session.start"; 301]), "events.items"),
            ("/events/items/0", json!("user.account.expire_password"), "events.items"),
            ("/events/items/0", json!("user.lifecycle.vanish"), "events.items"),
            ("/channel/type", json!("SMTP"), "channel"),
            ("/channel/config/uri", json!("http://acme.example/hook"), "channel.config.uri"),
            ("/channel/config/uri", json!("nowhere"), "channel.config.uri"),
            ("/channel/config/headers/0/key", json!("a b"), "channel.config.headers"),
            ("/channel/config/authScheme/type", json!("QUERY"), "channel.config.authScheme"),
            ("/channel/config/authScheme/value", Value::Null, "channel.config.authScheme"),
        ];
        for (place, value, field) in cases {
            let mut wrong = body();
            *wrong.pointer_mut(place).expect("a place") = value;
            let causes = parsed(&wrong, None).expect_err(place);
            assert!(matches!(&causes[..], [one] if one.starts_with(field)), "{place}: {causes:?}");
        }
    }

    #[test]
    fn a_secret_that_is_not_sent_stays() {
        let old = parsed(&body(), None).expect("valid").channel;
        let mut again = body();
        again["channel"]["config"]["authScheme"]["value"] = Value::Null;
        assert_eq!(parsed(&again, Some(&old)).expect("valid").channel, old);
        again["channel"]["config"]["authScheme"]["key"] = json!("X-Key");
        assert!(parsed(&again, Some(&old)).is_err());
    }

    #[test]
    fn every_type_comes_once() {
        let mut twice = body();
        twice["events"]["items"] = json!(["user.session.end", "user.session.start", "user.session.end"]);
        assert_eq!(parsed(&twice, None).expect("valid").types, ["user.session.end", "user.session.start"]);
    }
}
