//! Schedules: what they start, when, and what they leave alone. A test moves the clock.

use crate::function::Function;
use crate::picture::Table;
use crate::process::{Ground, Process};
use crate::world::{World, small, text};
use async_trait::async_trait;
use it::campaign::Campaign;
use it::proxy::KillSwitch;
use jiff::{SignedDuration, Timestamp};
use okta_connector::app::{App, RunnerError, SyncRunner};
use okta_connector::clock::Clock;
use okta_connector::connect;
use okta_connector::connection::{self, Status};
use okta_connector::feed::Feed;
use okta_connector::id::{ConnectionId, SyncId, TriggerId};
use okta_connector::lambda::{self, Answer, Hop, Turn, hop};
use okta_connector::problem::Problem;
use okta_connector::schedules::settle_all;
use okta_connector::synced::{Mode, Run, RunStatus};
use okta_connector::test as connection_test;
use okta_connector_local::turn;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A tenant that was synced once, when its connection was made, and whoever ticks.
struct Stage {
    ground: Ground,
    process: Process,
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const SLICE: Duration = Duration::from_mins(4);

impl Stage {
    /// With these schedules; those that are not named are off.
    async fn with(schedules: Value) -> Self {
        let mut sync = json!({"full": null, "incremental": null, "verify": null});
        sync.as_object_mut().expect("an object").extend(schedules.as_object().expect("an object").clone());
        let mut ground = Ground::with(small()).await;
        ground.connection.created_at = ground.clock.now();
        ground.connection.settings.sync = serde_json::from_value(sync).expect("schedules");
        ground.renew().await;
        assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
        let process = ground.lasting().await;
        Self { ground, process }
    }

    async fn pass(&self, time: SignedDuration) {
        self.ground.clock.advance(time);
        self.ground.tenant().door("POST", "clock", json!({"advance": format!("{}s", time.as_secs())})).await;
    }

    /// Until shortly after a moment.
    async fn pass_to(&self, moment: Timestamp) {
        self.pass(moment.duration_since(self.ground.clock.now()) + SignedDuration::from_secs(1)).await;
    }

    async fn newest(&self) -> Run {
        self.ground.run(&self.ground.state().await.current.expect("a run")).await
    }

    /// Ticks; gives the run that this started.
    async fn tick(&self) -> Option<Run> {
        let before = self.newest().await.id;
        turn(&self.process.app).await.expect("a table");
        Some(self.newest().await).filter(|run| run.id != before)
    }

    /// Ticks and drives the run that this started to its end.
    async fn ticked(&self) -> Option<Mode> {
        let run = self.tick().await?;
        self.process.drive(&run.id).await.expect("nothing kills it");
        let ended = self.ground.run(&run.id).await;
        assert_eq!(ended.status, RunStatus::Succeeded, "{:?}", ended.error);
        Some(ended.mode)
    }

    async fn patch(&self, change: Value) {
        let path = format!("/v1/connections/{}", self.ground.connection.id);
        Function::of(&self.process.app).call("PATCH", &path, &[], Some(change)).await.expect(200);
    }

    /// The state machine's input for an execution of a schedule.
    fn hop(&self, execution: &str, mode: &str, scheduled: Option<Timestamp>) -> Hop {
        let connection = &self.ground.connection.id;
        let input = json!({"connection": connection, "mode": mode, "scheduled": scheduled, "execution": execution});
        serde_json::from_value(input).expect("a hop")
    }

    async fn hopped(&self, next: Hop) -> Answer {
        hop(&self.process.app, next, SLICE).await.expect("nothing a retry would mend")
    }

