//! How a connection signs in, and other credentials in their place.

use crate::pasted::PastedKey;
use crate::world::{World, small, text};
use okta_simulator::Simulator;
use serde_json::{Value, json};
use tokio::net::TcpListener;

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
    for (path, body) in
        [("actions/user.search", json!({"q": "a"})), ("syncs", json!({})), ("triggers", json!({"type": "new_events"}))]
    {
        let refused = world.api("POST", &format!("/v1/connections/{id}/{path}"), Some(body)).await;
        assert_eq!(refused.problem(), "connection-not-ready", "{path}: {:#}", refused.body);
    }
    world.okta.retarget(world.simulator.url());
    let report = world.api("POST", &format!("/v1/connections/{id}/test"), None).await.expect(200);
    assert_eq!(report["status"], "Active", "its own organization is back");
    assert!(!world.okta.exchanges().iter().any(|it| it.request_headers.iter().any(|(_, v)| v.starts_with("SSWS"))));
}
