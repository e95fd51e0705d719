//! Killed at any outbound call and resumed, a sync leaves a directory that equals the tenant: nothing lost, nothing
//! doubled.

use crate::picture::{Picture, Table, Tenant};
use crate::process::{Died, Ground, kills_wanted};
use it::proxy::{KillSwitch, When};
use jiff::SignedDuration;
use okta_connector::id::SyncId;
use okta_connector::synced::{Mode, Run, RunStatus};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;

/// Each has its own tenant and works through its share of the kills.
const WORKERS: usize = 3;

/// A small tenant whose limits never stand in the way, read in pages of 25.
async fn ground() -> Ground {
    let config = okta_simulator::Config { rate_limit: Some(10_000_000), ..crate::world::small() };
    let ground = Ground::with(config).await;
    ground.okta.rewrite(|target| *target = target.replace("limit=200", "limit=25").replace("limit=500", "limit=25"));
    ground
}

/// A place to die at, and perhaps one for the process that resumes.
#[derive(Clone, Copy, Debug)]
struct Kill {
    call: usize,
    when: When,
    again: Option<usize>,
}

/// At every `step`-th call, before or after it as told. Every fifth process that resumes is killed as well.
fn kills(calls: usize, step: usize, when: &[When]) -> Vec<Kill> {
    let again = |place: usize| (place % 5 == 3).then_some(1 + place * 31 % 47);
    let places = (step..=calls).step_by(step).flat_map(|call| when.iter().map(move |when| (call, *when))).enumerate();
    places.map(|(place, (call, when))| Kill { call, when, again: again(place) }).collect()
}

/// Runs a sync that is killed and resumed until it is over.
async fn killed_and_resumed(ground: &Ground, run: &SyncId, kill: Kill) {
    let gates = [Some(KillSwitch::new(kill.call, kill.when)), kill.again.map(|at| KillSwitch::new(at, When::Before))];
    for (place, gate) in gates.into_iter().flatten().enumerate() {
        let ended = ground.process(&gate).await.drive(run).await;
        assert!(place > 0 || matches!(ended, Err(Died)), "{kill:?}: there is such a call");
    }
    ground.lasting().await.drive(run).await.expect("nothing kills it");
}

/// How many calls an undisturbed process makes for a run.
async fn count(ground: &Ground, run: &SyncId) -> usize {
    let gate = KillSwitch::never();
    ground.process(&gate).await.drive(run).await.expect("nothing kills it");
    gate.count()
}

fn say(text: &str) {
    // Past the test runner, which hides what a passing test prints.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Shares kills out among workers, each a task of its own.
async fn each<F: Future<Output = ()> + Send + 'static>(kills: Vec<Kill>, work: impl Fn(Vec<Kill>) -> F) {
    let shares = (0..WORKERS).map(|worker| kills.iter().copied().skip(worker).step_by(WORKERS).collect());
    let tasks: Vec<_> = shares.map(|share| tokio::spawn(work(share))).collect();
    for task in tasks {
        task.await.expect("every kill is survived");
    }
}

