//! What scopes and admin roles allow.

use super::{check, found, json_answer, refusal};
use crate::world::{World, text};
use serde_json::{Value, json};

#[tokio::test]
async fn a_scope_that_is_not_granted_is_named_whatever_okta_makes_of_it() {
    let world = World::start().await;
    let id = world.quiet().await;
    let granted = json!({"scopes": ["okta.users.read", "okta.groups.read", "okta.users.manage"]});
    world.sim("PATCH", "app", Some(granted)).await;
    for mode in ["fail", "drop"] {
        world.fault(json!({"fault": "ungranted_scopes", "mode": mode})).await;
        let report = world.test(&id).await;
        assert_eq!((&report["status"], &check(&report, "connection")["status"]), (&json!("Active"), &json!("ok")));
        assert_eq!(check(&report, "sync_groups")["status"], "ok");
        for (capability, scope) in [("sync_apps", "okta.apps.read"), ("group_management", "okta.groups.manage")] {
            found(&report, capability, "failed", "scope_missing");
            assert!(text(check(&report, capability), "fix").contains(scope), "{mode}");
        }
        let shown = world.api("GET", &format!("/v1/connections/{id}"), None).await.expect(200);
        assert_eq!(shown["auth"]["scopes"].as_array().map(Vec::len), Some(3), "what is granted is remembered");
        world.sim("DELETE", "faults", None).await;
    }
}

#[tokio::test]
async fn a_scope_that_the_caller_named_must_be_granted() {
    let world = World::start().await;
    let pending = world.pending().await;
    let app = json!({"jwks_uri": pending["public_key_url"], "scopes": ["okta.users.read"]});
    world.sim("PATCH", "app", Some(app)).await;
    let mut body = world.app_auth();
    body["auth"]["scopes"] = json!(["okta.users.read", "okta.logs.read", "okta.groups.read"]);
    for mode in ["fail", "drop"] {
        world.fault(json!({"fault": "ungranted_scopes", "mode": mode})).await;
        let refused = refusal(world.put_auth(text(&pending, "id"), body.clone()).await);
        found(&refused, "connection", "failed", "scope_missing");
        let fix = text(check(&refused, "connection"), "fix");
        assert!(fix.contains("okta.logs.read") && fix.contains("okta.groups.read") && !fix.contains("users"), "{fix}");
        world.sim("DELETE", "faults", None).await;
    }
}

#[tokio::test]
async fn named_scopes_are_all_that_is_asked_for() {
    let world = World::start().await;
    let pending = world.pending_with(json!({"sync": null})).await;
    world.sim("PATCH", "app", Some(json!({"jwks_uri": pending["public_key_url"]}))).await;
    let mut body = world.app_auth();
    body["auth"]["scopes"] = json!(["okta.users.manage", "okta.logs.read"]);
    let connected = world.put_auth(text(&pending, "id"), body).await.expect(200);
    assert_eq!(connected["auth"]["scopes"], json!(["okta.logs.read", "okta.users.manage"]));
    assert_eq!(check(&connected, "sync_employees")["status"], "ok", "manage implies read");
    found(&connected, "sync_groups", "failed", "scope_missing");
    let forms = world.okta.exchanges().into_iter().filter(|it| it.path.ends_with("/token"));
    let forms: Vec<_> = forms.map(|it| String::from_utf8(it.request_body).expect("a form")).collect();
    assert!(!forms.is_empty() && forms.iter().all(|form| form.contains("scope=okta.logs.read+okta.users.manage&")));
}

#[tokio::test]
async fn without_an_admin_role_lists_are_empty_and_that_is_told() {
    let world = World::start().await;
    let pending = world.pending().await;
    world.sim("PATCH", "app", Some(json!({"jwks_uri": pending["public_key_url"], "role": null}))).await;
    let connected = world.put_auth(text(&pending, "id"), world.app_auth()).await.expect(200);
    assert_eq!(check(&connected, "connection")["status"], "ok");
    for capability in ["sync_employees", "sync_groups", "sync_apps", "sync_locations", "read_logs"] {
        found(&connected, capability, "failed", "role_missing");
        assert!(text(check(&connected, capability), "fix").contains("Read-Only Administrator"), "{capability}");
    }
    assert_eq!(check(&connected, "read_logs")["okta_error_code"], "E0000006");
    assert_eq!((&connected["status"], &connected["message"]), (&json!("Inactive"), &json!("Integration test failed")));
    assert_eq!(connected["sync_id"], Value::Null);
}

#[tokio::test]
async fn a_forbidden_list_is_a_missing_role_too() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.fault(json!({"fault": "status", "status": 403, "error_code": "E0000006", "path": "/api/v1/users"})).await;
    let report = world.test(&id).await;
    found(&report, "sync_employees", "failed", "role_missing");
    assert_eq!(check(&report, "sync_employees")["okta_error_code"], "E0000006");
    assert_eq!(report["status"], "Active", "this connection syncs nothing");
}

#[tokio::test]
async fn not_every_403_is_a_missing_role() {
    let world = World::start().await;
    let id = world.quiet().await;
    // Okta's description knows no pages of HTML.
    world.okta.record(false);
    for (order, finding, code) in [
        (json!({"error_code": "E0000005"}), "token_revoked", json!("E0000005")),
        (json!({"body": "html"}), "not_okta", Value::Null),
        (json!({"body": "none"}), "role_missing", Value::Null),
    ] {
        let mut fault = json!({"fault": "status", "status": 403, "path": "/api/v1/groups"});
        fault.as_object_mut().expect("an object").extend(order.as_object().cloned().unwrap_or_default());
        world.fault(fault).await;
        let report = world.test(&id).await;
        found(&report, "sync_groups", "failed", finding);
        assert_eq!(check(&report, "sync_groups")["okta_error_code"], code, "{order}");
        world.sim("DELETE", "faults", None).await;
    }
}

