//! The requests that are sent to Okta, described: one function an operation, with the scope it needs.

use super::id::{AppId, GroupId, Principal, SchemaId, TypeId, UserId, segment};
use super::request::Request;
use super::search::Expression;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

/// The page size that Okta recommends for users, groups and members.
const PAGE: &str = "200";
/// The most members that Okta gives on a page; where it fails over so many, the recommended number.
pub const MEMBERS_PAGE: u64 = 1_000;
/// The number of members on a page that Okta recommends.
pub const FEWER_MEMBERS: u64 = 200;
/// The most that Okta gives on a page of an app's users.
pub const APP_USERS_PAGE: u64 = 500;

/// What an admin role can be narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Groups.
    Groups,
    /// Apps.
    Apps,
}

impl Targets {
    fn path(self) -> &'static str {
        match self {
            Self::Groups => "targets/groups",
            Self::Apps => "targets/catalog/apps",
        }
    }
}

/// Who the organization is; needs no credential.
pub fn organization() -> Request {
    Request::get("well-known", "/.well-known/okta-organization", &[])
}

/// All users but the deprovisioned. `okta.users.read`
pub fn list_users() -> Request {
    Request::get("users", "/api/v1/users", &[("limit", PAGE)])
}

/// The deprovisioned users, which a plain list leaves out. `okta.users.read`
pub fn list_deprovisioned_users() -> Request {
    // By filter: Okta ends a search after some 50,000 results.
    Request::get("users", "/api/v1/users", &[("filter", "status eq \"DEPROVISIONED\""), ("limit", PAGE)])
}

/// One user, to see whether users can be read at all. `okta.users.read`
pub fn probe_users() -> Request {
    Request::get("users", "/api/v1/users", &[("limit", "1")])
}

/// One user, whatever its status. `okta.users.read`
pub fn get_user(user: &UserId) -> Request {
    Request::get("user", format!("/api/v1/users/{user}"), &[])
}

/// The owner of the API token that asks, or the user who signed in.
pub fn get_me() -> Request {
    Request::get("user", "/api/v1/users/me", &[])
}

/// All groups, with the number of their members. `okta.groups.read`
pub fn list_groups() -> Request {
    Request::get("groups", "/api/v1/groups", &[("limit", PAGE), ("expand", "stats")])
}

/// Users that Okta changed after a moment, the deprovisioned ones too. `okta.users.read`
pub fn list_changed_users(since: Timestamp) -> Request {
    let filter = format!("lastUpdated gt \"{since:.3}\"");
    Request::get("users", "/api/v1/users", &[("filter", filter.as_str()), ("limit", PAGE)])
}

/// Groups that changed or whose members changed after a moment. `okta.groups.read`
pub fn list_changed_groups(since: Timestamp) -> Request {
    let filter = format!("lastUpdated gt \"{since:.3}\" or lastMembershipUpdated gt \"{since:.3}\"");
    Request::get("groups", "/api/v1/groups", &[("filter", filter.as_str()), ("limit", PAGE), ("expand", "stats")])
}

/// One group, to see whether groups can be read at all. `okta.groups.read`
pub fn probe_groups() -> Request {
    Request::get("groups", "/api/v1/groups", &[("limit", "1")])
}

/// One group. `okta.groups.read`
pub fn get_group(group: &GroupId) -> Request {
    Request::get("group", format!("/api/v1/groups/{group}"), &[])
}

/// One application, to see whether applications can be read at all. `okta.apps.read`
pub fn probe_apps() -> Request {
    Request::get("apps", "/api/v1/apps", &[("limit", "1")])
}

/// One log event, to see whether the log can be read at all. `okta.logs.read`
pub fn probe_logs() -> Request {
    Request::get("logs", "/api/v1/logs", &[("limit", "1")])
}

/// All users who hold an admin role. `okta.roles.read`
pub fn list_role_assignees() -> Request {
    Request::get("other", "/api/v1/iam/assignees/users", &[("limit", "200")]).enclosed("value")
}

/// The admin roles of a holder, with what those are narrowed to that can be narrowed to groups, or to apps.
/// `okta.roles.read`
pub fn list_roles_of(holder: &Principal, targets: Targets) -> Request {
    // Of a client, Okta embeds nothing.
    let expand = [("expand", targets.path())];
    let query = if matches!(holder, Principal::Client(_)) { &[][..] } else { &expand };
    Request::get(roles_bucket(holder), roles_path(holder), query)
}

/// What a role that a holder has is narrowed to. `okta.roles.read`
pub fn list_role_targets(holder: &Principal, assignment: &str, targets: Targets) -> Request {
    let path = format!("{}/{}/{}", roles_path(holder), segment(assignment), targets.path());
    Request::get(roles_bucket(holder), path, &[("limit", PAGE)])
}

