//! A world to test in: a simulated tenant, the whole service, and a proxy between them that records every exchange.
//!
//! When a world ends, each recorded exchange with Okta is held against Okta's own description.

use crate::operations;
use crate::process::MovedClock;
use it::judge::{Judge, facts_dir};
use it::promise::{Answered, Promise};
use it::proxy::{Exchange, Proxy};
use jiff::SignedDuration;
use okta_connector::app::App;
use okta_connector::id::{ConnectionId, TriggerId};
use okta_connector::lambda::{self, Turn};
use okta_connector::okta::AllowedOrigins;
use okta_connector_local::{Config, Service};
use okta_simulator::Simulator;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A tenant and the service.
pub struct World {
    pub simulator: Simulator,
    /// Between the service and the tenant; its address is the tenant's domain.
    pub okta: Proxy,
    /// The service's.
    pub clock: Arc<MovedClock>,
    service: Option<Service>,
    data: TempDir,
    http: reqwest::Client,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Reply {
    /// The answer's body, if it has this status; otherwise the test fails and shows it.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// Fails the test if the service's description does not promise such an answer.
    pub fn is_as_promised(&self, method: &str, path: &str) {
        let Self { status, headers, body } = self;
        let complaints = PROMISE.complaints(&Answered { method, path, status: *status, headers, body });
        assert!(complaints.is_empty(), "{method} {path} {status}: {complaints:#?} {body:#}");
    }

    /// The slug of a problem.
    pub fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|it| it.strip_prefix("urn:okta-connector:problem:")).unwrap_or("none")
    }
}

/// Judges exchanges for all tests of this process, where Okta's facts are at hand.
pub static JUDGE: LazyLock<Option<Judge>> = LazyLock::new(|| facts_dir().map(|facts| Judge::from_facts(&facts)));

/// What the service promises, for all tests of this process.
pub static PROMISE: LazyLock<Promise> = LazyLock::new(Promise::read);

/// A small tenant.
pub fn small() -> okta_simulator::Config {
    okta_simulator::Config {
        users: 60,
        groups: 12,
        apps: 6,
        memberships: Some(200),
        ..okta_simulator::Config::default()
    }
}

/// A small tenant whose limits never make anybody wait.
pub fn unlimited() -> okta_simulator::Config {
    okta_simulator::Config { rate_limit: Some(10_000_000), ..small() }
}

/// The same, in which nothing happens but what a test does: for tests that count events, or requests that events cause.
pub fn quiet() -> okta_simulator::Config {
    okta_simulator::Config { noise: Some(0), ..unlimited() }
}

impl World {
    /// A small tenant and the service.
    pub async fn start() -> Self {
        Self::with(small()).await
    }

    /// A tenant and the service.
    pub async fn with(config: okta_simulator::Config) -> Self {
        operations::record();
        let okta = Proxy::start("http://127.0.0.1:9").await;
        okta.record(true);
        let config = okta_simulator::Config { public_url: Some(okta.url()), ..config };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let simulator = Simulator::start(config, listener).await.expect("a simulator");
        okta.retarget(simulator.url());
        let data = tempfile::tempdir().expect("a directory");
        let clock = Arc::<MovedClock>::default();
        let service = Some(serve(&okta, data.path(), clock.clone()).await);
        Self { simulator, okta, clock, service, data, http: reqwest::Client::new() }
    }

    /// Stops the service for a while.
    pub async fn is_down_for(&mut self, while_down: SignedDuration) {
        self.service = None;
        self.clock.advance(while_down);
        self.sim("POST", "clock", Some(json!({"advance": format!("{}s", while_down.as_secs())}))).await;
        self.service = Some(serve(&self.okta, self.data.path(), self.clock.clone()).await);
    }

    /// Where the service listens.
    pub fn url(&self) -> &str {
        self.service.as_ref().expect("it is up").url()
    }

    /// What the service runs with.
    pub fn app(&self) -> &App {
        self.service.as_ref().expect("it is up").app()
    }

    /// The link that opens the console, once.
    pub fn console(&self) -> &str {
        self.service.as_ref().expect("it is up").console_url().expect("a console")
    }

    /// Where the service keeps its state.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The tenant's domain as the service sees it.
    pub fn domain(&self) -> String {
        self.okta.url()
    }

