//! The service: built, bound to loopback, and served until it is dropped.

use crate::console::console;
use crate::data_folder::DataFolder;
use crate::machine_token::MachineToken;
use crate::server::serve;
use crate::ticker::LocalScheduler;
use crate::{FileSecrets, Gate, Issuer, LocalRunner, ticker};
use axum::Router;
use embedded_dynamodb::Engine;
use okta_connector::app::App;
use okta_connector::clock::SharedClock;
use okta_connector::feed::USUAL_DAYS;
use okta_connector::http::{action, callers, connect, directory, layered, named, public, test};
use okta_connector::okta::{AllowedOrigins, SystemResolver, Transport};
use okta_connector::store::{Store, create_table};
use okta_connector_client::{Client, Credentials};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Whatever keeps it from starting, in words for whoever starts it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

const TABLE: &str = "okta-connector";

/// How it is started.
pub struct Config {
    /// The port on 127.0.0.1; 0 picks one.
    pub port: u16,
    /// Where its state lies.
    pub data: PathBuf,
    /// Where the public routes are reached from outside; its own address if absent.
    pub public_url: Option<String>,
    /// Simulated tenants.
    pub allowed: AllowedOrigins,
    /// Whose tokens callers need; that of this machine if absent.
    pub issuer: Option<Issuer>,
    /// Time.
    pub clock: SharedClock,
}

/// A running service; it stops when dropped.
pub struct Service {
    url: String,
    console_url: Option<String>,
    app: App,
    tasks: Vec<JoinHandle<()>>,
    /// Locked against other processes until this is dropped.
    data: DataFolder,
}

impl Service {
    /// Starts it, and goes on with whatever an earlier process did not finish.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let listener = bind(config.port).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let data = DataFolder::open(config.data)?;
        let secrets = FileSecrets::open(data.path().join("secrets"))?;
        let table = data.table()?;
        let engine = Engine::open(Some(&table)).map_err(|error| format!("{}: {error}", table.display()))?;
        let client = engine.client();
        create_table(&client, TABLE).await?;
        let clock = config.clock;
        let runner = LocalRunner::on(data.disk());
        let scheduler = LocalScheduler::default();
        let app = App {
            store: Store::new(&client, TABLE, Arc::clone(&clock)),
            secrets: Arc::new(secrets),
            okta: Transport::new(Arc::new(SystemResolver), config.allowed, Arc::clone(&clock))?,
            clock,
            runner: Arc::new(runner.clone()),
            scheduler: Arc::new(scheduler.clone()),
            bus: None,
            feed_days: USUAL_DAYS,
            public_url: config.public_url.unwrap_or_else(|| url.clone()).trim_end_matches('/').to_owned(),
        };
        runner.attach(app.clone());
        let token = MachineToken::open(data.path())?;
        let gate = config.issuer.map_or_else(|| Gate::Machine(token.clone()), Gate::Issuer);
        // With an issuer the pages are started by their user, who has one of its tokens.
        let has_console = matches!(gate, Gate::Machine(_));
        let routes = layered(data.disk().reported_by(router(&app)), Arc::clone(&app.clock));
        let server = tokio::spawn(serve(listener, gate.layer(routes)));
        runner.resume().await?;
        let mut tasks = vec![server, tokio::spawn(ticker::tick(app.clone(), scheduler))];
        let mut console_url = None;
        if has_console {
            let (link, pages) = pages(&url, config.port, &token).await?;
            console_url = Some(link);
            tasks.push(tokio::spawn(pages));
        }
        Ok(Self { url, console_url, app, tasks, data })
    }

    /// The folder that holds its state.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The link that opens the console once, if there is one.
    pub fn console_url(&self) -> Option<&str> {
        self.console_url.as_deref()
    }

    /// What it runs with.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A port of loopback.
async fn bind(port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AddrInUse => "another program uses it".to_owned(),
            _ => error.to_string(),
        };
        format!("cannot listen on port {port}: {why}; choose another one with --port, or 0 for any that is free").into()
    })
}

/// The console at the next port, or at any that is free.
async fn pages(
    url: &str,
    port: u16,
    token: &MachineToken,
) -> Result<(String, impl Future<Output = ()> + use<>), Error> {
    let client = Client::new(url, Credentials::Bearer(token.secret()))?;
    let next = if port == 0 { 0 } else { port.saturating_add(1) };
    match console(client.clone(), next).await {
        Err(_) => console(client, 0).await,
        bound => bound,
    }
}

/// The routers of all functions as one.
fn router(app: &App) -> Router {
    callers(app, "connect", connect(app.clone()))
        .merge(callers(app, "test", test(app.clone())))
        .merge(callers(app, "action", action(app.clone())))
        .merge(callers(app, "directory", directory(app.clone())))
        .merge(named("public", public(app.ground())))
}
