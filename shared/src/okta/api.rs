//! The requests that are sent to Okta, described: one function an operation, with the scope it needs.

use super::id::{ClientId, GroupId, UserId};
use super::request::Request;
use url::Url;

/// The page size that Okta recommends for users, groups and members.
const PAGE: &str = "200";

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
    Request::get("users", "/api/v1/users", &[("search", "status eq \"DEPROVISIONED\""), ("limit", PAGE)])
}

/// One user, to see whether users can be read at all. `okta.users.read`
pub fn probe_users() -> Request {
    Request::get("users", "/api/v1/users", &[("limit", "1")])
}

/// One user, whatever its status. `okta.users.read`
pub fn get_user(user: &UserId) -> Request {
    Request::get("user", format!("/api/v1/users/{user}"), &[])
}

/// The owner of the API token that asks.
pub fn get_me() -> Request {
    Request::get("user", "/api/v1/users/me", &[])
}

/// All groups, with the number of their members. `okta.groups.read`
pub fn list_groups() -> Request {
    Request::get("groups", "/api/v1/groups", &[("limit", PAGE), ("expand", "stats")])
}

/// One group, to see whether groups can be read at all. `okta.groups.read`
pub fn probe_groups() -> Request {
    Request::get("groups", "/api/v1/groups", &[("limit", "1")])
}

/// One group. `okta.groups.read`
pub fn get_group(group: &GroupId) -> Request {
    Request::get("group", format!("/api/v1/groups/{group}"), &[])
}

/// A group's members. `okta.groups.read`
pub fn list_group_members(group: &GroupId) -> Request {
    Request::get("groups", format!("/api/v1/groups/{group}/users"), &[("limit", PAGE)])
}

/// One application, to see whether applications can be read at all. `okta.apps.read`
pub fn probe_apps() -> Request {
    Request::get("apps", "/api/v1/apps", &[("limit", "1")])
}

/// One log event, to see whether the log can be read at all. `okta.logs.read`
pub fn probe_logs() -> Request {
    Request::get("logs", "/api/v1/logs", &[("limit", "1")])
}

/// The admin roles of an OAuth client. `okta.roles.read`
pub fn list_client_roles(client: &ClientId) -> Request {
    Request::get("clients", format!("/oauth2/v1/clients/{client}/roles"), &[])
}

/// The admin roles of a user. `okta.roles.read`
pub fn list_user_roles(user: &UserId) -> Request {
    Request::get("other", format!("/api/v1/users/{user}/roles"), &[])
}

/// The page behind a next link, counted in the same bucket as its listing.
pub fn next(listing: &Request, link: Url) -> Request {
    Request::follow(listing.bucket, link)
}
