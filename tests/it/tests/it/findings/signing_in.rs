//! Credentials that Okta does not take.

use super::{check, found, json_answer, refusal};
use crate::pasted::PastedKey;
use crate::world::{World, small, text};
use okta_simulator::Dpop;
use serde_json::json;

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
    world.sim("PATCH", "app", Some(json!({"api_token_active": true}))).await;
    world.okta.record(false);
    world.fault(json!({"fault": "status", "status": 403, "error_code": "E0000005", "path": "/api/v1"})).await;
    let report = world.test(text(&created, "id")).await;
    found(&report, "connection", "failed", "token_revoked");
    assert_eq!(check(&report, "connection")["okta_error_code"], "E0000005");
}

#[tokio::test]
async fn a_refused_token_comes_with_what_to_do_about_its_cause() {
    let world = World::start().await;
    let id = world.quiet().await;
    world.okta.record(false);
    for (error, description, finding, fix) in [
        (
            "access_denied",
            "The request is made from outside the client's permitted network zones.",
            "access_denied",
            "Security > Networks",
        ),
        (
            "access_denied",
            "Policy evaluation failed for this request, please check the policy configurations.",
            "access_denied",
            "which policy",
        ),
        (
            "unauthorized_client",
            "The client is not authorized to use the provided grant type. Configured grant types: [en].",
            "invalid_client",
            "Grant type",
        ),
        (
            "invalid_client",
            "The client_assertion token has already been used.",
            "invalid_client",
            "same signed assertion",
        ),
        (
            "invalid_client",
            "The audience claim for client_assertion must be the endpoint invoked for the request.",
            "invalid_client",
            "organization's own host",
        ),
        ("server_error", "The authorization server encountered an error.", "okta_unavailable", "status.okta.com"),
    ] {
        world.fault(json!({"fault": "token_error", "error": error, "description": description})).await;
        let report = world.test(&id).await;
        found(&report, "connection", "failed", finding);
        let shown = text(check(&report, "connection"), "fix");
        assert!(shown.contains(fix), "{description}: {shown}");
        world.sim("DELETE", "faults", None).await;
    }
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
