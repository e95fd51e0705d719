//! The main job with the adapters that the functions have on AWS, on the emulator that `AWS_EMULATOR` names: every request,
//! slice and poll in a process of its own that has just started.

use crate::adapters::{Group, aws, unique};
use crate::function::all;
use crate::process::TABLE;
use crate::world::{small, text};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use embedded_dynamodb::Engine;
use okta_connector::app::App;
use okta_connector::clock::{SharedClock, SystemClock};
use okta_connector::feed::{Bus, USUAL_DAYS};
use okta_connector::http::{Caller, layered, named, public};
use okta_connector::id::ConnectionId;
use okta_connector::lambda::{EventBridgeScheduler, StepFunctionsRunner, Turn, hop, turn};
use okta_connector::okta::{AllowedOrigins, SystemResolver, Transport};
use okta_connector::schedules;
use okta_connector::secrets::SecretsManagerSecrets;
use okta_connector::store::{Store, Write, create_table, keys};
use okta_connector::test;
use okta_simulator::Simulator;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tower::ServiceExt;
use tracing::Instrument;

const BUDGET: Duration = Duration::from_secs(60);

/// What outlasts a function: its environment.
#[derive(Clone)]
struct Stack {
    engine: Arc<Engine>,
    config: aws_config::SdkConfig,
    name: String,
    group: Arc<Group>,
    machine: String,
    tenant: String,
    url: String,
}

impl Stack {
    /// An app with nothing in memory.
    fn app(&self) -> App {
        let clock: SharedClock = Arc::new(SystemClock);
        let allowed = AllowedOrigins::parse([self.tenant.as_str()]).expect("a loopback origin");
        let secrets = aws_sdk_secretsmanager::Client::new(&self.config);
        let machines = aws_sdk_sfn::Client::new(&self.config);
        let scheduler = EventBridgeScheduler::new(&self.group.client, self.group.plan.clone(), clock.clone());
        App {
            store: Store::new(&embedded_dynamodb::client(self.engine.endpoint()), TABLE, clock.clone()),
            secrets: Arc::new(SecretsManagerSecrets::new(&secrets, self.name.as_str())),
            okta: Transport::new(Arc::new(SystemResolver), allowed, clock.clone()).expect("a transport"),
            clock,
            runner: Arc::new(StepFunctionsRunner::new(&machines, &self.machine)),
            scheduler: Arc::new(scheduler),
            public_url: self.url.clone(),
            bus: Some(Bus::new(&aws_sdk_eventbridge::Client::new(&self.config), &self.name)),
            feed_days: USUAL_DAYS,
        }
    }

    /// Runs slices of a run until it is over, as the state machine does.
    async fn drive(&self, connection: &str, run: &str) {
        let mut input = json!({"connection": connection, "run": run, "execution": run});
        loop {
            let answer =
                hop(&self.app(), serde_json::from_value(input).expect("a hop"), BUDGET).await.expect("a slice");
            if answer.result == "done" {
                return;
            }
            input = serde_json::to_value(&answer).expect("JSON");
            input["execution"] = json!(run);
        }
    }

    /// What is done once a day.
    async fn daily(&self) {
        let settled = async { schedules::settle_all(&self.app()).await.expect("a table") };
        settled.instrument(tracing::info_span!(target: "okta_connector", "daily", function = "connect")).await;
        let tested = async { test::test_all(&self.app()).await.expect("a table") };
        tested.instrument(tracing::info_span!(target: "okta_connector", "daily", function = "test")).await;
    }

    async fn poll(&self, connection: &str) {
        let due: Turn = serde_json::from_value(json!({"connection": connection})).expect("a turn");
        turn(&self.app(), due, BUDGET).await.expect("a poll");
    }
}

/// Each request is the first of a function.
async fn serve(State(stack): State<Stack>, request: Request) -> Response {
    let app = stack.app();
    let routes = all(&app).merge(named("public", public(app.ground())));
    let admin = Caller::named("local", BTreeSet::new(), true);
    let router = layered(routes, app.clock.clone()).layer(Extension(admin));
    router.oneshot(request).await.into_response()
}

/// A stack at work, and its tenant.
struct Deployed {
    stack: Stack,
    simulator: Simulator,
    http: reqwest::Client,
}

