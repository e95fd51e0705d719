//! An unchanged tenant: what syncs of it cost, and how fast they read it.

use crate::Error;
use crate::part::Part;
use crate::scene::{count_directory_writes, number, stats, sync};
use it::proxy::Proxy;
use okta_simulator::{Config, Simulator};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;

/// Reading everything anew takes at most so much longer than the bare loop.
const MOST_TIME: f64 = 1.4;
/// Reading, hashing and comparing users takes at most so much more processor time than the bare loop.
const MOST_CPU: f64 = 3.0;
/// An incremental sync that finds nothing sends at most so many requests.
const MOST_INCREMENTAL: u64 = 6;

async fn tenant(config: Config) -> Result<Simulator, Error> {
    let config = Config { rate_limit: Some(10_000_000), ..config };
    Ok(Simulator::start(config, TcpListener::bind("127.0.0.1:0").await?).await?)
}

async fn bare(simulator: &Simulator) -> Result<Part, Error> {
    let token = &simulator.credentials().api_token;
    let mut bare = Part::start(&["bare", "--tenant", simulator.url(), "--token", token])?;
    bare.says().await?;
    Ok(bare)
}

pub fn seconds(told: &Value, name: &str) -> f64 {
    told[name].as_f64().unwrap_or_default()
}

/// Fails where a figure is over its limit.
pub fn hold(what: &str, figure: f64, most: f64) -> Result<(), Error> {
    println!("{what}: {figure:.2}, at most {most:.2}");
    if figure <= most { Ok(()) } else { Err(format!("{what} is over its limit").into()) }
}

/// The most requests that a full sync of an unchanged tenant may send, where no assignments are due.
#[expect(clippy::cast_precision_loss, reason = "far below the precision's end")]
fn most_requests(stats: &Value) -> f64 {
    let users: u64 = stats["users"].as_object().into_iter().flat_map(|by| by.values()).filter_map(Value::as_u64).sum();
    let gone = stats["users"]["DEPROVISIONED"].as_u64().unwrap_or_default();
    let pages = [users - gone, gone, number(stats, "groups"), number(stats, "apps")].map(|count| count.div_ceil(200));
    (pages.iter().sum::<u64>() + 12) as f64
}

/// Counts what syncs of an unchanged tenant cost, and times one that takes nothing for unchanged.
#[expect(clippy::cast_precision_loss, reason = "far below the precision's end")]
pub async fn measure(users: usize, groups: usize, memberships: usize, latency_ms: u64) -> Result<(), Error> {
    let latency = Duration::from_millis(latency_ms);
    let config = Config { users, groups, memberships: Some(memberships), latency, ..Config::default() };
    let simulator = tenant(config).await?;
    let mut engine = Part::start(&["engine"])?;
    let database = Proxy::start(&engine.says().await?).await;
    let written = count_directory_writes(&database);
    let mut syncing = Part::start(&["syncing", "--database", &database.url(), "--tenant", simulator.url()])?;
    syncing.says().await?;
    sync("first sync", "full", &mut syncing, &written).await?;
    let events = json!({"count": 1_000, "type": "user.session.start"});
    let door = format!("{}/_sim/events", simulator.url());
    reqwest::Client::new().post(door).json(&events).send().await?.error_for_status()?;

    let full = sync("full sync, unchanged", "full", &mut syncing, &written).await?;
    let incremental = sync("incremental sync, unchanged", "incremental", &mut syncing, &written).await?;
    let verify = sync("verify, unchanged", "verify", &mut syncing, &written).await?;
    let mut bare = bare(&simulator).await?;
    let loop_: Value = serde_json::from_str(&bare.order("everything").await?)?;
    println!("bare loop: {:.1} s, {} records", seconds(&loop_, "seconds"), loop_["records"]);

    let writes: u64 = [&full, &incremental, &verify].into_iter().map(|run| number(run, "directory_writes")).sum();
    hold("directory items written by the three", writes as f64, 0.0)?;
    let asked = number(&full, "requests") - number(&full, "tokens");
    hold("requests of the full sync", asked as f64, most_requests(&stats(&simulator).await?))?;
    let asked = number(&incremental, "requests") - number(&incremental, "tokens");
    hold("requests of the incremental sync", asked as f64, MOST_INCREMENTAL as f64)?;
    let read = seconds(&verify, "seconds") / seconds(&loop_, "seconds");
    hold("time of verify over the bare loop's", read, MOST_TIME)
}

/// Compares processor time: users alone, no group has members, and the tenant answers at once.
pub async fn measure_cpu(users: usize) -> Result<(), Error> {
    let simulator = tenant(Config { users, groups: 1, memberships: Some(0), apps: 0, ..Config::default() }).await?;
    let mut engine = Part::start(&["engine"])?;
    let database = engine.says().await?;
    let mut syncing = Part::start(&["syncing", "--database", &database, "--tenant", simulator.url()])?;
    syncing.says().await?;
    syncing.order("full").await?;
    let mut bare = bare(&simulator).await?;
    let mut ratios = Vec::new();
    for _ in 0..3 {
        let ours: Value = serde_json::from_str(&syncing.order("full").await?)?;
        let loop_: Value = serde_json::from_str(&bare.order("users").await?)?;
        let (ours, loop_) = (seconds(&ours, "cpu_seconds"), seconds(&loop_, "cpu_seconds"));
        println!("a sync {ours:.2} s of processor time, the bare loop {loop_:.2} s");
        ratios.push(ours / loop_);
    }
    ratios.sort_by(f64::total_cmp);
    hold("processor time of a sync over the bare loop's", ratios[1], MOST_CPU)
}
