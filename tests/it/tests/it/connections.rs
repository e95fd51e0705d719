//! The life of a connection: made, verified, changed, its keys rotated, deleted.

use crate::pasted::PastedKey;
use crate::world::{Reply, World, small, text};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use embedded_dynamodb::Engine;
use okta_simulator::Simulator;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;

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
                      "timezone": "UTC", "streams": ["users", "groups", "apps", "locations"]});
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
async fn an_api_token_is_verified_at_once() {
    let world = World::start().await;
    let made = world.post_token().await.expect(201);
    assert_eq!(
        (&made["status"], &made["message"], &made["engine"]),
        (&json!("Active"), &json!("Integration setup complete"), &json!("oie"))
    );
    assert!(made["org_id"].is_string() && made["tested_at"].is_string());
    let auth =
        json!({"type": "api_token", "client_id": null, "key_id": null, "key_source": null, "dpop": null, "scopes": []});
    assert_eq!((&made["auth"], &made["public_key_url"], &made["keys"]), (&auth, &Value::Null, &json!([])));
    let sync = world.finished(text(&made, "id"), text(&made, "sync_id")).await;
    assert_eq!((&sync["status"], &sync["mode"]), (&json!("succeeded"), &json!("full")));
    let shown = world.shown(text(&made, "id")).await;
    assert_eq!((&shown["last_sync"]["id"], &shown["counts"]["users"]), (&sync["id"], &json!(60)));
}

#[tokio::test]
async fn credentials_that_okta_refuses_leave_nothing_behind() {
    let world = World::start().await;
    world.sim("PATCH", "app", Some(json!({"api_token_active": false}))).await;
    let reply = world.post_token().await;
    assert_eq!((reply.status, reply.problem()), (422, "verification-failed"));
    let reply = world.post_key(&json!(PastedKey::generate().pem), json!({})).await;
    assert_eq!((reply.status, reply.problem()), (422, "verification-failed"));
    assert_eq!((world.all("/v1/connections").await, world.secrets()), (vec![], vec![]));
}

#[tokio::test]
async fn a_key_is_pasted_as_pem_or_jwk() {
    let world = World::start().await;
    let key = PastedKey::generate();
    world.sim("PATCH", "app", Some(json!({"jwks": {"keys": [key.public]}}))).await;
    let kid = json!(key.key_id());
    for (pasted, auth, expected) in [
        (json!(key.pem), json!({}), Value::Null),
        (json!(key.pkcs8), json!({}), Value::Null),
        (json!(key.pem.replace('\n', "\r\n")), json!({"key_id": kid}), kid.clone()),
        (key.jwk.clone(), json!({}), kid.clone()),
        (json!(key.jwk.to_string()), json!({}), kid.clone()),
        (key.jwk.clone(), json!({"key_id": kid}), kid.clone()),
    ] {
        let made = world.post_key(&pasted, auth).await.expect(201);
        assert_eq!((&made["status"], &made["auth"]["key_source"]), (&json!("Active"), &json!("supplied")));
        assert_eq!((&made["auth"]["key_id"], &made["public_key_url"]), (&expected, &Value::Null));
        let jwks = format!("/v1/connections/{}/jwks.json", text(&made, "id"));
        assert_eq!(world.api("GET", &jwks, None).await.problem(), "not-found");
    }
    let other = world.post_key(&key.jwk, json!({"key_id": "another"})).await;
    assert_eq!(other.expect(422)["errors"][0]["pointer"], "/auth/key_id");
}

