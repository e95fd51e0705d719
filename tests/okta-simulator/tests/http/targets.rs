//! What roles are narrowed to, and custom roles on resource sets.

use reqwest::Method;
use serde_json::{Value, json};

use crate::admins::{id, new_group, staffed};
use crate::world::{Seen, World};

async fn put(world: &World, path: &str) -> u16 {
    world.call(Method::PUT, path, None).await.status
}

async fn delete(world: &World, path: &str) -> Seen {
    world.call(Method::DELETE, path, None).await
}

/// The targets of a new user's new role.
async fn targets(world: &World, role: &str) -> String {
    let user = world.hire("zara@acme.example").await;
    let body = json!({ "type": role });
    let made = world.call(Method::POST, &format!("/api/v1/users/{user}/roles"), Some(body)).await;
    format!("/api/v1/users/{user}/roles/{}/targets", id(&made))
}

#[tokio::test]
async fn a_group_role_keeps_its_last_target() {
    let world = World::small().await;
    let targets = format!("{}/groups", targets(&world, "USER_ADMIN").await);
    let groups = [new_group(&world, "Zebras").await, new_group(&world, "Yaks").await];
    assert_eq!(world.get(&targets).await.body, json!([]));
    for group in groups.iter().chain(&groups) {
        assert_eq!(put(&world, &format!("{targets}/{group}")).await, 204);
    }
    assert_eq!(world.get(&targets).await.ids(), groups);
    let first = world.get(&format!("{targets}?limit=1")).await;
    let second = world.get(&first.next().expect("a next page")).await;
    assert_eq!((first.ids(), second.ids(), second.next()), (vec![groups[0].clone()], vec![groups[1].clone()], None));
    let expanded = targets.replace("/targets/groups", "?expand=targets/groups");
    let embedded = world.get(&expanded).await.body["_embedded"]["targets"]["groups"].clone();
    assert_eq!(embedded, world.get(&targets).await.body);
    assert_eq!(delete(&world, &format!("{targets}/{}", groups[0])).await.status, 204);
    assert_eq!(delete(&world, &format!("{targets}/{}", groups[0])).await.status, 404);
    let last = delete(&world, &format!("{targets}/{}", groups[1])).await;
    assert_eq!((last.status, last.code()), (400, "E0000001"));
    assert_eq!(delete(&world, &format!("/api/v1/groups/{}", groups[1])).await.status, 204);
    assert_eq!(world.get(&targets).await.status, 404, "the role ends with its last target");
}

#[tokio::test]
async fn an_app_role_is_narrowed_to_an_integration_or_to_instances() {
    let world = World::small().await;
    let targets = format!("{}/catalog/apps", targets(&world, "APP_ADMIN").await);
    let apps = world.get("/api/v1/apps?limit=200").await;
    let slack = apps.items().iter().find(|app| app["name"] == "slack").expect("Slack").clone();
    let instance = format!("{targets}/slack/{}", slack["id"].as_str().unwrap_or_default());
    assert_eq!(put(&world, &instance).await, 204);
    let shown = world.get(&targets).await;
    assert_eq!((&shown.body[0]["name"], &shown.body[0]["id"]), (&slack["label"], &slack["id"]));
    assert_eq!(put(&world, &format!("{targets}/slack")).await, 204);
    let shown = world.get(&targets).await;
    assert_eq!((shown.items().len(), &shown.body[0]["name"], shown.body[0].get("id")), (1, &json!("slack"), None));
    let refused = world.call(Method::PUT, &instance, None).await;
    assert_eq!((refused.status, refused.code()), (400, "E0000001"));
    assert_eq!(put(&world, &format!("{targets}/nonsense")).await, 404);
    assert_eq!(put(&world, &instance.replace("/slack/", "/google/")).await, 404);
    assert_eq!(delete(&world, &format!("{targets}/slack")).await.code(), "E0000001");
    assert_eq!(put(&world, &targets).await, 204);
    assert_eq!(world.get(&targets).await.body, json!([]));
}

#[tokio::test]
async fn a_role_takes_only_the_targets_of_its_kind() {
    let world = World::small().await;
    let group = new_group(&world, "Zebras").await;
    let targets = targets(&world, "APP_ADMIN").await;
    for path in [format!("{targets}/groups"), format!("{targets}/groups/{group}")] {
        let method = if path.ends_with(&group) { Method::PUT } else { Method::GET };
        let refused = world.call(method, &path, None).await;
        assert_eq!((refused.status, refused.code()), (400, "E0000091"), "{path}");
    }
    let unknown = targets.replace("IFIFAX2BIRGUSTQ", "nonsense");
    assert_eq!(world.get(&format!("{unknown}/catalog/apps")).await.status, 404);
}