#[tokio::test]
async fn an_empty_list_of_groups_alone_is_unknown() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.fault(json!({"fault": "empty_list", "path": "/api/v1/groups"})).await;
    let report = world.test(&id).await;
    found(&report, "sync_groups", "unknown", "not_probed");
    assert_eq!(check(&report, "sync_employees")["status"], "ok");
    assert_eq!(report["status"], "Active");
}

#[tokio::test]
async fn a_feature_without_licence_does_not_break_the_connection() {
    let world = World::start().await;
    let id = world.synced().await;
    world.okta.record(false);
    let summary = "You do not have permission to access the feature you are requesting";
    let body = json!({"errorCode": "E0000015", "errorSummary": summary, "errorLink": "E0000015", "errorId": "oae1", "errorCauses": []});
    let answer = json_answer(401, &body);
    world.okta.intercept(move |exchange| (exchange.path == "/api/v1/apps").then(|| answer.clone()));
    let report = world.test(&id).await;
    found(&report, "sync_apps", "degraded", "not_licensed");
    assert_eq!(check(&report, "sync_apps")["okta_error_code"], "E0000015");
    assert_eq!((&report["status"], &check(&report, "connection")["status"]), (&json!("Active"), &json!("ok")));
}

#[tokio::test]
async fn employees_that_may_not_be_read_make_a_syncing_connection_inactive() {
    let world = World::start().await;
    let id = world.synced().await;
    world.sim("PATCH", "app", Some(json!({"role": "REPORT_ADMIN"}))).await;
    let report = world.test(&id).await;
    assert_eq!((&report["status"], &check(&report, "read_logs")["status"]), (&json!("Inactive"), &json!("ok")));
    let path = format!("/v1/connections/{id}");
    world.api("PATCH", &path, Some(json!({"sync": null}))).await.expect(200);
    assert_eq!(world.test(&id).await["status"], "Active", "a connection for the log needs no employees");
}

#[tokio::test]
async fn writing_is_judged_from_the_roles_and_never_tried() {
    let world = World::start().await;
    let id = world.quiet().await;
    let report = world.test(&id).await;
    for capability in ["security_actions", "group_management", "user_lifecycle", "app_assignment", "event_hooks"] {
        assert_eq!(check(&report, capability)["status"], "ok", "{report:#}");
    }
    world.sim("PATCH", "app", Some(json!({"role": "READ_ONLY_ADMIN"}))).await;
    let report = world.test(&id).await;
    for capability in ["security_actions", "group_management", "user_lifecycle", "app_assignment", "event_hooks"] {
        found(&report, capability, "unknown", "not_probed");
    }
}

#[tokio::test]
async fn an_api_token_is_judged_by_the_roles_of_its_owner() {
    let world = World::start().await;
    let created = world.post_token().await.expect(201);
    let id = text(&created, "id");
    assert_eq!(check(&created, "event_hooks")["status"], "ok", "its owner is a super administrator");
    world.finished(id, text(&created, "sync_id")).await;
    world.okta.record(false);
    let roles = json_answer(200, &json!([{"id": "ra1", "type": "HELP_DESK_ADMIN", "status": "ACTIVE"}]));
    world.okta.intercept(move |exchange| exchange.path.ends_with("/roles").then(|| roles.clone()));
    let report = world.test(id).await;
    assert_eq!(check(&report, "security_actions")["status"], "ok");
    found(&report, "user_lifecycle", "failed", "role_missing");
    assert_eq!(report["status"], "Active");
}

#[tokio::test]
async fn a_role_that_is_not_known_is_not_a_missing_one() {
    let world = World::start().await;
    let created = world.post_token().await.expect(201);
    let id = text(&created, "id");
    world.finished(id, text(&created, "sync_id")).await;
    world.okta.record(false);
    for role in [json!("ACCESS_REQUESTS_ADMIN"), Value::Null] {
        let roles = json_answer(200, &json!([{"id": "ra1", "type": role, "status": "ACTIVE"}]));
        world.okta.intercept(move |exchange| exchange.path.ends_with("/roles").then(|| roles.clone()));
        found(&world.test(id).await, "user_lifecycle", "unknown", "not_probed");
    }
}

#[tokio::test]
async fn an_api_token_whose_owner_may_only_read_the_log_still_signs_in() {
    let world = World::start().await;
    world.sim("PATCH", "app", Some(json!({"api_token_role": "REPORT_ADMIN"}))).await;
    let token = &world.simulator.credentials().api_token;
    let auth = json!({"type": "api_token", "token": token});
    let body = json!({"name": "Log", "domain": world.domain(), "auth": auth, "sync": null});
    let created = world.api("POST", "/v1/connections", Some(body)).await.expect(201);
    assert_eq!((&created["status"], &check(&created, "connection")["status"]), (&json!("Active"), &json!("ok")));
    assert_eq!(check(&created, "read_logs")["status"], "ok");
    found(&created, "sync_employees", "failed", "role_missing");
}
