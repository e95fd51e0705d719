//! The System Log: what happened, in the order it was persisted.
//!
//! A late event is published before it is persisted. Polling follows the order of persistence and so sees it; a request
//! bounded by publication times may have passed the place already.

mod origin;

pub use origin::Origin;

use std::collections::{BTreeSet, VecDeque};
use std::ops::Bound;
use std::slice;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::clock::{moved, precise};
use crate::filter::Found;
use crate::random::Random;

/// Events kept; older ones are forgotten.
const KEPT: usize = 250_000;
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
    ("application.user_membership.update", "Update application user", "INFO"),
    ("group.application_assignment.add", "Add assigned application to group", "INFO"),
    ("group.application_assignment.remove", "Remove assigned application from group", "INFO"),
    ("user.mfa.factor.deactivate", "Reset factor for user", "INFO"),
    ("user.authentication.auth_via_mfa", "Authentication of user via MFA", "INFO"),
    ("user.authentication.verify", "Verify user identity", "INFO"),
    ("policy.evaluate_sign_on", "Evaluation of sign-on policy", "INFO"),
];

/// More of them, which `POST /_sim/events` writes only where they are asked for by name; with them, what the events of
/// administrators, rules and owners are called in Okta's catalog of event types.
const RARE_TYPES: &[(&str, &str, &str)] = &[
    ("user.account.privilege.grant", "Grant user privilege", "INFO"),
    ("user.account.privilege.revoke", "Revoke user privilege", "INFO"),
    ("group.privilege.grant", "Grant group privilege", "INFO"),
    ("group.privilege.revoke", "Revoke group privilege", "INFO"),
    ("app.oauth2.client.privilege.grant", "Grant OAuth 2.0 client privilege", "INFO"),
    ("app.oauth2.client.privilege.revoke", "Revoke OAuth 2.0 client privilege", "INFO"),
    ("iam.role.create", "Create custom admin role", "INFO"),
    ("iam.role.delete", "Delete custom admin role", "INFO"),
    ("iam.role.permissions.add", "Add permissions to custom admin role", "INFO"),
    ("iam.role.permissions.delete", "Delete permissions from custom admin role", "INFO"),
    ("iam.resourceset.create", "Create resource set", "INFO"),
    ("iam.resourceset.delete", "Delete resource set", "INFO"),
    ("iam.resourceset.resources.add", "Add resources to resource set", "INFO"),
    ("iam.resourceset.resources.delete", "Delete resources from resource set", "INFO"),
    ("iam.resourceset.bindings.add", "Create admin role assignment", "INFO"),
    ("iam.resourceset.bindings.delete", "Delete admin role assignment", "INFO"),
    ("resource.owner.update", "Update resource owner", "INFO"),
    ("group.user_membership.rule.trigger", "Trigger group membership rule", "INFO"),
    ("group.user_membership.rule.deactivated", "Deactivate group membership rule", "INFO"),
    ("group.user_membership.rule.invalidate", "Invalidate group membership rule", "INFO"),
    ("group.user_membership.rule.add_exclusion", "User added to exclusion list for group rule", "INFO"),
    ("user.authentication.universal_logout", "Universal Logout", "INFO"),
];

/// Someone or something an event names, as actor or as target.
#[derive(Debug, Clone)]
pub struct Party {
    /// The id.
    pub id: String,
    /// `User`, `UserGroup`, `AppInstance`, `PublicClientApp`, `SystemPrincipal`, `GroupRule`.
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
    /// Where it came from.
    pub origin: Origin,
}

/// How it ended.
#[derive(Debug, Clone)]
pub struct Ending {
    /// `SUCCESS`, `FAILURE` or another of Okta's results.
    pub result: String,
    /// Why, if there is anything to say.
    pub reason: Option<String>,
}

impl Default for Ending {
    fn default() -> Ending {
        Ending { result: "SUCCESS".into(), reason: None }
    }
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
    /// Its name, here and in deliveries to event hooks.
    pub uuid: String,
    actor: Party,
    targets: Vec<Party>,
    source: Source,
    ending: Ending,
    debug: Vec<(&'static str, String)>,
}

impl Event {
    /// The event as `/api/v1/logs` shows it.
    pub fn json(&self) -> Value {
        let mut known = TYPES.iter().chain(RARE_TYPES);
        let known = known.find(|known| known.0 == self.kind);
        let (_, message, severity) = known.copied().unwrap_or(("", "Event", "INFO"));
        let targets: Vec<Value> = self.targets.iter().map(Party::json).collect();
        let mut shown = json!({
            "actor": self.actor.json(),
            "client": self.source.origin.client(),
            "device": null,
            "authenticationContext": {
                "authenticationProvider": null, "credentialProvider": null, "credentialType": null, "issuer": null,
                "interface": null, "authenticationStep": 0, "externalSessionId": "trs".to_owned() + &self.uuid[..8],
            },
            "displayMessage": message,
            "eventType": self.kind,
            "outcome": { "result": self.ending.result, "reason": self.ending.reason },
            "published": precise(self.published),
            "securityContext": self.source.origin.security(),
            "severity": if self.ending.result == "FAILURE" { "WARN" } else { severity },
            "debugContext": { "debugData": {
                "requestId": self.source.request_id, "requestUri": self.source.path, "url": self.source.path } },
            "legacyEventType": null,
            "transaction": { "type": "WEB", "id": self.source.request_id, "detail": {} },
            "uuid": self.uuid,
            "version": "0",
            "request": self.source.origin.request(),
            "target": targets,
        });
        for (name, value) in &self.debug {
            shown["debugContext"]["debugData"][name] = json!(value);
        }
        shown
    }

