//! `events`.

use crate::output::{Format, Output, Row, moment, plain, print};
use crate::{Context, Failure};
use clap::{Args, Subcommand};
use okta_connector_client::{CloudEvent, Page, query};
use std::time::Duration;

/// For so long the service waits for new ones.
const WAIT: &str = "&wait=20s";
/// And so long the command line before it asks again.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Subcommand)]
pub enum Command {
    /// What the feed holds, oldest first.
    List {
        #[command(flatten)]
        filter: Filter,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// What comes from now on, until Ctrl-C.
    Tail {
        #[command(flatten)]
        filter: Filter,
        /// End after so many.
        #[arg(long)]
        count: Option<usize>,
    },
}

#[derive(Args)]
pub struct Filter {
    /// Only of this type, as in com.okta.user.session.start.
    #[arg(long = "type")]
    kind: Option<String>,
    /// Only of this trigger.
    #[arg(long)]
    trigger: Option<String>,
    /// Only since this moment, as in 2026-01-31T00:00:00Z.
    #[arg(long)]
    since: Option<String>,
}

impl Row for CloudEvent {
    const COLUMNS: &'static [&'static str] = &["TIME", "TYPE", "SUBJECT", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![moment(Some(&self.time)), self.kind.clone(), self.subject.clone(), self.id.clone()]
    }
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::List { filter, limit } => {
            let mut feed = Feed::open(context, &filter).await?;
            let mut events = Vec::new();
            while events.len() < limit && feed.read(&mut events, "").await? {}
            events.truncate(limit);
            Ok(context.output.list(&events)?)
        }
        Command::Tail { filter, count } => tail(context, &filter, count).await,
    }
}

async fn tail(context: &Context, filter: &Filter, count: Option<usize>) -> Result<(), Failure> {
    let mut feed = Feed::open(context, filter).await?;
    if filter.since.is_none() {
        // What is there is passed over: what comes late has a time of its own that may be before now.
        while feed.read(&mut Vec::new(), "").await? {}
    }
    if context.output.format == Format::Csv {
        context.output.list::<CloudEvent>(&[])?;
    }
    let mut told = 0;
    loop {
        let mut events = Vec::new();
        let is_new = feed.read(&mut events, WAIT).await?;
        for event in &events {
            match context.output.format {
                Format::Table => print(&plain(&event.cells().join("  ")))?,
                Format::Json | Format::Ndjson => {
                    print(&serde_json::to_string(event).unwrap_or_default())?;
                }
                Format::Csv => Output::rows(std::slice::from_ref(event))?,
            }
            told += 1;
            if count == Some(told) {
                return Ok(());
            }
        }
        if !is_new {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The feed of a connection. Its cursor never ends.
struct Feed<'a> {
    context: &'a Context,
    path: String,
    cursor: Option<String>,
}

impl<'a> Feed<'a> {
    async fn open(context: &'a Context, filter: &Filter) -> Result<Self, Failure> {
        let asked = query(&[
            ("type", filter.kind.as_deref()),
            ("trigger", filter.trigger.as_deref()),
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
