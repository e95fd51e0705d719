//! Administrators: roles of users, groups and clients, and who may see and change them.

use okta_simulator::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{App, Seen, World};

/// A tenant with administrators, in which nothing is limited.
pub async fn staffed() -> World {
    World::new(Config { users: 200, access: true, rate_limit: Some(100_000), ..Config::default() }).await
}

pub fn id(seen: &Seen) -> String {
    seen.body["id"].as_str().unwrap_or_default().to_owned()
}

async fn grant(world: &World, who: &str, role: &str) -> Seen {
    world.call(Method::POST, &format!("/api/v1/{who}/roles"), Some(json!({ "type": role }))).await
}

async fn events(world: &World, filter: &str) -> Vec<Value> {
    let filter = filter.replace('"', "%22").replace(' ', "+");
    world.get(&format!("/api/v1/logs?limit=1000&filter={filter}")).await.items().to_vec()
}

/// A group of Okta's own that no rule fills.
pub async fn new_group(world: &World, name: &str) -> String {
    let body = json!({ "profile": { "name": name } });
    id(&world.call(Method::POST, "/api/v1/groups", Some(body)).await)
}

#[tokio::test]
async fn a_role_is_granted_once_and_logged_with_all_there_are() {
    let world = World::small().await;
    let user = world.hire("zara@acme.example").await;
    let who = format!("users/{user}");
    let made = grant(&world, &who, "ORG_ADMIN").await;
    assert_eq!((made.status, &made.body["assignmentType"]), (201, &json!("USER")));
    let again = grant(&world, &who, "ORG_ADMIN").await;
    assert_eq!((again.status, again.code()), (409, "E0000090"));
    assert_eq!(grant(&world, &who, "KING").await.code(), "E0000001");
    let second = grant(&world, &who, "APP_ADMIN").await;
    for assignment in [&second, &made] {
        let path = format!("/api/v1/{who}/roles/{}", id(assignment));
        assert_eq!(world.get(&path).await.body, assignment.body);
        assert_eq!(world.call(Method::DELETE, &path, None).await.status, 204);
        assert_eq!(world.call(Method::DELETE, &path, None).await.status, 404);
    }
    let logged = events(&world, &format!(r#"eventType sw "user.account.privilege" and target.id eq "{user}""#)).await;
    let logged: Vec<_> = logged
        .iter()
        .map(|event| (event["eventType"].clone(), event["debugContext"]["debugData"]["privilegeGranted"].clone()))
        .collect();
    let (grant, revoke) = (json!("user.account.privilege.grant"), json!("user.account.privilege.revoke"));
    let one = json!("Organization Administrator");
    let both = json!("Organization Administrator, Application Administrator");
    assert_eq!(logged, [(grant.clone(), one.clone()), (grant.clone(), both), (grant, one), (revoke, json!(""))]);
}

#[tokio::test]
async fn assignments_of_roles_with_targets_share_one_id() {
    let world = World::small().await;
    let people = [world.hire("zara@acme.example").await, world.hire("yuri@acme.example").await];
    for (role, shared) in [("APP_ADMIN", "IFIFAX2BIRGUSTQ"), ("USER_ADMIN", "KVJUKUS7IFCE2SKO")] {
        for user in &people {
            assert_eq!(id(&grant(&world, &format!("users/{user}"), role).await), shared);
        }
    }
    let mut others = Vec::new();
    for user in &people {
        others.push(id(&grant(&world, &format!("users/{user}"), "REPORT_ADMIN").await));
    }
    assert!(others[0] != others[1] && others.iter().all(|id| id.starts_with("ra1")), "{others:?}");
}

#[tokio::test]
async fn a_user_has_the_roles_of_its_groups_but_not_as_its_own() {
    let world = World::small().await;
    let user = world.hire("zara@acme.example").await;
    let group = new_group(&world, "Zebras").await;
    let made = grant(&world, &format!("groups/{group}"), "READ_ONLY_ADMIN").await;
    assert!(id(&made).starts_with("gra"), "{made:?}");
    let member = format!("/api/v1/groups/{group}/users/{user}");
    assert_eq!(world.call(Method::PUT, &member, None).await.status, 204);
    let listed = world.get(&format!("/api/v1/users/{user}/roles")).await;
    assert_eq!(listed.body, json!([made.body]));
    assert!(listed.body[0]["_links"]["assignee"]["href"].as_str().is_some_and(|href| href.ends_with(&group)));
    let own = format!("/api/v1/users/{user}/roles/{}", id(&made));
    assert_eq!(world.call(Method::DELETE, &own, None).await.status, 404);
    assert_eq!(world.call(Method::DELETE, &member, None).await.status, 204);
    assert_eq!(world.get(&format!("/api/v1/users/{user}/roles")).await.body, json!([]));
}

#[tokio::test]
async fn some_groups_can_hold_no_role() {
    let world = staffed().await;
    let groups = world.get("/api/v1/groups?limit=200").await;
    let of_type = |kind: &str| {
        let mut groups = groups.items().iter().filter(|group| group["type"] == kind);
        groups.next().and_then(|group| group["id"].as_str()).unwrap_or_default().to_owned()
    };
    let ruled = world.get("/api/v1/groups/rules").await.body[0]["actions"]["assignUserToGroups"]["groupIds"][0].clone();
    let ruled = ruled.as_str().unwrap_or_default().to_owned();
    for (group, code) in [(of_type("BUILT_IN"), "E0000211"), (of_type("APP_GROUP"), "E0000194"), (ruled, "E0000192")] {
        let refused = grant(&world, &format!("groups/{group}"), "ORG_ADMIN").await;
        assert_eq!((refused.status, refused.code()), (400, code), "{refused:?}");
    }
    let group = new_group(&world, "Zebras").await;
    assert_eq!(grant(&world, &format!("groups/{group}"), "ORG_ADMIN").await.status, 201);
    let again = grant(&world, &format!("groups/{group}"), "ORG_ADMIN").await;
    assert_eq!((again.status, again.code()), (409, "E0000263"));
    let stats = world.get(&format!("/api/v1/groups/{group}?expand=stats")).await;
    assert_eq!(stats.body["_embedded"]["stats"]["hasAdminPrivilege"], true);
}

/// Every page of the users with roles, of this size.
async fn assignees(world: &World, limit: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = Some(format!("/api/v1/iam/assignees/users?limit={limit}"));
    while let Some(path) = next {
        let page = world.get(&path).await;
        assert_eq!((page.status, page.header("link")), (200, ""));
        let users = page.body["value"].as_array().cloned().unwrap_or_default();
        found.extend(users.iter().map(|user| user["id"].as_str().unwrap_or_default().to_owned()));
        let href = page.body["_links"]["next"]["href"].as_str();
        next = href.and_then(|href| href.strip_prefix(world.okta.url())).map(str::to_owned);
    }
    found
}

#[tokio::test]
async fn users_with_roles_are_paged_by_a_link_in_the_body() {
    let world = staffed().await;
    let all = assignees(&world, 100).await;
    assert!(all.len() > 6 && all.is_sorted(), "{all:?}");
    assert_eq!(assignees(&world, 2).await, all);
    world.door(Method::PATCH, "/org", json!({ "assignees": "direct" })).await;
    let direct = assignees(&world, 100).await;
    // The owner of the API token, two administrators of apps, one of a group, one by a custom role, one suspended.
    assert_eq!(direct.len(), 6);
    assert!(direct.iter().all(|id| all.contains(id)));
    let refused = world.get("/api/v1/iam/assignees/users?after=nonsense").await;
    assert_eq!((refused.status, refused.code()), (400, "E0000029"));
}

#[tokio::test]
async fn a_deactivated_user_holds_nothing_any_more() {
    let world = World::polite().await;
    let user = world.hire("zara@acme.example").await;
    grant(&world, &format!("users/{user}"), "ORG_ADMIN").await;
    assert!(assignees(&world, 100).await.contains(&user));
    world.post(&format!("/api/v1/users/{user}/lifecycle/deactivate")).await;
    assert_eq!(world.get(&format!("/api/v1/users/{user}/roles")).await.body, json!([]));
    assert!(!assignees(&world, 100).await.contains(&user));
    let logged = events(&world, r#"eventType eq "user.account.privilege.revoke""#).await;
    assert_eq!(logged.len(), 1);
}

#[tokio::test]
async fn only_super_administrators_see_and_change_roles() {
    let world = staffed().await;
    let app = App::new(&world, "off").await;
    let scopes = ["okta.roles.manage", "okta.users.read", "okta.groups.read"];
    world.door(Method::PATCH, "/app", json!({ "scopes": scopes })).await;
    let granted = app.ask(&app.assertion(&app.claims().await), "okta.roles.manage", None).await;
    let token = granted.body["access_token"].as_str().unwrap_or_default();
    let user = assignees(&world, 1).await.remove(0);
    let paths = [
        format!("/api/v1/users/{user}/roles"),
        "/api/v1/iam/assignees/users".into(),
        "/api/v1/iam/roles".into(),
        "/api/v1/iam/resource-sets".into(),
        format!("/oauth2/v1/clients/{}/roles", world.okta.credentials().client_id),
    ];
    for (role, status, code) in
        [("SUPER_ADMIN", 200, ""), ("ORG_ADMIN", 403, "E0000006"), ("READ_ONLY_ADMIN", 403, "E0000006")]
    {
        world.door(Method::PATCH, "/app", json!({ "role": role })).await;
        for path in &paths {
            let seen = app.bearer(token, path).await;
            assert_eq!((seen.status, seen.code()), (status, code), "{role} {path}");
        }
    }
    let unscoped = app.ask(&app.assertion(&app.claims().await), "okta.users.read", None).await;
    let unscoped = unscoped.body["access_token"].as_str().unwrap_or_default();
    let challenge = app.bearer(unscoped, &paths[1]).await;
    let challenge = challenge.header("www-authenticate");
    assert!(challenge.contains(r#"scope="okta.roles.read", error="insufficient_scope""#), "{challenge}");
}

#[tokio::test]
async fn the_role_behind_a_token_is_an_assignment_that_can_be_revoked() {
    let world = World::small().await;
    let me = id(&world.get("/api/v1/users/me").await);
    let own = format!("/api/v1/users/{me}/roles");
    let role = world.get(&own).await;
    assert_eq!((role.items().len(), &role.body[0]["type"]), (1, &json!("SUPER_ADMIN")));
    let path = format!("{own}/{}", role.ids()[0]);
    assert_eq!(world.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(world.get(&own).await.code(), "E0000006");
    assert_eq!(world.door(Method::GET, "/app", json!({})).await["api_token_role"], Value::Null);
}

#[tokio::test]
async fn a_tenant_has_no_other_administrators_unless_it_is_asked_for() {
    let world = World::small().await;
    let assignees = world.get("/api/v1/iam/assignees/users").await;
    assert_eq!(assignees.body["value"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.get("/api/v1/iam/resource-sets").await.body, json!({ "resource-sets": [], "_links": {} }));
}

#[tokio::test]
async fn a_client_holds_roles_if_it_is_a_service() {
    let world = World::small().await;
    let ids = world.okta.credentials().clone();
    let own = format!("/oauth2/v1/clients/{}/roles", ids.client_id);
    let standing = world.get(&own).await;
    assert_eq!((standing.items().len(), &standing.body[0]["assignmentType"]), (1, &json!("CLIENT")));
    let body = json!({ "type": "REPORT_ADMIN" });
    let made = world.call(Method::POST, &own, Some(body.clone())).await;
    assert_eq!((made.status, world.get(&own).await.items().len()), (200, 2), "{made:?}");
    let web = format!("/oauth2/v1/clients/{}/roles", ids.web_client_id);
    let refused = world.call(Method::POST, &web, Some(body)).await;
    assert_eq!((refused.status, refused.code()), (400, "E0000227"));
    for role in world.get(&own).await.ids() {
        assert_eq!(world.call(Method::DELETE, &format!("{own}/{role}"), None).await.status, 204);
    }
    assert_eq!(world.get(&own).await.body, json!([]));
    assert_eq!(world.door(Method::GET, "/app", json!({})).await["role"], Value::Null);
    let logged = events(&world, r#"eventType sw "app.oauth2.client.privilege""#).await;
    let kinds: Vec<_> = logged.iter().filter_map(|event| event["eventType"].as_str()?.rsplit('.').next()).collect();
    assert_eq!(kinds, ["grant", "grant", "revoke"]);
}
