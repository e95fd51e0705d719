//! `connections`.

use crate::output::{Facts, Format, Row, moment, or_empty, plain, print};
use crate::when::{When, words};
use crate::{Context, Failure, Which, wizard};
use clap::{Args, Subcommand, ValueEnum};
use dialoguer::Confirm;
use indicatif::ProgressBar;
use okta_connector_client::{Check, Connection, Method, SetUp, TestReport};
use serde_json::{Map, Value, json};
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Subcommand)]
pub enum Command {
    /// Connect a tenant. On a terminal, what is missing is asked for step by step.
    #[command(alias = "create")]
    Add(Add),
    /// List all connections that you may see.
    #[command(alias = "ls")]
    List,
    /// Show a connection.
    #[command(visible_alias = "view")]
    Show(Which),
    /// Test a connection: what works, what does not, and how to fix it.
    Test(Test),
    /// Give a connection its credentials, or replace them. On a terminal, what is missing is asked for step by step.
    Auth(Auth),
    /// Change a connection.
    #[command(alias = "update")]
    Edit(Edit),
    /// Pause a connection: no schedules, no syncs, no actions.
    Pause(Which),
    /// Resume a paused connection.
    Resume(Which),
    /// Delete a connection, with its schedules, hooks, secret and directory.
    #[command(visible_alias = "delete")]
    Remove(Remove),
}

#[derive(Args)]
pub struct Test {
    #[command(flatten)]
    which: Which,
    /// Fail with exit code 10 unless everything works.
    #[arg(long)]
    strict: bool,
}

/// The three ways to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Way {
    /// An app of the type API Services, with a key that is made and kept here.
    PrivateKeyJwt,
    /// An API token.
    ApiToken,
    /// A user who signs in to a web app.
    AuthorizationCode,
}

impl Way {
    /// The way of a connection.
    pub fn of(kind: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|way| way.wire() == kind)
    }

    pub fn wire(self) -> &'static str {
        match self {
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::ApiToken => "api_token",
            Self::AuthorizationCode => "authorization_code",
        }
    }
}

#[derive(Args)]
pub struct Add {
    /// A name for people.
    #[arg(long)]
    pub name: Option<String>,
    /// How it signs in.
    #[arg(long, value_enum)]
    pub auth: Option<Way>,
    #[command(flatten)]
    pub given: Given,
    /// A team whose members may use it. May be repeated.
    #[arg(long = "team")]
    pub teams: Vec<String>,
    /// An action, or read, write, destructive, credentials, all. May be repeated.
    #[arg(long = "allow")]
    pub allow: Vec<String>,
}

#[derive(Args)]
pub struct Auth {
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub given: Given,
}

/// What signing in needs.
#[derive(Args, Clone)]
pub struct Given {
    /// The tenant's address, as the browser shows it.
    #[arg(long)]
    pub domain: Option<String>,
    /// The app's client id.
    #[arg(long)]
    pub client_id: Option<String>,
    /// A file that holds the API token, the client secret or a private key (JWK or PEM); - is the input.
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// A scope to ask for; if absent, those that are needed and granted. May be repeated.
    #[arg(long = "scope")]
    pub scopes: Vec<String>,
}

#[derive(Args)]
pub struct Edit {
    #[command(flatten)]
    which: Which,
    /// Another name.
    #[arg(long)]
    name: Option<String>,
    /// No schedules, no actions, no syncs: true or false.
    #[arg(long)]
    paused: Option<bool>,
    /// Whether changes in Okta are read as they happen, by an event hook that the connector makes: true or false.
    #[arg(long)]
    live: Option<bool>,
    /// When everything is read: 6h, "daily at 03:00 Europe/Oslo", never.
    #[arg(long, value_name = "WHEN")]
    full: Option<When>,
    /// When changes are read: 15m.
    #[arg(long, value_name = "WHEN")]
    incremental: Option<When>,
    /// When everything is read and nothing is taken for unchanged: 7d.
    #[arg(long, value_name = "WHEN")]
    verify: Option<When>,
    /// The time zone of the schedules, as in Europe/Oslo.
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// The teams, in place of those it has. May be repeated.
    #[arg(long = "team")]
    teams: Vec<String>,
    /// What may be done, in place of what it has. May be repeated.
    #[arg(long = "allow")]
    allow: Vec<String>,
    /// Any other change, as a JSON merge patch.
    #[arg(long, value_name = "JSON")]
    patch: Option<String>,
}

