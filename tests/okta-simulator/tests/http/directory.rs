//! Users, groups, apps: the changes they go through and how changes are refused.

use okta_simulator::Config;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{Seen, World};

async fn lifecycle(world: &World, id: &str, operation: &str) -> Seen {
    world.post(&format!("/api/v1/users/{id}/lifecycle/{operation}")).await
}

async fn status(world: &World, id: &str) -> Value {
    world.get(&format!("/api/v1/users/{id}")).await.body["status"].clone()
}

#[tokio::test]
async fn every_operation_has_its_statuses_and_its_own_refusal() {
    let world = World::polite().await;
    let id = world.hire("zara@acme.example").await;
    let steps: [(&str, u16, &str, &str); 17] = [
        ("unsuspend", 400, "E0000001", "ACTIVE"),
        ("unlock", 403, "E0000032", "ACTIVE"),
        ("activate", 403, "E0000016", "ACTIVE"),
        ("reactivate", 403, "E0000038", "ACTIVE"),
        ("suspend", 200, "", "SUSPENDED"),
        ("suspend", 400, "E0000001", "SUSPENDED"),
        ("expire_password", 403, "E0000038", "SUSPENDED"),
        ("unsuspend", 200, "", "ACTIVE"),
        ("expire_password_with_temp_password", 200, "", "PASSWORD_EXPIRED"),
        ("reset_password", 400, "E0000028", "PASSWORD_EXPIRED"),
        ("reset_password?sendEmail=false", 200, "", "RECOVERY"),
        ("reactivate", 200, "", "RECOVERY"),
        ("reset_factors", 200, "", "RECOVERY"),
        ("deactivate", 200, "", "DEPROVISIONED"),
        ("deactivate", 403, "E0000038", "DEPROVISIONED"),
        ("reset_password?sendEmail=false", 403, "E0000017", "DEPROVISIONED"),
        ("activate?sendEmail=false", 200, "", "ACTIVE"),
    ];
    for (operation, wanted, code, after) in steps {
        let seen = lifecycle(&world, &id, operation).await;
        assert_eq!((seen.status, seen.code()), (wanted, code), "{operation}");
        assert_eq!(status(&world, &id).await, after, "{operation}");
    }
}

#[tokio::test]
async fn an_expired_password_answers_the_user_with_a_stale_stamp() {
    let world = World::small().await;
    let id = world.hire("zara@acme.example").await;
    let before = world.get(&format!("/api/v1/users/{id}")).await.body["statusChanged"].clone();
    world.advance("10s").await;
    let expired = lifecycle(&world, &id, "expire_password").await;
    assert_eq!((&expired.body["status"], &expired.body["statusChanged"]), (&json!("PASSWORD_EXPIRED"), &before));
    assert_ne!(world.get(&format!("/api/v1/users/{id}")).await.body["statusChanged"], before);
}

