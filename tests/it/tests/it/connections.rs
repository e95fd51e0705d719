//! The life of a connection: made, verified, changed, its keys rotated, deleted.

mod credentials;
mod keys;
mod settings;

use crate::world::{Reply, World, text};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use embedded_dynamodb::Engine;
use serde_json::{Value, json};
use std::time::Duration;

impl World {
    /// Reads a connection.
    async fn shown(&self, id: &str) -> Value {
        self.api("GET", &format!("/v1/connections/{id}"), None).await.expect(200)
    }

    async fn patch(&self, id: &str, patch: Value) -> Reply {
        self.api("PATCH", &format!("/v1/connections/{id}"), Some(patch)).await
    }

    /// Calls a path of a connection with an `If-Match`.
    async fn matching(&self, tag: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.request(method, &format!("{}{path}", self.url()), &[("if-match", tag)], body).await
    }

    /// The secret files there are, by connection.
    fn secrets(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.data().join("secrets")).expect("a directory");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    /// The key ids behind the public key URL.
    async fn published(&self, connection: &Value) -> Vec<String> {
        let keys = self.request("GET", text(connection, "public_key_url"), &[], None).await.expect(200);
        let keys = keys["keys"].as_array().expect("keys").iter();
        keys.map(|key| text(key, "kid").to_owned()).collect()
    }

    /// The `kid` of the last assertion that was sent to Okta.
    fn last_signer(&self) -> String {
        let last = self.okta.exchanges().into_iter().rfind(|it| it.path.ends_with("/token")).expect("a token request");
        let form = String::from_utf8(last.request_body).expect("a form");
        let assertion = form.split("client_assertion=").nth(1).expect("an assertion");
        let header = URL_SAFE_NO_PAD.decode(assertion.split('.').next().expect("a header")).expect("base64");
        text(&serde_json::from_slice(&header).expect("JSON"), "kid").to_owned()
    }

    async fn rotate(&self, id: &str, overlap: &str) -> Reply {
        self.api("POST", &format!("/v1/connections/{id}/keys"), Some(json!({"overlap": overlap}))).await
    }
}

#[tokio::test]
async fn a_new_connection_shows_its_documented_form() {
    let world = World::start().await;
    let body = json!({"name": "Acme", "auth": {"type": "private_key_jwt"}});
    let reply = world.api("POST", "/v1/connections", Some(body)).await;
    let header = |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (location, etag) = (header("location"), header("etag"));
    let made = reply.expect(201);
    assert_eq!(location, Some(format!("/v1/connections/{}", text(&made, "id"))));
    assert_eq!(etag.as_deref(), Some("\"1\""));
    assert_eq!(
        (&made["status"], &made["version"], &made["sync_id"], &made["domain"]),
        (&json!("Pending"), &json!(1), &Value::Null, &Value::Null)
    );
    assert_eq!((&made["teams"], &made["permissions"]), (&json!([]), &json!({"actions": ["read"]})));
    let sync = json!({"full": "rate(6 hours)", "incremental": "rate(15 minutes)", "verify": "rate(7 days)",
                      "timezone": "UTC", "streams": ["users", "groups", "apps", "locations", "admins"], "live": false});
    assert_eq!(made["sync"], sync);
    let location = json!(["city", "state", "countryCode"]);
    assert_eq!(made["attributes"], json!({"location": location, "manager": "managerId", "start_date": null}));
    assert_eq!((&made["auth"]["key_source"], &made["keys"][0]["state"]), (&json!("hosted"), &json!("signing")));
    assert_eq!(made["auth"]["key_id"], made["keys"][0]["key_id"]);
    assert_eq!(world.published(&made).await, [text(&made["auth"], "key_id")]);
}

#[tokio::test]
async fn a_pasted_domain_reads_back_as_the_bare_host() {
    let world = World::start().await;
    for pasted in ["acme.okta.com", "HTTPS://ACME-admin.okta.com/admin/dashboard?x#y", " acme-admin.okta.com "] {
        let made = world.pending_with(json!({"domain": pasted})).await;
        assert_eq!((&made["domain"], &made["status"]), (&json!("acme.okta.com"), &json!("Pending")), "{pasted}");
    }
}

#[tokio::test]
async fn a_deleted_connection_is_gone_with_its_secret_and_with_kept_answers() {
    let world = World::start().await;
    let id = world.synced().await;
    assert_eq!(world.secrets(), std::slice::from_ref(&id));
    let path = format!("/v1/connections/{id}");
    let test = format!("{}{path}/test", world.url());
    world.request("POST", &test, &[("idempotency-key", "once")], None).await.expect(200);
    let reply = world.api("DELETE", &path, None).await;
    assert_eq!((reply.status, reply.body), (204, json!("")));
    assert_eq!(world.secrets(), ["stack-key"], "the deployment's own");
    for (method, path) in [
        ("GET", path.clone()),
        ("DELETE", path.clone()),
        ("POST", format!("{path}/test")),
        ("GET", format!("{path}/jwks.json")),
        ("GET", format!("{path}/users")),
        ("GET", format!("{path}/syncs")),
    ] {
        let reply = world.api(method, &path, None).await;
        assert_eq!((reply.status, reply.problem()), (404, "not-found"), "{method} {path}");
    }
    assert_eq!(world.all("/v1/connections").await, Vec::<Value>::new());
    world.purged(&id).await;
}

#[tokio::test]
async fn a_connection_is_deleted_while_its_sync_runs_and_okta_is_away() {
    let world = World::start().await;
    let connected = world.connect().await;
    let id = text(&connected, "id");
    world.okta.retarget("http://127.0.0.1:9");
    assert_eq!(world.api("DELETE", &format!("/v1/connections/{id}"), None).await.status, 204);
    let sync = format!("/v1/connections/{id}/syncs/{}", text(&connected, "sync_id"));
    assert_eq!(world.api("GET", &sync, None).await.status, 404);
    assert_eq!(world.secrets(), Vec::<String>::new());
    world.purged(id).await;
}

impl World {
    /// Waits until nothing in the table tells of a connection any more but the audit.
    async fn purged(&self, id: &str) {
        let file = self.data().join("dynamodb.sqlite");
        let client = Engine::open(Some(&file)).expect("the engine's file").client();
        loop {
            let items = client.scan().table_name("okta-connector").into_paginator().items().send();
            let items = items.collect::<Result<Vec<_>, _>>().await.expect("items");
            let is_audit = |pk: &str| pk.starts_with("D#");
            let mut others = items.iter().filter(|item| !item["pk"].as_s().is_ok_and(|pk| is_audit(pk)));
            if !others.any(|item| format!("{item:?}").contains(id)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn connections_are_listed_in_the_order_in_which_they_were_made() {
    let world = World::start().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(text(&world.pending().await, "id").to_owned());
    }
    let (mut listed, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = world.api("GET", &format!("/v1/connections?limit=2{cursor}"), None).await.expect(200);
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 2);
        listed.extend(items.iter().map(|it| text(it, "id").to_owned()));
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((listed, pages), (made, 3));
}
