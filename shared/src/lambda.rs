//! On AWS Lambda: the environment is read once, clients are built, and a router or a slice is handed over.

mod daily;
mod hop;
mod identity;
mod runner;
mod scheduler;
mod turn;

pub use hop::{Answer, Hop, hop};
pub use runner::StepFunctionsRunner;
pub use scheduler::{EventBridgeScheduler, Plan};
pub use turn::{Turn, turn};

use crate::app::App;
use crate::clock::{SharedClock, SystemClock};
use crate::feed::{self, Bus, Ground};
use crate::http;
use crate::okta::{AllowedOrigins, SystemResolver, Transport};
use crate::problem::Problem;
use crate::secrets::SecretsManagerSecrets;
use crate::store::Store;
use axum::Router;
use identity::Identity;
use lambda_runtime::LambdaEvent;
use std::sync::Arc;
use std::time::Duration;
use tower::util::MapResult;

/// Whatever ends a function.
pub type Error = lambda_http::Error;

/// A slice works for this long; the function's timeout is 300 s.
const SLICE: Duration = Duration::from_secs(240);

/// A poll works for this long; the function's timeout is 90 s.
const POLL: Duration = Duration::from_secs(60);

/// A function that has more time than that for other things works for so long on a request: one that is sent again is taken
/// to be alone after 30 s.
const LONGEST_REQUEST: Duration = Duration::from_secs(28);

/// Everything that the environment tells.
struct Environment {
    table: String,
    secret_prefix: String,
    plan: Plan,
    public_url: String,
    allow_origin: Option<String>,
    endpoint_url: Option<String>,
    bus: String,
    feed_days: i64,
    identity: Identity,
}

impl Environment {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    fn read() -> Self {
        let text = |name: &str| std::env::var(name).unwrap_or_default();
        Self {
            table: text("OKTA_CONNECTOR_TABLE"),
            secret_prefix: text("OKTA_CONNECTOR_SECRET_PREFIX"),
            plan: Plan {
                group: text("OKTA_CONNECTOR_SCHEDULE_GROUP"),
                role_arn: text("OKTA_CONNECTOR_SCHEDULE_ROLE"),
                dead_letters_arn: text("OKTA_CONNECTOR_SCHEDULE_DEAD_LETTERS"),
                state_machine_arn: text("OKTA_CONNECTOR_STATE_MACHINE"),
                log_poll_arn: text("OKTA_CONNECTOR_LOG_POLL_FUNCTION"),
            },
            public_url: text("OKTA_CONNECTOR_PUBLIC_URL"),
            allow_origin: std::env::var("OKTA_CONNECTOR_ALLOW_ORIGIN").ok(),
            endpoint_url: std::env::var("AWS_ENDPOINT_URL").ok(),
            bus: text("OKTA_CONNECTOR_BUS"),
            feed_days: text("OKTA_CONNECTOR_FEED_DAYS").parse().unwrap_or(feed::USUAL_DAYS),
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
    let (scheduler, plan) = (aws_sdk_scheduler::Client::new(&config), environment.plan.clone());
    let scheduler = EventBridgeScheduler::new(scheduler, plan, Arc::clone(&clock));
    let machine = &environment.plan.state_machine_arn;
    Ok(App {
        store: Store::new(aws_sdk_dynamodb::Client::new(&config), &environment.table, Arc::clone(&clock)),
        secrets: Arc::new(secrets),
        okta: Transport::new(Arc::new(SystemResolver), environment.allowed()?, Arc::clone(&clock))?,
        clock,
        runner: Arc::new(StepFunctionsRunner::new(aws_sdk_sfn::Client::new(&config), machine)),
        scheduler: Arc::new(scheduler),
        public_url: environment.public_url.clone(),
        bus: Some(bus(&config, environment)),
        feed_days: environment.feed_days,
    })
}

fn bus(config: &aws_config::SdkConfig, environment: &Environment) -> Bus {
    Bus::new(aws_sdk_eventbridge::Client::new(config), &environment.bus)
}

/// Serves a router of callers.
pub async fn serve(router: impl FnOnce(App) -> Router) -> Result<(), Error> {
    lambda_http::tracing::init_default_subscriber();
    let environment = Environment::read();
    let app = app(&environment).await?;
    lambda_http::run(callers(&environment, &app, router)).await
}

/// Serves a router of callers, and does something for all connections when a schedule says so, once a day.
pub async fn serve_daily<F>(
    router: impl FnOnce(App) -> Router,
    work: impl Fn(App) -> F + Clone + Send + Sync + 'static,
) -> Result<(), Error>
where
    F: Future<Output = Result<(), Problem>> + Send + 'static,
{
    lambda_http::tracing::init_default_subscriber();
    let environment = Environment::read();
    let app = app(&environment).await?;
    let callers = callers(&environment, &app, router);
    let router = daily::router(move || work(app.clone()), callers, LONGEST_REQUEST);
    lambda_http::run(MapResult::new(router, daily::failing)).await
}

fn callers(environment: &Environment, app: &App, router: impl FnOnce(App) -> Router) -> Router {
    let router = http::repeatable(app, router(app.clone()));
    environment.identity.clone().layer(http::layered(router, Arc::clone(&app.clock)))
}

/// Serves the public routes: no secret can be read, and nobody is known.
pub async fn serve_public() -> Result<(), Error> {
    lambda_http::tracing::init_default_subscriber();
    let environment = Environment::read();
    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let clock: SharedClock = Arc::new(SystemClock);
    let store = Store::new(aws_sdk_dynamodb::Client::new(&config), &environment.table, Arc::clone(&clock));
    let bus = Some(bus(&config, &environment));
    let ground = Ground { store, clock: Arc::clone(&clock), bus, days: environment.feed_days };
    lambda_http::run(http::layered(http::public(ground), clock)).await
}

/// Runs slices for the state machine.
pub async fn run_slices() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let app = &app(&Environment::read()).await?;
    let handle = |event: LambdaEvent<Hop>| async move { hop(app, event.payload, SLICE).await };
    lambda_runtime::run(lambda_runtime::service_fn(handle)).await
}

/// Reads the log for the schedules: `{connection}` polls, `{connection, trigger}` searches.
pub async fn run_polls() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let app = &app(&Environment::read()).await?;
    let handle = |event: LambdaEvent<Turn>| async move { turn(app, event.payload, POLL).await };
    lambda_runtime::run(lambda_runtime::service_fn(handle)).await
}