#[tokio::test]
async fn the_seeded_administrators_have_the_targets_they_should() {
    let world = staffed().await;
    let mut seen = Vec::new();
    let assignees = world.get("/api/v1/iam/assignees/users").await.body["value"].clone();
    for user in assignees.as_array().into_iter().flatten() {
        let roles = format!("/api/v1/users/{}/roles", user["id"].as_str().unwrap_or_default());
        for role in world.get(&roles).await.items() {
            let path = format!("{roles}/{}/targets", role["id"].as_str().unwrap_or_default());
            let count = match role["type"].as_str() {
                Some("APP_ADMIN") => world.get(&format!("{path}/catalog/apps")).await.items().len(),
                Some("USER_ADMIN") => world.get(&format!("{path}/groups")).await.items().len(),
                _ => 0,
            };
            seen.push(format!("{} {} {count}", role["type"].as_str().unwrap_or_default(), role["assignmentType"]));
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(
        seen,
        [
            r#"APP_ADMIN "USER" 0"#,
            r#"APP_ADMIN "USER" 1"#,
            r#"CUSTOM "USER" 0"#,
            r#"HELP_DESK_ADMIN "GROUP" 0"#,
            r#"ORG_ADMIN "USER" 0"#,
            r#"SUPER_ADMIN "USER" 0"#,
            r#"USER_ADMIN "USER" 1"#,
        ]
    );
}

fn hrefs(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|item| item["_links"]["self"]["href"].as_str()).collect()
}

#[tokio::test]
async fn the_seeded_custom_role_leads_from_its_holder_to_its_apps() {
    let world = staffed().await;
    let set = world.get("/api/v1/iam/resource-sets").await.body["resource-sets"][0].clone();
    let own = format!("/api/v1/iam/resource-sets/{}", set["id"].as_str().unwrap_or_default());
    assert_eq!(world.get("/api/v1/iam/resource-sets/Office%20apps").await.body, set);
    let role = world.get(&format!("{own}/bindings")).await.body["roles"][0]["id"].clone();
    let role = role.as_str().unwrap_or_default();
    let members = world.get(&format!("{own}/bindings/{role}/members")).await.body["members"].clone();
    let holder = hrefs(&members)[0].strip_prefix(world.okta.url()).unwrap_or_default().to_owned();
    let held = world.get(&format!("{holder}/roles")).await;
    assert_eq!((&held.body[0]["role"], &held.body[0]["resource-set"]), (&json!(role), &set["id"]));
    assert_eq!(held.body[0]["id"], members[0]["id"]);
    let permissions = world.get(&format!("/api/v1/iam/roles/{role}/permissions")).await.body["permissions"].clone();
    assert_eq!(permissions.as_array().map(Vec::len), Some(4));
    let resources = world.get(&format!("{own}/resources")).await.body["resources"].clone();
    for href in hrefs(&resources) {
        let path = href.strip_prefix(world.okta.url()).unwrap_or_default();
        assert_eq!(world.get(path).await.status, 200, "{path}");
    }
    assert!(resources[0]["orn"].as_str().is_some_and(|orn| orn.starts_with("orn:okta:idp:")), "{resources}");
}

#[tokio::test]
async fn a_custom_role_lives_from_its_making_to_its_end() {
    let world = World::small().await;
    let user = world.hire("zara@acme.example").await;
    let api = format!("{}/api/v1", world.okta.url());
    let post = |path: &str, body: Value| {
        let path = format!("/api/v1/iam/{path}");
        let world = &world;
        async move { world.call(Method::POST, &path, Some(body)).await }
    };
    let role = json!({ "label": "Readers", "description": "Read", "permissions": ["okta.users.read"] });
    let made = post("roles", role.clone()).await;
    assert_eq!((made.status, post("roles", role).await.code()), (200, "E0000001"));
    assert_eq!(world.post("/api/v1/iam/roles/Readers/permissions/okta.groups.read").await.status, 204);
    assert_eq!(world.post("/api/v1/iam/roles/Readers/permissions/okta.groups.read").await.status, 400);
    let named = |resources: Value| json!({ "label": "All", "description": "All", "resources": resources });
    assert_eq!(post("resource-sets", named(json!(["https://elsewhere.example/api/v1/users"]))).await.status, 400);
    let set = post("resource-sets", named(json!([format!("{api}/users")]))).await;
    let bindings = format!("resource-sets/{}/bindings", id(&set));
    let binding = json!({ "role": made.body["id"], "members": [format!("{api}/users/{user}")] });
    assert_eq!(post(&bindings, binding).await.status, 200);
    let held = world.get(&format!("/api/v1/users/{user}/roles")).await;
    assert_eq!((&held.body[0]["type"], &held.body[0]["label"]), (&json!("CUSTOM"), &json!("Readers")));
    assert_eq!(delete(&world, &format!("/api/v1/iam/resource-sets/{}", id(&set))).await.status, 204);
    assert_eq!(world.get(&format!("/api/v1/users/{user}/roles")).await.body, json!([]));
    assert_eq!(delete(&world, "/api/v1/iam/roles/Readers").await.status, 204);
    let logged = world.get("/api/v1/logs?filter=eventType+sw+%22iam.%22").await;
    let logged: Vec<_> = logged.items().iter().filter_map(|event| event["eventType"].as_str()).collect();
    assert_eq!(
        logged,
        [
            "iam.role.create",
            "iam.role.permissions.add",
            "iam.resourceset.create",
            "iam.resourceset.bindings.add",
            "iam.resourceset.bindings.delete",
            "iam.resourceset.delete",
            "iam.role.delete",
        ]
    );
}
