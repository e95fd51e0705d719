//! How users sign in: factors, sessions, forgotten passwords, and what the operator arranges of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

/// A new user, arranged so.
async fn arranged(world: &World, arrangement: Value) -> String {
    let id = world.hire("zara@acme.example").await;
    world.door(Method::POST, &format!("/users/{id}"), arrangement).await;
    id
}

async fn seen(world: &World, id: &str) -> Value {
    world.door(Method::GET, &format!("/users/{id}"), json!({})).await
}

#[tokio::test]
async fn removing_a_push_factor_removes_all_of_okta_verify() {
    let world = World::small().await;
    let kinds = ["sms", "token:software:totp", "push", "webauthn"];
    let id = arranged(&world, json!({ "factors": kinds })).await;
    let factors = format!("/api/v1/users/{id}/factors");
    let listed = world.get(&factors).await;
    assert_eq!(listed.items().iter().map(|factor| factor["factorType"].clone()).collect::<Vec<_>>(), kinds);
    let push = format!("{factors}/{}", listed.ids()[2]);
    assert_eq!(world.get(&push).await.body, listed.items()[2]);
    assert_eq!(world.call(Method::DELETE, &push, None).await.status, 204);
    let left = world.get(&factors).await;
    assert_eq!(left.ids(), [listed.ids()[0].clone(), listed.ids()[3].clone()]);
    let gone = world.call(Method::DELETE, &push, None).await;
    assert!(gone.status == 404 && gone.body["errorSummary"].to_string().contains("(UserFactor)"), "{gone:?}");
    let told = world.get(&format!("/api/v1/logs?filter=target.id+eq+%22{id}%22+and+eventType+co+%22mfa%22")).await;
    assert_eq!(told.items().iter().filter(|event| event["eventType"] == "user.mfa.factor.deactivate").count(), 2);
}

#[tokio::test]
async fn resetting_factors_removes_all_and_succeeds_without_any() {
    let world = World::small().await;
    let id = arranged(&world, json!({ "factors": ["email", "sms"] })).await;
    for _ in 0..2 {
        let reset = world.post(&format!("/api/v1/users/{id}/lifecycle/reset_factors")).await;
        assert_eq!((reset.status, &reset.body), (200, &json!({})));
        assert_eq!(world.get(&format!("/api/v1/users/{id}/factors")).await.body, json!([]));
    }
}

#[tokio::test]
async fn a_tenant_is_founded_with_factors_of_many_kinds() {
    let world = World::small().await;
    let mut kinds = std::collections::BTreeSet::new();
    for id in world.get("/api/v1/users?limit=60").await.ids() {
        let factors = world.get(&format!("/api/v1/users/{id}/factors")).await;
        assert!(factors.items().len() <= 3);
        kinds.extend(factors.items().iter().map(|factor| factor["factorType"].to_string()));
    }
    assert_eq!(kinds.len(), 6, "{kinds:?}");
}

#[tokio::test]
async fn sessions_factors_and_recovery_are_reached_by_id_only() {
    let world = World::small().await;
    let id = world.hire("zara@acme.example").await;
    for (method, rest, wanted) in [
        (Method::GET, "factors", 200),
        (Method::DELETE, "sessions?oauthTokens=true&forgetDevices=true", 204),
        (Method::POST, "credentials/forgot_password?sendEmail=false", 200),
    ] {
        let (by_id, by_login) =
            (format!("/api/v1/users/{id}/{rest}"), format!("/api/v1/users/zara%40acme.example/{rest}"));
        assert_eq!(world.call(method.clone(), &by_id, None).await.status, wanted, "{rest}");
        assert_eq!(world.call(method, &by_login, None).await.status, 404, "{rest}");
    }
}

#[tokio::test]
async fn sessions_end_when_they_are_revoked_and_only_then() {
    let world = World::small().await;
    let id = arranged(&world, json!({ "sessions": 2 })).await;
    let resume = format!("/api/v1/logs?filter=eventType+eq+%22user.session.clear%22+and+target.id+eq+%22{id}%22");
    let user = format!("/api/v1/users/{id}");
    for (method, path, left) in [
        (Method::POST, "lifecycle/expire_password_with_temp_password", 2),
        (Method::POST, "lifecycle/reset_password?sendEmail=true", 2),
        (Method::POST, "lifecycle/expire_password_with_temp_password?revokeSessions=true", 0),
        (Method::POST, "lifecycle/reset_password?sendEmail=true&revokeSessions=true", 0),
        (Method::DELETE, "sessions", 0),
    ] {
        world.door(Method::POST, &format!("/users/{id}"), json!({ "sessions": 2 })).await;
        assert!(world.call(method, &format!("{user}/{path}"), None).await.status < 300, "{path}");
        assert_eq!(seen(&world, &id).await["sessions"], left, "{path}");
    }
    assert_eq!(world.get(&resume).await.items().len(), 3);
}

#[tokio::test]
async fn a_forgotten_password_needs_an_active_user_who_can_recover() {
    let world = World::small().await;
    let id = world.hire("zara@acme.example").await;
    let forgot = format!("/api/v1/users/{id}/credentials/forgot_password");
    assert_eq!(world.post(&forgot).await.body, json!({}));
    let link = world.post(&format!("{forgot}?sendEmail=false")).await.body;
    let start = format!("{}/signin/reset-password/", world.okta.url());
    assert!(link["resetPasswordUrl"].as_str().is_some_and(|url| url.starts_with(&start)), "{link}");
    assert_eq!(seen(&world, &id).await["status"], "ACTIVE");
    for arrangement in [json!({ "status": "SUSPENDED" }), json!({ "status": "ACTIVE", "recovery": false })] {
        world.door(Method::POST, &format!("/users/{id}"), arrangement).await;
        let refused = world.post(&forgot).await;
        assert_eq!((refused.status, refused.code()), (403, "E0000034"));
    }
}

#[tokio::test]
async fn the_operator_puts_a_user_into_any_status() {
    let world = World::small().await;
    let id = world.hire("zara@acme.example").await;
    for status in
        ["STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED", "DEPROVISIONED"]
    {
        let arranged = world.door(Method::POST, "/users/zara@acme.example", json!({ "status": status })).await;
        assert_eq!((&arranged["id"], &arranged["status"]), (&json!(id), &json!(status)));
        assert_eq!(world.get(&format!("/api/v1/users/{id}")).await.body["status"], status);
    }
    for bad in [json!({ "status": "ASLEEP" }), json!({ "factors": ["horoscope"] }), json!({ "mood": "bad" })] {
        let request = world.request(Method::POST, &format!("/_sim/users/{id}")).json(&bad);
        assert_eq!(crate::world::Seen::of(request).await.status, 400, "{bad}");
    }
}