#[tokio::test]
async fn a_pending_connection_is_completed_step_by_step() {
    let world = World::start().await;
    let made = world.pending().await;
    let id = text(&made, "id");
    let client_id = &world.simulator.credentials().client_id;
    let auth = json!({"type": "private_key_jwt", "client_id": client_id});
    let told = world.put_auth(id, json!({"auth": auth})).await.expect(200);
    assert_eq!((&told["status"], &told["auth"]["client_id"]), (&json!("Pending"), &json!(client_id)));
    for (method, path, body) in [("POST", "test", None), ("POST", "syncs", Some(json!({"mode": "full"})))] {
        let reply = world.api(method, &format!("/v1/connections/{id}/{path}"), body).await;
        assert_eq!((reply.status, reply.problem()), (409, "connection-not-ready"), "{path}");
    }
    world.sim("PATCH", "app", Some(json!({"jwks_uri": made["public_key_url"]}))).await;
    let auth = json!({"type": "private_key_jwt"});
    let told = world.put_auth(id, json!({"domain": world.domain(), "auth": auth})).await.expect(200);
    assert_eq!((&told["status"], &told["keys"]), (&json!("Active"), &made["keys"]), "the key is the same");
    world.finished(id, text(&told, "sync_id")).await;
    let again = world.put_auth(id, world.app_auth()).await.expect(200);
    assert_eq!((&again["status"], &again["sync_id"]), (&json!("Active"), &Value::Null), "one first sync");
}

#[tokio::test]
async fn a_complete_connection_with_a_new_key_waits_for_okta_and_a_test_completes_it() {
    let world = World::start().await;
    let made = world.pending_with(world.app_auth()).await;
    assert_eq!((&made["status"], &made["checks"]), (&json!("Pending"), &json!([])));
    assert_eq!(world.okta.calls(), 0, "Okta cannot know the key yet");
    world.sim("PATCH", "app", Some(json!({"jwks_uri": made["public_key_url"]}))).await;
    let id = text(&made, "id");
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!(report["status"], "Active");
    let syncs = world.all(&format!("/v1/connections/{id}/syncs")).await;
    assert_eq!(syncs.len(), 1, "becoming Active for the first time starts a full sync");
    assert_eq!(world.finished(id, text(&syncs[0], "id")).await["status"], "succeeded");
}

#[tokio::test]
async fn new_credentials_that_fail_change_nothing() {
    let world = World::start().await;
    let id = world.quiet().await;
    let before = world.shown(&id).await;
    let mut wrong = world.app_auth();
    wrong["auth"]["client_id"] = json!("0oaDoesNotExist1234");
    let mut key = world.app_auth();
    key["auth"]["private_key"] = json!(PastedKey::generate().pem);
    let token = json!({"auth": {"type": "api_token", "token": "00wrong"}});
    for body in [wrong, key, token] {
        let reply = world.put_auth(&id, body).await;
        assert_eq!((reply.status, reply.problem()), (422, "verification-failed"));
        assert_eq!(world.shown(&id).await, before);
    }
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!(report["status"], "Active", "the old credentials still work");
    assert_eq!(world.sync(&id, "full").await["status"], "succeeded");
}

#[tokio::test]
async fn other_credentials_never_replace_a_hosted_key() {
    let world = World::start().await;
    let id = world.quiet().await;
    let before = world.shown(&id).await;
    let token = json!({"type": "api_token", "token": world.simulator.credentials().api_token});
    let told = world.put_auth(&id, json!({"auth": token})).await.expect(200);
    assert_eq!((&told["auth"]["type"], &told["keys"]), (&json!("api_token"), &before["keys"]));
    assert_eq!(told["public_key_url"], before["public_key_url"]);
    let back = world.put_auth(&id, world.app_auth()).await.expect(200);
    assert_eq!((&back["auth"], &back["keys"]), (&before["auth"], &before["keys"]));
    assert_eq!(world.last_signer(), text(&before["auth"], "key_id"));
}

