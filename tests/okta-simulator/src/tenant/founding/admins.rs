//! Who administers a new tenant, who owns its groups, and the rules that have filled them.
//!
//! Nothing here draws from the tenant's generators or makes one of its ids, so that a tenant with administrators is
//! otherwise the tenant it would be without them. What a tenant is too small for is left out.

use std::collections::BTreeSet;

use crate::clock::Stamp;
use crate::random::Id;
use crate::role::Role;
use crate::tenant::Tenant;
use crate::tenant::admin::{AppTarget, Granted, Holder, RoleAssignment};
use crate::tenant::custom::{CustomRole, Resource, ResourceKind, ResourceSet};
use crate::tenant::group::GroupKind;
use crate::tenant::owner::Owner;
use crate::tenant::rule::expression::Expression;
use crate::tenant::rule::{GroupRule, RuleStatus};
use crate::tenant::user::{Status, User};

/// Places among the active people in the order they were hired. The first is the administrator who made the API token.
const APP_ADMIN: usize = 1;
const ONE_APP_ADMIN: usize = 2;
const GROUP_ADMIN: usize = 6;
const CUSTOM_ADMIN: usize = 7;
const OWNER: usize = 8;

/// Places among Okta's own groups that are not built in. Rules fill the first two; groups with roles are others,
/// because Okta gives no role to a group that a rule fills.
const FIRST_RULED: usize = 0;
const SECOND_RULED: usize = 1;
const FIRST_OWNED: usize = 0;
const SECOND_OWNED: usize = 1;
const ADMINISTERED: usize = 0;

/// The permissions of the one custom role.
const PERMISSIONS: [&str; 4] =
    ["okta.apps.assignment.manage", "okta.apps.read", "okta.users.appAssignment.manage", "okta.users.read"];

impl Tenant {
    /// Appoints administrators and owners, and sets up rules whose effect is there already.
    pub(super) fn appoint(&mut self) {
        let staff = self.staff();
        let groups = self.own_groups();
        let admin_group = self.admin_group(&groups);
        self.appoint_people(&staff, &groups);
        self.appoint_group(admin_group);
        self.appoint_custom(&staff, &groups);
        self.name_owners(&staff, &groups, admin_group);
        self.set_up_rules(&groups);
        self.touched.clear();
    }

    /// Active people, oldest first.
    fn staff(&self) -> Vec<Id> {
        let active = self.users.values().filter(|user| user.status == Status::Active);
        active.map(|user| user.id).collect()
    }

    fn own_groups(&self) -> Vec<Id> {
        let own = self.groups.values().filter(|group| group.kind == GroupKind::OktaGroup);
        own.map(|group| group.id).collect()
    }

    /// A group with members that no rule fills and that the first administrator is not in: that one has one role.
    fn admin_group(&self, groups: &[Id]) -> Option<Id> {
        let fits = |id: &&Id| {
            let members = self.groups.get(*id).map(|group| &group.members);
            members.is_some_and(|members| !members.is_empty() && !members.contains(&self.org.owner))
        };
        groups.iter().skip(SECOND_RULED + 1).find(fits).copied()
    }

    /// Grants a role on the day the organization was founded.
    fn appointed(&mut self, holder: Holder, granted: Granted) -> Option<&mut RoleAssignment> {
        let created = self.org.created;
        self.grant(holder, granted);
        let assignment = self.admins.assignments.last_mut()?;
        assignment.created = created;
        assignment.last_updated = created;
        Some(assignment)
    }

