//! Refresh tokens among many processes that may die: each is used by one of them at a time, and none is lost.

use crate::process::{Ground, Process};
use futures::future::join_all;
use it::campaign::Campaign;
use it::proxy::KillSwitch;
use jiff::SignedDuration;
use okta_connector::connect::{self, Invitation, Return};
use okta_connector::connection::{self, Connection};
use okta_connector::id::ConnectionId;
use okta_connector::okta::{self, Patience, User, api};
use okta_connector::problem::{Kind, Problem};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use url::Url;

const BACK: &str = "http://127.0.0.1:9/v1/oauth/callback";

/// What the browser brings back from an invitation.
async fn follow(url: &Url) -> Return {
    let http = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
    let answer = http.get(url.clone()).send().await.expect("an answer");
    let to = Url::parse(answer.headers()["location"].to_str().expect("text")).expect("a URL");
    let parameter = |name: &str| to.query_pairs().find(|pair| pair.0 == name).map(|pair| pair.1.into_owned());
    let (state, code) = (parameter("state").unwrap_or_default(), parameter("code").map(Into::into));
    Return { state, code, ..Return::default() }
}

/// An invitation to a connection that is made now.
async fn invited(ground: &Ground, process: &Process) -> Invitation {
    ground.tenant().door("PATCH", "app", json!({"redirect_uris": [BACK]})).await;
    let known = ground.credentials();
    let auth = json!({
        "type": "authorization_code", "client_id": known.web_client_id, "client_secret": known.client_secret,
    });
    let body = json!({"name": "Acme", "domain": ground.okta.url(), "auth": auth, "sync": null});
    let made =
        connect::create(&process.app, ConnectionId::random(), &body).await.expect("a connection").stored.connection;
    connect::authorize(&process.app, &made, "admin").await.expect("an invitation")
}

/// A tenant, and a connection that a user has signed in to.
async fn signed_in() -> (Ground, Connection) {
    let ground = Box::pin(Ground::with(crate::world::small())).await;
    let process = ground.lasting().await;
    let invitation = Box::pin(invited(&ground, &process)).await;
    let back = follow(&invitation.url).await;
    let guest = connect::recognize(&process.app, &back).await.expect("a state of ours");
    let finished = Box::pin(connect::finish(&process.app, guest, back)).await.expect("a sign-in");
    (ground, finished.stored.connection)
}

/// Asks who the user is, with a token of this process's own.
async fn who(process: &Process, connection: &Connection) -> Result<User, Problem> {
    let stored = connection::load(&process.app.store, &connection.id).await?.ok_or_else(Problem::not_found)?;
    let patience = Patience::foreground(Duration::from_secs(20), Duration::ZERO);
    let client = process.app.client(&stored.connection, patience).await?;
    Ok(client.fetch(&api::get_me()).await?)
}

/// The same by a process that dies with all its tasks, also the turn with the refresh token; none if it died.
async fn asks_and_dies(process: Process, connection: Connection, gate: KillSwitch) -> Option<Result<User, Problem>> {
    let dies = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = gate.died() => None,
                user = who(&process, &connection) => Some(user),
            }
        })
    };
    tokio::task::spawn_blocking(dies).await.expect("no panic")
}

async fn stats(ground: &Ground) -> Value {
    ground.tenant().door("GET", "stats", json!({})).await
}

/// Moves every clock.
async fn advance(ground: &Ground, seconds: i64) {
    ground.clock.advance(SignedDuration::from_secs(seconds));
    ground.tenant().door("POST", "clock", json!({"advance": format!("{seconds}s")})).await;
}

#[tokio::test]
async fn processes_that_refresh_at_once_use_each_token_once() {
    let (ground, connection) = signed_in().await;
    let processes = join_all((0..5).map(|_| ground.lasting())).await;
    for _ in 0..2 {
        for user in join_all(processes.iter().map(|process| who(process, &connection))).await {
            user.expect("an answer");
        }
        advance(&ground, 3_600).await;
    }
    let stats = stats(&ground).await;
    let uses: Vec<_> = stats["refreshes"].as_array().expect("counts").iter().filter_map(Value::as_u64).collect();
    assert_eq!((uses.iter().max(), &stats["reuse_detected"]), (Some(&1), &json!(0)), "{uses:?}");
    assert_eq!(
        uses.iter().sum::<u64>(),
        3,
        "one when the user signed in, and one for each hour, whichever process it was"
    );
}