    /// The event as an event hook is told of it. Okta's two samples differ, so every other event is like each: as in the
    /// log, or with the addresses on the way inside `client` and the time it was persisted.
    pub fn told(&self) -> Value {
        let mut json = self.json();
        if self.sequence % 2 == 1 {
            json["client"]["ipChain"] = json["request"]["ipChain"].take();
            json["insertionTimestamp"] = precise(self.persisted).into();
            if let Some(members) = json.as_object_mut() {
                members.remove("request");
            }
        }
        json
    }

    /// The value of an attribute that needs no JSON to be made first.
    pub fn plain(&self, attribute: &str) -> Option<&str> {
        match attribute {
            "eventType" => Some(&self.kind),
            "uuid" => Some(&self.uuid),
            "actor.id" => Some(&self.actor.id),
            "outcome.result" => Some(&self.ending.result),
            _ => None,
        }
    }

    /// The values of a filter attribute, of every member where there is a list on the way; `json` is the event's own,
    /// made once.
    pub fn found<'a>(json: &'a Value, attribute: &str) -> Found<'a> {
        let mut values = vec![json];
        for name in attribute.split('.') {
            let parts = values.into_iter().filter_map(|value| value.get(name));
            values = parts.flat_map(|part| part.as_array().map_or(slice::from_ref(part), Vec::as_slice)).collect();
        }
        Found::Many(values)
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
    /// How it ended.
    pub ending: Ending,
    /// What only the debug context says, as text.
    pub debug: Vec<(&'static str, String)>,
    /// How long before now it happened.
    pub late: SignedDuration,
}

impl Entry {
    /// Something that happened now, well, and from no request.
    pub fn new(kind: &str, actor: Party, targets: Vec<Party>) -> Entry {
        let (source, ending) = (Source::default(), Ending::default());
        let late = SignedDuration::ZERO;
        Entry { kind: kind.to_owned(), actor, targets, source, ending, debug: Vec::new(), late }
    }
}

/// A time as it is shown, in whole milliseconds: pages and times compare what clients see.
fn shown(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// A place in the order of publication: when, and the sequence number.
pub type Place = (Timestamp, u64);

/// The log of a tenant.
#[derive(Debug, Default)]
pub struct Log {
    events: VecDeque<Arc<Event>>,
    places: BTreeSet<Place>,
    written: u64,
}

impl Log {
    /// Persists an event.
    pub fn write(&mut self, entry: Entry, now: Timestamp, random: &mut Random) -> Arc<Event> {
        if self.events.len() == KEPT
            && let Some(oldest) = self.events.pop_front()
        {
            self.places.remove(&(oldest.published, oldest.sequence));
        }
        self.written += 1;
        let event = Arc::new(Event {
            sequence: self.written,
            // A machine's clock may be set back; the order of persistence may not.
            persisted: self.events.back().map_or(now, |last| now.max(last.persisted)),
            published: shown(moved(now, -entry.late)),
            kind: entry.kind,
            uuid: random.uuid(),
            actor: entry.actor,
            targets: entry.targets,
            source: entry.source,
            ending: entry.ending,
            debug: entry.debug,
        });
        self.places.insert((event.published, event.sequence));
        self.events.push_back(Arc::clone(&event));
        event
    }

    /// The sequence number of the newest event.
    pub fn last(&self) -> u64 {
        self.written
    }

    /// The sequence number of the last event that was persisted before a time, 0 if there is none.
    pub fn before(&self, time: Timestamp) -> u64 {
        let start = self.events.partition_point(|event| event.persisted < time);
        start.checked_sub(1).and_then(|last| self.events.get(last)).map_or(0, |event| event.sequence)
    }

    /// Events in the order of persistence, after a sequence number, that are still retained.
    pub fn after(&self, sequence: u64, now: Timestamp) -> impl Iterator<Item = &Event> {
        let oldest = oldest(now);
        let passed = |event: &Arc<Event>| event.sequence <= sequence || event.persisted < oldest;
        self.events.range(self.events.partition_point(passed)..).map(Arc::as_ref)
    }

    /// Events in the order of publication, between two places, that are still retained.
    pub fn between(&self, from: Bound<Place>, until: Place, now: Timestamp) -> impl DoubleEndedIterator<Item = &Event> {
        let oldest = oldest(now);
        let is_empty = matches!(from, Bound::Included(from) | Bound::Excluded(from) if from >= until);
        let places = (!is_empty).then(|| self.places.range((from, Bound::Excluded(until))));
        let events = places.into_iter().flatten().filter_map(|(_, sequence)| self.get(*sequence));
        events.filter(move |event| event.persisted >= oldest)
    }

    /// An event by its sequence number: there are no gaps.
    fn get(&self, sequence: u64) -> Option<&Event> {
        let first = self.events.front()?.sequence;
        let index = usize::try_from(sequence.checked_sub(first)?).ok()?;
        self.events.get(index).map(Arc::as_ref)
    }
}

/// When the oldest event that is readable was persisted.
fn oldest(now: Timestamp) -> Timestamp {
    moved(now, -SignedDuration::from_hours(24 * RETENTION_DAYS))
}
