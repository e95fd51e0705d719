//! The connection test tells the truth: one test for each thing that can be wrong with a connection.

use crate::pasted::PastedKey;
use crate::world::{Reply, World, small, text};
use it::proxy::Answer;
use okta_simulator::Dpop;
use serde_json::{Value, json};

/// A check of an answer, by its capability.
#[track_caller]
pub fn check<'a>(answer: &'a Value, capability: &str) -> &'a Value {
    let checks = answer["checks"].as_array().unwrap_or_else(|| panic!("no checks in {answer:#}"));
    checks.iter().find(|check| check["capability"] == capability).expect("this check")
}

/// Asserts that a check came out so, with this finding and something to do about it.
#[track_caller]
fn found(answer: &Value, capability: &str, status: &str, finding: &str) {
    let check = check(answer, capability);
    assert_eq!((&check["status"], &check["finding"]), (&json!(status), &json!(finding)), "{check:#}");
    assert!(check["fix"].as_str().is_some_and(|fix| fix.len() > 20), "{check:#}");
    assert!(check["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{check:#}");
}

/// The answer to new credentials that must be refused.
#[track_caller]
fn refusal(reply: Reply) -> Value {
    assert_eq!(reply.problem(), "verification-failed", "{:#}", reply.body);
    reply.expect(422)
}

fn json_answer(status: u16, body: &Value) -> Answer {
    (status, vec![("content-type".to_owned(), "application/json".to_owned())], body.to_string().into_bytes())
}

impl World {
    /// Tests a connection; the answer is always 200.
    async fn test(&self, id: &str) -> Value {
        self.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200)
    }

    /// Tells Okta to misbehave.
    async fn fault(&self, fault: Value) {
        self.sim("POST", "faults", Some(fault)).await;
    }

    /// An active connection that syncs nothing by itself, so that nothing else talks to Okta.
    pub async fn quiet(&self) -> String {
        let pending = self.pending_with(json!({"sync": null})).await;
        let id = text(&pending, "id").to_owned();
        self.sim("PATCH", "app", Some(json!({"jwks_uri": pending["public_key_url"]}))).await;
        let connected = self.put_auth(&id, self.app_auth()).await.expect(200);
        assert_eq!(connected["status"], "Active", "{connected:#}");
        id
    }

    /// A pending connection with a hosted key, and further members of its body.
    pub async fn pending_with(&self, more: Value) -> Value {
        let mut body = json!({"name": "Acme", "auth": {"type": "private_key_jwt"}});
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        self.api("POST", "/v1/connections", Some(body)).await.expect(201)
    }

    /// Replaces a connection's credentials.
    pub async fn put_auth(&self, id: &str, body: Value) -> Reply {
        self.api("PUT", &format!("/v1/connections/{id}/auth"), Some(body)).await
    }

    /// Makes a connection with the tenant's API token.
    pub async fn post_token(&self) -> Reply {
        let token = &self.simulator.credentials().api_token;
        let auth = json!({"type": "api_token", "token": token});
        self.api("POST", "/v1/connections", Some(json!({"name": "A", "domain": self.domain(), "auth": auth}))).await
    }

    /// Makes a connection with a pasted key; `auth` holds what differs.
    pub async fn post_key(&self, key: &Value, auth: Value) -> Reply {
        let client_id = &self.simulator.credentials().client_id;
        let mut body = json!({"type": "private_key_jwt", "client_id": client_id, "private_key": key});
        body.as_object_mut().expect("an object").extend(auth.as_object().cloned().unwrap_or_default());
        let body = json!({"name": "A", "domain": self.domain(), "auth": body, "sync": null});
        self.api("POST", "/v1/connections", Some(body)).await
    }
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_an_unknown_host() {
    let world = World::start().await;
    let auth = json!({"type": "api_token", "token": "00x"});
    let body = json!({"name": "A", "domain": "nonexistent-org.okta.com", "auth": auth});
    let refused = refusal(world.api("POST", "/v1/connections", Some(body)).await);
    found(&refused, "connection", "failed", "unknown_host");
    found(&refused, "sync_employees", "unknown", "not_probed");
    let custom = json!({"name": "A", "domain": "login.acme.example.com", "auth": auth});
    let refused = refusal(world.api("POST", "/v1/connections", Some(custom)).await);
    found(&refused, "connection", "failed", "unknown_host");
}

#[tokio::test]
async fn whatever_does_not_introduce_itself_as_okta_is_not_okta() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.okta.record(false);
    let html = (200, vec![("content-type".to_owned(), "text/html".to_owned())], b"<html>Welcome".to_vec());
    let redirect = (302, vec![("location".to_owned(), "https://evil.example.com/".to_owned())], Vec::new());
    let page = json_answer(404, &json!({"status": 404, "message": "Resource not found"}));
    for lie in [html, redirect, page, json_answer(200, &json!({"hello": "world"})), json_answer(200, &json!([]))] {
        let told = lie.clone();
        world.okta.intercept(move |exchange| exchange.path.contains("well-known").then(|| told.clone()));
        let report = world.test(&id).await;
        found(&report, "connection", "failed", "not_okta");
        assert_eq!((&report["status"], &report["message"]), (&json!("Inactive"), &json!("Integration test failed")));
    }
}