    /// One administrator of every app, one of a single app, one of a single group, and one who is suspended.
    fn appoint_people(&mut self, staff: &[Id], groups: &[Id]) {
        let app = self.apps.keys().nth(1).copied();
        let suspended = self.users.values().find(|user| user.status == Status::Suspended).map(|user| user.id);
        if let Some(id) = staff.get(APP_ADMIN) {
            self.appointed(Holder::User(*id), Granted::Standard(Role::AppAdmin));
        }
        if let (Some(id), Some(app)) = (staff.get(ONE_APP_ADMIN), app) {
            let assignment = self.appointed(Holder::User(*id), Granted::Standard(Role::AppAdmin));
            if let Some(assignment) = assignment {
                assignment.apps.insert(AppTarget::Instance(app));
            }
        }
        if let (Some(id), Some(group)) = (staff.get(GROUP_ADMIN), groups.get(ADMINISTERED)) {
            let assignment = self.appointed(Holder::User(*id), Granted::Standard(Role::UserAdmin));
            if let Some(assignment) = assignment {
                assignment.groups.insert(*group);
            }
        }
        if let Some(id) = suspended {
            self.appointed(Holder::User(id), Granted::Standard(Role::OrgAdmin));
        }
    }

    fn appoint_group(&mut self, group: Option<Id>) {
        if let Some(id) = group {
            self.appointed(Holder::Group(id), Granted::Standard(Role::HelpDeskAdmin));
        }
    }

    /// A custom role on two apps and the members of a group.
    fn appoint_custom(&mut self, staff: &[Id], groups: &[Id]) {
        let (Some(holder), Some(group)) = (staff.get(CUSTOM_ADMIN), groups.get(ADMINISTERED)) else { return };
        let apps = self.apps.keys().skip(1).take(2).map(|id| ResourceKind::App(*id));
        let kinds: Vec<ResourceKind> = apps.chain([ResourceKind::Members(*group)]).collect();
        let created = self.org.created;
        let role = self.admins.ids.next(*b"cr0");
        let set = self.admins.ids.next(*b"iam");
        let put = |what: ResourceKind| Resource { id: self.admins.ids.next(*b"ire"), what, created };
        let resources = kinds.into_iter().map(put).collect();
        self.admins.roles.insert(role, access_manager(role, created));
        self.admins.sets.insert(set, office_apps(set, created, resources));
        self.appointed(Holder::User(*holder), Granted::Custom { role, set });
    }

    /// One group is owned by a user, another by a group.
    fn name_owners(&mut self, staff: &[Id], groups: &[Id], admin_group: Option<Id>) {
        let since = self.org.created;
        let pairs = [
            (groups.get(FIRST_OWNED), staff.get(OWNER).map(|id| Holder::User(*id))),
            (groups.get(SECOND_OWNED), admin_group.map(Holder::Group)),
        ];
        for (group, who) in pairs {
            if let (Some(group), Some(who)) = (group, who) {
                self.owners.insert(*group, vec![Owner { who, since }]);
            }
        }
    }

    /// Two active rules, each of which holds for people who are members anyway: one by profile, one by group too.
    fn set_up_rules(&mut self, groups: &[Id]) {
        let found = |place: usize| groups.get(place).and_then(|id| self.groups.get(id));
        let Some(first) = found(FIRST_RULED) else { return };
        let by_profile = first.members.iter().take(2).filter_map(|id| self.users.get(id)).map(condition);
        let by_profile = by_profile.collect::<Vec<_>>().join(" or ");
        let by_group = found(SECOND_RULED).and_then(|second| {
            let both = first.members.intersection(&second.members).next();
            let user = both.and_then(|id| self.users.get(id))?;
            Some((second.id, format!("isMemberOfAnyGroup(\"{}\") and ({})", first.id, condition(user))))
        });
        let first = first.id;
        self.set_up_rule("Pilot members", &by_profile, first);
        if let Some((second, text)) = by_group {
            self.set_up_rule("Pilot leads", &text, second);
        }
    }

