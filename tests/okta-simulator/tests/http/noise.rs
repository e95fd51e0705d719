//! Background noise: what the log gains by itself.

use std::collections::BTreeMap;

use okta_simulator::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

async fn noisy(noise: u32) -> World {
    World::new(Config { users: 60, noise: Some(noise), rate_limit: Some(100_000), ..Config::default() }).await
}

/// Every event since a second of the tenant's clock, read by polling.
async fn since(world: &World, start: i64) -> Vec<Value> {
    let start = jiff::Timestamp::from_second(start).expect("a time");
    let mut next = format!("/api/v1/logs?limit=1000&since={start}");
    let mut events = Vec::new();
    loop {
        let page = world.get(&next).await;
        next = page.next().expect("polling always has a next page");
        events.extend(page.items().iter().cloned());
        if page.items().len() < 1000 {
            return events;
        }
    }
}

fn time(event: &Value) -> jiff::Timestamp {
    event["published"].as_str().and_then(|text| text.parse().ok()).expect("a time")
}

#[tokio::test]
async fn the_log_gains_so_many_events_a_minute_of_the_tenants_clock() {
    let world = noisy(12).await;
    let start = world.now().await;
    world.advance("10m").await;
    let events = since(&world, start).await;
    assert!((119..=122).contains(&events.len()), "{}", events.len());
    let times: Vec<_> = events.iter().map(time).collect();
    let apart = times.windows(2).map(|pair| pair[0].duration_until(pair[1]).as_millis());
    assert!(apart.into_iter().all(|millis| (4_999..=5_001).contains(&millis)), "{times:?}");
}

#[tokio::test]
async fn noise_names_memberships_that_exist_already() {
    let world = noisy(60).await;
    let start = world.now().await;
    let before = world.door(Method::GET, "/stats", json!({})).await["memberships"].clone();
    world.advance("10m").await;
    let events = since(&world, start).await;
    let mut counts = BTreeMap::<&str, usize>::new();
    for event in &events {
        let kind = event["eventType"].as_str().unwrap_or_default();
        *counts.entry(kind).or_default() += 1;
        if kind == "group.user_membership.add" {
            let user = event["target"][0]["id"].as_str().unwrap_or_default();
            let group = event["target"][1]["id"].as_str().unwrap_or_default().to_owned();
            assert!(world.get(&format!("/api/v1/users/{user}/groups")).await.ids().contains(&group), "{event}");
        }
    }
    assert!(counts["group.user_membership.add"] >= 58 && counts["application.user_membership.add"] >= 58, "{counts:?}");
    assert_eq!(counts.len(), 5, "{counts:?}");
    assert_eq!(world.door(Method::GET, "/stats", json!({})).await["memberships"], before);
}

#[tokio::test]
async fn every_tenth_event_of_noise_is_late() {
    let world = noisy(0).await;
    let order = json!({ "per_minute": 6, "types": ["user.session.end"], "late_seconds": 600 });
    assert_eq!(world.door(Method::POST, "/noise", order.clone()).await, order);
    let start = world.now().await;
    world.advance("10m").await;
    let events = since(&world, start).await;
    let started = jiff::Timestamp::from_second(start).expect("a time");
    let late = events.iter().filter(|event| time(event) < started).count();
    assert!(events.iter().all(|event| event["eventType"] == "user.session.end"));
    assert!((59..=61).contains(&events.len()) && (5..=6).contains(&late), "{} {late}", events.len());
    world.door(Method::POST, "/noise", json!({ "per_minute": 0 })).await;
    let before = world.door(Method::GET, "/stats", json!({})).await["events"].clone();
    world.advance("10m").await;
    assert_eq!(world.door(Method::GET, "/stats", json!({})).await["events"], before);
}

#[tokio::test]
async fn a_year_of_noise_does_not_fill_the_log() {
    let world = noisy(600).await;
    world.advance("365d").await;
    let events = world.door(Method::GET, "/stats", json!({})).await["events"].as_u64().unwrap_or_default();
    assert!((20_000..21_000).contains(&events), "{events}");
}
