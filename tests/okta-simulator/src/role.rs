//! Administrator roles and what each may do.
//!
//! Okta checks the role after the scope: a service app with every scope and no role reads empty lists.

use serde::{Deserialize, Serialize};

/// What an endpoint needs from a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Nothing: the endpoint is open.
    None,
    /// Read users and their types.
    ReadUsers,
    /// Read groups and members.
    ReadGroups,
    /// Read apps and assignments.
    ReadApps,
    /// Read the System Log.
    ReadLogs,
    /// Read the organization's settings.
    ReadOrg,
    /// Read the profile schema and linked-object definitions.
    ReadSchema,
    /// See who is an administrator.
    ViewRoles,
    /// Make and unmake administrators.
    ManageRoles,
    /// Read and write event hooks.
    Hooks,
    /// Create, change, activate, suspend and delete users.
    WriteUsers,
    /// Reset passwords and factors, unlock, clear sessions.
    Credentials,
    /// Create, rename and delete groups.
    WriteGroups,
    /// Add and remove group members.
    Members,
    /// Create, change and delete group rules.
    WriteRules,
    /// Assign, deactivate and delete apps.
    AssignApps,
}

/// A standard administrator role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(clippy::enum_variant_names, reason = "the names are Okta's role types")]
pub enum Role {
    /// May do everything.
    SuperAdmin,
    /// Everything but administrators and event hooks.
    OrgAdmin,
    /// Apps, assignments and the schema.
    AppAdmin,
    /// The Group Administrator: users and their lifecycle.
    UserAdmin,
    /// Members of groups.
    GroupMembershipAdmin,
    /// Passwords and factors.
    HelpDeskAdmin,
    /// Reads users, groups, apps and the log, not the schema.
    ReadOnlyAdmin,
    /// Reads the log.
    ReportAdmin,
    /// OAuth apps and the schema.
    ApiAccessManagementAdmin,
}

/// What a role can be narrowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Always the whole organization.
    Organization,
    /// Some groups.
    Groups,
    /// Some apps.
    Apps,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 9] = [
        Role::SuperAdmin,
        Role::OrgAdmin,
        Role::AppAdmin,
        Role::UserAdmin,
        Role::GroupMembershipAdmin,
        Role::HelpDeskAdmin,
        Role::ReadOnlyAdmin,
        Role::ReportAdmin,
        Role::ApiAccessManagementAdmin,
    ];

    /// The role of a type as Okta writes it.
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The type as Okta writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Role::SuperAdmin => "SUPER_ADMIN",
            Role::OrgAdmin => "ORG_ADMIN",
            Role::AppAdmin => "APP_ADMIN",
            Role::UserAdmin => "USER_ADMIN",
            Role::GroupMembershipAdmin => "GROUP_MEMBERSHIP_ADMIN",
            Role::HelpDeskAdmin => "HELP_DESK_ADMIN",
            Role::ReadOnlyAdmin => "READ_ONLY_ADMIN",
            Role::ReportAdmin => "REPORT_ADMIN",
            Role::ApiAccessManagementAdmin => "API_ACCESS_MANAGEMENT_ADMIN",
        }
    }

    /// What it can be narrowed to.
    pub const fn scope(self) -> Scope {
        match self {
            Role::AppAdmin => Scope::Apps,
            Role::UserAdmin | Role::GroupMembershipAdmin | Role::HelpDeskAdmin => Scope::Groups,
            _ => Scope::Organization,
        }
    }

    /// The id that every assignment of a role with targets has, whoever holds it: its type in base 32 (recorded). The
    /// assignments of other roles have ids of their own.
    pub const fn shared_id(self) -> Option<&'static str> {
        match self {
            Role::AppAdmin => Some("IFIFAX2BIRGUSTQ"),
            Role::UserAdmin => Some("KVJUKUS7IFCE2SKO"),
            Role::HelpDeskAdmin => Some("JBCUYUC7IRCVGS27IFCE2SKO"),
            Role::GroupMembershipAdmin => Some("I5JE6VKQL5GUKTKCIVJFGSCJKBPUCRCNJFHA"),
            _ => None,
        }
    }

    /// Whether the role has a permission.
    pub fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        const READ: [Permission; 2] = [P::ReadUsers, P::ReadGroups];
        if permission == P::None {
            return true;
        }
        match self {
            Role::SuperAdmin => true,
            Role::OrgAdmin => !matches!(permission, P::ViewRoles | P::ManageRoles | P::Hooks),
            Role::AppAdmin => {
                READ.contains(&permission) || matches!(permission, P::ReadApps | P::AssignApps | P::ReadSchema)
            }
            Role::UserAdmin => READ.contains(&permission) || matches!(permission, P::WriteUsers | P::Credentials),
            Role::GroupMembershipAdmin => READ.contains(&permission) || permission == P::Members,
            Role::HelpDeskAdmin => READ.contains(&permission) || permission == P::Credentials,
            Role::ReadOnlyAdmin => {
                READ.contains(&permission) || matches!(permission, P::ReadApps | P::ReadLogs | P::ReadOrg)
            }
            Role::ReportAdmin => permission == P::ReadLogs,
            Role::ApiAccessManagementAdmin => matches!(permission, P::ReadApps | P::ReadSchema),
        }
    }

    /// The role's name in the Admin Console.
    pub const fn label(self) -> &'static str {
        match self {
            Role::SuperAdmin => "Super Administrator",
            Role::OrgAdmin => "Organization Administrator",
            Role::AppAdmin => "Application Administrator",
            Role::UserAdmin => "Group Administrator",
            Role::GroupMembershipAdmin => "Group Membership Administrator",
            Role::HelpDeskAdmin => "Help Desk Administrator",
            Role::ReadOnlyAdmin => "Read-only Administrator",
            Role::ReportAdmin => "Report Administrator",
            Role::ApiAccessManagementAdmin => "API Access Management Administrator",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_may_do_what_their_documentation_says() {
        use Permission as P;
        let cases = [
            (Role::SuperAdmin, P::Hooks, true),
            (Role::OrgAdmin, P::WriteGroups, true),
            (Role::OrgAdmin, P::ViewRoles, false),
            (Role::OrgAdmin, P::ManageRoles, false),
            (Role::OrgAdmin, P::WriteRules, true),
            (Role::UserAdmin, P::WriteRules, false),
            (Role::ReadOnlyAdmin, P::ReadApps, true),
            (Role::ReadOnlyAdmin, P::ReadSchema, false),
            (Role::ReadOnlyAdmin, P::Members, false),
            (Role::HelpDeskAdmin, P::Credentials, true),
            (Role::HelpDeskAdmin, P::WriteUsers, false),
            (Role::UserAdmin, P::WriteUsers, true),
            (Role::UserAdmin, P::Members, false),
            (Role::GroupMembershipAdmin, P::Members, true),
            (Role::AppAdmin, P::ReadSchema, true),
            (Role::ReportAdmin, P::ReadUsers, false),
        ];
        for (role, permission, allowed) in cases {
            assert_eq!(role.allows(permission), allowed, "{role:?} {permission:?}");
        }
    }

    #[test]
    fn a_role_is_parsed_from_the_name_it_is_written_with() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
            assert_eq!(serde_json::json!(role), role.name());
        }
        assert_eq!(Role::parse("CUSTOM"), None);
    }

    #[test]
    fn a_role_has_a_shared_id_exactly_if_it_takes_targets() {
        for role in Role::ALL {
            assert_eq!(role.shared_id().is_some(), role.scope() != Scope::Organization, "{role:?}");
        }
    }
}
