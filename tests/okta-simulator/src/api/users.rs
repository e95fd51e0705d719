//! Users: listing them in Okta's three ways, reading, creating and changing them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{one_criterion, starts_like};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::filter::{USERS_FILTER, USERS_SEARCH};
use crate::page::{self, Page};
use crate::random::Id;
use crate::tenant::group::GroupKind;
use crate::tenant::user::{Profile, Status, User};
use crate::tenant::{Tenant, fold, following, schema};

/// Attributes that every user shows, with a value or with null.
const ALWAYS_SHOWN: [&str; 2] = ["mobilePhone", "secondEmail"];
/// How many people sign in while a listing of users is served.
const SIGN_INS: usize = 2;

/// `GET /api/v1/users`
pub fn list(tenant: &mut Tenant, call: &Call) -> Outcome {
    one_criterion(call)?;
    let answer = if let Some(expression) = call.query("search") {
        search(tenant, call, expression)?
    } else if let Some(expression) = call.query("filter") {
        filter(tenant, call, expression)?
    } else if let Some(start) = call.query("q") {
        lookup(tenant, call, start)?
    } else {
        let page = Page::of(call, &tenant.seal, 200, 200, "E0000029")?;
        let users = tenant.users.range(following(page.after.as_deref())).map(|(_, user)| user);
        let items = users.filter(|user| user.is_present()).map(|user| listed(tenant, user));
        page.answer(call, &tenant.seal, &tenant.base, items)
    };
    tenant.sign_in_some(SIGN_INS);
    Ok(answer)
}

/// A user as an item of a page.
pub fn listed(tenant: &Tenant, user: &User) -> (String, Value) {
    (user.id.to_string(), user.listed(&tenant.org, &tenant.base))
}

fn filter(tenant: &Tenant, call: &Call, expression: &str) -> Outcome {
    let expression = USERS_FILTER.parse(expression)?;
    let page = Page::of(call, &tenant.seal, 200, 200, "E0000029")?;
    let users = tenant.users.range(following(page.after.as_deref())).map(|(_, user)| user);
    let found = users.filter(|user| expression.holds(USERS_FILTER.fold, &|name| user.found(&tenant.org, name)));
    Ok(page.answer(call, &tenant.seal, &tenant.base, found.map(|user| listed(tenant, user))))
}

/// `q`: the start of a name or the email; not paged.
fn lookup(tenant: &Tenant, call: &Call, start: &str) -> Outcome {
    let limit = Page::of(call, &tenant.seal, 10, 200, "E0000029")?.limit;
    let matches = |user: &&User| {
        user.is_present() && ["firstName", "lastName", "email"].iter().any(|name| starts_like(user.text(name), start))
    };
    let found: Vec<Value> =
        tenant.users.values().filter(matches).take(limit).map(|user| listed(tenant, user).1).collect();
    Ok(Answer::ok(json!(found)).header("link", page::link(&call.address, &tenant.base, "self", 0, None)))
}

/// `search`: what the index knows, in id order or by one attribute.
fn search(tenant: &Tenant, call: &Call, expression: &str) -> Outcome {
    let expression = USERS_SEARCH.parse(expression)?;
    let page = Page::of(call, &tenant.seal, 200, 200, "E0000031")?;
    let sort = call.query("sortBy");
    if sort.is_some_and(|name| USERS_SEARCH.parse(&format!("{name} pr")).is_err()) {
        return Err(Refusal::code("E0000031"));
    }
    let after = if sort.is_some() { None } else { page.after.clone() };
    let found = tenant
        .indexed(after.as_deref())
        .filter(|user| expression.holds(USERS_SEARCH.fold, &|name| user.found(&tenant.org, name)));
    let Some(sort) = sort else {
        return Ok(page.answer(call, &tenant.seal, &tenant.base, found.map(|user| listed(tenant, user))));
    };
    let mut keyed: Vec<(String, &User)> = found.map(|user| (sort_key(tenant, user, sort), user)).collect();
    keyed.sort_by(|left, right| left.0.cmp(&right.0));
    if call.query("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("desc")) {
        keyed.reverse();
    }
    let start =
        page.after.as_ref().map_or(0, |after| keyed.iter().position(|item| item.0 == *after).map_or(0, |at| at + 1));
    let items = keyed.into_iter().skip(start).map(|(key, user)| (key, listed(tenant, user).1));
    Ok(page.answer(call, &tenant.seal, &tenant.base, items))
}

/// A text that sorts users by an attribute, then by id.
fn sort_key(tenant: &Tenant, user: &User, attribute: &str) -> String {
    use crate::filter::Found;
    let value = match user.found(&tenant.org, attribute) {
        Found::Missing | Found::Many(_) => String::new(),
        Found::Text(text) => text.to_lowercase(),
        Found::Time(time) => format!("{time:020}"),
        Found::Texts(texts) => texts.join(" "),
        Found::Json(Value::String(text)) => text.to_lowercase(),
        Found::Json(value) => value.to_string(),
    };
    format!("{value}\u{0}{}", user.id)
}