impl Deployed {
    async fn start() -> Option<Self> {
        crate::operations::record();
        let config = aws()?;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let simulator = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let simulator = Box::pin(Simulator::start(small(), simulator)).await.expect("a simulator");
        let (engine, name) = (Arc::new(Engine::start(None).await.expect("an engine")), unique());
        create_table(&embedded_dynamodb::client(engine.endpoint()), TABLE).await.expect("a table");
        let key = aws_sdk_secretsmanager::Client::new(&config).create_secret().name(format!("{name}/stack-key"));
        key.secret_string("k".repeat(64)).send().await.expect("a secret");
        let bus = aws_sdk_eventbridge::Client::new(&config).create_event_bus().name(&name);
        bus.send().await.expect("a bus");
        let machine = machine(&config).await;
        let group = Arc::new(Group::new().await?);
        let stack = Stack { engine, config, name, group, machine, tenant: simulator.url().to_owned(), url };
        let router = Router::new().fallback(serve).with_state(stack.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Some(Self { stack, simulator, http: reqwest::Client::new() })
    }

    #[track_caller]
    fn sent(&self, method: &str, url: &str, body: Option<&Value>) -> impl Future<Output = Value> + use<> {
        let mut request =
            self.http.request(method.parse().expect("a method"), url).header("accept", "application/json");
        request = body.into_iter().fold(request, reqwest::RequestBuilder::json);
        let what = format!("{method} {url}");
        async move {
            let response = request.send().await.expect("an answer");
            let (status, text) = (response.status(), response.text().await.expect("a body"));
            assert!(status.is_success(), "{what}: {status} {text}");
            serde_json::from_str(&text).unwrap_or_default()
        }
    }

    async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        self.sent(method, &format!("{}{path}", self.stack.url), body.as_ref()).await
    }

    async fn sim(&self, method: &str, path: &str, body: Value) -> Value {
        self.sent(method, &format!("{}/_sim/{path}", self.simulator.url()), Some(&body)).await
    }

    /// Ends the access token that functions share, as an hour would: who needs one next replaces the refresh token.
    async fn an_hour_passes(&self, connection: &str) {
        let id = ConnectionId::parse(connection).expect("an id");
        let end = Write::Delete(keys::access_token(&id));
        self.stack.app().store.transact(vec![end]).await.expect("a table");
    }

    /// A connection that a user signs in to.
    async fn signed_in(&self) -> String {
        self.sim("PATCH", "app", json!({"redirect_uris": [format!("{}/v1/oauth/callback", self.stack.url)]})).await;
        let known = self.simulator.credentials();
        let scopes = [
            "okta.users.read",
            "okta.users.manage",
            "okta.groups.read",
            "okta.apps.read",
            "okta.logs.read",
            "okta.eventHooks.read",
            "okta.eventHooks.manage",
        ];
        let auth = json!({
            "type": "authorization_code", "client_id": known.web_client_id, "client_secret": known.client_secret,
            "scopes": scopes,
        });
        let permissions = json!({"actions": ["all"]});
        let body = json!({"name": "Acme", "domain": self.simulator.url(), "auth": auth, "permissions": permissions});
        let id = text(&self.api("POST", "/v1/connections", Some(body)).await, "id").to_owned();
        let invited = self.api("POST", &format!("/v1/connections/{id}/authorize"), None).await;
        let back = self.sent("GET", text(&invited, "authorize_url"), None).await;
        assert_eq!(back["status"], "Active", "{back:#}");
        id
    }

    /// A connection that a test completes; the function `test` starts its first sync and makes its schedules.
    async fn completed_by_a_test(&self) -> String {
        let auth = json!({"type": "private_key_jwt", "client_id": self.simulator.credentials().client_id});
        let body = json!({"name": "Acme", "domain": self.simulator.url(), "auth": auth});
        let made = self.api("POST", "/v1/connections", Some(body)).await;
        self.sim("PATCH", "app", json!({"jwks_uri": made["public_key_url"]})).await;
        let path = format!("/v1/connections/{}", text(&made, "id"));
        assert_eq!(self.api("POST", &format!("{path}/test"), None).await["status"], "Active");
        text(&made, "id").to_owned()
    }

    async fn newest_sync(&self, id: &str) -> Value {
        self.api("GET", &format!("/v1/connections/{id}/syncs"), None).await["items"][0].clone()
    }

