//! The tools: questions about the directory, which ask Okta nothing, and the actions that a connection allows.

use super::answer::{self, MOST_BYTES};
use super::{Agent, Era};
use crate::action::{self, Call, Entry};
use crate::connection::{self, Effect, Stored};
use crate::cursor;
use crate::directory::{self, Administering, Directory, Listed, NamedFilter, PeopleFilter};
use crate::feed::{self, Filter, Reading};
use crate::problem::{Kind, Problem};
use crate::schema;
use jiff::Timestamp;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Items of a list where the agent does not say, and at most.
const USUAL: usize = 50;
const MOST: usize = 200;

/// What every question may name.
macro_rules! question {
    ($(#[$about:meta])* $name:ident { $($(#[$meta:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$about])*
        #[derive(Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct $name {
            /// The id or name of the connection; may be left out where there is one.
            #[serde(default)]
            connection: Option<String>,
            $($(#[$meta])* $field: $kind,)*
        }
    };
}

question!(FindPeople {
    /// A word of the name, login or email begins so.
    #[serde(default)]
    name: Option<String>,
    /// A word of the title begins so; in double quotes, the whole title.
    #[serde(default)]
    title: Option<String>,
    /// A word of the department begins so; in double quotes, the whole department.
    #[serde(default)]
    department: Option<String>,
    /// The id or name of a location.
    #[serde(default)]
    location: Option<String>,
    /// The manager: an id, login or name.
    #[serde(default)]
    manager: Option<String>,
    /// Only members of this group: an id or name.
    #[serde(default)]
    group: Option<String>,
    /// Only who holds an admin role: `true` for any, or the type of a role, such as `APP_ADMIN`.
    #[serde(default)]
    admin: Option<String>,
    /// Where an earlier answer ended: its `next_cursor`.
    #[serde(default)]
    cursor: Option<String>,
    /// At most so many, from 1 to 200.
    #[serde(default)]
    limit: Option<usize>,
});
question!(OfPerson {
    /// An id, login or name.
    person: String,
});
question!(OfGroup {
    /// An id or name.
    group: String,
    /// Where an earlier answer ended: its `next_cursor`.
    #[serde(default)]
    cursor: Option<String>,
    /// At most so many, from 1 to 200.
    #[serde(default)]
    limit: Option<usize>,
});
question!(OfApp {
    /// An id or label.
    app: String,
    /// Where an earlier answer ended: its `next_cursor`.
    #[serde(default)]
    cursor: Option<String>,
    /// At most so many, from 1 to 200.
    #[serde(default)]
    limit: Option<usize>,
});
question!(Explain {
    /// An id, login or name.
    person: String,
    /// An id or label.
    app: String,
});
question!(Grant {
    /// The app that somebody wants: an id or label. Either this or `group`.
    #[serde(default)]
    app: Option<String>,
    /// The group that somebody wants to be in: an id or name. Either this or `app`.
    #[serde(default)]
    group: Option<String>,
    /// Where an earlier answer ended: its `next_cursor`.
    #[serde(default)]
    cursor: Option<String>,
    /// At most so many, from 1 to 200.
    #[serde(default)]
    limit: Option<usize>,
});
question!(Recent {
    /// From this moment on, as in 2026-01-31T00:00:00Z.
    since: Timestamp,
    /// Where an earlier answer ended: its `next_cursor`.
    #[serde(default)]
    cursor: Option<String>,
    /// At most so many, from 1 to 200.
    #[serde(default)]
    limit: Option<usize>,
});
question!(OfConnection {});

/// No input at all.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The schema of an input, without references.
fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    json!(SchemaGenerator::new(settings).into_root_schema_for::<T>())
}

/// A question as an agent sees it.
fn question<T: JsonSchema>(name: &str, title: &str, description: &str) -> Value {
    json!({
        "name": name, "title": title, "description": description, "inputSchema": schema_of::<T>(),
        "annotations": {
            "title": title, "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
        },
    })
}

fn questions() -> Vec<Value> {
    vec![
        question::<Nothing>(
            "list_connections",
            "List connections",
            "The Okta organizations that may be asked about, and when each was last read.",
        ),
        question::<FindPeople>(
            "find_people",
            "Find people",
            "People by name, title, department, location, manager, group or admin role, with their managers and locations.",
        ),
        question::<OfPerson>(
            "get_person",
            "Read a person",
            "A person with profile, managers, reports, groups and apps.",
        ),
        question::<OfPerson>(
            "reporting_line",
            "Read a reporting line",
            "The managers above a person, nearest first, and who reports to that person.",
        ),
        question::<OfGroup>(
            "list_group_members",
            "List a group's members",
            "The members of a group, and who manages most of them: the managers of a team come first.",
        ),
        question::<OfApp>("who_has_app", "List an app's users", "Who has an app, directly or by which groups."),
        question::<Explain>("explain_access", "Explain access", "Whether a person has an app, and why."),
        question::<Grant>(
            "who_can_grant",
            "Find who can grant access",
            "Who can give somebody an app or add a member to a group, and by which role or ownership.",
        ),
        question::<Recent>(
            "recent_logons",
            "List recent logons",
            "Logons since a moment, as far as a trigger of the connection hears of user.session.start.",
        ),
        question::<Recent>(
            "changes_since",
            "List changes",
            "What changed in the directory since a moment: people, groups, apps, memberships and assignments.",
        ),
        question::<OfConnection>(
            "directory_summary",
            "Summarize the directory",
            "How many people, groups and apps there are, by status, department, title and location.",
        ),
    ]
}

/// The connections that the caller may see.
async fn visible(agent: &Agent<'_>) -> Result<Vec<Stored>, Problem> {
    let mut seen = Vec::new();
    let mut pages = connection::pages(&agent.app.store);
    while let Some(page) = pages.next().await? {
        seen.extend(page.into_iter().filter(|stored| agent.caller.sees(&stored.connection)));
    }
    Ok(seen)
}

/// The tools that a caller may use.
pub(super) async fn list(agent: &Agent<'_>) -> Result<Vec<Value>, Problem> {
    let connections = visible(agent).await?;
    if connections.is_empty() && !agent.caller.admin {
        return Ok(Vec::new());
    }
    let is_allowed =
        |entry: &&Entry| connections.iter().any(|stored| stored.connection.settings.permissions.allow(entry.name));
    let mut tools = questions();
    tools.extend(action::list().iter().filter(is_allowed).map(tool_of));
    Ok(tools)
}

/// A tool's name has no dots: some clients take none.
fn tool_name(entry: &Entry) -> String {
    entry.name.replace('.', "_")
}

/// An action as a tool: its own input, the connection, and the word that it is meant.
fn tool_of(entry: &Entry) -> Value {
    let about = entry.describe();
    let mut input = json!(about.input_schema);
    let is_read = about.effect == Effect::Read;
    input["properties"]["connection"] = json!({
        "type": "string",
        "description": "The id or name of the connection; may be left out where there is one.",
    });
    let mut description = format!("{} Asks Okta itself.", about.description);
    if !is_read {
        input["properties"]["confirm"] = json!({
            "type": "boolean",
            "description": "Without true nothing is sent: the answer says what would be.",
        });
        description.push_str(" Without confirm it tells what it would send, and changes nothing.");
    }
    json!({
        "name": tool_name(entry), "title": about.title, "description": description, "inputSchema": input,
        "annotations": {
            "title": about.title, "readOnlyHint": is_read, "destructiveHint": about.effect == Effect::Destructive,
            "idempotentHint": is_read, "openWorldHint": true,
        },
    })
}

/// Calls a tool; `None` where there is none of the name.
pub(super) async fn call(agent: &Agent<'_>, name: &str, params: &Value) -> Result<Option<Value>, Problem> {
    if visible(agent).await?.is_empty() && !agent.caller.admin {
        return Err(Problem::new(Kind::Forbidden, "No connection is open to this caller's teams."));
    }
    let arguments = match &params["arguments"] {
        Value::Null => json!({}),
        arguments => arguments.clone(),
    };
    if let Some(entry) = action::list().iter().find(|entry| tool_name(entry) == name) {
        return Ok(Some(
            act(agent, entry, arguments, params).await.unwrap_or_else(|problem| answer::problem(&problem)),
        ));
    }
    let told = match name {
        "list_connections" => list_connections(agent, &arguments).await,
        "find_people" => find_people(agent, &arguments).await,
        "get_person" => get_person(agent, &arguments).await,
        "reporting_line" => reporting_line(agent, &arguments).await,
        "list_group_members" => list_group_members(agent, &arguments).await,
        "who_has_app" => who_has_app(agent, &arguments).await,
        "explain_access" => explain_access(agent, &arguments).await,
        "who_can_grant" => who_can_grant(agent, &arguments).await,
        "recent_logons" => recent_logons(agent, &arguments).await,
        "changes_since" => changes_since(agent, &arguments).await,
        "directory_summary" => directory_summary(agent, &arguments).await,
        _ => return Ok(None),
    };
    Ok(Some(told.map_or_else(|problem| answer::problem(&problem), answer::data)))
}

fn read<T: DeserializeOwned + JsonSchema + 'static>(arguments: &Value) -> Result<T, Problem> {
    schema::read(arguments, "").map_err(|faults| Problem::invalid(&faults))
}

