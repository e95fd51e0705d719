//! Custom roles, resource sets, and who is bound to a role on a set.
//!
//! Everything here is named by id or label, and lists have the link to their next page in the body. What replaces a
//! role or a set as a whole is not simulated.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::page::Page;
use crate::random::Id;
use crate::tenant::admin::{Granted, Holder, RoleAssignment};
use crate::tenant::custom::{CustomRole, Resource, ResourceKind, ResourceSet};
use crate::tenant::{Tenant, following};

/// Objects on a page.
const OBJECTS: usize = 100;
/// The most resources of a set (documented).
const MOST_RESOURCES: usize = 1000;

/// What permissions begin with; which there are is not checked.
const PERMISSION: &str = "okta.";

fn role<'t>(tenant: &'t Tenant, call: &Call) -> Result<&'t CustomRole, Refusal> {
    let key = call.param("role");
    tenant.custom_role(key).ok_or_else(|| Refusal::missing(key, "CustomRole"))
}

fn set<'t>(tenant: &'t Tenant, call: &Call) -> Result<&'t ResourceSet, Refusal> {
    let key = call.param("set");
    tenant.resource_set(key).ok_or_else(|| Refusal::missing(key, "ResourceSet"))
}

fn page(tenant: &Tenant, call: &Call) -> Result<Page, Refusal> {
    Page::of(call, &tenant.seal, OBJECTS, OBJECTS, "E0000029")
}

/// A list of objects under a name, with the link to the next page among some links.
fn listed(
    tenant: &Tenant,
    call: &Call,
    page: Page,
    name: &str,
    items: impl Iterator<Item = (String, Value)>,
    links: &[(&str, String)],
) -> Answer {
    let mut shown = page.enclosed(call, &tenant.seal, &tenant.base, name, items);
    for (name, href) in links {
        shown["_links"][name] = json!({ "href": href });
    }
    Answer::ok(shown)
}

/// A label and a description, both required; the label must be new.
fn named(body: &Map<String, Value>, taken: bool) -> Result<(String, String), Refusal> {
    let text = |name: &str| {
        let given = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        given.ok_or_else(|| Refusal::invalid(name, format!("{name}: The field cannot be left blank")))
    };
    let label = text("label")?;
    let description = text("description")?;
    if taken {
        let cause = "label: An object with this field already exists in the current organization";
        return Err(Refusal::invalid("label", cause));
    }
    Ok((label.to_owned(), description.to_owned()))
}

fn label(body: &Map<String, Value>) -> &str {
    body.get("label").and_then(Value::as_str).unwrap_or_default()
}

fn texts<'b>(body: &'b Map<String, Value>, name: &str) -> Result<Vec<&'b str>, Refusal> {
    let list = body.get(name).and_then(Value::as_array).filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| Refusal::invalid(name, format!("{name}: The field cannot be left blank")))?;
    let text = |value: &'b Value| value.as_str().ok_or_else(|| Refusal::code("E0000003"));
    list.iter().map(text).collect()
}

/// `GET /api/v1/iam/roles`
pub fn roles(tenant: &mut Tenant, call: &Call) -> Outcome {
    let page = page(tenant, call)?;
    let roles = tenant.admins.roles.range(following(page.after.as_deref())).map(|(_, role)| role);
    let items = roles.map(|role| (role.id.to_string(), role.json(&tenant.base)));
    Ok(listed(tenant, call, page, "roles", items, &[]))
}

/// `GET /api/v1/iam/roles/{role}`
pub fn get_role(tenant: &mut Tenant, call: &Call) -> Outcome {
    Ok(Answer::ok(role(tenant, call)?.json(&tenant.base)))
}

