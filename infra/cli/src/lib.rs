//! The commands of `okta-connector` against any deployment: a client of its public API like any other.

mod action;
mod api;
mod audit;
mod connection;
mod directory;
mod doctor;
mod event;
mod examples;
mod failure;
mod finding;
mod key;
mod mcp;
mod names;
mod output;
mod person;
mod result;
mod screen;
mod search;
mod sync;
mod target;
mod trigger;
mod when;
mod whoami;
mod wizard;

pub use examples::with_examples;
pub use failure::Failure;
pub use output::aside;
pub use target::{TOKEN_FILE, data_folder};

use clap::{Args, Subcommand};
use dialoguer::Select;
use okta_connector_client::{Client, Connection, segment};
use output::{Format, Output, plain};
use std::io::{self, IsTerminal};
use tokio::sync::OnceCell;

/// The commands that call a deployment.
#[derive(Subcommand)]
pub enum Command {
    /// Add, list, show, test, edit, pause and remove connections.
    #[command(subcommand, visible_alias = "connection")]
    Connections(connection::Command),
    /// Run actions on users, groups and apps of a tenant.
    #[command(subcommand, visible_alias = "action")]
    Actions(action::Command),
    /// Start, watch, confirm and cancel syncs.
    #[command(subcommand, alias = "syncs")]
    Sync(sync::Command),
    /// Find people, show one, draw who reports to whom, export all.
    #[command(subcommand)]
    People(person::Command),
    /// List groups, their members and their members' managers.
    #[command(subcommand, visible_alias = "group")]
    Groups(directory::Groups),
    /// List apps and their users.
    #[command(subcommand, visible_alias = "app")]
    Apps(directory::Apps),
    /// Show who administers what, why somebody has an app, and who can grant it.
    #[command(subcommand)]
    Access(directory::Rights),
    /// List places where people work.
    #[command(subcommand, alias = "location")]
    Locations(directory::Locations),
    /// Find people, groups, apps and locations by words.
    Search(search::Search),
    /// List what is wrong in the directory, such as managers who do not exist.
    Findings(finding::Findings),
    /// List events and follow them as they come.
    #[command(subcommand, alias = "event")]
    Events(event::Command),
    /// Add, list, show, edit, enable, disable and remove triggers.
    #[command(subcommand, visible_alias = "trigger")]
    Triggers(trigger::Command),
    /// List and rotate the keys by which a connection signs in.
    #[command(subcommand, alias = "key")]
    Keys(key::Command),
    /// List who changed what.
    Audit(audit::Audit),
    /// Send any request to the API and print the answer.
    Api(api::Api),
    /// Show who you are for the deployment.
    Whoami,
    /// Find out what is wrong with this setup: data folder, service, token, clock, connections.
    Doctor,
    /// Serve an agent's program over standard input and output (Model Context Protocol).
    Mcp,
}

/// Which deployment, and how to print.
#[derive(Args)]
#[command(next_help_heading = "Which deployment, and how to print")]
pub struct Options {
    #[command(flatten)]
    target: target::Target,
    /// The connection: its id or name; not needed where there is one.
    #[arg(long, short, global = true, env = "OKTA_CONNECTOR_CONNECTION", hide_env_values = true)]
    connection: Option<String>,
    /// How to print.
    #[arg(long, short, global = true, value_enum, default_value_t)]
    output: output::Format,
}

impl Options {
    /// A client of the deployment that is meant.
    pub async fn client(&self) -> Result<Client, Failure> {
        Ok(self.target.reach().await?.client)
    }
}

/// What a command works with.
struct Context {
    client: Client,
    output: Output,
    /// The name or id that was given.
    wanted: Option<String>,
    /// The connection, once it was looked up or chosen.
    connection: OnceCell<Connection>,
}

/// A connection as an argument.
#[derive(Args)]
pub struct Which {
    /// The connection: its id or name; not needed where there is one.
    #[arg(id = "which", value_name = "CONNECTION")]
    name: Option<String>,
}

