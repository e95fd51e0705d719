//! The web app: signing a user in, codes, refresh tokens, and taking them back.

use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};
use serde_json::json;

use crate::world::{App, Seen, World};

const BACK: &str = "https://connector.example/v1/oauth/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const SCOPE: &str = "openid offline_access okta.users.read";

/// A tenant whose web app may send users back.
async fn world() -> World {
    let world = World::small().await;
    world.door(Method::PATCH, "/app", json!({"redirect_uris": [BACK], "dpop": "optional"})).await;
    world
}

/// Goes to the authorize endpoint; some parameters are other ones, an empty one is left out.
async fn authorize(world: &World, other: &[(&str, &str)]) -> Seen {
    let client = world.okta.credentials().web_client_id.clone();
    let mut query = vec![
        ("client_id", client.as_str()),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", SCOPE),
        ("state", "s&1"),
        ("nonce", "n1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in other {
        query.retain(|pair| pair.0 != *name);
        query.push((name, value));
    }
    query.retain(|pair| !pair.1.is_empty());
    let url = Url::parse_with_params(&format!("{}/oauth2/v1/authorize", world.okta.url()), query).expect("a URL");
    let http = Client::builder().redirect(Policy::none()).build().expect("a client");
    Seen::of(http.get(url)).await
}

/// A parameter that the browser is sent back with.
fn sent_back(seen: &Seen, name: &str) -> Option<String> {
    let url = Url::parse(seen.header("location")).ok()?;
    url.query_pairs().find(|pair| pair.0 == name).map(|pair| pair.1.into_owned())
}

async fn code(world: &World) -> String {
    sent_back(&authorize(world, &[]).await, "code").expect("a code")
}

/// Asks the token endpoint as the web app.
async fn ask(world: &World, form: &[(&str, &str)]) -> Seen {
    let ids = world.okta.credentials();
    let request = world.request(Method::POST, "/oauth2/v1/token").form(form);
    Seen::of(request.basic_auth(&ids.web_client_id, Some(&ids.client_secret))).await
}

async fn exchange(world: &World, code: &str) -> Seen {
    let form =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK), ("code_verifier", VERIFIER)];
    ask(world, &form).await
}

