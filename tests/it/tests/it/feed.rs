//! The feed holds every event once for each trigger, in sequence and without a gap, whoever is killed when; and the bus
//! gets each at least once.

mod burst;
mod stage;

use it::proxy::{KillSwitch, When};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poller_receiver_and_publisher_killed_at_any_call_tell_every_event_once() {
    let mut stage = Stage::new(&[Outlet::Feed, Outlet::Bus]).await;
    let (mut kill, mut calls) = (None::<(usize, When)>, usize::MAX);
    let mut number = 0;
    loop {
        stage.happen(json!({"count": 9, "type": HOOKED})).await;
        let others = stage.happen(json!({"count": 7, "type": "user.account.update_profile", "late_seconds": 30})).await;
        let hooked = stage.newest(HOOKED, 9).await;
        stage.bus.refuse_every(5);
        let gate = kill.map_or_else(KillSwitch::never, |(at, when)| KillSwitch::new(at, when));
        let lived = stage.process(&gate).await.work(&hooked, &gate).await;
        assert_eq!(lived, kill.is_none(), "{kill:?}");
        if kill.is_none() {
            calls = gate.count();
        } else {
            stage.pass(100).await;
            let never = KillSwitch::never();
            assert!(stage.process(&never).await.work(&hooked, &never).await);
        }
        assert_told_once(&stage, &hooked, &others, &format!("{kill:?}")).await;
        number += 1;
        if number > 2 * calls {
            break;
        }
        kill = Some((number.div_ceil(2), if number % 2 == 0 { When::After } else { When::Before }));
        stage.begin().await;
    }
    assert!(calls > 30, "{calls}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hooks_missed_is_counted_once_although_a_page_takes_several_commits_and_pollers_die_in_it() {
    let mut stage = Stage::new(&[Outlet::Feed]).await;
    let (mut at, never) = (1, KillSwitch::never());
    loop {
        stage.happen(json!({"count": 200, "type": HOOKED})).await;
        let gate = KillSwitch::new(at, When::After);
        let process = stage.process(&gate).await;
        let lived = process.alive(Box::pin(process.poll(BUDGET)), &gate).await;
        stage.pass(100).await;
        stage.process(&never).await.poll(BUDGET).await.expect("a poll");
        assert_eq!(stage.head().await.missed_hooks, 200, "killed after call {at}");
        if lived {
            break;
        }
        at += 1;
        stage.begin().await;
    }
    assert!(at > 15, "{at}");
}
