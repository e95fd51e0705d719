//! Which holders can give an app to a user or add a member to a group, by Okta's rules for its roles.
//!
//! - A super administrator can do both. <https://help.okta.com/en-us/Content/Topics/Security/administrators-super-admin.htm>
//! - An application administrator can assign the apps of the role, or all.
//! - An organization, a group and a group membership administrator can add members to groups that Okta masters, all or those
//!   of the role. <https://help.okta.com/en-us/Content/Topics/Security/administrators-admin-comparison.htm>
//! - A custom role allows what its permissions say, on what its resource set holds.
//! - An owner of a group can add members to it.
//! - Only super administrators change the members of a group that holds a role.
//!   <https://help.okta.com/en-us/Content/Topics/Security/administrators-group-admin.htm>
//!
//! Who can add a member to a group to which an app is assigned, can give that app to a user.

use super::{GrantTarget, Named, Reason, RoleName};
use crate::okta::{GroupId, Principal, UserId};
use crate::synced::access::{Admin, AppScope, CUSTOM, CustomRole, HeldRole, Owned, Owner, Resource, ResourceSet};
use crate::synced::{App, Group};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;

/// Permissions of custom roles, each of which suffices to assign an app, and to add members to a group.
/// <https://developer.okta.com/docs/api/openapi/okta-management/guides/permissions>
const ASSIGNS_APPS: [&str; 2] = ["okta.apps.manage", "okta.apps.assignment.manage"];
const ADDS_MEMBERS: [&str; 2] = ["okta.groups.manage", "okta.groups.members.manage"];

/// By what somebody can grant something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "GrantKind")]
pub enum Kind {
    /// The role of a super administrator.
    SuperAdmin,
    /// The role of an organization administrator.
    OrgAdmin,
    /// The role of an application administrator.
    AppAdmin,
    /// A custom role.
    CustomRole,
    /// Being an owner of the group.
    GroupOwner,
    /// The role of a group administrator or of a group membership administrator.
    GroupAdmin,
}

/// What decides who can grant what.
pub struct Evidence {
    admins: Vec<Admin>,
    roles: HashMap<String, CustomRole>,
    sets: HashMap<String, ResourceSet>,
    owned: Vec<Owned>,
    names: HashMap<GroupId, String>,
}

/// One way to grant something.
pub struct Way<'e> {
    /// Who goes it.
    pub holder: Principal,
    kind: Kind,
    role: Option<&'e HeldRole>,
    target: Option<GrantTarget>,
    /// The group to which a member is added, and how many more there are to which one could be added as well.
    group: Option<(Named, usize)>,
    /// What is granted by it.
    grants: Grants,
}

/// What is granted.
#[derive(Clone)]
enum Grants {
    /// An app, by its label.
    App(String),
    /// A membership.
    Membership,
}

/// The user or the group that an owner is; none for one that Okta does not know.
pub fn owner(owner: &Owner) -> Option<Principal> {
    match owner.kind.as_str() {
        "USER" if owner.resolved => UserId::parse(&owner.id).ok().map(Principal::User),
        "GROUP" if owner.resolved => GroupId::parse(&owner.id).ok().map(Principal::Group),
        _ => None,
    }
}

/// True for the role that can grant everything.
pub fn is_super_admin(role: &HeldRole) -> bool {
    role.role_type == "SUPER_ADMIN" && is_active(role)
}

fn is_active(role: &HeldRole) -> bool {
    role.status != "INACTIVE"
}

impl Evidence {
    /// Of all roles, and of the owners of the groups in question. `names` are those of groups that hold roles or own groups.
    pub fn new(
        admins: Vec<Admin>,
        roles: Vec<CustomRole>,
        sets: Vec<ResourceSet>,
        owned: Vec<Owned>,
        names: HashMap<GroupId, String>,
    ) -> Self {
        let roles = roles.into_iter().map(|role| (role.id.clone(), role)).collect();
        let sets = sets.into_iter().map(|set| (set.id.clone(), set)).collect();
        Self { admins, roles, sets, owned, names }
    }