#[tokio::test]
async fn a_tenant_in_trouble_is_okta_unavailable() {
    let world = World::start().await;
    let id = world.quiet().await;
    for fault in [
        json!({"fault": "status", "status": 503}),
        json!({"fault": "status", "status": 500}),
        json!({"fault": "drop", "when": "before"}),
        json!({"fault": "status", "status": 502, "path": "/oauth2/v1/token"}),
        json!({"fault": "drop", "when": "after", "path": "/oauth2/v1/token"}),
        json!({"fault": "truncate", "bytes": 10, "path": "/.well-known"}),
    ] {
        world.okta.record(false);
        world.fault(fault.clone()).await;
        let report = world.test(&id).await;
        found(&report, "connection", "failed", "okta_unavailable");
        assert_eq!(report["status"], "Inactive", "{fault}");
        world.sim("DELETE", "faults", None).await;
    }
    assert_eq!(world.test(&id).await["status"], "Active", "and it mends itself");
}

#[tokio::test]
async fn a_tenant_that_never_answers_is_given_up_before_the_caller_is() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.fault(json!({"fault": "latency", "ms": 600_000})).await;
    let report = world.test(&id).await;
    found(&report, "connection", "failed", "okta_unavailable");
    found(&report, "sync_employees", "unknown", "not_probed");
}

#[tokio::test]
async fn a_probe_that_never_answers_leaves_the_rest_of_the_report() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.fault(json!({"fault": "latency", "ms": 600_000, "path": "/api/v1/logs"})).await;
    let report = world.test(&id).await;
    assert_eq!((&report["status"], &check(&report, "sync_groups")["status"]), (&json!("Active"), &json!("ok")));
    assert!(["not_probed", "okta_unavailable"].contains(&text(check(&report, "read_logs"), "finding")));
}

#[tokio::test]
async fn a_wrong_client_id_is_an_invalid_client() {
    let world = World::start().await;
    let pending = world.pending().await;
    world.sim("PATCH", "app", Some(json!({"jwks_uri": pending["public_key_url"]}))).await;
    let mut body = world.app_auth();
    body["auth"]["client_id"] = json!("0oaDoesNotExist1234");
    let refused = refusal(world.put_auth(text(&pending, "id"), body).await);
    found(&refused, "connection", "failed", "invalid_client");
    assert_eq!(check(&refused, "connection")["okta_error_code"], "invalid_client");
}

#[tokio::test]
async fn a_key_that_okta_never_fetched_is_unknown() {
    let world = World::start().await;
    let pending = world.pending().await;
    let other = json!({"keys": [PastedKey::generate().public]});
    for app in [
        json!({}),
        json!({"jwks": other}),
        json!({"jwks_uri": "http://127.0.0.1:9/jwks.json"}),
        json!({"jwks_uri": format!("{}/v1/health", world.url())}),
    ] {
        world.sim("PATCH", "app", Some(app.clone())).await;
        let refused = refusal(world.put_auth(text(&pending, "id"), world.app_auth()).await);
        found(&refused, "connection", "failed", "key_unknown");
        assert!(text(check(&refused, "connection"), "fix").contains("public key URL"), "{app}");
    }
}

