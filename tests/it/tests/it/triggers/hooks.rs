//! Okta's event hooks: deliveries, secrets, and hooks that are gone.

use super::{SUSPENDED, connected, delivered, make, suspend_somebody, told};
use crate::world::{World, text};
use serde_json::{Value, json};

#[tokio::test]
async fn what_a_hook_delivers_is_in_the_feed_once() {
    let world = World::start().await;
    let path = connected(&world).await;
    let body = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"]});
    let reply = make(&world, &path, body).await;
    let location = reply.headers["location"].to_str().expect("text").to_owned();
    let trigger = reply.expect(201);
    assert_eq!((&trigger["status"], &trigger["verified"]), (&json!("active"), &json!(true)), "{trigger:#}");
    let user = suspend_somebody(&world).await;
    delivered(&world).await;
    // The process that held the feed at that moment moves it there.
    let events = world.events_at_last(&path, SUSPENDED, 1).await;
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!((&events[0]["subject"], &events[0]["specversion"]), (&json!(user), &json!("1.0")));
    assert_eq!(
        events[0]["source"],
        json!(format!("{}/triggers/{}", path.trim_start_matches("/v1"), text(&trigger, "id")))
    );
    assert_eq!(events[0]["data"]["eventType"], "user.lifecycle.suspend");
    let read = world.api("GET", &location, None).await.expect(200);
    assert!(read["last_event_at"].is_string() && read["missed_hooks"] == 0, "{read:#}");
}

#[tokio::test]
async fn the_poll_brings_what_no_hook_has_delivered_and_nothing_twice() {
    let world = World::with(crate::world::quiet()).await;
    let path = connected(&world).await;
    let body = json!({"type": "event_hook", "event_types": ["user.session.start"]});
    make(&world, &path, body).await.expect(201);
    world.sim("POST", "faults", Some(json!({"fault": "hooks", "drop": 0.3, "double": 0.3, "shuffle": 1.0}))).await;
    world.sim("POST", "events", Some(json!({"count": 40, "type": "user.session.start"}))).await;
    delivered(&world).await;
    let connection = path.rsplit('/').next().expect("an id").to_owned();
    world.poll(&connection).await;
    let mut ids: Vec<_> = world
        .all_events(&path, "com.okta.user.session.start")
        .await
        .iter()
        .map(|it| text(it, "id").to_owned())
        .collect();
    let many = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), many), (40, 40));
    let stats = world.sim("GET", "stats", None).await;
    assert!(stats["hooks"]["dropped"].as_u64() > Some(0), "{stats:#}");
    let triggers = world.api("GET", &format!("{path}/triggers"), None).await.expect(200);
    assert_eq!(triggers["items"][0]["missed_hooks"], stats["hooks"]["dropped"]);
}

/// The secret that Okta was given with a hook.
fn overheard(world: &World) -> String {
    let exchanges = world.okta.exchanges();
    let made = exchanges.iter().rfind(|it| it.method == "POST" && it.path == "/api/v1/eventHooks").expect("a hook");
    let body: Value = serde_json::from_slice(&made.request_body).expect("JSON");
    text(&body["channel"]["config"]["authScheme"], "value").to_owned()
}

#[tokio::test]
async fn a_delivery_is_taken_up_to_four_megabytes_and_its_secret_is_kept_nowhere() {
    let world = World::start().await;
    let path = connected(&world).await;
    let body = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"]});
    let trigger = make(&world, &path, body).await.expect(201);
    let (url, secret) = (text(&trigger, "hook_url"), overheard(&world));
    let post = async |body: String| {
        let request = reqwest::Client::new().post(url).header("authorization", &secret).body(body);
        request.send().await.expect("an answer").status().as_u16()
    };
    let event = |essay: usize| {
        let event = json!({"uuid": "u1", "eventType": "user.lifecycle.suspend", "essay": "x".repeat(essay)});
        json!({"data": {"events": [event]}}).to_string()
    };
    let small: Vec<_> =
        (0..10_000).map(|n| json!({"uuid": format!("s{n}"), "eventType": "user.lifecycle.suspend"})).collect();
    let many = json!({"data": {"events": small}}).to_string();
    for (body, status) in [
        ("not JSON".to_owned(), 400),
        ("[1]".to_owned(), 400),
        ("{}".to_owned(), 204),
        (event(4 * 1024 * 1024), 413),
        (event(3 * 1024 * 1024), 204),
        (event(3 * 1024 * 1024), 204),
        (many.clone(), 204),
        (many, 204),
    ] {
        assert_eq!(post(body).await, status);
    }
    assert_eq!(world.events_at_last(&path, SUSPENDED, 10_001).await.len(), 10_001);
    for file in walk(world.data()) {
        let kept = std::fs::read(&file).expect("a file");
        assert!(!kept.windows(secret.len()).any(|some| some == secret.as_bytes()), "{}", file.display());
    }
}

