//! Cold starts: the programs that `sam build` made, started by a stub of Lambda's runtime API, beside one that does nothing.

use crate::Error;
use crate::part::Part;
use crate::runtime;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use okta_connector::store::create_table;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

const MOST_ZIPPED: usize = 8_000_000;
const MOST_MEMORY_KIB: u64 = 40 * 1024;
/// The role of who calls.
pub const ADMINS: &str = "arn:aws:iam::123456789012:role/Admins";

/// A program and the first thing it is asked.
struct Function {
    name: &'static str,
    program: PathBuf,
    event: Value,
}

/// One start.
struct Start {
    first_poll: Duration,
    first_answer: Duration,
    peak_memory_kib: u64,
}

/// What came of many starts: medians, and the largest memory.
struct Figures {
    first_poll: f64,
    first_answer: f64,
    peak_memory_kib: u64,
    zipped: usize,
}

/// Starts each program so many times and holds the figures against the promises.
pub async fn measure(built: &Path, empty: &Path, starts: usize) -> Result<(), Error> {
    let mut engine = Part::start(&["engine"])?;
    let database = engine.says().await?;
    create_table(&embedded_dynamodb::client(&database), "cold").await?;
    let nothing = Function { name: "(empty)", program: empty.to_owned(), event: json!({}) };
    let floor = figures(&nothing, &database, starts).await?;
    let mut broken = Vec::new();
    println!("{:<10} {:>11} {:>13} {:>11} {:>10}", "function", "first poll", "first answer", "peak", "zipped");
    print_row(nothing.name, &floor);
    let mut share: Vec<f64> = Vec::new();
    for function in functions(built) {
        let own = figures(&function, &database, starts).await?;
        print_row(function.name, &own);
        share.push((own.first_poll - floor.first_poll) / own.first_answer);
        for (kept, promise) in [
            (
                own.first_answer <= 2.0 * floor.first_answer + 10.0,
                "first answer within twice the empty one's and 10 ms",
            ),
            (own.peak_memory_kib < MOST_MEMORY_KIB, "peak memory under 40 MiB"),
            (own.zipped < MOST_ZIPPED, "zipped under 8 MB"),
        ] {
            if !kept {
                broken.push(format!("{}: {promise}", function.name));
            }
        }
    }
    let percent: Vec<String> = share.iter().map(|share| format!("{:.0} %", share * 100.0)).collect();
    println!("before the first poll, over the empty one, in all of the time to the answer: {}", percent.join(", "));
    if broken.is_empty() { Ok(()) } else { Err(format!("broken promises: {}", broken.join("; ")).into()) }
}

#[expect(clippy::cast_precision_loss, reason = "far below the precision's end")]
fn print_row(name: &str, figures: &Figures) {
    let Figures { first_poll, first_answer, peak_memory_kib, zipped } = figures;
    let (memory, zipped) = (*peak_memory_kib as f64 / 1024.0, *zipped as f64 / 1e6);
    println!("{name:<10} {first_poll:>8.1} ms {first_answer:>10.1} ms {memory:>7.1} MiB {zipped:>7.2} MB");
}

/// The functions of the template with a request that reaches the table where one of theirs can.
fn functions(built: &Path) -> Vec<Function> {
    let id = "conn_00000000000000000000000000000000";
    let path = format!("/v1/connections/{id}");
    let function = |name: &'static str, folder: &str, event: Value| Function {
        name,
        program: built.join(folder).join("bootstrap"),
        event,
    };
    vec![
        function("connect", "ConnectFunction", request("GET", "/v1/connections")),
        function("test", "TestFunction", request("POST", &format!("{path}/test"))),
        function("action", "ActionFunction", request("POST", &format!("{path}/actions/user.get"))),
        function("directory", "DirectoryFunction", request("GET", &format!("{path}/users"))),
        function("public", "PublicFunction", request("GET", &format!("{path}/jwks.json"))),
        function("sync", "SyncFunction", json!({"connection": id, "mode": "full", "execution": "arn", "hops": 0})),
        function("log-poll", "LogPollFunction", json!({"connection": id})),
    ]
}

/// A request as API Gateway hands it over.
pub fn request(method: &str, path: &str) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let authorizer = json!({"iam": {"userArn": "arn:aws:sts::123456789012:assumed-role/Admins/ada"}});
    json!({
        "version": "2.0", "routeKey": format!("{method} {path}"), "rawPath": path, "rawQueryString": query,
        "headers": {"host": "api.example.com", "content-type": "application/json"}, "body": "{}", "isBase64Encoded": false,
        "requestContext": {
            "accountId": "123456789012", "apiId": "api", "domainName": "api.example.com", "domainPrefix": "api",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "curl"},
            "requestId": "r", "routeKey": "r", "stage": "$default", "time": "01/Mar/2026:09:30:00 +0000",
            "timeEpoch": 1_772_357_400_000_u64, "authorizer": authorizer,
        },
    })
}

async fn figures(function: &Function, database: &str, starts: usize) -> Result<Figures, Error> {
    let mut all = Vec::new();
    for _ in 0..starts {
        all.push(start(function, database).await.map_err(|error| format!("{}: {error}", function.name))?);
    }
    let peak_memory_kib = all.iter().map(|start| start.peak_memory_kib).max().unwrap_or_default();
    let median = |of: fn(&Start) -> Duration| {
        let mut times: Vec<_> = all.iter().map(of).collect();
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1_000.0
    };
    let mut zip = DeflateEncoder::new(Vec::new(), Compression::default());
    zip.write_all(&std::fs::read(&function.program)?)?;
    let zipped = zip.finish()?.len();
    let (first_poll, first_answer) = (median(|start| start.first_poll), median(|start| start.first_answer));
    Ok(Figures { first_poll, first_answer, peak_memory_kib, zipped })
}

async fn start(function: &Function, database: &str) -> Result<Start, Error> {
    let variables = [
        ("AWS_ENDPOINT_URL", database),
        ("OKTA_CONNECTOR_STACK", "cold"),
        ("OKTA_CONNECTOR_TABLE", "cold"),
        ("OKTA_CONNECTOR_BUS", "cold"),
        ("OKTA_CONNECTOR_ADMIN_ROLE_ARNS", ADMINS),
        ("OKTA_CONNECTOR_PUBLIC_URL", "https://api.example.com"),
    ];
    let mut running = runtime::Function::start(&function.program, &variables, None).await?;
    let first = running.invoke(&function.event).await?;
    Ok(Start { first_poll: first.polled, first_answer: first.answered, peak_memory_kib: running.peak_memory_kib()? })
}