/// The connection that is meant.
async fn meant(agent: &Agent<'_>, wanted: Option<&str>) -> Result<Stored, Problem> {
    let mut seen = visible(agent).await?;
    let names: Vec<_> = seen.iter().map(|stored| stored.connection.settings.name.clone()).collect();
    if let Some(wanted) = wanted {
        seen.retain(|stored| {
            let connection = &stored.connection;
            connection.id.as_str() == wanted || connection.settings.name.eq_ignore_ascii_case(wanted)
        });
    }
    if seen.len() == 1 {
        return Ok(seen.remove(0));
    }
    let detail = format!("Name one connection by its id or name in 'connection'. There are: {}.", names.join(", "));
    Err(Problem::new(if seen.is_empty() { Kind::NotFound } else { Kind::AmbiguousReference }, detail))
}

/// Opens the directory of the connection that is meant.
macro_rules! open {
    ($agent:ident, $input:ident => $directory:ident) => {
        let stored = meant($agent, $input.connection.as_deref()).await?;
        let $directory = Directory::open($agent.app, $agent.rosters, &stored.connection).await?;
    };
}

/// An answer about a connection.
fn about(directory: &Directory<'_>, mut told: Value) -> Value {
    let (connection, as_of) = directory.described();
    told["connection"] = connection;
    told["as_of"] = as_of;
    told
}