#[tokio::test]
async fn a_delivery_of_any_shape_brings_each_of_its_events_once() {
    let world = World::start().await;
    let path = connected(&world).await;
    let body = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"]});
    let trigger = make(&world, &path, body).await.expect(201);
    let url = text(&trigger, "hook_url");
    let secret = overheard(&world);
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let events = [
        r#","actor":null,"target":null,"client":null"#.to_owned(),
        r#","client":{"userAgent":{"rawUserAgent":"x\ud83d"}}"#.to_owned(),
        r#","debugContext":{"debugData":{"headcount":1e400}}"#.to_owned(),
        format!(r#","debugContext":{{"debugData":{{"nested":{deep}}}}}"#),
    ];
    let event =
        |(at, more): (usize, &String)| format!(r#"{{"uuid":"u{at}","eventType":"user.lifecycle.suspend"{more}}}"#);
    let events: Vec<_> = events.iter().enumerate().map(event).collect();
    // Besides these, an event without a type, and none at all.
    let batch = format!(r#"{{"data":{{"events":[{},{{"uuid":"u9"}},null]}}}}"#, events.join(","));
    for body in [batch.as_str(), batch.as_str(), r#"{"data":{"events":null}}"#, r#"{"data":null}"#] {
        let request = reqwest::Client::new().post(url).header("authorization", &secret);
        let request = request.header("content-type", "application/json; charset=utf-8").body(body.to_owned());
        assert_eq!(request.send().await.expect("an answer").status().as_u16(), 204, "{body:.60}");
    }
    let events = told(&world, &path, SUSPENDED).await;
    assert_eq!(events.iter().map(|event| text(event, "id")).collect::<Vec<_>>(), ["u0", "u1", "u2", "u3"]);
}

/// All files below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_hook_that_okta_refuses_leaves_nothing_behind() {
    let world = World::start().await;
    let path = connected(&world).await;
    let body = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"]});
    let fault = json!({"fault": "status", "status": 403, "error_code": "E0000006", "path": "/api/v1/eventHooks"});
    let fault = world.sim("POST", "faults", Some(fault)).await;
    let reply = make(&world, &path, body.clone()).await;
    assert_eq!((reply.status, reply.problem()), (422, "okta-rejected"), "{:#}", reply.body);
    world.sim("DELETE", &format!("faults/{}", text(&fault, "id")), None).await;
    let triggers = world.api("GET", &format!("{path}/triggers"), None).await.expect(200);
    assert_eq!(triggers["items"], json!([]));
    make(&world, &path, body).await.expect(201);
}

#[tokio::test]
async fn the_test_says_where_hooks_do_not_deliver() {
    let world = World::start().await;
    world.sim("PATCH", "app", Some(json!({"role": "SUPER_ADMIN"}))).await;
    let path = connected(&world).await;
    let connection = path.rsplit('/').next().expect("an id").to_owned();
    let body = json!({"type": "event_hook", "event_types": ["user.session.start"]});
    make(&world, &path, body).await.expect(201);
    let check = async || {
        let report = world.api("POST", &format!("{path}/test"), None).await.expect(200);
        let checks = report["checks"].as_array().expect("checks").clone();
        checks.into_iter().find(|check| check["capability"] == "event_hooks").expect("the check")
    };
    assert_ne!(check().await["finding"], "hook_failing");
    world.sim("POST", "faults", Some(json!({"fault": "hooks", "drop": 1.0}))).await;
    world.sim("POST", "events", Some(json!({"count": 3, "type": "user.session.start"}))).await;
    delivered(&world).await;
    world.poll(&connection).await;
    let check = check().await;
    assert_eq!((&check["status"], &check["finding"]), (&json!("degraded"), &json!("hook_failing")), "{check:#}");
    assert!(text(&check, "detail").starts_with("3 events"), "{check:#}");
}

#[tokio::test]
async fn a_hook_that_somebody_deleted_in_okta_is_made_anew_by_the_daily_check() {
    let world = World::start().await;
    let path = connected(&world).await;
    let connection = path.rsplit('/').next().expect("an id").to_owned();
    let body = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"]});
    let trigger = make(&world, &path, body).await.expect(201);
    world.poll(&connection).await;
    let hook = format!("/api/v1/eventHooks/{}", text(&trigger, "okta_hook_id"));
    world.tenant("POST", &format!("{hook}/lifecycle/deactivate"), None).await.expect(200);
    world.tenant("DELETE", &hook, None).await.expect(204);
    world.poll(&connection).await;
    assert_eq!(world.tenant("GET", "/api/v1/eventHooks", None).await.expect(200), json!([]), "not every minute");
    world.clock.advance(jiff::SignedDuration::from_hours(25));
    world.sim("POST", "clock", Some(json!({"advance": "25h"}))).await;
    world.poll(&connection).await;
    let trigger = world.api("GET", &format!("{path}/triggers"), None).await.expect(200)["items"][0].clone();
    assert_eq!((&trigger["status"], &trigger["verified"]), (&json!("active"), &json!(true)), "{trigger:#}");
    let hooks = world.tenant("GET", "/api/v1/eventHooks", None).await.expect(200);
    assert_eq!((hooks.as_array().map(Vec::len), &hooks[0]["id"]), (Some(1), &trigger["okta_hook_id"]));
    suspend_somebody(&world).await;
    delivered(&world).await;
    assert_eq!(told(&world, &path, SUSPENDED).await.len(), 1);
}

#[tokio::test]
async fn a_stranger_learns_nothing_at_a_hook_and_changes_nothing() {
    let world = World::start().await;
    let path = connected(&world).await;
    let body = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"]});
    let trigger = make(&world, &path, body).await.expect(201);
    let url = text(&trigger, "hook_url").to_owned();
    let unknown = format!("{}0", &url[..url.len() - 1]);
    let delivery = json!({"data": {"events": [{"uuid": "forged", "eventType": "user.lifecycle.suspend"}]}});
    let wrong = [("authorization", "a guess")];
    let mut answers = Vec::new();
    for (url, headers) in [(&url, &wrong[..]), (&url, &[][..]), (&unknown, &wrong[..])] {
        for method in ["GET", "POST"] {
            let body = (method == "POST").then(|| delivery.clone());
            let mut reply = world.request(method, url, headers, body).await;
            reply.body["instance"] = Value::Null;
            answers.push((reply.status, reply.body.to_string()));
        }
    }
    answers.dedup();
    assert_eq!((answers.len(), answers[0].0), (1, 401), "{answers:?}");
    assert_eq!(told(&world, &path, SUSPENDED).await, Vec::<Value>::new());
}
