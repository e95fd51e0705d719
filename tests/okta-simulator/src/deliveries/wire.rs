//! What is sent to a hook's address: a question once, events from then on.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

use crate::tenant::hook::Channel;

/// How long an address may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks an address to repeat a text: whether it is its owner's.
pub async fn challenge(http: &Client, channel: &Channel, request_id: &str, text: &str) -> bool {
    let ask = || request(http, Method::GET, channel, request_id).header("x-okta-verification-challenge", text);
    let Some(response) = sent(ask).await.filter(|response| response.status() == StatusCode::OK) else { return false };
    response.json().await.is_ok_and(|answer: Value| answer["verification"] == text)
}

/// Tells an address of events: whether it has accepted them.
pub async fn tell(http: &Client, channel: &Channel, request_id: &str, body: &str) -> bool {
    let post = || {
        let request = request(http, Method::POST, channel, request_id).header("content-type", "application/json");
        request.body(body.to_owned())
    };
    sent(post).await.is_some_and(|response| response.status().is_success())
}

fn request(http: &Client, method: Method, channel: &Channel, request_id: &str) -> RequestBuilder {
    let request = http.request(method, &channel.uri).timeout(PATIENCE);
    let request = request.header("user-agent", "Okta-Integrations").header("accept", "application/json");
    let request = request.header("x-okta-request-id", request_id);
    let own = channel.headers.iter().chain(&channel.secret);
    own.fold(request, |request, (key, value)| request.header(key, value))
}

/// The answer to a request. After a server's error, or none in time, it is sent once more; a refusal is final.
async fn sent(request: impl Fn() -> RequestBuilder) -> Option<Response> {
    for _ in 0..2 {
        match request().send().await {
            Ok(response) if !response.status().is_server_error() => return Some(response),
            _ => {}
        }
    }
    None
}