/// Where a list goes on, tied to what was asked.
struct Place {
    tie: String,
    after: Option<String>,
    limit: usize,
}

impl Place {
    fn new(tool: &str, arguments: &Value, cursor: Option<&str>, limit: Option<usize>) -> Result<Self, Problem> {
        let mut asked = arguments.clone();
        if let Some(asked) = asked.as_object_mut() {
            asked.remove("cursor");
            asked.remove("limit");
        }
        let tie = format!("mcp {tool} {asked}");
        let wrong = || Problem::new(Kind::BadRequest, "cursor belongs to another question, or is not a cursor.");
        let after = cursor.map(|cursor| cursor::decode(&tie, cursor).ok_or_else(wrong)).transpose()?;
        let limit = limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::new(Kind::BadRequest, format!("limit must be a number from 1 to {MOST}.")));
        }
        Ok(Self { tie, after, limit })
    }

    /// Reads fewer items where so many are too much for an agent.
    async fn page<F>(&self, read: impl Fn(Option<String>, usize) -> F) -> Result<Value, Problem>
    where
        F: Future<Output = Result<Listed, Problem>>,
    {
        let mut limit = self.limit;
        loop {
            let listed = read(self.after.clone(), limit).await?;
            let size = json!(listed.items).to_string().len();
            if size <= MOST_BYTES - 6_000 || limit == 1 {
                return Ok(self.shown(&listed));
            }
            limit = (limit / 2).max(1);
        }
    }

    fn shown(&self, listed: &Listed) -> Value {
        let next = listed.next.as_deref().map(|next| cursor::encode(&self.tie, next));
        let mut told = json!({"items": listed.items, "next_cursor": next});
        if let Some(total) = listed.total {
            told["total"] = json!(total);
        }
        if !told["next_cursor"].is_null() {
            told["hint"] = json!("There are more: ask again with cursor, or narrow the question.");
        }
        told
    }
}

/// The id of what a text names: it is the only one found, or the only one of just that name.
fn only(what: &str, text: &str, found: &[(String, String)]) -> Result<String, Problem> {
    let exact: Vec<_> = found.iter().filter(|(_, name)| name.eq_ignore_ascii_case(text)).collect();
    match (found, &exact[..]) {
        ([(id, _)], _) | (_, [(id, _)]) => Ok(id.clone()),
        ([], _) => Err(Problem::new(Kind::NotFound, format!("No {what} is named '{text}'."))),
        (several, _) => {
            let names: Vec<_> = several.iter().take(10).map(|(id, name)| format!("{name} ({id})")).collect();
            let detail = format!("'{text}' names more than one {what}: {}. Ask with an id.", names.join(", "));
            Err(Problem::new(Kind::AmbiguousReference, detail))
        }
    }
}

