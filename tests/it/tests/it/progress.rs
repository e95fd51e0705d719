//! What a caller sees of a sync while it is at work.

use crate::function::Function;
use crate::picture::Table;
use crate::process::Ground;
use crate::sync::okta_answer;
use crate::world::{small, unlimited};
use jiff::{SignedDuration, Timestamp};
use okta_connector::clock::Clock;
use okta_connector::sync::Next;
use okta_connector::synced::{Mode, RunStatus};
use serde_json::{Value, json};

/// Lets a wait pass, for us and for the tenant.
async fn pass(ground: &Ground, until: Timestamp) {
    let wait = until.duration_since(ground.clock.now()).as_secs().max(0) + 1;
    ground.clock.advance(SignedDuration::from_secs(wait));
    ground.tenant().door("POST", "clock", json!({"advance": format!("{wait}s")})).await;
}

#[tokio::test]
async fn a_sync_tells_how_far_it_is_and_until_when_it_waits() {
    let ground = Ground::with(okta_simulator::Config { rate_limit: Some(24), ..small() }).await;
    ground.okta.rewrite(|target| *target = target.replace("limit=200", "limit=25").replace("limit=1000", "limit=25"));
    let (run, process) = (ground.begin(Mode::Full).await, ground.lasting().await);
    let path = format!("/v1/connections/{}/syncs/{run}", ground.connection.id);
    let function = Function::of(&process.app);
    let told = async || function.call("GET", &path, &[], None).await.expect(200);
    let (mut phases, mut seen) = (Vec::<Value>::new(), Vec::new());
    loop {
        match process.slice(&run, run.as_str()).await.expect("a slice") {
            Next::Done => break,
            Next::Again => {}
            Next::Wait(until) => {
                let sync = told().await;
                assert_eq!((&sync["status"], &sync["finished_at"]), (&json!("waiting"), &Value::Null));
                assert_eq!(sync["next_wake"], json!(until));
                phases.push(sync["phase"].clone());
                seen.push(sync["progress"]["memberships"]["seen"].as_u64());
                pass(&ground, until).await;
            }
        }
    }
    assert!(phases.contains(&json!("memberships")), "{phases:?}");
    assert!(seen.is_sorted(), "{seen:?}");
    let sync = told().await;
    assert_eq!(
        (&sync["status"], &sync["phase"], &sync["next_wake"]),
        (&json!("succeeded"), &Value::Null, &Value::Null)
    );
    assert!(sync["waited_seconds"].as_u64() > Some(30), "{sync:#}");
}

#[tokio::test]
async fn a_first_sync_at_work_is_no_empty_tenant() {
    let ground = Ground::with(okta_simulator::Config { rate_limit: Some(24), ..small() }).await;
    ground.okta.rewrite(|target| *target = target.replace("limit=200", "limit=25"));
    let run = ground.begin(Mode::Full).await;
    let process = ground.lasting().await;
    while process.slice(&run, run.as_str()).await.expect("a slice") == Next::Again {}
    let path = format!("/v1/connections/{}", ground.connection.id);
    let function = Function::of(&process.app);
    let connection = function.call("GET", &path, &[], None).await.expect(200);
    assert_eq!(connection["last_sync"], Value::Null);
    let sync = function.call("GET", &format!("{path}/syncs/{run}"), &[], None).await.expect(200);
    assert_eq!(sync["status"], "waiting");
    assert!(sync["progress"]["users"]["seen"].as_u64() > Some(0), "{sync:#}");
}

#[tokio::test]
async fn people_and_locations_are_readable_before_groups_and_apps_are_read() {
    let ground = Ground::with(unlimited()).await;
    for path in ["/api/v1/groups", "/api/v1/apps"] {
        ground.tenant().door("POST", "faults", json!({"fault": "status", "status": 503, "path": path})).await;
    }
    let run = ground.begin(Mode::Full).await;
    let process = ground.lasting().await;
    while process.slice(&run, run.as_str()).await.expect("a slice") == Next::Again {}
    let path = format!("/v1/connections/{}", ground.connection.id);
    let function = Function::of(&process.app);
    let count = async |list: &str| {
        let page = function.call("GET", &format!("{path}/{list}?limit=200"), &[], None).await.expect(200);
        page["items"].as_array().map_or(0, Vec::len)
    };
    let people = count("people").await;
    let users = count("users").await;
    assert!(people > 30 && users >= people && count("locations").await > 0, "{people} of {users}");
    assert_eq!((count("groups").await, count("apps").await), (0, 0));
    let sync = function.call("GET", &format!("{path}/syncs/{run}"), &[], None).await.expect(200);
    assert_eq!((&sync["status"], &sync["finished_at"]), (&json!("waiting"), &Value::Null));
    ground.tenant().door("DELETE", "faults", json!({})).await;
    process.drive(&run).await.expect("it goes on");
    let sync = function.call("GET", &format!("{path}/syncs/{run}"), &[], None).await.expect(200);
    assert_eq!(sync["status"], "succeeded", "{sync:#}");
    assert_eq!((count("people").await, count("groups").await > 3, count("apps").await > 3), (people, true, true));
    let events = Table::read(&ground).await.told();
    assert_eq!(events.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), ["okta-connector.sync.completed"]);
}

