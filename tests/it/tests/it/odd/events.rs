//! Events as odd as real ones, and a log that refuses, is never silent or shows events late.

use super::{assert_equal_to_the_tenant, fault};
use crate::process::Ground;
use crate::scene::{Scene, tiny};
use crate::world::{World, quiet, text, unlimited};
use okta_connector::synced::{Mode, RunStatus};
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test]
async fn a_log_whose_cursor_is_refused_for_good_ends_the_reading() {
    let ground = Ground::with(unlimited()).await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    assert_eq!(ground.sync(Mode::Incremental).await.status, RunStatus::Succeeded);
    ground.tenant().door("POST", "events", json!({"count": 3_000, "type": "group.user_membership.add"})).await;
    fault(&ground, json!({"fault": "refuse_cursor", "path": "/api/v1/logs"})).await;
    let before = ground.okta.calls();
    let run = ground.sync(Mode::Incremental).await;
    assert!(run.status.is_over(), "{:?}", run.status);
    assert!(ground.okta.calls() - before < 30, "{} requests", ground.okta.calls() - before);
}

#[tokio::test]
async fn an_odd_event_hides_no_change_from_an_incremental_sync() {
    for kind in ["surrogate", "number", "deep", "integer"] {
        let ground = Ground::with(quiet()).await;
        assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
        let tenant = ground.tenant();
        let profile =
            json!({"login": "new@acme.example", "email": "new@acme.example", "firstName": "A", "lastName": "B"});
        let user = tenant.change("POST", "/api/v1/users?activate=true", Some(json!({"profile": profile}))).await;
        let users = format!("/api/v1/apps/{}/users", text(&tenant.apps().await[1], "id"));
        tenant.change("POST", &users, Some(json!({"id": user["id"], "scope": "USER"}))).await;
        fault(&ground, json!({"fault": "mangle", "kind": kind, "path": "/api/v1/logs"})).await;
        let run = ground.sync(Mode::Incremental).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{kind}: {:?}", run.error);
        tenant.call("DELETE", "/_sim/faults", None).await;
        assert_equal_to_the_tenant(&ground, kind).await;
    }
}

#[tokio::test]
async fn a_log_that_is_never_silent_ends_a_sync_and_lets_triggers_be_made() {
    let world = World::with(unlimited()).await;
    let id = world.synced().await;
    world.sim("POST", "noise", Some(json!({"per_minute": 2_400}))).await;
    world.sim("POST", "clock", Some(json!({"advance": "120s"}))).await;
    let path = format!("/v1/connections/{id}/triggers");
    for _ in 0..20 {
        let body = json!({"type": "new_events"});
        world.api("POST", &path, Some(body)).await.expect(201);
    }
    assert_eq!(world.sync(&id, "incremental").await["status"], "succeeded");
}

#[tokio::test]
async fn events_that_a_busy_log_shows_late_reach_the_feed_once() {
    let world = World::with(quiet()).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    world.api("POST", &format!("{path}/triggers"), Some(json!({"type": "new_events"}))).await.expect(201);
    let pass = async |seconds: i64| {
        world.clock.advance(jiff::SignedDuration::from_secs(seconds));
        world.sim("POST", "clock", Some(json!({"advance": format!("{seconds}s")}))).await;
        world.poll(&id).await;
    };
    pass(120).await;
    let noise = json!({"per_minute": 60, "types": ["user.session.end"], "late_seconds": 60});
    world.sim("POST", "noise", Some(noise)).await;
    for _ in 0..3 {
        pass(61).await;
    }
    world.sim("POST", "noise", Some(json!({"per_minute": 0}))).await;
    world.poll(&id).await;
    let log = "/api/v1/logs?limit=1000&sortOrder=DESCENDING&filter=eventType+eq+%22user.session.end%22";
    let log = world.tenant("GET", log, None).await.expect(200);
    let happened: BTreeSet<_> = log.as_array().expect("events").iter().map(|event| text(event, "uuid")).collect();
    assert!(happened.len() > 150, "{}", happened.len());
    let events = world.events_at_last(&path, "com.okta.user.session.end", happened.len()).await;
    assert_eq!(events.iter().map(|event| text(event, "id")).collect::<BTreeSet<_>>(), happened);
    assert_eq!(events.len(), happened.len(), "each event once");
}

