//! A scene for actions: a connection that may do everything, a process that lasts, and processes that die at a chosen
//! outbound call.

use crate::function::Function;
use crate::process::{Ground, Process};
use crate::world::{Reply, text};
use it::campaign::Point;
use it::proxy::KillSwitch;
use jiff::SignedDuration;
use okta_connector::http::Caller;
use okta_simulator::Config;
use serde_json::{Value, json};

/// What an action may need of the tenant.
const SCOPES: [&str; 7] = [
    "okta.users.manage",
    "okta.users.read",
    "okta.groups.manage",
    "okta.groups.read",
    "okta.apps.manage",
    "okta.apps.read",
    "okta.logs.read",
];

/// A tenant, a connection and a process.
pub struct Scene {
    pub ground: Ground,
    lasting: Process,
    /// Whether those who die have spoken to the tenant before.
    warm: bool,
}

/// A tenant with few people.
pub fn tiny(seed: u64) -> Config {
    let rate_limit = Some(10_000_000);
    Config { users: 8, groups: 6, apps: 2, memberships: Some(12), seed, rate_limit, ..Config::default() }
}

fn header(key: Option<&str>) -> Vec<(&str, &str)> {
    key.map(|key| ("idempotency-key", key)).into_iter().collect()
}

async fn lasting(ground: &Ground) -> Process {
    ground.warm_process(&KillSwitch::never()).await
}

impl Scene {
    /// A connection with a signed key.
    pub async fn with(config: Config) -> Self {
        Self::scoped(config, &SCOPES).await
    }

    /// A connection with a signed key that asks for these scopes.
    pub async fn scoped(config: Config, scopes: &[&str]) -> Self {
        let mut ground = Ground::with(config).await;
        ground.connection.auth.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        ground.connection.settings.permissions.actions = vec!["all".to_owned()];
        ground.renew().await;
        Self { lasting: lasting(&ground).await, ground, warm: false }
    }

    /// Whoever dies has spoken to the tenant before, and knows a token.
    pub async fn warmed(self) -> Self {
        let reply = self.function().call("POST", &self.path("user.search"), &[], Some(json!({"q": "a"}))).await;
        reply.expect(200);
        Self { warm: true, ..self }
    }

    /// A connection with an API token.
    pub async fn by_token(config: Config) -> Self {
        let mut scene = Self::with(config).await;
        scene.ground.sign_in_by_token().await;
        scene.lasting = lasting(&scene.ground).await;
        scene
    }

    /// The functions of the process that lasts.
    pub fn function(&self) -> Function {
        Function::of(&self.lasting.app)
    }

    /// The same, called by an admin of another name.
    pub fn called_by(&self, subject: &str) -> Function {
        let caller = Caller::named(subject, [].into(), true);
        Function::called_by(&self.lasting.app, caller)
    }

    /// Where an action of the connection is called.
    pub fn path(&self, action: &str) -> String {
        format!("/v1/connections/{}/actions/{action}", self.ground.connection.id)
    }

    /// Calls an action under a key.
    pub async fn keyed(&self, key: &str, action: &str, input: &Value) -> Reply {
        self.call(Some(key), action, input).await
    }

    /// Calls an action, perhaps under a key.
    pub async fn call(&self, key: Option<&str>, action: &str, input: &Value) -> Reply {
        self.function().call("POST", &self.path(action), &header(key), Some(input.clone())).await
    }

    async fn process(&self, gate: &KillSwitch) -> Process {
        if self.warm { self.ground.warm_process(gate).await } else { self.ground.process(gate).await }
    }

    /// How many calls leave a fresh process that runs an action, and its answer.
    pub async fn count(&self, key: Option<&str>, action: &str, input: &Value) -> (usize, Reply) {
        let (gate, key) = (KillSwitch::never(), header(key));
        let process = self.process(&gate).await;
        let reply = Function::of(&process.app).call("POST", &self.path(action), &key, Some(input.clone())).await;
        self.ground.okta.kill_at(&KillSwitch::never());
        (gate.count(), reply)
    }

    /// A fresh process runs an action and dies; half a minute later nobody takes it for alive.
    pub async fn killed(&self, point: Point, key: Option<&str>, action: &str, input: &Value) {
        let (gate, key) = (point.switch(), header(key));
        let process = self.process(&gate).await;
        let function = Function::of(&process.app);
        let reply = function.killed(&gate, "POST", &self.path(action), &key, Some(input.clone())).await;
        assert!(reply.is_none(), "{point:?}: there is such a call");
        self.ground.okta.kill_at(&KillSwitch::never());
        self.pass(31).await;
    }

    /// Time passes, for us and for the tenant.
    pub async fn pass(&self, seconds: i64) {
        self.ground.clock.advance(SignedDuration::from_secs(seconds));
        self.ground.tenant().door("POST", "clock", json!({"advance": format!("{seconds}s")})).await;
    }

    /// The outcomes that the audit tells, oldest first; `query` narrows it.
    pub async fn outcomes(&self, query: &str) -> Vec<String> {
        let page = self.function().call("GET", &format!("/v1/audit?{query}&limit=200"), &[], None).await.expect(200);
        let rows = page["items"].as_array().expect("rows");
        rows.iter().rev().map(|row| text(row, "outcome").to_owned()).collect()
    }
}
