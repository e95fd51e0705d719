//! What the simulated tenant answers to actions, judged by Okta's own description before the product relies on it.

use crate::world::{World, text};
use serde_json::{Value, json};

/// A tenant of which every answer is judged when the world ends, and a user to act on.
struct Stage {
    world: World,
    user: String,
}

impl Stage {
    async fn set() -> Self {
        let world = World::start().await;
        let profile =
            json!({"firstName": "Zara", "lastName": "Novak", "email": "z@acme.example", "login": "z@acme.example"});
        let body = json!({"profile": profile, "credentials": {"password": {"value": "correct horse"}}});
        let stage = Self { world, user: String::new() };
        let made = stage.call("POST", "/api/v1/users", Some(body)).await;
        Self { user: text(&made, "id").to_owned(), ..stage }
    }

    /// Calls the tenant as its administrator, where the judge listens.
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let token = format!("SSWS {}", self.world.simulator.credentials().api_token);
        let headers = [("authorization", token.as_str()), ("accept", "application/json")];
        let path = path.replace("{user}", &self.user);
        self.world.request(method, &format!("{}{path}", self.world.okta.url()), &headers, body).await.body
    }

    async fn arrange(&self, how: Value) {
        self.world.sim("POST", &format!("users/{}", self.user), Some(how)).await;
    }
}

#[tokio::test]
async fn factors_of_every_kind_are_as_described() {
    let stage = Stage::set().await;
    let kinds = ["push", "token:software:totp", "signed_nonce", "sms", "email", "webauthn"];
    stage.arrange(json!({"factors": kinds})).await;
    let factors = stage.call("GET", "/api/v1/users/{user}/factors", None).await;
    for factor in factors.as_array().expect("a list") {
        stage.call("GET", &format!("/api/v1/users/{{user}}/factors/{}", text(factor, "id")), None).await;
    }
    for factor in factors.as_array().expect("a list") {
        stage.call("DELETE", &format!("/api/v1/users/{{user}}/factors/{}", text(factor, "id")), None).await;
    }
    stage.call("POST", "/api/v1/users/{user}/lifecycle/reset_factors", None).await;
    stage.call("DELETE", "/api/v1/users/{user}/sessions?oauthTokens=false&forgetDevices=true", None).await;
}

#[tokio::test]
async fn every_operation_answers_as_described_from_every_status() {
    let stage = Stage::set().await;
    let statuses =
        ["STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED", "DEPROVISIONED"];
    let operations = [
        "lifecycle/activate?sendEmail=false",
        "lifecycle/reactivate?sendEmail=false",
        "lifecycle/deactivate?sendEmail=false",
        "lifecycle/suspend",
        "lifecycle/unsuspend",
        "lifecycle/unlock",
        "lifecycle/expire_password",
        "lifecycle/expire_password_with_temp_password?revokeSessions=true",
        "lifecycle/reset_password?sendEmail=false&revokeSessions=true",
        "lifecycle/reset_factors",
        "credentials/forgot_password?sendEmail=false",
    ];
    for (status, operation) in statuses.iter().flat_map(|status| operations.map(|operation| (status, operation))) {
        stage.arrange(json!({"status": status})).await;
        stage.call("POST", &format!("/api/v1/users/{{user}}/{operation}"), None).await;
    }
}

#[tokio::test]
async fn groups_change_as_described() {
    let stage = Stage::set().await;
    let profile = |name: &str| Some(json!({"profile": {"name": name, "description": "Striped"}}));
    let group = stage.call("POST", "/api/v1/groups", profile("Zebras")).await;
    stage.call("POST", "/api/v1/groups", profile("Zebras")).await;
    let path = format!("/api/v1/groups/{}", text(&group, "id"));
    for method in ["PUT", "PUT", "DELETE", "DELETE"] {
        stage.call(method, &format!("{path}/users/{{user}}"), None).await;
    }
    let everyone = stage.call("GET", "/api/v1/groups?search=profile.name+eq+%22everyone%22&limit=200", None).await;
    stage.call("PUT", &format!("/api/v1/groups/{}/users/{{user}}", text(&everyone[0], "id")), None).await;
    stage.call("GET", "/api/v1/users/{user}/groups", None).await;
    for _ in 0..2 {
        stage.call("DELETE", &path, None).await;
    }
}

#[tokio::test]
async fn apps_are_assigned_as_described() {
    let stage = Stage::set().await;
    let apps = stage.call("GET", "/api/v1/apps?limit=200&includeNonDeleted=true", None).await;
    stage.call("GET", "/api/v1/apps?q=goo&limit=200&includeNonDeleted=true", None).await;
    for app in apps.as_array().expect("a list") {
        let path = format!("/api/v1/apps/{}", text(app, "id"));
        let body = json!({"id": stage.user, "scope": "USER", "profile": {"role": "reader"}});
        stage.call("GET", &path, None).await;
        stage.call("POST", &format!("{path}/users"), Some(body)).await;
        stage.call("GET", &format!("{path}/users?limit=500"), None).await;
        stage.call("GET", &format!("{path}/groups?limit=200"), None).await;
    }
    stage.call("GET", "/api/v1/users/{user}/appLinks", None).await;
    stage.call("GET", "/api/v1/meta/types/user", None).await;
    for app in apps.as_array().expect("a list") {
        let path = format!("/api/v1/apps/{}/users/{{user}}", text(app, "id"));
        for method in ["GET", "DELETE", "DELETE", "GET"] {
            stage.call(method, &path, None).await;
        }
        let path = format!("/api/v1/apps/{}", text(app, "id"));
        stage.call("DELETE", &path, None).await;
        stage.call("POST", &format!("{path}/lifecycle/deactivate"), None).await;
        for method in ["DELETE", "GET"] {
            stage.call(method, &path, None).await;
        }
    }
}

#[tokio::test]
async fn users_and_the_log_are_as_described() {
    let stage = Stage::set().await;
    let logon = json!({"count": 2, "type": "user.session.start", "ip": "203.0.113.7", "ip_chain": ["10.0.0.1", "203.0.113.7"],
        "outcome": "FAILURE", "reason": "INVALID_CREDENTIALS", "city": "Lagos", "asn": 64500, "isp": "Net", "is_proxy": true});
    stage.world.sim("POST", "events", Some(logon)).await;
    stage.call("GET", "/api/v1/logs?filter=request.ipChain.ip+eq+%22203.0.113.7%22&limit=1000", None).await;
    stage.call("GET", "/api/v1/logs?sortOrder=DESCENDING&limit=1000", None).await;
    stage.call("GET", "/api/v1/users/z%40acme.example", None).await;
    stage.call("GET", "/api/v1/meta/schemas/user/default", None).await;
    let twin = json!({"firstName": "A", "lastName": "B", "email": "z@acme.example", "login": "Z@acme.example"});
    for more in [json!({}), json!({"type": {"id": "oty1"}}), json!({"groupIds": ["00g1"]})] {
        let mut body = json!({"profile": twin});
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        stage.call("POST", "/api/v1/users?activate=false", Some(body)).await;
    }
    for profile in [json!({"city": "Oslo"}), json!({"city": null}), json!({"shoe": "41"})] {
        stage.call("POST", "/api/v1/users/{user}", Some(json!({"profile": profile}))).await;
    }
    for _ in 0..3 {
        stage.call("DELETE", "/api/v1/users/{user}?sendEmail=false", None).await;
    }
}