fn named(items: &[Value], name: &str) -> Vec<(String, String)> {
    let text = |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
    items.iter().map(|item| (text(item, "id"), text(item, name))).collect()
}

/// A person by id, login or name.
async fn who(directory: &Directory<'_>, text: &str) -> Result<String, Problem> {
    if let Ok(user) = directory::find_user(directory, text).await {
        return Ok(user.id.to_string());
    }
    let filter = PeopleFilter { q: Some(text.to_owned()), ..PeopleFilter::default() };
    let found = directory::people(directory, &filter, None, 11).await?;
    only("person", text, &named(&found.items, "name"))
}

/// A group by id or name.
async fn which_group(directory: &Directory<'_>, text: &str) -> Result<String, Problem> {
    if let Ok(group) = directory::group(directory, text).await {
        return Ok(group.id.to_string());
    }
    let filter = NamedFilter { q: Some(text.to_owned()), ..NamedFilter::default() };
    let found = directory::groups(directory, &filter, None, 11).await?;
    only("group", text, &named(&found.items, "name"))
}

/// An app by id or label.
async fn which_app(directory: &Directory<'_>, text: &str) -> Result<String, Problem> {
    if let Ok(app) = directory::app(directory, text).await {
        return Ok(app.id.to_string());
    }
    let filter = NamedFilter { q: Some(text.to_owned()), ..NamedFilter::default() };
    let found = directory::apps(directory, &filter, None, 11).await?;
    only("app", text, &named(&found.items, "label"))
}

async fn list_connections(agent: &Agent<'_>, arguments: &Value) -> Result<Value, Problem> {
    let Nothing {} = read(arguments)?;
    let mut items = Vec::new();
    for stored in visible(agent).await? {
        let connection = &stored.connection;
        let state = crate::synced::State::load(&agent.app.store, &connection.id).await?;
        items.push(json!({
            "id": connection.id, "name": connection.settings.name, "domain": connection.domain,
            "status": connection.status, "counts": state.counts, "as_of": state.as_of,
        }));
    }
    Ok(json!({"items": items}))
}

async fn find_people(agent: &Agent<'_>, arguments: &Value) -> Result<Value, Problem> {
    let input: FindPeople = read(arguments)?;
    let place = Place::new("find_people", arguments, input.cursor.as_deref(), input.limit)?;
    open!(agent, input => directory);
    let mut filter =
        PeopleFilter { q: input.name, title: input.title, department: input.department, ..PeopleFilter::default() };
    filter.admin = input
        .admin
        .as_deref()
        .map(Administering::parse)
        .transpose()
        .map_err(|what| Problem::new(Kind::BadRequest, format!("'admin' {what}")))?;
    if let Some(manager) = &input.manager {
        filter.manager = Some(who(&directory, manager).await?);
    }
    if let Some(group) = &input.group {
        filter.group = Some(which_group(&directory, group).await?);
    }
    if let Some(location) = &input.location {
        let all = directory::locations(&directory, None, usize::MAX - 1);
        let found = named(&all.items, "name");
        let begins = |name: &str| name.to_lowercase().contains(&location.to_lowercase());
        let fits = found.into_iter().filter(|(id, name)| id == location || begins(name)).collect::<Vec<_>>();
        filter.location = Some(only("location", location, &fits)?);
    }
    let opened = &directory;
    let filter = &filter;
    let people =
        |after: Option<String>, limit| async move { directory::people(opened, filter, after.as_deref(), limit).await };
    let told = place.page(people).await?;
    Ok(about(&directory, told))
}

async fn get_person(agent: &Agent<'_>, arguments: &Value) -> Result<Value, Problem> {
    let input: OfPerson = read(arguments)?;
    open!(agent, input => directory);
    let id = who(&directory, &input.person).await?;
    let person = directory::person(&directory, &id).await?;
    Ok(about(&directory, json!({"person": person})))
}

