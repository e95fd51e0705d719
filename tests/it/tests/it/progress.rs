//! What a caller sees of a sync while it is at work.

use crate::function::Function;
use crate::picture::Table;
use crate::process::Ground;
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
    ground.okta.rewrite(|target| *target = target.replace("limit=200", "limit=25"));
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
    let away = json!({"fault": "status", "status": 503, "path": "/api/v1/groups"});
    ground.tenant().door("POST", "faults", away).await;
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
async fn a_sync_that_is_not_over_after_a_day_is_given_up_and_says_so() {
    let ground = Ground::with(small()).await;
    let run = ground.begin(Mode::Full).await;
    ground.clock.advance(SignedDuration::from_hours(25));
    let process = ground.lasting().await;
    assert_eq!(process.slice(&run, run.as_str()).await.expect("a slice"), Next::Done);
    let told = ground.run(&run).await;
    assert_eq!(told.status, RunStatus::Failed);
    let error = told.error.expect("a reason");
    assert_eq!(error["detail"], "The sync was given up: it was not over after 24 hours.");
    assert!(ground.okta.calls() == 0, "nothing was asked");
}
