//! A stub of Lambda's runtime API, and a function's program behind it.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use crate::Error;
use crate::share::Share;
use crate::syncing::peak_memory_kib;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use okta_connector::clock::{Clock, SystemClock};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// The longest time that Lambda gives a function of ours, and some more.
const PATIENCE: Duration = Duration::from_secs(330);

/// After so long without a word from a program it is looked whether it still runs.
const LOOK: Duration = Duration::from_secs(1);

/// A running program; it is killed when dropped.
pub struct Function {
    child: Child,
    began: Instant,
    events: UnboundedSender<String>,
    reports: UnboundedReceiver<Report>,
    serving: JoinHandle<()>,
}

/// What came of one event.
pub struct Invoked {
    /// The answer.
    pub answer: Value,
    /// When the program asked for the event, after its start.
    pub polled: Duration,
    /// When it had answered, after its start.
    pub answered: Duration,
    /// From the event to the answer.
    pub took: Duration,
}

/// What the program says to the runtime API.
enum Report {
    Polled(Instant),
    Answered(Instant, String),
    Failed(String),
}

#[derive(Clone)]
struct Stub {
    events: Arc<Mutex<UnboundedReceiver<String>>>,
    reporter: UnboundedSender<Report>,
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.serving.abort();
    }
}

impl Function {
    /// Starts a program with these variables, and what Lambda sets, with no more of the machine than its share.
    pub async fn start(program: &Path, variables: &[(&str, &str)], share: Option<&Share>) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (events, waiting) = unbounded_channel();
        let (reporter, reports) = unbounded_channel();
        let stub = Stub { events: Arc::new(Mutex::new(waiting)), reporter };
        let serving = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, runtime_api(stub)).await;
        });
        let began = Instant::now();
        let child = spawn(program, &address, variables, share)?;
        Ok(Self { child, began, events, reports, serving })
    }

    /// Hands over an event, and waits for the answer.
    pub async fn invoke(&mut self, event: &Value) -> Result<Invoked, Error> {
        let handed = Instant::now();
        self.events.send(event.to_string())?;
        tokio::time::timeout(PATIENCE, self.answer(handed)).await?
    }

    async fn answer(&mut self, handed: Instant) -> Result<Invoked, Error> {
        let mut polled = None;
        loop {
            let report = tokio::time::timeout(LOOK, self.reports.recv()).await;
            let Ok(report) = report else {
                match self.child.try_wait()? {
                    Some(status) => return Err(format!("the program ended: {status}").into()),
                    None => continue,
                }
            };
            match report {
                Some(Report::Polled(at)) => polled = Some(at),
                Some(Report::Answered(at, answer)) => {
                    let polled = polled.unwrap_or(handed);
                    return Ok(Invoked {
                        answer: serde_json::from_str(&answer)?,
                        polled: polled.duration_since(self.began),
                        answered: at.duration_since(self.began),
                        took: at.duration_since(polled.max(handed)),
                    });
                }
                Some(Report::Failed(why)) => return Err(why.into()),
                None => return Err("it did not keep to the runtime API".into()),
            }
        }
    }

    /// The most memory that it had so far.
    pub fn peak_memory_kib(&self) -> Result<u64, Error> {
        peak_memory_kib(&self.child.id().to_string())
    }
}

fn runtime_api(stub: Stub) -> Router {
    let failed = |State(stub): State<Stub>, body: String| async move { drop(stub.reporter.send(Report::Failed(body))) };
    let answered = |State(stub): State<Stub>, body: String| async move {
        drop(stub.reporter.send(Report::Answered(Instant::now(), body)));
    };
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
        .route("/2018-06-01/runtime/init/error", post(failed))
        .with_state(stub)
}

/// The next event, once there is one.
async fn next(State(stub): State<Stub>) -> impl IntoResponse {
    // A function that is dropped takes no more reports.
    let _ = stub.reporter.send(Report::Polled(Instant::now()));
    let event = stub.events.lock().await.recv().await;
    let Some(event) = event else { return std::future::pending().await };
    let deadline = SystemClock.now().as_millisecond() + 300_000;
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:bench".to_owned()),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned(),
        ),
    ];
    (headers, event)
}

fn spawn(program: &Path, runtime_api: &str, variables: &[(&str, &str)], share: Option<&Share>) -> Result<Child, Error> {
    let usual = [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "bench"),
        ("AWS_SECRET_ACCESS_KEY", "bench"),
    ];
    if !program.exists() {
        return Err(format!("there is no {}; build it first", program.display()).into());
    }
    let mut command = match share {
        None => Command::new(program),
        Some(share) => share.command(program),
    };
    command.env_clear().envs(usual).envs(variables.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().map_err(|error| format!("{}: {error}", program.display()).into())
}
