//! Users who have left, as a rude tenant knows them: whatever hangs on them is not found, although they are.

use axum::http::Method;

use crate::answer::Refusal;
use crate::call::Call;
use crate::routes::Route;
use crate::tenant::Tenant;

/// What still works for a user who has left, besides reading and deleting.
const ALLOWED: [&str; 3] = ["lifecycle/activate", "lifecycle/deactivate", "lifecycle/reactivate"];

/// Refuses what a user who has left does not have: 404 that names the user (okta-sdk-java#646 for factors, #721 for an
/// update; that the other sub-resources answer likewise is inferred).
pub fn refuse(tenant: &Tenant, route: &Route, call: &Call) -> Result<(), Refusal> {
    if !tenant.rude {
        return Ok(());
    }
    let key = match route.path.strip_prefix("/api/v1/users/{id}") {
        Some("") if !matches!(route.method, Method::POST | Method::PUT) => return Ok(()),
        Some(rest) if ALLOWED.contains(&rest.trim_start_matches('/')) => return Ok(()),
        Some(_) => call.param("id"),
        None if route.path == "/api/v1/groups/{id}/users/{user}" => call.param("user"),
        None => return Ok(()),
    };
    let user = tenant.find(key).ok().and_then(|id| tenant.users.get(&id));
    match user {
        Some(user) if !user.is_present() => Err(Refusal::missing(user.id.as_str(), "User")),
        _ => Ok(()),
    }
}
