//! `triggers`.

use crate::connection::agreed;
use crate::names::{TRIGGER, id};
use crate::output::{Facts, Row, moment, or_empty};
use crate::when::{When, words};
use crate::{Context, Failure};
use clap::{Args, Subcommand, ValueEnum};
use okta_connector_client::{Method, Trigger};
use serde_json::{Map, Value, json};
use std::io::{self, IsTerminal};

#[derive(Subcommand)]
pub enum Command {
    /// Add a trigger.
    #[command(alias = "create")]
    Add(Add),
    /// List all triggers of the connection.
    #[command(alias = "ls")]
    List,
    /// Show a trigger.
    #[command(visible_alias = "view")]
    Show(One),
    /// Change a trigger.
    #[command(alias = "update")]
    Edit(Edit),
    /// Have a trigger fire again.
    Enable(One),
    /// Keep a trigger from firing, without removing it.
    Disable(One),
    /// Remove a trigger, with its hook in Okta.
    #[command(visible_alias = "delete")]
    Remove(Remove),
}

#[derive(Args)]
pub struct One {
    /// The trigger: its id or name.
    trigger: String,
}

#[derive(Args)]
pub struct Remove {
    /// The trigger: its id or name.
    trigger: String,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

#[derive(Args)]
pub struct Edit {
    /// The trigger: its id or name.
    trigger: String,
    /// Another name.
    #[arg(long)]
    name: Option<String>,
    /// An event type of a hook, in place of those it has. May be repeated.
    #[arg(long = "event-type")]
    event_types: Vec<String>,
    /// Another filter.
    #[arg(long)]
    filter: Option<String>,
    /// When: 5m, "daily at 07:00 Europe/Oslo", "0 7 * * 1-5".
    #[arg(long, value_name = "WHEN")]
    schedule: Option<When>,
    /// The time zone of the schedule.
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
}

/// What fires a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Kind {
    /// Okta delivers events of some types as they happen.
    EventHook,
    /// The System Log is polled for what a filter holds for.
    NewEvents,
    /// The System Log is searched at times.
    EventSearch,
}

#[derive(Args)]
pub struct Add {
    /// What fires it.
    #[arg(value_enum)]
    kind: Kind,
    /// A name for people.
    #[arg(long)]
    name: Option<String>,
    /// An event type of a hook. May be repeated.
    #[arg(long = "event-type")]
    event_types: Vec<String>,
    /// A filter, as in eventType eq "user.lifecycle.suspend".
    #[arg(long)]
    filter: Option<String>,
    /// When: 5m, "daily at 07:00 Europe/Oslo", "0 7 * * 1-5".
    #[arg(long, value_name = "WHEN")]
    schedule: Option<When>,
    /// The time zone of the schedule.
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// How far back the first run of a search looks: 24h, 7d.
    #[arg(long)]
    lookback: Option<String>,
    /// Where events go: feed, bus. May be repeated.
    #[arg(long)]
    deliver: Vec<String>,
}

fn what(trigger: &Trigger) -> String {
    trigger.filter.clone().unwrap_or_else(|| trigger.event_types.clone().unwrap_or_default().join(", "))
}

fn status(trigger: &Trigger) -> String {
    match &trigger.status_reason {
        Some(reason) => format!("{}: {reason}", trigger.status),
        None => trigger.status.clone(),
    }
}

/// When events come, in words.
fn when(trigger: &Trigger) -> String {
    match (&trigger.schedule, trigger.kind.as_str()) {
        (Some(schedule), _) => words(schedule, &trigger.timezone),
        (None, "event_hook") => "as they happen".to_owned(),
        (None, _) => String::new(),
    }
}

impl Row for Trigger {
    const COLUMNS: &'static [&'static str] = &["ID", "TYPE", "NAME", "STATUS", "LAST EVENT", "WHAT", "WHEN"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.kind.clone(),
            or_empty(self.name.as_deref()),
            status(self),
            moment(self.last_event_at.as_deref()),
            what(self),
            when(self),
        ]
    }
}

impl Facts for Trigger {
    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("id", self.id.clone()),
            ("name", or_empty(self.name.as_deref())),
            ("type", self.kind.clone()),
            ("status", status(self)),
            ("what", what(self)),
            ("when", when(self)),
            ("delivers to", self.deliver.join(", ")),
            ("last event", moment(self.last_event_at.as_deref())),
            ("last run", moment(self.last_run_at.as_deref())),
        ];
        let lag = self.lag_seconds.map(|seconds| format!("{seconds} s"));
        let missed = self.missed_hooks.map(|count| count.to_string());
        for (name, value) in [
            ("looks back", &self.lookback),
            ("lag", &lag),
            ("not delivered", &missed),
            ("hook URL", &self.hook_url),
            ("hook in Okta", &self.okta_hook_id),
        ] {
            facts.extend(value.clone().map(|value| (name, value)));
        }
        facts.push(("created", moment(Some(&self.created_at))));
        facts
    }
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Add(add) => self::add(context, add).await,
        Command::List => list(context).await,
        Command::Show(one) => {
            let trigger: Trigger = context.client.get(&path_of(context, &one.trigger).await?).await?;
            Ok(context.output.facts(&trigger)?)
        }
        Command::Edit(edit) => self::edit(context, edit).await,
        Command::Enable(one) => enable(context, &one.trigger, true).await,
        Command::Disable(one) => enable(context, &one.trigger, false).await,
        Command::Remove(remove) => self::remove(context, remove).await,
    }
}

