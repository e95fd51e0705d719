//! Killed at any outbound call and resumed, a sync leaves a directory that equals the tenant: nothing lost, nothing
//! doubled.

use crate::picture::{Picture, Table, Tenant};
use crate::process::{Ground, Snapshot};
use crate::world::unlimited;
use it::campaign::{Campaign, Point};
use it::proxy::{KillSwitch, When};
use jiff::SignedDuration;
use okta_connector::id::SyncId;
use okta_connector::synced::{Mode, RunStatus};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;

/// A small tenant whose limits never stand in the way, read in pages of 25.
async fn ground() -> Ground {
    let ground = Ground::with(unlimited()).await;
    ground.okta.rewrite(|target| {
        for page in ["limit=200", "limit=500", "limit=1000"] {
            if target.ends_with(page) || target.contains(&format!("{page}&")) {
                *target = target.replace(page, "limit=25");
            }
        }
    });
    ground
}

/// Resumes a run from the table that a process left; every fifth process that resumes is killed as well.
async fn resume(ground: &mut Ground, run: &SyncId, place: usize, left: &Snapshot) {
    ground.renew_from(left).await;
    if place % 5 == 3 {
        let gate = KillSwitch::new(1 + place * 31 % 47, When::Before);
        let _ended_or_died = ground.process(&gate).await.drive(run).await;
    }
    ground.lasting().await.drive(run).await.expect("nothing kills it");
}

fn say(text: &str) {
    // Past the test runner, which hides what a passing test prints.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn assert_same(picture: &Picture, wanted: &Picture, point: Point) {
    let differences = picture.differences(wanted);
    assert!(differences.is_empty(), "{point:?} {differences:#?}");
}

