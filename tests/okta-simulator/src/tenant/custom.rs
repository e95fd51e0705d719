//! What the organization makes itself of roles: custom roles, and the sets of resources they are granted on.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Tenant;
use crate::clock::Stamp;
use crate::log::Party;
use crate::random::Id;

/// Permissions, each with when it was added.
pub type Permissions = BTreeMap<String, Stamp>;

/// A custom role.
#[derive(Debug, Clone)]
pub struct CustomRole {
    /// The id.
    pub id: Id,
    /// The name people see, which no other custom role has.
    pub label: String,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created: Stamp,
    /// The last change of its label or description.
    pub last_updated: Stamp,
    /// What it allows.
    pub permissions: Permissions,
}

impl CustomRole {
    /// Where a role is found.
    pub fn href(base: &str, id: Id) -> String {
        format!("{base}/api/v1/iam/roles/{id}")
    }

    /// The role as target of an event.
    pub fn party(&self) -> Party {
        party(self.id, "CustomRole", &self.label)
    }

    /// The role as Okta shows it.
    pub fn json(&self, base: &str) -> Value {
        let own = CustomRole::href(base, self.id);
        json!({
            "id": self.id,
            "label": self.label,
            "description": self.description,
            "created": self.created,
            "lastUpdated": self.last_updated,
            "_links": { "self": { "href": own }, "permissions": { "href": format!("{own}/permissions") } },
        })
    }

    /// One of its permissions as Okta shows it.
    pub fn permission(&self, base: &str, label: &str, added: Stamp) -> Value {
        let own = CustomRole::href(base, self.id);
        json!({
            "label": label,
            "created": added,
            "lastUpdated": added,
            "_links": { "self": { "href": format!("{own}/permissions/{label}") }, "role": { "href": own } },
        })
    }
}

/// A resource of a set.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its id in the set.
    pub id: Id,
    /// What it is.
    pub what: ResourceKind,
    /// When it was added.
    pub created: Stamp,
}

/// What a custom role may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// Everyone.
    Users,
    /// Every group.
    Groups,
    /// Every app.
    Apps,
    /// A group.
    Group(Id),
    /// The members of a group.
    Members(Id),
    /// An app.
    App(Id),
}

/// A resource set.
#[derive(Debug, Clone)]
pub struct ResourceSet {
    /// The id.
    pub id: Id,
    /// The name people see, which no other resource set has.
    pub label: String,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created: Stamp,
    /// The last change of its label or description.
    pub last_updated: Stamp,
    /// What is in it, in the order it was added.
    pub resources: Vec<Resource>,
}

impl ResourceSet {
    /// Where a set is found.
    pub fn href(base: &str, id: Id) -> String {
        format!("{base}/api/v1/iam/resource-sets/{id}")
    }

    /// The set as target of an event.
    pub fn party(&self) -> Party {
        party(self.id, "ResourceSet", &self.label)
    }

    /// The set as Okta shows it, without what is in it.
    pub fn json(&self, base: &str) -> Value {
        let own = ResourceSet::href(base, self.id);
        json!({
            "id": self.id,
            "label": self.label,
            "description": self.description,
            "created": self.created,
            "lastUpdated": self.last_updated,
            "_links": {
                "self": { "href": own },
                "resources": { "href": format!("{own}/resources") },
                "bindings": { "href": format!("{own}/bindings") },
            },
        })
    }
}

impl Tenant {
    /// A custom role by id or label.
    pub fn custom_role(&self, key: &str) -> Option<&CustomRole> {
        let by_id = Id::parse(key).and_then(|id| self.admins.roles.get(&id));
        by_id.or_else(|| self.admins.roles.values().find(|role| role.label == key))
    }

    /// A resource set by id or label.
    pub fn resource_set(&self, key: &str) -> Option<&ResourceSet> {
        let by_id = Id::parse(key).and_then(|id| self.admins.sets.get(&id));
        by_id.or_else(|| self.admins.sets.values().find(|set| set.label == key))
    }

