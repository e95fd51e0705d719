//! The service: built, bound to loopback, and served until it is dropped.

use crate::console::console;
use crate::machine_token::MachineToken;
use crate::ticker::LocalScheduler;
use crate::{FileSecrets, Gate, LocalRunner, ticker};
use axum::Router;
use embedded_dynamodb::Engine;
use okta_connector::app::App;
use okta_connector::clock::SharedClock;
use okta_connector::feed::USUAL_DAYS;
use okta_connector::http::{action, callers, connect, directory, layered, named, public, test};
use okta_connector::okta::{AllowedOrigins, SystemResolver, Transport};
use okta_connector::store::{Store, create_table};
use okta_connector_client::{Client, Credentials};
use std::fs::{OpenOptions, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
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
    /// Who may call.
    pub gate: Gate,
    /// Time.
    pub clock: SharedClock,
}

/// A running service; it stops when dropped.
pub struct Service {
    url: String,
    console_url: Option<String>,
    app: App,
    tasks: Vec<JoinHandle<()>>,
}

impl Service {
    /// Starts it, and goes on with whatever an earlier process did not finish.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let listener = TcpListener::bind(("127.0.0.1", config.port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let table = own_folder(&config.data)?;
        let secrets = FileSecrets::open(config.data.join("secrets"))?;
        let client = Engine::open(Some(&table))?.client();
        create_table(&client, TABLE).await?;
        let clock = config.clock;
        let (runner, scheduler) = (LocalRunner::default(), LocalScheduler::default());
        let app = App {
            store: Store::new(&client, TABLE, Arc::clone(&clock)),
            secrets: Arc::new(secrets),
            okta: Transport::new(Arc::new(SystemResolver), config.allowed, Arc::clone(&clock))?,
            clock,
            runner: Arc::new(runner.clone()),
            scheduler: Arc::new(scheduler.clone()),
            bus: None,
            feed_days: USUAL_DAYS,
            public_url: config.public_url.clone().unwrap_or_else(|| url.clone()).trim_end_matches('/').to_owned(),
        };
        runner.attach(app.clone());
        let at_this_machine = matches!(config.gate, Gate::ThisMachine);
        let is_public = config.public_url.is_some();
        let token = MachineToken::open(&config.data)?;
        let routes = layered(router(&app), Arc::clone(&app.clock));
        let router = config.gate.layer(routes, Some(token.clone()), is_public);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
            {
                tracing::error!("the server ended: {error}");
            }
        });
        runner.resume().await?;
        let mut tasks = vec![server, tokio::spawn(ticker::tick(app.clone(), scheduler))];
        let mut console_url = None;
        // Whoever sits here is an admin, and so the pages need no sign-in; with an issuer they are started by their user.
        if at_this_machine {
            let (at, pages) = pages(&url, config.port, &token).await?;
            console_url = Some(at);
            tasks.push(tokio::spawn(async move { drop(pages.await) }));
        }
        Ok(Self { url, console_url, app, tasks })
    }

    /// Where the console is, if there is one.
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

/// Makes the data folder and the table's file so that only their owner can read them: the whole directory is in it. SQLite
/// gives the files that it makes beside it the same rights.
fn own_folder(data: &Path) -> std::io::Result<PathBuf> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data)?;
    std::fs::set_permissions(data, Permissions::from_mode(0o700))?;
    let table = data.join("dynamodb.sqlite");
    for file in [table.clone(), data.join("dynamodb.sqlite-wal"), data.join("dynamodb.sqlite-shm")] {
        if file == table || file.exists() {
            OpenOptions::new().append(true).create(file == table).mode(0o600).open(&file)?;
            std::fs::set_permissions(&file, Permissions::from_mode(0o600))?;
        }
    }
    Ok(table)
}

/// The console at the next port, or at any that is free.
async fn pages(
    url: &str,
    port: u16,
    token: &MachineToken,
) -> Result<(String, impl Future<Output = std::io::Result<()>> + use<>), Error> {
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
