//! `sync`.

use crate::connection::agreed;
use crate::output::{Format, Row, aside, moment, or_empty, plain, print};
use crate::{Context, Failure, Most};
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use okta_connector_client::{Method, Removal, Sync, segment};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// How often it is looked how far a sync is.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Subcommand)]
pub enum Command {
    /// Start a sync.
    #[command(alias = "run")]
    Start {
        /// What is read.
        #[arg(long, value_enum, default_value_t)]
        mode: Mode,
        /// Watch it to its end.
        #[arg(long, short)]
        watch: bool,
    },
    /// List the newest syncs, or show one.
    #[command(alias = "list")]
    Status {
        /// Its id; without one, the newest are listed.
        sync: Option<String>,
        /// Watch the newest one, or the one that is named, to its end.
        #[arg(long, short)]
        watch: bool,
    },
    /// Cancel the sync that runs; it stops before its next page.
    Cancel {
        /// Its id; without one, the newest is cancelled.
        sync: Option<String>,
    },
    /// List what a sync would remove once you confirm it.
    Removals {
        /// Its id; without one, the newest that waits to be confirmed.
        sync: Option<String>,
        #[command(flatten)]
        most: Most,
    },
    /// Confirm what a sync would remove: it asks Okta once more, and removes what is still missing.
    Confirm(Confirm),
}

#[derive(Args)]
pub struct Confirm {
    /// Its id; without one, the newest that waits to be confirmed.
    sync: Option<String>,
    /// Watch it to its end.
    #[arg(long, short)]
    watch: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
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

impl Row for Removal {
    const COLUMNS: &'static [&'static str] = &["TYPE", "NAME", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![self.kind.clone(), or_empty(self.name.as_deref()), self.id.clone()]
    }
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let path = context.path("/syncs").await?;
    match command {
        Command::Start { mode, watch } => start(context, &path, mode, watch).await,
        Command::Cancel { sync } => cancel(context, &path, sync).await,
        Command::Status { sync: None, watch: false } => list(context, &path).await,
        Command::Status { sync: Some(id), watch: false } => {
            let sync: Sync = context.client.get(&format!("{path}/{}", segment(&id))).await?;
            Ok(context.output.one(&sync)?)
        }
        Command::Status { sync, watch: true } => {
            let id = named_or_newest(context, &path, sync).await?;
            watch(context, &path, &id).await
        }
        Command::Removals { sync, most } => removals(context, &path, sync, most).await,
        Command::Confirm(confirm) => self::confirm(context, &path, confirm).await,
    }
}

async fn start(context: &Context, path: &str, mode: Mode, watch: bool) -> Result<(), Failure> {
    let mode = format!("{mode:?}").to_lowercase();
    let sync: Sync = context.client.call(Method::POST, path, Some(&json!({"mode": mode}))).await?;
    if watch {
        return self::watch(context, path, &sync.id).await;
    }
    context.output.done(&format!("{} is running.", sync.id), &sync)?;
    context.output.next("okta-connector sync status --watch");
    Ok(())
}

async fn cancel(context: &Context, path: &str, sync: Option<String>) -> Result<(), Failure> {
    let id = named_or_newest(context, path, sync).await?;
    let sync: Sync = context.client.call(Method::POST, &format!("{path}/{}/cancel", segment(&id)), None).await?;
    context.output.done(&format!("{id} stops before its next page."), &sync)?;
    context.output.next("okta-connector sync status");
    Ok(())
}

async fn list(context: &Context, path: &str) -> Result<(), Failure> {
    let syncs: Vec<Sync> = context.client.pages(path).first(20).await?;
    context.output.list(&syncs)?;
    match syncs.first() {
        None => context.output.note("There was no sync yet. Next: okta-connector sync start --watch"),
        Some(newest) if newest.status == WAITS => context.output.next("okta-connector sync removals"),
        Some(_) => {}
    }
    Ok(())
}

async fn removals(context: &Context, path: &str, sync: Option<String>, most: Most) -> Result<(), Failure> {
    let id = waiting_one(context, path, sync).await?;
    let pages = context.client.pages(format!("{path}/{}/removals", segment(&id)));
    let removals: Vec<Removal> = pages.first(most.count()).await?;
    context.output.list(&removals)?;
    if removals.is_empty() {
        context.output.note(&format!("{id} would remove nothing."));
    } else {
        context.output.next(&format!("okta-connector sync confirm {id}"));
    }
    Ok(())
}

async fn confirm(context: &Context, path: &str, confirm: Confirm) -> Result<(), Failure> {
    let id = waiting_one(context, path, confirm.sync).await?;
    let sync: Sync = context.client.get(&format!("{path}/{}", segment(&id))).await?;
    let question = format!("Remove {} from the directory?", removed(&sync));
    if !confirm.yes && !agreed(&question)? {
        return Err(Failure::BadNews("Nothing was removed.".to_owned()));
    }
    let confirm_path = format!("{path}/{}/confirm-removals", segment(&id));
    let confirmed: Sync = context.client.call(Method::POST, &confirm_path, None).await?;
    if confirm.watch {
        return watch(context, path, &confirmed.id).await;
    }
    context.output.done(&format!("{} removes what is still missing in Okta.", confirmed.id), &confirmed)?;
    context.output.next("okta-connector sync status --watch");
    Ok(())
}

/// What a sync would remove, in words.
fn removed(sync: &Sync) -> String {
    let pending = sync.pending_removals.iter().flatten();
    let counts = pending.map(|(stream, count)| format!("{count} {stream}")).collect::<Vec<_>>();
    if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") }
}

/// The status of a sync that waits to be confirmed.
const WAITS: &str = "needs_confirmation";

/// The sync that is named, or the newest that waits to be confirmed.
async fn waiting_one(context: &Context, path: &str, named: Option<String>) -> Result<String, Failure> {
    if let Some(id) = named {
        return Ok(id);
    }
    let newest: Vec<Sync> = context.client.pages(path).first(20).await?;
    let waiting = newest.into_iter().find(|sync| sync.status == WAITS).map(|sync| sync.id);
    waiting.ok_or_else(|| Failure::Absent("No sync waits to be confirmed.".to_owned()))
}

async fn named_or_newest(context: &Context, path: &str, named: Option<String>) -> Result<String, Failure> {
    if let Some(id) = named {
        return Ok(id);
    }
    let newest: Vec<Sync> = context.client.pages(path).first(1).await?;
    newest.into_iter().next().map(|sync| sync.id).ok_or_else(|| Failure::Absent("There was no sync yet.".to_owned()))
}

/// Shows how far it is until it is over. Ctrl-C ends the watching, not the sync.
async fn watch(context: &Context, path: &str, id: &str) -> Result<(), Failure> {
    tokio::select! {
        watched = watch_to_end(context, path, id) => watched,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            Err(Failure::Interrupted)
        }
    }
}

async fn watch_to_end(context: &Context, path: &str, id: &str) -> Result<(), Failure> {
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
    match sync.status.as_str() {
        "succeeded" => context.output.done(&sentence, sync)?,
        _ => context.output.say(&sentence, sync)?,
    }
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
        (_, _, Some(_)) => {
            let what = removed(sync);
            let next = "`okta-connector sync removals` lists them, `okta-connector sync confirm` removes them";
            Err(Failure::BadNews(format!("The sync would remove {what}, and asks first: {next}.")))
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
            aside(&plain(&now));
            self.last = now;
        }
    }
}
