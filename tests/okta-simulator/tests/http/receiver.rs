//! An owner of an event hook: a server that answers as it is told to, and everything it was sent.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::world::World;

/// What was sent.
#[derive(Debug)]
pub struct Sent {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Sent {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn events(&self) -> &[Value] {
        self.body["data"]["events"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    pub fn uuids(&self) -> Vec<String> {
        self.events().iter().filter_map(|event| event["uuid"].as_str().map(str::to_owned)).collect()
    }
}

/// How to answer once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Status(u16),
    /// Elsewhere.
    Redirect,
    /// 200 with another text than asked for.
    Lie,
    /// Never.
    Silence,
}

type Replies = Arc<Mutex<VecDeque<Reply>>>;

pub struct Receiver {
    pub url: String,
    sent: UnboundedReceiver<Sent>,
    replies: Replies,
}

impl Receiver {
    pub async fn new() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (sender, sent) = unbounded_channel();
        let replies = Replies::default();
        let known = Arc::clone(&replies);
        let router =
            axum::Router::new().fallback(move |request: Request| answer(request, sender.clone(), Arc::clone(&known)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Receiver { url, sent, replies }
    }

    /// How to answer from now on, one after the other; afterwards as a good owner does.
    pub fn plan(&self, replies: &[Reply]) {
        self.replies.lock().expect("no one panics here").extend(replies);
    }

    /// The next request, which comes.
    pub async fn next(&mut self) -> Sent {
        let next = timeout(Duration::from_secs(30), self.sent.recv()).await;
        next.expect("a request comes").expect("the server runs")
    }

    /// Everything sent so far.
    pub fn rest(&mut self) -> Vec<Sent> {
        std::iter::from_fn(|| self.sent.try_recv().ok()).collect()
    }

    /// A body for a hook with this owner.
    pub fn hook(&self, types: &[&str]) -> Value {
        json!({
            "name": "Leavers", "events": { "type": "EVENT_TYPE", "items": types },
            "channel": { "type": "HTTP", "version": "1.0.0", "config": {
                "uri": self.url, "headers": [{ "key": "X-Other", "value": "v" }],
                "authScheme": { "type": "HEADER", "key": "Authorization", "value": "very secret" },
            } },
        })
    }

    /// The id of a hook of this owner's.
    pub async fn register(&self, world: &World, types: &[&str]) -> String {
        let made = world.call(Method::POST, "/api/v1/eventHooks", Some(self.hook(types))).await;
        assert_eq!(made.status, 200, "{made:?}");
        made.body["id"].as_str().unwrap_or_default().to_owned()
    }

    /// The id of one that is verified.
    pub async fn live(&mut self, world: &World, types: &[&str]) -> String {
        let id = self.register(world, types).await;
        let verified = world.post(&format!("/api/v1/eventHooks/{id}/lifecycle/verify")).await;
        assert_eq!(verified.body["verificationStatus"], "VERIFIED", "{verified:?}");
        assert_eq!(self.rest().len(), 1);
        id
    }
}

async fn answer(request: Request, sender: UnboundedSender<Sent>, replies: Replies) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await.map(|bytes| serde_json::from_slice(&bytes).unwrap_or_default());
    let challenge = parts.headers.get("x-okta-verification-challenge").and_then(|value| value.to_str().ok());
    let answer = challenge.map(|text| json!({ "verification": text }));
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    let reply = replies.lock().expect("no one panics here").pop_front();
    let _ = sender.send(Sent { method, path, headers: parts.headers.clone(), body: body.unwrap_or_default() });
    match reply {
        None => Json(answer.unwrap_or_default()).into_response(),
        Some(Reply::Status(status)) => StatusCode::from_u16(status).expect("a status").into_response(),
        Some(Reply::Redirect) => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        Some(Reply::Lie) => Json(json!({ "verification": "something else" })).into_response(),
        Some(Reply::Silence) => pending().await,
    }
}
