//! The operator's door: faults, counters, resets, and the end of a simulator.

use okta_simulator::{Config, Simulator};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use crate::world::{Seen, World};

async fn world() -> World {
    World::new(Config { users: 60, ..Config::default() }).await
}

#[tokio::test]
async fn a_dropped_connection_has_no_answer_and_after_means_it_was_done() {
    let world = world().await;
    let id = world.hire("zara@acme.example").await;
    let status = || async { world.get(&format!("/api/v1/users/{id}")).await.body["status"].clone() };
    for (when, after) in [("before", "ACTIVE"), ("after", "SUSPENDED")] {
        world.fault(json!({"fault": "drop", "when": when, "times": 1, "path": "/api/v1/users/00u"})).await;
        let token = &world.okta.credentials().api_token;
        let request = world.request(Method::POST, &format!("/api/v1/users/{id}/lifecycle/suspend"));
        let request = request.header("authorization", format!("SSWS {token}")).header("content-length", "0");
        assert!(request.send().await.is_err(), "{when}");
        assert_eq!(status().await, after, "{when}");
    }
}

#[tokio::test]
async fn a_truncated_body_is_shorter_than_it_says() {
    let world = world().await;
    world.fault(json!({"fault": "truncate", "bytes": 10, "times": 1})).await;
    let request = world.request(Method::GET, "/.well-known/okta-organization");
    let response = request.send().await.expect("headers arrive");
    assert!(response.content_length().is_some_and(|length| length > 10));
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn listings_can_be_emptied_or_cut() {
    let world = world().await;
    world.fault(json!({"fault": "empty_list", "path": "/api/v1/users", "times": 1})).await;
    let empty = world.get("/api/v1/users").await;
    assert_eq!((empty.status, empty.items().len(), empty.next()), (200, 0, None));
    world.fault(json!({"fault": "cut_list", "path": "/api/v1/users", "after": 25})).await;
    let first = world.get("/api/v1/users?limit=20").await;
    let second = world.get(&first.next().expect("a second page")).await;
    assert_eq!((second.items().len(), second.next()), (5, None));
}

#[tokio::test]
async fn limits_and_statuses_can_be_ordered() {
    let world = world().await;
    let cases = [
        (json!({"fault": "rate_limit"}), 429, "E0000047"),
        (json!({"fault": "rate_limit", "seconds": 30}), 429, "E0000047"),
        (json!({"fault": "concurrency"}), 429, "E0000047"),
        (json!({"fault": "status", "status": 500}), 500, "E0000009"),
        (json!({"fault": "status", "status": 503, "error_code": "E0000010"}), 503, "E0000010"),
        (json!({"fault": "status", "status": 502}), 502, ""),
    ];
    for (mut order, status, code) in cases {
        order["times"] = json!(1);
        world.fault(order.clone()).await;
        let seen = world.get("/api/v1/groups").await;
        assert_eq!((seen.status, seen.code()), (status, code), "{order}");
        let limit = if order["fault"] == "concurrency" { "0" } else { "250" };
        assert_eq!(seen.header("x-rate-limit-limit"), limit, "{order}");
    }
    assert_eq!(world.get("/api/v1/groups").await.status, 200);
}

#[tokio::test]
async fn the_operator_sees_requests_and_ends_faults() {
    let world = world().await;
    world.get("/api/v1/users?limit=1").await;
    let seen = world.door(Method::GET, "/requests?after=0", json!({})).await;
    let wanted = json!({"seq": 1, "method": "GET", "path": "/api/v1/users", "query": "limit=1", "status": 200,
                        "bucket": "/api/v1/users", "principal": "api_token"});
    assert_eq!(seen["items"], json!([wanted]));
    let fault = world.door(Method::POST, "/faults", json!({"fault": "status", "status": 500})).await;
    let id = fault["id"].as_str().unwrap_or_default();
    assert_eq!(world.get("/api/v1/groups").await.status, 500);
    world.door(Method::DELETE, &format!("/faults/{id}"), json!({})).await;
    assert_eq!(world.get("/api/v1/groups").await.status, 200);
    assert_eq!(
        world.door(Method::GET, "/requests?after=2", json!({})).await["items"].as_array().map(Vec::len),
        Some(1)
    );
    let refused = Seen::of(world.request(Method::PATCH, "/_sim/app").json(&json!({"dpop": "maybe"}))).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body["message"].as_str().is_some_and(|message| message.starts_with("dpop:")));
}

#[tokio::test]
async fn a_reset_forgets_changes_and_keeps_credentials() {
    let world = world().await;
    let before = world.get("/api/v1/users?limit=3").await.ids();
    world.hire("zara@acme.example").await;
    world.door(Method::POST, "/reset", json!({})).await;
    assert_eq!(world.get("/api/v1/users?limit=3").await.ids(), before);
    assert_eq!(world.get("/api/v1/users/zara").await.status, 404);
    world.door(Method::POST, "/reset", json!({"seed": 9})).await;
    assert_ne!(world.get("/api/v1/users?limit=3").await.ids(), before);
}

#[tokio::test]
async fn a_dropped_simulator_frees_its_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let okta = Simulator::start(Config { users: 5, ..Config::default() }, listener).await.expect("a simulator");
    let open = reqwest::get(format!("{}/.well-known/okta-organization", okta.url())).await;
    assert!(open.is_ok());
    drop(okta);
    // The task ends as soon as the runtime runs again.
    let mut free = TcpListener::bind(address).await;
    for _ in 0..100 {
        if free.is_ok() {
            break;
        }
        tokio::task::yield_now().await;
        free = TcpListener::bind(address).await;
    }
    assert!(free.is_ok());
}
