//! Every endpoint in one table: method, path, scope, bucket, kind, permission, handler.
//!
//! The table drives dispatch, scope and role checks and rate limits; an endpoint that is not here does not exist.

use axum::http::Method;

use crate::answer::Outcome;
use crate::api::{
    access, apps, groups, hooks, iam, lifecycle, logout, logs, meta, owners, roles, rules, targets, users,
};
use crate::call::Call;
use crate::limits::Bucket;
use crate::role::Permission;
use crate::tenant::Tenant;

/// What an endpoint is, for faults and for callers without a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A listing: `[]` for those who may not see anything.
    List,
    /// The System Log: a listing that refuses instead.
    Log,
    /// One thing to read.
    One,
    /// A change.
    Write,
    /// The verification of an event hook, which asks its address.
    Verify,
    /// The token endpoint.
    Token,
    /// The endpoint a browser is sent to.
    Authorize,
    /// The endpoint that takes tokens back.
    Revoke,
    /// Open to everyone.
    Open,
}

impl Kind {
    /// Whether an endpoint finds out by itself who is calling, or does not care.
    pub fn is_open(self) -> bool {
        matches!(self, Kind::Open | Kind::Token | Kind::Authorize | Kind::Revoke)
    }
}

/// Answers a call.
pub type Handler = fn(&mut Tenant, &Call) -> Outcome;

/// An endpoint.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// The OAuth scope it needs; empty for none.
    pub scope: &'static str,
    /// The limit it spends.
    pub bucket: Bucket,
    /// What it is.
    pub kind: Kind,
    /// What the caller's role must allow.
    pub need: Permission,
    /// What it does; the endpoints of OAuth and unknown paths are answered elsewhere.
    pub run: Handler,
}

use Bucket as B;
use Permission as P;

const fn list(path: &'static str, scope: &'static str, bucket: B, need: P, run: Handler) -> Route {
    Route { method: Method::GET, path, scope, bucket, kind: Kind::List, need, run }
}

const fn get(path: &'static str, scope: &'static str, bucket: B, need: P, run: Handler) -> Route {
    Route { method: Method::GET, path, scope, bucket, kind: Kind::One, need, run }
}

const fn write(method: Method, path: &'static str, scope: &'static str, bucket: B, need: P, run: Handler) -> Route {
    Route { method, path, scope, bucket, kind: Kind::Write, need, run }
}

const fn act(path: &'static str, need: P, run: Handler) -> Route {
    write(Method::POST, path, USERS_MANAGE, B::Other, need, run)
}

const USERS: &str = "okta.users.read";
const USERS_MANAGE: &str = "okta.users.manage";
const GROUPS: &str = "okta.groups.read";
const GROUPS_MANAGE: &str = "okta.groups.manage";
const APPS: &str = "okta.apps.read";
const APPS_MANAGE: &str = "okta.apps.manage";
const ROLES: &str = "okta.roles.read";
const ROLES_MANAGE: &str = "okta.roles.manage";
const LOGOUT: &str = "okta.universalLogout.manage";
const HOOKS: &str = "okta.eventHooks.read";
const HOOKS_MANAGE: &str = "okta.eventHooks.manage";