    /// Calls the service's API, and sees that it keeps what its description promises.
    pub async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let reply = self.request(method, &format!("{}{path}", self.url()), &[], body).await;
        reply.is_as_promised(method, path);
        reply
    }

    /// Calls the simulator's operator.
    pub async fn sim(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let reply = self.request(method, &format!("{}/_sim/{path}", self.simulator.url()), &[], body).await;
        assert!(reply.status < 300, "{method} /_sim/{path}: {} {:#}", reply.status, reply.body);
        reply.body
    }

    /// Calls the tenant's own API as its administrator, past the service.
    pub async fn tenant(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let token = format!("SSWS {}", self.simulator.credentials().api_token);
        let headers = [("authorization", token.as_str()), ("accept", "application/json")];
        self.request(method, &format!("{}{path}", self.simulator.url()), &headers, body).await
    }

    /// The token of the machine, which callers of the service need.
    pub fn token(&self) -> String {
        std::fs::read_to_string(self.data().join("token")).expect("a token")
    }

    /// Calls anything; the service with the token of the machine.
    pub async fn request(&self, method: &str, url: &str, headers: &[(&str, &str)], body: Option<Value>) -> Reply {
        let mut request = self.http.request(method.parse().expect("a method"), url);
        if self.service.as_ref().is_some_and(|service| url.starts_with(service.url())) {
            request = request.bearer_auth(self.token());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request = match body {
            Some(body) => request.json(&body),
            None if method == "GET" => request,
            None => request.header("content-length", 0),
        };
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Reply { status, headers, body }
    }

    /// A pending connection with a hosted key.
    pub async fn pending(&self) -> Value {
        let body = json!({"name": "Acme", "auth": {"type": "private_key_jwt"}});
        self.api("POST", "/v1/connections", Some(body)).await.expect(201)
    }

    /// The body that names the tenant and its app.
    pub fn app_auth(&self) -> Value {
        let client_id = &self.simulator.credentials().client_id;
        json!({"domain": self.domain(), "auth": {"type": "private_key_jwt", "client_id": client_id}})
    }

    /// Connects by public key URL; gives the answer that says Active.
    pub async fn connect(&self) -> Value {
        let pending = self.pending().await;
        self.sim("PATCH", "app", Some(json!({"jwks_uri": pending["public_key_url"]}))).await;
        let path = format!("/v1/connections/{}/auth", text(&pending, "id"));
        let connected = self.api("PUT", &path, Some(self.app_auth())).await.expect(200);
        assert_eq!(connected["status"], "Active", "{connected:#}");
        connected
    }

    /// Connects and waits for the first sync; gives the connection's id.
    pub async fn synced(&self) -> String {
        let connected = self.connect().await;
        let id = text(&connected, "id").to_owned();
        let sync = self.finished(&id, text(&connected, "sync_id")).await;
        assert_eq!(sync["status"], "succeeded", "{sync:#}");
        id
    }

    /// Runs a sync to its end.
    pub async fn sync(&self, connection: &str, mode: &str) -> Value {
        let path = format!("/v1/connections/{connection}/syncs");
        let sync = self.api("POST", &path, Some(json!({"mode": mode}))).await.expect(202);
        self.finished(connection, text(&sync, "id")).await
    }

    /// Waits for a sync to be over.
    pub async fn finished(&self, connection: &str, sync: &str) -> Value {
        let path = format!("/v1/connections/{connection}/syncs/{sync}");
        loop {
            let sync = self.api("GET", &path, None).await.expect(200);
            if !matches!(sync["status"].as_str(), Some("running" | "waiting")) {
                return sync;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Looks once at what is due, as the service does by itself every ten seconds.
    pub async fn tick(&self) {
        okta_connector_local::turn(self.app()).await.expect("a turn");
    }

    /// Polls the log of a connection, as its schedule would.
    pub async fn poll(&self, connection: &str) {
        let id = ConnectionId::parse(connection).expect("an id");
        let turn = Turn { connection: id, trigger: None };
        lambda::turn(self.app(), turn, Duration::from_secs(60)).await.expect("a poll");
    }

    /// Runs a scheduled search, as its schedule would.
    pub async fn search(&self, connection: &str, trigger: &str) {
        let id = ConnectionId::parse(connection).expect("an id");
        let turn = Turn { connection: id, trigger: TriggerId::parse(trigger) };
        lambda::turn(self.app(), turn, Duration::from_secs(60)).await.expect("a search");
    }

    /// Waits until the feed of a connection holds so many events of one type, and gives them.
    pub async fn events_at_last(&self, path: &str, event_type: &str, count: usize) -> Vec<Value> {
        loop {
            let events = self.all_events(path, event_type).await;
            if events.len() >= count {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everything of one type in the feed of a connection.
    pub async fn all_events(&self, path: &str, event_type: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = format!("{path}/events?type={event_type}&limit=200{cursor}");
            let mut page = self.api("GET", &page, None).await.expect(200);
            let next = format!("&cursor={}", text(&page, "next_cursor"));
            items.append(page["items"].as_array_mut().expect("items"));
            if next == cursor {
                return items;
            }
            cursor = next;
        }
    }

    /// Every item of a list of the service's API.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let mut page = self.api("GET", &format!("{path}{sign}limit=200{cursor}"), None).await.expect(200);
            items.append(page["items"].as_array_mut().expect("items"));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}

async fn serve(okta: &Proxy, data: &Path, clock: Arc<MovedClock>) -> Service {
    let allowed = AllowedOrigins::parse([okta.url().as_str()]).expect("a loopback origin");
    let config = Config { port: 0, data: data.to_owned(), public_url: None, allowed, issuer: None, clock };
    Service::start(config).await.expect("a service")
}

/// A text of a JSON object.
#[track_caller]
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text '{name}' in {value:#}"))
}

impl Drop for World {
    fn drop(&mut self) {
        let Some(judge) = &*JUDGE else { return };
        let exchanges = self.okta.exchanges();
        for exchange in exchanges {
            if let Err(complaints) = judge.judge(&exchange)
                && !std::thread::panicking()
            {
                let Exchange { method, path, query, status, .. } = &exchange;
                panic!("{method} {path}?{} answered {status}: {complaints:#?}", query.as_deref().unwrap_or_default());
            }
        }
    }
}
