//! A change in Okta is in the directory within moments, by an event hook of the connector's own.

use crate::picture::Tenant;
use crate::properties::cases;
use crate::tenancy::{Change, make};
use crate::world::{World, quiet, text};
use it::campaign::Campaign;
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// A synced connection that follows changes, and its path.
async fn live(world: &World) -> String {
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    let body = json!({"sync": {"live": true}});
    let on = world.api("PATCH", &path, Some(body)).await.expect(200);
    assert_eq!((&on["sync"]["live"], &on["live"]["status"]), (&json!(true), &json!("active")), "{on:#}");
    assert_eq!((&on["live"]["source"], &on["live"]["last_event_at"]), (&json!("event_hook"), &Value::Null));
    path
}

async fn hooks(world: &World) -> Vec<Value> {
    tenant(world, "GET", "/api/v1/eventHooks", None).await.as_array().expect("a list").clone()
}

async fn tenant(world: &World, method: &str, path: &str, body: Option<Value>) -> Value {
    world.tenant(method, path, body).await.body
}

/// The paths of what the connector asked Okta for.
async fn asked(world: &World) -> Vec<String> {
    let requests = world.sim("GET", "requests?after=0", None).await;
    let requests = requests["items"].as_array().expect("requests").clone();
    let ours = requests.iter().filter(|request| text(request, "principal").starts_with("0oa"));
    let paths = ours.map(|request| text(request, "path").to_owned());
    paths.filter(|path| path.starts_with("/api/v1/")).collect()
}

/// Looks until what is read holds.
async fn until(world: &World, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..2_000 {
        let shown = world.api("GET", path, None).await;
        if holds(&shown.body) {
            return shown.body;
        }
        tokio::task::yield_now().await;
    }
    panic!("{path} does not become so: {:#}", world.api("GET", path, None).await.body)
}

#[tokio::test]
async fn a_change_in_okta_is_shown_without_a_sync_that_was_asked_for() {
    let world = World::with(quiet()).await;
    let path = live(&world).await;
    let people = world.all(&format!("{path}/people?status=ACTIVE")).await;
    let user = text(people.last().expect("a person"), "id").to_owned();
    let syncs = world.all(&format!("{path}/syncs")).await;
    let before = asked(&world).await;
    let profile = json!({"profile": {"title": "Chief of Tests"}});
    tenant(&world, "POST", &format!("/api/v1/users/{user}"), Some(profile)).await;
    until(&world, &format!("{path}/people/{user}"), |person| person["title"] == "Chief of Tests").await;
    let requests = asked(&world).await.split_off(before.len());
    assert!(requests.len() <= 3, "{requests:?}");
    let named = json!({"profile": {"name": "Live"}});
    let group = tenant(&world, "POST", "/api/v1/groups", Some(named)).await;
    let group = text(&group, "id").to_owned();
    until(&world, &format!("{path}/groups/{group}"), |shown| shown["name"] == "Live").await;
    tenant(&world, "PUT", &format!("/api/v1/groups/{group}/users/{user}"), None).await;
    until(&world, &format!("{path}/groups/{group}/members"), |list| list["items"][0]["id"] == *user).await;
    tenant(&world, "POST", &format!("/api/v1/users/{user}/lifecycle/suspend"), None).await;
    until(&world, &format!("{path}/users/{user}"), |shown| shown["status"] == "SUSPENDED").await;
    assert_eq!(world.all(&format!("{path}/syncs")).await, syncs);
    let shown = until(&world, &path, |shown| !shown["live"]["last_event_at"].is_null()).await;
    assert_eq!(shown["live"]["status"], "active");
    // Its hook is no trigger, and readers of the feed hear of what changed, not of Okta's events.
    assert!(world.all(&format!("{path}/triggers")).await.is_empty());
}

#[tokio::test]
async fn off_paused_and_deleted_have_no_hook_in_okta() {
    let world = World::with(quiet()).await;
    let path = live(&world).await;
    assert_eq!(hooks(&world).await.len(), 1);
    for (body, status, left) in [
        (json!({"paused": true}), "off", 0),
        (json!({"paused": false}), "active", 1),
        (json!({"sync": {"live": false}}), "off", 0),
        (json!({"sync": {"live": true}}), "active", 1),
        (json!({"sync": null}), "off", 0),
        (json!({"sync": {"live": true}}), "active", 1),
    ] {
        world.api("PATCH", &path, Some(body.clone())).await.expect(200);
        let shown = world.api("GET", &path, None).await.expect(200);
        assert_eq!((&shown["live"]["status"], hooks(&world).await.len()), (&json!(status), left), "{body}");
    }
    world.api("DELETE", &path, None).await.expect(204);
    assert!(hooks(&world).await.is_empty());
}

