//! On AWS Lambda: the environment is read once, clients are built, and a router or a slice is handed over.

mod daily;
mod hop;
mod identity;
mod raw_path;
mod runner;
mod scheduler;
mod turn;
mod unable;

pub use hop::{Answer, Hop, hop};
pub use identity::Identity;
pub use runner::StepFunctionsRunner;
pub use scheduler::{EventBridgeScheduler, Plan};
pub use turn::{Turn, turn};

use crate::app::App;
use crate::clock::{SharedClock, SystemClock};
use crate::feed::{self, Bus, Ground};
use crate::http;
use crate::log::Lines;
use crate::okta::{AllowedOrigins, SystemResolver, Transport};
use crate::problem::Problem;
use crate::secrets::SecretsManagerSecrets;
use crate::store::Store;
use aws_config::SdkConfig;
use axum::Router;
use lambda_runtime::LambdaEvent;
use std::sync::Arc;
use std::time::Duration;
use tower::util::MapResult;
use tracing::Instrument;
use tracing_subscriber::filter::LevelFilter;
use unable::Unable;

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
    stack: String,
    table: String,
    log_level: LevelFilter,
    plan: Plan,
    key_arn: Option<String>,
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
        let key_arn = Some(text("OKTA_CONNECTOR_KMS_KEY")).filter(|arn| !arn.is_empty());
        Self {
            stack: text("OKTA_CONNECTOR_STACK"),
            table: text("OKTA_CONNECTOR_TABLE"),
            // Lambda's own setting: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
            log_level: text("AWS_LAMBDA_LOG_LEVEL").parse().unwrap_or(LevelFilter::INFO),
            plan: Plan {
                group: text("OKTA_CONNECTOR_SCHEDULE_GROUP"),
                role_arn: text("OKTA_CONNECTOR_SCHEDULE_ROLE"),
                dead_letters_arn: text("OKTA_CONNECTOR_SCHEDULE_DEAD_LETTERS"),
                state_machine_arn: text("OKTA_CONNECTOR_STATE_MACHINE"),
                log_poll_arn: text("OKTA_CONNECTOR_LOG_POLL_FUNCTION"),
                key_arn: key_arn.clone(),
            },
            key_arn,
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

    /// Writes the log to the function's output from now on.
    fn log(&self) {
        let lines = Lines { writer: std::io::stdout, stack: self.stack.clone(), clock: Arc::new(SystemClock) };
        // Whoever set one before has the lines.
        let _ = tracing::subscriber::set_global_default(lines.subscriber(self.log_level));
    }

    /// A simulated tenant, only where AWS itself is simulated on this machine: nothing on AWS can allow one.
    fn allowed(&self) -> Result<AllowedOrigins, Error> {
        let emulated = self.endpoint_url.as_deref().is_some_and(|url| AllowedOrigins::parse([url]).is_ok());
        Ok(AllowedOrigins::parse(self.allow_origin.as_deref().filter(|_| emulated))?)
    }
}

/// What a function works with that writes no feed, starts nothing and keeps no schedules.
fn app(environment: &Environment, config: &SdkConfig) -> Result<App, Error> {
    let clock: SharedClock = Arc::new(SystemClock);
    let secrets = aws_sdk_secretsmanager::Client::new(config);
    let secrets = SecretsManagerSecrets::new(&secrets, &environment.stack).with_key(environment.key_arn.clone());
    Ok(App {
        store: Store::new(&aws_sdk_dynamodb::Client::new(config), &environment.table, Arc::clone(&clock)),
        secrets: Arc::new(secrets),
        okta: Transport::new(Arc::new(SystemResolver), environment.allowed()?, Arc::clone(&clock))?,
        clock,
        runner: Arc::new(Unable),
        scheduler: Arc::new(Unable),
        public_url: environment.public_url.clone(),
        bus: None,
        feed_days: environment.feed_days,
    })
}

/// The same where a feed is written: one without a bus would be taken for published.
fn feeding(environment: &Environment, config: &SdkConfig) -> Result<App, Error> {
    Ok(App { bus: Some(bus(config, environment)), ..app(environment, config)? })
}