#[derive(Args)]
pub struct Remove {
    /// The connection: its id or name.
    #[arg(id = "which", value_name = "CONNECTION")]
    name: Option<String>,
    /// Delete all of them, as before `sam delete`.
    #[arg(long, conflicts_with = "which")]
    all: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

impl Row for Connection {
    const COLUMNS: &'static [&'static str] = &["ID", "NAME", "DOMAIN", "STATUS", "USERS", "LAST SYNC"];

    fn cells(&self) -> Vec<String> {
        let last = self.last_sync.as_ref().map(|last| format!("{} {}", last.status, moment(Some(&last.finished_at))));
        let status = if self.paused { format!("{}, paused", self.status) } else { self.status.clone() };
        vec![
            self.id.clone(),
            self.name.clone(),
            or_empty(self.domain.as_deref()),
            status,
            self.counts.users.to_string(),
            or_empty(last.as_deref()),
        ]
    }
}

impl Facts for Connection {
    fn facts(&self) -> Vec<(&'static str, String)> {
        let auth = &self.auth;
        let counts = &self.counts;
        let timezone = self.sync.as_ref().map(|sync| sync.timezone.as_str()).unwrap_or_default();
        let schedule = |text: Option<&String>| text.map_or("never".to_owned(), |text| words(text, timezone));
        let mut facts = vec![
            ("id", self.id.clone()),
            ("name", self.name.clone()),
            ("domain", or_empty(self.domain.as_deref())),
            ("status", self.status.clone()),
            ("why", or_empty(self.status_reason.as_deref())),
            ("paused", self.paused.to_string()),
            ("signs in by", auth.kind.clone()),
            ("client id", or_empty(auth.client_id.as_deref())),
            ("scopes", auth.scopes.join(" ")),
            ("public key URL", or_empty(self.public_key_url.as_deref())),
            ("redirect URI", self.redirect_uri.clone()),
            ("teams", self.teams.join(", ")),
            ("allowed", self.permissions.actions.join(", ")),
        ];
        if let Some(sync) = &self.sync {
            facts.push(("full sync", schedule(sync.full.as_ref())));
            facts.push(("incremental", schedule(sync.incremental.as_ref())));
            facts.push(("verifying", schedule(sync.verify.as_ref())));
            facts.push(("time zone", sync.timezone.clone()));
        }
        let live = [Some(self.live.status.clone()), self.live.status_reason.clone()];
        facts.push(("live", live.into_iter().flatten().collect::<Vec<_>>().join(": ")));
        let directory = format!(
            "{} users, {} groups, {} apps, {} locations",
            counts.users, counts.groups, counts.apps, counts.locations
        );
        facts.extend([
            ("directory", directory),
            ("made", moment(Some(&self.created_at))),
            ("tested", moment(self.tested_at.as_deref())),
        ]);
        facts
    }
}

impl Row for Check {
    const COLUMNS: &'static [&'static str] = &["STATUS", "CHECK", "DETAIL"];

    fn cells(&self) -> Vec<String> {
        vec![self.status.clone(), self.title.clone(), self.detail.clone()]
    }
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Add(add) => wizard::add(context, add).await,
        Command::List => list(context).await,
        Command::Show(which) => Ok(context.output.facts(&context.connection_of(&which).await?)?),
        Command::Test(test) => self::test(context, &test).await,
        Command::Auth(auth) => wizard::auth(context, auth).await,
        Command::Edit(edit) => self::edit(context, edit).await,
        Command::Pause(which) => pause(context, &which, true).await,
        Command::Resume(which) => pause(context, &which, false).await,
        Command::Remove(remove) => self::remove(context, remove).await,
    }
}

async fn list(context: &Context) -> Result<(), Failure> {
    let all = context.all_connections().await?;
    context.output.list(&all)?;
    if all.is_empty() {
        context.output.note("There is no connection yet. Next: okta-connector connections add");
    }
    Ok(())
}

