//! The System Log: what happened, in the order it was persisted.
//!
//! A late event is published before it is persisted. Polling follows the order of persistence and so sees it; a request
//! bounded by publication times may have passed the place already.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::clock::{moved, precise};
use crate::filter::Found;
use crate::random::Random;

/// Events kept; older ones are forgotten.
const KEPT: usize = 100_000;
/// Days an event stays readable.
const RETENTION_DAYS: i64 = 90;

/// The event types the simulator writes, with their message and severity.
pub const TYPES: &[(&str, &str, &str)] = &[
    ("user.lifecycle.create", "Create okta user", "INFO"),
    ("user.lifecycle.activate", "Activate Okta user", "INFO"),
    ("user.lifecycle.reactivate", "Reactivate Okta user", "INFO"),
    ("user.lifecycle.deactivate", "Deactivate Okta user", "INFO"),
    ("user.lifecycle.suspend", "Suspend Okta user", "INFO"),
    ("user.lifecycle.unsuspend", "Unsuspend Okta user", "INFO"),
    ("user.lifecycle.delete.initiated", "Delete Okta user initiated", "INFO"),
    ("user.lifecycle.delete.completed", "Delete Okta user completed", "INFO"),
    ("user.account.update_profile", "Update user profile for Okta", "INFO"),
    ("user.account.update_password", "User update password for Okta", "INFO"),
    ("user.account.expire_password", "Expire user password for Okta", "INFO"),
    ("user.account.reset_password", "Fired when the user's Okta password is reset", "INFO"),
    ("user.account.unlock", "Unlock user account for Okta", "INFO"),
    ("user.account.lock", "Max sign in attempts exceeded", "DEBUG"),
    ("user.mfa.factor.reset_all", "Reset all factors for user", "INFO"),
    ("user.session.start", "User login to Okta", "INFO"),
    ("user.session.end", "User logout from Okta", "INFO"),
    ("user.session.clear", "Clear user session", "INFO"),
    ("user.authentication.sso", "User single sign on to app", "INFO"),
    ("group.lifecycle.create", "Create Okta group", "INFO"),
    ("group.lifecycle.delete", "Delete Okta group", "INFO"),
    ("group.profile.update", "Update Okta group", "INFO"),
    ("group.user_membership.add", "Add user to group membership", "INFO"),
    ("group.user_membership.remove", "Remove user from group membership", "INFO"),
    ("application.user_membership.add", "Add user to application membership", "INFO"),
    ("application.user_membership.remove", "Remove user from application membership", "INFO"),
    ("group.application_assignment.add", "Add assigned application to group", "INFO"),
    ("group.application_assignment.remove", "Remove assigned application from group", "INFO"),
];

/// Someone or something an event names, as actor or as target.
#[derive(Debug, Clone)]
pub struct Party {
    /// The id.
    pub id: String,
    /// `User`, `UserGroup`, `AppInstance`, `PublicClientApp`, `SystemPrincipal`.
    pub kind: &'static str,
    /// A login, or `unknown`.
    pub alternate: String,
    /// The name people see.
    pub name: String,
}

impl Party {
    fn json(&self) -> Value {
        json!({ "id": self.id, "type": self.kind, "alternateId": self.alternate,
                "displayName": self.name, "detailEntry": null })
    }
}

/// The request an event came from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Okta's request id.
    pub request_id: String,
    /// The path called.
    pub path: String,
    /// The caller's user agent.
    pub user_agent: String,
}

/// One event.
#[derive(Debug)]
pub struct Event {
    /// Its place in the order of persistence.
    pub sequence: u64,
    /// When it was persisted.
    pub persisted: Timestamp,
    /// When it happened.
    pub published: Timestamp,
    /// The event type.
    pub kind: String,
    uuid: String,
    actor: Party,
    targets: Vec<Party>,
    source: Source,
}

