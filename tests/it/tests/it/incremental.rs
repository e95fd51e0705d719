//! An incremental sync leaves the same directory as one that reads everything and takes nothing for unchanged.

use crate::picture::Table;
use crate::process::Ground;
use crate::properties::cases;
use crate::tenancy::{Change, make};
use crate::world::{World, quiet, small, unlimited};
use it::campaign::Campaign;
use okta_connector::synced::{Mode, RunStatus};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// Runs a sync that must succeed, and holds the directory against the tenant.
async fn sync_and_compare(ground: &Ground, mode: Mode, after: &[Change]) {
    let mut run = ground.sync(mode).await;
    assert_eq!(run.mode, mode);
    if run.status == RunStatus::NeedsConfirmation {
        // Somebody deleted a group to which many owed an app, say.
        run = ground.confirm(&run.id).await;
    }
    assert_eq!(run.status, RunStatus::Succeeded, "{after:#?} {:?}", run.error);
    // Okta's search, by which the picture finds those who have left, follows a second later.
    pass(ground, 2).await;
    let (picture, wanted) = (Table::read(ground).await.picture(ground).await, ground.tenant().picture().await);
    let differences = picture.differences(&wanted);
    assert!(differences.is_empty(), "{after:?} {differences:#?}");
}

/// Time passes in the tenant and here, so that Okta's search and log have caught up.
async fn pass(ground: &Ground, seconds: i64) {
    ground.clock.advance(jiff::SignedDuration::from_secs(seconds));
    ground.tenant().door("POST", "clock", json!({"advance": format!("{seconds}s")})).await;
}

/// Sequences on one tenant.
const ON_ONE: usize = 20;
/// Tenants at a time.
const WORKERS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn after_any_changes_a_sync_leaves_what_one_that_reads_everything_would() {
    let campaign = Campaign::start();
    let mut runner = TestRunner::new(cases(1, 1));
    let changes = prop::collection::vec(any::<Change>(), 1..8);
    let mode = prop_oneof![3 => Just(Mode::Incremental), 2 => Just(Mode::Full)];
    let is_hidden = prop::bool::weighted(0.15);
    let day = (changes, mode, is_hidden).prop_map(|(changes, mode, is_hidden)| Day { changes, mode, is_hidden });
    let days = prop::collection::vec(day, ON_ONE);
    let mut tenants: Vec<Vec<_>> = vec![Vec::new(); WORKERS];
    for number in 0..campaign.count(40, 1_000) / ON_ONE {
        tenants[number % WORKERS].push(days.new_tree(&mut runner).expect("sequences").current());
    }
    let live = async |tenants: Vec<Vec<Day>>| {
        for days in tenants {
            Box::pin(live(&days)).await;
        }
    };
    let tasks: Vec<_> = tenants.into_iter().map(|tenants| tokio::spawn(live(tenants))).collect();
    for task in tasks {
        task.await.expect("every sequence is followed");
    }
}

/// What happens in a tenant, and the sync after it.
#[derive(Clone, Debug)]
struct Day {
    changes: Vec<Change>,
    mode: Mode,
    /// Our role is taken away first, an admin confirms that everything goes, and the role is given back.
    is_hidden: bool,
}

/// Everything is hidden from us, and removed by an admin's word.
async fn hide(ground: &Ground) {
    ground.tenant().door("PATCH", "app", json!({"role": null})).await;
    let run = ground.sync(Mode::Full).await;
    assert_eq!(run.status, RunStatus::NeedsConfirmation, "{:?}", run.error);
    assert_eq!(ground.confirm(&run.id).await.status, RunStatus::Succeeded);
    ground.tenant().door("PATCH", "app", json!({"role": "READ_ONLY_ADMIN"})).await;
}

/// A tenant's days: after each, a sync; some days follow at once, others after a while.
async fn live(days: &[Day]) {
    let ground = Ground::with(unlimited()).await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    for Day { changes, mode, is_hidden } in days {
        if *is_hidden {
            hide(&ground).await;
        }
        for change in changes {
            make(&ground.tenant(), change).await;
        }
        // Only a full sync reads those who are back and did not change.
        let mode = if *is_hidden { Mode::Full } else { *mode };
        sync_and_compare(&ground, mode, changes).await;
        pass(&ground, [0, 1, 61, 900][changes.len() % 4]).await;
    }
    sync_and_compare(&ground, Mode::Verify, &[]).await;
}

