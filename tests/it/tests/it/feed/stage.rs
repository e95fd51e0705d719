//! A tenant with a trigger on what a hook delivers and one on everything new, and the processes that serve them.

use crate::bus::{self, TestBus};
use crate::process::{DrivenByTest, Ground, Process};
use crate::world::quiet;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use it::proxy::{KillSwitch, Proxy};
use jiff::SignedDuration;
use okta_connector::feed::{self, Filter, Head, Hook, Kind, Outlet, Reading, Trigger};
use okta_connector::id::TriggerId;
use okta_connector::problem::Problem;
use okta_connector::triggers;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

pub const HOOKED: &str = "user.session.start";
const SECRET: &str = "a secret that Okta shows";
pub const BUDGET: Duration = Duration::from_secs(60);

/// A tenant with a trigger on what a hook delivers, and one on everything new.
pub struct Stage {
    pub ground: Ground,
    pub bus: TestBus,
    pub hooked: TriggerId,
    pub polled: TriggerId,
    /// Where the second one's events go.
    outlets: &'static [Outlet],
}

fn trigger(kind: Kind, hook: Option<Hook>, outlets: &[Outlet], ground: &Ground) -> Trigger {
    let at = ground.connection.created_at;
    Trigger {
        id: TriggerId::random(),
        name: None,
        kind,
        enabled: true,
        timezone: "UTC".to_owned(),
        deliver: outlets.iter().copied().collect(),
        hook,
        fault: None,
        is_own: false,
        created_at: at,
        updated_at: at,
        revision: 0,
    }
}

impl Stage {
    pub async fn new(outlets: &'static [Outlet]) -> Self {
        let (ground, bus) = (Ground::with(quiet()).await, TestBus::start().await);
        let (hooked, polled) = (TriggerId::random(), TriggerId::random());
        let mut stage = Self { ground, bus, hooked, polled, outlets };
        stage.begin().await;
        stage
    }

    /// An empty table in which the two triggers stand, at the place in the log that is now.
    pub async fn begin(&mut self) {
        self.pass(120).await;
        self.ground.renew().await;
        self.bus = TestBus::start().await;
        let secret_hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, SECRET.as_bytes()));
        let hook = Some(Hook { okta_id: Some("who1".to_owned()), verified: true, secret_hash, ..Hook::default() });
        let kind = Kind::EventHook { event_types: BTreeSet::from([HOOKED.to_owned()]) };
        let of_hook = trigger(kind, hook, &[Outlet::Feed, Outlet::Bus], &self.ground);
        let kind = Kind::NewEvents { filter: None, schedule: "rate(1 minute)".to_owned() };
        let of_all = trigger(kind, None, self.outlets, &self.ground);
        (self.hooked, self.polled) = (of_hook.id.clone(), of_all.id.clone());
        let connection = &self.ground.connection.id;
        for it in [of_hook, of_all] {
            self.ground.store().transact(vec![it.write(connection).expect("a write")]).await.expect("a table");
        }
        self.process(&KillSwitch::never()).await.poll(BUDGET).await.expect("a poll");
        self.pass(120).await;
    }

    /// Time passes in the tenant, then here: what was signed meanwhile is not of the future. The lease of whoever died is
    /// over.
    pub async fn pass(&self, seconds: i64) {
        self.ground.tenant().door("POST", "clock", json!({"advance": format!("{seconds}s")})).await;
        self.ground.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Writes events into the tenant's log; gives their names in the order in which the log has them.
    pub async fn happen(&self, order: Value) -> Vec<String> {
        let written = self.ground.tenant().door("POST", "events", order).await;
        serde_json::from_value(written["uuids"].clone()).expect("names")
    }

    /// The newest of the log of one type, by when they happened.
    pub async fn newest(&self, kind: &str, count: usize) -> Vec<Value> {
        let filter = format!("eventType%20eq%20%22{kind}%22");
        let path = format!("/api/v1/logs?limit={count}&sortOrder=DESCENDING&filter={filter}");
        let (events, _) = self.ground.tenant().call("GET", &path, None).await;
        let mut events = events.as_array().expect("events").clone();
        events.reverse();
        events
    }

    pub async fn process(&self, gate: &KillSwitch) -> Runner<'_> {
        let process = self.ground.warm_process(gate).await;
        let bus = Proxy::start(self.bus.url()).await;
        bus.kill_at(gate);
        let mut runner = Runner { stage: self, process, bus };
        runner.process.app.bus = Some(bus::client(&runner.bus.url()));
        runner
    }

    /// Everything in the feed: what each trigger was told of, in order.
    pub async fn told(&self) -> BTreeMap<String, Vec<String>> {
        let mut reader = Reader::new(self);
        while reader.read_on().await {}
        reader.told
    }

    pub async fn head(&self) -> Head {
        Head::load(&self.ground.store(), &self.ground.connection.id).await.expect("a table")
    }
}

