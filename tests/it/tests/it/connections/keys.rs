//! Rotation of hosted keys, and what is published of them.

use crate::world::{World, text};
use serde_json::{Value, json};

#[tokio::test]
async fn a_rotated_key_is_published_first_and_signs_after_the_overlap() {
    let world = World::start().await;
    let id = world.quiet().await;
    let before = world.shown(&id).await;
    let old = text(&before["auth"], "key_id").to_owned();
    let told = world.rotate(&id, "24h").await.expect(202);
    assert_eq!((&told["state"], &told["unpublished_at"]), (&json!("published"), &Value::Null));
    let after = world.shown(&id).await;
    assert_eq!(
        (&after["auth"]["key_id"], &after["version"]),
        (&json!(old), &json!(before["version"].as_u64().map(|v| v + 1)))
    );
    assert_eq!(after["keys"][0]["state"], "signing");
    assert_eq!(world.published(&after).await, [old.as_str(), text(&told, "key_id")]);
    let listed = world.api("GET", &format!("/v1/connections/{id}/keys"), None).await.expect(200);
    assert_eq!(listed, json!({"items": after["keys"], "next_cursor": null}));
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!((&report["status"], world.last_signer()), (&json!("Active"), old));
    let twice = world.rotate(&id, "24h").await;
    assert_eq!((twice.status, twice.problem()), (409, "wrong-state"));
}

#[tokio::test]
async fn a_key_rotated_without_overlap_signs_at_once_and_the_old_one_is_gone() {
    let world = World::start().await;
    let id = world.synced().await;
    let old = text(&world.shown(&id).await["auth"], "key_id").to_owned();
    let told = world.rotate(&id, "0s").await.expect(202);
    assert_eq!(told["state"], "signing");
    let after = world.shown(&id).await;
    assert_eq!(world.published(&after).await, [text(&told, "key_id")]);
    assert_ne!(text(&told, "key_id"), old);
    // The tenant fetches the keys again for one that it does not know, though at most once a second.
    world.sim("POST", "clock", Some(json!({"advance": "2s"}))).await;
    assert_eq!(world.sync(&id, "full").await["status"], "succeeded");
    assert_eq!(world.last_signer(), text(&told, "key_id"));
}

#[tokio::test]
async fn an_urgent_rotation_replaces_one_that_waits() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.rotate(&id, "7d").await.expect(202);
    let told = world.rotate(&id, "0s").await.expect(202);
    let shown = world.shown(&id).await;
    assert_eq!(world.published(&shown).await, [text(&told, "key_id")]);
    assert_eq!(shown["auth"]["key_id"], told["key_id"]);
    world.sim("POST", "clock", Some(json!({"advance": "2s"}))).await;
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!(report["status"], "Active");
}

#[tokio::test]
async fn only_hosted_keys_are_rotated_and_only_by_a_duration() {
    let world = World::start().await;
    let id = world.quiet().await;
    for overlap in ["", "24", "-1h", "1w", "36500d", "soon"] {
        assert_eq!(world.rotate(&id, overlap).await.expect(422)["errors"][0]["pointer"], "/overlap", "{overlap}");
    }
    let made = world.post_token().await.expect(201);
    let reply = world.rotate(text(&made, "id"), "24h").await;
    assert_eq!((reply.status, reply.problem()), (409, "wrong-state"));
    let jwks = world.api("GET", &format!("/v1/connections/{}/jwks.json", text(&made, "id")), None).await;
    assert_eq!((jwks.status, jwks.problem()), (404, "not-found"));
    world.finished(text(&made, "id"), text(&made, "sync_id")).await;
}

#[tokio::test]
async fn the_public_keys_are_public_cacheable_and_hold_nothing_private() {
    let world = World::start().await;
    let made = world.pending().await;
    let stranger = [("host", "connector.example.com"), ("x-forwarded-for", "203.0.113.9")];
    let reply = world.request("GET", text(&made, "public_key_url"), &stranger, None).await;
    assert_eq!(reply.headers["cache-control"], "public, max-age=300");
    assert_eq!(reply.headers["content-type"], "application/json");
    let keys = reply.expect(200);
    let members: Vec<_> = keys["keys"][0].as_object().expect("a key").keys().cloned().collect();
    assert!(members.iter().all(|it| ["alg", "e", "kid", "kty", "n", "use"].contains(&it.as_str())), "{members:?}");
    let reply = reqwest::get(text(&made, "public_key_url")).await.expect("an answer");
    assert_eq!(reply.status(), 200, "they need no token");
}
