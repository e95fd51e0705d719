//! Signing in and proving possession, against a simulated tenant that holds the client to Okta's rules.

use crate::direct::{Direct, answer, header, jwt, patience, proof};
use futures::future::join_all;
use it::proxy::Exchange;
use okta_connector::okta::{Credential, Error, User, api};
use okta_simulator::Dpop;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A field of a token request's form.
fn field(exchange: &Exchange, name: &str) -> String {
    let mut fields = url::form_urlencoded::parse(&exchange.request_body);
    fields.find(|(have, _)| have == name).map(|(_, value)| value.into_owned()).expect("a field")
}

/// An answer to a request whose token is no longer good.
fn expired() -> it::proxy::Answer {
    let challenge =
        "DPoP realm=\"http://acme.okta.com\", error=\"invalid_token\", error_description=\"The token has expired.\"";
    answer(401, &[("www-authenticate", challenge)], "")
}

#[tokio::test]
async fn a_tenant_that_requires_dpop_is_asked_twice_for_a_token_and_once_for_everything_else() {
    let (direct, _tenant, app) = Direct::tenant(Dpop::Required).await;
    direct.client(app).page::<User>(&api::list_users()).await.expect("users");
    let sent = direct.okta.exchanges();
    assert_eq!(sent.iter().map(|exchange| exchange.status).collect::<Vec<_>>(), [400, 200, 200]);
    let challenge = header(&sent[0].response_headers, "dpop-nonce").expect("a nonce");
    let claims: Vec<_> = sent.iter().map(|exchange| jwt(proof(exchange), 1)).collect();
    assert_eq!(
        [&claims[0]["nonce"], &claims[1]["nonce"], &claims[2]["nonce"]],
        [&Value::Null, &json!(challenge), &Value::Null]
    );
    let token = format!("{}/oauth2/v1/token", direct.okta.url());
    assert_eq!(
        [&claims[1]["htm"], &claims[1]["htu"], &claims[1]["ath"]],
        [&json!("POST"), &json!(token), &Value::Null]
    );
    let users = format!("{}/api/v1/users", direct.okta.url());
    assert_eq!([&claims[2]["htm"], &claims[2]["htu"]], [&json!("GET"), &json!(users)]);
    assert!(claims[2]["ath"].is_string(), "the proof is about this token");
    assert!(header(&sent[2].request_headers, "authorization").expect("one").starts_with("DPoP "));
    direct.judge();
}

#[tokio::test]
async fn a_proof_is_offered_where_dpop_is_optional_and_a_bearer_token_is_taken_where_it_is_off() {
    for (dpop, scheme, requests) in [(Dpop::Optional, "DPoP ", 2..=3), (Dpop::Off, "Bearer ", 2..=2)] {
        let (direct, _tenant, app) = Direct::tenant(dpop).await;
        let client = direct.client(app);
        client.page::<User>(&api::list_users()).await.expect("users");
        let sent = direct.okta.exchanges();
        assert!(requests.contains(&sent.len()), "{dpop:?}: {}", sent.len());
        assert!(header(&sent[0].request_headers, "dpop").is_some(), "{dpop:?}");
        let last = &sent[sent.len() - 1].request_headers;
        assert!(header(last, "authorization").expect("one").starts_with(scheme), "{dpop:?}");
        assert_eq!(header(last, "dpop").is_some(), scheme == "DPoP ", "{dpop:?}");
        direct.judge();
    }
}

#[tokio::test]
async fn every_attempt_has_a_new_proof_and_every_token_request_a_new_assertion() {
    let (direct, _tenant, app) = Direct::tenant(Dpop::Required).await;
    let client = direct.client(app);
    for _ in 0..3 {
        client.page::<User>(&api::list_users()).await.expect("users");
        client.ask(&BTreeSet::from(["okta.users.read".to_owned()])).await.expect("a token");
    }
    let sent = direct.okta.exchanges();
    let proofs: BTreeSet<_> = sent.iter().map(|exchange| jwt(proof(exchange), 1)["jti"].to_string()).collect();
    assert_eq!((sent.len(), proofs.len()), (8, 8));
    let asked = direct.sent("/oauth2/v1/token");
    let assertions: Vec<_> = asked.iter().map(|exchange| field(exchange, "client_assertion")).collect();
    let ids: BTreeSet<_> = assertions.iter().map(|assertion| jwt(assertion, 1)["jti"].to_string()).collect();
    assert_eq!((assertions.len(), ids.len()), (5, 5));
    for assertion in &assertions {
        let (head, claims) = (jwt(assertion, 0), jwt(assertion, 1));
        assert_eq!(claims["aud"], format!("{}/oauth2/v1/token", direct.okta.url()));
        assert!(head["kid"].is_string() && claims["iss"] == claims["sub"]);
        let life = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
        assert!(life.is_some_and(|seconds| seconds <= 600), "{life:?}");
    }
}

#[tokio::test]
async fn many_requests_at_once_share_one_token() {
    let (direct, _tenant, app) = Direct::tenant(Dpop::Required).await;
    let clients: Vec<_> = (0..12).map(|_| direct.client(app.clone())).collect();
    let list = api::list_users();
    let pages = join_all(clients.iter().map(|client| client.page::<User>(&list))).await;
    assert!(pages.iter().all(Result::is_ok));
    assert_eq!(direct.sent("/oauth2/v1/token").len(), 2, "a challenge and one token");
    assert_eq!(direct.sent("/api/v1/users").len(), 12);
}

