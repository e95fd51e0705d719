//! Who may have what done: the connection's permissions bind everybody, and each denial is recorded.

use super::rows::{self, Row};
use super::scene::Scene;
use super::stage::Stage;
use crate::callers::Guarded;
use crate::world::{World, text};
use okta_connector::okta::AllowedOrigins;
use serde_json::{Value, json};

/// A row's input, in which each name stands for itself.
fn input(row: &Row) -> Value {
    let mut scene = Scene::default();
    scene.name("earlier", "2026-01-01T00:00:00Z");
    scene.name("later", "2026-01-02T00:00:00Z");
    scene.json(row.input)
}

impl Guarded {
    async fn permit(&self, id: &str, words: &[&str]) {
        let patch = json!({"permissions": {"actions": words}});
        let (status, _, body) =
            self.call(Some(&self.admin()), "PATCH", &format!("/v1/connections/{id}"), Some(patch)).await;
        assert_eq!(status, 200, "{body:#}");
    }

    /// Status, slug and the permission that is missing.
    async fn ask(&self, token: Option<&str>, id: &str, row: &Row, query: &str) -> (u16, String, Value) {
        let path = format!("/v1/connections/{id}/actions/{}{query}", row.name);
        let (status, slug, body) = self.call(token, "POST", &path, Some(input(row))).await;
        (status, slug, body["permission"].clone())
    }
}

/// Allowed as far as permissions go: the connection has no credentials yet.
fn allowed() -> (u16, String, Value) {
    (409, "connection-not-ready".to_owned(), Value::Null)
}

fn denied(permission: &str) -> (u16, String, Value) {
    (403, "permission-denied".to_owned(), json!(permission))
}

/// The word for what each row does, as the catalogue tells it.
async fn effects(guarded: &Guarded) -> Vec<(Row, String)> {
    let actions = guarded.call(Some(&guarded.admin()), "GET", "/v1/actions?limit=200", None).await.2;
    let effect = |row: &Row| {
        let mut actions = actions["items"].as_array().expect("actions").iter();
        text(actions.find(|action| action["name"] == row.name).expect("an action"), "effect").to_owned()
    };
    rows::all().map(|row| (row, effect(&row))).collect()
}

/// True where a row's answer carries a credential.
fn reveals(row: &Row) -> bool {
    ["activation_url", "temporary_password", "reset_password_url"]
        .iter()
        .any(|name| row.output.contains(&format!("\"{name}\": \"…\"")))
}

#[tokio::test]
async fn an_action_is_allowed_by_its_name_or_the_word_of_its_effect_to_admins_and_members_alike() {
    let guarded = Guarded::start().await;
    let id = guarded.made(&["it"]).await;
    let (admin, member, effects) = (guarded.admin(), guarded.member(&["it"]), effects(&guarded).await);
    for words in
        [&[][..], &["read"], &["write", "credentials"], &["destructive"], &["credentials"], &["all"], &["user.suspend"]]
    {
        guarded.permit(&id, words).await;
        for (row, effect) in &effects {
            let held = words.iter().any(|word| [effect.as_str(), "all", row.name].contains(word));
            let wanted = if held { allowed() } else { denied(row.name) };
            for token in [&admin, &member] {
                assert_eq!(guarded.ask(Some(token), &id, row, "").await, wanted, "{} {words:?}", row.name);
            }
            assert_eq!(guarded.ask(Some(&member), &id, row, "?dry_run=true").await, wanted, "{} {words:?}", row.name);
        }
    }
}

#[tokio::test]
async fn a_name_alone_is_not_enough_for_an_answer_with_a_credential() {
    let guarded = Guarded::start().await;
    let id = guarded.made(&[]).await;
    let admin = guarded.admin();
    let all: Vec<_> = rows::all().chain(rows::variants()).filter(|row| row.name.starts_with("user.")).collect();
    assert_eq!(all.iter().filter(|row| reveals(row)).count(), 6);
    for row in all {
        let with = if reveals(&row) { denied("credentials") } else { allowed() };
        guarded.permit(&id, &[row.name]).await;
        assert_eq!(guarded.ask(Some(&admin), &id, &row, "").await, with, "{} {}", row.name, row.input);
        assert_eq!(guarded.ask(Some(&admin), &id, &row, "?dry_run=true").await, with, "{}", row.name);
        guarded.permit(&id, &[row.name, "credentials"]).await;
        assert_eq!(guarded.ask(Some(&admin), &id, &row, "").await, allowed(), "{}", row.name);
    }
}

/// What an input names first.
fn asked_for(row: &Row) -> Option<&'static str> {
    let names = |kind: &str| row.input.contains(&format!("\"{kind}\":"));
    let is_new = row.name == "user.create";
    ["user", "group", "app"].into_iter().find(|kind| names(kind)).or(is_new.then_some("user"))
}