/// Nothing is read from now on but what is asked here; gives the requests that a sync makes.
async fn requests(ground: &Ground, mode: Mode) -> Vec<String> {
    let since = ground.okta.recorded();
    assert_eq!(ground.sync(mode).await.status, RunStatus::Succeeded);
    let exchanges = ground.okta.exchanges_behind(since);
    exchanges.into_iter().map(|exchange| exchange.path).filter(|path| path.starts_with("/api/")).collect()
}

#[tokio::test]
async fn an_unchanged_tenant_costs_a_handful_of_requests_and_no_write() {
    let ground = Ground::with(quiet()).await;
    ground.okta.record(true);
    ground.sync(Mode::Full).await;
    pass(&ground, 3_600).await;
    requests(&ground, Mode::Incremental).await;
    pass(&ground, 900).await;
    let before = Table::read(&ground).await.directory();
    let asked = requests(&ground, Mode::Incremental).await;
    assert_eq!(asked, ["/api/v1/users", "/api/v1/groups", "/api/v1/logs"]);
    assert_eq!(Table::read(&ground).await.directory(), before);
}

/// A group that is too large to be read whole by an incremental sync.
async fn large() -> (Ground, String) {
    let config = okta_simulator::Config { users: 1_300, groups: 3, memberships: Some(0), ..unlimited() };
    let ground = Ground::with(config).await;
    let tenant = ground.tenant();
    let body = json!({"profile": {"name": "Large"}});
    let group = tenant.change("POST", "/api/v1/groups", Some(body)).await["id"].as_str().expect("an id").to_owned();
    for user in tenant.all("/api/v1/users?limit=200").await.iter().take(1_100) {
        let path = format!("/api/v1/groups/{group}/users/{}", user["id"].as_str().expect("an id"));
        tenant.change("PUT", &path, None).await;
    }
    ground.okta.record(true);
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    pass(&ground, 3_600).await;
    ground.sync(Mode::Incremental).await;
    (ground, group)
}

#[tokio::test]
async fn of_a_large_group_those_are_read_whom_the_log_names_or_all_where_that_is_cheaper() {
    let (ground, group) = large().await;
    let tenant = ground.tenant();
    let members = tenant.all(&format!("/api/v1/groups/{group}/users?limit=200")).await;
    let of_group = format!("/api/v1/groups/{group}/users");
    for (leave, whole) in [(0..2, false), (10..30, true)] {
        for member in &members[leave] {
            tenant.change("DELETE", &format!("{of_group}/{}", member["id"].as_str().expect("an id")), None).await;
        }
        pass(&ground, 2).await;
        let asked = requests(&ground, Mode::Incremental).await;
        assert_eq!(asked.contains(&of_group), whole, "{asked:?}");
        assert_eq!(
            asked.iter().filter(|path| path.ends_with("/groups") && path.contains("/users/")).count(),
            if whole { 0 } else { 2 }
        );
        let picture = Table::read(&ground).await.picture(&ground).await;
        let differences = picture.differences(&tenant.picture().await);
        assert!(differences.is_empty(), "{differences:#?}");
        pass(&ground, 900).await;
    }
}

#[tokio::test]
async fn what_only_the_log_tells_waits_for_the_next_full_sync_where_it_cannot_be_read() {
    let ground = Ground::with(small()).await;
    ground.sync(Mode::Full).await;
    let tenant = ground.tenant();
    let gone = tenant.all("/api/v1/users?limit=200").await[20]["id"].as_str().expect("an id").to_owned();
    for _ in ["deactivated", "deleted"] {
        tenant.change("DELETE", &format!("/api/v1/users/{gone}"), None).await;
    }
    let fault = json!({"fault": "status", "status": 403, "error_code": "E0000006", "path": "/api/v1/logs"});
    tenant.door("POST", "faults", fault).await;
    pass(&ground, 3_600).await;
    let holds = async || Table::read(&ground).await.picture(&ground).await.users.contains_key(&gone);
    assert_eq!(ground.sync(Mode::Incremental).await.status, RunStatus::Succeeded);
    assert!(holds().await);
    sync_and_compare(&ground, Mode::Full, &[]).await;
    assert!(!holds().await);
}

