//! Being a good neighbour: a sync under small limits, while actions are called beside it.

use crate::Error;
use crate::acting::{Function, active_user};
use crate::scene::{number, stats};
use crate::syncing::{connected, deployment, drive};
use embedded_dynamodb::Engine;
use it::proxy::{Exchange, Proxy};
use okta_connector::app::App;
use okta_connector::connection;
use okta_connector::okta::{AllowedOrigins, Patience, SystemResolver, Transport};
use okta_connector::synced::{Run, RunStatus};
use okta_simulator::{Config, Simulator};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// An action is called this often.
const PACE: Duration = Duration::from_millis(500);
/// A sync leaves a tenth of what it may use to others.
const ITS_OWN: f64 = 0.9;
/// A sync that a limit holds up uses at least so much of that.
const LEAST_USED: f64 = 0.9;

/// Syncs once while actions run, in two processes' worth of state that know nothing of each other.
pub async fn measure(users: usize, rate_limit: u32) -> Result<(), Error> {
    let tenant = Proxy::start("http://127.0.0.1:9").await;
    let config = Config { users, rate_limit: Some(rate_limit), public_url: Some(tenant.url()), ..Config::default() };
    let simulator = Simulator::start(config, TcpListener::bind("127.0.0.1:0").await?).await?;
    tenant.retarget(simulator.url());
    let (engine, secrets) = (Engine::start(None).await?, tempfile::tempdir()?);
    let app = deployment(&embedded_dynamodb::client(engine.endpoint()), &tenant.url(), secrets.path()).await?;
    let (id, run) = connected(&app, &tenant.url()).await?;
    let run = run.ok_or("no sync was started")?;
    let connection = connection::load(&app.store, &id).await?.ok_or("the connection is gone")?.connection;
    let apart = Transport::new(
        Arc::new(SystemResolver),
        AllowedOrigins::parse([tenant.url().as_str()])?,
        Arc::clone(&app.clock),
    )?;
    let acting = App { okta: apart, ..app.clone() };
    let patience = Patience::foreground(Duration::from_mins(1), Duration::from_secs(10));
    let (_, login) = active_user(&acting.client(&connection, patience).await?).await?;
    let function = Function::new(&acting, connection, login);

    tenant.record(true);
    let (began, mut calls) = (Instant::now(), 0);
    tokio::select! {
        done = drive(&app, &id, &run) => done?,
        failed = act(&function, &mut calls) => { failed?; }
    }
    let run = Run::load(&app.store, &id, &run).await?.ok_or("the run is gone")?;
    let refused = number(&stats(&simulator).await?, "rate_limited");
    println!("{:?}: {:.0} s, {} requests", run.status, began.elapsed().as_secs_f64(), run.requests);
    println!("{calls} actions called meanwhile, {refused} rate-limit refusals");
    let used = shares_used(&tenant.exchanges());
    for (bucket, share) in &used {
        println!("a full window of {bucket}: {:.0} % of nine tenths of the limit used", share * 100.0);
    }
    if run.status != RunStatus::Succeeded || refused > 0 || calls == 0 {
        return Err("the sync succeeds beside actions and nobody is refused: broken".into());
    }
    match used.iter().map(|(_, share)| *share).min_by(f64::total_cmp) {
        Some(least) if least >= LEAST_USED => Ok(()),
        Some(least) => Err(format!("only {least:.2} of the allowed pace was used").into()),
        None => Err("no limit held the sync up: take more users or a smaller limit".into()),
    }
}

/// Calls an action at a steady pace, for ever.
async fn act(function: &Function, calls: &mut u64) -> Result<Infallible, Error> {
    loop {
        function.call("user.get", false).await?;
        *calls += 1;
        tokio::time::sleep(PACE).await;
    }
}

/// What the sync used of its part of the limit that was shown to it, in each window that a limit ended: it went on with the same
/// bucket in the next. The actions read single users, which the sync does not, and which is another bucket.
fn shares_used(exchanges: &[Exchange]) -> Vec<(String, f64)> {
    let mut windows = BTreeMap::<(String, u32), (u32, u32)>::new();
    for exchange in exchanges.iter().filter(|exchange| !exchange.path.starts_with("/api/v1/users/")) {
        let told = |name: &str| {
            let mut headers = exchange.response_headers.iter();
            headers.find(|header| header.0 == format!("x-rate-limit-{name}"))?.1.parse::<u32>().ok()
        };
        let Some(kind) = exchange.path.strip_prefix("/api/v1/") else { continue };
        let (Some(limit), Some(reset)) = (told("limit"), told("reset")) else { continue };
        let kind = kind.split('/').next().unwrap_or_default().to_owned();
        let window = windows.entry((kind, reset)).or_insert((limit, 0));
        window.1 += 1;
    }
    let went_on = |kind: &str, reset: u32| windows.keys().any(|other| other.0 == kind && other.1 > reset);
    let full = windows.iter().filter(|((kind, reset), _)| went_on(kind, *reset));
    full.map(|((kind, _), (limit, count))| (kind.clone(), f64::from(*count) / (f64::from(*limit) * ITS_OWN))).collect()
}
