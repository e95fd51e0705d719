//! What the owner of a connection configures: name, teams, permissions, schedules and attributes.

use super::{ACTIONS, WORDS};
use crate::schedule::{self, Schedule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The configured part of a connection; a body of POST and the result of a PATCH are read as one of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// A name for people.
    pub name: String,
    /// Who may use it beside the admins.
    #[serde(default)]
    pub teams: Vec<String>,
    /// What may be done with it.
    #[serde(default)]
    pub permissions: Permissions,
    /// What is synced and when; null: nothing by itself.
    #[serde(default = "SyncSettings::usual")]
    pub sync: Option<SyncSettings>,
    /// Which profile attributes mean what.
    #[serde(default)]
    pub attributes: Attributes,
    /// No schedules, no actions, no syncs.
    #[serde(default)]
    pub paused: bool,
}

/// Which actions are allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// Names of actions, or words: read, write, destructive, credentials, all. Left out: read.
    pub actions: Vec<String>,
}

impl Default for Permissions {
    fn default() -> Self {
        Self { actions: vec!["read".to_owned()] }
    }
}

/// Something that a sync reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// People.
    Users,
    /// Groups and memberships.
    Groups,
    /// Applications and assignments.
    Apps,
    /// Places, from people's attributes.
    Locations,
    /// Admin roles, and who holds them. Okta shows them to super administrators.
    Admins,
    /// Owners of groups. They need Okta Identity Governance.
    Owners,
    /// Rules that make users members of groups.
    GroupRules,
}

impl Stream {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Users, Self::Groups, Self::Apps, Self::Locations, Self::Admins, Self::Owners, Self::GroupRules];
    /// Those that are read where a connection does not name any.
    pub const USUAL: [Self; 5] = [Self::Users, Self::Groups, Self::Apps, Self::Locations, Self::Admins];
}

/// What is synced and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SyncSettings {
    /// When everything is read; null: never by itself.
    pub full: Option<String>,
    /// When changes are read; null: never by itself.
    pub incremental: Option<String>,
    /// When everything is read and nothing is taken for unchanged; null: never by itself.
    pub verify: Option<String>,
    /// The time zone of the schedules.
    pub timezone: String,
    /// What is read.
    pub streams: Vec<Stream>,
    /// Whether changes in Okta are read as they happen, by an event hook of the connector's own.
    pub live: bool,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self {
            full: Some("rate(6 hours)".to_owned()),
            incremental: Some("rate(15 minutes)".to_owned()),
            verify: Some("rate(7 days)".to_owned()),
            timezone: "UTC".to_owned(),
            streams: Stream::USUAL.to_vec(),
            live: false,
        }
    }
}

impl SyncSettings {
    #[expect(clippy::unnecessary_wraps, reason = "the default of a field that may be null")]
    fn usual() -> Option<Self> {
        Some(Self::default())
    }
}

/// Attributes that a location is made of at most: everybody's line of the roster holds their texts.
const MOST_PARTS: usize = 10;

/// Which profile attributes mean what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Attributes {
    /// What a location is made of.
    pub location: Vec<String>,
    /// What names a person's manager: an Okta id, login, email or employee number.
    pub manager: Option<String>,
    /// A person's first day.
    pub start_date: Option<String>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            location: ["city", "state", "countryCode"].map(str::to_owned).to_vec(),
            manager: Some("managerId".to_owned()),
            start_date: None,
        }
    }
}

/// Something in a body that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A JSON pointer to it.
    pub pointer: String,
    /// What is wrong and what to write instead.
    pub detail: String,
    /// True for a schedule that EventBridge Scheduler would refuse.
    pub schedule: bool,
}

impl Fault {
    /// A fault of any field.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into(), schedule: false }
    }
}

impl Settings {
    /// True where a stream is read. Where nothing is synced by itself, a sync that somebody starts reads the usual ones.
    pub fn reads(&self, stream: Stream) -> bool {
        self.sync.as_ref().map_or(&Stream::USUAL[..], |sync| &sync.streams).contains(&stream)
    }

    /// The streams that are read.
    pub fn streams(&self) -> BTreeSet<Stream> {
        Stream::ALL.into_iter().filter(|stream| self.reads(*stream)).collect()
    }

    /// Everything that its types cannot rule out.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.name.trim().is_empty() || self.name.chars().count() > 200 || self.name.chars().any(char::is_control) {
            faults.push(Fault::new("/name", "must be 1 to 200 characters"));
        }
        for (at, team) in self.teams.iter().enumerate() {
            if !is_team(team) {
                faults.push(Fault::new(format!("/teams/{at}"), "must be 1 to 64 letters, digits, '.', '_' or '-'"));
            }
        }
        for (at, action) in self.permissions.actions.iter().enumerate() {
            if !WORDS.contains(&action.as_str()) && !ACTIONS.contains(&action.as_str()) {
                let detail = "must be the name of an action, or read, write, destructive, credentials or all";
                faults.push(Fault::new(format!("/permissions/actions/{at}"), detail));
            }
        }
        if let Some(sync) = &self.sync {
            faults.extend(sync.faults());
        }
        faults.extend(self.attributes.faults());
        faults
    }
}

