//! Administrators: who holds which role, and on what.
//!
//! A standard role applies to the whole organization or to its targets; a custom role always to a resource set. The
//! roles of the service app and of the administrator who made the API token are settings of [`ServiceApp`], because
//! callers act with them; here they are assignments like any other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Tenant;
use super::app::App;
use super::custom::{CustomRole, ResourceSet};
use super::group::{Group, GroupKind};
use super::service::ServiceApp;
use super::user::User;
use crate::answer::Refusal;
use crate::call::Call;
use crate::clock::Stamp;
use crate::log::{Entry, Party};
use crate::random::{Id, Ids};
use crate::role::Role;

/// The most members of a group that can hold a role (E0000193).
const MOST_MEMBERS: usize = 5000;

/// What can hold a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A user.
    User(Id),
    /// A group: all its members.
    Group(Id),
    /// An OAuth client.
    Client(Id),
}

impl Holder {
    /// The assignment type, and the path of such objects.
    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Holder::User(_) => ("USER", "/api/v1/users"),
            Holder::Group(_) => ("GROUP", "/api/v1/groups"),
            Holder::Client(_) => ("CLIENT", "/oauth2/v1/clients"),
        }
    }

    /// The id.
    pub const fn id(self) -> Id {
        match self {
            Holder::User(id) | Holder::Group(id) | Holder::Client(id) => id,
        }
    }

    /// Where it is found.
    pub fn href(self, base: &str) -> String {
        format!("{base}{}/{}", self.row().1, self.id())
    }
}

/// What was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// A role of Okta's.
    Standard(Role),
    /// A role of the organization's, on a resource set.
    Custom {
        /// The role.
        role: Id,
        /// The resource set.
        set: Id,
    },
}

/// An app that a role is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AppTarget {
    /// Every instance of an integration.
    Integration(String),
    /// One instance.
    Instance(Id),
}

/// A role and its holder.
#[derive(Debug, Clone)]
pub struct RoleAssignment {
    /// The id; of a role with targets it is the same for every holder.
    pub id: String,
    /// What holds it.
    pub holder: Holder,
    /// What it is.
    pub granted: Granted,
    /// When it was granted.
    pub created: Stamp,
    /// When it was granted or its targets last changed.
    pub last_updated: Stamp,
    /// The groups it is narrowed to; empty for all.
    pub groups: BTreeSet<Id>,
    /// The apps it is narrowed to; empty for all.
    pub apps: BTreeSet<AppTarget>,
}

impl RoleAssignment {
    /// Whether it is about the whole organization.
    pub fn is_unlimited(&self) -> bool {
        self.groups.is_empty() && self.apps.is_empty()
    }
}

/// All assignments, custom roles and resource sets.
#[derive(Debug)]
pub struct Admins {
    /// Makes ids, without changing those of users, groups and apps.
    pub ids: Ids,
    /// Assignments, oldest first.
    pub assignments: Vec<RoleAssignment>,
    /// Custom roles by id.
    pub roles: BTreeMap<Id, CustomRole>,
    /// Resource sets by id.
    pub sets: BTreeMap<Id, ResourceSet>,
}

impl Admins {
    /// None yet.
    pub fn new(seed: u64) -> Admins {
        Admins { ids: Ids::of(seed, "admins"), assignments: Vec::new(), roles: BTreeMap::new(), sets: BTreeMap::new() }
    }

    /// Members of the binding of a custom role to a resource set, oldest first.
    pub fn bound(&self, role: Id, set: Id) -> impl Iterator<Item = &RoleAssignment> {
        let binding = Granted::Custom { role, set };
        self.assignments.iter().filter(move |assignment| assignment.granted == binding)
    }
}

impl Tenant {
    /// The assignments of one holder, oldest first, without those it has through groups.
    pub fn roles_of(&self, holder: Holder) -> Vec<RoleAssignment> {
        self.roles_with(holder, self.acting_role(holder))
    }

    /// The assignments of a user who acts with a role, and those of its groups.
    pub fn roles_in_effect(&self, user: &User, acting: Option<Role>) -> Vec<RoleAssignment> {
        let groups = user.groups.iter().flat_map(|group| self.roles_of(Holder::Group(*group)));
        self.roles_with(Holder::User(user.id), acting).into_iter().chain(groups).collect()
    }

    fn roles_with(&self, holder: Holder, acting: Option<Role>) -> Vec<RoleAssignment> {
        let own = self.admins.assignments.iter().filter(|assignment| assignment.holder == holder);
        let acting = acting.map(|role| standing(holder, role, self.org.created));
        acting.into_iter().chain(own.cloned()).collect()
    }

    /// The role that callers act with: the service app's own, or the one of who made the API token.
    pub fn acting_role(&self, holder: Holder) -> Option<Role> {
        match holder {
            Holder::User(id) if id == self.org.owner => self.service.api_token_role,
            Holder::Client(id) if id.as_str() == self.service.credentials.client_id => self.service.role,
            _ => None,
        }
    }