/// `POST /api/v1/iam/roles`
pub fn create_role(tenant: &mut Tenant, call: &Call) -> Outcome {
    let body = call.object()?;
    let (label, description) = named(&body, tenant.custom_role(label(&body)).is_some())?;
    let now = tenant.stamp();
    let permissions = texts(&body, "permissions")?;
    if let Some(unknown) = permissions.iter().find(|name| !name.starts_with(PERMISSION)) {
        return Err(Refusal::invalid("permissions", format!("permissions: {unknown} is no permission")));
    }
    let permissions: BTreeMap<_, _> = permissions.into_iter().map(|name| (name.to_owned(), now)).collect();
    let id = tenant.admins.ids.next(*b"cr0");
    let role = CustomRole { id, label, description, created: now, last_updated: now, permissions };
    let (party, shown) = (role.party(), role.json(&tenant.base));
    tenant.admins.roles.insert(id, role);
    tenant.record(call, "iam.role.create", vec![party]);
    Ok(Answer::ok(shown))
}

/// `DELETE /api/v1/iam/roles/{role}`. What becomes of its assignments is not documented: here they end with it.
pub fn delete_role(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, party) = {
        let role = role(tenant, call)?;
        (role.id, role.party())
    };
    unbind(tenant, call, |granted| matches!(granted, Granted::Custom { role, .. } if role == id));
    tenant.admins.roles.remove(&id);
    tenant.record(call, "iam.role.delete", vec![party]);
    Ok(Answer::no_content())
}

/// Ends assignments of custom roles, each with its event.
fn unbind(tenant: &mut Tenant, call: &Call, ends: impl Fn(Granted) -> bool) {
    let mut ended = tenant.admins.assignments.clone();
    ended.retain(|assignment| ends(assignment.granted));
    tenant.admins.assignments.retain(|assignment| !ends(assignment.granted));
    for assignment in &ended {
        tenant.record_assignment(call, assignment, false);
    }
}

/// `GET /api/v1/iam/roles/{role}/permissions`
pub fn permissions(tenant: &mut Tenant, call: &Call) -> Outcome {
    let role = role(tenant, call)?;
    let shown = role.permissions.iter().map(|(label, added)| role.permission(&tenant.base, label, *added));
    Ok(Answer::ok(json!({ "permissions": shown.collect::<Vec<_>>() })))
}

/// `GET /api/v1/iam/roles/{role}/permissions/{permission}`
pub fn permission(tenant: &mut Tenant, call: &Call) -> Outcome {
    let role = role(tenant, call)?;
    let label = call.param("permission");
    let added = role.permissions.get(label).ok_or_else(|| Refusal::missing(label, "Permission"))?;
    Ok(Answer::ok(role.permission(&tenant.base, label, *added)))
}

/// `POST /api/v1/iam/roles/{role}/permissions/{permission}`: 400 if the role has it (documented)
pub fn add_permission(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = role(tenant, call)?.id;
    let label = call.param("permission");
    let now = tenant.stamp();
    if !label.starts_with(PERMISSION) {
        return Err(Refusal::invalid("permissionType", format!("permissionType: {label} is no permission")));
    }
    let before = tenant.admins.roles.get_mut(&id).and_then(|role| role.permissions.insert(label.to_owned(), now));
    if before.is_some() {
        return Err(Refusal::invalid("permissionType", "permissionType: The role has this permission"));
    }
    record_role(tenant, call, "iam.role.permissions.add", id);
    Ok(Answer::no_content())
}

/// `DELETE /api/v1/iam/roles/{role}/permissions/{permission}`
pub fn remove_permission(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = role(tenant, call)?.id;
    let label = call.param("permission");
    let was = tenant.admins.roles.get_mut(&id).and_then(|role| role.permissions.remove(label));
    was.ok_or_else(|| Refusal::missing(label, "Permission"))?;
    record_role(tenant, call, "iam.role.permissions.delete", id);
    Ok(Answer::no_content())
}

fn record_role(tenant: &mut Tenant, call: &Call, kind: &str, role: Id) {
    let party = tenant.admins.roles.get(&role).map(CustomRole::party);
    tenant.record(call, kind, party.into_iter().collect());
}

/// `GET /api/v1/iam/resource-sets`
pub fn sets(tenant: &mut Tenant, call: &Call) -> Outcome {
    let page = page(tenant, call)?;
    let sets = tenant.admins.sets.range(following(page.after.as_deref())).map(|(_, set)| set);
    let items = sets.map(|set| (set.id.to_string(), set.json(&tenant.base)));
    Ok(listed(tenant, call, page, "resource-sets", items, &[]))
}

