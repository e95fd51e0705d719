//! What a standard role is narrowed to: groups, or apps and instances of apps.
//!
//! The first target narrows a role that was unlimited. The last one cannot be removed again: the role itself must be.

use serde_json::Value;

use super::roles;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::page::Page;
use crate::random::Id;
use crate::role::Scope;
use crate::tenant::Tenant;
use crate::tenant::admin::{AppTarget, Granted, RoleAssignment};

/// Targets on a page.
const TARGETS: usize = 20;

/// The assignment that a path names, if its role takes such targets.
fn readable(tenant: &Tenant, call: &Call, scope: Scope) -> Result<RoleAssignment, Refusal> {
    let assignment = roles::assignment(tenant, call)?;
    match assignment.granted {
        Granted::Standard(role) if role.scope() == scope => Ok(assignment),
        _ => Err(Refusal::code("E0000091")),
    }
}

/// The same to change it: of a user not what it holds through a group. The role that the API token acts with takes no
/// targets here, because callers are not narrowed by any.
fn writable<'t>(tenant: &'t mut Tenant, call: &Call, scope: Scope) -> Result<&'t mut RoleAssignment, Refusal> {
    let holder = roles::holder(tenant, call)?;
    let id = readable(tenant, call, scope)?.id;
    let mut assignments = tenant.admins.assignments.iter_mut();
    let own = assignments.find(|assignment| assignment.holder == holder && assignment.id == id);
    own.ok_or_else(|| Refusal::missing(call.param("assignment"), "RoleAssignment"))
}

/// Changes an assignment and logs the privileges there are now. That a changed target is
/// logged at all is not documented.
fn change(
    tenant: &mut Tenant,
    call: &Call,
    scope: Scope,
    change: impl FnOnce(&mut RoleAssignment) -> Result<(), Refusal>,
) -> Outcome {
    let now = tenant.stamp();
    let assignment = writable(tenant, call, scope)?;
    change(assignment)?;
    assignment.last_updated = now;
    let holder = assignment.holder;
    tenant.record_privileges(call, holder);
    Ok(Answer::no_content())
}

/// Refuses to remove the only target: "it causes an exception" (documented, without the code).
fn require_another(left: usize) -> Result<(), Refusal> {
    let cause = "The last target of a role assignment can't be removed.";
    if left == 1 { Err(Refusal::invalid("roleTarget", cause)) } else { Ok(()) }
}

/// `GET …/roles/{assignment}/targets/groups`
pub fn groups(tenant: &mut Tenant, call: &Call) -> Outcome {
    let assignment = readable(tenant, call, Scope::Groups)?;
    let page = Page::of(call, &tenant.seal, TARGETS, 200, "E0000029")?;
    let after = page.after.as_deref().and_then(Id::parse);
    let groups = assignment.groups.iter().filter(|id| after.is_none_or(|after| **id > after));
    let groups = groups.filter_map(|id| tenant.groups.get(id));
    let items = groups.map(|group| (group.id.to_string(), group.json(&tenant.base)));
    Ok(page.answer(call, &tenant.seal, &tenant.base, items))
}

/// `PUT …/roles/{assignment}/targets/groups/{group}`
pub fn add_group(tenant: &mut Tenant, call: &Call) -> Outcome {
    let group = tenant.group(call.param("group"))?.id;
    change(tenant, call, Scope::Groups, |assignment| {
        assignment.groups.insert(group);
        Ok(())
    })
}

/// `DELETE …/roles/{assignment}/targets/groups/{group}`
pub fn remove_group(tenant: &mut Tenant, call: &Call) -> Outcome {
    let group = tenant.group(call.param("group"))?.id;
    change(tenant, call, Scope::Groups, |assignment| {
        if !assignment.groups.contains(&group) {
            return Err(Refusal::missing(group.as_str(), "RoleTarget"));
        }
        require_another(assignment.groups.len())?;
        assignment.groups.remove(&group);
        Ok(())
    })
}