    /// Whether a user holds a role, by itself or, if that counts, through a group.
    pub fn is_admin(&self, user: &User, through_groups: bool) -> bool {
        let holds = |holder: Holder| self.admins.assignments.iter().any(|assignment| assignment.holder == holder);
        let own = Holder::User(user.id);
        self.acting_role(own).is_some()
            || holds(own)
            || (through_groups && user.groups.iter().any(|group| holds(Holder::Group(*group))))
    }

    /// Whether a group holds a role.
    pub fn is_admin_group(&self, group: Id) -> bool {
        self.admins.assignments.iter().any(|assignment| assignment.holder == Holder::Group(group))
    }

    /// Grants a role; the answer is the assignment.
    pub fn grant(&mut self, holder: Holder, granted: Granted) -> RoleAssignment {
        let now = self.stamp();
        let prefix = match (granted, holder) {
            (Granted::Custom { .. }, _) => b"irb",
            (Granted::Standard(_), Holder::Group(_)) => b"gra",
            (Granted::Standard(_), _) => b"ra1",
        };
        let shared = match granted {
            Granted::Standard(role) => role.shared_id(),
            Granted::Custom { .. } => None,
        };
        let id = shared.map_or_else(|| self.admins.ids.next(*prefix).to_string(), str::to_owned);
        let assignment = RoleAssignment {
            id,
            holder,
            granted,
            created: now,
            last_updated: now,
            groups: BTreeSet::new(),
            apps: BTreeSet::new(),
        };
        self.admins.assignments.push(assignment.clone());
        assignment
    }

    /// Ends an assignment; false if the holder has none with this id.
    pub fn revoke(&mut self, holder: Holder, id: &str) -> bool {
        let acting = self.acting_role(holder).map(|role| standing(holder, role, self.org.created));
        if acting.is_some_and(|acting| acting.id == id) {
            match holder {
                Holder::Client(_) => self.service.role = None,
                _ => self.service.api_token_role = None,
            }
            return true;
        }
        let before = self.admins.assignments.len();
        self.admins.assignments.retain(|assignment| assignment.holder != holder || assignment.id != id);
        self.admins.assignments.len() < before
    }

    /// Whether a group may hold a role, and why not.
    pub fn can_hold_roles(&self, group: &Group) -> Result<(), Refusal> {
        let refused = |code| Err(Refusal::okta(code, group.name.clone(), Vec::new()));
        let directory = group.source.and_then(|id| self.apps.get(&id)).is_some_and(App::is_directory);
        if group.kind == GroupKind::BuiltIn {
            refused("E0000211")
        } else if group.kind == GroupKind::AppGroup && !directory {
            refused("E0000194")
        } else if group.members.len() > MOST_MEMBERS {
            refused("E0000193")
        } else if self.rules.values().any(|rule| rule.groups.contains(&group.id)) {
            refused("E0000192")
        } else {
            Ok(())
        }
    }

    /// Writes that the privileges of a holder are others now. The event names all that are left, so that a
    /// revoked role is a grant of the rest; only the last one is a revocation ("All of group's privileges were
    /// revoked", in Okta's catalog of event types).
    pub fn record_privileges(&mut self, call: &Call, holder: Holder) {
        let area = match holder {
            Holder::User(_) => "user.account",
            Holder::Group(_) => "group",
            Holder::Client(_) => "app.oauth2.client",
        };
        let left: Vec<String> = self.roles_of(holder).iter().map(|role| self.label(role.granted)).collect();
        let kind = format!("{area}.privilege.{}", if left.is_empty() { "revoke" } else { "grant" });
        let debug = vec![("privilegeGranted", left.join(", "))];
        let source = call.source();
        let target = self.holder_party(holder);
        let entry = Entry::new(&kind, call.principal.actor.clone(), target.into_iter().collect());
        self.write(Entry { source, debug, ..entry });
    }

    /// Writes that a holder was bound to a custom role on a resource set, or is no more. Which targets Okta names is not
    /// documented; these are the three that a binding is about.
    pub fn record_binding(&mut self, call: &Call, kind: &str, assignment: &RoleAssignment) {
        let Granted::Custom { role, set } = assignment.granted else { return };
        let role = self.admins.roles.get(&role).map(CustomRole::party);
        let set = self.admins.sets.get(&set).map(ResourceSet::party);
        let targets = [self.holder_party(assignment.holder), role, set];
        self.record(call, kind, targets.into_iter().flatten().collect());
    }

    /// Writes that an assignment was made or ended, in the way of its kind.
    pub fn record_assignment(&mut self, call: &Call, assignment: &RoleAssignment, is_new: bool) {
        match assignment.granted {
            Granted::Standard(_) => self.record_privileges(call, assignment.holder),
            Granted::Custom { .. } if is_new => self.record_binding(call, "iam.resourceset.bindings.add", assignment),
            Granted::Custom { .. } => self.record_binding(call, "iam.resourceset.bindings.delete", assignment),
        }
    }

