//! What can happen in a tenant, by any number of people in any order.

use crate::picture::Tenant;
use proptest_derive::Arbitrary;
use serde_json::{Value, json};

/// Something that happens; numbers pick whom or what, whatever there is.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub enum Change {
    Hire,
    Rename(u16),
    ClearTitle(u16),
    Move(u16, u8),
    Step(u16, Step),
    /// Once only deactivates, twice deletes.
    Delete(u16, bool),
    FoundGroup,
    RenameGroup(u16),
    DeleteGroup(u16),
    Join(u16, u16),
    Leave(u16, u16),
    /// Many join or leave one group.
    Storm(u16, u16, bool),
    Assign(u16, u16),
    Unassign(u16, u16),
    AssignGroup(u16, u16),
    UnassignGroup(u16, u16),
    Retire(u16),
    /// Only of one that was retired.
    DeleteApp(u16),
}

/// A step of a user's life.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub enum Step {
    Activate,
    Deactivate,
    Suspend,
    Unsuspend,
    Unlock,
    ExpirePassword,
    ResetPassword,
}

impl Step {
    fn path(self) -> &'static str {
        match self {
            Self::Activate => "activate?sendEmail=false",
            Self::Deactivate => "deactivate",
            Self::Suspend => "suspend",
            Self::Unsuspend => "unsuspend",
            Self::Unlock => "unlock",
            Self::ExpirePassword => "expire_password",
            Self::ResetPassword => "reset_password?sendEmail=false",
        }
    }
}

fn pick(list: &[Value], number: u16) -> Option<String> {
    let item = list.get(usize::from(number) % list.len().max(1))?;
    item["id"].as_str().map(str::to_owned)
}

/// Makes it happen; what the tenant refuses in its state does not.
pub async fn make(tenant: &Tenant, change: &Change) {
    let user = async |number| pick(&others(tenant).await, number).expect("somebody");
    let group = async |number| {
        let mut groups = tenant.groups().await;
        groups.retain(|group| group["type"] == "OKTA_GROUP");
        pick(&groups, number).unwrap_or_else(|| "00g0".to_owned())
    };
    let app = async |number| {
        let apps = tenant.all("/api/v1/apps?limit=200&includeNonDeleted=true").await;
        pick(&apps, number).unwrap_or_else(|| "0oa0".to_owned())
    };
    let (method, path, body) = match *change {
        Change::Hire => {
            let login = format!("{}@acme.example", uuid::Uuid::new_v4().simple());
            let profile = json!({"firstName": "New", "lastName": "Comer", "email": login, "login": login});
            ("POST", "users?activate=false".to_owned(), Some(json!({"profile": profile})))
        }
        Change::Rename(number) => (
            "POST",
            format!("users/{}", user(number).await),
            Some(json!({"profile": {"lastName": format!("N{number}")}})),
        ),
        Change::ClearTitle(number) => {
            ("POST", format!("users/{}", user(number).await), Some(json!({"profile": {"title": null}})))
        }
        Change::Move(number, to) => (
            "POST",
            format!("users/{}", user(number).await),
            Some(json!({"profile": {"city": format!("City {}", to % 5)}})),
        ),
        Change::Step(number, step) => ("POST", format!("users/{}/lifecycle/{}", user(number).await, step.path()), None),
        Change::Delete(number, twice) => {
            let path = format!("users/{}", user(number).await);
            if twice {
                tenant.attempt("DELETE", &format!("/api/v1/{path}"), None).await;
            }
            ("DELETE", path, None)
        }
        Change::FoundGroup => {
            let name = uuid::Uuid::new_v4().simple().to_string();
            ("POST", "groups".to_owned(), Some(json!({"profile": {"name": name}})))
        }
        Change::RenameGroup(number) => {
            let name = uuid::Uuid::new_v4().simple().to_string();
            ("PUT", format!("groups/{}", group(number).await), Some(json!({"profile": {"name": name}})))
        }
        Change::DeleteGroup(number) => ("DELETE", format!("groups/{}", group(number).await), None),
        Change::Join(who, what) => ("PUT", format!("groups/{}/users/{}", group(what).await, user(who).await), None),
        Change::Leave(who, what) => ("DELETE", format!("groups/{}/users/{}", group(what).await, user(who).await), None),
        Change::Storm(from, what, join) => return storm(tenant, &group(what).await, from, join).await,
        Change::Assign(who, what) => {
            ("POST", format!("apps/{}/users", app(what).await), Some(json!({"id": user(who).await, "scope": "USER"})))
        }
        Change::Unassign(who, what) => ("DELETE", format!("apps/{}/users/{}", app(what).await, user(who).await), None),
        Change::AssignGroup(which, what) => {
            ("PUT", format!("apps/{}/groups/{}", app(what).await, group(which).await), Some(json!({})))
        }
        Change::UnassignGroup(which, what) => {
            ("DELETE", format!("apps/{}/groups/{}", app(what).await, group(which).await), None)
        }
        Change::Retire(which) => ("POST", format!("apps/{}/lifecycle/deactivate", app(which).await), None),
        Change::DeleteApp(which) => ("DELETE", format!("apps/{}", app(which).await), None),
    };
    tenant.attempt(method, &format!("/api/v1/{path}"), body).await;
}

/// Everybody but whoever these calls are made by.
async fn others(tenant: &Tenant) -> Vec<Value> {
    let (me, _) = tenant.call("GET", "/api/v1/users/me", None).await;
    let mut users = tenant.users().await;
    users.retain(|user| user["id"] != me["id"]);
    users
}

async fn storm(tenant: &Tenant, group: &str, from: u16, join: bool) {
    let users = others(tenant).await;
    for number in 0..20 {
        let user = pick(&users, from.wrapping_add(number)).expect("somebody");
        let method = if join { "PUT" } else { "DELETE" };
        tenant.attempt(method, &format!("/api/v1/groups/{group}/users/{user}"), None).await;
    }
}
