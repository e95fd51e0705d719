//! What a month of one connection is made of, counted run by run, and dollars from that.
//!
//! One connection with the usual schedules and one polled trigger; ten memberships a person; one person in a hundred
//! changes a day; thirty events a person and day. Functions have the memory that `template.yaml` gives them.

use crate::Error;
use crate::events::happen;
use crate::part::Part;
use crate::syncing::{connected, deployment, drive};
use crate::unchanged::{hold, seconds};
use crate::units::Meter;
use okta_connector::app::App;
use okta_connector::feed::Head;
use okta_connector::id::{ConnectionId, SyncId, TriggerId};
use okta_connector::synced::{Mode, Run, SyncRun};
use okta_connector::{connection, runs, triggers};
use okta_simulator::{Config, Simulator};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::AsyncBufReadExt;
use tokio::net::TcpListener;

const DAYS: f64 = 30.0;
const FULL_A_DAY: f64 = 4.0;
/// Every quarter of an hour, but where a full one is due as well.
const INCREMENTAL_A_DAY: f64 = 96.0 - FULL_A_DAY;
const VERIFY_A_DAY: f64 = 1.0 / 7.0;
const POLLS_A_DAY: f64 = 1_440.0;
const EVENTS_A_USER: f64 = 30.0;
/// Memory of `sync` in GB: 512 MB, the default of the parameter `SyncMemory`.
const SYNC_GB: f64 = 0.5;
/// Memory of `log-poll` in GB: 256 MB.
const LOG_POLL_GB: f64 = 0.25;
/// A slice ends by itself after so many seconds.
const SLICE: f64 = 240.0;
/// `Begin`, `FillIn`, `Slice`, `Result`, `Done`; each further slice is Slice and Result.
const TRANSITIONS: f64 = 5.0;

/// Dollars for one, us-east-1 and arm64, from the price pages of DynamoDB (on demand), Lambda, Step Functions and Secrets
/// Manager.
mod price {
    pub const WRITE: f64 = 0.625e-6;
    pub const READ: f64 = 0.125e-6;
    pub const GB_SECOND: f64 = 13.3334e-6;
    pub const INVOCATION: f64 = 0.20e-6;
    pub const TRANSITION: f64 = 25e-6;
    pub const SECRET: f64 = 0.40;
}

/// What is asserted: units written for each user in a first sync, and for each change in an incremental one; units read in a
/// poll that finds nothing.
const MOST_WRITTEN_A_USER: f64 = 65.0;
const MOST_WRITTEN_A_CHANGE: f64 = 100.0;
const MOST_READ_POLL: f64 = 12.0;

/// Something that happens so often in a month.
struct Row {
    name: &'static str,
    told: Value,
    a_month: f64,
}

/// Counts each kind of run once and tells the month.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
pub async fn measure(users: usize, latency_ms: u64) -> Result<(), Error> {
    let (latency, memberships) = (Duration::from_millis(latency_ms), Some(users * 10));
    let groups = (users / 20).clamp(20, 2_000);
    let config = Config { users, groups, memberships, latency, rate_limit: Some(10_000_000), ..Config::default() };
    let simulator = Simulator::start(config, TcpListener::bind("127.0.0.1:0").await?).await?;
    let mut engine = Part::start(&["engine"])?;
    let database = engine.says().await?;
    let mut month = Part::start(&["month", "--database", &database, "--tenant", simulator.url()])?;
    month.says().await?;
    let changed_a_day = users as f64 / 100.0;
    let first = ask(&mut month, "full").await?;
    change(&simulator, (changed_a_day / FULL_A_DAY).ceil() as usize).await?;
    let mut full = ask(&mut month, "full").await?;
    // The next run deletes what a run has replaced, so the first one after the full one deletes for that.
    let few = (changed_a_day / INCREMENTAL_A_DAY).ceil();
    change(&simulator, few as usize).await?;
    let behind = ask(&mut month, "incremental").await?;
    change(&simulator, few as usize).await?;
    let incremental = ask(&mut month, "incremental").await?;
    let deleted = (seconds(&behind, "written") - seconds(&incremental, "written")).max(0.0);
    full["written"] = json!(seconds(&full, "written") + deleted);
    let verify = ask(&mut month, "verify").await?;
    ask(&mut month, "trigger").await?;
    let idle = ask(&mut month, "poll").await?;
    happen(&simulator, (users as f64 * EVENTS_A_USER / POLLS_A_DAY).ceil() as usize).await?;
    let poll = ask(&mut month, "poll").await?;
    println!("{users} users, {groups} groups, answers of Okta after {latency_ms} ms");
    println!(
        "{:<22} {:>9} {:>9} {:>11} {:>11} {:>9} {:>9}",
        "once", "requests", "seconds", "units read", "written", "a month", "USD"
    );
    let rows = [
        Row { name: "first sync", told: first.clone(), a_month: 0.0 },
        Row { name: "full sync", told: full, a_month: FULL_A_DAY * DAYS },
        Row { name: "incremental sync", told: incremental.clone(), a_month: INCREMENTAL_A_DAY * DAYS },
        Row { name: "verifying sync", told: verify, a_month: VERIFY_A_DAY * DAYS },
        Row { name: "poll, events", told: poll, a_month: POLLS_A_DAY * DAYS },
        Row { name: "poll, nothing", told: idle.clone(), a_month: 0.0 },
    ];
    let mut total = price::SECRET;
    for row in &rows {
        total += row.print();
    }
    println!("a month of runs, and the connection's secret: {total:.2} USD");
    println!("a first sync, once: {:.2} USD", dollars(&first, true));
    hold(
        "units written for each user of a first sync",
        seconds(&first, "written") / users as f64,
        MOST_WRITTEN_A_USER,
    )?;
    let written = seconds(&incremental, "written") / few;
    hold("units written for each change of an incremental sync", written, MOST_WRITTEN_A_CHANGE)?;
    hold("units read by a poll that finds nothing", seconds(&idle, "read"), MOST_READ_POLL)
}

