//! The connection test tells the truth: one test for each thing that can be wrong with a connection.

mod limits;
mod rights;
mod signing_in;
mod tenant;

use crate::world::{Reply, World, text};
use it::proxy::Answer;
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