    async fn runs(&self) -> usize {
        let path = format!("/v1/connections/{}/syncs", self.ground.connection.id);
        let listed = Function::of(&self.process.app).call("GET", &path, &[], None).await.expect(200);
        listed["items"].as_array().expect("items").len()
    }
}

#[tokio::test]
async fn a_due_sync_runs_once() {
    let stage = Stage::with(json!({"full": "rate(6 hours)"})).await;
    assert_eq!(stage.ticked().await, None, "the first was at noon, so to speak");
    stage.pass(HOUR * 6).await;
    assert_eq!(stage.ticked().await, Some(Mode::Full));
    assert_eq!(stage.ticked().await, None);
    stage.pass(HOUR * 5).await;
    assert_eq!(stage.ticked().await, None);
    stage.pass(HOUR).await;
    assert_eq!(stage.ticked().await, Some(Mode::Full));
}

#[tokio::test]
async fn a_tick_tells_when_the_next_one_is_due() {
    let stage = Stage::with(json!({"full": "rate(6 hours)", "incremental": "rate(15 minutes)"})).await;
    let made = stage.ground.connection.created_at.as_second();
    let next = turn(&stage.process.app).await.expect("a table");
    assert_eq!(next.map(Timestamp::as_second), Some(made + 900));
}

#[tokio::test]
async fn nothing_runs_beside_a_run_and_a_larger_one_is_made_up_for() {
    let stage = Stage::with(json!({"full": "rate(1 hour)", "incremental": "rate(15 minutes)"})).await;
    stage.pass(HOUR - SignedDuration::from_mins(10)).await;
    let run = stage.tick().await.expect("an incremental sync");
    assert_eq!(run.mode, Mode::Incremental);
    // It works for longer than a quarter of an hour, and is no further for it.
    let slice = hop(&stage.process.app, stage.hop("x", "full", None), Duration::ZERO).await.expect("an answer");
    assert_eq!((slice.result, slice.run), ("done", None));
    stage.process.slice(&run.id, run.id.as_str()).await.expect("a slice");
    assert_eq!(stage.ground.run(&run.id).await.status, RunStatus::Succeeded);
    stage.pass(SignedDuration::from_mins(11)).await;
    let hand = stage.ground.begin(Mode::Incremental).await;
    assert!(stage.tick().await.is_none(), "a run is at work");
    stage.process.drive(&hand).await.expect("nothing kills it");
    assert_eq!(stage.ticked().await, Some(Mode::Full), "it was due while a smaller one was at work");
    assert_eq!(stage.ticked().await, None);
}

#[tokio::test]
async fn of_what_is_due_at_once_the_largest_runs_and_nothing_else() {
    let stage = Stage::with(json!({
        "full": "rate(6 hours)", "incremental": "rate(15 minutes)", "verify": "rate(7 days)",
    }))
    .await;
    stage.pass(HOUR * 24 * 7).await;
    assert_eq!(stage.ticked().await, Some(Mode::Verify));
    assert_eq!(stage.ticked().await, None);
    stage.pass(SignedDuration::from_mins(15)).await;
    assert_eq!(stage.ticked().await, Some(Mode::Incremental));
}

#[tokio::test]
async fn a_paused_a_pending_or_a_deleted_connection_and_one_without_schedules_are_left_alone() {
    let stage = Stage::with(json!({"full": "rate(1 hour)"})).await;
    stage.patch(json!({"paused": true})).await;
    stage.pass(HOUR * 5).await;
    assert!(stage.tick().await.is_none(), "paused");
    stage.patch(json!({"paused": false})).await;
    assert!(stage.tick().await.is_none(), "what fell into the pause is not made up for");
    stage.pass(HOUR).await;
    assert_eq!(stage.ticked().await, Some(Mode::Full));
    stage.patch(json!({"sync": null})).await;
    stage.pass(HOUR * 5).await;
    assert!(stage.tick().await.is_none(), "without schedules");

    let mut ground = stage.ground;
    ground.connection.status = Status::Pending;
    ground.renew().await;
    let process = ground.lasting().await;
    turn(&process.app).await.expect("a table");
    assert_eq!(ground.state().await.current, None, "pending");
    ground.renew_empty().await;
    let process = ground.lasting().await;
    assert_eq!(turn(&process.app).await.expect("a table"), None, "deleted");
}

#[tokio::test]
async fn a_changed_schedule_takes_effect_from_then_on() {
    let stage = Stage::with(json!({"full": "rate(1 day)"})).await;
    stage.pass(HOUR * 5).await;
    stage.patch(json!({"sync": {"full": "rate(1 hour)"}})).await;
    assert!(stage.tick().await.is_none(), "the hours before it was set do not count");
    stage.pass(HOUR).await;
    assert_eq!(stage.ticked().await, Some(Mode::Full));
    stage.pass(HOUR).await;
    stage.patch(json!({"name": "Acme again"})).await;
    assert_eq!(stage.ticked().await, Some(Mode::Full), "another change does not put it off");
    stage.patch(json!({"sync": {"full": null}})).await;
    stage.pass(HOUR * 48).await;
    assert_eq!(stage.ticked().await, None);
}

#[tokio::test]
async fn a_calendar_is_that_of_the_connections_time_zone() {
    let stage = Stage::with(json!({"full": "cron(30 9 * * ? *)", "timezone": "Asia/Kathmandu"})).await;
    let next = turn(&stage.process.app).await.expect("a table").expect("a time");
    let there = next.in_tz("Asia/Kathmandu").expect("a time zone");
    assert_eq!((there.hour(), there.minute(), there.offset().seconds()), (9, 30, 20_700));
    stage.pass_to(next - SignedDuration::from_secs(61)).await;
    assert_eq!(stage.ticked().await, None);
    stage.pass_to(next).await;
    assert_eq!(stage.ticked().await, Some(Mode::Full));
    assert_eq!(stage.ticked().await, None);
}

#[tokio::test]
async fn a_sync_that_failed_is_tried_again_at_its_next_time_and_not_before() {
    let stage = Stage::with(json!({"full": "rate(6 hours)"})).await;
    stage.pass(HOUR * 6).await;
    let fault = json!({"fault": "status", "status": 401, "error_code": "E0000011", "path": "/api/v1/users"});
    stage.ground.tenant().door("POST", "faults", fault).await;
    let run = stage.tick().await.expect("a run");
    stage.process.drive(&run.id).await.expect("nothing kills it");
    assert_eq!(stage.ground.run(&run.id).await.status, RunStatus::Failed);
    assert!(stage.tick().await.is_none());
}

#[tokio::test]
async fn an_execution_of_a_schedule_makes_its_run_and_drives_it_to_its_end() {
    let stage = Stage::with(json!({"full": "rate(6 hours)", "verify": "rate(7 days)"})).await;
    stage.pass(HOUR * 6).await;
    let now = stage.ground.clock.now();
    let mut next = stage.hop("arn:full", "full", Some(now));
    let first = hop(&stage.process.app, next.clone(), Duration::ZERO).await.expect("an answer");
    assert_eq!((first.result, first.stalled, first.mode), ("again", 1, None));
    next.run.clone_from(&first.run);
    (next.hops, next.stalled) = (first.hops, first.stalled);
    stage.pass(SignedDuration::from_secs(90)).await;
    let beside = stage.hop("arn:again", "full", Some(now));
    assert_eq!(stage.hopped(beside.clone()).await.run, None, "the lease tells that the run is driven, under any name");
    let last = stage.hopped(next).await;
    assert_eq!((last.result, last.hops, last.stalled), ("done", 2, 0));
    let run = stage.newest().await;
    assert_eq!((Some(run.id.to_string()), run.mode, run.status), (first.run, Mode::Full, RunStatus::Succeeded));
    // The same tick once more, after the run.
    let again = stage.hopped(beside).await;
    assert_eq!((again.result, again.run, stage.runs().await), ("done", None, 2));
}

#[tokio::test]
async fn an_execution_whose_first_slice_died_goes_on_with_the_run_it_made() {
    let stage = Stage::with(json!({"full": "rate(6 hours)"})).await;
    stage.pass(HOUR * 6).await;
    let next = stage.hop("arn:full", "full", Some(stage.ground.clock.now()));
    for point in Campaign::start().points(11) {
        let gate = point.switch();
        let process = stage.ground.process(&gate).await;
        tokio::select! {
            biased;
            () = gate.died() => {}
            ended = hop(&process.app, next.clone(), SLICE) => assert!(gate.is_dead(), "{point:?}: {ended:?}"),
        }
    }
    stage.ground.okta.kill_at(&KillSwitch::never());
    assert_eq!(stage.hopped(next).await.result, "done");
    let run = stage.newest().await;
    assert_eq!((run.status, run.execution.as_deref()), (RunStatus::Succeeded, Some("arn:full")));
    assert_eq!(stage.runs().await, 2, "the first sync and this one");
}

#[tokio::test]
async fn executions_of_schedules_that_are_due_at_once_make_one_run_of_the_largest_mode() {
    let stage = Stage::with(json!({"full": "rate(6 hours)", "incremental": "rate(15 minutes)"})).await;
    stage.pass(HOUR * 6).await;
    let now = stage.ground.clock.now();
    let (small, large) = (stage.hop("a", "incremental", Some(now)), stage.hop("b", "full", Some(now)));
    let (small, large) = tokio::join!(stage.hopped(small), stage.hopped(large));
    assert_eq!([small.result, large.result], ["done"; 2]);
    assert_eq!([small.run.is_some(), large.run.is_some()].iter().filter(|made| **made).count(), 1);
    assert_eq!((stage.newest().await.mode, stage.runs().await), (Mode::Full, 2));
}

#[tokio::test]
async fn an_execution_for_a_connection_that_wants_none_ends_and_writes_nothing() {
    let stage = Stage::with(json!({"full": "rate(6 hours)"})).await;
    stage.pass(HOUR * 6).await;
    let now = Some(stage.ground.clock.now());
    stage.patch(json!({"paused": true})).await;
    let before = stage.ground.contents().await;
    for mode in ["full", "incremental"] {
        let answer = stage.hopped(stage.hop("arn", mode, now)).await;
        assert_eq!((answer.result, answer.run), ("done", None));
    }
    assert_eq!(sorted(&stage.ground.contents().await), sorted(&before));
    let nobody = Hop { connection: okta_connector::id::ConnectionId::random(), ..stage.hop("arn", "full", now) };
    assert_eq!(stage.hopped(nobody).await.result, "done");
    let nothing = Hop { mode: None, ..stage.hop("arn", "full", now) };
    assert!(hop(&stage.process.app, nothing, SLICE).await.is_err());
}

/// A text's letters in order: maps are printed in any order.
fn sorted(text: &str) -> Vec<char> {
    let mut letters: Vec<_> = text.chars().collect();
    letters.sort_unstable();
    letters
}

#[tokio::test]
async fn three_slices_without_progress_end_a_run_with_a_reason() {
    let stage = Stage::with(json!({"full": "rate(6 hours)"})).await;
    let mut next = stage.hop("arn", "full", None);
    for result in ["again", "again", "done"] {
        let answer = hop(&stage.process.app, next.clone(), Duration::ZERO).await.expect("an answer");
        assert_eq!(answer.result, result);
        (next.run, next.hops, next.stalled) = (answer.run, answer.hops, answer.stalled);
    }
    let run = stage.newest().await;
    assert_eq!((run.status, run.finished_at.is_some()), (RunStatus::Failed, true));
    assert!(text(&run.error.expect("a reason"), "detail").contains("without progress"));
    let told = ["completed", "failed"].map(|end| (format!("okta-connector.sync.{end}"), String::new()));
    assert_eq!(Table::read(&stage.ground).await.told(), told, "and so is everybody told");
    assert_eq!(stage.ground.sync(Mode::Full).await.status, RunStatus::Succeeded, "nothing is held");
}

#[tokio::test]
async fn an_execution_purges_what_a_deleted_connection_left() {
    let stage = Stage::with(json!({})).await;
    let purge = Hop { run: Some("purge".to_owned()), mode: None, ..stage.hop("arn", "full", None) };
    assert_eq!(stage.hopped(purge).await.result, "done");
    assert_eq!(stage.ground.state().await.current, None);
}

#[tokio::test]
async fn a_purge_takes_as_many_slices_as_it_needs_and_is_started_again_each_day() {
    let stage = Stage::with(json!({})).await;
    let app = &stage.process.app;
    let stored = connection::load(&app.store, &stage.ground.connection.id).await.expect("a table").expect("one");
    connect::delete(app, &stored, None).await.expect("deleted");
    let purge = Hop { run: Some("purge".to_owned()), mode: None, ..stage.hop("arn", "full", None) };
    let first = hop(app, purge.clone(), Duration::ZERO).await.expect("an answer");
    assert_eq!((first.result, first.run.as_deref()), ("again", Some("purge")));
    let starts = Starts::default();
    let watched = App { runner: Arc::new(starts.clone()), ..app.clone() };
    settle_all(&watched).await.expect("settled");
    assert!(starts.names().is_empty(), "another process is at it");
    stage.pass(SignedDuration::from_mins(10)).await;
    settle_all(&watched).await.expect("settled");
    let day = stage.ground.clock.now().strftime("%Y%m%d").to_string();
    assert_eq!(starts.names(), [format!("purge-{}-{day}", stored.connection.id)]);
    assert_eq!(stage.hopped(purge).await.result, "done");
    stage.pass(SignedDuration::from_mins(10)).await;
    settle_all(&watched).await.expect("settled");
    assert_eq!(starts.names().len(), 1, "nothing is left to do");
}

/// Remembers what was started.
#[derive(Clone, Default)]
struct Starts(Arc<Mutex<Vec<String>>>);

impl Starts {
    fn names(&self) -> Vec<String> {
        self.0.lock().expect("not poisoned").clone()
    }
}

#[async_trait]
impl SyncRunner for Starts {
    async fn start(&self, _: &ConnectionId, _: &SyncId, name: &str) -> Result<(), RunnerError> {
        self.0.lock().expect("not poisoned").push(name.to_owned());
        Ok(())
    }