impl Row {
    fn print(&self) -> f64 {
        let Self { name, told, a_month } = self;
        let usd = dollars(told, name.ends_with("sync")) * a_month;
        println!(
            "{name:<22} {:>9} {:>9.1} {:>11.0} {:>11.0} {a_month:>9.0} {usd:>9.2}",
            told["requests"].as_u64().map_or("-".to_owned(), |count| count.to_string()),
            seconds(told, "seconds"),
            seconds(told, "read"),
            seconds(told, "written"),
        );
        usd
    }
}

/// What one of it costs.
fn dollars(told: &Value, is_sync: bool) -> f64 {
    let time = seconds(told, "seconds");
    let slices = (time / SLICE).ceil().max(1.0);
    let transitions = if is_sync { TRANSITIONS + 2.0 * (slices - 1.0) } else { 0.0 };
    let gb = if is_sync { SYNC_GB } else { LOG_POLL_GB };
    seconds(told, "written") * price::WRITE
        + seconds(told, "read") * price::READ
        + time * gb * price::GB_SECOND
        + slices * price::INVOCATION
        + transitions * price::TRANSITION
}

async fn ask(month: &mut Part, what: &str) -> Result<Value, Error> {
    Ok(serde_json::from_str(&month.order(what).await?)?)
}

/// So many people get another title.
async fn change(simulator: &Simulator, count: usize) -> Result<(), Error> {
    let http = reqwest::Client::new();
    let token = format!("SSWS {}", simulator.credentials().api_token);
    let (mut left, mut url) = (count, format!("{}/api/v1/users?limit=200", simulator.url()));
    while left > 0 {
        let page = http.get(&url).header("authorization", &token).send().await?.error_for_status()?;
        let links = page.headers().get_all("link").iter().filter_map(|link| link.to_str().ok());
        let next = links
            .filter(|link| link.contains("rel=\"next\""))
            .find_map(|link| Some(link.split(['<', '>']).nth(1)?.to_owned()));
        let users: Value = page.json().await?;
        for user in users.as_array().into_iter().flatten().take(left) {
            let url = format!("{}/api/v1/users/{}", simulator.url(), user["id"].as_str().unwrap_or_default());
            let body = json!({"profile": {"title": format!("Title {left}")}});
            http.post(url).header("authorization", &token).json(&body).send().await?.error_for_status()?;
            left -= 1;
        }
        url = next.ok_or("there are not so many users")?;
    }
    Ok(())
}

/// The process that works for a month: one line of input is one run.
pub async fn work(database: &str, tenant: &str) -> Result<(), Error> {
    let (secrets, meter) = (tempfile::tempdir()?, Meter::default());
    let client = meter.on(&embedded_dynamodb::client(database));
    let app = deployment(&client, tenant, secrets.path()).await?;
    let (id, mut first) = connected(&app, tenant).await?;
    println!("connected");
    let mut orders = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        meter.take();
        let began = Instant::now();
        let mut told = match order.as_str() {
            "trigger" => {
                let connection = connection::load(&app.store, &id).await?.ok_or("no connection")?.connection;
                triggers::create(&app, &connection, TriggerId::random(), &json!({"type": "new_events"})).await?;
                poll(&app, &id).await?
            }
            "poll" => poll(&app, &id).await?,
            mode => sync(&app, &id, mode, first.take()).await?,
        };
        let units = meter.take();
        told["seconds"] = json!(began.elapsed().as_secs_f64());
        (told["read"], told["written"]) = (json!(units.read), json!(units.written));
        println!("{told}");
    }
    Ok(())
}

async fn sync(app: &App, id: &ConnectionId, mode: &str, first: Option<SyncId>) -> Result<Value, Error> {
    let mode: Mode = serde_json::from_value(json!(mode))?;
    let stored = connection::load(&app.store, id).await?.ok_or("no connection")?;
    let run = match first {
        Some(first) => first,
        None => runs::start(app, &stored.connection, mode).await?.id,
    };
    drive(app, id, &run).await?;
    let run = Run::load(&app.store, id, &run).await?.ok_or("the run is gone")?;
    let told = json!(SyncRun::of(run));
    if told["status"] == "succeeded" { Ok(told) } else { Err(format!("a sync did not succeed: {told}").into()) }
}

async fn poll(app: &App, id: &ConnectionId) -> Result<Value, Error> {
    let stored = connection::load(&app.store, id).await?.ok_or("no connection")?;
    triggers::poll(app, &stored.connection, Duration::from_secs(60)).await?;
    let head = Head::load(&app.store, id).await?;
    match head.poll_error {
        None => Ok(json!({"requests": null})),
        Some(error) => Err(error.into()),
    }
}