/// Who reads the feed from its beginning.
pub struct Reader<'a> {
    stage: &'a Stage,
    ground: feed::Ground,
    from: Option<String>,
    /// What each trigger was told of so far, in order.
    pub told: BTreeMap<String, Vec<String>>,
}

impl<'a> Reader<'a> {
    pub fn new(stage: &'a Stage) -> Self {
        let (store, clock) = (stage.ground.store(), stage.ground.clock.clone());
        let runner = Arc::new(DrivenByTest);
        let ground = feed::Ground { store, clock, bus: None, days: feed::USUAL_DAYS, runner };
        Self { stage, ground, from: None, told: BTreeMap::new() }
    }

    /// Reads one page more; true where there was something new.
    pub async fn read_on(&mut self) -> bool {
        let id = &self.stage.ground.connection.id;
        let read = feed::read(&self.ground, id, &Filter::default(), self.from.as_deref(), 200).await;
        let Some(Reading::Page(page)) = read.expect("a table") else { panic!("no page") };
        for item in &page.items {
            let text = |name: &str| item[name].as_str().expect(name).to_owned();
            let trigger = text("source").rsplit('/').next().expect("a trigger").to_owned();
            self.told.entry(trigger).or_default().push(text("id"));
        }
        let is_new = self.from.as_ref() != Some(&page.next);
        self.from = Some(page.next);
        is_new
    }

    /// Reads on until a trigger was told of so many events.
    pub async fn reads_until(&mut self, trigger: &TriggerId, count: usize) {
        while self.told.get(trigger.as_str()).map_or(0, Vec::len) < count {
            if !self.read_on().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// A process that serves the triggers of a stage.
pub struct Runner<'a> {
    stage: &'a Stage,
    process: Process,
    bus: Proxy,
}

impl Runner<'_> {
    /// Does something unless the process dies of it; true where it lived.
    pub async fn alive<T>(&self, what: impl Future<Output = T>, gate: &KillSwitch) -> bool {
        tokio::select! {
            biased;
            () = gate.died() => false,
            _ = what => !gate.is_dead(),
        }
    }

    pub async fn poll(&self, budget: Duration) -> Result<(), Problem> {
        let poll = triggers::poll(&self.process.app, &self.stage.ground.connection, budget);
        poll.instrument(tracing::info_span!("turn", function = "log-poll")).await
    }

    pub async fn deliver(&self, events: &[Value]) {
        let opaque = |id: &str| id.rsplit('_').next().expect("an id").to_owned();
        let hook =
            format!("{}{}", opaque(self.stage.ground.connection.id.as_str()), opaque(self.stage.hooked.as_str()));
        let body = json!({"eventType": "com.okta.event_hook", "data": {"events": events}}).to_string();
        let body = async { Ok(body.into_bytes().into()) };
        let ground = self.process.app.ground();
        let receive = triggers::receive(&ground, &hook, Some(SECRET), body);
        receive.instrument(tracing::info_span!("request", function = "public")).await.expect("a delivery");
    }
}
