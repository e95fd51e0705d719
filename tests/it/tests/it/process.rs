//! A process of the sync that a test drives and kills, and the ground that outlives it: a tenant, a table, secrets.
//!
//! A process owns everything that a function holds in memory. Every call it makes leaves through a proxy, or is counted
//! beside one, on the same switch; when the switch fires, the process is dropped with all it had.

mod ports;

pub use ports::DrivenByTest;

use crate::picture::Tenant;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_dynamodb::Engine;
use flate2::read::ZlibDecoder;
use it::campaign::Point;
use it::proxy::{KillSwitch, Proxy};
use jiff::{SignedDuration, Timestamp};
use okta_connector::app::App;
use okta_connector::clock::{Clock, SharedClock, SystemClock};
use okta_connector::connection::{self, Auth, AuthType, Connection, Credentials, KeySource, Settings, Status, Stored};
use okta_connector::feed::USUAL_DAYS;
use okta_connector::id::{ConnectionId, SyncId};
use okta_connector::okta::{AllowedOrigins, SigningKey, SystemResolver, Transport};
use okta_connector::problem::Problem;
use okta_connector::runs;
use okta_connector::secrets::Secrets;
use okta_connector::store::{Store, create_table};
use okta_connector::sync::{self, Next, Slice};
use okta_connector::synced::{Mode, Run, State};
use okta_connector_local::LocalScheduler;
use okta_simulator::Simulator;
use ports::{CountedSecrets, Versions};
use secrecy::SecretString;
use serde_json::json;
use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The table.
pub const TABLE: &str = "okta-connector";
const SLICE: Duration = Duration::from_mins(4);
/// Slices after which a run that does not end is a failure of the test.
const MOST_SLICES: usize = 200;

/// The machine's clock, and what a test has moved it by. It may panic, in the place of whatever else could.
#[derive(Default)]
pub struct MovedClock {
    millis: AtomicI64,
    until_panic: AtomicI64,
}

impl MovedClock {
    /// Moves it ahead.
    pub fn advance(&self, by: SignedDuration) {
        let millis = i64::try_from(by.as_millis()).expect("a test's duration");
        self.millis.fetch_add(millis.max(0), Ordering::SeqCst);
    }

    /// By how much it was moved.
    pub fn moved(&self) -> SignedDuration {
        SignedDuration::from_millis(self.millis.load(Ordering::SeqCst))
    }

    /// The nth reading from now on panics; with 0 none does.
    pub fn panic_at(&self, nth: i64) {
        self.until_panic.store(nth, Ordering::SeqCst);
    }

    /// True until that reading.
    pub fn will_panic(&self) -> bool {
        self.until_panic.load(Ordering::SeqCst) > 0
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        assert!(self.until_panic.fetch_sub(1, Ordering::SeqCst) != 1, "a test asked for this");
        SystemClock.now() + self.moved()
    }
}

/// What outlives a process.
pub struct Ground {
    /// Between every process and the tenant; its address is the tenant's domain.
    pub okta: Proxy,
    pub engine: Arc<Engine>,
    pub clock: Arc<MovedClock>,
    pub connection: Connection,
    tenant: Tenant,
    /// Of whoever starts runs, and of warm processes; made once, because it takes a while.
    transport: Arc<Transport>,
    secrets: Arc<Versions>,
    simulator: Simulator,
    /// The secrets' directory lasts as long as this does.
    _kept: TempDir,
}

/// What a function holds in memory.
pub struct Process {
    pub app: App,
    /// Between this process and the table.
    pub dynamodb: Proxy,
    connection: Connection,
    clock: Arc<MovedClock>,
    tenant: Tenant,
    gate: KillSwitch,
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate().expect("a key"));