fn roles_path(holder: &Principal) -> String {
    match holder {
        Principal::User(id) => format!("/api/v1/users/{id}/roles"),
        Principal::Group(id) => format!("/api/v1/groups/{id}/roles"),
        Principal::Client(id) => format!("/oauth2/v1/clients/{id}/roles"),
    }
}

fn roles_bucket(holder: &Principal) -> &'static str {
    match holder {
        Principal::User(_) => "other",
        Principal::Group(_) => "groups",
        Principal::Client(_) => "clients",
    }
}

/// The permissions of a custom role. `okta.roles.read`
pub fn list_permissions(role: &str) -> Request {
    Request::get("other", format!("/api/v1/iam/roles/{}/permissions", segment(role)), &[]).enclosed("permissions")
}

/// A resource set. `okta.roles.read`
pub fn get_resource_set(set: &str) -> Request {
    Request::get("other", format!("/api/v1/iam/resource-sets/{}", segment(set)), &[])
}

/// What is in a resource set. `okta.roles.read`
pub fn list_resources(set: &str) -> Request {
    let path = format!("/api/v1/iam/resource-sets/{}/resources", segment(set));
    Request::get("other", path, &[("limit", "100")]).enclosed("resources")
}

/// The OAuth apps, as many as Okta gives on a page. `okta.apps.read`
pub fn list_oauth_apps() -> Request {
    Request::get("apps", "/api/v1/apps", &[("filter", "name eq \"oidc_client\""), ("limit", PAGE)])
}

/// The owners of a group. `okta.groups.read`
pub fn list_owners(group: &GroupId) -> Request {
    Request::get("groups", format!("/api/v1/groups/{group}/owners"), &[("limit", PAGE)])
}

/// The rules that make users members of groups. `okta.groups.read`
pub fn list_group_rules() -> Request {
    Request::get("groups", "/api/v1/groups/rules", &[("limit", PAGE)])
}

/// The user that a text names: an id, a login, or a short name, which is for the caller to refuse. A login with a slash
/// is found by a search only. `okta.users.read`
pub fn find_user(reference: &str) -> Request {
    Request::get("user", format!("/api/v1/users/{}", segment(reference)), &[])
}

/// Users by an expression, the deprovisioned ones too. `okta.users.read`
pub fn search_users(search: &str, sort: Option<(&str, &str)>, limit: u64) -> Request {
    let limit = limit.to_string();
    let mut query = vec![("search", search), ("limit", limit.as_str())];
    query.extend(sort.into_iter().flat_map(|(by, order)| [("sortBy", by), ("sortOrder", order)]));
    Request::get("users", "/api/v1/users", &query)
}

/// Users whose first name, last name or email starts with a text; not paged, without the deprovisioned.
/// `okta.users.read`
pub fn quick_search_users(q: &str) -> Request {
    Request::get("users", "/api/v1/users", &[("q", q), ("limit", PAGE)])
}

/// Makes a user. `okta.users.manage`
pub fn create_user(body: Value, activate: bool) -> Request {
    Request::post("users", "/api/v1/users".to_owned(), &[("activate", word(activate))], Some(body))
}

/// Changes attributes of a user's profile; null clears one. `okta.users.manage`
pub fn update_user(user: &UserId, profile: &Value) -> Request {
    Request::post("user-write", format!("/api/v1/users/{user}"), &[], Some(json!({ "profile": profile })))
}

/// Deletes a deprovisioned user; only deactivates any other, and answers the same. `okta.users.manage`
pub fn delete_user(user: &UserId, send_email: bool) -> Request {
    Request::delete("user-write", format!("/api/v1/users/{user}"), &[("sendEmail", word(send_email))])
}

/// A step in a user's life: a POST without a body. `okta.users.manage`
fn step(path: String, query: &[(&str, &str)]) -> Request {
    Request::post("other", path, query, None)
}

/// From STAGED or DEPROVISIONED; without mail, it answers the link that the mail would hold.
pub fn activate_user(user: &UserId, send_email: bool) -> Request {
    step(format!("/api/v1/users/{user}/lifecycle/activate"), &[("sendEmail", word(send_email))])
}

/// From PROVISIONED or RECOVERY: a new link.
pub fn reactivate_user(user: &UserId, send_email: bool) -> Request {
    step(format!("/api/v1/users/{user}/lifecycle/reactivate"), &[("sendEmail", word(send_email))])
}

/// From any status but DEPROVISIONED.
pub fn deactivate_user(user: &UserId, send_email: bool) -> Request {
    step(format!("/api/v1/users/{user}/lifecycle/deactivate"), &[("sendEmail", word(send_email))])
}

