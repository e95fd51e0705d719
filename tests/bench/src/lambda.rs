//! The functions at the sizes that the template gives them: cold starts, the first answer about many people, a sync's slice
//! and a poll, each program with the memory and the share of a processor that Lambda gives it.
//!
//! Real: the programs, the kernel that holds them to their share, the requests over loopback. Not real: Lambda's own work
//! before a program starts, the short time at a start in which Lambda gives more of a processor, AWS's latencies.

use crate::Error;
use crate::cold::{ADMINS, request};
use crate::part::Part;
use crate::runtime::Function;
use crate::share::{Share, WHOLE_PROCESSOR_MB};
use crate::syncing::{connected, deployment, drive};
use it::proxy::{Answer, Exchange, Proxy};
use okta_connector::connection;
use okta_connector::feed::Head;
use okta_connector::id::{ConnectionId, TriggerId};
use okta_connector::synced::{Mode, RunStatus, State};
use okta_connector::triggers;
use okta_simulator::{Config, Simulator};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;

const TEMPLATE: &str = "template.yaml";
/// Events that a poll finds.
const EVENTS: usize = 5_000;
/// The first answer about people, for which all of them are read, takes no longer.
const MOST_FIRST_MS: f64 = 1_000.0;
/// `directory` needs no more memory with so many people.
const MOST_DIRECTORY_MIB: u64 = 160;

/// Measures each function that has something to do with a tenant of so many people.
pub async fn measure(programs: &Path, users: usize) -> Result<(), Error> {
    let sizes = sizes(&std::fs::read_to_string(TEMPLATE)?)?;
    let config = Config { users, rate_limit: Some(10_000_000), ..Config::default() };
    let simulator = Simulator::start(config, TcpListener::bind("127.0.0.1:0").await?).await?;
    let mut engine = Part::start(&["engine"])?;
    let database = engine.says().await?;
    let secrets = tempfile::tempdir()?;
    let app = deployment(&embedded_dynamodb::client(&database), simulator.url(), secrets.path()).await?;
    let (id, first) = connected(&app, simulator.url()).await?;
    drive(&app, &id, &first.ok_or("no first sync")?).await?;
    let stored = connection::load(&app.store, &id).await?.ok_or("the connection is gone")?;
    triggers::create(&app, &stored.connection, TriggerId::random(), &json!({"type": "new_events"})).await?;
    let happen = format!("{}/_sim/events", simulator.url());
    let body = json!({"count": EVENTS, "type": "user.session.start"});
    reqwest::Client::new().post(happen).json(&body).send().await?.error_for_status()?;
    println!("{users} people are synced");

    let aws = Proxy::start(&database).await;
    let folder = secrets.path().to_owned();
    aws.intercept(move |exchange| answer(exchange, &folder));
    let variables = [
        ("AWS_ENDPOINT_URL", aws.url()),
        ("OKTA_CONNECTOR_ALLOW_ORIGIN", simulator.url().to_owned()),
        ("OKTA_CONNECTOR_STACK", "bench".to_owned()),
        ("OKTA_CONNECTOR_TABLE", "bench".to_owned()),
        ("OKTA_CONNECTOR_BUS", "bench".to_owned()),
        ("OKTA_CONNECTOR_STATE_MACHINE", "arn:aws:states:us-east-1:123456789012:stateMachine:bench".to_owned()),
        ("OKTA_CONNECTOR_ADMIN_ROLE_ARNS", ADMINS.to_owned()),
        ("OKTA_CONNECTOR_PUBLIC_URL", "https://api.example.com".to_owned()),
    ];
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    println!(
        "{:<10} {:>7} {:>9} {:>11} {:>11} {:>10}",
        "function", "memory", "processor", "first poll", "took", "peak"
    );
    let before = Head::load(&app.store, &id).await?;
    let mut over = Ok(());
    for Work { function, events } in work(&id) {
        let megabytes = *sizes.get(function).ok_or_else(|| format!("no size of {function}"))?;
        let share = Share::new(megabytes)?;
        let mut running = Function::start(&programs.join(function), &variables, Some(&share)).await?;
        for (place, (what, event)) in events.iter().enumerate() {
            let invoked = running.invoke(event).await.map_err(|error| format!("{function}: {error}"))?;
            if invoked.answer["statusCode"].as_u64().is_some_and(|status| status >= 400) {
                return Err(format!("{function}: {}", invoked.answer).into());
            }
            let first = place == 0;
            let name = if first { function } else { "" };
            let polled = if first { format!("{:.0} ms", ms(invoked.polled)) } else { String::new() };
            let peak = running.peak_memory_kib()? / 1_024;
            println!(
                "{name:<10} {megabytes:>4} MB {:>7} % {polled:>11} {:>8.0} ms {peak:>6} MiB  {what}",
                megabytes * 100 / WHOLE_PROCESSOR_MB,
                ms(invoked.took),
            );
            if function == "directory" && (peak > MOST_DIRECTORY_MIB || first && ms(invoked.took) > MOST_FIRST_MS) {
                over = Err(format!("directory: over {MOST_FIRST_MS} ms or {MOST_DIRECTORY_MIB} MiB"));
            }
        }
    }
    let head = Head::load(&app.store, &id).await?;
    if head.poll_error.is_some() || head.tail == before.tail {
        return Err(format!("the poll brought nothing: {:?}", head.poll_error).into());
    }
    let last = State::load(&app.store, &id).await?.last.ok_or("no sync")?;
    if (last.mode, last.status) != (Mode::Verify, RunStatus::Succeeded) {
        return Err(format!("the last sync is {:?} and {:?}", last.mode, last.status).into());
    }
    Ok(over?)
}