/// `GET /api/v1/iam/resource-sets/{set}`
pub fn get_set(tenant: &mut Tenant, call: &Call) -> Outcome {
    Ok(Answer::ok(set(tenant, call)?.json(&tenant.base)))
}

/// The resources that some names mean.
fn known_resources(tenant: &Tenant, names: &[&str]) -> Result<Vec<ResourceKind>, Refusal> {
    let known = |name: &&str| {
        let cause = || Refusal::invalid("resources", format!("resources: {name} is no resource of the organization"));
        tenant.resource(name).ok_or_else(cause)
    };
    names.iter().map(known).collect()
}

/// Puts resources into a set that are not in it yet.
fn put_resources(tenant: &mut Tenant, id: Id, kinds: Vec<ResourceKind>) {
    let created = tenant.stamp();
    let admins = &mut tenant.admins;
    let Some(set) = admins.sets.get_mut(&id) else { return };
    for what in kinds {
        if set.resources.iter().all(|resource| resource.what != what) {
            set.resources.push(Resource { id: admins.ids.next(*b"ire"), what, created });
        }
    }
}

/// `POST /api/v1/iam/resource-sets`
pub fn create_set(tenant: &mut Tenant, call: &Call) -> Outcome {
    let body = call.object()?;
    let (label, description) = named(&body, tenant.resource_set(label(&body)).is_some())?;
    let names = texts(&body, "resources")?;
    let kinds = known_resources(tenant, &names)?;
    require_room(kinds.len())?;
    let id = tenant.admins.ids.next(*b"iam");
    let now = tenant.stamp();
    let set = ResourceSet { id, label, description, created: now, last_updated: now, resources: Vec::new() };
    let (party, shown) = (set.party(), set.json(&tenant.base));
    tenant.admins.sets.insert(id, set);
    put_resources(tenant, id, kinds);
    tenant.record(call, "iam.resourceset.create", vec![party]);
    Ok(Answer::ok(shown))
}

fn require_room(count: usize) -> Result<(), Refusal> {
    let cause = "resources: A resource set has at most 1000 resources";
    if count > MOST_RESOURCES { Err(Refusal::invalid("resources", cause)) } else { Ok(()) }
}

/// `DELETE /api/v1/iam/resource-sets/{set}`, with all its bindings
pub fn delete_set(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, party) = {
        let set = set(tenant, call)?;
        (set.id, set.party())
    };
    unbind(tenant, call, |granted| matches!(granted, Granted::Custom { set, .. } if set == id));
    tenant.admins.sets.remove(&id);
    tenant.record(call, "iam.resourceset.delete", vec![party]);
    Ok(Answer::no_content())
}

/// `GET /api/v1/iam/resource-sets/{set}/resources`
pub fn resources(tenant: &mut Tenant, call: &Call) -> Outcome {
    let set = set(tenant, call)?;
    let page = page(tenant, call)?;
    let own = ResourceSet::href(&tenant.base, set.id);
    let after = page.after.as_deref().and_then(Id::parse);
    let rest = set.resources.iter().filter(|resource| after.is_none_or(|after| resource.id > after));
    let items = rest.map(|resource| (resource.id.to_string(), tenant.resource_json(resource)));
    Ok(listed(tenant, call, page, "resources", items, &[("resource-set", own)]))
}

/// `PATCH /api/v1/iam/resource-sets/{set}/resources`
pub fn add_resources(tenant: &mut Tenant, call: &Call) -> Outcome {
    let body = call.object()?;
    let (id, have) = {
        let set = set(tenant, call)?;
        (set.id, set.resources.len())
    };
    let names = texts(&body, "additions")?;
    let kinds = known_resources(tenant, &names)?;
    require_room(have + kinds.len())?;
    put_resources(tenant, id, kinds);
    record_set(tenant, call, "iam.resourceset.resources.add", id);
    get_set(tenant, call)
}

