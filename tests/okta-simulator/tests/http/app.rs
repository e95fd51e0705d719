//! The service app: assertions, keys, proofs, scopes and roles.

use okta_simulator::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{App, KeyPage, Seen, Signer, World};

const USERS: &str = "/api/v1/users?limit=1";

fn description(seen: &Seen) -> &str {
    seen.body["error_description"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_proof_without_a_nonce_is_asked_for_one_and_the_token_is_bound() {
    let world = World::small().await;
    let app = App::new(&world, "required").await;
    let claims = app.claims().await;
    let without = app.ask(&app.assertion(&claims), "okta.users.read", None).await;
    assert_eq!((without.status, without.body["error"].as_str()), (400, Some("invalid_dpop_proof")));
    assert_eq!(description(&without), "The DPoP proof JWT header is missing.");
    assert!(!without.headers.contains_key("dpop-nonce"));
    let reused = app.ask(&app.assertion(&claims), "okta.users.read", None).await;
    assert_eq!(description(&reused), "The client_assertion token has already been used.");

    let granted = app.token("okta.users.read okta.groups.read").await;
    assert_eq!((granted.status, granted.body["token_type"].as_str()), (200, Some("DPoP")), "{granted:?}");
    assert_eq!(granted.body["scope"], "okta.users.read okta.groups.read");
    assert!(!granted.header("dpop-nonce").is_empty());
    let token = granted.body["access_token"].as_str().unwrap_or_default();
    assert_eq!(app.get(token, USERS).await.items().len(), 1);
    let bearer = app.bearer(token, USERS).await;
    assert_eq!(bearer.status, 400);
    assert!(bearer.header("www-authenticate").contains(r#"error="invalid_request""#));
}

#[tokio::test]
async fn a_proof_is_good_once_even_if_the_answer_was_429() {
    let world = World::small().await;
    let app = App::new(&world, "required").await;
    let granted = app.token("okta.users.read").await;
    let token = granted.body["access_token"].as_str().unwrap_or_default();
    world.fault(json!({"fault": "rate_limit", "times": 1, "path": "/api/v1/users"})).await;
    let proof = app.bound(token, "GET", USERS).await;
    let limited = app.show(token, USERS, &proof).await;
    assert_eq!((limited.status, limited.code()), (429, "E0000047"));
    assert!(!limited.headers.contains_key("retry-after"));
    let again = app.show(token, USERS, &proof).await;
    assert_eq!(again.status, 400);
    let challenge = again.header("www-authenticate");
    assert!(challenge.starts_with(r#"DPoP algs="RS256 RS384 RS512 ES256 ES384 ES512""#), "{challenge}");
    assert!(challenge.contains("has already been used") && challenge.contains(r#"resource="/api/v1/users""#));
    let other = app.bound(token, "POST", USERS).await;
    assert!(app.show(token, USERS, &other).await.header("www-authenticate").contains("'htm'"));
}

#[tokio::test]
async fn an_assertion_that_breaks_a_rule_is_told_which() {
    let world = World::small().await;
    let app = App::new(&world, "off").await;
    let good = app.claims().await;
    let now = good["iat"].as_i64().unwrap_or_default();
    let cases: [(&str, Value, &str); 8] = [
        ("iss", json!("x"), "issuer claim"),
        ("sub", json!("x"), "subject claim"),
        ("aud", json!("http://x/oauth2/v1/token"), "audience claim"),
        ("exp", json!(now + 7200), "too far into the future"),
        ("exp", json!(now - 1), "is expired"),
        ("exp", json!("soon"), "'exp' claim"),
        ("iat", json!(now + 60), "issued before the current time"),
        ("jti", json!("once"), ""),
    ];
    for (name, value, text) in cases {
        let mut claims = good.clone();
        claims[name] = value;
        let seen = app.ask(&app.assertion(&claims), "okta.users.read", None).await;
        assert_eq!(seen.status, if text.is_empty() { 200 } else { 401 }, "{name} {seen:?}");
        assert!(description(&seen).contains(text), "{name} {seen:?}");
    }
    let stranger = Signer::new().sign(&json!({"alg": "ES256", "kid": "one"}), &good);
    assert!(description(&app.ask(&stranger, "okta.users.read", None).await).contains("signature"));
    let unknown = app.key.sign(&json!({"alg": "ES256", "kid": "two"}), &good);
    let unknown = app.ask(&unknown, "okta.users.read", None).await;
    assert_eq!(description(&unknown), "The client_assertion JWT kid is invalid.");
}

#[tokio::test]
async fn a_rotated_key_is_fetched_when_it_is_first_used() {
    let world = World::small().await;
    let mut app = App::new(&world, "off").await;
    let page = KeyPage::new(json!({"keys": [app.key.published("one")]})).await;
    world.door(Method::PATCH, "/app", json!({"jwks_uri": page.url})).await;
    for _ in 0..3 {
        assert_eq!(app.token("okta.users.read").await.status, 200);
    }
    assert_eq!(page.reads(), 1);
    let old = std::mem::replace(&mut app.key, Signer::new());
    app.kid = "two";
    page.publish(json!({"keys": [old.published("one"), app.key.published("two")]}));
    world.advance("2s").await;
    world.fault(json!({"fault": "jwks_stale", "times": 1})).await;
    assert_eq!(app.token("okta.users.read").await.status, 401);
    assert_eq!(app.token("okta.users.read").await.status, 200);
    assert_eq!(page.reads(), 2);
    world.fault(json!({"fault": "key_revoked", "times": 1})).await;
    assert_eq!(description(&app.token("okta.users.read").await), "The client_assertion JWT kid is invalid.");
    world.door(Method::PATCH, "/app", json!({"jwks_uri": "http://127.0.0.1:1/none"})).await;
    assert!(description(&app.token("okta.users.read").await).starts_with("Error retrieving"));
}

#[tokio::test]
async fn scopes_are_what_was_granted_and_reach_as_far_as_their_names_say() {
    let world = World::small().await;
    let app = App::new(&world, "optional").await;
    let refused = app.token("okta.users.read okta.policies.read").await;
    assert_eq!((refused.status, refused.body["error"].as_str()), (400, Some("invalid_scope")));
    assert_eq!(app.token("").await.body["error_description"], "No scopes were requested.");
    world.fault(json!({"fault": "ungranted_scopes", "mode": "drop", "times": 1})).await;
    let dropped = app.ask(&app.assertion(&app.claims().await), "okta.users.read okta.policies.read", None).await;
    assert_eq!((dropped.status, dropped.body["scope"].as_str()), (200, Some("okta.users.read")));
    assert_eq!(dropped.body["token_type"], "Bearer");
    let managing = app.ask(&app.assertion(&app.claims().await), "okta.users.manage", None).await;
    let token = managing.body["access_token"].as_str().unwrap_or_default();
    assert_eq!(app.bearer(token, USERS).await.status, 200);
    let groups = app.bearer(token, "/api/v1/groups").await;
    assert_eq!(groups.status, 403);
    let challenge = groups.header("www-authenticate");
    assert!(challenge.contains(r#"scope="okta.groups.read", error="insufficient_scope""#), "{challenge}");
}

#[tokio::test]
async fn without_a_role_lists_are_empty_and_everything_else_is_forbidden() {
    let world = World::small().await;
    let app = App::new(&world, "off").await;
    let granted = app.ask(&app.assertion(&app.claims().await), "okta.users.read okta.schemas.read", None).await;
    let token = granted.body["access_token"].as_str().unwrap_or_default();
    let someone = world.get(USERS).await.ids().remove(0);
    world.door(Method::PATCH, "/app", json!({"role": null})).await;
    let empty = app.bearer(token, USERS).await;
    assert_eq!((empty.status, empty.items().len(), empty.next()), (200, 0, None));
    let one = app.bearer(token, &format!("/api/v1/users/{someone}")).await;
    assert_eq!((one.status, one.code()), (403, "E0000006"));
    world.door(Method::PATCH, "/app", json!({"role": "READ_ONLY_ADMIN"})).await;
    assert_eq!(app.bearer(token, USERS).await.items().len(), 1);
    assert_eq!(app.bearer(token, "/api/v1/meta/schemas/user/default").await.code(), "E0000006");
    world.door(Method::PATCH, "/app", json!({"role": "APP_ADMIN"})).await;
    assert_eq!(app.bearer(token, "/api/v1/meta/schemas/user/default").await.status, 200);
}

#[tokio::test]
async fn tokens_expire_by_the_tenants_clock_and_can_be_revoked() {
    let world = World::new(Config { users: 20, ..Config::default() }).await;
    let app = App::new(&world, "off").await;
    let granted = app.ask(&app.assertion(&app.claims().await), "okta.users.read", None).await;
    let token = granted.body["access_token"].as_str().unwrap_or_default();
    world.advance("61m").await;
    let expired = app.bearer(token, USERS).await;
    assert_eq!((expired.status, &expired.body), (401, &Value::Null));
    assert!(expired.header("www-authenticate").contains("The token has expired."));
    assert_eq!(Seen::of(world.request(Method::GET, USERS)).await.code(), "E0000005");
    world.door(Method::PATCH, "/app", json!({"api_token_active": false})).await;
    let revoked = world.get(USERS).await;
    assert_eq!((revoked.status, revoked.code()), (401, "E0000011"));
    assert!(!revoked.header("x-rate-limit-reset").is_empty());
}

#[tokio::test]
async fn a_skewed_server_refuses_assertions_of_an_honest_clock() {
    let world = World::new(Config { users: 20, ..Config::default() }).await;
    let app = App::new(&world, "off").await;
    world.fault(json!({"fault": "skew", "seconds": -300})).await;
    let seen = app.token("okta.users.read").await;
    assert!(description(&seen).contains("issued before the current time"), "{seen:?}");
}
