//! A tour through every operation of Okta's that the product uses, each exchange judged by Okta's own description.

use crate::actions::{rows, stage::Stage};
use crate::world::{World, text};
use it::judge::{Judge, facts_dir};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;

/// Every operation that the product uses: what `shared/src/okta/api.rs` describes, and those of signing in.
const USED: &[(&str, &str)] = &[
    ("DELETE", "/api/v1/apps/{}/users/{}"),
    ("DELETE", "/api/v1/eventHooks/{}"),
    ("DELETE", "/api/v1/groups/{}"),
    ("DELETE", "/api/v1/groups/{}/users/{}"),
    ("DELETE", "/api/v1/users/{}"),
    ("DELETE", "/api/v1/users/{}/sessions"),
    ("GET", "/.well-known/okta-organization"),
    ("GET", "/api/v1/apps"),
    ("GET", "/api/v1/apps/{}"),
    ("GET", "/api/v1/apps/{}/groups"),
    ("GET", "/api/v1/apps/{}/users"),
    ("GET", "/api/v1/apps/{}/users/{}"),
    ("GET", "/api/v1/eventHooks"),
    ("GET", "/api/v1/groups"),
    ("GET", "/api/v1/groups/rules"),
    ("GET", "/api/v1/groups/{}"),
    ("GET", "/api/v1/groups/{}/owners"),
    ("GET", "/api/v1/groups/{}/roles"),
    ("GET", "/api/v1/groups/{}/users"),
    ("GET", "/api/v1/iam/assignees/users"),
    ("GET", "/api/v1/iam/resource-sets/{}"),
    ("GET", "/api/v1/iam/resource-sets/{}/resources"),
    ("GET", "/api/v1/iam/roles/{}/permissions"),
    ("GET", "/api/v1/logs"),
    ("GET", "/api/v1/meta/schemas/user/{}"),
    ("GET", "/api/v1/meta/types/user"),
    ("GET", "/api/v1/meta/types/user/{}"),
    ("GET", "/api/v1/users"),
    ("GET", "/api/v1/users/{}"),
    ("GET", "/api/v1/users/{}/appLinks"),
    ("GET", "/api/v1/users/{}/factors"),
    ("GET", "/api/v1/users/{}/groups"),
    ("GET", "/api/v1/users/{}/roles"),
    ("GET", "/oauth2/v1/authorize"),
    ("GET", "/oauth2/v1/clients/{}/roles"),
    ("POST", "/api/v1/apps/{}/users"),
    ("POST", "/api/v1/apps/{}/users/{}"),
    ("POST", "/api/v1/eventHooks"),
    ("POST", "/api/v1/eventHooks/{}/lifecycle/deactivate"),
    ("POST", "/api/v1/eventHooks/{}/lifecycle/verify"),
    ("POST", "/api/v1/groups"),
    ("POST", "/api/v1/users"),
    ("POST", "/api/v1/users/{}"),
    ("POST", "/api/v1/users/{}/credentials/forgot_password"),
    ("POST", "/api/v1/users/{}/lifecycle/activate"),
    ("POST", "/api/v1/users/{}/lifecycle/deactivate"),
    ("POST", "/api/v1/users/{}/lifecycle/expire_password"),
    ("POST", "/api/v1/users/{}/lifecycle/expire_password_with_temp_password"),
    ("POST", "/api/v1/users/{}/lifecycle/reactivate"),
    ("POST", "/api/v1/users/{}/lifecycle/reset_factors"),
    ("POST", "/api/v1/users/{}/lifecycle/reset_password"),
    ("POST", "/api/v1/users/{}/lifecycle/suspend"),
    ("POST", "/api/v1/users/{}/lifecycle/unlock"),
    ("POST", "/api/v1/users/{}/lifecycle/unsuspend"),
    ("POST", "/oauth2/v1/revoke"),
    ("POST", "/oauth2/v1/token"),
    ("PUT", "/api/v1/groups/{}/users/{}"),
];

/// Those of signing in.
const SIGN_IN: [&str; 3] = ["/oauth2/v1/authorize", "/oauth2/v1/revoke", "/oauth2/v1/token"];

