//! `triggers`.

use crate::output::{Row, moment, or_empty};
use crate::{Context, Failure};
use clap::{Args, Subcommand, ValueEnum};
use okta_connector_client::{Method, Trigger, segment};
use serde_json::json;

#[derive(Subcommand)]
pub enum Command {
    /// Add one.
    Add(Add),
    /// All of the connection's.
    List,
    /// Remove one, with its hook in Okta.
    Remove {
        /// Its id.
        trigger: String,
    },
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
    /// When, as rate(…) or cron(…).
    #[arg(long)]
    schedule: Option<String>,
    /// The time zone of a cron(…).
    #[arg(long)]
    timezone: Option<String>,
    /// Where events go: feed, bus. May be repeated.
    #[arg(long)]
    deliver: Vec<String>,
}

impl Row for Trigger {
    const COLUMNS: &'static [&'static str] = &["ID", "TYPE", "NAME", "STATUS", "LAST EVENT", "WHAT"];

    fn cells(&self) -> Vec<String> {
        let what = self.filter.clone().unwrap_or_else(|| self.event_types.clone().unwrap_or_default().join(", "));
        let status = match &self.status_reason {
            Some(reason) => format!("{}: {reason}", self.status),
            None => self.status.clone(),
        };
        vec![
            self.id.clone(),
            self.kind.clone(),
            or_empty(self.name.as_deref()),
            status,
            moment(self.last_event_at.as_deref()),
            what,
        ]
    }
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let path = context.path("/triggers").await?;
    match command {
        Command::Add(add) => {
            let made: Trigger = context.client.call(Method::POST, &path, Some(&body(add))).await?;
            Ok(context.output.say(&format!("{} is {}.", made.id, made.status), &made)?)
        }
        Command::List => {
            let all: Vec<Trigger> = context.client.pages(path).first(usize::MAX).await?;
            Ok(context.output.list(&all)?)
        }
        Command::Remove { trigger } => {
            context.client.text(Method::DELETE, &format!("{path}/{}", segment(&trigger)), None).await?;
            Ok(context.output.say(&format!("{trigger} is removed."), &json!({"id": trigger, "removed": true}))?)
        }
    }
}

fn body(add: Add) -> serde_json::Value {
    let kind = match add.kind {
        Kind::EventHook => "event_hook",
        Kind::NewEvents => "new_events",
        Kind::EventSearch => "event_search",
    };
    let mut body = json!({"type": kind});
    for (name, value) in
        [("name", add.name), ("filter", add.filter), ("schedule", add.schedule), ("timezone", add.timezone)]
    {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    for (name, values) in [("event_types", add.event_types), ("deliver", add.deliver)] {
        if !values.is_empty() {
            body[name] = json!(values);
        }
    }
    body
}
