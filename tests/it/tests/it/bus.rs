//! An EventBridge bus on loopback: it takes what the real client sends by `PutEvents`, refuses some of it, and remembers.

use aws_sdk_eventbridge::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use okta_connector::feed::Bus;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A bus; it is gone when dropped.
pub struct TestBus {
    url: String,
    seen: Arc<Seen>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    details: Mutex<Vec<Value>>,
    entries: AtomicUsize,
    /// Every so many entries one is refused; 0: none.
    refuse_every: AtomicUsize,
    /// Entries with this text are refused for good.
    refuse: Mutex<Option<String>>,
}

impl TestBus {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::<Seen>::default();
        let router = Router::new().route("/", post(put)).with_state(seen.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("a server") });
        Self { url, seen, server }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Refuses one of so many entries from now on.
    pub fn refuse_every(&self, entries: usize) {
        self.seen.refuse_every.store(entries, Ordering::SeqCst);
    }

    /// Refuses for good whatever holds a text from now on.
    pub fn refuse(&self, text: &str) {
        *self.seen.refuse.lock().expect("not poisoned") = Some(text.to_owned());
    }

    /// The details of all events it took.
    pub fn details(&self) -> Vec<Value> {
        self.seen.details.lock().expect("not poisoned").clone()
    }
}

impl Drop for TestBus {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The product's own client of a bus.
pub fn client(url: &str) -> Bus {
    let config = aws_sdk_eventbridge::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Bus::new(&aws_sdk_eventbridge::Client::from_conf(config), "bus")
}

async fn put(State(seen): State<Arc<Seen>>, body: String) -> ([(&'static str, &'static str); 1], String) {
    let request: Value = serde_json::from_str(&body).expect("JSON");
    let entries = request["Entries"].as_array().expect("entries");
    let text = |entry: &Value, name: &str| entry[name].as_str().expect(name).to_owned();
    let size =
        |entry: &Value| ["Source", "DetailType", "Detail"].map(|name| text(entry, name).len()).iter().sum::<usize>();
    assert!(entries.len() <= 10 && entries.iter().map(size).sum::<usize>() <= 256 * 1024, "AWS refuses such a request");
    let mut answers = Vec::new();
    for entry in entries {
        let number = seen.entries.fetch_add(1, Ordering::SeqCst) + 1;
        let every = seen.refuse_every.load(Ordering::SeqCst);
        if every > 0 && number.is_multiple_of(every) {
            answers.push(json!({"ErrorCode": "ThrottlingException", "ErrorMessage": "later"}));
            continue;
        }
        let refused = seen.refuse.lock().expect("not poisoned").clone();
        if refused.is_some_and(|refused| text(entry, "Detail").contains(&refused)) {
            answers.push(json!({"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}));
            continue;
        }
        assert_eq!((text(entry, "Source"), text(entry, "EventBusName")), ("okta-connector".into(), "bus".into()));
        let detail: Value = serde_json::from_str(&text(entry, "Detail")).expect("JSON");
        assert_eq!(detail["type"], entry["DetailType"]);
        seen.details.lock().expect("not poisoned").push(detail);
        answers.push(json!({"EventId": number.to_string()}));
    }
    let refused = answers.iter().filter(|it| it.get("ErrorCode").is_some()).count();
    (
        [("content-type", "application/x-amz-json-1.1")],
        json!({"FailedEntryCount": refused, "Entries": answers}).to_string(),
    )
}