/// The path of a trigger by its id or name.
async fn path_of(context: &Context, trigger: &str) -> Result<String, Failure> {
    let id = id(context, &TRIGGER, trigger).await?;
    context.path(&format!("/triggers/{}", okta_connector_client::segment(&id))).await
}

async fn add(context: &Context, add: Add) -> Result<(), Failure> {
    let path = context.path("/triggers").await?;
    let made: Trigger = context.client.call(Method::POST, &path, Some(&body(add)?)).await?;
    context.output.done(&format!("{} is {}.", made.id, made.status), &made)?;
    context.output.next("okta-connector events tail");
    Ok(())
}

async fn list(context: &Context) -> Result<(), Failure> {
    let path = context.path("/triggers").await?;
    let all: Vec<Trigger> = context.client.pages(path).first(usize::MAX).await?;
    context.output.list(&all)?;
    if all.is_empty() {
        context.output.note("There is no trigger yet. Next: okta-connector triggers add new_events");
    }
    Ok(())
}

async fn edit(context: &Context, edit: Edit) -> Result<(), Failure> {
    let mut patch = scheduled(edit.schedule, edit.timezone)?;
    patch.extend(edit.name.map(|name| ("name".to_owned(), json!(name))));
    patch.extend(edit.filter.map(|filter| ("filter".to_owned(), json!(filter))));
    if !edit.event_types.is_empty() {
        patch.insert("event_types".to_owned(), json!(edit.event_types));
    }
    if patch.is_empty() {
        return Err(Failure::Usage("There is nothing to change: see --help.".to_owned()));
    }
    let path = path_of(context, &edit.trigger).await?;
    let changed: Trigger = context.client.call(Method::PATCH, &path, Some(&Value::Object(patch))).await?;
    context.output.done(&format!("{} is changed.", changed.id), &changed)?;
    context.output.next(&format!("okta-connector triggers show {}", changed.id));
    Ok(())
}

async fn enable(context: &Context, trigger: &str, enabled: bool) -> Result<(), Failure> {
    let path = path_of(context, trigger).await?;
    let changed: Trigger = context.client.call(Method::PATCH, &path, Some(&json!({"enabled": enabled}))).await?;
    context.output.done(&format!("{} is {}.", changed.id, changed.status), &changed)?;
    if enabled {
        context.output.next("okta-connector events tail");
    } else {
        context.output.next(&format!("okta-connector triggers enable {}", changed.id));
    }
    Ok(())
}

async fn remove(context: &Context, remove: Remove) -> Result<(), Failure> {
    let path = path_of(context, &remove.trigger).await?;
    // A script has named it already; a person may have slipped.
    let is_asked = io::stdin().is_terminal() && !remove.yes;
    if is_asked && !agreed(&format!("Remove the trigger {}?", remove.trigger))? {
        return Err(Failure::BadNews("Nothing was removed.".to_owned()));
    }
    context.client.text(Method::DELETE, &path, None).await?;
    let id = path.rsplit('/').next().unwrap_or_default();
    Ok(context.output.done(&format!("{id} is removed."), &json!({"id": id, "removed": true}))?)
}

/// A schedule with its time zone, as the API takes them.
fn scheduled(schedule: Option<When>, timezone: Option<String>) -> Result<Map<String, Value>, Failure> {
    let mut members = Map::new();
    let mut timezone = timezone;
    if let Some(when) = schedule {
        let never = || Failure::Usage("A trigger has a schedule; `triggers disable` keeps it from firing.".to_owned());
        members.insert("schedule".to_owned(), json!(when.expression.ok_or_else(never)?));
        timezone = timezone.or(when.timezone);
    }
    members.extend(timezone.map(|timezone| ("timezone".to_owned(), json!(timezone))));
    Ok(members)
}

fn body(add: Add) -> Result<Value, Failure> {
    let kind = match add.kind {
        Kind::EventHook => "event_hook",
        Kind::NewEvents => "new_events",
        Kind::EventSearch => "event_search",
    };
    let mut body = scheduled(add.schedule, add.timezone)?;
    body.insert("type".to_owned(), json!(kind));
    for (name, value) in [("name", add.name), ("filter", add.filter), ("lookback", add.lookback)] {
        body.extend(value.map(|value| (name.to_owned(), json!(value))));
    }
    for (name, values) in [("event_types", add.event_types), ("deliver", add.deliver)] {
        if !values.is_empty() {
            body.insert(name.to_owned(), json!(values));
        }
    }
    Ok(Value::Object(body))
}
