//! Owners of groups, and Universal Logout.

use reqwest::Method;
use serde_json::json;

use crate::admins::{new_group, staffed};
use crate::world::World;

#[tokio::test]
async fn a_group_is_owned_by_users_and_groups() {
    let world = World::small().await;
    let user = world.hire("zara@acme.example").await;
    let group = new_group(&world, "Zebras").await;
    let other = new_group(&world, "Keepers").await;
    let owners = format!("/api/v1/groups/{group}/owners");
    assert_eq!(world.get(&owners).await.body, json!([]));
    for (kind, id, name) in [("USER", &user, "Zara Novak"), ("GROUP", &other, "Keepers")] {
        let body = json!({ "id": id, "type": kind });
        let added = world.call(Method::POST, &owners, Some(body.clone())).await;
        assert_eq!((added.status, &added.body["displayName"]), (201, &json!(name)), "{added:?}");
        assert!(added.body["lastUpdated"].as_str().is_some_and(|time| time.contains(" UTC 20")), "{added:?}");
        assert_eq!(world.call(Method::POST, &owners, Some(body)).await.code(), "E0000001");
    }
    let listed = world.get(&owners).await;
    assert_eq!(listed.items().len(), 2);
    assert!(listed.body[0]["lastUpdated"].as_str().is_some_and(|time| time.ends_with(".0")), "{listed:?}");
    assert_eq!(world.call(Method::DELETE, &format!("{owners}/{user}"), None).await.status, 204);
    assert_eq!(world.call(Method::DELETE, &format!("{owners}/{user}"), None).await.status, 404);
    assert_eq!(world.call(Method::DELETE, &format!("/api/v1/groups/{other}"), None).await.status, 204);
    assert_eq!(world.get(&owners).await.body, json!([]));
    let filter = format!("eventType+eq+%22resource.owner.update%22+and+target.id+eq+%22{group}%22");
    let logged = world.get(&format!("/api/v1/logs?filter={filter}")).await;
    assert_eq!(logged.items().len(), 3);
}

#[tokio::test]
async fn owners_are_refused_in_several_ways_without_their_licence() {
    let world = staffed().await;
    let groups = world.get("/api/v1/groups?limit=200").await;
    let mut owned = 0;
    for group in groups.ids() {
        owned += world.get(&format!("/api/v1/groups/{group}/owners")).await.items().len();
    }
    assert_eq!(owned, 2, "a user and a group own a group each");
    let owners = format!("/api/v1/groups/{}/owners", groups.ids()[2]);
    for (switch, status, code) in [
        ("feature_missing", 401, "E0000015"),
        ("forbidden", 403, "E0000006"),
        ("not_found", 404, "E0000008"),
        ("licensed", 200, ""),
    ] {
        world.door(Method::PATCH, "/org", json!({ "governance": switch })).await;
        let seen = world.get(&owners).await;
        assert_eq!((seen.status, seen.code()), (status, code), "{switch}");
    }
    let switches = json!({ "governance": "licensed", "assignees": "all" });
    assert_eq!(world.door(Method::GET, "/org", json!({})).await, switches);
    for bad in [json!({ "governance": "maybe" }), json!({ "mood": "bad" })] {
        let request = world.request(Method::PATCH, "/_sim/org").json(&bad);
        assert_eq!(crate::world::Seen::of(request).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn universal_logout_ends_sessions_and_the_api_token_of_its_maker() {
    let world = World::small().await;
    let user = world.hire("zara@acme.example").await;
    world.door(Method::POST, &format!("/users/{user}"), json!({ "sessions": 2 })).await;
    let revoke = |format: &str, id: &str| {
        let body = json!({ "sub_id": { "format": format, "id": id } });
        let world = &world;
        async move { world.call(Method::POST, "/oauth2/v1/global-token-revocation", Some(body)).await }
    };
    assert_eq!(revoke("email", "zara@acme.example").await.status, 400);
    assert_eq!(revoke("opaque", "00u00000000000000000").await.status, 404);
    assert_eq!(revoke("opaque", &user).await.status, 204);
    assert_eq!(world.door(Method::GET, &format!("/users/{user}"), json!({})).await["sessions"], 0);
    let filter = "eventType+eq+%22user.authentication.universal_logout%22";
    let logged = world.get(&format!("/api/v1/logs?filter={filter}")).await;
    assert_eq!(logged.body[0]["target"][0]["id"], json!(user));
    let me = world.get("/api/v1/users/me").await.body["id"].clone();
    assert_eq!(revoke("opaque", me.as_str().unwrap_or_default()).await.status, 204);
    assert_eq!(world.get("/api/v1/users/me").await.code(), "E0000011");
}
