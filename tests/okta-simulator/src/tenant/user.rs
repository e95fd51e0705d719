//! A user and how Okta shows one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::Org;
use super::factor::Factor;
use crate::clock::Stamp;
use crate::filter::Found;
use crate::log::Party;
use crate::random::Id;

/// The eight statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Made, not activated.
    Staged,
    /// Activated, without a password yet.
    Provisioned,
    /// In use.
    Active,
    /// Resetting the password.
    Recovery,
    /// Must choose a new password.
    PasswordExpired,
    /// Failed to sign in too often.
    LockedOut,
    /// Suspended by an administrator.
    Suspended,
    /// Deactivated.
    Deprovisioned,
}

impl Status {
    /// All of them.
    pub const ALL: [Status; 8] = [
        Status::Staged,
        Status::Provisioned,
        Status::Active,
        Status::Recovery,
        Status::PasswordExpired,
        Status::LockedOut,
        Status::Suspended,
        Status::Deprovisioned,
    ];

    /// The status Okta writes so.
    pub fn parse(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == name)
    }

    /// The status as Okta writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Staged => "STAGED",
            Status::Provisioned => "PROVISIONED",
            Status::Active => "ACTIVE",
            Status::Recovery => "RECOVERY",
            Status::PasswordExpired => "PASSWORD_EXPIRED",
            Status::LockedOut => "LOCKED_OUT",
            Status::Suspended => "SUSPENDED",
            Status::Deprovisioned => "DEPROVISIONED",
        }
    }

    /// The links a single user of this status has: name and path under the user.
    const fn links(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Status::Staged => &[ACTIVATE, RESET_FACTORS],
            Status::Provisioned => &[SUSPEND, REACTIVATE, RESET_PASSWORD, RESET_FACTORS, DEACTIVATE],
            Status::Active | Status::PasswordExpired => &[
                SUSPEND,
                RESET_PASSWORD,
                ("forgotPassword", "credentials/forgot_password"),
                ("expirePassword", "lifecycle/expire_password"),
                ("changeRecoveryQuestion", "credentials/change_recovery_question"),
                RESET_FACTORS,
                ("changePassword", "credentials/change_password"),
                DEACTIVATE,
            ],
            Status::Recovery => &[REACTIVATE, RESET_PASSWORD, RESET_FACTORS, DEACTIVATE],
            Status::LockedOut => &[("unlock", "lifecycle/unlock"), RESET_PASSWORD, RESET_FACTORS, DEACTIVATE],
            Status::Suspended => &[("unsuspend", "lifecycle/unsuspend"), RESET_FACTORS, DEACTIVATE],
            Status::Deprovisioned => &[ACTIVATE],
        }
    }
}

const ACTIVATE: (&str, &str) = ("activate", "lifecycle/activate");
const REACTIVATE: (&str, &str) = ("reactivate", "lifecycle/reactivate");
const DEACTIVATE: (&str, &str) = ("deactivate", "lifecycle/deactivate");
const SUSPEND: (&str, &str) = ("suspend", "lifecycle/suspend");
const RESET_PASSWORD: (&str, &str) = ("resetPassword", "lifecycle/reset_password");
const RESET_FACTORS: (&str, &str) = ("resetFactors", "lifecycle/reset_factors");

/// Attribute values by name; the names are the schema's.
pub type Profile = BTreeMap<&'static str, Value>;