/// `GET …/roles/{assignment}/targets/catalog/apps`
pub fn apps(tenant: &mut Tenant, call: &Call) -> Outcome {
    let assignment = readable(tenant, call, Scope::Apps)?;
    let page = Page::of(call, &tenant.seal, TARGETS, 200, "E0000029")?;
    let shown = assignment.apps.iter().filter_map(|app| Some((key(app), tenant.app_target_json(app)?)));
    let after = page.after.clone();
    let items: Vec<(String, Value)> =
        shown.skip_while(|(key, _)| after.as_ref().is_some_and(|after| key <= after)).collect();
    Ok(page.answer(call, &tenant.seal, &tenant.base, items.into_iter()))
}

/// A text that sorts targets as they are kept: integrations first.
fn key(target: &AppTarget) -> String {
    match target {
        AppTarget::Integration(name) => format!("0{name}"),
        AppTarget::Instance(id) => format!("1{id}"),
    }
}

/// The integration that a path names.
fn integration(tenant: &Tenant, call: &Call) -> Result<String, Refusal> {
    let name = call.param("app");
    let known = tenant.apps.values().any(|app| app.name == name);
    if known { Ok(name.to_owned()) } else { Err(Refusal::missing(name, "Application")) }
}

/// The instance that a path names, which must be one of the integration.
fn instance(tenant: &Tenant, call: &Call) -> Result<Id, Refusal> {
    let app = tenant.app(call.param("instance"))?;
    let name = integration(tenant, call)?;
    if app.name == name { Ok(app.id) } else { Err(Refusal::missing(call.param("instance"), "AppInstance")) }
}

/// `PUT …/roles/{assignment}/targets/catalog/apps`: every app again
pub fn add_all_apps(tenant: &mut Tenant, call: &Call) -> Outcome {
    change(tenant, call, Scope::Apps, |assignment| {
        assignment.apps.clear();
        Ok(())
    })
}

/// `PUT …/roles/{assignment}/targets/catalog/apps/{app}`: instead of single instances of it
pub fn add_app(tenant: &mut Tenant, call: &Call) -> Outcome {
    let name = integration(tenant, call)?;
    let instances: Vec<Id> = tenant.apps.values().filter(|app| app.name == name).map(|app| app.id).collect();
    change(tenant, call, Scope::Apps, |assignment| {
        for id in instances {
            assignment.apps.remove(&AppTarget::Instance(id));
        }
        assignment.apps.insert(AppTarget::Integration(name));
        Ok(())
    })
}

/// `DELETE …/roles/{assignment}/targets/catalog/apps/{app}`
pub fn remove_app(tenant: &mut Tenant, call: &Call) -> Outcome {
    let target = AppTarget::Integration(integration(tenant, call)?);
    remove_app_target(tenant, call, &target)
}

/// `PUT …/roles/{assignment}/targets/catalog/apps/{app}/{instance}`: not beside its integration
pub fn add_instance(tenant: &mut Tenant, call: &Call) -> Outcome {
    let whole = AppTarget::Integration(integration(tenant, call)?);
    let id = instance(tenant, call)?;
    change(tenant, call, Scope::Apps, |assignment| {
        if assignment.apps.contains(&whole) {
            let cause = "The role assignment has all instances of the app as its target.";
            return Err(Refusal::invalid("roleTarget", cause));
        }
        assignment.apps.insert(AppTarget::Instance(id));
        Ok(())
    })
}

/// `DELETE …/roles/{assignment}/targets/catalog/apps/{app}/{instance}`
pub fn remove_instance(tenant: &mut Tenant, call: &Call) -> Outcome {
    let target = AppTarget::Instance(instance(tenant, call)?);
    remove_app_target(tenant, call, &target)
}

fn remove_app_target(tenant: &mut Tenant, call: &Call, target: &AppTarget) -> Outcome {
    change(tenant, call, Scope::Apps, |assignment| {
        if !assignment.apps.contains(target) {
            return Err(Refusal::missing(call.param("app"), "RoleTarget"));
        }
        require_another(assignment.apps.len())?;
        assignment.apps.remove(target);
        Ok(())
    })
}