/// All endpoints.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    Route { method: Method::GET, path: "/.well-known/okta-organization", scope: "", bucket: B::Other, kind: Kind::Open, need: P::None, run: meta::well_known },
    Route { method: Method::POST, path: "/oauth2/v1/token", scope: "", bucket: B::Token, kind: Kind::Token, need: P::None, run: meta::nothing },
    Route { method: Method::GET, path: "/oauth2/v1/authorize", scope: "", bucket: B::Token, kind: Kind::Authorize, need: P::None, run: meta::nothing },
    Route { method: Method::POST, path: "/oauth2/v1/revoke", scope: "", bucket: B::Other, kind: Kind::Revoke, need: P::None, run: meta::nothing },

    list("/api/v1/users", USERS, B::Users, P::ReadUsers, users::list),
    write(Method::POST, "/api/v1/users", USERS_MANAGE, B::Users, P::WriteUsers, users::create),
    get("/api/v1/users/{id}", USERS, B::User, P::ReadUsers, users::get),
    write(Method::POST, "/api/v1/users/{id}", USERS_MANAGE, B::UserWrite, P::WriteUsers, users::update),
    write(Method::PUT, "/api/v1/users/{id}", USERS_MANAGE, B::UserWrite, P::WriteUsers, users::replace),
    write(Method::DELETE, "/api/v1/users/{id}", USERS_MANAGE, B::UserWrite, P::WriteUsers, lifecycle::delete),
    list("/api/v1/users/{id}/groups", USERS, B::Other, P::ReadUsers, users::groups),
    list("/api/v1/users/{id}/appLinks", USERS, B::Other, P::ReadUsers, apps::links),
    list("/api/v1/users/{id}/factors", USERS, B::Other, P::ReadUsers, access::factors),
    get("/api/v1/users/{id}/factors/{factor}", USERS, B::Other, P::ReadUsers, access::factor),
    write(Method::DELETE, "/api/v1/users/{id}/factors/{factor}", USERS_MANAGE, B::Other, P::Credentials, access::unenroll),
    write(Method::DELETE, "/api/v1/users/{id}/sessions", USERS_MANAGE, B::Other, P::Credentials, access::clear_sessions),
    act("/api/v1/users/{id}/credentials/forgot_password", P::Credentials, access::forgot_password),
    get("/api/v1/users/{id}/roles", ROLES, B::Other, P::ViewRoles, roles::list),
    write(Method::POST, "/api/v1/users/{id}/roles", ROLES_MANAGE, B::Other, P::ManageRoles, roles::grant),
    get("/api/v1/users/{id}/roles/{assignment}", ROLES, B::Other, P::ViewRoles, roles::get),
    write(Method::DELETE, "/api/v1/users/{id}/roles/{assignment}", ROLES_MANAGE, B::Other, P::ManageRoles, roles::revoke),
    get("/api/v1/users/{id}/roles/{assignment}/targets/groups", ROLES, B::Other, P::ViewRoles, targets::groups),
    write(Method::PUT, "/api/v1/users/{id}/roles/{assignment}/targets/groups/{group}", ROLES_MANAGE, B::Other, P::ManageRoles, targets::add_group),
    write(Method::DELETE, "/api/v1/users/{id}/roles/{assignment}/targets/groups/{group}", ROLES_MANAGE, B::Other, P::ManageRoles, targets::remove_group),
    get("/api/v1/users/{id}/roles/{assignment}/targets/catalog/apps", ROLES, B::Other, P::ViewRoles, targets::apps),
    write(Method::PUT, "/api/v1/users/{id}/roles/{assignment}/targets/catalog/apps", ROLES_MANAGE, B::Other, P::ManageRoles, targets::add_all_apps),
    write(Method::PUT, "/api/v1/users/{id}/roles/{assignment}/targets/catalog/apps/{app}", ROLES_MANAGE, B::Other, P::ManageRoles, targets::add_app),
    write(Method::DELETE, "/api/v1/users/{id}/roles/{assignment}/targets/catalog/apps/{app}", ROLES_MANAGE, B::Other, P::ManageRoles, targets::remove_app),
    write(Method::PUT, "/api/v1/users/{id}/roles/{assignment}/targets/catalog/apps/{app}/{instance}", ROLES_MANAGE, B::Other, P::ManageRoles, targets::add_instance),
    write(Method::DELETE, "/api/v1/users/{id}/roles/{assignment}/targets/catalog/apps/{app}/{instance}", ROLES_MANAGE, B::Other, P::ManageRoles, targets::remove_instance),
    get("/api/v1/users/{id}/linkedObjects/{name}", USERS, B::Other, P::ReadUsers, users::linked),
    get("/api/v1/users/{id}/blocks", "", B::Other, P::None, meta::unlicensed),
    get("/api/v1/users/{id}/devices", "", B::Other, P::None, meta::unlicensed),

    act("/api/v1/users/{id}/lifecycle/activate", P::WriteUsers, lifecycle::activate),
    act("/api/v1/users/{id}/lifecycle/reactivate", P::WriteUsers, lifecycle::reactivate),
    act("/api/v1/users/{id}/lifecycle/deactivate", P::WriteUsers, lifecycle::deactivate),
    act("/api/v1/users/{id}/lifecycle/suspend", P::WriteUsers, lifecycle::suspend),
    act("/api/v1/users/{id}/lifecycle/unsuspend", P::WriteUsers, lifecycle::unsuspend),
    act("/api/v1/users/{id}/lifecycle/unlock", P::Credentials, lifecycle::unlock),
    act("/api/v1/users/{id}/lifecycle/expire_password", P::Credentials, lifecycle::expire_password),
    act("/api/v1/users/{id}/lifecycle/expire_password_with_temp_password", P::Credentials, lifecycle::expire_with_temporary),
    act("/api/v1/users/{id}/lifecycle/reset_password", P::Credentials, lifecycle::reset_password),
    act("/api/v1/users/{id}/lifecycle/reset_factors", P::Credentials, lifecycle::reset_factors),

    list("/api/v1/groups", GROUPS, B::Groups, P::ReadGroups, groups::list),
    write(Method::POST, "/api/v1/groups", GROUPS_MANAGE, B::Groups, P::WriteGroups, groups::create),
    list("/api/v1/groups/rules", GROUPS, B::Groups, P::ReadGroups, rules::list),
    write(Method::POST, "/api/v1/groups/rules", GROUPS_MANAGE, B::Groups, P::WriteRules, rules::create),
    get("/api/v1/groups/rules/{id}", GROUPS, B::Groups, P::ReadGroups, rules::get),
    write(Method::PUT, "/api/v1/groups/rules/{id}", GROUPS_MANAGE, B::Groups, P::WriteRules, rules::replace),
    write(Method::DELETE, "/api/v1/groups/rules/{id}", GROUPS_MANAGE, B::Groups, P::WriteRules, rules::delete),
    write(Method::POST, "/api/v1/groups/rules/{id}/lifecycle/activate", GROUPS_MANAGE, B::Groups, P::WriteRules, rules::activate),
    write(Method::POST, "/api/v1/groups/rules/{id}/lifecycle/deactivate", GROUPS_MANAGE, B::Groups, P::WriteRules, rules::deactivate),
    get("/api/v1/groups/{id}", GROUPS, B::Group, P::ReadGroups, groups::get),
    write(Method::PUT, "/api/v1/groups/{id}", GROUPS_MANAGE, B::Group, P::WriteGroups, groups::replace),
    write(Method::DELETE, "/api/v1/groups/{id}", GROUPS_MANAGE, B::Group, P::WriteGroups, groups::delete),
    list("/api/v1/groups/{id}/users", GROUPS, B::Groups, P::ReadGroups, groups::members),
    list("/api/v1/groups/{id}/apps", GROUPS, B::Groups, P::ReadGroups, groups::apps),
    write(Method::PUT, "/api/v1/groups/{id}/users/{user}", GROUPS_MANAGE, B::Groups, P::Members, groups::join),
    write(Method::DELETE, "/api/v1/groups/{id}/users/{user}", GROUPS_MANAGE, B::Groups, P::Members, groups::leave),
    list("/api/v1/groups/{id}/users/{user}/group-rules", GROUPS, B::Groups, P::ReadGroups, rules::of_member),
    list("/api/v1/groups/{id}/owners", GROUPS, B::Groups, P::ReadGroups, owners::list),
    write(Method::POST, "/api/v1/groups/{id}/owners", GROUPS_MANAGE, B::Groups, P::WriteGroups, owners::add),
    write(Method::DELETE, "/api/v1/groups/{id}/owners/{owner}", GROUPS_MANAGE, B::Groups, P::WriteGroups, owners::remove),
    get("/api/v1/groups/{id}/roles", ROLES, B::Groups, P::ViewRoles, roles::list),
    write(Method::POST, "/api/v1/groups/{id}/roles", ROLES_MANAGE, B::Groups, P::ManageRoles, roles::grant),
    get("/api/v1/groups/{id}/roles/{assignment}", ROLES, B::Groups, P::ViewRoles, roles::get),
    write(Method::DELETE, "/api/v1/groups/{id}/roles/{assignment}", ROLES_MANAGE, B::Groups, P::ManageRoles, roles::revoke),
    get("/api/v1/groups/{id}/roles/{assignment}/targets/groups", ROLES, B::Groups, P::ViewRoles, targets::groups),
    write(Method::PUT, "/api/v1/groups/{id}/roles/{assignment}/targets/groups/{group}", ROLES_MANAGE, B::Groups, P::ManageRoles, targets::add_group),
    write(Method::DELETE, "/api/v1/groups/{id}/roles/{assignment}/targets/groups/{group}", ROLES_MANAGE, B::Groups, P::ManageRoles, targets::remove_group),
    get("/api/v1/groups/{id}/roles/{assignment}/targets/catalog/apps", ROLES, B::Groups, P::ViewRoles, targets::apps),
    write(Method::PUT, "/api/v1/groups/{id}/roles/{assignment}/targets/catalog/apps/{app}", ROLES_MANAGE, B::Groups, P::ManageRoles, targets::add_app),
    write(Method::DELETE, "/api/v1/groups/{id}/roles/{assignment}/targets/catalog/apps/{app}", ROLES_MANAGE, B::Groups, P::ManageRoles, targets::remove_app),
    write(Method::PUT, "/api/v1/groups/{id}/roles/{assignment}/targets/catalog/apps/{app}/{instance}", ROLES_MANAGE, B::Groups, P::ManageRoles, targets::add_instance),
    write(Method::DELETE, "/api/v1/groups/{id}/roles/{assignment}/targets/catalog/apps/{app}/{instance}", ROLES_MANAGE, B::Groups, P::ManageRoles, targets::remove_instance),

    get("/api/v1/iam/assignees/users", ROLES, B::Other, P::ViewRoles, roles::assignees),
    get("/api/v1/iam/roles", ROLES, B::Other, P::ViewRoles, iam::roles),
    write(Method::POST, "/api/v1/iam/roles", ROLES_MANAGE, B::Other, P::ManageRoles, iam::create_role),
    get("/api/v1/iam/roles/{role}", ROLES, B::Other, P::ViewRoles, iam::get_role),
    write(Method::DELETE, "/api/v1/iam/roles/{role}", ROLES_MANAGE, B::Other, P::ManageRoles, iam::delete_role),
    get("/api/v1/iam/roles/{role}/permissions", ROLES, B::Other, P::ViewRoles, iam::permissions),
    get("/api/v1/iam/roles/{role}/permissions/{permission}", ROLES, B::Other, P::ViewRoles, iam::permission),
    write(Method::POST, "/api/v1/iam/roles/{role}/permissions/{permission}", ROLES_MANAGE, B::Other, P::ManageRoles, iam::add_permission),
    write(Method::DELETE, "/api/v1/iam/roles/{role}/permissions/{permission}", ROLES_MANAGE, B::Other, P::ManageRoles, iam::remove_permission),
    get("/api/v1/iam/resource-sets", ROLES, B::Other, P::ViewRoles, iam::sets),
    write(Method::POST, "/api/v1/iam/resource-sets", ROLES_MANAGE, B::Other, P::ManageRoles, iam::create_set),
    get("/api/v1/iam/resource-sets/{set}", ROLES, B::Other, P::ViewRoles, iam::get_set),
    write(Method::DELETE, "/api/v1/iam/resource-sets/{set}", ROLES_MANAGE, B::Other, P::ManageRoles, iam::delete_set),
    get("/api/v1/iam/resource-sets/{set}/resources", ROLES, B::Other, P::ViewRoles, iam::resources),
    write(Method::PATCH, "/api/v1/iam/resource-sets/{set}/resources", ROLES_MANAGE, B::Other, P::ManageRoles, iam::add_resources),
    write(Method::DELETE, "/api/v1/iam/resource-sets/{set}/resources/{resource}", ROLES_MANAGE, B::Other, P::ManageRoles, iam::remove_resource),
    get("/api/v1/iam/resource-sets/{set}/bindings", ROLES, B::Other, P::ViewRoles, iam::bindings),
    write(Method::POST, "/api/v1/iam/resource-sets/{set}/bindings", ROLES_MANAGE, B::Other, P::ManageRoles, iam::create_binding),
    get("/api/v1/iam/resource-sets/{set}/bindings/{role}", ROLES, B::Other, P::ViewRoles, iam::get_binding),
    write(Method::DELETE, "/api/v1/iam/resource-sets/{set}/bindings/{role}", ROLES_MANAGE, B::Other, P::ManageRoles, iam::delete_binding),
    get("/api/v1/iam/resource-sets/{set}/bindings/{role}/members", ROLES, B::Other, P::ViewRoles, iam::members),
    write(Method::PATCH, "/api/v1/iam/resource-sets/{set}/bindings/{role}/members", ROLES_MANAGE, B::Other, P::ManageRoles, iam::add_members),
    get("/api/v1/iam/resource-sets/{set}/bindings/{role}/members/{member}", ROLES, B::Other, P::ViewRoles, iam::get_member),
    write(Method::DELETE, "/api/v1/iam/resource-sets/{set}/bindings/{role}/members/{member}", ROLES_MANAGE, B::Other, P::ManageRoles, iam::remove_member),
    // Which role may end sign-ins everywhere is not documented; here it is one that may end sessions.
    write(Method::POST, "/oauth2/v1/global-token-revocation", LOGOUT, B::Other, P::Credentials, logout::revoke_all),

    list("/api/v1/apps", APPS, B::Apps, P::ReadApps, apps::list),
    get("/api/v1/apps/{id}", APPS, B::App, P::ReadApps, apps::get),
    write(Method::DELETE, "/api/v1/apps/{id}", APPS_MANAGE, B::App, P::AssignApps, apps::delete),
    write(Method::POST, "/api/v1/apps/{id}/lifecycle/deactivate", APPS_MANAGE, B::App, P::AssignApps, apps::deactivate),
    list("/api/v1/apps/{id}/users", APPS, B::Apps, P::ReadApps, apps::users),
    write(Method::POST, "/api/v1/apps/{id}/users", APPS_MANAGE, B::Apps, P::AssignApps, apps::assign),
    get("/api/v1/apps/{id}/users/{user}", APPS, B::Apps, P::ReadApps, apps::user),
    write(Method::POST, "/api/v1/apps/{id}/users/{user}", APPS_MANAGE, B::Apps, P::AssignApps, apps::update_user),
    write(Method::DELETE, "/api/v1/apps/{id}/users/{user}", APPS_MANAGE, B::Apps, P::AssignApps, apps::unassign),
    list("/api/v1/apps/{id}/groups", APPS, B::Apps, P::ReadApps, apps::groups),
    write(Method::PUT, "/api/v1/apps/{id}/groups/{group}", APPS_MANAGE, B::Apps, P::AssignApps, apps::assign_group),
    write(Method::DELETE, "/api/v1/apps/{id}/groups/{group}", APPS_MANAGE, B::Apps, P::AssignApps, apps::unassign_group),

    list("/api/v1/meta/types/user", "okta.userTypes.read", B::Other, P::ReadUsers, meta::types),
    get("/api/v1/meta/types/user/{id}", "okta.userTypes.read", B::Other, P::ReadUsers, meta::user_type),
    get("/api/v1/meta/schemas/user/linkedObjects", "okta.linkedObjects.read", B::Other, P::ReadSchema, meta::linked_objects),
    get("/api/v1/meta/schemas/user/{id}", "okta.schemas.read", B::Other, P::ReadSchema, meta::schema),

    get("/api/v1/org", "okta.orgs.read", B::Other, P::ReadOrg, meta::org),
    get("/api/v1/org/settings/clientPrivilegesSetting", "okta.orgs.read", B::Other, P::ReadOrg, meta::client_privileges),
    get("/oauth2/v1/clients/{id}/roles", ROLES, B::Clients, P::ViewRoles, roles::list),
    write(Method::POST, "/oauth2/v1/clients/{id}/roles", ROLES_MANAGE, B::Clients, P::ManageRoles, roles::grant),
    get("/oauth2/v1/clients/{id}/roles/{assignment}", ROLES, B::Clients, P::ViewRoles, roles::get),
    write(Method::DELETE, "/oauth2/v1/clients/{id}/roles/{assignment}", ROLES_MANAGE, B::Clients, P::ManageRoles, roles::revoke),

    get("/api/v1/eventHooks", HOOKS, B::Other, P::Hooks, hooks::list),
    write(Method::POST, "/api/v1/eventHooks", HOOKS_MANAGE, B::Other, P::Hooks, hooks::create),
    get("/api/v1/eventHooks/{id}", HOOKS, B::Other, P::Hooks, hooks::get),
    write(Method::PUT, "/api/v1/eventHooks/{id}", HOOKS_MANAGE, B::Other, P::Hooks, hooks::replace),
    write(Method::DELETE, "/api/v1/eventHooks/{id}", HOOKS_MANAGE, B::Other, P::Hooks, hooks::delete),
    write(Method::POST, "/api/v1/eventHooks/{id}/lifecycle/activate", HOOKS_MANAGE, B::Other, P::Hooks, hooks::activate),
    write(Method::POST, "/api/v1/eventHooks/{id}/lifecycle/deactivate", HOOKS_MANAGE, B::Other, P::Hooks, hooks::deactivate),
    Route { method: Method::POST, path: "/api/v1/eventHooks/{id}/lifecycle/verify", scope: HOOKS_MANAGE, bucket: B::Other, kind: Kind::Verify, need: P::Hooks, run: hooks::verify },

    get("/api/v1/devices", "", B::Devices, P::None, meta::unlicensed),
    get("/api/v1/devices/{id}", "", B::Devices, P::None, meta::unlicensed),
    Route { method: Method::GET, path: "/api/v1/logs", scope: "okta.logs.read", bucket: B::Logs, kind: Kind::Log, need: P::ReadLogs, run: logs::list },
];

/// What a path without an endpoint counts as.
pub static UNKNOWN: Route = Route {
    method: Method::GET,
    path: "",
    scope: "",
    bucket: B::Other,
    kind: Kind::Open,
    need: P::None,
    run: meta::nothing,
};

/// What a known path with another method counts as.
pub static WRONG_METHOD: Route = Route {
    method: Method::GET,
    path: "",
    scope: "",
    bucket: B::Other,
    kind: Kind::Open,
    need: P::None,
    run: meta::wrong_method,
};