#[tokio::test]
async fn an_odd_event_is_found_by_a_search_of_the_log() {
    let scene = Scene::by_token(tiny(1)).await;
    let order = json!({"count": 3, "type": "user.mfa.factor.deactivate"});
    scene.ground.tenant().door("POST", "events", order).await;
    for kind in ["surrogate", "number", "deep", "integer"] {
        let order = json!({"fault": "mangle", "kind": kind, "path": "/api/v1/logs", "times": 1});
        scene.ground.tenant().door("POST", "faults", order).await;
        let filter = json!({"filter": "eventType eq \"user.mfa.factor.deactivate\""});
        let found = scene.call(None, "log.search", &filter).await.expect(200);
        let items = found["output"]["items"].as_array().expect("items");
        assert_eq!(items.iter().filter(|event| event["uuid"].is_string()).count(), 3, "{kind}: {found:#}");
    }
}

#[tokio::test]
async fn an_odd_event_reaches_the_feed_and_a_scheduled_search() {
    for kind in ["surrogate", "number", "deep", "integer"] {
        Box::pin(poll_and_search_an_odd_event(kind)).await;
    }
}

async fn poll_and_search_an_odd_event(kind: &str) {
    let world = World::with(quiet()).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    // Okta's description knows no such answers.
    world.okta.record(false);
    world.sim("POST", "faults", Some(json!({"fault": "mangle", "kind": kind, "path": "/api/v1/logs"}))).await;
    let body = json!({"type": "event_search", "filter": "eventType sw \"user\"", "schedule": "rate(1 hour)"});
    let search = world.api("POST", &format!("{path}/triggers"), Some(body)).await.expect(201);
    world.api("POST", &format!("{path}/triggers"), Some(json!({"type": "new_events"}))).await.expect(201);
    world.sim("POST", "events", Some(json!({"count": 5, "type": "user.session.start"}))).await;
    world.search(&id, text(&search, "id")).await;
    world.poll(&id).await;
    let events = world.all_events(&path, "com.okta.user.session.start").await;
    assert_eq!(events.len(), 5, "{kind}");
    assert!(events.iter().all(|event| event["data"]["uuid"].is_string()), "{kind} {events:#?}");
    let results = world.all_events(&path, "okta-connector.event_search.results").await;
    assert!(!results.is_empty() && results[0]["data"]["events"][0]["uuid"].is_string(), "{kind} {results:#?}");
}

#[tokio::test]
async fn a_refused_change_of_a_hook_leaves_the_old_one_delivering() {
    let world = World::with(unlimited()).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}/triggers");
    let body = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"]});
    let made = world.api("POST", &path, Some(body)).await.expect(201);
    let one = format!("{path}/{}", text(&made, "id"));
    for (fault_path, method) in [("/api/v1/logs", "GET"), ("/api/v1/eventHooks", "POST")] {
        let order = json!({"fault": "status", "status": 503, "path": fault_path, "method": method});
        world.sim("POST", "faults", Some(order)).await;
        let change = json!({"event_types": ["user.lifecycle.suspend", "user.session.start"]});
        let refused = world.api("PATCH", &one, Some(change)).await;
        assert!(refused.status >= 400, "{fault_path}: {:#}", refused.body);
        world.sim("DELETE", "faults", None).await;
        let hooks = world.tenant("GET", "/api/v1/eventHooks", None).await.expect(200);
        assert_eq!(hooks.as_array().map(Vec::len), Some(1), "{fault_path}: {hooks:#}");
        let trigger = world.api("GET", &one, None).await.expect(200);
        assert_eq!((&trigger["status"], &trigger["verified"]), (&json!("active"), &json!(true)), "{trigger:#}");
    }
}
