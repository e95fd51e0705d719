//! `connections`.

use crate::output::{Facts, Format, Row, moment, or_empty, plain, print};
use crate::{Context, Failure, wizard};
use clap::{Args, Subcommand, ValueEnum};
use dialoguer::Confirm;
use okta_connector_client::{Check, Connection, Method, SetUp, TestReport};
use serde_json::{Map, Value, json};
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum Command {
    /// Connect a tenant. On a terminal, what is missing is asked for step by step.
    Add(Add),
    /// All connections that you may see.
    List,
    /// One connection.
    Show {
        /// Its id or name.
        connection: String,
    },
    /// Test one: what works, what does not, and how to mend it.
    Test {
        /// Its id or name.
        connection: String,
    },
    /// Give one its credentials, or others in their place. On a terminal, what is missing is asked for step by step.
    Auth(Auth),
    /// Change one.
    Edit(Edit),
    /// Delete one, with its schedules, hooks, secret and directory.
    Remove(Remove),
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
    /// Its id or name.
    pub connection: String,
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
    /// Its id or name.
    connection: String,
    /// Another name.
    #[arg(long)]
    name: Option<String>,
    /// No schedules, no actions, no syncs: true or false.
    #[arg(long)]
    paused: Option<bool>,
    /// Whether changes in Okta are read as they happen, by an event hook that the connector makes: true or false.
    #[arg(long)]
    live: Option<bool>,
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
    /// Its id or name.
    #[arg(required_unless_present = "all")]
    connection: Option<String>,
    /// All of them, as before `sam delete`.
    #[arg(long, conflicts_with = "connection")]
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
        let schedule = |text: Option<&String>| text.map_or("never by itself".to_owned(), Clone::clone);
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
        Command::List => {
            let all: Vec<Connection> = context.client.pages("/v1/connections").first(usize::MAX).await?;
            Ok(context.output.list(&all)?)
        }
        Command::Show { connection } => Ok(context.output.facts(&context.connection_named(&connection).await?)?),
        Command::Test { connection } => test(context, &connection).await,
        Command::Auth(auth) => wizard::auth(context, auth).await,
        Command::Edit(edit) => self::edit(context, edit).await,
        Command::Remove(remove) => self::remove(context, remove).await,
    }
}

async fn test(context: &Context, wanted: &str) -> Result<(), Failure> {
    let id = context.connection_named(wanted).await?.id;
    let path = format!("/v1/connections/{id}/test");
    let report: TestReport = context.client.call(Method::POST, &path, None).await?;
    match context.output.format {
        Format::Table => {
            context.output.list(&report.checks)?;
            for check in &report.checks {
                fix(check)?;
            }
            print(&report.message)?;
        }
        Format::Csv => context.output.list(&report.checks)?,
        _ => context.output.one(&report)?,
    }
    if report.status == "Active" { Ok(()) } else { Err(Failure::BadNews("The connection does not work.".to_owned())) }
}

/// How to mend what a check found.
pub fn fix(check: &Check) -> io::Result<()> {
    match &check.fix {
        Some(fix) if check.is_bad() => print(&format!("{}: {}", plain(&check.title), plain(fix))),
        _ => Ok(()),
    }
}

async fn edit(context: &Context, edit: Edit) -> Result<(), Failure> {
    let id = context.connection_named(&edit.connection).await?.id;
    let mut patch = match &edit.patch {
        Some(text) => object(text)?,
        None => Map::new(),
    };
    patch.extend(edit.name.map(|name| ("name".to_owned(), json!(name))));
    patch.extend(edit.paused.map(|paused| ("paused".to_owned(), json!(paused))));
    if let Some(live) = edit.live {
        // Beside what --patch says of syncs.
        patch.entry("sync").or_insert_with(|| json!({}))["live"] = json!(live);
    }
    if !edit.teams.is_empty() {
        patch.insert("teams".to_owned(), json!(edit.teams));
    }
    if !edit.allow.is_empty() {
        patch.insert("permissions".to_owned(), json!({"actions": edit.allow}));
    }
    if patch.is_empty() {
        return Err(Failure::Usage("There is nothing to change: see --help.".to_owned()));
    }
    let path = format!("/v1/connections/{id}");
    let changed: Connection = context.client.call(Method::PATCH, &path, Some(&Value::Object(patch))).await?;
    Ok(context.output.say(&format!("{} is changed.", changed.name), &changed)?)
}

fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    let wrong = || Failure::Usage(format!("{text} is no JSON object."));
    serde_json::from_str::<Value>(text).ok().and_then(|value| value.as_object().cloned()).ok_or_else(wrong)
}

async fn remove(context: &Context, remove: Remove) -> Result<(), Failure> {
    let doomed = match &remove.connection {
        Some(connection) => vec![context.connection_named(connection).await?],
        None => context.client.pages("/v1/connections").first(usize::MAX).await?,
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
            print(&format!("{} is deleted.", plain(&connection.name)))?;
        }
        deleted.push(connection);
    }
    if context.output.format == Format::Table { Ok(()) } else { Ok(context.output.list(&deleted)?) }
}

/// Asks on a terminal; elsewhere the command line has to say it.
pub fn agreed(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{question} Say --yes.")));
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

/// Says what came of setting one up.
pub fn told(context: &Context, set_up: &SetUp) -> Result<(), Failure> {
    let name = &set_up.connection.name;
    let status = &set_up.connection.status;
    context.output.say(&format!("{name} ({}): {status}. {}", set_up.connection.id, set_up.message), set_up)?;
    match status.as_str() {
        "Inactive" => Err(Failure::BadNews("The connection does not work; test it for the reasons.".to_owned())),
        _ => Ok(()),
    }
}