#[tokio::test]
async fn a_token_that_has_ended_early_is_replaced_once_and_the_request_is_sent_again() {
    let (direct, _tenant, app) = Direct::tenant(Dpop::Required).await;
    let client = direct.client(app);
    direct.first_of("/api/", [expired()]);
    client.page::<User>(&api::list_users()).await.expect("users");
    let statuses: Vec<_> = direct.okta.exchanges().iter().map(|exchange| exchange.status).collect();
    assert_eq!(statuses, [400, 200, 401, 200, 200]);
    direct.first_of("/api/", [expired(), expired()]);
    let refused = client.page::<User>(&api::list_users()).await.err();
    assert!(matches!(&refused, Some(Error::Api(refusal)) if refusal.challenge.as_deref() == Some("invalid_token")));
    assert_eq!(client.tokens(), 3, "one new token a request, and no more");
}

#[tokio::test]
async fn many_requests_whose_token_has_ended_share_one_new_token() {
    let (direct, _tenant, app) = Direct::tenant(Dpop::Required).await;
    let client = direct.client(app);
    client.page::<User>(&api::list_users()).await.expect("users");
    let old = header(&direct.sent("/api/")[0].request_headers, "authorization").map(str::to_owned);
    direct.okta.intercept(move |asked| {
        let same = header(&asked.request_headers, "authorization").map(str::to_owned) == old;
        (asked.path.starts_with("/api/") && same).then(expired)
    });
    let list = api::list_users();
    let pages = join_all((0..12).map(|_| client.page::<User>(&list))).await;
    assert!(pages.iter().all(Result::is_ok));
    assert_eq!(client.tokens(), 2);
}

#[tokio::test]
async fn a_proof_burnt_by_a_failure_is_not_sent_again() {
    let (direct, tenant, app) = Direct::tenant(Dpop::Required).await;
    let fault = json!({"fault": "status", "status": 503, "path": "/api/v1/users", "times": 1});
    crate::direct::operate(&tenant, "POST", "faults", fault).await;
    let client = direct.client(app);
    client.page::<User>(&api::list_users()).await.expect("users");
    let sent = direct.sent("/api/v1/users");
    assert_eq!(sent.iter().map(|exchange| exchange.status).collect::<Vec<_>>(), [503, 200]);
    assert_ne!(proof(&sent[0]), proof(&sent[1]));
}

#[tokio::test]
async fn a_refused_token_names_the_key_that_signed() {
    let (direct, _tenant, app) = Direct::tenant(Dpop::Required).await;
    let Credential::PrivateKeyJwt(known, scopes) = app else { panic!("it signs") };
    let stranger = crate::direct::stranger(&known.client_id);
    let key_id = stranger.key_id.clone();
    let client = direct.patient(Credential::PrivateKeyJwt(stranger, scopes), patience());
    let Err(Error::Token(refusal)) = client.token().await else { panic!("a refusal") };
    assert_eq!((refusal.error.as_str(), refusal.key_id), ("invalid_client", key_id));
    assert!(refusal.request_id.is_some() && direct.sent("/api/").is_empty());
}

#[tokio::test]
async fn a_token_endpoint_that_only_ever_wants_another_nonce_is_asked_three_times() {
    let challenge = |_: &Exchange| answer(400, &[("dpop-nonce", "n")], "{\"error\":\"use_dpop_nonce\"}");
    let direct = Direct::answering(challenge).await;
    let app =
        Credential::PrivateKeyJwt(crate::direct::identity("0oa1"), BTreeSet::from(["okta.users.read".to_owned()]));
    let refused = direct.client(app).token().await.err();
    assert!(matches!(refused, Some(Error::Token(refusal)) if refusal.error == "use_dpop_nonce"));
    assert_eq!(direct.okta.calls(), 3);
}

#[tokio::test]
async fn a_token_endpoint_that_wants_a_nonce_and_gives_none_is_asked_once() {
    let direct = Direct::answering(|_| answer(400, &[], "{\"error\":\"use_dpop_nonce\"}")).await;
    let scopes = BTreeSet::from(["okta.users.read".to_owned()]);
    let app = Credential::PrivateKeyJwt(crate::direct::identity("0oa1"), scopes);
    let refused = direct.client(app).token().await.err();
    assert!(matches!(refused, Some(Error::Token(refusal)) if refusal.error == "use_dpop_nonce"));
    assert_eq!(direct.okta.calls(), 1);
}

#[tokio::test]
async fn nobody_waits_longer_than_there_is_time_while_another_fetches_the_token() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("bound"));
    let (transport, origin) = crate::direct::towards(&url, std::sync::Arc::new(okta_connector::clock::SystemClock));
    let scopes = BTreeSet::from(["okta.users.read".to_owned()]);
    let app = Credential::PrivateKeyJwt(crate::direct::identity("0oa1"), scopes);
    let fetching =
        okta_connector::okta::Client::new(&transport, origin.clone(), app.clone(), Some("conn_1"), patience());
    let second = std::time::Duration::from_millis(50);
    let hurried = okta_connector::okta::Patience::foreground(second, second);
    let waiting = okta_connector::okta::Client::new(&transport, origin, app, Some("conn_1"), hurried);
    tokio::select! {
        biased;
        _ = fetching.token() => panic!("nobody answers"),
        token = waiting.token() => assert!(matches!(token, Err(Error::Timeout))),
    }
    assert_eq!(waiting.requests(), 0);
}
