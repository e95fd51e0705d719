//! What live event hooks are told, and what faults do to it.

use std::collections::BTreeSet;

use okta_simulator::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::receiver::{Receiver, Reply, Sent};
use crate::world::World;

const JOINED: &str = "group.user_membership.add";

async fn happen(world: &World, count: usize, kind: &str) -> Vec<String> {
    let written = world.door(Method::POST, "/events", json!({ "count": count, "type": kind })).await;
    written["uuids"].as_array().into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

/// The counts once nothing waits any more.
async fn settled(world: &World) -> Value {
    loop {
        let hooks = world.door(Method::GET, "/stats", json!({})).await["hooks"].clone();
        if hooks["pending"] == 0 {
            return hooks;
        }
    }
}

fn counts(sent: usize, dropped: usize, doubled: usize, failed: usize) -> Value {
    json!({ "sent": sent, "dropped": dropped, "doubled": doubled, "failed": failed, "pending": 0 })
}

fn uuids(deliveries: &[Sent]) -> Vec<String> {
    deliveries.iter().flat_map(Sent::uuids).collect()
}

#[tokio::test]
async fn a_live_hook_is_told_of_what_the_log_was_told() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    let hook = owner.live(&world, &["user.lifecycle.suspend"]).await;
    let user = world.hire("zara@acme.example").await;
    world.post(&format!("/api/v1/users/{user}/lifecycle/suspend")).await;
    let told = owner.next().await;
    for (name, value) in [
        ("authorization", "very secret"),
        ("content-type", "application/json"),
        ("x-other", "v"),
        ("accept", "application/json"),
    ] {
        assert_eq!(told.header(name), value);
    }
    let envelope = json!({
        "eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1",
        "source": format!("{}/api/v1/eventHooks/{hook}", world.okta.url()), "contentType": "application/json",
        "eventId": told.body["eventId"], "eventTime": told.body["eventTime"], "data": told.body["data"],
    });
    assert_eq!((told.method.as_str(), &told.body), ("POST", &envelope));
    assert!(told.body["eventId"].is_string() && told.body["eventTime"].is_string());
    let log = world.get("/api/v1/logs?filter=eventType+eq+%22user.lifecycle.suspend%22").await;
    assert_eq!(told.uuids(), [log.body[0]["uuid"].as_str().unwrap_or_default()]);
    assert_eq!((settled(&world).await, owner.rest().len()), (counts(1, 0, 0, 0), 0));
}

#[tokio::test]
async fn events_come_in_batches_and_in_two_shapes() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    owner.live(&world, &[JOINED]).await;
    let written = happen(&world, 250, JOINED).await;
    assert_eq!(settled(&world).await, counts(250, 0, 0, 0));
    let deliveries = owner.rest();
    assert_eq!(deliveries.iter().map(|sent| sent.events().len()).collect::<Vec<_>>(), [100, 100, 50]);
    assert_eq!(uuids(&deliveries), written);
    let ids: BTreeSet<_> = deliveries.iter().map(|sent| sent.body["eventId"].to_string()).collect();
    assert_eq!(ids.len(), 3);
    let (own, inside): (Vec<_>, Vec<_>) =
        deliveries.iter().flat_map(Sent::events).partition(|event| event["request"]["ipChain"].is_array());
    assert_eq!((own.len(), inside.len()), (125, 125));
    assert!(
        inside.iter().all(|event| event["client"]["ipChain"].is_array() && event["insertionTimestamp"].is_string())
    );
}

#[tokio::test]
async fn a_hook_that_is_not_live_is_told_nothing() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    owner.register(&world, &[JOINED]).await;
    let turned_off = owner.live(&world, &[JOINED]).await;
    world.post(&format!("/api/v1/eventHooks/{turned_off}/lifecycle/deactivate")).await;
    owner.live(&world, &["group.user_membership.remove"]).await;
    happen(&world, 3, JOINED).await;
    assert_eq!((settled(&world).await, owner.rest().len()), (counts(0, 0, 0, 0), 0));
    world.post(&format!("/api/v1/eventHooks/{turned_off}/lifecycle/activate")).await;
    happen(&world, 2, JOINED).await;
    assert_eq!((settled(&world).await, owner.rest().len()), (counts(2, 0, 0, 0), 1), "it is still verified");
}

#[tokio::test]
async fn a_failed_delivery_is_repeated_once_and_a_refused_one_is_not() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    owner.live(&world, &[JOINED]).await;
    let (mut sent, mut failed) = (0, 0);
    for (replies, requests, accepted) in [
        (&[Reply::Status(503)][..], 2, true),
        (&[Reply::Status(500); 2], 2, false),
        (&[Reply::Status(400)], 1, false),
        (&[Reply::Redirect], 1, false),
        (&[Reply::Status(204)], 1, true),
    ] {
        owner.plan(replies);
        happen(&world, 1, JOINED).await;
        (sent, failed) = if accepted { (sent + 1, failed) } else { (sent, failed + 1) };
        assert_eq!(settled(&world).await, counts(sent, 0, 0, failed), "{replies:?}");
        let requests_seen = owner.rest();
        assert_eq!(requests_seen.len(), requests, "{replies:?}");
        assert!(requests_seen.iter().all(|seen| seen.path == "/hook" && seen.body == requests_seen[0].body));
    }
}

