//! `sync`.

use crate::output::{Format, Row, moment, or_empty, plain, print};
use crate::{Context, Failure};
use clap::{Subcommand, ValueEnum};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use okta_connector_client::{Method, Sync, segment};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// How often it is looked how far a sync is.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Subcommand)]
pub enum Command {
    /// Start one.
    Start {
        /// What is read.
        #[arg(long, value_enum, default_value_t)]
        mode: Mode,
        /// Watch it to its end.
        #[arg(long)]
        watch: bool,
    },
    /// Cancel the sync that runs; it stops before its next page.
    Cancel {
        /// Its id; without one, the newest is cancelled.
        sync: Option<String>,
    },
    /// The newest syncs, or one.
    Status {
        /// Its id; without one, the newest are listed.
        sync: Option<String>,
        /// Watch the newest one, or the one that is named, to its end.
        #[arg(long)]
        watch: bool,
    },
}

/// What a sync reads.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Mode {
    /// Everything that may have changed.
    #[default]
    Full,
    /// What changed since the last one.
    Incremental,
    /// Everything, and nothing is taken for unchanged.
    Verify,
}

impl Row for Sync {
    const COLUMNS: &'static [&'static str] = &["ID", "MODE", "STATUS", "STARTED", "FINISHED", "REQUESTS"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.mode.clone(),
            self.status.clone(),
            moment(Some(&self.started_at)),
            moment(self.finished_at.as_deref()),
            self.requests.to_string(),
        ]
    }
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let path = context.path("/syncs").await?;
    match command {
        Command::Start { mode, watch } => {
            let mode = format!("{mode:?}").to_lowercase();
            let sync: Sync = context.client.call(Method::POST, &path, Some(&json!({"mode": mode}))).await?;
            if watch {
                self::watch(context, &path, &sync.id).await
            } else {
                Ok(context.output.say(&format!("{} is running.", sync.id), &sync)?)
            }
        }
        Command::Cancel { sync } => {
            let id = named_or_newest(context, &path, sync).await?;
            let cancel = format!("{path}/{}/cancel", segment(&id));
            let sync: Sync = context.client.call(Method::POST, &cancel, None).await?;
            Ok(context.output.say(&format!("{id} stops before its next page."), &sync)?)
        }
        Command::Status { sync: None, watch: false } => {
            let syncs: Vec<Sync> = context.client.pages(&*path).first(20).await?;
            Ok(context.output.list(&syncs)?)
        }
        Command::Status { sync: Some(id), watch: false } => {
            let sync: Sync = context.client.get(&format!("{path}/{}", segment(&id))).await?;
            Ok(context.output.one(&sync)?)
        }
        Command::Status { sync, watch: true } => {
            let id = named_or_newest(context, &path, sync).await?;
            watch(context, &path, &id).await
        }
    }
}

async fn named_or_newest(context: &Context, path: &str, named: Option<String>) -> Result<String, Failure> {
    if let Some(id) = named {
        return Ok(id);
    }
    let newest: Vec<Sync> = context.client.pages(path).first(1).await?;
    newest.into_iter().next().map(|sync| sync.id).ok_or_else(|| Failure::Absent("There was no sync yet.".to_owned()))
}

/// Shows how far it is until it is over.
async fn watch(context: &Context, path: &str, id: &str) -> Result<(), Failure> {
    let mut shown: Box<dyn Show> =
        if io::stderr().is_terminal() { Box::new(Bars::default()) } else { Box::new(Lines::default()) };
    loop {
        let sync: Sync = context.client.get(&format!("{path}/{}", segment(id))).await?;
        shown.show(&sync);
        if !matches!(sync.status.as_str(), "running" | "waiting") {
            drop(shown);
            return ended(context, &sync);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn ended(context: &Context, sync: &Sync) -> Result<(), Failure> {
    let counts = sync.progress.iter().map(|(stream, progress)| format!("{} {stream}", progress.seen));
    let sentence = format!("{} {}: {}", sync.mode, sync.status, counts.collect::<Vec<_>>().join(", "));
    context.output.say(&sentence, sync)?;
    for (stream, why) in sync.skipped.iter().filter(|_| context.output.format == Format::Table) {
        print(&plain(&format!("{stream} were left out: {why}")))?;
    }
    for object in sync.passed_over.iter().filter(|_| context.output.format == Format::Table) {
        let name = object.name.as_deref().unwrap_or(&object.id);
        let code = object.okta_error_code.as_deref().unwrap_or_default();
        print(&plain(&format!("{} {name} was passed over: Okta answered {} {code}", object.kind, object.status)))?;
    }
    match (sync.status.as_str(), &sync.error, &sync.pending_removals) {
        ("succeeded", ..) => Ok(()),
        (_, Some(problem), _) => Err(Failure::BadNews(format!("{}: {}", problem.title, problem.detail))),
        (_, _, Some(removals)) => {
            let what =
                removals.iter().map(|(stream, count)| format!("{count} {stream}")).collect::<Vec<_>>().join(", ");
            Err(Failure::BadNews(format!("The sync would remove {what}, and asks first.")))
        }
        (status, ..) => Err(Failure::BadNews(format!("The sync is {status}."))),
    }
}

/// Shows how far a sync is.
trait Show: Send {
    fn show(&mut self, sync: &Sync);
}

fn waiting(sync: &Sync) -> Option<String> {
    let until = (sync.status == "waiting").then_some(sync.next_wake.as_deref()).flatten()?;
    Some(format!("Okta's limit is reached; it goes on at {} UTC", moment(Some(until))))
}

/// A line on the terminal for each stream.
#[derive(Default)]
struct Bars {
    all: MultiProgress,
    streams: BTreeMap<String, ProgressBar>,
    wait: Option<ProgressBar>,
}

impl Show for Bars {
    fn show(&mut self, sync: &Sync) {
        for (stream, progress) in &sync.progress {
            let bar = self.streams.entry(stream.clone()).or_insert_with(|| {
                let style = ProgressStyle::with_template("{prefix:12} {spinner} {msg}");
                let bar =
                    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
                self.all.add(bar.with_prefix(stream.clone()))
            });
            let is_now = sync.phase.as_deref() == Some(stream);
            let changes =
                format!("{} added, {} changed, {} removed", progress.added, progress.changed, progress.removed);
            bar.set_message(format!("{:>8} read, {changes}{}", progress.seen, if is_now { " …" } else { "" }));
            bar.tick();
        }
        match (waiting(sync), self.wait.take()) {
            (Some(wait), bar) => {
                let bar = bar.unwrap_or_else(|| self.all.add(ProgressBar::new_spinner()));
                bar.set_message(wait);
                self.wait = Some(bar);
            }
            (None, Some(bar)) => bar.finish_and_clear(),
            (None, None) => {}
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.streams.values().for_each(ProgressBar::finish);
    }
}

/// A line for each thing that it begins with; for files and pipes.
#[derive(Default)]
struct Lines {
    last: String,
}

impl Show for Lines {
    fn show(&mut self, sync: &Sync) {
        let now = waiting(sync).unwrap_or_else(|| or_empty(sync.phase.as_deref()));
        if now != self.last && !now.is_empty() {
            eprintln!("{now}");
            self.last = now;
        }
    }
}
