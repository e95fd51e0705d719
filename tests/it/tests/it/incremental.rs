//! An incremental sync leaves the same directory as one that reads everything and takes nothing for unchanged.

use crate::picture::Table;
use crate::process::Ground;
use crate::tenancy::{Change, make};
use crate::world::small;
use okta_connector::synced::{Mode, RunStatus};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

/// Runs a sync that must succeed, and holds the directory against the tenant.
async fn sync_and_compare(ground: &Ground, mode: Mode, after: &[Change]) {
    let run = ground.sync(mode).await;
    assert_eq!(run.status, RunStatus::Succeeded, "{after:#?} {:?}", run.error);
    assert_eq!(run.mode, mode);
    let (picture, wanted) = (Table::read(ground).await.picture(ground).await, ground.tenant().picture().await);
    assert_eq!(picture, wanted, "{after:#?}");
}

/// Time passes in the tenant and here, so that Okta's search and log have caught up.
async fn pass(ground: &Ground, seconds: i64) {
    ground.clock.advance(jiff::SignedDuration::from_secs(seconds));
    ground.tenant().door("POST", "clock", json!({"advance": format!("{seconds}s")})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_changes_an_incremental_sync_leaves_what_a_full_one_would() {
    let mut runner = TestRunner::deterministic();
    let sequences = prop::collection::vec(prop::collection::vec(any::<Change>(), 1..8), 20);
    for _ in 0..2 {
        let ground = Ground::with(okta_simulator::Config { rate_limit: Some(10_000_000), ..small() }).await;
        assert_eq!(ground.sync(Mode::Full).await.status, RunStatus::Succeeded);
        for changes in sequences.new_tree(&mut runner).expect("sequences").current() {
            for change in &changes {
                make(&ground.tenant(), change).await;
            }
            pass(&ground, 2).await;
            sync_and_compare(&ground, Mode::Incremental, &changes).await;
            pass(&ground, 600).await;
        }
        sync_and_compare(&ground, Mode::Verify, &[]).await;
    }
}