async fn test(context: &Context, test: &Test) -> Result<(), Failure> {
    let connection = context.connection_of(&test.which).await?;
    let path = format!("/v1/connections/{}/test", connection.id);
    let report: TestReport = {
        let _waiting = waiting(&format!("Testing {} …", plain(&connection.name)));
        context.client.call(Method::POST, &path, None).await?
    };
    match context.output.format {
        Format::Table => {
            context.output.list(&report.checks)?;
            for check in &report.checks {
                fix(check)?;
            }
            print(&report.message)?;
            note_checks(context, &report.checks);
        }
        Format::Csv => context.output.list(&report.checks)?,
        _ => context.output.one(&report)?,
    }
    if report.status != "Active" {
        return Err(Failure::BadNews("The connection does not work.".to_owned()));
    }
    let bad = report.checks.iter().filter(|check| check.is_bad()).count();
    if test.strict && bad > 0 {
        return Err(Failure::BadNews(format!("{bad} of {} checks failed.", report.checks.len())));
    }
    Ok(())
}

/// How many checks are good, and all scopes to grant in one line to copy.
fn note_checks(context: &Context, checks: &[Check]) {
    let bad: Vec<_> = checks.iter().filter(|check| check.is_bad()).collect();
    if bad.is_empty() {
        return;
    }
    let ok = checks.iter().filter(|check| check.status == "ok").count();
    context.output.note(&format!("{ok} of {} checks are ok, {} failed.", checks.len(), bad.len()));
    let without = bad.iter().filter(|check| check.finding.as_deref().is_some_and(|it| it.starts_with("scope")));
    let scopes: std::collections::BTreeSet<_> = without.flat_map(|check| &check.scopes).map(String::as_str).collect();
    if !scopes.is_empty() {
        let scopes = scopes.into_iter().collect::<Vec<_>>().join(" ");
        context.output.next(&format!("grant these scopes in Okta, then test again: {scopes}"));
    }
}

/// Says on a terminal what is waited for, until it is dropped.
pub fn waiting(what: &str) -> Waiting {
    let bar = ProgressBar::new_spinner().with_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    Waiting(bar)
}

/// A line that goes when this is dropped.
pub struct Waiting(ProgressBar);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// How to fix what a check found.
pub fn fix(check: &Check) -> io::Result<()> {
    match &check.fix {
        Some(fix) if check.is_bad() => print(&format!("{}: {}", plain(&check.title), plain(fix))),
        _ => Ok(()),
    }
}

async fn pause(context: &Context, which: &Which, paused: bool) -> Result<(), Failure> {
    let id = context.connection_of(which).await?.id;
    let changed = patch(context, &id, &json!({"paused": paused})).await?;
    let done = if paused { "paused" } else { "resumed" };
    context.output.done(&format!("{} is {done}.", changed.name), &changed)?;
    let next = if paused { "connections resume" } else { "sync start --watch" };
    context.output.next(&format!("okta-connector {next}"));
    Ok(())
}

async fn patch(context: &Context, id: &str, body: &Value) -> Result<Connection, Failure> {
    Ok(context.client.call(Method::PATCH, &format!("/v1/connections/{id}"), Some(body)).await?)
}

async fn edit(context: &Context, edit: Edit) -> Result<(), Failure> {
    let mut body = match &edit.patch {
        Some(text) => object(text)?,
        None => Map::new(),
    };
    let sync = schedules(&edit)?;
    if !sync.is_empty() {
        // Beside what --patch says of syncs.
        let beside = body.entry("sync").or_insert_with(|| json!({}));
        for (name, value) in sync {
            beside[name] = value;
        }
    }
    body.extend(edit.name.map(|name| ("name".to_owned(), json!(name))));
    body.extend(edit.paused.map(|paused| ("paused".to_owned(), json!(paused))));
    if !edit.teams.is_empty() {
        body.insert("teams".to_owned(), json!(edit.teams));
    }
    if !edit.allow.is_empty() {
        body.insert("permissions".to_owned(), json!({"actions": edit.allow}));
    }
    if body.is_empty() {
        return Err(Failure::Usage("There is nothing to change: see --help.".to_owned()));
    }
    let id = context.connection_of(&edit.which).await?.id;
    let changed = patch(context, &id, &Value::Object(body)).await?;
    context.output.done(&format!("{} is changed.", changed.name), &changed)?;
    context.output.next(&format!("okta-connector connections show {}", changed.id));
    Ok(())
}