/// A path whose parameters have lost their names.
fn template(path: &str) -> String {
    let unnamed =
        |segment: &str| if segment.starts_with('{') || segment == "me" { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(unnamed).collect::<Vec<_>>().join("/")
}

#[test]
fn the_list_of_used_operations_is_that_of_the_code() {
    let code = include_str!("../../../../shared/src/okta/api.rs");
    let described = code.split('"').skip(1).step_by(2).filter(|literal| literal.starts_with('/')).map(template);
    let described: BTreeSet<_> = described.chain(SIGN_IN.map(str::to_owned)).collect();
    let listed: BTreeSet<_> = USED.iter().map(|(_, path)| (*path).to_owned()).collect();
    assert_eq!(described, listed);
}

/// Connects with an API token, whose roles are its owner's.
async fn connect_with_token(world: &World) {
    let token = &world.simulator.credentials().api_token;
    let auth = json!({"type": "api_token", "token": token});
    let body = json!({"name": "By token", "domain": world.domain(), "auth": auth, "sync": null});
    let connected = world.api("POST", "/v1/connections", Some(body)).await.expect(201);
    assert_eq!(connected["status"], "Active", "{connected:#}");
}

/// Calls every action in every way.
async fn call_every_action(stage: &Stage) {
    for row in rows::all().chain(rows::variants()) {
        let scene = stage.arrange(&row).await;
        stage.call(&row, &scene).await.expect(200);
    }
}

/// Deletes a group, and a user for good.
async fn delete_some(world: &World, connection: &str) {
    let groups = world.all(&format!("/v1/connections/{connection}/groups")).await;
    let group = groups.iter().find(|group| group["type"] == "OKTA_GROUP").expect("a group of the tenant's own");
    world.tenant("DELETE", &format!("/api/v1/groups/{}", text(group, "id")), None).await.expect(204);
    let users = world.all(&format!("/v1/connections/{connection}/users?status=DEPROVISIONED")).await;
    let user = format!("/api/v1/users/{}", text(users.first().expect("somebody has left"), "id"));
    world.tenant("DELETE", &user, None).await.expect(204);
    world.tenant("GET", &user, None).await.expect(404);
}

/// Grants a custom role to a group, and has everything read.
async fn administer(world: &World, connection: &str) {
    let role = json!({"label": "Members", "description": "d", "permissions": ["okta.groups.members.manage"]});
    let role = world.tenant("POST", "/api/v1/iam/roles", Some(role)).await.expect(200);
    let set =
        json!({"label": "Groups", "description": "d", "resources": [format!("{}/api/v1/groups", world.domain())]});
    let set = world.tenant("POST", "/api/v1/iam/resource-sets", Some(set)).await.expect(200);
    let group = json!({"profile": {"name": "Administrators of groups"}});
    let group = world.tenant("POST", "/api/v1/groups", Some(group)).await.expect(200);
    let grant = json!({"type": "CUSTOM", "role": role["id"], "resource-set": set["id"]});
    world.tenant("POST", &format!("/api/v1/groups/{}/roles", text(&group, "id")), Some(grant)).await.expect(201);
    let streams = ["users", "groups", "apps", "locations", "admins", "owners", "group_rules"];
    let all = json!({"sync": {"streams": streams}});
    world.api("PATCH", &format!("/v1/connections/{connection}"), Some(all)).await.expect(200);
    assert_eq!(world.sync(connection, "verify").await["partial"], false);
}

/// Makes a hook, compares it with what Okta has, and removes it.
async fn hook_and_unhook(world: &World, connection: &str) {
    let triggers = format!("/v1/connections/{connection}/triggers");
    let body = json!({"type": "event_hook", "event_types": ["user.lifecycle.suspend"]});
    let trigger = world.api("POST", &triggers, Some(body)).await.expect(201);
    world.poll(connection).await;
    world.api("DELETE", &format!("{triggers}/{}", text(&trigger, "id")), None).await.expect(204);
}

#[tokio::test]
async fn every_operation_that_is_used_is_used_as_okta_describes_it() {
    let Some(facts) = facts_dir() else { return };
    let stage = Stage::start().await;
    call_every_action(&stage).await;
    let world = &stage.world;
    connect_with_token(world).await;
    let signed_in = world.signed_in().await;
    world.api("DELETE", &format!("/v1/connections/{signed_in}"), None).await.expect(204);
    let id = world.synced().await;
    delete_some(world, &id).await;
    assert_eq!(world.sync(&id, "full").await["status"], "succeeded");
    administer(world, &id).await;
    hook_and_unhook(world, &id).await;
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!(report["status"], "Active");
    let judge = Judge::from_facts(&facts);
    for exchange in world.okta.exchanges() {
        judge.judge(&exchange).unwrap_or_else(|complaints| panic!("{complaints:#?}"));
    }
    let hit: BTreeSet<_> = judge.hit().into_iter().map(|(method, path)| (method, template(&path))).collect();
    let used: BTreeSet<_> = USED.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    // Past the test runner, which hides what a passing test prints.
    let _ = writeln!(std::io::stderr(), "{}", judge.summary());
    assert_eq!(hit, used);
}
