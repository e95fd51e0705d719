//! Triggers over HTTP: made, refused, fired by Okta's hooks, changed and deleted.

mod hooks;
mod searches;

use crate::world::{Reply, World, text};
use serde_json::{Value, json};
use std::time::Duration;

/// A connection without syncs of its own, and where its triggers are.
async fn connected(world: &World) -> String {
    let connected = world.connect().await;
    let id = text(&connected, "id").to_owned();
    world.finished(&id, text(&connected, "sync_id")).await;
    format!("/v1/connections/{id}")
}

async fn make(world: &World, path: &str, body: Value) -> Reply {
    world.api("POST", &format!("{path}/triggers"), Some(body)).await
}

/// The feed from its beginning, of one type.
async fn told(world: &World, path: &str, event_type: &str) -> Vec<Value> {
    let page = world.api("GET", &format!("{path}/events?type={event_type}"), None).await.expect(200);
    page["items"].as_array().expect("items").clone()
}

/// Waits until every delivery was made.
async fn delivered(world: &World) {
    loop {
        let stats = world.sim("GET", "stats", None).await;
        if stats["hooks"]["pending"] == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn suspend_somebody(world: &World) -> String {
    let users = world.tenant("GET", "/api/v1/users?limit=200", None).await.expect(200);
    let user = users.as_array().expect("users").iter().rfind(|user| user["status"] == "ACTIVE").expect("somebody");
    let id = text(user, "id").to_owned();
    world.tenant("POST", &format!("/api/v1/users/{id}/lifecycle/suspend"), None).await.expect(200);
    id
}

const SUSPENDED: &str = "com.okta.user.lifecycle.suspend";

#[tokio::test]
async fn new_events_are_told_from_the_making_of_the_trigger_on_and_filtered() {
    let world = World::start().await;
    let path = connected(&world).await;
    let connection = path.rsplit('/').next().expect("an id").to_owned();
    let order = |count: u64, kind: &str| Some(json!({"count": count, "type": kind}));
    world.sim("POST", "events", order(5, "user.session.start")).await;
    let first = json!({"type": "new_events"});
    make(&world, &path, first).await.expect(201);
    world.sim("POST", "events", order(3, "user.session.start")).await;
    let second =
        json!({"type": "new_events", "filter": "eventType eq \"user.session.end\" and outcome.result eq \"SUCCESS\""});
    let second = make(&world, &path, second).await.expect(201);
    world.sim("POST", "events", order(2, "user.session.end")).await;
    world.poll(&connection).await;
    let (started, ended) = (
        world.all_events(&path, "com.okta.user.session.start").await,
        world.all_events(&path, "com.okta.user.session.end").await,
    );
    assert_eq!((started.len(), ended.len()), (3, 4), "the second trigger is told of the two that it is about");
    let of_second = world.api("GET", &format!("{path}/events?trigger={}", text(&second, "id")), None).await.expect(200);
    assert_eq!(of_second["items"].as_array().map(Vec::len), Some(2));
    let cursor = text(&of_second, "next_cursor").to_owned();
    let again = format!("{path}/events?trigger={}&cursor={cursor}", text(&second, "id"));
    let again = world.api("GET", &again, None).await.expect(200);
    assert_eq!((again["items"].as_array().map(Vec::len), text(&again, "next_cursor")), (Some(0), cursor.as_str()));
}

#[tokio::test]
async fn schedules_poll_and_search_on_one_machine() {
    let world = World::start().await;
    let path = connected(&world).await;
    make(&world, &path, json!({"type": "new_events"})).await.expect(201);
    let search =
        json!({"type": "event_search", "filter": "eventType eq \"user.session.end\"", "schedule": "rate(1 minute)"});
    make(&world, &path, search).await.expect(201);
    world.sim("POST", "events", Some(json!({"count": 2, "type": "user.session.end"}))).await;
    world.clock.advance(jiff::SignedDuration::from_secs(61));
    world.sim("POST", "clock", Some(json!({"advance": "61s"}))).await;
    world.tick().await;
    let told = world.events_at_last(&path, "com.okta.user.session.end", 2).await;
    let results = world.events_at_last(&path, "okta-connector.event_search.results", 1).await;
    let found = results[0]["data"]["events"].as_array().expect("events");
    assert!(told.iter().all(|event| found.contains(&event["data"])), "{results:#?}");
}

#[tokio::test]
async fn what_okta_or_aws_would_refuse_is_refused_and_nothing_is_stored() {
    let world = World::start().await;
    let path = connected(&world).await;
    let hook = |types: Value| json!({"type": "event_hook", "event_types": types});
    let news = |filter: &str, schedule: &str| json!({"type": "new_events", "filter": filter, "schedule": schedule});
    let search = |schedule: &str, lookback: &str| json!({"type": "event_search", "filter": "eventType pr", "schedule": schedule, "lookback": lookback});
    for (body, problem, pointer) in [
        (json!({"type": "webhook"}), "invalid-body", "/type"),
        (json!({}), "invalid-body", "/type"),
        (hook(json!([])), "invalid-body", "/event_types"),
        (hook(json!(["user.account.expire_password"])), "invalid-body", "/event_types"),
        (hook(json!(["no.such.event"])), "invalid-body", "/event_types"),
        (
            json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"], "filter": "x"}),
            "invalid-body",
            "/filter",
        ),
        (news("eventType is \"x\"", "rate(1 minute)"), "invalid-filter", "/filter"),
        (news("published gt \"2026-01-01T00:00:00Z\"", "rate(1 minute)"), "invalid-filter", "/filter"),
        (news("eventType pr", "cron(0 8 * * ? *)"), "invalid-schedule", "/schedule"),
        (news("eventType pr", "rate(10 seconds)"), "invalid-schedule", "/schedule"),
        (search("every(5 minutes)", "24h"), "invalid-schedule", "/schedule"),
        (search("rate(1 hour)", "91d"), "invalid-body", "/lookback"),
        (search("rate(1 hour)", "a day"), "invalid-body", "/lookback"),
        (json!({"type": "new_events", "timezone": "Mars/Olympus"}), "invalid-schedule", "/timezone"),
        (json!({"type": "new_events", "timezone": "europe/oslo"}), "invalid-schedule", "/timezone"),
        (json!({"type": "new_events", "deliver": ["email"]}), "invalid-body", "/deliver/0"),
        // This service has no bus.
        (json!({"type": "new_events", "deliver": ["bus"]}), "invalid-body", "/deliver"),
        (json!({"type": "new_events", "colour": "red"}), "invalid-body", "/colour"),
    ] {
        let reply = make(&world, &path, body.clone()).await;
        assert_eq!((reply.status, reply.problem()), (422, problem), "{body} {:#}", reply.body);
        assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{body} {:#}", reply.body);
    }
    let triggers = world.api("GET", &format!("{path}/triggers"), None).await.expect(200);
    assert_eq!(triggers["items"], json!([]));
}

#[tokio::test]
async fn a_cursor_older_than_what_is_kept_is_gone_and_the_oldest_one_is_told() {
    let world = World::start().await;
    let path = connected(&world).await;
    let connection = path.rsplit('/').next().expect("an id").to_owned();
    make(&world, &path, json!({"type": "new_events"})).await.expect(201);
    world.sim("POST", "events", Some(json!({"count": 3, "type": "user.session.start"}))).await;
    world.poll(&connection).await;
    let first = world.api("GET", &format!("{path}/events?limit=1"), None).await.expect(200);
    let old = format!("{path}/events?cursor={}", text(&first, "next_cursor"));
    world.clock.advance(jiff::SignedDuration::from_hours(24 * 8));
    world.sim("POST", "clock", Some(json!({"advance": "192h"}))).await;
    world.sim("POST", "events", Some(json!({"count": 2, "type": "user.session.start"}))).await;
    world.poll(&connection).await;
    let reply = world.api("GET", &old, None).await;
    assert_eq!((reply.status, reply.problem()), (410, "cursor-expired"), "{:#}", reply.body);
    let oldest = format!("{path}/events?cursor={}", text(&reply.body, "oldest_cursor"));
    assert!(!world.api("GET", &oldest, None).await.expect(200)["items"].as_array().expect("items").is_empty());
    let foreign = format!("{path}/events?type=x&cursor={}", text(&first, "next_cursor"));
    assert_eq!(world.api("GET", &foreign, None).await.status, 400);
}

#[tokio::test]
async fn a_place_in_the_log_that_okta_refuses_loses_and_doubles_nothing() {
    let world = World::start().await;
    let path = connected(&world).await;
    let connection = path.rsplit('/').next().expect("an id").to_owned();
    make(&world, &path, json!({"type": "new_events"})).await.expect(201);
    let happen =
        async |count: u64| world.sim("POST", "events", Some(json!({"count": count, "type": "user.session.end"}))).await;
    happen(1_500).await;
    world.poll(&connection).await;
    happen(20).await;
    let refused =
        json!({"fault": "status", "status": 400, "error_code": "E0000031", "path": "/api/v1/logs", "times": 1});
    world.sim("POST", "faults", Some(refused)).await;
    world.poll(&connection).await;
    let told = world.all_events(&path, "com.okta.user.session.end").await;
    let ids: std::collections::BTreeSet<_> = told.iter().map(|it| text(it, "id")).collect();
    assert_eq!((told.len(), ids.len()), (1_520, 1_520));
}

#[tokio::test]
async fn a_trigger_is_changed_disabled_and_deleted_with_its_hook() {
    let world = World::start().await;
    let path = connected(&world).await;
    let body = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"], "name": "Leavers"});
    let trigger = make(&world, &path, body).await.expect(201);
    let one = format!("{path}/triggers/{}", text(&trigger, "id"));
    let hooks = async || world.tenant("GET", "/api/v1/eventHooks", None).await.expect(200);
    let patch = async |body: Value| world.api("PATCH", &one, Some(body)).await;
    let renamed = patch(json!({"name": null})).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["okta_hook_id"]), (&Value::Null, &trigger["okta_hook_id"]));
    let other = patch(json!({"event_types": ["user.lifecycle.unsuspend"]})).await.expect(200);
    assert_eq!(hooks().await[0]["events"]["items"], json!(["user.lifecycle.unsuspend"]));
    assert_eq!((hooks().await.as_array().map(Vec::len), &other["verified"]), (Some(1), &json!(true)));
    let off = patch(json!({"enabled": false})).await.expect(200);
    assert_eq!((&off["status"], hooks().await), (&json!("disabled"), json!([])));
    for (wrong, pointer) in
        [(json!({"type": "new_events"}), "/type"), (json!({"schedule": "rate(1 hour)"}), "/schedule")]
    {
        let reply = patch(wrong).await;
        assert_eq!((reply.status, &reply.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{:#}", reply.body);
    }
    patch(json!({"enabled": true})).await.expect(200);
    world.api("DELETE", &one, None).await.expect(204);
    assert_eq!((world.api("GET", &one, None).await.status, hooks().await), (404, json!([])));
}

#[tokio::test]
async fn a_connection_that_goes_takes_its_hooks_and_feed_with_it() {
    let world = World::start().await;
    let path = connected(&world).await;
    let body = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"]});
    make(&world, &path, body).await.expect(201);
    world.api("DELETE", &path, None).await.expect(204);
    assert_eq!(world.tenant("GET", "/api/v1/eventHooks", None).await.expect(200), json!([]));
}

#[tokio::test]
async fn what_a_sync_tells_is_in_the_feed_of_the_directory() {
    let world = World::start().await;
    let path = connected(&world).await;
    let events = world.events_at_last(&path, "okta-connector.sync.completed", 1).await;
    assert_eq!(events.len(), 1);
    assert!(text(&events[0], "source").ends_with("/directory"), "{:#}", events[0]);
    assert_eq!(events[0]["data"]["mode"], "full");
}