async fn reporting_line(agent: &Agent<'_>, arguments: &Value) -> Result<Value, Problem> {
    let input: OfPerson = read(arguments)?;
    open!(agent, input => directory);
    let id = who(&directory, &input.person).await?;
    let person = json!(directory::person(&directory, &id).await?);
    let parts = ["id", "name", "title", "manager", "manager_chain", "reports", "reports_count", "all_reports_count"];
    let told = parts.map(|part| (part.to_owned(), person[part].clone()));
    Ok(about(&directory, Value::Object(told.into_iter().collect())))
}

async fn list_group_members(agent: &Agent<'_>, arguments: &Value) -> Result<Value, Problem> {
    let input: OfGroup = read(arguments)?;
    let place = Place::new("list_group_members", arguments, input.cursor.as_deref(), input.limit)?;
    open!(agent, input => directory);
    let id = which_group(&directory, &input.group).await?;
    let filter = PeopleFilter { group: Some(id.clone()), ..PeopleFilter::default() };
    let opened = &directory;
    let filter = &filter;
    let people =
        |after: Option<String>, limit| async move { directory::people(opened, filter, after.as_deref(), limit).await };
    let mut told = place.page(people).await?;
    let group = directory::group(&directory, &id).await?;
    told["group"] = json!({"id": group.id, "name": group.name, "members_count": group.members_count});
    told["managers"] = json!(directory::managers(&directory, &id, None, 5).await?.items);
    Ok(about(&directory, told))
}

async fn who_has_app(agent: &Agent<'_>, arguments: &Value) -> Result<Value, Problem> {
    let input: OfApp = read(arguments)?;
    let place = Place::new("who_has_app", arguments, input.cursor.as_deref(), input.limit)?;
    open!(agent, input => directory);
    let id = which_app(&directory, &input.app).await?;
    let opened = &directory;
    let wanted = id.as_str();
    let users = |after: Option<String>, limit| async move {
        directory::app_users(opened, wanted, after.as_deref(), limit).await
    };
    let mut told = place.page(users).await?;
    let app = directory::app(&directory, &id).await?;
    told["app"] = json!({"id": app.id, "label": app.label, "status": app.status, "users_count": app.users_count});
    Ok(about(&directory, told))
}

async fn explain_access(agent: &Agent<'_>, arguments: &Value) -> Result<Value, Problem> {
    let input: Explain = read(arguments)?;
    open!(agent, input => directory);
    let person = who(&directory, &input.person).await?;
    let app = which_app(&directory, &input.app).await?;
    let told = directory::why(&directory, &person, &app).await?;
    Ok(about(&directory, json!({"person": person, "app": app, "assigned": told.assigned, "paths": told.paths})))
}

async fn who_can_grant(agent: &Agent<'_>, arguments: &Value) -> Result<Value, Problem> {
    let input: Grant = read(arguments)?;
    let place = Place::new("who_can_grant", arguments, input.cursor.as_deref(), input.limit)?;
    open!(agent, input => directory);
    let opened = &directory;
    let told = match (&input.app, &input.group) {
        (Some(app), None) => {
            let id = which_app(&directory, app).await?;
            let wanted = id.as_str();
            let granters = |after: Option<String>, limit| async move {
                directory::app_granters(opened, wanted, after.as_deref(), limit).await
            };
            let mut told = place.page(granters).await?;
            let app = directory::app(&directory, &id).await?;
            told["app"] = json!({"id": app.id, "label": app.label});
            told
        }
        (None, Some(group)) => {
            let id = which_group(&directory, group).await?;
            let wanted = id.as_str();
            let granters = |after: Option<String>, limit| async move {
                directory::group_granters(opened, wanted, after.as_deref(), limit).await
            };
            let mut told = place.page(granters).await?;
            let group = directory::group(&directory, &id).await?;
            told["group"] = json!({"id": group.id, "name": group.name});
            told
        }
        _ => return Err(Problem::new(Kind::BadRequest, "Name either 'app' or 'group'.")),
    };
    Ok(about(&directory, told))
}

async fn recent_logons(agent: &Agent<'_>, arguments: &Value) -> Result<Value, Problem> {
    let input: Recent = read(arguments)?;
    let kind = Some("com.okta.user.session.start".to_owned());
    let filter = Filter { event_type: kind, since: Some(input.since), ..Filter::default() };
    let mut told = events(agent, "recent_logons", arguments, &input, &filter, |event| {
        let data = &event["data"];
        json!({
            "time": event["time"], "user": data["actor"]["id"], "name": data["actor"]["displayName"],
            "login": data["actor"]["alternateId"], "outcome": data["outcome"]["result"],
            "address": data["client"]["ipAddress"],
        })
    })
    .await?;
    if told["items"].as_array().is_some_and(Vec::is_empty) {
        told["hint"] = json!("Logons are known where a trigger of the connection hears of user.session.start.");
    }
    Ok(told)
}

