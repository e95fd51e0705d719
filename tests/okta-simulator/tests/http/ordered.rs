//! Answers that the operator orders: statuses, refused cursors, errors of the token endpoint, proofs held back.

use okta_simulator::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{App, Seen, World};

async fn world() -> World {
    World::new(Config { users: 60, ..Config::default() }).await
}

#[tokio::test]
async fn an_ordered_status_has_any_code_and_its_own_words() {
    let world = world().await;
    for (order, code, summary) in [
        (json!({ "status": 403, "error_code": "E0000005" }), "E0000005", "Invalid session"),
        (json!({ "status": 409, "error_code": "E0000219", "summary": "Busy." }), "E0000219", "Busy."),
        (json!({ "status": 410, "error_code": "E0000999" }), "E0000999", "Ordered by a fault."),
    ] {
        let status = order["status"].clone();
        let mut order = order;
        order["fault"] = json!("status");
        order["times"] = json!(1);
        world.fault(order).await;
        let seen = world.get("/api/v1/groups").await;
        assert_eq!((json!(seen.status), seen.code()), (status, code));
        assert_eq!(seen.body["errorSummary"], summary);
    }
}

#[tokio::test]
async fn an_ordered_body_is_a_page_or_nothing() {
    let world = world().await;
    world.fault(json!({ "fault": "status", "status": 403, "body": "html", "times": 1 })).await;
    let blocked = world.get("/api/v1/groups").await;
    assert_eq!((blocked.status, &blocked.body), (403, &Value::Null));
    assert!(blocked.header("content-type").starts_with("text/html"));
    let order = json!({ "fault": "status", "status": 503, "body": "none", "retry_after": 3, "times": 1 });
    world.fault(order).await;
    let bare = world.get("/api/v1/groups").await;
    assert_eq!((bare.status, bare.header("content-length"), bare.header("content-type")), (503, "0", ""));
    assert_eq!(bare.header("retry-after"), "3");
}

#[tokio::test]
async fn a_status_ordered_after_hides_a_change_that_was_made() {
    let world = world().await;
    let id = world.hire("zara@acme.example").await;
    world.fault(json!({ "fault": "status", "status": 500, "after": true, "times": 1 })).await;
    let suspended = world.post(&format!("/api/v1/users/{id}/lifecycle/suspend")).await;
    assert_eq!((suspended.status, suspended.code()), (500, "E0000009"));
    assert_eq!(world.get(&format!("/api/v1/users/{id}")).await.body["status"], "SUSPENDED");
}

#[tokio::test]
async fn a_refused_cursor_lets_first_pages_pass() {
    let world = world().await;
    for (cursor, code, words) in [(false, "E0000031", "Invalid search query."), (true, "E0000029", "Invalid cursor.")] {
        world.fault(json!({ "fault": "refuse_cursor", "path": "/api/v1/users", "cursor": cursor })).await;
        let next = world.get("/api/v1/users?limit=10").await.next().expect("a next page");
        for _ in 0..2 {
            let refused = world.get(&next).await;
            assert_eq!((refused.status, refused.code()), (400, code));
            assert!(refused.body.to_string().contains(words), "{refused:?}");
        }
        world.door(Method::DELETE, "/faults", json!({})).await;
        assert_eq!(world.get(&next).await.status, 200);
    }
}

#[tokio::test]
async fn the_token_endpoint_answers_an_ordered_error() {
    let world = world().await;
    let app = App::new(&world, "off").await;
    let description = "The client is not in one of its permitted network zones.";
    for (order, status) in [
        (json!({ "error": "access_denied", "description": description }), 403),
        (json!({ "error": "invalid_client" }), 401),
        (json!({ "error": "server_error", "status": 503 }), 503),
    ] {
        let error = order["error"].clone();
        let words = order["description"].clone();
        let mut order = order;
        order["fault"] = json!("token_error");
        order["times"] = json!(1);
        world.fault(order).await;
        let refused = app.token("okta.users.read").await;
        assert_eq!((refused.status, &refused.body["error"]), (status, &error));
        assert_eq!(refused.body["error_description"], words);
    }
    assert_eq!(app.token("okta.users.read").await.status, 200);
}

/// A token bound to the app's key.
async fn bound(app: &App<'_>) -> String {
    let granted = app.token("okta.users.read").await;
    granted.body["access_token"].as_str().expect("a token").to_owned()
}

async fn once(app: &App<'_>, token: &str) -> [Seen; 2] {
    [app.get(token, "/api/v1/users?limit=1").await, app.get(token, "/api/v1/users?limit=1").await]
}

#[tokio::test]
async fn the_api_wants_a_nonce_once() {
    let world = world().await;
    let app = App::new(&world, "required").await;
    let token = bound(&app).await;
    world.fault(json!({ "fault": "nonce" })).await;
    let [refused, taken] = once(&app, &token).await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").starts_with(r#"DPoP error="use_dpop_nonce""#), "{refused:?}");
    assert!(!refused.header("dpop-nonce").is_empty());
    assert_eq!(taken.status, 200);
}

#[tokio::test]
async fn a_new_proof_counts_once_as_used() {
    let world = world().await;
    let app = App::new(&world, "required").await;
    let token = bound(&app).await;
    world.fault(json!({ "fault": "proof_used", "path": "/api/v1/users" })).await;
    assert_eq!(world.get("/api/v1/users?limit=1").await.status, 200, "an API token proves nothing");
    let [refused, taken] = once(&app, &token).await;
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains(r#"error="invalid_dpop_proof""#) && challenge.contains("has already been used"));
    assert_eq!((refused.status, taken.status), (400, 200));
}