    /// What a name of a resource means: an ORN, or the URL of the object or of the list.
    pub fn resource(&self, name: &str) -> Option<ResourceKind> {
        let path = name.strip_prefix(&self.base).and_then(|path| path.strip_prefix("/api/v1/"));
        let known = match path {
            Some(path) => by_path(path)?,
            None => by_orn(name)?,
        };
        self.exists(known).then_some(known)
    }

    fn exists(&self, resource: ResourceKind) -> bool {
        match resource {
            ResourceKind::Users | ResourceKind::Groups | ResourceKind::Apps => true,
            ResourceKind::Group(id) | ResourceKind::Members(id) => self.groups.contains_key(&id),
            ResourceKind::App(id) => self.apps.contains_key(&id),
        }
    }

    /// A resource as Okta shows it.
    pub fn resource_json(&self, resource: &Resource) -> Value {
        let (orn, path) = self.resource_name(resource.what);
        let href = format!("{}/api/v1/{path}", self.base);
        let mut links = json!({ "self": { "href": href } });
        // A list is linked by its own name too.
        if matches!(resource.what, ResourceKind::Users | ResourceKind::Groups | ResourceKind::Apps) {
            links[&path] = json!({ "href": href });
        }
        json!({
            "id": resource.id,
            "orn": orn,
            "created": resource.created,
            "lastUpdated": resource.created,
            "_links": links,
        })
    }

    /// The ORN of a resource, and its path.
    pub fn resource_name(&self, resource: ResourceKind) -> (String, String) {
        let org = self.org.id;
        let directory = format!("orn:okta:directory:{org}");
        match resource {
            ResourceKind::Users => (format!("{directory}:users"), "users".into()),
            ResourceKind::Groups => (format!("{directory}:groups"), "groups".into()),
            ResourceKind::Apps => (format!("orn:okta:idp:{org}:apps"), "apps".into()),
            ResourceKind::Group(id) => (format!("{directory}:groups:{id}"), format!("groups/{id}")),
            ResourceKind::Members(id) => {
                (format!("{directory}:groups:{id}:contained_resources"), format!("groups/{id}/users"))
            }
            ResourceKind::App(id) => {
                let name = self.apps.get(&id).map_or("", |app| app.name.as_str());
                (format!("orn:okta:idp:{org}:apps:{name}:{id}"), format!("apps/{id}"))
            }
        }
    }
}

/// A target of an event; the types of such targets are not documented.
fn party(id: Id, kind: &'static str, label: &str) -> Party {
    Party { id: id.to_string(), kind, alternate: "unknown".into(), name: label.to_owned() }
}

fn by_path(path: &str) -> Option<ResourceKind> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["users"] => Some(ResourceKind::Users),
        ["groups"] => Some(ResourceKind::Groups),
        ["apps"] => Some(ResourceKind::Apps),
        ["groups", id] => Id::parse(id).map(ResourceKind::Group),
        ["groups", id, "users"] => Id::parse(id).map(ResourceKind::Members),
        ["apps", id] => Id::parse(id).map(ResourceKind::App),
        _ => None,
    }
}

/// An ORN is read without regard to its partition and its organization.
fn by_orn(orn: &str) -> Option<ResourceKind> {
    let parts: Vec<&str> = orn.split(':').collect();
    match parts.as_slice() {
        ["orn", _, "directory", _, "users"] => Some(ResourceKind::Users),
        ["orn", _, "directory", _, "groups"] => Some(ResourceKind::Groups),
        ["orn", _, "idp", _, "apps"] => Some(ResourceKind::Apps),
        ["orn", _, "directory", _, "groups", id] => Id::parse(id).map(ResourceKind::Group),
        ["orn", _, "directory", _, "groups", id, "contained_resources"] => Id::parse(id).map(ResourceKind::Members),
        ["orn", _, "idp", _, "apps", _, id] => Id::parse(id).map(ResourceKind::App),
        _ => None,
    }
}