/// The same where syncs are started and schedules kept as well.
fn starting(environment: &Environment, config: &SdkConfig) -> Result<App, Error> {
    let app = feeding(environment, config)?;
    let (plan, clock) = (environment.plan.clone(), Arc::clone(&app.clock));
    let scheduler = EventBridgeScheduler::new(&aws_sdk_scheduler::Client::new(config), plan, clock);
    Ok(App { runner: runner(environment, config), scheduler: Arc::new(scheduler), ..app })
}

fn runner(environment: &Environment, config: &SdkConfig) -> Arc<StepFunctionsRunner> {
    let machine = &environment.plan.state_machine_arn;
    Arc::new(StepFunctionsRunner::new(&aws_sdk_sfn::Client::new(config), machine))
}

async fn config() -> SdkConfig {
    aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await
}

fn bus(config: &SdkConfig, environment: &Environment) -> Bus {
    Bus::new(&aws_sdk_eventbridge::Client::new(config), &environment.bus)
}

/// Serves a router of callers, under the function's name.
pub async fn serve(name: &'static str, router: impl FnOnce(App) -> Router) -> Result<(), Error> {
    let environment = Environment::read();
    environment.log();
    let app = app(&environment, &config().await)?;
    lambda_http::run(callers(name, &environment, &app, router)).await
}

/// The same for actions: what one has changed is read by a sync.
pub async fn serve_actions(name: &'static str, router: impl FnOnce(App) -> Router) -> Result<(), Error> {
    let environment = Environment::read();
    environment.log();
    let config = config().await;
    let app = App { runner: runner(&environment, &config), ..app(&environment, &config)? };
    lambda_http::run(callers(name, &environment, &app, router)).await
}

/// Serves a router of callers, and does something for all connections when a schedule says so.
pub async fn serve_daily<F>(
    name: &'static str,
    router: impl FnOnce(App) -> Router,
    work: impl Fn(App) -> F + Clone + Send + Sync + 'static,
) -> Result<(), Error>
where
    F: Future<Output = Result<(), Problem>> + Send + 'static,
{
    let environment = Environment::read();
    environment.log();
    let app = starting(&environment, &config().await)?;
    let callers = callers(name, &environment, &app, router);
    let daily = move || work(app.clone()).instrument(tracing::info_span!("daily", function = name));
    let router = daily::router(daily, callers, LONGEST_REQUEST);
    lambda_http::run(MapResult::new(router, daily::failing)).await
}

fn callers(name: &'static str, environment: &Environment, app: &App, router: impl FnOnce(App) -> Router) -> Router {
    let router = http::callers(app, name, router(app.clone()));
    let router = raw_path::refusing(router);
    environment.identity.clone().layer(http::layered(router, Arc::clone(&app.clock)))
}

/// Serves the public routes: no secret can be read, and nobody is known.
pub async fn serve_public() -> Result<(), Error> {
    let environment = Environment::read();
    environment.log();
    let config = config().await;
    let clock: SharedClock = Arc::new(SystemClock);
    let store = Store::new(&aws_sdk_dynamodb::Client::new(&config), &environment.table, Arc::clone(&clock));
    let bus = Some(bus(&config, &environment));
    let runner = runner(&environment, &config);
    let ground = Ground { store, clock: Arc::clone(&clock), bus, days: environment.feed_days, runner };
    lambda_http::run(http::layered(http::named("public", http::public(ground)), clock)).await
}

/// Runs slices for the state machine.
pub async fn run_slices() -> Result<(), Error> {
    let environment = Environment::read();
    environment.log();
    let app = &feeding(&environment, &config().await)?;
    // Boxed: its futures are nested too deeply for the compiler where they are part of one that runs a function.
    let handle = |event: LambdaEvent<Hop>| async move { Box::pin(hop(app, event.payload, SLICE)).await };
    lambda_runtime::run(lambda_runtime::service_fn(handle)).await
}

/// Reads the log for the schedules: `{connection}` polls, `{connection, trigger}` searches.
pub async fn run_polls() -> Result<(), Error> {
    let environment = Environment::read();
    environment.log();
    let app = &feeding(&environment, &config().await)?;
    let handle = |event: LambdaEvent<Turn>| async move { turn(app, event.payload, POLL).await };
    lambda_runtime::run(lambda_runtime::service_fn(handle)).await
}