#[tokio::test]
async fn a_key_that_worked_before_is_revoked_even_while_a_token_is_cached() {
    let world = World::start().await;
    let id = world.synced().await;
    let other = json!({"keys": [PastedKey::generate().public]});
    world.sim("PATCH", "app", Some(json!({"jwks": other}))).await;
    let report = world.test(&id).await;
    found(&report, "connection", "failed", "key_revoked");
    assert_eq!(report["status"], "Inactive");
    let shown = world.api("GET", &format!("/v1/connections/{id}"), None).await.expect(200);
    assert_eq!(shown["status"], "Inactive");
    assert!(shown["status_reason"].as_str().is_some_and(|reason| reason.contains("kid")), "{shown:#}");
    assert_eq!(world.sync(&id, "full").await["status"], "succeeded", "the cached token is still good");
}

#[tokio::test]
async fn an_ordered_revocation_is_seen_and_its_end_too() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.fault(json!({"fault": "key_revoked"})).await;
    found(&world.test(&id).await, "connection", "failed", "key_revoked");
    world.sim("DELETE", "faults", None).await;
    let report = world.test(&id).await;
    assert_eq!((&report["status"], &report["message"]), (&json!("Active"), &json!("Integration test successful")));
}

#[tokio::test]
async fn a_key_without_its_id_is_ambiguous_where_the_app_has_several() {
    let world = World::start().await;
    let (key, other) = (PastedKey::generate(), PastedKey::generate());
    world.sim("PATCH", "app", Some(json!({"jwks": {"keys": [key.public, other.public]}}))).await;
    let refused = refusal(world.post_key(&json!(key.pem), json!({})).await);
    found(&refused, "connection", "failed", "key_id_missing");
    let named = world.post_key(&json!(key.pem), json!({"key_id": key.key_id()})).await.expect(201);
    assert_eq!(named["status"], "Active", "{named:#}");
}

#[tokio::test]
async fn clocks_that_disagree_are_told_in_both_directions() {
    let world = World::start().await;
    let id = world.quiet().await;
    for seconds in [-3_600, -120, 900, 7_200] {
        world.fault(json!({"fault": "skew", "seconds": seconds})).await;
        let report = world.test(&id).await;
        found(&report, "connection", "failed", "clock_skew");
        world.sim("DELETE", "faults", None).await;
    }
}

#[tokio::test]
async fn a_refused_proof_of_possession_is_told() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.okta.record(false);
    let body = json!({"error": "invalid_dpop_proof", "error_description": "The DPoP proof JWT header is missing."});
    let answer = json_answer(400, &body);
    world.okta.intercept(move |exchange| exchange.path.ends_with("/token").then(|| answer.clone()));
    found(&world.test(&id).await, "connection", "failed", "dpop_failed");
    let nonces = json_answer(400, &json!({"error": "use_dpop_nonce", "error_description": "Another one."}));
    let endless = (nonces.0, [nonces.1, vec![("dpop-nonce".to_owned(), "n".to_owned())]].concat(), nonces.2);
    world.okta.intercept(move |exchange| exchange.path.ends_with("/token").then(|| endless.clone()));
    found(&world.test(&id).await, "connection", "failed", "dpop_failed");
}

#[tokio::test]
async fn a_revoked_api_token_is_told() {
    let world = World::start().await;
    let created = world.post_token().await.expect(201);
    world.finished(text(&created, "id"), text(&created, "sync_id")).await;
    world.sim("PATCH", "app", Some(json!({"api_token_active": false}))).await;
    let report = world.test(text(&created, "id")).await;
    found(&report, "connection", "failed", "token_revoked");
    assert_eq!(
        (&report["status"], &check(&report, "connection")["okta_error_code"]),
        (&json!("Inactive"), &json!("E0000011"))
    );
}

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
async fn limited_probes_degrade_and_break_nothing() {
    let world = World::start().await;
    let id = world.synced().await;
    world.fault(json!({"fault": "rate_limit", "path": "/api/v1"})).await;
    let report = world.test(&id).await;
    for capability in ["sync_employees", "sync_groups", "sync_apps", "read_logs"] {
        found(&report, capability, "degraded", "rate_limited");
    }
    assert_eq!((&report["status"], &check(&report, "connection")["status"]), (&json!("Active"), &json!("ok")));
}

#[tokio::test]
async fn a_limited_token_endpoint_takes_nothing_from_a_working_connection() {
    let world = World::start().await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    let before = world.api("GET", &path, None).await.expect(200);
    world.fault(json!({"fault": "rate_limit", "path": "/oauth2/v1/token"})).await;
    let report = world.test(&id).await;
    found(&report, "connection", "degraded", "rate_limited");
    found(&report, "sync_employees", "unknown", "not_probed");
    assert_eq!(report["status"], "Active");
    let after = world.api("GET", &path, None).await.expect(200);
    assert_eq!(after["auth"], before["auth"], "what is known of the credentials stays known");
    world.sim("DELETE", "faults", None).await;
    assert_eq!(world.sync(&id, "full").await["status"], "succeeded");
}