/// Does what a command says. Where nobody reads on, as behind `head`, it is done.
pub async fn run(command: Command, options: Options) -> Result<(), Failure> {
    match Box::pin(done(command, options)).await {
        Err(Failure::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

async fn done(command: Command, options: Options) -> Result<(), Failure> {
    let output = Output::new(options.output);
    if let Command::Doctor = command {
        return doctor::run(&options, &output).await;
    }
    let reached = options.target.reach().await?;
    let context =
        Context { client: reached.client, output, wanted: options.connection.clone(), connection: OnceCell::new() };
    let context = &context;
    match command {
        Command::Connections(command) => connection::run(context, command).await,
        Command::Actions(command) => action::run(context, command).await,
        Command::Sync(command) => sync::run(context, command).await,
        Command::People(command) => person::run(context, command).await,
        Command::Groups(command) => directory::groups(context, command).await,
        Command::Apps(command) => directory::apps(context, command).await,
        Command::Access(command) => directory::rights(context, command).await,
        Command::Locations(command) => directory::locations(context, command).await,
        Command::Search(search) => search::run(context, search).await,
        Command::Findings(findings) => finding::run(context, findings).await,
        Command::Events(command) => event::run(context, command).await,
        Command::Triggers(command) => trigger::run(context, command).await,
        Command::Keys(command) => key::run(context, command).await,
        Command::Audit(audit) => audit::run(context, audit).await,
        Command::Api(api) => api::run(context, api).await,
        Command::Whoami => whoami::run(context, reached.known_by).await,
        Command::Mcp => mcp::run(context).await,
        Command::Doctor => Ok(()),
    }
}

impl Context {
    /// The connection that was named, or the only one, or the one that is chosen on a terminal.
    async fn connection(&self) -> Result<&Connection, Failure> {
        let found = async || match &self.wanted {
            Some(wanted) => self.connection_named(wanted).await,
            None => self.only_connection().await,
        };
        self.connection.get_or_try_init(found).await
    }

    /// The connection of an argument, and without one as everywhere.
    async fn connection_of(&self, which: &Which) -> Result<Connection, Failure> {
        match &which.name {
            Some(name) => self.connection_named(name).await,
            None => Ok(self.connection().await?.clone()),
        }
    }

    async fn all_connections(&self) -> Result<Vec<Connection>, Failure> {
        Ok(self.client.pages("/v1/connections").first(usize::MAX).await?)
    }

    async fn only_connection(&self) -> Result<Connection, Failure> {
        let mut all = self.all_connections().await?;
        match all.len() {
            0 => Err(Failure::Usage("There is no connection yet: okta-connector connections add".to_owned())),
            1 => Ok(all.remove(0)),
            _ if self.is_asked() => {
                let items: Vec<_> = all.iter().map(|it| format!("{} ({})", plain(&it.name), it.id)).collect();
                let chosen = Select::new().with_prompt("Which connection").items(items).default(0).interact();
                Ok(all.remove(chosen.map_err(|error| Failure::Io(io::Error::other(error)))?))
            }
            _ => Err(Failure::Usage(format!(
                "There are several connections: name one with --connection.{}",
                listed(&all)
            ))),
        }
    }

    /// Whether a person at a terminal can be asked.
    fn is_asked(&self) -> bool {
        self.output.format == Format::Table && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// A connection by its id or its name.
    async fn connection_named(&self, wanted: &str) -> Result<Connection, Failure> {
        if wanted.starts_with("conn_") {
            return Ok(self.client.get(&format!("/v1/connections/{}", segment(wanted))).await?);
        }
        let all = self.all_connections().await?;
        let named: Vec<_> = all.iter().filter(|it| it.name.eq_ignore_ascii_case(wanted)).cloned().collect();
        match &named[..] {
            [only] => Ok(only.clone()),
            [] => Err(Failure::Absent(format!("No connection is called “{wanted}”.{}", listed(&all)))),
            _ => Err(Failure::Usage(format!(
                "Several connections are called “{wanted}”: give the id.{}",
                listed(&named)
            ))),
        }
    }

    /// A path below the connection; one that is named by its id need not be looked up.
    async fn path(&self, rest: &str) -> Result<String, Failure> {
        let id = match &self.wanted {
            Some(id) if id.starts_with("conn_") => segment(id),
            _ => self.connection().await?.id.clone(),
        };
        Ok(format!("/v1/connections/{id}{rest}"))
    }

    /// Says why a list of the directory is empty.
    async fn note_empty(&self, is_empty: bool, text: &str) -> Result<(), Failure> {
        if !is_empty || self.output.format != Format::Table {
            return Ok(());
        }
        match self.connection().await?.last_sync {
            Some(_) => self.output.note(text),
            None => self.output.note("Nothing is synced yet. Next: okta-connector sync start --watch"),
        }
        Ok(())
    }
}

/// Connections below a sentence.
fn listed(all: &[Connection]) -> String {
    all.iter().flat_map(|it| ["\n  ", &it.id, "  ", &it.name]).collect()
}

/// How many items a list shows.
#[derive(Args, Clone, Copy)]
pub struct Most {
    /// Show at most this many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Show all.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Most {
    fn count(self) -> usize {
        if self.all { usize::MAX } else { self.limit }
    }
}
