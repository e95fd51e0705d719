//! Scheduled searches.

use super::{connected, make};
use crate::world::{World, text};
use serde_json::{Value, json};

#[tokio::test]
async fn a_search_covers_each_event_once_late_ones_included() {
    let world = World::start().await;
    let path = connected(&world).await;
    let connection = path.rsplit('/').next().expect("an id").to_owned();
    world.sim("POST", "events", Some(json!({"count": 150, "type": "user.session.start"}))).await;
    let body =
        json!({"type": "event_search", "filter": "eventType eq \"user.session.start\"", "schedule": "rate(1 hour)"});
    let trigger = make(&world, &path, body).await.expect(201);
    let id = text(&trigger, "id").to_owned();
    world.search(&connection, &id).await;
    world.search(&connection, &id).await;
    world.sim("POST", "events", Some(json!({"count": 3, "type": "user.session.start", "late_seconds": 7200}))).await;
    world.search(&connection, &id).await;
    let results = world.all_events(&path, "okta-connector.event_search.results").await;
    let of = |event: &Value| ["part", "parts", "count"].map(|name| event["data"][name].as_u64().expect("a number"));
    let [_, parts, first] = of(&results[0]);
    let shape: Vec<_> = results.iter().map(of).collect();
    let mut wanted: Vec<_> = (1..=parts).map(|part| [part, parts, first]).collect();
    wanted.push([1, 1, 3]);
    assert_eq!((shape, parts), (wanted, first.div_ceil(100)), "nothing is told of the search that found nothing");
    let uuids: std::collections::BTreeSet<_> = results
        .iter()
        .flat_map(|it| it["data"]["events"].as_array().expect("events"))
        .map(|it| text(it, "uuid").to_owned())
        .collect();
    assert_eq!(uuids.len() as u64, first + 3);
}

/// A search that has run once: its connection, its id, and how many events it found.
async fn searched(world: &World, path: &str, filter: &str) -> (String, String, usize) {
    let connection = path.rsplit('/').next().expect("an id").to_owned();
    let body = json!({"type": "event_search", "filter": filter, "schedule": "rate(1 hour)"});
    let id = text(&make(world, path, body).await.expect(201), "id").to_owned();
    world.search(&connection, &id).await;
    (connection, id, found(world, path).await.0)
}

/// What the results of searches hold: how many, and how many of them are different.
async fn found(world: &World, path: &str) -> (usize, usize) {
    let results = world.all_events(path, "okta-connector.event_search.results").await;
    let events = results.iter().flat_map(|it| it["data"]["events"].as_array().expect("events"));
    let uuids: Vec<_> = events.map(|it| text(it, "uuid")).collect();
    (uuids.len(), uuids.iter().collect::<std::collections::BTreeSet<_>>().len())
}

#[tokio::test]
async fn a_search_whose_place_okta_refuses_loses_and_doubles_nothing() {
    let world = World::start().await;
    let path = connected(&world).await;
    let (connection, id, before) = searched(&world, &path, "eventType eq \"user.session.end\"").await;
    // More than one result holds.
    world.sim("POST", "events", Some(json!({"count": 3_500, "type": "user.session.end"}))).await;
    world.search(&connection, &id).await;
    assert_eq!(found(&world, &path).await, (before + 3_500, before + 3_500));
    world.sim("POST", "events", Some(json!({"count": 5, "type": "user.session.end"}))).await;
    let refused =
        json!({"fault": "status", "status": 400, "error_code": "E0000031", "path": "/api/v1/logs", "times": 1});
    world.sim("POST", "faults", Some(refused)).await;
    world.search(&connection, &id).await;
    assert_eq!(found(&world, &path).await, (before + 3_505, before + 3_505));
}

#[tokio::test]
async fn a_search_goes_by_its_filter_as_it_was_changed() {
    let world = World::start().await;
    let path = connected(&world).await;
    let filter = |kind: &str| format!("eventType eq \"{kind}\"");
    let (connection, id, before) = searched(&world, &path, &filter("user.session.end")).await;
    let change = json!({"filter": filter("user.session.clear")});
    world.api("PATCH", &format!("{path}/triggers/{id}"), Some(change)).await.expect(200);
    for kind in ["user.session.end", "user.session.clear"] {
        world.sim("POST", "events", Some(json!({"count": 4, "type": kind}))).await;
    }
    for _ in 0..2 {
        world.search(&connection, &id).await;
        assert_eq!(found(&world, &path).await, (before + 4, before + 4));
    }
}