#[tokio::test]
async fn a_day_of_processes_takes_a_version_of_the_secret_for_each_token_and_no_more() {
    for rotates in [true, false] {
        let (ground, connection) = signed_in().await;
        ground
            .tenant()
            .door("PATCH", "app", json!({"refresh_rotation": if rotates { "rotate" } else { "static" }}))
            .await;
        let before = ground.versions(connection.id.as_str());
        // Every quarter of an hour a poll and a sync, each in a process of its own.
        for _ in 0..24 * 4 {
            for _ in ["log-poll", "sync"] {
                who(&ground.lasting().await, &connection).await.expect("an answer");
            }
            advance(&ground, 900).await;
        }
        let versions = ground.versions(connection.id.as_str()) - before;
        assert!(if rotates { (20..=30).contains(&versions) } else { versions == 0 }, "{rotates}: {versions}");
    }
}

#[tokio::test]
async fn an_access_token_that_okta_takes_back_is_replaced_for_everybody() {
    let (ground, connection) = signed_in().await;
    let first = ground.lasting().await;
    who(&first, &connection).await.expect("an answer");
    let refused =
        json!({"fault": "status", "status": 403, "error_code": "E0000005", "path": "/api/v1/users/me", "times": 1});
    ground.tenant().door("POST", "faults", refused).await;
    who(&first, &connection).await.expect("an answer, with a new token");
    ground.okta.record(true);
    who(&ground.lasting().await, &connection).await.expect("an answer");
    assert!(
        ground.okta.exchanges().iter().all(|exchange| exchange.path != "/oauth2/v1/token"),
        "the new one is shared"
    );
}

