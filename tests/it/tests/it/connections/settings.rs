//! Changes of what its owner configured, and versions.

use crate::world::{World, text};
use serde_json::{Value, json};

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let world = World::start().await;
    let id = text(&world.pending().await, "id").to_owned();
    let patch = json!({"name": "B", "teams": ["it"], "permissions": {"actions": ["all"]}, "paused": true,
                       "sync": {"full": null, "timezone": "Europe/Berlin"}, "attributes": {"start_date": "hired"}});
    let told = world.patch(&id, patch).await.expect(200);
    assert_eq!((&told["name"], &told["teams"], &told["paused"]), (&json!("B"), &json!(["it"]), &json!(true)));
    assert_eq!((&told["sync"]["full"], &told["sync"]["incremental"]), (&Value::Null, &json!("rate(15 minutes)")));
    assert_eq!(
        (&told["attributes"]["manager"], &told["attributes"]["start_date"]),
        (&json!("managerId"), &json!("hired"))
    );
    let nulls =
        json!({"teams": null, "permissions": null, "sync": null, "attributes": {"manager": null}, "paused": null});
    let told = world.patch(&id, nulls).await.expect(200);
    assert_eq!((&told["teams"], &told["permissions"]), (&json!([]), &json!({"actions": ["read"]})));
    assert_eq!(
        (&told["sync"], &told["attributes"]["manager"], &told["paused"]),
        (&Value::Null, &Value::Null, &json!(false))
    );
    let again = world.patch(&id, json!({"sync": {}})).await.expect(200);
    assert_eq!((&again["sync"]["full"], &again["version"]), (&json!("rate(6 hours)"), &json!(4)));
    assert_eq!(world.shown(&id).await["attributes"], again["attributes"]);
}

#[tokio::test]
async fn a_patch_that_is_wrong_anywhere_changes_nothing() {
    let world = World::start().await;
    let id = text(&world.pending().await, "id").to_owned();
    let before = world.shown(&id).await;
    for (patch, pointer) in [
        (json!({"name": "B", "domain": "x.okta.com"}), "/domain"),
        (json!({"name": "B", "auth": {}}), "/auth"),
        (json!({"name": "B", "status": "Active"}), "/status"),
        (json!({"name": null}), "/name"),
        (json!({"name": "B", "paused": "yes"}), "/paused"),
        (json!({"name": "B", "sync": {"fast": 1}}), "/sync/fast"),
        (json!({"name": "B", "teams": ["no space"]}), "/teams/0"),
        (json!(["name"]), ""),
    ] {
        let told = world.patch(&id, patch.clone()).await.expect(422);
        assert_eq!(told["errors"][0]["pointer"], pointer, "{patch}");
    }
    assert_eq!(world.shown(&id).await, before);
}

#[tokio::test]
async fn a_paused_connection_syncs_only_when_it_goes_on() {
    let world = World::start().await;
    let id = world.synced().await;
    world.patch(&id, json!({"paused": true})).await.expect(200);
    let path = format!("/v1/connections/{id}/syncs");
    let reply = world.api("POST", &path, Some(json!({"mode": "full"}))).await;
    assert_eq!((reply.status, reply.problem()), (409, "connection-paused"));
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!(report["status"], "Active", "it can still be tested");
    world.patch(&id, json!({"paused": false})).await.expect(200);
    assert_eq!(world.sync(&id, "full").await["status"], "succeeded");
}

#[tokio::test]
async fn a_stale_version_is_refused_before_anything_happens() {
    let world = World::start().await;
    let id = text(&world.pending().await, "id").to_owned();
    let path = format!("/v1/connections/{id}");
    world.patch(&id, json!({"name": "B"})).await.expect(200);
    let (change, auth) = (Some(json!({"name": "C"})), Some(world.app_auth()));
    for tag in ["\"1\"", "\"3\"", "2", "nonsense"] {
        for (method, path, body) in
            [("PATCH", path.clone(), &change), ("DELETE", path.clone(), &None), ("PUT", format!("{path}/auth"), &auth)]
        {
            let reply = world.matching(tag, method, &path, body.clone()).await;
            assert_eq!((reply.status, reply.problem()), (412, "stale-version"), "{method} {tag}");
        }
    }
    assert_eq!(world.shown(&id).await["name"], "B");
    let told = world.matching("\"2\"", "PATCH", &path, change).await;
    assert_eq!((told.status, &told.headers["etag"]), (200, &"\"3\"".parse().expect("a header")));
    assert_eq!(world.matching("\"3\"", "DELETE", &path, None).await.status, 204);
}

#[tokio::test]
async fn the_version_counts_changes_of_configuration_alone() {
    let world = World::start().await;
    let id = world.synced().await;
    let version = |shown: Value| shown["version"].as_u64().expect("a number");
    let before = version(world.shown(&id).await);
    world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    world.sync(&id, "full").await;
    let refused = json!({"auth": {"type": "api_token", "token": "00wrong"}});
    world.put_auth(&id, refused).await.expect(422);
    assert_eq!(version(world.shown(&id).await), before);
    world.put_auth(&id, world.app_auth()).await.expect(200);
    assert_eq!(version(world.shown(&id).await), before + 1);
}
