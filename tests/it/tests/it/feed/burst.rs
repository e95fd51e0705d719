//! Bursts: a poller that is killed in the middle of one, pollers that take the feed from each other, and one that outlasts
//! a poll.

use super::ids;
use super::stage::{BUDGET, HOOKED, Reader, Stage};
use it::campaign::Campaign;
use it::proxy::KillSwitch;
use okta_connector::feed::Outlet;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};
use std::pin::pin;
use std::time::Duration;

const OTHER: &str = "user.account.update_profile";
/// Time for some pages.
const SHORT: Duration = Duration::from_millis(100);

/// Many events: most in the order in which they happened, some written late, some of a type that a hook delivers.
struct Burst {
    hooked: Vec<Value>,
    others: Vec<String>,
}

impl Burst {
    /// Of 20 times so many events.
    async fn happen(stage: &Stage, twentieth: usize) -> Self {
        let mut others = stage.happen(json!({"count": 9 * twentieth, "type": OTHER})).await;
        stage.happen(json!({"count": twentieth, "type": HOOKED})).await;
        others.extend(stage.happen(json!({"count": twentieth, "type": OTHER, "late_seconds": 30})).await);
        others.extend(stage.happen(json!({"count": 9 * twentieth, "type": OTHER})).await);
        Self { hooked: stage.newest(HOOKED, twentieth).await, others }
    }

    /// What Okta's requests to the hook deliver. The last of its events are never delivered.
    fn delivered(&self) -> &[Value] {
        &self.hooked[..self.hooked.len() * 4 / 5]
    }
}

/// One process reads the burst and takes deliveries of it, until it dies; true where it lived.
async fn one_process(stage: &Stage, burst: &Burst, gate: &KillSwitch) -> bool {
    let process = stage.process(gate).await;
    let deliveries = async {
        for some in burst.delivered().chunks(25) {
            process.deliver(some).await;
        }
    };
    // A delivery may hold the feed just when the first poll wants it.
    let work = async {
        let _polled = tokio::join!(process.poll(BUDGET), deliveries);
        process.poll(BUDGET).await
    };
    process.alive(Box::pin(work), gate).await
}

/// What is left is read by two pollers. Time passes so fast that each takes the feed from the other, and deliveries that
/// nobody answered come again.
async fn two_pollers(stage: &Stage, burst: &Burst) {
    let never = KillSwitch::never();
    stage.pass(100).await;
    let (first, second) = (stage.process(&never).await, stage.process(&never).await);
    let reads = async { while first.poll(BUDGET).await.is_err() {} };
    let takes_over = async {
        for some in burst.delivered().chunks(100) {
            second.deliver(some).await;
            stage.pass(100).await;
            let _taken_over = second.poll(SHORT).await;
        }
    };
    tokio::join!(Box::pin(reads), Box::pin(takes_over));
    stage.pass(100).await;
    first.poll(BUDGET).await.expect("nobody else polls");
}

async fn assert_told_once(stage: &Stage, burst: &Burst, case: &str) {
    let told = stage.told().await;
    let once = |list: &[String]| assert_eq!(list.iter().collect::<HashSet<_>>().len(), list.len(), "{case}: no two");
    let (of_hook, polled) = (&told[stage.hooked.as_str()], &told[stage.polled.as_str()]);
    once(of_hook);
    once(polled);
    let hooked = ids(&burst.hooked);
    assert!(of_hook.iter().cloned().collect::<BTreeSet<_>>() == hooked, "{case}: {} of the hook", of_hook.len());
    let (of_hook, others): (Vec<_>, Vec<_>) = polled.iter().cloned().partition(|id| hooked.contains(id));
    assert_eq!(of_hook.len(), hooked.len(), "{case}");
    assert!(others == burst.others, "{case}: {} others, in the order of the log", others.len());
    let published = stage.bus.details();
    let published: HashSet<_> = published.iter().filter_map(|event| event["id"].as_str()).collect();
    assert_eq!(published.len(), hooked.len(), "{case}: the bus has each");
    let missed = burst.hooked.len() - burst.delivered().len();
    assert_eq!(stage.head().await.missed_hooks, missed as u64, "{case}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_is_told_once_and_in_order_although_pollers_die_in_it_and_take_it_from_each_other() {
    let campaign = Campaign::start();
    let twentieth = campaign.count(250, 1_000);
    let mut stage = Stage::new(&[Outlet::Feed]).await;
    let burst = Burst::happen(&stage, twentieth).await;
    let gate = KillSwitch::never();
    assert!(one_process(&stage, &burst, &gate).await);
    assert_told_once(&stage, &burst, "undisturbed").await;
    let calls = gate.count();
    assert!(calls > campaign.count(50, 200), "{calls}");
    // How many calls there are depends on how poll and deliveries meet, so that one of the last may not be reached.
    let points = campaign.spread(calls * 9 / 10, 2, 40);
    let mut died = 0;
    for point in &points {
        stage.begin().await;
        let burst = Burst::happen(&stage, twentieth).await;
        died += usize::from(!one_process(&stage, &burst, &point.switch()).await);
        two_pollers(&stage, &burst).await;
        assert_told_once(&stage, &burst, &format!("{point:?}")).await;
    }
    assert!(!campaign.is_full() || died * 5 >= points.len() * 4, "{died} of {} died", points.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_that_outlasts_a_poll_is_read_on_by_the_next_and_can_be_followed_meanwhile() {
    let stage = Stage::new(&[Outlet::Feed]).await;
    let count = Campaign::start().count(10_000, 50_000);
    let written = stage.happen(json!({"count": count, "type": OTHER})).await;
    let process = stage.process(&KillSwitch::never()).await;
    let (mut reader, mut polls, mut budget) = (Reader::new(&stage), 0, SHORT);
    {
        let mut reads = pin!(reader.reads_until(&stage.polled, written.len()));
        loop {
            tokio::select! {
                () = &mut reads => break,
                polled = process.poll(budget) => polled.expect("a poll"),
            }
            polls += 1;
            // A busy machine may take longer for a page.
            if stage.head().await.poll_error.is_some() {
                budget *= 2;
            }
        }
    }
    assert!(polls > 1, "one poll read all of it");
    assert!(reader.told[stage.polled.as_str()] == written);
}
