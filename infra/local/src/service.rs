//! The service: built, bound to loopback, and served until it is dropped.

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
use std::net::SocketAddr;
use std::path::PathBuf;
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
    app: App,
    tasks: [JoinHandle<()>; 2],
    _engine: Engine,
}

impl Service {
    /// Starts it, and goes on with whatever an earlier process did not finish.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let listener = TcpListener::bind(("127.0.0.1", config.port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let secrets = FileSecrets::open(config.data.join("secrets"))?;
        let engine = Engine::start(Some(&config.data.join("dynamodb.sqlite"))).await?;
        let client = embedded_dynamodb::client(engine.endpoint());
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
            public_url: config.public_url.unwrap_or_else(|| url.clone()).trim_end_matches('/').to_owned(),
        };
        runner.attach(app.clone());
        let at_this_machine = matches!(config.gate, Gate::ThisMachine);
        let mut router = config.gate.layer(layered(router(&app), Arc::clone(&app.clock)));
        if at_this_machine {
            router = console(&url)?.fallback_service(router);
        }
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
            {
                tracing::error!("the server ended: {error}");
            }
        });
        runner.resume().await?;
        let ticker = tokio::spawn(ticker::tick(app.clone(), scheduler));
        Ok(Self { url, app, tasks: [server, ticker], _engine: engine })
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

/// The pages, as a client of the API that is served beside them.
fn console(url: &str) -> Result<Router, Error> {
    let key = okta_connector_console::Key::random().ok_or("there are no random numbers")?;
    Ok(okta_connector_console::router(Client::new(url, Credentials::None)?, key))
}

/// The routers of all functions as one.
fn router(app: &App) -> Router {
    callers(app, "connect", connect(app.clone()))
        .merge(callers(app, "test", test(app.clone())))
        .merge(callers(app, "action", action(app.clone())))
        .merge(callers(app, "directory", directory(app.clone())))
        .merge(named("public", public(app.ground())))
}
