//! A scene: the parts are started, the syncing process is told to sync, and what happened is printed and checked.

use crate::Error;
use crate::part::Part;
use it::proxy::{Exchange, Proxy};
use okta_simulator::{Config, Simulator};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;

/// A function that syncs has to do with this.
const MOST_MEMORY_KIB: u64 = 64 * 1024;

/// Syncs a tenant once or twice and holds the figures against the promises.
pub async fn measure(users: usize, rate_limit: u32, twice: bool) -> Result<(), Error> {
    let config = Config { users, rate_limit: Some(rate_limit), ..Config::default() };
    let simulator = Simulator::start(config, TcpListener::bind("127.0.0.1:0").await?).await?;
    let mut engine = Part::start(&["engine"])?;
    let database = Proxy::start(&engine.says().await?).await;
    let written = count_directory_writes(&database);
    let mut syncing = Part::start(&["syncing", "--database", &database.url(), "--tenant", simulator.url()])?;
    syncing.says().await?;
    let connected = stats(&simulator).await?;
    let mut broken = Vec::new();
    let first = sync("first sync", "full", &mut syncing, &written).await?;
    let after = stats(&simulator).await?;
    let tokens = number(&after, "tokens") - number(&connected, "tokens");
    println!("  tokens the tenant granted for it {tokens}, rate-limit refusals {}", number(&after, "rate_limited"));
    let mut promise = |kept: bool, what: &str| {
        if !kept {
            broken.push(what.to_owned());
        }
    };
    promise(first["status"] == "succeeded", "the first sync succeeds");
    promise(tokens == 1, "one token for one sync");
    promise(number(&after, "rate_limited") == 0, "no rate-limit refusal");
    promise(number(&first, "peak_memory_kib") < MOST_MEMORY_KIB, "peak memory under 64 MiB");
    if twice {
        let events = json!({"count": 1_000, "type": "user.session.start"});
        reqwest::Client::new()
            .post(format!("{}/_sim/events", simulator.url()))
            .json(&events)
            .send()
            .await?
            .error_for_status()?;
        let second = sync("second sync, people having signed in between", "full", &mut syncing, &written).await?;
        promise(second["status"] == "succeeded", "the second sync succeeds");
        promise(number(&second, "directory_writes") == 0, "an unchanged tenant is not written again");
        promise(number(&second, "peak_memory_kib") < MOST_MEMORY_KIB, "peak memory under 64 MiB");
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("broken promises: {}", broken.join("; ")).into()) }
}

pub async fn sync(name: &str, mode: &str, syncing: &mut Part, written: &AtomicU64) -> Result<Value, Error> {
    written.store(0, Ordering::Relaxed);
    let mut run: Value = serde_json::from_str(&syncing.order(mode).await?)?;
    run["directory_writes"] = json!(written.load(Ordering::Relaxed));
    println!("{name}: {}", run["status"]);
    println!(
        "  {:.1} s ({} s of them waited), {} requests, {} directory items written, peak memory {:.1} MiB",
        run["seconds"].as_f64().unwrap_or_default(),
        run["waited_seconds"],
        run["requests"],
        run["directory_writes"],
        f64::from(u32::try_from(number(&run, "peak_memory_kib")).unwrap_or(u32::MAX)) / 1024.0,
    );
    for (phase, progress) in run["progress"].as_object().into_iter().flatten() {
        println!("  {phase}: {progress}");
    }
    Ok(run)
}

/// Counts the items of the directory (users, memberships, groups, roster) in every transaction that passes.
pub fn count_directory_writes(database: &Proxy) -> Arc<AtomicU64> {
    let written = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&written);
    database.intercept(move |exchange: &Exchange| {
        let is_write = exchange
            .request_headers
            .iter()
            .any(|(name, value)| name == "x-amz-target" && value.ends_with("TransactWriteItems"));
        if is_write {
            counter.fetch_add(directory_items(&exchange.request_body), Ordering::Relaxed);
        }
        None
    });
    written
}

fn directory_items(body: &[u8]) -> u64 {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let writes = request["TransactItems"].as_array().into_iter().flatten();
    let keys = writes.filter_map(|write| {
        let put = write.pointer("/Put/Item/pk/S");
        put.or_else(|| write.pointer("/Delete/Key/pk/S"))?.as_str()
    });
    keys.filter(|pk| ["U#", "G#", "P#", "T#"].iter().any(|kind| pk.starts_with(kind))).count() as u64
}

pub async fn stats(simulator: &Simulator) -> Result<Value, Error> {
    let stats = reqwest::get(format!("{}/_sim/stats", simulator.url())).await?;
    Ok(stats.error_for_status()?.json().await?)
}

pub fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_default()
}
