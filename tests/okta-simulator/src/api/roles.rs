//! Roles of users, groups and OAuth clients, and everyone who holds one.
//!
//! Users and groups are named by id only. Whoever may not see administrators is refused, also where the answer is a
//! list: an application with every scope and the read-only role gets 403 from all of these.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::page::Page;
use crate::random::Id;
use crate::role::{Role, Scope};
use crate::tenant::admin::{Granted, Holder, RoleAssignment};
use crate::tenant::app::App;
use crate::tenant::terms::Assignees;
use crate::tenant::user::User;
use crate::tenant::{Tenant, following};

/// Users with roles on a page.
const ASSIGNEES: usize = 100;

/// The user, the group or the client that a path names.
pub fn holder(tenant: &Tenant, call: &Call) -> Result<Holder, Refusal> {
    let id = call.param("id");
    if call.address.path.starts_with("/api/v1/groups/") {
        Ok(Holder::Group(tenant.group(id)?.id))
    } else if call.address.path.starts_with("/oauth2/v1/clients/") {
        client(tenant, id).map(Holder::Client)
    } else {
        Ok(Holder::User(tenant.user(id)?.id))
    }
}

/// An OAuth client: one that callers sign in as, or an app, whose id is its client id.
fn client(tenant: &Tenant, id: &str) -> Result<Id, Refusal> {
    let ids = &tenant.service.credentials;
    let is_own = [&ids.client_id, &ids.web_client_id].iter().any(|own| *own == id);
    let is_client = is_own || tenant.app(id).is_ok_and(App::is_client);
    Id::parse(id).filter(|_| is_client).ok_or_else(|| Refusal::missing(id, "OAuth2AppInstance"))
}

/// What a holder may do: of a user also by the roles of its groups, which are listed with it (documented). A caller has
/// the role it acts with.
pub fn held(tenant: &Tenant, call: &Call, holder: Holder) -> Vec<RoleAssignment> {
    let Some(user) = tenant.users.get(&holder.id()) else { return tenant.roles_of(holder) };
    let is_caller = call.principal.user == Some(user.id);
    let acting = if is_caller { call.principal.role } else { tenant.acting_role(holder) };
    tenant.roles_in_effect(user, acting)
}

/// The assignment that a path names.
pub fn assignment(tenant: &Tenant, call: &Call) -> Result<RoleAssignment, Refusal> {
    let id = call.param("assignment");
    let mut held = held(tenant, call, holder(tenant, call)?).into_iter();
    held.find(|assignment| assignment.id == id).ok_or_else(|| Refusal::missing(id, "RoleAssignment"))
}

/// `GET …/roles` of a user, a group and a client
pub fn list(tenant: &mut Tenant, call: &Call) -> Outcome {
    let held = held(tenant, call, holder(tenant, call)?);
    Ok(Answer::ok(held.iter().map(|assignment| show(tenant, call, assignment)).collect()))
}

/// `GET …/roles/{assignment}`
pub fn get(tenant: &mut Tenant, call: &Call) -> Outcome {
    let assignment = assignment(tenant, call)?;
    Ok(Answer::ok(show(tenant, call, &assignment)))
}

/// An assignment with the targets that `expand` asks for.
fn show(tenant: &Tenant, call: &Call, assignment: &RoleAssignment) -> Value {
    let mut shown = tenant.role_json(assignment);
    let Granted::Standard(role) = assignment.granted else { return shown };
    match (call.query("expand"), role.scope()) {
        (Some("targets/groups"), Scope::Groups) => {
            let groups = assignment.groups.iter().filter_map(|id| tenant.groups.get(id));
            let groups: Value = groups.map(|group| group.json(&tenant.base)).collect();
            shown["_embedded"] = json!({ "targets": { "groups": groups } });
        }
        (Some("targets/catalog/apps"), Scope::Apps) => {
            let apps: Value = assignment.apps.iter().filter_map(|app| tenant.app_target_json(app)).collect();
            shown["_embedded"] = json!({ "targets": { "catalog": { "apps": apps } } });
        }
        _ => {}
    }
    shown
}

