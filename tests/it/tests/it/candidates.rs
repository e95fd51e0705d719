//! What an action has changed is in the directory at once: a short run reads what it touched, and nothing else.

use crate::picture::Table;
use crate::process::{Ground, Process};
use crate::scene::Scene;
use crate::world::{World, quiet, text};
use it::campaign::{Campaign, Point};
use it::proxy::{KillSwitch, When};
use okta_connector::id::SyncId;
use okta_connector::okta::UserId;
use okta_connector::runs;
use okta_connector::sync::Next;
use okta_connector::synced::{Candidate, Mode, RunStatus, Waiting};
use serde_json::json;

/// Begins a short run, if one is needed.
async fn begin(ground: &Ground) -> Option<SyncId> {
    let process = ground.lasting().await;
    runs::begin_short(&process.app, &ground.connection.id, "once").await.expect("a table")
}

async fn report(process: &Process, ground: &Ground, candidates: &[Candidate]) {
    runs::report(&process.app, &ground.connection, candidates).await.expect("a table");
}

async fn differences(ground: &Ground) -> Vec<String> {
    Table::read(ground).await.picture(ground).await.differences(&ground.tenant().picture().await)
}

/// A synced connection that may do everything, in a tenant where nothing happens by itself.
async fn scene() -> Scene {
    let scene = Scene::with(quiet()).await;
    assert_eq!(scene.ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
    scene.pass(120).await;
    scene
}

/// An active user, a group of the tenant's own that they are not in, and an app.
async fn chosen(scene: &Scene) -> (String, String, String) {
    let tenant = scene.ground.tenant();
    let users = tenant.all("/api/v1/users?limit=200").await;
    let user = users.iter().rev().find(|user| user["status"] == "ACTIVE").expect("a user");
    let user = text(user, "id").to_owned();
    let group = tenant.change("POST", "/api/v1/groups", Some(json!({"profile": {"name": "Chosen"}}))).await;
    let app = text(&tenant.apps().await[0], "id").to_owned();
    let group = text(&group, "id").to_owned();
    tenant.change("PUT", &format!("/api/v1/apps/{app}/groups/{group}"), Some(json!({}))).await;
    assert_eq!(scene.ground.sync(Mode::Verify).await.status, RunStatus::Succeeded);
    scene.pass(120).await;
    (user, group, app)
}

#[tokio::test]
async fn what_an_action_changed_is_read_at_once_by_few_requests() {
    let scene = scene().await;
    let (user, group, _) = chosen(&scene).await;
    scene.ground.okta.record(true);
    let profile =
        json!({"login": "new@acme.example", "email": "new@acme.example", "firstName": "New", "lastName": "Comer"});
    for (action, input, most) in [
        ("user.suspend", json!({"user": user}), 1),
        ("user.unsuspend", json!({"user": user}), 1),
        ("user.update", json!({"user": user, "profile": {"title": "Changed here"}}), 1),
        // And the app that comes with the group.
        ("group.add_user", json!({"group": group, "user": user}), 2),
        ("group.remove_user", json!({"group": group, "user": user}), 2),
        ("user.create", json!({"profile": profile, "groups": [group]}), 3),
        ("group.create", json!({"name": "Made here"}), 2),
        ("group.delete", json!({"group": group}), 60),
        ("user.deactivate", json!({"user": user}), 60),
        ("user.delete", json!({"user": user}), 60),
    ] {
        scene.call(None, action, &input).await.expect(200);
        scene.pass(2).await;
        let known = scene.ground.okta.recorded();
        let run = begin(&scene.ground).await.expect("something to read");
        scene.ground.lasting().await.drive(&run).await.expect("nothing kills it");
        assert_eq!(scene.ground.run(&run).await.status, RunStatus::Succeeded);
        let asked: Vec<_> = scene.ground.okta.exchanges_behind(known).into_iter().map(|it| it.path).collect();
        let asked: Vec<_> = asked.into_iter().filter(|path| path.starts_with("/api/")).collect();
        assert!(asked.len() <= most, "{action}: {asked:#?}");
        scene.pass(2).await;
        let differences = differences(&scene.ground).await;
        assert!(differences.is_empty(), "{action}: {differences:#?}");
        assert_eq!(begin(&scene.ground).await, None, "{action}: nothing is left to read");
    }
}

#[tokio::test]
async fn what_waits_behind_a_run_that_failed_is_not_read_at_once() {
    let scene = scene().await;
    let ground = &scene.ground;
    ground.tenant().door("PATCH", "app", json!({"jwks": {"keys": []}})).await;
    let process = ground.lasting().await;
    let users = (0..=runs::MOST_CANDIDATES).map(|place| UserId::parse(&format!("00u{place}")).expect("an id"));
    report(&process, ground, &users.map(Candidate::User).collect::<Vec<_>>()).await;
    let first = begin(ground).await.expect("something to read");
    process.drive(&first).await.expect("nothing kills it");
    assert_eq!(ground.run(&first).await.status, RunStatus::Failed);
    let second = begin(ground).await.expect("it waits still");
    let waits =
        ground.run(&second).await.next_wake.expect("a wait").duration_since(ground.run(&second).await.started_at);
    assert!(waits.as_secs() > 600, "{waits:?}");
}

#[tokio::test]
async fn a_user_suspended_here_is_shown_suspended_without_a_sync_of_their_own() {
    let world = World::with(quiet()).await;
    let id = world.synced().await;
    let path = format!("/v1/connections/{id}");
    world.api("PATCH", &path, Some(json!({"permissions": {"actions": ["all"]}}))).await.expect(200);
    let syncs = world.all(&format!("{path}/syncs")).await;
    let before = world.api("GET", &path, None).await.expect(200);
    let people = world.all(&format!("{path}/people?status=ACTIVE")).await;
    let user = text(people.last().expect("a user"), "id").to_owned();
    world.api("POST", &format!("{path}/actions/user.suspend"), Some(json!({"user": user}))).await.expect(200);
    let mut looks = 0;
    loop {
        looks += 1;
        let shown = world.api("GET", &format!("{path}/users/{user}"), None).await.expect(200);
        let listed = world.all(&format!("{path}/people?status=SUSPENDED")).await;
        if shown["status"] == "SUSPENDED" && listed.iter().any(|person| person["id"] == *user) {
            break;
        }
        assert!(looks < 60, "{shown:#} {listed:#?}");
        tokio::task::yield_now().await;
    }
    // It is no sync that a caller asked for.
    assert_eq!(world.all(&format!("{path}/syncs")).await, syncs);
    let after = world.api("GET", &path, None).await.expect(200);
    assert_eq!((&after["last_sync"], &after["streams"]), (&before["last_sync"], &before["streams"]));
    let events = world.all_events(&path, "okta-connector.user.updated").await;
    assert!(events.iter().any(|event| event.to_string().contains(&user)), "{events:#?}");
}

#[tokio::test]
async fn a_sync_may_be_started_beside_a_short_run_which_then_ends() {
    let scene = scene().await;
    let (user, ..) = chosen(&scene).await;
    scene.call(None, "user.suspend", &json!({"user": user})).await.expect(200);
    let process = scene.ground.lasting().await;
    let short = begin(&scene.ground).await.expect("something to read");
    let run = scene.ground.begin(Mode::Incremental).await;
    assert_eq!(process.slice(&short, short.as_str()).await.expect("a slice"), Next::Done);
    process.drive(&run).await.expect("nothing kills it");
    assert_eq!(scene.ground.run(&run).await.status, RunStatus::Succeeded);
    assert!(differences(&scene.ground).await.is_empty());
    // The sync took what waited.
    assert_eq!(begin(&scene.ground).await, None);
}

#[tokio::test]
async fn what_is_reported_while_a_run_is_at_work_waits_for_its_end_or_is_taken_by_it() {
    let scene = scene().await;
    let (user, ..) = chosen(&scene).await;
    let process = scene.ground.lasting().await;
    for (mode, left) in [(Mode::Full, true), (Mode::Incremental, false)] {
        let run = scene.ground.begin(mode).await;
        let candidate = Candidate::User(UserId::parse(&user).expect("an id"));
        report(&process, &scene.ground, &[candidate.clone(), candidate]).await;
        assert_eq!(begin(&scene.ground).await, None, "a run is at work");
        process.drive(&run).await.expect("nothing kills it");
        let short = begin(&scene.ground).await;
        assert_eq!(short.is_some(), left, "{mode:?}");
        if let Some(short) = short {
            process.drive(&short).await.expect("nothing kills it");
        }
        scene.pass(120).await;
    }
}

#[tokio::test]
async fn a_full_sync_reads_what_is_reported_before_it_goes_on_with_its_lists() {
    let scene = scene().await;
    let (user, ..) = chosen(&scene).await;
    let id = UserId::parse(&user).expect("an id");
    let run = scene.ground.begin(Mode::Full).await;
    scene.call(None, "user.suspend", &json!({"user": user})).await.expect(200);
    let is_suspended = async || {
        let table = Table::read(&scene.ground).await;
        table.picture(&scene.ground).await.users.get(&user).is_some_and(|(status, _)| status == "SUSPENDED")
    };
    let mut calls = 0;
    while !is_suspended().await {
        calls += 1;
        assert!(calls < 40, "it is read before any list");
        let gate = KillSwitch::new(calls, When::Before);
        scene.ground.process(&gate).await.drive(&run).await.expect_err("it dies");
    }
    let at_work = scene.ground.run(&run).await;
    assert!(!at_work.status.is_over() && at_work.read.is_empty(), "{at_work:#?}");
    // It is read again behind the run, once.
    let process = scene.ground.lasting().await;
    let waiting = Waiting::some(&process.app.store, &scene.ground.connection.id, 10).await.expect("a table");
    assert!(matches!(&waiting[..], [one] if one.is_read() && one.candidate == Candidate::User(id)), "{waiting:#?}");
    process.drive(&run).await.expect("nothing kills it");
    let short = begin(&scene.ground).await.expect("something to read");
    process.drive(&short).await.expect("nothing kills it");
    assert_eq!(begin(&scene.ground).await, None);
    assert!(differences(&scene.ground).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_reported_at_any_call_of_a_full_sync_is_in_the_directory_behind_it() {
    let campaign = Campaign::start();
    let scene = scene().await;
    let (_, group, _) = chosen(&scene).await;
    let run = scene.ground.begin(Mode::Full).await;
    let calls = scene.ground.count(&run).await;
    let users = scene.ground.tenant().all("/api/v1/users?limit=200").await;
    let active: Vec<_> = users.iter().filter(|user| user["status"] == "ACTIVE").map(|user| text(user, "id")).collect();
    for (place, Point { call, when }) in campaign.spread(calls, 8, 24).into_iter().enumerate() {
        scene.pass(120).await;
        let run = scene.ground.begin(Mode::Full).await;
        let _ended_or_died = scene.ground.process(&KillSwitch::new(call, when)).await.drive(&run).await;
        let process = scene.ground.lasting().await;
        let user = active[place - place % 2];
        let action = if place % 2 == 0 { "group.add_user" } else { "group.remove_user" };
        scene.call(None, action, &json!({"group": group, "user": user})).await.expect(200);
        let leaving = active[active.len() - 1 - place];
        let action = if place % 2 == 0 { "user.suspend" } else { "user.deactivate" };
        scene.call(None, action, &json!({"user": leaving})).await.expect(200);
        process.drive(&run).await.expect("nothing kills it");
        if let Some(short) = begin(&scene.ground).await {
            process.drive(&short).await.expect("nothing kills it");
        }
        // Okta's search, by which the picture finds those who have left, follows a second later.
        scene.pass(2).await;
        let left = differences(&scene.ground).await;
        assert!(left.is_empty(), "{call} {when:?} {action} {user} {leaving} {left:#?}");
    }
}

#[tokio::test]
async fn of_many_candidates_an_incremental_sync_reads_what_changed() {
    let scene = scene().await;
    let process = scene.ground.lasting().await;
    let user = |number: u32| Candidate::User(UserId::parse(&format!("00unobody{number:06}")).expect("an id"));
    let many: Vec<_> = (0..150).map(user).collect();
    report(&process, &scene.ground, &many).await;
    let store = &process.app.store;
    let id = &scene.ground.connection.id;
    assert_eq!(Waiting::some(store, id, 1_000).await.expect("a table").len(), 150);
    let run = begin(&scene.ground).await.expect("something to read");
    process.drive(&run).await.expect("nothing kills it");
    let run = scene.ground.run(&run).await;
    assert_eq!((run.status, run.is_short), (RunStatus::Succeeded, false));
    assert_eq!(scene.ground.state().await.last.map(|last| last.id), Some(run.id));
    assert_eq!(begin(&scene.ground).await, None);
}

#[tokio::test]
async fn a_connection_that_syncs_nothing_or_has_read_nothing_yet_has_no_short_runs() {
    let scene = Scene::with(quiet()).await;
    let process = scene.ground.lasting().await;
    let candidate = [Candidate::User(UserId::parse("00unobody").expect("an id"))];
    report(&process, &scene.ground, &candidate).await;
    assert_eq!(begin(&scene.ground).await, None, "there is no directory yet");
    let mut paused = scene.ground.connection.clone();
    paused.settings.sync = None;
    let other = okta_connector::connection::Connection { id: okta_connector::id::ConnectionId::random(), ..paused };
    runs::report(&process.app, &other, &candidate).await.expect("a table");
    assert!(Waiting::some(&process.app.store, &other.id, 1).await.expect("a table").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_short_run_killed_before_and_after_every_call_leaves_a_directory_equal_to_the_tenant() {
    let campaign = Campaign::start();
    let scene = scene().await;
    let (user, group, _) = chosen(&scene).await;
    for (action, input) in [
        ("group.add_user", json!({"group": group, "user": user})),
        ("user.deactivate", json!({"user": user})),
        ("group.delete", json!({"group": group})),
    ] {
        scene.call(None, action, &input).await.expect(200);
    }
    scene.pass(120).await;
    let Scene { mut ground, .. } = scene;
    let wanted = ground.tenant().picture().await;
    let before = ground.snapshot();
    let run = begin(&ground).await.expect("something to read");
    let calls = ground.count(&run).await;
    let left = differences(&ground).await;
    assert!(left.is_empty(), "{left:#?}");
    let events = Table::read(&ground).await.told();
    ground.renew_from(&before).await;
    let run = begin(&ground).await.expect("something to read");
    let points: Vec<Point> = campaign.points(calls);
    for (point, left) in ground.kept_at(&run, &points).await {
        ground.renew_from(&left).await;
        ground.lasting().await.drive(&run).await.expect("nothing kills it");
        assert_eq!(ground.run(&run).await.status, RunStatus::Succeeded, "{point:?}");
        let table = Table::read(&ground).await;
        let differences = table.picture(&ground).await.differences(&wanted);
        assert!(differences.is_empty(), "{point:?} {differences:#?}");
        assert_eq!(table.told(), events, "{point:?}");
    }
}