/// What the options say of syncs. All schedules of a connection are in one time zone.
fn schedules(edit: &Edit) -> Result<Map<String, Value>, Failure> {
    let mut sync = Map::new();
    let all = [("full", &edit.full), ("incremental", &edit.incremental), ("verify", &edit.verify)];
    let mut zones: Vec<String> = edit.timezone.clone().into_iter().collect();
    for (name, when) in all {
        let Some(when) = when else { continue };
        sync.insert(name.to_owned(), json!(when.expression));
        zones.extend(when.timezone.clone());
    }
    zones.dedup();
    match &zones[..] {
        [] => {}
        [zone] => _ = sync.insert("timezone".to_owned(), json!(zone)),
        _ => return Err(Failure::Usage(format!("All schedules are in one time zone, not {}.", zones.join(" and ")))),
    }
    sync.extend(edit.live.map(|live| ("live".to_owned(), json!(live))));
    Ok(sync)
}

fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    let wrong = || Failure::Usage(format!("{text} is no JSON object."));
    serde_json::from_str::<Value>(text).ok().and_then(|value| value.as_object().cloned()).ok_or_else(wrong)
}

async fn remove(context: &Context, remove: Remove) -> Result<(), Failure> {
    let doomed = match remove.name.as_ref().or(context.wanted.as_ref()) {
        _ if remove.all => context.all_connections().await?,
        Some(name) => vec![context.connection_named(name).await?],
        None => return Err(Failure::Usage("Name the connection to delete, or give --all.".to_owned())),
    };
    let names: Vec<_> = doomed.iter().map(|it| plain(&it.name)).collect();
    let question = format!("Delete {} with everything that was synced?", names.join(", "));
    if !doomed.is_empty() && !remove.yes && !agreed(&question)? {
        return Err(Failure::BadNews("Nothing was deleted.".to_owned()));
    }
    let mut deleted = Vec::new();
    for connection in doomed {
        let path = format!("/v1/connections/{}", connection.id);
        context.client.text(Method::DELETE, &path, None).await?;
        if context.output.format == Format::Table {
            context.output.mark(&format!("{} is deleted.", connection.name))?;
        }
        deleted.push(connection);
    }
    if context.output.format == Format::Table { Ok(()) } else { Ok(context.output.list(&deleted)?) }
}

/// Asks on a terminal; elsewhere the command line has to say it.
pub fn agreed(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{question} Add --yes to confirm.")));
    }
    let asked = Confirm::new().with_prompt(question).default(false).interact();
    asked.map_err(|error| Failure::Io(io::Error::other(error)))
}

/// What a file holds, or the input.
pub fn secret(file: &std::path::Path) -> Result<String, Failure> {
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        text
    } else {
        std::fs::read_to_string(file).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?
    };
    Ok(text.trim().to_owned())
}

/// Reports what came of setting one up.
pub fn told(context: &Context, set_up: &SetUp) -> Result<(), Failure> {
    let connection = &set_up.connection;
    let sentence = format!("{} ({}): {}. {}", connection.name, connection.id, connection.status, set_up.message);
    match connection.status.as_str() {
        "Inactive" => {
            context.output.say(&sentence, set_up)?;
            Err(Failure::BadNews("The connection does not work; test it for the reasons.".to_owned()))
        }
        status => {
            context.output.done(&sentence, set_up)?;
            let next = match (status, &set_up.sync_id) {
                ("Active", Some(_)) => "okta-connector sync status --watch".to_owned(),
                ("Active", None) => "okta-connector sync start --watch".to_owned(),
                _ => format!("okta-connector connections auth {}", connection.id),
            };
            context.output.next(&next);
            Ok(())
        }
    }
}