#[tokio::test]
async fn a_hook_that_okta_refuses_leaves_it_off_and_says_why() {
    let world = World::with(quiet()).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    world.sim("PATCH", "app", Some(json!({"role": "READ_ONLY_ADMIN"}))).await;
    let refused = world.api("PATCH", &path, Some(json!({"sync": {"live": true}}))).await.expect(422);
    assert_eq!(refused["finding"], "role_missing", "{refused:#}");
    let shown = world.api("GET", &path, None).await.expect(200);
    assert_eq!((&shown["sync"]["live"], &shown["live"]["status"]), (&json!(false), &json!("off")));
    assert!(hooks(&world).await.is_empty());
}

#[tokio::test]
async fn the_test_sees_a_hook_that_is_gone() {
    let world = World::with(quiet()).await;
    let path = live(&world).await;
    let check = async || {
        let report = world.api("POST", &format!("{path}/test"), None).await.expect(200);
        let checks = report["checks"].as_array().expect("checks").clone();
        checks.into_iter().find(|check| check["capability"] == "live").expect("a check")
    };
    assert_eq!(check().await["status"], "ok");
    let hook = text(&hooks(&world).await[0], "id").to_owned();
    tenant(&world, "POST", &format!("/api/v1/eventHooks/{hook}/lifecycle/deactivate"), None).await;
    tenant(&world, "DELETE", &format!("/api/v1/eventHooks/{hook}"), None).await;
    let gone = check().await;
    assert_eq!((&gone["status"], &gone["finding"]), (&json!("degraded"), &json!("hook_failing")), "{gone:#}");
}

#[tokio::test]
async fn a_reader_of_the_feed_waits_for_what_comes() {
    let world = World::with(quiet()).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}/events");
    let mut cursor = None;
    loop {
        let from = cursor.as_ref().map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
        let page = world.api("GET", &format!("{path}{from}"), None).await.expect(200);
        let next = Some(text(&page, "next_cursor").to_owned());
        if next == cursor {
            break;
        }
        cursor = next;
    }
    let cursor = cursor.expect("a cursor");
    let from = format!("{path}?wait=20s&cursor={cursor}");
    let waiting = world.api("GET", &from, None);
    let (page, _) = tokio::join!(waiting, world.sync(&id, "full"));
    let page = page.expect(200);
    assert_eq!(page["items"][0]["type"], "okta-connector.sync.completed", "{page:#}");
    // It goes on without the wait.
    let next = text(&page, "next_cursor");
    world.api("GET", &format!("{path}?cursor={next}"), None).await.expect(200);
    for wrong in ["21s", "1", "-1s", "soon"] {
        world.api("GET", &format!("{path}?wait={wrong}"), None).await.expect(400);
    }
}

/// Time passes in the tenant and here.
async fn pass(world: &World, seconds: i64) {
    world.clock.advance(SignedDuration::from_secs(seconds));
    world.sim("POST", "clock", Some(json!({"advance": format!("{seconds}s")}))).await;
}

/// Runs a sync to its end, also where it asks first.
async fn sync(world: &World, path: &str, mode: &str) -> Value {
    let id = path.rsplit('/').next().expect("an id");
    let sync = world.sync(id, mode).await;
    if sync["status"] != "needs_confirmation" {
        return sync;
    }
    let run = text(&sync, "id");
    world.api("POST", &format!("{path}/syncs/{run}/confirm-removals"), None).await.expect(202);
    world.finished(id, run).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn whatever_hooks_lose_double_and_shuffle_the_next_incremental_sync_leaves_what_a_verifying_one_would() {
    let campaign = Campaign::start();
    let world = World::with(quiet()).await;
    let path = live(&world).await;
    let never = json!({"sync": {"full": null, "incremental": null, "verify": null}});
    world.api("PATCH", &path, Some(never)).await.expect(200);
    world.sim("POST", "faults", Some(json!({"fault": "hooks", "drop": 0.3, "double": 0.3, "shuffle": 0.3}))).await;
    let okta = Tenant::new(world.simulator.url(), &world.simulator.credentials().api_token);
    let mut runner = TestRunner::new(cases(1, 1));
    let days = prop::collection::vec(any::<Change>(), 3..12);
    for _ in 0..campaign.count(3, 40) {
        let changes = days.new_tree(&mut runner).expect("changes").current();
        for change in &changes {
            make(&okta, change).await;
        }
        pass(&world, 120).await;
        let incremental = sync(&world, &path, "incremental").await;
        assert_eq!(incremental["status"], "succeeded", "{changes:?} {incremental:#}");
        pass(&world, 120).await;
        let verified = sync(&world, &path, "verify").await;
        for (stream, counts) in verified["progress"].as_object().expect("counts") {
            let moved: u64 = ["added", "changed", "removed"].iter().filter_map(|name| counts[name].as_u64()).sum();
            assert_eq!(moved, 0, "{stream} {changes:?} {verified:#}");
        }
        pass(&world, 120).await;
    }
}