    fn set_up_rule(&mut self, name: &str, text: &str, group: Id) {
        let Ok(expression) = Expression::parse(text) else { return };
        let created = self.org.created;
        let id = self.admins.ids.next(*b"0pr");
        self.adopt_rule(GroupRule {
            id,
            name: name.to_owned(),
            status: RuleStatus::Active,
            expression,
            excluded: Vec::new(),
            excluded_groups: Vec::new(),
            groups: vec![group],
            managed: BTreeSet::new(),
            created,
            last_updated: created,
        });
    }
}

/// A condition that holds for one person in one department.
fn condition(user: &User) -> String {
    let department = user.text("department");
    let number = user.text("employeeNumber");
    format!("user.department==\"{department}\" and user.employeeNumber==\"{number}\"")
}

fn access_manager(id: Id, created: Stamp) -> CustomRole {
    CustomRole {
        id,
        label: "App Access Manager".into(),
        description: "Assigns apps to people".into(),
        created,
        last_updated: created,
        permissions: PERMISSIONS.iter().map(|name| ((*name).to_owned(), created)).collect(),
    }
}

fn office_apps(id: Id, created: Stamp, resources: Vec<Resource>) -> ResourceSet {
    ResourceSet {
        id,
        label: "Office apps".into(),
        description: "The apps everyone works with, and who works with them".into(),
        created,
        last_updated: created,
        resources,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::tenant::group::Group;

    fn founded(config: &Config) -> Tenant {
        Tenant::found(config, config.seed, "http://127.0.0.1:1".into())
    }

    #[test]
    fn administrators_owners_and_rules_change_nothing_else() {
        let described = |access| {
            let mut tenant = founded(&Config { access, ..Config::default() });
            let members = |group: &Group| format!("{} {:?}", group.id, group.members);
            let groups: Vec<String> = tenant.groups.values().map(members).collect();
            let users: Vec<String> =
                tenant.users.values().map(|user| format!("{} {:?}", user.id, user.profile)).collect();
            let next = (tenant.ids.next(*b"00u"), tenant.random.next(), tenant.log.last());
            (groups, users, next)
        };
        assert_eq!(described(true), described(false));
    }

    #[test]
    fn a_tenant_of_the_usual_size_has_an_administrator_of_every_kind() {
        let tenant = founded(&Config { access: true, ..Config::default() });
        let granted: Vec<(Holder, Granted)> =
            tenant.admins.assignments.iter().map(|role| (role.holder, role.granted)).collect();
        let standard = |role| granted.iter().filter(|held| held.1 == Granted::Standard(role)).count();
        assert_eq!(standard(Role::AppAdmin), 2);
        assert_eq!((standard(Role::UserAdmin), standard(Role::OrgAdmin), standard(Role::HelpDeskAdmin)), (1, 1, 1));
        assert_eq!(granted.iter().filter(|held| matches!(held.1, Granted::Custom { .. })).count(), 1);
        assert_eq!(granted.iter().filter(|held| matches!(held.0, Holder::Group(_))).count(), 1);
        let unlimited = tenant.admins.assignments.iter().filter(|role| role.is_unlimited()).count();
        assert_eq!(unlimited, granted.len() - 2);
        assert!(tenant.is_admin(&tenant.users[&tenant.org.owner], false));
    }

    #[test]
    fn a_seeded_rule_manages_members_and_only_members() {
        for users in [200, 1000] {
            let tenant = founded(&Config { users, access: true, ..Config::default() });
            assert_eq!(tenant.rules.len(), 2);
            for rule in tenant.rules.values() {
                assert!(!rule.managed.is_empty(), "{rule:?}");
                for group in &rule.groups {
                    assert!(rule.managed.is_subset(&tenant.groups[group].members), "{rule:?}");
                }
            }
        }
    }

    #[test]
    fn the_smallest_tenants_are_founded_too() {
        for (users, groups, apps) in [(0, 0, 0), (1, 1, 1), (3, 3, 2), (8, 3, 2)] {
            let tenant = founded(&Config { users, groups, apps, access: true, ..Config::default() });
            assert_eq!(tenant.users.len(), users);
        }
    }
}