fn completed() -> [(String, String); 1] {
    [("okta-connector.sync.completed".to_owned(), String::new())]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_first_sync_killed_before_and_after_every_call_leaves_a_directory_equal_to_the_tenant() {
    let campaign = Campaign::start();
    let mut ground = ground().await;
    let run = ground.begin(Mode::Full).await;
    let calls = ground.count(&run).await;
    let undisturbed = ground.run(&run).await;
    assert_eq!(undisturbed.status, RunStatus::Succeeded, "{:?}", undisturbed.error);
    say(&format!("a first sync makes {calls} outbound calls"));
    let wanted = ground.tenant().picture().await;
    ground.renew().await;
    let run = ground.begin(Mode::Full).await;
    for (place, (point, left)) in ground.kept_at(&run, &campaign.points(calls)).await.iter().enumerate() {
        resume(&mut ground, &run, place, left).await;
        let (table, run) = (Table::read(&ground).await, ground.run(&run).await);
        assert_same(&table.picture(&ground).await, &wanted, *point);
        // One page is one commit: nothing is told twice either.
        assert_eq!((run.status, &run.progress), (RunStatus::Succeeded, &undisturbed.progress), "{point:?}");
        assert_eq!(table.count("T#"), ground.state().await.roster.len(), "{point:?}");
        assert_eq!(table.told(), completed(), "{point:?}");
    }
}

/// A tenant whose lists have many pages.
async fn large(users: usize) -> Ground {
    let groups = users * 3 / 50;
    let memberships = Some(users * 3);
    Ground::with(okta_simulator::Config { users, groups, memberships, ..unlimited() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_large_sync_killed_at_calls_spread_over_all_leaves_a_directory_equal_to_the_tenant() {
    let campaign = Campaign::start();
    let users = campaign.count(1_500, 5_000);
    let mut ground = large(users).await;
    let run = ground.begin(Mode::Full).await;
    let calls = ground.count(&run).await;
    say(&format!("a sync of {users} users makes {calls} outbound calls"));
    let wanted = ground.tenant().picture().await;
    ground.renew().await;
    let run = ground.begin(Mode::Full).await;
    for (place, (point, left)) in ground.kept_at(&run, &campaign.spread(calls, 2, 60)).await.iter().enumerate() {
        resume(&mut ground, &run, place, left).await;
        let table = Table::read(&ground).await;
        assert_same(&table.picture(&ground).await, &wanted, *point);
        assert_eq!(table.told(), completed(), "{point:?}");
    }
}

/// Days in the life of a tenant: names, departures, deletions, members and groups change.
async fn change(tenant: &Tenant) {
    let users: Vec<_> = tenant.all("/api/v1/users?limit=200").await;
    let id = |place: usize| users[place]["id"].as_str().expect("an id").to_owned();
    for place in [1, 30, 50] {
        let body = json!({"profile": {"lastName": format!("Renamed {place}")}});
        tenant.change("POST", &format!("/api/v1/users/{}", id(place)), Some(body)).await;
    }
    for place in [12, 40] {
        tenant.change("POST", &format!("/api/v1/users/{}/lifecycle/deactivate", id(place)), None).await;
    }
    for place in [20, 45, 45, 20] {
        tenant.change("DELETE", &format!("/api/v1/users/{}", id(place)), None).await;
    }
    let body = json!({"profile": {"firstName": "New", "lastName": "Comer", "email": "new@acme.example", "login": "new@acme.example"}});
    let new = tenant.change("POST", "/api/v1/users?activate=false", Some(body)).await;
    let groups: Vec<_> = tenant.groups().await.into_iter().filter(|group| group["type"] == "OKTA_GROUP").collect();
    let group = |place: usize| groups[place]["id"].as_str().expect("an id").to_owned();
    for user in [id(2), id(3), id(55), new["id"].as_str().expect("an id").to_owned()] {
        tenant.change("PUT", &format!("/api/v1/groups/{}/users/{user}", group(0)), None).await;
    }
    for place in [1, 2] {
        for member in tenant.all(&format!("/api/v1/groups/{}/users", group(place))).await.iter().take(3) {
            let member = member["id"].as_str().expect("an id");
            tenant.change("DELETE", &format!("/api/v1/groups/{}/users/{member}", group(place)), None).await;
        }
    }
    tenant.change("DELETE", &format!("/api/v1/groups/{}", group(3)), None).await;
    tenant.change("PUT", &format!("/api/v1/groups/{}", group(4)), Some(json!({"profile": {"name": "Renamed"}}))).await;
    tenant.change("POST", "/api/v1/groups", Some(json!({"profile": {"name": "Founded"}}))).await;
    assign(tenant, &group(0)).await;
    // Okta's search follows a second later, and assignments are read once a day.
    tenant.door("POST", "clock", json!({"advance": "24h"})).await;
}

/// Whoever had an app by a group gets it of their own, others lose theirs, a group gets one, and one is gone.
async fn assign(tenant: &Tenant, group: &str) {
    let apps = tenant.apps().await;
    let path = |place: usize| format!("/api/v1/apps/{}", apps[place]["id"].as_str().expect("an id"));
    let users = tenant.all(&format!("{}/users?limit=500", path(1))).await;
    let by_group = users.iter().find(|user| user["scope"] == "GROUP").expect("somebody by a group");
    let body = json!({"id": by_group["id"], "scope": "USER"});
    tenant.change("POST", &format!("{}/users", path(1)), Some(body)).await;
    for group in tenant.all(&format!("{}/groups?limit=200", path(2))).await {
        tenant.change("DELETE", &format!("{}/groups/{}", path(2), group["id"].as_str().expect("an id")), None).await;
    }
    tenant.change("PUT", &format!("{}/groups/{group}", path(3)), None).await;
    tenant.change("POST", &format!("{}/lifecycle/deactivate", path(4)), None).await;
    tenant.change("DELETE", &path(4), None).await;
}

/// A tenant that has changed since its first sync, and the table as that sync left it.
async fn changed() -> (Ground, Snapshot) {
    let ground = ground().await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    change(&ground.tenant()).await;
    ground.clock.advance(SignedDuration::from_hours(24));
    let snapshot = ground.snapshot();
    (ground, snapshot)
}

/// The kinds of events that a sync of the changes emits.
const KINDS: [&str; 14] = [
    "app.removed",
    "app.updated",
    "assignment.added",
    "assignment.removed",
    "assignment.updated",
    "group.created",
    "group.removed",
    "group.updated",
    "membership.added",
    "membership.removed",
    "sync.completed",
    "user.created",
    "user.removed",
    "user.updated",
];

/// Kills a sync of changes; a directory equal to the tenant, and each change told once.
async fn kill_a_sync_of_changes(mode: Mode) {
    let campaign = Campaign::start();
    let (mut ground, before) = changed().await;
    let run = ground.begin(mode).await;
    let calls = ground.count(&run).await;
    let run = ground.run(&run).await;
    assert_eq!((run.status, run.mode), (RunStatus::Succeeded, mode), "{:?}", run.error);
    say(&format!("a sync of changes, {mode:?}, makes {calls} outbound calls"));
    let told = Table::read(&ground).await.told();
    let kinds: BTreeSet<_> = told.iter().map(|(kind, _)| kind.clone()).collect();
    assert_eq!(kinds, KINDS.map(|kind| format!("okta-connector.{kind}")).into());
    let wanted = ground.tenant().picture().await;
    ground.renew_from(&before).await;
    let run = ground.begin(mode).await;
    for (place, (point, left)) in ground.kept_at(&run, &campaign.points(calls)).await.iter().enumerate() {
        resume(&mut ground, &run, place, left).await;
        let run = ground.run(&run).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{point:?} {:?}", run.error);
        let table = Table::read(&ground).await;
        assert_same(&table.picture(&ground).await, &wanted, *point);
        assert_eq!(table.told(), told, "{point:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_full_sync_of_changes_killed_before_and_after_every_call_tells_each_change_once() {
    Box::pin(kill_a_sync_of_changes(Mode::Full)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_incremental_sync_killed_before_and_after_every_call_tells_each_change_once() {
    Box::pin(kill_a_sync_of_changes(Mode::Incremental)).await;
}
