//! A group and how Okta shows one.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use crate::clock::Stamp;
use crate::filter::Found;
use crate::log::Party;
use crate::random::Id;

/// Who decides about a group's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GroupKind {
    /// Okta: the group of all users.
    BuiltIn,
    /// An app that imports it.
    AppGroup,
    /// Administrators.
    OktaGroup,
}

impl GroupKind {
    /// The type as Okta writes it.
    pub const fn name(self) -> &'static str {
        match self {
            GroupKind::BuiltIn => "BUILT_IN",
            GroupKind::AppGroup => "APP_GROUP",
            GroupKind::OktaGroup => "OKTA_GROUP",
        }
    }
}

/// A group.
#[derive(Debug)]
pub struct Group {
    /// The id.
    pub id: Id,
    /// Who decides about its members.
    pub kind: GroupKind,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// When it was made.
    pub created: Stamp,
    /// The last change of its profile.
    pub last_updated: Stamp,
    /// The last change of its members.
    pub last_membership_updated: Stamp,
    /// Its members; empty for the built-in group, whose members are computed.
    pub members: BTreeSet<Id>,
    /// The app it is imported from.
    pub source: Option<Id>,
}

impl Group {
    /// The group as target of an event.
    pub fn party(&self) -> Party {
        Party { id: self.id.to_string(), kind: "UserGroup", alternate: "unknown".into(), name: self.name.clone() }
    }

    /// The value of a filter attribute.
    pub fn found(&self, attribute: &str) -> Found<'_> {
        match attribute {
            "id" => self.id.as_str().into(),
            "type" => self.kind.name().into(),
            "profile.name" => self.name.as_str().into(),
            "profile.description" => self.description.as_deref().map_or(Found::Missing, Into::into),
            "created" => Found::Time(self.created.millis()),
            "lastUpdated" => Found::Time(self.last_updated.millis()),
            "lastMembershipUpdated" => Found::Time(self.last_membership_updated.millis()),
            _ => Found::Missing,
        }
    }

    /// The group as Okta shows it, alone and in listings.
    pub fn json(&self, base: &str) -> Value {
        let own = format!("{base}/api/v1/groups/{}", self.id);
        let logo = |size: &str| json!({ "name": size, "href": format!("{base}/assets/img/logos/groups/{size}.png"), "type": "image/png" });
        let mut group = json!({
            "id": self.id,
            "created": self.created,
            "lastUpdated": self.last_updated,
            "lastMembershipUpdated": self.last_membership_updated,
            "objectClass": ["okta:user_group"],
            "type": self.kind,
            "profile": { "name": self.name, "description": self.description },
            "_links": {
                "logo": [logo("medium"), logo("large")],
                "users": { "href": format!("{own}/users") },
                "apps": { "href": format!("{own}/apps") },
                "owners": { "href": format!("{own}/owners") },
            },
        });
        if let Some(source) = self.source {
            group["source"] = json!({ "id": source });
            group["_links"]["source"] = json!({ "href": format!("{base}/api/v1/apps/{source}") });
        }
        group
    }
}