impl Event {
    /// The event as `/api/v1/logs` shows it.
    pub fn json(&self) -> Value {
        let (_, message, severity) =
            TYPES.iter().find(|known| known.0 == self.kind).copied().unwrap_or(("", "Event", "INFO"));
        let targets: Vec<Value> = self.targets.iter().map(Party::json).collect();
        let place = json!({ "city": "Oslo", "state": "Oslo", "country": "Norway", "postalCode": "0150",
                            "geolocation": { "lat": 59.9, "lon": 10.7 } });
        json!({
            "actor": self.actor.json(),
            "client": {
                "userAgent": { "rawUserAgent": self.source.user_agent, "os": "Unknown", "browser": "UNKNOWN" },
                "zone": "null", "device": "Unknown", "id": null, "ipAddress": "192.0.2.10",
                "geographicalContext": place,
            },
            "device": null,
            "authenticationContext": {
                "authenticationProvider": null, "credentialProvider": null, "credentialType": null, "issuer": null,
                "interface": null, "authenticationStep": 0, "externalSessionId": "trs".to_owned() + &self.uuid[..8],
            },
            "displayMessage": message,
            "eventType": self.kind,
            "outcome": { "result": "SUCCESS", "reason": null },
            "published": precise(self.published),
            "securityContext": { "asNumber": null, "asOrg": null, "isp": null, "domain": null, "isProxy": null },
            "severity": severity,
            "debugContext": { "debugData": {
                "requestId": self.source.request_id, "requestUri": self.source.path, "url": self.source.path } },
            "legacyEventType": null,
            "transaction": { "type": "WEB", "id": self.source.request_id, "detail": {} },
            "uuid": self.uuid,
            "version": "0",
            "request": { "ipChain": [{ "ip": "192.0.2.10", "geographicalContext": place,
                                       "version": "V4", "source": null }] },
            "target": targets,
        })
    }

    /// The value of a filter attribute; `json` is the event's own, made once.
    pub fn found<'a>(json: &'a Value, attribute: &str) -> Found<'a> {
        if let Some(part) = attribute.strip_prefix("target.") {
            let mut values = json["target"].as_array().into_iter().flatten();
            // Only the first target that has the attribute counts: enough for ids, types and names.
            return values.find_map(|target| target.get(part)).map_or(Found::Missing, Found::Json);
        }
        json.pointer(&format!("/{}", attribute.replace('.', "/"))).map_or(Found::Missing, Found::Json)
    }

    /// Whether every keyword occurs somewhere in the event.
    pub fn mentions(json: &Value, keywords: &[String]) -> bool {
        let text = json.to_string().to_lowercase();
        keywords.iter().all(|keyword| text.contains(keyword))
    }
}

/// An event about to be written.
#[derive(Debug)]
pub struct Entry {
    /// The event type.
    pub kind: String,
    /// Who did it.
    pub actor: Party,
    /// To whom or what.
    pub targets: Vec<Party>,
    /// From which request.
    pub source: Source,
    /// How long before now it happened.
    pub late: SignedDuration,
}

/// The log of a tenant.
#[derive(Debug, Default)]
pub struct Log {
    events: VecDeque<Event>,
    written: u64,
}

impl Log {
    /// Persists an event; the answer is its uuid.
    pub fn write(&mut self, entry: Entry, now: Timestamp, random: &mut Random) -> String {
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.written += 1;
        let uuid = random.uuid();
        self.events.push_back(Event {
            sequence: self.written,
            persisted: now,
            published: moved(now, -entry.late),
            kind: entry.kind,
            uuid: uuid.clone(),
            actor: entry.actor,
            targets: entry.targets,
            source: entry.source,
        });
        uuid
    }

    /// The sequence number of the newest event.
    pub fn last(&self) -> u64 {
        self.written
    }

    /// Events in the order of persistence, after a sequence number, that are still retained.
    pub fn after(&self, sequence: u64, now: Timestamp) -> impl Iterator<Item = &Event> {
        let oldest = moved(now, -SignedDuration::from_hours(24 * RETENTION_DAYS));
        let start = self.events.partition_point(|event| event.sequence <= sequence);
        self.events.range(start..).filter(move |event| event.persisted >= oldest)
    }
}