#[tokio::test]
async fn a_silent_owner_is_asked_again_and_holds_up_nobody_else() {
    let (world, mut silent, mut other) = (World::small().await, Receiver::new().await, Receiver::new().await);
    silent.live(&world, &[JOINED]).await;
    other.live(&world, &[JOINED]).await;
    silent.plan(&[Reply::Silence]);
    happen(&world, 1, JOINED).await;
    let (first, told) = (silent.next().await, other.next().await);
    assert_eq!(first.uuids(), told.uuids());
    happen(&world, 1, JOINED).await;
    assert_eq!(other.next().await.events().len(), 1);
    let pending = world.door(Method::GET, "/stats", json!({})).await["hooks"]["pending"].clone();
    assert_eq!(pending, 2, "one on its way and one that waits");
    assert_eq!(silent.next().await.body, first.body);
    assert_eq!(settled(&world).await, counts(4, 0, 0, 0));
}

#[tokio::test]
async fn what_waits_for_a_hook_that_goes_is_given_up() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    let hook = owner.live(&world, &[JOINED]).await;
    owner.plan(&[Reply::Silence]);
    happen(&world, 1, JOINED).await;
    owner.next().await;
    happen(&world, 5, JOINED).await;
    world.post(&format!("/api/v1/eventHooks/{hook}/lifecycle/deactivate")).await;
    assert_eq!(settled(&world).await, counts(1, 0, 0, 5));
}

#[tokio::test]
async fn a_dropped_event_never_comes_and_a_doubled_one_comes_again_later() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    owner.live(&world, &[JOINED]).await;
    world.fault(json!({ "fault": "hooks", "drop": 1, "times": 3 })).await;
    world.fault(json!({ "fault": "hooks", "double": 1, "times": 5 })).await;
    let written = happen(&world, 10, JOINED).await;
    assert_eq!(settled(&world).await, counts(7, 3, 2, 0));
    let deliveries = owner.rest();
    assert_eq!(deliveries.iter().map(Sent::uuids).collect::<Vec<_>>(), [&written[3..], &written[3..5]]);
    assert_ne!(deliveries[0].body["eventId"], deliveries[1].body["eventId"]);
    let log = world.get("/api/v1/logs?limit=1000&filter=eventType+eq+%22group.user_membership.add%22").await;
    assert_eq!(log.items().len(), 10, "the log has them all");
}

#[tokio::test]
async fn a_shuffled_event_comes_once_in_another_order() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    owner.live(&world, &[JOINED]).await;
    world.fault(json!({ "fault": "hooks", "shuffle": 1 })).await;
    let written = happen(&world, 150, JOINED).await;
    assert_eq!(settled(&world).await, counts(150, 0, 0, 0));
    let mut told = uuids(&owner.rest());
    assert_ne!(told, written);
    let mut wanted = written;
    told.sort();
    wanted.sort();
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn one_seed_has_one_outcome_of_faults() {
    let mut outcomes = Vec::new();
    for seed in [1, 1, 2] {
        let world = World::new(Config { users: 40, seed, ..Config::default() }).await;
        let mut owner = Receiver::new().await;
        owner.live(&world, &[JOINED]).await;
        world.fault(json!({ "fault": "hooks", "drop": 0.2, "double": 0.3, "shuffle": 0.5 })).await;
        let written = happen(&world, 500, JOINED).await;
        let hooks = settled(&world).await;
        let told = uuids(&owner.rest());
        assert_eq!(json!(told.len()), json!(hooks["sent"].as_u64().zip(hooks["doubled"].as_u64()).map(|(a, b)| a + b)));
        let places = told.iter().map(|uuid| written.iter().position(|known| known == uuid));
        outcomes.push(places.collect::<Vec<_>>());
    }
    assert_eq!(outcomes[0], outcomes[1]);
    assert_ne!(outcomes[0], outcomes[2]);
}

#[tokio::test]
async fn any_eligible_type_can_be_written_and_is_delivered() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    let types: Vec<&str> = include_str!("../../src/tenant/hook/eligible.txt").lines().skip(1).step_by(40).collect();
    owner.live(&world, &types).await;
    for kind in &types {
        happen(&world, 1, kind).await;
        let told = owner.next().await;
        assert_eq!(told.events()[0]["eventType"], json!(kind));
    }
    assert_eq!(settled(&world).await, counts(types.len(), 0, 0, 0));
}

#[tokio::test]
async fn a_reset_forgets_hooks_and_what_waits_for_them() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    owner.live(&world, &[JOINED]).await;
    owner.plan(&[Reply::Silence]);
    happen(&world, 1, JOINED).await;
    owner.next().await;
    world.door(Method::POST, "/reset", json!({})).await;
    assert!(world.get("/api/v1/eventHooks").await.items().is_empty());
    owner.plan(&[Reply::Status(200)]);
    assert_eq!(owner.next().await.events().len(), 1, "what is on its way arrives");
    assert_eq!(settled(&world).await, counts(0, 0, 0, 0));
}
