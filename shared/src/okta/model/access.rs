//! Who may administer what: role assignments, custom roles, resource sets, owners of groups, and group rules.

use crate::okta::id::{AppId, GroupId, UserId};
use crate::okta::null;
use serde::Deserialize;
use serde_json::Value;

/// A user who holds a role.
#[derive(Clone, Debug, Deserialize)]
pub struct Assignee {
    /// `00u…`
    pub id: UserId,
}

/// A role that a user, a group or a client holds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Role {
    /// The assignment's id, which assignments of one role to several holders may share.
    #[serde(deserialize_with = "null::lenient")]
    pub id: Option<String>,
    /// The name people see.
    #[serde(deserialize_with = "null::lenient")]
    pub label: Option<String>,
    /// `SUPER_ADMIN`, …, `CUSTOM`.
    #[serde(rename = "type")]
    pub role_type: Option<String>,
    /// `ACTIVE` or `INACTIVE`.
    pub status: Option<String>,
    /// `USER`, `GROUP` or `CLIENT`: of a user, `GROUP` is a role that one of the user's groups holds.
    #[serde(rename = "assignmentType", deserialize_with = "null::lenient")]
    pub assignment_type: Option<String>,
    /// Of a custom role, its id.
    #[serde(deserialize_with = "null::lenient")]
    pub role: Option<String>,
    /// Of a custom role, the id of the resource set that it is about.
    #[serde(rename = "resource-set", deserialize_with = "null::lenient")]
    pub resource_set: Option<String>,
    /// What `expand` adds.
    #[serde(rename = "_embedded", deserialize_with = "null::lenient")]
    embedded: RoleEmbedded,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RoleEmbedded {
    #[serde(deserialize_with = "null::lenient")]
    targets: RoleTargets,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RoleTargets {
    #[serde(deserialize_with = "null::lenient")]
    groups: Option<Vec<GroupTarget>>,
    #[serde(deserialize_with = "null::lenient")]
    catalog: Option<RoleCatalog>,
}

#[derive(Clone, Debug, Deserialize)]
struct RoleCatalog {
    apps: Vec<AppTarget>,
}

/// A group that a role is narrowed to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GroupTarget {
    /// `00g…`
    pub id: GroupId,
}

/// An app, or every instance of one integration, that a role is narrowed to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppTarget {
    /// Of an instance, its id.
    #[serde(default)]
    pub id: Option<AppId>,
    /// Of an instance, its label; else the name of the integration.
    pub name: String,
    /// The name of the integration that people see.
    #[serde(default, deserialize_with = "null::lenient")]
    pub display_name: Option<String>,
}

impl Role {
    /// The groups that it is narrowed to, where Okta said it with the role.
    pub fn embedded_groups(&self) -> Option<&[GroupTarget]> {
        self.embedded.targets.groups.as_deref()
    }

    /// The apps that it is narrowed to, where Okta said it with the role.
    pub fn embedded_apps(&self) -> Option<&[AppTarget]> {
        self.embedded.targets.catalog.as_ref().map(|catalog| catalog.apps.as_slice())
    }
}

/// A permission of a custom role.
#[derive(Clone, Debug, Deserialize)]
pub struct Permission {
    /// As in `okta.apps.manage`.
    pub label: String,
}

/// A resource set, without its resources.
#[derive(Clone, Debug, Deserialize)]
pub struct ResourceSet {
    /// The name people see.
    #[serde(default, deserialize_with = "null::lenient")]
    pub label: Option<String>,
}

/// A resource of a set.
#[derive(Clone, Debug, Deserialize)]
pub struct Resource {
    /// Its Okta resource name.
    #[serde(default, deserialize_with = "null::lenient")]
    pub orn: Option<String>,
    #[serde(default, rename = "_links", deserialize_with = "null::lenient")]
    links: ResourceLinks,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ResourceLinks {
    #[serde(rename = "self", deserialize_with = "null::lenient")]
    own: Option<ResourceLink>,
}

#[derive(Clone, Debug, Deserialize)]
struct ResourceLink {
    href: String,
}

impl Resource {
    /// The URL of what it is.
    pub fn href(&self) -> Option<&str> {
        self.links.own.as_ref().map(|link| link.href.as_str())
    }
}

/// An owner of a group. When Okta wrote that down is left out: it writes that in two forms of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// `00u…` or `00g…`; of an owner that Okta cannot resolve, what its source calls it.
    pub id: String,
    /// `USER` or `GROUP`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    #[serde(default, deserialize_with = "null::lenient")]
    pub display_name: Option<String>,
    /// Whether Okta knows who it is.
    #[serde(default, deserialize_with = "null::lenient")]
    pub resolved: Option<bool>,
}

/// A rule that makes users members of groups.
#[derive(Clone, Debug, Deserialize)]
pub struct GroupRule {
    /// `0pr…`
    pub id: String,
    /// The name people see.
    #[serde(default, deserialize_with = "null::lenient")]
    pub name: Option<String>,
    /// `ACTIVE`, `INACTIVE` or `INVALID`.
    #[serde(default, deserialize_with = "null::lenient")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "null::lenient")]
    conditions: Value,
    #[serde(default, deserialize_with = "null::lenient")]
    actions: Value,
}

impl GroupRule {
    /// The condition, in Okta's expression language.
    pub fn expression(&self) -> Option<&str> {
        self.conditions.pointer("/expression/value").and_then(Value::as_str)
    }

    /// The groups that users become members of.
    pub fn groups(&self) -> Vec<GroupId> {
        ids(self.actions.pointer("/assignUserToGroups/groupIds"), GroupId::parse)
    }

    /// The users it never holds for.
    pub fn excluded_users(&self) -> Vec<UserId> {
        ids(self.conditions.pointer("/people/users/exclude"), UserId::parse)
    }
}

/// The ids of a list that are ids.
fn ids<T, E>(list: Option<&Value>, parse: impl Fn(&str) -> Result<T, E>) -> Vec<T> {
    let texts = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    texts.filter_map(|text| parse(text).ok()).collect()
}

/// An OAuth client, as far as it matters whether it can hold roles.
#[derive(Clone, Debug, Deserialize)]
pub struct OAuthApp {
    /// `0oa…`
    pub id: AppId,
    #[serde(default, deserialize_with = "null::lenient")]
    settings: Value,
}

impl OAuthApp {
    /// True for a service app: no user signs in to it, and roles are granted to it itself.
    pub fn is_service(&self) -> bool {
        self.settings.pointer("/oauthClient/application_type").and_then(Value::as_str) == Some("service")
    }
}