async fn refresh(world: &World, token: &str) -> Seen {
    ask(world, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

fn text(seen: &Seen, name: &str) -> String {
    seen.body[name].as_str().unwrap_or_default().to_owned()
}

async fn users(world: &World, token: &str) -> Seen {
    Seen::of(world.request(Method::GET, "/api/v1/users?limit=1").bearer_auth(token)).await
}

#[tokio::test]
async fn a_user_signs_in_and_calls_with_the_role_of_this_moment() {
    let world = world().await;
    let back = authorize(&world, &[]).await;
    assert_eq!((back.status, sent_back(&back, "state").as_deref()), (302, Some("s&1")));
    let granted = exchange(&world, &sent_back(&back, "code").unwrap_or_default()).await;
    assert_eq!((granted.status, granted.body["scope"].as_str()), (200, Some(SCOPE)), "{granted:?}");
    assert_eq!(text(&granted, "id_token").split('.').count(), 3);
    let token = text(&granted, "access_token");
    let me = Seen::of(world.request(Method::GET, "/api/v1/users/me").bearer_auth(&token)).await;
    assert_eq!(me.body["id"], world.get("/api/v1/users/me").await.body["id"]);
    assert_eq!(users(&world, &token).await.items().len(), 1);
    world.door(Method::PATCH, "/app", json!({"web_role": null})).await;
    assert_eq!(users(&world, &token).await.items().len(), 0);
}

#[tokio::test]
async fn an_unknown_client_or_redirect_is_a_page_and_every_other_fault_is_sent_back() {
    let world = world().await;
    for fault in [("client_id", "0oax"), ("redirect_uri", "https://evil.example/"), ("redirect_uri", "")] {
        let seen = authorize(&world, &[fault]).await;
        assert_eq!((seen.status, seen.header("location")), (400, ""), "{fault:?}");
    }
    let cases = [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_mode", "fragment"), "invalid_request"),
        (("state", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("scope", "openid okta.policies.read"), "invalid_scope"),
        (("scope", ""), "invalid_scope"),
    ];
    for (fault, error) in cases {
        let seen = authorize(&world, &[fault]).await;
        assert_eq!(sent_back(&seen, "error").as_deref(), Some(error), "{fault:?}");
        assert_eq!((seen.status, sent_back(&seen, "code")), (302, None), "{fault:?}");
    }
}

#[tokio::test]
async fn a_code_is_good_once_for_five_minutes_and_with_its_verifier() {
    let world = world().await;
    let used = code(&world).await;
    assert_eq!(exchange(&world, &used).await.status, 200);
    assert_eq!(exchange(&world, &used).await.body["error"], "invalid_grant");
    let wrong = code(&world).await;
    let form = [("grant_type", "authorization_code"), ("code", &wrong), ("redirect_uri", BACK)];
    assert_eq!(ask(&world, &form).await.body["error_description"], "PKCE verification failed.");
    let old = code(&world).await;
    world.advance("300s").await;
    assert_eq!(exchange(&world, &old).await.body["error"], "invalid_grant");
}

#[tokio::test]
async fn the_web_app_shows_its_secret_in_one_way() {
    let world = world().await;
    let ids = world.okta.credentials();
    let form = |secret| {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", "unknown")];
        [grant[0], grant[1], ("client_id", ids.web_client_id.as_str()), ("client_secret", secret)]
    };
    let both = ask(&world, &form(&ids.client_secret)).await;
    assert_eq!((both.status, both.body["error"].as_str()), (400, Some("invalid_request")));
    for (secret, status, error) in [(ids.client_secret.as_str(), 400, "invalid_grant"), ("x", 401, "invalid_client")] {
        let seen = Seen::of(world.request(Method::POST, "/oauth2/v1/token").form(&form(secret))).await;
        assert_eq!((seen.status, seen.body["error"].as_str()), (status, Some(error)));
    }
}

#[tokio::test]
async fn a_rotated_token_works_a_little_longer_and_its_late_use_ends_the_sign_in() {
    let world = world().await;
    let first = text(&exchange(&world, &code(&world).await).await, "refresh_token");
    let next = refresh(&world, &first).await;
    assert_eq!(next.status, 200);
    world.advance("29s").await;
    assert_eq!(refresh(&world, &first).await.status, 200);
    assert_eq!(users(&world, &text(&next, "access_token")).await.status, 200);
    world.advance("2s").await;
    let late = refresh(&world, &first).await;
    assert_eq!((late.status, late.body["error"].as_str()), (400, Some("invalid_grant")));
    assert_eq!(refresh(&world, &text(&next, "refresh_token")).await.status, 400);
    assert_eq!(users(&world, &text(&next, "access_token")).await.status, 401);
    let stats = world.door(Method::GET, "/stats", json!({})).await;
    assert_eq!((&stats["refreshes"], &stats["reuse_detected"]), (&json!([3, 1, 0]), &json!(1)));
}

#[tokio::test]
async fn a_static_token_is_not_replaced_and_expires_ninety_days_after_the_sign_in() {
    let world = world().await;
    world.door(Method::PATCH, "/app", json!({"refresh_rotation": "static"})).await;
    let token = text(&exchange(&world, &code(&world).await).await, "refresh_token");
    world.advance("80d").await;
    let again = refresh(&world, &token).await;
    assert_eq!((again.status, &again.body["refresh_token"]), (200, &json!(token)));
    world.advance("10d").await;
    assert_eq!(refresh(&world, &token).await.body["error_description"], "The refresh token is invalid or expired.");
}

#[tokio::test]
async fn a_token_taken_back_is_worth_nothing_and_nobody_minds_an_unknown_one() {
    let world = world().await;
    let granted = exchange(&world, &code(&world).await).await;
    let ids = world.okta.credentials();
    let revoke = |token: String, secret: &str| {
        let request = world.request(Method::POST, "/oauth2/v1/revoke").form(&[("token", token)]);
        Seen::of(request.basic_auth(&ids.web_client_id, Some(secret)))
    };
    let refresh_token = text(&granted, "refresh_token");
    assert_eq!(revoke(refresh_token.clone(), "wrong").await.status, 401);
    assert_eq!(users(&world, &text(&granted, "access_token")).await.status, 200);
    assert_eq!(revoke("unknown".into(), &ids.client_secret).await.status, 200);
    assert_eq!(revoke(refresh_token.clone(), &ids.client_secret).await.status, 200);
    assert_eq!(refresh(&world, &refresh_token).await.status, 400);
    assert_eq!(users(&world, &text(&granted, "access_token")).await.status, 401);
}

#[tokio::test]
async fn a_code_survives_the_request_for_a_nonce_and_the_token_is_bound() {
    let world = world().await;
    let (app, code) = (App::new(&world, "required").await, code(&world).await);
    let ids = world.okta.credentials();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    let ask = |proof: String| {
        let request = world.request(Method::POST, "/oauth2/v1/token").form(&form).header("dpop", proof);
        Seen::of(request.basic_auth(&ids.web_client_id, Some(&ids.client_secret)))
    };
    let first = ask(app.proof("POST", "/oauth2/v1/token", json!({})).await).await;
    assert_eq!(first.body["error"], "use_dpop_nonce");
    let nonce = json!({ "nonce": first.header("dpop-nonce") });
    let granted = ask(app.proof("POST", "/oauth2/v1/token", nonce).await).await;
    assert_eq!(granted.body["token_type"], "DPoP", "{granted:?}");
    let token = text(&granted, "access_token");
    assert_eq!(app.get(&token, "/api/v1/users?limit=1").await.items().len(), 1);
    assert_eq!(users(&world, &token).await.status, 400);
}

#[tokio::test]
async fn the_log_names_the_user_who_signed_in() {
    let world = world().await;
    let (scope, login) = ("okta.groups.manage", "/api/v1/users/me");
    let back = authorize(&world, &[("scope", scope)]).await;
    let token = text(&exchange(&world, &sent_back(&back, "code").unwrap_or_default()).await, "access_token");
    let body = json!({"profile": {"name": "By hand"}});
    let made = Seen::of(world.request(Method::POST, "/api/v1/groups").bearer_auth(&token).json(&body)).await;
    assert_eq!(made.status, 200, "{made:?}");
    let log = world.get("/api/v1/logs?filter=eventType%20eq%20%22group.lifecycle.create%22").await;
    assert_eq!(log.items()[0]["actor"]["id"], world.get(login).await.body["id"]);
}

#[tokio::test]
async fn universal_logout_takes_every_token_of_the_user_back() {
    let world = world().await;
    let first = exchange(&world, &code(&world).await).await;
    let unused = code(&world).await;
    let token = text(&first, "access_token");
    let user = Seen::of(world.request(Method::GET, "/api/v1/users/me").bearer_auth(&token)).await;
    let body = json!({ "sub_id": { "format": "opaque", "id": user.body["id"] } });
    let revoked = world.call(Method::POST, "/oauth2/v1/global-token-revocation", Some(body)).await;
    assert_eq!(revoked.status, 204, "{revoked:?}");
    assert_eq!(users(&world, &token).await.status, 401);
    assert_eq!(refresh(&world, &text(&first, "refresh_token")).await.body["error"], "invalid_grant");
    assert_eq!(exchange(&world, &unused).await.body["error"], "invalid_grant");
}