impl Ground {
    /// A tenant that is connected with a signed key, and an empty table.
    pub async fn with(config: okta_simulator::Config) -> Self {
        crate::operations::record();
        let okta = Proxy::start("http://127.0.0.1:9").await;
        let config = okta_simulator::Config { public_url: Some(okta.url()), ..config };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let simulator = Box::pin(Simulator::start(config, listener)).await.expect("a simulator");
        okta.retarget(simulator.url());
        let directory = tempfile::tempdir().expect("a directory");
        let clock = Arc::<MovedClock>::default();
        let secrets = Arc::new(Versions::kept_in(directory.path(), clock.clone()));
        let connection = connect(&simulator, &okta, &secrets).await;
        let engine = engine().await;
        let transport = transport(&okta, clock.clone());
        let tenant = Tenant::new(simulator.url(), &simulator.credentials().api_token);
        let ground = Self { okta, engine, clock, connection, tenant, transport, secrets, simulator, _kept: directory };
        ground.furnish().await;
        let jwk = KEY.public_jwk().expect("a public key");
        ground.tenant().door("PATCH", "app", json!({"jwks": {"keys": [jwk]}})).await;
        ground
    }

    /// A table that knows the connection and nothing else, in the place of the one there was.
    pub async fn renew(&mut self) {
        self.renew_empty().await;
        self.furnish().await;
    }

    /// An empty table in the place of the one there was.
    pub async fn renew_empty(&mut self) {
        self.engine = engine().await;
    }

    /// A table that was kept, in the place of the one there is.
    pub async fn renew_from(&mut self, snapshot: &Snapshot) {
        self.engine = Arc::new(Engine::start_from(&snapshot.file).await.expect("a snapshot"));
    }

    /// The table as it is.
    pub fn snapshot(&self) -> Snapshot {
        let folder = Arc::new(tempfile::tempdir().expect("a directory"));
        let snapshot = Snapshot { file: folder.path().join("table"), _folder: folder };
        self.engine.snapshot(&snapshot.file).expect("a snapshot");
        snapshot
    }

    /// Signs in with an API token from now on; the table begins anew.
    pub async fn sign_in_by_token(&mut self) {
        let token = Some(SecretString::from(self.simulator.credentials().api_token.clone()));
        let secret = Credentials { token, ..Credentials::default() }.to_secret();
        let version = self.secrets.put(self.connection.id.as_str(), &secret).await.expect("a secret");
        self.connection.secret_version = Some(version);
        self.connection.auth = Auth::new(AuthType::ApiToken);
        self.renew().await;
    }

    async fn furnish(&self) {
        let stored = Stored { connection: self.connection.clone(), revision: 0 };
        connection::save(&self.store(), &stored).await.expect("a connection");
    }

    /// The table as it is, past every proxy.
    pub fn store(&self) -> Store {
        Store::new(&embedded_dynamodb::client(self.engine.endpoint()), TABLE, self.clock())
    }

    /// How callers sign in to the tenant.
    pub fn credentials(&self) -> &okta_simulator::Credentials {
        self.simulator.credentials()
    }

    /// Everything that lies in the table as text, what is packed unpacked.
    pub async fn contents(&self) -> String {
        let client = embedded_dynamodb::client(self.engine.endpoint());
        let items = client.scan().table_name(TABLE).into_paginator().items().send();
        let items: Vec<HashMap<String, AttributeValue>> = items.collect::<Result<_, _>>().await.expect("items");
        let mut text = format!("{items:?}");
        for packed in items.iter().flat_map(HashMap::values).filter_map(|value| value.as_b().ok()) {
            ZlibDecoder::new(packed.as_ref()).read_to_string(&mut text).expect("what we packed");
        }
        text
    }

    /// The tenant as its administrator sees it, past every proxy.
    pub fn tenant(&self) -> Tenant {
        self.tenant.clone()
    }

    fn clock(&self) -> SharedClock {
        self.clock.clone()
    }

    /// A new process; it dies when the switch fires.
    pub async fn process(&self, gate: &KillSwitch) -> Process {
        self.process_with(gate, transport(&self.okta, self.clock())).await
    }