    async fn read_candidates(&self, _: &ConnectionId) -> Result<(), RunnerError> {
        Ok(())
    }

    async fn purge(&self, _: &ConnectionId, name: &str) -> Result<(), RunnerError> {
        self.0.lock().expect("not poisoned").push(name.to_owned());
        Ok(())
    }
}

#[tokio::test]
async fn the_service_makes_up_once_for_what_it_missed_while_it_was_down() {
    let mut world = World::start().await;
    let id = world.synced().await;
    world.is_down_for(HOUR * 24 * 3).await;
    let path = format!("/v1/connections/{id}/syncs");
    let runs = loop {
        let runs = world.all(&path).await;
        if runs.len() > 1 {
            break runs;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((runs.len(), text(&runs[0], "mode")), (2, "full"), "{runs:#?}");
    assert_eq!(world.finished(&id, text(&runs[0], "id")).await["status"], "succeeded");
    world.is_down_for(SignedDuration::from_mins(1)).await;
    assert_eq!(world.all(&path).await.len(), 2);
}

#[tokio::test]
async fn once_a_day_every_connection_in_use_is_tested_and_its_status_moves() {
    let stage = Stage::with(json!({})).await;
    let app = &stage.process.app;
    let stored = async || {
        let stored = connection::load(&app.store, &stage.ground.connection.id).await.expect("a table");
        stored.expect("a connection")
    };
    app_keys(&stage, json!([])).await;
    stage.pass(HOUR * 23).await;
    assert!(!connection_test::is_due(&stored().await.connection, app.now()));
    stage.pass(HOUR).await;
    assert!(connection_test::is_due(&stored().await.connection, app.now()));
    connection_test::test_all(app).await.expect("a table");
    let tested = stored().await;
    assert_eq!(tested.connection.status, Status::Inactive);
    assert!(!connection_test::is_due(&tested.connection, app.now()));
    let paused = connection::change(&app.store, &tested.connection.id, |connection| {
        connection.settings.paused = true;
        Ok::<_, Problem>(())
    });
    let paused = paused.await.expect("a table").expect("a connection").connection;
    stage.pass(HOUR * 48).await;
    connection_test::test_all(app).await.expect("a table");
    assert_eq!(stored().await.connection.tested_at, paused.tested_at, "it is left alone");
}

/// The public keys that the tenant knows of the app.
async fn app_keys(stage: &Stage, keys: Value) {
    stage.ground.tenant().door("PATCH", "app", json!({"jwks": {"keys": keys}})).await;
}

#[tokio::test]
async fn a_search_that_could_not_have_the_feed_at_its_time_is_made_up_for_by_the_next_poll() {
    let stage = Stage::with(json!({})).await;
    let (app, id) = (&stage.process.app, stage.ground.connection.id.clone());
    let (function, path) = (Function::of(app), format!("/v1/connections/{id}"));
    let search =
        json!({"type": "event_search", "filter": "eventType eq \"user.session.end\"", "schedule": "rate(1 hour)"});
    let search = function.call("POST", &format!("{path}/triggers"), &[], Some(search)).await.expect(201);
    stage.ground.tenant().door("POST", "events", json!({"count": 3, "type": "user.session.end"})).await;
    stage.pass(HOUR).await;
    let ground = app.ground();
    let turn = |trigger: Option<&str>| Turn { connection: id.clone(), trigger: trigger.and_then(TriggerId::parse) };
    let feed = Feed::open(&ground, &id).await.expect("a table").expect("nobody else has it");
    let wanted = lambda::turn(app, turn(search["id"].as_str()), Duration::from_millis(300)).await;
    assert!(wanted.is_err(), "it is told as a failure");
    feed.close().await.expect("given back");
    lambda::turn(app, turn(None), SLICE).await.expect("a poll");
    let told = function.call("GET", &format!("{path}/events"), &[], None).await.expect(200);
    let found: Vec<_> =
        told["items"].as_array().expect("items").iter().filter_map(|it| it["data"]["count"].as_u64()).collect();
    assert_eq!(found, [3], "{told:#}");
}
