//! Searching among many people: the function `directory` over HTTP, as the console and callers ask it.

use crate::Error;
use crate::part::Part;
use crate::syncing::product;
use crate::unchanged::hold;
use axum::Extension;
use okta_connector::connection;
use okta_connector::http::{Caller, callers, directory, layered};
use okta_simulator::{Config, Simulator};
use reqwest::{Client, Url};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What a search may take, in milliseconds.
const MOST_MS: f64 = 200.0;
/// A page, as the console asks for it.
const LIMIT: &str = "50";

/// Nobody's name begins so.
const NOBODY: &str = "zzzz";

/// Searches in every way that people are looked for, each so many times; then by many clients at once.
pub async fn measure(users: usize, times: usize, clients: usize) -> Result<(), Error> {
    let config = Config { users, rate_limit: Some(10_000_000), access: true, ..Config::default() };
    let simulator = Simulator::start(config, TcpListener::bind("127.0.0.1:0").await?).await?;
    let mut engine = Part::start(&["engine"])?;
    let database = engine.says().await?;
    let mut syncing = Part::start(&["syncing", "--database", &database, "--tenant", simulator.url()])?;
    syncing.says().await?;
    let run: Value = serde_json::from_str(&syncing.order("full").await?)?;
    println!("synced {} people: {}, in {:.0} s", users, run["status"], run["seconds"].as_f64().unwrap_or_default());

    let secrets = tempfile::tempdir()?;
    let app = product(&embedded_dynamodb::client(&database), simulator.url(), secrets.path())?;
    let found = connection::pages(&app.store).next().await?.unwrap_or_default();
    let id = &found.first().ok_or("no connection")?.connection.id;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let people = format!("http://{}/v1/connections/{id}/people", listener.local_addr()?);
    let routes = layered(callers(&app, "directory", directory(app.clone())), app.clock.clone());
    let admin = Extension(Caller::named("local", BTreeSet::new(), true));
    let routes = routes.layer(admin).into_make_service();
    tokio::spawn(async move { axum::serve(listener, routes).await });

    let http = Client::new();
    let (first, cold) = ask(&http, &people, &[]).await?;
    println!("the first answer, for which the roster is read: {:.0} ms", ms(cold));
    let user = first.pointer("/items/0/id").and_then(Value::as_str).ok_or("nobody is found")?;
    let (suspend, token) =
        (format!("{}/api/v1/users/{user}/lifecycle/suspend", simulator.url()), &simulator.credentials().api_token);
    http.post(suspend)
        .header("authorization", format!("SSWS {token}"))
        .body("")
        .header("content-length", 0)
        .send()
        .await?
        .error_for_status()?;
    syncing.order("incremental").await?;
    let (_, changed) = ask(&http, &people, &[]).await?;
    println!("the first answer after a sync that found somebody changed: {:.0} ms", ms(changed));
    let mut worst = Duration::ZERO;
    let ways = ways(&first)?;
    for (name, value) in &ways {
        let mut waits = Vec::new();
        let mut hits = 0;
        for _ in 0..times {
            let (page, wait) = ask(&http, &people, &[(name, value)]).await?;
            hits = page["items"].as_array().map_or(0, Vec::len);
            waits.push(wait);
        }
        if (hits == 0) != (value.as_str() == NOBODY) {
            return Err(format!("{name}={value} finds {hits}").into());
        }
        waits.sort_unstable();
        let (median, slowest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
        println!("{name}={value}: {hits} on the page, median {:.1} ms, slowest {:.1} ms", ms(median), ms(slowest));
        worst = worst.max(slowest);
    }
    hold("the slowest search, in milliseconds", ms(worst), MOST_MS)?;
    let worst = granters(&http, &people.replace("/people", "/apps"), times).await?;
    hold("the slowest answer to who can grant an app, in milliseconds", ms(worst), MOST_MS)?;
    let mut waits = at_once(&http, &people, &ways, clients, times).await?;
    waits.sort_unstable();
    let of_hundred = |percent: usize| ms(waits[(waits.len() - 1) * percent / 100]);
    println!("{} searches by {clients} clients: median {:.1} ms", waits.len(), of_hundred(50));
    hold("of them the slowest but one in a hundred, in milliseconds", of_hundred(99), MOST_MS)
}

/// Asks who can grant each of the first apps; the longest wait.
async fn granters(http: &Client, apps: &str, times: usize) -> Result<Duration, Error> {
    let (listed, _) = ask(http, apps, &[]).await?;
    let ids = listed["items"].as_array().ok_or("no list")?.iter().filter_map(|app| app["id"].as_str());
    let mut waits = Vec::new();
    let mut found = 0;
    for id in ids.cycle().take(times) {
        let (page, wait) = ask(http, &format!("{apps}/{id}/granters"), &[]).await?;
        found += page["items"].as_array().map_or(0, Vec::len);
        waits.push(wait);
    }
    waits.sort_unstable();
    let (median, slowest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    println!(
        "who can grant an app: {found} in {times} answers, median {:.1} ms, slowest {:.1} ms",
        ms(median),
        ms(slowest)
    );
    if found == 0 { Err("nobody can grant an app".into()) } else { Ok(slowest) }
}

/// Each client searches in each way, one search after another; how long each search took.
async fn at_once(
    http: &Client,
    people: &str,
    ways: &[(&'static str, String)],
    clients: usize,
    times: usize,
) -> Result<Vec<Duration>, Error> {
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let http = http.clone();
        let people = people.to_owned();
        let mut ways = ways.to_vec();
        // No two ask for the same at the same time.
        let first = client % ways.len();
        ways.rotate_left(first);
        tasks.spawn(async move {
            let mut waits = Vec::new();
            for (name, value) in ways.iter().cycle().take(times) {
                let asked = ask(&http, &people, &[(name, value)]).await;
                waits.push(asked.map_err(|error| error.to_string())?.1);
            }
            Ok::<_, String>(waits)
        });
    }
    let mut all = Vec::new();
    while let Some(waits) = tasks.join_next().await {
        all.extend(waits??);
    }
    Ok(all)
}

/// A name letter by letter, as somebody types it, who is found by nothing, and all other filters.
fn ways(first: &Value) -> Result<Vec<(&'static str, String)>, Error> {
    let items = first["items"].as_array().ok_or("no list")?;
    let told = |pointer: &str| {
        let text = items.iter().find_map(|person| person.pointer(pointer)?.as_str());
        text.map(str::to_owned).ok_or_else(|| format!("nobody has {pointer}"))
    };
    let name = told("/name")?;
    let typed = (1..=name.chars().count()).map(|letters| ("q", name.chars().take(letters).collect()));
    let others = [
        ("q", NOBODY.to_owned()),
        ("q", told("/login")?),
        ("title", told("/title")?),
        ("department", told("/department")?),
        ("manager", told("/manager/id")?),
        ("location", told("/location/id")?),
        ("admin", "true".to_owned()),
    ];
    Ok(typed.chain(others).collect())
}

async fn ask(http: &Client, people: &str, filter: &[(&str, &String)]) -> Result<(Value, Duration), Error> {
    let filter = filter.iter().map(|(name, value)| (*name, value.as_str()));
    let url = Url::parse_with_params(people, [("limit", LIMIT)].into_iter().chain(filter))?;
    let began = Instant::now();
    let answer = http.get(url).send().await?.error_for_status()?.bytes().await?;
    let wait = began.elapsed();
    Ok((serde_json::from_slice(&answer)?, wait))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
