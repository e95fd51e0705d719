//! Groups and their members.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{starts_like, users};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::filter::{GROUPS_FILTER, GROUPS_SEARCH};
use crate::page::Page;
use crate::random::Id;
use crate::role::Role;
use crate::tenant::group::{Group, GroupKind};
use crate::tenant::user::User;
use crate::tenant::{Tenant, following};

/// A group with what `expand` asks for.
fn show(tenant: &Tenant, call: &Call, group: &Group) -> Value {
    let mut shown = group.json(&tenant.base);
    let expand = call.query("expand").unwrap_or_default();
    if expand.split(',').any(|part| part == "stats") {
        let apps = tenant.apps.values().filter(|app| app.groups.contains(&group.id)).count();
        shown["_embedded"]["stats"] = json!({
            "usersCount": tenant.member_count(group), "appsCount": apps,
            "groupPushMappingsCount": 0, "hasAdminPrivilege": tenant.is_admin_group(group.id),
        });
    }
    if let Some(app) = group.source.and_then(|id| tenant.apps.get(&id)).filter(|_| expand.contains("app")) {
        shown["_embedded"]["app"] =
            json!({ "id": app.id, "name": app.name, "label": app.label, "signOnMode": app.sign_on });
    }
    shown
}

/// `GET /api/v1/groups`
pub fn list(tenant: &mut Tenant, call: &Call) -> Outcome {
    // `q` and `filter` go together (recorded); a search goes with neither.
    if call.query("search").is_some() && (call.query("q").is_some() || call.query("filter").is_some()) {
        return Err(Refusal::code("E0000033"));
    }
    let code = if call.query("search").is_some() { "E0000031" } else { "E0000029" };
    let page = Page::of(call, &tenant.seal, 10_000, 10_000, code)?;
    let dialect = if call.query("search").is_some() { &GROUPS_SEARCH } else { &GROUPS_FILTER };
    let expression = call.query("search").or(call.query("filter")).map(|text| dialect.parse(text)).transpose()?;
    // A Group Administrator does not see the group of everyone.
    let hidden = (call.principal.role == Some(Role::UserAdmin)).then_some(tenant.everyone);
    let groups = tenant.groups.range(following(page.after.as_deref())).map(|(_, group)| group);
    let groups = groups.filter(|group| Some(group.id) != hidden).filter(|group| {
        expression.as_ref().is_none_or(|expression| expression.holds(dialect.fold, &|name| group.found(name)))
    });
    if let Some(start) = call.query("q") {
        let named = groups.filter(|group| starts_like(&group.name, start)).take(page.limit.min(300));
        return Ok(Answer::ok(named.map(|group| show(tenant, call, group)).collect()));
    }
    let items = groups.map(|group| (group.id.to_string(), show(tenant, call, group)));
    Ok(page.answer(call, &tenant.seal, &tenant.base, items))
}

/// `GET /api/v1/groups/{id}`
pub fn get(tenant: &mut Tenant, call: &Call) -> Outcome {
    let group = tenant.group(call.param("id"))?;
    Ok(Answer::ok(show(tenant, call, group)))
}

/// A body's name and description; the name must not be another group's.
fn profile(tenant: &Tenant, call: &Call, own: Option<Id>) -> Result<(String, Option<String>), Refusal> {
    let body = call.object()?;
    let profile = body.get("profile").cloned().unwrap_or_default();
    let name = profile["name"].as_str().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::invalid("name", "name: The field cannot be left blank"))?;
    if name.chars().count() > 255 {
        return Err(Refusal::invalid("name", "name: The field is too long"));
    }
    if tenant.groups.values().any(|group| group.name == name && Some(group.id) != own) {
        let text = "name: An object with this field already exists in the current organization";
        return Err(Refusal::invalid("name", text));
    }
    Ok((name.to_owned(), profile["description"].as_str().map(str::to_owned)))
}

/// `POST /api/v1/groups`
pub fn create(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (name, description) = profile(tenant, call, None)?;
    let (id, now) = (tenant.ids.next(*b"00g"), tenant.stamp());
    let group = Group {
        id,
        kind: GroupKind::OktaGroup,
        name,
        description,
        created: now,
        last_updated: now,
        last_membership_updated: now,
        members: BTreeSet::new(),
        source: None,
    };
    let (party, shown) = (group.party(), group.json(&tenant.base));
    tenant.groups.insert(id, group);
    tenant.record(call, "group.lifecycle.create", vec![party]);
    Ok(Answer::ok(shown))
}