/// From ACTIVE.
pub fn suspend_user(user: &UserId) -> Request {
    step(format!("/api/v1/users/{user}/lifecycle/suspend"), &[])
}

/// From SUSPENDED.
pub fn unsuspend_user(user: &UserId) -> Request {
    step(format!("/api/v1/users/{user}/lifecycle/unsuspend"), &[])
}

/// From `LOCKED_OUT`, or where unknown devices are blocked.
pub fn unlock_user(user: &UserId) -> Request {
    step(format!("/api/v1/users/{user}/lifecycle/unlock"), &[])
}

/// The next sign-in asks for a new password.
pub fn expire_password(user: &UserId) -> Request {
    step(format!("/api/v1/users/{user}/lifecycle/expire_password"), &[])
}

/// The same, with a password for that sign-in.
pub fn expire_password_with_temporary(user: &UserId, revoke_sessions: bool) -> Request {
    step(
        format!("/api/v1/users/{user}/lifecycle/expire_password_with_temp_password"),
        &[("revokeSessions", word(revoke_sessions))],
    )
}

/// Nobody signs in until a new password is set by a link; without mail, it answers the link.
pub fn reset_password(user: &UserId, send_email: bool, revoke_sessions: bool) -> Request {
    let query = [("sendEmail", word(send_email)), ("revokeSessions", word(revoke_sessions))];
    step(format!("/api/v1/users/{user}/lifecycle/reset_password"), &query)
}

/// Starts what a user would start who forgot the password; without mail, it answers the link.
pub fn forgot_password(user: &UserId, send_email: bool) -> Request {
    step(format!("/api/v1/users/{user}/credentials/forgot_password"), &[("sendEmail", word(send_email))])
}

/// Removes all factors of a user.
pub fn reset_factors(user: &UserId) -> Request {
    step(format!("/api/v1/users/{user}/lifecycle/reset_factors"), &[])
}

/// The factors of a user. `okta.users.read`
pub fn list_factors(user: &UserId) -> Request {
    Request::get("other", format!("/api/v1/users/{user}/factors"), &[])
}

/// Ends a user's sessions. `okta.users.manage`
pub fn clear_sessions(user: &UserId, oauth_tokens: bool, forget_devices: bool) -> Request {
    let query = [("oauthTokens", word(oauth_tokens)), ("forgetDevices", word(forget_devices))];
    Request::delete("other", format!("/api/v1/users/{user}/sessions"), &query)
}

/// The groups of a user, `Everyone` among them. `okta.users.read`
pub fn list_user_groups(user: &UserId) -> Request {
    Request::get("other", format!("/api/v1/users/{user}/groups"), &[])
}

/// The links a user sees on the dashboard; several may lead to one app. `okta.users.read`
pub fn list_app_links(user: &UserId) -> Request {
    Request::get("other", format!("/api/v1/users/{user}/appLinks"), &[])
}

/// The user types; not paged. `okta.userTypes.read`
pub fn list_user_types() -> Request {
    Request::get("other", "/api/v1/meta/types/user", &[])
}

/// A user type. `okta.userTypes.read`
pub fn get_user_type(id: &TypeId) -> Request {
    Request::get("other", format!("/api/v1/meta/types/user/{id}"), &[])
}

/// Which attributes users have. `okta.schemas.read`
pub fn get_user_schema(schema: &SchemaId) -> Request {
    Request::get("other", format!("/api/v1/meta/schemas/user/{schema}"), &[])
}

/// Groups by an expression, all where there is none. `okta.groups.read`
pub fn search_groups(search: Option<&Expression>, limit: u64) -> Request {
    let limit = limit.to_string();
    let mut query = vec![("limit", limit.as_str())];
    query.extend(search.map(|search| ("search", search.as_str())));
    Request::get("groups", "/api/v1/groups", &query)
}

/// A page of a group's members. `okta.groups.read`
pub fn page_group_members(group: &GroupId, limit: u64) -> Request {
    Request::get("groups", format!("/api/v1/groups/{group}/users"), &[("limit", limit.to_string().as_str())])
}

/// Makes a group. `okta.groups.manage`
pub fn create_group(name: &str, description: Option<&str>) -> Request {
    let mut profile = json!({ "name": name });
    if let Some(description) = description {
        profile["description"] = description.into();
    }
    Request::post("groups", "/api/v1/groups".to_owned(), &[], Some(json!({ "profile": profile })))
}

/// Deletes a group. `okta.groups.manage`
pub fn delete_group(group: &GroupId) -> Request {
    Request::delete("group", format!("/api/v1/groups/{group}"), &[])
}