/// A user.
#[derive(Debug, Clone)]
pub struct User {
    /// The id.
    pub id: Id,
    /// The status.
    pub status: Status,
    /// When it was made.
    pub created: Stamp,
    /// When it was last activated.
    pub activated: Option<Stamp>,
    /// When the status last changed.
    pub status_changed: Option<Stamp>,
    /// The last sign-in.
    pub last_login: Option<Stamp>,
    /// The last change of anything but sign-ins and memberships.
    pub last_updated: Stamp,
    /// When the password last changed.
    pub password_changed: Option<Stamp>,
    /// Which of the organization's user types it has.
    pub kind: usize,
    /// Whether it has a password.
    pub password: bool,
    /// The profile.
    pub profile: Profile,
    /// Its groups, without the built-in one.
    pub groups: BTreeSet<Id>,
    /// Its manager by linked object, for the few who have one.
    pub manager: Option<Id>,
    /// What it signs in with besides its password.
    pub factors: Vec<Factor>,
    /// How many sessions are open; a sign-in in passing opens none, so that they can be counted on.
    pub sessions: usize,
    /// Whether its password came as a hash of another system's.
    pub imported: bool,
    /// The question that recovers a forgotten password.
    pub question: Option<String>,
    /// Whether something is enrolled that can recover a forgotten password.
    pub recovery: bool,
}

impl User {
    /// The login.
    pub fn login(&self) -> &str {
        self.text("login")
    }

    /// A text attribute; empty without a value.
    pub fn text(&self, attribute: &str) -> &str {
        self.profile.get(attribute).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a plain listing shows it.
    pub fn is_present(&self) -> bool {
        self.status != Status::Deprovisioned
    }

    /// The user as actor or target of an event.
    pub fn party(&self) -> Party {
        Party {
            id: self.id.to_string(),
            kind: "User",
            alternate: self.login().to_owned(),
            name: format!("{} {}", self.text("firstName"), self.text("lastName")),
        }
    }

    /// The value of a filter attribute.
    pub fn found<'a>(&'a self, org: &'a Org, attribute: &str) -> Found<'a> {
        let time = |stamp: Option<Stamp>| stamp.map_or(Found::Missing, |stamp| Found::Time(stamp.millis()));
        match attribute {
            "id" => self.id.as_str().into(),
            "status" => self.status.name().into(),
            "type.id" => org.types[self.kind].id.as_str().into(),
            "created" => time(Some(self.created)),
            "activated" => time(self.activated),
            "statusChanged" => time(self.status_changed),
            "lastUpdated" => time(Some(self.last_updated)),
            _ => attribute
                .strip_prefix("profile.")
                .and_then(|name| self.profile.get(name))
                .map_or(Found::Missing, Found::Json),
        }
    }

    /// The user in a listing: links to itself only.
    pub fn listed(&self, org: &Org, base: &str) -> Value {
        self.shown(org, &json!({ "self": { "href": format!("{base}/api/v1/users/{}", self.id) } }))
    }

    /// The user alone: with the links its status has.
    pub fn json(&self, org: &Org, base: &str) -> Value {
        let own = format!("{base}/api/v1/users/{}", self.id);
        let kind = &org.types[self.kind];
        let mut links = json!({
            "self": { "href": own },
            "schema": { "href": format!("{base}/api/v1/meta/schemas/user/{}", kind.schema) },
            "type": { "href": format!("{base}/api/v1/meta/types/user/{}", kind.id) },
        });
        for (name, path) in self.status.links() {
            links[name] = json!({ "href": format!("{own}/{path}"), "method": "POST" });
        }
        self.shown(org, &links)
    }

    fn shown(&self, org: &Org, links: &Value) -> Value {
        let provider = if self.imported { "IMPORT" } else { "OKTA" };
        let mut credentials = json!({ "provider": { "type": provider, "name": provider } });
        if self.password {
            credentials["password"] = json!({});
            credentials["emails"] = json!([{ "value": self.text("email"), "status": "VERIFIED", "type": "PRIMARY" }]);
        }
        if let Some(question) = &self.question {
            credentials["recovery_question"] = json!({ "question": question });
        }
        json!({
            "id": self.id,
            "status": self.status,
            "created": self.created,
            "activated": self.activated,
            "statusChanged": self.status_changed,
            "lastLogin": self.last_login,
            "lastUpdated": self.last_updated,
            "passwordChanged": self.password_changed,
            "type": { "id": org.types[self.kind].id },
            "realmId": org.realm(),
            "profile": self.profile,
            "credentials": credentials,
            "_links": links,
        })
    }
}
