//! `events`.

mod told;

use crate::names::{TRIGGER, id_if};
use crate::output::{Format, Output, aside, plain, print};
use crate::{Context, Failure};
use clap::{Args, Subcommand};
use okta_connector_client::{CloudEvent, Page, query};
use serde_json::json;
use std::time::Duration;
use told::{Teller, Told};
use url::Url;

/// For so long the service waits for new ones.
const WAIT: &str = "&wait=20s";
/// And so long the command line before it asks again.
const LOOK: Duration = Duration::from_secs(1);

/// The content type of an event that is handed on.
const CLOUD_EVENT: &str = "application/cloudevents+json";

#[derive(Subcommand)]
pub enum Command {
    /// List what the feed holds, oldest first.
    #[command(alias = "ls")]
    List {
        #[command(flatten)]
        filter: Filter,
        /// Show at most this many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Follow what comes from now on, until Ctrl-C.
    #[command(visible_alias = "listen")]
    Tail(Tail),
}

#[derive(Args)]
pub struct Tail {
    #[command(flatten)]
    filter: Filter,
    /// End after this many.
    #[arg(long)]
    count: Option<usize>,
    /// Post each event to this address too, as JSON of CloudEvents 1.0.
    #[arg(long, value_name = "URL")]
    forward_to: Option<Url>,
}

#[derive(Args)]
pub struct Filter {
    /// Only of this type, as in com.okta.user.session.start.
    #[arg(long = "type")]
    kind: Option<String>,
    /// Only of this trigger: its id or name.
    #[arg(long)]
    trigger: Option<String>,
    /// Only since this moment, as in 2026-01-31T00:00:00Z.
    #[arg(long)]
    since: Option<String>,
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { filter, limit } => list(context, &filter, limit).await,
        Command::Tail(tail) => self::tail(context, tail).await,
    }
}

async fn list(context: &Context, filter: &Filter, limit: usize) -> Result<(), Failure> {
    let mut feed = Feed::open(context, filter).await?;
    let mut events = Vec::new();
    while events.len() < limit && feed.read(&mut events, "").await? {}
    events.truncate(limit);
    if matches!(context.output.format, Format::Json | Format::Ndjson) {
        return Ok(context.output.list(&events.into_iter().map(Told::plain).collect::<Vec<_>>())?);
    }
    let mut teller = Teller::new(context);
    let mut told = Vec::new();
    for event in events {
        told.push(teller.tell(event).await?);
    }
    match context.output.format {
        Format::Table => context.output.table(Told::WORDS, told.iter().map(Told::words))?,
        _ => context.output.list(&told)?,
    }
    if told.is_empty() {
        context.output.note("The feed holds no such event. Next: okta-connector triggers add new_events");
    }
    Ok(())
}

async fn tail(context: &Context, tail: Tail) -> Result<(), Failure> {
    let mut feed = Feed::open(context, &tail.filter).await?;
    if tail.filter.since.is_none() {
        // What is there is passed over: what comes late has a time of its own that may be before now.
        while feed.read(&mut Vec::new(), "").await? {}
    }
    if context.output.format == Format::Csv {
        context.output.list::<Told>(&[])?;
    }
    let name = &context.connection().await?.name;
    context.output.note(&format!("Waiting for events of {name}. Ctrl-C ends this."));
    let mut teller = Teller::new(context);
    let mut count = 0;
    loop {
        let mut events = Vec::new();
        let is_new = feed.read(&mut events, WAIT).await?;
        for event in events {
            show(context, &mut teller, &tail, event).await?;
            count += 1;
            if tail.count == Some(count) {
                return Ok(());
            }
        }
        if !is_new {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Prints an event, and hands it on where that is asked for.
async fn show(context: &Context, teller: &mut Teller<'_>, tail: &Tail, event: CloudEvent) -> Result<(), Failure> {
    match context.output.format {
        Format::Json | Format::Ndjson => print(&serde_json::to_string(&event).unwrap_or_default())?,
        Format::Table => {
            let told = teller.tell(event.clone()).await?;
            print(&plain(&told.words().join("  ")))?;
        }
        Format::Csv => Output::rows(&[teller.tell(event.clone()).await?])?,
    }
    if let Some(url) = &tail.forward_to {
        // The next event goes on, whatever became of this one.
        aside(&plain(&match context.client.hand_on(url, CLOUD_EVENT, &json!(event)).await {
            Ok(status) => format!("{} to {url}: {status}", event.id),
            Err(error) => format!("{} to {url}: {error}", event.id),
        }));
    }
    Ok(())
}

/// The feed of a connection. Its cursor never ends.
struct Feed<'a> {
    context: &'a Context,
    path: String,
    cursor: Option<String>,
}

impl<'a> Feed<'a> {
    async fn open(context: &'a Context, filter: &Filter) -> Result<Self, Failure> {
        let trigger = id_if(context, &TRIGGER, filter.trigger.as_deref()).await?;
        let asked = query(&[
            ("type", filter.kind.as_deref()),
            ("trigger", trigger.as_deref()),
            ("since", filter.since.as_deref()),
            ("limit", Some("200")),
        ]);
        let path = context.path(&format!("/events{asked}")).await?;
        Ok(Self { context, path, cursor: None })
    }

    /// Reads a page more, perhaps after a wait; true where the cursor moved on.
    async fn read(&mut self, events: &mut Vec<CloudEvent>, wait: &str) -> Result<bool, Failure> {
        let cursor = self.cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page: Page<CloudEvent> = self.context.client.get(&format!("{}{cursor}{wait}", self.path)).await?;
        events.extend(page.items);
        let is_new = page.next_cursor != self.cursor;
        self.cursor = page.next_cursor;
        Ok(is_new)
    }
}
