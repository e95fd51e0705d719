//! Event hooks as their owner sets them up.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::receiver::{Receiver, Reply};
use crate::world::{App, Seen, World, facts};

const HOOKS: &str = "/api/v1/eventHooks";
const TYPES: &[&str] = &["user.lifecycle.deactivate", "user.lifecycle.suspend"];

fn state(seen: &Seen) -> (u16, &str, &str) {
    let text = |name: &str| seen.body[name].as_str().unwrap_or_default();
    (seen.status, text("status"), text("verificationStatus"))
}

#[tokio::test]
async fn a_new_hook_is_active_unverified_and_keeps_its_secret() {
    let (world, owner) = (World::small().await, Receiver::new().await);
    let made = world.call(Method::POST, HOOKS, Some(owner.hook(TYPES))).await;
    assert_eq!(state(&made), (200, "ACTIVE", "UNVERIFIED"));
    assert_eq!(made.body["events"], json!({"type": "EVENT_TYPE", "items": TYPES}));
    let id = made.body["id"].as_str().unwrap_or_default();
    let one = world.get(&format!("{HOOKS}/{id}")).await.body;
    assert_eq!((&one, world.get(HOOKS).await.items()), (&made.body, std::slice::from_ref(&one)));
    assert_eq!(one["channel"]["config"]["authScheme"], json!({"type": "HEADER", "key": "Authorization"}));
    let missing = world.get(&format!("{HOOKS}/who00000000000000000")).await;
    assert_eq!((missing.status, missing.code()), (404, "E0000007"));
    assert!(missing.body["errorSummary"].as_str().is_some_and(|text| text.ends_with("who00000000000000000 (Webhook)")));
}

#[tokio::test]
async fn an_invalid_hook_is_refused_with_a_cause_for_each_type_that_is_not_eligible() {
    let (world, owner) = (World::small().await, Receiver::new().await);
    let types = ["user.account.expire_password", "user.lifecycle.suspend", "user.lifecycle.delete.completed"];
    let refused = world.call(Method::POST, HOOKS, Some(owner.hook(&types))).await;
    assert_eq!((refused.status, refused.code()), (400, "E0000001"));
    assert_eq!(refused.body["errorSummary"], "Api validation failed: eventHook");
    assert_eq!(refused.body["errorCauses"].as_array().map(Vec::len), Some(2));
    assert!(world.get(HOOKS).await.items().is_empty());
}

#[tokio::test]
async fn verifying_asks_the_address_for_what_only_its_owner_knows() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    let id = owner.register(&world, TYPES).await;
    assert_eq!(state(&world.post(&format!("{HOOKS}/{id}/lifecycle/verify")).await), (200, "ACTIVE", "VERIFIED"));
    let asked = owner.next().await;
    assert_eq!((asked.method.as_str(), asked.path.as_str(), &asked.body), ("GET", "/hook", &Value::Null));
    for (name, value) in [
        ("user-agent", "Okta-Integrations"),
        ("accept", "application/json"),
        ("authorization", "very secret"),
        ("x-other", "v"),
    ] {
        assert_eq!(asked.header(name), value);
    }
    assert!(!asked.header("x-okta-request-id").is_empty() && !asked.header("x-okta-verification-challenge").is_empty());
}

#[tokio::test]
async fn an_address_that_does_not_repeat_the_challenge_stays_unverified() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    let id = owner.register(&world, TYPES).await;
    for (replies, requests) in [
        (&[Reply::Lie][..], 1),
        (&[Reply::Status(200)], 1),
        (&[Reply::Status(401)], 1),
        (&[Reply::Redirect], 1),
        (&[Reply::Status(500); 2], 2),
    ] {
        owner.plan(replies);
        let refused = world.post(&format!("{HOOKS}/{id}/lifecycle/verify")).await;
        assert_eq!((refused.status, refused.code()), (400, "E0000001"), "{replies:?}");
        let cause = "Unable to verify event hook. Hook Leavers execution failed";
        assert_eq!(refused.body["errorCauses"], json!([{ "errorSummary": cause }]));
        assert_eq!(refused.body["errorSummary"], "Api validation failed: eventHook");
        assert_eq!(owner.rest().len(), requests, "{replies:?}");
        assert_eq!(state(&world.get(&format!("{HOOKS}/{id}")).await), (200, "ACTIVE", "UNVERIFIED"));
    }
}

#[tokio::test]
async fn the_tenant_answers_while_an_address_is_asked() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    let id = owner.register(&world, TYPES).await;
    owner.plan(&[Reply::Silence]);
    let path = format!("{HOOKS}/{id}/lifecycle/verify");
    let (verified, ()) = tokio::join!(world.post(&path), async {
        owner.next().await;
        assert_eq!(world.get("/api/v1/users?limit=1").await.status, 200);
    });
    assert_eq!(state(&verified), (200, "ACTIVE", "VERIFIED"), "the second request was answered");
}

#[tokio::test]
async fn another_channel_is_verified_again_and_another_name_is_not() {
    let (world, mut owner) = (World::small().await, Receiver::new().await);
    let path = format!("{HOOKS}/{}", owner.live(&world, TYPES).await);
    let mut body = owner.hook(&["user.session.start"]);
    body["name"] = json!("Newcomers");
    let renamed = world.call(Method::PUT, &path, Some(body.clone())).await;
    assert_eq!((state(&renamed), &renamed.body["name"]), ((200, "ACTIVE", "VERIFIED"), &json!("Newcomers")));
    body["channel"]["config"]["authScheme"]["value"] = json!("another secret");
    assert_eq!(state(&world.call(Method::PUT, &path, Some(body.clone())).await), (200, "ACTIVE", "UNVERIFIED"));
    world.post(&format!("{path}/lifecycle/verify")).await;
    assert_eq!(owner.next().await.header("authorization"), "another secret");
    body["channel"]["config"]["uri"] = json!(format!("{}/moved", owner.url));
    assert_eq!(state(&world.call(Method::PUT, &path, Some(body)).await), (200, "ACTIVE", "UNVERIFIED"));
}

