//! A tenant that is never silent: background events all the time, answers that take a while, and Okta's own limits. A
//! trigger can be made, an incremental sync ends, and polls keep pace.

use crate::Error;
use crate::scene::{number, stats};
use crate::served::{Caller, Served};
use okta_connector::clock::SystemClock;
use okta_simulator::Config;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Triggers that are made one after another.
const TRIGGERS: usize = 20;
/// How long events are let come before it is seen whether the polls have kept pace.
const WATCHED: Duration = Duration::from_mins(5);
/// What polls may be behind: two of their minutes.
const MOST_BEHIND: f64 = 120.0;

/// Measures it all with so many events a second, some of which are memberships, and some of which come late.
pub async fn measure(users: usize, events_a_second: u32, latency_ms: u64) -> Result<(), Error> {
    let latency = Duration::from_millis(latency_ms);
    let config = Config { users, latency, noise: Some(0), ..Config::default() };
    let Served { simulator, caller, path, .. } = &Served::synced(config).await?;
    let (quiet, _) = caller.sync(path).await?;
    let order = json!({"per_minute": events_a_second * 60, "late_seconds": 5});
    caller.http.post(format!("{}/_sim/noise", simulator.url())).json(&order).send().await?.error_for_status()?;
    // What happened before is behind: the next run reads busy minutes alone.
    tokio::time::sleep(Duration::from_mins(1)).await;

    let mut slowest = 0.0_f64;
    let mut made = 0;
    for _ in 0..TRIGGERS {
        let began = Instant::now();
        let trigger = json!({"type": "new_events"});
        let (status, body) = caller.call(Method::POST, &format!("{path}/triggers"), Some(trigger)).await?;
        made += usize::from(status == 201);
        slowest = slowest.max(began.elapsed().as_secs_f64());
        if status != 201 {
            println!("  refused: {status} {}", body["detail"]);
        }
    }
    println!("{made} of {TRIGGERS} triggers made, the slowest in {slowest:.1} s");
    let (busy, run) = caller.sync(path).await?;
    println!(
        "incremental sync: {quiet:.1} s in a silent tenant, {busy:.1} s in a busy one ({} requests, {} s waited)",
        run["requests"], run["waited_seconds"]
    );
    tokio::time::sleep(WATCHED).await;
    let (behind, events) = kept_pace(caller, path).await?;
    let refused = number(&stats(simulator).await?, "rate_limited");
    println!("polls: {events} events of one trigger, each once; {behind:.0} s behind; {refused} rate-limit refusals");
    let mut broken = Vec::new();
    for (kept, promise) in [
        (made == TRIGGERS, "each trigger is made"),
        (run["status"] == "succeeded" && busy <= 2.0 * quiet, "an incremental sync ends within twice its quiet time"),
        (behind <= MOST_BEHIND, "polls keep pace"),
        (refused == 0, "no rate-limit refusal"),
    ] {
        if !kept {
            broken.push(promise);
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("broken promises: {}", broken.join("; ")).into()) }
}

/// How far the newest event of the first trigger is behind, in seconds, and how many there are; an error where one came
/// twice.
async fn kept_pace(caller: &Caller, path: &str) -> Result<(f64, usize), Error> {
    let (_, triggers) = caller.call(Method::GET, &format!("{path}/triggers"), None).await?;
    let trigger = triggers["items"][0]["id"].as_str().ok_or("there is no trigger")?;
    let (mut cursor, mut seen, mut newest) = (String::new(), BTreeSet::new(), String::new());
    loop {
        let page = format!("{path}/events?trigger={trigger}&limit=200{cursor}");
        let (_, page) = caller.call(Method::GET, &page, None).await?;
        let items = page["items"].as_array().ok_or("no page")?;
        for item in items {
            newest = newest.max(item["time"].as_str().unwrap_or_default().to_owned());
            if !seen.insert(item["id"].to_string()) {
                return Err(format!("{} came twice", item["id"]).into());
            }
        }
        if items.is_empty() {
            break;
        }
        cursor = format!("&cursor={}", page["next_cursor"].as_str().unwrap_or_default());
    }
    let newest: jiff::Timestamp = newest.parse()?;
    let behind = okta_connector::clock::Clock::now(&SystemClock).duration_since(newest);
    Ok((behind.as_secs_f64(), seen.len()))
}
