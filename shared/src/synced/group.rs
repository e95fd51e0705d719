//! A group of the directory.

use super::user::REMOVED_DAYS;
use crate::fold::fold;
use crate::id::ConnectionId;
use crate::okta::{self, GroupId};
use crate::store::keys::{self, Listed};
use crate::store::{Error, Index, Item};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A group as it is stored and told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Okta's id.
    pub id: GroupId,
    /// `OKTA_GROUP`, `APP_GROUP` or `BUILT_IN`.
    #[serde(rename = "type")]
    pub group_type: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// When it was made.
    pub created: Option<String>,
    /// When its profile last changed.
    pub last_updated: Option<String>,
    /// When its members last changed.
    pub last_membership_updated: Option<String>,
    /// How many members were found; none before they were first read.
    pub members_count: Option<u64>,
    /// When the tenant was seen without it.
    pub removed_at: Option<Timestamp>,
    /// When it was last stored.
    pub synced_at: Timestamp,
    /// Its attributes beside name and description.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub custom: Map<String, Value>,
}

impl Group {
    /// Of what Okta told just now; its members are not known by that.
    pub fn new(group: &okta::Group, now: Timestamp) -> Self {
        Self {
            id: group.id.clone(),
            group_type: group.group_type.clone(),
            name: group.profile.name.clone().unwrap_or_default(),
            description: group.profile.description.clone(),
            created: group.created.clone(),
            last_updated: group.last_updated.clone(),
            last_membership_updated: group.last_membership_updated.clone(),
            members_count: None,
            removed_at: None,
            synced_at: now,
            custom: group.profile.other.clone(),
        }
    }

    /// What makes it a changed one, under Okta's names; who its members are does not.
    pub fn told(&self) -> Value {
        let mut profile = self.custom.clone();
        profile.insert("name".to_owned(), json!(self.name));
        profile.insert("description".to_owned(), json!(self.description));
        json!({
            "type": self.group_type,
            "created": self.created,
            "lastUpdated": self.last_updated,
            "profile": profile,
        })
    }

    /// True for the group of all users: implied, never crawled.
    pub fn is_built_in(&self) -> bool {
        self.group_type == "BUILT_IN"
    }

    /// The group of all users.
    pub fn is_everyone(&self) -> bool {
        self.group_type == "BUILT_IN" && self.name == "Everyone"
    }

    /// As it is written. `settled` is the stamp up to which its members are known for sure.
    pub fn item(&self, connection: &ConnectionId, settled: Option<&str>) -> Result<Item, Error> {
        let listed = if self.removed_at.is_some() { Listed::Removed } else { Listed::Present };
        let item = Item::at(&keys::group(connection, &self.id))
            .indexed(Index::G1, keys::group_index(connection, &self.id, &fold(&self.name), listed))
            .document(self)?;
        let item = match settled {
            Some(stamp) => item.text("settled", stamp),
            None => item,
        };
        Ok(match self.removed_at {
            Some(at) => item.expires(crate::clock::after(at, REMOVED_DAYS * 86_400)),
            None => item,
        })
    }
}