#[tokio::test]
async fn a_turn_whose_caller_has_gone_is_finished() {
    let (ground, connection) = signed_in().await;
    let before = ground.versions(connection.id.as_str());
    let process = ground.lasting().await;
    let asked = Arc::new(Notify::new());
    let begun = Arc::new(Notify::new());
    let begins = begun.clone();
    ground.okta.intercept(move |exchange| {
        if exchange.path == "/oauth2/v1/token" {
            begins.notify_one();
        }
        None
    });
    tokio::select! {
        biased;
        () = begun.notified() => asked.notify_one(),
        user = who(&process, &connection) => panic!("the token comes first: {user:?}"),
    }
    asked.notified().await;
    // It ends by itself: what Okta gave is stored. Only then may so much time pass that its lease is over.
    let mut looks = 0;
    while ground.versions(connection.id.as_str()) == before {
        looks += 1;
        assert!(looks < 1_000, "the turn does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    advance(&ground, 60).await;
    who(&ground.lasting().await, &connection).await.expect("an answer");
    let stats = stats(&ground).await;
    assert_eq!(stats["reuse_detected"], 0);
    let uses: Vec<_> = stats["refreshes"].as_array().expect("counts").iter().filter_map(Value::as_u64).collect();
    assert_eq!(uses.iter().max(), Some(&1), "{uses:?}");
}

#[tokio::test]
async fn a_process_killed_before_or_after_any_call_of_a_refresh_loses_no_sign_in() {
    let (ground, connection) = signed_in().await;
    let gate = KillSwitch::never();
    who(&ground.process(&gate).await, &connection).await.expect("nothing kills it");
    for point in Campaign::start().points(gate.count()) {
        // The shared token has expired by then.
        advance(&ground, 3_600).await;
        let gate = point.switch();
        let process = ground.process(&gate).await;
        if let Some(user) = asks_and_dies(process, connection.clone(), gate.clone()).await {
            assert!(gate.is_dead(), "{point:?}: {user:?}");
        }
        // Whoever died holds the lease for a while yet, a shorter one than Okta's patience.
        advance(&ground, 21).await;
        let next = who(&ground.lasting().await, &connection).await;
        next.unwrap_or_else(|problem| panic!("{point:?}: {problem}"));
        advance(&ground, 60).await;
    }
    assert_eq!(stats(&ground).await["reuse_detected"], 0);
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_is_asked_for_again_at_once() {
    let (ground, connection) = signed_in().await;
    ground.tenant().door("PATCH", "app", json!({"dpop": "off"})).await;
    let lost = json!({"fault": "drop", "when": "after", "path": "/oauth2/v1/token", "times": 1});
    ground.tenant().door("POST", "faults", lost).await;
    who(&ground.lasting().await, &connection).await.expect("an answer");
    advance(&ground, 60).await;
    who(&ground.lasting().await, &connection).await.expect("an answer, from the successor");
    assert_eq!(stats(&ground).await["reuse_detected"], 0);
}

#[tokio::test]
async fn an_access_token_is_not_used_before_the_refresh_token_that_came_with_it_is_stored() {
    let (ground, connection) = signed_in().await;
    let process = ground.lasting().await;
    ground.okta.record(true);
    process.dynamodb.intercept(|call| {
        let writes = call.request_headers.iter().any(|(_, value)| value.ends_with("TransactWriteItems"));
        let refusal = json!({"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"});
        writes.then(|| (400, Vec::new(), refusal.to_string().into_bytes()))
    });
    let problem = who(&process, &connection).await.expect_err("nothing can be stored");
    assert_eq!(problem.kind, Kind::Internal);
    let asked: Vec<_> = ground.okta.exchanges().into_iter().map(|exchange| exchange.path).collect();
    assert!(asked.iter().any(|path| path == "/oauth2/v1/token"), "a token was granted");
    assert!(!asked.iter().any(|path| path == "/api/v1/users/me"), "and was not used");
    who(&ground.lasting().await, &connection).await.expect("the old token still works for a while");
}

#[tokio::test]
async fn a_token_lost_for_longer_than_oktas_patience_ends_the_sign_in() {
    let (ground, connection) = signed_in().await;
    ground.tenant().door("PATCH", "app", json!({"dpop": "off"})).await;
    let lost = json!({"fault": "drop", "when": "after", "path": "/oauth2/v1/token", "times": 4});
    ground.tenant().door("POST", "faults", lost).await;
    who(&ground.lasting().await, &connection).await.expect_err("no answer");
    advance(&ground, 31).await;
    let problem = who(&ground.lasting().await, &connection).await.expect_err("a refusal");
    assert_eq!(problem.members["okta_error_code"], "invalid_grant");
}

#[tokio::test]
async fn a_sign_in_that_okta_has_ended_is_told_as_unauthorized() {
    let (ground, connection) = signed_in().await;
    ground.tenant().door("DELETE", "sign_ins", json!({})).await;
    let problem = who(&ground.lasting().await, &connection).await.expect_err("a refusal");
    assert_eq!((problem.kind, &problem.members["okta_error_code"]), (Kind::OktaUnauthorized, &json!("invalid_grant")));
}

#[tokio::test]
async fn other_credentials_may_come_while_the_token_is_renewed() {
    let (ground, connection) = signed_in().await;
    let process = ground.lasting().await;
    let read = || connection::load(&process.app.store, &connection.id);
    let before = read().await.expect("a table").expect("a connection");
    who(&process, &connection).await.expect("an answer, and another refresh token");
    let hosted = json!({"auth": {"type": "private_key_jwt", "client_id": ground.credentials().client_id}});
    let refused =
        connect::change_auth(&process.app, before.clone(), &hosted, None).await.err().expect("an unknown key");
    assert_eq!(refused.kind, Kind::VerificationFailed);
    who(&ground.lasting().await, &connection).await.expect("the sign-in still works");
    let before = read().await.expect("a table").expect("a connection");
    who(&ground.lasting().await, &connection).await.expect("an answer, and another refresh token");
    let token = json!({"auth": {"type": "api_token", "token": ground.credentials().api_token}});
    let changed = connect::change_auth(&process.app, before, &token, None).await.expect("a change");
    assert_eq!(changed.stored.connection.auth.sign_in, None);
}

#[tokio::test]
async fn a_connection_deleted_while_a_token_is_in_use_leaves_no_secret() {
    let (ground, connection) = signed_in().await;
    let process = ground.lasting().await;
    let stored = connection::load(&process.app.store, &connection.id).await.expect("a table").expect("a connection");
    let patience = Patience::foreground(Duration::from_secs(20), Duration::ZERO);
    let client = process.app.client(&stored.connection, patience).await.expect("a client");
    connect::delete(&process.app, &stored, None).await.expect("deleted");
    let refused = client.fetch::<User>(&api::get_me()).await.expect_err("there is no token");
    assert!(matches!(refused, okta::Error::RefreshToken(_)), "{refused:?}");
    let version = stored.connection.secret_version.expect("a version");
    let left = process.app.secrets.get(connection.id.as_str(), &version).await.expect("a secret store");
    assert!(left.is_none());
}

#[tokio::test]
async fn an_invitation_ends_after_ten_minutes() {
    let ground = Ground::with(crate::world::small()).await;
    let process = ground.lasting().await;
    let (first, second) = (invited(&ground, &process).await, invited(&ground, &process).await);
    let (early, late) = (follow(&first.url).await, follow(&second.url).await);
    ground.clock.advance(SignedDuration::from_secs(590));
    connect::recognize(&process.app, &early).await.expect("in time");
    ground.clock.advance(SignedDuration::from_secs(20));
    let problem = connect::recognize(&process.app, &late).await.err().expect("too late");
    assert_eq!(problem.kind, Kind::BadRequest);
}