    /// A process that has spoken to the tenant before; it dies when the switch fires.
    pub async fn warm_process(&self, gate: &KillSwitch) -> Process {
        self.process_with(gate, self.transport.clone()).await
    }

    async fn process_with(&self, gate: &KillSwitch, okta: Arc<Transport>) -> Process {
        let dynamodb = Proxy::start(self.engine.endpoint()).await;
        dynamodb.kill_at(gate);
        self.okta.kill_at(gate);
        let store = Store::new(&embedded_dynamodb::client(&dynamodb.url()), TABLE, self.clock());
        let secrets = Arc::new(CountedSecrets { secrets: self.secrets.clone(), gate: gate.clone() });
        let app = self.app(store, secrets, okta);
        let (connection, clock, tenant) = (self.connection.clone(), self.clock.clone(), self.tenant());
        Process { app, dynamodb, connection, clock, tenant, gate: gate.clone() }
    }

    fn app(&self, store: Store, secrets: Arc<dyn Secrets>, okta: Arc<Transport>) -> App {
        let public_url = "http://127.0.0.1:9".to_owned();
        App {
            store,
            secrets,
            okta,
            clock: self.clock(),
            runner: Arc::new(DrivenByTest),
            scheduler: Arc::new(LocalScheduler::default()),
            public_url,
            bus: None,
            feed_days: USUAL_DAYS,
        }
    }

    /// A process that nothing kills.
    pub async fn lasting(&self) -> Process {
        self.process(&KillSwitch::never()).await
    }

    /// How many versions a secret was given so far.
    pub fn versions(&self, secret: &str) -> usize {
        self.secrets.count(secret)
    }

    /// Records a run that nobody drives yet.
    pub async fn begin(&self, mode: Mode) -> SyncId {
        let app = self.app(self.store(), self.secrets.clone(), self.transport.clone());
        runs::start(&app, &self.connection, mode).await.expect("a run").id
    }

    /// Drives a run to its end, undisturbed; gives how many calls that took.
    pub async fn count(&self, run: &SyncId) -> usize {
        let gate = KillSwitch::never();
        self.process(&gate).await.drive(run).await.expect("nothing kills it");
        gate.count()
    }

    /// Drives a run to its end, undisturbed; gives the table as it was at each of these points.
    pub async fn kept_at(&self, run: &SyncId, points: &[Point]) -> Vec<(Point, Snapshot)> {
        let (gate, kept) = keep(&self.engine, points);
        self.process(&gate).await.drive(run).await.expect("nothing kills it");
        for (point, snapshot) in &kept {
            assert!(snapshot.file.exists(), "{point:?}: there is such a call");
        }
        kept
    }

    /// Records a run and drives it to its end, undisturbed.
    pub async fn sync(&self, mode: Mode) -> Run {
        let run = self.begin(mode).await;
        self.lasting().await.drive(&run).await.expect("nothing kills it");
        self.run(&run).await
    }

    /// Confirms what a run would remove, and drives it to its end.
    pub async fn confirm(&self, run: &SyncId) -> Run {
        let process = self.lasting().await;
        runs::confirm(&process.app, &self.connection, run).await.expect("a question");
        process.drive(run).await.expect("nothing kills it");
        self.run(run).await
    }

    /// A run as it is stored.
    pub async fn run(&self, id: &SyncId) -> Run {
        Run::load(&self.store(), &self.connection.id, id).await.expect("a table").expect("a run")
    }

    /// What the last run left behind.
    pub async fn state(&self) -> State {
        State::load(&self.store(), &self.connection.id).await.expect("a table")
    }
}

/// An engine with an empty table.
async fn engine() -> Arc<Engine> {
    let engine = Engine::start(None).await.expect("an engine");
    create_table(&embedded_dynamodb::client(engine.endpoint()), TABLE).await.expect("a table");
    Arc::new(engine)
}