/// `POST …/roles`
pub fn grant(tenant: &mut Tenant, call: &Call) -> Outcome {
    let holder = holder(tenant, call)?;
    let granted = wanted(tenant, &call.object()?)?;
    let duplicate = match holder {
        Holder::Group(id) => {
            tenant.can_hold_roles(tenant.group(id.as_str())?)?;
            "E0000263"
        }
        Holder::Client(id) if id.as_str() != tenant.service.credentials.client_id => {
            return Err(Refusal::code("E0000227"));
        }
        _ => "E0000090",
    };
    if tenant.roles_of(holder).iter().any(|assignment| assignment.granted == granted) {
        return Err(Refusal::code(duplicate));
    }
    if tenant.users.get(&holder.id()).is_some_and(|user| !user.is_present()) {
        return Err(Refusal::code("E0000038"));
    }
    let assignment = tenant.grant(holder, granted);
    tenant.record_assignment(call, &assignment, true);
    // Okta's description has 200 for groups and clients; recorded is 201 for users and groups.
    let is_client = matches!(holder, Holder::Client(_));
    let status = if is_client { StatusCode::OK } else { StatusCode::CREATED };
    Ok(Answer::with(status, tenant.role_json(&assignment)))
}

/// The role that a body names. Roles of Okta Identity Governance and Workflows are not simulated.
fn wanted(tenant: &Tenant, body: &Map<String, Value>) -> Result<Granted, Refusal> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("type") == "CUSTOM" {
        let role = tenant.custom_role(text("role")).ok_or_else(|| Refusal::missing(text("role"), "CustomRole"))?;
        let set = text("resource-set");
        let set = tenant.resource_set(set).ok_or_else(|| Refusal::missing(set, "ResourceSet"))?;
        return Ok(Granted::Custom { role: role.id, set: set.id });
    }
    let role = Role::parse(text("type"));
    role.map(Granted::Standard).ok_or_else(|| Refusal::invalid("type", "type: Invalid role type"))
}

/// `DELETE …/roles/{assignment}`: only of what is held without a group
pub fn revoke(tenant: &mut Tenant, call: &Call) -> Outcome {
    let holder = holder(tenant, call)?;
    let id = call.param("assignment");
    let mut own = tenant.roles_of(holder).into_iter();
    let assignment = own.find(|assignment| assignment.id == id);
    let assignment = assignment.ok_or_else(|| Refusal::missing(id, "RoleAssignment"))?;
    tenant.revoke(holder, id);
    tenant.record_assignment(call, &assignment, false);
    Ok(Answer::no_content())
}

/// `GET /api/v1/iam/assignees/users`: the link to the next page is in the body (recorded)
pub fn assignees(tenant: &mut Tenant, call: &Call) -> Outcome {
    let page = Page::of(call, &tenant.seal, ASSIGNEES, 2 * ASSIGNEES, "E0000029")?;
    let through_groups = tenant.terms.assignees == Assignees::All;
    let users = tenant.users.range(following(page.after.as_deref())).map(|(_, user)| user);
    let admins = users.filter(|user| user.is_present() && tenant.is_admin(user, through_groups));
    let items = admins.map(|user| (user.id.to_string(), assignee(tenant, user)));
    Ok(Answer::ok(page.enclosed(call, &tenant.seal, &tenant.base, "value", items)))
}

fn assignee(tenant: &Tenant, user: &User) -> Value {
    let own = format!("{}/api/v1/users/{}", tenant.base, user.id);
    json!({
        "id": user.id,
        "orn": format!("orn:okta:directory:{}:users:{}", tenant.org.id, user.id),
        "_links": { "self": { "href": own }, "roles": { "href": format!("{own}/roles") } },
    })
}
