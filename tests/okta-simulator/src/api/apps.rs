//! Apps and who is assigned to them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::starts_like;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::filter::{APPS_FILTER, Expression, Found};
use crate::page::Page;
use crate::random::Id;
use crate::tenant::app::{App, Assignment};
use crate::tenant::group::Group;
use crate::tenant::user::User;
use crate::tenant::{Tenant, following};

/// `GET /api/v1/apps`: inactive apps too, as recorded; Okta's description leaves them out by default, which is followed
/// only where `includeNonDeleted=false` is sent and no filter asks for a status.
pub fn list(tenant: &mut Tenant, call: &Call) -> Outcome {
    let expanded = expanded_user(call)?;
    let page = Page::of(call, &tenant.seal, 20, 200, "E0000029")?;
    let expression = call.query("filter").map(|text| APPS_FILTER.parse(text)).transpose()?;
    let by_status = expression.as_ref().is_some_and(|expression| !expression.literals("status").is_empty());
    let inactive = by_status || call.flag("includeNonDeleted", true);
    let start = call.query("q").unwrap_or_default();
    let apps = tenant.apps.range(following(page.after.as_deref())).map(|(_, app)| app);
    let apps = apps.filter(|app| app.active || inactive).filter(|app| {
        (starts_like(&app.label, start) || starts_like(&app.name, start))
            && expression.as_ref().is_none_or(|expression| fits(tenant, app, expression))
    });
    let items = apps.map(|app| {
        let mut shown = app.json(&tenant.org, &tenant.base);
        if let Some(user) = expanded.and_then(|id| tenant.users.get(&id)).filter(|user| tenant.is_assigned(app, user)) {
            shown["_embedded"] = json!({ "user": app.assignment(user, &tenant.base) });
        }
        (app.id.to_string(), shown)
    });
    Ok(page.answer(call, &tenant.seal, &tenant.base, items))
}

/// The user whose assignments a listing shows too: `expand=user/{id}` and nothing else (recorded).
fn expanded_user(call: &Call) -> Result<Option<Id>, Refusal> {
    let Some(expand) = call.query("expand") else { return Ok(None) };
    let user = expand.strip_prefix("user/").and_then(Id::parse);
    user.map(Some).ok_or_else(|| Refusal::invalid("RequestParams", "Expand query is malformed."))
}

/// Whether an expression holds for an app; of its users only those the expression names are looked at.
fn fits(tenant: &Tenant, app: &App, expression: &Expression) -> bool {
    expression.holds(APPS_FILTER.fold, &|name| {
        let named = expression.literals(name);
        let own = |id: &&str| match name {
            "user.id" => tenant.user(id).is_ok_and(|user| tenant.is_assigned(app, user)),
            _ => Id::parse(id).is_some_and(|id| app.groups.contains(&id)),
        };
        match name {
            "user.id" | "group.id" => {
                Found::Texts(named.iter().filter(|id| own(id)).map(|id| (*id).to_owned()).collect())
            }
            _ => app.found(name),
        }
    })
}

/// `GET /api/v1/apps/{id}`
pub fn get(tenant: &mut Tenant, call: &Call) -> Outcome {
    let app = tenant.app(call.param("id"))?;
    Ok(Answer::ok(app.json(&tenant.org, &tenant.base)))
}

/// `POST /api/v1/apps/{id}/lifecycle/deactivate`
pub fn deactivate(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (id, now) = (tenant.app(call.param("id"))?.id, tenant.stamp());
    let told = tenant.apps.get_mut(&id).filter(|app| app.active).map(|app| {
        (app.active, app.last_updated) = (false, now);
        app.party()
    });
    if let Some(party) = told {
        tenant.record(call, "application.lifecycle.deactivate", vec![party]);
    }
    Ok(Answer::ok(json!({})))
}

/// `DELETE /api/v1/apps/{id}`: only of an app that is inactive.
pub fn delete(tenant: &mut Tenant, call: &Call) -> Outcome {
    let app = tenant.app(call.param("id"))?;
    if app.active {
        return Err(Refusal::because("E0000056", "The application must be deactivated before deletion."));
    }
    let (id, party) = (app.id, app.party());
    tenant.apps.remove(&id);
    tenant.forget_app_roles(id);
    tenant.record(call, "application.lifecycle.delete", vec![party]);
    Ok(Answer::no_content())
}