/// A copy of the table, in a file that lasts as long as this does.
#[derive(Clone)]
pub struct Snapshot {
    file: PathBuf,
    _folder: Arc<TempDir>,
}

/// Keeps the table as a process would leave it that dies at each of these points, of whatever runs under the switch.
pub fn keep(engine: &Arc<Engine>, points: &[Point]) -> (KillSwitch, Vec<(Point, Snapshot)>) {
    let folder = Arc::new(tempfile::tempdir().expect("a directory"));
    let file = |point: &Point| folder.path().join(format!("{:?}-{}", point.when, point.call));
    let kept: Vec<_> =
        points.iter().map(|point| (*point, Snapshot { file: file(point), _folder: folder.clone() })).collect();
    let (engine, wanted) = (engine.clone(), kept.clone());
    let gate = KillSwitch::watched(move |call, when| {
        if let Some((_, snapshot)) = wanted.iter().find(|(point, _)| *point == Point { call, when }) {
            engine.snapshot(&snapshot.file).expect("a snapshot");
        }
    });
    (gate, kept)
}

fn transport(okta: &Proxy, clock: SharedClock) -> Arc<Transport> {
    let allowed = AllowedOrigins::parse([okta.url().as_str()]).expect("a loopback origin");
    Transport::new(Arc::new(SystemResolver), allowed, clock).expect("a transport")
}

/// A connection with a pasted key that asks for what a sync needs.
async fn connect(simulator: &Simulator, okta: &Proxy, secrets: &Versions) -> Connection {
    let settings: Settings = serde_json::from_value(json!({"name": "Acme"})).expect("settings");
    let mut connection = Connection::pending(
        ConnectionId::random(),
        Auth::new(AuthType::PrivateKeyJwt),
        settings,
        Timestamp::UNIX_EPOCH,
    );
    let credentials = Credentials { supplied_key: Some(KEY.to_secret()), ..Credentials::default() };
    let version = secrets.put(connection.id.as_str(), &credentials.to_secret()).await.expect("a secret");
    let auth = &mut connection.auth;
    auth.client_id = Some(simulator.credentials().client_id.clone());
    auth.key_source = Some(KeySource::Supplied);
    auth.key_id = KEY.public_jwk().expect("a public key").common.key_id;
    auth.scopes = ["okta.users.read", "okta.groups.read", "okta.apps.read", "okta.logs.read"].map(str::to_owned).into();
    connection.secret_version = Some(version);
    connection.domain = Some(okta.url());
    connection.status = Status::Active;
    connection
}

/// The process died.
#[derive(Debug)]
pub struct Died;

impl Process {
    /// Drives a run to its end as the state machine would, under one execution's name. A wait moves the clock,
    /// the tenant's as well.
    pub async fn drive(&self, run: &SyncId) -> Result<(), Died> {
        self.drive_as(run, run.as_str()).await
    }

    /// Drives a run to its end under an execution's name.
    pub async fn drive_as(&self, run: &SyncId, execution: &str) -> Result<(), Died> {
        for _ in 0..MOST_SLICES {
            let next = tokio::select! {
                biased;
                () = self.gate.died() => return Err(Died),
                next = self.slice(run, execution) => next,
            };
            match next {
                Ok(Next::Done) => return Ok(()),
                Ok(Next::Wait(until)) => {
                    let wait = until.duration_since(self.clock.now()).as_secs().max(0) + 1;
                    self.clock.advance(SignedDuration::from_secs(wait));
                    self.tenant.door("POST", "clock", json!({"advance": format!("{wait}s")})).await;
                }
                Ok(Next::Again) | Err(_) => {}
            }
        }
        panic!("the run does not end")
    }

    /// One slice.
    pub async fn slice(&self, run: &SyncId, execution: &str) -> Result<Next, Problem> {
        let (connection, execution) = (self.connection.id.clone(), execution.to_owned());
        sync::slice(&self.app, &Slice { connection, run: run.clone(), execution }, SLICE).await
    }
}
