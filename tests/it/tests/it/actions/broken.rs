//! Okta's bad days: its limits, its own failures, and answers that are lost.

use super::rows::{self, Row};
use super::scene::Scene;
use super::stage::Stage;
use crate::world::{Reply, text};
use serde_json::{Value, json};

impl Stage {
    /// Calls a row's action while Okta misbehaves at the request that it is about.
    async fn disturbed(&self, row: &Row, scene: &Scene, fault: &Value) -> Reply {
        self.fault_at(row.heart(), scene, fault.clone()).await;
        let reply = self.call(row, scene).await;
        self.world.sim("DELETE", "faults", None).await;
        reply
    }

    /// The outcome that the audit tells of a row that was just called; none of a read.
    async fn outcome(&self, row: &Row) -> Option<String> {
        let audit = self.audit().await;
        let told = audit.first().filter(|told| told["action"] == row.name && !row.reads());
        told.map(|told| text(told, "outcome").to_owned())
    }
}

/// Everything but the one action that tells of its steps instead of failing.
fn failing() -> impl Iterator<Item = Row> {
    rows::all().filter(|row| row.name != "user.offboard")
}

/// What the audit must say of a row, of which a read leaves none.
fn unless_read(row: &Row, outcome: &str) -> Option<String> {
    (!row.reads()).then(|| outcome.to_owned())
}

#[tokio::test]
async fn a_limit_that_lasts_is_told_with_the_time_to_wait() {
    let stage = Stage::start().await;
    for row in failing() {
        let scene = stage.arrange(&row).await;
        let reply = stage.disturbed(&row, &scene, &json!({"fault": "rate_limit", "seconds": 40})).await;
        assert_eq!((reply.status, reply.problem()), (429, "okta-rate-limited"), "{} {:#}", row.name, reply.body);
        let wait = reply.headers["retry-after"].to_str().ok().and_then(|wait| wait.parse::<i64>().ok());
        assert!(wait.is_some_and(|wait| (38..=41).contains(&wait)), "{wait:?}");
        assert_eq!((stage.news().await.len(), stage.outcome(&row).await), (0, unless_read(&row, "failed")));
    }
}

#[tokio::test]
async fn a_limit_that_ends_at_once_is_sat_out() {
    let stage = Stage::start().await;
    for row in rows::all().filter(|row| matches!(row.name, "user.suspend" | "user.get")) {
        let scene = stage.arrange(&row).await;
        stage.disturbed(&row, &scene, &json!({"fault": "rate_limit", "seconds": 0, "times": 1})).await.expect(200);
        stage.read_back(&row, &scene).await;
    }
}

#[tokio::test]
async fn a_failure_of_oktas_own_is_told_as_such() {
    let stage = Stage::start().await;
    for row in failing() {
        let scene = stage.arrange(&row).await;
        let reply = stage.disturbed(&row, &scene, &json!({"fault": "status", "status": 500})).await;
        // A change may have been made before Okta failed.
        let problem = if row.reads() { "okta-unavailable" } else { "outcome-unknown" };
        assert_eq!((reply.status, reply.problem()), (502, problem), "{} {:#}", row.name, reply.body);
        assert_eq!(reply.body["okta_error_code"], "E0000009", "{}", row.name);
        assert!(text(&reply.body, "okta_request_id").len() > 5, "{}", row.name);
        assert_eq!((stage.news().await.len(), stage.outcome(&row).await), (0, unless_read(&row, "unknown")));
    }
}

/// Whether a repeated request changes no more than one: those are sent again, and succeed.
fn is_repeated(row: &Row) -> bool {
    row.reads() || row.heart().starts_with("PUT ")
}

#[tokio::test]
async fn a_lost_answer_is_told_as_an_unknown_outcome_that_names_what_to_look_up() {
    let stage = Stage::start().await;
    for (when, done) in [("before", false), ("after", true)] {
        for row in failing().filter(|row| !is_repeated(row)) {
            let scene = stage.arrange(&row).await;
            let reply = stage.disturbed(&row, &scene, &json!({"fault": "drop", "when": when})).await;
            assert_eq!((reply.status, reply.problem()), (502, "outcome-unknown"), "{} {:#}", row.name, reply.body);
            let named = |name: &&str| row.input.contains(&format!("{{{name}}}"));
            let target = ["user", "login", "group", "name"].into_iter().find(named).and_then(|name| scene.get(name));
            let target = target.expect("a target");
            assert!(text(&reply.body, "detail").contains(target), "{} {:#}", row.name, reply.body);
            assert_eq!(stage.outcome(&row).await.as_deref(), Some("unknown"), "{}", row.name);
            let new = stage.news().await;
            let first = row.events.first().and_then(|event| event.split(' ').next()).expect("an event");
            assert_eq!(new.first().is_some_and(|event| event.starts_with(first)), done, "{} {when} {new:?}", row.name);
        }
    }
}

#[tokio::test]
async fn what_harms_nobody_twice_is_sent_again_after_a_lost_answer() {
    let stage = Stage::start().await;
    for when in ["before", "after"] {
        for row in failing().filter(is_repeated) {
            let scene = stage.arrange(&row).await;
            let reply = stage.disturbed(&row, &scene, &json!({"fault": "drop", "when": when, "times": 1})).await;
            assert_eq!(reply.status, 200, "{} {when} {:#}", row.name, reply.body);
            stage.read_back(&row, &scene).await;
            assert_eq!(stage.outcome(&row).await, unless_read(&row, "succeeded"), "{}", row.name);
        }
    }
}

#[tokio::test]
async fn a_gateway_that_fails_in_between_leaves_a_change_unknown() {
    let stage = Stage::start().await;
    let row = rows::all().find(|row| row.name == "user.suspend").expect("a row");
    let scene = stage.arrange(&row).await;
    let reply = stage.disturbed(&row, &scene, &json!({"fault": "status", "status": 502})).await;
    assert_eq!((reply.status, reply.problem()), (502, "outcome-unknown"), "{:#}", reply.body);
    assert_eq!(stage.outcome(&row).await.as_deref(), Some("unknown"));
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_nothing_is_unknown() {
    let stage = Stage::start().await;
    let row = rows::all().find(|row| row.name == "group.create").expect("a row");
    let scene = stage.arrange(&row).await;
    // The tenant forgets its tokens and the app's keys.
    stage.world.sim("POST", "reset", None).await;
    let reply = stage.call(&row, &scene).await;
    assert_eq!((reply.status, reply.problem()), (502, "okta-unauthorized"), "{:#}", reply.body);
    assert_eq!(stage.outcome(&row).await.as_deref(), Some("failed"));
}
