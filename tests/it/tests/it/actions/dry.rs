//! A dry run tells what a run sends, and sends nothing.

use super::rows::{self, Row};
use super::scene::Scene;
use super::stage::{Stage, expected, line};
use crate::world::text;
use serde_json::{Value, json};

/// The requests that a dry run tells, as a row tells them.
fn told(would: &Value, scene: &Scene) -> Vec<String> {
    let one = |request: &Value| {
        let (path, query) = text(request, "path").split_once('?').unwrap_or((text(request, "path"), ""));
        let body = Some(&request["body"]).filter(|body| !body.is_null());
        scene.tell(&line(text(request, "method"), path, Some(query), body))
    };
    would["requests"].as_array().expect("requests").iter().map(one).collect()
}

/// What a row sends that a dry run tells: all changes, or the reads that it is about.
fn core(row: &Row) -> Vec<String> {
    let heart: Vec<_> = if row.reads() { row.sends.to_vec() } else { row.changes().collect() };
    // A user is looked up to be read elsewhere, a group or app to be listed: that is not told.
    let skipped = if row.reads() && row.name != "group.get" { heart.len() - 1 } else { 0 };
    heart.into_iter().skip(skipped).map(expected).collect()
}

#[tokio::test]
async fn a_dry_run_tells_what_a_run_sends_and_sends_nothing() {
    let stage = Stage::start().await;
    for row in rows::all() {
        let scene = stage.arrange(&row).await;
        let before = stage.world.sim("GET", "requests", None).await["items"].as_array().map(Vec::len);
        let audit = stage.audit().await;
        let would = stage.would(row.name, scene.json(row.input)).await.expect(200);
        let after = stage.world.sim("GET", "requests", None).await["items"].as_array().map(Vec::len);
        assert_eq!((before, audit), (after, stage.audit().await), "{}", row.name);
        assert_eq!((&would["action"], would.as_object().map(serde_json::Map::len)), (&json!(row.name), Some(2)));
        // Only a read tells which groups there are to leave.
        let told: Vec<_> = told(&would, &scene).iter().map(|line| line.replace("{group_id}", "{group}")).collect();
        assert_eq!(told, core(&row), "{}", row.name);
    }
}

#[tokio::test]
async fn a_dry_run_repeats_references_as_given_and_no_password() {
    let stage = Stage::start().await;
    let profile = json!({"login": "a@b.example", "email": "a@b.example", "firstName": "A", "lastName": "B"});
    let input = json!({"profile": profile, "password": "canary-password", "send_email": false, "groups": ["Staff"]});
    let would = stage.would("user.create", input).await.expect(200);
    let body = json!({"profile": profile, "credentials": {"password": {"value": "***"}}, "groupIds": ["Staff"]});
    let wanted = json!([
        {"method": "POST", "path": "/api/v1/users?activate=false", "body": body},
        {"method": "POST", "path": "/api/v1/users/{user_id}/lifecycle/activate?sendEmail=false", "body": null},
    ]);
    assert_eq!(would["requests"], wanted);
    for (action, input, path) in [
        ("user.suspend", json!({"user": "a+b@c.example"}), "/api/v1/users/a+b@c.example/lifecycle/suspend"),
        ("user.suspend", json!({"user": "a/b@c.example"}), "/api/v1/users/a%2Fb@c.example/lifecycle/suspend"),
        ("group.add_user", json!({"group": "IT & Ops", "user": "x"}), "/api/v1/groups/IT%20&%20Ops/users/x"),
        ("log.search", json!({"sort": "asc"}), "/api/v1/logs?sortOrder=ASCENDING&limit=50&until=%7Bnow%7D"),
    ] {
        let would = stage.would(action, input).await.expect(200);
        assert_eq!(would["requests"][0]["path"], path, "{action}");
    }
    let logons = stage.would("log.recent_logons_by_ip", json!({"ip": "192.0.2.1"})).await.expect(200);
    let path = text(&logons["requests"][0], "path");
    assert!(path.starts_with("/api/v1/logs?since=%7B24+hours+ago%7D&until=%7Bnow%7D&"), "{path}");
}

#[tokio::test]
async fn a_dry_run_refuses_what_a_run_refuses_before_it_begins() {
    let stage = Stage::start().await;
    for (action, input, problem) in [
        ("user.suspend", json!({}), "invalid-body"),
        ("user.suspend", json!({"user": "me"}), "invalid-body"),
        ("user.nothing", json!({}), "not-found"),
    ] {
        assert_eq!(stage.would(action, input).await.problem(), problem, "{action}");
    }
    let path = format!("/v1/connections/{}/actions/user.suspend?dry_run=", stage.id);
    for wrong in ["yes", "", "true&dry_run=true", "true&bogus=1"] {
        let reply = stage.world.api("POST", &format!("{path}{wrong}"), Some(json!({"user": "x"}))).await;
        assert_eq!(reply.problem(), "bad-request", "{wrong}");
    }
    assert!(stage.sent(0).iter().all(|exchange| exchange.method == "GET"));
}
