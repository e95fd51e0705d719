//! A panic is an error like any other: it is caught, its lease is released, and the trigger or sync shows the reason.

use crate::feed::stage::{BUDGET, Stage};
use crate::process::Ground;
use crate::world::text;
use futures::FutureExt;
use it::campaign::Campaign;
use it::proxy::KillSwitch;
use okta_connector::feed::Outlet;
use okta_connector::runs;
use okta_connector::store::keys;
use okta_connector::sync::{self, Next, Slice};
use okta_connector::synced::{Mode, RunStatus};
use serde_json::json;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// A bound above the number of clock readings in the work under test.
const MOST_READINGS: i64 = 500;

#[tokio::test]
async fn a_panic_anywhere_in_a_poll_gives_the_feed_back_and_says_why_nothing_came() {
    let mut stage = Stage::new(&[Outlet::Feed]).await;
    let mut shown = 0;
    for nth in Campaign::start().every(3, 1, MOST_READINGS) {
        stage.begin().await;
        stage.happen(json!({"count": 3, "type": "user.account.update_profile"})).await;
        let runner = stage.process(&KillSwitch::never()).await;
        stage.ground.clock.panic_at(nth);
        let polled = AssertUnwindSafe(runner.poll(BUDGET)).catch_unwind().await;
        if stage.ground.clock.will_panic() {
            assert!(shown >= 3, "{shown} of {nth} panics were shown");
            return;
        }
        let key = keys::feed_lease(&stage.ground.connection.id);
        assert_eq!(stage.ground.store().lease_owner(&key).await.expect("a table"), None, "{nth}: the feed is free");
        if matches!(polled, Ok(Err(_))) {
            let reason = stage.head().await.poll_error;
            shown += i64::from(reason.is_some_and(|reason| reason.contains("fault of its own")));
        }
        runner.poll(BUDGET).await.expect("the next poll");
        assert_eq!(stage.told().await.get(stage.polled.as_str()).map_or(0, Vec::len), 3, "{nth}: each event once");
        assert_eq!(stage.head().await.poll_error, None, "{nth}");
    }
    panic!("the poll never ends");
}

#[tokio::test]
async fn a_panic_anywhere_in_a_slice_ends_the_run_and_lets_the_next_one_begin() {
    let mut ground = Ground::with(crate::scene::tiny(1)).await;
    let mut shown = 0;
    for nth in Campaign::start().every(23, 7, MOST_READINGS) {
        ground.renew().await;
        let process = ground.warm_process(&KillSwitch::never()).await;
        let run = runs::start(&process.app, &ground.connection, Mode::Full).await.expect("a run").id;
        let slice = Slice { connection: ground.connection.id.clone(), execution: run.to_string(), run: run.clone() };
        ground.clock.panic_at(nth);
        let next = sync::slice(&process.app, &slice, Duration::from_secs(60)).await.expect("a table");
        assert_eq!(next, Next::Done);
        if ground.clock.will_panic() {
            assert!(shown >= 3, "{shown}");
            return;
        }
        let ended = ground.run(&run).await;
        if ended.status == RunStatus::Failed {
            let error = ended.error.expect("a reason");
            assert!(text(&error, "detail").contains("fault of its own"), "{error:#}");
            shown += 1;
        }
        assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded, "{nth}: the next one is free to begin");
    }
    panic!("the sync never ends");
}