    /// The name people see of what was granted.
    pub fn label(&self, granted: Granted) -> String {
        match granted {
            Granted::Standard(role) => role.label().to_owned(),
            Granted::Custom { role, .. } => {
                self.admins.roles.get(&role).map(|role| role.label.clone()).unwrap_or_default()
            }
        }
    }

    /// Ends what a user who is deactivated holds. That Okta ends it, and that the log says so, is not documented.
    pub fn resign(&mut self, call: &Call, user: Id) {
        let holder = Holder::User(user);
        let mut ended = self.admins.assignments.clone();
        ended.retain(|assignment| assignment.holder == holder);
        self.admins.assignments.retain(|assignment| assignment.holder != holder);
        let (standard, custom): (Vec<_>, Vec<_>) =
            ended.iter().partition(|assignment| matches!(assignment.granted, Granted::Standard(_)));
        for assignment in custom {
            self.record_assignment(call, assignment, false);
        }
        if !standard.is_empty() {
            self.record_privileges(call, holder);
        }
    }

    /// Forgets a group that is gone: as a holder, and as a target. A role whose last target is gone ends, rather than
    /// to apply to everything from then on; what Okta does is not documented.
    pub fn forget_group_roles(&mut self, group: Id) {
        self.admins.assignments.retain_mut(|assignment| {
            let is_target = assignment.groups.remove(&group);
            assignment.holder != Holder::Group(group) && !(is_target && assignment.is_unlimited())
        });
    }

    /// Forgets an app that is gone, as a target; likewise.
    pub fn forget_app_roles(&mut self, app: Id) {
        self.admins.assignments.retain_mut(|assignment| {
            let is_target = assignment.apps.remove(&AppTarget::Instance(app));
            !(is_target && assignment.is_unlimited())
        });
    }

    /// An assignment as Okta shows it.
    pub fn role_json(&self, assignment: &RoleAssignment) -> Value {
        let base = &self.base;
        let (kind, label) = match assignment.granted {
            Granted::Standard(role) => (role.name(), role.label().to_owned()),
            Granted::Custom { .. } => ("CUSTOM", self.label(assignment.granted)),
        };
        let mut shown = json!({
            "id": assignment.id,
            "label": label,
            "type": kind,
            "status": "ACTIVE",
            "created": assignment.created,
            "lastUpdated": assignment.last_updated,
            "assignmentType": assignment.holder.row().0,
            "_links": { "assignee": { "href": assignment.holder.href(base) } },
        });
        if let Granted::Custom { role, set } = assignment.granted {
            let (role_href, set_href) = (CustomRole::href(base, role), ResourceSet::href(base, set));
            shown["role"] = json!(role);
            shown["resource-set"] = json!(set);
            shown["_links"]["role"] = json!({ "href": role_href });
            shown["_links"]["resource-set"] = json!({ "href": set_href });
            shown["_links"]["permissions"] = json!({ "href": format!("{role_href}/permissions") });
            shown["_links"]["member"] =
                json!({ "href": format!("{set_href}/bindings/{role}/members/{}", assignment.id) });
        }
        shown
    }

    /// An app target as Okta shows it: an instance by its label and id, an integration as in its catalog (recorded).
    pub fn app_target_json(&self, target: &AppTarget) -> Option<Value> {
        let base = &self.base;
        match target {
            AppTarget::Instance(id) => self.apps.get(id).map(|app| {
                json!({
                    "name": app.label, "status": app.status(), "id": id,
                    "_links": { "self": { "href": format!("{base}/api/v1/apps/{id}") } },
                })
            }),
            AppTarget::Integration(name) => self.apps.values().find(|app| app.name == *name).map(|app| {
                let logo = format!("{base}/assets/img/logos/{name}.png");
                json!({
                    "name": name, "displayName": app.label, "description": app.label, "status": "ACTIVE",
                    "lastUpdated": self.org.created, "category": "SAAS", "verificationStatus": "OKTA_VERIFIED",
                    "website": format!("https://{}.example", name.replace('_', "-")),
                    "signOnModes": app.sign_on.into_iter().collect::<Vec<_>>(), "features": [],
                    "_links": {
                        "logo": [{ "name": "medium", "href": logo, "type": "image/png" }],
                        "self": { "href": format!("{base}/api/v1/catalog/apps/{name}") },
                    },
                })
            }),
        }
    }

    /// A holder as target of an event.
    pub fn holder_party(&self, holder: Holder) -> Option<Party> {
        match holder {
            Holder::User(id) => self.users.get(&id).map(User::party),
            Holder::Group(id) => self.groups.get(&id).map(Group::party),
            Holder::Client(id) => Some(ServiceApp::party(id.as_str())),
        }
    }
}

/// The assignment of a role that callers act with.
fn standing(holder: Holder, role: Role, created: Stamp) -> RoleAssignment {
    let id = holder.id();
    let own = || format!("ra1{}", &id.as_str()[3..]);
    RoleAssignment {
        id: role.shared_id().map_or_else(own, str::to_owned),
        holder,
        granted: Granted::Standard(role),
        created,
        last_updated: created,
        groups: BTreeSet::new(),
        apps: BTreeSet::new(),
    }
}