    async fn events(&self, id: &str, kind: &str) -> usize {
        let path = format!("/v1/connections/{id}/events?type={kind}");
        self.api("GET", &path, None).await["items"].as_array().map_or(0, Vec::len)
    }
}

/// A state machine whose executions end at once: the test drives runs itself.
async fn machine(config: &aws_config::SdkConfig) -> String {
    let definition = json!({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}).to_string();
    let machine = aws_sdk_sfn::Client::new(config).create_state_machine().name(unique()).definition(definition);
    let made = machine.role_arn("arn:aws:iam::123456789012:role/machine").send().await.expect("a state machine");
    made.state_machine_arn
}

#[tokio::test]
async fn the_main_job_is_done_by_functions_that_have_just_started_with_the_adapters_of_aws() {
    let Some(deployed) = Deployed::start().await else { return };
    let id = deployed.signed_in().await;
    let path = format!("/v1/connections/{id}");
    let sync = deployed.newest_sync(&id).await;
    deployed.stack.drive(&id, text(&sync, "id")).await;
    assert_eq!(deployed.newest_sync(&id).await["status"], "succeeded");
    assert_eq!(deployed.api("POST", &format!("{path}/test"), None).await["status"], "Active");

    let news =
        json!({"type": "new_events", "filter": "eventType eq \"user.lifecycle.suspend\"", "deliver": ["feed", "bus"]});
    deployed.api("POST", &format!("{path}/triggers"), Some(news)).await;
    let hook = json!({"type": "event_hook", "event_types": ["user.session.start"], "deliver": ["feed", "bus"]});
    let hook = deployed.api("POST", &format!("{path}/triggers"), Some(hook)).await;
    assert_eq!(hook["verified"], true);
    let on = json!({"sync": {"live": true}});
    assert_eq!(deployed.api("PATCH", &path, Some(on)).await["live"]["status"], "active");
    let users = deployed.api("GET", &format!("{path}/people"), None).await;
    // The first one may be who has signed in.
    let user = json!({"user": users["items"][9]["id"]});
    deployed.an_hour_passes(&id).await;
    deployed.api("POST", &format!("{path}/actions/user.suspend"), Some(user)).await;
    // What Okta delivers to the connector's own hook is read by a run that the public function starts.
    while deployed.api("GET", &path, None).await["live"]["last_event_at"].is_null() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    deployed.sim("POST", "events", json!({"count": 3, "type": "user.session.start"})).await;
    while deployed.events(&id, "com.okta.user.session.start").await < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    deployed.an_hour_passes(&id).await;
    // A delivery may hold the feed, so that a poll leaves it alone.
    while deployed.events(&id, "com.okta.user.lifecycle.suspend").await < 1 {
        deployed.stack.poll(&id).await;
    }

    // What is not kept of a request with a key is forgotten.
    let nowhere = format!("{}/v1/connections/conn_{}/test", deployed.stack.url, "0".repeat(32));
    let lost = deployed.http.post(nowhere).header("idempotency-key", "once").send().await.expect("an answer");
    assert_eq!(lost.status(), 404);
    deployed.stack.daily().await;
    let names: Vec<_> = deployed.stack.group.told().await.into_iter().map(|(name, _)| name.replace(&id, "")).collect();
    assert_eq!(names, ["-full", "-incremental", "-poll", "-verify"]);
    deployed.api("DELETE", &path, None).await;
    deployed.stack.drive(&id, "purge").await;
    assert_eq!(deployed.stack.group.told().await, []);
    let secrets = aws_sdk_secretsmanager::Client::new(&deployed.stack.config);
    let secret = secrets.get_secret_value().secret_id(format!("{}/{id}", deployed.stack.name)).send().await;
    assert!(secret.is_err(), "the secret is gone");
}

#[tokio::test]
async fn a_test_that_completes_a_connection_starts_its_first_sync_and_makes_its_schedules() {
    let Some(deployed) = Deployed::start().await else { return };
    let id = deployed.completed_by_a_test().await;
    let sync = deployed.newest_sync(&id).await;
    let runs = aws_sdk_sfn::Client::new(&deployed.stack.config).list_executions();
    let runs = runs.state_machine_arn(&deployed.stack.machine).send().await.expect("a list");
    let names: Vec<_> = runs.executions().iter().map(|run| run.name().to_owned()).collect();
    assert_eq!(names, [text(&sync, "id")]);
    assert_eq!(deployed.stack.group.told().await.len(), 3);
}
