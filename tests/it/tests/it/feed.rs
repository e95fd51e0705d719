//! The feed holds every event once for each trigger, in sequence and without a gap, whoever is killed when; and the bus
//! gets each at least once.

use crate::bus::{self, TestBus};
use crate::process::{Ground, Process};
use crate::world::small;
use aws_lc_rs::digest::{SHA256, digest};
use it::proxy::{KillSwitch, Proxy, When};
use jiff::SignedDuration;
use okta_connector::feed::{self, Filter, Head, Hook, Kind, Outlet, Reading, Trigger};
use okta_connector::id::TriggerId;
use okta_connector::triggers;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const HOOKED: &str = "user.session.start";
const SECRET: &str = "a secret that Okta shows";
const BUDGET: Duration = Duration::from_secs(60);

/// A tenant with a trigger on what a hook delivers, and one on everything new.
struct Stage {
    ground: Ground,
    bus: TestBus,
    hooked: TriggerId,
    polled: TriggerId,
}

fn trigger(kind: Kind, hook: Option<Hook>, stage: &Ground) -> Trigger {
    let at = stage.connection.created_at;
    Trigger {
        id: TriggerId::random(),
        name: None,
        kind,
        enabled: true,
        timezone: "UTC".to_owned(),
        deliver: BTreeSet::from([Outlet::Feed, Outlet::Bus]),
        hook,
        fault: None,
        created_at: at,
        updated_at: at,
        revision: 0,
    }
}

impl Stage {
    async fn new() -> Self {
        let config = okta_simulator::Config { rate_limit: Some(10_000_000), ..small() };
        let (ground, bus) = (Ground::with(config).await, TestBus::start().await);
        let mut stage = Self { ground, bus, hooked: TriggerId::random(), polled: TriggerId::random() };
        stage.begin().await;
        stage
    }

    /// An empty table in which the two triggers stand, at the place in the log that is now.
    async fn begin(&mut self) {
        self.pass(120).await;
        self.ground.renew().await;
        self.bus = TestBus::start().await;
        let hash = digest(&SHA256, SECRET.as_bytes());
        let secret_hash = hash.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let hook = Some(Hook { okta_id: Some("who1".to_owned()), verified: true, secret_hash });
        let kind = Kind::EventHook { event_types: BTreeSet::from([HOOKED.to_owned()]) };
        let of_hook = trigger(kind, hook, &self.ground);
        let kind = Kind::NewEvents { filter: None, schedule: "rate(1 minute)".to_owned() };
        let of_all = trigger(kind, None, &self.ground);
        (self.hooked, self.polled) = (of_hook.id.clone(), of_all.id.clone());
        let connection = &self.ground.connection.id;
        for it in [of_hook, of_all] {
            self.ground.store().transact(vec![it.write(connection).expect("a write")]).await.expect("a table");
        }
        self.process(&KillSwitch::never()).await.poll().await;
        self.pass(120).await;
    }

    /// Time passes in the tenant and here; the lease of whoever died is over.
    async fn pass(&self, seconds: i64) {
        self.ground.clock.advance(SignedDuration::from_secs(seconds));
        self.ground.tenant().door("POST", "clock", json!({"advance": format!("{seconds}s")})).await;
    }

    async fn happen(&self, order: Value) {
        self.ground.tenant().door("POST", "events", order).await;
    }

    /// What the log holds, by when it happened.
    async fn log(&self) -> Vec<Value> {
        let (events, _) = self.ground.tenant().call("GET", "/api/v1/logs?limit=1000&sortOrder=DESCENDING", None).await;
        let mut events = events.as_array().expect("events").clone();
        events.reverse();
        events
    }