#[tokio::test]
async fn a_sync_that_reads_nothing_for_a_day_is_given_up_and_says_so() {
    let ground = Ground::with(small()).await;
    let run = ground.begin(Mode::Full).await;
    ground.clock.advance(SignedDuration::from_hours(25));
    let process = ground.lasting().await;
    assert_eq!(process.slice(&run, run.as_str()).await.expect("a slice"), Next::Done);
    let told = ground.run(&run).await;
    assert_eq!(told.status, RunStatus::Failed);
    let error = told.error.expect("a reason");
    assert_eq!(error["detail"], "The sync was given up: it has read nothing for 24 hours.");
    assert!(ground.okta.calls() == 0, "nothing was asked");
}

#[tokio::test]
async fn a_sync_that_goes_on_may_take_longer_than_a_day() {
    let ground = Ground::with(okta_simulator::Config { rate_limit: Some(10), ..small() }).await;
    let run = ground.begin(Mode::Full).await;
    let process = ground.lasting().await;
    for _ in 0..3 {
        let next = process.slice(&run, run.as_str()).await.expect("a slice");
        assert!(matches!(next, Next::Wait(_)), "{next:?}");
        pass(&ground, ground.clock.now() + SignedDuration::from_hours(13)).await;
    }
    process.drive(&run).await.expect("it goes on");
    let ended = ground.run(&run).await;
    assert_eq!(ended.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn each_stream_says_since_when_it_is_readable_and_what_is_left_out() {
    let ground = Ground::with(unlimited()).await;
    let away = json!({"fault": "status", "status": 503, "path": "/api/v1/groups"});
    ground.tenant().door("POST", "faults", away).await;
    let forbidden = json!({"fault": "status", "status": 403, "path": "/api/v1/apps"});
    ground.tenant().door("POST", "faults", forbidden).await;
    let run = ground.begin(Mode::Full).await;
    let process = ground.lasting().await;
    while process.slice(&run, run.as_str()).await.expect("a slice") == Next::Again {}
    let path = format!("/v1/connections/{}", ground.connection.id);
    let function = Function::of(&process.app);
    let get = async |rest: &str| function.call("GET", &format!("{path}/{rest}"), &[], None).await.expect(200);
    let sync = get(&format!("syncs/{run}")).await;
    let began = sync["started_at"].clone();
    let [users, groups, apps] = ["users", "groups", "apps"].map(|stream| sync["streams"][stream].clone());
    assert_eq!(users, json!({"as_of": began, "complete": true, "skipped": null}));
    assert_eq!(groups, json!({"as_of": null, "complete": false, "skipped": null}));
    assert_eq!(apps["complete"], false, "{apps}");
    assert_eq!(get("people").await["as_of"], began);
    assert_eq!(get("locations").await["as_of"], began);
    assert_eq!(get("groups").await["as_of"], Value::Null);
    ground.tenant().door("DELETE", "faults", json!({})).await;
    ground.tenant().door("POST", "faults", json!({"fault": "status", "status": 403, "path": "/api/v1/apps"})).await;
    process.drive(&run).await.expect("it goes on");
    let sync = get(&format!("syncs/{run}")).await;
    assert_eq!(sync["streams"]["groups"], json!({"as_of": began, "complete": true, "skipped": null}));
    assert!(sync["streams"]["apps"]["skipped"].is_string(), "{sync:#}");
    assert_eq!((&get("memberships").await["as_of"], &get("apps").await["as_of"]), (&began, &Value::Null));
}

#[tokio::test]
async fn groups_are_read_while_the_limit_of_apps_holds_a_first_sync_up() {
    let ground = Ground::with(small()).await;
    ground.okta.rewrite(|target| *target = target.replace("limit=500", "limit=2"));
    let run = ground.begin(Mode::Full).await;
    let process = ground.lasting().await;
    while process.slice(&run, run.as_str()).await.expect("a slice") == Next::Again {}
    let sync = ground.run(&run).await;
    assert_eq!(sync.status, RunStatus::Waiting);
    let progress = serde_json::to_value(&sync.progress).expect("JSON");
    assert!(progress["assignments"]["seen"].as_u64() > Some(0), "apps come first: {progress}");
    assert!(sync.complete.contains(&okta_connector::connection::Stream::Groups), "{progress}");
    process.drive(&run).await.expect("it goes on");
    assert_eq!(ground.run(&run).await.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_page_of_members_that_is_too_large_for_okta_is_asked_for_in_smaller_ones() {
    let ground = Ground::with(unlimited()).await;
    ground.okta.intercept(|exchange| {
        let is_large = exchange.query.as_deref().is_some_and(|query| query.contains("limit=1000"));
        let body = json!({"errorCode": "E0000009", "errorSummary": "Internal Server Error"});
        (is_large && exchange.path.starts_with("/api/v1/groups/")).then(|| okta_answer(500, &[], &body))
    });
    let run = ground.begin(Mode::Full).await;
    let process = ground.lasting().await;
    process.drive(&run).await.expect("a sync");
    let ended = ground.run(&run).await;
    assert_eq!((ended.status, ended.passed_over_count), (RunStatus::Succeeded, 0));
    assert!(ended.small_pages);
}
