//! On AWS Lambda: the environment is read once, clients are built, and a router or a slice is handed over.

mod identity;
mod runner;

use crate::app::App;
use crate::clock::{SharedClock, SystemClock};
use crate::id::{ConnectionId, SyncId};
use crate::okta::{AllowedOrigins, SystemResolver, Transport};
use crate::secrets::SecretsManagerSecrets;
use crate::store::Store;
use crate::sync::{self, Next, Slice};
use crate::{clock, http};
use axum::Router;
use identity::Identity;
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use runner::StepFunctionsRunner;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Whatever ends a function.
pub type Error = lambda_http::Error;

/// A slice works for this long; the function's timeout is 300 s.
const SLICE: Duration = Duration::from_secs(240);
/// Slices of one execution, whose history ends at 25,000 events.
const MOST_HOPS: u32 = 2_000;

/// Everything that the environment tells.
struct Environment {
    table: String,
    secret_prefix: String,
    state_machine: String,
    public_url: String,
    allow_origin: Option<String>,
    endpoint_url: Option<String>,
    identity: Identity,
}

impl Environment {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    fn read() -> Self {
        let text = |name: &str| std::env::var(name).unwrap_or_default();
        Self {
            table: text("OKTA_CONNECTOR_TABLE"),
            secret_prefix: text("OKTA_CONNECTOR_SECRET_PREFIX"),
            state_machine: text("OKTA_CONNECTOR_STATE_MACHINE"),
            public_url: text("OKTA_CONNECTOR_PUBLIC_URL"),
            allow_origin: std::env::var("OKTA_CONNECTOR_ALLOW_ORIGIN").ok(),
            endpoint_url: std::env::var("AWS_ENDPOINT_URL").ok(),
            identity: Identity::new(
                &text("OKTA_CONNECTOR_ADMIN_ROLE_ARNS"),
                &text("OKTA_CONNECTOR_TEAM_ROLE_ARNS"),
                &text("OKTA_CONNECTOR_TEAMS_CLAIM"),
                &text("OKTA_CONNECTOR_ADMIN_SCOPE"),
            ),
        }
    }

    /// A simulated tenant, only where AWS itself is simulated on this machine: nothing on AWS can allow one.
    fn allowed(&self) -> Result<AllowedOrigins, Error> {
        let emulated = self.endpoint_url.as_deref().is_some_and(|url| AllowedOrigins::parse([url]).is_ok());
        Ok(AllowedOrigins::parse(self.allow_origin.as_deref().filter(|_| emulated))?)
    }
}

async fn app(environment: &Environment) -> Result<App, Error> {
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let clock: SharedClock = Arc::new(SystemClock);
    let secrets = SecretsManagerSecrets::new(aws_sdk_secretsmanager::Client::new(&config), &environment.secret_prefix);
    Ok(App {
        store: Store::new(aws_sdk_dynamodb::Client::new(&config), &environment.table, Arc::clone(&clock)),
        secrets: Arc::new(secrets),
        okta: Transport::new(Arc::new(SystemResolver), environment.allowed()?, Arc::clone(&clock))?,
        clock,
        runner: Arc::new(StepFunctionsRunner::new(aws_sdk_sfn::Client::new(&config), &environment.state_machine)),
        public_url: environment.public_url.clone(),
    })
}

/// Serves a router of callers.
pub async fn serve(router: impl FnOnce(App) -> Router) -> Result<(), Error> {
    lambda_http::tracing::init_default_subscriber();
    let environment = Environment::read();
    let app = app(&environment).await?;
    let router = http::repeatable(&app, router(app.clone()));
    lambda_http::run(environment.identity.layer(http::layered(router, app.clock))).await
}

/// Serves the public routes: no secret can be read, and nobody is known.
pub async fn serve_public() -> Result<(), Error> {
    lambda_http::tracing::init_default_subscriber();
    let environment = Environment::read();
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let clock: SharedClock = Arc::new(SystemClock);
    let store = Store::new(aws_sdk_dynamodb::Client::new(&config), &environment.table, Arc::clone(&clock));
    lambda_http::run(http::layered(http::public(store, Arc::clone(&clock)), clock)).await
}

/// What the state machine hands to a slice.
#[derive(Deserialize)]
struct Hop {
    connection: ConnectionId,
    run: String,
    execution: String,
    #[serde(default)]
    hops: u32,
}

/// What it gets back.
#[derive(Serialize)]
struct Answer {
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    wake: Option<Timestamp>,
    connection: ConnectionId,
    run: String,
    hops: u32,
}

/// Runs slices for the state machine.
pub async fn run_slices() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let app = &app(&Environment::read()).await?;
    let handle = |event: LambdaEvent<Hop>| async move { hop(app, event.payload).await };
    lambda_runtime::run(lambda_runtime::service_fn(handle)).await
}

async fn hop(app: &App, hop: Hop) -> Result<Value, Error> {
    let Hop { connection, run, execution, hops } = hop;
    let next = match SyncId::parse(&run) {
        Some(run) => {
            let slice = Slice { connection: connection.clone(), run, execution };
            sync::slice(app, &slice, SLICE).await?
        }
        None if run == runner::PURGE => sync::purge(app, &connection).await.map(|()| Next::Done)?,
        None => return Err("the run is neither a sync nor a purge".into()),
    };
    let hops = hops + 1;
    let (result, wake) = match next {
        Next::Done => ("done", None),
        Next::Again | Next::Wait(_) if hops >= MOST_HOPS => ("handover", None),
        Next::Again => ("again", None),
        Next::Wait(wake) => ("wait", Some(wake.max(clock::after(app.now(), 1)))),
    };
    Ok(json!(Answer { result, wake, connection, run, hops }))
}