/// An assignment with what `expand` asks for.
fn show(tenant: &Tenant, call: &Call, app: &App, user: &User) -> Value {
    let mut shown = app.assignment(user, &tenant.base);
    if call.query("expand") == Some("user") {
        shown["_embedded"] = json!({ "user": user.listed(&tenant.org, &tenant.base) });
    }
    shown
}

/// `GET /api/v1/users/{id}/appLinks`: a link each, so that one app may come several times and another not at all.
pub fn links(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = tenant.find(call.param("id"))?;
    let user = tenant.user(id.as_str())?;
    let mine = tenant.apps.values().filter(|app| app.active && tenant.is_assigned(app, user));
    let links = mine.flat_map(|app| app.dashboard(user, &tenant.base)).enumerate();
    let placed = links.map(|(place, mut link)| {
        link["sortOrder"] = place.into();
        link
    });
    Ok(Answer::ok(placed.collect()))
}

/// `GET /api/v1/apps/{id}/users`: direct assignments and members of assigned groups, in id order.
pub fn users(tenant: &mut Tenant, call: &Call) -> Outcome {
    let app = tenant.app(call.param("id"))?;
    let page = Page::of(call, &tenant.seal, 50, 500, "E0000029")?;
    let start = call.query("q").unwrap_or_default();
    let after = page.after.as_deref();
    let wanted = |user: &&User| starts_like(user.login(), start) || starts_like(user.text("lastName"), start);
    // Each source gives its first few in id order; together they hold the first few of all.
    let enough = page.limit + 1;
    let direct = app.users.range(following(after)).filter_map(|(id, _)| tenant.users.get(id));
    let mut found: BTreeSet<Id> =
        direct.filter(|user| user.is_present()).filter(wanted).take(enough).map(|user| user.id).collect();
    for group in app.groups.iter().filter_map(|id| tenant.groups.get(id)) {
        found.extend(tenant.members(group, after).filter(wanted).take(enough).map(|user| user.id));
    }
    let users = found.iter().filter_map(|id| tenant.users.get(id));
    let items = users.map(|user| (user.id.to_string(), show(tenant, call, app, user)));
    Ok(page.answer(call, &tenant.seal, &tenant.base, items))
}

/// `GET /api/v1/apps/{id}/users/{user}`
pub fn user(tenant: &mut Tenant, call: &Call) -> Outcome {
    let app = tenant.app(call.param("id"))?;
    let user = tenant.user(call.param("user"))?;
    if tenant.is_assigned(app, user) {
        Ok(Answer::ok(show(tenant, call, app, user)))
    } else {
        Err(Refusal::missing(call.param("user"), "AppUser"))
    }
}

/// `POST /api/v1/apps/{id}/users`
pub fn assign(tenant: &mut Tenant, call: &Call) -> Outcome {
    let app = tenant.app(call.param("id"))?.id;
    let body = call.object()?;
    let user = tenant.user(body.get("id").and_then(Value::as_str).unwrap_or_default())?;
    if !user.is_present() {
        return Err(Refusal::code("E0000038"));
    }
    let (profile, user) = (profile(&body)?, user.id);
    if put(tenant, app, user, profile) {
        tell(tenant, call, "application.user_membership.add", user, app);
    }
    let (app, user) = (tenant.app(call.param("id"))?, tenant.user(user.as_str())?);
    Ok(Answer::ok(show(tenant, call, app, user)))
}

/// The profile a body gives an assignment.
fn profile(body: &Map<String, Value>) -> Result<Option<Map<String, Value>>, Refusal> {
    match body.get("profile") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(profile)) => Ok(Some(profile.clone())),
        Some(_) => Err(Refusal::code("E0000003")),
    }
}

fn tell(tenant: &mut Tenant, call: &Call, kind: &str, user: Id, app: Id) {
    let parties = [tenant.users.get(&user).map(User::party), tenant.apps.get(&app).map(App::party)];
    tenant.record(call, kind, parties.into_iter().flatten().collect());
}

