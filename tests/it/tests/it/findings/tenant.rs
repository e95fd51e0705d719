//! A tenant that cannot be reached, or is none.

use super::{check, found, json_answer, refusal};
use crate::world::{World, text};
use serde_json::json;

#[tokio::test]
async fn a_name_that_leads_nowhere_is_an_unknown_host() {
    let world = World::start().await;
    let auth = json!({"type": "api_token", "token": "00x"});
    let body = json!({"name": "A", "domain": "nonexistent-org.okta.com", "auth": auth});
    let refused = refusal(world.api("POST", "/v1/connections", Some(body)).await);
    found(&refused, "connection", "failed", "unknown_host");
    found(&refused, "sync_employees", "unknown", "not_probed");
    let custom = json!({"name": "A", "domain": "login.acme.example.com", "auth": auth});
    let refused = refusal(world.api("POST", "/v1/connections", Some(custom)).await);
    found(&refused, "connection", "failed", "unknown_host");
}

#[tokio::test]
async fn whatever_does_not_introduce_itself_as_okta_is_not_okta() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.okta.record(false);
    let html = (200, vec![("content-type".to_owned(), "text/html".to_owned())], b"<html>Welcome".to_vec());
    let redirect = (302, vec![("location".to_owned(), "https://evil.example.com/".to_owned())], Vec::new());
    let page = json_answer(404, &json!({"status": 404, "message": "Resource not found"}));
    for lie in [html, redirect, page, json_answer(200, &json!({"hello": "world"})), json_answer(200, &json!([]))] {
        let told = lie.clone();
        world.okta.intercept(move |exchange| exchange.path.contains("well-known").then(|| told.clone()));
        let report = world.test(&id).await;
        found(&report, "connection", "failed", "not_okta");
        assert_eq!((&report["status"], &report["message"]), (&json!("Inactive"), &json!("Integration test failed")));
    }
}

#[tokio::test]
async fn a_tenant_in_trouble_is_okta_unavailable() {
    let world = World::start().await;
    let id = world.quiet().await;
    for fault in [
        json!({"fault": "status", "status": 503}),
        json!({"fault": "status", "status": 500}),
        json!({"fault": "drop", "when": "before"}),
        json!({"fault": "status", "status": 502, "path": "/oauth2/v1/token"}),
        json!({"fault": "drop", "when": "after", "path": "/oauth2/v1/token"}),
        json!({"fault": "truncate", "bytes": 10, "path": "/.well-known"}),
    ] {
        world.okta.record(false);
        world.fault(fault.clone()).await;
        let report = world.test(&id).await;
        found(&report, "connection", "failed", "okta_unavailable");
        assert_eq!(report["status"], "Inactive", "{fault}");
        world.sim("DELETE", "faults", None).await;
    }
    assert_eq!(world.test(&id).await["status"], "Active", "and it mends itself");
}

#[tokio::test]
async fn a_tenant_that_never_answers_is_given_up_before_the_caller_is() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.fault(json!({"fault": "latency", "ms": 600_000})).await;
    let report = world.test(&id).await;
    found(&report, "connection", "failed", "okta_unavailable");
    found(&report, "sync_employees", "unknown", "not_probed");
}

#[tokio::test]
async fn a_probe_that_never_answers_leaves_the_rest_of_the_report() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.fault(json!({"fault": "latency", "ms": 600_000, "path": "/api/v1/logs"})).await;
    let report = world.test(&id).await;
    assert_eq!((&report["status"], &check(&report, "sync_groups")["status"]), (&json!("Active"), &json!("ok")));
    assert!(["not_probed", "okta_unavailable"].contains(&text(check(&report, "read_logs"), "finding")));
}