/// `GET /api/v1/users/{id}`; `me` is who made the API token or signed in.
pub fn get(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = match call.param("id") {
        "me" => call.principal.user.ok_or_else(|| Refusal::code("E0000005"))?,
        key => tenant.find(key)?,
    };
    Ok(Answer::ok(show(tenant, id)))
}

/// One user, as single objects are shown.
pub fn show(tenant: &Tenant, id: Id) -> Value {
    tenant.users.get(&id).map_or(Value::Null, |user| user.json(&tenant.org, &tenant.base))
}

/// `POST /api/v1/users`
pub fn create(tenant: &mut Tenant, call: &Call) -> Outcome {
    let body = call.object()?;
    let mut profile = Profile::from(ALWAYS_SHOWN.map(|name| (name, Value::Null)));
    merge(&mut profile, &body, "newUser")?;
    // Of what is null, a new user keeps only these two (recorded).
    profile.retain(|name, value| !value.is_null() || ALWAYS_SHOWN.contains(name));
    complete(tenant, &profile, None)?;
    let groups = body.get("groupIds").and_then(Value::as_array).cloned().unwrap_or_default();
    if groups.len() > 20 {
        return Err(Refusal::code("E0000093"));
    }
    let ids =
        groups.iter().map(|id| joinable(tenant, id.as_str().unwrap_or_default())).collect::<Result<Vec<_>, _>>()?;
    let kind = kind_of(tenant, &body)?.unwrap_or(0);
    let password = password_of(&body)?;
    let federated = call.flag("provider", false);
    let now = tenant.stamp();
    let status = match call.flag("activate", true) {
        false => Status::Staged,
        true if password || federated => Status::Active,
        true => Status::Provisioned,
    };
    let activated = (status != Status::Staged).then_some(now);
    let expired = call.query("nextLogin") == Some("changePassword") && status == Status::Active;
    let id = tenant.ids.next(*b"00u");
    tenant.add_user(User {
        id,
        status: if expired { Status::PasswordExpired } else { status },
        created: now,
        activated,
        status_changed: Some(now),
        last_login: None,
        last_updated: now,
        password_changed: password.then_some(now),
        kind,
        password,
        profile,
        groups: BTreeSet::new(),
        manager: None,
        factors: Vec::new(),
        sessions: 0,
        imported: hashed(&body),
        question: question(&body),
        // Its email is enough, as in organizations of the Identity Engine.
        recovery: true,
    });
    tell(tenant, call, id, "user.lifecycle.create");
    if activated.is_some() {
        tell(tenant, call, id, "user.lifecycle.activate");
    }
    for group in ids {
        super::groups::add(tenant, call, id, group);
    }
    Ok(Answer::ok(show(tenant, id)))
}

/// A group whose members administrators decide about.
fn joinable(tenant: &Tenant, id: &str) -> Result<Id, Refusal> {
    // Creating a user has no 404 of its own.
    let unknown = |_| Refusal::invalid("groupIds", format!("groupIds: no group has the id {id}"));
    let group = tenant.group(id).map_err(unknown)?;
    if group.kind == GroupKind::OktaGroup { Ok(group.id) } else { Err(Refusal::code("E0000111")) }
}

/// Writes an event about one user.
pub fn tell(tenant: &mut Tenant, call: &Call, id: Id, kind: &str) {
    if let Some(party) = tenant.users.get(&id).map(User::party) {
        tenant.record(call, kind, vec![party]);
    }
}

/// `POST /api/v1/users/{id}`: changes what is named.
pub fn update(tenant: &mut Tenant, call: &Call) -> Outcome {
    modify(tenant, call, false)
}

/// `PUT /api/v1/users/{id}`: what is not named is cleared.
pub fn replace(tenant: &mut Tenant, call: &Call) -> Outcome {
    modify(tenant, call, true)
}

fn modify(tenant: &mut Tenant, call: &Call, whole: bool) -> Outcome {
    let id = tenant.find(call.param("id"))?;
    let body = call.object()?;
    let Some(user) = tenant.users.get(&id) else { return Err(Refusal::missing(call.param("id"), "User")) };
    if !user.is_present() {
        return Err(Refusal::code("E0000038"));
    }
    let old = fold(user.login());
    // A replacement without a profile replaces none: with credentials alone it keeps the profile (recorded).
    let named = body.get("profile").is_some_and(|profile| !profile.is_null());
    let mut profile = if whole && named { Profile::new() } else { user.profile.clone() };
    merge(&mut profile, &body, "user")?;
    for name in ALWAYS_SHOWN {
        profile.entry(name).or_insert(Value::Null);
    }
    complete(tenant, &profile, Some(id))?;
    let kind = kind_of(tenant, &body)?.filter(|_| whole);
    let password = password_of(&body)?;
    let question = question(&body);
    tenant.change(id, |user, now| {
        user.profile = profile;
        user.question = question.or(user.question.take());
        user.kind = kind.unwrap_or(user.kind);
        if password {
            user.password = true;
            user.password_changed = Some(now);
            user.imported = hashed(&body);
        }
    });
    tenant.logins.remove(&old);
    let new = tenant.users.get(&id).map(|user| fold(user.login())).unwrap_or_default();
    tenant.logins.insert(new, id);
    tell(tenant, call, id, "user.account.update_profile");
    if password {
        tell(tenant, call, id, "user.account.update_password");
    }
    Ok(Answer::ok(show(tenant, id)))
}