async fn changes_since(agent: &Agent<'_>, arguments: &Value) -> Result<Value, Problem> {
    let input: Recent = read(arguments)?;
    let filter = Filter { since: Some(input.since), directory: true, ..Filter::default() };
    events(agent, "changes_since", arguments, &input, &filter, |event| {
        json!({"time": event["time"], "type": event["type"], "subject": event["subject"], "data": event["data"]})
    })
    .await
}

/// A page of the feed.
async fn events(
    agent: &Agent<'_>,
    tool: &str,
    arguments: &Value,
    input: &Recent,
    filter: &Filter,
    show: impl Fn(&Value) -> Value,
) -> Result<Value, Problem> {
    let place = Place::new(tool, arguments, input.cursor.as_deref(), input.limit)?;
    let stored = meant(agent, input.connection.as_deref()).await?;
    let directory = Directory::open(agent.app, agent.rosters, &stored.connection).await?;
    let id = &stored.connection.id;
    let show = &show;
    let page = |after: Option<String>, limit| async move {
        let read = feed::read(&agent.app.ground(), id, filter, after.as_deref(), limit).await?;
        match read {
            Some(Reading::Page(page)) => {
                let is_end = page.items.is_empty() && after.as_deref() == Some(page.next.as_str());
                let items = page.items.iter().map(show).collect();
                Ok(Listed { items, next: Some(page.next).filter(|_| !is_end), ..Listed::default() })
            }
            _ => Err(Problem::new(Kind::CursorExpired, "What this cursor stands at is not kept any more.")),
        }
    };
    let told = place.page(page).await?;
    Ok(about(&directory, told))
}

async fn directory_summary(agent: &Agent<'_>, arguments: &Value) -> Result<Value, Problem> {
    let input: OfConnection = read(arguments)?;
    open!(agent, input => directory);
    let summary = directory::summary(&directory).await?;
    Ok(about(&directory, summary))
}

/// Runs an action, once it is meant: its preview comes first.
async fn act(agent: &Agent<'_>, entry: &'static Entry, mut input: Value, params: &Value) -> Result<Value, Problem> {
    let members =
        input.as_object_mut().ok_or_else(|| Problem::new(Kind::BadRequest, "arguments must be an object."))?;
    let wanted = members.remove("connection");
    let confirmed = members.remove("confirm") == Some(Value::Bool(true));
    let stored = meant(agent, wanted.as_ref().and_then(Value::as_str)).await?;
    let attempt = agent.attempt.clone();
    let call =
        Call { app: agent.app, by: agent.by, connection: &stored.connection, action: entry, input: &input, attempt };
    let agreed = answer::agreed(params).filter(|_| agent.era != Era::Legacy);
    if agreed == Some(false) {
        return Ok(answer::data(json!({"declined": true, "message": "The user did not agree; nothing was sent."})));
    }
    if entry.effect() != Effect::Read && !confirmed && agreed.is_none() {
        let preview = json!(action::would(&call).await?);
        return Ok(answer::question(agent, &tool_name(entry), &stored.connection, &preview));
    }
    let mut done = action::perform(&call).await?;
    // A list that is too long for an agent is read again in shorter pages, rather than cut.
    let mut shorter = input.clone();
    while entry.effect() == Effect::Read && !answer::fits(&json!(done.output)) {
        let Some(items) = done.output["items"].as_array().map(Vec::len).filter(|items| *items > 1) else { break };
        let share = MOST_BYTES * 9 / 10 * items / json!(done.output).to_string().len();
        shorter["limit"] = json!(share.clamp(1, items - 1));
        let again = Call {
            app: agent.app,
            by: agent.by,
            connection: &stored.connection,
            action: entry,
            input: &shorter,
            attempt: None,
        };
        done = action::perform(&again).await?;
    }
    let told = json!({
        "connection": {"id": stored.connection.id, "name": stored.connection.settings.name},
        "action": entry.name, "output": done.output, "okta_request_ids": done.okta_request_ids,
    });
    Ok(answer::output(told, done.reveals))
}
