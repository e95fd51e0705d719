//! A limit that is reached says nothing about a connection.

use super::{check, found, refusal};
use crate::world::{World, text};
use serde_json::{Value, json};

#[tokio::test]
async fn limited_probes_degrade_and_break_nothing() {
    let world = World::start().await;
    let id = world.synced().await;
    world.fault(json!({"fault": "rate_limit", "path": "/api/v1"})).await;
    let report = world.test(&id).await;
    for capability in ["sync_employees", "sync_groups", "sync_apps", "read_logs"] {
        found(&report, capability, "degraded", "rate_limited");
    }
    assert_eq!((&report["status"], &check(&report, "connection")["status"]), (&json!("Active"), &json!("ok")));
}

#[tokio::test]
async fn a_limited_token_endpoint_takes_nothing_from_a_working_connection() {
    let world = World::start().await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    let before = world.api("GET", &path, None).await.expect(200);
    world.fault(json!({"fault": "rate_limit", "path": "/oauth2/v1/token"})).await;
    let report = world.test(&id).await;
    found(&report, "connection", "degraded", "rate_limited");
    found(&report, "sync_employees", "unknown", "not_probed");
    assert_eq!(report["status"], "Active");
    let after = world.api("GET", &path, None).await.expect(200);
    assert_eq!(after["auth"], before["auth"], "what is known of the credentials stays known");
    world.sim("DELETE", "faults", None).await;
    assert_eq!(world.sync(&id, "full").await["status"], "succeeded");
}

#[tokio::test]
async fn credentials_are_not_taken_for_verified_because_a_limit_was_reached() {
    let world = World::start().await;
    world.fault(json!({"fault": "rate_limit"})).await;
    let refused = refusal(world.post_token().await);
    found(&refused, "connection", "degraded", "rate_limited");
    assert_eq!(world.all("/v1/connections").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_pending_connection_is_not_active_because_a_limit_was_reached() {
    let world = World::start().await;
    let pending = world.pending_with(world.app_auth()).await;
    world.sim("PATCH", "app", Some(json!({"jwks_uri": pending["public_key_url"]}))).await;
    world.fault(json!({"fault": "rate_limit", "path": "/oauth2/v1/token"})).await;
    let report = world.test(text(&pending, "id")).await;
    assert_eq!((&report["status"], &report["message"]), (&json!("Pending"), &json!("Integration test failed")));
    world.sim("DELETE", "faults", None).await;
    assert_eq!(world.test(text(&pending, "id")).await["status"], "Active");
}