impl SyncSettings {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (field, expression) in [("full", &self.full), ("incremental", &self.incremental), ("verify", &self.verify)]
        {
            if let Some(Err(detail)) = expression.as_deref().map(Schedule::parse) {
                faults.push(Fault { pointer: format!("/sync/{field}"), detail, schedule: true });
            }
        }
        if !schedule::is_time_zone(&self.timezone) {
            let detail = "must be an IANA time zone, as in UTC or Europe/Berlin".to_owned();
            faults.push(Fault { pointer: "/sync/timezone".to_owned(), detail, schedule: true });
        }
        if !self.streams.contains(&Stream::Users) {
            faults.push(Fault::new("/sync/streams", "must hold users"));
        }
        faults
    }
}

impl Attributes {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = self.misnamed();
        if self.location.len() > MOST_PARTS {
            faults.push(Fault::new("/attributes/location", format!("must have at most {MOST_PARTS} attributes")));
        }
        for (at, name) in self.location.iter().enumerate() {
            if self.location[..at].contains(name) {
                faults.push(Fault::new(format!("/attributes/location/{at}"), "is named before"));
            }
        }
        faults
    }

    fn misnamed(&self) -> Vec<Fault> {
        let named = self.location.iter().enumerate().map(|(at, name)| (format!("/attributes/location/{at}"), name));
        let manager = self.manager.iter().map(|name| ("/attributes/manager".to_owned(), name));
        let start_date = self.start_date.iter().map(|name| ("/attributes/start_date".to_owned(), name));
        named
            .chain(manager)
            .chain(start_date)
            .filter(|(_, name)| !is_attribute(name))
            .map(|(pointer, _)| Fault::new(pointer, "must be the name of a profile attribute"))
            .collect()
    }
}

/// True for the name of a team.
pub fn is_team(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn is_attribute(name: &str) -> bool {
    (1..=100).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(body: serde_json::Value) -> Settings {
        serde_json::from_value(body).expect("settings")
    }

    #[test]
    fn absent_members_have_the_documented_values_and_null_means_off() {
        let plain = settings(json!({"name": "Acme"}));
        assert_eq!(plain.permissions.actions, ["read"]);
        assert_eq!(plain.sync.as_ref().and_then(|sync| sync.full.as_deref()), Some("rate(6 hours)"));
        let off = settings(json!({"name": "Acme", "sync": {"full": null}}));
        let sync = off.sync.expect("a sync");
        assert_eq!((sync.full, sync.incremental.as_deref()), (None, Some("rate(15 minutes)")));
        assert_eq!(settings(json!({"name": "Acme", "sync": null})).sync, None);
    }

    #[test]
    fn a_time_zone_is_one_of_the_database_and_spelt_as_there() {
        let faults = |zone: &str| settings(json!({"name": "Acme", "sync": {"timezone": zone}})).faults();
        for zone in ["UTC", "Etc/UTC", "GMT", "Europe/Berlin", "US/Pacific", "America/Argentina/Buenos_Aires"] {
            assert_eq!(faults(zone), [], "{zone}");
        }
        for zone in [
            "",
            "utc",
            "europe/berlin",
            "CEST",
            "+02:00",
            "Etc/Unknown",
            "Mars/Olympus",
            "../etc/passwd",
            "localtime",
            "Factory",
        ] {
            let faults = faults(zone);
            assert!(faults.len() == 1 && faults[0].schedule && faults[0].pointer == "/sync/timezone", "{zone}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once_with_its_place() {
        let bad = settings(json!({
            "name": " ", "teams": ["ok", "no spaces"], "permissions": {"actions": ["user.fly", "read"]},
            "sync": {"full": "every(5 minutes)", "timezone": "Mars/Olympus", "streams": ["groups"]},
            "attributes": {"location": ["city", "no-dash", "city"], "manager": ""},
        }));
        let pointers: Vec<_> = bad.faults().into_iter().map(|fault| fault.pointer).collect();
        let expected = [
            "/name",
            "/teams/1",
            "/permissions/actions/0",
            "/sync/full",
            "/sync/timezone",
            "/sync/streams",
            "/attributes/location/1",
            "/attributes/manager",
            "/attributes/location/2",
        ];
        assert_eq!(pointers, expected);
    }
}
