//! Offboarding: a step that fails stops no other, and repeating it does what is left.

use super::rows::{self, Row};
use super::scene::{Scene, holds};
use super::stage::Stage;
use crate::world::text;
use serde_json::{Value, json};

fn row() -> Row {
    rows::all().find(|row| row.name == "user.offboard").expect("a row")
}

/// What became of the steps, in order.
fn steps(output: &Value) -> Vec<(&str, &str)> {
    let steps = output["steps"].as_array().expect("steps");
    steps.iter().map(|step| (text(step, "step"), text(step, "status"))).collect()
}

impl Stage {
    /// Offboards a scene's user.
    async fn offboard(&self, scene: &Scene) -> Value {
        self.call(&row(), scene).await.expect(200)["output"].clone()
    }
}

#[tokio::test]
async fn each_step_may_fail_without_stopping_the_others() {
    let stage = Stage::start().await;
    let all = ["suspend", "clear_sessions", "reset_mfa", "leave_groups", "deactivate"];
    for (failing, change) in all.into_iter().zip(row().changes()) {
        let scene = stage.arrange(&row()).await;
        stage.fault_at(change, &scene, json!({"fault": "status", "status": 403})).await;
        let output = stage.offboard(&scene).await;
        stage.world.sim("DELETE", "faults", None).await;
        let wanted = all.map(|step| (step, if step == failing { "failed" } else { "done" }));
        assert_eq!((&output["complete"], steps(&output)), (&json!(false), wanted.to_vec()));
        let failed = output["steps"].as_array().and_then(|steps| steps.iter().find(|step| step["status"] == "failed"));
        assert!(text(failed.expect("a failed step"), "detail").contains("E0000006"), "{output:#}");
        let again = stage.offboard(&scene).await;
        assert_eq!(again["complete"], true, "{failing} {again:#}");
        let user = stage.world.sim("GET", &scene.fill("users/{user}"), None).await;
        // Okta resets no factors of an account that has ended.
        let left = json!(["DEPROVISIONED", [], 0, if failing == "reset_mfa" { 2 } else { 0 }]);
        let factors = user["factors"].as_array().map(Vec::len);
        assert_eq!(json!([user["status"], user["groups"], user["sessions"], factors]), left, "{failing}");
    }
}

#[tokio::test]
async fn a_step_whose_outcome_is_unknown_is_pending() {
    let stage = Stage::start().await;
    for (fault, pending) in [
        (json!({"fault": "drop", "when": "after"}), "suspend"),
        (json!({"fault": "drop", "when": "before"}), "suspend"),
        (json!({"fault": "rate_limit", "seconds": 40}), "suspend"),
    ] {
        let scene = stage.arrange(&row()).await;
        stage.fault_at(row().heart(), &scene, fault).await;
        let output = stage.offboard(&scene).await;
        stage.world.sim("DELETE", "faults", None).await;
        assert_eq!((&output["complete"], steps(&output)[0]), (&json!(false), (pending, "pending")));
        stage.read_back(&row(), &scene).await;
    }
}

#[tokio::test]
async fn whoever_cannot_be_suspended_is_offboarded_without_that() {
    let stage = Stage::start().await;
    for (status, suspend, others) in [
        ("SUSPENDED", "already", "done"),
        ("LOCKED_OUT", "skipped", "done"),
        ("STAGED", "skipped", "done"),
        ("PASSWORD_EXPIRED", "skipped", "done"),
        ("DEPROVISIONED", "skipped", "already"),
    ] {
        let scene = stage.arrange(&row()).await;
        stage.put(&scene, &json!({"status": status})).await;
        let output = stage.offboard(&scene).await;
        let wanted = [
            ("suspend", suspend),
            ("clear_sessions", others),
            ("reset_mfa", others),
            ("leave_groups", others),
            ("deactivate", others),
        ];
        assert_eq!((&output["complete"], steps(&output)), (&json!(true), wanted.to_vec()), "{status}");
        let user = stage.world.sim("GET", &scene.fill("users/{user}"), None).await;
        assert_eq!((&user["status"], &user["groups"]), (&json!("DEPROVISIONED"), &json!([])), "{status}");
    }
}

#[tokio::test]
async fn a_complete_offboarding_again_sends_no_change() {
    let stage = Stage::start().await;
    let scene = stage.arrange(&row()).await;
    stage.offboard(&scene).await;
    let sent = stage.world.okta.recorded();
    let again = stage.offboard(&scene).await;
    assert!(stage.sent(sent).iter().all(|exchange| exchange.method == "GET"));
    let wanted = scene.json(r#"{"complete": true, "user": {"id": "{user}", "status": "DEPROVISIONED"}}"#);
    holds(&again, &wanted, "again");
}

#[tokio::test]
async fn groups_that_okta_does_not_master_stay_and_are_told() {
    let stage = Stage::start().await;
    let groups = stage.world.tenant("GET", "/api/v1/groups", None).await.expect(200);
    let mastered = groups.as_array().and_then(|groups| groups.iter().find(|group| group["type"] == "APP_GROUP"));
    let path = format!("/api/v1/groups/{}/users?limit=1", text(mastered.expect("an app's group"), "id"));
    let members = stage.world.tenant("GET", &path, None).await.expect(200);
    let mut scene = Scene::default();
    scene.name("user", text(&members[0], "id"));
    let output = stage.offboard(&scene).await;
    assert_eq!(output["complete"], true, "{output:#}");
    let leave = output["steps"].as_array().and_then(|steps| steps.iter().find(|step| step["step"] == "leave_groups"));
    assert!(text(leave.expect("the step"), "detail").contains("stay, which apps master"), "{output:#}");
}