#[tokio::test]
async fn each_denial_is_recorded_and_nothing_else_of_a_read() {
    let guarded = Guarded::start().await;
    let id = guarded.made(&["it"]).await;
    guarded.permit(&id, &[]).await;
    let (admin, member) = (guarded.admin(), guarded.member(&["it"]));
    for row in rows::all() {
        guarded.ask(Some(&member), &id, &row, "").await;
        guarded.ask(Some(&member), &id, &row, "?dry_run=true").await;
        let path = format!("/v1/connections/{id}/audit?action={}", row.name);
        let rows = guarded.call(Some(&admin), "GET", &path, None).await.2;
        let rows = rows["items"].as_array().expect("rows");
        assert_eq!(rows.len(), 2, "{}: one for the dry run", row.name);
        for denial in rows {
            assert_eq!(text(denial, "outcome"), "denied", "{}", row.name);
            assert_eq!(denial["actor"]["subject"], "mia", "{}", row.name);
            assert_eq!(denial["problem_type"], "urn:okta-connector:problem:permission-denied");
            assert_eq!(denial["okta_request_ids"], json!([]));
            assert_eq!(denial["target"]["type"], json!(asked_for(&row)), "{}", row.name);
        }
    }
}

#[tokio::test]
async fn other_teams_and_nobody_learn_nothing() {
    let guarded = Guarded::start().await;
    let id = guarded.made(&["it"]).await;
    let other = guarded.member(&["hr"]);
    for row in rows::all() {
        for query in ["", "?dry_run=true"] {
            let (status, slug, _) = guarded.ask(Some(&other), &id, &row, query).await;
            assert_eq!((status, slug.as_str()), (404, "not-found"), "{}", row.name);
            let (status, slug, _) = guarded.ask(None, &id, &row, query).await;
            assert_eq!((status, slug.as_str()), (401, "unauthenticated"), "{}", row.name);
        }
    }
    for path in ["/v1/actions", "/v1/actions/user.get"] {
        assert_eq!(guarded.call(None, "GET", path, None).await.0, 401);
        assert_eq!(guarded.call(Some(&other), "GET", path, None).await.0, 200);
    }
}

#[tokio::test]
async fn what_may_not_be_done_is_told_before_what_is_wrong_with_it() {
    let guarded = Guarded::start().await;
    let id = guarded.made(&["it"]).await;
    let member = guarded.member(&["it"]);
    let bad = Some(json!({"bogus": 1}));
    for row in rows::all().filter(|row| !row.reads()) {
        let path = format!("/v1/connections/{id}/actions/{}", row.name);
        let (status, slug, _) = guarded.call(Some(&member), "POST", &path, bad.clone()).await;
        assert_eq!((status, slug.as_str()), (403, "permission-denied"), "{}", row.name);
    }
    guarded.permit(&id, &["all"]).await;
    for row in rows::all() {
        let path = format!("/v1/connections/{id}/actions/{}", row.name);
        let (status, slug, body) = guarded.call(Some(&member), "POST", &path, bad.clone()).await;
        assert_eq!((status, slug.as_str()), (422, "invalid-body"), "{} {body:#}", row.name);
    }
}

#[tokio::test]
async fn a_paused_connection_does_nothing() {
    let stage = Stage::start().await;
    let path = format!("/v1/connections/{}", stage.id);
    stage.world.api("PATCH", &path, Some(json!({"paused": true}))).await.expect(200);
    let sent = stage.world.okta.recorded();
    for row in rows::all() {
        for query in ["", "?dry_run=true"] {
            let path = format!("{path}/actions/{}{query}", row.name);
            let reply = stage.world.api("POST", &path, Some(input(&row))).await;
            assert_eq!((reply.status, reply.problem()), (409, "connection-paused"), "{}{query}", row.name);
        }
    }
    assert!(stage.sent(sent).is_empty());
}

#[tokio::test]
async fn a_member_of_the_team_has_a_user_suspended_in_their_own_name() {
    let world = World::start().await;
    let guarded = Guarded::reaching(AllowedOrigins::parse([world.okta.url().as_str()]).expect("an origin")).await;
    let auth = json!({"type": "api_token", "token": world.simulator.credentials().api_token});
    let body = json!({"name": "A", "domain": world.domain(), "auth": auth, "sync": null, "teams": ["it"],
        "permissions": {"actions": ["user.suspend"]}});
    let (admin, member) = (guarded.admin(), guarded.member(&["it"]));
    let id = guarded.call(Some(&admin), "POST", "/v1/connections", Some(body)).await.2["id"].clone();
    let path = format!("/v1/connections/{}", id.as_str().expect("an id"));
    let user = world.tenant("GET", "/api/v1/users?limit=2", None).await.expect(200)[1].clone();
    let input = Some(json!({"user": user["id"]}));
    let (status, _, answer) = guarded.call(Some(&member), "POST", &format!("{path}/actions/user.suspend"), input).await;
    assert_eq!((status, &answer["output"]["user"]["status"]), (200, &json!("SUSPENDED")), "{answer:#}");
    let audit = guarded.call(Some(&admin), "GET", &format!("{path}/audit?action=user.suspend"), None).await.2;
    assert_eq!(audit["items"][0]["actor"]["subject"], "mia");
}
