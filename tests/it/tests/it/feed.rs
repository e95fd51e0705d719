//! The feed holds every event once for each trigger, in sequence and without a gap, whoever is killed when; and the bus
//! gets each at least once.

mod burst;
pub mod stage;

use it::campaign::Campaign;
use it::proxy::KillSwitch;
use okta_connector::feed::Outlet;
use okta_connector::id::TriggerId;
use serde_json::{Value, json};
use stage::{BUDGET, HOOKED, Runner, Stage};
use std::collections::BTreeSet;

impl Runner<'_> {
    /// A delivery, a poll that finds more than was delivered, and a delivery that is partly known by then.
    async fn work(&self, hooked: &[Value], gate: &KillSwitch) -> bool {
        self.alive(Box::pin(self.deliver(&hooked[..4])), gate).await
            && self.alive(Box::pin(self.poll(BUDGET)), gate).await
            && self.alive(Box::pin(self.deliver(&hooked[2..6])), gate).await
    }
}

fn ids(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|event| event["uuid"].as_str().expect("a uuid").to_owned()).collect()
}

async fn assert_told_once(stage: &Stage, hooked: &[Value], others: &[String], case: &str) {
    let told = stage.told().await;
    let once = |trigger: &TriggerId| {
        let list = told.get(trigger.as_str()).cloned().unwrap_or_default();
        let set: BTreeSet<_> = list.iter().cloned().collect();
        assert_eq!(set.len(), list.len(), "{case}: nothing twice");
        set
    };
    assert_eq!(once(&stage.hooked), ids(hooked), "{case}");
    let all: BTreeSet<_> = ids(hooked).into_iter().chain(others.iter().cloned()).collect();
    assert_eq!(once(&stage.polled), all, "{case}");
    let published: BTreeSet<_> =
        stage.bus.details().iter().map(|it| format!("{} {}", it["source"], it["id"])).collect();
    assert_eq!(published.len(), hooked.len() + all.len(), "{case}: the bus has each");
    assert_eq!(stage.head().await.missed_hooks, (hooked.len() - 6) as u64, "{case}");
}

/// What happens in the tenant before a process begins to work.
struct Day {
    hooked: Vec<Value>,
    others: Vec<String>,
}

impl Day {
    async fn dawn(stage: &Stage) -> Self {
        stage.happen(json!({"count": 9, "type": HOOKED})).await;
        let others = stage.happen(json!({"count": 7, "type": "user.account.update_profile", "late_seconds": 30})).await;
        stage.bus.refuse_every(5);
        Self { hooked: stage.newest(HOOKED, 9).await, others }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poller_receiver_and_publisher_killed_at_any_call_tell_every_event_once() {
    let mut stage = Stage::new(&[Outlet::Feed, Outlet::Bus]).await;
    let day = Day::dawn(&stage).await;
    let never = KillSwitch::never();
    assert!(stage.process(&never).await.work(&day.hooked, &never).await);
    assert_told_once(&stage, &day.hooked, &day.others, "undisturbed").await;
    assert!(never.count() > 30, "{}", never.count());
    for point in Campaign::start().points(never.count()) {
        stage.begin().await;
        let day = Day::dawn(&stage).await;
        let gate = point.switch();
        let never = KillSwitch::never();
        assert!(!stage.process(&gate).await.work(&day.hooked, &gate).await, "{point:?}: there is such a call");
        stage.pass(100).await;
        assert!(stage.process(&never).await.work(&day.hooked, &never).await);
        assert_told_once(&stage, &day.hooked, &day.others, &format!("{point:?}")).await;
    }
}

/// Polls unless the process dies of it; true where it lived.
async fn polls(stage: &Stage, gate: &KillSwitch) -> bool {
    let process = stage.process(gate).await;
    process.alive(Box::pin(process.poll(BUDGET)), gate).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hooks_missed_is_counted_once_although_a_page_takes_several_commits_and_pollers_die_in_it() {
    let mut stage = Stage::new(&[Outlet::Feed]).await;
    let never = KillSwitch::never();
    stage.happen(json!({"count": 200, "type": HOOKED})).await;
    assert!(polls(&stage, &never).await);
    assert!(never.count() > 15, "{}", never.count());
    for point in Campaign::start().points(never.count()) {
        stage.begin().await;
        stage.happen(json!({"count": 200, "type": HOOKED})).await;
        assert!(!polls(&stage, &point.switch()).await, "{point:?}: there is such a call");
        stage.pass(100).await;
        assert!(polls(&stage, &KillSwitch::never()).await);
        assert_eq!(stage.head().await.missed_hooks, 200, "{point:?}");
    }
}

#[tokio::test]
async fn what_the_bus_refuses_for_good_stops_nothing_behind_it() {
    for whole in [false, true] {
        let stage = Stage::new(&[Outlet::Feed, Outlet::Bus]).await;
        let names = stage.happen(json!({"count": 3, "type": "user.account.update_profile"})).await;
        // Its content, or whatever names it.
        stage.bus.refuse(&if whole { names[0].clone() } else { format!("\"uuid\":\"{}\"", names[0]) });
        stage.pass(60).await;
        stage.process(&KillSwitch::never()).await.poll(BUDGET).await.expect("a poll");
        let details = stage.bus.details();
        let of = |name: &str| details.iter().find(|detail| detail["id"] == name);
        assert!(names[1..].iter().all(|name| of(name).is_some_and(|detail| detail["data"]["uuid"] == **name)));
        match of(&names[0]) {
            None => assert!(whole, "it is passed over"),
            Some(detail) => assert!(!whole && detail["data"]["feed"].is_string(), "the feed has it: {detail:#}"),
        }
        let head = stage.head().await;
        assert_eq!((head.published, stage.told().await[stage.polled.as_str()].len()), (head.tail, 3));
    }
}
