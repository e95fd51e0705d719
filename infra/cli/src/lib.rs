//! The commands of `okta-connector` against any deployment: a client of its public API like any other.

mod action;
mod audit;
mod connection;
mod directory;
mod event;
mod failure;
mod mcp;
mod output;
mod person;
mod search;
mod sync;
mod target;
mod trigger;
mod wizard;

pub use failure::Failure;
pub use target::{TOKEN_FILE, data_folder};

use clap::{Args, Subcommand};
use okta_connector_client::{Client, Connection, segment};
use output::Output;

/// What is said to a deployment.
#[derive(Subcommand)]
pub enum Command {
    /// Connections: add, list, show, test, edit and remove them.
    #[command(subcommand)]
    Connections(connection::Command),
    /// Actions on users, groups and apps of a tenant.
    #[command(subcommand)]
    Actions(action::Command),
    /// Start a sync, or see how it goes.
    #[command(subcommand)]
    Sync(sync::Command),
    /// People: find them, show one, draw who reports to whom, export all.
    #[command(subcommand)]
    People(person::Command),
    /// Groups and their members.
    #[command(subcommand)]
    Groups(directory::Groups),
    /// Apps and their users.
    #[command(subcommand)]
    Apps(directory::Apps),
    /// Places where people work.
    #[command(subcommand)]
    Locations(directory::Locations),
    /// Find people, groups, apps and locations by words.
    Search(search::Search),
    /// What triggers tell, and what syncs found changed.
    #[command(subcommand)]
    Events(event::Command),
    /// Triggers: what tells of new events.
    #[command(subcommand)]
    Triggers(trigger::Command),
    /// Who changed what.
    Audit(audit::Audit),
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
        self.target.client().await
    }
}

/// What a command works with.
struct Context {
    client: Client,
    output: Output,
    connection: Option<String>,
}

/// Does what a command says. Where nobody reads on, as behind `head`, it is done.
pub async fn run(command: Command, options: Options) -> Result<(), Failure> {
    match Box::pin(done(command, options)).await {
        Err(Failure::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

async fn done(command: Command, options: Options) -> Result<(), Failure> {
    let context = Context {
        client: options.client().await?,
        output: Output::new(options.output),
        connection: options.connection,
    };
    let context = &context;
    match command {
        Command::Connections(command) => connection::run(context, command).await,
        Command::Actions(command) => action::run(context, command).await,
        Command::Sync(command) => sync::run(context, command).await,
        Command::People(command) => person::run(context, command).await,
        Command::Groups(command) => directory::groups(context, command).await,
        Command::Apps(command) => directory::apps(context, command).await,
        Command::Locations(command) => directory::locations(context, command).await,
        Command::Search(search) => search::run(context, search).await,
        Command::Events(command) => event::run(context, command).await,
        Command::Triggers(command) => trigger::run(context, command).await,
        Command::Audit(audit) => audit::run(context, audit).await,
        Command::Mcp => mcp::run(context).await,
    }
}

impl Context {
    /// The connection that was named, or the only one.
    async fn connection(&self) -> Result<Connection, Failure> {
        let Some(wanted) = &self.connection else {
            let mut all: Vec<Connection> = self.client.pages("/v1/connections").first(2).await?;
            return match (all.pop(), all.pop()) {
                (Some(only), None) => Ok(only),
                (None, _) => {
                    Err(Failure::Usage("There is no connection yet: okta-connector connections add".to_owned()))
                }
                _ => Err(Failure::Usage("There are several connections: name one with --connection.".to_owned())),
            };
        };
        self.connection_named(wanted).await
    }

    /// A connection by its id or its name.
    async fn connection_named(&self, wanted: &str) -> Result<Connection, Failure> {
        if wanted.starts_with("conn_") {
            return Ok(self.client.get(&format!("/v1/connections/{}", segment(wanted))).await?);
        }
        let mut pages = self.client.pages::<Connection>("/v1/connections");
        let mut found = Vec::new();
        while let Some(page) = pages.next().await? {
            found.extend(page.into_iter().filter(|it| it.name.eq_ignore_ascii_case(wanted)));
        }
        match (found.pop(), found.pop()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Failure::Absent(format!("There is no connection {wanted:?}."))),
            _ => Err(Failure::Usage(format!("Several connections are named {wanted:?}: give the id."))),
        }
    }

    /// A path below the connection; one that is named by its id need not be looked up.
    async fn path(&self, rest: &str) -> Result<String, Failure> {
        let id = match &self.connection {
            Some(id) if id.starts_with("conn_") => segment(id),
            _ => self.connection().await?.id,
        };
        Ok(format!("/v1/connections/{id}{rest}"))
    }
}

/// How many items a list shows.
#[derive(Args, Clone, Copy)]
pub struct Most {
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// All of them.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Most {
    fn count(self) -> usize {
        if self.all { usize::MAX } else { self.limit }
    }
}