#[tokio::test]
async fn a_user_is_deleted_by_the_second_delete() {
    let world = World::polite().await;
    let id = world.hire("zara@acme.example").await;
    let path = format!("/api/v1/users/{id}");
    assert_eq!(world.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(status(&world, &id).await, "DEPROVISIONED");
    let profile = json!({"profile": {"nickName": "Z"}});
    assert_eq!(world.call(Method::POST, &path, Some(profile)).await.code(), "E0000038");
    assert_eq!(world.call(Method::DELETE, &path, None).await.status, 204);
    let gone = world.get(&path).await;
    assert_eq!((gone.status, gone.code()), (404, "E0000007"));
    assert_eq!(gone.body["errorSummary"], format!("Not found: Resource not found: {id} (User)"));
}

#[tokio::test]
async fn a_partial_update_keeps_and_a_replacement_clears() {
    let world = World::small().await;
    let id = world.hire("zara@acme.example").await;
    let path = format!("/api/v1/users/{id}");
    let changed = world.call(Method::POST, &path, Some(json!({"profile": {"city": "Łódź", "nickName": "Z"}}))).await;
    assert_eq!(
        (&changed.body["profile"]["city"], &changed.body["profile"]["firstName"]),
        (&json!("Łódź"), &json!("Zara"))
    );
    let whole = json!({"profile": {"firstName": "Zoe", "lastName": "Novak", "email": "z@acme.example", "login": "zoe@acme.example"}});
    let replaced = world.call(Method::PUT, &path, Some(whole)).await;
    assert_eq!(replaced.body["profile"].get("city"), None);
    assert_eq!(world.get("/api/v1/users/ZOE%40acme.example").await.body["id"], id);
    assert_eq!(world.get("/api/v1/users/zoe").await.body["id"], id);
    assert_eq!(world.get("/api/v1/users/zara").await.status, 404);
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_refused_with_its_cause() {
    let world = World::small().await;
    world.hire("zara@acme.example").await;
    let person = |login: &str| json!({"firstName": "A", "lastName": "B", "email": "a@acme.example", "login": login});
    let mut cases = vec![(person("ZÁRA@acme.example"), "login: An object with this field already exists")];
    for (name, value, cause) in [
        ("notValid", json!("x"), "Property name 'notValid' is not defined"),
        ("lastName", json!(null), "lastName: The field cannot be left blank"),
        ("email", json!("nobody"), "email: Does not match required pattern"),
        ("city", json!("😀"), ""),
    ] {
        let mut profile = person("new@acme.example");
        profile[name] = value;
        cases.push((profile, cause));
    }
    for (profile, cause) in cases {
        let seen = world.call(Method::POST, "/api/v1/users", Some(json!({ "profile": profile }))).await;
        assert_eq!(
            (seen.status, seen.code()),
            (400, if cause.is_empty() { "E0000003" } else { "E0000001" }),
            "{seen:?}"
        );
        let given = seen.body["errorCauses"][0]["errorSummary"].as_str().unwrap_or_default();
        assert!(given.starts_with(cause), "{seen:?}");
    }
}

#[tokio::test]
async fn members_change_only_where_administrators_decide() {
    let world = World::small().await;
    let id = world.hire("zara@acme.example").await;
    let groups = world.get("/api/v1/groups?limit=200&expand=stats").await;
    for kind in ["BUILT_IN", "APP_GROUP"] {
        let group = groups.items().iter().find(|group| group["type"] == kind).expect("one of each type");
        let path = format!("/api/v1/groups/{}/users/{id}", group["id"].as_str().unwrap_or_default());
        assert_eq!(world.call(Method::PUT, &path, None).await.status, 403, "{kind}");
    }
    let made = world.call(Method::POST, "/api/v1/groups", Some(json!({"profile": {"name": "Zebras"}}))).await;
    let group = format!("/api/v1/groups/{}", made.body["id"].as_str().unwrap_or_default());
    world.advance("5s").await;
    assert_eq!(world.call(Method::PUT, &format!("{group}/users/{id}"), None).await.status, 204);
    let joined = world.get(&group).await.body;
    assert_ne!(joined["lastMembershipUpdated"], made.body["lastMembershipUpdated"]);
    assert_eq!(joined["lastUpdated"], made.body["lastUpdated"]);
    let mine = world.get(&format!("/api/v1/users/{id}/groups")).await;
    assert_eq!(mine.items().iter().map(|group| &group["type"]).collect::<Vec<_>>(), ["BUILT_IN", "OKTA_GROUP"]);
    lifecycle(&world, &id, "deactivate").await;
    assert_eq!(world.get(&format!("{group}/users")).await.items().len(), 0);
    assert_eq!(world.get(&format!("/api/v1/users/{id}/groups")).await.items().len(), 0);
    assert_eq!(world.call(Method::DELETE, &group, None).await.status, 204);
    assert_eq!(
        world.get(&group).await.body["errorSummary"].as_str().map(|text| text.ends_with("(UserGroup)")),
        Some(true)
    );
}

#[tokio::test]
async fn apps_tell_who_has_them_directly_and_who_through_a_group() {
    let world = World::small().await;
    let id = world.hire("zara@acme.example").await;
    let apps = world.get("/api/v1/apps?limit=200").await;
    assert_eq!(apps.items()[0]["name"], "saasure");
    let active = world.get("/api/v1/apps?limit=200&includeNonDeleted=false").await;
    assert_eq!(active.items().len() + 1, apps.items().len(), "a plain listing has the inactive app too");
    let app = format!("/api/v1/apps/{}", apps.ids()[1]);
    let scopes = world.get(&format!("{app}/users?limit=500")).await;
    assert!(["USER", "GROUP"].iter().all(|scope| scopes.items().iter().any(|user| user["scope"] == *scope)));
    let assigned = world.call(Method::POST, &format!("{app}/users"), Some(json!({ "id": id }))).await;
    assert_eq!((assigned.status, &assigned.body["scope"]), (200, &json!("USER")));
    let filter = world.get(&format!("/api/v1/apps?filter=user.id+eq+%22{id}%22")).await;
    assert_eq!(filter.ids(), [apps.ids()[1].clone()]);
    assert_eq!(world.call(Method::DELETE, &format!("{app}/users/{id}"), None).await.status, 204);
    assert_eq!(world.get(&format!("{app}/users/{id}")).await.status, 404);
    assert!(world.get(&format!("{app}/groups?limit=1")).await.items().len() > 1, "a page has at least twenty");
}

#[tokio::test]
async fn a_post_without_a_length_is_refused() {
    let world = World::new(Config { users: 20, ..Config::default() }).await;
    let address = world.okta.url().trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.expect("a connection");
    let token = &world.okta.credentials().api_token;
    let request = format!(
        "POST /api/v1/users/x/lifecycle/suspend HTTP/1.1\r\nHost: {address}\r\nAuthorization: SSWS {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 411"), "{answer}");
    assert!(answer.contains("x-rate-limit-limit: "), "{answer}");
}

#[tokio::test]
async fn unlicensed_and_unknown_things_have_their_own_answers() {
    let world = World::new(Config { users: 20, ..Config::default() }).await;
    let devices = world.get("/api/v1/devices").await;
    assert_eq!((devices.status, devices.code()), (401, "E0000015"));
    assert_eq!(world.get("/api/v1/nothing").await.body, json!({"status": 404, "message": "Resource not found"}));
    assert_eq!(world.call(Method::PATCH, "/api/v1/users", None).await.code(), "E0000022");
    assert_eq!(world.get("/api/v1/users/me").await.status, 200);
    let own = world.okta.credentials().client_id.clone();
    assert_eq!(world.get(&format!("/oauth2/v1/clients/{own}/roles")).await.body[0]["type"], "SUPER_ADMIN");
    assert!(
        world.get("/oauth2/v1/clients/0oa/roles").await.body["errorSummary"]
            .to_string()
            .contains("(OAuth2AppInstance)")
    );
}

#[tokio::test]
async fn a_group_keeps_its_name_to_itself_and_a_member_joins_once() {
    let world = World::small().await;
    let id = world.hire("zara@acme.example").await;
    let name = |name: &str| Some(json!({ "profile": { "name": name } }));
    let make = |body| world.call(Method::POST, "/api/v1/groups", body);
    let (one, _) = (make(name("Zebras")).await, make(name("Yaks")).await);
    let path = format!("/api/v1/groups/{}", one.body["id"].as_str().unwrap_or_default());
    for refused in [make(name("Zebras")).await, world.call(Method::PUT, &path, name("Yaks")).await] {
        let cause = "name: An object with this field already exists in the current organization";
        assert_eq!((refused.status, refused.code()), (400, "E0000001"));
        assert_eq!(refused.body["errorCauses"][0]["errorSummary"], cause);
    }
    for method in [Method::PUT, Method::PUT, Method::DELETE, Method::DELETE] {
        assert_eq!(world.call(method, &format!("{path}/users/{id}"), None).await.status, 204);
    }
    let told = world.get(&format!("/api/v1/logs?filter=target.id+eq+{}", one.body["id"])).await;
    let told: Vec<_> = told.items().iter().map(|event| event["eventType"].as_str().unwrap_or_default()).collect();
    assert_eq!(told, ["group.lifecycle.create", "group.user_membership.add", "group.user_membership.remove"]);
}

#[tokio::test]
async fn an_app_comes_with_each_of_its_links_or_with_none() {
    let world = World::small().await;
    let id = world.hire("zara@acme.example").await;
    let apps = world.get("/api/v1/apps?limit=200&includeNonDeleted=true").await;
    for app in apps.ids() {
        let assigned = world.call(Method::POST, &format!("/api/v1/apps/{app}/users"), Some(json!({ "id": id }))).await;
        assert_eq!(assigned.status, 200);
    }
    let links = world.get("/api/v1/users/zara%40acme.example/appLinks").await;
    let labels: Vec<_> = links.items().iter().map(|link| link["label"].as_str().unwrap_or_default()).collect();
    assert_eq!(labels[..3], ["Google Workspace Mail", "Google Workspace Calendar", "Slack"]);
    assert_eq!(links.items()[0]["appInstanceId"], links.items()[1]["appInstanceId"]);
    let inactive = apps.items().iter().find(|app| app["status"] == "INACTIVE").expect("an inactive app");
    assert!(
        !labels.contains(&"Okta Admin Console")
            && links.items().iter().all(|link| link["appInstanceId"] != inactive["id"])
    );
}

#[tokio::test]
async fn an_app_is_assigned_again_with_another_profile_and_kept_while_a_group_grants_it() {
    let world = World::small().await;
    let id = world.hire("zara@acme.example").await;
    let app = format!("/api/v1/apps/{}", world.get("/api/v1/apps").await.ids()[1]);
    for profile in [json!({}), json!({ "role": "reader" }), json!({ "role": "writer" })] {
        let body = json!({ "id": id, "scope": "USER", "profile": profile });
        let assigned = world.call(Method::POST, &format!("{app}/users"), Some(body)).await;
        assert_eq!((assigned.status, &assigned.body["profile"]), (200, &profile));
    }
    let told =
        world.get(&format!("/api/v1/logs?filter=eventType+sw+%22application.%22+and+target.id+eq+%22{id}%22")).await;
    assert_eq!(told.items().len(), 1);
    let changed = world.call(Method::POST, &format!("{app}/users/{id}"), Some(json!({"profile": {"desk": 7}}))).await;
    assert_eq!((changed.status, &changed.body["profile"]), (200, &json!({"role": "writer", "desk": 7})));
    let people = world.get(&format!("{app}/users?limit=500")).await;
    let granted = people.items().iter().find(|user| user["scope"] == "GROUP").expect("someone through a group");
    let path = format!("{app}/users/{}", granted["id"].as_str().unwrap_or_default());
    let refused = world.call(Method::DELETE, &path, None).await;
    assert_eq!((refused.status, refused.code()), (403, "E0000046"));
    assert_eq!(world.get(&path).await.body["scope"], "GROUP");
}
