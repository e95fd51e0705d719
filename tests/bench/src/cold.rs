//! Cold starts: the programs that `sam build` made, started by a stub of Lambda's runtime API, beside one that does nothing.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use crate::Error;
use crate::part::Part;
use crate::syncing::peak_memory_kib;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use okta_connector::clock::{Clock, SystemClock};
use okta_connector::store::create_table;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const MOST_ZIPPED: usize = 8_000_000;
const MOST_MEMORY_KIB: u64 = 40 * 1024;
/// A start and its answer take no longer.
const PATIENCE: Duration = Duration::from_secs(30);

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

fn request(method: &str, path: &str) -> Value {
    let authorizer = json!({"iam": {"userArn": "arn:aws:sts::123456789012:assumed-role/Admins/ada"}});
    json!({
        "version": "2.0", "routeKey": format!("{method} {path}"), "rawPath": path, "rawQueryString": "",
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

/// What the runtime API is told by the program.
enum Told {
    Polled(Instant),
    Answered(Instant),
    Failed(String),
}

#[derive(Clone)]
struct Stub {
    event: Arc<str>,
    told: UnboundedSender<Told>,
}

/// Kills the program at last.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start(function: &Function, database: &str) -> Result<Start, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let (told, mut hears) = unbounded_channel();
    let stub = Stub { event: function.event.to_string().into(), told };
    let serving = tokio::spawn(async move { axum::serve(listener, runtime_api(stub)).await });
    let began = Instant::now();
    let running = Running(spawn(&function.program, &address, database)?);
    let start = tokio::time::timeout(PATIENCE, first_answer(&mut hears)).await?;
    serving.abort();
    let (polled, answered) = start?;
    Ok(Start {
        first_poll: polled.duration_since(began),
        first_answer: answered.duration_since(began),
        peak_memory_kib: peak_memory_kib(&running.0.id().to_string())?,
    })
}

async fn first_answer(hears: &mut UnboundedReceiver<Told>) -> Result<(Instant, Instant), Error> {
    let mut polled = None;
    loop {
        match (hears.recv().await, polled) {
            (Some(Told::Polled(at)), None) => polled = Some(at),
            (Some(Told::Answered(at)), Some(polled)) => return Ok((polled, at)),
            (Some(Told::Failed(why)), _) => return Err(why.into()),
            _ => return Err("it did not keep to the runtime API".into()),
        }
    }
}

fn runtime_api(stub: Stub) -> Router {
    let failed = |State(stub): State<Stub>, body: String| async move { drop(stub.told.send(Told::Failed(body))) };
    let answered = |State(stub): State<Stub>| async move { drop(stub.told.send(Told::Answered(Instant::now()))) };
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
        .route("/2018-06-01/runtime/init/error", post(failed))
        .with_state(stub)
}

/// There is one event; whoever asks again waits.
async fn next(State(stub): State<Stub>) -> impl IntoResponse {
    if stub.told.send(Told::Polled(Instant::now())).is_err() {
        std::future::pending::<()>().await;
    }
    let deadline = SystemClock.now().as_millisecond() + 60_000;
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:cold".to_owned()),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned(),
        ),
    ];
    (headers, stub.event.to_string())
}

fn spawn(program: &Path, runtime_api: &str, database: &str) -> Result<Child, Error> {
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", "cold"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "cold"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "cold"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "cold"),
        ("AWS_SECRET_ACCESS_KEY", "cold"),
        ("AWS_ENDPOINT_URL", database),
        ("OKTA_CONNECTOR_STACK", "cold"),
        ("OKTA_CONNECTOR_TABLE", "cold"),
        ("OKTA_CONNECTOR_BUS", "cold"),
        ("OKTA_CONNECTOR_ADMIN_ROLE_ARNS", "arn:aws:iam::123456789012:role/Admins"),
        ("OKTA_CONNECTOR_PUBLIC_URL", "https://api.example.com"),
    ];
    let mut command = Command::new(program);
    command.env_clear().envs(variables).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().map_err(|error| format!("{}: {error}; run `sam build` first", program.display()).into())
}
