//! What an action costs over the requests to Okta that it is made of: both in this process, in pairs.

use crate::Error;
use crate::syncing::{connected, deployment};
use axum::Router;
use axum::body::{Body, to_bytes};
use embedded_dynamodb::Engine;
use http::header::CONTENT_TYPE;
use okta_connector::app::App;
use okta_connector::connection::{self, Connection};
use okta_connector::http::{Caller, SourceIp, action, callers, layered};
use okta_connector::okta::{Client, Patience, Request, UserId, api};
use okta_simulator::{Config, Simulator};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// What an action may cost over the requests to Okta.
const MOST_OVERHEAD: Duration = Duration::from_millis(5);
/// Pairs that are not counted: connections are opened, a token is granted, caches fill.
const WARM_UP: usize = 50;

/// One way to call: the actions in turn, each with the requests that it sends to Okta.
struct Way {
    name: &'static str,
    keyed: bool,
    turns: Vec<(&'static str, Vec<Request>)>,
}

/// A deployment's function, the connection that it is called for, and the user that it is called about.
pub struct Function {
    router: Router,
    connection: Connection,
    login: String,
}

/// Measures each way, prints the figures and holds them against the promise.
pub async fn measure(pairs: usize) -> Result<(), Error> {
    let config = Config { users: 100, rate_limit: Some(10_000_000), ..Config::default() };
    let simulator = Simulator::start(config, TcpListener::bind("127.0.0.1:0").await?).await?;
    let (engine, secrets) = (Engine::start(None).await?, tempfile::tempdir()?);
    let app = deployment(&embedded_dynamodb::client(engine.endpoint()), simulator.url(), secrets.path()).await?;
    let (id, _) = connected(&app, simulator.url()).await?;
    let connection = connection::load(&app.store, &id).await?.ok_or("the connection is gone")?.connection;
    let patience = Patience::foreground(Duration::from_hours(1), Duration::from_secs(10));
    let client = app.client(&connection, patience).await?;
    let (user, login) = active_user(&client).await?;
    let function = Function::new(&app, connection, login);
    let mut broken = Vec::new();
    for way in ways(&user, &function.login) {
        let over = compare(&function, &client, &way, pairs).await?;
        if over >= MOST_OVERHEAD {
            broken.push(way.name);
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("over {MOST_OVERHEAD:?}: {}", broken.join(", ")).into()) }
}

pub async fn active_user(client: &Client) -> Result<(UserId, String), Error> {
    let users: Vec<Value> = client.fetch(&api::search_users("status eq \"ACTIVE\"", None, 1)).await?;
    let user = users.first().ok_or("nobody is active")?;
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("a user without a name");
    Ok((UserId::parse(&text(&user["id"])?)?, text(&user["profile"]["login"])?))
}

fn ways(user: &UserId, login: &str) -> Vec<Way> {
    let step = |step: Request| vec![api::find_user(login), step, api::get_user(user)];
    let swing =
        || vec![("user.suspend", step(api::suspend_user(user))), ("user.unsuspend", step(api::unsuspend_user(user)))];
    vec![
        Way { name: "user.get", keyed: false, turns: vec![("user.get", vec![api::find_user(login)])] },
        Way { name: "user.suspend and user.unsuspend", keyed: false, turns: swing() },
        Way { name: "the same with an Idempotency-Key", keyed: true, turns: swing() },
    ]
}

/// Calls and sends in pairs, now the one first and now the other; gives the difference of the medians.
async fn compare(function: &Function, client: &Client, way: &Way, pairs: usize) -> Result<Duration, Error> {
    let (mut called, mut sent) = (Vec::new(), Vec::new());
    for pair in 0..WARM_UP + pairs {
        let (mut call, mut send) = (Duration::ZERO, Duration::ZERO);
        for second in [false, true] {
            let began = Instant::now();
            if (pair % 2 == 0) == second {
                for (action, _) in &way.turns {
                    function.call(action, way.keyed).await?;
                }
                call = began.elapsed();
            } else {
                for request in way.turns.iter().flat_map(|(_, requests)| requests) {
                    client.send(request).await?;
                }
                send = began.elapsed();
            }
        }
        if pair >= WARM_UP {
            called.push(call);
            sent.push(send);
        }
    }
    let actions = u32::try_from(way.turns.len())?;
    let (called, sent) = (median(called) / actions, median(sent) / actions);
    let over = called.saturating_sub(sent);
    let requests = way.turns.first().map_or(0, |(_, requests)| requests.len());
    let verdict = if over < MOST_OVERHEAD { "PASS" } else { "over" };
    println!(
        "{}: an action {:.2} ms, its {requests} requests to Okta alone {:.2} ms, overhead {:.2} ms: {verdict}",
        way.name,
        ms(called),
        ms(sent),
        ms(over)
    );
    Ok(over)
}

impl Function {
    /// The function of a deployment.
    pub fn new(app: &App, connection: Connection, login: String) -> Self {
        let router = layered(callers(app, "action", action(app.clone())), app.clock.clone());
        Self { router, connection, login }
    }

    /// Calls an action as API Gateway would.
    pub async fn call(&self, action: &str, keyed: bool) -> Result<(), Error> {
        let path = format!("/v1/connections/{}/actions/{action}", self.connection.id);
        let mut request = http::Request::post(path).header(CONTENT_TYPE, "application/json");
        if keyed {
            request = request.header("idempotency-key", uuid::Uuid::new_v4().to_string());
        }
        let mut request = request.body(Body::from(json!({ "user": self.login }).to_string()))?;
        request.extensions_mut().insert(Caller::named("bench", BTreeSet::new(), true));
        request.extensions_mut().insert(SourceIp("203.0.113.7".to_owned()));
        let response = self.router.clone().oneshot(request).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await?;
        if status.is_success() { Ok(()) } else { Err(String::from_utf8_lossy(&body).into()) }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