fn assert_same(picture: &Picture, wanted: &Picture, kill: Kill) {
    let differences = picture.differences(wanted);
    assert!(differences.is_empty(), "{kill:?} {differences:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_first_sync_killed_before_and_after_every_call_leaves_a_directory_equal_to_the_tenant() {
    let undisturbed = ground().await;
    let run = undisturbed.begin(Mode::Full).await;
    let calls = count(&undisturbed, &run).await;
    let run = undisturbed.run(&run).await;
    assert_eq!(run.status, RunStatus::Succeeded, "{:?}", run.error);
    say(&format!("a first sync makes {calls} outbound calls"));
    each(kills(calls, 1, &[When::Before, When::After]), move |share| first_syncs(share, run.clone())).await;
}

async fn first_syncs(kills: Vec<Kill>, undisturbed: Run) {
    let mut ground = ground().await;
    let wanted = ground.tenant().picture().await;
    for kill in kills {
        ground.renew().await;
        let run = ground.begin(Mode::Full).await;
        killed_and_resumed(&ground, &run, kill).await;
        let (table, run) = (Table::read(&ground).await, ground.run(&run).await);
        assert_same(&table.picture(&ground).await, &wanted, kill);
        // One page is one commit: nothing is told twice either.
        assert_eq!((run.status, &run.progress), (RunStatus::Succeeded, &undisturbed.progress), "{kill:?}");
        assert_eq!(table.count("T#"), ground.state().await.roster.len(), "{kill:?}");
        assert_eq!(table.told(), [("okta-connector.sync.completed".to_owned(), String::new())], "{kill:?}");
    }
}

async fn large() -> Ground {
    let config =
        okta_simulator::Config { users: 5_000, groups: 300, memberships: Some(15_000), ..crate::world::small() };
    Ground::with(okta_simulator::Config { rate_limit: Some(10_000_000), ..config }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_large_sync_killed_at_seeded_calls_leaves_a_directory_equal_to_the_tenant() {
    let undisturbed = large().await;
    let run = undisturbed.begin(Mode::Full).await;
    let calls = count(&undisturbed, &run).await;
    say(&format!("a sync of 5,000 users and 300 groups makes {calls} outbound calls"));
    // Seeded: as many as are asked for, spread by a step that shares no factor with the number of calls.
    let place = |point: usize| 1 + (point * 7_919 + 17) % calls;
    let kill = |point| Kill { call: place(point), when: When::After, again: None };
    each((0..kills_wanted().min(calls)).map(kill).collect(), large_syncs).await;
}

async fn large_syncs(kills: Vec<Kill>) {
    if kills.is_empty() {
        return;
    }
    let mut ground = large().await;
    let wanted = ground.tenant().picture().await;
    for kill in kills {
        ground.renew().await;
        let run = ground.begin(Mode::Full).await;
        killed_and_resumed(&ground, &run, kill).await;
        let table = Table::read(&ground).await;
        assert_same(&table.picture(&ground).await, &wanted, kill);
        assert_eq!(table.told(), [("okta-connector.sync.completed".to_owned(), String::new())], "{kill:?}");
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
async fn changed() -> (Ground, Table) {
    let ground = ground().await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    change(&ground.tenant()).await;
    ground.clock.advance(SignedDuration::from_hours(24));
    let table = Table::read(&ground).await;
    (ground, table)
}

/// Kills a sync of changes at every `step`-th call; a directory equal to the tenant, and each change told once.
async fn kill_a_sync_of_changes(mode: Mode, step: usize, when: &[When]) {
    let (undisturbed, _) = changed().await;
    let run = undisturbed.begin(mode).await;
    let calls = count(&undisturbed, &run).await;
    let run = undisturbed.run(&run).await;
    assert_eq!((run.status, run.mode), (RunStatus::Succeeded, mode), "{:?}", run.error);
    say(&format!("a sync of changes, {mode:?}, makes {calls} outbound calls"));
    let kinds: BTreeSet<_> = Table::read(&undisturbed).await.told().into_iter().map(|(kind, _)| kind).collect();
    let wanted = [
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
    assert_eq!(kinds, wanted.map(|kind| format!("okta-connector.{kind}")).into());
    each(kills(calls, step, when), move |share| syncs_of_changes(mode, share)).await;
}

async fn syncs_of_changes(mode: Mode, kills: Vec<Kill>) {
    let (mut ground, before) = changed().await;
    let wanted = ground.tenant().picture().await;
    ground.sync(mode).await;
    // A tenant's ids are its own: what an undisturbed sync of this one tells.
    let told = Table::read(&ground).await.told();
    for kill in kills {
        ground.renew_empty().await;
        before.write(&ground).await;
        let run = ground.begin(mode).await;
        killed_and_resumed(&ground, &run, kill).await;
        let run = ground.run(&run).await;
        assert_eq!(run.status, RunStatus::Succeeded, "{kill:?} {:?}", run.error);
        let table = Table::read(&ground).await;
        assert_same(&table.picture(&ground).await, &wanted, kill);
        assert_eq!(table.told(), told, "{kill:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_full_sync_of_changes_killed_after_every_third_call_tells_each_change_once() {
    Box::pin(kill_a_sync_of_changes(Mode::Full, 3, &[When::After])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_incremental_sync_killed_after_every_call_tells_each_change_once() {
    Box::pin(kill_a_sync_of_changes(Mode::Incremental, 1, &[When::After])).await;
}
