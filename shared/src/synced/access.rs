//! Who may administer what, as it is stored: holders of admin roles, custom roles and resource sets, owners of groups, and
//! group rules.

use crate::id::ConnectionId;
use crate::okta::{self, AppId, GroupId, Principal, UserId};
use crate::store::{Error, Item, Key, Query, Store, keys};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The type of a custom role.
pub const CUSTOM: &str = "CUSTOM";

/// A user, a group or an OAuth client with its roles. Those that a user has by a group are the group's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admin {
    /// Which.
    pub holder: Principal,
    /// At least one.
    pub roles: Vec<HeldRole>,
}

/// A role that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeldRole {
    /// The assignment's id.
    pub id: String,
    /// `SUPER_ADMIN`, …, `CUSTOM`.
    pub role_type: String,
    /// The name people see.
    pub label: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// The groups that it is narrowed to; empty for all.
    pub groups: Vec<GroupId>,
    /// The apps that it is narrowed to; empty for all.
    pub apps: Vec<AppScope>,
    /// Of a custom role, that role and the set of resources that it is about.
    pub custom: Option<CustomGrant>,
}

/// Apps that a role is narrowed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AppScope {
    /// One app.
    App {
        /// Its id.
        id: AppId,
        /// Its label.
        label: String,
    },
    /// Every app of an integration.
    Integration {
        /// The integration's name.
        name: String,
        /// The name people see.
        label: String,
    },
}

/// A custom role, granted on a resource set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CustomGrant {
    /// The role's id.
    pub role: String,
    /// The resource set's id.
    pub set: String,
}

/// A custom role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomRole {
    /// Its id.
    pub id: String,
    /// As in `okta.apps.manage`.
    pub permissions: BTreeSet<String>,
}

/// A resource set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceSet {
    /// Its id.
    pub id: String,
    /// The name people see.
    pub label: String,
    /// What is in it.
    pub resources: BTreeSet<Resource>,
}

/// What a custom role may be about, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Resource {
    /// Every group.
    Groups,
    /// One group.
    Group(GroupId),
    /// Every app.
    Apps,
    /// Every app of an integration.
    Integration(String),
    /// One app.
    App(AppId),
    /// Anything else, as Okta names it.
    Other(String),
}

impl Resource {
    /// Of a resource's name, or else of its URL.
    pub fn of(resource: &okta::Resource) -> Self {
        let name = resource.orn.as_deref().or(resource.href()).unwrap_or_default();
        let known = Self::of_orn(name).or_else(|| Self::of_url(resource.href()?));
        known.unwrap_or_else(|| Self::Other(name.to_owned()))
    }

    /// `orn:okta:directory:{org}:groups`, `orn:okta:idp:{org}:apps:{integration}:{app}`: of any partition and organization.
    fn of_orn(orn: &str) -> Option<Self> {
        let parts: Vec<_> = orn.split(':').collect();
        match parts.as_slice() {
            ["orn", _, "directory", _, "groups"] => Some(Self::Groups),
            ["orn", _, "directory", _, "groups", id] => GroupId::parse(id).ok().map(Self::Group),
            ["orn", _, "idp", _, "apps"] => Some(Self::Apps),
            ["orn", _, "idp", _, "apps", name] => Some(Self::Integration((*name).to_owned())),
            ["orn", _, "idp", _, "apps", _, id] => AppId::parse(id).ok().map(Self::App),
            _ => None,
        }
    }

    fn of_url(href: &str) -> Option<Self> {
        let url = url::Url::parse(href).ok()?;
        let path: Vec<_> = url.path().trim_matches('/').split('/').collect();
        match path.as_slice() {
            ["api", "v1", "groups"] => Some(Self::Groups),
            ["api", "v1", "groups", id] => GroupId::parse(id).ok().map(Self::Group),
            ["api", "v1", "apps"] if url.query().is_none() => Some(Self::Apps),
            ["api", "v1", "apps", id] => AppId::parse(id).ok().map(Self::App),
            _ => None,
        }
    }
}

/// The owners of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned {
    /// The group.
    pub group: GroupId,
    /// At least one.
    pub owners: Vec<Owner>,
}

/// An owner of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner {
    /// `USER` or `GROUP`.
    pub kind: String,
    /// Okta's id of it; of an owner that Okta cannot resolve, what its source calls it.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Whether Okta knows who it is.
    pub resolved: bool,
}