#[tokio::test]
async fn only_an_inactive_hook_can_be_deleted() {
    let (world, owner) = (World::small().await, Receiver::new().await);
    let path = format!("{HOOKS}/{}", owner.register(&world, TYPES).await);
    let refused = world.call(Method::DELETE, &path, None).await;
    assert_eq!((refused.status, refused.code()), (403, "E0000006"));
    assert_eq!(state(&world.post(&format!("{path}/lifecycle/deactivate")).await), (200, "INACTIVE", "UNVERIFIED"));
    let unverifiable = world.post(&format!("{path}/lifecycle/verify")).await;
    assert_eq!((unverifiable.status, unverifiable.code()), (400, "E0000001"));
    assert_eq!(state(&world.post(&format!("{path}/lifecycle/activate")).await), (200, "ACTIVE", "UNVERIFIED"));
    world.post(&format!("{path}/lifecycle/deactivate")).await;
    assert_eq!(world.call(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(world.get(&path).await.status, 404);
}

#[tokio::test]
async fn an_organization_has_at_most_twenty_five_active_hooks() {
    let (world, owner) = (World::small().await, Receiver::new().await);
    let mut ids = Vec::new();
    for _ in 0..25 {
        ids.push(owner.register(&world, TYPES).await);
    }
    let refused = world.call(Method::POST, HOOKS, Some(owner.hook(TYPES))).await;
    assert_eq!((refused.status, refused.code()), (400, "E0000001"));
    world.post(&format!("{HOOKS}/{}/lifecycle/deactivate", ids[0])).await;
    owner.register(&world, TYPES).await;
    assert_eq!(world.post(&format!("{HOOKS}/{}/lifecycle/activate", ids[0])).await.status, 400);
    assert_eq!(world.post(&format!("{HOOKS}/{}/lifecycle/activate", ids[1])).await.status, 200);
}

#[tokio::test]
async fn hooks_take_their_scopes_and_a_super_administrator() {
    let (world, owner) = (World::small().await, Receiver::new().await);
    let path = format!("{HOOKS}/{}", owner.register(&world, TYPES).await);
    let app = App::new(&world, "off").await;
    let token = |scope: &'static str| async {
        app.token(scope).await.body["access_token"].as_str().unwrap_or_default().to_owned()
    };
    let reader = token("okta.eventHooks.read").await;
    let seen = app.bearer(&reader, &path).await;
    assert_eq!((seen.status, seen.header("x-rate-limit-limit")), (200, "600"));
    let turn = world.request(Method::POST, &format!("{path}/lifecycle/deactivate")).header("content-length", "0");
    let refused = Seen::of(turn.bearer_auth(&reader)).await;
    assert!(refused.status == 403 && refused.header("www-authenticate").contains("insufficient_scope"), "{refused:?}");
    world.door(Method::PATCH, "/app", json!({ "role": "ORG_ADMIN" })).await;
    let refused = app.bearer(&token("okta.eventHooks.read").await, &path).await;
    assert_eq!((refused.status, refused.code()), (403, "E0000006"));
}

/// The places in a value, with what kind of value is there.
fn shape(value: &Value, place: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| shape(value, &format!("{place}.{name}"), into));
        }
        Value::Array(items) => items.iter().for_each(|item| shape(item, &format!("{place}[]"), into)),
        Value::String(_) => drop(into.insert(place.to_owned())),
        other => drop(into.insert(format!("{place}: {other}"))),
    }
}

fn shaped(value: &Value) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    shape(value, "", &mut places);
    places
}

#[tokio::test]
async fn a_hook_looks_as_it_was_recorded_all_its_life() {
    let Some(facts) = facts() else { return };
    let text = std::fs::read_to_string(facts.join("recorded/event_hooks.create_get_event_hook.json"));
    let calls: Vec<Value> = serde_json::from_str(&text.expect("a recording")).expect("JSON");
    let (world, owner) = (World::small().await, Receiver::new().await);
    let mut id = String::new();
    for call in calls {
        let (asked, answered) = (&call["request"], &call["response"]);
        let method = asked["method"].as_str().and_then(|name| name.parse().ok()).expect("a method");
        let path = asked["target"].as_str().unwrap_or_default().replace("whosfap1ldvY2Za8f4x6", &id);
        // The recording has lost what was sent.
        let seen = world.call(method, &path, (path == HOOKS).then(|| owner.hook(TYPES))).await;
        assert_eq!(json!(seen.status), answered["status"], "{path}");
        assert_eq!(shaped(&seen.body), shaped(&answered["body"]), "{path}");
        id = seen.body["id"].as_str().map_or(id, str::to_owned);
    }
}

#[test]
fn the_eligible_types_are_those_published() {
    let Some(facts) = facts() else { return };
    let text = std::fs::read_to_string(facts.join("event-hook-eligible.json")).expect("the published list");
    let published: Value = serde_json::from_str(&text).expect("JSON");
    let own = include_str!("../../src/tenant/hook/eligible.txt");
    let listed: Vec<&str> = own.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(json!(listed), published["eligible"]);
    assert!(own.contains(published["release"].as_str().expect("a release")));
}