/// Puts a user into a group that Okta masters. `okta.groups.manage`
pub fn add_to_group(group: &GroupId, user: &UserId) -> Request {
    Request::put("groups", format!("/api/v1/groups/{group}/users/{user}"))
}

/// Takes a user out of a group that Okta masters. `okta.groups.manage`
pub fn remove_from_group(group: &GroupId, user: &UserId) -> Request {
    Request::delete("groups", format!("/api/v1/groups/{group}/users/{user}"), &[])
}

/// Apps whose name or label starts with a text, all where there is none. `okta.apps.read`
pub fn list_apps(q: Option<&str>, include_inactive: bool, limit: u64) -> Request {
    let limit = limit.to_string();
    let mut query = vec![("limit", limit.as_str())];
    query.extend(q.map(|q| ("q", q)));
    // Said either way: Okta's description and its recordings do not agree on what is listed by default.
    query.push(if include_inactive { ("includeNonDeleted", "true") } else { ("filter", "status eq \"ACTIVE\"") });
    Request::get("apps", "/api/v1/apps", &query)
}

/// One app. `okta.apps.read`
pub fn get_app(app: &AppId) -> Request {
    Request::get("app", format!("/api/v1/apps/{app}"), &[])
}

/// The users of an app. `okta.apps.read`
pub fn list_app_users(app: &AppId, limit: u64) -> Request {
    Request::get("apps", format!("/api/v1/apps/{app}/users"), &[("limit", limit.to_string().as_str())])
}

/// The groups that an app is assigned to, as many as Okta gives on a page. `okta.apps.read`
pub fn list_app_groups(app: &AppId) -> Request {
    Request::get("apps", format!("/api/v1/apps/{app}/groups"), &[("limit", PAGE)])
}

/// A user's assignment to an app. `okta.apps.read`
pub fn get_app_user(app: &AppId, user: &UserId) -> Request {
    Request::get("apps", format!("/api/v1/apps/{app}/users/{user}"), &[])
}

/// Assigns a user to an app. `okta.apps.manage`
pub fn assign_app_user(app: &AppId, user: &str, profile: Option<&Value>) -> Request {
    let mut body = json!({ "id": user, "scope": "USER" });
    if let Some(profile) = profile {
        body["profile"] = profile.clone();
    }
    Request::post("apps", format!("/api/v1/apps/{app}/users"), &[], Some(body))
}

/// Changes the profile of a user's assignment. `okta.apps.manage`
pub fn update_app_user(app: &AppId, user: &UserId, profile: &Value) -> Request {
    Request::post("apps", format!("/api/v1/apps/{app}/users/{user}"), &[], Some(json!({ "profile": profile })))
}

/// Takes an app away from a user; may remove the account there. `okta.apps.manage`
pub fn unassign_app_user(app: &AppId, user: &UserId) -> Request {
    Request::delete("apps", format!("/api/v1/apps/{app}/users/{user}"), &[])
}

/// Events of the System Log. `okta.logs.read`
pub fn search_logs(query: &[(&str, &str)]) -> Request {
    Request::get("logs", "/api/v1/logs", query)
}

/// Makes an event hook: Okta will deliver events to a URL, once it has seen that the URL is ours.
/// `okta.eventHooks.manage`
pub fn create_event_hook(body: Value) -> Request {
    Request::post("event_hooks", "/api/v1/eventHooks".to_owned(), &[], Some(body))
}

/// All event hooks. `okta.eventHooks.read`
pub fn list_event_hooks() -> Request {
    Request::get("event_hooks", "/api/v1/eventHooks", &[])
}

/// Has Okta see that an event hook's URL is ours. `okta.eventHooks.manage`
pub fn verify_event_hook(hook: &str) -> Request {
    Request::post("event_hooks", format!("/api/v1/eventHooks/{}/lifecycle/verify", segment(hook)), &[], None)
}

/// Stops an event hook; only then can it be deleted. `okta.eventHooks.manage`
pub fn deactivate_event_hook(hook: &str) -> Request {
    Request::post("event_hooks", format!("/api/v1/eventHooks/{}/lifecycle/deactivate", segment(hook)), &[], None)
}

/// Deletes an event hook that does not deliver. `okta.eventHooks.manage`
pub fn delete_event_hook(hook: &str) -> Request {
    Request::delete("event_hooks", format!("/api/v1/eventHooks/{}", segment(hook)), &[])
}

/// The page behind a next link, counted in the same bucket as its listing.
pub fn next(listing: &Request, link: Url) -> Request {
    Request { list: listing.list, ..Request::follow(listing.bucket, link) }
}

fn word(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}