impl Owner {
    /// Of what Okta says. Of one that says nothing of it, Okta knows who it is.
    pub fn of(owner: okta::Owner) -> Self {
        let resolved = owner.resolved.unwrap_or(true);
        Self { kind: owner.kind, id: owner.id, name: owner.display_name, resolved }
    }
}

/// A rule that makes users members of groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRule {
    /// Its id.
    pub id: String,
    /// The name people see.
    pub name: String,
    /// `ACTIVE`, `INACTIVE` or `INVALID`.
    pub status: String,
    /// Whom it holds for, in Okta's expression language.
    pub expression: Option<String>,
    /// The groups that users become members of.
    pub groups: Vec<GroupId>,
    /// The users it never holds for.
    pub excluded: Vec<UserId>,
}

impl GroupRule {
    /// Of what Okta says.
    pub fn of(rule: &okta::GroupRule) -> Self {
        Self {
            id: rule.id.clone(),
            name: rule.name.clone().unwrap_or_else(|| rule.id.clone()),
            status: rule.status.clone().unwrap_or_default(),
            expression: rule.expression().map(str::to_owned),
            groups: rule.groups(),
            excluded: rule.excluded_users(),
        }
    }
}

/// One item of who may administer what.
pub trait Record: Serialize + DeserializeOwned + PartialEq {
    /// What the sort keys of its kind begin with.
    const KIND: &'static str;

    /// Where it lies.
    fn key(&self, connection: &ConnectionId) -> Key;

    /// As it is written.
    fn item(&self, connection: &ConnectionId) -> Result<Item, Error> {
        Item::at(&self.key(connection)).document(self)
    }
}

impl Record for Admin {
    const KIND: &'static str = keys::ADMINS;

    fn key(&self, connection: &ConnectionId) -> Key {
        keys::admin(connection, &self.holder)
    }
}

impl Record for CustomRole {
    const KIND: &'static str = keys::CUSTOM_ROLES;

    fn key(&self, connection: &ConnectionId) -> Key {
        keys::custom_role(connection, &self.id)
    }
}

impl Record for ResourceSet {
    const KIND: &'static str = keys::RESOURCE_SETS;

    fn key(&self, connection: &ConnectionId) -> Key {
        keys::resource_set(connection, &self.id)
    }
}

impl Record for Owned {
    const KIND: &'static str = keys::OWNED;

    fn key(&self, connection: &ConnectionId) -> Key {
        keys::owned(connection, &self.group)
    }
}

impl Record for GroupRule {
    const KIND: &'static str = keys::GROUP_RULES;

    fn key(&self, connection: &ConnectionId) -> Key {
        keys::group_rule(connection, &self.id)
    }
}

/// All records of a kind.
pub async fn records<T: Record>(store: &Store, connection: &ConnectionId) -> Result<Vec<T>, Error> {
    let query = Query::partition(keys::access_partition(connection)).prefix(T::KIND);
    store.query(&query).await?.iter().map(Item::parse).collect()
}

/// The record at a key.
pub async fn record<T: Record>(store: &Store, key: &Key) -> Result<Option<T>, Error> {
    store.get(key).await?.map(|item| item.parse()).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn resource(body: Value) -> Resource {
        Resource::of(&serde_json::from_value(body).expect("a resource"))
    }

    #[test]
    fn a_resource_is_known_by_its_name_or_its_url() {
        let app = AppId::parse("0oa1").expect("an id");
        let group = GroupId::parse("00g1").expect("an id");
        for (orn, known) in [
            ("orn:okta:directory:00o1:groups", Resource::Groups),
            ("orn:oktapreview:directory:00o1:groups:00g1", Resource::Group(group.clone())),
            ("orn:okta:idp:00o1:apps", Resource::Apps),
            ("orn:okta:idp:00o1:apps:workday", Resource::Integration("workday".to_owned())),
            ("orn:okta:idp:00o1:apps:workday:0oa1", Resource::App(app.clone())),
            ("orn:okta:directory:00o1:users", Resource::Other("orn:okta:directory:00o1:users".to_owned())),
        ] {
            assert_eq!(resource(json!({"id": "ire1", "orn": orn})), known, "{orn}");
        }
        let own = |path: &str| json!({"_links": {"self": {"href": format!("https://acme.okta.com/api/v1/{path}")}}});
        assert_eq!(resource(own("apps/0oa1")), Resource::App(app));
        assert_eq!(resource(own("groups/00g1")), Resource::Group(group));
        let users = "https://acme.okta.com/api/v1/groups/00g1/users".to_owned();
        assert_eq!(resource(own("groups/00g1/users")), Resource::Other(users));
    }
}
