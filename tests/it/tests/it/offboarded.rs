//! A user who leaves: killed at any outbound call and repeated, `user.offboard` is complete, and the audit tells each call.

use crate::scene::{Scene, tiny};
use crate::world::text;
use it::campaign::{Campaign, Point};
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
fn assert_complete(body: &Value, point: Option<Point>) {
    let steps = body["output"]["steps"].as_array().expect("steps");
    let names: Vec<_> = steps.iter().map(|step| text(step, "step")).collect();
    assert_eq!(names, ["suspend", "clear_sessions", "reset_mfa", "leave_groups", "deactivate"], "{point:?}");
    assert_eq!(body["output"]["complete"], true, "{point:?} {body:#}");
    for step in steps {
        assert!(["done", "already", "skipped"].contains(&text(step, "status")), "{point:?} {body:#}");
        assert!(!text(step, "detail").is_empty(), "{point:?} {body:#}");
    }
}

/// Kills one offboarding at each place and repeats it; gives what the audit tells of each user.
async fn killed_and_repeated(campaign: Campaign, scene: &Scene, keyed: bool) -> BTreeSet<String> {
    let (mut seen, input) = (BTreeSet::new(), |user: &str| json!({"user": user}));
    let undisturbed = at_work(scene, 0).await;
    let key = |number: usize| keyed.then(|| format!("k{number}"));
    let (calls, reply) = scene.count(key(0).as_deref(), OFFBOARD, &input(&undisturbed)).await;
    assert_complete(&reply.expect(200), None);
    for (place, point) in campaign.points(calls).into_iter().enumerate() {
        let (user, key) = (at_work(scene, place + 1).await, key(place + 1));
        scene.killed(point, key.as_deref(), OFFBOARD, &input(&user)).await;
        let (left, rows) = (inside(scene, &user).await, scene.outcomes(&format!("target={user}")).await);
        assert!(!rows.is_empty() || left["status"] == "ACTIVE" && left["sessions"] == 2, "{point:?}: {left:#}");
        assert_complete(&scene.call(key.as_deref(), OFFBOARD, &input(&user)).await.expect(200), Some(point));
        let gone = inside(scene, &user).await;
        let rest = ["groups", "factors"].map(|name| gone[name].as_array().map(Vec::len));
        assert_eq!(
            (text(&gone, "status"), &gone["sessions"], rest),
            ("DEPROVISIONED", &json!(0), [Some(0); 2]),
            "{point:?}"
        );
        seen.insert(scene.outcomes(&format!("target={user}")).await.join(", "));
    }
    seen
}

/// Killed before the row was written, while at work, and after the outcome was written.
const ROWS: [&str; 3] = ["started, succeeded", "succeeded", "succeeded, succeeded"];

fn assert_rows(campaign: Campaign, rows: &BTreeSet<String>) {
    assert!(rows.iter().all(|row| ROWS.contains(&row.as_str())), "{rows:?}");
    assert!(!campaign.is_full() || rows.len() == ROWS.len(), "{rows:?}");
}

#[tokio::test]
async fn an_offboarding_killed_at_any_call_and_repeated_is_complete_and_each_call_has_its_row() {
    let campaign = Campaign::start();
    let scene = Scene::with(tiny(7)).await;
    assert_rows(campaign, &killed_and_repeated(campaign, &scene, false).await);
}

#[tokio::test]
async fn an_offboarding_under_a_key_is_repeated_until_its_answer_is_kept() {
    let campaign = Campaign::start();
    let scene = Scene::with(tiny(8)).await.warmed().await;
    assert_rows(campaign, &killed_and_repeated(campaign, &scene, true).await);
}
