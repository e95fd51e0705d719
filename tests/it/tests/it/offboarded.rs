//! A user who leaves: killed at any outbound call and repeated, `user.offboard` is complete, and the audit tells each call.

use crate::scene::{Kill, Scene, tiny};
use crate::world::text;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const OFFBOARD: &str = "user.offboard";

/// A user who is at work: in groups, signed in, with factors. Gives the id.
async fn at_work(scene: &Scene, number: usize) -> String {
    let (tenant, login) = (scene.ground.tenant(), format!("leaver{number}@acme.example"));
    let groups = tenant.groups().await.into_iter().filter(|group| group["type"] == "OKTA_GROUP");
    let groups: Vec<_> = groups.take(3).map(|group| group["id"].clone()).collect();
    let profile = json!({"login": login, "email": login, "firstName": "A", "lastName": "Leaver"});
    let credentials = json!({"password": {"value": "correct horse battery"}});
    let body = json!({"profile": profile, "credentials": credentials, "groupIds": groups});
    let user = tenant.change("POST", "/api/v1/users?activate=true", Some(body)).await;
    let id = text(&user, "id").to_owned();
    tenant.door("POST", &format!("users/{id}"), json!({"sessions": 2, "factors": ["push", "sms"]})).await;
    id
}

async fn inside(scene: &Scene, user: &str) -> Value {
    scene.ground.tenant().door("GET", &format!("users/{user}"), json!({})).await
}

/// Every step of the answer, as it should be told.
fn assert_complete(body: &Value, kill: Kill) {
    let steps = body["output"]["steps"].as_array().expect("steps");
    let names: Vec<_> = steps.iter().map(|step| text(step, "step")).collect();
    assert_eq!(names, ["suspend", "clear_sessions", "reset_mfa", "leave_groups", "deactivate"], "{kill:?}");
    assert_eq!(body["output"]["complete"], true, "{kill:?} {body:#}");
    for step in steps {
        assert!(["done", "already", "skipped"].contains(&text(step, "status")), "{kill:?} {body:#}");
        assert!(!text(step, "detail").is_empty(), "{kill:?} {body:#}");
    }
}

/// Kills one offboarding at each place and repeats it; gives what the audit tells of each user.
async fn killed_and_repeated(scene: &Scene, keyed: bool) -> BTreeSet<String> {
    let (mut seen, input) = (BTreeSet::new(), |user: &str| json!({"user": user}));
    let undisturbed = at_work(scene, 0).await;
    let key = |number: usize| keyed.then(|| format!("k{number}"));
    let (calls, reply) = scene.count(key(0).as_deref(), OFFBOARD, &input(&undisturbed)).await;
    assert_complete(&reply.expect(200), Kill(0, false));
    for (place, kill) in Kill::each(calls).enumerate() {
        let (user, key) = (at_work(scene, place + 1).await, key(place + 1));
        scene.killed(kill, key.as_deref(), OFFBOARD, &input(&user)).await;
        let (left, rows) = (inside(scene, &user).await, scene.outcomes(&format!("target={user}")).await);
        assert!(!rows.is_empty() || left["status"] == "ACTIVE" && left["sessions"] == 2, "{kill:?}: {left:#}");
        assert_complete(&scene.call(key.as_deref(), OFFBOARD, &input(&user)).await.expect(200), kill);
        let gone = inside(scene, &user).await;
        let rest = ["groups", "factors"].map(|name| gone[name].as_array().map(Vec::len));
        assert_eq!(
            (text(&gone, "status"), &gone["sessions"], rest),
            ("DEPROVISIONED", &json!(0), [Some(0); 2]),
            "{kill:?}"
        );
        seen.insert(scene.outcomes(&format!("target={user}")).await.join(", "));
    }
    seen
}

#[tokio::test]
async fn an_offboarding_killed_at_any_call_and_repeated_is_complete_and_each_call_has_its_row() {
    let scene = Scene::with(tiny(7)).await;
    let rows = killed_and_repeated(&scene, false).await;
    // Killed before the row, while at work, and after the outcome was written.
    assert_eq!(rows.into_iter().collect::<Vec<_>>(), ["started, succeeded", "succeeded", "succeeded, succeeded"]);
}

#[tokio::test]
async fn an_offboarding_under_a_key_is_repeated_until_its_answer_is_kept() {
    let scene = Scene::with(tiny(8)).await.warmed().await;
    let rows = killed_and_repeated(&scene, true).await;
    assert_eq!(rows.into_iter().collect::<Vec<_>>(), ["started, succeeded", "succeeded", "succeeded, succeeded"]);
}