#[tokio::test]
async fn where_attributes_mean_something_else_an_incremental_sync_is_a_full_one() {
    let world = World::start().await;
    let id = world.synced().await;
    let attributes = json!({"attributes": {"location": ["officeLocation"]}});
    world.api("PATCH", &format!("/v1/connections/{id}"), Some(attributes)).await.expect(200);
    for (mode, asked) in [("full", json!("incremental")), ("incremental", Value::Null)] {
        let sync = world.sync(&id, "incremental").await;
        assert_eq!((&sync["mode"], &sync["requested_mode"]), (&json!(mode), &asked), "{sync:#}");
        assert_eq!(
            sync["progress"]["locations"].is_object(),
            mode == "full",
            "locations are counted by full syncs alone"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_while_a_sync_runs_is_found_by_the_next() {
    let mut runner = TestRunner::deterministic();
    let changes = prop::collection::vec(any::<Change>(), 25);
    for mode in [Mode::Full, Mode::Incremental, Mode::Verify] {
        let latency = std::time::Duration::from_millis(3);
        let config = okta_simulator::Config { latency, ..unlimited() };
        let ground = Ground::with(config).await;
        assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
        ground.okta.rewrite(|target| *target = target.replace("limit=200", "limit=10"));
        pass(&ground, 120).await;
        let changes = changes.new_tree(&mut runner).expect("changes").current();
        let meanwhile = async {
            for change in &changes {
                make(&ground.tenant(), change).await;
            }
        };
        println!("a {mode:?} sync, while: {changes:?}");
        let (run, ()) = tokio::join!(ground.sync(mode), meanwhile);
        assert_eq!(run.status, RunStatus::Succeeded);
        pass(&ground, 2).await;
        sync_and_compare(&ground, Mode::Incremental, &changes).await;
    }
}

/// A group with an app, and somebody who is in it.
async fn granted(ground: &Ground) -> (String, String, String) {
    let tenant = ground.tenant();
    let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
    let group = id(&tenant.change("POST", "/api/v1/groups", Some(json!({"profile": {"name": "Granted"}}))).await);
    let app = id(&tenant.all("/api/v1/apps?limit=200").await[0]);
    tenant.change("PUT", &format!("/api/v1/apps/{app}/groups/{group}"), Some(json!({}))).await;
    let users = tenant.all("/api/v1/users?limit=200").await;
    let user = users.iter().find(|user| user["status"] == "ACTIVE").map(id).expect("somebody");
    (group, app, user)
}

#[tokio::test]
async fn who_gets_or_loses_an_app_by_a_group_that_a_full_sync_sees_first_has_the_right_apps_at_once() {
    let ground = Ground::with(unlimited()).await;
    let (group, _, user) = granted(&ground).await;
    assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    let member = format!("/api/v1/groups/{group}/users/{user}");
    for (method, path) in [
        ("PUT", member.as_str()),
        ("DELETE", &member),
        ("PUT", &member),
        ("DELETE", &format!("/api/v1/groups/{group}")),
    ] {
        pass(&ground, 120).await;
        ground.tenant().change(method, path, None).await;
        pass(&ground, 120).await;
        sync_and_compare(&ground, Mode::Full, &[]).await;
    }
}

#[tokio::test]
async fn who_comes_back_after_a_confirmed_removal_has_their_groups_and_apps_again() {
    let ground = Ground::with(unlimited()).await;
    for mode in [Mode::Full, Mode::Verify] {
        assert_eq!(ground.sync(Mode::Verify).await.status, RunStatus::Succeeded);
        pass(&ground, 120).await;
        ground.tenant().door("PATCH", "app", json!({"role": null})).await;
        let run = ground.sync(mode).await;
        assert_eq!(run.status, RunStatus::NeedsConfirmation);
        ground.confirm(&run.id).await;
        pass(&ground, 120).await;
        ground.tenant().door("PATCH", "app", json!({"role": "SUPER_ADMIN"})).await;
        sync_and_compare(&ground, Mode::Full, &[]).await;
        pass(&ground, 120).await;
        sync_and_compare(&ground, Mode::Incremental, &[]).await;
    }
}