    async fn process(&self, gate: &KillSwitch) -> Runner<'_> {
        let process = self.ground.warm_process(gate).await;
        let bus = Proxy::start(self.bus.url()).await;
        bus.kill_at(gate);
        let mut runner = Runner { stage: self, process, bus };
        runner.process.app.bus = Some(bus::client(&runner.bus.url()));
        runner
    }

    /// Everything in the feed: what each trigger was told of, in order.
    async fn told(&self) -> BTreeMap<String, Vec<String>> {
        let (mut told, mut from) = (BTreeMap::<String, Vec<String>>::new(), None::<String>);
        let (store, clock) = (self.ground.store(), self.ground.clock.clone());
        let ground = feed::Ground { store, clock, bus: None, days: feed::USUAL_DAYS };
        loop {
            let id = &self.ground.connection.id;
            let read = feed::read(&ground, id, &Filter::default(), from.as_deref(), 200).await.expect("a table");
            let Some(Reading::Page(page)) = read else { panic!("no page") };
            for item in &page.items {
                let text = |name: &str| item[name].as_str().expect(name).to_owned();
                told.entry(text("source").rsplit('/').next().expect("a trigger").to_owned())
                    .or_default()
                    .push(text("id"));
            }
            if from.as_ref() == Some(&page.next) {
                return told;
            }
            from = Some(page.next);
        }
    }

    async fn head(&self) -> Head {
        Head::load(&self.ground.store(), &self.ground.connection.id).await.expect("a table")
    }
}

struct Runner<'a> {
    stage: &'a Stage,
    process: Process,
    bus: Proxy,
}

impl Runner<'_> {
    /// Does something unless the process dies of it; true where it lived.
    async fn alive<T>(&self, what: impl Future<Output = T>, gate: &KillSwitch) -> bool {
        tokio::select! {
            biased;
            () = gate.died() => false,
            _ = what => !gate.is_dead(),
        }
    }

    async fn poll(&self) {
        let connection = &self.stage.ground.connection;
        triggers::poll(&self.process.app, connection, BUDGET).await.expect("a poll");
    }

    async fn deliver(&self, events: &[Value]) {
        let opaque = |id: &str| id.rsplit('_').next().expect("an id").to_owned();
        let hook =
            format!("{}{}", opaque(self.stage.ground.connection.id.as_str()), opaque(self.stage.hooked.as_str()));
        let body = json!({"eventType": "com.okta.event_hook", "data": {"events": events}}).to_string();
        let body = async { Ok(body.into_bytes().into()) };
        triggers::receive(&self.process.app.ground(), &hook, Some(SECRET), body).await.expect("a delivery");
    }

    /// A delivery, a poll that finds more than was delivered, and a delivery that is partly known by then.
    async fn work(&self, hooked: &[Value], gate: &KillSwitch) -> bool {
        self.alive(Box::pin(self.deliver(&hooked[..4])), gate).await
            && self.alive(Box::pin(self.poll()), gate).await
            && self.alive(Box::pin(self.deliver(&hooked[2..6])), gate).await
    }
}

fn ids(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|event| event["uuid"].as_str().expect("a uuid").to_owned()).collect()
}

/// What the log holds of one type.
fn of_type(log: &[Value], kind: &str) -> Vec<Value> {
    log.iter().filter(|event| event["eventType"] == kind).cloned().collect()
}

async fn assert_told_once(stage: &Stage, hooked: &[Value], others: &[Value], case: &str) {
    let told = stage.told().await;
    let once = |trigger: &TriggerId| {
        let list = told.get(trigger.as_str()).cloned().unwrap_or_default();
        let set: BTreeSet<_> = list.iter().cloned().collect();
        assert_eq!(set.len(), list.len(), "{case}: nothing twice");
        set
    };
    assert_eq!(once(&stage.hooked), ids(hooked), "{case}");
    let all: BTreeSet<_> = ids(hooked).union(&ids(others)).cloned().collect();
    assert_eq!(once(&stage.polled), all, "{case}");
    let published: BTreeSet<_> =
        stage.bus.details().iter().map(|it| format!("{} {}", it["source"], it["id"])).collect();
    assert_eq!(published.len(), hooked.len() + all.len(), "{case}: the bus has each");
    assert_eq!(stage.head().await.missed_hooks, (hooked.len() - 6) as u64, "{case}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poller_receiver_and_publisher_killed_at_any_call_tell_every_event_once() {
    let mut stage = Stage::new().await;
    let (mut kill, mut calls) = (None::<(usize, When)>, usize::MAX);
    let mut number = 0;
    loop {
        stage.happen(json!({"count": 9, "type": HOOKED})).await;
        stage.happen(json!({"count": 7, "type": "user.account.update_profile", "late_seconds": 30})).await;
        let log = stage.log().await;
        let (hooked, others) = (of_type(&log, HOOKED), of_type(&log, "user.account.update_profile"));
        let (hooked, others) = (hooked[hooked.len() - 9..].to_vec(), others[others.len() - 7..].to_vec());
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