    /// How an app can be given to a user that is assigned to these groups.
    pub fn ways_to_app<'e>(&'e self, app: &App, groups: &[Group]) -> Vec<Way<'e>> {
        let grants = Grants::App(app.label.clone());
        let mut ways = Vec::new();
        for (holder, role) in self.active() {
            if let Some((kind, target)) = self.on_app(role, app) {
                let (holder, role, grants) = (holder.clone(), Some(role), grants.clone());
                ways.push(Way { holder, kind, role, target, group: None, grants });
                continue;
            }
            let mut by_group = groups.iter().filter_map(|group| Some((group, self.on_group(role, group)?)));
            if let Some((group, (kind, target))) = by_group.next() {
                let others = by_group.count();
                let (holder, role, grants) = (holder.clone(), Some(role), grants.clone());
                ways.push(Way { holder, kind, role, target, group: Some((named(group), others)), grants });
            }
        }
        ways.extend(groups.iter().flat_map(|group| self.by_owners(group, &grants)));
        ways
    }

    /// How a member can be added to a group.
    pub fn ways_to_group<'e>(&'e self, group: &Group) -> Vec<Way<'e>> {
        let mut ways = Vec::new();
        for (holder, role) in self.active() {
            if let Some((kind, target)) = self.on_group(role, group) {
                let (holder, group) = (holder.clone(), Some((named(group), 0)));
                ways.push(Way { holder, kind, role: Some(role), target, group, grants: Grants::Membership });
            }
        }
        ways.extend(self.by_owners(group, &Grants::Membership));
        ways
    }

    fn active(&self) -> impl Iterator<Item = (&Principal, &HeldRole)> {
        let roles = self.admins.iter().flat_map(|admin| admin.roles.iter().map(move |role| (&admin.holder, role)));
        roles.filter(|(_, role)| is_active(role))
    }

    /// How a role allows to assign an app.
    fn on_app(&self, role: &HeldRole, app: &App) -> Option<(Kind, Option<GrantTarget>)> {
        match role.role_type.as_str() {
            "SUPER_ADMIN" => Some((Kind::SuperAdmin, None)),
            "APP_ADMIN" if role.apps.is_empty() => Some((Kind::AppAdmin, None)),
            "APP_ADMIN" => {
                let scope = role.apps.iter().find(|scope| match scope {
                    AppScope::App { id, .. } => *id == app.id,
                    AppScope::Integration { name, .. } => app.name.as_ref() == Some(name),
                })?;
                Some((Kind::AppAdmin, Some(GrantTarget::of(scope))))
            }
            CUSTOM => self.by_custom_role(role, &ASSIGNS_APPS, |resource| match resource {
                Resource::Apps => true,
                Resource::App(id) => *id == app.id,
                Resource::Integration(name) => app.name.as_ref() == Some(name),
                _ => false,
            }),
            _ => None,
        }
    }

    /// How a role allows to add a member to a group.
    fn on_group(&self, role: &HeldRole, group: &Group) -> Option<(Kind, Option<GrantTarget>)> {
        if !takes_members(group) || (self.holds_roles(group) && role.role_type != "SUPER_ADMIN") {
            return None;
        }
        match role.role_type.as_str() {
            "SUPER_ADMIN" => Some((Kind::SuperAdmin, None)),
            "ORG_ADMIN" => Some((Kind::OrgAdmin, None)),
            "USER_ADMIN" | "GROUP_MEMBERSHIP_ADMIN" if role.groups.is_empty() => Some((Kind::GroupAdmin, None)),
            "USER_ADMIN" | "GROUP_MEMBERSHIP_ADMIN" if role.groups.contains(&group.id) => {
                Some((Kind::GroupAdmin, Some(GrantTarget::of_group(group))))
            }
            CUSTOM => self.by_custom_role(role, &ADDS_MEMBERS, |resource| match resource {
                Resource::Groups => true,
                Resource::Group(id) => *id == group.id,
                _ => false,
            }),
            _ => None,
        }
    }

    fn by_custom_role(
        &self,
        role: &HeldRole,
        permissions: &[&str],
        covers: impl Fn(&Resource) -> bool,
    ) -> Option<(Kind, Option<GrantTarget>)> {
        let grant = role.custom.as_ref()?;
        let allowed = &self.roles.get(&grant.role)?.permissions;
        let set = self.sets.get(&grant.set)?;
        let is_allowed = permissions.iter().any(|permission| allowed.contains(*permission));
        let target = GrantTarget { kind: "resource_set", id: set.id.clone(), name: set.label.clone() };
        (is_allowed && set.resources.iter().any(covers)).then_some((Kind::CustomRole, Some(target)))
    }

    fn by_owners(&self, group: &Group, grants: &Grants) -> Vec<Way<'_>> {
        if !takes_members(group) || self.holds_roles(group) {
            return Vec::new();
        }
        let owners = self.owned.iter().filter(|owned| owned.group == group.id).flat_map(|owned| &owned.owners);
        let way = |holder| Way {
            holder,
            kind: Kind::GroupOwner,
            role: None,
            target: None,
            group: Some((named(group), 0)),
            grants: grants.clone(),
        };
        owners.filter_map(owner).map(way).collect()
    }

    fn holds_roles(&self, group: &Group) -> bool {
        self.admins.iter().any(|admin| matches!(&admin.holder, Principal::Group(id) if *id == group.id))
    }

    /// The reason of a user who goes a way.
    pub fn reason(&self, way: &Way<'_>, name: &str) -> Reason {
        let via = match &way.holder {
            Principal::Group(id) => {
                let name = self.names.get(id).cloned().unwrap_or_else(|| id.to_string());
                Some(Named { id: id.to_string(), name })
            }
            _ => None,
        };
        let text = way.text(name, via.as_ref());
        let group = way.group.as_ref().map(|(group, _)| group.clone()).or(via);
        Reason { kind: way.kind, role: way.role.map(RoleName::of), group, target: way.target.clone(), text }
    }
}