/// Takes the body's profile into another one; null clears an attribute.
fn merge(profile: &mut Profile, body: &Map<String, Value>, what: &str) -> Result<(), Refusal> {
    let given = match body.get("profile") {
        Some(Value::Object(given)) => given,
        None | Some(Value::Null) => return Ok(()),
        Some(_) => return Err(Refusal::code("E0000003")),
    };
    for (name, value) in given {
        let Some(attribute) = schema::attribute(name) else {
            return Err(Refusal::invalid(what, format!("Property name '{name}' is not defined in profile")));
        };
        if let Some(fault) = attribute.fault(value) {
            return Err(Refusal::invalid(name, fault));
        }
        profile.insert(attribute.name, value.clone());
    }
    Ok(())
}

/// Checks what only a whole profile can fail: required attributes and a login of its own.
fn complete(tenant: &Tenant, profile: &Profile, own: Option<Id>) -> Result<(), Refusal> {
    let text = |name: &str| profile.get(name).and_then(Value::as_str).unwrap_or_default();
    if let Some(name) = schema::required_names().find(|name| text(name).is_empty()) {
        return Err(Refusal::invalid(name, format!("{name}: The field cannot be left blank")));
    }
    // A rude tenant's schema takes any text for a login.
    if !tenant.rude && !text("login").contains('@') {
        return Err(Refusal::invalid("login", "login: Username must be in the form of an email address"));
    }
    match tenant.logins.get(&fold(text("login"))) {
        Some(id) if Some(*id) != own => Err(Refusal::invalid(
            "login",
            "login: An object with this field already exists in the current organization",
        )),
        _ => Ok(()),
    }
}

/// The user type a body names.
fn kind_of(tenant: &Tenant, body: &Map<String, Value>) -> Result<Option<usize>, Refusal> {
    let Some(id) = body.get("type").and_then(|kind| kind["id"].as_str()) else { return Ok(None) };
    let found = tenant.org.types.iter().position(|kind| kind.id.as_str() == id);
    found.map(Some).ok_or_else(|| Refusal::invalid("type", format!("type: no user type has the id {id}")))
}

/// Whether a body sets a password; one that is too short is refused.
fn password_of(body: &Map<String, Value>) -> Result<bool, Refusal> {
    let Some(password) = body.get("credentials").map(|credentials| &credentials["password"]) else { return Ok(false) };
    match password["value"].as_str() {
        Some(text) if text.chars().count() < 8 => Err(Refusal::invalid(
            "password",
            "password: Password requirements were not met. Password requirements: at least 8 characters.",
        )),
        Some(_) => Ok(true),
        None => Ok(password["hash"].is_object() || password["hook"].is_object()),
    }
}

/// Whether a body gives a password as the hash that another system had of it.
fn hashed(body: &Map<String, Value>) -> bool {
    body.get("credentials").is_some_and(|credentials| credentials["password"]["hash"].is_object())
}

/// The question for a forgotten password.
fn question(body: &Map<String, Value>) -> Option<String> {
    body.get("credentials")?["recovery_question"]["question"].as_str().map(str::to_owned)
}

/// `GET /api/v1/users/{id}/groups`
pub fn groups(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = tenant.find(call.param("id"))?;
    let Some(user) = tenant.users.get(&id) else { return Err(Refusal::missing(call.param("id"), "User")) };
    let page = Page::of(call, &tenant.seal, 200, 200, "E0000029")?;
    let mine = tenant.groups.range(following(page.after.as_deref())).map(|(_, group)| group);
    let mine = mine.filter(|group| tenant.is_member(user, group.id));
    let items = mine.map(|group| (group.id.to_string(), group.json(&tenant.base)));
    Ok(page.answer(call, &tenant.seal, &tenant.base, items))
}

/// `GET /api/v1/users/{id}/linkedObjects/{name}`
pub fn linked(tenant: &mut Tenant, call: &Call) -> Outcome {
    let id = tenant.find(call.param("id"))?;
    let linked: Vec<Id> = match call.param("name") {
        "manager" => tenant.users.get(&id).and_then(|user| user.manager).into_iter().collect(),
        "subordinate" => tenant.users.values().filter(|user| user.manager == Some(id)).map(|user| user.id).collect(),
        name => return Err(Refusal::missing(name, "LinkedObjectProperty")),
    };
    let href = |id: Id| json!({ "_links": { "self": { "href": format!("{}/api/v1/users/{id}", tenant.base) } } });
    Ok(Answer::ok(linked.into_iter().map(href).collect()))
}
