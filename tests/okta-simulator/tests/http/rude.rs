//! A rude tenant: what real ones do and examples do not.

use okta_simulator::Config;
use reqwest::Method;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use crate::world::World;

async fn rude() -> World {
    World::new(Config { users: 200, rude: true, rate_limit: Some(100_000), ..Config::default() }).await
}

#[tokio::test]
async fn the_group_of_administrators_lists_nobody_and_takes_nobody() {
    let world = rude().await;
    let groups = world.get("/api/v1/groups?filter=type+eq+%22BUILT_IN%22").await;
    let names: Vec<_> = groups.items().iter().map(|group| group["profile"]["name"].clone()).collect();
    assert_eq!(names, ["Everyone", "Okta Administrators"]);
    let own = format!("/api/v1/groups/{}", groups.ids()[1]);
    for part in ["users", "apps"] {
        let refused = world.get(&format!("{own}/{part}")).await;
        assert_eq!((refused.status, refused.code()), (501, "E0000060"), "{part}");
    }
    let id = world.hire("zara@acme.example").await;
    assert_eq!(world.call(Method::PUT, &format!("{own}/users/{id}"), None).await.status, 403);
    assert_eq!(world.get(&own).await.status, 200);
}

#[tokio::test]
async fn odd_logins_are_searched_and_some_lead_nowhere_as_a_path() {
    let world = rude().await;
    for (login, by_path) in [
        ("o'neil@acme.example", 200),
        ("c#.sharp@acme.example", 200),
        ("100%41@acme.example", 200),
        ("plus+tag@acme.example", 200),
        ("warehouse", 200),
        ("who?am.i@acme.example", 404),
        ("and/or@acme.example", 404),
    ] {
        let search: String = byte_serialize(format!("profile.login eq \"{login}\"").as_bytes()).collect();
        let found = world.get(&format!("/api/v1/users?search={search}")).await;
        assert_eq!(found.items().len(), 1, "{login}");
        let segment: String = byte_serialize(login.as_bytes()).collect();
        let seen = world.get(&format!("/api/v1/users/{}", segment.replace('+', "%20"))).await;
        assert_eq!(seen.status, by_path, "{login}");
    }
}

#[tokio::test]
async fn a_login_without_an_at_sign_survives_an_update() {
    let world = rude().await;
    let changed = json!({ "profile": { "nickName": "W" } });
    let updated = world.call(Method::POST, "/api/v1/users/warehouse", Some(changed)).await;
    assert_eq!((updated.status, &updated.body["profile"]["login"]), (200, &json!("warehouse")), "{updated:?}");
}

#[tokio::test]
async fn nothing_hangs_on_a_user_who_has_left() {
    let world = rude().await;
    let id = world.hire("zara@acme.example").await;
    let own = format!("/api/v1/users/{id}");
    let group = world.call(Method::POST, "/api/v1/groups", Some(json!({ "profile": { "name": "Zebras" } }))).await;
    let member = format!("/api/v1/groups/{}/users/{id}", group.body["id"].as_str().unwrap_or_default());
    world.post(&format!("{own}/lifecycle/deactivate")).await;
    for (method, path, body) in [
        (Method::GET, format!("{own}/factors"), None),
        (Method::GET, format!("{own}/groups"), None),
        (Method::DELETE, format!("{own}/sessions"), None),
        (Method::POST, format!("{own}/lifecycle/reset_factors"), None),
        (Method::POST, own.clone(), Some(json!({ "profile": { "nickName": "Z" } }))),
        (Method::PUT, member, None),
    ] {
        let refused = world.call(method, &path, body).await;
        assert_eq!((refused.status, refused.code()), (404, "E0000007"), "{path}");
        assert!(refused.body["errorSummary"].as_str().is_some_and(|text| text.contains(&id)), "{refused:?}");
    }
    assert_eq!(world.get(&own).await.body["status"], "DEPROVISIONED");
    assert_eq!(world.post(&format!("{own}/lifecycle/activate")).await.status, 200);
    assert_eq!(world.get(&format!("{own}/factors")).await.status, 200);
}

#[tokio::test]
async fn some_apps_are_inactive_and_a_directory_has_no_sign_on_mode() {
    let world = rude().await;
    let apps = world.get("/api/v1/apps?limit=200").await;
    let with = |member: &str, value: &Value| apps.items().iter().filter(|app| app[member] == *value).count();
    assert!(with("status", &json!("INACTIVE")) > 1);
    assert_eq!(with("signOnMode", &Value::Null), 1);
    for mode in ["BROWSER_PLUGIN", "SECURE_PASSWORD_STORE", "AUTO_LOGIN", "OPENID_CONNECT"] {
        assert!(with("signOnMode", &json!(mode)) > 0, "{mode}");
    }
}

#[tokio::test]
async fn a_rude_tenant_is_never_silent() {
    let world = rude().await;
    let events = || async { world.door(Method::GET, "/stats", json!({})).await["events"].as_u64() };
    let before = events().await;
    world.advance("10m").await;
    assert!(events().await >= before.map(|count| count + 59));
}
