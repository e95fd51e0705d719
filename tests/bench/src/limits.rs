//! A first sync under Okta's own limits, with an action beside it each second: how soon people can be read, how soon all is
//! there, and how that compares with what the limits allow.

use crate::Error;
use crate::acting::{Function, active_user};
use crate::scene::{number, stats};
use crate::syncing::{connected, deployment, drive};
use embedded_dynamodb::Engine;
use it::proxy::{Exchange, Proxy};
use okta_connector::app::App;
use okta_connector::connection;
use okta_connector::id::ConnectionId;
use okta_connector::okta::{AllowedOrigins, Patience, SystemResolver, Transport};
use okta_connector::synced::{Run, RunStatus, State};
use okta_simulator::{Config, Simulator};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// An action is called this often.
const PACE: Duration = Duration::from_secs(1);
/// No action waits longer because of the sync.
const LONGEST_ACTION: Duration = Duration::from_secs(1);
/// A window of Okta's limits.
const WINDOW: f64 = 60.0;
/// A sync leaves one request in so many to others.
const RESERVE: u32 = 10;

/// Syncs once. It fails where an action waits or is refused, or where the sync takes longer than it may.
pub async fn measure(users: usize, memberships: usize, readable: f64, over_the_bound: f64) -> Result<(), Error> {
    let tenant = Proxy::start("http://127.0.0.1:9").await;
    let config = Config { users, memberships: Some(memberships), public_url: Some(tenant.url()), ..Config::default() };
    let simulator = Simulator::start(config, TcpListener::bind("127.0.0.1:0").await?).await?;
    tenant.retarget(simulator.url());
    let engine = Engine::start(None).await?;
    let secrets = tempfile::tempdir()?;
    let app = deployment(&embedded_dynamodb::client(engine.endpoint()), &tenant.url(), secrets.path()).await?;
    let (id, run) = connected(&app, &tenant.url()).await?;
    let run = run.ok_or("no sync was started")?;
    let connection = connection::load(&app.store, &id).await?.ok_or("the connection is gone")?.connection;
    let resolver = Arc::new(SystemResolver);
    let allowed = AllowedOrigins::parse([tenant.url().as_str()])?;
    let acting = App { okta: Transport::new(resolver, allowed, Arc::clone(&app.clock))?, ..app.clone() };
    let patience = Patience::foreground(Duration::from_mins(1), Duration::from_secs(10));
    let (_, login) = active_user(&acting.client(&connection, patience).await?).await?;
    let function = Function::new(&acting, connection, login);

    tenant.record(true);
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut published = None;
    tokio::select! {
        done = drive(&app, &id, &run) => done?,
        failed = act(&function, &mut slowest) => { failed?; }
        failed = watch(&app, &id, began, &mut published) => { failed?; }
    }
    let whole = began.elapsed().as_secs_f64();
    let published = published.unwrap_or(whole);
    let run = Run::load(&app.store, &id, &run).await?.ok_or("the run is gone")?;
    let refused = number(&stats(&simulator).await?, "rate_limited");
    let bound = bound(&tenant.exchanges());
    println!("{:?}: {} requests, {} s waited", run.status, run.requests, run.waited_seconds);
    println!(
        "people readable after {published:.1} s, whole after {whole:.1} s; nine tenths of the limits allow {bound:.0} s"
    );
    println!("{refused} rate-limit refusals; the slowest action took {} ms", slowest.as_millis());
    if run.status != RunStatus::Succeeded || refused > 0 {
        return Err("the sync succeeds and nothing is refused: broken".into());
    }
    if slowest > LONGEST_ACTION {
        return Err("an action waited because of the sync".into());
    }
    if published > readable || whole > bound * over_the_bound + readable {
        return Err(format!("at most {readable} s, and {over_the_bound} times the bound: broken").into());
    }
    Ok(())
}

/// Calls an action at a steady pace, for ever.
async fn act(function: &Function, slowest: &mut Duration) -> Result<Infallible, Error> {
    loop {
        let began = Instant::now();
        function.call("user.get", false).await?;
        *slowest = (*slowest).max(began.elapsed());
        tokio::time::sleep(PACE).await;
    }
}

/// Looks for the moment at which people can be read, for ever.
async fn watch(app: &App, id: &ConnectionId, began: Instant, found: &mut Option<f64>) -> Result<Infallible, Error> {
    loop {
        if found.is_none() && State::load(&app.store, id).await?.is_published() {
            *found = Some(began.elapsed().as_secs_f64());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How long the requests that were sent take at least under nine tenths of the limits that their answers named: a bucket's
/// first window begins at once, and each further one a minute later.
fn bound(exchanges: &[Exchange]) -> f64 {
    let mut buckets = BTreeMap::<String, (u32, u32)>::new();
    for exchange in exchanges.iter().filter(|exchange| !exchange.path.starts_with("/api/v1/users/")) {
        let mut headers = exchange.response_headers.iter();
        let limit = headers.find(|header| header.0 == "x-rate-limit-limit").and_then(|header| header.1.parse().ok());
        let Some(kind) = exchange.path.strip_prefix("/api/v1/").and_then(|path| path.split('/').next()) else {
            continue;
        };
        let Some(limit) = limit else { continue };
        let bucket = buckets.entry(kind.to_owned()).or_insert((limit, 0));
        bucket.1 += 1;
    }
    for (bucket, (limit, sent)) in &buckets {
        println!("{bucket}: {sent} requests of {limit} a minute");
    }
    let own = |limit: u32| limit - limit.div_ceil(RESERVE);
    let windows = buckets.values().map(|(limit, sent)| sent.div_ceil(own(*limit))).max().unwrap_or(1);
    f64::from(windows - 1) * WINDOW
}