/// What one process of a function does, one after the other.
struct Work {
    function: &'static str,
    events: Vec<(&'static str, Value)>,
}

fn work(id: &ConnectionId) -> Vec<Work> {
    let path = format!("/v1/connections/{id}");
    let get = |rest: &str| request("GET", &format!("{path}{rest}"));
    let test = || request("POST", &format!("{path}/test"));
    let slice = |mode: &str| json!({"connection": id, "mode": mode, "execution": mode, "hops": 0});
    vec![
        Work { function: "connect", events: vec![("the connection", get(""))] },
        Work { function: "public", events: vec![("its health", request("GET", "/v1/health"))] },
        Work { function: "test", events: vec![("a test of the connection", test()), ("another", test())] },
        Work {
            function: "directory",
            events: vec![
                ("the first answer about people", get("/people?limit=50")),
                ("a search of people", get("/people?q=mar&limit=50")),
                ("a search of groups", get("/groups?q=e&limit=50")),
            ],
        },
        Work { function: "log-poll", events: vec![("a poll that finds 5,000 events", json!({"connection": id}))] },
        Work {
            function: "sync",
            events: vec![
                ("an incremental sync", slice("incremental")),
                ("a slice of a verifying sync", slice("verify")),
            ],
        },
    ]
}

/// The memory of each function in MB, by the name of its program, as the template says it or the default of its parameter.
fn sizes(template: &str) -> Result<HashMap<String, u64>, Error> {
    let value = |line: &str| line.split_once(": ").map_or("", |(_, value)| value).trim().to_owned();
    let mut sizes = HashMap::new();
    let mut defaults = HashMap::new();
    let mut block = String::new();
    let mut usual = 0;
    for line in template.lines() {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim();
        if indent == 2 && text.ends_with(':') {
            text.trim_end_matches(':').clone_into(&mut block);
        } else if text.starts_with("Default:") {
            defaults.insert(block.clone(), value(line));
        } else if text.starts_with("MemorySize:") {
            let said = value(line);
            let number = said.strip_prefix("!Ref ").map_or(Some(&said), |parameter| defaults.get(parameter));
            let number = number.ok_or("a memory size without a default")?.parse()?;
            match block.strip_suffix("Function") {
                Some("") => usual = number,
                Some(name) => drop(sizes.insert(program(name), number)),
                None => {}
            }
        }
    }
    for name in ["connect", "test", "action"] {
        sizes.entry(name.to_owned()).or_insert(usual);
    }
    Ok(sizes)
}

/// `LogPoll` is `log-poll`.
fn program(name: &str) -> String {
    let dashed = name.char_indices().map(|(at, letter)| {
        let dash = if at > 0 && letter.is_uppercase() { "-" } else { "" };
        format!("{dash}{}", letter.to_lowercase())
    });
    dashed.collect()
}

/// The services beside the table, as far as the functions need them: secrets, which lie in a folder here, and a bus and a state
/// machine that take everything.
fn answer(exchange: &Exchange, secrets: &Path) -> Option<Answer> {
    let target = exchange.request_headers.iter().find(|(name, _)| name == "x-amz-target")?.1.as_str();
    let asked: Value = serde_json::from_slice(&exchange.request_body).unwrap_or_default();
    let (status, body) = match target.rsplit('.').next()? {
        "GetSecretValue" => secret(&asked, secrets).map_or_else(
            || (400, json!({"__type": "ResourceNotFoundException"})),
            |text| (200, json!({"SecretString": text, "VersionId": asked["VersionId"]})),
        ),
        "PutEvents" => {
            let entries = asked["Entries"].as_array().map_or(0, Vec::len);
            (200, json!({"FailedEntryCount": 0, "Entries": vec![json!({"EventId": "e"}); entries]}))
        }
        "StartExecution" => {
            (200, json!({"executionArn": "arn:aws:states:us-east-1:1:execution:bench:x", "startDate": 1}))
        }
        _ => return None,
    };
    let headers = vec![("content-type".to_owned(), "application/x-amz-json-1.1".to_owned())];
    Some((status, headers, body.to_string().into_bytes()))
}

/// A version of a secret as the local service keeps it.
fn secret(asked: &Value, secrets: &Path) -> Option<String> {
    let name = asked["SecretId"].as_str()?.rsplit('/').next()?;
    let version = asked["VersionId"].as_str().unwrap_or("key");
    std::fs::read_to_string(secrets.join(name).join(version)).ok()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
