//! What a sync does not remove unasked, shown to whoever is asked, and removed once somebody confirms it.

use crate::world::{World, small, text};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A world whose role was taken away, and the sync that asks what to make of it.
async fn asked() -> (World, String, Value) {
    let world = World::start().await;
    let id = world.synced().await;
    world.sim("PATCH", "app", Some(json!({"role": null}))).await;
    let sync = world.sync(&id, "full").await;
    assert_eq!(sync["status"], "needs_confirmation", "{sync:#}");
    (world, format!("/v1/connections/{id}"), sync)
}

async fn confirm(world: &World, path: &str, sync: &Value) -> crate::world::Reply {
    world.api("POST", &format!("{path}/syncs/{}/confirm-removals", text(sync, "id")), None).await
}

#[tokio::test]
async fn what_would_be_removed_is_listed_by_name() {
    let (world, path, sync) = asked().await;
    let removals = world.all(&format!("{path}/syncs/{}/removals", text(&sync, "id"))).await;
    let users = removals.iter().filter(|it| it["kind"] == "user").count();
    assert_eq!(Some(users as u64), sync["pending_removals"]["users"].as_u64());
    let groups = removals.iter().filter(|it| it["kind"] == "group").count();
    assert_eq!(Some(groups as u64), sync["pending_removals"]["groups"].as_u64());
    assert!(removals.iter().all(|it| it["name"].as_str().is_some_and(|name| !name.is_empty())), "{removals:#?}");
}

#[tokio::test]
async fn what_was_confirmed_and_is_still_hidden_is_removed() {
    let (world, path, sync) = asked().await;
    let again = confirm(&world, &path, &sync).await.expect(202);
    assert_eq!(again["id"], sync["id"]);
    let id = path.rsplit('/').next().expect("an id");
    let ended = world.finished(id, text(&sync, "id")).await;
    assert_eq!((&ended["status"], &ended["pending_removals"]), (&json!("succeeded"), &Value::Null), "{ended:#}");
    assert_eq!(world.all(&format!("{path}/users")).await.len(), 0);
    assert_eq!(world.all(&format!("{path}/memberships")).await.len(), 0);
    assert_eq!(world.all(&format!("{path}/users?removed=true")).await.len(), 60);
    assert_eq!(confirm(&world, &path, &sync).await.problem(), "wrong-state");
}

#[tokio::test]
async fn a_directory_that_was_emptied_can_be_read() {
    // So many that the roster has several parts, which are then the same.
    let world = World::with(okta_simulator::Config { users: 300, ..small() }).await;
    let id = world.synced().await;
    world.sim("PATCH", "app", Some(json!({"role": null}))).await;
    let sync = world.sync(&id, "full").await;
    confirm(&world, &format!("/v1/connections/{id}"), &sync).await.expect(202);
    assert_eq!(world.finished(&id, text(&sync, "id")).await["status"], "succeeded");
    assert_eq!(world.all(&format!("/v1/connections/{id}/people")).await.len(), 0);
}

#[tokio::test]
async fn what_is_back_when_it_is_confirmed_stays() {
    let (world, path, sync) = asked().await;
    world.sim("PATCH", "app", Some(json!({"role": "READ_ONLY_ADMIN"}))).await;
    let before: BTreeSet<_> =
        world.all(&format!("{path}/users")).await.iter().map(|user| text(user, "id").to_owned()).collect();
    confirm(&world, &path, &sync).await.expect(202);
    let id = path.rsplit('/').next().expect("an id");
    assert_eq!(world.finished(id, text(&sync, "id")).await["status"], "succeeded");
    let after: BTreeSet<_> =
        world.all(&format!("{path}/users")).await.iter().map(|user| text(user, "id").to_owned()).collect();
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_question_is_open_for_a_week() {
    for (hours, problem) in [(7 * 24 - 1, "none"), (7 * 24 + 1, "wrong-state")] {
        let (world, path, sync) = asked().await;
        world.clock.advance(SignedDuration::from_hours(hours));
        assert_eq!(confirm(&world, &path, &sync).await.problem(), problem, "{hours}");
    }
}

#[tokio::test]
async fn a_newer_full_sync_asks_its_own_question() {
    let (world, path, sync) = asked().await;
    let id = path.rsplit('/').next().expect("an id");
    let newer = world.sync(id, "full").await;
    assert_eq!(confirm(&world, &path, &sync).await.problem(), "wrong-state");
    assert_eq!(newer["status"], "needs_confirmation");
    let before = world.api("GET", &format!("{path}/syncs/{}", text(&sync, "id")), None).await.expect(200);
    assert_eq!(before["status"], "cancelled", "{before:#}");
    assert_eq!(before["pending_removals"], Value::Null);
    assert!(text(&before["error"], "detail").contains("can no longer be confirmed"), "{before:#}");
    confirm(&world, &path, &newer).await.expect(202);
}

#[tokio::test]
async fn many_deletions_that_the_log_knows_need_no_confirmation_and_those_it_does_not_know_do() {
    for told in [true, false] {
        let world = World::start().await;
        let id = world.synced().await;
        let me = world.tenant("GET", "/api/v1/users/me", None).await.expect(200);
        let users = world.all(&format!("/v1/connections/{id}/users")).await;
        for user in users.iter().filter(|user| user["id"] != me["id"] && user["status"] != "DEPROVISIONED").take(8) {
            for _ in ["deactivated", "deleted"] {
                let path = format!("/api/v1/users/{}", text(user, "id"));
                world.tenant("DELETE", &path, None).await.expect(204);
            }
        }
        if !told {
            let fault = json!({"fault": "empty_list", "path": "/api/v1/logs"});
            world.sim("POST", "faults", Some(fault)).await;
        }
        let sync = world.sync(&id, "full").await;
        let wanted =
            if told { (json!("succeeded"), Value::Null) } else { (json!("needs_confirmation"), json!({"users": 8})) };
        assert_eq!((&sync["status"], &sync["pending_removals"]), (&wanted.0, &wanted.1), "{sync:#}");
        let left = world.all(&format!("/v1/connections/{id}/users")).await.len();
        assert_eq!(left, if told { 52 } else { 60 });
    }
}