#[tokio::test]
async fn a_connection_moves_from_an_api_token_to_a_hosted_key_in_two_steps() {
    let world = World::start().await;
    let made = world.post_token().await.expect(201);
    let id = text(&made, "id");
    world.finished(id, text(&made, "sync_id")).await;
    let reply = world.put_auth(id, world.app_auth()).await;
    assert_eq!((reply.status, reply.problem()), (422, "verification-failed"), "Okta cannot know the key yet");
    let shown = world.shown(id).await;
    assert_eq!((&shown["auth"], &shown["status"]), (&made["auth"], &json!("Active")));
    assert_eq!(world.sync(id, "full").await["status"], "succeeded", "the token goes on working");
    world.sim("PATCH", "app", Some(json!({"jwks_uri": shown["public_key_url"]}))).await;
    let told = world.put_auth(id, world.app_auth()).await.expect(200);
    assert_eq!((&told["status"], &told["auth"]["key_source"]), (&json!("Active"), &json!("hosted")));
}

#[tokio::test]
async fn another_organization_at_the_same_domain_is_refused() {
    let world = World::start().await;
    let id = world.quiet().await;
    let before = world.shown(&id).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let config = okta_simulator::Config { seed: 77, public_url: Some(world.domain()), ..small() };
    let other = Simulator::start(config, listener).await.expect("a simulator");
    world.okta.retarget(other.url());
    let auth = json!({"type": "api_token", "token": other.credentials().api_token});
    let reply = world.put_auth(&id, json!({"auth": auth})).await;
    assert_eq!((reply.status, reply.problem()), (422, "different-org"));
    assert!(reply.body["checks"].is_array(), "{:#}", reply.body);
    assert_eq!(world.shown(&id).await, before);
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!(report["status"], "Inactive");
    assert!(!world.okta.exchanges().iter().any(|it| it.request_headers.iter().any(|(_, v)| v.starts_with("SSWS"))));
}

#[tokio::test]
async fn a_rotated_key_is_published_first_and_signs_after_the_overlap() {
    let world = World::start().await;
    let id = world.quiet().await;
    let before = world.shown(&id).await;
    let old = text(&before["auth"], "key_id").to_owned();
    let told = world.rotate(&id, "24h").await.expect(202);
    assert_eq!((&told["state"], &told["unpublished_at"]), (&json!("published"), &Value::Null));
    let after = world.shown(&id).await;
    assert_eq!(
        (&after["auth"]["key_id"], &after["version"]),
        (&json!(old), &json!(before["version"].as_u64().map(|v| v + 1)))
    );
    assert_eq!(after["keys"][0]["state"], "signing");
    assert_eq!(world.published(&after).await, [old.as_str(), text(&told, "key_id")]);
    let listed = world.api("GET", &format!("/v1/connections/{id}/keys"), None).await.expect(200);
    assert_eq!(listed, json!({"items": after["keys"], "next_cursor": null}));
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!((&report["status"], world.last_signer()), (&json!("Active"), old));
    let twice = world.rotate(&id, "24h").await;
    assert_eq!((twice.status, twice.problem()), (409, "wrong-state"));
}

#[tokio::test]
async fn a_key_rotated_without_overlap_signs_at_once_and_the_old_one_is_gone() {
    let world = World::start().await;
    let id = world.synced().await;
    let old = text(&world.shown(&id).await["auth"], "key_id").to_owned();
    let told = world.rotate(&id, "0s").await.expect(202);
    assert_eq!(told["state"], "signing");
    let after = world.shown(&id).await;
    assert_eq!(world.published(&after).await, [text(&told, "key_id")]);
    assert_ne!(text(&told, "key_id"), old);
    // The tenant fetches the keys again for one that it does not know, though at most once a second.
    world.sim("POST", "clock", Some(json!({"advance": "2s"}))).await;
    assert_eq!(world.sync(&id, "full").await["status"], "succeeded");
    assert_eq!(world.last_signer(), text(&told, "key_id"));
}