/// The group a change is about, if its type allows changes.
fn changeable(tenant: &Tenant, call: &Call, imported: bool) -> Result<Id, Refusal> {
    let group = tenant.group(call.param("id"))?;
    let allowed = group.kind == GroupKind::OktaGroup || (imported && group.kind == GroupKind::AppGroup);
    // Okta answered 501 until 2026 and 403 since; which code comes with it is not documented.
    if allowed { Ok(group.id) } else { Err(Refusal::code("E0000111")) }
}

/// `PUT /api/v1/groups/{id}`
pub fn replace(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = changeable(tenant, call, false)?;
    let (name, description) = profile(tenant, call, Some(id))?;
    let now = tenant.stamp();
    if let Some(group) = tenant.groups.get_mut(&id) {
        (group.name, group.description, group.last_updated) = (name, description, now);
        let party = group.party();
        tenant.record(call, "group.profile.update", vec![party]);
    }
    get(tenant, call)
}

/// `DELETE /api/v1/groups/{id}`
pub fn delete(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = changeable(tenant, call, true)?;
    if let Some(group) = tenant.groups.remove(&id) {
        for member in &group.members {
            if let Some(user) = tenant.users.get_mut(member) {
                user.groups.remove(&id);
            }
        }
        for app in tenant.apps.values_mut() {
            app.groups.remove(&id);
        }
        tenant.forget_group_roles(id);
        tenant.forget_owner(id);
        tenant.invalidate_rules(id);
        tenant.record(call, "group.lifecycle.delete", vec![group.party()]);
    }
    Ok(Answer::no_content())
}

/// The group a listing is of. The group of all administrators has none: "not supported"
/// (terraform-provider-okta#1845; the status is not confirmed).
fn listable<'t>(tenant: &'t Tenant, call: &Call) -> Result<&'t Group, Refusal> {
    let group = tenant.group(call.param("id"))?;
    if Some(group.id) == tenant.administrators { Err(Refusal::code("E0000060")) } else { Ok(group) }
}

/// `GET /api/v1/groups/{id}/users`
pub fn members(tenant: &mut Tenant, call: &Call) -> Outcome {
    let group = listable(tenant, call)?;
    let page = Page::of(call, &tenant.seal, 1000, 1000, "E0000029")?;
    let members = tenant.members(group, page.after.as_deref());
    Ok(page.answer(call, &tenant.seal, &tenant.base, members.map(|user| users::listed(tenant, user))))
}

/// `GET /api/v1/groups/{id}/apps`
pub fn apps(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = listable(tenant, call)?.id;
    let page = Page::of(call, &tenant.seal, 20, 200, "E0000029")?;
    let apps = tenant.apps.range(following(page.after.as_deref())).map(|(_, app)| app);
    let items = apps.filter(|app| app.groups.contains(&id));
    let items = items.map(|app| (app.id.to_string(), app.json(&tenant.org, &tenant.base)));
    Ok(page.answer(call, &tenant.seal, &tenant.base, items))
}

/// Adds a member and tells the log if it is a new one.
pub fn add(tenant: &mut Tenant, call: &Call, user: Id, group: Id) {
    if tenant.join(user, group) {
        tell(tenant, call, "group.user_membership.add", user, group);
    }
}

fn tell(tenant: &mut Tenant, call: &Call, kind: &str, user: Id, group: Id) {
    let user = tenant.users.get(&user).map(User::party);
    let group = tenant.groups.get(&group).map(Group::party);
    tenant.record(call, kind, [user, group].into_iter().flatten().collect());
}

/// `PUT /api/v1/groups/{id}/users/{user}`
pub fn join(tenant: &mut Tenant, call: &Call) -> Outcome {
    let group = changeable(tenant, call, false)?;
    let user = tenant.user(call.param("user"))?;
    if !user.is_present() {
        return Err(Refusal::code("E0000038"));
    }
    let user = user.id;
    add(tenant, call, user, group);
    Ok(Answer::no_content())
}

/// `DELETE /api/v1/groups/{id}/users/{user}`: also of a member by rule, which the rule then excludes
pub fn leave(tenant: &mut Tenant, call: &Call) -> Outcome {
    let group = changeable(tenant, call, false)?;
    let user = tenant.user(call.param("user"))?.id;
    tenant.exclude_from_rules(user, group);
    if tenant.leave(user, group) {
        tell(tenant, call, "group.user_membership.remove", user, group);
    }
    Ok(Answer::no_content())
}