impl Way<'_> {
    /// Why somebody of this name can grant it, as a sentence.
    fn text(&self, name: &str, via: Option<&Named>) -> String {
        let by = via.map(|group| format!(", as a member of {},", group.name)).unwrap_or_default();
        let has = match (self.role, &self.target) {
            (None, _) => format!("{name}{by} is an owner of {}", self.group.as_ref().map_or("", |it| &it.0.name)),
            (Some(role), None) => format!("{name}{by} holds the role {}", role.label),
            (Some(role), Some(target)) => format!("{name}{by} holds the role {} for {}", role.label, target.text()),
        };
        match (&self.grants, &self.group) {
            (Grants::Membership, None) => format!("{has}."),
            (Grants::Membership, Some(_)) if self.role.is_none() => format!("{has}, and can add members to it."),
            (Grants::Membership, Some((group, _))) => format!("{has}, and can add members to {}.", group.name),
            (Grants::App(label), None) => format!("{has}, and can assign {label}."),
            (Grants::App(label), Some(_)) if self.role.is_none() => {
                format!("{has}, to which {label} is assigned, and can add members to it.")
            }
            (Grants::App(label), Some((group, others))) => {
                let more = match others {
                    0 => String::new(),
                    1 => " (and to one other group of it)".to_owned(),
                    more => format!(" (and to {more} other groups of it)"),
                };
                format!("{has}, and can add members to {}, to which {label} is assigned{more}.", group.name)
            }
        }
    }
}

/// True for a group whose members administrators choose.
fn takes_members(group: &Group) -> bool {
    group.group_type == "OKTA_GROUP"
}

fn named(group: &Group) -> Named {
    Named { id: group.id.to_string(), name: group.name.clone() }
}

impl GrantTarget {
    fn of(scope: &AppScope) -> Self {
        match scope {
            AppScope::App { id, label } => Self { kind: "app", id: id.to_string(), name: label.clone() },
            AppScope::Integration { name, label } => {
                Self { kind: "integration", id: name.clone(), name: label.clone() }
            }
        }
    }

    fn of_group(group: &Group) -> Self {
        Self { kind: "group", id: group.id.to_string(), name: group.name.clone() }
    }

    fn text(&self) -> String {
        match self.kind {
            "integration" => format!("every app of {}", self.name),
            "resource_set" => format!("the resource set {}", self.name),
            _ => self.name.clone(),
        }
    }
}
