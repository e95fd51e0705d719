//! What a sync found is read by the next one, wherever the first one ended before it got to it.

use crate::picture::Table;
use crate::process::Ground;
use crate::world::{quiet, text};
use it::campaign::Campaign;
use jiff::SignedDuration;
use okta_connector::id::SyncId;
use okta_connector::runs;
use okta_connector::synced::{Mode, RunStatus};
use serde_json::json;

/// Time passes in the tenant and here.
async fn pass(ground: &Ground, seconds: i64) {
    ground.clock.advance(SignedDuration::from_secs(seconds));
    ground.tenant().door("POST", "clock", json!({"advance": format!("{seconds}s")})).await;
}

/// A synced tenant of which we may not read the log: nothing but what a run has found says what it did not get to.
async fn scene() -> Ground {
    let ground = Ground::with(quiet()).await;
    let tenant = ground.tenant();
    let fault = json!({"fault": "status", "status": 403, "error_code": "E0000006", "path": "/api/v1/logs"});
    tenant.door("POST", "faults", fault).await;
    let users = active(&ground).await;
    let app = text(&tenant.apps().await[0], "id").to_owned();
    for name in ["Granted", "Left", "Closed"] {
        let group = tenant.change("POST", "/api/v1/groups", Some(json!({"profile": {"name": name}}))).await;
        let group = text(&group, "id");
        tenant.change("PUT", &format!("/api/v1/apps/{app}/groups/{group}"), Some(json!({}))).await;
        if name != "Granted" {
            for user in &users[..2] {
                tenant.change("PUT", &format!("/api/v1/groups/{group}/users/{user}"), None).await;
            }
        }
    }
    assert_eq!(ground.sync(Mode::Verify).await.status, RunStatus::Succeeded);
    pass(&ground, 120).await;
    ground
}

async fn active(ground: &Ground) -> Vec<String> {
    let users = ground.tenant().all("/api/v1/users?limit=200").await;
    let active = users.iter().filter(|user| user["status"] == "ACTIVE");
    active.map(|user| text(user, "id").to_owned()).collect()
}

async fn group(ground: &Ground, name: &str) -> String {
    let groups = ground.tenant().all("/api/v1/groups?limit=200").await;
    let named = groups.iter().find(|group| group["profile"]["name"] == name).expect("a group");
    text(named, "id").to_owned()
}

/// Users join and leave groups that have an app, and one is deactivated.
async fn change(ground: &Ground) {
    let tenant = ground.tenant();
    let users = active(ground).await;
    let granted = group(ground, "Granted").await;
    let left = group(ground, "Left").await;
    tenant.change("PUT", &format!("/api/v1/groups/{granted}/users/{}", users[3]), None).await;
    tenant.change("DELETE", &format!("/api/v1/groups/{left}/users/{}", users[0]), None).await;
    tenant.change("POST", &format!("/api/v1/users/{}/lifecycle/deactivate", users[5]), None).await;
}

/// A group that has an app goes, and so does a user.
async fn remove(ground: &Ground) {
    let tenant = ground.tenant();
    let users = active(ground).await;
    let closed = group(ground, "Closed").await;
    tenant.change("DELETE", &format!("/api/v1/groups/{closed}"), None).await;
    for _ in ["deactivated", "deleted"] {
        tenant.change("DELETE", &format!("/api/v1/users/{}", users[7]), None).await;
    }
}

async fn cancel(ground: &Ground, run: &SyncId) {
    let process = ground.lasting().await;
    runs::cancel(&process.app, &ground.connection.id, run).await.expect("a run at work");
    process.drive(run).await.expect("nothing kills it");
    assert_eq!(ground.run(run).await.status, RunStatus::Cancelled);
}

/// Cancels a sync at calls of it, and compares what the next one leaves with the tenant.
async fn cancel_at_each(ground: &mut Ground, first: Mode, next: Mode) {
    let campaign = Campaign::start();
    let wanted = ground.tenant().picture().await;
    let before = ground.snapshot();
    let run = ground.begin(first).await;
    let calls = ground.count(&run).await;
    ground.renew_from(&before).await;
    let run = ground.begin(first).await;
    for (point, left) in ground.kept_at(&run, &campaign.points(calls)).await {
        ground.renew_from(&left).await;
        if ground.run(&run).await.status.is_over() {
            continue;
        }
        cancel(ground, &run).await;
        assert_eq!(ground.sync(next).await.status, RunStatus::Succeeded, "{point:?}");
        let table = Table::read(ground).await;
        let differences = table.picture(ground).await.differences(&wanted);
        assert!(differences.is_empty(), "{first:?} {next:?} {point:?} {differences:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_cancelled_full_sync_found_is_read_by_the_next_full_one() {
    let mut ground = scene().await;
    change(&ground).await;
    remove(&ground).await;
    pass(&ground, 120).await;
    cancel_at_each(&mut ground, Mode::Full, Mode::Full).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_cancelled_verifying_sync_found_is_read_by_the_next_full_one() {
    let mut ground = scene().await;
    change(&ground).await;
    remove(&ground).await;
    pass(&ground, 120).await;
    cancel_at_each(&mut ground, Mode::Verify, Mode::Full).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_cancelled_sync_found_is_read_by_an_incremental_one() {
    let mut ground = scene().await;
    change(&ground).await;
    pass(&ground, 120).await;
    for first in [Mode::Full, Mode::Verify, Mode::Incremental] {
        let before = ground.snapshot();
        cancel_at_each(&mut ground, first, Mode::Incremental).await;
        ground.renew_from(&before).await;
    }
}
