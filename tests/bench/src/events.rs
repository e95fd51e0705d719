//! Events: what it costs to drain a log, and how long a hook waits for its answer.

use crate::Error;
use crate::part::Part;
use crate::scene::number;
use crate::syncing::{connected, cpu_seconds, deployment, peak_memory_kib};
use crate::unchanged::{hold, seconds};
use axum::body::Body;
use embedded_dynamodb::Engine;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use okta_connector::connection;
use okta_connector::feed::Head;
use okta_connector::http::{layered, public};
use okta_connector::id::TriggerId;
use okta_connector::triggers;
use okta_simulator::{Config, Simulator};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncBufReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// Draining takes at most so much more processor time than the bare loop.
const MOST_CPU: f64 = 3.0;
/// A poll works for so long at most.
const TURN: Duration = Duration::from_secs(60);
const TYPE: &str = "user.session.start";

/// Drains a log of many events into a feed, beside a bare loop that reads and parses the same pages.
pub async fn measure_drain(count: usize) -> Result<(), Error> {
    let config = Config { users: 100, rate_limit: Some(10_000_000), ..Config::default() };
    let simulator = Simulator::start(config, TcpListener::bind("127.0.0.1:0").await?).await?;
    let mut engine = Part::start(&["engine"])?;
    let database = engine.says().await?;
    let mut draining = Part::start(&["draining", "--database", &database, "--tenant", simulator.url()])?;
    draining.says().await?;
    let mut memory = Vec::new();
    let mut bare = Part::start(&["bare", "--tenant", simulator.url(), "--token", &simulator.credentials().api_token])?;
    bare.says().await?;
    bare.order("log").await?;
    let mut ratio = 0.0;
    for events in [count / 10, count] {
        happen(&simulator, events).await?;
        let ours: Value = serde_json::from_str(&draining.order("drain").await?)?;
        let loop_: Value = serde_json::from_str(&bare.order("log").await?)?;
        let (cpu, of_loop) = (seconds(&ours, "cpu_seconds"), seconds(&loop_, "cpu_seconds"));
        println!(
            "{events} events: {cpu:.2} s of processor time, {} in the feed, peak {} KiB",
            ours["chunks"], ours["peak_memory_kib"]
        );
        println!("the bare loop: {of_loop:.2} s, {} records", loop_["records"]);
        memory.push(number(&ours, "peak_memory_kib"));
        ratio = cpu / of_loop;
    }
    hold("processor time of draining over the bare loop's", ratio, MOST_CPU)?;
    #[expect(clippy::cast_precision_loss, reason = "far below the precision's end")]
    hold("peak memory of ten times the events over that of one", memory[1] as f64 / memory[0] as f64, 1.5)
}

pub async fn happen(simulator: &Simulator, mut events: usize) -> Result<(), Error> {
    while events > 0 {
        let some = events.min(10_000);
        let order = json!({"count": some, "type": TYPE});
        let door = format!("{}/_sim/events", simulator.url());
        reqwest::Client::new().post(door).json(&order).send().await?.error_for_status()?;
        events -= some;
    }
    Ok(())
}

/// The process that drains: a trigger on everything new, and one drain for each line of input.
pub async fn drain(database: &str, tenant: &str) -> Result<(), Error> {
    let secrets = tempfile::tempdir()?;
    let app = deployment(&embedded_dynamodb::client(database), tenant, secrets.path()).await?;
    let (id, _) = connected(&app, tenant).await?;
    let connection = connection::load(&app.store, &id).await?.ok_or("no connection")?.connection;
    let body = json!({"type": "new_events"});
    triggers::create(&app, &connection, TriggerId::random(), &body).await?;
    println!("ready");
    let mut orders = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    while orders.next_line().await?.is_some() {
        let (began, spent) = (Instant::now(), cpu_seconds()?);
        let before = Head::load(&app.store, &id).await?.tail;
        // The last turn finds nothing new.
        loop {
            let tail = Head::load(&app.store, &id).await?.tail;
            triggers::poll(&app, &connection, TURN).await?;
            if Head::load(&app.store, &id).await?.tail == tail {
                break;
            }
        }
        let told = json!({
            "seconds": began.elapsed().as_secs_f64(), "cpu_seconds": cpu_seconds()? - spent,
            "chunks": Head::load(&app.store, &id).await?.tail - before, "peak_memory_kib": peak_memory_kib("self")?,
        });
        println!("{told}");
    }
    Ok(())
}

/// Posts deliveries to a hook, many at a time, and tells how long they wait for their answer.
pub async fn measure_hooks(deliveries: usize, in_flight: usize) -> Result<(), Error> {
    let simulator =
        Simulator::start(Config { users: 100, ..Config::default() }, TcpListener::bind("127.0.0.1:0").await?).await?;
    let (engine, secrets) = (Engine::start(None).await?, tempfile::tempdir()?);
    let mut app = deployment(&embedded_dynamodb::client(engine.endpoint()), simulator.url(), secrets.path()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    app.public_url = format!("http://{}", listener.local_addr()?);
    let router = layered(public(app.ground()), Arc::clone(&app.clock));
    let shown = Arc::new(std::sync::Mutex::new(String::new()));
    let seen = Arc::clone(&shown);
    // What Okta shows when it verifies the hook is what the measurement shows later.
    let overheard = router.clone().layer(axum::middleware::from_fn(
        move |request: http::Request<Body>, next: axum::middleware::Next| {
            let secret =
                request.headers().get(AUTHORIZATION).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
            *seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = secret;
            next.run(request)
        },
    ));
    tokio::spawn(async move { axum::serve(listener, overheard).await });
    let (id, _) = connected(&app, simulator.url()).await?;
    let connection = connection::load(&app.store, &id).await?.ok_or("no connection")?.connection;
    let trigger = TriggerId::random();
    triggers::create(&app, &connection, trigger.clone(), &json!({"type": "event_hook", "event_types": [TYPE]})).await?;
    let secret = shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let opaque = |id: &str| id.rsplit('_').next().unwrap_or_default().to_owned();
    let path = format!("/v1/hooks/{}{}", opaque(id.as_str()), opaque(trigger.as_str()));
    let (mut running, mut waits) = (JoinSet::new(), Vec::new());
    for number in 0..deliveries {
        if running.len() == in_flight {
            waits.push(running.join_next().await.ok_or("nothing runs")???);
        }
        let event = json!({"uuid": format!("uuid-{number}"), "eventType": TYPE, "published": "2026-01-01T00:00:00.000Z",
            "actor": {"id": "00u1"}, "target": []});
        let body = json!({"eventType": "com.okta.event_hook", "data": {"events": [event]}}).to_string();
        let request = http::Request::post(path.as_str())
            .header(AUTHORIZATION, secret.as_str())
            .header(CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body))?;
        let router = router.clone();
        running.spawn(async move {
            let began = Instant::now();
            let answer = router.oneshot(request).await.unwrap_or_else(|never| match never {});
            if answer.status() == 204 {
                Ok::<_, Error>(began.elapsed())
            } else {
                Err(format!("answered {}", answer.status()).into())
            }
        });
    }
    while let Some(wait) = running.join_next().await {
        waits.push(wait??);
    }
    waits.sort();
    let at = |percent: usize| waits[(waits.len() * percent / 100).min(waits.len() - 1)].as_secs_f64() * 1_000.0;
    println!("{deliveries} deliveries, {in_flight} in flight: median {:.0} ms, p99 {:.0} ms", at(50), at(99));
    hold("p99 of a delivery's wait, in milliseconds", at(99), 500.0)
}