#[tokio::test]
async fn an_urgent_rotation_replaces_one_that_waits() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.rotate(&id, "7d").await.expect(202);
    let told = world.rotate(&id, "0s").await.expect(202);
    let shown = world.shown(&id).await;
    assert_eq!(world.published(&shown).await, [text(&told, "key_id")]);
    assert_eq!(shown["auth"]["key_id"], told["key_id"]);
    world.sim("POST", "clock", Some(json!({"advance": "2s"}))).await;
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!(report["status"], "Active");
}

#[tokio::test]
async fn only_hosted_keys_are_rotated_and_only_by_a_duration() {
    let world = World::start().await;
    let id = world.quiet().await;
    for overlap in ["", "24", "-1h", "1w", "36500d", "soon"] {
        assert_eq!(world.rotate(&id, overlap).await.expect(422)["errors"][0]["pointer"], "/overlap", "{overlap}");
    }
    let made = world.post_token().await.expect(201);
    let reply = world.rotate(text(&made, "id"), "24h").await;
    assert_eq!((reply.status, reply.problem()), (409, "wrong-state"));
    let jwks = world.api("GET", &format!("/v1/connections/{}/jwks.json", text(&made, "id")), None).await;
    assert_eq!((jwks.status, jwks.problem()), (404, "not-found"));
    world.finished(text(&made, "id"), text(&made, "sync_id")).await;
}

