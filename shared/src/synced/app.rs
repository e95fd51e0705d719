//! An app of the directory.

use super::pages::{pack, unpack};
use super::user::REMOVED_DAYS;
use crate::fold::fold;
use crate::id::ConnectionId;
use crate::okta::{self, AppId, GroupId};
use crate::store::keys::{self, Listed};
use crate::store::{Error, Index, Item};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The names of the integrations that Okta puts into every organization, or adds with a product of its own: the Admin
/// Apps that Okta puts into organizations, beside those whose names begin with `okta_`.
const OKTAS_OWN: [&str; 2] = ["saasure", "flow"];
/// Apps of Okta's making that customers add themselves.
const CUSTOMERS: [&str; 1] = ["okta_org2org"];

/// True for an app that Okta puts there: the Admin Console, the End-User Dashboard, account settings and the like.
fn is_oktas_own(name: &str) -> bool {
    OKTAS_OWN.contains(&name) || name.starts_with("okta_") && !CUSTOMERS.contains(&name)
}

/// The most groups of an app that are stored: an item holds 400 KB.
const MOST_GROUPS: usize = 20_000;

/// An app as it is stored and told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DirectoryApp")]
pub struct App {
    /// Okta's id.
    pub id: AppId,
    /// The name of the integration; several apps share it.
    pub name: Option<String>,
    /// The name people see.
    pub label: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: Option<String>,
    /// How people sign in to it.
    pub sign_on_mode: Option<String>,
    /// True for Okta's own, as its Admin Console.
    pub okta_owned: bool,
    /// When it was made.
    pub created: Option<String>,
    /// When it last changed; assigning a user does not count.
    pub last_updated: Option<String>,
    /// How many users were found assigned; none before they were first read.
    pub users_count: Option<u64>,
    /// How many groups were found assigned; none before they were first read.
    pub groups_count: Option<u64>,
    /// When its users and groups were last read whole.
    pub assignments_at: Option<Timestamp>,
    /// When the tenant was seen without it.
    pub removed_at: Option<Timestamp>,
    /// When it was last stored.
    pub synced_at: Timestamp,
}

/// Why a user has an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum Scope {
    /// It was assigned to the user.
    User,
    /// It was assigned to a group of the user's.
    Group,
}

impl Scope {
    /// As Okta writes it. Whatever is not by a group is the user's own.
    pub fn parse(text: Option<&str>) -> Self {
        if text == Some(Self::Group.as_str()) { Self::Group } else { Self::User }
    }

    /// As Okta writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Group => "GROUP",
        }
    }
}

impl App {
    /// Of what Okta told just now; its users are not known by that.
    pub fn new(app: &okta::App, now: Timestamp) -> Self {
        let label = app.label.as_ref().or(app.name.as_ref());
        Self {
            id: app.id.clone(),
            name: app.name.clone(),
            label: label.map_or_else(|| app.id.to_string(), Clone::clone),
            status: app.status.clone(),
            sign_on_mode: app.sign_on_mode.clone(),
            okta_owned: app.name.as_deref().is_some_and(is_oktas_own),
            created: app.created.clone(),
            last_updated: app.last_updated.clone(),
            users_count: None,
            groups_count: None,
            assignments_at: None,
            removed_at: None,
            synced_at: now,
        }
    }

    /// What makes it a changed one, under Okta's names; who has it does not.
    pub fn told(&self) -> Value {
        json!({
            "name": self.name,
            "label": self.label,
            "status": self.status,
            "signOnMode": self.sign_on_mode,
            "created": self.created,
            "lastUpdated": self.last_updated,
        })
    }

    /// As it is written, with the groups that it is assigned to.
    pub fn item(&self, connection: &ConnectionId, groups: &[GroupId]) -> Result<Item, Error> {
        let listed = if self.removed_at.is_some() { Listed::Removed } else { Listed::Present };
        let item = Item::at(&keys::app(connection, &self.id))
            .indexed(Index::G1, keys::app_index(connection, &self.id, &fold(&self.label), listed))
            .bytes("groups", pack(&groups[..groups.len().min(MOST_GROUPS)])?)
            .document(self)?;
        Ok(match self.removed_at {
            Some(at) => item.expires(crate::clock::after(at, REMOVED_DAYS * 86_400)),
            None => item,
        })
    }

    /// The groups that an app is assigned to, of its item.
    pub fn groups(item: &Item) -> Result<Vec<GroupId>, Error> {
        item.get_bytes("groups").map_or(Ok(Vec::new()), unpack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(body: Value) -> App {
        App::new(&serde_json::from_value(body).expect("an app"), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn oktas_own_apps_are_told_from_the_customers() {
        for (name, own) in [
            ("saasure", true),
            ("okta_enduser", true),
            ("okta_account_settings", true),
            ("okta_org2org", false),
            ("slack", false),
        ] {
            assert_eq!(app(json!({"id": "0oa1", "name": name, "label": "A"})).okta_owned, own, "{name}");
        }
    }

    #[test]
    fn an_app_without_a_label_is_called_by_its_name_or_id() {
        assert_eq!(app(json!({"id": "0oa1", "name": "slack", "label": null})).label, "slack");
        assert_eq!(app(json!({"id": "0oa1"})).label, "0oa1");
    }

    #[test]
    fn an_item_gives_back_the_groups() {
        let groups = [GroupId::parse("00g1").expect("an id"), GroupId::parse("00g2").expect("an id")];
        let item = app(json!({"id": "0oa1", "label": "A"})).item(&ConnectionId::random(), &groups).expect("an item");
        assert_eq!(App::groups(&item).expect("groups"), groups);
    }
}