#[tokio::test]
async fn credentials_are_not_taken_for_verified_because_a_limit_was_reached() {
    let world = World::start().await;
    world.fault(json!({"fault": "rate_limit"})).await;
    let refused = refusal(world.post_token().await);
    found(&refused, "connection", "degraded", "rate_limited");
    assert_eq!(world.all("/v1/connections").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_pending_connection_is_not_active_because_a_limit_was_reached() {
    let world = World::start().await;
    let pending = world.pending_with(world.app_auth()).await;
    world.sim("PATCH", "app", Some(json!({"jwks_uri": pending["public_key_url"]}))).await;
    world.fault(json!({"fault": "rate_limit", "path": "/oauth2/v1/token"})).await;
    let report = world.test(text(&pending, "id")).await;
    assert_eq!((&report["status"], &report["message"]), (&json!("Pending"), &json!("Integration test failed")));
    world.sim("DELETE", "faults", None).await;
    assert_eq!(world.test(text(&pending, "id")).await["status"], "Active");
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

#[tokio::test]
async fn a_test_changes_nothing_in_the_tenant() {
    let world = World::start().await;
    let id = world.synced().await;
    let before = world.okta.exchanges().len();
    world.test(&id).await;
    let asked = world.okta.exchanges().split_off(before);
    assert!(asked.iter().any(|it| it.path == "/oauth2/v1/token"), "it signs in anew");
    for exchange in asked {
        let harmless = exchange.method == "GET" || exchange.path == "/oauth2/v1/token";
        assert!(harmless, "{} {}", exchange.method, exchange.path);
    }
}

#[tokio::test]
async fn a_report_has_every_capability_once_in_its_documented_form() {
    let world = World::start().await;
    let id = world.quiet().await;
    let report = world.test(&id).await;
    let names: Vec<_> = report["checks"].as_array().expect("checks").iter().map(|it| text(it, "capability")).collect();
    let documented = ["connection", "sync_employees", "sync_groups", "sync_apps", "sync_locations", "read_logs"];
    let writes = ["security_actions", "group_management", "user_lifecycle", "app_assignment", "event_hooks"];
    assert_eq!(names, [&documented[..], &writes[..]].concat());
    for check in report["checks"].as_array().expect("checks") {
        let mut members: Vec<_> = check.as_object().expect("an object").keys().map(String::as_str).collect();
        members.sort_unstable();
        let expected = ["capability", "detail", "finding", "fix", "okta_error_code", "scopes", "status", "title"];
        assert_eq!(members, expected);
    }
    assert_eq!(check(&report, "sync_employees")["title"], "Sync all employees");
    assert!(report["tested_at"].is_string());
}

#[tokio::test]
async fn a_connection_that_is_not_set_up_cannot_be_tested() {
    let world = World::start().await;
    let pending = world.pending().await;
    let reply = world.api("POST", &format!("/v1/connections/{}/test", text(&pending, "id")), None).await;
    assert_eq!((reply.status, reply.problem()), (409, "connection-not-ready"));
    assert_eq!(world.okta.calls(), 0);
}

#[tokio::test]
async fn tokens_are_bound_where_the_app_wants_it() {
    for (mode, bound) in [(Dpop::Required, true), (Dpop::Optional, true), (Dpop::Off, false)] {
        let world = World::with(okta_simulator::Config { dpop: mode, ..small() }).await;
        let connected = world.connect().await;
        assert_eq!(connected["auth"]["dpop"], bound, "{mode:?}");
        let sync = world.finished(text(&connected, "id"), text(&connected, "sync_id")).await;
        assert_eq!(sync["status"], "succeeded", "{mode:?}");
        let scheme = if bound { "DPoP " } else { "Bearer " };
        let listed = world.okta.exchanges().into_iter().filter(|it| it.path == "/api/v1/users");
        let sent = listed.flat_map(|it| it.request_headers).filter(|(name, _)| name == "authorization");
        assert!(sent.map(|(_, value)| value).all(|value| value.starts_with(scheme)), "{mode:?}");
    }
}