/// `DELETE /api/v1/iam/resource-sets/{set}/resources/{resource}`
pub fn remove_resource(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = set(tenant, call)?.id;
    let wanted = call.param("resource");
    let resources = tenant.admins.sets.get_mut(&id).map(|set| &mut set.resources);
    let at = resources.as_ref().and_then(|list| list.iter().position(|resource| resource.id.as_str() == wanted));
    let at = at.ok_or_else(|| Refusal::missing(wanted, "Resource"))?;
    if let Some(list) = resources {
        list.remove(at);
    }
    record_set(tenant, call, "iam.resourceset.resources.delete", id);
    Ok(Answer::no_content())
}

fn record_set(tenant: &mut Tenant, call: &Call, kind: &str, set: Id) {
    let party = tenant.admins.sets.get(&set).map(ResourceSet::party);
    tenant.record(call, kind, party.into_iter().collect());
}

/// Where the binding of a role to a set is found.
fn binding_href(base: &str, set: Id, role: Id) -> String {
    format!("{}/bindings/{role}", ResourceSet::href(base, set))
}

/// The role and the set of the binding that a path names, whether it has members or not.
fn bound(tenant: &Tenant, call: &Call) -> Result<(Id, Id), Refusal> {
    Ok((role(tenant, call)?.id, set(tenant, call)?.id))
}

/// The same, if there is such a binding.
fn binding(tenant: &Tenant, call: &Call) -> Result<(Id, Id), Refusal> {
    let (role, set) = bound(tenant, call)?;
    let exists = tenant.admins.bound(role, set).next().is_some();
    if exists { Ok((role, set)) } else { Err(Refusal::missing(call.param("role"), "Binding")) }
}

/// `GET /api/v1/iam/resource-sets/{set}/bindings`: the roles that are granted on the set
pub fn bindings(tenant: &mut Tenant, call: &Call) -> Outcome {
    let set = set(tenant, call)?.id;
    let page = page(tenant, call)?;
    let roles = tenant.admins.roles.range(following(page.after.as_deref())).map(|(id, _)| *id);
    let roles = roles.filter(|role| tenant.admins.bound(*role, set).next().is_some());
    let items = roles.map(|role| {
        let members = format!("{}/members", binding_href(&tenant.base, set, role));
        let links = json!({ "self": { "href": CustomRole::href(&tenant.base, role) }, "members": { "href": members } });
        (role.to_string(), json!({ "id": role, "_links": links }))
    });
    let own = ResourceSet::href(&tenant.base, set);
    let links = [("self", format!("{own}/bindings")), ("resource-set", own)];
    Ok(listed(tenant, call, page, "roles", items, &links))
}

/// `GET /api/v1/iam/resource-sets/{set}/bindings/{role}`
pub fn get_binding(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (role, set) = binding(tenant, call)?;
    let own = binding_href(&tenant.base, set, role);
    Ok(Answer::ok(json!({
        "id": role,
        "_links": {
            "self": { "href": own },
            "members": { "href": format!("{own}/members") },
            "resource-set": { "href": ResourceSet::href(&tenant.base, set) },
        },
    })))
}

/// The answer to a new or widened binding: links only.
fn changed_binding(tenant: &Tenant, role: Id, set: Id) -> Answer {
    let set_href = ResourceSet::href(&tenant.base, set);
    Answer::ok(json!({
        "_links": {
            "self": { "href": binding_href(&tenant.base, set, role) },
            "bindings": { "href": format!("{set_href}/bindings") },
            "resource-set": { "href": set_href },
        },
    }))
}

/// The user or the group that a URL names.
fn member(tenant: &Tenant, href: &str) -> Result<Holder, Refusal> {
    let path = href.strip_prefix(&tenant.base).and_then(|path| path.strip_prefix("/api/v1/"));
    let found = match path.and_then(|path| path.split_once('/')) {
        Some(("users", id)) => tenant.user(id).ok().map(|user| Holder::User(user.id)),
        Some(("groups", id)) => tenant.group(id).ok().map(|group| Holder::Group(group.id)),
        _ => None,
    };
    found.ok_or_else(|| Refusal::invalid("members", format!("members: {href} is no user or group")))
}

