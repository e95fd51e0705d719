//! Requests with an `Idempotency-Key`, sent again: after success, while running, after a crash, and by others.

use crate::callers::Guarded;
use crate::function::Function;
use crate::process::{Ground, Process, TABLE};
use crate::scene::{Scene, tiny};
use crate::world::{Reply, World, small, text};
use aws_sdk_dynamodb::types::AttributeValue;
use axum::routing::post;
use axum::{Extension, Json, Router};
use flate2::read::ZlibDecoder;
use it::campaign::Campaign;
use it::proxy::KillSwitch;
use jiff::{SignedDuration, Timestamp};
use okta_connector::http::{Caller, OneTime};
use okta_connector::idempotency::{Answer, Attempt, Begun, begin, place};
use okta_connector::problem::{Kind, Problem};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Read;

const NEW: &str = "/v1/connections";

fn new(name: &str) -> Value {
    json!({"name": name, "auth": {"type": "private_key_jwt"}})
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers.get(name).map_or("", |value| value.to_str().expect("a header"))
}

fn is_replayed(reply: &Reply) -> bool {
    header(reply, "idempotency-replayed") == "true"
}

/// Sends a request to a process's functions under a key.
async fn send(process: &Process, key: &str, path: &str, body: Value) -> Reply {
    Function::of(&process.app).call("POST", path, &[("idempotency-key", key)], Some(body)).await
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_is_done_once() {
    let world = World::start().await;
    let send = async |id: &str| {
        let headers = [("idempotency-key", "k"), ("x-request-id", id)];
        world.request("POST", &format!("{}{NEW}", world.url()), &headers, Some(new("Acme"))).await
    };
    let (first, second) = (send("one").await, send("two").await);
    assert_eq!((first.status, second.status), (201, 201), "{:#}", second.body);
    assert_eq!(first.body, second.body);
    for name in ["location", "etag", "content-type"] {
        assert!(!header(&first, name).is_empty() && header(&first, name) == header(&second, name), "{name}");
    }
    assert_eq!((is_replayed(&first), is_replayed(&second)), (false, true));
    assert_eq!((header(&first, "x-request-id"), header(&second, "x-request-id")), ("one", "two"));
    assert_eq!((world.all(NEW).await.len(), world.all("/v1/audit").await.len()), (1, 1));
}

#[tokio::test]
async fn with_another_stack_key_a_repeated_request_is_one_with_another_body() {
    let mut world = World::start().await;
    let send = async |world: &World| {
        world.request("POST", &format!("{}{NEW}", world.url()), &[("idempotency-key", "k")], Some(new("Acme"))).await
    };
    assert_eq!(send(&world).await.status, 201);
    std::fs::write(world.data().join("secrets/stack-key/key"), "k".repeat(64)).expect("another key");
    world.is_down_for(SignedDuration::from_secs(1)).await;
    let again = send(&world).await;
    assert_eq!((again.status, again.problem()), (422, "key-reused"));
    assert_eq!(world.all(NEW).await.len(), 1, "nothing is done twice");
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused() {
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    send(&process, "k", NEW, new("A")).await.expect(201);
    let refused = send(&process, "k", NEW, new("B")).await;
    assert_eq!((refused.status, refused.problem()), (422, "key-reused"));
    let reordered = json!({"auth": {"type": "private_key_jwt"}, "name": "A"});
    assert!(is_replayed(&send(&process, "k", NEW, reordered).await));
}

#[tokio::test]
async fn a_key_belongs_to_its_caller_method_path_and_query() {
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    let sync = format!("/v1/connections/{}/syncs", ground.connection.id);
    let key = [("idempotency-key", "k")];
    send(&process, "k", NEW, new("A")).await.expect(201);
    let other = Caller::named("bo", [].into(), true);
    let other = Function::called_by(&process.app, other).call("POST", NEW, &key, Some(new("A"))).await;
    assert_eq!((other.status, is_replayed(&other)), (201, false));
    send(&process, "k2", NEW, new("A")).await.expect(201);
    assert_eq!(send(&process, "k", &sync, new("A")).await.problem(), "invalid-body");
    assert_eq!(send(&process, "k", &format!("{NEW}?a=1&b=2"), new("A")).await.problem(), "bad-request");
    for _ in 0..2 {
        let patched = Function::of(&process.app);
        let path = format!("/v1/connections/{}", ground.connection.id);
        let patched = patched.call("PATCH", &path, &key, Some(json!({"name": "B"}))).await;
        assert!(!is_replayed(&patched) && patched.status == 200, "only POST is repeated");
    }
}

#[tokio::test]
async fn a_key_is_1_to_255_visible_characters() {
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    let (longest, longer) = ("k".repeat(255), "k".repeat(256));
    for key in ["", "a b", longer.as_str(), "k\u{e9}"] {
        assert_eq!(send(&process, key, NEW, new("A")).await.problem(), "bad-request", "{key:?}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    assert_eq!(Function::of(&process.app).call("POST", NEW, &twice, Some(new("A"))).await.problem(), "bad-request");
    send(&process, &longest, NEW, new("A")).await.expect(201);
}

#[tokio::test]
async fn a_refusal_that_stays_true_is_kept_and_one_that_passes_is_not() {
    let world = World::start().await;
    let send = async |key: &str, body: Value| {
        let headers = [("idempotency-key", key)];
        world.request("POST", &format!("{}{NEW}", world.url()), &headers, Some(body)).await
    };
    let (first, second) = (send("bad", json!({"bogus": 1})).await, send("bad", json!({"bogus": 1})).await);
    assert_eq!((first.problem(), second.problem(), is_replayed(&second)), ("invalid-body", "invalid-body", true));
    assert_eq!(second.body["instance"], header(&second, "x-request-id"));
    assert_ne!(first.body["instance"], second.body["instance"]);
    let token = &world.simulator.credentials().api_token;
    let body =
        json!({"name": "A", "domain": world.domain(), "auth": {"type": "api_token", "token": token}, "sync": null});
    world.okta.intercept(|_| Some((503, Vec::new(), Vec::new())));
    assert_eq!(send("later", body.clone()).await.problem(), "verification-failed");
    world.okta.intercept(|_| None);
    let later = send("later", body).await;
    assert_eq!((later.status, is_replayed(&later)), (201, false));
}

#[tokio::test]
async fn of_requests_at_once_one_is_worked_on() {
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    let all = futures::future::join_all((0..6).map(|_| send(&process, "k", NEW, new("A")))).await;
    let done = all.iter().filter(|reply| reply.status == 201 && !is_replayed(reply)).count();
    assert_eq!(done, 1);
    for reply in all.iter().filter(|reply| reply.status != 201) {
        assert_eq!((reply.status, reply.problem()), (409, "request-in-progress"));
        let seconds: u64 = header(reply, "retry-after").parse().expect("seconds");
        assert!((1..=30).contains(&seconds), "{seconds}");
    }
    let listed = Function::of(&process.app).call("GET", NEW, &[], None).await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "that of the ground, and the new one");
}

#[tokio::test]
async fn a_request_whose_process_died_is_taken_over_after_30_seconds_and_not_before() {
    let mut ground = Ground::with(small()).await;
    let undisturbed = KillSwitch::never();
    send(&ground.process(&undisturbed).await, "k", NEW, new("A")).await.expect(201);
    let mut seen = std::collections::BTreeSet::new();
    let campaign = Campaign::start();
    for point in campaign.points(undisturbed.count()) {
        ground.renew().await;
        let (gate, key) = (point.switch(), [("idempotency-key", "k")]);
        let process = ground.process(&gate).await;
        let killed = Function::of(&process.app).killed(&gate, "POST", NEW, &key, Some(new("A"))).await;
        assert!(killed.is_none(), "{point:?}");
        let lasting = ground.lasting().await;
        let at_once = send(&lasting, "k", NEW, new("A")).await;
        seen.insert((at_once.status, is_replayed(&at_once)));
        if at_once.status == 409 {
            assert_eq!(send(&lasting, "k", NEW, new("B")).await.problem(), "key-reused", "{point:?}");
        }
        ground.clock.advance(SignedDuration::from_secs(31));
        let later = send(&lasting, "k", NEW, new("A")).await.expect(201);
        let again = send(&lasting, "k", NEW, new("A")).await;
        assert!(is_replayed(&again) && again.body["id"] == later["id"], "{point:?}");
    }
    let possible = [(201, false), (201, true), (409, false)].into();
    assert!(seen.is_subset(&possible), "{seen:?}");
    assert!(!campaign.is_full() || seen == possible, "{seen:?}");
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day() {
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    let first = send(&process, "k", NEW, new("A")).await.expect(201);
    ground.clock.advance(SignedDuration::from_secs(86_398));
    assert!(is_replayed(&send(&process, "k", NEW, new("A")).await));
    ground.clock.advance(SignedDuration::from_secs(3));
    let anew = send(&process, "k", NEW, new("B")).await.expect(201);
    assert_ne!(text(&first, "id"), text(&anew, "id"));
}

/// The attempt that may work on the request now.
async fn attempt(process: &Process) -> Attempt {
    match begin(&process.app, &place(None, &["ada", "k"]), b"body").await {
        Ok(Begun::Run(attempt)) => attempt,
        Ok(Begun::Answered(answer)) => panic!("{answer:?}"),
        Err(problem) => panic!("{problem}"),
    }
}

#[tokio::test]
async fn whoever_was_taken_over_neither_sends_nor_answers() {
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    let first = attempt(&process).await;
    ground.clock.advance(SignedDuration::from_secs(31));
    let second = attempt(&process).await;
    assert_eq!((first.taken_over, second.taken_over, second.sent), (false, true, None));
    let refused = first.mark_sent(Timestamp::UNIX_EPOCH).await;
    assert_eq!(refused.err().map(|problem| problem.kind), Some(Kind::RequestInProgress));
    let answer = |body: &str| Answer { status: 200, headers: Vec::new(), body: body.to_owned() };
    first.answer(&answer("first")).await.expect("nothing is written");
    first.forget().await.expect("nothing is deleted");
    second.answer(&answer("second")).await.expect("it is kept");
    let kept = begin(&process.app, &place(None, &["ada", "k"]), b"body").await;
    assert!(matches!(kept, Ok(Begun::Answered(kept)) if kept == answer("second")));
}

#[tokio::test]
async fn what_an_earlier_attempt_sent_stays_known() {
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    let (early, late) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + SignedDuration::from_secs(60));
    attempt(&process).await.mark_sent(early).await.expect("it is its own");
    ground.clock.advance(SignedDuration::from_secs(31));
    let second = attempt(&process).await;
    assert_eq!((second.taken_over, second.sent), (true, Some(early)));
    second.mark_sent(late).await.expect("it is its own");
    second.forget().await.expect("it is let go of");
    let third = attempt(&process).await;
    assert_eq!((third.taken_over, third.sent), (true, Some(early)), "at once, and with the first moment");
}

/// The items of requests: their answers unpacked, and everything as text.
async fn requests(ground: &Ground) -> Vec<String> {
    let client = embedded_dynamodb::client(ground.engine.endpoint());
    let items = client.scan().table_name(TABLE).into_paginator().items().send();
    let items: Vec<HashMap<String, AttributeValue>> = items.collect::<Result<_, _>>().await.expect("items");
    let ours = items.iter().filter(|item| item["pk"].as_s().is_ok_and(|pk| pk.starts_with("I#")));
    let unpacked = |item: &HashMap<String, AttributeValue>| {
        let mut text = format!("{item:?}");
        if let Some(Ok(answer)) = item.get("answer").map(AttributeValue::as_b) {
            ZlibDecoder::new(answer.as_ref()).read_to_string(&mut text).expect("an answer");
        }
        text
    };
    ours.map(unpacked).collect()
}

#[tokio::test]
async fn neither_bodies_nor_credentials_are_kept() {
    async fn secretive(attempt: Option<Extension<Attempt>>) -> (Extension<OneTime>, Json<Value>) {
        let output = json!({"activation_token": "canary-in-the-answer", "user": "00u1"});
        (Extension(OneTime(&["/output/activation_token"])), Json(json!({"output": output, "keyed": attempt.is_some()})))
    }
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    let router = Router::new().route("/v1/secretive", post(secretive));
    let function = Function::serving(&process.app, router);
    let (key, body) = ([("idempotency-key", "canary-in-the-key")], json!({"password": "canary-in-the-body"}));
    let first = function.call("POST", "/v1/secretive", &key, Some(body.clone())).await.expect(200);
    let second = function.call("POST", "/v1/secretive", &key, Some(body)).await.expect(200);
    assert_eq!((&first["output"]["activation_token"], &first["keyed"]), (&json!("canary-in-the-answer"), &json!(true)));
    let wanted = json!({"activation_token": null, "shown_once": true, "user": "00u1"});
    assert_eq!(second["output"], wanted);
    let kept = requests(&ground).await;
    assert!(kept.len() == 1 && kept[0].contains("shown_once") && !kept[0].contains("canary"), "{kept:#?}");
}

#[tokio::test]
async fn an_answer_too_large_to_be_kept_is_worked_out_again() {
    async fn large() -> Json<Value> {
        Json((0..40_000).map(|_| uuid::Uuid::new_v4().to_string()).collect())
    }
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    let function = Function::serving(&process.app, Router::new().route("/v1/large", post(large)));
    let key = [("idempotency-key", "k")];
    for _ in 0..2 {
        let reply = function.call("POST", "/v1/large", &key, None).await;
        assert_eq!((reply.status, is_replayed(&reply)), (200, false));
    }
    assert!(requests(&ground).await.is_empty());
}

#[tokio::test]
async fn what_failed_is_done_again() {
    async fn failing() -> Problem {
        Problem::new(Kind::OktaTimeout, "too slow")
    }
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    let function = Function::serving(&process.app, Router::new().route("/v1/failing", post(failing)));
    for _ in 0..2 {
        let reply = function.call("POST", "/v1/failing", &[("idempotency-key", "k")], None).await;
        assert_eq!((reply.problem(), is_replayed(&reply)), ("okta-timeout", false));
        assert!(requests(&ground).await.is_empty());
    }
}

#[tokio::test]
async fn nothing_is_kept_for_nobody() {
    let guarded = Guarded::start().await;
    let (status, slug, _) = guarded.keyed(None, "k", NEW, new("A")).await;
    assert_eq!((status, slug.as_str()), (401, "unauthenticated"));
    let (status, ..) = guarded.keyed(Some(&guarded.member(&["it"])), "k", NEW, json!({"name": "B"})).await;
    assert_eq!(status, 403);
    let (status, _, made) = guarded.keyed(Some(&guarded.admin()), "k", NEW, new("A")).await;
    assert_eq!(status, 201, "{made:#}");
}

#[tokio::test]
async fn an_earlier_answer_is_told_to_nobody_who_may_not_have_it_any_more() {
    let scene = Scene::with(tiny(1)).await;
    let process = scene.ground.lasting().await;
    let id = &scene.ground.connection.id;
    let path = format!("/v1/connections/{id}");
    let admin = Function::of(&process.app);
    let patch = async |body: Value| admin.call("PATCH", &path, &[], Some(body)).await.expect(200);
    let user = text(&scene.ground.tenant().users().await[0], "id").to_owned();
    let get = async |team: &str| {
        let caller = Caller::named("bo", [team.to_owned()].into(), false);
        let action = format!("{path}/actions/user.get");
        let key = [("idempotency-key", "k")];
        Function::called_by(&process.app, caller).call("POST", &action, &key, Some(json!({"user": user}))).await
    };
    patch(json!({"teams": ["red"]})).await;
    assert_eq!(get("red").await.status, 200);
    assert!(is_replayed(&get("red").await));
    assert_eq!(get("blue").await.problem(), "not-found", "the same caller, in another team by now");
    patch(json!({"permissions": {"actions": []}})).await;
    assert_eq!(get("red").await.problem(), "permission-denied");
    let denied = admin.call("GET", &format!("{path}/audit?action=user.get"), &[], None).await.expect(200);
    assert_eq!(denied["items"][0]["outcome"], "denied", "{denied:#}");
    patch(json!({"permissions": {"actions": ["read"]}, "paused": true})).await;
    assert_eq!(get("red").await.problem(), "connection-paused");
    patch(json!({"paused": false})).await;
    assert!(is_replayed(&get("red").await));
    assert_eq!(admin.call("DELETE", &path, &[], None).await.status, 204);
    assert_eq!(get("red").await.problem(), "not-found");
}

#[tokio::test]
async fn what_an_admin_was_told_is_told_to_nobody_else() {
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    send(&process, "k", NEW, new("A")).await.expect(201);
    let no_admin = Function::called_by(&process.app, Caller::named("ada", [].into(), false));
    let refused = no_admin.call("POST", NEW, &[("idempotency-key", "k")], Some(new("A"))).await;
    assert_eq!((refused.status, refused.problem()), (403, "forbidden"));
}

#[tokio::test]
async fn a_key_belongs_to_a_role_whatever_its_session() {
    let ground = Ground::with(small()).await;
    let process = ground.lasting().await;
    let session = |name: &str| Caller {
        principal: "123456789012 role Ops".to_owned(),
        ..Caller::named(format!("arn:aws:sts::123456789012:assumed-role/Ops/{name}"), [].into(), true)
    };
    for (name, is_again) in [("botocore-session-1", false), ("botocore-session-2", true)] {
        let function = Function::called_by(&process.app, session(name));
        let reply = function.call("POST", NEW, &[("idempotency-key", "k")], Some(new("A"))).await;
        assert_eq!((reply.status, is_replayed(&reply)), (201, is_again), "{name}");
    }
}