#[tokio::test]
async fn the_public_keys_are_public_cacheable_and_hold_nothing_private() {
    let world = World::start().await;
    let made = world.pending().await;
    let stranger = [("host", "connector.example.com"), ("x-forwarded-for", "203.0.113.9")];
    let reply = world.request("GET", text(&made, "public_key_url"), &stranger, None).await;
    assert_eq!(reply.headers["cache-control"], "public, max-age=300");
    assert_eq!(reply.headers["content-type"], "application/json");
    let keys = reply.expect(200);
    let members: Vec<_> = keys["keys"][0].as_object().expect("a key").keys().cloned().collect();
    assert!(members.iter().all(|it| ["alg", "e", "kid", "kty", "n", "use"].contains(&it.as_str())), "{members:?}");
    let private = world.request("GET", &format!("{}/v1/connections", world.url()), &stranger, None).await;
    assert_eq!((private.status, private.problem()), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let world = World::start().await;
    let id = text(&world.pending().await, "id").to_owned();
    let patch = json!({"name": "B", "teams": ["it"], "permissions": {"actions": ["all"]}, "paused": true,
                       "sync": {"full": null, "timezone": "Europe/Berlin"}, "attributes": {"start_date": "hired"}});
    let told = world.patch(&id, patch).await.expect(200);
    assert_eq!((&told["name"], &told["teams"], &told["paused"]), (&json!("B"), &json!(["it"]), &json!(true)));
    assert_eq!((&told["sync"]["full"], &told["sync"]["incremental"]), (&Value::Null, &json!("rate(15 minutes)")));
    assert_eq!(
        (&told["attributes"]["manager"], &told["attributes"]["start_date"]),
        (&json!("managerId"), &json!("hired"))
    );
    let nulls =
        json!({"teams": null, "permissions": null, "sync": null, "attributes": {"manager": null}, "paused": null});
    let told = world.patch(&id, nulls).await.expect(200);
    assert_eq!((&told["teams"], &told["permissions"]), (&json!([]), &json!({"actions": ["read"]})));
    assert_eq!(
        (&told["sync"], &told["attributes"]["manager"], &told["paused"]),
        (&Value::Null, &Value::Null, &json!(false))
    );
    let again = world.patch(&id, json!({"sync": {}})).await.expect(200);
    assert_eq!((&again["sync"]["full"], &again["version"]), (&json!("rate(6 hours)"), &json!(4)));
    assert_eq!(world.shown(&id).await["attributes"], again["attributes"]);
}

#[tokio::test]
async fn a_patch_that_is_wrong_anywhere_changes_nothing() {
    let world = World::start().await;
    let id = text(&world.pending().await, "id").to_owned();
    let before = world.shown(&id).await;
    for (patch, pointer) in [
        (json!({"name": "B", "domain": "x.okta.com"}), "/domain"),
        (json!({"name": "B", "auth": {}}), "/auth"),
        (json!({"name": "B", "status": "Active"}), "/status"),
        (json!({"name": null}), "/name"),
        (json!({"name": "B", "paused": "yes"}), "/paused"),
        (json!({"name": "B", "sync": {"fast": 1}}), "/sync/fast"),
        (json!({"name": "B", "teams": ["no space"]}), "/teams/0"),
        (json!(["name"]), ""),
    ] {
        let told = world.patch(&id, patch.clone()).await.expect(422);
        assert_eq!(told["errors"][0]["pointer"], pointer, "{patch}");
    }
    assert_eq!(world.shown(&id).await, before);
}

#[tokio::test]
async fn a_paused_connection_syncs_only_when_it_goes_on() {
    let world = World::start().await;
    let id = world.synced().await;
    world.patch(&id, json!({"paused": true})).await.expect(200);
    let path = format!("/v1/connections/{id}/syncs");
    let reply = world.api("POST", &path, Some(json!({"mode": "full"}))).await;
    assert_eq!((reply.status, reply.problem()), (409, "connection-paused"));
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!(report["status"], "Active", "it can still be tested");
    world.patch(&id, json!({"paused": false})).await.expect(200);
    assert_eq!(world.sync(&id, "full").await["status"], "succeeded");
}

#[tokio::test]
async fn a_stale_version_is_refused_before_anything_happens() {
    let world = World::start().await;
    let id = text(&world.pending().await, "id").to_owned();
    let path = format!("/v1/connections/{id}");
    world.patch(&id, json!({"name": "B"})).await.expect(200);
    let (change, auth) = (Some(json!({"name": "C"})), Some(world.app_auth()));
    for tag in ["\"1\"", "\"3\"", "2", "nonsense"] {
        for (method, path, body) in
            [("PATCH", path.clone(), &change), ("DELETE", path.clone(), &None), ("PUT", format!("{path}/auth"), &auth)]
        {
            let reply = world.matching(tag, method, &path, body.clone()).await;
            assert_eq!((reply.status, reply.problem()), (412, "stale-version"), "{method} {tag}");
        }
    }
    assert_eq!(world.shown(&id).await["name"], "B");
    let told = world.matching("\"2\"", "PATCH", &path, change).await;
    assert_eq!((told.status, &told.headers["etag"]), (200, &"\"3\"".parse().expect("a header")));
    assert_eq!(world.matching("\"3\"", "DELETE", &path, None).await.status, 204);
}

#[tokio::test]
async fn the_version_counts_changes_of_configuration_alone() {
    let world = World::start().await;
    let id = world.synced().await;
    let version = |shown: Value| shown["version"].as_u64().expect("a number");
    let before = version(world.shown(&id).await);
    world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    world.sync(&id, "full").await;
    let refused = json!({"auth": {"type": "api_token", "token": "00wrong"}});
    world.put_auth(&id, refused).await.expect(422);
    assert_eq!(version(world.shown(&id).await), before);
    world.put_auth(&id, world.app_auth()).await.expect(200);
    assert_eq!(version(world.shown(&id).await), before + 1);
}

#[tokio::test]
async fn a_deleted_connection_is_gone_with_its_secret() {
    let world = World::start().await;
    let id = world.synced().await;
    assert_eq!(world.secrets(), std::slice::from_ref(&id));
    let path = format!("/v1/connections/{id}");
    let reply = world.api("DELETE", &path, None).await;
    assert_eq!((reply.status, reply.body), (204, json!("")));
    assert_eq!(world.secrets(), Vec::<String>::new());
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
        let engine = Engine::start(Some(&file)).await.expect("the engine's file");
        let client = embedded_dynamodb::client(engine.endpoint());
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