/// Binds members to a role on a set; a member that is bound stays so.
fn bind(tenant: &mut Tenant, call: &Call, granted: Granted, hrefs: &[&str]) -> Result<(), Refusal> {
    let members: Vec<Holder> = hrefs.iter().map(|href| member(tenant, href)).collect::<Result<_, _>>()?;
    for holder in &members {
        if let Holder::Group(id) = holder {
            tenant.can_hold_roles(tenant.group(id.as_str())?)?;
        }
    }
    for holder in members {
        let mut bound = tenant.admins.assignments.iter();
        if bound.any(|assignment| assignment.holder == holder && assignment.granted == granted) {
            continue;
        }
        let assignment = tenant.grant(holder, granted);
        tenant.record_assignment(call, &assignment, true);
    }
    Ok(())
}

/// `POST /api/v1/iam/resource-sets/{set}/bindings`
pub fn create_binding(tenant: &mut Tenant, call: &Call) -> Outcome {
    let body = call.object()?;
    let set = set(tenant, call)?.id;
    let key = body.get("role").and_then(Value::as_str).unwrap_or_default();
    let role = tenant.custom_role(key).ok_or_else(|| Refusal::missing(key, "CustomRole"))?.id;
    bind(tenant, call, Granted::Custom { role, set }, &texts(&body, "members")?)?;
    Ok(changed_binding(tenant, role, set))
}

/// `DELETE /api/v1/iam/resource-sets/{set}/bindings/{role}`
pub fn delete_binding(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (role, set) = binding(tenant, call)?;
    unbind(tenant, call, |granted| granted == Granted::Custom { role, set });
    Ok(Answer::no_content())
}

fn member_json(tenant: &Tenant, assignment: &RoleAssignment) -> Value {
    json!({
        "id": assignment.id,
        "created": assignment.created,
        "lastUpdated": assignment.last_updated,
        "_links": { "self": { "href": assignment.holder.href(&tenant.base) } },
    })
}

/// `GET /api/v1/iam/resource-sets/{set}/bindings/{role}/members`
pub fn members(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (role, set) = binding(tenant, call)?;
    let page = page(tenant, call)?;
    // Ids grow, so that members in the order they were bound are in the order of their ids.
    let after = page.after.clone().unwrap_or_default();
    let rest = tenant.admins.bound(role, set).filter(|assignment| assignment.id > after);
    let items = rest.map(|assignment| (assignment.id.clone(), member_json(tenant, assignment)));
    let own = binding_href(&tenant.base, set, role);
    Ok(listed(tenant, call, page, "members", items, &[("binding", own)]))
}

/// `PATCH /api/v1/iam/resource-sets/{set}/bindings/{role}/members`
pub fn add_members(tenant: &mut Tenant, call: &Call) -> Outcome {
    let body = call.object()?;
    let (role, set) = bound(tenant, call)?;
    bind(tenant, call, Granted::Custom { role, set }, &texts(&body, "additions")?)?;
    Ok(changed_binding(tenant, role, set))
}

/// The member of a binding that a path names.
fn bound_member(tenant: &Tenant, call: &Call) -> Result<RoleAssignment, Refusal> {
    let (role, set) = binding(tenant, call)?;
    let id = call.param("member");
    let found = tenant.admins.bound(role, set).find(|assignment| assignment.id == id);
    found.cloned().ok_or_else(|| Refusal::missing(id, "Member"))
}

/// `GET /api/v1/iam/resource-sets/{set}/bindings/{role}/members/{member}`
pub fn get_member(tenant: &mut Tenant, call: &Call) -> Outcome {
    let assignment = bound_member(tenant, call)?;
    Ok(Answer::ok(member_json(tenant, &assignment)))
}

/// `DELETE /api/v1/iam/resource-sets/{set}/bindings/{role}/members/{member}`
pub fn remove_member(tenant: &mut Tenant, call: &Call) -> Outcome {
    let assignment = bound_member(tenant, call)?;
    tenant.revoke(assignment.holder, &assignment.id);
    tenant.record_assignment(call, &assignment, false);
    Ok(Answer::no_content())
}