/// `POST /api/v1/apps/{id}/users/{user}`: changes what is named of a direct assignment's profile.
pub fn update_user(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (app, user) = (tenant.app(call.param("id"))?.id, tenant.user(call.param("user"))?.id);
    let (changes, now) = (profile(&call.object()?)?, tenant.stamp());
    let assigned = tenant.apps.get_mut(&app).and_then(|app| app.users.get_mut(&user));
    let assignment = assigned.ok_or_else(|| Refusal::missing(call.param("user"), "AppUser"))?;
    assignment.profile.extend(changes.unwrap_or_default());
    assignment.last_updated = now;
    tell(tenant, call, "application.user_membership.update", user, app);
    let (app, user) = (tenant.app(call.param("id"))?, tenant.user(call.param("user"))?);
    Ok(Answer::ok(show(tenant, call, app, user)))
}

/// Assigns a user or gives the assignment another profile; false if there was one.
fn put(tenant: &mut Tenant, app: Id, user: Id, profile: Option<Map<String, Value>>) -> bool {
    let now = tenant.stamp();
    let Some(app) = tenant.apps.get_mut(&app) else { return false };
    let new = !app.users.contains_key(&user);
    let assignment = app.users.entry(user).or_insert_with(|| Assignment::new(now));
    if let Some(profile) = profile {
        (assignment.profile, assignment.last_updated) = (profile, now);
    }
    new
}

/// `DELETE /api/v1/apps/{id}/users/{user}`: refused as long as a group assigns the app too.
pub fn unassign(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (app, user) = (tenant.app(call.param("id"))?, tenant.user(call.param("user"))?);
    if app.groups.iter().any(|group| tenant.is_member(user, *group)) {
        let cause =
            "The application cannot be unassigned from the user while their group memberships grant them access.";
        return Err(Refusal::because("E0000046", cause));
    }
    let (app, user) = (app.id, user.id);
    if tenant.unassign(user, app, call) {
        Ok(Answer::no_content())
    } else {
        Err(Refusal::missing(call.param("user"), "AppUser"))
    }
}

/// `GET /api/v1/apps/{id}/groups`: at least 20 a page.
pub fn groups(tenant: &mut Tenant, call: &Call) -> Outcome {
    let app = tenant.app(call.param("id"))?;
    let mut page = Page::of(call, &tenant.seal, 20, 200, "E0000029")?;
    page.limit = page.limit.max(20);
    let groups = app.groups.range(following(page.after.as_deref()));
    let items = groups.map(|id| (id.to_string(), app.group_assignment(*id, &tenant.base)));
    Ok(page.answer(call, &tenant.seal, &tenant.base, items))
}

/// `PUT /api/v1/apps/{id}/groups/{group}`
pub fn assign_group(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (app, group) = (tenant.app(call.param("id"))?.id, tenant.group(call.param("group"))?.id);
    change_group(tenant, call, app, group, true);
    Ok(Answer::ok(tenant.app(call.param("id"))?.group_assignment(group, &tenant.base)))
}

/// `DELETE /api/v1/apps/{id}/groups/{group}`
pub fn unassign_group(tenant: &mut Tenant, call: &Call) -> Outcome {
    let (app, group) = (tenant.app(call.param("id"))?.id, tenant.group(call.param("group"))?.id);
    if change_group(tenant, call, app, group, false) {
        Ok(Answer::no_content())
    } else {
        Err(Refusal::missing(call.param("group"), "ApplicationGroupAssignment"))
    }
}

/// Assigns or unassigns a group; false if that changes nothing.
fn change_group(tenant: &mut Tenant, call: &Call, app: Id, group: Id, assigned: bool) -> bool {
    let now = tenant.stamp();
    let Some(app) = tenant.apps.get_mut(&app) else { return false };
    let changed = if assigned { app.groups.insert(group) } else { app.groups.remove(&group) };
    if changed {
        app.last_updated = now;
        let parties = [tenant.groups.get(&group).map(Group::party), Some(app.party())];
        let kind = if assigned { "group.application_assignment.add" } else { "group.application_assignment.remove" };
        tenant.record(call, kind, parties.into_iter().flatten().collect());
    }
    changed
}
